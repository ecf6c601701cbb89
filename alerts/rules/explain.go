package rules

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"wirewatch/pipeline/text"
)

// An Explanation says of a node of a query whether it held in an article, where, and why.
type Explanation struct {
	Node  string        `json:"node"`  // the node as a query, in canonical form
	Held  bool          `json:"held"`  // what the matcher says
	Spans []Span        `json:"spans"` // where it stands; of what is not there, or only must not be: none
	Words []string      `json:"words"` // what stands there, as it is written, each once, in order; at most MaxWords
	Why   string        `json:"why"`   // one line for a reader
	Parts []Explanation `json:"parts"`
}

// MaxWords bounds the words of an Explanation.
const MaxWords = 12

// Explain evaluates every node of q on an article. The root is held exactly where a rule of that query, without limits of its
// own, matches d, and its spans are those of the Hit.
//
// Each node is asked as a query of its own, so what is said of it is what the matcher does, whatever operators there are.
func Explain(q *Query, d *Doc) (Explanation, error) {
	x := &explainer{doc: d, lists: q.lists, asked: map[string]*Hit{}}
	x.plan(q.root, nil)
	if err := x.ask(x.queries...); err != nil {
		return Explanation{}, err
	}
	return x.explain(q.root, nil)
}

// explainer asks queries about one article.
type explainer struct {
	doc     *Doc
	lists   Lists
	queries []string
	asked   map[string]*Hit // nil: it does not hold
}

// within is the text of a query for n as it stands in a field; in nil: in none.
func (n *node) within(in *node) string {
	var b strings.Builder
	n.print(&b)
	if in == nil {
		return b.String()
	}
	return in.field.String() + ":(" + b.String() + ")"
}

// parts are the nodes below n that are explained one by one.
func (n *node) parts() []*node {
	switch n.op {
	case opTerm, opPhrase, opValue:
		return nil
	}
	return n.kids
}

// plan collects the queries of n and what is below it, so that all are asked at once.
func (x *explainer) plan(n, in *node) {
	if n.op == opField {
		x.plan(n.kids[0], n)
		return
	}
	x.queries = append(x.queries, n.question(in))
	for _, k := range n.parts() {
		x.plan(k, in)
	}
}

// ask asks queries that were not asked yet.
func (x *explainer) ask(queries ...string) error {
	var list []Rule
	for _, q := range queries {
		if _, ok := x.asked[q]; !ok {
			x.asked[q] = nil
			list = append(list, Rule{Name: q, Query: q, Lists: x.lists})
		}
	}
	set, err := Compile(list)
	if err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	for _, h := range set.Match(x.doc) {
		x.asked[h.Rule] = &h
	}
	return nil
}

// holds asks one query; one that cannot be asked does not hold.
func (x *explainer) holds(query string) *Hit {
	if x.ask(query) != nil {
		return nil
	}
	return x.asked[query]
}

func (x *explainer) explain(n, in *node) (Explanation, error) {
	if n.op == opField {
		e, err := x.explain(n.kids[0], n)
		e.Node = n.within(nil)
		return e, err
	}
	e := Explanation{Node: n.within(nil), Spans: []Span{}, Words: []string{}, Parts: []Explanation{}}
	for _, k := range n.parts() {
		p, err := x.explain(k, in)
		if err != nil {
			return e, err
		}
		e.Parts = append(e.Parts, p)
	}
	h := x.asked[n.question(in)]
	if n.holdsOnNothing() != nil {
		if e.Held = h == nil; e.Held && n.op != opNot {
			e.Spans = x.spansOf(e.Parts)
		}
	} else if h != nil {
		e.Held, e.Spans = true, h.Spans
	}
	e.Words = x.words(e.Spans)
	e.Why = x.why(n, in, &e)
	return e, nil
}

// question is the query that tells whether n holds: n itself, or, where n holds on nothing and is no query, that it does not.
func (n *node) question(in *node) string {
	if n.holdsOnNothing() == nil {
		return n.within(in)
	}
	return "NOT (" + n.within(in) + ")"
}

// spansOf are the spans of the parts that hold.
func (x *explainer) spansOf(parts []Explanation) []Span {
	var all []Span
	for _, p := range parts {
		if p.Held {
			all = append(all, p.Spans...)
		}
	}
	return tidy(all)
}

// words are what stands at spans.
func (x *explainer) words(spans []Span) []string {
	out := []string{}
	for _, s := range spans {
		w := strings.Join(strings.Fields(x.doc.Field(s.Field)[s.Start:s.End]), " ")
		if !slices.Contains(out, w) && len(out) < MaxWords {
			out = append(out, w)
		}
	}
	return out
}

// Field is the text that spans of a field refer to; "" where there is no such field.
func (d *Doc) Field(name string) string {
	switch name {
	case "title":
		return d.Title
	case "body":
		return d.Body
	case "author":
		return strings.Join(d.Authors, listSeparator)
	case "agency":
		return d.Agency
	case "site":
		return d.Site
	case "url":
		return d.URL
	case "lang":
		return d.Lang
	case "feed":
		return d.Feed
	case "tag":
		return strings.Join(d.Tags, listSeparator)
	}
	return ""
}

// why says in a line why the node held or did not. A kind of node without a case here gets what can be said of any.
func (x *explainer) why(n, in *node, e *Explanation) string {
	switch n.op {
	case opNot:
		if e.Held {
			return "it is absent, as asked"
		}
		return "it is there, and must not be"
	case opAnd, opOr:
		holding := 0
		for _, p := range e.Parts {
			if p.Held {
				holding++
			}
		}
		switch {
		case n.op == opAnd && e.Held:
			return fmt.Sprintf("all %d hold", len(e.Parts))
		case holding == 0:
			return fmt.Sprintf("none of %d holds", len(e.Parts))
		}
		return fmt.Sprintf("%d of %d hold", holding, len(e.Parts))
	case opValue:
		if e.Held {
			return "it is " + quoted(e.Words)
		}
		v := x.doc.Field(n.field.String())
		if n.field == fSite && v == "" {
			v = x.doc.URL
		}
		if v == "" {
			return "the article has no " + n.field.String()
		}
		return fmt.Sprintf("the %s is %q", n.field, v)
	}
	if e.Held {
		if len(e.Spans) == 1 {
			return "in the " + e.Spans[0].Field
		}
		return times(e.Spans)
	}
	if missing := missing(e.Parts); len(missing) > 0 {
		return "missing: " + strings.Join(missing, ", ")
	}
	switch n.op {
	case opTerm:
		return x.whyNoTerm(n, in)
	case opPhrase:
		return x.whyNoPhrase(n, in)
	case opNear:
		return x.whyNotNear(n, in)
	case opAtLeast:
		return x.whyTooFew(n, in)
	case opFirst:
		return x.whyNotFirst(n)
	case opSentence, opParagraph:
		return x.whyNotTogether(n)
	}
	return "its parts are there, but not as asked"
}

// missing are the parts that must be there and are not.
func missing(parts []Explanation) (out []string) {
	for _, p := range parts {
		if !p.Held {
			out = append(out, p.Node)
		}
	}
	return out
}

// times counts spans by field: "2 × title, 3 × body".
func times(spans []Span) string {
	var fields []string
	n := map[string]int{}
	for _, s := range spans {
		if n[s.Field]++; n[s.Field] == 1 {
			fields = append(fields, s.Field)
		}
	}
	for i, f := range fields {
		fields[i] = fmt.Sprintf("%d × %s", n[f], f)
	}
	s := strings.Join(fields, ", ")
	if len(spans) == MaxSpans {
		s = "at least " + s
	}
	return s
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return strings.Join(out, ", ")
}

// placeOf names where a term is looked for.
func placeOf(in *node) string {
	if in == nil {
		return "title and body"
	}
	return "the " + in.field.String()
}

func (x *explainer) whyNoTerm(n, in *node) string {
	why := "not in " + placeOf(in)
	if in == nil && x.doc.Body == "" {
		why += ", and the article has no text"
	}
	if exact, ok := strings.CutPrefix(n.text, "="); ok {
		if h := x.holds((&node{op: opTerm, text: exact}).within(in)); h != nil {
			return why + " as it is written; there is " + quoted(x.words(h.Spans))
		}
	}
	if in != nil {
		if h := x.holds(n.within(nil)); h != nil {
			return why + "; there is " + quoted(x.words(h.Spans)) + " in the " + h.Spans[0].Field
		}
	}
	for _, f := range []field{fAuthor, fAgency} {
		if in != nil {
			break
		}
		if x.holds(n.within(&node{op: opField, field: f})) != nil {
			return why + "; the " + f.String() + " has it: write " + f.String() + ":" + n.text
		}
	}
	return why
}

func (x *explainer) whyNoPhrase(n, in *node) string {
	var gone []string
	for _, w := range strings.Fields(n.text) {
		if text.Fold(w) == "" {
			continue
		}
		p := &node{op: opPhrase, text: w, slop: -1}
		if _, err := ParseWith(p.within(in), x.lists); err == nil && x.holds(p.within(in)) == nil {
			gone = append(gone, w)
		}
	}
	if len(gone) > 0 {
		return "not in " + placeOf(in) + ": " + strings.Join(gone, ", ")
	}
	if n.slop < 0 {
		n := *n
		for _, n.slop = range []int{0, 1, 2, 3, 5, 10} {
			if h := x.holds((&n).within(in)); h != nil {
				return "its words do not stand in a row; with " + n.within(nil) + " it would hold"
			}
		}
	}
	return "its words are there, but not together"
}

// whyNotNear is asked where all operands stand somewhere.
func (x *explainer) whyNotNear(n, in *node) string {
	with := func(gap int, ordered bool) bool {
		wide := *n
		wide.gaps = slices.Clone(n.gaps)
		for i := range wide.gaps {
			wide.gaps[i].n = max(gap, n.gaps[i].n)
			wide.gaps[i].ordered = n.gaps[i].ordered && ordered
		}
		return x.holds(wide.within(in)) != nil
	}
	least := func(ordered bool) (int, bool) {
		if !with(maxGap, ordered) {
			return 0, false
		}
		return sort.Search(maxGap, func(gap int) bool { return with(gap, ordered) }), true
	}
	if with(0, false) {
		return "they are near enough, but in another order"
	}
	if gap, ok := least(true); ok {
		return fmt.Sprintf("too far apart: it would hold from %d words between", gap)
	}
	if gap, ok := least(false); ok {
		return fmt.Sprintf("in another order, and with %d words between", gap)
	}
	if len(n.kids) == 2 && n.kids[0].within(nil) == n.kids[1].within(nil) {
		return "it stands there once only, and no word stands beside itself"
	}
	return "they never stand in the same field within " + strconv.Itoa(maxGap) + " words"
}
