package extract

import (
	"io"
	"io/fs"
	"net/http"
	"testing"
	"testing/fstest"
	"time"

	"wirewatch/seeds"
	"wirewatch/seeds/newsroom"
)

// Every article of the demo newsroom comes out of its page exactly, before and after the world has moved on: house styles
// from semantic HTML5 to tables and nameless boxes, in five languages, with every kind of boilerplate planted. The pages
// write their dates in words, so the world is made on days that differ in month and in the number of digits.
func TestNewsroom(t *testing.T) {
	for name, now := range map[string]time.Time{
		"today":    time.Now(),
		"may":      time.Date(2027, time.May, 3, 9, 5, 0, 0, time.UTC),
		"new year": time.Date(2028, time.January, 1, 0, 30, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testNewsroom(t, now)
		})
	}
}

func testNewsroom(t *testing.T, now time.Time) {
	news, err := newsroom.New(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := news.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	x := newsroomExtractor(t, news)
	for _, world := range []string{"before", "after"} {
		if world == "after" {
			news.Advance()
		}
		n := 0
		for _, g := range news.Articles() {
			if g.From != newsroom.FromPage {
				continue
			}
			n++
			t.Run(world+"/"+g.ID, func(t *testing.T) {
				page, kind := fetchPage(t, g.URL)
				a, err := x.Extract(Input{URL: g.URL, HTML: page, ContentType: kind})
				if err != nil {
					t.Fatal(err)
				}
				checkGold(t, a, &g)
			})
		}
		if n < 40 {
			t.Fatalf("%d articles stand on pages, want at least 40", n)
		}
	}
}

func checkGold(t *testing.T, a *Article, g *newsroom.Gold) {
	t.Helper()
	found := newsroom.Found{Title: a.Title, Date: a.Date, Agency: a.Agency, Body: a.Paragraphs()}
	for _, b := range a.Blocks {
		if !b.Kept {
			found.Removed = append(found.Removed, newsroom.Block{Class: b.Class, Text: b.Text})
		}
	}
	for _, s := range g.Check(found) {
		t.Error(s)
	}
	if a.Lang != g.Lang {
		t.Errorf("language is %q, want %q", a.Lang, g.Lang)
	}
	if t.Failed() {
		for _, b := range a.Blocks {
			t.Logf("%-5v %-12s %-36s %.100q", b.Kept, b.Class, b.Rule, b.Text)
		}
	}
}

// newsroomExtractor knows the shipped lexicon and the agencies of the newsroom's world.
func newsroomExtractor(t testing.TB, news *newsroom.Newsroom) *Extractor {
	t.Helper()
	lex := fstest.MapFS{}
	shipped := seeds.Lexicon()
	names, err := fs.Glob(shipped, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no lexicon is embedded: %v", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(shipped, name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "agencies.yaml" {
			data = append(append(data, '\n'), news.Agencies()...)
		}
		lex[name] = &fstest.MapFile{Data: data}
	}
	x, err := New(lex)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// fetchPage is the page at a loopback address and its content type. A page that is slow or fails at first is asked again.
func fetchPage(t *testing.T, url string) (page []byte, kind string) {
	t.Helper()
	for range 5 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err = io.ReadAll(resp.Body)
		if cerr := resp.Body.Close(); err == nil {
			err = cerr
		}
		if err == nil && resp.StatusCode == http.StatusOK {
			return page, resp.Header.Get("Content-Type")
		}
	}
	t.Fatalf("%s can not be had", url)
	return nil, ""
}
