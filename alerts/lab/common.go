package lab

import (
	"context"
	"strings"
	"time"

	"wirewatch/alerts/rules"
)

// What is common in the whole archive tells nothing of a rule's hits, however few marks make it look so: with three stories marked
// wrong, `it` stands in all of them and by chance in half of the others.

// Bounds of the sample that says what is common.
const (
	sampleOf    = 20_000 // articles, the newest
	sampleSize  = 400    // of these, evenly
	leastSample = 20     // articles of a language; with fewer nothing is known of its words
	commonShare = 0.2    // of a language's articles that have a common word in them
)

// A background says of the articles in which a rule does not match how many have a word, or two in a row, by language.
type background struct {
	size map[string]int            // articles, by language
	has  map[string]map[string]int // by language, then by gram
}

// background samples the archive.
func (l *Lab) background(ctx context.Context, set *rules.Set) (background, error) {
	b := background{map[string]int{}, map[string]map[string]int{}}
	ids, err := l.Archive.Candidates(ctx, nil, time.Time{}, 0, sampleOf)
	if err != nil {
		return b, err
	}
	var some []int64
	for i := 0; i < len(ids); i += max(1, len(ids)/sampleSize) {
		some = append(some, ids[i])
	}
	return b, l.read(ctx, set, some, func(found []Found) error {
		for i := range found {
			if a := &found[i].Article; len(found[i].Hits) == 0 {
				b.add(a.Lang, a.Title, a.Body)
			}
		}
		return nil
	})
}

func (b background) add(lang string, texts ...string) {
	lang, _, _ = strings.Cut(lang, "-")
	if b.size[lang]++; b.has[lang] == nil {
		b.has[lang] = map[string]int{}
	}
	once := map[string]bool{}
	for _, s := range texts {
		for _, g := range grams(s) {
			if !once[g] {
				once[g] = true
				b.has[lang][g]++
			}
		}
	}
}

// common reports whether a gram tells nothing: it, or each of its two words, stands in a fifth of the articles of a language.
func (b background) common(gram string) bool {
	if b.often(gram) {
		return true
	}
	first, second, two := strings.Cut(gram, " ")
	return two && b.often(first) && b.often(second)
}

func (b background) often(gram string) bool {
	for lang, n := range b.size {
		if n >= leastSample && float64(b.has[lang][gram]) >= commonShare*float64(n) {
			return true
		}
	}
	return false
}
