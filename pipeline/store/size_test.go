package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// What an article costs in the file: whole, without its page, without its body. The articles have the sizes of news: bodies of 450
// words in the median, pages ten times as long, a match in one of 30. WIREWATCH_SIZE sets how many (default 600; the README's
// figures are of 20,000).
func TestSizeOfTheStore(t *testing.T) {
	n := 600
	if v, err := strconv.Atoi(os.Getenv("WIREWATCH_SIZE")); err == nil {
		n = v
	}
	path := filepath.Join(t.TempDir(), "wirewatch.db")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), path, store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(s.SyncFeeds(t.Context(), []pipeline.Feed{{Name: "f", Kind: "rss", URL: "https://f.example/feed"}}))
	r := rand.New(rand.NewPCG(1, 2))
	// Words by Zipf's law, as language has them, so that pages compress as true ones do.
	vocabulary := make([]string, 20000)
	for i := range vocabulary {
		w := make([]byte, 3+r.IntN(8))
		for j := range w {
			w[j] = "etaoinshrdlucmfwypvbgkq"[min(22, int(r.ExpFloat64()*5))]
		}
		vocabulary[i] = string(w)
	}
	zipf := rand.NewZipf(r, 1.05, 3, uint64(len(vocabulary)-1))
	prose := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(vocabulary[zipf.Uint64()])
		}
		return b.String()
	}
	chrome := make([]string, 200) // each site's own surroundings
	for i := range chrome {
		var b strings.Builder
		for j := range 400 {
			fmt.Fprintf(&b, `<li class="nav-item nav-%d"><a href="/section/%s/%d" data-track="menu-%d">%s</a></li>`, j%7, vocabulary[r.IntN(500)], r.IntN(1e6), j, prose(3))
		}
		chrome[i] = b.String()
	}
	l, _, err := s.Acquire(t.Context(), "poll", "f", "size", now, now.Add(1000*time.Hour))
	ok(err)
	feed, err := s.Feed(t.Context(), "f")
	ok(err)
	bodies := 0
	for i := 0; i < n; {
		var items []pipeline.Item
		for ; i < n && len(items) < 500; i++ {
			u := fmt.Sprintf("https://site%d.example/2026/05/04/%s-%d", i%200, strings.ReplaceAll(prose(6), " ", "-"), i)
			items = append(items, pipeline.Item{Entry: pipeline.Entry{GUID: u, URL: u, Title: prose(10), Summary: prose(40), Published: now}, Canonical: u,
				Host: fmt.Sprintf("site%d.example", i%200), Origin: pipeline.FromPoll, State: pipeline.ItemDone, Due: now, FirstSeen: now})
		}
		_, err := s.SavePoll(t.Context(), l, feed, items)
		ok(err)
		ok(s.Write(t.Context(), l, func(tx pipeline.Tx) error {
			for k, it := range items {
				words := int(450 * (0.4 + r.ExpFloat64()))
				body := ""
				var blocks []pipeline.Block
				for words > 0 {
					p := prose(min(words, 60))
					words -= 60
					if body != "" {
						body += "\n\n"
					}
					body += p
					blocks = append(blocks, pipeline.Block{Class: "paragraph", Kept: true, Text: p})
				}
				for range 25 {
					blocks = append(blocks, pipeline.Block{Class: "related", Text: prose(12), Rule: "links"})
				}
				bodies += len(body)
				a := pipeline.Article{Feed: "f", URL: it.Entry.URL, Canonical: it.Canonical, Site: it.Host, SiteName: "Site", Title: it.Entry.Title, Authors: []string{"A. Writer"},
					Published: now, Date: "2026-05-04T12:00:00Z", Lang: "en", Body: body, Blocks: blocks, Source: pipeline.SourcePage, Relation: "new", Seen: now,
					Sketch: dedup.Sketch(it.Entry.Title, body, "en")}
				var err error
				if a.Story, err = tx.OpenStory(a.Title, now); err != nil {
					return err
				}
				var page strings.Builder
				page.WriteString(chrome[k%200])
				for _, b := range blocks {
					fmt.Fprintf(&page, "<p class=\"story-text\">%s</p>\n", b.Text)
				}
				page.WriteString(`<script type="application/json">` + prose(900) + `</script>`)
				if _, err = tx.InsertArticle(&a, &pipeline.Page{URL: a.URL, FinalURL: a.URL, Status: 200, ContentType: "text/html", Fetched: now, Body: []byte(page.String())}); err != nil {
					return err
				}
				if k%30 == 0 {
					ok, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Story: pipeline.Story{ID: a.Story}, Article: a}, nil)
					if err != nil || !ok {
						return err
					}
				}
			}
			return nil
		}))
	}
	size := func(what string) int64 {
		t.Helper()
		ok(s.Shrink(t.Context()))
		st, err := os.Stat(path)
		ok(err)
		per := st.Size() / int64(n)
		t.Logf("%-22s %6d bytes an article, %5.1f GB a million", what, per, float64(per)/1000)
		return per
	}
	t.Logf("%d articles, bodies of %d bytes in the mean", n, bodies/n)
	whole := size("whole")
	old := now.Add(time.Hour)
	retention := store.Retention{Pages: old, Brief: dedup.Brief}
	start := time.Now()
	_, err = s.Prune(t.Context(), retention, false)
	ok(err)
	t.Logf("pages forgotten in %s", time.Since(start).Round(time.Millisecond))
	text := size("without page and blocks")
	retention.Bodies = old
	_, err = s.Prune(t.Context(), retention, false)
	ok(err)
	printed := size("without body")
	retention.Sketches, retention.Log = old, old
	_, err = s.Prune(t.Context(), retention, false)
	ok(err)
	least := size("what always stays")
	if least > 2500 || !(whole > text && text > printed && printed > least) {
		t.Errorf("%d, %d, %d, %d bytes an article: more stays than should", whole, text, printed, least)
	}
	as, err := s.Articles(t.Context(), store.ArticleFilter{Limit: 1})
	ok(err)
	if !as[0].Pruned || as[0].Canonical == "" || as[0].Title == "" {
		t.Errorf("an article is left as %+v", as[0])
	}
}
