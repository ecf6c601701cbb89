package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/scrapers/extract"
	"wirewatch/seeds"
	"wirewatch/seeds/newsroom"
)

// How long the demo may take; it takes about ten seconds.
const (
	demoSettle = 90 * time.Second
	demoPace   = 50 * time.Millisecond
	slackWait  = time.Second                                          // a match is held so long for Slack, whose pace adds to it,
	hookWait   = 2 * time.Second                                      // and so long for the webhook: the newsroom publishes a wire report everywhere in half of that
	demoSecret = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLW5ld3Nyb29tLTAwMQ==" // of the demo's own receiver
)

// toSlack are the rules whose alerts also go to the Slack stand-in, which takes a message a second.
var toSlack = map[string]bool{"arms-transfers": true, "engine-find": true, "carrier-fire": true, "bukhan-tanyak": true}

// runDemo runs the true pipeline, as `run` would from a configuration file, against the newsroom embedded in the binary.
func runDemo(ctx context.Context, e *env, v verb, args []string) error {
	flags := v.flags(e)
	keep := flags.String("keep", "", "leave configuration and store in this `folder`, so that the other verbs can be tried on them")
	verbose := flags.Bool("v", false, "show the pipeline's log")
	if _, err := v.parse(flags, args, 0, 0); err != nil {
		return err
	}
	dir := *keep
	if dir == "" {
		tmp, err := os.MkdirTemp("", "wirewatch-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	} else if err := freshFolder(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	d := &demo{out: e.stdout, started: time.Now(), gone: map[string]bool{}, told: map[string]int{}}
	var err error
	if d.news, err = newsroom.New(time.Now); err != nil {
		return err
	}
	if err = d.news.Serve(ctx); err != nil {
		return err
	}
	d.slack = newsroom.NewSlackHook(time.Now)
	d.slack.Busy = 1
	if d.hook, err = newsroom.NewWebhook(demoSecret, time.Now); err != nil {
		return err
	}
	slackURL, err := serveLoopback(ctx, d.slack)
	if err != nil {
		return err
	}
	hookURL, err := serveLoopback(ctx, d.hook)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, defaultConfig)
	if err := d.writeConfig(file, slackURL, hookURL); err != nil {
		return err
	}
	s, err := load(file, e.getenv, e.now)
	if err != nil {
		return fmt.Errorf("the demo's configuration: %w", err)
	}
	logTo := io.Discard
	if *verbose {
		logTo = e.stderr
	}
	if d.app, err = openApp(ctx, s, slog.New(slog.NewTextHandler(logTo, nil)), nil); err != nil {
		return err
	}
	defer d.app.close()
	x, err := extract.New(moreAgencies{seeds.Lexicon(), d.news.Agencies()})
	if err != nil {
		return err
	}
	d.app.process.Extract, d.app.process.FeedText = readPage(x), readFeed(x)
	if err := d.app.store.SyncFeeds(ctx, s.feeds()); err != nil {
		return err
	}
	if err := d.watch(ctx); err != nil {
		return err
	}
	good, err := d.account(ctx)
	if err != nil {
		return err
	}
	if *keep != "" {
		fmt.Fprintf(d.out, "\nConfiguration and store are left in %s. The newsroom itself is gone; what it told is there:\n", dir)
		for _, verb := range []string{"feeds status", "items list", "stories list", "alerts list", "db check"} {
			fmt.Fprintf(d.out, "  wirewatch %s -c %s\n", verb, file)
		}
	} else {
		fmt.Fprintln(d.out, "\nNext: `wirewatch demo --keep DIR` leaves the store behind to look into; `wirewatch init` starts with real feeds.")
	}
	if !good {
		return errSilent
	}
	return nil
}

// freshFolder makes dir, or takes it when it is empty: a demo must not write into somebody's store.
func freshFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("%s is not empty; give a new folder to --keep", dir)
	}
	return nil
}

func serveLoopback(ctx context.Context, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go srv.Serve(l)
	context.AfterFunc(ctx, func() { srv.Close() })
	return "http://" + l.Addr().String() + "/hook", nil
}

// moreAgencies is a lexicon that knows some more agencies: those of the newsroom's invented world.
type moreAgencies struct {
	fs.FS
	yaml string
}

func (m moreAgencies) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(m.FS, name)
	if err == nil && name == "agencies.yaml" {
		b = append(append(b, '\n'), m.yaml...)
	}
	return b, err
}

// A demo is the newsroom, the receivers, and the pipeline between them.
type demo struct {
	out     io.Writer
	started time.Time
	news    *newsroom.Newsroom
	slack   *newsroom.SlackHook
	hook    *newsroom.Webhook
	app     *app

	mu     sync.Mutex
	gone   map[string]bool
	read   int            // articles stored
	told   map[string]int // messages taken, by channel
	events []demoEvent
}

type demoEvent struct {
	pipeline.Event
	err string
}

// writeConfig writes the configuration a person would write for these feeds.
func (d *demo) writeConfig(file, slackURL, hookURL string) error {
	list, err := rules.ParseFile([]byte(d.news.Rules()), "rules.yaml")
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# The demo's configuration: a newsroom on loopback, so private addresses are allowed and the pace is quick.
store: wirewatch.db
allow_private: [127.0.0.0/8]
contact: https://example.org/wirewatch-demo
pace: {every: %[1]s, parallel: 1}
retry: 1s
channels:
  - {name: slack, kind: slack, wait: %[2]s, url: %[3]q}
  - {name: webhook, kind: webhook, wait: %[4]s, url: %[5]q, secret: %[6]q}
rules:
`, demoPace, slackWait, slackURL, hookWait, hookURL, demoSecret)
	for _, r := range list {
		to := "[webhook]"
		if toSlack[r.Name] {
			to = "[slack, webhook]"
		}
		fmt.Fprintf(&b, "  - name: %s\n    channels: %s\n    query: %s\n", r.Name, to, "'"+strings.ReplaceAll(strings.TrimSpace(r.Query), "'", "''")+"'")
		if r.When != nil {
			fmt.Fprintf(&b, "    when: %s\n", r.When)
		}
		if r.Updates.Versions {
			b.WriteString("    updates: true\n")
		}
	}
	b.WriteString("feeds:\n")
	for _, f := range d.news.Feeds() {
		fmt.Fprintf(&b, "  - {name: %s, url: %q, every: 1s}  # %s, %s\n", f.Name, f.URL, f.Format, f.Note)
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

// watch runs the daemon's engine until the newsroom has been taken in, moves the world on, and runs it until that has been
// taken in too.
func (d *demo) watch(ctx context.Context) error {
	feeds := d.news.Feeds()
	fmt.Fprintf(d.out, "The newsroom: %d sites, %d feeds, %d articles in %d languages, on loopback.\n\n",
		len(d.news.Sites()), len(feeds), len(d.news.Articles()), languages(d.news.Articles()))
	report := d.app.report
	watch := func(ev pipeline.Event, err error) { report(ev, err); d.note(ev, err) }
	d.app.poll.Report, d.app.process.Report, d.app.deliver.Report = watch, watch, watch

	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.app.engine.Run(run) }()
	defer func() { stop(); <-ended }()

	if err := d.settle(ctx, false); err != nil {
		return err
	}
	d.say("~", "time passes: an article is rewritten, and its feed says so")
	d.news.Advance()
	return d.settle(ctx, true)
}

func languages(list []newsroom.Gold) int {
	seen := map[string]bool{}
	for _, g := range list {
		seen[g.Lang] = true
	}
	return len(seen)
}

// settle waits until nothing is left to read: every feed polled often enough, no item open. When nothing comes later, it waits for every
// expected alert to be delivered too.
func (d *demo) settle(ctx context.Context, later bool) error {
	deadline := time.Now().Add(demoSettle)
	for time.Now().Before(deadline) {
		done, err := d.settled(ctx, later)
		if err != nil || done {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil { // a condition is polled, within the deadline
			return err
		}
	}
	d.say("!", "the newsroom was not taken in within "+demoSettle.String()+"; what is missing stands below")
	return nil
}

func (d *demo) settled(ctx context.Context, later bool) (bool, error) {
	list, err := d.app.store.Feeds(ctx)
	if err != nil {
		return false, err
	}
	expect := map[string]string{}
	for _, f := range d.news.Feeds() {
		expect[f.Name] = f.Expect
	}
	for _, f := range list {
		switch {
		case f.LastPoll.IsZero(),
			expect[f.Name] == newsroom.FeedMoved && f.Address == f.URL,
			expect[f.Name] == newsroom.FeedGone && f.Retired.IsZero():
			return false, nil
		}
	}
	c, err := d.app.store.Counts(ctx)
	if err != nil || c.Items[pipeline.ItemOpen] > 0 {
		return false, err
	}
	if !later {
		return true, nil
	}
	want := 0
	for _, a := range d.news.Expected() {
		want++
		if a.Updated {
			want++
		}
	}
	accepted := 0
	for _, m := range d.hook.Messages() {
		if m.Accepted > 0 {
			accepted++
		}
	}
	for _, states := range c.Deliveries {
		if states[pipeline.DeliveryOpen] > 0 {
			return false, nil
		}
	}
	return accepted >= want, nil
}

// note shows progress: each feed the first time, every tenth article, troubles, and alerts.
func (d *demo) note(ev pipeline.Event, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := demoEvent{Event: ev}
	if err != nil {
		x.err = err.Error()
	}
	d.events = append(d.events, x)
	if ev.Stage == "process" {
		before := d.read
		if d.read += ev.Count; d.read/10 > before/10 {
			d.say("+", count(d.read, "text")+" read")
		}
	}
	switch {
	case ev.Stage == "poll" && (ev.Outcome == "unchanged" || d.gone[ev.Key+ev.Outcome]):
	case ev.Stage == "poll":
		d.gone[ev.Key+ev.Outcome] = true
		what := count(ev.Count, "new item")
		if ev.Outcome != "ok" {
			what += ", " + ev.Outcome
		}
		d.say("<", fmt.Sprintf("%-18s %s", ev.Key, what))
	case ev.Stage == "deliver" && ev.Outcome == "sent":
		d.told[ev.Key]++
		d.say(">", fmt.Sprintf("told %s, message %d", ev.Key, d.told[ev.Key]))
	case ev.Stage == "deliver":
		d.say(">", ev.Key+" says not now; the same message goes out again")
	case err != nil && ev.Outcome == "retry":
		d.say("!", "will try again: "+oneLine(x.err))
	case err != nil:
		d.say("!", oneLine(x.err))
	}
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (d *demo) say(mark, text string) {
	fmt.Fprintf(d.out, "%5.1fs %s %s\n", time.Since(d.started).Seconds(), mark, text)
}
