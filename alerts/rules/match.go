package rules

import (
	"math/bits"
	"net/url"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// An occ is an occurrence: the half-open range of tokens [start, end).
type occ struct{ start, end int32 }

// A segment is a stretch of text that phrases do not leave: the title, the body, one author, the agency. Between two segments
// stands an empty token, so that nothing is adjacent across the border.
type segment struct {
	field    field
	src      string
	from, to int32 // tokens
	shift    int   // bytes before src in the field, for a field that is a list
}

// scratch is what one call of Match needs and the next one can use again.
type scratch struct {
	set     *Set
	doc     *Doc
	reader  text.Reader
	toks    []text.Word // the words of the reader
	numbers numbers
	segs    []segment
	lead    occ // the tokens of the first paragraph
	tally   []tally
	notes   []note
	occs    []occ   // of all atoms with occurrences, each atom's together
	hit     []int32 // atoms with occurrences
	round   uint32  // of tally and queued: what is of another round is void
	queued  []uint32
	run     []int32 // rules to evaluate
	pairs   *pairSet
	arena   []occ   // results on their way
	chains  []links // that hold, outside windows
	word    []byte  // parts joined
	form    []byte  // a bare form
	bare    []string
	marks   []uint64 // occurrences to highlight, start<<32 | end
	window  window
	stems   stemmer
	spans   []Span
	host    string
	hostSet bool
}

// A tally says how many occurrences of an atom there are and where: while the article is read, the last is notes[at]; then they are
// occs[at : at+n].
type tally struct {
	round uint32
	at, n int32
}

// A note is an occurrence of an atom, in the order of reading.
type note struct {
	atom int32
	occ
}

// links is where a chain of NEAR stands, found once for the verdict and once for the spans.
type links struct {
	of *code
	at []occ
}

// Match reads the article once and returns a hit for every rule that matches, in the order of the rules.
func (s *Set) Match(d *Doc) []Hit {
	m, _ := s.pool.Get().(*scratch)
	if m == nil {
		m = s.scratch()
	}
	hits := s.match(m, d)
	s.pool.Put(m)
	return hits
}

func (s *Set) scratch() *scratch {
	m := &scratch{set: s, tally: make([]tally, len(s.atoms)), queued: make([]uint32, len(s.rules))}
	if s.pairs {
		m.pairs = new(pairSet)
	}
	return m
}

func (s *Set) match(m *scratch, d *Doc) []Hit {
	if m.round++; m.round == 0 {
		clear(m.tally)
		clear(m.queued)
		m.round = 1
	}
	if m.pairs != nil {
		clear(m.pairs[:])
	}
	m.doc = d
	m.read()
	for _, id := range m.hit {
		for _, f := range s.filed[s.starts[id]:s.starts[id+1]] {
			if (f.pair == 0 || m.pairs.has(f.pair)) && m.open(f.gate) {
				m.queue(f.rule)
			}
		}
	}
	for _, r := range s.always {
		m.queue(r)
	}
	var hits []Hit
	if len(m.run) > 0 {
		m.gather()
		hits = m.evaluate()
	}
	m.reset()
	return hits
}

func (m *scratch) evaluate() []Hit {
	matched := m.run[:0]
	for _, r := range m.run {
		m.arena = m.arena[:0] // no result outlives its rule
		if c := &m.set.rules[r]; m.admits(c) && m.holds(c.root) {
			matched = append(matched, r)
		}
	}
	if len(matched) == 0 {
		return nil
	}
	slices.Sort(matched)
	hits := make([]Hit, len(matched))
	for i, r := range matched {
		c := &m.set.rules[r]
		m.arena, m.marks, m.spans = m.arena[:0], m.marks[:0], m.spans[:0]
		m.collect(c.root)
		hits[i] = Hit{Rule: c.rule.Name, Spans: m.highlights()}
	}
	return hits
}

func (m *scratch) queue(r int32) {
	if m.queued[r] != m.round {
		m.queued[r] = m.round
		m.run = append(m.run, r)
	}
}

func (m *scratch) occurs(id int32) bool { return m.tally[id].round == m.round }

// open reports whether the gate of a filing is open.
func (m *scratch) open(gate int32) bool {
	switch {
	case gate >= 0:
		return m.occurs(gate)
	case gate == noGate:
		return true
	}
	list := m.set.gates[gateBase-gate:]
	for _, id := range list[1 : 1+list[0]] {
		if m.occurs(id) {
			return true
		}
	}
	return false
}

// gather brings the notes of each atom together, in order.
func (m *scratch) gather() {
	m.occs = slices.Grow(m.occs[:0], len(m.notes))[:len(m.notes)]
	at := int32(0)
	for _, id := range m.hit {
		t := &m.tally[id]
		t.at, at = at, at+t.n
		t.n = 0
	}
	for _, n := range m.notes {
		t := &m.tally[n.atom]
		m.occs[t.at+t.n] = n.occ
		t.n++
	}
}

// at is where an atom stands, sorted.
func (m *scratch) at(id int32) []occ {
	t := m.tally[id]
	if t.round != m.round {
		return nil
	}
	return m.occs[t.at : t.at+t.n : t.at+t.n]
}

func (m *scratch) reset() {
	clear(m.segs) // the pool must not keep the article alive
	clear(m.bare)
	clear(m.chains)
	m.doc, m.host, m.hostSet = nil, "", false
	m.window = window{sentences: m.window.sentences[:0], paragraphs: m.window.paragraphs[:0]}
	m.reader.Reset()
	m.toks, m.numbers.of, m.numbers.counted = nil, m.numbers.of[:0], false
	m.segs, m.notes, m.hit, m.run, m.chains = m.segs[:0], m.notes[:0], m.hit[:0], m.run[:0], m.chains[:0]
	m.arena = m.arena[:0]
}

// read cuts the article into tokens and notes the atoms among them.
func (m *scratch) read() {
	d, fields := m.doc, m.set.fields
	if fields&fTitle != 0 {
		m.segment(fTitle, d.Title, 0)
	}
	if fields&(fBody|fLead) != 0 {
		m.segment(fBody, d.Body, 0)
		if fields&fLead != 0 {
			m.findLead()
		}
	}
	if fields&fAuthor != 0 {
		at := 0
		for _, a := range d.Authors {
			m.segment(fAuthor, a, at)
			at += len(a) + len(listSeparator)
		}
	}
	if fields&fAgency != 0 {
		m.segment(fAgency, d.Agency, 0)
	}
}

// listSeparator joins authors and tags in the text that their spans refer to.
const listSeparator = ", "

func (m *scratch) segment(f field, src string, shift int) {
	rd := &m.reader
	if len(rd.Words) > 0 {
		rd.Words = append(rd.Words, text.Word{})
	}
	from := len(rd.Words)
	rd.Read(src)
	m.toks = rd.Words
	m.segs = append(m.segs, segment{f, src, int32(from), int32(len(m.toks)), shift})
	m.lookup(from, src)
}

// lookup looks up the tokens of the last segment, whose text is src, and what neighbours make together.
func (m *scratch) lookup(from int, src string) {
	v, folded, toks := &m.set.lexicon, m.reader.Folded, m.toks
	view := ""
	before := uint64(0) // the head of the token before, if it is beyond ASCII
	for i := from; i < len(toks); i++ {
		t := toks[i]
		n := int(t.To - t.From)
		x := head(folded[t.From:], n)
		key := x
		if n > headLen {
			key = keyOf(folded[t.From:t.To], x)
		}
		if v.maybe(key) {
			m.words(folded[t.From:t.To], key, i, i+1, true)
		}
		if v.ways != nil && v.ways[way(x)] != 0 {
			m.patterns(folded[t.From:t.To], x, i, i+1)
		}
		for _, id := range v.loose {
			m.try(id, folded[t.From:t.To], i, i+1)
		}
		if folded[t.From] < utf8.RuneSelf {
			before = 0
		} else if m.pairs != nil {
			if before != 0 {
				m.pairs.add(pairOf(before, x))
			}
			before = x
		}
		if folded[t.From] >= utf8.RuneSelf && v.bare {
			if view == "" { // one copy of all words, so that their parts cost nothing
				view = string(folded)
			}
			m.readings(view[t.From:t.To], i, i+1)
		}
		if m.set.stems.some() {
			m.endings(folded[t.From:t.To], i, i+1)
		}
		if i+1 < len(toks) && abut(src, t, toks[i+1]) {
			m.joined(src, i)
		}
	}
}

// joined looks up the words that token i makes with those behind it: K-9 is also K9; of three parts each pair and the whole
// may be one word.
func (m *scratch) joined(src string, i int) {
	m.word = append(m.word[:0], m.reader.Text(m.toks[i])...)
	for j := i + 1; j < len(m.toks) && j < i+maxJoints; j++ {
		a, b := m.toks[j-1], m.toks[j]
		if !abut(src, a, b) || !m.reader.Joined(src, a, b) {
			break
		}
		m.word = append(m.word, m.reader.Text(b)...)
		m.look(m.word, i, j+1, false)
		if m.set.lexicon.bare {
			m.readings(string(m.word), i, j+1)
		}
		if m.set.stems.some() {
			m.endings(m.word, i, j+1)
		}
	}
}

// abut is the cheap part of text.Joined: most neighbours have a space between them.
func abut(src string, a, b text.Word) bool {
	n := b.Start - a.End
	return n == 1 && src[a.End] != ' ' || (n == 2 || n == 3) && src[a.End] >= utf8.RuneSelf
}

// readings looks up what the word w may be without particles and clitics.
func (m *scratch) readings(w string, from, to int) {
	m.bare = text.AppendBare(m.bare[:0], w)
	for i, b := range m.bare {
		if !slices.Contains(m.bare[:i], b) {
			m.form = append(m.form[:0], b...)
			m.look(m.form, from, to, false)
		}
	}
}

// look notes the atoms that the word w, tokens [from, to), is. Only a token as it stands, which is whole, can be exact.
func (m *scratch) look(w []byte, from, to int, whole bool) {
	v := &m.set.lexicon
	x := head(w, len(w))
	if key := keyOf(w, x); v.maybe(key) {
		m.words(w, key, from, to, whole)
	}
	if v.ways != nil && v.ways[way(x)] != 0 {
		m.patterns(w, x, from, to)
	}
	for _, id := range v.loose {
		m.try(id, w, from, to)
	}
}

// endings looks up the stem of the word w, if its first letter is that of a stemmed atom or may be a prefix, as in Arabic.
func (m *scratch) endings(w []byte, from, to int) {
	if r, _ := utf8.DecodeRune(w); m.set.stems.firsts[r] || text.Script(r) == "Arab" {
		m.stemmed(string(w), from, to)
	}
}

func (m *scratch) words(w []byte, key uint64, from, to int, whole bool) {
	atoms := m.set.atoms
	id, plain := m.set.lexicon.word(atoms, w, key)
	if plain {
		m.note(id, from, to)
		return
	}
	for ; id != noAtom; id = atoms[id].next {
		if x := atoms[id].exact; x != "" && (!whole || x != m.exact(from)) {
			continue
		}
		m.note(id, from, to)
	}
}

// patterns tries those that begin as the word w does, whose head is x.
func (m *scratch) patterns(w []byte, x uint64, from, to int) {
	v := &m.set.lexicon
	for ks := v.ways[way(x)]; ks != 0; ks &= ks - 1 {
		k := bits.TrailingZeros8(ks) + 1
		for id := v.stem(x & masks[k]); id != noAtom; id = m.set.atoms[id].next {
			m.try(id, w, from, to)
		}
	}
}

func (m *scratch) try(id int32, w []byte, from, to int) {
	if a := &m.set.atoms[id]; a.prefix > 0 {
		if len(w) >= int(a.prefix) && string(w[:a.prefix]) == a.text[:a.prefix] {
			m.note(id, from, to)
		}
	} else if a.re != nil {
		if a.re.match(w) {
			m.note(id, from, to)
		}
	} else if glob(a.text, string(w)) {
		m.note(id, from, to)
	}
}

func (m *scratch) exact(i int) string {
	t := m.toks[i]
	return text.Exact(m.segs[len(m.segs)-1].src[t.Start:t.End])
}

func (m *scratch) note(id int32, from, to int) {
	o := occ{int32(from), int32(to)}
	t := &m.tally[id]
	if t.round != m.round {
		*t = tally{round: m.round}
		m.hit = append(m.hit, id)
	} else if m.notes[t.at].occ == o {
		return // a bare form that the same pattern covers too
	}
	t.n++
	t.at = int32(len(m.notes))
	m.notes = append(m.notes, note{id, o})
}

// numbers are the numbers of the words by token, as a reader counts: parts joined by an apostrophe or a hyphen, and letters
// written together, are one. Each segment begins anew.
type numbers struct {
	of      []int32
	counted bool
}

// number numbers the words, unless it is done; few articles need it.
func (m *scratch) number() {
	n := &m.numbers
	if n.counted {
		return
	}
	n.counted = true
	n.of = slices.Grow(n.of[:0], len(m.toks))[:len(m.toks)]
	for k := range m.segs {
		g := &m.segs[k]
		toks, of := m.toks[g.from:g.to], n.of[g.from:g.to]
		no := int32(1)
		for i := range of {
			if i > 0 {
				gap := toks[i].Start - toks[i-1].End
				if gap > 3 || gap == 1 && g.src[toks[i].Start-1] == ' ' || !m.sameWord(g.src, toks[i-1], toks[i]) {
					no++
				}
			}
			of[i] = no
		}
	}
}

func (m *scratch) sameWord(src string, a, b text.Word) bool {
	if a.End == b.Start {
		x, _ := utf8.DecodeRune(m.reader.Text(a))
		y, _ := utf8.DecodeRune(m.reader.Text(b))
		return !text.Spaceless(x) && !text.Spaceless(y)
	}
	switch n := b.Start - a.End; {
	case n == 1:
		c := src[a.End]
		return c == '-' || c == '\'' || c == '`'
	case n > 3:
		return false
	case n == 3 && src[a.End:b.Start] == "’": // by far the most frequent
		return true
	}
	return text.OneWord(src[a.End:b.Start])
}

// findLead finds the first paragraph of the body, which is the last segment so far.
func (m *scratch) findLead() {
	g := m.segs[len(m.segs)-1]
	end := 0
	if p := text.Paragraphs(g.src); len(p) > 0 {
		end = p[0].End
	}
	toks := m.toks[g.from:g.to]
	n := sort.Search(len(toks), func(i int) bool { return int(toks[i].End) > end })
	m.lead = occ{g.from, g.from + int32(n)}
}

// admits applies the rule's own limits. An article of unknown language passes: to miss it would be worse.
func (m *scratch) admits(c *compiled) bool {
	if len(c.langs) > 0 && m.doc.Lang != "" &&
		!slices.ContainsFunc(c.langs, func(l string) bool { return inLang(m.doc.Lang, l) }) {
		return false
	}
	return len(c.sites) == 0 || slices.ContainsFunc(c.sites, func(h string) bool { return inSite(m.site(), h) })
}

// site is the host of the article, lower case, without www.
func (m *scratch) site() string {
	if !m.hostSet {
		m.hostSet = true
		m.host = host(m.doc.Site)
		if m.host == "" {
			if u, err := url.Parse(m.doc.URL); err == nil {
				m.host = host(u.Hostname())
			}
		}
	}
	return m.host
}

// host brings a host as people write it to the form in which hosts are compared.
func host(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "*."), ".")
	return strings.TrimSuffix(strings.TrimPrefix(s, "www."), ".")
}

// Covers reports whether a host, as articles name theirs, is one of sites or a subdomain of one; sites as people write them.
func Covers(sites []string, h string) bool {
	return slices.ContainsFunc(sites, func(s string) bool { return inSite(host(h), host(s)) })
}

// inSite reports whether host h is site or a subdomain of it.
func inSite(h, site string) bool {
	rest, ok := strings.CutSuffix(h, site)
	return ok && h != "" && (rest == "" || strings.HasSuffix(rest, "."))
}

// inLang reports whether the language tag is want or a variety of it.
func inLang(tag, want string) bool {
	tag = strings.ReplaceAll(strings.ToLower(tag), "_", "-")
	rest, ok := strings.CutPrefix(tag, want)
	return ok && (rest == "" || rest[0] == '-')
}

// holds evaluates a node.
func (m *scratch) holds(c *code) bool {
	switch c.op {
	case opTerm, opPhrase:
		from := len(m.arena)
		found := len(m.find(c)) > 0
		m.arena = m.arena[:from]
		return found
	case opValue:
		return m.valueSpans(c, nil) != nil
	case opNear:
		return len(m.chain(c)) > 0
	case opAtLeast:
		return m.often(c)
	case opFirst, opSentence, opParagraph:
		return m.inWindows(c, false)
	case opNot:
		return !m.holds(c.kids[0])
	case opAnd:
		for _, k := range c.kids {
			if !m.holds(k) {
				return false
			}
		}
		return true
	case opOr:
		return slices.ContainsFunc(c.kids, m.holds)
	}
	return false
}

// collect adds the spans of the positive terms of a node that holds.
func (m *scratch) collect(c *code) {
	switch c.op {
	case opTerm, opPhrase:
		m.mark(m.find(c))
	case opValue:
		m.spans = m.valueSpans(c, m.spans)
	case opNear:
		m.mark(m.chain(c))
	case opAtLeast:
		m.collect(c.kids[0])
	case opFirst, opSentence, opParagraph:
		m.inWindows(c, true)
	case opAnd, opOr:
		for _, k := range c.kids {
			if c.op == opAnd || m.holds(k) {
				m.collect(k)
			}
		}
	}
}

func (m *scratch) mark(os []occ) {
	for _, o := range os {
		m.marks = append(m.marks, uint64(o.start)<<32|uint64(o.end))
	}
}

// highlights are the marks and the spans of values as tidy has them; the order of tokens is that of the fields.
func (m *scratch) highlights() []Span {
	if !slices.IsSorted(m.marks) {
		slices.Sort(m.marks)
	}
	values := len(m.spans)
	var g *segment
	for _, k := range m.marks {
		start, end := int32(k>>32), int32(uint32(k))
		if g == nil || start >= g.to {
			g = m.segmentOf(start)
		}
		s := Span{g.name(), g.shift + int(m.toks[start].Start), g.shift + int(m.toks[end-1].End)}
		if n := len(m.spans) - 1; n >= values && m.spans[n].Field == s.Field && s.Start <= m.spans[n].End {
			m.spans[n].End = max(m.spans[n].End, s.End)
			continue
		}
		if len(m.spans)-values == MaxSpans {
			break
		}
		m.spans = append(m.spans, s)
	}
	if values > 0 {
		return tidy(m.spans)
	}
	return slices.Clone(m.spans)
}

func (g *segment) name() string {
	if g.field == fBody {
		return "body" // whatever the rule called it, such as lead
	}
	return g.field.String()
}

func (m *scratch) segmentOf(tok int32) *segment {
	i := 0
	for i < 2 && m.segs[i].to <= tok {
		i++ // mostly there are but title and body
	}
	if i == 2 {
		i += sort.Search(len(m.segs)-2, func(k int) bool { return m.segs[k+2].to > tok })
	}
	return &m.segs[i]
}

// find is where a term or phrase stands, sorted.
func (m *scratch) find(c *code) []occ {
	if c.atom != noAtom {
		return m.within(m.list(c.atom), c.scope)
	}
	lists := make([][]occ, len(c.words))
	for i, p := range c.words {
		l := m.piece(p)
		if len(l) == 0 {
			return nil
		}
		lists[i] = l
	}
	if c.slop >= 0 {
		for i, l := range lists {
			if lists[i] = m.within(l, c.scope); len(lists[i]) == 0 {
				return nil
			}
		}
		return m.loosely(lists, int(c.slop))
	}
	l, from := lists[0], len(m.arena)
	for _, next := range lists[1:] {
		if l = m.follow(l, next, false); len(l) == 0 {
			return nil
		}
		m.arena = append(m.arena[:from], l...) // what led to l is of no use any more, and a phrase may be long
		l = m.arena[from:len(m.arena):len(m.arena)]
	}
	return m.within(l, c.scope)
}

// piece is where any alternative of a piece stands, sorted.
func (m *scratch) piece(alts []alt) []occ {
	if len(alts) == 1 && len(alts[0].ids) == 1 {
		return m.list(alts[0].ids[0])
	}
	var all []occ
	for _, a := range alts {
		l := m.list(a.ids[0])
		for i, id := range a.ids[1:] {
			if len(l) == 0 {
				break
			}
			l = m.follow(l, m.at(id), a.tight[i+1])
		}
		all = append(all, l...)
	}
	if len(alts) > 1 {
		all = sorted(all)
	}
	return all
}

func sorted(l []occ) []occ {
	order := func(a, b occ) int {
		if a.start != b.start {
			return int(a.start - b.start)
		}
		return int(a.end - b.end)
	}
	if !slices.IsSortedFunc(l, order) {
		slices.SortFunc(l, order)
	}
	return slices.Compact(l)
}

// follow joins each occurrence of a with those of b that begin where it ends; tight ones must touch it in the text, a line
// break apart at most.
func (m *scratch) follow(a, b []occ, tight bool) []occ {
	from, i, end := len(m.arena), 0, int32(0)
	for _, x := range a {
		if x.end < end { // a longer one came before
			i = sort.Search(len(b), func(i int) bool { return b[i].start >= x.end })
		}
		end = x.end
		for i < len(b) && b[i].start < end {
			i++
		}
		for k := i; k < len(b) && b[k].start == end; k++ {
			if tight && !m.touch(end) {
				break
			}
			m.arena = append(m.arena, occ{x.start, b[k].end})
		}
	}
	out := m.arena[from:len(m.arena):len(m.arena)]
	if len(out) > 1 {
		out = sorted(out)
	}
	return out
}

// touch reports whether token i stands directly behind the one before it.
func (m *scratch) touch(i int32) bool {
	a, b := m.toks[i-1], m.toks[i]
	if a.End == b.Start {
		return true
	}
	g := m.segmentOf(i)
	gap := g.src[a.End:b.Start]
	return gap == "\n" || gap == "\r\n" || text.Fold(gap) == ""
}

// within keeps the occurrences in the fields of a scope.
func (m *scratch) within(l []occ, scope field) []occ {
	if len(l) == 0 || m.set.segments()&^scope == 0 && !m.window.on {
		return l
	}
	all := true
	for _, o := range l {
		if !m.inScope(o, scope) {
			all = false
			break
		}
	}
	if all {
		return l
	}
	var out []occ
	for _, o := range l {
		if m.inScope(o, scope) {
			out = append(out, o)
		}
	}
	return out
}

// segments are the fields that are read: the lead is in the body.
func (s *Set) segments() field {
	if s.fields&fLead != 0 {
		return s.fields&^fLead | fBody
	}
	return s.fields
}

func (m *scratch) inScope(o occ, scope field) bool {
	if m.window.on && o.end > m.window.end {
		return false
	}
	if scope&fLead != 0 {
		return m.lead.start <= o.start && o.end <= m.lead.end
	}
	return m.segmentOf(o.start).field&scope != 0
}

// valueSpans appends the spans of a value that holds; nil if it does not.
func (m *scratch) valueSpans(c *code, dst []Span) []Span {
	d := m.doc
	whole := func(name, s string, ok bool) []Span {
		if !ok || s == "" {
			return nil
		}
		return append(dst, Span{name, 0, len(s)})
	}
	switch c.kind {
	case fSite:
		if d.Site == "" {
			return whole("url", d.URL, inSite(m.site(), c.value))
		}
		return whole("site", d.Site, inSite(m.site(), c.value))
	case fLang:
		return whole("lang", d.Lang, inLang(d.Lang, c.value))
	case fFeed:
		return whole("feed", d.Feed, glob(c.value, text.Fold(d.Feed)))
	case fURL:
		return whole("url", d.URL, glob("*"+c.value+"*", text.Fold(d.URL)))
	case fTag:
		out, at := dst, 0
		for _, t := range d.Tags {
			if t != "" && glob(c.value, text.Fold(t)) {
				out = append(out, Span{"tag", at, at + len(t)})
			}
			at += len(t) + len(listSeparator)
		}
		if len(out) == len(dst) {
			return nil
		}
		return out
	}
	return nil
}

// tidy sorts spans by field and offset, merges those that overlap or touch, and bounds them. It returns a copy.
func tidy(l []Span) []Span {
	slices.SortFunc(l, func(a, b Span) int {
		if a.Field != b.Field {
			return rank(a.Field) - rank(b.Field)
		}
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	out := make([]Span, 0, min(len(l), MaxSpans))
	for _, s := range l {
		if n := len(out); n > 0 && out[n-1].Field == s.Field && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		if len(out) == MaxSpans {
			break
		}
		out = append(out, s)
	}
	return out
}

// rank orders fields as a reader meets them.
func rank(name string) int {
	switch name {
	case "title":
		return 0
	case "body":
		return 1
	case "author":
		return 2
	case "agency":
		return 3
	case "site":
		return 4
	case "url":
		return 5
	case "lang":
		return 6
	case "feed":
		return 7
	}
	return 8
}
