package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/alerts/rules"
)

// A Test asks what a rule would have done.
type Test struct {
	Rule rules.Rule // its own limits (languages, sites) count
	Range
	Others  *rules.Set // rules in force, to see how far they overlap; nil: none
	Samples int        // articles to show
}

// A Day is a day (UTC) of a backtest.
type Day struct {
	Day      string `json:"day"`
	Hits     int    `json:"hits"`     // articles
	Messages int    `json:"messages"` // stories whose first hit it was; articles of a rule that is told once per article; what a rule that counts saw pass
}

// A Count is a name and how often it was met.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// A Backtest is what a rule would have done.
type Backtest struct {
	Days     []Day // every day of the range, the earliest first; without Since, from the first hit
	Hits     int
	Messages int
	Sites    []Count // hits, the most first
	Overlap  []Count // of the hits, how many another rule matches too
	Samples  []Found // spread over the hits, the newest first
	Scan
}

// Backtest runs a rule over the archive. Stories stand for messages, for a story is told once; those of one event, and an alert that
// was told before the range, are not taken off. A rule that counts is tried as if all articles had come aloud, in the order of their
// dates; with of: query those before the range are not counted.
func (l *Lab) Backtest(ctx context.Context, t Test) (Backtest, error) {
	b := Backtest{}
	q, err := rules.ParseWith(t.Rule.Query, t.Rule.Lists)
	if err != nil {
		return b, err
	}
	set, err := rules.Compile([]rules.Rule{t.Rule})
	if err != nil {
		return b, err
	}
	days := map[string]*Day{}
	on := func(at time.Time) *Day {
		k := at.UTC().Format(time.DateOnly)
		if days[k] == nil {
			days[k] = &Day{Day: k}
		}
		return days[k]
	}
	told := map[int64]time.Time{} // story: its first hit
	counted := newLine()
	sites, overlap := map[string]int{}, map[string]int{}
	every := 1
	b.Scan, err = l.each(ctx, set, rules.Required(q), t.Range, true, func(f Found) error {
		if len(f.Hits) == 0 {
			return nil
		}
		a := &f.Article
		counted.add(a)
		at := a.Time()
		on(at).Hits++
		sites[a.Site]++
		if first, ok := told[a.Story]; !ok || at.Before(first) {
			told[a.Story] = at
		}
		if t.Rule.OncePer == "article" {
			on(at).Messages++
			b.Messages++
		}
		if t.Others != nil {
			for _, h := range t.Others.Match(Doc(a)) {
				if h.Rule != t.Rule.Name {
					overlap[h.Rule]++
				}
			}
		}
		if t.Samples > 0 && b.Hits%every == 0 { // of many hits each second, then each fourth …: spread over all
			b.Samples = append(b.Samples, f)
			if len(b.Samples) == 2*t.Samples {
				for i := range t.Samples {
					b.Samples[i] = b.Samples[2*i]
				}
				b.Samples = b.Samples[:t.Samples]
				every *= 2
			}
		}
		b.Hits++
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("backtest: %w", err)
	}
	b.Samples = b.Samples[:min(len(b.Samples), t.Samples)]
	switch {
	case t.Rule.When != nil:
		passed, err := l.passings(ctx, Counts(t.Rule.When), counted)
		if err != nil {
			return b, fmt.Errorf("backtest: %w", err)
		}
		for _, at := range passed {
			if t.holds(at) { // a story may have passed before
				on(at).Messages++
				b.Messages++
			}
		}
	case t.Rule.OncePer != "article":
		for _, at := range told {
			on(at).Messages++
		}
		b.Messages = len(told)
	}
	b.Days = l.spread(days, t.Range)
	b.Sites, b.Overlap = most(sites), most(overlap)
	return b, nil
}

// spread lists every day of the range, days without hits too.
func (l *Lab) spread(days map[string]*Day, r Range) []Day {
	from, to := r.Since, r.Until
	if to.IsZero() {
		to = l.Now()
	}
	if from.IsZero() {
		from = to
		for k := range days {
			if d, err := time.Parse(time.DateOnly, k); err == nil && d.Before(from) {
				from = d
			}
		}
	}
	var out []Day
	for d := from.UTC().Truncate(24 * time.Hour); d.Before(to); d = d.AddDate(0, 0, 1) {
		k := d.Format(time.DateOnly)
		if days[k] == nil {
			days[k] = &Day{Day: k}
		}
		out = append(out, *days[k])
	}
	return out
}

// most are counts in order, the most first.
func most(m map[string]int) []Count {
	out := make([]Count, 0, len(m))
	for k, n := range m {
		out = append(out, Count{k, n})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.N-a.N, cmp.Compare(a.Name, b.Name)) })
	return out
}
