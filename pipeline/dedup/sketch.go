package dedup

import (
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

const (
	sketchForm = 2   // first byte of a sketch; a change of hashing needs another. Form 1 is the same without the figures
	perSketch  = 128 // at most about so many shingles are kept of a text
	maxLevel   = 24
	wordRun    = 4 // words to a shingle: three are too common, five break at every other edited word
	charRun    = 8 // characters to a shingle where words are not set apart
)

// Sketch makes the fingerprint of an article. Its binary form is: form 2, level (shingles with a hash below 2^32/2^level
// are kept), count of units (words; characters where there are no spaces) as uvarint, hash of all folded words of the
// body (8 bytes, little endian), hash of the title's (4 bytes), a byte that counts the sampled figures and those (2 bytes each),
// then the kept hashes in ascending order as uvarint differences. lang may be "". Invalid UTF-8 is no harm.
func Sketch(title, body, lang string) []byte {
	tokens := text.Tokens(body)
	units, chars := unitsIn(body, tokens)
	head, _ := unitsOf(title)
	s := sample(units, runOf(units, chars))
	s.title = uint32(hashAll(head))
	s.figures = figuresIn(body, tokens)
	return s.encode()
}

// sample makes the sketch of a text of the units, read in runs of so many.
func sample(units []uint64, run int) sketch {
	s := sketch{units: uint32(len(units)), text: hashAll(units)}
	all := shingles(units, run)
	for len(all)>>s.level > perSketch && s.level < maxLevel {
		s.level++
	}
	limit := uint64(1) << (32 - s.level)
	for _, h := range all {
		if uint64(h) < limit {
			s.hashes = append(s.hashes, h)
		}
	}
	slices.Sort(s.hashes)
	s.hashes = slices.Compact(s.hashes)
	return s
}

// unitsOf gives the hashes of a text's folded words, with characters as units in scripts that set no spaces, and how many
// of the units are characters.
func unitsOf(s string) (units []uint64, chars int) { return unitsIn(s, text.Tokens(s)) }

// unitsIn is unitsOf where the tokens of s are at hand.
func unitsIn(s string, tokens []text.Token) (units []uint64, chars int) {
	eachUnit(s, tokens, func(h uint64, char bool, _ text.Span) {
		units = append(units, h)
		if char {
			chars++
		}
	})
	return units, chars
}

// eachUnit calls f for each unit of s, whose tokens are given, in order, with the bytes it covers.
func eachUnit(s string, tokens []text.Token, f func(hash uint64, char bool, at text.Span)) {
	end := 0
	for _, t := range tokens {
		if t.Start < end { // tokens may overlap where a script is read by bigrams: each character counts once
			t.Start = min(end, t.End)
			t.Text = text.Fold(s[t.Start:t.End])
		}
		end = max(end, t.End)
		if t.Text == "" {
			continue
		}
		at := text.Span{Start: t.Start, End: t.End}
		if r, _ := utf8.DecodeRuneInString(t.Text); !spaceless(r) {
			f(hashString(t.Text), false, at)
			continue
		}
		for _, r := range t.Text {
			f(mix(uint64(r)+1), true, at)
		}
	}
}

// runOf is how many units make a shingle of a text, chars of which are characters.
func runOf(units []uint64, chars int) int {
	if chars*2 > len(units) {
		return charRun
	}
	return wordRun
}

// spaceless says whether r belongs to a script that sets no spaces between words.
func spaceless(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// shingles hashes each run of n units. A text shorter than that is one shingle.
func shingles(units []uint64, n int) []uint32 {
	if len(units) == 0 {
		return nil
	}
	out := make([]uint32, 0, len(units))
	for i := 0; i == 0 || i+n <= len(units); i++ {
		h := uint64(n)
		for _, u := range units[i:min(i+n, len(units))] {
			h = mix(h ^ u)
		}
		out = append(out, uint32(h>>32))
	}
	return out
}

func hashAll(units []uint64) uint64 {
	var h uint64
	for _, u := range units {
		h = mix(h ^ u)
	}
	return h
}

// hashString is FNV-1a, finished by mix: sketches are stored, so the hash must be the same in every process and for ever.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014), with its increment so that order matters.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sketch is the unpacked form.
type sketch struct {
	hashes []uint32 // ascending
	text   uint64
	units  uint32
	title  uint32
	level  uint8

	figures figures
}

func (s sketch) encode() []byte {
	b := make([]byte, 0, 25+2*perFigures+5*len(s.hashes))
	b = append(b, sketchForm, s.level)
	b = binary.AppendUvarint(b, uint64(s.units))
	b = binary.LittleEndian.AppendUint64(b, s.text)
	b = binary.LittleEndian.AppendUint32(b, s.title)
	b = append(b, byte(s.figures.len()))
	for _, f := range s.figures[:s.figures.len()] {
		b = binary.LittleEndian.AppendUint16(b, f)
	}
	last := uint32(0)
	for _, h := range s.hashes {
		b = binary.AppendUvarint(b, uint64(h-last))
		last = h
	}
	return b
}

// decode unpacks b; hashes go to room as far as it has any. What is not a sketch of this form, or damaged, is a text of no
// words: it equals nothing.
func decode(b []byte, room []uint32) (s sketch) {
	if len(b) < 2 || b[0] < 1 || b[0] > sketchForm || b[1] > maxLevel {
		return sketch{}
	}
	form := b[0]
	s.level = b[1]
	b = b[2:]
	n, w := binary.Uvarint(b)
	if w <= 0 || len(b) < w+12 || n > 1<<31 {
		return sketch{}
	}
	s.units = uint32(n)
	s.text = binary.LittleEndian.Uint64(b[w:])
	s.title = binary.LittleEndian.Uint32(b[w+8:])
	b = b[w+12:]
	if form >= 2 {
		if len(b) == 0 || b[0] > perFigures || len(b) < 1+2*int(b[0]) {
			return sketch{}
		}
		n := int(b[0])
		for i := range n {
			s.figures[i] = binary.LittleEndian.Uint16(b[1+2*i:])
		}
		b = b[1+2*n:]
	}
	count := 0
	for _, c := range b {
		if c < 0x80 {
			count++
		}
	}
	s.hashes = room[:0]
	if cap(s.hashes) < count {
		s.hashes = make([]uint32, 0, count)
	}
	last := uint64(0)
	for i := 0; i < len(b); {
		var d uint64
		w := 0
		if len(b)-i >= 5 && b[i]&b[i+1]&b[i+2]&0x80 != 0 && b[i+3] < 0x80 && b[i+3] > 0 { // as nearly all of them are
			d, w = uint64(b[i]&0x7f)|uint64(b[i+1]&0x7f)<<7|uint64(b[i+2]&0x7f)<<14|uint64(b[i+3])<<21, 4
		} else {
			d, w = binary.Uvarint(b[i:])
		}
		if w <= 0 || last+d > 1<<32-1 || d == 0 && len(s.hashes) > 0 {
			return sketch{}
		}
		last += d
		s.hashes = append(s.hashes, uint32(last))
		i += w
	}
	return s
}

// at gives the hashes that are kept at a level no finer than the sketch's own.
func (s sketch) at(level uint8) []uint32 {
	if level <= s.level {
		return s.hashes
	}
	n, _ := slices.BinarySearch(s.hashes, uint32(uint64(1)<<(32-min(level, 32))))
	return s.hashes[:n]
}
