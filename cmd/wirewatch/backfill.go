package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers"
	"wirewatch/scrapers/past"
)

// A backfilling is what `backfill` was asked for.
type backfilling struct {
	config       string
	since, until string // as typed
	sources      []string
	sites, rules []string
	alert        string // none, digest, send
	limit        int
	undated      bool
	dry, asJSON  bool

	dates pipeline.Range
	full  bool // the limit was reached
}

// Ways to tell of what a backfill found.
const (
	alertNone   = "none"
	alertDigest = "digest"
	alertSend   = "send"
)

// runBackfill fills a range of the past from sources that have it. It is quiet: matches are stored, nobody is told, unless asked. A story that
// comes quietly alerts with its first loud match.
func runBackfill(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	b := backfilling{alert: alertNone}
	config := configFlag(fs)
	fs.StringVar(&b.since, "since", "", "first `day` or moment of publication: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago)")
	fs.StringVar(&b.until, "until", "", "last `day` or moment, included (default: now)")
	several := func(name, doc string, to *[]string) {
		fs.Func(name, doc, func(s string) error { *to = append(*to, s); return nil })
	}
	several("source", "where from, as `KIND:WHAT`: feed:NAME, sitemap:https://example.org/, warc:FILE …; may be given again (default: every configured feed)", &b.sources)
	fs.Func("feed", "this configured `feed`; the same as --source feed:NAME", func(s string) error { b.sources = append(b.sources, "feed:"+s); return nil })
	several("site", "articles of this `site` and its subdomains only; may be given again", &b.sites)
	several("rule", "with --alert: tell of this `rule` only; may be given again", &b.rules)
	fs.StringVar(&b.alert, "alert", alertNone, "tell the channels of what rules matched, when all is stored, once a story: none, digest (one a channel) or send (message by message) (`HOW`)")
	fs.IntVar(&b.limit, "limit", 0, "stop after so many new articles (0: all); the same command then goes on behind them")
	fs.BoolVar(&b.undated, "undated", false, "take articles that nobody knows the date of too")
	fs.BoolVar(&b.dry, "dry-run", false, "estimate how much there is, and fetch nothing else")
	fs.BoolVar(&b.asJSON, "json", false, "the estimate, and at the end what came of it, as JSON lines")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	b.config = *config
	if err := b.check(v, e.now()); err != nil {
		return err
	}
	s, err := load(b.config, e.getenv, e.now)
	if err != nil {
		return err
	}
	if err := b.known(s); err != nil {
		return err
	}
	if err := b.lookFirst(s); err != nil {
		return err
	}
	return b.run(ctx, e, s)
}

// check reads the flags that need no configuration.
func (b *backfilling) check(v verb, now time.Time) (err error) {
	if b.since == "" {
		return usagef("backfill needs --since, as in --since 7d")
	}
	if b.dates.Since, err = v.since(b.since, now); err != nil {
		return err
	}
	b.dates.Until = now
	if b.until != "" {
		if b.dates.Until, err = moment(b.until, now, true); err != nil {
			return usagef("backfill --until: %v", err)
		}
	}
	switch {
	case !b.dates.Since.Before(b.dates.Until):
		return usagef("backfill: --since %s is not before --until %s", stamp(b.dates.Since), stamp(b.dates.Until))
	case !slices.Contains([]string{alertNone, alertDigest, alertSend}, b.alert):
		return usagef("backfill --alert %q: it is none, digest or send", b.alert)
	case len(b.rules) > 0 && b.alert == alertNone:
		return usagef("backfill --rule says what to tell of; add --alert digest or --alert send (what the rules match is stored in any case)")
	case b.limit < 0:
		return usagef("backfill --limit is %d; it is a number of articles", b.limit)
	}
	for i, s := range b.sites {
		if s == "" {
			return usagef("backfill --site is empty: it is a host name, such as example.org")
		}
		if b.sites[i], err = v.site(s); err != nil {
			return err
		}
	}
	return nil
}

// known reads those that name something in the configuration. Without a source every feed is one.
func (b *backfilling) known(s *setup) error {
	var feeds, rules []string
	for _, f := range s.cfg.Feeds {
		feeds = append(feeds, f.Name)
	}
	for name := range s.byName {
		rules = append(rules, name)
	}
	for _, r := range b.rules {
		if !slices.Contains(rules, r) {
			return fmt.Errorf("there is no rule %q%s", r, didYouMean(r, rules))
		}
	}
	if len(b.sources) == 0 {
		if err := s.cfg.CheckFeeds(); err != nil {
			return err
		}
		for _, f := range feeds {
			b.sources = append(b.sources, "feed:"+f)
		}
	}
	for _, src := range b.sources {
		if name, ok := strings.CutPrefix(src, "feed:"); ok && !strings.Contains(name, "://") && !slices.Contains(feeds, name) {
			return fmt.Errorf("there is no feed %q%s", name, didYouMean(name, feeds))
		}
	}
	return nil
}

// A checkedPast is a source that can tell before it is asked anything that it is not there.
type checkedPast interface {
	Check() error
}

// lookFirst says what is wrong with the sources before a store is opened, and maybe made.
func (b *backfilling) lookFirst(s *setup) error {
	client, err := newClient(s.cfg, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	pasts, _, err := b.pasts(client, s)
	if err != nil {
		return err
	}
	for _, p := range pasts {
		if c, ok := p.(checkedPast); ok {
			if err := c.Check(); err != nil {
				return fmt.Errorf("%s: %w", p.Name(), err)
			}
		}
	}
	return nil
}

// asked is what makes two commands one: what was typed, whatever the day.
func (b *backfilling) asked() string {
	sorted := func(l []string) string { l = slices.Clone(l); slices.Sort(l); return strings.Join(l, " ") }
	return fmt.Sprintf("since %s until %s sources %s sites %s rules %s alert %s limit %d undated %t", b.since, b.until, sorted(b.sources), sorted(b.sites),
		sorted(b.rules), b.alert, b.limit, b.undated)
}

// A backfillRow is what came of a source, or with an empty source of all of them.
type backfillRow struct {
	Source  string `json:"source"`
	Found   int    `json:"found"`   // articles that it has, or names
	New     int    `json:"new"`     // that were stored, or are to be fetched
	Known   int    `json:"known"`   // that were stored already
	Outside int    `json:"outside"` // of other dates or sites, or no articles
	Failed  int    `json:"failed"`  // that cannot be used
	Done    bool   `json:"done"`    // it was read to its end
	Error   string `json:"error"`   // why not
}

// run estimates, walks, fetches, joins and tells. Each step does what is left of it, so that the same command goes on where another one ended.
func (b *backfilling) run(ctx context.Context, e *env, s *setup) error {
	// Pages are read as fast as the machine can, and each leaves much behind: a collector that runs less often costs some 50 MB, and saves a
	// tenth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(300))
	p := newProgress(e, s.cfg.Log)
	defer p.end()
	log := p.log
	clear(s.waits) // as in `run --once`
	a, err := openApp(ctx, s, log, e.stdout)
	if err != nil {
		return err
	}
	defer a.close()
	pasts, feeds, err := b.pasts(a.client, s)
	if err != nil {
		return err
	}
	total, err := b.estimate(ctx, e, a, pasts)
	if err != nil || b.dry {
		return err
	}
	if _, err := a.store.TakeOver(ctx, a.deadOwner); err != nil {
		return err
	}
	if err := a.store.SyncFeeds(ctx, s.feeds()); err != nil {
		return err
	}
	is, err := a.store.OpenBackfill(ctx, pipeline.BackfillRun{Asked: b.asked(), Range: b.dates, Undated: b.undated, Limit: b.limit})
	if err != nil {
		return err
	}
	b.dates = is.Range // of the day on which it began
	if walks, err := a.store.Walks(ctx, is.ID); err != nil {
		return err
	} else if len(walks) > 0 {
		log.Info("going on with the backfill", "begun", stamp(is.Started), "since", stamp(is.Range.Since), "until", stamp(is.Range.Until))
	}
	left, err := b.fill(ctx, a, p, is, pasts, feeds, total)
	if err == nil {
		err = b.tell(ctx, a)
	}
	p.end() // what came of it stands below the bars
	if ctx.Err() != nil {
		log.Warn("stopped; the same command goes on from here")
		return context.Cause(ctx)
	}
	done, serr := b.summary(ctx, e, a, log, is)
	if err == nil {
		err = serr
	}
	if err == nil && left == 0 && done {
		return a.store.FinishBackfill(ctx, is.ID)
	}
	return err
}

// pasts are the sources, and by their names the configured feeds that they read.
func (b *backfilling) pasts(client *scrapers.Client, s *setup) (out []pipeline.Past, feeds map[string]string, err error) {
	d := past.Deps{Client: client, Options: func(feed string) scrapers.RequestOptions { return s.options[feed] }, Sites: b.sites, Now: s.now,
		Feed: func(name string) (string, bool) {
			for _, f := range s.cfg.Feeds {
				if f.Name == name {
					return f.URL, true
				}
			}
			return "", false
		}}
	feeds = map[string]string{}
	for _, src := range slices.Compact(slices.Sorted(slices.Values(b.sources))) {
		p, err := past.New(src, d)
		if err != nil {
			return nil, nil, err
		}
		if name, ok := strings.CutPrefix(src, "feed:"); ok {
			if _, ok := d.Feed(name); ok {
				feeds[p.Name()] = name
			}
		}
		out = append(out, p)
	}
	return out, feeds, nil
}

// fill walks the sources, fetches what they name and joins what was stored. It returns how many pages have still to be tried.
func (b *backfilling) fill(ctx context.Context, a *app, p *progress, is pipeline.BackfillRun, pasts []pipeline.Past, feeds map[string]string, total map[string]int) (left int, err error) {
	var mu sync.Mutex
	tracks := map[string]*track{}
	walk := &pipeline.Backfill{Store: a.store, Process: a.process, Is: is, Sources: pasts, Feeds: feeds, Canonical: dedup.Canonical, Host: scrapers.Host,
		Workers: runtime.GOMAXPROCS(0), Now: time.Now, Report: a.report, Progress: func(w pipeline.Walk) {
			mu.Lock()
			t := tracks[w.Source]
			if t == nil {
				t = p.track(w.Source, total[w.Source])
				tracks[w.Source] = t
			}
			mu.Unlock()
			t.set(w.Found, walkAttrs(w)...)
			if w.Done {
				t.done(true)
			}
		}}
	if len(b.sites) > 0 {
		walk.Wanted = func(url string) bool { return scrapers.OfSites(b.sites, url) }
	}
	_, werr := a.stage(ctx, 4, walk) // sources; each has readers of its own
	b.full = walk.Full()
	if ctx.Err() != nil {
		return 0, werr
	}
	a.counted = true
	a.process.Slice, a.process.Revisit = 0, nil // a backfill looks at nothing twice
	left, ferr := b.fetch(ctx, a, p, is)
	if ctx.Err() != nil {
		return left, ferr
	}
	var joins *track
	join := a.joiner()
	join.Eager = true
	join.Progress = func(n int) {
		if joins == nil {
			joins = p.track("joining stories", -1)
		}
		joins.set(n)
	}
	_, jerr := a.stage(ctx, 1, join)
	if joins != nil {
		joins.done(true)
	}
	if jerr == nil {
		jerr = a.indexWords(ctx)
	}
	return left, errors.Join(werr, ferr, jerr)
}

// fetch gets the pages that sources named, and returns how many have still to be tried. Where a daemon or another backfill has a host in hand,
// it waits: the pages are fetched there.
func (b *backfilling) fetch(ctx context.Context, a *app, p *progress, is pipeline.BackfillRun) (left int, err error) {
	count := func() (done, dead, open int, err error) {
		n, _, err := a.store.BackfillItems(ctx, is.ID)
		return n[pipeline.ItemDone], n[pipeline.ItemDead], n[pipeline.ItemOpen], err
	}
	if _, err := a.store.TakeWanted(ctx, is); err != nil {
		return 0, err
	}
	done, dead, open, err := count()
	if err != nil || open == 0 {
		return open, err
	}
	t := p.track("fetching pages", done+dead+open)
	look, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-look.Done():
				return
			case <-tick.C:
				if done, dead, _, err := count(); err == nil {
					t.set(done+dead, "failed", dead)
				}
			}
		}
	})
	err = b.fetchAll(ctx, a, is)
	stop()
	watching.Wait()
	if ctx.Err() != nil {
		return open, err
	}
	done, dead, open, cerr := count()
	t.set(done+dead, "failed", dead)
	t.done(open == 0)
	return open, errors.Join(err, cerr)
}

// othersFetch is how long a backfill waits before it looks again whether the pages that others have in hand are there.
const othersFetch = 500 * time.Millisecond

// fetchAll fetches until no page is due.
func (b *backfilling) fetchAll(ctx context.Context, a *app, is pipeline.BackfillRun) error {
	for {
		if _, err := a.stage(ctx, workers, a.process); err != nil {
			return err
		}
		more, err := a.store.TakeWanted(ctx, is)
		if err != nil {
			return err
		}
		if more > 0 {
			continue
		}
		due, err := a.store.BackfillDue(ctx, is.ID, time.Now())
		if err != nil || !due {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(othersFetch):
		}
	}
}

// tell tells the channels of what rules matched in what backfills stored of the range and the sites, once a story, behind whatever else there is to tell.
func (b *backfilling) tell(ctx context.Context, a *app) error {
	if b.alert == alertNone {
		return nil
	}
	s := a.setup.Load()
	again := &pipeline.Replay{Store: a.store, Digest: b.alert == alertDigest, Now: time.Now, Takes: func(rule, channel string) bool { return s.quiet.takes(s.byName[rule], channel) },
		PastFilter: pipeline.PastFilter{Rules: b.rules, Range: b.dates, Sites: b.sites, Backfilled: true},
		Rule: func(name string) (pipeline.Match, bool) {
			_, ok := s.byName[name]
			return s.matchOf(name, s.now()), ok
		}}
	if _, err := a.stage(ctx, 1, again); err != nil {
		return err
	}
	a.log.Info("told of the past", "matches", again.Articles, "told", again.Told, "known", again.Known, "tell nobody", again.Nobody)
	told := slices.Sorted(maps.Keys(again.Messages))
	if len(told) == 0 {
		return nil
	}
	sent, err := a.stage(ctx, workers, someChannels{a.deliver, told})
	a.log.Info("sent of the past", "messages", sent)
	for _, ch := range told {
		waits, werr := a.store.Deliveries(ctx, store.DeliveryFilter{Channel: ch, State: pipeline.DeliveryHeld, Limit: 1})
		if len(waits) > 0 {
			a.log.Warn("messages wait for a channel, behind what is live (`wirewatch alerts list --state held`); a running daemon or the next run sends them", "channel", ch)
		}
		err = errors.Join(err, werr)
	}
	return err
}

func walkAttrs(w pipeline.Walk) []any {
	return []any{"new", w.Added, "known", w.Known, "outside", w.Outside, "failed", w.Failed}
}

// summary says what came of it, and reports whether all sources are at their ends.
func (b *backfilling) summary(ctx context.Context, e *env, a *app, log *slog.Logger, is pipeline.BackfillRun) (done bool, err error) {
	walks, err := a.store.Walks(ctx, is.ID)
	if err != nil {
		return false, err
	}
	items, bare, err := a.store.BackfillItems(ctx, is.ID)
	if err != nil {
		return false, err
	}
	rows := make([]backfillRow, len(walks))
	var all backfillRow
	all.Done = true
	for i, w := range walks {
		rows[i] = backfillRow{w.Source, w.Found, w.Added, w.Known, w.Outside, w.Failed, w.Done, w.Error}
		all.Found, all.New, all.Known, all.Outside, all.Failed = all.Found+w.Found, all.New+w.Added, all.Known+w.Known, all.Outside+w.Outside, all.Failed+w.Failed
		all.Done = all.Done && w.Done
	}
	// What was listed as new may have turned out to be of other dates, or not to be had. Where a feed's own text stands in it was stored all the same.
	all.Outside, all.Failed = all.Outside+bare[pipeline.ItemDone], all.Failed+bare[pipeline.ItemDead]
	all.New -= bare[pipeline.ItemDone] + bare[pipeline.ItemDead] + bare[pipeline.ItemOpen]
	if b.asJSON {
		if err := printJSON(e.stdout, append(rows, all)); err != nil {
			return false, err
		}
	}
	head := "backfill done"
	switch {
	case all.Done:
	case b.full:
		head = "backfill stopped at its limit; the same command goes on behind it"
	default:
		head = "backfill stopped before its sources were at their ends; the same command goes on from there"
	}
	log.Info(head, "since", stamp(is.Range.Since), "until", stamp(is.Range.Until), "found", all.Found, "new", all.New, "known", all.Known,
		"outside", all.Outside, "failed", all.Failed, "took", time.Since(is.Started).Round(time.Second))
	if n := items[pipeline.ItemOpen]; n > 0 {
		log.Warn("some pages could not be had yet; the daemon or the same command tries them again", "pages", n)
	}
	if n := items[pipeline.ItemDead]; n > 0 {
		log.Warn("some pages failed for good; `wirewatch items list --state dead` names them", "pages", n)
	}
	return all.Done, nil
}

// joiner joins what backfills stored.
func (a *app) joiner() *pipeline.Joiner {
	return &pipeline.Joiner{Store: a.store, NewIndex: func() *dedup.Index { return dedup.New(dedup.Options{Window: foldWindow}) },
		NewEvents: func() *dedup.Events { return dedup.NewEvents(dedup.EventOptions{}) }, Window: foldWindow, Now: time.Now, Report: a.report}
}

// moment reads a day, a time, or an age such as 30d. The end of a range given as a day includes that day.
func moment(s string, now time.Time, end bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse("2006-01-02", s); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, nil
	}
	if len(s) > 1 && s[len(s)-1] == 'd' {
		var days int
		if _, err := fmt.Sscanf(s, "%dd", &days); err == nil && fmt.Sprintf("%dd", days) == s && days > 0 {
			return now.AddDate(0, 0, -days), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no day (2026-11-01), time (2026-11-01T06:00:00Z) or age (30d, 12h)", s)
}
