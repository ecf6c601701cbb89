package pipeline

import (
	"context"
	"fmt"
	"time"
)

// A Backlog is how the two queues and the channels stand.
type Backlog struct {
	// When the longest due loud item and the longest due delivery that nobody has tried were due; zero: there is none. What is tried and
	// fails has its own trouble.
	OldestItem, OldestDelivery time.Time
	Channels                   map[string]ChannelBacklog // channels with something failing or dead
}

// A ChannelBacklog is what a channel's receiver did not take.
type ChannelBacklog struct {
	Attempts int       // at the delivery at the head of its queue
	Waiting  time.Time // since when that waits, what held it before left out; zero: none that was tried is open
	Due      time.Time // when it is tried again
	Error    string    // of that, or of the last dead one
	Dead     int       // deliveries that died since the moment that was asked for and were not replayed
}

// WorksStore is what the watch on Wirewatch's own works needs of the store.
type WorksStore interface {
	// Backlog reads how the queues stand; dead deliveries count that died since then.
	Backlog(ctx context.Context, now, since time.Time) (Backlog, error)
	Observe(ctx context.Context, shown ...Condition) error
}

// A WorksWatch tells the operator when Wirewatch itself falls behind: work that waits, a channel that does not take its messages, a disk
// that fills up.
type WorksWatch struct {
	Store    WorksStore
	Room     func() (free uint64, err error) // bytes left where the store writes; nil: not known (another machine's disk)
	Now      func() time.Time
	Operator func() []string
	Channels func() []string // all that are configured
}

// From where on something is a trouble, and from where on it is over. Between the two nothing is said, so that a value on the border does
// not ring twice a minute.
const (
	behindAfter  = time.Hour
	caughtUp     = 15 * time.Minute
	failingTries = 5
	failingAfter = 15 * time.Minute
	deadWithin   = 24 * time.Hour
	roomLow      = 512 << 20
	roomWell     = 1 << 30
)

// Once looks.
func (w *WorksWatch) Once(ctx context.Context) error {
	if len(operators(w.Operator, "")) == 0 {
		return nil
	}
	now := w.Now()
	b, err := w.Store.Backlog(ctx, now, now.Add(-deadWithin))
	if err != nil {
		return fmt.Errorf("watch the works: %w", err)
	}
	shown := w.behind(b, now)
	if w.Room != nil {
		free, err := w.Room()
		if err != nil {
			return fmt.Errorf("watch the works: %w", err)
		}
		shown = append(shown, w.room(free, now)...)
	}
	if err := w.Store.Observe(ctx, shown...); err != nil {
		return fmt.Errorf("watch the works: %w", err)
	}
	return nil
}

// behind are the conditions of queues and channels.
func (w *WorksWatch) behind(b Backlog, now time.Time) (out []Condition) {
	to := operators(w.Operator, "")
	age := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return now.Sub(t)
	}
	for _, q := range []struct {
		subject, what, advice string
		oldest                time.Time
	}{
		{"backlog:items", "Articles", "A site may be slow, or `pace` too slow for what its feeds list; `wirewatch items list --state open` shows what waits.", b.OldestItem},
		{"backlog:deliveries", "Alerts", "A channel's pace may be too slow for its rules; `wirewatch alerts list --state open` shows what waits.", b.OldestDelivery},
	} {
		c := Condition{Subject: q.subject, At: now, Channels: to, Headline: q.what + " are on time again", Text: "Nothing has been due for long."}
		switch {
		case age(q.oldest) > behindAfter:
			c.Trouble, c.Since, c.Headline = "behind", q.oldest, q.what+" are late"
			c.Text = fmt.Sprintf("The oldest has been due since %s. %s", day(q.oldest), q.advice)
		case age(q.oldest) > caughtUp:
			continue
		}
		out = append(out, c)
	}
	for _, name := range w.Channels() {
		ch := b.Channels[name]
		to := operators(w.Operator, name)
		asked := ch.Due.Sub(now) > failingAfter                                                        // by its receiver: of itself, a channel waits for minutes
		if ch.Attempts >= failingTries && age(ch.Waiting) > failingAfter || ch.Attempts > 0 && asked { // that it is over says the delivery that is taken
			text := fmt.Sprintf("The message at the head of its queue has failed %d times; those behind it wait, and nothing is lost. Last: %s", ch.Attempts, ch.Error)
			if asked {
				text = fmt.Sprintf("Its receiver asks to wait until %s; what is for it waits, and nothing is lost. Last: %s", day(ch.Due), ch.Error)
			}
			out = append(out, Condition{Subject: "channel:" + name, At: now, Channels: to, Trouble: "failing", Since: ch.Waiting,
				Headline: fmt.Sprintf("Channel %s takes no messages", name), Text: text})
		}
		c := Condition{Subject: "refused:" + name, At: now, Channels: to, Headline: fmt.Sprintf("Channel %s refuses nothing any more", name),
			Text: "What it had refused was sent again, or is a day old."}
		if ch.Dead > 0 {
			c.Trouble, c.Since, c.Headline = "refused", now, fmt.Sprintf("Channel %s refused messages", name)
			c.Text = fmt.Sprintf("In the last day %d of them were given up, because it would not have them at all or did not for days, and the next ones went on. `wirewatch alerts list --state dead` lists them, `wirewatch alerts retry` sends them again. Last: %s", ch.Dead, ch.Error)
		}
		out = append(out, c)
	}
	return out
}

// room is the condition of the disk.
func (w *WorksWatch) room(free uint64, now time.Time) []Condition {
	c := Condition{Subject: "disk", At: now, Channels: operators(w.Operator, ""), Headline: "The store's disk has room again", Text: fmt.Sprintf("It has %d MB left.", free>>20)}
	switch {
	case free < roomLow:
		c.Trouble, c.Since, c.Headline = "low", now, "The store's disk is nearly full"
		c.Text = fmt.Sprintf("It has %d MB left; below 64 MB nothing more is stored or told. Make room, or shorten `retention` and run `wirewatch db prune`.", free>>20)
	case free < roomWell:
		return nil
	}
	return []Condition{c}
}
