package storetest

import (
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// deliveries are all of them as "rule state bundle", the oldest first.
func (w *world) deliveries() (out []string, ds []pipeline.Delivery) {
	w.Helper()
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{Limit: 1000})
	w.ok(err)
	slices.Reverse(ds)
	for _, d := range ds {
		s := fmt.Sprintf("%s %s", d.Alert.Rule, d.State)
		if d.Bundle != "" {
			s += " " + string(d.Bundle)
		}
		out = append(out, s)
	}
	return out, ds
}

// holdAll holds what is open for slack in a bundle.
func (w *world) holdAll(l pipeline.Lease, b pipeline.Bundle, until time.Time) {
	w.Helper()
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 100)
	w.ok(err)
	for i := range ds {
		ds[i].State, ds[i].Bundle, ds[i].Due = pipeline.DeliveryHeld, b, until
	}
	w.ok(w.s.Hold(w.ctx, l, ds))
}

// bundles: what is held stands in nobody's way; when its bundle is due it goes out as one digest, which takes its members along; what
// was alone goes out as itself.
func bundles(w *world) {
	for i := range 3 {
		w.tell(0, fmt.Sprintf("s%d.example", i), fmt.Sprint("r", i), "slack")
	}
	l := w.lease("deliver", "slack")
	w.holdAll(l, "digest", w.now.Add(time.Hour))
	w.tell(0, "s3.example", "r3", "slack")
	next, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(next), next[0].Alert.Rule}, []any{1, "r3"})
	w.holdAll(l, "hours x", w.now.Add(time.Hour))
	w.release(l)
	due := func(want ...string) {
		w.Helper()
		got, err := w.s.DueChannels(w.ctx, w.now)
		w.ok(err)
		w.want(got, want)
	}
	due()
	at, err := w.s.OpenWindow(w.ctx, "slack", "digest", w.now)
	w.ok(err)
	w.want(at, w.now.Add(time.Hour))
	for _, b := range []pipeline.Bundle{"hours", "limit"} {
		at, err := w.s.OpenWindow(w.ctx, "slack", b, w.now)
		w.ok(err)
		w.want(at.IsZero(), true)
	}
	w.now = w.now.Add(time.Hour)
	due("slack")
	l = w.lease("deliver", "slack")
	held, err := w.s.DueHeld(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(held), held[0].Alert.Rule, held[3].Alert.Rule, held[0].Bundle}, []any{4, "r0", "r3", pipeline.Bundle("digest")})
	held[1].State, held[1].Silence = pipeline.DeliverySilenced, 7 // one of them may not be told any more
	groups := [][]pipeline.Delivery{{held[0], held[2]}, {held[3]}}
	w.ok(w.s.LetGo(w.ctx, l, w.now, held[1:2], groups))
	got, ds := w.deliveries()
	w.want(got, []string{"r0 gathered digest", "r1 silenced digest", "r2 gathered digest", "r3 open hours x", " open"})
	w.want([]any{ds[0].Digest, ds[2].Digest, ds[1].Silence, ds[3].Released}, []any{ds[4].ID, ds[4].ID, int64(7), w.now})
	next, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(next), next[0].Alert.Kind, len(next[0].Alert.Members), next[1].Alert.Rule}, []any{2, pipeline.KindDigest, 2, "r3"})
	members := next[0].Alert.Members
	w.want([]any{members[0].Alert.Rule, members[0].Alert.Article.Title, members[1].Alert.Rule}, []any{"r0", "From s0.example", "r2"})
	w.want([]any{next[0].Alert.Subject, next[0].Alert.Seq}, []any{"channel:slack digest", 1})

	// A crash repeats it with the same members, who say the same.
	w.ok(w.s.BeginDelivery(w.ctx, l, next[0]))
	w.tell(members[0].Alert.Story.ID, "later.example", "other")
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, groups)) // what was let go is not let go again
	again, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(again), again[0].UID, again[0].Begun, len(again[0].Alert.Members), len(again[0].Alert.Members[0].Alert.Outlets)}, []any{2, next[0].UID, true, 2, 0})
	w.want(w.s.LetGo(w.ctx, l, w.now, nil, nil), error(nil))

	d := again[0]
	d.State, d.Sent, d.Attempts = pipeline.DeliverySent, w.now, 1
	w.ok(w.s.SaveDelivery(w.ctx, l, d))
	got, ds = w.deliveries()
	w.want(got, []string{"r0 sent digest", "r1 silenced digest", "r2 sent digest", "r3 open hours x", " sent"})
	w.want([]any{ds[0].Sent, ds[0].Digest}, []any{w.now, d.ID})

	// A digest is one message of its hour.
	w.now = w.now.Add(time.Minute)
	d = again[1]
	d.State, d.Sent = pipeline.DeliverySent, w.now
	w.ok(w.s.SaveDelivery(w.ctx, l, d))
	sent, err := w.s.LastSent(w.ctx, "slack", w.now, 5, true)
	w.ok(err)
	w.want(sent, []time.Time{w.now, w.now.Add(-time.Minute)})
	sent, err = w.s.LastSent(w.ctx, "slack", w.now, 1, true)
	w.ok(err)
	w.want(sent, []time.Time{w.now})
	// What a clock that was set back calls later takes the place of nothing that was sent since.
	sent, err = w.s.LastSent(w.ctx, "slack", w.now.Add(-time.Second), 1, true)
	w.ok(err)
	w.want(sent, []time.Time{w.now.Add(-time.Minute)})

	// The second digest of a bundle counts on.
	for i := range 2 {
		w.tell(0, fmt.Sprintf("t%d.example", i), "more", "slack")
	}
	w.holdAll(l, "digest", w.now)
	held, err = w.s.DueHeld(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{held}))
	next, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(next), next[0].Alert.Seq}, []any{1, 2})

	w.release(l)
	w.is(w.s.Hold(w.ctx, l, next), pipeline.ErrLeaseLost)
	w.is(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{next}), pipeline.ErrLeaseLost)
}

// heldByHand: what is held, gathered, silenced or dead in a digest can be sent by hand, once; a configuration that changed is looked at.
func heldByHand(w *world) {
	for i := range 4 {
		w.tell(0, fmt.Sprintf("s%d.example", i), fmt.Sprint("r", i), "slack")
	}
	l := w.lease("deliver", "slack")
	w.holdAll(l, "digest", w.now.Add(time.Hour))
	w.tell(0, "g.example", "g", "slack")
	w.holdAll(l, "group g", w.now.Add(time.Hour))
	_, ds := w.deliveries()
	n, err := w.s.RetryDeliveries(w.ctx, ds[0].ID) // now, not with the digest
	w.ok(err)
	w.want(n, 1)
	n, err = w.s.Reconsider(w.ctx)
	w.ok(err)
	w.want(n, 3) // the group's window is its own
	held, err := w.s.DueHeld(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want(len(held), 3)
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{held}))
	if _, err := w.s.RetryDeliveries(w.ctx, held[0].ID); err == nil {
		w.Fatal("a member of a digest that is still to be sent was sent by hand")
	}
	next, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(next), next[0].Bundle, next[1].Alert.Kind}, []any{2, pipeline.Replayed, pipeline.KindDigest})
	d := next[1]
	d.State, d.Error = pipeline.DeliveryDead, "400"
	w.ok(w.s.SaveDelivery(w.ctx, l, d))
	got, _ := w.deliveries()
	w.want(got, []string{"r0 open replay", "r1 gathered digest", "r2 gathered digest", "r3 gathered digest", "g held group g", " dead"})
	n, err = w.s.RetryDeliveries(w.ctx) // all that is dead
	w.ok(err)
	w.want(n, 1)
	next, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(next), next[1].UID, len(next[1].Alert.Members), next[1].Bundle}, []any{2, d.UID, 3, pipeline.Replayed})
	c, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want(c.Deliveries["slack"], map[pipeline.DeliveryState]int{pipeline.DeliveryOpen: 2, pipeline.DeliveryGathered: 3, pipeline.DeliveryHeld: 1})
}

// silences end by themselves or by hand, follow merged stories, and are listed with what they keep quiet.
func silences(w *world) {
	a, _ := w.tell(0, "a.example", "r", "slack")
	other, _ := w.tell(0, "b.example", "r", "slack")
	x, err := w.s.AddSilence(w.ctx, pipeline.Silence{Rule: "r", Story: a.Story, Site: "a.example", Query: "kim", Until: w.now.Add(time.Hour), Author: "ada", Comment: "dri\xffll"})
	w.ok(err)
	y, err := w.s.AddSilence(w.ctx, pipeline.Silence{Site: "b.example", Until: w.now.Add(2 * time.Hour)})
	w.ok(err)
	if _, err := w.s.AddSilence(w.ctx, pipeline.Silence{Until: w.now.Add(time.Hour)}); err == nil {
		w.Fatal("a silence about everything was taken")
	}
	w.merge(a.Story, other.Story)
	active := func(want ...int64) []pipeline.Silence {
		w.Helper()
		list, err := w.s.ActiveSilences(w.ctx, w.now)
		w.ok(err)
		var got []int64
		for _, s := range list {
			got = append(got, s.ID)
		}
		w.want(got, want)
		return list
	}
	none, err := w.s.AddSilence(w.ctx, pipeline.Silence{Story: 999_999, Until: w.now.Add(time.Minute)})
	w.ok(err)
	w.want(active(x.ID, y.ID, none.ID)[2].Story, int64(999_999)) // and not 0, which would be any
	_, err = w.s.EndSilence(w.ctx, none.ID)
	w.ok(err)
	list := active(x.ID, y.ID)
	w.want([]any{list[0].Story, list[0].Author, list[0].Comment, list[0].Created}, []any{other.Story, "ada", "dri?ll", w.now})
	l := w.lease("deliver", "slack")
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	ds[0].State, ds[0].Silence = pipeline.DeliverySilenced, x.ID
	w.ok(w.s.Hold(w.ctx, l, ds[:1]))
	all, err := w.s.Silences(w.ctx, 0)
	w.ok(err)
	all = all[1:] // without the one that named no story
	w.want([]any{len(all), all[0].ID, all[0].Kept, all[1].Kept, all[1].Story}, []any{2, y.ID, 0, 1, a.Story})
	n, err := w.s.RetryDeliveries(w.ctx, ds[0].ID) // sent by hand, it is not kept quiet any more
	w.ok(err)
	w.want(n, 1)
	all, err = w.s.Silences(w.ctx, 1)
	w.ok(err)
	w.want([]any{len(all), all[0].Kept}, []any{1, 0})
	ended := func(id int64, want bool) {
		w.Helper()
		ok, err := w.s.EndSilence(w.ctx, id)
		w.ok(err)
		w.want(ok, want)
	}
	ended(y.ID, true)
	ended(y.ID, false)
	ended(99, false)
	active(x.ID)
	w.now = w.now.Add(time.Hour)
	active()
	ended(x.ID, false)
}

// escalations wait for an acknowledgement, say who was told first, and are cancelled by one.
func escalations(w *world) {
	raise := func(name string) {
		w.Helper()
		ok, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: name, Subject: "test:" + name, Kind: pipeline.KindMatch, Created: w.now, About: pipeline.About{Severity: pipeline.Critical},
			Escalate: pipeline.Escalation{To: "night", After: time.Hour}}, []string{"slack", "hook"})
		w.ok(err)
		w.want(ok, true)
	}
	raise("a")
	raise("b")
	raise("c")
	got, ds := w.deliveries()
	w.want(got, []string{"a open", "a open", "a held escalation", "b open", "b open", "b held escalation", "c open", "c open", "c held escalation"})
	w.want([]any{ds[0].Alert.Escalate, ds[2].Due, ds[2].Channel}, []any{pipeline.Escalation{To: "night", After: time.Hour}, w.now.Add(time.Hour), "night"})

	l := w.lease("deliver", "slack")
	sent := ds[0]
	sent.State, sent.Sent = pipeline.DeliverySent, w.now
	w.ok(w.s.SaveDelivery(w.ctx, l, sent))
	quiet := ds[6]
	quiet.State, quiet.Silence = pipeline.DeliverySilenced, 5
	w.ok(w.s.Hold(w.ctx, l, []pipeline.Delivery{quiet}))
	w.release(l)
	l = w.lease("deliver", "hook")
	quiet = ds[7]
	quiet.State, quiet.Silence = pipeline.DeliverySilenced, 5
	w.ok(w.s.Hold(w.ctx, l, []pipeline.Delivery{quiet}))
	w.release(l)

	ack := func(id int64, uid string, want pipeline.Acknowledged) {
		w.Helper()
		got, err := w.s.Acknowledge(w.ctx, id, uid, "ada")
		w.ok(err)
		w.want(got, want)
	}
	ack(0, ds[3].UID, pipeline.Acknowledged{Known: true, Alerts: 1, Escalations: 1})
	ack(ds[4].ID, "", pipeline.Acknowledged{Known: true})
	ack(99, "", pipeline.Acknowledged{})
	ack(0, "msg_none", pipeline.Acknowledged{})
	ack(0, "", pipeline.Acknowledged{})
	got, ds = w.deliveries()
	w.want([]any{got[5], ds[3].Alert.AckedBy, ds[3].Alert.Acked, ds[0].Alert.Acked.IsZero()}, []any{"b acked escalation", "ada", w.now, true})
	n, err := w.s.Reconsider(w.ctx)
	w.ok(err)
	w.want(n, 0)
	w.now = w.now.Add(time.Hour)
	l = w.lease("deliver", "night")
	held, err := w.s.DueHeld(w.ctx, "night", w.now, 10)
	w.ok(err)
	w.want([]any{len(held), held[0].Alert.Rule, held[0].Told, held[1].Alert.Rule, len(held[1].Told), held[1].Silence},
		[]any{2, "a", []pipeline.Told{{Channel: "slack", Sent: w.now.Add(-time.Hour)}, {Channel: "hook"}}, "c", 0, int64(5)})
	// Acknowledged when it was let go but not sent yet, it is still not sent.
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{held[:1]}))
	ack(ds[0].ID, "", pipeline.Acknowledged{Known: true, Alerts: 1, Escalations: 1})
	next, err := w.s.NextDeliveries(w.ctx, "night", w.now, 10)
	w.ok(err)
	w.want(len(next), 0)
}

// A channel from which a silence kept an alert is not told what changed in its article; one where it is held is.
func silencedUpdates(w *world) {
	w.ok(w.write(func(tx pipeline.Tx) error {
		story, err := tx.OpenStory("S", w.now)
		w.ok(err)
		as := w.versionsOf(tx, story, "a.example", 1)
		ok, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: story}, Article: as[0]}, []string{"slack", "hook"})
		w.ok(err)
		w.want(ok, true)
		return nil
	}))
	_, ds := w.deliveries()
	l := w.lease("deliver", "slack")
	ds[0].State, ds[0].Silence = pipeline.DeliverySilenced, 1
	w.ok(w.s.Hold(w.ctx, l, ds[:1]))
	w.release(l)
	l = w.lease("deliver", "hook")
	ds[1].State, ds[1].Bundle, ds[1].Due = pipeline.DeliveryHeld, "digest", w.now.Add(time.Hour)
	w.ok(w.s.Hold(w.ctx, l, ds[1:]))
	w.release(l)
	w.ok(w.write(func(tx pipeline.Tx) error {
		a, ok, err := tx.Article(ds[0].Alert.Article.ID)
		w.ok(err)
		w.want(ok, true)
		next := w.nextVersion(tx, a)
		ok, err = tx.RaiseUpdate(pipeline.Alert{Rule: "r", Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: next}, []string{"slack", "hook"})
		w.ok(err)
		w.want(ok, true)
		return nil
	}))
	_, ds = w.deliveries()
	w.want([]any{len(ds), ds[2].Channel, ds[2].Alert.Kind}, []any{3, "hook", pipeline.KindUpdate})
}
