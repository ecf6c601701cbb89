package lab

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/pipeline/store/storetest"
)

// postgres is one server for all tests of this package that ask for it.
var postgres storetest.Lazy

func TestMain(m *testing.M) {
	code := m.Run()
	if err := postgres.Stop(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// onBoth runs a test on an empty store of each kind.
func onBoth(t *testing.T, f func(t *testing.T, st *store.Store)) {
	for _, db := range []struct {
		name string
		dsn  func(t *testing.T) string
	}{
		{"sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "w.db") }},
		{"postgres", func(t *testing.T) string { return postgres.Migrated(t) }},
	} {
		t.Run(db.name, func(t *testing.T) {
			if raced && db.name != "sqlite" {
				t.Skip("nothing races on it that does not on SQLite: not measured")
			}
			st, err := store.Open(t.Context(), db.dsn(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			f(t, st)
		})
	}
}

// An asked is a query of a kind.
type asked struct{ kind, query string }

// backtests are queries that cost differently; the first requires a rare word, the second a common one, the last none.
func backtests(p *prose) []asked {
	en, ru, ar, ko, zh := p.tongues[0], p.tongues[1], p.tongues[2], p.tongues[3], p.tongues[4]
	return []asked{
		{"rare term", en.words[12000]},
		{"common term", en.words[12]},
		{"common AND common", en.words[30] + " AND " + en.words[40]},
		{"phrase that is a name", `"` + en.names[3] + `"`},
		{"phrase of common words", `"` + en.words[9] + " " + en.words[10] + `"`},
		{"prefix", en.words[900][:3] + "*"},
		{"NEAR of common words", en.words[30] + " NEAR/5 " + en.words[40]},
		{"Russian, common", ru.words[12]},
		{"Arabic, common", ar.words[12]},
		{"Korean, common", ko.words[12]},
		{"Chinese, common", zh.words[200]},
		{"no word required", "?" + en.words[900][1:]},
	}
}

// searches are a mix of n queries as people ask them, always the same: words by a rank that is even on a logarithmic scale, and names.
func searches(p *prose, n int) []asked {
	r := rand.New(rand.NewPCG(9, 9))
	var out []asked
	for len(out) < n {
		t := p.tongue(r.IntN(100))
		w := func() string { return t.words[int(8*math.Pow(2000, r.Float64()))] }
		a := asked{}
		switch k := r.IntN(20); {
		case k < 6:
			a = asked{"term", w()}
		case k < 11:
			a = asked{"AND", w() + " AND " + w()}
		case k < 14:
			a = asked{"phrase", `"` + t.names[int(math.Pow(2000, r.Float64()))-1] + `"`}
		case k < 16:
			a = asked{"NEAR", w() + " NEAR/6 " + w()}
		case k < 17:
			a = asked{"prefix", string([]rune(t.words[300+r.IntN(2000)] + "xx")[:3]) + "*"}
		case k < 19:
			a = asked{"OR", "(" + w() + " OR " + w() + " OR " + w() + ") AND " + w()}
		default:
			a = asked{"NOT", w() + " NOT " + w()}
		}
		if _, err := rules.Parse(a.query); err == nil { // no wildcards within Chinese
			out = append(out, a)
		}
	}
	return out
}

// An answer is what the matcher says of every article: the IDs that match, the highest first, and their standings.
type answer struct {
	ids    []int64
	stands map[int64]int
}

func (a *answer) best() []int64 {
	l := slices.Clone(a.ids)
	slices.SortStableFunc(l, func(x, y int64) int { return cmp.Compare(a.stands[x], a.stands[y]) })
	return l
}

// A TestArchive makes an archive and holds what is found through the word index against what the matcher says of every article.
//
// WIREWATCH_ARCHIVE=N makes it of N articles, measures backtests and searches, and holds them against reading everything and against
// the matcher alone: ratios, since what else the machine does falls on both.
func TestArchive(t *testing.T) {
	n, queries := 400, 60
	v, err := strconv.Atoi(os.Getenv("WIREWATCH_ARCHIVE"))
	large := err == nil
	if large {
		n = v
		if n >= 50000 {
			queries = 200
		}
	}
	onBoth(t, func(t *testing.T, st *store.Store) {
		p := newProse()
		makeArchive(t, st, p, n)
		l := &Lab{Archive: archive{st}, Now: time.Now}
		back, mix := backtests(p), searches(p, queries)
		want := askAll(t, l, append(slices.Clone(back), mix...))
		times := 1
		if large {
			times = 3
		}
		took := map[string]time.Duration{}
		rates := map[string]float64{}
		for i, a := range back {
			var l5 []time.Duration
			var b Backtest
			for range times {
				var err error
				b, err = l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "r", Query: a.query}, Range: Range{Since: start.AddDate(0, 0, -1)}, Samples: 5})
				if err != nil {
					t.Fatal(err)
				}
				l5 = append(l5, b.Took)
			}
			if b.Hits != len(want[i].ids) || b.Hits == 0 || b.Required != (i < len(back)-1) {
				t.Errorf("backtest of %s (%s): %d hits, required %v; the matcher says %d", a.query, a.kind, b.Hits, b.Required, len(want[i].ids))
			}
			took[a.kind] = median(l5)
			rates[a.kind] = float64(b.Read) / took[a.kind].Seconds()
			if large {
				t.Logf("backtest, %-24s %6d hits of %6d read %7s %6.0f a second", a.kind, b.Hits, b.Read, took[a.kind].Round(time.Millisecond), rates[a.kind])
			}
		}
		for _, best := range []bool{false, true} {
			var all []time.Duration
			read := 0
			for i, a := range mix {
				q, err := rules.Parse(a.query)
				if err != nil {
					t.Fatal(err)
				}
				w := want[len(back)+i]
				first := w.ids
				if best {
					first = w.best()
				}
				var l5 []time.Duration
				for range times {
					res, err := l.Search(t.Context(), Search{Query: q, Limit: 20, Page: 1, Best: best})
					if err != nil {
						t.Fatal(err)
					}
					if got := ids(res.Found); !slices.Equal(got, first[:min(20, len(first))]) || res.More != (len(first) > 20) {
						t.Fatalf("search %s, best %v: %v, the matcher says %v", a.query, best, got, first[:min(21, len(first))])
					}
					l5 = append(l5, res.Took)
					read = max(read, res.Read)
				}
				all = append(all, median(l5))
			}
			slices.Sort(all)
			name := map[bool]string{false: "newest first", true: "best first"}[best]
			p50, p99 := all[len(all)/2], all[len(all)*99/100-1]
			took[name] = p50
			if large {
				t.Logf("search, %s: %d queries, p50 %v, p99 %v, most %v, at most %d read", name, len(all), p50, p99, all[len(all)-1], read)
			}
		}
		if !large {
			return
		}
		alone := matcherAlone(t, l, back[1].query)
		t.Logf("the matcher alone, common term: %.0f a second on %d processors", alone, runtime.GOMAXPROCS(0))
		scan := took["no word required"]
		for _, x := range []struct {
			what  string
			got   float64
			floor float64
		}{
			{"scan / backtest of a rare term", scan.Seconds() / took["rare term"].Seconds(), 3},
			{"rate of a backtest / of the matcher alone, common term", rates["common term"] / alone, 0.25},
			{"scan / search, newest first, p50", scan.Seconds() / took["newest first"].Seconds(), 2},
			{"scan / search, best first, p50", scan.Seconds() / took["best first"].Seconds(), 1.5},
		} {
			t.Logf("%-56s %6.2f, at least %v", x.what, x.got, x.floor)
			if x.got < x.floor {
				t.Errorf("%s: %.2f, want at least %v", x.what, x.got, x.floor)
			}
		}
	})
}

func makeArchive(t *testing.T, st *store.Store, p *prose, n int) {
	began := time.Now()
	as := make([]pipeline.Article, 0, 1000)
	for i := range n {
		as = append(as, p.article(i, n))
		if len(as) == cap(as) || i == n-1 {
			fill(t, st, as)
			as = as[:0]
		}
	}
	stored := time.Since(began)
	began = time.Now()
	if _, err := st.IndexWords(t.Context(), WordsForm, Words); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d articles stored in %v, indexed in %v", n, stored.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// askAll asks all queries of every article in one pass that knows no index.
func askAll(t *testing.T, l *Lab, list []asked) []answer {
	asked := make([]rules.Rule, len(list))
	for i, a := range list {
		asked[i] = rules.Rule{Name: strconv.Itoa(i), Query: a.query}
	}
	set, err := rules.Compile(asked)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]answer, len(list))
	for i := range out {
		out[i].stands = map[int64]int{}
	}
	_, err = l.each(t.Context(), set, nil, Range{}, false, func(f Found) error {
		stands := map[string]int{}
		d := Doc(&f.Article)
		d.Body, _, _ = strings.Cut(d.Body, "\n\n")
		for _, h := range set.Match(d) {
			stands[h.Rule] = -1
		}
		d.Body = ""
		for _, h := range set.Match(d) {
			stands[h.Rule] = -2
		}
		for _, h := range f.Hits {
			i, _ := strconv.Atoi(h.Rule)
			out[i].ids = append(out[i].ids, f.Article.ID)
			out[i].stands[f.Article.ID] = stands[h.Rule]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// matcherAlone is how many articles of the archive all processors match a second, from memory.
func matcherAlone(t *testing.T, l *Lab, query string) float64 {
	ids, err := l.Archive.Candidates(t.Context(), nil, time.Time{}, 0, 3000)
	if err != nil {
		t.Fatal(err)
	}
	as, err := l.Archive.Texts(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile([]rules.Rule{{Name: "r", Query: query}})
	if err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for range 5 {
		began := time.Now()
		var work sync.WaitGroup
		for part := range slices.Chunk(as, len(as)/runtime.GOMAXPROCS(0)+1) {
			work.Go(func() {
				for i := range part {
					set.Match(Doc(&part[i]))
				}
			})
		}
		work.Wait()
		took = append(took, time.Since(began))
	}
	return float64(len(as)) / median(took).Seconds()
}

func median(l []time.Duration) time.Duration { return slices.Sorted(slices.Values(l))[len(l)/2] }
