package scrapers

import (
	"bytes"
	"net/url"
	"strings"

	"wirewatch/pipeline"
)

// robotsRules are the rules of a robots.txt that hold for one crawler, read as RFC 9309 says: groups of the crawler's
// name are joined, "*" counts only without one; the longest matching pattern decides, allow before disallow; "*" stands for
// anything and a "$" at the end for the end; percent-encoding makes no difference; lines that make no sense are skipped.
//
// github.com/temoto/robotstxt does not do here: it does not anchor patterns with a "*", ignores "Disallow: *", lets a
// disallow win over an equal allow, takes a group's name as a prefix, compares encoded and plain paths as they stand, and
// refuses the whole file for one bad Crawl-delay.
type robotsRules []robotsRule

type robotsRule struct {
	allow   bool
	pattern string
}

// parseRobots reads the rules for the crawler named agent, in lower case.
func parseRobots(doc []byte, agent string) robotsRules {
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	doc = bytes.ReplaceAll(doc, []byte("\r"), []byte("\n"))
	var own, any robotsRules
	var forOwn, forAny, named bool
	inAgents := false // successive user-agent lines name one group
	for line := range bytes.SplitSeq(doc, []byte("\n")) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		k, v, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		key, val := strings.ToLower(string(bytes.TrimSpace(k))), string(bytes.TrimSpace(v))
		switch key {
		case "user-agent", "useragent":
			if !inAgents {
				forOwn, forAny = false, false
			}
			inAgents = true
			if val == "*" {
				forAny = true
			} else if productToken(val) == agent {
				forOwn, named = true, true
			}
		case "allow", "disallow":
			inAgents = false
			if val == "" {
				continue // "Disallow:" forbids nothing
			}
			r := robotsRule{allow: key == "allow", pattern: normalPattern(val)}
			if forOwn {
				own = append(own, r)
			}
			if forAny {
				any = append(any, r)
			}
		}
	}
	if named {
		return own
	}
	return any
}

// announced reads the sitemaps that a robots.txt at the address at announces to everybody, whatever group the line stands in. The
// protocol wants whole addresses; others are read as they are meant. A line is "Sitemap: ADDRESS", and the address may hold a "#" or a ":".
func announced(doc []byte, at *url.URL) []string {
	var out []string
	doc = bytes.ReplaceAll(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")), []byte("\r"), []byte("\n"))
	for line := range bytes.SplitSeq(doc, []byte("\n")) {
		k, v, ok := bytes.Cut(line, []byte(":"))
		if key := strings.ToLower(string(bytes.TrimSpace(k))); !ok || key != "sitemap" && key != "site-map" {
			continue
		}
		ref, _, _ := strings.Cut(strings.TrimSpace(string(v)), " ") // a comment may follow
		u, err := at.Parse(ref)
		if err != nil || ref == "" || Authority(u) == pipeline.NoHost {
			continue
		}
		u.Fragment, u.RawFragment = "", ""
		out = append(out, u.String())
	}
	return out
}

// productToken is the name in a user agent: "Wirewatch/1.0 (…)" is wirewatch.
func productToken(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c == '-' || c == '_') {
			return s[:i]
		}
	}
	return s
}

// allows reports whether a path with its query may be fetched.
func (rs robotsRules) allows(path string) bool {
	path = normalPath(path)
	best, allow := -1, true
	for _, r := range rs {
		n := len(r.pattern)
		if n < best || n == best && (allow || !r.allow) {
			continue
		}
		if matchPath(r.pattern, path) {
			best, allow = n, r.allow
		}
	}
	return allow
}

// matchPath matches a pattern against the beginning of a path. It takes time in proportion to the product of both at
// worst: each star only ever moves forward, so that hostile patterns cost nothing.
func matchPath(pattern, path string) bool {
	end := strings.HasSuffix(pattern, "$")
	if end {
		pattern = pattern[:len(pattern)-1]
	} else {
		pattern += "*"
	}
	p, i, star, mark := 0, 0, -1, 0
	for i < len(path) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == path[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
		if p == len(pattern) && star == p-1 && p > 0 { // a star at the end takes the rest
			return true
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// literal writes the characters that mean something in a pattern as a pattern does that means the characters themselves.
var literal = strings.NewReplacer("*", "%2A", "$", "%24")

// normalPath writes a path in one way: encoded characters that need not be are decoded, the others get capital digits, and
// what has to be encoded is, the characters that mean something in a pattern among them.
func normalPath(s string) string { return literal.Replace(normal(s)) }

// normalPattern writes a pattern in the way of normalPath, apart from its stars and the "$" at its end.
func normalPattern(s string) string {
	s = normal(s)
	body, end := strings.CutSuffix(s, "$")
	body = strings.ReplaceAll(body, "$", "%24")
	if end {
		body += "$"
	}
	return body
}

func normal(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(hex, upper(s[i+1])), strings.IndexByte(hex, upper(s[i+2]))
			if hi >= 0 && lo >= 0 {
				i += 2
				c = byte(hi<<4 | lo)
				if unreserved(c) {
					b.WriteByte(c)
				} else {
					b.Write([]byte{'%', hex[hi], hex[lo]})
				}
				continue
			}
		}
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>^|{}\`+"`", c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
