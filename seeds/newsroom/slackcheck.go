package newsroom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What Slack documents for incoming webhooks and Block Kit, in characters
// (https://docs.slack.dev/reference/block-kit/blocks).
const (
	slackBlocks   = 50
	slackSection  = 3000
	slackField    = 2000
	slackHeader   = 150
	slackButton   = 75
	slackURL      = 3000
	slackTotal    = 13000 // measured, not documented: above it messages are refused
	slackFallback = 4000  // of the text; 40,000 are cut, 4,000 is what is recommended
	slackBody     = 1 << 20
)

// slackText is a text object (docs.slack.dev/reference/block-kit/composition-objects/text-object).
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`    // of plain_text alone
	Verbatim *bool  `json:"verbatim"` // of mrkdwn alone
}

type slackElement struct {
	Type     string            `json:"type"`
	Text     json.RawMessage   `json:"text"` // a string in context and rich text, an object in a button
	URL      string            `json:"url"`
	ImageURL string            `json:"image_url"`
	AltText  string            `json:"alt_text"`
	ActionID string            `json:"action_id"`
	Emoji    *bool             `json:"emoji"`
	Verbatim *bool             `json:"verbatim"`
	Style    json.RawMessage   `json:"style"` // of rich text
	Elements []json.RawMessage `json:"elements"`
}

type slackBlock struct {
	Type      string            `json:"type"`
	BlockID   string            `json:"block_id"`
	Text      *slackText        `json:"text"`
	Fields    []slackText       `json:"fields"`
	Elements  []json.RawMessage `json:"elements"`
	Accessory json.RawMessage   `json:"accessory"`
	ImageURL  string            `json:"image_url"`
	AltText   string            `json:"alt_text"`
}

var slackTypes = []string{"section", "header", "divider", "context", "actions", "image", "rich_text", "markdown", "video", "table"}

// CheckSlack lists what is wrong with a message to Slack: JSON with text and blocks. None: Slack takes it, and nothing in it is left to
// chance. It is stricter than Slack, see SlackHook.
func CheckSlack(body []byte) []string {
	_, _, faults := checkSlack(body)
	return faults
}

// checkSlack returns the fallback text, the answer Slack would give, and the faults.
func checkSlack(body []byte) (text, answer string, faults []string) {
	var p struct {
		Text        *string           `json:"text"`
		Blocks      []json.RawMessage `json:"blocks"`
		UnfurlLinks *bool             `json:"unfurl_links"`
		UnfurlMedia *bool             `json:"unfurl_media"`
	}
	if !utf8.Valid(body) {
		return "", "invalid_payload", []string{"the body is not UTF-8"}
	}
	if err := strictly(body, &p); err != nil {
		return "", "invalid_payload", []string{"the body is no JSON object of a message: " + err.Error()}
	}
	if p.Text == nil || strings.TrimSpace(*p.Text) == "" {
		return "", "no_text", []string{"there is no fallback text"}
	}
	return *p.Text, "invalid_blocks", checkMessage(*p.Text, p.Blocks)
}

// checkMessage lists what is wrong with the parts of a message.
func checkMessage(text string, blocks []json.RawMessage) []string {
	c := &slackCheck{ids: map[string]bool{}}
	c.mrkdwn("text", text)
	if n := utf8.RuneCountInString(text); n > slackFallback {
		c.fault("the text has %d characters, at most %d", n, slackFallback)
	}
	total := 0
	if len(blocks) > slackBlocks {
		c.fault("%d blocks, at most %d", len(blocks), slackBlocks)
	}
	for i, raw := range blocks {
		var b slackBlock
		if err := strictly(raw, &b); err != nil {
			c.fault("block %d: %v", i, err)
			continue
		}
		c.block(fmt.Sprintf("block %d (%s)", i, b.Type), b)
		total += utf8.RuneCount(raw)
	}
	if total > slackTotal {
		c.fault("%d characters in all, at most %d", total, slackTotal)
	}
	return c.faults
}

// strictly decodes JSON whose every field has to be known.
func strictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

type slackCheck struct {
	faults []string
	ids    map[string]bool // block_ids
}

func (c *slackCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// block checks one block.
func (c *slackCheck) block(where string, b slackBlock) {
	if !slices.Contains(slackTypes, b.Type) {
		c.fault("%s: no such block type", where)
	}
	if utf8.RuneCountInString(b.BlockID) > 255 {
		c.fault("%s: block_id is longer than 255", where)
	}
	if b.BlockID != "" && c.ids[b.BlockID] {
		c.fault("%s: block_id %q again", where, clip(b.BlockID))
	}
	c.ids[b.BlockID] = true
	switch b.Type {
	case "header":
		if b.Text == nil || b.Text.Type != "plain_text" {
			c.fault("%s: the text must be plain_text", where)
		}
		c.text(where, b.Text, slackHeader)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 {
			c.fault("%s: neither text nor fields", where)
		}
		if b.Text != nil {
			c.text(where, b.Text, slackSection)
		}
		if len(b.Fields) > 10 {
			c.fault("%s: %d fields, at most 10", where, len(b.Fields))
		}
		for i := range b.Fields {
			c.text(fmt.Sprintf("%s field %d", where, i), &b.Fields[i], slackField)
		}
		if b.Accessory != nil {
			c.element(where+" accessory", b.Accessory)
		}
	case "context":
		if len(b.Elements) == 0 || len(b.Elements) > 10 {
			c.fault("%s: %d elements, 1 to 10", where, len(b.Elements))
		}
		for _, raw := range b.Elements {
			c.element(where, raw)
		}
	case "actions":
		if len(b.Elements) == 0 || len(b.Elements) > 25 {
			c.fault("%s: %d elements, 1 to 25", where, len(b.Elements))
		}
		for _, raw := range b.Elements {
			c.element(where, raw)
		}
	case "image":
		if b.ImageURL == "" || b.AltText == "" || len(b.ImageURL) > slackURL {
			c.fault("%s: image_url (at most %d) and alt_text are needed", where, slackURL)
		}
	case "rich_text":
		if len(b.Elements) == 0 {
			c.fault("%s: it is empty", where)
		}
		for _, raw := range b.Elements {
			c.rich(where, raw)
		}
	}
}

// rich checks a section, list, quote or preformatted text of a rich_text block.
func (c *slackCheck) rich(where string, raw json.RawMessage) {
	var e slackElement
	if err := strictly(raw, &e); err != nil {
		c.fault("%s: %v", where, err)
		return
	}
	switch e.Type {
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
	case "rich_text_list":
		for _, x := range e.Elements {
			c.rich(where, x)
		}
		return
	default:
		c.fault("%s: no rich text element type %q", where, e.Type)
		return
	}
	if len(e.Elements) == 0 {
		c.fault("%s: an empty %s", where, e.Type)
	}
	for _, raw := range e.Elements {
		c.inline(where, raw)
	}
}

// inline checks what stands inside a rich text: words and links, and nothing that rings anyone.
func (c *slackCheck) inline(where string, raw json.RawMessage) {
	var e slackElement
	if err := strictly(raw, &e); err != nil {
		c.fault("%s: %v", where, err)
		return
	}
	if len(e.Style) > 0 {
		var style map[string]bool
		if err := json.Unmarshal(e.Style, &style); err != nil {
			c.fault("%s: style %s", where, e.Style)
		}
		for k := range style {
			if !slices.Contains([]string{"bold", "italic", "strike", "code", "underline"}, k) {
				c.fault("%s: no style %q", where, k)
			}
		}
	}
	var s string
	if err := json.Unmarshal(e.Text, &s); err != nil || s == "" || utf8.RuneCountInString(s) > slackSection {
		c.fault("%s: the text of a %s must be a string of 1 to %d characters", where, e.Type, slackSection)
	}
	switch e.Type {
	case "text":
		if e.URL != "" {
			c.fault("%s: a text has no url", where)
		}
	case "link":
		if u, err := url.Parse(e.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(e.URL) > slackURL {
			c.fault("%s: link to %q", where, clip(e.URL))
		}
	case "user", "usergroup", "broadcast", "channel", "team":
		c.fault("%s: a %s element rings people", where, e.Type)
	default:
		c.fault("%s: no inline type %q", where, e.Type)
	}
}

func (c *slackCheck) text(where string, t *slackText, limit int) {
	if t == nil {
		return
	}
	n := utf8.RuneCountInString(t.Text)
	if n == 0 || n > limit {
		c.fault("%s: %d characters, 1 to %d", where, n, limit)
	}
	switch t.Type {
	case "mrkdwn":
		if t.Emoji != nil {
			c.fault("%s: emoji is of plain_text alone", where)
		}
		c.mrkdwn(where, t.Text)
	case "plain_text":
		if t.Verbatim != nil {
			c.fault("%s: verbatim is of mrkdwn alone", where)
		}
	default:
		c.fault("%s: text type %q", where, t.Type)
	}
}

func (c *slackCheck) element(where string, raw json.RawMessage) {
	var e slackElement
	if err := strictly(raw, &e); err != nil {
		c.fault("%s: %v", where, err)
		return
	}
	switch e.Type {
	case "mrkdwn", "plain_text":
		var s string
		if err := json.Unmarshal(e.Text, &s); err != nil {
			c.fault("%s: the text of a %s element must be a string", where, e.Type)
			return
		}
		c.text(where, &slackText{Type: e.Type, Text: s, Emoji: e.Emoji, Verbatim: e.Verbatim}, slackSection)
	case "button":
		var t slackText
		if err := json.Unmarshal(e.Text, &t); err != nil || t.Type != "plain_text" {
			c.fault("%s: a button's text must be a plain_text object", where)
			return
		}
		if len(e.URL) > slackURL {
			c.fault("%s: a button's url is longer than %d", where, slackURL)
		}
		c.text(where, &t, slackButton)
	case "image":
		if e.ImageURL == "" || e.AltText == "" {
			c.fault("%s: image_url and alt_text are needed", where)
		}
	default:
		c.fault("%s: no element type %q", where, e.Type)
	}
}

var (
	slackLink   = regexp.MustCompile(`^<(https?://|mailto:)[^\s<>|]+(\|[^<>|]+)?>`)
	slackEntity = regexp.MustCompile(`^&(amp|lt|gt);`)
)

// mrkdwn faults what an unescaped headline would do: mentions, masked links to
// nowhere, bare control characters of Slack's markup.
func (c *slackCheck) mrkdwn(where, s string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '&':
			if !slackEntity.MatchString(s[i:]) {
				c.fault("%s: & is not escaped at %q", where, clip(s[i:]))
				return
			}
		case '<':
			m := slackLink.FindString(s[i:])
			if m == "" {
				c.fault("%s: < opens neither a link nor is it escaped at %q", where, clip(s[i:]))
				return
			}
			_, label, _ := strings.Cut(m, "|")
			for j := range len(label) {
				if label[j] == '&' && !slackEntity.MatchString(label[j:]) {
					c.fault("%s: & is not escaped in the link text %q", where, clip(label))
					return
				}
			}
			i += len(m) - 1
		case '>':
			c.fault("%s: > is not escaped at %q", where, clip(s[i:]))
			return
		}
	}
}
