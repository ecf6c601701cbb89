package past

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// behind starts a server that has the site's answers for posts changed by edit, which may answer by itself.
func (s *wpSite) behind(t testing.TB, edit func(w http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) bool) string {
	s.zone = time.UTC
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		got := httptest.NewRecorder()
		s.ServeHTTP(got, r)
		if strings.Contains(r.URL.Path+r.URL.RawQuery, "posts") && edit(w, r, got) {
			return
		}
		for k, v := range got.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(got.Code)
		w.Write(got.Body.Bytes())
	}).URL
}

// Counts that are wrong lose nothing and end: with 0 for what is not counted, and with those of all posts for every window.
func TestWordpressWrongCounts(t *testing.T) {
	for _, total := range []string{"0", "5000"} {
		s := &wpSite{posts: wpMonth()}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		base := s.behind(t, func(_ http.ResponseWriter, _ *http.Request, got *httptest.ResponseRecorder) bool {
			if s.requests > 500 {
				cancel()
			}
			got.Header().Set("X-WP-Total", total)
			got.Header().Set("X-WP-TotalPages", total[:1])
			return false
		})
		var got, bad []pipeline.Find
		err := newPast(t, "wordpress:"+base, nil).Walk(ctx, pipeline.Range{}, "", func(f pipeline.Find) error {
			if got = append(got, f); f.Err != nil {
				bad = append(bad, f)
			}
			return nil
		})
		if err != nil || ids(got) != idsOf(s.posts, all) || len(bad) > 0 || s.requests > 60 {
			t.Errorf("counts of %s: %d of %d posts in %d requests; %v, %v", total, len(strings.Fields(ids(got))), len(s.posts), s.requests, err, bad)
		}
	}
}

// A server that breaks down over large pages is asked for smaller ones, which grow again.
func TestWordpressOverloaded(t *testing.T) {
	s := &wpSite{posts: wpMonth()}
	weak, largest := true, 0
	base := s.behind(t, func(w http.ResponseWriter, r *http.Request, got *httptest.ResponseRecorder) bool {
		n, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		if weak = weak && s.requests < 30; weak && n > 20 {
			w.WriteHeader(500)
			return true
		}
		largest = max(largest, n)
		return false
	})
	p := newPast(t, "wordpress:"+base, nil)
	var got []pipeline.Find
	cursor, failures := "", 0
	for range 20 {
		err := p.Walk(context.Background(), pipeline.Range{}, cursor, func(f pipeline.Find) error {
			if got = append(got, f); f.Cursor != "" {
				cursor = f.Cursor
			}
			return nil
		})
		if err == nil {
			break
		}
		failures++
		fails(t, err, pipeline.Retry, "status 500")
	}
	if ids(got) != idsOf(s.posts, all) || failures > 5 || largest < 50 {
		t.Errorf("%d of %d posts, %d failures, pages of up to %d", len(strings.Fields(ids(got))), len(s.posts), failures, largest)
	}
}

// What stands around the JSON of an answer does not matter; JSON in a page is no answer.
func TestWordpressReadsJSON(t *testing.T) {
	for body, want := range map[string]string{
		"\uFEFF\uFEFF\r\n[1]": "[1]",
		"<br />\n<b>Notice</b>: Undefined index: a[b] in <b>/x.php</b> on line <b>3</b><br />\n[1,2]\n": "[1 2]",
		"PHP Warning:  x in /x.php on line 3\n\uFEFF[1]<!-- served by a\ncache -->\n":                   "[1]",
		"[1]<br /><b>Deprecated</b>: later":                                                             "[1]",
		"<html><script>\n[]\n</script>":                                                                 "",
		"[1,2":                                                                                          "",
		`{"code":"x"}`:                                                                                  "",
		"":                                                                                              "",
	} {
		var v []int
		got := ""
		if readJSON([]byte(body), &v) == nil {
			got = fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

// A post that is odd in one thing is there with the others; what cannot be read is told with its number.
func TestWordpressOddPosts(t *testing.T) {
	answer := `[
		{"id":1,"date":"-0001-11-30T00:00:00","link":"/zero","title":false},
		{"id":2,"date":"2025-03-01T00:00:00","link":"/relative/2","_embedded":[],"excerpt":"text"},
		{"id":3,"date":"2025-03-01T00:00:01","link":"/3","content":{"rendered":"","protected":true}},
		{"id":4,"date":"2025-03-01T00:00:02"},
		{"id":5,"date":"2025-03-01T00:00:03","date_gmt":null,"link":"//other.example/5"}]`
	base := (&wpSite{}).behind(t, func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) bool {
		w.Header().Set("X-WP-Total", "5")
		fmt.Fprint(w, answer)
		return true
	})
	got, bad := walk(t, newPast(t, "wordpress:"+base, nil), pipeline.Range{}, "")
	want := base + "/zero " + base + "/relative/2 http://other.example/5"
	if g := strings.Join(addresses(got), " "); g != want {
		t.Errorf("got %s, want %s", g, want)
	}
	if len(bad) != 2 {
		t.Fatalf("%d that cannot be used, want 2", len(bad))
	}
	contains(t, bad[0].Err.Error(), "post 3 takes a password")
	contains(t, bad[1].Err.Error(), "post 4 has no address")
}

// A site with plain permalinks whose header a proxy takes away is found all the same.
func TestWordpressPlainWithoutHeader(t *testing.T) {
	for name, other := range map[string]http.HandlerFunc{"not found": status(404, ""), "its front page": status(200, "<html>")} {
		s := &wpSite{zone: time.UTC, plain: true, posts: wpMonth()[:5]}
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("rest_route") != "" {
				s.ServeHTTP(w, r)
				return
			}
			other(w, r)
		})
		if got, _ := walk(t, newPast(t, "wordpress:"+srv.URL, nil), pipeline.Range{}, ""); len(got) != 5 {
			t.Errorf("%s: %d posts", name, len(got))
		}
	}
}

// The hour that a site's clock shows twice, and the one that it leaves out, lose nothing and move no edge.
func TestWordpressSummers(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Skip("no zones on this machine: ", err)
	}
	for _, turn := range []time.Time{time.Date(2025, 10, 26, 1, 0, 0, 0, time.UTC), time.Date(2025, 3, 30, 1, 0, 0, 0, time.UTC)} {
		s := &wpSite{zone: zone, capped: 7}
		for i := -30; i <= 30; i++ {
			s.posts = append(s.posts, wpFake{int64(i + 100), turn.Add(time.Duration(i) * 10 * time.Minute)})
		}
		p := newPast(t, "wordpress:"+s.start(t), nil)
		for i := -20; i < 15; i += 5 {
			r := pipeline.Range{Since: turn.Add(time.Duration(i) * 10 * time.Minute), Until: turn.Add(time.Duration(i+6) * 10 * time.Minute)}
			want := idsOf(s.posts, func(p wpFake) bool { return r.Holds(p.at) })
			if got, bad := walk(t, p, r, ""); ids(got) != want || len(bad) > 0 {
				t.Errorf("from %s: got %s, want %s", r.Since, ids(got), want)
			}
		}
	}
}

// Seconds that fill pages can be gone on behind: with pages of one post that is behind all of them.
func TestWordpressGoesOnBehindSeconds(t *testing.T) {
	s := &wpSite{capped: 1, silent: true}
	for i := range 12 {
		s.posts = append(s.posts, wpFake{int64(i + 1), time.Date(2025, 1, 1, 0, 0, i/3, 0, time.UTC)})
	}
	p := newPast(t, "wordpress:"+s.start(t), nil)
	finds, _ := walk(t, p, pipeline.Range{}, "")
	cursors := 0
	for i, f := range finds {
		if f.Cursor == "" {
			continue
		}
		cursors++
		if rest, _ := walk(t, p, pipeline.Range{}, f.Cursor); ids(append(finds[:i+1:i+1], rest...)) != idsOf(s.posts, all) || len(rest) != len(finds)-i-1 {
			t.Errorf("behind find %d: %d more of %d", i, len(rest), len(finds))
		}
	}
	if cursors < 4 || ids(finds) != idsOf(s.posts, all) {
		t.Errorf("%d cursors in %d finds", cursors, len(finds))
	}
}
