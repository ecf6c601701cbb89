package past

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	entities "html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// A wordpressPast is the archive of a WordPress site by its REST API.
//
// The API selects and orders posts by their date in the site's own time, as does the walk; what lies outside the range is left out by
// the date in UTC. It never turns a page as long as posts have dates of their own: the next question begins at the last date of the answer,
// whose posts are held back until all of them are there, since nobody says in which order posts of one second come.
type wordpressPast struct {
	api *wpAPI
	now func() time.Time
}

func newWordpressPast(arg string, d Deps) (pipeline.Past, error) {
	u, err := url.Parse(arg)
	if err != nil || scrapers.Authority(u) == pipeline.NoHost {
		return nil, errors.New("the site is not an http or https address, such as https://example.org/")
	}
	bare := bareAddress(u)
	opts := withUser(scrapers.RequestOptions{URL: bare.String()}, u)
	return &wordpressPast{api: &wpAPI{client: d.Client, site: bare, opts: opts, perPage: 100}, now: d.Now}, nil
}

func (p *wordpressPast) Name() string { return "wordpress " + p.api.site.String() }

// Estimate asks for the site's zone and counts the posts of the range.
func (p *wordpressPast) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	var index struct {
		Zone   string          `json:"timezone_string"`
		Offset json.RawMessage `json:"gmt_offset"` // hours; a text in some versions
	}
	q := url.Values{"_fields": {"timezone_string,gmt_offset"}}
	var zone *time.Location
	if _, err := p.api.get(ctx, "/", q, &index); err == nil {
		zone = wpZone(index.Zone, strings.Trim(string(index.Offset), `"`))
	} // else the count below says what is wrong, or is a guess
	from, to := wpRange(r)
	if zone != nil {
		from, to = "", ""
		if !r.Since.IsZero() { // up to the second: an earlier date in it lies before Since
			from = r.Since.Add(time.Second - 1).In(zone).Format(wpTime)
		}
		if !r.Until.IsZero() {
			to = r.Until.Add(time.Second - 1).In(zone).Format(wpTime)
		}
	}
	q = wpWindow(from, to)
	q.Set("_fields", "id")
	q.Set("per_page", "1")
	var posts []json.RawMessage
	h, err := p.api.get(ctx, "/wp/v2/posts", q, &posts)
	if err != nil {
		return pipeline.Estimate{}, err
	}
	n := wpCount(h, "X-WP-Total")
	est := pipeline.Estimate{Articles: n, Requests: map[string]int{}, Bytes: -1, About: zone == nil || n < 0}
	host := scrapers.Authority(p.api.root)
	if est.Requests[host] = -1; n >= 0 {
		est.Requests[host] = n + n/max(1, p.api.perPage-1) + 2 // pages, the lists, and what finds them
	}
	return est, nil
}

// A wpCursor is the last post that was given with all that come before it.
type wpCursor struct {
	Date string `json:"date"`
	ID   int64  `json:"id"` // 0: none of that date
}

func (c wpCursor) String() string {
	b, err := json.Marshal(c)
	if err != nil { // cannot be: a text and a number
		return ""
	}
	return string(b)
}

func (c wpCursor) past(p wpPost) bool {
	return p.Date > c.Date || p.Date == c.Date && p.ID > c.ID
}

// Walk gives the posts by date, then ID.
func (p *wordpressPast) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	w := wpWalk{wordpressPast: p, r: r, found: found}
	from, to := wpRange(r)
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &w.at); err != nil || !wpDate(w.at.Date) {
			return &pipeline.Failure{Verdict: pipeline.Final, Reason: "checkpoint", Err: fmt.Errorf("%s: its checkpoint cannot be read; begin anew", p.Name())}
		}
		from = max(from, w.at.Date)
	}
	end := to // of the window; it is narrowed where the API does not order by date
	for to == "" || from < to {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := w.page(ctx, from, end)
		if err != nil {
			return err
		}
		var first, last string
		if n := len(got.posts); n > 0 {
			first, last = got.posts[0].Date, got.posts[n-1].Date
		}
		switch {
		case got.whole:
			if err := w.give(got.posts); err != nil || end == to {
				return err
			}
			from, end = end, wpWiden(from, end, to)
		case last == "" || !got.ordered:
			from = cmp.Or(from, "1000-01-01T00:00:00") // no database of WordPress holds older ones
			if end = wpNarrow(from, end, w.now()); end > wpLater(from, time.Second) {
				continue
			}
			if err := w.second(ctx, from); err != nil {
				return err
			}
			from, end = wpLater(from, time.Second), to
		case first < last: // the second of the last one may go on behind the page
			held := slices.IndexFunc(got.posts, func(p wpPost) bool { return p.Date == last })
			if err := w.give(got.posts[:held]); err != nil {
				return err
			}
			from = last
		case from < last: // full of one second; nothing says so far that none comes before it
			end = last
		default:
			if err := w.second(ctx, last); err != nil {
				return err
			}
			from, end = wpLater(last, time.Second), to
		}
	}
	return nil
}

// A wpWalk is one walk.
type wpWalk struct {
	*wordpressPast
	r     pipeline.Range
	found func(pipeline.Find) error
	at    wpCursor
}

// A wpSorted is a page whose posts are sorted by date, then ID.
type wpSorted struct {
	posts   []wpPost
	whole   bool // they are all there are
	ordered bool // the server had them by date
}

// page asks for the first posts of a window.
func (w *wpWalk) page(ctx context.Context, from, end string) (wpSorted, error) {
	q := wpWindow(from, end)
	q.Set("orderby", "date")
	q.Set("order", "asc")
	p, err := w.api.posts(ctx, q, 1)
	if err != nil {
		return wpSorted{}, err
	}
	if err := w.broken(p); err != nil {
		return wpSorted{}, err
	}
	for _, post := range p.posts { // some count the borders in
		if !wpDate(post.Date) || from != "" && post.Date < wpLater(from, -time.Second) || end != "" && post.Date > end {
			return wpSorted{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "dates",
				Err: fmt.Errorf("%s gave a post of %.30q when asked for those from %s to %s: its API does not select by date; %s", scrapers.Authority(w.api.root), post.Date, cmp.Or(from, "the first"), cmp.Or(end, "the last"), w.api.instead())}
		}
	}
	byDate := func(a, b wpPost) int { return strings.Compare(a.Date, b.Date) }
	out := wpSorted{whole: p.whole(), ordered: slices.IsSortedFunc(p.posts, byDate)}
	out.posts = slices.DeleteFunc(p.posts, func(p wpPost) bool { return p.Date < from })
	slices.SortFunc(out.posts, func(a, b wpPost) int { return cmp.Or(byDate(a, b), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func (w *wpWalk) broken(p wpPage) error {
	for _, err := range p.broken {
		if err := w.found(pipeline.Find{Err: fmt.Errorf("%s: %w", w.Name(), err)}); err != nil {
			return err
		}
	}
	return nil
}

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
		err = w.found(pipeline.Find{Err: fmt.Errorf("%s: of the %d posts of %s that are counted %d are shown; the others may be hidden ones", w.Name(), total, date, len(seen))})
	}
	w.at = wpCursor{Date: wpLater(date, time.Second)}
	return err
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
			if err := w.one(p, ""); err != nil {
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

// give gives posts that are complete up to the last of them.
func (w *wpWalk) give(posts []wpPost) error {
	for _, p := range posts {
		if !w.at.past(p) {
			continue
		}
		w.at = wpCursor{p.Date, p.ID}
		if err := w.one(p, w.at.String()); err != nil {
			return err
		}
	}
	return nil
}

// one gives a post, unless it lies outside the range.
func (w *wpWalk) one(p wpPost, cursor string) error {
	e := pipeline.Entry{
		GUID: entities.UnescapeString(p.GUID.Rendered), // as the site's feed says it
		URL:  p.Link, Title: feed.Plain(p.Title.Rendered), PublishedRaw: cmp.Or(p.DateGMT, p.Date),
		Summary: p.Excerpt.Rendered, Content: p.Content.Rendered,
	}
	if a := p.Embedded.Author; len(a) > 0 {
		e.Author = a[0].Name
	}
	e.Updated, _ = time.Parse(wpTime, p.Modified)
	if t, err := time.Parse(wpTime, p.DateGMT); err == nil {
		if e.Published = t; !w.r.Holds(t) {
			return nil
		}
	}
	f := pipeline.Find{Entry: e, Cursor: cursor}
	if scrapers.Host(e.URL) == pipeline.NoHost {
		f = pipeline.Find{Cursor: cursor, Err: fmt.Errorf("%s: post %d has no address", w.Name(), p.ID)}
	}
	return w.found(f)
}
