package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What is told of a story after it was told, on every database.
func TestFollowUp(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				f    func(*world)
			}{
				{"grows", grows}, {"off", followUpOff}, {"grows while held", growsWhileHeld}, {"grows, quiet items", growsQuietly}, {"grows by a merge", growsByMerge},
				{"grows after a split", growsAfterSplit}, {"withdrawn", withdrawnTold}, {"withdrawn, quiet", withdrawnQuietly},
				{"withdrawn under a lost lease", withdrawnLeaseLost}, {"corrected", correctedTold},
			} {
				t.Run(part.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.process.Revisit = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
					w.process.Rand = func() float64 { return .5 }
					w.rule("arms missile", "boats frigate")
					w.follow = map[string]pipeline.Updates{"arms": {Outlets: 2, Withdrawn: true, Versions: true, Separate: true}}
					part.f(w)
				})
			}
		})
	}
}

// news are the updates as "rule channel what", the oldest first.
func (w *world) news() []string {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	out := []string{}
	for _, d := range ds {
		u := d.Alert.Update
		if u == nil {
			continue
		}
		what := fmt.Sprint("version ", u.Version)
		switch {
		case u.Withdrawn:
			what = "withdrawn"
		case u.Outlets > 0:
			what = fmt.Sprint("others ", u.Outlets)
		case u.Corrected:
			what += " corrected"
		}
		out = append([]string{d.Alert.Rule + " " + d.Channel + " " + what}, out...)
	}
	return out
}

// spread lets sites publish the same text, one after the other.
func (w *world) spread(body string, sites ...string) {
	w.Helper()
	for _, s := range sites {
		w.publish(s, "of-"+s, body)
	}
}

// After every two more outlets there is one update, also over a restart, and a copy that lost the words the rule looks for counts too.
func grows(w *world) {
	body := "A missile flew. " + prose(1, 120)
	w.spread(body, "a", "b")
	w.want("one more", w.news(), "[]")
	w.loops(w.store)
	w.spread(body[len("A missile flew. "):], "c")
	w.want("matches", w.matches(3), "[]")
	w.want("two more", w.news(), "[arms desk others 2]")
	w.spread(body, "d", "e", "f")
	w.want("four more", w.news(), "[arms desk others 2 arms desk others 4]")
	w.publish("f", "again", body) // on a site that has it
	w.spread(body, "g")
	w.want("six more", len(w.news()), 3)

	var said []string
	w.channels["desk"] = &channel{do: func(_ context.Context, d pipeline.Delivery) {
		u := d.Alert.Update
		if u == nil {
			u = &pipeline.Update{UID: d.UID}
		}
		said = append(said, line(u.UID, d.Alert.Article.ID, u.Outlets, u.Separate))
	}}
	w.run(w.deliver)
	uid := w.channels["desk"].uids[0]
	w.want("said", said, fmt.Sprintf("[%[1]s 1 0 false %[1]s 1 2 true %[1]s 1 4 true %[1]s 1 6 true]", uid))
}

// A rule that asks for nothing is told nothing; nor one that is no more.
func followUpOff(w *world) {
	body := "A missile flew. A frigate was near. " + prose(1, 120)
	w.follow = nil
	w.spread(body, "a", "b", "c", "d")
	w.follow = map[string]pipeline.Updates{"arms": {Outlets: 1}, "boats": {Outlets: 1}}
	delete(w.routes, "boats")
	w.spread(body, "e")
	w.want("news", w.news(), "[arms desk others 4]")
}

// A message that is held names who carries the story by then; only what comes after it is news.
func growsWhileHeld(w *world) {
	w.waits = map[string]time.Duration{"desk": 3 * time.Hour}
	body := "A missile flew. " + prose(1, 120)
	w.spread(body, "a", "b", "c", "d")
	w.want("while it is held", w.news(), "[]")
	w.add(3 * time.Hour)
	w.sendAll()
	w.want("took", len(w.channels["desk"].took), 1)
	w.spread(body, "e")
	w.want("one more", w.news(), "[]")
	w.spread(body, "f")
	w.want("two more", w.news(), "[arms desk others 5]")
}

// What comes quietly makes no noise: neither as what is told nor as what makes a told story grow; but it counts.
func growsQuietly(w *world) {
	body := "A missile flew. " + prose(1, 120)
	quiet := func(site string) {
		u := "http://" + site + ".example/old"
		w.pages[u] = answer{title: "Old", body: body}
		w.feeds[site] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{{GUID: u, URL: u, Title: "Old"}}}}
		names := []string{site}
		fs, err := w.store.Feeds(w.Context())
		w.ok(err)
		for _, f := range fs {
			names = append(names, f.Name)
		}
		w.sync(names...)
		w.due(site)
		w.run(w.poll)
		w.run(w.process)
	}
	quiet("q")
	quiet("r")
	w.want("quiet", len(w.articles()), 2)
	w.want("alerts", w.alerts(), "[]")
	w.spread(body, "a")
	quiet("s")
	quiet("t")
	w.want("alerts", w.kinds(), "[match arms]")
	w.spread(body, "b")
	w.want("news", w.news(), "[arms desk others 5]")
}

// Two stories that were told turn out to be one: what was told of either counts for both.
func growsByMerge(w *world) {
	common, ofA, ofB := prose(1, 60), "A missile flew. "+prose(2, 140), "A missile fell. "+prose(3, 140)
	w.spread(common+"\n\n"+ofA, "a", "b", "c")
	w.want("two more", w.news(), "[arms desk others 2]")
	w.spread(common+"\n\n"+ofB, "d")
	w.want("told of both", len(w.kinds()), 3)
	w.sendAll()
	w.spread(common+"\n\n"+ofA+"\n\n"+ofB, "e") // a round-up shows it
	w.want("one story", w.articles()[0].Story == w.articles()[3].Story, true)
	w.want("five outlets", w.news(), "[arms desk others 2 arms desk others 4]")
	w.loops(w.store)
	w.spread(common+"\n\n"+ofB, "f")
	w.want("one more", len(w.news()), 2)
	w.spread(common+"\n\n"+ofB, "g")
	w.want("two more", w.news()[2:], "[arms desk others 6]")
}

// What a person took out of a story is none of its outlets, and no number is told twice.
func growsAfterSplit(w *world) {
	body := "A missile flew. " + prose(1, 120)
	w.spread(body, "a", "b", "c")
	as := w.articles()
	_, err := w.store.SplitStory(w.Context(), as[0].Story, as[2].ID)
	w.ok(err)
	w.want("told", w.news(), "[arms desk others 2]")
	for _, s := range []string{"d", "e", "f", "g"} {
		w.publish(s, "of-"+s, body)
	}
	n := len(w.news())
	w.loops(w.store)
	w.publish("h", "of-h", body)
	if got := w.news(); len(got) > n+1 || n > 3 {
		w.Fatalf("news: %s", got)
	}
	seen := map[string]bool{}
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	for _, d := range ds {
		k := line(d.Alert.Rule, d.Alert.Subject, d.Alert.Kind, d.Alert.Seq)
		if seen[k] {
			w.Fatalf("%s twice", k)
		}
		seen[k] = true
	}
}

// A page that is gone is told once, to those who were told of the article, by the rules that ask for it.
func withdrawnTold(w *world) {
	w.routes["arms"] = []string{"desk", "hook"}
	w.follow["boats"] = pipeline.Updates{Outlets: 1}
	w.read(story + " A frigate was near.")
	w.routes["arms"] = []string{"hook", "new"}
	w.pages[link] = answer{err: status404()}
	woken := w.woken
	w.look()
	w.want("news", w.news(), "[arms hook withdrawn]")
	w.want("woken", w.woken-woken, 1)
	w.look() // still gone
	w.pages[link] = answer{title: "A launch", body: story + " A frigate was near."}
	w.look() // it is back, and goes again
	w.want("back", w.articles()[0].Withdrawn.IsZero(), true)
	w.loops(w.store)
	w.process.Revisit = []time.Duration{100 * time.Hour}
	w.pages[link] = answer{err: &pipeline.Failure{Verdict: pipeline.Gone, Reason: "status 410", Err: errors.New("410 Gone")}}
	w.reopen("a", w.item().Entry)
	w.run(w.process)
	w.want("news", w.news(), "[arms hook withdrawn]")
	w.want("told to those who were told", w.alerts(), "[arms story:1 desk arms story:1 hook boats story:1 desk arms article:1 hook]")
}

func withdrawnQuietly(w *world) {
	w.pages[link] = answer{title: "A launch", body: story}
	w.feeds["a"] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{{GUID: link, URL: link, Title: "A launch"}}}}
	w.sync("a")
	w.run(w.poll)
	w.run(w.process)
	w.want("quiet", line(w.item().Quiet, len(w.articles())), "true 1")
	w.pages[link] = answer{err: status404()}
	w.look()
	w.want("withdrawn", w.articles()[0].Withdrawn.IsZero(), false)
	w.want("alerts", w.alerts(), "[]")
}

// A run that lost its host neither notes nor tells that the page is gone; the next one does both.
func withdrawnLeaseLost(w *world) {
	w.read(story)
	w.pages[link] = answer{err: status404(), do: func(ctx context.Context) {
		if _, ok, err := w.store.Acquire(ctx, "process", host(link), "thief", w.now().Add(2*time.Hour), w.now().Add(2*time.Hour+time.Second)); err != nil || !ok {
			w.Errorf("steal: %v %v", ok, err)
		}
	}}
	w.add(w.item().Visit.Sub(w.now()))
	if _, err := w.try(w.process); err != nil && !errors.Is(err, pipeline.ErrLeaseLost) {
		w.Fatal(err)
	}
	w.want("nothing noted", line(w.articles()[0].Withdrawn.IsZero(), len(w.news())), "true 0")
	w.pages[link] = answer{err: status404()}
	w.add(4 * time.Hour)
	w.run(w.process)
	w.want("news", w.news(), "[arms desk withdrawn]")
}

// A version with a notice of correction says so; the next one, which keeps the notice, does not say so again.
func correctedTold(w *world) {
	w.read(story)
	w.pages[link] = answer{title: "A launch", body: story + "\n\nCorrection: an earlier figure was wrong."}
	w.look()
	w.pages[link] = answer{title: "A launch", body: story + " More is known.\n\nCorrection: an earlier figure was wrong."}
	w.look()
	w.want("news", w.news(), "[arms desk version 2 corrected arms desk version 3]")
}

// Notices of correction in the languages of the press, and words that are none.
func TestCorrected(t *testing.T) {
	for notice, want := range map[string]bool{
		"Correction: the figure was wrong.":                              true,
		"CORRECTION (5 May): the figure was wrong.":                      true,
		"Corrections and clarifications":                                 true,
		"* An earlier version of this article named the wrong port.":     true,
		"This story has been corrected to say that he is well.":          true,
		"Berichtigung: Die Zahl war falsch.":                             true,
		"In einer früheren Version dieses Artikels hieß es anders.":      true,
		"Rectificatif : le chiffre était faux.":                          true,
		"Fe de errores: la cifra era errónea.":                           true,
		"Опровержение":                                                   true,
		"Исправление: число было неверным.":                              true,
		"В предыдущей версии этой новости число было неверным.":          true,
		"[정정보도] 위 기사의 수치는 사실과 다릅니다.":                                     true,
		"바로잡습니다: 수치가 틀렸습니다.":                                             true,
		"【訂正】数字に誤りがありました。":                                               true,
		"更正：数字有误。":                                                       true,
		"تصحيح: كان الرقم خاطئا.":                                        true,
		"Markets fear a correction: shares fell.":                        false,
		"Corrections of this size are rare, he said: they pass.":         false,
		"He was corrected by the chair and went on.":                     false,
		"Correction officers went on strike.":                            false,
		"The earlier version of the treaty was better.":                  false,
		"Исправление ошибок займёт год, сказал министр: денег нет.":      false,
		"تصحيح المسار يحتاج إلى وقت، كما قال الوزير: لا مال في الخزينة.": false,
	} {
		a := pipeline.Article{Title: "A launch", Body: prose(1, 40)}
		b := a
		b.Body += "\n\n" + notice
		if got := pipeline.Updated(&a, &b); got.Corrected != want {
			t.Errorf("%s: corrected %v", notice, got.Corrected)
		}
		c := b
		c.Body += "\n\nMore is known."
		if pipeline.Updated(&b, &c).Corrected {
			t.Errorf("%s: it was there before", notice)
		}
	}
}
