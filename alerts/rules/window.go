package rules

import (
	"sort"

	"wirewatch/pipeline/text"
)

// window is the part of the body that FIRST, SENTENCE or PARAGRAPH lets their operand see, and what is known of the body's
// parts. Those are found when the first rule asks.
type window struct {
	on                    bool
	occ                   // tokens
	sentences, paragraphs []occ
	cut                   bool // sentences and paragraphs are of this article
}

// list is where an atom begins to stand within the window, sorted.
func (m *scratch) list(id int32) []occ {
	l := m.at(id)
	if !m.window.on {
		return l
	}
	from := sort.Search(len(l), func(i int) bool { return l[i].start >= m.window.start })
	l = l[from:]
	return l[:sort.Search(len(l), func(i int) bool { return l[i].start >= m.window.end })]
}

// inWindows reports whether the operand of FIRST, SENTENCE or PARAGRAPH holds in the window, or in one of them; collecting,
// it takes the spans of all in which it does.
func (m *scratch) inWindows(c *code, collecting bool) bool {
	var all []occ
	switch g := m.body(); {
	case g == nil && c.op == opFirst:
		all = []occ{{}} // what is absent is absent from no words too
	case g == nil:
		return false
	case c.op == opFirst:
		m.number()
		n := sort.Search(int(g.to-g.from), func(i int) bool { return m.numbers.of[g.from+int32(i)] > int32(c.count) })
		all = []occ{{g.from, g.from + int32(n)}}
	case c.op == opSentence:
		m.cutBody(g)
		all = m.window.sentences
	default:
		m.cutBody(g)
		all = m.window.paragraphs
	}
	on, outer := m.window.on, m.window.occ
	if on && c.op != opFirst { // of thousands of sentences few are in the outer window
		all = all[sort.Search(len(all), func(i int) bool { return all[i].end > outer.start }):]
		all = all[:sort.Search(len(all), func(i int) bool { return all[i].start >= outer.end })]
	}
	held := false
	for _, w := range all {
		if on {
			w = occ{max(w.start, outer.start), min(w.end, outer.end)}
			if w.start >= w.end && c.op != opFirst {
				continue
			}
		}
		m.window.on, m.window.occ = true, w
		if m.holds(c.kids[0]) {
			held = true
			if !collecting {
				break
			}
			m.collect(c.kids[0])
		}
	}
	m.window.on, m.window.occ = on, outer
	return held
}

// body is the segment of the body; nil where it has no words.
func (m *scratch) body() *segment {
	for i := range m.segs {
		if g := &m.segs[i]; g.field == fBody && g.from < g.to {
			return g
		}
	}
	return nil
}

// cutBody finds the sentences and paragraphs of the body, once an article.
func (m *scratch) cutBody(g *segment) {
	w := &m.window
	if w.cut {
		return
	}
	w.cut = true
	w.sentences = m.parts(w.sentences, g, text.Sentences(g.src))
	w.paragraphs = m.parts(w.paragraphs, g, text.Paragraphs(g.src))
}

// parts appends the tokens that begin within each span.
func (m *scratch) parts(dst []occ, g *segment, spans []text.Span) []occ {
	i := g.from
	for _, s := range spans {
		for i < g.to && int(m.toks[i].Start) < s.Start {
			i++
		}
		from := i
		for i < g.to && int(m.toks[i].Start) < s.End {
			i++
		}
		if from < i {
			dst = append(dst, occ{from, i})
		}
	}
	return dst
}

// often reports whether the operand of ATLEAST occurs often enough. Occurrences that overlap, such as `kim` and `"kim jong"`,
// count as one.
func (m *scratch) often(c *code) bool {
	n, end := 0, int32(-1)
	l := m.counted(c.kids[0])
	sort.Slice(l, func(i, j int) bool { return l[i].end < l[j].end })
	for _, o := range l { // whoever ends first leaves most room for others
		if o.start >= end {
			n++
			end = o.end
		}
	}
	return n >= c.count
}

// counted is where the operand of ATLEAST stands, in a list of its own.
func (m *scratch) counted(c *code) []occ {
	switch c.op {
	case opTerm, opPhrase:
		return append([]occ(nil), m.find(c)...)
	case opOr:
		var all []occ
		for _, k := range c.kids {
			all = append(all, m.counted(k)...)
		}
		return all
	}
	return nil
}
