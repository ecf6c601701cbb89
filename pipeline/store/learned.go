package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// memory is how many articles of a site learning looks back: what stands in nearly all of a site's stories shows in far fewer,
// and a block that stood in a few long ago can be learned when all of them have it.
const memory = 60

// Learned says which of the fingerprints are learned boilerplate of the site.
func (s *Store) Learned(ctx context.Context, site string, prints []pipeline.Print) (map[int64]bool, error) {
	if len(prints) == 0 {
		return nil, nil
	}
	var out map[int64]bool
	c, done := s.read(ctx)
	defer done()
	err := inChunks(hashes(prints), func(marks string, args []any) error {
		return c.each(func(scan func(...any) error) error {
			var h int64
			if err := scan(&h); err != nil {
				return err
			}
			if out == nil {
				out = map[int64]bool{}
			}
			out[h] = true
			return nil
		}, `SELECT hash FROM learned_blocks WHERE site = ? AND state = 'learned' AND hash IN (`+marks+`)`, append([]any{ident(site)}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("look up learned blocks of %s: %w", site, err)
	}
	return out, nil
}

func hashes(prints []pipeline.Print) []int64 {
	out := make([]int64, len(prints))
	for i, p := range prints {
		out[i] = p.Hash
	}
	return out
}

// NoteBlocks stores the fingerprints of an article in the place of those it had, and returns what the site's last 60 articles
// up to this one say of those that stand in pipeline.MinStories stories or more.
func (t *Tx) NoteBlocks(a *pipeline.Article, prints []pipeline.Print) ([]pipeline.Sighting, error) {
	out, err := t.noteBlocks(a.ID, ident(a.Site), prints)
	if err != nil {
		return nil, fmt.Errorf("note the blocks of article %d: %w", a.ID, err)
	}
	return out, nil
}

func (t *Tx) noteBlocks(article int64, site string, prints []pipeline.Print) ([]pipeline.Sighting, error) {
	if _, err := t.c.exec(`DELETE FROM site_blocks WHERE article = ?`, article); err != nil || len(prints) == 0 {
		return nil, err
	}
	for rest := prints; len(rest) > 0; {
		size := 50 // few different sizes, so that few statements are prepared; repeated rows conflict and do nothing
		for _, n := range []int{4, 16} {
			if len(rest) <= n {
				size = n
				break
			}
		}
		args := make([]any, 0, 6*size)
		for i := range size {
			p := rest[min(i, len(rest)-1)]
			args = append(args, site, p.Hash, article, bit(p.Foreign), p.Before, p.After)
		}
		if _, err := t.c.exec(`INSERT INTO site_blocks (site, hash, article, alien, head, tail) VALUES (?, ?, ?, ?, ?, ?)`+
			strings.Repeat(`, (?, ?, ?, ?, ?, ?)`, size-1)+` ON CONFLICT DO NOTHING`, args...); err != nil {
			return nil, err
		}
		rest = rest[min(size, len(rest)):]
	}
	// Nearly all blocks are the only ones of their words, which the key alone tells.
	var again []int64
	err := inChunks(hashes(prints), func(marks string, args []any) error {
		more, err := column[int64](t.c, `SELECT hash FROM site_blocks WHERE site = ? AND hash IN (`+marks+`) GROUP BY hash HAVING COUNT(*) >= ?`,
			append(append([]any{site}, args...), pipeline.MinStories)...)
		again = append(again, more...)
		return err
	})
	if err != nil || len(again) == 0 {
		return nil, err
	}
	low, err := lowest(t.c, site, article)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		pipeline.Sighting
		first int64
	}
	var found []candidate
	// The plus keeps the databases from looking the range of articles up, which is most of the site, instead of the hashes.
	err = inChunks(again, func(marks string, args []any) error {
		return t.c.each(func(scan func(...any) error) error {
			var s candidate
			err := scan(&s.Hash, &s.Stories, &s.Foreign, &s.first, &s.Placed, &s.State)
			found = append(found, s)
			return err
		}, `SELECT b.hash, COUNT(DISTINCT a.story), COUNT(DISTINCT CASE WHEN b.alien = 1 THEN a.story END), MIN(b.article),
				CASE WHEN MIN(b.head) = MAX(b.head) OR MIN(b.tail) = MAX(b.tail) THEN 1 ELSE 0 END,
				COALESCE((SELECT l.state FROM learned_blocks l WHERE l.site = b.site AND l.hash = b.hash), '')
			FROM site_blocks b JOIN articles a ON a.id = b.article
			WHERE b.site = ? AND +b.article >= ? AND +b.article <= ? AND b.hash IN (`+marks+`)
			GROUP BY b.site, b.hash HAVING COUNT(DISTINCT a.story) >= ?`, append(append([]any{site, low, article}, args...), pipeline.MinStories)...)
	})
	if err != nil {
		return nil, err
	}
	out := make([]pipeline.Sighting, len(found))
	for i, s := range found {
		if err := t.c.get([]any{&s.Of}, `SELECT COUNT(DISTINCT story) FROM articles WHERE site = ? AND id >= ? AND id <= ? AND source = 'page'`,
			site, s.first, article); err != nil {
			return nil, err
		}
		out[i] = s.Sighting
	}
	return out, nil
}

// lowest is the oldest article of the site that learning looks at as of article; 0: all.
func lowest(c conn, site string, article int64) (int64, error) {
	var low int64
	err := c.get([]any{&low}, `SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM articles WHERE site = ? AND id <= ? ORDER BY id DESC LIMIT ?) recent`,
		site, article, memory)
	return low, err
}

// LearnBlock stores that a block of the site is boilerplate, unless something was decided about it before.
func (t *Tx) LearnBlock(b pipeline.LearnedBlock) error {
	_, err := t.c.exec(`INSERT INTO learned_blocks (site, hash, state, learned, stories, of_stories, text) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, ident(b.Site), b.Hash, string(pipeline.BlockLearned), ms(t.s.now()), b.Stories, b.Of, b.Text)
	if err != nil {
		return fmt.Errorf("learn a block of %s: %w", b.Site, err)
	}
	return nil
}

// LiftBlock ends the removal of a learned block of the site, for good.
func (t *Tx) LiftBlock(site string, hash int64) error {
	if _, err := t.c.exec(`UPDATE learned_blocks SET state = 'lifted' WHERE site = ? AND hash = ? AND state = 'learned'`, ident(site), hash); err != nil {
		return fmt.Errorf("lift a block of %s: %w", site, err)
	}
	return nil
}

// LearnedBlocks lists what was decided about blocks, of one site or ("") of all, by site, the newest decision first. Limit 0: 100.
func (s *Store) LearnedBlocks(ctx context.Context, site string, n int) ([]pipeline.LearnedBlock, error) {
	w := where{}
	w.add(site != "", `site = ?`, ident(site))
	c, done := s.read(ctx)
	defer done()
	var out []pipeline.LearnedBlock
	err := c.each(func(scan func(...any) error) error {
		var b pipeline.LearnedBlock
		err := scan(&b.ID, &b.Site, &b.Hash, &b.State, &b.Stories, &b.Of, &b.Text, &b.Articles)
		out = append(out, b)
		return err
	}, `SELECT id, site, hash, state, stories, of_stories, text,
			(SELECT COUNT(*) FROM site_blocks b WHERE b.site = learned_blocks.site AND b.hash = learned_blocks.hash)
		FROM learned_blocks`+w.String()+` ORDER BY site, id DESC LIMIT ?`, append(w.args, limit(n))...)
	if err != nil {
		return nil, fmt.Errorf("list learned blocks: %w", err)
	}
	return out, nil
}

// KeepBlocks says of learned blocks that they are journalism: they are never removed again. It says how many there were.
func (s *Store) KeepBlocks(ctx context.Context, ids ...int64) (int, error) {
	return s.decide(ctx, "keep", ids, func(c conn, marks string, args []any) (int64, error) {
		return c.exec(`UPDATE learned_blocks SET state = 'kept' WHERE id IN (`+marks+`)`, args...)
	})
}

// ForgetBlocks takes back what was decided about blocks, and where they were seen: learning begins anew. It says how many there were.
func (s *Store) ForgetBlocks(ctx context.Context, ids ...int64) (int, error) {
	return s.decide(ctx, "forget", ids, func(c conn, marks string, args []any) (int64, error) {
		if _, err := c.exec(`DELETE FROM site_blocks WHERE EXISTS (SELECT 1 FROM learned_blocks l
			WHERE l.site = site_blocks.site AND l.hash = site_blocks.hash AND l.id IN (`+marks+`))`, args...); err != nil {
			return 0, err
		}
		return c.exec(`DELETE FROM learned_blocks WHERE id IN (`+marks+`)`, args...)
	})
}

func (s *Store) decide(ctx context.Context, what string, ids []int64, f func(c conn, marks string, args []any) (int64, error)) (int, error) {
	var total int64
	err := s.tx(ctx, func(c conn) error {
		total = 0
		if err := c.lock(lockStories); err != nil {
			return err
		}
		return inChunks(ids, func(marks string, args []any) error {
			n, err := f(c, marks, args)
			total += n
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("%s learned blocks: %w", what, err)
	}
	return int(total), nil
}

// PruneBlocks forgets where blocks were seen before each site's last 60 articles; learning looks no further back.
func (s *Store) PruneBlocks(ctx context.Context) error {
	c, done := s.read(ctx)
	sites, err := column[string](c, `SELECT DISTINCT site FROM site_blocks`)
	done()
	for _, site := range sites {
		if err != nil {
			break
		}
		err = s.tx(ctx, func(c conn) error {
			low, err := lowest(c, site, 1<<62)
			if err != nil {
				return err
			}
			_, err = c.exec(`DELETE FROM site_blocks WHERE site = ? AND article < ?`, site, low)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("forget where old blocks were seen: %w", err)
	}
	return nil
}

// SitesWithPages lists the sites of articles whose pages are kept, seen at since or later.
func (s *Store) SitesWithPages(ctx context.Context, since time.Time) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT DISTINCT a.site FROM articles a JOIN pages p ON p.article = a.id WHERE a.seen >= ? ORDER BY a.site`, ms(since))
	if err != nil {
		return nil, fmt.Errorf("list sites with pages: %w", err)
	}
	return out, nil
}

// WithPages lists up to n articles of the site that were made of a page that is kept, with their blocks, seen at since or later and
// with IDs above after, in ascending order.
func (s *Store) WithPages(ctx context.Context, site string, since time.Time, after int64, n int) ([]pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadArticles(c, fullColumns, ` WHERE site = ? AND id > ? AND seen >= ? AND source = 'page'
		AND EXISTS (SELECT 1 FROM pages p WHERE p.article = articles.id) ORDER BY id LIMIT ?`, ident(site), after, ms(since), n)
	if err != nil {
		return nil, fmt.Errorf("list articles of %s: %w", site, err)
	}
	return out, nil
}

// Noted reports whether fingerprints of the article are stored.
func (s *Store) Noted(ctx context.Context, article int64) (bool, error) {
	c, done := s.read(ctx)
	defer done()
	ok, err := c.has(`SELECT 1 FROM site_blocks WHERE article = ? LIMIT 1`, article)
	if err != nil {
		return false, fmt.Errorf("look for fingerprints of article %d: %w", article, err)
	}
	return ok, nil
}

// UpdateArticle puts what an article says anew in its place (title, authors, dates, language, agency, section, picture, body, blocks, sketch) and
// notes the change. What it is (URL, site, story, relation) stays.
func (t *Tx) UpdateArticle(a *pipeline.Article) error {
	authors, blocks, tags, err := lists(a)
	if err != nil {
		return err
	}
	n, err := t.c.exec(`UPDATE articles SET site_name = ?, title = ?, authors = ?, tags = ?, published = ?, date = ?, modified = ?, lang = ?, agency = ?, section = ?, image = ?, paywalled = ?,
		sketch = ?, body = ?, blocks = ? WHERE id = ?`, a.SiteName, a.Title, authors, tags, ms(a.Published), a.Date, a.Modified, a.Lang, a.Agency, a.Section, a.Image, bit(a.Paywalled),
		a.Sketch, a.Body, blocks, a.ID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err == nil {
		_, err = t.c.exec(`INSERT INTO changes (kind, article) VALUES (?, ?)`, string(pipeline.ChangeText), a.ID)
	}
	if err != nil {
		return fmt.Errorf("update article %d: %w", a.ID, err)
	}
	return nil
}

// Matches lists the rules that are stored as matching the article.
func (t *Tx) Matches(article int64) ([]string, error) {
	out, err := column[string](t.c, `SELECT rule FROM matches WHERE article = ? ORDER BY rule`, article)
	if err != nil {
		return nil, fmt.Errorf("list matches of article %d: %w", article, err)
	}
	return out, nil
}

// DropMatch deletes the match of a rule in an article. Alerts that were raised for it stay, and mark nothing in its text any more.
func (t *Tx) DropMatch(article int64, rule string) error {
	if _, err := t.c.exec(`DELETE FROM matches WHERE article = ? AND rule = ?`, article, rule); err != nil {
		return fmt.Errorf("delete the match of rule %s in article %d: %w", rule, article, err)
	}
	return t.Respan(article, pipeline.Match{Rule: rule})
}

// Respan gives the alerts about an article the spans that a rule has in its text now.
func (t *Tx) Respan(article int64, m pipeline.Match) error {
	spans, err := list(m.Spans)
	if err == nil {
		_, err = t.c.exec(`UPDATE alerts SET spans = ? WHERE article = ? AND rule = ? AND kind = 'match'`, spans, article, m.Rule)
	}
	if err != nil {
		return fmt.Errorf("move the spans of rule %s in article %d: %w", m.Rule, article, err)
	}
	return nil
}
