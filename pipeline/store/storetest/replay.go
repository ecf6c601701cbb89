package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// raiseArchived stores an article in a story (0: a new one) and raises an alert of a replay for it.
func (w *world) raiseArchived(story int64, site, rule string, b pipeline.Bundle, due time.Time, channels ...string) (a pipeline.Article, told []string) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a = w.store(tx, story, site)
		told, err = tx.RaiseArchived(pipeline.Alert{Rule: rule, Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a, Archive: b}, due, channels)
		return err
	}))
	return a, told
}

// replayed: what replays raise waits in a line of its own, in order, behind all that is due, and each channel gets one of each subject.
func replayed(w *world) {
	a, told := w.raiseArchived(0, "a.example", "r0", pipeline.ForArchive, w.now, "slack", "mail", "slack")
	w.want(told, []string{"slack", "mail"})
	_, told = w.raiseArchived(a.Story, "b.example", "r0", pipeline.ForArchive, w.now, "mail", "hook")
	w.want(told, []string{"hook"})
	subject, would, err := w.s.Untold(w.ctx, pipeline.Alert{Rule: "r0", Kind: pipeline.KindMatch, Story: pipeline.Story{ID: a.Story}, Article: a}, []string{"hook", "later"})
	w.ok(err)
	w.want([]any{subject, would}, []any{fmt.Sprint("story:", a.Story), []string{"later"}})
	w.raiseArchived(0, "c.example", "r1", pipeline.ForArchive, w.now, "slack")
	for i := range 3 {
		w.raiseArchived(0, fmt.Sprintf("d%d.example", i), "r2", pipeline.ForArchiveDigest, w.now.Add(time.Hour), "slack")
	}
	first := func(want ...string) (ds []pipeline.Delivery) {
		w.Helper()
		ds, err := w.s.NextArchived(w.ctx, "slack", w.now, 2)
		w.ok(err)
		var got []string
		for _, d := range ds {
			got = append(got, d.Alert.Rule)
		}
		w.want(got, want)
		return ds
	}
	due := func(want ...string) {
		w.Helper()
		got, err := w.s.DueChannels(w.ctx, w.now)
		w.ok(err)
		w.want(got, want)
	}
	// The line is no bundle of the others, and no queue.
	held, err := w.s.DueHeld(w.ctx, "slack", w.now.Add(2*time.Hour), 10)
	w.ok(err)
	next, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]int{len(held), len(next)}, []int{0, 0})
	due("hook", "mail", "slack")
	d := first("r0")[0]
	w.want([]any{d.Archived, d.State, d.Bundle, d.Alert.Article.Title}, []any{true, pipeline.DeliveryHeld, pipeline.Bundle(pipeline.ForArchive), "From a.example"})

	// What is live comes first, while it is due or fails; one that waits for other outlets lets it pass.
	w.tell(0, "e.example", "live", "slack")
	first()
	due("hook", "mail", "slack")
	l := w.lease("deliver", "slack")
	save := func(d pipeline.Delivery, state pipeline.DeliveryState, due time.Time) {
		w.Helper()
		d.State, d.Due, d.Attempts = state, due, d.Attempts+1
		if state == pipeline.DeliverySent {
			d.Sent = w.now
		}
		w.ok(w.s.SaveDelivery(w.ctx, l, d))
	}
	next, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	save(next[0], pipeline.DeliveryOpen, w.now.Add(time.Minute))
	first()
	next[0].Attempts++
	save(next[0], pipeline.DeliverySent, w.now)
	w.ok(w.write(func(tx pipeline.Tx) error {
		x := w.store(tx, 0, "f.example")
		_, err := tx.RaiseAlert(pipeline.Alert{Rule: "waits", Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: x.Story}, Article: x,
			Wait: map[string]time.Duration{"slack": time.Minute}}, []string{"slack"})
		return err
	}))
	d = first("r0")[0]

	// One that fails waits where it stands, with what is behind it.
	save(d, pipeline.DeliveryHeld, w.now.Add(time.Second))
	first()
	w.release(l)
	due("hook", "mail")
	w.now = w.now.Add(time.Second)
	due("hook", "mail", "slack")
	l = w.lease("deliver", "slack")
	d = first("r0")[0]
	w.want(d.Attempts, 1)
	save(d, pipeline.DeliverySent, w.now)
	save(first("r1")[0], pipeline.DeliverySent, w.now)
	for archived, want := range map[bool]int{true: 3, false: 1} {
		sent, err := w.s.LastSent(w.ctx, "slack", w.now, 10, archived)
		w.ok(err)
		w.want(len(sent), want)
	}

	// What is to be gathered waits for the end of the replay; a configuration that changed does not end it.
	first()
	_, err = w.s.Reconsider(w.ctx)
	w.ok(err)
	first()
	w.ok(w.s.EndGathering(w.ctx))
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{first("r2", "r2")}))
	d = first("")[0]
	w.want([]any{d.Alert.Kind, d.Archived, len(d.Alert.Members), d.Alert.Members[1].Alert.Article.Title}, []any{pipeline.KindDigest, true, 2, "From d1.example"})
	save(d, pipeline.DeliverySent, w.now)
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{first("r2")}))
	d = first("r2")[0]
	w.want(d.Bundle, pipeline.Bundle(pipeline.ForArchive)) // alone it goes out as itself
	save(d, pipeline.DeliverySent, w.now)
	first()
	w.release(l)
}

// archivedThenLive: what replays alone told is told live to whom they did not tell, once, and leaves the line where it still waits.
func archivedThenLive(w *world) {
	a, _ := w.raiseArchived(0, "a.example", "r", pipeline.ForArchive, w.now, "slack", "mail")
	l := w.lease("deliver", "slack")
	ds, err := w.s.NextArchived(w.ctx, "slack", w.now, 1)
	w.ok(err)
	w.ok(w.s.BeginDelivery(w.ctx, l, ds[0])) // the receiver may have it
	w.release(l)
	_, raised := w.tell(a.Story, "b.example", "r", "slack", "mail", "hook")
	w.want(raised, true)
	_, raised = w.tell(a.Story, "c.example", "r", "slack", "mail", "hook", "later")
	w.want(raised, false)
	got, all := w.deliveries()
	w.want(got, []string{"r held archive", "r open", "r open"})
	w.want([]any{all[0].Archived, all[1].Archived, all[1].Channel, all[2].Channel}, []any{true, false, "mail", "hook"})

	// Nothing is live about it where there is nobody left to tell, and a live alert stays one.
	a, _ = w.raiseArchived(0, "d.example", "s", pipeline.ForArchive, w.now, "hook")
	w.ok(w.write(func(tx pipeline.Tx) error {
		_, err := tx.RaiseArchived(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: all[0].Alert.Story.ID}, Article: a,
			Archive: pipeline.ForArchive}, w.now, []string{"later"})
		return err
	}))
	got, _ = w.deliveries()
	w.want(got[3:], []string{"s held archive", "r held archive"})
	_, raised = w.tell(all[0].Alert.Story.ID, "e.example", "r", "desk")
	w.want(raised, false)
}

// pastMatches: stored matches by time and address, of rules, a range and a site, page by page.
func pastMatches(w *world) {
	for i, s := range []string{"c.example", "a.example", "sub.b.example", "b.example"} {
		w.ok(w.write(func(tx pipeline.Tx) error {
			story, err := tx.OpenStory(s, w.now)
			w.ok(err)
			a := pipeline.Article{Story: story, URL: "https://" + s + "/1", Canonical: "https://" + s + "/1", Site: s, Title: s, Seen: w.now}
			if i < 2 {
				a.Published = w.now.Add(-time.Hour) // the same moment: the address decides
			}
			_, err = tx.InsertArticle(&a, nil)
			w.ok(err)
			ms := []pipeline.Match{{Rule: "r", Spans: []pipeline.Span{{Field: "title", Start: 0, End: 1}}}}
			if i == 0 {
				ms = append(ms, pipeline.Match{Rule: "s"})
			}
			return tx.SaveMatches(a.ID, ms)
		}))
	}
	list := func(f pipeline.PastFilter) (out []string) {
		w.Helper()
		var after pipeline.PastPlace
		for {
			ms, err := w.s.PastMatches(w.ctx, f, after, 2)
			w.ok(err)
			for _, m := range ms {
				out = append(out, m.Rule+" "+m.Article.Site)
				after = pipeline.PastPlace{At: m.At, Canonical: m.Article.Canonical, Article: m.Article.ID, Rule: m.Rule}
			}
			if len(ms) < 2 {
				return out
			}
		}
	}
	w.want(list(pipeline.PastFilter{}), []string{"r a.example", "r c.example", "s c.example", "r b.example", "r sub.b.example"})
	w.want(list(pipeline.PastFilter{Rules: []string{"s", "none"}}), []string{"s c.example"})
	w.want(list(pipeline.PastFilter{Sites: []string{"b.example"}}), []string{"r b.example", "r sub.b.example"})
	w.want(list(pipeline.PastFilter{Rules: []string{"r"}, Sites: []string{"b.example", "a.example", "%"}}), []string{"r a.example", "r b.example", "r sub.b.example"})
	w.want(list(pipeline.PastFilter{Rules: []string{"r"}, Range: pipeline.Range{Until: w.now}}), []string{"r a.example", "r c.example"})
	w.want(list(pipeline.PastFilter{Rules: []string{"r"}, Range: pipeline.Range{Since: w.now}}), []string{"r b.example", "r sub.b.example"})
	ms, err := w.s.PastMatches(w.ctx, pipeline.PastFilter{}, pipeline.PastPlace{}, 1)
	w.ok(err)
	w.want([]any{ms[0].Spans, ms[0].At, ms[0].Article.Title}, []any{[]pipeline.Span{{Field: "title", Start: 0, End: 1}}, w.now.Add(-time.Hour), "a.example"})
	ids, err := w.s.RuleMatches(w.ctx, "r", pipeline.Range{Since: w.now}, "b.example")
	w.ok(err)
	w.want(len(ids), 2)
	ids, err = w.s.RuleMatches(w.ctx, "s", pipeline.Range{Until: w.now}, "")
	w.ok(err)
	w.want(ids, []int64{ms[0].Article.ID - 1})
}
