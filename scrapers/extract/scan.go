package extract

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A scanner splits a page into the tokens that html.Tokenizer finds (a test and a fuzzer hold the two together), but it reads
// bytes that are all there: it searches where the other steps, and hands out slices of the page where the other copies each
// name and each attribute. That is a third of the time of a page. Comments and doctypes are no tokens here.
type scanner struct {
	src   []byte
	at    int
	start int       // of the token
	tag   atom.Atom // of a tag, 0 for a name that is not HTML's
	name  []byte    // of a tag, lower case
	attr  []attrSpan
	raw   string // the element whose text is not markup, as its start tag was the last token
	lower []byte // memory for names in capitals
	buf   []byte // memory for text that does not stand in the page as it reads
	odd   bool   // the page holds bytes that are to be replaced: NUL, or CR for a line's end
}

// An attrSpan is where an attribute's name and value stand in the page.
type attrSpan struct{ key, keyEnd, val, valEnd int }

type token int

const (
	tokenEnd token = iota // of the page; a tag cut off there is none
	tokenText
	tokenRaw // the content of an element that holds no markup, such as a script
	tokenOpen
	tokenSelfClosed // an open tag written <a/>
	tokenClose
)

func (z *scanner) reset(src []byte) {
	z.src, z.at, z.raw = src, 0, ""
	z.odd = bytes.IndexByte(src, 0) >= 0 || bytes.IndexByte(src, '\r') >= 0
}

// next finds the next token. Names and slices handed out before are no longer valid.
func (z *scanner) next() token {
	if z.raw != "" {
		name := z.raw
		z.raw = ""
		z.start = z.at
		if z.at += rawEnd(z.src[z.at:], name); z.at > z.start {
			return tokenRaw
		}
	}
	src := z.src
	for z.at < len(src) {
		z.start = z.at
		n := markupAt(src[z.at:])
		if z.at += n; n > 0 {
			return tokenText
		}
		// What follows is "<" with a letter, "/", "!" or "?".
		switch c := src[z.at+1]; c {
		case '!':
			z.at = declarationEnd(src, z.at+2)
		case '?':
			z.at = angleEnd(src, z.at+1)
		case '/':
			if z.at+2 == len(src) {
				z.at = len(src)
				return tokenText
			}
			if !letter(src[z.at+2]) {
				z.at = angleEnd(src, z.at+2)
				continue
			}
			if !z.readTag(z.at+2, false) {
				return tokenEnd
			}
			return tokenClose
		default:
			if !z.readTag(z.at+1, true) {
				return tokenEnd
			}
			switch z.tag {
			case atom.Script, atom.Style, atom.Title, atom.Textarea, atom.Iframe, atom.Noembed, atom.Noframes, atom.Noscript, atom.Xmp, atom.Plaintext:
				z.raw = z.tag.String()
			}
			if z.selfClosed() {
				return tokenSelfClosed
			}
			return tokenOpen
		}
	}
	return tokenEnd
}

// bytes is the token as it stands in the page.
func (z *scanner) bytes() []byte { return z.src[z.start:z.at] }

// markupAt is the index of the first markup in src, its length if there is none.
func markupAt(src []byte) int {
	for at := 0; ; at++ {
		n := bytes.IndexByte(src[at:], '<')
		if n < 0 || at+n+1 == len(src) {
			return len(src)
		}
		at += n
		if c := src[at+1]; letter(c) || c == '/' || c == '!' || c == '?' {
			return at
		}
	}
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// angleEnd is the index behind the first ">" from at on.
func angleEnd(src []byte, at int) int {
	n := bytes.IndexByte(src[at:], '>')
	if n < 0 {
		return len(src)
	}
	return at + n + 1
}

// declarationEnd is the index behind the comment or declaration whose "<!" ends at index at.
func declarationEnd(src []byte, at int) int {
	if !bytes.HasPrefix(src[at:], []byte("--")) {
		return angleEnd(src, at)
	}
	at += 2
	for _, empty := range []string{">", "->"} { // <!--> and <!---> are whole comments
		if bytes.HasPrefix(src[at:], []byte(empty)) {
			return at + len(empty)
		}
	}
	for {
		n := bytes.Index(src[at:], []byte("--"))
		if n < 0 {
			return len(src)
		}
		at += n + 2
		for at < len(src) && src[at] == '-' {
			at++
		}
		switch rest := src[at:]; {
		case len(rest) > 0 && rest[0] == '>':
			return at + 1
		case len(rest) > 1 && rest[0] == '!' && rest[1] == '>':
			return at + 2
		case len(rest) > 1 && rest[0] == '!' && rest[1] == '-': // the dash may begin the end
			at++
		}
	}
}

// rawEnd is the length of the text that src begins with, up to the end tag of the element name, which reads no markup.
func rawEnd(src []byte, name string) int {
	if name == "plaintext" {
		return len(src)
	}
	for at := 0; ; {
		n := bytes.Index(src[at:], []byte("</"))
		if n < 0 {
			return len(src)
		}
		at += n + 2
		rest := src[at:]
		if len(rest) <= len(name) || !foldsTo(rest[:len(name)], name) {
			continue
		}
		if c := rest[len(name)]; !asciiSpace(c) && c != '/' && c != '>' {
			continue
		}
		if name == "script" && bytes.Contains(src[:at], []byte("<!--")) {
			return commentedScript(src)
		}
		return at - 2
	}
}

// commentedScript is rawEnd of a script with a comment in it, whose end need not be the first end tag: the rules are
// byzantine, and html.Tokenizer knows them.
func commentedScript(src []byte) int {
	z := html.NewTokenizer(io.MultiReader(strings.NewReader("<script>"), bytes.NewReader(src)))
	z.Next()
	z.Next()
	return len(z.Raw())
}

// foldsTo says whether b in lower case is name.
func foldsTo(b []byte, name string) bool {
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// readTag reads the tag whose name begins at index at. It says whether the tag ends.
func (z *scanner) readTag(at int, save bool) bool {
	src := z.src
	z.attr = z.attr[:0]
	from, capitals, plain := at, false, true
	for at < len(src) && !asciiSpace(src[at]) && src[at] != '/' && src[at] != '>' {
		c := src[at]
		capitals = capitals || c >= 'A' && c <= 'Z'
		plain = plain && c != 0
		at++
	}
	z.name = src[from:at]
	if capitals {
		z.lower = appendLower(z.lower[:0], z.name)
		z.name = z.lower
	}
	if !plain {
		z.name = bytes.ReplaceAll(z.name, []byte{0}, []byte("\uFFFD"))
	}
	z.tag = atom.Lookup(z.name)
	for {
		for at < len(src) && asciiSpace(src[at]) {
			at++
		}
		if at == len(src) {
			z.at = at
			return false
		}
		if src[at] == '>' {
			z.at = at + 1
			return true
		}
		a := attrSpan{key: at}
		for at < len(src) && !asciiSpace(src[at]) && src[at] != '/' && src[at] != '>' && (src[at] != '=' || at == a.key) {
			at++
		}
		a.keyEnd, a.val, a.valEnd = at, at, at
		for at < len(src) && asciiSpace(src[at]) {
			at++
		}
		if at < len(src) && src[at] == '/' {
			at++
		} else if at < len(src) && src[at] == '=' {
			at++
			for at < len(src) && asciiSpace(src[at]) {
				at++
			}
			at = a.readValue(src, at)
		}
		if save && a.key < a.keyEnd {
			z.attr = append(z.attr, a)
		}
	}
}

// readValue reads the value that begins at index at, behind "=" and white space, and returns the index behind it.
func (a *attrSpan) readValue(src []byte, at int) int {
	if at == len(src) || src[at] == '>' {
		return at
	}
	if q := src[at]; q == '"' || q == '\'' {
		at++
		a.val, a.valEnd = at, len(src)
		n := bytes.IndexByte(src[at:], q)
		if n < 0 {
			return len(src)
		}
		a.valEnd = at + n
		return at + n + 1
	}
	a.val = at
	for at < len(src) && !asciiSpace(src[at]) && src[at] != '>' {
		at++
	}
	a.valEnd = at
	return at
}

// selfClosed says whether the open tag ends with a slash that is not the end of an attribute's value.
func (z *scanner) selfClosed() bool {
	slash := z.at - 2
	last := len(z.attr) - 1
	return z.src[slash] == '/' && (last < 0 || z.attr[last].valEnd != slash+1 || z.again(last))
}

// again says whether the attribute with index i was written before in its tag: then it does not count.
func (z *scanner) again(i int) bool {
	var m1, m2 [32]byte
	key := appendLower(m1[:0], z.src[z.attr[i].key:z.attr[i].keyEnd])
	for _, a := range z.attr[:i] {
		if a.keyEnd-a.key == len(key) && bytes.Equal(appendLower(m2[:0], z.src[a.key:a.keyEnd]), key) {
			return true
		}
	}
	return false
}

func appendLower(to, b []byte) []byte {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// text is what a token of text says. It is valid until the next call.
func (z *scanner) text() []byte {
	s := z.bytes()
	if bytes.IndexByte(s, '&') < 0 && (!z.odd || bytes.IndexByte(s, '\r') < 0) {
		return s
	}
	z.buf = unescape(z.buf[:0], s, false)
	return z.buf
}

// plain is what a raw token says.
func (z *scanner) plain() []byte {
	return bytes.ReplaceAll(appendLines(nil, z.bytes()), []byte{0}, []byte("\uFFFD"))
}

// key is the lower-case name of an attribute, valid until the next call.
func (z *scanner) key(a attrSpan) []byte {
	k := z.src[a.key:a.keyEnd]
	for _, c := range k {
		if c >= 'A' && c <= 'Z' {
			z.lower = appendLower(z.lower[:0], k)
			return z.lower
		}
	}
	return k
}

// value is the value of an attribute.
func (z *scanner) value(a attrSpan) []byte {
	v := z.src[a.val:a.valEnd:a.valEnd]
	if z.odd && bytes.IndexByte(v, 0) >= 0 {
		v = bytes.ReplaceAll(v, []byte{0}, []byte("\uFFFD"))
	}
	if bytes.IndexByte(v, '&') < 0 && (!z.odd || bytes.IndexByte(v, '\r') < 0) {
		return v
	}
	return unescape(nil, v, true)
}

// appendLines appends s with each CR LF and each CR as LF.
func appendLines(dst, s []byte) []byte {
	for {
		n := bytes.IndexByte(s, '\r')
		if n < 0 {
			return append(dst, s...)
		}
		dst = append(append(dst, s[:n]...), '\n')
		if s = s[n+1:]; len(s) > 0 && s[0] == '\n' {
			s = s[1:]
		}
	}
}

// unescape appends s to dst with its character references resolved and its lines ended by LF. An attribute takes only names that are written whole.
func unescape(dst, s []byte, attribute bool) []byte {
	for {
		n := bytes.IndexByte(s, '&')
		if n < 0 {
			return appendLines(dst, s)
		}
		dst = appendLines(dst, s[:n])
		s = s[n:]
		n = referenceLen(s)
		switch string(s[:n]) { // nearly all there are
		case "&amp;":
			dst = append(dst, '&')
		case "&nbsp;":
			dst = append(dst, "\u00a0"...)
		case "&quot;":
			dst = append(dst, '"')
		default:
			if attribute && s[n-1] != ';' && n < len(s) && s[n] == '=' && s[1] != '#' {
				dst = append(dst, s[:n]...) // a parameter of an address
				break
			}
			said := html.UnescapeString(string(s[:n]))
			// A beginning that was taken for a name leaves the rest of the name standing.
			if attribute && n > 1 && s[1] != '#' && len(said) > 1 && said[len(said)-1] == s[n-1] {
				said = string(s[:n])
			}
			dst = append(dst, said...)
		}
		s = s[n:]
	}
}

// referenceLen is the length of the character reference that s may begin with: its "&", name or number, and semicolon.
func referenceLen(s []byte) int {
	n := 1
	if n < len(s) && s[n] == '#' {
		n++
	}
	for n < len(s) && (letter(s[n]) || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	return n
}
