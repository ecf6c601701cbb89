package pipeline

import "time"

// A Lease is the right to work on one key of one kind, held in the store: (poll, feed), (process, host),
// (deliver, channel). Whoever writes results of that work writes them under the lease; when it has been lost, nothing is
// written. Owner is unique per run, so that a process never mistakes an older run of its own for the present one.
type Lease struct {
	Kind  string
	Key   string
	Owner string
	Until time.Time
}
