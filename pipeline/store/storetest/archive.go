package storetest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/archive"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// shelve stores an article as a run does, after it was given what every article has.
func (w *world) shelve(a pipeline.Article) pipeline.Article {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		if a.Canonical != "" && a.URL == "" {
			a.URL, a.Site = a.Canonical, strings.Split(a.Canonical, "/")[2]
		}
		a.Feed, a.Seen, a.Source = "f", w.now, pipeline.SourcePage
		if a.Relation == "" {
			a.Relation = "new"
		}
		if a.Story == 0 {
			if a.Story, err = tx.OpenStory(a.Title, w.now); err == nil {
				_, err = tx.JoinEvent(a.Story, 0)
			}
			if err != nil {
				return err
			}
		}
		a.Sketch = dedup.Sketch(a.Title, a.Body, a.Lang)
		_, err = tx.InsertArticle(&a, nil)
		return err
	}))
	return a
}

func (w *world) match(a pipeline.Article, rule string) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) error {
		return tx.SaveMatches(a.ID, []pipeline.Match{{Rule: rule, Channels: []string{"desk"}, Spans: []pipeline.Span{{Field: "title", Start: 0, End: 3}}}})
	}))
}

// raised raises an alert about an article, and reports whether it was not told before.
func (w *world) raised(a pipeline.Article, rule string, per pipeline.OncePer) (raised bool) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		raised, err = tx.RaiseAlert(pipeline.Alert{Rule: rule, Kind: pipeline.KindMatch, OncePer: per, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a},
			[]string{"desk"})
		return err
	}))
	return raised
}

// archive writes what a store holds.
func (w *world) archive(s *store.Store, f store.ArchiveFilter) string {
	w.Helper()
	var b bytes.Buffer
	x, err := archive.NewWriter(&b, archive.All, f.Canonical)
	w.ok(err)
	w.ok(s.Archive(w.ctx, f, x.Write))
	return b.String()
}

// imports reads an archive into a store, some articles at a time.
func (w *world) imports(s *store.Store, text string) store.Imported {
	w.Helper()
	w.now = w.now.Add(time.Second)
	m := &store.Importing{Store: s, SameText: dedup.SameText}
	r := archive.Reader{Put: func(rs []pipeline.ArchiveRecord) error { return m.Put(w.ctx, rs) }, Batch: 3,
		Bad: func(line int, err error) { w.Errorf("line %d: %v", line, err) }}
	w.ok(r.Read(strings.NewReader(text)))
	return m.Imported
}

// byTitle finds the latest article of a title.
func (w *world) byTitle(s *store.Store, title string) pipeline.Article {
	w.Helper()
	as, err := s.Articles(w.ctx, store.ArticleFilter{})
	w.ok(err)
	for _, a := range as {
		if a.Title == title {
			return a
		}
	}
	w.Fatalf("no article is called %q", title)
	return pipeline.Article{}
}

var (
	canonical = store.ArchiveFilter{Canonical: true}
	morning   = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
)

// newsroom fills the store with one of each case there is.
func (w *world) newsroom() {
	w.Helper()
	at := func(h int) time.Time { return morning.Add(time.Duration(h) * time.Hour) }
	first := w.shelve(pipeline.Article{Canonical: "https://a.example/1", Title: "Harbour closed", Body: "The harbour was closed.", Lang: "en", Published: at(2),
		Authors: []string{"A. Writer"}, Tags: []string{"ports"}, Date: "2026-05-04T08:00:00+02:00", SiteName: "A", Agency: "Reuters", Section: "World",
		Blocks: []pipeline.Block{{Class: "body", Kept: true, Text: "The harbour was closed."}, {Class: "nav", Text: "Menu"}}})
	copied := w.shelve(pipeline.Article{Story: first.Story, Relation: "copy", Of: first.ID, Score: 0.93, Canonical: "https://b.example/x", Title: "Harbour closed", Body: "The harbour was closed, Reuters says.", Published: at(1)})
	second := w.shelve(pipeline.Article{Story: first.Story, Relation: "version", Of: first.ID, Score: 1, Canonical: "https://a.example/1", Title: "Harbour closed", Body: "The harbour was closed and opened.", Published: at(2)})
	// The page returned to what it said, to the letter, and at a time that it gave before.
	back := w.shelve(pipeline.Article{Story: first.Story, Relation: "version", Of: second.ID, Score: 1, Canonical: "https://a.example/1", Title: "Harbour closed", Body: "The harbour was closed.", Published: at(2), Lang: "en"})
	apart := w.shelve(pipeline.Article{Story: first.Story, Relation: "copy", Of: back.ID, Canonical: "https://c.example/y", Title: "Harbour closed again", Body: "It was closed again.", Published: at(5)})
	w.match(first, "harbours")
	w.match(first, "Ärger & Öl")
	w.match(copied, "harbours")
	w.want(w.raised(first, "harbours", pipeline.PerStory), true)
	w.want(w.raised(copied, "copies", pipeline.PerArticle), true)
	_, err := w.s.SplitStory(w.ctx, first.Story, apart.ID)
	w.ok(err)

	merged := w.shelve(pipeline.Article{Canonical: "https://d.example/1", Title: "Ferry late", Body: "A ferry was late.", Published: at(3)})
	other := w.shelve(pipeline.Article{Canonical: "https://e.example/1", Title: "Ferry delayed", Body: "A ferry was delayed.", Published: at(3)})
	w.want(w.raised(merged, "ferries", pipeline.PerEvent), true)
	w.ok(w.s.MergeStories(w.ctx, merged.Story, other.Story))
	related := w.shelve(pipeline.Article{Canonical: "https://e.example/2", Title: "Ferries", Body: "On ferries.", Relation: "same_event", Of: other.ID, Published: at(3)})
	w.ok(w.write(func(tx pipeline.Tx) error {
		_, err := tx.JoinEvent(related.Story, other.Story)
		return err
	}))

	// Without a link, without a date, without a text; in scripts whose letters sort by bytes only here.
	w.shelve(pipeline.Article{Site: "a.example", Title: "Ärger im Hafen", Body: "Nur im Feed."})
	w.shelve(pipeline.Article{Site: "a.example", Title: "Zorn im Hafen", Body: "Nur im Feed."})
	w.shelve(pipeline.Article{Site: "a.example", Title: "harbour \x00 \xff <b>", Body: "朝鮮 \u2028 \"quoted\" \\ 😀"})
	w.shelve(pipeline.Article{Canonical: "https://f.example/paywalled", Title: "Only a headline", Paywalled: true, Why: pipeline.WhyPaywall, Published: at(9)})

	// What a backfill stored, and its pass has not joined yet.
	w.ok(w.write(func(tx pipeline.Tx) error {
		_, err := tx.InsertArticle(&pipeline.Article{URL: "https://y.example/old", Canonical: "https://y.example/old", Site: "y.example", Title: "Unjoined", Body: "Of the past.",
			Published: at(-9000), Seen: w.now, Past: true, Relation: "new", Source: pipeline.SourcePage, Sketch: dedup.Sketch("Unjoined", "Of the past.", "")}, nil)
		return err
	}))

	gone := w.shelve(pipeline.Article{Canonical: "https://g.example/gone", Title: "Withdrawn", Body: "It was withdrawn.", Published: at(7)})
	w.ok(w.write(func(tx pipeline.Tx) error {
		_, err := tx.PageGone(gone.ID, w.now)
		_, e := tx.OpenEpisode("many harbours", pipeline.Episode{Begins: at(1), Ends: at(4)})
		return errorOf(err, e)
	}))
}

// returns checks that a page which returned to what it said, at the time that it gave before, is carried twice, and that the canonical form is
// an archive too.
func (w *world) returns() {
	w.Helper()
	text := w.archive(w.s, canonical)
	if !strings.Contains(text, `~2"`) {
		w.Fatalf("no page returned to what it said:\n%s", text)
	}
	s := w.open()
	w.imports(s, text)
	w.want(w.archive(s, canonical), text)
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// What an archive carries makes the same store of an empty one, whatever the order of its lines, and however often it was broken off.
func archived(w *world) {
	w.newsroom()
	w.returns()
	_, err := w.s.Prune(w.ctx, store.Retention{Pages: w.now.Add(-4 * time.Minute), Bodies: w.now.Add(-4 * time.Minute), Sketches: w.now.Add(-9 * time.Minute), Brief: dedup.Brief}, false)
	w.ok(err)
	w.shelve(pipeline.Article{Canonical: "https://h.example/late", Title: "Late", Body: "After the pruning.", Published: morning})
	full, want := w.archive(w.s, store.ArchiveFilter{}), w.archive(w.s, canonical)
	lines := strings.SplitAfter(full, "\n")
	for _, x := range []string{`"pruned":"fingerprint"`, `"pruned":"body"`, `"apart":["https://`, `"told":[{"rule":"copies"`, `"kind":"episode"`, `"gone":"2026-`, `"past":true`} {
		if !strings.Contains(full, x) {
			w.Fatalf("the archive lacks %s:\n%s", x, full)
		}
	}
	for _, x := range []string{`"seen"`, `"created"`, `"told"`, `"gone"`, `"past"`, `"id"`} {
		if strings.Contains(want, x) {
			w.Fatalf("the canonical form has %s:\n%s", x, want)
		}
	}

	once := w.open()
	got := w.imports(once, full)
	w.want(got, store.Imported{Articles: 15, Stories: 10, Matches: 3})
	w.want(w.archive(once, canonical), want)
	w.want(w.archive(once, store.ArchiveFilter{}), full)
	w.want(w.imports(once, full), store.Imported{Known: 15})
	w.want(w.archive(once, store.ArchiveFilter{}), full)
	days, err := once.SiteDays(w.ctx, time.Time{})
	w.ok(err)
	w.want(len(days), 0) // old pages say nothing of how a site is read today

	// Broken off in the middle, and begun again.
	broken := w.open()
	w.imports(broken, strings.Join(lines[:9], ""))
	w.imports(broken, full)
	w.want(w.archive(broken, store.ArchiveFilter{}), full)

	// Backwards: relations point to what comes later.
	var back []string
	for _, l := range lines {
		if strings.Contains(l, `"kind":"story"`) || strings.Contains(l, `"kind":"episode"`) {
			back = append(back, l)
		}
	}
	for _, l := range slices.Backward(lines) {
		if strings.Contains(l, `"kind":"article"`) {
			back = append(back, l)
		}
	}
	backwards := w.open()
	w.imports(backwards, strings.Join(back, ""))
	w.want(w.archive(backwards, canonical), want)

	// What another store told is no alert of this one: nobody finds it in a list, nor in the feed of a rule.
	alerts, err := once.RuleAlerts(w.ctx, "copies", 10)
	w.ok(err)
	w.want(len(alerts), 0)

	// What was told stays told, as it was told; what a person keeps apart stays apart.
	source := w.s
	for _, s := range []*store.Store{source, once, backwards} {
		w.s = s
		ferry, first, apart := w.byTitle(s, "Ferry late"), w.byTitle(s, "Harbour closed"), w.byTitle(s, "Harbour closed again")
		as, err := s.Articles(w.ctx, store.ArticleFilter{Site: "b.example"})
		w.ok(err)
		copied := as[0]
		w.want([]bool{w.raised(first, "harbours", pipeline.PerStory), w.raised(apart, "harbours", pipeline.PerStory), w.raised(copied, "copies", pipeline.PerArticle),
			w.raised(ferry, "ferries", pipeline.PerEvent), w.raised(w.byTitle(s, "Ferries"), "ferries", pipeline.PerEvent)}, make([]bool, 5))
		w.ok(w.write(func(tx pipeline.Tx) error {
			if es, err := tx.Episodes("many harbours", morning, w.now); err != nil || len(es) != 1 {
				w.Errorf("episodes %v, %v", es, err)
			}
			return tx.MergeStories(apart.Story, first.Story)
		}))
		if w.byTitle(s, "Harbour closed again").Story == first.Story {
			w.Error("a join undid what a person keeps apart")
		}
		w.want(w.raised(first, "another rule", pipeline.PerStory), true)
	}
}

// An archive comes to what is there: what is known is left, what is new joins it, and the store's own account of what was told holds.
func archivedInto(w *world) {
	w.newsroom()
	full := w.archive(w.s, store.ArchiveFilter{})
	target := w.open()
	w.s = target
	w.shelve(pipeline.Article{Canonical: "https://z.example/own", Title: "Own", Body: "Its own."})
	own := w.shelve(pipeline.Article{Canonical: "https://a.example/1", Title: "Harbour closed", Body: "The harbour was closed and opened.", Published: morning})
	got := w.imports(target, full)
	w.want(got, store.Imported{Articles: 13, Stories: 9, Matches: 3, Known: 1})
	now, err := target.Article(w.ctx, own.ID)
	w.ok(err)
	own.Sketch = now.Sketch
	w.want([]any{now.Story, now.Published, now.Body, now.Relation}, []any{own.Story, own.Published, own.Body, "new"})
	as, err := target.Articles(w.ctx, store.ArticleFilter{Story: own.Story})
	w.ok(err)
	w.want(len(as), 4) // its copy and the other versions, of which some came before it
	w.want(w.raised(own, "harbours", pipeline.PerStory), true)
	w.want(w.raised(w.byTitle(target, "Ferry late"), "ferries", pipeline.PerStory), false)
	w.want(w.imports(target, full), store.Imported{Known: 14})

	// The newest version of a page is the one that was seen last, not the one that an archive brought last.
	w.ok(w.write(func(tx pipeline.Tx) error {
		a, _, err := tx.ArticleByURL("https://a.example/1")
		w.want(a.ID, own.ID)
		return err
	}))

	// A duplicate index learns of what came.
	kinds := map[pipeline.ChangeKind]int{}
	w.ok(w.write(func(tx pipeline.Tx) error {
		return tx.Changes(0, time.Time{}, func(c pipeline.Change) error {
			kinds[c.Kind]++
			return nil
		})
	}))
	w.want(kinds[pipeline.ChangeArticle], 14)
	if kinds[pipeline.ChangeMove] == 0 {
		w.Error("nothing moved into the story that stood")
	}
}

func archiveFilters(w *world) {
	w.newsroom()
	day := w.now
	titles := func(f store.ArchiveFilter) (out []string) {
		w.Helper()
		w.ok(w.s.Archive(w.ctx, f, func(r pipeline.ArchiveRecord) error {
			if r.Article != nil {
				out = append(out, r.Article.Title)
			}
			return nil
		}))
		return out
	}
	at := func(h int) time.Time { return morning.Add(time.Duration(h) * time.Hour) }
	w.want(titles(store.ArchiveFilter{Since: at(5), Until: at(9)}), []string{"Harbour closed again", "Withdrawn"})
	w.want(titles(store.ArchiveFilter{Until: at(2), Canonical: true}), []string{"Unjoined", "Harbour closed"}) // those without a date lie in no range
	w.want(titles(store.ArchiveFilter{Since: day, Seen: true}), []string{"Withdrawn"})
	w.want(titles(store.ArchiveFilter{Site: "e.example"}), []string{"Ferry delayed", "Ferries"})
	w.want(titles(store.ArchiveFilter{Rule: "Ärger & Öl"}), []string{"Harbour closed"})
	all := titles(store.ArchiveFilter{Canonical: true})
	w.want(all[:5], []string{"Zorn im Hafen", "harbour   ? <b>", "Ärger im Hafen", "Unjoined", "Harbour closed"})
}
