package dedup

import (
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"
)

// stemmers are the Snowball algorithms (Porter 2001, snowballstem.org) by language. Read only. They are given folded words,
// which lack the accents some of them look for: a stem is only ever compared with another one made in the same way.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"ar": arabic.Stem, "da": danish.Stem, "de": german.Stem, "en": english.Stem, "es": spanish.Stem, "fi": finnish.Stem,
	"fr": french.Stem, "hu": hungarian.Stem, "it": italian.Stem, "nb": norwegian.Stem, "nl": dutch.Stem, "nn": norwegian.Stem,
	"no": norwegian.Stem, "pt": portuguese.Stem, "ro": romanian.Stem, "ru": russian.Stem, "sv": swedish.Stem, "tr": turkish.Stem,
}

const (
	mostStems    = 1 << 15 // words whose stems are remembered, of each language
	mostStemmers = 32      // languages
)

// stemmer takes the endings off the words of one language. It remembers what it did, since stemming a word costs ten times
// what finding it does and few words make up most of every text; it is for one text at a time.
type stemmer struct {
	env   *snowballstem.Env
	run   func(*snowballstem.Env) bool // nil: words stay as they are
	known map[string]uint32            // by word: the hash of its stem
}

func newStemmer(lang string) *stemmer {
	return &stemmer{snowballstem.NewEnv(""), stemmers[lang], map[string]uint32{}}
}

// hash is that of the stem of a word, clear of the days.
func (s *stemmer) hash(w string) uint32 {
	if s.run == nil || len(w) < 3 || w[0] >= '0' && w[0] <= '9' {
		return termHash(w)
	}
	h, ok := s.known[w]
	if !ok {
		s.env.SetCurrent(w)
		s.run(s.env)
		h = termHash(s.env.Current())
		if len(s.known) == mostStems {
			clear(s.known)
		}
		s.known[strings.Clone(w)] = h // w is a part of its whole text
	}
	return h
}

// termHash keeps clear of the days.
func termHash(stem string) uint32 { return max(uint32(hashString(stem)), mostDay) }

// language is the primary subtag of a language tag, in lower case: `pt` of pt-BR.
func language(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	tag = strings.ToLower(strings.TrimSpace(tag))
	if len(tag) > 8 { // longer is no subtag (BCP 47)
		return ""
	}
	return tag
}
