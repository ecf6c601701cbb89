package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// A replay gives a rule its past: what it matches in the archive is stored as its matches and, where that is asked for, told.

type replayRow struct {
	ID        int64    `json:"id"`
	Story     int64    `json:"story"`
	Site      string   `json:"site"`
	URL       string   `json:"url"`
	Title     string   `json:"title"`
	Published string   `json:"published"`
	Seen      string   `json:"seen"`
	Tells     []string `json:"tells"` // channels that are told of it, or would be
}

type replayJSON struct {
	Rule     string         `json:"rule"`
	Since    string         `json:"since"`
	Until    string         `json:"until"`
	Found    int            `json:"found"`   // articles in which the rule matches now
	New      int            `json:"new"`     // of them, not stored as matches before
	Dropped  int            `json:"dropped"` // stored matches that hold no more
	Told     int            `json:"told"`    // stories (articles, events) that are told, or would be
	Known    int            `json:"known"`   // articles of which everybody had been told, by another one or before
	Messages map[string]int `json:"messages"`
	Raised   bool           `json:"raised"` // with --send: told; else nobody is
	Sent     int            `json:"sent"`   // messages that went out already
	Matches  []replayRow    `json:"matches"`
	Scanned  bool           `json:"scanned"`
	Read     int            `json:"read"`
	Seconds  float64        `json:"seconds"`
}

// replaying is a replay as it is asked for.
type replaying struct {
	rule                        rules.Rule
	dates                       lab.Range
	site, config                string
	to                          []string
	send, digest, dry, wantJSON bool
	limit                       int
}

func runReplay(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	var q replaying
	config := configFlag(fs)
	name := fs.String("rule", "", "the `rule`, as it is configured now")
	dates := rangeFlags(fs, "")
	fs.StringVar(&q.site, "site", "", "articles of this `site` and its subdomains only")
	fs.BoolVar(&q.send, "send", false, "tell the rule's channels, once a story, behind whatever else there is to tell them")
	fs.BoolVar(&q.digest, "digest", false, "with --send: in one digest a channel, or as few as hold it all")
	fs.Func("to", "tell this `channel`, not the rule's; may be given again", func(s string) error { q.to = append(q.to, s); return nil })
	fs.IntVar(&q.limit, "limit", 0, "tell of at most so many stories, the earliest first (0: all)")
	fs.BoolVar(&q.dry, "dry-run", false, "store nothing, tell nobody")
	fs.BoolVar(&q.wantJSON, "json", false, "one JSON line, with all that was found")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	switch {
	case *name == "":
		return usagef("replay needs --rule NAME")
	case q.digest && !q.send:
		return usagef("replay --digest says how to tell; add --send, which tells")
	case q.limit < 0:
		return usagef("replay --limit is %d; it is a number of stories", q.limit)
	}
	q.config = *config
	var err error
	if q.dates, err = dates(e.now()); err != nil {
		return err
	}
	if q.site, err = v.site(q.site); err != nil {
		return err
	}
	s, err := load(q.config, e.getenv, e.now)
	if err != nil {
		return err
	}
	rule, ok := s.byName[*name]
	if !ok {
		return fmt.Errorf("there is no rule %q%s", *name, didYouMean(*name, slices.Sorted(maps.Keys(s.byName))))
	}
	q.rule = rule
	if err := q.check(s, e.now()); err != nil {
		return err
	}
	return withStore(ctx, e, q.config, func(st *store.Store) error { return q.run(ctx, e, s, st) })
}

// check says why what is asked for cannot be told.
func (q *replaying) check(s *setup, now time.Time) error {
	for _, ch := range q.to {
		if _, ok := s.channels[ch]; !ok {
			return fmt.Errorf("there is no channel %q%s", ch, didYouMean(ch, slices.Sorted(maps.Keys(s.channels))))
		}
		if !s.quiet.takes(q.rule, ch) {
			return fmt.Errorf("channel %q is told of rules of severity %s and above (`quiet: {severity: %s}`), and rule %q is %s: name another one, or change either",
				ch, s.quiet.least[ch], s.quiet.least[ch], q.rule.Name, cmp.Or(q.rule.Severity, pipeline.DefaultSeverity))
		}
	}
	if !q.send {
		return nil
	}
	switch {
	case q.rule.When != nil:
		return fmt.Errorf("rule %q counts (`when`): what passed is told when it passes, and a replay cannot tell it afterwards; `rules backtest %s` shows it, and `replay` without --send stores its matches",
			q.rule.Name, q.rule.Name)
	case q.rule.Expired(now):
		return fmt.Errorf("rule %q has expired (`expires`) and tells nobody; `replay` without --send stores its matches", q.rule.Name)
	case len(q.to) == 0 && len(s.route[q.rule.Name]) == 0:
		return fmt.Errorf("rule %q tells nobody: it has no channels; name one with --to", q.rule.Name)
	}
	return nil
}

// sites are those that the replay is of; none: all.
func (q *replaying) sites() []string {
	if q.site == "" {
		return nil
	}
	return []string{q.site}
}

// run stores what the rule matches, and tells it or says what would be told.
func (q *replaying) run(ctx context.Context, e *env, s *setup, st *store.Store) error {
	start := time.Now()
	out := replayJSON{Rule: q.rule.Name, Since: stamp(q.dates.Since), Until: stamp(q.dates.Until), Raised: q.send && !q.dry, Matches: []replayRow{}}
	found, scan, err := q.find(ctx, e, st)
	if err != nil {
		return err
	}
	var source pipeline.ReplayStore = st
	if q.dry {
		source = &foundStore{Store: st, list: found}
	}
	if err := q.rematch(ctx, e, s, st, found, &out); err != nil {
		return err
	}
	again := &pipeline.Replay{Store: source, Channels: q.to, Digest: q.digest, Limit: q.limit, DryRun: !out.Raised, Now: e.now,
		PastFilter: pipeline.PastFilter{Rules: []string{q.rule.Name}, Range: pipeline.Range{Since: q.dates.Since, Until: q.dates.Until}, Sites: q.sites()},
		Rule:       func(name string) (pipeline.Match, bool) { return s.matchOf(name, e.now()), true },
		Takes:      func(rule, channel string) bool { return s.quiet.takes(s.byName[rule], channel) },
		Found: func(m pipeline.PastMatch, told []string) {
			a := m.Article
			out.Matches = append(out.Matches, replayRow{a.ID, a.Story, a.Site, a.URL, a.Title, stamp(a.Published), stamp(a.Seen), append([]string{}, told...)})
		}}
	if err := stage(ctx, st, newLog(e, s.cfg.Log), 1, again); err != nil {
		return err
	}
	out.Told, out.Known, out.Messages = again.Told, again.Known, again.Messages
	out.Scanned, out.Read = !scan.Required, scan.Read
	if out.Raised {
		out.Sent, err = q.deliver(ctx, e, s, slices.Sorted(maps.Keys(out.Messages)))
	}
	out.Seconds = time.Since(start).Seconds()
	if q.wantJSON {
		return errors.Join(printJSON(e.stdout, []replayJSON{out}), err)
	}
	q.print(e.stdout, out, colours(e.stdout, e.getenv))
	return errors.Join(err, tellScan(ctx, e, st, scan))
}

// find looks for what the rule matches in the archive.
func (q *replaying) find(ctx context.Context, e *env, st *store.Store) (found []pipeline.PastMatch, scan lab.Scan, err error) {
	scan, err = newLab(e, st).Matches(ctx, q.rule, q.dates, func(f lab.Found) error {
		a := f.Article
		if q.site != "" && a.Site != q.site && !strings.HasSuffix(a.Site, "."+q.site) {
			return nil
		}
		a.Body = "" // there may be many
		found = append(found, pipeline.PastMatch{Rule: q.rule.Name, Spans: f.Spans(), At: a.Time(), Article: a})
		return nil
	})
	slices.SortFunc(found, func(x, y pipeline.PastMatch) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Article.Canonical, y.Article.Canonical), cmp.Compare(x.Article.ID, y.Article.ID))
	})
	return found, scan, err
}

// rematch stores the matches that were found in the place of those that were stored, and counts both; a dry run only counts.
func (q *replaying) rematch(ctx context.Context, e *env, s *setup, st *store.Store, found []pipeline.PastMatch, out *replayJSON) error {
	stored, err := st.RuleMatches(ctx, q.rule.Name, pipeline.Range{Since: q.dates.Since, Until: q.dates.Until}, q.site)
	if err != nil {
		return err
	}
	had := map[int64]bool{}
	for _, id := range stored {
		had[id] = true
	}
	again := &pipeline.Rematch{Store: st, Rule: q.rule.Name}
	for _, m := range found {
		id := m.Article.ID
		if again.Articles = append(again.Articles, id); !had[id] {
			out.New++
		}
		delete(had, id)
	}
	out.Found, out.Dropped = len(found), len(had)
	if q.dry {
		return nil
	}
	again.Articles = append(again.Articles, slices.Sorted(maps.Keys(had))...)
	set, err := rules.Compile([]rules.Rule{q.rule})
	if err != nil {
		return err
	}
	again.Match = func(a *pipeline.Article) (out []pipeline.Match) {
		for _, h := range set.Match(lab.Doc(a)) {
			m := s.matchOf(h.Rule, e.now())
			for _, sp := range h.Spans {
				m.Spans = append(m.Spans, pipeline.Span(sp))
			}
			out = append(out, m)
		}
		return out
	}
	if err := stage(ctx, st, newLog(e, s.cfg.Log), 1, again); err != nil {
		return err
	}
	out.Found, out.New, out.Dropped = again.New+again.Kept, again.New, again.Dropped
	return nil
}

// deliver sends what waits for the channels, the past behind what is live, unless a daemon is at it. It says how many messages went out.
func (q *replaying) deliver(ctx context.Context, e *env, s *setup, channels []string) (int, error) {
	if len(channels) == 0 {
		return 0, nil
	}
	a, err := openApp(ctx, s, newLog(e, s.cfg.Log), e.stdout)
	if err != nil {
		return 0, err
	}
	defer a.close()
	return a.stage(ctx, workers, someChannels{a.deliver, channels})
}

// someChannels delivers to these alone.
type someChannels struct {
	*pipeline.Deliverer
	names []string
}

func (c someChannels) Due(ctx context.Context) ([]string, error) {
	due, err := c.Deliverer.Due(ctx)
	return slices.DeleteFunc(due, func(n string) bool { return !slices.Contains(c.names, n) }), err
}

// foundStore is a store that says it had stored what was found.
type foundStore struct {
	*store.Store
	list []pipeline.PastMatch
}

func (f *foundStore) PastMatches(_ context.Context, _ pipeline.PastFilter, _ pipeline.PastPlace, n int) (out []pipeline.PastMatch, err error) {
	n = min(n, len(f.list))
	out, f.list = f.list[:n], f.list[n:]
	return out, nil
}

// replayLines is how many of the articles a person is shown.
const replayLines = 50

func (q *replaying) print(w io.Writer, r replayJSON, colour bool) {
	stored, dropped := "new", "were dropped"
	if q.dry {
		stored, dropped = "not stored yet", "would be dropped"
	}
	fmt.Fprintf(w, "%s: %s, %d of them %s; %d stored before hold no more and %s\n", paint(colour, bold, alerts.Terminal(r.Rule)), count(r.Found, "article"), r.New, stored,
		r.Dropped, dropped)
	for i, m := range r.Matches {
		if i == replayLines {
			fmt.Fprintf(w, "  … and %d more; --json lists all\n", len(r.Matches)-i)
			break
		}
		tells := ""
		if len(m.Tells) > 0 {
			tells = "  → " + alerts.Terminal(strings.Join(m.Tells, ", "))
		}
		fmt.Fprintf(w, "  %d  %s  %s  %s%s\n", m.ID, cmp.Or(m.Published, m.Seen), alerts.Terminal(m.Site), alerts.Terminal(m.Title), paint(colour, dim, tells))
	}
	if q.rule.When != nil {
		fmt.Fprintf(w, "the rule counts, and a replay does not tell what passed: `rules backtest %s` shows it\n", alerts.Terminal(r.Rule))
		return
	}
	verb := "sending (--send) would tell"
	if r.Raised {
		verb = "told"
	}
	what := "message"
	if q.digest {
		what = "article"
	}
	for _, ch := range slices.Sorted(maps.Keys(r.Messages)) {
		fmt.Fprintf(w, "%s %s: %s\n", verb, alerts.Terminal(ch), count(r.Messages[ch], what))
	}
	if r.Told == 0 {
		fmt.Fprintf(w, "%s nobody\n", verb)
	}
	if r.Known > 0 {
		fmt.Fprintf(w, "%s told already, themselves or by another of their story\n", count(r.Known, "article"))
	}
	if r.Raised && r.Told > 0 {
		fmt.Fprintf(w, "%s sent; what is not yet goes out behind live alerts (`alerts list --state held`), by a running daemon or the next run\n", count(r.Sent, "message"))
	}
}
