package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// Write runs f in the one transaction that matters, under the lease: it is locked against every other Write before f reads,
// commits when f returns nil, and rolls all of it back on an error or when the lease is lost. f must not touch the network, nor
// the store except through its Tx: every other writer waits for it. f runs once.
func (s *Store) Write(ctx context.Context, l pipeline.Lease, f func(pipeline.Tx) error) error {
	err := s.once(ctx, func(c conn) error {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		if err := c.fence(l); err != nil {
			return err
		}
		return f(&Tx{c, s})
	})
	if err != nil {
		return fmt.Errorf("write under %s %s: %w", l.Kind, l.Key, err)
	}
	return nil
}

// Tx is the transaction of Write. It ends with Write's f and must not be kept. Beyond pipeline.Tx it can merge stories.
type Tx struct {
	c conn
	s *Store
}

var _ pipeline.Tx = (*Tx)(nil)

// stood is when an article was seen, or would have been: what a backfill stored today was seen, for duplicates, when it was published.
const stood = `CASE WHEN a.past <> 0 AND a.published <> 0 AND a.published < a.seen THEN a.published ELSE a.seen END`

// changeBatch is how many changes are read at a time: the whole log need not fit into memory, and f may query between.
const changeBatch = 2000

// Changes calls f for what happened to articles after seq, in commit order, leaving out articles seen before since. A change
// whose article is gone carries its Seq, Kind and Article alone.
func (t *Tx) Changes(after int64, since time.Time, f func(pipeline.Change) error) error {
	for {
		var batch []pipeline.Change
		err := t.c.each(func(scan func(...any) error) error {
			var ch pipeline.Change
			var published, seen int64
			err := scan(&ch.Seq, &ch.Kind, &ch.Article, &ch.Story, &ch.Canonical, &ch.Site, &ch.Lang, &published, &seen, &ch.Sketch, &ch.Event, &ch.Terms)
			ch.Published, ch.Seen = at(published), at(seen)
			batch = append(batch, ch)
			return err
		}, `SELECT c.seq, c.kind, c.article, COALESCE(a.story, 0), COALESCE(a.canonical, ''), COALESCE(a.site, ''), COALESCE(a.lang, ''),
				COALESCE(a.published, 0), COALESCE(`+stood+`, 0), a.sketch,
				COALESCE(s.event, 0), t.terms
			FROM changes c LEFT JOIN articles a ON a.id = c.article LEFT JOIN stories s ON s.id = a.story
				LEFT JOIN article_terms t ON t.article = c.article AND c.kind = 'article'
			WHERE c.seq > ? AND (a.id IS NULL OR `+stood+` >= ?) ORDER BY c.seq LIMIT ?`, after, ms(since), changeBatch)
		if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		for _, ch := range batch {
			if err := f(ch); err != nil {
				return err
			}
			after = ch.Seq
		}
		if len(batch) < changeBatch {
			return nil
		}
	}
}

// ArticleByURL finds the newest article under a canonical URL, without its blocks: the one that was seen last. An archive may have brought
// older ones later, and so may a backfill: what it stored comes behind what was seen live, in the order in which its pages were taken.
func (t *Tx) ArticleByURL(canonical string) (pipeline.Article, bool, error) {
	as, err := t.byURL(canonical, ` LIMIT 1`)
	if err != nil || len(as) == 0 {
		return pipeline.Article{}, false, err
	}
	return as[0], true, nil
}

// ArticlesByURL lists all articles under a canonical URL in the order of ArticleByURL, the newest first, without their blocks.
func (t *Tx) ArticlesByURL(canonical string) ([]pipeline.Article, error) {
	return t.byURL(canonical, ``)
}

func (t *Tx) byURL(canonical, limit string) ([]pipeline.Article, error) {
	if canonical == "" {
		return nil, nil
	}
	as, err := loadArticles(t.c, articleColumns, ` WHERE canonical = ? ORDER BY past,
		CASE WHEN past = 1 THEN COALESCE((SELECT p.fetched FROM pages p WHERE p.article = articles.id), seen) ELSE seen END DESC, id DESC`+limit, ident(canonical))
	if err != nil {
		return nil, fmt.Errorf("find article %s: %w", canonical, err)
	}
	return as, nil
}

// Article loads an article by its ID, without its blocks.
func (t *Tx) Article(id int64) (pipeline.Article, bool, error) {
	as, err := loadArticles(t.c, articleColumns, ` WHERE id = ?`, id)
	if err != nil {
		return pipeline.Article{}, false, fmt.Errorf("find article %d: %w", id, err)
	}
	if len(as) == 0 {
		return pipeline.Article{}, false, nil
	}
	return as[0], true, nil
}

// OpenStory makes a new story.
func (t *Tx) OpenStory(title string, now time.Time) (int64, error) {
	var id int64
	if err := t.c.get([]any{&id}, `INSERT INTO stories (title, created) VALUES (?, ?) RETURNING id`, title, ms(now)); err != nil {
		return 0, fmt.Errorf("open story: %w", err)
	}
	return id, nil
}

// InsertArticle stores a with its blocks and its page (nil: none), notes the change, and returns a's new ID. Where a's story has
// been merged into another, the article joins that one. a.ID and a.Story are set. An article of the past without a story is noted when
// JoinArticle has given it one; as one of the past it says nothing of how its site is read today.
func (t *Tx) InsertArticle(a *pipeline.Article, p *pipeline.Page) (int64, error) {
	if a.Story == 0 && !a.Past {
		return 0, fmt.Errorf("insert article %s: no such story: %w", a.URL, ErrNotFound)
	}
	id, err := t.insertArticle(a, p)
	if err == nil && !a.Past {
		err = t.countSite(a)
	}
	return id, err
}

// insertArticle is InsertArticle for any article, with a story or without one yet, and says nothing of its site.
func (t *Tx) insertArticle(a *pipeline.Article, p *pipeline.Page) (int64, error) {
	root, err := rootOf(t.c, a.Story)
	if err != nil {
		return 0, fmt.Errorf("insert article %s: story %d: %w", a.URL, a.Story, err)
	}
	authors, blocks, tags, err := lists(a)
	if err != nil {
		return 0, err
	}
	var id int64
	err = t.c.get([]any{&id}, `INSERT INTO articles (story, feed, url, canonical, site, site_name, title, authors, tags, published, date, modified, lang,
		agency, section, image, source, paywalled, why, relation, of_id, score, seen, sketch, body, blocks, past)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		root, a.Feed, a.URL, ident(a.Canonical), ident(a.Site), a.SiteName, a.Title, authors, tags, ms(a.Published), a.Date, a.Modified, a.Lang, a.Agency,
		a.Section, a.Image, string(a.Source), bit(a.Paywalled), a.Why, a.Relation, a.Of, a.Score, ms(a.Seen), a.Sketch, a.Body, blocks, bit(a.Past))
	if err != nil {
		return 0, fmt.Errorf("insert article %s: %w", a.URL, err)
	}
	paged := 0
	if p != nil {
		if paged, err = t.insertPage(id, p); err != nil {
			return 0, fmt.Errorf("insert the page of article %s: %w", a.URL, err)
		}
	}
	if err := t.noteKept(id, a, paged, len(blocks)); err != nil {
		return 0, fmt.Errorf("note the room of article %s: %w", a.URL, err)
	}
	if root != 0 {
		if _, err := t.c.exec(`INSERT INTO changes (kind, article) VALUES (?, ?)`, string(pipeline.ChangeArticle), id); err != nil {
			return 0, fmt.Errorf("note article %s: %w", a.URL, err)
		}
	}
	a.ID, a.Story = id, root
	return id, nil
}

// lists are the article's lists as they are stored.
func lists(a *pipeline.Article) (authors, blocks, tags string, err error) {
	if authors, err = list(cleaned(a.Authors)); err != nil {
		return "", "", "", err
	}
	if tags, err = list(cleaned(a.Tags)); err != nil {
		return "", "", "", err
	}
	bs := make([]pipeline.Block, len(a.Blocks))
	for i, b := range a.Blocks {
		b.Text = Clean(b.Text)
		bs[i] = b
	}
	blocks, err = list(bs)
	return authors, blocks, tags, err
}

// insertPage stores a page and says how many bytes it takes.
func (t *Tx) insertPage(article int64, p *pipeline.Page) (int, error) {
	if len(p.Body) > maxPage {
		return 0, fmt.Errorf("the page has %d bytes, more than the store's %d", len(p.Body), maxPage)
	}
	packed := p.Packed
	if packed == nil {
		packed = t.s.enc.EncodeAll(p.Body, nil)
	}
	_, err := t.c.exec(`INSERT INTO pages (article, url, final_url, status, content_type, etag, last_modified, fetched, size, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, article, p.URL, p.FinalURL, p.Status, p.ContentType, p.ETag, p.LastModified, ms(p.Fetched),
		len(p.Body), packed)
	return len(packed), err
}

// PackPage compresses a page's body, for InsertArticle. A page that is too large to be kept is left as it is.
func (s *Store) PackPage(p *pipeline.Page) {
	if len(p.Body) <= maxPage {
		p.Packed = s.enc.EncodeAll(p.Body, make([]byte, 0, len(p.Body)/4+64))
	}
}

// SaveMatches stores the matches of an article; known (article, rule) pairs get the new spans.
func (t *Tx) SaveMatches(article int64, ms []pipeline.Match) error {
	for _, m := range ms {
		channels, err := list(cleaned(m.Channels))
		if err != nil {
			return err
		}
		spans, err := list(m.Spans)
		if err != nil {
			return err
		}
		_, err = t.c.exec(`INSERT INTO matches (article, rule, channels, spans, dated) VALUES (?, ?, ?, ?, (SELECT `+dated+` FROM articles a WHERE a.id = ?))
			ON CONFLICT (article, rule) DO UPDATE SET channels = excluded.channels, spans = excluded.spans`, article, m.Rule, channels, spans, article)
		if err != nil {
			return fmt.Errorf("save match of rule %s: %w", m.Rule, err)
		}
	}
	if len(ms) == 0 {
		return nil
	}
	return placeAgain(t.c, article)
}

// SaveItem stores the item's outcome.
func (t *Tx) SaveItem(it pipeline.Item) error {
	if err := saveItem(t.c, it); err != nil {
		return fmt.Errorf("save item %d: %w", it.ID, err)
	}
	return nil
}

// MergeStories makes from part of into, as Store.MergeStories does, unless a person keeps the two apart: then it does nothing.
func (t *Tx) MergeStories(from, into int64) error {
	a, err := rootOf(t.c, from)
	if err == nil {
		var others []int64
		if others, err = keptApart(t.c, a); err == nil && len(others) > 0 {
			var b int64
			if b, err = rootOf(t.c, into); err == nil && slices.Contains(others, b) {
				return nil
			}
		}
	}
	if err != nil {
		return fmt.Errorf("merge story %d into %d: %w", from, into, err)
	}
	return mergeStories(t.c, from, into)
}

// MergeStories makes the story from part of the story into. from keeps its row, pointing at into; its articles move, which the
// change log says; alerts raised for either count for both from now on. Merging what is one already does nothing.
func (s *Store) MergeStories(ctx context.Context, from, into int64) error {
	return s.tx(ctx, func(c conn) error {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		return mergeStories(c, from, into)
	})
}

func mergeStories(c conn, from, into int64) error {
	merge := func() error {
		a, err := rootOf(c, from)
		if err != nil {
			return err
		}
		b, err := rootOf(c, into)
		if err != nil || a == b || a == 0 || b == 0 { // what has no story yet is joined by its own pass
			return err
		}
		if _, err := c.exec(`UPDATE stories SET merged_into = ? WHERE id = ?`, b, a); err != nil {
			return err
		}
		if _, err := c.exec(`INSERT INTO changes (kind, article) SELECT 'move', id FROM articles WHERE story = ? ORDER BY id`, a); err != nil {
			return err
		}
		if _, err = c.exec(`UPDATE articles SET story = ? WHERE story = ?`, b, a); err != nil {
			return err
		}
		return mergeEvents(c, a, b) // a story is of one event
	}
	if err := merge(); err != nil {
		return fmt.Errorf("merge story %d into %d: %w", from, into, err)
	}
	return nil
}

// storyNamed is rootOf of a story that somebody names. Story 0 is that of articles which have none yet.
func storyNamed(c conn, story int64) (int64, error) {
	if story == 0 {
		return 0, fmt.Errorf("no such story: %w", ErrNotFound)
	}
	return rootOf(c, story)
}

// rootOf follows merges to the story that stands.
func rootOf(c conn, story int64) (int64, error) {
	if story == 0 {
		return 0, nil
	}
	var root int64
	err := c.get([]any{&root}, `WITH RECURSIVE up (id, into_id) AS (
			SELECT id, merged_into FROM stories WHERE id = ?
			UNION SELECT s.id, s.merged_into FROM stories s JOIN up ON s.id = up.into_id WHERE up.into_id <> 0)
		SELECT id FROM up WHERE into_id = 0`, story)
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("no such story: %w", err)
	}
	return root, err
}

var (
	_ pipeline.PollStore    = (*Store)(nil)
	_ pipeline.ProcessStore = (*Store)(nil)
	_ pipeline.DeliverStore = (*Store)(nil)
)
