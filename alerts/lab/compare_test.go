package lab

import (
	"fmt"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

// stored is an archive of 120 articles, one every six hours: all on ships, every tenth names zirconium in the title, every twentieth
// titanium besides. Three are a story.
func stored(t *testing.T) *Lab {
	st := newStore(t)
	as := make([]pipeline.Article, 120)
	for i := range as {
		as[i] = pipeline.Article{URL: "u", Site: fmt.Sprintf("s%d.example", i%2), Title: "Ships", Body: fmt.Sprintf("A ship called.\n\nNumber n%d.", i),
			Seen: start.Add(time.Duration(6*i) * time.Hour)}
		if i%10 == 0 {
			as[i].Title = "Zirconium on ships"
		}
		if i%20 == 0 {
			as[i].Body += " With titanium."
		}
	}
	fill(t, st, as)
	if _, err := st.IndexWords(t.Context(), WordsForm, Words); err != nil {
		t.Fatal(err)
	}
	return &Lab{Archive: archive{st}, Now: func() time.Time { return start.AddDate(0, 0, 30) }}
}

// The newest article of a rule is one within the rule's own limits.
func TestNewest(t *testing.T) {
	l := stored(t)
	for _, c := range []struct {
		rule rules.Rule
		body string // how the article's begins; "": none
	}{
		{rules.Rule{Name: "r", Query: "zirconium"}, "A ship called.\n\nNumber n110."},
		{rules.Rule{Name: "r", Query: "titanium"}, "A ship called.\n\nNumber n100. With titanium."},
		{rules.Rule{Name: "r", Query: "ship", Sites: []string{"s0.example"}}, "A ship called.\n\nNumber n118."},
		{rules.Rule{Name: "r", Query: "zirconium", Sites: []string{"s1.example"}}, ""},
		{rules.Rule{Name: "r", Query: "hafnium"}, ""},
	} {
		f, ok, err := l.Newest(t.Context(), c.rule)
		if err != nil || ok != (c.body != "") || f.Article.Body != c.body || ok && len(f.Spans()) == 0 {
			t.Errorf("%+v: %v, %q, %v", c.rule, ok, f.Article.Body, err)
		}
	}
}

func TestBacktest(t *testing.T) {
	l := stored(t)
	others, err := rules.Compile([]rules.Rule{{Name: "me", Query: "zirconium"}, {Name: "ti", Query: "titanium"}, {Name: "no", Query: "harvest"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "me", Query: "zirconium"}, Range: Range{Since: start.AddDate(0, 0, 10)}, Others: others, Samples: 2})
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(b.Hits, b.Messages, len(b.Days), b.Days[0], b.Days[2], b.Sites, b.Overlap, len(b.Samples), b.Required, b.Read); s !=
		"8 8 20 {2026-03-11 1 1} {2026-03-13 1 1} [{s0.example 8}] [{ti 4}] 2 true 8" {
		t.Error(s)
	}
	b, err = l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "all", Query: "ship", Sites: []string{"s1.example"}}, Range: Range{Since: start}})
	if err != nil {
		t.Fatal(err)
	}
	if b.Hits != 60 || b.Messages != 40 { // three articles a story, one or two of them of the site
		t.Errorf("%d hits, %d messages", b.Hits, b.Messages)
	}
	b, err = l.Backtest(t.Context(), Test{Rule: rules.Rule{Name: "all", Query: "ship", OncePer: "article"}})
	if err != nil || b.Messages != 120 || b.Days[0].Messages != 4 {
		t.Errorf("%d messages, %v, %v", b.Messages, b.Days[0], err)
	}
}

func TestDiff(t *testing.T) {
	l := stored(t)
	ds, s, err := l.Diff(t.Context(), []Change{
		{"metals", rules.Rule{Query: "zirconium"}, rules.Rule{Query: "titanium OR n7"}},
		{"new", rules.Rule{}, rules.Rule{Query: "n5"}}, {"gone", rules.Rule{Query: "n6"}, rules.Rule{}}}, Range{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Required || s.Read != 15 {
		t.Errorf("%+v", s)
	}
	want := []string{"metals 6 1 6 1 3", "new 0 1 0 1 0", "gone 0 0 1 0 1"}
	for i, d := range ds {
		if got := fmt.Sprint(d.Name, " ", d.Both, " ", d.Gained, " ", d.Lost, " ", len(d.Gains), " ", len(d.Losses)); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
}

func TestLint(t *testing.T) {
	l := stored(t)
	fs, _, err := l.Lint(t.Context(), []rules.Rule{{Name: "broad", Query: "ship"}, {Name: "zr", Query: "zirconium OR zirkonium"}, {Name: "ti", Query: "titanium"},
		{Name: "dead", Query: "ship NEAR/0 zirconium"}, {Name: "twin", Query: "title:zirconium"},
		{Name: "counts", Query: "zirconium", When: &rules.When{Articles: 2, Within: 60 * 24 * time.Hour, Of: "query"}}}, Range{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range fs {
		got += fmt.Sprintln(f.Rule, f.Kind, f.Term, f.Other, f.Hits, f.Of)
	}
	want := `broad too_broad   120 120
zr no_such_term zirkonium  12 120
ti subsumed  zr 6 120
ti subsumed  twin 6 120
dead never_fires   0 120
twin subsumed  zr 12 120
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
