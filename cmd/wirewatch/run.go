package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/desk"
	"wirewatch/pipeline/store"
)

// stopWithin bounds a graceful stop: what is not finished by then is taken up after the restart.
const stopWithin = 30 * time.Second

func runRun(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	once := fs.Bool("once", false, "do what is due now, then exit")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	s, err := load(*file, e.getenv, e.now)
	if err != nil {
		return err
	}
	if err := s.cfg.CheckFeeds(); err != nil {
		return err
	}
	log := newLog(e, s.cfg.Log)
	for _, w := range s.warnings {
		log.Warn(w)
	}
	hup := make(chan os.Signal, 1)
	if !*once {
		signal.Notify(hup, syscall.SIGHUP) // before anything slow: unheard, the signal would end the process
		defer signal.Stop(hup)
		unlock, err := lockDaemon(ctx, s.cfg)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if *once {
		clear(s.waits)
	}
	a, err := openApp(ctx, s, log, e.stdout)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.begin(ctx, s); err != nil {
		return err
	}
	if *once {
		return a.once(ctx)
	}
	if err := a.shortenWaits(ctx); err != nil {
		return err
	}
	return a.daemon(ctx, e, *file, hup)
}

// begin takes up what an earlier process left, by the configuration as it is now.
func (a *app) begin(ctx context.Context, s *setup) error {
	if n, err := a.store.TakeOver(ctx, a.deadOwner); err != nil {
		return err
	} else if n > 0 {
		a.log.Info("took over work of a process that ended", "leases", n)
	}
	if err := a.store.SyncFeeds(ctx, s.feeds()); err != nil {
		return err
	}
	_, err := a.store.Reconsider(ctx) // the configuration may have changed
	a.stranded(ctx)
	return err
}

// stranded says for which channels something waits that the configuration does not name. It is kept, and goes out when one of that name
// is there.
func (a *app) stranded(ctx context.Context) {
	c, err := a.store.Counts(ctx)
	if err != nil {
		a.log.Error("cannot look for messages whose channel is missing", "err", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Deliveries)) {
		n := c.Deliveries[name][pipeline.DeliveryOpen] + c.Deliveries[name][pipeline.DeliveryHeld]
		if _, ok := a.setup.Load().channels[name]; !ok && n > 0 {
			a.log.Warn("messages wait for a channel that the configuration does not name; they are kept until one of that name is there", "channel", name, "messages", n)
		}
	}
}

// dropped says which channels a reload took from rules that name none. Nothing waits for these, because such a rule tells the channels that
// there are when it matches.
func (a *app) dropped(before, now *setup) {
	for _, ch := range slices.Sorted(maps.Keys(before.channels)) {
		var missed []string
		for rule, r := range now.byName {
			if len(r.Channels) == 0 && slices.Contains(before.route[rule], ch) {
				missed = append(missed, rule)
			}
		}
		if _, ok := now.channels[ch]; !ok && len(missed) > 0 {
			slices.Sort(missed)
			a.log.Warn("a channel is gone from the configuration, and rules that name no channels tell the others alone; once it is back `wirewatch replay --rule RULE --send --to CHANNEL --since DAY` tells it what they match meanwhile",
				"channel", ch, "rules", strings.Join(missed, " "))
		}
	}
}

// once does what is due and says how much it was.
func (a *app) once(ctx context.Context) error {
	start := time.Now()
	a.process.Slice = 0 // each host once, to its end
	a.deliver.HealthGroup = 0
	// Nothing is held: every copy that is due is stored before the first message goes out, and nobody is there when the wait is over.
	if _, err := a.store.ReleaseDeliveries(ctx); err != nil {
		return err
	}
	done, err := a.engine.Once(ctx)
	if err == nil {
		err = a.sites.Once(ctx)
	}
	if err == nil {
		err = a.feeds.Once(ctx)
	}
	if err == nil {
		err = a.works.Once(ctx)
	}
	if err == nil { // who runs by cron has no daemon to do it
		err = a.prune(ctx)
	}
	if err == nil {
		err = a.backups.Once(ctx)
	}
	if err == nil && len(a.operator()) > 0 { // what was noticed since is told now: the next run may be hours away
		var n int
		n, err = a.stage(ctx, a.deliver.Workers(), a.deliver)
		done["deliver"] += n
	}
	if err == nil {
		err = a.indexWords(ctx)
	}
	attrs := []any{"new items", done["poll"], "articles", done["process"], "messages", done["deliver"], "took", time.Since(start).Round(time.Millisecond)}
	if c, cerr := a.store.Counts(ctx); cerr == nil {
		held := 0
		for _, states := range c.Deliveries {
			held += states[pipeline.DeliveryHeld]
		}
		if held > 0 { // they go out when a later run finds their bundle due
			attrs = append(attrs, "held for later", held)
		}
	}
	a.log.Info("done", attrs...)
	return err
}

// daemon runs until ctx ends. SIGHUP reloads the configuration; one that is wrong changes nothing.
func (a *app) daemon(ctx context.Context, e *env, file string, hup <-chan os.Signal) error {
	s := a.setup.Load()
	cfg := s.cfg
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if cfg.Listen != "" {
		l, err := net.Listen("tcp", cfg.Listen)
		if err != nil {
			return fmt.Errorf("listen on %s: %w; is another process there, or change `listen`", cfg.Listen, err)
		}
		srv := &http.Server{Handler: a.desk.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
		go func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve %s: %w", cfg.Listen, err))
			}
		}()
		defer srv.Close()
		a.log.Info("listening", "address", l.Addr().String())
	}
	a.log.Info("watching", "feeds", len(cfg.Feeds), "rules", s.rules.Len(), "channels", len(cfg.Channels), "version", version)

	if err := a.sites.Once(ctx); err != nil && ctx.Err() == nil { // a daemon that lives for less than an hour looks too
		a.log.Error("cannot look how sites are read", "err", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.engine.Run(ctx) }()
	for {
		select {
		case <-hup:
			a.reload(ctx, e, file)
		case err := <-ended:
			return errors.Join(err, cause(ctx))
		case <-ctx.Done():
			a.log.Info("stopping", "within", stopWithin)
			select {
			case err := <-ended:
				a.log.Info("stopped")
				return errors.Join(err, cause(ctx))
			case <-time.After(stopWithin):
				return fmt.Errorf("some work did not end within %s; it is taken up at the next start", stopWithin)
			}
		}
	}
}

// cause is why ctx ended, if that was a failure and not a request to stop.
func cause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// reload takes the configuration's rules, channels, feeds, operator, retention, backup, api_token and site rules as they are now. What is opened once (store,
// listen, allow_private, pace, revisit) waits for a restart and says so.
func (a *app) reload(ctx context.Context, e *env, file string) {
	s, err := load(file, e.getenv, e.now)
	if err == nil {
		err = s.cfg.CheckFeeds()
	}
	if err != nil {
		a.log.Error("the new configuration is wrong; the old one stays in force", "err", err)
		return
	}
	before := a.setup.Load()
	old := before.cfg
	if err := a.use(s); err != nil {
		a.log.Error("the new configuration cannot be used; the old one stays in force", "err", err)
		return
	}
	if err := a.store.SyncFeeds(ctx, s.feeds()); err != nil {
		a.log.Error("cannot store the new feeds; the next reload or restart tries again", "err", err)
		return
	}
	if err := a.shortenWaits(ctx); err != nil {
		a.log.Error("what waits in a channel keeps its old wait; the next reload or restart tries again", "err", err)
	}
	if _, err := a.store.Reconsider(ctx); err != nil {
		a.log.Error("what is held goes out when the old configuration said; the next reload or restart tries again", "err", err)
	}
	for _, w := range s.warnings {
		a.log.Warn(w)
	}
	a.dropped(before, s)
	a.stranded(ctx)
	if !old.SameApartFrom(s.cfg, "feeds", "rules", "lists", "channels", "operator", "sites", "retention", "backup", "api_token") {
		a.log.Warn("feeds, rules, channels, operator, retention, backup, api_token and site rules are reloaded; other keys changed too and take effect after a restart")
	}
	a.log.Info("reloaded", "feeds", len(s.cfg.Feeds), "rules", s.rules.Len(), "channels", len(s.cfg.Channels))
	a.engine.Wake("poll")
	a.engine.Wake("deliver") // a channel that was missing may be there now
}

// shortenWaits lets no delivery be held for longer than its channel says now, by the clock as it is now.
func (a *app) shortenWaits(ctx context.Context) error {
	s := a.setup.Load()
	waits := make(map[string]time.Duration, len(s.channels))
	for name := range s.channels {
		waits[name] = s.waits[name]
	}
	n, err := a.store.ShortenWaits(ctx, waits)
	if n > 0 {
		a.log.Info("held alerts go out sooner, as their channel's `wait` says now", "deliveries", n)
	}
	return err
}

// lockDaemon makes this process the one daemon of a SQLite file; the lock goes with the process, however it ends. Several
// machines may share a PostgreSQL.
func lockDaemon(ctx context.Context, cfg *configs.Config) (unlock func(), err error) {
	path, ok := sqlitePath(cfg)
	if !ok {
		return func() {}, nil
	}
	l := flock.New(path + ".lock")
	// `health` holds the lock for a moment when it looks; a daemon that starts just then must not take it for another daemon.
	patience, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	held, err := l.TryLockContext(patience, 50*time.Millisecond)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock %s.lock: %w", path, err)
	}
	if !held {
		return nil, fmt.Errorf("another wirewatch daemon is running on %s: one daemon works on a SQLite file at a time (one-off verbs may run beside it). Stop the other, or set another `store`", path)
	}
	return func() { l.Unlock() }, nil
}

func sqlitePath(cfg *configs.Config) (string, bool) {
	dsn := cfg.Store.Reveal()
	return dsn, !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://")
}

func newLog(e *env, c configs.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked by the configuration; an empty one is info
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // "1.5s" in JSON too, where it would be a bare number of nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.stderr, o))
}

// ready says whether the pipeline can do its work.
func (a *app) ready(ctx context.Context) error {
	if err := a.store.Ping(ctx); err != nil {
		return fmt.Errorf("the store does not answer: %w", err)
	}
	if a.file == nil {
		return nil
	}
	// A file that was deleted or replaced stays open, and takes everything that is written to it along.
	if now, err := os.Stat(a.path); err != nil || !os.SameFile(now, a.file) {
		return fmt.Errorf("%s is not the file any more that this daemon works on: stop it, put the file back, start it again", a.path)
	}
	return room(filepath.Dir(a.path), leastRoom)
}

// lookReady says in the log, once a minute, when the pipeline cannot work.
func (a *app) lookReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return a.ready(ctx)
}

// leastRoom is what a store's disk should have left: below it articles soon cannot be stored, and nothing can be told.
const leastRoom = 64 << 20

// room says whether the disk under dir has some left.
func room(dir string, least uint64) error {
	free, err := roomLeft(dir)
	if err == nil && free < least {
		err = fmt.Errorf("the disk of %s has %d MB left: make room, or nothing more is stored or told", dir, free>>20)
	}
	return err
}

// roomLeft is how many bytes the disk under dir has left.
func roomLeft(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

// gauges are the store's numbers for /metrics.
func (a *app) gauges(ctx context.Context) ([]desk.Gauge, error) {
	c, err := a.store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	sites, err := a.siteGauges(ctx)
	if err != nil {
		return nil, err
	}
	return append(countGauges(c), sites...), nil
}

func countGauges(c store.Counts) []desk.Gauge {
	now := time.Now()
	age := func(t time.Time) float64 {
		if t.IsZero() || t.After(now) {
			return 0
		}
		return now.Sub(t).Seconds()
	}
	out := []desk.Gauge{
		{Name: "wirewatch_articles", Help: "Articles stored.", Value: float64(c.Articles)},
		{Name: "wirewatch_stories", Help: "Stories stored.", Value: float64(c.Stories)},
		{Name: "wirewatch_alerts", Help: "Alerts raised.", Value: float64(c.Alerts)},
		{Name: "wirewatch_feeds_failing", Help: "Feeds whose last poll failed.", Value: float64(c.Failing)},
		{Name: "wirewatch_feeds_retired", Help: "Feeds that are gone (410).", Value: float64(c.Retired)},
		{Name: "wirewatch_items_oldest_due_seconds", Help: "How long the oldest due item has waited.", Value: age(c.OldestItem)},
		{Name: "wirewatch_revisits_due", Help: "Pages due to be looked at again.", Value: float64(c.Revisits)},
		{Name: "wirewatch_deliveries_oldest_due_seconds", Help: "How long the oldest due delivery has waited.", Value: age(c.OldestDelivery)},
		{Name: "wirewatch_leases_expired", Help: "Leases that ran out before they were released.", Value: float64(c.ExpiredLeases)},
		{Name: "wirewatch_wal_bytes", Help: "Size of SQLite's write-ahead log.", Value: float64(c.WAL)},
	}
	for state, n := range c.Items {
		out = append(out, desk.Gauge{Name: "wirewatch_items", Help: "Items by state.", Labels: map[string]string{"state": string(state)}, Value: float64(n)})
	}
	for channel, states := range c.Deliveries {
		for state, n := range states {
			out = append(out, desk.Gauge{Name: "wirewatch_deliveries", Help: "Deliveries by channel and state.",
				Labels: map[string]string{"channel": channel, "state": string(state)}, Value: float64(n)})
		}
	}
	return out
}
