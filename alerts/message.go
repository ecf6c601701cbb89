package alerts

import (
	"cmp"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// A Message is what there is to say, rendered once for all channels: clean text (see clean), safe links, positions of the
// hits. A channel escapes it for its output and fits it into its limits, and adds nothing of its own.
type Message struct {
	UID       string
	Marks     []string // "TEST", "TROUBLE": what the reader must know before the headline; without brackets
	Rule      string
	Severity  string    // of the rule: low, medium, high, critical; "": not said
	Tags      []string  // of the rule, at most maxTags
	RuleNote  string    // what the rule's author has to say to the reader
	Headline  Passage   // never empty
	Link      string    // where the article is; "": it has no link that is safe to give
	Source    string    // name of the site
	Site      string    // its host
	Published time.Time // UTC; zero: unknown
	DateOnly  bool      // the source gives a day without a time
	Agency    string    // wire agency the text is from, "" when none is named
	Lang      string
	Passages  []Passage // of the body, the best first; none when there is no text
	Changes   []Change  // of an update: what the new version says otherwise; shown to people in place of the passages
	Told      bool      // of an update without new words: people have read the passages
	Items     []Message // of a digest: what it gathers, in the order of commit; a digest has neither link nor passages of its own
	Left      int       // how many items a channel had to leave out; whoever leaves one out says so
	Whole     bool      // no item may be left out: where there is no room for all of them the error is errNoRoom
	Outlets   []Outlet  // who else carries the story, or was counted, at most maxOutlets
	Carried   int       // how many others carry it, those not listed included
	Counted   bool      // they are not of its story: a rule counted them with it
	Notes     []string  // sentences on the text's quality
}

// An Outlet is another site that carries the story, or another article that was counted.
type Outlet struct {
	Name string
	Link string // "" as in Message
}

// Bounds of what a message holds, in characters and in entries. They keep every message inside every receiver's limits
// but for those a channel still has to keep itself.
const (
	nameLen    = 80
	noteLen    = 160
	ruleNote   = 500
	maxTags    = 10
	tagLen     = 40
	maxOutlets = 10
)

// Render makes the message of a delivery.
func Render(d pipeline.Delivery) Message {
	if d.Alert.Kind == pipeline.KindDigest {
		return renderDigest(d)
	}
	a := &d.Alert.Article
	m := Message{
		UID: d.UID, Rule: line(d.Alert.Rule, nameLen), Headline: headline(a.Title, d.Alert.Spans), Link: link(a.URL),
		Site: line(a.Site, nameLen), Published: a.Published.UTC(), DateOnly: len(a.Date) == len(time.DateOnly),
		Agency: line(a.Agency, nameLen), Lang: line(a.Lang, 20),
		Passages: passages(a.Body, d.Alert.Spans),
		Severity: line(d.Alert.About.Severity, nameLen), RuleNote: line(d.Alert.About.Note, ruleNote),
	}
	for _, t := range d.Alert.About.Tags[:min(maxTags, len(d.Alert.About.Tags))] {
		if t = line(t, tagLen); t != "" {
			m.Tags = append(m.Tags, t)
		}
	}
	if d.Alert.Kind == pipeline.KindHealth {
		m.Rule, m.Source, m.Published = "", ownName, d.Alert.Created.UTC()
		m.Marks = append(m.Marks, healthMark(d.Alert.Health))
		if m.Passages = nil; d.Alert.Health.Text != "" { // all of it: it says what to do
			m.Passages = []Passage{{Field: "body", Text: line(d.Alert.Health.Text, healthLen), Hits: []Hit{}}}
		}
	} else if m.Source = line(a.SiteName, nameLen); m.Source == "" {
		m.Source = m.Site
	}
	if m.Headline.Text == "" { // a post without a title: what it says stands for it
		m.Headline.Text = cmp.Or(line(d.Alert.Story.Title, titleLen), opening(m.Passages), m.Link, "(untitled)")
		m.Headline.Hits = []Hit{}
	}
	switch d.Alert.Kind {
	case pipeline.KindMatch, pipeline.KindHealth, "":
	default:
		m.Marks = append(m.Marks, strings.ToUpper(line(d.Alert.Kind, nameLen)))
	}
	if d.Archived {
		m.Marks = append(m.Marks, archiveMark)
	}
	if escalated(d) {
		m.Marks = append(m.Marks, "ESCALATED")
	}
	m.Notes = append(m.Notes, escalationNotes(d)...)
	if u := d.Alert.Update; u != nil {
		m.Changes = changes(u)
		m.Marks = append(m.Marks, updateMarks(u)...)
		m.Told = u.Version == 0
		m.Notes = append(m.Notes, updateNotes(u)...)
	}
	if c := d.Alert.Count; c != nil {
		m.Counted = c.Of == pipeline.CountQuery
		m.Notes = append(m.Notes, countNote(c))
	}
	if a.Source == pipeline.SourceFeed {
		note := "Text from the feed: the page could not be had"
		if w := line(why(a.Why), noteLen); w != "" {
			note = "Text from the feed: " + w
		}
		m.Notes = append(m.Notes, note)
	}
	if a.Paywalled {
		m.Notes = append(m.Notes, "Behind a paywall")
	}
	m.Carried = len(d.Alert.Outlets)
	if u := d.Alert.Update; u != nil {
		m.Carried = max(m.Carried, u.Outlets) // the list is bounded
	}
	for _, o := range d.Alert.Outlets[:min(maxOutlets, len(d.Alert.Outlets))] {
		to := link(o.URL)
		m.Outlets = append(m.Outlets, Outlet{cmp.Or(line(o.SiteName, nameLen), line(o.Site, nameLen), to, "unnamed"), to})
	}
	return m
}

// archiveMark says that a replay tells it: it is of the past.
const archiveMark = "ARCHIVE"

// ownName signs what Wirewatch says of itself.
const ownName = "Wirewatch"

// healthMark tells a trouble from its end.
func healthMark(h pipeline.Health) string {
	switch {
	case h.Notice:
		return "NOTE"
	case h.Over.IsZero():
		return "TROUBLE"
	}
	return "WELL AGAIN"
}

// why puts the one-word reasons of a failure into a sentence.
func why(reason string) string {
	switch reason {
	case "robots":
		return "page forbidden by robots.txt"
	case "paywall":
		return "page behind a paywall"
	case "too large":
		return "page too large"
	}
	return reason
}

func opening(ps []Passage) string {
	if len(ps) == 0 {
		return ""
	}
	return clip(ps[0].Text, 120)
}

// When is the time of publication for people: in UTC, to the minute, or the day alone; "" when unknown.
func (m Message) When() string {
	switch {
	case m.Published.IsZero():
		return ""
	case m.DateOnly:
		return m.Published.Format("2 Jan 2006")
	}
	return m.Published.Format("2 Jan 2006 15:04 UTC")
}

// Context is the line under the headline, in parts: source, time, agency, rule with its severity, its tags. Parts that are unknown are
// left out.
func (m Message) Context() []string {
	agency := m.Agency
	if agency == m.Source {
		agency = "" // an agency's own site need not say so twice
	}
	var out []string
	for _, s := range []string{m.Source, m.When(), agency} {
		if s != "" {
			out = append(out, s)
		}
	}
	switch {
	case m.Rule == "":
	case m.Severity != "":
		out = append(out, "rule: "+m.Rule+" ("+m.Severity+")")
	default:
		out = append(out, "rule: "+m.Rule)
	}
	if len(m.Tags) > 0 {
		out = append(out, "tags: "+strings.Join(m.Tags, ", "))
	}
	return out
}

// shown are the passages for a reader: what changed tells more than where the rule holds, and what was told need not be told again.
func (m Message) shown() []Passage {
	if len(m.Changes) > 0 || m.Told {
		return nil
	}
	return m.Passages
}

// Mark is all marks in brackets with a space behind, "" for none.
func (m Message) Mark() string {
	if len(m.Marks) == 0 {
		return ""
	}
	return "[" + strings.Join(m.Marks, "] [") + "] "
}
