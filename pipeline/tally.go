package pipeline

import (
	"slices"
	"time"
)

// This file is where rules that count are evaluated: in the transaction that stores an article which may tell something.

// maxCounted bounds how many of the others an alert of CountQuery names.
const maxCounted = 50

// A tally is a loud article that was just stored, with its matches. Quiet ones are counted with it when it comes, and fire nothing.
type tally struct {
	tx Tx
	*Article
	matches []Match
	now     time.Time
}

// count tells what rules count that the article makes pass, or that had passed untold before it came. joined says whether its story
// may have other articles; counting are the rules in force that count. It returns how many alerts were raised.
func (t tally) count(joined bool, counting []Match) (raised int, err error) {
	tell := func(m Match, f func(Match) (bool, error)) {
		if err != nil {
			return
		}
		var ok bool
		if ok, err = f(m); ok {
			raised++
		}
	}
	for _, m := range t.matches {
		if m.When != nil && m.When.Of == CountQuery && !m.Silent {
			tell(m, t.query)
		}
	}
	if !joined || err != nil {
		return raised, err
	}
	// The article may make a rule pass that it does not match.
	counting = slices.DeleteFunc(slices.Clone(counting), func(m Match) bool { return m.When.Of != CountStory || m.Silent })
	if len(counting) == 0 {
		return raised, nil
	}
	matched, err := t.tx.StoryRules(t.Story)
	if err != nil {
		return raised, err
	}
	points := map[CountBy][]Point{}
	for _, m := range counting {
		if !slices.Contains(matched, m.Rule) {
			continue
		}
		if points[m.When.By] == nil {
			if points[m.When.By], err = t.tx.StoryPoints(t.Story, m.When.By); err != nil {
				return raised, err
			}
		}
		if n := m.When.Most(points[m.When.By]); n >= m.When.N {
			tell(m, func(m Match) (bool, error) {
				return t.raise(m, Alert{OncePer: m.OncePer, Story: Story{ID: t.Story}, Count: &Count{When: *m.When, Found: n}})
			})
		}
	}
	return raised, err
}

// raise raises an alert of a rule that counts.
func (t tally) raise(m Match, a Alert) (bool, error) {
	a.Rule, a.About, a.Kind, a.Created, a.Article, a.Wait = m.Rule, m.About, KindMatch, t.now, *t.Article, m.Waits
	for _, x := range t.matches {
		if x.Rule == m.Rule {
			a.Spans = x.Spans
		}
	}
	return t.tx.RaiseAlert(a, m.Channels)
}

// query tells of an episode in which the article is, unless one that was told is part of it. What was told is widened to the episode;
// told ones that turn out to be one become one.
//
// An episode that was told is known by its bounds. They need not be up to date, because quiet articles do not move them: before
// anything is told, the episode is followed to both of its ends.
func (t tally) query(m Match) (bool, error) {
	w := m.When
	stored, ok, err := t.tx.Article(t.ID) // as it counts: an article that was there already keeps its time
	if err != nil || !ok {
		return false, err
	}
	at := stored.Time()
	told, err := t.tx.Episodes(m.Rule, at.Add(-w.Within), at.Add(w.Within))
	if err != nil || slices.ContainsFunc(told, func(e Episode) bool { return e.holds(at) }) {
		return false, err
	}
	if done, err := t.goesOn(m, at, told); err != nil || done {
		return false, err
	}
	e := Episode{Begins: at, Ends: at}
	for reach := w.Within; ; reach *= 2 {
		from, to := e.Begins.Add(-reach), e.Ends.Add(reach)
		var ps []Point
		if err := t.tx.RulePoints(m.Rule, w.By, from, to, func(p Point) bool { ps = append(ps, p); return true }); err != nil {
			return false, err
		}
		slices.Reverse(ps)
		if e, ok = w.around(ps, at); !ok {
			return false, nil
		}
		if told, err = t.tx.Episodes(m.Rule, e.Begins, e.Ends); err != nil {
			return false, err
		}
		if len(told) > 0 {
			return false, t.widen(m.Rule, e, told)
		}
		if e.Begins.Sub(from) >= w.Within && to.Sub(e.Ends) >= w.Within { // no window that touches it was left unseen
			return t.open(m, e, ps)
		}
	}
}

// goesOn reports whether the article lengthens an episode that was told: the usual case while one goes on, and decided by the few
// articles before it that fill a window.
func (t tally) goesOn(m Match, at time.Time, told []Episode) (done bool, err error) {
	if len(told) == 0 || slices.ContainsFunc(told, func(e Episode) bool { return e.Begins.After(at) }) { // it may make two one
		return false, nil
	}
	keys := map[string]bool{}
	begins := at
	err = t.tx.RulePoints(m.Rule, m.When.By, at.Add(-m.When.Within), at, func(p Point) bool {
		keys[p.Key], begins = true, p.At
		return len(keys) < m.When.N
	})
	window := Episode{Begins: begins, Ends: at}
	told = slices.DeleteFunc(told, func(e Episode) bool { return !e.touches(window) })
	if err != nil || len(keys) < m.When.N || len(told) == 0 {
		return false, err
	}
	return true, t.widen(m.Rule, window, told)
}

// widen makes the last of told episodes reach as far as all of them and e.
func (t tally) widen(rule string, e Episode, told []Episode) error {
	for _, x := range told {
		e = e.join(x)
	}
	return t.tx.WidenEpisode(rule, e)
}

// open tells of an episode of points that was not told.
func (t tally) open(m Match, e Episode, ps []Point) (bool, error) {
	ps = slices.DeleteFunc(ps, func(p Point) bool { return !e.holds(p.At) })
	i := slices.IndexFunc(ps, func(p Point) bool { return p.Article == t.ID })
	known := map[string]bool{ps[i].Key: true}
	var others []int64
	for _, p := range ps {
		if !known[p.Key] {
			known[p.Key] = true
			others = append(others, p.Article)
		}
	}
	outlets, err := t.tx.Outlets(others[max(0, len(others)-maxCounted):])
	if err != nil {
		return false, err
	}
	if e.Number, err = t.tx.OpenEpisode(m.Rule, e); err != nil {
		return false, err
	}
	return t.raise(m, Alert{Subject: "count:" + m.Rule, Seq: e.Number, Outlets: outlets, Count: &Count{When: *m.When, Found: m.When.Most(ps), Episode: e}})
}
