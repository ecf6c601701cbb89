package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/pipeline/store"
)

type perChannel struct {
	Channel  string  `json:"channel"`
	Messages int     `json:"messages"`
	PerDay   float64 `json:"per_day"`
}

type backtestJSON struct {
	Rule     string       `json:"rule"`
	Query    string       `json:"query"`
	Since    string       `json:"since"`
	Until    string       `json:"until"`
	Hits     int          `json:"hits"`
	Messages int          `json:"messages"`
	Days     []lab.Day    `json:"days"`
	Sites    []lab.Count  `json:"sites"`
	Overlap  []lab.Count  `json:"overlap"`
	Channels []perChannel `json:"channels"`
	Samples  []foundJSON  `json:"samples"`
	Scanned  bool         `json:"scanned"`
	Read     int          `json:"read"`
	Seconds  float64      `json:"seconds"`
}

func runRulesBacktest(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	ask := askedFlags(fs)
	dates := rangeFlags(fs, "30d")
	samples := fs.Int("samples", 5, "show so many of the articles")
	asJSON := fs.Bool("json", false, "one JSON line")
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	if (len(rest) == 0) == (*ask.query == "") {
		return usagef("rules backtest needs RULE or -q QUERY")
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	if r.Until.IsZero() {
		r.Until = e.now()
	}
	rule, err := ask.rule(e, strings.Join(rest, ""))
	if err != nil {
		return err
	}
	config := *ask.config
	cfg, err := loadPlain(config, e.getenv)
	if err != nil {
		return err
	}
	inForce, err := rulesOf(e, config, "")
	if err != nil {
		return err
	}
	others, err := rules.Compile(inForce)
	if err != nil {
		return err
	}
	to := rule.Channels
	for _, c := range cfg.Channels {
		if len(rule.Channels) == 0 {
			to = append(to, c.Name)
		}
	}
	return withStore(ctx, e, config, func(st *store.Store) error {
		b, err := newLab(e, st).Backtest(ctx, lab.Test{Rule: rule, Range: r, Others: others, Samples: max(0, *samples)})
		if err != nil {
			return err
		}
		out := backtestJSON{Rule: rule.Name, Query: rule.Query, Since: stamp(r.Since), Until: stamp(r.Until), Hits: b.Hits, Messages: b.Messages, Days: b.Days,
			Sites: b.Sites, Overlap: b.Overlap, Channels: []perChannel{}, Samples: foundRows(b.Samples), Scanned: !b.Required, Read: b.Read, Seconds: b.Took.Seconds()}
		days := float64(max(1, len(b.Days)))
		if !r.Since.IsZero() {
			days = max(1, r.Until.Sub(r.Since).Hours()/24)
		}
		for _, c := range to {
			out.Channels = append(out.Channels, perChannel{c, b.Messages, float64(b.Messages) / days})
		}
		if *asJSON {
			return printJSON(e.stdout, []backtestJSON{out})
		}
		printBacktest(e.stdout, out, colours(e.stdout, e.getenv))
		return tellScan(ctx, e, st, b.Scan)
	})
}

func printBacktest(w io.Writer, b backtestJSON, colour bool) {
	fmt.Fprintf(w, "%s: %s, %s, from %s to %s\n", paint(colour, bold, alerts.Terminal(b.Rule)), count(b.Hits, "article"), count(b.Messages, "message"),
		b.Since, b.Until)
	fmt.Fprintln(w, "by day, articles and messages:")
	most := 0
	for _, d := range b.Days {
		most = max(most, d.Hits)
	}
	for _, d := range b.Days {
		bar := 0
		if most > 0 {
			bar = (d.Hits*40 + most - 1) / most
		}
		fmt.Fprintf(w, "  %s %5d %5d  %s\n", d.Day, d.Hits, d.Messages, strings.Repeat("▇", bar))
	}
	list := func(head string, l []lab.Count, most int) {
		for i, c := range l {
			if i == 0 {
				fmt.Fprintf(w, "%s\n", head)
			}
			if i == most {
				fmt.Fprintf(w, "  … and %d more\n", len(l)-most)
				break
			}
			fmt.Fprintf(w, "  %5d  %s\n", c.N, alerts.Terminal(c.Name))
		}
	}
	list("by site:", b.Sites, 10)
	list("also matched by:", b.Overlap, 10)
	for i, c := range b.Channels {
		if i == 0 {
			fmt.Fprintln(w, "messages to expect:")
		}
		fmt.Fprintf(w, "  %5.1f a day  %s\n", c.PerDay, alerts.Terminal(c.Channel))
	}
	for i, f := range b.Samples {
		if i == 0 {
			fmt.Fprintln(w, "samples:")
		}
		printFound(w, f, colour)
	}
}

type diffRuleJSON struct {
	Rule   string      `json:"rule"`
	Both   int         `json:"both"`
	Gained int         `json:"gained"`
	Lost   int         `json:"lost"`
	Gains  []foundJSON `json:"gains"`
	Losses []foundJSON `json:"losses"`
}

func runRulesDiff(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	config := configFlag(fs)
	dates := rangeFlags(fs, "30d")
	limit := fs.Int("limit", 20, "list so many of the articles gained and lost by each rule")
	names := listsFlag(fs)
	queries := fs.Bool("q", false, "OLD and NEW are queries; else each is a rule file")
	asJSON := fs.Bool("json", false, "JSON lines, a line a rule that changed")
	rest, err := v.parse(fs, args, 2, 2)
	if err != nil {
		return err
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	var changes []lab.Change
	if *queries {
		var sides [2]rules.Rule
		for i, s := range rest {
			q, err := parseQuery(e, *config, *names, s)
			if err != nil {
				return err
			}
			sides[i] = rules.Rule{Query: s, Lists: q.Lists()}
		}
		changes = []lab.Change{{Name: "(query)", Old: sides[0], New: sides[1]}}
	} else if changes, err = changedRules(e, rest[0], rest[1]); err != nil {
		return err
	}
	if len(changes) == 0 {
		fmt.Fprintln(e.stderr, "no rule changed")
		return nil
	}
	return withStore(ctx, e, *config, func(st *store.Store) error {
		ds, scan, err := newLab(e, st).Diff(ctx, changes, r, max(0, *limit))
		if err != nil {
			return err
		}
		rows := make([]diffRuleJSON, len(ds))
		for i, d := range ds {
			rows[i] = diffRuleJSON{d.Name, d.Both, d.Gained, d.Lost, foundRows(d.Gains), foundRows(d.Losses)}
		}
		if *asJSON {
			return printJSON(e.stdout, rows)
		}
		colour := colours(e.stdout, e.getenv)
		for _, d := range rows {
			fmt.Fprintf(e.stdout, "%s: %d gained, %d lost, %d as before\n", paint(colour, bold, alerts.Terminal(d.Rule)), d.Gained, d.Lost, d.Both)
			for _, f := range d.Gains {
				fmt.Fprint(e.stdout, paint(colour, green, "+ "))
				printFound(e.stdout, f, colour)
			}
			for _, f := range d.Losses {
				fmt.Fprint(e.stdout, paint(colour, red, "- "))
				printFound(e.stdout, f, colour)
			}
		}
		return tellScan(ctx, e, st, scan)
	})
}

// changedRules are the rules of two files that are not the same in both.
func changedRules(e *env, old, now string) ([]lab.Change, error) {
	var lists [2][]rules.Rule
	for i, f := range []string{old, now} {
		var err error
		if lists[i], err = rulesOf(e, "", f); err != nil {
			return nil, err
		}
		if _, err := rules.Compile(lists[i]); err != nil {
			return nil, err
		}
	}
	find := func(l []rules.Rule, name string) rules.Rule {
		if i := slices.IndexFunc(l, func(r rules.Rule) bool { return r.Name == name }); i >= 0 {
			return l[i]
		}
		return rules.Rule{}
	}
	var out []lab.Change
	for _, r := range lists[0] {
		n := find(lists[1], r.Name)
		if asks(n) != asks(r) || !slices.Equal(n.Languages, r.Languages) || !slices.Equal(n.Sites, r.Sites) {
			out = append(out, lab.Change{Name: r.Name, Old: r, New: n})
		}
	}
	for _, r := range lists[1] {
		if find(lists[0], r.Name).Name == "" {
			out = append(out, lab.Change{Name: r.Name, New: r})
		}
	}
	return out, nil
}

// asks is a rule's query with its lists written out: a list that changes changes every rule that names it.
func asks(r rules.Rule) string {
	q, err := rules.ParseWith(r.Query, r.Lists)
	if err != nil {
		return r.Query // there is no such rule; those that there are are compiled
	}
	return q.Expanded()
}

func runRulesLint(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	config := configFlag(fs)
	dates := rangeFlags(fs, "30d")
	asJSON := fs.Bool("json", false, "JSON lines, a line a finding")
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	list, err := rulesOf(e, *config, strings.Join(rest, ""))
	if err != nil {
		return err
	}
	return withStore(ctx, e, *config, func(st *store.Store) error {
		found, scan, err := newLab(e, st).Lint(ctx, list, r)
		if err != nil {
			return err
		}
		cells := make([][]string, len(found))
		for i, f := range found {
			what := f.Term
			if what == "" {
				what = f.Other
			}
			cells[i] = []string{f.Rule, f.Kind, what, fmt.Sprint(f.Hits), f.Why}
		}
		if err := printList(e, *asJSON, found, wide, []string{"RULE", "FINDING", "TERM OR RULE", "HITS", "WHY"}, cells, "nothing is odd about these rules"); err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "%s read in %s\n", count(scan.Read, "article"), scan.Took.Round(time.Millisecond))
		if scan.Read < lab.FewArticles {
			fmt.Fprintf(e.stderr, "too few articles to say which rules match too much: at least %d\n", lab.FewArticles)
		}
		return nil
	})
}
