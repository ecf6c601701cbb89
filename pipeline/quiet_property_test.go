package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// errCrash is the end of a process: whatever it was about to do, or had just done, nobody comes to know of it.
var errCrash = errors.New("the process ended")

// crashing is a store whose process ends now and then, before or after what it was to write.
type crashing struct {
	*store.Store
	n *night
}

func (s crashing) at(f func() error) error {
	switch s.n.rand.Intn(60) {
	case 0:
		return errCrash
	case 1:
		return errors.Join(f(), errCrash)
	}
	return f()
}

func (s crashing) BeginDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery) error {
	return s.at(func() error { return s.Store.BeginDelivery(ctx, l, d) })
}

func (s crashing) SaveDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery, c ...pipeline.Condition) error {
	err := s.at(func() error { return s.Store.SaveDelivery(ctx, l, d, c...) })
	if err != nil {
		s.n.crashed[d.UID] = true
	}
	return err
}

func (s crashing) Hold(ctx context.Context, l pipeline.Lease, ds []pipeline.Delivery) error {
	return s.at(func() error { return s.Store.Hold(ctx, l, ds) })
}

func (s crashing) LetGo(ctx context.Context, l pipeline.Lease, now time.Time, stay []pipeline.Delivery, groups [][]pipeline.Delivery) error {
	return s.at(func() error { return s.Store.LetGo(ctx, l, now, stay, groups) })
}

// A night is some days of random alerts, policies, silences, failures and crashes over two channels, on a clock of its own.
type night struct {
	*world
	rand    *rand.Rand
	limit   map[string]int
	policy  map[string]pipeline.Policy // by rule and channel
	hours   map[string][2]int          // the same in hours of UTC, for the test to look at
	crashed map[string]bool            // UIDs whose outcome was lost
	took    map[string][]taken         // by channel
	broken  bool                       // receivers fail now and then
	lost    bool                       // a yes was lost just now
}

// taken is a message that a receiver said yes to.
type taken struct {
	uid, rule, kind string
	delivery        int64
	bundle          pipeline.Bundle
	severity        string
	members         []string
	at              time.Time
	passes          bool
	outside         bool // of the hours that its policy named when it was sent
}

type receiver struct {
	n    *night
	name string
}

func (r receiver) Pace() time.Duration {
	if r.name == "desk" {
		return time.Second
	}
	return 0
}

func (r receiver) DigestItems() int { return 4 }

// Fits has room for two alerts of some rules and for more of others.
func (r receiver) Fits(d pipeline.Delivery) bool {
	size := 0
	for _, x := range d.Alert.Members {
		size += 2 + int(x.Alert.ID%4)
	}
	return size <= receiverRoom
}

const receiverRoom = 12

func (r receiver) Send(ctx context.Context, d pipeline.Delivery) (string, error) {
	n := r.n
	outside := false
	passes := d.Alert.Passes() || d.Bundle == pipeline.ForEscalation
	urgent := d.Alert.About.Severity == pipeline.Critical && n.policy[d.Alert.Rule+" "+r.name].Unless != ""
	if h, ok := n.hours[d.Alert.Rule+" "+r.name]; ok && !passes && !urgent {
		outside = n.now().Hour() < h[0] || n.now().Hour() >= h[1]
	}
	n.add(time.Duration(n.rand.Intn(3000)) * time.Millisecond)
	if n.broken {
		switch n.rand.Intn(12) {
		case 0, 1, 2:
			return "", errDown
		case 3:
			return "", later(time.Duration(n.rand.Intn(60)) * time.Minute)
		case 4:
			return "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "status 400"}
		}
	}
	t := taken{uid: d.UID, rule: d.Alert.Rule, kind: d.Alert.Kind, passes: d.Alert.Passes(), delivery: d.ID, bundle: d.Bundle, severity: d.Alert.About.Severity, at: n.now(), outside: outside}
	if len(d.Alert.Members) > 0 && !r.Fits(d) {
		n.Errorf("%s got a digest of %d that it has no room for", r.name, len(d.Alert.Members))
	}
	for _, m := range d.Alert.Members {
		t.members = append(t.members, m.UID)
	}
	n.took[r.name] = append(n.took[r.name], t)
	if n.broken && n.rand.Intn(8) == 0 { // its yes is lost on the way
		n.crashed[d.UID], n.lost = true, true
		return "", errDown
	}
	return "", nil
}

// change makes another configuration.
func (n *night) change() {
	cron := func(spec string) pipeline.Policy {
		s, err := pipeline.ParseCron(spec)
		n.ok(err)
		return pipeline.Policy{Digest: s}
	}
	for _, ch := range []string{"desk", "phone"} {
		for _, rule := range []string{"", "a", "b", "c", "crit"} {
			p := pipeline.Policy{}
			if n.rand.Intn(3) == 0 {
				p = cron([]string{"0 8,17 * * *", "30 * * * *", "0 3 * * mon-fri"}[n.rand.Intn(3)])
			}
			key := rule + " " + ch
			if delete(n.hours, key); n.rand.Intn(3) == 0 {
				from := n.rand.Intn(16)
				n.hours[key] = [2]int{from, from + 1 + n.rand.Intn(23-from)}
				var days [7]bool
				for i := range days {
					days[i] = true
				}
				p.Hours = []pipeline.Hours{{Days: days, From: time.Duration(n.hours[key][0]) * time.Hour, To: time.Duration(n.hours[key][1]) * time.Hour, Zone: time.UTC}}
			}
			if n.rand.Intn(3) == 0 {
				p.Group = time.Duration(1+n.rand.Intn(30)) * time.Minute
			}
			if n.rand.Intn(2) == 0 {
				p.Unless = pipeline.Critical
			}
			p.Limit, p.Own = n.limit[ch], rule != "" && rule != "a"
			if rule == "a" { // says nothing itself
				n.hours[key] = n.hours[" "+ch]
				if n.hours[key] == [2]int{} {
					delete(n.hours, key)
				}
				p = n.policy[" "+ch]
			}
			n.policy[key] = p
		}
	}
	_, err := n.store.Reconsider(n.Context())
	n.ok(err)
}

// restart is a new process over the same store.
func (n *night) restart() {
	n.deliver = &pipeline.Deliverer{Store: crashing{n.store, n}, MaxAge: 72 * time.Hour, Now: n.now, Report: func(pipeline.Event, error) {},
		Channel: func(name string) (pipeline.Channel, bool) { return receiver{n, name}, true },
		Policy:  func(rule, channel string) pipeline.Policy { return n.policy[rule+" "+channel] }, HealthGroup: 2 * time.Minute,
		Holds:   func(query string, a *pipeline.Article) bool { return a.Title == query },
		Backoff: pipeline.Backoff{First: time.Second, Factor: 2, Max: 5 * time.Minute, Rand: func() float64 { return .5 }},
		Sleep: func(ctx context.Context, d time.Duration) error {
			n.add(max(d, 0))
			return ctx.Err()
		}}
}

// work does what is due, as often as processes end over it.
func (n *night) work() {
	n.Helper()
	for {
		due, err := n.deliver.Due(n.Context())
		n.ok(err)
		if len(due) == 0 {
			return
		}
		for _, ch := range due {
			n.owner++
			l, ok, err := n.store.Acquire(n.Context(), "deliver", ch, fmt.Sprint("owner", n.owner), n.now(), n.now().Add(24*time.Hour))
			if err != nil || !ok {
				n.Fatal(ok, err)
			}
			if _, err := n.deliver.Run(n.Context(), l); errors.Is(err, errCrash) {
				n.restart()
			} else if err != nil {
				n.Fatal(err)
			}
			n.ok(n.store.Release(n.Context(), l))
		}
	}
}

// raiseSome raises an alert of a random rule, for one channel or both.
func (n *night) raiseSome(i int) {
	rule := []string{"a", "a", "a", "b", "c", "c", "crit"}[n.rand.Intn(7)]
	al := pipeline.Alert{Rule: rule, Subject: fmt.Sprint("test:", i), Kind: pipeline.KindMatch, Created: n.now(),
		Article: pipeline.Article{Title: strconv.Itoa(n.rand.Intn(20)), Site: "paper.example"}}
	to := []string{"desk", "phone"}[:1+n.rand.Intn(2)]
	switch {
	case rule == "crit":
		al.About.Severity = pipeline.Critical
		to, al.Escalate = []string{"desk"}, pipeline.Escalation{To: "phone", After: time.Duration(1+n.rand.Intn(60)) * time.Minute}
	case n.rand.Intn(20) == 0:
		al.Kind = pipeline.KindHealth
	}
	_, err := n.store.Raise(n.Context(), al, to)
	n.ok(err)
}

// What is kept quiet is lost by nothing: every alert is sent alone or in a digest, or is listed as silenced, dead or acknowledged, one of
// them; a repetition has the same id and says the same; a channel takes no more than its limit in any hour, and nothing outside its
// hours; and what was never held goes out in the order of commit.
//
// WIREWATCH_QUIET_SEEDS sets how many nights there are, WIREWATCH_QUIET_SEED which is the first.
func TestQuiet(t *testing.T) {
	seeds := 3
	if s := os.Getenv("WIREWATCH_QUIET_SEEDS"); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	first := time.Now().UnixNano()
	if s := os.Getenv("WIREWATCH_QUIET_SEED"); s != "" {
		var err error
		if first, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for i := range seeds {
		seed := first + int64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { aNight(t, seed) })
	}
}

func aNight(t *testing.T, seed int64) {
	n := &night{world: newWorld(t, databases[0].dsn(t)), rand: rand.New(rand.NewSource(seed)), limit: map[string]int{}, policy: map[string]pipeline.Policy{},
		hours: map[string][2]int{}, crashed: map[string]bool{}, took: map[string][]taken{}, broken: true}
	n.limit["desk"], n.limit["phone"] = 1+n.rand.Intn(5), n.rand.Intn(6)
	n.change()
	n.restart()
	ctx := t.Context()
	for i := range 120 {
		n.add(time.Duration(n.rand.Intn(40*60*1000)) * time.Millisecond)
		for range n.rand.Intn(4) {
			n.raiseSome(i*10 + n.rand.Intn(10))
		}
		switch n.rand.Intn(24) {
		case 0:
			n.change()
		case 1:
			_, err := n.store.AddSilence(ctx, pipeline.Silence{Rule: []string{"a", "b", "crit"}[n.rand.Intn(3)], Until: n.now().Add(time.Duration(1+n.rand.Intn(300)) * time.Minute)})
			n.ok(err)
		case 2:
			_, err := n.store.AddSilence(ctx, pipeline.Silence{Query: strconv.Itoa(n.rand.Intn(20)), Until: n.now().Add(time.Hour)})
			n.ok(err)
		case 3:
			ds, err := n.store.Deliveries(ctx, store.DeliveryFilter{Channel: "desk", Limit: 30})
			n.ok(err)
			for _, d := range ds {
				if d.Alert.Rule == "crit" {
					_, err := n.store.Acknowledge(ctx, d.ID, "", "someone")
					n.ok(err)
				}
			}
		case 4:
			n.broken = !n.broken
		case 5:
			n.restart()
		}
		n.work()
		if n.lost && n.rand.Intn(2) == 0 { // when it is tried again, it may be night, or another configuration holds
			n.add(time.Duration(n.rand.Intn(10)) * time.Hour)
			n.change()
		}
		n.lost = false
	}
	n.broken = false
	for day := range 90 {
		if day > 8 && !n.waiting() { // a week, so that the rarest digest comes
			break
		}
		for range 24 { // a message an hour, where there is one hour a day to send, takes weeks to catch up
			n.add(time.Hour)
			n.work()
		}
	}
	n.judgeNight()
}

// waiting reports whether anything is still to go out.
func (n *night) waiting() bool {
	for _, state := range []pipeline.DeliveryState{pipeline.DeliveryOpen, pipeline.DeliveryHeld} {
		ds, err := n.store.Deliveries(n.Context(), store.DeliveryFilter{State: state, Limit: 1})
		n.ok(err)
		if len(ds) > 0 {
			return true
		}
	}
	return false
}

func (n *night) judgeNight() {
	all, err := n.store.Deliveries(n.Context(), store.DeliveryFilter{Limit: 100_000})
	n.ok(err)
	slices.Reverse(all)
	alone, inside := map[string]int{}, map[string][]string{} // UIDs taken; of members the digests that said them
	said := map[string]string{}
	sent := map[string]bool{}
	for _, d := range all {
		sent[d.UID] = d.State == pipeline.DeliverySent
	}
	for ch, ts := range n.took {
		last := map[string]time.Time{}
		for _, x := range ts {
			if was, ok := said[x.uid]; ok && (was != fmt.Sprint(x.members) || !n.crashed[x.uid]) {
				n.Errorf("%s came twice: %s, then %s", x.uid, was, x.members)
			}
			said[x.uid] = fmt.Sprint(x.members)
			alone[x.uid]++
			for _, m := range x.members {
				if !slices.Contains(inside[m], x.uid) {
					inside[m] = append(inside[m], x.uid)
				}
			}
			last[x.uid] = x.at
			if x.outside {
				n.Errorf("%s took %s (rule %q, bundle %q) at %s, outside of its hours", ch, x.uid, x.rule, x.bundle, x.at)
			}
			if len(x.members) == 1 {
				n.Errorf("a digest of one")
			}
		}
		var counted []time.Time
		for _, x := range ts {
			if !x.passes && x.severity != pipeline.Critical && sent[x.uid] && last[x.uid].Equal(x.at) { // one whose yes was lost is not known to have been sent
				counted = append(counted, x.at)
			}
		}
		slices.SortFunc(counted, time.Time.Compare)
		if most := n.limit[ch]; most > 0 {
			for i := most; i < len(counted); i++ {
				if gap := counted[i].Sub(counted[i-most]); gap < time.Hour {
					n.Errorf("%s took %d messages within %s", ch, most+1, gap)
				}
			}
		}
	}
	sums := map[pipeline.DeliveryState]int{}
	order := map[string][]int64{}
	digests := map[int64]pipeline.Delivery{}
	for _, d := range all {
		digests[d.ID] = d
	}
	for _, d := range all {
		sums[d.State]++
		ways := min(alone[d.UID], 1) + len(inside[d.UID])
		switch d.State {
		case pipeline.DeliverySent:
			if ways != 1 {
				n.Errorf("delivery %d (%s) is sent and was told %d ways: alone %d, in %v", d.ID, d.UID, ways, alone[d.UID], inside[d.UID])
			}
			if d.Digest != 0 && digests[d.Digest].State != pipeline.DeliverySent {
				n.Errorf("delivery %d is sent, its digest is %s", d.ID, digests[d.Digest].State)
			}
		case pipeline.DeliveryDead, pipeline.DeliverySilenced, pipeline.DeliveryAcked:
			if ways > 0 && !n.crashed[d.UID] {
				n.Errorf("delivery %d is %s and was told", d.ID, d.State)
			}
		case pipeline.DeliveryGathered:
			if digests[d.Digest].State != pipeline.DeliveryDead {
				n.Errorf("delivery %d is gathered in %d, which is %s", d.ID, d.Digest, digests[d.Digest].State)
			}
		default:
			n.Errorf("delivery %d is %s (%s, due %s) when all is over", d.ID, d.State, d.Bundle, d.Due)
		}
	}
	for ch, ts := range n.took {
		seen := map[string]bool{}
		for _, x := range ts {
			if d := digests[x.delivery]; d.Bundle == "" && d.Alert.Kind != pipeline.KindDigest && !seen[x.uid] {
				order[ch] = append(order[ch], x.delivery)
			}
			seen[x.uid] = true
		}
		if !slices.IsSorted(order[ch]) {
			n.Errorf("%s took what was not held in the order %v", ch, order[ch])
		}
	}
	n.Logf("%v; %d and %d messages, of which %d were not held; outcomes lost: %d", sums, len(n.took["desk"]), len(n.took["phone"]), len(order["desk"])+len(order["phone"]), len(n.crashed))
	if kinds := slices.Sorted(maps.Keys(sums)); len(kinds) < 3 {
		n.Errorf("a night of nothing but %v tries nothing", kinds)
	}
}
