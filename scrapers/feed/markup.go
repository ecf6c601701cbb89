package feed

import "strings"

// This file lends the package's tolerant reading to readers of kindred documents, such as sitemaps.

// Decode turns a document of any encoding into UTF-8 without a byte order mark. contentType is the HTTP header's value, which may be empty.
func Decode(doc []byte, contentType string) string { return decode(doc, contentType) }

// Resolve makes a reference absolute; without a base it is returned as it is.
func Resolve(base, ref string) string { return resolve(base, ref) }

// Markup cuts XML-like text into tags and text, and never fails: what is not markup is text.
type Markup struct{ scan scanner }

// A Piece of a document is a start tag, an end tag, or text.
type Piece struct {
	Name   string            // of a tag, as written, with its prefix; "" of text
	End    bool              // an end tag
	Empty  bool              // a start tag that is its own end: <a/>
	Spaces map[string]string // the namespaces that a start tag declares, by prefix, "" for the default; nil: none
	Text   string            // decoded
}

// NewMarkup reads text in UTF-8.
func NewMarkup(text string) *Markup { return &Markup{scanner{s: text}} }

// Next gives the next piece; false: there is none.
func (m *Markup) Next() (Piece, bool) {
	t := m.scan.next()
	switch t.kind {
	case tokStart:
		p := Piece{Name: t.name, Empty: t.empty}
		for _, a := range t.attrs {
			prefix, ok := strings.CutPrefix(a.name, "xmlns:")
			if !ok && a.name != "xmlns" {
				continue
			}
			if !ok {
				prefix = ""
			}
			if p.Spaces == nil {
				p.Spaces = map[string]string{}
			}
			p.Spaces[prefix] = a.value
		}
		return p, true
	case tokEnd:
		return Piece{Name: t.name, End: true}, true
	case tokText:
		return Piece{Text: t.text}, true
	}
	return Piece{}, false
}
