package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// Every case runs on both databases, each on an empty one.
func TestBackfill(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				name string
				run  func(*world)
			}{
				{"edges of the range", rangeEdges}, {"any order", anyOrder}, {"broken anywhere", brokenWalk}, {"limit", pastLimit},
				{"a page says its own date", datesInOrder}, {"copies of the past and of today", pastAndLive}, {"live before joined", liveFirst},
				{"fetched", pastFetched}, {"unusable", unusableFinds}, {"joined beside a run", joinWaits}, {"one canonical link for all", sharedLink}, {"captures of a page", capturesKnown},
				{"one range after another", rangesInTurn}, {"an event in two goes", eventInTwoGoes}, {"two ranges at once", rangesAtOnce}, {"a copy of a page that is gone", goneCopied},
			} {
				t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, db.dsn(t))) })
			}
		})
	}
}

// listed is a source of the past that has its finds in a list; its cursors count them.
type listed struct {
	name  string
	finds []pipeline.Find
	fail  int // before the find of this number; 0: not
}

func (l *listed) Name() string { return l.name }

func (l *listed) Estimate(context.Context, pipeline.Range) (pipeline.Estimate, error) {
	return pipeline.Estimate{Articles: len(l.finds)}, nil
}

var errAway = errors.New("the archive is away")

func (l *listed) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	n, _ := strconv.Atoi(cursor)
	for i := n; i < len(l.finds); i++ {
		if l.fail > 0 && i == l.fail {
			return errAway
		}
		f := l.finds[i]
		f.Cursor = strconv.Itoa(i + 1)
		if f.Page != nil { // each find has a page of its own, which the walk may change
			page := *f.Page
			f.Page = &page
		}
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}

// run is a backfill of a source, as the same command would begin it or go on with it.
func (w *world) backfillOf(s *listed, r pipeline.Range, set func(*pipeline.BackfillRun)) *pipeline.Backfill {
	w.Helper()
	asked := pipeline.BackfillRun{Asked: s.name, Range: r}
	if set != nil {
		set(&asked)
	}
	is, err := w.store.OpenBackfill(w.Context(), asked)
	w.ok(err)
	return &pipeline.Backfill{Store: w.store, Process: w.process, Is: is, Sources: []pipeline.Past{s}, Feeds: map[string]string{s.name: s.name},
		Canonical: dedup.Canonical, Host: w.poll.Host, Workers: 3, Now: w.now, Report: w.report}
}

func (w *world) walk(s *listed, r pipeline.Range) pipeline.Walk {
	w.Helper()
	b := w.backfillOf(s, r, nil)
	w.run(b)
	walks, err := w.store.Walks(w.Context(), b.Is.ID)
	w.ok(err)
	w.ok(w.store.FinishBackfill(w.Context(), b.Is.ID))
	return walks[0]
}

func (w *world) joiner() *pipeline.Joiner {
	return &pipeline.Joiner{Store: w.store, NewIndex: func() *dedup.Index { return dedup.New(dedup.Options{}) },
		NewEvents: func() *dedup.Events { return dedup.NewEvents(dedup.EventOptions{}) }, Window: 30 * 24 * time.Hour, Eager: true, Batch: 7, Now: w.now, Report: w.report}
}

// had is a find that the source has the page of; the page says no date unless date is given.
func (w *world) had(link, title, body string, published time.Time) pipeline.Find {
	w.pages[link] = answer{title: title, body: body}
	return pipeline.Find{Entry: pipeline.Entry{URL: link, Published: published}, Taken: published,
		Page: &pipeline.Page{URL: link, FinalURL: link, Status: 200, ContentType: "text/html", Body: []byte(title + "\n" + body), Fetched: published}}
}

var wholeRange = pipeline.Range{}

// The range is half-open and of moments: a date in another zone is the moment that it names.
func rangeEdges(w *world) {
	r := pipeline.Range{Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	var finds []pipeline.Find
	for i, at := range []string{"2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00Z", "2026-03-01T08:59:59+09:00", "2026-03-01T09:00:00+09:00",
		"2026-02-28T19:00:00-05:00", "2026-02-28T18:59:59-05:00", "2026-03-01T23:59:59.999Z", "2026-03-02T00:00:00Z", "2026-03-02T08:59:59+09:00",
		"2026-03-02T09:00:00+09:00", "2026-03-01T18:59:59-05:00", "2026-03-01T19:00:00-05:00"} {
		t, err := time.Parse(time.RFC3339, at)
		w.ok(err)
		finds = append(finds, w.had(fmt.Sprintf("http://a.example/%d", i), "T "+at, prose(int64(i), 60), t))
	}
	walk := w.walk(&listed{name: "edges", finds: finds}, r)
	w.want("walk", line(walk.Found, walk.Added, walk.Outside, walk.Done), "12 6 6 true")
	// What the source had before, unchanged, is known where it was stored.
	again := func(link string) pipeline.Find { return pipeline.Find{Entry: pipeline.Entry{URL: link}, Again: true} }
	walk = w.walk(&listed{name: "again", finds: []pipeline.Find{again("http://a.example/1"), again("http://a.example/0"), again("http://a.example/10")}}, r)
	w.want("again", line(walk.Found, walk.Added, walk.Known, walk.Outside, walk.Failed), "3 0 2 1 0")
	var got []string
	for _, a := range w.articles() {
		got = append(got, strings.TrimPrefix(a.URL, "http://a.example/"))
	}
	slices.Sort(got)
	w.want("in the range", got, "[1 10 3 4 6 8]")
}

// past is a set of finds with copies, versions of one page, reports of one event and articles alone, over some months.
func (w *world) past() (out []pipeline.Find) {
	day := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)
	for i := range 60 {
		at := day.Add(time.Duration(i) * 36 * time.Hour)
		link := fmt.Sprintf("http://a.example/%d", i)
		out = append(out, w.had(link, fmt.Sprintf("A missile was launched, report %d", i), prose(int64(i), 120), at))
		if i%3 == 0 { // a copy, later, elsewhere
			out = append(out, w.had(fmt.Sprintf("http://b.example/%d", i), "Copied "+strconv.Itoa(i), prose(int64(i), 120), at.Add(2*time.Hour)))
		}
		if i%10 == 0 { // the same text again, too late to be a copy
			out = append(out, w.had(fmt.Sprintf("http://c.example/%d", i), "Late "+strconv.Itoa(i), prose(int64(i), 120), at.Add(70*24*time.Hour)))
		}
	}
	return out
}

// books is what is stored, without what differs from run to run.
func (w *world) books() string {
	key := map[int64]string{}
	as := w.articles()
	slices.SortFunc(as, func(a, b pipeline.Article) int { return strings.Compare(a.URL, b.URL) })
	url := map[int64]string{}
	for _, a := range as {
		url[a.ID] = a.URL
		if _, ok := key[a.Story]; !ok {
			key[a.Story] = a.URL
		}
	}
	var b strings.Builder
	for _, a := range as {
		fmt.Fprintln(&b, a.URL, a.Published.Unix(), "story", key[a.Story], a.Story != 0, a.Relation, url[a.Of], w.matches(a.ID))
	}
	return b.String()
}

// In whichever order finds come, and however batches fall, the same stories come of them.
func anyOrder(w *world) {
	w.rule("arms missile")
	finds := w.past()
	w.walk(&listed{name: "one", finds: finds}, wholeRange)
	w.want("nothing is joined yet", strings.Contains(w.books(), "true"), false)
	w.want("joined", w.run(w.joiner()), len(finds))
	want := w.books()
	w.want("none is left", strings.Contains(want, "false"), false)
	w.want("copies", strings.Count(want, "identical"), 20)
	w.want("stories", w.stories(), len(finds)-20)
	w.want("quiet", w.alerts(), "[]")

	w2 := newWorld(w.T, w.other())
	w2.rule("arms missile")
	w2.pages = w.pages
	mixed := slices.Clone(finds)
	rand.New(rand.NewSource(7)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	w2.walk(&listed{name: "one", finds: mixed[:31]}, wholeRange)
	w2.walk(&listed{name: "two", finds: mixed[20:]}, wholeRange)
	j := w2.joiner()
	j.Batch = 13
	w2.run(j)
	w2.want("the same", w2.books(), want)
}

// other names another empty database of the same kind.
func (w *world) other() string {
	for _, db := range databases {
		if strings.HasSuffix(w.Name(), "/"+db.name+"/any_order") {
			return db.dsn(w.T)
		}
	}
	w.Fatal("no kind of database in " + w.Name())
	return ""
}

// stories counts the stories that stand.
func (w *world) stories() int {
	w.Helper()
	list, err := w.store.Stories(w.Context(), store.StoryFilter{Limit: 1000})
	w.ok(err)
	return len(list)
}

// A source that fails keeps what it gave; the same command goes on from there, and nothing is missed or stored twice.
func brokenWalk(w *world) {
	finds := w.past()
	s := &listed{name: "one", finds: finds, fail: 41}
	b := w.backfillOf(s, wholeRange, nil)
	_, err := w.try(b)
	w.want("it says why", errors.Is(err, errAway), true)
	w.want("stored", len(w.articles()), 41)
	s.fail = 0
	again := w.backfillOf(s, wholeRange, nil)
	w.want("the same run", again.Is.ID, b.Is.ID)
	w.want("the rest", w.run(again), len(finds)-41)
	w.want("articles", len(w.articles()), len(finds))
	due, err := again.Due(w.Context())
	w.ok(err)
	w.want("done", len(due), 0)
	w.ok(w.store.FinishBackfill(w.Context(), b.Is.ID))
	walk := w.walk(s, wholeRange)
	w.want("a new run knows all", line(walk.Added, walk.Known), line(0, len(finds)))
}

func pastLimit(w *world) {
	s := &listed{name: "one", finds: w.past()}
	b := w.backfillOf(s, wholeRange, func(r *pipeline.BackfillRun) { r.Limit = 11 })
	w.want("new", w.run(b), 11)
	w.want("articles", len(w.articles()), 11)
	due, err := b.Due(w.Context())
	w.ok(err)
	w.want("it is enough", len(due), 0)
	// The same command goes on behind it, from where it stopped, to its limit again; one that was ended before goes on to the limit.
	walks, err := w.store.Walks(w.Context(), b.Is.ID)
	w.ok(err)
	w.want("stopped at a checkpoint", line(walks[0].Found, walks[0].Cursor, walks[0].Done), "11 11 false")
	s.fail = 15
	_, err = w.try(w.backfillOf(s, wholeRange, func(r *pipeline.BackfillRun) { r.Limit = 11 }))
	w.want("it says why", errors.Is(err, errAway), true)
	s.fail = 0
	again := w.backfillOf(s, wholeRange, func(r *pipeline.BackfillRun) { r.Limit = 11 })
	w.want("to the limit", line(w.run(again), again.Full(), len(w.articles())), "7 true 22")
	walks, err = w.store.Walks(w.Context(), b.Is.ID)
	w.ok(err)
	w.want("nothing was read twice", line(walks[0].Found, walks[0].Known), "22 0")
	// Of several sources, those behind it are not begun.
	var finds []pipeline.Find
	for i := range 6 {
		finds = append(finds, w.had(fmt.Sprintf("http://more.example/%d", i), fmt.Sprint("More ", i), prose(int64(7000+100*i), 60), w.now()))
	}
	more := w.backfillOf(&listed{name: "more", finds: finds[:3]}, wholeRange, func(r *pipeline.BackfillRun) { r.Limit = 2 })
	more.Sources = append(more.Sources, &listed{name: "more of it", finds: finds[3:]}, &listed{name: "most of it", finds: finds[4:]})
	w.want("of several sources", line(w.run(more), more.Full()), "2 true")
}

// The page's own date comes before that of the source, that before the day of the copy.
func datesInOrder(w *world) {
	at := time.Date(2025, 5, 5, 12, 0, 0, 0, time.UTC)
	byPage := w.had("http://a.example/1", "By its page", prose(1, 80), at.Add(24*time.Hour))
	w.pages["http://a.example/1"] = answer{title: "By its page", body: prose(1, 80), date: at}
	bySource := w.had("http://a.example/2", "By its source", prose(900, 80), at.Add(time.Hour))
	bySource.Taken = at.Add(48 * time.Hour)
	byCopy := w.had("http://a.example/3", "By its copy", prose(1800, 80), time.Time{})
	byCopy.Taken = at.Add(2 * time.Hour)
	w.walk(&listed{name: "one", finds: []pipeline.Find{byPage, bySource, byCopy}}, wholeRange)
	as := w.articles()
	slices.SortFunc(as, func(a, b pipeline.Article) int { return strings.Compare(a.URL, b.URL) })
	w.want("dates", line(as[0].Published.Sub(at), as[1].Published.Sub(at), as[2].Published.Sub(at)), "0s 1h0m0s 2h0m0s")
}

// A backfilled story does not silence the live one: its first loud match tells. Nor does a live story keep a backfill from storing its
// copies, which tell nothing and join it.
func pastAndLive(w *world) {
	w.rule("arms missile")
	w.walk(&listed{name: "one", finds: []pipeline.Find{w.had(link, "A launch", story, w.now().Add(-50*time.Hour))}}, wholeRange)
	w.run(w.joiner())
	w.want("quiet", w.alerts(), "[]")
	w.pages[link2] = answer{title: "A launch seen", body: story}
	w.list("a", w.entry(link2, "A launch seen", ""))
	w.run(w.process)
	w.want("the live copy tells", w.alerts(), "[arms story:1 desk]")
	third := w.had("http://c.example/1", "A launch again", story, w.now().Add(-49*time.Hour))
	w.walk(&listed{name: "two", finds: []pipeline.Find{third}}, wholeRange)
	w.run(w.joiner())
	as := w.articles()
	w.want("one story", line(as[0].Story, as[1].Story, as[2].Story), "1 1 1")
	w.want("told once", w.alerts(), "[arms story:1 desk]")
	w.want("matches of all", line(w.matches(1), w.matches(2), w.matches(3)), "[arms] [arms] [arms]")
}

// A live article that is known by one which has not been joined yet does not wait for the pass.
func liveFirst(w *world) {
	w.rule("arms missile")
	w.walk(&listed{name: "one", finds: []pipeline.Find{w.had(link, "A launch", story, w.now().Add(-50*time.Hour))}}, wholeRange)
	w.list("a", w.entry(link, "A launch", ""))
	w.run(w.process)
	w.want("told", w.alerts(), "[arms story:1 desk]")
	w.want("one article", len(w.articles()), 1)
	w.want("nothing is left to join", w.run(w.joiner()), 0)
}

// What a source only names is fetched by the loops, whose articles are then the same as if it had been had.
func pastFetched(w *world) {
	at := w.now().Add(-100 * time.Hour)
	w.pages[link] = answer{title: "A launch", body: story, date: at}
	w.pages[link2] = answer{title: "Too old", body: prose(60, 80), date: at.Add(-1000 * time.Hour)}
	finds := []pipeline.Find{{Entry: pipeline.Entry{URL: link}}, {Entry: pipeline.Entry{URL: link2}}, {Entry: pipeline.Entry{URL: "http://gone.example/1"}}}
	walk := w.walk(&listed{name: "one", finds: finds}, pipeline.Range{Since: at.Add(-time.Hour)})
	w.want("listed", line(walk.Found, walk.Added), "3 3")
	w.run(w.process)
	as := w.articles()
	w.want("stored", line(len(as), as[0].URL, as[0].Story, as[0].Past), line(1, link, 0, true))
	states, bare, err := w.store.BackfillItems(w.Context(), 1)
	w.ok(err)
	w.want("items", line(states[pipeline.ItemDone], states[pipeline.ItemDead], states[pipeline.ItemOpen]), "2 1 0")
	w.want("items without an article", line(bare[pipeline.ItemDone], bare[pipeline.ItemDead]), "1 1")
	w.run(w.joiner())
	w.want("joined", w.articles()[0].Story != 0, true)
	again := w.walk(&listed{name: "one", finds: finds}, pipeline.Range{Since: at.Add(-time.Hour)})
	w.want("known", line(again.Added, again.Known), "0 3")
}

// What articles are about is forgotten after a week. A backfill of the same days that comes later still, and one that is joined later, know it
// all the same: what is of one event is the same as if all of it had come at once.
func eventInTwoGoes(w *world) {
	at := w.now().Add(-5000 * time.Hour)
	forget := func() {
		w.Helper()
		l, ok, err := w.store.Acquire(w.Context(), "process", "h", "someone", w.now(), w.now().Add(time.Minute))
		w.ok(err)
		w.want("held", ok, true)
		w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error { return tx.DropTerms(w.now().Add(time.Hour)) }))
		w.ok(w.store.Release(w.Context(), l))
	}
	var finds []pipeline.Find
	for i := range 60 { // what else is in the papers
		finds = append(finds, w.had(fmt.Sprintf("http://n.example/%d", i), fmt.Sprint("Notes of day ", i), prose(int64(300+i), 60), at.Add(time.Duration(i)*time.Minute)))
	}
	finds = append(finds, w.had(link, "Frigate Sokol hit off Cape Tarn", "A missile hit the frigate Sokol off Cape Tarn on Monday night. Admiral Berg said that 17 sailors were hurt and that the ship was towed to Oster.",
		at.Add(2*time.Hour)))
	w.walk(&listed{name: "one", finds: finds}, wholeRange)
	w.run(w.joiner())
	forget()
	w.walk(&listed{name: "two", finds: []pipeline.Find{w.had(link2, "Seventeen hurt as missile strikes Sokol",
		"Admiral Berg told reporters in Oster that 17 sailors had been hurt on Monday, when the frigate Sokol was struck by a missile near Cape Tarn and had to be towed.", at.Add(5*time.Hour))}}, wholeRange)
	forget()
	w.run(w.joiner())
	var first, second pipeline.Article
	for _, a := range w.articles() {
		switch a.URL {
		case link:
			first = a
		case link2:
			second = a
		}
	}
	w.want("one event", line(second.Relation, second.Of == first.ID, second.Story != first.Story), "same_event true true")
}

// months are two ranges, and a source that does not say to which of them its pages belong.
func (w *world) months() (first, second pipeline.Range, s *listed) {
	at := w.now().Add(-1000 * time.Hour)
	w.pages[link] = answer{title: "A launch", body: story, date: at}
	w.pages[link2] = answer{title: "Later", body: prose(60, 80), date: at.Add(100 * time.Hour)}
	third := "http://a.example/undated"
	w.pages[third] = answer{title: "Some day", body: prose(600, 80)}
	return pipeline.Range{Since: at, Until: at.Add(time.Hour)}, pipeline.Range{Since: at.Add(time.Hour), Until: at.Add(101 * time.Hour)},
		&listed{name: "one", finds: []pipeline.Find{{Entry: pipeline.Entry{URL: link}}, {Entry: pipeline.Entry{URL: link2}}, {Entry: pipeline.Entry{URL: third}}}}
}

// What a backfill read and found outside of its range, one of another range gets: a sitemap names pages and seldom says when they were published.
func rangesInTurn(w *world) {
	first, second, s := w.months()
	w.walk(s, first)
	w.run(w.process)
	w.want("of the first range", len(w.articles()), 1)
	again := w.walk(s, second)
	w.want("to be read again, of the second", line(again.Added, again.Known), "1 2")
	w.run(w.process)
	w.want("of both", len(w.articles()), 2)
	again = w.walk(s, pipeline.Range{Since: first.Since, Until: second.Until})
	w.want("nothing is left", line(again.Added, again.Known), "0 3")
	b := w.backfillOf(s, second, func(r *pipeline.BackfillRun) { r.Undated = true })
	w.want("but for what nobody knows the date of", w.run(b), 1)
	w.run(w.process)
	w.want("all", len(w.articles()), 3)
}

// Side by side it is the same, though the pages wait for one of the two.
func rangesAtOnce(w *world) {
	first, second, s := w.months()
	w.walk(s, first)
	b := w.backfillOf(s, second, nil)
	w.want("all are known", w.run(b), 0)
	due, err := w.store.BackfillDue(w.Context(), b.Is.ID, w.now())
	w.ok(err)
	w.want("it waits for them", due, true)
	w.run(w.process)
	w.want("of both, each page asked for once", len(w.articles()), 2)
	n, err := w.store.TakeWanted(w.Context(), b.Is)
	w.ok(err)
	w.want("nothing is left", n, 0)
}

// A page that cannot be had any more is read from an archive that has a copy of it.
func goneCopied(w *world) {
	gone, kept := "http://gone.example/1", "http://archive.example/1"
	s := &listed{name: "one", finds: []pipeline.Find{{Entry: pipeline.Entry{URL: gone}}}}
	w.walk(s, wholeRange)
	w.run(w.process)
	w.want("gone", len(w.articles()), 0)
	w.want("asked for once", w.walk(s, wholeRange).Added, 0)
	w.pages[gone] = answer{title: "A launch", body: story} // these pages are had by their addresses, from wherever
	at := w.now().Add(-100 * time.Hour)
	s.finds[0] = pipeline.Find{Entry: pipeline.Entry{URL: gone, Published: at}, Copy: kept, Taken: at}
	w.want("an archive has it", w.walk(s, wholeRange).Added, 1)
	w.run(w.process)
	as := w.articles()
	w.want("stored", len(as), 1)
	w.want("under its own address", as[0].Canonical, dedup.Canonical(gone))
	w.want("and once", w.walk(s, wholeRange).Added, 0)
}

func unusableFinds(w *world) {
	bad := pipeline.Find{Err: errors.New("broken record at 17")}
	empty := w.had("http://a.example/front", "Front page", "", time.Time{})
	empty.Taken = w.now()
	good := w.had(link, "A launch", story, w.now().Add(-time.Hour))
	walk := w.walk(&listed{name: "one", finds: []pipeline.Find{bad, empty, good}}, wholeRange)
	w.want("walk", line(walk.Found, walk.Failed, walk.Outside, walk.Added, walk.Done), "3 1 1 1 true")
	// However many there are, they do not make each article a transaction of its own.
	var many []pipeline.Find
	for i := range 20 {
		many = append(many, bad, w.had(fmt.Sprintf("http://b.example/%d", i), fmt.Sprint("Title ", i), prose(int64(i), 60), w.now().Add(-time.Hour)))
	}
	b := w.backfillOf(&listed{name: "many", finds: many}, wholeRange, nil)
	saved := 0
	b.Progress = func(pipeline.Walk) { saved++ }
	w.want("new", w.run(b), 20)
	w.want("checkpoints", saved, 2) // of all, and of the end
}

// The daemon's own pass waits while a backfill is at work.
func joinWaits(w *world) {
	w.walk(&listed{name: "one", finds: []pipeline.Find{w.had(link, "A launch", story, w.now().Add(-time.Hour))}}, wholeRange)
	j := w.joiner()
	j.Eager = false
	l, ok, err := w.store.Acquire(w.Context(), "backfill", "1 one", "someone", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("held", ok, true)
	due, err := j.Due(w.Context())
	w.ok(err)
	w.want("waits", len(due), 0)
	w.ok(w.store.Release(w.Context(), l))
	due, err = j.Due(w.Context())
	w.ok(err)
	w.want("goes on", len(due), 1)
}

// A page of which several captures are stored is known by each of them.
func capturesKnown(w *world) {
	at := w.now().Add(-100 * time.Hour)
	var finds []pipeline.Find
	for i, body := range []string{prose(1, 90), prose(900, 90), prose(1800, 90)} {
		f := w.had(link, "A launch", body, at)
		f.Taken = at.Add(time.Duration(i) * time.Hour)
		f.Page.Fetched = f.Taken
		finds = append(finds, f)
	}
	w.walk(&listed{name: "one", finds: finds}, wholeRange)
	again := w.walk(&listed{name: "one", finds: finds}, wholeRange)
	w.want("the same again", line(again.Added, again.Known), "0 3")
	w.run(w.joiner())
	w.want("versions", len(w.articles()), 3)
	other := w.walk(&listed{name: "two", finds: finds[:1]}, wholeRange)
	w.want("elsewhere", line(other.Added, other.Known), "0 1")
}

// A site that gives all of its pages one canonical link has an article for each, also where the first of them waits to be joined.
func sharedLink(w *world) {
	w.rule("arms missile")
	first := w.had(link, "A launch", story, w.now().Add(-50*time.Hour))
	w.pages[link] = answer{title: "A launch", body: story, canonical: "http://a.example/"}
	w.walk(&listed{name: "one", finds: []pipeline.Find{first}}, wholeRange)
	w.pages[link2] = answer{title: "Another matter", body: missiles(77), canonical: "http://a.example/"}
	w.list("a", w.entry(link2, "Another matter", ""))
	w.run(w.process)
	w.run(w.joiner())
	as := w.articles()
	w.want("articles", len(as), 2)
	w.want("stories", as[0].Story != as[1].Story, true)
	w.want("of their own addresses", as[0].Canonical != as[1].Canonical, true)
}
