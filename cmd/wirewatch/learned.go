package main

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/engine"
	"wirewatch/pipeline/store"
)

// What sites repeat: what was learned of it, how to take it back, and how to apply it to what is stored.

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
	var from time.Time
	if *since != "" {
		var err error
		if from, err = moment(*since, e.now(), false); err != nil {
			return usagef("reextract --since: %v", err)
		}
	}
	s, err := load(*file, e.getenv)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		again := &pipeline.Reextract{Store: st, Extract: readPage(s.extract), Match: s.match, Site: *site, Since: from, Limit: *limit, DryRun: *dry, Alert: *loud}
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

type learnedRow struct {
	ID       int64  `json:"id"`
	State    string `json:"state"`
	Site     string `json:"site"`
	Stories  int    `json:"stories"`
	Of       int    `json:"of_stories"`
	Articles int    `json:"articles"`
	Hash     string `json:"hash"`
	Text     string `json:"text"`
}

func runLearnedList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	site := fs.String("site", "", "of this `site` only")
	limit := fs.Int("limit", 100, "at most so many")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.LearnedBlocks(ctx, *site, *limit)
		if err != nil {
			return err
		}
		rows := make([]learnedRow, len(list))
		cells := make([][]string, len(list))
		for i, b := range list {
			r := learnedRow{b.ID, string(b.State), b.Site, b.Stories, b.Of, b.Articles, fmt.Sprintf("%016x", uint64(b.Hash)), b.Text}
			rows[i] = r
			cells[i] = []string{strconv.FormatInt(r.ID, 10), r.State, r.Site, fmt.Sprintf("%d of %d", r.Stories, r.Of), strconv.Itoa(r.Articles), r.Text}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "STATE", "SITE", "STORIES", "ARTICLES", "TEXT"}, cells, "nothing is learned yet")
	})
}

func runLearnedKeep(ctx context.Context, e *env, v verb, args []string) error {
	return undoLearned(ctx, e, v, args, (*store.Store).KeepBlocks, "never removed again")
}

func runLearnedForget(ctx context.Context, e *env, v verb, args []string) error {
	return undoLearned(ctx, e, v, args, (*store.Store).ForgetBlocks, "forgotten; should the site go on repeating it, it is learned again (`learned keep` prevents that)")
}

func undoLearned(ctx context.Context, e *env, v verb, args []string, f func(*store.Store, context.Context, ...int64) (int, error), done string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	later := fs.Bool("later", false, "leave stored articles as they are; `wirewatch reextract` applies it")
	rest, err := v.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	list, err := ids(rest)
	if err != nil {
		return err
	}
	s, err := load(*file, e.getenv) // the rules are matched anew in articles that change
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		decided, err := st.LearnedByID(ctx, list...)
		if err != nil {
			return err
		}
		n, err := f(st, ctx, list...)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("no learned block has such an ID; `wirewatch learned list` shows them")
		}
		fmt.Fprintf(e.stderr, "%s %s\n", count(n, "block"), done)
		bySite := map[string]map[int64]bool{}
		for _, b := range decided {
			if bySite[b.Site] == nil {
				bySite[b.Site] = map[int64]bool{}
			}
			bySite[b.Site][b.Hash] = true
		}
		for _, site := range slices.Sorted(maps.Keys(bySite)) {
			if *later {
				fmt.Fprintf(e.stderr, "stored articles of %s stay as they are; `wirewatch reextract --site %s` applies it\n", site, site)
			} else if err := giveBack(ctx, e, s, st, site, bySite[site]); err != nil {
				return err
			}
		}
		return nil
	})
}

// giveBack makes the stored articles of a site anew from which learned blocks of the fingerprints were removed, quietly.
func giveBack(ctx context.Context, e *env, s *setup, st *store.Store, site string, prints map[int64]bool) error {
	again := &pipeline.Reextract{Store: st, Extract: readPage(s.extract), Match: s.match, Site: site, Without: prints}
	if err := reextract(ctx, e, s, st, again); err != nil {
		return fmt.Errorf("%w; `wirewatch reextract --site %s` does the rest", err, site)
	}
	fmt.Fprintf(e.stderr, "%s: %s of %d made anew", site, count(int(again.Changed.Load()), "stored article"), again.Read.Load())
	if n := again.Learned.Load(); n > 0 {
		fmt.Fprintf(e.stderr, "; %s learned again, because the site still repeats it", count(int(n), "block"))
	}
	fmt.Fprintln(e.stderr)
	return nil
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
	run := &engine.Engine{Leases: st, Owner: ownerName(), TTL: leaseTTL, Workers: runtime.GOMAXPROCS(0), Sweep: sweepEvery, Now: time.Now, Log: log, Held: st.Held}
	run.Add(again)
	_, err := run.Once(ctx)
	return err
}
