package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Paragraphs are the parts of s between blank lines, without the white space around them, in order.
func Paragraphs(s string) []Span {
	var out []Span
	start, end := -1, 0 // the open paragraph
	for i := 0; i < len(s); {
		j := strings.IndexByte(s[i:], '\n')
		if j < 0 {
			j = len(s)
		} else {
			j += i
		}
		line := strings.TrimSpace(s[i:j])
		if line == "" {
			if start >= 0 {
				out = append(out, Span{start, end})
				start = -1
			}
		} else {
			at := i + strings.Index(s[i:j], line)
			if start < 0 {
				start = at
			}
			end = at + len(line)
		}
		i = j + 1
	}
	if start >= 0 {
		out = append(out, Span{start, end})
	}
	return out
}

// Sentences are the sentences of s in order, without the white space around them. No sentence runs across a blank line. Full
// stops of abbreviations, initials and ordinals before a month end nothing, nor does any sign before a lower-case word: `"Stop!" he said.`
func Sentences(s string) []Span {
	var out []Span
	for _, p := range Paragraphs(s) {
		out = sentences(out, s, p)
	}
	return out
}

func sentences(out []Span, s string, p Span) []Span {
	start := p.Start
	for i := p.Start; i < p.End; {
		r, n := utf8.DecodeRuneInString(s[i:p.End])
		at := i
		i += n
		wide := false
		switch r {
		case '。', '！', '？', '｡':
			wide = true
		case '.', '!', '?', '…', '؟', '۔', '।', '።':
		default:
			continue
		}
		for i < p.End { // the rest of ?!.. and closing quotes
			r, n := utf8.DecodeRuneInString(s[i:p.End])
			if !strings.ContainsRune(".!?…。！？؟\"'”’»“)]』」）", r) {
				break
			}
			i += n
		}
		if i >= p.End {
			break
		}
		next := skipSpace(s, i, p.End)
		if !wide && (next == i || lowerCase(s[next:p.End]) || r == '.' && !ends(s[start:at], s[next:p.End])) {
			continue
		}
		out = append(out, Span{start, i})
		start, i = next, next
	}
	if start < p.End {
		out = append(out, Span{start, p.End})
	}
	return out
}

func skipSpace(s string, i, end int) int {
	for i < end {
		r, n := utf8.DecodeRuneInString(s[i:end])
		if !unicode.IsSpace(r) {
			break
		}
		i += n
	}
	return i
}

// lowerCase reports whether s begins with a lower-case letter.
func lowerCase(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

// ends reports whether a full stop after before, with next to follow, ends a sentence.
func ends(before, next string) bool {
	w := before[strings.LastIndexFunc(before, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == '"' })+1:]
	if w == "" {
		return false
	}
	if last := w[strings.LastIndexByte(w, '.')+1:]; utf8.RuneCountInString(last) == 1 {
		if r := firstRune(last); unicode.IsLetter(r) && !Spaceless(r) {
			return false // an initial, or the end of U.S.
		}
	}
	if alldigits(w) && len(w) <= 2 && month(next) {
		return false
	}
	return !abbreviation(Fold(w))
}

// month reports whether s begins with the name of a month in a language that writes days as ordinals.
func month(s string) bool {
	i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	if i < 0 {
		i = len(s)
	}
	switch Fold(s[:i]) {
	case "januar", "februar", "marz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember":
		return true
	}
	return false
}

// abbreviation reports words, folded, whose full stop seldom ends a sentence.
func abbreviation(w string) bool {
	switch w {
	case "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "gen", "lt", "col", "maj", "capt", "sgt", "adm", "gov", "sen",
		"rep", "rev", "hon", "pres", "no", "nos", "vs", "etc", "cf", "inc", "ltd", "co", "corp", "dept", "approx", "fig", "vol",
		"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", // English
		"nr", "usw", "bzw", "ca", "evtl", "ggf", "inkl", "str", "abs", "mio", "mrd", // German
		"m", "mme", "mlle", "av", "env", // French
		"г", "гг", "ул", "им", "тыс", "млн", "млрд", "руб", "стр", "см", "напр", "проф", "акад": // Russian
		return true
	}
	return false
}

// FirstWords is the end, in bytes, of the first n words of s; all of s when it has no more than n.
func FirstWords(s string, n int) int {
	end := 0
	for i := 0; i < len(s) && n > 0; {
		from, to, next := word(s, i)
		if to > from && Fold(s[from:to]) != "" {
			end = to
			n--
		}
		i = next
	}
	if n > 0 {
		return len(s)
	}
	return end
}
