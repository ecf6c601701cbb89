package rules

import (
	"regexp"
	"strings"
	"testing"

	"wirewatch/pipeline/cputest"
)

// writings turn the words of the English-like texts and rules into words of another script.
var writings = []struct {
	name   string
	spaces bool
	word   func(string) string
	ending func(int) string
}{
	{"russian", true, letters("абвгдежзийклмнопрстуфхцчшщ"), nil},
	{"greek", true, letters("αβγδεζηθικλμνξοπρστυφχψωάέ"), nil},
	{"arabic", true, letters("ابتثجحخدذرزسشصضطظعغفقكلمنه"), nil},
	{"french", true, letters("abcdéfghijklmnopqrstùvwxyz"), nil},
	{"korean", true, pairs(0xac00, 16), func(i int) string { return []string{"", "은", "에서", "을", "의"}[i%5] }},
	{"chinese", false, pairs(0x4e00, 3), nil},
}

func letters(table string) func(string) string {
	to := []rune(table)
	return func(w string) string {
		return strings.Map(func(r rune) rune { return to[r-'a'] }, w)
	}
}

// pairs makes a character of each two letters.
func pairs(first rune, step rune) func(string) string {
	return func(w string) string {
		var b strings.Builder
		for i := 0; i < len(w); i += 2 {
			c := rune(w[i]-'a') * 26
			if i+1 < len(w) {
				c += rune(w[i+1] - 'a')
			}
			b.WriteRune(first + c*step)
		}
		return b.String()
	}
}

// inScript writes the words of s in another script; operators and field names stay.
func inScript(s string, word func(string) string, ending func(int) string) string {
	i := 0
	return regexp.MustCompile(`title:|[A-Za-z]+`).ReplaceAllStringFunc(s, func(w string) string {
		switch w {
		case "title:", "AND", "OR", "NOT", "NEAR":
			return w
		}
		w = word(strings.ToLower(w))
		if ending != nil {
			i++
			w += ending(i)
		}
		return w
	})
}

// BenchmarkScripts matches articles of 800 words in other scripts with 1,000 rules of the mix of BenchmarkMatch.
func BenchmarkScripts(b *testing.B) {
	for _, w := range writings {
		b.Run(w.name, func(b *testing.B) {
			docs, rules := benchDocs(50), benchRules(1000)
			bytes := 0
			for _, d := range docs {
				d.Title, d.Body = inScript(d.Title, w.word, w.ending), inScript(d.Body, w.word, w.ending)
				if !w.spaces {
					d.Body = strings.ReplaceAll(d.Body, " ", "")
				}
				bytes += len(d.Body)
			}
			for i := range rules {
				rules[i].Query = inScript(rules[i].Query, w.word, nil)
			}
			set, err := Compile(rules)
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
			if used := cputest.Time(b) - start; used > 0 {
				b.ReportMetric(float64(i)/used.Seconds(), "articles/cpu-s")
			}
		})
	}
}
