package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/engine"
	"wirewatch/pipeline/store"
	"wirewatch/pipeline/store/storetest"
)

// server is the private PostgreSQL of this package's tests, files are their SQLite stores.
var (
	server storetest.Lazy
	files  storetest.Files
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// databases are the kinds of store that the loops run on.
var databases = []struct {
	name string
	dsn  func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return files.Migrated(t) }},
	{"postgres", func(t testing.TB) string { return server.Migrated(t) }},
}

// oneByOne leaves cases that do one thing after the other out of the race detector's run on the second database: nothing races in them
// that does not on the first, and they are many.
func oneByOne(t *testing.T, database string) {
	t.Helper()
	if pipeline.Raced && database != databases[0].name {
		t.Skip("one thing after the other, on " + databases[0].name + " already: not measured")
	}
}

func openStore(t testing.TB, dsn string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// A clock stands still until the test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A world is the three loops over a real store and the real rules. Its edges, where the network would be, are scripts: feeds,
// pages and channels answer what the test puts there.
type world struct {
	*testing.T
	*clock
	store *store.Store

	feeds    map[string]polled   // by feed
	pages    map[string]answer   // by URL; 404 for the others
	channels map[string]*channel // by name
	rules    *rules.Set
	routes   map[string][]string // rule to channels
	waits    map[string]time.Duration
	updates  map[string]bool             // rules that ask for what versions change
	follow   map[string]pipeline.Updates // rules that ask for more
	once     map[string]pipeline.OncePer
	silent   map[string]bool           // rules that have expired
	about    map[string]pipeline.About // what is said of them
	when     map[string]*pipeline.When // rules that count

	poll    *pipeline.Poller
	process *pipeline.Processor
	deliver *pipeline.Deliverer
	slept   []time.Duration
	woken   int
	events  []string // "stage key outcome", of all loops

	mu        sync.Mutex
	requested []string // URLs of pages, in order
	polledAt  []pipeline.Feed
	owner     int
}

type polled struct {
	got pipeline.Polled
	err error
	do  func() // during the request
}

// An answer is what a page's server says.
type answer struct {
	title, body string
	canonical   string // the page's own word; "": its URL
	paywalled   bool
	etag        string
	final       string // where it leads; "": it stays
	date        time.Time
	err         error
	do          func(context.Context) // during the request
}

func newWorld(t *testing.T, dsn string) *world {
	w := &world{T: t, clock: &clock{t: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)},
		feeds: map[string]polled{}, pages: map[string]answer{}, channels: map[string]*channel{}, routes: map[string][]string{}}
	w.store = openStore(t, dsn, w.now)
	w.loops(w.store)
	return w
}

// loops makes the loops over s, as a process that starts would.
func (w *world) loops(s *store.Store) {
	w.poll = &pipeline.Poller{Store: s, Source: source{w}, Canonical: dedup.Canonical, Host: host, Baseline: 24 * time.Hour,
		Now: w.now, Report: w.report}
	w.process = &pipeline.Processor{Store: s, Pages: fetcher{w}, Extract: w.extract, FeedText: feedText, Match: w.match, Counting: w.counting, Rule: w.matchOf,
		Index: dedup.New(dedup.Options{Window: 30 * 24 * time.Hour}), Window: 30 * 24 * time.Hour, Events: dedup.NewEvents(dedup.EventOptions{}), Parallel: 1,
		Backoff: pipeline.Backoff{First: time.Minute, Factor: 4, Max: 12 * time.Hour, Rand: func() float64 { return .5 }}, Attempts: 5,
		Now: w.now, Wake: w.wake, Report: w.report}
	w.deliver = &pipeline.Deliverer{Store: s, Channel: func(n string) (pipeline.Channel, bool) { c, ok := w.channels[n]; return c, ok },
		Backoff: pipeline.Backoff{First: time.Second, Factor: 2, Max: 5 * time.Minute, Rand: func() float64 { return .5 }},
		MaxAge:  72 * time.Hour, Now: w.now, Report: w.report,
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 0 {
				w.slept = append(w.slept, d)
				w.add(d)
			}
			return ctx.Err()
		}}
}

func (w *world) report(ev pipeline.Event, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, ev.Stage+" "+ev.Key+" "+ev.Outcome)
}

func (w *world) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken++
}

// run does what a stage has due now, as the engine does it, and says how much that was. What breaks ends the test, except what
// the test expects (see errBroken).
func (w *world) run(s engine.Stage) int {
	w.Helper()
	n, err := w.try(s)
	if err != nil {
		w.Fatalf("%s: %v", s.Name(), err)
	}
	return n
}

func (w *world) try(s engine.Stage) (int, error) {
	w.owner++
	e := &engine.Engine{Leases: w.store, Owner: fmt.Sprint("owner", w.owner), TTL: time.Hour, Workers: 4, Sweep: time.Hour, Now: w.now,
		Log: slog.New(slog.DiscardHandler)}
	e.Add(s)
	done, err := e.Once(w.Context())
	return done[s.Name()], err
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// rule makes the rules the ones in force; each is "name query" and tells the channel "desk".
func (w *world) rule(list ...string) {
	w.Helper()
	var rs []rules.Rule
	for _, l := range list {
		name, query, _ := strings.Cut(l, " ")
		rs = append(rs, rules.Rule{Name: name, Query: query})
		if _, ok := w.routes[name]; !ok {
			w.routes[name] = []string{"desk"}
		}
	}
	set, err := rules.Compile(rs)
	w.ok(err)
	w.rules = set
}

func (w *world) match(a *pipeline.Article) []pipeline.Match {
	if w.rules == nil {
		return nil
	}
	var out []pipeline.Match
	for _, h := range w.rules.Match(&rules.Doc{Title: a.Title, Body: a.Body, Lang: a.Lang, Site: a.Site, URL: a.URL}) {
		m := w.matchOf(h.Rule)
		for _, s := range h.Spans {
			m.Spans = append(m.Spans, pipeline.Span(s))
		}
		out = append(out, m)
	}
	return out
}

// matchOf is what is said of a rule wherever it matches.
func (w *world) matchOf(rule string) pipeline.Match {
	u := w.follow[rule]
	u.Versions = u.Versions || w.updates[rule]
	return pipeline.Match{Rule: rule, Channels: w.routes[rule], Waits: w.waits, OncePer: w.once[rule], When: w.when[rule], Updates: u,
		Silent: w.silent[rule], About: w.about[rule]}
}

func (w *world) counting() (out []pipeline.Match) {
	for _, r := range slices.Sorted(maps.Keys(w.when)) {
		out = append(out, w.matchOf(r))
	}
	return out
}

// sync makes feeds of these names the configured ones. Each is polled every fifteen minutes at http://NAME.example/feed.
func (w *world) sync(names ...string) {
	w.Helper()
	var fs []pipeline.Feed
	for _, n := range names {
		fs = append(fs, pipeline.Feed{Name: n, Kind: "rss", URL: "http://" + n + ".example/feed", Every: 15 * time.Minute})
	}
	w.ok(w.store.SyncFeeds(w.Context(), fs))
}

// list lets a feed that is past its baseline list entries, polls it, and says how many items were new.
func (w *world) list(feed string, entries ...pipeline.Entry) int {
	w.Helper()
	if _, err := w.store.Feed(w.Context(), feed); errors.Is(err, store.ErrNotFound) {
		all := []string{feed}
		fs, err := w.store.Feeds(w.Context())
		w.ok(err)
		for _, f := range fs {
			all = append(all, f.Name)
		}
		w.sync(all...)
	}
	w.feeds[feed] = polled{got: pipeline.Polled{Entries: entries}}
	w.due(feed)
	return w.run(w.poll)
}

// due moves the clock to a feed's next poll.
func (w *world) due(feed string) {
	w.Helper()
	if d := w.feed(feed).NextPoll.Sub(w.now()); d > 0 {
		w.add(d)
	}
}

func (w *world) feed(name string) pipeline.Feed {
	w.Helper()
	f, err := w.store.Feed(w.Context(), name)
	w.ok(err)
	return f
}

// entry is an entry published just now whose guid and link are the same.
func (w *world) entry(link, title, summary string) pipeline.Entry {
	return pipeline.Entry{GUID: link, URL: link, Title: title, Summary: summary, Published: w.now()}
}

// articles are all articles, the oldest first.
func (w *world) articles() []pipeline.Article {
	w.Helper()
	as, err := w.store.Articles(w.Context(), store.ArticleFilter{Limit: 5000})
	w.ok(err)
	slices.Reverse(as)
	return as
}

// items are all items, the oldest first.
func (w *world) items() []pipeline.Item {
	w.Helper()
	its, err := w.store.Items(w.Context(), store.ItemFilter{Limit: 5000})
	w.ok(err)
	slices.Reverse(its)
	return its
}

func (w *world) item() pipeline.Item {
	w.Helper()
	its := w.items()
	if len(its) != 1 {
		w.Fatalf("%d items, want one", len(its))
	}
	return its[0]
}

// alerts are all deliveries as "rule story channel", the oldest first.
func (w *world) alerts() []string {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Limit: 5000})
	w.ok(err)
	out := make([]string, len(ds))
	for i, d := range ds {
		out[len(ds)-1-i] = fmt.Sprintf("%s %s %s", d.Alert.Rule, d.Alert.Subject, d.Channel)
	}
	return out
}

// matches are the rules stored for an article.
func (w *world) matches(article int64) []string {
	w.Helper()
	ms, err := w.store.Matches(w.Context(), store.MatchFilter{Article: article})
	w.ok(err)
	out := []string{}
	for _, m := range ms {
		out = append(out, m.Rule)
	}
	return out
}

// want ends the test when what it got does not print as what it wants: the printed form reads well in failures.
func (w *world) want(what string, got, want any) {
	w.Helper()
	if g, x := fmt.Sprint(got), fmt.Sprint(want); g != x {
		w.Fatalf("%s: got %s, want %s", what, g, x)
	}
}

// line prints values with a space between.
func line(vs ...any) string { return strings.TrimSpace(fmt.Sprintln(vs...)) }

// state is what matters of an item, in a line.
func (w *world) state(it pipeline.Item) string {
	s := fmt.Sprintf("%s attempts=%d", it.State, it.Attempts)
	if it.Article != 0 {
		s += " article"
	}
	if it.Fallback {
		s += " fallback"
	}
	return s
}

// forget empties the record of requests and events.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requested, w.events = nil, nil
}

// source is the feeds' side of the network.
type source struct{ w *world }

func (s source) Poll(ctx context.Context, f pipeline.Feed) (pipeline.Polled, error) {
	s.w.mu.Lock()
	s.w.polledAt = append(s.w.polledAt, f)
	p, ok := s.w.feeds[f.Name]
	s.w.mu.Unlock()
	if !ok {
		return pipeline.Polled{}, fmt.Errorf("no feed at %s", f.Address)
	}
	if p.do != nil {
		p.do()
	}
	return p.got, p.err
}

// fetcher is the pages' side of the network.
type fetcher struct{ w *world }

func (f fetcher) Fetch(ctx context.Context, it pipeline.Item) (*pipeline.Page, error) {
	f.w.mu.Lock()
	f.w.requested = append(f.w.requested, it.Entry.URL)
	a, ok := f.w.pages[it.Entry.URL]
	f.w.mu.Unlock()
	if !ok {
		return nil, status404()
	}
	if a.do != nil {
		a.do(ctx)
	}
	if err := errors.Join(ctx.Err(), a.err); err != nil {
		return nil, err
	}
	if it.ETag != "" && it.ETag == a.etag {
		return nil, pipeline.ErrUnchanged
	}
	return &pipeline.Page{URL: it.Entry.URL, FinalURL: cmp.Or(a.final, it.Entry.URL), Status: 200, ContentType: "text/plain", Fetched: f.w.now(),
		ETag: a.etag, Body: []byte(a.title + "\n" + a.body)}, nil
}

func status404() error {
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "status 404", Err: errors.New("404 Not Found")}
}

// extract reads what fetcher gives: a title in the first line, the body behind it, paragraphs with blank lines between them. The body "panic" is what it says.
func (w *world) extract(p *pipeline.Page) (pipeline.Article, error) {
	title, body, _ := strings.Cut(string(p.Body), "\n")
	switch body {
	case "panic":
		panic("no page like this was ever seen")
	case "unreadable":
		return pipeline.Article{}, errors.New("not a document")
	}
	w.mu.Lock()
	a := w.pages[p.URL]
	w.mu.Unlock()
	canonical := a.canonical
	if canonical == "" {
		canonical = dedup.Canonical(p.FinalURL)
	}
	out := pipeline.Article{Title: title, Body: body, URL: p.FinalURL, Canonical: canonical, Site: host(p.FinalURL), Lang: "en",
		Paywalled: a.paywalled, Blocks: paragraphs(body), Published: a.date}
	if !a.date.IsZero() {
		out.Date = a.date.Format(time.RFC3339)
	}
	return out, nil
}

func paragraphs(body string) (out []pipeline.Block) {
	for _, p := range strings.Split(body, "\n\n") {
		out = append(out, pipeline.Block{Class: "paragraph", Kept: true, Text: p})
	}
	return out
}

func feedText(it pipeline.Item) pipeline.Article {
	e := it.Entry
	site := host(e.URL)
	if e.URL == "" {
		site = "feed:" + it.Feed
	}
	return pipeline.Article{Title: e.Title, Body: e.Summary, URL: e.URL, Canonical: it.Canonical, Site: site, Published: e.Published,
		Blocks: []pipeline.Block{{Class: "body", Kept: true, Text: e.Summary}}}
}

func host(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return pipeline.NoHost
	}
	return u.Host
}

// A channel takes messages as its script says: the nth attempt gets the nth error, those behind it nil.
type channel struct {
	mu    sync.Mutex
	pace  time.Duration
	next  []error
	tries []string // UIDs, each attempt
	took  []string // rule and article title, each accepted message
	uids  []string
	whole []pipeline.Delivery
	do    func(ctx context.Context, d pipeline.Delivery)
}

func (c *channel) Pace() time.Duration { return c.pace }

func (c *channel) Send(ctx context.Context, d pipeline.Delivery) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries = append(c.tries, d.UID)
	if c.do != nil {
		c.do(ctx, d)
	}
	var err error
	if len(c.next) > 0 {
		err, c.next = c.next[0], c.next[1:]
	}
	if err == nil {
		c.took, c.uids = append(c.took, d.Alert.Rule+" "+d.Alert.Article.Title), append(c.uids, d.UID)
		c.whole = append(c.whole, d)
	}
	return "", err
}

// prose is n words of news that no other seed tells.
func prose(seed int64, n int) string {
	r := rand.New(rand.NewSource(seed))
	words := strings.Fields(`ministry harbour engineers valley election railway parliament storm budget workers museum coast reform court
		factory teachers drought council border hospital cable satellite painter strike orchard glacier customs veteran bakery stadium ferry
		archive mountain treaty lantern pension violin tunnel vaccine senator beetle sculpture mill dredger plaza tariff reservoir choir
		wolf telescope census juror vineyard locomotive curator sandbank librarian turbine auction quarry apprentice lighthouse monastery
		opened closed praised rejected measured repaired announced delayed counted visited painted towed signed planted crossed inspected
		early late northern southern wide narrow quiet crowded frozen wooden public private sudden patient former local`)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[r.Intn(len(words))])
		if i%12 == 11 {
			b.WriteByte('.')
		}
	}
	return b.String()
}
