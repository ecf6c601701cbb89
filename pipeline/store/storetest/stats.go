package storetest

import (
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

func stats(w *world) {
	k := &keeper{world: w}
	w.feed("f")
	none, err := w.s.Stats(w.ctx, store.Retention{})
	w.ok(err)
	w.want([]any{none.Articles, none.Sites, none.In, none.Out}, []any{0, []store.SiteRoom(nil), 0.0, 0.0})
	begin := w.now
	// Sixty days of one article of a page, two of another site a day.
	for range 60 {
		for _, site := range []string{"a.example", "b.example", "b.example"} {
			k.put(site, nil)
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	day := func(n int) time.Time { return w.now.Add(-time.Duration(n) * 24 * time.Hour) }
	r := store.Retention{Pages: day(10), Bodies: day(45)}
	_, err = w.s.Prune(w.ctx, r, false)
	w.ok(err)
	n, err := w.s.Stats(w.ctx, r)
	w.ok(err)
	w.want([]any{n.Articles, n.Stories, n.NoPage, n.NoBody, n.Pages.Count, n.Bodies, len(n.Sites), len(n.Days)},
		[]any{180, 180, 105, 45, 30, store.Room{Count: 135, Bytes: 13500}, 2, 30})
	b := n.Sites[0]
	w.want([]any{b.Site, b.Articles, b.Bodies, b.First, b.Last}, []any{"b.example", 120, int64(9000), begin, day(1)})
	w.want(b.Pages*3, 2*(n.Pages.Bytes+n.Blocks.Bytes))
	w.want([]any{n.Days[0].Day, n.Days[0].Articles, n.Days[0].Bytes}, []any{day(30).Truncate(24 * time.Hour), 3, int64(300)})
	var all int64
	for i, p := range n.Parts {
		w.want(p.Bytes < 0 || i > 0 && p.Bytes > n.Parts[i-1].Bytes, false)
		all += p.Bytes
	}
	w.want(all > 0 && all <= n.Bytes, true)

	// A day brings what it brought, and as much of pages goes as comes; bodies go as much.
	page := float64(n.Pages.Bytes+n.Blocks.Bytes) / 10
	near := func(got, want float64) {
		w.Helper()
		if got < want*.99 || got > want*1.01 {
			w.Fatalf("%.0f bytes a day, want %.0f", got, want)
		}
	}
	near(n.Out, page+300)
	rest := float64((n.Bytes-n.Free-n.Pages.Bytes-n.Blocks.Bytes-n.Bodies.Bytes)/180) * 3
	near(n.In, page+300+rest)
	// Kept for ever, nothing goes.
	n, err = w.s.Stats(w.ctx, store.Retention{})
	w.ok(err)
	w.want(n.Out, 0.0)

	// What is written anew is counted anew.
	w.ok(w.write(func(tx pipeline.Tx) error {
		a, ok, err := tx.Article(180)
		w.want(ok, true)
		if a.Body = "short"; err == nil {
			err = tx.UpdateArticle(&a)
		}
		return err
	}))
	m, err := w.s.Stats(w.ctx, r)
	w.ok(err)
	w.want(n.Bodies.Bytes-m.Bodies.Bytes, int64(95))

	// All of it fits together; that the words are in no index yet is no damage.
	w.ok(w.s.Check(w.ctx))
	found, err := w.s.Examine(w.ctx, 1, true)
	w.ok(err)
	w.want([]any{len(found), found[0].Note, found[0].Rows > 100}, []any{1, true, true})
	_, err = w.s.IndexWords(w.ctx, 1, func(a *pipeline.Article) []string { return []string{"word"} })
	w.ok(err)
	found, err = w.s.Examine(w.ctx, 1, true)
	w.ok(err)
	w.want(len(found), 0)
}
