package past

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// maxDocuments bounds a walk against links that never end: a blog with ten entries a page and a million of them ends before.
const maxDocuments = 100_000

// A feedPast is a feed and what lies behind it: its documents are walked from the newest to the oldest.
type feedPast struct {
	name  string
	feed  pipeline.Feed
	feeds *scrapers.Feeds
	now   func() time.Time
}

func newFeedPast(arg string, d Deps) (pipeline.Past, error) {
	p := &feedPast{name: "feed " + arg, feed: pipeline.Feed{Name: arg, URL: arg}, now: d.Now}
	configured := false
	if d.Feed != nil {
		var address string
		if address, configured = d.Feed(arg); configured {
			p.feed.URL = address
		}
	}
	u, err := url.Parse(p.feed.URL)
	if err != nil || scrapers.Authority(u) == pipeline.NoHost {
		if configured {
			return nil, errors.New("the feed's url is not an http or https address")
		}
		return nil, errors.New("no feed of the configuration has this name, and it is not an http or https address; `wirewatch feeds list` shows the names")
	}
	var own scrapers.RequestOptions
	switch {
	case !configured: // whatever the address is, it is no name of a feed
		p.feed.Name = ""
		p.name = "feed " + bareAddress(u).String()
	case d.Options != nil:
		own = d.Options(arg)
	}
	own = withUser(own, u)
	p.feeds = &scrapers.Feeds{Client: d.Client, Options: func(string) scrapers.RequestOptions { return own }}
	return p, nil
}

func (p *feedPast) Name() string { return p.name }

// Estimate counts the feed's own document; how much lies behind it no feed says, so that it is guessed from how often the document's
// entries come.
func (p *feedPast) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	doc, err := p.feeds.Document(ctx, p.feed)
	if err != nil {
		return pipeline.Estimate{}, err
	}
	est := pipeline.Estimate{Requests: map[string]int{}, Bytes: -1}
	self := scrapers.Authority(doc.URL)
	var dates []time.Time
	hosts := map[string]int{}
	usual := self // where most of the pages are
	for i, e := range doc.Feed.Entries {
		if !e.Published.IsZero() {
			dates = append(dates, e.Published)
		}
		host := scrapers.Host(cmp.Or(e.OrigURL, e.URL))
		if hosts[host]++; host != pipeline.NoHost && hosts[host] > hosts[usual] {
			usual = host
		}
		if f, ok := p.find(doc.Feed, i, r); ok {
			est.Articles++
			if !f.Text {
				est.Requests[host]++
			}
		}
	}
	est.Requests[self]++
	if len(ways(doc, place{})) == 0 {
		return est, nil
	}
	slices.SortFunc(dates, time.Time.Compare)
	if len(dates) > 3 {
		dates = dates[1:] // the oldest may be pinned
	}
	n := len(dates)
	if r.Since.IsZero() || n < 2 || !dates[0].Before(dates[n-1]) {
		return pipeline.Estimate{Articles: -1, Requests: map[string]int{self: -1}, Bytes: -1, About: true}, nil
	}
	if dates[0].Before(r.Since) {
		return est, nil
	}
	until := dates[0] // what is newer stands in the document
	behind := until.Sub(r.Since).Hours()
	if !r.Until.IsZero() && r.Until.Before(until) {
		until = r.Until
	}
	each := max(1./60, dates[n-1].Sub(dates[0]).Hours()/float64(n-1)) // hours; a minute at least keeps the guess a number
	more := int(max(0, until.Sub(r.Since).Hours()) / each)
	est.Articles += more
	est.Requests[usual] += more
	est.Requests[self] += int(behind/each)/len(doc.Feed.Entries) + 1
	est.About = true
	return est, nil
}

// Walk reads the feed's own document and then what lies behind it, by the first way that it offers.
func (p *feedPast) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	at, err := readPlace(cursor)
	if err != nil {
		return &pipeline.Failure{Verdict: pipeline.Final, Reason: "checkpoint", Err: fmt.Errorf("%s: its checkpoint cannot be read (%w); begin anew", p.name, err)}
	}
	w := feedWalk{feedPast: p, r: r, found: found, read: map[string]bool{}}
	others := []place{} // ways that were not needed so far
	for range maxDocuments {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		behind, err := w.document(ctx, at)
		var broken *deadEnd
		switch {
		case errors.As(err, &broken):
			if err := found(pipeline.Find{Err: broken.err}); err != nil {
				return err
			}
		case err != nil:
			return err
		case at.By == "":
			if len(behind) == 0 {
				return nil
			}
			at, others = behind[0], behind[1:]
			continue
		case len(behind) > 0:
			at = behind[0]
			continue
		default:
			return nil
		}
		if len(others) == 0 {
			return nil
		}
		at, others = others[0], others[1:]
		w.old, w.repeats = 0, 0
	}
	return found(pipeline.Find{Err: fmt.Errorf("%s: there is no end after %d documents; the rest is not read", p.name, maxDocuments)})
}

// A deadEnd says why a way ends before its end.
type deadEnd struct{ err error }

func (d *deadEnd) Error() string { return d.err.Error() }

// A feedWalk is what a walk remembers from document to document.
type feedWalk struct {
	*feedPast
	r       pipeline.Range
	found   func(pipeline.Find) error
	read    map[string]bool // documents
	before  map[string]bool // entries of the document before, by key
	old     int             // documents in a row that lie before the range, each further back than the one before
	newest  time.Time       // the newest entry of the last of them
	repeats int             // documents in a row without an entry that was not in the one before
}

// document gives the entries of one document and says what lies behind it: nothing, or ways in the order in which to try them.
func (w *feedWalk) document(ctx context.Context, at place) ([]place, error) {
	if w.read[at.URL] {
		return nil, w.dead(at, errors.New("it was read before: the links go round in a circle"))
	}
	w.read[at.URL] = true
	f := w.feed
	f.Address = at.URL
	doc, err := w.feeds.Document(ctx, f)
	if err != nil {
		fail := pipeline.AsFailure(err)
		switch {
		case at.By == "" || ctx.Err() != nil:
			return nil, err
		case at.By == byPaged && fail.Reason == fmt.Sprint("status ", http.StatusNotFound):
			return nil, nil // how WordPress says that there is no such page
		case fail.Verdict == pipeline.Final, fail.Verdict == pipeline.Gone, fail.Reason == "not a feed":
			return nil, w.dead(at, err)
		}
		return nil, err // it may pass, and behind it is what must not be lost
	}
	if doc.Feed.Partial == nil {
		doc.Cut = nil // the root element was closed: nothing of it is missing
	}
	if doc.Cut == nil && doc.Feed.Partial != nil {
		if err := w.found(pipeline.Find{Err: fmt.Errorf("%s: %s: %w", w.name, at.what(), doc.Feed.Partial)}); err != nil {
			return nil, err
		}
	}
	if err := w.entries(doc, at); err != nil {
		return nil, err
	}
	switch {
	case doc.Cut != nil: // once more, as what is missing may be anything
		return nil, doc.Cut
	case at.By == byPaged && len(doc.Feed.Entries) == 0, w.old >= 2:
		return nil, nil
	case w.repeats >= 2 && at.By == byPaged: // a site that does not know pages gives the same one for each number
		return nil, nil
	case w.repeats >= 2:
		return nil, w.dead(at, errors.New("it holds the same as those before it, and so on"))
	}
	return ways(doc, at), nil
}

// entries gives what a document has of the range and was not in the one before, behind the cursor.
func (w *feedWalk) entries(doc scrapers.Document, at place) error {
	keys := make(map[string]bool, len(doc.Feed.Entries))
	fresh, undated := 0, false
	var newest time.Time
	cursor := at
	for _, e := range at.inOrder(doc.Feed) {
		keys[e.key] = true
		if e.published.IsZero() {
			undated = true
		} else if e.published.After(newest) {
			newest = e.published
		}
		if w.before[e.key] {
			continue
		}
		fresh++
		if !at.past(e) {
			continue
		}
		if !e.published.IsZero() {
			cursor.At, cursor.Key = e.published.UnixMilli(), e.key
		}
		f, ok := w.find(doc.Feed, e.index, w.r)
		if !ok {
			continue
		}
		if doc.Cut == nil {
			f.Cursor = cursor.String()
		}
		if err := w.found(f); err != nil {
			return err
		}
	}
	if len(keys) > 0 {
		if fresh == 0 {
			w.repeats++
		} else {
			w.repeats = 0
		}
		w.before = keys
	}
	// One old entry that is pinned to a page, or one page out of order, is not the end.
	switch {
	case undated || newest.IsZero() || !newest.Before(w.r.Since):
		w.old = 0
	case w.old > 0 && newest.After(w.newest):
		w.old, w.newest = 1, newest
	default:
		w.old, w.newest = w.old+1, newest
	}
	return nil
}

// find makes a Find of an entry; ok is false where it lies outside the range.
func (p *feedPast) find(f *feed.Feed, i int, r pipeline.Range) (find pipeline.Find, ok bool) {
	e := pipeline.Entry(f.Entries[i])
	e.URL = cmp.Or(e.OrigURL, e.URL)
	if now := p.now(); e.Published.After(now) { // a clock or zone gone wrong: nothing is published tomorrow
		e.Published = now
	}
	if !e.Published.IsZero() && !r.Holds(e.Published) {
		if !f.OnlyUpdated[i] || e.Published.Before(r.Since) {
			return pipeline.Find{}, false
		}
		e.Published = time.Time{} // it was changed after the range, and may well have been published in it
	}
	return pipeline.Find{Entry: e, Text: scrapers.Host(e.URL) == pipeline.NoHost}, true
}

func (w *feedWalk) dead(at place, err error) error {
	return &deadEnd{fmt.Errorf("%s: %s could not be read, and what lies behind it is not known: %w", w.name, at.what(), err)}
}
