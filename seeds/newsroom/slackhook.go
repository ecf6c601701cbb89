package newsroom

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"
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
	pace       slackPace
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

// Forgive lets a sender come back before Retry-After allows, as one may that ended before it wrote down what it was asked for.
func (h *SlackHook) Forgive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pace.notBefore = time.Time{}
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
	early, why := h.pace.early(at, h.Every)
	if why != "" {
		h.violations = append(h.violations, why)
	}
	if early || h.Busy > 0 {
		if !early {
			h.Busy--
		}
		h.throttled++
		h.pace.refuse(w, at)
		http.Error(w, "rate_limited", http.StatusTooManyRequests)
		return
	}
	text, answer, faults := checkSlack(body)
	if len(faults) > 0 {
		h.violations = append(h.violations, faults...)
		http.Error(w, answer, http.StatusBadRequest)
		return
	}
	h.pace.last = at
	h.messages = append(h.messages, SlackMessage{At: at, Text: text, Raw: slices.Clone(body)})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}

// slackPace is when a sender may post again.
type slackPace struct {
	last      time.Time // of the last accepted message
	notBefore time.Time // what Retry-After asked for
}

// early reports whether a message comes too early, every (0: one second) being the least time between two, and what rule that
// breaks, if any: a sender need not know the pace, but it has to wait when it is told to.
func (p *slackPace) early(at time.Time, every time.Duration) (early bool, broken string) {
	if every == 0 {
		every = time.Second
	}
	if at.Before(p.notBefore) {
		return true, fmt.Sprintf("came back %s before Retry-After allowed", p.notBefore.Sub(at).Round(time.Millisecond))
	}
	// A twentieth of leeway: what was sent a second apart can arrive closer.
	return !p.last.IsZero() && at.Sub(p.last) < every-every/20, ""
}

// refuse asks for a second's patience.
func (p *slackPace) refuse(w http.ResponseWriter, at time.Time) {
	p.notBefore = at.Add(time.Second - time.Second/20)
	w.Header().Set("Retry-After", "1")
}
