package rules

import (
	"errors"
	"strings"
	"testing"
)

// A query's mistake is placed where a person finds it, in every way that YAML writes text.
func TestPlaceIn(t *testing.T) {
	for _, c := range []struct {
		name, text string
		from       Place
		head       string
		line, col  int
	}{
		{"plain", "query: a AND (b", Place{Line: 1, Col: 8}, "a AND ", 1, 14},
		{"beginning", "query: (b", Place{Line: 1, Col: 8}, "", 1, 8},
		{"wide letters", "query: 북한 AND (러", Place{Line: 1, Col: 8}, "북한 AND ", 1, 15},
		{"folded", "query: >-\n    a AND\n    b (", Place{Line: 2, Col: 5}, "a AND b ", 3, 7},
		{"folded, at a line's beginning", "query: >-\n    a AND\n    (b", Place{Line: 2, Col: 5}, "a AND ", 3, 5},
		{"literal", "query: |\n    a AND\n\n    b (", Place{Line: 2, Col: 5}, "a AND\n\nb ", 4, 7},
		{"single quotes", `query: 'it''s AND ('`, Place{Line: 1, Col: 9}, "it's AND ", 1, 19},
		{"double quotes", `query: "\"a b\" AND ("`, Place{Line: 1, Col: 9}, `"a b" AND `, 1, 21},
		{"an escape that shows nothing of its letter", `query: "\x61 AND ("`, Place{Line: 1, Col: 9}, "a AND ", 1, 9},
		{"a variable", "query: ${X} AND (", Place{Line: 1, Col: 8}, "tin AND ", 1, 8},
		{"no such line", "query: a", Place{Line: 9, Col: 8}, "a", 9, 8},
		{"behind the end", "query: a", Place{Line: 1, Col: 80}, "a", 1, 80},
	} {
		if got := placeIn(strings.Split(c.text, "\n"), c.from, c.head); got.Line != c.line || got.Col != c.col {
			t.Errorf("%s: %d:%d, want %d:%d", c.name, got.Line, got.Col, c.line, c.col)
		}
	}
}

// The caret stands under the place whatever is before it: letters two cells wide, marks, Hangul in its parts, what is not seen.
func TestCaret(t *testing.T) {
	for _, c := range []struct {
		before string
		cells  int
	}{
		{"kim", 3}, {"북한", 4}, {"\u1107\u116e\u11a8", 2}, {"朝鮮", 4}, {"𠮷", 2}, {"ｶﾞｽ", 3}, {"ﾐｻ", 2}, {"ＡＢ", 4}, {"ที่ทำ", 3}, {"क्षे", 2}, {"صَارُوخ", 5}, {"שָׁלוֹם", 4},
		{"e\u0301", 1}, {"می\u200cخو", 4}, {"mis\u00adsile", 7}, {"\u202ekim", 3}, {"kim ✅", 6}, {"a 🙁", 4}, {"a\t", 2}, {"a\u0085", 2},
	} {
		q := "kim AND \"" + c.before + "\" && x"
		_, err := Parse(q)
		if err == nil {
			t.Fatalf("%q can be read", q)
		}
		lines := strings.Split(err.Error(), "\n")
		if got := strings.Index(lines[2], "^"); got != 2+len("kim AND \"\" ")+c.cells {
			t.Errorf("%q: the caret stands at cell %d\n%s", c.before, got, err)
		}
		if strings.ContainsAny(lines[1], "\u00ad\u202e\t\u0085") {
			t.Errorf("%q shows what moves the caret: %q", c.before, lines[1])
		}
	}
}

// A mistake in a list stands at its entry, also where the entry could be values of a field.
func TestListPlaces(t *testing.T) {
	const file = "lists:\n  sites: [bbc.co.uk, \"*.tass.ru\"]\n  arms: [missile*, \"gun && shell\"]\n  more:\n    - |\n      kim AND\n      (putin\n    - 'it''s titel:x'\n  none: []\nrules:\n  - {name: a, query: kim}\n"
	_, err := ParseFile([]byte(file), "f.yaml")
	if err == nil {
		t.Fatal("no mistakes")
	}
	var at []string
	for _, l := range strings.Split(err.Error(), "\n") {
		if strings.HasPrefix(l, "f.yaml") {
			at = append(at, l)
		}
	}
	want := []string{`f.yaml:3:25: list "arms": && is no operator`, `f.yaml:7:7: list "more": this parenthesis is never closed`,
		`f.yaml:9:9: list "none": it is empty: write what it stands for: [missile*, rocket*]`}
	if strings.Join(at, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(at, "\n"))
	}
}

// What is odd about a query is told where it stands in the file; of a list once, and in the list.
func TestOddQueriesHaveAPlace(t *testing.T) {
	list, err := ParseFile([]byte(`lists:
  arms: [missile, 'rocket or shell']
  both: $arms
rules:
- name: a
  query: >
    kim
    and putin
- name: b
  query: "$both AND $arms"
`), "r.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`r.yaml:8:5: rule "a": "and" is taken as a word`, `r.yaml:2:27: list "arms": "or" is taken as a word`} {
		if got := list[i].Odd(); len(got) != 1 || !strings.HasPrefix(got.Error(), want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := (&Rule{Name: "c", Query: "kim and xi"}).Odd(); len(got) != 1 || !strings.HasPrefix(got.Error(), `rule "c": column 5: "and" is taken`) {
		t.Errorf("of no file: %v", got)
	}
}

// A list that is wrong only because of another is not told beside it, and a circle of lists is told once.
func TestMistakesOfListsAreToldOnce(t *testing.T) {
	for in, want := range map[string][]string{
		`{a: $b, b: $a}`:                             {`f:1:12: list "a": in the list $b: a list that is part of itself: $a → $b → $a`},
		`{c: $a, a: $b, b: [x, $a], d: $c}`:          {`f:1:19: list "a": in the list $b: a list`},
		`{a: kim AND, b: $a, c: [$b, y]}`:            {`f:1:19: list "a": nothing after AND`},
		`{a: $b, b: $a, c: $d, d: [$c, x], e: y OR}`: {`f:1:12: list "a"`, `f:1:26: list "c"`, `f:1:49: list "e": nothing after OR`},
	} {
		_, err := ParseFile([]byte("lists: "+in+"\nrules: []"), "f")
		var got Mistakes
		if !errors.As(err, &got) || len(got) != len(want) {
			t.Errorf("%s: %v", in, err)
			continue
		}
		for i, w := range want {
			if !strings.HasPrefix(got[i].Error(), w) {
				t.Errorf("%s: %v, want %s", in, got[i], w)
			}
		}
	}
}

// What an error proposes to write in the words of the query is a query.
func TestProposalsInTheWordsOfTheQuery(t *testing.T) {
	for in, want := range map[string]string{
		`missile NEAR (a1 AND b1)`:               `(missile NEAR a1) AND (missile NEAR b1)`,
		`("north korea" b1 -c1) NEAR/3 missile*`: `("north korea" NEAR/3 missile*) AND (b1 NEAR/3 missile*) AND NOT c1`,
		`a1 NEAR/3 (b1 (c1 OR d1))`:              `(a1 NEAR/3 b1) AND (a1 NEAR/3 (c1 OR d1))`,
		`kim ONEAR/3 title:putin`:                `title:(kim ONEAR/3 putin)`,
		`kim NEAR/3 (putin NEAR/2 xi)`:           `kim NEAR/3 putin NEAR/2 xi`,
		`(putin NEAR/2 xi) ONEAR/3 kim`:          `putin NEAR/2 xi ONEAR/3 kim`,
		`ATLEAST/3 kim NEAR/5 putin`:             `(kim NEAR/5 putin) AND ATLEAST/3 kim`,
		`SENTENCE (kim) NEAR/3 putin`:            `SENTENCE (kim NEAR/3 putin)`,
		`FIRST/9 kim NEAR putin`:                 `FIRST/9 (kim NEAR putin)`,
		`ATLEAST/3 (kim "kim il")`:               `ATLEAST/3 kim AND ATLEAST/3 "kim il"`,
		`a1 NEAR/3 (b1 (c1 d1 OR e1))`:           ``, // no short way to say it
		`a1 NEAR/3 b1 NEAR/2 (c1 d1)`:            ``,
		`a1 NEAR/3 (-b1 c1)`:                     ``,
	} {
		_, err := Parse(in)
		var bad *Error
		if !errors.As(err, &bad) || want != "" && !strings.HasSuffix(bad.Hint, " "+want) || want == "" && !strings.Contains(bad.Hint, "(a NEAR b)") {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
		if _, err := Parse(want); want != "" && err != nil {
			t.Errorf("%s proposes what is no query: %v", in, err)
		}
	}
}
