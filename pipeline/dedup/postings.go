package dedup

import (
	"cmp"
	"slices"
)

// postings maps keys of 32 bits to the slots of the documents that have them. It is most of the index's memory, so an entry
// takes the 32 bits that it must and little besides: key and slot together have 32+bits, of which the number of the bucket
// gives bits away. That holds as long as there are as many buckets as slots, so both double together.
//
// What is added is kept aside until the next question, because many entries that are put in their places together come
// there in order, which is several times as fast as one by one.
type postings struct {
	bits    uint
	buckets [][]uint32          // each ascending: what the bucket leaves of the key, above bits of slot
	common  map[uint32][]uint32 // slots of the keys that more than mostPostings have, in ascending order of their documents' IDs
	hint    [1024]uint64        // a bit for each of 2^16 parts of the keys: clear, nothing in common is of that part
	aside   []uint64            // spread key above slot
}

// mostPostings bounds the work a single shingle can cause: the newest of a run of common words are enough to see that it
// is common.
const mostPostings = 400

const (
	fewestBits = 6
	mostAside  = 1 << 20
)

func newPostings() postings {
	return postings{bits: fewestBits, buckets: make([][]uint32, 1<<fewestBits), common: map[uint32][]uint32{}}
}

// spread turns a key into one whose first bits choose a bucket. Multiplying by an odd number loses no key, and sampled hashes,
// which are all small, come to lie evenly.
func spread(key uint32) uint32 { return key * 0x9e3779b1 }

// place gives a spread key's bucket, and its entry there for the slot 0.
func (p *postings) place(key uint32) (bucket, entry uint32) {
	return uint32(uint64(key) >> (32 - p.bits)), uint32(uint64(key) << p.bits)
}

// isCommon gives the list of a spread key, nil where it is not common.
func (p *postings) isCommon(key uint32) []uint32 {
	if p.hint[key>>22]>>(key>>16&63)&1 == 0 {
		return nil
	}
	return p.common[key]
}

// find gives the entries of a key; anded with the mask they are slots. Of a common one it gives the newest documents'.
// Nothing may be aside.
func (p *postings) find(key uint32) (entries []uint32, mask uint32) {
	return p.spreadFind(spread(key))
}

func (p *postings) spreadFind(key uint32) (entries []uint32, mask uint32) {
	if l := p.isCommon(key); l != nil {
		return l[max(0, len(l)-mostPostings):], ^uint32(0)
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

// search is the first place in l that is not below v. Entries are spread evenly, so it begins where v would be among even
// ones: the few steps from there cost less than halving does.
func search(l []uint32, v uint32) int {
	i := int(uint64(len(l)) * uint64(v) >> 32)
	if i < len(l) && l[i] < v {
		for end := min(i+16, len(l)); i < end; i++ {
			if l[i] >= v {
				return i
			}
		}
		return i + halve(l[i:], v)
	}
	for end := max(i-16, 0); i > end; i-- {
		if l[i-1] < v {
			return i
		}
	}
	return halve(l[:i], v)
}

func halve(l []uint32, v uint32) int {
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

// add enters a slot, which must be below the number of buckets, under a key it does not stand under. It shows after settle.
func (p *postings) add(key, slot uint32) {
	p.aside = append(p.aside, uint64(spread(key))<<32|uint64(slot))
}

// settle puts what is aside in its place. ids are the slots' documents.
func (p *postings) settle(ids func(slot uint32) int64) {
	switch n := len(p.aside); {
	case n == 0:
		return
	case n < 1<<12: // too few to fall side by side
		for _, v := range p.aside {
			p.enter([]uint64{v}, ids)
		}
		p.aside = p.aside[:0]
		return
	}
	list := byKey(p.aside)
	p.aside = nil
	for i := 0; i < len(list); {
		b, j := list[i]>>(64-p.bits), i+1
		for j < len(list) && list[j]>>(64-p.bits) == b {
			j++
		}
		p.enter(list[i:j], ids)
		i = j
	}
}

// byKey sorts by the spread key: roughly by digits, then in what is left of disorder.
func byKey(list []uint64) []uint64 {
	const digit = 11
	to := make([]uint64, len(list))
	for _, shift := range [...]uint{64 - 2*digit, 64 - digit} {
		var at [1 << digit]int
		for _, v := range list {
			at[v>>shift&(1<<digit-1)]++
		}
		sum := 0
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, v := range list {
			d := v >> shift & (1<<digit - 1)
			to[at[d]] = v
			at[d]++
		}
		list, to = to, list
	}
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j-1] > list[j]; j-- {
			list[j-1], list[j] = list[j], list[j-1]
		}
	}
	return list
}

// enter puts ascending entries of one bucket into it.
func (p *postings) enter(list []uint64, ids func(slot uint32) int64) {
	fresh := list[:0]
	for _, v := range list {
		if l := p.isCommon(uint32(v >> 32)); l != nil {
			p.common[uint32(v>>32)] = insert(l, uint32(v), ids)
		} else {
			fresh = append(fresh, v)
		}
	}
	if len(fresh) == 0 {
		return
	}
	b, _ := p.place(uint32(fresh[0] >> 32))
	l := p.buckets[b]
	n := len(l)
	if to := n + len(fresh); to > cap(l) {
		l = append(make([]uint32, 0, roomFor(to)), l...)
	}
	l = l[:n+len(fresh)]
	for i, j, k := n-1, len(fresh)-1, len(l)-1; j >= 0; k-- { // from the end, so that nothing is written over unread
		_, e := p.place(uint32(fresh[j] >> 32))
		e |= uint32(fresh[j])
		if i >= 0 && l[i] > e {
			l[k] = l[i]
			i--
		} else {
			l[k] = e
			j--
		}
	}
	p.buckets[b] = l
	if len(l) <= mostPostings {
		return
	}
	for _, v := range fresh {
		p.promote(uint32(v>>32), ids)
	}
}

// insert puts a slot into a common list, which is most often its end.
func insert(l []uint32, slot uint32, ids func(uint32) int64) []uint32 {
	i, id := len(l), ids(slot)
	if i > 0 && ids(l[i-1]) > id {
		i, _ = slices.BinarySearchFunc(l, id, func(s uint32, id int64) int { return cmp.Compare(ids(s), id) })
	}
	return slices.Insert(l, i, slot)
}

// promote makes a spread key common if more than mostPostings have it.
func (p *postings) promote(key uint32, ids func(uint32) int64) {
	if p.isCommon(key) != nil {
		return
	}
	all, mask := p.spreadFind(key)
	if len(all) <= mostPostings {
		return
	}
	list := make([]uint32, len(all))
	for i, e := range all {
		list[i] = e & mask
	}
	slices.SortFunc(list, func(a, b uint32) int { return cmp.Compare(ids(a), ids(b)) })
	b, _ := p.place(key)
	p.take(b, all)
	p.common[key] = list
	p.hint[key>>22] |= 1 << (key >> 16 & 63)
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

// remove takes a slot out from under a key. Nothing may be aside.
func (p *postings) remove(key, slot uint32) {
	key = spread(key)
	if l := p.isCommon(key); l != nil {
		if i := slices.Index(l, slot); i >= 0 {
			l = slices.Delete(l, i, i+1)
		}
		p.common[key] = l
		if len(l) > mostPostings/2 {
			return
		}
		delete(p.common, key)
		slices.Sort(l)
		back := make([]uint64, len(l))
		for i, s := range l {
			back[i] = uint64(key)<<32 | uint64(s)
		}
		p.enter(back, nil) // so few do not become common again
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
	return n + len(p.aside)
}
