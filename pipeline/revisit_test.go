package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers"
)

// What a look at a page that was read before leaves behind, on every database.
func TestRevisit(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				f    func(*world)
			}{
				{"schedule", revisitSchedule}, {"off", revisitsOff}, {"unchanged", unchangedPage}, {"no change", noChange}, {"new wording", newWording},
				{"new match", newMatch}, {"updates", updatesAsked}, {"the rule holds no more", lapsedRule}, {"the rule has expired", expiredRule}, {"what is said of a rule", saidOfRule}, {"quiet", quietVersion}, {"gone", gonePage},
				{"not to be had", missedLooks}, {"paywall", stubLater}, {"less than half", lessThanHalf}, {"leads elsewhere", leadsElsewhere},
				{"better extractor", improvedExtractor}, {"learned meanwhile", learnedMeanwhile}, {"feed says so", feedSaysSo}, {"fresh first", freshFirst},
				{"process dies", diesLooking}, {"host wants patience", patientLooks}, {"matcher panics", panickingLook},
			} {
				t.Run(part.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.process.Revisit = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
					w.process.Rand = func() float64 { return .5 }
					w.updates = map[string]bool{"boats": true}
					w.rule("arms missile", "boats frigate")
					part.f(w)
				})
			}
		})
	}
}

// read lets a page be read for the first time.
func (w *world) read(body string) {
	w.Helper()
	w.pages[link] = answer{title: "A launch", body: body}
	w.list("a", w.entry(link, "A launch", ""))
	w.want("articles", w.run(w.process), 1)
	w.forget()
}

// look moves the clock to the item's next visit and lets it happen.
func (w *world) look() {
	w.Helper()
	w.add(w.item().Visit.Sub(w.now()))
	w.run(w.process)
}

// outcomes are what processing reported since forget, without the hosts.
func (w *world) outcomes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.events {
		if f := strings.Fields(e); f[0] == "process" {
			out = append(out, f[len(f)-1])
		}
	}
	return strings.Join(out, " ")
}

// kinds are all deliveries as "kind rule", the oldest first.
func (w *world) kinds() []string {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	out := make([]string, len(ds))
	for i, d := range ds {
		out[len(ds)-1-i] = d.Alert.Kind + " " + d.Alert.Rule
	}
	return out
}

// A page is looked at again at its ages, and not more often.
func revisitSchedule(w *world) {
	w.read(story)
	born := w.item().FirstSeen
	for _, age := range w.process.Revisit {
		w.want("next visit", w.item().Visit.Sub(born), age)
		w.add(w.item().Visit.Sub(w.now()) - time.Millisecond)
		w.run(w.process)
		w.want("requests before it is due", len(w.requested), 0)
		w.add(time.Millisecond)
		w.run(w.process)
		w.want("requests", len(w.requested), 1)
		w.forget()
	}
	w.want("no more", w.item().Visit.IsZero(), true)
	w.add(1000 * time.Hour)
	w.want("due", w.run(w.process), 0)
	w.want("requests", len(w.requested), 0)

	// After a standstill there is one look, and then the next age that is still to come.
	w.pages[link2] = answer{title: "A second", body: prose(9, 90)}
	e := w.entry(link2, "A second", "")
	w.list("a", e)
	w.run(w.process)
	w.forget()
	w.add(10 * time.Hour)
	w.run(w.process)
	w.want("requests", len(w.requested), 1)
	w.want("next visit", w.items()[1].Visit.Sub(e.Published).Round(time.Minute), 24*time.Hour)

	// An article found late has an age; one without a page has nothing to look at.
	const old, none = "http://c.example/old", "http://d.example/none"
	w.pages[old] = answer{title: "Old", body: prose(10, 90)}
	late, noLink := w.entry(old, "Old", ""), w.entry("", "No link", "Its text is all there is of it.")
	noLink.GUID, late.Published = none, w.now().Add(-50*time.Minute)
	w.list("a", late, noLink)
	w.run(w.process)
	its := w.items()
	w.want("ten minutes later is not worth it", its[2].Visit.Sub(late.Published), 6*time.Hour)
	w.want("no link", its[3].Visit.IsZero(), true)
}

func revisitsOff(w *world) {
	w.read(story)
	w.process.Revisit = nil
	w.add(48 * time.Hour)
	w.run(w.process)
	w.want("requests", len(w.requested), 0)
}

// A page that is the same by its validators costs one request and no row.
func unchangedPage(w *world) {
	w.pages[link] = answer{title: "A launch", body: story, etag: `"1"`}
	w.list("a", w.entry(link, "A launch", ""))
	w.run(w.process)
	w.forget()
	w.look()
	w.want("outcome", w.outcomes(), "unchanged")
	w.want("requests", len(w.requested), 1)
	w.want("articles", len(w.articles()), 1)
	w.want("item", w.state(w.item()), "done attempts=0 article")
	// So does one that has new validators and the same text; the new ones count from then on.
	w.pages[link] = answer{title: "A launch", body: story, etag: `"2"`}
	w.look()
	w.want("validator", w.item().ETag, `"2"`)
	w.want("outcomes", w.outcomes(), "unchanged unchanged")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// What is not the author's doing is no version.
func noChange(w *world) {
	w.read("Updated at 14:05 GMT\n\n" + story)
	for _, body := range []string{
		"Updated at 15:10 GMT\n\n" + story,
		"Updated at 14:05 GMT\n\n " + strings.ReplaceAll(strings.ToUpper(story), " ", "  ") + "!",
	} {
		w.pages[link] = answer{title: "A Launch", body: body}
		w.look()
	}
	w.want("outcomes", w.outcomes(), "unchanged unchanged")
	w.want("articles", len(w.articles()), 1)
}

// Another wording is kept, and nobody is told.
func newWording(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: strings.Replace(story, "missile", "missile, seen by many,", 1)}
	w.look()
	w.want("outcome", w.outcomes(), "version")
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("version", line(as[1].Relation, as[1].Of == as[0].ID, as[1].Story == as[0].Story, w.item().Article == as[1].ID), "version true true true")
	w.want("alerts", w.kinds(), "[match arms]")
	vs, err := w.store.Versions(w.Context(), as[0].ID)
	w.ok(err)
	w.want("versions", len(vs), 2)
	if removed, added := pipeline.Updated(&vs[0], &vs[1]).Removed, pipeline.Updated(&vs[0], &vs[1]).Added; removed != 0 || added != 3 {
		w.Errorf("%d words removed, %d added", removed, added)
	}
	// The next look compares with the new text.
	w.look()
	w.want("outcomes", w.outcomes(), "version unchanged")
}

// A version that brings a rule's match for the first time alerts.
func newMatch(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: story + " A frigate was near."}
	w.look()
	w.want("alerts", w.kinds(), "[match arms match boats]")
	w.look()
	w.want("alerts", w.kinds(), "[match arms match boats]")
	w.want("woken", w.woken, 2)
}

// A rule that asks for it is told what a version changes, once a version, in the channels that were told first.
func updatesAsked(w *world) {
	w.routes["boats"] = []string{"desk", "hook"}
	w.read(story + " A frigate was near.")
	w.routes["boats"] = []string{"hook", "new"} // of which only one was told
	w.pages[link] = answer{title: "A late launch", body: story + " A frigate was far."}
	w.look()
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk boats story:1 hook boats article:1 hook]")
	w.want("kinds", w.kinds(), "[match arms match boats match boats update boats]")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Channel: "hook"})
	w.ok(err)
	u := ds[0].Alert.Update
	w.want("update", line(ds[0].Alert.Seq, u.Version, u.UID == ds[1].UID, u.Told.Equal(ds[1].Created), u.Removed, u.Added, u.Lapsed), "2 2 true true 1 2 false")
	w.want("its title", u.Title, "[{same A } {added late } {same launch}]")
	w.want("its words", u.Body[1:], "[{removed near.} {added far.}]")
	w.look() // unchanged
	w.pages[link] = answer{title: "A late launch", body: story + " A frigate was very far."}
	w.look()
	w.want("kinds", w.kinds(), "[match arms match boats match boats update boats update boats]")

	// The message says the same at every attempt.
	hook := &channel{next: []error{nil, errDown}}
	var said []string
	hook.do = func(_ context.Context, d pipeline.Delivery) { said = append(said, fmt.Sprint(d.UID, d.Alert.Update)) }
	w.channels["hook"] = hook
	w.run(w.deliver)
	w.add(time.Hour)
	w.run(w.deliver)
	w.want("took", len(hook.took), 3)
	w.want("the same", said[1], said[2])
}

// That the new version lost the match is an update, too.
func lapsedRule(w *world) {
	w.read(story + " A frigate was near.")
	w.pages[link] = answer{title: "A launch", body: story + " Nothing was near."}
	w.look()
	w.want("kinds", w.kinds(), "[match arms match boats update boats]")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	w.want("lapsed", line(ds[0].Alert.Update.Lapsed, len(ds[0].Alert.Spans)), "true 0")
}

// A rule that has expired tells nothing anew, neither a match nor an update nor that it holds no more; what it matches is stored all the same,
// and it may be given more time.
func expiredRule(w *world) {
	w.silent = map[string]bool{"arms": true}
	w.read(story + " A frigate was near.")
	w.want("kinds", w.kinds(), "[match boats]")
	w.want("matches", w.matches(1), "[arms boats]")
	w.silent["boats"] = true
	w.pages[link] = answer{title: "A launch", body: story + " A frigate was far."}
	w.look()
	w.pages[link] = answer{title: "A launch", body: story + " Nothing was near."}
	w.look()
	w.want("kinds", w.kinds(), "[match boats]")
	w.silent = nil
	w.pages[link] = answer{title: "A launch", body: story + " A frigate was nearer."}
	w.look()
	w.want("kinds", w.kinds(), "[match boats match arms update boats]")
}

// What is said of a rule is what was said when its alert was raised, an update's being of its own time.
func saidOfRule(w *world) {
	w.about = map[string]pipeline.About{"boats": {Severity: "low", Tags: []string{"sea"}, Note: "first"}}
	w.read(story + " A frigate was near.")
	w.about["boats"] = pipeline.About{Severity: "high", Note: "second"}
	w.pages[link] = answer{title: "A launch", body: story + " Nothing was near."}
	w.look()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	w.want("of the update", ds[0].Alert.About, "{high [] second}")
	w.want("of the match", ds[1].Alert.About, "{low [sea] first}")
}

// What came quietly stays quiet, new matches and updates alike.
func quietVersion(w *world) {
	w.read(story)
	w.pages[link2] = answer{title: "Another", body: prose(5, 80) + " A frigate was near."}
	w.feeds["b"] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{{GUID: link2, URL: link2, Title: "Another"}}}}
	w.sync("a", "b")
	w.due("b")
	w.run(w.poll) // undated, and on the first poll: the baseline is quiet
	w.run(w.process)
	it := w.items()[1]
	w.want("quiet", it.Quiet, true)
	w.pages[link2] = answer{title: "Another", body: prose(5, 80) + " A frigate was near. So was a missile."}
	w.add(it.Visit.Sub(w.now()))
	w.run(w.process)
	w.want("articles", len(w.articles()), 3)
	w.want("matches", w.matches(3), "[arms boats]")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// A page that is gone is noted on its article; one that came back is there again.
func gonePage(w *world) {
	w.read(story)
	w.pages[link] = answer{err: status404()}
	w.look()
	w.want("outcome", w.outcomes(), "withdrawn")
	since := w.articles()[0].Withdrawn
	w.want("since", since, w.now())
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.pages[link] = answer{title: "A launch", body: story}
	w.look()
	w.want("back", w.articles()[0].Withdrawn.IsZero(), true)
	w.pages[link] = answer{err: &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}}
	w.look()
	w.want("gone", w.articles()[0].Withdrawn, w.now())
	w.want("no more looks", w.item().Visit.IsZero(), true)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	w.want("articles", len(w.articles()), 1)
}

// A page that cannot be had waits for its next age, and changes nothing.
func missedLooks(w *world) {
	w.read(story)
	for _, err := range []error{errDown, &pipeline.Failure{Verdict: pipeline.Final, Reason: "robots", Err: errors.New("forbidden")}, later(time.Hour)} {
		w.pages[link] = answer{err: err}
		w.look()
		w.want("item", w.state(w.item()), "done attempts=0 article")
	}
	w.want("outcomes", w.outcomes(), "missed missed missed")
	w.want("requests", len(w.requested), 3)
	w.want("articles", len(w.articles()), 1)
	w.want("withdrawn", w.articles()[0].Withdrawn.IsZero(), true)
}

// A stub never takes a text's place, and no 304 of it hides the text when it is back.
func stubLater(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: "Subscribe to read about the frigate.", paywalled: true, etag: `"stub"`}
	w.look()
	w.want("outcome", w.outcomes(), "stub")
	w.want("articles", len(w.articles()), 1)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	w.pages[link] = answer{title: "A launch", body: ""}
	w.look()
	w.want("outcomes", w.outcomes(), "stub stub")
	w.want("validator", w.item().ETag, "")
	w.pages[link] = answer{title: "A launch", body: story + " More is known.", etag: `"stub"`}
	w.look()
	w.want("outcomes", w.outcomes(), "stub stub version")
}

// A text that lost most of its words counts when it is still like that at the next look, which comes soon.
func lessThanHalf(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: "This article was taken back by its editors."}
	w.look()
	w.want("outcome", w.outcomes(), "doubtful")
	w.want("articles", len(w.articles()), 1)
	at := w.now()
	w.look()
	w.want("soon", w.now().Sub(at), 30*time.Minute)
	w.want("outcomes", w.outcomes(), "doubtful version")
	w.want("articles", len(w.articles()), 2)

	// One that was half built is forgotten.
	w.pages[link] = answer{title: "A launch", body: "Loading."}
	w.look()
	w.pages[link] = answer{title: "A launch", body: "This article was taken back by its editors."}
	w.look()
	w.want("outcomes", w.outcomes(), "doubtful version doubtful unchanged")
	w.want("doubt", w.item().Doubt, 0)
}

// An address that leads to another article now changes neither.
func leadsElsewhere(w *world) {
	w.read(story)
	w.pages[link2] = answer{title: "A launch of another kind", body: prose(20, 100) + " frigate"}
	w.list("a", w.entry(link2, "A launch of another kind", ""))
	w.run(w.process)
	w.forget()
	w.pages[link] = answer{title: "A launch of another kind", body: prose(20, 100) + " frigate", final: link2, etag: `"other"`}
	w.add(w.items()[0].Visit.Sub(w.now()))
	w.process.Revisit = w.process.Revisit[:1]
	w.run(w.process)
	if got := w.outcomes(); !strings.Contains(got, "missed") || strings.Contains(got, "version") {
		w.Errorf("outcomes %s", got)
	}
	w.want("validator", w.items()[0].ETag, "")
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("stories", as[0].Story != as[1].Story, true)
}

// An extractor that reads the same page better makes no versions: the pages are compared as it reads them now.
func improvedExtractor(w *world) {
	w.read("Related: ten things about launches that nobody told you before\n\n" + story)
	better := w.process.Extract
	w.process.Extract = func(p *pipeline.Page) (pipeline.Article, error) {
		a, err := better(p)
		if i := strings.Index(a.Body, story[:20]); i > 0 {
			a.Body = a.Body[i:]
			a.Blocks = paragraphs(a.Body)
		}
		return a, err
	}
	w.look()
	w.want("outcome", w.outcomes(), "unchanged")
	w.want("articles", len(w.articles()), 1)
	w.pages[link] = answer{title: "A launch", body: "Related: something else that is said to be related to launches\n\n" + story}
	w.look()
	w.want("outcomes", w.outcomes(), "unchanged unchanged")
	w.pages[link] = answer{title: "A launch", body: story + " More is known."}
	w.look()
	w.want("outcomes", w.outcomes(), "unchanged unchanged version")
}

// Nor does a block that was learned as boilerplate after the article was stored.
func learnedMeanwhile(w *world) {
	const appeal = "Our newsroom lives by its readers alone: give what you can, today."
	w.read(story + "\n\n" + appeal)
	a := pipeline.Article{Title: "x", Body: appeal, Blocks: paragraphs(appeal)}
	var prints []pipeline.Print
	if prints = pipeline.Prints(&a); len(prints) != 1 {
		w.Fatalf("%d prints", len(prints))
	}
	l, ok, err := w.store.Acquire(w.Context(), "process", "x", "me", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("lease", ok, true)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error {
		return tx.LearnBlock(pipeline.LearnedBlock{Site: "a.example", Hash: prints[0].Hash, Stories: 9, Of: 9, Text: appeal})
	}))
	w.look()
	w.want("outcome", w.outcomes(), "unchanged")
	w.want("articles", len(w.articles()), 1)
}

// What the feed announces is read at once, and looked at again as before.
func feedSaysSo(w *world) {
	w.read(story)
	e := w.entry(link, "A launch", "")
	w.pages[link] = answer{title: "A launch", body: story + " More is known.", etag: `"2"`}
	w.add(11 * time.Minute)
	w.reopen("a", e)
	w.run(w.process)
	w.want("outcome", w.outcomes(), "version")
	w.look()
	w.want("outcomes", w.outcomes(), "version unchanged")
}

// New items come first: before old pages of their own host, and their hosts before hosts with nothing else.
func freshFirst(w *world) {
	w.read(story)
	const c = "http://c.example/1"
	w.pages[link2] = answer{title: "Second", body: prose(30, 80)}
	w.list("a", w.entry(link2, "Second", ""))
	w.run(w.process)
	w.add(2 * time.Hour) // both are due
	entries := []pipeline.Entry{w.entry(link+"/new", "New one", ""), w.entry(c, "New two", "")}
	w.pages[link+"/new"] = answer{title: "New one", body: prose(31, 80)}
	w.pages[c] = answer{title: "New two", body: prose(32, 80)}
	w.list("a", entries...)
	due, err := w.process.Due(w.Context())
	w.ok(err)
	w.want("hosts", due, "[a.example c.example b.example]")
	w.forget()
	l, ok, err := w.store.Acquire(w.Context(), "process", "a.example", "me", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("lease", ok, true)
	const newest = link + "/newest"
	w.pages[newest] = answer{title: "Newest", body: prose(33, 80)}
	a := w.pages[link]
	a.do = func(context.Context) { // while the old page is looked at, a new item comes
		w.list("a", w.entry(newest, "Newest", ""))
	}
	w.pages[link] = a
	_, err = w.process.Run(w.Context(), l)
	w.ok(err)
	w.want("order", w.requested, fmt.Sprint([]string{link + "/new", link, newest}))
}

// A page that ends the process each time is not looked at for ever.
func diesLooking(w *world) {
	w.read(story)
	w.pages[link] = answer{err: errors.New("dies")}
	w.add(w.item().Visit.Sub(w.now()))
	for range 6 {
		l, ok, err := w.store.Acquire(w.Context(), "process", "a.example", fmt.Sprint("dead", w.owner), w.now(), w.now().Add(time.Minute))
		w.owner++
		w.ok(err)
		w.want("lease", ok, true)
		its, err := w.store.ClaimRevisits(w.Context(), l, w.now(), 1)
		w.ok(err)
		w.want("claimed", len(its), 1)
		w.add(2 * time.Minute) // the lease runs out with nobody to release it
	}
	w.run(w.process)
	w.want("requests", len(w.requested), 0)
	w.want("visit", w.item().Visit.IsZero(), true)
	w.want("item", w.state(w.item()), "done attempts=0 article")
}

// A host that wants patience is not asked for old pages either; they are looked at when it is over.
func patientLooks(w *world) {
	w.read(story)
	other := link + "/other"
	w.pages[other] = answer{title: "Other", body: prose(40, 80)}
	w.list("a", w.entry(other, "Other", ""))
	w.run(w.process)
	w.forget()
	w.pages[link] = answer{err: later(2 * time.Hour)}
	w.add(time.Hour + 20*time.Minute)
	w.run(w.process)
	w.want("requests", len(w.requested), 1)
	w.want("outcomes", w.outcomes(), "missed missed")
	it := w.items()[1]
	w.want("waits", it.Visit.Sub(w.now()), 2*time.Hour)
	w.add(2 * time.Hour)
	w.run(w.process)
	w.want("requests", len(w.requested), 2)
}

// What panics on the way is a missed look, not a loop.
func panickingLook(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: "panic"}
	w.look()
	w.want("outcome", w.outcomes(), "missed")
	w.pages[link] = answer{title: "A launch", body: story + " More is known.", etag: `"new"`}
	match := w.process.Match
	w.process.Match = func(a *pipeline.Article) []pipeline.Match { panic("no rule for this") }
	w.look()
	w.want("outcomes", w.outcomes(), "missed missed")
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.process.Match = match
	w.look()
	w.want("outcomes", w.outcomes(), "missed missed version")
}

// TestRevisitHTTP looks at real pages over real HTTP: validators go out, 304 comes back, and what changed, went, or hid behind a
// paywall leaves what it should.
func TestRevisitHTTP(t *testing.T) {
	type page struct {
		status     int
		etag, body string
	}
	var mu sync.Mutex
	pages := map[string]page{}
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		p, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		code := p.status
		rw.Header().Set("Content-Type", "text/plain")
		if p.etag != "" {
			rw.Header().Set("ETag", p.etag)
		}
		if p.etag != "" && r.Header.Get("If-None-Match") == p.etag {
			code = http.StatusNotModified
		}
		if r.URL.Path != "/robots.txt" {
			seen = append(seen, fmt.Sprint(r.URL.Path, " ", code))
		}
		rw.WriteHeader(code)
		if code == 200 {
			fmt.Fprint(rw, p.body)
		}
	}))
	defer srv.Close()
	set := func(path string, p page) {
		mu.Lock()
		defer mu.Unlock()
		pages[path] = p
	}
	client, err := scrapers.NewClient(scrapers.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	w := newWorld(t, databases[0].dsn(t))
	w.process.Pages = &scrapers.Pages{Client: client}
	w.process.Revisit = []time.Duration{time.Hour}
	w.process.Rand = func() float64 { return .5 }
	w.updates = map[string]bool{"arms": true}
	w.rule("arms missile", "boats frigate")
	var entries []pipeline.Entry
	for i, path := range []string{"/same", "/changed", "/gone", "/stub"} {
		set(path, page{200, `"` + path + `"`, "Headline of " + path + "\n" + prose(int64(50+i), 80) + " missile"})
		entries = append(entries, w.entry(srv.URL+path, "Headline of "+path, ""))
	}
	extract := w.process.Extract
	w.process.Extract = func(p *pipeline.Page) (pipeline.Article, error) {
		a, err := extract(p)
		a.Paywalled = strings.Contains(a.Body, "Subscribe")
		return a, err
	}
	w.list("a", entries...)
	w.want("articles", w.run(w.process), 4)
	seen = nil
	set("/changed", page{200, `"2"`, "Headline of /changed\n" + prose(51, 80) + " missile and frigate"})
	set("/gone", page{status: 410})
	set("/stub", page{200, `"2"`, "Headline of /stub\nSubscribe to read on."})
	w.add(time.Hour)
	w.run(w.process)
	w.want("requests", seen, "[/same 304 /changed 200 /gone 410 /stub 200]")
	w.want("outcomes", w.outcomes(), "stored stored stored stored unchanged version withdrawn stub")
	as := w.articles()
	w.want("articles", len(as), 5)
	w.want("version", line(as[4].Relation, as[4].Of), line("version", as[1].ID))
	w.want("withdrawn", line(as[1].Withdrawn.IsZero(), as[2].Withdrawn.Equal(w.now().Truncate(time.Millisecond))), "true true")
	w.want("alerts", w.kinds(), "[match arms match arms match arms match arms match boats update arms]")
}
