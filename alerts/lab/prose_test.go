package lab

import (
	"math/rand/v2"
	"os"
	"strings"
)

func large() string { return os.Getenv("WIREWATCH_LARGE") }

// prose has the shape of a language: a few words, short ones, are most of the text.
type prose struct {
	words []string
	rank  *rand.Zipf
}

func newProse() *prose {
	r := rand.New(rand.NewPCG(3, 3))
	p := &prose{rank: rand.NewZipf(r, 1.1, 3, 39999)}
	seen := map[string]bool{}
	for len(p.words) < 40000 {
		b := make([]byte, 2+len(p.words)*5/40000+r.IntN(6))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgkjqxz"[min(r.IntN(26), r.IntN(26))]
		}
		if w := string(b); !seen[w] {
			seen[w] = true
			p.words = append(p.words, w)
		}
	}
	return p
}

func (p *prose) text(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(p.words[p.rank.Uint64()])
		switch {
		case i%60 == 59:
			b.WriteString(".\n\n")
		case i%12 == 11:
			b.WriteString(". ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
