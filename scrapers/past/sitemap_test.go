package past

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

func sitemapDay(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func pastSitemap(t testing.TB, arg string, set func(*scrapers.Options)) *sitemapPast {
	t.Helper()
	p, err := New("sitemap:"+arg, Deps{Client: newClient(t, set), Now: func() time.Time { return sitemapDay("2026-01-01") }})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*sitemapPast)
}

// A mapped is a server of documents in which BASE stands for its address. What is not there is 404.
type mapped struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	asked []string
	fail  map[string]int // statuses by path
}

func serveMaps(t testing.TB, files map[string]string) *mapped {
	t.Helper()
	m := &mapped{files: files, fail: map[string]int{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked = append(m.asked, r.URL.Path)
		if s := m.fail[r.URL.Path]; s != 0 {
			w.WriteHeader(s)
			return
		}
		doc, ok := m.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, strings.ReplaceAll(doc, "BASE", m.URL))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mapped) set(path, doc string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = doc
}

func (m *mapped) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

// set and index write documents of paths; "PATH@LASTMOD" has a date.
func set(paths ...string) string   { return listing("urlset", "url", paths) }
func index(paths ...string) string { return listing("sitemapindex", "sitemap", paths) }

func listing(root, item string, paths []string) string {
	var b strings.Builder
	b.WriteString("<" + root + ` xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`)
	for _, p := range paths {
		p, mod, ok := strings.Cut(p, "@")
		if !strings.Contains(p, "://") {
			p = "BASE" + p
		}
		b.WriteString("<" + item + "><loc>" + p + "</loc>")
		if ok {
			b.WriteString("<lastmod>" + mod + "</lastmod>")
		}
		b.WriteString("</" + item + ">")
	}
	return b.String() + "</" + root + ">"
}

type sitemapFound struct {
	urls, cursors, errs []string
	finds               []pipeline.Find
}

// walk reads all of a source, whose walk must not fail.
func walkSitemap(t testing.TB, p pipeline.Past, r pipeline.Range, cursor string) sitemapFound {
	t.Helper()
	w, err := tryWalk(p, r, cursor)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func tryWalk(p pipeline.Past, r pipeline.Range, cursor string) (sitemapFound, error) {
	var w sitemapFound
	err := p.Walk(context.Background(), r, cursor, func(f pipeline.Find) error {
		w.finds = append(w.finds, f)
		if f.Err != nil {
			w.errs = append(w.errs, f.Err.Error())
			return nil
		}
		u := f.Entry.URL
		if i := strings.Index(u, "://"); i >= 0 {
			u = u[i+3:]
			u = u[strings.Index(u, "/"):]
		}
		w.urls, w.cursors = append(w.urls, u), append(w.cursors, f.Cursor)
		return nil
	})
	return w, err
}

func (w sitemapFound) is(t testing.TB, want string) {
	t.Helper()
	if got := strings.Join(w.urls, " "); got != want {
		t.Fatalf("found %q; want %q (%v)", got, want, w.errs)
	}
}

// The announced sitemaps are read in their order, robots.txt is asked for once, and what it forbids are pages.
func TestSitemapOfSite(t *testing.T) {
	m := serveMaps(t, map[string]string{
		"/robots.txt": "user-agent: *\ndisallow: /maps/\r\nSITEMAP : BASE/maps/a.xml # ours\rsitemap:/maps/news.xml\nsitemap:\nSitemap: /maps/a.xml\nsitemap: ftp://x/y",
		"/maps/a.xml": index("/maps/b.xml", "/maps/feed.xml", "/maps/a.xml"),
		"/maps/b.xml": set("/1", "/2#part", "/3"),
		"/maps/feed.xml": `<rss version="2.0"><channel><title>x</title><item><title>Four</title><guid>g4</guid><link>BASE/4</link>
			<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate><description>All of it</description></item></channel></rss>`,
		"/maps/news.xml": `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
			xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><image:image><image:loc>BASE/5.jpg</image:loc></image:image><loc>BASE/5</loc>
			<lastmod>2024-03-07T00:00:00Z</lastmod><news:news><news:publication><news:name>W</news:name><news:language>en</news:language></news:publication>
			<news:publication_date>2024-03-06T08:30:00+09:00</news:publication_date><news:title>Five</news:title><news:keywords>a, b</news:keywords></news:news></url></urlset>`,
	})
	p := pastSitemap(t, m.URL+"/2024/03/story.html?x=1", nil)
	if want := "sitemap " + m.URL + "/"; p.Name() != want {
		t.Errorf("its name is %q; want %q", p.Name(), want)
	}
	w := walkSitemap(t, p, pipeline.Range{}, "")
	w.is(t, "/1 /2 /3 /4 /5")
	if len(w.errs) > 0 {
		t.Errorf("errors %q", w.errs)
	}
	four, five := w.finds[3].Entry, w.finds[4].Entry
	if four.GUID != "g4" || four.Summary != "All of it" || !four.Published.Equal(time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("the feed's entry is %+v", four)
	}
	if five.Title != "Five" || fmt.Sprint(five.Tags) != "[a b]" || !five.Published.Equal(time.Date(2024, 3, 5, 23, 30, 0, 0, time.UTC)) ||
		!five.Updated.Equal(sitemapDay("2024-03-07")) || w.finds[0].Entry.Published != (time.Time{}) {
		t.Errorf("the news is %+v", five)
	}
	if got := strings.Join(m.requests(), " "); got != "/robots.txt /maps/a.xml /maps/b.xml /maps/feed.xml /maps/news.xml" {
		t.Errorf("asked for %s", got)
	}
}

func TestSitemapGuessed(t *testing.T) {
	m := serveMaps(t, map[string]string{"/sitemap_index.xml": "<!doctype html><html><p>We have no such page", "/sitemap.xml": set("/1")})
	p := pastSitemap(t, m.URL, nil)
	walkSitemap(t, p, pipeline.Range{}, "").is(t, "/1")
	walkSitemap(t, p, pipeline.Range{}, "").is(t, "/1")
	if got := strings.Join(m.requests(), " "); got != "/robots.txt /sitemap_index.xml /sitemap.xml /sitemap.xml /sitemap.xml" {
		t.Errorf("asked for %s", got)
	}
	m = serveMaps(t, map[string]string{})
	_, err := tryWalk(pastSitemap(t, m.URL, nil), pipeline.Range{}, "")
	fails(t, err, pipeline.Final, "no sitemap")
	contains(t, err.Error(), "write the address of one")
	m.fail["/robots.txt"] = 503
	_, err = tryWalk(pastSitemap(t, m.URL, nil), pipeline.Range{}, "")
	fails(t, err, pipeline.Retry, "robots unreachable")
}

func TestSitemapArgument(t *testing.T) {
	for arg, want := range map[string]string{
		"example.org":                              "sitemap https://example.org/",
		"HTTPS://Example.ORG:443/a/b.html#x":       "sitemap https://example.org/",
		"https://example.org/robots.txt":           "sitemap https://example.org/",
		"https://example.org/sitemap.html":         "sitemap https://example.org/",
		"https://example.org/news.xml":             "sitemap https://example.org/news.xml",
		"https://example.org/sitemaps/news?p=2#x":  "sitemap https://example.org/sitemaps/news?p=2",
		"https://example.org/?sitemap=1":           "sitemap https://example.org/?sitemap=1",
		"https://example.org/urls.txt":             "sitemap https://example.org/urls.txt",
		"ftp://example.org/sitemap.xml":            "",
		"https://":                                 "",
		"https://user:secret@example.org/news.xml": "",
	} {
		p, err := New("sitemap:"+arg, Deps{Sites: nil})
		got := ""
		if err == nil {
			got = p.Name()
		} else {
			contains(t, err.Error(), "address")
		}
		if got != want {
			t.Errorf("%s: %q, %v; want %q", arg, got, err, want)
		}
	}
	a, _ := New("sitemap:example.org", Deps{Sites: []string{"b.org", "a.org"}})
	if want := "sitemap https://example.org/ of a.org, b.org"; a.Name() != want {
		t.Errorf("of some sites it is %q", a.Name())
	}
}

// The edges of a range, for people in three time zones: what may lie in it is kept.
func TestSitemapRangeEdges(t *testing.T) {
	for _, zone := range []string{"Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		since := time.Date(2024, 3, 5, 0, 0, 0, 0, loc)
		r := pipeline.Range{Since: since, Until: since.AddDate(0, 0, 1)}
		mod := func(t time.Time, form string) string { return t.In(loc).Format(form) }
		last := since.UTC().Add(-12 * time.Hour).Truncate(24 * time.Hour) // of the days that end in every zone only behind Since
		m := serveMaps(t, map[string]string{})
		m.set("/s.xml", set(
			"/no-second@"+mod(since.Add(-time.Second), time.RFC3339),
			"/in-since@"+mod(since, time.RFC3339),
			"/in-utc@"+since.UTC().Format("2006-01-02T15:04:05Z"),
			"/no-utc@"+since.UTC().Add(-time.Minute).Format("2006-01-02T15:04:05Z"),
			"/in-minute@"+mod(since, "2006-01-02T15:04Z07:00"),
			"/in-later@"+mod(since.AddDate(1, 0, 0), time.RFC3339),
			"/in-day@2024-03-05",
			"/in-last-day@"+last.Format(time.DateOnly),
			"/no-day-before@"+last.AddDate(0, 0, -1).Format(time.DateOnly),
			"/in-unzoned@"+since.UTC().Add(-12*time.Hour).Format("2006-01-02T15:04:05"),
			"/no-unzoned@"+since.UTC().Add(-12*time.Hour-time.Second).Format("2006-01-02T15:04:05"),
			"/in-month@2024-03", "/no-month@2024-01", "/in-year@2024", "/no-year@2022",
			"/in-unknown", "/in-nonsense@0000-00-00", "/in-epoch@1970-01-01T00:00:00Z", "/in-empty@",
		))
		for _, u := range walkSitemap(t, pastSitemap(t, m.URL+"/s.xml", nil), r, "").urls {
			if strings.HasPrefix(u, "/no-") {
				t.Errorf("%s: %s cannot lie in the range", zone, u)
			}
			m.set("/seen"+u, "")
		}
		for _, u := range strings.Fields("since utc minute later day last-day unzoned month year unknown nonsense epoch empty") {
			if _, ok := m.files["/seen/in-"+u]; !ok {
				t.Errorf("%s: /in-%s was left out", zone, u)
			}
		}
	}
}

// A publication date far outside leaves a page out, one near the edge does not: the page's own date decides.
func TestSitemapPublished(t *testing.T) {
	news := func(dates ...string) string {
		s := `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">`
		for _, d := range dates {
			s += "<url><loc>BASE/" + d + "</loc><n:news><n:publication_date>" + d + "</n:publication_date></n:news></url>"
		}
		return s + "</urlset>"
	}
	m := serveMaps(t, map[string]string{"/n.xml": news("2024-03-01", "2024-03-04", "2024-03-05T10:00:00Z", "2024-03-06T23:59:59Z", "2024-03-07T00:00:00Z", "2024-03-08", "1970-01-01")})
	r := pipeline.Range{Since: sitemapDay("2024-03-05"), Until: sitemapDay("2024-03-06")}
	w := walkSitemap(t, pastSitemap(t, m.URL+"/n.xml", nil), r, "")
	w.is(t, "/2024-03-04 /2024-03-05T10:00:00Z /2024-03-06T23:59:59Z /1970-01-01")
	if !w.finds[3].Entry.Published.IsZero() {
		t.Error("an empty field is no date of publication")
	}
}

// Sitemaps that cannot list a page of the range are not asked for.
func TestSitemapChildrenLeftOut(t *testing.T) {
	children := []string{
		"/no-lastmod.xml@2023-12-29", "/lastmod.xml@2023-12-31", "/epoch.xml@1970-01-01", "/later.xml@2025-06-01",
		"/no/2023-11.xml", "/no/2023-10.xml", "/yes/2023-12.xml", "/yes/2024-01.xml", "/yes/2024-04.xml",
		"/yes/2024-05.xml", // by a day: the margin is 31 of them
		"/not/2024-06.xml", "/not/2024-07.xml",
		"/contradicts-2024-02.xml@2020-01-01",
	}
	files := map[string]string{"/i.xml": index(children...)}
	for _, c := range children {
		c, _, _ = strings.Cut(c, "@")
		files[c] = set(strings.TrimSuffix(c, ".xml"))
	}
	m := serveMaps(t, files)
	r := pipeline.Range{Since: sitemapDay("2024-01-01"), Until: sitemapDay("2024-04-01")}
	walkSitemap(t, pastSitemap(t, m.URL+"/i.xml", nil), r, "").is(t, "/lastmod /epoch /later /yes/2023-12 /yes/2024-01 /yes/2024-04 /yes/2024-05 /contradicts-2024-02")
	for _, u := range m.requests() {
		if strings.HasPrefix(u, "/no") {
			t.Errorf("%s was asked for", u)
		}
	}
}

// From the cursor of any find the walk goes on with the next one, and whatever was added or taken away meanwhile, nothing is lost.
func TestSitemapCursor(t *testing.T) {
	files := func() map[string]string {
		return map[string]string{
			"/robots.txt": "Sitemap: BASE/i.xml\nSitemap: BASE/n.xml",
			"/i.xml":      index("/a.xml", "/old.xml@2019-01-01", "/j.xml", "/a.xml", "/c.xml"), // one of them twice
			"/a.xml":      set("/a1", "/a2", "/a3@2019-01-01", "/a4"),
			"/old.xml":    set("/old1"),
			"/j.xml":      index("/b.xml"),
			"/b.xml":      set("/b1", "/b2"),
			"/c.xml":      set("/c1"),
			"/n.xml":      set("/n1", "/n2"),
		}
	}
	r := pipeline.Range{Since: sitemapDay("2020-01-01")}
	m := serveMaps(t, files())
	whole := walkSitemap(t, pastSitemap(t, m.URL, nil), r, "")
	whole.is(t, "/a1 /a2 /a4 /b1 /b2 /c1 /n1 /n2")
	for i, c := range whole.cursors {
		m.mu.Lock()
		m.asked = nil
		m.mu.Unlock()
		walkSitemap(t, pastSitemap(t, m.URL, nil), r, c).is(t, strings.Join(whole.urls[i+1:], " "))
		if got := strings.Join(m.requests(), " "); i >= 5 && strings.Contains(got, "/a.xml") || i >= 6 && strings.Contains(got, "/b.xml") {
			t.Errorf("behind %s it asked for %s", whole.urls[i], got)
		}
	}
	for name, change := range map[string]func(){
		"pages in front": func() { m.set("/a.xml", set("/a0", "/a1", "/a2", "/a3@2019-01-01", "/a4")) },
		"pages behind":   func() { m.set("/a.xml", set("/a1", "/a2", "/a3@2019-01-01", "/a4", "/a5")) },
		"pages gone":     func() { m.set("/a.xml", set("/a2", "/a4")); m.set("/b.xml", set("/b2")) },
		"sitemaps in front": func() {
			m.set("/i.xml", index("/z.xml", "/a.xml", "/old.xml@2019-01-01", "/j.xml", "/c.xml"))
			m.set("/z.xml", set("/z1"))
		},
		"sitemaps behind": func() {
			m.set("/i.xml", index("/a.xml", "/old.xml@2019-01-01", "/j.xml", "/c.xml", "/z.xml"))
			m.set("/z.xml", set("/z1"))
		},
		"sitemaps gone":      func() { m.set("/i.xml", index("/old.xml@2019-01-01", "/j.xml", "/c.xml")) },
		"an old one changed": func() { m.set("/i.xml", index("/a.xml", "/old.xml@2025-01-01", "/j.xml", "/c.xml")) },
		"roots in front": func() {
			m.set("/robots.txt", "Sitemap: BASE/z.xml\nSitemap: BASE/i.xml\nSitemap: BASE/n.xml")
			m.set("/z.xml", set("/z1"))
		},
		"all turned round": func() { m.set("/i.xml", index("/c.xml", "/j.xml", "/a.xml")); m.set("/b.xml", set("/b2", "/b1")) },
	} {
		m.mu.Lock()
		m.files = files()
		m.mu.Unlock()
		change()
		now := walkSitemap(t, pastSitemap(t, m.URL, nil), r, "")
		for i, c := range whole.cursors {
			if (name == "pages in front" || name == "pages behind") && i >= 3 || i >= 6 && name != "roots in front" {
				continue // what is new stands in a document that was done, as it may at the end of a walk that nothing interrupts
			}
			got := append(slices.Clone(whole.urls[:i+1]), walkSitemap(t, pastSitemap(t, m.URL, nil), r, c).urls...)
			for _, u := range now.urls {
				if !slices.Contains(got, u) {
					t.Errorf("%s: %s is lost behind the cursor of %s", name, u, whole.urls[i])
				}
			}
		}
	}
	m.mu.Lock()
	m.files = files()
	m.mu.Unlock()
	for _, c := range []string{"x", "[]", "null", `[{"n":-1,"sum":"0"}]`, `[{"n":1,"sum":"7"}]`, `[{"n":99,"sum":"7"}]`} {
		walkSitemap(t, pastSitemap(t, m.URL, nil), r, c).is(t, strings.Join(whole.urls, " ")) // what is no cursor begins at the beginning
	}
}

func TestSitemapFailures(t *testing.T) {
	m := serveMaps(t, map[string]string{
		"/i.xml": index("/1.xml", "/404.xml", "/html.xml", "/empty.xml", "/cut.xml", "/bad.xml", "/2.xml"),
		"/1.xml": set("/1"), "/2.xml": set("/2"), "/html.xml": "<html>", "/empty.xml": " ", "/bad.xml": set("mailto://", "/b"),
		"/cut.xml": strings.TrimSuffix(set("/c", "/d"), "</url></urlset>"),
	})
	p := pastSitemap(t, m.URL+"/i.xml", nil)
	w := walkSitemap(t, p, pipeline.Range{}, "")
	w.is(t, "/1 /c /b /2")
	for i, want := range []string{"/404.xml: 127.0.0.1", "/html.xml: no sitemap", "/empty.xml: the document is empty", "/cut.xml: the document was cut behind entry 1", "/bad.xml: 1 of its entries"} {
		if len(w.errs) != 5 || !strings.Contains(w.errs[i], want) {
			t.Fatalf("errors %q; want one of %q", w.errs, want)
		}
	}
	// What may pass is tried again, and in the end the others do not wait for it.
	m.fail["/1.xml"] = 500
	for range 2 {
		_, err := tryWalk(p, pipeline.Range{}, "")
		fails(t, err, pipeline.Retry, "status 500")
	}
	walkSitemap(t, p, pipeline.Range{}, "").is(t, "/c /b /2")
	delete(m.fail, "/1.xml")
	walkSitemap(t, p, pipeline.Range{}, "").is(t, "/1 /c /b /2")
	m.fail["/1.xml"] = 500 // a new trouble, and a new patience
	for range 2 {
		_, err := tryWalk(p, pipeline.Range{}, "")
		fails(t, err, pipeline.Retry, "status 500")
	}
	m.fail["/2.xml"] = 429
	for range 4 { // the first of which is the third of the other's
		w, err := tryWalk(p, pipeline.Range{}, "")
		fails(t, err, pipeline.Throttled, "status 429")
		w.is(t, "/c /b")
	}
	// The one that was named is all there is.
	m.fail["/i.xml"] = 404
	_, err := tryWalk(p, pipeline.Range{}, "")
	fails(t, err, pipeline.Final, "status 404")
	contains(t, err.Error(), "/i.xml")
	m.set("/robots.txt", "Sitemap: BASE/i.xml\nSitemap: BASE/404.xml")
	_, err = tryWalk(pastSitemap(t, m.URL, nil), pipeline.Range{}, "")
	fails(t, err, pipeline.Final, "status 404")

	stop := errors.New("stop")
	delete(m.fail, "/i.xml")
	delete(m.fail, "/1.xml")
	if err := p.Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return stop }); err != stop {
		t.Errorf("the caller's error came back as %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := p.Walk(ctx, pipeline.Range{}, "", func(pipeline.Find) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled walk ended with %v", err)
	}
}

func TestSitemapBounds(t *testing.T) {
	files := map[string]string{"/loop.xml": index("/loop.xml", "/loop2.xml", "/leaf.xml"), "/loop2.xml": index("/loop.xml", "/leaf.xml"), "/leaf.xml": set("/1")}
	for i := range 8 {
		files[fmt.Sprintf("/deep%d.xml", i)] = index(fmt.Sprintf("/deep%d.xml", i+1))
	}
	m := serveMaps(t, files)
	walkSitemap(t, pastSitemap(t, m.URL+"/loop.xml", nil), pipeline.Range{}, "").is(t, "/1")
	if n := len(m.requests()); n != 3 {
		t.Errorf("%d requests in a loop of 3 documents", n)
	}
	w := walkSitemap(t, pastSitemap(t, m.URL+"/deep0.xml", nil), pipeline.Range{}, "")
	if len(w.errs) != 1 || !strings.Contains(w.errs[0], "/deep5.xml: it stands behind more than 5 others") {
		t.Errorf("errors %q", w.errs)
	}
	p := pastSitemap(t, m.URL+"/loop.xml", nil)
	p.most = 2
	_, err := tryWalk(p, pipeline.Range{}, "")
	fails(t, err, pipeline.Final, tooManySitemaps)
	contains(t, err.Error(), "ask for a shorter range")

	p = pastSitemap(t, m.URL+"/loop.xml", func(o *scrapers.Options) { o.Limits.List = 200 })
	_, err = tryWalk(p, pipeline.Range{}, "")
	fails(t, err, pipeline.Final, "too large")
}

// A document whose connection breaks is asked for once more; then what came of it counts.
func TestSitemapCutConnection(t *testing.T) {
	var asked atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		whole := strings.ReplaceAll(set("/1", "/2", "/3"), "BASE", "http://"+r.Host)
		first := asked.Add(1) == 1
		switch r.URL.Path {
		case "/file.xml.gz": // broken where it lies, and sent whole
			packed := zipped(t, []byte(whole))
			_, _ = w.Write(packed[:len(packed)-4])
		case "/once.xml":
			if !first {
				fmt.Fprint(w, whole)
				return
			}
			fallthrough
		default:
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			fmt.Fprint(w, whole[:len(whole)-30])
		}
	})
	for path, want := range map[string]string{"/once.xml": "/1 /2 /3", "/always.xml": "/1 /2", "/file.xml.gz": "/1 /2 /3"} {
		asked.Store(0)
		w := walkSitemap(t, pastSitemap(t, s.URL+path, nil), pipeline.Range{}, "")
		w.is(t, want)
		if asked.Load() != 2 || (len(w.errs) == 1) != (path != "/once.xml") {
			t.Errorf("%s: %d requests, errors %q", path, asked.Load(), w.errs)
		}
	}
}

// Pages of other hosts count where the host's robots.txt announces the sitemap.
func TestSitemapOtherHosts(t *testing.T) {
	silent := serveMaps(t, map[string]string{})
	telling := serveMaps(t, map[string]string{})
	m := serveMaps(t, map[string]string{})
	m.set("/i.xml", index("/s.xml"))
	m.set("/s.xml", set("/own", silent.URL+"/silent", silent.URL+"/silent2", telling.URL+"/telling", telling.URL+"/telling2"))
	telling.set("/robots.txt", "Sitemap: "+strings.Replace(m.URL, "http:", "https:", 1)+"/i.xml")
	w := walkSitemap(t, pastSitemap(t, m.URL+"/i.xml", nil), pipeline.Range{}, "")
	w.is(t, "/own /telling /telling2")
	if len(w.errs) != 1 || !strings.HasPrefix(w.errs[0], "2 addresses of other sites were left out ("+strings.TrimPrefix(silent.URL, "http://")) {
		t.Errorf("errors %q", w.errs)
	}
	if n := len(silent.requests()) + len(telling.requests()); n != 2 {
		t.Errorf("%d requests for two files", n)
	}
	// A site's own robots.txt may announce one that lies elsewhere.
	telling.set("/robots.txt", "Sitemap: "+silent.URL+"/s.xml")
	silent.set("/s.xml", set(telling.URL+"/a", "/b"))
	walkSitemap(t, pastSitemap(t, telling.URL, nil), pipeline.Range{}, "").is(t, "/a /b")
}

func TestOwner(t *testing.T) {
	for u, want := range map[string]string{
		"https://www.a.example.co.uk/x": "example.co.uk", "https://example.org:8443/": "example.org", "http://127.0.0.1:81/": "127.0.0.1:81",
		"http://[::1]:81/": "[::1]:81", "http://localhost/": "localhost",
	} {
		at, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := owner(at); got != want {
			t.Errorf("%s is %s's; want %s", u, got, want)
		}
	}
}

func TestSitemapSites(t *testing.T) {
	m := serveMaps(t, map[string]string{"/s.xml": set("/1")})
	own := scrapers.Site(m.URL)
	for site, want := range map[string]string{own: "/1", "example.org": ""} {
		p, err := New("sitemap:"+m.URL+"/s.xml", Deps{Client: newClient(t, nil), Sites: []string{site}})
		if err != nil {
			t.Fatal(err)
		}
		walkSitemap(t, p, pipeline.Range{}, "").is(t, want)
	}
}

// An estimate counts what it can and samples the rest.
func TestSitemapEstimate(t *testing.T) {
	files := map[string]string{"/few.xml": index("/a.xml", "/b.xml", "/404.xml", "/old.xml@2019-01-01"), "/a.xml": set("/1", "/2", "/3@2019-01-01"), "/b.xml": set("/4")}
	var many []string
	for i := range 40 {
		name := fmt.Sprintf("/part%d.xml", i)
		many = append(many, name)
		files[name] = set("/1", "/2", "/3")
	}
	files["/many.xml"] = index(many...)
	m := serveMaps(t, files)
	host := strings.TrimPrefix(m.URL, "http://")
	r := pipeline.Range{Since: sitemapDay("2020-01-01")}
	e, err := pastSitemap(t, m.URL+"/a.xml", nil).Estimate(context.Background(), r)
	if err != nil || e.Articles != 2 || e.Requests[host] != 3 || e.About || e.Bytes != -1 {
		t.Errorf("of one sitemap: %+v, %v", e, err)
	}
	e, err = pastSitemap(t, m.URL+"/few.xml", nil).Estimate(context.Background(), r)
	if err != nil || e.Articles != 3 || e.Requests[host] != 6 || e.About {
		t.Errorf("of a few: %+v, %v", e, err)
	}
	before := len(m.requests())
	e, err = pastSitemap(t, m.URL+"/many.xml", nil).Estimate(context.Background(), r)
	if n := len(m.requests()) - before; err != nil || e.Articles != 120 || e.Requests[host] != 161 || !e.About || n != 6 {
		t.Errorf("of many: %+v, %v, %d requests", e, err, n)
	}
	_, err = pastSitemap(t, m.URL+"/none.xml", nil).Estimate(context.Background(), r)
	fails(t, err, pipeline.Final, "status 404")
}
