// Package feed reads feed documents: RSS of all versions, RDF, CDF, Atom and
// JSON Feed in, entries out. It also reads and writes OPML and finds the feeds
// that a page announces. It is pure: no network, no clock, no state.
//
// The contract:
//
//   - No document can harm the process. Depth and number of entries are
//     limited before the recursive parser sees a byte, work is linear in the
//     document, and a panic in the parser is an error. The caller limits bytes.
//   - A broken document gives what can be had of it. Wrong encodings, entities,
//     prefixes and end tags are repaired; of a document that was cut, every
//     entry that was closed is kept and Feed.Partial says so.
//   - Nothing is silent: a document without a feed in it is ErrNotFeed, never
//     an empty feed. Every entry is kept, in the document's order.
//
// How it works: a tolerant scanner cuts the document into tokens, a normaliser
// writes the same feed as clean XML with limits kept and addresses resolved,
// gofeed parses that, and notes that the normaliser took per entry give what
// gofeed has no room for.
package feed

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
)

// The ways in which a document is refused. Nothing of it should be stored, and
// the feed's health should show it.
var (
	ErrNotFeed      = errors.New("no feed in it")
	ErrTooDeep      = errors.New("nested too deeply")
	ErrTooManyItems = errors.New("too many entries")
	ErrEmpty        = errors.New("the document is empty; the server sent no body")
)

// Feed is a parsed feed document.
type Feed struct {
	Kind  string // rss, rdf, cdf, atom or json
	Title string // plain text
	Link  string // the site's page, absolute if it or the base is
	Lang  string // as declared, mostly a BCP 47 tag
	Self  string // the feed's own address as it declares it
	Hub   string // WebSub hub

	// What lies behind this document, as far as it says so: RFC 5005, and JSON Feed's next_url as Next.
	PrevArchive string `json:",omitempty"` // the archive document with the entries before these
	Next        string `json:",omitempty"` // the next page of a paged feed
	Complete    bool   `json:",omitempty"` // fh:complete: there is nothing behind it
	Generator   string `json:",omitempty"` // the program that wrote it: its name or address

	// TTL is how long the publisher asks readers to wait between polls (RSS
	// ttl, else the syndication module); 0 when it does not say.
	TTL time.Duration

	// Entries in the document's order.
	Entries []Entry
	// OnlyUpdated says, entry by entry, that Published is the date of the last
	// change, for want of one of publication.
	OnlyUpdated []bool `json:"-"`

	// Partial is not nil when the document was cut or broken. Entries then
	// holds those that were complete; the caller must not keep the ETag.
	Partial error
}

// Entry is one entry of a feed. Absent values are zero.
type Entry struct {
	GUID string // the identity exactly as given

	// URL is where the entry is read: its link, else its identifier, as
	// feedparser has it. Such an identifier need not be http or https;
	// whoever fetches looks at the scheme first.
	URL string

	// OrigURL is where the page is by the word of a feed service that put a link
	// of its own into URL (feedburner:origLink), "" as a rule.
	OrigURL string `json:",omitempty"`

	Title  string // plain text, one line
	Author string // name, else address

	// Published is the date of publication in UTC, or of the last update when
	// there is no other. It is not clamped: it may lie in the future.
	Published    time.Time
	PublishedRaw string // the text that Published was read from, or was not
	Updated      time.Time

	Summary, Content string // HTML as the feed gives it, not sanitised
	Tags             []string
}

// Parse reads a feed document. contentType is the HTTP header's value and base
// the final address of the document, either may be empty. Errors wrap
// ErrNotFeed, ErrTooDeep, ErrTooManyItems or ErrEmpty.
func Parse(doc []byte, contentType, base string) (*Feed, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, ErrEmpty
	}
	text, base := clean(decode(doc, contentType)), clean(strings.ToValidUTF8(base, ""))
	head := strings.TrimLeft(text[:min(len(text), 256)], "\uFEFF \t\r\n)]}',")
	if strings.HasPrefix(head, "{") {
		return parseJSON(text[strings.IndexByte(text, '{'):], base)
	}
	if strings.HasPrefix(head, "[") {
		return nil, fmt.Errorf("%w: a JSON list, not a JSON Feed object", ErrNotFeed)
	}
	n := newNormaliser(text, base)
	if err := n.run(); err != nil {
		return nil, err
	}
	if n.head.foreign && len(n.notes) == 0 {
		return nil, fmt.Errorf("%w: the root element is in a namespace of no known kind of feed", ErrNotFeed)
	}
	g, err := guard(n.xml(), gofeedParse)
	if err != nil {
		return nil, err
	}
	f := n.feed(g)
	f.Partial = n.broken()
	return f, nil
}

// guard turns a panic of the parser into an error.
func guard(doc string, parse func(string) (*gofeed.Feed, error)) (g *gofeed.Feed, err error) {
	defer func() {
		if p := recover(); p != nil {
			g, err = nil, fmt.Errorf("parse feed: the parser panicked: %v; please report the document", p)
		}
	}()
	if g, err = parse(doc); err != nil {
		return nil, fmt.Errorf("parse feed: %w", err)
	}
	return g, nil
}

func gofeedParse(doc string) (*gofeed.Feed, error) {
	p := gofeed.NewParser()
	// Looking for an image would parse every description as HTML for nothing.
	p.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	return p.Parse(strings.NewReader(doc))
}

// feed joins what gofeed read with the notes.
func (n *normaliser) feed(g *gofeed.Feed) *Feed {
	f := &Feed{
		Kind: n.head.kind, Title: g.Title, Link: g.Link,
		Lang: strings.TrimSpace(n.head.lang), Self: n.head.self, Hub: n.head.hub,
		PrevArchive: n.head.prevArchive, Next: n.head.next, Complete: n.head.complete, Generator: n.head.generator,
		TTL:         n.head.wait(),
		Entries:     make([]Entry, 0, len(n.notes)),
		OnlyUpdated: make([]bool, 0, len(n.notes)),
	}
	for i := range n.notes {
		c := &n.notes[i]
		e := Entry{GUID: c.guid(), URL: c.url(), OrigURL: c.origLink, PublishedRaw: c.publishedRaw()}
		if i < len(g.Items) {
			e.fill(g.Items[i])
		}
		f.OnlyUpdated = append(f.OnlyUpdated, c.dates(&e))
		f.Entries = append(f.Entries, e)
	}
	return f
}

// fill takes from gofeed what is not yet known.
func (e *Entry) fill(it *gofeed.Item) {
	e.Title = it.Title
	e.Summary, e.Content = it.Description, it.Content
	for _, p := range it.Authors {
		if p != nil && e.Author == "" {
			e.Author = first(p.Name, p.Email)
		}
	}
	seen := map[string]bool{}
	for _, t := range it.Categories {
		if t = strings.TrimSpace(t); t != "" && !seen[t] {
			seen[t] = true
			e.Tags = append(e.Tags, t)
		}
	}
	if it.PublishedParsed != nil {
		e.Published = it.PublishedParsed.UTC()
	}
	if it.UpdatedParsed != nil {
		e.Updated = it.UpdatedParsed.UTC()
	}
}

// dates reads the entry's dates with the package's own parser, which knows
// zones and languages that gofeed does not; gofeed's reading stays where it
// finds nothing. A date that cannot be read gives way to the next best one.
// It reports whether the best one is that of the last change.
func (c *note) dates(e *Entry) (onlyUpdated bool) {
	own := false
	for i, raw := range []string{c.published, c.issued, c.dcDate, c.created, c.updated} {
		if t, ok := ParseDate(raw); ok {
			e.Published, e.PublishedRaw, own, onlyUpdated = t, raw, true, i == 4
			break
		}
		if raw != "" && !e.Published.IsZero() {
			break // gofeed could read it
		}
	}
	if !own && e.Published.IsZero() && !e.Updated.IsZero() {
		e.Published, onlyUpdated = e.Updated, true
	}
	if t, ok := ParseDate(first(c.updated, c.dcDate)); ok {
		e.Updated = t
	}
	if !plausible(e.Published) {
		e.Published = time.Time{}
	}
	if !plausible(e.Updated) {
		e.Updated = time.Time{}
	}
	return onlyUpdated
}

// plausible guards what JSON and databases can hold.
func plausible(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// maxTTL keeps a typing error from switching a feed off.
const maxTTL = 366 * 24 * time.Hour

// wait is the time between polls that the feed asks for.
func (h *header) wait() time.Duration {
	if m := atoi(h.ttl); m > 0 {
		return min(time.Duration(min(m, 1<<24))*time.Minute, maxTTL)
	}
	unit := map[string]time.Duration{
		"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour,
		"monthly": 30 * 24 * time.Hour, "yearly": 365 * 24 * time.Hour,
	}[strings.ToLower(h.period)]
	if h.period == "" && h.freq != "" {
		unit = 24 * time.Hour // the module's default period
	}
	return unit / time.Duration(max(1, min(atoi(h.freq), 1000)))
}
