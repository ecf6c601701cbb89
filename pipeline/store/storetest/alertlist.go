package storetest

import (
	"fmt"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// A rule's latest alerts, the newest first, with what there is to say now; those of other rules and of digests are left out, and a name
// is a name, whatever is in it.
func ruleAlerts(w *world) {
	const rule = "a/b % _ '북한"
	list := func(rule string, n int) (out []string, as []pipeline.Alert) {
		w.Helper()
		as, err := w.s.RuleAlerts(w.ctx, rule, n)
		w.ok(err)
		for _, a := range as {
			out = append(out, fmt.Sprintf("%s %s %d", a.Kind, a.Article.Site, len(a.Outlets)))
		}
		return out, as
	}
	got, _ := list(rule, 10)
	w.want(len(got), 0)

	first, _ := w.tell(0, "a.example", rule, "slack")
	w.now = w.now.Add(time.Minute)
	w.tell(0, "b.example", rule) // nobody was told
	w.tell(0, "c.example", strings.ToUpper(rule), "slack")
	w.tell(0, "d.example", "a/b % x '북한", "slack")
	_, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: rule, Subject: "feed:x", Kind: pipeline.KindHealth}, []string{"slack"})
	w.ok(err)
	got, as := list(rule, 10)
	w.want(got, []string{"match b.example 0", "match a.example 0"})
	w.want(as[1].Created, w.now.Add(-time.Minute))
	w.want(as[1].Rule, rule)
	w.want(as[1].Article.Title, "From a.example")
	w.want(as[1].Article.Body, "Body of a.example")
	w.want(as[1].Story.Title, "Story of a.example")
	w.want(as[1].Spans, []pipeline.Span{{Field: "body", Start: 0, End: 4}})
	got, _ = list(rule, 1)
	w.want(got, []string{"match b.example 0"})

	w.begin("slack", pipeline.DeliverySent)
	w.put(first.Story, "e.example")
	w.want(w.grow(first.Story, rule, 1, "slack"), true)
	got, as = list(rule, 10)
	w.want(got, []string{"update a.example 1", "match b.example 0", "match a.example 1"})
	w.want(as[0].Update.Outlets, 1)

	w.ok(w.write(func(tx pipeline.Tx) error { // a replay finds an old story
		a := w.store(tx, 0, "old.example")
		told, err := tx.RaiseArchived(pipeline.Alert{Rule: rule, Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a,
			Archive: pipeline.ForArchive}, w.now, []string{"slack"})
		w.want(told, []string{"slack"})
		return err
	}))
	got, _ = list(rule, 1)
	w.want(got, []string{"update a.example 1"})
}
