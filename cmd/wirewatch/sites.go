package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/desk"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers/extract"
	"wirewatch/seeds"
)

// newExtractor makes the extractor with the shipped site rules and those of the user's folder; "": no folder. Mistakes in
// rules come back as siteMistakes.
func newExtractor(folder string) (*extract.Extractor, error) {
	return lexiconExtractor(seeds.Lexicon(), folder)
}

// lexiconExtractor is newExtractor with another lexicon than the shipped one.
func lexiconExtractor(lexicon fs.FS, folder string) (*extract.Extractor, error) {
	x, err := extract.New(lexicon)
	if err != nil {
		return nil, err
	}
	x.CleanURL = dedup.Canonical
	list := []extract.SiteFolder{{Path: "seeds/sites", FS: seeds.Sites()}}
	if folder != "" {
		list = append(list, extract.SiteFolder{Path: folder, FS: os.DirFS(folder)})
	}
	if x, err = x.WithSites(list...); err == nil {
		return x, nil
	}
	var all siteMistakes
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			var se *extract.SiteError
			if !errors.As(e, &se) {
				return nil, err
			}
			all = append(all, se)
		}
	}
	if len(all) == 0 {
		return nil, err
	}
	return nil, all
}

// siteMistakes are all that is wrong in site rules.
type siteMistakes []*extract.SiteError

// Error gives one mistake a line.
func (m siteMistakes) Error() string {
	lines := make([]string, len(m))
	for i, e := range m {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// tellSite says that a site's pages are not read as before, or are again.
func (a *app) tellSite(h pipeline.SiteHealth) {
	if h.State == pipeline.SiteBroken {
		a.log.Warn("a site broke: its pages are not read as before, probably because of a redesign; look at one with `wirewatch extract --explain`",
			"site", h.Site, "why", h.Reason(), "since", stamp(h.Since))
		return
	}
	a.log.Warn("a site is read as before again, or its break has become its habit", "site", h.Site, "since", stamp(h.Since))
}

// siteGauges has a gauge for each site that ever broke: 1 while it is broken.
func (a *app) siteGauges(ctx context.Context) ([]desk.Gauge, error) {
	states, err := a.store.SiteStates(ctx)
	if err != nil {
		return nil, err
	}
	var out []desk.Gauge
	for site, h := range states {
		v := 0.0
		if h.State == pipeline.SiteBroken {
			v = 1
		}
		out = append(out, desk.Gauge{Name: "wirewatch_site_drift", Help: "1 while the pages of a site are not read as before; sites that never broke are left out.",
			Labels: map[string]string{"site": site}, Value: v})
	}
	return out, nil
}

// siteStatus is a line of `sites status`.
type siteStatus struct {
	Site   string               `json:"site"`
	State  pipeline.SiteState   `json:"state"`
	Since  string               `json:"since"` // when it broke, or was well again; "" when it never broke
	Why    []string             `json:"why"`   // body, length, date, author
	Reason string               `json:"reason"`
	Last   string               `json:"last"` // the latest article
	Habit  pipeline.SiteFigures `json:"habit"`
	Recent pipeline.SiteFigures `json:"recent"`
}

func runSitesStatus(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "JSON lines")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := (&pipeline.SiteWatch{Store: st, Now: e.now}).Judge(ctx)
		if err != nil {
			return err
		}
		rows := make([]siteStatus, len(list))
		cells := make([][]string, len(list))
		for i, h := range list {
			r := siteStatus{h.Site, h.State, stamp(h.Since), append([]string{}, h.Why...), h.Reason(), stamp(h.Last), h.Habit, h.Recent}
			rows[i] = r
			pair := func(habit, recent float64) string {
				return shareOf(habit, h.Habit.Articles) + " > " + shareOf(recent, h.Recent.Articles)
			}
			cells[i] = []string{r.Site, string(r.State), strconv.Itoa(h.Habit.Articles + h.Recent.Articles), pair(h.Habit.Body, h.Recent.Body),
				fmt.Sprintf("%d > %d", h.Habit.Length, h.Recent.Length), pair(h.Habit.Date, h.Recent.Date), pair(h.Habit.Author, h.Recent.Author), r.Last, r.Reason}
		}
		return printList(e, *asJSON, rows, wide, []string{"SITE", "STATE", "ARTICLES", "BODY", "LENGTH", "DATE", "AUTHOR", "LAST", "WHY"}, cells, "no page of any site has been read in the last "+strconv.Itoa(int(pipeline.DriftHabit/(24*time.Hour)))+" days")
	})
}

// shareOf writes a share of n articles as a percentage.
func shareOf(share float64, n int) string {
	if n == 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}
