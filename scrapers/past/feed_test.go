package past

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// day is a day of 2025, counted from its first.
func day(n int) time.Time { return time.Date(2025, 1, n, 12, 0, 0, 0, time.UTC) }

// atomDoc is an Atom document with an entry for each day, and further elements.
func atomDoc(more string, days ...int) string {
	var b strings.Builder
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0"><title>Wire</title>` + more)
	for _, n := range days {
		fmt.Fprintf(&b, `<entry><id>e%[1]d</id><title>Day %[1]d</title><link href="http://wire.example/%[1]d"/><published>%[2]s</published><updated>2026-01-01T00:00:00Z</updated></entry>`, n, day(n).Format(time.RFC3339))
	}
	return b.String() + "</feed>"
}

func prev(path string) string { return `<link rel="prev-archive" href="` + path + `"/>` }

// docs serves documents by path and query; what is no document is not found.
type docs struct {
	mu   sync.Mutex
	docs map[string]any // string or http.HandlerFunc
	seen []string       // paths, in the order in which they were asked for
}

func (d *docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, r.URL.RequestURI())
	switch doc := d.docs[r.URL.RequestURI()].(type) {
	case string:
		fmt.Fprint(w, doc)
	case http.HandlerFunc:
		doc(w, r)
	default:
		http.NotFound(w, r)
	}
}

func serveDocs(t testing.TB, d map[string]any) (*docs, string) {
	s := &docs{docs: d}
	return s, serve(t, s.ServeHTTP).URL
}

func dayIDs(from, to int) string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%06d", n))
	}
	return strings.Join(out, " ")
}

// archives are a feed of days 9 to 11 and its archives, back to day 1.
func archives() map[string]any {
	return map[string]any{
		"/feed": atomDoc(prev("/a3"), 11, 10, 9),
		"/a3":   atomDoc(prev("/a2"), 8, 7),
		"/a2":   atomDoc(prev("/a1"), 6, 5, 4),
		"/a1":   atomDoc("<fh:archive/>", 3, 2, 1),
	}
}

func TestFeedArchives(t *testing.T) {
	d, base := serveDocs(t, archives())
	p := newPast(t, "feed:"+base+"/feed", nil)
	got, bad := walk(t, p, pipeline.Range{}, "")
	if ids(got) != dayIDs(1, 11) || len(got) != 11 || len(bad) != 0 {
		t.Errorf("%s %v", ids(got), bad)
	}
	if e := got[0].Entry; e.URL != "http://wire.example/9" || e.GUID != "e9" || e.Title != "Day 9" || !e.Published.Equal(day(9)) || got[0].Text {
		t.Errorf("%+v", got[0])
	}
	if p.Name() != "feed "+base+"/feed" {
		t.Error(p.Name())
	}
	d.seen = nil
	got, _ = walk(t, p, pipeline.Range{Since: day(7), Until: day(10)}, "")
	if ids(got) != dayIDs(7, 9) {
		t.Error(ids(got))
	}
	if s := fmt.Sprint(d.seen); s != "[/feed /a3 /a2 /a1]" { // two documents before the range, not one
		t.Error(s)
	}
	d.seen = nil
	if walk(t, p, pipeline.Range{Since: day(12)}, ""); fmt.Sprint(d.seen) != "[/feed /a3]" {
		t.Error(d.seen)
	}
	// What cannot be known is guessed, and said to be a guess.
	est, err := p.Estimate(context.Background(), pipeline.Range{Since: day(1), Until: day(12)})
	if err != nil || !est.About || est.Articles < 8 || est.Articles > 20 {
		t.Errorf("%+v %v", est, err)
	}
	if est, err = p.Estimate(context.Background(), pipeline.Range{}); err != nil || est.Articles != -1 {
		t.Errorf("%+v %v", est, err)
	}
	if est, err = p.Estimate(context.Background(), pipeline.Range{Since: day(10)}); err != nil || est.About || est.Articles != 2 {
		t.Errorf("%+v %v", est, err)
	}
}

// An entry that is pinned, and a document out of order, do not end a walk.
func TestFeedPinnedEntry(t *testing.T) {
	_, base := serveDocs(t, map[string]any{
		"/feed": atomDoc(prev("/a4"), 20, 1),
		"/a4":   atomDoc(prev("/a3"), 2),
		"/a3":   atomDoc(prev("/a2"), 15, 1),
		"/a2":   atomDoc(prev("/a1"), 3), // further forward than a4 …
		"/a1":   atomDoc(prev("/a0"), 4), // … and this one than a2: they do not descend
		"/a0":   atomDoc("", 12),
	})
	got, _ := walk(t, newPast(t, "feed:"+base+"/feed", nil), pipeline.Range{Since: day(10)}, "")
	if g := ids(got); g != "000012 000015 000020" {
		t.Error(g)
	}
}

// Where a chain breaks for good that is told, and what else the feed offers is read; where it may pass the walk ends, to be tried again.
func TestFeedBrokenArchives(t *testing.T) {
	cutDoc := atomDoc(prev("/a1"), 6, 5, 4)
	cutDoc = cutDoc[:strings.LastIndex(cutDoc, "<entry>")+20]
	short := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5000")
		fmt.Fprint(w, cutDoc)
	})
	for name, tc := range map[string]struct {
		doc  any
		want string
		bad  string
		fail string
	}{
		"gone":       {status(410, ""), dayIDs(7, 11), "410 Gone", ""},
		"not found":  {nil, dayIDs(7, 11), "archive document 2", ""},
		"no feed":    {"<html></html>", dayIDs(7, 11), "not a usable feed", ""},
		"a circle":   {atomDoc(prev("/a3"), 6, 5, 4), dayIDs(4, 11), "circle", ""},
		"itself":     {atomDoc(prev("/a2"), 6, 5, 4), dayIDs(4, 11), "circle", ""},
		"cut":        {cutDoc, dayIDs(1, 3) + " " + dayIDs(5, 11), "the document ends at byte", ""},
		"cut on way": {short, dayIDs(5, 11), "", "cut"},
		"broken":     {status(500, ""), dayIDs(7, 11), "", "status 500"},
		"throttled":  {status(429, ""), dayIDs(7, 11), "", "status 429"},
		"elsewhere":  {atomDoc(prev("ftp://wire.example/"), 6, 5, 4), dayIDs(4, 11), "not an http", ""},
	} {
		t.Run(name, func(t *testing.T) {
			list := archives()
			list["/a2"] = tc.doc
			d, base := serveDocs(t, list)
			p := newPast(t, "feed:"+base+"/feed", nil)
			var got []pipeline.Find
			var bad []string
			cursor := ""
			err := p.Walk(context.Background(), pipeline.Range{}, "", func(f pipeline.Find) error {
				if f.Err != nil {
					bad = append(bad, f.Err.Error())
					return nil
				}
				if got = append(got, f); f.Cursor != "" {
					cursor = f.Cursor
				}
				return nil
			})
			if ids(got) != tc.want {
				t.Errorf("got %s, want %s", ids(got), tc.want)
			}
			if (len(bad) == 1) != (tc.bad != "") || !strings.Contains(strings.Join(bad, ""), tc.bad) {
				t.Errorf("%q", bad)
			}
			if (err != nil) != (tc.fail != "") || err != nil && pipeline.AsFailure(err).Reason != tc.fail {
				t.Errorf("failed: %v", err)
			}
			if tc.fail == "" {
				return
			}
			d.mu.Lock()
			d.docs["/a2"] = archives()["/a2"] // it passed
			d.mu.Unlock()
			rest, _ := walk(t, p, pipeline.Range{}, cursor)
			if ids(append(got, rest...)) != dayIDs(1, 11) || len(rest) > 6 {
				t.Errorf("then %s", ids(rest))
			}
		})
	}
	list := archives()
	delete(list, "/a2")
	list["/feed"] = atomDoc(prev("/a3")+`<link rel="next" href="/p2"/>`, 11, 10, 9)
	list["/p2"] = atomDoc(`<link rel="next" href="/p3"/>`, 8, 7, 6)
	list["/p3"] = atomDoc("", 5, 4, 3, 2, 1)
	_, base := serveDocs(t, list)
	if got, bad := walk(t, newPast(t, "feed:"+base+"/feed", nil), pipeline.Range{}, ""); ids(got) != dayIDs(1, 11) || len(bad) != 1 {
		t.Errorf("%s %v", ids(got), bad)
	}
}

func TestFeedPages(t *testing.T) {
	list := map[string]any{
		"/whole": atomDoc("<fh:complete/>"+prev("/a1")+`<link rel="next" href="/p2"/>`, 2, 1),
		"/feed":  atomDoc(`<link rel="next" href="/p2"/>`, 6, 5),
		"/p2":    atomDoc(`<link rel="next" href="/p3"/>`+prev("/a1"), 5, 4), // an entry came meanwhile
		"/p3":    atomDoc("", 3),
		"/json":  `{"version":"https://jsonfeed.org/version/1.1","title":"t","next_url":"/json?p=2","items":[{"id":"9","url":"http://wire.example/9"}]}`,
		"/json?p=2": `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"8","url":"http://wire.example/8"},
			{"id":"text","content_text":"a text without an address"}]}`,
	}
	d, base := serveDocs(t, list)
	for path, want := range map[string]string{"/whole": dayIDs(1, 2), "/feed": dayIDs(3, 6), "/json": "000000 " + dayIDs(8, 9)} {
		p := newPast(t, "feed:"+base+path, nil)
		got, bad := walk(t, p, pipeline.Range{}, "")
		if ids(got) != want || len(bad) > 0 || len(got) != len(strings.Fields(want)) {
			t.Errorf("%s: %s %v", path, ids(got), bad)
		}
		if path == "/json" && !got[2].Text || path != "/json" && slices.ContainsFunc(got, func(f pipeline.Find) bool { return f.Text }) {
			t.Errorf("%s: %+v", path, got)
		}
		if path == "/whole" {
			est, err := p.Estimate(context.Background(), pipeline.Range{Since: day(2)})
			if err != nil || est.About || est.Articles != 1 || est.Requests["wire.example"] != 1 || est.Requests[scrapers.Host(base)] != 1 {
				t.Errorf("%+v %v", est, err)
			}
		}
	}
	if slices.Contains(d.seen, "/a1") {
		t.Error("archives behind what is complete, or on the way of pages, were read")
	}
}

// A wpFeed is a WordPress feed of so many entries a page, into which a post comes at each request.
type wpFeed struct {
	mu      sync.Mutex
	newest  int
	grow    bool
	deaf    bool // it does not know pages
	asked   int
	perPage int
}

func (s *wpFeed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := 1
	if n := r.URL.Query().Get("paged"); n != "" && !s.deaf {
		fmt.Sscan(n, &page)
	}
	if s.asked++; s.grow && s.asked > 1 {
		s.newest++
	}
	var days []int
	for n := s.newest - (page-1)*s.perPage; n > 0 && len(days) < s.perPage; n-- {
		days = append(days, n)
	}
	if len(days) == 0 {
		w.WriteHeader(404)
	}
	fmt.Fprint(w, atomDoc(`<generator uri="https://wordpress.org/" version="6.4">WordPress</generator>`, days...))
}

func TestFeedOfWordpress(t *testing.T) {
	for name, s := range map[string]*wpFeed{
		"still":   {newest: 43, perPage: 5},
		"growing": {newest: 43, perPage: 5, grow: true},
		"deaf":    {newest: 43, perPage: 5, deaf: true},
	} {
		srv := serve(t, s.ServeHTTP)
		p := newPast(t, "feed:"+srv.URL+"/feed?x=1", nil)
		got, bad := walk(t, p, pipeline.Range{}, "")
		want := dayIDs(1, 43)
		if s.deaf {
			want = dayIDs(39, 43)
		}
		if ids(got) != want || len(bad) > 0 || len(got) != len(strings.Fields(want)) {
			t.Errorf("%s: %d finds, %s %v", name, len(got), ids(got), bad)
		}
		if s.asked > 14 {
			t.Errorf("%s: %d requests", name, s.asked)
		}
	}
}

// A walk that is broken off goes on behind the last cursor, whatever came into the feed since.
func TestFeedResumes(t *testing.T) {
	enough := errors.New("enough")
	for stop := 0; stop < 43; stop += 3 {
		s := &wpFeed{newest: 43, perPage: 5}
		srv := serve(t, s.ServeHTTP)
		p := newPast(t, "feed:"+srv.URL+"/feed", nil)
		var got []pipeline.Find
		err := p.Walk(context.Background(), pipeline.Range{}, "", func(f pipeline.Find) error {
			if got = append(got, f); len(got) > stop {
				return enough
			}
			return nil
		})
		if err != enough {
			t.Fatal(err)
		}
		s.newest = 46
		rest, _ := walk(t, p, pipeline.Range{}, got[len(got)-1].Cursor)
		want := dayIDs(1, 43)
		if stop < 5 { // the feed's own document is read again, with what is new in it
			want = dayIDs(1, 46)
		}
		if g := ids(append(got, rest...)); g != want {
			t.Errorf("stopped behind %d: %s", stop, g)
		}
		s.newest = 43
		rest, _ = walk(t, p, pipeline.Range{}, got[len(got)-1].Cursor)
		if len(got)+len(rest) != 43 {
			t.Errorf("stopped behind %d: %d finds twice", stop, len(got)+len(rest)-43)
		}
		if stop < 5 {
			continue
		}
		s.newest = 42 // a post was deleted, and the others moved up
		rest, _ = walk(t, p, pipeline.Range{}, got[len(got)-1].Cursor)
		if g := ids(append(got, rest...)); g != dayIDs(1, 43) {
			t.Errorf("stopped behind %d, then a post was deleted: %s", stop, g)
		}
	}
	p := newPast(t, "feed:http://127.0.0.1:1/", nil)
	for _, c := range []string{"nonsense", `{"by":"paged"}`} {
		fails(t, p.Walk(context.Background(), pipeline.Range{}, c, nil), pipeline.Final, "checkpoint")
	}
}

// The ends of a range hold in whichever zone they and the entries are written; what has no date of publication is left to the page.
func TestFeedRange(t *testing.T) {
	entry := func(id, dates string) string {
		return `<entry><id>` + id + `</id><link href="http://wire.example/` + id + `"/>` + dates + `</entry>`
	}
	doc := `<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>` +
		entry("in1", `<published>2025-03-01T00:00:00+09:00</published>`) + entry("in2", `<published>2025-02-28T10:00:00-05:00</published>`) +
		entry("in3", `<published>2025-03-01T14:59:59Z</published>`) + entry("out1", `<published>2025-02-28T14:59:59Z</published>`) +
		entry("out2", `<published>2025-03-02T00:00:00+09:00</published>`) + entry("out3", `<published>2025-03-01T10:00:00-05:00</published>`) +
		entry("undated", ``) + entry("later", `<updated>2025-05-01T00:00:00Z</updated>`) + entry("before", `<updated>2025-01-01T00:00:00Z</updated>`) +
		entry("future", `<published>2027-05-01T00:00:00Z</published>`) + `</feed>`
	_, base := serveDocs(t, map[string]any{"/feed": doc})
	p := newPast(t, "feed:"+base+"/feed", nil)
	since := time.Date(2025, 3, 1, 0, 0, 0, 0, time.FixedZone("", 9*3600))
	got, _ := walk(t, p, pipeline.Range{Since: since, Until: since.AddDate(0, 0, 1)}, "")
	if g := ids(got); g != "000in1 000in2 000in3 0later undated" {
		t.Error(g)
	}
	for _, f := range got {
		if dated := strings.Contains(f.Entry.URL, "/in"); dated == f.Entry.Published.IsZero() {
			t.Errorf("%+v", f.Entry)
		}
	}
	got, _ = walk(t, p, pipeline.Range{Since: since.AddDate(1, 0, 0)}, "")
	if g := ids(got); g != "future undated" && g != "undated future" {
		t.Error(g)
	}
	for _, f := range got {
		if strings.HasSuffix(f.Entry.URL, "future") && !f.Entry.Published.Equal(pastNow) {
			t.Errorf("published on %s", f.Entry.Published)
		}
	}
}

// Archives are asked for with the credentials of a configured feed, on its own site only.
func TestFeedCredentials(t *testing.T) {
	shown := map[string]int{}
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		shown["other"] += len(carries(r))
		fmt.Fprint(w, atomDoc("", 1))
	})
	foreign := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		shown[r.URL.Path] += len(carries(r))
		fmt.Fprint(w, map[string]string{"/feed": atomDoc(prev("/a1"), 3), "/a1": atomDoc(prev(foreign+"/a0"), 2)}[r.URL.Path])
	})
	p := newPast(t, "feed:wire", func(d *Deps) {
		d.Options = credentials(srv.URL + "/feed")
		d.Feed = func(name string) (string, bool) { return srv.URL + "/feed", name == "wire" }
	})
	got, bad := walk(t, p, pipeline.Range{}, "")
	if p.Name() != "feed wire" || ids(got) != dayIDs(1, 3) || fmt.Sprint(shown) != "map[/a1:4 /feed:4 other:0]" {
		t.Errorf("%s %s %v %v", p.Name(), ids(got), bad, shown)
	}
	p = newPast(t, "feed:"+strings.Replace(srv.URL, "://", "://me:"+canary+"@", 1)+"/feed", nil)
	clear(shown)
	if walk(t, p, pipeline.Range{}, ""); shown["/feed"] != 1 || shown["/a1"] != 1 || shown["other"] != 0 || strings.Contains(p.Name(), canary) {
		t.Errorf("%s %v", p.Name(), shown)
	}
}

func TestNewErrors(t *testing.T) {
	d := Deps{Feed: func(name string) (string, bool) { return "ftp://wire.example", name == "wire" }}
	for source, want := range map[string]string{
		"feed:nobody": "no feed of the configuration", "feed:wire": "not an http", "feed:": "NAME or URL is missing",
		"wordpress:nobody": "not an http", "carrier pigeon": "there is no kind",
	} {
		if _, err := New(source, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// Archives as files of a real server, packed and not.
func TestFeedArchivesOfNginx(t *testing.T) {
	root := t.TempDir()
	for path, doc := range archives() {
		text := strings.NewReplacer(`"/a3"`, `"a3.xml"`, `"/a2"`, `"old/a2.xml.gz"`, `"/a1"`, `"../a1.xml"`).Replace(doc.(string))
		name := map[string]string{"/feed": "feed.xml", "/a3": "a3.xml", "/a2": "old/a2.xml.gz", "/a1": "a1.xml"}[path]
		body := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			body = zipped(t, body)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, bad := walk(t, newPast(t, "feed:"+nginx(t, root)+"/feed.xml", nil), pipeline.Range{Since: day(2)}, "")
	if ids(got) != dayIDs(2, 11) || len(bad) > 0 {
		t.Errorf("%s %v", ids(got), bad)
	}
}
