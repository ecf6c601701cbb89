package scrapers

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"wirewatch/pipeline"
)

// A Purpose says what a request is for, and so which rules hold for it.
type Purpose int

const (
	ForFeeds  Purpose = iota // host pace, the feed cap, no robots.txt: the user named the feed
	ForPages                 // host pace, the page cap, robots.txt at every hop
	ForHooks                 // no host pace (channels have their own), no robots.txt, redirects are not followed
	ForFiles                 // files of any length that the user named: bytes as stored, host pace, no robots.txt, no cap; the time without a byte is bounded
	ForLists                 // host pace, the cap and times of lists, no robots.txt: sitemaps are announced there, it governs the pages; an archive's index
	forRobots                // host pace; the reader stops by itself
)

const unbounded = 1 << 62

// Pace is how gently a host is treated.
type Pace struct {
	Every    time.Duration // least time between the starts of two requests; 0: no limit
	Parallel int           // most requests in flight; less than 1 counts as 1
}

// Limits bound every exchange. A zero field stands for its default.
type Limits struct {
	Total     time.Duration // an exchange with all its redirects, not counting the wait for slots; 30 s
	Stall     time.Duration // of a file: the longest wait for the next bytes; 60 s
	ListTotal time.Duration // in place of Total for a list, which is ten times a page; 5 min
	Headers   time.Duration // from the request to the response's headers; 20 s
	// ListHeaders is in place of Headers for a list: the index of a web archive says nothing until it has looked everything up; 2 min.
	ListHeaders time.Duration
	Dial        time.Duration // connecting, and again the TLS handshake; 10 s
	Redirects   int           // 5
	HeaderLen   int64         // bytes of response headers; 64 KiB
	Page        int64         // bytes of a page after decoding; 5 MiB
	Feed        int64         // bytes of a feed after decoding; 10 MiB
	List        int64         // bytes of a list, such as a sitemap, after decoding; 52 MiB, as the protocol allows 50
	Hook        int64         // bytes of a webhook's answer after decoding; 1 MiB
	Robots      int64         // bytes of a robots.txt that are read; the rest is ignored; 500 KiB
}

// WithDefaults is l with the defaults of the fields that are zero.
func (l Limits) WithDefaults() Limits {
	l.Total = cmp.Or(l.Total, 30*time.Second)
	l.Stall = cmp.Or(l.Stall, 60*time.Second)
	l.ListTotal = cmp.Or(l.ListTotal, 5*time.Minute)
	l.Headers = cmp.Or(l.Headers, 20*time.Second)
	l.ListHeaders = cmp.Or(l.ListHeaders, 2*time.Minute)
	l.Dial = cmp.Or(l.Dial, 10*time.Second)
	l.Redirects = cmp.Or(l.Redirects, 5)
	l.HeaderLen = cmp.Or(l.HeaderLen, 64<<10)
	l.Page = cmp.Or(l.Page, 5<<20)
	l.Feed = cmp.Or(l.Feed, 10<<20)
	l.List = cmp.Or(l.List, 52<<20)
	l.Hook = cmp.Or(l.Hook, 1<<20)
	l.Robots = cmp.Or(l.Robots, 500<<10)
	return l
}

// A baseKey is what a transport cannot change from request to request.
type baseKey struct {
	proxy   string        // URL; "" is direct
	headers time.Duration // Limits.Headers, or ListHeaders
}

// Options make a Client. The zero value is a polite client that reaches public addresses only, without a pace.
type Options struct {
	AllowPrivate []netip.Prefix // private and reserved addresses that may be dialled all the same
	UserAgent    string         // default: "Wirewatch/VERSION (+CONTACT)"
	Version      string         // for the default user agent
	Contact      string         // URL or mail address where a webmaster finds whoever runs this; for the default user agent
	Pace         Pace
	// Reserve takes the host's next free slot, at least every apart, and says when it is: the store's, so that the pace
	// holds over processes. Nil: slots are kept in this process only. It is not called when Pace.Every is 0.
	Reserve func(ctx context.Context, host string, every time.Duration) (time.Time, error)
	Now     func() time.Time // default: time.Now
	Proxy   pipeline.Secret  // URL of a proxy for everything (http, https, socks5); a secret, as it may hold a password
	RootCAs *x509.CertPool   // default: the system's
	Limits  Limits
}

// A Client is the one guarded HTTP client. It is safe for concurrent use.
type Client struct {
	opts   Options
	limits Limits
	pace   *pacer
	robots *robots
	guard  *guard

	ctx    context.Context // ends with Close: robots.txt files are fetched for everyone who waits, not for one caller
	cancel context.CancelFunc

	mu    sync.Mutex
	bases map[baseKey]*http.Transport // as many as the configuration names proxies, twice
}

// NewClient makes a Client. It fails only on a proxy URL that cannot be used.
func NewClient(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "Wirewatch/" + cmp.Or(o.Version, "dev")
		if o.Contact != "" {
			o.UserAgent += " (+" + o.Contact + ")"
		}
	}
	c := &Client{opts: o, limits: o.Limits.WithDefaults(), guard: newGuard(o.AllowPrivate), bases: map[baseKey]*http.Transport{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.pace = newPacer(o.Pace, o.Reserve, o.Now)
	c.robots = newRobots(c)
	if _, err := c.base(o.Proxy, c.limits.Headers); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends background fetches and closes idle connections. Requests under way are not waited for.
func (c *Client) Close() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.bases {
		t.CloseIdleConnections()
	}
}

// Limits are what bounds the client's exchanges.
func (c *Client) Limits() Limits { return c.limits }

// Queue makes a pace of its own beside that of hosts, which holds over processes as theirs does. What it returns waits for the next turn
// at key; done ends the turn and is called once.
func (c *Client) Queue(p Pace) func(ctx context.Context, key string) (done func(), err error) {
	return newPacer(p, c.opts.Reserve, c.opts.Now).acquire
}

// Sitemaps gives the addresses of the sitemaps that the robots.txt of u's host announces, in its order. It fails where that file cannot
// be had.
func (c *Client) Sitemaps(ctx context.Context, u *url.URL) ([]string, error) {
	return c.robots.sitemaps(ctx, u)
}

// UserAgent is what the client calls itself.
func (c *Client) UserAgent() string { return c.opts.UserAgent }

// HTTP gives an http.Client under the rules of a purpose, for requests without credentials of a feed. Responses come
// decoded; a body above the purpose's cap reads as an error with a pipeline.Failure.
func (c *Client) HTTP(p Purpose) *http.Client {
	rt, err := c.exchange(p, RequestOptions{}, nil)
	if err != nil { // cannot be: NewClient has used the same proxy
		rt = failing{err}
	}
	return &http.Client{Transport: rt, CheckRedirect: c.redirect(p)}
}

// exchange builds the chain of round trippers for one purpose and one feed's options. used adds up the time that the hops
// of one exchange take; nil gives each request the whole time.
//
// Read from the outside in: robots.txt is asked before a slot is taken, since asking takes a slot of its own; the clock
// starts when the slot is there, so that a queue is not mistaken for a slow server; decoding is next to the wire.
func (c *Client) exchange(p Purpose, o RequestOptions, used *time.Duration) (http.RoundTripper, error) {
	proxy := o.Proxy
	if proxy.IsZero() {
		proxy = c.opts.Proxy
	}
	l := c.limitsOf(p)
	base, err := c.base(proxy, l.Headers)
	if err != nil {
		return nil, err
	}
	limit := map[Purpose]int64{ForFeeds: l.Feed, ForPages: l.Page, ForLists: l.List, ForHooks: l.Hook, forRobots: unbounded}[p]
	var rt http.RoundTripper = base
	if p == ForFiles {
		rt = moving{next: rt, stall: l.Stall}
	} else {
		rt = decode{next: rt, limit: limit}
		rt = within{next: rt, total: l.Total, used: used, now: c.opts.Now}
	}
	rt = identify{next: rt, agent: c.opts.UserAgent, opts: o}
	if p != ForHooks {
		rt = paced{next: rt, pace: c.pace, start: p == ForFiles}
	}
	if p == ForPages {
		rt = obeying{next: rt, robots: c.robots, opts: RequestOptions{Proxy: o.Proxy}}
	}
	return checked{next: rt, guard: c.guard, proxied: !proxy.IsZero()}, nil
}

// limitsOf is the limits with Total and Headers as they are for a purpose.
func (c *Client) limitsOf(p Purpose) Limits {
	l := c.limits
	if p == ForLists {
		l.Total, l.Headers = l.ListTotal, l.ListHeaders
	}
	return l
}

// base is the transport that dials directly or through a proxy.
func (c *Client) base(proxy pipeline.Secret, headers time.Duration) (*http.Transport, error) {
	key := baseKey{proxy.Reveal(), headers}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.bases[key]; t != nil {
		return t, nil
	}
	t := &http.Transport{
		Proxy:                  nil, // never the environment's
		DialContext:            c.guard.dialer(c.limits.Dial).DialContext,
		ForceAttemptHTTP2:      true, // a custom dialer would turn it off
		TLSHandshakeTimeout:    c.limits.Dial,
		ResponseHeaderTimeout:  headers,
		MaxResponseHeaderBytes: c.limits.HeaderLen,
		DisableCompression:     true, // decode does it, with a cap
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    max(2, c.opts.Pace.Parallel),
		IdleConnTimeout:        60 * time.Second,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
	if c.opts.RootCAs != nil {
		t.TLSClientConfig = tlsRoots(c.opts.RootCAs)
	}
	if !proxy.IsZero() {
		u, err := url.Parse(proxy.Reveal())
		if err != nil || u.Hostname() == "" {
			return nil, errors.New("the proxy's URL is not one: it should look like http://host:port or socks5://host:port")
		}
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			return nil, fmt.Errorf("proxy scheme %q: it has to be http, https or socks5", u.Scheme)
		}
		t.Proxy = http.ProxyURL(u)
		// This transport dials nothing but the proxy, which the user named and which may well be private.
		t.DialContext = (&net.Dialer{Timeout: c.limits.Dial, KeepAlive: 30 * time.Second}).DialContext
	}
	c.bases[key] = t
	return t, nil
}

// Dial connects to what is not HTTP, such as a mail server, under the same guard as HTTP requests, and never by way of a proxy.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if a, err := idna.Lookup.ToASCII(host); err == nil { // as HTTP does
		host = a
	}
	if err := c.guard.host(host, false); err != nil {
		return nil, err
	}
	return c.guard.dialer(c.limits.Dial).DialContext(ctx, network, net.JoinHostPort(host, port))
}

// redirect is the CheckRedirect of a purpose.
func (c *Client) redirect(p Purpose) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		if p == ForHooks {
			return http.ErrUseLastResponse // a 307 would carry the message, signature and all, to somebody else
		}
		// Go sends the last address along, tokens in its query included, to whatever host comes next.
		r.Header.Del("Referer")
		if len(via) > c.limits.Redirects {
			return &pipeline.Failure{Verdict: pipeline.Final, Reason: "redirects",
				Err: fmt.Errorf("%s: more than %d redirects", Authority(via[0].URL), c.limits.Redirects)}
		}
		return nil
	}
}

// failing is a transport that only fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// RequestOptions are what a feed's configuration adds to the requests for the feed and its pages.
//
// Headers, cookies and basic auth go to the feed's own site alone: the Site of URL, and the Sites named besides. They are
// added to each hop by its own address, so that no redirect carries them elsewhere, and they never go over plain HTTP
// when URL is HTTPS.
type RequestOptions struct {
	URL       string   // the feed's URL as configured; without it there is no own site
	Sites     []string // further host names that get the credentials, such as the one where the pages live
	Headers   map[string]pipeline.Secret
	Cookies   map[string]pipeline.Secret
	BasicAuth BasicAuth
	// Proxy is the URL of a proxy for this feed and its pages. The proxy's own address is allowed because the user named
	// it. Names behind it are resolved by the proxy, so this side can only refuse addresses written as such, and
	// localhost: a proxy has to guard its own network.
	Proxy pipeline.Secret
}

// BasicAuth is a user's name and password.
type BasicAuth struct {
	User     string
	Password pipeline.Secret
}

// own reports whether u is on a site that may see the credentials.
func (o RequestOptions) own(u *url.URL) bool {
	if o.URL == "" {
		return false
	}
	if strings.HasPrefix(strings.ToLower(o.URL), "https:") && u.Scheme != "https" {
		return false
	}
	site := Site(u.String())
	if site == Site(o.URL) {
		return true
	}
	for _, s := range o.Sites {
		if site == Site(u.Scheme+"://"+s) {
			return true
		}
	}
	return false
}

// identify says who asks, and shows the feed's credentials to the feed's own site.
type identify struct {
	next  http.RoundTripper
	agent string
	opts  RequestOptions
}

func (t identify) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.Header.Set("User-Agent", t.agent)
	if t.opts.own(r.URL) {
		for k, v := range t.opts.Headers {
			if strings.EqualFold(k, "Host") {
				out.Host = v.Reveal()
				continue
			}
			out.Header.Set(k, v.Reveal())
		}
		for k, v := range t.opts.Cookies {
			out.AddCookie(&http.Cookie{Name: k, Value: v.Reveal()})
		}
		if a := t.opts.BasicAuth; a.User != "" || !a.Password.IsZero() {
			out.SetBasicAuth(a.User, a.Password.Reveal())
		}
	}
	return t.next.RoundTrip(out)
}

// within bounds the time of an exchange, its body included.
type within struct {
	next  http.RoundTripper
	total time.Duration
	used  *time.Duration
	now   func() time.Time
}

// errTooSlow is the cause of a context that ran out because the other side took too long.
var errTooSlow = errors.New("took too long")

func (t within) RoundTrip(r *http.Request) (*http.Response, error) {
	left := t.total
	if t.used != nil {
		left -= *t.used
	}
	start := t.now()
	ctx, cancel := context.WithTimeoutCause(r.Context(), left, errTooSlow)
	done := func() {
		cancel()
		if t.used != nil {
			*t.used += t.now().Sub(start)
		}
	}
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == errTooSlow {
			err = errTooSlow
		}
		done()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, done: done, translate: func(err error) error {
		if context.Cause(ctx) == errTooSlow {
			return errTooSlow
		}
		return err
	}}
	return resp, nil
}

// optionsOf looks a feed's options up.
func optionsOf(find func(string) RequestOptions, feed string) RequestOptions {
	if find == nil {
		return RequestOptions{}
	}
	return find(feed)
}
