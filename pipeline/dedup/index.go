package dedup

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Index holds the documents of the recent past in memory, about a kilobyte for each. What it decides depends on the documents
// in it alone, not on the order in which they came and went. It is not safe for concurrent use: its owner decides and adds
// under the lock that orders its writes.
type Index struct {
	window time.Duration
	docs   []entry // slots; id 0 with no hashes: free
	free   []uint32
	sited  []uint32 // the site of each slot's document, apart because it is asked for most
	slot   map[int64]uint32
	sites  map[string]uint32
	post   postings           // of sampled shingles, and of the keys of IDs, addresses and whole texts
	hours  map[int64][]uint32 // slots by the hour their document was seen, some of them reused since
	oldest int64              // no hour is older

	// Scratch space of Decide.
	hashes []uint32
	lists  []list   // of the hashes decided on
	votes  []uint16 // by slot, zero between calls
	voted  []uint32
	found  []candidate
	warmth uint32 // so that what was read ahead counts as read
}

// entry is a document in the index. There are many: fields are as small as they can be.
type entry struct {
	id, story int64
	url       uint64 // 0: none
	when      uint32 // Unix seconds; noTime: unknown
	seen      uint32 // the same
	site      uint32
	sketch
}

const noTime = 0

// seconds is a time in the 32 bits that last until 2106; what is beyond is at the end of them.
func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return noTime
	}
	return uint32(min(max(t.Unix(), 1), 1<<32-1))
}

// mostCompared is how many candidates are compared in full.
const mostCompared = 12

// mostExcerpts is how many of them are compared in full when none is a copy.
const mostExcerpts = 2

// New makes an empty index.
func New(o Options) *Index {
	if o.Window <= 0 {
		o.Window = 14 * 24 * time.Hour
	}
	return &Index{window: o.Window, slot: map[int64]uint32{}, sites: map[string]uint32{}, post: newPostings(), hours: map[int64][]uint32{}}
}

// Len is the number of documents.
func (x *Index) Len() int { return len(x.slot) }

// The index finds a document by its address and its whole text through keys that stand among the shingles. That one
// of them equals a shingle is a chance like that of two shingles being equal: a vote for nothing, now and then.
func urlKey(url uint64) uint32        { return uint32(mix(url^0x75726c) >> 32) }
func textKey(h uint64) uint32         { return uint32(mix(h^0x74657874) >> 32) }
func (x *Index) id(slot uint32) int64 { return x.docs[slot].id }

// named gives the keys, besides its hashes, that the document is found by, each once, in room for two.
func (e *entry) named(room []uint32) []uint32 {
	keys := room[:0]
	if e.url != 0 {
		keys = append(keys, urlKey(e.url))
	}
	if k := textKey(e.text); e.units > 0 && (len(keys) == 0 || k != keys[0]) {
		keys = append(keys, k)
	}
	return slices.DeleteFunc(keys, func(k uint32) bool {
		_, found := slices.BinarySearch(e.hashes, k)
		return found
	})
}

// entry makes d comparable, its hashes in room. A document outside every story is alone in one, which is told from real ones
// by its sign.
func (x *Index) entry(d Doc, room []uint32) entry {
	e := entry{id: d.ID, story: d.Story, when: seconds(d.when()), seen: seconds(d.Seen), sketch: decode(d.Sketch, room)}
	if e.story == 0 {
		e.story = ^d.ID
	}
	if c := Canonical(d.URL); c != "" {
		e.url = hashString(c) | 1
	}
	return e
}

// site numbers a site. Documents of unknown site are each alone.
func (x *Index) site(d Doc, add bool) uint32 {
	name := d.Site
	if name == "" {
		return 0
	}
	n, ok := x.sites[name]
	if !ok {
		n = uint32(len(x.sites) + 1)
		if add {
			x.sites[strings.Clone(name)] = n // not with the page it may be a part of
		}
	}
	return n
}

// Add puts d into the index, in the place of a document of the same ID.
func (x *Index) Add(d Doc) {
	x.Remove(d.ID)
	e := x.entry(d, nil)
	e.site = x.site(d, true)
	var n uint32
	if k := len(x.free); k > 0 {
		n = x.free[k-1]
		x.free = x.free[:k-1]
		x.docs[n], x.sited[n] = e, e.site
	} else {
		n = uint32(len(x.docs))
		x.docs, x.sited = append(x.docs, e), append(x.sited, e.site)
		x.post.room(n)
	}
	x.slot[d.ID] = n
	var room [2]uint32
	x.post.add(e.hashes, n, x.id)
	x.post.add(e.named(room[:]), n, x.id)
	if e.seen != noTime {
		hour := int64(e.seen / 3600)
		if len(x.hours) == 0 || hour < x.oldest {
			x.oldest = hour
		}
		x.hours[hour] = append(x.hours[hour], n)
	}
}

// Remove takes a document out; one that is not there is no matter.
func (x *Index) Remove(id int64) {
	if n, ok := x.slot[id]; ok {
		x.remove(n)
	}
}

func (x *Index) remove(n uint32) {
	x.post.settle(x.id)
	e := &x.docs[n]
	x.warmth += x.post.warm(e.hashes)
	var room [2]uint32
	for _, keys := range [...][]uint32{e.hashes, e.named(room[:])} {
		for _, k := range keys {
			x.post.remove(k, n)
		}
	}
	delete(x.slot, e.id)
	*e = entry{}
	x.free = append(x.free, n)
}

// Expire takes out the documents that were seen before the time, to the second, and returns how many. Those of unknown Seen
// stay. It costs next to nothing where there are none, so that an owner can call it before each decision.
func (x *Index) Expire(before time.Time) (removed int) {
	limit := seconds(before)
	for len(x.hours) > 0 && x.oldest <= int64(limit/3600) {
		slots, ok := x.hours[x.oldest]
		if !ok {
			x.oldest++
			continue
		}
		kept := slots[:0]
		for _, n := range slots {
			switch e := &x.docs[n]; { // whose slot it is now does not matter: what is older goes, and what is not stands elsewhere too
			case e.seen == noTime || int64(e.seen/3600) != x.oldest:
			case e.seen < limit:
				x.remove(n)
				removed++
			default:
				kept = append(kept, n)
			}
		}
		if len(kept) > 0 {
			x.hours[x.oldest] = kept
			break
		}
		delete(x.hours, x.oldest)
	}
	return removed
}

// Move puts a document into another story, after a merge or a split.
func (x *Index) Move(id, story int64) {
	if n, ok := x.slot[id]; ok {
		if story == 0 {
			story = ^id
		}
		x.docs[n].story = story
	}
}

// Decide says what d is to the documents in the index, without adding it. A document of d's own ID is passed over, so
// that a decision can be made again.
func (x *Index) Decide(d Doc) Decision {
	e := x.entry(d, x.hashes)
	x.hashes = e.hashes[:0]
	e.site = x.site(d, false)
	x.post.settle(x.id)
	var best []scored
	compared := false // by their shingles
	add := func(n uint32, relation string, contained, resembles float64, merge bool) {
		best = append(best, scored{n, relation, contained, resembles, merge})
	}
	if e.url != 0 {
		entries, mask := x.post.find(urlKey(e.url))
		for _, n := range entries {
			n &= mask
			if c := &x.docs[n]; c.url == e.url && c.id != e.id && c.site == e.site {
				if c.text == e.text && e.units > 0 {
					add(n, RelIdentical, 1, 1, true)
				} else {
					add(n, RelVersion, 1, 1, true)
				}
			}
		}
	}
	if e.units > 0 {
		entries, mask := x.post.find(textKey(e.text))
		for _, n := range entries {
			n &= mask
			if c := &x.docs[n]; c.text == e.text && c.id != e.id && c.units == e.units && x.near(&e, c) && telling(&e, c) {
				add(n, RelIdentical, 1, 1, true)
			}
		}
	}
	if len(best) == 0 {
		best, compared = x.alike(&e), true
	}
	if len(best) == 0 {
		return Decision{Relation: RelNew}
	}
	slices.SortFunc(best, func(a, b scored) int {
		return cmp.Or(
			cmp.Compare(rank(a.relation), rank(b.relation)),
			cmp.Compare(b.contained+b.resembles, a.contained+a.resembles),
			cmp.Compare(x.docs[a.slot].id, x.docs[b.slot].id),
		)
	})
	top := &x.docs[best[0].slot]
	out := Decision{Relation: best[0].relation, Of: top.id, Score: best[0].contained}
	if out.Relation == RelExcerpt {
		return out
	}
	out.Story = max(top.story, 0)
	for _, b := range best {
		c := &x.docs[b.slot]
		if !b.merge || c.story == top.story || c.story < 0 || top.story < 0 {
			continue
		}
		if compared && !overlap(&e, top, c) {
			continue
		}
		out.Merge = append(out.Merge, c.story)
	}
	slices.Sort(out.Merge)
	out.Merge = slices.Compact(out.Merge)
	return out
}

// scored is a document that the new one is related to.
type scored struct {
	slot                 uint32
	relation             string
	contained, resembles float64
	merge                bool // says enough to make their stories one
}

// rank orders relations: a text that is the same says more than one that is alike.
func rank(relation string) int {
	switch relation {
	case RelIdentical:
		return 0
	case RelVersion, RelCopy:
		return 1
	}
	return 2
}

// near says whether two documents are within the window.
func (x *Index) near(a, b *entry) bool {
	if a.when == noTime || b.when == noTime {
		return true
	}
	return max(a.when, b.when)-min(a.when, b.when) <= uint32(min(x.window/time.Second, 1<<32-1))
}

// telling says whether the words that two documents share are enough to identify them. A short text is not, unless the
// title is the same; and on one site it takes more, because there notices are repeated.
func telling(a, b *entry) bool {
	if a.title == b.title && a.title != 0 {
		return true
	}
	n := min(a.units, b.units)
	if a.site == b.site && a.site != 0 {
		return n >= stubWords
	}
	return n >= minWords
}

// list is the postings of a shingle of the document decided on.
type list struct {
	entries []uint32
	mask    uint32
	stories uint8 // of the document's own site it stands in: none, one, more
	story   int64 // that one
}

// listed looks a shingle of e up.
func (x *Index) listed(h uint32, e *entry) (l list) {
	l.entries, l.mask = x.post.find(h)
	if e.site == 0 {
		return l
	}
	for _, n := range l.entries {
		n &= l.mask
		if x.sited[n] != e.site {
			continue
		}
		switch c := &x.docs[n]; {
		case c.id == e.id:
		case l.stories == 0:
			l.stories, l.story = 1, c.story
		case c.story != l.story:
			l.stories = 2
			return l
		}
	}
	return l
}

// repeated says whether a shingle is a line that a site repeats, in the comparison of e with a document of the story on the
// site other: it stands in another story of either site. The document e itself does not count.
func (x *Index) repeated(l *list, e *entry, other uint32, story int64) bool {
	if l.stories > 1 || l.stories == 1 && l.story != story {
		return true
	}
	return other != e.site && x.elsewhere(l.entries, l.mask, e, other, story)
}

// elsewhere says whether one of the entries is of another story of the site.
func (x *Index) elsewhere(entries []uint32, mask uint32, e *entry, site uint32, story int64) bool {
	if site == 0 {
		return false
	}
	for _, n := range entries {
		if n &= mask; x.sited[n] == site {
			if c := &x.docs[n]; c.story != story && c.id != e.id {
				return true
			}
		}
	}
	return false
}

// repeats is repeated for a shingle that has not been listed.
func (x *Index) repeats(h uint32, e *entry, other uint32, story int64) bool {
	entries, mask := x.post.find(h)
	return x.elsewhere(entries, mask, e, e.site, story) || other != e.site && x.elsewhere(entries, mask, e, other, story)
}

// alike lists the documents whose texts say that e is a copy, a version or an excerpt, of those that share most with it.
func (x *Index) alike(e *entry) (best []scored) {
	all := x.candidates(e)
	joins := false
	for i := range all {
		c := &all[i]
		d := &x.docs[c.slot]
		c.w = x.share(e, d, c.level)
		if c.w.both < fewShared {
			continue
		}
		// Whoever joins has little that is its own: no more of it need be counted than rules that out.
		most := int(float64(c.w.both) / joinContained)
		if c.w.a > most {
			if !x.rest(e, d, c.level, &c.w, most+1) {
				continue
			}
		} else {
			x.rest(e, d, c.level, &c.w, len(d.hashes))
		}
		c.whole = true
		if r, m := relate(e, d, c.w); r != "" {
			if r != RelExcerpt && x.unproven(e, d, c.level) {
				continue
			}
			best = append(best, scored{c.slot, r, c.w.contained(), c.w.resembles(), m})
			joins = joins || r != RelExcerpt
		}
	}
	if joins {
		return best
	}
	// No copy, but maybe an excerpt.
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.w.both<<b.level, a.w.both<<a.level) })
	for _, c := range all[:min(len(all), mostExcerpts)] {
		d := &x.docs[c.slot]
		if c.whole || c.w.both < minShared || c.w.both<<c.level < excerptWords {
			continue
		}
		c.w.b = c.w.both
		x.rest(e, d, c.level, &c.w, len(d.hashes))
		if r, m := relate(e, d, c.w); r != "" {
			best = append(best, scored{c.slot, r, c.w.contained(), c.w.resembles(), m})
		}
	}
	return best
}

// candidate is a document that shares something with the one decided on.
type candidate struct {
	slot  uint32
	id    int64
	share float64 // of the smaller sample, roughly
	level uint8   // at which the two are compared
	w     weight
	whole bool // w is counted to its end
}

// candidates lists the documents that share most with e, best first. It leaves out the lines that e's own site repeats,
// which are most of what is shared by chance; the comparison does it exactly.
func (x *Index) candidates(e *entry) []candidate {
	if k := len(x.docs) - len(x.votes); k > 0 {
		x.votes = append(x.votes, make([]uint16, k)...)
	}
	x.voted = x.voted[:0]
	x.lists = x.lists[:0]
	x.warmth += x.post.warm(e.hashes)
	for _, h := range e.hashes {
		l := x.listed(h, e)
		x.lists = append(x.lists, l)
		if l.stories > 1 {
			continue
		}
		for _, n := range l.entries {
			n &= l.mask
			if x.votes[n] == 0 {
				x.voted = append(x.voted, n)
			}
			x.votes[n]++
		}
	}
	x.found = x.found[:0]
	for _, n := range x.voted {
		v := x.votes[n]
		x.votes[n] = 0
		if v < fewShared {
			continue
		}
		c := &x.docs[n]
		if c.id == e.id || !x.near(e, c) {
			continue
		}
		level := max(e.level, c.level)
		if smaller := min(len(e.at(level)), len(c.at(level))); enough(int(v), smaller) {
			x.found = append(x.found, candidate{slot: n, id: c.id, level: level, share: float64(v) / float64(smaller)})
		}
	}
	slices.SortFunc(x.found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.id, b.id))
	})
	return x.found[:min(len(x.found), mostCompared)]
}

// share counts the sampled shingles of e that count against c, and those of them that stand in c.
func (x *Index) share(e, c *entry, level uint8) weight {
	return inCommon(e.at(level), c.at(level), func(i int) bool { return x.repeated(&x.lists[i], e, c.site, c.story) })
}

// rest counts the sampled shingles of c alone, and reports whether they are fewer than most; it stops when they are not.
func (x *Index) rest(e, c *entry, level uint8, w *weight, most int) bool {
	own := c.at(level)
	x.warmth += x.post.warm(own[:min(len(own), 2*most)])
	return rest(e.at(level), own, w, most, func(h uint32) bool { return x.repeats(h, e, c.site, c.story) })
}

// unproven says whether two short texts share lines of which it cannot be told that a site repeats them, because its longer
// articles are sampled more coarsely: those shingles that would be sampled there too do tell.
func (x *Index) unproven(e, c *entry, level uint8) bool {
	const coarser = 2
	a, b := e.at(level+coarser), c.at(level+coarser)
	if both := inCommon(a, b, func(int) bool { return false }).both; both < fewShared {
		return false
	}
	w := x.share(e, c, level+coarser)
	x.rest(e, c, level+coarser, &w, len(b)+1)
	return w.contained() < joinContained/2
}

// overlap says whether what e has in common with a and with b is partly the same. If it is not, e may be two reports in one
// text, and says nothing of their stories.
func overlap(e, a, b *entry) bool {
	level := max(e.level, a.level, b.level)
	inA, inB := map[uint32]bool{}, 0
	both := 0
	for _, h := range a.at(level) {
		inA[h] = true
	}
	nA := 0
	in := b.at(level)
	for _, h := range e.at(level) {
		_, ok := slices.BinarySearch(in, h)
		if ok {
			inB++
		}
		if inA[h] {
			nA++
			if ok {
				both++
			}
		}
	}
	return float64(both) >= mergeOverlap*float64(min(nA, inB))
}

// weight is how many sampled shingles count in two texts: in each, and in both.
type weight struct{ a, b, both int }

func (w weight) contained() float64 { return float64(w.both) / float64(max(1, min(w.a, w.b))) }
func (w weight) resembles() float64 { return float64(w.both) / float64(max(1, w.a+w.b-w.both)) }

// weigh counts two samples of the same level, leaving out what is repeated.
func weigh(a, b []uint32, repeats func(h uint32) bool) weight {
	w := inCommon(a, b, func(i int) bool { return repeats(a[i]) })
	rest(a, b, &w, len(b)+1, repeats)
	return w
}

// inCommon counts what is in a, and in both.
func inCommon(a, b []uint32, repeated func(i int) bool) (w weight) {
	j := 0
	for i, h := range a {
		if repeated(i) {
			continue
		}
		w.a++
		for j < len(b) && b[j] < h {
			j++
		}
		if j < len(b) && b[j] == h {
			w.both++
		}
	}
	w.b = w.both
	return w
}

// rest counts what is in b alone, until all of b are not fewer than most.
func rest(a, b []uint32, w *weight, most int, repeats func(h uint32) bool) bool {
	i := 0
	for _, h := range b {
		if w.b >= most {
			return false
		}
		for i < len(a) && a[i] < h {
			i++
		}
		if (i == len(a) || a[i] != h) && !repeats(h) {
			w.b++
		}
	}
	return w.b < most
}

// enough says whether so many shingles in common are more than chance, if the smaller sample has so many.
func enough(both, smaller int) bool {
	return both >= minShared || both >= fewShared && float64(both) >= cutContained*float64(smaller)
}

// relate says what a text is to another that shares so much with it, or "", and whether it shows their stories to be one.
func relate(e, c *entry, w weight) (relation string, merge bool) {
	contained, resembles := w.contained(), w.resembles()
	if !enough(w.both, min(w.a, w.b)) {
		return "", false
	}
	joins := contained >= cutContained && resembles >= cutResembles || contained >= joinContained && resembles >= joinResembling || contained >= wholeContained && resembles >= wholeResembles
	if joins && telling(e, c) && !refilled(e, c, w) {
		merge = contained >= mergeContained && resembles >= mergeResembles
		if e.site == c.site && e.site != 0 {
			return RelVersion, merge
		}
		return RelCopy, merge
	}
	if w.both >= minShared && w.both<<max(e.level, c.level) >= excerptWords && contained >= excerptShare {
		return RelExcerpt, false
	}
	return "", false
}
