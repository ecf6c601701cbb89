// Package text is what Wirewatch knows about writing as such: folding, words, sentences, scripts. It is pure: no clock,
// no I/O, no state, safe for concurrent use. Extraction, duplicates, rules and search all read text through it, so that a
// word means the same thing to each of them.
//
// The contract that all of them rely on:
//
//   - Offsets are bytes of the original string, never of a folded copy; they are in range and never decrease.
//   - Any string is safe, valid UTF-8 or not; bytes that are no UTF-8 separate words.
//   - Fold is idempotent, and a word that a reader types by hand folds to what the same word folds to in print.
//   - Words split at apostrophes and hyphens (`Kim's` is kim, s; `al-Qaeda` is al, qaeda; `K-9` is k, 9). Whether two
//     neighbours also make one word (`K9`, `alqaeda`, but not `shell` out of `she'll`) is answered by Joined.
//   - Letters with dots between them are one word: `U.S.` and `US` are us; `N. Korea` is n, korea.
//   - Digits in groups of three are one word: `1,000` is 1000. Letters and digits stay together: `K9` is k9.
//   - Han, Kana, Thai, Lao, Khmer and Burmese have no spaces between words: each character, with the marks on it, is a
//     token. Hangul is cut at spaces and where it meets Latin or digits (`ICBM을` is icbm, 을).
package text

// A Token is a word of a text: its folded form and the half-open range of bytes [Start, End) it covers in the original.
type Token struct {
	Text       string
	Start, End int
}

// A Span is a half-open range of bytes [Start, End) in the original text.
type Span struct {
	Start, End int
}
