package feed

import (
	"encoding/base64"
	"html"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"
)

// value is what the closing leaf says, and whether that is HTML (yes),
// plain text (no) or for the reader to find out, as in RSS (maybe).
func (n *normaliser) value(f *frame) (string, htmlness) {
	s := strings.TrimSpace(n.leaf.String())
	typ, _, _ := strings.Cut(f.attrs.typ, ";")
	typ = strings.TrimSpace(typ)
	if n.leafHTML {
		if typ == "xhtml" || strings.Contains(typ, "xhtml") {
			s = unwrapDiv(s)
		}
		return s, yes
	}
	if f.attrs.mode == "base64" || f.attrs.mode == "" && binaryType(typ) {
		if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil {
			s = strings.TrimSpace(clean(strings.ToValidUTF8(string(b), "")))
		}
		if typ == "" && f.attrs.mode == "base64" {
			typ = "text/plain" // the default of Atom 0.3
		}
	}
	switch typ {
	case "html", "text/html", "application/xhtml+xml":
		return s, yes
	case "xhtml": // text only: no markup to lose
		return html.EscapeString(s), yes
	case "text", "text/plain":
		if f.attrs.mode == "escaped" {
			return s, maybe
		}
		return s, no
	}
	return s, maybe
}

func binaryType(typ string) bool {
	main, sub, ok := strings.Cut(typ, "/")
	return ok && main != "text" && sub != "xml" && !strings.HasSuffix(sub, "+xml") && !strings.HasSuffix(sub, "json")
}

type htmlness uint8

const (
	no htmlness = iota
	maybe
	yes
)

// markupOf answers the value as HTML.
func markupOf(s string, h htmlness) string {
	if h == no {
		return html.EscapeString(s)
	}
	return s
}

// plain answers the value as one line of text.
func plain(s string, h htmlness) string {
	if h == yes || h == maybe && looksHTML(s) {
		s = stripTags(s)
	}
	return strings.Join(strings.Fields(s), " ")
}

// looksHTML guesses as feedparser does: an end tag, a void element or an
// entity is needed, and every tag must be one that HTML knows inline.
func looksHTML(s string) bool {
	if i := strings.IndexByte(s, '&'); i >= 0 && unescape(s[i:], nil) != s[i:] {
		return true
	}
	for rest := s; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 || i+2 >= len(rest) {
			return false
		}
		rest = strings.TrimPrefix(rest[i+1:], "/")
		j := 0
		for j < len(rest) && (rest[j]|0x20 >= 'a' && rest[j]|0x20 <= 'z' || rest[j] >= '0' && rest[j] <= '9') {
			j++
		}
		switch strings.ToLower(rest[:j]) {
		case "a", "abbr", "b", "big", "blockquote", "br", "code", "del", "div", "em", "font", "h1", "h2", "h3", "h4", "i", "img", "ins", "kbd",
			"li", "ol", "p", "pre", "q", "s", "script", "small", "span", "strike", "strong", "style", "sub", "sup", "tt", "u", "ul":
			return true
		}
	}
}

// stripTags is the text of an HTML fragment without scripts and styles.
func stripTags(s string) string {
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(s))
	hidden := ""
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return b.String()
		case xhtml.TextToken:
			if hidden == "" {
				b.WriteString(string(z.Text()))
			}
		case xhtml.StartTagToken:
			if t, _ := z.TagName(); string(t) == "script" || string(t) == "style" {
				hidden = string(t)
			} else if string(t) == "br" || string(t) == "p" || string(t) == "div" {
				b.WriteByte(' ')
			}
		case xhtml.EndTagToken:
			if t, _ := z.TagName(); string(t) == hidden {
				hidden = ""
			}
		}
	}
}

// unwrapDiv takes off the div that an xhtml text construct must have (RFC
// 4287, 3.1.1.3); it is not part of the content.
func unwrapDiv(s string) string {
	if !strings.HasPrefix(s, "<div") || !strings.HasSuffix(s, "</div>") {
		return s
	}
	open := strings.IndexByte(s, '>')
	inner := s[open+1 : len(s)-len("</div>")]
	// Two divs side by side are content, not a wrapper.
	depth := 0
	for i := 0; i < len(inner); {
		j := strings.IndexByte(inner[i:], '<')
		if j < 0 {
			break
		}
		i += j
		if strings.HasPrefix(inner[i:], "<div") {
			depth++
		} else if strings.HasPrefix(inner[i:], "</div") {
			if depth--; depth < 0 {
				return s
			}
		}
		i++
	}
	return strings.TrimSpace(inner)
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

func atoi(s string) int {
	v, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return v
}

// Plain answers a piece of HTML as one line of text, as titles are.
func Plain(html string) string { return plain(html, yes) }
