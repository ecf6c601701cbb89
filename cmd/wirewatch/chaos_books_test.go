package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/seeds/newsroom"
)

// chaos is the world of the chaos run: the receivers, the store, the daemon of the moment, and what was noted of each alert.
type chaos struct {
	t         *testing.T
	seed      uint64
	n         int // alerts
	slack     int // of them to Slack
	kills     int
	rand      *rand.Rand // of the one who makes trouble
	receivers map[string]*receiver
	base      string // the receivers' address
	cfg       string
	store     string // the file
	small     bool   // it stands on a small disk
	log       *os.File
	counters

	daemon int // how many were started; each says to receivers which one it is
	cmd    *exec.Cmd
	ended  chan error
	logged int64 // how long the log was when it started
	gaveUp bool  // it may have ended by itself, because the disk is full or was a moment ago
	back   bool  // the last jump of the clock was back

	mu      sync.Mutex // for st: the one who raises alerts writes, or the one who makes trouble
	st      *store.Store
	noted   map[string][]int // by channel: the alerts that the store said yes to
	replays map[string]int64 // by id of a message: the last delivery of its channel when it was replayed

	jumps, cuts, fills, dead int
}

// orderly are the channels whose order is looked at. In the other one digests gather what is held.
var orderly = []string{"slack", "desk", "second", "chat"}

const hookSecret = "whsec_canaryCanaryCanaryCanaryCanary++"

func newChaos(t *testing.T, seed uint64, n, slack, kills int) *chaos {
	c := &chaos{t: t, seed: seed, n: n, slack: slack, kills: kills, rand: seeded(seed, 1), receivers: map[string]*receiver{},
		noted: map[string][]int{}, replays: map[string]int64{}}
	shares := map[fault]float64{broken: .12, reset: .07, unsaid: .06, later: .01, odd: .03, hang: .004, refuse: .003} // with what the stand-in adds, 30%
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>Nothing new</title></channel></rss>`)
	})
	webhook := func() http.Handler {
		h, err := newsroom.NewWebhook(hookSecret, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for i, x := range []*receiver{
		{name: "slack", strict: newsroom.NewSlackHook(time.Now), odd: "<html>busy</html>",
			shares: map[fault]float64{broken: .02, reset: .01, unsaid: .02, later: .01, odd: .02, hang: .01, refuse: .003}}, // each costs a second
		{name: "desk", strict: webhook(), shares: shares},
		{name: "second", strict: webhook(), shares: shares, down: func() bool {
			k := c.killed.Load()
			return k >= int64(kills)/3 && k < int64(kills)*2/3
		}},
		{name: "chat", strict: &mattermostHook{}, odd: `{"id":"x","message":"odd","status_code":500}`, shares: shares},
		{name: "quiet", strict: webhook(), shares: shares},
	} {
		x.rand, x.calm = seeded(seed, uint64(10+i)), c.calm.Load
		x.faults, x.refused, x.known = map[fault]int{}, map[string]bool{}, map[string]bool{}
		c.receivers[x.name] = x
		mux.Handle("POST /"+x.name+"/", x)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	c.store = filepath.Join(c.disk(), "wirewatch.db")
	c.base, c.cfg = srv.URL, filepath.Join(t.TempDir(), "wirewatch.yaml")
	var err error
	if c.log, err = os.Create(filepath.Join(t.TempDir(), "daemon.log")); err != nil {
		t.Fatal(err)
	}
	c.open()
	t.Cleanup(func() {
		if c.cmd != nil {
			c.cmd.Process.Kill()
		}
		c.st.Close()
		if t.Failed() {
			b, _ := os.ReadFile(c.log.Name())
			t.Logf("seed %d; the daemon's log ends:\n%s", seed, tail(string(b)))
		}
		c.log.Close()
	})
	return c
}

// open opens the store beside the daemon, as one-off verbs do.
func (c *chaos) open() {
	st, err := store.Open(c.t.Context(), c.store, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.st = st
}

// config has a canary in every place where a secret can stand.
func (c *chaos) config() string {
	withUser := strings.Replace(c.base, "http://", "http://user:canaryPassword@", 1)
	return fmt.Sprintf(`store: %[1]s
listen: 127.0.0.1:0
allow_private: [127.0.0.0/8]
pace: {every: 0s, parallel: 8}
contact: https://example.org/watch
api_token: canaryApiTokenCanaryApiToken
feeds: [{name: wire, url: "%[2]s/feed", every: 24h, headers: {X-Key: canaryFeedKey}}]
rules:
  - {name: flood, query: zirconium, channels: [slack, desk, second, chat]}
  - {name: hushed, query: zirconium, channels: [desk]}
  - {name: limited, query: zirconium, channels: [quiet]}
  - {name: digested, query: zirconium, channels: [quiet], digest: "* * * * *"}
  - {name: grouped, query: zirconium, channels: [quiet], group: 2s}
  - {name: daytime, query: zirconium, channels: [quiet], hours: {from: "06:00", to: "20:00"}}
channels:
  - {name: slack, kind: slack, url: "%[3]s/slack/canarySlackPath?daemon=%[5]d"}
  - {name: desk, kind: webhook, url: "%[3]s/desk/canaryDeskPath?token=canaryQuery&daemon=%[5]d", secret: %[4]s, headers: {X-Auth: Bearer canaryHeader}}
  - {name: second, kind: webhook, url: "%[2]s/second/canarySecondPath?daemon=%[5]d", secret: %[4]s}
  - {name: chat, kind: mattermost, url: "%[2]s/chat/canaryChatPath?daemon=%[5]d"}
  - {name: quiet, kind: webhook, url: "%[2]s/quiet/canaryQuietPath?daemon=%[5]d", secret: %[4]s, quiet: {limit: 400/h}}
`, c.store, c.base, withUser, hookSecret, c.daemon)
}

// hostileTitles want something of whoever reads them.
var hostileTitles = []string{"<!channel> & <@U012AB3CD>", "@everyone [bank](https://evil.example)", "\x1b[31mred\x1b[0m\nERROR", "invoice\u202Efdp.exe *bold* `code`"}

// alert is the ith alert and the channels that are to be told. Those to Slack come in the first four fifths of the run.
func (c *chaos) alert(i int) (pipeline.Alert, []string) {
	title := fmt.Sprintf("alert%d inspectors list zirconium", i)
	if i%7 == 0 {
		title += " " + hostileTitles[i/7%len(hostileTitles)]
	}
	a := pipeline.Alert{Rule: "flood", Subject: fmt.Sprint("chaos:", i), Kind: pipeline.KindMatch,
		About: pipeline.About{Severity: pipeline.Severities[i%4]},
		Article: pipeline.Article{URL: fmt.Sprintf("https://news.example/%d", i), Site: "news.example", SiteName: "News", Title: title,
			Body: "Inspectors listed zirconium among the goods that were found on board."},
		Spans: []pipeline.Span{{Field: "body", Start: 18, End: 27}}}
	slackEvery := max(1, c.n*4/5/c.slack)
	switch {
	case i%slackEvery == 0 && i/slackEvery < c.slack:
		return a, []string{"slack", "desk"}
	case i%20 == 1:
		return a, []string{"chat", "second"}
	case i%50 == 2:
		a.Rule = "hushed"
		return a, []string{"desk"}
	case i%3 == 0:
		a.Rule = []string{"limited", "digested", "grouped", "daytime"}[i/3%4]
		return a, []string{"quiet"}
	case i%3 == 1:
		return a, []string{"second"}
	}
	return a, []string{"desk"}
}

// deliveries are all of a channel, in order of commit.
func (c *chaos) deliveries(channel string) []pipeline.Delivery {
	ds, err := c.st.Deliveries(c.t.Context(), store.DeliveryFilter{Channel: channel, Limit: 10 * c.n})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Reverse(ds)
	return ds
}

// order checks, before the last replay, that each channel took first what was committed first, of what was never dead or held; and that
// what was replayed on the way came behind what stood in the queue then. It returns how many places in the order it looked at.
func (c *chaos) order() (looked int) {
	for _, name := range orderly {
		place := map[string]int{}
		for i, id := range c.receivers[name].first() {
			place[id] = i + 1
		}
		before, out := 0, 0
		ds := c.deliveries(name)
		for _, d := range ds {
			if d.State != pipeline.DeliverySent || d.Bundle != "" {
				continue
			}
			looked++
			if place[d.UID] < before {
				out++
			}
			before = max(before, place[d.UID])
		}
		if out > 0 {
			c.t.Errorf("%s: %d of %d messages came out of order", name, out, len(ds))
		}
		for _, r := range ds {
			last, replayed := c.replays[r.UID]
			for _, d := range ds {
				if replayed && d.ID <= last && d.State == pipeline.DeliverySent && d.Bundle == "" && place[r.UID] > 0 && place[d.UID] > place[r.UID] {
					c.t.Errorf("%s: the replay of delivery %d came before delivery %d", name, r.ID, d.ID)
					break
				}
			}
		}
	}
	return looked
}

// books are what a channel's receiver took, by alert.
type books struct {
	alone   map[int]map[string]bool // ids of the messages that told of it alone
	gather  map[int]map[string]bool // ids of the digests that told of it
	total   int                     // messages taken, repeats and all
	differs int                     // of them the ones that came under their id again
}

var alertNumber = regexp.MustCompile(`alert(\d+) inspectors`)

func (c *chaos) books(x *receiver) books {
	b := books{alone: map[int]map[string]bool{}, gather: map[int]map[string]bool{}}
	seen := map[string]bool{}
	add := func(to map[int]map[string]bool, text, id string) {
		m := alertNumber.FindStringSubmatch(text)
		if m == nil {
			c.t.Errorf("%s took a message of no alert: %.300s", x.name, text)
			return
		}
		n, _ := strconv.Atoi(m[1])
		if to[n] == nil {
			to[n] = map[string]bool{}
		}
		to[n][id] = true
	}
	for _, m := range x.taken {
		b.total++
		if seen[m.id] {
			b.differs++
		}
		seen[m.id] = true
		var body struct {
			ID     string
			Items  []json.RawMessage
			Left   int `json:"items_left"`
			Blocks []struct {
				ID string `json:"block_id"`
			}
		}
		if err := json.Unmarshal(m.body, &body); err != nil {
			c.t.Errorf("%s: %v", x.name, err)
		}
		if x.name == "slack" && body.Blocks[0].ID != m.id || x.name != "slack" && x.name != "chat" && body.ID != m.id {
			c.t.Errorf("%s: message %s bears another id: %.300s", x.name, m.id, m.body)
		}
		for _, it := range body.Items {
			add(b.gather, string(it), m.id)
		}
		if len(body.Items) == 0 {
			add(b.alone, string(m.body), m.id)
		}
		if body.Left > 0 {
			c.t.Errorf("%s: a digest leaves %d items out", x.name, body.Left)
		}
	}
	return b
}

// check checks the books: of each alert and channel that the store said yes to, exactly one delivery, which its receiver took under one
// id, or which is listed as silenced; nothing else was taken; no rule of a receiver was broken; the store is sound.
func (c *chaos) check(looked int) {
	total, repeats, silenced := 0, 0, 0
	for name, x := range c.receivers {
		b := c.books(x)
		total, repeats = total+b.total, repeats+b.differs
		rows := map[int][]pipeline.Delivery{}
		for _, d := range c.deliveries(name) {
			if d.Alert.Kind == pipeline.KindMatch {
				n, _ := strconv.Atoi(strings.TrimPrefix(d.Alert.Subject, "chaos:"))
				rows[n] = append(rows[n], d)
			}
		}
		if len(rows) != len(c.noted[name]) {
			c.t.Errorf("%s: %d deliveries of %d", name, len(rows), len(c.noted[name]))
		}
		gathered, lost := 0, 0
		for _, n := range c.noted[name] {
			alone, in := b.alone[n], b.gather[n]
			if len(rows[n]) != 1 {
				c.t.Errorf("%s: alert %d has %d deliveries", name, n, len(rows[n]))
				continue
			}
			switch d := rows[n][0]; {
			case d.State == pipeline.DeliverySilenced && len(alone)+len(in) == 0:
				silenced++
			case d.State == pipeline.DeliverySent && len(alone) == 1 && len(in) == 0 && alone[d.UID]:
			case d.State == pipeline.DeliverySent && len(alone) == 0 && len(in) == 1 && d.Digest != 0:
				gathered++
			default:
				if lost++; lost <= 5 {
					c.t.Errorf("%s: alert %d is %s (bundle %q, %d attempts, %q), and was taken %d times alone, %d times in digests",
						name, n, d.State, d.Bundle, d.Attempts, d.Error, len(alone), len(in))
				}
			}
		}
		if lost > 0 {
			c.t.Errorf("%s: %d of %d are lost or wrong", name, lost, len(c.noted[name]))
		}
		wrong := x.violations()
		for _, w := range wrong[:min(5, len(wrong))] {
			c.t.Errorf("%s: %s", name, w)
		}
		for f, share := range x.shares {
			if expect := share * float64(x.requests); expect > 20 && x.faults[f] == 0 && !(f == refuse || f == hang) {
				c.t.Errorf("%s was never ill in way %d", name, f)
			}
		}
		c.t.Logf("%s: %d alerts, of them %d in digests; %d requests, %d taken, %d under the same id again; %d violations; faults %v",
			name, len(c.noted[name]), gathered, x.requests, b.total, b.differs, len(wrong), x.faults)
	}
	if c.noted["desk"] == nil || silenced == 0 {
		c.t.Errorf("%d deliveries are silenced", silenced)
	}
	verbOut(c.t, "db", "check", "-c", c.cfg)
	h := c.receivers["slack"].strict.(*newsroom.SlackHook)
	c.t.Logf("chaos: %d power cuts, %d times a full disk (%d alerts refused and raised again), %d jumps of the clock, %d replays of the dead", c.cuts, c.fills, c.failed.Load(), c.jumps, c.dead)
	c.t.Logf("chaos: %d messages taken, %d repeated under the same id (%.1f%%), %d silenced, %d places in the order kept, Slack throttled %d",
		total, repeats, 100*float64(repeats)/float64(total), silenced, looked, h.Throttled())
}

// leaks looks for the canaries of the settings wherever the run has left something.
func (c *chaos) leaks(page string) {
	list, _ := verbOut(c.t, "alerts", "list", "-c", c.cfg, "--json")
	left := map[string]string{"the metrics page": page, "alerts list": list}
	for name, x := range c.receivers {
		for _, m := range x.taken {
			left["what "+name+" took"] += string(m.body)
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(c.store), "*"))
	if err != nil || len(files) == 0 {
		c.t.Errorf("the store's files: %v", err)
	}
	for _, f := range append(files, c.log.Name()) {
		b, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		left[filepath.Base(f)] = string(b)
	}
	if !strings.Contains(left["daemon.log"], "cannot handle") {
		c.t.Error("the daemon's log does not quote what receivers said, so that it proves nothing")
	}
	for where, text := range left {
		if i := strings.Index(strings.ToLower(text), "canary"); i >= 0 {
			c.t.Errorf("%s shows a secret: %q", where, text[max(0, i-100):min(len(text), i+100)])
		}
	}
}
