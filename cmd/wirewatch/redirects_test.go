package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"wirewatch/pipeline/store"
)

// One page, in four feeds: by its own address, through a redirector, behind tracking parameters, and by a feed service's link beside
// the original one. It is one article and one message, and every item knows it.
func TestOnePageManyLinks(t *testing.T) {
	var site *httptest.Server
	feed := func(link, more string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/rss+xml")
			fmt.Fprintf(w, `<?xml version="1.0"?><rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel><title>F</title><item>
<title>%s</title><link>%s%s</link>%s<pubDate>%s</pubDate></item></channel></rss>`, headline(700, 1), site.URL, link, more, time.Now().UTC().Format(time.RFC1123Z))
		}
	}
	mux := http.NewServeMux()
	asked := map[string]int{}
	mux.HandleFunc("GET /direct.xml", feed("/2026/port-inspectors-open-containers", ""))
	mux.HandleFunc("GET /out.xml", feed("/out?to=4711", ""))
	mux.HandleFunc("GET /tracked.xml", feed("/2026/port-inspectors-open-containers?utm_source=rss&amp;at_medium=x", ""))
	mux.HandleFunc("GET /burner.xml", func(w http.ResponseWriter, r *http.Request) {
		feed("/~r/feed/1", "<feedburner:origLink>"+site.URL+"/2026/port-inspectors-open-containers</feedburner:origLink>")(w, r)
	})
	mux.HandleFunc("GET /out", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/2026/port-inspectors-open-containers?fbclid=1", http.StatusFound)
	})
	mux.HandleFunc("GET /~r/feed/1", func(w http.ResponseWriter, r *http.Request) {
		t.Error("the feed service's link was followed, beside the original one")
	})
	mux.HandleFunc("GET /2026/port-inspectors-open-containers", func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.String()]++
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>%[1]s</title></head><body><article><h1>%[1]s</h1>`, headline(700, 1))
		for p := range 5 {
			fmt.Fprintf(w, "<p>%s zirconium</p>", prose(700, 1, p))
		}
		fmt.Fprint(w, "</article></body></html>")
	})
	site = httptest.NewServer(mux)
	defer site.Close()
	dir := t.TempDir()
	cfg := filepath.Join(dir, "wirewatch.yaml")
	text := "contact: https://example.org\nallow_private: [127.0.0.0/8]\npace: {every: 0s}\nrules: [{name: metals, query: zirconium}]\nfeeds:\n"
	for _, n := range []string{"direct", "out", "tracked", "burner"} {
		text += fmt.Sprintf("  - {name: %s, url: %q}\n", n, site.URL+"/"+n+".xml")
	}
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	verbOut(t, "run", "--once", "-c", cfg)
	st, err := store.Open(t.Context(), filepath.Join(dir, "wirewatch.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	as, err := st.Articles(t.Context(), store.ArticleFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(as) != 1 {
		t.Errorf("%d articles of one page: %+v", len(as), as)
	}
	its, err := st.Items(t.Context(), store.ItemFilter{})
	if err != nil {
		t.Fatal(err)
	}
	// The direct link, the tracked one and the original one are one item before anything is fetched; the redirector's is found out.
	if len(its) != 2 {
		t.Errorf("%d items, want 2", len(its))
	}
	for _, it := range its {
		if it.Article != as[0].ID {
			t.Errorf("item %d (%s) made article %d, not %d", it.ID, it.Entry.URL, it.Article, as[0].ID)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked for %v", asked)
	}
}
