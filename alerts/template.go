package alerts

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"wirewatch/pipeline"
)

// A View is what a channel's template sees of a Message. What a template prints of it is made literal for the channel on its way out,
// whatever the template does with it before: there is no way to print a title that is not escaped. Markup values are the exception,
// because they are written in the channel's markup already.
type View struct {
	UID      string   // the delivery's id, the same at every attempt
	Mark     string   // "[TEST] ", "[UPDATE] ", "[DIGEST] " …, or ""
	Rule     string   // "" of what Wirewatch says of itself
	Severity string   // of the rule: low, medium, high, critical, or ""
	Tags     []string // of the rule
	RuleNote string   // what the rule's author has to say to the reader
	Headline string   // never empty
	Link     Markup   // of the article; "": none
	Source   string   // name of the site
	Site     string   // its host
	When     string   // "22 Nov 2026 08:30 UTC", a day alone, or ""
	Agency   string   // wire agency the text is from
	Lang     string   // as in "en"
	Context  []string // source, time, agency, rule and tags, as far as they are known
	Passages []Markup // of the body, the hits in bold; none of an update
	Changes  []Markup // of an update: what is gone struck out, what is new in bold
	Items    []View   // of a digest
	Left     int      // items of a digest that were left out
	Outlets  []OutletView
	Carried  int      // how many others carry the story, those not in Outlets included
	Counted  bool     // they are not of its story: a rule counted them with it
	Notes    []string // sentences on the text's quality
	Text     Markup   // the whole message as it is without a template
}

// An OutletView is an Outlet in a View.
type OutletView struct {
	Name string
	Link Markup
}

// Markup is text in the channel's own markup, which is printed as it is.
type Markup string

// fields are the names of a View, for errors.
func fields() string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[View]()) {
		names = append(names, "."+f.Name)
	}
	return strings.Join(names, " ")
}

// An override is a channel's own template. It is safe for concurrent use.
type override struct {
	tmpl  *template.Template
	p     printer
	items bool // it shows what a digest gathers
}

// Bounds of what a template may make, far beyond what any receiver takes.
const maxOverride = 256 << 10 // bytes

var errTooMuch = errors.New("makes more than 256 KB of text")

// template checks a channel's template and tries it on messages of each sort; what is wrong with it is a Mistake with its line. It gives
// nil where there is no template, and where there is a mistake.
func (m *Mistakes) template(text string, p printer) *override {
	if text == "" {
		return nil
	}
	return m.override(text, p, p.funcs())
}

// override is template with other functions.
func (m *Mistakes) override(text string, p printer, funcs template.FuncMap) *override {
	t, err := template.New("template").Funcs(funcs).Parse(strings.TrimRight(text, "\n"))
	if err != nil {
		*m = append(*m, templateMistake(err))
		return nil
	}
	for _, x := range t.Templates() {
		escapeAll(x.Root)
	}
	o := &override{tmpl: t, p: p}
	for _, x := range specimens() {
		s, err := o.text(x)
		if err != nil {
			*m = append(*m, templateMistake(err))
			return nil
		}
		o.items = o.items || strings.Contains(s, specimenItem)
	}
	return o
}

var templateError = regexp.MustCompile(`^template: [^:]*:(\d+)(?::\d+)?: (?:executing "[^"]*" at (<[^>]*>): )?`)

// templateMistake tells an error of text/template without what is of no use to the reader.
func templateMistake(err error) Mistake {
	x := Mistake{Key: "template", Msg: err.Error()}
	if at := templateError.FindStringSubmatch(x.Msg); at != nil {
		x.Line, _ = strconv.Atoi(at[1])
		x.Msg = x.Msg[len(at[0]):]
		if at[2] != "" {
			x.Msg = at[2] + ": " + x.Msg
		}
	}
	x.Msg = strings.NewReplacer("in type alerts.View", "in a message", "in type alerts.OutletView", "in an outlet", "in type alerts.Markup", "in a text").Replace(x.Msg)
	x.Hint = "there are " + fields() + "; .Name and .Link of each of .Outlets; and the functions of Go's text/template with join"
	return x
}

// funcs are the functions of a template beside text/template's own.
func (p printer) funcs() template.FuncMap {
	return template.FuncMap{
		"join": func(sep string, list []string) string { return strings.Join(list, sep) },
		"literal": func(v any) Markup { // put behind every action by escapeAll
			if v, ok := v.(Markup); ok {
				return v
			}
			return Markup(p.escape(fmt.Sprint(v)))
		},
	}
}

// escapeAll puts literal behind everything that is printed in a tree.
func escapeAll(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, x := range n.Nodes {
			escapeAll(x)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 { // {{$x := …}} prints nothing
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos,
				Args: []parse.Node{parse.NewIdentifier("literal").SetPos(n.Pos)}})
		}
	case *parse.IfNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	case *parse.RangeNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	case *parse.WithNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	}
}

// text is what the template makes of a message.
func (o *override) text(m Message) (string, error) {
	var b bytes.Buffer
	err := o.tmpl.Execute(&limited{&b, maxOverride}, o.p.view(m))
	return strings.TrimSpace(b.String()), err
}

// worded renders a message within the limits of its receiver, of a kind. build gets the text that own makes of the message, or nil for the
// standard one, as where own is nil. A template that fails, or still says too much when all is left out, gives way to the standard text:
// nobody is to miss a story by it. So does one that shows nothing of what a digest gathers, for digests. The error is a pipeline.Failure.
func worded[B any](kind string, own *override, m Message, build func(m Message, own *string) (b B, fits bool, err error)) (B, error) {
	if own != nil && (own.items || len(m.Items) == 0) {
		b, err := fit(m, func(m Message) (b B, fits bool, err error) {
			s, err := own.text(m)
			if err != nil {
				return b, false, err
			}
			return build(m, &s)
		})
		if err == nil || errors.Is(err, errNoRoom) {
			return b, err
		}
		m.Notes = append(slices.Clip(m.Notes), line("The template of this channel failed, so this is the standard text: "+err.Error(), noteLen))
	}
	b, err := fit(m, func(m Message) (B, bool, error) { return build(m, nil) })
	if err != nil {
		return b, &pipeline.Failure{Verdict: pipeline.Final, Reason: "not renderable", Err: fmt.Errorf("%s: %w", kind, err)}
	}
	return b, nil
}

// limited takes n bytes and no more.
type limited struct {
	b *bytes.Buffer
	n int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.n -= len(p); l.n < 0 {
		return 0, errTooMuch
	}
	return l.b.Write(p)
}

// view is a message as templates of this markup see it.
func (p printer) view(m Message) View {
	v := View{UID: m.UID, Mark: m.Mark(), Rule: m.Rule, Severity: m.Severity, Tags: m.Tags, RuleNote: m.RuleNote, Headline: m.Headline.Text, Link: p.address(m.Link), Source: m.Source, Site: m.Site,
		When: m.When(), Agency: m.Agency, Lang: m.Lang, Context: m.Context(), Left: m.Left, Carried: m.Carried, Counted: m.Counted, Notes: m.Notes}
	for _, l := range details(Message{Passages: m.shown()}) {
		v.Passages = append(v.Passages, Markup(p.lines([][]piece{l})))
	}
	for _, l := range details(Message{Changes: m.Changes}) {
		v.Changes = append(v.Changes, Markup(p.lines([][]piece{l})))
	}
	for _, x := range m.Items {
		v.Items = append(v.Items, p.view(x))
	}
	for _, o := range m.Outlets {
		v.Outlets = append(v.Outlets, OutletView{o.Name, p.address(o.Link)})
	}
	v.Text = Markup(p.lines(layout(m)))
	return v
}

// address is a safe link as it stands in a template's own markup.
func (p printer) address(to string) Markup {
	if p.dest == nil {
		return Markup(to)
	}
	return Markup(p.dest(to))
}

// specimenItem stands in what a reader knows an item of a digest by: its headline, its link and its passages. Nothing escapes it.
const specimenItem = "specimenitem"

// specimens are messages on which templates are tried: of each sort, with everything that one can have, and with nothing.
func specimens() []Message {
	p := Passage{Field: "body", Text: "a passage with a hit in it", Hits: []Hit{{17, 20}}}
	full := Message{UID: "msg_1", Marks: []string{"TEST"}, Rule: "rule", Severity: "high", Tags: []string{"tag"}, RuleNote: "note", Headline: Passage{Field: "title", Text: `A "headline" <of> a test`, Hits: []Hit{}},
		Link: "https://example.com/a?b=1&c=2", Source: "Example", Site: "example.com", Agency: "Agency", Lang: "en", Passages: []Passage{p, p},
		Outlets: []Outlet{{"Other", "https://example.org/"}, {"Third", ""}}, Carried: 3, Notes: []string{"Behind a paywall"}}
	changed := full
	changed.Changes = []Change{{"body", []Run{{"same", "it is "}, {"removed", "old"}, {"added", "new"}}}}
	bare := Message{Headline: full.Headline}
	item := full
	item.Headline.Text, item.Link, item.Passages = specimenItem, "https://example.com/"+specimenItem, []Passage{{Field: "body", Text: specimenItem}}
	digest := Message{UID: "msg_2", Marks: []string{"DIGEST"}, Headline: full.Headline, Source: ownName, Items: []Message{item, bare}, Left: 1}
	return []Message{full, changed, digest, bare}
}
