package pipeline

import (
	"errors"
	"fmt"
	"runtime/debug"
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

	unasked bool // nobody was asked: the other side had said "later" before
	panic   bool // Err is what panicked
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

// guard calls f and turns a panic in it into a final Failure. What comes from outside (a feed, a page, a receiver's answer) and makes
// the code that reads it panic is a failure of that one thing: it is stored and listed, and the rest goes on.
func guard(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Failure{Verdict: Final, Reason: "panic", Err: fmt.Errorf("%s panicked: %v\n%s", what, v, debug.Stack()), panic: true}
		}
	}()
	return f()
}

// isPanic reports whether err is of a panic that guard caught.
func isPanic(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.panic
}

// ErrLeaseLost says that the run no longer holds its key: another owner took it over. Whatever the run wanted to write
// has been rolled back, and the new owner does the work.
var ErrLeaseLost = errors.New("lease lost: another process took this work over")
