package dedup

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
)

// mostLinks bounds how many links are followed that stand in each other.
const mostLinks = 4

// Resolve gives the address that a redirector's link leads to, where the link carries it; any other address comes back as it is,
// without white space around it. Links that only the redirector can resolve (t.co, Google News since 2024) stay: fetched, they say
// where they lead.
func Resolve(rawURL string) string {
	s := strings.TrimSpace(rawURL)
	for range mostLinks {
		if !carries(s) {
			break
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			break
		}
		next := ""
		for _, r := range redirectors {
			if r.leads(u) {
				if next = r.target(u); next != "" {
					break
				}
			}
		}
		if next == "" {
			break
		}
		s = next
	}
	return s
}

// services are the labels that redirectors' hosts are registered under: what tells nearly every address that it is none of theirs.
var services = servicesOf(redirectors)

func servicesOf(list []redirector) map[string]bool {
	out := map[string]bool{}
	for _, r := range list {
		for _, h := range strings.Fields(r.hosts) {
			labels := strings.Split(h, ".")
			out[labels[len(labels)-2]] = true
		}
	}
	return out
}

// carries says whether an address may be a redirector's, by the labels of its host.
func carries(s string) bool {
	_, host, ok := strings.Cut(s, "://")
	if !ok {
		return false
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	for len(host) > 0 {
		var label string
		label, host, _ = strings.Cut(host, ".")
		if services[label] || services[strings.ToLower(label[strings.LastIndexByte(label, '@')+1:])] {
			return true
		}
	}
	return false
}

// leads says whether an address is one of r's links.
func (r redirector) leads(u *url.URL) bool {
	path := "/" + strings.TrimLeft(u.Path, "/")
	if whole, ok := strings.CutSuffix(r.path, "$"); ok {
		if strings.TrimRight(path, "/") != whole {
			return false
		}
	} else if !strings.HasPrefix(path, r.path) {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	for _, h := range strings.Fields(r.hosts) {
		if name, ok := strings.CutSuffix(h, ".*"); ok {
			// A country's domain is one short label, or two: google.de, google.co.uk.
			rest, found := strings.CutPrefix(host, name+".")
			if i := strings.LastIndex(host, "."+name+"."); !found && i >= 0 {
				rest, found = host[i+len(name)+2:], true
			}
			labels := strings.Split(rest, ".")
			if found && (len(labels) == 1 || len(labels) == 2 && len(labels[0]) <= 3 && len(labels[1]) == 2) {
				return true
			}
		} else if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// target is the address that a link carries, "" when it carries none.
func (r redirector) target(u *url.URL) string {
	switch r.in {
	case inPath:
		return fromPath(u, r.path)
	case inNews:
		id, _, _ := strings.Cut(strings.TrimPrefix(u.Path, r.path), "/")
		return fromNews(id)
	case inYahoo:
		for _, part := range strings.Split(u.EscapedPath(), "/") {
			if s, ok := strings.CutPrefix(part, "RU="); ok {
				if s, err := url.PathUnescape(s); err == nil {
					return address(s)
				}
			}
		}
		return ""
	case inProof3:
		s := strings.TrimPrefix(u.EscapedPath(), r.path)
		if u.RawQuery != "" {
			s += "?" + u.RawQuery
		}
		s, _, ok := strings.Cut(s, "__;")
		if !ok {
			return ""
		}
		// The path has had its double slash mended in many mail programs.
		if scheme, rest, ok := strings.Cut(s, ":/"); ok && !strings.HasPrefix(rest, "/") {
			s = scheme + "://" + rest
		}
		if strings.Contains(s, "*") {
			return "" // characters were taken out of it
		}
		return address(s)
	}
	if r.params == "?" {
		s := u.RawQuery
		if un, err := url.QueryUnescape(s); err == nil && !strings.Contains(s, "://") {
			s = un
		}
		return address(s)
	}
	q := u.Query()
	for _, name := range strings.Fields(r.params) {
		s := q.Get(name)
		switch r.in {
		case inAnswer:
			b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(s, "a1"), "="))
			if err != nil {
				continue
			}
			s = string(b)
		case inProof2:
			un, err := url.PathUnescape(strings.NewReplacer("-", "%", "_", "/").Replace(s))
			if err != nil {
				continue
			}
			s = un
		}
		if t := address(s); t != "" {
			return t
		}
	}
	return ""
}

// address gives s back when it is an http address of a host; "" otherwise.
func address(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || !strings.Contains(strings.Trim(u.Hostname(), "."), ".") {
		return ""
	}
	if scheme := strings.ToLower(u.Scheme); scheme != "http" && scheme != "https" {
		return ""
	}
	return s
}

// fromPath reads host and path behind a path's beginning. A page of its own may hide there: the first part has to be a host's name.
func fromPath(u *url.URL, prefix string) string {
	s := strings.TrimPrefix(u.EscapedPath(), prefix)
	scheme := "http://"
	if strings.HasSuffix(prefix, "/s/") {
		scheme = "https://"
	} else if rest, ok := strings.CutPrefix(s, "s/"); ok {
		s, scheme = rest, "https://"
	}
	host, _, _ := strings.Cut(s, "/")
	if i := strings.LastIndexByte(host, '.'); i <= 0 || len(host)-i < 3 || strings.ContainsAny(host, "%@ ") {
		return ""
	}
	for _, ext := range []string{".html", ".htm", ".php", ".aspx", ".amp"} {
		if strings.HasSuffix(host, ext) {
			return ""
		}
	}
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	return address(scheme + s)
}

// fromNews reads the address out of the id of a Google News article, as it was until 2024: a protocol buffer whose field 4 is the
// address. Later ids hold what only the service can resolve.
func fromNews(id string) string {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(id, "="))
	if err != nil {
		return ""
	}
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return ""
		}
		b = b[n:]
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return ""
		}
		b = b[n:]
		switch tag & 7 {
		case 0: // a number
		case 2: // bytes
			if v > uint64(len(b)) {
				return ""
			}
			if s := address(string(b[:v])); tag>>3 == 4 && s != "" {
				return s
			}
			b = b[v:]
		default:
			return ""
		}
	}
	return ""
}
