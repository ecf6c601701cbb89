package past

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// A wpSite is a site with the REST API of WordPress, as WordPress behaves: dates are the site's own, both ends of a window are excluded,
// and posts of one second come in any order, another one at each request, unless they are ordered by ID.
type wpSite struct {
	zone     *time.Location
	posts    []wpFake
	most     int  // posts a page at most; more are refused
	capped   int  // posts a page, whatever was asked
	backward bool // the API does not heed the order
	deaf     bool // nor dates
	silent   bool // a proxy takes the counts away
	plain    bool // plain permalinks: the API is at ?rest_route=
	mixed    bool // nor an order by ID
	hidden   map[int64]bool
	text     string

	mu       sync.Mutex
	requests int // for posts
	deepest  int // page
	answer   http.HandlerFunc
}

type wpFake struct {
	id int64
	at time.Time
}

func (s *wpSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	path := r.URL.Path
	if s.plain {
		path = "/wp-json" + q.Get("rest_route")
	}
	switch path {
	case "/", "/wp-json":
		root := "/wp-json/"
		if s.plain {
			root = "/?rest_route=/"
		}
		w.Header().Add("Link", "<http://"+r.Host+"/page>; rel=shortlink, <http://"+r.Host+root+`>; rel="https://api.w.org/"`)
	case "/wp-json/":
		fmt.Fprintf(w, `{"timezone_string":%q,"gmt_offset":"0"}`, s.zone)
	case "/wp-json/wp/v2/posts":
		s.requests++
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		s.list(w, q.Get("after"), q.Get("before"), func(k string, d int) int {
			if n, err := strconv.Atoi(q.Get(k)); err == nil {
				return n
			}
			return d
		}, q.Get("orderby"), strings.Split(q.Get("exclude"), ","), r.Host)
	default:
		http.NotFound(w, r)
	}
}

func (s *wpSite) list(w http.ResponseWriter, after, before string, num func(string, int) int, by string, not []string, host string) {
	per, page := num("per_page", 10), num("page", 1)
	s.deepest = max(s.deepest, page)
	if s.most > 0 && per > s.most {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"code":"rest_invalid_param","data":{"status":400}}`)
		return
	}
	if s.capped > 0 {
		per = min(per, s.capped)
	}
	local := func(p wpFake) string { return p.at.In(s.zone).Format(wpTime) }
	var list []wpFake
	for _, p := range s.posts {
		d := local(p)
		if (s.deaf || (after == "" || d > after) && (before == "" || d < before)) && !slices.Contains(not, fmt.Sprint(p.id)) {
			list = append(list, p)
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b wpFake) int {
		if by == "id" {
			if s.mixed {
				return 0
			}
			return int(a.id - b.id)
		}
		if s.backward {
			return strings.Compare(local(b), local(a))
		}
		return strings.Compare(local(a), local(b))
	})
	pages := (len(list) + per - 1) / per
	if page > pages && len(list) > 0 {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"code":"rest_post_invalid_page_number","data":{"status":400}}`)
		return
	}
	if !s.silent {
		w.Header().Set("X-WP-Total", fmt.Sprint(len(list)))
		w.Header().Set("X-WP-TotalPages", fmt.Sprint(pages))
	}
	out := []any{}
	for _, p := range list[min(len(list), (page-1)*per):min(len(list), page*per)] {
		if s.hidden[p.id] {
			continue
		}
		out = append(out, map[string]any{
			"id": p.id, "date": local(p), "date_gmt": p.at.UTC().Format(wpTime), "modified_gmt": p.at.Add(time.Hour).UTC().Format(wpTime),
			"link": fmt.Sprintf("http://%s/%d/", host, p.id), "guid": map[string]any{"rendered": fmt.Sprintf("http://%s/?p=%d&#038;x", host, p.id)},
			"title":     map[string]any{"rendered": fmt.Sprintf("Post &#8211; <em>%d</em>", p.id)},
			"content":   map[string]any{"rendered": "<p>Text</p>" + s.text, "protected": false},
			"_embedded": map[string]any{"author": []any{map[string]any{"name": "Ana"}}},
		})
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		panic(err)
	}
}

func (s *wpSite) start(t testing.TB) string {
	if s.zone == nil {
		s.zone = time.UTC
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL
}

var pastNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func newPast(t testing.TB, source string, set func(*Deps)) pipeline.Past {
	t.Helper()
	d := Deps{Client: newClient(t, nil), Now: func() time.Time { return pastNow }}
	if set != nil {
		set(&d)
	}
	p, err := New(source, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// walk collects what a walk finds; those with Err apart.
func walk(t testing.TB, p pipeline.Past, r pipeline.Range, cursor string) (good, bad []pipeline.Find) {
	t.Helper()
	err := p.Walk(context.Background(), r, cursor, func(f pipeline.Find) error {
		if f.Err != nil {
			bad = append(bad, f)
		} else {
			good = append(good, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return good, bad
}

// ids are the distinct last segments of what was found, sorted; a walk may find something twice.
func ids(finds []pipeline.Find) string {
	var out []string
	for _, f := range finds {
		u := strings.TrimSuffix(f.Entry.URL, "/")
		out = append(out, fmt.Sprintf("%06s", u[strings.LastIndexByte(u, '/')+1:]))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func idsOf(posts []wpFake, in func(wpFake) bool) string {
	var out []string
	for _, p := range posts {
		if in(p) {
			out = append(out, fmt.Sprintf("%06d", p.id))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func all(wpFake) bool { return true }

// wpMonth is a month of posts: one an hour, 30 at one second in its middle, 250 at another.
func wpMonth() (posts []wpFake) {
	start := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	add := func(at time.Time, n int) {
		for range n {
			posts = append(posts, wpFake{int64(1000 + 7*len(posts)%5003), at})
		}
	}
	for h := range 24 * 20 {
		add(start.Add(time.Duration(h)*time.Hour), 1)
	}
	add(start.Add(100*time.Hour), 30)
	add(start.Add(222*time.Hour), 250)
	return posts
}

// Whatever the server's habits, no post is lost, and no page is deep but in a second that fills pages.
func TestWordpressLosesNothing(t *testing.T) {
	for name, s := range map[string]*wpSite{
		"as it is":       {},
		"cap 20":         {most: 20},
		"silent cap":     {capped: 20},
		"no counts":      {silent: true},
		"backward":       {backward: true},
		"no counts, cap": {silent: true, capped: 20},
		"Tokyo":          {zone: time.FixedZone("+09", 9*3600)},
		"plain":          {plain: true},
		"mixed":          {mixed: true},
		"hidden":         {hidden: map[int64]bool{1007: true, 1014: true, 1021: true}, capped: 3},
	} {
		t.Run(name, func(t *testing.T) {
			s.posts = wpMonth()
			if name == "hidden" {
				s.posts = s.posts[:40]
			}
			p := newPast(t, "wordpress:"+s.start(t), nil)
			got, bad := walk(t, p, pipeline.Range{}, "")
			want := idsOf(s.posts, func(p wpFake) bool { return !s.hidden[p.id] })
			if g := ids(got); g != want || len(bad) > 0 {
				t.Errorf("got %d of %d posts; errors %v", len(strings.Fields(g)), len(strings.Fields(want)), bad)
			}
			if len(got) > len(s.posts)*11/10 {
				t.Errorf("%d finds for %d posts", len(got), len(s.posts))
			}
			t.Logf("%d requests for %d posts, deepest page %d", s.requests, len(s.posts), s.deepest)
			if name == "as it is" && s.requests > 15 {
				t.Errorf("%d requests for %d posts", s.requests, len(s.posts))
			}
		})
	}
}

func TestWordpressFind(t *testing.T) {
	s := &wpSite{zone: time.FixedZone("-05", -5*3600), posts: []wpFake{{7, time.Date(2025, 3, 1, 2, 0, 0, 0, time.UTC)}}}
	base := s.start(t)
	got, _ := walk(t, newPast(t, "wordpress:"+base, nil), pipeline.Range{}, "")
	if len(got) != 1 {
		t.Fatal(got)
	}
	f, e := got[0], got[0].Entry
	if e.URL != base+"/7/" || e.GUID != base+"/?p=7&x" || e.Title != "Post – 7" || e.Author != "Ana" || e.Content != "<p>Text</p>" ||
		!e.Published.Equal(s.posts[0].at) || !e.Updated.Equal(s.posts[0].at.Add(time.Hour)) || f.Text || f.Page != nil || f.Copy != "" {
		t.Errorf("%+v", f)
	}
}

// Pages that are larger than the client takes are asked for with fewer posts.
func TestWordpressLargePosts(t *testing.T) {
	s := &wpSite{posts: wpMonth()[:70], text: strings.Repeat("word ", 1000)}
	p := newPast(t, "wordpress:"+s.start(t), func(d *Deps) {
		d.Client = newClient(t, func(o *scrapers.Options) { o.Limits.Feed = 130 << 10 })
	})
	if got, bad := walk(t, p, pipeline.Range{}, ""); ids(got) != idsOf(s.posts, all) || len(bad) > 0 {
		t.Errorf("%s %v", ids(got), bad)
	}
}

// The API is found by the site's header, by its page, or where it is by custom; a source is its name, however it is written.
func TestWordpressDiscovery(t *testing.T) {
	for name, tc := range map[string]struct {
		home http.HandlerFunc
		root string
	}{
		"header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `</else/>; rel="https://api.w.org/"`)
		}, "/else"},
		"page": {func(w http.ResponseWriter, r *http.Request) {
			html(w, `<html><head><link rel="canonical" href="/"/><link rel='https://api.w.org/' href='/blog/wp-json/' /></head></html>`)
		}, "/blog/wp-json"},
		"custom":  {func(w http.ResponseWriter, r *http.Request) { html(w, `<p>Hello`) }, "/wp-json"},
		"no page": {status(404, ""), "/wp-json"},
	} {
		s := &wpSite{zone: time.UTC, posts: wpMonth()[:5]}
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				tc.home(w, r)
				return
			}
			if path, ok := strings.CutPrefix(r.URL.Path, tc.root); ok {
				r.URL.Path = "/wp-json" + path
				s.ServeHTTP(w, r)
				return
			}
			http.NotFound(w, r)
		})
		if got, _ := walk(t, newPast(t, "wordpress:"+srv.URL, nil), pipeline.Range{}, ""); len(got) != 5 {
			t.Errorf("%s: %d posts", name, len(got))
		}
	}
	s := &wpSite{posts: wpMonth()[:5]}
	if got, _ := walk(t, newPast(t, "wordpress:"+s.start(t)+"/wp-json", nil), pipeline.Range{}, ""); len(got) != 5 {
		t.Errorf("by its root: %d posts", len(got))
	}
	a, b := newPast(t, "wordpress:https://Paper.example", nil), newPast(t, "wordpress:https://me:"+canary+"@paper.example/#top", nil)
	if a.Name() != b.Name() || a.Name() != "wordpress https://paper.example/" {
		t.Errorf("%s, %s", a.Name(), b.Name())
	}
}

// The ends of a range hold to the second in the zone in which they were meant, wherever the site is; so does the count.
func TestWordpressRange(t *testing.T) {
	for _, site := range []string{"Asia/Tokyo", "America/Bogota", "UTC"} { // +09:00 and -05:00, without summers
		zone, err := time.LoadLocation(site)
		if err != nil {
			t.Skip("no zones on this machine: ", err)
		}
		s := &wpSite{zone: zone}
		first := time.Date(2025, 2, 27, 0, 0, 0, 0, time.UTC)
		for i := range 24 * 6 {
			h := first.Add(time.Duration(i) * time.Hour)
			s.posts = append(s.posts, wpFake{int64(3*i + 1), h.Add(-time.Second)}, wpFake{int64(3*i + 2), h}, wpFake{int64(3*i + 3), h.Add(time.Second)})
		}
		p := newPast(t, "wordpress:"+s.start(t), nil)
		for _, of := range []int{9, 0, -5} { // of the range
			in := time.FixedZone("", of*3600)
			r := pipeline.Range{Since: time.Date(2025, 3, 1, 0, 0, 0, 0, in), Until: time.Date(2025, 3, 2, 0, 0, 0, 0, in)}
			want := idsOf(s.posts, func(p wpFake) bool { return r.Holds(p.at) })
			got, _ := walk(t, p, r, "")
			if g := ids(got); g != want {
				t.Errorf("site %s, range %+d: got %s, want %s", site, of, g, want)
			}
			est, err := p.Estimate(context.Background(), r)
			if err != nil || est.About || est.Articles != len(strings.Fields(want)) {
				t.Errorf("site %s, range %+d: %+v %v, want %d", site, of, est, err, len(strings.Fields(want)))
			}
		}
	}
}

// A walk that is broken off at any find goes on behind the last cursor, also when posts were added meanwhile.
func TestWordpressResumes(t *testing.T) {
	s := &wpSite{posts: wpMonth(), capped: 40}
	p := newPast(t, "wordpress:"+s.start(t), nil)
	whole, _ := walk(t, p, pipeline.Range{}, "")
	for stop := 0; stop < len(whole); stop += 163 {
		var got []pipeline.Find
		cursor := ""
		enough := fmt.Errorf("enough")
		err := p.Walk(context.Background(), pipeline.Range{}, "", func(f pipeline.Find) error {
			if got = append(got, f); f.Cursor != "" {
				cursor = f.Cursor
			}
			if len(got) > stop {
				return enough
			}
			return nil
		})
		if err != enough {
			t.Fatal(err)
		}
		s.posts = append(s.posts, wpFake{int64(90000 + stop), pastNow.Add(time.Duration(stop) * time.Minute)})
		rest, _ := walk(t, p, pipeline.Range{}, cursor)
		if g, want := ids(append(got, rest...)), idsOf(s.posts, all); g != want {
			t.Errorf("stopped behind %d: got %d of %d", stop, len(strings.Fields(g)), len(strings.Fields(want)))
		}
	}
	err := p.Walk(context.Background(), pipeline.Range{}, "nonsense", nil)
	fails(t, err, pipeline.Final, "checkpoint")
}

func TestWordpressFails(t *testing.T) {
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc
		verdict pipeline.Verdict
		reason  string
		hint    string
	}{
		"closed":    {status(401, `{"code":"rest_not_logged_in"}`), pipeline.Final, "status 401", "rest_not_logged_in"},
		"forbidden": {status(403, `<html>`), pipeline.Final, "status 403", "sitemap:http"},
		"none":      {status(404, `{"code":"rest_no_route"}`), pipeline.Final, "status 404", "feed:"},
		"throttled": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		}, pipeline.Throttled, "status 429", ""},
		"busy":   {status(503, ""), pipeline.Throttled, "status 503", ""},
		"broken": {status(500, "{}"), pipeline.Retry, "status 500", ""},
		"a page": {status(200, "<html>"), pipeline.Retry, "not json", "sitemap:"},
		"400":    {status(400, `{"code":"<script>"}`), pipeline.Final, "status 400", ""},
		"deaf":   {nil, pipeline.Final, "dates", "does not select by date"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &wpSite{posts: wpMonth(), answer: tc.answer, deaf: true}
			p := newPast(t, "wordpress:"+s.start(t), nil)
			r := pipeline.Range{Since: time.Date(2025, 3, 10, 0, 0, 0, 0, time.UTC)}
			err := p.Walk(context.Background(), r, "", func(pipeline.Find) error { return nil })
			fails(t, err, tc.verdict, tc.reason)
			contains(t, err.Error(), tc.hint)
			if strings.Contains(err.Error(), "script") {
				t.Error(err)
			}
			if name == "throttled" && pipeline.AsFailure(err).After != 30*time.Second {
				t.Error("it does not say when")
			}
			if tc.answer != nil {
				if _, err := p.Estimate(context.Background(), r); err == nil {
					t.Error("an estimate of what cannot be read")
				}
			}
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}
