package desk

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"wirewatch/pipeline"
)

// This file says who may ask: it is the same for the API and for the rules' feeds.

// A problem is an answer that is no success.
type problem struct {
	status int
	msg    string
}

func (p *problem) Error() string { return p.msg }

func refuse(status int, format string, args ...any) error {
	return &problem{status, fmt.Sprintf(format, args...)}
}

// notStrange refuses what a stranger's page in somebody's browser can send: a request with the Origin of another page and, on loopback,
// one for a Host that does not name loopback.
func notStrange(r *http.Request) error {
	if onLoopback(r) && !isLoopback(r.Host) {
		return refuse(http.StatusForbidden, "the request is for the host %q, which is not this machine's own name for itself: use 127.0.0.1 or localhost", r.Host)
	}
	if o := r.Header.Get("Origin"); o != "" {
		if u, err := url.Parse(o); err != nil || u.Host == "" || u.Host != r.Host {
			return refuse(http.StatusForbidden, "the request comes from a page of another origin")
		}
	}
	return nil
}

// bearer is the token that a request's header carries.
func bearer(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// same compares hashes, which are of one length, so that nothing can be learned from the time it takes.
func same(got string, want pipeline.Secret) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want.Reveal()))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1
}

// onLoopback reports whether a request reached an address that this machine alone can reach.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && isLoopback(local.String())
}

// isLoopback reports whether a host, with or without a port, is this machine alone.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
