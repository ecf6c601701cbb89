package main

import (
	"fmt"
	"strings"
)

// A query is what the languages have in common. Each engine is given its own spelling of it.
type query struct {
	op    string // word, phrase, prefix, pattern, near, loose; and, or, not
	kids  []*query
	words []string // of a leaf: what is typed; of near and loose the operands, each a word or a phrase
	n     int      // of near and loose
	field string   // of a leaf: title or body; "": both
}

func (q *query) leaf() bool { return q.kids == nil }

// leaves appends the leaves of q.
func (q *query) leaves(dst []*query) []*query {
	if q.leaf() {
		return append(dst, q)
	}
	for _, k := range q.kids {
		dst = k.leaves(dst)
	}
	return dst
}

// decide is what q comes to when its leaves are so decided.
func (q *query) decide(leaf func(*query) bool) bool {
	switch q.op {
	case "and":
		return q.kids[0].decide(leaf) && q.kids[1].decide(leaf)
	case "or":
		return q.kids[0].decide(leaf) || q.kids[1].decide(leaf)
	case "not":
		return q.kids[0].decide(leaf) && !q.kids[1].decide(leaf)
	}
	return leaf(q)
}

// rule is q in the language of the rules.
func (q *query) rule() string {
	in := ""
	if q.field != "" {
		in = q.field + ":"
	}
	quoted := func(w string) string {
		if plain(w) {
			return w
		}
		return `"` + w + `"`
	}
	switch q.op {
	case "and", "or", "not":
		return "(" + q.kids[0].rule() + ") " + strings.ToUpper(q.op) + " (" + q.kids[1].rule() + ")"
	case "prefix":
		return in + `"` + q.words[0] + `*"`
	case "near":
		return fmt.Sprintf("%s(%s NEAR/%d %s)", in, quoted(q.words[0]), q.n, quoted(q.words[1]))
	case "loose":
		return fmt.Sprintf(`%s"%s"~%d`, in, strings.Join(q.words, " "), q.n)
	case "pattern":
		return in + q.words[0]
	}
	return in + quoted(q.words[0])
}

// plain reports whether a word can be typed without quotes: letters and digits, and no operator.
func plain(w string) bool {
	for _, r := range w {
		if r < 0x80 && !('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9') {
			return false
		}
	}
	return strings.ToUpper(w) != w && strings.ToLower(w) != "and" && strings.ToLower(w) != "or" && strings.ToLower(w) != "not" && ascii(w[:1])
}

func ascii(s string) bool { return s != "" && s[0] < 0x80 }

// operands are the words of near and loose as leaves of their own.
func (q *query) operands() []*query {
	var out []*query
	for _, w := range q.words {
		out = append(out, &query{op: "phrase", words: []string{w}, field: q.field})
	}
	return out
}
