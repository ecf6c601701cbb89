package rules

import (
	"fmt"
	"sort"
)

// whyTooFew is asked where ATLEAST has something to count, but not enough of it.
func (x *explainer) whyTooFew(n, in *node) string {
	fewer := *n
	found := sort.Search(n.count, func(c int) bool { // the first count, less one, that it does not reach
		fewer.count = c + 1
		return x.holds(fewer.within(in)) == nil
	})
	if found == 1 {
		return fmt.Sprintf("it occurs once, not %d times", n.count)
	}
	return fmt.Sprintf("it occurs %d times, not %d", found, n.count)
}

// whyNotFirst is asked where the inside of FIRST holds somewhere.
func (x *explainer) whyNotFirst(n *node) string {
	wider := *n
	holds := func(c int) bool {
		wider.count = c
		return x.holds(wider.within(nil)) != nil
	}
	if !holds(maxGap) {
		return fmt.Sprintf("not within the first %d words of the body", maxGap)
	}
	return fmt.Sprintf("further down: it would hold from FIRST/%d", sort.Search(maxGap, holds))
}

// whyNotTogether is asked where the inside of SENTENCE or PARAGRAPH holds somewhere.
func (x *explainer) whyNotTogether(n *node) string {
	body := node{op: opField, field: fBody}
	if x.holds(n.kids[0].within(&body)) == nil {
		return "not in the body, where alone there are sentences and paragraphs"
	}
	if n.op == opSentence {
		wider := *n
		if wider.op = opParagraph; x.holds(wider.within(nil)) != nil {
			return "not in one sentence; with PARAGRAPH it would hold"
		}
		return "not in one sentence, nor in one paragraph"
	}
	return "not in one paragraph"
}
