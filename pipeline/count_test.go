package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// The oracle counts by the definition, in no clever way: two points are together when one full window holds both, and an episode is
// what hangs together. It lists episodes as the indices of their points, in the order of their times.
func oracle(w pipeline.When, ps []pipeline.Point) (out [][]int) {
	part := make([]int, len(ps))
	for i := range part {
		part[i] = -1
	}
	for _, a := range ps {
		for _, b := range ps {
			if d := b.At.Sub(a.At); d < 0 || d > w.Within {
				continue
			}
			keys := map[string]bool{}
			var in []int
			for i, p := range ps {
				if !p.At.Before(a.At) && !p.At.After(b.At) {
					keys[p.Key] = true
					in = append(in, i)
				}
			}
			if len(keys) < w.N {
				continue
			}
			for _, i := range in { // all of them, and all that is together with any of them, is one part
				if old := part[i]; old >= 0 && old != in[0] {
					for j := range part {
						if part[j] == old {
							part[j] = in[0]
						}
					}
				}
				part[i] = in[0]
			}
		}
	}
	byPart := map[int][]int{}
	for i, p := range part {
		if p >= 0 {
			byPart[p] = append(byPart[p], i)
		}
	}
	for _, l := range byPart {
		slices.SortFunc(l, func(i, j int) int { return ps[i].At.Compare(ps[j].At) })
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b []int) int { return ps[a[0]].At.Compare(ps[b[0]].At) })
	return out
}

func TestEpisodesEqualTheOracle(t *testing.T) {
	r := rand.New(rand.NewSource(13))
	found, passed := 0, 0
	for n := range 4000 {
		w := pipeline.When{N: 2 + r.Intn(4), Within: time.Duration(1+r.Intn(12)) * time.Hour}
		ps := make([]pipeline.Point, r.Intn(25))
		for i := range ps {
			ps[i] = pipeline.Point{Article: int64(i), At: time.Unix(0, 0).Add(time.Duration(r.Intn(60)) * time.Hour), Key: string(rune('a' + r.Intn(6)))}
		}
		slices.SortStableFunc(ps, func(a, b pipeline.Point) int { return a.At.Compare(b.At) })
		var want, got []string
		var passings []time.Time
		for _, l := range oracle(w, ps) {
			first, last := ps[l[0]].At, ps[l[len(l)-1]].At
			want = append(want, fmt.Sprint(first.UTC(), last.UTC()))
			for _, p := range ps { // the first moment by which a part of this episode is one
				have := slices.Clone(ps)
				have = slices.DeleteFunc(have, func(x pipeline.Point) bool { return x.At.After(p.At) || x.At.Before(first) })
				if len(oracle(w, have)) > 0 {
					passings = append(passings, p.At)
					break
				}
			}
		}
		for _, e := range w.Episodes(ps) {
			got = append(got, fmt.Sprint(e.Begins.UTC(), e.Ends.UTC()))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d: %+v of %v:\ngot  %v\nwant %v", n, w, ps, got, want)
		}
		if p := w.Passings(ps); !slices.Equal(p, passings) {
			t.Fatalf("%d: %+v of %v: passes at %v, want %v", n, w, ps, p, passings)
		}
		found += len(got)
		if len(got) > 1 {
			passed++
		}
	}
	if found < 3000 || passed < 500 {
		t.Errorf("%d episodes, %d times several: the cases say little", found, passed)
	}
}

// killed is a store whose process ends now and then: in the middle of the transaction that stores an article, or right behind it.
type killed struct {
	*store.Store
	rand  *rand.Rand
	last  bool
	times *int
}

func (k *killed) Write(ctx context.Context, l pipeline.Lease, f func(pipeline.Tx) error) error {
	how := k.rand.Intn(12)
	if how > 1 || k.last {
		k.last = false
		return k.Store.Write(ctx, l, f)
	}
	k.last = true
	*k.times++
	err := k.Store.Write(ctx, l, func(tx pipeline.Tx) error {
		if err := f(tx); err != nil || how == 0 {
			return cmp.Or(err, errKilled)
		}
		return nil
	})
	return cmp.Or(err, errKilled)
}

var errKilled = errors.New("killed")

// Articles come in any order, loud and quiet, dated and not, with versions and copies, and the process ends at any moment and begins
// anew. What was told in the end is exactly what the oracle tells, which looks at the articles in the order in which they were
// committed: when a loud one is in an episode (or its story has passed) and nothing of it was told, it is told, with this article,
// and never again.
func TestCountingEqualsTheOracle(t *testing.T) {
	const articles = 34
	rounds := 10
	if pipeline.Raced { // one thing after the other
		rounds = 4
	}
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			told, kills, silent := 0, 0, 0
			for seed := range rounds {
				w := newWorld(t, db.dsn(t))
				w.countRound(int64(seed), articles, &told, &kills, &silent)
			}
			t.Logf("%d alerts, %d passed in silence at first, %d kills", told, silent, kills)
			if told < 8*rounds || kills < rounds || silent < rounds {
				t.Errorf("%d alerts, %d passed in silence at first, %d kills: the rounds say little", told, silent, kills)
			}
		})
	}
}

func (w *world) countRound(seed int64, n int, told, kills, silent *int) {
	r := rand.New(rand.NewSource(seed))
	w.rule("sites missile", "articles missile", "story title:flag", "story-articles title:flag", "pair missile")
	hours := func() time.Duration { return time.Duration(3+r.Intn(20)) * time.Hour }
	w.when = map[string]*pipeline.When{
		"sites":          {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 3, Within: hours()},
		"articles":       {Of: pipeline.CountQuery, By: pipeline.CountArticles, N: 4, Within: hours()},
		"pair":           {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 2, Within: 3 * time.Hour},
		"story":          {Of: pipeline.CountStory, By: pipeline.CountSources, N: 3, Within: 2 * hours()},
		"story-articles": {Of: pipeline.CountStory, By: pipeline.CountArticles, N: 3, Within: 4 * hours()},
	}
	w.sync("f")
	quiet := map[string]bool{} // by URL
	var items []pipeline.Item
	for i := range n {
		text := r.Intn(1 + n/4) // copies of one text are one story
		link := fmt.Sprintf("http://s%d.example/%d-%d", r.Intn(5), seed, i)
		a := answer{title: fmt.Sprint("Report ", text), body: prose(1000*seed+int64(text), 250)}
		if text%3 > 0 {
			a.body = "Missile. " + a.body
		}
		if r.Intn(3) == 0 {
			a.title += " flag"
		}
		e := pipeline.Entry{GUID: link, URL: link, Title: a.title, Published: w.now().Add(-time.Duration(r.Intn(72*60)) * time.Minute)}
		if r.Intn(8) == 0 {
			e.Published = time.Time{}
		}
		w.pages[link] = a
		items = append(items, pipeline.Item{Entry: e, Quiet: r.Intn(3) == 0})
		quiet[link] = items[len(items)-1].Quiet
		if r.Intn(5) == 0 { // another version of the same page
			v := items[len(items)-1]
			v.Entry.GUID, v.Entry.URL, v.Quiet = link+"?v", link+"?v=2", r.Intn(2) == 0
			if !e.Published.IsZero() {
				v.Entry.Published = e.Published.Add(time.Duration(r.Intn(12)) * time.Hour)
			}
			w.pages[v.Entry.URL] = answer{title: a.title, body: a.body + " " + prose(int64(i)-5000, 30), canonical: dedup.Canonical(link)}
			items = append(items, v)
			quiet[v.Entry.URL] = v.Quiet
		}
	}
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	k := &killed{w.store, r, false, kills}
	for len(items) > 0 {
		batch := items[:min(len(items), 1+r.Intn(4))]
		items = items[len(batch):]
		w.take(batch...)
		for done := false; !done; { // until everything that is due is done, in however many lives
			if r.Intn(3) == 0 {
				w.loops(w.store)
			}
			w.process.Store = k
			hosts, err := w.store.DueHosts(w.Context(), w.now(), 100)
			w.ok(err)
			done = len(hosts) == 0
			for _, h := range hosts { // one after the other, for the kills are drawn by chance
				w.owner++
				l, ok, err := w.store.Acquire(w.Context(), "process", h, fmt.Sprint("life ", w.owner), w.now(), w.now().Add(time.Hour))
				if err != nil || !ok {
					w.Fatal(ok, err)
				}
				_, err = w.process.Run(w.Context(), l)
				w.ok(w.store.Release(w.Context(), l))
				if err != nil {
					if !errors.Is(err, errKilled) {
						w.Fatal(err)
					}
					w.loops(w.store)
					w.process.Store = k
				}
			}
		}
		w.add(time.Duration(r.Intn(90)) * time.Minute)
	}
	w.judge(quiet, told, silent)
}

// take puts items of the feed f into the queue, due now.
func (w *world) take(items ...pipeline.Item) {
	w.Helper()
	for i := range items {
		items[i].Due, items[i].FirstSeen, items[i].Origin = w.now(), w.now(), pipeline.FromPoll
		items[i].Canonical, items[i].Host = dedup.Canonical(items[i].Entry.URL), host(items[i].Entry.URL)
	}
	w.owner++
	l, ok, err := w.store.Acquire(w.Context(), "poll", "f", fmt.Sprint("poll ", w.owner), w.now(), w.now().Add(time.Hour))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	_, err = w.store.SavePoll(w.Context(), l, w.feed("f"), items)
	w.ok(err)
	w.ok(w.store.Release(w.Context(), l))
}

// judge compares what was told with the oracle.
func (w *world) judge(quiet map[string]bool, told, silent *int) {
	as := w.articles()
	first := map[int64]int64{} // article: its first version
	var want []string
	points := map[string][]pipeline.Point{} // by rule, or by rule and story
	hasTold := map[string]map[int64]bool{}  // by rule: articles of episodes that were told; by rule and story: that it was
	flagged := map[int64]bool{}             // stories
	seq := map[string]int{}
	for _, a := range as {
		first[a.ID] = a.ID
		if a.Relation == "version" {
			first[a.ID] = first[a.Of]
		}
		matches := w.matches(a.ID)
		flagged[a.Story] = flagged[a.Story] || slices.Contains(matches, "story")
		for _, rule := range slices.Sorted(maps.Keys(w.when)) {
			when := w.when[rule]
			p := pipeline.Point{Article: a.ID, At: a.Time(), Key: a.Site}
			if when.By == pipeline.CountArticles {
				p.Key = fmt.Sprint(first[a.ID])
			}
			key := rule
			if when.Of == pipeline.CountStory {
				key = fmt.Sprint(rule, " ", a.Story)
			} else if !slices.Contains(matches, rule) {
				continue
			}
			points[key] = append(points[key], p)
			if hasTold[key] == nil {
				hasTold[key] = map[int64]bool{}
			}
			for _, l := range oracle(*when, points[key]) {
				in := func(f func(int64) bool) bool {
					return slices.ContainsFunc(l, func(i int) bool { return f(points[key][i].Article) })
				}
				was := in(func(id int64) bool { return hasTold[key][id] })
				if when.Of == pipeline.CountStory {
					was = len(hasTold[key]) > 0
				}
				of := in(func(id int64) bool { return id == a.ID })
				if when.Of == pipeline.CountStory {
					of = flagged[a.Story]
				}
				switch {
				case was || !of:
					if !was || !of {
						continue
					}
				case quiet[a.URL]:
					*silent++
					continue
				default:
					subject := fmt.Sprint("story:", a.Story)
					if when.Of == pipeline.CountQuery {
						seq[rule]++
						subject = fmt.Sprint("count:", rule)
					}
					want = append(want, fmt.Sprintf("%d %s %s %d", a.ID, rule, subject, seq[rule]))
				}
				in(func(id int64) bool { hasTold[key][id] = true; return false })
			}
		}
	}
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Limit: 5000})
	w.ok(err)
	var got []string
	for _, d := range ds {
		a := d.Alert
		got = append(got, fmt.Sprintf("%d %s %s %d", a.Article.ID, a.Rule, a.Subject, a.Seq))
		if a.Count == nil || a.Count.When != *w.when[a.Rule] || a.Count.Found < a.Count.N {
			w.Errorf("%s says %+v", got[len(got)-1], a.Count)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Fatalf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	*told += len(got)
}
