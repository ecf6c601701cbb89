package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// A tongue has the shape of a language: a few words, short ones, are most of the text, names of two words come back, and each writes
// its words in its own way.
type tongue struct {
	lang   string
	share  int      // of a hundred articles
	words  []string // the most frequent first
	names  []string // of two words
	space  string   // between words
	stop   string   // ends a sentence
	joined []string // what may be written at the end of a word, as Korean particles are
	before []string // and at its beginning, as Arabic clitics are
	r      *rand.Rand
	rank   *rand.Zipf
	name   *rand.Zipf
}

// A prose writes articles in many tongues, always the same ones for a seed.
type prose struct {
	*rand.Rand
	tongues []*tongue
}

const vocabulary = 40000

func newProse() *prose {
	p := &prose{Rand: rand.New(rand.NewPCG(3, 3))}
	han := letters('一', 3000)
	p.add(&tongue{lang: "en", share: 70, space: " ", stop: ". "}, []rune("etaoinshrdlucmfwypvbgkjqxz"), 2, 6)
	p.add(&tongue{lang: "ru", share: 8, space: " ", stop: ". "}, []rune("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё"), 2, 6)
	p.add(&tongue{lang: "ar", share: 6, space: " ", stop: ". ", before: []string{"ال", "وال", "ب", "و"}}, []rune("ايلمونرتبعدسفهكقحجشصطخذثغضزظ"), 3, 3)
	p.add(&tongue{lang: "ko", share: 4, space: " ", stop: ". ", joined: []string{"은", "는", "에서", "의", "를"}}, letters('가', 1200), 2, 2)
	p.add(&tongue{lang: "zh", share: 5, stop: "。"}, han, 1, 2)
	p.add(&tongue{lang: "ja", share: 3, stop: "。"}, append(letters('ぁ', 80), han[:800]...), 1, 3)
	p.add(&tongue{lang: "el", share: 2, space: " ", stop: ". "}, []rune("αοιετσνηυρπκμλωδγχθφβξζψάέίό"), 2, 6)
	p.add(&tongue{lang: "th", share: 2, stop: " "}, letters('ก', 46), 2, 3)
	return p
}

// letters are n letters from the first on.
func letters(first rune, n int) []rune {
	out := make([]rune, n)
	for i := range out {
		out[i] = first + rune(i)
	}
	return out
}

// add makes a tongue's words of its letters, of which the first are the most frequent, from short to short+long letters.
func (p *prose) add(t *tongue, of []rune, short, long int) {
	t.r = p.Rand
	seen := map[string]bool{}
	for len(t.words) < vocabulary {
		n := short + len(t.words)*long/vocabulary + p.IntN(long)
		w := make([]rune, n)
		for i := range w {
			w[i] = of[min(p.IntN(len(of)), p.IntN(len(of)))]
		}
		if s := string(w); !seen[s] {
			seen[s] = true
			t.words = append(t.words, s)
		}
	}
	for range 2000 {
		t.names = append(t.names, t.words[20+p.IntN(3000)]+t.space+t.words[20+p.IntN(3000)])
	}
	t.rank, t.name = rand.NewZipf(p.Rand, 1.1, 3, vocabulary-1), rand.NewZipf(p.Rand, 1.2, 5, 1999)
	p.tongues = append(p.tongues, t)
}

// tongue is the one that a number from 0 to 99 falls to.
func (p *prose) tongue(n int) *tongue {
	for _, t := range p.tongues {
		if n -= t.share; n < 0 {
			return t
		}
	}
	panic("the shares come to less than a hundred")
}

// write appends n words, in paragraphs of about sixty.
func (t *tongue) write(b *strings.Builder, n int) {
	for i := range n {
		switch {
		case i == 0:
		case i%60 == 0:
			b.WriteString(strings.TrimRight(t.stop, " ") + "\n\n")
		case i%12 == 0:
			b.WriteString(t.stop)
		default:
			b.WriteString(t.space)
		}
		if t.r.IntN(25) == 0 {
			b.WriteString(t.names[t.name.Uint64()])
			continue
		}
		if len(t.before) > 0 && t.r.IntN(3) == 0 {
			b.WriteString(t.before[t.r.IntN(len(t.before))])
		}
		b.WriteString(t.words[t.rank.Uint64()])
		if len(t.joined) > 0 && t.r.IntN(2) == 0 {
			b.WriteString(t.joined[t.r.IntN(len(t.joined))])
		}
	}
}

func (t *tongue) text(n int) string {
	var b strings.Builder
	t.write(&b, n)
	return b.String()
}

// article is number i of of, which are spread over thirty days: 500 to 800 words, and about as much again of blocks that were
// removed.
func (p *prose) article(i, of int) pipeline.Article {
	t := p.tongue(p.IntN(100))
	site := fmt.Sprintf("s%d.example", p.IntN(200))
	a := pipeline.Article{URL: fmt.Sprintf("https://%s/2026/03/%d", site, i), Site: site, SiteName: "Site", Feed: "f", Title: t.text(8 + p.IntN(6)), Body: t.text(500 + p.IntN(301)),
		Authors: []string{t.names[p.IntN(500)]}, Lang: t.lang, Source: pipeline.SourcePage, Relation: "new", Seen: start.Add(time.Duration(i) * (30 * 24 * time.Hour / time.Duration(of))),
		Sketch: make([]byte, 600)}
	a.Published = a.Seen.Add(-time.Duration(p.IntN(120)) * time.Minute)
	for s := range strings.SplitSeq(a.Body, "\n\n") {
		a.Blocks = append(a.Blocks, pipeline.Block{Class: "paragraph", Kept: true, Text: s})
	}
	for range 25 {
		a.Blocks = append(a.Blocks, pipeline.Block{Class: "related", Text: t.text(12), Rule: "links"})
	}
	return a
}
