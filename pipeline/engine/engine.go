// Package engine decides who runs what and when. The in-process engine runs keyed work (a feed to poll, a host to scrape,
// a channel to deliver to) on a bounded pool, at most one run of (stage, key) at a time in the whole system: the lease in
// the store is what excludes, the pool only avoids asking in vain.
//
// Work is level-triggered. A sweep asks each stage what is due and starts it; cron sweeps on schedule, a Wake sweeps at
// once, a finished run sweeps again. Losing a wake-up costs at most one schedule interval, because the truth is in the
// tables.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"

	"wirewatch/pipeline"
)

// A Stage is a kind of keyed work: the Poller, the Processor, the Deliverer.
type Stage interface {
	Name() string
	// Due lists keys with work, the most urgent first.
	Due(ctx context.Context) ([]string, error)
	// Run does what is due under a key and says how much that was.
	Run(ctx context.Context, l pipeline.Lease) (int, error)
}

// Leases is where exclusion stands.
type Leases interface {
	Acquire(ctx context.Context, kind, key, owner string, now, until time.Time) (pipeline.Lease, bool, error)
	Renew(ctx context.Context, l pipeline.Lease, until time.Time) error
	Release(ctx context.Context, l pipeline.Lease) error
}

// Engine runs stages. Its fields are set before use and not changed after.
type Engine struct {
	Leases  Leases
	Owner   string        // names this process in leases
	TTL     time.Duration // of a lease; renewed at a third of it
	Workers int           // keys of one stage that run side by side; a stage can say another number (Workers() int)
	Sweep   time.Duration // between scheduled sweeps
	Chores  []Chore
	Wait    time.Duration // how long Once waits for keys that other processes hold; 0: a minute, longer than a dead one's leases last
	// Held lists the keys of a stage that runs hold now. Stages whose Due leaves such keys out need it, so that Once knows of them;
	// nil: Once waits only for the keys that it met.
	Held func(ctx context.Context, stage string, now time.Time) ([]string, error)
	Now  func() time.Time
	Log  *slog.Logger

	stages []*pool
	runs   atomic.Int64
}

// A Chore is small regular work that needs no key, such as checkpointing the store.
type Chore struct {
	Name  string
	Every time.Duration
	Do    func(context.Context) error
}

// pool is a stage at work.
type pool struct {
	Stage
	wake chan struct{}

	mu   sync.Mutex
	busy map[string]bool
	hold map[string]hold // keys that wait: their run failed in the machinery (store, lease), or had nothing to do
}

type hold struct {
	until time.Time
	times int
}

// Add gives the engine its stages, in the order of an article's way. It is called before Run or Once.
func (e *Engine) Add(stages ...Stage) {
	for _, s := range stages {
		e.stages = append(e.stages, &pool{Stage: s, wake: make(chan struct{}, 1), busy: map[string]bool{}, hold: map[string]hold{}})
	}
}

// Wake makes the stage look for work now. It never blocks.
func (e *Engine) Wake(stage string) {
	for _, p := range e.stages {
		if p.Name() == stage {
			p.nudge()
		}
	}
}

func (p *pool) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // a look is pending already
	}
}

// Once does what is due now, stage by stage, each key once, and says how much that was per stage. A key that another process
// holds is waited for: when it is free, what is still due under it is done. One that stays held is an error, because then
// nobody knows here whether its work is done.
func (e *Engine) Once(ctx context.Context) (map[string]int, error) {
	done := map[string]int{}
	var errs []error
	for _, p := range e.stages { // one stage's trouble keeps no other from its work
		n, err := e.once(ctx, p)
		done[p.Name()] = n
		if ctx.Err() != nil {
			return done, err
		}
		errs = append(errs, err)
	}
	return done, errors.Join(errs...)
}

// Pauses of Once between two looks at what others hold.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

func (e *Engine) once(ctx context.Context, p *pool) (int, error) {
	var (
		ran     = map[string]bool{} // here
		refused = map[string]bool{} // held elsewhere when they were to be run
		total   int
		errs    []error
		pause   = firstPause
	)
	others, err := e.held(ctx, p)
	if err != nil {
		return 0, err
	}
	left := cmp.Or(e.Wait, time.Minute)
	for {
		keys, err := p.Due(ctx)
		if err != nil {
			return total, fmt.Errorf("%s: %w", p.Name(), err)
		}
		todo := slices.Sorted(maps.Keys(refused))
		for _, k := range keys {
			if !ran[k] && !slices.Contains(todo, k) {
				todo = append(todo, k)
			}
		}
		if len(todo) == 0 && len(others) == 0 {
			return total, errors.Join(errs...)
		}
		n, free, err := e.runAll(ctx, p, todo)
		total += n
		if err != nil {
			errs = append(errs, err)
		}
		if err := ctx.Err(); err != nil {
			return total, err
		}
		for _, k := range todo {
			if refused[k] = !free[k]; free[k] {
				ran[k] = true
				delete(refused, k)
			}
		}
		if len(free) > 0 {
			continue
		}
		if left <= 0 {
			busy := append(slices.Sorted(maps.Keys(refused)), others...)
			errs = append(errs, fmt.Errorf("%s: another process is at work on %s; it did not finish in time, so what is due there may not be done: try again when it has",
				p.Name(), some(busy)))
			return total, errors.Join(errs...)
		}
		select {
		case <-ctx.Done():
			return total, ctx.Err()
		case <-time.After(pause):
			left, pause = left-pause, min(2*pause, maxPause)
		}
		if len(others) == 0 {
			continue
		}
		still, err := e.held(ctx, p)
		if err != nil {
			return total, err
		}
		// Only those of the start: what others take up later was not due to us.
		others = slices.DeleteFunc(others, func(k string) bool { return !slices.Contains(still, k) })
	}
}

// held lists what others hold of a stage.
func (e *Engine) held(ctx context.Context, p *pool) ([]string, error) {
	if e.Held == nil {
		return nil, nil
	}
	keys, err := e.Held(ctx, p.Name(), e.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name(), err)
	}
	return keys, nil
}

// runAll runs keys, Workers at a time. It says how much was done and which keys were free to be run.
func (e *Engine) runAll(ctx context.Context, p *pool, keys []string) (total int, free map[string]bool, err error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		slots = make(chan struct{}, e.workers(p))
	)
	free = map[string]bool{}
	for _, k := range keys {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			n, ok, err := e.run(ctx, p, k)
			mu.Lock()
			defer mu.Unlock()
			total += n
			if ok || err != nil { // one whose lease cannot be had at all is not waited for
				free[k] = true
			}
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return total, free, errors.Join(errs...)
}

func (e *Engine) workers(p *pool) int {
	if s, ok := p.Stage.(interface{ Workers() int }); ok {
		return s.Workers()
	}
	return e.Workers
}

// some names keys in a sentence, not too many.
func some(keys []string) string {
	const most = 5
	if len(keys) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(keys[:most], ", "), len(keys)-most)
	}
	return strings.Join(keys, ", ")
}

// Run works until ctx ends, then waits for the runs under way, which end with it.
func (e *Engine) Run(ctx context.Context) error {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cronLog{e.Log}),
		// In this order: a panic must end inside SkipIfStillRunning, or the job would count as running for ever.
		cron.WithChain(cron.SkipIfStillRunning(cronLog{e.Log}), cron.Recover(cronLog{e.Log})))
	c.Schedule(every(e.Sweep), cron.FuncJob(func() {
		for _, p := range e.stages {
			p.nudge()
		}
	}))
	for _, ch := range e.Chores {
		c.Schedule(every(ch.Every), cron.FuncJob(func() {
			if err := ch.Do(ctx); err != nil && ctx.Err() == nil {
				e.Log.Error("chore failed", "chore", ch.Name, "err", err)
			}
		}))
	}
	var wg sync.WaitGroup
	for _, p := range e.stages {
		p.nudge()
		wg.Go(func() { e.loop(ctx, p) })
	}
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	wg.Wait()
	return nil
}

// every is a cron schedule finer than cron's own, which rounds to seconds.
type every time.Duration

func (d every) Next(t time.Time) time.Time { return t.Add(time.Duration(d)) }

func (e *Engine) loop(ctx context.Context, p *pool) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, e.workers(p))
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		keys, err := p.Due(ctx)
		if err != nil {
			if ctx.Err() == nil {
				e.Log.Error("cannot look for work", "stage", p.Name(), "err", err)
			}
			continue
		}
		for _, k := range keys {
			if len(slots) == cap(slots) {
				break // a finished run looks again
			}
			if !p.take(k, e.Now()) {
				continue
			}
			slots <- struct{}{} // only this goroutine fills slots, so there is room
			wg.Go(func() {
				defer p.nudge()
				defer func() { <-slots }()
				n, _, err := e.run(ctx, p, k)
				p.give(k, e.Now(), n, err != nil && ctx.Err() == nil, e.Sweep)
				if err != nil && ctx.Err() == nil {
					e.Log.Error("run failed", "stage", p.Name(), "key", k, "err", err)
				}
			})
		}
	}
}

// take marks a key busy, unless it is or is being held back.
func (p *pool) take(key string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hold[key]
	if p.busy[key] || h.until.After(now) {
		return false
	}
	if h.times == 0 {
		delete(p.hold, key)
	}
	p.busy[key] = true
	return true
}

// give frees a key after a run that did n things or broke. One whose run broke is held back for a while, longer each time, so that a
// broken store is not asked in a loop. One that had nothing to do, or that another process holds, waits for the next sweep: should
// looking and working ever disagree on what is due, the engine must not spin.
func (p *pool) give(key string, now time.Time, n int, broke bool, sweep time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, key)
	switch {
	case broke:
		h := p.hold[key]
		h.times = min(h.times+1, 6)
		h.until = now.Add(time.Second << (h.times - 1))
		p.hold[key] = h
	case n == 0:
		p.hold[key] = hold{until: now.Add(sweep)}
	default:
		delete(p.hold, key)
	}
}

// run runs a key under a lease that is renewed while it runs. A key that another process holds is not free and not run; that is
// no error.
func (e *Engine) run(ctx context.Context, p *pool, key string) (n int, free bool, err error) {
	owner := e.Owner + "#" + strconv.FormatInt(e.runs.Add(1), 10)
	now := e.Now()
	l, ok, err := e.Leases.Acquire(ctx, p.Name(), key, owner, now, now.Add(e.TTL))
	if err != nil || !ok {
		return 0, false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		e.renew(ctx, l, cancel)
	}()
	defer func() {
		if r := recover(); r != nil {
			free = true
			err = fmt.Errorf("%s %s: panic: %v\n%s", p.Name(), key, r, debug.Stack())
		}
		if cause := context.Cause(ctx); errors.Is(cause, pipeline.ErrLeaseLost) {
			err = cause
		}
		cancel(nil)
		<-renewed
		// Released even while a shutdown is under way, so that a restart finds the key free.
		rel, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		if rerr := e.Leases.Release(rel, l); rerr != nil && err == nil {
			err = fmt.Errorf("release %s %s: %w", p.Name(), key, rerr)
		}
	}()
	n, err = p.Run(ctx, l)
	return n, true, err
}

func (e *Engine) renew(ctx context.Context, l pipeline.Lease, cancel context.CancelCauseFunc) {
	t := time.NewTicker(e.TTL / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			err := e.Leases.Renew(ctx, l, e.Now().Add(e.TTL))
			if errors.Is(err, pipeline.ErrLeaseLost) {
				cancel(err)
				return
			}
			if err != nil && ctx.Err() == nil { // the lease has time left; the next tick tries again
				e.Log.Warn("cannot renew lease", "stage", l.Kind, "key", l.Key, "err", err)
			}
		}
	}
}

// cronLog hands cron's messages to slog; its Info is noise.
type cronLog struct{ l *slog.Logger }

func (c cronLog) Info(string, ...any) {}
func (c cronLog) Error(err error, msg string, kv ...any) {
	c.l.Error(msg, append([]any{"err", err}, kv...)...)
}
