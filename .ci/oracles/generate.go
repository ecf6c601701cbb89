package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"wirewatch/pipeline/text"
)

// A generator makes queries of the words of the articles, so that they meet. near and pattern: leaves that only some engines know.
type generator struct {
	rand          *rand.Rand
	near, pattern bool
	scripts       [][]*article
}

func newGenerator(seed uint64, articles []*article, o oracle) *generator {
	g := &generator{rand: rand.New(rand.NewPCG(seed, 5)), scripts: byScript(articles)}
	g.near, g.pattern = o.knows("near"), o.knows("pattern")
	return g
}

// query makes one query, of the words of one article.
func (g *generator) query() *query {
	for {
		l := g.scripts[g.rand.IntN(len(g.scripts))]
		if g.rand.IntN(3) == 0 { // half of the words are Latin: so are half of those that are read
			l = g.longest()
		}
		a := l[g.rand.IntN(len(l))]
		src, field := a.Body, "body"
		if g.rand.IntN(5) == 0 {
			src, field = a.Title, "title"
		}
		if words := typed(src); len(words) > 3 {
			if g.rand.IntN(6) > 0 {
				field = ""
			} else if g.rand.IntN(4) == 0 {
				field = "title"
			}
			return g.tree(words, field, g.rand.IntN(3))
		}
	}
}

func (g *generator) longest() []*article {
	return slices.MaxFunc(g.scripts, func(a, b []*article) int { return len(a) - len(b) })
}

func (g *generator) tree(words []string, field string, depth int) *query {
	if depth == 0 {
		return g.leaf(words, field)
	}
	op := []string{"and", "and", "or", "or", "not"}[g.rand.IntN(5)]
	return &query{op: op, kids: []*query{g.tree(words, field, depth-1), g.tree(words, field, g.rand.IntN(depth))}}
}

func (g *generator) leaf(words []string, field string) *query {
	q := &query{op: "word", field: field}
	i := g.rand.IntN(len(words))
	w := g.change(words[i])
	switch k := g.rand.IntN(20); {
	case k < 4 && i+3 < len(words):
		q.op = "phrase"
		j := i + 2 + g.rand.IntN(3)
		row := slices.Clone(words[i:min(j, len(words))])
		if g.rand.IntN(6) == 0 {
			row = slices.Delete(row, 1, 2) // and so most often nowhere
		}
		w = strings.Join(row, " ")
	case k < 7:
		if p, ok := g.prefix(w); ok {
			q.op, w = "prefix", p
		}
	case k < 12 && g.near && i+8 < len(words):
		d := 1 + g.rand.IntN(6)
		a, b := words[i], words[i+d]
		if g.rand.IntN(4) == 0 {
			a = strings.Join(words[i:i+2], " ")
			b = words[i+1+d]
		}
		if g.rand.IntN(2) == 0 {
			a, b = b, a
		}
		if text.Fold(a) == text.Fold(b) && g.rand.IntN(50) > 0 {
			break // the engines differ on what serves both sides, and nothing is as frequent as the
		}
		q.op, q.n = "near", max(0, d-2+g.rand.IntN(4))
		q.words = []string{a, b}
		if g.rand.IntN(4) == 0 && single(words[i]) && single(words[i+d]) && single(words[i+d+1]) && text.Fold(words[i+d+1]) != text.Fold(words[i]) {
			q.op, q.words = "loose", []string{words[i+d], words[i], words[i+d+1]}
		}
		return q
	case k < 10 && g.pattern:
		if p, ok := g.wild(w); ok {
			q.op, w = "pattern", p
		}
	}
	q.words = []string{w}
	return q
}

// change sometimes writes the word as another hand would.
func (g *generator) change(w string) string {
	switch g.rand.IntN(16) {
	case 0:
		return strings.ToUpper(w)
	case 1:
		return strings.ToLower(w)
	case 2:
		return strings.Map(func(r rune) rune {
			if 0x300 <= r && r <= 0x36f {
				return -1
			}
			return r
		}, norm.NFD.String(w))
	case 3:
		return strings.NewReplacer("-", " ", "'", "’", "’", "'", "‑", "-").Replace(w)
	case 4:
		return strings.NewReplacer("-", "", ".", "", ",", "").Replace(w)
	case 5:
		if i := strings.IndexAny(w, "-'’"); i > 0 {
			return w[:i]
		}
	case 6:
		if i := strings.LastIndexAny(w, "-'’"); i > 0 {
			if _, n := utf8.DecodeRuneInString(w[i:]); i+n < len(w) {
				return w[i+n:]
			}
		}
	}
	return w
}

// prefix is the beginning of a word of letters and digits of one kind; ok: there is one of which the languages allow to ask.
func (g *generator) prefix(w string) (string, bool) {
	r := []rune(w)
	for _, c := range r {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) || text.Spaceless(c) {
			return "", false
		}
	}
	if len(r) < 3 || mixedHang.MatchString(w) {
		return "", false
	}
	return string(r[:2+g.rand.IntN(len(r)-2)]), true
}

// wild is the word with a wildcard, or as a regular expression.
func (g *generator) wild(w string) (string, bool) {
	p, ok := g.prefix(w)
	if !ok || text.Script([]rune(w)[0]) == "Hang" || len([]rune(p)) < 3 {
		return "", false
	}
	r := []rune(w)
	n := len([]rune(p))
	switch g.rand.IntN(4) {
	case 0:
		return p + "?" + string(r[n+1:]), true
	case 1:
		return p + "*" + string(r[len(r)-1:]), true
	case 2:
		return "/" + p + ".{1,3}" + "/", true
	}
	return "/(" + p + "|" + string(r[:2]) + ").?" + string(r[len(r)-1:]) + "/", true
}

// single reports whether a word is one token to every engine.
func single(w string) bool {
	for _, r := range w {
		if !unicode.IsLetter(r) || text.Spaceless(r) {
			return false
		}
	}
	return true
}

// typed are the words of s as somebody would type them: what stands between white space, without the signs around it; of scripts
// without spaces a few characters.
func typed(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		w = strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
		w = strings.TrimLeftFunc(w, unicode.IsMark)
		if w == "" || strings.ContainsAny(w, `*?=~"“”„‟«»$|`) || !strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			continue
		}
		r := []rune(w)
		if !strings.ContainsFunc(w, text.Spaceless) {
			out = append(out, w)
			continue
		}
		for len(r) > 0 { // in pieces of one to four, by chance of their own form
			n := min(len(r), 1+int(r[0])%4)
			for n < len(r) && unicode.IsMark(r[n]) {
				n++
			}
			if p := strings.TrimFunc(string(r[:n]), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }); len(text.Tokens(p)) > 0 {
				out = append(out, p)
			}
			r = r[n:]
		}
	}
	return out
}
