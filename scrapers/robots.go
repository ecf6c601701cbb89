package scrapers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"wirewatch/pipeline"
)

// robots keeps the robots.txt of each host, by RFC 9309: a file holds for a day; one that does not exist (any 4xx but
// 429) allows everything; one that cannot be had (5xx, 429, no connection) forbids everything for now, unless an older
// copy is at hand. Only the first 500 KiB count.
type robots struct {
	c     *Client
	agent string
	group singleflight.Group // one fetch of a host's file, however many pages wait for it

	mu    sync.Mutex
	files map[string]robotsFile
	sweep int
}

// A robotsFile is what is known of a host's robots.txt. With err nothing may be fetched.
type robotsFile struct {
	rules robotsRules
	maps  []string // the sitemaps that it announces
	err   error
	until time.Time
}

const (
	robotsFresh     = 24 * time.Hour
	robotsRetry     = 5 * time.Minute // until a file that could not be had is asked for again
	robotsRedirects = 5
)

func newRobots(c *Client) *robots {
	return &robots{c: c, agent: productToken(c.opts.UserAgent), files: map[string]robotsFile{}, sweep: minSweep}
}

// errRobots says that a robots.txt forbids a page.
var errRobots = errors.New("forbidden by robots.txt")

// check returns nil when u may be fetched, a Final failure when robots.txt forbids it, and one to Retry when that cannot be
// known for now.
func (r *robots) check(ctx context.Context, u *url.URL, o RequestOptions) error {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path == "/robots.txt" {
		return nil
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	f, err := r.file(ctx, u, o)
	if err != nil {
		return err
	}
	if err := f.unknown(u); err != nil {
		return err
	}
	if !f.rules.allows(path) {
		return &pipeline.Failure{Verdict: pipeline.Final, Reason: "robots", Err: fmt.Errorf("%w of %s", errRobots, Authority(u))}
	}
	return nil
}

// sitemaps gives the addresses of the sitemaps that the robots.txt of u's host announces, in its order. It fails as check does where the
// file cannot be had.
func (r *robots) sitemaps(ctx context.Context, u *url.URL) ([]string, error) {
	f, err := r.file(ctx, u, RequestOptions{})
	if err != nil {
		return nil, err
	}
	return f.maps, f.unknown(u)
}

// unknown is the failure of a file that could not be had; nil: it is there.
func (f robotsFile) unknown(u *url.URL) error {
	if f.err == nil || errors.Is(f.err, ErrForbidden) { // the latter will not pass by waiting
		return f.err
	}
	return &pipeline.Failure{Verdict: pipeline.Retry, Reason: "robots unreachable",
		Err: fmt.Errorf("the robots.txt of %s cannot be had, so its pages have to wait: %w", Authority(u), f.err)}
}

// file gives the host's file, fetching it when it is not known or too old.
func (r *robots) file(ctx context.Context, u *url.URL, o RequestOptions) (robotsFile, error) {
	// By scheme too: a host's two ports may be two servers. By proxy: it may show another web.
	key := o.Proxy.Reveal() + " " + u.Scheme + "://" + Authority(u)
	r.mu.Lock()
	old, known := r.files[key]
	r.mu.Unlock()
	if known && r.c.opts.Now().Before(old.until) {
		return old, nil
	}
	got := r.group.DoChan(key, func() (v any, _ error) {
		defer func() { // on a goroutine of its own a panic would end the process
			if p := recover(); p != nil {
				v = robotsFile{err: fmt.Errorf("reading it panicked: %v", p)}
			}
		}()
		r.mu.Lock()
		late := r.files[key] // someone else may have been quicker
		r.mu.Unlock()
		if r.c.opts.Now().Before(late.until) {
			return late, nil
		}
		f := r.fetch(u, o)
		now := r.c.opts.Now()
		f.until = now.Add(robotsFresh)
		if f.err != nil {
			if known && old.err == nil { // an old word is better than none
				f = old
			}
			f.until = now.Add(robotsRetry)
		}
		r.store(key, f, now)
		return f, nil
	})
	select {
	case res := <-got:
		return res.Val.(robotsFile), nil
	case <-ctx.Done():
		return robotsFile{}, context.Cause(ctx)
	}
}

func (r *robots) store(key string, f robotsFile, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.files) >= r.sweep {
		for k, f := range r.files {
			if !now.Before(f.until) {
				delete(r.files, k)
			}
		}
		r.sweep = max(minSweep, 2*len(r.files))
	}
	r.files[key] = f
}

// fetch asks for a host's file, for everyone who waits for it: it ends with the client, not with one caller.
func (r *robots) fetch(u *url.URL, o RequestOptions) robotsFile {
	var used time.Duration
	rt, err := r.c.exchange(forRobots, o, &used)
	if err != nil {
		return robotsFile{err: err}
	}
	hc := &http.Client{Transport: rt, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer")
		if len(via) > robotsRedirects {
			return http.ErrUseLastResponse // the standard: as if there was none
		}
		return nil
	}}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	req, err := http.NewRequestWithContext(r.c.ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return robotsFile{err: errors.New("the address is not one")}
	}
	resp, err := hc.Do(req)
	if err != nil {
		return robotsFile{err: sentence(err, Authority(u), r.c.limits)}
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s >= 500 || s == http.StatusTooManyRequests:
		return robotsFile{err: fmt.Errorf("the server answered %s", StatusText(s))}
	case s < 200 || s > 299:
		return robotsFile{}
	}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, r.c.limits.Robots+1))
	if err != nil {
		return robotsFile{err: sentence(err, Authority(u), r.c.limits)}
	}
	if int64(len(doc)) > r.c.limits.Robots { // a rule cut in two would mean something else
		doc = doc[:r.c.limits.Robots]
		doc = doc[:bytes.LastIndexAny(doc, "\r\n")+1]
	}
	return robotsFile{rules: parseRobots(doc, r.agent), maps: announced(doc, &at)}
}

// obeying asks each hop's robots.txt first.
type obeying struct {
	next   http.RoundTripper
	robots *robots
	opts   RequestOptions // the proxy; robots.txt is asked without credentials
}

func (t obeying) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.robots.check(r.Context(), r.URL, t.opts); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(r)
}
