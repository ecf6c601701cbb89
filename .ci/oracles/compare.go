package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wirewatch/alerts/rules"
)

// An oracle is another engine that decides queries on the same articles, which it knows by their numbers.
type oracle interface {
	name() string
	knows(op string) bool // near, pattern
	decide(*query) (map[int]bool, error)
	where(leaf *query, doc int) ([]span, error)
	close() error
}

// A span is a half-open range of bytes in a field of an article.
type span struct {
	field      string
	start, end int
}

func (s span) overlaps(t span) bool { return s.field == t.field && s.start < t.end && t.start < s.end }

// matcher is the rule matcher as an oracle's opposite.
type matcher struct{ articles []*article }

// decideAll decides several queries at once, which is what the matcher is made for: for each query the articles.
func (m *matcher) decideAll(qs []*query, docs []int) ([]map[int][]span, error) {
	list := make([]rules.Rule, len(qs))
	out := make([]map[int][]span, len(qs))
	for i, q := range qs {
		list[i] = rules.Rule{Name: strconv.Itoa(i), Query: q.rule()}
		out[i] = map[int][]span{}
	}
	set, err := rules.Compile(list)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		a := m.articles[d]
		for _, h := range set.Match(&rules.Doc{Title: a.Title, Body: a.Body}) {
			i, err := strconv.Atoi(h.Rule)
			if err != nil {
				return nil, err
			}
			spans := []span{}
			for _, s := range h.Spans {
				spans = append(spans, span{s.Field, s.Start, s.End})
			}
			out[i][d] = spans
		}
	}
	return out, nil
}

// report is what came of a comparison.
type report struct {
	compared, counted, positive int
	differ                      int
	classes                     map[string]int // decisions in which a class stood
	bad                         []string       // disagreements that no class explains
}

// comparison holds the matcher against one oracle.
type comparison struct {
	matcher     *matcher
	oracle      oracle
	differences []difference
	report      report
}

const batch = 400 // queries that the matcher is given at once

// run compares until goal decisions are counted. Every query is decided on every article and every disagreement is looked at;
// counted are the articles on which one of the two says yes, and as many others.
func (c *comparison) run(goal int, g *generator) error {
	all := make([]int, len(c.matcher.articles))
	for i := range all {
		all[i] = i
	}
	c.report.classes = map[string]int{}
	for c.report.counted < goal {
		qs := make([]*query, batch)
		for i := range qs {
			qs[i] = g.query()
		}
		ours, err := c.matcher.decideAll(qs, all)
		if err != nil {
			return err
		}
		for i, q := range qs {
			if err := c.one(q, ours[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) one(q *query, ours map[int][]span) error {
	theirs, err := c.oracle.decide(q)
	if err != nil {
		return err
	}
	var differ []int
	either := len(theirs)
	for d := range ours {
		if !theirs[d] {
			either++
			differ = append(differ, d)
		}
	}
	for d := range theirs {
		if ours[d] == nil {
			differ = append(differ, d)
		}
	}
	r := &c.report
	r.compared += len(c.matcher.articles)
	r.counted += min(2*either, len(c.matcher.articles))
	r.positive += len(ours)
	r.differ += len(differ)
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	leaves := q.leaves(nil)
	us, err := c.matcher.decideAll(leaves, differ)
	if err != nil {
		return err
	}
	them := make([]map[int]bool, len(leaves))
	for i, l := range leaves {
		if them[i], err = c.oracle.decide(l); err != nil {
			return err
		}
	}
	for _, d := range differ {
		names, why, err := c.explain(q, leaves, us, them, d, ours[d] != nil)
		if err != nil {
			return err
		}
		for _, n := range names {
			r.classes[n]++
		}
		if why != "" {
			r.bad = append(r.bad, fmt.Sprintf("article %d: %s: the matcher says %v: %s", d, q.rule(), ours[d] != nil, why))
		}
	}
	return nil
}

// explain takes a disagreement apart: what differs must be leaves, each for a reason that is written down, and the operators above
// them must come to what each side said. why is what is left without a reason, "" if nothing is.
func (c *comparison) explain(q *query, leaves []*query, us []map[int][]span, them []map[int]bool, d int, verdict bool) (names []string, why string, err error) {
	at := func(l *query) int { return slices.Index(leaves, l) }
	if q.decide(func(l *query) bool { return us[at(l)][d] != nil }) != verdict {
		return nil, "its leaves by themselves do not come to that", nil
	}
	if q.decide(func(l *query) bool { return them[at(l)][d] }) == verdict {
		return nil, "the oracle's leaves come to the same", nil
	}
	for i, l := range leaves {
		if (us[i][d] != nil) == them[i][d] {
			continue
		}
		spans := us[i][d]
		if spans == nil {
			if spans, err = c.oracle.where(l, d); err != nil {
				return nil, "", err
			}
		}
		n, w, err := c.leaf(l, spans, us[i][d] == nil, d)
		if err != nil {
			return nil, "", err
		}
		if w != "" {
			return nil, w, nil
		}
		for _, x := range n {
			if !slices.Contains(names, x) {
				names = append(names, x)
			}
		}
	}
	return names, "", nil
}

// leaf says why a leaf is found by one side alone, at the spans. Each of them must have its reason.
func (c *comparison) leaf(l *query, spans []span, theirs bool, d int) (names []string, why string, err error) {
	if len(spans) == 0 {
		return nil, "no place is given for " + l.rule(), nil
	}
	if l.op == "near" || l.op == "loose" {
		return c.distance(l, spans, theirs, d)
	}
	for _, s := range spans {
		e := c.evidence(l, s, theirs, d)
		n := c.class(e, false)
		if n == "" {
			return nil, fmt.Sprintf("%s, found by %s alone, stands in %s", l.rule(), c.side(theirs), e), nil
		}
		names = append(names, n)
	}
	return names, "", nil
}

func (c *comparison) side(theirs bool) string {
	if theirs {
		return c.oracle.name()
	}
	return "the matcher"
}

func (c *comparison) evidence(l *query, s span, theirs bool, d int) evidence {
	return evidence{leaf: l, theirs: theirs, src: c.matcher.articles[d].field(s.field), start: s.start, end: s.end}
}

func (c *comparison) class(e evidence, between bool) string {
	for _, x := range c.differences {
		if x.between == between && x.when(e) {
			return x.name
		}
	}
	return ""
}

// distance is leaf for operands that must be close together. A place has a reason if the other side does not see the operand there, or
// if what lies between it and a neighbour is counted otherwise.
func (c *comparison) distance(l *query, spans []span, theirs bool, d int) (names []string, why string, err error) {
	ops := l.operands()
	mine, err := c.matcher.decideAll(ops, []int{d})
	if err != nil {
		return nil, "", err
	}
	seen := make([]string, len(spans)) // the class by which the other side does not see an operand
	for i, o := range ops {
		other, err := c.oracle.where(o, d)
		if err != nil && !strings.Contains(err.Error(), "no rows") {
			return nil, "", err
		}
		yes, no := mine[i][d], other
		if theirs {
			yes, no = no, yes
		}
		for k, s := range spans {
			for _, y := range yes {
				if !y.overlaps(s) || slices.ContainsFunc(no, y.overlaps) {
					continue
				}
				if n := c.class(c.evidence(o, y, theirs, d), false); n != "" {
					seen[k] = n
				}
			}
		}
	}
	for i, s := range spans {
		name := seen[i]
		for j := max(0, i-4); name == "" && j < min(len(spans), i+5); j++ {
			if spans[j].field != s.field {
				continue
			}
			lo, hi := min(s.start, spans[j].start), max(s.end, spans[j].end)
			if name = seen[j]; name == "" {
				name = c.class(c.evidence(l, span{s.field, lo, hi}, theirs, d), true)
			}
		}
		if name == "" {
			e := c.evidence(l, s, theirs, d)
			return nil, fmt.Sprintf("%s, found by %s alone, stands in %s", l.rule(), c.side(theirs), e), nil
		}
		names = append(names, name)
	}
	return names, "", nil
}
