package text

import (
	"strings"
	"unicode/utf8"
)

// AppendBare appends to dst the words that a folded word may be when what is written together with it is taken off: Korean
// particles (북한은, 북한에서는: 북한) and Arabic conjunctions, prepositions, the article and possessives (والصاروخ,
// للصاروخ: صاروخ). It adds readings, never replaces the word itself; a word of another script has none.
func AppendBare(dst []string, w string) []string {
	if w == "" || w[0] < utf8.RuneSelf {
		return dst
	}
	switch r, _ := utf8.DecodeRuneInString(w); {
	case 0xac00 <= r && r <= 0xd7a3:
		return korean(dst, w)
	case 0x0620 <= r && r <= 0x064a:
		return arabic(dst, w)
	}
	return dst
}

// A particle of Korean. Some have one form after a consonant and another after a vowel, which tells them from the last
// syllable of a noun: 가을 (autumn) is not 가 with 을.
type particle struct {
	text  string
	after sound
}

type sound uint8

const (
	anySound sound = iota
	consonant
	vowel
	vowelOrL
)

// particles is read only.
var particles = [...]particle{
	// Longest first; those of two syllables are particles by themselves.
	{"으로부터", consonant}, {"이라고", consonant}, {"이라는", consonant}, {"이라며", consonant}, {"입니다", anySound},
	{"이었다", consonant}, {"에게서", anySound}, {"로부터", vowelOrL}, {"으로서", consonant}, {"으로써", consonant},
	{"에서", anySound}, {"에게", anySound}, {"한테", anySound}, {"께서", anySound}, {"으로", consonant}, {"로서", vowelOrL},
	{"로써", vowelOrL}, {"까지", anySound}, {"부터", anySound}, {"보다", anySound}, {"처럼", anySound}, {"마저", anySound},
	{"조차", anySound}, {"만큼", anySound}, {"밖에", anySound}, {"하고", anySound}, {"마다", anySound}, {"이라도", consonant}, {"라도", vowel}, {"이나", consonant}, {"이란", consonant}, {"이며", consonant},
	{"이자", consonant}, {"이다", anySound}, {"라고", vowel}, {"라는", vowel}, {"라며", vowel}, {"였다", vowel},
	{"은", consonant}, {"는", vowel}, {"이", consonant}, {"가", vowel}, {"을", consonant}, {"를", vowel}, {"과", consonant},
	{"와", vowel}, {"로", vowelOrL}, {"의", anySound}, {"에", anySound}, {"도", anySound}, {"만", anySound}, {"들", anySound},
	{"나", vowel}, {"란", vowel}, {"며", vowel}, {"뿐", anySound}, {"께", anySound},
}

// lastSyllables are the particles by their last syllable, in the same order. Read only.
var lastSyllables = func() map[string][]particle {
	m := map[string][]particle{}
	for _, p := range particles {
		last := p.text[len(p.text)-len("은"):]
		m[last] = append(m[last], p)
	}
	return m
}()

// korean takes off up to three particles, one after the other.
func korean(dst []string, w string) []string {
	const syllable = 3 // bytes
	for range 3 {
		rest := ""
		for _, p := range lastSyllables[w[max(len(w)-syllable, 0):]] {
			stem, ok := strings.CutSuffix(w, p.text)
			// One syllable alone is no noun before a particle that any sound may precede: 회의 (meeting) is not 회's.
			if !ok || stem == "" || len(stem) == syllable && p.after == anySound || !fits(stem, p.after) {
				continue
			}
			rest = stem
			break
		}
		if rest == "" {
			break
		}
		dst = append(dst, rest)
		w = rest
	}
	return dst
}

// fits reports whether the last syllable of w ends in the sound.
func fits(w string, s sound) bool {
	r, _ := utf8.DecodeLastRuneInString(w)
	if r < 0xac00 || r > 0xd7a3 {
		return false
	}
	const finals, l = 28, 8 // a syllable is 0xac00 + (initial*21 + medial)*28 + final; final 8 is ㄹ
	switch final := (r - 0xac00) % finals; s {
	case consonant:
		return final != 0
	case vowel:
		return final == 0
	case vowelOrL:
		return final == 0 || final == l
	}
	return true
}

// arabic takes off a conjunction, then a preposition, then the article, then a possessive. Letters are two bytes each.
func arabic(dst []string, w string) []string {
	from := len(dst)
	dst = nouns(dst, w)
	for _, c := range [...]string{"و", "ف"} {
		if rest, ok := strings.CutPrefix(w, c); ok && len(rest) >= 6 {
			dst = append(dst, rest)
			dst = nouns(dst, rest)
		}
	}
	for i, n := from, len(dst); i <= n; i++ {
		x := w
		if i < n {
			x = dst[i]
		}
		for _, c := range [...]string{"هما", "ها", "هم", "هن", "نا", "كم"} {
			if rest, ok := strings.CutSuffix(x, c); ok && len(rest) >= 6 {
				dst = append(dst, rest)
				break
			}
		}
	}
	return dst
}

// nouns takes a preposition and the article off.
func nouns(dst []string, w string) []string {
	if rest, ok := strings.CutPrefix(w, "لل"); ok && len(rest) >= 4 {
		return append(dst, rest, "ال"+rest) // ل swallows the alef of the article
	}
	for _, c := range [...]string{"ب", "ك", "ل"} {
		if rest, ok := strings.CutPrefix(w, c); ok && len(rest) >= 6 {
			dst = append(dst, rest)
			w = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(w, "ال"); ok && len(rest) >= 4 {
		dst = append(dst, rest)
	}
	return dst
}
