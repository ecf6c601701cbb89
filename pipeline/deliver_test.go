package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What becomes of a delivery.
func TestDeliverer(t *testing.T) {
	for _, part := range []struct {
		name string
		f    func(*world)
	}{
		{"order", deliveredInOrder}, {"retry", retryBlocks}, {"final", finalGoesOn}, {"gone", goneChannel}, {"throttled", throttledWaits}, {"too old", tooOld}, {"old and throttled", oldThrottled}, {"throttled for ever", throttledForever},
		{"old and new to the channel", oldWaited}, {"replay", replayedLast}, {"unknown channel", unknownChannel},
		{"shutdown while sending", shutdownWhileSending}, {"shutdown after sending", shutdownAfterSending}, {"shutdown while pacing", shutdownWhilePacing},
		{"pace", paced}, {"changed while pacing", changedWhilePacing}, {"panics", sendPanics}, {"lease lost", deliverLeaseLost}, {"many", manyDeliveries}, {"lag", lag},
		{"a night's messages", nightsMessages}, {"escalated", escalated}, {"a held message's age", heldAge},
	} {
		t.Run(part.name, func(t *testing.T) {
			w := newWorld(t, databases[0].dsn(t))
			w.channels["desk"], w.channels["phone"] = &channel{}, &channel{}
			part.f(w)
		})
	}
}

// raise raises n alerts named "from", "from+1" …, for the channels.
func (w *world) raise(from, n int, channels ...string) {
	w.Helper()
	for i := from; i < from+n; i++ {
		_, err := w.store.Raise(w.Context(), pipeline.Alert{Rule: fmt.Sprint("r", i), Subject: fmt.Sprint("test:", i), Kind: pipeline.KindTest,
			Created: w.now(), Article: pipeline.Article{Title: "T"}}, channels)
		w.ok(err)
	}
}

func (w *world) took(channel string) []string {
	var out []string
	for _, s := range w.channels[channel].took {
		var rule string
		fmt.Sscan(s, &rule)
		out = append(out, rule)
	}
	return out
}

// states are the deliveries of a channel, the oldest first.
func (w *world) states(channel string) []pipeline.Delivery {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Channel: channel, Limit: 5000})
	w.ok(err)
	slices.Reverse(ds)
	return ds
}

func deliveredInOrder(w *world) {
	w.raise(0, 5, "desk", "phone")
	w.want("sent", w.run(w.deliver), 10)
	for _, ch := range []string{"desk", "phone"} {
		w.want(ch, w.took(ch), "[r0 r1 r2 r3 r4]")
	}
	for _, d := range w.states("desk") {
		w.want("state", line(d.State, d.Attempts, d.Sent.Equal(w.now()), d.Error == ""), "sent 1 true true")
	}
	w.want("nothing is left", w.run(w.deliver), 0)
}

// What may pass by itself makes the channel wait, so that order is kept, and no other. Each attempt has the same UID.
func retryBlocks(w *world) {
	w.channels["desk"].next = []error{errDown, errDown, nil}
	w.raise(0, 3, "desk", "phone")
	w.want("sent", w.run(w.deliver), 3)
	w.want("phone", w.took("phone"), "[r0 r1 r2]")
	w.want("attempts", len(w.channels["desk"].tries), 1)
	w.want("not before its time", w.run(w.deliver), 0)
	w.add(time.Second)
	w.want("again", w.run(w.deliver), 0)
	d := w.states("desk")[0]
	w.want("state", line(d.State, d.Attempts, d.Error, d.Due.Sub(w.now())), line("open", 2, errDown, 2*time.Second))
	w.add(2 * time.Second)
	w.want("sent", w.run(w.deliver), 3)
	w.want("desk", w.took("desk"), "[r0 r1 r2]")
	w.want("one UID", w.channels["desk"].tries[0] == w.channels["desk"].tries[2], true)
}

// What the receiver refuses for good is dead and listed; those behind it go on.
func finalGoesOn(w *world) {
	w.channels["desk"].next = []error{nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "status 400", Err: errors.New("400 Bad Request")},
		&pipeline.Failure{Verdict: pipeline.Final, Reason: "status 404", Err: errors.New("404 Not Found")}}
	w.raise(0, 4, "desk")
	w.want("sent", w.run(w.deliver), 2)
	w.want("desk", w.took("desk"), "[r0 r3]")
	dead, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{State: pipeline.DeliveryDead})
	w.ok(err)
	w.want("dead", line(len(dead), dead[1].Alert.Rule, dead[1].Error), "2 r1 400 Bad Request")
}

// A receiver that is gone gets nothing more and loses nothing: what waits is sent when the channel is made anew.
func goneChannel(w *world) {
	ch := w.channels["desk"]
	w.channels["night"] = &channel{}
	ch.next = []error{nil, &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}}
	w.raise(0, 4, "desk", "night")
	w.run(w.deliver)
	w.want("desk", w.took("desk"), "[r0]")
	w.want("night", w.took("night"), "[r0 r1 r2 r3]") // another channel goes on
	w.add(48 * time.Hour)
	w.want("sent", w.run(w.deliver), 0)
	w.want("tries", len(ch.tries), 2)
	w.want("state", line(w.states("desk")[1].State, w.states("desk")[1].Error, w.states("desk")[2].State), "open 410 Gone open")
	w.channels["desk"] = &channel{}
	w.want("sent", w.run(w.deliver), 3)
	w.want("desk", w.took("desk"), "[r1 r2 r3]")
}

// A receiver that says when to come back is obeyed, up to a day.
func throttledWaits(w *world) {
	w.channels["desk"].next = []error{later(time.Hour), later(1000 * time.Hour)}
	w.raise(0, 2, "desk")
	w.run(w.deliver)
	w.want("due", w.states("desk")[0].Due.Sub(w.now()), time.Hour)
	w.add(time.Hour - time.Millisecond)
	w.run(w.deliver)
	w.want("attempts", len(w.channels["desk"].tries), 1)
	w.add(time.Millisecond)
	w.run(w.deliver)
	w.want("due", w.states("desk")[0].Due.Sub(w.now()), 24*time.Hour)
	w.add(24 * time.Hour)
	w.want("sent", w.run(w.deliver), 2)
	w.want("desk", w.took("desk"), "[r0 r1]")
}

// A delivery that fails until it is too old is dead; the channel goes on with the next.
func tooOld(w *world) {
	ch := w.channels["desk"]
	for range 2000 {
		ch.next = append(ch.next, errDown)
	}
	w.raise(0, 1, "desk")
	w.add(71 * time.Hour)
	w.raise(1, 1, "desk")
	for range 2000 {
		w.add(5 * time.Minute)
		w.run(w.deliver)
		if w.states("desk")[0].State == pipeline.DeliveryDead {
			break
		}
	}
	d := w.states("desk")[0]
	w.want("dead", line(d.State, d.Error), line("dead", errDown))
	if age := w.now().Sub(d.Created); age < 72*time.Hour || age > 73*time.Hour {
		w.Errorf("it was given up after %s", age)
	}
	ch.next = nil
	w.add(10 * time.Minute)
	w.want("sent", w.run(w.deliver), 1)
	w.want("desk", w.took("desk"), "[r1]")
}

// A receiver that says when to come back is obeyed by what is old, too: the next does not go out in its place before that time.
func oldThrottled(w *world) {
	ch := w.channels["desk"]
	ch.next = []error{errDown, errDown, errDown, later(time.Hour)}
	w.raise(0, 2, "desk")
	for range 3 {
		w.run(w.deliver)
		w.add(time.Hour)
	}
	w.add(100 * time.Hour)
	w.run(w.deliver)
	w.add(time.Hour - time.Millisecond)
	w.run(w.deliver)
	w.want("tries", len(ch.tries), 4)
	w.add(time.Millisecond)
	w.want("sent", w.run(w.deliver), 2)
	w.want("desk", w.took("desk"), "[r0 r1]")
}

// A receiver that says "later" for ever does not hold its channel for ever: after a week a message is dead, when the time that the receiver
// named has come, and listed; the next one goes out then.
func throttledForever(w *world) {
	ch := w.channels["desk"]
	for range 100 {
		ch.next = append(ch.next, later(12*time.Hour))
	}
	w.raise(0, 1, "desk")
	w.add(80 * time.Hour)
	w.raise(1, 1, "desk")
	for w.states("desk")[0].State == pipeline.DeliveryOpen && len(ch.tries) < 100 {
		w.run(w.deliver)
		w.add(12*time.Hour - time.Millisecond)
		n := len(ch.tries)
		w.run(w.deliver)
		w.want("asked early", len(ch.tries)-n, 0)
		w.add(time.Millisecond)
		if w.now().Sub(w.states("desk")[0].Created) > 7*24*time.Hour {
			ch.next = nil // it is well again, as the first message's time is up
		}
		if len(ch.next) == 0 {
			w.want("sent", w.run(w.deliver), 1)
		}
	}
	d := w.states("desk")[0]
	w.want("dead", line(d.State, d.Error, d.Due.Equal(w.now())), "dead 429 Too Many Requests true")
	if age := w.now().Sub(d.Created); age < 7*24*time.Hour || age > 8*24*time.Hour {
		w.Errorf("it was given up after %s", age)
	}
	w.want("desk", w.took("desk"), "[r1]")
	_, err := w.store.RetryDeliveries(w.Context())
	w.ok(err)
	w.want("replayed", w.run(w.deliver), 1)
}

// Age alone does not end a delivery that was hardly tried: it waited for its channel, or was replayed by hand.
func oldWaited(w *world) {
	ch := w.channels["desk"]
	delete(w.channels, "desk")
	w.raise(0, 1, "desk")
	w.add(100 * time.Hour)
	w.channels["desk"] = ch
	ch.next = []error{errDown, errDown}
	for range 3 {
		w.run(w.deliver)
		w.add(time.Minute)
	}
	w.want("desk", w.took("desk"), "[r0]")
	ch.next = []error{errDown, errDown, errDown}
	_, err := w.store.RetryDeliveries(w.Context(), w.states("desk")[0].ID)
	w.ok(err)
	for range 4 {
		w.run(w.deliver)
		w.add(time.Minute)
	}
	w.want("dead", line(w.states("desk")[0].State, len(w.took("desk"))), "dead 1")
}

// What is replayed by hand goes to the end of the queue, with the UID it had.
func replayedLast(w *world) {
	ch := w.channels["desk"]
	ch.next = []error{&pipeline.Failure{Verdict: pipeline.Final, Reason: "status 400"}}
	w.raise(0, 2, "desk")
	w.run(w.deliver)
	w.raise(2, 1, "desk")
	n, err := w.store.RetryDeliveries(w.Context())
	w.ok(err)
	w.want("opened", n, 1)
	w.raise(3, 1, "desk")
	w.run(w.deliver)
	w.want("desk", w.took("desk"), "[r1 r2 r0 r3]")
	w.want("one UID", ch.tries[0], ch.uids[2])
}

// What is for a channel that the configuration does not name waits, without attempts, and is sent when the channel is back.
func unknownChannel(w *world) {
	ch := w.channels["desk"]
	delete(w.channels, "desk")
	w.raise(0, 2, "desk", "phone")
	w.want("sent", w.run(w.deliver), 2)
	w.want("waiting", line(w.states("desk")[0].State, w.states("desk")[0].Attempts), "open 0")
	w.channels["desk"] = ch
	w.want("sent", w.run(w.deliver), 2)
	w.want("desk", w.took("desk"), "[r0 r1]")
}

// lease takes the lease on desk, and a context to end.
func (w *world) lease() (pipeline.Lease, context.Context, context.CancelFunc) {
	w.Helper()
	w.owner++
	l, ok, err := w.store.Acquire(w.Context(), "deliver", "desk", fmt.Sprint("owner", w.owner), w.now(), w.now().Add(time.Minute))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	w.Cleanup(cancel)
	return l, ctx, cancel
}

func shutdownWhileSending(w *world) {
	w.raise(0, 2, "desk")
	l, ctx, cancel := w.lease()
	ch := w.channels["desk"]
	ch.next = []error{context.Canceled}
	ch.do = func(context.Context, pipeline.Delivery) { cancel() }
	if _, err := w.deliver.Run(ctx, l); !errors.Is(err, context.Canceled) {
		w.Errorf("got %v", err)
	}
	d := w.states("desk")[0]
	w.want("state", line(d.State, d.Attempts, d.Error == ""), "open 0 true")
	ch.do = nil
	w.ok(w.store.Release(w.Context(), l))
	w.want("sent", w.run(w.deliver), 2)
	w.want("one UID", ch.tries[0], ch.tries[1])
}

// The receiver said yes in the moment the process was told to stop: that is written down, and nothing more is sent.
func shutdownAfterSending(w *world) {
	w.raise(0, 3, "desk")
	l, ctx, cancel := w.lease()
	ch := w.channels["desk"]
	ch.pace = time.Second
	ch.do = func(context.Context, pipeline.Delivery) { cancel() }
	n, err := w.deliver.Run(ctx, l)
	w.want("sent", n, 1)
	if !errors.Is(err, context.Canceled) {
		w.Errorf("got %v", err)
	}
	w.want("state", line(w.states("desk")[0].State, w.states("desk")[1].State), "sent open")
	w.want("tries", len(ch.tries), 1)
}

func shutdownWhilePacing(w *world) {
	w.raise(0, 1, "desk")
	l, ctx, cancel := w.lease()
	w.channels["desk"].pace = time.Second
	w.deliver.Sleep = func(ctx context.Context, d time.Duration) error { cancel(); return ctx.Err() }
	if _, err := w.deliver.Run(ctx, l); !errors.Is(err, context.Canceled) {
		w.Errorf("got %v", err)
	}
	w.want("tries", len(w.channels["desk"].tries), 0)
	w.want("state", line(w.states("desk")[0].State, w.states("desk")[0].Attempts), "open 0")
}

// Messages keep the channel's pace, also against what another process sent to it.
func paced(w *world) {
	ch := w.channels["desk"]
	ch.pace = time.Second
	_, err := w.store.ReserveChannel(w.Context(), "desk", w.now().Add(500*time.Millisecond), time.Second) // another process is about to send
	w.ok(err)
	var at []time.Duration
	start := w.now()
	ch.do = func(context.Context, pipeline.Delivery) { at = append(at, w.now().Sub(start)) }
	ch.next = []error{nil, nil, errDown, nil}
	w.raise(0, 4, "desk")
	w.run(w.deliver)
	w.want("moments", at, "[1.5s 2.5s 3.5s]")
	w.add(10 * time.Second)
	w.run(w.deliver)
	w.want("moments", at, "[1.5s 2.5s 3.5s 13.5s 14.5s]")
}

// What changes while a message waits for its place counts when that has come: a silence, and the channel itself.
func changedWhilePacing(w *world) {
	old, pause := w.channels["desk"], w.deliver.Sleep
	old.pace = time.Hour
	fresh := &channel{pace: time.Hour}
	w.deliver.Sleep = func(ctx context.Context, d time.Duration) error {
		if d > 0 && len(old.uids) == 1 {
			_, err := w.store.AddSilence(ctx, pipeline.Silence{Rule: "r1", Until: w.now().Add(24 * time.Hour)})
			w.ok(err)
			w.channels["desk"] = fresh
		}
		return pause(ctx, d)
	}
	for i := range 3 {
		_, err := w.store.Raise(w.Context(), pipeline.Alert{Rule: fmt.Sprint("r", i), Subject: fmt.Sprint("test:", i), Kind: pipeline.KindMatch, Created: w.now()}, []string{"desk"})
		w.ok(err)
	}
	begun := w.now()
	w.want("sent", w.run(w.deliver), 2)
	w.want("old", line(len(old.uids), len(fresh.uids)), "1 1")
	w.want("states", line(w.states("desk")[0].State, w.states("desk")[1].State, w.states("desk")[2].State), "sent silenced sent")
	w.want("its place is not lost", w.now().Sub(begun), time.Hour)
}

// A message on which its channel panics is dead; the others are sent.
func sendPanics(w *world) {
	w.channels["desk"].do = func(_ context.Context, d pipeline.Delivery) {
		if d.Alert.Rule == "r1" {
			panic("no headline like this was ever seen")
		}
	}
	w.raise(0, 3, "desk")
	w.want("sent", w.run(w.deliver), 2)
	w.want("desk", w.took("desk"), "[r0 r2]")
	w.want("state", w.states("desk")[1].State, "dead")
}

// A run that lost its channel while it sent stores nothing: its successor sends the message again, with the same UID.
func deliverLeaseLost(w *world) {
	w.raise(0, 2, "desk")
	l, ctx, _ := w.lease()
	ch := w.channels["desk"]
	ch.do = func(ctx context.Context, d pipeline.Delivery) {
		_, ok, err := w.store.Acquire(ctx, "deliver", "desk", "thief", w.now().Add(2*time.Hour), w.now().Add(3*time.Hour))
		if err != nil || !ok {
			w.Error(ok, err)
		}
	}
	if _, err := w.deliver.Run(ctx, l); !errors.Is(err, pipeline.ErrLeaseLost) {
		w.Errorf("got %v", err)
	}
	w.want("tries", len(ch.tries), 1)
	w.want("state", line(w.states("desk")[0].State, w.states("desk")[0].Attempts), "open 0")
	ch.do = nil
	w.add(4 * time.Hour)
	w.want("sent", w.run(w.deliver), 2)
	w.want("one UID", ch.tries[0], ch.tries[1])
}

func manyDeliveries(w *world) {
	w.raise(0, 70, "desk")
	w.want("sent", w.run(w.deliver), 70)
	for i, r := range w.took("desk") {
		w.want("order", r, fmt.Sprint("r", i))
	}
}

// The event tells how long the reader had to wait.
func lag(w *world) {
	var lag time.Duration
	w.deliver.Report = func(ev pipeline.Event, err error) { lag = max(lag, ev.Lag) }
	w.raise(0, 1, "desk")
	w.add(7 * time.Second)
	w.run(w.deliver)
	w.want("lag", lag, 7*time.Second)
}

// A receiver that was down until the night is not told of the day then: in the morning it gets what failed as itself, and the rest as one
// digest.
func nightsMessages(w *world) {
	var days [7]bool
	for i := range days {
		days[i] = true
	}
	w.deliver.Policy = func(string, string) pipeline.Policy {
		return pipeline.Policy{Hours: []pipeline.Hours{{Days: days, From: 8 * time.Hour, To: 18 * time.Hour, Zone: time.UTC}}}
	}
	ch := w.channels["desk"]
	for i := range 4 {
		_, err := w.store.Raise(w.Context(), pipeline.Alert{Rule: fmt.Sprint("r", i), Subject: fmt.Sprint("test:", i), Kind: pipeline.KindMatch, Created: w.now()}, []string{"desk"})
		w.ok(err)
	}
	ch.next = []error{errDown}
	w.run(w.deliver)
	w.add(17 * time.Hour) // 03:00; it is up again
	w.raise(9, 1, "desk")
	w.want("sent in the night", w.run(w.deliver), 1)
	w.want("desk", w.took("desk"), "[r9]")
	for _, d := range w.states("desk")[:4] {
		w.want("state", line(d.State, d.Bundle, d.Due.Format("15:04")), "held hours 08:00")
	}
	w.add(5*time.Hour - time.Millisecond)
	w.want("a moment too early", w.run(w.deliver), 0)
	w.add(time.Millisecond)
	w.want("sent in the morning", w.run(w.deliver), 2)
	w.want("the one that failed keeps its id", []any{ch.tries[0] == ch.uids[1], len(ch.uids)}, []any{true, 3})
	states := w.states("desk")
	w.want("the digest", line(states[5].Alert.Kind, states[5].State, len(states[5].Alert.Members)), "digest sent 3")
	w.want("a member", line(states[3].State, states[3].Digest == states[5].ID), "sent true")
}

// An alert that nobody acknowledges goes to the second channel when its time has come, whoever runs then, and says who was told first.
func escalated(w *world) {
	for _, name := range []string{"seen", "missed"} {
		_, err := w.store.Raise(w.Context(), pipeline.Alert{Rule: name, Subject: "test:" + name, Kind: pipeline.KindMatch, Created: w.now(),
			About: pipeline.About{Severity: pipeline.Critical}, Escalate: pipeline.Escalation{To: "phone", After: 30 * time.Minute}}, []string{"desk"})
		w.ok(err)
	}
	var first pipeline.Escalation
	w.channels["desk"].do = func(_ context.Context, d pipeline.Delivery) { first = d.Alert.Escalate }
	sent := w.now()
	w.want("sent", w.run(w.deliver), 2)
	w.want("the first message says so", first, pipeline.Escalation{To: "phone", After: 30 * time.Minute})
	_, err := w.store.Acknowledge(w.Context(), w.states("desk")[0].ID, "", "ada")
	w.ok(err)
	w.add(30*time.Minute - time.Millisecond)
	w.want("not yet", w.run(w.deliver), 0)
	w.loops(w.store)
	w.add(time.Millisecond)
	var told []pipeline.Told
	w.channels["phone"].do = func(_ context.Context, d pipeline.Delivery) { told = d.Told }
	w.channels["phone"].next = []error{errDown}
	w.run(w.deliver)
	w.add(time.Minute)
	w.want("sent", w.run(w.deliver), 1)
	w.want("phone", w.took("phone"), "[missed]")
	w.want("who was told first", line(len(told), told[0].Channel, told[0].Sent.Equal(sent)), "1 desk true")
	w.want("the other", w.states("phone")[0].State, pipeline.DeliveryAcked)

	// Acknowledged while the second channel is down, it is not told any more.
	_, err = w.store.Raise(w.Context(), pipeline.Alert{Rule: "down", Subject: "test:down", Kind: pipeline.KindMatch, Created: w.now(),
		About: pipeline.About{Severity: pipeline.Critical}, Escalate: pipeline.Escalation{To: "phone", After: 30 * time.Minute}}, []string{"desk"})
	w.ok(err)
	w.run(w.deliver)
	w.add(30 * time.Minute)
	w.channels["phone"].next = []error{errDown}
	w.run(w.deliver)
	ack, err := w.store.Acknowledge(w.Context(), w.states("desk")[2].ID, "", "ada")
	w.ok(err)
	w.want("cancelled", line(ack.Alerts, ack.Escalations), "1 1")
	w.add(time.Minute)
	w.want("sent", w.run(w.deliver), 0)
	w.want("phone", w.took("phone"), "[missed]")
	w.want("the third", w.states("phone")[2].State, pipeline.DeliveryAcked)
}

// What was held for longer than a message is tried has its days of trying when it is let go.
func heldAge(w *world) {
	weekly, err := pipeline.ParseCron("0 8 * * sun")
	w.ok(err)
	w.deliver.Policy = func(string, string) pipeline.Policy { return pipeline.Policy{Digest: weekly} }
	_, err = w.store.Raise(w.Context(), pipeline.Alert{Rule: "r", Subject: "test:1", Kind: pipeline.KindMatch, Created: w.now()}, []string{"desk"})
	w.ok(err)
	w.run(w.deliver)
	w.add(w.states("desk")[0].Due.Sub(w.now()))
	w.channels["desk"].next = []error{errDown, errDown, errDown, errDown, errDown}
	for range 6 {
		w.run(w.deliver)
		w.add(10 * time.Minute)
	}
	w.want("desk", w.took("desk"), "[r]")
}
