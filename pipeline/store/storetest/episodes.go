package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
)

func countRules(w *world) {
	put := func(story int64, site, relation string, of int64, published time.Time, rules ...string) (a pipeline.Article) {
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			if story == 0 {
				story, err = tx.OpenStory(site, w.now)
				w.ok(err)
			}
			a = pipeline.Article{Story: story, URL: "u", Site: site, Relation: relation, Of: of, Published: published, Seen: w.now, Source: pipeline.SourcePage}
			_, err = tx.InsertArticle(&a, nil)
			w.ok(err)
			for _, r := range rules {
				w.ok(tx.SaveMatches(a.ID, []pipeline.Match{{Rule: r}}))
			}
			return nil
		}))
		return a
	}
	hour := func(n int) time.Time { return w.now.Add(time.Duration(n) * time.Hour) }
	first := put(0, "a.example", "new", 0, hour(-5), "r", "other")
	second := put(first.Story, "a.example", "version", first.ID, hour(-4)) // the rule does not match it
	third := put(first.Story, "a.example", "version", second.ID, hour(-3), "r")
	future := put(0, "b.example", "new", 0, hour(2), "r")
	undated := put(future.Story, "c.example", "copy", future.ID, time.Time{}, "r", "r2")

	show := func(ps []pipeline.Point) (out []string) {
		for _, p := range ps {
			out = append(out, fmt.Sprintf("%d %s %s", p.Article, p.At.Sub(w.now), p.Key))
		}
		return out
	}
	between := func(rule string, by pipeline.CountBy, from, to time.Time, most int) []string {
		var ps []pipeline.Point
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.RulePoints(rule, by, from, to, func(p pipeline.Point) bool { ps = append(ps, p); return len(ps) < most })
		}))
		return show(ps)
	}
	story := func(id int64, by pipeline.CountBy) []string {
		var inside []pipeline.Point
		w.ok(w.write(func(tx pipeline.Tx) (err error) { inside, err = tx.StoryPoints(id, by); return err }))
		outside, err := w.s.StoryPoints(w.ctx, id, by)
		w.ok(err)
		w.want(outside, inside)
		return show(inside)
	}
	w.want(between("r", pipeline.CountSources, hour(-5), hour(0), 9), []string{"5 0s c.example", "4 0s b.example", "3 -3h0m0s a.example", "1 -5h0m0s a.example"})
	w.want(between("r", pipeline.CountArticles, hour(-5), hour(0), 9), []string{"5 0s 5", "4 0s 4", "3 -3h0m0s 1", "1 -5h0m0s 1"})
	w.want(between("r", pipeline.CountSources, hour(-5), hour(0), 2), []string{"5 0s c.example", "4 0s b.example"})
	w.want(between("r", pipeline.CountSources, hour(-5).Add(time.Millisecond), hour(0).Add(-time.Millisecond), 9), []string{"3 -3h0m0s a.example"})
	w.want(between("nobody's", pipeline.CountSources, hour(-5), hour(0), 9), []string(nil))
	w.want(story(first.Story, pipeline.CountArticles), []string{"1 -5h0m0s 1", "2 -4h0m0s 1", "3 -3h0m0s 1"})
	w.want(story(future.Story, pipeline.CountSources), []string{"4 0s b.example", "5 0s c.example"})

	// A date that is read otherwise later moves its matches.
	third.Published = hour(-10)
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.UpdateArticle(&third) }))
	w.want(between("r", pipeline.CountArticles, hour(-10), hour(-5), 9), []string{"1 -5h0m0s 1", "3 -10h0m0s 1"})
	w.want(story(first.Story, pipeline.CountSources), []string{"3 -10h0m0s a.example", "1 -5h0m0s a.example", "2 -4h0m0s a.example"})

	w.ok(w.write(func(tx pipeline.Tx) error {
		rules, err := tx.StoryRules(first.Story)
		w.want(rules, []string{"other", "r"})
		return err
	}))
	w.ok(w.s.MergeStories(w.ctx, first.Story, future.Story))
	w.ok(w.write(func(tx pipeline.Tx) error {
		rules, err := tx.StoryRules(future.Story)
		w.want(rules, []string{"other", "r", "r2"})
		return err
	}))
	w.want(len(story(first.Story, pipeline.CountSources)), 5) // a story that was merged stands for the other
	w.ok(w.write(func(tx pipeline.Tx) error {
		got, err := tx.Outlets([]int64{undated.ID, first.ID, future.ID})
		w.want([]string{got[0].Site, got[1].Site, got[2].Site}, []string{"a.example", "b.example", "c.example"})
		w.want(got[0].Published, hour(-5))
		return err
	}))
}

func episodes(w *world) {
	hour := func(n int) time.Time { return w.now.Add(time.Duration(n) * time.Hour) }
	episode := func(n, from, to int) pipeline.Episode {
		return pipeline.Episode{Number: n, Begins: hour(from), Ends: hour(to)}
	}
	in := func(f func(tx pipeline.Tx)) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error { f(tx); return nil }))
	}
	open := func(rule string, from, to int) (n int) {
		w.Helper()
		in(func(tx pipeline.Tx) {
			var err error
			n, err = tx.OpenEpisode(rule, episode(0, from, to))
			w.ok(err)
		})
		return n
	}
	list := func(rule string, from, to int) (out []pipeline.Episode) {
		w.Helper()
		in(func(tx pipeline.Tx) {
			var err error
			out, err = tx.Episodes(rule, hour(from), hour(to))
			w.ok(err)
		})
		return out
	}
	w.want([]int{open("r", 0, 2), open("r", 10, 12), open("r", -9, -9), open("s", 0, 2)}, []int{1, 2, 3, 1})
	w.want(list("r", -100, 100), []pipeline.Episode{episode(1, 0, 2), episode(2, 10, 12), episode(3, -9, -9)})
	w.want(list("r", 2, 10), []pipeline.Episode{episode(1, 0, 2), episode(2, 10, 12)}) // its ends are part of it
	w.want(list("r", 3, 9), []pipeline.Episode(nil))
	w.want(list("r", 11, 11), []pipeline.Episode{episode(2, 10, 12)})

	// Two become one, which keeps the later number: none is ever given again.
	in(func(tx pipeline.Tx) { w.ok(tx.WidenEpisode("r", episode(2, 0, 13))) })
	w.want(list("r", -100, 100), []pipeline.Episode{episode(2, 0, 13), episode(3, -9, -9)})
	in(func(tx pipeline.Tx) { w.ok(tx.WidenEpisode("r", episode(3, -9, 13))) })
	w.want(list("r", -100, 100), []pipeline.Episode{episode(3, -9, 13)})
	w.want(open("r", 50, 50), 4)
	w.want(list("s", -100, 100), []pipeline.Episode{episode(1, 0, 2)})
}

// What a count says is settled when it is raised, whatever is published later.
func countSays(w *world) {
	a, b := w.putIn(0, 0, "a.example"), w.putIn(0, 0, "b.example")
	count := &pipeline.Count{When: pipeline.When{Of: pipeline.CountQuery, By: pipeline.CountSources, N: 2, Within: time.Hour}, Found: 2,
		Episode: pipeline.Episode{Number: 1, Begins: w.now, Ends: w.now}}
	raise := func(al pipeline.Alert) (ok bool) {
		al.Rule, al.Kind, al.Article, al.Count = "r", pipeline.KindMatch, b, count
		w.ok(w.write(func(tx pipeline.Tx) (err error) { ok, err = tx.RaiseAlert(al, []string{"c"}); return err }))
		return ok
	}
	outlets := []pipeline.Outlet{{Site: "a.example", Title: a.Title, URL: a.URL}}
	w.want(raise(pipeline.Alert{Subject: "count:r", Seq: 1, Outlets: outlets}), true)
	w.want(raise(pipeline.Alert{Subject: "count:r", Seq: 1, Outlets: outlets}), false)
	w.want(raise(pipeline.Alert{Subject: "count:r", Seq: 2, Outlets: outlets}), true)
	w.want(raise(pipeline.Alert{Story: pipeline.Story{ID: b.Story}}), true) // of a story it says who carries that
	w.putIn(b.Story, 0, "c.example")
	ds, err := w.s.NextDeliveries(w.ctx, "c", w.now, 9)
	w.ok(err)
	w.want(len(ds), 3)
	for i, d := range ds {
		w.want(d.Alert.Count, count)
		w.want(d.Alert.Article.ID, b.ID)
		if i < 2 {
			w.want([]any{d.Alert.Subject, d.Alert.Seq, d.Alert.Story.ID, d.Alert.Outlets}, []any{"count:r", i + 1, int64(0), outlets})
		} else {
			w.want([]any{d.Alert.Story.ID, len(d.Alert.Outlets), d.Alert.Outlets[0].Site}, []any{b.Story, 1, "c.example"})
		}
	}
}
