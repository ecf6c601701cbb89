package scrapers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"wirewatch/pipeline"
)

// Ways to write an address that must not be reached. None of them may be looked up, let alone dialled.
var forbiddenSpellings = []string{
	"127.0.0.1", "127.1", "127.0.0.1.", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "0x7f.1",
	"0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
	"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
	"[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[2001:db8::1]", "１２７.０.０.１", "localhost",
}

func TestForbiddenSpellings(t *testing.T) {
	c := newClient(t, func(o *Options) { o.AllowPrivate = nil })
	var dialled atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", what, err)
			return
		}
		if f := pipeline.AsFailure(err); f.Verdict != pipeline.Final || f.Reason != "forbidden address" {
			t.Errorf("%s: verdict %d, %q", what, f.Verdict, f.Reason)
		}
	}
	for _, s := range forbiddenSpellings {
		u := "http://" + s + ":" + port + "/"
		_, err := fetch(c, u)
		check("page "+s, err)
		_, err = poll(c, u)
		check("feed "+s, err)
		_, err = c.HTTP(ForHooks).Post(u, "text/plain", strings.NewReader("x"))
		check("hook "+s, err)
		_, err = c.Dial(t.Context(), "tcp", s+":"+port)
		check("dial "+s, err)
	}
	if n := dialled.Load(); n > 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestRedirectToForbiddenAddress(t *testing.T) {
	hit := atomic.Bool{}
	inner := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hit.Store(true); html(w, "<p>secret</p>") }))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("no second loopback address here: ", err)
	}
	inner.Listener.Close()
	inner.Listener = l
	inner.Start()
	defer inner.Close()
	for _, target := range []string{"http://169.254.169.254/latest/meta-data/", inner.URL, "http://2130706434:80/", "http://[::ffff:127.0.0.2]/"} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
		c := newClient(t, func(o *Options) { o.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
		_, err := fetch(c, srv.URL)
		fails(t, err, pipeline.Final, "forbidden address")
		_, err = poll(c, srv.URL)
		fails(t, err, pipeline.Final, "forbidden address")
	}
	if hit.Load() {
		t.Error("the forbidden server was reached")
	}
}

func TestSchemes(t *testing.T) {
	c := newClient(t, nil)
	for _, u := range []string{"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "javascript:alert(1)", "http://", "mailto:a@b", "//x/y", "", "http://a b/", "%"} {
		_, err := fetch(c, u)
		fails(t, err, pipeline.Final, "bad address")
		_, err = poll(c, u)
		fails(t, err, pipeline.Final, "bad address")
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	_, err := fetch(c, srv.URL)
	fails(t, err, pipeline.Final, "bad address")
}

func TestRedirects(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusFound)
			return
		}
		if strings.Contains(r.Header.Get("Accept"), "rss") {
			sendFeed(w)
			return
		}
		html(w, "<p>x</p>")
	})
	c := newClient(t, nil)
	p, err := fetch(c, srv.URL+"/5")
	if err != nil || p.FinalURL != srv.URL+"/0" || p.URL != srv.URL+"/5" {
		t.Fatalf("five redirects: %v %+v", err, p)
	}
	if _, err := poll(c, srv.URL+"/5"); err != nil {
		t.Fatal(err)
	}
	_, err = fetch(c, srv.URL+"/6")
	fails(t, err, pipeline.Final, "redirects")
	_, err = poll(c, srv.URL+"/6")
	fails(t, err, pipeline.Final, "redirects")
	resp, err := c.HTTP(ForHooks).Post(srv.URL+"/1", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("a webhook's redirect was followed to a %d", resp.StatusCode)
	}
}

// Everything that the environment could change, set to do harm.
func TestEnvironmentIsIgnored(t *testing.T) {
	dead := "http://127.0.0.1:1"
	for k, v := range map[string]string{
		"HTTP_PROXY": dead, "http_proxy": dead, "HTTPS_PROXY": dead, "ALL_PROXY": dead,
		"COLLY_ALLOWED_DOMAINS": "nowhere.example", "COLLY_CACHE_DIR": t.TempDir(), "COLLY_DETECT_CHARSET": "y", "COLLY_DISABLE_COOKIES": "y",
		"COLLY_DISALLOWED_DOMAINS": "127.0.0.1", "COLLY_IGNORE_ROBOTSTXT": "n", "COLLY_FOLLOW_REDIRECTS": "n", "COLLY_MAX_BODY_SIZE": "10",
		"COLLY_MAX_DEPTH": "0", "COLLY_MAX_REQUESTS": "1", "COLLY_PARSE_HTTP_ERROR_RESPONSE": "n", "COLLY_TRACE_HTTP": "y", "COLLY_USER_AGENT": "evil",
	} {
		t.Setenv(k, v)
	}
	body := "<p>\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0, \xfd\xf2\xee \xf2\xe5\xea\xf1\xf2</p>"
	agent := ""
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/"})
			http.Redirect(w, r, "/page", http.StatusFound)
			return
		}
		if _, err := r.Cookie("seen"); err != nil {
			http.Error(w, "no cookie", http.StatusForbidden)
			return
		}
		agent = r.UserAgent()
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, body)
	})
	c := newClient(t, func(o *Options) { o.Version, o.Contact = "1.2", "https://desk.example/bot" })
	for range 2 {
		p, err := fetch(c, srv.URL)
		if err != nil || string(p.Body) != body {
			t.Fatalf("%v %+v", err, p)
		}
	}
	// net/http never sends loopback addresses to the environment's proxy, so requests cannot show this here.
	if c.bases[baseKey{headers: c.limits.Headers}].Proxy != nil {
		t.Error("the transport has a proxy that nobody configured")
	}
	if agent != "Wirewatch/1.2 (+https://desk.example/bot)" {
		t.Errorf("user agent %q", agent)
	}
}

// A proxy that the user names is dialled though it is private, and does all the work; what is written as a forbidden
// address is not even asked of it.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String()+" "+r.Header.Get("Proxy-Authorization"))
		if r.URL.Path == "/robots.txt" {
			fmt.Fprint(w, "User-agent: *\nDisallow: /secret")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/feed") {
			sendFeed(w)
			return
		}
		html(w, "<p>by proxy</p>")
	}))
	defer proxy.Close()
	pu, _ := url.Parse(proxy.URL)
	pu.User = url.UserPassword("me", "canary")
	c := newClient(t, func(o *Options) { o.AllowPrivate = nil })
	opts := map[string]RequestOptions{"wire": {Proxy: pipeline.NewSecret(pu.String())}}
	pages := &Pages{Client: c, Options: func(feed string) RequestOptions { return opts[feed] }}
	feeds := &Feeds{Client: c, Options: func(feed string) RequestOptions { return opts[feed] }}
	p, err := pages.Fetch(context.Background(), item("http://news.example/a"))
	if err != nil || string(p.Body) != "<p>by proxy</p>" {
		t.Fatal(err)
	}
	_, err = pages.Fetch(context.Background(), item("http://news.example/secret"))
	fails(t, err, pipeline.Final, "robots")
	if _, err := feeds.Poll(context.Background(), pipeline.Feed{Name: "wire", URL: "http://news.example/feed"}); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 3 || !strings.HasPrefix(asked[0], "http://news.example/robots.txt Basic ") {
		t.Errorf("the proxy was asked %q", asked)
	}
	for _, s := range forbiddenSpellings {
		_, err := pages.Fetch(context.Background(), item("http://"+s+"/"))
		fails(t, err, pipeline.Final, "forbidden address")
	}
	if len(asked) != 3 {
		t.Errorf("the proxy was asked %q", asked[3:])
	}
	// Without its options the feed goes directly, and fails for lack of such a host; the proxy is not asked.
	for _, bad := range []string{"127.0.0.1:3128", "ftp://x", "http://"} {
		if _, err := NewClient(Options{Proxy: pipeline.NewSecret(bad)}); err == nil {
			t.Errorf("proxy %q was taken", bad)
		}
	}
}

func TestHostAndSite(t *testing.T) {
	for _, tc := range []struct{ url, host, site string }{
		{"https://www.News.Example/a?b", "www.news.example", "news.example"},
		{"https://news.example:443/", "news.example", "news.example"},
		{"http://news.example:443/", "news.example:443", "news.example:443"},
		{"http://www.news.example:8080", "www.news.example:8080", "news.example:8080"},
		{"HTTP://news.example.:80/", "news.example", "news.example"},
		{" https://user:pw@news.example/", "news.example", "news.example"},
		{"https://bücher.example/", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"https://www.com/", "www.com", "www.com"},
		{"http://[::1]:81/", "[::1]:81", "[::1]:81"},
		{"http://[::1]/", "[::1]", "[::1]"},
		{"mailto:a@b.example", pipeline.NoHost, ""},
		{"urn:uuid:1", pipeline.NoHost, ""},
		{"/relative", pipeline.NoHost, ""},
		{"http://%zz/", pipeline.NoHost, ""},
		{"", pipeline.NoHost, ""},
	} {
		if h, s := Host(tc.url), Site(tc.url); h != tc.host || s != tc.site {
			t.Errorf("%q: host %q, site %q", tc.url, h, s)
		}
	}
}
