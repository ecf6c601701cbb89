package scrapers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"wirewatch/pipeline"
)

// ErrForbidden says that an address is private or reserved and not allowed by the configuration.
var ErrForbidden = errors.New("forbidden address")

// A guard keeps requests away from private and reserved addresses. It judges the address in the moment of dialling, so
// that a name which changes its mind after being looked up gains nothing. Ports are free: news is found on odd ones.
type guard struct{ safe *ssrf.Guardian }

func newGuard(allow []netip.Prefix) *guard {
	var v4, v6 []netip.Prefix
	for _, p := range allow {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return &guard{ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))}
}

// dialer dials what is safe.
func (g *guard) dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second, Control: g.control}
}

func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if err := g.safe.Safe(network, address, nil); err != nil {
		return forbidden(address)
	}
	return nil
}

func forbidden(what string) error {
	if ap, err := netip.ParseAddrPort(what); err == nil {
		what = ap.Addr().String()
	}
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "forbidden address",
		Err: fmt.Errorf("%w: %s is private or reserved; name its range in allow_private if it is meant", ErrForbidden, what)}
}

// host judges a host as it is written, before anything is looked up. It refuses what some resolvers read as an address and
// others as a name (2130706433, 0177.1, 0x7f.0.0.1, 127.0.0.1.). proxied asks for more, as nobody on this side will see the address.
func (g *guard) host(name string, proxied bool) error {
	name, dotted := strings.CutSuffix(strings.ToLower(name), ".")
	if a, err := netip.ParseAddr(name); err == nil && !dotted {
		if !proxied {
			return nil // judged when dialled
		}
		if g.safe.SafeAddr(a.Unmap().WithZone("")) != nil || a.Zone() != "" {
			return forbidden(a.String())
		}
		return nil
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" || numeric(last) {
		return &pipeline.Failure{Verdict: pipeline.Final, Reason: "forbidden address",
			Err: fmt.Errorf("%w: %s is neither a host name nor an address in its plain form", ErrForbidden, name)}
	}
	if proxied && (name == "localhost" || last == "localhost" || last == "internal" || last == "local") {
		return forbidden(name)
	}
	return nil
}

// numeric reports whether the last label of a host makes it an IPv4 address in one of its spellings, as the URL standard
// has it: digits, or 0x and hexadecimal digits.
func numeric(label string) bool {
	hex, ok := strings.CutPrefix(label, "0x")
	digits := "0123456789"
	if ok {
		label, digits = hex, digits+"abcdef"
	}
	return strings.Trim(label, digits) == ""
}

// checked lets only http and https to hosts that are hosts through. It stands outside everything else and gives the
// response back under the request it was asked with, so that nothing that was added on the way (credentials) shows.
type checked struct {
	next    http.RoundTripper
	guard   *guard
	proxied bool
}

func (t checked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: fmt.Errorf("%q addresses cannot be fetched: only http and https", r.URL.Scheme)}
	}
	if r.URL.Hostname() == "" {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the address names no host")}
	}
	if err := t.guard.host(r.URL.Hostname(), t.proxied); err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Request = r
	return resp, nil
}

func tlsRoots(p *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: p, MinVersion: tls.VersionTLS12}
}
