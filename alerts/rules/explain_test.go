package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Random queries and articles, in the words of all scripts that the language treats in a way of its own.
func TestExplainAndRequiredAgreeWithMatch(t *testing.T) {
	held, required, decisions := 0, 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 11))
		s := randomQuery(r, naiveWords, r.IntN(4), true)
		q, err := Parse(s)
		if err != nil {
			continue
		}
		set, err := Compile([]Rule{{Name: "r", Query: s}})
		if err != nil {
			t.Fatal(err)
		}
		need := Required(q)
		for range 8 {
			d := &Doc{Title: randomText(r, 5), Body: randomText(r, 14), Authors: []string{randomText(r, 2), randomText(r, 2)}, Agency: randomText(r, 2)}
			hits := set.Match(d)
			decisions++
			e, err := Explain(q, d)
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			if e.Held != (len(hits) == 1) || e.Held && !slices.Equal(e.Spans, hits[0].Spans) || !e.Held && len(e.Spans) > 0 {
				t.Fatalf("%s\n%#v\nmatcher %v\nexplained %+v", s, d, hits, e)
			}
			consistent(t, e)
			if len(hits) == 0 {
				continue
			}
			held++
			if len(need) > 0 {
				required++
			}
			words := Words(d)
			for _, g := range need {
				if !slices.ContainsFunc(g, func(w string) bool { return has(words, w) }) {
					t.Fatalf("%s\n%#v\nrequires %q, not among %q", s, d, g, words)
				}
			}
		}
	}
	t.Logf("%d decisions, %d held, %d of them with a required word", decisions, held, required)
	if held < decisions/20 || required < held/2 {
		t.Error("too few random queries match: the comparison says little")
	}
}

func has(words []string, w string) bool {
	if p, ok := strings.CutSuffix(w, "*"); ok {
		return slices.ContainsFunc(words, func(x string) bool { return strings.HasPrefix(x, p) })
	}
	return slices.Contains(words, w)
}

// consistent holds a node against its parts.
func consistent(t *testing.T, e Explanation) {
	t.Helper()
	if e.Why == "" || e.Node == "" || e.Held && len(e.Spans) > 0 && len(e.Words) == 0 {
		t.Errorf("says nothing: %+v", e)
	}
	for _, p := range e.Parts {
		consistent(t, p)
	}
}

func TestExplain(t *testing.T) {
	d := &Doc{Title: "Kim visits a plant", Body: "Nato officials saw Kim Jong Un and the missile on the new launch pad.\n\nSung was there: il Kim. He told nobody.",
		Authors: []string{"Ann Lee"}, Site: "news.example.org", Lang: "en"}
	for _, c := range []struct{ query, want string }{
		{`kim`, `✓ kim | 1 × title, 2 × body | Kim`},
		{`putin`, `✗ putin | not in title and body`},
		{`=NATO`, `✗ =NATO | not in title and body as it is written; there is "Nato"`},
		{`title:missile`, `✗ title:missile | not in the title; there is "missile" in the body`},
		{`lee`, `✗ lee | not in title and body; the author has it: write author:lee`},
		{`"kim il sung"`, `✗ "kim il sung" | its words do not stand in a row; with "kim il sung"~2 it would hold`},
		{`"kim il putin"`, `✗ "kim il putin" | not in title and body: putin`},
		{`kim NEAR/1 missile`, "✗ kim NEAR/1 missile | too far apart: it would hold from 4 words between\n  ✓ kim | 1 × title, 2 × body | Kim\n  ✓ missile | in the body | missile"},
		{`missile ONEAR/5 kim`, "✗ missile ONEAR/5 kim | they are near enough, but in another order|"},
		{`ATLEAST/9 kim`, "✗ ATLEAST/9 kim | it occurs 3 times, not 9|"},
		{`title:(ATLEAST/2 kim)`, "✗ title:ATLEAST/2 kim | it occurs once, not 2 times|"},
		{`FIRST/3 missile`, "✗ FIRST/3 missile | further down: it would hold from FIRST/9|"},
		{`FIRST/3 plant`, "✗ FIRST/3 plant | not within the first 1000 words of the body|"},
		{`SENTENCE (missile AND sung)`, "✗ SENTENCE (missile AND sung) | not in one sentence, nor in one paragraph|"},
		{`SENTENCE (missile AND plant)`, "✗ SENTENCE (missile AND plant) | not in the body, where alone there are sentences and paragraphs|"},
		{`PARAGRAPH (missile AND sung)`, "✗ PARAGRAPH (missile AND sung) | not in one paragraph|"},
		{`SENTENCE (sung AND told)`, "✗ SENTENCE (sung AND told) | not in one sentence; with PARAGRAPH it would hold|"},
		{`missile NEAR missile`, "✗ missile NEAR/4 missile | it stands there once only, and no word stands beside itself|"},
		{`site:example.org`, `✓ site:example.org | it is "news.example.org" | news.example.org`},
		{`site:bbc.com OR lang:en`, "✓ site:bbc.com OR lang:en | 1 of 2 hold | en\n  ✗ site:bbc.com | the site is \"news.example.org\"\n  ✓ lang:en | it is \"en\" | en"},
		{`kim NOT (missile OR putin)`, "✗ kim AND NOT (missile OR putin) | 1 of 2 hold\n  ✓ kim | 1 × title, 2 × body | Kim\n  ✗ NOT (missile OR putin) | it is there, and must not be\n    ✓ missile OR putin | 1 of 2 hold | missile\n      ✓ missile | in the body | missile\n      ✗ putin | not in title and body"},
		{`title:(kim NOT putin)`, "✓ title:(kim AND NOT putin) | all 2 hold | Kim\n  ✓ kim | in the title | Kim\n  ✓ NOT putin | it is absent, as asked\n    ✗ putin | not in the title"},
		{`tag:x AND kim`, "✗ tag:x AND kim | 1 of 2 hold\n  ✗ tag:x | the article has no tag\n  ✓ kim | 1 × title, 2 × body | Kim"},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Explain(q, d)
		if err != nil {
			t.Fatal(err)
		}
		want, first := strings.CutSuffix(c.want, "|")
		got := tree(e, "")
		if first {
			got, _, _ = strings.Cut(got, "\n")
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.query, got, want)
		}
	}
}

func tree(e Explanation, indent string) string {
	mark := "✗"
	if e.Held {
		mark = "✓"
	}
	s := fmt.Sprintf("%s%s %s | %s", indent, mark, e.Node, e.Why)
	if len(e.Words) > 0 {
		s += " | " + strings.Join(e.Words, ", ")
	}
	for _, p := range e.Parts {
		s += "\n" + tree(p, indent+"  ")
	}
	return s
}

func TestRequired(t *testing.T) {
	for query, want := range map[string]string{
		`kim AND missile*`:             `[[missile*] [kim]]`,
		`kim OR putin`:                 `[[kim putin]]`,
		`kim OR site:x.org`:            `[]`,
		`(a1 AND b1) OR c1`:            `[[a1 c1] [b1 c1]]`,
		`朝鮮人`:                          `[[朝鮮] [鮮人]]`,
		`K-9`:                          `[[k k9] [9 k9]]`,
		`?9`:                           `[]`,
		`m?ss* kim`:                    `[[kim] [m*]]`,
		`author:lee NOT kim`:           `[[lee]]`,
		`"kim jong" NEAR/3 (a1 OR b1)`: `[[jong] [kim] [a1 b1]]`,
		`site:a.org`:                   `[]`,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(Required(q)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// What an index cannot keep as it is must not cut a word in two, or be read as an operator there.
func TestWordsAreWhole(t *testing.T) {
	for _, w := range Words(&Doc{Title: "㏂ K-9 ﷺ ½ \x00a\"b*c 1,000 AND", Body: strings.Repeat("x", 500)}) {
		if len(w) > maxWord || strings.ContainsFunc(w, func(r rune) bool { return r < 0x80 && !alnum(byte(r)) }) {
			t.Errorf("%q", w)
		}
	}
}
