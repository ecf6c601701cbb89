package text

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// A Reader cuts texts into words as Tokens does, for callers that read many texts and look at few of their words: it keeps
// its memory from one text to the next, and no word costs an allocation of its own. The zero Reader is ready; it is not
// safe for concurrent use.
type Reader struct {
	// Words are the words read since Reset, in order.
	Words []Word
	// Folded holds the folded forms of the words, among other bytes. It is good until the next Read or Reset.
	Folded []byte

	alnum, other []uint64 // a bit for each byte of the text: an ASCII letter or digit, any byte beyond ASCII
}

// A Word is a Token whose folded form stands at [From, To) of its Reader's Folded. Start and End are offsets in the text
// that was read.
type Word struct{ Start, End, From, To int32 }

// Reset forgets all words; the memory stays.
func (r *Reader) Reset() { r.Words, r.Folded = r.Words[:0], r.Folded[:0] }

// Text is the folded form of w.
func (r *Reader) Text(w Word) []byte { return r.Folded[w.From:w.To] }

// Joined is what the function Joined says of the neighbours a and b, words of s.
func (r *Reader) Joined(s string, a, b Word) bool {
	return a.End < b.Start && b.Start-a.End <= utf8.UTFMax && joined(s[a.End:b.Start], string(r.Text(a)), string(r.Text(b)))
}

// MaxRead is the most bytes that a Reader reads between two calls of Reset; it ignores the rest of a longer text.
const MaxRead = math.MaxInt32 / 8

// Read appends the words of s.
func (r *Reader) Read(s string) {
	if most := MaxRead - len(r.Folded); len(s) > most {
		s = s[:max(most, 0)]
	}
	base := r.lower(s)
	for i := 0; ; {
		i = next(r.alnum, r.other, i)
		if i >= len(s) {
			return
		}
		if s[i] < utf8.RuneSelf {
			j := nextClear(r.alnum, i)
			if j == len(s) || ends1(s, i, j) {
				r.Words = append(r.Words, Word{int32(i), int32(j), int32(base + i), int32(base + j)})
				i = j
				continue
			}
		}
		if j := r.cyrillic(s, i, base); j > 0 {
			r.Words = append(r.Words, Word{int32(i), int32(j), int32(base + i), int32(base + j)})
			i = j
			continue
		}
		start, end, after := word(s, i)
		if end > start {
			r.fold(s, start, end, base)
		}
		i = after
	}
}

// ends1 reports whether the ASCII letters and digits s[i:j] are a word for certain, by what follows them.
func ends1(s string, i, j int) bool {
	switch c := s[j]; {
	case c == '.':
		return j-i > 1 // else perhaps U.S.
	case c == ',':
		return j-i > 3 || s[i] > '9' // else perhaps 1,000
	case c < utf8.RuneSelf:
		return true
	}
	// Typographic quotes and dashes.
	return j+2 < len(s) && s[j] == 0xe2 && s[j+1] == 0x80 && 0x90 <= s[j+2] && s[j+2] <= 0xa7
}

// cyrillic reads Russian letters from i on, where a word begins, and folds them where they are: none changes its length. It
// returns their end, or 0 where they are no word for certain.
func (r *Reader) cyrillic(s string, i, base int) int {
	b := r.Folded[base : base+len(s)]
	j := i
letters:
	for ; j+1 < len(s); j += 2 {
		switch x, y := s[j], s[j+1]; {
		case x == 0xd0 && 0xb0 <= y && y <= 0xbf, x == 0xd1 && 0x80 <= y && y <= 0x8f: // а to я
		case x == 0xd0 && 0x90 <= y && y <= 0x9f: // А to П
			b[j+1] = y + 0x20
		case x == 0xd0 && 0xa0 <= y && y <= 0xaf: // Р to Я
			b[j], b[j+1] = 0xd1, y-0x20
		case x == 0xd1 && y == 0x91, x == 0xd0 && y == 0x81: // ё, Ё
			b[j], b[j+1] = 0xd0, 0xb5
		default:
			break letters
		}
	}
	if j > i && (j == len(s) || !alnum(s[j]) && ends1(s, i+1, j)) { // one letter of two bytes is one
		return j
	}
	return 0
}

// lower appends s to Folded with A to Z lowered, and says where; it notes of each byte what it is. Eight bytes at a time:
// the sums carry into the high bit of each byte that is at least, or more than, a letter.
func (r *Reader) lower(s string) (base int) {
	const (
		ones   = 0x0101010101010101
		high   = 0x80 * ones
		gather = 0x0102040810204080 // times bits 0, 8, 16 … brings them together in the top byte
	)
	base = len(r.Folded)
	blocks := len(s)/64 + 1 // at least one byte behind s is zero, which ends a word
	r.Folded = slices.Grow(r.Folded, blocks*64)[:base+blocks*64]
	b := r.Folded[base:]
	clear(b[copy(b, s):])
	r.alnum, r.other = slices.Grow(r.alnum[:0], blocks)[:blocks], slices.Grow(r.other[:0], blocks)[:blocks]
	for n := range blocks {
		var alnum, other uint64
		for k := 0; k < 64; k += 8 {
			x := binary.LittleEndian.Uint64(b[k:])
			y := x &^ high
			upper := (y + (0x80-'A')*ones) &^ (y + (0x7f-'Z')*ones) &^ x & high
			digit := (y + (0x80-'0')*ones) &^ (y + (0x7f-'9')*ones)
			low := y | upper>>2
			letter := (low + (0x80-'a')*ones) &^ (low + (0x7f-'z')*ones)
			alnum |= (((letter | digit) &^ x & high) >> 7 * gather) >> 56 << k
			other |= ((x & high) >> 7 * gather) >> 56 << k
			binary.LittleEndian.PutUint64(b[k:], x|upper>>2)
		}
		r.alnum[n], r.other[n] = alnum, other
		b = b[64:]
	}
	return base
}

// next is the first bit from i on that is set in a or b; all bits behind the last are none.
func next(a, b []uint64, i int) int {
	n := i >> 6
	if n >= len(a) {
		return math.MaxInt
	}
	x := (a[n] | b[n]) >> (i & 63)
	if x != 0 {
		return i + bits.TrailingZeros64(x)
	}
	for n++; n < len(a); n++ {
		if x := a[n] | b[n]; x != 0 {
			return n<<6 + bits.TrailingZeros64(x)
		}
	}
	return math.MaxInt
}

// nextClear is the first bit from i on that is not set in a; there is one.
func nextClear(a []uint64, i int) int {
	n := i >> 6
	if x := ^a[n] >> (i & 63); x != 0 {
		return i + bits.TrailingZeros64(x)
	}
	for n++; a[n] == math.MaxUint64; n++ {
	}
	return n<<6 + bits.TrailingZeros64(^a[n])
}

// fold appends the word s[start:end], unless folding leaves nothing of it. base is where the lowered s begins.
func (r *Reader) fold(s string, start, end, base int) {
	w := s[start:end]
	if isFolded(w) {
		r.Words = append(r.Words, Word{int32(start), int32(end), int32(base + start), int32(base + end)})
		return
	}
	from := len(r.Folded)
	if dotted, ascii := scan(w); dotted && !ascii {
		r.Folded = append(r.Folded, form(w, w, 0, len(w))...)
	} else if dotted {
		for _, c := range r.Folded[base+start : base+end] {
			if c != '.' && c != ',' {
				r.Folded = append(r.Folded, c)
			}
		}
	} else {
		r.Folded = appendFold(r.Folded, w)
	}
	if to := len(r.Folded); to > from {
		r.Words = append(r.Words, Word{int32(start), int32(end), int32(from), int32(to)})
	}
}

// isFolded reports words beyond ASCII that folding leaves as they are, where that is plain.
func isFolded(w string) bool {
	for _, r := range w {
		if !settled(r) {
			return false
		}
	}
	return true
}

func scan(w string) (dotted, ascii bool) {
	ascii = true
	for i := 0; i < len(w); i++ {
		dotted = dotted || w[i] == '.' || w[i] == ','
		ascii = ascii && w[i] < utf8.RuneSelf
	}
	return dotted, ascii
}
