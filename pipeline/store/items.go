package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
)

const itemColumns = `id, feed, guid, canonical, host, origin, quiet, state, due, attempts, claims, error, first_seen, first_try, article,
	fallback, updated, published, published_raw, url, title, author, tags, summary, content, visit, etag,
	last_modified, doubt, backfill, copy, taken`

func scanItem(scan func(...any) error) (pipeline.Item, error) {
	var it pipeline.Item
	var due, seen, try, updated, published, visit, taken int64
	var tags string
	e := &it.Entry
	err := scan(&it.ID, &it.Feed, &e.GUID, &it.Canonical, &it.Host, &it.Origin, &it.Quiet, &it.State, &due, &it.Attempts, &it.Claims,
		&it.Error, &seen, &try, &it.Article, &it.Fallback, &updated, &published, &e.PublishedRaw, &e.URL, &e.Title, &e.Author, &tags,
		&e.Summary, &e.Content, &visit, &it.ETag, &it.LastModified, &it.Doubt, &it.Backfill, &it.Copy, &taken)
	if err != nil {
		return it, err
	}
	it.Due, it.FirstSeen, it.FirstTry, e.Updated, e.Published = at(due), at(seen), at(try), at(updated), at(published)
	it.Visit, it.Taken = at(visit), at(taken)
	return it, unlist(tags, &e.Tags, "tags")
}

func loadItems(c conn, q string, args ...any) ([]pipeline.Item, error) {
	var out []pipeline.Item
	err := c.each(func(scan func(...any) error) error {
		it, err := scanItem(scan)
		out = append(out, it)
		return err
	}, q, args...)
	return out, err
}

// DueHosts lists hosts with open items due, the longest due first, except those that a run has under a lease at now.
func (s *Store) DueHosts(ctx context.Context, now time.Time, limit int) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT q.host
		FROM (SELECT host, MIN(due) AS due FROM items WHERE state = 'open' AND due <= ? GROUP BY host) q
		WHERE 1 = 1`+untaken(`q.host`)+` ORDER BY q.due, q.host LIMIT ?`, ms(now), kindProcess, ms(now), limit)
	if err != nil {
		return nil, fmt.Errorf("list due hosts: %w", err)
	}
	return out, nil
}

// ClaimItems takes up to n due items of the lease's host, oldest first, counts the claim on each and sets FirstTry where it is
// zero. Items claimed by this lease's owner before are not given again until their outcome is stored. From the third claim without an
// outcome on, an item is not due again for some time that doubles, and that is another for each item: so those that were in one hand when
// a process ended part company.
func (s *Store) ClaimItems(ctx context.Context, l pipeline.Lease, now time.Time, n int) ([]pipeline.Item, error) {
	var out []pipeline.Item
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.fence(l); err != nil {
			return err
		}
		out, err = loadItems(c, `UPDATE items SET claims = claims + 1, claimed_by = ?,
			due = CASE WHEN claims < 2 OR claims > 20 THEN due ELSE ? + (1000 << CAST(claims AS INTEGER)) * (97 + id % 97) / 97 END,
			first_try = CASE WHEN first_try = 0 THEN ? ELSE first_try END
			WHERE id IN (SELECT id FROM items WHERE state = 'open' AND host = ? AND due <= ? AND claimed_by <> ? ORDER BY due, id LIMIT ?`+
			c.d.rowLock+`) RETURNING `+itemColumns, l.Owner, ms(now), ms(now), ident(l.Key), ms(now), l.Owner, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim items of %s: %w", l.Key, err)
	}
	slices.SortFunc(out, func(a, b pipeline.Item) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// SaveItem stores the outcome of an item that brought no article, under the lease.
func (s *Store) SaveItem(ctx context.Context, l pipeline.Lease, it pipeline.Item) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		return saveItem(c, it)
	})
	if err != nil {
		return fmt.Errorf("save item %d: %w", it.ID, err)
	}
	return nil
}

// saveItem stores an outcome, which ends the claim.
func saveItem(c conn, it pipeline.Item) error {
	// An item that a poll made loud while a run had it in hand quietly stays open: the next run tells what this one did not.
	// One that a poll opened while its page was looked at again (open, and nobody has claimed it) stays open as it is, too.
	n, err := c.exec(`UPDATE items SET state = CASE WHEN quiet < ? THEN 'open' ELSE ? END, due = ?, attempts = ?, claims = 0, claimed_by = '',
		error = ?, first_try = ?, article = ?, fallback = ?, visit = ?, etag = ?, last_modified = ?, doubt = ?, published = ?
		WHERE id = ? AND (state <> 'open' OR claims > 0)`,
		bit(it.Quiet), string(it.State), ms(it.Due), it.Attempts, it.Error, ms(it.FirstTry), it.Article, bit(it.Fallback),
		ms(it.Visit), it.ETag, it.LastModified, it.Doubt, ms(it.Entry.Published), it.ID)
	if err == nil && n == 0 {
		n, err = c.exec(`UPDATE items SET article = ? WHERE id = ?`, it.Article, it.ID)
	}
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// An ItemFilter chooses items. Its zero values choose all.
type ItemFilter struct {
	State pipeline.ItemState
	Feed  string
	IDs   []int64
	Limit int // 0: 100
}

// Items lists items, the newest first.
func (s *Store) Items(ctx context.Context, f ItemFilter) ([]pipeline.Item, error) {
	w := where{}
	w.add(f.State != "", `state = ?`, string(f.State))
	w.add(f.Feed != "", `feed = ?`, f.Feed)
	w.in(`id`, f.IDs)
	c, done := s.read(ctx)
	defer done()
	out, err := loadItems(c, `SELECT `+itemColumns+` FROM items`+w.String()+` ORDER BY id DESC LIMIT ?`, append(w.args, limit(f.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return out, nil
}

// RetryItems opens items again, due now, with a clean slate: all dead ones, or those of ids in any state except ones that a run
// has in hand. It says how many.
func (s *Store) RetryItems(ctx context.Context, ids ...int64) (int, error) {
	total := int64(0)
	err := s.tx(ctx, func(c conn) error {
		total = 0
		const set = `UPDATE items SET state = 'open', due = ?, attempts = 0, claims = 0, claimed_by = '', error = '', first_try = 0 WHERE `
		now := ms(s.now())
		if len(ids) == 0 {
			n, err := c.exec(set+`state = 'dead'`, now)
			total = n
			return err
		}
		return inChunks(ids, func(marks string, args []any) error {
			n, err := c.exec(set+`(state <> 'open' OR claims = 0) AND id IN (`+marks+`)`, append([]any{now}, args...)...)
			total += n
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("retry items: %w", err)
	}
	return int(total), nil
}

// where collects conditions.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(when bool, cond string, args ...any) {
	if when {
		w.parts, w.args = append(w.parts, cond), append(w.args, args...)
	}
}

// site is the condition that what col names is a site or one of its subdomains; "" is every site.
func (w *where) site(col, site string) {
	if site != "" {
		w.sites(col, []string{site})
	}
}

// sites is the condition that what col names is one of sites or of their subdomains; none is every site.
func (w *where) sites(col string, sites []string) {
	var each []string
	var args []any
	for _, s := range sites {
		s = ident(s)
		each = append(each, col+` = ? OR `+col+` LIKE ? ESCAPE '\'`)
		args = append(args, s, `%.`+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s))
	}
	w.add(len(each) > 0, `(`+strings.Join(each, ` OR `)+`)`, args...)
}

func (w *where) in(col string, ids []int64) {
	if len(ids) == 0 {
		return
	}
	w.parts = append(w.parts, col+` IN (`+marks(len(ids))+`)`)
	for _, id := range ids {
		w.args = append(w.args, id)
	}
}

func (w *where) String() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

// limit is the LIMIT of a list: 100 where nothing is said.
func limit(n int) int {
	if n <= 0 {
		return 100
	}
	return n
}
