package newsroom

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Article is one article as its file says.
type Article struct {
	ID, Byline, Section string
	Agency, Signoff     string
	Wire, Trouble       string
	Summary             string
	Insert, Related     []string
	Undated             bool

	site      *Site
	slug      string
	age       time.Duration
	published time.Time
	quiet     bool
	first     version
	later     *version // nil for most: the text after Advance
}

// version is one state of an article's text.
type version struct {
	title string
	parts []part
}

// part is a piece of a body: a paragraph to keep, or a group of planted lines.
type part struct {
	Kind  string // p, h2, quote or group
	Text  string
	Group *Group
}

// Group is a run of planted lines that belong together.
type Group struct {
	Classes []string
	Lines   []Line
}

// Line is one planted block. Kind tells the layout what it is inside its
// group: heading, title, time, source, text, author, signature, label …
type Line struct{ Kind, Text string }

// Class is the class that the group must be removed with.
func (g *Group) Class() string { return g.Classes[0] }

func (v version) body() []string {
	var out []string
	for _, p := range v.parts {
		if p.Kind != "group" {
			out = append(out, p.Text)
		}
	}
	return out
}

func (n *Newsroom) load(f fs.FS) error {
	inserts, err := readInserts(f)
	if err != nil {
		return err
	}
	names, err := fs.Glob(f, "sites/*.txt")
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := readSite(f, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.room, s.inserts = n, inserts
		n.sites = append(n.sites, s)
	}
	if names, err = fs.Glob(f, "articles/*.txt"); err != nil {
		return err
	}
	for _, name := range names {
		if err := n.readArticle(f, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(n.sites) == 0 || len(n.articles) == 0 {
		return errors.New("no sites or no articles are embedded")
	}
	if err := n.copyWires(); err != nil {
		return err
	}
	for _, a := range n.articles {
		for _, id := range append(slices.Clone(a.Related), a.Wire) {
			if id != "" && n.byID[id] == nil {
				return fmt.Errorf("articles/%s.txt: no article %q", a.ID, id)
			}
		}
		for _, name := range a.Insert {
			if inserts[name] == nil {
				return fmt.Errorf("articles/%s.txt: no boilerplate %q", a.ID, name)
			}
		}
	}
	if err := n.readFeeds(f); err != nil {
		return fmt.Errorf("feeds.txt: %w", err)
	}
	rules, err := fs.ReadFile(f, "rules.yaml")
	if err != nil {
		return err
	}
	n.rules = string(rules)
	agencies, err := fs.ReadFile(f, "agencies.yaml")
	if err != nil {
		return err
	}
	n.agencies = string(agencies)
	if err := n.readExpected(f); err != nil {
		return fmt.Errorf("expected.txt: %w", err)
	}
	return nil
}

// readDoc splits a file into its header of "key: value" lines and the rest.
func readDoc(f fs.FS, name string) (head map[string][]string, rest string, err error) {
	b, err := fs.ReadFile(f, name)
	if err != nil {
		return nil, "", err
	}
	top, rest, ok := strings.Cut(string(b), "\n---\n")
	if !ok {
		return nil, "", errors.New("no --- line ends the header")
	}
	head = map[string][]string{}
	for line := range strings.Lines(top) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		k, v, ok := strings.Cut(line, ":")
		if !ok {
			return nil, "", fmt.Errorf("header line %q has no colon", line)
		}
		head[k] = append(head[k], strings.TrimSpace(v))
	}
	return head, rest, nil
}

func one(head map[string][]string, key string) string {
	if v := head[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// chunks are the pieces of a text between blank lines.
func chunks(text string) []string {
	var out []string
	for _, c := range strings.Split(text, "\n\n") {
		if c = strings.TrimSpace(c); c != "" {
			out = append(out, c)
		}
	}
	return out
}

func parseParts(text string) ([]part, error) {
	var out []part
	for _, c := range chunks(text) {
		switch {
		case strings.HasPrefix(c, "[["):
			g, err := parseGroup(c)
			if err != nil {
				return nil, err
			}
			out = append(out, part{Kind: "group", Group: g})
		case strings.HasPrefix(c, "## "):
			out = append(out, part{Kind: "h2", Text: fold(c[3:])})
		case strings.HasPrefix(c, "> "):
			out = append(out, part{Kind: "quote", Text: fold(c[2:])})
		default:
			out = append(out, part{Kind: "p", Text: fold(c)})
		}
	}
	return out, nil
}

// parseGroup reads lines "[[class|other:kind]] text"; the first names the
// classes, later ones may say "[[:kind]]".
func parseGroup(c string) (*Group, error) {
	g := &Group{}
	for line := range strings.Lines(c) {
		tag, text, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "[["), "]]")
		if !ok {
			return nil, fmt.Errorf("planted line %q has no ]]", line)
		}
		class, kind, _ := strings.Cut(tag, ":")
		if g.Classes == nil {
			if class == "" {
				return nil, fmt.Errorf("planted line %q has no class", line)
			}
			g.Classes = strings.Split(class, "|")
		}
		g.Lines = append(g.Lines, Line{Kind: kind, Text: fold(text)})
	}
	return g, nil
}

// slots of a page where boilerplate stands.
type slots map[string][]*Group

// parseSlots reads "@slot" lines and the planted groups below them.
func parseSlots(text string) (slots, error) {
	out := slots{}
	slot := ""
	for _, c := range chunks(text) {
		for strings.HasPrefix(c, "@") {
			slot, c, _ = strings.Cut(c[1:], "\n")
			slot, c = strings.TrimSpace(slot), strings.TrimSpace(c)
			if !slices.Contains([]string{"top", "head", "mid", "end", "foot"}, slot) {
				return nil, fmt.Errorf("unknown slot %q", slot)
			}
		}
		if c == "" {
			continue
		}
		if slot == "" {
			return nil, fmt.Errorf("%q stands before any slot", clip(c))
		}
		g, err := parseGroup(c)
		if err != nil {
			return nil, err
		}
		out[slot] = append(out[slot], g)
	}
	return out, nil
}

func readInserts(f fs.FS) (map[string]slots, error) {
	b, err := fs.ReadFile(f, "boilerplate.txt")
	if err != nil {
		return nil, err
	}
	out := map[string]slots{}
	for _, sec := range strings.Split("\n"+string(b), "\n=== ")[1:] {
		name, text, _ := strings.Cut(sec, "\n")
		sl, err := parseSlots(text)
		if err != nil {
			return nil, fmt.Errorf("boilerplate.txt: %s: %w", name, err)
		}
		out[strings.TrimSpace(name)] = sl
	}
	return out, nil
}

func readSite(f fs.FS, name string) (*Site, error) {
	head, rest, err := readDoc(f, name)
	if err != nil {
		return nil, err
	}
	s := &Site{
		Key: strings.TrimSuffix(path.Base(name), ".txt"), Name: one(head, "name"), Lang: one(head, "lang"),
		Tagline: one(head, "tagline"), Charset: one(head, "charset"), Style: one(head, "style"), Dir: one(head, "dir"),
		prefix: one(head, "path"), suffix: one(head, "suffix"), when: one(head, "when"), machine: one(head, "machine"), by: one(head, "by"),
		related: one(head, "related"), robots: head["robots"],
	}
	zone, err := time.Parse("-07:00", one(head, "zone"))
	if err != nil {
		return nil, fmt.Errorf("zone: %w", err)
	}
	s.zone = zone.Location()
	_, off := zone.Zone()
	s.zone = time.FixedZone("", off)
	if m := one(head, "months"); m != "" {
		if s.months = strings.Fields(m); len(s.months) != 12 {
			return nil, fmt.Errorf("%d months, want 12", len(s.months))
		}
	}
	s.ago = strings.Split(one(head, "ago"), "|")
	if len(s.ago) != 2 || s.Name == "" || s.when == "" || s.related == "" {
		return nil, errors.New("name, when, related and ago (minutes|hours) are needed")
	}
	if s.chrome, err = parseSlots(rest); err != nil {
		return nil, err
	}
	layouts := mustSub("layouts")
	s.page, err = template.New(one(head, "layout")).ParseFS(layouts, "groups.html", one(head, "layout"))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (n *Newsroom) readArticle(f fs.FS, name string) error {
	head, rest, err := readDoc(f, name)
	if err != nil {
		return err
	}
	a := &Article{
		ID: strings.TrimSuffix(path.Base(name), ".txt"), Byline: one(head, "byline"), Section: one(head, "section"),
		Agency: one(head, "agency"), Signoff: one(head, "signoff"), Wire: one(head, "wire"), Trouble: one(head, "trouble"),
		Summary: one(head, "summary"), Insert: strings.Fields(one(head, "insert")), Related: strings.Fields(one(head, "related")),
		Undated: one(head, "undated") == "yes", slug: one(head, "slug"),
	}
	if a.site = n.Site(one(head, "site")); a.site == nil {
		return fmt.Errorf("no site %q", one(head, "site"))
	}
	if a.age, err = time.ParseDuration(strings.TrimPrefix(one(head, "published"), "-")); err != nil {
		return fmt.Errorf("published: %w", err)
	}
	a.published = n.start.Add(-a.age).In(a.site.zone)
	a.quiet = a.Undated || a.age >= 24*time.Hour
	if a.first.title = one(head, "title"); a.first.title == "" || a.slug == "" {
		return errors.New("title and slug are needed")
	}
	text, later, changes := strings.Cut(rest, "\n+++\n")
	if a.first.parts, err = parseParts(text); err != nil {
		return err
	}
	if changes {
		a.later = &version{title: one(head, "later_title")}
		if a.later.title == "" {
			a.later.title = a.first.title
		}
		if a.later.parts, err = parseParts(later); err != nil {
			return err
		}
	}
	for _, e := range head["edit"] {
		old, now, ok := strings.Cut(e, " => ")
		if !ok {
			return fmt.Errorf("edit %q has no =>", e)
		}
		a.site.edits = append(a.site.edits, edit{a.ID, strings.TrimSpace(old), strings.TrimSpace(now)})
	}
	for _, d := range strings.Fields(one(head, "drop")) {
		i, err := strconv.Atoi(d)
		if err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		a.site.edits = append(a.site.edits, edit{a.ID, "#" + strconv.Itoa(i), ""})
	}
	for _, p := range a.first.parts {
		n.dateLines(p)
	}
	if a.later != nil {
		for _, p := range a.later.parts {
			n.dateLines(p)
		}
	}
	n.articles = append(n.articles, a)
	n.byID[a.ID] = a
	return nil
}

// dateLines writes the day before the run into planted lines that name it, as
// embedded posts do in their signature.
func (n *Newsroom) dateLines(p part) {
	if p.Group == nil {
		return
	}
	day := n.start.AddDate(0, 0, -1).Format("January 2, 2006")
	for i, l := range p.Group.Lines {
		p.Group.Lines[i].Text = strings.ReplaceAll(l.Text, "{yesterday}", day)
	}
}

// edit is a house change to a wire copy: text replaced, or paragraph "#n" dropped.
type edit struct{ article, old, now string }

// copyWires fills the articles that carry a wire report: its paragraphs with
// the house's edits, then what the house adds.
func (n *Newsroom) copyWires() error {
	for _, a := range n.articles {
		if a.Wire == "" {
			continue
		}
		src := n.byID[a.Wire]
		if src == nil {
			return fmt.Errorf("articles/%s.txt: no wire report %q", a.ID, a.Wire)
		}
		var parts []part
		num := 0
		used := map[string]bool{}
		for _, p := range src.first.parts {
			if p.Kind == "group" {
				continue // the agency's picture is not the house's
			}
			num++
			drop := false
			for _, e := range a.site.edits {
				switch {
				case e.article != a.ID:
				case e.old == "#"+strconv.Itoa(num):
					drop, used[e.old] = true, true
				case e.now != "" && strings.Contains(p.Text, e.old):
					p.Text, used[e.old] = strings.Replace(p.Text, e.old, e.now, 1), true
				}
			}
			if !drop {
				parts = append(parts, p)
			}
		}
		for _, e := range a.site.edits {
			if e.article == a.ID && !used[e.old] {
				return fmt.Errorf("articles/%s.txt: edit %q changes nothing", a.ID, e.old)
			}
		}
		a.first.parts = withHouse(parts, a.first.parts)
	}
	return nil
}

// withHouse sets the house's own planted blocks (its picture) below the first
// paragraph of a wire report and its own sentences at the end.
func withHouse(wire, house []part) []part {
	out := slices.Clone(wire[:1])
	for _, p := range house {
		if p.Kind == "group" {
			out = append(out, p)
		}
	}
	out = append(out, wire[1:]...)
	for _, p := range house {
		if p.Kind != "group" {
			out = append(out, p)
		}
	}
	return out
}

func (n *Newsroom) readExpected(f fs.FS) error {
	b, err := fs.ReadFile(f, "expected.txt")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rule, rest, _ := strings.Cut(line, "|")
		ids, when, _ := strings.Cut(rest, "|")
		e := ExpectedAlert{Rule: strings.TrimSpace(rule)}
		switch when = strings.TrimSpace(when); when {
		case "later":
			e.Later = true
		case "updated":
			e.Updated = true
		case "":
		default:
			return fmt.Errorf("rule %s: an alert comes later, updated or at once, not %q", e.Rule, when)
		}
		for _, id := range strings.Fields(ids) {
			a := n.byID[id]
			if a == nil {
				return fmt.Errorf("no article %q", id)
			}
			e.Articles = append(e.Articles, id)
			e.Outlets = append(e.Outlets, a.site.Name)
		}
		n.alerts = append(n.alerts, e)
	}
	return nil
}

// Items cuts a group's lines at each line that opens a new card, so that a
// layout can wrap the cards; the first item is the group's own heading.
func (g *Group) Items() [][]Line {
	var out [][]Line
	for i, l := range g.Lines {
		if i == 0 || l.Kind == "source" || l.Kind == "author" {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], l)
	}
	return out
}
