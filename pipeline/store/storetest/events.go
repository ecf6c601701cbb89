package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// tellOnce raises an alert of a rule about an article.
func (w *world) tellOnce(a pipeline.Article, rule string, per pipeline.OncePer) (raised bool) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		raised, err = tx.RaiseAlert(pipeline.Alert{Rule: rule, Kind: pipeline.KindMatch, OncePer: per, Created: w.now, Story: pipeline.Story{ID: a.Story},
			Article: a}, []string{"c"})
		return err
	}))
	return raised
}

// putIn stores an article in a story (0: a new one, in the event; 0: its own).
func (w *world) putIn(story, event int64, site string) (a pipeline.Article) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a = w.store(tx, story, site)
		if story == 0 {
			if _, err = tx.JoinEvent(a.Story, event); err == nil {
				err = tx.SaveTerms(a.ID, w.now, []byte(site))
			}
		}
		return err
	}))
	return a
}

func (w *world) mergeEvents(from, into int64) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.MergeEvents(from, into) }))
}

func oncePer(w *world) {
	const article, story, event = pipeline.PerArticle, pipeline.PerStory, pipeline.PerEvent
	a := w.putIn(0, 0, "a.example")
	copied := w.putIn(a.Story, 0, "b.example")
	other := w.putIn(0, a.Story, "c.example") // another story of the event
	alone := w.putIn(0, 0, "d.example")
	for _, c := range []struct {
		a    pipeline.Article
		rule string
		per  pipeline.OncePer
		want bool
	}{
		{a, "each", article, true}, {a, "each", article, false}, {copied, "each", article, true}, {other, "each", article, true},
		{a, "story", story, true}, {copied, "story", "", false}, {other, "story", story, true},
		{a, "event", event, true}, {copied, "event", event, false}, {other, "event", event, false}, {alone, "event", event, true},
		// A rule that is told once of something larger from now on says nothing again of what it told.
		{a, "wider", story, true}, {other, "wider", event, false}, {alone, "wider", event, true},
		{copied, "widest", article, true}, {a, "widest", story, false}, {other, "widest", event, false},
		// One that is told of something smaller says what is new, and not the same article again.
		{a, "finer", event, true}, {other, "finer", story, true}, {copied, "finer", story, false},
		{a, "finest", story, true}, {a, "finest", article, false}, {copied, "finest", article, true},
	} {
		if got := w.tellOnce(c.a, c.rule, c.per); got != c.want {
			w.Fatalf("rule %s once per %q of article %d: raised %v", c.rule, c.per, c.a.ID, got)
		}
	}
	// A new version of a page is the same article.
	w.ok(w.write(func(tx pipeline.Tx) error {
		v := a
		_, err := tx.InsertArticle(&v, nil)
		w.ok(err)
		ok, err := tx.RaiseAlert(pipeline.Alert{Rule: "each", Kind: pipeline.KindMatch, OncePer: article, Story: pipeline.Story{ID: v.Story}, Article: v}, nil)
		w.want(ok, false)
		return err
	}))

	// What was told of either of two events was told of both once they are one, through any number of merges.
	b, c, d := w.putIn(0, 0, "e.example"), w.putIn(0, 0, "f.example"), w.putIn(0, 0, "g.example")
	for i, x := range []pipeline.Article{b, c, d} {
		w.want(w.tellOnce(x, fmt.Sprint("only ", i), event), true)
	}
	w.mergeEvents(c.Story, b.Story)
	w.mergeEvents(d.Story, c.Story) // names an event that was merged
	w.mergeEvents(b.Story, d.Story) // they are one already
	late := w.putIn(0, d.Story, "h.example")
	for _, x := range []pipeline.Article{b, c, d, late} {
		for i := range 3 {
			w.want(w.tellOnce(x, fmt.Sprint("only ", i), event), false)
		}
		w.want(w.tellOnce(x, "new", event), x.ID == b.ID)
	}

	// A story that joins one of another event takes its event along, with what was told of it.
	e, f, g := w.putIn(0, 0, "i.example"), w.putIn(0, 0, "j.example"), int64(0)
	with := w.putIn(0, e.Story, "k.example")
	w.want(w.tellOnce(with, "of the event", event), true)
	w.want(w.tellOnce(f, "of the other", event), true)
	w.ok(w.s.MergeStories(w.ctx, e.Story, f.Story))
	for _, x := range []pipeline.Article{with, w.putIn(f.Story, 0, "l.example"), w.putIn(0, with.Story, "m.example")} {
		w.want(w.tellOnce(x, "of the event", event), false)
		w.want(w.tellOnce(x, "of the other", event), false)
		st, _, err := w.s.Story(w.ctx, x.Story)
		w.ok(err)
		if g == 0 {
			g = st.Event
		}
		w.want(st.Event, g)
	}
}

func eventChanges(w *world) {
	a, b := w.putIn(0, 0, "a.example"), w.putIn(0, 0, "b.example")
	w.putIn(a.Story, 0, "c.example") // a copy: it has no say in the event
	w.mergeEvents(b.Story, a.Story)
	read := func() (out []string) {
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Changes(0, time.Time{}, func(c pipeline.Change) error {
				out = append(out, fmt.Sprint(c.Kind, " ", c.Article, " ", c.Event, " ", string(c.Terms)))
				return nil
			})
		}))
		return out
	}
	w.want(read(), []string{"article 1 1 a.example", "article 2 1 b.example", "article 3 1 ", "event 2 1 "})
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.DropTerms(w.now.Add(time.Second)) }))
	w.want(read(), []string{"article 1 1 ", "article 2 1 ", "article 3 1 ", "event 2 1 "})
}
