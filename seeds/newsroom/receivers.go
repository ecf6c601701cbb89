package newsroom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// What Slack documents for incoming webhooks and Block Kit, in characters
// (https://docs.slack.dev/reference/block-kit/blocks).
const (
	slackBlocks  = 50
	slackSection = 3000
	slackField   = 2000
	slackHeader  = 150
	slackButton  = 75
	slackURL     = 3000
	slackTotal   = 13000 // measured, not documented: above it messages are refused
	slackBody    = 1 << 20
)

// SlackHook stands in for a Slack incoming webhook and is stricter than Slack:
// what Slack would silently repair or ring people for is a violation here.
// It answers as Slack does: 200 "ok"; 400 "invalid_payload", "no_text" or
// "invalid_blocks"; 429 with Retry-After. It is safe for concurrent use.
type SlackHook struct {
	// Every is the least time between two messages; 0 means one second.
	Every time.Duration
	// Busy is how many of the first requests are answered with 429 although
	// they keep the pace, so that obedience can be seen.
	Busy int

	now        func() time.Time
	mu         sync.Mutex
	last       time.Time // of the last accepted message
	notBefore  time.Time // what Retry-After asked for
	messages   []SlackMessage
	violations []string
	throttled  int
}

// SlackMessage is one accepted message.
type SlackMessage struct {
	At   time.Time
	Text string          // the fallback text
	Raw  json.RawMessage // the whole payload
}

// NewSlackHook returns a hook whose pace is measured with now.
func NewSlackHook(now func() time.Time) *SlackHook { return &SlackHook{now: now} }

// Messages are the accepted messages, in order.
func (h *SlackHook) Messages() []SlackMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.messages)
}

// Violations are sentences about what was wrong; none when all was right.
func (h *SlackHook) Violations() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.violations)
}

// Throttled says how many requests were answered with 429.
func (h *SlackHook) Throttled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.throttled
}

// ServeHTTP takes one message.
func (h *SlackHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, slackBody+1))
	h.mu.Lock()
	defer h.mu.Unlock()
	refuse := func(code int, answer, why string) {
		h.violations = append(h.violations, why)
		http.Error(w, answer, code)
	}
	if r.Method != http.MethodPost {
		refuse(http.StatusMethodNotAllowed, "method_not_allowed", "the method is "+r.Method+", want POST")
		return
	}
	if err != nil || len(body) > slackBody {
		refuse(http.StatusBadRequest, "invalid_payload", "the body breaks off or is longer than 1 MiB")
		return
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		refuse(http.StatusBadRequest, "invalid_payload", fmt.Sprintf("the content type is %q, want application/json", r.Header.Get("Content-Type")))
		return
	}
	at := h.now()
	every := h.Every
	if every == 0 {
		every = time.Second
	}
	// A twentieth of leeway: what was sent a second apart can arrive closer.
	early := !h.last.IsZero() && at.Sub(h.last) < every-every/20
	if at.Before(h.notBefore) {
		h.violations = append(h.violations, fmt.Sprintf("came back %s before Retry-After allowed", h.notBefore.Sub(at).Round(time.Millisecond)))
		early = true
	}
	if early || h.Busy > 0 {
		if !early {
			h.Busy--
		}
		h.throttled++
		h.notBefore = at.Add(time.Second - time.Second/20)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "rate_limited", http.StatusTooManyRequests)
		return
	}
	text, answer, faults := checkSlack(body)
	if len(faults) > 0 {
		h.violations = append(h.violations, faults...)
		http.Error(w, answer, http.StatusBadRequest)
		return
	}
	h.last = at
	h.messages = append(h.messages, SlackMessage{At: at, Text: text, Raw: slices.Clone(body)})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackElement struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"` // a string in context, an object in a button
	URL      string          `json:"url"`
	ImageURL string          `json:"image_url"`
	AltText  string          `json:"alt_text"`
}

type slackBlock struct {
	Type      string         `json:"type"`
	BlockID   string         `json:"block_id"`
	Text      *slackText     `json:"text"`
	Fields    []slackText    `json:"fields"`
	Elements  []slackElement `json:"elements"`
	Accessory *slackElement  `json:"accessory"`
	ImageURL  string         `json:"image_url"`
	AltText   string         `json:"alt_text"`
}

var slackTypes = []string{"section", "header", "divider", "context", "actions", "image", "rich_text", "markdown", "video", "table"}

// checkSlack returns the fallback text, the answer Slack would give, and the faults.
func checkSlack(body []byte) (text, answer string, faults []string) {
	var p struct {
		Text   *string           `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	}
	if !utf8.Valid(body) {
		return "", "invalid_payload", []string{"the body is not UTF-8"}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return "", "invalid_payload", []string{"the body is no JSON object: " + err.Error()}
	}
	if p.Text == nil || strings.TrimSpace(*p.Text) == "" {
		return "", "no_text", []string{"there is no fallback text"}
	}
	c := &slackCheck{}
	c.mrkdwn("text", *p.Text)
	total := 0
	if len(p.Blocks) > slackBlocks {
		c.fault("%d blocks, at most %d", len(p.Blocks), slackBlocks)
	}
	for i, raw := range p.Blocks {
		var b slackBlock
		if err := json.Unmarshal(raw, &b); err != nil {
			c.fault("block %d: %v", i, err)
			continue
		}
		total += c.block(fmt.Sprintf("block %d (%s)", i, b.Type), b)
	}
	if total > slackTotal {
		c.fault("%d characters in all, at most %d", total, slackTotal)
	}
	return *p.Text, "invalid_blocks", c.faults
}

type slackCheck struct{ faults []string }

func (c *slackCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// block checks one block and returns its number of characters.
func (c *slackCheck) block(where string, b slackBlock) int {
	n := 0
	if !slices.Contains(slackTypes, b.Type) {
		c.fault("%s: no such block type", where)
	}
	if utf8.RuneCountInString(b.BlockID) > 255 {
		c.fault("%s: block_id is longer than 255", where)
	}
	switch b.Type {
	case "header":
		if b.Text == nil || b.Text.Type != "plain_text" {
			c.fault("%s: the text must be plain_text", where)
		}
		n += c.text(where, b.Text, slackHeader)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 {
			c.fault("%s: neither text nor fields", where)
		}
		if b.Text != nil {
			n += c.text(where, b.Text, slackSection)
		}
		if len(b.Fields) > 10 {
			c.fault("%s: %d fields, at most 10", where, len(b.Fields))
		}
		for i := range b.Fields {
			n += c.text(fmt.Sprintf("%s field %d", where, i), &b.Fields[i], slackField)
		}
		if b.Accessory != nil {
			n += c.element(where+" accessory", *b.Accessory)
		}
	case "context":
		if len(b.Elements) == 0 || len(b.Elements) > 10 {
			c.fault("%s: %d elements, 1 to 10", where, len(b.Elements))
		}
		for _, e := range b.Elements {
			n += c.element(where, e)
		}
	case "actions":
		if len(b.Elements) == 0 || len(b.Elements) > 25 {
			c.fault("%s: %d elements, 1 to 25", where, len(b.Elements))
		}
		for _, e := range b.Elements {
			n += c.element(where, e)
		}
	case "image":
		if b.ImageURL == "" || b.AltText == "" || len(b.ImageURL) > slackURL {
			c.fault("%s: image_url (at most %d) and alt_text are needed", where, slackURL)
		}
	}
	return n
}

func (c *slackCheck) text(where string, t *slackText, limit int) int {
	if t == nil {
		return 0
	}
	n := utf8.RuneCountInString(t.Text)
	if n == 0 || n > limit {
		c.fault("%s: %d characters, 1 to %d", where, n, limit)
	}
	switch t.Type {
	case "mrkdwn":
		c.mrkdwn(where, t.Text)
	case "plain_text":
	default:
		c.fault("%s: text type %q", where, t.Type)
	}
	return n
}

func (c *slackCheck) element(where string, e slackElement) int {
	switch e.Type {
	case "mrkdwn", "plain_text":
		var s string
		if err := json.Unmarshal(e.Text, &s); err != nil {
			c.fault("%s: the text of a %s element must be a string", where, e.Type)
			return 0
		}
		return c.text(where, &slackText{e.Type, s}, slackSection)
	case "button":
		var t slackText
		if err := json.Unmarshal(e.Text, &t); err != nil || t.Type != "plain_text" {
			c.fault("%s: a button's text must be a plain_text object", where)
			return 0
		}
		if len(e.URL) > slackURL {
			c.fault("%s: a button's url is longer than %d", where, slackURL)
		}
		return c.text(where, &t, slackButton)
	case "image":
		if e.ImageURL == "" || e.AltText == "" {
			c.fault("%s: image_url and alt_text are needed", where)
		}
		return 0
	default:
		c.fault("%s: no element type %q", where, e.Type)
		return 0
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

// webhookTolerance is how far the signed time may be off, by the specification's advice.
const webhookTolerance = 5 * time.Minute

// webhookLimit is the body size that the specification asks senders to stay below.
const webhookLimit = 20 << 10

// Webhook is a receiver that verifies Standard Webhooks signatures
// (https://www.standardwebhooks.com) by its own reading of the specification. It answers 204; 401
// for a signature that does not hold; 400 for a body it cannot read; and, to
// show retries, 503 to the first attempt of every fifth message. It is safe
// for concurrent use.
type Webhook struct {
	// Path is checked when set: a message elsewhere is a violation.
	Path string

	key        []byte
	now        func() time.Time
	mu         sync.Mutex
	seen       map[string]*WebhookMessage
	order      []*WebhookMessage
	violations []string
}

// WebhookMessage is one message by its id, however often it was sent.
type WebhookMessage struct {
	ID       string
	Type     string    // event_type
	At       time.Time // when it was accepted; zero while it is not
	Attempts int       // how often it came
	Accepted int       // how often it was answered with 204; more than one is a repeat
	Body     json.RawMessage
}

// NewWebhook returns a receiver for a secret of the form "whsec_" + base64.
func NewWebhook(secret string, now func() time.Time) (*Webhook, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 {
		return nil, errors.New("webhook secret: want whsec_ and the base64 of at least 24 bytes")
	}
	return &Webhook{key: key, now: now, seen: map[string]*WebhookMessage{}}, nil
}

// Messages are all messages with a good signature, in order of first arrival.
func (h *Webhook) Messages() []WebhookMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []WebhookMessage
	for _, m := range h.order {
		out = append(out, *m)
	}
	return out
}

// Violations are sentences about what was wrong; none when all was right.
func (h *Webhook) Violations() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.violations)
}

// ServeHTTP takes one message.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, slackBody))
	h.mu.Lock()
	defer h.mu.Unlock()
	refuse := func(code int, why string) {
		h.violations = append(h.violations, why)
		http.Error(w, why, code)
	}
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusMethodNotAllowed, "the method is "+r.Method+", want POST")
		return
	case h.Path != "" && r.URL.Path != h.Path:
		refuse(http.StatusNotFound, "the path is "+r.URL.Path+", want "+h.Path)
		return
	case err != nil:
		refuse(http.StatusBadRequest, "the body breaks off: "+err.Error())
		return
	case len(body) > webhookLimit:
		refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes, at most %d", len(body), webhookLimit))
		return
	}
	id := r.Header.Get("webhook-id")
	if err := h.verify(id, r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body); err != nil {
		refuse(http.StatusUnauthorized, err.Error())
		return
	}
	var event struct {
		Version any    `json:"version"`
		Type    string `json:"event_type"`
	}
	if err := json.Unmarshal(body, &event); err != nil || event.Version == nil || event.Type == "" {
		refuse(http.StatusBadRequest, "message "+id+": want a JSON object with version and event_type")
		return
	}
	m := h.seen[id]
	if m == nil {
		m = &WebhookMessage{ID: id, Type: event.Type}
		h.seen[id] = m
		h.order = append(h.order, m)
	} else if !slices.Equal(m.Body, body) {
		// A repeat under the same id must be the same message, or a receiver that
		// drops repeats would lose what is new in it.
		h.violations = append(h.violations, "message "+id+" came again with another body")
	}
	m.Attempts++
	m.Body = slices.Clone(body)
	if m.Attempts == 1 && len(h.order)%5 == 0 {
		http.Error(w, "back in a moment", http.StatusServiceUnavailable)
		return
	}
	m.Accepted++
	m.At = h.now()
	w.WriteHeader(http.StatusNoContent)
}

// verify follows the specification: base64 of HMAC-SHA256 over
// "id.timestamp.body", one of several space-separated "v1,…" marks.
func (h *Webhook) verify(id, stamp, marks string, body []byte) error {
	if id == "" || stamp == "" || marks == "" {
		return errors.New("webhook-id, webhook-timestamp or webhook-signature is missing")
	}
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("message %s: webhook-timestamp %q is no Unix time", id, stamp)
	}
	if off := h.now().Sub(time.Unix(sec, 0)).Abs(); off > webhookTolerance {
		return fmt.Errorf("message %s: webhook-timestamp is off by %s", id, off.Round(time.Second))
	}
	mac := hmac.New(sha256.New, h.key)
	_, _ = io.WriteString(mac, id+"."+stamp+".") // a hash does not fail
	_, _ = mac.Write(body)
	want := mac.Sum(nil)
	for _, mark := range strings.Fields(marks) {
		v, sig, ok := strings.Cut(mark, ",")
		if !ok || v != "v1" {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(sig); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("message %s: no signature holds", id)
}
