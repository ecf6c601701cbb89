package rules

import (
	"math"
	"slices"
	"sort"
)

// operand is where an operand of NEAR stands: a term, a phrase, or a list of them.
func (m *scratch) operand(c *code) []occ {
	if c.op != opOr {
		return m.find(c)
	}
	var all []occ
	for _, k := range c.kids {
		all = append(all, m.operand(k)...)
	}
	return sorted(all)
}

// nearby is a search for a choice of one occurrence from each list, in one segment, none overlapping. chosen[i] is the one of list i; set
// tells which are chosen already.
type nearby struct {
	m      *scratch
	lists  [][]occ
	chosen []occ
	set    []bool
	single bool  // every occurrence is one token
	words  int32 // of the longest occurrence: how far before a word one may begin that reaches it
	gaps   []near
	slop   int
	tries  int // that are left, see maxTries
}

// maxTries bounds the search for one chain or loose phrase in one text, in occurrences tried. Where the same words are asked for many times
// and the text repeats them not quite so often, the search would go through all their orders. What is not decided by then counts as
// found, as it has what it needs right beside it: a message too many is better than a story that is missed.
const maxTries = 1 << 20

func (m *scratch) nearby(lists [][]occ) *nearby {
	m.number()
	s := &nearby{m: m, lists: lists, chosen: make([]occ, len(lists)), set: make([]bool, len(lists)), words: 1, single: true, tries: math.MaxInt}
	for _, l := range lists {
		for _, o := range l {
			if o.end-o.start == 1 {
				continue
			}
			s.single = false
			s.words = max(s.words, m.length(o))
		}
	}
	return s
}

// length is how many words an occurrence covers or touches.
func (m *scratch) length(o occ) int32 { return m.numbers.of[o.end-1] - m.numbers.of[o.start] + 1 }

// takingPart is every occurrence with which a choice succeeds, sorted.
func (s *nearby) takingPart(try func(i int) bool) []occ {
	if all := sorted(slices.Concat(s.lists...)); len(all) < len(s.lists) {
		return nil // each of the lists needs one of its own
	}
	s.tries = maxTries
	var out []occ
	for i, l := range s.lists {
		for _, o := range l {
			clear(s.set)
			s.choose(i, o)
			if try(i) {
				out = append(out, o)
			}
		}
	}
	return sorted(out)
}

func (s *nearby) choose(i int, o occ) { s.chosen[i], s.set[i] = o, true }

// candidates calls f with the occurrences of list i that begin at most reach words from the beginning of x and overlap nothing
// chosen, until f is content.
func (s *nearby) candidates(i int, x occ, reach int32, f func() bool) bool {
	m, l := s.m, s.lists[i]
	seg := m.segmentOf(x.start)
	first := m.numbers.of[x.start] - reach
	k := sort.Search(len(l), func(k int) bool {
		return l[k].start >= seg.to || l[k].start >= seg.from && m.numbers.of[l[k].start] >= first
	})
next:
	for ; k < len(l) && l[k].start < seg.to && m.numbers.of[l[k].start] <= m.numbers.of[x.start]+reach; k++ {
		if s.tries--; s.tries < 0 {
			return true
		}
		for j, c := range s.chosen {
			if s.set[j] && l[k].start < c.end && c.start < l[k].end {
				continue next
			}
		}
		s.choose(i, l[k])
		if f() {
			return true
		}
		s.set[i] = false
	}
	return false
}

// chain is every occurrence that has a part in a chain of NEAR that holds, sorted.
func (m *scratch) chain(c *code) []occ {
	if m.window.on { // what holds there holds there alone
		return m.findChain(c)
	}
	for _, k := range m.chains {
		if k.of == c {
			return k.at
		}
	}
	l := m.findChain(c)
	if len(l) > 0 {
		m.chains = append(m.chains, links{c, l})
	}
	return l
}

func (m *scratch) findChain(c *code) []occ {
	lists := make([][]occ, len(c.kids))
	for i, k := range c.kids {
		if lists[i] = m.operand(k); len(lists[i]) == 0 {
			return nil
		}
	}
	s := m.nearby(lists)
	s.gaps = c.gaps
	// What has no neighbour at all in the next list can be left out first; then the search seldom runs into a dead end,
	// however long the chain and frequent its words.
	for i := len(lists) - 2; i >= 0; i-- {
		lists[i] = s.beside(i, i+1)
	}
	for i := 1; i < len(lists); i++ {
		lists[i] = s.beside(i, i-1)
	}
	if len(lists) == 2 { // what has a neighbour takes part
		return sorted(slices.Concat(lists...))
	}
	return s.takingPart(func(i int) bool { return s.extend(i, i) })
}

// beside is what of list i reaches an occurrence of its neighbour, list j.
func (s *nearby) beside(i, j int) []occ {
	g := s.gaps[min(i, j)]
	if s.single {
		return s.besideSingle(s.lists[i], s.lists[j], int32(g.n), !g.ordered || i < j, !g.ordered || i > j)
	}
	var out []occ
	for _, o := range s.lists[i] {
		clear(s.set)
		s.choose(i, o)
		if s.candidates(j, o, int32(g.n)+s.words, func() bool {
			return s.m.reaches(s.chosen[min(i, j)], s.chosen[max(i, j)], g)
		}) {
			out = append(out, o)
		}
	}
	return out
}

// besideSingle is what of l has one of other at most n words behind it, or before it, where that is allowed. All are single tokens,
// so that the next ones on both sides decide.
func (s *nearby) besideSingle(l, other []occ, n int32, behind, before bool) []occ {
	out := make([]occ, 0, len(l))
	no := s.m.numbers.of
	var g *segment
	k := 0
	for _, o := range l {
		if g == nil || o.start >= g.to {
			g = s.m.segmentOf(o.start)
		}
		for k < len(other) && other[k].start <= o.start {
			k++
		}
		p := k - 1
		if p >= 0 && other[p].start == o.start {
			p-- // a token never matches itself
		}
		if behind && k < len(other) && other[k].start < g.to && no[other[k].start]-no[o.start]-1 <= n ||
			before && p >= 0 && other[p].start >= g.from && no[o.start]-no[other[p].start]-1 <= n {
			out = append(out, o)
		}
	}
	return out
}

// extend reports whether the chosen lists lo to hi, a chain that holds, can be made a whole one: first to the right, then to the
// left.
func (s *nearby) extend(lo, hi int) bool {
	i, beside := hi+1, hi
	if i == len(s.lists) {
		if i, beside = lo-1, lo; i < 0 {
			return true
		}
	}
	g := s.gaps[min(i, beside)]
	return s.candidates(i, s.chosen[beside], int32(g.n)+s.words, func() bool {
		a, b := s.chosen[min(i, beside)], s.chosen[max(i, beside)]
		return s.m.reaches(a, b, g) && s.extend(min(i, lo), max(i, hi))
	})
}

// reaches reports whether b stands apart from a with at most g.n words between, behind it if ordered.
func (m *scratch) reaches(a, b occ, g near) bool {
	switch {
	case a.end <= b.start:
	case b.end <= a.start && !g.ordered:
		a, b = b, a
	default:
		return false
	}
	return m.numbers.of[b.start]-m.numbers.of[a.end-1]-1 <= int32(g.n)
}

// loosely is every occurrence that has a part in a choice of one from each list with at most slop other words among them.
func (m *scratch) loosely(lists [][]occ, slop int) []occ {
	s := m.nearby(lists)
	s.slop = slop
	reach := int32(slop) + int32(len(lists))*s.words
	return s.takingPart(func(i int) bool { return s.gather(0, s.chosen[i], reach) })
}

// gather chooses from list i and those behind it, within reach of x.
func (s *nearby) gather(i int, x occ, reach int32) bool {
	if i == len(s.lists) {
		return s.others() <= s.slop
	}
	if s.set[i] {
		return s.gather(i+1, x, reach)
	}
	if !s.closeEnough() {
		return false
	}
	return s.candidates(i, x, reach, func() bool { return s.gather(i+1, x, reach) })
}

// closeEnough reports whether what is chosen so far leaves hope: each word to come can fill at most its own length between them.
func (s *nearby) closeEnough() bool {
	lo, hi, room := int32(math.MaxInt32), int32(0), int32(0)
	for i, c := range s.chosen {
		if !s.set[i] {
			room += s.words
			continue
		}
		lo, hi = min(lo, c.start), max(hi, c.end)
		room += s.m.length(c)
	}
	return int(s.m.numbers.of[hi-1]-s.m.numbers.of[lo]+1-room) <= s.slop
}

// others counts the words among the chosen that are none of theirs.
func (s *nearby) others() int {
	lo, hi, own := s.chosen[0].start, s.chosen[0].end, int32(0)
	for _, c := range s.chosen {
		lo, hi = min(lo, c.start), max(hi, c.end)
		own += s.m.length(c)
	}
	return int(s.m.numbers.of[hi-1] - s.m.numbers.of[lo] + 1 - own)
}
