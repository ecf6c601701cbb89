package alerts

import "wirewatch/pipeline"

// Show is an article as messages show it: its title, and the pieces of its body that show best why it matched.
func Show(title, body string, spans []pipeline.Span) (Passage, []Passage) {
	return headline(title, spans), passages(body, spans)
}

// Runs calls f for each stretch of the text in order, inside and outside of hits.
func (p Passage) Runs(f func(s string, hit bool)) { p.runs(f) }
