package main

import (
	"context"
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
	Rule  string            `json:"rule"`
	Held  bool              `json:"held"`
	Limit string            `json:"limit"` // of the rule's own limits, the one that keeps it from an article its query matches; "": none
	When  string            `json:"when"`  // the number at which the rule tells, as it is written; "": it tells of each story's first match
	Tree  rules.Explanation `json:"tree"`
	Gone  []string          `json:"removed"` // terms that did not hold but stand in a block that was removed
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
		out.Limit = limitOf(r, d)
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

// limitOf names the limit that keeps a rule from an article.
func limitOf(r rules.Rule, d *rules.Doc) string {
	if r.Sites == nil {
		return fmt.Sprintf("languages: %s; the article is in %q", strings.Join(r.Languages, ", "), d.Lang)
	}
	r.Languages = nil
	if set, err := rules.Compile([]rules.Rule{r}); err == nil && len(set.Match(d)) > 0 {
		return fmt.Sprintf("its languages; the article is in %q", d.Lang)
	}
	return fmt.Sprintf("sites: %s; the article is of %q", strings.Join(r.Sites, ", "), d.Site)
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
	config := configFlag(fs)
	file := fs.String("rules", "", "take the rule from this rule `file`, not from the configuration")
	query := fs.String("q", "", "a `query` in place of a rule")
	id := fs.Int64("article", 0, "`ID` of a stored article in place of a file")
	asJSON := fs.Bool("json", false, "one JSON line with the whole tree")
	rest, err := v.parse(fs, args, 0, 2)
	if err != nil {
		return err
	}
	name := ""
	if *query == "" {
		if len(rest) == 0 {
			return usagef("%s needs RULE or -q QUERY; see `wirewatch %s -h`", v.name, v.name)
		}
		name, rest = rest[0], rest[1:]
	}
	if len(rest) > 1 || *id != 0 && len(rest) > 0 {
		return usagef("%s: what is %q? see `wirewatch %s -h`", v.name, rest[len(rest)-1], v.name)
	}
	r, _, err := chosenRule(e, *config, *file, *query, name)
	if err != nil {
		return err
	}
	if *id != 0 {
		return withStore(ctx, e, *config, func(st *store.Store) error { return testStored(ctx, e, st, r, *id, *asJSON) })
	}
	d, err := readDoc(e, strings.Join(rest, ""))
	if len(rest) == 0 {
		d, err = readDoc(e, "-")
	}
	if err != nil {
		return err
	}
	j, err := judge(r, d, nil)
	if err != nil {
		return err
	}
	return showVerdict(e, j, *asJSON)
}

func runRulesExplain(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	config := configFlag(fs)
	file := fs.String("rules", "", "take the rule from this rule `file`, not from the configuration")
	query := fs.String("q", "", "a `query` in place of a rule: then only ID follows")
	asJSON := fs.Bool("json", false, "one JSON line with the whole tree")
	rest, err := v.parse(fs, args, 1, 2)
	if err != nil {
		return err
	}
	if len(rest) != 2 && *query == "" || len(rest) != 1 && *query != "" {
		return usagef("%s needs RULE ID, or -q QUERY ID", v.name)
	}
	list, err := ids(rest[len(rest)-1:])
	if err != nil {
		return err
	}
	r, _, err := chosenRule(e, *config, *file, *query, rest[0])
	if err != nil {
		return err
	}
	return withStore(ctx, e, *config, func(st *store.Store) error { return testStored(ctx, e, st, r, list[0], *asJSON) })
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
	if _, err := rules.Compile(list); err != nil {
		return err
	}
	type row struct {
		Name     string     `json:"name"`
		Query    string     `json:"query"`
		Required [][]string `json:"required"` // words of which the archive's index needs one each; none: searches read every article
		Warnings []string   `json:"warnings"`
	}
	rows := []row{}
	for _, r := range list {
		q, err := rules.ParseWith(r.Query, r.Lists)
		if err != nil {
			return err
		}
		rows = append(rows, row{r.Name, q.String(), append([][]string{}, rules.Required(q)...), append([]string{}, q.Warnings()...)})
		for _, w := range q.Warnings() {
			fmt.Fprintf(e.stderr, "warning: rule %q: %s\n", r.Name, w)
		}
	}
	if *asJSON {
		return printJSON(e.stdout, rows)
	}
	if file == "" {
		file = *config
	}
	fmt.Fprintf(e.stdout, "%s is good: %s\n", file, count(len(list), "rule"))
	return nil
}
