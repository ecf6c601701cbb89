package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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

// SaveVisit stores the outcome of a look that brought no new text, under the lease: whether the page is there. An article whose
// page is gone keeps the moment when that was seen first.
func (s *Store) SaveVisit(ctx context.Context, l pipeline.Lease, it pipeline.Item, there bool, now time.Time) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		if err := saveItem(c, it); err != nil {
			return err
		}
		if there {
			return pageFound(c, it.Article)
		}
		_, err := c.exec(`UPDATE articles SET withdrawn = ? WHERE id = ? AND withdrawn = 0`, ms(now), it.Article)
		return err
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

// RaiseUpdate stores an update of what the alert's rule told of the article before, with a delivery to each of the channels that was
// told then; a channel from which a silence kept it was not. It does nothing where none was, or where this version was told already. It reports whether it raised the alert.
//
// The subject of an update is the article, by its first version, and its number is that of the version: so there is one at most
// per rule and version, whatever becomes of the story.
func (t *Tx) RaiseUpdate(a pipeline.Alert, channels []string) (bool, error) {
	raised, err := t.raiseUpdate(a, channels)
	if err != nil {
		return false, fmt.Errorf("raise update of rule %s: %w", a.Rule, err)
	}
	return raised, nil
}

func (t *Tx) raiseUpdate(a pipeline.Alert, channels []string) (bool, error) {
	ids, err := versionIDs(t.c, a.Article.ID)
	if err != nil {
		return false, err
	}
	n := slices.Index(ids, a.Article.ID)
	if n < 0 {
		return false, fmt.Errorf("article %d: %w", a.Article.ID, ErrNotFound)
	}
	first, err := t.told(a.Rule, ids)
	if err != nil || first == 0 {
		return false, err
	}
	got, err := column[string](t.c, `SELECT channel FROM deliveries WHERE alert = ? AND state NOT IN ('dead', 'silenced') ORDER BY id`, first)
	if err != nil {
		return false, err
	}
	got = slices.DeleteFunc(got, func(ch string) bool { return !slices.Contains(channels, ch) })
	if len(got) == 0 {
		return false, nil
	}
	a.Kind, a.Subject, a.Seq = pipeline.KindUpdate, "article:"+strconv.FormatInt(ids[0], 10), n+1
	u := pipeline.Update{}
	if a.Update != nil {
		u = *a.Update
	}
	u.First, u.Version = first, n+1
	a.Update = &u
	known, err := t.c.has(`SELECT 1 FROM alerts WHERE rule = ? AND subject = ? AND kind = ? AND seq = ?`, a.Rule, a.Subject, a.Kind, a.Seq)
	if err != nil || known {
		return false, err
	}
	if a.Story.ID, err = rootOf(t.c, a.Story.ID); err != nil {
		return false, fmt.Errorf("story %d: %w", a.Story.ID, err)
	}
	return true, insertAlert(t.c, t.s.text, t.s.now, a, got)
}

// told finds the alert with which a rule told first of any of the articles; 0: it never did. That may have been an update: where a story
// was split between two versions, the later ones begin anew, and those who were told of the earlier ones go on with them.
func (t *Tx) told(rule string, articles []int64) (first int64, err error) {
	err = inChunks(articles, func(marks string, args []any) error {
		if first != 0 {
			return nil
		}
		return t.c.get([]any{&first}, `SELECT COALESCE(MIN(id), 0) FROM alerts WHERE article <> 0 AND article IN (`+marks+`) AND rule = ? AND kind IN (?, ?)`,
			append(args, rule, pipeline.KindMatch, pipeline.KindUpdate)...)
	})
	return first, err
}
