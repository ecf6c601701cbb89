package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Polled is what one poll of a feed brought.
type Polled struct {
	Unchanged    bool // 304
	Title        string
	Lang         string
	Entries      []Entry
	ETag         string
	LastModified string
	Partial      error         // the document was cut or broken; Entries holds what could be saved
	MovedTo      string        // where a chain of permanent redirects (301, 308) ended; "" when there was none
	Fresh        time.Duration // how long the feed says it stays fresh: ttl, Cache-Control; 0: not said
}

// A FeedSource fetches and parses a feed, conditionally on f.ETag and f.LastModified, at f.Address. Errors carry a
// Failure: Gone for 410, Throttled with After for 429 and 503.
type FeedSource interface {
	Poll(ctx context.Context, f Feed) (Polled, error)
}

// PollStore is what polling needs of the store.
type PollStore interface {
	// DueFeeds lists names of active feeds with NextPoll <= now, the longest due first.
	DueFeeds(ctx context.Context, now time.Time, limit int) ([]string, error)
	// Feed loads one feed with its state.
	Feed(ctx context.Context, name string) (Feed, error)
	// SavePoll stores the feed's new state and its items in one transaction, under the lease. An item is known by
	// (Feed, Entry.GUID), else by Canonical; a known one changes nothing, except that it is opened again when
	// its entry's Updated moved forward, or when it came quietly by a backfill and now comes loudly by a poll.
	// What the poll shows of the feed is told to the operator, in the same transaction.
	// It returns how many items were new or opened again.
	SavePoll(ctx context.Context, l Lease, f Feed, items []Item, shown ...Condition) (int, error)
}

// A Poller asks feeds for news and stores what it has not seen.
type Poller struct {
	Store     PollStore
	Source    FeedSource
	Canonical func(url string) string // canonical form of an entry's URL
	Resolve   func(url string) string // where a redirector's link leads to, if the link says so; nil: nobody asks
	Host      func(url string) string // key of its scrape queue
	Baseline  time.Duration           // entries older than this on a feed's first poll are stored quietly, and undated ones
	Now       func() time.Time
	Report    func(Event, error)
	Operator  func() []string // the channels that are told how feeds fare; nil or none: nobody is
}

// Name is the lease kind of polling.
func (p *Poller) Name() string { return "poll" }

// Due lists the feeds to poll.
func (p *Poller) Due(ctx context.Context) ([]string, error) {
	return p.Store.DueFeeds(ctx, p.Now(), 1000)
}

// Run polls one feed and returns how many new items it brought. A feed's failure is not an error of Run: it is stored
// with the feed, which is asked again later.
func (p *Poller) Run(ctx context.Context, l Lease) (int, error) {
	f, err := p.Store.Feed(ctx, l.Key)
	if err != nil {
		return 0, fmt.Errorf("poll %s: %w", l.Key, err)
	}
	start := p.Now()
	if f.NextPoll.After(start) { // polled by someone else between the look and the lease
		return 0, nil
	}
	ev := Event{Stage: "poll", Key: f.Name}
	var got Polled
	perr := guard("reading the feed", func() (err error) {
		got, err = p.Source.Poll(ctx, f)
		return err
	})
	if ctx.Err() != nil {
		return 0, ctx.Err() // a shutdown is nobody's fault
	}
	now := p.Now()
	var items []Item
	answered := !f.LastOK.IsZero()
	before := f.FeedState
	ev.Outcome = f.learn(got, perr, now)
	if perr == nil {
		items = p.items(f, got.Entries, now)
		// A first document that is cut does not set the baseline by itself: what was missing of it is no news. The second
		// good answer sets it in any case.
		f.Baselined = f.Baselined || !got.Unchanged && (got.Partial == nil || answered)
	}
	ev.Count, err = p.Store.SavePoll(ctx, l, f, items, p.conditions(f, before.Address, now)...)
	if err != nil {
		return 0, fmt.Errorf("poll %s: %w", f.Name, err)
	}
	ev.Took = p.Now().Sub(start)
	if perr == nil {
		perr = f.remark(before)
	}
	p.Report(ev, perr)
	return ev.Count, nil
}

// remark is what an answer shows of the feed besides its entries, for the log, when it begins to show it; nil: nothing. Where no operator is
// told, the log alone says so.
func (f *Feed) remark(before FeedState) error {
	switch {
	case f.Address != before.Address:
		return fmt.Errorf("moved for good, as its server said %d times in a row: followed to %s; put that into the configuration", believeMove, bare(f.Address))
	case f.Warning != "" && before.Warning == "":
		return errors.New(f.Warning)
	}
	return nil
}

// believeMove is how many polls in a row must see the same permanent redirect.
const believeMove = 3

// learn brings the feed's state up to date with what a poll brought, and names the outcome in a word.
func (f *Feed) learn(got Polled, err error, now time.Time) string {
	f.LastPoll = now
	if err != nil {
		fail := AsFailure(err)
		if f.Failures++; f.FailingSince.IsZero() {
			f.FailingSince = now
		}
		f.Error = err.Error()
		f.ETag, f.LastModified = "", "" // the next good answer must be a whole document, not a 304
		outcome := "failed"
		if fail.Verdict == Gone {
			outcome = "gone"
			if f.Retired.IsZero() {
				f.Retired = now
			}
		}
		f.NextPoll = nextPoll(*f, now, 0, fail)
		return outcome
	}
	f.Retired = time.Time{}
	f.move(got.MovedTo)
	if got.Unchanged {
		if f.Failures > 0 {
			// We asked without validators after the failure, so this answer proves nothing about the document.
			f.NextPoll = nextPoll(*f, now, got.Fresh, &Failure{Verdict: Retry})
			return "unproven"
		}
		f.LastOK = now
		f.NextPoll = nextPoll(*f, now, got.Fresh, nil)
		return "unchanged"
	}
	outcome := "ok"
	f.Warning = ""
	f.ETag, f.LastModified = got.ETag, got.LastModified
	switch {
	case got.Partial != nil:
		outcome = "partial"
		f.Warning = "broken document, " + strconv.Itoa(len(got.Entries)) + " entries saved: " + got.Partial.Error()
	case len(got.Entries) == 0 && f.Entries > 0:
		outcome = "emptied"
		f.Warning = "had " + strconv.Itoa(f.Entries) + " entries, now none"
	}
	if outcome != "emptied" {
		f.EmptySince = time.Time{}
	} else if f.EmptySince.IsZero() {
		f.EmptySince = now
	}
	if outcome != "ok" { // look at the whole document again next time
		f.ETag, f.LastModified = "", ""
	} else {
		f.Entries = len(got.Entries)
	}
	if got.Title != "" {
		f.Title = got.Title
	}
	f.Failures, f.FailingSince, f.Error = 0, time.Time{}, ""
	f.LastOK = now
	f.NextPoll = nextPoll(*f, now, got.Fresh, nil)
	return outcome
}

// move counts sightings of a permanent redirect and follows it for good after the third in a row: one sighting is often a
// captive portal or a broken night at the publisher's.
func (f *Feed) move(to string) {
	if to == "" || to == f.Address {
		f.MovedTo, f.MovedSeen = "", 0
		return
	}
	if to != f.MovedTo {
		f.MovedTo, f.MovedSeen = to, 0
	}
	f.MovedSeen++
	if f.MovedSeen >= believeMove {
		f.Address = to
		f.MovedTo, f.MovedSeen = "", 0
	}
}

// items turns the entries of a document into items. Every entry is looked at: order, equal dates and numbers do not
// matter, identity alone does.
func (p *Poller) items(f Feed, entries []Entry, now time.Time) []Item {
	// A guid that stands at different entries identifies nothing (a constant, a section number).
	whose := make(map[string]string, len(entries))
	shared := map[string]bool{}
	for _, e := range entries {
		what := e.URL + "\n" + e.Title
		if w, ok := whose[e.GUID]; ok && w != what {
			shared[e.GUID] = true
		}
		whose[e.GUID] = what
	}
	out := make([]Item, 0, len(entries))
	for _, e := range entries {
		it := Item{Feed: f.Name, Entry: e, Origin: FromPoll, State: ItemOpen, Due: now, FirstSeen: now}
		if e.OrigURL != "" { // the page is asked for where it is
			e.URL = e.OrigURL
		}
		if p.Resolve != nil && e.URL != "" {
			e.URL = p.Resolve(e.URL)
		}
		it.Entry.URL = e.URL
		if it.Host = p.Host(e.URL); it.Host == NoHost { // no link, or none that can be fetched (urn:, tag:)
			it.Entry.URL = ""
		} else {
			it.Canonical = p.Canonical(e.URL)
		}
		if e.GUID == "" || shared[e.GUID] {
			it.Entry.GUID = it.Canonical
		}
		if it.Entry.GUID == "" {
			h := sha256.Sum256([]byte(e.Title + "\x00" + e.PublishedRaw + "\x00" + e.Summary + "\x00" + e.Content))
			it.Entry.GUID = "sha256:" + hex.EncodeToString(h[:16])
		}
		if it.Entry.Published.After(now) { // a clock or zone gone wrong: nothing is published tomorrow
			it.Entry.Published = now
		}
		if !f.Baselined && (it.Entry.Published.IsZero() || now.Sub(it.Entry.Published) > p.Baseline) {
			it.Origin, it.Quiet = FromBaseline, true
		}
		out = append(out, it)
	}
	return out
}
