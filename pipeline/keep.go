package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline/dedup"
)

// This file is how processing stores what a backfill brings: quietly, and without a story. Which story it is of the Joiner decides, who
// sees the articles in the order of publication, not in the order in which a sitemap or a web archive lists them.

// past reports whether the item came by a backfill and no poll has brought it since.
func (it *Item) past() bool { return it.Origin == FromBackfill && it.Quiet }

// outside says why the article of an item that a backfill found is not stored: it was not published in the range that was asked for. nil:
// it was, or another backfill that waits for the page wants it, or the item is none of a backfill.
func (p *Processor) outside(ctx context.Context, it Item, a *Article) (out, err error) {
	if !it.past() || it.Backfill == 0 {
		return nil, nil
	}
	r, ok := p.runs.Load(it.Backfill)
	if !ok {
		run, err := p.Store.Backfill(ctx, it.Backfill)
		if err != nil {
			return nil, fmt.Errorf("process %s: %w", it.Entry.URL, err)
		}
		r, _ = p.runs.LoadOrStore(it.Backfill, run)
	}
	run := r.(BackfillRun)
	if run.holds(a.Published) {
		return nil, nil
	}
	others, err := p.Store.Wanting(ctx, it.ID)
	if err != nil {
		return nil, fmt.Errorf("process %s: %w", it.Entry.URL, err)
	}
	switch {
	case slices.ContainsFunc(others, func(r BackfillRun) bool { return r.holds(a.Published) }):
		return nil, nil
	case a.Published.IsZero():
		return errors.New("outside the range: neither page nor source says when it was published"), nil
	}
	return fmt.Errorf("outside the range: published %s", a.Published.UTC().Format(time.RFC3339)), nil
}

// errNoArticle says that a document has neither a text nor a date: a front page, a list, a form. Web archives are full of them.
var errNoArticle = errors.New("no article: neither a text nor a date")

// readFind gives the article of what a source has: a page, or with nil the text of the item's entry.
func (p *Processor) readFind(ctx context.Context, it Item, page *Page) (reading, error) {
	if page != nil && len(page.Body) > 0 {
		r, err := p.fromPage(ctx, it, page)
		if err == nil && r.article.Body == "" && r.article.Date == "" && it.Entry.Published.IsZero() {
			return reading{}, errNoArticle
		}
		return r, err
	}
	a := p.FeedText(it)
	if a.Title == "" && a.Body == "" {
		return reading{}, errNoArticle
	}
	a.Source = SourceFeed
	if a.Published.IsZero() {
		a.Published = it.Taken.UTC()
	}
	return p.finish(ctx, a, nil)
}

// commitPast stores the article of an item that a backfill found, and closes the item, in one transaction.
func (p *Processor) commitPast(ctx context.Context, l Lease, it Item, got *reading) error {
	err := p.Store.Write(ctx, l, func(tx Tx) error {
		if _, err := p.keep(tx, it, got); err != nil {
			return err
		}
		it.Article = got.article.ID
		return tx.SaveItem(it)
	})
	if err != nil {
		return fmt.Errorf("store %s: %w", got.article.URL, err)
	}
	return nil
}

// keep stores an article of the past with its matches, and reports whether it is new. What is stored of it already stays as it is: the live
// article, the page of another day, its story, and what was told of it.
func (p *Processor) keep(tx Tx, it Item, got *reading) (fresh bool, err error) {
	a := &got.article
	a.ID, a.Story, a.Past = 0, 0, true
	a.Relation, a.Of, a.Score = dedup.RelNew, 0, 0
	ms := got.matches
	// Without an index: title and text alone tell whether a canonical link that many pages share is to be believed.
	prev, ok, err := earlier(tx, it, a, func(prev *Article) bool { return sameWords(a, prev) })
	if err != nil {
		return false, err
	}
	if ok {
		if ms = p.settle(a, got, prev); a.ID == 0 {
			if ms, err = p.capture(tx, a, got, prev, ms); err != nil {
				return false, err
			}
		}
	}
	if a.ID == 0 {
		fresh = true
		if a.ID, err = tx.InsertArticle(a, got.page); err != nil {
			return false, err
		}
		if got.terms != nil {
			if err := tx.SaveTerms(a.ID, a.Seen, got.terms); err != nil {
				return false, err
			}
		}
	}
	return fresh, tx.SaveMatches(a.ID, ms)
}

// capture looks for an article's text among all that is stored of its page, where prev, the text that counts, is another one: a page of
// several captures is found again by a backfill that is run again, and by another one. ms are the article's matches as a version of prev.
func (p *Processor) capture(tx Tx, a *Article, got *reading, prev Article, ms []Match) ([]Match, error) {
	all, err := tx.ArticlesByURL(prev.Canonical)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.ID == prev.ID {
			continue
		}
		same := *a
		if found := p.settle(&same, got, v); same.ID != 0 {
			*a = same
			return found, nil
		}
	}
	return ms, nil
}
