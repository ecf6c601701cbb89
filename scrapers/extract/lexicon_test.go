package extract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// Every entry of the lexicon is tried on its own example.
func TestLexiconEntries(t *testing.T) {
	l := newExtractor(t).lex
	if len(l.rules) < 300 {
		t.Fatalf("the lexicon has %d entries; is this all of it?", len(l.rules))
	}
	classes := map[string]bool{}
	for _, r := range l.rules {
		classes[r.class] = true
		if r.where == whereMarkup {
			neg, body := l.name(splitName(nil, r.example))
			if (neg == nil || neg.class != r.class) && body == nil {
				t.Errorf("%s: name %q is not found", r.ref, r.example)
			}
			continue
		}
		v := newView(r.example)
		if r.weak {
			if !(r.re != nil && r.re().MatchString(v.fold)) && (r.re != nil || !strings.Contains(v.norm, r.phrase)) {
				t.Errorf("%s: weak entry does not occur in its example %q", r.ref, r.example)
			}
			continue
		}
		if got := l.find(v); got == nil {
			t.Errorf("%s: example %q is not found (folded: %q)", r.ref, r.example, v.fold)
		} else if got.class != r.class {
			t.Logf("%s: example %q is found by %s first", r.ref, r.example, got.ref)
		}
	}
	for _, c := range Classes() {
		if !classes[c] {
			t.Errorf("class %s has no entry", c)
		}
	}
}

// Sentences of journalism that use the words of the lexicon stay.
func TestLexiconSparesJournalism(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "innocent.txt"))
	if err != nil {
		t.Fatal(err)
	}
	x := newExtractor(t)
	n := 0
	const before, after = "The board met in the old town hall on Monday and sat until the evening.", "It will meet again next week, when the report is due to be published."
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		n++
		if r := x.lex.find(newView(line)); r != nil {
			t.Errorf("%s removes %q", r.ref, line)
		}
		want := before + "\n" + line + "\n" + after
		a, err := x.Extract(Input{Text: want})
		if err != nil {
			t.Fatal(err)
		}
		if a.Body != want {
			t.Errorf("text around %q became %q", line, a.Body)
		}
	}
	if n < 80 {
		t.Fatalf("%d sentences, want at least 80", n)
	}
}

func TestLexiconErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, data, want string }{
		"unknown key":       {"donation.yaml", "- phrase: x\n  where: whole\n  example: x\n- phrase: y\n  were: whole\n", `donation.yaml:4: unknown key "were"`},
		"unknown class":     {"gifts.yaml", "- phrase: x\n  where: whole\n  example: x\n", `gifts.yaml:1: unknown class "gifts"`},
		"no example":        {"ad.yaml", "- phrase: x\n  where: whole\n", "ad.yaml:1: entry without an example"},
		"bad where":         {"ad.yaml", "\n- phrase: x\n  where: there\n  example: x\n", `ad.yaml:2: where is "there"`},
		"bad expression":    {"ad.yaml", "- re: '(x'\n  where: whole\n  example: x\n", "ad.yaml:1: error parsing regexp"},
		"not a list":        {"ad.yaml", "phrase: x\n", "ad.yaml:1: want a list"},
		"unknown script":    {"languages.yaml", "- lang: xx\n  script: Runes\n", "languages.yaml:1:"},
		"broken yaml":       {"ad.yaml", "- phrase: [x\n", "ad.yaml"},
		"no phrase":         {"ad.yaml", "- where: whole\n  example: x\n", "ad.yaml:1: entry has neither"},
		"agency of no name": {"agencies.yaml", "- marks: [X]\n", "agencies.yaml:1:"},
	} {
		_, err := New(fstest.MapFS{c.file: {Data: []byte(c.data)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := New(fstest.MapFS{}); err == nil {
		t.Error("an empty lexicon is no error")
	}
}
