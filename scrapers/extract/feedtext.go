package extract

import (
	"strings"
)

// The feed's own text as a witness. It is heard as far as it speaks of this article and no further: what its publisher put
// into the feed's text is the article, so a block of the page that stands there too is journalism, whatever the names of the
// boxes around it or their place say. It says nothing about what it does not hold, because feeds are cut; and a text that the
// page does not show, another article's, says nothing at all.

// Bounds of what the feed's text can tell.
const (
	minFeed   = 200 // bytes of a text that tells an article from another
	feedTold  = 0.6 // share of a block's word windows from which the feed holds it
	feedSure  = 0.8 // the same where it speaks against what the page's markup and structure say
	feedBox   = 80  // bytes of the feed's text that must stand in a box for the feed to vouch for it
	feedFills = 2   // so many times longer than what was read, the feed's text says that the page was read wrongly
)

// ruleFeed is the rule of blocks that the feed's text alone gave back.
const ruleFeed = "witness:feed"

// feedWitness reads the feed's text, HTML or plain, as a page is read, so that captions, asides and appeals in it do not vouch
// for themselves. It says nothing where the text is short, or where the page shows next to nothing of it.
func (x *Extractor) feedWitness(feed string, d *document) *witness {
	if len(feed) < minFeed {
		return &witness{}
	}
	sub := x.read([]byte(feed))
	sub.sum()
	sub.settle(believeAll)
	var text strings.Builder
	for i := range sub.blocks {
		b := &sub.blocks[i]
		if sub.boxes[b.box].veto == 0 && b.link*2 <= len(b.text) && x.lex.find(b.view()) == nil {
			text.WriteString(b.text)
			text.WriteString("\n\n")
		}
	}
	w := newGrams(text.String(), minFeed)
	if w.grams == nil {
		return w
	}
	shown, all := 0, 0 // bytes of prose
	for i := range d.blocks {
		b := &d.blocks[i]
		if p := b.prose(); p > 0 {
			all += p
			if b.fed = w.covers(b); b.fed > feedTold {
				shown += p
			}
		}
	}
	desc := block{text: d.head.one("og:description", "description", "twitter:description")}
	if shown > 0 || all < minBody || w.covers(&desc) > feedTold {
		d.feed = len(w.text)
	}
	if shown*2 >= len(w.text) || shown >= minBody {
		return w
	}
	for i := range d.blocks {
		d.blocks[i].fed = 0
	}
	return &witness{}
}

// vouch takes the feed's text for boxes that markup speaks against: their names are wrong about what stands in the feed.
func (d *document) vouch() {
	told := make([]int, len(d.boxes)) // bytes of prose that the feed holds too
	any := false
	for i := range d.blocks {
		if b := &d.blocks[i]; b.fed > feedSure {
			told[b.box] += b.prose()
			any = true
		}
	}
	if !any {
		return
	}
	for i := len(d.boxes) - 1; i > 0; i-- {
		told[d.boxes[i].parent] += told[i]
		b := &d.boxes[i]
		b.fed = told[i] >= feedBox && (told[i]*2 > b.raw || told[i] >= minBody && !lists(b.class))
	}
}

// lists are the classes of boxes that can hold teasers of many articles, this one's among them.
func lists(class string) bool {
	return class == classRelated || class == classComments || class == classNavigation
}

// rescue gives back the prose that was removed for its place and that the feed holds. A feed that tells nothing of what is
// kept is believed only where it tells much more than that.
func (d *document) rescue() {
	kept, told, lost := 0, 0, 0 // bytes of prose
	for i := range d.blocks {
		b := &d.blocks[i]
		p := b.prose()
		switch {
		case b.class == "":
			kept += p
			if b.fed > feedTold {
				told += p
			}
		case b.fed > feedSure && placed(b.rule):
			lost += p
		}
	}
	if lost == 0 || told == 0 && lost < max(minBody, feedFills*kept) {
		return
	}
	seen := map[string]bool{}
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class == "" {
			seen[b.text] = true
		}
	}
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" && b.fed > feedSure && placed(b.rule) && !seen[b.text] {
			b.class, b.rule, b.proof = "", ruleFeed, b.fed
			seen[b.text] = true
		}
	}
}

// doubt notes that the feed's own text of this article, of so many bytes, is much fuller than what was read of the page.
func (a *Article) doubt(feed int) {
	if feed >= minBody && feed > feedFills*len(a.Body) {
		a.note("the feed's text has %d bytes and the page gave %d: the page is cut, or it was read wrongly", feed, len(a.Body))
	}
}
