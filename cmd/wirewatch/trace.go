package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// The whole way of one article: polled, fetched, extracted, joined, matched or not and why, told to whom when or why not.

type traceJSON struct {
	Asked    string         `json:"asked"`
	Polled   []tracePoll    `json:"polled"`
	Articles []traceArticle `json:"articles"`
}

type tracePoll struct {
	Item     int64  `json:"item"`
	Feed     string `json:"feed"`
	URL      string `json:"url"`
	Title    string `json:"title"`
	Seen     string `json:"seen"`
	Origin   string `json:"origin"`
	Quiet    bool   `json:"quiet"`
	State    string `json:"state"`
	Tried    string `json:"tried"`
	Attempts int    `json:"attempts"`
	Due      string `json:"due"`  // of an open item: when it is tried next
	Look     string `json:"look"` // of a done one: when its page is looked at again
	Error    string `json:"error"`
	Article  int64  `json:"article"`
	FromFeed bool   `json:"from_feed"`
}

type traceArticle struct {
	ID        int64          `json:"id"`
	URL       string         `json:"url"`
	Title     string         `json:"title"`
	Stored    string         `json:"stored"`
	Published string         `json:"published"`
	Lang      string         `json:"lang"`
	Agency    string         `json:"agency"`
	Source    string         `json:"source"`
	Why       string         `json:"why"`
	Fetched   string         `json:"fetched"` // "" where the feed's text stands in, or retention took the page
	Status    int            `json:"status"`
	FinalURL  string         `json:"final_url"`
	Words     int            `json:"words"`
	Kept      int            `json:"kept"`    // blocks
	Removed   map[string]int `json:"removed"` // blocks by class
	Pruned    bool           `json:"pruned"`
	Withdrawn string         `json:"withdrawn"`
	Story     int64          `json:"story"`
	Relation  string         `json:"relation"`
	Of        int64          `json:"of"`
	Score     float64        `json:"score"`
	Rules     []traceRule    `json:"rules"`
}

// A traceRule is what became of one rule with one article.
type traceRule struct {
	Rule    string      `json:"rule"`
	Matched bool        `json:"matched"` // when it was stored
	Why     string      `json:"why"`     // why it did not match, or why nobody was told; "": it was told
	Told    []traceTold `json:"told"`    // what was told of the article, or of its story
	Below   []string    `json:"below"`   // which channels of the rule are told of more severe things only, as sentences
}

type traceTold struct {
	Delivery int64  `json:"delivery"`
	UID      string `json:"uid"`
	Kind     string `json:"kind"`
	News     string `json:"news"` // what kind does not say: of which news an update is, an escalation, from the archive; "": nothing
	Article  int64  `json:"article"`
	Channel  string `json:"channel"`
	State    string `json:"state"`
	Created  string `json:"created"`
	Due      string `json:"due"`
	Sent     string `json:"sent"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
	Why      string `json:"why"` // why it is where it is: what holds or silences it, the digest it went out in, or the error
}

func runTrace(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "one JSON line")
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	list, err := rulesOf(e, *file, "")
	if err != nil {
		return err
	}
	channels, err := configuredChannels(e, *file)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		t, err := traceOf(ctx, st, list, channels, rest[0], e.now())
		if err != nil {
			return err
		}
		if len(t.Polled) == 0 && len(t.Articles) == 0 {
			return fmt.Errorf("%q was never seen: no feed has listed it, unless under another address. `wirewatch feeds status` shows how each feed fares, `wirewatch search` finds an article by its words", rest[0])
		}
		if *asJSON {
			return printJSON(e.stdout, []traceJSON{t})
		}
		printTrace(e.stdout, t, colours(e.stdout, e.getenv))
		return nil
	})
}

// traceOf follows an article by its address or ID.
func traceOf(ctx context.Context, st *store.Store, list []rules.Rule, channels []configs.Channel, asked string, now time.Time) (traceJSON, error) {
	out := traceJSON{Asked: asked, Polled: []tracePoll{}, Articles: []traceArticle{}}
	id, err := strconv.ParseInt(asked, 10, 64)
	canonical := ""
	if err != nil {
		id, canonical = 0, dedup.Canonical(dedup.Resolve(asked))
		if u, err := url.Parse(canonical); err != nil || u.Scheme == "" || u.Host == "" {
			return out, usagef("trace: %q is neither a web address nor the ID of an article", asked)
		}
	}
	t, err := st.Trace(ctx, id, canonical)
	if err != nil {
		return out, err
	}
	for _, it := range t.Items {
		p := tracePoll{it.ID, it.Feed, it.Entry.URL, it.Entry.Title, stamp(it.FirstSeen), string(it.Origin), it.Quiet, string(it.State), stamp(it.FirstTry),
			it.Attempts, "", stamp(it.Visit), it.Error, it.Article, it.Fallback}
		if it.State == pipeline.ItemOpen {
			p.Due, p.Look = stamp(it.Due), ""
		}
		out.Polled = append(out.Polled, p)
	}
	for _, a := range t.Articles {
		row, err := traceOne(ctx, st, list, channels, &t, a, now)
		if err != nil {
			return out, err
		}
		out.Articles = append(out.Articles, row)
	}
	return out, nil
}

func traceOne(ctx context.Context, st *store.Store, list []rules.Rule, channels []configs.Channel, t *store.Trace, a pipeline.Article, now time.Time) (traceArticle, error) {
	page := t.Pages[a.ID]
	row := traceArticle{ID: a.ID, URL: a.URL, Title: a.Title, Stored: stamp(a.Seen), Published: cmp.Or(a.Date, stamp(a.Published)), Lang: a.Lang, Agency: a.Agency,
		Source: string(a.Source), Why: a.Why, Fetched: stamp(page.Fetched), Status: page.Status, FinalURL: page.FinalURL, Words: len(strings.Fields(a.Body)),
		Removed: map[string]int{}, Pruned: a.Pruned, Withdrawn: stamp(a.Withdrawn), Story: a.Story, Relation: a.Relation, Of: a.Of, Score: a.Score,
		Rules: []traceRule{}}
	for _, b := range a.Blocks {
		if b.Kept {
			row.Kept++
		} else {
			row.Removed[b.Class]++
		}
	}
	ms, err := st.Matches(ctx, store.MatchFilter{Article: a.ID})
	if err != nil {
		return row, err
	}
	matched := func(rule string) bool {
		return slices.ContainsFunc(ms, func(m store.MatchRow) bool { return m.Rule == rule })
	}
	quiet := !slices.ContainsFunc(t.Items, func(it pipeline.Item) bool { return it.Article == a.ID && !it.Quiet })
	for _, r := range list {
		x := traceRule{Rule: r.Name, Matched: matched(r.Name), Below: []string{}, Told: toldOf(t, r.Name, channels, now)}
		j, err := judge(r, lab.Doc(&a), a.Blocks)
		if err != nil {
			return row, err
		}
		switch {
		case !x.Matched && j.Held:
			x.Why = "it matches now; when the article was stored the rule was another, or not there"
		case !x.Matched && a.Pruned:
			x.Why = "its text is gone (retention); only the title is left to look at"
		case !x.Matched:
			x.Why = whyNot(j)
		case len(x.Told) == 0 && quiet:
			x.Why = "nobody was told: it was stored quietly (" + origins(t, a.ID) + ")"
		case len(x.Told) == 0 && r.Expired(now):
			x.Why = "nobody was told: the rule has expired, at " + stamp(r.Expires)
		case len(x.Told) == 0 && r.When != nil:
			x.Why = "nobody was told of it by itself: the rule counts (" + r.When.String() + "), and the number was not reached, or another article made it tell"
		case len(x.Told) == 0:
			x.Why = "nobody was told: the rule reached no channel then, or counted as told of the story before"
		}
		if x.Matched && len(x.Told) > 0 {
			x.Below = append(x.Below, below(r, channels, x.Told)...)
		}
		row.Rules = append(row.Rules, x)
	}
	for _, m := range ms {
		if !slices.ContainsFunc(list, func(r rules.Rule) bool { return r.Name == m.Rule }) {
			row.Rules = append(row.Rules, traceRule{Rule: m.Rule, Matched: true, Below: []string{}, Why: "the rule is not in the configuration any more", Told: toldOf(t, m.Rule, channels, now)})
		}
	}
	return row, nil
}

// below names the channels of a rule that were not told because they are told of more severe things only.
func below(r rules.Rule, channels []configs.Channel, told []traceTold) (out []string) {
	for _, c := range channels {
		if (len(r.Channels) == 0 || slices.Contains(r.Channels, c.Name)) && c.Quiet.Severity != "" && !pipeline.AtLeast(r.Severity, c.Quiet.Severity) &&
			!slices.ContainsFunc(told, func(d traceTold) bool { return d.Channel == c.Name }) {
			out = append(out, fmt.Sprintf("%s is told of %s and above only", c.Name, c.Quiet.Severity))
		}
	}
	return out
}

// toldOf lists the deliveries of a rule's alerts about the article or its story.
func toldOf(t *store.Trace, rule string, channels []configs.Channel, now time.Time) []traceTold {
	out := []traceTold{}
	for _, d := range t.Deliveries {
		if d.Alert.Rule == rule {
			out = append(out, traceTold{d.ID, d.UID, d.Alert.Kind, deliveryNews(d), d.Alert.Article.ID, d.Channel, string(d.State), stamp(d.Created), stamp(d.Due),
				stamp(d.Sent), d.Attempts, d.Error, waits(d, channels, now)})
		}
	}
	return out
}

// origins are the ways by which the items of an article came in.
func origins(t *store.Trace, article int64) string {
	var out []string
	for _, it := range t.Items {
		if o := string(it.Origin); it.Article == article && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return cmp.Or(strings.Join(out, ", "), "its item is not known any more")
}

// whyNot is one sentence on why a rule does not match: the limit that keeps it from the article, or the first nodes that do not hold.
func whyNot(j verdict) string {
	if j.Limit != "" {
		return "its query holds, but the rule is limited to " + j.Limit
	}
	const most = 3
	var missing []string
	missed(j.Tree, &missing)
	out := strings.Join(missing[:min(most, len(missing))], "; ")
	if n := len(missing) - most; n > 0 {
		out += fmt.Sprintf("; and %d more", n)
	}
	if len(j.Gone) > 0 {
		out += "; in what was removed from the page there is " + strings.Join(j.Gone, ", ")
	}
	return out
}

// missed collects the nodes to blame for a node that does not hold: what must be there and is not, or must not be and is. Where nothing
// of a node holds, the node as a whole is to blame.
func missed(x rules.Explanation, out *[]string) {
	before := len(*out)
	if slices.ContainsFunc(x.Parts, func(p rules.Explanation) bool { return p.Held }) {
		for _, p := range x.Parts {
			if !p.Held {
				missed(p, out)
			}
		}
	}
	if len(*out) == before {
		*out = append(*out, clip(x.Node, 2*wide)+": "+x.Why)
	}
}

func printTrace(w io.Writer, t traceJSON, colour bool) {
	say := func(head, format string, args ...any) {
		fmt.Fprintf(w, "%s %s\n", paint(colour, bold, fmt.Sprintf("%-10s", head)), alerts.Terminal(fmt.Sprintf(format, args...)))
	}
	for _, p := range t.Polled {
		say("polled", "%s by feed %s (%s): item %d, %s", p.Seen, p.Feed, p.Origin, p.Item, clip(p.Title, 2*wide))
		say("", "%s", p.URL)
		if p.Quiet {
			say("", "quiet: what matches is stored and told to nobody, but for what a replay sends")
		}
		switch {
		case p.State == string(pipeline.ItemOpen) && p.Tried == "":
			say("fetched", "not yet; it is due at %s", p.Due)
		case p.State == string(pipeline.ItemOpen):
			say("fetched", "tried %s since %s, again at %s: %s", count(p.Attempts, "time"), p.Tried, p.Due, p.Error)
		case p.State == string(pipeline.ItemDead):
			say("fetched", "failed for good after %s: %s; `wirewatch items retry %d` tries again", count(p.Attempts, "attempt"), p.Error, p.Item)
		case p.Article == 0 && p.Error != "":
			say("fetched", "not stored: %s", p.Error)
		case p.Look != "":
			say("", "its page is looked at again at %s", p.Look)
		}
	}
	for _, a := range t.Articles {
		fmt.Fprintln(w)
		say("article", "%d  %s", a.ID, clip(a.Title, 2*wide))
		say("", "%s", a.URL)
		switch {
		case a.Source == string(pipeline.SourceFeed):
			say("fetched", "the page could not be had (%s): this is the feed's own text", a.Why)
		case a.Fetched == "":
			say("fetched", "its page is kept no more (retention)")
		default:
			say("fetched", "%s, status %d, from %s", a.Fetched, a.Status, a.FinalURL)
		}
		if a.Withdrawn != "" {
			say("", "the page is gone since %s", a.Withdrawn)
		}
		if a.Pruned {
			say("extracted", "its text is gone (retention)")
		} else {
			say("extracted", "%s of %s%s; removed: %s", count(a.Words, "word"), cmp.Or(a.Published, "no date"), inLanguage(a.Lang), removedList(a.Removed))
		}
		joined := a.Relation
		if a.Of != 0 {
			joined = fmt.Sprintf("%s of %d, score %.2f", a.Relation, a.Of, a.Score)
		}
		if a.Story == 0 {
			say("joined", "not yet: a backfill stored it at %s, and it gets its story when that is at its end", a.Stored)
		} else {
			say("joined", "story %d at %s: %s; `wirewatch stories show %d` tells who else carries it", a.Story, a.Stored, joined, a.Story)
		}
		for _, r := range a.Rules {
			if !r.Matched {
				say("no match", "%s: %s", r.Rule, r.Why)
				continue
			}
			say("matched", "%s", r.Rule)
			if r.Why != "" {
				say("", "%s", r.Why)
			}
			for _, d := range r.Told {
				say("told", "%s", toldLine(d, a.ID))
			}
			for _, b := range r.Below {
				say("not told", "%s", b)
			}
		}
	}
}

// toldLine says what became of one delivery.
func toldLine(d traceTold, article int64) string {
	out := fmt.Sprintf("%s: %s", d.Channel, d.State)
	switch {
	case d.Sent != "":
		out += " at " + d.Sent
	case d.State == string(pipeline.DeliveryOpen):
		out += ", due at " + d.Due
	}
	kind := d.Kind
	if d.News != "" {
		kind += ": " + d.News
	}
	out += fmt.Sprintf(" (%s, delivery %d, %s)", kind, d.Delivery, d.UID)
	if d.Article != article && d.Article != 0 {
		out += fmt.Sprintf(", by article %d of the same story", d.Article)
	}
	if d.Why != "" {
		out += ": " + d.Why
	}
	return out
}

func inLanguage(lang string) string {
	if lang == "" {
		return ""
	}
	return " in " + lang
}

// removedList counts blocks by class.
func removedList(n map[string]int) string {
	var out []string
	for class, k := range n {
		out = append(out, fmt.Sprintf("%d %s", k, class))
	}
	slices.Sort(out)
	return cmp.Or(strings.Join(out, ", "), "nothing")
}
