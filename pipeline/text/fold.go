package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold maps a string to the form in which words are compared: compatibility forms and widths unified (NFKC), lower case
// (of every language at once: dotless ı and İ are i, final ς is σ, ß is ss), digits of every script as 0 to 9,
// typographic quotes and dashes plain, invisible characters gone, and marks gone where a hurried writer leaves them
// out: Latin, Greek and Cyrillic accents (ё is е, but й and ў keep their breve, being letters of their own), Arabic vowel
// signs, tatweel and the forms of alef, yeh and teh marbuta, Hebrew points. Indic and Thai vowels, Japanese voicing and
// Hangul stay, since there the marks are the word. Folding is idempotent. A string that is folded already is returned
// as it is, without allocation.
func Fold(s string) string {
	stable, plain := true, true // plain: A to Z is all there is to lower
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				stable = false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !settled(r) {
			if capital(r) == r {
				return foldRuns(s)
			}
			stable, plain = false, false
		}
		i += n
	}
	if stable {
		return s
	}
	if plain {
		return lowerASCII(s)
	}
	return strings.Map(capital, s)
}

// capital maps the capitals, and the accented letters of Greek and ё, that have one settled letter as their folded form; others
// it returns as they are. It spares most words of Russian and Greek the long way.
func capital(r rune) rune {
	switch {
	case r < 0x0386:
		if 'A' <= r && r <= 'Z' {
			return r + 32
		}
		return r
	case r > 0x0451:
		return r
	case 0x0410 <= r && r <= 0x042f, 0x0391 <= r && r <= 0x03a9 && r != 0x03a2:
		return r + 32
	case r == 'ё' || r == 'Ё':
		return 'е'
	}
	switch r {
	case 'ά', 'Ά':
		return 'α'
	case 'έ', 'Έ':
		return 'ε'
	case 'ή', 'Ή':
		return 'η'
	case 'ί', 'Ί':
		return 'ι'
	case 'ό', 'Ό':
		return 'ο'
	case 'ύ', 'Ύ':
		return 'υ'
	case 'ώ', 'Ώ':
		return 'ω'
	case 'ς':
		return 'σ'
	}
	return r
}

// lowerASCII lowers A to Z and leaves every other byte, so that offsets stay.
func lowerASCII(s string) string {
	i := 0
	for i < len(s) && (s[i] < 'A' || s[i] > 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// settled reports, for the ranges that make up most text, that r folds to itself whatever stands beside it, marks
// excepted (which are not settled).
func settled(r rune) bool {
	switch {
	case 0x0430 <= r && r <= 0x044f: // а to я
		return true
	case 0x03b1 <= r && r <= 0x03c9: // α to ω
		return r != 0x03c2
	case 0x0627 <= r && r <= 0x0648: // Arabic letters
		return r != 0x0629 && (r <= 0x063a || r >= 0x0641)
	case r == 0x064a:
		return true
	case 0x05d0 <= r && r <= 0x05ea: // Hebrew letters
		return true
	case 0x0e01 <= r && r <= 0x0e4c: // Thai letters, and those of its marks that compose with nothing and change places with none of these
		return r <= 0x0e32 || 0x0e34 <= r && r <= 0x0e37 || 0x0e40 <= r
	case 0x3041 <= r && r <= 0x3096, 0x30a1 <= r && r <= 0x30fa, r == 0x30fc: // Kana
		return true
	case 0x4e00 <= r && r <= 0x9fff: // Han
		return true
	case 0xac00 <= r && r <= 0xd7a3: // Hangul
		return true
	}
	return false
}

// foldRuns folds s run by run: runs of ASCII, and runs beyond it. No mark that folding keeps composes with ASCII, so the
// runs do not touch each other; and the letter with an accent or the quotation mark that a run mostly is has a table.
func foldRuns(s string) string { return string(appendFold(make([]byte, 0, len(s)+8), s)) }

// appendFold appends Fold(s).
func appendFold(b []byte, s string) []byte {
	for len(s) > 0 {
		n := 0
		for n < len(s) && s[n] < utf8.RuneSelf {
			n++
		}
		for _, c := range []byte(s[:n]) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
		}
		s = s[n:]
		for n = 0; n < len(s) && s[n] >= utf8.RuneSelf; {
			n++
		}
		b = appendRun(b, s[:n])
		s = s[n:]
	}
	return b
}

// appendRun appends a run without ASCII, folded.
func appendRun(b []byte, run string) []byte {
	from := len(b)
	for _, r := range run {
		if low := capital(r); settled(low) {
			b = utf8.AppendRune(b, low)
			continue
		}
		if f, ok := lone.fold(r); ok { // a mark behind it, which may belong to it, makes us begin anew
			b = append(b, f...)
			continue
		}
		return append(b[:from], foldSlow(run)...)
	}
	return b
}

// loneRunes are the folded forms of the letters of Latin scripts and of the marks of typography, each standing alone.
type loneRunes struct {
	latin [0x250 - firstLatin]string
	marks [0x2040 - firstMark]string
}

const firstLatin, firstMark = 0x80, 0x2010

var lone = func() *loneRunes {
	var t loneRunes
	for i := range t.latin {
		t.latin[i] = foldSlow(string(rune(firstLatin + i)))
	}
	for i := range t.marks {
		t.marks[i] = foldSlow(string(rune(firstMark + i)))
	}
	return &t
}()

// fold returns the folded form of r, which stands alone, and whether it is known.
func (t *loneRunes) fold(r rune) (string, bool) {
	if i := int(r) - firstLatin; i >= 0 && i < len(t.latin) {
		return t.latin[i], true
	}
	if i := int(r) - firstMark; i >= 0 && i < len(t.marks) {
		return t.marks[i], true
	}
	return "", false
}

func foldSlow(s string) string {
	if !utf8.ValidString(s) { // norm takes what stands beside broken bytes as they are, composed or not
		s = string([]rune(s))
	}
	b := make([]byte, 0, len(s)+8)
	base := rune(0)
	for _, r := range norm.NFKD.String(s) {
		if r >= 0x300 {
			if dropped(r) && (r != 0x0306 || !unicode.Is(unicode.Cyrillic, base)) {
				continue
			}
		} else if r == 0xad {
			continue
		}
		r = lower(r)
		if !unicode.IsMark(r) {
			base = r
		}
		switch r {
		case 'ß':
			b = append(b, "ss"...)
		case 'æ':
			b = append(b, "ae"...)
		case 'œ':
			b = append(b, "oe"...)
		case 'þ':
			b = append(b, "th"...)
		case 'ĳ':
			b = append(b, "ij"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(norm.NFC.Bytes(b))
}

// lower maps one decomposed rune to its plain lower-case form.
func lower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	r = unicode.ToLower(r)
	switch r {
	case 'ı':
		return 'i'
	case 'ø':
		return 'o'
	case 'ł':
		return 'l'
	case 'đ', 'ð':
		return 'd'
	case 'ħ':
		return 'h'
	case 'ŧ':
		return 't'
	case 'ə':
		return 'a' // Azerbaijani: Əliyev is Aliyev in every newspaper
	case 'ŋ':
		return 'n'
	case 'ς':
		return 'σ'
	case 'ى', 'ی':
		return 'ي'
	case 'ک':
		return 'ك'
	case 'ة':
		return 'ه'
	case 'ٱ':
		return 'ا'
	case '‘', '’', '‚', '‛', 'ʼ', 'ʻ', 'ʾ', 'ʿ', 'ʹ', 'ʽ', '′', '‵', '´', '׳':
		return '\''
	case '“', '”', '„', '‟', '«', '»', '״', '″':
		return '"'
	case '‐', '‑', '‒', '–', '—', '―', '−', '־':
		return '-'
	}
	if unicode.IsDigit(r) {
		return '0' + digit(r)
	}
	return r
}

// digit is the value of a decimal digit of any script: Unicode lays them out in runs of ten from zero.
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}

// dropped reports the marks and invisible characters that folding leaves out.
func dropped(r rune) bool {
	switch {
	case r <= 0x036f: // combining accents
		return true
	case r < 0x0590:
		return false
	case r <= 0x05c7: // Hebrew points
		return unicode.Is(unicode.Mn, r)
	case r < 0x0600:
		return false
	case r <= 0x06ff, 0x0890 <= r && r <= 0x08ff: // Arabic vowel signs, tatweel, number signs
		return r == 0x0640 || unicode.In(r, unicode.Mn, unicode.Cf)
	case 0x1ab0 <= r && r <= 0x1aff, 0x1dc0 <= r && r <= 0x1dff, 0x20d0 <= r && r <= 0x20ff, 0xfe20 <= r && r <= 0xfe2f:
		return true
	case 0xfe00 <= r && r <= 0xfe0f, 0xe0100 <= r && r <= 0xe01ef: // variation selectors
		return true
	}
	return r >= 0x180e && unicode.Is(unicode.Cf, r)
}

// Exact is the form in which words are compared when case and diacritics count: composed (NFC), without invisible
// characters and tatweel, without the dots of an acronym, and otherwise as written.
func Exact(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if !ascii {
		s = norm.NFC.String(strings.Map(func(r rune) rune {
			if r == 0x0640 || unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, s))
	}
	return strings.ReplaceAll(s, ".", "")
}
