package scrapers

import (
	"bytes"
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
	address := f.Address
	if address == "" {
		address = f.URL
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || authority(u) == pipeline.NoHost {
		return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the feed's url is not an http or https address")}
	}
	u.Fragment = ""
	opts := optionsOf(s.Options, f.Name)
	if opts.URL == "" {
		opts.URL = f.URL
	}
	var used time.Duration
	rt, err := s.Client.exchange(ForFeeds, opts, &used)
	if err != nil {
		return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "proxy", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the feed's url is not an http or https address")}
	}
	req.Header.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5")
	if f.ETag != "" {
		req.Header.Set("If-None-Match", f.ETag)
	}
	if f.LastModified != "" {
		req.Header.Set("If-Modified-Since", f.LastModified)
	}
	trail := moves{permanent: true}
	follow := s.Client.redirect(ForFeeds)
	jar, err := cookiejar.New(nil) // some servers only answer who comes back with their cookie
	if err != nil {
		return pipeline.Polled{}, err
	}
	hc := &http.Client{Transport: rt, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		trail.hop(r)
		return follow(r, via)
	}}
	resp, err := hc.Do(req)
	if err != nil {
		return pipeline.Polled{}, s.fail(ctx, err, authority(u))
	}
	defer resp.Body.Close()
	return s.read(ctx, f, resp, trail.target())
}

// read makes a poll's result of the final response.
func (s *Feeds) read(ctx context.Context, f pipeline.Feed, resp *http.Response, moved string) (pipeline.Polled, error) {
	host := authority(resp.Request.URL)
	now := s.Client.opts.Now()
	got := pipeline.Polled{MovedTo: moved, Fresh: freshFor(resp.Header, now)}
	if resp.StatusCode == http.StatusNotModified {
		if f.ETag == "" && f.LastModified == "" {
			return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "status 304", Err: fmt.Errorf("%s answered 304 Not Modified to a request without a condition", host)}
		}
		got.Unchanged = true
		return got, nil
	}
	if err := statusFailure(host, resp.StatusCode, resp.Header, now); err != nil {
		var fail *pipeline.Failure
		if errors.As(err, &fail) && resp.StatusCode == http.StatusServiceUnavailable {
			fail.Verdict = pipeline.Throttled // to a feed it says no more than "later"; a page's site would wait as a whole
		}
		return pipeline.Polled{}, err
	}
	var doc bytes.Buffer
	_, rerr := doc.ReadFrom(resp.Body)
	if rerr != nil && (!errors.Is(rerr, io.ErrUnexpectedEOF) || doc.Len() == 0) {
		return pipeline.Polled{}, s.fail(ctx, rerr, host)
	}
	base := *resp.Request.URL
	base.User = nil
	parsed, err := feed.Parse(doc.Bytes(), documentType(resp.Header), base.String())
	if err != nil {
		if rerr != nil { // nothing to be saved of what came through
			return pipeline.Polled{}, s.fail(ctx, rerr, host)
		}
		return pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "not a feed", Err: fmt.Errorf("the document of %s is not a usable feed: %w", host, err)}
	}
	got.Title, got.Lang, got.Partial = parsed.Title, parsed.Lang, parsed.Partial
	if rerr != nil {
		got.Partial = sentence(rerr, host, s.Client.limits)
	}
	got.Entries = make([]pipeline.Entry, len(parsed.Entries))
	for i, e := range parsed.Entries {
		got.Entries[i] = pipeline.Entry(e)
	}
	got.Fresh = max(got.Fresh, parsed.TTL)
	if got.Partial == nil {
		got.ETag, got.LastModified = resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	}
	return got, nil
}

func (s *Feeds) fail(ctx context.Context, err error, host string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return sentence(err, host, s.Client.limits)
}

// documentType is the content type, unless it only says that the document was packed.
func documentType(h http.Header) string {
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
