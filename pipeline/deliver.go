package pipeline

import (
	"context"
	"time"
)

// A Channel sends alerts somewhere. Send returns nil only when the receiver has said yes; errors carry a Failure: Retry
// and Throttled make the channel wait, so that order is kept; Final and Gone make this delivery dead.
type Channel interface {
	// Pace is the least time between two messages.
	Pace() time.Duration
	Send(ctx context.Context, d Delivery) error
}

// DeliverStore is what delivering needs of the store.
type DeliverStore interface {
	// DueChannels lists channels whose first open delivery is due.
	DueChannels(ctx context.Context, now time.Time) ([]string, error)
	// NextDeliveries loads up to n open deliveries of a channel in order, with everything there is to say.
	// None when the first is not due yet.
	NextDeliveries(ctx context.Context, channel string, now time.Time, n int) ([]Delivery, error)
	// SaveDelivery stores the outcome of an attempt, under the lease.
	SaveDelivery(ctx context.Context, l Lease, d Delivery) error
	// ReserveChannel takes the channel's next free slot, at least every apart, and says when it is.
	ReserveChannel(ctx context.Context, channel string, now time.Time, every time.Duration) (time.Time, error)
}
