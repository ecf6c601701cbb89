package rules

import (
	"math/rand/v2"
	"strings"
)

// rareParts are what rare texts are made of: letters whose folding, case, width or cut is a story of its own, what joins or parts
// words, what is not seen, and a few plain ones between which they stand.
var rareParts = []string{"a", "b", "i", "I", "s", "k", "1", "9", "is", "ss", "fi", "kim", "the",
	"İ", "ı", "ß", "ẞ", "ſ", "ſt", "\u212a", "\u212b", "ﬁ", "ﬃ", "ŉ", "ǆ", "Ǆ", "ø", "æ", "ø\u0301", "é", "e\u0301", "e\u0301\u0323", "i\u0307", "ŋ", "ª", "Ⅳ", "㎏", "½", "²", "₂", "①", "𝐀", "Ｋ", "１",
	"ё", "Ё", "й", "и\u0306", "ў", "і\u0308", "ς", "Σ", "ΐ", "ι\u0308\u0301", "ᾳ", "𐐀", "ა", "Ა", "Ꭰ", "ꭰ", "և",
	"ﾐｻ", "ｶﾞ", "が", "か\u3099", "カ", "ー", "々", "ゝ", "朝", "鮮", "𠮷", "\uf9e1", "朝\ufe00", "ㄅ", "ไทย", "ที่", "ำ", "ລາວ", "ខ្មែរ",
	"북한", "은", "을", "\u1107\u116e\u11a8", "\u1112\u1161", "\u11ab", "ㅋ", "ᄀ", "ﾡ",
	"ﻛﺘ", "ﷲ", "ﻻ", "لا", "ال", "و", "كتاب", "أ", "ة", "ى", "ـ", "\u064b", "\u0670", "ک", "ی", "שָׁ", "שלום", "״", "׳", "ﬡ", "क्ष", "क़", "কো", "க்ஷ", "\u0301", "\u20dd", "\u3099",
	"١", "۳", "१", "๑", "𝟗", "𞥐", "'", "’", "ʼ", "`", "´", "ʿ", "＇", "-", "‐", "‑", "–", "−", "－", "\u00ad", "\u2060", "\u200b", "\u200c", "\u200d", "\ufeff", "\u202e", "\u00a0", "\u202f", "\u3000", "\u2028", "\u0085",
	".", "．", "。", "·", "・", "‧", ",", ":", "_", "/", "&", "@", "#", "$", "€", "%", "👩\u200d🚀", "❤\ufe0f", "🇰🇵", "1\ufe0f\u20e3", "\u0378", "\ue000", "\U000e0041"}

// rareText is a text of at most most words made of few of those, so that they meet.
func rareText(r *rand.Rand, parts []string, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		for range 1 + r.IntN(5) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		b.WriteString([]string{" ", " ", " ", " ", "\n", "\n\n", ". ", "", "\u00a0"}[r.IntN(9)])
	}
	return b.String()
}

// someRare are a few of rareParts.
func someRare(r *rand.Rand) (out []string) {
	for range 3 + r.IntN(10) {
		out = append(out, rareParts[r.IntN(len(rareParts))])
	}
	return out
}
