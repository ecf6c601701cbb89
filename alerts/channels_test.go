package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// A payloader says what it would send.
type payloader interface {
	Payload(d pipeline.Delivery) ([]byte, error)
}

// Every kind's stand-in takes every sample, and the golden file of the kind shows what it took.
func TestEveryChannelSendsSamples(t *testing.T) {
	all, names := samples(), sampleNames()
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			s := newStage(t, k.Name, "")
			var out bytes.Buffer
			for _, name := range names {
				got := s.last(t, all[name])
				if sent, err := s.ch.(payloader).Payload(all[name]); err != nil || k.Name != "slack_app" && k.Name != "email" && !bytes.Equal(sent, got) {
					t.Errorf("%s is not what it says it would send: %v, %s", name, err, sent) // the two have a form of their own on the way
				}
				if k.Name == "file" || k.Name == "stdout" || k.Name == "webhook" || k.Name == "slack" {
					continue // TestGolden has these
				}
				fmt.Fprintf(&out, "-- %s --\n%s", name, indented(t, got))
			}
			if out.Len() > 0 {
				golden(t, "samples."+k.Name+".txt", out.Bytes())
			}
		})
	}
}

// The largest message there can be goes out within every receiver's limits, and so does the largest digest, with what was left out counted.
func TestLargest(t *testing.T) {
	if raced {
		t.Skip("one message after the other, for minutes under the race detector: not measured")
	}
	big := digest("msg_big", slices.Repeat([]pipeline.Delivery{samples()["english"], samples()["korean"]}, 100)...)
	for _, kind := range []string{"discord", "teams", "telegram", "mattermost", "ntfy", "matrix"} { // the others have tests of their own
		for _, d := range largest() {
			newStage(t, kind, "").last(t, d)
		}
		got := newStage(t, kind, "").last(t, big)
		if !bytes.Contains(got, []byte(" more articles, for which")) {
			t.Errorf("%s does not say how much it leaves out: %.300s", kind, got)
		}
	}
}

// What each receiver says, and what that means.
func TestAnswers(t *testing.T) {
	type answer struct {
		status  int
		body    string
		after   string
		verdict pipeline.Verdict
		wait    time.Duration
	}
	const yes = pipeline.Verdict(-1)
	common := []answer{
		{302, "", "", pipeline.Final, 0},
		{410, "", "", pipeline.Gone, 0},
		{408, "", "", pipeline.Retry, 0},
		{500, "", "", pipeline.Retry, 0},
		{502, "<html>bad gateway</html>", "", pipeline.Retry, 0},
		{503, "", "7", pipeline.Throttled, 7 * time.Second},
		{429, "", "30", pipeline.Throttled, 30 * time.Second},
		{429, "", now.Add(90 * time.Second).Format(http.TimeFormat), pipeline.Throttled, 90 * time.Second},
	}
	for kind, own := range map[string][]answer{
		"discord": {
			{200, `{"id":"123"}`, "", yes, 0},
			{204, "", "", pipeline.Retry, 0}, // what it says without wait=true, when nothing may have been saved
			{200, "", "", pipeline.Retry, 0},
			{200, `{"message":"odd","code":0}`, "", pipeline.Retry, 0},
			{429, `{"message":"You are being rate limited.","retry_after":0.529,"global":false}`, "", pipeline.Throttled, 529 * time.Millisecond},
			{429, `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`, "65", pipeline.Throttled, 65 * time.Second},
			{429, "error code: 1015", "", pipeline.Throttled, discordPace},
			{404, `{"message":"Unknown Webhook","code":10015}`, "", pipeline.Gone, 0},
			{404, `{"message":"Unknown Channel","code":10003}`, "", pipeline.Gone, 0},
			{401, `{"message":"Invalid Webhook Token","code":50027}`, "", pipeline.Gone, 0},
			{400, `{"message":"Invalid Form Body","code":50035}`, "", pipeline.Final, 0},
			{400, `{"message":"Cannot send an empty message","code":50006}`, "", pipeline.Final, 0},
			{400, `{"message":"Webhooks posted to forum channels must have a thread_name or thread_id","code":220001}`, "", pipeline.Gone, 0},
			{500, `{"message":"Unknown Webhook","code":10015}`, "", pipeline.Retry, 0},
		},
		"teams": {
			{202, "", "", yes, 0},
			{200, "", "", yes, 0},
			{200, `{"posted":true}`, "", yes, 0},
			{200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413", "", pipeline.Retry, 0},
			{204, "", "", pipeline.Retry, 0},
			{400, `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute workflow"}}`, "", pipeline.Gone, 0},
			{404, `{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found."}}`, "", pipeline.Gone, 0},
			{401, `{"error":{"code":"DirectApiAuthorizationRequired","message":"x"}}`, "", pipeline.Gone, 0},
			{400, `{"error":{"code":"TriggerInputSchemaMismatch","message":"x"}}`, "", pipeline.Final, 0},
			{413, `{"error":{"code":"RequestEntityTooLarge","message":"x"}}`, "", pipeline.Final, 0},
			{429, "", "", pipeline.Throttled, teamsPace},
		},
		"telegram": {
			{200, `{"ok":true,"result":{"message_id":7}}`, "", yes, 0},
			{200, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, "", pipeline.Gone, 0},
			{200, `{"ok":false}`, "", pipeline.Retry, 0},
			{200, "", "", pipeline.Retry, 0},
			{401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, "", pipeline.Gone, 0},
			{404, `{"ok":false,"error_code":404,"description":"Not Found"}`, "", pipeline.Gone, 0},
			{403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}`, "", pipeline.Gone, 0},
			{400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, "", pipeline.Gone, 0},
			{400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100456}}`, "", pipeline.Gone, 0},
			{400, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`, "", pipeline.Final, 0},
			{400, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_CLOSED"}`, "", pipeline.Gone, 0},
			{429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`, "", pipeline.Throttled, 35 * time.Second},
			{429, "", "", pipeline.Throttled, telegramGroupPace},
		},
		"mattermost": {
			{200, "ok", "", yes, 0},
			{200, "<html>login</html>", "", pipeline.Retry, 0},
			{200, `{"id":"x","message":"odd","status_code":500}`, "", pipeline.Retry, 0},
			{400, `{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}`, "", pipeline.Gone, 0},
			{501, `{"id":"web.incoming_webhook.disabled.app_error","message":"x","status_code":501}`, "", pipeline.Retry, 0},
			{403, `{"id":"web.incoming_webhook.permissions.app_error","message":"x","status_code":403}`, "", pipeline.Gone, 0},
			{400, `{"id":"web.incoming_webhook.parse.app_error","message":"x","status_code":400}`, "", pipeline.Final, 0},
			{429, "limit exceeded", "", pipeline.Throttled, mattermostPace},
		},
		"ntfy": {
			{200, `{"id":"a1","time":1,"event":"message","topic":"wires"}`, "", yes, 0},
			{200, "<html>captive portal</html>", "", pipeline.Retry, 0},
			{200, `{"code":40001,"http":400,"error":"x"}`, "", pipeline.Retry, 0},
			{401, `{"code":40101,"http":401,"error":"unauthorized"}`, "", pipeline.Gone, 0},
			{403, `{"code":40301,"http":403,"error":"forbidden"}`, "", pipeline.Gone, 0},
			{404, `{"code":40401,"http":404,"error":"page not found"}`, "", pipeline.Gone, 0},
			{400, `{"code":40010,"http":400,"error":"invalid request: topic name is disallowed"}`, "", pipeline.Gone, 0},
			{400, `{"code":40017,"http":400,"error":"invalid request: request body must be message JSON"}`, "", pipeline.Final, 0},
			{413, `{"code":41303,"http":413,"error":"JSON body too large"}`, "", pipeline.Final, 0},
			{429, `{"code":42901,"http":429,"error":"limit reached: too many requests, please be nice"}`, "", pipeline.Throttled, ntfyAgain},
			{507, "", "", pipeline.Retry, 0},
		},
		"matrix": {
			{200, `{"event_id":"$abc"}`, "", yes, 0},
			{200, `{}`, "", pipeline.Retry, 0},
			{200, `{"errcode":"M_UNKNOWN","error":"x"}`, "", pipeline.Retry, 0},
			{401, `{"errcode":"M_UNKNOWN_TOKEN","error":"x","soft_logout":true}`, "", pipeline.Gone, 0},
			{403, `{"errcode":"M_FORBIDDEN","error":"User not in room"}`, "", pipeline.Gone, 0},
			{404, `{"errcode":"M_UNRECOGNIZED","error":"x"}`, "", pipeline.Gone, 0},
			{413, `{"errcode":"M_TOO_LARGE","error":"event too large"}`, "", pipeline.Final, 0},
			{429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":2500}`, "", pipeline.Throttled, 2500 * time.Millisecond},
			{429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests"}`, "3", pipeline.Throttled, 3 * time.Second},
			{429, "", "", pipeline.Throttled, matrixPace},
			{500, `{"errcode":"M_FORBIDDEN","error":"x"}`, "", pipeline.Retry, 0},
		},
	} {
		for _, c := range append(own, common...) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				if c.status == http.StatusFound {
					w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
				}
				w.WriteHeader(c.status)
				if c.status != http.StatusNoContent {
					io.WriteString(w, c.body)
				}
			}))
			_, err := mustChannel(t, least(t, kind, srv.URL)).Send(t.Context(), samples()["english"])
			srv.Close()
			if err == nil || c.verdict == yes {
				if err != nil || c.verdict != yes {
					t.Errorf("%s: %d %q: %v", kind, c.status, c.body, err)
				}
				continue
			}
			if f := pipeline.AsFailure(err); f.Verdict != c.verdict || f.After != c.wait || f.Reason == "" {
				t.Errorf("%s: %d %q: verdict %d, after %s, reason %q: %v", kind, c.status, c.body, f.Verdict, f.After, f.Reason, err)
			}
		}
	}
}

// A receiver that names messages has its name stored, and an update refers to it; a name that is none of this channel's is left alone.
func TestReplies(t *testing.T) {
	for kind, c := range map[string]struct{ ref, want, foreign string }{
		"telegram": {"-100123/1", `"reply_parameters":{"message_id":1,"allow_sending_without_reply":true}`, "-100999/1"},
		"matrix":   {"$event1", `"m.relates_to":{"rel_type":"m.thread","event_id":"$event1","is_falling_back":true,"m.in_reply_to":{"event_id":"$event1"}}`, "17.0001"},
		"discord":  {"991", "", ""},
		"ntfy":     {"xE1", "", ""},
	} {
		s := newStage(t, kind, "")
		ref, err := s.ch.Send(t.Context(), samples()["english"])
		if err != nil || ref != c.ref {
			t.Errorf("%s: ref %q, %v", kind, ref, err)
		}
		if c.want == "" {
			continue
		}
		update := func(ref string, separate bool) pipeline.Delivery {
			d := samples()["update"]
			u := *d.Alert.Update
			u.Ref, u.Separate = ref, separate
			d.Alert.Update = &u
			return d
		}
		other := update("-100123/9", false)
		other.Alert.Update.UID = "msg_other"
		for what, x := range map[string]struct {
			d    pipeline.Delivery
			says bool
		}{
			"its name":               {update(ref, false), true},
			"no name":                {update("", false), false},
			"another channel's name": {update(c.foreign, false), false},
			"apart":                  {update(ref, true), false},
			"a digest of updates":    {digest("msg_d1", update(ref, false), update(ref, false)), true},
			"one of several stories": {digest("msg_d2", update(ref, false), other), false},
			"one with news":          {digest("msg_d3", update(ref, false), samples()["english"]), false},
		} {
			if got := s.last(t, x.d); bytes.Contains(got, []byte(c.want)) != x.says || !x.says && bytes.Contains(got, []byte("repl")) {
				t.Errorf("%s, %s: %s", kind, what, got)
			}
		}
		if again, err := s.ch.Send(t.Context(), update(ref, false)); err != nil || kind == "matrix" && again != ref {
			t.Errorf("%s: a reply is called %q, %v", kind, again, err)
		}
	}
}

// Matrix gets the delivery's id as the transaction's, so that the server knows a repetition.
func TestMatrixTransaction(t *testing.T) {
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath())
		io.WriteString(w, `{"event_id":"$x"}`)
	}))
	defer srv.Close()
	ch := mustChannel(t, least(t, "matrix", srv.URL+"/"))
	d := samples()["english"]
	d.UID = "msg/1?x"
	for range 2 {
		if _, err := ch.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if paths[0] != "/_matrix/client/v3/rooms/%21abc:matrix.example/send/m.room.message/msg%2F1%3Fx" || paths[0] != paths[1] {
		t.Error(paths)
	}
}

// Discord's answer tells whether the message was saved, also in a thread.
func TestDiscordWaits(t *testing.T) {
	for _, to := range []string{"https://h.example/api/webhooks/1/x", "https://h.example/api/webhooks/1/x?thread_id=5", "https://h.example/api/webhooks/1/x?wait=false"} {
		got, err := url.Parse(waiting(pipeline.NewSecret(to)).Reveal())
		if err != nil || got.Query().Get("wait") != "true" || len(got.Query()["wait"]) != 1 || strings.Contains(to, "thread_id") != (got.Query().Get("thread_id") == "5") {
			t.Errorf("%s: %s %v", to, got, err)
		}
	}
}

// A topic that is a word does not garble what an error says; one that nobody guesses does not show.
func TestNtfyTopicInErrors(t *testing.T) {
	for topic, want := range map[string]string{"a": "the topic a has", "guessMeNot123": "the topic *** has"} {
		srv := newHook(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"code":40000,"error":"the topic %s has no place"}`, topic)
		})
		_, err := mustChannel(t, "kind: ntfy\nurl: "+srv.URL+"\ntopic: "+topic).Send(t.Context(), samples()["english"])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Groups are written to more slowly than people.
func TestPaces(t *testing.T) {
	for settings, want := range map[string]time.Duration{
		"kind: telegram\ntoken: 123456:abcdefghijklmnopqrstuvwxyz\nchat: 77":       time.Second,
		"kind: telegram\ntoken: 123456:abcdefghijklmnopqrstuvwxyz\nchat: -77":      3 * time.Second,
		"kind: telegram\ntoken: 123456:abcdefghijklmnopqrstuvwxyz\nchat: '@wires'": 3 * time.Second,
		"kind: discord\nurl: https://h.example/x":                                  2 * time.Second,
		"kind: stdout": 0,
	} {
		if got := mustChannel(t, settings).Pace(); got != want {
			t.Errorf("%s: %s, want %s", settings, got, want)
		}
	}
}

// Settings that cannot work are mistakes with their key and what to do.
func TestChannelMistakes(t *testing.T) {
	for settings, key := range map[string]string{
		"kind: telegram\ntoken: abc\nchat: 1":                                                             "token",
		"kind: telegram\ntoken: 123456:abcdefghijklmnopqrstuvwxyz\nchat: general":                         "chat",
		"kind: matrix\nurl: https://m.example\ntoken: x\nroom: '#general:m.example'":                      "room",
		"kind: ntfy\nurl: https://ntfy.example/wires\ntopic: wires":                                       "url",
		"kind: ntfy\ntopic: all of the wires":                                                             "topic",
		"kind: ntfy\ntopic: wires\npriority: 9":                                                           "priority",
		"kind: teams\nurl: https://x.webhook.office.com/webhookb2/1":                                      "url",
		"kind: discord\nurl: nowhere":                                                                     "url",
		"kind: mattermost\nurl: nowhere":                                                                  "url",
		"kind: file\npath: /no/such/folder/alerts.jsonl":                                                  "path",
		"kind: file\npath: " + t.TempDir():                                                                "path",
		"kind: discord\nurl: https://h.example/x\ntemplate: '{{.Title}}'":                                 "template",
		"kind: webhook\nurl: https://h.example/x\nsecret: " + newKey + "\ntemplate: '{\"a\": {{.Nope}}}'": "template",
	} {
		_, err := newChannel(t, settings)
		m, ok := err.(Mistakes)
		if !ok || len(m) != 1 || m[0].Key != key || m[0].Msg == "" {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

// readLines are the lines of a file.
func readLines(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return wholeLines(b)
}

func wholeLines(b []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

// A file goes on after it was renamed, after a line that a crash tore, and holds nothing but whole lines of what a webhook gets.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	ch := mustChannel(t, "kind: file\npath: "+path)
	send := func(name string) {
		t.Helper()
		if _, err := ch.Send(t.Context(), samples()[name]); err != nil {
			t.Fatal(err)
		}
	}
	send("english")
	send("update")
	if got := readLines(t, path); len(got) != 2 || !json.Valid(got[0]) || !json.Valid(got[1]) {
		t.Fatalf("%q", got)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	send("korean")
	if got := readLines(t, path); len(got) != 1 || !bytes.Contains(got[0], []byte("msg_ko")) {
		t.Errorf("after rotation: %q", got)
	}
	if err := os.WriteFile(path, []byte(`{"version":1,"id":"torn`), 0o600); err != nil {
		t.Fatal(err)
	}
	send("russian")
	want, err := WebhookBody(samples()["russian"])
	if err != nil {
		t.Fatal(err)
	}
	if got := readLines(t, path); len(got) != 2 || !bytes.Equal(got[1], want) {
		t.Errorf("after a torn line: %q", got)
	}
}

// What keeps a file from growing passes: the channel waits, in order.
func TestFileWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "there")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ch := mustChannel(t, "kind: file\npath: "+filepath.Join(dir, "a.jsonl"))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	_, err := ch.Send(t.Context(), samples()["english"])
	if f := pipeline.AsFailure(err); err == nil || f.Verdict != pipeline.Retry || f.Reason != "file" {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	_, err = mustChannel(t, "kind: file\npath: /dev/full").Send(t.Context(), samples()["english"])
	if f := pipeline.AsFailure(err); err == nil || f.Verdict != pipeline.Retry || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a full disk: %v", err)
	}
}
