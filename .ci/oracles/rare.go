package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// rareForms are what a hand, a font or a system makes of letters and signs: forms that fold, letters whose case is a story of its own,
// digits of other scripts, signs that look like an apostrophe or a hyphen, spaces that do not break.
var rareForms = map[string][]string{
	"i": {"ı", "İ", "í", "i\u0307"}, "I": {"İ", "ı"}, "s": {"ſ", "š", "s\u030c"}, "ss": {"ß", "ẞ", "ſs"}, "K": {"\u212a"}, "k": {"\u212a", "ķ"}, "a": {"å", "a\u030a", "\u212b", "ª", "𝐚", "ａ"},
	"fi": {"ﬁ"}, "ff": {"ﬀ"}, "fl": {"ﬂ"}, "st": {"ﬆ"}, "o": {"ø", "ö", "o\u0308", "º"}, "d": {"đ", "ð"}, "ae": {"æ"}, "oe": {"œ"}, "n": {"ŋ", "ñ", "n\u0303"}, "l": {"ł"}, "t": {"ŧ", "þ"},
	"e": {"é", "e\u0301", "ə", "ё", "ｅ"}, "u": {"ü", "u\u0308", "ű"}, "е": {"ё", "е\u0308"}, "и": {"й", "и\u0306", "ї"}, "σ": {"ς", "Σ"}, "ι": {"ί", "ΐ", "ι\u0308"},
	"1": {"１", "١", "۱", "१", "①", "¹", "₁"}, "2": {"２", "٢", "²", "₂"}, "0": {"０", "٠", "০"}, "'": {"’", "ʼ", "＇", "`", "´", "ʿ"}, "’": {"'", "ʼ", "＇"}, "-": {"‐", "‑", "–", "－", "\u00ad", "-\u200b"},
	" ": {"\u00a0", "\u202f", "\u3000", "\u2009", "\u200b ", " 👩\u200d🚀 ", " ❤\ufe0f", "\u2060 "}, ".": {"．", "。", "…"}, ",": {"，", "、"},
	"لا": {"ﻻ"}, "ا": {"أ", "إ", "آ", "ﺍ"}, "ه": {"ة", "ﻩ"}, "ي": {"ى", "ی"}, "ك": {"ک"}, "ل": {"لـ", "ﻟ"},
}

// unseen stand inside words without being seen, or change the letter before them.
var unseen = []string{"\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\u202a", "\u0301", "\u0323", "\u064b", "\ufe0f"}

// sprinkle gives the text a share of rare letters and signs: one in so many places.
func sprinkle(r *rand.Rand, s string, one int) string {
	var keys []string
	for k := range rareForms {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if r.IntN(one) > 0 {
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if i := slices.IndexFunc(keys, func(k string) bool { return strings.HasPrefix(s, k) }); i >= 0 {
			forms := rareForms[keys[i]]
			b.WriteString(forms[r.IntN(len(forms))])
			s = s[len(keys[i]):]
			continue
		}
		switch r.IntN(4) {
		case 0:
			b.WriteString(norm.NFKD.String(s[:n]))
		case 1:
			b.WriteString(width.Widen.String(s[:n]))
		case 2:
			b.WriteString(width.Narrow.String(s[:n]))
		case 3:
			b.WriteString(s[:n])
			if wordly(c) {
				b.WriteString(unseen[r.IntN(len(unseen))])
			}
		}
		s = s[n:]
	}
	return b.String()
}
