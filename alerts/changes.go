package alerts

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline"
	"wirewatch/pipeline/diff"
	"wirewatch/pipeline/text"
)

// A Change is what a new version says otherwise in one field, as it is shown: the runs one after the other are clean text on one
// line, with an ellipsis where something is left out. No run is empty.
type Change struct {
	Field string `json:"field"` // "title" or "body"
	Runs  []Run  `json:"runs"`
}

// A Run is words that are the same in both versions, were removed, or were added.
type Run struct {
	Op   diff.Op `json:"op"` // same, removed, added
	Text string  `json:"text"`
}

// changes are the changes of an update, the title's first.
func changes(u *pipeline.Update) (out []Change) {
	for _, f := range []struct {
		name   string
		chunks []diff.Chunk
	}{{"title", u.Title}, {"body", u.Body}} {
		if runs := cleanRuns(f.chunks); len(runs) > 0 {
			out = append(out, Change{f.name, runs})
		}
	}
	return out
}

// cleanRuns cleans chunks as one text, so that what acts is found even where it was cut apart.
func cleanRuns(chunks []diff.Chunk) []Run {
	var b strings.Builder
	var marks [2][]Hit // removed, added
	for i, c := range chunks {
		if last, _ := utf8.DecodeLastRuneInString(b.String()); i > 0 && !unicode.IsSpace(last) && !text.Spaceless(last) {
			b.WriteByte(' ') // the last word of a text has nothing behind it
		}
		from := b.Len()
		b.WriteString(c.Text)
		switch h := (Hit{from, b.Len()}); c.Op {
		case diff.Removed:
			marks[0] = append(marks[0], h)
		case diff.Added:
			marks[1] = append(marks[1], h)
		}
	}
	s, removed := clean(b.String(), marks[0])
	_, added := clean(b.String(), marks[1])
	var out []Run
	put := func(op diff.Op, s string) {
		if k := len(out) - 1; strings.TrimSpace(s) == "" && k >= 0 {
			out[k].Text += s
		} else if s != "" {
			out = append(out, Run{op, s})
		}
	}
	at := 0
	for len(removed) > 0 || len(added) > 0 {
		op, list := diff.Removed, &removed
		if len(removed) == 0 || len(added) > 0 && added[0].Start < removed[0].Start {
			op, list = diff.Added, &added
		}
		h := (*list)[0]
		*list = (*list)[1:]
		put(diff.Same, s[at:h.Start])
		put(op, s[h.Start:h.End])
		at = h.End
	}
	put(diff.Same, s[at:])
	return out
}

// updateMarks are what the reader of an update must know before its headline.
func updateMarks(u *pipeline.Update) (out []string) {
	if u.Corrected {
		out = append(out, "CORRECTED")
	}
	if u.Withdrawn {
		out = append(out, "WITHDRAWN")
	}
	return out
}

// updateNotes are sentences on an update.
func updateNotes(u *pipeline.Update) (out []string) {
	before := "before"
	if !u.Told.IsZero() {
		before = "on " + u.Told.UTC().Format("2 Jan 2006 15:04 UTC")
	}
	switch {
	case u.Withdrawn:
		return append(out, "The page of what this rule told "+before+" is gone: its server says 404 or 410")
	case u.Outlets > 0:
		return append(out, "The story has grown since this rule told of it "+before)
	}
	first := fmt.Sprintf("Version %d of what this rule told %s", u.Version, before)
	out = append(out, fmt.Sprintf("%s: %s removed, %d added", first, wordCount(u.Removed), u.Added))
	if u.Corrected {
		out = append(out, "It carries a notice that it was corrected")
	}
	switch {
	case u.Left == 1:
		out = append(out, "1 change is not shown whole")
	case u.Left > 1:
		out = append(out, fmt.Sprintf("%d changes are not shown whole", u.Left))
	}
	if u.Lapsed {
		out = append(out, "The rule does not hold for the new version")
	}
	return out
}

func wordCount(n int) string {
	if n == 1 {
		return "1 word"
	}
	return fmt.Sprintf("%d words", n)
}

// String is the change with [-what was removed-] and {+what was added+}, as wdiff marks it.
func (c Change) String() string {
	var b strings.Builder
	for _, r := range c.Runs {
		s := strings.TrimRight(r.Text, " ")
		tail := r.Text[len(s):]
		switch r.Op {
		case diff.Removed:
			s = "[-" + s + "-]"
		case diff.Added:
			s = "{+" + s + "+}"
		}
		b.WriteString(s + tail)
	}
	return b.String()
}
