package report

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// A step is how long a bar is, in the clock and calendar of a zone.
type step struct {
	name   string
	approx time.Duration
	// start is the civil time at which the nth bar begins, counted from the one that t lies in.
	start func(t time.Time, n int) time.Time
	// label names a bar for people.
	label func(t time.Time) string
}

// Which bars there may be. Hours are added as they pass, so that the two hours of one name in autumn are two bars.
var steps = [...]step{
	{"hour", time.Hour, func(t time.Time, n int) time.Time {
		past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
		return t.Add(time.Duration(n)*time.Hour - past)
	}, clockLabel},
	{"3 hours", 3 * time.Hour, hours(3), clockLabel},
	{"6 hours", 6 * time.Hour, hours(6), clockLabel},
	{"day", day, func(t time.Time, n int) time.Time { return civil(t, n, 0) }, func(t time.Time) string { return t.Format("Mon 2 Jan 2006") }},
	{"week", 7 * day, func(t time.Time, n int) time.Time { return civil(t, 7*n-weekday(t), 0) },
		func(t time.Time) string { return "week from " + t.Format("2 Jan 2006") }},
	{"month", 30 * day, func(t time.Time, n int) time.Time {
		return time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, t.Location())
	},
		func(t time.Time) string { return t.Format("January 2006") }},
	{"quarter", 91 * day, func(t time.Time, n int) time.Time {
		return time.Date(t.Year(), (t.Month()-1)/3*3+1+time.Month(3*n), 1, 0, 0, 0, 0, t.Location())
	}, func(t time.Time) string { return fmt.Sprintf("quarter %d of %d", (t.Month()-1)/3+1, t.Year()) }},
	{"year", 365 * day, func(t time.Time, n int) time.Time { return time.Date(t.Year()+n, 1, 1, 0, 0, 0, 0, t.Location()) },
		func(t time.Time) string { return t.Format("2006") }},
}

const day = 24 * time.Hour

// dayStep is the step of a day.
var dayStep = steps[3]

func clockLabel(t time.Time) string { return t.Format("Mon 2 Jan 2006, 15:04") }

// civil is the beginning of t's day in the calendar, so many days and hours on.
func civil(t time.Time, days, hours int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, hours, 0, 0, 0, t.Location())
}

func hours(k int) func(time.Time, int) time.Time {
	return func(t time.Time, n int) time.Time { return civil(t, 0, t.Hour()/k*k+k*n) }
}

// Bounds on how many bars a plot has, where a step gives that.
const (
	fewest = 20
	most   = 100
)

// fit is the longest step that makes at least fewest and at most most bars of a period; where none does, the shortest that makes at most
// most.
func fit(since, until time.Time) step {
	shortest := steps[len(steps)-1]
	for _, s := range slices.Backward(steps[:]) {
		n := int((until.Sub(since) + s.approx - 1) / s.approx)
		if n <= most {
			shortest = s
		}
		if n >= fewest && n <= most {
			return s
		}
	}
	return shortest
}

// divide is where the bars of a period begin, in the zone of since. The first may begin before it.
func (s step) divide(since, until time.Time) []time.Time {
	var out []time.Time
	for n := 0; ; n++ {
		t := s.start(since, n)
		if !t.Before(until) {
			return out
		}
		// An hour that a change of clocks leaves out begins with its neighbour.
		if k := len(out); k > 0 && !t.After(out[k-1]) {
			continue
		}
		out = append(out, t)
	}
}

// place is the bar that t lies in.
func place(starts []time.Time, t time.Time) int {
	return max(0, sort.Search(len(starts), func(i int) bool { return starts[i].After(t) })-1)
}
