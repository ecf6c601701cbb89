package main

import (
	"context"
	"fmt"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/engine"
)

// runBackfill stores what the configured feeds still list of a date range. It is quiet: matches are stored, nobody is
// told, unless asked. A story that comes quietly alerts with its first loud match.
func runBackfill(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	since := fs.String("since", "", "first `day` or moment: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago)")
	until := fs.String("until", "", "last `day` or moment, included (default: now)")
	feedName := fs.String("feed", "", "this `feed` only")
	loud := fs.Bool("alert", false, "tell the channels, as the daemon would")
	undated := fs.Bool("undated", false, "take entries without a date too")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *since == "" {
		return usagef("backfill needs --since, as in --since 7d")
	}
	from, err := v.since(*since, e.now())
	if err != nil {
		return err
	}
	to := e.now()
	if *until != "" {
		if to, err = moment(*until, e.now(), true); err != nil {
			return usagef("backfill --until: %v", err)
		}
	}
	if !from.Before(to) {
		return usagef("backfill: --since %s is not before --until %s", stamp(from), stamp(to))
	}
	s, err := load(*file, e.getenv, e.now)
	if err != nil {
		return err
	}
	if err := s.cfg.CheckFeeds(); err != nil {
		return err
	}
	var names []string
	all := make([]string, len(s.cfg.Feeds))
	for i, f := range s.cfg.Feeds {
		all[i] = f.Name
		if *feedName == "" || *feedName == f.Name {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no feed %q%s", *feedName, didYouMean(*feedName, all))
	}
	log := newLog(e, s.cfg.Log)
	clear(s.waits) // as in `run --once`
	a, err := openApp(ctx, s, log, e.stdout)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.store.SyncFeeds(ctx, s.feeds()); err != nil {
		return err
	}
	start := time.Now()
	look := &pipeline.Backfill{Poller: a.poll, Feeds: names, Since: from, Until: to, Undated: *undated, Quiet: !*loud}
	run := &engine.Engine{Leases: a.store, Owner: a.owner, TTL: leaseTTL, Workers: workers, Sweep: sweepEvery, Now: time.Now, Log: log}
	a.process.Slice, a.process.Revisit = 0, nil // a backfill looks at nothing twice
	run.Add(look, a.process)
	if *loud {
		if _, err := a.store.ReleaseDeliveries(ctx); err != nil { // else they hold up what comes behind them
			return err
		}
		run.Add(a.deliver)
	}
	done, err := run.Once(ctx)
	log.Info("backfill done", "since", stamp(from), "until", stamp(to), "new items", done[look.Name()], "articles", done[a.process.Name()],
		"outside the range", look.Outside(), "without a date", look.Dateless(), "took", time.Since(start).Round(time.Millisecond))
	return err
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
