package rules

import (
	"slices"
	"strconv"
	"strings"
)

// A Query is a parsed rule.
type Query struct {
	text  string
	root  *node
	warn  []warning
	lists Lists
}

// Lists are those that the query was read with. They must not be changed.
func (q *Query) Lists() Lists { return q.lists }

// String is the query in its canonical form: operators written out, parentheses where they help. It parses to the same
// query.
func (q *Query) String() string {
	var b strings.Builder
	q.root.print(&b)
	return b.String()
}

// Expanded is String with what the $names stand for in their place: two queries of the same form ask for the same.
func (q *Query) Expanded() string {
	var b strings.Builder
	q.root.expand().print(&b)
	return b.String()
}

// expand is n without names of lists.
func (n *node) expand() *node {
	if n.op == opList {
		return n.kids[0].expand()
	}
	if len(n.kids) == 0 {
		return n
	}
	out := *n
	out.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		out.kids[i] = k.expand()
	}
	return &out
}

// Warnings says what in the query is allowed but hardly meant, such as a lower-case `and`, each with its column.
func (q *Query) Warnings() (out []string) {
	for _, w := range q.warn {
		out = append(out, w.String())
	}
	return out
}

type op uint8

const (
	opTerm      op = iota // words in a row
	opPhrase              // quoted words; slop ≥ 0: within that many others
	opValue               // a value of site, url, lang, feed, tag
	opField               // kids[0] in a field
	opList                // $text, which stands for kids[0]
	opAtLeast             // kids[0] occurs count times or more
	opFirst               // kids[0] in the first count words of the body
	opSentence            // kids[0] in one sentence
	opParagraph           // kids[0] in one paragraph
	opNear                // kids in a chain; gaps[i] is between kids[i] and kids[i+1]
	opNot
	opAnd
	opOr
)

// A node of the syntax tree.
type node struct {
	op   op
	pos  int // of its first byte in the query
	kids []*node

	text   string  // as typed: term, phrase (without quotes), value
	words  []piece // of a term (one) or phrase
	slop   int     // of a phrase; -1 without ~
	field  field   // of a field
	quoted bool    // of a value
	gaps   []near  // of a chain of NEAR
	count  int     // of ATLEAST and FIRST
}

// near is one NEAR of a chain: at most n words between, in order if ordered.
type near struct {
	n       int
	ordered bool
}

func (n *node) print(b *strings.Builder) {
	switch n.op {
	case opTerm:
		b.WriteString(n.text)
	case opPhrase:
		b.WriteString(`"` + n.text + `"`)
		if n.slop >= 0 {
			b.WriteString("~" + strconv.Itoa(n.slop))
		}
	case opValue:
		if n.quoted || strings.ContainsAny(n.text, "()") {
			b.WriteString(`"` + n.text + `"`)
		} else {
			b.WriteString(n.text)
		}
	case opField:
		b.WriteString(n.field.String() + ":")
		n.kids[0].printIn(b, opAnd, opOr, opNot, opNear)
	case opList:
		b.WriteString("$" + n.text)
	case opAtLeast, opFirst:
		b.WriteString(n.op.name() + "/" + strconv.Itoa(n.count) + " ")
		n.kids[0].printIn(b, opAnd, opOr, opNot, opNear)
	case opSentence, opParagraph:
		b.WriteString(n.op.name() + " (")
		n.kids[0].print(b)
		b.WriteByte(')')
	case opNot:
		b.WriteString("NOT ")
		n.kids[0].printIn(b, opAnd, opOr, opNot)
	case opAnd:
		for i, k := range n.kids {
			if i > 0 {
				b.WriteString(" AND ")
			}
			k.printIn(b, opOr)
		}
	case opOr:
		for i, k := range n.kids {
			if i > 0 {
				b.WriteString(" OR ")
			}
			k.printIn(b, opAnd)
		}
	case opNear:
		for i, k := range n.kids {
			if i > 0 {
				g, name := n.gaps[i-1], " NEAR/"
				if g.ordered {
					name = " ONEAR/"
				}
				b.WriteString(name + strconv.Itoa(g.n) + " ")
			}
			k.printIn(b, opAnd, opOr, opNot, opNear)
		}
	}
}

// printIn prints n, in parentheses if its operator is one of those.
func (n *node) printIn(b *strings.Builder, ops ...op) {
	for _, o := range ops {
		if n.op == o {
			b.WriteByte('(')
			n.print(b)
			b.WriteByte(')')
			return
		}
	}
	n.print(b)
}

// A field of an article that a query can name. The fields of words are bits, so that a scope is a set of them.
type field uint8

const (
	fTitle field = 1 << iota
	fBody
	fLead
	fAuthor
	fAgency
	// From here on fields hold a value, not words.
	fSite field = 32 + iota
	fURL
	fLang
	fFeed
	fTag

	bare = fTitle | fBody
)

func (f field) value() bool { return f > 32 }

// fieldNames is read only; its order is that of the grammar.
var fieldNames = [...]struct {
	name string
	f    field
}{{"title", fTitle}, {"lead", fLead}, {"body", fBody}, {"author", fAuthor}, {"site", fSite}, {"url", fURL}, {"lang", fLang},
	{"feed", fFeed}, {"tag", fTag}, {"agency", fAgency}}

func (f field) String() string {
	for _, x := range fieldNames {
		if x.f == f {
			return x.name
		}
	}
	return "title and body"
}

func fieldOf(name string) (field, bool) {
	for _, x := range fieldNames {
		if x.name == name {
			return x.f, true
		}
	}
	return 0, false
}

// has reports whether n, or a node below it, is an o.
func (n *node) has(o op) bool {
	return n.op == o || slices.ContainsFunc(n.kids, func(k *node) bool { return k.has(o) })
}

// holdsOnNothing finds what makes n hold for a text in which none of its terms occurs, so that the rule would fire on
// almost everything; nil if nothing does.
func (n *node) holdsOnNothing() *node {
	switch n.op {
	case opNot:
		if n.kids[0].holdsOnNothing() == nil {
			return n
		}
		return nil
	case opField, opFirst:
		return n.kids[0].holdsOnNothing()
	case opList: // its inside stands elsewhere
		if n.kids[0].holdsOnNothing() != nil {
			return n
		}
		return nil
	case opAnd:
		var first *node
		for _, k := range n.kids {
			x := k.holdsOnNothing()
			if x == nil {
				return nil
			}
			if first == nil {
				first = x
			}
		}
		return first
	case opOr:
		for _, k := range n.kids {
			if x := k.holdsOnNothing(); x != nil {
				return x
			}
		}
	}
	return nil
}

// Terms lists the terms, phrases and values of the query, each as a query of its own in its field, each once, in order.
func (q *Query) Terms() []string {
	var out []string
	var walk func(n, in *node)
	walk = func(n, in *node) {
		switch n.op {
		case opField:
			walk(n.kids[0], n)
			return
		case opTerm, opPhrase, opValue:
			t := n.within(nil)
			if in != nil {
				t = in.field.String() + ":" + t
			}
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
		for _, k := range n.kids {
			walk(k, in)
		}
	}
	walk(q.root, nil)
	return out
}

// Lines is the query in its canonical form, on several lines where one would be longer than width characters: one for each member of
// an outer OR or AND.
func (q *Query) Lines(width int) []string {
	whole := q.String()
	if len([]rune(whole)) <= width || q.root.op != opAnd && q.root.op != opOr {
		return []string{whole}
	}
	var out []string
	for i, k := range q.root.kids {
		var b strings.Builder
		if i > 0 {
			b.WriteString(map[op]string{opAnd: "AND ", opOr: "OR "}[q.root.op])
		}
		if q.root.op == opAnd {
			k.printIn(&b, opOr)
		} else {
			k.printIn(&b, opAnd)
		}
		out = append(out, b.String())
	}
	return out
}
