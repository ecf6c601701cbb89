package extract

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline/text"
)

// A tongue is one entry of languages.yaml: what tells the language apart, and its words of the calendar.
//
// Detection by script and stopwords is our own because it is needed only where a page declares no language, on texts of
// hundreds of words, among the few dozen languages of news; there it is as exact as a trained model, and the live Go
// detectors carry tens of megabytes of models for sentences of ten words.
type tongue struct {
	lang   string
	script string
	stop   map[string]bool
	marks  string // letters that only this language of its script has
	words  map[string]bool
	ago    []string
}

func (l *lexicon) addTongue(n *yaml.Node) error {
	var e struct {
		Lang   string   `yaml:"lang"`
		Script string   `yaml:"script"`
		Marks  string   `yaml:"marks"`
		Stop   string   `yaml:"stop"`
		Months []string `yaml:"months"` // twelve, each a list of forms
		Words  string   `yaml:"words"`  // weekdays and what stands beside dates
		Ago    []string `yaml:"ago"`
	}
	if err := decode(n, []string{"lang", "script", "marks", "stop", "months", "words", "ago"}, &e); err != nil {
		return err
	}
	if e.Lang == "" || unicode.Scripts[e.Script] == nil {
		return fmt.Errorf("language %q: script %q is unknown", e.Lang, e.Script)
	}
	if len(e.Months) != 0 && len(e.Months) != 12 {
		return fmt.Errorf("language %q has %d months", e.Lang, len(e.Months))
	}
	t := tongue{lang: e.Lang, script: e.Script, marks: e.Marks, stop: map[string]bool{}, words: map[string]bool{}}
	for _, w := range strings.Fields(e.Stop) {
		t.stop[text.Fold(w)] = true
	}
	for _, w := range strings.Fields(e.Words) {
		t.words[text.Fold(w)] = true
	}
	for i, forms := range e.Months {
		for _, w := range strings.Fields(forms) {
			// A name of two words is written with an underscore: كانون الأول is another month than كانون الثاني.
			l.months[text.Fold(strings.ReplaceAll(w, "_", " "))] = i + 1
		}
	}
	for _, s := range e.Ago {
		t.ago = append(t.ago, strings.TrimSpace(newView(s).norm))
	}
	l.tongues = append(l.tongues, t)
	return nil
}

func (l *lexicon) isDateWord(w string) bool {
	for i := range l.tongues {
		if l.tongues[i].words[w] {
			return true
		}
	}
	return false
}

// isAgo says whether a block is a relative time alone: "34 minutes ago", "vor 2 Stunden". The patterns write N for a
// number.
func (l *lexicon) isAgo(v *view) bool {
	if len(v.start) == 0 || len(v.start) > 8 {
		return false
	}
	s := strings.TrimSpace(v.norm)
	var b strings.Builder
	digits := false
	for _, r := range s {
		if unicode.IsDigit(r) {
			if !digits {
				b.WriteByte('n')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteRune(r)
	}
	s = b.String()
	for i := range l.tongues {
		for _, p := range l.tongues[i].ago {
			if s == p {
				return true
			}
		}
	}
	return false
}

// A text of fewer words than fewWords has a language only on clear evidence, one of fewer than leastWords (in Han, of
// characters) none: a wrong language costs more than none. A script that only one language has is evidence enough.
const (
	fewWords   = 20
	leastWords = 8
	clearScore = 3 // points of the best language
	clearLead  = 2 // and its points above the second best
)

// detect names the language of a text, "" when nothing speaks for one.
func (l *lexicon) detect(s string) string {
	if len(s) > 6000 {
		s = strings.ToValidUTF8(s[:6000], "")
	}
	counts := map[string]int{}
	for _, r := range s {
		if r < 0x80 {
			if r >= 'a' && r <= 'z' {
				counts["Latin"]++
			}
			continue
		}
		if !unicode.IsLetter(r) {
			continue
		}
		for _, name := range [...]string{"Latin", "Cyrillic", "Arabic", "Hangul", "Han", "Hiragana", "Katakana", "Greek", "Hebrew", "Devanagari", "Thai", "Bengali", "Tamil", "Georgian", "Armenian"} {
			if unicode.Is(unicode.Scripts[name], r) {
				counts[name]++
				break
			}
		}
	}
	best, most := "", 0
	for name, n := range counts {
		if n > most || n == most && name < best {
			best, most = name, n
		}
	}
	if kana := counts["Hiragana"] + counts["Katakana"]; kana*10 > most {
		return "ja"
	}
	words := strings.Fields(newView(s).norm)
	lang, top, second, rivals := "", -1, -1, 0
	for i := range l.tongues {
		t := &l.tongues[i]
		if t.script != best {
			continue
		}
		rivals++
		n := 0
		for _, w := range words {
			if t.stop[w] {
				n++
			}
		}
		n += 2 * countAny(s, t.marks)
		if n > top {
			lang, top, second = t.lang, n, top
		} else {
			second = max(second, n)
		}
	}
	switch {
	case best == "Latin" && top <= 0, best == "Han" && most < leastWords, rivals > 1 && len(words) < leastWords:
		return ""
	case rivals > 1 && len(words) < fewWords && (top < clearScore || top < second+clearLead):
		return ""
	}
	return lang
}

func countAny(s, set string) int {
	if set == "" {
		return 0
	}
	n := 0
	for _, r := range s {
		if r >= 0x80 && strings.ContainsRune(set, r) {
			n++
		}
	}
	return n
}
