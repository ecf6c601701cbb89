package dedup

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

const (
	termsForm = 1    // first byte of Terms; a change of stemming or hashing needs another
	mostWords = 1000 // of a text: what stands behind is background
	mostTerms = 256  // of an article
	mostDays  = 8    // that its title names
	mostDay   = 512  // hashes below are days of the year, as days numbers them
	leadWords = 60   // the beginning says what happened
)

// How much more a term says that stands in the title or the lead, is a name, or a number. Measured on the development data.
const (
	titleWeight  = 2.0
	numberWeight = 1.25
)

// emphasis is how much more names and the lead say in a language.
type emphasis struct{ name, lead float64 }

// plainly is the emphasis of languages that are not in emphases.
var plainly = emphasis{1.25, 2}

// emphases are those of languages where a capital says more than in English, which gives one to months, peoples and offices
// too, or less; and where an agency's first paragraph tells all of it. Read only.
var emphases = map[string]emphasis{
	"de": {1, 2},
	"be": {1.5, 3}, "bg": {1.5, 3}, "mk": {1.5, 3}, "ru": {1.5, 3}, "sr": {1.5, 3}, "uk": {1.5, 3},
}

// Terms makes the list of what an article is about, for Events: the stems of its words with their weights in it. Its binary form
// is: form 1, length and bytes of the language's primary subtag, count of terms as uvarint, then by ascending hash of the stem
// (4 bytes of it) the difference to the one before as uvarint and the weight in sixteenths (1 byte). Hashes below 512 are the
// days of the year that the title names. An article without words has none. No language, or one unknown, leaves words unstemmed; Cyrillic and Latin script then pass for Russian and English.
func Terms(title, body, lang string) []byte {
	t := termReader{list: map[string]*term{}, stems: map[string]*term{}}
	t.lang = language(lang)
	if t.lang == "" {
		t.lang = guess(title + " " + body[:min(len(body), 400)])
	}
	t.stemmer = newStemmer(t.lang)
	t.read(title, true)
	t.read(body, false)

	more, ok := emphases[t.lang]
	if !ok {
		more = plainly
	}
	byHash := make(map[uint32]float64, min(len(t.stems), mostTerms))
	order := make([]*term, 0, len(t.stems))
	for _, x := range t.stems {
		x.weight = x.weigh(more)
		order = append(order, x)
	}
	slices.SortFunc(order, func(a, b *term) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.first, b.first))
	})
	for _, x := range order[:min(len(order), mostTerms)] {
		byHash[x.hash] += x.weight
	}
	for _, d := range t.days[:min(len(t.days), mostDays)] {
		byHash[d] = 1
	}
	hashes := make([]uint32, 0, len(byHash))
	for h := range byHash {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)

	out := make([]byte, 0, 8+5*len(hashes))
	out = append(out, termsForm, byte(len(t.lang)))
	out = append(out, t.lang...)
	out = binary.AppendUvarint(out, uint64(len(hashes)))
	last := uint32(0)
	for _, h := range hashes {
		out = binary.AppendUvarint(out, uint64(h-last))
		out = append(out, byte(min(255, math.Round(16*byHash[h]))))
		last = h
	}
	return out
}

// term is a stem in a text.
type term struct {
	hash         uint32
	n, first     int // times, first place
	upper, lower int // times with and without a capital where a capital says something
	title, digit bool
	weight       float64
}

func (t *term) weigh(more emphasis) float64 {
	w := 1 + math.Log(float64(t.n))
	if t.title {
		w *= titleWeight
	}
	if t.first < leadWords {
		w *= more.lead
	}
	if t.upper > t.lower {
		w *= more.name
	}
	if t.digit {
		w *= numberWeight
	}
	return w
}

type termReader struct {
	lang    string
	stemmer stemmer
	list    map[string]*term // by folded word; words of one stem share a term
	stems   map[string]*term
	days    []uint32 // that the title names
	at      int
	buf     []text.Token
	before  string // the last character of a script without spaces, which ended at end
	end     int
}

// read takes up the words of s. Capitals are looked at only inside a sentence, and not where most words have one, as in English
// headlines.
func (t *termReader) read(s string, title bool) {
	t.buf = text.AppendTokens(t.buf[:0], s)
	toks := t.buf
	if title {
		t.days = days(t.days, s, toks)
	}
	for i := 0; i < len(toks) && t.at < mostWords; {
		j, upper := i, 0
		for {
			if capitalised(s[toks[j].Start:]) {
				upper++
			}
			j++
			if j == len(toks) || strings.ContainsAny(s[toks[j-1].End:toks[j].Start], ".!?…\n:;\"“”«»—") {
				break
			}
		}
		telling := 2*upper <= j-i+1
		for k := i; k < j && t.at < mostWords; k++ {
			t.word(s, toks[k], title, telling && k > i)
		}
		i = j
	}
}

func (t *termReader) word(s string, tok text.Token, title, telling bool) {
	w := tok.Text
	at := t.at
	t.at++
	digit := w[0] >= '0' && w[0] <= '9'
	if r, n := utf8.DecodeRuneInString(w); text.Spaceless(r) {
		// A character alone says little where words are not set apart: it counts with the one before it.
		pair := t.before != "" && tok.Start == t.end
		char := w
		w = t.before + w
		t.before, t.end = char, tok.End
		if !pair {
			return
		}
	} else if n == len(w) && !digit {
		return // a lone letter
	}
	x := t.list[w]
	if x == nil {
		stem := t.stemmer.stem(w)
		if x = t.stems[stem]; x == nil {
			x = &term{hash: termHash(stem), first: at, digit: digit}
			t.stems[stem] = x
		}
		t.list[w] = x
	}
	x.n++
	x.title = x.title || title
	if telling {
		if capitalised(s[tok.Start:]) {
			x.upper++
		} else {
			x.lower++
		}
	}
}

// termHash keeps clear of the days.
func termHash(stem string) uint32 { return max(uint32(hashString(stem)), mostDay) }

func capitalised(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

// guess names a language whose stemmer suits the script.
func guess(s string) string {
	latin, cyrillic := 0, 0
	for _, r := range s {
		switch text.Script(r) {
		case "Latn":
			latin++
		case "Cyrl":
			cyrillic++
		}
	}
	switch {
	case cyrillic > latin:
		return "ru"
	case latin > 0:
		return "en"
	}
	return ""
}

// termWeight is a term of an article as Terms stores it.
type termWeight struct {
	hash   uint32
	weight float32
}

// decodeTerms reads what Terms made, the days ascending; nothing, when it is of another form or damaged.
func decodeTerms(b []byte) (lang string, out []termWeight, days []uint16) {
	if len(b) < 3 || b[0] != termsForm || len(b) < 2+int(b[1]) {
		return "", nil, nil
	}
	lang, b = string(b[2:2+b[1]]), b[2+b[1]:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > mostTerms+mostDays {
		return "", nil, nil
	}
	b = b[k:]
	out = make([]termWeight, 0, n)
	last := uint32(0)
	for range n {
		d, k := binary.Uvarint(b)
		if k <= 0 || k >= len(b) || d > math.MaxUint32 {
			return "", nil, nil
		}
		last += uint32(d)
		if last < mostDay {
			days = append(days, uint16(last))
			b = b[k+1:]
			continue
		}
		out = append(out, termWeight{last, float32(b[k]) / 16})
		b = b[k+1:]
	}
	return lang, out, days
}
