package rules

import (
	"strconv"
	"strings"
)

// name is the operator as it is written.
func (o op) name() string {
	switch o {
	case opAtLeast:
		return "ATLEAST"
	case opFirst:
		return "FIRST"
	case opSentence:
		return "SENTENCE"
	case opParagraph:
		return "PARAGRAPH"
	}
	return ""
}

// prefixed reports whether w is an operator that stands before its one operand.
func prefixed(w string) bool {
	switch operator(w) {
	case "ATLEAST", "FIRST", "SENTENCE", "PARAGRAPH":
		return true
	}
	return false
}

// scoped reads ATLEAST/n, FIRST/n, SENTENCE or PARAGRAPH, which is w, and its operand.
func (p *parser) scoped(name, w string) (*node, *Error) {
	pos := p.i
	if p.field.value() {
		return nil, p.fail(pos, name+" counts words, and "+p.field.String()+": is not text", "write "+name+" (…) AND "+p.field.String()+":…")
	}
	if p.depth++; p.depth > maxDepth { // without parentheses too the parser goes down a level
		return nil, p.fail(pos, "more than "+strconv.Itoa(maxDepth)+" operators within each other", "split the rule")
	}
	defer func() { p.depth-- }()
	if name == "ATLEAST" {
		return p.atLeast(w)
	}
	if p.field != 0 && p.field != fBody && p.field != fLead {
		return nil, p.fail(pos, name+" looks at the body alone", "write it without "+p.field.String()+":")
	}
	n := &node{pos: pos}
	switch name {
	case "FIRST":
		n.op = opFirst
		var err *Error
		if n.count, err = p.number(pos, w, name); err != nil {
			return nil, err
		}
		if n.count == 0 {
			return nil, p.fail(pos, "the first 0 words hold nothing", "write how many words to look at: FIRST/100 (…)")
		}
	case "SENTENCE":
		n.op = opSentence
	case "PARAGRAPH":
		n.op = opParagraph
	}
	p.i += len(w)
	if n.op != opFirst {
		if p.space(); p.i == len(p.s) || p.s[p.i] != '(' {
			return nil, p.fail(p.i, name+" takes what it binds together in parentheses", "write "+name+" (a AND b); to find the word itself put it in quotes")
		}
	}
	outer := p.window
	p.window = w
	k, err := p.unit(w)
	p.window = outer
	if err != nil {
		return nil, err
	}
	if bad := k.holdsOnNothing(); bad != nil && n.op != opFirst {
		at := bad.pos
		return nil, p.fail(at, "almost any "+strings.ToLower(name)+" holds what is asked for here: only that something is absent",
			"say what must be there: "+name+" (word AND NOT other)")
	}
	n.kids = []*node{k}
	return n, nil
}

func (p *parser) atLeast(w string) (*node, *Error) {
	pos := p.i
	count, err := p.number(pos, w, "ATLEAST")
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, p.fail(pos, "ATLEAST/0 holds for every article", "write how often it must occur, 1 or more: ATLEAST/3")
	}
	p.i += len(w)
	k, err := p.unit(w)
	if err != nil {
		return nil, err
	}
	x := k
	for x.op == opField || x.op == opList {
		x = x.kids[0]
	}
	if x.op == opValue {
		return nil, p.fail(k.pos, "ATLEAST counts words, and "+x.field.String()+": is not text", "remove "+w)
	}
	if bad := operandError(x); bad != nil {
		at := bad.pos
		if x != k && k.op == opList {
			at = k.pos
		}
		return nil, p.fail(at, "ATLEAST counts words, phrases and lists of them joined by OR, not "+describe(bad), p.countInstead(bad, w))
	}
	return &node{op: opAtLeast, pos: pos, count: count, kids: []*node{k}}, nil
}

// countInstead says what to write where ATLEAST, which is w, cannot count n.
func (p *parser) countInstead(n *node, w string) string {
	switch n.op {
	case opAnd:
		each := ""
		for _, k := range n.kids {
			each += " AND " + w + " " + k.operand()
			if operandError(k) != nil || len(each) > maxProposal {
				return "write " + w + " a AND " + w + " b"
			}
		}
		return "write " + strings.TrimPrefix(each, " AND ")
	case opNot:
		return "write " + w + " a AND NOT b"
	case opFirst, opSentence, opParagraph:
		o := n.op.name()
		if n.op == opFirst {
			o += "/" + strconv.Itoa(n.count)
		}
		return "count inside: " + o + " (" + w + " a)"
	case opField:
		return "put the field before: " + n.field.String() + ":" + w + " a"
	case opAtLeast:
		return "keep one of the two"
	}
	return "count one of its words: " + w + " a AND (a NEAR b)"
}

// misspelt refuses what comes close to an operator of this kind.
func (p *parser) misspelt(pos int, w string) *Error {
	name, rest := w, ""
	if i := strings.IndexAny(w, "/0123456789~:"); i > 0 {
		name, rest = w[:i], strings.TrimLeft(w[i:], "/~:")
	}
	number := rest != "" && strings.Trim(rest, "0123456789") == ""
	upper := strings.ToUpper(name)
	behind := p.s[pos+len(w):]
	group := strings.HasPrefix(strings.TrimLeft(behind, " "), "(")
	switch upper {
	case "ATLEAST", "FIRST":
		if w == name && strings.Trim(firstField(behind), "0123456789") == "" && firstField(behind) != "" && name == upper {
			return p.fail(pos, name+" and its number belong together", "write "+name+"/"+firstField(behind)+"; to find the word itself put it in quotes")
		}
		if number && (name == upper || strings.Contains(w, "/")) {
			return p.fail(pos, w+" is no operator", "write "+upper+"/"+rest)
		}
		if w == "ATLEAST" || w == "FIRST" && group {
			return p.fail(pos, w+" takes a number", "write "+w+"/3; to find the word itself put it in quotes")
		}
	case "SENTENCE", "PARAGRAPH":
		if name == upper && w != name {
			return p.fail(pos, upper+" takes no number", "write "+upper+" (a AND b); for words that are close together a NEAR/5 b")
		}
		if w == name && name != upper && strings.HasPrefix(behind, "(") {
			p.warnf(pos, "%q is taken as a word to find; the operator is %s", w, upper)
		}
	case "SAME", "SENT", "PARA", "MAXIMUM", "MINIMUM":
		if name == upper && (group || number) {
			o := map[string]string{"SAME": "SENTENCE (a AND b)", "SENT": "SENTENCE (a AND b)", "PARA": "PARAGRAPH (a AND b)", "MINIMUM": "ATLEAST/3 a"}[upper]
			if o == "" {
				return nil
			}
			return p.fail(pos, w+" is no operator", "write "+o+"; to find the word itself put it in quotes")
		}
	}
	return nil
}

func firstField(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// inPhrase refuses or warns of what is an operator elsewhere and only text in a phrase.
func (p *parser) inPhrase(pos int, w string) *Error {
	switch {
	case isList(w):
		p.warnf(pos, "%s in quotes is a word, not the list; to use the list write %s ONEAR/0 \"…\"", w, w)
	case len(w) > 2 && w[0] == '/' && (strings.HasSuffix(w, "/") || strings.HasSuffix(w, "/i")) && strings.ContainsAny(w, `*+?[\.`):
		return p.fail(pos, "a regular expression in a phrase", `write a chain: `+w+` ONEAR/0 "…"`)
	}
	return nil
}
