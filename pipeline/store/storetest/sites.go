package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// sites: what is counted of articles, what is listed of the latest, and states that are told once.
func sites(w *world) {
	put := func(a pipeline.Article) {
		w.Helper()
		w.n++
		a.Feed, a.Relation, a.Seen, a.URL = "f", "new", w.now, fmt.Sprint("https://", a.Site, "/", w.n)
		a.Canonical = a.URL
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			if a.Story, err = tx.OpenStory(a.URL, w.now); err == nil {
				_, err = tx.InsertArticle(&a, nil)
			}
			return err
		}))
	}
	long := strings.Repeat("언어 ", 400) // 1,200 characters, more bytes
	page := pipeline.Article{Site: "a.example", Source: pipeline.SourcePage, Body: long, Date: "2026-05-04", Authors: []string{"A"}}
	put(page)
	w.now = w.now.Add(time.Minute)
	put(pipeline.Article{Site: "a.example", Source: pipeline.SourcePage, Body: "Stub."})
	put(pipeline.Article{Site: "a.example", Source: pipeline.SourceFeed, Why: pipeline.WhyShort, Body: long, Date: "2026-05-04", Authors: []string{"A"}})
	put(pipeline.Article{Site: "a.example", Source: pipeline.SourceFeed, Why: "404", Body: long})                              // its page was not had
	put(pipeline.Article{Site: "a.example", Source: pipeline.SourcePage, Body: long, Published: w.now.Add(-1000 * time.Hour)}) // an old page
	put(pipeline.Article{Site: "b.example", Source: pipeline.SourcePage, Body: long})
	w.now = w.now.Add(24 * time.Hour)
	put(page)

	days, err := w.s.SiteDays(w.ctx, w.now.Add(-pipeline.DriftHabit))
	w.ok(err)
	w.want(len(days), 2)
	w.want(len(days["a.example"]), 2)
	d := days["a.example"][0]
	w.want([]any{d.Site, d.Day, d.Articles, d.Bodies, d.Dated, d.Signed, d.Lengths[20]},
		[]any{"a.example", time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), 3, 1, 1, 1, 1})
	some, err := w.s.SiteDays(w.ctx, w.now)
	w.ok(err)
	w.want([]int{len(some["a.example"]), len(some["b.example"])}, []int{1, 0})

	latest, err := w.s.SiteSamples(w.ctx, "a.example", 3)
	w.ok(err)
	w.want(latest, []pipeline.SiteSample{{Seen: w.now, Chars: 1200, Dated: true, Signed: true}, {Seen: w.now.Add(-24 * time.Hour)},
		{Seen: w.now.Add(-24 * time.Hour), Chars: 5}})

	h := pipeline.SiteHealth{Site: "a.example", State: pipeline.SiteBroken, Since: w.now, Why: []string{"body", "date"},
		Habit: pipeline.SiteFigures{Articles: 100, Body: 0.9, Length: 1234, Date: 1, Author: 0.5}}
	for i, state := range []pipeline.SiteState{pipeline.SiteBroken, pipeline.SiteBroken, pipeline.SiteOK, pipeline.SiteOK, pipeline.SiteBroken} {
		h.State = state
		changed, err := w.s.SaveSiteState(w.ctx, h)
		w.ok(err)
		w.want(changed, i%2 == 0)
		got, err := w.s.SiteStates(w.ctx)
		w.ok(err)
		w.want(got, map[string]pipeline.SiteHealth{"a.example": h})
	}
	w.ok(w.s.PruneSiteDays(w.ctx, w.now))
	all, err := w.s.SiteDays(w.ctx, time.Time{}.AddDate(1970, 0, 0))
	w.ok(err)
	w.want([]int{len(all["a.example"]), len(all["b.example"])}, []int{1, 0})

	// The watch over this very store tells of a break once, whatever process looks and however often it starts anew.
	for range 30 {
		for range 4 {
			put(pipeline.Article{Site: "c.example", Source: pipeline.SourcePage, Body: long, Date: "2026-05-04", Authors: []string{"A"}})
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	var told []string
	look := func() {
		w.Helper()
		watch := pipeline.SiteWatch{Store: w.s, Now: func() time.Time { return w.now },
			Tell: func(h pipeline.SiteHealth) { told = append(told, h.Site+" "+string(h.State)) }}
		w.ok(watch.Once(w.ctx))
	}
	look()
	w.want(len(told), 0)
	for range 20 {
		put(pipeline.Article{Site: "c.example", Source: pipeline.SourceFeed, Why: pipeline.WhyShort, Body: "feed"})
		look()
		look()
	}
	w.want(told, []string{"c.example broken"})
	for range 20 {
		put(pipeline.Article{Site: "b.example", Source: pipeline.SourcePage, Body: long}) // another site's articles change nothing
		put(pipeline.Article{Site: "c.example", Source: pipeline.SourcePage, Body: long, Date: "2026-05-04", Authors: []string{"A"}})
		look()
	}
	w.want(told, []string{"c.example broken", "c.example ok"})
	_, err = w.s.SiteDays(canceledContext(w.ctx), w.now)
	w.is(err, context.Canceled)
}

func canceledContext(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
