package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// openBackfill begins a run, or goes on with it.
func (w *world) openBackfill(asked string) pipeline.BackfillRun {
	w.Helper()
	r, err := w.s.OpenBackfill(w.ctx, pipeline.BackfillRun{Asked: asked, Range: pipeline.Range{Since: w.now.Add(-time.Hour)}, Undated: true, Limit: 7})
	w.ok(err)
	return r
}

// A run is known by what was asked for until it is finished, and keeps the range of the day on which it began.
func backfillRuns(w *world) {
	first := w.openBackfill("a")
	w.want(first, pipeline.BackfillRun{ID: first.ID, Asked: "a", Range: pipeline.Range{Since: w.now.Add(-time.Hour)}, Undated: true, Limit: 7, Started: w.now})
	w.now = w.now.Add(24 * time.Hour)
	w.want(w.openBackfill("a"), first)
	other := w.openBackfill("b")
	w.want(other.ID != first.ID, true)
	w.ok(w.s.FinishBackfill(w.ctx, first.ID))
	got, err := w.s.Backfill(w.ctx, first.ID)
	w.ok(err)
	first.Finished = w.now
	w.want(got, first)
	anew := w.openBackfill("a")
	w.want([]any{anew.ID != first.ID, anew.Started, anew.Finished}, []any{true, w.now, time.Time{}})
	w.want(w.openBackfill("b"), other)
	_, err = w.s.Backfill(w.ctx, 4711)
	w.is(err, store.ErrNotFound)
}

// How far a walk is stands with what it found: items are counted, those of known addresses as known; a lost lease stores none of it.
func backfillFinds(w *world) {
	run, other := w.openBackfill("a"), w.openBackfill("b")
	w.ok(w.write(func(tx pipeline.Tx) error {
		w.store(tx, 0, "stored.example")
		return nil
	}))
	item := func(link string) pipeline.Item {
		it := w.item(link, link)
		it.Feed, it.Origin, it.Quiet, it.State, it.Copy, it.Taken = "source one", pipeline.FromBackfill, true, pipeline.ItemOpen, "https://archive.example/"+link, w.now
		return it
	}
	l := w.lease("backfill", "1 one")
	walk, err := w.s.SaveFinds(w.ctx, l, run.ID, pipeline.Walk{Source: "one", Cursor: "c1", Found: 4, Outside: 1},
		[]pipeline.Item{item("https://x.example/1"), item("https://x.example/2"), item("https://stored.example/1")})
	w.ok(err)
	w.want(walk, pipeline.Walk{Source: "one", Cursor: "c1", Found: 4, Added: 2, Known: 1, Outside: 1})
	walk.Cursor, walk.Found, walk.Failed, walk.Error, walk.Done = "c2", 7, 1, "status 500", true
	walk, err = w.s.SaveFinds(w.ctx, l, run.ID, walk, []pipeline.Item{item("https://x.example/2"), item("https://x.example/3")})
	w.ok(err)
	want := pipeline.Walk{Source: "one", Cursor: "c2", Done: true, Found: 7, Added: 3, Known: 2, Outside: 1, Failed: 1, Error: "status 500"}
	w.want(walk, want)
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.SaveWalk(run.ID, pipeline.Walk{Source: "another", Cursor: "x"}) }))
	walks := func(id int64) []pipeline.Walk {
		w.Helper()
		out, err := w.s.Walks(w.ctx, id)
		w.ok(err)
		return out
	}
	w.want(walks(run.ID), []pipeline.Walk{{Source: "another", Cursor: "x"}, want})
	w.want(len(walks(other.ID)), 0)

	w.steal("backfill", "1 one")
	_, err = w.s.SaveFinds(w.ctx, l, run.ID, pipeline.Walk{Source: "one", Cursor: "c3"}, []pipeline.Item{item("https://x.example/4")})
	w.is(err, pipeline.ErrLeaseLost)
	w.want(walks(run.ID)[1], want)
	w.want(len(w.items()), 3)

	count := func(id int64, want map[pipeline.ItemState]int) {
		w.Helper()
		got, bare, err := w.s.BackfillItems(w.ctx, id)
		w.ok(err)
		w.want(got, want)
		w.want(bare, want) // none has an article here
	}
	count(run.ID, map[pipeline.ItemState]int{pipeline.ItemOpen: 3})
	count(other.ID, map[pipeline.ItemState]int{})
	count(0, map[pipeline.ItemState]int{}) // no run: what polls found
	w.work("a.example", pipeline.ItemDone)
	count(run.ID, map[pipeline.ItemState]int{pipeline.ItemDone: 3})
}

// What one run found outside of its range is opened for another one whose range has it; what waits for one is counted by both.
func backfillRanges(w *world) {
	day := w.now.Add(-100 * 24 * time.Hour)
	open := func(asked string, since, until time.Time, undated bool) pipeline.BackfillRun {
		w.Helper()
		r, err := w.s.OpenBackfill(w.ctx, pipeline.BackfillRun{Asked: asked, Range: pipeline.Range{Since: since, Until: until}, Undated: undated})
		w.ok(err)
		return r
	}
	item := func(link, copied string) pipeline.Item {
		it := w.item(link, link)
		it.Feed, it.Origin, it.Quiet, it.State, it.Copy, it.Taken = "source", pipeline.FromBackfill, true, pipeline.ItemOpen, copied, w.now
		return it
	}
	finds := func(r pipeline.BackfillRun, items ...pipeline.Item) string {
		w.Helper()
		l := w.lease("backfill", fmt.Sprint(r.ID, " one"))
		walk, err := w.s.SaveFinds(w.ctx, l, r.ID, pipeline.Walk{Source: "one"}, items)
		w.ok(err)
		w.release(l)
		return fmt.Sprint(walk.Added, " ", walk.Known)
	}
	outside := func(host string, published time.Time, state pipeline.ItemState) {
		w.Helper()
		l := w.lease("process", host)
		its, err := w.s.ClaimItems(w.ctx, l, w.now, 1)
		w.ok(err)
		its[0].State, its[0].Entry.Published = state, published
		w.ok(w.s.SaveItem(w.ctx, l, its[0]))
		w.release(l)
	}
	due := func(r pipeline.BackfillRun, want bool) {
		w.Helper()
		got, err := w.s.BackfillDue(w.ctx, r.ID, w.now)
		w.ok(err)
		w.want(got, want)
	}
	take := func(r pipeline.BackfillRun, want int) {
		w.Helper()
		got, err := w.s.TakeWanted(w.ctx, r)
		w.ok(err)
		w.want(got, want)
	}
	one, two := open("one", time.Time{}, day, false), open("two", day, day.Add(time.Hour), false)
	page := item("https://x.example/1", "")
	w.want(finds(one, page), "1 0")
	w.want(finds(two, page), "0 1")
	due(two, true)
	take(two, 0) // nobody has read it
	count := func(r pipeline.BackfillRun, states, bare map[pipeline.ItemState]int) {
		w.Helper()
		got, without, err := w.s.BackfillItems(w.ctx, r.ID)
		w.ok(err)
		w.want([]any{got, without}, []any{states, bare})
	}
	count(one, map[pipeline.ItemState]int{pipeline.ItemOpen: 1}, map[pipeline.ItemState]int{pipeline.ItemOpen: 1})
	count(two, map[pipeline.ItemState]int{pipeline.ItemOpen: 1}, map[pipeline.ItemState]int{pipeline.ItemOpen: 0})
	waits, err := w.s.Wanting(w.ctx, w.items()[0].ID)
	w.ok(err)
	w.want(waits, []pipeline.BackfillRun{two})
	outside("a.example", day, pipeline.ItemDone) // the first moment of the second range, behind the last of the first
	due(two, false)
	w.want(finds(one, page), "0 1")
	take(two, 1)
	due(two, true)
	due(one, false)
	walks, err := w.s.Walks(w.ctx, two.ID)
	w.ok(err)
	w.want([]int{walks[0].Added, walks[0].Known}, []int{1, 0})
	outside("a.example", day.Add(time.Hour), pipeline.ItemDone) // the page says another time now
	take(two, 0)
	w.want(finds(open("three", day, day.Add(time.Hour), true), page), "0 1")
	w.want(finds(open("four", day.Add(time.Hour), time.Time{}, false), page), "1 0")
	outside("a.example", time.Time{}, pipeline.ItemDone)
	w.want(finds(open("five", time.Time{}, time.Time{}, false), page), "0 1")
	w.want(finds(open("six", day, day, true), page), "1 0")
	outside("a.example", time.Time{}, pipeline.ItemDead)
	w.want(finds(one, page), "0 1") // what failed for good is for `items retry`
	archived := item("https://x.example/1", "https://archive.example/1")
	archived.Host = "archive.example"
	w.want(finds(one, archived), "1 0")
	got := w.items()
	w.want([]any{len(got), got[0].Host, got[0].Copy, got[0].Taken, got[0].State}, []any{1, "archive.example", archived.Copy, w.now, pipeline.ItemOpen})
	outside("archive.example", time.Time{}, pipeline.ItemDead)
	w.want(finds(two, archived), "0 1")
	w.ok(w.s.FinishBackfill(w.ctx, two.ID))
	count(two, map[pipeline.ItemState]int{}, map[pipeline.ItemState]int{})
}

// A page that a poll brings is read at its own address, whether or not a backfill has read the copy of an archive.
func backfillLouder(w *world) {
	f := w.feed("f")
	run := w.openBackfill("a")
	l := w.lease("backfill", "1 one")
	it := w.item("https://x.example/1", "https://x.example/1")
	it.Feed, it.Origin, it.Quiet, it.State = "source one", pipeline.FromBackfill, true, pipeline.ItemOpen
	it.Host, it.Copy, it.Taken, it.Entry.Title = "archive.example", "https://archive.example/1", w.now.Add(-1000*time.Hour), "Of old"
	waits := it
	waits.Entry.URL, waits.Canonical, waits.Entry.GUID = "https://x.example/2", "https://x.example/2", "https://x.example/2"
	waits.Due = w.now.Add(time.Hour)
	_, err := w.s.SaveFinds(w.ctx, l, run.ID, pipeline.Walk{Source: "one"}, []pipeline.Item{it, waits})
	w.ok(err)
	w.want(len(w.work("archive.example", pipeline.ItemDone)), 1)
	w.want(w.poll(f, w.item("g", "https://x.example/1"), w.item("h", "https://x.example/2")), 1)
	for _, got := range w.items() {
		w.want([]any{got.Quiet, got.State, got.Host, got.Copy, got.Taken, got.Due}, []any{false, pipeline.ItemOpen, "a.example", "", time.Time{}, w.now})
	}
	hosts, err := w.s.DueHosts(w.ctx, w.now, 10)
	w.ok(err)
	w.want(hosts, []string{"a.example"})
}

// The daemon's pass waits while a walk is at work, and while a page that one found has not been tried.
func pastIdle(w *world) {
	idle := func(want bool) {
		w.Helper()
		got, err := w.s.PastIsIdle(w.ctx, w.now)
		w.ok(err)
		w.want(got, want)
	}
	idle(true)
	run := w.openBackfill("a")
	l := w.lease("backfill", "1 one")
	idle(false)
	it := w.item("https://x.example/1", "https://x.example/1")
	it.Origin, it.Quiet, it.State = pipeline.FromBackfill, true, pipeline.ItemOpen
	_, err := w.s.SaveFinds(w.ctx, l, run.ID, pipeline.Walk{Source: "one"}, []pipeline.Item{it})
	w.ok(err)
	w.release(l)
	idle(false)
	p := w.lease("process", "a.example")
	its, err := w.s.ClaimItems(w.ctx, p, w.now, 1)
	w.ok(err)
	its[0].Attempts = 1 // it failed, and is tried again later
	w.ok(w.s.SaveItem(w.ctx, p, its[0]))
	idle(true)
	w.lease("backfill", "1 two")
	idle(false)
	w.now = w.now.Add(time.Hour) // its process has ended
	idle(true)
}

// past stores an article that has no story yet.
func (w *world) past(link string, published time.Time) (a pipeline.Article) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a = pipeline.Article{URL: link, Canonical: link, Site: "x.example", Title: "At " + link, Body: "Body of " + link, Published: published, Seen: w.now, Past: true,
			Relation: "new", Source: pipeline.SourcePage, Lang: "en", Sketch: dedup.Sketch("At "+link, "Body of "+link, "en")}
		if a.ID, err = tx.InsertArticle(&a, nil); err != nil {
			return err
		}
		return tx.SaveTerms(a.ID, a.Seen, []byte("terms"))
	}))
	return a
}

// Articles wait in the order of publication until they are joined; what is joined is found by its address and near its time.
func unjoined(w *world) {
	day := w.now.Add(-1000 * time.Hour)
	late, early := w.past("https://x.example/late", day.Add(time.Hour)), w.past("https://x.example/early", day)
	b, a := w.past("https://x.example/b", day.Add(time.Minute)), w.past("https://x.example/a", day.Add(time.Minute))
	undated := w.past("https://x.example/undated", time.Time{})
	waits := func(limit int, want ...int64) {
		w.Helper()
		list, err := w.s.Unjoined(w.ctx, limit)
		w.ok(err)
		got := []int64{}
		for _, p := range list {
			w.want([]any{p.Story, string(p.Terms), len(p.Sketch) > 0}, []any{int64(0), "terms", true})
			got = append(got, p.ID)
		}
		w.want(got, append([]int64{}, want...))
	}
	waits(10, undated.ID, early.ID, a.ID, b.ID, late.ID)
	waits(2, undated.ID, early.ID)
	near := func(from, to time.Time) (out []string) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Near(from, to, func(p pipeline.Placed) { out = append(out, fmt.Sprintf("%d in %d %s", p.ID, p.Story, p.Terms)) })
		}))
		return out
	}
	w.want(len(near(time.Time{}, w.now.Add(time.Hour))), 0)

	var root, other int64
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		before, err := tx.LastChange()
		w.ok(err)
		root, err = tx.OpenStory("root", day)
		w.ok(err)
		other, err = tx.OpenStory("other", day)
		w.ok(err)
		w.ok(tx.MergeStories(other, root))
		opens := pipeline.Article{ID: early.ID, Story: root, Relation: "new"}
		w.ok(tx.JoinArticle(&opens, true))
		joins := pipeline.Article{ID: late.ID, Story: other, Relation: "copy", Of: early.ID, Score: 0.5} // an index may not know of the merge yet
		w.ok(tx.JoinArticle(&joins, false))
		w.want(joins.Story, root)
		w.ok(tx.JoinArticle(&pipeline.Article{ID: undated.ID, Story: root, Relation: "copy", Of: early.ID}, false))
		var ids []int64
		w.ok(tx.Changes(before, time.Time{}, func(c pipeline.Change) error {
			if c.Kind == pipeline.ChangeArticle {
				ids = append(ids, c.Article)
			}
			return nil
		}))
		w.want(ids, []int64{early.ID, late.ID, undated.ID})
		for link, want := range map[string][2]int64{late.Canonical: {late.ID, root}, b.Canonical: {}, "https://nobody.example/": {}, "": {}} {
			article, story, err := tx.JoinedByURL(link)
			w.ok(err)
			w.want([2]int64{article, story}, want)
		}
		return nil
	}))
	got, err := w.s.Article(w.ctx, late.ID)
	w.ok(err)
	w.want([]any{got.Story, got.Relation, got.Of, got.Score, got.Past}, []any{root, "copy", early.ID, 0.5, true})
	waits(10, a.ID, b.ID)

	first, second := fmt.Sprintf("%d in %d terms", early.ID, root), fmt.Sprintf("%d in %d ", late.ID, root)
	w.want(near(day, day.Add(time.Hour)), []string{first}) // half-open
	w.want(near(day.Add(time.Millisecond), day.Add(time.Hour+time.Millisecond)), []string{second})
	w.want(near(w.now, w.now.Add(time.Millisecond)), []string{fmt.Sprintf("%d in %d ", undated.ID, root)}) // when it was seen
	w.want(len(near(w.now.Add(-time.Hour), w.now)), 0)

	// What the first is about is forgotten; its words are there to say it again. The others opened no story.
	w.ok(w.write(func(tx pipeline.Tx) error {
		w.ok(tx.DropTerms(w.now.Add(time.Hour)))
		return tx.Near(day, day.Add(2*time.Hour), func(p pipeline.Placed) {
			w.want([]any{len(p.Terms), p.Body}, []any{0, map[int64]string{early.ID: "Body of " + early.Canonical}[p.ID]})
		})
	}))

	// What has its place keeps it.
	w.ok(w.write(func(tx pipeline.Tx) error {
		another, err := tx.OpenStory("another", day)
		w.ok(err)
		return tx.JoinArticle(&pipeline.Article{ID: late.ID, Story: another, Relation: "new"}, true)
	}))
	got, err = w.s.Article(w.ctx, late.ID)
	w.ok(err)
	w.want(got.Story, root)
}

// The text of a page that counts is the one that was seen live, whatever a backfill brings later; of what backfills brought, the page that
// was taken last.
func captures(w *world) {
	link := "https://x.example/1"
	taken := func(h int) (a pipeline.Article) {
		w.Helper()
		w.now = w.now.Add(time.Minute)
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			a = pipeline.Article{URL: link, Canonical: link, Title: fmt.Sprint("Taken ", h), Seen: w.now, Past: true, Relation: "new"}
			a.ID, err = tx.InsertArticle(&a, &pipeline.Page{URL: link, FinalURL: link, Status: 200, Body: []byte("x"), Fetched: w.now.Add(time.Duration(h-1000) * time.Hour)})
			return err
		}))
		return a
	}
	order := func(want ...int64) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			as, err := tx.ArticlesByURL(link)
			w.ok(err)
			var got []int64
			for _, a := range as {
				got = append(got, a.ID)
			}
			w.want(got, want)
			first, ok, err := tx.ArticleByURL(link)
			w.want([]any{first.ID, ok}, []any{want[0], true})
			return err
		}))
	}
	late, early := taken(9), taken(3)
	order(late.ID, early.ID)
	live := w.shelve(pipeline.Article{Canonical: link, Title: "Live"})
	later := taken(12)
	w.ok(w.write(func(tx pipeline.Tx) error {
		as, err := tx.ArticlesByURL("")
		w.want(len(as), 0)
		return err
	}))
	order(live.ID, later.ID, late.ID, early.ID)
}
