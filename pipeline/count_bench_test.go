package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// What a rule that counts costs of the transaction that stores an article, by what it has to look at. The archive holds 20,000 matches of
// the rule, one a minute, of two sites.
func BenchmarkCounting(b *testing.B) {
	const matches = 20_000
	for _, db := range databases {
		now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		st := openStore(b, db.dsn(b), func() time.Time { return now })
		l, ok, err := st.Acquire(b.Context(), "process", "h", "o", now, now.Add(time.Hour))
		if err != nil || !ok {
			b.Fatal(ok, err)
		}
		stories := map[int]int64{} // by size
		var last pipeline.Article
		err = st.Write(b.Context(), l, func(tx pipeline.Tx) error {
			put := func(story int64, i int) (a pipeline.Article) {
				at := now.Add(-time.Duration(i) * time.Minute)
				a = pipeline.Article{Story: story, URL: "u", Site: fmt.Sprintf("s%d.example", i%2), Title: "T", Body: prose(int64(i%50), 300), Published: at, Seen: at,
					Source: pipeline.SourcePage}
				_, err := tx.InsertArticle(&a, nil)
				if err == nil {
					err = tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "r"}})
				}
				if err != nil {
					b.Fatal(err)
				}
				return a
			}
			for _, n := range []int{2, 10, 100, matches - 112} {
				story, err := tx.OpenStory("S", now)
				if err != nil {
					return err
				}
				for i := range n {
					last = put(story, matches-i)
				}
				stories[n] = story
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		story := func(n, articles int) func(pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match) {
			return func(pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match) {
				a := last
				a.Story = stories[articles]
				return &a, nil, []pipeline.Match{{Rule: "r", When: &pipeline.When{Of: pipeline.CountStory, By: pipeline.CountSources, N: n, Within: 24 * time.Hour}}}
			}
		}
		query := func(by pipeline.CountBy, n int, within time.Duration, told bool) func(pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match) {
			return func(tx pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match) {
				if told { // all but the last few
					if _, err := tx.OpenEpisode("r", pipeline.Episode{Begins: now.AddDate(-1, 0, 0), Ends: last.Published.Add(-10 * time.Minute)}); err != nil {
						b.Fatal(err)
					}
				}
				return &last, []pipeline.Match{{Rule: "r", When: &pipeline.When{Of: pipeline.CountQuery, By: by, N: n, Within: within}}}, nil
			}
		}
		for _, c := range []struct {
			name string
			what func(pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match)
		}{
			{"nothing", func(pipeline.Tx) (*pipeline.Article, []pipeline.Match, []pipeline.Match) { return &last, nil, nil }},
			{"story of 2", story(3, 2)}, {"story of 10", story(3, 10)}, {"story of 100", story(3, 100)},
			{"query, below the number, 60 in the window", query(pipeline.CountSources, 3, time.Hour, false)},
			{"query, below the number, 1440 in the window", query(pipeline.CountSources, 3, 24*time.Hour, false)},
			{"query, below the number, 10080 in the window", query(pipeline.CountSources, 3, 7*24*time.Hour, false)},
			{"query, an episode goes on, 1440 in the window", query(pipeline.CountArticles, 20, 24*time.Hour, true)},
			{"query, an episode begins, followed over 19888", query(pipeline.CountArticles, 20, 24*time.Hour, false)},
		} {
			b.Run(db.name+"/"+c.name, func(b *testing.B) {
				var took time.Duration
				for range b.N {
					err := st.Write(b.Context(), l, func(tx pipeline.Tx) error {
						a, ms, counting := c.what(tx)
						start := time.Now()
						if _, err := pipeline.CountRules(tx, a, ms, counting, true); err != nil {
							b.Fatal(err)
						}
						took += time.Since(start)
						return errBench
					})
					if !errors.Is(err, errBench) {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/article")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

var errBench = errors.New("rolled back")
