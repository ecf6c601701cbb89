package scrapers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wirewatch/pipeline"
)

// Each host's handler waits until all eight are asked: one queue for all hosts would never get there.
func TestHostsRunSideBySide(t *testing.T) {
	const hosts = 8
	var here sync.WaitGroup
	here.Add(hosts)
	all := make(chan struct{})
	go func() { here.Wait(); close(all) }()
	c := newClient(t, func(o *Options) { o.Pace.Parallel = 1 })
	var wg sync.WaitGroup
	for range hosts {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			here.Done()
			select {
			case <-all:
				html(w, "<p>x</p>")
			case <-r.Context().Done():
			}
		})
		wg.Go(func() {
			if _, err := fetch(c, srv.URL); err != nil {
				t.Error(err)
			}
		})
	}
	soon(t, "eight hosts at once", all)
	wg.Wait()
}

func TestCancelEndsEveryWait(t *testing.T) {
	block := make(chan struct{})
	begun := make(chan struct{}, 1)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-block
		html(w, "<p>x</p>")
	})
	defer close(block)
	for name, pace := range map[string]Pace{"place": {Parallel: 1}, "slot": {Every: time.Hour, Parallel: 2}} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, func(o *Options) { o.Pace, o.Limits.Total = pace, time.Hour })
			unruled(c, srv) // no slot for it
			f := &Feeds{Client: c}
			p := &Pages{Client: c}
			held, letGo := context.WithCancel(context.Background())
			defer letGo()
			go f.Poll(held, pipeline.Feed{URL: srv.URL})
			soon(t, "the first request", begun)
			ctx, cancel := context.WithCancel(context.Background())
			errs := make(chan error, 20)
			for i := range cap(errs) {
				go func() {
					var err error
					if i%2 == 0 {
						_, err = f.Poll(ctx, pipeline.Feed{URL: srv.URL})
					} else {
						_, err = p.Fetch(ctx, item(srv.URL))
					}
					errs <- err
				}()
			}
			for users := 0; users < cap(errs)+1; {
				c.pace.mu.Lock()
				for _, l := range c.pace.lanes {
					users = l.users
				}
				c.pace.mu.Unlock()
				runtime.Gosched()
			}
			cancel()
			ends(t, "the end of every wait", func() {
				for range cap(errs) {
					if err := <-errs; !errors.Is(err, context.Canceled) {
						t.Errorf("%v", err)
					}
				}
			})
		})
	}
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(Pace{Every: time.Second, Parallel: 2}, nil, time.Now)
		var inFlight, most atomic.Int32
		var mu sync.Mutex
		starts := map[string][]time.Time{}
		var wg sync.WaitGroup
		for i := range 12 {
			host := fmt.Sprintf("host%d", i%2)
			wg.Go(func() {
				release, err := p.acquire(t.Context(), host)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				starts[host] = append(starts[host], time.Now())
				mu.Unlock()
				if host == "host0" {
					if n := inFlight.Add(1); n > most.Load() {
						most.Store(n)
					}
				}
				time.Sleep(5 * time.Second)
				if host == "host0" {
					inFlight.Add(-1)
				}
				release()
			})
		}
		wg.Wait()
		if most.Load() != 2 {
			t.Errorf("at most %d in flight, want 2", most.Load())
		}
		for host, s := range starts {
			if len(s) != 6 {
				t.Fatalf("%s: %d starts", host, len(s))
			}
			for i := 1; i < len(s); i++ {
				if d := s[i].Sub(s[i-1]); d < time.Second {
					t.Errorf("%s: starts %s apart", host, d)
				}
			}
		}
		// Idle hosts are forgotten, those that still have to wait are not.
		if len(p.lanes) != 0 {
			t.Errorf("%d lanes left", len(p.lanes))
		}
		for i := range 1000 {
			release, err := p.acquire(t.Context(), fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			release()
			if i%100 == 0 {
				time.Sleep(2 * time.Second)
			}
		}
		if len(p.lanes) > 300 {
			t.Errorf("%d lanes after a thousand hosts", len(p.lanes))
		}
		time.Sleep(2 * time.Second)
		before := time.Now()
		for range 3 {
			release, _ := p.acquire(t.Context(), "last")
			release()
		}
		if d := time.Since(before); d != 2*time.Second {
			t.Errorf("three starts took %s; a lane that is released keeps its pace", d)
		}
	})
}

func TestReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		at := time.Now().Add(3 * time.Second)
		p := newPacer(Pace{Every: time.Second}, func(_ context.Context, host string, every time.Duration) (time.Time, error) {
			asked = append(asked, host+" "+every.String())
			return at, nil
		}, time.Now)
		release, err := p.acquire(t.Context(), "h")
		if err != nil || !time.Now().Equal(at) {
			t.Fatalf("%v, started %s off its slot", err, time.Since(at))
		}
		release()
		if len(asked) != 1 || asked[0] != "h 1s" {
			t.Fatal(asked)
		}
		p = newPacer(Pace{}, func(context.Context, string, time.Duration) (time.Time, error) {
			t.Error("asked for a slot though there is no pace")
			return time.Time{}, nil
		}, time.Now)
		release, err = p.acquire(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		release()
		p = newPacer(Pace{Every: 1}, func(context.Context, string, time.Duration) (time.Time, error) {
			return time.Time{}, errors.New("store is gone")
		}, time.Now)
		if _, err = p.acquire(t.Context(), "h"); err == nil || len(p.lanes) != 0 {
			t.Fatalf("%v, %d lanes", err, len(p.lanes))
		}
	})
}

// Pages, their robots.txt, redirects and feeds of a host all take slots; hooks take none.
func TestEveryRequestTakesASlot(t *testing.T) {
	var mu sync.Mutex
	taken := map[string]int{}
	c := newClient(t, func(o *Options) {
		o.Pace = Pace{Every: time.Millisecond}
		o.Reserve = func(_ context.Context, host string, _ time.Duration) (time.Time, error) {
			mu.Lock()
			defer mu.Unlock()
			taken[host]++
			return time.Time{}, nil
		}
	})
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { html(w, "<p>x</p>") })
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusFound)
		case "/b":
			http.Redirect(w, r, other.URL, http.StatusFound)
		default:
			sendFeed(w)
		}
	})
	if _, err := fetch(c, srv.URL+"/a"); err != nil {
		t.Fatal(err)
	}
	if _, err := poll(c, srv.URL+"/feed"); err != nil {
		t.Fatal(err)
	}
	resp, err := c.HTTP(ForHooks).Get(srv.URL + "/hook")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if a, b := taken[Host(srv.URL)], taken[Host(other.URL)]; a != 4 || b != 2 {
		t.Errorf("%d and %d slots; want robots, /a, /b and the feed here, robots and the page there", a, b)
	}
}
