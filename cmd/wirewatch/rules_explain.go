package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// A verdict is what a rule says of an article, node by node.
type verdict struct {
	Rule    string            `json:"rule"`
	Held    bool              `json:"held"`
	Expired bool              `json:"expired"` // the rule tells nobody any more
	Limit   string            `json:"limit"`   // of the rule's own limits, the one that keeps it from an article its query matches; "": none
	When    string            `json:"when"`    // the number at which the rule tells, as it is written; "": it tells of each story's first match
	Tree    rules.Explanation `json:"tree"`
	Gone    []string          `json:"removed"` // terms that did not hold but stand in a block that was removed
}

// judge explains a rule on an article; blocks are those of the article, where they are known.
func judge(r rules.Rule, d *rules.Doc, blocks []pipeline.Block) (verdict, error) {
	out := verdict{Rule: r.Name, Gone: []string{}}
	if r.When != nil {
		out.When = r.When.String()
	}
	q, err := rules.ParseWith(r.Query, r.Lists)
	if err != nil {
		return out, err
	}
	if out.Tree, err = rules.Explain(q, d); err != nil {
		return out, err
	}
	set, err := rules.Compile([]rules.Rule{r})
	if err != nil {
		return out, err
	}
	out.Held = len(set.Match(d)) > 0
	if out.Tree.Held && !out.Held {
		out.Limit = r.Limit(d)
	}
	var removed []string
	for _, b := range blocks {
		if !b.Kept {
			removed = append(removed, b.Text)
		}
	}
	if len(removed) > 0 {
		out.Gone, err = inRemoved(out.Tree, strings.Join(removed, "\n\n"))
	}
	return out, err
}

// inRemoved lists the terms of a tree that do not hold in the article, but would in what was removed from it.
func inRemoved(x rules.Explanation, removed string) ([]string, error) {
	out := []string{}
	if len(x.Parts) == 0 && !x.Held {
		q, err := rules.Parse(x.Node)
		if err != nil {
			return out, nil // a node that is no query by itself
		}
		e, err := rules.Explain(q, &rules.Doc{Body: removed})
		if err != nil || !e.Held {
			return out, err
		}
		return append(out, x.Node), nil
	}
	for _, p := range x.Parts {
		l, err := inRemoved(p, removed)
		if err != nil {
			return out, err
		}
		for _, t := range l {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out, nil
}

func runRulesTest(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	ask := askedFlags(fs)
	text := fs.String("text", "", "this `text` in place of a file")
	id := fs.Int64("article", 0, "`ID` of a stored article in place of a file")
	asJSON := fs.Bool("json", false, "one JSON line with the whole tree")
	rest, err := v.parse(fs, args, 0, 2)
	if err != nil {
		return err
	}
	name := ""
	if *ask.query == "" {
		if len(rest) == 0 {
			return usagef("%s needs RULE or -q QUERY; see `wirewatch %s -h`", v.name, v.name)
		}
		name, rest = rest[0], rest[1:]
	}
	given := len(rest)
	for _, is := range []bool{*id != 0, *text != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		return usagef("%s: one article at a time: a file, an address, --text or --article; see `wirewatch %s -h`", v.name, v.name)
	}
	r, err := ask.rule(e, name)
	if err != nil {
		return err
	}
	if *id != 0 {
		return withStore(ctx, e, *ask.config, func(st *store.Store) error { return testStored(ctx, e, st, r, *id, *asJSON) })
	}
	a := pipeline.Article{Body: *text}
	if *text == "" {
		a, err = readArticle(ctx, e, *ask.config, cmp.Or(strings.Join(rest, ""), "-"))
	}
	if err != nil {
		return err
	}
	j, err := judge(r, lab.Doc(&a), a.Blocks)
	if err != nil {
		return err
	}
	j.Expired = r.Expired(e.now())
	return showVerdict(e, j, *asJSON)
}

func runRulesExplain(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	ask := askedFlags(fs)
	asJSON := fs.Bool("json", false, "one JSON line with the whole tree")
	rest, err := v.parse(fs, args, 1, 2)
	if err != nil {
		return err
	}
	if len(rest) != 2 && *ask.query == "" || len(rest) != 1 && *ask.query != "" {
		return usagef("%s needs RULE ID, or -q QUERY ID", v.name)
	}
	list, err := ids(rest[len(rest)-1:])
	if err != nil {
		return err
	}
	r, err := ask.rule(e, rest[0])
	if err != nil {
		return err
	}
	return withStore(ctx, e, *ask.config, func(st *store.Store) error { return testStored(ctx, e, st, r, list[0], *asJSON) })
}

func testStored(ctx context.Context, e *env, st *store.Store, r rules.Rule, id int64, asJSON bool) error {
	a, err := st.Article(ctx, id)
	if err != nil {
		return missingArticle(err, id)
	}
	j, err := judge(r, lab.Doc(&a), a.Blocks)
	if err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprintf(e.stdout, "%d  %s  %s\n", a.ID, alerts.Terminal(a.Site), alerts.Terminal(a.Title))
		if a.Pruned {
			fmt.Fprintln(e.stdout, "its text is gone (retention); only the title is left")
		}
	}
	j.Expired = r.Expired(e.now())
	return showVerdict(e, j, asJSON)
}

func showVerdict(e *env, j verdict, asJSON bool) error {
	if asJSON {
		return printJSON(e.stdout, []verdict{j})
	}
	colour := colours(e.stdout, e.getenv)
	says := paint(colour, "1;"+green, "matches")
	if !j.Held {
		says = paint(colour, "1;"+red, "does not match")
	}
	fmt.Fprintf(e.stdout, "%s %s\n", alerts.Terminal(j.Rule), says)
	if j.Expired {
		fmt.Fprintln(e.stdout, "but the rule has expired, and tells nobody")
	}
	if j.Limit != "" {
		fmt.Fprintf(e.stdout, "its query does, but the rule is limited to %s\n", alerts.Terminal(j.Limit))
	}
	if j.When != "" {
		fmt.Fprintf(e.stdout, "it tells not of one article, but when: %s\n", j.When)
	}
	printTree(e.stdout, j.Tree, "", colour)
	if len(j.Gone) > 0 {
		fmt.Fprintf(e.stdout, "in what was removed from the page there is: %s\n", alerts.Terminal(strings.Join(j.Gone, ", ")))
	}
	return nil
}

// printTree shows a node and what is below it, a line each.
func printTree(w io.Writer, x rules.Explanation, indent string, colour bool) {
	mark := paint(colour, green, "✓")
	if !x.Held {
		mark = paint(colour, red, "✗")
	}
	line := fmt.Sprintf("%s%s %s  %s", indent, mark, alerts.Terminal(x.Node), paint(colour, dim, alerts.Terminal(x.Why)))
	if len(x.Words) > 0 && len(x.Parts) == 0 {
		line += ": " + paint(colour, yellow, alerts.Terminal(strings.Join(x.Words, ", ")))
	}
	fmt.Fprintln(w, line)
	for _, p := range x.Parts {
		printTree(w, p, indent+"  ", colour)
	}
}

func runRulesCheck(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	config := configFlag(fs)
	asJSON := fs.Bool("json", false, "a JSON line for each rule")
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	file := strings.Join(rest, "")
	list, err := rulesOf(e, *config, file)
	if err != nil {
		return err
	}
	if file == "" {
		file = *config
	}
	set, err := rules.Compile(list)
	if err == nil {
		err = testRules(set)
	}
	var bad mistakes
	if errors.As(err, &bad) {
		return bad.err(file)
	}
	if err != nil {
		return err
	}
	type row struct {
		Name     string     `json:"name"`
		Query    string     `json:"query"`
		Required [][]string `json:"required"` // words of which the archive's index needs one each; none: searches read every article
		Tests    int        `json:"tests"`    // how many were run; all hold
		Warnings []string   `json:"warnings"`
	}
	rows, tests := []row{}, 0
	told := map[string]bool{} // several rules may name one odd list
	for _, r := range list {
		q, err := rules.ParseWith(r.Query, r.Lists)
		if err != nil {
			return err
		}
		warn := append(oddQuery(r), expiry(r, e.now())...)
		rows = append(rows, row{r.Name, q.String(), append([][]string{}, rules.Required(q)...), len(r.Tests), append([]string{}, warn...)})
		tests += len(r.Tests)
		for _, w := range warn {
			if !told[w] {
				fmt.Fprintf(e.stderr, "warning: %s\n", w)
			}
			told[w] = true
		}
	}
	if *asJSON {
		return printJSON(e.stdout, rows)
	}
	fmt.Fprintf(e.stdout, "%s is good: %s, %s\n", file, count(len(list), "rule"), count(tests, "test"))
	return nil
}
