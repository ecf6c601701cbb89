package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"wirewatch/alerts"
	"wirewatch/pipeline/store"
)

type pruneRow struct {
	Pages  int   `json:"pages"`  // articles whose page and blocks went
	Bodies int   `json:"bodies"` // articles whose body went
	Items  int   `json:"items"`  // items whose feed text went
	Bytes  int64 `json:"bytes"`
	DryRun bool  `json:"dry_run"`

	By []pruneByRow `json:"by"` // with retention.only: what the general ages and size took first, then each entry's
}

type pruneByRow struct {
	Policy string `json:"policy"` // the entry's sites and tags; "" is the general one
	Pages  int    `json:"pages"`
	Bodies int    `json:"bodies"`
	Bytes  int64  `json:"bytes"`
}

func runDBPrune(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	pages := fs.String("pages", "", "forget pages older than this `age`: 30d, 12h; 0: none (default: as `retention` says)")
	bodies := fs.String("bodies", "", "forget bodies older than this `age` (default: as `retention` says)")
	dry := fs.Bool("dry-run", false, "count what would go, and forget nothing")
	shrink := fs.Bool("shrink", false, "write the file anew without the room that became free; no daemon may run meanwhile")
	asJSON := fs.Bool("json", false, "the counts as one JSON line")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *dry && *shrink {
		return usagef("db prune: --shrink writes, --dry-run does not")
	}
	cfg, err := loadPlain(*file, e.getenv)
	if err != nil {
		return err
	}
	for _, k := range []struct {
		flag, value string
		to          *time.Duration
	}{{"pages", *pages, &cfg.Retention.Pages}, {"bodies", *bodies, &cfg.Retention.Bodies}} {
		if k.value == "" {
			continue
		}
		if *k.to, err = durationOrNever(k.value); err != nil {
			return usagef("db prune --%s: %v", k.flag, err)
		}
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if *shrink {
			unlock, err := lockDaemon(ctx, cfg)
			if err != nil {
				return err
			}
			defer unlock()
		}
		r, err := plainRetention(cfg, e.now())
		if err != nil {
			return err
		}
		p, err := st.Prune(ctx, r, *dry)
		if err != nil {
			return err
		}
		if *shrink {
			if err := st.Shrink(ctx); err != nil {
				return err
			}
		}
		by := make([]pruneByRow, len(p.By))
		for i, x := range p.By {
			by[i] = pruneByRow{"", x.Pages, x.Bodies, x.Bytes}
			if i > 0 {
				by[i].Policy = keepName(cfg.Retention.Only[i-1])
			}
		}
		if *asJSON {
			return printJSON(e.stdout, []pruneRow{{p.Pages, p.Bodies, p.Items, p.Bytes, *dry, by}})
		}
		word := ""
		if *dry {
			word = "would be "
		}
		fmt.Fprintf(e.stdout, "%sforgotten: the pages of %s, the bodies of %s, the feed's text of %s; %s\n", word, count(p.Pages, "article"),
			count(p.Bodies, "article"), count(p.Items, "item"), megabytes(p.Bytes))
		for i, x := range by {
			if i == 0 {
				x.Policy = "all others"
			}
			fmt.Fprintf(e.stdout, "  %s: the pages of %s, the bodies of %s; %s\n", alerts.Terminal(x.Policy), count(x.Pages, "article"), count(x.Bodies, "article"), megabytes(x.Bytes))
		}
		if _, file := sqlitePath(cfg); file && !*dry && !*shrink && p.Bytes > 0 {
			fmt.Fprintln(e.stderr, "the file keeps its size and uses that room again; --shrink gives it back")
		}
		return nil
	})
}

// durationOrNever reads an age for retention: 30d, 12h, or 0 for ever.
func durationOrNever(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	now := time.Unix(1<<31, 0)
	t, err := moment(s, now, false)
	if err != nil || !t.Before(now) {
		return 0, fmt.Errorf("%q is no age (30d, 12h; 0 keeps everything)", s)
	}
	return now.Sub(t), nil
}

// megabytes says a size to a person.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// prune forgets what is old; a daemon does it every hour.
func (a *app) prune(ctx context.Context) error {
	s := a.setup.Load()
	p, err := a.store.Prune(ctx, retention(s.cfg, slices.Collect(maps.Values(s.byName)), time.Now()), false)
	if p.Pages+p.Bodies+p.Items > 0 {
		a.log.LogAttrs(ctx, slog.LevelInfo, "forgot what is old", slog.Int("pages", p.Pages), slog.Int("bodies", p.Bodies), slog.Int("items", p.Items),
			slog.Int64("bytes", p.Bytes))
	}
	return err
}
