package lab

import (
	"fmt"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

func TestBacktestOfACount(t *testing.T) {
	l := stored(t)
	const story, query = "story", "query"
	for _, c := range []struct {
		query string
		when  rules.When
		since int // number of the first article in the range
		want  string
	}{
		{"ship", rules.When{Sources: 2, Within: 6 * time.Hour, Of: query}, 0, "120 1"},       // each follows the one before: one episode
		{"ship", rules.When{Sources: 3, Within: 90 * 24 * time.Hour, Of: query}, 0, "120 0"}, // there are two sites
		{"zirconium", rules.When{Articles: 2, Within: 60 * time.Hour, Of: query}, 0, "12 1"},
		{"zirconium", rules.When{Articles: 2, Within: 59 * time.Hour, Of: query}, 0, "12 0"},
		{"n1 OR n2 OR n3 OR n50 OR n51 OR n90", rules.When{Articles: 2, Within: 24 * time.Hour, Of: query}, 0, "6 2"},
		{"ship", rules.When{Sources: 2, Within: 6 * time.Hour, Of: story}, 0, "120 40"},
		{"zirconium", rules.When{Sources: 2, Within: 6 * time.Hour, Of: story}, 0, "12 12"}, // the others of the story count
		{"zirconium", rules.When{Articles: 3, Within: 12 * time.Hour, Of: story}, 0, "12 12"},
		{"zirconium", rules.When{Articles: 3, Within: 11 * time.Hour, Of: story}, 0, "12 0"},
		{"zirconium", rules.When{Sources: 2, Within: 6 * time.Hour, Of: story}, 40, "8 8"},
		{"n41", rules.When{Sources: 2, Within: 6 * time.Hour, Of: story}, 41, "1 0"}, // its story, of 39 to 41, passed before
	} {
		b, err := l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "r", Query: c.query, When: &c.when}, Range: Range{Since: start.Add(time.Duration(6*c.since) * time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
		byDay := 0
		for _, d := range b.Days {
			byDay += d.Messages
		}
		if got := fmt.Sprint(b.Hits, " ", b.Messages); got != c.want || byDay != b.Messages {
			t.Errorf("%s %s: %s, by day %d, want %s", c.query, &c.when, got, byDay, c.want)
		}
	}
}

// The versions of an article are one, also where the rule does not match those between.
func TestBacktestCountsVersionsOnce(t *testing.T) {
	st := newStore(t)
	as := make([]pipeline.Article, 4)
	for i := range as {
		as[i] = pipeline.Article{URL: "u", Site: "s.example", Title: "Ships", Seen: start.Add(time.Duration(i) * time.Hour)}
		if i > 0 && i < 3 {
			as[i].Relation, as[i].Of = "version", int64(i)
		}
	}
	as[1].Title = "Boats"
	fill(t, st, as)
	if _, err := st.IndexWords(t.Context(), WordsForm, Words); err != nil { // so that the version between is not even read
		t.Fatal(err)
	}
	l := &Lab{Archive: archive{st}, Now: func() time.Time { return start.AddDate(0, 0, 1) }}
	for n, want := range map[int]int{2: 1, 3: 0} {
		b, err := l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "r", Query: "ships", When: &rules.When{Articles: n, Within: 24 * time.Hour, Of: "query"}}})
		if err != nil || b.Read != 3 || b.Hits != 3 || b.Messages != want {
			t.Errorf("%d: %d read, %d hits, %d messages, want %d; %v", n, b.Read, b.Hits, b.Messages, want, err)
		}
	}
}

func TestLintOfACount(t *testing.T) {
	l := stored(t)
	when := func(w rules.When) *rules.When { return &w }
	fs, _, err := l.Lint(t.Context(), []rules.Rule{
		{Name: "told", Query: "zirconium", When: when(rules.When{Sources: 2, Within: 6 * time.Hour, Of: "story"})},
		{Name: "short", Query: "zirconium OR n5", When: when(rules.When{Articles: 3, Within: 11 * time.Hour, Of: "story"})},
		{Name: "sites", Query: "zirconium OR n6", When: when(rules.When{Sources: 2, Within: 90 * 24 * time.Hour, Of: "query"})},
		{Name: "often", Query: "zirconium OR n7", When: when(rules.When{Articles: 2, Within: 60 * time.Hour, Of: "query"})},
	}, Range{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range fs {
		if f.Kind == NeverTells {
			got += fmt.Sprintln(f.Rule, f.Hits, f.Why)
		}
	}
	want := `short 13 it asks for 3 articles, and 2 came together at most
sites 13 it asks for 2 sites, and 1 came together at most
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
