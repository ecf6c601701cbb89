package scrapers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// A copy is fetched from the archive and comes as the article's own page, of the moment at which it was taken.
func TestCopies(t *testing.T) {
	const article = "http://www.paper.example/a?id=1"
	body := "<p>as it was</p>"
	var asked []string
	archive := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
			t.Error("the request for a copy is conditional")
		}
		to := func(u string) { http.Redirect(w, r, u, http.StatusFound) }
		switch {
		case strings.HasPrefix(r.RequestURI, "/web/20240101000000id_/"): // nothing of that moment: the nearest
			to("/web/20240203040506id_/https://paper.example:443/a?id=1")
		case strings.HasPrefix(r.RequestURI, "/web/20240102000000id_/"): // the site redirected
			to("/web/20240102000001id_/http://www.paper.example/login")
		case strings.HasPrefix(r.RequestURI, "/web/20240103000000id_/"): // the archive wants to talk
			to("/account/login")
		case strings.HasPrefix(r.RequestURI, "/web/20240104000000id_/"):
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("ETag", `"archive"`)
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			if strings.Contains(r.RequestURI, "20240105000000") {
				w.Header().Set("Memento-Datetime", "Fri, 05 Jan 2024 00:00:07 GMT")
			}
			html(w, body)
		}
	})
	pages := &Pages{Client: newClient(t, nil)}
	get := func(day string) (*pipeline.Page, error) {
		it := item(article)
		it.ETag, it.LastModified = `"old"`, "Mon, 02 Jan 2006 15:04:05 GMT"
		it.Copy = archive.URL + "/web/" + day + "000000id_/http://www.paper.example:80/a?id=1"
		it.Taken, _ = time.Parse("20060102", day)
		return pages.Fetch(context.Background(), it)
	}
	for _, tc := range []struct{ day, final, taken string }{
		{"20231231", article, "2023-12-31T00:00:00Z"},
		{"20240101", "https://paper.example/a?id=1", "2024-02-03T04:05:06Z"},
		{"20240105", article, "2024-01-05T00:00:07Z"},
	} {
		p, err := get(tc.day)
		if err != nil {
			t.Errorf("%s: %v", tc.day, err)
			continue
		}
		got := [5]string{p.URL, p.FinalURL, p.Fetched.Format(time.RFC3339), string(p.Body), p.ETag + p.LastModified}
		if want := [5]string{article, tc.final, tc.taken, body, ""}; got != want {
			t.Errorf("%s: got %q, want %q", tc.day, got, want)
		}
	}
	if want := "/web/20231231000000id_/http://www.paper.example:80/a?id=1"; asked[0] != want {
		t.Errorf("asked for %s, want %s", asked[0], want)
	}
	_, err := get("20240102")
	fails(t, err, pipeline.Final, "another page")
	_, err = get("20240103")
	fails(t, err, pipeline.Retry, "no copy")
	_, err = get("20240104")
	fails(t, err, pipeline.Final, "status 404")
}

// The archive's robots.txt governs copies, and a copy without an address that tells its time has the time that the source said.
func TestCopiesKeepToTheArchivesRules(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			w.Write([]byte("User-agent: *\nDisallow: /web/\n"))
			return
		}
		html(w, "<p>x</p>")
	}))
	t.Cleanup(srv.Close)
	pages := &Pages{Client: newClient(t, nil)}
	it := item("https://paper.example/a")
	it.Taken = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	it.Copy = ReplayAddress(srv.URL+"/web/", it.Taken, it.Entry.URL)
	_, err := pages.Fetch(context.Background(), it)
	fails(t, err, pipeline.Final, "robots")
	it.Copy = srv.URL + "/mirror/a.html"
	p, err := pages.Fetch(context.Background(), it)
	if err != nil || p.FinalURL != it.Entry.URL || !p.Fetched.Equal(it.Taken) {
		t.Errorf("got %+v, %v", p, err)
	}
	it.Copy = "ftp://archive.example/a"
	_, err = pages.Fetch(context.Background(), it)
	fails(t, err, pipeline.Final, "bad address")
}
