package feed

import (
	"bytes"
	"encoding/binary"
	"mime"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/saintfish/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode/utf32"
)

// declaredEncoding finds the encoding of an XML declaration; the same pattern
// serves an HTML page, whose <meta charset> Discover reads.
var declaredEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']\s*([A-Za-z0-9._:\-]+)`)

// decode turns a document of any encoding into UTF-8 without a byte order
// mark. In order: the byte order mark, the pattern of zero bytes around the
// first '<', the HTTP charset, the XML declaration, valid UTF-8, detection,
// windows-1252. A label that the bytes contradict is passed over, because a
// proxy or a copied template is wrong more often than the bytes are.
func decode(doc []byte, contentType string) string {
	if s, ok := decodeMarked(doc); ok {
		return s
	}
	head := doc[:min(len(doc), 1024)]
	labels := []string{httpCharset(contentType)}
	if m := declaredEncoding.FindSubmatch(head); m != nil {
		labels = append(labels, string(m[1]))
	} else if e := declaredEBCDIC(head); e != "" {
		labels = append(labels, e)
	}
	valid := utf8.Valid(doc)
	for _, label := range labels {
		name, enc := lookup(label)
		switch {
		case label == "" || name == "":
		case name == "utf-8":
			if valid {
				return string(doc)
			}
			// Declared as UTF-8 and partly so: one stray byte must not turn
			// every accent of the document into two letters.
			if looksUTF8(doc) {
				return mixedUTF8(doc)
			}
		case name == "utf-16" || name == "utf-32":
			// No mark and no zero bytes: the label describes another copy of it.
		case valid && singleByteWestern(name) && hasMultibyte(doc):
			// UTF-8 under a Latin label: a run of valid sequences is no accident.
			return string(doc)
		default:
			if b, err := enc.NewDecoder().Bytes(doc); err == nil {
				// A label that leaves holes is wrong, unless no other is better.
				if bytes.Count(b, []byte("\uFFFD")) <= len(b)/200 {
					return string(b)
				}
			}
		}
	}
	if valid {
		return string(doc)
	}
	if looksUTF8(doc) {
		return mixedUTF8(doc)
	}
	if enc := detect(doc); enc != nil {
		if b, err := enc.NewDecoder().Bytes(doc); err == nil {
			return string(b)
		}
	}
	return mixedUTF8(doc)
}

// decodeMarked handles a byte order mark and the wide encodings without one.
func decodeMarked(doc []byte) (string, bool) {
	has := func(p ...byte) bool { return bytes.HasPrefix(doc, p) }
	switch {
	case has(0xEF, 0xBB, 0xBF):
		doc = doc[3:]
		if utf8.Valid(doc) {
			return string(doc), true
		}
		return mixedUTF8(doc), true
	case has(0xFF, 0xFE, 0, 0), has(0, 0, 0xFE, 0xFF), wide(doc, 4, 0), wide(doc, 4, 3):
		e := utf32.LittleEndian
		if doc[0] == 0 {
			e = utf32.BigEndian
		}
		b, _ := utf32.UTF32(e, utf32.UseBOM).NewDecoder().Bytes(doc)
		return strings.TrimPrefix(string(b), "\uFEFF"), true
	case has(0xFF, 0xFE), wide(doc, 2, 0):
		return decodeUTF16(doc, binary.LittleEndian), true
	case has(0xFE, 0xFF), wide(doc, 2, 1):
		return decodeUTF16(doc, binary.BigEndian), true
	}
	return "", false
}

// wide reports whether the document begins with an ASCII character at offset
// at of a unit of n bytes, the rest of that unit and the next being zeros.
func wide(doc []byte, n, at int) bool {
	if len(doc) < 2*n {
		return false
	}
	for i := range 2 * n {
		if (i%n == at) != (doc[i] != 0) || doc[i] > 0x7F {
			return false
		}
	}
	return true
}

func decodeUTF16(doc []byte, order binary.ByteOrder) string {
	u := make([]uint16, 0, len(doc)/2)
	for i := 0; i+1 < len(doc); i += 2 {
		u = append(u, order.Uint16(doc[i:]))
	}
	return strings.TrimPrefix(string(utf16.Decode(u)), "\uFEFF")
}

func httpCharset(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err == nil || params != nil {
		return params["charset"]
	}
	// A header that mime refuses often still says it: "text/xml charset=x".
	_, rest, ok := strings.Cut(strings.ToLower(contentType), "charset=")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "; ,"); i >= 0 {
		rest = rest[:i]
	}
	return strings.Trim(rest, `"'`)
}

// lookup finds an encoding by the label used on the web, by IANA's names, or
// by the looser spellings of other languages' libraries ("cp437", "koi8_r").
func lookup(label string) (string, encoding.Encoding) {
	label = strings.ToLower(strings.TrimSpace(label))
	if label == "" {
		return "", nil
	}
	dashed := strings.ReplaceAll(label, "_", "-")
	switch strings.ReplaceAll(dashed, "-", "") {
	case "utf8", "u8", "unicode11utf8", "xunicode20utf8":
		return "utf-8", encoding.Nop
	case "utf16", "utf16le", "utf16be", "u16", "ucs2", "iso10646ucs2", "unicode", "csunicode":
		return "utf-16", encoding.Nop
	case "utf32", "utf32le", "utf32be", "u32", "ucs4", "iso10646ucs4", "csucs4":
		return "utf-32", encoding.Nop
	}
	for _, l := range []string{label, dashed, strings.Replace(dashed, "cp125", "windows-125", 1), strings.Replace(dashed, "cp", "ibm", 1), "x-" + dashed} {
		if enc, name := charset.Lookup(l); enc != nil && name != "replacement" && name != "x-user-defined" {
			return name, enc
		}
		if enc, err := ianaindex.IANA.Encoding(l); err == nil && enc != nil {
			return l, enc
		}
	}
	switch dashed {
	case "mac-cyrillic", "maccyrillic":
		return dashed, charmap.MacintoshCyrillic
	case "macroman", "mac-roman":
		return dashed, charmap.Macintosh
	case "cp1140", "ibm1140":
		return dashed, charmap.CodePage1140
	case "cp037", "ibm037", "ebcdic-cp-us":
		return dashed, charmap.CodePage037
	case "cp1047", "ibm1047":
		return dashed, charmap.CodePage1047
	}
	return "", nil
}

// declaredEBCDIC answers a document that begins "<?xm" in EBCDIC with the
// encoding of its declaration, read through the code page all variants share.
func declaredEBCDIC(head []byte) string {
	if !bytes.HasPrefix(head, []byte{0x4C, 0x6F, 0xA7, 0x94}) {
		return ""
	}
	b, _ := charmap.CodePage037.NewDecoder().Bytes(head)
	if m := declaredEncoding.FindSubmatch(b); m != nil {
		if _, enc := lookup(string(m[1])); enc != nil {
			return string(m[1])
		}
	}
	return "cp037"
}

func singleByteWestern(name string) bool {
	return name == "windows-1252" || name == "iso-8859-1" || name == "iso-8859-15" || name == "us-ascii"
}

func hasMultibyte(doc []byte) bool {
	for _, b := range doc {
		if b >= 0x80 {
			return true
		}
	}
	return false
}

// looksUTF8 reports whether most bytes above ASCII stand in valid sequences.
func looksUTF8(doc []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(doc); {
		if doc[i] < 0x80 {
			i++
			continue
		}
		if r, n := utf8.DecodeRune(doc[i:]); r == utf8.RuneError && n == 1 {
			bad++
			i++
		} else {
			good++
			i += n
		}
	}
	return good > bad
}

// mixedUTF8 keeps valid sequences and reads every other byte as windows-1252,
// the encoding of pasted quotation marks.
func mixedUTF8(doc []byte) string {
	var b strings.Builder
	b.Grow(len(doc) + 16)
	for i := 0; i < len(doc); {
		r, n := utf8.DecodeRune(doc[i:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(doc[i])
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}

// detect guesses an encoding from the bytes alone. Western guesses are left to
// the caller's windows-1252, which they are subsets of in practice.
func detect(doc []byte) encoding.Encoding {
	// Markup is English and drowns a short text in another language.
	text := make([]byte, 0, 64<<10)
	tag, high, low := false, 0, 0
	for _, c := range doc[:min(len(doc), cap(text))] {
		switch {
		case c == '<':
			tag = true
		case c == '>':
			tag = false
			text = append(text, ' ')
		case !tag:
			text = append(text, c)
			if c >= 0x80 {
				high++
			} else if c > ' ' {
				low++
			}
		}
	}
	r, err := chardet.NewTextDetector().DetectBest(text)
	// Text in another script is mostly outside ASCII, which makes up for a
	// low confidence; in a Latin script a guess must be sure of itself.
	if err != nil || r.Confidence < 60 && (r.Confidence < 20 || high < low) {
		return nil
	}
	name, enc := lookup(r.Charset)
	if name == "" || name == "utf-8" || name == "utf-16" || name == "utf-32" || singleByteWestern(name) {
		return nil
	}
	return enc
}

// cleanRune answers the rune as XML may carry it: C1 controls are the
// windows-1252 letters their author meant, other forbidden code points are
// gone (-1).
func cleanRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return r
	case r < 0x20 || r == 0x7F || r == 0xFFFE || r == 0xFFFF:
		return -1
	case r >= 0x80 && r <= 0x9F:
		if m := charmap.Windows1252.DecodeByte(byte(r)); m != utf8.RuneError && m > 0x9F {
			return m
		}
		if r == 0x85 {
			return ' '
		}
		return -1
	}
	return r
}

func clean(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && c != '\n' && c != '\t' || c >= 0x7F {
			return strings.Map(cleanRune, s)
		}
	}
	return s
}
