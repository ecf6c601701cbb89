package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Channel sends alerts somewhere. Send returns no error only when the receiver has said yes; errors carry a Failure: Retry
// and Throttled make the channel wait, so that order is kept; Final makes this delivery dead; Gone ends the channel.
type Channel interface {
	// Pace is the least time between two messages.
	Pace() time.Duration
	// Send sends one message. ref is the receiver's own name for it, by which a later message can refer to it (a reply in its
	// thread, an edit); "" where the receiver gives none. It comes back as Delivery.Ref, and to updates as Update.Ref.
	Send(ctx context.Context, d Delivery) (ref string, err error)
}

// DeliverStore is what delivering needs of the store.
type DeliverStore interface {
	// DueChannels lists channels with an open delivery that may go out now, a bundle that is due, or something in the line of the archive.
	DueChannels(ctx context.Context, now time.Time) ([]string, error)
	// NextDeliveries loads up to n open deliveries of a channel in order, with everything there is to say.
	// None behind one that is not due; but one that is held, not due and never tried, is passed by those that wait for nothing
	// (Alert.Passes). What failed makes the whole channel wait until it is due.
	NextDeliveries(ctx context.Context, channel string, now time.Time, n int) ([]Delivery, error)
	// BeginDelivery notes before the first attempt, under the lease, what it says of the story (of a digest: of the stories of its
	// members): whatever the story becomes, later attempts say the same, because they carry the same id.
	BeginDelivery(ctx context.Context, l Lease, d Delivery) error
	// SaveDelivery stores the outcome of an attempt, under the lease, and tells the operator what it shows, in one transaction. With a
	// digest its members are sent.
	SaveDelivery(ctx context.Context, l Lease, d Delivery, shown ...Condition) error
	// ReserveChannel takes the channel's next free slot, at least every apart, and says when it is.
	ReserveChannel(ctx context.Context, channel string, now time.Time, every time.Duration) (time.Time, error)
	QuietStore
	ArchiveStore
}

// ageAttempts is how often even a delivery beyond MaxAge is tried: it may have waited for its channel's configuration, or for
// someone to replay it, and one busy moment of the receiver must not end it.
const ageAttempts = 3

// throttledAge ends what a receiver answers for ever by saying when to come again: a delivery whose next attempt would be made at such an
// age is dead when the time that the receiver named has come, so that the next goes out then, and not before.
const throttledAge = 7 * 24 * time.Hour

// A Deliverer sends what is due to its channel, in order.
type Deliverer struct {
	Store   DeliverStore
	Channel func(name string) (Channel, bool) // by the configuration as it stands
	Backoff Backoff
	MaxAge  time.Duration // deliveries that still fail so long after they were made, or let go, are dead; where the receiver says when to come again, after a week
	Now     func() time.Time
	Sleep   func(ctx context.Context, d time.Duration) error
	Report  func(Event, error)
	// Operator lists the channels that are told how channels fare; nil or none: nobody is.
	Operator func() []string
	// Policy says how quiet a channel is about a rule, by the configuration as it stands; of rule "" the channel alone. nil: not at all.
	Policy func(rule, channel string) Policy
	// HealthGroup is how long the first message for the operator waits for others, so that a network that fails is one message and not one
	// for each feed; 0: what there is goes out together now. All of them wait, the gravest too: what they tell of has lasted for
	// minutes at least when it is noticed.
	HealthGroup time.Duration
	// Holds says whether the query of a silence holds for an article; nil: none does.
	Holds func(query string, a *Article) bool

	// Channels whose receiver said 410: nothing more is sent to them. The key is the Channel itself, so that a reload, which
	// makes new ones, or a restart tries again. What waits for them stays in the queue.
	gone sync.Map
}

// Name is the lease kind of delivering.
func (d *Deliverer) Name() string { return "deliver" }

// Workers is how many channels are told side by side: all there are, so that none that hangs, or waits for its place, is in the way of
// another.
func (d *Deliverer) Workers() int { return 1000 }

// Due lists the channels with something to send. What waits for a channel that the configuration does not name (any
// more) stays in its queue: a mistake in the configuration loses nothing.
func (d *Deliverer) Due(ctx context.Context) ([]string, error) {
	names, err := d.Store.DueChannels(ctx, d.Now())
	known := names[:0]
	for _, n := range names {
		if ch, ok := d.Channel(n); ok && !d.isGone(ch) {
			known = append(known, n)
		}
	}
	return known, err
}

func (d *Deliverer) isGone(ch Channel) bool {
	_, gone := d.gone.Load(ch)
	return gone
}

// Run sends what one channel has due and returns how many messages its receiver took.
func (d *Deliverer) Run(ctx context.Context, l Lease) (int, error) {
	sent := 0
	slot := false // the place of the channel's next message has come
	for {
		ch, ok := d.Channel(l.Key) // anew each time: the configuration may be another since a message waited for its place
		if !ok || d.isGone(ch) {
			return sent, nil
		}
		n, more, err := d.round(ctx, l, ch, &slot)
		if sent += n; err != nil {
			return sent, fmt.Errorf("deliver to %s: %w", l.Key, err)
		}
		if !more {
			return sent, nil
		}
	}
}

// round lets bundles go that are due and sends some of what is due, in order. It says how many messages the receiver took and whether
// there may be more to do now.
func (d *Deliverer) round(ctx context.Context, l Lease, ch Channel, slot *bool) (sent int, more bool, err error) {
	j, err := d.judge(ctx, l.Key)
	if err != nil {
		return 0, false, err
	}
	if err := j.letGo(ctx, l, ch); err != nil {
		return 0, false, err
	}
	next, err := d.Store.NextDeliveries(ctx, l.Key, d.Now(), 20)
	if err != nil {
		return 0, false, err
	}
	if len(next) == 0 {
		return d.archived(ctx, l, ch, j, slot)
	}
	if next, err = j.sift(ctx, l, next); err != nil {
		return 0, false, err
	}
	for _, x := range next {
		state, err := d.one(ctx, l, ch, j, x, slot)
		if err != nil {
			return sent, false, err
		}
		switch state {
		case DeliverySent:
			sent++
		case DeliveryOpen:
			return sent, false, nil // the others wait behind it, so that order is kept
		}
		if ch.Pace() > 0 { // what is sent a while later should say what is known then
			break
		}
	}
	return sent, true, nil
}

// one makes one attempt, unless j keeps the delivery quiet, and says where it left it; DeliveryHeld, too, where it waited for the channel's
// next slot and did nothing else: that may have taken an hour, and what is to be said to whom has to be looked up anew.
func (d *Deliverer) one(ctx context.Context, l Lease, ch Channel, j *judge, x Delivery, slot *bool) (DeliveryState, error) {
	if left, err := j.sift(ctx, l, []Delivery{x}); err != nil || len(left) == 0 {
		return DeliveryHeld, err
	}
	if x.Attempts >= ageAttempts && x.Due.Sub(later(x.Created, x.Released)) > throttledAge {
		x.State, x.Due = DeliveryDead, d.Now()
		if err := d.Store.SaveDelivery(ctx, l, x); err != nil {
			return x.State, err
		}
		d.Report(Event{Stage: "deliver", Key: l.Key, Outcome: "dead"}, fmt.Errorf("given up after %d attempts in more than %d days: %s", x.Attempts, throttledAge/(24*time.Hour), x.Error))
		return x.State, nil
	}
	if every := ch.Pace(); every > 0 && !*slot {
		at, err := d.Store.ReserveChannel(ctx, l.Key, d.Now(), every)
		if err != nil {
			return x.State, err
		}
		wait := at.Sub(d.Now())
		if err := d.Sleep(ctx, wait); err != nil {
			return x.State, err
		}
		if wait > 0 {
			*slot = true
			return DeliveryHeld, nil
		}
	}
	*slot = false
	if x.Attempts == 0 {
		if err := d.Store.BeginDelivery(ctx, l, x); err != nil {
			return x.State, err
		}
	}
	start := d.Now()
	serr := guard("sending", func() (err error) {
		x.Ref, err = ch.Send(ctx, x)
		return err
	})
	if serr != nil && ctx.Err() != nil {
		return x.State, ctx.Err() // a shutdown is nobody's fault; the same id goes out again
	}
	now := d.Now()
	ev := Event{Stage: "deliver", Key: l.Key, Outcome: "sent", Took: now.Sub(start)}
	x.Attempts++
	var shown []Condition
	if serr == nil {
		shown = d.condition(l.Key, nil, now)
		x.State, x.Sent, x.Error = DeliverySent, now, ""
		ev.Count = 1
		if x.Bundle == "" { // else someone wanted it late
			ev.Lag = now.Sub(x.Created)
		}
		clear(j.sent)
	} else {
		f := AsFailure(serr)
		x.Error = serr.Error()
		x.Due = now.Add(max(d.Backoff.Pause(x.Attempts), min(f.After, maxAfter)))
		ev.Outcome = "retry"
		switch {
		case f.Verdict == Gone:
			d.gone.Store(ch, true)
			shown = d.condition(l.Key, serr, now)
			ev.Outcome = "gone"
			serr = fmt.Errorf("%w; nothing more is sent to channel %s until the configuration is reloaded; what waits is kept", serr, l.Key)
		case f.Verdict == Final, f.After == 0 && now.Sub(later(x.Created, x.Released)) > d.MaxAge && x.Attempts >= ageAttempts:
			// One whose receiver says when to come again lives on (see throttledAge): were it dead, the next would go out before that time.
			x.State = DeliveryDead
			ev.Outcome = "dead"
		}
	}
	// The receiver has it: that is written down even while a shutdown is under way.
	save, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := d.Store.SaveDelivery(save, l, x, shown...); err != nil {
		return x.State, err
	}
	d.Report(ev, serr)
	return x.State, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
