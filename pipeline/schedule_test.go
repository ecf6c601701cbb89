package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// Cron specs are read in UTC, where no hour is skipped or repeated; a spec that names a zone follows cron's documented
// ways on the days the clock changes.
func TestCronOnDaysTheClockChanges(t *testing.T) {
	for _, c := range []struct{ spec, after, want string }{
		{"30 2 * * *", "2026-03-08T00:00:00Z", "2026-03-08T02:30:00Z"},
		{"30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T02:30:00Z"},
		{"30 1 * * *", "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"},
		{"30 1 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"},
		{"0 * * * *", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
		{"CRON_TZ=Asia/Seoul 0 6 * * *", "2026-03-29T00:00:00Z", "2026-03-29T21:00:00Z"},
		{"TZ=Asia/Tokyo 0 6 * * *", "2026-03-29T00:00:00Z", "2026-03-29T21:00:00Z"},
		// Spring forward in Berlin: 02:30 does not exist on March 29.
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T02:00:00Z", "2026-03-30T00:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		// Fall back: 02:30 comes twice on October 25, and so does the run.
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"},
	} {
		s, err := ParseCron(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		if got := s.Next(at(c.after)).UTC(); !got.Equal(at(c.want)) {
			t.Errorf("%s after %s: %s, want %s", c.spec, c.after, got.Format(time.RFC3339), c.want)
		}
	}
}

// The local zone of the host never decides.
func TestCronIgnoresTheHostsZone(t *testing.T) {
	old := time.Local
	time.Local = time.FixedZone("elsewhere", 5*3600)
	defer func() { time.Local = old }()
	s, err := ParseCron("0 6 * * *")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []time.Time{at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z").Local()} {
		if got := s.Next(from); !got.Equal(at("2026-01-01T06:00:00Z")) {
			t.Errorf("06:00 after %s came out as %s", from, got)
		}
	}
}

func TestCronRefusesWhatNobodyMeant(t *testing.T) {
	for _, spec := range []string{"", "TZ=UTC", "CRON_TZ=UTC", "@every 0s", "@every 500ms", "@every -1h", "@every", "* * *",
		"*/5 * * * * *", "61 * * * *", "@fortnightly", "CRON_TZ=Nowhere/Town 0 0 * * *", "0 0 31 2 x"} {
		if _, err := ParseCron(spec); err == nil {
			t.Errorf("%q was accepted", spec)
		}
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"*/10 * * * *", "@every 1s", "TZ=UTC", "@hourly", "0 0 1 1 0", "CRON_TZ=Asia/Seoul @daily"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if len(spec) > 200 {
			return
		}
		s, err := ParseCron(spec)
		if err != nil {
			return
		}
		now := at("2026-02-27T23:59:59Z")
		if next := s.Next(now); !next.IsZero() && !next.After(now) {
			t.Errorf("%q: next run %s is not after %s", spec, next, now)
		}
	})
}

// Feeds of one interval spread out, keep their phase over restarts, and never wait longer than the interval.
func TestPhaseSpreadsFeeds(t *testing.T) {
	now := at("2026-11-22T10:00:00Z")
	buckets := make([]int, 15)
	for i := range 600 {
		f := Feed{Name: fmt.Sprintf("feed-%d", i)}
		next := nextPoll(f, now, 0, nil)
		wait := next.Sub(now)
		if wait <= 0 || wait > DefaultEvery {
			t.Fatalf("%s waits %s", f.Name, wait)
		}
		buckets[int(wait.Minutes())%15]++
		if again := nextPoll(f, next, 0, nil); again.Sub(next) != DefaultEvery {
			t.Fatalf("%s: from its slot the next is %s away", f.Name, again.Sub(next))
		}
		if late := nextPoll(f, next.Add(-time.Second), 0, nil); !late.Equal(next) {
			t.Fatalf("%s lost its phase", f.Name)
		}
	}
	for i, n := range buckets { // 40 expected in each minute
		if n < 15 || n > 75 {
			t.Errorf("minute %d has %d of 600 feeds", i, n)
		}
	}
}

func TestFreshnessOnlyStretchesTheDefault(t *testing.T) {
	for _, c := range []struct{ every, fresh, want time.Duration }{
		{0, 0, 15 * time.Minute},
		{0, time.Minute, 15 * time.Minute},
		{0, 40 * time.Minute, 40 * time.Minute},
		{0, 24 * time.Hour, time.Hour},
		{5 * time.Minute, time.Hour, 5 * time.Minute},
		{time.Second, time.Hour, time.Second},
	} {
		if got := interval(Feed{Every: c.every}, c.fresh); got != c.want {
			t.Errorf("every %s, fresh %s: %s, want %s", c.every, c.fresh, got, c.want)
		}
	}
}

// What a feed says of its freshness moves its next slot, and never makes it come sooner than the feed's own rhythm would.
func TestFreshnessKeepsTheRhythm(t *testing.T) {
	now := at("2026-11-22T10:00:00Z")
	for i := range 200 {
		f := Feed{Name: fmt.Sprintf("feed-%d", i)}
		slot := nextPoll(f, now, 0, nil)
		for _, fresh := range []time.Duration{18 * time.Minute, 33 * time.Minute, 48 * time.Minute, time.Hour} {
			next := nextPoll(f, slot, fresh, nil)
			if wait := next.Sub(slot); wait < fresh || wait > fresh+DefaultEvery || next.Sub(slot)%DefaultEvery != 0 {
				t.Fatalf("%s, fresh for %s, is polled after %s", f.Name, fresh, wait)
			}
		}
	}
}

func TestFailuresSlowDownButNeverStop(t *testing.T) {
	now := at("2026-11-22T10:00:00Z")
	f := Feed{Name: "flaky"}
	var last time.Duration
	for n := 1; n <= 60; n++ {
		f.Failures = n
		wait := nextPoll(f, now, 0, &Failure{Verdict: Retry}).Sub(now)
		if wait < last || wait > maxSlow {
			t.Fatalf("after %d failures %s, before %s", n, wait, last)
		}
		last = wait
	}
	if last != maxSlow {
		t.Errorf("slowest is %s", last)
	}
	f.Failures = 1
	if wait := nextPoll(f, now, 0, &Failure{Verdict: Throttled, After: 2 * time.Hour}).Sub(now); wait != 2*time.Hour {
		t.Errorf("Retry-After 2h became %s", wait)
	}
	if wait := nextPoll(f, now, 0, &Failure{Verdict: Throttled, After: 999 * time.Hour}).Sub(now); wait != maxAfter {
		t.Errorf("Retry-After 999h became %s", wait)
	}
	f.Retired = now
	if wait := nextPoll(f, now, 0, nil).Sub(now); wait != goneProbe {
		t.Errorf("a retired feed is probed after %s", wait)
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{First: 30 * time.Second, Factor: 4, Max: 6 * time.Hour, Rand: func() float64 { return 0.5 }}
	var got []string
	for n := 1; n <= 7; n++ {
		got = append(got, b.Pause(n).String())
	}
	if s := strings.Join(got, " "); s != "30s 2m0s 8m0s 32m0s 2h8m0s 6h0m0s 6h0m0s" {
		t.Error(s)
	}
	b.Rand = nil
	for range 100 {
		if p := b.Pause(1).Seconds(); math.Abs(p-30) > 6.01 {
			t.Fatalf("jitter out of bounds: %vs", p)
		}
	}
}

// A permanent redirect is believed after three polls in a row have seen it.
func TestMove(t *testing.T) {
	f := Feed{Name: "f", URL: "http://old/", FeedState: FeedState{Address: "http://old/", NextPoll: time.Now()}}
	now := at("2026-11-22T10:00:00Z")
	see := func(to string) { f.learn(Polled{MovedTo: to, Entries: []Entry{{}}}, nil, now) }
	see("http://new/")
	see("http://new/")
	if f.Address != "http://old/" || f.MovedSeen != 2 {
		t.Fatalf("%+v", f.FeedState)
	}
	see("") // one poll without the redirect starts the count again
	see("http://new/")
	see("http://other/")
	see("http://new/")
	see("http://new/")
	if f.Address != "http://old/" {
		t.Fatal("moved too early")
	}
	before := f.FeedState
	see("http://new/")
	if f.Address != "http://new/" || f.MovedTo != "" {
		t.Fatalf("not moved: %+v", f.FeedState)
	}
	if err := f.remark(before); err == nil || !strings.Contains(err.Error(), "followed to http://new/") {
		t.Errorf("the log says %v", err)
	}
	if err := f.remark(f.FeedState); err != nil {
		t.Errorf("the log says it again: %v", err)
	}
}

// The log says when a feed begins to be broken or empty, not at each poll of it.
func TestRemark(t *testing.T) {
	f := Feed{Name: "f", URL: "u", FeedState: FeedState{Address: "u", Entries: 3}}
	var said []string
	for _, got := range []Polled{{Entries: make([]Entry, 3)}, {}, {}, {Unchanged: true}, {Entries: make([]Entry, 3)}, {Entries: make([]Entry, 2), Partial: fmt.Errorf("cut")}} {
		before := f.FeedState
		f.learn(got, nil, at("2026-11-22T10:00:00Z"))
		said = append(said, fmt.Sprint(f.remark(before)))
	}
	want := []string{"<nil>", "had 3 entries, now none", "<nil>", "<nil>", "<nil>", "broken document, 2 entries saved: cut"}
	if !slices.Equal(said, want) {
		t.Errorf("%q", said)
	}
}

// What a poll teaches: outcomes, validators, health.
func TestLearn(t *testing.T) {
	now := at("2026-11-22T10:00:00Z")
	some := make([]Entry, 3)
	fresh := FeedState{Address: "u", ETag: "e1", LastModified: "l1", Entries: 3, LastOK: now.Add(-time.Hour)}
	failing := fresh
	failing.Failures, failing.Error = 2, "down"
	for _, c := range []struct {
		name    string
		before  FeedState
		got     Polled
		err     error
		outcome string
		check   func(FeedState) bool
	}{
		{"good", fresh, Polled{Entries: some, ETag: "e2"}, nil, "ok", func(s FeedState) bool { return s.ETag == "e2" && s.LastOK.Equal(now) }},
		{"unchanged", fresh, Polled{Unchanged: true}, nil, "unchanged", func(s FeedState) bool { return s.ETag == "e1" && s.LastOK.Equal(now) }},
		{"failed drops validators", fresh, Polled{}, fmt.Errorf("reset"), "failed", func(s FeedState) bool { return s.ETag == "" && s.Failures == 1 && s.Error == "reset" }},
		{"304 after a failure is no health", failing, Polled{Unchanged: true}, nil, "unproven", func(s FeedState) bool { return s.Failures == 2 && s.LastOK.Equal(fresh.LastOK) }},
		{"recovered", failing, Polled{Entries: some, ETag: "e3"}, nil, "ok", func(s FeedState) bool { return s.Failures == 0 && s.Error == "" && s.ETag == "e3" }},
		{"partial keeps no validators", fresh, Polled{Entries: some, ETag: "e4", Partial: fmt.Errorf("cut")}, nil, "partial", func(s FeedState) bool { return s.ETag == "" && strings.Contains(s.Warning, "cut") }},
		{"emptied", fresh, Polled{ETag: "e5"}, nil, "emptied", func(s FeedState) bool {
			return s.ETag == "" && s.Entries == 3 && strings.Contains(s.Warning, "had 3 entries, now none")
		}},
		{"gone", fresh, Polled{}, &Failure{Verdict: Gone, Reason: "status 410"}, "gone", func(s FeedState) bool { return s.Retired.Equal(now) && s.NextPoll.Equal(now.Add(goneProbe)) }},
	} {
		f := Feed{Name: "f", URL: "u", FeedState: c.before}
		if out := f.learn(c.got, c.err, now); out != c.outcome || !c.check(f.FeedState) {
			t.Errorf("%s: %s %+v", c.name, out, f.FeedState)
		}
		if !f.NextPoll.After(now) {
			t.Errorf("%s: next poll %s is not in the future", c.name, f.NextPoll)
		}
	}
}

// Every entry becomes an item: equal dates, any order, repeated or missing guids, no link, dates of tomorrow.
func TestItemsLoseNothing(t *testing.T) {
	now := at("2026-11-22T10:00:00Z")
	day := now.Add(-time.Hour)
	p := &Poller{Canonical: func(u string) string { return u }, Host: hostOf, Baseline: 24 * time.Hour}
	entries := []Entry{
		{GUID: "same", URL: "http://h/1", Published: day}, {GUID: "same", URL: "http://h/2", Published: day},
		{URL: "http://h/3", Published: day}, {Title: "no link, no guid", Published: day}, {Title: "another", Published: day},
		{GUID: "g", URL: "http://h/4"}, {GUID: "old", URL: "http://h/5", Published: now.Add(-48 * time.Hour)},
		{GUID: "tomorrow", URL: "http://h/6", Published: now.Add(20 * time.Hour)}, {GUID: "urn:x:1", URL: "urn:x:1", Published: day},
	}
	items := p.items(Feed{Name: "f"}, entries, now)
	ids := map[string]bool{}
	var quiet []string
	for _, it := range items {
		ids[it.Entry.GUID] = true
		if it.Quiet {
			quiet = append(quiet, it.Entry.GUID)
		}
		if it.Host == NoHost != (it.Entry.URL == "") || strings.HasPrefix(it.Entry.URL, "urn:") {
			t.Errorf("%s would be fetched at %q from %q", it.Entry.GUID, it.Entry.URL, it.Host)
		}
		if it.Entry.Published.After(now) {
			t.Errorf("%s is published in the future", it.Entry.GUID)
		}
	}
	if len(items) != len(entries) || len(ids) != len(entries) {
		t.Errorf("%d entries, %d items, %d identities", len(entries), len(items), len(ids))
	}
	if got := strings.Join(quiet, " "); got != "g old" {
		t.Errorf("baseline keeps quiet about %q", got)
	}
	for _, it := range p.items(Feed{Name: "f", FeedState: FeedState{Baselined: true}}, entries, now) {
		if it.Quiet {
			t.Errorf("%s is quiet after the baseline", it.Entry.GUID)
		}
	}
}

func hostOf(u string) string {
	if strings.HasPrefix(u, "http://") {
		return "h"
	}
	return NoHost
}
