package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wirewatch/pipeline/store/storetest"
)

// TestMain lets the test binary be the command itself, so that tests can start, stop and kill a real daemon.
func TestMain(m *testing.M) {
	if os.Getenv("WIREWATCH_TEST_MAIN") == "1" {
		os.Unsetenv("WIREWATCH_TEST_MAIN")
		main()
	}
	if os.Getenv("WIREWATCH_TEST_MAIN") == "chaos" {
		chaosMain()
	}
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // else each process under the race detector takes a second to end
	}
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// postgres is a private PostgreSQL, started by the first test that wants one.
var postgres storetest.Lazy

// command is a process of this program.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), "WIREWATCH_TEST_MAIN=1")
	return c
}

// A world is a news world on loopback: feeds that grow, pages that truly differ, a webhook receiver.
type world struct {
	t     *testing.T
	srv   *httptest.Server
	hook  *httptest.Server
	rule  string // word that a rule waits for
	hits  int    // how many articles have one with that word among them
	store string
	file  string // the configuration, once it is written

	mu       sync.Mutex
	feeds    [][]piece
	sent     map[string]time.Time // URL of a page with the rule's word: when it was published
	received map[string][]receipt // by article URL
	broken   []string
	down     func(n int) bool // whether the receiver refuses its nth request
	slow     time.Duration    // how long the receiver takes to say yes to what it has taken
	requests int
}

type piece struct {
	n    int
	when time.Time
	hit  bool
}

type receipt struct {
	id     string
	raised time.Time // when the alert arose: its match is stored in the transaction that says so
	at     time.Time
}

func newWorld(t *testing.T, feeds int) *world {
	w := &world{t: t, rule: "zirconium", hits: 33, store: "wirewatch.db", feeds: make([][]piece, feeds), sent: map[string]time.Time{}, received: map[string][]receipt{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed/{n}", w.serveFeed)
	mux.HandleFunc("GET /a/{f}/{n}", w.serveArticle)
	w.srv = httptest.NewServer(mux)
	w.hook = httptest.NewServer(http.HandlerFunc(w.serveHook))
	t.Cleanup(func() { w.srv.Close(); w.hook.Close() })
	return w
}

// publish adds n articles to a feed; one of w.hits of the world carries the rule's word.
func (w *world) publish(feed, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		k := len(w.feeds[feed])
		a := piece{n: k, when: time.Now(), hit: (feed*1009+k)%w.hits == 0}
		w.feeds[feed] = append(w.feeds[feed], a)
		if a.hit {
			w.sent[w.url(feed, k)] = a.when
		}
	}
}

func (w *world) url(feed, n int) string { return fmt.Sprintf("%s/a/%d/%d", w.srv.URL, feed, n) }

func (w *world) serveFeed(rw http.ResponseWriter, r *http.Request) {
	f, _ := strconv.Atoi(r.PathValue("n"))
	w.mu.Lock()
	defer w.mu.Unlock()
	etag := fmt.Sprintf(`"%d"`, len(w.feeds[f]))
	rw.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	rw.Header().Set("Content-Type", "application/rss+xml")
	fmt.Fprintf(rw, `<?xml version="1.0"?><rss version="2.0"><channel><title>Feed %d</title><link>%s/</link>`, f, w.srv.URL)
	for i := len(w.feeds[f]) - 1; i >= 0; i-- {
		a := w.feeds[f][i]
		fmt.Fprintf(rw, `<item><title>%s</title><link>%s</link><guid>%d-%d</guid><pubDate>%s</pubDate></item>`,
			headline(f, a.n), w.url(f, a.n), f, a.n, a.when.UTC().Format(time.RFC1123Z))
	}
	io.WriteString(rw, `</channel></rss>`)
}

func (w *world) serveArticle(rw http.ResponseWriter, r *http.Request) {
	f, _ := strconv.Atoi(r.PathValue("f"))
	n, _ := strconv.Atoi(r.PathValue("n"))
	w.mu.Lock()
	if f >= len(w.feeds) || n >= len(w.feeds[f]) {
		w.mu.Unlock()
		http.NotFound(rw, r)
		return
	}
	a := w.feeds[f][n]
	w.mu.Unlock()
	word := ""
	if a.hit {
		word = " Inspectors listed " + w.rule + " among the goods."
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(rw, `<!doctype html><html lang="en"><head><title>%[1]s</title><meta property="article:published_time" content="%[2]s"></head><body>
<nav><a href="/">Home</a> <a href="/world">World</a></nav><article><h1>%[1]s</h1>`, headline(f, n), a.when.UTC().Format(time.RFC3339))
	for p := range 6 {
		extra := ""
		if p == 4 {
			extra = word
		}
		fmt.Fprintf(rw, "<p>%s%s</p>\n", prose(f, n, p), extra)
	}
	io.WriteString(rw, `</article><footer>All rights reserved.</footer></body></html>`)
}

func (w *world) serveHook(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	defer func() {
		select {
		case <-r.Context().Done(): // the sender is gone
		case <-time.After(w.slow):
		}
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	if w.down != nil && w.down(w.requests) {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m struct {
		Timestamp time.Time `json:"timestamp"`
		Articles  []struct {
			URL string `json:"url"`
		} `json:"articles"`
	}
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	id := r.Header.Get("webhook-id")
	if err != nil || len(m.Articles) == 0 || id == "" || r.Header.Get("webhook-signature") == "" {
		w.broken = append(w.broken, fmt.Sprintf("%v: %s", err, body))
		return
	}
	u := m.Articles[0].URL
	w.received[u] = append(w.received[u], receipt{id, m.Timestamp, time.Now()})
}

// words give texts that share little: each article draws its own vocabulary.
var syllables = strings.Fields("ba ke li mo nu ra se ti vo xa ze dri flo gra kle pru sta tre wi yo an er il on ur ash eld ing orn ust")

func word(r *rand.Rand) string {
	var b strings.Builder
	for range 2 + r.IntN(3) {
		b.WriteString(syllables[r.IntN(len(syllables))])
	}
	return b.String()
}

func headline(f, n int) string {
	r := rand.New(rand.NewPCG(uint64(f), uint64(n)))
	return strings.ToUpper("x") + word(r) + " " + word(r) + " after " + word(r) + " in " + word(r)
}

func prose(f, n, p int) string {
	r := rand.New(rand.NewPCG(uint64(f)<<20|uint64(n), uint64(p)))
	var b strings.Builder
	for s := range 4 {
		if s > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("The " + word(r))
		for i := range 9 {
			b.WriteString(" " + word(r))
			if i%3 == 0 {
				b.WriteString(" " + []string{"of the", "and", "for", "with a"}[r.IntN(4)])
			}
		}
		b.WriteByte('.')
	}
	return b.String()
}

// config writes a configuration for the world and returns its path.
func (w *world) config(every string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `store: %s
allow_private: [127.0.0.0/8]
pace: {every: 0s, parallel: 8}
contact: https://example.org/watch
rules:
  - {name: metals, query: %s}
channels:
  - {name: desk, kind: webhook, url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}
feeds:
`, w.store, w.rule, w.hook.URL)
	for i := range w.feeds {
		fmt.Fprintf(&b, "  - {name: f%d, url: %q, every: %s}\n", i, fmt.Sprintf("%s/feed/%d", w.srv.URL, i), every)
	}
	path := filepath.Join(w.t.TempDir(), "wirewatch.yaml")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.file = path
	return path
}

// missing lists published hits that have not been told.
func (w *world) missing() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u := range w.sent {
		if len(w.received[u]) == 0 {
			out = append(out, u)
		}
	}
	return out
}

// check asserts that each hit was told, under one id, and nothing else was.
func (w *world) check(allowRepeats bool) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for u := range w.sent {
		got := w.received[u]
		if len(got) == 0 {
			w.t.Errorf("%s was never told", u)
			continue
		}
		for _, g := range got[1:] {
			if g.id != got[0].id {
				w.t.Errorf("%s was told under two ids: %s, %s", u, got[0].id, g.id)
			}
			if !allowRepeats {
				w.t.Errorf("%s was told %d times", u, len(got))
			}
		}
	}
	for u := range w.received {
		if _, ok := w.sent[u]; !ok {
			w.t.Errorf("%s was told without a hit", u)
		}
	}
	for _, b := range w.broken {
		w.t.Errorf("broken message: %s", b)
	}
}

// waitTold waits until every published hit has been told.
func (w *world) waitTold() {
	w.t.Helper()
	for end := time.Now().Add(patience); len(w.missing()) > 0; time.Sleep(20 * time.Millisecond) { // polling for a condition, bounded by patience
		if time.Now().After(end) {
			w.t.Fatalf("not told within %s: %v\n%s", patience, w.missing(), w.standing())
		}
	}
}

// standing is what a daemon's store says of work that is not done, for a test that waits in vain.
func (w *world) standing() string {
	var b strings.Builder
	for _, v := range []string{"feeds status", "items list --state all --limit 20", "alerts list --limit 20"} {
		var out, errs bytes.Buffer
		err := run(context.Background(), append(strings.Fields(v), "-c", w.file), strings.NewReader(""), &out, &errs)
		fmt.Fprintf(&b, "wirewatch %s: %v\n%s%s", v, err, out.String(), errs.String())
	}
	for _, u := range w.missing() {
		var out, errs bytes.Buffer
		err := run(context.Background(), []string{"trace", u, "-c", w.file}, strings.NewReader(""), &out, &errs)
		fmt.Fprintf(&b, "wirewatch trace %s: %v\n%s%s", u, err, out.String(), errs.String())
	}
	return b.String()
}

func verbOut(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(context.Background(), args, strings.NewReader(""), &out, &errs); err != nil {
		t.Fatalf("wirewatch %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), errs.String()
}

// A thousand articles of fifty feeds: all stored, each hit told once; a second run tells nothing.
func TestRunOnceStoresAndTells(t *testing.T) {
	w := newWorld(t, 50)
	for f := range w.feeds {
		w.publish(f, 20)
	}
	cfg := w.config("1s")
	start := time.Now()
	_, log := verbOut(t, "run", "--once", "-c", cfg)
	t.Logf("1,000 articles in %s", time.Since(start).Round(time.Millisecond))
	if !strings.Contains(log, "articles=1000") {
		t.Errorf("not every article was stored:\n%s", tail(log))
	}
	w.check(false)
	w.mu.Lock()
	before := w.requests
	w.mu.Unlock()
	verbOut(t, "run", "--once", "-c", cfg)
	if w.requests != before {
		t.Errorf("the second run sent %d messages", w.requests-before)
	}
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// A daemon is a process that is started again after each kill.
type daemon struct {
	t   *testing.T
	cfg string
	cmd *exec.Cmd
	log *os.File
}

func startDaemon(t *testing.T, cfg string) *daemon {
	log, err := os.Create(filepath.Join(filepath.Dir(cfg), "daemon.log"))
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, cfg: cfg, log: log}
	d.start()
	t.Cleanup(func() {
		d.cmd.Process.Kill()
		d.cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("daemon's log ends:\n%s", tail(string(b)))
		}
		log.Close()
	})
	return d
}

func (d *daemon) start() {
	d.cmd = command(d.t, "run", "-c", d.cfg)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) kill() {
	d.cmd.Process.Kill()
	d.cmd.Wait()
}

// stop asks for a graceful end and expects one, with exit code 0.
func (d *daemon) stop(within time.Duration) {
	d.t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- d.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			d.t.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(within):
		d.t.Errorf("the daemon did not stop within %s", within)
		d.kill()
	}
}

// setting reads a bound that .ci/run and people raise from the environment; `go test` uses the small one.
func setting(name string, small int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return small
}

// The daemon is killed at random moments under load and started again: everything is told, repeats carry the same id, the
// store is sound. WIREWATCH_KILLS sets how often (default 4; .ci/run takes 50).
func TestKilledDaemonLosesNothing(t *testing.T) {
	kills := setting("WIREWATCH_KILLS", 4)
	seed := uint64(setting("WIREWATCH_SEED", 1))
	w := newWorld(t, 50)
	w.down = func(n int) bool { return n%7 == 0 } // a receiver that is not always well,
	w.slow = 250 * time.Millisecond               // and slow to answer, so that kills fall between taking and saying yes
	for f := range w.feeds {
		w.publish(f, 20)
	}
	cfg := w.config("1s")
	d := startDaemon(t, cfg)
	r := rand.New(rand.NewPCG(seed, 2))
	for range kills {
		pause := time.Duration(100+r.IntN(1500)) * time.Millisecond // the moment is random by design, not for luck
		time.Sleep(pause)
		d.kill()
		for range 5 {
			w.publish(r.IntN(len(w.feeds)), 1+r.IntN(4))
		}
		d.start()
	}
	w.publish(0, 33) // one of them a hit, so that the last daemon is known to be at work before it is stopped
	w.waitTold()
	d.stop(patience)
	w.check(true)
	verbOut(t, "db", "check", "-c", cfg)
	repeats := 0
	for _, got := range w.received {
		repeats += len(got) - 1
	}
	t.Logf("%d kills (seed %d): %d alerts, %d repeated under the same id", kills, seed, len(w.sent), repeats)
}

// Two daemons share a PostgreSQL, as on two machines; one is killed on the way. Together they tell everything once.
func TestTwoDaemonsOnPostgres(t *testing.T) {
	w := newWorld(t, 30)
	w.store = postgres.Database(t)
	for f := range w.feeds {
		w.publish(f, 10)
	}
	cfg := w.config("1s")
	one, two := startDaemon(t, cfg), startDaemon(t, cfg)
	for f := range w.feeds {
		w.publish(f, 10)
	}
	w.waitTold()
	one.kill()
	for f := range w.feeds {
		w.publish(f, 4)
	}
	w.waitTold() // what the killed one held is taken over when its leases end
	two.stop(patience)
	w.check(true)
	t.Logf("%d alerts over two daemons", len(w.sent))
}

// The daemon under a steady load, then under a burst: the time from publication to the webhook, and articles per CPU
// second. WIREWATCH_LOAD sets how many seconds of load (default 6; .ci/run takes 60). The figures are logged, not
// asserted, since they hold for the machine that ran them; but see soon.
func TestDaemonTellsSoon(t *testing.T) {
	seconds := setting("WIREWATCH_LOAD", 6)
	w := newWorld(t, 50)
	for f := range w.feeds {
		w.publish(f, 20)
	}
	cfg := w.config("1s")
	verbOut(t, "run", "--once", "-c", cfg)
	d := startDaemon(t, cfg)
	began := time.Now()
	tick := time.NewTicker(10 * time.Second / 50) // one new item a feed every ten seconds
	defer tick.Stop()
	for next := 0; time.Since(began) < time.Duration(seconds)*time.Second; next++ {
		<-tick.C
		w.publish(next%len(w.feeds), 1)
	}
	w.waitTold()
	steady, told := w.latencies(began), w.tellings(began)

	burst, before := time.Now(), cpuSeconds(d.cmd.Process.Pid)
	for f := range w.feeds {
		w.publish(f, 20)
	}
	w.waitTold()
	used := cpuSeconds(d.cmd.Process.Pid) - before
	all, burstTold := w.latencies(burst), w.tellings(burst)
	d.stop(patience)
	w.check(false)
	t.Logf("steady: %d alerts, median %s, slowest %s from publication to webhook", len(steady), pick(steady, 0.5), pick(steady, 1))
	soon(t, "under load", told, time.Second)
	soon(t, "in the burst", burstTold, time.Second)
	t.Logf("burst of 1,000 articles: %d alerts, median %s, p99 %s", len(all), pick(all, 0.5), pick(all, 0.99))
	if used > 0 {
		t.Logf("burst: %.2f CPU seconds, %.0f articles per CPU second (polls and deliveries included)", used, 1000/used)
	}
}

// latencies gives the times from publication to first receipt of what was published since, sorted.
func (w *world) latencies(since time.Time) (out []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u, when := range w.sent {
		if !when.Before(since) && len(w.received[u]) > 0 {
			out = append(out, w.received[u][0].at.Sub(when))
		}
	}
	slices.Sort(out)
	return out
}

// A daemon that has nothing else to do is given one article after the other: the time from the stored match to the request. WIREWATCH_IDLE
// sets how many (default 5; .ci/run takes 200).
func TestIdleDaemonTellsAtOnce(t *testing.T) {
	w := newWorld(t, 10)
	w.hits = 1
	cfg := w.config("1s")
	d := startDaemon(t, cfg)
	began := time.Now()
	for i := range setting("WIREWATCH_IDLE", 5) {
		w.publish(i%len(w.feeds), 1)
		w.waitTold()
	}
	d.stop(patience)
	w.check(false)
	soon(t, "idle", w.tellings(began), 200*time.Millisecond)
}

// tellings gives the times from stored match to first receipt of what was published since, sorted.
func (w *world) tellings(since time.Time) (out []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u, when := range w.sent {
		if !when.Before(since) && len(w.received[u]) > 0 {
			out = append(out, w.received[u][0].at.Sub(w.received[u][0].raised))
		}
	}
	slices.Sort(out)
	return out
}

// soon logs how long it took from stored match to request; with STRICT=1 (by hand: it is a bare time) the p99 must be below a bound.
func soon(t *testing.T, when string, times []time.Duration, bound time.Duration) {
	t.Helper()
	p99 := pick(times, 0.99)
	t.Logf("%s: %d alerts, from stored match to request: median %s, p99 %s, slowest %s", when, len(times), pick(times, 0.5), p99, pick(times, 1))
	if os.Getenv("STRICT") == "1" && (len(times) == 0 || p99 >= bound) {
		t.Errorf("%s: the p99 of %d alerts is %s, must be below %s", when, len(times), p99, bound)
	}
}

// pick gives the value at a share of a sorted list.
func pick(list []time.Duration, share float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return list[int(share*float64(len(list)-1))].Round(time.Millisecond)
}

// cpuSeconds is what a process has used, where /proc tells; else 0.
func cpuSeconds(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100 // clock ticks, a hundred a second on every Linux
}
