package storetest

import (
	"time"

	"wirewatch/pipeline"
)

// arrivals: a moment at which a poll brought something new counts once, what a first poll brought does not count.
func arrivals(w *world) {
	f := w.feed("bbc")
	old := w.item("old", "https://a.example/old")
	old.Origin, old.Quiet = pipeline.FromBaseline, true
	w.poll(f, old)
	first := w.now.Add(time.Hour)
	w.now = first
	w.poll(f, old, w.item("1", "https://a.example/1"), w.item("2", "https://a.example/2"))
	w.now = first.Add(time.Hour)
	w.poll(f, old, w.item("1", "https://a.example/1")) // nothing new
	w.now = first.Add(2 * time.Hour)
	w.poll(f, w.item("3", "https://a.example/3"))
	got, err := w.s.Arrivals(w.ctx, time.Time{})
	w.ok(err)
	w.want(got, map[string][]time.Time{"bbc": {first, w.now}})
	got, err = w.s.Arrivals(w.ctx, first.Add(time.Millisecond))
	w.ok(err)
	w.want(got, map[string][]time.Time{"bbc": {w.now}})
}

// backlog: what is due and was never tried, what fails, what is dead.
func backlog(w *world) {
	look := func() pipeline.Backlog {
		w.Helper()
		b, err := w.s.Backlog(w.ctx, w.now, w.now.Add(-time.Hour))
		w.ok(err)
		return b
	}
	w.want(look(), pipeline.Backlog{Channels: map[string]pipeline.ChannelBacklog{}})
	start := w.now
	quiet := w.item("q", "https://a.example/q")
	quiet.Quiet = true
	w.poll(w.feed("bbc"), quiet)
	w.now = w.now.Add(time.Minute)
	loud := w.now
	w.poll(w.feed("bbc"), w.item("1", "https://a.example/1"))
	for _, rule := range []string{"a", "b", "c"} {
		_, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: rule, Subject: "test:" + rule, Kind: pipeline.KindMatch, Created: w.now}, []string{"desk"})
		w.ok(err)
	}
	w.now = w.now.Add(time.Minute)
	b := look()
	w.want([]time.Time{b.OldestItem, b.OldestDelivery}, []time.Time{loud, loud})
	w.want(len(b.Channels), 0)

	l := w.lease("deliver", "desk")
	ds, err := w.s.NextDeliveries(w.ctx, "desk", w.now, 3)
	w.ok(err)
	ds[0].State, ds[0].Attempts, ds[0].Error = pipeline.DeliveryDead, 1, "refused"
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[0]))
	ds[1].Attempts, ds[1].Error, ds[1].Due = 6, "503", w.now.Add(time.Hour)
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[1]))
	w.release(l)
	w.want(look().Channels, map[string]pipeline.ChannelBacklog{"desk": {Attempts: 6, Waiting: loud, Due: ds[1].Due, Error: "503", Dead: 1}})
	w.now = start.Add(3 * time.Hour) // too long ago to be told of
	w.want(look().Channels, map[string]pipeline.ChannelBacklog{"desk": {Attempts: 6, Waiting: loud, Due: ds[1].Due, Error: "503"}})

	// What is held waits for nothing that should come, however long; what was held for days and died now has died now, and what was let go
	// and fails has waited since then.
	for _, rule := range []string{"d", "e"} {
		_, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: rule, Subject: "test:" + rule, Kind: pipeline.KindMatch, Created: start}, []string{"night"})
		w.ok(err)
	}
	l = w.lease("deliver", "night")
	ds, err = w.s.NextDeliveries(w.ctx, "night", w.now, 3)
	w.ok(err)
	for i := range ds {
		ds[i].State, ds[i].Bundle, ds[i].Due = pipeline.DeliveryHeld, pipeline.ForHours, start.Add(72*time.Hour)
	}
	w.ok(w.s.Hold(w.ctx, l, ds))
	w.now = start.Add(71 * time.Hour)
	b = look()
	w.want([]any{b.OldestDelivery.After(loud), b.Channels["night"]}, []any{false, pipeline.ChannelBacklog{}})
	w.now = start.Add(72 * time.Hour)
	w.ok(w.s.LetGo(w.ctx, l, w.now, nil, [][]pipeline.Delivery{ds[:1], ds[1:]}))
	ds, err = w.s.NextDeliveries(w.ctx, "night", w.now, 3)
	w.ok(err)
	ds[0].State, ds[0].Attempts, ds[0].Error = pipeline.DeliveryDead, 1, "refused"
	ds[1].Attempts, ds[1].Error, ds[1].Due = 1, "503", w.now.Add(time.Hour)
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[0]))
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[1]))
	w.release(l)
	w.want(look().Channels["night"], pipeline.ChannelBacklog{Attempts: 1, Waiting: w.now, Due: ds[1].Due, Error: "503", Dead: 1})
}
