package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A feed that answers and brings nothing new may be abandoned, or have moved without a word. Whether its silence means anything depends
// on the feed: an agency is silent for an hour, a weekly for a week, a paper over the weekend. So each feed is held against its own rhythm.

// Habit windows of a feed's rhythm.
const (
	RhythmHabit = 8 * 7 * 24 * time.Hour // how far back from the last one arrivals make a habit

	rhythmLeast    = 3 * 7 * 24 * time.Hour // a habit needs this long,
	rhythmArrivals = 8                      // and so many arrivals
	rhythmPrior    = 0.1                    // arrivals that an hour of the week is taken to have had besides: one without any is not impossible
	quietFactor    = 2.5                    // a silence is odd that is so many times the longest of the habit,
	quietLeast     = 3                      // and in which by the habit so many arrivals were missed
)

// A Rhythm is how a feed's arrivals (polls that brought something new) lie over the week.
type Rhythm struct {
	rates   [168]float64 // arrivals in each hour of the week, UTC, from Monday 0:00
	Last    time.Time    // the last arrival
	Longest float64      // the longest habitual gap, in arrivals that were to be expected in it
}

// LearnRhythm learns from arrivals, in order of time. It says whether they make a habit.
//
// Gaps are measured in the arrivals that were to be expected in them by the hours of the week that they cover. Measured so, the gaps of
// any Poisson process, however its rate changes over the week, are exponential with mean 1 (time rescaling: Brown et al., Neural
// Computation 14, 2002), so one bound serves an agency at noon and a paper on Sunday. Neighbouring hours are smoothed, for the clock
// changes twice a year. A single gap of more than twice all others is left out: it was an outage, theirs or ours.
func LearnRhythm(arrivals []time.Time) (Rhythm, bool) {
	var r Rhythm
	if n := len(arrivals); n > 0 {
		r.Last = arrivals[n-1]
		arrivals = slices.DeleteFunc(slices.Clone(arrivals), func(t time.Time) bool { return r.Last.Sub(t) > RhythmHabit })
	}
	n := len(arrivals)
	if n < rhythmArrivals || arrivals[n-1].Sub(arrivals[0]) < rhythmLeast {
		return r, false
	}
	weeks := r.Last.Sub(arrivals[0]).Hours() / 168
	prior := rhythmPrior / (float64(n-1) / weeks / 168) // weeks in which an hour of average rate has rhythmPrior arrivals
	for h := range r.rates {
		r.rates[h] = rhythmPrior / (weeks + prior)
	}
	weeks += prior
	for _, t := range arrivals[1:] { // the first one opens the time that is counted
		h := hourOfWeek(t)
		r.rates[h] += 0.5 / weeks
		r.rates[(h+1)%168] += 0.25 / weeks
		r.rates[(h+167)%168] += 0.25 / weeks
	}
	gaps := make([]float64, 0, n-1)
	for i := 1; i < n; i++ {
		gaps = append(gaps, r.Expected(arrivals[i-1], arrivals[i]))
	}
	slices.Sort(gaps)
	r.Longest = gaps[len(gaps)-1]
	if next := gaps[len(gaps)-2]; r.Longest > 2*next {
		r.Longest = next
	}
	return r, true
}

// Expected is how many arrivals the habit has from one moment to another.
func (r *Rhythm) Expected(from, to time.Time) (n float64) {
	for from.Before(to) {
		next := from.Truncate(time.Hour).Add(time.Hour)
		if next.After(to) {
			next = to
		}
		n += r.rates[hourOfWeek(from)] * next.Sub(from).Hours()
		from = next
	}
	return n
}

// Quiet reports whether silence since the last arrival and until now, while the feed answered, is beyond the habit.
func (r *Rhythm) Quiet(now time.Time) bool {
	return r.Expected(r.Last, now) > max(quietLeast, quietFactor*r.Longest)
}

func hourOfWeek(t time.Time) int {
	t = t.UTC()
	return (int(t.Weekday())+6)%7*24 + t.Hour()
}

// RhythmStore is what the watch on feeds needs of the store.
type RhythmStore interface {
	// Feeds lists the active feeds.
	Feeds(ctx context.Context) ([]Feed, error)
	// Arrivals lists, by feed, the moments since then at which polls brought something new, in order; what first polls and backfills brought
	// does not count.
	Arrivals(ctx context.Context, since time.Time) (map[string][]time.Time, error)
	// Observe tells the operator what conditions have of news.
	Observe(ctx context.Context, shown ...Condition) error
}

// A FeedWatch tells the operator of feeds that are quiet for longer than their habit.
type FeedWatch struct {
	Store    RhythmStore
	Now      func() time.Time
	Operator func() []string
}

// Once looks at all feeds.
func (w *FeedWatch) Once(ctx context.Context) error {
	to := operators(w.Operator, "")
	if len(to) == 0 {
		return nil
	}
	now := w.Now()
	feeds, err := w.Store.Feeds(ctx)
	if err != nil {
		return fmt.Errorf("watch feeds: %w", err)
	}
	arrivals, err := w.Store.Arrivals(ctx, now.Add(-2*RhythmHabit)) // of a feed that has been silent for long, the habit is older
	if err != nil {
		return fmt.Errorf("watch feeds: %w", err)
	}
	var shown []Condition
	for _, f := range feeds {
		if c, ok := rhythmCondition(f, arrivals[f.Name], now); ok {
			c.Channels = to
			shown = append(shown, c)
		}
	}
	if err := w.Store.Observe(ctx, shown...); err != nil {
		return fmt.Errorf("watch feeds: %w", err)
	}
	return nil
}

// rhythmCondition is what the operator is to know of a feed's rhythm; ok is false where nothing can be said. A feed that fails, is gone or
// emptied is told of as that, and what it misses while it does not answer is no silence.
func rhythmCondition(f Feed, arrivals []time.Time, now time.Time) (c Condition, ok bool) {
	if f.Failures > 0 || !f.Retired.IsZero() || !f.EmptySince.IsZero() || len(arrivals) == 0 {
		return c, false
	}
	r, ok := LearnRhythm(arrivals)
	if !ok {
		return c, false
	}
	c = Condition{Subject: "rhythm:" + f.Name, At: now, Headline: fmt.Sprintf("Feed %s brings news again", f.Name), Text: "Something new has come by it."}
	if r.Quiet(f.LastOK) {
		c.Trouble, c.Since, c.Headline = "quiet", r.Last, fmt.Sprintf("Feed %s is quiet", f.Name)
		c.Text = fmt.Sprintf("It answers, but has brought nothing new since %s; by its rhythm of the last weeks something should have come about %.0f times since. "+
			"Look whether the paper has moved or given up this feed.", day(r.Last), r.Expected(r.Last, f.LastOK))
	}
	return c, true
}
