package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/text"
)

// This file is the first step of processing: from an item to what its page, or the feed in its place, says.

// A reading is an article on its way into the store.
type reading struct {
	article Article
	page    *Page // nil: it is the feed's text
	matches []Match
	prints  []Print
	whole   string // the body before learned blocks were removed from it
	terms   []byte // what it is about
	event   dedup.EventDecision

	// What weigh found.
	weighed bool
	known   int64 // the stored article whose words these are; 0: none
	poor    bool  // it shows less than what is stored, and says so: a paywall
	other   bool  // it is another article: the address leads elsewhere now
	pruned  bool  // what is stored has lost its words: nobody can say whether these are others
	cut     int64 // fingerprint of a text that has lost more than half of its words; 0: it has not
}

// finish does what every article needs before the transaction, in which all other writers wait.
func (p *Processor) finish(ctx context.Context, a Article, page *Page) (reading, error) {
	r := reading{page: page, whole: a.Body, prints: Prints(&a)}
	learned, err := p.Store.Learned(ctx, a.Site, r.prints)
	if err != nil {
		return r, err
	}
	RemoveLearned(&a, learned)
	a.Sketch = dedup.Sketch(a.Title, a.Body, a.Lang)
	if p.Events != nil {
		r.terms = dedup.Terms(a.Title, a.Body, a.Lang)
	}
	r.article, r.matches = a, p.Match(&a)
	if page != nil {
		p.Store.PackPage(page)
	}
	return r, nil
}

// standIn gives the article that the feed's own text makes, in place of a page that failed by f.
func (p *Processor) standIn(ctx context.Context, it Item, f *Failure) (reading, error) {
	if it.Claims > maxFeedClaims {
		return reading{}, errors.New("and it ended on the feed's text too")
	}
	a := p.FeedText(it)
	a.Source, a.Why = SourceFeed, f.Reason
	if it.past() && a.Title == "" && a.Body == "" {
		return reading{}, errors.New("and the archive that named it says no more than its address")
	}
	return p.finish(ctx, a, nil)
}

// read gives the item's article as its page tells it.
func (r *hostRun) read(ctx context.Context, it Item) (reading, error) {
	p := r.p
	if it.Claims > maxClaims {
		return reading{}, &Failure{Verdict: Final, Reason: "crash",
			Err: fmt.Errorf("taken up %d times without an outcome: the process ended each time; not tried again by itself", it.Claims-1)}
	}
	if it.Entry.URL == "" { // the feed's text is all there is
		a := p.FeedText(it)
		a.Source = SourceFeed
		return p.finish(ctx, a, nil)
	}
	if f := r.throttle(); f != nil {
		return reading{}, f
	}
	if it.State != ItemDone { // what is read anew is read whole: with a new entry, the feed's own text counts too
		it.ETag, it.LastModified = "", ""
	}
	page, err := p.Pages.Fetch(ctx, it)
	if errors.Is(err, ErrUnchanged) {
		return reading{}, err
	}
	if err != nil {
		if f := AsFailure(err); f.Verdict == Throttled {
			r.later(f, p.Backoff.Pause(it.Attempts+1))
		}
		return reading{}, err
	}
	return p.fromPage(ctx, it, page)
}

// fromPage gives the article that an item's page makes.
func (p *Processor) fromPage(ctx context.Context, it Item, page *Page) (reading, error) {
	page.Feed = it.Entry.Text()
	a, err := p.Extract(page)
	if err != nil {
		return reading{}, &Failure{Verdict: Final, Reason: WhyUnreadable, Err: err}
	}
	if !shows(&a, it.Entry) {
		return reading{}, &Failure{Verdict: Retry, Reason: "another page",
			Err: fmt.Errorf("the page does not show the article: not a word of the headline %q stands in it", it.Entry.Title)}
	}
	a.Source = SourcePage
	// What the page leaves open, the feed may know.
	a.Title = cmp.Or(a.Title, it.Entry.Title)
	if a.Published.IsZero() {
		a.Published = it.Entry.Published
	}
	if a.Published.IsZero() {
		a.Published = it.Taken.UTC()
	}
	if len(a.Authors) == 0 && it.Entry.Author != "" {
		a.Authors = []string{it.Entry.Author}
	}
	a.Tags = joinTags(a.Tags, it.Entry.Tags)
	// A page that shows less than the feed does is a paywall's stub, or a page that needs a browser. Reading the feed's text costs
	// as much as reading a page, so it is read only where it has the length for that.
	if len(page.Feed) <= len(a.Body) {
		return p.finish(ctx, a, page)
	}
	if f := p.FeedText(it); len(f.Body) > len(a.Body) && (a.Paywalled || len(a.Body) < len(f.Body)/2) {
		f.Source, f.Why = SourceFeed, WhyShort
		if a.Paywalled {
			f.Why = WhyPaywall
		}
		f.Canonical, f.Site, f.SiteName, f.Blocks = a.Canonical, a.Site, a.SiteName, append(f.Blocks, a.Blocks...)
		f.Lang, f.Agency = cmp.Or(a.Lang, f.Lang), cmp.Or(a.Agency, f.Agency)
		f.Paywalled = a.Paywalled
		a = f
	}
	return p.finish(ctx, a, page)
}

// shows reports whether a page can be the entry's article. One in which not a single word of the feed's headline stands, title
// and text, is a consent form, a "checking your browser" or the site's front page, whatever its status says. Headlines of a
// few words prove nothing.
func shows(a *Article, e Entry) bool {
	want := map[string]bool{}
	for _, t := range text.Tokens(e.Title) {
		if r, _ := utf8.DecodeRuneInString(t.Text); len(t.Text) > 3 || text.Spaceless(r) {
			want[t.Text] = true
		}
	}
	if len(want) < 3 {
		return true
	}
	for _, s := range []string{a.Title, a.Body} {
		for _, t := range text.Tokens(s) {
			if want[t.Text] {
				return true
			}
		}
	}
	return false
}
