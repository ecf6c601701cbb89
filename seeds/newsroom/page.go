package newsroom

import (
	"bytes"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// page is what a layout renders.
type page struct {
	Site      *Site
	Home      string // absolute address of the site
	URL       string // canonical
	Title     string
	Byline    string // "" or with the site's word for by
	Author    string
	Section   string
	Summary   string
	When      string // the date as the house writes it
	Machine   string // RFC 3339, "" where the house shows none
	Modified  string // RFC 3339 of the change, "" before
	Top, Head []*Group
	Parts     []part
	End, Foot []*Group
	Signoff   string // agency mark after the last paragraph
	Stub      bool   // a paywall stub: one paragraph and a hint
}

// groups are all planted groups in page order.
func (p *page) groups() []*Group {
	var out []*Group
	out = append(out, p.Top...)
	out = append(out, p.Head...)
	for _, q := range p.Parts {
		if q.Kind == "group" {
			out = append(out, q.Group)
		}
	}
	out = append(out, p.End...)
	return append(out, p.Foot...)
}

// page puts an article, its house's furniture and its own planted blocks together.
func (n *Newsroom) page(a *Article, later bool) *page {
	s := a.site
	v := a.version(later)
	p := &page{
		Site: s, Home: s.base, URL: s.base + a.path(), Title: v.title, Author: a.Byline, Section: a.Section,
		Summary: a.summary(), When: s.written(a.published), Signoff: a.Signoff,
	}
	if a.Byline != "" {
		p.Byline = strings.TrimSpace(s.by + " " + a.Byline)
	}
	if s.machine == "yes" {
		p.Machine = a.published.Format(time.RFC3339)
		if at, moved := n.advanced(); moved && a.later != nil {
			p.Modified = at.In(s.zone).Format(time.RFC3339)
		}
	}
	add := func(sl slots) {
		p.Top = append(p.Top, sl["top"]...)
		p.Head = append(p.Head, sl["head"]...)
		p.End = append(p.End, sl["end"]...)
		p.Foot = append(p.Foot, sl["foot"]...)
	}
	p.Head = append(p.Head, &Group{Classes: []string{"dateline", "live_meta"}, Lines: []Line{{Text: p.When}}})
	mid := s.chrome["mid"]
	var ends slots
	for _, name := range a.Insert {
		sl := s.inserts[name]
		mid = append(mid[:len(mid):len(mid)], sl["mid"]...)
		add(slots{"top": sl["top"], "head": sl["head"]})
		if ends == nil {
			ends = slots{}
		}
		ends["end"] = append(ends["end"], sl["end"]...)
		ends["foot"] = append(ends["foot"], sl["foot"]...)
	}
	add(slots{"top": s.chrome["top"], "head": s.chrome["head"]})
	add(ends)
	add(slots{"end": s.chrome["end"]})
	if g := n.related(a); g != nil {
		p.End = append(p.End, g)
	}
	add(slots{"foot": s.chrome["foot"]})
	p.Parts = withMid(v.parts, mid)
	return p
}

// withMid sets the groups in the middle of the body, after its second paragraph.
func withMid(parts []part, mid []*Group) []part {
	var out []part
	kept := 0
	for i, p := range parts {
		out = append(out, p)
		if p.Kind == "p" {
			kept++
		}
		if kept == 2 && p.Kind == "p" && i < len(parts)-1 {
			for _, g := range mid {
				out = append(out, part{Kind: "group", Group: g})
			}
		}
	}
	return out
}

// related shows other articles of the house whole, as syndication sites do: as
// they stood when the page was made, also when they changed since.
func (n *Newsroom) related(a *Article) *Group {
	if len(a.Related) == 0 {
		return nil
	}
	s := a.site
	g := &Group{Classes: []string{"related"}, Lines: []Line{{"heading", s.related}}}
	for _, id := range a.Related {
		r := n.byID[id]
		v := r.first
		g.Lines = append(g.Lines, Line{"source", s.Name}, Line{"time", s.relative(r.age)}, Line{"title", v.title})
		for _, p := range v.parts {
			if p.Kind != "group" {
				g.Lines = append(g.Lines, Line{"text", p.Text})
			}
		}
	}
	return g
}

func (a *Article) version(later bool) version {
	if later && a.later != nil {
		return *a.later
	}
	return a.first
}

func (a *Article) path() string { return a.site.prefix + a.slug + a.site.suffix }

// link is the path that feeds give: the page, or a hop before it.
func (a *Article) link() string {
	if a.Trouble == "redirect" {
		return "/go/" + a.ID
	}
	return a.path()
}

// summary is what the house puts into its feed: its own line, or the first paragraph.
func (a *Article) summary() string {
	if a.Summary != "" {
		return a.Summary
	}
	if b := a.first.body(); len(b) > 0 {
		return b[0]
	}
	return ""
}

// written is the date as the house writes it.
func (s *Site) written(t time.Time) string {
	out := t.Format(s.when)
	if s.months != nil {
		out = strings.Replace(out, t.Month().String(), s.months[t.Month()-1], 1)
	}
	return out
}

// date is what a reader of the page can know of the time.
func (s *Site) date(t time.Time) string {
	if s.machine == "yes" {
		return t.Format(time.RFC3339)
	}
	return t.Format(time.DateOnly)
}

func (s *Site) relative(age time.Duration) string {
	if age < 100*time.Minute {
		return strings.Replace(s.ago[0], "#", strconv.Itoa(int(age.Minutes())), 1)
	}
	return strings.Replace(s.ago[1], "#", strconv.Itoa(int(age.Hours())), 1)
}

func (p *page) render() ([]byte, error) {
	var b bytes.Buffer
	if err := p.Site.page.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// LD is the page's JSON-LD; a layout that has none does not ask for it.
func (p *page) LD(full bool) any {
	art := map[string]any{
		"@type": "NewsArticle", "@id": p.URL + "#article", "headline": p.Title, "url": p.URL,
		"mainEntityOfPage": p.URL, "datePublished": p.Machine, "inLanguage": p.Site.Lang,
		"publisher": map[string]any{"@type": "Organization", "name": p.Site.Name},
	}
	if p.Author != "" {
		art["author"] = []any{map[string]any{"@type": "Person", "name": p.Author}}
	}
	if p.Modified != "" {
		art["dateModified"] = p.Modified
	}
	if p.Stub {
		art["isAccessibleForFree"] = false
	}
	if !full {
		art["@context"] = "https://schema.org"
		return art
	}
	return map[string]any{"@context": "https://schema.org", "@graph": []any{
		map[string]any{"@type": "WebSite", "@id": p.Home + "/#site", "name": p.Site.Name, "url": p.Home},
		map[string]any{"@type": "BreadcrumbList", "itemListElement": []any{
			map[string]any{"@type": "ListItem", "position": 1, "name": p.Section},
		}},
		art,
	}}
}

// Blocks are the parts cut in two after the third kept paragraph, for houses
// whose body stands in two sibling containers.
func (p *page) Blocks() [][]part {
	kept := 0
	for i, q := range p.Parts {
		if q.Kind == "p" {
			kept++
		}
		if kept == 3 {
			return [][]part{p.Parts[:i+1], p.Parts[i+1:]}
		}
	}
	return [][]part{p.Parts}
}

// Last tells a layout that q is the last kept paragraph, which carries the
// agency's mark.
func (p *page) Last(q part) bool {
	for i := len(p.Parts) - 1; i >= 0; i-- {
		if p.Parts[i].Kind != "group" {
			return p.Parts[i].Text == q.Text
		}
	}
	return false
}

// paragraphs renders a body as a feed carries it, with the agency's mark at
// its end.
func paragraphs(v version, signoff string) string {
	var b strings.Builder
	body := v.body()
	for _, p := range v.parts {
		t := template.HTMLEscapeString(p.Text)
		if signoff != "" && p.Text == body[len(body)-1] {
			t += " " + template.HTMLEscapeString(signoff)
		}
		switch p.Kind {
		case "p":
			b.WriteString("<p>" + t + "</p>\n")
		case "h2":
			b.WriteString("<h2>" + t + "</h2>\n")
		case "quote":
			b.WriteString("<blockquote><p>" + t + "</p></blockquote>\n")
		}
	}
	return b.String()
}
