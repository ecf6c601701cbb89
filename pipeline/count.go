package pipeline

import (
	"slices"
	"time"
)

// This file is what rules count by, and it is pure: articles are points on a line of time.
//
// A window is full when from its first article to its last, both included, there is at most When.Within, and When.N distinct keys are
// in it. An episode is a chain of full windows each of which has an article in common with the next; so an article is in one episode at
// most, and what arrives later, whatever its time, can begin an episode, make one longer, or make two into one, but never end one.

// A When is how many have to come together for a rule to tell of it.
type When struct {
	Of     CountOf
	By     CountBy
	N      int           // 2 or more
	Within time.Duration // more than 0
}

// CountOf is which articles are counted together.
type CountOf string

const (
	CountStory CountOf = "story" // all of a story in which the rule matches at least one
	CountQuery CountOf = "query" // all in which the rule matches
)

// CountBy is what is counted of them.
type CountBy string

const (
	CountSources  CountBy = "sources"  // sites
	CountArticles CountBy = "articles" // articles, each with all of its versions once
)

// A Point is an article on the line of time.
type Point struct {
	Article int64
	At      time.Time // see Article.Time
	Key     string    // what is counted: those of one key are one
}

// An Episode is a time in which articles came together.
type Episode struct {
	Number       int // among those that its rule told of, from 1; 0: it was not told
	Begins, Ends time.Time
}

// A Count is what an alert says of the number that made it.
type Count struct {
	When
	Found   int     // how many were in the fullest window of the story, or of the episode, when the alert was raised
	Episode Episode // with CountQuery; as it was when the alert was raised
}

// Time is when the article stands on the line of time: when it was published, or seen where that is unknown or later.
func (a *Article) Time() time.Time {
	if a.Published.IsZero() || a.Published.After(a.Seen) {
		return a.Seen
	}
	return a.Published
}

// windows calls f for each stretch ps[from:to] that reaches as far from its first point as Within allows, with the number of keys
// in it. Every full window stands in one of them. ps are in the order of their times.
func (w When) windows(ps []Point, f func(from, to, n int)) {
	keys := map[string]int{}
	to := 0
	for from := range ps {
		for ; to < len(ps) && ps[to].At.Sub(ps[from].At) <= w.Within; to++ {
			keys[ps[to].Key]++
		}
		f(from, to, len(keys))
		drop(keys, ps[from].Key)
	}
}

func drop(keys map[string]int, k string) {
	if keys[k]--; keys[k] == 0 {
		delete(keys, k)
	}
}

// Episodes lists the episodes of points, which are in the order of their times.
func (w When) Episodes(ps []Point) (out []Episode) {
	w.windows(ps, func(from, to, n int) {
		begins, ends := ps[from].At, ps[to-1].At
		switch last := len(out) - 1; {
		case n < w.N:
		case last >= 0 && !begins.After(out[last].Ends):
			out[last].Ends = ends // no window ends before one that begins earlier
		default:
			out = append(out, Episode{Begins: begins, Ends: ends})
		}
	})
	return out
}

// Passings says when each of the episodes of points passes the number, if articles come in the order of their times.
func (w When) Passings(ps []Point) (out []time.Time) {
	es := w.Episodes(ps)
	keys := map[string]int{}
	from := 0
	for _, p := range ps {
		keys[p.Key]++
		for ; p.At.Sub(ps[from].At) > w.Within; from++ {
			drop(keys, ps[from].Key)
		}
		if len(keys) >= w.N && len(out) < len(es) && es[len(out)].holds(p.At) {
			out = append(out, p.At)
		}
	}
	return out
}

// Most is the largest number of keys in any window of points, which are in the order of their times.
func (w When) Most(ps []Point) (most int) {
	w.windows(ps, func(_, _, n int) { most = max(most, n) })
	return most
}

// around is the episode of points, which are in the order of their times, that holds a time.
func (w When) around(ps []Point, at time.Time) (Episode, bool) {
	es := w.Episodes(ps)
	i := slices.IndexFunc(es, func(e Episode) bool { return e.holds(at) })
	if i < 0 {
		return Episode{}, false
	}
	return es[i], true
}

// holds reports whether a time is in the episode. Of an article's time this says whether the article is.
func (e Episode) holds(at time.Time) bool { return !at.Before(e.Begins) && !at.After(e.Ends) }

// touches reports whether two episodes have a time in common.
func (e Episode) touches(o Episode) bool { return !e.Begins.After(o.Ends) && !o.Begins.After(e.Ends) }

// join makes one episode of two.
func (e Episode) join(o Episode) Episode {
	if o.Begins.Before(e.Begins) {
		e.Begins = o.Begins
	}
	if o.Ends.After(e.Ends) {
		e.Ends = o.Ends
	}
	e.Number = max(e.Number, o.Number)
	return e
}
