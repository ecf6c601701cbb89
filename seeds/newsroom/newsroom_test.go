package newsroom

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/charmap"
)

var classes = []string{
	"donation", "newsletter", "promo", "related", "share", "caption", "credit", "comments", "social_embed", "paywall",
	"author_bio", "cookie", "ad", "navigation", "headline", "dateline", "factbox", "live_meta", "legal", "repeated",
}

// serve starts a newsroom whose clock the test moves by hand.
func serve(t *testing.T) (*Newsroom, *time.Time) {
	t.Helper()
	clock := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	n, err := New(func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n, &clock
}

// client does not unpack gzip and does not follow redirects, so that the test
// sees what the server said.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func fetch(t *testing.T, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return resp, b
}

func TestTheWorldIsLargeEnough(t *testing.T) {
	n, _ := serve(t)
	if got := len(n.Sites()); got < 8 {
		t.Errorf("%d sites, want at least 8", got)
	}
	gold := n.Articles()
	if len(gold) < 40 {
		t.Errorf("%d articles, want at least 40", len(gold))
	}
	langs, seen, froms, troubles := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, g := range gold {
		langs[g.Lang]++
		froms[g.From]++
		troubles[g.Trouble]++
		for _, r := range g.Removed {
			for _, c := range r.Classes {
				if !slices.Contains(classes, c) {
					t.Errorf("%s: unknown class %q", g.ID, c)
				}
				seen[c]++
			}
		}
	}
	if len(langs) < 5 {
		t.Errorf("languages %v, want five", langs)
	}
	for _, c := range classes {
		if seen[c] == 0 {
			t.Errorf("no planted block of class %s", c)
		}
	}
	for _, tr := range []string{"robots", "bomb", "notfound", "flaky", "slow", "redirect", "paywall"} {
		if troubles[tr] != 1 {
			t.Errorf("%d articles with trouble %s, want one", troubles[tr], tr)
		}
	}
	t.Logf("%d sites, %d articles, languages %v, sources %v", len(n.Sites()), len(gold), langs, froms)
	t.Logf("planted lines by class: %v", seen)
}

func TestEveryArticleHasGold(t *testing.T) {
	n, _ := serve(t)
	for _, g := range n.Articles() {
		if g.Title == "" || g.Date == "" || len(g.Body) == 0 || g.URL == "" || g.Link == "" {
			t.Errorf("%s: incomplete gold: %+v", g.ID, g)
		}
		if g.From == FromPage && (len(g.Removed) == 0 || len(g.Body) < 3) {
			t.Errorf("%s: a page with %d paragraphs and %d planted blocks", g.ID, len(g.Body), len(g.Removed))
		}
		if g.Agency != "" && !strings.Contains(n.Agencies(), "- name: "+g.Agency+"\n") {
			t.Errorf("%s: agency %q is not in agencies.yaml", g.ID, g.Agency)
		}
		seen := map[string]bool{}
		for _, p := range g.Body {
			if seen[p] {
				t.Errorf("%s: paragraph twice: %s", g.ID, clip(p))
			}
			seen[p] = true
		}
		if bad := g.Check(Found{Title: g.Title, Date: g.Date, Agency: g.Agency, Body: g.Body, Removed: perfect(g)}); len(bad) > 0 {
			t.Errorf("%s: the gold does not pass its own check: %v", g.ID, bad)
		}
	}
}

func perfect(g Gold) []Block {
	var out []Block
	for _, r := range g.Removed {
		out = append(out, Block{Class: r.Classes[0], Text: r.Text})
	}
	return out
}

func TestCheckNamesEveryFault(t *testing.T) {
	n, _ := serve(t)
	g, _ := n.Gold("eq1")
	f := Found{Title: "Other", Date: "2020-01-01", Agency: "", Removed: perfect(g)[1:]}
	f.Body = append([]string{"Join our channel."}, g.Body[1:]...)
	if bad := g.Check(f); len(bad) != 6 {
		t.Errorf("want title, date, agency, one missing, one foreign, one block: got %d\n%s", len(bad), strings.Join(bad, "\n"))
	}
	body := slices.Clone(g.Body)
	body[0], body[1] = body[1], body[0]
	if bad := g.Check(Found{Title: g.Title, Date: g.Date, Agency: g.Agency, Body: body, Removed: perfect(g)}); len(bad) != 1 {
		t.Errorf("order: %v", bad)
	}
}

// TestPagesShowWhatTheGoldSays reads every page as plain text and looks for
// each kept paragraph and each planted line in it.
func TestPagesShowWhatTheGoldSays(t *testing.T) {
	n, _ := serve(t)
	for _, g := range n.Articles() {
		if g.From != FromPage {
			continue
		}
		resp, b := fetch(t, g.URL)
		if g.Trouble == "flaky" {
			if resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%s: first answer %d, want 503", g.ID, resp.StatusCode)
			}
			resp, b = fetch(t, g.URL)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", g.ID, resp.StatusCode)
			continue
		}
		if n.Site(g.Site).Charset == "windows-1251" {
			if strings.Contains(resp.Header.Get("Content-Type"), "charset") || !bytes.Contains(b, []byte("charset=windows-1251")) {
				t.Errorf("%s: the charset must stand in the page only", g.ID)
			}
			if strings.Contains(string(b), g.Title) {
				t.Errorf("%s: is UTF-8", g.ID)
			}
			if bytes.Contains(b, []byte("&#1")) {
				t.Errorf("%s: Cyrillic as character references", g.ID)
			}
			var err error
			if b, err = charmap.Windows1251.NewDecoder().Bytes(b); err != nil {
				t.Fatal(err)
			}
		}
		text := plain(t, b)
		for _, p := range append(slices.Clone(g.Body), g.Title) {
			if !strings.Contains(text, fold(p)) {
				t.Errorf("%s: page lacks %q", g.ID, clip(p))
			}
		}
		for _, r := range g.Removed {
			if !strings.Contains(text, fold(r.Text)) {
				t.Errorf("%s: page lacks planted %v %q", g.ID, r.Classes, clip(r.Text))
			}
		}
		source := strings.ReplaceAll(html.UnescapeString(string(b)), `\u002b`, "+") // as a browser reads attributes and JSON
		if len(g.Date) > len(time.DateOnly) && !strings.Contains(source, g.Date) {
			t.Errorf("%s: page lacks its machine-readable date %s", g.ID, g.Date)
		}
	}
}

func plain(t *testing.T, b []byte) string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && (n.Parent == nil || n.Parent.Data != "script") {
			out.WriteString(n.Data + " ")
		}
	}
	return fold(out.String())
}

func TestTroubles(t *testing.T) {
	n, _ := serve(t)
	by := map[string]Gold{}
	for _, g := range n.Articles() {
		if g.Trouble != "" {
			by[g.Trouble] = g
		}
	}
	if resp, _ := fetch(t, by["notfound"].Link); resp.StatusCode != http.StatusNotFound {
		t.Errorf("notfound: %d", resp.StatusCode)
	}
	resp, _ := fetch(t, by["redirect"].Link)
	if resp.StatusCode != http.StatusFound || by["redirect"].URL != n.Site("tannried").Base()+resp.Header.Get("Location") {
		t.Errorf("redirect: %d to %q, want %q", resp.StatusCode, resp.Header.Get("Location"), by["redirect"].URL)
	}
	began := time.Now()
	fetch(t, by["slow"].Link)
	if d := time.Since(began); d < slowness {
		t.Errorf("the slow page took %s", d)
	}
	resp, b := fetch(t, by["bomb"].Link)
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("the bomb is not gzip")
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	size, err := io.Copy(io.Discard, z)
	if err != nil || size < 64<<20 {
		t.Errorf("the bomb inflates to %d bytes, %v", size, err)
	}
	t.Logf("bomb: %d bytes on the wire, %d inflated", len(b), size)
	_, b = fetch(t, by["paywall"].Link)
	text := plain(t, b)
	if !strings.Contains(text, "Subscribe to continue reading") || strings.Contains(text, by["paywall"].Body[1]) {
		t.Error("the paywall stub shows too much or no hint")
	}
	_, b = fetch(t, n.Site("halden").Base()+"/robots.txt")
	if !strings.Contains(string(b), "Disallow: /w/restricted/") || !strings.HasPrefix(by["robots"].Path, "/w/restricted/") {
		t.Errorf("robots.txt does not cover %s:\n%s", by["robots"].Path, b)
	}
	if got := n.Log().Count("halden", by["robots"].Path); got != 0 {
		t.Errorf("the forbidden page was requested %d times", got)
	}
	if n.Log().Closest("tannried") != 0 {
		t.Error("one request has no neighbour")
	}
	fetch(t, by["redirect"].URL)
	if d := n.Log().Closest("tannried"); d <= 0 || d > time.Minute {
		t.Errorf("two requests are %s apart", d)
	}
	if n.Log().Count("swiftnote", by["bomb"].Path) != 1 || n.Log().MaxParallel("swiftnote") != 1 {
		t.Error("the log does not count")
	}
}

func TestFeedsOfEveryFormat(t *testing.T) {
	n, _ := serve(t)
	formats, listed := map[string]int{}, map[string]bool{}
	for _, f := range n.Feeds() {
		formats[f.Format]++
		for _, id := range f.Entries {
			listed[id] = true
		}
		resp, b := fetch(t, f.URL)
		switch f.Expect {
		case FeedGone:
			if resp.StatusCode != http.StatusGone {
				t.Errorf("%s: %d", f.Name, resp.StatusCode)
			}
			continue
		case FeedMoved:
			if resp.StatusCode != http.StatusMovedPermanently {
				t.Errorf("%s: %d", f.Name, resp.StatusCode)
			}
			resp, b = fetch(t, n.Site(f.Site).Base()+resp.Header.Get("Location"))
		case FeedPartial, FeedCut:
			if wellFormed(b) == nil {
				t.Errorf("%s is whole, want it broken", f.Name)
			}
			if got := bytes.Count(b, []byte("</item>")); got != len(f.Entries) {
				t.Errorf("%s: %d closed entries, want %d", f.Name, got, len(f.Entries))
			}
			if f.Expect == FeedCut && resp.ContentLength <= int64(len(b)) {
				t.Errorf("%s: promises %d bytes, gives %d", f.Name, resp.ContentLength, len(b))
			}
			continue
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", f.Name, resp.StatusCode)
		}
		if f.Format == "json" {
			var doc struct{ Items []any }
			if err := json.Unmarshal(b, &doc); err != nil || len(doc.Items) != len(f.Entries) {
				t.Errorf("%s: %d items, %v", f.Name, len(doc.Items), err)
			}
			continue
		}
		if err := wellFormed(b); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		open := "<item"
		if f.Format == "atom" {
			open = "<entry"
		}
		if got := bytes.Count(b, []byte(open+">")) + bytes.Count(b, []byte(open+" ")); got != len(f.Entries) {
			t.Errorf("%s: %d entries, want %d", f.Name, got, len(f.Entries))
		}
	}
	for _, want := range []string{"rss2", "rss091", "rdf", "atom", "json"} {
		if formats[want] == 0 {
			t.Errorf("no feed in format %s", want)
		}
	}
	for _, g := range n.Articles() {
		if !listed[g.ID] {
			t.Errorf("%s is in no feed that can be read", g.ID)
		}
	}
}

func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) {
		return charmap.Windows1251.NewDecoder().Reader(in), nil
	}
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestFeedsAnswerConditionalRequests(t *testing.T) {
	n, _ := serve(t)
	for _, f := range n.Feeds() {
		if f.Expect != FeedOK {
			continue
		}
		resp, _ := fetch(t, f.URL)
		if r, b := fetch(t, f.URL, "If-None-Match", resp.Header.Get("ETag")); r.StatusCode != http.StatusNotModified || len(b) > 0 {
			t.Errorf("%s by ETag: %d with %d bytes", f.Name, r.StatusCode, len(b))
		}
		if r, _ := fetch(t, f.URL, "If-Modified-Since", resp.Header.Get("Last-Modified")); r.StatusCode != http.StatusNotModified {
			t.Errorf("%s by date: %d", f.Name, r.StatusCode)
		}
	}
	if got := n.Log().Statuses("")[http.StatusNotModified]; got == 0 {
		t.Error("the log knows no 304")
	}
}

func TestAdvanceChangesPageAndFeed(t *testing.T) {
	n, clock := serve(t)
	feed := n.Site("eastquay").Base() + "/atom.xml"
	before, _ := n.Gold("eq2")
	resp, old := fetch(t, feed)
	if _, b := fetch(t, before.URL); strings.Contains(plain(t, b), "drone engines") {
		t.Error("the page knows the future")
	}
	*clock = clock.Add(7 * time.Minute)
	n.Advance()
	after, _ := n.Gold("eq2")
	if slices.Equal(before.Body, after.Body) || before.Title == after.Title || before.URL != after.URL {
		t.Error("the gold did not change as it should")
	}
	_, b := fetch(t, after.URL)
	for _, p := range after.Body {
		if !strings.Contains(plain(t, b), p) {
			t.Errorf("page lacks %q", clip(p))
		}
	}
	again, now := fetch(t, feed, "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusOK || bytes.Equal(old, now) {
		t.Errorf("the feed did not move: %d", again.StatusCode)
	}
	if want := "<updated>2026-11-22T17:37:00+08:00</updated>"; !bytes.Contains(now, []byte(want)) {
		t.Errorf("the entry's update is not %s:\n%s", want, now)
	}
	other, _ := fetch(t, n.Site("almarsad").Base()+"/index.rdf")
	n.Advance()
	if r, _ := fetch(t, n.Site("almarsad").Base()+"/index.rdf", "If-None-Match", other.Header.Get("ETag")); r.StatusCode != http.StatusNotModified {
		t.Error("a feed without a changed article moved")
	}
}

func TestServeStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n, err := New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if err := n.Serve(ctx); err == nil {
		t.Error("served twice")
	}
	url := n.Sites()[0].Base() + "/"
	fetch(t, url)
	cancel()
	for range 200 {
		req, _ := http.NewRequest(http.MethodGet, url, nil)
		resp, err := client().Do(req)
		if err != nil {
			return
		}
		resp.Body.Close()
	}
	t.Error("the site still answers")
}

func TestManyReadersAtOnce(t *testing.T) {
	n, _ := serve(t)
	var urls []string
	for _, g := range n.Articles() {
		if g.Trouble == "" {
			urls = append(urls, g.URL)
		}
	}
	for _, f := range n.Feeds() {
		if f.Expect == FeedOK {
			urls = append(urls, f.URL)
		}
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range urls {
				resp, err := client().Get(urls[(i+w*len(urls)/4)%len(urls)])
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %d", resp.Request.URL, resp.StatusCode)
				}
			}
		})
	}
	n.Advance()
	wg.Wait()
	// The log is written after the answer, so what is counted here is a lower bound of what was asked.
	if got := n.Log().Statuses("")[http.StatusOK]; got < 4*len(urls)-4 {
		t.Errorf("%d answers in the log, want about %d", got, 4*len(urls))
	}
}
