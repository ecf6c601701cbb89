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
// Detection by script, letters and frequent words is our own because it is needed on texts of hundreds of words, among the few dozen
// languages of news. There it was measured to be as exact as a trained model, at a fortieth of the time: the best detector in Go
// (lingua) adds 120 MB to the program and 70 MB to its memory, and shows its strength in sentences of less than ten words; the
// small one (whatlanggo) knows less than this one. Both have had no release for years.
type tongue struct {
	lang   string
	script string
	stop   map[string]bool
	marks  string // letters beyond ASCII that few languages of its script have
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
	leastWords = 6
	clearScore = 1.5  // points of the best language
	clearLead  = 1.5  // and how many times those of the second best they are
	farLead    = 4    // the same where the text contradicts what the page declares
	sample     = 4000 // bytes that are read
)

// detectable are the scripts that languages are told by.
var detectable = [...]string{
	"Latin", "Cyrillic", "Arabic", "Hangul", "Han", "Hiragana", "Katakana", "Greek", "Hebrew", "Devanagari", "Thai", "Bengali",
	"Tamil", "Georgian", "Armenian",
}

// A vote is a word or letter that speaks for a language, the more the fewer others have it too.
type vote struct {
	tongue int
	points float32
}

// countVotes prepares detection once all languages are known.
func (l *lexicon) countVotes() {
	l.stops, l.letters = map[string][]vote{}, map[rune][]vote{}
	for i := range l.tongues {
		for w := range l.tongues[i].stop {
			l.stops[w] = append(l.stops[w], vote{tongue: i})
		}
		seen := map[rune]bool{}
		for _, r := range l.tongues[i].marks {
			if r = unicode.ToLower(r); r >= 0x80 && !seen[r] {
				seen[r] = true
				l.letters[r] = append(l.letters[r], vote{tongue: i})
			}
		}
	}
	for _, vs := range l.stops {
		for i := range vs {
			vs[i].points = 1 / float32(len(vs))
		}
	}
	for _, vs := range l.letters {
		for i := range vs {
			vs[i].points = 1 / float32(len(vs)*len(vs))
		}
	}
}

// A tally is what a text says for each language.
type tally struct {
	script string
	letter int // characters of that script
	all    int // characters of any
	kana   int
	words  int
	points []float32 // by tongue; 0 for those of other scripts
}

// weigh counts what the beginning of a text says for each language.
func (l *lexicon) weigh(s string) tally {
	if len(s) > sample {
		s = strings.ToValidUTF8(s[:sample], "")
	}
	t := tally{points: make([]float32, len(l.tongues))}
	var counts [len(detectable)]int
	last := 0 // neighbours mostly share a script
	for _, r := range s {
		if r < 0x80 {
			if c := r | 0x20; c >= 'a' && c <= 'z' {
				counts[0]++
			}
			continue
		}
		if !unicode.IsLetter(r) {
			continue
		}
		if !unicode.Is(unicode.Scripts[detectable[last]], r) {
			for i, name := range detectable {
				if unicode.Is(unicode.Scripts[name], r) {
					last = i
					break
				}
			}
			if !unicode.Is(unicode.Scripts[detectable[last]], r) {
				continue
			}
		}
		counts[last]++
		for _, v := range l.letters[unicode.ToLower(r)] {
			t.points[v.tongue] += v.points
		}
	}
	for i, name := range detectable {
		t.all += counts[i]
		if counts[i] > t.letter {
			t.script, t.letter = name, counts[i]
		}
		if name == "Hiragana" || name == "Katakana" {
			t.kana += counts[i]
		}
	}
	for w := range strings.FieldsSeq(newView(s).norm) {
		t.words++
		for _, v := range l.stops[w] {
			t.points[v.tongue] += v.points
		}
	}
	return t
}

// lang names the language that the tally speaks for, "" when nothing does.
func (l *lexicon) lang(t tally) string {
	if t.kana*10 > t.letter {
		return "ja"
	}
	best, second, rivals := -1, float32(0), 0
	for i := range l.tongues {
		if l.tongues[i].script != t.script {
			continue
		}
		rivals++
		switch {
		case best < 0 || t.points[i] > t.points[best]:
			if best >= 0 {
				second = t.points[best]
			}
			best = i
		case t.points[i] > second:
			second = t.points[i]
		}
	}
	if best < 0 {
		return ""
	}
	top := t.points[best]
	switch {
	case t.script == "Latin" && top <= 0, t.script == "Han" && t.letter < leastWords, rivals > 1 && t.words < leastWords:
		return ""
	case rivals > 1 && t.words < fewWords && (top < clearScore || top < second*clearLead):
		return ""
	}
	return l.tongues[best].lang
}

// detect names the language of a text, "" when nothing speaks for one.
func (l *lexicon) detect(s string) string { return l.lang(l.weigh(s)) }

// settleLang is the language of a text that declares one, or "". Templates declare the language of their makers, so a
// declaration does not stand against a text that is plainly of another language: written in a script which the declared one
// does not use, or full of words that only the other one has.
func (l *lexicon) settleLang(declared, s string) string {
	t := l.weigh(s)
	found := l.lang(t)
	if declared == "" || found == "" || found == declared || t.letter*10 < t.all*8 {
		return first(declared, found)
	}
	said, got := -1, -1
	for i := range l.tongues {
		switch l.tongues[i].lang {
		case declared:
			said = i
		case found:
			got = i
		}
	}
	switch {
	case said < 0 || got < 0 || otherScript[declared] == t.script: // the votes say nothing of one of them
	case l.tongues[said].script != t.script && t.letter >= fewWords,
		t.words >= 2*fewWords && t.points[got] >= farLead*t.points[said]:
		return found
	}
	return declared
}

// otherScript is a script that a language is written in beside the one languages.yaml gives it.
var otherScript = map[string]string{"sr": "Latin", "ja": "Han", "ko": "Han"}
