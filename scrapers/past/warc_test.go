package past

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// capture is a record as it stands in a WARC file.
func warcCapture(kind, uri, date, fields, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: %s\r\nWARC-Date: %s\r\n%sContent-Length: %d\r\n\r\n%s\r\n\r\n", kind, uri, date, fields, len(block), block)
}

func htmlCapture(uri, text string) string {
	return warcCapture("response", uri, "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>"+text)
}

func warcSource(t testing.TB, c *scrapers.Client, arg string, sites ...string) pipeline.Past {
	t.Helper()
	p, err := New("warc:"+arg, Deps{Client: c, Sites: sites})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// walked collects what a walk finds, and checks what holds for every find.
func warcWalked(t testing.TB, p pipeline.Past, since time.Time, cursor string) (finds []pipeline.Find, err error) {
	t.Helper()
	err = p.Walk(t.Context(), pipeline.Range{Since: since}, cursor, func(f pipeline.Find) error {
		finds = append(finds, f)
		return nil
	})
	for _, f := range finds {
		if p := f.Page; p != nil && (f.Err != nil || f.Cursor == "" || p.URL != f.Entry.URL || p.FinalURL != f.Entry.URL || p.Status != 200 || !p.Fetched.Equal(f.Taken)) {
			t.Errorf("%+v %+v", f, p)
		}
	}
	return finds, err
}

// told is finds as lines.
func told(finds []pipeline.Find) []string {
	var out []string
	for _, f := range finds {
		if f.Err != nil {
			out = append(out, strings.TrimSpace(f.Entry.URL+" error: "+f.Err.Error()))
		} else if f.Again {
			out = append(out, f.Entry.URL+" again")
		} else {
			out = append(out, fmt.Sprintf("%s %s %s", f.Entry.URL, f.Taken.Format(time.DateOnly), f.Page.Body))
		}
	}
	return out
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func write(t testing.TB, parts ...string) {
	t.Helper()
	name := filepath.Join(parts[:len(parts)-1]...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(parts[len(parts)-1]), 0o644); err != nil {
		t.Fatal(err)
	}
}

func member(t testing.TB, record string) string { return string(zipped(t, []byte(record))) }

// What is a find, and what is none.
func TestWARCFinds(t *testing.T) {
	file := ""
	for _, r := range []string{
		warcCapture("warcinfo", "", "2024-03-01T10:00:00Z", "", "software: x"),
		warcCapture("request", "http://a.example/1", "2024-03-01T10:00:00Z", "", "GET /1 HTTP/1.1\r\n\r\n"),
		htmlCapture("http://a.example/1", "one"),
		warcCapture("response", "http://a.example/gone", "2024-03-01T10:00:00Z", "", "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>gone"),
		warcCapture("response", "http://a.example/p.jpg", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8"),
		warcCapture("response", "dns:a.example", "2024-03-01T10:00:00Z", "", "20240301100000\na.example. A 192.0.2.1"),
		warcCapture("response", "https://www.b.example/untyped", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\n\r\n<!doctype html>untyped"),
		warcCapture("response", "https://b.example/untyped.txt", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\n\r\nplain"),
		warcCapture("revisit", "http://a.example/1", "2024-03-02T10:00:00Z", "WARC-Profile: http://netpreserve.org/warc/1.0/revisit/identical-payload-digest\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
		warcCapture("revisit", "http://a.example/other", "2024-03-02T10:00:00Z", "WARC-Refers-To-Target-URI: <http://a.example/1>\r\n", ""),
		warcCapture("revisit", "http://a.example/missing", "2024-03-02T10:00:00Z", "WARC-Refers-To-Date: 2024-02-29T20:00:00Z\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n"),
		warcCapture("revisit", "http://a.example/before", "2024-03-02T10:00:00Z", "WARC-Refers-To-Date: 2024-01-01T10:00:00Z\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
		warcCapture("revisit", "http://a.example/moved", "2024-03-02T10:00:00Z", "", "HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html\r\n\r\n"),
		warcCapture("revisit", "http://a.example/q.jpg", "2024-03-02T10:00:00Z", "", ""),
		warcCapture("revisit", "http://a.example/q", "2024-03-02T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"),
		warcCapture("resource", "https://b.example/kept", "2024-03-01T10:00:00Z", "Content-Type: text/html\r\n", "<html>kept"),
		warcCapture("resource", "metadata://x/y", "2024-03-01T10:00:00Z", "Content-Type: text/html\r\n", "<html>"),
		warcCapture("conversion", "http://a.example/1", "2024-03-01T10:00:00Z", "Content-Type: text/plain\r\n", "one"),
		warcCapture("response", "http://a.example/old", "2024-02-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>old"),
		warcCapture("response", "http://a.example/eve", "2024-02-29T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>eve"),
		warcCapture("response", "http://[a.example/", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>nowhere"),
		warcCapture("response", "http://a.example/cut", "2024-03-01T10:00:00Z", "WARC-Truncated: length\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>cu"),
		warcCapture("response", "http://a.example/twice", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"+member(t, member(t, "<html>twice"))),
		warcCapture("response", "http://a.example/segment", "2024-03-01T10:00:00Z", "WARC-Segment-Number: 1\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>se"),
		warcCapture("continuation", "http://a.example/segment", "2024-03-01T10:00:00Z", "WARC-Segment-Number: 2\r\n", "gment"),
		warcCapture("response", "http://a.example/br", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n\r\n\x1b\x0e\x00\xf8\x25"),
		warcCapture("response", "https://news.b.example/below", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>below"),
		warcCapture("response", "http://a.example/empty", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
		warcCapture("response", "http://a.example/zipped", "2024-03-01T10:00:00Z", "", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"+member(t, "<html>zipped")),
	} {
		file += member(t, r)
	}
	broken := len(file)
	file += member(t, htmlCapture("http://a.example/broken", "broken"))[:40] + member(t, htmlCapture("http://a.example/last", "last"))
	tail := len(file)
	file += member(t, htmlCapture("http://a.example/tail", "tail"))[:80]
	dir := t.TempDir()
	write(t, dir, "a.warc.gz", file)
	finds, err := warcWalked(t, warcSource(t, nil, filepath.Join(dir, "a.warc.gz")), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), "")
	if err != nil {
		t.Fatal(err)
	}
	got := told(finds)
	for i, l := range got { // the places of faults are told; these three are of no account here
		if before, after, ok := strings.Cut(l, "a.warc.gz: at byte "); ok && strings.Contains(l, "http") {
			_, what, _ := strings.Cut(after, ": ")
			got[i] = before + what
		}
	}
	same(t, "finds", got, []string{
		"http://a.example/1 2024-03-01 <html>one",
		"https://www.b.example/untyped 2024-03-01 <!doctype html>untyped",
		"http://a.example/1 again",
		"http://a.example/1 again",
		`http://a.example/missing error: a revisit of "http://a.example/missing", whose page was kept in a record of 2024-02-29 that stands in nothing before this one; name its file too`,
		"https://b.example/kept 2024-03-01 <html>kept",
		"http://a.example/eve 2024-02-29 <html>eve",
		`error: the record's address "http://[a.example/" is none`,
		`http://a.example/cut error: the archive cut the page off (WARC-Truncated: "length")`,
		"http://a.example/twice error: the page is application/x-gzip, whatever its headers say",
		"http://a.example/segment error: the archive kept the page in segments, and they are not put together",
		`http://a.example/br error: the br body is broken (unexpected EOF)`,
		"https://news.b.example/below 2024-03-01 <html>below",
		"http://a.example/empty error: the page is empty",
		"http://a.example/zipped 2024-03-01 <html>zipped",
		fmt.Sprintf("error: a.warc.gz: at byte %d: the gzip member is damaged (%s)", broken, damageOf(got)),
		"http://a.example/last 2024-03-01 <html>last",
		fmt.Sprintf("error: a.warc.gz: at byte %d: the file ends amid the record", tail),
	})
	if finds[0].Page.ContentType != "text/html; charset=utf-8" || !finds[0].Entry.Published.IsZero() {
		t.Errorf("%+v", finds[0])
	}
	// A walk that goes on does not know what came before: the store does.
	rest, err := warcWalked(t, warcSource(t, nil, filepath.Join(dir, "a.warc.gz")), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), finds[1].Cursor)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "behind the second find", told(rest)[:3], []string{"http://a.example/1 again", "http://a.example/1 again", "http://a.example/missing again"})
	finds, err = warcWalked(t, warcSource(t, nil, filepath.Join(dir, "a.warc.gz"), "b.example"), time.Time{}, "")
	if err != nil || len(finds) != 5 || scrapers.Site(finds[0].Entry.URL) != "b.example" || scrapers.Site(finds[1].Entry.URL) != "b.example" || scrapers.Site(finds[2].Entry.URL) != "news.b.example" { // and two of no known site
		t.Errorf("of one site: %v %v", told(finds), err)
	}
}

// damageOf is the inflater's own word, which is not ours to state.
func damageOf(lines []string) string {
	for _, l := range lines {
		if _, word, ok := strings.Cut(l, "is damaged ("); ok {
			return strings.TrimSuffix(word, ")")
		}
	}
	return ""
}

// shelf makes a folder of WARC files in the three ways to pack them, and says what is in them.
func shelf(t testing.TB) (dir string, want []string) {
	dir = t.TempDir()
	for i, name := range []string{"2024/01/a.warc.gz", "2024/02/b.warc", "2024/03/c.warc.gz"} {
		var records []string
		for k := range 5 {
			uri, text := fmt.Sprintf("http://a.example/%d/%d", i, k), strings.Repeat(strconv.Itoa(k), 500*k)
			records = append(records, htmlCapture(uri, text))
			want = append(want, uri+" 2024-03-01 <html>"+text)
		}
		file := strings.Join(records, "")
		switch i {
		case 0:
			file = ""
			for _, r := range records {
				file += member(t, r)
			}
		case 2:
			file = member(t, file)
		}
		write(t, dir, name, file)
	}
	write(t, dir, "notes.txt", "no archive")
	write(t, dir, "warc.paths", "2024/01/a.warc.gz\n2024/02/b.warc\r\n2024/03/c.warc.gz\n\n")
	write(t, dir, "lists/warc.paths.gz", member(t, "../2024/01/a.warc.gz\n../2024/02/b.warc\n../2024/03/c.warc.gz\n"))
	return dir, want
}

// From whatever find a walk goes on, it finds the rest, wherever the files come from.
func TestWARCResumes(t *testing.T) {
	dir, want := shelf(t)
	c := newClient(t, nil)
	deaf := serve(t, func(w http.ResponseWriter, r *http.Request) { // knows no ranges
		r.Header.Del("Range")
		b, err := os.ReadFile(filepath.Join(dir, r.URL.Path))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Write(b)
	})
	base := nginx(t, dir)
	for _, arg := range []string{dir, filepath.Join(dir, "2024", "*", "?.warc*"), filepath.Join(dir, "warc.paths"), filepath.Join(dir, "lists", "warc.paths.gz"),
		base + "/warc.paths", base + "/lists/warc.paths.gz", deaf.URL + "/warc.paths"} {
		p := warcSource(t, c, arg)
		finds, err := warcWalked(t, p, time.Time{}, "")
		if err != nil {
			t.Fatal(err)
		}
		same(t, arg, told(finds), want)
		for i, f := range finds {
			rest, err := warcWalked(t, p, time.Time{}, f.Cursor)
			if err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprintf("%s from %q", arg, f.Cursor), told(rest), want[i+1:])
		}
	}
	one, err := warcWalked(t, warcSource(t, c, base+"/2024/02/b.warc"), time.Time{}, "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one file", told(one), want[5:10])
	// Files that come later are read by a walk that goes on.
	p := warcSource(t, c, dir)
	finds, err := warcWalked(t, p, time.Time{}, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "2024", "04", "d.warc", htmlCapture("http://a.example/new", "new"))
	later, err := warcWalked(t, p, time.Time{}, finds[len(finds)-1].Cursor)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a new file", told(later), []string{"http://a.example/new 2024-03-01 <html>new"})
	for _, cursor := range []string{"x", "1+1", "-1+0 a", "1 a"} {
		if _, err := warcWalked(t, p, time.Time{}, cursor); err == nil {
			t.Errorf("the cursor %q was taken", cursor)
		}
	}
}

// A walk ends with found's own error, and with its context.
func TestWARCEnds(t *testing.T) {
	dir, _ := shelf(t)
	p := warcSource(t, nil, dir)
	enough := errors.New("enough")
	if err := p.Walk(t.Context(), pipeline.Range{}, "", func(pipeline.Find) error { return enough }); err != enough {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := p.Walk(ctx, pipeline.Range{}, "", func(pipeline.Find) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Error(n, err)
	}
}

// Transfers break, stall and do not hold up others.
func TestWARCTransfers(t *testing.T) {
	dir, want := shelf(t)
	file, err := os.ReadFile(filepath.Join(dir, "2024/02/b.warc"))
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int32
	var piece atomic.Int64 // what a transfer brings; a server may still look at it when its client is through
	piece.Store(3000)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		switch r.URL.Path {
		case "/gone.warc":
			w.WriteHeader(http.StatusGone)
			return
		case "/busy.warc":
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		case "/named.warc": // the file's own packing, said to be the transfer's
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped(t, file))
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(file)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(file)-1, len(file)))
			w.WriteHeader(http.StatusPartialContent)
		}
		rest := file[from:]
		size := min(len(rest), int(piece.Load()))
		w.Write(rest[:size])
		w.(http.Flusher).Flush()
		if r.URL.Path == "/slow.warc" {
			<-r.Context().Done()
		}
		if len(rest) > size {
			panic(http.ErrAbortHandler)
		}
	})
	c := newClient(t, func(o *scrapers.Options) { o.Pace.Parallel = 1 })
	walk := func(name string) ([]pipeline.Find, error) {
		requests.Store(0)
		return warcWalked(t, warcSource(t, c, srv.URL+name), time.Time{}, "")
	}
	finds, err := walk("/broken.warc")
	if err != nil || requests.Load() < 3 {
		t.Fatal(requests.Load(), err)
	}
	same(t, "broken transfers", told(finds), want[5:10])
	finds, err = walk("/named.warc")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Content-Encoding of a file", told(finds), want[5:10])
	piece.Store(1000) // less than the longest record
	finds, err = walk("/broken.warc")
	fails(t, err, pipeline.Retry, "cut")
	same(t, "transfers that get nowhere", told(finds), want[5:7])
	if n := requests.Load(); n > 10 {
		t.Errorf("%d requests", n)
	}
	// A client of its own: on a busy machine a server that is well says nothing for 50 ms too.
	hasty := newClient(t, func(o *scrapers.Options) { o.Limits.Stall = 50 * time.Millisecond })
	_, err = warcWalked(t, warcSource(t, hasty, srv.URL+"/slow.warc"), time.Time{}, "")
	fails(t, err, pipeline.Retry, "stalled")
	contains(t, err.Error(), "sent nothing for 50ms")
	_, err = warcWalked(t, warcSource(t, newClient(t, func(o *scrapers.Options) { o.AllowPrivate = nil }), srv.URL+"/b.warc"), time.Time{}, "")
	fails(t, err, pipeline.Final, "forbidden address")
	_, err = walk("/gone.warc")
	fails(t, err, pipeline.Gone, "status 410")
	_, err = walk("/busy.warc")
	fails(t, err, pipeline.Throttled, "status 429")

	piece.Store(int64(len(file)))
	err = warcSource(t, c, srv.URL+"/b.warc").Walk(t.Context(), pipeline.Range{}, "", func(pipeline.Find) error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only guards against hanging
		defer cancel()
		if _, err := c.FileSize(ctx, srv.URL+"/b.warc"); err != nil { // while the file is open
			return err
		}
		return nil
	})
	if err != nil {
		t.Error("a file that is being read keeps others from its host:", err)
	}
}

// A file of a list that is not to be had is told, and the others are read.
func TestWARCLists(t *testing.T) {
	dir, want := shelf(t)
	crawl := "crawl-data/CC-NEWS/2024/03/CC-NEWS-20240301000000-00001.warc.gz"
	write(t, dir, crawl, member(t, htmlCapture("http://a.example/cc", "cc")))
	write(t, dir, "crawl-data/CC-NEWS/2024/03/warc.paths", strings.Replace(crawl, "20240301", "20240201", 1)+"\n"+crawl+"\n../../../../2024/02/b.warc\n")
	base := nginx(t, dir)
	c := newClient(t, nil)
	p := warcSource(t, c, base+"/crawl-data/CC-NEWS/2024/03/warc.paths")
	host := strings.TrimPrefix(base, "http://")
	missing := fmt.Sprintf("error: %s: %s answered 404 Not Found", strings.Replace(crawl, "20240301", "20240201", 1), host)
	finds, err := warcWalked(t, p, time.Time{}, "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a list with a missing file", told(finds), append(slices.Clone(want[5:10]), missing, "http://a.example/cc 2024-03-01 <html>cc"))
	// A file of CC-NEWS that was finished long before the range is not asked for.
	finds, err = warcWalked(t, p, time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a range behind a file", told(finds), append(slices.Clone(want[5:10]), "http://a.example/cc 2024-03-01 <html>cc"))

	local := &warcPast{arg: filepath.Join(dir, "warc.paths")}
	remote := &warcPast{arg: "https://mirror.example/crawl-data/CC-NEWS/2024/03/warc.paths.gz"}
	for _, c := range []struct {
		past       *warcPast
		line, want string
	}{
		{local, "2024/02/b.warc", filepath.Join(dir, "2024/02/b.warc")},
		{local, crawl, filepath.Join(dir, crawl)},
		{local, "crawl-data/x.warc.gz", "https://data.commoncrawl.org/crawl-data/x.warc.gz"},
		{local, "s3://commoncrawl/crawl-data/x.warc.gz", "https://data.commoncrawl.org/crawl-data/x.warc.gz"},
		{local, "https://else.example/x.warc?t=1", "https://else.example/x.warc?t=1"},
		{remote, "crawl-data/x.warc.gz", "https://mirror.example/crawl-data/x.warc.gz"},
		{remote, "x.warc.gz", "https://mirror.example/crawl-data/CC-NEWS/2024/03/x.warc.gz"},
		{remote, "/etc/passwd", "https://mirror.example/etc/passwd"},
		{remote, "file:///etc/passwd", "error"},
		{remote, "mailto:x", "error"},
		{remote, "https://u:p@else.example/x.warc", "error"},
	} {
		f, err := c.past.entry(c.line, c.past == remote)
		if got := f.path; err == nil && got != c.want || err != nil && c.want != "error" {
			t.Errorf("%s means %s (%v); want %s", c.line, got, err, c.want)
		}
	}
}

func TestWARCEstimate(t *testing.T) {
	dir, _ := shelf(t)
	base := nginx(t, dir)
	c := newClient(t, nil)
	for arg, articles := range map[string]int{dir: 8, base + "/warc.paths": 8, filepath.Join(dir, "2024/02/b.warc"): 5, base + "/2024/02/b.warc": 5} {
		e, err := warcSource(t, c, arg).Estimate(t.Context(), pipeline.Range{})
		if err != nil {
			t.Fatal(err)
		}
		var bytes int64
		for _, f := range []string{"2024/01/a.warc.gz", "2024/02/b.warc", "2024/03/c.warc.gz"} {
			if info, err := os.Stat(filepath.Join(dir, f)); err == nil && (articles != 5 || f == "2024/02/b.warc") {
				bytes += info.Size()
			}
		}
		asked := map[bool]int{true: 3, false: 1}[articles != 5]
		if e.Bytes != bytes || articles == 5 && (e.Articles != 5 || e.About) || articles != 5 && (e.Articles < 5 || !e.About) {
			t.Errorf("%s: %+v; want %d bytes", arg, e, bytes)
		}
		if host := strings.TrimPrefix(base, "http://"); strings.HasPrefix(arg, base) && e.Requests[host] != asked || !strings.HasPrefix(arg, base) && len(e.Requests) > 0 {
			t.Errorf("%s: requests %v", arg, e.Requests)
		}
	}
}

func TestWARCArguments(t *testing.T) {
	for arg, want := range map[string]string{
		"warc:":                         "PATH or URL is missing; write warc:PATH or URL",
		"warc:ftp://a.example/x.warc":   "neither an http or https address nor a path",
		"warc:http://u:p@a.example/x":   "an address with a password in it",
		"nothing:http://a.example/feed": `there is no kind "nothing"`,
	} {
		_, err := New(arg, Deps{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", arg, err, want)
		}
	}
	dir := t.TempDir()
	for arg, want := range map[string]string{filepath.Join(dir, "none.warc"): "no such file", dir: "holds no file whose name ends in .warc", filepath.Join(dir, "*.warc"): "no such file"} {
		_, err := warcWalked(t, warcSource(t, nil, arg), time.Time{}, "")
		fails(t, err, pipeline.Final, "file")
		contains(t, err.Error(), want)
	}
	if got := warcSource(t, nil, "x.warc").Name(); !strings.HasPrefix(got, "warc /") {
		t.Errorf("a relative path is named %q", got)
	}
}

// A file packed with a dictionary is read on from its middle, where the dictionary stands only at its beginning.
func TestWARCDictionary(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "warc", "testdata", "dictionary.warc.zst"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "a.warc.zst", string(file))
	c := newClient(t, nil)
	for _, arg := range []string{dir, nginx(t, dir) + "/a.warc.zst"} {
		p := warcSource(t, c, arg)
		finds, err := warcWalked(t, p, time.Time{}, "")
		if err != nil || len(finds) != 8 {
			t.Fatalf("%d finds: %v", len(finds), err)
		}
		for i, f := range finds {
			rest, err := warcWalked(t, p, time.Time{}, f.Cursor)
			if err != nil {
				t.Fatal(err)
			}
			same(t, f.Cursor, told(rest), told(finds[i+1:]))
		}
	}
}
