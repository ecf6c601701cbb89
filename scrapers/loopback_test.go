package scrapers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers/webtest"
)

// What the tests share with those of other packages.
var (
	loopback = webtest.Loopback
	serve    = webtest.Serve
	fails    = webtest.Fails
	html     = webtest.HTML
	zipped   = webtest.Zipped
	contains = webtest.Contains
	carries  = webtest.Carries
)

const canary = webtest.Canary

// newClient makes a client that reaches loopback, changed by set.
func newClient(t testing.TB, set func(*Options)) *Client {
	t.Helper()
	o := Options{AllowPrivate: loopback}
	if set != nil {
		set(&o)
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fetch(c *Client, url string) (*pipeline.Page, error) {
	return (&Pages{Client: c}).Fetch(context.Background(), item(url))
}

func item(url string) pipeline.Item {
	return pipeline.Item{Feed: "wire", Entry: pipeline.Entry{URL: url}}
}

func poll(c *Client, url string) (pipeline.Polled, error) {
	return (&Feeds{Client: c}).Poll(context.Background(), pipeline.Feed{Name: "wire", URL: url})
}

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title><link>http://wire.example/</link><ttl>5</ttl>
<item><title>One</title><link>http://wire.example/1</link><guid>a1</guid><pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate></item>
<item><title>Two</title><link>http://wire.example/2</link><guid>a2</guid></item>
</channel></rss>`

func sendFeed(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/rss+xml")
	w.Header().Set("ETag", `"v1"`)
	fmt.Fprint(w, rss)
}

// unruled lets a client know that a server has no robots.txt, so that a limit meant for the page falls on no other request.
func unruled(c *Client, srv *httptest.Server) {
	c.robots.files[" "+srv.URL] = robotsFile{until: time.Now().Add(time.Hour)}
}

// ends runs what has to end of itself, and soon fails a test that waits for what does not come. They only guard against hanging: a limit
// that is tried is milliseconds long, those beside it are set to an hour.
func ends(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	soon(t, what, done)
}

func soon(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(2 * time.Minute):
		t.Fatal(what + " did not happen")
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
