package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// What a person says of stories, and what retention takes, in the pipeline.
func TestStories(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, c := range []struct {
				name string
				f    func(*world)
			}{{"split holds", splitHolds}, {"join holds", joinHolds}, {"pruned and polled again", prunedAgain},
				{"months of running", months}} {
				t.Run(c.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.rule("arms missile")
					c.f(w)
				})
			}
		})
	}
}

// publish puts a page on a site, lists it in the site's feed, and processes it. It returns the article's ID and story.
func (w *world) publish(site, path, body string) (article, story int64) {
	w.Helper()
	u := "http://" + site + ".example/" + path
	w.pages[u] = answer{title: "News of " + path, body: body}
	w.list(site, w.entry(u, "News of "+path, ""))
	w.want("stored", w.run(w.process), 1)
	as := w.articles()
	last := as[len(as)-1]
	return last.ID, last.Story
}

// A split holds: copies of either part join that part, an article that resembles both makes them one no more, also after a restart,
// and nothing is told again.
func splitHolds(w *world) {
	common, ofA, ofB := prose(1, 60), "A missile flew. "+prose(2, 140), "A missile fell. "+prose(3, 140)
	a, one := w.publish("a", "one", common+"\n\n"+ofA)
	_, two := w.publish("b", "two", common+"\n\n"+ofB)
	if one == two {
		w.Fatal("the test wants two stories to begin with")
	}
	// A round-up of both shows them to be one story.
	c, _ := w.publish("c", "three", common+"\n\n"+ofA+"\n\n"+ofB)
	st, as, err := w.store.Story(w.Context(), two)
	w.ok(err)
	w.want("merged", line(st.ID == one || st.ID == two, len(as)), "true 3")
	told := len(w.alerts())
	b := as[1].ID
	part, err := w.store.SplitStory(w.Context(), st.ID, b)
	w.ok(err)

	// The same round-up on another site, now and after a restart.
	for i, site := range []string{"d", "e"} {
		id, in := w.publish(site, "three-"+site, common+"\n\n"+ofA+"\n\n"+ofB)
		if i == 0 {
			w.loops(w.store)
		}
		got, err := w.store.Article(w.Context(), b)
		w.ok(err)
		if in == part || got.Story != part {
			w.Fatalf("article %d is in story %d; %d in %d, kept apart in %d", id, in, b, got.Story, part)
		}
	}
	// A copy of each part on another site joins that part.
	_, in := w.publish("f", "copy-of-b", common+"\n\n"+ofB)
	w.want("a copy of what was taken out", in, part)
	_, in = w.publish("g", "copy-of-a", common+"\n\n"+ofA)
	w.want("a copy of what stayed", in, st.ID)
	// The page's own next version follows its article.
	u := "http://b.example/two"
	w.pages[u] = answer{title: "News of two", body: common + "\n\n" + ofB + "\n\n" + prose(9, 30)}
	w.reopen("b", w.entry(u, "News of two", ""))
	w.run(w.process)
	as = w.articles()
	w.want("a new version", as[len(as)-1].Story, part)
	w.want("alerts", len(w.alerts()), told)
	x, err := w.store.Article(w.Context(), a)
	w.ok(err)
	y, err := w.store.Article(w.Context(), c)
	w.ok(err)
	w.want("the others", line(x.Story, y.Story), line(st.ID, st.ID))
}

// A join holds: what is like either is in the one story, also after a restart, and is not told again.
func joinHolds(w *world) {
	x, y := "A missile flew. "+prose(11, 200), "A missile fell. "+prose(12, 200)
	_, one := w.publish("a", "one", x)
	_, two := w.publish("b", "two", y)
	w.want("told of both", len(w.alerts()), 2)
	_, err := w.store.JoinStories(w.Context(), two, one)
	w.ok(err)
	_, in := w.publish("c", "three", x)
	w.want("like the one", in, two)
	w.loops(w.store)
	_, in = w.publish("d", "four", y)
	w.want("like the other", in, two)
	w.want("alerts", len(w.alerts()), 2)
}

// After everything was pruned, the same feeds bring nothing new, and the same pages, fetched again, no article and no alert. A page
// that changed is a version in the story that was told.
func prunedAgain(w *world) {
	for _, p := range []string{"one", "two"} {
		w.publish("a", p, "A missile flew. "+prose(int64(len(p))+20+int64(p[0]), 150))
	}
	w.pages[link2+"9"] = answer{err: status404()}
	gone := w.entry(link2+"9", "A missile, they say", "A missile flew, says the feed.")
	w.list("b", gone)
	w.run(w.process)
	w.want("stored", len(w.articles()), 3)
	told := line(w.alerts())
	d := &channel{}
	w.channels["desk"] = d
	w.run(w.deliver)
	w.want("sent", len(d.took), 3)
	w.add(100 * 24 * time.Hour)
	now := w.now().Add(time.Hour)
	p, err := w.store.Prune(w.Context(), store.Retention{Pages: now, Bodies: now, Sketches: now, Log: now, Brief: dedup.Brief}, false)
	w.ok(err)
	w.want("pruned", line(p.Bodies, p.Items), "3 1")
	w.loops(w.store) // and a restart

	w.due("a")
	w.due("b")
	w.want("polled again", w.run(w.poll), 0)
	w.want("nothing due", w.run(w.process), 0)
	var ids []int64
	for _, it := range w.items() {
		ids = append(ids, it.ID)
	}
	n, err := w.store.RetryItems(w.Context(), ids...)
	w.ok(err)
	w.want("opened by hand", n, 3)
	w.forget()
	w.run(w.process)
	w.want("fetched again", len(w.requested), 3)
	w.rule("arms missile", "later flew") // a rule that is new is not told of what is forgotten either
	_, err = w.store.RetryItems(w.Context(), ids...)
	w.ok(err)
	w.run(w.process)
	as := w.articles()
	w.want("articles", len(as), 3)
	for _, a := range as {
		w.want("still forgotten", line(a.Pruned, len(a.Body)), "true 0")
	}
	w.want("alerts", line(w.alerts()), told)

	// The same address in another feed under another guid is known, too.
	e := w.entry("http://a.example/one", "News of one", "")
	e.GUID = "another"
	w.want("another feed", w.list("c", e), 0)

	w.pages["http://a.example/one"] = answer{title: "News of one", body: "A missile flew. " + prose(77, 150)}
	_, err = w.store.RetryItems(w.Context(), ids[0])
	w.ok(err)
	w.rule("arms missile")
	w.run(w.process)
	as = w.articles()
	w.want("a version", line(len(as), as[3].Relation, as[3].Of, as[3].Story == as[0].Story), line(4, "version", as[0].ID, true))
	w.want("alerts", line(w.alerts()), told)
}

// A process that has run for months decides as one that begins now: what has left the window is in the memory of neither.
func months(w *world) {
	old, one := prose(1, 120), prose(2, 120)
	_, early := w.publish("a", "old", old)
	for i := range 90 {
		w.add(24 * time.Hour)
		w.publish("b", fmt.Sprint("day-", i), prose(int64(100+i), 80))
	}
	window := int(w.process.Window / (24 * time.Hour))
	if n := w.process.Index.Len(); n > window+1 {
		w.Errorf("%d articles are in the index after 90 days of one a day; its window has %d", n, window)
	}
	_, first := w.publish("c", "one", one)
	w.add(time.Hour)
	_, late := w.publish("d", "old-again", old)
	w.want("what left the window is forgotten", late != early, true)
	before := w.process.Index.Len()
	w.loops(w.store) // a process that begins now
	w.add(time.Hour)
	_, again := w.publish("e", "one-again", one)
	w.want("a copy within the window", again, first)
	_, newest := w.publish("f", "old-once-more", old)
	w.want("a copy of what came back", newest, late)
	if n := w.process.Index.Len(); n < before || n > before+2 {
		w.Errorf("%d articles in the index of a new process, %d in that of the old one", n, before)
	}
}
