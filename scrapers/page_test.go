package scrapers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func TestPageFields(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?x=1", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		html(w, "<p>x</p>")
	})
	p, err := fetch(newClient(t, func(o *Options) { o.Now = func() time.Time { return now } }), srv.URL+"/old#part")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %d %s %s %s %s %s", p.URL, p.FinalURL, p.Status, p.ContentType, p.Body, p.ETag, p.LastModified, p.Fetched)
	p2 := srv.URL + "/old#part " + srv.URL + `/new?x=1 200 text/html; charset=utf-8 <p>x</p> "e" Mon, 02 Jan 2006 15:04:05 GMT 2026-03-04 05:06:07 +0000 UTC`
	if got != p2 {
		t.Errorf("got  %s\nwant %s", got, p2)
	}
}

func TestPageStatuses(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, tc := range []struct {
		code    int
		after   string // Retry-After
		verdict pipeline.Verdict
		pause   time.Duration
	}{
		{200, "", 0, 0}, {203, "", 0, 0},
		{202, "", pipeline.Retry, 0}, {204, "", pipeline.Retry, 0}, {206, "", pipeline.Retry, 0},
		{300, "", pipeline.Retry, 0}, {301, "", pipeline.Retry, 0}, {304, "", pipeline.Retry, 0},
		{400, "", pipeline.Final, 0}, {401, "", pipeline.Final, 0}, {402, "", pipeline.Final, 0}, {403, "", pipeline.Final, 0},
		{404, "", pipeline.Final, 0}, {405, "", pipeline.Final, 0}, {408, "", pipeline.Retry, 0}, {410, "", pipeline.Gone, 0},
		{425, "", pipeline.Retry, 0}, {451, "", pipeline.Final, 0},
		{429, "", pipeline.Throttled, 0}, {429, "120", pipeline.Throttled, 2 * time.Minute},
		{429, "Wed, 04 Mar 2026 05:16:07 GMT", pipeline.Throttled, 10 * time.Minute},
		{429, "Wed, 04 Mar 2020 05:16:07 GMT", pipeline.Throttled, 0}, {429, "soon", pipeline.Throttled, 0}, {429, "-5", pipeline.Throttled, 0},
		{500, "", pipeline.Retry, 0}, {502, "", pipeline.Retry, 0}, {503, "", pipeline.Retry, 0}, {503, "60", pipeline.Throttled, time.Minute},
		{504, "", pipeline.Retry, 0}, {522, "", pipeline.Retry, 0},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if tc.after != "" {
				w.Header().Set("Retry-After", tc.after)
			}
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(tc.code)
			if tc.code != 204 && tc.code != 304 {
				fmt.Fprint(w, "<p>x</p>")
			}
		})
		p, err := fetch(newClient(t, func(o *Options) { o.Now = func() time.Time { return now } }), srv.URL)
		if tc.code == 200 || tc.code == 203 {
			if err != nil || p.Status != tc.code || len(p.Body) == 0 {
				t.Errorf("%d: %v", tc.code, err)
			}
			continue
		}
		fails(t, err, tc.verdict, fmt.Sprint("status ", tc.code))
		if f := pipeline.AsFailure(err); f.After != tc.pause {
			t.Errorf("%d %q: after %s, want %s", tc.code, tc.after, f.After, tc.pause)
		}
		contains(t, err.Error(), fmt.Sprint(tc.code))
	}
}

func TestFailedVisitIsNoVisit(t *testing.T) {
	var n atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		html(w, "<p>x</p>")
	})
	c := newClient(t, nil)
	_, err := fetch(c, srv.URL)
	fails(t, err, pipeline.Retry, "status 503")
	for range 2 {
		if _, err := fetch(c, srv.URL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPanicIsAFailure(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { html(w, "<p>x</p>") })
	var calls atomic.Int32
	c := newClient(t, func(o *Options) {
		o.Pace.Every = time.Millisecond
		o.Reserve = func(context.Context, string, time.Duration) (time.Time, error) {
			if calls.Add(1) < 3 {
				panic("the store is on fire")
			}
			return time.Time{}, nil
		}
	})
	_, err := fetch(c, srv.URL) // while robots.txt is fetched, on another goroutine
	fails(t, err, pipeline.Retry, "robots unreachable")
	contains(t, err.Error(), "on fire")
	unruled(c, srv)
	_, err = fetch(c, srv.URL)
	fails(t, err, pipeline.Retry, "panic")
	contains(t, err.Error(), "on fire")
	if _, err := fetch(c, srv.URL); err != nil { // its place in the lane was given back
		t.Fatal(err)
	}
}

func TestHTTP2(t *testing.T) {
	proto := ""
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		proto = r.Proto
		html(w, "<p>x</p>")
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c := newClient(t, func(o *Options) { o.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs })
	if _, err := fetch(c, s.URL); err != nil || proto != "HTTP/2.0" {
		t.Errorf("%v over %s", err, proto)
	}
}

// Two thousand batches by eight workers, errors among them, leave nothing behind.
func TestBatchesLeaveNothing(t *testing.T) {
	page := "<p>" + strings.Repeat("text ", 2000) + "</p>"
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/404":
			http.NotFound(w, r)
		case "/move":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			html(w, page)
		}
	})
	c := newClient(t, func(o *Options) { o.Pace.Parallel = 8 })
	pages := &Pages{Client: c}
	run := func(n, most int) (goroutines int, heap uint64) {
		var wg sync.WaitGroup
		var next atomic.Int64
		for range 8 {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(n); i = next.Add(1) {
					path := []string{"/", "/404", "/move", "/"}[i%4]
					_, err := pages.Fetch(context.Background(), item(srv.URL+path))
					if (err != nil) != (path == "/404") {
						t.Errorf("%s: %v", path, err)
						return
					}
				}
			})
		}
		wg.Wait()
		c.mu.Lock()
		for _, b := range c.bases {
			b.CloseIdleConnections()
		}
		c.mu.Unlock()
		srv.CloseClientConnections()
		// Connections end on their own goroutines, on a busy machine late; what leaks never ends.
		calm := 0
		for end := time.Now().Add(time.Minute); time.Now().Before(end) && (calm < 10 || most > 0 && goroutines > most); calm++ {
			if n := runtime.NumGoroutine(); n != goroutines {
				goroutines, calm = n, 0
			}
			time.Sleep(5 * time.Millisecond) // polling for a condition, bounded by the end
		}
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return goroutines, m.HeapAlloc
	}
	g1, h1 := run(100, 0)
	g2, h2 := run(2000, g1+5)
	t.Logf("goroutines %d then %d, heap %d KiB then %d KiB", g1, g2, h1>>10, h2>>10)
	if g2 > g1+5 {
		t.Errorf("goroutines grew from %d to %d", g1, g2)
	}
	if h2 > h1+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes", h1, h2)
	}
	if n := len(c.pace.lanes); n != 0 {
		t.Errorf("%d lanes left", n)
	}
}

// A page that was read before is asked for by its validators, behind redirects too. 304 says that it is what it was; a page that
// changed comes whole, and a robots.txt that forbids it now is obeyed.
func TestPageConditional(t *testing.T) {
	var mu sync.Mutex
	etag, robots := `"1"`, ""
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/robots.txt" {
			fmt.Fprint(w, robots)
			return
		}
		asked = append(asked, fmt.Sprintf("%s %s|%s", r.URL.Path, r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")))
		switch {
		case r.URL.Path == "/old":
			http.Redirect(w, r, "/new", http.StatusFound)
		case r.Header.Get("If-None-Match") == etag:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", etag)
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			html(w, "<p>"+etag+"</p>")
		}
	}))
	t.Cleanup(srv.Close)
	it := item(srv.URL + "/old")
	get := func(c *Client) (*pipeline.Page, error) { return (&Pages{Client: c}).Fetch(t.Context(), it) }
	c := newClient(t, nil)
	p, err := get(c)
	if err != nil {
		t.Fatal(err)
	}
	it.ETag, it.LastModified = p.ETag, p.LastModified
	if _, err = get(c); !errors.Is(err, pipeline.ErrUnchanged) {
		t.Errorf("not changed: %v", err)
	}
	mu.Lock()
	etag = `"2"`
	mu.Unlock()
	if p, err = get(c); err != nil || string(p.Body) != `<p>"2"</p>` || p.ETag != `"2"` {
		t.Errorf("changed: %+v, %v", p, err)
	}
	const second = ` "1"|Mon, 02 Jan 2006 15:04:05 GMT`
	mu.Lock()
	got := strings.Join(asked, "\n")
	etag, asked, robots = `"1"`, nil, "User-agent: *\nDisallow: /new\n"
	mu.Unlock()
	if want := strings.Join([]string{"/old |", "/new |", "/old" + second, "/new" + second, "/old" + second, "/new" + second}, "\n"); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	_, err = get(newClient(t, nil))
	fails(t, err, pipeline.Final, "robots")
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 1 {
		t.Errorf("asked %q of a site that forbids it", asked)
	}
}
