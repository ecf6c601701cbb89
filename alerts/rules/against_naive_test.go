package rules

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"wirewatch/pipeline/text"
)

// The matcher and the definition agree. RULES_DECISIONS=1000000 makes it a long run, RULES_SEED another one, and RULES_ARTICLES, a
// file of lines {"title","body","lang"}, takes every other batch of texts and words from articles.
func TestAgainstNaive(t *testing.T) {
	few := 100_000
	if raced { // which the decisions have little to do with, but the batches beside one another
		few = 25_000
	}
	goal, first := number(t, "RULES_DECISIONS", few), number(t, "RULES_SEED", 0)
	articles := articlesOf(t, os.Getenv("RULES_ARTICLES"))
	var mu sync.Mutex
	all := tried{ops: map[op]int{}}
	batches := 0
	t.Run("batches", func(t *testing.T) {
		for w := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				for {
					mu.Lock()
					seed, done := uint64(first+batches), all.decisions >= goal
					batches++
					mu.Unlock()
					if done {
						return
					}
					texts := articles
					if seed%2 == 0 {
						texts = nil
					}
					x := tryBatch(t, seed, texts)
					mu.Lock()
					all.decisions, all.held = all.decisions+x.decisions, all.held+x.held
					for o, n := range x.ops {
						all.ops[o] += n
					}
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("seed %d: %d decisions, %d held", first, all.decisions, all.held)
	if all.held < all.decisions/10 {
		t.Error("too few random rules match: the comparison says little")
	}
	for o := opTerm; o <= opOr; o++ {
		if all.ops[o] < all.decisions/500 {
			t.Errorf("operator %d stood in %d rules that held: the comparison says little of it", o, all.ops[o])
		}
	}
}

// tried counts decisions, and by operator the rules that held.
type tried struct {
	decisions, held int
	ops             map[op]int
}

// tryBatch decides random queries on random texts in both ways; of articles, if there are any, on pieces of one of them. Every fourth
// batch is of rare letters and signs.
func tryBatch(t *testing.T, seed uint64, articles []Doc) tried {
	const queries, texts = 50, 20
	r := rand.New(rand.NewPCG(seed, 7))
	words := naiveWords
	var docs []*Doc
	for range texts {
		docs = append(docs, &Doc{Title: randomText(r, 5), Body: randomText(r, 16), Authors: []string{randomText(r, 2), randomText(r, 2)}, Agency: randomText(r, 2),
			Lang: pick(r, []string{"", "en", "en-GB", "fr", "ru", "pl", "ar", "ko", "uk", "und"})})
		about(r, docs[len(docs)-1])
	}
	if articles != nil {
		a := articles[r.IntN(len(articles))]
		for _, d := range docs {
			d.Title, d.Body, d.Lang = stretch(r, a.Title, 6), stretch(r, a.Body, 30), a.Lang
			if r.IntN(3) == 0 {
				d.Authors = []string{stretch(r, a.Body, 2), stretch(r, a.Body, 2)}
			}
		}
		words = wordsOf(r, docs)
	} else if seed%4 == 2 {
		parts := someRare(r)
		for _, d := range docs {
			d.Title, d.Body = rareText(r, parts, 3), rareText(r, parts, 12)
			if r.IntN(3) == 0 {
				d.Authors = []string{rareText(r, parts, 2), rareText(r, parts, 1)}
			}
		}
		words = wordsOf(r, docs)
	}
	var list []Rule
	var trees []*node
	for len(list) < queries {
		s := randomQuery(r, words, 1+r.IntN(3), true)
		q, err := ParseWith(s, naiveLists)
		if err != nil {
			if strings.Contains(err.Error(), "everything") || strings.Contains(err.Error(), "is absent") {
				continue
			}
			t.Fatalf("%s: %v", s, err)
		}
		list = append(list, Rule{Name: fmt.Sprint(len(list)), Query: s, Lists: naiveLists})
		trees = append(trees, q.root)
	}
	set, err := Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	out := tried{ops: map[op]int{}}
	for _, d := range docs {
		got := map[string][]Span{}
		for _, h := range set.Match(d) {
			got[h.Rule] = h.Spans
		}
		n := newNaive(d)
		for i, x := range trees {
			want, places := n.eval(x, bare)
			spans, ok := got[fmt.Sprint(i)]
			out.decisions++
			if want {
				out.held++
				x.walk(func(k *node) { out.ops[k.op]++ })
			}
			if ok != want || want && !slices.Equal(spans, n.spans(places)) {
				t.Fatalf("seed %d\n%s\n%#v\nmatcher %v %v\nnaive   %v %v", seed, list[i].Query, d, ok, spans, want, n.spans(places))
			}
		}
	}
	return out
}

// stretch is a stretch of at most most words of s, as it is printed.
func stretch(r *rand.Rand, s string, most int) string {
	toks := text.Tokens(s)
	if len(toks) == 0 {
		return s
	}
	i := r.IntN(len(toks))
	j := min(len(toks), i+1+r.IntN(most))
	end := len(s)
	if j < len(toks) {
		end = toks[j].Start
	}
	return s[toks[i].Start:end]
}

// wordsOf are words of the texts as somebody would type them: one token, or several that touch or are joined by a sign.
func wordsOf(r *rand.Rand, docs []*Doc) []string {
	words := []string{"the", "zzz"}
	for _, d := range docs {
		for _, s := range []string{d.Title, d.Body} {
			toks := text.Tokens(s)
			for i := range toks {
				j := i
				for j+1 < len(toks) && j < i+4 && r.IntN(3) > 0 && toks[j+1].Start-toks[j].End <= 3 && !strings.ContainsAny(s[toks[j].End:toks[j+1].Start], " \n\t") {
					j++
				}
				if w := s[toks[i].Start:toks[j].End]; typable(w, "") {
					words = append(words, w)
				}
			}
		}
	}
	return words
}

// typable reports whether w is one term in any place where a term can stand.
func typable(w, quote string) bool {
	q, err := Parse(quote + w + quote)
	if err != nil || q.warn != nil || len(q.Terms()) != 1 || strings.ContainsAny(w, ":\"") {
		return false
	}
	return q.root.op == opTerm || q.root.op == opPhrase
}

// shaped makes other terms of a word of an article; in a phrase there are no expressions.
func shaped(r *rand.Rand, w string, quoted bool) string {
	c := []rune(w)
	n := 1 + r.IntN(len(c))
	forms := []string{"=" + w, "~" + w, string(c[:n]) + "*", string(c[:n-1]) + "?" + string(c[n:]), strings.ToUpper(w), strings.ToLower(w),
		strings.ReplaceAll(w, "-", ""), string(c[:n]), string(c[:n]) + "*" + string(c[len(c)-1:])}
	quote := `"`
	if !quoted {
		quote = ""
		head := regexp.QuoteMeta(strings.ReplaceAll(string(c[:n]), "/", ""))
		forms = append(forms, "/"+head+".+/", "/"+head+"?[a-z]*/", "/("+head+"|.?"+string(c[len(c)-1:])+")/")
	}
	if x := pick(r, forms); r.IntN(2) == 0 && typable(x, quote) {
		return x
	}
	if typable(w, quote) {
		return w
	}
	return "zzz"
}

// articlesOf reads a file of articles; "" is none.
func articlesOf(t *testing.T, path string) (out []Doc) {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var x Doc
		if err := d.Decode(&x); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, x)
	}
	if out == nil {
		t.Fatalf("%s: no articles", path)
	}
	return out
}

// number is a setting of the environment.
func number(t *testing.T, name string, otherwise int) int {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
