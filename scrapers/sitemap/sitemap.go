// Package sitemap reads the documents by which sites list their pages: sitemaps, indexes of sitemaps and news sitemaps
// (https://www.sitemaps.org/protocol.html, http://www.google.com/schemas/sitemap-news/0.9), lists of addresses as plain text, and feeds.
// It is pure: no network, no clock, no state.
//
// The contract:
//
//   - No document can harm the process: work is linear in the document, nothing recurses, and entries are handed on one by one. The
//     caller limits bytes; the protocol's 50,000 addresses a document are not a limit here.
//   - A broken document gives what can be had of it. Encodings, entities and missing end tags are repaired; of a document that was
//     cut, every entry that was closed is given and Notes.Partial says so.
//   - Names count by their namespace and never by their prefix, so that an image's loc is not taken for the page's.
//   - Nothing is silent: a document that is none of these is ErrNotSitemap.
package sitemap

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"wirewatch/scrapers/feed"
)

// The ways in which a document is refused.
var (
	ErrNotSitemap = errors.New("no sitemap in it")
	ErrTooDeep    = errors.New("nested too deeply")
	ErrEmpty      = errors.New("the document is empty; the server sent no body")
)

// MaxDepth is how many elements may be open at one time; a sitemap needs six.
const MaxDepth = 64

// An Entry is a page that a document lists, or another document. Absent values are zero.
type Entry struct {
	URL     string // absolute, http or https
	Child   bool   // it is the address of another sitemap
	Lastmod Date   // when the page, or the sitemap, was last changed

	// From a news sitemap.
	Published   Date
	Title       string // plain text, one line
	Publication string // the outlet's name
	Lang        string // of the outlet, mostly ISO 639
	Tags        []string

	Feed *feed.Entry // the whole entry, where the document is a feed
}

// Notes are what is to be said of a document as a whole.
type Notes struct {
	Entries int   // that were given
	Bad     int   // that have no http or https address, and were not given
	First   int   // which entry, or line of a text, was the first such one, from 1
	Partial error // the document was cut
}

// Read calls each for every entry of a document, in the document's order. contentType is the HTTP header's value and base the final
// address of the document; either may be empty. It ends early with each's error. Other errors wrap ErrNotSitemap, ErrTooDeep, ErrEmpty,
// or are the feed reader's.
func Read(doc []byte, contentType, base string, each func(Entry) error) (Notes, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return Notes{}, ErrEmpty
	}
	text := feed.Decode(doc, contentType)
	r := &reader{base: base, each: each}
	head := strings.TrimLeft(text[:min(len(text), 4096)], "\uFEFF \t\r\n")
	if !strings.HasPrefix(head, "<") && !strings.Contains(head, "<urlset") && !strings.Contains(head, "<sitemapindex") {
		if strings.HasPrefix(head, "{") {
			err := r.feed(doc, contentType)
			return r.notes, err
		}
		err := r.lines(text)
		return r.notes, err
	}
	err := r.xml(text)
	if err == errFeed {
		err = r.feed(doc, contentType)
	}
	return r.notes, err
}

// reader is the reading of one document.
type reader struct {
	base  string
	each  func(Entry) error
	notes Notes
	n     int // entries and lines so far, good or bad
}

// fromFeed is an entry of a feed as one of a sitemap. A feed's dates are moments: what they lack was filled in by its reader.
func fromFeed(e feed.Entry) Entry {
	if e.OrigURL != "" { // a feed service's link is not the page's address
		e.URL, e.OrigURL = e.OrigURL, ""
	}
	return Entry{URL: e.URL, Title: e.Title, Published: exactly(e.Published), Lastmod: exactly(e.Updated), Tags: e.Tags, Feed: &e}
}

// give hands an entry on if it has an address.
func (r *reader) give(e Entry) error {
	r.n++
	address, ok := fetchable(feed.Resolve(r.base, oneAddress(e.URL)))
	if !ok {
		r.bad()
		return nil
	}
	e.URL = address
	r.notes.Entries++
	return r.each(e)
}

func (r *reader) bad() {
	if r.notes.Bad++; r.notes.First == 0 {
		r.notes.First = r.n
	}
}

// oneAddress takes line breaks out of an address and writes the blanks inside as they have to be.
func oneAddress(s string) string {
	if s = strings.TrimSpace(s); !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "", "\t", "", " ", "%20").Replace(s)
}

// fetchable reports whether s is an http or https address, and gives it without its fragment, which names no page of its own.
func fetchable(s string) (string, bool) {
	s, _, _ = strings.Cut(s, "#")
	u, err := url.Parse(s)
	return s, err == nil && u.Hostname() != "" && (strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https"))
}

// lines reads a list of addresses, one a line. What begins with a "#" is a comment.
func (r *reader) lines(text string) error {
	seen := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			r.n++
			continue
		}
		if !seen {
			if _, ok := fetchable(line); !ok {
				return fmt.Errorf("%w: neither XML nor a list of addresses", ErrNotSitemap)
			}
			seen = true
		}
		if strings.ContainsAny(line, " \t<>\"") { // a sentence is not an address with blanks
			r.n++
			r.bad()
			continue
		}
		if err := r.give(Entry{URL: line}); err != nil {
			return err
		}
	}
	if !seen {
		return fmt.Errorf("%w: a text without an address", ErrNotSitemap)
	}
	return nil
}

// feed reads a feed as a list of its entries' pages.
func (r *reader) feed(doc []byte, contentType string) error {
	f, err := feed.Parse(doc, contentType, r.base)
	if errors.Is(err, feed.ErrNotFeed) {
		return fmt.Errorf("%w: %w", ErrNotSitemap, err)
	} else if err != nil {
		return err
	}
	for i := range f.Entries {
		e := f.Entries[i]
		if f.Kind == "atom" && e.Published.Equal(e.Updated) {
			// Where an Atom entry has no date of publication the feed reader puts that of its last change in its place, which must not pass for one here.
			e.Published, e.PublishedRaw = time.Time{}, ""
		}
		if err := r.give(fromFeed(e)); err != nil {
			return err
		}
	}
	r.notes.Partial = f.Partial
	return nil
}
