package dedup

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"sync"
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
	t := termReaders.Get().(*termReader)
	defer termReaders.Put(t)
	t.reset(language(lang))
	if t.lang == "" {
		t.reset(guess(title + " " + body[:min(len(body), 400)]))
	}
	t.read(title, true)
	t.read(body, false)

	more, ok := emphases[t.lang]
	if !ok {
		more = plainly
	}
	for i := range t.terms {
		t.terms[i].weight = t.terms[i].weigh(more)
	}
	slices.Sort(t.days)
	t.days = slices.Compact(t.days)
	t.days = t.days[:min(len(t.days), mostDays)]
	t.order = t.order[:0]
	for i, x := range t.terms { // the heaviest first, of the same weight the first in the text
		t.order = append(t.order, uint64(^math.Float32bits(float32(x.weight)))<<32|uint64(x.first)<<16|uint64(i))
	}
	if len(t.order) > mostTerms {
		slices.Sort(t.order)
		t.order = t.order[:mostTerms]
	}
	for i, o := range t.order { // and by their hashes
		x := &t.terms[o&0xffff]
		t.order[i] = uint64(x.hash)<<8 | uint64(min(255, math.Round(16*x.weight)))
	}
	slices.Sort(t.order)

	out := make([]byte, 0, 8+5*(len(t.days)+len(t.order)))
	out = append(out, termsForm, byte(len(t.lang)))
	out = append(out, t.lang...)
	out = binary.AppendUvarint(out, uint64(len(t.days)+len(t.order)))
	last := uint32(0)
	for _, d := range t.days {
		out = append(binary.AppendUvarint(out, uint64(d-last)), 16)
		last = d
	}
	for _, x := range t.order {
		hash := uint32(x >> 8)
		out = append(binary.AppendUvarint(out, uint64(hash-last)), byte(x))
		last = hash
	}
	return out
}

// term is a stem in a text.
type term struct {
	hash         uint32
	n, first     uint16 // times, first place
	upper, lower uint16 // times with and without a capital where a capital says something
	title, digit bool
	weight       float64
}

func (t *term) weigh(more emphasis) float64 {
	w := 1.0
	if t.n > 1 {
		w += math.Log(float64(t.n))
	}
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

// termReaders keeps readers for the next text. What they remember of the last ones saves time and changes no result.
var termReaders = sync.Pool{New: func() any { return &termReader{stems: map[string]*stemmer{}} }}

// termReader reads one text after another.
type termReader struct {
	lang    string
	stemmer *stemmer
	stems   map[string]*stemmer // by language
	terms   []term
	place   [2048]uint16 // in terms, plus one: by the hash, or the next that is free; twice mostWords, so that some are
	days    []uint32     // that the title names
	order   []uint64     // what terms are sorted by
	at      int
	buf     []text.Token
	before  string // the last character of a script without spaces, which ended at end
	end     int
}

func (t *termReader) reset(lang string) {
	t.lang = lang
	t.stemmer = t.stems[lang]
	if t.stemmer == nil {
		if len(t.stems) == mostStemmers {
			clear(t.stems)
		}
		t.stemmer = newStemmer(lang)
		t.stems[lang] = t.stemmer
	}
	t.terms, t.days = t.terms[:0], t.days[:0]
	clear(t.place[:])
	t.at, t.before, t.end = 0, "", 0
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
	clear(toks) // they hold on to the text
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
	x := t.term(t.stemmer.hash(w))
	if x.n == 0 {
		x.first, x.digit = uint16(at), digit
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

// term finds the term with a hash, or makes it.
func (t *termReader) term(hash uint32) *term {
	for i := hash % uint32(len(t.place)); ; i = (i + 1) % uint32(len(t.place)) {
		n := t.place[i]
		if n == 0 {
			t.terms = append(t.terms, term{hash: hash})
			t.place[i] = uint16(len(t.terms))
			return &t.terms[len(t.terms)-1]
		}
		if t.terms[n-1].hash == hash {
			return &t.terms[n-1]
		}
	}
}

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
