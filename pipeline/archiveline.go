package pipeline

import (
	"context"
	"time"
)

// What replays raise waits in a line of its own, held, in the order in which it was raised, and one message of it goes out when nothing
// else may: so the past comes last, and a live alert waits for one message of it at most. A message of the past that fails waits where it
// stands, with the line behind it, and what is live goes on: it is not in the channel's queue, and does not stall it.

// ArchiveStore is what delivering needs of the store for what replays raised.
type ArchiveStore interface {
	// NextArchived loads what stands first in the channel's line of the archive: one delivery, or up to n of those that are to be
	// gathered; none behind one that is not due, and none while anything else is due for the channel or has failed.
	NextArchived(ctx context.Context, channel string, now time.Time, n int) ([]Delivery, error)
}

// archived sends one message of the past, or gathers the next ones into a digest. It says as round does whether the receiver took one and
// whether there may be more to do now.
func (d *Deliverer) archived(ctx context.Context, l Lease, ch Channel, j *judge, slot *bool) (sent int, more bool, err error) {
	line, err := d.Store.NextArchived(ctx, l.Key, d.Now(), itemsOf(ch))
	if err != nil || len(line) == 0 {
		return 0, false, err
	}
	if line[0].Bundle == ForArchiveDigest {
		open, err := j.sift(ctx, l, line)
		if err == nil && len(open) > 0 {
			err = d.Store.LetGo(ctx, l, d.Now(), nil, [][]Delivery{open[:roomFor(ch, open, d.Now())]})
		}
		return 0, true, err
	}
	x := line[0]
	state, err := d.one(ctx, l, ch, j, x, slot)
	if state == DeliverySent {
		sent = 1
	}
	return sent, err == nil, err
}
