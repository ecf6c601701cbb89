package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// Parts that are well each by itself, together: versions, stories that a person takes apart, events, waits, retention.
func TestCombined(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				f    func(*world)
			}{
				{"pruned pages are not looked at", prunedNotLookedAt}, {"pruned while looked at", prunedWhileLookedAt},
				{"learned after its page was pruned", learnedAfterPrune}, {"withdrawn and listed again", withdrawnAndBack},
				{"versions of what was taken out", splitThenVersion}, {"versions on both sides of a split", splitBetweenVersions},
				{"held alert of what was taken out", splitWhileHeld}, {"once an article, without a link", oncePerLinkless},
				{"once an article, over a split", oncePerOverSplit}, {"once_per and updates switched", switchedRules},
				{"taken out and joined elsewhere", splitThenJoin}, {"a rule that counts, expired, then held", countExpiredHeld},
				{"a silenced match grows", silencedThenGrows}, {"a channel that sleeps is no trouble", asleepIsNoTrouble},
			} {
				t.Run(part.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.process.Revisit = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
					w.process.Rand = func() float64 { return .5 }
					w.rule("arms missile", "boats frigate")
					part.f(w)
				})
			}
		})
	}
}

// pruneAll prunes all that is stored, as retention would that keeps nothing; the bodies too, or pages and blocks alone.
func (w *world) pruneAll(bodies bool) {
	w.Helper()
	now := w.now().Add(time.Second)
	r := store.Retention{Pages: now, Brief: dedup.Brief}
	if bodies {
		r.Bodies, r.Sketches = now, now
	}
	_, err := w.store.Prune(w.Context(), r, false)
	w.ok(err)
}

func (w *world) sendAll() {
	w.Helper()
	if w.channels["desk"] == nil {
		w.channels["desk"] = &channel{}
	}
	w.run(w.deliver)
}

// With nothing left to compare its page with, a look could only take it for changed.
func prunedNotLookedAt(w *world) {
	w.updates = map[string]bool{"arms": true}
	w.read(story)
	w.sendAll()
	w.pruneAll(true)
	w.pages[link] = answer{title: "A launch", body: story + " " + prose(9, 40)}
	w.add(48 * time.Hour)
	w.run(w.process)
	w.want("requests", len(w.requested), 0)
	w.want("no more looks", w.item().Visit.IsZero(), true)
	w.want("articles", len(w.articles()), 1)
	w.want("alerts", w.kinds(), "[match arms]")
}

func prunedWhileLookedAt(w *world) {
	w.read(story)
	w.sendAll()
	w.pages[link] = answer{title: "A launch", body: story + " " + prose(9, 40), do: func(context.Context) { w.pruneAll(true) }}
	w.look()
	w.want("requests", len(w.requested), 1)
	w.want("outcome", w.outcomes(), "unchanged")
	w.want("articles", len(w.articles()), 1)
	w.want("no more looks", w.item().Visit.IsZero(), true)
}

// A block that was learned after the page and its blocks were pruned is no change of the text.
func learnedAfterPrune(w *world) {
	const appeal = "Our newsroom lives by its readers alone: give what you can, today."
	w.read(story + "\n\n" + appeal)
	w.sendAll()
	w.pruneAll(false)
	a := pipeline.Article{Title: "x", Body: appeal, Blocks: paragraphs(appeal)}
	hash := pipeline.Prints(&a)[0].Hash
	l, _, err := w.store.Acquire(w.Context(), "process", "x", "me", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error {
		return tx.LearnBlock(pipeline.LearnedBlock{Site: "a.example", Hash: hash, Stories: 9, Of: 9, Text: appeal})
	}))
	w.pages[link] = answer{title: "A launch", body: story + ".\n\n" + appeal} // the same words, another document
	w.look()
	w.want("outcome", w.outcomes(), "unchanged")
	w.want("articles", len(w.articles()), 1)
}

// A page that was gone and that its feed lists again, as it was, is there.
func withdrawnAndBack(w *world) {
	w.read(story)
	e := w.item().Entry
	w.pages[link] = answer{err: status404()}
	w.look()
	w.want("gone", w.articles()[0].Withdrawn.IsZero(), false)
	w.pages[link] = answer{title: "A launch", body: story}
	w.process.Revisit = nil
	w.reopen("a", e)
	w.run(w.process)
	w.want("articles", len(w.articles()), 1)
	w.want("back", w.articles()[0].Withdrawn.IsZero(), true)
}

// A copy that was taken out and whose page changes: the version joins what was taken out, and is told once, as an update.
func splitThenVersion(w *world) {
	w.updates = map[string]bool{"arms": true}
	w.read(story) // told of this one
	w.pages[link2] = answer{title: "A copy", body: story}
	w.list("b", w.entry(link2, "A copy", ""))
	w.run(w.process)
	as := w.articles()
	part, err := w.store.SplitStory(w.Context(), as[0].Story, as[0].ID) // what was told of goes
	w.ok(err)
	w.pages[link] = answer{title: "A launch", body: story + " A missile more. " + prose(9, 30)}
	for range 2 {
		w.add(w.items()[0].Visit.Sub(w.now()))
		w.run(w.process)
	}
	as = w.articles()
	w.want("version", line(len(as), as[2].Relation, as[2].Of, as[2].Story), line(3, "version", as[0].ID, part))
	w.want("alerts", w.kinds(), "[match arms update arms]")
	w.sendAll()
	ds := w.states("desk")
	for _, d := range ds {
		w.want("story", line(d.Alert.Story.ID, len(d.Alert.Outlets)), line(part, 0))
	}
}

// A person takes the second version out of the story; the third goes on with the second, and who was told of that is told.
func splitBetweenVersions(w *world) {
	w.updates = map[string]bool{"arms": true}
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: story + " A missile more. " + prose(9, 30)}
	w.look()
	as := w.articles()
	part, err := w.store.SplitStory(w.Context(), as[0].Story, as[1].ID)
	w.ok(err)
	w.pages[link] = answer{title: "A launch", body: story + " A missile more. " + prose(9, 30) + " " + prose(10, 40)}
	w.look()
	as = w.articles()
	w.want("version", line(len(as), as[2].Relation, as[2].Of, as[2].Story), line(3, "version", as[1].ID, part))
	w.want("alerts", w.kinds(), "[match arms update arms update arms]")
}

// An alert that is held says of the story that its article is in when it goes out.
func splitWhileHeld(w *world) {
	w.waits = map[string]time.Duration{"desk": time.Hour}
	w.read(story)
	for i, site := range []string{"b", "c"} {
		u := fmt.Sprintf("http://%s.example/1", site)
		w.pages[u] = answer{title: fmt.Sprint("Copy ", i), body: story}
		w.list(site, w.entry(u, "A copy", ""))
		w.run(w.process)
	}
	as := w.articles()
	part, err := w.store.SplitStory(w.Context(), as[0].Story, as[0].ID, as[2].ID)
	w.ok(err)
	var said []string
	w.channels["desk"] = &channel{do: func(_ context.Context, d pipeline.Delivery) {
		for _, o := range d.Alert.Outlets {
			said = append(said, fmt.Sprint(d.Alert.Story.ID, " ", o.Site))
		}
	}}
	w.add(2 * time.Hour)
	w.want("sent", w.run(w.deliver), 1)
	w.want("outlets", said, fmt.Sprintf("[%d c.example]", part))
}

// An item without a link whose text changes is the same article.
func oncePerLinkless(w *world) {
	w.once = map[string]pipeline.OncePer{"arms": pipeline.PerArticle}
	e := pipeline.Entry{GUID: "1", Title: "A launch", Summary: "A missile flew. " + prose(5, 60), Published: w.now()}
	w.list("a", e)
	w.run(w.process)
	e.Summary += " " + prose(6, 30)
	w.reopen("a", e)
	w.run(w.process)
	as := w.articles()
	w.want("version", line(len(as), as[1].Relation), "2 version")
	w.want("alerts", len(w.alerts()), 1)
}

func oncePerOverSplit(w *world) {
	w.once = map[string]pipeline.OncePer{"arms": pipeline.PerArticle}
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: story + " A missile more. " + prose(9, 30)}
	w.look()
	as := w.articles()
	_, err := w.store.SplitStory(w.Context(), as[0].Story, as[1].ID)
	w.ok(err)
	w.pages[link] = answer{title: "A launch", body: story + " A missile more. " + prose(9, 30) + " " + prose(10, 40)}
	w.look()
	w.want("articles", len(w.articles()), 3)
	w.want("alerts", len(w.alerts()), 1)
}

// A rule whose once_per and updates go back and forth tells each version once, and nothing as news again.
func switchedRules(w *world) {
	w.once, w.updates = map[string]pipeline.OncePer{"arms": pipeline.PerEvent}, map[string]bool{"arms": true}
	w.read(story)
	body := story
	var want []string
	for i, per := range []pipeline.OncePer{pipeline.PerArticle, pipeline.PerEvent, pipeline.PerStory, pipeline.PerArticle, ""} {
		w.once["arms"], w.updates["arms"] = per, i%2 == 0
		body += " " + prose(int64(50+i), 30)
		w.pages[link] = answer{title: "A launch", body: body}
		w.reopen("a", w.item().Entry)
		w.run(w.process)
		if i%2 == 0 {
			want = append(want, fmt.Sprint("update ", i+2))
		}
	}
	var got []string
	for _, d := range w.states("desk") {
		got = append(got, fmt.Sprint(d.Alert.Kind, " ", max(d.Alert.Seq, 0)))
	}
	w.want("alerts", got, fmt.Sprint(append([]string{"match 0"}, want...)))
}

// What a person takes out of one story and joins with another leaves the event of the first: else all stories of the two events would be
// one happening, and a rule that is told once an event would keep silent about the one or the other.
func splitThenJoin(w *world) {
	w.once = map[string]pipeline.OncePer{"arms": pipeline.PerEvent}
	for i := range 60 { // what else is in the papers
		w.publish("n", fmt.Sprint(i), prose(int64(300+i), 60))
	}
	const (
		ship = "A missile hit the frigate Sokol off Cape Tarn on Monday night. Admiral Berg said that 17 sailors were hurt and that the ship was towed to Oster."
		lake = "Engineers at Lake Arden called off the test of a missile on Friday because of fog. Minister Holt spoke of a delay of two weeks; the budget stays as it was."
	)
	_, sokol := w.publish("a", "sokol", ship)
	_, arden := w.publish("b", "arden", lake)
	_, wrong := w.publish("c", "wrong", ship+" "+ship) // its reader sees that it is of the lake
	as := w.articles()
	if wrong != sokol {
		_, err := w.store.JoinStories(w.Context(), sokol, wrong)
		w.ok(err)
		w.publish("n", "between", prose(999, 60))
	}
	wrongly := as[len(as)-1].ID
	part, err := w.store.SplitStory(w.Context(), sokol, wrongly)
	w.ok(err)
	_, err = w.store.JoinStories(w.Context(), arden, part)
	w.ok(err)
	event := func(story int64) int64 {
		st, _, err := w.store.Story(w.Context(), story)
		w.ok(err)
		return st.Event
	}
	w.want("events", line(event(sokol), event(arden), event(part)), line(sokol, arden, arden))
	// A process that knew the story before, and one that begins now, put a later report into the event that it is of.
	for i, site := range []string{"d", "e"} {
		_, later := w.publish(site, "later", "Admiral Berg told reporters in Oster that 17 sailors had been hurt on Monday, when the frigate Sokol was struck by a missile near Cape Tarn and had to be towed. "+prose(int64(i), 5+30*i))
		w.want("the later report", event(later), sokol)
		w.loops(w.store)
	}
	told := 0
	for _, d := range w.alerts() {
		if strings.HasPrefix(d, "arms") {
			told++
		}
	}
	w.want("told once an event", told, 2)
}

// Two processes on one PostgreSQL, each with events, that get reports of the same happenings side by side: a report is one story, a rule
// that is told once an event tells no event twice, and what both know afterwards is what a third reads.
func TestTwoProcessesEvents(t *testing.T) {
	dsn := server.Database(t)
	w := newWorld(t, dsn)
	w.rule("arms missile")
	w.once = map[string]pipeline.OncePer{"arms": pipeline.PerEvent}
	const reports, sites = 20, 4
	for s := range sites {
		var es []pipeline.Entry
		for r := range reports {
			u := fmt.Sprintf("http://s%d.example/%d", s, r)
			// Two outlets each share a text; the two texts of a happening share their names.
			body := fmt.Sprintf("missile %s %s", prose(int64(1000+r), 30), prose(int64(5000+10*r+s/2), 60))
			w.pages[u] = answer{title: fmt.Sprintf("Report %d", r), body: body}
			es = append(es, w.entry(u, "T", ""))
		}
		w.list(fmt.Sprint("s", s), es...)
	}
	var wg sync.WaitGroup
	for i, s := range []*store.Store{w.store, openStore(t, dsn, w.now)} {
		p := w.process
		q := &pipeline.Processor{Store: s, Pages: p.Pages, Extract: p.Extract, FeedText: p.FeedText, Match: p.Match, Window: p.Window, Parallel: 3,
			Index: dedup.New(dedup.Options{Window: p.Window}), Events: dedup.NewEvents(dedup.EventOptions{}),
			Backoff: p.Backoff, Attempts: p.Attempts, Now: p.Now, Report: p.Report}
		for h := range sites {
			if h%2 != i {
				continue
			}
			wg.Go(func() {
				key := fmt.Sprintf("s%d.example", h)
				l, ok, err := s.Acquire(t.Context(), "process", key, fmt.Sprint("p", i), w.now(), w.now().Add(time.Hour))
				if err != nil || !ok {
					t.Errorf("%s: %v", key, err)
					return
				}
				if n, err := q.Run(t.Context(), l); err != nil || n != reports {
					t.Errorf("%s: %d stored, %v", key, n, err)
				}
			})
		}
	}
	wg.Wait()
	as := w.articles()
	w.want("articles", len(as), reports*sites)
	stories, events, told := map[string]int64{}, map[int64]bool{}, map[int64]int{}
	for _, a := range as {
		if s, ok := stories[a.Body]; ok && s != a.Story {
			t.Errorf("%s is in story %d, others of its text in %d", a.URL, a.Story, s)
		}
		stories[a.Body] = a.Story
		st, _, err := w.store.Story(t.Context(), a.Story)
		w.ok(err)
		events[st.Event] = true
	}
	for _, d := range w.states("desk") {
		st, _, err := w.store.Story(t.Context(), d.Alert.Story.ID)
		w.ok(err)
		told[st.Event]++
	}
	for e := range events {
		// Two that turned out to be one after both were told stay told twice; that takes a third report, and there is none.
		if told[e] != 1 {
			t.Errorf("event %d was told %d times", e, told[e])
		}
	}
}

// A process that ends after every article, at once and for good, leaves the stories and events of one that lives: its indexes are made anew
// of the store each time.
func TestRestartsChangeNoStory(t *testing.T) {
	type wire struct{ url, title, body string }
	var all []wire
	for r := range 12 {
		body := fmt.Sprintf("missile %s", prose(int64(2000+r), 120))
		for s, text := range []string{body, body, prose(int64(2100+r), 15) + "\n\n" + body, prose(int64(2000+r), 60) + " " + prose(int64(2200+r), 60)} {
			all = append(all, wire{fmt.Sprintf("http://s%d.example/%d", s, r), fmt.Sprintf("Report %d on %d", r, s), text})
		}
	}
	run := func(restart bool) (out []string) {
		w := newWorld(t, databases[0].dsn(t))
		w.rule("arms missile")
		w.once = map[string]pipeline.OncePer{"arms": pipeline.PerEvent}
		for i, x := range all {
			w.pages[x.url] = answer{title: x.title, body: x.body}
			w.list("a", w.entry(x.url, x.title, ""))
			if restart { // a run that took the item up and ended without a word, before or after others
				if i%3 == 0 {
					ctx, cancel := context.WithCancel(t.Context())
					a := w.pages[x.url]
					w.pages[x.url] = answer{do: func(context.Context) { cancel() }}
					l, ok, err := w.store.Acquire(ctx, "process", host(x.url), fmt.Sprint("ended ", i), w.now(), w.now().Add(time.Hour))
					w.ok(err)
					w.want("lease", ok, true)
					if _, err := w.process.Run(ctx, l); err == nil {
						w.Fatal("the run was to end")
					}
					_, err = w.store.TakeOver(t.Context(), func(string) bool { return true })
					w.ok(err)
					w.pages[x.url] = a
				}
				w.loops(w.store)
			}
			w.want("stored", w.run(w.process), 1)
		}
		for _, a := range w.articles() {
			st, _, err := w.store.Story(t.Context(), a.Story)
			w.ok(err)
			out = append(out, line(a.URL, a.Story, st.Event, a.Relation, a.Of))
		}
		return append(out, w.alerts()...)
	}
	lives, ends := run(false), run(true)
	if !slices.Equal(lives, ends) {
		for i := range lives {
			if i < len(ends) && lives[i] != ends[i] {
				t.Errorf("%s; after restarts %s", lives[i], ends[i])
			}
		}
		t.Errorf("%d lines, after restarts %d", len(lives), len(ends))
	}
}

const convoy = "missile parts left the depot at night on six trucks, said two drivers who had seen the papers, and reached the coast before dawn. " +
	"Neither the owner of the depot nor the port would say who had ordered them, and the ministry did not answer calls."

// carries lets a site carry the convoy's report, as the feed a lists it.
func (w *world) carries(site string) {
	w.Helper()
	u := "http://" + site + "/convoy"
	w.pages[u] = answer{title: "Convoy seen at the coast", body: convoy}
	w.list("a", w.entry(u, "Convoy seen at the coast", ""))
	w.want("stored", w.run(w.process), 1)
}

// A rule that counts tells nobody while it is expired. When it is taken up again the next article tells of all that came; the message waits
// for a digest, says then how the story has grown, and keeps its text from retention for so long. An article that a person takes out of
// the story meanwhile is told of all the same, and the story is not told of again.
func countExpiredHeld(w *world) {
	w.when = map[string]*pipeline.When{"arms": {N: 2, By: pipeline.CountSources, Within: 24 * time.Hour, Of: pipeline.CountStory}}
	w.follow = map[string]pipeline.Updates{"arms": {Outlets: 1}}
	w.silent = map[string]bool{"arms": true}
	morning, err := pipeline.ParseCron("0 8 * * *")
	w.ok(err)
	w.channels["desk"] = &channel{}
	w.deliver.Policy = func(string, string) pipeline.Policy { return pipeline.Policy{Digest: morning} }
	w.list("a") // the baseline
	w.carries("one.example")
	w.carries("two.example")
	w.run(w.deliver)
	w.want("while it is expired", w.alerts(), "[]")
	w.silent = nil
	w.add(time.Minute)
	w.carries("three.example")
	w.run(w.deliver)
	w.want("taken up again", w.alerts(), "[arms story:1 desk]")
	w.add(time.Minute)
	w.carries("four.example")
	w.run(w.deliver)
	ds := w.states("desk")
	// That the story grew is no message of its own: the one that is held will say it.
	w.want("held", line(len(ds), ds[0].State, ds[0].Bundle, ds[0].Alert.Count.Found, len(ds[0].Alert.Outlets)), "1 held digest 3 3")
	w.pruneAll(true)
	_, err = w.store.SplitStory(w.Context(), ds[0].Alert.Story.ID, ds[0].Alert.Article.ID)
	w.ok(err)
	w.moveTo(ds[0].Due)
	w.run(w.deliver)
	took := w.channels["desk"].whole
	w.want("messages", len(took), 1)
	w.want("says", line(took[0].Alert.Kind, took[0].Alert.Article.Body == convoy, took[0].Alert.Count.Found, len(took[0].Alert.Outlets)), "match true 3 0")
	w.carries("five.example")
	w.run(w.deliver)
	for _, d := range w.states("desk")[1:] {
		w.want("once a story", d.Alert.Kind != pipeline.KindMatch, true)
	}
	w.moveTo(w.now().Add(24 * time.Hour))
	w.run(w.deliver)
	w.pruneAll(true)
	for _, a := range w.articles() {
		w.want("told, and forgotten", a.Body, "")
	}
	w.ok(w.store.Check(w.Context()))
}

// What a silence kept from its channel is not told of either when it grows: whoever sends the match by hand reads of all outlets there.
func silencedThenGrows(w *world) {
	w.follow = map[string]pipeline.Updates{"arms": {Outlets: 1}}
	w.channels["desk"] = &channel{}
	silence, err := w.store.AddSilence(w.Context(), pipeline.Silence{Rule: "arms", Created: w.now(), Until: w.now().Add(time.Hour)})
	w.ok(err)
	w.list("a")
	w.carries("one.example")
	w.run(w.deliver)
	d := w.states("desk")[0]
	w.want("silenced", line(d.State, d.Silence == silence.ID), "silenced true")
	w.add(2 * time.Hour)
	w.carries("two.example")
	w.run(w.deliver)
	_, err = w.store.RetryDeliveries(w.Context(), d.ID)
	w.ok(err)
	w.run(w.deliver)
	took := w.channels["desk"].whole
	last := took[len(took)-1]
	for _, x := range took {
		w.want("an update of nothing that was told", x.Alert.Kind, pipeline.KindMatch)
	}
	w.want("by hand", line(last.ID == d.ID, len(last.Alert.Outlets)), "true 1")
	w.ok(w.store.Check(w.Context()))
}

// A channel that is quiet from Friday to Monday is behind with nothing, and what waits for its digest neither.
func asleepIsNoTrouble(w *world) {
	w.operator("ops")
	w.channels["desk"], w.channels["ops"] = &channel{}, &channel{}
	monday := pipeline.Hours{From: 8 * time.Hour, To: 18 * time.Hour, Zone: time.UTC}
	monday.Days[(w.now().Weekday()+3)%7] = true
	w.deliver.Policy = func(string, string) pipeline.Policy { return pipeline.Policy{Hours: []pipeline.Hours{monday}} }
	w.list("a")
	w.carries("one.example")
	watch := &pipeline.WorksWatch{Store: w.store, Now: w.now, Operator: func() []string { return []string{"ops"} }, Channels: func() []string { return []string{"desk", "ops"} }}
	for range 60 {
		w.run(w.deliver)
		w.ok(watch.Once(w.Context()))
		w.add(time.Hour)
	}
	w.want("told", w.told(), "[]")
	w.want("held", w.states("desk")[0].State, pipeline.DeliveryHeld)
	for range 24 {
		w.run(w.deliver)
		w.ok(watch.Once(w.Context()))
		w.add(time.Hour)
	}
	w.want("told", w.told(), "[]")
	w.want("sent", len(w.channels["desk"].took), 1)
}
