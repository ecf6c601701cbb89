package dedup

import (
	"slices"

	"wirewatch/pipeline/text"
)

// Text is an article as Compare reads it.
type Text struct {
	Site  string // registrable host name; "" is a site of its own
	Title string
	Body  string
	Lang  string // may be ""
}

// Comparison is what two texts have in common, and what follows from it.
type Comparison struct {
	// Relation is what b is to a by their texts alone, were they near enough in time: identical, copy, version, excerpt, or
	// new where nothing follows. An address that is the same is not looked at here.
	Relation string

	Contained float64 // share of the smaller text's sampled shingles that stand in the other, 0 to 1: the decision's score; 0 for a chance few
	Resembles float64 // share of both texts' sampled shingles that stand in both, 0 to 1
	Merge     bool    // alike enough to show that two stories are one, not only to join one
	Refilled  bool    // would join, but for their figures: a form that was filled in anew

	A, B       int  // units of each body
	Characters bool // units are characters, not words
	Shared     int  // units of a in shared passages that count
	Repeated   int  // units of a in shared passages that do not count, because a site repeats them

	Passages []Passage // in order of a
}

// Passage is a run of at least four words (eight characters where a script sets no spaces) that stands in both bodies.
type Passage struct {
	A, B     text.Span // bytes of each Body
	Units    int
	Repeated bool // a site repeats it in other stories, so it is no evidence
}

// mostPlaces bounds how many places of one shingle are tried in a comparison, so that a text of one word repeated is no trap.
const mostPlaces = 32

// Compare explains a decision: the numbers that Index.Decide weighs for a and b, and the passages they share. repeats says
// of a shingle's hash that a site repeats it in other stories: Index.Repeats or Repeats give it, nil means that none is.
// It is pure, and takes about a millisecond for two articles.
func Compare(a, b Text, repeats func(shingle uint32) bool) Comparison {
	if repeats == nil {
		repeats = func(uint32) bool { return false }
	}
	x := entry{site: 1, sketch: decode(Sketch(a.Title, a.Body, a.Lang), nil)}
	y := entry{site: 2, sketch: decode(Sketch(b.Title, b.Body, b.Lang), nil)}
	if a.Site == b.Site {
		y.site = 1
	}
	if a.Site == "" {
		x.site = 0
	}
	if b.Site == "" {
		y.site = 0
	}
	level := max(x.level, y.level)
	w := weigh(x.at(level), y.at(level), repeats)
	c := Comparison{Relation: RelNew, A: int(x.units), B: int(y.units)}
	if enough(w.both, min(w.a, w.b)) {
		c.Contained, c.Resembles = w.contained(), w.resembles()
	}
	switch {
	case x.units > 0 && x.units == y.units && x.text == y.text && telling(&x, &y):
		c.Relation, c.Contained, c.Resembles, c.Merge = RelIdentical, 1, 1, true
	default:
		if r, merge := relate(&x, &y, w); r != "" {
			c.Relation, c.Merge = r, merge
		}
		c.Refilled = refilled(&x, &y, w) && enough(w.both, min(w.a, w.b))
	}
	c.Passages, c.Characters = passages(a.Body, b.Body, level, repeats)
	for _, p := range c.Passages {
		if p.Repeated {
			c.Repeated += p.Units
		} else {
			c.Shared += p.Units
		}
	}
	return c
}

// Repeats makes the test that Compare wants from other documents: those of both texts' sites that stand in neither's story.
func Repeats(others []Doc) func(shingle uint32) bool {
	set := map[uint32]bool{}
	for _, d := range others {
		for _, h := range decode(d.Sketch, nil).hashes {
			set[h] = true
		}
	}
	return func(h uint32) bool { return set[h] }
}

// Repeats makes the test that Compare wants from the documents in the index. a and b need their ID, Site and Story. The test
// holds until the index changes.
func (x *Index) Repeats(a, b Doc) func(shingle uint32) bool {
	x.post.settle(x.id)
	e, c := x.entry(a, nil), x.entry(b, nil)
	e.site, c.site = x.site(a, false), x.site(b, false)
	return func(h uint32) bool { return x.repeats(h, &e, c.site, c.story) }
}

// passages finds the runs of units that stand in both texts, longest first from each place of a on, each place of a once.
// Shingles below the level's threshold say whether a site repeats the run they stand in; the run is cut where that changes.
func passages(a, b string, level uint8, repeats func(uint32) bool) (out []Passage, chars bool) {
	ua, inA := unitsOf(a)
	ub, inB := unitsOf(b)
	n := runOf(ua, inA)
	if n != runOf(ub, inB) || len(ua) < n || len(ub) < n {
		return nil, n == charRun
	}
	sa, sb := spansOf(a, len(ua)), spansOf(b, len(ub))
	ha, hb := shingles(ua, n), shingles(ub, n)
	places := map[uint32][]int{}
	for j, h := range hb {
		if len(places[h]) < mostPlaces {
			places[h] = append(places[h], j)
		}
	}
	limit := uint64(1) << (32 - level)
	var sampled []mark
	for i := 0; i < len(ha); {
		at, length := 0, 0
		for _, j := range places[ha[i]] {
			k := 0
			for i+k < len(ua) && j+k < len(ub) && ua[i+k] == ub[j+k] {
				k++
			}
			if k > length {
				at, length = j, k
			}
		}
		if length < n {
			i++
			continue
		}
		from, repeated := 0, false
		cut := func(to int) {
			out = append(out, Passage{
				A:     text.Span{Start: sa[i+from].Start, End: sa[i+to-1].End},
				B:     text.Span{Start: sb[at+from].Start, End: sb[at+to-1].End},
				Units: to - from, Repeated: repeated,
			})
			from = to
		}
		sampled = sampled[:0]
		for k := 0; k+n <= length; k++ {
			if h := ha[i+k]; uint64(h) < limit {
				sampled = append(sampled, mark{k, repeats(h)})
			}
		}
		for m, s := range sampled {
			r := mostly(sampled[max(0, m-2):min(len(sampled), m+3)])
			if m > 0 && r != repeated {
				cut(s.at)
			}
			repeated = r
		}
		cut(length)
		i += length
	}
	return slices.Clip(out), n == charRun
}

// mark is a sampled shingle of a run.
type mark struct {
	at       int // in the run
	repeated bool
}

// mostly says whether more than half are repeated: the other stories were sampled more coarsely, or worded a line otherwise,
// so that a single shingle says little.
func mostly(list []mark) bool {
	n := 0
	for _, s := range list {
		if s.repeated {
			n++
		}
	}
	return 2*n > len(list)
}

// spansOf gives the bytes of each unit that unitsOf finds in s, of which there are n.
func spansOf(s string, n int) []text.Span {
	spans := make([]text.Span, 0, n)
	eachUnit(s, text.Tokens(s), func(_ uint64, _ bool, at text.Span) { spans = append(spans, at) })
	return spans
}
