package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Columns of an article without its blocks, which are the larger half of it and seldom wanted.
const (
	articleColumns = `id, story, feed, url, canonical, site, site_name, title, authors, tags, published, date, modified, lang, agency, section, image,
	source, paywalled, why, relation, of_id, score, seen, sketch, body, withdrawn, '' AS blocks, pruned, past`
	fullColumns = `id, story, feed, url, canonical, site, site_name, title, authors, tags, published, date, modified, lang, agency, section, image,
	source, paywalled, why, relation, of_id, score, seen, sketch, body, withdrawn, blocks, pruned, past`
)

func loadArticles(c conn, columns, rest string, args ...any) ([]pipeline.Article, error) {
	var out []pipeline.Article
	err := c.each(func(scan func(...any) error) error {
		var a pipeline.Article
		var published, seen, withdrawn, pruned int64
		var authors, tags, blocks string
		err := scan(&a.ID, &a.Story, &a.Feed, &a.URL, &a.Canonical, &a.Site, &a.SiteName, &a.Title, &authors, &tags, &published, &a.Date,
			&a.Modified, &a.Lang, &a.Agency, &a.Section, &a.Image, &a.Source, &a.Paywalled, &a.Why, &a.Relation, &a.Of, &a.Score, &seen, &a.Sketch, &a.Body, &withdrawn, &blocks, &pruned, &a.Past)
		if err != nil {
			return err
		}
		a.Published, a.Seen, a.Withdrawn, a.Pruned = at(published), at(seen), at(withdrawn), pruned >= prunedBody
		if err := unlist(authors, &a.Authors, "authors"); err != nil {
			return err
		}
		if err := unlist(tags, &a.Tags, "tags"); err != nil {
			return err
		}
		if err := unlist(blocks, &a.Blocks, "blocks"); err != nil {
			return err
		}
		out = append(out, a)
		return nil
	}, `SELECT `+columns+` FROM articles`+rest, args...)
	return out, err
}

// Article loads one article with its blocks. ErrNotFound: there is none.
func (s *Store) Article(ctx context.Context, id int64) (pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	as, err := loadArticles(c, fullColumns, ` WHERE id = ?`, id)
	if err == nil && len(as) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return pipeline.Article{}, fmt.Errorf("load article %d: %w", id, err)
	}
	return as[0], nil
}

// An ArticleFilter chooses articles. Its zero values choose all.
type ArticleFilter struct {
	Since, Until time.Time // of Seen; the range is half-open
	Site         string
	Story        int64 // a story merged into another stands for that one
	After        int64 // IDs above it, in ascending order: for reading all of an archive page by page
	Limit        int   // 0: 100
}

// Articles lists articles without their blocks: the newest first, or with After the oldest first.
func (s *Store) Articles(ctx context.Context, f ArticleFilter) ([]pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := listArticles(c, f)
	if err != nil {
		return nil, fmt.Errorf("list articles: %w", err)
	}
	return out, nil
}

func listArticles(c conn, f ArticleFilter) ([]pipeline.Article, error) {
	w := where{}
	w.add(!f.Since.IsZero(), `seen >= ?`, ms(f.Since))
	w.add(!f.Until.IsZero(), `seen < ?`, ms(f.Until))
	w.add(f.Site != "", `site = ?`, f.Site)
	if f.Story != 0 {
		root, err := rootOf(c, f.Story)
		if err != nil {
			return nil, err
		}
		w.add(true, `story = ?`, root)
	}
	w.add(f.After > 0, `id > ?`, f.After)
	order := ` ORDER BY id DESC LIMIT ?`
	if f.After > 0 {
		order = ` ORDER BY id LIMIT ?`
	}
	return loadArticles(c, articleColumns, w.String()+order, append(w.args, limit(f.Limit))...)
}

// maxStory bounds how many articles of a story are listed.
const maxStory = 1000

// Story loads a story with its articles, the newest first, without their blocks. For a story that was merged into another it
// loads that one.
func (s *Store) Story(ctx context.Context, id int64) (pipeline.Story, []pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	st, err := loadStory(c, id)
	if err != nil {
		return st, nil, fmt.Errorf("load story %d: %w", id, err)
	}
	as, err := listArticles(c, ArticleFilter{Story: st.ID, Limit: maxStory})
	if err != nil {
		return st, nil, fmt.Errorf("load story %d: %w", id, err)
	}
	return st, as, nil
}

func loadStory(c conn, id int64) (pipeline.Story, error) {
	var st pipeline.Story
	root, err := storyNamed(c, id)
	if err != nil {
		return st, err
	}
	var created int64
	err = c.get([]any{&st.ID, &st.Title, &created, &st.MergedInto, &st.Event}, `SELECT id, title, created, merged_into, event FROM stories WHERE id = ?`, root)
	st.Created = at(created)
	return st, err
}

// Page loads the page an article was made of, unpacked. ErrNotFound: none was stored.
func (s *Store) Page(ctx context.Context, article int64) (pipeline.Page, error) {
	var p pipeline.Page
	var fetched, size int64
	var packed []byte
	var it pipeline.Entry
	err := s.get(ctx, []any{&p.URL, &p.FinalURL, &p.Status, &p.ContentType, &p.ETag, &p.LastModified, &fetched, &size, &packed},
		`SELECT url, final_url, status, content_type, etag, last_modified, fetched, size, body FROM pages WHERE article = ?`, article)
	if err == nil { // the first item that brought the article is the one whose text was heard then
		err = s.get(ctx, []any{&it.Summary, &it.Content}, `SELECT summary, content FROM items WHERE article = ? AND article <> 0 ORDER BY id LIMIT 1`, article)
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		return p, fmt.Errorf("load the page of article %d: %w", article, err)
	}
	p.Fetched, p.Feed = at(fetched), it.Text()
	if p.Body, err = s.dec.DecodeAll(packed, make([]byte, 0, min(size, maxPage))); err != nil {
		return p, fmt.Errorf("unpack the page of article %d: %w", article, err)
	}
	return p, nil
}

// Blocks loads the blocks of an article. ErrNotFound: there is no such article.
func (s *Store) Blocks(ctx context.Context, article int64) ([]pipeline.Block, error) {
	var text string
	var out []pipeline.Block
	err := s.get(ctx, []any{&text}, `SELECT blocks FROM articles WHERE id = ?`, article)
	if err == nil {
		err = unlist(text, &out, "blocks")
	}
	if err != nil {
		return nil, fmt.Errorf("load the blocks of article %d: %w", article, err)
	}
	return out, nil
}

// A MatchFilter chooses matches. Its zero values choose all.
type MatchFilter struct {
	Article int64
	Rule    string
	Limit   int // 0: 100
}

// A MatchRow is a stored match with the article it is in.
type MatchRow struct {
	Article int64
	pipeline.Match
}

// Matches lists matches, those of the newest articles first, then by rule.
func (s *Store) Matches(ctx context.Context, f MatchFilter) ([]MatchRow, error) {
	w := where{}
	w.add(f.Article != 0, `article = ?`, f.Article)
	w.add(f.Rule != "", `rule = ?`, f.Rule)
	c, done := s.read(ctx)
	defer done()
	var out []MatchRow
	err := c.each(func(scan func(...any) error) error {
		var m MatchRow
		var channels, spans string
		if err := scan(&m.Article, &m.Rule, &channels, &spans); err != nil {
			return err
		}
		if err := unlist(channels, &m.Channels, "channels"); err != nil {
			return err
		}
		if err := unlist(spans, &m.Spans, "spans"); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	}, `SELECT article, rule, channels, spans FROM matches`+w.String()+` ORDER BY article DESC, rule LIMIT ?`, append(w.args, limit(f.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list matches: %w", err)
	}
	return out, nil
}
