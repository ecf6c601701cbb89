package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"
)

func TestCompileNamesEveryWrongRule(t *testing.T) {
	_, err := Compile([]Rule{{Name: "a", Query: "kim AND"}, {Name: "", Query: "kim"}, {Name: "ok", Query: "kim"}, {Name: "ok", Query: "kim"},
		{Name: "b", Query: "*", Origin: Place{"rules.yaml", 7, 10}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`rule "a": column 8`, "rule 2 has no name", `rule "ok": the name is taken`, `rules.yaml:7:10: rule "b": column 1`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestLimitsOfARule(t *testing.T) {
	set, err := Compile([]Rule{{Name: "ko", Query: "kim", Languages: []string{"ko", "EN"}}, {Name: "bbc", Query: "kim", Sites: []string{"bbc.co.uk"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d    Doc
		want string
	}{
		{Doc{Body: "Kim", Lang: "en-US", Site: "news.bbc.co.uk"}, "[ko bbc]"}, {Doc{Body: "Kim", Lang: "ru", Site: "cnn.com"}, "[]"},
		{Doc{Body: "Kim"}, "[ko]"}, {Doc{Body: "Kim", Lang: "ru", URL: "https://www.bbc.co.uk/x"}, "[bbc]"},
	} {
		got := []string{}
		for _, h := range set.Match(&c.d) {
			got = append(got, h.Rule)
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%+v: %s, want %s", c.d, s, c.want)
		}
	}
}

func TestSpansAreBoundedAndMerged(t *testing.T) {
	set, err := Compile([]Rule{{Name: "r", Query: `kim OR "kim il" OR "il sung"`}})
	if err != nil {
		t.Fatal(err)
	}
	h := set.Match(&Doc{Body: strings.Repeat("Kim Il Sung. ", 1000)})
	if len(h) != 1 || len(h[0].Spans) != MaxSpans || h[0].Spans[1] != (Span{"body", 13, 24}) {
		t.Errorf("%d hits, %d spans, second %v", len(h), len(h[0].Spans), h[0].Spans[1])
	}
}

func TestOneArticleLeavesNothingToTheNext(t *testing.T) {
	set, err := Compile([]Rule{{Name: "r", Query: "kim AND site:bbc.co.uk AND author:lee"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if h := set.Match(&Doc{Title: "Kim", Site: "bbc.co.uk", Authors: []string{"Lee"}}); len(h) != 1 {
			t.Fatal("no hit")
		}
		for _, d := range []*Doc{{}, {Title: "Kim"}, {Site: "bbc.co.uk"}, {Title: "Kim", Authors: []string{"Lee"}}} {
			if h := set.Match(d); len(h) != 0 {
				t.Fatalf("%+v: %v", d, h)
			}
		}
	}
}

func TestMatchIsSafeForConcurrentUse(t *testing.T) {
	set, err := Compile(benchRules(200))
	if err != nil {
		t.Fatal(err)
	}
	docs := benchDocs(20)
	want := make([]string, len(docs))
	for i, d := range docs {
		want[i] = fmt.Sprint(set.Match(d))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, d := range docs {
				if got := fmt.Sprint(set.Match(d)); got != want[i] {
					t.Errorf("document %d: %s, want %s", i, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func TestLines(t *testing.T) {
	set, err := Compile([]Rule{{Name: "arms", Query: "missile*"}, {Name: "lee", Query: "author:lee -tag:sport"}})
	if err != nil {
		t.Fatal(err)
	}
	in := strings.Join([]string{
		`{"id":"1","title":"A missile","text":"Two missiles","extra":{}}`, ``, `{"id":2,"body":"Missile <x>"}`, `{"id":"3","text":5}`, `nonsense`,
		`{"id":"4","author":["Ann Lee"],"tags":["x"]}`, `{"id":"5","author":"Lee","tags":["Sport"]}`, `{"title":"missile","author":null,"text":null}`}, "\n")
	var out bytes.Buffer
	if err := set.Lines(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"id":"1","rule":"arms","spans":[{"field":"title","start":2,"end":9},{"field":"text","start":4,"end":12}]}`,
		`{"id":2,"rule":"arms","spans":[{"field":"body","start":0,"end":7}]}`,
		`{"id":"3","line":4,"err":`, `{"id":"","line":5,"err":`,
		`{"id":"4","rule":"lee","spans":[{"field":"author","start":4,"end":7}]}`,
		`{"id":"","rule":"arms","spans":[{"field":"title","start":0,"end":7}]}`,
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines:\n%s", len(got), out.String())
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || !json.Valid([]byte(got[i])) {
			t.Errorf("line %d: %s, want %s", i+1, got[i], want[i])
		}
	}
}

// A vocabulary has the shape of a language: a few words, short ones, are most of the text.
type vocabulary struct {
	words []string
	rank  *rand.Zipf
}

func newVocabulary() *vocabulary {
	r := rand.New(rand.NewPCG(3, 3))
	v := &vocabulary{rank: rand.NewZipf(r, 1.1, 3, 39999)}
	seen := map[string]bool{}
	for len(v.words) < 40000 {
		b := make([]byte, 2+len(v.words)*5/40000+r.IntN(6))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgkjqxz"[min(r.IntN(26), r.IntN(26))]
		}
		if w := string(b); !seen[w] {
			seen[w] = true
			v.words = append(v.words, w)
		}
	}
	return v
}

func (v *vocabulary) next() string { return v.words[v.rank.Uint64()] }

func benchDocs(n int) []*Doc {
	v := newVocabulary()
	docs := make([]*Doc, n)
	for i := range docs {
		var b strings.Builder
		for k := range 800 {
			w := v.next()
			if k%9 == 0 {
				w = strings.ToUpper(w[:1]) + w[1:]
			}
			b.WriteString(w)
			if k%12 == 11 {
				b.WriteByte('.')
			}
			if k%60 == 59 {
				b.WriteString("\n\n")
			} else {
				b.WriteByte(' ')
			}
		}
		docs[i] = &Doc{Title: v.next() + " " + v.next() + " " + v.next(), Body: b.String(), Lang: "en", Site: "example.org"}
	}
	return docs
}

// benchRules is a mix: half of the rules have NEAR or a wildcard; some three match an article.
func benchRules(n int) []Rule {
	v := newVocabulary()
	r := rand.New(rand.NewPCG(2, 2))
	out := make([]Rule, n)
	for i := range out {
		w := func() string { return v.words[1000+r.IntN(39000)] }
		if i < 4 {
			w = func() string { return v.words[r.IntN(40)] } // rules that match most articles
		}
		var q string
		switch i % 4 {
		case 0:
			q = fmt.Sprintf("(%s OR %s) AND %s", w(), w(), w())
		case 1:
			q = fmt.Sprintf(`"%s %s" OR (%s AND %s NOT zzzz)`, w(), w(), w(), w())
		case 2:
			q = fmt.Sprintf("%s NEAR/6 (%s OR %s)", w(), w(), w())
		case 3:
			q = fmt.Sprintf("%s AND (%s* OR title:%s)", w(), (w() + "ab")[:4], w())
		}
		out[i] = Rule{Name: fmt.Sprint(i), Query: q}
	}
	return out
}

func BenchmarkMatch(b *testing.B) {
	docs := benchDocs(100)
	for _, n := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			set, err := Compile(benchRules(n))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			i, hits, start := 0, 0, cputest.Time(b)
			for b.Loop() {
				hits += len(set.Match(docs[i%len(docs)]))
				i++
			}
			b.ReportMetric(float64(hits)/float64(i), "hits/op")
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "articles/s")
			if used := cputest.Time(b) - start; used > 0 {
				b.ReportMetric(float64(i)/used.Seconds(), "articles/cpu-s")
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	rules := benchRules(10000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(rules); err != nil {
			b.Fatal(err)
		}
	}
}

// A page that repeats one word thousands of times must not stop the matcher.
func TestRepetitiveText(t *testing.T) {
	set, err := Compile([]Rule{{Name: "near", Query: "kim NEAR/9 kim"}, {Name: "far", Query: "kim NEAR/0 putin"}, {Name: "chain", Query: "kim NEAR/3 kim NEAR/3 kim ONEAR/0 xi"},
		{Name: "dead", Query: "kim NEAR/50 kim NEAR/50 kim NEAR/50 kim NEAR/50 kim ONEAR/0 putin"}, {Name: "loose", Query: `"kim kim putin"~20`}, {Name: "phrase", Query: `"kim kim kim kim xi"`}, {Name: "han", Query: "朝朝朝"}})
	if err != nil {
		t.Fatal(err)
	}
	d := &Doc{Body: strings.Repeat("kim ", 3000) + "and and putin" + strings.Repeat("朝", 3000)}
	start := time.Now()
	got := []string{}
	for _, h := range set.Match(d) {
		got = append(got, h.Rule)
	}
	if s := fmt.Sprint(got); s != "[near loose han]" {
		t.Error(s)
	}
	if e := time.Since(start); e > 20*time.Second { // seconds apart from the hours that a search without bounds takes, on any machine
		t.Errorf("took %v", e)
	}
}

// Nor must a query that asks for the same words over and over, on a text that has little else.
func TestRepetitiveQuery(t *testing.T) {
	set, err := Compile([]Rule{{Name: "loose", Query: `"a1 b1 a1 c1 a1 b1 c1 a1"~1000`}, {Name: "nested", Query: strings.Repeat("PARAGRAPH (SENTENCE (", 20) + "a1 b1" + strings.Repeat("))", 20)},
		{Name: "long", Query: `"` + strings.Repeat("朝鮮", 1000) + `"`}})
	if err != nil {
		t.Fatal(err)
	}
	d := &Doc{Body: strings.Repeat("a1 b1 c1.\n\n", 2000) + strings.Repeat("朝鮮", 2000)}
	start := time.Now()
	got := []string{}
	for _, h := range set.Match(d) {
		got = append(got, h.Rule)
	}
	if s := fmt.Sprint(got); s != "[loose nested long]" {
		t.Error(s)
	}
	if e := time.Since(start); e > 20*time.Second {
		t.Errorf("took %v", e)
	}
}

// Nor must a chain that asks for one word more often than the text has it, or for it so often that not all orders can be tried.
func TestRepetitiveChain(t *testing.T) {
	chain := func(words ...string) string { return strings.Join(words, " NEAR/1000 ") }
	many := func(n int, words ...string) string { return chain(slices.Repeat(words, n)...) }
	if _, err := Parse(many(33, "kim")); err == nil || !strings.Contains(err.Error(), "a chain of NEAR joins at most 32 words or lists") {
		t.Errorf("a chain of 33: %v", err)
	}
	set, err := Compile([]Rule{{Name: "short by one", Query: many(32, "kim")}, {Name: "enough", Query: many(31, "kim")},
		{Name: "short by one of two", Query: many(16, "kim", "xi")}, {Name: "ordered", Query: strings.ReplaceAll(many(32, "kim"), "NEAR", "ONEAR")}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got := map[string]bool{}
	for _, h := range set.Match(&Doc{Body: strings.Repeat("kim ", 31)}) {
		got[h.Rule] = true
	}
	if len(got) != 1 || !got["enough"] {
		t.Errorf("31 times kim: %v", got)
	}
	// Fifteen of one word and twenty of another: to refuse it takes more orders than can be tried, so that it counts as found.
	got = map[string]bool{}
	for _, h := range set.Match(&Doc{Body: strings.Repeat("kim ", 15) + strings.Repeat("xi ", 20)}) {
		got[h.Rule] = true
	}
	if len(got) != 1 || !got["short by one of two"] {
		t.Errorf("15 times kim, 20 times xi: %v", got)
	}
	if e := time.Since(start); e > 20*time.Second {
		t.Errorf("took %v", e)
	}
}
