package rules

import (
	"strings"
	"testing"
)

// A case is a query, an article and the marked text joined by "|"; "" means that the rule must not match.
type operatorCase struct {
	query string
	doc   Doc
	want  string
}

func testOperator(t *testing.T, cases []operatorCase) {
	t.Helper()
	for _, c := range cases {
		if got := marked(t, c.query, &c.doc); got != c.want {
			t.Errorf("%s in %q %q: %q, want %q", c.query, c.doc.Title, c.doc.Body, got, c.want)
		}
	}
}

func body(s string) Doc { return Doc{Body: s} }

func TestRegexp(t *testing.T) {
	testOperator(t, []operatorCase{
		{`/miss?iles?/`, body("A misile, missiles and a Missile."), "misile|missiles|Missile"},
		{`/missile/`, body("missiles"), ""}, // the whole word
		{`/MISS.*/`, body("Missiles"), "Missiles"}, {`/MISS.*/i`, body("missiles"), "missiles"},
		{`/су-?[0-9]+/`, body("Су57 и Су-57"), "Су57|Су-57"}, // parts joined by a hyphen are one word too
		{`/F\d{2}/`, body("an F-16 and an F16, no F1"), "F-16|F16"},
		{`/führ.*/`, body("Fuhrer und Führung"), "Fuhrer|Führung"},
		{`/ра(кет|кетн).*/`, body("Ракеты, рак"), "Ракеты"},
		{`/\p{Greek}{4}/`, body("όπλα και όπλο NATO"), "όπλα|όπλο"},
		{`/북한(군|산)/`, body("북한군이 북한산을 북한은"), "북한군이|북한산을"},
		{`/صاروخ|قنبلة/`, body("والصاروخ"), "والصاروخ"},
		{`/[朝韓]/`, body("朝鮮と韓国"), "朝|韓"},
		{`/kim/ NEAR/1 /put.n/`, body("Kim met Putin"), "Kim|Putin"},
		{`title:/arm(s|ed)/`, Doc{Title: "Arms", Body: "armed"}, "Arms"},
		{`ATLEAST/2 /arm(s|ed)/`, body("arms, armed"), "arms|armed"},
		{`-/arm.*/ kim`, body("Kim armed"), ""},
		{`(/a\/b/ OR kim)`, body("kim"), "kim"},
		{`/\x6bim/`, body("Kim"), "Kim"}, {`/(?:kim|lee)s?/`, body("Kims and Lee"), "Kims|Lee"}, {`/^kim$/`, body("Kim"), "Kim"},
		{`/\Skim/`, body("akim kim"), "akim"}, {`url:/world/`, Doc{URL: "https://a.b/world/1", Body: "x"}, "https://a.b/world/1"},
	})
}

// What every match of an expression must begin with or contain is found, and never more than that.
func TestRegexpLiterals(t *testing.T) {
	for src, want := range map[string][2]string{
		`miss?iles?`: {"mis", "mis"}, `kim`: {"kim", "kim"}, `.*qaeda`: {"", "qaeda"}, `(a|b)cd+`: {"", "c"}, `a?b`: {"", "b"},
		`(?i)kim`: {"", ""}, `kim|lee`: {"", ""}, `(kim)+x`: {"kim", "kim"}, `a{2}b`: {"a", "a"}, `^kim$`: {"", "kim"}, `(abc){0}x.`: {"", "x"},
	} {
		p := compilePattern("/" + src)
		if p.prefix != want[0] || p.literal != want[1] {
			t.Errorf("%s: prefix %q, literal %q, want %q", src, p.prefix, p.literal, want)
		}
	}
}

func TestStemmed(t *testing.T) {
	in := func(lang, s string) Doc { return Doc{Lang: lang, Body: s} }
	testOperator(t, []operatorCase{
		{`~missile`, in("en", "Missiles and a missile"), "Missiles|missile"}, {`~launching`, in("en-GB", "It launched, it launches"), "launched|launches"},
		{`~missile`, in("en", "missive"), ""}, {`missile`, in("en", "missiles"), ""}, {`~die`, in("en", "dying"), "dying"},
		{`~missile`, in("", "Missiles"), "Missiles"}, {`~missile`, in("und", "Missiles"), "Missiles"}, // unknown: by the script
		{`~missile`, in("ru", "ракеты Missiles"), "Missiles"},                                // another script than the article's
		{`~missile`, in("pl", "missiles"), ""}, {`~missile`, in("pl", "missile"), "missile"}, // no stemmer: the word itself
		{`~ракета`, in("ru", "Ракеты, ракетами, ракет, ракетный"), "Ракеты|ракетами|ракет"}, {`~ракета`, in("", "ракетой"), "ракетой"}, {`~ракета`, in("uk", "ракетою"), ""},
		{`~Rakete`, in("de", "Raketen"), "Raketen"}, {`~Haus`, in("de", "Häuser"), "Häuser"}, {`~exporter`, in("fr", "exportait, porte"), "exportait"},
		{`~accord`, in("fr", "l'accord et des accords"), "accord|accords"}, {`~misil`, in("es", "Misiles"), "Misiles"}, {`~füze`, in("tr", "füzeler, füzeleri"), "füzeler|füzeleri"},
		{`~صاروخ`, in("ar", "والصاروخ صاروخين"), "والصاروخ|صاروخين"}, {`~북한`, in("ko", "북한은"), "북한은"}, {`~朝鮮`, in("ja", "朝鮮の"), "朝鮮"},
		{`"~nuclear ~weapon"`, in("en", "a nuclear weapon, nuclear weapons"), "nuclear weapon|nuclear weapons"}, {`"~weapon ~test"~2`, in("en", "tests of weapons"), "tests|weapons"},
		{`~weapon NEAR/1 ~test`, in("en", "tests of weapons"), "tests|weapons"}, {`~e-mail`, in("en", "e-mails and emails"), "e-mails|emails"}, {`title:~missile`, Doc{Title: "Missiles", Body: "missiles", Lang: "en"}, "Missiles"},
		{`~1990s`, in("en", "1990s"), "1990s"}, {`=NATO ~ally`, in("en", "NATO allies"), "NATO|allies"},
	})
}

// No stemmer but the Arabic one touches the letter with which a word begins; the index of stems relies on that.
func TestStemsKeepTheFirstLetter(t *testing.T) {
	var s stemmer
	n := 0
	for i, l := range languages {
		if l.script == "Arab" {
			continue
		}
		for _, w := range append(newVocabulary().words[:3000], "dying", "lying", "tying", "idly", "skies", "ракетами", "наилучший", "gegangen", "ungleich") {
			n++
			if x := s.stem(i, w); x == "" || []rune(x)[0] != []rune(w)[0] {
				t.Errorf("%s: %s becomes %q", l.code, w, x)
			}
		}
	}
	if n == 0 {
		t.Error("no words")
	}
}

func TestAtLeast(t *testing.T) {
	testOperator(t, []operatorCase{
		{`ATLEAST/3 missile*`, body("missile, missiles, missile"), "missile|missiles|missile"}, {`ATLEAST/4 missile*`, body("missile, missiles, missile"), ""},
		{`ATLEAST/2 kim`, Doc{Title: "Kim", Body: "Kim"}, "Kim|Kim"}, {`ATLEAST/2 title:kim`, Doc{Title: "Kim", Body: "Kim"}, ""}, {`title:ATLEAST/2 kim`, Doc{Title: "Kim, Kim"}, "Kim|Kim"},
		{`ATLEAST/2 (kim OR "kim jong")`, body("Kim Jong"), ""}, {`ATLEAST/2 (kim OR "kim jong")`, body("Kim Jong, Kim"), "Kim Jong|Kim"},
		{`ATLEAST/2 "kim kim"`, body("kim kim kim"), ""}, {`ATLEAST/2 "kim kim"`, body("kim kim kim kim"), "kim kim kim kim"},
		{`ATLEAST/2 (kim OR putin)`, body("Kim, Putin"), "Kim|Putin"}, {`ATLEAST/1 kim`, body("Kim"), "Kim"}, {`kim NOT ATLEAST/2 putin`, body("Kim, Putin"), "Kim"},
		{`kim NOT ATLEAST/2 putin`, body("Kim, Putin, Putin"), ""}, {`ATLEAST/2 朝鮮`, body("朝鮮、北朝鮮"), "朝鮮|朝鮮"}, {`ATLEAST/2 북한`, body("북한은 북한의"), "북한은|북한의"},
		{`PARAGRAPH (ATLEAST/2 kim)`, body("Kim.\n\nKim."), ""}, {`PARAGRAPH (ATLEAST/2 kim)`, body("Kim.\n\nKim. Kim."), "Kim|Kim"},
	})
}

func TestFirst(t *testing.T) {
	testOperator(t, []operatorCase{
		{`FIRST/3 kim`, body("one two Kim four Kim"), "Kim"}, {`FIRST/2 kim`, body("one two Kim"), ""}, {`FIRST/9 kim`, Doc{Title: "Kim"}, ""}, {`FIRST/1 kim`, Doc{Title: "one", Body: "Kim"}, "Kim"},
		{`FIRST/4 (kim AND putin)`, body("Kim and, and Putin, Putin"), "Kim|Putin"}, {`FIRST/4 (kim AND putin)`, body("Kim and, and then Putin"), ""}, {`FIRST/4 (kim NEAR/9 putin)`, body("Kim a b c Putin"), ""},
		{`FIRST/2 "jong un"`, body("Kim Jong Un"), ""}, {`FIRST/3 "jong un"`, body("Kim Jong Un"), "Jong Un"}, {`FIRST/2 putin`, body("Kim's Putin"), "Putin"}, // Kim's is one word to a reader
		{`kim FIRST/2 (NOT putin)`, body("Kim and Putin"), "Kim"}, {`kim FIRST/3 (NOT putin)`, body("Kim and Putin"), ""}, {`kim FIRST/3 (NOT putin)`, Doc{Title: "Kim"}, "Kim"},
		{`FIRST/3 (a1 NOT FIRST/1 a1)`, body("b1 a1"), "a1"}, {`lead:FIRST/9 kim`, body("one\n\nKim"), ""}, {`body:FIRST/9 kim`, body("one\n\nKim"), "Kim"}, {`FIRST/4 朝鮮`, body("北朝鮮の"), "朝鮮"}, {`FIRST/2 朝鮮`, body("北朝鮮の"), ""},
	})
}

func TestSentenceAndParagraph(t *testing.T) {
	testOperator(t, []operatorCase{
		{`SENTENCE (kim putin)`, body("Kim came. Putin left."), ""}, {`SENTENCE (kim putin)`, body("Kim came. Putin met Kim. Kim left."), "Putin|Kim"},
		{`SENTENCE(kim AND putin)`, body("Mr. Putin met J. Kim."), "Putin|Kim"}, {`SENTENCE (kim NOT putin)`, body("Kim and Putin."), ""}, {`SENTENCE (kim NOT putin)`, body("Kim and Putin. Kim."), "Kim"},
		{`kim NOT SENTENCE (kim putin)`, body("Kim. Putin."), "Kim"}, {`kim NOT SENTENCE (kim putin)`, body("Kim, Putin."), ""}, {`SENTENCE (kim putin)`, Doc{Title: "Kim and Putin", Body: "x"}, ""},
		{`SENTENCE (kim putin)`, body("Kim and\nPutin."), "Kim|Putin"}, {`SENTENCE (kim putin)`, body("Kim and\n\nPutin."), ""}, {`SENTENCE ("kim jong" OR putin)`, body("Kim. Jong."), ""},
		{`SENTENCE (kim NEAR/9 putin)`, body("Kim. Putin."), ""}, {`SENTENCE ("kim putin"~5)`, body("Kim. Putin a Kim."), "Putin|Kim"}, {`SENTENCE (朝鮮 発射)`, body("朝鮮だ。発射した。"), ""}, {`SENTENCE (朝鮮 発射)`, body("朝鮮が発射した。"), "朝鮮|発射"},
		{`SENTENCE (북한 미사일)`, body("북한은 미사일을 쐈다."), "북한은|미사일을"}, {`SENTENCE (صاروخ OR قنبلة)`, body("صاروخ؟ لا."), "صاروخ"},
		{`PARAGRAPH (kim putin)`, body("Kim came. Putin left.\n\nKim."), "Kim|Putin"}, {`PARAGRAPH (kim putin)`, body("Kim came.\n\nPutin left."), ""}, {`PARAGRAPH (SENTENCE (kim putin) AND xi)`, body("Kim, Putin. Xi.\n\nKim, Putin."), "Kim|Putin|Xi"},
		{`lead:SENTENCE (kim putin)`, body("Kim.\n\nKim, Putin."), ""}, {`SENTENCE (kim) AND putin`, body("Kim. Putin."), "Kim|Putin"}, {`FIRST/4 SENTENCE (kim putin)`, body("a b. Kim met Putin."), ""}, {`FIRST/5 SENTENCE (kim putin)`, body("a b. Kim met Putin."), "Kim|Putin"},
	})
}

var testLists = Lists{
	"arms": {Entries: []string{"missile*", `"ballistic weapon"`, "/su-?[0-9]+/"}}, "dprk": {Entries: []string{`("North Korea" OR DPRK OR 북한)`}},
	"state": {Entries: []string{"kcna.kp", "tass.ru"}}, "deep": {Entries: []string{"$arms", "$dprk"}}, "both": {Entries: []string{"$arms AND $dprk"}}, "Оружие": {Entries: []string{"ракет*"}},
}

func TestLists(t *testing.T) {
	for _, c := range []operatorCase{
		{`$dprk AND $arms`, body("DPRK missiles and an Su-57"), "DPRK|missiles|Su-57"}, {`$deep`, body("a ballistic weapon"), "ballistic weapon"}, {`$arms NEAR/2 $dprk`, body("DPRK fires missiles"), "DPRK|missiles"},
		{`$arms NEAR/0 $dprk`, body("DPRK fires missiles"), ""}, {`title:$arms`, Doc{Title: "Missile", Body: "missile"}, "Missile"}, {`site:$state $arms`, Doc{Body: "missile", Site: "en.tass.ru"}, "missile|en.tass.ru"},
		{`site:$state $arms`, Doc{Body: "missile", Site: "bbc.co.uk"}, ""}, {`kim -$arms`, body("Kim, missiles"), ""}, {`ATLEAST/2 $arms`, body("missile missile"), "missile|missile"}, {`$both OR kim`, body("missile Kim"), "Kim"},
		{`SENTENCE ($arms $dprk)`, body("DPRK. Missile."), ""}, {`$Оружие`, body("Ракеты"), "Ракеты"}, {`$500 AND kim`, body("Kim paid $500"), "Kim|500"},
	} {
		set, err := Compile([]Rule{{Name: "r", Query: c.query, Lists: testLists}})
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if got := spansOf(set.Match(&c.doc), &c.doc); got != c.want {
			t.Errorf("%s in %q: %q, want %q", c.query, c.doc.Body, got, c.want)
		}
		q, err := ParseWith(c.query, testLists) // written out it says the same
		if err != nil {
			t.Fatal(err)
		}
		set, err = Compile([]Rule{{Name: "r", Query: q.Expanded()}})
		if err != nil {
			t.Errorf("%s: %s: %v", c.query, q.Expanded(), err)
			continue
		}
		if got := spansOf(set.Match(&c.doc), &c.doc); got != c.want {
			t.Errorf("%s: %s finds %q, want %q", c.query, q.Expanded(), got, c.want)
		}
	}
	wide := Lists{"a": {Entries: []string{"x1 OR x2"}}}
	name := "a"
	for i := range 16 {
		next := string(rune('b' + i))
		wide[next] = List{Entries: []string{"$" + name, "$" + name}}
		name = next
	}
	for _, c := range []struct {
		query string
		lists Lists
		want  string
	}{
		{`kim $arm`, testLists, "column 5: there is no list $arm\n  kim $arm\n      ^\n  write $arms"}, {`$tanks`, testLists, "known are $arms, $both"}, {`$a`, nil, "under lists: a: [a, b]"},
		{`kim $a`, Lists{"a": {Entries: []string{"$b"}}, "b": {Entries: []string{"$c"}}, "c": {Entries: []string{"$b"}}}, "column 5: in the list $a: in the list $b: "}, {`$` + name, wide, "more than 20000 words"},
		{`kim NEAR/3 $both`, testLists, "column 12: NEAR takes words, phrases and lists of them joined by OR, not AND"}, {`ATLEAST/3 $both`, testLists, "column 11: ATLEAST counts"}, {`$n`, Lists{"n": {Entries: []string{"NOT kim"}}}, "column 1: the rule can match everything"},
		{`title:$s`, Lists{"s": {Entries: []string{"body:kim"}}}, "column 7: in the list $s: a field inside title:"},
	} {
		_, err := ParseWith(c.query, c.lists)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "in the list $b: in the list", "in the list"), strings.ReplaceAll(c.want, "in the list $b: ", "")) {
			t.Errorf("%s: %v, want %s", c.query, err, c.want)
		}
	}
}

func TestListsOfAFile(t *testing.T) {
	got, err := ParseFile([]byte("lists:\n  arms: [missile*, $other]\n  $other: kim OR lee\n  sites: [bbc.co.uk, \"http://x\"]\nrules:\n- name: a\n  query: $arms\n"), "r.yaml")
	if err != nil || len(got) != 1 || got[0].Lists["arms"].Origin != (Place{"r.yaml", 2, 9}) || len(got[0].Lists) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	set, err := Compile(got)
	if err != nil || len(set.Match(&Doc{Body: "Lee"})) != 1 {
		t.Errorf("no match, %v", err)
	}
	for in, want := range map[string]string{
		"lists: {a: $b, b: $a}\nrules: []":                 "f:1:12: list \"a\": in the list $b: a list that is part of itself: $a → $b → $a",
		"lists: {a: kim AND}\nrules: []":                   "f:1:19: list \"a\": nothing after AND",
		"lists: {a: $c, cc: x}\nrules: []":                 "write $cc",
		"lists: {a: }\nrules: []":                          "f:1:12: a must be a list",
		"lists: {a: []}\nrules: []":                        "f:1:12: list \"a\": it is empty: write what",
		"lists: {a b: x}\nrules: []":                       "f:1:9: \"a b\": a list's name begins with a letter",
		"lists: [x]\nrules: []":                            "f:1:8: lists must have names",
		"lists: {a: NOT kim}\nrules: []":                   "the list can match everything",
		"lists: {a: x, $a: y}\nrules: []":                  "the list a is there already, at f:1:12",
		"lists: {a: ['x) OR (y']}\nrules: []":              "this parenthesis closes nothing",
		"lists: {a: x}":                                    "no key rules",
		"lists: {a: x, a: y}\nrules: []":                   "key \"a\" again",
		"list: {a: x}\nrules: []":                          "unknown key \"list\"",
		"lists: {a: {b: c}}\nrules: [{name: a, query: b}]": "a must be a list",
	} {
		if _, err := ParseFile([]byte(in), "f"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestCanonicalFormOfOperators(t *testing.T) {
	for in, want := range map[string]string{
		`/Kim/i  x`: `/Kim/i AND x`, `~a "~b c" ~d`: `~a AND "~b c" AND ~d`, `"a b"~2`: `"a b"~2`, `ATLEAST/03 (aa* OR b)`: `ATLEAST/3 (aa* OR b)`, `ATLEAST/2 title:(a)`: `ATLEAST/2 title:a`, `title:ATLEAST/2 a`: `title:ATLEAST/2 a`,
		`FIRST/100 (a b)`: `FIRST/100 (a AND b)`, `FIRST/100 (a)`: `FIRST/100 a`, `FIRST/9 FIRST/8 a`: `FIRST/9 FIRST/8 a`, `SENTENCE(a b)`: `SENTENCE (a AND b)`, `PARAGRAPH ((a))`: `PARAGRAPH (a)`, `lead:SENTENCE(a)`: `lead:SENTENCE (a)`,
		`-SENTENCE(a) b`: `NOT SENTENCE (a) AND b`, `$arms NEAR (a)`: `$arms NEAR/4 a`, `site:$state b`: `site:$state AND b`, `title:$arms`: `title:$arms`, `FIRST/5 (a NEAR b)`: `FIRST/5 (a NEAR/4 b)`, `FIRST/5 (-a) b`: `FIRST/5 (NOT a) AND b`,
	} {
		q, err := ParseWith(in, testLists)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := q.String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		if r, err := ParseWith(q.String(), testLists); err != nil || shape(r.root) != shape(q.root) {
			t.Errorf("%s is not what it prints as: %s, %v", in, q, err)
		}
	}
}

// A rule with any of the operators is filed under words that it cannot hold without, if it has any.
func TestOperatorsAreFiled(t *testing.T) {
	for _, q := range []string{`/missile.+/`, `~missile`, `ATLEAST/2 kim`, `FIRST/9 kim`, `SENTENCE (kim NOT lee)`, `PARAGRAPH (kim)`, `$arms`, `/[a-c]im/`} {
		set, err := Compile([]Rule{{Name: "r", Query: q, Lists: testLists}})
		if err != nil || len(set.always) > 0 {
			t.Errorf("%s is tried on every article; %v", q, err)
		}
	}
}
