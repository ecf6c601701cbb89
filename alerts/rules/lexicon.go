package rules

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// A lexicon finds the atoms that a folded word is. Most words of an article are of no interest to any rule, and a look at two
// small tables says so: one bit for each word of the rules, one byte for each way in which their patterns begin.
//
// A word's first eight bytes make its head, a number, with zeros behind a shorter word; no word has a zero byte in it.
type lexicon struct {
	seen  []uint64 // a bit for the key of each word; a few words more have theirs set
	words []slot   // open addressing; a power of two
	shift int      // of a mixed key, for seen

	ways  []uint8 // by the first three bytes, mixed: bit k-1 is set where patterns are filed under their first k bytes
	stems []slot  // patterns by those bytes

	loose []int32 // patterns that begin with a wildcard
	bare  bool    // a bare form, without particles or clitics, may be an atom
}

// A slot holds the first of the atoms with this key; the others are linked by atom.next. A key of 0 is an empty slot.
type slot struct {
	key   uint64 // the head; of a word longer than that a hash
	first int32
	len   int32 // bytes of the word; under zero, and less one, where the atom is the only one and any spelling will do
}

const (
	headLen  = 8
	mixer    = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, as Knuth has it
	wayBits  = 14
	noAtom   = -1
	seenBits = 3 // the filter has 2^3 bits for each slot
)

// masks keep the first k bytes of a head.
var masks = [headLen + 1]uint64{0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1, 1<<32 - 1, 1<<40 - 1, 1<<48 - 1, 1<<56 - 1, 1<<64 - 1}

// head is the head of the n bytes at the beginning of b, which may go on.
func head(b []byte, n int) uint64 {
	if len(b) >= headLen {
		return binary.LittleEndian.Uint64(b) & masks[min(n, headLen)]
	}
	var x uint64
	for i := min(n, len(b)) - 1; i >= 0; i-- {
		x = x<<8 | uint64(b[i])
	}
	return x
}

// keyOf is the key of the word w with the head x.
func keyOf(w []byte, x uint64) uint64 {
	if len(w) <= headLen {
		return x
	}
	for i := headLen; i < len(w); i += headLen {
		x = (bits.RotateLeft64(x, 23) ^ head(w[i:], len(w)-i)) * mixer
	}
	return x | 1
}

func mix(key uint64) uint64 { return (key ^ key>>32) * mixer }

func way(x uint64) uint64 { return x & masks[3] * mixer >> (64 - wayBits) }

// build files the atoms, and links those that are found alike.
func (v *lexicon) build(atoms []atom) {
	words, stems := map[string]int32{}, map[uint64]int32{}
	for id := range atoms {
		a := &atoms[id]
		a.next = noAtom
		begins := a.text
		if a.re != nil {
			begins = a.re.prefix + "*"
		}
		first, _ := utf8.DecodeRuneInString(begins)
		if s := text.Script(first); s == "Hang" || s == "Arab" || first == '*' || first == '?' {
			v.bare = true
		}
		if !a.wild {
			if at, ok := words[a.text]; ok {
				a.next = at
			}
			words[a.text] = int32(id)
			continue
		}
		k := strings.IndexAny(begins, "*?")
		if a.re == nil && k == len(a.text)-1 && a.text[k] == '*' {
			a.prefix = int32(k)
		}
		k = min(k, headLen)
		if k == 0 {
			v.loose = append(v.loose, int32(id))
			continue
		}
		if v.ways == nil {
			v.ways = make([]uint8, 1<<wayBits)
		}
		x := head([]byte(begins), k)
		if at, ok := stems[x]; ok {
			a.next = at
		}
		stems[x] = int32(id)
		switch k {
		case 1:
			for rest := range uint64(1 << 16) {
				v.ways[way(x|rest<<8)] |= 1
			}
		case 2:
			for rest := range uint64(1 << 8) {
				v.ways[way(x|rest<<16)] |= 2
			}
		default:
			v.ways[way(x)] |= 1 << (k - 1)
		}
	}
	v.words = make([]slot, size(len(words)))
	v.shift = 64 - seenBits - bits.TrailingZeros(uint(len(v.words)))
	v.seen = make([]uint64, len(v.words)<<seenBits/64+1)
	for w, id := range words {
		b := []byte(w)
		key := keyOf(b, head(b, len(b)))
		n := mix(key) >> v.shift
		v.seen[n>>6] |= 1 << (n & 63)
		n = uint64(len(w))
		if atoms[id].next == noAtom && atoms[id].exact == "" {
			n = ^n
		}
		put(v.words, slot{key, id, int32(n)})
	}
	v.stems = make([]slot, size(len(stems)))
	for x, id := range stems {
		put(v.stems, slot{key: x, first: id})
	}
}

// size is a power of two that leaves more than half of the slots empty.
func size(n int) int { return 1 << bits.Len(uint(2*n)) }

func put(slots []slot, s slot) {
	i := at(slots, s.key)
	for slots[i].key != 0 {
		i = (i + 1) & (len(slots) - 1)
	}
	slots[i] = s
}

// at is where the search for a key begins.
func at(slots []slot, key uint64) int {
	return int(mix(key) >> (64 - bits.TrailingZeros(uint(len(slots)))))
}

// maybe reports whether the key may be that of a word; most that are none are told apart.
func (v *lexicon) maybe(key uint64) bool {
	n := mix(key) >> v.shift
	return v.seen[n>>6]>>(n&63)&1 != 0
}

// word is the first atom that is the word w, which has this key, and whether it is the only one and any spelling will do.
func (v *lexicon) word(atoms []atom, w []byte, key uint64) (id int32, plain bool) {
	for i := at(v.words, key); ; i = (i + 1) & (len(v.words) - 1) {
		s := &v.words[i]
		if s.key == 0 {
			return noAtom, false
		}
		if s.key != key {
			continue
		}
		n, plain := s.len, s.len < 0
		if plain {
			n = ^n
		}
		if int(n) == len(w) && (n <= headLen || atoms[s.first].text == string(w)) {
			return s.first, plain
		}
	}
}

// stem is the first pattern filed under the bytes x.
func (v *lexicon) stem(x uint64) int32 {
	for i := at(v.stems, x); ; i = (i + 1) & (len(v.stems) - 1) {
		switch v.stems[i].key {
		case x:
			return v.stems[i].first
		case 0:
			return noAtom
		}
	}
}

// A pair stands for two characters side by side, and for some others by chance; 0 is none.
type pair uint32

const (
	pairBits = 15
	somePair = 1 << pairBits
)

// pairOf is the pair of two tokens with these heads.
func pairOf(x, y uint64) pair {
	return pair(mix(x*mixer+y)>>(64-pairBits)) | somePair
}

// A pairSet is the pairs of an article.
type pairSet [somePair / 64]uint64

func (s *pairSet) add(p pair) {
	p &^= somePair
	s[p>>6] |= 1 << (p & 63)
}

func (s *pairSet) has(p pair) bool {
	p &^= somePair
	return s[p>>6]>>(p&63)&1 != 0
}
