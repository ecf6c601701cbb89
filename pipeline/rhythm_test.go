package pipeline_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// A feedKind is a rhythm of the tests: how many arrivals an hour of the week has on average.
var feedKinds = []struct {
	name string
	rate func(t time.Time) float64
	// After how long a feed of this kind that dies on a Monday at noon is told of at the latest, and for how long never.
	within, never time.Duration
	feeds         int // to try; a busy one gives many gaps
}{
	{"agency, day and night", func(time.Time) float64 { return 4 }, 12 * time.Hour, time.Hour, 2},
	{"paper, by day", func(t time.Time) float64 {
		if h := t.Hour(); h < 6 || h > 22 {
			return 0.05
		}
		return 2
	}, 30 * time.Hour, 2 * time.Hour, 2},
	{"ministry, weekdays", func(t time.Time) float64 {
		if d := t.Weekday(); d == time.Saturday || d == time.Sunday || t.Hour() < 8 || t.Hour() > 17 {
			return 0
		}
		return 0.4
	}, 7 * 24 * time.Hour, 10 * time.Hour, 10},
	{"blog, every other day", func(time.Time) float64 { return 0.02 }, 45 * 24 * time.Hour, 3 * 24 * time.Hour, 30},
}

// simulate is a feed's arrivals as a Poisson process of its rate, at polls every quarter of an hour.
func simulate(r *rand.Rand, rate func(time.Time) float64, from, to time.Time) (out []time.Time) {
	for t := from; t.Before(to); t = t.Add(15 * time.Minute) {
		if r.Float64() < 1-math.Exp(-rate(t)/4) {
			out = append(out, t)
		}
	}
	return out
}

// recent are the arrivals that a watch at now looks at.
func recent(arrivals []time.Time, now time.Time) (out []time.Time) {
	for _, t := range arrivals {
		if !t.After(now) && now.Sub(t) <= 2*pipeline.RhythmHabit {
			out = append(out, t)
		}
	}
	return out
}

// Over a year in which nothing is wrong a feed is called quiet once in several years at most; one that dies is told of within a bound that
// its rhythm sets.
func TestRhythm(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
	const weeks = 30
	look := 6 * time.Hour
	for _, k := range feedKinds {
		if pipeline.Raced { // a habit is learned of numbers alone, thousands of times
			look, k.feeds = 30*time.Hour, (k.feeds+2)/3
		}
		t.Run(k.name, func(t *testing.T) {
			alarms := 0
			for n := range k.feeds {
				r := rand.New(rand.NewPCG(uint64(n), 7))
				all := simulate(r, k.rate, start, start.Add(weeks*7*24*time.Hour))
				quiet := false
				for now := start.Add(4 * 7 * 24 * time.Hour); now.Before(start.Add(weeks * 7 * 24 * time.Hour)); now = now.Add(look) {
					h, ok := pipeline.LearnRhythm(recent(all, now))
					if q := ok && h.Quiet(now); q != quiet {
						if quiet = q; q {
							alarms++
						}
					}
				}
				died := start.Add(20*7*24*time.Hour + 12*time.Hour)
				until := func(d time.Duration) bool {
					h, ok := pipeline.LearnRhythm(recent(simulate(rand.New(rand.NewPCG(uint64(n), 7)), k.rate, start, died), died.Add(d)))
					return ok && h.Quiet(died.Add(d))
				}
				if until(k.never) || !until(k.within) {
					t.Errorf("feed %d: told after %s %t, after %s %t", n, k.never, until(k.never), k.within, until(k.within))
				}
			}
			years := float64(k.feeds*(weeks-4)) / 52
			if perYear := float64(alarms) / years; perYear > 0.5 {
				t.Errorf("%d false alarms in %.1f feed years", alarms, years)
			}
		})
	}
}

// Our own outage is no habit, and what is not enough makes none.
func TestRhythmOfLittle(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var daily []time.Time
	for d := range 40 {
		if d < 15 || d > 20 { // the daemon was down for six days
			daily = append(daily, start.AddDate(0, 0, d))
		}
	}
	h, ok := pipeline.LearnRhythm(daily)
	if !ok || h.Longest > 2 {
		t.Errorf("habit %t, longest gap %.1f", ok, h.Longest)
	}
	if h.Quiet(h.Last.Add(2*24*time.Hour)) || !h.Quiet(h.Last.Add(6*24*time.Hour)) {
		t.Error("a daily feed is not judged by its days")
	}
	for _, few := range [][]time.Time{nil, daily[:5], {start, start.Add(time.Hour)}, daily[:10]} {
		if _, ok := pipeline.LearnRhythm(few); ok {
			t.Errorf("%d arrivals make a habit", len(few))
		}
	}
}

// Through the loops: a feed that answers and brings nothing is told of once, and once when it brings something again.
func quietFeed(w *world) {
	watch := func() {
		w.Helper()
		fw := &pipeline.FeedWatch{Store: w.store, Now: w.now, Operator: func() []string { return []string{"ops"} }}
		w.ok(fw.Once(w.Context()))
	}
	list := []pipeline.Entry{w.entry("http://a.example/0", "zero", "")}
	w.answers(pipeline.Polled{Entries: list}, nil) // the baseline is no arrival
	for d := range 30 {
		w.add(24*time.Hour - 15*time.Minute)
		list = append(list, w.entry(fmt.Sprintf("http://a.example/%d", d+1), "news", ""))
		w.answers(pipeline.Polled{Entries: list}, nil)
		watch()
	}
	w.want("told", w.told(), "[]")
	for range 10 {
		w.add(24*time.Hour - 15*time.Minute)
		w.answers(pipeline.Polled{Entries: list}, nil)
		watch()
	}
	w.want("told", w.told(), "[rhythm:a 1 quiet false]")
	w.answers(pipeline.Polled{Entries: append(list, w.entry("http://a.example/new", "news", ""))}, nil)
	watch()
	w.want("told", w.told(), "[rhythm:a 1 quiet false rhythm:a 2 quiet true]")
}
