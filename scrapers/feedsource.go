package scrapers

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers/feed"
)

// Feeds polls feeds of the kind rss. It implements pipeline.FeedSource and is safe for concurrent use.
type Feeds struct {
	Client  *Client
	Options func(feed string) RequestOptions // what the configuration adds for a feed; may be nil
}

// Poll asks for the feed's document, conditionally on the validators of the last whole one. Any error but that of a
// context that ended carries a pipeline.Failure.
//
// A document that was cut, by its author or by the network, gives the entries that could be saved, Partial, and no
// validators, so that the next poll asks for the whole of it again.
func (s *Feeds) Poll(ctx context.Context, f pipeline.Feed) (pipeline.Polled, error) {
	if f.Kind != "" && f.Kind != KindRSS {
		return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "kind", Err: fmt.Errorf("no source reads feeds of the kind %q", f.Kind)}
	}
	doc, err := s.Document(ctx, f)
	if err != nil {
		return pipeline.Polled{}, err
	}
	got := pipeline.Polled{MovedTo: doc.Moved, Fresh: freshFor(doc.Header, s.Client.opts.Now())}
	if doc.Feed == nil {
		got.Unchanged = true
		return got, nil
	}
	got.Title, got.Lang, got.Partial = doc.Feed.Title, doc.Feed.Lang, doc.Feed.Partial
	if doc.Cut != nil {
		got.Partial = doc.Cut
	}
	got.Entries = make([]pipeline.Entry, len(doc.Feed.Entries))
	for i, e := range doc.Feed.Entries {
		got.Entries[i] = pipeline.Entry(e)
	}
	got.Fresh = max(got.Fresh, doc.Feed.TTL)
	if got.Partial == nil {
		got.ETag, got.LastModified = doc.Header.Get("ETag"), doc.Header.Get("Last-Modified")
	}
	return got, nil
}

// A Document is a feed's document as a server gave it.
type Document struct {
	Feed   *feed.Feed // nil: it is what it was (304)
	URL    *url.URL   // where it was, behind redirects
	Header http.Header
	Moved  string // where the feed moved for good; "": it did not
	Cut    error  // the network lost its end; Feed has what came through
}

const acceptFeeds = "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"

// Document asks for a document of the feed, the one at f.Address, and reads it. Errors are those of Poll.
func (s *Feeds) Document(ctx context.Context, f pipeline.Feed) (Document, error) {
	opts := optionsOf(s.Options, f.Name)
	if opts.URL == "" {
		opts.URL = f.URL
	}
	header := http.Header{"Accept": {acceptFeeds}}
	if f.ETag != "" {
		header.Set("If-None-Match", f.ETag)
	}
	if f.LastModified != "" {
		header.Set("If-Modified-Since", f.LastModified)
	}
	resp, moved, err := s.Client.Ask(ctx, opts, cmp.Or(f.Address, f.URL), header)
	if err != nil {
		return Document{}, err
	}
	defer resp.Body.Close()
	return s.read(ctx, f, resp, moved)
}

// Ask sends a GET under the rules for feeds, with a feed's options, and says where a chain of permanent redirects ended. Errors carry a
// pipeline.Failure, but for that of a context that ended; a status is for the caller to judge.
func (c *Client) Ask(ctx context.Context, opts RequestOptions, address string, header http.Header) (resp *http.Response, moved string, err error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || Authority(u) == pipeline.NoHost {
		return nil, "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the feed's url is not an http or https address")}
	}
	u.Fragment = ""
	var used time.Duration
	rt, err := c.exchange(ForFeeds, opts, &used)
	if err != nil {
		return nil, "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "proxy", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the feed's url is not an http or https address")}
	}
	req.Header = header
	trail := moves{permanent: true}
	follow := c.redirect(ForFeeds)
	jar, err := cookiejar.New(nil) // some servers only answer who comes back with their cookie
	if err != nil {
		return nil, "", err
	}
	hc := &http.Client{Transport: rt, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		trail.hop(r)
		return follow(r, via)
	}}
	if resp, err = hc.Do(req); err != nil {
		return nil, "", c.Failed(ctx, err, Authority(u), ForFeeds)
	}
	return resp, trail.target(), nil
}

// read makes a document of the final response.
func (s *Feeds) read(ctx context.Context, f pipeline.Feed, resp *http.Response, moved string) (Document, error) {
	base := *resp.Request.URL
	base.User = nil
	host := Authority(&base)
	doc := Document{URL: &base, Header: resp.Header, Moved: moved}
	if resp.StatusCode == http.StatusNotModified {
		if f.ETag == "" && f.LastModified == "" {
			return Document{}, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "status 304", Err: fmt.Errorf("%s answered 304 Not Modified to a request without a condition", host)}
		}
		return doc, nil
	}
	if err := s.Client.Refused(resp); err != nil {
		var fail *pipeline.Failure
		if errors.As(err, &fail) && resp.StatusCode == http.StatusServiceUnavailable {
			fail.Verdict = pipeline.Throttled // to a feed it says no more than "later"; a page's site would wait as a whole
		}
		return Document{}, err
	}
	var body bytes.Buffer
	_, rerr := body.ReadFrom(resp.Body)
	if rerr != nil && (!errors.Is(rerr, io.ErrUnexpectedEOF) || body.Len() == 0) {
		return Document{}, s.Client.Failed(ctx, rerr, host, ForFeeds)
	}
	var err error
	if doc.Feed, err = feed.Parse(body.Bytes(), DocumentType(resp.Header), base.String()); err != nil {
		if rerr != nil { // nothing to be saved of what came through
			return Document{}, s.Client.Failed(ctx, rerr, host, ForFeeds)
		}
		return Document{}, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "not a feed", Err: fmt.Errorf("the document of %s is not a usable feed: %w", host, err)}
	}
	if rerr != nil {
		doc.Cut = sentence(rerr, host, s.Client.limits)
	}
	return doc, nil
}

// documentType is the content type, unless it only says that the document was packed.
func DocumentType(h http.Header) string {
	t := h.Get("Content-Type")
	if strings.Contains(strings.ToLower(t), "gzip") {
		return ""
	}
	return t
}

// moves follows a chain of redirects for one that is permanent from end to end.
type moves struct {
	permanent bool
	secure    bool
	last      *url.URL
}

func (m *moves) hop(r *http.Request) {
	code := 0
	if r.Response != nil { // the response that caused this request
		code = r.Response.StatusCode
		if r.Response.Request != nil && r.Response.Request.URL.Scheme == "https" {
			m.secure = true
		}
	}
	m.permanent = m.permanent && (code == http.StatusMovedPermanently || code == http.StatusPermanentRedirect)
	m.last = r.URL
}

// target is where the feed moved for good: "" when it did not, or when it would lose its encryption.
func (m *moves) target() string {
	if m.last == nil || !m.permanent || m.secure && m.last.Scheme != "https" {
		return ""
	}
	u := *m.last
	u.User, u.Fragment = nil, ""
	return u.String()
}

// freshFor is how much longer a response may be taken as fresh: Cache-Control's max-age less its Age, else Expires less
// Date; 0 when the headers say nothing or that it must not be kept.
func freshFor(h http.Header, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour
	said := false
	var age time.Duration
	for d := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		k, v, _ := strings.Cut(strings.ToLower(strings.TrimSpace(d)), "=")
		switch strings.TrimSpace(k) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if n, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(v), `"`), 10, 64); err == nil && n >= 0 {
				age, said = time.Duration(min(n, int64(most/time.Second)))*time.Second, true
			}
		}
	}
	if said {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("Age")), 10, 64); err == nil && n > 0 {
			age -= time.Duration(min(n, int64(most/time.Second))) * time.Second
		}
		return max(0, age)
	}
	exp, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	from := now
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		from = d
	}
	return min(max(0, exp.Sub(from)), most)
}
