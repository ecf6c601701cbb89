package report

import (
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// Who went quiet: sites that had a habit in the period before; feeds by what is known of them when the period ended.
func TestQuiet(t *testing.T) {
	since := until.AddDate(0, 0, -7)
	daily := func(last time.Time) (out []time.Time) {
		for at := last.AddDate(0, 0, -50); !at.After(last); at = at.Add(12 * time.Hour) {
			out = append(out, at)
		}
		return out
	}
	feed := func(name string, s pipeline.FeedState) pipeline.Feed {
		s.LastOK = until.Add(time.Hour)
		return pipeline.Feed{Name: name, FeedState: s}
	}
	n := store.Report{
		Sites: []store.SiteCount{{Site: "lively", Articles: 1, Before: 9}, {Site: "gone", Before: 5, Last: since.Add(-time.Hour)}, {Site: "seldom", Before: 4}},
		Feeds: []pipeline.Feed{feed("well", pipeline.FeedState{}), feed("silent", pipeline.FeedState{}), feed("new", pipeline.FeedState{}),
			feed("retired", pipeline.FeedState{Retired: since}), feed("failing", pipeline.FeedState{FailingSince: since, Error: "503"}),
			feed("empty", pipeline.FeedState{EmptySince: since}), feed("failed later", pipeline.FeedState{FailingSince: until})},
		Arrivals: map[string][]time.Time{"well": daily(until.Add(-time.Hour)), "silent": append(daily(since), until.Add(time.Minute)), "new": {since},
			"failed later": daily(until.Add(-time.Hour))},
	}
	r := New(About{Since: since, Until: until, Zone: time.UTC, Made: until}, n)
	var got []string
	for _, q := range r.Quiet {
		got = append(got, q.What+" "+q.Name)
	}
	if g, w := strings.Join(got, ", "), "site gone, feed silent, feed retired, feed failing, feed empty"; g != w {
		t.Errorf("quiet: %s, want %s", g, w)
	}
	if q := r.Quiet[1]; !q.Last.Equal(since) || !strings.Contains(q.Why, "about 14 times") {
		t.Errorf("the silent feed: %+v", q)
	}
	if r.Before.Articles != 18 || r.Before.Sites != 3 || r.Sites != 1 {
		t.Errorf("counted %+v", r)
	}
}

// A story names who carried it in order, each site once, and begins with its first article of the period.
func TestStory(t *testing.T) {
	at := func(m int) time.Time { return until.Add(time.Duration(m) * time.Minute) }
	n := store.Report{Top: []store.TopStory{{ID: 7, Outlets: 2, Count: 3, First: at(-90), Rules: []string{"r"}, Articles: []pipeline.Article{
		{Site: "a", SiteName: "A", Title: "First", URL: "https://a/1", Lang: "ko", Published: at(-60), Seen: at(-50)},
		{Site: "b", Title: "Second", URL: "https://b/1", Seen: at(-40)},
		{Site: "a", Title: "Third", URL: "https://a/2", Seen: at(-30)}}}}}
	s := New(About{Since: at(-80), Until: until, Zone: time.UTC, Made: until}, n).Top[0]
	if s.Title != "First" || s.URL != "https://a/1" || s.Lang != "ko" || !s.First.Equal(at(-90)) || len(s.Times) != 3 {
		t.Errorf("the story: %+v", s)
	}
	if len(s.Carriers) != 2 || s.Carriers[0].Site != "a" || s.Carriers[0].Articles != 2 || !s.Carriers[0].At.Equal(at(-60)) || s.Carriers[1].URL != "https://b/1" {
		t.Errorf("carriers: %+v", s.Carriers)
	}
}

func TestTrend(t *testing.T) {
	for _, c := range []struct {
		now, before int
		want        string
	}{{0, 0, ""}, {3, 0, "new"}, {5, 5, "± 0%"}, {6, 4, "▲ 50%"}, {4, 6, "▼ 33%"}, {0, 6, "▼ 100%"}, {12000, 3, "▲ 4,000 times"}} {
		if got := trend(c.now, c.before); got != c.want {
			t.Errorf("%d after %d: %q, want %q", c.now, c.before, got, c.want)
		}
	}
	for _, c := range []struct {
		k, of int
		want  string
	}{{0, 0, "0%"}, {0, 9, "0%"}, {1, 1000, "<1%"}, {1, 3, "33%"}, {9, 9, "100%"}} {
		if got := percent(c.k, c.of); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.k, c.of, got, c.want)
		}
	}
}
