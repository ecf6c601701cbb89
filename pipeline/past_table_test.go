package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// A step of a case does one thing, and says what channels hear by it.
type step struct {
	what string
	do   func(*world)
	told string // "channel title" each; of the archive "channel (title)"
}

// A story and its backfilled copies: what is told, to whom, after which step. The rule arms tells the desk.
func TestPastTable(t *testing.T) {
	one := missiles(1)
	common, ofA, ofB := prose(1, 60), "A missile flew. "+prose(2, 140), "A missile fell. "+prose(3, 140)
	for _, c := range []struct {
		name  string
		set   func(*world)
		steps []step
		ends  string // the articles as places gives them; "": not asked
	}{
		{"live, then backfilled", nil, []step{
			live("a", "one", one, "desk one"), past("b", "copy", one, ""), joins(""), live("c", "copy-2", one, ""),
		}, "one:1 copy:1 copy-2:1"},
		{"live, then backfilled under the same address", nil, []step{
			live("a", "one", one, "desk one"), past("a", "one", one, ""), joins(""),
		}, "one:1"},
		{"backfilled, then live", nil, []step{
			past("b", "copy", one, ""), joins(""), live("a", "one", one, "desk one"), live("c", "copy-2", one, ""),
		}, "copy:1 one:1 copy-2:1"},
		{"backfilled, then polled under the same address", nil, []step{
			past("a", "one", one, ""), joins(""), live("a", "one", one, "desk one"), live("b", "copy", one, ""),
		}, "one:1 copy:1"},
		{"not joined, then polled under the same address", nil, []step{
			past("a", "one", one, ""), live("a", "one", one, "desk one"), joins(""),
		}, "one:1"},
		{"not joined, then live elsewhere", nil, []step{
			past("b", "copy", one, ""), live("a", "one", one, "desk one"), joins(""), live("c", "copy-2", one, ""),
		}, "copy:1 one:1 copy-2:1"},
		{"live, then sent", nil, []step{
			live("a", "one", one, "desk one"), past("b", "copy", one, ""), joins(""), sends("", "arms"), sends("mail (one)", "arms", "desk", "mail"), sends("", "arms", "desk", "mail"),
		}, ""},
		{"live alone, then sent", nil, []step{ // a backfill tells of what it stored
			live("a", "one", one, "desk one"), sends("", "arms", "desk", "mail"),
		}, ""},
		{"sent, then live", nil, []step{
			past("b", "copy", one, ""), joins(""), sends("desk (copy)", "arms"), live("a", "one", one, ""), sends("", "arms"),
		}, ""},
		{"sent to another channel, then live", nil, []step{
			past("b", "copy", one, ""), joins(""), sends("mail (copy)", "arms", "mail"), live("a", "one", one, "desk copy"), live("c", "copy-2", one, ""),
		}, ""},
		{"sent before it is joined", nil, []step{
			past("b", "copy", one, ""), sends("", "arms"), joins(""), sends("desk (copy)", "arms"),
		}, ""},
		{"two live stories that a backfilled article shows to be one", nil, []step{
			live("a", "one", common+"\n\n"+ofA, "desk one"), live("b", "two", common+"\n\n"+ofB, "desk two"),
			past("c", "both", common+"\n\n"+ofA+"\n\n"+ofB, ""), joins(""), sends("", "arms"), live("d", "copy", common+"\n\n"+ofA, ""),
		}, "one:1 two:1 both:1 copy:1"},
		{"once per article", per(pipeline.PerArticle), []step{
			past("b", "copy", one, ""), joins(""), live("a", "one", one, "desk one"), sends("desk (copy)", "arms"), live("c", "copy-2", one, "desk copy-2"), sends("", "arms"),
		}, ""},
		{"once per event", per(pipeline.PerEvent), []step{
			past("b", "old", one, ""), joins(""), live("a", "new", missiles(2), "desk new"), mergeEvents, sends("", "arms"), live("c", "copy", one, ""),
		}, "old:1 new:2 copy:1"},
		{"an older capture", func(w *world) { w.updates = map[string]bool{"arms": true} }, []step{
			live("a", "one", one+" It missed.", "desk one"), past("a", "one", one, ""), joins(""), sends("", "arms"), again("a", "one", one+" It missed.", ""),
			again("a", "one", one+" It hit a barn.", "desk one"),
		}, "one:1 one:1 one:1"},
		{"an older capture in which alone the rule matched", nil, []step{
			live("a", "one", prose(1, 120), ""), past("a", "one", "A missile. "+prose(1, 120), ""), joins(""), again("a", "one", prose(1, 120), ""), sends("desk (one)", "arms"),
		}, ""},
		{"counted", manySites(3), []step{
			past("a", "one", one, ""), past("b", "copy", one, ""), joins(""), sends("", "arms"), live("c", "copy-2", one, "desk copy-2"), live("d", "copy-3", one, ""),
		}, ""},
		{"counted, and the past makes it pass", manySites(2), []step{
			live("a", "one", one, ""), past("b", "copy", one, ""), joins(""), live("c", "copy-2", one, "desk copy-2"), past("d", "copy-3", one, ""), joins(""),
		}, ""},
		{"expired", func(w *world) { w.silent = map[string]bool{"arms": true} }, []step{
			past("b", "copy", one, ""), joins(""), sends("", "arms"), live("a", "one", one, ""),
		}, ""},
		{"expired before it is live again", nil, []step{
			past("b", "copy", one, ""), joins(""),
			{"expire", func(w *world) { w.silent = map[string]bool{"arms": true} }, ""}, live("a", "one", one, ""),
			{"hold", func(w *world) { w.silent = nil }, ""}, live("c", "copy-2", one, "desk copy-2"),
		}, ""},
		{"silenced", nil, []step{
			past("b", "copy", one, ""), joins(""), silenced, live("a", "one", one, ""), sends("", "arms"), live("c", "copy-2", one, ""),
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, db := range databases {
				t.Run(db.name, func(t *testing.T) {
					oneByOne(t, db.name)
					t.Parallel()
					w := newWorld(t, db.dsn(t))
					w.rule("arms missile")
					w.channels["desk"], w.channels["mail"] = &channel{}, &channel{}
					if c.set != nil {
						c.set(w)
					}
					heard := map[string]int{}
					for i, s := range c.steps {
						s.do(w)
						w.want(fmt.Sprintf("step %d, %s, tells", i+1, s.what), w.hears(heard), s.told)
					}
					if c.ends != "" {
						w.want("stories", w.places(), c.ends)
					}
				})
			}
		})
	}
}

// live is an article that a feed brings and that was published just now.
func live(site, path, body, told string) step {
	return step{"live " + path, func(w *world) { w.publish(site, path, body) }, told}
}

// again is a page that its feed announces as changed.
func again(site, path, body, told string) step {
	return step{"again " + path, func(w *world) {
		u := "http://" + site + ".example/" + path
		w.pages[u] = answer{title: "News of " + path, body: body}
		e := w.entry(u, "News of "+path, "")
		e.Updated = w.now().Add(time.Minute)
		w.list(site, e)
		w.want("read again", w.run(w.process), 1)
	}, told}
}

// past is an article of two hours ago that a backfill stores, and does not join yet. Whatever the site says today, stays.
func past(site, path, body, told string) step {
	return step{"past " + path, func(w *world) {
		u := "http://" + site + ".example/" + path
		today, ok := w.pages[u]
		f := w.had(u, "News of "+path, body, w.now().Add(-2*time.Hour))
		w.walk(&listed{name: site, finds: []pipeline.Find{f}}, wholeRange)
		if ok {
			w.pages[u] = today
		}
	}, told}
}

func joins(told string) step { return step{"join", func(w *world) { w.run(w.joiner()) }, told} }

// sends is the end of a backfill with an alert: what it stored is told to the channels, or to those of the rule.
func sends(told, rule string, channels ...string) step {
	return step{"send", func(w *world) {
		w.replay(func(r *pipeline.Replay) { r.Rules, r.Backfilled, r.Channels = []string{rule}, true, channels })
	}, told}
}

// silenced is a person who wants to hear no more of the first story.
var silenced = step{"silence", func(w *world) {
	_, err := w.store.AddSilence(w.Context(), pipeline.Silence{Story: w.articles()[0].Story, Created: w.now(), Until: w.now().Add(24 * time.Hour)})
	w.ok(err)
}, ""}

// mergeEvents makes one event of the first two stories.
var mergeEvents = step{"one event", func(w *world) {
	as := w.articles()
	l, _, err := w.store.Acquire(w.Context(), "test", "events", "me", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error { return tx.MergeEvents(as[1].Story, as[0].Story) }))
}, ""}

func per(o pipeline.OncePer) func(*world) {
	return func(w *world) { w.once = map[string]pipeline.OncePer{"arms": o} }
}

// manySites makes the rule one that wants so many sites of a story within a day.
func manySites(n int) func(*world) {
	return func(w *world) {
		w.when = map[string]*pipeline.When{"arms": {Of: pipeline.CountStory, By: pipeline.CountSources, N: n, Within: 24 * time.Hour}}
	}
}

// hears is what channels took since it was asked last.
func (w *world) hears(heard map[string]int) string {
	w.Helper()
	w.run(w.deliver)
	var out []string
	for _, name := range []string{"desk", "mail"} {
		for _, d := range w.channels[name].whole[heard[name]:] {
			s := strings.TrimPrefix(d.Alert.Article.Title, "News of ")
			if d.Archived {
				s = "(" + s + ")"
			}
			out = append(out, name+" "+s)
		}
		heard[name] = len(w.channels[name].whole)
	}
	return strings.Join(out, ", ")
}

// places are the articles as "path:story", the oldest first, the stories numbered as they come.
func (w *world) places() string {
	w.Helper()
	number := map[int64]int{}
	var out []string
	for _, a := range w.articles() {
		st, _, err := w.store.Story(w.Context(), a.Story)
		w.ok(err)
		if number[st.ID] == 0 {
			number[st.ID] = len(number) + 1
		}
		out = append(out, fmt.Sprintf("%s:%d", strings.TrimPrefix(a.Title, "News of "), number[st.ID]))
	}
	return strings.Join(out, " ")
}
