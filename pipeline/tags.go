package pipeline

import (
	"slices"

	"wirewatch/pipeline/text"
)

// joinTags are the tags of a page, and behind them those that only its feed gives: rules ask for either.
func joinTags(page, more []string) []string {
	out := slices.Clone(page)
	for _, t := range more {
		f := text.Fold(t)
		if !slices.ContainsFunc(out, func(o string) bool { return text.Fold(o) == f }) {
			out = append(out, t)
		}
	}
	return out
}
