package past

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// second gives all posts of one second, which are more than a page holds: by ID, which no two share, and then those that are still missing by
// naming the ones that are there. The walk can go on behind the second, not within.
func (w *wpWalk) second(ctx context.Context, date string) error {
	q := wpWindow(date, wpLater(date, time.Second))
	q.Set("orderby", "id")
	q.Set("order", "asc")
	seen := map[int64]bool{}
	total, err := w.pages(ctx, q, date, seen)
	for more := true; err == nil && more && len(seen) < total && len(seen) <= 500; { // as many as fit into an address
		before := len(seen)
		ids := make([]string, 0, before)
		for id := range seen {
			ids = append(ids, strconv.FormatInt(id, 10))
		}
		slices.Sort(ids)
		q.Set("exclude", strings.Join(ids, ","))
		_, err = w.pages(ctx, q, date, seen)
		more = len(seen) > before
	}
	if err == nil && len(seen) < total {
		err = w.try(ctx)
	}
	if err == nil && len(seen) < total && !w.api.uncounted {
		err = w.found(pipeline.Find{Err: fmt.Errorf("%s: of the %d posts of %s that are counted %d are shown; the others may be hidden ones", w.Name(), total, date, len(seen))})
	}
	w.at = wpCursor{Date: wpLater(date, time.Second)}
	if err != nil {
		w.held = nil // and found again by the next walk
		return err
	}
	return w.hold(nil, w.at.String())
}

// hold gives the post that was held back, with a cursor, and holds back another in its place: the last one of a second says that the walk can go
// on behind it.
func (w *wpWalk) hold(next *wpPost, cursor string) error {
	p := w.held
	w.held = next
	if p == nil {
		return nil
	}
	return w.one(*p, cursor)
}

// pages gives what all pages of a question have of one second and was not seen, and says how many the server counts.
func (w *wpWalk) pages(ctx context.Context, q url.Values, date string, seen map[int64]bool) (total int, err error) {
	for page, idle := 1, 0; idle < 20; page++ {
		got, err := w.api.posts(ctx, q, page)
		if errors.Is(err, errSmaller) {
			page = 0
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := w.broken(got); err != nil {
			return 0, err
		}
		total = max(total, got.total)
		fresh := 0
		for _, p := range got.posts {
			if seen[p.ID] || p.Date != date {
				continue
			}
			seen[p.ID] = true
			fresh++
			if err := w.hold(&p, ""); err != nil {
				return 0, err
			}
		}
		if idle++; fresh > 0 {
			idle = 0
		} else if page >= got.pages { // before, a page with nothing new, or nothing at all, may have more behind it
			break
		}
	}
	return total, nil
}
