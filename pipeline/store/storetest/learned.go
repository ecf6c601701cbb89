package storetest

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// note stores an article of a site in a story (0: a new one) with fingerprints of these hashes, and says what is known of them.
func (w *world) note(site string, story int64, hashes ...int64) (a pipeline.Article, seen []pipeline.Sighting) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a = w.store(tx, story, site)
		seen, err = tx.NoteBlocks(&a, prints(hashes...))
		return err
	}))
	return a, seen
}

func prints(hashes ...int64) (out []pipeline.Print) {
	for i, h := range hashes {
		out = append(out, pipeline.Print{Hash: h, Foreign: h > 0, Before: i, After: len(hashes) - i, Text: fmt.Sprint("text ", h)})
	}
	return out
}

// Stories of the site are what counts, whatever becomes of them.
func learnedBlocks(w *world) {
	const h, odd = 1 << 62, -5
	first, _ := w.note("a.example", 0, h, odd)
	w.note("a.example", first.Story, h, 2, 3)    // a version
	w.note("b.example", 0, h)                    // another site
	_, seen := w.note("a.example", 0, 4, h, odd) // two stories
	w.want(len(seen), 0)
	w.note("a.example", 0) // a story without it
	last, seen := w.note("a.example", 0, 6, 7, h, odd)
	w.want(len(seen), 2)
	for _, s := range seen {
		if s.Hash == h {
			w.want(s, pipeline.Sighting{Hash: h, Stories: 3, Foreign: 3, Of: 4})
		} else { // always last, and of the subject
			w.want(s, pipeline.Sighting{Hash: odd, Stories: 3, Placed: true, Of: 4})
		}
	}
	// Noting again counts nothing twice, and what is not there any more is forgotten.
	w.ok(w.write(func(tx pipeline.Tx) error {
		again, err := tx.NoteBlocks(&last, prints(h))
		w.want(again, []pipeline.Sighting{{Hash: h, Stories: 3, Foreign: 3, Of: 4}})
		return err
	}))
	// A merge makes two stories one.
	w.ok(w.s.MergeStories(w.ctx, last.Story, first.Story))
	_, seen = w.note("a.example", last.Story, h)
	w.want(len(seen), 0)

	// As of an old article, only what came before it counts.
	var as []pipeline.Article
	for range 5 {
		a, _ := w.note("c.example", 0, h)
		as = append(as, a)
	}
	w.ok(w.write(func(tx pipeline.Tx) error {
		seen, err := tx.NoteBlocks(&as[3], prints(h))
		w.want(seen, []pipeline.Sighting{{Hash: h, Stories: 4, Foreign: 4, Placed: true, Of: 4}})
		return err
	}))
	// Long ago is long ago.
	for range 60 {
		w.note("c.example", 0)
	}
	_, seen = w.note("c.example", 0, h)
	w.want(len(seen), 0)
	w.ok(w.s.PruneBlocks(w.ctx))
	for _, a := range as {
		ok, err := w.s.Noted(w.ctx, a.ID)
		w.ok(err)
		w.want(ok, false)
	}
	ok, err := w.s.Noted(w.ctx, first.ID)
	w.ok(err)
	w.want(ok, true)
	// More fingerprints than one statement holds.
	var many []int64
	for i := range 130 {
		many = append(many, int64(i+1))
	}
	for range 3 {
		_, seen = w.note("d.example", 0, many...)
	}
	w.want(len(seen), 130)
}

func undoLearned(w *world) {
	const h = 7
	w.note("a.example", 0, h, 8)
	learn := func(site string, hash int64) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.LearnBlock(pipeline.LearnedBlock{Site: site, Hash: hash, Stories: 5, Of: 6, Text: "Zorp \x00 blag"})
		}))
	}
	learn("a.example", h)
	learn("a.example", h) // known
	learn("b.example", h)
	learned := func(site string) int {
		w.Helper()
		m, err := w.s.Learned(w.ctx, site, prints(h, 8, 9))
		w.ok(err)
		return len(m)
	}
	w.want([]int{learned("a.example"), learned("b.example"), learned("c.example")}, []int{1, 1, 0})
	all, err := w.s.LearnedBlocks(w.ctx, "", 0)
	w.ok(err)
	w.want(len(all), 2)
	w.want(all[0], pipeline.LearnedBlock{ID: all[0].ID, Site: "a.example", Hash: h, State: pipeline.BlockLearned, Stories: 5, Of: 6, Articles: 1, Text: "Zorp   blag"})
	only, err := w.s.LearnedBlocks(w.ctx, "b.example", 10)
	w.ok(err)
	w.want([]any{len(only), only[0].Articles}, []any{1, 0})

	// Journalism: not removed, and not learned again.
	n, err := w.s.KeepBlocks(w.ctx, all[0].ID, 999)
	w.ok(err)
	w.want([]int{n, learned("a.example"), learned("b.example")}, []int{1, 0, 1})
	learn("a.example", h)
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.LiftBlock("a.example", h) })) // a person's word stands
	w.want(learned("a.example"), 0)
	all, err = w.s.LearnedBlocks(w.ctx, "a.example", 0)
	w.ok(err)
	w.want(all[0].State, pipeline.BlockKept)
	// Lifted: not removed, not learned again.
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.LiftBlock("b.example", h) }))
	learn("b.example", h)
	w.want(learned("b.example"), 0)
	// What is decided shows in what is said of a block.
	w.note("a.example", 0, h)
	_, seen := w.note("a.example", 0, h)
	w.want([]any{len(seen), seen[0].State}, []any{1, pipeline.BlockKept})
	// Forgotten: as if never seen.
	n, err = w.s.ForgetBlocks(w.ctx, all[0].ID)
	w.ok(err)
	w.want(n, 1)
	_, seen = w.note("a.example", 0, h)
	w.want(len(seen), 0)
	learn("a.example", h)
	w.want(learned("a.example"), 1)
}

func madeAnew(w *world) {
	a, _ := w.tell(0, "a.example", "r", "slack")
	w.tell(a.Story, "a.example", "other", "slack")
	var last int64
	changes := func() (kinds []pipeline.ChangeKind, sketches []string) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Changes(last, time.Time{}, func(c pipeline.Change) error {
				last = c.Seq
				kinds, sketches = append(kinds, c.Kind), append(sketches, string(c.Sketch))
				return nil
			})
		}))
		return kinds, sketches
	}
	changes()
	stored, err := w.s.Article(w.ctx, a.ID)
	w.ok(err)
	anew := stored
	anew.Title, anew.Body, anew.Lang, anew.Agency, anew.Authors, anew.Date = "New title", "New body", "de", "Tass", []string{"A B"}, "2026-05-04"
	anew.Blocks = []pipeline.Block{{Class: "paragraph", Kept: true, Text: "New body"}, {Class: "repeated", Text: "Zorp", Rule: "learned:a.example"}}
	anew.Sketch, anew.SiteName, anew.Tags, anew.Published, anew.Paywalled = []byte("sketch"), "A", []string{"t"}, w.now, true
	anew.Modified, anew.Section, anew.Image = "2026-05-05", "World", "https://a.example/new.jpg"
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.UpdateArticle(&anew) }))
	got, err := w.s.Article(w.ctx, a.ID)
	w.ok(err)
	w.want(got, anew)
	kinds, sketches := changes()
	w.want(kinds, []pipeline.ChangeKind{pipeline.ChangeText})
	w.want(sketches, []string{"sketch"})
	w.is(w.write(func(tx pipeline.Tx) error { return tx.UpdateArticle(&pipeline.Article{ID: 999}) }), store.ErrNotFound)

	span := []pipeline.Span{{Field: "body", Start: 1, End: 2}}
	w.ok(w.write(func(tx pipeline.Tx) error {
		w.ok(tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "r", Spans: span}, {Rule: "s", Spans: span}}))
		rules, err := tx.Matches(a.ID)
		w.want(rules, []string{"r", "s"})
		w.ok(err)
		w.ok(tx.DropMatch(a.ID, "s"))
		w.ok(tx.Respan(a.ID, pipeline.Match{Rule: "r", Spans: span}))
		rules, err = tx.Matches(a.ID)
		w.want(rules, []string{"r"})
		return err
	}))
	spans := func() (out []string) {
		w.Helper()
		ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
		w.ok(err)
		for _, d := range ds {
			out = append(out, fmt.Sprint(d.Alert.Rule, d.Alert.Spans))
		}
		return out
	}
	w.want(spans(), []string{"other[{body 0 4}]", "r[{body 1 2}]"})
	w.ok(w.write(func(tx pipeline.Tx) error { return tx.DropMatch(a.ID, "r") }))
	w.want(spans(), []string{"other[{body 0 4}]", "r[]"})
}

func withPages(w *world) {
	var ids []int64
	for i := range 6 {
		w.now = w.now.Add(time.Minute)
		w.ok(w.write(func(tx pipeline.Tx) error {
			story, err := tx.OpenStory("S", w.now)
			w.ok(err)
			a := pipeline.Article{Story: story, URL: "u", Site: fmt.Sprintf("s%d.example", i/3), Source: pipeline.SourcePage, Seen: w.now,
				Blocks: []pipeline.Block{{Class: "paragraph", Kept: true, Text: "T"}}}
			var p *pipeline.Page
			switch i {
			case 1: // no page
			case 2:
				a.Source = pipeline.SourceFeed
				fallthrough
			default:
				p = &pipeline.Page{URL: "u", Body: []byte("<p>T")}
			}
			_, err = tx.InsertArticle(&a, p)
			ids = append(ids, a.ID)
			return err
		}))
	}
	sites, err := w.s.SitesWithPages(w.ctx, time.Time{})
	w.ok(err)
	w.want(sites, []string{"s0.example", "s1.example"})
	sites, err = w.s.SitesWithPages(w.ctx, w.now)
	w.ok(err)
	w.want(sites, []string{"s1.example"})
	list := func(site string, since time.Time, after int64, n int) (out []int64) {
		w.Helper()
		as, err := w.s.WithPages(w.ctx, site, since, after, n)
		w.ok(err)
		for _, a := range as {
			w.want(len(a.Blocks), 1)
			out = append(out, a.ID)
		}
		return out
	}
	w.want(list("s0.example", time.Time{}, 0, 9), ids[:1])
	w.want(list("s1.example", time.Time{}, 0, 2), ids[3:5])
	w.want(list("s1.example", time.Time{}, ids[3], 9), ids[4:])
	w.want(list("s1.example", w.now, 0, 9), ids[5:])
}
