package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Several backfills may name one page, at once or one after the other, and each has a range of its own. The page is an item of the run that
// named it first; what that run finds outside of its range, another one gets.

// wantedBy chooses items of a run, and those that it waits for; the run is the argument, twice. It is a UNION, since PostgreSQL reads the
// whole table for an OR with a subquery in it.
const wantedBy = `id IN (SELECT id FROM items WHERE backfill = ? AND backfill <> 0 UNION SELECT item FROM backfill_wants WHERE backfill = ?)`

// anew opens an item for a run, as if it had found it now.
const anew = `UPDATE items SET state = 'open', backfill = ?, due = ?, attempts = 0, claims = 0, claimed_by = '', error = '', first_try = 0`

// refused chooses items that a run read and found outside of its range, and that are in another one's, as far as is known: published is when
// the page says that it was published. The arguments are those of inRange.
const refused = `quiet = 1 AND state = 'done' AND article = 0 AND CASE WHEN published = 0 THEN ? = 1 ELSE published >= ? AND published < ? END`

// inRange are the arguments of refused.
func inRange(r pipeline.BackfillRun) []any {
	until := int64(1<<63 - 1)
	if !r.Range.Until.IsZero() {
		until = ms(r.Range.Until)
	}
	return []any{bit(r.Undated), ms(r.Range.Since), until}
}

// find stores what a run's walk named, and reports whether it is to be fetched (1) or known (0).
func (s *Store) find(c conn, r pipeline.BackfillRun, source string, it pipeline.Item) (int, error) {
	var id, of int64
	var state pipeline.ItemState
	var copied string
	err := c.get([]any{&id, &state, &of, &copied}, `SELECT id, state, backfill, copy FROM items WHERE canonical = ? AND canonical <> '' ORDER BY id LIMIT 1`, ident(it.Canonical))
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && (of == r.ID || of == 0 && state != pipeline.ItemDead):
		return s.saveItems(c, it.Feed, []pipeline.Item{it})
	case err != nil:
		return 0, err
	case state == pipeline.ItemOpen:
		_, err := c.exec(`INSERT INTO backfill_wants (backfill, item, source) VALUES (?, ?, ?) ON CONFLICT (backfill, item) DO NOTHING`, r.ID, id, source)
		return 0, err
	case state == pipeline.ItemDead && it.Copy != "" && it.Copy != copied:
		// The page itself could not be had, or not that copy of it.
		n, err := c.exec(anew+`, host = ?, copy = ?, taken = ?, quiet = 1 WHERE id = ? AND article = 0`, r.ID, ms(s.now()), ident(it.Host), it.Copy, ms(it.Taken), id)
		return int(n), err
	case state == pipeline.ItemDone:
		n, err := c.exec(anew+` WHERE id = ? AND `+refused, append([]any{r.ID, ms(s.now()), id}, inRange(r)...)...)
		return int(n), err
	}
	return 0, nil
}

// Wanting lists the runs that wait for an item of another one.
func (s *Store) Wanting(ctx context.Context, item int64) (out []pipeline.BackfillRun, err error) {
	c, done := s.read(ctx)
	defer done()
	ids, err := column[int64](c, `SELECT backfill FROM backfill_wants WHERE item = ? ORDER BY backfill`, item)
	for _, id := range ids {
		r, rerr := scanBackfill(c, `id = ?`, id)
		out, err = append(out, r), errors.Join(err, rerr)
	}
	if err != nil {
		return nil, fmt.Errorf("list the backfills that wait for item %d: %w", item, err)
	}
	return out, nil
}

// TakeWanted opens the items that a run named and another one has read meanwhile and found outside of its own range, where they are in this
// one's. It says how many: they are new to the walks that named them.
func (s *Store) TakeWanted(ctx context.Context, r pipeline.BackfillRun) (int, error) {
	total := int64(0)
	err := s.tx(ctx, func(c conn) error {
		total = 0
		sources, err := column[string](c, `SELECT DISTINCT source FROM backfill_wants WHERE backfill = ? ORDER BY source`, r.ID)
		if err != nil {
			return err
		}
		for _, source := range sources {
			n, err := c.exec(anew+` WHERE id IN (SELECT item FROM backfill_wants WHERE backfill = ? AND source = ?) AND backfill <> ? AND `+refused,
				append([]any{r.ID, ms(s.now()), r.ID, source, r.ID}, inRange(r)...)...)
			if err == nil && n > 0 {
				_, err = c.exec(`UPDATE backfill_sources SET added = added + ?, known = known - ? WHERE backfill = ? AND source = ?`, n, n, r.ID, source)
			}
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take over what other backfills do not want: %w", err)
	}
	return int(total), nil
}

// BackfillItems counts by their state a run's items and those of others that it waits for; and of its own ones the bare, that have brought no
// article: done ones are outside its range.
func (s *Store) BackfillItems(ctx context.Context, backfill int64) (states, bare map[pipeline.ItemState]int, err error) {
	c, done := s.read(ctx)
	defer done()
	states, bare = map[pipeline.ItemState]int{}, map[pipeline.ItemState]int{}
	err = c.each(func(scan func(...any) error) error {
		var state pipeline.ItemState
		var n, without int
		err := scan(&state, &n, &without)
		states[state], bare[state] = n, without
		return err
	}, `SELECT state, COUNT(*), SUM(CASE WHEN article = 0 AND backfill = ? THEN 1 ELSE 0 END) FROM items WHERE `+wantedBy+` GROUP BY state`, backfill, backfill, backfill)
	if err != nil {
		return nil, nil, fmt.Errorf("count the items of backfill %d: %w", backfill, err)
	}
	return states, bare, nil
}

// BackfillDue reports whether a page that a run named, or waits for, is to be fetched at now.
func (s *Store) BackfillDue(ctx context.Context, backfill int64, now time.Time) (bool, error) {
	c, done := s.read(ctx)
	defer done()
	due, err := c.has(`SELECT 1 FROM items WHERE state = 'open' AND due <= ? AND `+wantedBy, ms(now), backfill, backfill)
	if err != nil {
		return false, fmt.Errorf("look what backfill %d has to fetch: %w", backfill, err)
	}
	return due, nil
}
