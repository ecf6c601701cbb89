package extract

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// The classes of removed blocks.
const (
	classDonation   = "donation"
	classNewsletter = "newsletter"
	classPromo      = "promo"
	classRelated    = "related"
	classShare      = "share"
	classCaption    = "caption"
	classCredit     = "credit"
	classComments   = "comments"
	classEmbed      = "social_embed"
	classPaywall    = "paywall"
	classBio        = "author_bio"
	classCookie     = "cookie"
	classAd         = "ad"
	classNavigation = "navigation"
	classHeadline   = "headline"
	classDateline   = "dateline"
	classFactbox    = "factbox"
	classLive       = "live_meta"
	classLegal      = "legal"
	classRepeated   = "repeated"

	// classBody is no class of blocks: its file names the markup that holds bodies.
	classBody = "body"
)

// classify removes, from the container's blocks, what is not the journalist's text. The steps go from sure to unsure; a
// block removed by one is not seen by the next.
func (x *Extractor) classify(d *document, a *Article) {
	d.dropHeadline(a.Title)
	x.lexical(d.blocks)
	d.dropCards()
	d.dropLinked()
	d.dropMargins(x.lex, a)
	d.dropBareHeadings()
	d.dropRepeated()
	x.rename(d)
}

// rename gives a better class to what was removed for its place alone, in a footer, an aside, beside or below the body: a
// date line, and what the lexicon knows. Nothing can be lost by it. Menus and blocks of links stay what they are, since
// their labels name what they lead to.
func (x *Extractor) rename(d *document) {
	for i := range d.blocks {
		b := &d.blocks[i]
		if !placed(b.rule) || b.link*2 > len(b.text) || len(b.text) > maxRenamed {
			continue
		}
		if r := x.lex.find(b.view()); r != nil {
			b.class, b.rule = r.class, r.ref
		} else if len(b.text) < 80 && (b.time || x.lex.dateLine(b.text)) {
			b.class, b.rule = classDateline, "structure:date-line"
		}
	}
}

// maxRenamed bounds, in bytes, the blocks that are looked up once more.
const maxRenamed = 1200

// placed says whether a rule tells where a block stood rather than what it is.
func placed(rule string) bool {
	switch rule {
	case "structure:outside-body", "structure:before-text", "structure:after-text", "structure:bare-heading", "structure:footer",
		"structure:role", "structure:form", "structure:not-in-articleBody", ruleAside:
		return true
	}
	return strings.HasPrefix(rule, "lexicon/"+classNavigation)
}

// dropHeadline removes the headline where the body repeats it.
func (d *document) dropHeadline(title string) {
	want := strings.TrimSpace(newView(title).norm)
	seen := 0 // prose before
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		if b.tag == atom.H1 && seen < 400 {
			b.drop(classHeadline, "structure:h1")
			continue
		}
		if want != "" && (b.heading() || seen == 0) && len(b.text) < 2*len(title)+20 {
			if got := strings.TrimSpace(b.view().norm); got == want || len(got) > 20 && strings.Contains(want, got) && b.heading() {
				b.drop(classHeadline, "structure:title")
				continue
			}
		}
		seen += b.prose()
	}
}

// lexical applies the lexicon to each block that is still there, with the sections some entries open and the posts some
// entries sign.
func (x *Extractor) lexical(blocks []block) {
	var marks *timeMarks // found once, when the first section asks
	for i := 0; i < len(blocks); i++ {
		b := &blocks[i]
		if b.class != "" || b.title {
			continue
		}
		r := x.lex.find(b.view())
		if r == nil {
			continue
		}
		b.drop(r.class, r.ref)
		switch r.where {
		case whereSection:
			if marks == nil {
				marks = x.timeMarks(blocks)
			}
			i = x.section(blocks, i, r, marks) - 1
		case whereSignature:
			signed(blocks, i, r)
		}
	}
}

// timeMarks are the blocks that hold only a relative time.
type timeMarks struct {
	is   []bool
	last int // -1 for none
}

func (x *Extractor) timeMarks(blocks []block) *timeMarks {
	m := &timeMarks{is: make([]bool, len(blocks)), last: -1}
	for i := range blocks {
		if b := &blocks[i]; len(b.text) < 60 && x.lex.isAgo(b.view()) {
			m.is[i], m.last = true, i
		}
	}
	return m
}

// section removes what stands under a heading such as "Related articles": labels and titles, blocks of links, and for each
// time mark ("2 hours ago"), which stands for a card, one long text; so does a link between links. It ends at the first block that reads like the
// article itself, and never before the last card. It returns the index where reading goes on.
func (x *Extractor) section(blocks []block, at int, r *rule, marks *timeMarks) int {
	last := max(at, marks.last)
	card := false
	links := func(j int) bool { return j < len(blocks) && blocks[j].link*10 >= len(blocks[j].text)*7 }
	teasers := 0
	for j := at + 1; j < len(blocks); j++ {
		b := &blocks[j]
		if b.class != "" {
			continue
		}
		if b.heading() && j > last && b.link*2 < len(b.text) && card {
			return j
		}
		if f := x.lex.find(b.view()); f != nil && f.where == whereSection {
			return j
		}
		switch {
		case marks.is[j]:
			card = true
		case b.link*2 > len(b.text):
		case b.tag == atom.Li && blocks[j-1].class == r.class: // the list right under the heading
		case reads(b.text):
			if links(j-1) && blocks[j-1].class == r.class && (links(j+1) || teasers > 1) {
				teasers++
			} else if j > last && !card {
				return j
			}
			card = false
		}
		b.drop(r.class, r.ref)
	}
	return len(blocks)
}

// reads says whether a block reads like an article's text rather than a label or title: it ends as a sentence does.
func reads(s string) bool {
	if utf8.RuneCountInString(s) > 160 {
		return true
	}
	s = strings.TrimRight(s, `"'”’»)]`)
	r, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(".!。！।۔", r) && !strings.HasSuffix(s, "...")
}

// signed removes the post above its signature line. A post is the block before; where that block only closes a quotation,
// it reaches back to the block that opens it.
func signed(blocks []block, at int, r *rule) {
	size := 0
	for j := at - 1; j >= 0 && j >= at-6; j-- {
		b := &blocks[j]
		if b.title || b.class != "" && b.class != classEmbed {
			return
		}
		size += len(b.text)
		if size > 1200 {
			return
		}
		if b.class == classEmbed {
			return
		}
		b.drop(r.class, r.ref)
		if !closesOnly(b.text) {
			return
		}
	}
}

// closesOnly says whether a text ends with a quotation mark that it does not open.
func closesOnly(s string) bool {
	switch {
	case strings.HasSuffix(s, "”"):
		return !strings.Contains(s, "“")
	case strings.HasSuffix(s, `"`):
		return strings.Count(s, `"`) == 1
	}
	return false
}

// dropCards removes teasers of other articles: at least three headings in a row that are links, each in a box of its own
// and with next to nothing under it. (The headings of a list of products are links too, but stand in one box.)
func (d *document) dropCards() {
	const few, short = 4, 700 // blocks and bytes under one heading
	var starts []int
	flush := func(end int) {
		if len(starts) >= 3 {
			for _, at := range starts {
				for j := at; j < end && j <= at+few; j++ {
					b := &d.blocks[j]
					if j > at && b.heading() {
						break
					}
					if j == at || d.near(d.blocks[at].box, b.box) {
						b.drop(classRelated, "structure:cards")
					}
				}
			}
		}
		starts = starts[:0]
	}
	n, size := 0, 0
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		if b.heading() && b.link*10 >= len(b.text)*8 {
			if n > few || size > short || len(starts) > 0 && d.boxes[d.blocks[starts[len(starts)-1]].box].parent == d.boxes[b.box].parent {
				flush(i)
			}
			starts = append(starts, i)
			n, size = 0, 0
			continue
		}
		n++
		size += len(b.text)
	}
	flush(len(d.blocks))
}

// near says whether two boxes are the same, siblings, or cousins within two levels: the parts of one card.
func (d *document) near(a, b int32) bool {
	up := func(x int32) int32 { return d.boxes[x].parent }
	return a == b || up(a) == up(b) || up(up(a)) == up(b) || up(a) == up(up(b)) || a == up(b) || up(a) == b
}

// dropLinked removes blocks that are links rather than text, and lists made of such items, unless the text announces them.
func (d *document) dropLinked() {
	type sum struct {
		text, link int
		told       bool // a paragraph announces it: it is part of the text
	}
	lists := map[int32]*sum{}
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class == "" && b.tag == atom.Li {
			l := d.boxes[b.box].parent
			s := lists[l]
			if s == nil {
				s = &sum{told: i > 0 && d.blocks[i-1].announces()}
				lists[l] = s
			}
			s.text += len(b.text)
			s.link += b.link
		}
	}
	class := classNavigation // above the text links lead around the site, below it to other articles
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		switch {
		case b.link*10 >= len(b.text)*7 && b.tag == atom.Li && lists[d.boxes[b.box].parent].told:
		case b.link*10 >= len(b.text)*7 && !(b.heading() && b.link < 30):
			b.drop(class, "structure:link-density")
		case b.tag == atom.Li:
			if s := lists[d.boxes[b.box].parent]; s.link*10 > s.text*6 && !s.told {
				b.drop(class, "structure:link-list")
				b.proof = float64(s.link) / float64(s.text)
			}
		}
		if b.class == "" && b.prose() > 0 {
			class = classRelated
		}
	}
}

// dropMargins removes labels before the first and after the last block that reads like prose: bylines, dates, counters,
// tags.
func (d *document) dropMargins(lex *lexicon, a *Article) {
	first, last := -1, -1
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class == "" && b.prose() > 0 {
			if first < 0 {
				first = i
			}
			last = i
		} else if last >= 0 && b.class == "" && !b.heading() && b.link == 0 && reads(b.text) && i <= last+6 {
			last = i // a short sentence soon after belongs to the text, and so do headings between
		} else if last >= 0 && b.class == "" && b.link == 0 && i == last+1 && (b.tag == atom.Li || b.tag == atom.Tr) {
			last = i // a list or table that the text ends with
		}
	}
	if first < 0 {
		return
	}
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		if i > first && i < last {
			// Between paragraphs a date with its time of day is the mark of a card or of an entry of a ticker.
			if len(b.text) < 60 && b.tag != atom.Tr && strings.Contains(b.text, ":") && (lex.dateLine(b.text) || lex.isAgo(b.view())) {
				b.drop(classDateline, "structure:date-line")
			}
			continue
		}
		if b.time || len(b.text) < 80 && lex.dateLine(b.text) {
			if len(b.text) < 120 {
				b.drop(classDateline, "structure:date-line")
				continue
			}
		}
		switch {
		case i < first:
			if !reads(b.text) && !(b.heading() && len(b.text) > 60) && !d.tops(i, first) {
				b.drop(marginClass(b, a), "structure:before-text")
			}
		case i > last:
			if !reads(b.text) || b.heading() {
				b.drop(classNavigation, "structure:after-text")
			}
		}
	}
}

// marginClass names a label above the text.
func marginClass(b *block, a *Article) string {
	for _, n := range a.Authors {
		if n != "" && strings.Contains(b.text, n) {
			return classBio
		}
	}
	return classLive
}

// dropBareHeadings removes headings with nothing under them, which are titles of boxes that were removed.
func (d *document) dropBareHeadings() {
	next := -1 // kept block that follows
	for i := len(d.blocks) - 1; i >= 0; i-- {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		if b.heading() && (next < 0 || d.blocks[next].heading() && d.blocks[next].tag <= b.tag && !reads(b.text)) {
			if next < 0 {
				b.drop(classRelated, "structure:bare-heading")
				continue
			}
		}
		next = i
	}
}

// dropRepeated removes a block that says again what another kept one said: pull quotes, a teaser above the text.
func (d *document) dropRepeated() {
	seen := map[string]int{}
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" || len(b.text) < 60 || b.kind() != "paragraph" && b.kind() != "quote" || !reads(b.text) {
			continue // tables, plans and lists say the same thing twice for good reasons
		}
		if _, ok := seen[b.text]; ok {
			b.drop(classRepeated, "structure:repeated")
			continue
		}
		seen[b.text] = i
	}
}

// tops says whether block i is the heading of the text that begins with block first: nothing that is kept stands between
// them, and they share a box.
func (d *document) tops(i, first int) bool {
	b := &d.blocks[i]
	if !b.heading() || b.link > 0 || d.boxes[b.box].parent != d.boxes[d.blocks[first].box].parent {
		return false
	}
	for i++; i < first; i++ {
		if d.blocks[i].class == "" {
			return false
		}
	}
	return true
}

// announces says whether a block is a paragraph of the text that ends with a colon.
func (b *block) announces() bool {
	return b.class == "" && !b.heading() && b.tag != atom.Li && b.prose() > 0 && (strings.HasSuffix(b.text, ":") || strings.HasSuffix(b.text, "："))
}
