package extract

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// A document is what one pass over the input yields: blocks of text in order, and the boxes (block-level elements) they
// stand in. Boxes come in document order, so a parent precedes its children; index 0 is the root.
type document struct {
	boxes  []box
	blocks []block
	head   head

	feed   int       // bytes of the feed's own text, where that speaks of this article
	body   int32     // the box chosen as the container of the body
	weight []float64 // of the boxes when it was chosen; nil in plain text and where a site rule chose
	rival  []int32   // of each box the largest around it without the container; made when first asked for
}

// A box is a block-level element.
type box struct {
	parent int32
	tag    atom.Atom
	neg    *rule  // markup that says: not the body
	plain  string // the same said by an element or attribute, as a structure rule
	class  string // the class neg or plain gives
	body   bool   // markup that says: the body
	mark   int32  // the selector of a site rule that matched it: of body from 1 up, of remove from -1 down; 0 for none
	exempt bool   // neg does not hold: too much of the page's prose stands in it
	fed    bool   // neg does not hold: the feed's text stands in it
	veto   int32  // the box, this one or an ancestor, that speaks against it; 0 for none
	// sums over all descendants, in bytes
	raw int // prose
	own int // prose in descendants marked as the body
}

// A block is a run of text without a block-level boundary in it.
type block struct {
	text  string
	tag   atom.Atom // of the block-level element it stands in
	box   int32
	link  int  // bytes of text inside links
	bold  bool // all of it is emphasised: a heading without the element
	quote bool // stands in a blockquote
	time  bool // holds a time element
	line  int
	title bool // is the article's title: neither body nor removed
	class string
	rule  string
	fed   float64 // share of it that the feed's text holds
	proof float64 // what decided, where it cannot be told from the block afterwards: see score
	v     *view
}

// kind is the class of a kept block.
func (b *block) kind() string {
	if isHeading(b.tag) {
		return "heading"
	}
	switch b.tag {
	case atom.Li, atom.Dd, atom.Dt:
		return "list"
	case atom.Tr, atom.Td, atom.Th:
		return "table"
	}
	if b.quote {
		return "quote"
	}
	return "paragraph"
}

func (b *block) heading() bool { return isHeading(b.tag) }

func isHeading(t atom.Atom) bool {
	switch t {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

// drop removes the block unless an earlier rule did.
func (b *block) drop(class, rule string) {
	if b.class == "" {
		b.class, b.rule = class, rule
	}
}

func (b *block) view() *view {
	if b.v == nil {
		b.v = newView(b.text)
	}
	return b.v
}

// fromHTML reads a page.
func (x *Extractor) fromHTML(in Input, a *Article) *document {
	src := decodeHTML(in.HTML, in.ContentType)
	d := x.read(src)
	x.metadata(d, a, in)
	if read := x.bySite(src, d, a, in); read != nil {
		return read
	}
	x.chooseBody(d, a, x.feedWitness(in.Feed, d))
	x.classify(d, a)
	return d
}

// decodeHTML turns raw bytes into UTF-8. The order is: byte order mark; bytes that are valid UTF-8 beyond doubt, whatever
// a header claims; HTTP header; meta element (looked for further down than the 1,024 bytes of the standard); content.
func decodeHTML(raw []byte, contentType string) []byte {
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return bytes.ToValidUTF8(raw[3:], []byte("\uFFFD"))
	case bytes.HasPrefix(raw, []byte("\xfe\xff")), bytes.HasPrefix(raw, []byte("\xff\xfe")):
		return convert(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), raw)
	}
	wide, ok := validUTF8(raw)
	if ok && wide {
		return raw
	}
	enc, name, certain := charset.DetermineEncoding(raw, contentType)
	if ok && (name == "utf-8" || name == "windows-1252") { // ASCII alone, which these leave as it is
		return raw
	}
	if !certain {
		if label := lateCharset(raw); label != "" {
			if e, _ := charset.Lookup(label); e != nil {
				enc = e
			}
		}
	}
	return convert(enc, raw)
}

func convert(enc encoding.Encoding, raw []byte) []byte {
	out, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		out = raw
	}
	return bytes.ToValidUTF8(out, []byte("\uFFFD"))
}

// validUTF8 says whether raw is UTF-8 (a cut rune at the end is forgiven) and holds anything beyond ASCII.
func validUTF8(raw []byte) (wide, ok bool) {
	if !utf8.Valid(raw) {
		cut := len(raw)
		for n := 0; n < utf8.UTFMax && cut > 0; n++ {
			cut--
			if utf8.RuneStart(raw[cut]) {
				break
			}
		}
		if !utf8.Valid(raw[:cut]) {
			return true, false
		}
	}
	for _, c := range raw {
		if c >= 0x80 {
			return true, true
		}
	}
	return false, true
}

// lateCharset finds a charset declared in the first 16 KiB.
func lateCharset(raw []byte) string {
	low := bytes.ToLower(raw[:min(len(raw), 16<<10)])
	for {
		i := bytes.Index(low, []byte("<meta"))
		if i < 0 {
			return ""
		}
		low = low[i+5:]
		tag := low
		if j := bytes.IndexByte(low, '>'); j >= 0 {
			tag = low[:j]
		}
		if _, v, ok := bytes.Cut(tag, []byte("charset=")); ok {
			v = bytes.TrimLeft(v, `"' `)
			if j := bytes.IndexAny(v, `"'; />`); j >= 0 {
				v = v[:j]
			}
			return string(v)
		}
	}
}

// maxDepth bounds the stack of open elements. What opens deeper is read, but makes no box of its own.
const maxDepth = 480

// An open element.
type open struct {
	tag    atom.Atom
	name   string // for elements without an atom
	box    int32  // the box it made, or the one it stands in
	block  bool
	skip   bool
	strong bool
	kind   captureKind // what the element's text is, if it is to be kept apart
	value  string
	from   int // block and offset where that text starts
	at     int
}

// A reader builds a document from tokens. It is a small tree builder of its own, for three reasons: html.Parse gives up at
// 512 open elements, costs three times as much, and the tree is not needed: boxes with sums are. Implied end tags and
// scopes follow the HTML standard where they matter to text (p, li, dd, tr, td, a, option, body, html).
type reader struct {
	x     *Extractor
	scan  scanner
	d     *document
	stack []open
	over  int // elements open beyond maxDepth
	skips int // open elements whose text is not read
	box   int32
	buf   []byte
	link  int
	bold  int // bytes in emphasis
	links int // open a elements
	pre   int
	strng int
	quote int
	time  bool
	space bool
	hints map[string]hint
}

// A hint is what the names of an element say.
type hint struct {
	neg  *rule
	body bool
}

func (x *Extractor) read(src []byte) *document {
	d := x.memory.document()
	r := x.memory.reader(x, d)
	defer x.memory.keepReader(r)
	z := &r.scan
	z.reset(src)
	var raw rawText
	for {
		kind := z.next()
		switch kind {
		case tokenEnd:
			r.flush()
			return d
		case tokenRaw:
			if raw != rawNone {
				d.head.raw(raw, z.bytes())
			} else if r.skips == 0 {
				r.text(z.plain())
			}
			raw = rawNone
		case tokenText:
			if r.skips == 0 {
				r.text(z.text())
			}
		case tokenOpen:
			raw = r.start(false)
		case tokenSelfClosed:
			drawing := r.inSVG()
			if raw = r.start(true); raw == rawLD {
				raw = rawNone
			}
			if drawing && r.inSVG() { // there <title/> is empty, and no end tag ever comes
				z.raw, raw = "", rawNone
			}
		case tokenClose:
			raw = rawNone
			r.end(z.tag, z.name)
		}
	}
}

// rawText says what the next text token is when it is not text.
type rawText int

const (
	rawNone rawText = iota
	rawSkip
	rawTitle
	rawLD
	rawScript
)

// attrs are the attributes that matter, of one start tag: slices of the page, nil where there is none.
type attrs struct {
	class, id, role, itemprop, typ, name, property, content, href, rel, datetime, media, lang, label, part, style []byte
	hidden                                                                                                        bool
	mark                                                                                                          int32
}

// attrs reads the attributes of the tag that was the last token. Of one written twice the first counts.
func (z *scanner) attrs() (at attrs) {
	set := func(to *[]byte, a attrSpan) {
		if *to == nil {
			*to = z.value(a)
		}
	}
	var seen [6]bool // of those that do not keep their value
	first := func(i int) bool {
		was := seen[i]
		seen[i] = true
		return !was
	}
	for _, a := range z.attr {
		switch string(z.key(a)) {
		case "class":
			set(&at.class, a)
		case "id":
			set(&at.id, a)
		case "role":
			set(&at.role, a)
		case "itemprop":
			set(&at.itemprop, a)
		case "type":
			set(&at.typ, a)
		case "name":
			set(&at.name, a)
		case "property":
			set(&at.property, a)
		case "content":
			set(&at.content, a)
		case "href":
			set(&at.href, a)
		case "rel":
			set(&at.rel, a)
		case "datetime":
			set(&at.datetime, a)
		case "media":
			set(&at.media, a)
		case "lang":
			set(&at.lang, a)
		case "aria-label":
			set(&at.label, a)
		case "data-component":
			if first(0) {
				at.part = z.value(a)
			}
		case "data-testid":
			if first(1) {
				at.part = z.value(a)
			}
		case "data-module":
			if first(2) {
				at.part = z.value(a)
			}
		case "style":
			set(&at.style, a)
		case markAttr:
			if first(3) {
				n, _ := strconv.ParseInt(string(z.value(a)), 10, 32)
				at.mark = int32(n)
			}
		case "hidden":
			if first(4) {
				at.hidden = string(z.value(a)) != "until-found"
			}
		case "aria-hidden":
			if first(5) {
				at.hidden = at.hidden || string(z.value(a)) == "true"
			}
		}
	}
	return at
}

func (r *reader) start(selfClosed bool) rawText {
	z := &r.scan
	tag := z.tag
	custom := tag == 0 && bytes.IndexByte(z.name, '-') > 0
	var label string
	if tag == 0 {
		label = string(z.name)
	}
	if r.inSVG() {
		if !breaksSVG(tag) {
			if tag == atom.Title || tag == atom.Style || tag == atom.Script || tag == atom.Textarea {
				return rawSkip
			}
			return rawNone
		}
		r.pop(r.find(atom.Svg, "", false))
	}
	switch tag {
	case atom.Script:
		at := z.attrs()
		if bytes.Contains(at.typ, []byte("ld+json")) {
			return rawLD
		}
		return rawScript
	case atom.Style, atom.Iframe, atom.Noscript, atom.Noembed, atom.Noframes, atom.Textarea, atom.Xmp, atom.Plaintext:
		if tag == atom.Plaintext {
			return rawNone
		}
		return rawSkip
	case atom.Title:
		return rawTitle
	case atom.Meta:
		at := z.attrs()
		r.d.head.meta(&at)
		if kind, value := captureOf(tag, &at, hint{}); kind != captureNone && value != "" && len(r.d.head.captured) < maxCaptured {
			r.d.head.captured = append(r.d.head.captured, captured{kind: kind, value: value, box: r.box, block: len(r.d.blocks)})
		}
		return rawNone
	case atom.Link:
		at := z.attrs()
		r.d.head.link(&at)
		return rawNone
	case atom.Html:
		at := z.attrs()
		if r.d.head.lang == "" {
			r.d.head.lang = string(at.lang)
		}
		return rawNone
	case atom.Body, atom.Head:
		return rawNone
	case atom.Br:
		if r.skips == 0 {
			r.brk()
		}
		return rawNone
	case atom.Hr:
		r.flush()
		return rawNone
	case atom.Img, atom.Input, atom.Area, atom.Base, atom.Col, atom.Embed, atom.Param, atom.Source, atom.Track:
		return rawNone
	case atom.Wbr:
		return rawNone
	}
	at := z.attrs()
	r.imply(tag)
	e := open{tag: tag, name: label, box: r.box}
	isBlock := blockTag(tag)
	var h hint
	if tag != atom.A && tag != atom.B && tag != atom.I && tag != atom.Em && tag != atom.Strong {
		h = r.hint(&at, tag, custom)
		if !isBlock && (h.neg != nil || at.hidden && tag == atom.Span || custom && h.body) {
			isBlock = true // an inline element with a meaning of its own is set apart from the text around it
		}
	}
	isBlock = isBlock || at.mark != 0
	e.skip = tag == atom.Svg || tag == atom.Button || tag == atom.Select || tag == atom.Template || tag == atom.Datalist ||
		tag == atom.Dialog || tag == atom.Audio || tag == atom.Video || tag == atom.Object || tag == atom.Canvas || tag == atom.Option
	if tag == atom.A {
		r.links++
	}
	if tag == atom.Time {
		r.time = true
	}
	e.kind, e.value = captureOf(tag, &at, h)
	if tag == atom.B || tag == atom.Strong {
		e.strong = true
		r.strng++
	}
	if tag == atom.Blockquote {
		r.quote++
	}
	if tag == atom.Pre {
		r.pre++
	}
	if isBlock {
		r.flush()
		e.block = true
		if len(r.stack) < maxDepth {
			b := box{parent: r.box, tag: tag, neg: h.neg, body: h.body, mark: at.mark}
			b.element(tag, &at)
			e.box = int32(len(r.d.boxes))
			r.d.boxes = append(r.d.boxes, b)
			r.box = e.box
		}
	} else if tag == atom.Td || tag == atom.Th {
		r.cell()
	}
	if e.skip {
		r.skips++
	}
	e.from, e.at = len(r.d.blocks), len(r.buf)
	if len(r.stack) >= maxDepth {
		r.over++
		r.undo(e)
		return rawNone
	}
	r.stack = append(r.stack, e)
	if selfClosed && (tag == atom.Svg || custom) {
		r.pop(len(r.stack) - 1)
	}
	return rawNone
}

const ruleAside = "structure:aside"

// element sets what the element itself and its attributes say.
func (b *box) element(tag atom.Atom, at *attrs) {
	set := func(class, rule string) {
		if b.plain == "" {
			b.class, b.plain = class, rule
		}
	}
	switch tag {
	case atom.Nav, atom.Menu:
		set(classNavigation, "structure:nav")
	case atom.Footer:
		set(classNavigation, "structure:footer")
	case atom.Aside:
		set(classFactbox, ruleAside)
	case atom.Figcaption, atom.Caption:
		set(classCaption, "structure:figcaption")
	case atom.Form, atom.Fieldset:
		set(classNavigation, "structure:form")
	}
	switch string(at.role) {
	case "navigation", "menu", "menubar", "search", "banner", "toolbar", "tablist":
		set(classNavigation, "structure:role")
	case "complementary":
		set(classFactbox, ruleAside)
	case "contentinfo":
		set(classLegal, "structure:role")
	case "dialog", "alertdialog":
		set(classCookie, "structure:role")
	}
	if (at.hidden || hides(at.style)) && !(b.neg != nil && b.neg.class == classPaywall && tag == atom.P) {
		set(classNavigation, "structure:hidden")
	}
	if b.neg != nil && (b.plain == "" || b.class == classFactbox) { // an aside is anything until a name says what
		b.class = b.neg.class
	}
	if string(at.itemprop) == "articleBody" {
		b.body = true
	}
}

func hides(style []byte) bool {
	i := bytes.Index(style, []byte("display"))
	if i < 0 {
		return false
	}
	v := bytes.TrimLeft(style[i+7:], " :")
	return bytes.HasPrefix(v, []byte("none")) && bytes.IndexByte(style[i:], ':') >= 0
}

// hint reads the names of an element; pages repeat them, so each set of names is read once.
func (r *reader) hint(at *attrs, tag atom.Atom, custom bool) hint {
	heading := isHeading(tag)
	var h hint
	for i, b := range [...][]byte{at.class, at.id, at.part, at.label, r.scan.name} {
		if len(b) == 0 || len(b) > 400 || i == 4 && !custom || i == 1 && heading { // a heading's id is its slug, not a name
			continue
		}
		p, ok := r.hints[string(b)]
		if !ok {
			p = hint{}
			s := string(b)
			for name := range strings.FieldsSeq(s) {
				if len(name) > 80 || strings.ContainsAny(name, "[:") { // utility classes, generated names
					continue
				}
				var few [12]string // on the stack
				words := splitName(few[:0], name)
				if i == 1 && len(words) > 6 {
					continue // a slug too
				}
				neg, body := r.x.lex.name(words)
				if p.neg == nil {
					p.neg = neg
				}
				p.body = p.body || body != nil
			}
			r.hints[s] = p
		}
		if h.neg == nil {
			h.neg = p.neg
		}
		h.body = h.body || p.body
	}
	return h
}

func (r *reader) inSVG() bool {
	return r.skips > 0 && len(r.stack) > 0 && r.stack[len(r.stack)-1].tag == atom.Svg
}

// breaksSVG says which HTML elements end an unclosed svg.
func breaksSVG(tag atom.Atom) bool {
	return blockTag(tag) || tag == atom.Span || tag == atom.Img || tag == atom.Body || tag == atom.Svg
}

// imply closes what a start tag closes.
func (r *reader) imply(tag atom.Atom) {
	switch tag {
	case atom.Li:
		r.closeTo(atom.Li, 0, atom.Ul, atom.Ol, atom.Menu)
	case atom.Dd, atom.Dt:
		r.closeTo(atom.Dd, atom.Dt, atom.Dl)
	case atom.Tr:
		r.closeTo(atom.Tr, 0, atom.Table)
	case atom.Td, atom.Th:
		r.closeTo(atom.Td, atom.Th, atom.Tr, atom.Table)
	case atom.Tbody, atom.Thead, atom.Tfoot:
		r.closeTo(atom.Tbody, atom.Thead, atom.Table)
	case atom.A:
		r.closeTo(atom.A, 0, atom.Td, atom.Th, atom.Table, atom.Button)
	case atom.Option:
		r.closeTo(atom.Option, 0, atom.Select)
	}
	if blockTag(tag) && tag != atom.Tr && tag != atom.Tbody {
		r.closeTo(atom.P, 0, atom.Td, atom.Th, atom.Table, atom.Button, atom.Object)
	}
}

// closeTo pops to the innermost open tag or other unless a boundary comes first.
func (r *reader) closeTo(tag, other atom.Atom, boundary ...atom.Atom) {
	for i := len(r.stack) - 1; i >= 0 && i >= len(r.stack)-64; i-- {
		t := r.stack[i].tag
		if t != 0 && (t == tag || t == other) {
			r.pop(i)
			return
		}
		for _, b := range boundary {
			if t == b {
				return
			}
		}
		if r.stack[i].block && (tag == atom.P || tag == atom.A) && t != atom.P {
			if tag == atom.P {
				return // a p holds no block, so an outer p is behind a block boundary
			}
		}
	}
}

// find is the index of the innermost open element of that name, or -1. Inline end tags do not reach through blocks.
func (r *reader) find(tag atom.Atom, name string, inline bool) int {
	for i := len(r.stack) - 1; i >= 0; i-- {
		e := &r.stack[i]
		if e.tag == tag && (tag != 0 || e.name == name) {
			return i
		}
		if inline && e.block && tag != atom.A {
			return -1
		}
		if (e.tag == atom.Td || e.tag == atom.Th) && tag != atom.Table && tag != atom.Tr && tag != atom.Tbody {
			return -1
		}
	}
	return -1
}

func (r *reader) end(tag atom.Atom, name []byte) {
	switch tag {
	case atom.Body, atom.Html, atom.Head:
		return
	case atom.Br:
		r.brk()
		return
	}
	if r.over > 0 {
		r.over--
		if blockTag(tag) {
			r.flush()
		}
		return
	}
	var label string
	if tag == 0 {
		label = string(name)
	}
	inline := !blockTag(tag) && tag != 0 && tag != atom.Td && tag != atom.Th && tag != atom.Svg && tag != atom.Button && tag != atom.Select && tag != atom.Span && tag != atom.Label
	if i := r.find(tag, label, inline); i >= 0 {
		r.pop(i)
	}
}

// pop closes the elements from the top of the stack down to index i.
func (r *reader) pop(i int) {
	if i < 0 {
		return
	}
	for len(r.stack) > i {
		e := r.stack[len(r.stack)-1]
		r.stack = r.stack[:len(r.stack)-1]
		if e.kind != captureNone {
			r.capture(&e)
		}
		if e.block {
			r.flush()
			r.box = r.d.boxes[e.box].parent
		}
		r.undo(e)
	}
}

// captureKind says what the text of an element is to the metadata.
type captureKind int

const (
	captureNone      captureKind = iota
	captureAuthor                // itemprop or rel says author
	captureByline                // a class says so
	captureTime                  // a time element
	capturePublished             // itemprop datePublished
	captureModified
	captureHeadline
	captureSection
	captureTag // a link to what else has the tag
)

// A captured piece of the page: the element's text and the machine-readable value beside it.
type captured struct {
	kind        captureKind
	text, value string
	box         int32
	block       int // index of the first block in or after it
}

// maxCaptured bounds the number of captured pieces and the bytes of one.
const maxCaptured = 400

func captureOf(tag atom.Atom, at *attrs, h hint) (captureKind, string) {
	value := func() string {
		if len(at.content) > 0 {
			return string(at.content)
		}
		return string(at.datetime)
	}
	switch string(at.itemprop) {
	case "author", "creator":
		return captureAuthor, value()
	case "datePublished", "dateCreated":
		return capturePublished, value()
	case "dateModified":
		return captureModified, value()
	case "headline":
		return captureHeadline, value()
	case "articleSection":
		return captureSection, value()
	case "keywords":
		return captureTag, value()
	}
	switch {
	case tag == atom.Time:
		return captureTime, value()
	case tag == atom.A && saysAuthor(at.rel):
		return captureAuthor, value()
	case tag == atom.A && (string(at.rel) == "tag" || bytes.HasSuffix(at.rel, []byte(" tag"))): // "category tag" is a section's
		if bytes.Contains(at.rel, []byte("category")) {
			return captureNone, ""
		}
		return captureTag, ""
	case h.neg != nil && h.neg.class == classBio:
		return captureByline, ""
	}
	return captureNone, ""
}

// saysAuthor says whether author is the first or the last word of rel.
func saysAuthor(rel []byte) bool {
	return string(rel) == "author" || bytes.HasPrefix(rel, []byte("author ")) || bytes.HasSuffix(rel, []byte(" author"))
}

// capture keeps the text of an element that closes.
func (r *reader) capture(e *open) {
	h := &r.d.head
	if len(h.captured) >= maxCaptured {
		return
	}
	var b strings.Builder
	for i := e.from; i < len(r.d.blocks) && b.Len() < maxCaptured; i++ {
		t := r.d.blocks[i].text
		if i == e.from && e.at > 0 {
			t = t[min(e.at, len(t)):]
		}
		b.WriteString(t)
		b.WriteByte('\n')
	}
	at := 0
	if e.from == len(r.d.blocks) {
		at = min(e.at, len(r.buf))
	}
	b.Write(r.buf[at:])
	if b.Len() > maxCaptured && e.kind != captureHeadline {
		return // a biography, not a name
	}
	h.captured = append(h.captured, captured{kind: e.kind, text: strings.TrimSpace(b.String()), value: e.value, box: e.box, block: e.from})
}

func (r *reader) undo(e open) {
	if e.skip {
		r.skips--
	}
	if e.strong {
		r.strng--
	}
	switch e.tag {
	case atom.A:
		r.links--
	case atom.Blockquote:
		r.quote--
	case atom.Pre:
		r.pre--
	}
}

// text adds character data to the current run, with white space collapsed as a browser would.
func (r *reader) text(s []byte) {
	if r.pre > 0 {
		r.space = false
		r.add(s)
		return
	}
	for len(s) > 0 {
		i := 0
		for i < len(s) && asciiSpace(s[i]) {
			i++
		}
		if i > 0 {
			r.space = true
			s = s[i:]
			continue
		}
		for i < len(s) && !asciiSpace(s[i]) {
			i++
		}
		if r.space && len(r.buf) > 0 && r.buf[len(r.buf)-1] != '\n' && r.buf[len(r.buf)-1] != '\t' {
			r.buf = append(r.buf, ' ')
		}
		r.space = false
		r.add(s[:i])
		s = s[i:]
	}
}

func (r *reader) add(s []byte) {
	r.buf = append(r.buf, s...)
	if r.links > 0 {
		r.link += len(s) + 1
	}
	if r.strng > 0 {
		r.bold += len(s) + 1
	}
}

func asciiSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

// brk is a line break; two of them end a paragraph.
func (r *reader) brk() {
	r.space = false
	n := len(r.buf)
	if n == 0 {
		return
	}
	if r.buf[n-1] == '\n' {
		r.flush()
		return
	}
	r.buf = append(r.buf, '\n')
}

// cell separates the cells of a row.
func (r *reader) cell() {
	if n := len(r.buf); n > 0 && r.buf[n-1] != '\n' {
		r.buf = append(r.buf, '\t')
		r.space = false
	}
}

// flush ends the current block.
func (r *reader) flush() {
	r.space = false
	if len(r.buf) == 0 {
		return
	}
	s := strings.Trim(string(r.buf), " \t\r\n\u00a0\u200b\ufeff")
	if s != "" && hasText(s) {
		b := block{text: s, box: r.box, tag: r.d.boxes[r.box].tag, link: min(r.link, len(s)), quote: r.quote > 0, time: r.time}
		b.bold = r.bold*10 >= len(s)*9
		r.d.blocks = append(r.d.blocks, b)
	}
	r.buf = r.buf[:0]
	r.link, r.bold, r.time = 0, 0, false
}

// hasText says whether s holds a letter, a digit or anything beyond ASCII.
func hasText(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return true
		}
	}
	return false
}

// blockTag says which elements stand on lines of their own.
func blockTag(t atom.Atom) bool {
	switch t {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Center, atom.Dd, atom.Details, atom.Dialog, atom.Dir,
		atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2,
		atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hgroup, atom.Legend, atom.Li, atom.Main, atom.Menu, atom.Nav,
		atom.Ol, atom.P, atom.Pre, atom.Section, atom.Summary, atom.Table, atom.Caption, atom.Tbody, atom.Thead, atom.Tfoot,
		atom.Tr, atom.Ul:
		return true
	}
	return false
}
