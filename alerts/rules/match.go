package rules

import (
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
	toks    []text.Token
	wordNo  []int32 // by token: the number of its word, as a reader counts
	segs    []segment
	lead    occ // the tokens of the first paragraph
	occs    [][]occ
	hit     []int32 // atoms with occurrences
	run     []int32 // rules to evaluate
	queued  []bool  // by rule: in run
	bare    []string
	window  window
	stems   stemmer
	spans   []Span
	host    string
	hostSet bool
}

// Match reads the article once and returns a hit for every rule that matches, in the order of the rules.
func (s *Set) Match(d *Doc) []Hit {
	m, _ := s.pool.Get().(*scratch)
	if m == nil {
		m = &scratch{set: s, occs: make([][]occ, len(s.atoms)), queued: make([]bool, len(s.rules))}
	}
	m.doc = d
	m.read()
	var hits []Hit
	for _, id := range m.hit {
		for _, r := range s.filed[id] {
			m.queue(r)
		}
	}
	for _, r := range s.always {
		m.queue(r)
	}
	slices.Sort(m.run)
	for _, r := range m.run {
		m.queued[r] = false
		c := &s.rules[r]
		if !m.admits(c) || !m.holds(c.root) {
			continue
		}
		m.spans = m.spans[:0]
		m.collect(c.root)
		hits = append(hits, Hit{Rule: c.rule.Name, Spans: tidy(m.spans)})
	}
	m.reset()
	s.pool.Put(m)
	return hits
}

func (m *scratch) queue(r int32) {
	if !m.queued[r] {
		m.queued[r] = true
		m.run = append(m.run, r)
	}
}

func (m *scratch) reset() {
	for _, id := range m.hit {
		m.occs[id] = m.occs[id][:0]
	}
	clear(m.toks) // the pool must not keep the article alive
	clear(m.segs)
	clear(m.bare)
	m.doc, m.host, m.hostSet = nil, "", false
	m.window = window{sentences: m.window.sentences[:0], paragraphs: m.window.paragraphs[:0]}
	m.toks, m.wordNo, m.segs, m.hit, m.run = m.toks[:0], m.wordNo[:0], m.segs[:0], m.hit[:0], m.run[:0]
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
	if len(m.toks) > 0 {
		m.toks = append(m.toks, text.Token{})
	}
	from := len(m.toks)
	m.toks = text.AppendTokens(m.toks, src)
	g := segment{f, src, int32(from), int32(len(m.toks)), shift}
	m.segs = append(m.segs, g)
	if m.set.near {
		m.count(g)
	}
	for i := from; i < len(m.toks); i++ {
		m.look(m.toks[i].Text, i, i+1, true)
		m.readings(m.toks[i].Text, i, i+1)
		if m.set.stems.some() {
			m.stemmed(m.toks[i].Text, i, i+1)
		}
		// K-9 is also K9; of three parts each pair and the whole may be one word.
		w := m.toks[i].Text
		for j := i + 1; j < len(m.toks) && j < i+maxJoints; j++ {
			if !abut(src, m.toks[j-1], m.toks[j]) {
				break
			}
			if _, ok := text.Joined(src, m.toks[j-1], m.toks[j]); !ok {
				break
			}
			w += m.toks[j].Text
			m.look(w, i, j+1, false)
			m.readings(w, i, j+1)
			if m.set.stems.some() {
				m.stemmed(w, i, j+1)
			}
		}
	}
}

// abut is the cheap part of text.Joined: most neighbours have a space between them.
func abut(src string, a, b text.Token) bool {
	n := b.Start - a.End
	return n == 1 && src[a.End] != ' ' || n == 2 && src[a.End] >= utf8.RuneSelf || n == 3 && src[a.End] >= utf8.RuneSelf
}

func (m *scratch) readings(w string, from, to int) {
	if w[0] < utf8.RuneSelf {
		return
	}
	m.bare = text.AppendBare(m.bare[:0], w)
	for i, b := range m.bare {
		if !slices.Contains(m.bare[:i], b) {
			m.look(b, from, to, false)
		}
	}
}

// look notes the atoms that the word w, tokens [from, to), is. Only a token as it stands can be exact.
func (m *scratch) look(w string, from, to int, whole bool) {
	s := m.set
	for _, id := range s.words[w] {
		if x := s.atoms[id].exact; x != "" && (!whole || x != m.exact(from)) {
			continue
		}
		m.note(id, from, to)
	}
	if len(s.starts) > 0 {
		k := start(w)
		m.patterns(s.starts[k], w, from, to)
		if _, n := utf8.DecodeRuneInString(k); n < len(k) {
			m.patterns(s.starts[k[:n]], w, from, to)
		}
	}
	m.patterns(s.loose, w, from, to)
}

func (m *scratch) patterns(ids []int32, w string, from, to int) {
	for _, id := range ids {
		if m.set.atoms[id].covers(w) {
			m.note(id, from, to)
		}
	}
}

func (m *scratch) exact(i int) string {
	t := m.toks[i]
	return text.Exact(m.segs[len(m.segs)-1].src[t.Start:t.End])
}

func (m *scratch) note(id int32, from, to int) {
	o := occ{int32(from), int32(to)}
	l := m.occs[id]
	if len(l) == 0 {
		m.hit = append(m.hit, id)
	} else if l[len(l)-1] == o {
		return // a bare form that the same pattern covers too
	}
	m.occs[id] = append(l, o)
}

// count numbers the words of a segment as a reader counts them: parts joined by an apostrophe or a hyphen, and letters
// written together, are one.
func (m *scratch) count(g segment) {
	for len(m.wordNo) < int(g.from) {
		m.wordNo = append(m.wordNo, 0)
	}
	n := int32(0)
	for i := g.from; i < g.to; i++ {
		if i == g.from || !sameWord(g.src, m.toks[i-1], m.toks[i]) {
			n++
		}
		m.wordNo = append(m.wordNo, n)
	}
}

func sameWord(src string, a, b text.Token) bool {
	if a.End == b.Start {
		x, _ := utf8.DecodeRuneInString(a.Text)
		y, _ := utf8.DecodeRuneInString(b.Text)
		return !text.Spaceless(x) && !text.Spaceless(y)
	}
	switch n := b.Start - a.End; {
	case n == 1:
		c := src[a.End]
		return c == '-' || c == '\'' || c == '`'
	case n > 3:
		return false
	}
	switch text.Fold(src[a.End:b.Start]) {
	case "-", "'":
		return true
	}
	return false
}

// findLead finds the first paragraph of the body, which is the last segment so far.
func (m *scratch) findLead() {
	g := m.segs[len(m.segs)-1]
	end := 0
	if p := text.Paragraphs(g.src); len(p) > 0 {
		end = p[0].End
	}
	toks := m.toks[g.from:g.to]
	n := sort.Search(len(toks), func(i int) bool { return toks[i].End > end })
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
		return len(m.find(c)) > 0
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
		g := m.segmentOf(o.start)
		name := "body"
		if g.field != fBody {
			name = g.field.String()
		}
		m.spans = append(m.spans, Span{name, g.shift + m.toks[o.start].Start, g.shift + m.toks[o.end-1].End})
	}
}

func (m *scratch) segmentOf(tok int32) *segment {
	i := sort.Search(len(m.segs), func(i int) bool { return m.segs[i].to > tok })
	return &m.segs[i]
}

// find is where a term or phrase stands, sorted.
func (m *scratch) find(c *code) []occ {
	if c.only != nil {
		return m.within(m.list(c.only[0]), c.scope)
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
		return m.loosely(lists, c.slop)
	}
	l := lists[0]
	for _, next := range lists[1:] {
		l = m.follow(l, next, false)
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
			l = m.follow(l, m.occs[id], a.tight[i+1])
		}
		all = append(all, l...)
	}
	if len(alts) > 1 {
		all = sorted(all)
	}
	return all
}

func sorted(l []occ) []occ {
	slices.SortFunc(l, func(a, b occ) int {
		if a.start != b.start {
			return int(a.start - b.start)
		}
		return int(a.end - b.end)
	})
	return slices.Compact(l)
}

// follow joins each occurrence of a with those of b that begin where it ends; tight ones must touch it in the text, a line
// break apart at most.
func (m *scratch) follow(a, b []occ, tight bool) []occ {
	var out []occ
	for _, x := range a {
		i := sort.Search(len(b), func(i int) bool { return b[i].start >= x.end })
		for ; i < len(b) && b[i].start == x.end; i++ {
			if tight && !m.touch(x.end) {
				continue
			}
			out = append(out, occ{x.start, b[i].end})
		}
	}
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
	if len(l) == 0 || m.set.fields == scope && scope&fLead == 0 && !m.window.on {
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
