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

const appealText = "Zorblax fenwick morantu gliph the quonset barrow, tipple aldwyn frotz and nettled brume."

func made(title string, blocks ...pipeline.Block) *pipeline.Article {
	a := &pipeline.Article{Site: "s.example", Title: title}
	var body []string
	for _, b := range blocks {
		if b.Kept {
			body = append(body, b.Text)
		}
	}
	a.Blocks, a.Body = blocks, strings.Join(body, "\n\n")
	return a
}

func para(s string) pipeline.Block { return pipeline.Block{Class: "paragraph", Kept: true, Text: s} }
func head(s string) pipeline.Block { return pipeline.Block{Class: "heading", Kept: true, Text: s} }

// Which blocks can be learned, and what their fingerprints say.
func TestPrints(t *testing.T) {
	for _, c := range []struct {
		name, title, text string
		class             string
		can, foreign      bool
	}{
		{"an appeal", "Port opens", appealText, "paragraph", true, true},
		{"a list", "Port opens", appealText, "list", true, true},
		{"a short sentence", "Port opens", "He declined to comment.", "paragraph", false, false},
		{"few long words", "Port opens", "Donaudampfschifffahrtsgesellschaft Rechtsschutzversicherung", "paragraph", false, false},
		{"a heading", "Port opens", appealText, "heading", false, false},
		{"about the subject", "Missile tests by North Korea", "North Korea has been under sanctions since its first test in 2006.", "paragraph", true, false},
		{"a little word in common", "Aid with the help of more ships", "With the help of readers like you we can go on with this work.", "paragraph", true, true},
		{"Korean background", "북한이 미사일을 발사했다", "북한은 2006년 첫 핵실험 이후 유엔 제재를 받고 있는 나라이다.", "paragraph", true, false},
		{"Korean appeal", "북한이 미사일을 발사했다", "독자 여러분의 소중한 후원으로 저희 신문은 매일 새롭게 만들어집니다.", "paragraph", true, true},
		{"Chinese background", "朝鲜发射导弹", "朝鲜自二零零六年首次核试验以来一直受到联合国的制裁。", "paragraph", true, false},
		{"Chinese appeal", "朝鲜发射导弹", "欢迎订阅本报每日新闻简报并支持我们的独立采访工作。", "paragraph", true, true},
		{"Chinese, short", "朝鲜发射导弹", "欢迎订阅本报。", "paragraph", false, false},
	} {
		b := pipeline.Block{Class: c.class, Kept: true, Text: c.text}
		ps := pipeline.Prints(made(c.title, para("Short."), b, pipeline.Block{Class: "donation", Text: appealText + " removed"}))
		if len(ps) > 0 != c.can || c.can && (ps[0].Foreign != c.foreign || ps[0].Before != 1 || ps[0].After != 0 || ps[0].Text != c.text) {
			t.Errorf("%s: %+v", c.name, ps)
		}
	}
	hash := func(s string) int64 {
		t.Helper()
		ps := pipeline.Prints(made("", para(s), para(s)))
		if len(ps) != 1 {
			t.Fatalf("%q gives %d fingerprints, want one", s, len(ps))
		}
		return ps[0].Hash
	}
	if hash(appealText) != hash(strings.ToUpper(strings.ReplaceAll(appealText, " ", " \u00a0\n"))) {
		t.Error("case and white space make another fingerprint")
	}
	if hash("In 2024 the fund gave 100 grants to young reporters.") == hash("In 2025 the fund gave 100 grants to young reporters.") {
		t.Error("another number makes no other fingerprint")
	}
	if ps := pipeline.Prints(&pipeline.Article{Body: "Another body.", Blocks: []pipeline.Block{para(appealText)}}); ps != nil {
		t.Errorf("blocks that are not the body have fingerprints: %+v", ps)
	}
	var many []pipeline.Block
	for i := range 200 {
		many = append(many, para(fmt.Sprint(appealText, i)))
	}
	ps := pipeline.Prints(made("", many...))
	if len(ps) != 50 || ps[0].Before != 0 || ps[49].After != 0 {
		t.Errorf("%d fingerprints of 200 blocks", len(ps))
	}
}

// What is proof, and what is doubt.
func TestBoilerplate(t *testing.T) {
	for _, c := range []struct {
		s                   pipeline.Sighting
		boilerplate, doubts bool
	}{
		{pipeline.Sighting{Stories: 4, Foreign: 4, Placed: true, Of: 4}, false, false},
		{pipeline.Sighting{Stories: 5, Foreign: 5, Placed: true, Of: 5}, true, false},
		{pipeline.Sighting{Stories: 5, Foreign: 5, Placed: true, Of: 6}, false, false},
		{pipeline.Sighting{Stories: 9, Foreign: 9, Placed: true, Of: 10}, true, false},
		{pipeline.Sighting{Stories: 5, Foreign: 5, Of: 5}, false, false},
		{pipeline.Sighting{Stories: 5, Foreign: 4, Placed: true, Of: 5}, false, false},
		{pipeline.Sighting{Stories: 10, Of: 10}, true, false},
		{pipeline.Sighting{Stories: 40, Foreign: 40, Placed: true, Of: 60}, false, false},
		{pipeline.Sighting{Stories: 50, Foreign: 50, Of: 60}, true, false},
		{pipeline.Sighting{Stories: 3, Foreign: 3, Of: 9}, false, false},
		{pipeline.Sighting{Stories: 4, Foreign: 4, Of: 10}, false, true},
		{pipeline.Sighting{Stories: 30, Foreign: 30, Of: 60}, false, false},
	} {
		if c.s.Boilerplate() != c.boilerplate || c.s.Doubtful() != c.doubts {
			t.Errorf("%+v: boilerplate %v, doubtful %v", c.s, c.s.Boilerplate(), c.s.Doubtful())
		}
	}
}

func TestRemoveLearned(t *testing.T) {
	learned := map[int64]bool{pipeline.Prints(made("", para(appealText)))[0].Hash: true}
	removed := pipeline.Block{Class: "donation", Text: "Give."}
	for _, c := range []struct {
		name   string
		blocks []pipeline.Block
		body   string // what is left; "same": all
	}{
		{"between paragraphs", []pipeline.Block{para("One."), para(appealText), para("Two.")}, "One.\n\nTwo."},
		{"twice", []pipeline.Block{para(appealText), para("One."), removed, para(strings.ToUpper(appealText))}, "One."},
		{"a heading over nothing else", []pipeline.Block{para("One."), head("Blag"), removed, para(appealText)}, "One."},
		{"a heading over a paragraph too", []pipeline.Block{head("Blag"), para(appealText), para("One.")}, "Blag\n\nOne."},
		{"its section ends at a heading", []pipeline.Block{head("Blag"), para(appealText), head("More"), para("One.")}, "More\n\nOne."},
		{"a heading of an empty section", []pipeline.Block{para("One."), para(appealText), head("Note")}, "One.\n\nNote"},
		{"not a heading", []pipeline.Block{head(appealText), para("One.")}, "same"},
		{"nothing else", []pipeline.Block{head("Blag"), para(appealText)}, "same"},
		{"nothing of it", []pipeline.Block{para("One."), para(appealText + " More.")}, "same"},
	} {
		a := made("", c.blocks...)
		before, blocks := a.Body, slices.Clone(a.Blocks)
		did := pipeline.RemoveLearned(a, learned)
		if c.body == "same" {
			if did || a.Body != before || !slices.Equal(a.Blocks, blocks) {
				t.Errorf("%s: left %q", c.name, a.Body)
			}
			continue
		}
		if !did || a.Body != c.body || len(a.Blocks) != len(blocks) {
			t.Errorf("%s: left %q, want %q", c.name, a.Body, c.body)
		}
		for i, b := range a.Blocks {
			if b != blocks[i] && (b.Class != "repeated" || b.Rule != "learned:s.example" || b.Kept || b.Text != blocks[i].Text) {
				t.Errorf("%s: block %+v", c.name, b)
			}
		}
		if pipeline.RemoveLearned(a, learned) {
			t.Errorf("%s: it is removed again", c.name)
		}
	}
}

func FuzzRemoveLearned(f *testing.F) {
	f.Add("Title", "One.\n\n"+appealText+"\n\n# Two\n\nThree.", uint8(1))
	f.Add("朝鲜发射导弹", "朝鲜自二零零六年首次核试验以来一直受到联合国的制裁。\n\n\n\n\xff", uint8(0))
	f.Fuzz(func(t *testing.T, title, body string, pick uint8) {
		var blocks []pipeline.Block
		for _, p := range strings.Split(body, "\n\n") {
			if p == "" {
				continue // no block is empty
			}
			b := para(p)
			if strings.HasPrefix(p, "# ") {
				b = head(p)
			}
			blocks = append(blocks, b)
		}
		a := made(title, blocks...)
		ps := pipeline.Prints(a)
		if len(ps) == 0 {
			return
		}
		p := ps[int(pick)%len(ps)]
		pipeline.RemoveLearned(a, map[int64]bool{p.Hash: true})
		var kept []string
		for _, b := range a.Blocks {
			if b.Kept {
				kept = append(kept, b.Text)
			}
		}
		if a.Body != strings.Join(kept, "\n\n") || len(kept) == 0 {
			t.Errorf("the body is %q, its blocks are %q", a.Body, kept)
		}
	})
}

// Learning in the loops, and what is stored made anew, on every database.
func TestLearning(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				f    func(*world)
			}{
				{"late cleans early", lateCleansEarly}, {"one story is no proof", oneStory}, {"other sites are no proof", otherSites},
				{"captured again", capturedAgain}, {"lifted", lifted}, {"a better extractor", betterExtractor}, {"stored before learning", storedBefore},
				{"the feed is heard", feedHeard}, {"changed meanwhile", changedMeanwhile}, {"worse than nothing", worseThanNothing}, {"interrupted", interrupted},
			} {
				t.Run(part.name, func(t *testing.T) {
					w := newWorld(t, db.dsn(t))
					w.rule("arms missile", "boats frigate", "zorblax zorblax")
					part.f(w)
				})
			}
		})
	}
}

// tell lets a site publish a story of these paragraphs, processes it, and returns the newest article.
func (w *world) tell(site string, n int, paragraphs ...string) pipeline.Article {
	w.Helper()
	u := fmt.Sprintf("http://%s/%d", site, n)
	w.pages[u] = answer{title: prose(int64(n)*31, 6), body: strings.Join(paragraphs, "\n\n")}
	w.list("a", w.entry(u, "", ""))
	w.run(w.process)
	as := w.articles()
	return as[len(as)-1]
}

// again makes what is stored anew.
func (w *world) again(set func(*pipeline.Reextract)) *pipeline.Reextract {
	w.Helper()
	r := &pipeline.Reextract{Store: w.store, Extract: w.extract, Match: w.match, Now: w.now, Report: w.report}
	if set != nil {
		set(r)
	}
	w.run(r)
	return r
}

// counts are a run's counts in a line.
func counts(r *pipeline.Reextract) string {
	return fmt.Sprintf("read %d changed %d failed %d busy %d learned %d removed %d matched %d unmatched %d alerts %d", r.Read.Load(), r.Changed.Load(),
		r.Failed.Load(), r.Busy.Load(), r.Learned.Load(), r.Removed.Load(), r.Matched.Load(), r.Unmatched.Load(), r.Alerts.Load())
}

func lateCleansEarly(w *world) {
	for n := range 7 {
		a := w.tell("s.example", n, prose(int64(n), 80), appealText)
		if got, want := strings.Contains(a.Body, "Zorblax"), n < 5; got != want {
			w.Fatalf("article %d has the appeal: %v, want %v", n, got, want)
		}
	}
	w.want("alerts", len(w.alerts()), 5)
	bs, err := w.store.Blocks(w.Context(), 7)
	w.ok(err)
	w.want("block", fmt.Sprintf("%v %s %s", bs[1].Kept, bs[1].Class, bs[1].Rule), "false repeated learned:s.example")
	dry := w.again(func(r *pipeline.Reextract) { r.DryRun = true })
	w.want("dry run", counts(dry), "read 7 changed 5 failed 0 busy 0 learned 0 removed 5 matched 0 unmatched 0 alerts 0")
	some := w.again(func(r *pipeline.Reextract) { r.Limit = 2 })
	w.want("the first two", counts(some), "read 2 changed 2 failed 0 busy 0 learned 0 removed 2 matched 0 unmatched 2 alerts 0")
	other := w.again(func(r *pipeline.Reextract) { r.Site = "t.example" })
	w.want("another site", counts(other), "read 0 changed 0 failed 0 busy 0 learned 0 removed 0 matched 0 unmatched 0 alerts 0")
	r := w.again(nil)
	w.want("the rest", counts(r), "read 7 changed 3 failed 0 busy 0 learned 0 removed 3 matched 0 unmatched 3 alerts 0")
	w.want("again", counts(w.again(nil)), "read 7 changed 0 failed 0 busy 0 learned 0 removed 0 matched 0 unmatched 0 alerts 0")
	for i, a := range w.articles() {
		w.want("body", a.Body, prose(int64(i), 80))
		w.want("matches", len(w.matches(a.ID)), 0)
	}
	w.want("alerts stay", len(w.alerts()), 5)
	// The duplicate index has learned it: the bare text on another site is the same text, word for word, in this process and in a new one.
	w.pages["http://t.example/1"] = answer{title: w.articles()[0].Title, body: prose(0, 80)}
	w.list("a", w.entry("http://t.example/1", "", ""))
	w.run(w.process)
	as := w.articles()
	w.want("copy", line(as[7].Relation, as[7].Of, as[7].Story == as[0].Story), line("identical", as[0].ID, true))
	w.loops(w.store)
	w.pages["http://u.example/1"] = answer{title: as[1].Title, body: prose(1, 80)}
	w.list("a", w.entry("http://u.example/1", "", ""))
	w.run(w.process)
	as = w.articles()
	w.want("copy", line(as[8].Relation, as[8].Of), line("identical", as[1].ID))
}

// Versions of one story count once, however many.
func oneStory(w *world) {
	text := prose(1, 120)
	for n := range 8 {
		a := w.tell("s.example", n, text+" "+prose(int64(100+n), 5), appealText)
		w.want("story", a.Story, 1)
	}
	bs, err := w.store.LearnedBlocks(w.Context(), "", 0)
	w.ok(err)
	w.want("learned", len(bs), 0)
}

func otherSites(w *world) {
	for n := range 8 {
		w.tell(fmt.Sprintf("s%d.example", n/4), n, prose(int64(n), 80), appealText)
	}
	bs, err := w.store.LearnedBlocks(w.Context(), "", 0)
	w.ok(err)
	w.want("learned", len(bs), 0)
}

// A page that was stored before its block was learned and comes again as it was is no version.
func capturedAgain(w *world) {
	for n := range 6 {
		w.tell("s.example", n, prose(int64(n), 80)+" missile", appealText)
	}
	w.want("matches", w.matches(1), "[arms zorblax]")
	e := w.entry("http://s.example/0", "", "")
	w.reopen("a", e)
	w.run(w.process)
	w.want("articles", len(w.articles()), 6)
	w.want("matches", w.matches(1), "[arms zorblax]")
}

// What was learned of the first stories and then proves to be a journalist's is given back.
func lifted(w *world) {
	for n := range 12 {
		ps := []string{prose(int64(n), 80), appealText}
		if n > 5 && n < 11 {
			ps = ps[:1]
		}
		w.tell("s.example", n, ps...)
	}
	w.want("not yet", strings.Contains(w.articles()[5].Body, "Zorblax"), false)
	for n := 12; n < 16; n++ {
		w.tell("s.example", n, prose(int64(n), 80))
	}
	w.tell("s.example", 16, prose(16, 80), appealText) // 8 of 17
	bs, err := w.store.LearnedBlocks(w.Context(), "s.example", 0)
	w.ok(err)
	w.want("state", bs[0].State, pipeline.BlockLifted)
	a := w.tell("s.example", 17, prose(17, 80), appealText)
	w.want("not removed", strings.Contains(a.Body, "Zorblax"), true)
	alerts := len(w.alerts())
	w.want("given back", counts(w.again(nil)), "read 18 changed 3 failed 0 busy 0 learned 0 removed -3 matched 3 unmatched 0 alerts 0")
	w.want("quietly", len(w.alerts()), alerts)
}

// The extractor hears the feed's own text beside the page, and when the page is extracted again it hears the same.
func feedHeard(w *world) {
	var heard []string
	hear := func(p *pipeline.Page) (pipeline.Article, error) {
		heard = append(heard, p.Feed)
		return w.extract(p)
	}
	w.process.Extract = hear
	w.pages["http://s.example/1"] = answer{title: "One", body: prose(1, 60)}
	e := w.entry("http://s.example/1", "One", "In short.")
	e.Content = "<p>What the convoy did at the border.</p>"
	w.list("a", e)
	w.run(w.process)
	w.again(func(r *pipeline.Reextract) { r.Extract = hear })
	w.want("heard", strings.Join(heard, " "), e.Content+" "+e.Content)
}

// After an upgrade of the extractor; new matches are quiet unless they are to be told.
func betterExtractor(w *world) {
	w.tell("s.example", 1, prose(1, 60), "Caption: a missile on a truck.")
	w.tell("s.example", 2, prose(2, 60), "A plain end.")
	w.tell("t.example", 3, prose(3, 60)+" missile")
	w.want("alerts", len(w.alerts()), 2)
	better := func(p *pipeline.Page) (pipeline.Article, error) {
		a, err := w.extract(p)
		a.Body = strings.ReplaceAll(strings.ReplaceAll(a.Body, "\n\nCaption: a missile on a truck.", ""), "A plain end.", "A plain frigate.")
		if strings.Contains(p.URL, "t.example") {
			a.Title, a.Body, a.Agency = "Better: "+a.Title, "Seoul. "+a.Body, "Yonhap"
		}
		a.Blocks = paragraphs(a.Body)
		return a, err
	}
	before := w.articles()[2]
	r := w.again(func(r *pipeline.Reextract) { r.Extract, r.Site = better, "t.example" })
	w.want("one site", counts(r), "read 1 changed 1 failed 0 busy 0 learned 0 removed 0 matched 0 unmatched 0 alerts 0")
	after := w.articles()[2]
	w.want("made anew", line(after.Title == "Better: "+before.Title, after.Agency, after.Story == before.Story, after.URL == before.URL), "true Yonhap true true")
	ms, err := w.store.Matches(w.Context(), store.MatchFilter{Article: after.ID})
	w.ok(err)
	w.want("span", after.Body[ms[0].Spans[0].Start:ms[0].Spans[0].End], "missile")
	ds, err := w.store.Deliveries(w.Context(), store.DeliveryFilter{})
	w.ok(err)
	w.want("span of the alert", ds[0].Alert.Spans, ms[0].Spans)

	r = w.again(func(r *pipeline.Reextract) { r.Extract, r.Alert = better, true })
	w.want("loudly", counts(r), "read 3 changed 2 failed 0 busy 0 learned 0 removed 0 matched 1 unmatched 1 alerts 1")
	w.want("alerts", w.alerts()[2], "boats story:2 desk")
	r = w.again(func(r *pipeline.Reextract) { r.Since = w.now().Add(time.Minute) })
	w.want("since", r.Read.Load(), 0)
}

// Articles whose blocks were never noted teach, and are cleaned in the same run.
func storedBefore(w *world) {
	w.process.Extract = func(p *pipeline.Page) (pipeline.Article, error) { // as a store of an earlier version has it
		a, err := w.extract(p)
		a.Blocks = nil
		return a, err
	}
	for n := range 30 {
		w.tell("s.example", n, prose(int64(n), 40), appealText)
	}
	r := w.again(nil)
	w.want("learned", counts(r), "read 30 changed 30 failed 0 busy 0 learned 1 removed 30 matched 0 unmatched 30 alerts 0")
	w.want("again", w.again(nil).Changed.Load(), 0)
}

func changedMeanwhile(w *world) {
	a := w.tell("s.example", 1, prose(1, 60))
	r := w.again(func(r *pipeline.Reextract) {
		r.Extract = func(p *pipeline.Page) (pipeline.Article, error) {
			l, ok, err := w.store.Acquire(w.Context(), "process", "s.example", "another", w.now(), w.now().Add(time.Minute))
			if w.ok(err); ok {
				w.ok(w.store.Write(w.Context(), l, func(tx pipeline.Tx) error {
					b := a
					b.Body = "Changed by another."
					return tx.UpdateArticle(&b)
				}))
			}
			x, err := w.extract(p)
			x.Title = "Mine"
			return x, err
		}
	})
	w.want("left to the other", counts(r), "read 1 changed 0 failed 0 busy 1 learned 0 removed 0 matched 0 unmatched 0 alerts 0")
	w.want("body", w.articles()[0].Body, "Changed by another.")
}

// An extractor that fails, panics or finds nothing leaves the text that is there.
func worseThanNothing(w *world) {
	for n := range 3 {
		w.tell("s.example", n, prose(int64(n), 60))
	}
	before := w.articles()
	r := w.again(func(r *pipeline.Reextract) {
		r.Extract = func(p *pipeline.Page) (pipeline.Article, error) {
			switch p.URL[len(p.URL)-1] {
			case '0':
				panic("no page like this was ever seen")
			case '1':
				return pipeline.Article{}, errors.New("no document")
			}
			return pipeline.Article{Title: "Empty"}, nil
		}
	})
	w.want("counts", counts(r), "read 3 changed 0 failed 3 busy 0 learned 0 removed 0 matched 0 unmatched 0 alerts 0")
	for i, a := range w.articles() {
		w.want("body", a.Body+a.Title, before[i].Body+before[i].Title)
	}
}

// A run that ends in the middle is taken up by the next.
func interrupted(w *world) {
	for n := range 30 {
		w.tell("s.example", n, prose(int64(n), 40))
	}
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	better := func(p *pipeline.Page) (pipeline.Article, error) {
		a, err := w.extract(p)
		a.Agency = "Yonhap"
		return a, err
	}
	r := &pipeline.Reextract{Store: w.store, Match: w.match, Now: w.now, Report: w.report, Extract: func(p *pipeline.Page) (pipeline.Article, error) {
		if strings.HasSuffix(p.URL, "/25") {
			cancel()
		}
		return better(p)
	}}
	l, ok, err := w.store.Acquire(w.Context(), r.Name(), "s.example", "first", w.now(), w.now().Add(time.Minute))
	w.ok(err)
	w.want("lease", ok, true)
	if _, err := r.Run(ctx, l); !errors.Is(err, context.Canceled) {
		w.Fatal(err)
	}
	w.ok(w.store.Release(w.Context(), l))
	w.want("done", r.Changed.Load(), 20)
	w.want("the rest", w.again(func(r *pipeline.Reextract) { r.Extract = better }).Changed.Load(), 10)
}

// What a site rule keeps is neither learned nor removed, not even when it was learned before there was a rule.
func TestRuleKeepsFromLearning(t *testing.T) {
	ruled := para(appealText)
	ruled.Rule = "sites/paper.yaml:5"
	if ps := pipeline.Prints(made("", para("Short."), ruled)); len(ps) != 0 {
		t.Errorf("fingerprints of what a rule kept: %+v", ps)
	}
	learned := map[int64]bool{pipeline.Prints(made("", para(appealText)))[0].Hash: true}
	a := made("", para("Short."), ruled)
	if pipeline.RemoveLearned(a, learned) || !a.Blocks[1].Kept {
		t.Errorf("removed what a rule kept: %+v", a.Blocks)
	}
}
