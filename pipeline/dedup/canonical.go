package dedup

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Canonical is the form of a page's address by which the page is known: without what tells visits, referrers and forms of
// display apart, and what a redirector's link leads to (see Resolve). It is an identity, not an address to fetch: http becomes
// https and www goes. What is no http address comes back as it is, without white space around it. Canonical is idempotent.
func Canonical(rawURL string) string {
	s := Resolve(rawURL)
	for range 4 { // one form of display may hide another; what is not settled by then never is
		next := canonical(Resolve(s))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[strings.ToLower(w)] = true
	}
	return m
}

func canonical(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return s
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" {
		return s
	}
	host, ok := hostOf(scheme, u)
	if !ok {
		return s
	}
	if scheme == "http" && u.Port() == "" || u.Port() == "80" && scheme == "http" {
		scheme = "https"
	}
	out := scheme + "://" + host + pathOf(u.EscapedPath())
	if q := queryOf(u.RawQuery); q != "" {
		out += "?" + q
	}
	if strings.HasPrefix(u.Fragment, "!") { // an address of its own, by an old convention
		out += "#" + escape(u.EscapedFragment(), "!/?:@&=+$,;~*'()")
	}
	return out
}

// hostOf is the host in lower case, without the default port and without labels that only choose a form of display.
func hostOf(scheme string, u *url.URL) (string, bool) {
	h := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if !ascii(h) {
		if a, err := idna.Lookup.ToASCII(h); err == nil {
			h = a
		}
	}
	if h == "" || strings.ContainsAny(h, "%/?#@[] \\") {
		return "", false
	}
	port := u.Port()
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		port = ""
	}
	if strings.Contains(h, ":") {
		h = "[" + h + "]"
	} else {
		labels := strings.Split(h, ".")
		for len(labels) > 2 && twinHosts[labels[0]] && !(len(labels) == 3 && publicSecond[labels[1]] && len(labels[2]) == 2) {
			labels = labels[1:]
		}
		// A language may stand before the m: en.m.example.org.
		if len(labels) > 3 && twinLabels[labels[1]] && len(labels[0]) <= 3 {
			labels = append(labels[:1:1], labels[2:]...)
		}
		h = strings.Join(labels, ".")
	}
	if port != "" {
		h += ":" + port
	}
	return h, true
}

// pathOf settles escapes, dots and slashes of an escaped path and takes off what shows the same page.
func pathOf(p string) string {
	p = escape(p, "!$&'()*+,;=:@/")
	if strings.ContainsAny(p, ";(") {
		p = pathSession.ReplaceAllString(p, "")
	}
	if caseless(p) {
		p = lowerPath(p)
	}
	var segs []string
	for _, s := range strings.Split(p, "/") {
		switch s {
		case "", ".":
		case "..":
			segs = segs[:max(0, len(segs)-1)]
		default:
			segs = append(segs, s)
		}
	}
	for n := len(segs); n > 0; n = len(segs) {
		last := strings.ToLower(segs[n-1])
		if indexFiles[last] || twinSegments[last] && n > 1 && articleLike(segs[:n-1]) {
			segs = segs[:n-1]
			continue
		}
		cut := false
		for _, t := range twinSuffixes {
			if strings.HasSuffix(last, t.twin) && len(last) > len(t.twin) {
				segs[n-1] = segs[n-1][:len(last)-len(t.twin)] + t.page
				cut = true
				break
			}
		}
		if !cut {
			break
		}
	}
	for len(segs) > 2 && twinFirst[strings.ToLower(segs[0])] && articleLike(segs[1:]) {
		segs = segs[1:]
	}
	return "/" + strings.Join(segs, "/")
}

// caseless says whether a path is served by a system that takes no notice of case.
func caseless(p string) bool {
	low := strings.ToLower(p)
	for _, ext := range caselessFiles {
		if strings.HasSuffix(low, ext) {
			return true
		}
	}
	return false
}

// lowerPath puts an escaped path into lower case, but for the digits of its escapes.
func lowerPath(p string) string {
	b := []byte(p)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '%':
			i += 2
		case b[i] >= 'A' && b[i] <= 'Z':
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// articleLike says whether a path looks like that of an article: a slug of several words, or a number, at its end.
func articleLike(segs []string) bool {
	if len(segs) == 0 {
		return false
	}
	last := segs[len(segs)-1]
	digits := 0
	for i := range len(last) {
		if last[i] >= '0' && last[i] <= '9' {
			digits++
		}
	}
	return strings.Count(last, "-") >= 2 || strings.Count(last, "_") >= 2 || digits >= 4
}

// queryOf drops parameters that do not choose the page, and sorts the others.
func queryOf(q string) string {
	var keep []string
	for _, part := range strings.FieldsFunc(q, func(r rune) bool { return r == '&' }) {
		name, value, has := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		plain = strings.ToLower(strings.TrimPrefix(plain, "amp;"))
		val, err := url.QueryUnescape(value)
		if err != nil {
			val = value
		}
		if dropped(plain, strings.ToLower(val)) {
			continue
		}
		part = escape(name, "!$'()*,;:@/?+")
		if has {
			part += "=" + escape(value, "!$'()*,;:@/?=+")
		}
		keep = append(keep, part)
	}
	slices.SortStableFunc(keep, func(a, b string) int { // by name only: the order of one name's values means something
		x, _, _ := strings.Cut(a, "=")
		y, _, _ := strings.Cut(b, "=")
		return strings.Compare(x, y)
	})
	return strings.Join(keep, "&")
}

// dropped says whether a parameter, name and value in lower case, does not choose the page.
func dropped(name, value string) bool {
	if name == "" || trackingParams[name] || sessionParams[name] {
		return true
	}
	for _, list := range [][]string{trackingPrefixes, sessionPrefixes} {
		for _, p := range list {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
	}
	if sessionNames[name] && sessionValue.MatchString(value) || stampNames[name] && stampValue.MatchString(value) {
		return true
	}
	if slices.ContainsFunc(originParams[name], func(o string) bool {
		begin, all := strings.CutSuffix(o, "*")
		return value == o || all && strings.HasPrefix(value, begin)
	}) {
		return true
	}
	values, ok := twinParams[name]
	return ok && (values == nil || slices.Contains(values, value))
}

// Plausible reports whether a page's own word for its address, its canonical link, can be true: an address of the same site that
// is neither its front page nor a section the page stands in, nor the one script that shows all of a site's pages.
func Plausible(canonical, page string) bool {
	c, cerr := url.Parse(Canonical(canonical))
	p, perr := url.Parse(Canonical(page))
	if cerr != nil || perr != nil || c.Host == "" || siteName(c) != siteName(p) || strings.Trim(c.Path, "/") == "" && c.RawQuery == "" {
		return false
	}
	if articleLike(strings.Split(c.EscapedPath(), "/")) {
		return true
	}
	short, long := strings.TrimRight(c.EscapedPath(), "/")+"/", strings.TrimRight(p.EscapedPath(), "/")+"/"
	switch {
	case short == long:
		return c.RawQuery != "" || p.RawQuery == ""
	case strings.HasPrefix(long, short) && c.RawQuery == "":
		return false
	}
	return true
}

// siteName is what one owner registered, with the port: a host below a public suffix, an address as it is.
func siteName(u *url.URL) string {
	h := u.Hostname()
	if s, err := publicsuffix.EffectiveTLDPlusOne(h); err == nil && net.ParseIP(h) == nil {
		h = s
	}
	return h + ":" + u.Port()
}

// escape writes a string of bytes and %XX escapes in its one normal form (RFC 3986, 6.2.2): unreserved characters and
// those in also stand as they are, an escape of a reserved one stays an escape, the rest is escaped.
func escape(s, also string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			if !unreserved(c) {
				b.Write([]byte{'%', hex[c>>4], hex[c&15]})
				continue
			}
		} else if !unreserved(c) && strings.IndexByte(also, c) < 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
