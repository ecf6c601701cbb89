package feed

import (
	"html"
	"strings"
	"unicode/utf8"
)

// kind of a token.
type kind uint8

const (
	tokEOF kind = iota
	tokStart
	tokEnd
	tokText
)

type attr struct{ name, value string }

// token is one piece of markup. For a start or end tag name is the qualified
// name as written; text is decoded.
type token struct {
	kind  kind
	name  string
	attrs []attr
	empty bool // <a/>
	text  string
}

// scanner cuts XML-like text into tokens and never fails: what is not markup
// is text. encoding/xml cannot do this part, because it stops for good at the
// first stray '<', "--" or "]]>", where feeds in the wild go on.
type scanner struct {
	s        string
	pos      int
	broken   bool // the document ended inside a tag, comment or CDATA section
	entities map[string]string
	attrs    []attr

	// What a search to the end of the document has not found once it does not
	// find later either; without this a hostile document costs its length squared.
	noInstEnd, noDirectiveEnd bool
	noQuote                   [2]bool
	sectionEnd                int // where the next "]]>" stands, past the end if nowhere

	leaf string // the innermost element whose text is wanted, from the reader
}

// Internal entities are replaced once and never recursively, and short values
// only, so that no document grows by them.
const (
	maxEntities    = 256
	maxEntityValue = 1024
	maxAttrs       = 256
)

func (s *scanner) next() token {
	for s.pos < len(s.s) {
		rest := s.s[s.pos:]
		if rest[0] != '<' {
			end := strings.IndexByte(rest, '<')
			if end < 0 {
				end = len(rest)
			}
			s.pos += end
			return token{kind: tokText, text: s.unescape(rest[:end])}
		}
		switch {
		case strings.HasPrefix(rest, "<!--"):
			s.skip(4, "-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			return s.section(rest)
		case strings.HasPrefix(rest, "<?"):
			s.procInst(rest)
		case strings.HasPrefix(rest, "<!"):
			s.directive(rest)
		case strings.HasPrefix(rest, "</") && len(rest) > 2 && nameStart(rest[2:]):
			end := strings.IndexByte(rest, '>')
			if end < 0 {
				s.broken, s.pos = true, len(s.s)
				return token{}
			}
			s.pos += end + 1
			name := rest[2:end]
			if i := strings.IndexAny(name, " \t\r\n/<"); i >= 0 {
				name = name[:i]
			}
			return token{kind: tokEnd, name: name}
		case len(rest) > 1 && nameStart(rest[1:]):
			if t, ok := s.startTag(); ok {
				return t
			}
			s.broken, s.pos = true, len(s.s)
			return token{}
		default:
			s.pos++
			if len(rest) == 1 || rest == "</" {
				s.broken, s.pos = true, len(s.s)
				return token{}
			}
			return token{kind: tokText, text: "<"}
		}
	}
	return token{}
}

// section reads a CDATA section. One that is never closed, or only where the
// next one ends, is closed by the element that it stands in, so that a
// forgotten "]]>" does not cost the rest of the feed.
func (s *scanner) section(rest string) token {
	if s.sectionEnd < s.pos {
		if i := strings.Index(rest, "]]>"); i >= 0 {
			s.sectionEnd = s.pos + i
		} else {
			s.sectionEnd = len(s.s) + 1
		}
	}
	end, next := s.sectionEnd-s.pos, s.sectionEnd+3
	body := rest[9:min(max(end, 9), len(rest))]
	forgotten := end > len(rest)
	if i := strings.Index(body, "<![CDATA["); i >= 0 {
		body, forgotten = body[:i], true
	}
	if s.leaf != "" && forgotten {
		if i := strings.Index(body, "</"+s.leaf+">"); i >= 0 {
			end, next = 9+i, s.pos+9+i
		}
	}
	if end > len(rest) {
		s.broken, s.pos = true, len(s.s)
		return token{}
	}
	text := rest[9:max(end, 9)]
	s.pos = max(next, s.pos+9)
	return token{kind: tokText, text: clean(text)}
}

func (s *scanner) skip(from int, end string) {
	i := strings.Index(s.s[s.pos+from:], end)
	if i < 0 {
		s.broken, s.pos = true, len(s.s)
		return
	}
	s.pos += from + i + len(end)
}

// procInst skips a processing instruction. One that is not closed as it
// should be ends at the first '>', so that it does not swallow the feed.
func (s *scanner) procInst(rest string) {
	gt := strings.IndexByte(rest, '>')
	if gt < 0 {
		s.broken, s.pos = true, len(s.s)
		return
	}
	if strings.HasPrefix(rest, "<?xml") {
		s.pos += gt + 1
		return
	}
	end := -1
	if !s.noInstEnd {
		end = strings.Index(rest, "?>")
	}
	if end < 0 {
		s.noInstEnd = true
		s.pos += gt + 1
		return
	}
	s.pos += end + 2
}

// directive skips <!DOCTYPE …[…]> and reads its internal text entities.
func (s *scanner) directive(rest string) {
	depth, quote := 0, byte(0)
	for i := 2; i < len(rest) && !s.noDirectiveEnd; i++ {
		c := rest[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.HasPrefix(rest[i:], "<!--"):
			end := strings.Index(rest[i:], "-->")
			if end < 0 {
				s.broken, s.pos = true, len(s.s)
				return
			}
			i += end + 2
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case strings.HasPrefix(rest[i:], "<!ENTITY"):
			s.entity(rest[i+8:])
		case c == '>' && depth <= 0:
			s.pos += i + 1
			return
		}
	}
	// Unbalanced: take it as ending at the first '>'.
	s.noDirectiveEnd = true
	if gt := strings.IndexByte(rest, '>'); gt >= 0 {
		s.pos += gt + 1
		return
	}
	s.broken, s.pos = true, len(s.s)
}

func (s *scanner) entity(rest string) {
	rest = rest[:min(len(rest), maxEntityValue+256)]
	f := strings.Fields(rest)
	if len(f) < 2 || f[0] == "%" || len(s.entities) >= maxEntities {
		return
	}
	after := strings.TrimLeft(rest[strings.Index(rest, f[0])+len(f[0]):], " \t\r\n")
	if after == "" || after[0] != '"' && after[0] != '\'' {
		return // external: never fetched
	}
	v, _, ok := strings.Cut(after[1:], after[:1])
	if !ok || len(v) > maxEntityValue {
		return
	}
	if s.entities == nil {
		s.entities = map[string]string{}
	}
	if _, dup := s.entities[f[0]]; !dup {
		s.entities[f[0]] = clean(unescape(v, nil))
	}
}

// startTag reads a start tag with whatever attributes it has. It answers
// false when the document ends inside the tag.
func (s *scanner) startTag() (token, bool) {
	t, i, in := token{kind: tokStart}, s.pos+1, s.s
	j := i
	for j < len(in) && !strings.ContainsRune(" \t\r\n/><", rune(in[j])) {
		j++
	}
	t.name = in[i:j]
	// The slice is used again for the next tag; whoever keeps attributes copies.
	s.attrs = s.attrs[:0]
	for i = j; ; {
		for i < len(in) && (space(in[i]) || in[i] == '/' && !strings.HasPrefix(in[i:], "/>")) {
			i++
		}
		if i >= len(in) {
			return t, false
		}
		if in[i] == '>' {
			s.pos, t.attrs = i+1, s.attrs
			return t, true
		}
		if strings.HasPrefix(in[i:], "/>") {
			s.pos, t.attrs, t.empty = i+2, s.attrs, true
			return t, true
		}
		if in[i] == '<' { // the tag was never closed: the next one begins
			s.pos, t.attrs = i, s.attrs
			return t, true
		}
		start := i
		for i < len(in) && !space(in[i]) && in[i] != '=' && in[i] != '>' && in[i] != '<' && !strings.HasPrefix(in[i:], "/>") {
			i++
		}
		name, value := in[start:i], ""
		for i < len(in) && space(in[i]) {
			i++
		}
		if i < len(in) && in[i] == '=' {
			i++
			for i < len(in) && space(in[i]) {
				i++
			}
			if i >= len(in) {
				return t, false
			}
			if q := in[i]; q == '"' || q == '\'' {
				which, end := int(q&1), -1
				if !s.noQuote[which] {
					end = strings.IndexByte(in[i+1:], q)
				}
				if end >= 0 {
					value = in[i+1 : i+1+end]
					i += end + 2
				} else {
					// Never closed: the value ends where the tag does.
					s.noQuote[which] = true
					if end = strings.IndexByte(in[i:], '>'); end < 0 {
						return t, false
					}
					value = in[i+1 : i+end]
					i += end
				}
			} else {
				start = i
				for i < len(in) && !space(in[i]) && in[i] != '>' && !strings.HasPrefix(in[i:], "/>") {
					i++
				}
				value = in[start:i]
			}
		}
		if name != "" && len(s.attrs) < maxAttrs {
			s.attrs = append(s.attrs, attr{name, s.unescape(value)})
		}
	}
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func nameStart(s string) bool {
	c := s[0]
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
	}
	return true
}

func (s *scanner) unescape(in string) string {
	if strings.IndexByte(in, '&') < 0 {
		return clean(in)
	}
	return clean(unescape(in, s.entities))
}

// unescape replaces character references, HTML's named entities and the
// document's own. Only a name with its semicolon counts: "&copy=2" is part of
// an address. Whatever is unknown stays as written.
func unescape(in string, own map[string]string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(in, '&')
		if i < 0 {
			b.WriteString(in)
			return b.String()
		}
		b.WriteString(in[:i])
		in = in[i:]
		end := strings.IndexByte(in[:min(len(in), 40)], ';')
		if end < 2 || strings.ContainsAny(in[1:end], " \t\r\n&<=") {
			b.WriteByte('&')
			in = in[1:]
			continue
		}
		name := in[1:end]
		if v, ok := own[name]; ok {
			b.WriteString(v)
			in = in[end+1:]
			continue
		}
		v := html.UnescapeString(in[:end+1])
		if strings.HasSuffix(v, ";") && len(v) > 1 {
			b.WriteByte('&') // no such entity, or only a prefix of it
			in = in[1:]
			continue
		}
		b.WriteString(v)
		in = in[end+1:]
	}
}
