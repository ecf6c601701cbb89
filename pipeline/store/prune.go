package store

import (
	"context"
	"fmt"
	"time"
)

// Retention says what is old enough to be forgotten. A zero time keeps everything. Age counts from when an article was stored, or an
// item first seen, not from its date: a backfilled old article is kept as long as today's.
//
// What is never forgotten: who an article was (URL, canonical URL, site, title, dates, story, relation, which rules matched) and what
// was told. So nothing that was seen is new again, and nothing that was told is told again.
type Retention struct {
	Pages    time.Time // before it: pages, blocks, and the texts that feeds gave of items that are done
	Bodies   time.Time // before it: bodies, and where in them rules matched
	Sketches time.Time // before it, where the body goes: all of a fingerprint but what tells whether a text is the same
	Log      time.Time // before it: what happened to an article, for duplicate indexes that look no further back

	Brief func(sketch []byte) []byte // makes the fingerprint that is kept
}

// Pruned counts what was forgotten, or would be.
type Pruned struct {
	Pages  int   // articles whose page and blocks went
	Bodies int   // articles whose body went
	Items  int   // items whose feed text went
	Bytes  int64 // of all of these; SQLite uses the room again for what comes, its file does not shrink
}

// How much retention has taken of an article, in articles.pruned.
const (
	prunedPage = 1 + iota
	prunedBody
	prunedSketch
)

// pruneBatch is how many articles one transaction prunes: all other writers wait for it.
const pruneBatch = 100

// waiting are articles that an alert still has to be told of: their text is what it says.
const waiting = ` AND NOT EXISTS (SELECT 1 FROM alerts al JOIN deliveries d ON d.alert = al.id WHERE al.article = articles.id AND d.state IN ('open', 'held', 'gathered'))`

// Prune forgets what is old, in many small transactions, so that nobody waits for it; ended early by ctx, it has done a part. With
// dry it only counts.
func (s *Store) Prune(ctx context.Context, r Retention, dry bool) (Pruned, error) {
	var out Pruned
	steps := []struct {
		level  int
		before time.Time
	}{{prunedPage, r.Pages}, {prunedBody, r.Bodies}, {prunedSketch, earlier(r.Bodies, r.Sketches)}}
	for _, st := range steps {
		if st.before.IsZero() {
			continue
		}
		if dry {
			if err := s.wouldPrune(ctx, st.level, st.before, &out); err != nil {
				return out, fmt.Errorf("count what to prune: %w", err)
			}
			continue
		}
		for from := range st.level {
			for {
				n, err := s.pruneArticles(ctx, from, st.level, st.before, r.Brief, &out)
				if err != nil {
					return out, fmt.Errorf("prune articles: %w", err)
				}
				if n < pruneBatch {
					break
				}
			}
		}
	}
	for n := int64(-1); !r.Pages.IsZero() && n != 0 && !(dry && n > 0); {
		var err error
		if n, err = s.pruneItems(ctx, r.Pages, dry, &out); err != nil {
			return out, fmt.Errorf("prune items: %w", err)
		}
	}
	for n := int64(-1); !r.Log.IsZero() && n != 0 && !dry; {
		var err error
		if n, err = s.pruneLog(ctx, r.Log); err != nil {
			return out, fmt.Errorf("prune the change log: %w", err)
		}
	}
	return out, nil
}

// earlier is the earlier of two times; the zero time, if either is.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && a.Before(b) {
		return a
	}
	return b
}

func (s *Store) wouldPrune(ctx context.Context, level int, before time.Time, out *Pruned) error {
	if level == prunedSketch {
		return nil // some hundred bytes
	}
	var n int
	var bytes int64
	var q string
	switch level {
	case prunedPage:
		q = `SELECT COUNT(*), COALESCE(SUM(octet_length(blocks) + COALESCE((SELECT octet_length(p.body) FROM pages p WHERE p.article = articles.id), 0)), 0)
			FROM articles WHERE pruned = 0 AND seen < ?`
	default:
		q = `SELECT COUNT(*), COALESCE(SUM(octet_length(body)), 0) FROM articles WHERE pruned < 2 AND seen < ?`
	}
	c := conn{ctx, s.r, s.d} // no timeout: it reads all that is old
	if err := c.get([]any{&n, &bytes}, q+waiting, ms(before)); err != nil {
		return err
	}
	if level == prunedPage {
		out.Pages += n
	} else {
		out.Bodies += n
	}
	out.Bytes += bytes
	return nil
}

// pruneArticles takes a batch of articles from one level to another and says how many they were.
func (s *Store) pruneArticles(ctx context.Context, from, to int, before time.Time, brief func([]byte) []byte, out *Pruned) (int, error) {
	var ids []int64
	var sketches [][]byte
	var bytes int64
	err := s.tx(ctx, func(c conn) error {
		ids, sketches, bytes = nil, nil, 0
		if err := c.lock(lockStories); err != nil {
			return err
		}
		err := c.each(func(scan func(...any) error) error {
			var id, n int64
			var sketch []byte
			err := scan(&id, &n, &sketch)
			ids, sketches, bytes = append(ids, id), append(sketches, sketch), bytes+n
			return err
		}, `SELECT id, octet_length(blocks) + CASE WHEN ? > 1 THEN octet_length(body) ELSE 0 END
				+ COALESCE((SELECT octet_length(p.body) FROM pages p WHERE p.article = articles.id), 0), sketch
			FROM articles WHERE pruned = ? AND seen < ?`+waiting+` ORDER BY seen, id LIMIT ?`, to, from, ms(before), pruneBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		return inChunks(ids, func(marks string, args []any) error {
			run := func(q string, more ...any) {
				if err == nil {
					_, err = c.exec(q+` IN (`+marks+`)`, append(more, args...)...)
				}
			}
			if from < prunedPage {
				run(`DELETE FROM pages WHERE article`)
				run(`UPDATE articles SET blocks = '' WHERE id`)
			}
			if from < prunedBody && to >= prunedBody {
				run(`UPDATE articles SET body = '' WHERE id`)
				// With nothing left to compare its page with, a look could only take it for changed.
				run(`UPDATE items SET visit = 0, etag = '', last_modified = '', doubt = 0 WHERE article <> 0 AND article`)
				run(`UPDATE matches SET spans = '[]' WHERE article`)
				run(`UPDATE alerts SET spans = '[]' WHERE article`)
				run(`INSERT INTO search_stale (article) SELECT id FROM articles WHERE id`)
			}
			run(`UPDATE articles SET pruned = ? WHERE id`, to)
			if to >= prunedSketch {
				// A duplicate index knows it no more.
				run(`INSERT INTO changes (kind, article) SELECT 'prune', id FROM articles WHERE id`)
				for i, id := range ids {
					if err == nil && brief != nil {
						_, err = c.exec(`UPDATE articles SET sketch = ? WHERE id = ?`, brief(sketches[i]), id)
					}
				}
			}
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	out.Bytes += bytes
	if from < prunedPage {
		out.Pages += len(ids)
	}
	if from < prunedBody && to >= prunedBody {
		out.Bodies += len(ids)
	}
	return len(ids), nil
}

// pruneItems forgets what feeds said of items that are done. A poll that meets such an item knows it by its guid and its link.
func (s *Store) pruneItems(ctx context.Context, before time.Time, dry bool, out *Pruned) (int64, error) {
	const old = ` FROM items WHERE state <> 'open' AND (summary <> '' OR content <> '') AND first_seen < ?`
	if dry {
		var n int
		var bytes int64
		err := (conn{ctx, s.r, s.d}).get([]any{&n, &bytes}, `SELECT COUNT(*), COALESCE(SUM(octet_length(summary) + octet_length(content)), 0)`+old, ms(before))
		out.Items, out.Bytes = out.Items+n, out.Bytes+bytes
		return int64(n), err
	}
	var n, bytes int64
	err := s.tx(ctx, func(c conn) (err error) {
		var ids []int64
		n, bytes = 0, 0
		err = c.each(func(scan func(...any) error) error {
			var id, size int64
			err := scan(&id, &size)
			ids, bytes = append(ids, id), bytes+size
			return err
		}, `SELECT id, octet_length(summary) + octet_length(content)`+old+` ORDER BY first_seen LIMIT ?`, ms(before), 2*pruneBatch)
		if err != nil {
			return err
		}
		return inChunks(ids, func(marks string, args []any) error {
			m, err := c.exec(`UPDATE items SET summary = '', content = '' WHERE state <> 'open' AND id IN (`+marks+`)`, args...)
			n += m
			return err
		})
	})
	out.Items, out.Bytes = out.Items+int(n), out.Bytes+bytes
	return n, err
}

// pruneLog forgets the oldest changes of articles that no duplicate index looks at.
func (s *Store) pruneLog(ctx context.Context, before time.Time) (int64, error) {
	var n int64
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		n, err = c.exec(`DELETE FROM changes WHERE seq IN (SELECT c.seq FROM changes c JOIN articles a ON a.id = c.article
			WHERE a.seen < ? ORDER BY c.seq LIMIT ?)`, ms(before), 20*pruneBatch)
		return err
	})
	return n, err
}

// Shrink gives the room that pruning made back to the disk. On SQLite it writes the file anew: it needs as much room again
// meanwhile, and nobody else can write. On PostgreSQL, which gives back room by itself where it can, it does nothing.
func (s *Store) Shrink(ctx context.Context) error {
	if s.path == "" {
		return nil
	}
	if _, err := (conn{ctx, s.w, s.d}).exec(`VACUUM`); err != nil {
		return fmt.Errorf("shrink the database: %w", err)
	}
	return s.Checkpoint(ctx)
}
