package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"
	"wirewatch/pipeline/diff"
)

// Slack's limits, from docs.slack.dev (Block Kit reference, rate limits). The one on the whole message is not documented;
// Slack answers msg_blocks_too_long from about 13,000 characters on (slackapi/bolt-js issue 2509).
const (
	slackPace    = time.Second // one message a second and channel
	slackBlockID = 255
	slackTotal   = 12_000 // characters of the blocks as JSON, which counts more than Slack does
	slackItems   = 45     // of a digest, one block each; Slack takes 50 blocks
	slackNotice  = 300    // of the fallback text; notifications show about half of it
)

// slack sends to an incoming webhook. The message is made of rich_text blocks, not of mrkdwn: there a title is a string
// and nothing in it can be markup, a mention or another link; and bold works inside a word, which Korean particles and
// languages without spaces need.
type slack struct{ *chat }

func newSlack(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	to, own, err := addressed(settings, mrkdwn, anyAddress)
	if err != nil {
		return nil, err
	}
	return &slack{newChat("slack", name, slackPace, to, own, deps)}, nil
}

// Payload is the body of the request that Send makes.
func (s *slack) Payload(d pipeline.Delivery) ([]byte, error) { return s.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (s *slack) Fits(d pipeline.Delivery) bool { return fits(s, d) }

func (s *slack) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	x, err := s.slackMessage(m)
	if err != nil {
		return nil, err
	}
	return encode(x)
}

// slackMessage is a message for Slack, by its own template where there is one.
func (c *chat) slackMessage(m Message) (slackMessage, error) {
	return worded(c.kind, c.own, m, func(m Message, own *string) (slackMessage, bool, error) {
		if own != nil {
			x, fits := slackOwn(m, *own)
			return x, fits, nil
		}
		x, err := slackFit(m)
		return x, true, err
	})
}

// Send posts the message. Slack says yes with status 200 and the body "ok", and with nothing else.
func (s *slack) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := s.say(ctx, d, s.Payload)
	if err != nil {
		return "", err
	}
	word := clip(s.post.scrub(slackWord(a.body)), 60)
	if a.status == http.StatusOK && word == "ok" {
		return "", nil // the hook gives a message no name
	}
	return "", s.post.judge(a, word, slackRefusals[word])
}

// slackWord is the one word that Slack answers with, from plain text or from JSON.
func slackWord(body string) string {
	var j struct{ Error string }
	if json.Unmarshal([]byte(body), &j) == nil && j.Error != "" {
		body = j.Error
	}
	return strings.TrimSpace(body)
}

// slackRefusals are the words with which Slack refuses (docs.slack.dev, "Sending messages using incoming webhooks").
var slackRefusals = map[string]refusal{
	"invalid_payload":                         {pipeline.Final, "Slack does not understand the message"},
	"invalid_blocks":                          {pipeline.Final, "Slack does not accept the message's blocks"},
	"invalid_blocks_format":                   {pipeline.Final, "Slack does not accept the message's blocks"},
	"msg_blocks_too_long":                     {pipeline.Final, "the message is too long for Slack"},
	"no_text":                                 {pipeline.Final, "Slack found no text in the message"},
	"user_not_found":                          {pipeline.Final, "the user the hook posts to does not exist"},
	"action_prohibited":                       {pipeline.Final, "an administrator has restricted posting here; ask them, then replay"},
	"posting_to_general_channel_denied":       {pipeline.Final, "an administrator has restricted posting to the general channel"},
	"too_many_attachments":                    {pipeline.Final, "Slack does not accept the message"},
	"channel_not_found":                       {pipeline.Gone, "the hook's channel does not exist any more; make a hook for another"},
	"channel_is_archived":                     {pipeline.Gone, "the hook's channel is archived; unarchive it or make a hook for another"},
	"no_service":                              {pipeline.Gone, "the hook is removed, disabled or mistyped; make a new one and put its address into `url`"},
	"no_service_id":                           {pipeline.Gone, "the hook's address is incomplete; copy it again from the app's settings"},
	"no_active_hooks":                         {pipeline.Gone, "the hook is disabled; enable it or make a new one"},
	"no_team":                                 {pipeline.Gone, "the workspace does not exist, or the hook's address is mistyped"},
	"team_disabled":                           {pipeline.Gone, "the workspace is disabled"},
	"invalid_token":                           {pipeline.Gone, "the hook's address is mistyped or revoked; copy it again from the app's settings"},
	"message_limit_exceeded":                  {pipeline.Throttled, "the workspace has reached its limit of messages"},
	"org_login_required":                      {pipeline.Retry, "the workspace is being moved to an organisation"},
	"missing_text_or_fallback_or_attachments": {pipeline.Final, "Slack found no text in the message"},
}

// The parts of Block Kit that a message uses.
type (
	slackMessage struct {
		Text        string       `json:"text"`
		Blocks      []slackBlock `json:"blocks"`
		UnfurlLinks bool         `json:"unfurl_links"` // false: a preview would say it all again
		UnfurlMedia bool         `json:"unfurl_media"`
	}
	slackBlock struct {
		Type     string         `json:"type"`
		BlockID  string         `json:"block_id"`
		Elements []slackElement `json:"elements,omitempty"`
		Text     *slackMrkdwn   `json:"text,omitempty"` // of a section
	}
	slackMrkdwn struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Verbatim bool   `json:"verbatim"` // true: Slack makes no links and mentions of its own
	}
	slackElement struct {
		Type     string         `json:"type"`
		Text     string         `json:"text,omitempty"`
		URL      string         `json:"url,omitempty"`
		Emoji    *bool          `json:"emoji,omitempty"`
		Style    *slackStyle    `json:"style,omitempty"`
		Elements []slackElement `json:"elements,omitempty"`
	}
	slackStyle struct {
		Bold   bool `json:"bold,omitempty"`
		Strike bool `json:"strike,omitempty"`
	}
)

var (
	slackBold   = &slackStyle{Bold: true}
	slackStrike = &slackStyle{Strike: true}
)

// slackFit makes a message that Slack takes.
func slackFit(m Message) (slackMessage, error) {
	if n := len(m.Items) - slackItems; n > 0 {
		if m.Whole {
			return slackMessage{}, errNoRoom
		}
		m.Items, m.Left = m.Items[:slackItems], m.Left+n
	}
	return fit(m, func(m Message) (slackMessage, bool, error) {
		blocks := slackBlocks(m)
		n, err := encode(blocks)
		return slackMessage{Text: slackNote(m), Blocks: blocks}, utf8.RuneCount(n) <= slackTotal, err
	})
}

// slackNote is the text of notifications.
func slackNote(m Message) string {
	return slackText(clip(m.Mark()+m.Headline.Text+" — "+strings.Join(m.Context(), " · "), slackNotice))
}

func slackBlocks(m Message) []slackBlock {
	id := clip(m.UID, slackBlockID-10)
	rich := func(part string, es []slackElement) slackBlock {
		return slackBlock{Type: "rich_text", BlockID: id + part, Elements: []slackElement{{Type: "rich_text_section", Elements: es}}}
	}
	var head []slackElement
	if mark := m.Mark(); mark != "" {
		head = append(head, slackElement{Type: "text", Text: mark, Style: slackBold})
	}
	head = append(head, slackLink(m.Headline.Text, m.Link, slackBold))
	blocks := []slackBlock{rich("", head)} // the first block carries the delivery's id as it is
	if c := m.Context(); len(c) > 0 {
		blocks = append(blocks, slackContext(id+":context", strings.Join(c, " · ")))
	}
	if m.RuleNote != "" {
		blocks = append(blocks, slackContext(id+":rule-note", "note: "+m.RuleNote))
	}
	for i, p := range m.shown() {
		var es []slackElement
		hits := 0
		p.runs(func(s string, hit bool) {
			e := slackElement{Type: "text", Text: slackLiteral(s)}
			if hits++; hit && hits < 40 { // each style costs room; a text of nothing but hits needs none
				e.Style = slackBold
			}
			es = append(es, e)
		})
		blocks = append(blocks, rich(fmt.Sprintf(":text%d", i+1), es))
	}
	for _, c := range m.Changes {
		var es []slackElement
		for _, r := range c.Runs {
			e := slackElement{Type: "text", Text: slackLiteral(r.Text)}
			switch r.Op {
			case diff.Removed:
				e.Style = slackStrike
			case diff.Added:
				e.Style = slackBold
			}
			es = append(es, e)
		}
		blocks = append(blocks, rich(":changed-"+c.Field, es))
	}
	for i, x := range m.Items {
		blocks = append(blocks, rich(fmt.Sprintf(":item%d", i+1), slackItem(x)))
	}
	if m.Left > 0 {
		blocks = append(blocks, slackContext(id+":left", m.leftOut()))
	}
	if m.Carried > 0 {
		es := []slackElement{{Type: "text", Text: m.carriedBy() + " "}}
		for i, o := range m.Outlets {
			if i > 0 {
				es = append(es, slackElement{Type: "text", Text: ", "})
			}
			es = append(es, slackLink(o.Name, o.Link, nil))
		}
		if n := m.Carried - len(m.Outlets); n > 0 {
			es = append(es, slackElement{Type: "text", Text: fmt.Sprintf(" and %d more", n)})
		}
		blocks = append(blocks, rich(":outlets", es))
	}
	if len(m.Notes) > 0 {
		blocks = append(blocks, slackContext(id+":notes", strings.Join(m.Notes, " · ")))
	}
	return blocks
}

// slackItem is an item of a digest: its headline, where it is from, and its first passage or how many words changed.
func slackItem(x Message) []slackElement {
	var es []slackElement
	if mark := x.Mark(); mark != "" {
		es = append(es, slackElement{Type: "text", Text: mark, Style: slackBold})
	}
	es = append(es, slackLink(x.Headline.Text, x.Link, slackBold))
	under := x.Context()
	if x.Carried > 0 {
		under = append(under, fmt.Sprintf("%d more outlets", x.Carried))
	}
	if len(under) > 0 {
		es = append(es, slackElement{Type: "text", Text: "\n" + slackLiteral(strings.Join(under, " · "))})
	}
	if ps := x.shown(); len(ps) > 0 {
		es = append(es, slackElement{Type: "text", Text: "\n"})
		ps[0].runs(func(s string, hit bool) {
			e := slackElement{Type: "text", Text: slackLiteral(s)}
			if hit && len(es) < 40 {
				e.Style = slackBold
			}
			es = append(es, e)
		})
	}
	return es
}

// slackLink is a link, or its text alone when there is no address.
func slackLink(text, to string, style *slackStyle) slackElement {
	e := slackElement{Type: "text", Text: slackLiteral(text), Style: style}
	if to != "" {
		e.Type, e.URL = "link", to
	}
	return e
}

// slackContext is a line in small print. It is plain_text, where nothing is markup and emoji names stay names.
func slackContext(id, text string) slackBlock {
	return slackBlock{Type: "context", BlockID: id, Elements: []slackElement{{Type: "plain_text", Text: slackLiteral(text), Emoji: new(bool)}}}
}

// encode is JSON without the escapes that only HTML needs.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
