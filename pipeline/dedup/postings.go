package dedup

import (
	"cmp"
	"slices"
)

// postings maps keys of 32 bits to the slots of the documents that have them. It is most of the index's memory, so an entry
// takes the 32 bits that it must and little besides: key and slot together have 32+bits, of which the number of the bucket
// gives bits away. That holds as long as there are as many buckets as slots, so both double together. The first bits of a key
// choose one of many shards, which double one after the other while the last of the slots are taken: nobody has to wait
// until the whole of a large index is copied.
//
// What is added is kept aside until the next question, because many entries that are put in their places together come
// there in order, which is several times as fast as one by one; those of one shard are few enough to stay in the processor's cache.
type postings struct {
	bits   uint // there is room for 2^bits slots
	ahead  int  // so many shards have room for twice as many
	shards [1 << shardBits]shard
	dirty  []uint8             // shards that have something aside
	common map[uint32][]uint32 // slots of the keys that more than mostPostings have, in ascending order of their documents' IDs
	hint   [1024]uint64        // a bit for each of 2^16 parts of the keys: clear, nothing in common is of that part

	// Scratch space of settling.
	sorted []uint64
	counts []uint32
}

// shard holds the entries of all keys that begin alike.
type shard struct {
	bits    uint       // as postings.bits, or one more
	buckets [][]uint32 // each ascending: what shard and bucket leave of the key, above bits of slot
	aside   []uint64   // spread key above slot
	n       int        // entries in buckets
}

// mostPostings bounds the work a single shingle can cause: the newest of a run of common words are enough to see that it
// is common.
const mostPostings = 400

const (
	shardBits  = 8
	fewestBits = shardBits
	mostAside  = 1 << 13 // in a shard
)

func newPostings() postings {
	p := postings{bits: fewestBits, common: map[uint32][]uint32{}}
	for i := range p.shards {
		p.shards[i] = shard{bits: p.bits, buckets: make([][]uint32, 1<<(p.bits-shardBits))}
	}
	return p
}

// room makes room for a slot, where there is room for all below it. While the last eighth of the slots is taken, shard after
// shard is made ready for more.
func (p *postings) room(slot uint32) {
	all := uint32(1) << p.bits
	last := all / 8
	if slot <= all-last {
		return
	}
	ready := min(int(uint64(slot-(all-last))<<shardBits/uint64(last)), 1<<shardBits)
	for ; p.ahead < ready; p.ahead++ {
		p.shards[p.ahead].double()
	}
	if ready == 1<<shardBits {
		p.bits++
		p.ahead = 0
	}
}

// spread turns a key into one whose first bits choose a shard and a bucket. Multiplying by an odd number loses no key, and sampled
// hashes, which are all small, come to lie evenly.
func spread(key uint32) uint32 { return key * 0x9e3779b1 }

func (p *postings) shard(key uint32) *shard { return &p.shards[key>>(32-shardBits)] }

// place gives a spread key's bucket, and its entry there for the slot 0.
func (s *shard) place(key uint32) (bucket, entry uint32) {
	return uint32(uint64(key<<shardBits) >> (32 + shardBits - s.bits)), uint32(uint64(key) << s.bits)
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
	s := p.shard(key)
	b, from := s.place(key)
	l := s.buckets[b]
	i := search(l, from)
	j, mask := i, uint32(1)<<s.bits-1
	for j < len(l) && l[j]&^mask == from {
		j++
	}
	return l[i:j], mask
}

// warm touches what find will read of these keys. Reading is most of what find costs, and reads that do not wait for one another
// go on side by side.
func (p *postings) warm(keys []uint32) (sum uint32) {
	for _, k := range keys {
		k = spread(k)
		s := p.shard(k)
		b, from := s.place(k)
		if l := s.buckets[b]; len(l) > 0 {
			sum += l[int(uint64(len(l))*uint64(from)>>32)]
		}
	}
	return sum
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

// add enters a slot, for which there must be room, under keys it does not stand under. It shows after settle. ids are the slots'
// documents.
func (p *postings) add(keys []uint32, slot uint32, ids func(slot uint32) int64) {
	for _, key := range keys {
		key = spread(key)
		s := p.shard(key)
		if len(s.aside) == 0 {
			p.dirty = append(p.dirty, uint8(key>>(32-shardBits)))
		}
		s.aside = append(s.aside, uint64(key)<<32|uint64(slot))
		if len(s.aside) >= mostAside {
			p.settleShard(s, ids)
		}
	}
}

// settle puts what is aside in its place. ids are the slots' documents.
func (p *postings) settle(ids func(slot uint32) int64) {
	for _, i := range p.dirty {
		s := &p.shards[i]
		p.settleShard(s, ids)
		if cap(s.aside) > 64 { // it was a load
			s.aside = nil
		}
	}
	p.dirty = p.dirty[:0]
	if cap(p.sorted) > mostAside/8 {
		p.sorted, p.counts = nil, nil
	}
}

func (p *postings) settleShard(s *shard, ids func(slot uint32) int64) {
	if len(s.aside) < 64 { // too few to fall side by side
		for i := range s.aside {
			p.enter(s, s.aside[i:i+1], ids)
		}
		s.aside = s.aside[:0]
		return
	}
	list := p.byKey(s.aside, min(s.bits-shardBits, 14))
	s.aside = s.aside[:0]
	for i := 0; i < len(list); {
		b, j := list[i]>>(64-s.bits), i+1
		for j < len(list) && list[j]>>(64-s.bits) == b {
			j++
		}
		p.enter(s, list[i:j], ids)
		i = j
	}
}

// byKey sorts entries of one shard: roughly by so many bits of the spread key, then in what is left of disorder.
func (p *postings) byKey(list []uint64, digit uint) []uint64 {
	p.sorted = slices.Grow(p.sorted[:0], len(list))
	to := p.sorted[:len(list)]
	p.counts = slices.Grow(p.counts[:0], 1<<digit)
	at := p.counts[:1<<digit]
	clear(at)
	for _, v := range list {
		at[v<<shardBits>>(64-digit)]++
	}
	sum := uint32(0)
	for i, n := range at {
		at[i] = sum
		sum += n
	}
	for _, v := range list {
		d := v << shardBits >> (64 - digit)
		to[at[d]] = v
		at[d]++
	}
	for i := 1; i < len(to); i++ {
		v, j := to[i], i
		for ; j > 0 && to[j-1] > v; j-- {
			to[j] = to[j-1]
		}
		to[j] = v
	}
	return to
}

// enter puts ascending entries of one bucket into it.
func (p *postings) enter(s *shard, list []uint64, ids func(slot uint32) int64) {
	fresh := list
	if len(p.common) > 0 {
		fresh = list[:0]
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
	}
	b, _ := s.place(uint32(fresh[0] >> 32))
	l := s.buckets[b]
	n := len(l)
	if to := n + len(fresh); to > cap(l) {
		l = append(make([]uint32, 0, roomFor(to)), l...)
	}
	s.n += len(fresh)
	l = l[:n+len(fresh)]
	for i, j, k := n-1, len(fresh)-1, len(l)-1; j >= 0; k-- { // from the end, so that nothing is written over unread
		e := uint32(fresh[j]>>32<<s.bits) | uint32(fresh[j])
		if i >= 0 && l[i] > e {
			l[k] = l[i]
			i--
		} else {
			l[k] = e
			j--
		}
	}
	s.buckets[b] = l
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
	s := p.shard(key)
	b, _ := s.place(key)
	s.take(b, all)
	p.common[key] = list
	p.hint[key>>22] |= 1 << (key >> 16 & 63)
}

// roomFor is the capacity of a bucket of n entries: little is left over, for there are many buckets.
func roomFor(n int) int { return (n + n/16 + 8) &^ 7 }

// take takes entries, a part of bucket b, out of it.
func (s *shard) take(b uint32, entries []uint32) {
	l := s.buckets[b]
	i := search(l, entries[0])
	l = slices.Delete(l, i, i+len(entries))
	s.n -= len(entries)
	switch {
	case len(l) == 0:
		l = nil
	case roomFor(len(l))*2 <= cap(l):
		l = append(make([]uint32, 0, roomFor(len(l))), l...)
	}
	s.buckets[b] = l
}

// remove takes a slot out from under a key. Nothing may be aside.
func (p *postings) remove(key, slot uint32) {
	key = spread(key)
	s := p.shard(key)
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
		for i, n := range l {
			back[i] = uint64(key)<<32 | uint64(n)
		}
		p.enter(s, back, nil) // so few do not become common again
		return
	}
	b, entry := s.place(key)
	if l := s.buckets[b]; len(l) > 0 {
		if i := search(l, entry|slot); i < len(l) && l[i] == entry|slot {
			s.take(b, l[i:i+1])
		}
	}
}

// double makes room for twice as many slots.
func (s *shard) double() {
	const half = 1 << 31 // of the entries' range
	old := s.buckets
	mask := uint32(1)<<s.bits - 1
	s.bits++
	s.buckets = make([][]uint32, 2*len(old))
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
			s.buckets[2*b+k] = to
		}
	}
}

// len is the number of entries.
func (p *postings) len() (n int) {
	for i := range p.shards {
		n += p.shards[i].n + len(p.shards[i].aside)
	}
	for _, l := range p.common {
		n += len(l)
	}
	return n
}
