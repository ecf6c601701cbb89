package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// RevisitHosts lists hosts with done items whose pages are due to be looked at again, the longest due first, except those that a
// run has under a lease at now.
func (s *Store) RevisitHosts(ctx context.Context, now time.Time, limit int) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT q.host
		FROM (SELECT host, MIN(visit) AS visit FROM items WHERE state = 'done' AND visit > 0 AND visit <= ? GROUP BY host) q
		WHERE 1 = 1`+untaken(`q.host`)+` ORDER BY q.visit, q.host LIMIT ?`, ms(now), kindProcess, ms(now), limit)
	if err != nil {
		return nil, fmt.Errorf("list hosts to revisit: %w", err)
	}
	return out, nil
}

// ClaimRevisits takes up to n done items of the lease's host whose pages are due to be looked at again, the longest due first, and
// counts the claim on each. Items claimed by this lease's owner before are not given again until their outcome is stored.
func (s *Store) ClaimRevisits(ctx context.Context, l pipeline.Lease, now time.Time, n int) ([]pipeline.Item, error) {
	var out []pipeline.Item
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.fence(l); err != nil {
			return err
		}
		out, err = loadItems(c, `UPDATE items SET claims = claims + 1, claimed_by = ?
			WHERE id IN (SELECT id FROM items WHERE state = 'done' AND visit > 0 AND visit <= ? AND host = ? AND claimed_by <> ?
				ORDER BY visit, id LIMIT ?`+c.d.rowLock+`) RETURNING `+itemColumns, l.Owner, ms(now), ident(l.Key), l.Owner, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim items of %s to look at again: %w", l.Key, err)
	}
	slices.SortFunc(out, func(a, b pipeline.Item) int { return a.Visit.Compare(b.Visit) })
	return out, nil
}

// SaveVisit stores the outcome of a look at a page that is there and brought no new text, under the lease.
func (s *Store) SaveVisit(ctx context.Context, l pipeline.Lease, it pipeline.Item) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		if err := saveItem(c, it); err != nil {
			return err
		}
		return pageFound(c, it.Article)
	})
	if err != nil {
		return fmt.Errorf("save the look at item %d: %w", it.ID, err)
	}
	return nil
}

// PageFound notes that the page of an article is there.
func (t *Tx) PageFound(article int64) error {
	if err := pageFound(t.c, article); err != nil {
		return fmt.Errorf("note that the page of article %d is there: %w", article, err)
	}
	return nil
}

func pageFound(c conn, article int64) error {
	_, err := c.exec(`UPDATE articles SET withdrawn = 0 WHERE id = ? AND withdrawn <> 0`, article)
	return err
}

// PageGone notes that the page of an article is gone, and reports whether that is news. The article keeps the moment when that was
// seen first.
func (t *Tx) PageGone(article int64, now time.Time) (bool, error) {
	n, err := t.c.exec(`UPDATE articles SET withdrawn = ? WHERE id = ? AND withdrawn = 0`, ms(now), article)
	if err != nil {
		return false, fmt.Errorf("note that the page of article %d is gone: %w", article, err)
	}
	return n > 0, nil
}

// versionChain is a common table, "down", of an article and its versions; it takes the article. A version names the one before it. (A
// CROSS JOIN keeps SQLite from looking through all versions there are.)
const versionChain = `up (id, relation, of_id) AS (
		SELECT id, relation, of_id FROM articles WHERE id = ?
		UNION SELECT a.id, a.relation, a.of_id FROM articles a JOIN up ON a.id = up.of_id WHERE up.relation = 'version'),
	down (id) AS (
		SELECT id FROM up
		UNION SELECT a.id FROM down CROSS JOIN articles a WHERE a.of_id = down.id AND a.relation = 'version')`

// versionIDs are the IDs of the article's versions, itself among them, the oldest first.
func versionIDs(c conn, article int64) ([]int64, error) {
	return column[int64](c, `WITH RECURSIVE `+versionChain+` SELECT id FROM down ORDER BY id`, article)
}

// Versions loads the versions of an article, itself among them, with their texts and without their blocks, the oldest first: what
// the page said at each time. ErrNotFound: there is no such article.
func (s *Store) Versions(ctx context.Context, article int64) ([]pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	ids, err := versionIDs(c, article)
	if err == nil && len(ids) == 0 {
		err = ErrNotFound
	}
	var out []pipeline.Article
	if err == nil {
		err = inChunks(ids, func(marks string, args []any) error {
			as, err := loadArticles(c, articleColumns, ` WHERE id IN (`+marks+`) ORDER BY id`, args...)
			out = append(out, as...)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("load the versions of article %d: %w", article, err)
	}
	return out, nil
}
