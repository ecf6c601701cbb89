package scrapers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wirewatch/pipeline"
)

// Failed is what an error of an exchange with host for a purpose means: the cause of a context that ended, or else a Failure that reads as
// one sentence.
func (c *Client) Failed(ctx context.Context, err error, host string, p Purpose) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return sentence(err, host, c.limitsOf(p))
}

// sentence turns what went wrong on the way to host into a pipeline.Failure that reads as one sentence. The libraries'
// errors hold whole URLs and what servers sent; nothing of that is passed on but the sentinel a caller may look for.
func sentence(err error, host string, l Limits) error {
	if errors.Is(err, context.Canceled) { // a shutdown is nobody's fault
		return context.Canceled
	}
	var f *pipeline.Failure
	if errors.As(err, &f) {
		return f
	}
	// The host that failed may be another than the one that was asked, behind a redirect. http.Client names it.
	var ue *url.Error
	if errors.As(err, &ue) {
		if u, perr := url.Parse(ue.URL); perr == nil && u.Hostname() != "" {
			host = Authority(u)
		}
	}
	var (
		dns      *net.DNSError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
		hostname x509.HostnameError
		expired  x509.CertificateInvalidError
		unknown  x509.UnknownAuthorityError
		timeout  net.Error
	)
	say := func(reason, format string, args ...any) error {
		return &pipeline.Failure{Verdict: pipeline.Retry, Reason: reason, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case errors.Is(err, errTooSlow):
		return say("timeout", "%s did not finish within %s", host, l.Total)
	case errors.Is(err, errStalled):
		return say("stalled", "%s sent nothing for %s", host, l.Stall)
	case errors.As(err, &dns):
		switch {
		case dns.IsNotFound:
			return say("dns", "there is no host %s; check the address", host)
		case dns.IsTimeout:
			return say("dns", "looking up %s took too long; check this machine's name server", host)
		}
		return say("dns", "%s could not be looked up; check this machine's name server", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("refused", "%s refuses connections: nothing listens there", host)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return say("unreachable", "there is no way to %s; check this machine's network", host)
	case errors.As(err, &hostname):
		return say("tls", "the certificate of %s is for another host", host)
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return say("tls", "the certificate of %s has expired, or this machine's clock is wrong", host)
	case errors.As(err, &unknown):
		return say("tls", "the certificate of %s is signed by an authority that this machine does not know", host)
	case errors.As(err, &verify):
		return say("tls", "the certificate of %s does not hold", host)
	case errors.As(err, &record):
		return say("tls", "%s does not speak TLS; try http instead of https", host)
	case errors.As(err, &alert):
		return say("tls", "%s refused the TLS handshake", host)
	case errors.As(err, &timeout) && timeout.Timeout():
		return say("timeout", "%s does not answer in time", host)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return say("cut", "%s dropped the connection", host)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &pipeline.Failure{Verdict: pipeline.Retry, Reason: "cut", Err: &cut{host}}
	}
	text := err.Error() // only looked at: these have no type to ask for
	switch {
	case strings.Contains(text, "server response headers exceeded"), strings.Contains(text, "header list larger"):
		return &pipeline.Failure{Verdict: pipeline.Final, Reason: "headers", Err: fmt.Errorf("%s sends more than %s of headers", host, FormatSize(l.HeaderLen))}
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return say("tls", "%s does not speak TLS; try http instead of https", host)
	case strings.Contains(text, "failed to parse Location header"):
		return say("redirects", "%s redirects to an address that is none", host)
	case strings.Contains(text, "Proxy Authentication Required"), strings.Contains(text, "proxyconnect"), strings.Contains(text, "socks connect"):
		return say("proxy", "the proxy does not connect to %s", host)
	case strings.Contains(text, "malformed HTTP"):
		return say("protocol", "%s does not speak HTTP", host)
	}
	return say("network", "the exchange with %s failed (%s)", host, kindOf(err))
}

// cut says that a body ended before its end.
type cut struct{ host string }

func (c *cut) Error() string {
	return c.host + " closed the connection before the document was complete"
}

func (c *cut) Unwrap() error { return io.ErrUnexpectedEOF }

// kindOf names an error that has no sentence of its own by its innermost type; its text may hold anything.
func kindOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
		}
		err = inner
	}
}

// StatusText is "404 Not Found".
func StatusText(code int) string {
	if t := http.StatusText(code); t != "" {
		return strconv.Itoa(code) + " " + t
	}
	return strconv.Itoa(code)
}

// Refused is what the status of an answer means, as a Failure; nil for 200 and 203.
func (c *Client) Refused(resp *http.Response) error {
	return statusFailure(Authority(resp.Request.URL), resp.StatusCode, resp.Header, c.opts.Now())
}

// statusFailure says what a status other than a good one means. It returns nil for 200 and 203.
func statusFailure(host string, code int, h http.Header, now time.Time) error {
	f := &pipeline.Failure{Verdict: pipeline.Retry, Reason: "status " + strconv.Itoa(code), Err: fmt.Errorf("%s answered %s", host, StatusText(code))}
	after, said := retryAfter(h, now)
	switch {
	case code == http.StatusOK, code == http.StatusNonAuthoritativeInfo:
		return nil
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && said:
		f.Verdict, f.After = pipeline.Throttled, after
	case code == http.StatusGone:
		f.Verdict = pipeline.Gone
	case code == http.StatusRequestTimeout, code == http.StatusMisdirectedRequest, code == http.StatusTooEarly:
	case code >= 400 && code < 500:
		f.Verdict = pipeline.Final
	}
	if code == http.StatusUnauthorized {
		f.Err = fmt.Errorf("%s answered %s: it wants credentials; see basic_auth, headers and cookies of the feed", host, StatusText(code))
	}
	return f
}

// retryAfter reads Retry-After, in seconds or as a date. A date that is past counts as 0.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 63); err == nil {
		return time.Duration(min(n, 365*24*3600)) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}
