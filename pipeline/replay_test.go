package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What a replay tells, how it meets what is told live, and how it comes last.
func TestReplay(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			oneByOne(t, db.name)
			t.Parallel()
			for _, c := range []struct {
				name string
				f    func(*world)
			}{
				{"told live before", replayAfterLive}, {"quiet, then live, then replayed", replayAfterQuiet}, {"replayed, then live", liveAfterReplay},
				{"replayed to others, then live", liveAfterOthers}, {"still in line, then live", liveFromLine}, {"taken out of what was told", replaySplit},
				{"once per", replayOncePer}, {"who is told of nothing", replayNobody}, {"silences and hours", replayQuiet}, {"the limit", replayLimit},
				{"in order, behind live alerts", replayLast}, {"failing stalls nothing live", replayFails}, {"as a digest", replayDigest},
				{"killed in the middle", replayKilled}, {"at most so many", replaySome}, {"of what a backfill stored", replayBackfilled},
			} {
				t.Run(c.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.rule("arms missile")
					w.channels["desk"], w.channels["mail"] = &channel{}, &channel{}
					c.f(w)
				})
			}
		})
	}
}

// archive stores an article that was published a while ago, quietly, as a backfill does.
func (w *world) archive(site, path, body string, ago time.Duration) (article, story int64) {
	w.Helper()
	u := "http://" + site + ".example/" + path
	w.pages[u] = answer{title: "News of " + path, body: body}
	e := w.entry(u, "News of "+path, "")
	e.Published = w.now().Add(-ago)
	w.sync(site)
	w.feeds[site] = polled{got: pipeline.Polled{Entries: []pipeline.Entry{e}}}
	w.want("listed", w.walk(&listed{name: site, finds: []pipeline.Find{{Entry: e}}}, pipeline.Range{}).Added, 1)
	w.feeds[site] = polled{} // its feed lists it no more
	w.want("stored", w.run(w.process), 1)
	w.want("joined", w.run(w.joiner()), 1)
	as := w.articles()
	return as[len(as)-1].ID, as[len(as)-1].Story
}

// replay tells of the past, and says what it told: "told/known/nobody channel:messages …".
func (w *world) replay(how func(*pipeline.Replay)) string {
	w.Helper()
	r := &pipeline.Replay{Store: w.store, Now: w.now, Rule: func(name string) (pipeline.Match, bool) { return w.matchOf(name), true }}
	if how != nil {
		how(r)
	}
	w.run(r)
	return said(r)
}

func said(r *pipeline.Replay) string {
	out := fmt.Sprintf("%d/%d/%d", r.Told, r.Known, r.Nobody)
	for _, ch := range []string{"desk", "mail"} {
		if n := r.Messages[ch]; n > 0 {
			out += fmt.Sprintf(" %s:%d", ch, n)
		}
	}
	return out
}

// heard are the titles that a channel took, those of the archive in parentheses, those of a digest in brackets.
func (w *world) heard(name string) string {
	w.Helper()
	w.run(w.deliver)
	var one func(d pipeline.Delivery) string
	one = func(d pipeline.Delivery) string {
		s := strings.TrimPrefix(d.Alert.Article.Title, "News of ")
		if d.Alert.Kind == pipeline.KindDigest {
			var in []string
			for _, m := range d.Alert.Members {
				in = append(in, one(m))
			}
			s = fmt.Sprint(in)
		}
		if d.Archived {
			s = "(" + s + ")"
		}
		return s
	}
	var out []string
	for _, d := range w.channels[name].whole {
		out = append(out, one(d))
	}
	return strings.Join(out, " ")
}

func missiles(seed int64) string { return "A missile flew. " + prose(seed, 120) }

func toMail(r *pipeline.Replay) { r.Channels = []string{"mail"} }
func dry(r *pipeline.Replay)    { r.DryRun = true }

func replayAfterLive(w *world) {
	w.publish("a", "one", missiles(1))
	w.want("told live", w.heard("desk"), "one")
	w.archive("b", "copy", missiles(1), time.Hour)
	w.want("of the story, by either article", w.replay(nil), "0/2/0")
	w.want("to another channel", w.replay(toMail), "1/1/0 mail:1")
	w.want("again", w.replay(toMail), "0/2/0")
	w.want("desk", w.heard("desk"), "one")
	w.want("mail", w.heard("mail"), "(one)")
}

func replayAfterQuiet(w *world) {
	w.archive("a", "one", missiles(1), time.Hour)
	w.want("quiet", w.heard("desk"), "")
	w.publish("b", "copy", missiles(1))
	w.want("live", w.heard("desk"), "copy")
	w.want("replay", w.replay(nil), "0/2/0")
	w.want("desk", w.heard("desk"), "copy")
}

func liveAfterReplay(w *world) {
	w.archive("a", "one", missiles(1), time.Hour)
	w.want("dry", w.replay(dry), "1/0/0 desk:1")
	w.want("replay", w.replay(nil), "1/0/0 desk:1")
	w.want("sent", w.heard("desk"), "(one)")
	w.publish("b", "copy", missiles(1))
	w.publish("c", "copy-2", missiles(1))
	w.want("replay", w.replay(nil), "0/3/0")
	w.want("desk", w.heard("desk"), "(one)")
}

func liveAfterOthers(w *world) {
	w.archive("a", "one", missiles(1), time.Hour)
	w.want("replay", w.replay(toMail), "1/0/0 mail:1")
	w.want("mail", w.heard("mail"), "(one)")
	w.publish("b", "copy", missiles(1))
	w.want("the desk is told live", w.heard("desk"), "one")
	w.publish("c", "copy-2", missiles(1))
	w.want("once", w.heard("desk"), "one")
	w.want("mail", w.heard("mail"), "(one)")

	// What was told live stays told: a channel that the rule has since is not told of old stories by new copies.
	w.routes["arms"] = []string{"desk", "later"}
	w.publish("d", "copy-3", missiles(1))
	w.want("told", len(w.alerts()), 2)
}

func liveFromLine(w *world) {
	for i := range 3 {
		w.archive("a", fmt.Sprint("old", i), missiles(int64(10+i)), time.Duration(9-i)*time.Hour)
	}
	w.want("replay", w.replay(nil), "3/0/0 desk:3")
	w.publish("b", "copy", missiles(12))
	w.want("desk", w.heard("desk"), "old2 (old0) (old1)")
}

func replaySplit(w *world) {
	a, one := w.publish("a", "one", missiles(1))
	w.archive("b", "copy", missiles(1), time.Hour)
	_, err := w.store.SplitStory(w.Context(), one, a)
	w.ok(err)
	w.want("the part that stayed has no alert of its own article, the other counts as told", w.replay(nil), "0/2/0")
	w.want("desk", w.heard("desk"), "one")
}

func replayOncePer(w *world) {
	w.rule("article missile", "story missile", "event missile")
	w.once = map[string]pipeline.OncePer{"article": pipeline.PerArticle, "event": pipeline.PerEvent}
	w.archive("a", "one", missiles(1), 9*time.Hour)
	w.archive("b", "one-copy", missiles(1), 8*time.Hour)
	_, other := w.archive("c", "two", missiles(2), 7*time.Hour)
	ms, err := w.store.PastMatches(w.Context(), pipeline.PastFilter{Rules: []string{"event"}}, pipeline.PastPlace{}, 1)
	w.ok(err)
	l, _, err := w.store.Acquire(w.Context(), "test", "events", "me", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error { return tx.MergeEvents(other, ms[0].Article.Story) }))
	for rule, want := range map[string]string{"article": "3/0/0 desk:3", "story": "2/1/0 desk:2", "event": "1/2/0 desk:1"} {
		of := func(r *pipeline.Replay) { r.Rules = []string{rule} }
		w.want(rule+" dry", w.replay(func(r *pipeline.Replay) { of(r); dry(r) }), want)
		w.want(rule, w.replay(of), want)
		w.want(rule+" again", w.replay(of), "0/3/0")
	}
}

func replayNobody(w *world) {
	w.rule("arms missile", "many missile")
	w.when = map[string]*pipeline.When{"many": {Of: pipeline.CountStory, By: pipeline.CountSources, N: 2, Within: time.Hour}}
	w.archive("a", "one", missiles(1), time.Hour)
	w.silent = map[string]bool{"arms": true}
	w.want("expired, and one that counts", w.replay(nil), "0/0/2")
	w.silent = nil
	slight := func(r *pipeline.Replay) {
		r.Channels = []string{"desk", "mail"}
		r.Takes = func(_, ch string) bool { return ch == "mail" }
	}
	w.want("too slight for the desk", w.replay(slight), "1/0/1 mail:1")
	w.want("no rule of that name any more", w.replay(func(r *pipeline.Replay) {
		r.Rule = func(string) (pipeline.Match, bool) { return pipeline.Match{}, false }
		r.Channels = []string{"desk"}
	}), "0/0/2")
	w.want("outside the range", w.replay(func(r *pipeline.Replay) { r.Until = w.now().Add(-2 * time.Hour) }), "0/0/0")
	w.want("another site", w.replay(func(r *pipeline.Replay) { r.Sites = []string{"b.example"} }), "0/0/0")
	w.want("the site", w.replay(func(r *pipeline.Replay) { r.Sites = []string{"example"}; r.Since = w.now().Add(-2 * time.Hour) }), "1/0/1 desk:1")
}

func replayQuiet(w *world) {
	w.about = map[string]pipeline.About{"arms": {Severity: "critical"}}
	for i := range 3 {
		w.archive("a", fmt.Sprint("old", i), missiles(int64(10+i)), time.Duration(9-i)*time.Hour)
	}
	shut := pipeline.Hours{From: 14 * time.Hour, To: 18 * time.Hour, Zone: time.UTC} // it is ten
	for d := range shut.Days {
		shut.Days[d] = true
	}
	digest, err := pipeline.ParseCron("0 3 * * *")
	w.ok(err)
	w.deliver.Policy = func(string, string) pipeline.Policy {
		return pipeline.Policy{Hours: []pipeline.Hours{shut}, Unless: "critical", Digest: digest, Group: time.Minute}
	}
	_, err = w.store.AddSilence(w.Context(), pipeline.Silence{Site: "a.example", Query: "", Story: w.articles()[1].Story, Created: w.now(), Until: w.now().Add(24 * time.Hour)})
	w.ok(err)
	w.want("replay", w.replay(nil), "3/0/0 desk:3")
	w.want("outside the hours", w.heard("desk"), "")
	w.add(5 * time.Hour)
	w.want("within them, but for what is silenced", w.heard("desk"), "(old0) (old2)")
	w.want("states", w.lineStates(), "sent silenced sent")
	w.want("again", w.replay(nil), "0/3/0")
}

// lineStates are the states of all deliveries, the oldest first.
func (w *world) lineStates() string {
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{Limit: 1000})
	w.ok(err)
	var out []string
	for _, d := range slices.Backward(ds) {
		out = append(out, string(d.State))
	}
	return strings.Join(out, " ")
}

// Replays wait for the hour's limit, and live alerts do not wait for what replays took of it.
func replayLimit(w *world) {
	w.deliver.Policy = func(string, string) pipeline.Policy { return pipeline.Policy{Limit: 2} }
	for i := range 4 {
		w.archive("a", fmt.Sprint("old", i), missiles(int64(10+i)), time.Duration(9-i)*time.Hour)
	}
	w.publish("b", "new0", missiles(20))
	w.replay(nil)
	w.want("one live, one old", w.heard("desk"), "new0 (old0)")
	w.publish("b", "new1", missiles(21))
	w.want("another live one", w.heard("desk"), "new0 (old0) new1")
	w.add(61 * time.Minute)
	w.want("an hour later", w.heard("desk"), "new0 (old0) new1 (old1) (old2)")
}

// The past goes out in the order of its publication, whatever the order in which it was stored, and a live alert waits for one of it.
func replayLast(w *world) {
	for i, ago := range []time.Duration{3, 1, 4, 2} {
		w.archive("a", fmt.Sprint("ago", int(ago)), missiles(int64(10+i)), ago*time.Hour)
	}
	desk := w.channels["desk"]
	desk.pace = time.Second
	desk.do = func(_ context.Context, d pipeline.Delivery) {
		if d.Alert.Article.Title == "News of ago3" {
			desk.do = nil
			w.publish("b", "live1", missiles(20))
			w.publish("b", "live2", missiles(21))
		}
	}
	w.want("replay", w.replay(nil), "4/0/0 desk:4")
	w.want("desk", w.heard("desk"), "(ago4) (ago3) live1 live2 (ago2) (ago1)")
}

func replayFails(w *world) {
	for i := range 2 {
		w.archive("a", fmt.Sprint("old", i), missiles(int64(10+i)), time.Duration(9-i)*time.Hour)
	}
	desk := w.channels["desk"]
	desk.next = []error{errors.New("not now"), nil, errors.New("nor now")}
	w.replay(nil)
	w.want("it fails, and those behind it wait", w.heard("desk"), "")
	w.publish("b", "live", missiles(20))
	w.want("what is live does not", w.heard("desk"), "live")
	w.add(time.Minute)
	w.want("it fails again", w.heard("desk"), "live")
	w.add(time.Minute)
	w.want("desk", w.heard("desk"), "live (old0) (old1)")
	w.want("with its id", line(desk.tries[0] == desk.tries[2], desk.tries[2] == desk.tries[3]), "true true")

	desk.next = []error{&pipeline.Failure{Verdict: pipeline.Final, Reason: "refused", Err: errors.New("no")}}
	w.archive("a", "old2", missiles(30), time.Hour)
	w.archive("a", "old3", missiles(31), time.Minute)
	w.replay(nil)
	w.want("one that is refused is dead", w.heard("desk"), "live (old0) (old1) (old3)")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{State: pipeline.DeliveryDead})
	w.ok(err)
	_, err = w.store.RetryDeliveries(w.Context(), ds[0].ID)
	w.ok(err)
	w.want("sent again by hand, it still says what it is", w.heard("desk"), "live (old0) (old1) (old3) (old2)")
}

func replayDigest(w *world) {
	for i := range 17 {
		w.archive("a", fmt.Sprint(i), missiles(int64(100+i)), time.Duration(30-i)*time.Hour)
	}
	desk := w.channels["desk"]
	desk.do = func(_ context.Context, d pipeline.Delivery) {
		if d.Alert.Kind == pipeline.KindDigest {
			desk.do = nil
			w.publish("b", "live", missiles(20))
		}
	}
	w.want("replay", w.replay(func(r *pipeline.Replay) { r.Digest = true; r.Channels = []string{"desk", "mail"} }), "17/0/0 desk:17 mail:17")
	w.want("again", w.replay(func(r *pipeline.Replay) { r.Digest = true; r.Channels = []string{"desk", "mail"} }), "0/17/0")
	w.want("desk", w.heard("desk"), "([(0) (1) (2) (3) (4) (5) (6) (7) (8) (9) (10) (11) (12) (13) (14)]) live ([(15) (16)])")
	w.want("mail is one that is small", len(w.channels["mail"].whole), 2)
	w.want("states", strings.Count(w.lineStates(), "sent"), 17*2+2*2+1)
}

// failing is a store whose nth Write fails.
type failing struct {
	*store.Store
	left int
}

func (f *failing) Write(ctx context.Context, l pipeline.Lease, do func(pipeline.Tx) error) error {
	if f.left--; f.left < 0 {
		return errors.New("killed")
	}
	return f.Store.Write(ctx, l, do)
}

// A replay that ends in the middle goes on when it is run again: each story is told once, and a digest is one.
func replayKilled(w *world) {
	var finds []pipeline.Find
	for i := range 60 {
		u := fmt.Sprintf("http://a.example/%d", i)
		w.pages[u] = answer{title: fmt.Sprint("News of ", i), body: missiles(int64(1000 + i))}
		e := w.entry(u, fmt.Sprint("News of ", i), "")
		e.Published = w.now().Add(time.Duration(i-100) * time.Hour)
		finds = append(finds, pipeline.Find{Entry: e})
	}
	w.sync("a")
	w.walk(&listed{name: "a", finds: finds}, pipeline.Range{})
	w.want("stored", w.run(w.process), 60)
	w.run(w.joiner())
	r := &pipeline.Replay{Store: &failing{w.store, 1}, Now: w.now, Rule: func(name string) (pipeline.Match, bool) { return w.matchOf(name), true }}
	for _, digest := range []bool{false, true} {
		r.Store, r.Digest = &failing{w.store, 1}, digest
		if digest {
			r.Channels = []string{"mail"}
			w.channels["mail"] = &channel{}
		}
		if _, err := w.try(r); err == nil || !strings.Contains(err.Error(), "killed") {
			w.Fatalf("%v", err)
		}
		ch := map[bool]string{false: "desk", true: "mail"}[digest]
		w.want("the first batch", said(r), "50/0/0 "+ch+":50")
		early := w.heard(ch)
		r.Store = w.store
		w.run(r)
		w.want("the rest", said(r), "10/50/0 "+ch+":10")
		all := w.heard(ch)
		if digest {
			w.want("nothing is gathered before all is there", early, "")
			w.want("digests", len(w.channels[ch].whole), 4) // of 15
		} else {
			w.want("messages", len(w.channels[ch].whole), 60)
			w.want("in order", strings.HasPrefix(all, early) && strings.HasSuffix(all, "(58) (59)"), true)
		}
	}
}

func replaySome(w *world) {
	for i := range 4 {
		w.archive("a", fmt.Sprint("old", i), missiles(int64(10+i)), time.Duration(9-i)*time.Hour)
	}
	some := func(r *pipeline.Replay) { r.Limit = 3 }
	w.want("dry", w.replay(func(r *pipeline.Replay) { some(r); dry(r) }), "3/0/0 desk:3")
	w.want("three", w.replay(some), "3/0/0 desk:3")
	w.want("the earliest", w.heard("desk"), "(old0) (old1) (old2)")
	w.want("the rest", w.replay(some), "1/3/0 desk:1")
}

// What a backfill stored is told by itself: not what was seen live, and not what has no story yet, of which it cannot be said yet whether it
// was told.
func replayBackfilled(w *world) {
	only := func(r *pipeline.Replay) { r.Backfilled, r.Channels = true, []string{"mail"} }
	w.publish("a", "live", missiles(1))
	w.want("live alone", w.replay(only), "0/0/0")
	w.archive("b", "old", missiles(2), 9*time.Hour)
	waits := w.had("http://c.example/waits", "News of waits", missiles(3), w.now().Add(-10*time.Hour))
	copied := w.had("http://c.example/copy", "News of copy", missiles(1), w.now().Add(-8*time.Hour))
	w.want("found", w.walk(&listed{name: "past", finds: []pipeline.Find{waits, copied}}, wholeRange).Added, 2)
	w.want("dry", w.replay(func(r *pipeline.Replay) { only(r); dry(r) }), "1/0/0 mail:1")
	w.want("what has a story", w.replay(only), "1/0/0 mail:1")
	w.want("mail", w.heard("mail"), "(old)")
	w.want("all of it", w.replay(toMail), "1/1/0 mail:1") // the live one has its story
	w.run(w.joiner())
	w.want("joined", w.replay(only), "1/2/0 mail:1") // the copy is of a story that was told
	w.want("mail", w.heard("mail"), "(old) (live) (waits)")
	w.want("desk", w.heard("desk"), "live")
	w.want("to the rule's channels", w.replay(func(r *pipeline.Replay) { r.Backfilled = true }), "2/1/0 desk:2")
	w.want("desk", w.heard("desk"), "live (waits) (old)")
}
