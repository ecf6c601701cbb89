package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// A Backfill looks at feeds once, whether due or not, and stores what they list of a date range. It leaves the feeds'
// own state alone: the daemon's next poll is the same as if there had been no backfill.
type Backfill struct {
	*Poller
	Feeds   []string
	Since   time.Time // included
	Until   time.Time // not included
	Undated bool      // take entries without a date
	Quiet   bool      // never alert

	outside, dateless atomic.Int64
}

// Due lists the feeds.
func (b *Backfill) Due(context.Context) ([]string, error) { return b.Feeds, nil }

// Run looks at one feed and returns how many items of the range were new.
func (b *Backfill) Run(ctx context.Context, l Lease) (int, error) {
	start := b.Now()
	f, err := b.Store.Feed(ctx, l.Key)
	if err != nil {
		return 0, fmt.Errorf("backfill %s: %w", l.Key, err)
	}
	before := f
	f.ETag, f.LastModified = "", "" // the whole document, not what changed
	var got Polled
	err = guard("reading the feed", func() (err error) {
		got, err = b.Source.Poll(ctx, f)
		return err
	})
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	ev := Event{Stage: "poll", Key: f.Name, Outcome: "backfill"}
	if err != nil {
		b.Report(ev, err)
		return 0, fmt.Errorf("backfill %s: %w", f.Name, err)
	}
	var items []Item
	for _, it := range b.items(f, got.Entries, start) {
		at := it.Entry.Published
		switch {
		case at.IsZero():
			b.dateless.Add(1)
			if !b.Undated {
				continue
			}
		case at.Before(b.Since) || !at.Before(b.Until):
			b.outside.Add(1)
			continue
		}
		it.Origin, it.Quiet = FromBackfill, b.Quiet
		items = append(items, it)
	}
	ev.Count, err = b.Store.SavePoll(ctx, l, before, items)
	if err != nil {
		return 0, fmt.Errorf("backfill %s: %w", f.Name, err)
	}
	ev.Took = b.Now().Sub(start)
	b.Report(ev, nil)
	return ev.Count, nil
}

// Outside is how many entries lay outside the range.
func (b *Backfill) Outside() int { return int(b.outside.Load()) }

// Dateless is how many entries had no date.
func (b *Backfill) Dateless() int { return int(b.dateless.Load()) }
