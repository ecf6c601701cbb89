package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// The feeds verbs. The configuration is the one list of feeds: adding and importing write there, keeping its comments;
// the store only keeps how each of them fares.

func runFeedsAdd(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	name := fs.String("name", "", "name of the feed (default: its host)")
	every := fs.Duration("every", 0, "interval between polls (default 15m)")
	rest, err := v.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	if *name != "" && len(rest) > 1 {
		return usagef("feeds add: --name goes with one URL")
	}
	list := make([]configs.Feed, len(rest))
	for i, u := range rest {
		list[i] = configs.Feed{Name: *name, URL: u, Every: *every}
	}
	return appendFeeds(e, *file, list)
}

func runFeedsImport(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	in, done, err := open(e, rest)
	if err != nil {
		return err
	}
	defer done()
	outlines, err := feed.ReadOPML(in)
	if err != nil {
		return fmt.Errorf("import %s: %w", rest[0], err)
	}
	feeds := feed.Feeds(outlines)
	if len(feeds) == 0 {
		return fmt.Errorf("import %s: no feed in it: no outline has an xmlUrl", rest[0])
	}
	// One line that nobody can poll must not cost the other three hundred: it is left out and named.
	var list []configs.Feed
	for _, o := range feeds {
		f := configs.Feed{Name: o.Title, URL: o.XMLURL}
		if err := configs.CheckFeed(f); err != nil {
			fmt.Fprintf(e.stderr, "left out %s: %s\n", alerts.Terminal(cmp.Or(o.Title, scrapers.Site(o.XMLURL), "an outline without a title")), alerts.Terminal(err.Error()))
			continue
		}
		list = append(list, f)
	}
	if err := appendFeeds(e, *file, list); err != nil {
		return err
	}
	if left := len(feeds) - len(list); left > 0 {
		return fmt.Errorf("import %s: left out %s of %d", rest[0], count(left, "feed"), len(feeds))
	}
	return nil
}

// appendFeeds adds what the configuration does not have yet, by URL, under free names.
func appendFeeds(e *env, file string, list []configs.Feed) error {
	cfg, err := loadPlain(file, e.getenv)
	if err != nil {
		return err
	}
	names, urls := map[string]bool{}, map[string]bool{}
	for _, f := range cfg.Feeds {
		names[f.Name], urls[f.URL] = true, true
	}
	var fresh []configs.Feed
	for _, f := range list {
		if urls[f.URL] {
			fmt.Fprintf(e.stderr, "known already: %s\n", alerts.Terminal(f.URL))
			continue
		}
		base := alerts.Terminal(f.Name) // one line, as a name has to be
		if base == "" {
			base = scrapers.Site(f.URL)
		}
		f.Name = base
		for n := 2; names[f.Name]; n++ {
			f.Name = base + " " + strconv.Itoa(n)
		}
		names[f.Name], urls[f.URL] = true, true
		fresh = append(fresh, f)
	}
	if len(fresh) > 0 {
		if err := configs.AddFeeds(file, fresh); err != nil {
			return err
		}
	}
	for _, f := range fresh {
		fmt.Fprintf(e.stderr, "added %s  %s\n", f.Name, alerts.Terminal(f.URL))
	}
	switch len(fresh) {
	case 0:
		fmt.Fprintf(e.stderr, "nothing to add to %s\n", file)
	default:
		fmt.Fprintf(e.stderr, "%s added to %s; a running daemon polls after SIGHUP\n", count(len(fresh), "feed"), file)
	}
	return nil
}

func runFeedsExport(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return exportFeeds(e, *file, e.stdout)
}

// exportFeeds writes the configured feeds as OPML.
func exportFeeds(e *env, file string, w io.Writer) error {
	cfg, err := loadPlain(file, e.getenv)
	if err != nil {
		return err
	}
	list := make([]feed.Outline, len(cfg.Feeds))
	for i, f := range cfg.Feeds {
		list[i] = feed.Outline{Title: f.Name, XMLURL: f.URL}
	}
	return feed.WriteOPML(w, "Wirewatch feeds", list)
}

func runFeedsList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "JSON lines")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	cfg, err := loadPlain(*file, e.getenv)
	if err != nil {
		return err
	}
	type row struct {
		Name  string `json:"name"`
		Kind  string `json:"kind"`
		URL   string `json:"url"`
		Every string `json:"every"`
		Cron  string `json:"cron"`
	}
	var rows []row
	var cells [][]string
	for _, f := range (&setup{cfg: cfg}).feeds() {
		r := row{Name: f.Name, Kind: f.Kind, URL: f.URL, Cron: f.Cron}
		when := f.Cron
		if f.Cron == "" {
			if f.Every == 0 {
				f.Every = pipeline.DefaultEvery
			}
			r.Every = pipeline.ShortDuration(f.Every)
			when = "every " + r.Every
		}
		rows = append(rows, r)
		cells = append(cells, []string{r.Name, when, r.URL})
	}
	if *asJSON {
		return printJSON(e.stdout, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(e.stderr, "no feed is configured; `wirewatch feeds add URL` adds one")
		return nil
	}
	return table(e.stdout, 0, []string{"NAME", "WHEN", "URL"}, cells)
}

type feedStatus struct {
	Name     string `json:"name"`
	State    string `json:"state"` // ok, new, failing, warning, moved, gone
	URL      string `json:"url"`
	Address  string `json:"address"` // where it is polled now
	LastPoll string `json:"last_poll"`
	LastOK   string `json:"last_ok"`
	NextPoll string `json:"next_poll"`
	Entries  int    `json:"entries"`
	Failures int    `json:"failures"`
	Error    string `json:"error"`
	Warning  string `json:"warning"`
}

func statusOf(f pipeline.Feed) feedStatus {
	r := feedStatus{Name: f.Name, State: "ok", URL: f.URL, Address: f.Address, LastPoll: stamp(f.LastPoll), LastOK: stamp(f.LastOK),
		NextPoll: stamp(f.NextPoll), Entries: f.Entries, Failures: f.Failures, Error: f.Error, Warning: f.Warning}
	if f.Address != f.URL && r.Warning == "" {
		r.Warning = "moved to " + f.Address + "; change the configuration when you can"
	}
	if f.MovedTo != "" && r.Warning == "" {
		r.Warning = fmt.Sprintf("says it moved to %s (seen %d of 3 times)", f.MovedTo, f.MovedSeen)
	}
	switch {
	case !f.Retired.IsZero():
		r.State = "gone"
	case f.Failures > 0:
		r.State = "failing"
	case f.LastPoll.IsZero():
		r.State = "new"
	case f.Address != f.URL:
		r.State = "moved"
	case r.Warning != "":
		r.State = "warning"
	}
	return r
}

func runFeedsStatus(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "JSON lines")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.Feeds(ctx)
		if err != nil {
			return err
		}
		rows := make([]feedStatus, len(list))
		cells := make([][]string, len(list))
		for i, f := range list {
			r := statusOf(f)
			rows[i] = r
			why := r.Error
			if why == "" {
				why = r.Warning
			}
			cells[i] = []string{r.Name, r.State, strconv.Itoa(r.Entries), r.LastOK, r.NextPoll, why}
		}
		return printList(e, *asJSON, rows, wide, []string{"NAME", "STATE", "ENTRIES", "LAST OK", "NEXT POLL", "WHY"}, cells, "the store knows no feeds yet; `wirewatch run` brings those of the configuration")
	})
}

func runFeedsDiscover(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "JSON lines")
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	page := rest[0]
	if u, err := url.Parse(page); err != nil || u.Scheme == "" {
		page = "https://" + strings.TrimPrefix(page, "//")
	}
	cfg := &configs.Config{Pace: configs.Pace{Parallel: 1}}
	if _, err := os.Stat(*file); err == nil { // for allow_private, contact, user agent; discovering needs no configuration
		if cfg, err = loadPlain(*file, e.getenv); err != nil {
			return err
		}
	}
	client, err := newClient(cfg, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	links, err := scrapers.Discover(ctx, client, page)
	if err != nil {
		return fmt.Errorf("discover feeds of %s: %w", page, err)
	}
	if len(links) == 0 {
		return fmt.Errorf("%s announces no feed; try the site's /feed, /rss or /atom.xml", page)
	}
	if *asJSON {
		type row struct {
			URL   string `json:"url"`
			Title string `json:"title"`
			Type  string `json:"type"`
		}
		rows := make([]row, len(links))
		for i, l := range links {
			rows[i] = row(l)
		}
		return printJSON(e.stdout, rows)
	}
	for _, l := range links {
		fmt.Fprintf(e.stdout, "%s\t%s\n", alerts.Terminal(l.URL), alerts.Terminal(l.Title))
	}
	return nil
}
