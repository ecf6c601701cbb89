package scrapers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func credentials(url string) func(feed string) RequestOptions {
	s := pipeline.NewSecret(canary)
	return func(feed string) RequestOptions {
		if feed != "wire" {
			return RequestOptions{}
		}
		return RequestOptions{
			URL: url, Headers: map[string]pipeline.Secret{"X-Api-Key": s}, Cookies: map[string]pipeline.Secret{"session": s},
			BasicAuth: BasicAuth{User: "me", Password: s},
		}
	}
}

func TestCredentialsStayAtTheirSite(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]string{}
	note := func(who string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[who+r.URL.Path] = fmt.Sprint(carries(r))
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "rss") {
			sendFeed(w)
			return
		}
		html(w, "<p>x</p>")
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note("other", r)
		answer(w, r)
	}))
	defer other.Close()
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note("own", r)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/there", http.StatusTemporaryRedirect)
		case "/round":
			http.Redirect(w, r, other.URL+"/back", http.StatusFound)
		default:
			answer(w, r)
		}
	}))
	defer own.Close()
	c := newClient(t, nil)
	opts := credentials(own.URL + "/feed")
	pages, feeds := &Pages{c, opts}, &Feeds{c, opts}
	for _, u := range []string{own.URL + "/page", own.URL + "/away?token=" + canary, other.URL + "/direct"} {
		if _, err := pages.Fetch(context.Background(), item(u)); err != nil {
			t.Fatal(err)
		}
		if _, err := feeds.Poll(context.Background(), pipeline.Feed{Name: "wire", URL: own.URL + "/feed", FeedState: pipeline.FeedState{Address: u}}); err != nil {
			t.Fatal(err)
		}
	}
	const all, none = "[header cookie auth somewhere]", "[]"
	for what, want := range map[string]string{
		"own/page": all, "own/away": all, "own/robots.txt": none,
		"other/there": none, "other/direct": none, "other/robots.txt": none,
	} {
		if seen[what] != want {
			t.Errorf("%s saw %q, want %s", what, seen[what], want)
		}
	}
	// Further sites by name; another feed's name brings nothing.
	o := opts("wire")
	o.Sites = []string{strings.TrimPrefix(other.URL, "http://")}
	if _, err := (&Pages{c, func(string) RequestOptions { return o }}).Fetch(context.Background(), item(other.URL+"/named")); err != nil {
		t.Fatal(err)
	}
	it := item(own.URL + "/foreign")
	it.Feed = "another"
	if _, err := pages.Fetch(context.Background(), it); err != nil {
		t.Fatal(err)
	}
	if seen["other/named"] != all || seen["own/foreign"] != none {
		t.Errorf("named %q, foreign %q", seen["other/named"], seen["own/foreign"])
	}
	// A user and password in the address itself go no further either.
	clear(seen)
	if _, err := (&Pages{Client: c}).Fetch(context.Background(), item(strings.Replace(own.URL, "://", "://me:"+canary+"@", 1)+"/away")); err != nil {
		t.Fatal(err)
	}
	if seen["own/away"] != "[auth]" || seen["other/there"] != none {
		t.Errorf("own %q, other %q", seen["own/away"], seen["other/there"])
	}
	// Never from HTTPS down to HTTP.
	plain, _ := http.NewRequest("GET", "http://news.example/", nil)
	if (RequestOptions{URL: "https://news.example/feed"}).own(plain.URL) {
		t.Error("credentials of an https feed go over http")
	}
}

// Whatever goes wrong, no secret is in the error, however it is printed; and each error is one line.
func TestSecretsAreNotInErrors(t *testing.T) {
	var current atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch status := int(current.Load()); {
		case status == 1: // cut
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "<p>")
		case status == 2: // bad location
			w.Header().Set("Location", "http://["+canary)
			w.WriteHeader(http.StatusFound)
		case status == 3: // loop
			http.Redirect(w, r, "/?token="+canary, http.StatusFound)
		case status == 4: // slow
			<-r.Context().Done()
		case status == 5: // to a forbidden address
			http.Redirect(w, r, "http://me:"+canary+"@10.0.0.1/?token="+canary, http.StatusFound)
		case status == 6: // to a refusing one
			http.Redirect(w, r, "http://me:"+canary+"@127.0.0.1:1/"+canary, http.StatusFound)
		case status == 7: // not HTTP
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, canary+" no\r\n\r\n")
			conn.Close()
		case status == 8:
			html(w, canary)
		default:
			w.WriteHeader(status)
		}
	})
	tsrv := httptest.NewTLSServer(srv.Config.Handler)
	tsrv.Config.ErrorLog = nil
	defer tsrv.Close()
	c := newClient(t, func(o *Options) { o.Limits.Total = 300 * time.Millisecond })
	check := func(what string, err error) {
		t.Helper()
		if err == nil {
			return
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			for _, s := range []string{fmt.Sprintf("%v", e), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
				if strings.Contains(s, canary) {
					t.Errorf("%s: %s", what, s)
				}
			}
		}
		if s := err.Error(); strings.Contains(s, "\n") || strings.Contains(s, "/") && strings.Contains(s, "http://") {
			t.Errorf("%s: %q is not a sentence", what, s)
		}
		t.Logf("%s: %v", what, err)
	}
	try := func(what, base string) {
		u := strings.Replace(base, "://", "://me:"+canary+"@", 1) + "/" + canary + "?token=" + canary
		opts := credentials(u)
		_, err := (&Pages{c, opts}).Fetch(context.Background(), item(u))
		if err == nil && current.Load() != 8 {
			t.Errorf("%s: no error", what)
		}
		check("page "+what, err)
		_, err = (&Feeds{c, opts}).Poll(context.Background(), pipeline.Feed{Name: "wire", URL: u})
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		check("feed "+what, err)
	}
	for _, status := range []int{1, 2, 3, 4, 5, 6, 7, 8, 204, 304, 401, 403, 404, 410, 429, 500, 503} {
		current.Store(int32(status))
		try(fmt.Sprint(status), srv.URL)
	}
	try("tls", tsrv.URL)
	try("not tls", strings.Replace(srv.URL, "http:", "https:", 1))
	try("refused", "http://127.0.0.1:1")
	try("forbidden", "http://10.0.0.1")
	try("spelling", "http://0x7f.1")
	// What DNS says is not tried here, as tests stay on this machine.
	for _, e := range []*net.DNSError{{IsNotFound: true, Name: canary}, {IsTimeout: true, Name: canary}, {Err: canary}} {
		check("dns", sentence(fmt.Errorf("Get %q: %w", canary, e), "news.example", c.limits))
	}
	check("unknown", sentence(errors.New(canary), "news.example", c.limits))
	opts := fmt.Sprintf("%v %+v %#v", credentials("x")("wire"), credentials("x")("wire"), credentials("x")("wire"))
	if strings.Contains(opts, canary) {
		t.Error("options print their secrets")
	}
}
