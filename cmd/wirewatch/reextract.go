package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

type reextractRow struct {
	Articles  int64 `json:"articles"`
	Changed   int64 `json:"changed"`
	Failed    int64 `json:"failed"`
	Busy      int64 `json:"busy"`
	Learned   int64 `json:"learned"`
	Removed   int64 `json:"removed"`
	Matched   int64 `json:"matched"`
	Unmatched int64 `json:"unmatched"`
	Alerts    int64 `json:"alerts"`
	DryRun    bool  `json:"dry_run"`
}

// runReextract makes stored articles anew of their pages. Alerts that it raises go out with a running daemon, or the next run.
func runReextract(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	site := fs.String("site", "", "this `site` only")
	since := fs.String("since", "", "articles stored since this `day` or moment: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago)")
	limit := fs.Int("limit", 0, "look at most at so many articles (0: all)")
	dry := fs.Bool("dry-run", false, "count what would change, and change nothing")
	loud := fs.Bool("alert", false, "tell the channels of matches that are new")
	asJSON := fs.Bool("json", false, "the counts as one JSON line")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *limit < 0 {
		return usagef("reextract --limit is %d; it is a number of articles", *limit)
	}
	from, err := v.since(*since, e.now())
	if err != nil {
		return err
	}
	s, err := load(*file, e.getenv, e.now)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		again := &pipeline.Reextract{Store: st, Extract: readPage(s.extract()), Match: s.match, Counting: s.counting, Site: *site, Since: from, Limit: *limit, DryRun: *dry, Alert: *loud}
		err := reextract(ctx, e, s, st, again)
		r := reextractRow{again.Read.Load(), again.Changed.Load(), again.Failed.Load(), again.Busy.Load(), again.Learned.Load(),
			again.Removed.Load(), again.Matched.Load(), again.Unmatched.Load(), again.Alerts.Load(), *dry}
		if *asJSON {
			if perr := printJSON(e.stdout, []reextractRow{r}); err == nil {
				err = perr
			}
			return err
		}
		verb := "changed"
		if *dry {
			verb = "would change"
		}
		fmt.Fprintf(e.stdout, "%s read, %d %s, %d left as they are because their page gives no text\n", count(int(r.Articles), "article"), r.Changed, verb, r.Failed)
		fmt.Fprintf(e.stdout, "%s learned; %s fewer in bodies\n", count(int(r.Learned), "block"), count(int(r.Removed), "learned block"))
		if !*dry {
			fmt.Fprintf(e.stdout, "%d new, %d no longer true; %s raised\n", r.Matched, r.Unmatched, count(int(r.Alerts), "alert"))
		}
		if r.Busy > 0 {
			fmt.Fprintf(e.stderr, "%s changed meanwhile; run it again for them\n", count(int(r.Busy), "article"))
		}
		return err
	})
}

// reextract runs a Reextract over the store.
func reextract(ctx context.Context, e *env, s *setup, st *store.Store, again *pipeline.Reextract) error {
	log := newLog(e, s.cfg.Log)
	again.Now = e.now
	again.Report = func(ev pipeline.Event, err error) {
		if err != nil {
			log.Warn(ev.Stage, "site", ev.Key, "outcome", ev.Outcome, "err", err)
		} else if ev.Count > 0 {
			log.Info(ev.Stage, "site", ev.Key, "changed", ev.Count, "took", ev.Took.Round(time.Millisecond))
		}
	}
	return stage(ctx, st, log, runtime.GOMAXPROCS(0), again)
}
