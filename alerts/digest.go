package alerts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wirewatch/pipeline"
)

// digestRules is how many rules the headline of a digest names.
const digestRules = 3

// renderDigest makes the message of a digest. Its headline counts the articles and names the rules, or counts what the operator is to know;
// each of its items is the message that its delivery would have been.
func renderDigest(d pipeline.Delivery) Message {
	m := Message{UID: d.UID, Source: ownName, Published: d.Alert.Created.UTC(), Marks: []string{"DIGEST"}}
	if d.Archived {
		m.Marks = append(m.Marks, archiveMark)
	}
	var rules []string
	for _, x := range d.Alert.Members {
		x.Archived = false // the digest says so of all
		item := Render(x)
		m.Items = append(m.Items, item)
		if !slices.Contains(rules, item.Rule) {
			rules = append(rules, item.Rule)
		}
	}
	text := fmt.Sprintf("%d articles", len(m.Items))
	if len(m.Items) == 1 {
		text = "1 article"
	}
	switch n := len(rules); {
	case n == digestRules+1:
		text += fmt.Sprintf(" for %s and 1 more rule", strings.Join(rules[:digestRules], ", "))
	case n > digestRules:
		text += fmt.Sprintf(" for %s and %d more rules", strings.Join(rules[:digestRules], ", "), n-digestRules)
	case n > 0:
		text += " for " + strings.Join(rules, ", ")
	}
	if d.Alert.OfHealth() {
		text, m.Marks = healthCount(d.Alert.Members), m.Items[0].Marks
		for _, x := range m.Items {
			if x.Marks[0] == "TROUBLE" { // the gravest stands for all
				m.Marks = x.Marks
			}
		}
	}
	m.Headline = Passage{Field: "title", Text: clip(text, titleLen), Hits: []Hit{}}
	return m
}

// healthCount counts what a digest tells the operator: troubles, what is well again, notes.
func healthCount(members []pipeline.Delivery) string {
	var troubles, over, notes int
	for _, x := range members {
		switch h := x.Alert.Health; {
		case h.Notice:
			notes++
		case h.Over.IsZero():
			troubles++
		default:
			over++
		}
	}
	var out []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{troubles, "1 trouble", "%d troubles"}, {over, "1 is well again", "%d are well again"}, {notes, "1 note", "%d notes"}} {
		switch {
		case c.n == 1:
			out = append(out, c.one)
		case c.n > 1:
			out = append(out, fmt.Sprintf(c.many, c.n))
		}
	}
	return strings.Join(out, ", ")
}

// leftOut says how many items are not shown.
func (m Message) leftOut() string {
	what := "article"
	if len(m.Items) > 0 && m.Items[0].Rule == "" { // it is for the operator
		what = "message"
	}
	if m.Left > 1 {
		what += "s"
	}
	return fmt.Sprintf("and %d more %s, for which there is no room here", m.Left, what)
}

// shorter leaves something out of a digest's items: changes and passages first, from the last item on, then an item. It reports false when
// one bare item is left, or when none may be left out.
func (m *Message) shorter() bool {
	for i := len(m.Items) - 1; i >= 0; i-- {
		if x := m.Items[i]; len(x.Passages)+len(x.Changes) > 0 {
			m.Items = slices.Clone(m.Items) // others hold it too
			m.Items[i].Passages, m.Items[i].Changes = nil, nil
			return true
		}
	}
	if len(m.Items) < 2 || m.Whole {
		return false
	}
	m.Items = m.Items[:len(m.Items)-1]
	m.Left++
	return true
}

// escalated reports whether d escalates an alert, also when a person sends it again.
func escalated(d pipeline.Delivery) bool {
	return d.Bundle.Reason() == pipeline.ForEscalation || len(d.Told) > 0
}

// escalationNotes say of an escalated message who was told first, and of one that may be escalated what keeps it from that.
func escalationNotes(d pipeline.Delivery) (out []string) {
	id := "ID"
	if d.ID != 0 { // else it is a preview, of which nothing is stored
		id = strconv.FormatInt(d.ID, 10)
	}
	ack := "`wirewatch alerts ack " + id + "`"
	if !escalated(d) {
		if e := d.Alert.Escalate; e.To != "" {
			out = append(out, fmt.Sprintf("Goes to %s after %s unless someone acknowledges it: %s", line(e.To, nameLen), pipeline.ShortDuration(e.After), ack))
		}
		return out
	}
	for _, t := range d.Told {
		if t.Sent.IsZero() {
			out = append(out, line(t.Channel, nameLen)+" was to be told first and has not taken it yet")
		} else {
			out = append(out, fmt.Sprintf("%s was told first, on %s", line(t.Channel, nameLen), t.Sent.UTC().Format("2 Jan 2006 15:04 UTC")))
		}
	}
	return append(out, "Nobody has acknowledged it: "+ack)
}
