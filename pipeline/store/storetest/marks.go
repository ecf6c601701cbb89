package storetest

import (
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What a rule is said to be goes with its alert, as it was when that was raised.
func about(w *world) {
	said := pipeline.About{Severity: "high", Tags: []string{"arms", "\xffdprk\x00"}, Note: "Ask “Ann”."}
	w.ok(w.write(func(tx pipeline.Tx) error {
		a := w.store(tx, 0, "a.example")
		for rule, about := range map[string]pipeline.About{"r": said, "plain": {}} {
			raised, err := tx.RaiseAlert(pipeline.Alert{Rule: rule, About: about, Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a}, []string{"c"})
			w.want(raised, true)
			w.ok(err)
		}
		return nil
	}))
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	w.want(len(ds), 2)
	for _, d := range ds {
		if d.Alert.Rule == "plain" {
			w.want(d.Alert.About, pipeline.About{})
			continue
		}
		w.want(d.Alert.About.Severity, "high")
		w.want(d.Alert.About.Tags[0], "arms")
		w.want(len(d.Alert.About.Tags), 2)
		w.want(d.Alert.About.Note, "Ask “Ann”.")
	}
}

// What a person says of an alert is said of all its deliveries, replaced by a later word, and taken back.
func marks(w *world) {
	first, _ := w.tell(0, "a.example", "r", "c", "d")
	second, _ := w.tell(0, "b.example", "r", "c")
	w.tell(0, "c.example", "other", "c")
	_, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: "(health)", Subject: "feed:x", Kind: pipeline.KindHealth}, []string{"c"})
	w.ok(err)
	list := func() map[string]pipeline.Delivery {
		ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
		w.ok(err)
		out := map[string]pipeline.Delivery{}
		for _, d := range ds {
			out[d.Alert.Rule+" "+d.Channel+" "+d.Alert.Article.Site] = d
		}
		return out
	}
	ds := list()
	w.want(ds["r c a.example"].Alert.Mark, pipeline.Mark{})

	wrong := pipeline.Mark{Says: pipeline.Wrong, By: "Ann", Note: "sports", At: w.now}
	w.ok(w.s.MarkAlerts(w.ctx, wrong, ds["r c a.example"].ID, ds["other c c.example"].ID))
	right := pipeline.Mark{Says: pipeline.Right, At: w.now.Add(time.Second)}
	w.ok(w.s.MarkAlerts(w.ctx, right, ds["r c b.example"].ID))
	w.want(list()["r d a.example"].Alert.Mark, wrong)
	w.want(list()["r c b.example"].Alert.Mark, right)
	got, err := w.s.Marks(w.ctx, "r")
	w.ok(err)
	w.want(got, map[int64]pipeline.Mark{first.ID: wrong, second.ID: right})

	later := pipeline.Mark{Says: pipeline.Right, By: "Bob", At: w.now.Add(time.Minute)}
	w.ok(w.s.MarkAlerts(w.ctx, later, ds["r d a.example"].ID)) // through the other channel
	w.want(list()["r c a.example"].Alert.Mark, later)
	w.ok(w.s.MarkAlerts(w.ctx, pipeline.Mark{}, ds["r c a.example"].ID))
	w.ok(w.s.MarkAlerts(w.ctx, pipeline.Mark{}, ds["r c a.example"].ID)) // nothing to take back is no mistake
	got, err = w.s.Marks(w.ctx, "r")
	w.ok(err)
	w.want(got, map[int64]pipeline.Mark{second.ID: right})

	// One that is not there, or is about no article, keeps the others from being marked too.
	w.is(w.s.MarkAlerts(w.ctx, wrong, ds["r c a.example"].ID, 999), store.ErrNotFound)
	w.is(w.s.MarkAlerts(w.ctx, wrong, ds["r c a.example"].ID, ds["(health) c "].ID), store.ErrNoArticle)
	w.want(list()["r c a.example"].Alert.Mark, pipeline.Mark{})
}
