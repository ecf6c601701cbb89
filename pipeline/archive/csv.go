package archive

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"wirewatch/pipeline"
)

// maxCell is what Excel takes in a cell, in UTF-16 code units.
const maxCell = 32767

// A CSV writes records as comma-separated values for spreadsheets: a row an article, a story or a match. It is RFC 4180, with every cell in
// quotes, in UTF-8.
//
// A spreadsheet takes a cell that begins with = + - @ (or their full-width forms), a tab or a line break for a formula, and runs it. Such a
// cell begins with an apostrophe instead, and so does what follows a tab, a line break, a comma or a semicolon within a cell, where a program
// that splits cells elsewhere would see the beginning of one. Lines within a cell end with LF; other control characters are blanks. A cell longer
// than the 32,767 characters that Excel takes is cut, and the column "cut" names it.
type CSV struct {
	w    *bufio.Writer
	what What
}

// NewCSV writes the row of names to w, behind a byte order mark if bom: Excel takes a file without one for the code page of its machine.
// What All is Articles.
func NewCSV(w io.Writer, what What, bom bool) (*CSV, error) {
	if what == All {
		what = Articles
	}
	x := &CSV{bufio.NewWriter(w), what}
	if bom {
		x.w.WriteString("\ufeff")
	}
	var row []cell
	switch what {
	case Articles:
		row = articleRow(&pipeline.ArchivedArticle{})
	case Stories:
		row = storyRow(&pipeline.ArchivedStory{})
	default:
		row = matchRow(&pipeline.ArchivedArticle{}, pipeline.Match{})
	}
	for i, c := range row {
		row[i].value = c.name
	}
	x.write(append(row, cell{"cut", "cut"}))
	return x, x.w.Flush()
}

// Write writes the rows of a record.
func (x *CSV) Write(r pipeline.ArchiveRecord) error {
	switch {
	case r.Article != nil && x.what == Articles:
		x.row(articleRow(r.Article))
	case r.Article != nil && x.what == Matches:
		for _, m := range r.Article.Matches {
			x.row(matchRow(r.Article, m))
		}
	case r.Story != nil && x.what == Stories:
		x.row(storyRow(r.Story))
	}
	return x.w.Flush()
}

// A cell is a value under its column's name.
type cell struct{ name, value string }

func articleRow(a *pipeline.ArchivedArticle) []cell {
	rules := make([]string, len(a.Matches))
	for i, m := range a.Matches {
		rules[i] = m.Rule
	}
	return []cell{{"published", stamp(a.Published).String()}, {"site", a.Site}, {"site_name", a.SiteName}, {"title", a.Title}, {"authors", lines(a.Authors)},
		{"lang", a.Lang}, {"agency", a.Agency}, {"rules", lines(rules)}, {"url", a.URL}, {"date", a.Date}, {"modified", a.Modified}, {"section", a.Section},
		{"tags", lines(a.Tags)}, {"relation", a.Relation}, {"source", string(a.Source)}, {"paywalled", yes(a.Paywalled)},
		{"withdrawn", yes(!a.Withdrawn.IsZero())}, {"feed", a.Feed}, {"seen", stamp(a.Seen).String()}, {"key", a.Key}, {"story", a.StoryKey},
		{"event", a.EventKey}, {"of", a.OfKey}, {"body", a.Body}}
}

func storyRow(s *pipeline.ArchivedStory) []cell {
	return []cell{{"title", s.Title}, {"created", stamp(s.Created).String()}, {"articles", strconv.Itoa(s.Articles)}, {"outlets", strconv.Itoa(len(s.Sites))},
		{"sites", lines(s.Sites)}, {"rules", lines(s.Rules)}, {"key", s.Key}, {"event", s.EventKey}}
}

func matchRow(a *pipeline.ArchivedArticle, m pipeline.Match) []cell {
	return []cell{{"rule", m.Rule}, {"published", stamp(a.Published).String()}, {"site", a.Site}, {"site_name", a.SiteName}, {"title", a.Title},
		{"texts", lines(texts(&a.Article, m.Spans))}, {"lang", a.Lang}, {"agency", a.Agency}, {"url", a.URL}, {"seen", stamp(a.Seen).String()},
		{"article", a.Key}, {"story", a.StoryKey}, {"event", a.EventKey}}
}

// lines is a list in one cell: a line each.
func lines(v []string) string { return strings.Join(v, "\n") }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func (x *CSV) row(row []cell) {
	var cut []string
	for i, c := range row {
		short, is := fit(defuse(tidy(c.value)))
		if row[i].value = short; is {
			cut = append(cut, c.name)
		}
	}
	x.write(append(row, cell{"cut", lines(cut)}))
}

func (x *CSV) write(row []cell) {
	for i, c := range row {
		if i > 0 {
			x.w.WriteByte(',')
		}
		x.w.WriteByte('"')
		x.w.WriteString(strings.ReplaceAll(c.value, `"`, `""`))
		x.w.WriteByte('"')
	}
	x.w.WriteString("\r\n")
}

// tidy ends lines with LF and makes blanks of what no spreadsheet shows.
func tidy(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\ufeff' {
			return ' '
		}
		return r
	}, s)
}

// defuse puts an apostrophe before whatever a spreadsheet would take for the beginning of a formula. Blanks and quotes before it change nothing.
func defuse(s string) string {
	var b strings.Builder
	last := 0
	begins := true // of a cell
	for i, r := range s {
		switch {
		case begins && (strings.ContainsRune("=+-@＝＋－＠", r) || i == 0 && (r == '\t' || r == '\n')):
			b.WriteString(s[last:i] + "'")
			last, begins = i, false
			if r == '\t' || r == '\n' {
				begins = true
			}
		case strings.ContainsRune("\t\n,;", r):
			begins = true
		case r != ' ' && r != '"' && r != '\'' && r != '\u00a0':
			begins = false
		}
	}
	return b.String() + s[last:]
}

// fit cuts s to what a cell holds, between characters, and reports whether it did.
func fit(s string) (string, bool) {
	if len(s) <= maxCell {
		return s, false
	}
	units := 0
	for i, r := range s {
		n := 1
		if r > 0xffff {
			n = 2
		}
		if units += n; units > maxCell {
			return s[:i], true
		}
	}
	return s, false
}
