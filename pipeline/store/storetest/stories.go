package storetest

import (
	"fmt"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// put stores an article of site in story (0: a new one).
func (w *world) put(story int64, site string) (a pipeline.Article) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) error {
		a = w.store(tx, story, site)
		return nil
	}))
	return a
}

// in says which story an article is in.
func (w *world) in(article int64) int64 {
	w.Helper()
	a, err := w.s.Article(w.ctx, article)
	w.ok(err)
	return a.Story
}

// merge is what an article does that shows two stories to be one.
func (w *world) merge(from, into int64) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.MergeStories(from, into) }))
}

// root is the story that stands for a story.
func (w *world) root(story int64) int64 {
	w.Helper()
	st, _, err := w.s.Story(w.ctx, story)
	w.ok(err)
	return st.ID
}

func listStories(w *world) {
	first := w.now
	a := w.put(0, "a.example")
	w.now = w.now.Add(time.Hour)
	b := w.put(0, "b.example")
	w.put(a.Story, "c.example")
	w.now = w.now.Add(time.Hour)
	w.put(a.Story, "c.example")
	w.ok(w.write(func(tx pipeline.Tx) error {
		return tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "z"}, {Rule: "r"}})
	}))
	merged := w.put(0, "d.example")
	w.ok(w.s.MergeStories(w.ctx, merged.Story, b.Story))
	list := func(f store.StoryFilter) (ids []int64) {
		w.Helper()
		rows, err := w.s.Stories(w.ctx, f)
		w.ok(err)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	w.want(list(store.StoryFilter{}), []int64{b.Story, a.Story})
	w.want(list(store.StoryFilter{Limit: 1}), []int64{b.Story})
	w.want(list(store.StoryFilter{Since: first.Add(2 * time.Hour)}), []int64{b.Story, a.Story})
	w.want(list(store.StoryFilter{Site: "c.example"}), []int64{a.Story})
	w.want(list(store.StoryFilter{Rule: "r"}), []int64{a.Story})
	w.want(list(store.StoryFilter{Rule: "none"}), []int64(nil))
	w.want(list(store.StoryFilter{MinOutlets: 2}), []int64{b.Story, a.Story})
	w.want(list(store.StoryFilter{MinOutlets: 3}), []int64(nil))
	rows, err := w.s.Stories(w.ctx, store.StoryFilter{Rule: "z"})
	w.ok(err)
	w.want(rows, []store.StoryRow{{Story: pipeline.Story{ID: a.Story, Title: "Story of a.example", Created: first}, Articles: 3, Outlets: 2,
		First: first, Last: w.now, Sites: []string{"a.example", "c.example"}, Rules: []string{"r", "z"}}})
}

func split(w *world) {
	a := w.put(0, "a.example")
	b, c, d := w.put(a.Story, "b.example"), w.put(a.Story, "c.example"), w.put(a.Story, "d.example")
	other := w.put(0, "e.example")
	var last int64
	changes := func() (out []string) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Changes(last, time.Time{}, func(ch pipeline.Change) error {
				last = ch.Seq
				out = append(out, fmt.Sprint(ch.Kind, " ", ch.Article, " ", ch.Story))
				return nil
			})
		}))
		return out
	}
	changes()
	w.now = w.now.Add(time.Hour)
	id, err := w.s.SplitStory(w.ctx, a.Story, d.ID, b.ID, b.ID)
	w.ok(err)
	w.want([]int64{w.in(a.ID), w.in(b.ID), w.in(c.ID), w.in(d.ID)}, []int64{a.Story, id, a.Story, id})
	w.want(changes(), []string{fmt.Sprint("split ", b.ID, " ", id), fmt.Sprint("split ", d.ID, " ", id)})
	st, as, err := w.s.Story(w.ctx, id)
	w.ok(err)
	w.want([]any{st.Title, st.Created, len(as)}, []any{"From b.example", w.now, 2})
	vs, err := w.s.Verdicts(w.ctx, a.Story)
	w.ok(err)
	w.want(vs, []store.Verdict{{Other: id, Decided: w.now}})

	for name, f := range map[string]func() error{
		"all":       func() error { _, err := w.s.SplitStory(w.ctx, id, b.ID, d.ID); return err },
		"none":      func() error { _, err := w.s.SplitStory(w.ctx, id); return err },
		"another's": func() error { _, err := w.s.SplitStory(w.ctx, id, other.ID); return err },
	} {
		if err := f(); err == nil {
			w.Errorf("a split of %s articles was taken", name)
		}
	}
	_, err = w.s.SplitStory(w.ctx, 999, a.ID)
	w.is(err, store.ErrNotFound)
	_, err = w.s.SplitStory(w.ctx, id, 999)
	w.is(err, store.ErrNotFound)
	w.want(len(changes()), 0) // what failed left nothing

	// Relations that crossed the cut are over; those within a part stay, and an excerpt may be of any story.
	var v, x, y pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error {
		for _, k := range []struct {
			a        *pipeline.Article
			of       int64
			relation string
		}{{&v, a.ID, "copy"}, {&x, a.ID, "excerpt"}, {&y, c.ID, "version"}} {
			*k.a = pipeline.Article{Story: a.Story, URL: "u", Site: "s", Relation: k.relation, Of: k.of, Score: 0.5, Seen: w.now}
			if _, err := tx.InsertArticle(k.a, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err = w.s.SplitStory(w.ctx, a.Story, v.ID, x.ID, y.ID, c.ID)
	w.ok(err)
	for _, k := range []struct {
		id       int64
		relation string
		of       int64
	}{{v.ID, "new", 0}, {x.ID, "excerpt", a.ID}, {y.ID, "version", c.ID}} {
		got, err := w.s.Article(w.ctx, k.id)
		w.ok(err)
		w.want([]any{got.Relation, got.Of}, []any{k.relation, k.of})
	}
}

func join(w *world) {
	a, b, c := w.put(0, "a.example"), w.put(0, "b.example"), w.put(0, "c.example")
	id, err := w.s.JoinStories(w.ctx, b.Story, a.Story, c.Story)
	w.ok(err)
	w.want([]int64{id, w.in(a.ID), w.in(b.ID), w.in(c.ID)}, []int64{b.Story, b.Story, b.Story, b.Story})
	vs, err := w.s.Verdicts(w.ctx, c.Story)
	w.ok(err)
	w.want(vs, []store.Verdict{{Other: a.Story, Together: true, Decided: w.now}, {Other: c.Story, Together: true, Decided: w.now}})
	if _, err := w.s.JoinStories(w.ctx, a.Story, c.Story); err == nil {
		w.Error("stories that are one were joined")
	}
	_, err = w.s.JoinStories(w.ctx, a.Story, 999)
	w.is(err, store.ErrNotFound)
	// Split and joined again: the last word holds.
	part, err := w.s.SplitStory(w.ctx, b.Story, c.ID)
	w.ok(err)
	w.merge(part, b.Story)
	w.want(w.root(part), part)
	_, err = w.s.JoinStories(w.ctx, a.Story, part)
	w.ok(err)
	w.want([]int64{w.root(part), w.in(c.ID)}, []int64{b.Story, b.Story})
	// And once more apart.
	again, err := w.s.SplitStory(w.ctx, b.Story, c.ID)
	w.ok(err)
	w.merge(b.Story, again)
	w.want([]int64{w.root(again), w.root(b.Story)}, []int64{again, b.Story})
}

// What a person keeps apart stays apart, whatever the two stories are merged with later and from whichever side; other merges go on.
func verdictsHold(w *world) {
	a := w.put(0, "a.example")
	b := w.put(a.Story, "b.example")
	part, err := w.s.SplitStory(w.ctx, a.Story, b.ID)
	w.ok(err)
	w.merge(part, a.Story)
	w.merge(a.Story, part)
	w.want([]int64{w.root(a.Story), w.root(part)}, []int64{a.Story, part})

	x, y := w.put(0, "x.example"), w.put(0, "y.example")
	w.merge(a.Story, x.Story) // the story goes into another
	w.merge(y.Story, part)    // another goes into the part
	w.want([]int64{w.root(a.Story), w.root(y.Story)}, []int64{x.Story, part})
	for _, p := range [][2]int64{{x.Story, part}, {part, x.Story}, {a.Story, y.Story}, {y.Story, x.Story}} {
		w.merge(p[0], p[1])
		w.want([]int64{w.root(a.Story), w.root(part)}, []int64{x.Story, part})
	}
	// A part of the part is kept apart from what the part was kept apart from, too.
	third, err := w.s.SplitStory(w.ctx, part, y.ID)
	w.ok(err)
	w.merge(third, x.Story)
	w.merge(third, part)
	w.want(w.root(third), third)
	// A bridge: an article that joins one of them and shows the other to be the same joins, and merges nothing but the third.
	bridge, free := w.put(part, "bridge.example"), w.put(0, "free.example")
	w.ok(w.write(func(tx pipeline.Tx) error {
		for _, s := range []int64{x.Story, free.Story, third} {
			if err := tx.MergeStories(s, bridge.Story); err != nil {
				return err
			}
		}
		return nil
	}))
	w.want([]int64{w.in(bridge.ID), w.in(free.ID), w.in(a.ID), w.in(y.ID)}, []int64{part, part, x.Story, third})
	vs, err := w.s.Verdicts(w.ctx, free.Story)
	w.ok(err)
	w.want(vs, []store.Verdict{{Other: x.Story, Decided: w.now}, {Other: third, Decided: w.now}})
}

// What was told before a split counts for both parts, what is told after it for one; a join counts all of it together.
func toldOverSplits(w *world) {
	a, raised := w.tell(0, "a.example", "before", "desk")
	w.want(raised, true)
	b := w.put(a.Story, "b.example")
	early := w.put(0, "early.example")
	_, raised = w.tell(early.Story, "early.example", "elsewhere")
	w.want(raised, true)
	w.ok(w.s.MergeStories(w.ctx, early.Story, a.Story))
	part, err := w.s.SplitStory(w.ctx, a.Story, b.ID)
	w.ok(err)
	again := func(story int64, rule string, want bool) {
		w.Helper()
		if _, raised := w.tell(story, "x.example", rule); raised != want {
			w.Fatalf("rule %s for story %d: raised %v", rule, story, raised)
		}
	}
	again(part, "before", false)
	again(a.Story, "before", false)
	again(part, "elsewhere", false)
	again(a.Story, "after", true)
	again(part, "after", true)
	// A part of the part knows all of it.
	c := w.put(part, "c.example")
	third, err := w.s.SplitStory(w.ctx, part, c.ID)
	w.ok(err)
	for _, rule := range []string{"before", "elsewhere", "after"} {
		again(third, rule, false)
	}
	// What the story learns from a later merge is not the part's.
	late := w.put(0, "late.example")
	again(late.Story, "late", true)
	w.merge(late.Story, a.Story)
	again(a.Story, "late", false)
	again(part, "late", true)
	// A part that goes into another story takes along what was told of it.
	home := w.put(0, "home.example")
	w.merge(third, home.Story)
	again(home.Story, "before", false)
	again(home.Story, "new", true)
	_, err = w.s.JoinStories(w.ctx, a.Story, home.Story)
	w.ok(err)
	again(a.Story, "new", false)
	told, err := w.s.ToldOf(w.ctx, part)
	w.ok(err)
	var rules []string
	for _, t := range told {
		rules = append(rules, fmt.Sprint(t.Rule, t.Alert != 0))
	}
	w.want(rules, []string{"beforefalse", "elsewherefalse", "aftertrue", "latetrue"})
	told, err = w.s.ToldOf(w.ctx, a.Story)
	w.ok(err)
	for _, t := range told {
		if t.Rule == "before" && t.Alert != 0 {
			w.want([]any{t.Article, t.Channels}, []any{a.ID, []string{"desk: open"}})
			return
		}
	}
	w.Fatalf("the first alert is not in %+v", told)
}

func prune(w *world) {
	f := w.feed("f")
	w.poll(f, w.item("1", "https://a.example/1"), w.item("2", "https://a.example/2"))
	w.work("a.example", pipeline.ItemDone)
	w.poll(f, w.item("1", "https://a.example/1"), w.item("3", "https://a.example/3")) // one stays open
	start := w.now
	var ids []int64
	put := func(site string) pipeline.Article {
		w.Helper()
		a := pipeline.Article{Feed: "f", URL: "https://" + site + "/1", Canonical: "https://" + site + "/1", Site: site, Title: "From " + site,
			Body: strings.Repeat("Body. ", 100), Sketch: []byte("sketch of " + site), Source: pipeline.SourcePage, Relation: "new", Seen: w.now,
			Blocks: []pipeline.Block{{Class: "text", Kept: true, Text: "Body."}}}
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			if a.Story, err = tx.OpenStory(a.Title, w.now); err != nil {
				return err
			}
			if _, err = tx.InsertArticle(&a, &pipeline.Page{URL: a.URL, FinalURL: a.URL, Body: []byte(strings.Repeat("<p>Body.</p>", 100))}); err != nil {
				return err
			}
			return tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "r", Spans: []pipeline.Span{{Field: "body", Start: 0, End: 4}}}})
		}))
		ids = append(ids, a.ID)
		return a
	}
	told := put("told.example")
	_, raised := w.tell(told.Story, "same.example", "r", "desk")
	w.want(raised, true)
	waits, err := w.s.NextDeliveries(w.ctx, "desk", w.now, 1)
	w.ok(err)
	for i := range 150 { // more than a batch
		put(fmt.Sprintf("s%d.example", i))
	}
	w.now = w.now.Add(100 * 24 * time.Hour)
	fresh := put("fresh.example")

	day := func(n int) time.Time { return start.Add(time.Duration(n) * 24 * time.Hour) }
	r := store.Retention{Pages: day(50), Brief: func(b []byte) []byte { return b[:min(6, len(b))] }}
	dry, err := w.s.Prune(w.ctx, r, true)
	w.ok(err)
	w.want([]int{dry.Pages, dry.Bodies, dry.Items}, []int{151, 0, 2})
	wet, err := w.s.Prune(w.ctx, r, false)
	w.ok(err)
	w.want(wet, dry)
	a, err := w.s.Article(w.ctx, ids[0])
	w.ok(err)
	w.want([]any{len(a.Body), len(a.Blocks), a.Pruned, string(a.Sketch)}, []any{600, 0, false, "sketch of told.example"})
	_, err = w.s.Page(w.ctx, ids[0])
	w.is(err, store.ErrNotFound)
	_, err = w.s.Page(w.ctx, fresh.ID)
	w.ok(err)
	for _, it := range w.items() {
		w.want(it.Entry.Summary != "", it.State == pipeline.ItemOpen)
		w.want(it.Entry.Title != "", true)
	}

	var last int64
	kinds := func() map[string]int {
		out := map[string]int{}
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Changes(last, time.Time{}, func(c pipeline.Change) error { last = c.Seq; out[string(c.Kind)]++; return nil })
		}))
		return out
	}
	w.want(kinds(), map[string]int{"article": 153})
	r.Bodies = day(50)
	dry, err = w.s.Prune(w.ctx, r, true)
	w.ok(err)
	w.want([]int{dry.Pages, dry.Bodies, dry.Items}, []int{0, 151, 0})
	wet, err = w.s.Prune(w.ctx, r, false)
	w.ok(err)
	w.want(wet, dry)
	a, err = w.s.Article(w.ctx, ids[0])
	w.ok(err)
	w.want([]any{a.Body, a.Pruned, string(a.Sketch), a.Title, a.Canonical, a.Story}, []any{"", true, "sketch of told.example", told.Title, told.Canonical, told.Story})
	ms, err := w.s.Matches(w.ctx, store.MatchFilter{Article: ids[0]})
	w.ok(err)
	w.want([]any{len(ms), ms[0].Rule, len(ms[0].Spans)}, []any{1, "r", 0})
	w.want(kinds(), map[string]int{})

	r.Sketches = day(50)
	_, err = w.s.Prune(w.ctx, r, false)
	w.ok(err)
	a, err = w.s.Article(w.ctx, ids[1])
	w.ok(err)
	w.want(string(a.Sketch), "sketch")
	w.want(kinds(), map[string]int{"prune": 151})
	again, err := w.s.Prune(w.ctx, r, false)
	w.ok(err)
	w.want(again, store.Pruned{})

	// What is still to be told is not touched until it was.
	late, err := w.s.NextDeliveries(w.ctx, "desk", w.now, 1)
	w.ok(err)
	w.want(late[0].Alert.Article, waits[0].Alert.Article)
	d := late[0]
	d.State = pipeline.DeliverySent
	w.ok(w.s.SaveDelivery(w.ctx, w.lease("deliver", "desk"), d))
	again, err = w.s.Prune(w.ctx, r, false)
	w.ok(err)
	w.want([]int{again.Pages, again.Bodies}, []int{1, 1})

	// Nothing that was seen or told is new again.
	w.want(w.poll(f, w.item("1", "https://a.example/1"), w.item("other guid", "https://a.example/2")), 0)
	w.ok(w.write(func(tx pipeline.Tx) error {
		got, ok, err := tx.ArticleByURL(told.Canonical)
		w.want([]any{ok, got.ID, got.Pruned}, []any{true, told.ID, true})
		return err
	}))
	_, raised = w.tell(told.Story, "late.example", "r", "desk")
	w.want(raised, false)
	// The change log goes, but for what a duplicate index would read.
	r.Log = day(50)
	_, err = w.s.Prune(w.ctx, r, false)
	w.ok(err)
	last = 0
	w.want(kinds(), map[string]int{"article": 2})
	a, err = w.s.Article(w.ctx, fresh.ID)
	w.ok(err)
	w.want([]any{len(a.Body), len(a.Blocks), a.Pruned}, []any{600, 1, false})
	w.ok(w.s.Shrink(w.ctx))
	w.ok(w.s.Check(w.ctx))
}
