package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/desk"
	"wirewatch/pipeline/engine"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers"
	"wirewatch/scrapers/extract"
)

// This file joins the parts: configuration in, a pipeline out. It is the only place that knows all of them.

// A setup is what a configuration says that can change while the daemon runs: it is swapped whole.
type setup struct {
	cfg      *configs.Config
	rules    *rules.Set
	channels map[string]pipeline.Channel
	route    map[string][]string      // rule to channels
	waits    map[string]time.Duration // channel to how long it holds a match; those that do not are left out
	byName   map[string]rules.Rule
	counts   []string // rules that count
	quiet    quiet
	options  map[string]scrapers.RequestOptions
	made     func() (*extract.Extractor, error) // once, by the first who asks
	now      func() time.Time                   // says which rules have expired
	warnings []string
}

// load reads the configuration and compiles everything in it that can be wrong, without network. Mistakes of all parts
// come together.
func load(path string, getenv func(string) (string, bool), now func() time.Time) (*setup, error) {
	var bad mistakes
	cfg, err := configs.Load(path, getenv)
	if err != nil && !bad.add(err, nil) {
		return nil, missingConfig(path, err)
	}
	s := &setup{cfg: cfg, channels: map[string]pipeline.Channel{}, route: map[string][]string{}, waits: map[string]time.Duration{},
		byName: map[string]rules.Rule{}, now: now, options: map[string]scrapers.RequestOptions{}}
	var all []string
	for _, c := range cfg.Channels {
		if c.Kind == "" {
			continue // the configuration has said so
		}
		ch, err := newChannel(c, nil, nil)
		if err != nil && !bad.add(err, c.Settings.At) {
			bad = append(bad, c.Pos.Errorf("", "", "channel %q: %v", c.Name, err))
		}
		s.channels[c.Name] = ch
		all = append(all, c.Name)
		if c.Wait > 0 {
			s.waits[c.Name] = c.Wait
		}
	}
	list, set, err := readRules(cfg.Rules, cfg.Lists)
	if err != nil && !bad.add(err, nil) {
		return nil, err
	}
	s.rules = set
	if set != nil {
		if err := testRules(set); err != nil && !bad.add(err, nil) {
			return nil, err
		}
	}
	bad = append(bad, unknownChannels(list, cfg.Channels)...)
	for _, r := range list {
		s.byName[r.Name] = r
		s.route[r.Name] = r.Channels
		if len(r.Channels) == 0 {
			s.route[r.Name] = all // a stranger with one rule and one channel means that one
		}
		if r.When != nil {
			s.counts = append(s.counts, r.Name)
		}
	}
	quiet, err := newQuiet(list, cfg.Channels)
	if err != nil && !bad.add(err, nil) {
		return nil, err
	}
	s.quiet = quiet
	s.warnings = append(s.warnings, quiet.narrow(s.route, s.byName)...)
	s.made = sync.OnceValues(func() (*extract.Extractor, error) { return newExtractor(cfg.Sites) })
	if cfg.Sites != "" {
		if _, err := s.made(); err != nil && !bad.add(err, nil) {
			return nil, err
		}
	}
	if err := bad.err(path); err != nil {
		return nil, err
	}
	for _, r := range list {
		for _, w := range append(oddQuery(r), expiry(r, now())...) {
			if !slices.Contains(s.warnings, w) { // several rules may name one odd list
				s.warnings = append(s.warnings, w)
			}
		}
	}
	for _, f := range cfg.Feeds {
		s.options[f.Name] = requestOptions(f)
	}
	s.warnings = append(s.warnings, s.odd()...)
	return s, nil
}

// extract is the extractor with the configuration's site rules. Whoever reads no page does without: its lexicon takes longer to read than
// all else of a configuration. A folder of the user's was tried before; what is shipped is right, or the build is wrong and this panics.
func (s *setup) extract() *extract.Extractor {
	x, err := s.made()
	if err != nil {
		panic(err)
	}
	return x
}

// odd lists what is allowed but hardly meant.
func (s *setup) odd() (out []string) {
	if s.rules.Len() > 0 && len(s.cfg.Channels) == 0 {
		out = append(out, "there are rules but no channels: matches are stored, nobody is told")
	}
	if s.rules.Len() == 0 {
		out = append(out, "there are no rules: articles are stored, nothing matches")
	}
	if s.cfg.Contact == "" && s.cfg.UserAgent == "" {
		out = append(out, "`contact` is missing: give a URL or an address where a site's owner can reach you; some sites refuse crawlers without one")
	}
	for _, c := range s.cfg.Channels {
		if w, ok := s.channels[c.Name].(interface{ Warnings() []string }); ok {
			for _, text := range w.Warnings() {
				out = append(out, fmt.Sprintf("channel %q: %s", c.Name, text))
			}
		}
	}
	return out
}

// newChannel makes a channel of its settings. client and stdout are nil where only the settings are checked.
func newChannel(c configs.Channel, client *scrapers.Client, stdout io.Writer) (pipeline.Channel, error) {
	names := make([]string, len(alerts.Kinds))
	for i, k := range alerts.Kinds {
		names[i] = k.Name
		if k.Name != c.Kind {
			continue
		}
		deps := alerts.Deps{Now: time.Now, Stdout: stdout}
		if client != nil {
			deps.HTTP, deps.Dial = client.HTTP(scrapers.ForHooks), client.Dial
		}
		return k.New(c.Name, c.Settings, deps)
	}
	return nil, c.Pos.Errorf("", "the kinds are "+strings.Join(names, ", "), "channel %q: there is no kind %q%s", c.Name, c.Kind, didYouMean(c.Kind, names))
}

func requestOptions(f configs.Feed) scrapers.RequestOptions {
	o := scrapers.RequestOptions{URL: f.URL, Headers: f.Headers, Cookies: f.Cookies, Proxy: f.Proxy}
	if f.BasicAuth != nil {
		o.BasicAuth = scrapers.BasicAuth{User: f.BasicAuth.User, Password: f.BasicAuth.Password}
	}
	return o
}

// feeds are the configured feeds as the pipeline knows them.
func (s *setup) feeds() []pipeline.Feed {
	out := make([]pipeline.Feed, len(s.cfg.Feeds))
	for i, f := range s.cfg.Feeds {
		out[i] = pipeline.Feed{Name: f.Name, Kind: f.Kind, URL: f.URL, Every: f.Every, Cron: f.Cron}
	}
	return out
}

// matchOf is what a match of a rule says, without the spans.
func (s *setup) matchOf(rule string, now time.Time) pipeline.Match {
	r := s.byName[rule]
	return pipeline.Match{Rule: rule, Channels: s.route[rule], OncePer: pipeline.OncePer(r.OncePer), When: lab.Counts(r.When), Updates: pipeline.Updates(r.Updates), Waits: s.waits,
		Silent: r.Expired(now), About: pipeline.About{Severity: r.Severity, Tags: r.Tags, Note: r.Note}, Escalate: s.quiet.escalate[rule]}
}

// counting are the rules that count, as they are evaluated where they match nothing themselves.
func (s *setup) counting() (out []pipeline.Match) {
	now := s.now()
	for _, name := range s.counts {
		out = append(out, s.matchOf(name, now))
	}
	return out
}

// match runs the rules over an article.
func (s *setup) match(a *pipeline.Article) []pipeline.Match {
	hits := s.rules.Match(lab.Doc(a))
	out, now := make([]pipeline.Match, len(hits)), s.now()
	for i, h := range hits {
		m := s.matchOf(h.Rule, now)
		m.Spans = make([]pipeline.Span, len(h.Spans))
		for j, sp := range h.Spans {
			m.Spans[j] = pipeline.Span(sp)
		}
		out[i] = m
	}
	return out
}

// An app is the whole pipeline over one store.
type app struct {
	log     *slog.Logger
	store   *store.Store
	client  *scrapers.Client
	engine  *engine.Engine
	poll    *pipeline.Poller
	process *pipeline.Processor
	deliver *pipeline.Deliverer
	sites   *pipeline.SiteWatch
	feeds   *pipeline.FeedWatch
	works   *pipeline.WorksWatch
	backups *pipeline.Backups
	desk    *desk.Desk
	setup   atomic.Pointer[setup]
	owner   string
	stdout  io.Writer // for channels that write there
	counted bool      // pages are counted by a progress: one that was stored is not worth a line

	path string      // with SQLite: the store's file,
	file os.FileInfo // and which file that was when it was opened
}

// How long things are kept trying and how much runs side by side.
const (
	leaseTTL     = 30 * time.Second
	sweepEvery   = 500 * time.Millisecond
	workers      = 32                  // feeds or hosts at work at the same time
	pageAttempts = 8                   // with the pauses below: about two days
	deliverAge   = 3 * 24 * time.Hour  // then a delivery is dead
	foldWindow   = 30 * 24 * time.Hour // how far back copies are looked for
)

// openApp opens the store and builds the pipeline over it. stdout is for channels that write there.
func openApp(ctx context.Context, s *setup, log *slog.Logger, stdout io.Writer) (*app, error) {
	st, err := openStore(ctx, s.cfg, s.now, log)
	if err != nil {
		return nil, err
	}
	a := &app{log: log, store: st, owner: ownerName(), stdout: stdout}
	if path, ok := sqlitePath(s.cfg); ok {
		a.path = path
		if a.file, err = os.Stat(path); err != nil {
			st.Close()
			return nil, err
		}
	}
	if err := a.build(s); err != nil {
		st.Close()
		return nil, err
	}
	return a, nil
}

func openStore(ctx context.Context, cfg *configs.Config, now func() time.Time, log *slog.Logger) (*store.Store, error) {
	return store.Open(ctx, cfg.Store.Reveal(), store.Options{Now: now, Logger: log})
}

func (a *app) build(s *setup) (err error) {
	cfg := s.cfg
	a.client, err = newClient(cfg, func(ctx context.Context, host string, every time.Duration) (time.Time, error) {
		return a.store.ReserveHost(ctx, host, time.Now(), every)
	})
	if err != nil {
		return err
	}
	if err := a.use(s); err != nil {
		return err
	}
	a.sites = &pipeline.SiteWatch{Store: a.store, Now: time.Now, Tell: a.tellSite, Operator: a.operator}
	a.feeds = &pipeline.FeedWatch{Store: a.store, Now: time.Now, Operator: a.operator}
	a.works = &pipeline.WorksWatch{Store: a.store, Now: time.Now, Operator: a.operator, Channels: a.channelNames}
	if a.path != "" {
		a.works.Room = func() (uint64, error) { return roomLeft(filepath.Dir(a.path)) }
	}
	options := func(feed string) scrapers.RequestOptions { return a.setup.Load().options[feed] }
	a.backups = newBackups(a.store, cfg, time.Now)
	a.backups.Operator, a.backups.Plan = a.operator, a.backupPlan
	a.backups.Tell = func(path string) { a.log.Info("copied the store", "to", path) }
	a.engine = &engine.Engine{Leases: a.store, Owner: a.owner, TTL: leaseTTL, Workers: workers, Sweep: sweepEvery, Now: time.Now, Log: a.log,
		Held: a.store.Held, Chores: []engine.Chore{{Name: "checkpoint", Every: 5 * time.Minute, Do: a.store.Checkpoint},
			{Name: "forget where old blocks were seen", Every: time.Hour, Do: a.store.PruneBlocks},
			{Name: "forget what is old", Every: time.Hour, Do: a.prune},
			{Name: "copy the store", Every: 15 * time.Minute, Do: a.backups.Once},
			{Name: "index words", Every: 10 * time.Second, Do: a.indexWords},
			{Name: "look whether there is room", Every: time.Minute, Do: a.lookReady},
			{Name: "judge sites", Every: time.Hour, Do: a.sites.Once},
			{Name: "look which feeds are quiet", Every: time.Hour, Do: a.feeds.Once},
			{Name: "shorten waits", Every: time.Minute, Do: a.shortenWaits}, // the clock may have been set back
			{Name: "look what is late", Every: time.Minute, Do: a.works.Once}}}
	a.poll = &pipeline.Poller{Store: a.store, Source: &scrapers.Feeds{Client: a.client, Options: options},
		Canonical: dedup.Canonical, Resolve: dedup.Resolve, Host: scrapers.Host, Baseline: cfg.BaselineAge, Now: time.Now, Report: a.report,
		Operator: a.operator}
	a.process = &pipeline.Processor{Store: a.store, Pages: &scrapers.Pages{Client: a.client, Options: options},
		Extract:  func(p *pipeline.Page) (pipeline.Article, error) { return readPage(a.setup.Load().extract())(p) },
		FeedText: func(it pipeline.Item) pipeline.Article { return readFeed(a.setup.Load().extract())(it) },
		Match:    func(art *pipeline.Article) []pipeline.Match { return a.setup.Load().match(art) },
		Counting: func() []pipeline.Match { return a.setup.Load().counting() },
		Rule:     func(name string) pipeline.Match { s := a.setup.Load(); return s.matchOf(name, s.now()) },
		Index:    dedup.New(dedup.Options{Window: foldWindow}),
		Events:   dedup.NewEvents(dedup.EventOptions{}),
		Parallel: cfg.Pace.Parallel, Slice: time.Minute, Attempts: pageAttempts, Window: foldWindow,
		Backoff: pipeline.Backoff{First: cfg.Retry, Factor: 4, Max: 12 * time.Hour},
		Revisit: cfg.Revisit,
		Now:     time.Now, Wake: func() { a.engine.Wake("deliver") }, Report: a.report}
	a.deliver = &pipeline.Deliverer{Store: a.store,
		Channel: func(name string) (pipeline.Channel, bool) { c, ok := a.setup.Load().channels[name]; return c, ok },
		Backoff: pipeline.Backoff{First: time.Second, Factor: 2, Max: 5 * time.Minute}, MaxAge: deliverAge,
		Now: time.Now, Sleep: sleep, Report: a.report, Operator: a.operator, HealthGroup: 2 * time.Minute,
		Policy: func(rule, channel string) pipeline.Policy { return a.setup.Load().quiet.policy(rule, channel) },
		Holds:  (&silenceQueries{}).holds}
	a.engine.Add(a.poll, a.process, a.joiner(), a.deliver)
	a.desk = desk.New(version)
	a.desk.Ready = a.ready
	a.desk.Gauges = a.gauges
	token := func() pipeline.Secret { return a.setup.Load().cfg.APIToken }
	a.desk.API = &desk.API{Store: a.store, Token: token, CheckQuery: checkQuery, Now: time.Now,
		KnownRule:  func(name string) bool { _, ok := a.setup.Load().byName[name]; return ok },
		KnownStory: func(ctx context.Context, id int64) (bool, error) { return hasStory(ctx, a.store, id) }}
	a.desk.Feeds = &desk.Feeds{Of: a.ruleFeeds(time.Now()), Token: token}
	return nil
}

// stage does once what a stage has due, workers of its keys at a time, and says how much that was.
func (a *app) stage(ctx context.Context, workers int, x engine.Stage) (int, error) {
	run := &engine.Engine{Leases: a.store, Owner: a.owner, TTL: leaseTTL, Workers: workers, Sweep: sweepEvery, Now: time.Now, Log: a.log}
	run.Add(x)
	done, err := run.Once(ctx)
	return done[x.Name()], err
}

// stage does the same for a verb that has a store and no app, and waits for keys that other processes hold.
func stage(ctx context.Context, st *store.Store, log *slog.Logger, workers int, x engine.Stage) error {
	run := &engine.Engine{Leases: st, Owner: ownerName(), TTL: leaseTTL, Workers: workers, Sweep: sweepEvery, Now: time.Now, Log: log, Held: st.Held}
	run.Add(x)
	_, err := run.Once(ctx)
	return err
}

// newClient makes the one guarded HTTP client. reserve takes a host's slot in the store; nil: this process keeps slots alone.
func newClient(cfg *configs.Config, reserve func(context.Context, string, time.Duration) (time.Time, error)) (*scrapers.Client, error) {
	return scrapers.NewClient(scrapers.Options{
		AllowPrivate: cfg.AllowPrivate, UserAgent: cfg.UserAgent, Version: version, Contact: cfg.Contact,
		Pace: scrapers.Pace{Every: cfg.Pace.Every, Parallel: cfg.Pace.Parallel}, Reserve: reserve,
	})
}

// use makes a setup the one in force.
func (a *app) use(s *setup) error {
	for _, c := range s.cfg.Channels {
		ch, err := newChannel(c, a.client, a.stdout)
		if err != nil {
			return err
		}
		s.channels[c.Name] = ch
	}
	a.setup.Store(s)
	return nil
}

// operator lists the channels that are told how Wirewatch itself fares.
func (a *app) operator() []string { return a.setup.Load().cfg.Operator }

// backupPlan says where copies of the store go; false: nowhere.
func (a *app) backupPlan() (pipeline.BackupPlan, bool) {
	cfg := a.setup.Load().cfg
	if cfg.Backup == nil {
		return pipeline.BackupPlan{}, false
	}
	return pipeline.BackupPlan{Dir: cfg.Backup.To, Name: copyName(cfg), Every: cfg.Backup.Every, Keep: cfg.Backup.Keep}, true
}

// channelNames lists the configured channels.
func (a *app) channelNames() []string {
	var out []string
	for _, c := range a.setup.Load().cfg.Channels {
		out = append(out, c.Name)
	}
	return out
}

func (a *app) close() {
	a.client.Close()
	a.store.Close()
}

// report logs what a loop did and counts it.
func (a *app) report(ev pipeline.Event, err error) {
	a.desk.Count(ev)
	level := slog.LevelDebug
	attrs := []any{"key", ev.Key, "outcome", ev.Outcome, "count", ev.Count, "took", ev.Took.Round(time.Millisecond)}
	switch {
	case err != nil:
		level = slog.LevelWarn
		attrs = append(attrs, "err", err)
	case ev.Count > 0 && !(a.counted && ev.Stage == "process"):
		level = slog.LevelInfo
	}
	a.log.Log(context.Background(), level, ev.Stage, attrs...)
}

// readPage makes the pipeline's article of a page.
func readPage(x *extract.Extractor) func(*pipeline.Page) (pipeline.Article, error) {
	return func(p *pipeline.Page) (pipeline.Article, error) {
		got, err := x.Extract(extract.Input{URL: p.FinalURL, HTML: p.Body, ContentType: p.ContentType, At: p.Fetched, Feed: p.Feed})
		if err != nil {
			return pipeline.Article{}, err
		}
		a := article(got)
		a.URL = p.FinalURL
		a.Canonical = dedup.Canonical(p.FinalURL)
		if dedup.Plausible(got.Canonical, p.FinalURL) { // more doubtful than the extractor: an identity that many pages share loses stories
			a.Canonical = dedup.Canonical(got.Canonical)
		}
		a.Site = scrapers.Site(p.FinalURL)
		return a, nil
	}
}

// readFeed makes the pipeline's article of what the feed itself says of an item.
func readFeed(x *extract.Extractor) func(pipeline.Item) pipeline.Article {
	return func(it pipeline.Item) pipeline.Article {
		e := it.Entry
		a := pipeline.Article{}
		if got, err := x.Extract(extract.Input{URL: e.URL, HTML: []byte(e.Text()), ContentType: "text/html; charset=utf-8"}); err == nil {
			a = article(got)
		}
		a.Title, a.URL, a.Canonical, a.Published, a.Tags = e.Title, e.URL, it.Canonical, e.Published, e.Tags
		if a.Date = ""; !e.Published.IsZero() {
			a.Date = e.Published.UTC().Format(time.RFC3339)
		}
		if e.Author != "" {
			a.Authors = []string{e.Author}
		}
		a.Site = scrapers.Site(e.URL)
		if e.URL == "" {
			a.Site, a.SiteName = "feed:"+it.Feed, it.Feed
		}
		return a
	}
}

func article(x *extract.Article) pipeline.Article {
	a := pipeline.Article{SiteName: x.SiteName, Title: x.Title, Authors: x.Authors, Date: x.Date, Published: instant(x.Date),
		Modified: x.Modified, Lang: x.Lang, Agency: x.Agency, Section: x.Section, Tags: x.Tags, Image: x.Image, Body: x.Body,
		Paywalled: x.Paywalled, Blocks: make([]pipeline.Block, len(x.Blocks))}
	for i, b := range x.Blocks {
		a.Blocks[i] = pipeline.Block{Class: b.Class, Kept: b.Kept, Text: b.Text, Rule: b.Rule}
	}
	return a
}

// instant reads a page's date; a bare date is its midnight in UTC.
func instant(date string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(layout, date); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// ownerName names this process in leases: host, process, and when it started, so that a later process with the same number
// is told apart.
func ownerName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d/%x", host, os.Getpid(), time.Now().UnixNano())
}

// deadOwner reports whether the owner of a lease ran on this host and runs no more. Only then may its leases be taken
// before they expire.
func (a *app) deadOwner(owner string) bool {
	owner, _, _ = strings.Cut(owner, "#")
	f := strings.Split(owner, "/")
	host, _ := os.Hostname()
	if len(f) != 3 || f[0] != host || owner == a.owner {
		return false
	}
	pid, err := strconv.Atoi(f[1])
	if err != nil {
		return false
	}
	if pid == os.Getpid() { // an earlier process had our number, as in a container, where it is always 1
		return true
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
