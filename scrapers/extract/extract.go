// Package extract turns a page or a plain text into an Article: what the journalist wrote, and every other block with its
// class and the rule that removed it.
//
// Contract: Extract is pure. It reads no clock, no network and no file; what it knows of the world (appeals, sign-offs,
// agencies, months) is data handed to New as an fs.FS. The same input gives the same Article. Any byte sequence gives an
// Article or an error, in time and memory linear in its length. An Extractor is safe for concurrent use.
package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// MaxInput is the largest document, in bytes, that Extract accepts.
const MaxInput = 16 << 20

// ErrTooLarge is returned for a document of more than MaxInput bytes.
var ErrTooLarge = errors.New("document is larger than 16 MiB")

// ErrEmpty is returned for an input without a single visible character.
var ErrEmpty = errors.New("document holds no text")

// An Extractor finds articles in pages. The zero value is of no use; call New.
type Extractor struct {
	lex    *lexicon
	byRef  map[string]*rule // the lexicon's entries by the name that blocks give as their rule
	sites  []*siteRule
	memory *memory

	// CleanURL gives the form of an address by which its page is known, for pages that do not name their own; nil: the address
	// without its fragment.
	CleanURL func(string) string
}

// New compiles the lexicon, the YAML files in the root of fsys. Errors name file and line.
func New(fsys fs.FS) (*Extractor, error) {
	lex, err := loadLexicon(fsys)
	if err != nil {
		return nil, fmt.Errorf("load lexicon: %w", err)
	}
	x := &Extractor{lex: lex, memory: &memory{}, byRef: make(map[string]*rule, len(lex.rules))}
	for _, r := range lex.rules {
		x.byRef[r.ref] = r
	}
	return x, nil
}

// Input is one document. HTML wins when both HTML and Text are given.
type Input struct {
	URL         string // where the document was found; relative links are resolved against it
	HTML        []byte // raw bytes in any charset; read as Text where ContentType is text/plain and nothing in it looks like HTML
	ContentType string // the HTTP header
	Text        string // plain text instead of HTML
	Feed        string // what the feed itself says of the article, its full text or its summary, HTML or plain: a witness to what a page shows

	// At is when the document was fetched. It says which site rule is in force where the page itself gives no date; the zero
	// time is a day that is not known.
	At time.Time
}

// An Article is the clean result.
type Article struct {
	URL       string   // as given
	Canonical string   // the page's own address, absolute: as it says, where that can be true, else the cleaned URL; "" for a text
	Site      string   // host name without "www."
	SiteName  string   // the name the page gives itself
	Title     string   // without the site name
	Authors   []string // people, as printed
	Signed    []string // who signs: the people, then agencies beside them; without people an agency, a desk or the house
	Date      string   // publication as the page says: RFC 3339 with its own offset, or a bare date
	Modified  string   // last change, same form
	Lang      string   // ISO 639-1, lower case
	Section   string   // of the paper: "World", in the page's language
	Tags      []string // at most 15, in the page's order
	Image     string   // address of the lead picture, absolute; no logo
	Agency    string   // wire agency named by sign-off, dateline or byline
	Body      string   // kept paragraphs joined by a blank line; a plain text with nothing to remove is its own body
	Paywalled bool     // the page says that its text is not free
	Blocks    []Block  // in document order
	SiteRule  string   // the site rule it was read by: "sites/paper.yaml:12"; "" for none
	Notes     []string // sentences about the reading: why a site rule did not serve
}

// A Block is a paragraph-sized piece of the document, kept or removed.
type Block struct {
	Class string // "paragraph", "heading", "list", "quote", "table"; for removed blocks one of Classes
	Kept  bool
	Text  string
	Rule  string // what removed it: "lexicon/donation.yaml:12" or "structure:link-density"; what kept it: "sites/paper.yaml:5", or ""
	Line  int    // line number in plain text, from 1; 0 in HTML

	// Score says how far the evidence for what was done reached, from 0 to 1 in steps of .001: for a kept block the share of the page's weight
	// in the body's container times the part of the block that is prose (0: a heading or label, kept for its place), or what a
	// witness tells of it; for a removed one the share of its words that the lexicon's entry holds, of links in it, of the page's
	// prose or weight that stands elsewhere; 1 for rules that hold or do not. No probability.
	Score float64
}

// Classes are the classes of removed blocks.
func Classes() []string {
	return []string{
		classDonation, classNewsletter, classPromo, classRelated, classShare, classCaption, classCredit, classComments,
		classEmbed, classPaywall, classBio, classCookie, classAd, classNavigation, classHeadline, classDateline,
		classFactbox, classLive, classLegal, classRepeated,
	}
}

// Paragraphs returns the texts of the kept blocks in order.
func (a *Article) Paragraphs() []string {
	var out []string
	for i := range a.Blocks {
		if a.Blocks[i].Kept {
			out = append(out, a.Blocks[i].Text)
		}
	}
	return out
}

// Extract finds the article in one document. The document is read once into blocks; a page's blocks are first weighed to
// find the containers of the body; then every block is kept or removed by its markup, the lexicon and its neighbours;
// the agency's signature is taken off; what remains is the body.
func (x *Extractor) Extract(in Input) (*Article, error) {
	if len(in.HTML) > MaxInput || len(in.Text) > MaxInput {
		return nil, ErrTooLarge
	}
	if isText(in.HTML, in.ContentType) {
		in.Text, in.HTML = string(decodeHTML(in.HTML, in.ContentType)), nil
	}
	a := &Article{URL: in.URL, Site: siteOf(in.URL)}
	var d *document
	if len(in.HTML) > 0 {
		d = x.fromHTML(in, a)
	} else {
		d = x.fromText(in.Text, a)
	}
	defer x.memory.keepDocument(d)
	if len(d.blocks) == 0 && a.Title == "" {
		return nil, ErrEmpty
	}
	x.finish(d, a)
	if len(in.HTML) == 0 {
		a.keepBytes(in.Text)
	}
	return a, nil
}

// finish takes the agency off, settles what the metadata left open, and writes the blocks out.
func (x *Extractor) finish(d *document, a *Article) {
	x.takeAgency(d, a)
	a.Blocks = make([]Block, 0, len(d.blocks))
	var body strings.Builder
	size := 0
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class == "" && !b.title {
			size += len(b.text) + 2
		}
	}
	body.Grow(size)
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.title || b.text == "" {
			continue
		}
		out := Block{Class: b.class, Kept: b.class == "", Text: b.text, Rule: b.rule, Line: b.line, Score: x.score(d, b)}
		if out.Kept {
			out.Class = b.kind()
			if body.Len() > 0 {
				body.WriteString("\n\n")
			}
			body.WriteString(b.text)
		}
		a.Blocks = append(a.Blocks, out)
	}
	a.Body = body.String()
	a.Lang = x.lex.settleLang(a.Lang, a.Title+"\n"+a.Body)
	a.doubt(d.feed)
	if a.Agency == "" {
		a.Agency = x.agencyInBylines(a)
	}
}

// siteOf is the host of a URL without "www.".
func siteOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// clean makes a metadata value one line: composed characters, single spaces.
func clean(s string) string {
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}
