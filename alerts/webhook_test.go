package alerts

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"wirewatch/configs"
	"wirewatch/pipeline"
)

const (
	oldKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newKey = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD4cEwDTYsD1w="
)

// A hook is a receiver that keeps what it gets.
type hook struct {
	*httptest.Server
	bodies  [][]byte
	headers []http.Header
}

func newHook(t testing.TB, answer http.HandlerFunc) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.bodies, h.headers = append(h.bodies, b), append(h.headers, r.Header)
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// Each of several keys verifies with the library of the standard's authors, and no other key does.
func TestStandardWebhooks(t *testing.T) {
	srv := newHook(t, nil)
	clock := time.Now() // the library holds timestamps against the real clock
	settings := fmt.Sprintf("kind: webhook\nurl: %s/in\nsecret: %s\nsecrets: [%s]\nheaders: {X-Team: desk}", srv.URL, oldKey, newKey)
	w := mustChannel(t, settings).(*webhook)
	w.post.now = func() time.Time { return clock }
	for name, d := range samples() {
		if _, err := w.Send(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, h := srv.bodies[len(srv.bodies)-1], srv.headers[len(srv.headers)-1]
		if h.Get("webhook-id") != d.UID || h.Get("X-Team") != "desk" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
			t.Errorf("%s: headers %v", name, h)
		}
		for _, key := range []string{oldKey, newKey, secretPrefix + newKey} {
			v, err := standardwebhooks.NewWebhook(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(body, h); err != nil {
				t.Errorf("%s with %s: %v", name, key, err)
			}
			if err := v.Verify(append(bytes.Clone(body), ' '), h); err == nil {
				t.Errorf("%s: a changed body verifies", name)
			}
		}
		other, err := standardwebhooks.NewWebhook(base64.StdEncoding.EncodeToString([]byte("another key of enough bytes")))
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Verify(body, h); err == nil {
			t.Errorf("%s: another key verifies", name)
		}
	}
}

// A second attempt has the same id and body and a new timestamp.
func TestWebhookRepeats(t *testing.T) {
	srv := newHook(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	w := mustChannel(t, "kind: webhook\nurl: "+srv.URL+"\nsecret: "+newKey).(*webhook)
	for i := range 2 {
		w.post.now = func() time.Time { return now.Add(time.Duration(i) * time.Minute) }
		if _, err := w.Send(t.Context(), samples()["english"]); err == nil {
			t.Error("502 is taken for a yes")
		}
	}
	a, b := srv.headers[0], srv.headers[1]
	if a.Get("webhook-id") != b.Get("webhook-id") || !bytes.Equal(srv.bodies[0], srv.bodies[1]) {
		t.Error("the attempts differ")
	}
	if a.Get("webhook-timestamp") != strconv.FormatInt(now.Unix(), 10) || b.Get("webhook-timestamp") != strconv.FormatInt(now.Unix()+60, 10) ||
		a.Get("webhook-signature") == b.Get("webhook-signature") {
		t.Errorf("%v\n%v", a, b)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		after   string
		verdict pipeline.Verdict
		wait    time.Duration
	}{
		{301, "", pipeline.Final, 0}, {302, "", pipeline.Final, 0}, {307, "", pipeline.Final, 0}, {308, "", pipeline.Final, 0},
		{400, "", pipeline.Final, 0}, {401, "", pipeline.Final, 0}, {404, "", pipeline.Final, 0}, {422, "9", pipeline.Final, 0},
		{408, "", pipeline.Retry, 0}, {410, "", pipeline.Gone, 0}, {429, "12", pipeline.Throttled, 12 * time.Second}, {429, "", pipeline.Throttled, 0},
		{429, "soon", pipeline.Throttled, 0}, {500, "", pipeline.Retry, 0}, {503, "", pipeline.Retry, 0}, {503, "5", pipeline.Throttled, 5 * time.Second},
		{503, now.Add(time.Hour).Format(http.TimeFormat), pipeline.Throttled, time.Hour}, {599, "", pipeline.Retry, 0},
	} {
		srv := newHook(t, func(w http.ResponseWriter, r *http.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.Header().Set("Location", "/other")
			w.WriteHeader(c.status)
		})
		_, err := mustChannel(t, "kind: webhook\nurl: "+srv.URL+"/in").Send(t.Context(), samples()["english"])
		if f := pipeline.AsFailure(err); err == nil || f.Verdict != c.verdict || f.After != c.wait || f.Reason != fmt.Sprintf("status %d", c.status) {
			t.Errorf("%d: verdict %d after %s: %v", c.status, f.Verdict, f.After, err)
		}
		if len(srv.bodies) != 1 {
			t.Errorf("%d: %d requests", c.status, len(srv.bodies))
		}
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		srv := newHook(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
		if _, err := mustChannel(t, "kind: webhook\nurl: "+srv.URL).Send(t.Context(), samples()["english"]); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// What breaks on the way is tried again; an answer without end is not read to its end.
func TestWebhookBroken(t *testing.T) {
	reset := newHook(t, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	endless := newHook(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for i := 0; i < 1<<10; i++ {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		t.Error("64 MB of an answer were read")
	})
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		url     string
		verdict pipeline.Verdict
	}{"reset": {reset.URL, pipeline.Retry}, "closed": {closed.URL, pipeline.Retry}, "endless": {endless.URL, pipeline.Final}} {
		_, err := mustChannel(t, "kind: webhook\nurl: "+c.url).Send(t.Context(), samples()["english"])
		if f := pipeline.AsFailure(err); err == nil || f.Verdict != c.verdict {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWebhookSettings(t *testing.T) {
	for settings, want := range map[string]string{
		"secret: not base64!":                      "openssl rand -base64 32",
		"secret: whsec_***":                        "neither",
		"secrets: [" + newKey + ", 'x']":           "secrets: is neither",
		"secret: whsk_" + newKey:                   "asymmetric",
		"headers: {webhook-id: x}":                 "set by Wirewatch itself",
		"headers: {content-type: x}":               "set by Wirewatch itself",
		"headers: {'X Y': x}":                      "not the name of a header",
		`headers: {X-A: "a\r\nX-B: b"}`:            "control characters",
		"every: -1s":                               "", // refused by the configuration or by the kind
		"headers: {'X Y': x}\nsecret: not base64!": "\n",
	} {
		text := "channels:\n  - name: desk\n    kind: webhook\n    url: https://h.example/x\n    " + strings.ReplaceAll(settings, "\n", "\n    ") + "\n"
		cfg, err := configs.Parse("t.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		ch, err := newWebhook("desk", cfg.Channels[0].Settings, Deps{})
		if err == nil || !strings.Contains(err.Error(), want) || ch != nil {
			t.Errorf("%s: %v", settings, err)
		}
	}
	for settings, want := range map[string]int{
		"url: https://h.example/x":                                       1,
		"url: https://h.example/x\nsecret: " + newKey:                    0,
		"url: https://h.example/x\nsecret: " + oldKey:                    0,
		"url: https://h.example/x\nsecret: whsec_c2hvcnQ=":               1,
		"url: http://h.example/x\nsecret: " + newKey:                     1,
		"url: http://127.0.0.1:1/x\nsecret: " + newKey:                   0,
		"url: https://h.example/x\nevery: 2s\nsecrets: [" + newKey + "]": 0,
	} {
		ch := mustChannel(t, "kind: webhook\n"+settings)
		if got := ch.(interface{ Warnings() []string }).Warnings(); len(got) != want {
			t.Errorf("%s: %q", settings, got)
		}
		if p := ch.Pace(); strings.Contains(settings, "every") != (p == 2*time.Second) {
			t.Errorf("%s: pace %s", settings, p)
		}
	}
}

// The largest bodies stay below 20 KB, are well formed, and say that they are cut.
func TestWebhookLargest(t *testing.T) {
	for name, d := range largest() {
		b, err := WebhookBody(d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var body webhookBody
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&body); err != nil {
			t.Fatal(err)
		}
		if len(b) >= 20_000 || !body.Truncated || !utf8.Valid(b) || body.Story.OutletsTotal != 300 || len(body.Matches[0].Snippets) == 0 {
			t.Errorf("%s: %d bytes, truncated %t, %d snippets", name, len(b), body.Truncated, len(body.Matches[0].Snippets))
		}
		checkPositions(t, name, body)
	}
}

// Hits are the words they claim to be, in snippets as in the title.
func TestWebhookPositions(t *testing.T) {
	for name, d := range samples() {
		b, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		var body webhookBody
		if err := json.Unmarshal(b, &body); err != nil {
			t.Fatal(err)
		}
		if body.Health != nil {
			if d.Alert.Kind != pipeline.KindHealth || len(body.Articles)+len(body.Matches) != 0 || body.Health.Subject != d.Alert.Subject {
				t.Errorf("%s: %+v", name, body)
			}
			continue
		}
		snippets, of := [][]Passage{}, []pipeline.Delivery{d}
		if d.Alert.Kind == pipeline.KindDigest {
			if of = d.Alert.Members; len(body.Items) != len(of) || len(body.Articles)+len(body.Matches) != 0 {
				t.Fatalf("%s: %+v", name, body)
			}
			for _, x := range body.Items {
				snippets = append(snippets, x.Snippets)
			}
		} else {
			checkPositions(t, name, body)
			snippets = append(snippets, body.Matches[0].Snippets)
		}
		var words, want []string
		for i, d := range of {
			for _, s := range snippets[i] {
				for _, h := range s.Hits {
					words = append(words, s.Text[h.Start:h.End])
				}
			}
			for _, s := range d.Alert.Spans {
				text := map[string]string{"title": d.Alert.Article.Title, "body": d.Alert.Article.Body}[s.Field]
				want = append(want, text[s.Start:s.End])
			}
		}
		if !slices.Equal(words, want) {
			t.Errorf("%s: %q, want %q", name, words, want)
		}
	}
}

func checkPositions(t *testing.T, name string, body webhookBody) {
	t.Helper()
	for _, s := range body.Matches[0].Snippets {
		at := 0
		for _, h := range s.Hits {
			if h.Start < at || h.End <= h.Start || h.End > len(s.Text) || !utf8.ValidString(s.Text[h.Start:h.End]) {
				t.Errorf("%s: hit %v in %q", name, h, s.Text)
			}
			at = h.End
		}
	}
	for _, s := range body.Matches[0].Spans {
		if s.Field == "title" && s.End > len(body.Articles[0].Title) {
			t.Errorf("%s: span %v in title of %d bytes", name, s, len(body.Articles[0].Title))
		}
	}
}
