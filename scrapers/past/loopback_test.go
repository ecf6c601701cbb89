package past

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// newClient makes a client that reaches loopback, changed by set.
func newClient(t testing.TB, set func(*scrapers.Options)) *scrapers.Client {
	t.Helper()
	o := scrapers.Options{AllowPrivate: loopback}
	if set != nil {
		set(&o)
	}
	c, err := scrapers.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts a server whose robots.txt does not exist unless h is asked for it by way of a mux.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// fails asserts an error's verdict and reason.
func fails(t testing.TB, err error, v pipeline.Verdict, reason string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", reason)
	}
	if f := pipeline.AsFailure(err); f.Verdict != v || f.Reason != reason {
		t.Fatalf("failure %d %q (%v); want %d %q", f.Verdict, f.Reason, err, v, reason)
	}
}

func html(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, body)
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func contains(t testing.TB, s, want string) {
	t.Helper()
	if !strings.Contains(s, want) {
		t.Fatalf("%q does not contain %q", s, want)
	}
}

const canary = "CANARY7f3a"

func credentials(url string) func(feed string) scrapers.RequestOptions {
	s := pipeline.NewSecret(canary)
	return func(feed string) scrapers.RequestOptions {
		if feed != "wire" {
			return scrapers.RequestOptions{}
		}
		return scrapers.RequestOptions{
			URL: url, Headers: map[string]pipeline.Secret{"X-Api-Key": s}, Cookies: map[string]pipeline.Secret{"session": s},
			BasicAuth: scrapers.BasicAuth{User: "me", Password: s},
		}
	}
}

// carries lists what of the credentials a request shows.
func carries(r *http.Request) (out []string) {
	if r.Header.Get("X-Api-Key") != "" {
		out = append(out, "header")
	}
	if _, err := r.Cookie("session"); err == nil {
		out = append(out, "cookie")
	}
	if _, _, ok := r.BasicAuth(); ok {
		out = append(out, "auth")
	}
	if strings.Contains(fmt.Sprint(r.Header, r.URL), canary) {
		out = append(out, "somewhere")
	}
	return out
}
