// Package storetest is the suite that the store passes on every database, and a private PostgreSQL server for tests.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// Run runs the suite. open gives an empty store that ends with the test.
func Run(t *testing.T, open func(*testing.T, store.Options) *store.Store) {
	for _, part := range []struct {
		name string
		f    func(*world)
	}{
		{"feeds", feeds}, {"due feeds", dueFeeds}, {"poll saves state and items", pollSaves}, {"identity", identity}, {"open again", reopen},
		{"becomes loud", becomesLoud}, {"shared guid", sharedGUID},
		{"bounds on opening again", reopenBounds}, {"quiet then loud", loud}, {"newer text of an open item", refresh},
		{"url changed while polling", changedURL}, {"long identities", longIdentities}, {"leases", leases}, {"fencing", fencing},
		{"take over", takeOver}, {"taken keys are not due", takenKeys}, {"claims", claims}, {"retry items", retryItems}, {"article round trip", article}, {"hostile text", hostile},
		{"changes", changes}, {"write rolls back", rollback}, {"write excludes write", exclusion}, {"eight writers", writers},
		{"one alert a story", oneAlert}, {"merged stories alert once", mergedAlert}, {"alerts without a story", storyless},
		{"outlets", outlets}, {"what a delivery says", sameWords}, {"order of deliveries", order}, {"replay", replay}, {"slots", slots}, {"counts", counts}, {"lists", lists},
		{"learned blocks", learnedBlocks}, {"undo what was learned", undoLearned}, {"article made anew", madeAnew}, {"articles with pages", withPages},
		{"missing rows", missing}, {"canceled", canceled}, {"sites", sites}, {"held deliveries", held}, {"bundles", bundles}, {"held, sent by hand", heldByHand}, {"silences", silences},
		{"escalations", escalations}, {"updates of what was silenced", silencedUpdates}, {"conditions", conditions},
		{"trace", traced}, {"arrivals", arrivals}, {"backlog", backlog}, {"list stories", listStories}, {"split", split}, {"join", join}, {"verdicts hold", verdictsHold}, {"told once over splits", toldOverSplits}, {"prune", prune}, {"policies of retention", policies}, {"sizes of retention", sizes}, {"stats", stats},
		{"revisits", revisits}, {"withdrawn", withdrawn}, {"versions", versions}, {"updates", updates},
		{"count rules", countRules}, {"episodes", episodes}, {"what a count says", countSays},
		{"growth", growth}, {"growth of what is held", growthHeld}, {"growth of a digest's item", growthOfDigest}, {"growth over merges and splits", growthMerged}, {"withdrawals", withdrawals},
		{"search", search}, {"search by pages", searchPages}, {"once per article, story, event", oncePer}, {"events in the change log", eventChanges},
		{"replay", replayed}, {"replay, then live", archivedThenLive}, {"matches of the past", pastMatches},
		{"what is said of a rule", about}, {"marks", marks}, {"alerts of a rule", ruleAlerts},
		{"archive", archived}, {"archive into a store", archivedInto}, {"archive filters", archiveFilters},
		{"runs of backfills", backfillRuns}, {"finds of backfills", backfillFinds}, {"ranges of backfills", backfillRanges}, {"backfilled, then polled", backfillLouder}, {"an idle past", pastIdle},
		{"unjoined", unjoined}, {"captures", captures},
		{"report", report}, {"report on a site or a rule", reportFilters}, {"report on alerts", reportAlerts},
	} {
		t.Run(part.name, func(t *testing.T) {
			w := &world{T: t, ctx: t.Context(), now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
			w.open = func() *store.Store { return open(t, store.Options{Now: func() time.Time { return w.now }}) }
			w.s = w.open()
			part.f(w)
		})
	}
}

// world is a test with its store and its clock, which stands still until the test moves it.
type world struct {
	*testing.T
	ctx  context.Context
	s    *store.Store
	now  time.Time
	open func() *store.Store // another empty one
	n    int
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) want(got, want any) {
	w.Helper()
	if !reflect.DeepEqual(got, want) {
		w.Fatalf("got %#v, want %#v", got, want)
	}
}

func (w *world) is(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

// lease takes a lease as a new run.
func (w *world) lease(kind, key string) pipeline.Lease {
	w.Helper()
	w.n++
	l, ok, err := w.s.Acquire(w.ctx, kind, key, fmt.Sprintf("run-%d", w.n), w.now, w.now.Add(time.Minute))
	w.ok(err)
	if !ok {
		w.Fatalf("%s %s is not free", kind, key)
	}
	return l
}

// steal takes a key from whoever holds it.
func (w *world) steal(kind, key string) pipeline.Lease {
	w.Helper()
	l, ok, err := w.s.Acquire(w.ctx, kind, key, "thief", w.now.Add(time.Hour), w.now.Add(2*time.Hour))
	w.ok(err)
	if !ok {
		w.Fatalf("%s %s could not be taken", kind, key)
	}
	return l
}

func (w *world) release(l pipeline.Lease) {
	w.Helper()
	w.ok(w.s.Release(w.ctx, l))
}

// feed makes one feed the only one and loads it.
func (w *world) feed(name string) pipeline.Feed {
	w.Helper()
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{{Name: name, Kind: "rss", URL: "https://" + name + ".example/feed"}}))
	f, err := w.s.Feed(w.ctx, name)
	w.ok(err)
	return f
}

// poll saves a poll of f and says how many items it counted.
func (w *world) poll(f pipeline.Feed, items ...pipeline.Item) int {
	w.Helper()
	l := w.lease("poll", f.Name)
	n, err := w.s.SavePoll(w.ctx, l, f, items)
	w.ok(err)
	w.release(l)
	return n
}

func (w *world) item(guid, link string) pipeline.Item {
	return pipeline.Item{
		Entry:     pipeline.Entry{GUID: guid, URL: link, Title: "Title of " + guid, Summary: "Summary of " + guid},
		Canonical: link, Host: "a.example", Origin: pipeline.FromPoll, Due: w.now, FirstSeen: w.now,
	}
}

func (w *world) items() []pipeline.Item {
	w.Helper()
	its, err := w.s.Items(w.ctx, store.ItemFilter{Limit: 5000})
	w.ok(err)
	slices.Reverse(its)
	return its
}

// work claims all due items of a host and closes them.
func (w *world) work(host string, state pipeline.ItemState) []pipeline.Item {
	w.Helper()
	l := w.lease("process", host)
	its, err := w.s.ClaimItems(w.ctx, l, w.now, 100)
	w.ok(err)
	for _, it := range its {
		it.State = state
		w.ok(w.s.SaveItem(w.ctx, l, it))
	}
	w.release(l)
	return its
}

// write runs f under a new lease.
func (w *world) write(f func(pipeline.Tx) error) error {
	w.Helper()
	l := w.lease("process", fmt.Sprintf("host-%d", w.n))
	defer w.release(l)
	return w.s.Write(w.ctx, l, f)
}

// store stores an article of site in story (0: a new one).
func (w *world) store(tx pipeline.Tx, story int64, site string) pipeline.Article {
	w.Helper()
	var err error
	if story == 0 {
		story, err = tx.OpenStory("Story of "+site, w.now)
		w.ok(err)
	}
	a := pipeline.Article{Story: story, Feed: "f", URL: "https://" + site + "/1", Canonical: "https://" + site + "/1", Site: site, SiteName: "Site " + site,
		Title: "From " + site, Body: "Body of " + site, Source: pipeline.SourcePage, Relation: "new", Seen: w.now}
	_, err = tx.InsertArticle(&a, nil)
	w.ok(err)
	return a
}

// tell stores an article in a story and raises an alert of rule r for it.
func (w *world) tell(story int64, site, rule string, channels ...string) (a pipeline.Article, raised bool) {
	w.Helper()
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		a = w.store(tx, story, site)
		raised, err = tx.RaiseAlert(pipeline.Alert{Rule: rule, Kind: pipeline.KindMatch, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a,
			Spans: []pipeline.Span{{Field: "body", Start: 0, End: 4}}}, channels)
		return err
	}))
	return a, raised
}

func feeds(w *world) {
	a := pipeline.Feed{Name: "a", Kind: "rss", URL: "https://a.example/feed", Every: 15 * time.Minute}
	b := pipeline.Feed{Name: "b", Kind: "rss", URL: "https://b.example/feed", Cron: "*/5 * * * *"}
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{b, a}))
	a.Address, a.NextPoll = a.URL, w.now
	b.Address, b.NextPoll = b.URL, w.now
	got, err := w.s.Feeds(w.ctx)
	w.ok(err)
	w.want(got, []pipeline.Feed{a, b})

	a.ETag, a.LastModified, a.MovedTo, a.MovedSeen, a.Retired = `"x"`, "yesterday", "https://new.example/", 2, w.now
	a.NextPoll, a.LastPoll, a.LastOK = w.now.Add(time.Hour), w.now, w.now.Add(-time.Hour)
	a.Failures, a.Error, a.Warning, a.Title, a.Entries, a.Baselined = 3, "status 500", "cut", "A", 20, true
	w.poll(a)
	got1, err := w.s.Feed(w.ctx, "a")
	w.ok(err)
	w.want(got1, a)

	// The same settings keep all of the state; b is no longer listed.
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{a}))
	got, err = w.s.Feeds(w.ctx)
	w.ok(err)
	w.want(got, []pipeline.Feed{a})

	// Another schedule makes it due.
	a.Every = time.Minute
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{a, b}))
	a.NextPoll = w.now
	got, err = w.s.Feeds(w.ctx)
	w.ok(err)
	w.want(got, []pipeline.Feed{a, b})

	// Another address is another source: it starts anew, with a baseline of its own.
	w.now = w.now.Add(time.Minute)
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{{Name: "a", Kind: "rss", URL: "https://other.example/", Every: time.Minute}}))
	got1, err = w.s.Feed(w.ctx, "a")
	w.ok(err)
	w.want(got1, pipeline.Feed{Name: "a", Kind: "rss", URL: "https://other.example/", Every: time.Minute, FeedState: pipeline.FeedState{
		Address: "https://other.example/", NextPoll: w.now, LastPoll: a.LastPoll, LastOK: a.LastOK, Title: "A", Entries: 20}})

	if err := w.s.SyncFeeds(w.ctx, []pipeline.Feed{a, a}); err == nil {
		w.Fatal("two feeds of one name were taken")
	}
}

// What one feed's baseline took in silence is news when another feed brings it as news, and when it is edited now.
func becomesLoud(w *world) {
	a, b := w.feed("a"), w.feed("b")
	quiet := w.item("1", "https://x.example/1")
	quiet.Origin, quiet.Quiet = pipeline.FromBaseline, true
	edited := w.item("2", "https://x.example/2")
	edited.Origin, edited.Quiet = pipeline.FromBaseline, true
	w.want(w.poll(a, quiet, edited), 2)
	w.work("a.example", pipeline.ItemDone)
	w.want(w.poll(a, w.item("1", "https://x.example/1")), 0) // the same feed lists it still
	w.want(w.poll(b, quiet), 0)                              // another feed's baseline
	w.want(w.poll(b, w.item("other guid", "https://x.example/1")), 1)
	loud := w.item("2", "https://x.example/2")
	loud.Entry.Updated = w.now.Add(time.Minute)
	w.want(w.poll(a, loud), 1)
	for _, it := range w.items() {
		w.want([]any{it.Entry.GUID, it.State, it.Quiet}, []any{it.Entry.GUID, pipeline.ItemOpen, false})
	}
}

// A guid that a feed writes into every entry hides none of them: an entry whose link and headline are both new is new.
func sharedGUID(w *world) {
	f := w.feed("a")
	entry := func(link, title string) pipeline.Item {
		it := w.item("always the same", link)
		it.Entry.Title = title
		return it
	}
	w.want(w.poll(f, entry("https://x.example/1", "One")), 1)
	w.want(w.poll(f, entry("https://x.example/2", "Two")), 1)
	w.want(w.poll(f, entry("https://x.example/2", "Two")), 0)
	w.want(w.poll(f, entry("https://x.example/1", "One")), 0)
	w.want(w.poll(f, entry("https://x.example/one", "One")), 0) // its link alone changed
	w.want(w.poll(f, entry("https://x.example/3", "Three")), 1)
	w.want(len(w.items()), 3)
}

func dueFeeds(w *world) {
	var fs []pipeline.Feed
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		fs = append(fs, pipeline.Feed{Name: n, Kind: "rss", URL: "https://" + n + ".example"})
	}
	w.ok(w.s.SyncFeeds(w.ctx, fs))
	for i, f := range fs {
		f.NextPoll = w.now.Add(-time.Duration(i) * time.Minute)
		if f.Name == "c" {
			f.Retired = w.now
		}
		if f.Name == "d" {
			f.NextPoll = w.now.Add(time.Second)
		}
		w.poll(f)
	}
	w.ok(w.s.SyncFeeds(w.ctx, fs[:4]))
	got, err := w.s.DueFeeds(w.ctx, w.now, 10)
	w.ok(err)
	w.want(got, []string{"c", "b", "a"}) // c is retired; when it is asked again is the poller's business
	got, err = w.s.DueFeeds(w.ctx, w.now, 1)
	w.ok(err)
	w.want(got, []string{"c"})
}

func pollSaves(w *world) {
	f := w.feed("f")
	it := w.item("g", "https://a.example/1")
	it.Quiet, it.Origin = true, pipeline.FromBaseline
	e := &it.Entry
	e.Author, e.PublishedRaw, e.Content, e.Tags = "An Author", "Mon, 4 May", "<p>All</p>", []string{"x", "y"}
	e.Published, e.Updated = w.now.Add(-time.Hour), w.now.Add(-time.Minute)
	w.want(w.poll(f, it), 1)
	got := w.items()
	if len(got) != 1 || got[0].ID == 0 {
		w.Fatalf("got %v", got)
	}
	it.ID, it.Feed, it.State = got[0].ID, "f", pipeline.ItemOpen
	w.want(got[0], it)
}

func identity(w *world) {
	f := w.feed("f")
	a, b := w.item("1", "https://a.example/1"), w.item("2", "https://a.example/2")
	w.want(w.poll(f, a, b, a), 2)
	before := w.items()
	w.want(w.poll(f, b, a), 0)
	w.want(w.poll(f, w.item("other guid", "https://a.example/1")), 0)
	w.want(w.items(), before)
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{f, {Name: "g", Kind: "rss", URL: "u"}}))
	g, err := w.s.Feed(w.ctx, "g")
	w.ok(err)
	w.want(w.poll(g, w.item("1", "https://b.example/1")), 1)     // another feed's guid says nothing
	w.want(w.poll(g, w.item("first", "https://a.example/1")), 0) // the link does
	// Without links the guid alone decides, without guids the link, without both the text.
	w.want(w.poll(f, w.item("x", ""), w.item("y", "")), 2)
	w.want(w.poll(f, w.item("", "https://a.example/9"), w.item("", "https://a.example/9")), 1)
	bare := w.item("", "")
	bare.Entry.Title = "another"
	w.want(w.poll(f, w.item("", ""), w.item("", ""), bare), 2)
	w.want(w.poll(f, w.item("", ""), bare), 0)
	// Two entries of one document that share a link.
	w.want(w.poll(f, w.item("p", "https://a.example/p"), w.item("q", "https://a.example/p")), 1)
	w.want(w.poll(f, w.item("p", "https://a.example/p"), w.item("q", "https://a.example/p")), 0)
	// A document larger than any chunk, twice.
	var many []pipeline.Item
	for i := range 777 {
		many = append(many, w.item(fmt.Sprint("m", i), fmt.Sprint("https://m.example/", i)))
	}
	w.want(w.poll(f, many...), 777)
	w.want(w.poll(f, many...), 0)
	for i := range many {
		many[i].Entry.GUID += "new"
	}
	w.want(w.poll(f, many...), 0)
}

func reopen(w *world) {
	f := w.feed("f")
	it := w.item("1", "https://a.example/1")
	it.Entry.Updated = w.now.Add(-time.Hour)
	w.want(w.poll(f, it), 1)
	w.work("a.example", pipeline.ItemDone)
	w.want(w.poll(f, it), 0)
	older := it
	older.Entry.Updated = w.now.Add(-2 * time.Hour)
	w.want(w.poll(f, older), 0)
	it.Entry.Updated, it.Entry.Title, it.Due = w.now, "New title", w.now.Add(time.Second)
	it.Entry.URL, it.Canonical, it.Host = "https://b.example/1", "https://b.example/1", "b.example"
	w.want(w.poll(f, it), 1)
	got := w.items()[0]
	w.want([]any{got.State, got.Entry.Title, got.Entry.Updated, got.Due, got.Host, got.Attempts, got.FirstTry.IsZero()},
		[]any{pipeline.ItemOpen, "New title", w.now, w.now.Add(time.Second), "b.example", 0, true})
	w.want(w.poll(f, it), 0)

	// Through another feed that carries the same link, the text is taken, the address is not.
	w.now = w.now.Add(time.Hour)
	w.work("b.example", pipeline.ItemDead)
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{f, {Name: "g", Kind: "rss", URL: "u"}}))
	g, err := w.s.Feed(w.ctx, "g")
	w.ok(err)
	it.Entry.GUID, it.Entry.Updated, it.Host, it.Entry.URL = "their own", w.now, "www.b.example", "https://www.b.example/1"
	w.want(w.poll(g, it), 1)
	got = w.items()[0]
	w.want([]any{got.State, got.Host, got.Entry.GUID, got.Feed}, []any{pipeline.ItemOpen, "b.example", "1", "f"})

	// An entry that never had an Updated is news only when one appears that is later than its first sight.
	n := w.item("n", "https://a.example/n")
	w.want(w.poll(f, n), 1)
	w.work("a.example", pipeline.ItemDone)
	n.Entry.Updated = w.now.Add(-time.Minute)
	w.want(w.poll(f, n), 0)
	n.Entry.Updated = w.now.Add(time.Minute)
	w.want(w.poll(f, n), 1)
}

func reopenBounds(w *world) {
	f := w.feed("f")
	it := w.item("1", "https://a.example/1")
	it.Entry.Updated = w.now
	w.want(w.poll(f, it), 1)
	again := 0
	for range 60 { // a site that says "updated now" at every poll, polled every five minutes
		w.now = w.now.Add(5 * time.Minute)
		w.work("a.example", pipeline.ItemDone)
		it.Entry.Updated, it.Due = w.now, w.now
		n := w.poll(f, it)
		again += n
		if w.poll(f, it) != 0 {
			w.Fatal("opened twice within ten minutes")
		}
	}
	w.want(again, 20)
}

func loud(w *world) {
	f := w.feed("f")
	done, open := w.item("1", "https://a.example/1"), w.item("2", "https://b.example/2")
	open.Host = "b.example"
	base := w.item("3", "https://a.example/3")
	done.Quiet, open.Quiet, base.Quiet = true, true, true
	done.Origin, open.Origin, base.Origin = pipeline.FromBackfill, pipeline.FromBackfill, pipeline.FromBaseline
	w.want(w.poll(f, done, open, base), 3)
	w.work("a.example", pipeline.ItemDone)
	w.want(w.poll(f, done, open, base), 0) // still quiet
	for _, it := range []*pipeline.Item{&done, &open, &base} {
		it.Quiet, it.Origin = false, pipeline.FromPoll
	}
	w.want(w.poll(f, done, open, base), 1)
	got := w.items()
	w.want([]any{got[0].State, got[0].Quiet, got[1].State, got[1].Quiet, got[2].State, got[2].Quiet},
		[]any{pipeline.ItemOpen, false, pipeline.ItemOpen, false, pipeline.ItemDone, true})
	w.work("a.example", pipeline.ItemDone)
	w.want(w.poll(f, done, open, base), 0)
}

func refresh(w *world) {
	f := w.feed("f")
	it := w.item("1", "https://a.example/1")
	w.want(w.poll(f, it), 1)
	it.Entry.Summary, it.Entry.Content = "Newer", "<p>Newer</p>"
	w.want(w.poll(f, it), 0)
	w.want(w.items()[0].Entry.Content, "<p>Newer</p>")

	// Once a run has taken it up, a newer text waits, and is found when the run is through.
	l := w.lease("process", "a.example")
	got, err := w.s.ClaimItems(w.ctx, l, w.now, 1)
	w.ok(err)
	w.want(got[0].Entry.Summary, "Newer")
	it.Entry.Updated, it.Entry.Summary = w.now.Add(time.Minute), "Newest"
	w.want(w.poll(f, it), 0)
	w.want(w.items()[0].Entry.Summary, "Newer")
	got[0].State = pipeline.ItemDone
	w.ok(w.s.SaveItem(w.ctx, l, got[0]))
	w.want(w.poll(f, it), 1)
	w.want(w.items()[0].Entry.Summary, "Newest")
}

func changedURL(w *world) {
	f := w.feed("f")
	w.ok(w.s.SyncFeeds(w.ctx, []pipeline.Feed{{Name: "f", Kind: "rss", URL: "https://new.example/"}}))
	f.ETag, f.Title = `"old"`, "Old"
	w.want(w.poll(f, w.item("1", "https://a.example/1")), 1)
	got, err := w.s.Feed(w.ctx, "f")
	w.ok(err)
	w.want([]string{got.Address, got.ETag, got.Title}, []string{"https://new.example/", "", ""})
}

func longIdentities(w *world) {
	f := w.feed("f")
	// Random, because PostgreSQL compresses before it finds a key too long.
	r := rand.New(rand.NewSource(1))
	long := func() string {
		b := make([]byte, 9000)
		for i := range b {
			b[i] = byte('a' + r.Intn(26))
		}
		return string(b)
	}
	a, b := w.item(long(), "https://a.example/"+long()), w.item(long(), "https://a.example/"+long())
	a.Host = long()
	w.want(w.poll(f, a, b), 2)
	w.want(w.poll(f, a, b), 0)
	w.ok(w.write(func(tx pipeline.Tx) error {
		id, err := tx.OpenStory("s", w.now)
		w.ok(err)
		x := pipeline.Article{Story: id, Canonical: a.Canonical, URL: a.Canonical, Site: a.Host}
		_, err = tx.InsertArticle(&x, nil)
		w.ok(err)
		_, ok, err := tx.ArticleByURL(a.Canonical)
		w.ok(err)
		w.want(ok, true)
		_, ok, err = tx.ArticleByURL(b.Canonical)
		w.ok(err)
		w.want(ok, false)
		return nil
	}))
}

func leases(w *world) {
	l := w.lease("poll", "f")
	_, ok, err := w.s.Acquire(w.ctx, "poll", "f", "other", w.now, w.now.Add(time.Minute))
	w.ok(err)
	w.want(ok, false)
	w.lease("process", "f") // another kind is another key
	w.ok(w.s.Renew(w.ctx, l, w.now.Add(time.Hour)))
	w.now = w.now.Add(30 * time.Minute)
	_, ok, err = w.s.Acquire(w.ctx, "poll", "f", "other", w.now, w.now.Add(time.Minute))
	w.ok(err)
	w.want(ok, false)
	w.release(l)
	w.release(l)
	w.is(w.s.Renew(w.ctx, l, w.now), pipeline.ErrLeaseLost)
	l = w.lease("poll", "f")
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want([]int{n.Leases, n.ExpiredLeases}, []int{2, 0})

	w.now = w.now.Add(2 * time.Minute)
	w.ok(w.s.Renew(w.ctx, l, w.now)) // expired, not taken: still mine
	thief := w.steal("poll", "f")
	w.is(w.s.Renew(w.ctx, l, w.now), pipeline.ErrLeaseLost)
	w.release(l) // gives nothing away that is not mine
	w.ok(w.s.Renew(w.ctx, thief, w.now.Add(time.Hour)))
	n, err = w.s.Counts(w.ctx)
	w.ok(err)
	w.want(n.ExpiredLeases, 1)
	if _, _, err := w.s.Acquire(w.ctx, "poll", "g", "", w.now, w.now); err == nil {
		w.Fatal("a lease without an owner was given")
	}

	// One of many gets a key.
	var wg sync.WaitGroup
	won := make(chan string, 16)
	for i := range 16 {
		wg.Go(func() {
			_, ok, err := w.s.Acquire(w.ctx, "race", "k", fmt.Sprint("racer-", i), w.now, w.now.Add(time.Minute))
			if err != nil {
				w.Error(err)
			}
			if ok {
				won <- "x"
			}
		})
	}
	wg.Wait()
	w.want(len(won), 1)
}

func fencing(w *world) {
	f := w.feed("f")
	w.want(w.poll(f, w.item("1", "https://a.example/1")), 1)
	_, raised := w.tell(0, "a.example", "r", "slack")
	w.want(raised, true)

	lp, lh, lc := w.lease("poll", "f"), w.lease("process", "a.example"), w.lease("deliver", "slack")
	its, err := w.s.ClaimItems(w.ctx, lh, w.now, 1)
	w.ok(err)
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 1)
	w.ok(err)
	w.now = w.now.Add(10 * time.Minute)
	// All expired by now and nobody took them: they still count.
	w.ok(w.s.SaveDelivery(w.ctx, lc, ds[0]))
	w.ok(w.s.Write(w.ctx, lh, func(pipeline.Tx) error { return nil }))

	w.steal("poll", "f")
	w.steal("process", "a.example")
	w.steal("deliver", "slack")
	f.Title = "lost"
	_, err = w.s.SavePoll(w.ctx, lp, f, []pipeline.Item{w.item("2", "https://a.example/2")})
	w.is(err, pipeline.ErrLeaseLost)
	its[0].State = pipeline.ItemDone
	w.is(w.s.SaveItem(w.ctx, lh, its[0]), pipeline.ErrLeaseLost)
	_, err = w.s.ClaimItems(w.ctx, lh, w.now, 1)
	w.is(err, pipeline.ErrLeaseLost)
	ds[0].State = pipeline.DeliverySent
	w.is(w.s.SaveDelivery(w.ctx, lc, ds[0]), pipeline.ErrLeaseLost)
	w.is(w.s.Write(w.ctx, lh, func(tx pipeline.Tx) error {
		w.Error("f ran under a lost lease")
		return nil
	}), pipeline.ErrLeaseLost)
	w.is(w.s.Write(w.ctx, pipeline.Lease{}, func(tx pipeline.Tx) error { return nil }), pipeline.ErrLeaseLost)

	got, err := w.s.Feed(w.ctx, "f")
	w.ok(err)
	w.want(got.Title, "")
	if is := w.items(); len(is) != 1 || is[0].State != pipeline.ItemOpen {
		w.Fatalf("items were written under a lost lease: %v", is)
	}
	dl, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	w.want(dl[0].State, pipeline.DeliveryOpen)
}

func takeOver(w *world) {
	a, b, c := w.lease("poll", "a"), w.lease("poll", "b"), w.lease("process", "c")
	n, err := w.s.TakeOver(w.ctx, func(o string) bool { return o == a.Owner || o == c.Owner })
	w.ok(err)
	w.want(n, 2)
	w.is(w.s.Renew(w.ctx, a, w.now), pipeline.ErrLeaseLost)
	w.ok(w.s.Renew(w.ctx, b, w.now))
	w.lease("poll", "a")
	k, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want([]int{k.Leases, k.ExpiredLeases}, []int{2, 2})
}

// takenKeys: what a run has in hand must not crowd out of a limited list what could be taken.
func takenKeys(w *world) {
	f := w.feed("f")
	w.poll(f, w.item("1", ""))
	w.tell(0, "a.example", "r", "slack")
	list := func() [3]int {
		w.Helper()
		a, err := w.s.DueFeeds(w.ctx, w.now, 9)
		w.ok(err)
		b, err := w.s.DueHosts(w.ctx, w.now, 9)
		w.ok(err)
		c, err := w.s.DueChannels(w.ctx, w.now)
		w.ok(err)
		return [3]int{len(a), len(b), len(c)}
	}
	w.want(list(), [3]int{1, 1, 1})
	w.lease("deliver", "f") // another kind
	w.want(list(), [3]int{1, 1, 1})
	lp, lh, lc := w.lease("poll", "f"), w.lease("process", "a.example"), w.lease("deliver", "slack")
	w.want(list(), [3]int{0, 0, 0})
	for _, l := range []pipeline.Lease{lp, lh} {
		w.release(l)
	}
	w.want(list(), [3]int{1, 1, 0})
	w.now = lc.Until // an expired lease can be taken
	w.want(list(), [3]int{1, 1, 1})
}

func claims(w *world) {
	f := w.feed("f")
	var its []pipeline.Item
	for i := range 5 {
		it := w.item(fmt.Sprint(i), fmt.Sprint("https://a.example/", i))
		it.Due = w.now.Add(-time.Duration(i) * time.Minute)
		its = append(its, it)
	}
	later := w.item("later", "https://a.example/later")
	later.Due = w.now.Add(time.Minute)
	b := w.item("b", "https://b.example/b")
	b.Host, b.Due = "b.example", w.now.Add(-time.Minute)
	w.want(w.poll(f, append(its, later, b)...), 7)
	hosts, err := w.s.DueHosts(w.ctx, w.now, 10)
	w.ok(err)
	w.want(hosts, []string{"a.example", "b.example"})
	hosts, err = w.s.DueHosts(w.ctx, w.now, 1)
	w.ok(err)
	w.want(hosts, []string{"a.example"})

	guids := func(its []pipeline.Item) (out []string) {
		for _, it := range its {
			out = append(out, it.Entry.GUID)
		}
		return out
	}
	l := w.lease("process", "a.example")
	got, err := w.s.ClaimItems(w.ctx, l, w.now, 3)
	w.ok(err)
	w.want(guids(got), []string{"4", "3", "2"})
	w.want([]any{got[0].Claims, got[0].FirstTry}, []any{1, w.now})
	start := w.now
	w.now = w.now.Add(30 * time.Second)
	more, err := w.s.ClaimItems(w.ctx, l, w.now, 3)
	w.ok(err)
	w.want(guids(more), []string{"1", "0"})
	none, err := w.s.ClaimItems(w.ctx, l, w.now, 3)
	w.ok(err)
	w.want(len(none), 0)

	// An outcome ends the claim.
	got[0].Attempts, got[0].Error = 1, "status 503"
	w.ok(w.s.SaveItem(w.ctx, l, got[0]))
	got, err = w.s.ClaimItems(w.ctx, l, w.now, 3)
	w.ok(err)
	w.want(guids(got), []string{"4"})
	w.want([]any{got[0].Claims, got[0].Attempts, got[0].Error, got[0].FirstTry}, []any{1, 1, "status 503", start})

	// The next run gets what this one left. What was given back does not count as taken up: nothing ended with it.
	w.release(l)
	got, err = w.s.ClaimItems(w.ctx, w.lease("process", "a.example"), w.now, 10)
	w.ok(err)
	w.want(guids(got), []string{"4", "3", "2", "1", "0"})
	w.want([]int{got[0].Claims, got[1].Claims}, []int{1, 1})

	// What nobody gave back does.
	w.now = w.now.Add(2 * time.Minute)
	got, err = w.s.ClaimItems(w.ctx, w.lease("process", "a.example"), w.now, 10)
	w.ok(err)
	w.want(guids(got[:2]), []string{"4", "3"})
	w.want([]int{got[0].Claims, got[1].Claims}, []int{2, 2})

	// From the third time on an item waits, longer each time and not as long as another; given back it does not.
	w.now = w.now.Add(2 * time.Minute)
	l = w.lease("process", "a.example")
	_, err = w.s.ClaimItems(w.ctx, l, w.now, 10)
	w.ok(err)
	third := w.now
	w.now = w.now.Add(3 * time.Second)
	dues := map[time.Time]bool{}
	for _, it := range w.items() {
		if it.Claims < 3 {
			continue
		}
		if wait := it.Due.Sub(third); wait < 4*time.Second || wait >= 8*time.Second {
			w.Errorf("item %s waits for %s", it.Entry.GUID, wait)
		}
		dues[it.Due] = true
	}
	w.want(len(dues), 5)
	w.release(l)
	got, err = w.s.ClaimItems(w.ctx, w.lease("process", "a.example"), w.now, 10)
	w.ok(err)
	w.want([]int{len(got), got[5].Claims}, []int{6, 3}) // with one that came due meanwhile
}

func retryItems(w *world) {
	f := w.feed("f")
	w.want(w.poll(f, w.item("1", ""), w.item("2", ""), w.item("3", ""), w.item("4", "")), 4)
	l := w.lease("process", "a.example")
	its, err := w.s.ClaimItems(w.ctx, l, w.now, 4)
	w.ok(err)
	for i := range its[:3] {
		its[i].State, its[i].Attempts, its[i].Error = pipeline.ItemDead, 5, "status 404"
		w.ok(w.s.SaveItem(w.ctx, l, its[i]))
	}
	w.now = w.now.Add(time.Hour)
	n, err := w.s.RetryItems(w.ctx, its[0].ID, its[3].ID, 999) // the fourth is in a run's hand
	w.ok(err)
	w.want(n, 1)
	n, err = w.s.RetryItems(w.ctx)
	w.ok(err)
	w.want(n, 2)
	for _, it := range w.items()[:3] {
		w.want([]any{it.State, it.Attempts, it.Error, it.Due, it.Claims}, []any{pipeline.ItemOpen, 0, "", w.now, 0})
	}
}

func article(w *world) {
	f := w.feed("f")
	w.want(w.poll(f, w.item("1", "https://a.example/1")), 1)
	l := w.lease("process", "a.example")
	its, err := w.s.ClaimItems(w.ctx, l, w.now, 1)
	w.ok(err)
	it := its[0]
	page := pipeline.Page{URL: "https://a.example/1", FinalURL: "https://a.example/1/", Status: 200, ContentType: "text/html", ETag: `"e"`,
		LastModified: "Mon", Fetched: w.now, Body: append(bytes.Repeat([]byte("<p>words and words</p>\n"), 5000), 0xff, 0x00, 0xfe)}
	a := pipeline.Article{Feed: "f", URL: "https://a.example/1", Canonical: "https://a.example/1", Site: "a.example", SiteName: "A", Title: "Title",
		Authors: []string{"One", "Two"}, Tags: []string{"t"}, Published: w.now.Add(-time.Hour), Date: "2026-05-04T13:00:00+02:00", Lang: "en", Agency: "Wire",
		Modified: "2026-05-04T14:00:00+02:00", Section: "Sport", Image: "https://a.example/p.jpg",
		Body: "One.\n\nTwo.", Blocks: []pipeline.Block{{Class: "body", Kept: true, Text: "One."}, {Class: "ad", Text: "Buy", Rule: "r"}}, Source: pipeline.SourceFeed,
		Paywalled: true, Why: "paywall", Relation: "copy", Of: 3, Score: 0.875, Sketch: []byte{1, 0, 255}, Seen: w.now}
	ms := []pipeline.Match{{Rule: "r", Channels: []string{"c"}, Spans: []pipeline.Span{{Field: "title", Start: 0, End: 5}}}, {Rule: "s"}}
	w.ok(w.s.Write(w.ctx, l, func(tx pipeline.Tx) error {
		if a.Story, err = tx.OpenStory("Story", w.now); err != nil {
			return err
		}
		id, err := tx.InsertArticle(&a, &page)
		w.ok(err)
		w.want(id, a.ID)
		w.ok(tx.SaveMatches(id, ms))
		ms[0].Spans[0].End = 4
		w.ok(tx.SaveMatches(id, ms[:1]))
		it.State, it.Article, it.Fallback = pipeline.ItemDone, id, true
		return tx.SaveItem(it)
	}))
	got, err := w.s.Article(w.ctx, a.ID)
	w.ok(err)
	w.want(got, a)
	p, err := w.s.Page(w.ctx, a.ID)
	w.ok(err)
	page.Feed = it.Entry.Text()
	w.want(p, page)
	bs, err := w.s.Blocks(w.ctx, a.ID)
	w.ok(err)
	w.want(bs, a.Blocks)
	m, err := w.s.Matches(w.ctx, store.MatchFilter{Article: a.ID})
	w.ok(err)
	w.want(m, []store.MatchRow{{Article: a.ID, Match: ms[0]}, {Article: a.ID, Match: ms[1]}})
	is := w.items()[0]
	w.want([]any{is.State, is.Article, is.Fallback, is.Claims}, []any{pipeline.ItemDone, a.ID, true, 0})
	st, as, err := w.s.Story(w.ctx, a.Story)
	w.ok(err)
	w.want(st, pipeline.Story{ID: a.Story, Title: "Story", Created: w.now})
	w.want(len(as), 1)
	// A newer version under the same address is the one found.
	w.ok(w.write(func(tx pipeline.Tx) error {
		b := a
		_, err := tx.InsertArticle(&b, nil)
		w.ok(err)
		found, ok, err := tx.ArticleByURL(a.Canonical)
		w.ok(err)
		w.want([]any{ok, found.ID, found.Sketch, found.Body}, []any{true, b.ID, a.Sketch, a.Body})
		_, ok, err = tx.ArticleByURL("https://nobody.example/")
		w.ok(err)
		w.want(ok, false)
		return nil
	}))
}

func hostile(w *world) {
	bad := "a\x00b\xff\xfec\xed\xa0\x80d'\"?$1 \u202e 🚀"
	f := w.feed("f")
	f.Title, f.Error = bad, bad
	it := w.item(bad, bad)
	it.Host, it.Entry.Title, it.Entry.Summary, it.Entry.Content, it.Entry.Author, it.Entry.Tags = bad, bad, bad, bad, bad, []string{bad}
	w.want(w.poll(f, it), 1)
	w.want(w.poll(f, it), 0)
	got := w.items()[0]
	for _, s := range []string{got.Entry.GUID, got.Entry.Title, got.Host, got.Entry.Tags[0]} {
		if !utf8.ValidString(s) || bytes.IndexByte([]byte(s), 0) >= 0 || len(s) != len(bad) {
			w.Fatalf("stored %q, of %d bytes instead of %d", s, len(s), len(bad))
		}
	}
	l := w.lease("process", bad)
	its, err := w.s.ClaimItems(w.ctx, l, w.now, 1)
	w.ok(err)
	w.want(len(its), 1)
	w.ok(w.s.Write(w.ctx, l, func(tx pipeline.Tx) error {
		id, err := tx.OpenStory(bad, w.now)
		w.ok(err)
		a := pipeline.Article{Story: id, Title: bad, Body: bad, Authors: []string{bad}, Blocks: []pipeline.Block{{Text: bad}}, Canonical: bad}
		_, err = tx.InsertArticle(&a, &pipeline.Page{URL: bad, Body: []byte(bad)})
		w.ok(err)
		w.ok(tx.SaveMatches(a.ID, []pipeline.Match{{Rule: bad}}))
		_, err = tx.RaiseAlert(pipeline.Alert{Rule: bad, Kind: bad, Story: pipeline.Story{ID: id}, Article: a}, []string{bad})
		return err
	}))
	ds, err := w.s.NextDeliveries(w.ctx, bad, w.now, 5)
	w.ok(err)
	w.want(len(ds), 1)
	w.want(ds[0].Alert.Article.Title, store.Clean(bad))
	p, err := w.s.Page(w.ctx, ds[0].Alert.Article.ID)
	w.ok(err)
	w.want(string(p.Body), bad) // pages are bytes and stay as they were
}

func changes(w *world) {
	var want []int64
	var stories []int64
	for i := range 5 {
		w.now = w.now.Add(time.Minute)
		w.ok(w.write(func(tx pipeline.Tx) error {
			a := w.store(tx, 0, fmt.Sprintf("s%d.example", i))
			want, stories = append(want, a.ID), append(stories, a.Story)
			return nil
		}))
	}
	var last int64
	read := func(after int64, since time.Time) (ids []int64, kinds []pipeline.ChangeKind) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) error {
			return tx.Changes(after, since, func(c pipeline.Change) error {
				if c.Seq <= after {
					w.Errorf("change %d after %d", c.Seq, after)
				}
				last = c.Seq
				ids, kinds = append(ids, c.Article), append(kinds, c.Kind)
				// The log may be read while other things are looked up.
				_, _, err := tx.ArticleByURL(c.Canonical)
				return err
			})
		}))
		return ids, kinds
	}
	ids, kinds := read(0, time.Time{})
	w.want(ids, want)
	w.want(kinds[0], pipeline.ChangeArticle)
	ids, _ = read(0, w.now.Add(-time.Minute))
	w.want(ids, want[3:])
	ids, _ = read(last, time.Time{})
	w.want(len(ids), 0)

	w.ok(w.s.MergeStories(w.ctx, stories[4], stories[0]))
	w.ok(w.s.MergeStories(w.ctx, stories[0], stories[4])) // they are one already
	w.ok(w.write(func(tx pipeline.Tx) error {
		n := 0
		err := tx.Changes(last, time.Time{}, func(c pipeline.Change) error {
			n++
			w.want([]any{c.Kind, c.Article, c.Story, c.Site, c.Canonical, c.Seen},
				[]any{pipeline.ChangeMove, want[4], stories[0], "s4.example", "https://s4.example/1", w.now})
			return nil
		})
		w.want(n, 1)
		return err
	}))
	st, as, err := w.s.Story(w.ctx, stories[4])
	w.ok(err)
	w.want([]any{st.ID, len(as)}, []any{stories[0], 2})
	// An article for the merged story joins the one that stands.
	w.ok(w.write(func(tx pipeline.Tx) error {
		w.want(w.store(tx, stories[4], "late.example").Story, stories[0])
		return nil
	}))
	stop := errors.New("stop")
	w.is(w.write(func(tx pipeline.Tx) error {
		return tx.Changes(0, time.Time{}, func(pipeline.Change) error { return stop })
	}), stop)
}

func rollback(w *world) {
	boom := errors.New("boom")
	w.is(w.write(func(tx pipeline.Tx) error {
		a := w.store(tx, 0, "a.example")
		w.ok(tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "r"}}))
		_, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: "match", Story: pipeline.Story{ID: a.Story}, Article: a}, []string{"c"})
		w.ok(err)
		return boom
	}), boom)
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want([]int{n.Articles, n.Stories, n.Alerts, len(n.Deliveries)}, []int{0, 0, 0, 0})
	// A panic in f must not keep the writer.
	func() {
		defer func() { _ = recover() }()
		l := w.lease("process", "panics")
		_ = w.s.Write(w.ctx, l, func(pipeline.Tx) error { panic("boom") })
	}()
	w.tell(0, "b.example", "r")
	// A new item that is not there rolls the article back.
	w.is(w.write(func(tx pipeline.Tx) error {
		w.store(tx, 0, "c.example")
		return tx.SaveItem(pipeline.Item{ID: 999, State: pipeline.ItemDone})
	}), store.ErrNotFound)
	n, err = w.s.Counts(w.ctx)
	w.ok(err)
	w.want(n.Articles, 1)
}

func exclusion(w *world) {
	inside, most := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 6 {
		l := w.lease("process", fmt.Sprint("h", i))
		wg.Go(func() {
			for range 10 {
				err := w.s.Write(w.ctx, l, func(tx pipeline.Tx) error {
					mu.Lock()
					inside++
					most = max(most, inside)
					mu.Unlock()
					_, err := tx.OpenStory("s", w.now)
					mu.Lock()
					inside--
					mu.Unlock()
					return err
				})
				if err != nil {
					w.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.want(most, 1)
}

// writers: eight runs that read and then write, all at once, without one failure, and each story known to each of them once.
func writers(w *world) {
	const runs, each = 8, 25
	f := w.feed("f")
	var wg sync.WaitGroup
	for i := range runs {
		lh, lp := w.lease("process", fmt.Sprint("h", i)), w.lease("poll", fmt.Sprint("f", i))
		wg.Go(func() {
			for j := range each {
				err := w.s.Write(w.ctx, lh, func(tx pipeline.Tx) error {
					url := fmt.Sprint("https://x.example/", j)
					if _, ok, err := tx.ArticleByURL(url); err != nil || ok {
						return err
					}
					id, err := tx.OpenStory("s", w.now)
					if err != nil {
						return err
					}
					_, err = tx.InsertArticle(&pipeline.Article{Story: id, Canonical: url, URL: url}, nil)
					return err
				})
				if err != nil {
					w.Errorf("run %d: %v", i, err)
				}
				its := []pipeline.Item{w.item(fmt.Sprint("g", j), fmt.Sprint("https://x.example/", j)), w.item(fmt.Sprint("k", j), fmt.Sprint("https://y.example/", j))}
				if i%2 == 0 {
					slices.Reverse(its)
				}
				if _, err := w.s.SavePoll(w.ctx, lp, f, its); err != nil {
					w.Errorf("run %d: %v", i, err)
				}
				if _, err := w.s.Articles(w.ctx, store.ArticleFilter{}); err != nil {
					w.Errorf("run %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want([]int{n.Articles, n.Stories, n.Items[pipeline.ItemOpen]}, []int{each, each, 2 * each})
}

func oneAlert(w *world) {
	a, raised := w.tell(0, "a.example", "r", "slack", "hook")
	w.want(raised, true)
	_, raised = w.tell(a.Story, "b.example", "r", "slack", "hook")
	w.want(raised, false)
	_, raised = w.tell(a.Story, "c.example", "other rule", "slack", "slack")
	w.want(raised, true)
	_, raised = w.tell(0, "d.example", "r", "slack")
	w.want(raised, true)
	w.ok(w.write(func(tx pipeline.Tx) error {
		for _, k := range []struct {
			kind string
			seq  int
			want bool
		}{{pipeline.KindUpdate, 1, true}, {pipeline.KindUpdate, 1, false}, {pipeline.KindUpdate, 2, true}, {pipeline.KindMatch, 0, false}} {
			ok, err := tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: k.kind, Seq: k.seq, Story: pipeline.Story{ID: a.Story}, Article: a}, nil)
			w.ok(err)
			w.want(ok, k.want)
		}
		return nil
	}))
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want(len(ds), 3)
	d := ds[0]
	w.want([]any{d.Channel, d.State, d.Due, d.Created, d.Alert.Rule, d.Alert.Subject, d.Alert.Kind, d.Alert.Story.ID, d.Alert.Article.Title, d.Alert.Spans},
		[]any{"slack", pipeline.DeliveryOpen, w.now, w.now, "r", fmt.Sprint("story:", a.Story), "match", a.Story, "From a.example",
			[]pipeline.Span{{Field: "body", Start: 0, End: 4}}})
	if len(d.UID) < 20 || d.UID[:4] != "msg_" || d.UID == ds[1].UID {
		w.Fatalf("UIDs %q, %q", d.UID, ds[1].UID)
	}
	other, err := w.s.NextDeliveries(w.ctx, "hook", w.now, 10)
	w.ok(err)
	w.want(len(other), 1)
	w.want(other[0].Alert.ID, d.Alert.ID)
}

func mergedAlert(w *world) {
	var st []int64
	for i := range 5 {
		a, _ := w.tell(0, fmt.Sprintf("s%d.example", i), fmt.Sprint("only ", i))
		st = append(st, a.Story)
	}
	// 1 into 0, 0 into 2, 3 into 2: a family of four with two generations.
	w.ok(w.s.MergeStories(w.ctx, st[1], st[0]))
	w.ok(w.s.MergeStories(w.ctx, st[0], st[2]))
	w.ok(w.s.MergeStories(w.ctx, st[3], st[1]))
	for _, in := range st[:4] {
		for i := range 4 {
			if _, raised := w.tell(in, "x.example", fmt.Sprint("only ", i)); raised {
				w.Fatalf("the alert for story %d was raised again for story %d", st[i], in)
			}
		}
	}
	if _, raised := w.tell(st[1], "x.example", "only 4"); !raised {
		w.Fatal("a story outside the family kept its rule from alerting")
	}
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	w.want(len(ds), 0)
	// An alert raised after a merge is about the story that stands, and holds for what is merged later.
	a, raised := w.tell(st[3], "y.example", "late", "slack")
	w.want(raised, true)
	w.want(a.Story, st[2])
	w.ok(w.s.MergeStories(w.ctx, st[2], st[4]))
	_, raised = w.tell(st[4], "z.example", "late", "slack")
	w.want(raised, false)
	// Whoever still names a story merged away means the one that stands.
	w.ok(w.write(func(tx pipeline.Tx) error {
		for _, k := range []struct {
			rule string
			want bool
		}{{"late", false}, {"only 0", false}, {"newest", true}, {"newest", false}} {
			ok, err := tx.RaiseAlert(pipeline.Alert{Rule: k.rule, Kind: pipeline.KindMatch, Story: pipeline.Story{ID: st[1]}, Article: a}, []string{"hook"})
			w.ok(err)
			w.want(ok, k.want)
		}
		return nil
	}))
	ds, err = w.s.NextDeliveries(w.ctx, "hook", w.now, 5)
	w.ok(err)
	w.want([]any{len(ds), ds[0].Alert.Subject}, []any{1, fmt.Sprint("story:", st[4])})
	ds, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 5)
	w.ok(err)
	w.want([]any{len(ds), ds[0].Alert.Subject, ds[0].Alert.Story.ID}, []any{1, fmt.Sprint("story:", st[2]), st[4]})
}

// What the first attempt says stays, whatever becomes of the story; a delivery that has not begun says what is known by then.
func sameWords(w *world) {
	a, _ := w.tell(0, "a.example", "r", "slack", "hook")
	w.tell(a.Story, "b.example", "r")
	l := w.lease("deliver", "slack")
	outlets := func(channel string) (n int, title string) {
		ds, err := w.s.NextDeliveries(w.ctx, channel, w.now, 1)
		w.ok(err)
		return len(ds[0].Alert.Outlets), ds[0].Alert.Story.Title
	}
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 1)
	w.ok(err)
	w.ok(w.s.BeginDelivery(w.ctx, l, ds[0]))
	_, title := outlets("slack")
	w.tell(a.Story, "c.example", "r")
	other, _ := w.tell(0, "d.example", "other")
	w.ok(w.s.MergeStories(w.ctx, a.Story, other.Story))
	n, again := outlets("slack")
	w.want([]any{n, again}, []any{1, title})
	n, _ = outlets("hook")
	w.want(n, 3)
	ds[0].Alert.Outlets = nil // a second beginning changes nothing
	w.ok(w.s.BeginDelivery(w.ctx, l, ds[0]))
	n, _ = outlets("slack")
	w.want(n, 1)
	w.ok(w.s.Release(w.ctx, l))
	w.is(w.s.BeginDelivery(w.ctx, l, ds[0]), pipeline.ErrLeaseLost)
}

func storyless(w *world) {
	al := pipeline.Alert{Rule: "health", Subject: "feed:f", Kind: pipeline.KindHealth, Seq: 1, Created: w.now,
		Story: pipeline.Story{Title: "Feed f is silent"}, Article: pipeline.Article{Title: "Feed f is silent", URL: "https://f.example", Body: "Since noon."}}
	for _, want := range []bool{true, false} {
		ok, err := w.s.Raise(w.ctx, al, []string{"slack"})
		w.ok(err)
		w.want(ok, want)
	}
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 5)
	w.ok(err)
	w.want(len(ds), 1)
	al.ID = ds[0].Alert.ID
	w.want(ds[0].Alert, al)
	if _, err := w.s.Raise(w.ctx, pipeline.Alert{Rule: "r", Kind: "k"}, nil); err == nil {
		w.Fatal("an alert about nothing was taken")
	}
}

func outlets(w *world) {
	a, _ := w.tell(0, "a.example", "r", "slack")
	for _, site := range []string{"b.example", "c.example", "a.example", "b.example"} {
		w.now = w.now.Add(time.Minute)
		w.tell(a.Story, site, "r")
	}
	b, _ := w.tell(0, "d.example", "q")
	w.ok(w.s.MergeStories(w.ctx, a.Story, b.Story)) // the alert's own story is the one merged away
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 5)
	w.ok(err)
	al := ds[0].Alert
	var sites []string
	for _, o := range al.Outlets {
		sites = append(sites, o.Site)
	}
	slices.Sort(sites)
	w.want(sites, []string{"b.example", "c.example", "d.example"})
	w.want([]any{al.Story.ID, al.Story.Title, al.Article.ID}, []any{b.Story, "Story of d.example", a.ID})

	// Of an article that nobody was told of, the same would be said.
	said, err := w.s.Saying(w.ctx, a.ID)
	w.ok(err)
	w.want([]any{said.Story, said.Article, said.Outlets}, []any{al.Story, al.Article, al.Outlets})
	_, err = w.s.Saying(w.ctx, 999)
	w.is(err, store.ErrNotFound)
}

func order(w *world) {
	for i := range 4 {
		w.tell(0, fmt.Sprintf("s%d.example", i), "r", "slack", "hook")
	}
	l := w.lease("deliver", "slack")
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 3)
	w.ok(err)
	w.want(len(ds), 3)
	for i, d := range ds {
		w.want(d.Alert.Article.Site, fmt.Sprintf("s%d.example", i))
	}
	// The first must wait: so must all behind it.
	ds[0].Due, ds[0].Attempts, ds[0].Error = w.now.Add(time.Minute), 1, "status 503"
	w.ok(w.s.SaveDelivery(w.ctx, l, ds[0]))
	due, err := w.s.DueChannels(w.ctx, w.now)
	w.ok(err)
	w.want(due, []string{"hook"})
	got, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 3)
	w.ok(err)
	w.want(len(got), 0)
	w.now = w.now.Add(time.Minute)
	due, err = w.s.DueChannels(w.ctx, w.now)
	w.ok(err)
	w.want(due, []string{"hook", "slack"})
	got, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 1)
	w.ok(err)
	w.want([]any{got[0].ID, got[0].UID, got[0].Attempts, got[0].Error}, []any{ds[0].ID, ds[0].UID, 1, "status 503"})
	got[0].State, got[0].Sent = pipeline.DeliverySent, w.now
	w.ok(w.s.SaveDelivery(w.ctx, l, got[0]))
	got, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 3)
	w.ok(err)
	w.want([]any{len(got), got[0].ID}, []any{3, ds[1].ID})
	// A lease on one channel writes no other's.
	hook, err := w.s.NextDeliveries(w.ctx, "hook", w.now, 1)
	w.ok(err)
	w.is(w.s.SaveDelivery(w.ctx, l, hook[0]), store.ErrNotFound)
}

func replay(w *world) {
	for i := range 4 {
		w.tell(0, fmt.Sprintf("s%d.example", i), "r", "slack")
	}
	l := w.lease("deliver", "slack")
	ds, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 4)
	w.ok(err)
	for i, st := range []pipeline.DeliveryState{pipeline.DeliveryDead, pipeline.DeliveryDead, pipeline.DeliverySent} {
		ds[i].State, ds[i].Attempts, ds[i].Error = st, 7, "no"
		w.ok(w.s.SaveDelivery(w.ctx, l, ds[i]))
	}
	w.now = w.now.Add(time.Hour)
	n, err := w.s.RetryDeliveries(w.ctx)
	w.ok(err)
	w.want(n, 2)
	n, err = w.s.RetryDeliveries(w.ctx, ds[2].ID, ds[3].ID, 999) // sent once more on request; the open one stays where it is
	w.ok(err)
	w.want(n, 1)
	got, err := w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	var ids []int64
	for _, d := range got {
		ids = append(ids, d.ID)
	}
	w.want(ids, []int64{ds[3].ID, ds[0].ID, ds[1].ID, ds[2].ID})
	w.want([]any{got[1].UID, got[1].Attempts, got[1].Error, got[1].Due}, []any{ds[0].UID, 0, "", w.now})
	// What comes after the replay stands behind it.
	w.tell(0, "new.example", "r", "slack")
	got, err = w.s.NextDeliveries(w.ctx, "slack", w.now, 10)
	w.ok(err)
	w.want([]any{len(got), got[4].Alert.Article.Site}, []any{5, "new.example"})
}

func slots(w *world) {
	every := 250 * time.Millisecond
	var mu sync.Mutex
	var got []time.Time
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				at, err := w.s.ReserveHost(w.ctx, "h", w.now, every)
				if err != nil {
					w.Error(err)
				}
				mu.Lock()
				got = append(got, at)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(got, time.Time.Compare)
	for i, at := range got {
		w.want(at, w.now.Add(time.Duration(i)*every))
	}
	at, err := w.s.ReserveHost(w.ctx, "other", w.now, every)
	w.ok(err)
	w.want(at, w.now)
	at, err = w.s.ReserveChannel(w.ctx, "h", w.now, time.Second)
	w.ok(err)
	w.want(at, w.now)
	w.now = w.now.Add(time.Hour) // unused slots are not saved up
	for i := range 2 {
		at, err = w.s.ReserveChannel(w.ctx, "h", w.now, time.Second)
		w.ok(err)
		w.want(at, w.now.Add(time.Duration(i)*time.Second))
	}
	w.now = w.now.Add(-30 * time.Minute) // the clock is put back: nobody sleeps until it has caught up
	at, err = w.s.ReserveChannel(w.ctx, "h", w.now, time.Second)
	w.ok(err)
	w.want(at, w.now)
	at, err = w.s.ReserveHost(w.ctx, "free", w.now, 0)
	w.ok(err)
	w.want(at, w.now)
}

func counts(w *world) {
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want([]any{n.OldestFeed.IsZero(), n.OldestItem.IsZero(), n.OldestDelivery.IsZero(), n.Articles}, []any{true, true, true, 0})
	f := w.feed("f")
	f.Failures, f.NextPoll = 2, w.now.Add(time.Hour)
	w.poll(f, w.item("1", ""), w.item("2", ""))
	w.work("a.example", pipeline.ItemDead)
	open := w.item("3", "")
	open.Due = w.now.Add(2 * time.Hour)
	w.poll(f, open)
	a, _ := w.tell(0, "a.example", "r", "slack", "hook")
	b, _ := w.tell(0, "b.example", "q", "slack")
	w.ok(w.s.MergeStories(w.ctx, b.Story, a.Story))
	n, err = w.s.Counts(w.ctx)
	w.ok(err)
	w.want(n.Items, map[pipeline.ItemState]int{pipeline.ItemOpen: 1, pipeline.ItemDead: 2, pipeline.ItemDone: 0})
	w.want(n.Deliveries, map[string]map[pipeline.DeliveryState]int{"slack": {pipeline.DeliveryOpen: 2}, "hook": {pipeline.DeliveryOpen: 1}})
	w.want([]any{n.Feeds, n.Failing, n.Retired, n.Articles, n.Stories, n.Alerts}, []any{1, 1, 0, 2, 1, 2})
	w.want([]time.Time{n.OldestFeed, n.OldestItem, n.OldestDelivery}, []time.Time{f.NextPoll, open.Due, w.now})
	w.ok(w.s.Ping(w.ctx))
	w.ok(w.s.Check(w.ctx))
	w.ok(w.s.Checkpoint(w.ctx))
	i, err := w.s.Info(w.ctx)
	w.ok(err)
	if i.Schema < 1 || i.Server == "" || i.Database == "" {
		w.Fatalf("info %+v", i)
	}
}

func lists(w *world) {
	f := w.feed("f")
	w.poll(f, w.item("1", ""), w.item("2", ""))
	start := w.now
	var as []pipeline.Article
	for i := range 3 {
		w.now = start.Add(time.Duration(i) * time.Minute)
		a, _ := w.tell(0, fmt.Sprintf("s%d.example", i), "r", "slack")
		as = append(as, a)
	}
	got, err := w.s.Articles(w.ctx, store.ArticleFilter{Since: start, Until: start.Add(2 * time.Minute), Limit: 1})
	w.ok(err)
	w.want([]any{len(got), got[0].ID}, []any{1, as[1].ID})
	got, err = w.s.Articles(w.ctx, store.ArticleFilter{Site: "s2.example", Story: as[2].Story})
	w.ok(err)
	w.want([]any{len(got), got[0].ID}, []any{1, as[2].ID})
	got, err = w.s.Articles(w.ctx, store.ArticleFilter{After: as[0].ID})
	w.ok(err)
	w.want([]any{len(got), got[0].ID, got[1].ID}, []any{2, as[1].ID, as[2].ID})
	its, err := w.s.Items(w.ctx, store.ItemFilter{State: pipeline.ItemOpen, Feed: "f", Limit: 1})
	w.ok(err)
	w.want([]any{len(its), its[0].Entry.GUID}, []any{1, "2"})
	its, err = w.s.Items(w.ctx, store.ItemFilter{IDs: []int64{its[0].ID}})
	w.ok(err)
	w.want(len(its), 1)
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{State: pipeline.DeliveryOpen, Channel: "slack", Limit: 2})
	w.ok(err)
	w.want([]any{len(ds), ds[0].Alert.Article.ID}, []any{2, as[2].ID})
	ds, err = w.s.Deliveries(w.ctx, store.DeliveryFilter{IDs: []int64{ds[0].ID}})
	w.ok(err)
	w.want(len(ds), 1)
}

func missing(w *world) {
	_, err := w.s.Feed(w.ctx, "none")
	w.is(err, store.ErrNotFound)
	_, err = w.s.Article(w.ctx, 9)
	w.is(err, store.ErrNotFound)
	_, err = w.s.Page(w.ctx, 9)
	w.is(err, store.ErrNotFound)
	_, err = w.s.Blocks(w.ctx, 9)
	w.is(err, store.ErrNotFound)
	_, _, err = w.s.Story(w.ctx, 9)
	w.is(err, store.ErrNotFound)
	w.is(w.s.MergeStories(w.ctx, 9, 8), store.ErrNotFound)
	_, err = w.s.SavePoll(w.ctx, w.lease("poll", "none"), pipeline.Feed{Name: "none"}, nil)
	w.is(err, store.ErrNotFound)
	w.is(w.write(func(tx pipeline.Tx) error {
		_, err := tx.InsertArticle(&pipeline.Article{}, nil)
		return err
	}), store.ErrNotFound)
}

func canceled(w *world) {
	f := w.feed("f")
	l := w.lease("poll", "f")
	ctx, cancel := context.WithCancel(w.ctx)
	w.is(w.s.Write(ctx, l, func(tx pipeline.Tx) error {
		w.store(tx, 0, "a.example")
		cancel()
		return nil
	}), context.Canceled)
	_, err := w.s.SavePoll(ctx, l, f, nil)
	w.is(err, context.Canceled)
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want(n.Articles, 0)
}
