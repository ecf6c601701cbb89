package engine_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"wirewatch/pipeline"
	"wirewatch/pipeline/engine"
	"wirewatch/pipeline/store"
)

// These tests run in bubbles in which time passes when everybody waits, so that seconds cost nothing. The leases are those of a
// real store; the stage's work is the script.

// A stage is keyed work of which nobody knows what it is.
type stage struct {
	name string
	work func(ctx context.Context, l pipeline.Lease) (int, error)

	mu   sync.Mutex
	due  map[string]bool
	err  error          // of Due
	ran  []string       // keys in the order of their runs
	busy map[string]int // runs at this moment
	most int            // runs at one moment
	keep bool           // a key stays due after its run
}

func newStage(name string, keys ...string) *stage {
	s := &stage{name: name, due: map[string]bool{}, busy: map[string]int{}}
	for _, k := range keys {
		s.due[k] = true
	}
	return s
}

func (s *stage) Name() string { return s.name }

func (s *stage) Due(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.due)), s.err
}

func (s *stage) add(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.due[k] = true
	}
}

func (s *stage) Run(ctx context.Context, l pipeline.Lease) (int, error) {
	s.mu.Lock()
	s.ran = append(s.ran, l.Key)
	s.busy[l.Key]++
	if n := s.busy[l.Key]; n > 1 {
		panic(fmt.Sprintf("%d runs of %s at a time", n, l.Key))
	}
	n := 0
	for _, b := range s.busy {
		n += b
	}
	s.most = max(s.most, n)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy[l.Key]--
	}()
	if s.work != nil {
		if n, err := s.work(ctx, l); err != nil || n == 0 {
			return n, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keep {
		delete(s.due, l.Key)
	}
	return 1, nil
}

func (s *stage) runs(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.ran {
		if k == key {
			n++
		}
	}
	return n
}

func (s *stage) all() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ran)
}

// bubble runs f where time passes by itself, with a database.
func bubble(t *testing.T, f func(t *testing.T, path string)) {
	path := filepath.Join(t.TempDir(), "wirewatch.db")
	synctest.Test(t, func(t *testing.T) { f(t, path) })
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func newEngine(leases engine.Leases, owner string, stages ...engine.Stage) (*engine.Engine, *bytes.Buffer) {
	var log bytes.Buffer
	e := &engine.Engine{Leases: leases, Owner: owner, TTL: 30 * time.Second, Workers: 4, Sweep: 500 * time.Millisecond, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&log, nil))}
	e.Add(stages...)
	return e, &log
}

// start runs the engine; stop ends it and waits.
func start(t *testing.T, e *engine.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the engine ended with %v", err)
		}
	}
}

func keys(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("key %04d", i)
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Two engines, as two processes on one database: never two runs of a key at a time, never more than Workers each, and both work.
func TestOneRunPerKey(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", keys(12)...)
		s.keep = true
		owners := map[string]int{}
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) {
			s.mu.Lock()
			owners[strings.Split(l.Owner, "#")[0]]++
			s.mu.Unlock()
			return 1, sleep(ctx, 300*time.Millisecond)
		}
		a, _ := newEngine(open(t, path), "a", s)
		b, _ := newEngine(open(t, path), "b", s)
		stopA, stopB := start(t, a), start(t, b)
		time.Sleep(5 * time.Second)
		stopA()
		stopB()
		if s.most > 8 || s.most < 5 {
			t.Errorf("%d runs at one moment of two engines with 4 workers each", s.most)
		}
		if owners["a"] < 20 || owners["b"] < 20 {
			t.Errorf("runs by owner: %v", owners)
		}
		for _, k := range keys(4) {
			if n := s.runs(k); n < 5 || n > 17 {
				t.Errorf("%s ran %d times in five seconds", k, n)
			}
		}
	})
}

// A run that panics is an error in the log; the engine goes on, and the key runs again when it is no longer held back.
func TestPanicInARun(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", "bad", "good")
		s.work = func(_ context.Context, l pipeline.Lease) (int, error) {
			if l.Key == "bad" && s.runs("bad") < 3 {
				panic("out of cheese")
			}
			return 1, nil
		}
		e, log := newEngine(open(t, path), "a", s)
		stop := start(t, e)
		time.Sleep(20 * time.Second)
		stop()
		if !strings.Contains(log.String(), "out of cheese") || !strings.Contains(log.String(), "key=bad") {
			t.Errorf("log: %s", log)
		}
		if s.runs("good") != 1 || s.runs("bad") != 3 {
			t.Errorf("runs: %v", s.ran)
		}
	})
}

// A key whose run breaks is held back, longer each time, up to half a minute. The others are not.
func TestBrokenKeyIsHeldBack(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", "bad")
		began := time.Now()
		var at []time.Duration
		broken := true // like at, under s.mu
		set := func(b bool) int {
			s.mu.Lock()
			defer s.mu.Unlock()
			broken = b
			return len(at)
		}
		s.work = func(_ context.Context, l pipeline.Lease) (int, error) {
			if l.Key == "good" {
				return 1, nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			at = append(at, time.Since(began).Round(time.Second))
			if broken {
				return 0, errors.New("no space left on device")
			}
			return 1, nil
		}
		e, log := newEngine(open(t, path), "a", s)
		stop := start(t, e)
		time.Sleep(2 * time.Minute)
		s.add("good")
		time.Sleep(time.Second)
		if s.runs("good") != 1 {
			t.Errorf("another key waits for the broken one")
		}
		set(false)
		time.Sleep(time.Minute)
		n := set(true)
		s.add("bad")
		time.Sleep(1600 * time.Millisecond)
		if got := set(true) - n; got != 2 {
			t.Errorf("%d runs: a good run did not end the holding back", got)
		}
		stop()
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 95}
		for i := range want {
			want[i] *= time.Second
			if d := at[i] - want[i]; d < 0 || d > time.Duration(i+1)*500*time.Millisecond {
				t.Errorf("run %d was after %s, want %s and sweeps", i, at[i], want[i])
			}
		}
		if !strings.Contains(log.String(), "no space left on device") {
			t.Errorf("log: %s", log)
		}
	})
}

// A lease is renewed while its key runs, however long that is: nobody else takes it.
func TestLeaseIsRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", "long")
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) { return 1, sleep(ctx, 10*time.Minute) }
		st := open(t, path)
		e, log := newEngine(st, "a", s)
		stop := start(t, e)
		for range 19 {
			time.Sleep(31 * time.Second)
			if _, ok, err := st.Acquire(t.Context(), "work", "long", "thief", time.Now(), time.Now().Add(time.Hour)); ok || err != nil {
				t.Fatalf("taken from a run under way: %v", err)
			}
		}
		time.Sleep(time.Minute)
		stop()
		if s.runs("long") != 1 || log.Len() > 0 {
			t.Errorf("%d runs; log: %s", s.runs("long"), log)
		}
		if _, ok, err := st.Acquire(t.Context(), "work", "long", "next", time.Now(), time.Now().Add(time.Hour)); !ok || err != nil {
			t.Errorf("not released: %v", err)
		}
	})
}

// A run whose lease was lost is told to stop, and that is what the log says.
func TestLostLeaseCancelsTheRun(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", "k")
		var took time.Duration
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) {
			began := time.Now()
			err := sleep(ctx, time.Hour)
			took = time.Since(began)
			return 0, err
		}
		st := open(t, path)
		e, log := newEngine(st, "a", s)
		stop := start(t, e)
		time.Sleep(time.Second)
		thief, ok, err := st.Acquire(t.Context(), "work", "k", "thief", time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		time.Sleep(15 * time.Second)
		stop()
		if took == 0 || took > 11*time.Second {
			t.Errorf("the run ended after %s", took)
		}
		if !strings.Contains(log.String(), pipeline.ErrLeaseLost.Error()) {
			t.Errorf("log: %s", log)
		}
		if err := st.Renew(t.Context(), thief, time.Now().Add(3*time.Hour)); err != nil {
			t.Errorf("the thief's lease was released: %v", err)
		}
	})
}

// brittle is a store that does not renew for a while.
type brittle struct {
	*store.Store
	mu   sync.Mutex
	down bool
}

func (b *brittle) set(down bool) { b.mu.Lock(); b.down = down; b.mu.Unlock() }

func (b *brittle) Renew(ctx context.Context, l pipeline.Lease, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errors.New("disk I/O error")
	}
	return b.Store.Renew(ctx, l, until)
}

// A renewal that fails is tried again; the run goes on.
func TestRenewalFails(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", "k")
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) { return 1, sleep(ctx, time.Minute) }
		b := &brittle{Store: open(t, path), down: true}
		e, log := newEngine(b, "a", s)
		stop := start(t, e)
		time.Sleep(15 * time.Second)
		b.set(false)
		time.Sleep(time.Minute)
		stop()
		if s.runs("k") != 1 || strings.Count(log.String(), "cannot renew lease") != 1 || strings.Contains(log.String(), "run failed") {
			t.Errorf("%d runs; log: %s", s.runs("k"), log)
		}
	})
}

// Once runs each due key once, stage after stage, and sees what a run made due.
func TestOnce(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		var order []string
		first, second, third := newStage("poll", "f1", "f2"), newStage("process"), newStage("deliver")
		first.keep = true // a feed that failed stays due: not now
		first.work = func(_ context.Context, l pipeline.Lease) (int, error) {
			order = append(order, l.Key)
			second.add("host of " + l.Key)
			return 1, nil
		}
		second.work = func(_ context.Context, l pipeline.Lease) (int, error) {
			order = append(order, l.Key)
			if l.Key == "host of f1" {
				second.add("host of a redirect")
			}
			third.add("desk")
			return 1, nil
		}
		third.work = func(_ context.Context, l pipeline.Lease) (int, error) { order = append(order, l.Key); return 1, nil }
		e, _ := newEngine(open(t, path), "a", first, second, third)
		e.Workers = 1
		done, err := e.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(order), "[f1 f2 host of f1 host of f2 host of a redirect desk]"; got != want {
			t.Errorf("ran %s, want %s", got, want)
		}
		if fmt.Sprint(done) != "map[deliver:1 poll:2 process:3]" {
			t.Errorf("done: %v", done)
		}
	})
}

// Once does what it can, in the stages behind a broken one too: what is stored already must not wait to be told. What broke is its error.
func TestOnceWithABrokenKey(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		broken := errors.New("no space left on device")
		s, next := newStage("poll", "bad", "good", "ugly"), newStage("process", "host")
		s.work = func(_ context.Context, l pipeline.Lease) (int, error) {
			switch l.Key {
			case "bad":
				return 0, broken
			case "ugly":
				panic("out of cheese")
			}
			return 1, nil
		}
		e, _ := newEngine(open(t, path), "a", s, next)
		done, err := e.Once(t.Context())
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "out of cheese") {
			t.Errorf("got %v", err)
		}
		if done["poll"] != 1 || s.all() != 3 || next.all() != 1 {
			t.Errorf("done %v; ran %v", done, s.ran)
		}
		s.err = errors.New("database is locked")
		if _, err := e.Once(t.Context()); !errors.Is(err, s.err) {
			t.Errorf("got %v", err)
		}
	})
}

// hold takes keys as another process does.
func hold(t *testing.T, s *store.Store, until time.Duration, keys ...string) (ls []pipeline.Lease) {
	t.Helper()
	for _, k := range keys {
		l, ok, err := s.Acquire(t.Context(), "work", k, "other", time.Now(), time.Now().Add(until))
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		ls = append(ls, l)
	}
	return ls
}

// Once waits for a key that another process holds, and runs it when it is free: when that process releases it, or died.
func TestOnceWaits(t *testing.T) {
	for _, how := range []string{"released", "expired"} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T, path string) {
				st := open(t, path)
				l := hold(t, st, 30*time.Second, "held")[0]
				s := newStage("work", "free", "held")
				e, _ := newEngine(st, "a", s)
				if how == "released" {
					go func() {
						time.Sleep(5 * time.Second)
						if err := st.Release(context.Background(), l); err != nil {
							t.Error(err)
						}
					}()
				}
				began := time.Now()
				done, err := e.Once(t.Context())
				if err != nil || fmt.Sprint(s.ran) != "[free held]" || done["work"] != 2 {
					t.Errorf("ran %v, %v", s.ran, err)
				}
				if took := time.Since(began); how == "released" && (took < 5*time.Second || took > 8*time.Second) || how == "expired" && (took < 30*time.Second || took > 33*time.Second) {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A key that stays held is an error that says so; the rest is done.
func TestOnceGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		st := open(t, path)
		hold(t, st, time.Hour, "held")
		s := newStage("work", "free", "held")
		e, _ := newEngine(st, "a", s)
		began := time.Now()
		done, err := e.Once(t.Context())
		if err == nil || !strings.Contains(err.Error(), "another process is at work on held") || strings.Contains(err.Error(), "other#") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took < time.Minute || took > 63*time.Second {
			t.Errorf("it waited %s", took)
		}
		if fmt.Sprint(s.ran) != "[free]" || done["work"] != 1 {
			t.Errorf("ran %v", s.ran)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began = time.Now()
		if _, err := e.Once(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
			t.Errorf("it does not end with its context: %v after %s", err, time.Since(began))
		}
	})
}

// The loops' Due leaves out what others hold. With Held, Once knows of it: it waits for what was held at its start, and does what
// is due when that is free. What others take up later is theirs.
func TestOnceWaitsForWhatDueLeavesOut(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		st := open(t, path)
		db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ls := hold(t, st, time.Hour, "h1", "h2")
		s := newStage("work")
		e, _ := newEngine(st, "a", s)
		e.Held = func(ctx context.Context, kind string, now time.Time) (out []string, err error) {
			rows, err := db.QueryContext(ctx, `SELECT key FROM leases WHERE kind = ? AND owner <> '' AND until_ms > ? ORDER BY key`, kind, now.UnixMilli())
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				var k string
				if err := rows.Scan(&k); err != nil {
					return nil, err
				}
				out = append(out, k)
			}
			return out, rows.Err()
		}
		go func() {
			time.Sleep(3 * time.Second)
			hold(t, st, time.Hour, "h3")
			s.add("h2") // its work was not done
			for _, l := range ls {
				if err := st.Release(context.Background(), l); err != nil {
					t.Error(err)
				}
			}
		}()
		done, err := e.Once(t.Context())
		if err != nil || fmt.Sprint(s.ran) != "[h2]" || done["work"] != 1 {
			t.Errorf("ran %v, done %v, %v", s.ran, done, err)
		}
		began := time.Now()
		if _, err = e.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "at work on h3;") {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

// A wake-up makes its stage look at once; without one, the sweep finds the work.
func TestWake(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work")
		e, _ := newEngine(open(t, path), "a", s)
		e.Sweep = time.Minute
		stop := start(t, e)
		defer stop()
		time.Sleep(10 * time.Second)
		s.add("woken")
		e.Wake("work")
		e.Wake("no such stage")
		for range 1000 {
			e.Wake("work") // never blocks
		}
		time.Sleep(time.Millisecond)
		if s.runs("woken") != 1 {
			t.Error("not run after a wake-up")
		}
		s.add("found")
		time.Sleep(time.Millisecond)
		if s.runs("found") != 0 {
			t.Error("run without wake-up or sweep")
		}
		time.Sleep(time.Minute)
		if s.runs("found") != 1 {
			t.Error("the sweep did not find it")
		}
	})
}

// A wide stage runs as many keys side by side as it says.
type wide struct{ *stage }

func (wide) Workers() int { return 100 }

// However many keys hang, another is run, where the stage has workers for all of them.
func TestHangingKeysDelayNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work", keys(60)...)
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) {
			if l.Key == "well" {
				return 1, nil
			}
			return 0, sleep(ctx, time.Hour)
		}
		e, _ := newEngine(open(t, path), "a")
		e.Add(wide{s})
		stop := start(t, e)
		defer stop()
		time.Sleep(10 * time.Second)
		s.add("well")
		e.Wake("work")
		time.Sleep(time.Second)
		if s.runs("well") != 1 {
			t.Errorf("not run while %d hang", s.most)
		}
	})
}

// A stage that cannot be looked at is looked at again, and does not keep the others from their work.
func TestDueFails(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		bad, good := newStage("poll", "f"), newStage("process", "h")
		bad.err = errors.New("database is locked")
		e, log := newEngine(open(t, path), "a", bad, good)
		stop := start(t, e)
		time.Sleep(2 * time.Second)
		if good.runs("h") != 1 || bad.runs("f") != 0 {
			t.Errorf("ran %v and %v", good.ran, bad.ran)
		}
		bad.mu.Lock()
		bad.err = nil
		bad.mu.Unlock()
		time.Sleep(time.Second)
		stop()
		if bad.runs("f") != 1 || !strings.Contains(log.String(), "cannot look for work") {
			t.Errorf("ran %v; log: %s", bad.ran, log)
		}
	})
}

// A shutdown tells runs and chores to end and waits for them; the runs' keys are free for the next process.
func TestShutdownDrains(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		st := open(t, path)
		s := newStage("work", keys(10)...)
		ended := 0
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) {
			<-ctx.Done()
			time.Sleep(2 * time.Second) // what must be finished
			s.mu.Lock()
			ended++
			s.mu.Unlock()
			return 0, ctx.Err()
		}
		e, log := newEngine(st, "a", s)
		var begun, finished int
		e.Chores = []engine.Chore{{Name: "last words", Every: 500 * time.Millisecond, Do: func(ctx context.Context) error {
			begun++
			<-ctx.Done()
			time.Sleep(3 * time.Second) // longer than any run
			finished++
			return ctx.Err()
		}}}
		stop := start(t, e)
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if begun != 1 || finished != 1 {
			t.Errorf("of %d chores under way %d had ended", begun, finished)
		}
		if ended != 4 || s.all() != 4 || time.Since(began) != 3*time.Second {
			t.Errorf("%d of %d runs had ended after %s", ended, s.all(), time.Since(began))
		}
		if log.Len() > 0 {
			t.Errorf("a shutdown is nobody's fault: %s", log)
		}
		for _, k := range keys(4) {
			if _, ok, err := st.Acquire(t.Context(), "work", k, "next", time.Now(), time.Now().Add(time.Hour)); !ok || err != nil {
				t.Errorf("%s is not free: %v", k, err)
			}
		}
	})
}

// Chores run on their schedule, one at a time; one that fails or panics says so in the log and runs again.
func TestChores(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		s := newStage("work")
		e, log := newEngine(open(t, path), "a", s)
		var panics, fails, slow, slowNow int
		e.Chores = []engine.Chore{
			{Name: "panics", Every: time.Second, Do: func(context.Context) error { panics++; panic("out of cheese") }},
			{Name: "fails", Every: time.Second, Do: func(context.Context) error { fails++; return errors.New("readers are at work") }},
			{Name: "slow", Every: time.Second, Do: func(ctx context.Context) error {
				slow++
				if slowNow++; slowNow > 1 {
					t.Error("two at a time")
				}
				defer func() { slowNow-- }()
				return sleep(ctx, 2500*time.Millisecond)
			}},
		}
		stop := start(t, e)
		time.Sleep(10*time.Second + 100*time.Millisecond)
		s.add("k")
		time.Sleep(time.Second)
		stop()
		if panics < 10 || fails < 10 || slow < 3 || slow > 4 || s.runs("k") != 1 {
			t.Errorf("panics %d, fails %d, slow %d, runs %v", panics, fails, slow, s.ran)
		}
		for _, want := range []string{"out of cheese", "chore=fails", "readers are at work"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q: %s", want, log)
			}
		}
	})
}

// Two thousand keys due at once: each gets its turn before any gets a second one, and no more than Workers run at a time.
func TestManyKeys(t *testing.T) {
	bubble(t, func(t *testing.T, path string) {
		const n = 2000
		s := newStage("work", keys(n)...)
		s.work = func(ctx context.Context, l pipeline.Lease) (int, error) { return 1, sleep(ctx, time.Millisecond) }
		e, log := newEngine(open(t, path), "a", s)
		e.Workers = 32
		stop := start(t, e)
		for i := 0; i < 600 && s.all() < n; i++ {
			time.Sleep(100 * time.Millisecond)
		}
		stop()
		seen := map[string]bool{}
		for _, k := range s.ran {
			seen[k] = true
		}
		if len(seen) != n || len(s.ran) != n || s.most > 32 || log.Len() > 0 {
			t.Errorf("%d keys ran in %d runs, %d at a time; log: %s", len(seen), len(s.ran), s.most, log)
		}
	})
}
