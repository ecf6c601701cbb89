package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// What polls leave in the store.
func TestPoller(t *testing.T) {
	for _, part := range []struct {
		name string
		f    func(*world)
	}{
		{"known entries", knownEntries}, {"baseline", baseline}, {"empty at first", emptyAtFirst}, {"unchanged", unchanged},
		{"failures", failures}, {"retry-after", feedRetryAfter}, {"unproven", unproven}, {"moved", movedFeed}, {"gone", goneFeed},
		{"partial", partialFeed}, {"emptied", emptiedFeed}, {"panics", feedPanics}, {"removed while polling", removedFeed},
		{"another address while polling", changedFeed}, {"lease lost", pollLeaseLost}, {"polled by another", polledByAnother},
		{"canceled", canceledPoll}, {"odd entries", oddEntries}, {"updated", updatedEntry},
	} {
		t.Run(part.name, func(t *testing.T) {
			w := newWorld(t, databases[0].dsn(t))
			w.sync("a")
			part.f(w)
		})
	}
}

// answers sets what the feed "a" answers, and polls it when it is due.
func (w *world) answers(p pipeline.Polled, err error) pipeline.Feed {
	w.Helper()
	w.feeds["a"] = polled{got: p, err: err}
	w.due("a")
	w.run(w.poll)
	f := w.feed("a")
	if !f.NextPoll.After(w.now()) && f.Retired.IsZero() {
		w.Fatalf("next poll is at %s, now it is %s", f.NextPoll, w.now())
	}
	return f
}

// asked is the feed as it was asked last.
func (w *world) asked() pipeline.Feed { return w.polledAt[len(w.polledAt)-1] }

func (w *world) entries(n int) []pipeline.Entry {
	es := make([]pipeline.Entry, n)
	for i := range es {
		u := fmt.Sprintf("http://a.example/%d", i)
		es[i] = w.entry(u, fmt.Sprint("Title ", i), "")
		es[i].GUID = fmt.Sprint("guid ", i)
	}
	return es
}

// An entry that was seen changes nothing, in whatever order and in whichever feed it comes again.
func knownEntries(w *world) {
	es := w.entries(30)
	w.want("new", w.list("a", es...), 30)
	rand.New(rand.NewSource(1)).Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
	w.want("known", w.list("a", es...), 0)
	w.want("known to another feed", w.list("b", es...), 0)
	for i := range es {
		es[i].GUID = fmt.Sprint("new guid ", i)
	}
	w.want("known by its link", w.list("a", es...), 0)
	w.want("items", len(w.items()), 30)
	w.want("one more", w.list("a", append(es, w.entry("http://a.example/more", "", ""))...), 1)
}

// A feed's first poll tells of nothing older than a day, nor of what has no date. Later polls tell of everything new.
func baseline(w *world) {
	es := w.entries(4)
	es[0].Published = w.now().Add(-25 * time.Hour)
	es[1].Published = time.Time{}
	es[2].Published = w.now().Add(-23 * time.Hour)
	w.list("a", es...)
	w.want("baselined", w.feed("a").Baselined, true)
	more := w.entries(6)[4:]
	more[0].Published = w.now().Add(-25 * time.Hour)
	more[1].Published = time.Time{}
	w.list("a", append(es, more...)...)
	var got []string
	for _, it := range w.items() {
		got = append(got, fmt.Sprint(it.Origin, it.Quiet))
	}
	w.want("items", got, "[baselinetrue baselinetrue pollfalse pollfalse pollfalse pollfalse]")
}

// A first poll that fails is no baseline; one of an empty feed is.
func emptyAtFirst(w *world) {
	w.want("after a failure", w.answers(pipeline.Polled{}, errDown).Baselined, false)
	w.want("after an empty document", w.answers(pipeline.Polled{}, nil).Baselined, true)
	w.want("outcomes", w.events, "[poll a failed poll a ok]")
}

func unchanged(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(2), ETag: `"1"`, LastModified: "Sun"}, nil)
	first := w.feed("a")
	f := w.answers(pipeline.Polled{Unchanged: true}, nil)
	w.want("asked with", line(w.asked().ETag, w.asked().LastModified), `"1" Sun`)
	w.want("kept", line(f.ETag, f.LastModified, f.Entries, f.Failures), `"1" Sun 2 0`)
	w.want("healthy", f.LastOK.After(first.LastOK), true)
	w.want("outcomes", w.events, "[poll a ok poll a unchanged]")
}

// Failures in a row slow a feed down, up to six hours and never off; a good answer brings it back to its rhythm.
func failures(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(1), ETag: `"1"`}, nil)
	ok := w.feed("a").LastOK
	for i, pause := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 6 * time.Hour} {
		f := w.answers(pipeline.Polled{}, errDown)
		w.want("pause", f.NextPoll.Sub(w.now()), pause)
		w.want("failures", line(f.Failures, f.Error), line(i+1, errDown))
		w.want("healthy last", f.LastOK, ok)
	}
	w.want("without validators", w.asked().ETag, "")
	f := w.answers(pipeline.Polled{Entries: w.entries(1)}, nil)
	w.want("recovered", line(f.Failures, f.Error, f.NextPoll.Sub(w.now()) <= 15*time.Minute, f.LastOK.Equal(w.now())), "0  true true")
}

func feedRetryAfter(w *world) {
	f := w.answers(pipeline.Polled{}, later(3*time.Hour))
	w.want("pause", f.NextPoll.Sub(w.now()), 3*time.Hour)
	f = w.answers(pipeline.Polled{}, later(1000*time.Hour))
	w.want("believed for a day", f.NextPoll.Sub(w.now()), 24*time.Hour)
	w.add(24*time.Hour - time.Second)
	n := len(w.polledAt)
	w.run(w.poll)
	w.want("asked too early", len(w.polledAt)-n, 0)
}

// An "unchanged" after a failure proves nothing: it was not asked for.
func unproven(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(1), ETag: `"1"`}, nil)
	ok := w.feed("a").LastOK
	w.answers(pipeline.Polled{}, errDown)
	f := w.answers(pipeline.Polled{Unchanged: true}, nil)
	w.want("state", line(f.Failures, f.Error, f.LastOK.Equal(ok)), line(1, errDown, true))
	w.want("outcomes", w.events, "[poll a ok poll a failed poll a unproven]")
}

// A feed that says three times in a row that it moved is followed, and polled there from then on.
func movedFeed(w *world) {
	const old, there = "http://a.example/feed", "http://new.example/feed"
	for _, to := range []string{there, there, "", there, there} { // forgotten by one answer without
		w.want("address", w.answers(pipeline.Polled{Entries: w.entries(1), MovedTo: to}, nil).Address, old)
	}
	f := w.answers(pipeline.Polled{Entries: w.entries(1), MovedTo: there}, nil)
	w.want("moved", line(f.Address, f.URL, f.MovedTo == ""), line(there, old, true))
	w.answers(pipeline.Polled{Entries: w.entries(1)}, nil)
	w.want("asked at", w.asked().Address, there)
	w.sync("a") // the configuration still names the old address: that is no change
	w.want("still", w.feed("a").Address, there)
}

// A feed that is gone is retired, visibly, and not asked for a week.
func goneFeed(w *world) {
	f := w.answers(pipeline.Polled{}, &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")})
	w.want("retired", line(f.Retired.Equal(w.now()), f.Error), "true 410 Gone")
	w.want("outcomes", w.events, "[poll a gone]")
	w.add(7*24*time.Hour - time.Second)
	w.run(w.poll)
	w.want("asked", len(w.polledAt), 1)
	c, err := w.store.Counts(w.Context())
	w.ok(err)
	w.want("retired feeds", c.Retired, 1)
	w.add(2 * time.Second) // a 410 can be a mistake
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: w.entries(2)}}
	w.run(w.poll)
	w.want("asked again", len(w.polledAt), 2)
	w.want("in use again", w.feed("a").Retired.IsZero(), true)
}

// A document that is cut short brings what it holds, and is asked for whole next time.
func partialFeed(w *world) {
	es := w.entries(5)
	f := w.answers(pipeline.Polled{Entries: es[:3], ETag: `"cut"`, Partial: errors.New("unexpected EOF")}, nil)
	w.want("items", len(w.items()), 3)
	w.want("warning", f.Warning, "broken document, 3 entries saved: unexpected EOF")
	w.want("healthy", line(f.Failures, f.LastOK.Equal(w.now())), "0 true")
	f = w.answers(pipeline.Polled{Entries: es, ETag: `"whole"`}, nil)
	w.want("asked without validators", w.asked().ETag, "")
	w.want("whole", line(len(w.items()), f.Warning == "", f.ETag), `5 true "whole"`)
	w.want("outcomes", w.events, "[poll a partial poll a ok]")
}

// A feed that had entries and has none says so until it has some again.
func emptiedFeed(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(5), ETag: `"1"`}, nil)
	for range 2 {
		f := w.answers(pipeline.Polled{ETag: `"2"`}, nil)
		w.want("warning", line(f.Warning, f.Entries), "had 5 entries, now none 5")
	}
	w.want("asked without validators", w.asked().ETag, "")
	w.want("back", w.answers(pipeline.Polled{Entries: w.entries(1)}, nil).Warning, "")
	w.want("outcomes", w.events, "[poll a ok poll a emptied poll a emptied poll a ok]")
}

// A feed on which the parser panics has failed like any other, and is slowed down like any other.
func feedPanics(w *world) {
	w.feeds["a"] = polled{do: func() { panic("no feed like this was ever seen") }}
	w.run(w.poll)
	f := w.feed("a")
	w.want("failures", f.Failures, 1)
	w.want("pause", f.NextPoll.Sub(w.now()), 15*time.Minute)
	w.want("outcomes", w.events, "[poll a failed]")
}

// A feed that leaves the configuration while it is polled is stored and polled no more; it returns with its state.
func removedFeed(w *world) {
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: w.entries(2), ETag: `"1"`}, do: func() { w.sync("b") }}
	l, ok, err := w.store.Acquire(w.Context(), "poll", "a", "me", w.now(), w.now().Add(time.Minute))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	n, err := w.poll.Run(w.Context(), l)
	w.ok(err)
	w.want("items", n, 2)
	w.ok(w.store.Release(w.Context(), l))
	w.add(time.Hour)
	due, err := w.poll.Due(w.Context())
	w.ok(err)
	w.want("due", due, "[b]")
	w.sync("a", "b")
	w.want("state", line(w.feed("a").ETag, w.feed("a").Baselined), `"1" true`)
}

// A feed that gets another address while it is polled does not take the old one's state with it.
func changedFeed(w *world) {
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: w.entries(2), ETag: `"old"`}, do: func() {
		w.ok(w.store.SyncFeeds(w.Context(), []pipeline.Feed{{Name: "a", Kind: "rss", URL: "http://elsewhere.example/feed"}}))
	}}
	w.run(w.poll)
	f := w.feed("a")
	w.want("state", line(f.Address, f.ETag == "", f.NextPoll.After(w.now())), "http://elsewhere.example/feed true false")
}

func pollLeaseLost(w *world) {
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: w.entries(2), ETag: `"1"`}, do: func() {
		_, ok, err := w.store.Acquire(w.Context(), "poll", "a", "thief", w.now().Add(2*time.Hour), w.now().Add(3*time.Hour))
		if err != nil || !ok {
			w.Fatal(ok, err)
		}
	}}
	if _, err := w.try(w.poll); !errors.Is(err, pipeline.ErrLeaseLost) {
		w.Errorf("got %v", err)
	}
	w.want("stored", line(len(w.items()), w.feed("a").ETag == "", w.feed("a").LastPoll.IsZero()), "0 true true")
}

// Between the look and the lease another process may have polled the feed: it is not asked twice.
func polledByAnother(w *world) {
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: w.entries(1)}}
	w.run(w.poll)
	l, ok, err := w.store.Acquire(w.Context(), "poll", "a", "late", w.now(), w.now().Add(time.Minute))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	n, err := w.poll.Run(w.Context(), l)
	w.ok(err)
	w.want("asked", line(n, len(w.polledAt)), "0 1")
}

// A shutdown while a feed is asked is not the feed's fault.
func canceledPoll(w *world) {
	ctx, cancel := context.WithCancel(w.Context())
	w.feeds["a"] = polled{err: errDown, do: cancel}
	l, ok, err := w.store.Acquire(ctx, "poll", "a", "me", w.now(), w.now().Add(time.Minute))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	if _, err := w.poll.Run(ctx, l); !errors.Is(err, context.Canceled) {
		w.Errorf("got %v", err)
	}
	w.want("failures", w.feed("a").Failures, 0)
}

// Entries without guid, without link, with a guid that others have: each is an item, and is known again.
func oddEntries(w *world) {
	es := []pipeline.Entry{
		{GUID: "same", URL: "http://a.example/1"}, {GUID: "same", URL: "http://a.example/2"}, {URL: "http://a.example/3"},
		{Title: "neither link nor guid"}, {Title: "nor this"}, {GUID: "urn:x", URL: "urn:x", Title: "a name, not an address"},
		{GUID: "tomorrow", URL: "http://a.example/4", Published: w.now().Add(20 * time.Hour)},
	}
	w.want("new", w.list("a", es...), len(es))
	w.want("known", w.list("a", es...), 0)
	for _, it := range w.items() {
		if it.Entry.Published.After(w.now()) {
			w.Errorf("%s is published in the future", it.Entry.GUID)
		}
		if noAddress := it.Canonical == ""; noAddress != (it.Host == pipeline.NoHost) {
			w.Errorf("%s has canonical %q and host %q", it.Entry.GUID, it.Canonical, it.Host)
		}
	}
}

// An entry whose update moved forward is opened again.
func updatedEntry(w *world) {
	w.pages[link] = answer{title: "T", body: prose(200, 50)}
	e := w.entry(link, "T", "")
	w.list("a", e)
	w.run(w.process)
	w.reopen("a", e)
	w.want("item", w.state(w.item()), "open attempts=0 article")
}
