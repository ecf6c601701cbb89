package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

func TestCounting(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			oneByOne(t, db.name)
			for _, c := range []struct {
				name string
				f    func(*world)
			}{{"episodes", countEpisodes}, {"another number", countChanges}, {"dates that move", countMoves}, {"stories", countStories}, {"merge tips", countMerge}, {"joined by hand", countJoined}, {"clocks that are wrong", countSkewed},
				{"once per event", countEvent}, {"what it says", countMessage}} {
				t.Run(c.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.sync("f")
					c.f(w)
				})
			}
		})
	}
}

// dots stores articles of their own stories in the order of a line such as "a0 b1~ c2!": the site, the hour of publication, ~ when it is
// quiet; ! says that it tells, once, and that none without does. The clock stands at hour 100; "a-" has no date.
func (w *world) dots(line string) {
	w.Helper()
	before := len(w.alerts())
	for i, dot := range strings.Fields(line) {
		rest, tells := strings.CutSuffix(dot, "!")
		rest, quiet := strings.CutSuffix(rest, "~")
		w.owner++
		link := fmt.Sprintf("http://%s.example/%d", rest[:1], w.owner)
		e := pipeline.Entry{GUID: link, URL: link, Title: rest}
		if rest[1:] != "-" {
			var hour float64
			if _, err := fmt.Sscan(rest[1:], &hour); err != nil {
				w.Fatal(dot, err)
			}
			e.Published = w.now().Add(time.Duration((hour - 100) * float64(time.Hour)))
		}
		w.pages[link] = answer{title: rest, body: "Missile. " + prose(int64(w.owner)*7919, 60)}
		w.take(pipeline.Item{Entry: e, Quiet: quiet})
		w.want("stored", w.run(w.process), 1)
		want := before
		if tells {
			want++
		}
		if before = len(w.alerts()); before != want {
			w.Fatalf("%s: %d alerts after %s (the %dth), want %d", line, before, dot, i+1, want)
		}
	}
}

// seqs are the numbers of the episodes that a rule told of, in order.
func (w *world) seqs(rule string) (out []int) {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Limit: 5000})
	w.ok(err)
	for i := range ds {
		if d := ds[len(ds)-1-i]; d.Alert.Rule == rule {
			out = append(out, d.Alert.Seq)
		}
	}
	return out
}

func countEpisodes(w *world) {
	for i, c := range []struct{ dots, seqs string }{
		{"a0 b1 c2! d3 a4 e5", "[1]"},
		{"a0 a1 a2 b3 b4 c5!", "[1]"},
		{"a0 b5 c10!", "[1]"},
		{"a0 b5 c10.1 d11!", "[1]"},
		{"c2 b1 a0!", "[1]"},
		{"a0 b1 c2! a20 b21 c22! a40 b41", "[1 2]"},
		{"a20 b21 c22! a0 b1 c2! a40 b41 c42! a1 b21 c41", "[1 2 3]"},
		{"a0 b1 c2! a5 b9 c12 a20 b22", "[1]"},                                // each shares articles with the one before
		{"d20 d21 e25 f25! a3 b7 c11!", "[1 2]"},                              // near one another, and none in common
		{"a0 b1 c2! a20 b21 c22! d11 a31 b31 a15 b5 a60 b60 c60!", "[1 2 3]"}, // a late one makes two one; the next is the third all the same
		{"a20 b21 c22! a0 b1 c2! d11 a31 e11 a15 b5 a60 b60 c60!", "[1 2 3]"},
		{"a0~ b1~ c2~ d3! e2", "[1]"},
		{"a0 b1 c2~ a50", "[]"},
		{"a0 b1 c2~ a3!", "[1]"},
		{"a0 b1 c2~ a12.5", "[]"},                                     // in no window of three
		{"a0~ b1~ c2~ a30 b31 c33! e2! e31", "[1 2]"},                 // what passed in silence is told when one comes aloud
		{"a0~ b1~ c2~ a8~ b9~ a15~ b16~ c17~ a60 b60 c16! a0", "[1]"}, // and is followed to its other end
		{"a0 b1 c2! a8~ b9~ a15~ b16~ c17~ d24 a60 b60 c60!", "[1 2]"},
		{"a99 b150 c200!", "[1]"}, // dates in the future are now
		{"a- b95 c96!", "[1]"},
	} {
		rule := fmt.Sprint("r", i)
		w.rule(rule + " missile")
		w.when = map[string]*pipeline.When{rule: {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 3, Within: 10 * time.Hour}}
		w.dots(c.dots)
		w.want(c.dots, w.seqs(rule), c.seqs)
	}
	w.rule("each missile")
	w.when = map[string]*pipeline.When{"each": {Of: pipeline.CountQuery, By: pipeline.CountArticles, N: 4, Within: 10 * time.Hour}}
	w.dots("a0 a1 b2 a3! b4")
}

// A rule that counts from now on counts what it matched before; one whose number changes is told again of nothing.
func countChanges(w *world) {
	w.rule("r missile")
	counts := func(n int, within time.Duration) {
		w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountQuery, By: pipeline.CountSources, N: n, Within: within}}
	}
	w.dots("a0! b1! a20! b21!") // a rule as any other
	counts(3, 10*time.Hour)
	w.dots("c2! d3 c22!")
	counts(2, 10*time.Hour)
	w.dots("c4 d23 a50 b51!")
	counts(4, 30*time.Hour)
	w.dots("e3 e12 e52 f53 a90 b91 c92 d93!")
	w.want("episodes", w.seqs("r"), "[0 0 0 0 1 2 3 4]")
}

// An article whose date proves to be another one, and that tells no more what it told, gives nothing new to tell where that was told.
func countMoves(w *world) {
	w.rule("r missile")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 3, Within: 10 * time.Hour}}
	w.dots("a0 b1 c2! a40 b41")
	l, ok, err := w.store.Acquire(w.Context(), "reextract", "c.example", "x", w.now(), w.now().Add(time.Hour))
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error {
		a := w.articles()[2]
		a.Published = a.Published.Add(37 * time.Hour) // hour 39
		return tx.UpdateArticle(&a)
	}))
	w.dots("a12 b12 d12! a1 a42!") // what was told ends at hour 2, where no article is any more
}

// carry stores an article with the title and body given, published on a site just now.
func (w *world) carry(site, title, body string, quiet bool) pipeline.Article {
	w.Helper()
	w.owner++
	link := fmt.Sprintf("http://%s.example/%d", site, w.owner)
	w.pages[link] = answer{title: title, body: body}
	w.take(pipeline.Item{Entry: pipeline.Entry{GUID: link, URL: link, Title: title, Published: w.now()}, Quiet: quiet})
	w.want("stored", w.run(w.process), 1)
	as := w.articles()
	return as[len(as)-1]
}

func countStories(w *world) {
	w.rule("r title:flag", "plain title:flag", "never title:nothing")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 3, Within: 10 * time.Hour},
		"never": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 2, Within: 10 * time.Hour}}
	body := prose(1, 120)
	first := w.carry("a", "Report", body, false)
	w.carry("a", "The flag", body, false)
	w.want("the plain rule", w.alerts(), "[plain story:1 desk]")
	w.add(4 * time.Hour)
	w.carry("b", "Report", body, false)
	w.add(7 * time.Hour)
	w.carry("c", "Report", body, false) // the first is eleven hours old
	w.want("not in one window", len(w.alerts()), 1)
	w.carry("d", "Report", body, true)
	w.want("passed in silence", len(w.alerts()), 1)
	last := w.carry("b", "Report", body, false) // matches nothing itself
	w.want("told", w.alerts(), "[plain story:1 desk r story:1 desk]")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	w.want("what it says", line(ds[0].Alert.Article.ID == last.ID, len(ds[0].Alert.Spans), ds[0].Alert.Count.Found), "true 0 3")
	w.loops(w.store)
	w.carry("e", "The flag", body, false)
	w.want("once", len(w.alerts()), 2)

	// Both parts of a story that is split were told.
	part, err := w.store.SplitStory(w.Context(), first.Story, last.ID)
	w.ok(err)
	for _, site := range []string{"f", "g", "h"} {
		if a := w.carry(site, "The flag", body, false); a.Story != part && a.Story != first.Story {
			w.Fatalf("a copy is in story %d", a.Story)
		}
	}
	w.want("after a split", len(w.alerts()), 2)
}

// The article that shows two stories to be one makes the number pass with what was in both.
func countMerge(w *world) {
	w.rule("r title:flag")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 5, Within: 10 * time.Hour}}
	common, ofA, ofB := prose(1, 60), "A missile flew. "+prose(2, 140), "A missile fell. "+prose(3, 140)
	a := w.carry("a", "The flag", common+"\n\n"+ofA, false)
	w.carry("b", "One", common+"\n\n"+ofA, false)
	b := w.carry("c", "Two", common+"\n\n"+ofB, false)
	w.carry("d", "Two", common+"\n\n"+ofB, false)
	if a.Story == b.Story || len(w.alerts()) > 0 {
		w.Fatal("the test wants two stories to begin with", w.alerts())
	}
	c := w.carry("e", "Both", common+"\n\n"+ofA+"\n\n"+ofB, false)
	w.want("told", w.alerts(), fmt.Sprintf("[r story:%d desk]", c.Story))
	w.carry("f", "The flag", common+"\n\n"+ofB, false)
	w.want("once", len(w.alerts()), 1)
}

// What a person joins tells nothing by itself; the next loud article of it tells, once, whatever is joined with it later and whichever
// number the rule counts to by then.
func countJoined(w *world) {
	w.rule("r title:flag")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 4, Within: 10 * time.Hour}}
	pair := func(seed int64, sites ...string) (last pipeline.Article) {
		for _, site := range sites {
			last = w.carry(site, "The flag", prose(seed, 120), false)
		}
		return last
	}
	one, two, three := pair(1, "a", "b"), pair(2, "c", "d"), pair(3, "g", "h", "i")
	join := func(into, from int64) {
		_, err := w.store.JoinStories(w.Context(), into, from)
		w.ok(err)
		w.loops(w.store)
	}
	join(one.Story, two.Story)
	w.want("joined", len(w.alerts()), 0)
	w.carry("e", "The flag", prose(1, 120), true)
	w.want("a quiet one", len(w.alerts()), 0)
	w.carry("a", "Report", prose(2, 120), false)
	w.want("the next one", w.alerts(), fmt.Sprintf("[r story:%d desk]", one.Story))
	w.when["r"].N = 3
	w.loops(w.store)
	join(one.Story, three.Story)
	pair(3, "j")
	pair(1, "k")
	w.want("once", len(w.alerts()), 1)
}

// Sites whose clocks run ahead are counted by when they were seen, and a clock of ours that is set back begins nothing anew.
func countSkewed(w *world) {
	w.rule("r missile")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 3, Within: 4 * time.Hour}}
	w.dots("a150 b- c900!")
	w.add(-3 * time.Hour)
	w.dots("d- e101 f- a-")
	w.add(20 * time.Hour)
	w.loops(w.store)
	w.dots("a100 b99 c98!")
	w.want("episodes", w.seqs("r"), "[1 2]")
}

// A rule that is told once of an event counts by story, and is told of one of the event's stories.
func countEvent(w *world) {
	w.rule("r title:flag")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 2, Within: 10 * time.Hour}}
	w.once = map[string]pipeline.OncePer{"r": pipeline.PerEvent}
	one, two := prose(1, 120), prose(2, 120)
	a := w.carry("a", "The flag", one, false)
	w.carry("b", "The flag", one, false)
	w.want("told", w.alerts(), fmt.Sprintf("[r event:%d desk]", a.Story))
	b := w.carry("a", "The flag again", two, false)
	if a.Story == b.Story {
		w.Fatal("the test wants two stories")
	}
	l, _, err := w.store.Acquire(w.Context(), "process", "x", "x", w.now(), w.now().Add(time.Hour))
	w.ok(err)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error { return tx.MergeEvents(b.Story, a.Story) }))
	w.carry("b", "The flag again", two, false)
	w.want("one event", len(w.alerts()), 1)
}

// The message names the others that were counted, as they were when it was raised, at every attempt.
func countMessage(w *world) {
	w.rule("r missile")
	w.when = map[string]*pipeline.When{"r": {Of: pipeline.CountQuery, By: pipeline.CountSources, N: 3, Within: 10 * time.Hour}}
	var said []string
	w.channels["desk"] = &channel{next: []error{fmt.Errorf("not now")}}
	w.channels["desk"].do = func(_ context.Context, d pipeline.Delivery) {
		s := fmt.Sprint(d.Alert.Count.Found, " of ", d.Alert.Article.Title, ":")
		for _, o := range d.Alert.Outlets {
			s += " " + o.Title
		}
		said = append(said, s)
	}
	w.dots("c96 b97 c95~ b94 a98!")
	w.run(w.deliver)
	w.dots("d98")
	w.add(time.Hour)
	w.run(w.deliver)
	w.want("said", strings.Join(said, "; "), "3 of a98: b94 c95; 3 of a98: b94 c95")
}
