package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"
	"wirewatch/seeds/newsroom"
)

// A slackServer stands in for Slack's incoming webhooks: it enforces what is documented and refuses the rest in Slack's own
// words. Only a message within every limit gets its ok.
type slackServer struct {
	*httptest.Server
	mu       sync.Mutex
	messages [][]byte
	refused  []string
}

func newSlackServer(t testing.TB) *slackServer {
	s := &slackServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && (r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")) {
			err = fmt.Errorf("%s with %s", r.Method, r.Header.Get("Content-Type"))
		}
		if err == nil {
			err = slackLimits(body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.refused = append(s.refused, err.Error())
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, "invalid_blocks")
			return
		}
		s.messages = append(s.messages, body)
		io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s
}

func checkSlack(t testing.TB, body []byte) {
	t.Helper()
	if err := slackLimits(body); err != nil {
		t.Errorf("Slack would refuse: %v\n%.2000s", err, body)
	}
}

// slackPayload is the body of a request to an incoming webhook, in the standard form.
func slackPayload(m Message) ([]byte, error) {
	x, err := slackFit(m)
	if err != nil {
		return nil, err
	}
	return encode(x)
}

var slackMarkup = regexp.MustCompile("<[!@#]|<https?:|[*_~`]")

// slackLimits checks a payload against docs.slack.dev, as the demo's stand-in does, and against what our messages promise beyond that:
// nothing in the fallback is markup, and the blocks have ids and hold words and links alone.
func slackLimits(body []byte) error {
	if faults := newsroom.CheckSlack(body); len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	var msg struct {
		Text   string            `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(body, &msg); err != nil {
		return err
	}
	if m := slackMarkup.FindString(msg.Text); m != "" {
		return fmt.Errorf("markup %q in text %q", m, msg.Text)
	}
	if len(msg.Blocks) == 0 {
		return errors.New("no blocks")
	}
	for _, raw := range msg.Blocks {
		var b struct {
			Type     string
			BlockID  string `json:"block_id"`
			Elements []struct {
				Type     string
				Emoji    *bool
				Elements []struct{ Type string }
			}
			Text *struct {
				Type     string `json:"type"`
				Text     string `json:"text"`
				Verbatim bool   `json:"verbatim"`
			} `json:"text"`
		}
		if err := json.Unmarshal(raw, &b); err != nil {
			return err
		}
		switch {
		case b.BlockID == "":
			return fmt.Errorf("a block without id: %s", raw)
		case b.Type == "section": // of a template
			if b.Text == nil || b.Text.Type != "mrkdwn" || !b.Text.Verbatim || b.Text.Text == "" || utf8.RuneCountInString(b.Text.Text) > 3000 {
				return fmt.Errorf("section %s", raw)
			}
			rest := regexp.MustCompile(`<(https?://[^\s<>|]*)(\|[^<>|]*)?>`).ReplaceAllString(b.Text.Text, "$2")
			if i := strings.IndexAny(rest, "<>@`_[]"); i >= 0 || strings.Contains(rest, "://") || strings.Count(rest, "*")%2 != 0 || strings.Count(rest, "~")%2 != 0 {
				return fmt.Errorf("markup in section %q", rest)
			}
		case b.Type != "context" && b.Type != "rich_text":
			return fmt.Errorf("block %q of type %s", b.BlockID, b.Type)
		}
		for _, e := range b.Elements {
			if b.Type == "context" && (e.Type != "plain_text" || e.Emoji == nil || *e.Emoji) || b.Type == "rich_text" && e.Type != "rich_text_section" {
				return fmt.Errorf("%s in %s", e.Type, b.Type)
			}
			for _, x := range e.Elements {
				if x.Type != "text" && x.Type != "link" {
					return fmt.Errorf("element %s", x.Type)
				}
			}
		}
	}
	return nil
}

// The stand-in refuses what it is there to refuse.
func TestSlackServerIsStrict(t *testing.T) {
	good, err := slackPayload(Render(samples()["english"]))
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"no text":         strings.Replace(string(good), `"text":"`, `"text":"","x":"`, 1),
		"empty":           `{"text":"a","blocks":[]}`,
		"mention in text": `{"text":"<!channel>","blocks":[{"type":"context","block_id":"a","elements":[{"type":"plain_text","emoji":false,"text":"a"}]}]}`,
		"mrkdwn":          `{"text":"a","blocks":[{"type":"context","block_id":"a","elements":[{"type":"mrkdwn","text":"a"}]}]}`,
		"empty element":   `{"text":"a","blocks":[{"type":"rich_text","block_id":"a","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}]}`,
		"broadcast":       `{"text":"a","blocks":[{"type":"rich_text","block_id":"a","elements":[{"type":"rich_text_section","elements":[{"type":"broadcast","range":"channel"}]}]}]}`,
		"same id twice":   strings.Replace(string(good), "msg_en:context", "msg_en", 1),
		"long id":         strings.Replace(string(good), "msg_en:context", strings.Repeat("x", 256), 1),
		"too long":        strings.Replace(string(good), `"elements":[{"type":"text","text":"`, `"elements":[`+strings.Repeat(`{"type":"text","text":"`+strings.Repeat("x", 2900)+`"},`, 5)+`{"type":"text","text":"`, 1),
	} {
		if bad == string(good) || slackLimits([]byte(bad)) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestSlackSends(t *testing.T) {
	srv := newSlackServer(t)
	ch := mustChannel(t, "kind: slack\nurl: "+srv.URL+"/services/T0/B0/abcdefgh")
	if ch.Pace() != time.Second {
		t.Errorf("pace %s", ch.Pace())
	}
	for name, d := range samples() {
		if _, err := ch.Send(t.Context(), d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Contains(srv.messages[len(srv.messages)-1], []byte(`"block_id":"`+d.UID+`"`)) {
			t.Errorf("%s: the id is not in a block_id", name)
		}
	}
	if len(srv.refused) > 0 {
		t.Error(srv.refused)
	}
}

// Hits are bold inside words, where mrkdwn could not make them so.
func TestSlackBoldInsideWords(t *testing.T) {
	b, err := slackPayload(Render(samples()["korean"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"type":"text","text":"포탄","style":{"bold":true}},{"type":"text","text":"이 든`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
}

func TestSlackAnswers(t *testing.T) {
	checkAnswers(t, []answerCase{
		{200, "", "", pipeline.Retry, "no yes", 0},
		{200, "<html>login</html>", "", pipeline.Retry, "no yes", 0},
		{200, "invalid_payload", "", pipeline.Final, "invalid_payload", 0},
		{200, `{"ok":false,"error":"channel_not_found"}`, "", pipeline.Gone, "channel_not_found", 0},
		{204, "", "", pipeline.Retry, "no yes", 0},
		{302, "", "", pipeline.Final, "status 302", 0},
		{400, "invalid_payload", "", pipeline.Final, "invalid_payload", 0},
		{400, "invalid_blocks", "", pipeline.Final, "invalid_blocks", 0},
		{400, "something new", "", pipeline.Final, "something new", 0},
		{403, "action_prohibited", "", pipeline.Final, "action_prohibited", 0},
		{403, "invalid_token", "", pipeline.Gone, "invalid_token", 0},
		{404, "no_service", "", pipeline.Gone, "no_service", 0},
		{404, "channel_not_found", "", pipeline.Gone, "channel_not_found", 0},
		{410, "channel_is_archived", "", pipeline.Gone, "channel_is_archived", 0},
		{410, "", "", pipeline.Gone, "status 410", 0},
		{408, "", "", pipeline.Retry, "status 408", 0},
		{429, "rate_limited", "30", pipeline.Throttled, "rate_limited", 30 * time.Second},
		{429, "", "", pipeline.Throttled, "status 429", time.Second},
		{429, "", now.Add(90 * time.Second).Format(http.TimeFormat), pipeline.Throttled, "status 429", 90 * time.Second},
		{429, "", "-5", pipeline.Throttled, "status 429", time.Second},
		{500, "rollup_error", "", pipeline.Retry, "rollup_error", 0},
		{500, "no_service", "", pipeline.Retry, "no_service", 0},
		{503, "", "7", pipeline.Throttled, "status 503", 7 * time.Second},
		{503, "", "", pipeline.Retry, "status 503", 0},
	}, func(url string) pipeline.Channel { return mustChannel(t, "kind: slack\nurl: "+url+"/services/x") })
}

// An answerCase is what a receiver answers, and what that means.
type answerCase struct {
	status  int
	body    string
	after   string // Retry-After
	verdict pipeline.Verdict
	reason  string
	wait    time.Duration
}

// checkAnswers lets a channel send to a receiver that answers so.
func checkAnswers(t *testing.T, cases []answerCase, channel func(url string) pipeline.Channel) {
	t.Helper()
	for _, c := range cases {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			if c.status/100 == 3 {
				w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			}
			w.WriteHeader(c.status)
			if c.status != 204 {
				io.WriteString(w, c.body)
			}
		}))
		_, err := channel(srv.URL).Send(t.Context(), samples()["english"])
		srv.Close()
		if err == nil {
			t.Errorf("%d %q is taken for a yes", c.status, c.body)
			continue
		}
		if f := pipeline.AsFailure(err); f.Verdict != c.verdict || f.Reason != c.reason || f.After != c.wait {
			t.Errorf("%d %q: verdict %d, reason %q, after %s: %v", c.status, c.body, f.Verdict, f.Reason, f.After, err)
		}
	}
}

// The largest message there can be stays within the limits, and the largest of all parts still goes out.
func TestSlackLargest(t *testing.T) {
	for name, d := range largest() {
		b, err := slackPayload(Render(d))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkSlack(t, b)
	}
}

// largest are deliveries that press against every limit.
func largest() map[string]pipeline.Delivery {
	out := map[string]pipeline.Delivery{}
	for name, word := range map[string]string{"latin": `a"b\ `, "korean": "가나", "emoji": "👨‍👩‍👧‍👦 ", "marks": "e\u0301\u0302\u0303 ", "no spaces": "x"} {
		long := strings.Repeat(word, 100_000/len(word))
		a := pipeline.Article{URL: "https://h.example/" + strings.Repeat("a", 1900), Site: long[:len(word)*20], SiteName: long, Title: long, Body: long,
			Agency: long, Lang: long, Why: long, Date: long, Source: pipeline.SourceFeed, Paywalled: true, Published: now}
		for range 200 {
			a.Authors = append(a.Authors, long[:len(word)*50])
		}
		d := delivery(strings.Repeat("u", 200), long, "$^", a)
		d.Alert.About = pipeline.About{Severity: long, Note: long, Tags: slices.Repeat([]string{long}, 50)}
		for i := 0; i+len(word) < len(long); i += 2 * len(word) {
			d.Alert.Spans = append(d.Alert.Spans, pipeline.Span{Field: "body", Start: i, End: i + len(word)}, pipeline.Span{Field: "title", Start: i, End: i + len(word)})
		}
		for range 300 {
			d.Alert.Outlets = append(d.Alert.Outlets, pipeline.Outlet{Site: long[:len(word)*30], SiteName: long[:len(word)*30], Title: long[:len(word)*300], URL: a.URL, Published: now})
		}
		out[name] = d
	}
	return out
}

func TestSlackRefusesWhatIsNoAddress(t *testing.T) {
	for _, u := range []string{"hooks.slack.com/services/canary", "ftp://h/canary", "'not an address canary'", "https://"} {
		_, err := newChannel(t, "kind: slack\nurl: "+u)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := newChannel(t, "kind: slack"); err == nil {
		t.Error("no url is accepted")
	}
	if _, err := newChannel(t, "kind: slack\nurl: https://h/x\nsecert: x"); err == nil {
		t.Error("an unknown key is accepted")
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer srv.Close()
	defer close(stop)
	for _, kind := range overHTTP() {
		ch := mustChannel(t, least(t, kind, srv.URL))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := ch.Send(ctx, samples()["english"])
		cancel()
		if f := pipeline.AsFailure(err); err == nil || f.Verdict != pipeline.Retry || f.Reason != "timeout" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
