package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wirewatch/pipeline"
)

// held: a match waits as long as its channel says, in order; what is about Wirewatch itself passes it, in its own order; a failure
// makes the whole channel wait.
func held(w *world) {
	raise := func(name, kind string, wait time.Duration) {
		w.Helper()
		ok, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: name, Subject: "test:" + name, Kind: kind, Created: w.now,
			Wait: map[string]time.Duration{"slack": wait}}, []string{"slack", "hook"})
		w.ok(err)
		w.want(ok, true)
	}
	next := func(n int) (names []string) {
		w.Helper()
		ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, n)
		w.ok(err)
		due, err := w.s.DueChannels(w.ctx, w.now)
		w.ok(err)
		if isDue := fmt.Sprint(due) == "[hook slack]" || fmt.Sprint(due) == "[slack hook]"; isDue != (len(ds) > 0) {
			w.Fatalf("%d deliveries may go out, the channels that are due are %v", len(ds), due)
		}
		for _, d := range ds {
			names = append(names, d.Alert.Rule)
		}
		return names
	}
	l := w.lease("deliver", "slack")
	outcome := func(name string, f func(*pipeline.Delivery)) {
		w.Helper()
		ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 20)
		w.ok(err)
		for _, d := range ds {
			if d.Alert.Rule == name {
				f(&d)
				w.ok(w.s.SaveDelivery(w.ctx, l, d))
				w.release(l)
				l = w.lease("deliver", "slack")
				return
			}
		}
		w.Fatalf("%s may not go out now", name)
	}
	sent := func(d *pipeline.Delivery) { d.State, d.Attempts = pipeline.DeliverySent, 1 }
	fails := func(d *pipeline.Delivery) { d.Attempts, d.Due, d.Error = 1, w.now.Add(time.Minute), "503" }
	w.release(l)

	raise("m1", pipeline.KindMatch, 30*time.Second)
	w.want(next(5), []string(nil))
	w.now = w.now.Add(10 * time.Second)
	raise("u1", pipeline.KindUpdate, 0) // an update waits for nothing, but not before what it updates
	for i := range 6 {
		raise(fmt.Sprint("m2.", i), pipeline.KindMatch, 30*time.Second)
	}
	w.want(next(5), []string(nil))
	raise("h1", pipeline.KindHealth, 0)
	raise("t1", pipeline.KindTest, 0)
	w.want(next(3), []string{"h1", "t1"}) // found behind more held ones than are asked for
	w.want(next(1), []string{"h1"})
	l = w.lease("deliver", "slack")
	outcome("h1", sent)
	w.release(l)
	w.want(next(5), []string{"t1"})
	w.now = w.now.Add(20 * time.Second)
	w.want(next(5), []string{"m1", "u1"}) // what was held goes out before what came later
	l = w.lease("deliver", "slack")
	outcome("m1", sent)
	outcome("u1", sent)
	w.release(l)
	w.want(next(5), []string{"t1"})
	// The receiver asks for a pause by failing t1: nothing goes out before it is over, held or not, wherever it stands.
	l = w.lease("deliver", "slack")
	outcome("t1", fails)
	w.release(l)
	raise("h2", pipeline.KindHealth, 0)
	w.want(next(5), []string(nil))
	w.now = w.now.Add(30 * time.Second)
	w.want(next(5), []string(nil))
	w.now = w.now.Add(30 * time.Second)
	w.want(next(9), []string{"m2.0", "m2.1", "m2.2", "m2.3", "m2.4", "m2.5", "t1", "h2"})
	// A match that failed is held by its receiver, not by its wait: nothing passes it.
	l = w.lease("deliver", "slack")
	outcome("m2.0", fails)
	w.release(l)
	w.want(next(5), []string(nil))
	w.now = w.now.Add(time.Minute)
	w.want(next(1), []string{"m2.0"})

	raise("m3", pipeline.KindMatch, time.Hour)
	w.want(len(next(20)), 8)
	n, err := w.s.ReleaseDeliveries(w.ctx)
	w.ok(err)
	w.want(n, 1)
	w.want(len(next(20)), 9)
	// A wait that was set wrong and is corrected holds nothing up any more: neither its own nor what comes behind it.
	raise("m4", pipeline.KindMatch, 24*time.Hour)
	raise("m5", pipeline.KindMatch, time.Minute)
	w.now = w.now.Add(time.Minute)
	w.want(len(next(20)), 9)
	n, err = w.s.ShortenWaits(w.ctx, map[string]time.Duration{"slack": 2 * time.Minute, "hook": 0})
	w.ok(err)
	w.want(n, 1)
	w.want(len(next(20)), 9)
	w.now = w.now.Add(time.Minute)
	w.want(len(next(20)), 11)
	// A pause that a receiver asked for stays.
	l = w.lease("deliver", "slack")
	outcome("m2.0", fails)
	w.release(l)
	n, err = w.s.ShortenWaits(w.ctx, map[string]time.Duration{"slack": 0})
	w.ok(err)
	w.want([]any{n, len(next(20))}, []any{0, 0})
	// All this was by a clock that is set back by a month now: nothing waits for that day to come again.
	right := w.now
	w.now = right.Add(-30 * 24 * time.Hour)
	w.want(len(next(20)), 0)
	n, err = w.s.ShortenWaits(w.ctx, map[string]time.Duration{"slack": time.Minute, "hook": 0})
	w.ok(err)
	w.want([]any{n > 11, len(next(20))}, []any{true, 1}) // the first failed long ago by now; the others wait for their minute
	w.now = w.now.Add(time.Minute)
	w.want(len(next(20)), 11)
	w.now = right
	// The other channel waits for nothing.
	ds, err := w.s.NextDeliveries(w.ctx, "hook", w.now, 20)
	w.ok(err)
	w.want(len(ds), 14)
}

// conditions: what is told to the operator, once, in the transaction that saw it.
func conditions(w *world) {
	f := w.feed("a")
	at := func(trouble string) pipeline.Condition {
		return pipeline.Condition{Subject: "feed:a", Trouble: trouble, Since: w.now.Add(-time.Hour), At: w.now, Headline: "Feed a: " + trouble, Text: "Why.",
			Channels: []string{"slack", "hook"}}
	}
	told := func() (out []string) {
		w.Helper()
		ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 50)
		w.ok(err)
		for _, d := range ds {
			a := d.Alert
			w.want([]any{a.Kind, a.Rule}, []any{pipeline.KindHealth, "operator"})
			out = append(out, fmt.Sprint(a.Subject, " ", a.Seq, " ", a.Health.Trouble, " ", a.Health.Over.IsZero()))
		}
		return out
	}
	save := func(cs ...pipeline.Condition) {
		w.Helper()
		l := w.lease("poll", "a")
		_, err := w.s.SavePoll(w.ctx, l, f, nil, cs...)
		w.ok(err)
		w.release(l)
	}
	save(at("")) // well, as ever
	silent := at("dead")
	silent.Channels = nil
	save(silent) // nobody is to be told
	w.want(told(), []string(nil))
	save(at("dead"))
	save(at("dead"))
	w.want(told(), []string{"feed:a 1 dead true"})
	began := w.now.Add(-time.Hour)
	w.now = w.now.Add(time.Hour)
	save(at("gone")) // another trouble is another message
	moved := at("moved")
	moved.Notice = true
	save(at("gone"), moved)
	save(at(""))
	save(at(""))
	w.want(told(), []string{"feed:a 1 dead true", "feed:a 2 gone true", "feed:a 3 moved true", "feed:a 4 gone false"})
	ds, err := w.s.NextDeliveries(w.ctx, "hook", w.now, 50)
	w.ok(err)
	w.want(ds[0].Alert.Health, pipeline.Health{Trouble: "dead", Since: began, Text: "Why."})
	w.want(ds[3].Alert.Health, pipeline.Health{Trouble: "gone", Since: began.Add(time.Hour), Over: w.now, Text: "Why."})
	w.want([]string{ds[3].Alert.Article.Title, ds[3].Alert.Article.Body}, []string{"Feed a: ", "Why."})

	// Whatever ends the transaction takes the message along, and it is told when the transaction comes to be.
	l := w.lease("poll", "a")
	other := w.steal("poll", "a")
	_, err = w.s.SavePoll(w.ctx, l, f, nil, at("dead"))
	w.is(err, pipeline.ErrLeaseLost)
	missing := f
	missing.Name = "none"
	_, err = w.s.SavePoll(w.ctx, other, missing, nil, at("dead"))
	if err == nil {
		w.Fatal("a feed that there is not was saved")
	}
	w.release(other)
	w.want(len(told()), 4)
	save(at("dead"))
	w.want(told()[4:], []string{"feed:a 5 dead true"})

	// Sites and channels tell in their transactions too, and many processes at once tell once.
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			x := at("broken")
			x.Subject = "site:a.example"
			_, errs[i] = w.s.SaveSiteState(w.ctx, pipeline.SiteHealth{Site: "a.example", State: pipeline.SiteBroken, Since: w.now}, x)
		})
	}
	wg.Wait()
	w.ok(errors.Join(errs...))
	w.want(told()[5:], []string{"site:a.example 1 broken true"})
	l = w.lease("deliver", "hook")
	x := at("gone")
	x.Subject, x.Channels = "channel:hook", []string{"slack"}
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[0], x))
	w.release(l)
	w.steal("deliver", "hook")
	x.Trouble = ""
	w.is(w.s.SaveDelivery(w.ctx, l, ds[0], x), pipeline.ErrLeaseLost)
	w.want(told()[6:], []string{"channel:hook 1 gone true"})
}
