package desk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"wirewatch/pipeline"
	"wirewatch/pipeline/desk"
)

// newFeeds is a desk with the feeds of rules, whose documents name the rule and their own address.
func newFeeds(t *testing.T, token string, rules ...string) http.Handler {
	known := map[string]bool{}
	for _, r := range rules {
		known[r] = true
	}
	d := newDesk()
	d.Feeds = &desk.Feeds{Token: func() pipeline.Secret { return pipeline.NewSecret(token) },
		Of: func(_ context.Context, rule, self string) ([]byte, bool, error) {
			if rule == "broken" {
				return nil, true, errors.New("disk I/O error")
			}
			return []byte(rule + " at " + self), known[rule], nil
		}}
	return d.Handler()
}

func get(t *testing.T, srv *httptest.Server, path string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// A rule's feed stands at its name, whatever is in it, and is fetched again only when it says something else.
func TestFeeds(t *testing.T) {
	names := []string{"plain", "a/b", "arms & shells?", "북한 미사일", "../api/silences", "x%2Fy", `"><script>`, "feed.xml", "#1", "a+b"}
	srv := httptest.NewServer(newFeeds(t, "", names...))
	defer srv.Close()
	for _, name := range names {
		path := "/rules/" + url.PathEscape(name) + "/feed.xml"
		resp, body := get(t, srv, path, nil)
		if want := name + " at " + srv.URL + path; resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %q, want %q", path, resp.StatusCode, body, want)
			continue
		}
		h := resp.Header
		if h.Get("Content-Type") != "application/rss+xml; charset=utf-8" || h.Get("Cache-Control") != "private" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
		again, body := get(t, srv, path, header("If-None-Match", h.Get("ETag")))
		if again.StatusCode != 304 || body != "" || again.Header.Get("ETag") != h.Get("ETag") {
			t.Errorf("%s: asked again: %d %q", path, again.StatusCode, body)
		}
		if other, _ := get(t, srv, path, header("If-None-Match", `"0123"`)); other.StatusCode != 200 {
			t.Errorf("%s: asked with the tag of something else: %d", path, other.StatusCode)
		}
	}
	for _, path := range []string{"/rules/nobody/feed.xml", "/rules/Plain/feed.xml", "/rules/%20/feed.xml", "/rules/a%00b/feed.xml"} {
		if resp, body := get(t, srv, path, nil); resp.StatusCode != 404 || !strings.Contains(body, "there is no rule") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, body := get(t, srv, "/rules/broken/feed.xml", nil); resp.StatusCode != 503 || body != "the store did not answer; try again\n" {
		t.Errorf("a store that does not answer: %d %q", resp.StatusCode, body)
	}
}

// With a token whoever asks must have it; without one only this machine itself is answered, and no stranger's page.
func TestFeedsAccess(t *testing.T) {
	const secret = "a+token/of=some-length"
	for _, c := range []struct {
		name, token, query string
		change             func(*http.Request)
		status             int
		said               string
	}{
		{"loopback", "", "", nil, 200, ""},
		{"loopback by another name", "", "", func(r *http.Request) { r.Host = "evil.example" }, 403, "not this machine's own name"},
		{"a page of another origin", "", "", header("Origin", "https://evil.example"), 403, "another origin"},
		{"a token that nobody configured", "", "?token=x", nil, 200, ""},
		{"without the token", secret, "", nil, 401, "the token is missing or wrong"},
		{"an empty token", secret, "?token=", nil, 401, "the token is missing or wrong"},
		{"a wrong token", secret, "?token=a+token/of=some-lengtH", nil, 401, "the token is missing or wrong"},
		{"a wrong header beside the right query", secret, "?token=" + url.QueryEscape(secret), header("Authorization", "Bearer x"), 401, "the token is missing"},
		{"in the address", secret, "?token=" + url.QueryEscape(secret), nil, 200, ""},
		{"in the address as it is", secret, "?token=" + secret, nil, 200, ""},
		{"in the header", secret, "", header("Authorization", "Bearer "+secret), 200, ""},
		{"the token from a page of another origin", secret, "?token=" + secret, header("Origin", "null"), 403, "another origin"},
		{"the token by a strange name", secret, "?token=" + secret, func(r *http.Request) { r.Host = "evil.example" }, 403, "not this machine's own name"},
	} {
		srv := httptest.NewServer(newFeeds(t, c.token, "r"))
		resp, body := get(t, srv, "/rules/r/feed.xml"+c.query, c.change)
		srv.Close()
		if resp.StatusCode != c.status || !strings.Contains(body, c.said) {
			t.Errorf("%s: %d %q, want %d %q", c.name, resp.StatusCode, body, c.status, c.said)
		}
		if c.token != "" && (strings.Contains(body, c.token) || strings.Contains(body, "token=a")) {
			t.Errorf("%s: the token is in the answer: %s", c.name, body)
		}
		if got := resp.Header.Get("WWW-Authenticate"); (got != "") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", c.name, got)
		}
	}
	// From beyond loopback.
	for token, want := range map[string]int{"": 403, secret: 200} {
		far := context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}))
		r := httptest.NewRequestWithContext(far, "GET", "/rules/r/feed.xml?token="+url.QueryEscape(token), nil)
		r.Host = "wirewatch.example"
		rec := httptest.NewRecorder()
		newFeeds(t, token, "r").ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("from another machine, token %q: %d %s", token, rec.Code, rec.Body)
		}
	}
}
