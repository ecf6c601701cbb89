package alerts

import (
	"fmt"
	"strings"
)

// Text is the message for a terminal or a log: a few lines without a line end behind the last, hits between asterisks.
func Text(m Message) string {
	var b strings.Builder
	b.WriteString(m.Mark() + m.Headline.marked())
	if c := m.Context(); len(c) > 0 {
		b.WriteString("\n  " + strings.Join(c, " · "))
	}
	if m.RuleNote != "" {
		b.WriteString("\n  note: " + m.RuleNote)
	}
	for _, p := range m.shown() {
		b.WriteString("\n  " + p.marked())
	}
	for _, c := range m.Changes {
		b.WriteString("\n  " + c.String())
	}
	for _, x := range m.Items {
		b.WriteString("\n  - " + strings.ReplaceAll(Text(x), "\n", "\n  "))
	}
	if m.Left > 0 {
		b.WriteString("\n  " + m.leftOut())
	}
	if m.Carried > 0 {
		b.WriteString("\n  " + m.carriedBy())
		for i, o := range m.Outlets {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(" " + o.Name)
		}
		if n := m.Carried - len(m.Outlets); n > 0 {
			fmt.Fprintf(&b, " and %d more", n)
		}
	}
	for _, n := range m.Notes {
		b.WriteString("\n  " + n)
	}
	if m.Link != "" {
		b.WriteString("\n  " + m.Link)
	}
	return b.String()
}

func (m Message) carriedBy() string {
	how, others := "Also carried by", "others"
	if m.Counted {
		how = "Counted with"
	}
	if m.Carried == 1 {
		others = "other"
	}
	return fmt.Sprintf("%s %d %s:", how, m.Carried, others)
}

// marked is the passage with its hits between asterisks.
func (p Passage) marked() string {
	var b strings.Builder
	p.runs(func(s string, hit bool) {
		if hit {
			s = "*" + s + "*"
		}
		b.WriteString(s)
	})
	return b.String()
}

// runs calls f for each stretch of the text in order, inside and outside of hits.
func (p Passage) runs(f func(s string, hit bool)) {
	at := 0
	for _, h := range p.Hits {
		if at < h.Start {
			f(p.Text[at:h.Start], false)
		}
		f(p.Text[h.Start:h.End], true)
		at = h.End
	}
	if at < len(p.Text) {
		f(p.Text[at:], false)
	}
}
