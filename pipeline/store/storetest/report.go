package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// reportWorld is two stories around noon of a day, one article of the day before, and one of the day after.
type reportWorld struct {
	*world
	since time.Time
	ids   []int64
}

func newReportWorld(w *world) *reportWorld {
	r := &reportWorld{world: w, since: w.now}
	put := func(story int64, site, relation string, seen, published time.Duration, rules ...string) int64 {
		w.Helper()
		a := pipeline.Article{Story: story, URL: "https://" + site + "/1", Site: site, SiteName: "Paper " + site, Title: "From " + site, Lang: "ko",
			Body: "Body", Source: pipeline.SourcePage, Relation: relation, Seen: r.since.Add(seen)}
		if published != 0 {
			a.Published = r.since.Add(published)
		}
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			if a.Story == 0 {
				if a.Story, err = tx.OpenStory("Story of "+site, a.Seen); err != nil {
					return err
				}
			}
			if a.ID, err = tx.InsertArticle(&a, nil); err != nil {
				return err
			}
			var ms []pipeline.Match
			for _, name := range rules {
				ms = append(ms, pipeline.Match{Rule: name})
			}
			return tx.SaveMatches(a.ID, ms)
		}))
		r.ids = append(r.ids, a.ID)
		return a.Story
	}
	const h, m = time.Hour, time.Minute
	one := put(0, "a.example", "new", 30*h, -1*h, "old")                // published the day before, seen much later
	put(one, "b.example", "copy", 31*h, 1*h, "r", "z")                  // inside
	put(one, "sub.b.example", "copy", 2*h, 30*h, "r")                   // published in the future: when it was seen counts
	put(one, "a.example", "version", 3*h, 0)                            // no date
	put(0, "c_example", "new", 24*h, 24*h, "r")                         // the end of the range is not in it
	put(0, "d.example", "new", 24*h, 24*h-1, "z")                       // a millisecond before it is
	put(0, "cxexample", "new", 24*h, 23*h+59*m, "r", "z")               // what a name says of others is not a pattern
	put(0, "quiet.example", "new", -2*h, -2*h, "old", "r")              // the period before
	put(0, "long.example", "new", -30*h, -30*h, "old", "r")             // before that one
	put(one, "b.example", "identical", 31*h, 1*h+16*m, "z")             // another quarter
	put(one, "b.example", "identical", 31*h, 1*h+15*m-time.Millisecond) // the first quarter, by a hair
	return r
}

func (w *reportWorld) report(f store.ReportFilter) store.Report {
	w.Helper()
	if f.Since.IsZero() {
		f.Since, f.Until = w.since, w.since.Add(24*time.Hour)
	}
	r, err := w.s.Report(w.ctx, f)
	w.ok(err)
	return r
}

func sitesOf(r store.Report) (out []string) {
	for _, s := range r.Sites {
		out = append(out, fmt.Sprintf("%s %d %d %d", s.Site, s.Articles, s.Copies, s.Before))
	}
	return out
}

// What a report counts lies between its ends by when it was published, or seen where that is unknown or later.
func report(w *world) {
	x := newReportWorld(w)
	r := x.report(store.ReportFilter{})
	w.want(sitesOf(r), []string{"b.example 3 3 0", "a.example 1 0 1", "cxexample 1 0 0", "d.example 1 0 0", "sub.b.example 1 1 0", "quiet.example 0 0 1"})
	w.want(r.Sites[1].Last, x.since.Add(3*time.Hour))
	w.want([]int{r.Stories, r.Matched, r.Unjoined}, []int{3, 5, 0})
	at := func(d time.Duration, articles, matched int) store.Slot {
		return store.Slot{Start: x.since.Add(d), Articles: articles, Matched: matched}
	}
	w.want(r.Slots, []store.Slot{at(time.Hour, 2, 1), at(75*time.Minute, 1, 1), at(2*time.Hour, 1, 1), at(3*time.Hour, 1, 0), at(23*time.Hour+45*time.Minute, 2, 2)})
	w.want(r.Rules, []store.RuleSlots{{Rule: "old", Before: 2},
		{Rule: "r", Hits: 3, Before: 1, Slots: []store.Slot{at(time.Hour, 0, 1), at(2*time.Hour, 0, 1), at(23*time.Hour+45*time.Minute, 0, 1)}},
		{Rule: "z", Hits: 4, Slots: []store.Slot{at(time.Hour, 0, 1), at(75*time.Minute, 0, 1), at(23*time.Hour+45*time.Minute, 0, 2)}}})

	top := r.Top[0]
	w.want([]any{len(r.Top), top.Title, top.Outlets, top.Count, top.First, top.Rules}, []any{3, "Story of a.example", 3, 5, x.since.Add(-time.Hour), []string{"old", "r", "z"}})
	var order []int64
	for _, a := range top.Articles {
		order = append(order, a.ID)
	}
	w.want(order, []int64{x.ids[1], x.ids[10], x.ids[9], x.ids[2], x.ids[3]})
	a := top.Articles[0]
	w.want([]any{a.Site, a.SiteName, a.Title, a.URL, a.Lang, a.Relation, a.Time(), a.Body}, []any{"b.example", "Paper b.example", "From b.example",
		"https://b.example/1", "ko", "copy", x.since.Add(time.Hour), ""})
	w.want(len(x.report(store.ReportFilter{Stories: 1}).Top), 1)
	w.ok(w.write(func(tx pipeline.Tx) error { // of a backfill: an article, and no story yet
		_, err := tx.InsertArticle(&pipeline.Article{URL: "https://past.example/1", Site: "past.example", Title: "Past", Past: true, Source: pipeline.SourcePage,
			Relation: "new", Seen: x.since.Add(48 * time.Hour), Published: x.since.Add(time.Minute)}, nil)
		return err
	}))
	r = x.report(store.ReportFilter{})
	w.want([]any{r.Stories, r.Unjoined, r.Slots[0], len(r.Top)}, []any{3, 1, at(0, 1, 0), 3})
	r = x.report(store.ReportFilter{Site: "past.example"})
	w.want([]int{r.Stories, r.Unjoined, len(r.Top)}, []int{0, 1, 0})
	empty := x.report(store.ReportFilter{Since: x.since.AddDate(1, 0, 0), Until: x.since.AddDate(2, 0, 0)})
	w.want([]int{len(empty.Slots), len(empty.Top), empty.Stories}, []int{0, 0, 0})
}

// A report on a site or a rule counts what is theirs; a story in which they have a part is counted whole.
func reportFilters(w *world) {
	x := newReportWorld(w)
	r := x.report(store.ReportFilter{Site: "b.example"})
	w.want(sitesOf(r), []string{"b.example 3 3 0", "sub.b.example 1 1 0"})
	w.want([]any{r.Matched, len(r.Rules), r.Rules[0].Hits, r.Rules[1].Hits}, []any{3, 2, 2, 2})
	w.want([]any{len(r.Top), r.Top[0].Outlets, r.Top[0].Count}, []any{1, 3, 5})
	w.want(sitesOf(x.report(store.ReportFilter{Site: "c_example", Since: x.since, Until: x.since.AddDate(0, 0, 2)})), []string{"c_example 1 0 0"})
	w.want(len(x.report(store.ReportFilter{Site: "%"}).Sites), 0)

	r = x.report(store.ReportFilter{Rule: "r"})
	w.want(sitesOf(r), []string{"b.example 1 1 0", "cxexample 1 0 0", "sub.b.example 1 1 0", "quiet.example 0 0 1"})
	w.want([]any{r.Matched, len(r.Rules), r.Rules[0].Hits, r.Rules[0].Before, len(r.Top), r.Top[0].Count}, []any{3, 1, 3, 1, 2, 5})
	r = x.report(store.ReportFilter{Rule: "r", Site: "b.example"})
	w.want([]any{sitesOf(r), r.Matched, r.Rules[0].Hits, len(r.Top)}, []any{[]string{"b.example 1 1 0", "sub.b.example 1 1 0"}, 2, 2, 1})
	w.want(len(x.report(store.ReportFilter{Rule: "none"}).Sites), 0)
}

// What became of alerts, and what could not be read.
func reportAlerts(w *world) {
	end := func(channel string, state pipeline.DeliveryState) {
		w.Helper()
		l := w.lease("deliver", channel)
		ds, err := w.s.NextDeliveries(w.ctx, channel, w.now, 1)
		w.ok(err)
		ds[0].State = state
		w.ok(w.s.SaveDelivery(w.ctx, l, ds[0]))
		w.release(l)
	}
	w.tell(0, "a.example", "r", "desk", "hook")
	end("desk", pipeline.DeliverySent)
	end("hook", pipeline.DeliveryDead)
	w.tell(0, "b.example", "r", "desk", "hook")
	end("desk", pipeline.DeliveryDead)
	w.tell(0, "b.example", "z", "desk")
	w.tell(0, "c.example", "z") // nobody was to be told
	_, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: "operator", Subject: "feed:x", Kind: pipeline.KindHealth, Created: w.now}, []string{"desk"})
	w.ok(err)

	f := w.feed("paper")
	its := []pipeline.Item{w.item("1", "https://a.example/1"), w.item("2", "https://a.example/2"), w.item("3", "https://b.example/3"), w.item("4", "https://b.example/4")}
	its[2].Host, its[3].Host = "b.example", "b.example"
	w.poll(f, its...)
	for _, host := range []string{"a.example", "b.example"} {
		l := w.lease("process", host)
		due, err := w.s.ClaimItems(w.ctx, l, w.now, 10)
		w.ok(err)
		for i, it := range due {
			it.State, it.Error, it.Fallback = pipeline.ItemDead, host+" answered 404 Not Found", host == "b.example"
			if host == "b.example" && i == 1 {
				it.Error = "reading panicked\ngoroutine 1"
			}
			w.ok(w.s.SaveItem(w.ctx, l, it))
		}
		w.release(l)
	}
	x := &reportWorld{world: w}
	day := func(f store.ReportFilter, days int) store.Report {
		f.Since = w.now.AddDate(0, 0, days)
		f.Until = f.Since.AddDate(0, 0, 1)
		return x.report(f)
	}
	r := day(store.ReportFilter{}, 0)
	w.want(r.Alerts, store.AlertCount{Raised: 4, Told: 1, Dead: 2, Waiting: 2})
	w.want(r.Unread, []store.Unread{{Reason: "the site answered 404 Not Found", Items: 3, FromFeed: 1, Hosts: 2}, {Reason: "reading panicked", Items: 1, FromFeed: 1, Hosts: 1}})
	w.want([]int{len(r.Feeds), len(r.Arrivals["paper"])}, []int{1, 1})
	w.want(day(store.ReportFilter{Rule: "z"}, 0).Alerts, store.AlertCount{Raised: 2, Waiting: 1})
	r = day(store.ReportFilter{Site: "b.example"}, 0)
	w.want(r.Alerts, store.AlertCount{Raised: 2, Dead: 1, Waiting: 2})
	w.want([]int{len(r.Unread), r.Unread[0].Items, len(r.Feeds)}, []int{2, 1, 0})
	r = day(store.ReportFilter{}, -1)
	w.want([]any{r.Alerts, len(r.Unread)}, []any{store.AlertCount{}, 0})
}
