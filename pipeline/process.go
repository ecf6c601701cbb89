package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/text"
)

// A PageFetcher fetches an item's page, politely. Errors carry a Failure. Where the item carries validators the request is
// conditional, and a page that has not changed is ErrUnchanged.
type PageFetcher interface {
	Fetch(ctx context.Context, item Item) (*Page, error)
}

// ProcessStore is what processing needs of the store.
type ProcessStore interface {
	// DueHosts lists hosts with open items due, the longest due first.
	DueHosts(ctx context.Context, now time.Time, limit int) ([]string, error)
	// ClaimItems takes up to n due items of the lease's host, oldest first, counts the claim on each and sets FirstTry
	// where it is zero. Items claimed by this lease's owner before are not given again.
	ClaimItems(ctx context.Context, l Lease, now time.Time, n int) ([]Item, error)
	// SaveItem stores the outcome of an item that brought no article, under the lease.
	SaveItem(ctx context.Context, l Lease, it Item) error
	// Write runs f in the one transaction that matters, under the lease: it is locked against every other Write before f
	// reads, commits when f returns nil, and rolls all of it back on an error or when the lease is lost.
	Write(ctx context.Context, l Lease, f func(Tx) error) error
	// PackPage makes of a page's body what the store keeps, before the transaction in which all other writers wait.
	PackPage(p *Page)
	// Learned says which of the fingerprints are learned boilerplate of the site.
	Learned(ctx context.Context, site string, prints []Print) (map[int64]bool, error)
	RevisitStore
}

// Tx is the transaction in which an article joins its story.
type Tx interface {
	// Changes calls f for what happened to articles after seq, in commit order, leaving out articles seen before since.
	Changes(after int64, since time.Time, f func(Change) error) error
	// ArticleByURL finds the newest article under a canonical URL.
	ArticleByURL(canonical string) (Article, bool, error)
	// Article loads an article by its ID.
	Article(id int64) (Article, bool, error)
	// OpenStory makes a new story.
	OpenStory(title string, now time.Time) (int64, error)
	// MergeStories makes the story from part of the story into; alerts raised for either count for both from now on.
	MergeStories(from, into int64) error
	// JoinEvent puts a story into an event, or one that it was merged into; 0: it opens one. It returns that event.
	JoinEvent(story, event int64) (int64, error)
	// MergeEvents makes the event from part of the event into; alerts raised for either count for both from now on.
	MergeEvents(from, into int64) error
	// SaveTerms keeps what an article is about, and DropTerms forgets it of articles seen before then.
	SaveTerms(article int64, seen time.Time, terms []byte) error
	DropTerms(before time.Time) error
	// InsertArticle stores a with its blocks and its page (nil: none), notes the change, and returns a's new ID.
	InsertArticle(a *Article, p *Page) (int64, error)
	// PageFound notes that the page of an article is there, which was withdrawn until now if it was.
	PageFound(article int64) error
	// SaveMatches stores the matches of an article; known (article, rule) pairs get the new spans.
	SaveMatches(article int64, ms []Match) error
	// RaiseAlert stores the alert and a delivery per channel, unless there is one already for its rule and kind and its
	// story or a story merged with it; with OncePer, its article or event. It reports whether it did.
	RaiseAlert(a Alert, channels []string) (bool, error)
	// RaiseUpdate stores an update of what the alert's rule told of the alert's article before, with a delivery to each of the
	// channels that was told then, unless this version was told already. It reports whether it did.
	RaiseUpdate(a Alert, channels []string) (bool, error)
	// SaveItem stores the item's outcome.
	SaveItem(it Item) error
	// NoteBlocks stores an article's fingerprints in the place of those it had, and returns what the site's last articles say of
	// those that stand in MinStories stories or more.
	NoteBlocks(a *Article, prints []Print) ([]Sighting, error)
	// LearnBlock stores that a block is boilerplate, unless something was decided about it before.
	LearnBlock(b LearnedBlock) error
	// LiftBlock ends the removal of a learned block of the site, for good.
	LiftBlock(site string, hash int64) error
	// UpdateArticle puts what an article says anew in its place and notes the change. What it is stays.
	UpdateArticle(a *Article) error
	// Matches lists the rules that are stored as matching the article.
	Matches(article int64) ([]string, error)
	// DropMatch deletes the match of a rule in an article.
	DropMatch(article int64, rule string) error
	// Respan gives the alerts about an article the spans that a rule has in its text now.
	Respan(article int64, m Match) error
}

// ChangeKind is what happened to an article.
type ChangeKind string

const (
	ChangeArticle ChangeKind = "article" // it was stored
	ChangeText    ChangeKind = "text"    // its text was extracted again
	ChangeMove    ChangeKind = "move"    // it belongs to another story now
	ChangeSplit   ChangeKind = "split"   // a person took it out of its story into another
	ChangePrune   ChangeKind = "prune"   // it is gone
	ChangeEvent   ChangeKind = "event"   // its event was merged into another
)

// A Change is a row of the store's change log, joined with the article as it stands.
type Change struct {
	Seq       int64
	Kind      ChangeKind
	Article   int64
	Story     int64
	Canonical string
	Site      string
	Lang      string
	Published time.Time
	Seen      time.Time
	Sketch    []byte
	Event     int64
	Terms     []byte // of an article that opened a story, with ChangeArticle; else nil
}

// A Processor turns items into articles: fetch, extract, match, and in one transaction fold, store and raise alerts.
type Processor struct {
	Store    ProcessStore
	Pages    PageFetcher
	Extract  func(*Page) (Article, error) // the page's article; its Canonical is the page's own word for its identity
	FeedText func(Item) Article           // the article that the feed's own text makes
	Match    func(*Article) []Match       // rules that hold, each with the channels it tells
	Index    *dedup.Index
	Events   *dedup.Events // nil: every story is an event of its own
	Parallel int           // pages of one host in flight
	Slice    time.Duration // a run ends after about this long, so that many hosts take turns; 0: when nothing is due
	Backoff  Backoff       // between attempts at a page
	Attempts int           // after so many a page has failed for good
	Window   time.Duration // how far back the duplicate index reaches
	Now      func() time.Time
	Revisit  []time.Duration // ages at which a page is looked at again, rising; none: never
	Rand     func() float64  // in [0,1), spreads revisits; nil: math/rand
	Wake     func()          // called when alerts have been raised
	Report   func(Event, error)

	mu     sync.Mutex // guards Index, Events, seq and forgot
	seq    int64      // the change the index has seen last
	forgot time.Time  // when old events were dropped last

	patience sync.Map // host to patience
}

// When a page does not come, the feed's own text speaks for it after this.
const (
	fallbackAttempts = 2
	fallbackAfter    = 10 * time.Minute
	maxClaims        = 4 // an item taken up this often without any outcome has brought the process down: its page is not tried again
	maxFeedClaims    = 6 // nor, after this, its feed's text
	maxHosts         = 1000
)

// Name is the lease kind of processing.
func (p *Processor) Name() string { return "process" }

// Due lists the hosts with work: those with new items first, those with nothing but pages to look at again behind them.
func (p *Processor) Due(ctx context.Context) ([]string, error) {
	hosts, err := p.Store.DueHosts(ctx, p.Now(), maxHosts)
	if err != nil || len(p.Revisit) == 0 {
		return hosts, err
	}
	again, err := p.Store.RevisitHosts(ctx, p.Now(), maxHosts)
	fresh := hosts
	for _, h := range again {
		if !slices.Contains(fresh, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts, err
}

// Run works on the due items of one host, Parallel at a time, and returns how many articles it stored.
func (p *Processor) Run(ctx context.Context, l Lease) (int, error) {
	run := hostRun{p: p, lease: l, start: p.Now()}
	g, ctx := errgroup.WithContext(ctx)
	for range max(p.Parallel, 1) {
		g.Go(func() error { return run.work(ctx) })
	}
	err := g.Wait()
	if err != nil {
		err = fmt.Errorf("process %s: %w", l.Key, err)
	}
	return int(run.stored.Load()), err
}

// A hostRun is one run over a host's items.
type hostRun struct {
	p      *Processor
	lease  Lease
	start  time.Time
	stored atomic.Int64

	mu    sync.Mutex
	queue []Item
}

func (r *hostRun) work(ctx context.Context) error {
	for {
		it, ok, err := r.next(ctx)
		if err != nil || !ok {
			return err
		}
		do := r.one
		if it.State == ItemDone {
			do = r.look
		}
		if err := do(ctx, it); err != nil {
			return err
		}
	}
}

func (r *hostRun) next(ctx context.Context) (Item, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Item{}, false, err
	}
	if len(r.queue) == 0 {
		now := r.p.Now()
		if r.p.Slice > 0 && now.Sub(r.start) > r.p.Slice {
			return Item{}, false, nil
		}
		var err error
		// No more than are begun soon: should this process end, each item in hand counts as one that may have ended it.
		if r.queue, err = r.p.Store.ClaimItems(ctx, r.lease, now, max(r.p.Parallel, 1)); err == nil && len(r.queue) == 0 {
			r.queue, err = r.looks(ctx, now)
		}
		if err != nil || len(r.queue) == 0 {
			return Item{}, false, err
		}
	}
	it := r.queue[0]
	r.queue = r.queue[1:]
	return it, true, nil
}

// one takes an item its whole way. Whatever panics on the way is a failure of this item, not of the process.
func (r *hostRun) one(ctx context.Context, it Item) error {
	p := r.p
	start := p.Now()
	var got reading
	err := guard("reading the page", func() (err error) {
		got, err = r.read(ctx, it)
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := p.Now()
	ev := Event{Stage: "process", Key: r.lease.Key, Outcome: "stored"}
	it.State, it.Error = ItemDone, ""
	if err == nil {
		it.Fallback = got.article.Source == SourceFeed
	} else {
		f := AsFailure(err)
		ev.Outcome = p.failed(&it, f, now)
		if !p.timeForFallback(it, f) {
			return r.close(ctx, it, ev, start, err)
		}
		why := err
		if err = guard("reading the feed's text", func() (err error) {
			got, err = p.standIn(ctx, it, f)
			return err
		}); err != nil {
			it.State, it.Error, ev.Outcome = ItemDead, why.Error()+"; "+err.Error(), "dead"
			return r.close(ctx, it, ev, start, err)
		}
		it.Fallback = true
		err = fmt.Errorf("%s: %w; the feed's own text stands in", it.Entry.URL, why)
	}
	if it.State == ItemDone {
		p.seen(&it, got.page, now)
	}
	serr := r.store(ctx, it, &got, now)
	if isPanic(serr) {
		p.failed(&it, AsFailure(serr), now)
		ev.Outcome = "dead"
		return r.close(ctx, it, ev, start, serr)
	} else if serr != nil {
		return serr
	}
	if got.article.Relation == "version" {
		ev.Outcome = "version"
	}
	ev.Count, ev.Took = 1, p.Now().Sub(start)
	p.Report(ev, err)
	return nil
}

// store stores what was read, and wakes the deliverer when there is something to tell.
func (r *hostRun) store(ctx context.Context, it Item, got *reading, now time.Time) error {
	got.article.Feed, got.article.Seen = it.Feed, now
	var raised int
	err := guard("storing the article", func() (err error) {
		raised, err = r.p.commit(ctx, r.lease, it, got)
		return err
	})
	if err != nil {
		return err
	}
	r.stored.Add(1)
	if raised > 0 && r.p.Wake != nil {
		r.p.Wake()
	}
	return nil
}

// close stores the outcome of an item that brought no article.
func (r *hostRun) close(ctx context.Context, it Item, ev Event, start time.Time, why error) error {
	if err := r.p.Store.SaveItem(ctx, r.lease, it); err != nil {
		return err
	}
	ev.Took = r.p.Now().Sub(start)
	r.p.Report(ev, fmt.Errorf("%s: %w", it.Entry.URL, why))
	return nil
}

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

// patience is what a host asked for: no more requests until then.
type patience struct {
	until time.Time
	why   error
}

// later remembers that the host asked for patience. Its other pages wait as long as the one that was asked for, those that
// its feeds bring meanwhile too. A restart forgets it: that costs the host one request.
func (r *hostRun) later(f *Failure, pause time.Duration) {
	until := r.p.Now().Add(min(max(pause, f.After), maxAfter))
	r.p.patience.Store(r.lease.Key, patience{until, f})
}

// throttle is what a page of this host fails with without being asked for; nil: ask.
func (r *hostRun) throttle() *Failure {
	v, ok := r.p.patience.Load(r.lease.Key)
	if !ok {
		return nil
	}
	w := v.(patience)
	left := w.until.Sub(r.p.Now())
	if left <= 0 {
		r.p.patience.Delete(r.lease.Key)
		return nil
	}
	return &Failure{Verdict: Throttled, Reason: "host asked to wait", After: left, unasked: true,
		Err: fmt.Errorf("not asked for: the host wants no requests until %s (%w)", w.until.UTC().Format(time.RFC3339), w.why)}
}

// failed turns a failure into the item's next state, and names it in a word. A page that was not asked for has not been
// tried: a host that gives a few pages an hour must not lose the rest of its pages to the attempts it answered with "later".
func (p *Processor) failed(it *Item, f *Failure, now time.Time) string {
	it.Error = f.Error()
	it.State = ItemOpen
	if f.unasked {
		it.Due = now.Add(min(f.After, maxAfter))
		return "retry"
	}
	it.Attempts++
	it.Due = now.Add(max(p.Backoff.Pause(it.Attempts), min(f.After, maxAfter)))
	if f.Verdict == Final || f.Verdict == Gone || it.Attempts >= p.Attempts {
		it.State = ItemDead
		return "dead"
	}
	return "retry"
}

// timeForFallback reports whether the feed's own text has to speak for a page that failed: for good, twice, or when the
// next attempt would come more than ten minutes after the first. An item that was opened again may have one from the last time:
// its feed's text can have changed since, so it speaks once more.
func (p *Processor) timeForFallback(it Item, f *Failure) bool {
	if it.Fallback && it.State != ItemDead && (it.Attempts > fallbackAttempts || f.unasked) {
		return false // it has spoken
	}
	return it.State == ItemDead || it.Attempts >= fallbackAttempts || it.Due.Sub(it.FirstTry) > fallbackAfter
}

// commit is the one transaction that matters: the article joins its story, its matches raise alerts and deliveries, and the
// item is closed, or none of it happens. It returns how many alerts were raised.
func (p *Processor) commit(ctx context.Context, l Lease, it Item, got *reading) (raised int, err error) {
	if err := p.weigh(ctx, it, got); err != nil {
		return 0, fmt.Errorf("store %s: %w", got.article.URL, err)
	}
	a, page := &got.article, got.page
	err = p.Store.Write(ctx, l, func(tx Tx) error {
		raised = 0
		ms, err := p.fold(tx, it, a, got)
		if err != nil {
			return err
		}
		version := a.ID == 0 && a.Relation == "version"
		if a.ID != 0 && page != nil { // the text is stored already
			if err := tx.PageFound(a.ID); err != nil {
				return err
			}
		} else if a.ID == 0 {
			opens := a.Story == 0
			if opens {
				if a.Story, err = p.open(tx, a, got.event); err != nil {
					return err
				}
			}
			if a.ID, err = tx.InsertArticle(a, page); err != nil {
				return err
			}
			if opens && got.terms != nil {
				if err := tx.SaveTerms(a.ID, a.Seen, got.terms); err != nil {
					return err
				}
			}
			if a.Source == SourcePage {
				if _, err := learn(tx, a, got.prints); err != nil {
					return err
				}
			}
		}
		if err := tx.SaveMatches(a.ID, ms); err != nil {
			return err
		}
		if !it.Quiet {
			first := map[string]bool{}
			for _, m := range ms {
				ok, err := tx.RaiseAlert(Alert{Rule: m.Rule, Kind: KindMatch, OncePer: m.OncePer, Created: a.Seen, Story: Story{ID: a.Story},
					Article: *a, Spans: m.Spans, Wait: m.Waits}, m.Channels)
				if err != nil {
					return err
				}
				if ok {
					first[m.Rule] = true
					raised++
				}
			}
			if version {
				n, err := p.update(tx, a, ms, first)
				if err != nil {
					return err
				}
				raised += n
			}
		}
		it.Article = a.ID
		return tx.SaveItem(it)
	})
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", a.URL, err)
	}
	return raised, nil
}

// fold finds the article's place: known (ID set), a version or a copy (Story set), or a story of its own. It returns the
// matches of the text that stands: got's, or those of the page's text where the feed's yields to it.
func (p *Processor) fold(tx Tx, it Item, a *Article, got *reading) ([]Match, error) {
	ms := got.matches
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(tx, a.Seen.Add(-p.Window)); err != nil {
		return nil, err
	}
	a.ID = 0
	prev, ok, err := p.earlier(tx, it, a)
	if err != nil {
		return nil, err
	}
	if !ok {
		d := p.Index.Decide(dedup.Doc{URL: a.Canonical, Site: a.Site, Lang: a.Lang, Published: a.Published, Seen: a.Seen, Sketch: a.Sketch})
		a.Relation, a.Of, a.Story, a.Score = d.Relation, d.Of, d.Story, d.Score
		if a.Story == 0 && p.Events != nil {
			got.event = p.Events.Decide(dedup.EventDoc{Published: a.Published, Seen: a.Seen, Terms: got.terms})
			if got.event.Event != 0 && a.Relation == dedup.RelNew {
				a.Relation, a.Of, a.Score = dedup.RelSameEvent, got.event.Of, got.event.Score
			}
		}
		for _, s := range d.Merge { // this article shows that they were one story all along
			if err := tx.MergeStories(s, a.Story); err != nil {
				return nil, err
			}
		}
		return ms, nil
	}
	if err := p.reunite(tx, it, prev); err != nil {
		return nil, err
	}
	a.Story, a.Of, a.Relation, a.Score = prev.Story, prev.ID, "version", 1
	switch {
	case prev.Pruned && (a.Source == SourceFeed || dedup.SameText(prev.Sketch, a.Sketch) || dedup.SameText(prev.Sketch, dedup.Sketch(a.Title, got.whole, a.Lang))):
		// Its text is gone, and is not kept again: there is nothing in which a rule could have matched anew.
		a.ID, a.Relation, ms = prev.ID, "identical", nil
	case prev.Title == a.Title && prev.Body == a.Body:
		a.ID, a.Relation = prev.ID, "identical"
	case prev.ID == got.known, prev.Title == a.Title && prev.Body == got.whole:
		// The words are the same, or it was stored before a block in it was learned. What matched in the learned block is no match; the
		// spans are the stored text's.
		a.ID, a.Relation = prev.ID, "identical"
		ms = slices.DeleteFunc(p.Match(&prev), func(m Match) bool { return !covers(ms, []Match{m}) })
	case prev.Source == SourcePage && (a.Source == SourceFeed || stub(a, &prev)):
		// The feed's text, or a paywall's stub, is the poorer one, unless it says what the page did not. The spans of its matches are not
		// the page's.
		if told := p.Match(&prev); covers(told, ms) {
			a.ID, a.Relation, ms = prev.ID, "identical", told
		}
	}
	return ms, nil
}

// open makes a story for an article, in the event that it tells of.
func (p *Processor) open(tx Tx, a *Article, d dedup.EventDecision) (story int64, err error) {
	if story, err = tx.OpenStory(a.Title, a.Seen); err != nil {
		return 0, err
	}
	event, err := tx.JoinEvent(story, d.Event)
	for _, e := range d.Merge { // this article shows that they were one all along
		if err == nil {
			err = tx.MergeEvents(e, event)
		}
	}
	return story, err
}

// reunite joins the story that the item's feed text opened with the one its page turns out to belong to.
func (p *Processor) reunite(tx Tx, it Item, prev Article) error {
	if it.Article == 0 || it.Article == prev.ID {
		return nil
	}
	first, ok, err := tx.Article(it.Article)
	if err != nil || !ok || first.Story == prev.Story {
		return err
	}
	return tx.MergeStories(first.Story, prev.Story)
}

// covers reports whether every rule that matched in b matched in a.
func covers(a, b []Match) bool {
	for _, m := range b {
		if !slices.ContainsFunc(a, func(x Match) bool { return x.Rule == m.Rule }) {
			return false
		}
	}
	return true
}

// earlier finds what is stored of the same article: under its URL, or made of the same item before its page could be had.
func (p *Processor) earlier(tx Tx, it Item, a *Article) (prev Article, ok bool, err error) {
	if a.Canonical != "" {
		prev, ok, err = tx.ArticleByURL(a.Canonical)
	}
	if ok && a.Canonical != it.Canonical && it.Canonical != "" && prev.ID != it.Article && !p.alike(it, a, prev) {
		// Some sites give all of their pages one canonical link. Believed, it would make one story of the whole site, with one alert.
		a.Canonical = it.Canonical
		prev, ok, err = tx.ArticleByURL(a.Canonical)
	}
	if !ok && err == nil && it.Article != 0 {
		prev, ok, err = tx.Article(it.Article)
	}
	return prev, ok, err
}

// alike reports whether the texts bear out that a and prev are one article, as a's page says.
func (p *Processor) alike(it Item, a *Article, prev Article) bool {
	if prev.Title == a.Title {
		return true
	}
	d := p.Index.Decide(dedup.Doc{URL: it.Canonical, Site: a.Site, Lang: a.Lang, Published: a.Published, Seen: a.Seen, Sketch: a.Sketch})
	return d.Story == prev.Story
}

// catchUp brings the index up to what is committed. The index is never taught by a transaction's own rows, only by this, so a
// rolled back one leaves no trace, and processes that share a store agree.
//
// Since what was seen before since is not read, it also leaves: a process that has run for months decides as one that begins now.
func (p *Processor) catchUp(tx Tx, since time.Time) error {
	defer p.Index.Expire(since)
	now := since.Add(p.Window)
	if p.Events != nil && now.Sub(p.forgot) > time.Hour {
		old := now.Add(-p.Events.Window())
		if err := tx.DropTerms(old); err != nil {
			return err
		}
		p.Events.Forget(old)
		p.forgot = now
	}
	return tx.Changes(p.seq, since, func(c Change) error {
		switch c.Kind {
		case ChangeArticle, ChangeText:
			p.Index.Add(dedup.Doc{ID: c.Article, Story: c.Story, URL: c.Canonical, Site: c.Site, Lang: c.Lang,
				Published: c.Published, Seen: c.Seen, Sketch: c.Sketch})
			if p.Events != nil && c.Terms != nil {
				p.Events.Add(dedup.EventDoc{ID: c.Article, Event: c.Event, Published: c.Published, Seen: c.Seen, Terms: c.Terms})
			}
		case ChangeMove:
			p.Index.Move(c.Article, c.Story)
			if p.Events != nil {
				p.Events.Move(c.Article, c.Event)
			}
		case ChangeSplit:
			p.Index.Move(c.Article, c.Story)
			if p.Events != nil { // whatever becomes of its story says nothing of the event that it was put into
				p.Events.Drop(c.Article)
			}
		case ChangeEvent:
			if p.Events != nil {
				p.Events.Move(c.Article, c.Event)
			}
		case ChangePrune:
			p.Index.Remove(c.Article)
		}
		p.seq = c.Seq
		return nil
	})
}
