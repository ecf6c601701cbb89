package text

import "unicode"

// Script is the ISO 15924 code of the script r belongs to, for the scripts that are treated in a way of their own here:
// Latn, Cyrl, Grek, Arab, Hebr, Hang, Hani, Hira, Kana, Thai, Laoo, Khmr, Mymr, Deva. It is "" for all others and for what
// scripts share, such as digits and punctuation.
func Script(r rune) string {
	switch {
	case r < 0x80:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return "Latn"
		}
		return ""
	case unicode.Is(unicode.Latin, r):
		return "Latn"
	case unicode.Is(unicode.Cyrillic, r):
		return "Cyrl"
	case unicode.Is(unicode.Greek, r):
		return "Grek"
	case unicode.Is(unicode.Arabic, r):
		return "Arab"
	case unicode.Is(unicode.Hebrew, r):
		return "Hebr"
	case unicode.Is(unicode.Hangul, r):
		return "Hang"
	case unicode.Is(unicode.Han, r):
		return "Hani"
	case unicode.Is(unicode.Hiragana, r):
		return "Hira"
	case unicode.Is(unicode.Katakana, r):
		return "Kana"
	case unicode.Is(unicode.Thai, r):
		return "Thai"
	case unicode.Is(unicode.Lao, r):
		return "Laoo"
	case unicode.Is(unicode.Khmer, r):
		return "Khmr"
	case unicode.Is(unicode.Myanmar, r):
		return "Mymr"
	case unicode.Is(unicode.Devanagari, r):
		return "Deva"
	}
	return ""
}

// Spaceless reports whether r belongs to a script that is written without spaces between words, so that its characters
// are tokens one by one: Han, Kana, Thai, Lao, Khmer, Burmese.
func Spaceless(r rune) bool {
	return classOf(r) == char
}

// class is what the word scanner needs to know about a rune.
type class uint8

const (
	gap    class = iota // separates words
	letter              // a letter or digit of a script with spaces
	hangul              // a Korean letter: runs with its own kind only
	char                // a character that is a token of its own
	mark                // belongs to the rune before it
	hidden              // invisible (soft hyphen, zero-width, direction marks): neither ends a word nor begins one
)

// classOf answers for the letters and marks of which most text consists from their ranges alone.
func classOf(r rune) class {
	switch {
	case 0x0410 <= r && r <= 0x044f, 0x05d0 <= r && r <= 0x05ea, 0x0627 <= r && r <= 0x063a, 0x0641 <= r && r <= 0x064a,
		0x03b1 <= r && r <= 0x03c9: // Cyrillic, Hebrew, Arabic, Greek
		return letter
	case 0x0e01 <= r && r <= 0x0e30, 0x0e40 <= r && r <= 0x0e46: // Thai
		return char
	case 0x3041 <= r && r <= 0x3096, 0x30a1 <= r && r <= 0x30fc && r != 0x30fb, 0x4e00 <= r && r <= 0x9fff: // Kana, Han
		return char
	case 0x2010 <= r && r <= 0x2027, 0x3001 <= r && r <= 0x3003, r == 0xff0c: // quotes, dashes, CJK stops
		return gap
	}
	return classByTable(r)
}

func classByTable(r rune) class {
	switch {
	case r < 0x80:
		if '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' {
			return letter
		}
		return gap
	case 0x0400 <= r && r <= 0x0481, 0x00c0 <= r && r <= 0x02b8 && r != 0xd7 && r != 0xf7:
		return letter
	case 0x02b9 <= r && r <= 0x02ff:
		return gap // ʼ ʻ ʾ ʿ and their kind are letters to Unicode, apostrophes to those who type them
	case 0x4e00 <= r && r <= 0x9fff:
		return char
	case 0xac00 <= r && r <= 0xd7a3:
		return hangul
	case r == 0xff9e || r == 0xff9f: // half-width voicing marks
		return mark
	case 0x2080 <= r && r <= 0x2089: // the 2 of H₂O; superscripts are footnotes
		return letter
	case unicode.IsLetter(r) || unicode.Is(unicode.Nl, r):
		switch {
		case unicode.Is(unicode.Hangul, r):
			return hangul
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
			unicode.Myanmar), r == 0x30fc, r == 0xff70: // the long-vowel sign is common to both kana
			return char
		}
		return letter
	case unicode.IsDigit(r):
		return letter
	case unicode.IsMark(r):
		return mark
	case unicode.Is(unicode.Cf, r):
		return hidden
	}
	return gap
}
