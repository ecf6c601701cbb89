package rules

import "sort"

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

// chain is every occurrence that has a part in a chain of NEAR that holds, sorted.
func (m *scratch) chain(c *code) []occ {
	lists := make([][]occ, len(c.kids))
	for i, k := range c.kids {
		if lists[i] = m.operand(k); len(lists[i]) == 0 {
			return nil
		}
	}
	var out []occ
	chosen := make([]occ, len(lists))
	for i, l := range lists {
		for _, o := range l {
			chosen[i] = o
			if m.extend(c.gaps, lists, chosen, i, i, i) {
				out = append(out, o)
			}
		}
	}
	return sorted(out)
}

// extend reports whether chosen[lo:hi+1], which hold together, can be made a whole chain; from is where the search began: it
// goes right to the end, then left from there.
func (m *scratch) extend(gaps []near, lists [][]occ, chosen []occ, lo, hi, from int) bool {
	i, beside := hi+1, hi
	if i == len(lists) {
		if i, beside = lo-1, lo; i < 0 {
			return true
		}
	}
	g := gaps[min(i, beside)]
	x := chosen[beside]
	l := lists[i]
	// A word holds few tokens, so that what begins much more than g.n words before x cannot reach it: but tokens, not words,
	// are what is sorted, and operands may be long. The search starts at the segment.
	seg := m.segmentOf(x.start)
	k := sort.Search(len(l), func(k int) bool { return l[k].start >= seg.from })
	for ; k < len(l) && l[k].start < seg.to; k++ {
		o := l[k]
		a, b := x, o // a is the operand written first
		if i < beside {
			a, b = o, x
		}
		if !m.reaches(a, b, g) {
			if o.start > x.end && m.wordNo[o.start]-m.wordNo[x.end-1]-1 > int32(g.n) {
				break
			}
			continue
		}
		free := true
		for j := lo; j <= hi; j++ {
			free = free && (o.end <= chosen[j].start || chosen[j].end <= o.start)
		}
		if !free {
			continue
		}
		chosen[i] = o
		if m.extend(gaps, lists, chosen, min(i, lo), max(i, hi), from) {
			return true
		}
	}
	return false
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
	return m.wordNo[b.start]-m.wordNo[a.end-1]-1 <= int32(g.n)
}

// loosely is every occurrence that has a part in a choice of one from each list, none overlapping, with at most slop other words
// among them.
func (m *scratch) loosely(lists [][]occ, slop int) []occ {
	var out []occ
	chosen := make([]occ, 0, len(lists))
	for i, l := range lists {
		for _, o := range l {
			if m.gather(lists, append(chosen[:0], o), i, 0, slop) {
				out = append(out, o)
			}
		}
	}
	return sorted(out)
}

// gather adds to chosen, whose first is of list first, one of each list from at on.
func (m *scratch) gather(lists [][]occ, chosen []occ, first, at, slop int) bool {
	if at == first {
		at++
	}
	if at >= len(lists) {
		return m.others(chosen) <= slop
	}
	seg := m.segmentOf(chosen[0].start)
	l := lists[at]
	k := sort.Search(len(l), func(k int) bool { return l[k].start >= seg.from })
next:
	for ; k < len(l) && l[k].start < seg.to; k++ {
		for _, c := range chosen {
			if l[k].start < c.end && c.start < l[k].end {
				continue next
			}
		}
		// No word of the phrase can be further away than the others and the slop allow.
		if d := m.wordNo[l[k].start] - m.wordNo[chosen[0].start]; int(d) > m.reach(lists, slop) || int(-d) > m.reach(lists, slop) {
			continue
		}
		if m.gather(lists, append(chosen, l[k]), first, at+1, slop) {
			return true
		}
	}
	return false
}

// reach bounds the words between the beginnings of two parts of a loose phrase.
func (m *scratch) reach(lists [][]occ, slop int) int {
	n := slop
	for _, l := range lists {
		longest := int32(1)
		for _, o := range l {
			longest = max(longest, m.wordNo[o.end-1]-m.wordNo[o.start]+1)
		}
		n += int(longest)
	}
	return n
}

// others counts the words among the chosen that are none of theirs.
func (m *scratch) others(chosen []occ) int {
	lo, hi, own := chosen[0].start, chosen[0].end, int32(0)
	for _, c := range chosen {
		lo, hi = min(lo, c.start), max(hi, c.end)
		own += m.wordNo[c.end-1] - m.wordNo[c.start] + 1
	}
	return int(m.wordNo[hi-1] - m.wordNo[lo] + 1 - own)
}
