package storetest

import (
	"wirewatch/pipeline"
)

// traced: an article is found by its address and by its ID, with the items, pages and alerts of its way, also where its page named
// another address than the feed, and after its story was merged into another.
func traced(w *world) {
	f := w.feed("bbc")
	w.poll(f, w.item("1", "https://a.example/from-feed"), w.item("2", "https://a.example/other"))
	var a pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error {
		story, err := tx.OpenStory("Story", w.now)
		w.ok(err)
		a = pipeline.Article{Story: story, URL: "https://a.example/named", Canonical: "https://a.example/named", Site: "a.example", Title: "A",
			Source: pipeline.SourcePage, Relation: "new", Seen: w.now}
		a.ID, err = tx.InsertArticle(&a, &pipeline.Page{URL: "https://a.example/from-feed", FinalURL: "https://a.example/final", Status: 200, Fetched: w.now})
		return err
	}))
	its := w.work("a.example", pipeline.ItemOpen)
	l := w.lease("process", "a.example")
	w.ok(w.s.Write(w.ctx, l, func(tx pipeline.Tx) error {
		it := its[0]
		it.State, it.Article = pipeline.ItemDone, a.ID
		if _, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Story: pipeline.Story{ID: a.Story}, Article: a}, []string{"desk", "hook"}); err != nil {
			return err
		}
		return tx.SaveItem(it)
	}))
	w.release(l)
	b := w.put(0, "b.example")
	w.ok(w.s.MergeStories(w.ctx, a.Story, b.Story))

	check := func(id int64, canonical ...string) {
		w.Helper()
		t, err := w.s.Trace(w.ctx, id, canonical...)
		w.ok(err)
		if len(t.Items) != 1 || t.Items[0].Entry.URL != "https://a.example/from-feed" || len(t.Articles) != 1 || t.Articles[0].ID != a.ID {
			w.Fatalf("found %+v", t)
		}
		if len(t.Deliveries) != 2 || t.Deliveries[0].Channel != "desk" || t.Deliveries[1].Alert.Article.ID != a.ID {
			w.Fatalf("told %+v", t.Deliveries)
		}
		w.want(t.Pages[a.ID], pipeline.Page{URL: "https://a.example/from-feed", FinalURL: "https://a.example/final", Status: 200, Fetched: w.now})
	}
	check(a.ID)
	check(0, a.Canonical)
	check(0, its[0].Canonical)
	check(0, "", its[0].Canonical)

	t, err := w.s.Trace(w.ctx, 0, its[1].Canonical) // not fetched yet
	w.ok(err)
	w.want([]int{len(t.Items), len(t.Articles), len(t.Deliveries)}, []int{1, 0, 0})
	t, err = w.s.Trace(w.ctx, 0, "https://never.example/")
	w.ok(err)
	w.want([]int{len(t.Items), len(t.Articles), len(t.Deliveries)}, []int{0, 0, 0})
}
