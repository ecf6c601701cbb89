package feed

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of a subscription list.
const (
	MaxOutlines     = 50_000
	maxOutlineDepth = 64
	maxOPMLBytes    = 64 << 20
)

// ErrNotOPML is a document without an outline in it.
var ErrNotOPML = errors.New("no OPML in it: no opml or outline element; export the subscriptions as OPML")

// Outline is one line of a subscription list: a feed if XMLURL is not empty,
// else a folder.
type Outline struct {
	Title   string // title, else text
	XMLURL  string // the feed
	HTMLURL string // the site

	// Categories of a feed: the path of the folders that it stands in, joined
	// by "/", then those of its category attribute. WriteOPML writes no folder
	// path again that the nesting says already.
	Categories []string
	Outlines   []Outline // a folder's content
}

// ReadOPML reads a subscription list of any version and encoding. It is as
// tolerant as Parse: case of names does not matter, nor do unescaped
// ampersands and missing end tags. Errors wrap ErrNotOPML, ErrEmpty,
// ErrTooDeep or ErrTooManyItems, or are those of r.
func ReadOPML(r io.Reader) ([]Outline, error) {
	doc, err := io.ReadAll(io.LimitReader(r, maxOPMLBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read OPML: %w", err)
	case len(doc) > maxOPMLBytes:
		return nil, fmt.Errorf("read OPML: more than %d bytes; split the list", maxOPMLBytes)
	case strings.TrimSpace(string(doc)) == "":
		return nil, fmt.Errorf("read OPML: %w", ErrEmpty)
	}
	var (
		scan  = scanner{s: decode(doc, "")}
		stack = []Outline{{}} // the open outlines below an invisible root
		open  []string        // names of open elements
		found bool
		count int
	)
	pop := func() {
		last := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		up := &stack[len(stack)-1]
		up.Outlines = append(up.Outlines, last)
	}
	for {
		t := scan.next()
		name := strings.ToLower(t.name)
		switch t.kind {
		case tokStart:
			found = found || name == "opml"
			if name != "outline" {
				continue
			}
			found = true
			if count++; count > MaxOutlines {
				return nil, fmt.Errorf("read OPML: %w: more than %d outlines; split the list", ErrTooManyItems, MaxOutlines)
			}
			if len(open) >= maxOutlineDepth {
				return nil, fmt.Errorf("read OPML: %w: folders in more than %d folders", ErrTooDeep, maxOutlineDepth)
			}
			o := outline(t.attrs)
			if o.XMLURL != "" {
				var path []string
				for _, s := range stack[1:] {
					if s.Title != "" {
						path = append(path, s.Title)
					}
				}
				if p := strings.Join(path, "/"); p != "" {
					o.Categories = append([]string{p}, without(o.Categories, p)...)
				}
			}
			stack = append(stack, o)
			if t.empty {
				pop()
			} else {
				open = append(open, name)
			}
		case tokEnd:
			if name == "outline" && len(open) > 0 {
				open = open[:len(open)-1]
				pop()
			}
		case tokEOF:
			for len(stack) > 1 {
				pop()
			}
			if !found {
				return nil, fmt.Errorf("read OPML: %w", ErrNotOPML)
			}
			return stack[0].Outlines, nil
		}
	}
}

// Feeds lists the feeds of a subscription list in its order, those in folders too.
func Feeds(list []Outline) []Outline {
	var out []Outline
	for _, o := range list {
		if o.XMLURL != "" {
			out = append(out, o)
		}
		out = append(out, Feeds(o.Outlines)...)
	}
	return out
}

func outline(attrs []attr) Outline {
	var o Outline
	var text, kind, url string
	for _, a := range attrs {
		v := strings.TrimSpace(a.value)
		switch strings.ToLower(a.name) {
		case "title":
			o.Title = v
		case "text":
			text = v
		case "xmlurl":
			o.XMLURL = v
		case "htmlurl":
			o.HTMLURL = v
		case "type":
			kind = strings.ToLower(v)
		case "url":
			url = v
		case "category":
			for _, c := range strings.Split(v, ",") {
				if c = strings.Trim(strings.TrimSpace(c), "/"); c != "" {
					o.Categories = append(o.Categories, c)
				}
			}
		}
	}
	if kind != "link" && kind != "include" { // those name a page and another list
		o.XMLURL = first(o.XMLURL, url) // OPML 1.0 of some readers
	}
	o.Title = strings.Join(strings.Fields(first(o.Title, text)), " ")
	return o
}

func without(list []string, s string) []string {
	var out []string
	for _, v := range list {
		if v != s {
			out = append(out, v)
		}
	}
	return out
}

// WriteOPML writes a subscription list as OPML 2.0.
func WriteOPML(w io.Writer, title string, outlines []Outline) error {
	b := bufio.NewWriter(w)
	b.WriteString(xml.Header + `<opml version="2.0">` + "\n  <head>\n    <title>" + escape(title) + "</title>\n  </head>\n  <body>\n")
	writeOutlines(b, outlines, nil)
	b.WriteString("  </body>\n</opml>\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write OPML: %w", err)
	}
	return nil
}

func writeOutlines(b *bufio.Writer, list []Outline, path []string) {
	indent := strings.Repeat("  ", len(path)+2)
	for _, o := range list {
		b.WriteString(indent + `<outline text="` + escape(first(o.Title, o.XMLURL)) + `"`)
		if o.Title != "" {
			b.WriteString(` title="` + escape(o.Title) + `"`)
		}
		if o.XMLURL != "" {
			b.WriteString(` type="rss" xmlUrl="` + escape(o.XMLURL) + `"`)
		}
		if o.HTMLURL != "" {
			b.WriteString(` htmlUrl="` + escape(o.HTMLURL) + `"`)
		}
		if c := without(o.Categories, strings.Join(path, "/")); len(c) > 0 {
			b.WriteString(` category="` + escape(strings.Join(c, ",")) + `"`)
		}
		if len(o.Outlines) == 0 {
			b.WriteString("/>\n")
			continue
		}
		b.WriteString(">\n")
		// The full slice expression keeps siblings from sharing the path's tail.
		writeOutlines(b, o.Outlines, append(path[:len(path):len(path)], o.Title))
		b.WriteString(indent + "</outline>\n")
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(clean(strings.ToValidUTF8(s, "\uFFFD"))))
	return b.String()
}
