package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
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
	if len(prints) == 0 {
		_, err := t.c.exec(`DELETE FROM site_blocks WHERE article = ?`, article)
		return nil, err
	}
	if _, err := t.c.exec(`INSERT INTO site_blocks (site, article, prints) VALUES (?, ?, ?)
		ON CONFLICT (site, article) DO UPDATE SET prints = excluded.prints`, site, article, packPrints(prints)); err != nil {
		return nil, err
	}
	// Nearly all blocks are the only ones of their words, which the fingerprints of the latest articles alone tell.
	at := make(map[int64]int, len(prints))
	for i, p := range prints {
		at[p.Hash] = i
	}
	seen := make([][]sighting, len(prints))
	err := t.c.each(func(scan func(...any) error) error {
		var id int64
		var packed []byte
		if err := scan(&id, &packed); err != nil {
			return err
		}
		return eachPrint(packed, func(hash int64, x sighting) {
			if i, ok := at[hash]; ok {
				x.article = id
				seen[i] = append(seen[i], x)
			}
		})
	}, `SELECT article, prints FROM site_blocks WHERE site = ? AND article <= ? ORDER BY article DESC LIMIT ?`, site, article, memory)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(seen, func(xs []sighting) bool { return len(xs) >= pipeline.MinStories }) {
		return nil, nil
	}
	return t.weigh(article, site, prints, seen)
}

// weigh makes of where blocks were seen, the newest article first, what there is to say of each: which stories those articles belong to now,
// and how many the site had meanwhile.
func (t *Tx) weigh(article int64, site string, prints []pipeline.Print, seen [][]sighting) ([]pipeline.Sighting, error) {
	type member struct {
		id, story int64
		page      bool
	}
	var window []member // the newest first
	story := make(map[int64]int64, memory)
	err := t.c.each(func(scan func(...any) error) error {
		var m member
		err := scan(&m.id, &m.story, &m.page)
		window, story[m.id] = append(window, m), m.story
		return err
	}, `SELECT id, story, CASE WHEN source = 'page' THEN 1 ELSE 0 END FROM articles WHERE site = ? AND id <= ? ORDER BY id DESC LIMIT ?`, site, article, memory)
	if err != nil {
		return nil, err
	}
	var out []pipeline.Sighting
	for i, xs := range seen {
		stories, foreign := map[int64]bool{}, map[int64]bool{}
		s := pipeline.Sighting{Hash: prints[i].Hash}
		first, head, tail := article, true, true
		for _, x := range xs {
			of, ok := story[x.article]
			if !ok {
				continue // longer ago than learning looks
			}
			stories[of] = true
			if x.alien {
				foreign[of] = true
			}
			first = min(first, x.article)
			head, tail = head && x.head == xs[0].head, tail && x.tail == xs[0].tail
		}
		if s.Stories, s.Foreign, s.Placed = len(stories), len(foreign), head || tail; s.Stories < pipeline.MinStories {
			continue
		}
		all := map[int64]bool{}
		for _, m := range window {
			if m.page && m.id >= first {
				all[m.story] = true
			}
		}
		s.Of = len(all)
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, nil
	}
	states := make(map[int64]pipeline.LearnedState, len(out))
	chosen := make([]int64, len(out))
	for i, s := range out {
		chosen[i] = s.Hash
	}
	err = inChunks(chosen, func(marks string, args []any) error {
		return t.c.each(func(scan func(...any) error) error {
			var hash int64
			var state pipeline.LearnedState
			err := scan(&hash, &state)
			states[hash] = state
			return err
		}, `SELECT hash, state FROM learned_blocks WHERE site = ? AND hash IN (`+marks+`)`, append([]any{site}, args...)...)
	})
	for i := range out {
		out[i].State = states[out[i].Hash]
	}
	return out, err
}

// A sighting is a block in an article.
type sighting struct {
	article    int64
	alien      bool
	head, tail uint16 // kept blocks before and after it
}

// printSize is how many bytes a fingerprint takes in site_blocks: the hash, whether it is foreign, and the blocks before and after.
// One value an article instead of a row and an index entry a block: those stood in the order of hashes, so that each block of each
// article wrote a page of its own.
const printSize = 8 + 1 + 2 + 2

func packPrints(prints []pipeline.Print) []byte {
	out := make([]byte, 0, printSize*len(prints))
	for _, p := range prints {
		out = binary.BigEndian.AppendUint64(out, uint64(p.Hash))
		out = append(out, byte(bit(p.Foreign)))
		out = binary.BigEndian.AppendUint16(out, uint16(min(p.Before, math.MaxUint16)))
		out = binary.BigEndian.AppendUint16(out, uint16(min(p.After, math.MaxUint16)))
	}
	return out
}

func eachPrint(packed []byte, f func(hash int64, x sighting)) error {
	if len(packed)%printSize != 0 {
		return fmt.Errorf("stored fingerprints have %d bytes, which is no multiple of %d", len(packed), printSize)
	}
	for ; len(packed) > 0; packed = packed[printSize:] {
		f(int64(binary.BigEndian.Uint64(packed)), sighting{alien: packed[8] == 1,
			head: binary.BigEndian.Uint16(packed[9:]), tail: binary.BigEndian.Uint16(packed[11:])})
	}
	return nil
}

// showing counts the noted articles of a site that show each of the blocks.
func showing(c conn, site string, hashes map[int64]int) error {
	return c.each(func(scan func(...any) error) error {
		var packed []byte
		if err := scan(&packed); err != nil {
			return err
		}
		return eachPrint(packed, func(hash int64, _ sighting) {
			if n, ok := hashes[hash]; ok {
				hashes[hash] = n + 1
			}
		})
	}, `SELECT prints FROM site_blocks WHERE site = ?`, site)
}

// unsee forgets where blocks of a site were seen.
func unsee(c conn, site string, gone map[int64]bool) error {
	type row struct {
		article int64
		prints  []byte
	}
	var changed []row
	err := c.each(func(scan func(...any) error) error {
		r := row{}
		var packed []byte
		if err := scan(&r.article, &packed); err != nil {
			return err
		}
		at := 0
		if err := eachPrint(packed, func(hash int64, _ sighting) {
			if !gone[hash] {
				r.prints = append(r.prints, packed[at:at+printSize]...)
			}
			at += printSize
		}); err != nil {
			return err
		}
		if len(r.prints) < len(packed) {
			changed = append(changed, r)
		}
		return nil
	}, `SELECT article, prints FROM site_blocks WHERE site = ?`, site)
	for _, r := range changed {
		if err != nil {
			break
		}
		if len(r.prints) == 0 {
			_, err = c.exec(`DELETE FROM site_blocks WHERE article = ?`, r.article)
		} else {
			_, err = c.exec(`UPDATE site_blocks SET prints = ? WHERE article = ?`, r.prints, r.article)
		}
	}
	return err
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
		err := scan(&b.ID, &b.Site, &b.Hash, &b.State, &b.Stories, &b.Of, &b.Text)
		out = append(out, b)
		return err
	}, `SELECT id, site, hash, state, stories, of_stories, text FROM learned_blocks`+w.String()+` ORDER BY site, id DESC LIMIT ?`, append(w.args, limit(n))...)
	for i := 0; err == nil && i < len(out); {
		hashes, first := map[int64]int{}, i
		for ; i < len(out) && out[i].Site == out[first].Site; i++ {
			hashes[out[i].Hash] = 0
		}
		err = showing(c, out[first].Site, hashes)
		for j := first; j < i; j++ {
			out[j].Articles = hashes[out[j].Hash]
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list learned blocks: %w", err)
	}
	return out, nil
}

// LearnedByID lists what was decided about blocks of these IDs, by site; IDs that there are not are left out.
func (s *Store) LearnedByID(ctx context.Context, ids ...int64) ([]pipeline.LearnedBlock, error) {
	c, done := s.read(ctx)
	defer done()
	var out []pipeline.LearnedBlock
	err := inChunks(ids, func(marks string, args []any) error {
		return c.each(func(scan func(...any) error) error {
			var b pipeline.LearnedBlock
			err := scan(&b.ID, &b.Site, &b.Hash, &b.State, &b.Stories, &b.Of, &b.Text)
			out = append(out, b)
			return err
		}, `SELECT id, site, hash, state, stories, of_stories, text FROM learned_blocks WHERE id IN (`+marks+`) ORDER BY site, id`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("look up learned blocks: %w", err)
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
		bySite := map[string]map[int64]bool{}
		err := c.each(func(scan func(...any) error) error {
			var site string
			var hash int64
			err := scan(&site, &hash)
			if bySite[site] == nil {
				bySite[site] = map[int64]bool{}
			}
			bySite[site][hash] = true
			return err
		}, `SELECT site, hash FROM learned_blocks WHERE id IN (`+marks+`)`, args...)
		for site, gone := range bySite {
			if err == nil {
				err = unsee(c, site, gone)
			}
		}
		if err != nil {
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
	if err == nil { // its date may be another
		_, err = t.c.exec(`UPDATE matches SET dated = (SELECT `+dated+` FROM articles a WHERE a.id = matches.article) WHERE article = ?`, a.ID)
	}
	if err == nil {
		_, err = t.c.exec(`UPDATE kept SET blocks = ?, body = ? WHERE article = ?`, len(blocks), len(a.Body), a.ID)
	}
	if err == nil { // and so may be its tags
		err = placeAgain(t.c, a.ID)
	}
	if err == nil {
		err = staleWords(t.c, a.ID)
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
	if err := placeAgain(t.c, article); err != nil {
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
