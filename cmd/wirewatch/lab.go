package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What the verbs of the rule lab have in common: the archive, the rule that is asked for, what they show.

// labStore is the store as the lab reads it.
type labStore struct{ *store.Store }

func (a labStore) Candidates(ctx context.Context, groups [][]string, since time.Time, below int64, limit int) ([]int64, error) {
	return a.Store.Candidates(ctx, store.WordFilter{Form: lab.WordsForm, Groups: groups, Since: since, Below: below, Limit: limit})
}

// indexWords brings the word index up to date; a daemon does it all the time.
func (a *app) indexWords(ctx context.Context) error {
	_, err := a.store.IndexWords(ctx, lab.WordsForm, lab.Words)
	return err
}

// newLab is the lab over a store. Where words go to a terminal, it shows there how far it is.
func newLab(e *env, st *store.Store) *lab.Lab {
	l := &lab.Lab{Archive: labStore{st}, Now: time.Now}
	if f, ok := e.stderr.(*os.File); ok {
		if s, err := f.Stat(); err == nil && s.Mode()&os.ModeCharDevice != 0 {
			shown := time.Now()
			l.Progress = func(done, of int) {
				if done == of && time.Since(shown) < time.Second || done < of && time.Since(shown) < 200*time.Millisecond {
					return
				}
				shown = time.Now()
				fmt.Fprintf(f, "\r%s of %s articles\x1b[K", thousands(done), thousands(of))
				if done == of {
					fmt.Fprint(f, "\r\x1b[K")
				}
			}
		}
	}
	return l
}

// tellScan says what a look through the archive cost, and what would make it cheaper.
func tellScan(ctx context.Context, e *env, st *store.Store, s lab.Scan) error {
	if !s.Required {
		fmt.Fprintf(e.stderr, "no word is required, so every article in the range was read: %s in %s, %s a second\n", count(s.Read, "article"),
			s.Took.Round(time.Millisecond), thousands(int(s.Rate())))
		return nil
	}
	fmt.Fprintf(e.stderr, "%s read in %s\n", count(s.Read, "article"), s.Took.Round(time.Millisecond))
	w, err := st.WordIndex(ctx, lab.WordsForm)
	if err == nil && w.Unindexed > 1000 {
		fmt.Fprintf(e.stderr, "%s are not in the word index yet and are read each time; the daemon, or `run --once`, puts them there\n", count(int(w.Unindexed), "article"))
	}
	return err
}

// rangeFlags are --since and --until.
func rangeFlags(fs *flag.FlagSet, since string) func(now time.Time) (lab.Range, error) {
	from := fs.String("since", since, "articles from this `day` or moment: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago)")
	to := fs.String("until", "", "articles up to this `day`, which is included, or before this moment")
	return func(now time.Time) (r lab.Range, err error) {
		if *from != "" {
			if r.Since, err = moment(*from, now, false); err != nil {
				return r, usagef("%s --since: %v", strings.TrimPrefix(fs.Name(), "wirewatch "), err)
			}
		}
		if *to != "" {
			if r.Until, err = moment(*to, now, true); err != nil {
				return r, usagef("%s --until: %v", strings.TrimPrefix(fs.Name(), "wirewatch "), err)
			}
		}
		if !r.Since.IsZero() && !r.Until.IsZero() && !r.Since.Before(r.Until) {
			return r, usagef("%s: --since %s is not before --until %s", strings.TrimPrefix(fs.Name(), "wirewatch "), stamp(r.Since), stamp(r.Until))
		}
		return r, nil
	}
}

// knownRule says of a rule that is asked for by name and is neither configured nor ever matched that there is none; "" is no rule.
func knownRule(ctx context.Context, e *env, config string, st *store.Store, name string) error {
	if name == "" {
		return nil
	}
	has, err := st.Matches(ctx, store.MatchFilter{Rule: name, Limit: 1})
	if err != nil || len(has) > 0 {
		return err
	}
	list, err := rulesOf(e, config, "")
	if err != nil {
		return err
	}
	if _, like, ok := named(list, name); !ok {
		return fmt.Errorf("there is no rule %q%s, nor anything stored that one of this name matched", name, like)
	}
	return nil
}

// named finds a rule by its name. Where there is none, like asks whether another one was meant.
func named(list []rules.Rule, name string) (r rules.Rule, like string, ok bool) {
	names := make([]string, len(list))
	for i, r := range list {
		if names[i] = r.Name; r.Name == name {
			return r, "", true
		}
	}
	return rules.Rule{}, didYouMean(name, names), false
}

// rulesOf reads the rules of a rule file, or of the configuration where file is "". Rules need no secrets of channels.
func rulesOf(e *env, config, file string) ([]rules.Rule, error) {
	var parts configs.Rules
	var lists configs.Node
	if file != "" {
		var err error
		if parts, err = configs.LoadRules(file); err != nil {
			return nil, err
		}
	} else {
		cfg, err := loadPlain(config, e.getenv)
		if err != nil {
			return nil, err
		}
		parts, lists, file = cfg.Rules, cfg.Lists, config
	}
	list, _, err := readRules(parts, lists)
	var bad mistakes
	if errors.As(err, &bad) {
		return nil, bad.err(file)
	}
	return list, err
}

// A foundJSON is an article in which a query or rule matches.
type foundJSON struct {
	ID        int64            `json:"id"`
	Story     int64            `json:"story"`
	Site      string           `json:"site"`
	URL       string           `json:"url"`
	Title     string           `json:"title"`
	Lang      string           `json:"lang"`
	Published string           `json:"published"`
	Seen      string           `json:"seen"`
	Spans     []pipeline.Span  `json:"spans"`
	Passages  []alerts.Passage `json:"passages"`
}

func foundOf(f *lab.Found) foundJSON {
	a := &f.Article
	head, pieces := alerts.Show(a.Title, a.Body, f.Spans())
	return foundJSON{a.ID, a.Story, a.Site, a.URL, a.Title, a.Lang, stamp(a.Published), stamp(a.Seen), append([]pipeline.Span{}, f.Spans()...),
		append([]alerts.Passage{head}, pieces...)}
}

func foundRows(l []lab.Found) []foundJSON {
	out := make([]foundJSON, len(l))
	for i := range l {
		out[i] = foundOf(&l[i])
	}
	return out
}

// printFound shows an article with its hits in colour, or between asterisks.
func printFound(w io.Writer, f foundJSON, colour bool) {
	when := f.Published
	if when == "" {
		when = f.Seen
	}
	fmt.Fprintf(w, "%s  %s  %s\n", paint(colour, bold, fmt.Sprint(f.ID)), when, alerts.Terminal(f.Site))
	for i, p := range f.Passages {
		fmt.Fprintf(w, "    %s\n", lit(p, colour, i == 0))
	}
	fmt.Fprintf(w, "    %s\n", paint(colour, dim, alerts.Terminal(f.URL)))
}

func lit(p alerts.Passage, colour, head bool) string {
	var b strings.Builder
	p.Runs(func(s string, hit bool) {
		switch {
		case hit && colour:
			s = paint(true, "1;"+yellow, s)
		case hit:
			s = "*" + s + "*"
		case head:
			s = paint(colour, bold, s)
		}
		b.WriteString(s)
	})
	return b.String()
}

// missingArticle says which article is not there.
func missingArticle(err error, id int64) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no article %d: %w", id, err)
	}
	return err
}
