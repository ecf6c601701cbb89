package past

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// An archiveServer is a stand-in for a Wayback CDX server: an index sorted by key and time, with filters, collapse, limits and resume keys.
type archiveServer struct {
	*httptest.Server
	index  [][7]string
	limit  int                                                             // rows at most, whatever is asked; 0: none
	mood   func(n int, w http.ResponseWriter, q url.Values) (handled bool) // what goes wrong with the nth question; may be nil
	asked  []url.Values
	noKeys bool
}

func newArchive(t *testing.T, rows ...string) *archiveServer {
	a := &archiveServer{}
	for _, row := range rows {
		var r [7]string
		copy(r[:], strings.Fields(row))
		a.index = append(a.index, r)
	}
	slices.SortFunc(a.index, func(x, y [7]string) int { return strings.Compare(x[0]+" "+x[1], y[0]+" "+y[1]) })
	a.Server = serve(t, a.answer)
	return a
}

// row is a line of the index: the page of a path, taken at a moment.
func row(path, taken string) string {
	return fmt.Sprintf("example,paper)%s %s http://www.paper.example:80%s text/html 200 SHA 1000", strings.ToLower(path), taken, path)
}

func (a *archiveServer) answer(w http.ResponseWriter, r *http.Request) {
	if copy, ok := strings.CutPrefix(r.RequestURI, "/web/"); ok {
		html(w, "<p>the copy "+copy)
		return
	}
	q := r.URL.Query()
	a.asked = append(a.asked, q)
	if a.mood != nil && a.mood(len(a.asked), w, q) {
		return
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	if a.limit > 0 {
		limit = min(limit, a.limit)
	}
	rows := [][]string{strings.Split(q.Get("fl"), ",")}
	last, next := "", ""
	for _, c := range a.index {
		place := c[0] + " " + c[1]
		switch {
		case q.Get("resumeKey") != "" && place <= strings.TrimSuffix(q.Get("resumeKey"), "!"),
			q.Get("from") != "" && c[1] < q.Get("from"), q.Get("to") != "" && c[1] > q.Get("to"),
			c[4] != "200", c[3] != "text/html", c[0] == last:
			continue
		}
		if len(rows) > limit {
			next = url.QueryEscape(strings.Join(rows[limit][:2], " ") + "!")
			break
		}
		last = c[0]
		rows = append(rows, c[:])
	}
	if len(rows) == 1 {
		rows = [][]string{}
	}
	if next != "" && !a.noKeys {
		rows = append(rows, []string{}, []string{next})
	}
	json.NewEncoder(w).Encode(rows)
}

func (a *archiveServer) source(t *testing.T, d Deps) pipeline.Past {
	return source(t, "cdx:"+a.URL+"/cdx/search/cdx?url=paper.example", d)
}

func wide() (rows, want []string) {
	for i := range 23 {
		path := fmt.Sprintf("/a/%02d", i)
		rows = append(rows, row(path, "20240102030405"), row(path, "20240109030405"))
		want = append(want, "http://www.paper.example"+path)
	}
	return rows, want
}

func TestCDXWalk(t *testing.T) {
	rows, want := wide()
	rows = append(rows, row("/", "20240102030405"), row("/robots.txt", "20240102030405"), row("/news/feed/", "20240102030405"), row("/a/photo.JPG", "20240102030405"),
		"example,paper)/a/05 20231230000000 http://www.paper.example/a/05 text/html 301 SHA 500", // what was not a page then
		"example,paper)/mail 20240102030405 http://mailto:editor/x text/html 200 SHA 1",
		"example,paper,sport)/a 20240102030405 https://sport.paper.example:443/a#top text/html 200 SHA 1")
	a := newArchive(t, rows...)
	a.limit = 4
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return a.source(t, Deps{}) })
	want = append(want, "https://sport.paper.example/a")
	if got := addresses(finds); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	first := finds[0]
	if want := a.URL + "/web/20240102030405id_/http://www.paper.example:80/a/00"; first.Copy != want {
		t.Errorf("copy at %s, want %s", first.Copy, want)
	}
	if want := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC); !first.Taken.Equal(want) || !first.Entry.Published.IsZero() {
		t.Errorf("taken %s, published %s", first.Taken, first.Entry.Published)
	}
	bad := 0
	for _, f := range finds {
		if f.Err != nil {
			bad++
			contains(t, f.Err.Error(), "mailto")
		}
	}
	if bad != 1 {
		t.Errorf("%d finds that cannot be used, want 1", bad)
	}
	q := a.asked[0]
	for k, want := range map[string]string{"url": "paper.example", "matchType": "host", "collapse": "urlkey", "showResumeKey": "true", "from": "", "to": ""} {
		if q.Get(k) != want {
			t.Errorf("%s=%s, want %s", k, q.Get(k), want)
		}
	}
}

// What is found can be fetched: the archive's bytes under the article's own address.
func TestCDXCopies(t *testing.T) {
	a := newArchive(t, "example,paper)/a?b=1 20240102030405 http://www.paper.example:80/a?b=%C3%A9&c=//x text/html 200 SHA 1")
	client := newClient(t, nil)
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return a.source(t, Deps{Client: client}) })
	if len(finds) != 1 {
		t.Fatalf("%d finds, want one", len(finds))
	}
	for _, f := range finds {
		p, err := (&scrapers.Pages{Client: client}).Fetch(context.Background(), pipeline.Item{Entry: f.Entry, Copy: f.Copy, Taken: f.Taken})
		if err != nil {
			t.Fatal(err)
		}
		if want := "http://www.paper.example/a?b=%C3%A9&c=//x"; p.URL != want || p.FinalURL != want || !p.Fetched.Equal(f.Taken) {
			t.Errorf("got %s, %s of %s", p.URL, p.FinalURL, p.Fetched)
		}
		if want := "<p>the copy 20240102030405id_/http://www.paper.example:80/a?b=%C3%A9&c=//x"; string(p.Body) != want {
			t.Errorf("got %s", p.Body)
		}
	}
}

// Between two pages of the index the server forgets what it has collapsed: the later captures of the last address are not found again.
func TestCDXFindsAnAddressOnce(t *testing.T) {
	a := newArchive(t, row("/a", "20240101000000"), row("/a", "20240102000000"), row("/a", "20240103000000"), row("/b", "20240101000000"))
	a.limit = 1
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return a.source(t, Deps{}) })
	if got := addresses(finds); len(got) != 2 || finds[0].Taken.Day() != 1 {
		t.Errorf("got %q, the first taken %s", got, finds[0].Taken)
	}
}

// The archive throttles, fails, breaks off and is at a loss, again and again: the listing is whole all the same.
func TestCDXTroubles(t *testing.T) {
	rows, want := wide()
	a := newArchive(t, rows...)
	a.limit = 5
	a.mood = func(n int, w http.ResponseWriter, q url.Values) bool {
		switch n % 8 {
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			fmt.Fprint(w, `[["urlkey","timestamp","original"],["example,paper)/a/00","2024010`)
		case 4:
			fmt.Fprint(w, "<html>Bear with us</html>")
		case 5: // nothing at all
		case 6:
			fmt.Fprint(w, "[]\n")
		default:
			return false
		}
		return true
	}
	var failures []string
	var got []string
	cursor := ""
	past := a.source(t, Deps{})
	for range 200 {
		err := past.Walk(context.Background(), pipeline.Range{}, cursor, func(f pipeline.Find) error {
			if f.Err != nil {
				t.Error(f.Err)
			}
			got = append(got, f.Entry.URL)
			cursor = f.Cursor
			return nil
		})
		if err == nil {
			break
		}
		f := pipeline.AsFailure(err)
		if len(failures) < 4 {
			failures = append(failures, fmt.Sprint(f.Verdict, f.Reason, f.After))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if want := []string{fmt.Sprint(pipeline.Throttled, "status 429", cdxPause), fmt.Sprint(pipeline.Throttled, "status 503", 90*time.Second), fmt.Sprint(pipeline.Retry, "index", time.Duration(0)),
		fmt.Sprint(pipeline.Retry, "index", time.Duration(0))}; !reflect.DeepEqual(failures, want) {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

func TestCDXEmptyAnswers(t *testing.T) {
	rows, _ := wide()
	none := newArchive(t)
	if got := walks(t, pipeline.Range{}, func() pipeline.Past { return none.source(t, Deps{}) }); len(got) != 0 || len(none.asked) != cdxNone {
		t.Errorf("an archive without captures: %d finds in %d questions; want none in %d", len(got), len(none.asked), cdxNone)
	}
	a := newArchive(t, rows...)
	a.limit = 10
	a.mood = func(n int, w http.ResponseWriter, q url.Values) bool { return q.Get("resumeKey") != "" }
	var finds []pipeline.Find
	if err := a.source(t, Deps{}).Walk(context.Background(), pipeline.Range{}, "", func(f pipeline.Find) error { finds = append(finds, f); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(finds) != 11 || finds[10].Err == nil || len(a.asked) != 1+cdxNoMore {
		t.Fatalf("%d finds after %d questions; want ten and a word on the rest", len(finds), len(a.asked))
	}
	contains(t, finds[10].Err.Error(), "may come behind example,paper)/a/09")
}

// A server that is too slow for a page of the index, or sends too much, is asked for less; one that cannot be read page by page says so.
func TestCDXAsksForLess(t *testing.T) {
	rows, want := wide()
	a := newArchive(t, rows...)
	a.mood = func(n int, w http.ResponseWriter, q url.Values) bool {
		limit, _ := strconv.Atoi(q.Get("limit"))
		switch {
		case limit > 1250:
			w.WriteHeader(http.StatusGatewayTimeout)
		case limit > 312:
			fmt.Fprint(w, strings.Repeat(" ", 2000000))
		default:
			return false
		}
		return true
	}
	client := newClient(t, func(o *scrapers.Options) { o.Limits.List = 1 << 20 })
	var finds []pipeline.Find
	if err := a.source(t, Deps{Client: client}).Walk(context.Background(), pipeline.Range{}, "", func(f pipeline.Find) error { finds = append(finds, f); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := addresses(finds); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}

	a = newArchive(t, rows...)
	a.noKeys = true
	past := a.source(t, Deps{})
	past.(*cdx).rows = 10
	fails(t, past.Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return nil }), pipeline.Final, "no resume key")
	past.(*cdx).rows = 23 // just as many as there are
	if err := past.Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return nil }); err != nil {
		t.Error(err)
	}
}

// An index may think for longer than a page may, before it says a word and altogether.
func TestCDXThinks(t *testing.T) {
	rows, want := wide()
	a := newArchive(t, rows...)
	a.mood = func(n int, w http.ResponseWriter, q url.Values) bool {
		time.Sleep(100 * time.Millisecond)
		return false
	}
	client := newClient(t, func(o *scrapers.Options) { o.Limits.Headers, o.Limits.Total = 20*time.Millisecond, 20*time.Millisecond })
	var finds []pipeline.Find
	if err := a.source(t, Deps{Client: client}).Walk(t.Context(), pipeline.Range{}, "", func(f pipeline.Find) error { finds = append(finds, f); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := addresses(finds); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// The edges of the range, said in three time zones, are those of the same moments.
func TestCDXRange(t *testing.T) {
	a := newArchive(t, row("/before", "20240531145959"), row("/first", "20240531150000"), row("/late", "20240829145959"), row("/later", "20240830150001"), row("/again", "20240531145959"), row("/again", "20240601000000"))
	a.mood = func(n int, w http.ResponseWriter, q url.Values) bool { return false }
	want := []string{"http://www.paper.example/again", "http://www.paper.example/first", "http://www.paper.example/late"}
	seoul, newYork := time.FixedZone("KST", 9*3600), time.FixedZone("EDT", -4*3600)
	for _, r := range []pipeline.Range{
		{Since: time.Date(2024, 6, 1, 0, 0, 0, 0, seoul), Until: time.Date(2024, 6, 2, 0, 0, 0, 0, seoul)},
		{Since: time.Date(2024, 5, 31, 15, 0, 0, 0, time.UTC), Until: time.Date(2024, 6, 1, 15, 0, 0, 0, time.UTC)},
		{Since: time.Date(2024, 5, 31, 11, 0, 0, 0, newYork), Until: time.Date(2024, 6, 1, 11, 0, 0, 0, newYork)},
	} {
		a.asked = nil
		finds := walks(t, r, func() pipeline.Past { return a.source(t, Deps{}) })
		if got := addresses(finds); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q", r.Since, got)
		}
		if q := a.asked[0]; q.Get("from") != "20240531150000" || q.Get("to") != "20240830150000" {
			t.Errorf("%s: asked from %s to %s", r.Since, q.Get("from"), q.Get("to"))
		}
	}
}

func TestCDXEstimate(t *testing.T) {
	rows, _ := wide()
	a := newArchive(t, rows...)
	past := a.source(t, Deps{})
	host := scrapers.Host(a.URL)
	e, err := past.Estimate(context.Background(), pipeline.Range{})
	if err != nil || !reflect.DeepEqual(e, pipeline.Estimate{Articles: 23, Bytes: 23000, Requests: map[string]int{host: 23}}) {
		t.Errorf("got %+v, %v", e, err)
	}
	a.limit, a.asked = 5, nil
	e, err = past.Estimate(context.Background(), pipeline.Range{})
	if err != nil || e.Articles != -1 || !e.About || len(a.asked) != cdxEstimate {
		t.Errorf("got %+v, %v after %d questions", e, err, len(a.asked))
	}
	past = a.source(t, Deps{Sites: []string{"other.example"}})
	a.limit = 0
	if e, err = past.Estimate(context.Background(), pipeline.Range{}); err != nil || e.Articles != 0 {
		t.Errorf("of another site: %+v, %v", e, err)
	}
}

// Questions are six seconds apart, in whichever process they are asked, and beside that each takes its host's slot.
func TestCDXPace(t *testing.T) {
	rows, _ := wide()
	a := newArchive(t, rows...)
	a.limit = 10
	slots := map[string]time.Duration{}
	taken := map[string]int{}
	c := newClient(t, func(o *scrapers.Options) {
		o.Pace.Every = time.Millisecond
		o.Reserve = func(_ context.Context, host string, every time.Duration) (time.Time, error) {
			slots[host] = every
			taken[host]++
			return time.Time{}, nil
		}
	})
	past, err := New("cdx:"+a.URL+"/cdx/search/cdx?url=paper.example", Deps{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := past.Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return nil }); err != nil {
		t.Fatal(err)
	}
	host := scrapers.Host(a.URL)
	if want := map[string]time.Duration{host: time.Millisecond, host + "/cdx": 6 * time.Second}; !reflect.DeepEqual(slots, want) || taken[host+"/cdx"] != 3 || taken[host] != 3 {
		t.Errorf("slots %v taken %v, want %v", slots, taken, want)
	}
}

func TestCDXCancelled(t *testing.T) {
	a := newArchive(t, row("/a", "20240101000000"))
	ctx, cancel := context.WithCancel(context.Background())
	a.mood = func(int, http.ResponseWriter, url.Values) bool { cancel(); return false }
	if err := a.source(t, Deps{}).Walk(ctx, pipeline.Range{}, "", func(pipeline.Find) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCDXScopes(t *testing.T) {
	for _, tc := range []struct{ arg, name, match, url, replay string }{
		{"example.org", "example.org", "host", "example.org", archiveReplay},
		{"https://Example.org/", "example.org", "host", "example.org", archiveReplay},
		{"example.org/*", "example.org", "host", "example.org", archiveReplay},
		{"example.org/news/*", "example.org/news/*", "prefix", "example.org/news/", archiveReplay},
		{"https://example.org/news/2024*", "example.org/news/2024*", "prefix", "example.org/news/2024", archiveReplay},
		{"*.example.org", "*.example.org", "domain", "example.org", archiveReplay},
		{"https://example.org/a?url=b", "example.org/a?url=b", "exact", "example.org/a?url=b", archiveReplay},
		{"example.org:8080/a", "example.org:8080/a", "exact", "example.org:8080/a", archiveReplay},
		{"https://archive.example/cdx/search/cdx?url=example.org", "https://archive.example/cdx/search/cdx?url=example.org", "host", "example.org", "https://archive.example/web/"},
		{"https://archive.example/news/cdx?url=*.example.org", "https://archive.example/news/cdx?url=*.example.org", "domain", "example.org", "https://archive.example/news/"},
		{"https://archive.example/cdx?url=example.org&replay=https://copies.example/w", "https://archive.example/cdx?url=example.org", "host", "example.org", "https://copies.example/w/"},
	} {
		s, err := parseCDX(tc.arg)
		if err != nil || s.String() != tc.name || s.match != tc.match || s.url != tc.url || s.replay != tc.replay {
			t.Errorf("%s: got %+v, %v", tc.arg, s, err)
		}
	}
	for arg, want := range map[string]string{
		"example.org*": "other hosts too", "example.*/a": "at the end of a path", "*.example.org/news/*": "stands alone", "some words": "neither a host",
		"ftp://example.org/": "no ftp addresses", "/news/*": "neither a host",
		"https://archive.example/cdx?url=example.org&from=2024":     "--since and --until",
		"https://archive.example/cdx?url=example.org&collapse=none": "only replay", "https://archive.example/cdx?url=example.org&replay=web": "is not an address",
	} {
		if _, err := parseCDX(arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", arg, err, want)
		}
	}
}

func FuzzReadCDX(f *testing.F) {
	f.Add([]byte(`[["urlkey","timestamp","original","mimetype","statuscode","digest","length"],["org,a)/","20240101000000","http://a.org/x","text/html","200","S","1"],[],["org%2Ca%29%2F+20240101000000%21"]]`))
	f.Add([]byte("org,a)/ 20240101000000 http://a.org:80/ text/html 200 S 1\n\norg%2Ca%29%2F+20240101000000%21\n"))
	f.Add([]byte("[]"))
	f.Add([]byte(`[["timestamp","original"],["x"],[],["k"]]`))
	f.Add([]byte(`[[`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		a, err := readCDX(doc)
		if err != nil && (len(a.captures) > 0 || a.next != "") {
			t.Fatalf("an error and an answer: %+v, %v", a, err)
		}
		if len(a.captures)+a.odd > a.rows {
			t.Fatalf("more captures than lines: %+v", a)
		}
		for _, c := range a.captures {
			if c.key == "" || c.original == "" || c.taken.IsZero() && c.taken.Year() != 1 {
				t.Fatalf("half a capture: %+v", c)
			}
		}
	})
}

// Both forms say the same.
func TestCDXForms(t *testing.T) {
	want := cdxAnswer{captures: []capture{{key: "org,a)/x", original: "http://a.org/x", taken: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), length: 7}}, next: "k%21", rows: 2, odd: 1}
	for _, doc := range []string{
		`[["urlkey","timestamp","original","mimetype","statuscode","digest","length"],["org,a)/x","20240102030405","http://a.org/x","text/html","200","S","7"],["org,a)/y","never"],[],["k%21"]]`,
		`[["timestamp","length","original","urlkey"],["20240102030405","7","http://a.org/x","org,a)/x"],["never"],[],["k%21"]]`,
		"org,a)/x 20240102030405 http://a.org/x text/html 200 S 7\norg,a)/y never\n\nk%21\n",
	} {
		if got, err := readCDX([]byte(doc)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot %+v, %v", doc, got, err)
		}
	}
	for doc, want := range map[string]error{`[["a","b"`: errCDXCut, `[1,2]`: errCDXForm, `<html>`: errCDXForm, `{"a":1}`: errCDXForm, "Service is down": errCDXForm} {
		if _, err := readCDX([]byte(doc)); !errors.Is(err, want) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}
