package scrapers

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func TestRobotsRules(t *testing.T) {
	for _, tc := range []struct {
		doc, path string
		want      bool
	}{
		{"", "/a", true},
		{"<html><p>not found</p></html>", "/a", true},
		{"User-agent: *\nDisallow:", "/a", true},
		{"User-agent: *\nDisallow: /", "/a", false},
		{"user-AGENT:*\ndisALLOW:/a#comment", "/a/b", false},
		{"User-agent: *\nDisallow: /a", "/b", true},
		{"User-agent: *\nDisallow: /a", "/A", true},
		// the group of our name, whatever its version and case, and only that
		{"User-agent: *\nDisallow: /\n\nUser-agent: WireWatch/2.0\nDisallow: /x", "/a", true},
		{"User-agent: wirewatch\nDisallow: /a\n\nUser-agent: *\nAllow: /", "/a", false},
		{"User-agent: wire\nDisallow: /", "/a", true},
		{"User-agent: wirewatcher\nDisallow: /", "/a", true},
		{"User-agent: wirewatch\nUser-agent: other\nDisallow: /a", "/a", false},
		{"User-agent: wirewatch\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: wirewatch\nDisallow: /c", "/c", false},
		{"User-agent: wirewatch\nDisallow: /a\nUser-agent: x\nDisallow: /b", "/b", true},
		{"User-agent: wirewatch\n\nUser-agent: *\nDisallow: /", "/a", false}, // lines that only name agents belong together
		{"User-agent: wirewatch\nCrawl-delay: 1\nSitemap: x\nDisallow: /a", "/a", false},
		// the longest pattern decides, allow when equal
		{"User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", true},
		{"User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", false},
		{"User-agent: *\nDisallow: /a\nAllow: /a", "/a", true},
		{"User-agent: *\nAllow: /a\nDisallow: /a", "/a", true},
		{"User-agent: *\nDisallow: /a*.b.\nAllow: /a/x.b.c", "/a/x.b.c", true},
		{"User-agent: *\nAllow: /p\nDisallow: /", "/page", true},
		{"User-agent: *\nAllow: /$\nDisallow: /", "/", true},
		{"User-agent: *\nAllow: /$\nDisallow: /", "/a", false},
		// special characters
		{"User-agent: *\nDisallow: *", "/a", false},
		{"User-agent: *\nDisallow: /foo*bar", "/foo/x/bar", false},
		{"User-agent: *\nDisallow: /foo*bar", "/x/foobar", true},
		{"User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", false},
		{"User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", true},
		{"User-agent: *\nDisallow: /*?", "/a?b=c", false},
		{"User-agent: *\nDisallow: /a?b=c", "/a?b=cd", false},
		{"User-agent: *\nDisallow: /caf\u00e9", "/caf%C3%A9/x", false},
		{"User-agent: *\nDisallow: /caf%c3%a9", "/caf%C3%A9", false},
		{"User-agent: *\nDisallow: /%61", "/a", false},
		{"User-agent: *\nDisallow: /a%2fb", "/a/b", true},
		{"User-agent: *\nDisallow: /a%2Ab", "/axb", true},
		{"User-agent: *\nDisallow: /a-%2A.html", "/a-*.html", false}, // the standard's own examples, 2.2.3
		{"User-agent: *\nDisallow: /a-%2a.html", "/a-%2A.html", false},
		{"User-agent: *\nDisallow: /a-%24", "/a-$", false},
		{"User-agent: *\nDisallow: /a-%24", "/a-", true},
		{"User-agent: *\nDisallow: /a$b", "/a$bc", false},
		{"User-agent: *\nDisallow: /a$", "/a$", true},
		{"User-agent: *\nDisallow: /a*c", "/a*bc", false},
		// what makes no sense is skipped
		{"Disallow: /\nUser-agent: *\nDisallow: /b", "/a", true},
		{"User-agent: *\nCrawl-delay: abc\nNonsense\nDisallow: /a", "/a", false},
		{"\xef\xbb\xbfUser-agent: *\r\nDisallow: /a\r\n", "/a", false},
		{"User-agent: *\rDisallow: /a\r", "/a", false},
		{"User-agent: *\nDisallow: /" + strings.Repeat("*a", 2000) + "b", "/" + strings.Repeat("a", 4000), true},
	} {
		if got := parseRobots([]byte(tc.doc), "wirewatch").allows(tc.path); got != tc.want {
			t.Errorf("%.120q: %.40s allowed: %v", tc.doc, tc.path, got)
		}
	}
}

// A robotsHost is a server with a robots.txt of the test's making.
type robotsHost struct {
	*httptest.Server
	asked, pages atomic.Int32
}

func serveRobots(t *testing.T, h http.HandlerFunc) *robotsHost {
	s := &robotsHost{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			s.asked.Add(1)
			h(w, r)
			return
		}
		s.pages.Add(1)
		html(w, "<p>x</p>")
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRobotsFile(t *testing.T) {
	huge := strings.Repeat("# a comment that fills the file, line by line\n", 62<<20/46)
	chain := func(n int) http.HandlerFunc {
		// Redirects of one robots.txt, across hosts, until one answers.
		h := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "User-agent: *\nDisallow: /") }
		for range n {
			next := httptest.NewServer(http.HandlerFunc(h))
			t.Cleanup(next.Close)
			h = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, next.URL+"/robots.txt", http.StatusFound)
			}
		}
		return h
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
	}
	packed := append(zipped(t, []byte("User-agent: *\nDisallow: /page\n")), bomb(t)...)
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s) }
	}
	for _, tc := range []struct {
		name   string
		robots http.HandlerFunc
		want   string // "" allowed, else the reason
	}{
		{"allowed", text("User-agent: *\nDisallow: /private"), ""},
		{"forbidden", text("User-agent: wirewatch\nDisallow: /"), "robots"},
		{"404", status(404), ""},
		{"401", status(401), ""},
		{"403", status(403), ""},
		{"410", status(410), ""},
		{"429", status(429), "robots unreachable"},
		{"500", status(500), "robots unreachable"},
		{"503", status(503), "robots unreachable"},
		{"dropped", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "robots unreachable"},
		{"five redirects", chain(5), "robots"},
		{"six redirects", chain(6), ""},
		{"62 MB, rule behind the limit", text(huge + "\nUser-agent: *\nDisallow: /"), ""},
		{"62 MB, rule before it", text("User-agent: *\nDisallow: /page\n" + huge), "robots"},
		{"a rule cut by the limit", text("User-agent: *\n#" + strings.Repeat("x", 500<<10-14-1-10-4) + "\nDisallow: /pr\nAllow: /x"), ""},
		{"gzip bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed)
		}, "robots"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveRobots(t, tc.robots)
			c := newClient(t, nil)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			defer func() {
				runtime.ReadMemStats(&after)
				if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 20 {
					t.Errorf("allocated %d MiB", got)
				}
			}()
			for range 2 {
				_, err := fetch(c, s.URL+"/page")
				switch tc.want {
				case "":
					if err != nil {
						t.Fatal(err)
					}
				case "robots":
					fails(t, err, pipeline.Final, "robots")
				default:
					fails(t, err, pipeline.Retry, tc.want)
				}
			}
			// A dropped connection is tried again by net/http itself.
			if n := s.asked.Load(); n != 1 && tc.name != "dropped" {
				t.Errorf("robots.txt was asked for %d times", n)
			}
			if n := s.pages.Load(); tc.want != "" && n != 0 {
				t.Errorf("%d pages were fetched", n)
			}
			// Feeds and hooks are not a robot's: the user named them.
			if _, err := c.HTTP(ForFeeds).Get(s.URL + "/page"); err != nil {
				t.Error(err)
			}
			if _, err := c.HTTP(ForHooks).Get(s.URL + "/page"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRobotsAge(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	pass := func(d time.Duration) { now.Add(int64(d)) }
	var state atomic.Int32
	s := serveRobots(t, func(w http.ResponseWriter, r *http.Request) {
		switch state.Load() {
		case 0:
			w.WriteHeader(503)
		case 1:
			io.WriteString(w, "User-agent: *\nDisallow: /secret")
		}
	})
	c := newClient(t, func(o *Options) { o.Now = func() time.Time { return time.Unix(0, now.Load()) } })
	_, err := fetch(c, s.URL+"/a")
	fails(t, err, pipeline.Retry, "robots unreachable")
	state.Store(1)
	_, err = fetch(c, s.URL+"/a")
	fails(t, err, pipeline.Retry, "robots unreachable")
	pass(robotsRetry + time.Second)
	for range 3 {
		if _, err := fetch(c, s.URL+"/a"); err != nil {
			t.Fatal(err)
		}
		pass(7 * time.Hour)
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("asked %d times within a day", n)
	}
	state.Store(0)
	pass(7 * time.Hour)
	// The server fails after a day: what it said last still holds.
	if _, err := fetch(c, s.URL+"/a"); err != nil {
		t.Fatal(err)
	}
	_, err = fetch(c, s.URL+"/secret")
	fails(t, err, pipeline.Final, "robots")
	if n := s.asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestRobotsAtEveryHop(t *testing.T) {
	second := serveRobots(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "User-agent: *\nDisallow: /no") })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, second.URL+r.URL.Path, http.StatusFound)
	})
	c := newClient(t, nil)
	if _, err := fetch(c, first.URL+"/yes"); err != nil {
		t.Fatal(err)
	}
	_, err := fetch(c, first.URL+"/no")
	fails(t, err, pipeline.Final, "robots")
	if n := second.pages.Load(); n != 1 {
		t.Errorf("%d pages of the second host", n)
	}
}

// Many pages of a host wait for one robots.txt; one that gives up does not take it from the others.
func TestRobotsIsFetchedOnce(t *testing.T) {
	gate, begun := make(chan struct{}), make(chan struct{}, 9)
	s := serveRobots(t, func(w http.ResponseWriter, r *http.Request) { begun <- struct{}{}; <-gate })
	c := newClient(t, func(o *Options) { o.Pace.Parallel = 20 })
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() { _, err := (&Pages{Client: c}).Fetch(ctx, item(s.URL)); first <- err }()
	soon(t, "robots.txt", begun)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, err := fetch(c, fmt.Sprintf("%s/%d", s.URL, i)); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	if err := <-first; err != context.Canceled {
		t.Error(err)
	}
	close(gate)
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// The matcher agrees with an anchored regular expression on every pattern and path over a small alphabet.
func TestMatchPath(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(alphabet string, n int) string {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return "/" + string(b)
	}
	hits := 0
	for range 20000 {
		pattern, path := pick("ab/**$", 8), pick("ab/$", 10)
		body, end := strings.CutSuffix(pattern, "$")
		expr := "^" + strings.ReplaceAll(regexp.QuoteMeta(body), `\*`, `.*`)
		if end {
			expr += "$"
		}
		want := regexp.MustCompile(expr).MatchString(path)
		if got := matchPath(pattern, path); got != want {
			t.Fatalf("%q on %q: %v", pattern, path, got)
		}
		if want {
			hits++
		}
	}
	if hits < 1000 {
		t.Errorf("only %d of the pairs match; the test says little", hits)
	}
}
