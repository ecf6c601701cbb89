package main

import (
	"slices"
	"strings"
	"testing"
)

// Each difference shows in each of its examples, on the real engines, and its predicate says so there and nowhere else.
func TestDifferences(t *testing.T) {
	for name, x := range map[string]struct {
		open        func([]*article) (oracle, error)
		differences []difference
	}{
		"fts":   {func(a []*article) (oracle, error) { return newFTS(a) }, ftsDifferences},
		"bleve": {func(a []*article) (oracle, error) { return newPeer(a) }, bleveDifferences},
	} {
		for _, d := range x.differences {
			t.Run(name+"/"+d.name, func(t *testing.T) {
				if len(d.examples) == 0 {
					t.Fatal("no example")
				}
				for _, e := range d.examples {
					articles := []*article{{Body: e.body}}
					o, err := x.open(articles)
					if err != nil {
						t.Fatal(err)
					}
					c := &comparison{matcher: &matcher{articles}, oracle: o, differences: x.differences, report: report{classes: map[string]int{}}}
					if !o.knows(e.query.op) {
						t.Fatalf("the oracle has no %s", e.query.op)
					}
					ours, err := c.matcher.decideAll([]*query{e.query}, []int{0})
					if err != nil {
						t.Fatal(err)
					}
					if got := ours[0][0] != nil; got != e.ours {
						t.Errorf("%s in %q: the matcher says %v", e.query.rule(), e.body, got)
					}
					if err := c.one(e.query, ours[0]); err != nil {
						t.Fatal(err)
					}
					if c.report.differ != 1 || c.report.bad != nil {
						t.Errorf("%s in %q: %d disagreements, without a reason %q", e.query.rule(), e.body, c.report.differ, c.report.bad)
					}
					if c.report.classes[d.name] == 0 || len(c.report.classes) != 1 {
						t.Errorf("%s in %q is taken as %v", e.query.rule(), e.body, c.report.classes)
					}
					if err := o.close(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// What is plain has no reason to be found by one side alone, whatever is asked for.
func TestPlainHasNoReason(t *testing.T) {
	const body = "Kim met Putin, and two men of the guard said: Москва встретила 北 в среду. 북한 발표"
	for _, l := range []*query{word("putin"), phrase("Kim met"), prefix("pu"), pattern("pu*n"), word("Москва"), word("北"), word("북한"),
		near(3, "kim", "putin"), loose(2, "kim", "met", "putin")} {
		for _, w := range []string{"Kim met", "Putin", "Kim met Putin", "two", "Москва", "북한"} {
			at := strings.Index(body, w)
			for _, theirs := range []bool{false, true} {
				e := evidence{l, theirs, body, at, at + len(w)}
				for _, d := range append(slices.Clone(ftsDifferences), bleveDifferences...) {
					if d.when(e) {
						t.Errorf("%s at %s: %s", l.rule(), e, d.name)
					}
				}
			}
		}
	}
}
