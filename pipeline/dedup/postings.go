package dedup

import "slices"

// postings maps keys of 32 bits to the slots of the documents that have them. It is most of the index's memory, so an entry
// takes the 32 bits that it must and little besides: key and slot together have 32+bits, of which the number of the bucket
// gives bits away. That holds as long as there are as many buckets as slots, so both double together.
type postings struct {
	bits    uint
	buckets [][]uint32          // each ascending: what the bucket leaves of the key, above bits of slot
	common  map[uint32][]uint32 // slots of the keys that more than mostPostings have, in ascending order of their documents' IDs
}

// mostPostings bounds the work a single shingle can cause: the newest of a run of common words are enough to see that it
// is common.
const mostPostings = 400

const fewestBits = 6

func newPostings() postings {
	return postings{bits: fewestBits, buckets: make([][]uint32, 1<<fewestBits), common: map[uint32][]uint32{}}
}

// place gives a key's bucket, and its entry there for the slot 0. Multiplying by an odd number loses no key and spreads
// sampled hashes, which are all small, over the buckets.
func (p *postings) place(key uint32) (bucket, entry uint32) {
	key *= 0x9e3779b1
	return uint32(uint64(key) >> (32 - p.bits)), uint32(uint64(key) << p.bits)
}

// find gives the entries of a key; anded with the mask they are slots. Of a common one it gives the newest documents'.
func (p *postings) find(key uint32) (entries []uint32, mask uint32) {
	if len(p.common) > 0 {
		if l := p.common[key]; l != nil {
			return l[max(0, len(l)-mostPostings):], ^uint32(0)
		}
	}
	b, from := p.place(key)
	l := p.buckets[b]
	i := search(l, from)
	j, mask := i, uint32(1)<<p.bits-1
	for j < len(l) && l[j]&^mask == from {
		j++
	}
	return l[i:j], mask
}

// search is the first place in l that is not below v.
func search(l []uint32, v uint32) int {
	i, j := 0, len(l)
	for i < j {
		if m := int(uint(i+j) >> 1); l[m] < v {
			i = m + 1
		} else {
			j = m
		}
	}
	return i
}

// add enters a slot, which must be below the number of buckets, under a key it does not stand under. ids are the slots'
// documents.
func (p *postings) add(key, slot uint32, ids func(slot uint32) int64) {
	byID := func(a, b uint32) int {
		switch x, y := ids(a), ids(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	if l := p.common[key]; l != nil {
		i := len(l)
		if byID(l[i-1], slot) > 0 {
			i, _ = slices.BinarySearchFunc(l, slot, byID)
		}
		p.common[key] = slices.Insert(l, i, slot)
		return
	}
	b, entry := p.place(key)
	l := p.buckets[b]
	i := search(l, entry|slot)
	if n := len(l); n == cap(l) {
		grown := make([]uint32, n+1, roomFor(n+1))
		copy(grown, l[:i])
		copy(grown[i+1:], l[i:])
		l = grown
	} else {
		l = l[:n+1]
		copy(l[i+1:], l[i:n])
	}
	l[i] = entry | slot
	p.buckets[b] = l
	if len(l) <= mostPostings {
		return
	}
	if all, mask := p.find(key); len(all) > mostPostings {
		list := make([]uint32, len(all))
		for k, e := range all {
			list[k] = e & mask
		}
		slices.SortFunc(list, byID)
		p.take(b, all)
		p.common[key] = list
	}
}

// roomFor is the capacity of a bucket of n entries: little is left over, for there are many buckets.
func roomFor(n int) int { return (n + n/16 + 8) &^ 7 }

// take takes entries, a part of bucket b, out of it.
func (p *postings) take(b uint32, entries []uint32) {
	l := p.buckets[b]
	i := search(l, entries[0])
	l = slices.Delete(l, i, i+len(entries))
	switch {
	case len(l) == 0:
		l = nil
	case roomFor(len(l))*2 <= cap(l):
		l = append(make([]uint32, 0, roomFor(len(l))), l...)
	}
	p.buckets[b] = l
}

// remove takes a slot out from under a key.
func (p *postings) remove(key, slot uint32) {
	if l := p.common[key]; l != nil {
		if i := slices.Index(l, slot); i >= 0 {
			l = slices.Delete(l, i, i+1)
		}
		p.common[key] = l
		if len(l) > mostPostings/2 {
			return
		}
		delete(p.common, key)
		for _, s := range l {
			p.add(key, s, nil) // so few do not become common again
		}
		return
	}
	b, entry := p.place(key)
	if l := p.buckets[b]; len(l) > 0 {
		if i := search(l, entry|slot); i < len(l) && l[i] == entry|slot {
			p.take(b, l[i:i+1])
		}
	}
}

// double makes room for twice as many slots.
func (p *postings) double() {
	half := uint32(1) << (31 - p.bits) << p.bits // of the entries' range
	old := p.buckets
	mask := uint32(1)<<p.bits - 1
	p.bits++
	p.buckets = make([][]uint32, 1<<p.bits)
	for b, l := range old {
		cut := search(l, half)
		for k, part := range [][]uint32{l[:cut], l[cut:]} {
			if len(part) == 0 {
				continue
			}
			to := make([]uint32, len(part), roomFor(len(part)))
			for i, e := range part {
				to[i] = (e&^mask)<<1 | e&mask
			}
			p.buckets[2*b+k] = to
		}
		old[b] = nil
	}
}

// len is the number of entries.
func (p *postings) len() (n int) {
	for _, l := range p.buckets {
		n += len(l)
	}
	for _, l := range p.common {
		n += len(l)
	}
	return n
}
