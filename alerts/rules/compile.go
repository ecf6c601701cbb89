package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// A Set is a list of rules compiled for matching. It does not change, and may be used by many goroutines at once.
//
// Every distinct token that any rule asks for is an atom with a number. An article is read once; each of its tokens is
// looked up among the atoms, and a hit is noted under the atom's number. A rule is filed under the atoms of which at least
// one must occur for it to match, the rarest choice there is; only rules with such a hit are evaluated, on the noted
// positions alone.
type Set struct {
	rules  []compiled
	words  map[string][]int32 // folded token -> atoms without wildcards
	starts map[string][]int32 // first two characters -> patterns that begin so
	loose  []int32            // patterns that begin with a wildcard
	atoms  []atom
	filed  [][]int32 // by atom: the rules to evaluate when it occurs
	always []int32   // rules with no atom to file them under
	fields field     // fields of words that any rule reads
	near   bool      // some rule counts words
	stems  stemIndex // the atoms that are stemmed
	pool   sync.Pool // *scratch
}

// An atom is a token that some rule asks for.
type atom struct {
	text  string // folded, or a pattern
	exact string
	wild  bool
	stem  bool
	re    *pattern // nil: text says all
}

// covers reports whether a pattern, of wildcards or a regular expression, covers the word.
func (a *atom) covers(w string) bool {
	if a.re != nil {
		return a.re.match(w)
	}
	return glob(a.text, w)
}

type compiled struct {
	rule  Rule
	root  *code
	langs []string
	sites []string
}

// code is a node of a compiled query.
type code struct {
	op    op
	kids  []*code
	scope field     // of terms and phrases: the fields of words they look at
	words [][]alt   // of terms and phrases: per piece its alternatives
	slop  int       // -1: in a row
	gaps  []near    // of a chain
	value string    // folded
	kind  field     // of a value
	count int       // of ATLEAST and FIRST
	ids   [1]int32  // room for the commonest case
	only  *[1]int32 // a term of one atom: ids
}

// An alt is one way to write a piece: atoms in a row.
type alt struct {
	ids   []int32
	tight []bool
}

// Compile reads all rules. The error is Mistakes, one for each rule that is wrong, each naming its rule.
func Compile(rules []Rule) (*Set, error) {
	s := &Set{words: map[string][]int32{}, starts: map[string][]int32{}}
	b := &builder{s: s, ids: map[unit]int32{}}
	var errs Mistakes
	fail := func(r Rule, format string, args ...any) {
		errs = append(errs, Mistake{r.Origin, fmt.Sprintf(format, args...)})
	}
	seen := map[string]bool{}
	for i, r := range rules {
		switch {
		case strings.TrimSpace(r.Name) == "":
			fail(r, "rule %d has no name: give it one", i+1)
			continue
		case seen[r.Name]:
			fail(r, "rule %q: the name is taken by an earlier rule: names tell alerts apart", r.Name)
			continue
		}
		seen[r.Name] = true
		q, err := ParseWith(r.Query, r.Lists)
		if err != nil {
			errs = append(errs, r.inQuery(err))
			continue
		}
		r.lines = nil // a set outlives the file
		c := compiled{rule: r, root: b.compile(q.root, bare)}
		for _, l := range r.Languages {
			c.langs = append(c.langs, strings.ToLower(l))
		}
		for _, h := range r.Sites {
			c.sites = append(c.sites, host(h))
		}
		n := int32(len(s.rules))
		s.rules = append(s.rules, c)
		need := b.need(c.root)
		if need.ids == nil {
			s.always = append(s.always, n)
		}
		slices.Sort(need.ids)
		for _, id := range slices.Compact(need.ids) {
			b.filed = append(b.filed, [2]int32{id, n})
		}
	}
	if errs != nil {
		return nil, errs
	}
	s.filed = make([][]int32, len(s.atoms))
	for _, f := range b.filed {
		s.filed[f[0]] = append(s.filed[f[0]], f[1])
	}
	return s, nil
}

// Len is the number of rules.
func (s *Set) Len() int { return len(s.rules) }

type builder struct {
	s     *Set
	ids   map[unit]int32
	filed [][2]int32 // atom, rule
}

func (b *builder) atom(u unit) int32 {
	u.tight = false
	if id, ok := b.ids[u]; ok {
		return id
	}
	a := atom{text: u.text, exact: u.exact, wild: u.wild(), stem: u.stem}
	begins := start(a.text)
	if u.re {
		a.re = compilePattern(u.text)
		begins = start(a.re.prefix)
	}
	s := b.s
	id := int32(len(s.atoms))
	s.atoms = append(s.atoms, a)
	b.ids[u] = id
	if a.stem {
		s.stems.add(id, a.text)
	}
	switch {
	case !a.wild:
		s.words[a.text] = append(s.words[a.text], id)
	case begins == "":
		s.loose = append(s.loose, id)
	default:
		s.starts[begins] = append(s.starts[begins], id)
	}
	return id
}

// start is the first two characters of a word or pattern; one, if the word has no more or a wildcard follows; "" where a
// wildcard is first.
func start(w string) string {
	n := 0
	for range 2 {
		r, m := utf8.DecodeRuneInString(w[n:])
		if m == 0 || r == '*' || r == '?' {
			break
		}
		n += m
	}
	return w[:n]
}

func (b *builder) compile(n *node, scope field) *code {
	c := &code{op: n.op, slop: n.slop, gaps: n.gaps}
	switch n.op {
	case opField:
		if n.field.value() {
			return b.compile(n.kids[0], scope)
		}
		return b.compile(n.kids[0], n.field)
	case opValue:
		c.kind = n.field
		c.value = text.Fold(n.text)
		if n.field == fSite {
			c.value = host(n.text)
		}
	case opTerm, opPhrase:
		c.scope = scope
		b.s.fields |= scope
		b.s.near = b.s.near || n.slop >= 0
		for _, p := range n.words {
			var alts []alt
			for _, us := range p.alts {
				var a alt
				for _, u := range us {
					a.ids = append(a.ids, b.atom(u))
					a.tight = append(a.tight, u.tight)
				}
				alts = append(alts, a)
			}
			c.words = append(c.words, alts)
		}
		if len(c.words) == 1 && len(c.words[0]) == 1 && len(c.words[0][0].ids) == 1 {
			c.ids[0] = c.words[0][0].ids[0]
			c.only = &c.ids
		}
	case opList:
		return b.compile(n.kids[0], scope)
	case opFirst, opSentence, opParagraph:
		c.count = n.count
		b.s.near = b.s.near || n.op == opFirst
		if scope != fLead {
			scope = fBody
		}
		c.kids = []*code{b.compile(n.kids[0], scope)}
	case opNear:
		b.s.near = true
		fallthrough
	default:
		c.count = n.count
		for _, k := range n.kids {
			c.kids = append(c.kids, b.compile(k, scope))
		}
	}
	return c
}

// A choice is a set of atoms of which at least one occurs wherever the node holds, and a guess at how often that is; ids
// nil: there is no such set.
type choice struct {
	ids  []int32
	cost int
}

func (b *builder) need(c *code) choice {
	switch c.op {
	case opTerm, opPhrase:
		best := choice{}
		for _, piece := range c.words {
			var any choice
			for _, a := range piece {
				one := choice{ids: []int32{a.ids[0]}, cost: b.cost(a.ids[0])}
				for _, id := range a.ids[1:] {
					if k := b.cost(id); k < one.cost {
						one = choice{ids: []int32{id}, cost: k}
					}
				}
				any = choice{append(any.ids, one.ids...), any.cost + one.cost}
			}
			best = cheaper(best, any)
		}
		return best
	case opAnd, opNear:
		best := choice{}
		for _, k := range c.kids {
			best = cheaper(best, b.need(k))
		}
		return best
	case opAtLeast, opFirst, opSentence, opParagraph:
		return b.need(c.kids[0])
	case opOr:
		var all choice
		for _, k := range c.kids {
			x := b.need(k)
			if x.ids == nil {
				return choice{}
			}
			all = choice{append(all.ids, x.ids...), all.cost + x.cost}
		}
		return all
	}
	return choice{}
}

func cheaper(a, b choice) choice {
	if a.ids == nil || b.ids != nil && cmp.Compare(b.cost, a.cost) < 0 {
		return b
	}
	return a
}

// cost guesses from the length of a word how common it is: there are no statistics to ask, and short words are common in
// every language.
func (b *builder) cost(id int32) int {
	a := b.s.atoms[id]
	n := 0
	word := a.text
	if a.re != nil {
		word = a.re.literal
	}
	for _, r := range word {
		switch {
		case r == '*' || r == '?':
		case text.Spaceless(r):
			n += 2
		case text.Script(r) == "Hang":
			n += 2
		default:
			n++
		}
	}
	k := 2
	switch {
	case n <= 1:
		k = 200
	case n == 2:
		k = 60
	case n == 3:
		k = 30
	case n == 4:
		k = 12
	case n == 5:
		k = 6
	case n == 6:
		k = 4
	}
	switch {
	case a.re != nil:
		k *= 8
	case a.wild:
		k *= 4
	case a.stem:
		k *= 2
	}
	return k
}
