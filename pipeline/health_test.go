package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What the operator's channel is told, on both databases.
func TestOperatorIsTold(t *testing.T) {
	for _, db := range databases {
		for _, part := range []struct {
			name string
			f    func(*world)
		}{
			{"dead feed", deadFeed}, {"gone feed", goneFeedTold}, {"moved feed", movedFeedTold}, {"gone channel", goneChannelTold},
			{"broken site", brokenSiteTold}, {"nobody to tell", nobodyToTell}, {"emptied feed", emptiedFeedTold}, {"quiet feed", quietFeed},
			{"the works", worksTold}, {"late items", lateItemsTold}, {"crash", healthSurvivesCrash}, {"held match", heldMatch},
			{"a network fails", groupedTold}, {"a run that waits for nothing", groupedOnce},
		} {
			t.Run(db.name+"/"+part.name, func(t *testing.T) {
				w := newWorld(t, db.dsn(t))
				w.sync("a")
				w.channels["desk"], w.channels["ops"] = &channel{}, &channel{}
				w.operator("ops")
				part.f(w)
			})
		}
	}
}

func (w *world) operator(names ...string) {
	f := func() []string { return names }
	w.poll.Operator, w.deliver.Operator = f, f
}

// told are the messages for the operator: subject, seq, trouble, whether it is over.
func (w *world) told() []string {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Channel: "ops", Limit: 100})
	w.ok(err)
	out := []string{}
	for _, d := range slices.Backward(ds) {
		if d.Alert.Kind != pipeline.KindHealth {
			continue
		}
		out = append(out, line(d.Alert.Subject, d.Alert.Seq, d.Alert.Health.Trouble, !d.Alert.Health.Over.IsZero()))
		if d.Alert.Article.Title == "" || d.Alert.Health.Text == "" || strings.Contains(d.Alert.Health.Text, "secret") {
			w.Errorf("message %+v", d.Alert)
		}
	}
	return out
}

var feedDown = &pipeline.Failure{Verdict: pipeline.Retry, Reason: "status 503", Err: errors.New("503")}

// A feed is dead when it failed three times in a row and for a day; each death is told once, and its end once.
func deadFeed(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(2)}, nil)
	began := time.Time{}
	for n := range 40 {
		f := w.answers(pipeline.Polled{}, feedDown)
		if n == 0 {
			began = w.now()
			w.want("since", f.FailingSince.Equal(began), true)
		}
		dead := w.now().Sub(began) >= 24*time.Hour
		w.want(fmt.Sprint("after ", n+1, " failures"), len(w.told()) == 1, dead)
	}
	w.want("told", w.told(), "[feed:a 1 dead false]")
	w.answers(pipeline.Polled{Unchanged: true}, nil) // proves nothing: it was asked without validators
	w.want("told", len(w.told()), 1)
	f := w.answers(pipeline.Polled{Entries: w.entries(2)}, nil)
	w.want("since", f.FailingSince.IsZero(), true)
	w.answers(pipeline.Polled{Entries: w.entries(2)}, nil)
	w.want("told", w.told(), "[feed:a 1 dead false feed:a 2 dead true]")
	for range 20 {
		w.answers(pipeline.Polled{}, feedDown)
	}
	w.want("told", w.told(), "[feed:a 1 dead false feed:a 2 dead true feed:a 3 dead false]")
	w.run(w.deliver)
	w.want("sent", w.opsTook(), "[feed:a+feed:a+feed:a]") // nothing ran in between
	w.want("to the desk", len(w.channels["desk"].took), 0)
}

func goneFeedTold(w *world) {
	gone := &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}
	w.answers(pipeline.Polled{}, gone)
	w.answers(pipeline.Polled{}, gone)
	w.answers(pipeline.Polled{}, feedDown) // still gone, as far as anybody knows
	w.want("told", w.told(), "[feed:a 1 gone false]")
	w.answers(pipeline.Polled{Entries: w.entries(2)}, nil)
	w.want("told", w.told(), "[feed:a 1 gone false feed:a 2 gone true]")
}

func movedFeedTold(w *world) {
	for range 5 {
		w.answers(pipeline.Polled{Entries: w.entries(2), MovedTo: "http://user:secret@new.example/feed?key=secret"}, nil)
	}
	w.want("told", w.told(), "[feed:a 1 moved false]")
}

// A channel whose receiver is gone cannot be told of it; the operator's other channels are.
func goneChannelTold(w *world) {
	w.operator("desk", "ops")
	w.channels["desk"].next = []error{nil, &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}}
	w.raise(0, 3, "desk")
	w.run(w.deliver)
	w.want("told", w.told(), "[channel:desk 1 gone false]")
	w.want("waiting", len(w.states("desk")), 3)
	w.channels["desk"] = &channel{next: []error{&pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}}} // a restart
	w.add(time.Hour)
	w.run(w.deliver)
	w.want("told", w.told(), "[channel:desk 1 gone false]")
	w.channels["desk"] = &channel{}
	w.add(time.Hour)
	w.run(w.deliver)
	w.want("told", w.told(), "[channel:desk 1 gone false channel:desk 2 gone true]")
}

func brokenSiteTold(w *world) {
	var names []string
	watch := func() {
		w.Helper()
		s := &pipeline.SiteWatch{Store: w.store, Now: w.now, Tell: func(pipeline.SiteHealth) {}, Operator: func() []string { return names }}
		w.ok(s.Once(w.Context()))
	}
	day := func(good bool) {
		for range 5 {
			w.storeArticle("a.example", good)
		}
		w.add(24 * time.Hour)
		watch()
	}
	for range 20 {
		day(true)
	}
	for range 5 {
		day(false)
	}
	w.want("nobody was to be told", len(w.told()), 0)
	names = []string{"ops"} // who is named later is told of what is broken then
	watch()
	watch()
	w.want("told", w.told(), "[site:a.example 1 broken false]")
	for range 6 {
		day(true)
	}
	w.want("told", w.told(), "[site:a.example 1 broken false site:a.example 2 broken true]")
}

// storeArticle stores an article of a site, with a body or without.
func (w *world) storeArticle(site string, body bool) {
	w.Helper()
	w.owner++
	a := pipeline.Article{Site: site, URL: fmt.Sprint("http://", site, "/", w.owner), Source: pipeline.SourceFeed, Why: pipeline.WhyShort, Seen: w.now(), Relation: "new"}
	if body {
		a.Source, a.Body, a.Date, a.Authors = pipeline.SourcePage, strings.Repeat("word ", 400), "2026-11-22", []string{"A"}
	}
	l, ok, err := w.store.Acquire(w.Context(), "process", site, fmt.Sprint("owner", w.owner), w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("lease", ok, true)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) (err error) {
		if a.Story, err = tx.OpenStory("T", w.now()); err == nil {
			_, err = tx.InsertArticle(&a, nil)
		}
		return err
	}))
	w.ok(w.store.Release(w.Context(), l))
}

func nobodyToTell(w *world) {
	w.operator()
	for range 20 {
		w.answers(pipeline.Polled{}, feedDown)
	}
	w.want("told", len(w.told()), 0)
	w.operator("ops")
	w.answers(pipeline.Polled{}, feedDown)
	w.want("told", w.told(), "[feed:a 1 dead false]")
}

// The process ends between noticing and committing, then after it: the message is there once.
func healthSurvivesCrash(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(1)}, nil)
	gone := &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}
	w.feeds["a"] = polled{err: gone}
	w.due("a")
	broken := &losesPolls{w.store}
	w.poll.Store = broken
	if _, err := w.try(w.poll); !errors.Is(err, errBroken) {
		w.Fatalf("got %v", err)
	}
	w.want("told", len(w.told()), 0)
	w.loops(w.store) // the next process
	w.operator("ops")
	w.run(w.poll)
	w.want("told", w.told(), "[feed:a 1 gone false]")
	w.loops(w.store)
	w.operator("ops")
	w.answers(pipeline.Polled{}, gone)
	w.want("told", w.told(), "[feed:a 1 gone false]")
	w.run(w.deliver)
	w.want("sent", len(w.channels["ops"].took), 1)
}

// losesPolls ends before a poll is committed.
type losesPolls struct{ *store.Store }

func (s *losesPolls) SavePoll(context.Context, pipeline.Lease, pipeline.Feed, []pipeline.Item, ...pipeline.Condition) (int, error) {
	return 0, errBroken
}

// A match is held as long as its channel says; the message names the outlets that came meanwhile, says the same at every attempt, and a
// message for the operator does not wait behind it.
func heldMatch(w *world) {
	w.rule("freighter freighter")
	w.waits = map[string]time.Duration{"desk": 30 * time.Second}
	w.routes["freighter"] = []string{"desk", "ops"}
	w.list("a")
	text := "The freighter left the northern port at night, said monitors who watch the bay, and carried crates that weighed as much as shells do. " +
		"It was followed for six days across two seas. Nobody on board answered the radio, and the owner could not be reached for comment."
	publish := func(site string) {
		w.Helper()
		u := "http://" + site + "/1"
		w.pages[u] = answer{title: "Freighter seen at night", body: text}
		w.list("a", w.entry(u, "Freighter seen at night", ""))
		w.run(w.process)
	}
	publish("one.example")
	w.run(w.deliver)
	w.want("ops", len(w.channels["ops"].took), 1) // it holds nothing
	w.want("desk", len(w.channels["desk"].tries), 0)
	raised := w.states("desk")[0]
	w.want("due", raised.Due.Sub(raised.Created), 30*time.Second)
	w.raise(7, 1, "desk") // a test
	w.run(w.deliver)
	w.want("desk", w.took("desk"), "[r7]")
	w.moveTo(raised.Created.Add(30*time.Second - time.Millisecond))
	w.run(w.deliver)
	w.want("desk", w.took("desk"), "[r7]")
	w.copyOf(raised.Alert, "two.example", text)
	w.copyOf(raised.Alert, "three.example", text)
	w.add(time.Millisecond)
	w.channels["desk"].next = []error{errDown}
	w.run(w.deliver)
	w.want("one attempt", len(w.channels["desk"].tries), 2)
	w.copyOf(raised.Alert, "late.example", text)
	w.add(time.Minute)
	w.run(w.deliver)
	w.want("desk", w.took("desk"), "[r7 freighter]")
	d := w.states("desk")[0]
	w.want("says", line(d.State, len(d.Alert.Outlets), d.Alert.Outlets[0].Site, d.Alert.Outlets[1].Site), "sent 2 two.example three.example")
}

// opsTook is what the operator's channel took: subjects, those of a digest joined.
func (w *world) opsTook() (out []string) {
	for _, d := range w.channels["ops"].whole {
		subjects := []string{d.Alert.Subject}
		if d.Alert.Kind == pipeline.KindDigest {
			subjects = nil
			for _, m := range d.Alert.Members {
				subjects = append(subjects, m.Alert.Subject)
			}
		}
		out = append(out, strings.Join(subjects, "+"))
	}
	return out
}

func (w *world) trouble(feed, trouble string) {
	w.Helper()
	w.ok(w.store.Observe(w.Context(), pipeline.Condition{Subject: "feed:" + feed, Trouble: trouble, Since: w.now(), Headline: feed, Text: "Look.", At: w.now(), Channels: []string{"ops"}}))
}

// What fails within two minutes is one message, whatever else keeps the channel quiet; what fails alone is told as itself when the time is
// over; a message that failed on its way is said again as it was.
func groupedTold(w *world) {
	w.deliver.HealthGroup = 2 * time.Minute
	shut := pipeline.Hours{From: time.Hour, To: 2 * time.Hour, Zone: time.UTC}
	shut.Days[(w.now().Weekday()+3)%7] = true
	w.deliver.Policy = func(string, string) pipeline.Policy {
		return pipeline.Policy{Limit: 1, Group: time.Hour, Hours: []pipeline.Hours{shut}}
	}
	silence := pipeline.Silence{Rule: "operator", Created: w.now(), Until: w.now().Add(24 * time.Hour)}
	_, err := w.store.AddSilence(w.Context(), silence)
	w.ok(err)
	start := w.now()
	for i := range 5 {
		w.trouble(fmt.Sprint("f", i), "dead")
		w.run(w.deliver)
		w.add(20 * time.Second)
	}
	w.want("before the window closes", w.opsTook(), "[]")
	n, err := w.store.Reconsider(w.Context()) // a reload
	w.ok(err)
	w.want("a reload hurries", n, 0)
	w.channels["ops"].next = []error{errDown}
	w.moveTo(start.Add(2 * time.Minute))
	w.run(w.deliver)
	w.want("while it fails", w.opsTook(), "[]")
	w.trouble("late", "dead") // waits for the next message
	w.add(time.Minute)
	w.run(w.deliver)
	w.want("together", w.opsTook(), "[feed:f0+feed:f1+feed:f2+feed:f3+feed:f4]")
	w.want("same id", w.channels["ops"].tries[0] == w.channels["ops"].uids[0], true)
	w.add(2 * time.Minute)
	w.run(w.deliver)
	w.want("alone", w.opsTook(), "[feed:f0+feed:f1+feed:f2+feed:f3+feed:f4 feed:late]")
	for i := range 5 {
		w.trouble(fmt.Sprint("f", i), "")
	}
	w.loops(w.store) // the next process
	w.deliver.HealthGroup = 2 * time.Minute
	w.run(w.deliver)
	w.add(2 * time.Minute)
	w.run(w.deliver)
	w.want("over", w.opsTook()[2:], "[feed:f0+feed:f1+feed:f2+feed:f3+feed:f4]")
	for _, d := range w.states("ops") {
		w.want(d.Alert.Subject, d.State, pipeline.DeliverySent)
	}
}

// Nobody is there when the wait is over: what there is goes out together now, what a daemon left waiting too.
func groupedOnce(w *world) {
	w.deliver.HealthGroup = 2 * time.Minute
	w.trouble("f0", "dead")
	w.run(w.deliver)
	w.want("the daemon", w.opsTook(), "[]")
	w.deliver.HealthGroup = 0
	_, err := w.store.ReleaseDeliveries(w.Context())
	w.ok(err)
	for i := range 3 {
		w.trouble(fmt.Sprint("g", i), "dead")
	}
	w.run(w.deliver)
	w.want("once", w.opsTook(), "[feed:f0 feed:g0+feed:g1+feed:g2]")
}

// moveTo moves the clock on.
func (w *world) moveTo(t time.Time) {
	w.Helper()
	if t.Before(w.now()) {
		w.Fatalf("it is %s already, %s is past", w.now(), t)
	}
	w.add(t.Sub(w.now()))
}

// copyOf stores a copy of an alert's article on another site.
func (w *world) copyOf(a pipeline.Alert, site, text string) {
	w.Helper()
	w.owner++
	l, ok, err := w.store.Acquire(w.Context(), "process", site, fmt.Sprint("owner", w.owner), w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("lease", ok, true)
	c := pipeline.Article{Story: a.Story.ID, Site: site, URL: "http://" + site + "/c", Title: a.Article.Title, Body: text, Source: pipeline.SourcePage,
		Seen: w.now(), Relation: "copy", Of: a.Article.ID, Score: 1}
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error { _, err := tx.InsertArticle(&c, nil); return err }))
	w.ok(w.store.Release(w.Context(), l))
}
