package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"wirewatch/pipeline/dedup"
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
	// where it is zero. Items claimed by this lease's owner before are not given again. One that was claimed twice without an outcome
	// or a release is not due again, should this claim end without one too, before 4 s to 8 s have passed, then 8 s to 16 s, and so on.
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
	// Backfill loads the run that an item was found by.
	Backfill(ctx context.Context, id int64) (BackfillRun, error)
	// Wanting lists the runs that wait for an item of another one.
	Wanting(ctx context.Context, item int64) ([]BackfillRun, error)
	RevisitStore
}

// A Processor turns items into articles: fetch, extract, match, and in one transaction fold, store and raise alerts.
type Processor struct {
	Store    ProcessStore
	Pages    PageFetcher
	Extract  func(*Page) (Article, error) // the page's article; its Canonical is the page's own word for its identity
	FeedText func(Item) Article           // the article that the feed's own text makes
	Match    func(*Article) []Match       // rules that hold, each with the channels it tells
	Counting func() []Match               // the rules in force that count, as Match gives them, without spans; nil: none
	Rule     func(name string) Match      // what Match says of a rule wherever it holds; nil: nothing but versions is followed up
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
	runs     sync.Map // ID to BackfillRun
}

// When a page does not come, the feed's own text speaks for it after this.
const (
	fallbackAttempts = 2
	fallbackAfter    = 10 * time.Minute
	maxHosts         = 1000
)

// An item that was in hand when the process ended may have ended it. Whoever is killed from outside again and again has innocent items in
// hand, so that much is granted: from the third time on an item waits for twice as long each time (see ClaimItems), alone, as the wait of
// each is another. It takes a minute at least to be given up, and for the feed's text half an hour.
const (
	maxClaims     = 6  // taken up this often without any outcome, its page is not tried again
	maxFeedClaims = 10 // nor, after this, its feed's text
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
			return r.close(ctx, it, ev, start, fmt.Errorf("%w; %w", why, err))
		}
		it.Fallback = true
		err = fmt.Errorf("%s: %w; the feed's own text stands in", it.Entry.URL, why)
	}
	if it.State == ItemDone {
		p.seen(&it, got.page, now)
	}
	if out, oerr := p.outside(ctx, it, &got.article); oerr != nil {
		return oerr
	} else if out != nil && it.State == ItemDone {
		it.Error, it.Fallback, it.Visit = out.Error(), false, time.Time{}
		it.Entry.Published = got.article.Published // by which a backfill of another range knows that the page is one of its own
		ev.Outcome = "outside"
		return r.close(ctx, it, ev, start, nil)
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
	if why != nil {
		why = fmt.Errorf("%s: %w", it.Entry.URL, why)
	}
	r.p.Report(ev, why)
	return nil
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
