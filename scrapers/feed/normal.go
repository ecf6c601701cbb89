package feed

import (
	"fmt"
	"html"
	"strings"
)

// The limits that stand between a hostile document and the recursive parser
// behind; both are far above what feeds in the wild need.
const (
	MaxDepth = 256    // open elements at one time
	MaxItems = 20_000 // entries of one document
)

// link is one address that an entry offers.
type link struct {
	href, rel, typ string
	text           bool // <link>address</link>
}

// note is what an entry says about its links, identity and dates: the fields
// where gofeed has room for less than feeds say.
type note struct {
	title     string
	titleToo  string // of dc:title, media:title
	links     []link
	origLink  string
	id        string
	idBase    string // xml:base where the id stands
	permalink string // isPermaLink as written, "atom" for an Atom id
	about     string // rdf:about
	published string
	issued    string
	created   string
	updated   string
	dcDate    string
	summary   bool // has a summary of its own
	author    bool // has an author of its own
}

// header is the same for the feed.
type header struct {
	kind            string
	links           []link
	lang            string
	ttl             string
	period, freq    string
	self, hub       string
	prevArchive     string
	next            string
	complete        bool
	generator       string
	foreign         bool // the root stands in a namespace that is no feed's
	title, titleToo string
}

type mode uint8

const (
	inTop    mode = iota // above the root of the feed
	inFeed               // the feed and its transparent containers
	inEntry              // an entry and its transparent containers
	inPerson             // an Atom author
	inLeaf               // an element whose text is wanted
	inMarkup             // markup inside it
	inMute               // nothing in here is wanted, except entries below a feed
)

type frame struct {
	name   string // qualified, as written
	mode   mode
	role   role
	entry  bool // opened the entry
	root   bool // opened the feed
	core   bool
	base   string
	attrs  leafAttrs
	bounds []string // prefixes declared here
}

type leafAttrs struct{ typ, mode, href, rel, permalink, term string }

// normaliser reads a tolerant token stream once and writes the same feed as
// clean XML: one encoding, one prefix a vocabulary, every value one CDATA
// section, every address absolute, every element closed, nothing that nobody
// reads. What it writes holds only closed entries, so a cut document is simply
// a shorter one. Its cost is linear in the document.
type normaliser struct {
	scan   scanner
	frames []frame
	spaces map[string][]vocab // prefix to the vocabularies bound to it, innermost last

	head  header
	out   strings.Builder // closed entries
	item  strings.Builder // the open entry
	cur   *note
	notes []note

	// The open leaf: plain text until the first child element turns it to markup.
	leaf      strings.Builder
	leafHTML  bool
	person    [2]string // name, email
	rooted    bool
	rootEnded bool
}

func newNormaliser(doc, base string) *normaliser {
	n := &normaliser{scan: scanner{s: doc}, spaces: map[string][]vocab{}}
	n.frames = append(n.frames, frame{mode: inTop, base: base})
	return n
}

// run reads the document to its end. The error is one of the limits or that
// there is no feed; a broken document is no error, see broken.
func (n *normaliser) run() error {
	for {
		t := n.scan.next()
		switch t.kind {
		case tokEOF:
			if !n.rooted {
				return fmt.Errorf("%w: no rss, rdf, feed or channel element; is this the feed's address or the page of the site?", ErrNotFeed)
			}
			return nil
		case tokText:
			n.text(t.text)
		case tokStart:
			if err := n.start(&t); err != nil {
				return err
			}
		case tokEnd:
			n.end(t.name)
		}
	}
}

// broken says how the document ended before its end, or nil.
func (n *normaliser) broken() error {
	if n.rootEnded {
		return nil
	}
	open := n.frames[len(n.frames)-1].name
	return fmt.Errorf("the document ends at byte %d inside <%s>; %d closed entries were kept, fetch it again for the rest", len(n.scan.s), open, len(n.notes))
}

func (n *normaliser) top() *frame { return &n.frames[len(n.frames)-1] }

// bind enters the namespace declarations of a start tag.
func (n *normaliser) bind(attrs []attr) (declared []string) {
	for _, a := range attrs {
		prefix, ok := "", a.name == "xmlns"
		if !ok {
			prefix, ok = strings.CutPrefix(a.name, "xmlns:")
		}
		if !ok {
			continue
		}
		v, _ := vocabByURI(a.value)
		n.spaces[prefix] = append(n.spaces[prefix], v)
		declared = append(declared, prefix)
	}
	return declared
}

func (n *normaliser) unbind(declared []string) {
	for _, p := range declared {
		s := n.spaces[p]
		n.spaces[p] = s[:len(s)-1]
	}
}

// vocabOf resolves a qualified name to its vocabulary and lower-case local name.
func (n *normaliser) vocabOf(name string) (vocab, string) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", name
	}
	local = strings.ToLower(local)
	if s := n.spaces[prefix]; len(s) > 0 {
		v := s[len(s)-1]
		if v == vForeign && prefix == "" {
			// An invented default namespace is common and means nothing; what
			// is truly foreign stands below elements that nobody knows.
			v = vCore
		}
		return v, local
	}
	if prefix == "" {
		return vCore, local
	}
	return vocabByPrefix(prefix), local
}

func (n *normaliser) start(t *token) error {
	declared := n.bind(t.attrs)
	v, local := n.vocabOf(t.name)
	parent := n.top()

	// What a start tag closes by itself: an item inside an item, a field
	// inside a field that has no markup, a link that has its address. Feeds
	// that forget an end tag do so here.
	if (parent.mode == inLeaf || parent.mode == inMarkup) && (v == vCore || v == vAtom) {
		leaf := n.leafFrame()
		if local == "item" && n.head.kind != "atom" ||
			parent.mode == inLeaf && leaf.core && shortField(leaf.role) && (closesField(local) || leaf.role == rLink && leaf.attrs.href != "") {
			n.end(leaf.name)
			parent = n.top()
		}
	}
	if parent.mode == inEntry && parent.entry && (v == vCore || v == vAtom) && (local == "item" || local == "entry") && strings.EqualFold(parent.name, t.name) {
		n.end(parent.name)
		parent = n.top()
	}
	if parent.mode == inMarkup && n.impliedEnd(local) {
		parent = n.top()
	}
	if len(n.frames) > MaxDepth {
		return fmt.Errorf("%w: more than %d elements are open at byte %d; the document is hostile or not a feed", ErrTooDeep, MaxDepth, n.scan.pos)
	}

	f := frame{name: t.name, mode: inMute, base: parent.base, bounds: declared}
	f.core = v == vCore || v == vAtom
	for _, a := range t.attrs {
		if a.name == "xml:base" || a.name == "base" && v == vAtom {
			f.base = resolve(parent.base, a.value)
		}
	}
	if (parent.mode == inTop || parent.mode == inMute) && voidElement(local) && !t.empty && v != vMedia && local != "source" {
		n.unbind(declared) // it has no end tag, so it is never open
		return nil
	}
	switch parent.mode {
	case inTop:
		if !n.rooted && local == "html" {
			return fmt.Errorf("%w: an HTML page; look for the feeds that it announces", ErrNotFeed)
		}
		n.startRoot(&f, v, local, t.attrs)
	case inFeed:
		n.startInFeed(&f, v, local, t.attrs)
	case inEntry:
		n.startInEntry(&f, v, local, t.attrs)
	case inPerson:
		if f.core && (local == "name" || local == "email") || v == vForeign && local == "name" {
			f.mode, f.role = inLeaf, rAuthor
			n.openLeaf()
		}
	case inLeaf, inMarkup:
		f.mode = inMarkup
		n.markup(t, local)
		if voidElement(local) && !t.empty {
			n.unbind(declared)
			return nil
		}
	case inMute:
		// An entry in an odd container of the feed is still an entry.
		if parent.role == rNone && n.cur == nil && n.rooted && !n.rootEnded && f.core && (local == "item" || local == "entry") {
			n.startEntry(&f, v, local, t.attrs)
		}
	}
	if f.mode == inEntry && f.entry && len(n.notes) >= MaxItems {
		return fmt.Errorf("%w: more than %d entries; subscribe to a shorter form of this feed", ErrTooManyItems, MaxItems)
	}
	n.frames = append(n.frames, f)
	if f.mode == inLeaf {
		n.scan.leaf = f.name
	}
	if t.empty {
		n.pop()
	}
	return nil
}

// impliedEnd closes the HTML element that a sibling's start tag closes, as in
// <li>one<li>two, so that paragraphs without end tags are not depth.
func (n *normaliser) impliedEnd(local string) bool {
	switch local {
	case "p", "li", "dt", "dd", "tr", "td", "th", "option":
	default:
		return false
	}
	for i := len(n.frames) - 1; n.frames[i].mode == inMarkup; i-- {
		name := strings.ToLower(n.frames[i].name)
		if name == local {
			for len(n.frames) > i {
				n.pop()
			}
			return true
		}
		switch name {
		case "ul", "ol", "dl", "table", "select":
			return false
		case "li", "td", "th", "dd", "div", "blockquote":
			if local == "p" {
				return false
			}
		}
	}
	return false
}

func shortField(r role) bool {
	return r == rTitle || r == rLink || r == rID || r == rPublished || r == rUpdated
}

func closesField(local string) bool {
	switch local {
	case "title", "link", "guid", "id", "description", "summary", "content", "pubdate", "published", "updated", "item", "entry":
		return true
	}
	return false
}

func (n *normaliser) startRoot(f *frame, v vocab, local string, attrs []attr) {
	if n.rooted {
		return
	}
	f.mode = inTop
	kind := ""
	switch {
	case local == "rss":
		kind = "rss"
	case local == "rdf" && v != vXHTML:
		kind = "rdf"
	case local == "feed" && v != vXHTML:
		kind = "atom"
	case local == "channel" && v == vCore:
		kind = "cdf"
		if len(f.bounds) > 0 {
			kind = "rdf" // RSS 1.1 is a bare Channel in a namespace
		}
	case local == "entry" && v == vAtom:
		kind = "atom"
	default:
		return
	}
	n.rooted = true
	n.head.kind = kind
	f.mode, f.root = inFeed, true
	prefix, _, ok := strings.Cut(f.name, ":")
	if !ok {
		prefix = ""
	}
	if s := n.spaces[prefix]; len(s) > 0 && s[len(s)-1] == vForeign {
		// The root's own namespace is unknown: its children are the feed's all
		// the same, but without an entry among them this is no feed.
		n.head.foreign = true
		n.spaces[prefix] = append(s, vCore)
		f.bounds = append(f.bounds, prefix)
	}
	for _, a := range attrs {
		switch strings.ToLower(a.name) {
		case "xml:lang", "lang":
			n.head.lang = a.value
		case "href":
			n.head.links = append(n.head.links, link{href: resolve(f.base, a.value), rel: "alternate", typ: "text/html"})
		}
	}
	if local == "entry" {
		n.startEntry(f, v, local, attrs)
	}
}

func (n *normaliser) startInFeed(f *frame, v vocab, local string, attrs []attr) {
	switch {
	case f.core && (local == "item" || local == "entry"):
		n.startEntry(f, v, local, attrs)
	case f.core && local == "channel" || v == vCore && local == "items" || v == vRDF:
		f.mode = inFeed
		for _, a := range attrs {
			if n.head.lang == "" && (a.name == "xml:lang" || a.name == "lang") {
				n.head.lang = a.value
			}
		}
	default:
		switch r := roleOf(v, local); r {
		case rTitle, rTitleToo, rLink, rLang, rTTL, rPeriod, rFrequency, rGenerator, rComplete:
			n.openField(f, r, attrs)
		}
	}
}

func (n *normaliser) startEntry(f *frame, v vocab, local string, attrs []attr) {
	f.mode, f.entry = inEntry, true
	n.cur = &note{}
	n.item.Reset()
	for _, a := range attrs {
		prefix, name, ok := strings.Cut(a.name, ":")
		if !ok {
			prefix, name = "", a.name
		}
		switch strings.ToLower(name) {
		case "about":
			if s := n.spaces[prefix]; prefix != "" && (len(s) == 0 || s[len(s)-1] == vRDF) {
				n.cur.about = strings.TrimSpace(a.value)
			}
		case "href": // CDF
			n.cur.links = append(n.cur.links, link{href: resolve(f.base, a.value), rel: "alternate", typ: "text/html"})
		case "lastmod":
			n.cur.updated = a.value
		}
	}
}

func (n *normaliser) startInEntry(f *frame, v vocab, local string, attrs []attr) {
	r := roleOf(v, local)
	switch {
	case r == rAuthor && (v == vAtom || n.head.kind == "atom"):
		f.mode, f.role, n.person = inPerson, rAuthor, [2]string{}
		n.openLeaf()
	case r == rNone && v == vMedia && (local == "group" || local == "content"):
		f.mode = inEntry
	case r != rNone:
		n.openField(f, r, attrs)
	}
}

// openField opens an element whose text or attributes are wanted.
func (n *normaliser) openField(f *frame, r role, attrs []attr) {
	f.mode, f.role = inLeaf, r
	for _, a := range attrs {
		switch strings.ToLower(a.name) {
		case "type":
			f.attrs.typ = strings.ToLower(strings.TrimSpace(a.value))
		case "mode":
			f.attrs.mode = strings.ToLower(strings.TrimSpace(a.value))
		case "rel":
			f.attrs.rel = strings.TrimSpace(a.value)
		case "href", "url", "uri":
			f.attrs.href = strings.TrimSpace(a.value)
		case "ispermalink":
			f.attrs.permalink = strings.ToLower(strings.TrimSpace(a.value))
		case "term", "label", "value":
			if f.attrs.term == "" || strings.EqualFold(a.name, "term") {
				f.attrs.term = strings.TrimSpace(a.value)
			}
		}
	}
	n.openLeaf()
}

func (n *normaliser) openLeaf() {
	n.leaf.Reset()
	n.leafHTML = false
}

// leafFrame is the leaf that the innermost markup stands in.
func (n *normaliser) leafFrame() *frame {
	for i := len(n.frames) - 1; i > 0; i-- {
		if n.frames[i].mode == inLeaf {
			return &n.frames[i]
		}
	}
	return n.top()
}

func (n *normaliser) text(s string) {
	switch n.top().mode {
	case inLeaf, inMarkup:
		if n.leafHTML {
			s = html.EscapeString(s)
		}
		n.leaf.WriteString(s)
	}
}

// markup writes a child of a leaf as HTML, without prefixes.
func (n *normaliser) markup(t *token, local string) {
	if !n.leafHTML {
		s := n.leaf.String()
		n.leaf.Reset()
		n.leaf.WriteString(html.EscapeString(s))
		n.leafHTML = true
	}
	n.leaf.WriteByte('<')
	n.leaf.WriteString(local)
	for _, a := range t.attrs {
		if strings.HasPrefix(a.name, "xmlns") || !attrName(a.name) {
			continue
		}
		n.leaf.WriteString(" " + a.name + `="` + html.EscapeString(a.value) + `"`)
	}
	n.leaf.WriteByte('>')
}

func attrName(s string) bool {
	return !strings.ContainsAny(s, "\"'<>&= \t\r\n")
}

// end closes everything up to the innermost element of that name; an end tag
// that nothing opened means nothing.
func (n *normaliser) end(name string) {
	for i := len(n.frames) - 1; i > 0; i-- {
		if strings.EqualFold(n.frames[i].name, name) {
			for len(n.frames) > i {
				n.pop()
			}
			return
		}
	}
}

func (n *normaliser) pop() {
	f := n.frames[len(n.frames)-1]
	n.frames = n.frames[:len(n.frames)-1]
	switch f.mode {
	case inMarkup:
		if _, local := n.vocabOf(f.name); !voidElement(local) {
			n.leaf.WriteString("</" + local + ">")
		}
	case inLeaf:
		if n.top().mode == inPerson {
			which := 0
			if _, local := n.vocabOf(f.name); local == "email" {
				which = 1
			}
			n.person[which] = n.leafText()
		} else if n.cur != nil {
			n.closeEntryField(&f)
		} else {
			n.closeFeedField(&f)
		}
	case inPerson:
		n.author(n.person[0], n.person[1])
	}
	if f.entry {
		n.closeEntry()
	}
	if f.root {
		n.rootEnded = true
	}
	n.unbind(f.bounds)
}

// leafText is the leaf's text without markup.
func (n *normaliser) leafText() string {
	s := n.leaf.String()
	if n.leafHTML {
		s = stripTags(s)
	}
	return strings.TrimSpace(s)
}

func (n *normaliser) closeFeedField(f *frame) {
	h := &n.head
	switch f.role {
	case rTitle, rTitleToo:
		t := plain(n.value(f))
		if f.role == rTitle && h.title == "" {
			h.title = t
		} else if h.titleToo == "" {
			h.titleToo = t
		}
	case rLink:
		l := n.closeLink(f)
		switch l.rel {
		case "self":
			h.self = first(h.self, l.href)
		case "hub":
			h.hub = first(h.hub, l.href)
		case "prev-archive":
			h.prevArchive = first(h.prevArchive, l.href)
		case "next":
			h.next = first(h.next, l.href)
		default:
			h.links = append(h.links, l)
		}
	case rLang:
		h.lang = n.leafText()
	case rTTL:
		h.ttl = n.leafText()
	case rPeriod:
		h.period = n.leafText()
	case rFrequency:
		h.freq = n.leafText()
	case rGenerator:
		h.generator = first(h.generator, strings.TrimSpace(n.leafText()+" "+f.attrs.href))
	case rComplete:
		h.complete = true
	}
}

func (n *normaliser) closeLink(f *frame) link {
	l := link{href: f.attrs.href, rel: strings.ToLower(f.attrs.rel), typ: f.attrs.typ}
	if l.href == "" {
		l.href, l.text = n.leafText(), true
	}
	l.rel = strings.TrimPrefix(l.rel, "http://www.iana.org/assignments/relation/")
	if l.rel == "" {
		l.rel = "alternate"
	}
	l.href = resolve(f.base, l.href)
	return l
}

func (n *normaliser) closeEntryField(f *frame) {
	c := n.cur
	keep := func(to *string) {
		if s := n.leafText(); *to == "" {
			*to = s
		}
	}
	switch f.role {
	case rTitle:
		if t := plain(n.value(f)); c.title == "" {
			c.title = t
		}
	case rTitleToo:
		if t := plain(n.value(f)); c.titleToo == "" {
			c.titleToo = t
		}
	case rLink:
		if l := n.closeLink(f); l.href != "" {
			c.links = append(c.links, l)
		}
	case rOrigLink:
		if s := n.leafText(); hasScheme(s) {
			keep(&c.origLink)
		}
	case rID:
		if s := n.leafText(); s != "" {
			c.id, c.idBase, c.permalink = s, f.base, f.attrs.permalink
			if _, local := n.vocabOf(f.name); local == "id" {
				c.permalink = "atom"
			}
		}
	case rPublished:
		// The last one counts, as when a feed gives Atom 0.3's issued and then published.
		if s := n.leafText(); s != "" {
			c.published = s
		}
	case rIssued:
		keep(&c.issued)
	case rCreated:
		keep(&c.created)
	case rUpdated:
		if s := n.leafText(); s != "" {
			c.updated = s
		}
	case rDCDate:
		keep(&c.dcDate)
	case rSummary:
		if s := markupOf(n.value(f)); s != "" {
			c.summary = true
			n.emit("description", "summary", s)
		}
	case rSummaryToo:
		if s := n.leafText(); s != "" && !c.summary {
			n.emit("dc:description", "summary", s)
		}
	case rContent:
		if s := markupOf(n.value(f)); s != "" {
			n.emit("content:encoded", "content", s)
		}
	case rAuthor:
		n.author(n.leafText(), "")
	case rAuthorToo:
		if s := n.leafText(); s != "" && !c.author {
			c.author = true
			if n.head.kind == "atom" {
				n.item.WriteString("<author>")
				n.emit("", "name", s)
				n.item.WriteString("</author>")
			} else {
				n.emit("dc:creator", "", s)
			}
		}
	case rTag:
		s := n.leafText()
		if f.attrs.term != "" && (s == "" || n.head.kind == "atom") {
			s = f.attrs.term
		}
		if s == "" {
			return
		}
		if n.head.kind == "atom" {
			n.item.WriteString(`<category term="` + html.EscapeString(s) + `"/>`)
		} else {
			n.emit("category", "", s)
		}
	}
}

func (n *normaliser) author(name, email string) {
	if n.cur == nil || name == "" && email == "" {
		return
	}
	n.cur.author = true
	if n.head.kind != "atom" {
		if name == "" {
			name = email
		}
		n.emit("author", "", name)
		return
	}
	n.item.WriteString("<author>")
	n.emit("", "name", name)
	n.emit("", "email", email)
	n.item.WriteString("</author>")
}
