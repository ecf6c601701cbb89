package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"wirewatch/configs"
	"wirewatch/pipeline/store"
)

// statsRow is what `db stats --json` says. Sizes are in bytes.
type statsRow struct {
	Bytes    int64      `json:"bytes"`
	Free     int64      `json:"free"` // of these, what is used again
	WAL      int64      `json:"wal"`
	DiskFree int64      `json:"disk_free"` // -1: not known
	Articles int        `json:"articles"`
	Stories  int        `json:"stories"`
	NoPage   int        `json:"pruned_pages"`  // articles without page alone
	NoBody   int        `json:"pruned_bodies"` // and those without body
	In       int64      `json:"in_per_day"`
	Out      int64      `json:"out_per_day"`
	Days     int        `json:"disk_days"` // until the disk is full at that rate; -1: never, or not known
	Parts    []partRow  `json:"parts"`
	Sites    []siteRoom `json:"sites"`
	ByDay    []dayRow   `json:"days"`
}

type partRow struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"` // -1: it is no table
	Bytes int64  `json:"bytes"`
	About bool   `json:"about"`
}

type siteRoom struct {
	Site     string `json:"site"`
	Articles int    `json:"articles"`
	Pages    int64  `json:"pages"`
	Bodies   int64  `json:"bodies"`
	First    string `json:"first"`
	Last     string `json:"last"`
}

type dayRow struct {
	Day      string `json:"day"`
	Articles int    `json:"articles"`
	Bytes    int64  `json:"bytes"`
}

func runDBStats(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	sites := fs.Int("sites", 20, "how many sites to list; 0: all")
	days := fs.Bool("days", false, "what was stored on each of the last 30 days, too")
	asJSON := fs.Bool("json", false, "everything as one JSON line")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *sites < 0 {
		return usagef("db stats --sites: a number, or 0 for all of them")
	}
	cfg, err := loadPlain(*file, e.getenv)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		ret, err := plainRetention(cfg, e.now())
		if err != nil {
			return err
		}
		n, err := st.Stats(ctx, ret)
		if err != nil {
			return err
		}
		r, why, err := newStatsRow(cfg, n)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(e.stdout, []statsRow{r})
		}
		return r.print(e, why, *sites, *days)
	})
}

// newStatsRow reckons how long the disk lasts; why says it to a person.
func newStatsRow(cfg *configs.Config, n store.Stats) (r statsRow, why string, err error) {
	r = statsRow{Bytes: n.Bytes, Free: n.Free, WAL: n.WAL, DiskFree: -1, Articles: n.Articles, Stories: n.Stories, NoPage: n.NoPage, NoBody: n.NoBody,
		In: int64(n.In), Out: int64(n.Out), Days: -1, Parts: make([]partRow, len(n.Parts)), Sites: make([]siteRoom, len(n.Sites)), ByDay: make([]dayRow, len(n.Days))}
	for i, p := range n.Parts {
		r.Parts[i] = partRow(p)
	}
	for i, s := range n.Sites {
		r.Sites[i] = siteRoom{s.Site, s.Articles, s.Pages, s.Bodies, stamp(s.First), stamp(s.Last)}
	}
	for i, d := range n.Days {
		r.ByDay[i] = dayRow{d.Day.Format("2006-01-02"), d.Articles, d.Bytes}
	}
	path, ok := sqlitePath(cfg)
	if !ok {
		return r, "the server's disk is not known here", nil
	}
	free, err := roomLeft(filepath.Dir(path))
	if err != nil {
		return r, "", err
	}
	r.DiskFree = int64(min(free, math.MaxInt64))
	switch grows := n.In - n.Out; {
	case n.Articles == 0:
		return r, "nothing is stored yet", nil
	case grows <= 0:
		return r, "what retention lets go of is as much: the file does not grow", nil
	default:
		d := float64(r.DiskFree+n.Free) / grows
		if limit := int64(cfg.Retention.Size); limit > 0 && limit-n.Pages.Bytes-n.Blocks.Bytes-n.Bodies.Bytes < r.DiskFree+n.Free {
			return r, "`retention.size` is reached before the disk is full", nil
		}
		r.Days = int(min(d, 36500))
		return r, fmt.Sprintf("at that rate the disk lasts for %s", lasting(r.Days)), nil
	}
}

// lasting says a number of days to a person.
func lasting(days int) string {
	switch {
	case days >= 36500:
		return "a century"
	case days > 2*365:
		return fmt.Sprintf("about %d years", days/365)
	case days > 90:
		return fmt.Sprintf("about %d months", days/30)
	}
	return count(days, "day")
}

func (r statsRow) print(e *env, why string, sites int, days bool) error {
	fmt.Fprintf(e.stdout, "%s and %s in %s", count(r.Articles, "article"), count(r.Stories, "story"), megabytes(r.Bytes))
	if r.DiskFree >= 0 {
		fmt.Fprintf(e.stdout, " (%s of it free, write-ahead log %s); the disk has %s left", megabytes(r.Free), megabytes(r.WAL), megabytes(r.DiskFree))
	}
	fmt.Fprintf(e.stdout, "\nretention took the pages of %s, and the bodies of %s\n", count(r.NoPage+r.NoBody, "article"), count(r.NoBody, "article"))
	fmt.Fprintf(e.stdout, "a day brings %s, and retention lets go of %s; %s\n\n", megabytes(r.In), megabytes(r.Out), why)
	cells := make([][]string, len(r.Parts))
	for i, p := range r.Parts {
		rows, size := strconv.FormatInt(p.Rows, 10), megabytes(p.Bytes)
		if p.Rows < 0 {
			rows = ""
		}
		if p.About {
			size = "~" + size
		}
		cells[i] = []string{p.Name, rows, size, fmt.Sprintf("%.1f%%", 100*float64(p.Bytes)/float64(max(1, r.Bytes)))}
	}
	if err := table(e.stdout, wide, []string{"PART", "ROWS", "SIZE", "SHARE"}, cells); err != nil {
		return err
	}
	shown := r.Sites
	if sites > 0 && len(shown) > sites {
		shown = shown[:sites]
	}
	cells = make([][]string, len(shown))
	for i, s := range shown {
		cells[i] = []string{s.Site, strconv.Itoa(s.Articles), megabytes(s.Pages), megabytes(s.Bodies), s.First, s.Last}
	}
	if len(cells) > 0 {
		fmt.Fprintln(e.stdout)
		if err := table(e.stdout, wide, []string{"SITE", "ARTICLES", "PAGES", "BODIES", "FIRST STORED", "LAST"}, cells); err != nil {
			return err
		}
	}
	if more := len(r.Sites) - len(shown); more > 0 {
		fmt.Fprintf(e.stderr, "%s more: --sites 0 lists all\n", count(more, "site"))
	}
	if !days || len(r.ByDay) == 0 {
		return nil
	}
	cells = make([][]string, len(r.ByDay))
	for i, d := range r.ByDay {
		cells[i] = []string{d.Day, strconv.Itoa(d.Articles), megabytes(d.Bytes)}
	}
	fmt.Fprintln(e.stdout)
	return table(e.stdout, wide, []string{"DAY", "ARTICLES", "STILL KEPT"}, cells)
}
