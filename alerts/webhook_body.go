package alerts

import (
	"cmp"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// maxWebhookBody is what Standard Webhooks asks senders to stay below, in bytes.
const maxWebhookBody = 20_000

// Bounds of lists in a body.
const (
	maxBodyOutlets = 50
	maxBodySpans   = 100
	maxBodyAuthors = 20
	healthLen      = 1500 // characters of a message about Wirewatch itself
)

// webhookBody is version 1 of the contract with receivers. Fields may be added to a version; a field that changes its meaning
// makes a new one. Absent values are "" or []. Times are RFC 3339 in UTC. Texts are clean: valid UTF-8 on one line, without
// control and bidi characters; they are not escaped for HTML or anything else.
type webhookBody struct {
	Version   int           `json:"version"`
	EventType string        `json:"event_type"` // alert.match, alert.update, alert.test, …: "alert." and the kind
	ID        string        `json:"id"`         // the same as in webhook-id
	Timestamp string        `json:"timestamp"`  // when the alert arose; the same at every attempt
	Rule      bodyRule      `json:"rule"`
	Story     bodyStory     `json:"story"`
	Articles  []bodyArticle `json:"articles"`
	Matches   []bodyMatch   `json:"matches"`
	Health    *bodyHealth   `json:"health,omitempty"` // of alert.health alone; story and rule are empty then, articles and matches have nothing
	Update    *bodyUpdate   `json:"update,omitempty"` // with alert.update alone
	Count     *bodyCount    `json:"count,omitempty"`  // of a rule that counts alone
	// With alert.digest alone, in place of story, articles and matches: what it gathers, in the order of commit. ItemsLeft is how many were
	// left out to stay below 20 KB.
	Items     []bodyItem `json:"items,omitempty"`
	ItemsLeft int        `json:"items_left,omitempty"`
	// Of a message that nobody acknowledged, with the channels that were told first.
	Escalated []bodyTold `json:"escalated,omitempty"`
	Archive   bool       `json:"archive,omitempty"` // a replay tells it: it is of the past
	Truncated bool       `json:"truncated"`         // outlets, spans or snippets were left out to stay below 20 KB
}

// bodyHealth is what Wirewatch says of itself. Of one subject there is one message when a trouble begins and one when it is over.
type bodyHealth struct {
	Subject  string `json:"subject"` // feed:NAME, site:HOST, channel:NAME
	Seq      int    `json:"seq"`     // counts the messages about the subject, from 1
	State    string `json:"state"`   // trouble; over: it is well again; note: nothing lasting
	Trouble  string `json:"trouble"` // in a word: dead, gone, moved, broken
	Since    string `json:"since"`   // when it began
	Over     string `json:"over"`    // when it was over, "" before
	Headline string `json:"headline"`
	Text     string `json:"text"`
}

// bodyRule is what the configuration said of the rule when the alert arose.
type bodyRule struct {
	Name     string   `json:"name"`
	Severity string   `json:"severity"` // low, medium, high, critical
	Tags     []string `json:"tags"`
	Note     string   `json:"note"` // for the reader
}

type bodyStory struct {
	ID           int64        `json:"id"`
	Title        string       `json:"title"`
	OutletsTotal int          `json:"outlets_total"` // how many others carry it, those left out included
	Outlets      []bodyOutlet `json:"outlets"`
}

type bodyOutlet struct {
	Site      string `json:"site"`
	SiteName  string `json:"site_name"`
	Title     string `json:"title"`
	URL       string `json:"url"`
	Published string `json:"published"`
}

type bodyArticle struct {
	ID        int64    `json:"id"`
	URL       string   `json:"url"` // http or https, or ""
	Site      string   `json:"site"`
	SiteName  string   `json:"site_name"`
	Title     string   `json:"title"`
	Authors   []string `json:"authors"`
	Published string   `json:"published"`
	Date      string   `json:"date"` // as the page says it: RFC 3339 with its own offset, or a bare date
	Lang      string   `json:"lang"`
	Agency    string   `json:"agency"`
	Section   string   `json:"section"` // of the paper, as the page calls it
	Image     string   `json:"image"`   // http or https, or ""
	Source    string   `json:"source"`  // page; feed: the page could not be had, the text is the feed's own
	Why       string   `json:"why"`     // with feed: why
	Paywalled bool     `json:"paywalled"`
}

// bodyItem is an article in a digest: what the message about it alone would say, in short.
type bodyItem struct {
	ID        string      `json:"id"`         // of its own message, which it would have been, and which updates and acknowledgements name
	EventType string      `json:"event_type"` // of that message
	Timestamp string      `json:"timestamp"`
	Rule      bodyRule    `json:"rule"`
	Story     int64       `json:"story"`
	Outlets   int         `json:"outlets_total"`
	Article   bodyArticle `json:"article"`
	Snippets  []Passage   `json:"snippets"`
	Update    *bodyUpdate `json:"update,omitempty"`
	Health    *bodyHealth `json:"health,omitempty"` // of alert.health alone, as in its own message
}

type bodyTold struct {
	Channel string `json:"channel"`
	Sent    string `json:"sent"` // when it took the message, "" when it has not
}

// bodyUpdate says what became of an article that was told before: a new version of it (version), its page is gone (withdrawn), or more
// outlets carry its story (outlets).
type bodyUpdate struct {
	Of           string   `json:"of"`        // id of the message that told of the article first
	Told         string   `json:"told"`      // its timestamp
	Version      int      `json:"version"`   // of the article, from 2; 0: no new one is the news
	Corrected    bool     `json:"corrected"` // the version carries a notice of correction
	Withdrawn    bool     `json:"withdrawn"` // the page is gone: 404 or 410
	Outlets      int      `json:"outlets"`   // how many others carried the story when the update arose; 0: its growth is not the news
	RuleHolds    bool     `json:"rule_holds"`
	WordsRemoved int      `json:"words_removed"` // in all
	WordsAdded   int      `json:"words_added"`
	Changes      []Change `json:"changes"`      // shortened; runs in order, with "…" for what is left out
	ChangesLeft  int      `json:"changes_left"` // changes that are not shown whole
}

// bodyCount says how many came together. Of story, the outlets are those of the story; of query, the story's id is 0 and the outlets are
// the others that were counted.
type bodyCount struct {
	Of            string `json:"of"` // story, query
	By            string `json:"by"` // sources, articles
	N             int    `json:"n"`  // how many the rule asks for
	WithinSeconds int64  `json:"within_seconds"`
	Found         int    `json:"found"`   // how many there were when the alert arose
	Episode       int    `json:"episode"` // of query: counts what the rule told of, from 1; else 0
	Begins        string `json:"begins"`  // of query: when the first and the last of them were published; else ""
	Ends          string `json:"ends"`
}

type bodyMatch struct {
	Article  int64           `json:"article"`
	Spans    []pipeline.Span `json:"spans"`    // byte offsets: of title into the title here, of body into the stored body
	Snippets []Passage       `json:"snippets"` // hits are byte offsets into their text
}

// WebhookBody is the JSON that a webhook receives, below 20 KB. It is the same at every attempt of a delivery, as long as
// the store says the same of the alert.
func WebhookBody(d pipeline.Delivery) ([]byte, error) { return webhookBodyOf(d, Render(d)) }

// webhookBodyOf is WebhookBody of a delivery whose message is rendered already.
func webhookBodyOf(d pipeline.Delivery, m Message) ([]byte, error) {
	al, a := &d.Alert, &d.Alert.Article
	switch al.Kind {
	case pipeline.KindHealth:
		return healthBody(d)
	case pipeline.KindDigest:
		return digestBody(d, m.Whole)
	}
	body := webhookBody{
		Version: 1, EventType: "alert." + cmp.Or(line(al.Kind, nameLen), pipeline.KindMatch), ID: d.UID, Timestamp: stamp(al.Created),
		Rule:     ruleBody(m),
		Story:    bodyStory{ID: al.Story.ID, Title: cmp.Or(line(al.Story.Title, titleLen), m.Headline.Text), OutletsTotal: len(al.Outlets), Outlets: []bodyOutlet{}},
		Articles: []bodyArticle{articleBody(m, a)}, Archive: d.Archived,
	}
	for _, o := range al.Outlets[:min(maxBodyOutlets, len(al.Outlets))] {
		body.Story.Outlets = append(body.Story.Outlets, bodyOutlet{line(o.Site, nameLen), line(o.SiteName, nameLen),
			line(o.Title, titleLen), link(o.URL), stamp(o.Published)})
	}
	match := bodyMatch{Article: a.ID, Spans: bodySpans(m.Headline, a.Body, al.Spans), Snippets: snippets(m)}
	body.Update = updateBody(m, al.Update)
	for _, t := range d.Told {
		body.Escalated = append(body.Escalated, bodyTold{line(t.Channel, nameLen), stamp(t.Sent)})
	}
	if c := al.Count; c != nil {
		body.Count = &bodyCount{Of: string(c.Of), By: string(c.By), N: c.N, WithinSeconds: int64(c.Within / time.Second), Found: c.Found,
			Episode: c.Episode.Number, Begins: stamp(c.Episode.Begins), Ends: stamp(c.Episode.Ends)}
	}
	body.Truncated = len(al.Outlets) > maxBodyOutlets || len(a.Authors) > maxBodyAuthors
	if len(match.Spans) > maxBodySpans {
		match.Spans, body.Truncated = match.Spans[:maxBodySpans], true
	}
	for {
		body.Matches = []bodyMatch{match}
		b, err := encode(body)
		if err != nil {
			return nil, err
		}
		if len(b) < maxWebhookBody {
			return b, nil
		}
		body.Truncated = true
		switch art := &body.Articles[0]; {
		case len(body.Story.Outlets) > 0:
			body.Story.Outlets = body.Story.Outlets[:len(body.Story.Outlets)*3/4]
		case len(art.Authors) > 5: // a long byline tells less than a passage
			art.Authors = art.Authors[:len(art.Authors)/2]
		case len(match.Snippets) > 0:
			match.Snippets = match.Snippets[:len(match.Snippets)-1]
		case len(match.Spans) > 0:
			match.Spans = match.Spans[:len(match.Spans)/2]
		case len(art.Authors) > 0:
			art.Authors = art.Authors[:len(art.Authors)/2]
		case body.Update != nil && len(body.Update.Changes) > 0:
			body.Update.Changes = body.Update.Changes[:len(body.Update.Changes)-1]
			body.Update.ChangesLeft++
		default:
			return nil, fmt.Errorf("the body has %d bytes and nothing left to leave out", len(b))
		}
	}
}

func articleBody(m Message, a *pipeline.Article) bodyArticle {
	b := bodyArticle{
		ID: a.ID, URL: m.Link, Site: m.Site, SiteName: line(a.SiteName, nameLen), Title: m.Headline.Text, Authors: []string{},
		Published: stamp(a.Published), Date: line(a.Date, 40), Lang: m.Lang, Agency: m.Agency, Section: line(a.Section, nameLen),
		Image: link(a.Image), Source: string(a.Source),
		Why: line(a.Why, noteLen), Paywalled: a.Paywalled,
	}
	for _, n := range a.Authors[:min(maxBodyAuthors, len(a.Authors))] {
		b.Authors = append(b.Authors, line(n, nameLen))
	}
	return b
}

func snippets(m Message) []Passage {
	out := []Passage{}
	if len(m.Headline.Hits) > 0 {
		out = append(out, m.Headline)
	}
	for _, p := range m.Passages {
		out = append(out, Passage{p.Field, p.Text, append([]Hit{}, p.Hits...)})
	}
	return out
}

func updateBody(m Message, u *pipeline.Update) *bodyUpdate {
	if u == nil {
		return nil
	}
	return &bodyUpdate{Of: u.UID, Told: stamp(u.Told), Version: u.Version, Corrected: u.Corrected, Withdrawn: u.Withdrawn,
		Outlets: u.Outlets, RuleHolds: !u.Lapsed, WordsRemoved: u.Removed, WordsAdded: u.Added,
		Changes: append([]Change{}, m.Changes...), ChangesLeft: u.Left}
}

func ruleBody(m Message) bodyRule {
	return bodyRule{m.Rule, m.Severity, append([]string{}, m.Tags...), m.RuleNote}
}

// digestBody is WebhookBody of a digest. To stay below 20 KB it leaves out snippets and changes first, from the last item on, then items,
// unless it is to be whole.
func digestBody(d pipeline.Delivery, whole bool) ([]byte, error) {
	body := webhookBody{
		Version: 1, EventType: "alert." + pipeline.KindDigest, ID: d.UID, Timestamp: stamp(d.Alert.Created), Rule: bodyRule{Name: line(d.Alert.Rule, nameLen), Tags: []string{}},
		Story: bodyStory{Outlets: []bodyOutlet{}}, Articles: []bodyArticle{}, Matches: []bodyMatch{}, Items: []bodyItem{}, Archive: d.Archived,
	}
	for _, x := range d.Alert.Members {
		if x.Alert.Kind == pipeline.KindHealth {
			body.Items = append(body.Items, bodyItem{ID: x.UID, EventType: "alert." + x.Alert.Kind, Timestamp: stamp(x.Alert.Created),
				Rule: bodyRule{Tags: []string{}}, Article: bodyArticle{Authors: []string{}}, Snippets: []Passage{}, Health: ofHealth(&x.Alert)})
			continue
		}
		m, a := Render(x), x.Alert.Article
		body.Items = append(body.Items, bodyItem{ID: x.UID, EventType: "alert." + x.Alert.Kind, Timestamp: stamp(x.Alert.Created), Rule: ruleBody(m),
			Story: x.Alert.Story.ID, Outlets: len(x.Alert.Outlets), Article: articleBody(m, &a), Snippets: snippets(m), Update: updateBody(m, x.Alert.Update)})
	}
	for {
		b, err := encode(body)
		if err != nil {
			return nil, err
		}
		if len(b) < maxWebhookBody {
			return b, nil
		}
		body.Truncated = true
		i := len(body.Items) - 1
		for i >= 0 && len(body.Items[i].Snippets) == 0 && (body.Items[i].Update == nil || len(body.Items[i].Update.Changes) == 0) {
			i--
		}
		switch {
		case i >= 0:
			x := &body.Items[i]
			x.Snippets = []Passage{}
			if x.Update != nil {
				x.Update.ChangesLeft += len(x.Update.Changes)
				x.Update.Changes = []Change{}
			}
		case len(body.Items) > 1 && whole:
			return nil, errNoRoom
		case len(body.Items) > 1:
			body.Items = body.Items[:len(body.Items)-1]
			body.ItemsLeft++
		default:
			return nil, fmt.Errorf("the body has %d bytes and nothing left to leave out", len(b))
		}
	}
}

// bodySpans are the spans as receivers can use them: those of the title moved to the title they get, those of the body as
// they are.
func bodySpans(title Passage, body string, spans []pipeline.Span) []pipeline.Span {
	out := []pipeline.Span{}
	for _, h := range title.Hits {
		out = append(out, pipeline.Span{Field: "title", Start: h.Start, End: h.End})
	}
	for _, h := range hitsIn("body", body, spans) {
		out = append(out, pipeline.Span{Field: "body", Start: h.Start, End: h.End})
	}
	return out
}

// stamp is a time as RFC 3339 in UTC, "" when unknown.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// healthBody is WebhookBody of an alert that is about Wirewatch itself.
func healthBody(d pipeline.Delivery) ([]byte, error) {
	al := &d.Alert
	return encode(webhookBody{
		Version: 1, EventType: "alert." + pipeline.KindHealth, ID: d.UID, Timestamp: stamp(al.Created),
		Rule: bodyRule{Tags: []string{}}, Story: bodyStory{Outlets: []bodyOutlet{}}, Articles: []bodyArticle{}, Matches: []bodyMatch{},
		Health: ofHealth(al),
	})
}

func ofHealth(al *pipeline.Alert) *bodyHealth {
	state := "trouble"
	switch {
	case al.Health.Notice:
		state = "note"
	case !al.Health.Over.IsZero():
		state = "over"
	}
	return &bodyHealth{Subject: line(al.Subject, titleLen), Seq: al.Seq, State: state, Trouble: line(al.Health.Trouble, nameLen), Since: stamp(al.Health.Since),
		Over: stamp(al.Health.Over), Headline: line(al.Article.Title, titleLen), Text: line(al.Health.Text, healthLen)}
}
