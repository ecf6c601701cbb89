package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// archive is a real store as the lab reads it.
type archive struct{ *store.Store }

func (a archive) Candidates(ctx context.Context, groups [][]string, since time.Time, below int64, limit int) ([]int64, error) {
	return a.Store.Candidates(ctx, store.WordFilter{Form: WordsForm, Groups: groups, Since: since, Below: below, Limit: limit})
}

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// fill stores articles, each an hour after the one before, three to a story.
func fill(t testing.TB, st *store.Store, as []pipeline.Article) {
	t.Helper()
	ctx := t.Context()
	l, ok, err := st.Acquire(ctx, "process", "h", fmt.Sprint(len(as), as[0].Title), start, start.Add(time.Hour))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	defer st.Release(ctx, l)
	for chunk := range slices.Chunk(as, 1000) {
		err := st.Write(ctx, l, func(tx pipeline.Tx) error {
			var story int64
			for i := range chunk {
				a := &chunk[i]
				if i%3 == 0 {
					if story, err = tx.OpenStory(a.Title, a.Seen); err != nil {
						return err
					}
				}
				a.Story = story
				if _, err := tx.InsertArticle(a, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "w.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// scripts are words in six scripts, with what makes each awkward.
var scripts = [][]string{
	{"kim", "Kim's", "K-9", "K9", "al-Qaeda", "alqaeda", "U.S.", "us", "NATO", "missile", "missiles", "l'accord", "O'Brien", "naïve", "café", "1,000", "ﬁle", "and"},
	{"ракета", "Ракеты", "ракетный", "Ёлка", "елка", "удар", "К-9", "москва", "Москвы"},
	{"صاروخ", "والصاروخ", "للصاروخ", "الصاروخ", "بيروت", "ببيروت", "صاروخها"},
	{"북한", "북한은", "북한에서는", "미사일을", "미사일", "ICBM을", "회의", "김정은의"},
	{"朝", "朝鮮", "朝鮮人", "北朝鮮", "ミサイル", "ﾐｻｲﾙ", "鮮", "核", "インドネシア", "インド", "朝-鮮"},
	{"ไทย", "เรือ", "ขีปนาวุธ", "ำ", "Ελλάδα", "ΕΛΛΑΔΑ", "πύραυλος"},
}

type maker struct{ *rand.Rand }

func (m maker) word() string { l := scripts[m.IntN(len(scripts))]; return l[m.IntN(len(l))] }

func (m maker) text(most int) string {
	var b strings.Builder
	for range m.IntN(most + 1) {
		b.WriteString(m.word())
		b.WriteString([]string{" ", " ", " ", "-", ", ", "\n", "\n\n", "", "’"}[m.IntN(9)])
	}
	return b.String()
}

func (m maker) article(i int) pipeline.Article {
	seen := start.Add(time.Duration(i) * time.Hour)
	a := pipeline.Article{URL: fmt.Sprintf("https://s%d.example/%d", i%7, i), Site: fmt.Sprintf("s%d.example", i%7), Title: m.text(5), Body: m.text(30), Seen: seen, Source: pipeline.SourcePage,
		Authors: []string{m.text(2)}, Agency: m.text(1), Lang: []string{"en", "ru", "", "ko"}[i%4], Feed: "f"}
	if m.IntN(2) == 0 {
		a.Published = seen.Add(-time.Duration(m.IntN(2000)) * time.Hour)
	}
	return a
}

func (m maker) term() string {
	w := m.word()
	switch m.IntN(8) {
	case 0:
		if r := []rune(w); len(r) > 2 && !strings.ContainsAny(w, "-.',’") {
			return string(r[:2]) + "*"
		}
	case 1:
		return "=" + w
	case 2:
		return `"` + w + " " + m.word() + `"`
	case 3:
		return []string{"title:", "author:", "agency:", "lead:"}[m.IntN(4)] + w
	}
	return w
}

func (m maker) query(depth int) string {
	if depth == 0 {
		return m.term()
	}
	sub := func() string { return "(" + m.query(depth-1) + ")" }
	switch m.IntN(6) {
	case 0:
		return sub() + " " + sub()
	case 1, 2:
		return sub() + " OR " + sub()
	case 3:
		return sub() + " NOT " + sub()
	case 4:
		return m.word() + " NEAR/3 " + m.word()
	}
	return m.query(depth-1) + " OR site:s" + fmt.Sprint(m.IntN(7)) + ".example"
}

// standingOf is how much of an article it takes to match: 0 the title, 1 the first paragraph too, 2 all of it.
func standingOf(set *rules.Set, a *pipeline.Article) int {
	d := Doc(a)
	d.Body = ""
	if len(set.Match(d)) > 0 {
		return 0
	}
	d.Body, _, _ = strings.Cut(strings.TrimLeft(a.Body, " \n"), "\n\n")
	if len(set.Match(d)) > 0 {
		return 1
	}
	return 2
}

// Search gives what the matcher gives on every article, whatever of the archive is indexed, changed or forgotten, page by page.
func TestSearchEqualsScan(t *testing.T) { onBoth(t, searchEqualsScan) }

func searchEqualsScan(t *testing.T, st *store.Store) {
	m := maker{rand.New(rand.NewPCG(5, 5))}
	const articles = 420
	as := make([]pipeline.Article, articles)
	for i := range as {
		as[i] = m.article(i)
	}
	ctx := t.Context()
	fill(t, st, as[:articles/2])
	index := func() {
		if _, err := st.IndexWords(ctx, WordsForm, Words); err != nil {
			t.Fatal(err)
		}
	}
	index()
	fill(t, st, as[articles/2:])
	l, _, err := st.Acquire(ctx, "process", "x", "y", start, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	change := func(from int) {
		for i := from; i < articles; i += 97 {
			if err := st.Write(ctx, l, func(tx pipeline.Tx) error {
				as[i].Title, as[i].Body = m.text(5), m.text(30)
				return tx.UpdateArticle(&as[i])
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	change(3)
	lab := &Lab{Archive: archive{st}, Now: time.Now}
	queries, required, hits, better := 0, 0, 0, 0
	for queries < 90 {
		switch queries {
		case 30: // all of it in the index
			index()
			change(50)
		case 60:
			if _, err := st.Prune(ctx, store.Retention{Bodies: start.Add(200 * time.Hour)}, false); err != nil {
				t.Fatal(err)
			}
			for i := range as {
				if as[i].Seen.Before(start.Add(200 * time.Hour)) {
					as[i].Body = ""
				}
			}
			index()
		}
		q, err := rules.Parse(m.query(m.IntN(4)))
		if err != nil {
			continue
		}
		queries++
		r := Range{}
		if m.IntN(2) == 0 {
			r.Since = start.Add(time.Duration(m.IntN(articles)) * time.Hour)
		}
		if m.IntN(3) == 0 {
			r.Until = start.Add(time.Duration(m.IntN(articles)) * time.Hour)
		}
		set, err := rules.Compile([]rules.Rule{{Name: "r", Query: q.String()}})
		if err != nil {
			t.Fatal(err)
		}
		var want []int64
		stands := map[int64]int{}
		for i := range slices.Backward(as) {
			if r.holds(as[i].Time()) && len(set.Match(Doc(&as[i]))) > 0 {
				want = append(want, as[i].ID)
				stands[as[i].ID] = standingOf(set, &as[i])
				better += 2 - stands[as[i].ID]
			}
		}
		hits += len(want)
		var got []int64
		for page := 1; ; page++ {
			res, err := lab.Search(ctx, Search{Query: q, Range: r, Limit: 60, Page: page})
			if err != nil {
				t.Fatal(err)
			}
			if page == 1 && res.Required {
				required++
			}
			got = append(got, ids(res.Found)...)
			if !res.More {
				if res.Total != len(want) {
					t.Fatalf("%s: total %d, want %d", q, res.Total, len(want))
				}
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s (requires %v) in %v:\nsearch %v\nscan   %v", q, rules.Required(q), r, got, want)
		}
		slices.SortStableFunc(want, func(a, b int64) int { return stands[a] - stands[b] })
		got = nil
		for page := 1; ; page++ {
			res, err := lab.Search(ctx, Search{Query: q, Range: r, Limit: 60, Page: page, Best: true})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(res.Found)...)
			if !res.More {
				if res.Total != len(want) {
					t.Fatalf("%s: best first, total %d, want %d", q, res.Total, len(want))
				}
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s (requires %v) in %v:\nbest first %v\nscan       %v", q, rules.Required(q), r, got, want)
		}
	}
	t.Logf("%d queries, %d with a required word, %d hits", queries, required, hits)
	if required < queries/3 || hits < 10*queries || better < hits/4 {
		t.Error("the queries say little")
	}
}

func ids(l []Found) (out []int64) {
	for _, f := range l {
		out = append(out, f.Article.ID)
	}
	return out
}

// Whoever pages sees each article once, whatever is stored meanwhile.
func TestPagesStay(t *testing.T) {
	st := newStore(t)
	n := 0
	more := func(k int) {
		var as []pipeline.Article
		for range k {
			n++
			u := fmt.Sprintf("https://a.example/%d", n)
			as = append(as, pipeline.Article{URL: u, Site: "a.example", Title: fmt.Sprintf("missile %d", n), Body: "text", Seen: start.Add(time.Duration(n) * time.Hour)})
		}
		fill(t, st, as)
	}
	l := &Lab{Archive: archive{st}, Now: time.Now}
	q, err := rules.Parse("missile")
	if err != nil {
		t.Fatal(err)
	}
	for _, best := range []bool{false, true} {
		more(7)
		want := n
		s := Search{Query: q, Best: best, Limit: 3, Page: 1}
		for {
			res, err := l.Search(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Found {
				if title := fmt.Sprintf("missile %d", want); f.Article.Title != title {
					t.Fatalf("best %v, page %d: %s, want %s", best, s.Page, f.Article.Title, title)
				}
				want--
			}
			if !res.More {
				break
			}
			s.Page++
			s.UpTo = res.UpTo
			more(2)
		}
		if want != 0 {
			t.Errorf("best %v: %d were never shown", best, want)
		}
	}
}
