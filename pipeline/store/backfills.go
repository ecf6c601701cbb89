package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// OpenBackfill goes on with the unfinished run of what is asked, or begins it as r says. It returns the run as it stands.
func (s *Store) OpenBackfill(ctx context.Context, r pipeline.BackfillRun) (pipeline.BackfillRun, error) {
	err := s.tx(ctx, func(c conn) error {
		if err := c.lock(lockItems); err != nil { // two of the same command go on with one run
			return err
		}
		found, err := scanBackfill(c, `asked = ? AND finished = 0 ORDER BY id DESC LIMIT 1`, r.Asked)
		if err == nil {
			r = found
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		r.Started = at(ms(s.now()))
		return c.get([]any{&r.ID}, `INSERT INTO backfills (asked, since_ms, until_ms, undated, most, started) VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
			r.Asked, ms(r.Range.Since), ms(r.Range.Until), bit(r.Undated), r.Limit, ms(r.Started))
	})
	if err != nil {
		return r, fmt.Errorf("open the backfill: %w", err)
	}
	return r, nil
}

// Backfill loads a run. ErrNotFound: there is none.
func (s *Store) Backfill(ctx context.Context, id int64) (pipeline.BackfillRun, error) {
	c, done := s.read(ctx)
	defer done()
	r, err := scanBackfill(c, `id = ?`, id)
	if err != nil {
		return r, fmt.Errorf("load backfill %d: %w", id, err)
	}
	return r, nil
}

func scanBackfill(c conn, where string, args ...any) (r pipeline.BackfillRun, err error) {
	var since, until, started, finished int64
	err = c.get([]any{&r.ID, &r.Asked, &since, &until, &r.Undated, &r.Limit, &started, &finished},
		`SELECT id, asked, since_ms, until_ms, undated, most, started, finished FROM backfills WHERE `+where, args...)
	r.Range, r.Started, r.Finished = pipeline.Range{Since: at(since), Until: at(until)}, at(started), at(finished)
	return r, err
}

// FinishBackfill ends a run: the same command begins anew after it.
func (s *Store) FinishBackfill(ctx context.Context, id int64) error {
	err := s.tx(ctx, func(c conn) error {
		_, err := c.exec(`UPDATE backfills SET finished = ? WHERE id = ?`, ms(s.now()), id)
		if err == nil {
			_, err = c.exec(`DELETE FROM backfill_wants WHERE backfill = ?`, id)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("finish backfill %d: %w", id, err)
	}
	return nil
}

const walkColumns = `source, cursor, done, found, added, known, outside, failed, error`

// Walks lists how far a run's walks are, by source.
func (s *Store) Walks(ctx context.Context, backfill int64) ([]pipeline.Walk, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadWalks(c, `backfill = ? ORDER BY source`, backfill)
	if err != nil {
		return nil, fmt.Errorf("list the walks of backfill %d: %w", backfill, err)
	}
	return out, nil
}

func loadWalks(c conn, where string, args ...any) (out []pipeline.Walk, err error) {
	err = c.each(func(scan func(...any) error) error {
		var w pipeline.Walk
		err := scan(&w.Source, &w.Cursor, &w.Done, &w.Found, &w.Added, &w.Known, &w.Outside, &w.Failed, &w.Error)
		out = append(out, w)
		return err
	}, `SELECT `+walkColumns+` FROM backfill_sources WHERE `+where, args...)
	return out, err
}

func saveWalk(c conn, backfill int64, w pipeline.Walk) error {
	_, err := c.exec(`INSERT INTO backfill_sources (backfill, `+walkColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (backfill, source) DO UPDATE SET cursor = excluded.cursor, done = excluded.done, found = excluded.found, added = excluded.added,
			known = excluded.known, outside = excluded.outside, failed = excluded.failed, error = excluded.error`,
		backfill, w.Source, Clean(w.Cursor), bit(w.Done), w.Found, w.Added, w.Known, w.Outside, w.Failed, Clean(w.Error))
	return err
}

// SaveWalk stores how far a walk is, in the transaction that stores what it found.
func (t *Tx) SaveWalk(backfill int64, w pipeline.Walk) error {
	if err := saveWalk(t.c, backfill, w); err != nil {
		return fmt.Errorf("save the walk of %s: %w", w.Source, err)
	}
	return nil
}

// SaveFinds stores items that a walk found, and with them how far it is, under the lease. Items whose address is known change nothing, but
// for what another backfill did not want or could not get, see find. It adds to the walk's numbers how many were new and how many known, and
// returns them.
func (s *Store) SaveFinds(ctx context.Context, l pipeline.Lease, backfill int64, w pipeline.Walk, items []pipeline.Item) (pipeline.Walk, error) {
	out := w
	err := s.tx(ctx, func(c conn) error {
		out = w
		if err := c.fence(l); err != nil {
			return err
		}
		if err := c.lock(lockItems); err != nil {
			return err
		}
		run, err := scanBackfill(c, `id = ?`, backfill)
		if err != nil && (len(items) > 0 || !errors.Is(err, ErrNotFound)) {
			return err
		}
		added := 0
		for _, it := range items {
			known, err := c.has(`SELECT 1 FROM articles WHERE canonical = ?`, ident(it.Canonical))
			if err != nil {
				return err
			}
			if known {
				continue
			}
			it.Backfill = backfill
			n, err := s.find(c, run, w.Source, it)
			if err != nil {
				return err
			}
			added += n
		}
		out.Added, out.Known = out.Added+added, out.Known+len(items)-added
		return saveWalk(c, backfill, out)
	})
	if err != nil {
		return w, fmt.Errorf("save what %s lists: %w", w.Source, err)
	}
	return out, nil
}

// Unjoined lists the first articles in the order of publication (then by address) that belong to no story yet, without bodies and blocks;
// Terms are what they are about, where that is known still.
func (s *Store) Unjoined(ctx context.Context, limit int) ([]pipeline.Placed, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadPlaced(c, `a.story = 0 ORDER BY a.published, a.canonical, a.id LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("list what is not joined yet: %w", err)
	}
	return out, nil
}

// PastIsIdle reports whether no backfill is at work at now: none holds a lease, and no page that it found has still to be tried.
func (s *Store) PastIsIdle(ctx context.Context, now time.Time) (bool, error) {
	c, done := s.read(ctx)
	defer done()
	busy, err := c.has(`SELECT 1 FROM leases WHERE kind = ? AND owner <> '' AND until_ms > ?`, kindBackfill, ms(now))
	if err == nil && !busy {
		busy, err = c.has(`SELECT 1 FROM items WHERE backfill <> 0 AND state = 'open' AND attempts = 0`)
	}
	if err != nil {
		return false, fmt.Errorf("look whether a backfill is at work: %w", err)
	}
	return !busy, nil
}

// Near calls f for the articles with a story whose time (of publication, or when they were seen where that is unknown) is in [from, to).
func (t *Tx) Near(from, to time.Time, f func(pipeline.Placed)) error {
	for _, where := range []string{`a.published >= ? AND a.published < ? AND a.published <> 0`, `a.published = 0 AND a.seen >= ? AND a.seen < ?`} {
		err := eachPlaced(t.c, f, where+` AND a.story <> 0 AND a.sketch IS NOT NULL ORDER BY a.published, a.canonical, 12, a.id`, ms(from), ms(to))
		if err != nil {
			return fmt.Errorf("list the articles from %s to %s: %w", from, to, err)
		}
	}
	return nil
}

func loadPlaced(c conn, where string, args ...any) (out []pipeline.Placed, err error) {
	err = eachPlaced(c, func(p pipeline.Placed) { out = append(out, p) }, where, args...)
	return out, err
}

// eachPlaced has one body in memory at a time: there may be a season of them.
func eachPlaced(c conn, f func(pipeline.Placed), where string, args ...any) error {
	return c.each(func(scan func(...any) error) error {
		var p pipeline.Placed
		var published, seen, taken int64
		err := scan(&p.ID, &p.Story, &p.Canonical, &p.Site, &p.Lang, &p.Title, &published, &seen, &p.Sketch, &p.Event, &p.Terms, &taken, &p.Body)
		p.Published, p.Seen, p.Taken = at(published), at(seen), at(taken)
		if err == nil {
			f(p)
		}
		return err
	}, `SELECT a.id, a.story, a.canonical, a.site, a.lang, a.title, a.published, a.seen, a.sketch,
			COALESCE((SELECT CASE WHEN s.event = 0 THEN s.id ELSE s.event END FROM stories s WHERE s.id = a.story), 0),
			(SELECT t.terms FROM article_terms t WHERE t.article = a.id), COALESCE((SELECT p.fetched FROM pages p WHERE p.article = a.id), 0),
			CASE WHEN a.relation IN ('new', 'same_event') AND NOT EXISTS (SELECT 1 FROM article_terms t WHERE t.article = a.id) THEN a.body ELSE '' END
		FROM articles a WHERE `+where, args...)
}

// LastChange is the number of the change that was noted last.
func (t *Tx) LastChange() (seq int64, err error) {
	err = t.c.get([]any{&seq}, `SELECT COALESCE(MAX(seq), 0) FROM changes`)
	return seq, err
}

// JoinedByURL finds the newest article under a canonical URL that has a story, and that story; 0: there is none.
func (t *Tx) JoinedByURL(canonical string) (article, story int64, err error) {
	if canonical == "" {
		return 0, 0, nil
	}
	err = t.c.get([]any{&article, &story}, `SELECT id, story FROM articles WHERE canonical = ? AND story <> 0 ORDER BY published DESC, id DESC LIMIT 1`, ident(canonical))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("find a joined article %s: %w", canonical, err)
	}
	return article, story, err
}

// JoinArticle gives an article that was stored without a story its place: a.Story, a.Relation, a.Of and a.Score. It notes the change. What the
// article is about is kept where it opened its story, for the index of events.
func (t *Tx) JoinArticle(a *pipeline.Article, opened bool) error {
	root, err := a.Story, error(nil)
	if !opened { // an index may name one that was merged meanwhile
		root, err = rootOf(t.c, a.Story)
	}
	if err == nil {
		_, err = t.c.exec(`UPDATE articles SET story = ?, relation = ?, of_id = ?, score = ? WHERE id = ? AND story = 0`, root, a.Relation, a.Of, a.Score, a.ID)
	}
	if err == nil && !opened {
		_, err = t.c.exec(`DELETE FROM article_terms WHERE article = ?`, a.ID)
	}
	if err == nil {
		_, err = t.c.exec(`INSERT INTO changes (kind, article) VALUES (?, ?)`, string(pipeline.ChangeArticle), a.ID)
	}
	if err != nil {
		return fmt.Errorf("join article %d with story %d: %w", a.ID, a.Story, err)
	}
	a.Story = root
	return nil
}

var (
	_ pipeline.BackfillStore = (*Store)(nil)
	_ pipeline.JoinStore     = (*Store)(nil)
)
