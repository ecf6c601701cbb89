package alerts

import (
	"fmt"
	"html"
	"strings"

	"wirewatch/pipeline/diff"
)

// A piece is a stretch of a message's text with one look. Its text is clean and not escaped.
type piece struct {
	text string
	look look
	link string // "": none
}

type look int

const (
	plain look = iota
	bold
	strike
	small // what stands under a headline
)

// layout puts a message into lines: headline, context, passages or changes, the items of a digest, outlets, the rule's note, notes. It is what every
// channel with text of its own shows; the channel says how a look and a link are written and escapes each text.
func layout(m Message) (lines [][]piece) {
	var head []piece
	if mark := m.Mark(); mark != "" {
		head = append(head, piece{mark, bold, ""})
	}
	lines = append(lines, append(head, piece{m.Headline.Text, bold, m.Link}))
	if c := m.Context(); len(c) > 0 {
		lines = append(lines, []piece{{strings.Join(c, " · "), small, ""}})
	}
	return append(lines, details(m)...)
}

// details is layout without headline and context, for channels that have a place of their own for these.
func details(m Message) (lines [][]piece) {
	for _, p := range m.shown() {
		var line []piece
		p.runs(func(s string, hit bool) {
			l := plain
			if hit && len(line) < maxBold {
				l = bold
			}
			line = append(line, piece{s, l, ""})
		})
		lines = append(lines, line)
	}
	for _, c := range m.Changes {
		var line []piece
		for _, r := range c.Runs {
			l := plain
			switch r.Op {
			case diff.Removed:
				l = strike
			case diff.Added:
				l = bold
			}
			line = append(line, piece{r.Text, l, ""})
		}
		lines = append(lines, line)
	}
	for _, x := range m.Items {
		line := []piece{{"• " + x.Mark(), plain, ""}, {x.Headline.Text, plain, x.Link}}
		if c := x.Context(); len(c) > 0 {
			line = append(line, piece{" — " + strings.Join(c, " · "), small, ""})
		}
		lines = append(lines, line)
	}
	if m.Left > 0 {
		lines = append(lines, []piece{{m.leftOut(), small, ""}})
	}
	if m.Carried > 0 {
		line := []piece{{m.carriedBy(), plain, ""}}
		for i, o := range m.Outlets {
			sep := " "
			if i > 0 {
				sep = ", "
			}
			line = append(line, piece{sep, plain, ""}, piece{o.Name, plain, o.Link})
		}
		if n := m.Carried - len(m.Outlets); n > 0 {
			line = append(line, piece{fmt.Sprintf(" and %d more", n), plain, ""})
		}
		lines = append(lines, line)
	}
	if m.RuleNote != "" {
		lines = append(lines, []piece{{"note: " + m.RuleNote, small, ""}})
	}
	if len(m.Notes) > 0 {
		lines = append(lines, []piece{{strings.Join(m.Notes, " · "), small, ""}})
	}
	return lines
}

// maxBold is how many stretches of a passage are told apart: a text of nothing but hits needs no emphasis, which costs room.
const maxBold = 40

// A printer writes pieces in the markup of one receiver. A zero field writes nothing but the text.
type printer struct {
	escape func(s string) string           // makes a text literal
	looks  map[look][2]string              // what stands before and behind a look
	link   func(escaped, to string) string // nil: links are not written
	dest   func(to string) string          // a link's address alone; nil: as it is
	end    string                          // between lines
}

// lines writes lines one under the other.
func (p printer) lines(lines [][]piece) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		var b strings.Builder
		for _, x := range l {
			b.WriteString(p.piece(x))
		}
		out[i] = b.String()
	}
	return strings.Join(out, p.end)
}

func (p printer) piece(x piece) string {
	s := p.escape(x.text)
	if x.link != "" && p.link != nil {
		s = p.link(s, x.link)
	}
	marks := p.looks[x.look]
	if marks[0] == "" {
		return s
	}
	// Markdown takes a mark for one only where it touches a letter, so that white space stays outside.
	body := strings.TrimSpace(s)
	if body == "" {
		return s
	}
	at := strings.Index(s, body)
	return s[:at] + marks[0] + body + marks[1] + s[at+len(body):]
}

// plainText writes a message without its links and without markup, but for what was removed: unmarked, it would read as if it stood there
// still.
var plainText = printer{escape: inert, end: "\n", looks: map[look][2]string{strike: {"[-", "-]"}}}

// chatMarkdown is the Markdown that Discord and Mattermost share.
var chatMarkdown = printer{
	escape: markdown, end: "\n",
	looks: map[look][2]string{bold: {"**", "**"}, strike: {"~~", "~~"}},
	link:  func(s, to string) string { return "[" + s + "](" + markdownDest(to) + ")" },
	dest:  markdownDest,
}

// htmlMarkup makes a printer of HTML with the elements for bold and struck out that a receiver knows.
func htmlMarkup(strong, struck, end string) printer {
	return printer{
		escape: func(s string) string { return html.EscapeString(inert(s)) }, end: end,
		looks: map[look][2]string{bold: {"<" + strong + ">", "</" + strong + ">"}, strike: {"<" + struck + ">", "</" + struck + ">"}},
		link:  func(s, to string) string { return `<a href="` + html.EscapeString(to) + `">` + s + "</a>" },
		dest:  html.EscapeString,
	}
}
