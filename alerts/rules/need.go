package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// This file is what an index of articles needs to know of the matcher: which words to keep of an article, and which of them a
// query cannot do without. The contract, which a test holds against the matcher: wherever a query matches, each group of
// Required(q) has a word that is among Words(d).

// maxWord bounds the words of an index, in bytes; what is longer is kept by its beginning.
const maxWord = 96

// indexable spells a folded word so that nothing in it could end a word or be an operator in an index: ASCII other than
// letters and digits goes to private characters. The word is cut after maxWord bytes.
func indexable(w string) string {
	plain := len(w) <= maxWord
	for i := 0; i < len(w) && plain; i++ {
		plain = w[i] >= utf8.RuneSelf || alnum(w[i])
	}
	if plain {
		return w
	}
	var b strings.Builder
	for _, r := range w {
		if r < utf8.RuneSelf && !alnum(byte(r)) {
			r += 0xe000
		}
		if b.Len()+utf8.RuneLen(r) > maxWord {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

func alnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// Words lists what an index must know an article by, each once: its folded words, what hyphens and apostrophes join, bare forms
// without particles and clitics, pairs of neighbours in scripts without spaces; of title, body, authors and agency. All are made of
// letters a to z, digits, and characters beyond ASCII.
func Words(d *Doc) []string {
	w := &wordList{seen: make(map[string]struct{}, 512)}
	w.add(d.Title)
	w.add(d.Body)
	for _, a := range d.Authors {
		w.add(a)
	}
	w.add(d.Agency)
	return w.out
}

type wordList struct {
	seen map[string]struct{}
	out  []string
	toks []text.Token
	bare []string
}

func (w *wordList) word(s string) {
	if _, ok := w.seen[s]; ok || s == "" {
		return
	}
	w.seen[s] = struct{}{}
	w.out = append(w.out, indexable(s))
}

func (w *wordList) readings(s string) {
	w.word(s)
	if s != "" && s[0] >= utf8.RuneSelf {
		w.bare = text.AppendBare(w.bare[:0], s)
		for _, b := range w.bare {
			w.word(b)
		}
	}
}

func (w *wordList) add(s string) {
	w.toks = text.AppendTokens(w.toks[:0], s)
	for i, t := range w.toks {
		w.readings(t.Text)
		if i > 0 && lone(t.Text) && lone(w.toks[i-1].Text) {
			w.word(w.toks[i-1].Text + t.Text)
		}
		joined := t.Text
		for j := i + 1; j < len(w.toks) && j < i+maxJoints; j++ {
			if _, ok := text.Joined(s, w.toks[j-1], w.toks[j]); !ok {
				break
			}
			joined += w.toks[j].Text
			w.readings(joined)
		}
	}
}

// lone reports whether a word is one character of a script without spaces.
func lone(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return text.Spaceless(r)
}

// Bounds of what Required says: beyond them it says less.
const (
	maxGroups = 12
	maxGroup  = 400
)

// Required is what an article needs to have for q to match: of each group at least one word, as Words lists them; one that ends
// in * stands for all words that begin so. No group: nothing is required that an index knows, and every article has to be read.
func Required(q *Query) [][]string {
	groups := require(q.root, bare)
	slices.SortStableFunc(groups, func(a, b []string) int { return commonness(a) - commonness(b) })
	return groups[:min(len(groups), maxGroups)]
}

// require gives the groups of a node. A kind of node that it does not know requires nothing.
func require(n *node, scope field) [][]string {
	switch n.op {
	case opTerm, opPhrase:
		if scope.value() {
			return nil
		}
		var out [][]string
		for _, p := range n.words {
			var alts [][][]string
			for _, us := range p.alts {
				alts = append(alts, requireUnits(us))
			}
			out = append(out, anyOf(alts)...)
		}
		return out
	case opField:
		return require(n.kids[0], n.field)
	case opList, opAtLeast, opFirst, opSentence, opParagraph: // its inside stands somewhere, too
		return require(n.kids[0], scope)
	case opAnd, opNear:
		var out [][]string
		for _, k := range n.kids {
			out = append(out, require(k, scope)...)
		}
		return out
	case opOr:
		var kids [][][]string
		for _, k := range n.kids {
			kids = append(kids, require(k, scope))
		}
		return anyOf(kids)
	}
	return nil
}

// requireUnits gives a group of one word for each unit that an index can look up, and for neighbours that touch.
func requireUnits(us []unit) (out [][]string) {
	for i, u := range us {
		if u.stem || u.re {
			continue // an index has neither stems nor an order for expressions
		}
		w := u.text
		if u.wild() {
			at := strings.IndexAny(w, "*?")
			if w = w[:at]; w == "" {
				continue
			}
			out = append(out, []string{indexable(w) + "*"})
			continue
		}
		if i > 0 && u.tight && lone(w) && !us[i-1].wild() && !us[i-1].stem && lone(us[i-1].text) {
			pair := []string{indexable(us[i-1].text + w)}
			if i == 1 {
				out[len(out)-1] = pair // says more than its first character
			} else {
				out = append(out, pair)
			}
			continue
		}
		out = append(out, []string{indexable(w)})
	}
	return out
}

// anyOf gives what holds of each of several lists of groups: one group of each, put together. Of small lists all combinations, of
// others the rarest.
func anyOf(lists [][][]string) [][]string {
	if len(lists) == 0 || slices.ContainsFunc(lists, func(l [][]string) bool { return len(l) == 0 }) {
		return nil
	}
	out := lists[0]
	for _, l := range lists[1:] {
		if len(out)*len(l) > maxGroups {
			out, l = rarest(out), rarest(l)
		}
		var next [][]string
		for _, a := range out {
			for _, b := range l {
				g := append(slices.Clone(a), b...)
				slices.Sort(g)
				if g = slices.Compact(g); len(g) <= maxGroup {
					next = append(next, g)
				}
			}
		}
		if out = next; len(out) == 0 {
			return nil
		}
	}
	return out
}

func rarest(l [][]string) [][]string {
	return [][]string{slices.MinFunc(l, func(a, b []string) int { return commonness(a) - commonness(b) })}
}

// commonness guesses how many articles have a word of a group: short words and beginnings are in many.
func commonness(g []string) (n int) {
	for _, w := range g {
		k := 0
		for _, r := range w {
			k++
			if text.Spaceless(r) || text.Script(r) == "Hang" {
				k++
			}
		}
		if strings.HasSuffix(w, "*") {
			k -= 2
		}
		n += 1 << max(0, 10-k)
	}
	return n
}

// WordsForm is the number of the form of Words. It rises when Words or the words of package text change, so that an index made of
// older ones is made anew.
const WordsForm = 3

// RequiredAny is what an article needs to have for one of the queries to match, as Required says it.
func RequiredAny(qs []*Query) [][]string {
	lists := make([][][]string, len(qs))
	for i, q := range qs {
		lists[i] = Required(q)
	}
	return anyOf(lists)
}
