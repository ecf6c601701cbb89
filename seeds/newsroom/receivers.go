package newsroom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// webhookTolerance is how far the signed time may be off, by the specification's advice.
const webhookTolerance = 5 * time.Minute

// webhookBody is how much of a body is read at all.
const webhookBody = 1 << 20

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
	body, err := io.ReadAll(io.LimitReader(r.Body, webhookBody))
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
