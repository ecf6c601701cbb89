package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

type suggestJSON struct {
	Rule      string         `json:"rule"`
	Query     string         `json:"query"`
	Of        lab.Tally      `json:"of"`     // stories looked at
	Enough    bool           `json:"enough"` // marks to learn from
	Words     []lab.Telling  `json:"words"`
	Proposals []lab.Proposal `json:"proposals"`
}

func runRulesSuggest(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	config := configFlag(fs)
	file := fs.String("rules", "", "take the rule from this rule `file`, not from the configuration; marks go by its name")
	dates := rangeFlags(fs, "90d")
	asJSON := fs.Bool("json", false, "one JSON line")
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	rule, err := asked{config, file, new(string), new(string)}.rule(e, rest[0])
	if err != nil {
		return err
	}
	return withStore(ctx, e, *config, func(st *store.Store) error {
		marks, err := st.Marks(ctx, rule.Name)
		if err != nil {
			return err
		}
		said := map[int64]pipeline.Judgement{}
		for id, m := range marks {
			said[id] = m.Says
		}
		s, err := newLab(e, st).Suggest(ctx, lab.Suggest{Rule: rule, Marks: said, Range: r})
		if err != nil {
			return err
		}
		out := suggestJSON{rule.Name, rule.Query, s.Of, s.Enough(), s.Words, s.Proposals}
		if *asJSON {
			err = printJSON(e.stdout, []suggestJSON{out})
		} else {
			printSuggestion(e.stdout, out, colours(e.stdout, e.getenv))
		}
		switch {
		case s.Of.Wrong == 0:
			fmt.Fprintf(e.stderr, "no hit of this rule is marked wrong: `wirewatch alerts mark ID wrong`, with the ID that `wirewatch alerts list` shows\n")
		case !s.Enough():
			fmt.Fprintf(e.stderr, "too few marks: with less than 3 stories marked wrong, or 5 others, words differ by chance; take what is shown as a hint\n")
		}
		if err != nil {
			return err
		}
		return tellScan(ctx, e, st, s.Scan)
	})
}

func printSuggestion(w io.Writer, s suggestJSON, colour bool) {
	fmt.Fprintf(w, "%s: %s marked wrong, %d right; %d unmarked, which count as right with a quarter of the weight\n", paint(colour, bold, alerts.Terminal(s.Rule)),
		count(s.Of.Wrong, "story"), s.Of.Right, s.Of.Unmarked)
	head := ""
	for _, x := range s.Words {
		side := "words that speak for wrong, and in how many stories they stand:"
		if x.Score < 0 {
			side = "words that speak for right:"
		}
		if side != head {
			head = side
			fmt.Fprintln(w, head)
		}
		also := ""
		if len(x.Same) > 0 {
			also = "  " + paint(colour, dim, alerts.Terminal("in the same: "+strings.Join(x.Same, ", ")))
		}
		fmt.Fprintf(w, "  %+6.2f  %s  %s%s\n", x.Score, alerts.Terminal(x.Term), tallied(x.In, s.Of), also)
	}
	for i, p := range s.Proposals {
		if i == 0 {
			fmt.Fprintln(w, "proposals, and what they would remove:")
		}
		fmt.Fprintf(w, "  %s  %s\n      %s\n", paint(colour, bold, alerts.Terminal(p.Clause)), tallied(p.Removes, s.Of), paint(colour, dim, alerts.Terminal(p.Query)))
	}
	if s.Of.Wrong > 0 && len(s.Proposals) == 0 {
		fmt.Fprintln(w, "no word or two would remove enough of what is wrong without taking too much of the rest")
	}
}

func tallied(n, of lab.Tally) string {
	return fmt.Sprintf("%d of %d wrong, %d of %d right, %d of %d unmarked", n.Wrong, of.Wrong, n.Right, of.Right, n.Unmarked, of.Unmarked)
}
