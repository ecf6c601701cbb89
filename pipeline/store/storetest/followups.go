package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// grow raises an update of a story's growth for channels, if it has grown by more, and says whether it did.
func (w *world) grow(story int64, rule string, more int, channels ...string) (raised bool) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		raised, err = tx.RaiseGrowth(pipeline.Alert{Rule: rule, Created: w.now, Story: pipeline.Story{ID: story}, Update: &pipeline.Update{Separate: true}}, more, channels)
		return err
	}))
	return raised
}

// grown lists the updates of growth as "rule channel outlets", the oldest first.
func (w *world) grown() []string {
	w.Helper()
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	out := []string{}
	for _, d := range ds {
		if u := d.Alert.Update; u != nil && u.Outlets > 0 {
			out = append([]string{fmt.Sprint(d.Alert.Rule, " ", d.Channel, " ", u.Outlets)}, out...)
		}
	}
	return out
}

// begin makes the first attempt at what a channel has due, and sends it unless it is to stay open.
func (w *world) begin(channel string, state pipeline.DeliveryState) {
	w.Helper()
	l := w.lease("deliver", channel)
	defer w.release(l)
	ds, err := w.s.NextDeliveries(w.ctx, channel, w.now, 1)
	w.ok(err)
	w.want(len(ds), 1)
	w.ok(w.s.BeginDelivery(w.ctx, l, ds[0]))
	ds[0].State, ds[0].Ref = state, "ref of "+ds[0].UID
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[0]))
}

// growth: after so many more outlets than a channel was told of, once, to the channels that were told first.
func growth(w *world) {
	a, _ := w.tell(0, "a.example", "r", "desk", "hook", "dead")
	w.begin("dead", pipeline.DeliveryDead)
	w.begin("desk", pipeline.DeliverySent)
	w.want(w.grow(a.Story, "r", 1, "desk", "hook"), false) // nobody else
	w.put(a.Story, "a.example")                            // its own site is no other
	w.want(w.grow(a.Story, "r", 1, "desk", "hook"), false)
	w.put(a.Story, "b.example")
	w.want(w.grow(a.Story, "r", 2, "desk", "hook"), false)
	w.want(w.grow(a.Story, "other", 1, "desk"), false)      // that never told
	w.want(w.grow(a.Story, "r", 1, "dead", "newer"), false) // who were not told
	w.put(a.Story, "c.example")
	w.want(w.grow(a.Story, "r", 2, "newer", "hook", "desk", "dead"), true)
	w.want(w.grow(a.Story, "r", 2, "hook", "desk"), false)
	w.put(a.Story, "d.example")
	w.want(w.grow(a.Story, "r", 2, "hook", "desk"), false)
	w.put(a.Story, "e.example")
	w.want(w.grow(a.Story, "r", 2, "desk"), true)
	w.want(w.grow(a.Story, "r", 2, "hook"), false) // that number was told: the channel came too late for it
	w.want(w.grown(), []string{"r hook 2", "r desk 2", "r desk 4"})

	// The update is of the first alert: its article, its matches, its message in the same channel.
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{Channel: "desk"})
	w.ok(err)
	d, first := ds[0], ds[2]
	w.want([]any{d.Alert.Kind, d.Alert.Subject, d.Alert.Seq, d.Alert.Article.ID, d.Alert.Spans}, []any{"update", fmt.Sprint("story:", a.Story), 5, a.ID, first.Alert.Spans})
	w.want([]any{d.Alert.Update.UID, d.Alert.Update.Ref, d.Alert.Update.Version, d.Alert.Update.Separate, d.Alert.Update.Digest}, []any{first.UID, "ref of " + first.UID, 0, true, false})
	w.want(len(d.Alert.Outlets), 4)
	var rules []string
	w.ok(w.write(func(tx pipeline.Tx) (err error) { rules, err = tx.RulesToldOf(a.Story); return err }))
	w.want(rules, []string{"r"})
}

// growthOfDigest: what was told in a digest is followed up behind that: the update knows what the receiver called the digest.
func growthOfDigest(w *world) {
	a, _ := w.tell(0, "a.example", "r", "slack")
	w.tell(0, "other.example", "other", "slack")
	l := w.lease("deliver", "slack")
	w.holdAll(l, "digest", w.now)
	held, err := w.s.DueHeld(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{held}))
	w.release(l)
	w.begin("slack", pipeline.DeliverySent)
	w.put(a.Story, "b.example")
	w.want(w.grow(a.Story, "r", 1, "slack"), true)
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	u, digest := ds[0].Alert.Update, ds[1]
	w.want([]any{u.UID, u.Ref, u.Digest, digest.Alert.Kind}, []any{held[0].UID, "ref of " + digest.UID, true, pipeline.KindDigest})
}

// growthHeld: what a message says itself is no news, nor what one that is held will say.
func growthHeld(w *world) {
	var a pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error {
		a = w.store(tx, 0, "a.example")
		_, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a,
			Wait: map[string]time.Duration{"desk": time.Minute}}, []string{"desk", "hook"})
		return err
	}))
	w.begin("hook", pipeline.DeliverySent)
	for _, site := range []string{"b.example", "c.example"} {
		w.put(a.Story, site)
	}
	w.want(w.grow(a.Story, "r", 2, "desk", "hook"), true)
	w.now = w.now.Add(time.Minute)
	w.begin("desk", pipeline.DeliverySent) // it names both
	w.put(a.Story, "d.example")
	w.want(w.grow(a.Story, "r", 2, "desk", "hook"), false)
	w.put(a.Story, "e.example")
	w.want(w.grow(a.Story, "r", 2, "desk", "hook"), true)
	w.want(w.grown(), []string{"r hook 2", "r desk 4", "r hook 4"})
}

// growthMerged: what was told of either story counts for both, and what a person took out is followed on its own.
func growthMerged(w *world) {
	a, _ := w.tell(0, "a.example", "r", "desk")
	b, _ := w.tell(0, "b.example", "r", "desk")
	w.put(b.Story, "c.example")
	w.want(w.grow(b.Story, "r", 1, "desk"), true) // two outlets
	w.merge(a.Story, b.Story)
	w.want(w.grow(a.Story, "r", 1, "desk"), true) // three
	w.want(w.grow(b.Story, "r", 1, "desk"), false)
	w.put(a.Story, "d.example")
	w.want(w.grow(b.Story, "r", 1, "desk"), true)
	w.want(w.grown(), []string{"r desk 1", "r desk 2", "r desk 3"})
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	w.want([]any{ds[0].Alert.Article.ID, ds[0].Alert.Story.ID}, []any{a.ID, b.Story})

	// The second article goes into a story of its own, and what it was told of goes with it.
	part, err := w.s.SplitStory(w.ctx, b.Story, b.ID)
	w.ok(err)
	w.want(w.grow(part, "r", 1, "desk"), false)
	w.put(part, "e.example")
	w.want(w.grow(part, "r", 1, "desk"), false) // it had said two when it was alone
	w.put(part, "f.example")
	w.want(w.grow(part, "r", 1, "desk"), true)
	w.want(w.grow(b.Story, "r", 1, "desk"), false) // four were told, three are left
	w.want(w.grown()[3:], []string{"r desk 2"})
}

// withdrawals are told once of an article, whatever its page does, to those who were told of the article.
func withdrawals(w *world) {
	a, _ := w.tell(0, "a.example", "r", "desk", "hook")
	b := w.put(a.Story, "b.example")
	gone := func(a pipeline.Article, rule string, channels ...string) (raised bool) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			raised, err = tx.RaiseUpdate(pipeline.Alert{Rule: rule, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a,
				Update: &pipeline.Update{Withdrawn: true}}, channels)
			return err
		}))
		return raised
	}
	w.want(gone(b, "r", "desk"), false)     // it was not this article that was told
	w.want(gone(a, "other", "desk"), false) // nor by this rule
	var v2 pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error { v2 = w.nextVersion(tx, a); return nil }))
	w.want(gone(v2, "r", "hook", "newer"), true)
	w.want(gone(v2, "r", "desk", "hook"), false)
	w.want(gone(a, "r", "hook"), false)
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	d := ds[0]
	w.want([]any{d.Channel, d.Alert.Subject, d.Alert.Seq, d.Alert.Article.ID, d.Alert.Update.Withdrawn, d.Alert.Update.Version},
		[]any{"hook", fmt.Sprint("article:", a.ID), 0, v2.ID, true, 0})
}
