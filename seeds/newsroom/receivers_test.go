package newsroom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func post(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestSlackHookIsStrict(t *testing.T) {
	section := func(text string) string {
		return `{"text":"a","blocks":[{"type":"section","text":{"type":"mrkdwn","text":` + quote(text) + `}}]}`
	}
	header := func(kind, text string) string {
		return `{"text":"a","blocks":[{"type":"header","text":{"type":"` + kind + `","text":` + quote(text) + `}}]}`
	}
	for _, c := range []struct {
		name, body, answer string
		code               int
	}{
		{"plain", `{"text":"hello"}`, "ok", 200},
		{"link and bold", section("*<https://example.org/a?b=1&amp;c=2|A &amp; B>*\n\n_x_"), "ok", 200},
		{"whole alert", `{"text":"Rule: title","blocks":[
			{"type":"header","text":{"type":"plain_text","text":"<!channel> & co"}},
			{"type":"section","fields":[{"type":"mrkdwn","text":"a"}],"text":{"type":"mrkdwn","text":"b"}},
			{"type":"context","elements":[{"type":"mrkdwn","text":"c"},{"type":"image","image_url":"https://example.org/i","alt_text":"i"}]},
			{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"},"url":"https://example.org"}]},
			{"type":"divider"}]}`, "ok", 200},
		{"no JSON", `payload=1`, "invalid_payload", 400},
		{"broken UTF-8", "{\"text\":\"\xff\"}", "invalid_payload", 400},
		{"no text", `{"blocks":[{"type":"divider"}]}`, "no_text", 400},
		{"mention", section("<!channel> read this"), "invalid_blocks", 400},
		{"user", section("<@U123> read this"), "invalid_blocks", 400},
		{"script link", section("<javascript:alert(1)|click>"), "invalid_blocks", 400},
		{"bare ampersand", section("A & B"), "invalid_blocks", 400},
		{"bare ampersand in a link", section("<https://example.org|A & B>"), "invalid_blocks", 400},
		{"bare angle", section("a > b"), "invalid_blocks", 400},
		{"mention in the fallback", `{"text":"<!here>"}`, "invalid_blocks", 400},
		{"section too long", section(strings.Repeat("ж", 3001)), "invalid_blocks", 400},
		{"section as long as can be", section(strings.Repeat("ж", 3000)), "ok", 200},
		{"empty section", section(""), "invalid_blocks", 400},
		{"header too long", header("plain_text", strings.Repeat("h", 151)), "invalid_blocks", 400},
		{"header in mrkdwn", header("mrkdwn", "h"), "invalid_blocks", 400},
		{"unknown block", `{"text":"a","blocks":[{"type":"banner"}]}`, "invalid_blocks", 400},
		{"too many blocks", `{"text":"a","blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks", 400},
		{"too much in all", `{"text":"a","blocks":[` + strings.TrimSuffix(strings.Repeat(`{"type":"section","text":{"type":"plain_text","text":"`+strings.Repeat("x", 2900)+`"}},`, 5), ",") + `]}`, "invalid_blocks", 400},
	} {
		h := NewSlackHook(time.Now)
		w := post(h, c.body)
		if w.Code != c.code || strings.TrimSpace(w.Body.String()) != c.answer {
			t.Errorf("%s: %d %q, want %d %q; %v", c.name, w.Code, w.Body, c.code, c.answer, h.Violations())
		}
		if bad := len(h.Violations()) > 0; bad != (c.code != 200) {
			t.Errorf("%s: violations %v", c.name, h.Violations())
		}
	}
}

func TestSlackHookKeepsItsPace(t *testing.T) {
	clock := time.Now()
	h := NewSlackHook(func() time.Time { return clock })
	h.Busy = 1
	w := post(h, `{"text":"a"}`)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Fatalf("busy: %d", w.Code)
	}
	clock = clock.Add(300 * time.Millisecond)
	if w := post(h, `{"text":"a"}`); w.Code != http.StatusTooManyRequests || len(h.Violations()) != 1 {
		t.Errorf("too early: %d, %v", w.Code, h.Violations())
	}
	clock = clock.Add(time.Second)
	if w := post(h, `{"text":"a"}`); w.Code != http.StatusOK {
		t.Errorf("after the wait: %d", w.Code)
	}
	if w := post(h, `{"text":"b"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("burst: %d", w.Code)
	}
	clock = clock.Add(time.Second)
	if w := post(h, `{"text":"b"}`); w.Code != http.StatusOK {
		t.Errorf("a second later: %d", w.Code)
	}
	if got := h.Messages(); len(got) != 2 || got[1].Text != "b" || h.Throttled() != 3 {
		t.Errorf("messages %v, throttled %d", got, h.Throttled())
	}
}

func TestWebhookVerifies(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	clock := time.Unix(1614265330, 0)
	h, err := NewWebhook(secret, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	// The example of the specification's reference libraries.
	if err := h.verify("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte(`{"test": 2432232314}`)); err != nil {
		t.Error("the specification's example:", err)
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	send := func(id, body string, at time.Time, with []byte) int {
		stamp := fmt.Sprint(at.Unix())
		mac := hmac.New(sha256.New, with)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		sig := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		return post(h, body, "webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", "v1,bm8= "+sig).Code
	}
	const good = `{"version":1,"event_type":"alert.match"}`
	for i := 1; i <= 10; i++ {
		want := http.StatusNoContent
		if i%5 == 0 {
			want = http.StatusServiceUnavailable
		}
		if got := send(fmt.Sprint("m", i), good, clock, key); got != want {
			t.Errorf("message %d: %d, want %d", i, got, want)
		}
	}
	if got := send("m5", good, clock, key); got != http.StatusNoContent {
		t.Errorf("second attempt: %d", got)
	}
	if bad := h.Violations(); len(bad) > 0 {
		t.Fatal(bad)
	}
	for name, got := range map[string]int{
		"other key":    send("x", good, clock, []byte("another key that is long enough")),
		"old":          send("x", good, clock.Add(-6*time.Minute), key),
		"future":       send("x", good, clock.Add(6*time.Minute), key),
		"unsigned":     post(h, good).Code,
		"no event":     send("x", `{"version":1}`, clock, key) + 1,
		"other body":   send("m1", `{"version":1,"event_type":"other"}`, clock, key) + 197,
		"far too long": send("x", `{"version":1,"event_type":"`+strings.Repeat("x", webhookLimit)+`"}`, clock, key) - 12,
	} {
		if got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
	}
	if got := len(h.Violations()); got != 7 {
		t.Errorf("%d violations, want 7: %v", got, h.Violations())
	}
	m := h.Messages()
	if len(m) != 10 || m[4].Attempts != 2 || m[4].Accepted != 1 || m[9].Accepted != 0 || m[0].Accepted != 2 {
		t.Errorf("messages: %+v", m)
	}
}
