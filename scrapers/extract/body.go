package extract

import (
	"slices"
	"strings"

	"golang.org/x/net/html/atom"
)

// Weights and bounds of the choice of containers. They were set on pages of many sites at once; see the floors in
// corpus_test.go.
const (
	minProse     = 50   // bytes of a block that can be prose
	descend      = 0.72 // a box is entered when one child holds this share of its weight
	exemptShare  = 0.40 // markup that speaks against a box is not believed when the box holds this share of all prose
	exemptStrict = 0.75 // the same for comments and related articles, which can be long
	bodyFactor   = 3    // prose in a box marked as the body counts so many times
	mainFactor   = 1.5  // and in an article or main element so many times
	// descriptionWeight is added, in bytes, for a block in which most of the page's own description stands: it is the
	// article's beginning, however short the article.
	descriptionWeight = 600
	minDescription    = 70 // bytes of a description that can tell one block from another
	witnessBoost      = 4  // prose that JSON-LD's articleBody confirms counts so many times
)

// prose is the number of bytes of a block that read like sentences outside links, 0 for labels, menus and lists of links.
func (b *block) prose() int {
	if b.heading() || len(b.text) < minProse || b.link*2 > len(b.text) {
		return 0
	}
	n := len(b.text) - b.link
	if !sentence(b.text) {
		if len(b.text) < 140 {
			return 0
		}
		n /= 2
	}
	switch b.tag {
	case atom.Li, atom.Dd, atom.Dt, atom.Tr:
		n = n * 6 / 10
	}
	return n
}

// sentence says whether a text has the punctuation of a sentence: a full stop, or its like in other scripts, at the end or
// before a space.
func sentence(s string) bool {
	for i, r := range s {
		switch r {
		case '.', '!', '?', '…', ':', ';':
			rest := s[i+1:]
			if r == '…' {
				rest = s[i+len("…"):]
			}
			if rest == "" || rest[0] == ' ' || rest[0] == '\n' || strings.ContainsAny(rest[:1], `"')`) || rest[0] >= 0x80 {
				return true
			}
		case '。', '！', '？', '।', '؟', '۔', '።', '，':
			return true
		}
	}
	return false
}

// sum fills the sums of all boxes.
func (d *document) sum() {
	boxes := d.boxes
	for i := range d.blocks {
		b := &d.blocks[i]
		boxes[b.box].raw += b.prose()
	}
	for i := len(boxes) - 1; i > 0; i-- {
		p := &boxes[boxes[i].parent]
		p.raw += boxes[i].raw
		if boxes[i].body {
			p.own += boxes[i].raw
		} else {
			p.own += boxes[i].own
		}
	}
}

// settle decides which markup is believed.
func (d *document) settle(belief int) {
	boxes := d.boxes
	all := float64(boxes[0].raw)
	for i := 1; i < len(boxes); i++ {
		b := &boxes[i]
		b.veto = boxes[b.parent].veto
		b.exempt = false
		if b.class == "" {
			continue
		}
		share := float64(b.raw) / max(all, 1)
		switch b.class {
		case classComments, classRelated, classCookie:
			b.exempt = share > exemptStrict
		case classPaywall: // the name is given to what stands behind the wall as often as to the wall
			b.exempt = share > exemptShare || b.plain == "" && (b.tag == atom.P || b.tag == atom.Span || b.raw > wallSize)
		case classFactbox:
			b.exempt = share > exemptStrict || b.plain == "" && share > exemptShare
		default:
			b.exempt = share > exemptShare
		}
		if b.plain == "" && b.class != classComments && b.class != classRelated && (b.body || b.own*2 > b.raw) {
			b.exempt = true // it holds what is marked as the body
		}
		if b.fed {
			b.exempt = true
		}
		switch {
		case belief == believeAll, b.tag == atom.Nav, b.tag == atom.Footer, b.plain == ruleSecond:
		case b.plain == "" && b.class != classComments && b.class != classCookie, belief == believeLittle:
			b.exempt = true
		}
		if !b.exempt && b.veto == 0 {
			b.veto = int32(i)
		}
	}
}

// chooseBody finds the box that holds the body: from the root it enters the child that holds most of the weight, and stops
// where the weight is spread over several children, so that sibling containers of one body stay together. Weight is prose
// outside boxes that markup speaks against; markup that speaks for a box, and a witness, multiply it.
//
// Where that leaves next to nothing of a page that does show prose, it is done again with less belief in markup: names
// first, then everything but nav and footer.
func (x *Extractor) chooseBody(d *document, a *Article, feed *witness) {
	wit := newWitness(d.head.body())
	desc := newGrams(d.head.one("og:description", "description", "twitter:description"), minDescription)
	d.sum()
	d.secondArticles(a.Title)
	x.sections(d)
	if feed.grams != nil {
		d.vouch()
	}
	for belief := believeAll; ; belief-- {
		d.settle(belief)
		at, kept := d.descend(wit, desc)
		if kept >= minBody || belief == believeLittle || float64(kept) > 0.5*float64(d.boxes[0].raw) {
			d.markOutside(at)
			break
		}
	}
	x.keepLead(d, a.Title, d.keepStandfirst())
	if feed.grams != nil {
		d.rescue()
	}
	d.fillFromWitness(wit)
	x.fillFromScript(d)
}

// belief says how much of what markup says against a box is believed.
const (
	believeLittle = iota
	believeElements
	believeAll
)

// wallSize is the prose, in bytes, that the box of an appeal to subscribe does not exceed.
const wallSize = 500

// minBody is the prose, in bytes, below which a body is doubted.
const minBody = 250

const ruleSecond = "structure:second-article"

// minSecond is the prose, in bytes, that an appended article has at least; a card has less.
const minSecond = 150

// descend finds the container and the prose in it.
func (d *document) descend(wit, desc *witness) (at int32, kept int) {
	boxes := d.boxes
	factor := make([]float64, len(boxes))
	weight := make([]float64, len(boxes))
	factor[0] = 1
	for i := 1; i < len(boxes); i++ {
		b := &boxes[i]
		f := factor[b.parent]
		switch {
		case b.body:
			f = max(f, bodyFactor)
		case b.tag == atom.Article || b.tag == atom.Main:
			f = max(f, mainFactor)
		}
		factor[i] = f
	}
	free := make([]int, len(boxes)) // prose in bytes, as it is
	for i := range d.blocks {
		b := &d.blocks[i]
		if boxes[b.box].veto != 0 {
			continue
		}
		p := b.prose()
		free[b.box] += p
		w := float64(p) * factor[b.box]
		if w > 0 {
			if b.proof = max(wit.covers(b), b.fed); b.proof > 0.6 {
				w *= witnessBoost
			}
			if told := desc.told(b); told > 0.5 {
				w += descriptionWeight * factor[b.box]
				b.proof = max(b.proof, told)
			}
		}
		weight[b.box] += w
	}
	for i := len(boxes) - 1; i > 0; i-- {
		weight[boxes[i].parent] += weight[i]
		free[boxes[i].parent] += free[i]
	}
	best := make([]int32, len(boxes)) // heaviest child
	for i := 1; i < len(boxes); i++ {
		p := boxes[i].parent
		if best[p] == 0 || weight[i] > weight[best[p]] {
			best[p] = int32(i)
		}
	}
	for best[at] != 0 && weight[best[at]] > 0 && weight[best[at]] >= descend*weight[at] {
		at = best[at]
	}
	// A list item, paragraph or quote is never the container: what stands beside it belongs to it.
	for at != 0 && !container(boxes[at].tag) {
		at = boxes[at].parent
	}
	d.body, d.weight = at, weight
	return at, free[at]
}

// keepStandfirst takes back the standfirst: the block under the headline that the page gives as its own description.
//
// It returns the block's index, -1 for none.
func (d *document) keepStandfirst() int {
	desc := strings.TrimSpace(newView(d.head.one("og:description", "description", "twitter:description")).norm)
	if len(desc) < 50 {
		return -1
	}
	head := -1
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.tag == atom.H1 {
			head = i
		}
		if b.class == "" && b.prose() > 0 {
			return -1
		}
		if head < 0 || i > head+8 || b.tag == atom.H1 || len(b.text) < 50 || b.link > 0 || b.rule != ruleOutside {
			continue
		}
		if got := strings.TrimSpace(b.view().norm); got == desc || strings.HasPrefix(got, desc) && len(got) < 2*len(desc) {
			b.class, b.rule, b.proof = "", "", float64(len(desc))/float64(len(got))
			return i
		}
	}
	return -1
}

// Bounds of what may stand between the headline and the body and still be the article's beginning.
const (
	leadBlocks = 40   // blocks from the headline to the body
	leadParts  = 3    // of them, blocks of prose
	leadSize   = 1500 // bytes of that prose
	leadShort  = 60   // bytes of the shortest such block
	// Where page and body share an article or main element, the beginning may be as long as this share of the body.
	leadShare = 0.5
)

// keepLead takes back prose between the headline and the body that stands in a container of its own: standfirsts and first
// paragraphs. What stands with the body in one article or main element may be longer, since the page itself says that both are
// of one thing. Where there is much of it, it is something else. standfirst is the index of a block taken back before, or -1.
func (x *Extractor) keepLead(d *document, title string, standfirst int) {
	head := -1
	var near, far []int // candidates: in one article element with the body, and others
	nearSize, farSize := 0, 0
	tooFar := false
	article := d.bodyArticle()
	body := 0 // bytes of the body's prose
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.tag == atom.H1 || head < 0 && b.heading() && overlap(b.text, title) >= 0.8 {
			head, near, far, nearSize, farSize, tooFar = i, near[:0], far[:0], 0, 0, false
			continue
		}
		if b.class == "" && b.prose() > 0 && i != standfirst {
			for j := i; j < len(d.blocks); j++ {
				if d.blocks[j].class == "" {
					body += d.blocks[j].prose()
				}
			}
			break
		}
		if head < 0 || b.rule != ruleOutside || len(b.text) < leadShort || b.prose() == 0 || b.link*5 > len(b.text) || !reads(b.text) {
			continue
		}
		if b.tag == atom.Li || x.lex.find(b.view()) != nil || x.lex.dateLine(b.text) {
			continue
		}
		if article != 0 && d.within(b.box, article) {
			near = append(near, i)
			nearSize += len(b.text)
		} else {
			far = append(far, i)
			farSize += len(b.text)
			tooFar = tooFar || i > head+leadBlocks
		}
	}
	if nearSize <= max(leadSize, int(leadShare*float64(body))) {
		for _, i := range near {
			d.takeBack(i)
		}
	}
	if !tooFar && len(far) <= leadParts && farSize <= leadSize {
		for _, i := range far {
			d.takeBack(i)
		}
	}
}

const ruleOutside = "structure:outside-body"

// takeBack keeps a block after all, and the heading right above it in its box.
func (d *document) takeBack(i int) {
	b := &d.blocks[i]
	b.class, b.rule = "", ""
	if i > 0 {
		if h := &d.blocks[i-1]; h.heading() && h.tag != atom.H1 && h.rule == ruleOutside && h.link == 0 && d.boxes[h.box].parent == d.boxes[b.box].parent {
			h.class, h.rule = "", ""
		}
	}
}

// bodyArticle is the outermost article or main element, or box marked as a body, that holds the container of the body; 0 for
// none.
func (d *document) bodyArticle() (top int32) {
	for at := d.body; at != 0; at = d.boxes[at].parent {
		if b := &d.boxes[at]; b.tag == atom.Article || b.tag == atom.Main || b.body {
			top = at
		}
	}
	return top
}

func container(t atom.Atom) bool {
	switch t {
	case atom.P, atom.Li, atom.Ul, atom.Ol, atom.Blockquote, atom.Dd, atom.Dt, atom.Tr, atom.Pre, atom.Figure, atom.Figcaption:
		return false
	}
	return true
}

// markOutside removes what stands outside the container. Boxes come in document order, so one pass settles ancestry.
func (d *document) markOutside(at int32) {
	inside := make([]bool, len(d.boxes))
	inside[at] = true
	for i := int(at) + 1; i < len(d.boxes); i++ {
		inside[i] = inside[d.boxes[i].parent]
	}
	for i := range d.blocks {
		b := &d.blocks[i]
		box := &d.boxes[b.box]
		if v := box.veto; v != 0 {
			class, rule := d.reason(b.box, v)
			b.drop(class, rule)
		} else if !inside[b.box] {
			class := classNavigation
			if b.tag == atom.H1 {
				class = classHeadline
			}
			b.drop(class, ruleOutside)
		}
	}
}

// secondArticles speaks against article elements that hold another article, with a headline and prose of its own, under
// the page's: what endless scrolling appends. The page's own is the one under the page's title, or else the first.
func (d *document) secondArticles(title string) {
	type found struct {
		box  int32
		head string
	}
	var tops []found
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.tag != atom.H1 || len(tops) > 20 {
			continue
		}
		at := b.box
		for at != 0 && d.boxes[at].tag != atom.Article {
			at = d.boxes[at].parent
		}
		if at != 0 && d.boxes[at].raw >= minSecond && (len(tops) == 0 || tops[len(tops)-1].box != at) {
			tops = append(tops, found{at, b.text})
		}
	}
	if len(tops) < 2 {
		return
	}
	own := 0
	for i, f := range tops {
		if overlap(f.head, title) >= 0.6 {
			own = i
			break
		}
	}
	for i, f := range tops {
		if i == own || d.within(tops[own].box, f.box) || d.within(f.box, tops[own].box) {
			continue
		}
		b := &d.boxes[f.box]
		b.class, b.plain, b.body = classRelated, ruleSecond, false
	}
}

// within says whether box a stands in box b.
func (d *document) within(a, b int32) bool {
	for a > b {
		a = d.boxes[a].parent
	}
	return a == b
}

// sections speaks against boxes that begin with a heading such as "Related articles", below the text: what stands with the
// heading in one box is its section, however much the parts of it look like articles.
func (x *Extractor) sections(d *document) {
	first := make([]int32, len(d.boxes)) // of each box: 1 + its first block
	last := make([]int32, len(d.boxes))
	for i := range d.blocks {
		at := d.blocks[i].box
		if first[at] == 0 {
			first[at] = int32(i) + 1
		}
		last[at] = int32(i) + 1
	}
	for i := len(d.boxes) - 1; i > 0; i-- {
		p := d.boxes[i].parent
		if first[i] != 0 && (first[p] == 0 || first[i] < first[p]) {
			first[p] = first[i]
		}
		last[p] = max(last[p], last[i])
	}
	// headlines holds the indices of the blocks that are an h1, in order: sections in sections are each asked for one.
	var headlines []int32
	for i := range d.blocks {
		if d.blocks[i].tag == atom.H1 {
			headlines = append(headlines, int32(i))
		}
	}
	seen := 0
	for i := range d.blocks {
		b := &d.blocks[i]
		seen += b.prose()
		if seen < minBody || len(b.text) > maxSectionHead || b.link > 0 && !b.heading() {
			continue
		}
		at, top := b.box, int32(0)
		for at != 0 && first[at] == int32(i)+1 {
			if d.boxes[at].class != "" {
				top = 0 // named already
				break
			}
			top, at = at, d.boxes[at].parent
		}
		if top == 0 || last[top] == first[top] {
			continue
		}
		h, _ := slices.BinarySearch(headlines, first[top]-1)
		if h < len(headlines) && headlines[h] < last[top] {
			continue
		}
		if r := x.lex.find(b.view()); r != nil && r.where == whereSection {
			s := &d.boxes[top]
			s.class, s.neg, s.body = r.class, r, false
		}
	}
}

// maxSectionHead is the length, in bytes, of the longest heading of a section.
const maxSectionHead = 80

// reason is the class and rule with which the boxes from at up to the outermost that is believed speak against what stands
// in at. Where the outermost only tells the place (a footer, an aside), the innermost box that has a name for it is heard.
func (d *document) reason(at, outermost int32) (class, rule string) {
	class, rule = d.boxes[outermost].reason()
	if class != classNavigation && rule != ruleAside {
		return class, rule
	}
	for ; at != outermost; at = d.boxes[at].parent {
		if c := d.boxes[at].class; c != "" && c != classNavigation && d.boxes[at].plain != ruleAside {
			return d.boxes[at].reason()
		}
	}
	return class, rule
}

// reason is the class and rule with which a box speaks against its content.
func (b *box) reason() (class, rule string) {
	if b.plain != "" && (b.neg == nil || b.plain != ruleAside) {
		return b.class, b.plain
	}
	return b.class, b.neg.ref
}

// A witness is a second telling of the body, from JSON-LD, held as hashes of word windows.
type witness struct {
	text  string
	grams map[uint64]struct{}
}

const gramWords = 4

func newWitness(s string) *witness { return newGrams(s, 300) }

// newGrams is a witness that says nothing when s has fewer than least bytes.
func newGrams(s string, least int) *witness {
	w := &witness{text: s}
	if len(s) < least {
		return w
	}
	w.grams = make(map[uint64]struct{}, len(s)/6)
	eachGram(s, func(h uint64) { w.grams[h] = struct{}{} })
	return w
}

// covers is the share of the block's word windows that the witness holds, from 0 to 1.
func (w *witness) covers(b *block) float64 {
	if w.grams == nil {
		return 0
	}
	n, hit := 0, 0
	eachGram(b.text, func(h uint64) {
		n++
		if _, ok := w.grams[h]; ok {
			hit++
		}
	})
	if n == 0 {
		return 0
	}
	return float64(hit) / float64(n)
}

// told is the share of the witness' word windows that stand in the block, from 0 to 1.
func (w *witness) told(b *block) float64 {
	if len(w.grams) == 0 || len(b.text) > 20*len(w.text)+2000 {
		return 0
	}
	hit := 0
	eachGram(b.text, func(h uint64) {
		if _, ok := w.grams[h]; ok {
			hit++
		}
	})
	return float64(hit) / float64(len(w.grams))
}

// eachGram hashes (FNV-1a) each window of gramWords words; in scripts without spaces each rune is a word.
func eachGram(s string, f func(uint64)) {
	const prime, basis = 1099511628211, 14695981039346656037
	var ring [gramWords]uint64
	n := 0
	word := uint64(basis)
	in := false
	emit := func() {
		ring[n%gramWords] = word
		n++
		if n >= gramWords {
			h := uint64(basis)
			for i := range gramWords {
				h = (h ^ ring[(n+i)%gramWords]) * prime
			}
			f(h)
		}
		word, in = basis, false
	}
	for _, r := range s {
		switch {
		case r < 0x80 && !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'), r >= 0x2000 && r < 0x2070, r == 0xa0,
			r >= 0x3000 && r < 0x3003, r == '«', r == '»':
			if in {
				emit()
			}
		case r >= 0x3040 && r < 0xa000:
			if in {
				emit()
			}
			word = (word ^ uint64(r)) * prime
			emit()
		default:
			in = true
			word = (word ^ uint64(r)) * prime
		}
	}
	if in {
		emit()
	}
}

// fillFromWitness takes the body from the witness where the page shows none of it: text that stands only in a script.
func (d *document) fillFromWitness(w *witness) {
	if len(w.text) < 400 {
		return
	}
	shown := 0
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class == "" && w.covers(b) > 0.6 {
			shown += len(b.text)
		}
	}
	prose := 0
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class == "" {
			prose += b.prose()
		}
	}
	if shown*5 > len(w.text) || prose*2 > len(w.text) {
		return
	}
	// Not among the kept blocks: perhaps among those outside the container.
	found := 0
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class != "" && w.covers(b) > 0.6 {
			found += len(b.text)
		}
	}
	if found*2 > len(w.text) {
		for i := range d.blocks {
			b := &d.blocks[i]
			if told := w.covers(b); told > 0.6 {
				b.class, b.rule, b.proof = "", "", told
			} else if b.class == "" {
				b.drop(classNavigation, "structure:not-in-articleBody")
				b.proof = 1 - told
			}
		}
		return
	}
	for i := range d.blocks {
		d.blocks[i].drop(classNavigation, ruleInScript)
	}
	for _, p := range paragraphsOf(w.text) {
		d.blocks = append(d.blocks, block{text: p, tag: atom.P, proof: 1})
	}
}

// paragraphsOf splits a body told in one string.
func paragraphsOf(s string) []string {
	var out []string
	for _, p := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
