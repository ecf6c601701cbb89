// Package text is what Wirewatch knows about writing as such: folding, words, sentences, scripts. It is pure: no clock,
// no I/O, no state, safe for concurrent use. Extraction, duplicates, rules and search all read text through it, so that a
// word means the same thing to each of them.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A Token is a word of a text: its folded form and the half-open range of bytes [Start, End) it covers in the original.
type Token struct {
	Text       string
	Start, End int
}

// Fold maps a string to the form in which words are compared: NFKC, lower case, without diacritics, with plain
// apostrophes. Folding is idempotent.
func Fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return norm.NFC.String(b.String())
}

// Tokens splits s into words in order of appearance.
func Tokens(s string) []Token {
	var out []Token
	start := -1
	for i, r := range s {
		word := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
		if word && start < 0 {
			start = i
		} else if !word && start >= 0 {
			out = append(out, Token{Fold(s[start:i]), start, i})
			start = -1
		}
	}
	if start >= 0 {
		out = append(out, Token{Fold(s[start:]), start, len(s)})
	}
	return out
}
