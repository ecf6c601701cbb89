package dedup

import (
	"strings"

	"github.com/blevesearch/snowballstem"

	"wirewatch/pipeline/text"
)

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
	return &stemmer{snowballstem.NewEnv(""), text.Stemmer(lang), map[string]uint32{}}
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
