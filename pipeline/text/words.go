package text

import (
	"strings"
	"unicode/utf8"
)

// Tokens splits s into words in order of appearance; the package comment says what a word is.
func Tokens(s string) []Token {
	if s == "" {
		return nil
	}
	return AppendTokens(make([]Token, 0, len(s)/6+1), s)
}

// AppendTokens appends the words of s to dst, for callers that reuse a slice.
func AppendTokens(dst []Token, s string) []Token {
	low := lowerASCII(s) // one copy for the whole text, so that an ASCII word costs no allocation of its own
	for i := 0; i < len(s); {
		c := low[i]
		if c < utf8.RuneSelf {
			if !alnum(c) {
				i++
				continue
			}
			j := i + 1
			for j < len(low) && alnum(low[j]) {
				j++
			}
			if j == len(s) || low[j] < utf8.RuneSelf && low[j] != '.' && low[j] != ',' {
				dst = append(dst, Token{low[i:j], i, j})
				i = j
				continue
			}
		}
		start, end, next := word(s, i)
		if end > start {
			if t := form(low, s, start, end); t != "" {
				dst = append(dst, Token{t, start, end})
			}
		}
		i = next
	}
	return dst
}

func alnum(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}

// word reads from i, which stands outside any word: the word that begins there, or an empty range where none does, and
// where to go on.
func word(s string, i int) (start, end, next int) {
	r, n := utf8.DecodeRuneInString(s[i:])
	kind := classOf(r)
	j := i + n
	switch kind {
	case gap, hidden:
		return i, i, j
	case mark:
		kind = letter // a stray mark: it begins a word that folding may leave empty
	case char:
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			if classOf(r) != mark {
				break
			}
			j += n
		}
		return i, j, j
	}
	first := j
	end = j
	for j < len(s) {
		r, n := utf8.DecodeRuneInString(s[j:])
		switch classOf(r) {
		case kind, mark:
			j += n
			end = j
			continue
		case hidden:
			j += n
			continue
		}
		break
	}
	if end == len(s) || kind != letter {
		return i, end, end
	}
	switch {
	case s[end] == '.' && end == first && !alldigits(s[i:end]):
		end = acronym(s, end)
	case s[end] == ',' && end-i <= 3 && alldigits(s[i:end]):
		end = grouped(s, end)
	}
	return i, end, end
}

// acronym extends a single letter that ends at end, before a dot, over `.S.` of `U.S.`; where no further single letter
// follows, it returns end. The last dot is part of the word: nobody highlights `U.S` alone.
func acronym(s string, end int) int {
	k, letters := end, 1
	for k < len(s) && s[k] == '.' {
		r, n := utf8.DecodeRuneInString(s[k+1:])
		if n == 0 || classOf(r) != letter || '0' <= r && r <= '9' {
			break
		}
		p := k + 1 + n
		after, _ := utf8.DecodeRuneInString(s[p:])
		if c := classOf(after); p < len(s) && (c == letter || c == mark) {
			break
		}
		k = p
		letters++
	}
	if letters < 2 {
		return end
	}
	if k < len(s) && s[k] == '.' {
		k++
	}
	return k
}

// grouped extends digits that end at end, before a comma, over `,000` and its repetitions.
func grouped(s string, end int) int {
	k := end
	for k+4 <= len(s) && s[k] == ',' && alldigits(s[k+1:k+4]) {
		if r, _ := utf8.DecodeRuneInString(s[k+4:]); k+4 < len(s) && classOf(r) == letter {
			break
		}
		k += 4
	}
	return k
}

func alldigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// form is the folded form of s[start:end]; low is s with A to Z lowered.
func form(low, s string, start, end int) string {
	w := low[start:end]
	if strings.IndexByte(w, '.') >= 0 {
		w = strings.ReplaceAll(w, ".", "")
	}
	if strings.IndexByte(w, ',') >= 0 {
		w = strings.ReplaceAll(w, ",", "")
	}
	return Fold(w)
}

// Joined reports whether the neighbours a and b of s, in that order, are also written as one word, and that word:
// `K-9` is K9, `al-Qaeda` alqaeda, `O'Brien` obrien. A contraction or an elision is not (she'll, d'une, qu'est), nor
// are two numbers (9-11).
func Joined(s string, a, b Token) (string, bool) {
	if a.End >= b.Start || !joined(s[a.End:b.Start], a.Text, b.Text) {
		return "", false
	}
	return a.Text + b.Text, true
}

// joined answers for the words a and b with gap between them.
func joined(gap, a, b string) bool {
	r, n := utf8.DecodeRuneInString(gap)
	if n != len(gap) || n == 0 {
		return false
	}
	switch signOf(r) {
	case '-':
		if alldigits(a) && alldigits(b) {
			return false
		}
	case '\'':
		switch b {
		case "s", "t", "d", "m", "ll", "re", "ve":
			return false
		}
		if utf8.RuneCountInString(a) == 1 && a != "o" && asciiWord(a) || a == "qu" {
			return false
		}
	case '"':
		if Script(firstRune(a)) != "Hebr" {
			return false
		}
	default:
		return false
	}
	return true
}

// signOf is the plain sign that r is a form of, where it may stand inside a word: a hyphen, an apostrophe, or, in Hebrew, a
// quotation mark. It is 0 for all others: a longer dash stands between words.
func signOf(r rune) rune {
	switch r {
	case '-', '‐', '‑', '־', '－', '﹣':
		return '-'
	case '\'', '’', '‘', '`', 'ʼ', 'ʻ', 'ʾ', 'ʿ', 'ʹ', 'ʽ', '´', '′', '＇', '｀', '‛', '‵':
		return '\''
	case '״', '׳', '"':
		return '"'
	}
	return 0
}

// OneWord reports whether a reader counts two words with gap between them as one: it is a hyphen or an apostrophe.
func OneWord(gap string) bool {
	r, n := utf8.DecodeRuneInString(gap)
	if n != len(gap) || r == '"' {
		return false
	}
	return signOf(r) != 0
}

func asciiWord(s string) bool { return s != "" && s[0] < utf8.RuneSelf }

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
