// Package webtest is what the tests of scrapers and of its kinds of sources share: servers on loopback and what to hold against them.
package webtest

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
)

// Loopback is what a test's client may dial.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Canary stands for every secret of a test; it must be seen nowhere.
const Canary = "CANARY7f3a"

// Serve starts a server whose robots.txt does not exist unless h is asked for it by way of a mux.
func Serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
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

// Fails asserts an error's verdict and reason.
func Fails(t testing.TB, err error, v pipeline.Verdict, reason string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", reason)
	}
	if f := pipeline.AsFailure(err); f.Verdict != v || f.Reason != reason {
		t.Fatalf("failure %d %q (%v); want %d %q", f.Verdict, f.Reason, err, v, reason)
	}
}

// HTML answers with a page.
func HTML(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, body)
}

// Zipped is b as one gzip member.
func Zipped(t testing.TB, b []byte) []byte {
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

// Contains asserts that want stands in s.
func Contains(t testing.TB, s, want string) {
	t.Helper()
	if !strings.Contains(s, want) {
		t.Fatalf("%q does not contain %q", s, want)
	}
}

// Carries lists what of the credentials a request shows.
func Carries(r *http.Request) (out []string) {
	if r.Header.Get("X-Api-Key") != "" {
		out = append(out, "header")
	}
	if _, err := r.Cookie("session"); err == nil {
		out = append(out, "cookie")
	}
	if _, _, ok := r.BasicAuth(); ok {
		out = append(out, "auth")
	}
	if strings.Contains(fmt.Sprint(r.Header, r.URL), Canary) {
		out = append(out, "somewhere")
	}
	return out
}
