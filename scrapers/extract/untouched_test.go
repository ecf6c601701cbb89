package extract

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// innocents are the sentences of testdata/innocent.txt by language.
func innocents(t *testing.T, l *lexicon) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "innocent.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		lang := guess(l, line)
		out[lang] = append(out[lang], line)
	}
	return out
}

// Clean texts composed at random from sentences of journalism come out untouched, byte for byte, in every language of the
// news, with whatever white space they were typed with.
func TestCleanTextsStayByteForByte(t *testing.T) {
	x := newExtractor(t)
	said := innocents(t, x.lex)
	blanks := []string{" ", "  ", "\u00a0", "\t", " \u200b", "\u2009", "\u3000"} // between sentences
	ends := []string{"\n\n", "\n", "\r\n", "\r\n\r\n", " \n\n", "\t\n", "\n\n\n", " \r\n \r\n", "\n\u00a0\n", "\r\n\t"}
	for _, n := range newsLanguages {
		rnd := rand.New(rand.NewPCG(7, 11)) // the same texts each time
		for i := range 60 {
			var b strings.Builder
			b.WriteString([]string{"", "\n", "\t", "  ", "\r\n"}[i%5])
			end := ends[i%len(ends)]
			for p := range 2 + rnd.IntN(6) {
				if p > 0 {
					b.WriteString(end)
				}
				doubts := 0
				for s := range 1 + rnd.IntN(4) {
					line := said[n.lang][rnd.IntN(len(said[n.lang]))]
					if hinted(x.lex, line) {
						if doubts++; doubts > 1 {
							continue // two hints in one paragraph are what an appeal is known by
						}
					}
					if s > 0 {
						b.WriteString(blanks[rnd.IntN(len(blanks))])
					}
					b.WriteString(line)
				}
			}
			b.WriteString([]string{"", "\n", " \n\n", "\r\n"}[i%4])
			text := b.String()
			a, err := x.Extract(Input{Text: text})
			if err != nil {
				t.Fatal(err)
			}
			want := text
			if a.Title != "" { // a short line above a long text is its headline
				want = strings.TrimLeft(text[strings.Index(text, a.Title)+len(a.Title):], " \t\r\n")
			}
			if a.Body != want {
				t.Errorf("%s:\n%q\nbecame\n%q", n.lang, text, a.Body)
				for _, k := range a.Blocks {
					if !k.Kept {
						t.Logf("%s removed %q", k.Rule, k.Text)
					}
				}
			}
		}
	}
}

// hinted says whether a sentence holds weak evidence of an appeal.
func hinted(l *lexicon, s string) bool {
	v := newView(s)
	return slices.ContainsFunc(l.rules, func(r *rule) bool { return r.weak && r.phrase != "" && strings.Contains(v.norm, r.phrase) })
}

// A headline above a clean text is the title, and what is below it stays as it is.
func TestTextBelowHeadlineStays(t *testing.T) {
	const below = "The harbour board voted on Tuesday to close the northern basin.\r\n\r\nIt will open again in two years,\u00a0the chair said. \r\n"
	a, err := newExtractor(t).Extract(Input{Text: "Harbour closes northern basin\r\n\r\n" + below})
	if err != nil {
		t.Fatal(err)
	}
	if a.Title != "Harbour closes northern basin" || a.Body != below {
		t.Errorf("title %q, body %q", a.Title, a.Body)
	}
}

// Cleaning twice is cleaning once: what was kept has nothing more to remove.
func TestCleanedStaysClean(t *testing.T) {
	x := newExtractor(t)
	files, err := filepath.Glob(filepath.Join("testdata", "articles", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, f := range files {
		ar := readFixture(t, f)
		a, err := x.Extract(Input{HTML: []byte(ar["in.html"]), Text: ar["in.txt"]})
		if err != nil {
			t.Fatal(err)
		}
		kept := a.Paragraphs()
		b, err := x.Extract(Input{Text: a.Body})
		if err != nil {
			t.Fatal(err)
		}
		again := b.Paragraphs()
		if b.Title != "" {
			again = append([]string{b.Title}, again...)
		}
		if ar["in.txt"] != "" && !slices.Equal(kept, again) {
			t.Errorf("%s: kept\n%q\nthen\n%q", f, kept, again)
		}
	}
}
