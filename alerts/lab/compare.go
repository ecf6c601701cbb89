package lab

import (
	"context"
	"fmt"
	"slices"

	"wirewatch/alerts/rules"
)

// A Change is a rule before and after. A rule that is new has no Old, one that goes no New.
type Change struct {
	Name     string
	Old, New rules.Rule
}

// A Difference is what a change of a rule does to the archive.
type Difference struct {
	Name         string
	Both         int // articles that both match
	Gained, Lost int
	Gains        []Found // the newest, with the spans of the new rule
	Losses       []Found // the newest, with the spans of the old one
}

// Diff says for each change which articles it gains and loses; most bounds those that are listed of each.
func (l *Lab) Diff(ctx context.Context, changes []Change, r Range, most int) ([]Difference, Scan, error) {
	out := make([]Difference, len(changes))
	var list []rules.Rule
	var queries []*rules.Query
	for i, c := range changes {
		out[i].Name = c.Name
		for side, x := range []rules.Rule{c.Old, c.New} {
			if x.Query == "" {
				continue
			}
			q, err := rules.ParseWith(x.Query, x.Lists)
			if err != nil {
				return nil, Scan{}, err
			}
			x.Name = fmt.Sprint(2*i + side)
			list, queries = append(list, x), append(queries, q)
		}
	}
	set, err := rules.Compile(list)
	if err != nil {
		return nil, Scan{}, err
	}
	s, err := l.each(ctx, set, rules.RequiredAny(queries), r, true, func(f Found) error {
		sides := map[int][2]*rules.Hit{}
		for i := range f.Hits {
			var n int
			fmt.Sscan(f.Hits[i].Rule, &n)
			x := sides[n/2]
			x[n%2] = &f.Hits[i]
			sides[n/2] = x
		}
		for i, x := range sides {
			d := &out[i]
			switch {
			case x[0] != nil && x[1] != nil:
				d.Both++
			case x[1] != nil:
				if d.Gained++; d.Gained <= most {
					d.Gains = append(d.Gains, Found{f.Article, []rules.Hit{*x[1]}})
				}
			default:
				if d.Lost++; d.Lost <= most {
					d.Losses = append(d.Losses, Found{f.Article, []rules.Hit{*x[0]}})
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, s, fmt.Errorf("compare rules: %w", err)
	}
	return out, s, nil
}

// Kinds of findings about rules.
const (
	NeverFires = "never_fires" // the rule matches nothing in the range
	NoSuchTerm = "no_such_term"
	Subsumed   = "subsumed"
	TooBroad   = "too_broad"
	NeverTells = "never_tells" // of a rule that counts: it matches, and so many as it asks for never come together
)

// A Finding is something odd about a rule.
type Finding struct {
	Rule  string `json:"rule"`
	Kind  string `json:"kind"`
	Term  string `json:"term"`  // the term that never occurs; "" for the others
	Other string `json:"other"` // the rule that matches wherever this one does; "" for the others
	Hits  int    `json:"hits"`  // of the rule
	Of    int    `json:"of"`    // articles in the range
	Why   string `json:"why"`
}

// FewArticles is how many articles Lint needs to say of a rule that it matches too much.
const FewArticles = 100

// Lint reads the whole range and says what is odd about rules there: terms that never occur, rules that never match, rules whose
// articles another one matches too (of minSubsumed hits at least), rules that match a tenth of everything, rules that count and would
// have told nothing.
func (l *Lab) Lint(ctx context.Context, list []rules.Rule, r Range) ([]Finding, Scan, error) {
	const minSubsumed, broad = 5, 10
	asked := slices.Clone(list)
	known := map[string]bool{}
	for _, x := range list {
		q, err := rules.ParseWith(x.Query, x.Lists)
		if err != nil {
			return nil, Scan{}, fmt.Errorf("rule %q: %w", x.Name, err)
		}
		for _, t := range q.Terms() {
			if name := "\x00" + t; !known[name] {
				known[name] = true
				asked = append(asked, rules.Rule{Name: name, Query: t, Lists: x.Lists})
			}
		}
	}
	set, err := rules.Compile(asked)
	if err != nil {
		return nil, Scan{}, err
	}
	hits := map[string]int{}
	both := map[[2]string]int{}
	of := 0
	matched, all := map[string]*line{}, newLine()
	for _, x := range list {
		if x.When != nil {
			matched[x.Name] = newLine()
		}
	}
	tooBroad := func(name string) bool { return of >= FewArticles && hits[name]*broad > of }
	s, err := l.each(ctx, set, nil, r, true, func(f Found) error {
		of++
		if len(matched) > 0 {
			all.add(&f.Article)
		}
		var names []string
		for _, h := range f.Hits {
			if hits[h.Rule]++; h.Rule[0] != 0 {
				names = append(names, h.Rule)
			}
			if m := matched[h.Rule]; m != nil {
				m.add(&f.Article)
			}
		}
		for _, a := range names {
			for _, b := range names {
				both[[2]string{a, b}]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, s, fmt.Errorf("lint rules: %w", err)
	}
	var out []Finding
	for i, x := range list {
		note := func(kind, term, other, why string) {
			out = append(out, Finding{x.Name, kind, term, other, hits[x.Name], of, why})
		}
		q, _ := rules.ParseWith(x.Query, x.Lists)
		n := hits[x.Name]
		if of > 0 && n == 0 {
			note(NeverFires, "", "", "it matches none of the articles")
		}
		if tooBroad(x.Name) {
			note(TooBroad, "", "", fmt.Sprintf("it matches %d%% of all articles", 100*n/of))
		}
		if m := matched[x.Name]; m != nil && n > 0 {
			m.versions = all.versions
			if why := neverPasses(Counts(x.When), m, all); why != "" {
				note(NeverTells, "", "", why)
			}
		}
		for _, t := range q.Terms() {
			if of > 0 && hits["\x00"+t] == 0 {
				note(NoSuchTerm, t, "", "it stands in none of the articles: is it spelled right?")
			}
		}
		for j, y := range list {
			// Within a rule that matches a tenth of everything is no news, and a rule that counts tells of something else than one
			// that does not.
			if i == j || (x.When == nil) != (y.When == nil) || n < minSubsumed || tooBroad(y.Name) || both[[2]string{x.Name, y.Name}] < n || hits[y.Name] == n && j > i {
				continue
			}
			why := "every article it matches is matched by that rule too"
			if hits[y.Name] == n {
				why = "both match the very same articles"
			}
			note(Subsumed, "", y.Name, why)
		}
	}
	return out, s, nil
}
