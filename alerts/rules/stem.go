package rules

import (
	"strings"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"

	"wirewatch/pipeline/text"
)

// A language is one whose endings are known. Both the typed word and the article's are folded before they are cut, so that
// whoever types without accents finds the same.
type language struct {
	code, script string
}

// languages are those that text.Stemmer knows. Read only. The first of a script stands in where an
// article's language is unknown or written in another script.
var languages = [...]language{
	{"en", "Latn"}, {"ru", "Cyrl"}, {"ar", "Arab"},
	{"da", "Latn"}, {"de", "Latn"}, {"es", "Latn"}, {"fi", "Latn"},
	{"fr", "Latn"}, {"hu", "Latn"}, {"it", "Latn"}, {"nb", "Latn"},
	{"nl", "Latn"}, {"nn", "Latn"}, {"no", "Latn"}, {"pt", "Latn"},
	{"ro", "Latn"}, {"sv", "Latn"}, {"tr", "Latn"},
}

// languageFor is the language by which a word of an article in the language of a tag is cut, -1 for none. A word in the
// script of its article is cut by the article's language, and left as it is where the endings of that are unknown: those of
// English would be wrong in Polish. A word in another script (a Latin name in a Russian text) and any word of an article of
// unknown language are cut by the first language of their script.
func languageFor(tag, word string) int {
	r, _ := utf8.DecodeRuneInString(word)
	script := text.Script(r)
	if script == "" {
		return -1
	}
	code, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(tag)), "_", "-"), "-")
	first := -1
	for i, l := range languages {
		switch {
		case l.code == code && l.script == script:
			return i
		case first < 0 && l.script == script:
			first = i
		}
	}
	if code == "" || code == "und" || !writes(code, script) {
		return first
	}
	return -1
}

// writes reports whether the language is written in the script; of languages not named here only Latin is expected.
func writes(code, script string) bool {
	switch code {
	case "ru", "uk", "be", "bg", "mk", "kk", "ky", "mn", "tg", "tt":
		return script == "Cyrl"
	case "sr":
		return script == "Cyrl" || script == "Latn"
	case "ar", "fa", "ur", "ps", "ckb", "ug", "sd":
		return script == "Arab"
	case "el", "he", "iw", "hi", "mr", "ne", "bn", "ta", "te", "ml", "kn", "th", "lo", "km", "my", "ko", "zh", "ja", "ka", "hy", "am":
		return false // no stemmer knows their script; what is Latin or Cyrillic in them is foreign
	}
	return script == "Latn"
}

// stemmer takes endings off words and remembers what it did. It serves one goroutine.
type stemmer struct {
	env   *snowballstem.Env
	known map[stemKey]string
}

// A stemKey is a word, or a stem, of a language: an index into languages.
type stemKey struct {
	lang int
	word string
}

// maxKnown bounds the words that a stemmer remembers; most of a text are words that came before.
const maxKnown = 1 << 14

func (s *stemmer) stem(lang int, w string) string {
	if lang < 0 || len(w) < 3 || '0' <= w[0] && w[0] <= '9' {
		return w
	}
	if x, ok := s.known[stemKey{lang, w}]; ok {
		return x
	}
	if s.env == nil {
		s.env = snowballstem.NewEnv("")
	}
	if s.known == nil || len(s.known) >= maxKnown {
		s.known = map[stemKey]string{}
	}
	w = strings.Clone(w) // which may be a part of a whole article
	s.env.SetCurrent(w)
	text.Stemmer(languages[lang].code)(s.env)
	x := s.env.Current()
	s.known[stemKey{lang, w}] = x
	return x
}

// stemIndex finds stemmed atoms by the stem that their word has in a language.
type stemIndex struct {
	atoms  map[stemKey][]int32
	firsts map[rune]bool // letters with which a word can begin that has one of the stems; no ending is so long that it takes the first
}

func (x *stemIndex) some() bool { return x.atoms != nil }

// add files the atom under its stems in all languages of its script.
func (x *stemIndex) add(id int32, word string) {
	if x.atoms == nil {
		x.atoms, x.firsts = map[stemKey][]int32{}, map[rune]bool{}
	}
	var s stemmer
	first, _ := utf8.DecodeRuneInString(word)
	x.firsts[first] = true
	for i, l := range languages {
		if l.script == text.Script(first) {
			k := stemKey{i, s.stem(i, word)}
			x.atoms[k] = append(x.atoms[k], id)
		}
	}
}

// stemmed notes the stemmed atoms that the word w, tokens [from, to), is a form of. That it is the word itself, or the word
// with particles or clitics, look has noted.
func (m *scratch) stemmed(w string, from, to int) {
	x := &m.set.stems
	first, _ := utf8.DecodeRuneInString(w)
	if !x.firsts[first] && text.Script(first) != "Arab" { // Arabic has prefixes
		return
	}
	lang := languageFor(m.doc.Lang, w)
	if lang < 0 {
		return
	}
	for _, id := range x.atoms[stemKey{lang, m.stems.stem(lang, w)}] {
		m.note(id, from, to)
	}
}
