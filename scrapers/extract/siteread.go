package extract

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// How a page is read by a site rule. Selectors need a tree, which the extractor's own reader does without. So a page that a
// rule is for, and only such a page, is parsed into a tree too; what the selectors match is marked with an attribute, and
// the marked tree is written out and read like any page. Blocks, metadata and classes come about in one way only.

// markAttr carries the number of the selector that matched: body selectors count from 1, remove selectors from -1 down.
// Whatever a page itself says under this name is taken out before.
const markAttr = "data-wirewatch-mark"

// maxNodes bounds the trees that selectors are tried on: some of them cost the square of the number of siblings.
const maxNodes = 50_000

// bySite reads a page by the site rule that is for it and for its day. a holds what the generic reading of d found; the
// result is d itself where no rule applies, with notes that say why where one might have been expected to.
func (x *Extractor) bySite(src []byte, d *document, a *Article, in Input) *document {
	rules := x.sitesFor(in.URL)
	if len(rules) == 0 {
		rules = x.sitesFor(a.Canonical) // a saved copy of a page knows its address only from within
	}
	if len(rules) == 0 {
		return nil
	}
	root, err := parseTree(src)
	if err != nil {
		a.note("%s was not tried: %v; read the generic way", rules[0].ref, err)
		return nil
	}
	r := x.inForce(rules, root, a, in)
	if r == nil {
		a.note("no site rule holds on %s; read the generic way", first(dayOf(a.Date, in.At), "a day that is not known"))
		return nil
	}
	bodies, removes := 0, 0 // the selectors whose marks there can be
	if r.mark(root) {
		bodies, removes = len(r.body), len(r.remove)
		var page bytes.Buffer
		if err := html.Render(&page, root); err != nil {
			a.note("%s was not tried: %v; read the generic way", r.ref, err)
			return nil
		}
		d = x.read(page.Bytes())
	}
	for i := range d.boxes { // raw text that two readers see differently can bring marks of a page's own
		if m := int(d.boxes[i].mark); m > bodies || -m > removes {
			d.boxes[i].mark = 0
		}
	}
	keep := *a
	*a = Article{URL: keep.URL, Site: siteOf(keep.URL), Notes: keep.Notes}
	x.metadata(d, a, in)
	a.SiteRule = r.ref
	r.fields(x, root, d, a, in)
	x.chooseBySite(d, a, r, in.Feed)
	return d
}

// parseTree parses a page into a tree of bounded size.
func parseTree(src []byte) (*html.Node, error) {
	root, err := html.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	n := 0
	for c := range root.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		if n++; n > maxNodes {
			return nil, fmt.Errorf("the page has more than %d elements", maxNodes)
		}
		for i := 0; i < len(c.Attr); i++ {
			if c.Attr[i].Key == markAttr {
				c.Attr = append(c.Attr[:i], c.Attr[i+1:]...)
				i--
			}
		}
	}
	return root, nil
}

// inForce picks the rule of the article's day. A rule that finds, by its own date selector, a day on which it holds knows
// the site better than the generic way does; then the day that the generic way found counts, then the day of the fetch.
func (x *Extractor) inForce(rules []*siteRule, root *html.Node, a *Article, in Input) *siteRule {
	day := dayOf(a.Date, in.At)
	var other *siteRule
	for _, r := range rules {
		if v, ok := x.siteDate(r, root); ok {
			if r.holds(dayOf(v, in.At)) {
				return r
			}
		} else if other == nil && r.holds(day) {
			other = r
		}
	}
	return other
}

// siteDate is the date that a rule's date selectors find.
func (x *Extractor) siteDate(r *siteRule, root *html.Node) (string, bool) {
	for _, s := range r.date {
		for _, n := range cascadia.QueryAll(root, s.sel) {
			if v, ok := x.lex.parseDate(valueOf(n)); ok {
				return v, true
			}
		}
	}
	return "", false
}

// mark marks what the selectors of body and remove match and says whether that was anything. remove is marked last: it wins.
func (r *siteRule) mark(root *html.Node) (any bool) {
	set := func(s selector, v int) {
		for _, n := range cascadia.QueryAll(root, s.sel) {
			any = true
			attr := html.Attribute{Key: markAttr, Val: strconv.Itoa(v)}
			if k := len(n.Attr); k > 0 && n.Attr[k-1].Key == markAttr {
				n.Attr[k-1] = attr
			} else {
				n.Attr = append(n.Attr, attr)
			}
		}
	}
	for i, s := range r.body {
		set(s, i+1)
	}
	for i, s := range r.remove {
		set(s, -i-1)
	}
	return any
}

// fields takes title, date and authors from where the rule says they stand.
func (r *siteRule) fields(x *Extractor, root *html.Node, d *document, a *Article, in Input) {
	values := func(list []selector) (out []string) {
		for _, s := range list {
			for _, n := range cascadia.QueryAll(root, s.sel) {
				if v := clean(valueOf(n)); v != "" {
					out = append(out, v)
				}
			}
		}
		return out
	}
	missing := func(key string, list []selector) {
		if len(list) > 0 {
			a.note("%s: the %s selector finds nothing; read the generic way", list[0].ref, key)
		}
	}
	if v := values(r.title); len(v) > 0 {
		a.Title = v[0]
	} else {
		missing("title", r.title)
	}
	if v, ok := x.siteDate(r, root); ok {
		a.Date = v
	} else {
		missing("date", r.date)
	}
	p := &page{h: &d.head, d: d, lex: x.lex, in: in, a: a}
	if b := p.byline(values(r.author)...); b.signed() {
		a.Authors, a.Signed = b.people, append(append([]string{}, b.people...), b.agencies...)
	} else {
		missing("author", r.author)
	}
}

// valueOf is what an element states: the content of a meta element, the datetime of a time element, or its text.
func valueOf(n *html.Node) string {
	for _, at := range n.Attr {
		if at.Val != "" && (at.Key == "content" && n.DataAtom == atom.Meta || at.Key == "datetime" && n.DataAtom == atom.Time) {
			return at.Val
		}
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.DataAtom != atom.Script && c.Parent.DataAtom != atom.Style {
			b.WriteString(c.Data)
		} else if blockTag(c.DataAtom) || c.DataAtom == atom.Br {
			b.WriteByte(' ')
		}
		if b.Len() > maxValue {
			break
		}
	}
	return b.String()
}

// maxValue bounds the text, in bytes, that can be a title, a date or a name.
const maxValue = 2000

// marked finds the nearest marked box at or above a box; 0 for none.
func (d *document) marked(at int32) int32 {
	for ; at != 0; at = d.boxes[at].parent {
		if d.boxes[at].mark != 0 {
			return at
		}
	}
	return 0
}

// removed finds the remove selector that took out what stands in a box; -1 for none. Outer ones count: nothing inside what
// is removed comes back.
func (d *document) removed(at int32) int {
	for ; at != 0; at = d.boxes[at].parent {
		if m := d.boxes[at].mark; m < 0 {
			return int(-m) - 1
		}
	}
	return -1
}

// chooseBySite keeps what the rule's body selectors match, takes out what its remove selectors match, and leaves the rest to
// the generic way: the whole choice of the body, where the rule has no body selector or it finds no text; within the body,
// what markup between the selected element and a block says against it, and the lexicon. An element that is selected itself
// is kept whatever speaks against it.
func (x *Extractor) chooseBySite(d *document, a *Article, r *siteRule, feed string) {
	all := d.blocks
	state := make([]int8, len(all)) // where a block goes
	const (
		inside = iota + 1
		removed
		outside
	)
	found := 0
	for i := range all {
		b := &all[i]
		if k := d.removed(b.box); k >= 0 {
			state[i] = removed
			b.drop(r.remove[k].class, r.remove[k].ref)
		} else if m := d.marked(b.box); m != 0 {
			state[i] = inside
			found += len(b.text)
		} else {
			state[i] = outside
		}
	}
	byRule := len(r.body) > 0 && found > 0
	if len(r.body) > 0 && found == 0 {
		a.note("%s: the body selector finds no text on this page; the body was chosen the generic way", r.body[0].ref)
	}
	if byRule {
		for i := range all {
			if state[i] == outside {
				x.dropOutside(&all[i], r)
			}
		}
	}
	// What is settled steps aside, so that the generic way weighs the rest alone.
	rest := make([]block, 0, len(all))
	for i := range all {
		if state[i] == inside || state[i] == outside && !byRule {
			rest = append(rest, all[i])
		}
	}
	d.blocks = rest
	if byRule {
		x.keepMarked(d, r)
		x.classify(d, a)
		d.confirmMarked(r)
	} else {
		x.chooseBody(d, a, x.feedWitness(feed, d))
		x.classify(d, a)
	}
	rest, d.blocks = d.blocks, make([]block, 0, len(all))
	k := 0
	for i := range all {
		if state[i] == inside || state[i] == outside && !byRule {
			d.blocks = append(d.blocks, rest[k])
			k++
		} else {
			d.blocks = append(d.blocks, all[i])
		}
	}
	d.blocks = append(d.blocks, rest[k:]...) // a body that stood only in a script
}

// dropOutside takes out a block beside the rule's body, with the class that the lexicon has for it.
func (x *Extractor) dropOutside(b *block, r *siteRule) {
	class := classNavigation
	if b.tag == atom.H1 {
		class = classHeadline
	} else if b.link*2 <= len(b.text) && len(b.text) <= maxRenamed {
		if e := x.lex.find(b.view()); e != nil {
			class = e.class
		} else if len(b.text) < 80 && (b.time || x.lex.dateLine(b.text)) {
			class = classDateline
		}
	}
	b.drop(class, r.body[0].ref)
}

// keepMarked removes, inside the body, what markup below the selected element speaks against.
func (x *Extractor) keepMarked(d *document, r *siteRule) {
	d.sum()
	x.sections(d)
	d.settle(believeAll)
	for i := range d.blocks {
		b := &d.blocks[i]
		m := d.marked(b.box)
		veto := int32(0)
		for at := b.box; at != m; at = d.boxes[at].parent {
			if box := &d.boxes[at]; box.class != "" && !box.exempt {
				veto = at
			}
		}
		if veto != 0 {
			class, rule := d.reason(b.box, veto)
			b.drop(class, rule)
		}
	}
}

// confirmMarked names the rule on what is kept, and takes back what is selected itself.
func (d *document) confirmMarked(r *siteRule) {
	for i := range d.blocks {
		b := &d.blocks[i]
		m := d.marked(b.box)
		if b.box == m && !blockHolds(d.boxes[m].tag) {
			b.class = ""
		}
		if b.class == "" {
			b.rule = r.body[d.boxes[m].mark-1].ref
		}
	}
}

// blockHolds says which elements hold the article rather than a piece of it: being selected, they vouch for no single block.
func blockHolds(t atom.Atom) bool {
	switch t {
	case atom.P, atom.Li, atom.Blockquote, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Pre, atom.Dd, atom.Dt, atom.Figcaption:
		return false
	}
	return true
}

// note keeps a sentence about how the page was read.
func (a *Article) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}
