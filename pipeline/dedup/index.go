package dedup

import (
	"cmp"
	"slices"
	"time"
)

// Index holds the documents of the recent past in memory. It is not safe for concurrent use: its owner decides and adds
// under the lock that orders its writes.
type Index struct {
	window time.Duration
	docs   []entry // slots
	free   []uint32
	slot   map[int64]uint32
	sites  map[string]uint32
	urls   map[uint64][]uint32 // hash of the canonical URL
	texts  map[uint64][]uint32 // hash of the whole text
	post   map[uint32]uint32   // sampled shingle to its newest link + 1
	links  []link
	spare  uint32 // first unused link + 1

	// Scratch space of Decide.
	votes []uint16 // by slot, zero between calls
	voted []uint32
}

// entry is a document in the index.
type entry struct {
	id, story int64
	site      uint32
	url       uint64 // 0: none
	when      int64  // Unix seconds; noTime: unknown
	sketch
}

const noTime = -1 << 62

// link is a posting: the document in slot doc has the shingle; next is an older one's link + 1.
type link struct{ doc, next uint32 }

// mostPostings bounds the work a single shingle can cause: the newest of a run of common words are enough to see that it
// is common.
const mostPostings = 400

// mostCompared is how many candidates are compared in full.
const mostCompared = 12

// New makes an empty index.
func New(o Options) *Index {
	if o.Window <= 0 {
		o.Window = 14 * 24 * time.Hour
	}
	return &Index{
		window: o.Window,
		slot:   map[int64]uint32{},
		sites:  map[string]uint32{},
		urls:   map[uint64][]uint32{},
		texts:  map[uint64][]uint32{},
		post:   map[uint32]uint32{},
	}
}

// Len is the number of documents.
func (x *Index) Len() int { return len(x.slot) }

// entry makes d comparable. A document outside every story is alone in one, which is told from real ones by its sign.
func (x *Index) entry(d Doc) entry {
	e := entry{id: d.ID, story: d.Story, when: noTime, sketch: decode(d.Sketch)}
	if e.story == 0 {
		e.story = ^d.ID
	}
	if w := d.when(); !w.IsZero() {
		e.when = w.Unix()
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
			x.sites[name] = n
		}
	}
	return n
}

// Add puts d into the index, in the place of a document of the same ID.
func (x *Index) Add(d Doc) {
	x.Remove(d.ID)
	e := x.entry(d)
	e.site = x.site(d, true)
	var n uint32
	if k := len(x.free); k > 0 {
		n = x.free[k-1]
		x.free = x.free[:k-1]
		x.docs[n] = e
	} else {
		n = uint32(len(x.docs))
		x.docs = append(x.docs, e)
	}
	x.slot[d.ID] = n
	if e.url != 0 {
		x.urls[e.url] = append(x.urls[e.url], n)
	}
	if e.units > 0 {
		x.texts[e.text] = append(x.texts[e.text], n)
	}
	for _, h := range e.hashes {
		l := link{n, x.post[h]}
		at := x.spare
		if at != 0 {
			x.spare = x.links[at-1].next
			x.links[at-1] = l
		} else {
			x.links = append(x.links, l)
			at = uint32(len(x.links))
		}
		x.post[h] = at
	}
}

// Remove takes a document out; one that is not there is no matter.
func (x *Index) Remove(id int64) {
	n, ok := x.slot[id]
	if !ok {
		return
	}
	e := &x.docs[n]
	drop := func(m map[uint64][]uint32, k uint64) {
		if l := slices.DeleteFunc(m[k], func(s uint32) bool { return s == n }); len(l) > 0 {
			m[k] = l
		} else {
			delete(m, k)
		}
	}
	if e.url != 0 {
		drop(x.urls, e.url)
	}
	if e.units > 0 {
		drop(x.texts, e.text)
	}
	for _, h := range e.hashes {
		for prev, at := uint32(0), x.post[h]; at != 0; prev, at = at, x.links[at-1].next {
			if x.links[at-1].doc != n {
				continue
			}
			switch next := x.links[at-1].next; {
			case prev != 0:
				x.links[prev-1].next = next
			case next != 0:
				x.post[h] = next
			default:
				delete(x.post, h)
			}
			x.links[at-1].next = x.spare
			x.spare = at
			break
		}
	}
	delete(x.slot, id)
	*e = entry{}
	x.free = append(x.free, n)
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
	e := x.entry(d)
	e.site = x.site(d, false)
	var best []scored
	add := func(n uint32, relation string, contained, resembles float64, merge bool) {
		best = append(best, scored{n, relation, contained, resembles, merge})
	}
	if e.url != 0 {
		for _, n := range x.urls[e.url] {
			if c := &x.docs[n]; c.id != e.id && c.site == e.site {
				if c.text == e.text && e.units > 0 {
					add(n, RelIdentical, 1, 1, true)
				} else {
					add(n, RelVersion, 1, 1, true)
				}
			}
		}
	}
	if e.units > 0 {
		for _, n := range x.texts[e.text] {
			if c := &x.docs[n]; c.id != e.id && c.units == e.units && x.near(&e, c) && telling(&e, c) {
				add(n, RelIdentical, 1, 1, true)
			}
		}
	}
	if len(best) == 0 {
		for _, n := range x.candidates(&e) {
			if r, c, s, m := x.judge(&e, &x.docs[n]); r != "" {
				add(n, r, c, s, m)
			}
		}
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
		if s := x.docs[b.slot].story; b.merge && s != top.story && s > 0 && top.story > 0 {
			out.Merge = append(out.Merge, s)
		}
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
	d := a.when - b.when
	return max(d, -d) <= int64(x.window/time.Second)
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

// repeats says whether h is a line that a site repeats, in the comparison of e with a document of the story on the site
// other: it stands in another story of either site. The document e itself does not count.
func (x *Index) repeats(h uint32, e *entry, other uint32, story int64) bool {
	at := x.post[h]
	for i := 0; at != 0 && i < mostPostings; i++ {
		l := x.links[at-1]
		c := &x.docs[l.doc]
		if c.site != 0 && (c.site == e.site || c.site == other) && c.story != story && c.id != e.id {
			return true
		}
		at = l.next
	}
	return false
}

// candidates lists the documents that share most with e, best first. It leaves out the lines that e's own site repeats,
// which are most of what is shared by chance; judge does it exactly.
func (x *Index) candidates(e *entry) []uint32 {
	for len(x.votes) < len(x.docs) {
		x.votes = append(x.votes, 0)
	}
	x.voted = x.voted[:0]
	for _, h := range e.hashes {
		head := x.post[h]
		if head == 0 || x.own(head, e) {
			continue
		}
		for i, at := 0, head; at != 0 && i < mostPostings; i++ {
			l := x.links[at-1]
			at = l.next
			if x.docs[l.doc].id == e.id {
				continue
			}
			if x.votes[l.doc] == 0 {
				x.voted = append(x.voted, l.doc)
			}
			x.votes[l.doc]++
		}
	}
	type candidate struct {
		slot  uint32
		id    int64
		share float64
	}
	var list []candidate
	for _, n := range x.voted {
		c := &x.docs[n]
		if v := x.votes[n]; v >= minShared && x.near(e, c) {
			list = append(list, candidate{n, c.id, float64(v) / float64(max(1, min(len(e.hashes), len(c.hashes))))})
		}
		x.votes[n] = 0
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.id, b.id))
	})
	out := make([]uint32, 0, mostCompared)
	for _, c := range list[:min(len(list), mostCompared)] {
		out = append(out, c.slot)
	}
	return out
}

// own says whether the shingle whose postings begin at the link stands in several stories of e's site.
func (x *Index) own(at uint32, e *entry) bool {
	if e.site == 0 {
		return false
	}
	first, found := int64(0), false
	for i := 0; at != 0 && i < mostPostings; i++ {
		l := x.links[at-1]
		at = l.next
		c := &x.docs[l.doc]
		switch {
		case c.site != e.site || c.id == e.id:
		case !found:
			first, found = c.story, true
		case c.story != first:
			return true
		}
	}
	return false
}

// judge compares e with c in full.
func (x *Index) judge(e, c *entry) (relation string, contained, resembles float64, merge bool) {
	level := max(e.level, c.level)
	w := weigh(e.at(level), c.at(level), func(h uint32) bool { return x.repeats(h, e, c.site, c.story) })
	relation, merge = relate(e, c, w)
	return relation, w.contained(), w.resembles(), merge
}

// weight is how many sampled shingles count in two texts: in each, and in both.
type weight struct{ a, b, both int }

func (w weight) contained() float64 { return float64(w.both) / float64(max(1, min(w.a, w.b))) }
func (w weight) resembles() float64 { return float64(w.both) / float64(max(1, w.a+w.b-w.both)) }

// weigh counts two samples of the same level, leaving out what is repeated.
func weigh(a, b []uint32, repeats func(uint32) bool) (w weight) {
	count := func(h uint32) int {
		if repeats(h) {
			return 0
		}
		return 1
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			w.a += count(a[i])
			i++
		case i == len(a) || b[j] < a[i]:
			w.b += count(b[j])
			j++
		default:
			k := count(a[i])
			w.a, w.b, w.both = w.a+k, w.b+k, w.both+k
			i, j = i+1, j+1
		}
	}
	return w
}

// relate says what a text is to another that shares so much with it, or "", and whether it shows their stories to be one.
func relate(e, c *entry, w weight) (relation string, merge bool) {
	if w.both < minShared {
		return "", false
	}
	contained, resembles := w.contained(), w.resembles()
	joins := contained >= joinContained && resembles >= joinResembling || contained >= wholeContained && resembles >= wholeResembles
	if joins && telling(e, c) {
		merge = contained >= mergeContained && resembles >= mergeResembles
		if e.site == c.site && e.site != 0 {
			return RelVersion, merge
		}
		return RelCopy, merge
	}
	if w.both<<max(e.level, c.level) >= excerptWords && contained >= excerptShare {
		return RelExcerpt, false
	}
	return "", false
}
