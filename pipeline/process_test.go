package pipeline_test

import (
	"context"
	"errors"
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

const (
	link  = "http://a.example/1"
	link2 = "http://b.example/1"
)

var (
	errDown = errors.New("connection refused")
	story   = prose(1, 90) + " missile " + prose(2, 30)
)

// What becomes of an item, on every database.
func TestProcessor(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				f    func(*world)
			}{
				{"page", pageBecomesArticle}, {"channels", channelsOfRules}, {"two failures", twoFailures},
				{"page after the feed's text", pageAfterFallback}, {"final failures", finalFailures}, {"paywall", paywall},
				{"long retry-after", longRetryAfter}, {"short retry-after", shortRetryAfter}, {"not asked is not tried", notAsked},
				{"patience over runs", patienceOverRuns}, {"another page", anotherPage}, {"no link", noLink}, {"extractor panics", extractorPanics}, {"matcher panics", matcherPanics}, {"unreadable", unreadable},
				{"process dies", processDies}, {"process dies of every text", processDiesAlways}, {"quiet", quietItems},
				{"backfill then daemon", backfillThenDaemon}, {"poll while a backfill has it in hand", loudInHand}, {"copies", copies}, {"same text", sameText}, {"versions", versions},
				{"feed text never replaces a page", feedTextYields}, {"feed text with news of its own", feedTextTells},
				{"new feed text of a dead page", newFeedText}, {"last attempt", lastAttempt}, {"lease lost", leaseLost},
				{"store breaks", storeBreaks}, {"canceled", canceledFetch}, {"slices", slicesOfHosts}, {"rejected item keeps its neighbours", neighbours},
				{"merged story", mergedStory}, {"one text shows that two were one", bridge},
				{"one canonical link for all", sameCanonical}, {"two links to one page", twoLinks}, {"stories of one event", oneEvent},
			} {
				t.Run(part.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.rule("arms missile", "boats frigate")
					part.f(w)
				})
			}
		})
	}
}

// A page that comes is the article; it matches, and alerts once per rule and channel.
func pageBecomesArticle(w *world) {
	w.pages[link] = answer{title: "A launch", body: story + " frigate"}
	w.list("a", w.entry(link, "A launch", "short"))
	w.want("stored", w.run(w.process), 1)
	as := w.articles()
	if len(as) != 1 {
		w.Fatalf("%d articles", len(as))
	}
	a := as[0]
	w.want("article", line(a.Source, a.Relation, a.Title, a.Feed, a.Site, a.Body == story+" frigate"), "page new A launch a a.example true")
	w.want("published comes from the feed", a.Published, w.items()[0].Entry.Published)
	w.want("matches", w.matches(a.ID), "[arms boats]")
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk]")
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.want("delivering is woken", w.woken, 1)
	p, err := w.store.Page(w.Context(), a.ID)
	w.ok(err)
	w.want("raw page kept", string(p.Body), "A launch\n"+story+" frigate")
	w.want("nothing is left", w.run(w.process), 0)
	ms, err := w.store.Matches(w.Context(), store.MatchFilter{Article: a.ID, Rule: "arms"})
	w.ok(err)
	for _, s := range ms[0].Spans {
		w.want("span", a.Body[s.Start:s.End], "missile")
	}
}

// Every channel of a rule gets its delivery; a rule without channels is matched and told to nobody.
func channelsOfRules(w *world) {
	w.routes["arms"], w.routes["boats"] = []string{"desk", "phone"}, nil
	w.pages[link] = answer{title: "A launch", body: story + " frigate"}
	w.list("a", w.entry(link, "A launch", ""))
	w.run(w.process)
	w.want("deliveries", w.alerts(), "[arms story:1 desk arms story:1 phone]")
	w.want("matches", w.matches(1), "[arms boats]")
	c, err := w.store.Counts(w.Context())
	w.ok(err)
	w.want("alerts", c.Alerts, 2) // the one of "boats" too: should the rule get a channel later, old news is not told again
}

// After two failures the feed's own text is the article, marked, matched and told. The page is tried on.
func twoFailures(w *world) {
	w.pages[link] = answer{err: errDown}
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	w.want("first attempt stores", w.run(w.process), 0)
	w.want("item", w.state(w.item()), "open attempts=1")
	w.want("error", w.item().Error, errDown.Error())
	w.want("not before its time", w.run(w.process), 0)
	w.want("requests", len(w.requested), 1)
	w.add(time.Minute)
	w.want("second attempt stores", w.run(w.process), 1)
	w.want("item", w.state(w.item()), "open attempts=2 article fallback")
	a := w.articles()[0]
	w.want("article", line(a.Source, a.Why, a.Body), "feed failed A missile flew.")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// The page that comes later is a version of the feed's text. It does not alert again, except for what only it says.
func pageAfterFallback(w *world) {
	w.pages[link] = answer{err: errDown}
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	w.run(w.process)
	w.add(time.Minute)
	w.run(w.process)
	w.pages[link] = answer{title: "A launch", body: story + " frigate", canonical: "http://a.example/launch"}
	w.add(4 * time.Minute)
	w.want("stored", w.run(w.process), 1)
	as := w.articles()
	w.want("versions", len(as), 2)
	w.want("version", line(as[1].Source, as[1].Relation, as[1].Of == as[0].ID, as[1].Story == as[0].Story), "page version true true")
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk]")
	w.want("item", w.state(w.item()), "done attempts=2 article")
	w.want("its article", w.item().Article, as[1].ID)
}

// What will not get better by trying is dead at once, with the feed's text.
func finalFailures(w *world) {
	for i, reason := range []string{"status 404", "status 410", "robots", "too large"} {
		verdict := pipeline.Final
		if reason == "status 410" {
			verdict = pipeline.Gone
		}
		u := fmt.Sprintf("http://a.example/%d", i)
		w.pages[u] = answer{err: &pipeline.Failure{Verdict: verdict, Reason: reason, Err: errors.New(reason + " says the site")}}
		w.list("a", w.entry(u, "Title "+reason, fmt.Sprintf("Missile number %d. %s", i, prose(int64(10+i), 40))))
		w.want("stored", w.run(w.process), 1)
		a := w.articles()[i]
		w.want("article", line(a.Source, a.Why), "feed "+reason)
		it := w.items()[i]
		w.want("item", w.state(it), "dead attempts=1 article fallback")
		w.want("error", it.Error, reason+" says the site")
	}
	w.want("alerts", len(w.alerts()), 4)
	w.add(1000 * time.Hour)
	w.forget()
	w.run(w.process)
	w.want("requests", len(w.requested), 0)
}

// A page that shows less than the feed gives way to the feed; what was removed from the page stays with it.
func paywall(w *world) {
	w.pages[link] = answer{title: "A launch", body: "Subscribe to read on.", paywalled: true}
	w.list("a", w.entry(link, "A launch", "A missile flew over the valley and fell into the sea."))
	w.run(w.process)
	a := w.articles()[0]
	w.want("article", line(a.Source, a.Why, a.Paywalled, a.Body), "feed paywall true A missile flew over the valley and fell into the sea.")
	w.want("item", w.state(w.item()), "done attempts=0 article fallback")
	bs, err := w.store.Blocks(w.Context(), a.ID)
	w.ok(err)
	w.want("blocks", len(bs), 2)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	w.pages["http://a.example/2"] = answer{title: "Needs a browser", body: "Enable it."}
	w.list("a", w.entry("http://a.example/2", "Needs a browser", prose(3, 40)))
	w.run(w.process)
	w.want("why", w.articles()[1].Why, "the page shows less than the feed")
}

func later(d time.Duration) error {
	return &pipeline.Failure{Verdict: pipeline.Throttled, Reason: "status 429", After: d, Err: errors.New("429 Too Many Requests")}
}

// A host that asks for more than ten minutes: the feed's text speaks at once for all of its items, and only one was asked for.
// What a host asked for holds for what its feeds bring later, run after run.
func patienceOverRuns(w *world) {
	w.pages[link] = answer{err: later(time.Hour)}
	w.list("a", w.entry(link, "Title one", "Missile. "+prose(20, 40)))
	w.run(w.process)
	for i := range 3 {
		w.add(time.Minute)
		u := fmt.Sprintf("http://a.example/new-%d", i)
		w.pages[u] = answer{title: "T", body: prose(3, 40)}
		w.list("a", w.entry(u, fmt.Sprint("Later ", i), "Missile. "+prose(int64(30+i), 40)))
		w.run(w.process)
	}
	w.want("requested", len(w.requested), 1)
	w.want("alerts", len(w.alerts()), 4)
	w.add(time.Hour)
	w.run(w.process)
	w.want("after the hour", len(w.requested) > 1, true)
}

// A page that answers 200 and shows something else is no article: it is tried again, then the feed's text speaks.
func anotherPage(w *world) {
	w.pages[link] = answer{title: "Are you a robot?", body: "Please check the box below to continue. " + prose(9, 30)}
	w.list("a", w.entry(link, "Freighter carried missile parts overnight", "Short."))
	w.run(w.process)
	w.want("first", w.item().State, pipeline.ItemOpen)
	w.add(time.Hour)
	w.run(w.process)
	w.want("stored", len(w.articles()), 1)
	w.want("source", w.articles()[0].Source, pipeline.SourceFeed)
	w.want("alerts", len(w.alerts()), 1)
}

func longRetryAfter(w *world) {
	var es []pipeline.Entry
	for i := range 6 {
		u := fmt.Sprintf("http://a.example/%d", i)
		w.pages[u] = answer{err: later(time.Hour)}
		es = append(es, w.entry(u, fmt.Sprint("Title ", i), "Missile. "+prose(int64(20+i), 40)))
	}
	w.list("a", es...)
	w.want("stored", w.run(w.process), 6)
	w.want("requested", w.requested, "[http://a.example/0]")
	w.want("alerts", len(w.alerts()), 6)
	for _, it := range w.items() {
		if it.State != pipeline.ItemOpen || !it.Fallback || it.Due.Before(w.now().Add(time.Hour)) {
			w.Errorf("%s is due in %s: %s", it.Entry.URL, it.Due.Sub(w.now()), w.state(it))
		}
	}
	w.add(59 * time.Minute)
	w.run(w.process)
	w.want("before the hour", len(w.requested), 1)
	for _, e := range es {
		w.pages[e.URL] = answer{title: e.Title, body: e.Summary + " " + prose(5, 40)}
	}
	w.add(time.Hour)
	w.run(w.process)
	w.want("after the hour", len(w.requested), 7)
	w.want("alerts", len(w.alerts()), 6)
}

// A host that asks for a little patience gets it, for all of its pages.
func shortRetryAfter(w *world) {
	var es []pipeline.Entry
	for i := range 3 {
		u := fmt.Sprintf("http://a.example/%d", i)
		w.pages[u] = answer{title: "T", body: "Missile. " + prose(int64(30+i), 60)}
		es = append(es, w.entry(u, "T", ""))
	}
	w.pages[link2] = answer{title: "Other host", body: prose(40, 60)}
	first := w.pages[es[0].URL]
	w.pages[es[0].URL] = answer{err: later(3 * time.Minute)}
	w.list("a", append(es, w.entry(link2, "Other host", ""))...)
	w.want("stored", w.run(w.process), 1)
	slices.Sort(w.requested)
	w.want("requested", w.requested, "[http://a.example/0 http://b.example/1]")
	w.pages[es[0].URL] = first
	w.add(3*time.Minute - time.Second)
	w.want("too early", w.run(w.process), 0)
	w.add(time.Second)
	w.want("then", w.run(w.process), 3)
	for _, a := range w.articles() {
		w.want("source", a.Source, "page")
	}
}

// A page that was not asked for, because its host wanted patience, has not failed: however often that happens, it is not dead.
func notAsked(w *world) {
	var es []pipeline.Entry
	for i := range 12 {
		u := fmt.Sprintf("http://a.example/%02d", i)
		w.pages[u] = answer{title: "T", body: "Missile. " + prose(int64(50+i), 60)}
		es = append(es, w.entry(u, "T", ""))
	}
	w.list("a", es...)
	n := 0
	w.process.Parallel = 1
	for u, a := range w.pages { // the host gives one page, then asks for patience, again and again
		a.do = func(context.Context) { n++ }
		w.pages[u] = a
	}
	w.process.Pages = limited{fetcher{w}, &n}
	for range 12 {
		n = 0
		w.run(w.process)
		w.add(13 * time.Hour)
	}
	for _, it := range w.items() {
		if it.State != pipeline.ItemDone || it.Fallback {
			w.Errorf("%s: %s", it.Entry.URL, w.state(it))
		}
	}
}

// limited gives one page, then says "later".
type limited struct {
	fetcher
	n *int
}

func (l limited) Fetch(ctx context.Context, it pipeline.Item) (*pipeline.Page, error) {
	if *l.n >= 1 {
		*l.n++
		return nil, later(time.Minute)
	}
	return l.fetcher.Fetch(ctx, it)
}

// An item without a link is its feed's text, without a request.
func noLink(w *world) {
	e := w.entry("", "A launch", "A missile flew.")
	e.GUID = "tag:1"
	w.list("a", e)
	w.want("stored", w.run(w.process), 1)
	a := w.articles()[0]
	w.want("article", line(a.Source, a.Site, a.URL == "", a.Body), "feed feed:a true A missile flew.")
	w.want("requested", len(w.requested), 0)
	w.want("item", w.state(w.item()), "done attempts=0 article fallback")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// A page on which the extractor panics is a failure of that page; the others of its host are read.
func extractorPanics(w *world) {
	w.pages[link] = answer{title: "T", body: "panic"}
	w.pages["http://a.example/2"] = answer{title: "Second", body: prose(60, 50)}
	w.list("a", w.entry(link, "A launch", "A missile flew."), w.entry("http://a.example/2", "Second", ""))
	w.want("stored", w.run(w.process), 2)
	it := w.items()[0]
	w.want("item", w.state(it), "dead attempts=1 article fallback")
	if !strings.Contains(it.Error, "no page like this was ever seen") {
		w.Errorf("error: %s", it.Error)
	}
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// An article on which the matcher panics does not end the process, nor keep its host's other items waiting.
func matcherPanics(w *world) {
	match := w.process.Match
	w.process.Match = func(a *pipeline.Article) []pipeline.Match {
		if strings.Contains(a.Body, "hostile") {
			panic("no article like this was ever seen")
		}
		return match(a)
	}
	w.pages[link] = answer{title: "T", body: "hostile " + prose(61, 50)}
	w.pages["http://a.example/2"] = answer{title: "T", body: "hostile " + prose(62, 50)}
	w.pages["http://a.example/3"] = answer{title: "Third", body: prose(63, 50)}
	w.list("a", w.entry(link, "A launch", "A missile flew."), w.entry("http://a.example/2", "T", "hostile"), w.entry("http://a.example/3", "Third", ""))
	w.want("stored", w.run(w.process), 2)
	its := w.items()
	w.want("the feed's text stands in", w.state(its[0]), "dead attempts=1 article fallback")
	w.want("neither text can be read", w.state(its[1]), "dead attempts=1")
	w.want("another", w.state(its[2]), "done attempts=0 article")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	for _, it := range its[:2] {
		if !strings.Contains(it.Error, "no article like this was ever seen") {
			w.Errorf("error: %s", it.Error)
		}
	}
}

func unreadable(w *world) {
	w.pages[link] = answer{title: "T", body: "unreadable"}
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	w.run(w.process)
	w.want("item", w.state(w.item()), "dead attempts=1 article fallback")
	w.want("why", w.articles()[0].Why, "unreadable")
}

// crash takes up a host's items as a process does that ends before it is done.
func (w *world) crash(host string) int {
	w.Helper()
	w.owner++
	l, ok, err := w.store.Acquire(w.Context(), "process", host, fmt.Sprint("crash", w.owner), w.now(), w.now().Add(time.Minute))
	w.ok(err)
	if !ok {
		w.Fatalf("%s is not free", host)
	}
	its, err := w.store.ClaimItems(w.Context(), l, w.now(), 10)
	w.ok(err)
	w.add(time.Hour) // nobody renews the lease, and what was in hand waits
	return len(its)
}

// An item with which the process ends is taken up again, but not for ever: then its page is not asked for any more.
func processDies(w *world) {
	w.pages[link] = answer{title: "T", body: story}
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	for range 6 {
		w.want("taken up", w.crash("a.example"), 1)
	}
	w.want("stored", w.run(w.process), 1)
	w.want("requested", len(w.requested), 0)
	w.want("item", w.state(w.item()), "dead attempts=1 article fallback")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	n, err := w.store.RetryItems(w.Context())
	w.ok(err)
	w.want("opened by hand", n, 1)
	w.want("stored", w.run(w.process), 1)
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.want("requested", len(w.requested), 1)
}

// Should the feed's own text be what ends the process, it is given up too.
func processDiesAlways(w *world) {
	w.process.FeedText = func(pipeline.Item) pipeline.Article { panic("read it all the same") }
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	for range 10 {
		w.want("taken up", w.crash("a.example"), 1)
	}
	w.want("stored", w.run(w.process), 0)
	w.want("item", w.state(w.item()), "dead attempts=1")
	w.want("alerts", w.alerts(), "[]")
	if !strings.Contains(w.item().Error, "taken up 10 times without an outcome") {
		w.Errorf("error: %s", w.item().Error)
	}
}

// Quiet items store matches and tell nobody. The story's first loud match is told.
func quietItems(w *world) {
	old := w.entry(link, "A launch", "")
	old.Published = w.now().Add(-48 * time.Hour)
	w.pages[link] = answer{title: "A launch", body: story}
	w.list("a", old)
	w.run(w.process)
	w.want("origin", w.item().Origin, "baseline")
	w.want("matches", w.matches(1), "[arms]")
	w.want("alerts", w.alerts(), "[]")
	w.pages[link2] = answer{title: "A launch, they say", body: story}
	w.list("a", w.entry(link2, "A launch, they say", ""))
	w.run(w.process)
	as := w.articles()
	w.want("one story", as[1].Story, as[0].Story)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// backfill walks what the feed's source lists now, as a run of its own.
func (w *world) backfill(feed string) {
	w.Helper()
	var finds []pipeline.Find
	for _, e := range w.feeds[feed].got.Entries {
		finds = append(finds, pipeline.Find{Entry: e})
	}
	w.walk(&listed{name: feed, finds: finds}, pipeline.Range{Since: w.now().Add(-24 * time.Hour), Until: w.now().Add(time.Minute)})
}

// What a backfill brought quietly, and a poll brings again, is told once.
func backfillThenDaemon(w *world) {
	w.sync("a")
	e := w.entry(link, "A launch", "")
	w.pages[link] = answer{title: "A launch", body: story}
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{e}}}
	w.backfill("a")
	w.want("stored", w.run(w.process), 1)
	w.want("quietly", w.alerts(), "[]")
	w.want("opened again", w.run(w.poll), 1)
	w.run(w.process)
	w.want("loudly", w.alerts(), "[arms story:1 desk]")
	w.want("articles", len(w.articles()), 1)
	w.due("a")
	w.want("known", w.run(w.poll), 0)
	w.backfill("a")
	w.want("nothing to do", w.run(w.process), 0)
	w.want("once", w.alerts(), "[arms story:1 desk]")
}

// A poll that makes an item loud while a backfill's run has it in hand is not lost on it.
func loudInHand(w *world) {
	w.sync("a")
	e := w.entry(link, "A launch", "")
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{e}}}
	w.pages[link] = answer{title: "A launch", body: story, do: func(context.Context) {
		w.pages[link] = answer{title: "A launch", body: story}
		w.run(w.poll)
	}}
	w.backfill("a")
	w.run(w.process)
	w.want("articles", len(w.articles()), 1)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	w.want("item", w.state(w.item()), "done attempts=0 article")
}

// The same text on another site joins the story and alerts no more, except for a rule that only its headline fulfils.
func copies(w *world) {
	w.pages[link] = answer{title: "A launch", body: story}
	w.pages[link2] = answer{title: "A launch seen from a frigate", body: story}
	w.pages["http://c.example/1"] = answer{title: "Another missile", body: prose(70, 120)}
	w.list("a", w.entry(link, "A launch", ""))
	w.run(w.process)
	w.list("b", w.entry(link2, "A launch", ""))
	w.run(w.process)
	w.list("b", w.entry("http://c.example/1", "Another", ""))
	w.run(w.process)
	as := w.articles()
	w.want("stories", line(as[0].Story, as[1].Story, as[2].Story), "1 1 2")
	w.want("relation", as[1].Relation, "identical")
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk arms story:2 desk]")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	w.want("outlets of the first alert", len(ds[2].Alert.Outlets), 1)
}

// reopen makes the feed say that an entry was updated.
func (w *world) reopen(feed string, e pipeline.Entry) {
	w.Helper()
	w.add(time.Hour)
	e.Updated = w.now()
	w.want("opened again", w.list(feed, e), 1)
}

// The same text under the same address again changes nothing.
func sameText(w *world) {
	e := w.entry(link, "A launch", "")
	w.pages[link] = answer{title: "A launch", body: story}
	w.list("a", e)
	w.run(w.process)
	w.reopen("a", e)
	w.run(w.process)
	w.want("articles", len(w.articles()), 1)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.want("requests", len(w.requested), 2)
}

// A text that changed is a version in the same story; only new rules alert.
func versions(w *world) {
	e := w.entry(link, "A launch", "")
	w.pages[link] = answer{title: "A launch", body: story}
	w.list("a", e)
	w.run(w.process)
	w.pages[link] = answer{title: "A launch", body: "Corrected: a frigate and a missile. " + story}
	w.reopen("a", e)
	w.run(w.process)
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("version", line(as[1].Relation, as[1].Of == as[0].ID, as[1].Story == as[0].Story), "version true true")
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk]")
	w.want("its article", w.item().Article, as[1].ID)
}

// Where a page's text is stored, the feed's poorer one adds nothing, and the spans of the matches stay those of the page's text.
func feedTextYields(w *world) {
	e := w.entry(link, "A launch", "The missile of the summary.")
	w.pages[link] = answer{title: "A launch", body: story}
	w.list("a", e)
	w.run(w.process)
	w.pages[link] = answer{err: status404()}
	w.reopen("a", e)
	w.run(w.process)
	w.want("articles", len(w.articles()), 1)
	w.want("item", w.state(w.item()), "dead attempts=1 article fallback")
	ms, err := w.store.Matches(w.Context(), store.MatchFilter{})
	w.ok(err)
	for _, m := range ms {
		for _, s := range m.Spans {
			w.want("span", story[s.Start:s.End], "missile")
		}
	}
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// But when it matches what the page's text does not, it is a version: no keyword is lost to a failing page.
func feedTextTells(w *world) {
	e := w.entry(link, "A launch", "")
	w.pages[link] = answer{title: "A launch", body: story}
	w.list("a", e)
	w.run(w.process)
	w.pages[link] = answer{err: status404()}
	e.Summary = "It was a frigate, the ministry says now."
	w.reopen("a", e)
	w.run(w.process)
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("version", line(as[1].Source, as[1].Relation, as[1].Story == as[0].Story), "feed version true")
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk]")
}

// A page that can never be had, and a feed that goes on writing: its new text is read too.
func newFeedText(w *world) {
	w.pages[link] = answer{err: status404()}
	e := w.entry(link, "A launch", "A missile flew.")
	w.list("a", e)
	w.run(w.process)
	e.Summary = "A missile flew over a frigate."
	w.reopen("a", e)
	w.run(w.process)
	w.want("articles", len(w.articles()), 2)
	w.want("alerts", w.alerts(), "[arms story:1 desk boats story:1 desk]")
}

// After the last attempt an item is dead and listed; by hand it is tried again.
func lastAttempt(w *world) {
	w.pages[link] = answer{err: errDown}
	w.list("a", w.entry(link, "A launch", "A missile flew."))
	for n := 1; n <= 5; n++ {
		w.run(w.process)
		w.want("attempts", w.item().Attempts, n)
		w.add(13 * time.Hour)
	}
	w.run(w.process)
	w.want("requests", len(w.requested), 5)
	dead, err := w.store.Items(w.Context(), store.ItemFilter{State: pipeline.ItemDead})
	w.ok(err)
	w.want("dead", len(dead), 1)
	w.want("item", w.state(dead[0]), "dead attempts=5 article fallback")
	w.want("articles", len(w.articles()), 1)
	w.pages[link] = answer{title: "A launch", body: story}
	n, err := w.store.RetryItems(w.Context(), dead[0].ID)
	w.ok(err)
	w.want("opened by hand", n, 1)
	w.run(w.process)
	w.want("item", w.state(w.item()), "done attempts=0 article")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// A run whose host was taken over while it read stores nothing; who took it over does the work.
func leaseLost(w *world) {
	var thief pipeline.Lease
	w.pages[link] = answer{title: "A launch", body: story, do: func(ctx context.Context) {
		var ok bool
		var err error
		thief, ok, err = w.store.Acquire(ctx, "process", "a.example", "thief", w.now().Add(2*time.Hour), w.now().Add(3*time.Hour))
		if err != nil || !ok {
			w.Errorf("the key could not be taken: %v", err)
		}
	}}
	w.list("a", w.entry(link, "A launch", ""))
	_, err := w.try(w.process)
	if !errors.Is(err, pipeline.ErrLeaseLost) {
		w.Errorf("got %v, want %v", err, pipeline.ErrLeaseLost)
	}
	w.want("articles", len(w.articles()), 0)
	w.want("alerts", w.alerts(), "[]")
	w.want("item", w.state(w.item()), "open attempts=0")
	w.pages[link] = answer{title: "A launch", body: story}
	n, err := w.process.Run(w.Context(), thief)
	w.ok(err)
	w.want("stored", n, 1)
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// breaking is a store whose transactions break at a step, as often as left says.
type breaking struct {
	*store.Store
	step string
	left *int
}

var errBroken = errors.New("no space left on device")

func (b breaking) Write(ctx context.Context, l pipeline.Lease, f func(pipeline.Tx) error) error {
	return b.Store.Write(ctx, l, func(tx pipeline.Tx) error { return f(breakingTx{tx, b}) })
}

type breakingTx struct {
	pipeline.Tx
	b breaking
}

func (t breakingTx) at(step string) error {
	if t.b.step == step && *t.b.left > 0 {
		*t.b.left--
		return errBroken
	}
	return nil
}

func (t breakingTx) InsertArticle(a *pipeline.Article, p *pipeline.Page) (int64, error) {
	if err := t.at("before the article"); err != nil {
		return 0, err
	}
	return t.Tx.InsertArticle(a, p)
}

func (t breakingTx) SaveMatches(id int64, ms []pipeline.Match) error {
	return errors.Join(t.at("after the article"), t.Tx.SaveMatches(id, ms))
}

func (t breakingTx) RaiseAlert(a pipeline.Alert, channels []string) (bool, error) {
	ok, err := t.Tx.RaiseAlert(a, channels)
	return ok, errors.Join(err, t.at("after the alert"))
}

func (t breakingTx) SaveItem(it pipeline.Item) error {
	return errors.Join(t.Tx.SaveItem(it), t.at("after the item"))
}

// Wherever the transaction breaks, all of it is undone, and the item is taken up again as if it had not happened.
func storeBreaks(w *world) {
	for i, step := range []string{"before the article", "after the article", "after the alert", "after the item"} {
		u := fmt.Sprintf("http://a.example/%d", i)
		body := fmt.Sprintf("Missile. %s", prose(int64(80+i), 80))
		w.pages[u] = answer{title: "T", body: body}
		w.list("a", w.entry(u, "T", ""))
		left := 1
		w.process.Store = breaking{w.store, step, &left}
		if _, err := w.try(w.process); !errors.Is(err, errBroken) {
			w.Fatalf("%s: got %v", step, err)
		}
		w.want("articles", len(w.articles()), i)
		w.want("alerts", len(w.alerts()), i)
		it := w.items()[i]
		w.want("item", w.state(it), "open attempts=0")
		w.want("claims", it.Claims, 0) // given back
		w.want("stored", w.run(w.process), 1)
		w.want("alerts", len(w.alerts()), i+1)
		a := w.articles()[i]
		w.want("the index learned nothing of what was undone", a.Relation, "new")
		w.process.Store = w.store
	}
}

// A shutdown while a page is under way is nobody's fault.
func canceledFetch(w *world) {
	ctx, cancel := context.WithCancel(w.Context())
	w.pages[link] = answer{title: "A launch", body: story, do: func(context.Context) { cancel() }}
	w.list("a", w.entry(link, "A launch", ""))
	l, ok, err := w.store.Acquire(w.Context(), "process", "a.example", "me", w.now(), w.now().Add(time.Hour))
	if err != nil || !ok {
		w.Fatal(err)
	}
	if _, err := w.process.Run(ctx, l); !errors.Is(err, context.Canceled) {
		w.Errorf("got %v", err)
	}
	w.want("item", w.state(w.item()), "open attempts=0")
	w.want("articles", len(w.articles()), 0)
}

// A run ends after its slice of time, so that hosts take turns; what is left stays due.
func slicesOfHosts(w *world) {
	w.process.Slice = time.Minute
	var es []pipeline.Entry
	for i := range 12 {
		u := fmt.Sprintf("http://a.example/%02d", i)
		w.pages[u] = answer{title: "T", body: prose(int64(100+i), 40), do: func(context.Context) { w.add(20 * time.Second) }}
		es = append(es, w.entry(u, "T", ""))
	}
	w.list("a", es...)
	w.want("first run", w.run(w.process), 4) // batches of four
	w.want("second run", w.run(w.process), 4)
	w.process.Slice = 0
	w.want("without slices", w.run(w.process), 4)
}

// What one item does does not keep its host's others waiting.
func neighbours(w *world) {
	w.process.Parallel = 3
	var es []pipeline.Entry
	for i := range 9 {
		u := fmt.Sprintf("http://a.example/%d", i)
		switch i % 3 {
		case 0:
			w.pages[u] = answer{title: "T", body: "panic"}
		case 1:
			w.pages[u] = answer{err: errDown}
		case 2:
			w.pages[u] = answer{title: "T", body: "Missile. " + prose(int64(120+i), 60)}
		}
		es = append(es, w.entry(u, "T", fmt.Sprint("Summary ", i, prose(int64(140+i), 20))))
	}
	w.list("a", es...)
	w.want("stored", w.run(w.process), 6)
	for i, it := range w.items() {
		w.want(it.Entry.URL, w.state(it), []string{"dead attempts=1 article fallback", "open attempts=1", "done attempts=0 article"}[i%3])
	}
	w.want("alerts", len(w.alerts()), 3)
}

// A story that was merged into another takes what comes later with it, and alerts no more.
func mergedStory(w *world) {
	w.pages[link] = answer{title: "A launch", body: story}
	w.pages[link2] = answer{title: "Something else", body: "Missile. " + prose(150, 80)}
	w.list("a", w.entry(link, "A launch", ""), w.entry(link2, "Something else", ""))
	w.run(w.process)
	as := w.articles()
	w.ok(w.store.MergeStories(w.Context(), as[0].Story, as[1].Story))
	before := len(w.alerts())
	w.pages["http://c.example/1"] = answer{title: "A launch", body: as[0].Body}
	w.list("c", w.entry("http://c.example/1", "A launch", ""))
	w.run(w.process)
	w.want("story", w.articles()[2].Story, as[1].Story)
	w.want("alerts", len(w.alerts()), before)
}

// A text that holds two others, which overlap, shows that their stories are one; it alerts no more.
func bridge(w *world) {
	begin, middle, end := "Missile. "+prose(160, 85), prose(161, 40), prose(162, 85)+" Missile."
	one, two := begin+" "+middle, middle+" "+end
	for i, body := range []string{one, two, begin + " " + middle + " " + end} {
		u := fmt.Sprintf("http://s%d.example/1", i)
		w.pages[u] = answer{title: fmt.Sprint("Report ", i), body: body}
		w.list(fmt.Sprint("s", i), w.entry(u, "T", ""))
		w.run(w.process)
		w.want("alerts", len(w.alerts()), min(i+1, 2))
	}
	as := w.articles()
	w.want("one story", line(as[0].Story == as[1].Story, as[1].Story == as[2].Story), "true true")
	w.pages["http://s3.example/1"] = answer{title: "Report 3", body: two}
	w.list("s3", w.entry("http://s3.example/1", "T", ""))
	w.run(w.process)
	w.want("it stays one", w.articles()[3].Story, as[0].Story)
	w.want("alerts", len(w.alerts()), 2)
}

// A site that gives all its pages the same canonical link has not published one article: each is told.
func sameCanonical(w *world) {
	for i := range 3 {
		u := fmt.Sprintf("http://a.example/%d", i)
		w.pages[u] = answer{title: fmt.Sprint("Report ", i), body: "Missile. " + prose(int64(170+i), 90), canonical: "http://a.example/news"}
		w.list("a", w.entry(u, "T", ""))
		w.run(w.process)
	}
	w.want("alerts", w.alerts(), "[arms story:1 desk arms story:2 desk arms story:3 desk]")
	for _, a := range w.articles() {
		w.want(a.Title, a.Relation, "new")
	}
}

// Two links that lead to one page by its canonical link are one article, also when its text changed a little in between.
func twoLinks(w *world) {
	body := "Missile. " + prose(180, 90)
	w.pages[link] = answer{title: "Report", body: body, canonical: "http://a.example/report"}
	w.list("a", w.entry(link, "T", ""))
	w.run(w.process)
	w.pages["http://a.example/1?from=feed"] = answer{title: "Report", body: body, canonical: "http://a.example/report"}
	w.pages["http://a.example/short"] = answer{title: "Report, corrected", body: body + " " + prose(181, 10), canonical: "http://a.example/report"}
	w.list("a", w.entry("http://a.example/1?from=feed", "T", ""), w.entry("http://a.example/short", "T", ""))
	w.run(w.process)
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("version", line(as[1].Relation, as[1].Canonical, as[1].Story == as[0].Story), "version http://a.example/report true")
	w.want("alerts", w.alerts(), "[arms story:1 desk]")
}

// Two processes on one PostgreSQL work on the same queues, with copies of one report arriving at both at the same time: a
// report is one story, and each rule alerts once for it.
func TestTwoProcesses(t *testing.T) {
	dsn := server.Database(t)
	w := newWorld(t, dsn)
	w.rule("arms missile")
	const reports, sites = 50, 4
	for r := range reports {
		for s := range sites {
			u := fmt.Sprintf("http://s%d.example/%d", s, r)
			w.pages[u] = answer{title: fmt.Sprintf("Report %d on site %d", r, s), body: fmt.Sprintf("missile %s", prose(int64(1000+r), 80))}
		}
	}
	for s := range sites {
		var es []pipeline.Entry
		for r := range reports {
			u := fmt.Sprintf("http://s%d.example/%d", s, r)
			es = append(es, w.entry(u, "T", ""))
		}
		w.list(fmt.Sprint("s", s), es...)
	}
	other := openStore(t, dsn, w.now)
	var procs []*pipeline.Processor
	for _, s := range []*store.Store{w.store, other} {
		p := w.process
		q := &pipeline.Processor{ // a process of its own: its own index, its own place in the change log
			Store: s, Pages: p.Pages, Extract: p.Extract, FeedText: p.FeedText, Match: p.Match, Index: dedup.New(dedup.Options{Window: p.Window}),
			Window: p.Window, Parallel: 4, Backoff: p.Backoff, Attempts: p.Attempts, Now: p.Now, Report: p.Report}
		procs = append(procs, q)
	}
	var wg sync.WaitGroup
	for i, p := range procs {
		for s := range sites {
			if s%2 != i {
				continue
			}
			wg.Go(func() {
				key := fmt.Sprintf("s%d.example", s)
				l, ok, err := p.Store.(*store.Store).Acquire(t.Context(), "process", key, fmt.Sprint("p", i), w.now(), w.now().Add(time.Hour))
				if err != nil || !ok {
					t.Errorf("%s: %v", key, err)
					return
				}
				if n, err := p.Run(t.Context(), l); err != nil || n != reports {
					t.Errorf("%s: %d stored, %v", key, n, err)
				}
			})
		}
	}
	wg.Wait()
	stories := map[string]int64{}
	as := w.articles()
	if len(as) != reports*sites {
		t.Fatalf("%d articles, want %d", len(as), reports*sites)
	}
	ids := map[int64]bool{}
	for _, a := range as {
		if s, ok := stories[a.Body]; ok && s != a.Story {
			t.Errorf("%s is in story %d, others of its report in %d", a.Title, a.Story, s)
		}
		stories[a.Body] = a.Story
		ids[a.Story] = true
	}
	w.want("stories", len(ids), reports)
	al := w.alerts()
	w.want("alerts", len(al), reports)
	slices.Sort(al)
	w.want("alerts told once", len(slices.Compact(al)), reports)
}

// Reports of one happening in words of their own are stories of one event: a rule that is told once an event tells the first of
// them, and a process that has restarted or runs beside knows it too.
func oneEvent(w *world) {
	w.rule("arms missile", "stories missile")
	w.once = map[string]pipeline.OncePer{"arms": pipeline.PerEvent}
	n := 0
	publish := func(title, body string) pipeline.Article {
		n++
		u := fmt.Sprintf("http://s%d.example/%d", n, n)
		w.pages[u] = answer{title: title, body: body}
		w.list("a", w.entry(u, title, ""))
		w.run(w.process)
		return w.articles()[n-1]
	}
	for i := range 60 { // what else is in the papers
		publish(fmt.Sprint("Notes of day ", i), prose(int64(300+i), 60))
	}
	first := publish("Frigate Sokol hit off Cape Tarn", "A missile hit the frigate Sokol off Cape Tarn on Monday night. Admiral Berg said that 17 sailors were hurt and that the ship was towed to Oster.")
	w.want("relation", first.Relation, "new")
	w.loops(w.store) // another process
	second := publish("Seventeen hurt as missile strikes Sokol", "Admiral Berg told reporters in Oster that 17 sailors had been hurt on Monday, when the frigate Sokol was struck by a missile near Cape Tarn and had to be towed.")
	w.want("second report", line(second.Relation, second.Of == first.ID, second.Story != first.Story), "same_event true true")
	other := publish("Missile test at Lake Arden called off", "Engineers at Lake Arden called off the test of a missile on Friday because of fog. Minister Holt spoke of a delay of two weeks; the budget stays as it was.")
	w.want("another event", other.Relation, "new")
	w.want("alerts", w.alerts(), fmt.Sprintf("[arms event:%d desk stories story:%d desk stories story:%d desk arms event:%d desk stories story:%d desk]",
		first.Story, first.Story, second.Story, other.Story, other.Story))
}
