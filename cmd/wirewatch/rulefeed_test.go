package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"wirewatch/pipeline"
)

// A feed reader gets what a rule told, from the store, under the rule's name.
func TestRuleFeed(t *testing.T) {
	const rule = `북한/"arms" <b>`
	path := filepath.Join(t.TempDir(), "w.yaml")
	if err := os.WriteFile(path, []byte("contact: https://example.org\nrules:\n  - {name: '"+rule+"', query: shells}\n  - {name: silent, query: peace}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(path, func(string) (string, bool) { return "", false }, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	told := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tell := func(n int) {
		t.Helper()
		lease, ok, err := a.store.Acquire(t.Context(), "process", fmt.Sprintf("h%d", n), "test", told, told.Add(time.Hour))
		if err != nil || !ok {
			t.Fatalf("lease: %t %v", ok, err)
		}
		err = a.store.Write(t.Context(), lease, func(tx pipeline.Tx) error {
			art := pipeline.Article{Feed: "f", URL: fmt.Sprintf("https://a.example/%d", n), Canonical: fmt.Sprintf("https://a.example/%d", n), Site: "a.example",
				Title: fmt.Sprintf("Shells <%d> & more", n), Body: "Ten shells were shipped.", Source: pipeline.SourcePage, Relation: "new", Seen: told}
			if art.Story, err = tx.OpenStory(art.Title, told); err != nil {
				return err
			}
			if _, err := tx.InsertArticle(&art, nil); err != nil {
				return err
			}
			for _, m := range a.setup.Load().match(&art) {
				if _, err := tx.RaiseAlert(pipeline.Alert{Rule: m.Rule, Kind: pipeline.KindMatch, Created: told.Add(time.Duration(n) * time.Minute),
					Story: pipeline.Story{ID: art.Story}, Article: art, Spans: m.Spans}, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tell(1)
	tell(2)

	srv := httptest.NewServer(a.desk.Handler())
	t.Cleanup(srv.Close)
	read := func(rule, etag string) (*http.Response, *gofeed.Feed) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/rules/"+url.PathEscape(rule)+"/feed.xml", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", etag)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			return resp, nil
		}
		f, err := gofeed.NewParser().ParseString(string(b))
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		return resp, f
	}
	resp, f := read(rule, "")
	if f == nil || f.Title != "Wirewatch: "+rule || f.FeedLink != srv.URL+"/rules/"+url.PathEscape(rule)+"/feed.xml" || len(f.Items) != 2 {
		t.Fatalf("%d %+v", resp.StatusCode, f)
	}
	if it := f.Items[0]; it.Title != "Shells ＜2＞ & more" || it.Link != "https://a.example/2" || !it.PublishedParsed.Equal(told.Add(2*time.Minute)) ||
		!strings.Contains(it.Description, "<b>shells</b>") {
		t.Errorf("%+v", it)
	}
	etag := resp.Header.Get("ETag")
	if resp, _ := read(rule, etag); resp.StatusCode != http.StatusNotModified {
		t.Errorf("nothing new: %d", resp.StatusCode)
	}
	tell(3)
	if resp, f := read(rule, etag); f == nil || len(f.Items) != 3 || resp.Header.Get("ETag") == etag {
		t.Errorf("something new: %d %+v", resp.StatusCode, f)
	}
	if resp, f = read("silent", ""); f == nil || len(f.Items) != 0 {
		t.Errorf("a rule that told nothing: %d", resp.StatusCode)
	}
	if resp, _ := read("silent", resp.Header.Get("ETag")); resp.StatusCode != http.StatusNotModified {
		t.Errorf("nothing at all, asked again: %d", resp.StatusCode)
	}
	if resp, _ := read("shells", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("no rule: %d", resp.StatusCode)
	}
}
