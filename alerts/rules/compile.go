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
// one must occur for it to match, the rarest choice there is; beside it stands its gate, atoms of which one must occur too. Only
// rules with both are evaluated, on the noted positions alone.
type Set struct {
	rules   []compiled
	lexicon lexicon
	atoms   []atom
	starts  []int32   // by atom: where its filings begin; one more behind the last
	filed   []filing  // the rules to evaluate when an atom occurs
	gates   []int32   // lists of atoms, each behind its length
	always  []int32   // rules with no atom to file them under
	stems   stemIndex // the atoms that are stemmed
	pairs   bool      // some filing has a pair
	fields  field     // fields of words that any rule reads
	pool    sync.Pool // *scratch
}

// An atom is a token that some rule asks for.
type atom struct {
	text  string // folded, or a pattern
	exact string
	wild  bool
	stem  bool
	re    *pattern // nil: text says all
	// Filled in by the lexicon:
	prefix int32 // bytes of a pattern that asks for nothing more than this beginning
	next   int32 // the next atom that the same word finds, or noAtom
}

// A filing is a rule under an atom, worth a look if its gate is open: gate is an atom that must occur, or gateBase less the
// place in Set.gates of a list of atoms of which one must; noGate is always open.
// Where pair is not 0, those two characters must also stand side by side somewhere: in scripts without spaces each of them
// alone is in most articles.
type filing struct {
	rule, gate int32
	pair       pair
}

const (
	noGate   = -1
	gateBase = -2
)

type compiled struct {
	rule  Rule
	root  *code
	langs []string
	sites []string
}

// code is a node of a compiled query. There are many of them: mind the size.
type code struct {
	op    op
	scope field // of terms and phrases: the fields of words they look at
	kind  field // of a value
	slop  int32 // -1: in a row
	atom  int32 // of a term of one atom; else noAtom
	count int   // of ATLEAST and FIRST
	kids  []*code
	words [][]alt // of other terms and phrases: per piece its alternatives
	gaps  []near  // of a chain
	value string  // folded
}

// An alt is one way to write a piece: atoms in a row.
type alt struct {
	ids   []int32
	tight []bool
}

// Compile reads all rules. The error is Mistakes, one for each rule that is wrong, each naming its rule.
func Compile(rules []Rule) (*Set, error) {
	s := &Set{}
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
		if need.entries == nil {
			s.always = append(s.always, n)
		}
		for _, e := range need.entries {
			b.filed = append(b.filed, filedUnder{e.atom, filing{n, b.gate(e.gate), e.pair}})
		}
	}
	if errs != nil {
		return nil, errs
	}
	s.lexicon.build(s.atoms)
	slices.SortStableFunc(b.filed, func(x, y filedUnder) int { return int(x.atom - y.atom) })
	s.starts = make([]int32, len(s.atoms)+1)
	for i, f := range slices.Compact(b.filed) {
		s.filed = append(s.filed, f.filing)
		s.starts[f.atom+1] = int32(i + 1)
	}
	for i := 1; i < len(s.starts); i++ { // atoms with no filings
		s.starts[i] = max(s.starts[i], s.starts[i-1])
	}
	return s, nil
}

// Len is the number of rules.
func (s *Set) Len() int { return len(s.rules) }

type builder struct {
	s     *Set
	ids   map[unit]int32
	filed []filedUnder
	last  struct { // the list that was put into gates last
		ids  []int32
		gate int32
	}
}

type filedUnder struct {
	atom int32
	filing
}

func (b *builder) atom(u unit) int32 {
	u.tight = false
	if id, ok := b.ids[u]; ok {
		return id
	}
	a := atom{text: u.text, exact: u.exact, wild: u.wild(), stem: u.stem}
	if u.re {
		a.re = compilePattern(u.text)
	}
	id := int32(len(b.s.atoms))
	b.s.atoms = append(b.s.atoms, a)
	b.ids[u] = id
	if a.stem {
		b.s.stems.add(id, a.text)
	}
	return id
}

// gate is what a filing says for a list of atoms.
func (b *builder) gate(ids []int32) int32 {
	switch len(ids) {
	case 0:
		return noGate
	case 1:
		return ids[0]
	}
	if b.last.ids == nil || &b.last.ids[0] != &ids[0] { // often the entry before has the same
		b.last.ids, b.last.gate = ids, gateBase-int32(len(b.s.gates))
		b.s.gates = append(append(b.s.gates, int32(len(ids))), ids...)
	}
	return b.last.gate
}

func (b *builder) compile(n *node, scope field) *code {
	c := &code{op: n.op, slop: int32(n.slop), atom: noAtom, gaps: n.gaps}
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
			c.atom, c.words = c.words[0][0].ids[0], nil
		}
	case opList:
		return b.compile(n.kids[0], scope)
	case opFirst, opSentence, opParagraph:
		c.count = n.count
		if scope != fLead {
			scope = fBody
		}
		c.kids = []*code{b.compile(n.kids[0], scope)}
	default:
		c.count = n.count
		for _, k := range n.kids {
			c.kids = append(c.kids, b.compile(k, scope))
		}
	}
	return c
}

// A choice is a set of atoms of which at least one occurs wherever the node holds, and a guess at how often that is; entries
// nil: there is no such set.
type choice struct {
	entries []entry
	cost    int
}

// An entry is an atom of a choice. Where the node holds for its sake, one of the gate occurs too; an empty gate says nothing.
type entry struct {
	atom int32
	gate []int32
	pair pair
}

func (b *builder) need(c *code) choice {
	switch c.op {
	case opTerm, opPhrase:
		if c.atom != noAtom {
			return choice{[]entry{{atom: c.atom}}, b.cost(c.atom)}
		}
		var all []choice
		for _, piece := range c.words {
			var any choice
			for _, a := range piece {
				var row []choice
				for _, id := range a.ids {
					row = append(row, choice{[]entry{{atom: id}}, b.cost(id)})
				}
				one := both(row)
				one.entries[0].pair = b.pair(a)
				any = either(any, one)
			}
			all = append(all, any)
		}
		return both(all)
	case opAnd, opNear:
		var all []choice
		for _, k := range c.kids {
			if x := b.need(k); x.entries != nil {
				all = append(all, x)
			}
		}
		return both(all)
	case opAtLeast, opFirst, opSentence, opParagraph:
		return b.need(c.kids[0])
	case opOr:
		var all choice
		for _, k := range c.kids {
			x := b.need(k)
			if x.entries == nil {
				return choice{}
			}
			all = either(all, x)
		}
		return all
	}
	return choice{}
}

// pair is two characters that stand side by side wherever a does, if there are such.
func (b *builder) pair(a alt) pair {
	single := func(id int32) bool { // then it is found as a whole token or not at all
		x := &b.s.atoms[id]
		r, n := utf8.DecodeRuneInString(x.text)
		return n == len(x.text) && !x.wild && x.re == nil && text.Spaceless(r)
	}
	for i := 1; i < len(a.ids); i++ {
		if a.tight[i] && single(a.ids[i-1]) && single(a.ids[i]) {
			b.s.pairs = true
			x, y := []byte(b.s.atoms[a.ids[i-1]].text), []byte(b.s.atoms[a.ids[i]].text)
			return pairOf(head(x, len(x)), head(y, len(y)))
		}
	}
	return 0
}

// either is a choice for where a or b holds.
func either(a, b choice) choice { return choice{append(a.entries, b.entries...), a.cost + b.cost} }

// both is the cheapest of the choices, which all hold, with the second as the gate of what has none.
func both(l []choice) choice {
	if len(l) == 0 {
		return choice{}
	}
	slices.SortStableFunc(l, func(a, b choice) int { return cmp.Compare(a.cost, b.cost) })
	if len(l) == 1 {
		return l[0]
	}
	var gate []int32
	for _, e := range l[1].entries {
		if !slices.Contains(gate, e.atom) {
			gate = append(gate, e.atom)
		}
		if len(gate) > longestGate {
			return l[0]
		}
	}
	for i := range l[0].entries {
		if l[0].entries[i].gate == nil {
			l[0].entries[i].gate = gate
		}
	}
	return l[0]
}

// longestGate bounds the atoms of a gate: to look at more costs as much as to evaluate the rule.
const longestGate = 16

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
