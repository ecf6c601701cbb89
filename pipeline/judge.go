package pipeline

import (
	"context"
	"sort"
	"time"
)

// QuietStore is what keeping a channel quiet needs of the store.
type QuietStore interface {
	// ActiveSilences lists the silences in force at now.
	ActiveSilences(ctx context.Context, now time.Time) ([]Silence, error)
	// LastSent says when a channel took its last messages until then, up to n, the newest first. A digest is one message. With archived
	// those of replays count too.
	LastSent(ctx context.Context, channel string, until time.Time, n int, archived bool) ([]time.Time, error)
	// OpenWindow says when a bundle of a channel is due that holds something and is not due at now; the zero time: there is none.
	OpenWindow(ctx context.Context, channel string, b Bundle, now time.Time) (time.Time, error)
	// DueHeld loads up to n deliveries of a channel whose bundle is due, the longest due first, those of one bundle in order of commit. What
	// waits in the line of the archive is not among them.
	DueHeld(ctx context.Context, channel string, now time.Time, n int) ([]Delivery, error)
	// Hold stores, under the lease, that deliveries are held or silenced.
	Hold(ctx context.Context, l Lease, ds []Delivery) error
	// LetGo stores, under the lease and in one transaction, that those of stay are held on or silenced, and that each group goes to the
	// end of the channel's queue: one delivery as itself, several as the members of a digest. Of the archive it stays in that line.
	LetGo(ctx context.Context, l Lease, now time.Time, stay []Delivery, groups [][]Delivery) error
}

// digestItems is how many items a digest has at most, for a channel that does not say itself (DigestItems) what it can show.
const digestItems = 15

// roomFor is how many of deliveries that are to be gathered a channel's message has room for, from the front; one at least. A channel
// says itself (Fits) what does not fit; what it would leave out of a message has to go into the next one.
func roomFor(ch Channel, ds []Delivery, now time.Time) int {
	ds = ds[:min(len(ds), itemsOf(ch))]
	c, ok := ch.(interface{ Fits(Delivery) bool })
	if !ok || len(ds) < 2 {
		return len(ds)
	}
	fits := func(n int) bool {
		d := Delivery{UID: ds[0].UID, Channel: ds[0].Channel, State: DeliveryOpen, Created: now, Archived: ds[0].Archived,
			Alert: Alert{Rule: ds[0].Bundle.Rule(), Kind: KindDigest, Created: now, Members: ds[:n]}}
		room := false
		err := guard("making a digest", func() error { room = c.Fits(d); return nil })
		return err == nil && room // what panics goes alone, and dies alone
	}
	if fits(len(ds)) {
		return len(ds)
	}
	return max(1, sort.Search(len(ds), func(n int) bool { return !fits(n + 1) }))
}

func itemsOf(ch Channel) int {
	if c, ok := ch.(interface{ DigestItems() int }); ok {
		return c.DigestItems()
	}
	return digestItems
}

// Decide says what would become of a delivery on its channel now: open, held in a bundle until it is due, or silenced. Nothing is stored.
func (d *Deliverer) Decide(ctx context.Context, x Delivery) (Delivery, error) {
	j, err := d.judge(ctx, x.Channel)
	if err != nil {
		return x, err
	}
	return j.decide(ctx, x)
}

// A judge decides on the deliveries of one channel for a round of sending.
type judge struct {
	d        *Deliverer
	channel  string
	silences []Silence
	windows  map[Bundle]time.Time // that are open, of those that were asked for
	sent     map[bool][]time.Time // what the channel took last, with and without what is archived, once it was asked for
}

func (d *Deliverer) judge(ctx context.Context, channel string) (*judge, error) {
	silences, err := d.Store.ActiveSilences(ctx, d.Now())
	return &judge{d: d, channel: channel, silences: silences, windows: map[Bundle]time.Time{}, sent: map[bool][]time.Time{}}, err
}

func (j *judge) policy(a *Alert) Policy {
	if a.Kind == KindHealth { // no channel says anything about these
		return Policy{Group: j.d.HealthGroup}
	}
	if j.d.Policy == nil {
		return Policy{}
	}
	return j.d.Policy(a.Rule, j.channel)
}

// decide is the decision on x now.
func (j *judge) decide(ctx context.Context, x Delivery) (_ Delivery, err error) {
	p := j.policy(&x.Alert)
	m := moment{now: j.d.Now(), silences: j.silences, holds: j.d.Holds}
	window := windowOf(x, p)
	if window != "" {
		if at, known := j.windows[window]; !known || !at.After(m.now) {
			if j.windows[window], err = j.d.Store.OpenWindow(ctx, j.channel, window, m.now); err != nil {
				return x, err
			}
		}
		m.window = j.windows[window]
	}
	if p.Limit > 0 {
		if _, asked := j.sent[x.Archived]; !asked {
			if j.sent[x.Archived], err = j.d.Store.LastSent(ctx, j.channel, m.now.Add(limitWindow), p.Limit, x.Archived); err != nil {
				return x, err
			}
		}
		m.sent = j.sent[x.Archived]
	}
	y := decide(x, p, m)
	if window != "" && y.State == DeliveryHeld && y.Bundle == window {
		j.windows[window] = y.Due
	}
	return y, nil
}

// sift holds or silences those of ds that may not go out now, and returns the others.
func (j *judge) sift(ctx context.Context, l Lease, ds []Delivery) (open []Delivery, err error) {
	var stay []Delivery
	for _, x := range ds {
		y, err := j.decide(ctx, x)
		if err != nil {
			return nil, err
		}
		if y.State == DeliveryOpen {
			open = append(open, x)
		} else {
			stay = append(stay, y)
		}
	}
	if len(stay) > 0 {
		err = j.d.Store.Hold(ctx, l, stay)
	}
	return open, err
}

// letGo lets go what is held and due: the deliveries of a bundle as digests of as many items as the channel has room for, or as itself
// what is alone, was tried before or is a digest. By the policy in force now some may have to be held on.
func (j *judge) letGo(ctx context.Context, l Lease, ch Channel) error {
	most := itemsOf(ch)
	for {
		now := j.d.Now()
		ds, err := j.d.Store.DueHeld(ctx, j.channel, now, 20*most)
		if err != nil || len(ds) == 0 {
			return err
		}
		var stay []Delivery
		var groups [][]Delivery
		of := map[Bundle]int{} // the group of each bundle
		for _, x := range ds {
			y, err := j.decide(ctx, x)
			if err != nil {
				return err
			}
			i, begun := of[x.Bundle]
			switch {
			case y.State != DeliveryOpen:
				stay = append(stay, y)
			case x.Alert.Kind == KindDigest || x.Begun || x.Bundle.Reason() == ForEscalation:
				groups = append(groups, []Delivery{x}) // it keeps its id
			case begun:
				groups[i] = append(groups[i], x)
			default:
				of[x.Bundle] = len(groups)
				groups = append(groups, []Delivery{x})
			}
		}
		var messages [][]Delivery
		for _, g := range groups {
			for len(g) > 0 {
				n := roomFor(ch, g, now)
				messages, g = append(messages, g[:n]), g[n:]
			}
		}
		if err := j.d.Store.LetGo(ctx, l, now, stay, messages); err != nil {
			return err
		}
	}
}
