package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A BackfillRun is one backfill, from its first command to its end. Whoever asks for the same goes on with it.
type BackfillRun struct {
	ID       int64
	Asked    string // what was asked for, as it was typed: the run's identity
	Range    Range
	Undated  bool // take what has no date too
	Limit    int  // most new articles a command, the next one goes on behind them; 0: no limit
	Started  time.Time
	Finished time.Time // zero: it is not
}

// A Walk is how far a backfill has come with one source.
type Walk struct {
	Source string // its name
	Cursor string // where it goes on
	Done   bool   // it is at the source's end
	// What it found, each counted once: Found is all, and what is in none of the others is stored already or waits to be fetched.
	Found, Added, Known, Outside, Failed int
	Error                                string // why it stopped before the end; ""
}

// BackfillStore is what a backfill needs of the store.
type BackfillStore interface {
	// Walks lists how far a run's walks are.
	Walks(ctx context.Context, backfill int64) ([]Walk, error)
	// SaveFinds stores items that a walk found and how far it is, in one transaction under the lease, and returns the walk with its numbers of
	// new and known items brought up to date.
	SaveFinds(ctx context.Context, l Lease, backfill int64, w Walk, items []Item) (Walk, error)
	// Write is that of ProcessStore.
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// A Backfill walks sources of the past. What they only name becomes an item, which the Processor fetches politely; what they have is
// read at once and stored, and how far the walk is stands in the same transaction: ended at any moment, it goes on where it was,
// and nothing is missed or stored twice.
//
// What it stores is quiet and belongs to no story yet; the Joiner, behind it, sees all of it in the order of publication.
type Backfill struct {
	Store     BackfillStore
	Process   *Processor
	Is        BackfillRun
	Sources   []Past
	Feeds     map[string]string     // by a source's name: the configured feed that it reads
	Wanted    func(url string) bool // articles at other addresses are left out; nil: none are
	Canonical func(url string) string
	Host      func(url string) string
	Workers   int // documents that are read side by side; less than 1 counts as 1
	Now       func() time.Time
	Report    func(Event, error)
	Progress  func(Walk) // told of every checkpoint; nil: nobody is

	turn  sync.Mutex // whose walk stores, where there is a limit: two would each go up to it
	mu    sync.Mutex
	added int // in all walks
	goal  int // where the limit is, counted from the run's beginning; 0: there is none, or it is not known yet
	full  bool
}

// Checkpoints: articles that one transaction stores, and how long they may wait for it.
const (
	pastBatch = 200
	pastItems = 500
	pastWait  = 2 * time.Second
)

// errFull ends a walk when the limit is reached.
var errFull = errors.New("the limit is reached")

// Name is the lease kind of walks.
func (b *Backfill) Name() string { return "backfill" }

// key names a walk in leases.
func (b *Backfill) key(source string) string {
	return strconv.FormatInt(b.Is.ID, 10) + " " + source
}

// Due lists the walks that are not at their ends.
func (b *Backfill) Due(ctx context.Context) ([]string, error) {
	walks, err := b.Store.Walks(ctx, b.Is.ID)
	if err != nil {
		return nil, err
	}
	done, added := map[string]bool{}, 0
	for _, w := range walks {
		done[w.Source] = w.Done
		added += w.Added
	}
	b.mu.Lock()
	if b.Is.Limit > 0 && b.goal == 0 { // one that was ended before its limit goes on to that
		b.goal = (added/b.Is.Limit + 1) * b.Is.Limit
	}
	b.added, b.full = added, b.goal > 0 && added >= b.goal
	full := b.full
	b.mu.Unlock()
	if full {
		return nil, nil
	}
	var out []string
	for _, s := range b.Sources {
		if !done[s.Name()] {
			out = append(out, b.key(s.Name()))
		}
	}
	return out, nil
}

// Full reports whether the limit was reached.
func (b *Backfill) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

// Run walks one source to its end, and returns how many finds were new. Where the source fails the walk keeps what it has, and the next
// run goes on from there.
func (b *Backfill) Run(ctx context.Context, l Lease) (int, error) {
	for _, s := range b.Sources {
		if b.key(s.Name()) == l.Key {
			return b.walk(ctx, l, s)
		}
	}
	return 0, fmt.Errorf("backfill: no source is named %s", l.Key)
}

func (b *Backfill) walk(ctx context.Context, l Lease, s Past) (int, error) {
	if b.Full() {
		return 0, nil
	}
	walks, err := b.Store.Walks(ctx, b.Is.ID)
	if err != nil {
		return 0, err
	}
	w := walker{b: b, lease: l, source: s.Name(), walk: Walk{Source: s.Name()}, at: b.Now()}
	for _, k := range walks {
		if k.Source == s.Name() {
			w.walk = k
		}
	}
	before := w.walk.Added
	start := b.Now()
	err = w.run(ctx, s)
	ev := Event{Stage: "backfill", Key: s.Name(), Outcome: "ok", Count: w.walk.Added - before, Took: b.Now().Sub(start)}
	if ctx.Err() != nil {
		return ev.Count, context.Cause(ctx)
	}
	full := errors.Is(err, errFull)
	if full {
		err, ev.Outcome = nil, "limit"
	}
	if err != nil {
		ev.Outcome = "failed"
		w.walk.Error = err.Error()
	} else {
		w.walk.Done, w.walk.Error = !full, ""
	}
	if serr := w.save(ctx); serr != nil {
		return ev.Count, serr
	}
	b.Report(ev, err)
	if err != nil {
		err = fmt.Errorf("backfill from %s: %w", s.Name(), err)
	}
	return ev.Count, err
}

// A walker is one walk at work. Finds are read side by side and stored in the order in which they came.
type walker struct {
	b      *Backfill
	lease  Lease
	source string // its name, which readers need while walk moves on

	walk  Walk
	batch []*find // not stored yet: all of them read, or none, and what is only counted
	lead  *find   // the first of the batch that is more than counted; nil: none is
	at    time.Time
}

// A find is a Find on its way.
type find struct {
	Find
	got  reading
	err  error
	drop bool // not wanted
	done chan struct{}
}

// counted reports whether nothing is stored of it but that it was there.
func (f *find) counted() bool { return f.drop || f.Err != nil }

// direct reports whether its article is made of what the source has.
func (f *find) direct() bool { return f.Page != nil || f.Text || f.Again }

func (w *walker) run(ctx context.Context, s Past) error {
	workers := max(w.b.Workers, 1)
	g, gctx := errgroup.WithContext(ctx)
	// Both channels are short, so that memory does not grow with what a source has.
	order, work := make(chan *find, 4*workers), make(chan *find)
	var walkErr error
	g.Go(func() error {
		defer close(order)
		defer close(work)
		walkErr = s.Walk(gctx, w.b.Is.Range, w.walk.Cursor, func(x Find) error {
			f := &find{Find: x, done: make(chan struct{})}
			f.drop = x.Err == nil && w.b.Wanted != nil && !w.b.Wanted(x.Entry.URL)
			read := f.direct() && !f.counted() && !x.Again
			if !read {
				close(f.done)
			}
			select {
			case order <- f:
			case <-gctx.Done():
				return gctx.Err()
			}
			if !read {
				return nil
			}
			select {
			case work <- f:
				return nil
			case <-gctx.Done():
				return gctx.Err()
			}
		})
		return nil // what was found before it failed is stored all the same
	})
	for range workers {
		g.Go(func() error {
			for f := range work {
				f.err = guard("reading "+f.Entry.URL, func() (err error) {
					f.got, err = w.b.Process.readFind(gctx, w.item(f), f.Page)
					return err
				})
				close(f.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for f := range order {
			select {
			case <-f.done:
			case <-gctx.Done():
				return gctx.Err()
			}
			if err := w.take(gctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return walkErr
}

// item is a find as an item.
func (w *walker) item(f *find) Item {
	it := Item{Feed: w.source, Entry: f.Entry, Origin: FromBackfill, Quiet: true, State: ItemOpen, Due: w.b.Is.Started, Backfill: w.b.Is.ID,
		Copy: f.Copy, Taken: f.Taken}
	if name, ok := w.b.Feeds[w.source]; ok {
		it.Feed = name
	}
	it.Entry.Updated = time.Time{} // that something was changed since is for polls to say
	if it.Host = w.b.Host(it.Entry.URL); it.Host == NoHost {
		if !f.direct() {
			it.Entry.URL = ""
		}
	} else {
		it.Canonical = w.b.Canonical(it.Entry.URL)
	}
	if f.Copy != "" {
		it.Host = w.b.Host(f.Copy)
	}
	if it.Entry.GUID == "" {
		it.Entry.GUID = it.Canonical
	}
	return it
}

// take adds a find to what is stored next, and stores that when it is enough.
func (w *walker) take(ctx context.Context, f *find) error {
	if w.lead != nil && !f.counted() && w.lead.direct() != f.direct() {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	if w.lead == nil && !f.counted() {
		w.lead = f
	}
	w.batch = append(w.batch, f)
	most := pastItems
	if w.lead != nil && w.lead.direct() {
		most = pastBatch
	}
	most = min(most, max(w.b.room(), 1))
	if len(w.batch) < most && w.b.Now().Sub(w.at) < pastWait {
		return nil
	}
	return w.flush(ctx)
}

// room is how many articles the limit leaves room for; at least 0.
func (b *Backfill) room() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.goal == 0 {
		return math.MaxInt
	}
	return max(b.goal-b.added, 0)
}

// flush stores what was read, and how far the walk is with it. What there is no room for is left to the next command.
func (w *walker) flush(ctx context.Context) error {
	if w.b.Is.Limit > 0 {
		w.b.turn.Lock()
		defer w.b.turn.Unlock()
	}
	store := w.list
	if w.lead != nil && w.lead.direct() {
		store = w.articles
	}
	for all := w.batch; len(all) > 0; {
		n := min(len(all), w.b.room())
		if n == 0 {
			return errFull
		}
		w.batch, all = all[:n], all[n:]
		before := w.walk.Added
		if err := store(ctx); err != nil {
			return err
		}
		if w.b.Progress != nil {
			w.b.Progress(w.walk)
		}
		w.b.mu.Lock()
		w.b.added += w.walk.Added - before
		w.b.full = w.b.goal > 0 && w.b.added >= w.b.goal
		w.b.mu.Unlock()
	}
	w.batch, w.lead, w.at = nil, nil, w.b.Now()
	if w.b.Full() {
		return errFull
	}
	return nil
}

// next is the walk with the batch behind it, and the finds of it that are to be stored.
func (w *walker) next() (Walk, []*find) {
	walk := w.walk
	keep := make([]*find, 0, len(w.batch))
	for _, f := range w.batch {
		walk.Found++
		if f.Cursor != "" {
			walk.Cursor = f.Cursor
		}
		err := f.Err
		if err == nil {
			err = f.err
		}
		switch {
		case f.drop, errors.Is(err, errNoArticle):
			walk.Outside++
		case err != nil:
			walk.Failed++
			w.b.Report(Event{Stage: "backfill", Key: w.walk.Source, Outcome: "unusable"}, err)
		case f.direct() && !f.Again && !w.b.Is.holds(f.got.article.Published):
			walk.Outside++
		default:
			keep = append(keep, f)
		}
	}
	return walk, keep
}

// holds reports whether what was published then is asked for.
func (r *BackfillRun) holds(published time.Time) bool {
	return r.Range.Holds(published) || published.IsZero() && r.Undated
}

// articles stores finds that were read.
func (w *walker) articles(ctx context.Context) error {
	base, keep := w.next()
	walk := base
	err := w.b.Store.Write(ctx, w.lease, func(tx Tx) error {
		walk = base
		for _, f := range keep {
			if f.Again {
				_, known, err := tx.ArticleByURL(w.item(f).Canonical)
				if err != nil {
					return err
				}
				if known {
					walk.Known++
				} else {
					walk.Outside++
				}
				continue
			}
			f.got.article.Feed, f.got.article.Seen = w.item(f).Feed, w.b.Now()
			fresh, err := w.b.Process.keep(tx, w.item(f), &f.got)
			if err != nil {
				return fmt.Errorf("store %s: %w", f.Entry.URL, err)
			}
			if fresh {
				walk.Added++
			} else {
				walk.Known++
			}
		}
		return tx.SaveWalk(w.b.Is.ID, walk)
	})
	if err == nil {
		w.walk = walk
	}
	return err
}

// list stores finds as items, to be fetched.
func (w *walker) list(ctx context.Context) error {
	walk, keep := w.next()
	items := make([]Item, 0, len(keep))
	for _, f := range keep {
		it := w.item(f)
		if !it.Entry.Published.IsZero() && !w.b.Is.Range.Holds(it.Entry.Published) {
			walk.Outside++
			continue
		}
		items = append(items, it)
	}
	walk, err := w.b.Store.SaveFinds(ctx, w.lease, w.b.Is.ID, walk, items)
	if err == nil {
		w.walk = walk
	}
	return err
}

// save stores how far the walk is by itself.
func (w *walker) save(ctx context.Context) error {
	walk, err := w.b.Store.SaveFinds(ctx, w.lease, w.b.Is.ID, w.walk, nil)
	if err == nil && w.b.Progress != nil {
		w.b.Progress(walk)
	}
	return err
}
