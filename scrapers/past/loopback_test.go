package past

import (
	"testing"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
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
