package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A fault is a way for a receiver to be unwell.
type fault int

const (
	well   fault = iota
	broken       // 500, with the request in the answer
	reset        // the connection ends before anything was taken
	unsaid       // it takes the message, and the connection ends before it says so
	later        // 429 with Retry-After
	odd          // 200 with an error in the body, where that is no yes; else 502
	hang         // no answer
	refuse       // 400: the message is dead
	down         // 503 to everything
)

// A receiver is a strict stand-in behind a layer of faults. It notes what was taken, and what broke the rules.
type receiver struct {
	name   string
	strict http.Handler
	shares map[fault]float64 // of the requests that are not otherwise ill
	odd    string            // the body of a 200 that is no yes; "": any 200 is one
	down   func() bool
	calm   func() bool // no message is refused and no request hangs any more

	mu        sync.Mutex
	rand      *rand.Rand
	requests  int
	faults    map[fault]int
	dead      int             // the last daemon that was killed
	asked     time.Time       // when it asked for patience last,
	notBefore time.Time       // and until when
	refused   map[string]bool // by id
	known     map[string]bool // ids that were taken
	taken     []taken         // in order
	wrong     []string
}

// taken is one message that a receiver took, at one attempt.
type taken struct {
	id   string
	body []byte
}

func (x *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed on the way
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	x.mu.Lock()
	defer x.mu.Unlock()
	// What a killed daemon had sent is lost on the way, when it gets its turn only now: whatever it is answered, no other daemon can know.
	if n, err := strconv.Atoi(r.URL.Query().Get("daemon")); err == nil && n <= x.dead {
		cut(w)
		return
	} else if err != nil {
		x.wrong = append(x.wrong, "a request of no daemon")
	}
	id := r.Header.Get("webhook-id")
	f := x.fault(id)
	x.requests++
	x.faults[f]++
	if id == "" {
		x.wrong = append(x.wrong, "a message without an id")
	}
	if early := time.Until(x.notBefore); early > 0 {
		x.wrong = append(x.wrong, fmt.Sprintf("came back %s before Retry-After allowed", early.Round(time.Millisecond)))
	}
	switch f {
	case broken:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "cannot handle %s %v", r.URL, r.Header) // receivers that say too much must not make us repeat it
	case reset:
		cut(w)
	case later:
		x.asked = time.Now()
		x.notBefore = x.asked.Add(time.Second - time.Second/20)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case odd:
		if x.odd == "" {
			w.WriteHeader(http.StatusBadGateway)
		}
		io.WriteString(w, x.odd)
	case hang:
		x.mu.Unlock()
		select {
		case <-r.Context().Done(): // most often the sender is killed first
		case <-time.After(3 * time.Second):
		}
		x.mu.Lock()
		cut(w)
	case refuse:
		x.refused[id] = true
		w.WriteHeader(http.StatusBadRequest)
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		rec := httptest.NewRecorder()
		x.strict.ServeHTTP(rec, r)
		if rec.Code < 300 {
			x.known[id] = true
			x.taken = append(x.taken, taken{id, body})
		}
		if f == unsaid {
			cut(w)
			return
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
	}
}

// fault draws what befalls a request. A message that was taken once is not refused when it comes again, and none twice, so that a replay
// gets through.
func (x *receiver) fault(id string) fault {
	if x.down != nil && x.down() {
		return down
	}
	p := x.rand.Float64()
	for f := broken; f < down; f++ {
		if p -= x.shares[f]; p >= 0 {
			continue
		}
		if x.calm() && (f == hang || f == refuse) || f == refuse && (x.known[id] || x.refused[id]) {
			return well
		}
		return f
	}
	return well
}

// cut ends a connection without an answer.
func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}

// first are the ids of what was taken, each where it was taken first.
func (x *receiver) first() (ids []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := map[string]bool{}
	for _, m := range x.taken {
		if !seen[m.id] {
			ids = append(ids, m.id)
		}
		seen[m.id] = true
	}
	return ids
}

func (x *receiver) violations() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := slices.Clone(x.wrong)
	if s, ok := x.strict.(interface{ Violations() []string }); ok {
		out = append(out, s.Violations()...)
	}
	return out
}

// mattermostHook stands in for an incoming webhook: it takes a text within the limit in which nobody is mentioned, and nothing else.
type mattermostHook struct{ wrong []string }

func (h *mattermostHook) Violations() []string { return h.wrong }

// ServeHTTP takes one message. The receiver in front of it lets in one at a time.
func (h *mattermostHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Text string `json:"text"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if n := utf8.RuneCountInString(m.Text); err != nil || n == 0 || n > 16_383 || strings.Contains(m.Text, "@") {
		h.wrong = append(h.wrong, fmt.Sprintf("%v, %d characters: %.200q", err, n, m.Text))
		http.Error(w, `{"id":"web.incoming_webhook.parse.app_error"}`, http.StatusBadRequest)
		return
	}
	io.WriteString(w, "ok")
}
