package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/seeds/newsroom"
)

// The demo's account: what happened, and whether all of it is as it should be. Each check prints its sentence with ✓ or ✗.

type account struct {
	*demo
	stored   []pipeline.Article // as they stand: the newest version under each URL
	versions int
	blocks   map[int64][]pipeline.Block
	byURL    map[string]pipeline.Article
	feeds    map[string]pipeline.Feed
	sent     []pipeline.Delivery
	bad      int
}

// account prints the account and reports whether all is as it should be.
func (d *demo) account(ctx context.Context) (bool, error) {
	a := &account{demo: d, blocks: map[int64][]pipeline.Block{}, byURL: map[string]pipeline.Article{}, feeds: map[string]pipeline.Feed{}}
	if err := a.gather(ctx); err != nil {
		return false, err
	}
	for _, part := range []func(){a.polled, a.kept, a.removed, a.folded, a.alerted, a.refused} {
		part()
	}
	fmt.Fprintf(d.out, "\n%s in %s. ", count(len(a.stored), "article"), time.Since(d.started).Round(100*time.Millisecond))
	if a.bad > 0 {
		fmt.Fprintf(d.out, "%s not as they should be.\n", count(a.bad, "thing"))
		return false, nil
	}
	fmt.Fprintln(d.out, "Everything is as it should be.")
	return true, nil
}

func (a *account) gather(ctx context.Context) error {
	st := a.app.store
	list, err := st.Articles(ctx, store.ArticleFilter{Limit: 10000})
	if err != nil {
		return err
	}
	for _, x := range list { // newest first
		if _, ok := a.byURL[x.URL]; ok {
			a.versions++
			continue
		}
		a.byURL[x.URL] = x
		a.stored = append(a.stored, x)
		if a.blocks[x.ID], err = st.Blocks(ctx, x.ID); err != nil {
			return err
		}
	}
	feeds, err := st.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		a.feeds[f.Name] = f
	}
	a.sent, err = st.Deliveries(ctx, store.DeliveryFilter{Limit: 10000})
	slices.Reverse(a.sent)
	return err
}

func (a *account) head(s string) { fmt.Fprintf(a.out, "\n%s\n", s) }

// check prints a sentence and whether it holds; why says what is wrong when it does not.
func (a *account) check(ok bool, sentence string, why ...string) {
	if ok {
		fmt.Fprintf(a.out, "  ✓ %s\n", sentence)
		return
	}
	a.bad++
	fmt.Fprintf(a.out, "  ✗ %s\n", sentence)
	for _, w := range why {
		fmt.Fprintf(a.out, "      %s\n", w)
	}
}

func (a *account) polled() {
	a.head("Polled")
	for _, f := range a.news.Feeds() {
		got := a.feeds[f.Name]
		what := fmt.Sprintf("%s (%s): %s", f.Name, f.Format, count(got.Entries, "entry"))
		ok := got.Failures == 0 && !got.LastOK.IsZero()
		switch f.Expect {
		case newsroom.FeedMoved:
			ok = ok && got.Address != got.URL
			what = fmt.Sprintf("%s: moved for good; followed after three sightings", f.Name)
		case newsroom.FeedGone:
			ok = !got.Retired.IsZero()
			what = fmt.Sprintf("%s: gone; retired, and asked again in a week", f.Name)
		case newsroom.FeedPartial, newsroom.FeedCut:
			ok = ok && got.Warning != "" && got.ETag == ""
			what = fmt.Sprintf("%s: broken half-way; %s", f.Name, got.Warning)
		}
		a.check(ok, what, got.Error)
	}
	all := a.news.Log().Statuses("")
	a.check(all[304] > 0, fmt.Sprintf("%d of the answers were 304: nothing new, nothing sent", all[304]))
	worst := 0
	for _, s := range a.news.Sites() {
		worst = max(worst, a.news.Log().MaxParallel(s.Key))
	}
	a.check(worst <= 1, fmt.Sprintf("no site ever had more than %s at once", count(worst, "request")))
}

func (a *account) kept() {
	a.head("Kept")
	byLang := map[string]int{}
	exact := 0
	var wrong []string
	for _, g := range a.news.Articles() {
		x, ok := a.find(g)
		if !ok {
			wrong = append(wrong, g.ID+" was not stored: "+g.Title)
			continue
		}
		byLang[x.Lang]++
		found := newsroom.Found{Title: x.Title, Date: x.Date, Agency: x.Agency, Body: paragraphs(x.Body)}
		for _, b := range a.blocks[x.ID] {
			if !b.Kept {
				found.Removed = append(found.Removed, newsroom.Block{Class: b.Class, Text: b.Text})
			}
		}
		diffs := g.Check(found)
		if (g.From == newsroom.FromPage) != (x.Source == pipeline.SourcePage) {
			diffs = append(diffs, fmt.Sprintf("text is from the %s, want %s", x.Source, g.From))
		}
		if x.Lang != g.Lang {
			diffs = append(diffs, fmt.Sprintf("language is %q, want %q", x.Lang, g.Lang))
		}
		if len(diffs) == 0 {
			exact++
		}
		for _, d := range diffs {
			wrong = append(wrong, g.ID+": "+d)
		}
	}
	var langs []string
	for _, l := range slices.Sorted(maps.Keys(byLang)) {
		langs = append(langs, fmt.Sprintf("%d %s", byLang[l], l))
	}
	a.check(len(wrong) == 0, fmt.Sprintf("%d of %d articles exactly as their authors wrote them: title, date, agency, paragraphs (%s)",
		exact, len(a.news.Articles()), strings.Join(langs, ", ")), wrong...)
	a.check(len(a.stored) == len(a.news.Articles()), fmt.Sprintf("%d articles stored for %d published", len(a.stored), len(a.news.Articles())))
}

// outlet names who published an article.
func outlet(x pipeline.Article) string { return cmp.Or(x.SiteName, x.Feed) }

// find gives the stored article of a gold one.
func (a *account) find(g newsroom.Gold) (pipeline.Article, bool) {
	for _, u := range []string{g.URL, g.Link} {
		if x, ok := a.byURL[u]; ok {
			return x, true
		}
	}
	return pipeline.Article{}, false
}

func paragraphs(body string) []string {
	if body == "" {
		return nil
	}
	return strings.Split(body, "\n\n")
}

func (a *account) removed() {
	a.head("Removed")
	n := map[string]int{}
	for _, bs := range a.blocks {
		for _, b := range bs {
			if !b.Kept {
				n[b.Class]++
			}
		}
	}
	planted := map[string]bool{}
	for _, g := range a.news.Articles() {
		for _, r := range g.Removed {
			planted[r.Classes[0]] = true
		}
	}
	classes := slices.SortedFunc(maps.Keys(n), func(x, y string) int { return cmp.Or(cmp.Compare(n[y], n[x]), cmp.Compare(x, y)) })
	var line []string
	total := 0
	for _, c := range classes {
		line = append(line, fmt.Sprintf("%s %d", c, n[c]))
		total += n[c]
	}
	a.check(total > 0, fmt.Sprintf("%d blocks that no journalist wrote, each with its class and the rule that removed it:", total))
	for chunk := range slices.Chunk(line, 7) {
		fmt.Fprintf(a.out, "      %s\n", strings.Join(chunk, " · "))
	}
	var missing []string
	for c := range planted {
		if n[c] == 0 {
			missing = append(missing, c)
		}
	}
	a.check(len(missing) == 0, fmt.Sprintf("every one of the %d kinds of boilerplate planted was found", len(planted)), missing...)
}

func (a *account) folded() {
	a.head("Folded")
	stories := map[int64][]pipeline.Article{}
	for _, x := range a.stored {
		stories[x.Story] = append(stories[x.Story], x)
	}
	want := map[string][]string{} // wire report to copies
	for _, g := range a.news.Articles() {
		if g.Wire != "" {
			want[g.Wire] = append(want[g.Wire], g.ID)
		}
	}
	joined := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		g, _ := a.news.Gold(id)
		x, ok := a.find(g)
		var outlets, apart []string
		for _, c := range want[id] {
			g, _ := a.news.Gold(c)
			y, found := a.find(g)
			if !ok || !found || y.Story != x.Story {
				apart = append(apart, c+" stands apart: "+g.Title)
				continue
			}
			outlets = append(outlets, fmt.Sprintf("%s (%q)", outlet(y), y.Title))
			joined[y.URL] = true
		}
		joined[x.URL] = true
		a.check(len(apart) == 0, fmt.Sprintf("%q of %s is one story with %s", x.Title, outlet(x), strings.Join(outlets, ", ")), apart...)
	}
	var wrong []string
	for _, list := range stories {
		for _, x := range list {
			if len(list) > 1 && !joined[x.URL] {
				wrong = append(wrong, fmt.Sprintf("%s: %s", x.URL, x.Title))
			}
		}
	}
	slices.Sort(wrong)
	a.check(len(wrong) == 0, fmt.Sprintf("%d stories; nothing was joined that tells different news", len(stories)), wrong...)
	changed := 0
	for _, g := range a.news.Articles() {
		if x, ok := a.find(g); ok && g.Changes && x.Relation == "version" {
			changed++
		}
	}
	a.check(changed > 0, fmt.Sprintf("%s changed after it was first read; both versions are kept", count(changed, "article")))
}

func (a *account) alerted() {
	a.head("Alerted")
	byStory := map[int64]map[string]bool{} // story: ids of articles
	for _, g := range a.news.Articles() {
		if x, ok := a.find(g); ok {
			if byStory[x.Story] == nil {
				byStory[x.Story] = map[string]bool{}
			}
			byStory[x.Story][g.ID] = true
		}
	}
	type key struct{ rule, channel string }
	told := map[key]int{}
	var wrong []string
	used := map[int64]bool{}
	for _, want := range a.news.Expected() {
		channels := []string{"webhook"}
		if toSlack[want.Rule] {
			channels = append(channels, "slack")
		}
		for _, ch := range channels {
			n, updates := 0, 0
			for _, d := range a.sent {
				if d.Alert.Kind == pipeline.KindUpdate && want.Updated && d.Alert.Rule == want.Rule && d.Channel == ch && d.Alert.Update != nil {
					used[d.ID] = true
					updates++
					continue
				}
				if d.Alert.Rule == want.Rule && d.Channel == ch && byStory[d.Alert.Story.ID][want.Articles[0]] {
					n++
					used[d.ID] = true
					told[key{want.Rule, ch}]++
					if c := d.Alert.Count; c != nil && c.Found < c.N {
						wrong = append(wrong, fmt.Sprintf("%s was told of %d and asks for %d", want.Rule, c.Found, c.N))
					}
					if d.State != pipeline.DeliverySent {
						wrong = append(wrong, fmt.Sprintf("%s to %s is %s: %s", want.Rule, ch, d.State, d.Error))
					}
				}
			}
			if want.Updated && updates != 1 {
				wrong = append(wrong, fmt.Sprintf("%s was told %d times to %s what changed in %s", want.Rule, updates, ch, want.Articles[0]))
			}
			if n != 1 {
				wrong = append(wrong, fmt.Sprintf("%s about %s was told to %s %d times", want.Rule, want.Articles[0], ch, n))
			}
		}
	}
	for _, d := range a.sent {
		if !used[d.ID] {
			wrong = append(wrong, fmt.Sprintf("not expected: %s to %s: %s (%s)", d.Alert.Rule, d.Channel, d.Alert.Article.Title, d.Alert.Article.URL))
		}
	}
	seen := map[string]bool{}
	for _, d := range a.sent {
		if k := d.Alert.Rule + d.Alert.Subject; !seen[k] {
			seen[k] = true
			others := ""
			if n := len(d.Alert.Outlets); n > 0 {
				others = fmt.Sprintf(" (+%s)", count(n, "outlet"))
			}
			fmt.Fprintf(a.out, "    %-18s %s · %s%s\n", d.Alert.Rule, d.Alert.Article.Title, outlet(d.Alert.Article), others)
			if d.Alert.Count != nil {
				fmt.Fprintf(a.out, "    %-18s   counted: %s\n", "", strings.Join(alerts.Render(d).Notes, "; "))
			}
			for _, c := range alerts.Render(d).Changes {
				fmt.Fprintf(a.out, "    %-18s   update: %s\n", "", clip(c.String(), 150))
			}
		}
	}
	a.check(len(wrong) == 0, fmt.Sprintf("%d messages: one alert per rule, story and channel, and an update for the rule that asks; none missing, none besides", len(a.sent)), wrong...)

	hook, slack := a.hook.Messages(), a.slack.Messages()
	repeats, retried := 0, 0
	for _, m := range hook {
		repeats += m.Accepted - 1
		if m.Attempts > 1 {
			retried++
		}
	}
	a.check(len(a.hook.Violations()) == 0 && repeats == 0,
		fmt.Sprintf("the webhook's receiver verified %s, took each once, and had %d sent again under the same id after a 503", count(len(hook), "signature"), retried), a.hook.Violations()...)
	a.check(len(a.slack.Violations()) == 0 && len(slack) == toldTo(a.sent, "slack"),
		fmt.Sprintf("the Slack stand-in took %s within its limits and pace, after asking for patience %d times", count(len(slack), "message"), a.slack.Throttled()), a.slack.Violations()...)
	amiss := a.outlets(hook)
	a.check(len(amiss) == 0, "alerts name the other outlets that carry the story when they go out, and no others", amiss...)
	a.wire(hook, byStory)
}

// leastOutlets is how many other outlets the message about a wire report must name, or all that carry it where they are fewer.
const leastOutlets = 3

// wire looks at the messages about reports that several outlets carry, as the webhook's receiver got them: one a rule, and in it the
// others' names, because the match was held until they had published it too.
func (a *account) wire(list []newsroom.WebhookMessage, byStory map[int64]map[string]bool) {
	wires := map[string]bool{}
	for _, want := range a.news.Expected() {
		if len(want.Articles) <= leastOutlets {
			continue
		}
		wires[want.Articles[0]] = true
		var names, wrong []string
		messages := 0
		for _, m := range list {
			body, err := readHook(m)
			if err != nil || body.Rule.Name != want.Rule || !byStory[body.Story.ID][want.Articles[0]] {
				continue
			}
			messages++
			for _, o := range body.Story.Outlets {
				names = append(names, cmp.Or(o.SiteName, o.Site))
			}
		}
		if messages != 1 {
			wrong = append(wrong, fmt.Sprintf("%d messages", messages))
		}
		if len(names) < leastOutlets {
			wrong = append(wrong, fmt.Sprintf("%d others are named: %s", len(names), strings.Join(names, ", ")))
		}
		g, _ := a.news.Gold(want.Articles[0])
		a.check(len(wrong) == 0, fmt.Sprintf("the wire report %q is one message of rule %s, held for %s, that names %d other outlets: %s",
			g.Title, want.Rule, hookWait, len(names), strings.Join(names, ", ")), wrong...)
	}
	a.check(len(wires) > 0, fmt.Sprintf("%s was carried by more than %d outlets", count(len(wires), "wire report"), leastOutlets))
}

// A hookBody is what of a webhook's message is looked at here.
type hookBody struct {
	Rule  struct{ Name string }
	Story struct {
		ID      int64
		Outlets []struct {
			Site     string
			SiteName string `json:"site_name"`
			URL      string
		}
	}
}

func readHook(m newsroom.WebhookMessage) (b hookBody, err error) {
	err = json.Unmarshal(m.Body, &b)
	return b, err
}

func toldTo(list []pipeline.Delivery, channel string) (n int) {
	for _, d := range list {
		if d.Channel == channel {
			n++
		}
	}
	return n
}

// outlets compares what the webhook's messages name with the stories. Which outlets have the story when its alert goes out
// depends on who published first; so every one that was stored before the alert was raised must be named, and none that
// does not carry the story.
func (a *account) outlets(list []newsroom.WebhookMessage) (wrong []string) {
	for _, m := range list {
		body, err := readHook(m)
		if err != nil {
			return append(wrong, m.ID+": "+err.Error())
		}
		i := slices.IndexFunc(a.sent, func(d pipeline.Delivery) bool { return d.UID == m.ID })
		if i < 0 {
			wrong = append(wrong, m.ID+" is no delivery of ours")
			continue
		}
		alert := a.sent[i].Alert
		told := map[string]bool{}
		for _, o := range body.Story.Outlets {
			told[o.URL] = true
			if a.byURL[o.URL].Story != alert.Story.ID {
				wrong = append(wrong, o.URL+" is named, but tells another story")
			}
		}
		for _, x := range a.stored {
			if x.Story == alert.Story.ID && x.Site != alert.Article.Site && x.Seen.Before(alert.Created) && !told[x.URL] {
				wrong = append(wrong, x.URL+" had the story already and is not named")
			}
		}
	}
	return wrong
}

func (a *account) refused() {
	a.head("Refused, and why")
	for _, g := range a.news.Articles() {
		x, ok := a.find(g)
		if !ok || g.Trouble == "" {
			continue
		}
		tries := a.news.Log().Count(g.Site, g.Path)
		switch g.Trouble {
		case "robots":
			a.check(tries == 0 && x.Source == pipeline.SourceFeed, fmt.Sprintf("robots.txt forbids %q: never requested; the feed's full text was matched instead", g.Path))
		case "bomb":
			a.check(x.Source == pipeline.SourceFeed && x.Why == "too large", fmt.Sprintf("%q inflates to 80 MB: refused after 5; the feed's summary stands in", g.Path), x.Why)
		case "notfound":
			a.check(x.Source == pipeline.SourceFeed, fmt.Sprintf("%q is not there (%s); the feed's summary stands in", g.Path, x.Why))
		case "paywall":
			a.check(x.Source == pipeline.SourceFeed && x.Paywalled, fmt.Sprintf("%q shows a stub behind a paywall; the feed's full text was matched", g.Path), x.Why)
		case "flaky":
			a.check(tries >= 2 && x.Source == pipeline.SourcePage, fmt.Sprintf("%q was out of order at first; had at try %d", g.Path, tries))
		case "slow":
			a.check(x.Source == pipeline.SourcePage, fmt.Sprintf("%q took its time; waited for", g.Path))
		case "redirect":
			a.check(x.Source == pipeline.SourcePage && x.URL == g.URL, fmt.Sprintf("%q leads elsewhere; stored under where it led", g.Path))
		}
	}
}
