package storetest

import (
	"context"
	"strings"
	"sync"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

func wordsOf(a *pipeline.Article) []string { return strings.Fields(a.Title + " " + a.Body) }

// said stores an article that says so.
func (w *world) said(title, body string) int64 {
	w.Helper()
	var id int64
	w.now = w.now.Add(time.Minute)
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a := pipeline.Article{URL: "u", Site: "s.example", Title: title, Body: body, Seen: w.now}
		if a.Story, err = tx.OpenStory(title, w.now); err == nil {
			id, err = tx.InsertArticle(&a, nil)
		}
		return err
	}))
	return id
}

// The word index chooses candidates: every article that holds the words is among them, indexed or not.
func search(w *world) {
	find := func(groups ...[]string) []int64 {
		w.Helper()
		ids, err := w.s.Candidates(w.ctx, store.WordFilter{Form: 1, Groups: groups})
		w.ok(err)
		return ids
	}
	index := func(form, want int) {
		w.Helper()
		n, err := w.s.IndexWords(w.ctx, form, wordsOf)
		w.ok(err)
		w.want(n, want)
	}
	reach := func(articles, unindexed int64) {
		w.Helper()
		got, err := w.s.WordIndex(w.ctx, 1)
		w.ok(err)
		w.want(got, store.WordIndex{Articles: articles, Unindexed: unindexed})
	}
	index(1, 0)
	reach(0, 0)
	w.want(len(find([]string{"kim"})), 0)
	a, b := w.said("kim", "missile"), w.said("ракета", "朝鮮 kim \ue02eodd")
	w.want(find([]string{"nowhere"}), []int64{b, a}) // not indexed: candidates for everything
	reach(b, 2)
	index(1, 2)
	index(1, 0)
	reach(b, 0)
	w.want(len(find([]string{"nowhere"})), 0)
	w.want(find([]string{"kim"}), []int64{b, a})
	w.want(find([]string{"kim"}, []string{"朝鮮", "x"}), []int64{b})
	w.want(find([]string{"раке*"}), []int64{b})
	w.want(find([]string{"\ue02eodd"}), []int64{b})
	w.want(find([]string{"miss*", "ракета"}, []string{"kim", "or", "and", "not", "near"}), []int64{b, a})
	w.want(find([]string{"or"}), []int64(nil))
	w.want(find(), []int64{b, a})

	// The newest are not indexed yet; a page and a range.
	c := w.said("other", strings.Repeat("x", 10))
	w.want(find([]string{"kim"}), []int64{c, b, a})
	page := func(f store.WordFilter) []int64 {
		w.Helper()
		f.Form, f.Groups = 1, [][]string{{"kim"}}
		ids, err := w.s.Candidates(w.ctx, f)
		w.ok(err)
		return ids
	}
	w.want(page(store.WordFilter{Limit: 2}), []int64{c, b})
	w.want(page(store.WordFilter{Limit: 2, Below: b}), []int64{a})
	w.want(page(store.WordFilter{Since: w.now.Add(-time.Minute)}), []int64{c, b})
	w.want(page(store.WordFilter{Until: w.now}), []int64{b, a})
	w.want(len(page(store.WordFilter{Since: w.now.Add(time.Minute)})), 0)

	// A text that changes, and one that is forgotten.
	w.ok(w.write(func(tx pipeline.Tx) error {
		x, _, err := tx.Article(a)
		w.ok(err)
		x.Body = "torpedo"
		return tx.UpdateArticle(&x)
	}))
	w.want(find([]string{"torpedo"}), []int64{c, a})
	index(1, 2)
	w.want(find([]string{"torpedo"}), []int64{a})
	w.want(len(find([]string{"missile"})), 0)
	_, err := w.s.Prune(w.ctx, store.Retention{Bodies: w.now.Add(time.Hour)}, false)
	w.ok(err)
	index(1, 3)
	w.want(len(find([]string{"torpedo"})), 0)
	w.want(find([]string{"kim"}), []int64{a})
	as, err := w.s.Texts(w.ctx, []int64{c, 999, a})
	w.ok(err)
	w.want(len(as), 2)
	w.want(as[1].Title, "kim")

	// Words of another form; too many words; two at once.
	w.want(len(find([]string{"ракета"})), 1)
	ids, err := w.s.Candidates(w.ctx, store.WordFilter{Form: 2, Groups: [][]string{{"nowhere"}}})
	w.ok(err)
	w.want(len(ids), 3)
	n, err := w.s.IndexWords(w.ctx, 2, func(a *pipeline.Article) []string { return []string{strings.Repeat("長", 300000)} })
	w.ok(err)
	w.want(n, 3)
	ids, err = w.s.Candidates(w.ctx, store.WordFilter{Form: 2, Groups: [][]string{{"nowhere"}}})
	w.ok(err)
	w.want(len(ids), 3)
	for range 450 {
		w.said("kim", "again")
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := w.s.IndexWords(context.WithoutCancel(w.ctx), 1, wordsOf); err != nil {
				w.Error(err)
			}
		})
	}
	both.Wait()
	w.want(len(page(store.WordFilter{Limit: 1000})), 451)
	reach(find()[0], 0)

	// What rules see of an article.
	full := pipeline.Article{URL: "u", Site: "s.example", Title: "t", Body: "b", Feed: "f", Lang: "ko", Agency: "Yonhap", Authors: []string{"A. B", "C"}, Tags: []string{"t"},
		Seen: w.now, Published: w.now.Add(-time.Hour), Blocks: []pipeline.Block{{Class: "paragraph", Kept: true, Text: "b"}}, Why: "not asked for"}
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		if full.Story, err = tx.OpenStory("t", w.now); err == nil {
			full.ID, err = tx.InsertArticle(&full, nil)
		}
		return err
	}))
	as, err = w.s.Texts(w.ctx, []int64{full.ID})
	w.ok(err)
	full.Blocks, full.Why = nil, ""
	w.want(as, []pipeline.Article{full})
}

// Page by page the candidates are the same as at once, whether most articles have the word, some at either end, or one long ago.
func searchPages(w *world) {
	has := map[string][]int64{}
	for i := range 60 {
		text := "common"
		for word, in := range map[string]bool{"third": i%3 == 0, "once": i == 2, "new": i > 50, "old": i < 20, "ends": i < 4 || i > 56} {
			if in {
				text += " " + word
			}
		}
		id := w.said("t", text)
		for _, word := range strings.Fields(text) {
			has[word] = append([]int64{id}, has[word]...)
		}
	}
	_, err := w.s.IndexWords(w.ctx, 1, wordsOf)
	w.ok(err)
	for word, want := range has {
		for _, size := range []int{1, 2, 3, 7, 14, 15, 16} {
			var got []int64
			below := int64(0)
			for {
				ids, err := w.s.Candidates(w.ctx, store.WordFilter{Form: 1, Groups: [][]string{{word, "nowhere"}}, Below: below, Limit: size})
				w.ok(err)
				if got = append(got, ids...); len(ids) < size {
					break
				}
				below = ids[size-1]
			}
			w.want(got, want)
		}
	}
}
