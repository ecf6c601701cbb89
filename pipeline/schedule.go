package pipeline

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Bounds of the poll schedule.
const (
	DefaultEvery = 15 * time.Minute // when a feed names neither an interval nor a cron spec
	MinEvery     = time.Second
	maxFresh     = time.Hour          // a feed's own ttl or max-age stretches the default interval to at most this
	maxSlow      = 6 * time.Hour      // failures slow a feed down to at most this, so that it is never off for ever
	maxAfter     = 24 * time.Hour     // a Retry-After is believed up to this
	goneProbe    = 7 * 24 * time.Hour // a retired feed is asked again this often: a 410 can be a mistake
)

// ParseCron reads a cron spec of five fields or a descriptor such as @hourly, in UTC unless it names a zone
// (CRON_TZ=Asia/Seoul 0 6 * * *). It refuses what would run more than once a second, and turns the parser's panics
// into errors.
func ParseCron(spec string) (s cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("cron spec %q: five fields are needed, as in \"*/10 * * * *\"", spec)
		}
	}()
	s, err = cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("cron spec %q: %w", spec, err)
	}
	if t, ok := s.(*cron.SpecSchedule); ok && t.Location == time.Local {
		t.Location = time.UTC // the parser's default; a daemon must not change its mind with its host's zone
	}
	if _, every, ok := strings.Cut(spec, "@every "); ok {
		// The library rounds anything below a second up to one, "@every 0s" included; that was hardly meant.
		if d, err := time.ParseDuration(every); err != nil || d < MinEvery {
			return nil, fmt.Errorf("cron spec %q: the shortest interval is %s", spec, MinEvery)
		}
	}
	return s, nil
}

// nextPoll says when f is to be polled again after an attempt at now. fresh is what the feed said of itself, fail why the
// attempt failed (nil: it did not).
//
// Feeds of one interval spread out over it by a phase that only depends on the feed's name, so that a restart does not
// bunch them and a missed tick is caught up by the next.
func nextPoll(f Feed, now time.Time, fresh time.Duration, fail *Failure) time.Time {
	if !f.Retired.IsZero() {
		return now.Add(goneProbe)
	}
	next := regular(f, now, fresh)
	if fail == nil {
		return next
	}
	pause := next.Sub(now)
	if f.Cron == "" { // a cron spec already says when; slowing it down would miss the hour it names
		pause = interval(f, fresh)
		for i := 1; i < f.Failures && pause < maxSlow; i++ {
			pause *= 2
		}
		pause = max(min(pause, maxSlow), interval(f, fresh))
	}
	if fail.Verdict == Throttled {
		pause = max(pause, min(fail.After, maxAfter))
	}
	return now.Add(pause)
}

// regular is the next slot of the feed's own rhythm after now.
func regular(f Feed, now time.Time, fresh time.Duration) time.Time {
	if f.Cron != "" {
		if s, err := ParseCron(f.Cron); err == nil { // the configuration was checked; a spec from an older one may not parse
			return s.Next(now.UTC())
		}
	}
	every := interval(f, 0)
	after := now // what the feed says of its freshness skips slots, it does not change the rhythm
	if pause := interval(f, fresh); pause > every {
		after = now.Add(pause - time.Millisecond)
	}
	h := fnv.New64a()
	h.Write([]byte(f.Name))
	// In whole milliseconds, as the store keeps times: a slot must not be rounded down to the moment it follows.
	phase := time.Duration(h.Sum64()%uint64(every/time.Millisecond)) * time.Millisecond
	n := after.UnixNano() - int64(phase)
	slot := n - n%int64(every) + int64(every) + int64(phase)
	return time.Unix(0, slot).UTC()
}

// interval is the feed's interval. What the user wrote holds; only the default yields to the feed's ttl and Cache-Control.
func interval(f Feed, fresh time.Duration) time.Duration {
	if f.Every > 0 {
		return max(f.Every, MinEvery)
	}
	return min(max(fresh, DefaultEvery), maxFresh)
}

// A Backoff says how long to wait after the nth failure in a row, n from 1: First, doubled (times Factor) each time, at
// most Max, give or take a fifth by chance so that what failed together does not return together.
type Backoff struct {
	First  time.Duration
	Factor float64
	Max    time.Duration
	Rand   func() float64 // in [0,1); nil: math/rand
}

// Pause is the pause after failure n.
func (b Backoff) Pause(n int) time.Duration {
	d := float64(b.First)
	for i := 1; i < n && d < float64(b.Max); i++ {
		d *= b.Factor
	}
	r := b.Rand
	if r == nil {
		r = rand.Float64
	}
	d = min(d, float64(b.Max)) * (0.8 + 0.4*r())
	return time.Duration(d)
}
