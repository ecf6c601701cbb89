package rules

import (
	"fmt"
	"strings"
)

// Each calls f for the node and all below it, in the order of the query; depth is 0 for the node itself.
func (x *Explanation) Each(f func(depth int, x *Explanation)) { x.each(0, f) }

func (x *Explanation) each(depth int, f func(int, *Explanation)) {
	f(depth, x)
	for i := range x.Parts {
		x.Parts[i].each(depth+1, f)
	}
}

// Line is the node on one line: whether it held, why, and of a node without parts what stands there.
func (x *Explanation) Line() string {
	mark := "✗"
	if x.Held {
		mark = "✓"
	}
	line := mark + " " + x.Node + "  " + x.Why
	if len(x.Words) > 0 && len(x.Parts) == 0 {
		line += ": " + strings.Join(x.Words, ", ")
	}
	return line
}

// Limit names which of the rule's limits keeps it from an article that its query matches.
func (x Rule) Limit(d *Doc) string {
	if x.Sites == nil {
		return fmt.Sprintf("languages: %s; the article is in %q", strings.Join(x.Languages, ", "), d.Lang)
	}
	x.Languages = nil
	if set, err := Compile([]Rule{x}); err == nil && len(set.Match(d)) > 0 {
		return fmt.Sprintf("its languages; the article is in %q", d.Lang)
	}
	return fmt.Sprintf("sites: %s; the article is of %q", strings.Join(x.Sites, ", "), d.Site)
}
