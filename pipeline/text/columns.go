package text

import (
	"unicode"

	"golang.org/x/text/width"
)

// Columns is how many cells of a terminal s takes: wide characters of East Asia and most emoji two, marks, the vowels and finals
// of Hangul in its parts, and what is not seen none.
func Columns(s string) (n int) {
	for _, r := range s {
		n += Column(r)
	}
	return n
}

// Column is how many cells of a terminal r takes.
func Column(r rune) int {
	switch {
	case r < 0x300:
		if r == 0xad {
			return 0
		}
		return 1
	case 0x1160 <= r && r <= 0x11ff, 0xd7b0 <= r && r <= 0xd7ff, unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
