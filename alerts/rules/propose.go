package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file is what errors propose to write where an operator cannot take what stands beside it: in the words of the query where these
// are few, else in letters.

// maxProposal is how many characters of a query are repeated in a proposal.
const maxProposal = 100

// remedy says what to write where n stands beside o, which cannot take it.
func remedy(n *node, o string) string {
	switch n.op {
	case opAnd:
		return "write (a " + o + " b) AND (a " + o + " c)"
	case opNot:
		return "write (a " + o + " b) AND NOT c"
	case opField:
		return "put the field before the group: " + n.field.String() + ":(a " + o + " b)"
	case opNear:
		return "write the chain without parentheses: a " + o + " b " + o + " c"
	case opAtLeast:
		return "write (a " + o + " b) AND ATLEAST/" + strconv.Itoa(n.count) + " c"
	case opFirst:
		return "put the chain inside: FIRST/" + strconv.Itoa(n.count) + " (a " + o + " b)"
	case opSentence, opParagraph:
		return "put the chain inside: " + n.op.name() + " (a " + o + " b)"
	}
	return "write the words of the phrase as a chain: a " + o + " b " + o + " c"
}

// rewritten is what remedy says of a w b, in the words of the query; "" where there is no short way to say it. bad cannot stand beside w.
func rewritten(a, b, bad *node, w string) string {
	other := a
	if bad == a {
		other = b
	} else if bad != b { // within a group or a list
		return ""
	}
	if operandError(other) != nil {
		return ""
	}
	short := true
	joined := func(k *node) string {
		short = short && operandError(k) == nil
		if bad == a {
			return k.operand() + " " + w + " " + other.operand()
		}
		return other.operand() + " " + w + " " + k.operand()
	}
	out := ""
	switch bad.op {
	case opAnd:
		for _, k := range bad.kids {
			if k.op == opNot {
				out += " AND NOT " + k.kids[0].operand()
			} else {
				out += " AND (" + joined(k) + ")"
			}
		}
		out = "write " + strings.TrimPrefix(out, " AND ")
		short = short && bad.kids[0].op != opNot
	case opField:
		out = "put the field before the group: " + bad.field.String() + ":(" + joined(bad.kids[0]) + ")"
	case opNear:
		var chain strings.Builder
		bad.print(&chain)
		out = "write the chain without parentheses: " + other.operand() + " " + w + " " + chain.String()
		if bad == a {
			out = "write the chain without parentheses: " + chain.String() + " " + w + " " + other.operand()
		}
	case opAtLeast:
		out = "write (" + joined(bad.kids[0]) + ") AND ATLEAST/" + strconv.Itoa(bad.count) + " " + bad.kids[0].operand()
	case opFirst:
		out = "put the chain inside: FIRST/" + strconv.Itoa(bad.count) + " (" + joined(bad.kids[0]) + ")"
	case opSentence, opParagraph:
		out = "put the chain inside: " + bad.op.name() + " (" + joined(bad.kids[0]) + ")"
	}
	if !short || utf8.RuneCountInString(out) > maxProposal {
		return ""
	}
	return out
}

// operand is n as it stands beside an operator.
func (n *node) operand() string {
	var b strings.Builder
	n.printIn(&b, opAnd, opOr, opNot, opNear)
	return b.String()
}
