package pipeline

import (
	"errors"
	"time"
)

// A Verdict says what a failure means for the next attempt. It is the whole retry policy that a fetcher, a source or a
// channel can express; the loops turn it into due times.
type Verdict int

const (
	Retry     Verdict = iota // may pass by itself: try again with growing pauses
	Throttled                // the other side said "later"; After may say when
	Final                    // will not get better by trying: 404, robots, too large, refused by a receiver
	Gone                     // 410: stop asking
)

// A Failure is an error with a verdict. Errors without one count as Retry.
type Failure struct {
	Verdict Verdict
	Reason  string        // one or two words for lists and metrics: "status 404", "robots", "too large", "paywall"
	After   time.Duration // with Throttled: the pause the other side asked for, 0: not said
	Err     error
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Reason
	}
	return f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// AsFailure finds the Failure in err's chain, or makes a Retry of it.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Verdict: Retry, Reason: "failed", Err: err}
}

// ErrLeaseLost says that the run no longer holds its key: another owner took it over. Whatever the run wanted to write
// has been rolled back, and the new owner does the work.
var ErrLeaseLost = errors.New("lease lost: another process took this work over")
