package dedup

import "fmt"

// Why says in a sentence what the numbers of a comparison mean, with what it would have taken.
func (c Comparison) Why() string {
	unit := "words"
	if c.Characters {
		unit = "characters"
	}
	numbers := fmt.Sprintf("%.0f%% of the shorter text stands in the other, %.0f%% of both together in both", 100*c.Contained, 100*c.Resembles)
	if c.Refilled {
		return fmt.Sprintf("%s, but most figures differ: a form filled in anew, each time with news of its own", numbers)
	}
	switch c.Relation {
	case RelIdentical:
		return fmt.Sprintf("the same %d %s", c.A, unit)
	case RelCopy, RelVersion:
		return fmt.Sprintf("%s; joining takes %.0f%% and %.0f%%, or %.0f%% and %.0f%%", numbers,
			100*joinContained, 100*joinResembling, 100*wholeContained, 100*wholeResembles)
	case RelExcerpt:
		return fmt.Sprintf("%s: a passage in common, no more; joining takes %.0f%% and %.0f%%, or %.0f%% and %.0f%%", numbers,
			100*joinContained, 100*joinResembling, 100*wholeContained, 100*wholeResembles)
	}
	switch {
	case c.A == 0 || c.B == 0:
		return "a text without words is like no other"
	case c.Shared == 0 && c.Repeated > 0:
		return fmt.Sprintf("all %d %s that both have are lines that a site repeats in other stories", c.Repeated, unit)
	case c.Shared == 0:
		return "no passage of both is the same"
	case min(c.A, c.B) < minWords:
		return fmt.Sprintf("%s, but the shorter one has %d %s: below %d, titles have to agree", numbers, min(c.A, c.B), unit, minWords)
	}
	return fmt.Sprintf("%s: too little; joining takes %.0f%% and %.0f%%, or %.0f%% and %.0f%%", numbers,
		100*joinContained, 100*joinResembling, 100*wholeContained, 100*wholeResembles)
}
