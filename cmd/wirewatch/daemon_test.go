package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// These tests start, signal and kill the true process.

// edit replaces text in a configuration file; each old text must be there.
func edit(t *testing.T, path string, pairs ...string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			t.Fatalf("%s has no %q:\n%s", path, pairs[i], s)
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what must come. It only guards against hanging: how soon it comes depends on the machine.
const patience = 3 * time.Minute

// until waits for a condition, with patience.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func (d *daemon) text() string {
	b, err := os.ReadFile(d.log.Name())
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// says waits until the log has a line that matches.
func (d *daemon) says(pattern string) string {
	d.t.Helper()
	re := regexp.MustCompile(pattern)
	var found string
	until(d.t, "log line "+pattern, func() bool {
		found = re.FindString(d.text())
		return found != ""
	})
	return found
}

// address is where the daemon says it listens.
func (d *daemon) address() string {
	d.t.Helper()
	line := d.says(`(?m)msg"?[=:]"?listening"? .*$|"msg":"listening".*`)
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
}

// fails runs a process that has to fail with code 1 and gives what it said.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	c := command(t, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if err == nil || c.ProcessState.ExitCode() != 1 {
		t.Fatalf("wirewatch %s: %v, want exit code 1\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// A gate is a server that answers only after it was opened, as one that hangs does.
type gate struct {
	mu      sync.Mutex
	entered int
	open    chan struct{}
	next    http.Handler
	held    func(*http.Request) bool
}

func newGate(next http.Handler, held func(*http.Request) bool) *gate {
	return &gate{open: make(chan struct{}), next: next, held: held}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.held(r) {
		body, _ := io.ReadAll(r.Body) // a server notices a client that leaves only after reading
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.mu.Lock()
		g.entered++
		g.mu.Unlock()
		select {
		case <-g.open:
		case <-r.Context().Done():
			return
		}
	}
	g.next.ServeHTTP(w, r)
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entered
}

// A graceful stop while a page and a webhook hang: it waits for neither, ends with exit code 0, several times over; when the servers
// answer again, everything is told.
func TestStopWhileServersHang(t *testing.T) {
	const unanswered = 15 * time.Second // the webhook would be given up after 20 s, the page after 30 s; a stop takes some 50 ms
	w := newWorld(t, 2)
	w.publish(0, 1) // 0/0 is a hit: it is told while the webhook hangs
	pages := newGate(w.srv.Config.Handler, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/a/1/") })
	hooks := newGate(http.HandlerFunc(w.serveHook), func(*http.Request) bool { return true })
	w.srv.Close()
	w.hook.Close()
	w.srv, w.hook = httptest.NewServer(pages), httptest.NewServer(hooks)
	w.sent = map[string]time.Time{w.url(0, 0): time.Now()}
	cfg := w.config("1s")
	d := startDaemon(t, cfg)
	until(t, "a webhook under way", func() bool { return hooks.count() > 0 })
	w.publish(1, 33) // 33 pages that hang; one of them is a hit
	if len(w.sent) != 2 {
		t.Fatalf("%d hits, want 2", len(w.sent))
	}
	until(t, "a page under way", func() bool { return pages.count() > 0 })
	d.stop(unanswered)
	const restarts = 6
	for i := range restarts {
		// Each start reaches for both again.
		n, m := pages.count(), hooks.count()
		d.start()
		until(t, fmt.Sprintf("start %d: a page and a webhook under way (%d, %d)", i, n, m), func() bool { return pages.count() > n && hooks.count() > m })
		begun := time.Now()
		d.stop(unanswered)
		t.Logf("stop %d took %s", i, time.Since(begun).Round(time.Millisecond))
	}
	if len(w.received) > 0 {
		t.Fatalf("told while the receiver hung: %v", w.received)
	}
	if strings.Contains(d.text(), "took over work") {
		t.Error("a graceful stop did not give its leases back")
	}
	close(pages.open)
	close(hooks.open)
	d.start()
	w.waitTold()
	until(t, "all 34 items are done", func() bool {
		out, _ := verbOut(t, "items", "list", "--state", "done", "-c", cfg)
		return strings.Count(out, " done ") == 34
	})
	d.stop(patience)
	w.check(true)
}

// A one-off run that is asked to stop says so and leaves what it did not do to the next one.
func TestOnceInterrupted(t *testing.T) {
	w := newWorld(t, 1)
	pages := newGate(w.srv.Config.Handler, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/a/") })
	w.srv.Close()
	w.srv = httptest.NewServer(pages)
	t.Cleanup(w.srv.Close)
	w.publish(0, 1)
	cfg := w.config("1s")
	c := command(t, "run", "--once", "-c", cfg)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a page under way", func() bool { return pages.count() > 0 })
	c.Process.Signal(syscall.SIGTERM)
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.HasSuffix(said.String(), "wirewatch: interrupted; what was not done is due again\n") {
		t.Errorf("code %d: %s", code, said.String())
	}
	if strings.Contains(said.String(), "level=ERROR") || strings.Contains(said.String(), "level=WARN") {
		t.Errorf("a stop is nobody's fault: %s", said.String())
	}
	close(pages.open)
	verbOut(t, "run", "--once", "-c", cfg)
	w.check(false)
}

// SIGHUP takes feeds, rules and channels of a good configuration; a wrong one changes nothing and the log says why.
func TestReload(t *testing.T) {
	w := newWorld(t, 2)
	w.publish(0, 1)
	cfg := w.config("1s")
	second := fmt.Sprintf("  - {name: f1, url: %q, every: 1s}\n", w.srv.URL+"/feed/1")
	edit(t, cfg, second, "")
	d := startDaemon(t, cfg)
	w.waitTold()
	d.says(`msg=watching feeds=1 rules=1 channels=1`)

	// Wrong: the old rules go on.
	good, _ := os.ReadFile(cfg)
	edit(t, cfg, "query: zirconium", "query: zirconium AND (")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`level=ERROR msg="the new configuration is wrong; the old one stays in force" .*wirewatch.yaml:\d+:\d+: rule .*metals.*nothing after`)
	// A test beside a rule that fails is wrong like anything else, and takes nothing of the file with it.
	edit(t, cfg, "query: zirconium AND (", "query: zirconium OR copper, tests: [{match: copper}, {not: copper wire}]")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`level=ERROR msg="the new configuration is wrong; the old one stays in force" .*a test that must not match does: .*copper wire.*in the body: copper`)
	for n := len(w.sent); len(w.sent) == n; {
		w.publish(0, 1)
	}
	w.waitTold()

	// No feed at all is wrong for a daemon.
	feeds := bytes.Index(good, []byte("feeds:"))
	if err := os.WriteFile(cfg, good[:feeds], 0o600); err != nil {
		t.Fatal(err)
	}
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`no feed is configured`)

	// Good: a second feed, a second rule, a second channel.
	var extra struct {
		sync.Mutex
		rules []string
	}
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var m struct {
			Rule struct {
				Name string `json:"name"`
			} `json:"rule"`
		}
		json.NewDecoder(r.Body).Decode(&m)
		extra.Lock()
		extra.rules = append(extra.rules, m.Rule.Name)
		extra.Unlock()
	}))
	defer other.Close()
	if err := os.WriteFile(cfg, append(good, second...), 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, cfg, "rules:\n", "rules:\n  - {name: goods, query: 'inspectors AND goods', channels: [second]}\n",
		"query: zirconium}", "query: zirconium, channels: [desk]}",
		"channels:\n", fmt.Sprintf("channels:\n  - {name: second, kind: webhook, url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}\n", other.URL))
	w.publish(1, 33)
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`msg=reloaded feeds=2 rules=2 channels=2`)
	w.waitTold()
	until(t, "the second channel hears of the second rule", func() bool {
		extra.Lock()
		defer extra.Unlock()
		return len(extra.rules) > 0
	})
	for _, r := range extra.rules {
		if r != "goods" {
			t.Errorf("the second channel heard of rule %q", r)
		}
	}

	// A rule that names no channels is told of elsewhere while one is gone; that is said, with what to do.
	edit(t, cfg, "channels: [second]}", "channels: []}")
	d.cmd.Process.Signal(syscall.SIGHUP)
	until(t, "it is reloaded again", func() bool { return strings.Count(d.text(), "msg=reloaded") == 2 })
	edit(t, cfg, "{name: second,", "{name: third,")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`a channel is gone from the configuration.* replay --rule RULE --send --to CHANNEL .*channel=second rules=goods`)

	// What is opened once says that it waits.
	edit(t, cfg, "parallel: 8", "parallel: 4")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`other keys changed too and take effect after a restart`)
	d.stop(patience)
	w.check(false)
}

// A `wait` that was set wrong holds nothing up once it is corrected. What is kept how long is reloaded too; when pages are looked at again
// is not, and the log tells the one from the other.
func TestReloadWait(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config("1s")
	edit(t, cfg, "{name: desk,", "{name: desk, wait: 1h,")
	d := startDaemon(t, cfg)
	w.publish(0, 12)
	w.mu.Lock()
	told := len(w.sent)
	w.mu.Unlock()
	if told == 0 {
		t.Fatal("nothing was published that is told")
	}
	until(t, "all is processed", func() bool { return strings.Count(d.text(), "msg=process ") >= 12 })
	if n := len(w.missing()); n != told {
		t.Fatalf("%d of %d are held", n, told)
	}
	edit(t, cfg, "wait: 1h", "wait: 0s", "rules:\n", "retention: {pages: 10d}\nrules:\n")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`msg="held alerts go out sooner, as their channel's .wait. says now" deliveries=\d`)
	d.says(`msg=reloaded`)
	w.waitTold()
	if strings.Contains(d.text(), "other keys changed") {
		t.Error("what is reloaded is said to need a restart")
	}
	edit(t, cfg, "rules:\n", "revisit: [2h]\nrules:\n")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`other keys changed too and take effect after a restart`)
	d.stop(patience)
	w.check(false)
}

// One daemon on a SQLite file; verbs that do one thing may run beside it.
func TestBesideTheDaemon(t *testing.T) {
	w := newWorld(t, 1)
	w.publish(0, 1)
	cfg := w.config("1s")
	d := startDaemon(t, cfg)
	w.waitTold()

	said := fails(t, "run", "-c", cfg)
	if !strings.Contains(said, "another wirewatch daemon is running on ") || !strings.Contains(said, "one daemon works on a SQLite file at a time") {
		t.Errorf("a second daemon is refused with: %s", said)
	}
	if out, _ := verbOut(t, "health", "-c", cfg); out != "ready\n" { // without listen: by the lock
		t.Errorf("health says %q", out)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	verbOut(t, "run", "--once", "-c", cfg)
	verbOut(t, "items", "list", "-c", cfg)
	verbOut(t, "alerts", "list", "-c", cfg)
	verbOut(t, "feeds", "status", "-c", cfg)
	verbOut(t, "backfill", "--since", "1h", "-c", cfg)
	verbOut(t, "db", "check", "-c", cfg)
	verbOut(t, "db", "backup", "-c", cfg, copied)
	if _, err := os.Stat(copied); err != nil {
		t.Error(err)
	}
	d.stop(patience)
	if said := fails(t, "health", "-c", cfg); !strings.Contains(said, "no daemon is running on ") {
		t.Errorf("health after the stop says: %s", said)
	}
	w.check(false)
}

// Many looks at health never keep a daemon from starting.
func TestHealthDoesNotHinderTheStart(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config("1s")
	verbOut(t, "db", "migrate", "-c", cfg)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				var out, errs bytes.Buffer
				_ = run(context.Background(), []string{"health", "-c", cfg}, strings.NewReader(""), &out, &errs) // either answer will do
			}
		})
	}
	d := startDaemon(t, cfg)
	for range 4 {
		d.says("msg=watching")
		d.stop(patience)
		d.log.Truncate(0)
		d.start()
	}
	d.says("msg=watching")
	close(stop)
	wg.Wait()
	d.stop(patience)
}

// A database that a later version has written is refused by every verb that opens it, and left as it is.
func TestNewerDatabase(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config("1s")
	verbOut(t, "db", "migrate", "-c", cfg)
	db, err := sql.Open("sqlite3", filepath.Join(filepath.Dir(cfg), "wirewatch.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for _, args := range [][]string{{"run"}, {"run", "--once"}, {"items", "list"}, {"db", "migrate"}, {"db", "check"}, {"backfill", "--since", "1d"}} {
		said := fails(t, append(args, "-c", cfg)...)
		if !strings.Contains(said, "the database was written by a newer version of wirewatch: run that version, or restore a backup") {
			t.Errorf("wirewatch %s says: %s", strings.Join(args, " "), said)
		}
	}
}

// Killed, not stopped: the next start takes over what the dead process held, without waiting for leases to run out.
func TestRestartAfterKillTakesOver(t *testing.T) {
	w := newWorld(t, 1)
	hooks := newGate(http.HandlerFunc(w.serveHook), func(*http.Request) bool { return true })
	w.hook.Close()
	w.hook = httptest.NewServer(hooks)
	t.Cleanup(w.hook.Close)
	w.publish(0, 1)
	cfg := w.config("1s")
	d := startDaemon(t, cfg)
	until(t, "a webhook under way", func() bool { return hooks.count() > 0 })
	d.kill()
	close(hooks.open)
	begun := time.Now()
	d.start()
	w.waitTold()
	if took := time.Since(begun); took > leaseTTL*2/3 { // renewed every third of it, the lease had so long to run at least
		t.Errorf("told %s after the restart: the dead process's lease was waited for", took)
	}
	d.says(`msg="took over work of a process that ended" leases=[1-9]`)
	d.stop(patience)
	w.check(true)
}

// No secret of the configuration shows anywhere: logs, metrics, pages, the database file, the verbs' output.
func TestPagesLogsAndSecrets(t *testing.T) {
	const canary = "canary7f3a"
	w := newWorld(t, 2)
	for f := range w.feeds {
		w.publish(f, 33)
	}
	const dead = "127.0.0.1:1" // no one listens there: to see errors with secrets near them
	refuses := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		rw.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(rw, "no: %s %s %v %.200s", r.URL, r.Host, r.Header, b) // a receiver that repeats what it got
	}))
	defer refuses.Close()
	cfg := w.config("1s")
	edit(t, cfg, "store: wirewatch.db\n", "store: wirewatch.db\nlisten: 127.0.0.1:0\napi_token: "+canary+"-token-0123456789\nlog: {format: json, level: debug}\n",
		"channels:\n", fmt.Sprintf(`channels:
  - {name: down, kind: slack, url: "http://%[1]s/services/%[2]s-1"}
  - {name: refuses, kind: webhook, url: "%[3]s/%[2]s-2?token=%[2]s-3", secret: "${CANARY_KEY}", headers: {X-Token: %[2]s-4}}
`, dead, canary, refuses.URL),
		"name: f1,", fmt.Sprintf("name: f1, headers: {X-Key: %[1]s-5}, cookies: {session: %[1]s-6}, basic_auth: {user: reader, password: %[1]s-7},", canary),
		"feeds:\n", fmt.Sprintf("feeds:\n  - {name: proxied, url: \"http://p.example/rss\", every: 1s, proxy: \"http://u:%s-8@%s\"}\n", canary, dead))
	t.Setenv("CANARY_KEY", "whsec_Y2FuYXJ5N2YzYWNhbmFyeTdmM2FjYW5hcnk3ZjNh") // base64 of the canary, thrice
	canaries := []string{canary, "Y2FuYXJ5N2YzY"}

	d := startDaemon(t, cfg)
	w.waitTold()
	addr := d.address()
	fetch := func(path string) (int, string) {
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	seen := map[string]string{}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		code, body := fetch(path)
		if code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
		seen[path] = body
	}
	// Until the three channels and the proxied feed have had their say.
	until(t, "failures in the log", func() bool {
		s := d.text()
		return strings.Contains(s, `"key":"down"`) && strings.Contains(s, `"key":"refuses"`) && strings.Contains(s, `"key":"proxied"`)
	})
	_, metrics := fetch("/metrics")
	seen["/metrics"] = metrics
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(metrics))
	if err != nil {
		t.Errorf("the metrics do not parse: %v", err)
	}
	for _, name := range []string{"wirewatch_articles", "wirewatch_items", "wirewatch_deliveries", "wirewatch_runs_total", "wirewatch_handled_total",
		"wirewatch_attempt_seconds", "wirewatch_alert_lag_seconds", "wirewatch_wal_bytes", "wirewatch_build_info", "wirewatch_feeds_failing", "go_goroutines"} {
		if families[name] == nil {
			t.Errorf("there is no metric %s", name)
		}
	}
	if f := families["wirewatch_articles"]; f != nil && f.Metric[0].GetGauge().GetValue() < 1 {
		t.Errorf("no article is counted: %v", f)
	}
	if code, _ := fetch("/"); code != http.StatusNotFound {
		t.Errorf("/ gives %d", code)
	}
	for _, rule := range []string{"nobody", "broken%00"} { // a token in an address is logged nowhere
		path := "/rules/" + rule + "/feed.xml"
		code, body := fetch(path + "?token=" + canary + "-token-0123456789")
		if code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, code, body)
		}
		seen[path] = body
	}
	code, refusal := fetch("/api/silences")
	if code != http.StatusUnauthorized {
		t.Errorf("the API answers %d without a token", code)
	}
	req, err := http.NewRequest("POST", "http://"+addr+"/api/silences", strings.NewReader(`{"query": "zirconium", "for": "1h", "author": "ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+canary+"-token-0123456789")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusCreated {
		t.Errorf("%d %s %v", resp.StatusCode, answer, err)
	}
	seen["a refusal of the API"], seen["an answer of the API"] = refusal, string(answer)

	edit(t, cfg, "listen: 127.0.0.1:0\n", "listen: "+addr+"\n") // the port that the daemon was given: health asks where the file says
	seen["health"], _ = verbOut(t, "health", "-c", cfg)
	if seen["health"] != "ready\n" {
		t.Errorf("health says %q", seen["health"])
	}
	edit(t, cfg, "listen: "+addr+"\n", "listen: 127.0.0.1:0\n")
	for _, v := range []string{"items list --state all", "items list --state all --json", "alerts list", "alerts list --json", "feeds status", "feeds status --json", "feeds list --json", "feeds export", "check", "alerts silence list"} {
		out, errs := verbOut(t, append(strings.Fields(v), "-c", cfg)...)
		seen[v] = out + errs
	}
	for _, name := range []string{"down", "refuses"} {
		seen["test "+name] = fails(t, "alerts", "test", name, "-c", cfg)
	}
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`"msg":"reloaded"`)
	edit(t, cfg, "secret: \"${CANARY_KEY}\"", "secret: \""+canary+" no key\"")
	seen["check wrong"] = fails(t, "check", "-c", cfg)
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`"msg":"the new configuration is wrong`)
	d.stop(patience)
	seen["log"] = d.text()
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(cfg), "wirewatch.db*"))
	if len(files) == 0 {
		t.Fatal("there is no database")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		seen[filepath.Base(f)] = string(b)
	}
	for where, text := range seen {
		for _, c := range canaries {
			if i := strings.Index(text, c); i >= 0 {
				t.Errorf("a secret shows in %s: …%q…", where, text[max(0, i-120):min(len(text), i+60)])
			}
		}
	}

	// Every line of the JSON log is JSON with the keys that collectors look for.
	lines := strings.Split(strings.TrimSpace(seen["log"]), "\n")
	for _, l := range lines {
		var m struct {
			Time  time.Time `json:"time"`
			Level string    `json:"level"`
			Msg   string    `json:"msg"`
		}
		if err := json.Unmarshal([]byte(l), &m); err != nil || m.Time.IsZero() || m.Level == "" || m.Msg == "" {
			t.Errorf("log line %q: %v", l, err)
		}
	}
}

// A port that is taken is an error at the start, in a sentence.
func TestListenTaken(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config("1s")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	edit(t, cfg, "store: wirewatch.db\n", "store: wirewatch.db\nlisten: "+l.Addr().String()+"\n")
	if said := fails(t, "run", "-c", cfg); !strings.Contains(said, "is another process there, or change `listen`") {
		t.Errorf("said: %s", said)
	}
}

// A silence holds from the next message on, an end of it too, and a channel's quiet from a reload on, for what is held as well. Nothing
// is lost, and what a silence kept quiet is sent by hand alone.
func TestQuietDaemon(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config("1s")
	edit(t, cfg, "{name: desk,", "{name: desk, quiet: {digest: 0 0 1 1 *},")
	d := startDaemon(t, cfg)
	d.says(`msg=watching`)
	state := func(name string) int {
		out, _ := verbOut(t, "alerts", "list", "--json", "--limit", "1000", "--state", name, "-c", cfg)
		return strings.Count(out, "\n")
	}
	w.publish(0, 34)
	told := len(w.sent)
	if told < 2 {
		t.Fatalf("%d of what was published is to be told", told)
	}
	until(t, "all is held", func() bool { return state("held") == told })
	if n := len(w.missing()); n != told {
		t.Fatalf("%d of %d are held", n, told)
	}
	d.kill()
	d.start()
	until(t, "it watches again", func() bool { return strings.Count(d.text(), "msg=watching") == 2 })
	edit(t, cfg, "quiet: {digest: 0 0 1 1 *},", "quiet: {digest: 0 0 1 1 *, unless: low},")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.says(`msg=reloaded`)
	until(t, "what was held is sent", func() bool { return state("sent") == told+1 && state("held") == 0 })

	verbOut(t, "alerts", "silence", "add", "--rule", "metals", "--for", "1h", "-c", cfg)
	before := len(w.sent)
	for len(w.sent) == before {
		w.publish(0, 1)
	}
	until(t, "what is silenced is listed", func() bool { return state("silenced") == len(w.sent)-before })
	verbOut(t, "alerts", "silence", "end", "1", "-c", cfg)
	now := len(w.sent)
	for len(w.sent) == now {
		w.publish(0, 1)
	}
	until(t, "what comes after the silence is told", func() bool { return state("sent") == told+1+len(w.sent)-now })
	if n := state("silenced"); n != now-before {
		t.Errorf("%d are silenced after the silence, want %d", n, now-before)
	}
	d.stop(patience)
}
