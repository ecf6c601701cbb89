package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"wirewatch/pipeline"
)

// A Trace is all that the store knows of one article's way.
type Trace struct {
	Items      []pipeline.Item         // entries that led to it, the oldest first
	Articles   []pipeline.Article      // its versions with their blocks, the oldest first
	Pages      map[int64]pipeline.Page // by article, without Body; of what retention took, or the feed stood in for, none
	Deliveries []pipeline.Delivery     // of alerts about these articles or their stories, the oldest first
}

// maxTrace bounds how many rows of each kind are looked up in one step of a Trace.
const maxTrace = 100

// Trace follows an article by its ID where that is not 0, or by its canonical addresses. One that was never seen has neither items nor
// articles.
func (s *Store) Trace(ctx context.Context, id int64, canonical ...string) (Trace, error) {
	t := tracer{Trace: Trace{Pages: map[int64]pipeline.Page{}}}
	err := s.snapshot(ctx, func(c conn) error {
		t.conn = c
		return t.follow(id, canonical)
	})
	if err != nil {
		return t.Trace, fmt.Errorf("trace: %w", err)
	}
	return t.Trace, nil
}

type tracer struct {
	conn
	Trace
}

// follow goes from addresses to items and articles, and from each of these to the other: a page that names another address, or was
// redirected, is found only by way of its item.
func (t *tracer) follow(id int64, canonical []string) error {
	if err := t.articles(` WHERE id = ?`, id); err != nil {
		return err
	}
	for _, a := range t.Articles {
		canonical = append(canonical, a.Canonical)
	}
	for _, s := range canonical {
		if s = ident(s); s == "" {
			continue
		}
		if err := t.articles(` WHERE canonical = ? ORDER BY id LIMIT ?`, s, maxTrace); err != nil {
			return err
		}
		if err := t.items(` WHERE canonical = ? AND canonical <> '' ORDER BY id LIMIT ?`, s, maxTrace); err != nil {
			return err
		}
	}
	for _, it := range t.Items {
		if err := t.articles(` WHERE id = ?`, it.Article); err != nil {
			return err
		}
	}
	told := map[int64]bool{}
	for _, a := range t.Articles {
		if err := t.items(` WHERE article = ? AND article <> 0 ORDER BY id LIMIT ?`, a.ID, maxTrace); err != nil {
			return err
		}
		if err := t.page(a.ID); err != nil {
			return err
		}
		if told[a.Story] {
			continue
		}
		told[a.Story] = true
		ds, err := loadDeliveries(t.conn, ` WHERE a.story IN (WITH RECURSIVE `+family+` SELECT id FROM family) ORDER BY d.id LIMIT ?`, a.Story, maxTrace)
		if err != nil {
			return err
		}
		t.Deliveries = append(t.Deliveries, ds...)
	}
	slices.SortFunc(t.Articles, func(a, b pipeline.Article) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(t.Items, func(a, b pipeline.Item) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

func (t *tracer) articles(rest string, args ...any) error {
	as, err := loadArticles(t.conn, fullColumns, rest, args...)
	for _, a := range as {
		if !slices.ContainsFunc(t.Articles, func(x pipeline.Article) bool { return x.ID == a.ID }) {
			t.Articles = append(t.Articles, a)
		}
	}
	return err
}

func (t *tracer) items(rest string, args ...any) error {
	its, err := loadItems(t.conn, `SELECT `+itemColumns+` FROM items`+rest, args...)
	for _, it := range its {
		if !slices.ContainsFunc(t.Items, func(x pipeline.Item) bool { return x.ID == it.ID }) {
			t.Items = append(t.Items, it)
		}
	}
	return err
}

// page reads what there is to say of the page that an article was made of.
func (t *tracer) page(article int64) error {
	return t.each(func(scan func(...any) error) error {
		var p pipeline.Page
		var fetched int64
		err := scan(&p.URL, &p.FinalURL, &p.Status, &p.ContentType, &fetched)
		p.Fetched = at(fetched)
		t.Pages[article] = p
		return err
	}, `SELECT url, final_url, status, content_type, fetched FROM pages WHERE article = ?`, article)
}
