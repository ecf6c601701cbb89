package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Pruned counts what was forgotten, or would be.
type Pruned struct {
	Pages  int   // articles whose page and blocks went
	Bodies int   // articles whose body went
	Items  int   // items whose feed text went
	Bytes  int64 // of all of these; SQLite uses the room again for what comes, its file does not shrink

	By []PrunedBy // with Retention.Only: by the general policy, then by each of these
}

// PrunedBy is what of it one policy said.
type PrunedBy struct {
	Pages, Bodies int
	Bytes         int64
}

// How much retention has taken of an article, in articles.pruned.
const (
	prunedPage = 1 + iota
	prunedBody
	prunedSketch
)

// pruneBatch is how many articles one transaction prunes: all other writers wait for it.
const pruneBatch = 100

// awaited are articles that an alert still has to be told of: their text is what it says.
const awaited = `SELECT 1 FROM alerts al JOIN deliveries d ON d.alert = al.id WHERE d.state IN ('open', 'held', 'gathered') AND al.article = `

// Prune forgets what retention does not keep, in many small transactions, so that nobody waits for it; ended early by ctx, it has done a
// part. With dry it only counts.
func (s *Store) Prune(ctx context.Context, r Retention, dry bool) (Pruned, error) {
	var out Pruned
	if len(r.Only) > 0 {
		out.By = make([]PrunedBy, 1+len(r.Only))
	}
	if dry {
		if err := s.wouldPrune(ctx, r, &out); err != nil {
			return out, fmt.Errorf("count what to prune: %w", err)
		}
	} else {
		err := s.pruneKept(ctx, r, &out)
		for n := 1; n < tries && errors.Is(err, errPolicies); n++ {
			err = s.pruneKept(ctx, r, &out)
		}
		if err == nil {
			err = s.pruneSketches(ctx, r)
		}
		if err != nil {
			return out, fmt.Errorf("prune articles: %w", err)
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

// pruneKept takes pages and bodies: first what is too old, then what is too much.
func (s *Store) pruneKept(ctx context.Context, r Retention, out *Pruned) error {
	if err := s.place(ctx, r); err != nil {
		return err
	}
	sum := func(policies []int) (int64, error) { return s.sumKept(ctx, policies) }
	return r.steps(sum, func(t cut) error {
		for {
			n, freed, err := s.pruneArticles(ctx, r, t, out)
			if err != nil || n == 0 {
				return err
			}
			if t.bytes -= freed; t.before.IsZero() && t.bytes <= 0 {
				return nil
			}
		}
	})
}

// steps takes all the steps of pruning, by a function that says how many bytes some policies keep, and one that makes a cut.
func (r Retention) steps(sum func(policies []int) (int64, error), take func(cut) error) error {
	for i, p := range r.policies() {
		for _, t := range []cut{{[]int{i}, prunedPage, p.Pages, 0}, {[]int{i}, prunedBody, p.Bodies, 0}} {
			if t.before.IsZero() {
				continue
			}
			if err := take(t); err != nil {
				return err
			}
		}
	}
	for _, a := range r.allowances() {
		for _, t := range []cut{{policies: a.pages, to: prunedPage}, {policies: a.bodies, to: prunedBody}} {
			has, err := sum(a.all)
			if t.bytes = has - a.size; err == nil && t.bytes > 0 {
				err = take(t)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// An allowance is how much room articles may take, and which of them make room.
type allowance struct {
	size               int64
	all, pages, bodies []int // policies
}

// allowances are those of single policies, then that of all.
func (r Retention) allowances() (out []allowance) {
	all := allowance{size: r.Size}
	for i, p := range r.policies() {
		if p.Size > 0 {
			out = append(out, allowance{p.Size, []int{i}, []int{i}, []int{i}})
		}
		all.all = append(all.all, i)
		if !p.HoldPages {
			all.pages = append(all.pages, i)
		}
		if !p.HoldBodies {
			all.bodies = append(all.bodies, i)
		}
	}
	if r.Size > 0 {
		out = append(out, all)
	}
	return out
}

// sumKept sums up the room that articles of some policies take.
func (s *Store) sumKept(ctx context.Context, policies []int) (bytes int64, err error) {
	c := conn{ctx, s.r, s.d} // no timeout: it reads an index from end to end
	for _, p := range policies {
		var b int64
		if err := c.get([]any{&b}, `SELECT CAST(COALESCE(SUM(page + blocks + body), 0) AS BIGINT) FROM kept WHERE policy = ?`, p); err != nil {
			return 0, err
		}
		bytes += b
	}
	return bytes, nil
}

// A cut is one step of pruning: of articles of some policies, the oldest first, all that are older than a time, or as many as make room.
type cut struct {
	policies []int
	to       int       // prunedPage or prunedBody
	before   time.Time // zero: any age
	bytes    int64     // to make free, with a zero before
}

// An old is an article that is to lose its page or its body.
type old struct {
	id, seen    int64
	policy      int
	level       int
	paged, body int64 // bytes of page and blocks, of the body
	waits       bool  // an alert still has to be told of it; known where that is not the query's condition
}

// frees is how many bytes it makes free to take an article to a level.
func (o old) frees(to int) int64 {
	if to == prunedBody {
		return o.paged + o.body
	}
	return o.paged
}

// oldest lists the articles that a cut begins with.
func oldest(c conn, t cut) (out []old, err error) {
	before := int64(math.MaxInt64)
	if !t.before.IsZero() {
		before = ms(t.before)
	}
	for _, p := range t.policies {
		for level := range t.to {
			err = c.each(func(scan func(...any) error) error {
				o := old{policy: p, level: level}
				err := scan(&o.id, &o.seen, &o.paged, &o.body)
				out = append(out, o)
				return err
			}, `SELECT k.article, k.seen, k.page + k.blocks, k.body FROM kept k WHERE k.policy = ? AND k.level = ? AND k.seen < ?
				AND NOT EXISTS (`+awaited+`k.article) ORDER BY k.seen, k.article LIMIT ?`, p, level, before, pruneBatch)
			if err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b old) int { return cmp.Or(cmp.Compare(a.seen, b.seen), cmp.Compare(a.id, b.id)) })
	out = out[:min(len(out), pruneBatch)]
	if t.before.IsZero() {
		left := t.bytes
		for i, o := range out {
			if left -= o.frees(t.to); left <= 0 {
				return out[:i+1], nil
			}
		}
	}
	return out, nil
}

// pruneArticles does a batch of a cut and says how many articles and bytes that were.
func (s *Store) pruneArticles(ctx context.Context, r Retention, t cut, out *Pruned) (n int, freed int64, err error) {
	var olds []old
	err = s.tx(ctx, func(c conn) (err error) {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		if err := placedBy(c, r.Form); err != nil {
			return err
		}
		if olds, err = oldest(c, t); err != nil || len(olds) == 0 {
			return err
		}
		ids := make([]int64, len(olds))
		for i, o := range olds {
			ids[i] = o.id
		}
		return inChunks(ids, func(marks string, args []any) error {
			run := func(q string, more ...any) {
				if err == nil {
					_, err = c.exec(q+` IN (`+marks+`)`, append(more, args...)...)
				}
			}
			run(`DELETE FROM pages WHERE article`)
			run(`UPDATE articles SET blocks = '', pruned = ? WHERE id`, t.to)
			if t.to == prunedPage {
				run(`UPDATE kept SET level = 1, page = 0, blocks = 0 WHERE article`)
				return err
			}
			run(`UPDATE articles SET body = '' WHERE id`)
			// With nothing left to compare its page with, a look could only take it for changed.
			run(`UPDATE items SET visit = 0, etag = '', last_modified = '', doubt = 0 WHERE article <> 0 AND article`)
			run(`UPDATE matches SET spans = '[]' WHERE article`)
			run(`UPDATE alerts SET spans = '[]' WHERE article`)
			run(`INSERT INTO search_stale (article) SELECT id FROM articles WHERE id`)
			run(`DELETE FROM kept WHERE article`)
			return err
		})
	})
	if err != nil {
		return 0, 0, err
	}
	for _, o := range olds {
		freed += out.count(o, t.to)
	}
	return len(olds), freed, nil
}

// count counts what one article lost, and says how many bytes that were.
func (p *Pruned) count(o old, to int) int64 {
	var by PrunedBy
	if o.level < prunedPage {
		by.Pages = 1
	}
	if to == prunedBody {
		by.Bodies = 1
	}
	by.Bytes = o.frees(to)
	p.Pages, p.Bodies, p.Bytes = p.Pages+by.Pages, p.Bodies+by.Bodies, p.Bytes+by.Bytes
	if p.By != nil {
		x := &p.By[o.policy]
		x.Pages, x.Bodies, x.Bytes = x.Pages+by.Pages, x.Bodies+by.Bodies, x.Bytes+by.Bytes
	}
	return by.Bytes
}

// pruneSketches takes most of the fingerprints of articles without a body. One that was not joined to a story yet keeps its own: by it
// that is decided.
func (s *Store) pruneSketches(ctx context.Context, r Retention) error {
	for n := pruneBatch; n == pruneBatch && !r.Sketches.IsZero(); {
		err := s.tx(ctx, func(c conn) error {
			if err := c.lock(lockStories); err != nil {
				return err
			}
			var ids []int64
			var sketches [][]byte
			err := c.each(func(scan func(...any) error) error {
				var id int64
				var sketch []byte
				err := scan(&id, &sketch)
				ids, sketches = append(ids, id), append(sketches, sketch)
				return err
			}, `SELECT id, sketch FROM articles WHERE pruned = ? AND seen < ? AND story <> 0 AND NOT EXISTS (`+awaited+`articles.id) ORDER BY seen, id LIMIT ?`,
				prunedBody, ms(r.Sketches), pruneBatch)
			n = len(ids)
			for i, id := range ids {
				if err == nil && r.Brief != nil {
					_, err = c.exec(`UPDATE articles SET sketch = ? WHERE id = ?`, r.Brief(sketches[i]), id)
				}
			}
			if err != nil {
				return err
			}
			return inChunks(ids, func(marks string, args []any) error {
				_, err := c.exec(`UPDATE articles SET pruned = ? WHERE id IN (`+marks+`)`, append([]any{prunedSketch}, args...)...)
				if err == nil { // a duplicate index knows it no more
					_, err = c.exec(`INSERT INTO changes (kind, article) SELECT 'prune', id FROM articles WHERE id IN (`+marks+`)`, args...)
				}
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
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
