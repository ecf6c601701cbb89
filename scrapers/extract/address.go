package extract

import (
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// The page's own address. What a page says of it is believed only where it can be true: on the same registrable site, not the
// home page, not a twin of the page for telephones.

// address makes an address that a page gives for itself absolute, "" when it cannot be the page's.
func (p *page) address(ref string) string {
	if strings.HasPrefix(ref, "#") { // JSON-LD's name for a thing within the page
		return ""
	}
	base := uncached(p.in.URL)
	s := absolute(base, ref)
	u, err := url.Parse(s)
	if s == "" || err != nil {
		return ""
	}
	if u.Fragment != "" && !strings.HasPrefix(u.Fragment, "!") {
		u.Fragment, u.RawFragment = "", ""
		s = u.String()
	}
	own, err := url.Parse(base)
	if err != nil || own.Host == "" || own.Scheme != "http" && own.Scheme != "https" {
		return s // nothing is known to hold it against
	}
	if registrable(u.Hostname()) != registrable(own.Hostname()) || homePath(u) && !homePath(own) {
		return ""
	}
	for _, twin := range p.h.twins {
		if t := absolute(base, twin); t == s {
			return ""
		}
	}
	return s
}

// homePath says whether an address is that of a home page: no path, or only a language ("/en/").
func homePath(u *url.URL) bool {
	path := strings.Trim(u.Path, "/")
	return len(path) <= 2 && u.RawQuery == ""
}

// registrable is the part of a host that somebody registered: "example.co.uk" of "www.example.co.uk".
func registrable(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return s
	}
	return host
}

// uncached is the address of the page of which a cache of AMP pages holds a copy, or the address itself. Such caches are told
// by their form: the first label of the host spells the host of the page (with "-" for "." and "--" for "-"), and the path
// names it again behind a kind and, for https, "s"; or the path is that of a viewer, /amp/s/HOST/….
func uncached(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	segs := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if len(segs) < 2 || len(segs[0]) > 3 {
		return address
	}
	scheme, rest := "http", segs[1:]
	if rest[0] == "s" {
		scheme, rest = "https", rest[1:]
	}
	if len(rest) == 0 || !strings.Contains(strings.Trim(rest[0], "."), ".") {
		return address
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	spelt := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(rest[0]), "-", "--"), ".", "-")
	if label != spelt && !(segs[0] == "amp" && scheme == "https") {
		return address
	}
	out := scheme + "://" + strings.Join(rest, "/")
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out
}

// ownAddress is the address the page was found at, without what shows another form of it.
func (x *Extractor) ownAddress(in Input) string {
	s := uncached(in.URL)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if x.CleanURL != nil {
		return x.CleanURL(s)
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}
