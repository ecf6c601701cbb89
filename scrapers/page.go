package scrapers

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gocolly/colly/v2"

	"wirewatch/pipeline"
)

// Pages fetches the pages of items with colly. It implements pipeline.PageFetcher and is safe for concurrent use.
//
// Of colly it uses a fresh collector for each page, synchronously, on the Client's chain of round trippers, which does
// what colly's own limits, robots, caps and caches would get wrong.
type Pages struct {
	Client  *Client
	Options func(feed string) RequestOptions // what the configuration adds for a feed; may be nil
}

// pageTypes are the content types that can hold an article.
var pageTypes = []string{"text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"}

// Fetch gets the item's page: its bytes as the page's author encoded them. With the item's validators the request is conditional,
// and pipeline.ErrUnchanged says that the page is what it was. Any other error but that of a context that ended carries a
// pipeline.Failure.
//
// Where the item names a copy, that is fetched, unconditionally, and the page is given as the article's own: its addresses are those of the
// article, Fetched is when the copy was taken, and it has no validators.
func (p *Pages) Fetch(ctx context.Context, item pipeline.Item) (page *pipeline.Page, err error) {
	defer func() {
		if v := recover(); v != nil {
			page, err = nil, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "panic", Err: fmt.Errorf("fetching the page panicked: %v\n%s", v, debug.Stack())}
		}
	}()
	u, err := url.Parse(strings.TrimSpace(item.Entry.URL))
	if err != nil || Authority(u) == pipeline.NoHost {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the item's link is not an http or https address")}
	}
	if item.Copy != "" {
		item.ETag, item.LastModified = "", ""
		if u, err = url.Parse(item.Copy); err != nil || Authority(u) == pipeline.NoHost {
			return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the address of the item's copy is not an http or https address")}
		}
	}
	var used time.Duration
	rt, err := p.Client.exchange(ForPages, optionsOf(p.Options, item.Feed), &used)
	if err != nil {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "proxy", Err: err}
	}
	v := visit{now: p.Client.opts.Now, page: pipeline.Page{URL: item.Entry.URL}, conditional: item.ETag != "" || item.LastModified != ""}
	c := p.collector(ctx, acceptPages{rt, item.ETag, item.LastModified})
	c.OnResponseHeaders(v.headers)
	c.OnResponse(v.body)
	c.OnError(func(_ *colly.Response, err error) {
		if v.err == nil { // else this is colly's word for our own Abort
			v.err = err
		}
	})
	if err := c.Visit(u.String()); v.err == nil {
		v.err = err
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(v.err, pipeline.ErrUnchanged):
		return nil, pipeline.ErrUnchanged
	case v.err != nil:
		return nil, sentence(v.err, Authority(u), p.Client.limits)
	case !v.whole:
		return nil, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "no answer", Err: fmt.Errorf("%s gave no answer", Authority(u))}
	}
	if item.Copy != "" {
		if err := ofCopy(&v.page, item, v.memento); err != nil {
			return nil, err
		}
	}
	return &v.page, nil
}

// collector makes a collector for one page. It is not made by NewCollector, which reads COLLY_ variables from the
// environment after its options.
func (p *Pages) collector(ctx context.Context, rt http.RoundTripper) *colly.Collector {
	c := &colly.Collector{}
	c.Init()
	c.Context = ctx
	c.UserAgent = p.Client.UserAgent()
	c.AllowURLRevisit = true        // the database knows what was seen; a failed visit must not count
	c.MaxBodySize = 0               // decode has a cap, on what is decoded, with an error
	c.IgnoreRobotsTxt = true        // obeying asks, at every hop
	c.ParseHTTPErrorResponse = true // statuses are told apart by visit
	c.DetectCharset = false         // the extractor decodes, from the page's own bytes
	c.SetRequestTimeout(0)          // within counts the time, without the wait for a slot
	c.WithTransport(rt)
	c.SetRedirectHandler(p.Client.redirect(ForPages))
	return c
}

// acceptPages says which documents are wanted, and which one is at hand.
type acceptPages struct {
	next               http.RoundTripper
	etag, lastModified string
}

func (t acceptPages) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,text/plain;q=0.8,*/*;q=0.1")
	// At every hop: the validators are those of the last one, and which that is shows when it is reached.
	if t.etag != "" {
		r.Header.Set("If-None-Match", t.etag)
	}
	if t.lastModified != "" {
		r.Header.Set("If-Modified-Since", t.lastModified)
	}
	return t.next.RoundTrip(r)
}

// A visit collects what colly's callbacks say of one page.
type visit struct {
	now   func() time.Time
	page  pipeline.Page
	err   error
	whole bool

	conditional bool   // the request named validators
	memento     string // of an archive's answer: when the document was taken, RFC 7089
}

// headers judges the response before its body is read.
func (v *visit) headers(r *colly.Response) {
	final := *r.Request.URL
	host := Authority(&final)
	final.User, final.Fragment, final.RawFragment = nil, "", ""
	v.page.FinalURL = final.String()
	v.page.Status = r.StatusCode
	v.page.ContentType = r.Headers.Get("Content-Type")
	v.page.ETag = r.Headers.Get("ETag")
	v.page.LastModified = r.Headers.Get("Last-Modified")
	v.memento = r.Headers.Get("Memento-Datetime")
	if r.StatusCode == http.StatusNotModified && v.conditional {
		v.err = pipeline.ErrUnchanged
	} else if v.err = statusFailure(host, r.StatusCode, *r.Headers, v.now()); v.err == nil {
		v.err = wanted(host, v.page.ContentType)
	}
	if v.err != nil {
		r.Request.Abort()
	}
	// colly rewrites bodies whose header names a charset, and would lose what the page itself says.
	r.Headers.Del("Content-Type")
}

func (v *visit) body(r *colly.Response) {
	if v.err != nil {
		return
	}
	v.page.Body = r.Body
	v.page.Fetched = v.now()
	host := Authority(r.Request.URL)
	if len(r.Body) == 0 {
		v.err = &pipeline.Failure{Verdict: pipeline.Retry, Reason: "empty", Err: fmt.Errorf("%s sent an empty page", host)}
	} else if v.page.ContentType == "" {
		v.err = wanted(host, http.DetectContentType(r.Body))
	}
	v.whole = true
}

// wanted refuses what cannot be an article: pictures, films, archives. No type at all is judged by the body.
func wanted(host, contentType string) error {
	if contentType == "" {
		return nil
	}
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if slices.Contains(pageTypes, t) {
		return nil
	}
	if m, _, err := mime.ParseMediaType(t); err != nil || len(m) > 100 {
		t = "an unreadable type"
	}
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "content type", Err: fmt.Errorf("%s sent %s, which is no page", host, t)}
}
