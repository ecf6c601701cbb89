package alerts

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// canaries are the settings of every kind with a secret wherever one can stand. A kind without an entry fails the test.
func canaries(base string) map[string]string {
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if host == "canary-host.invalid" { // which would not be given a password without TLS
		host = "localhost"
	}
	withUser := strings.Replace(base, "http://", "http://user:canaryPassword@", 1)
	return map[string]string{
		"slack":     "url: " + withUser + "/services/canaryPath/canaryPath2?q=canaryQuery",
		"email":     "host: " + host + "\nport: " + port + "\ntls: none\nuser: canaryUser\npassword: canaryPassword\nfrom: a@h.example\nto: [b@h.example]",
		"slack_app": "url: " + withUser + "/canaryPath/\ntoken: xoxb-canaryToken-1\nchannel: C0123ABCD",
		"webhook": "url: " + withUser + "/canaryPath?token=canaryQuery&n=1\nsecret: whsec_canaryCanaryCanaryCanaryCanary++\nsecrets: [canaryBareCanaryBareCanaryBare12]\n" +
			"headers: {Authorization: Bearer canaryHeader, X-Short: canary, X-Pair: 'id=1; key=canaryPair', X-Basic: Basic dXNlcjpjYW5hcnlCYXNpYw==}",
		"discord":    "url: " + withUser + "/api/webhooks/123456/canaryPath-canary_Path2?thread_id=canaryQuery",
		"teams":      "url: " + withUser + "/workflows/canaryPath/triggers/manual/paths/invoke?sp=canaryQuery&sig=canaryQuery2-_",
		"telegram":   "url: " + withUser + "/canaryPath\ntoken: 123456:canaryCanaryCanary-Canary_Canary\nchat: -100123",
		"mattermost": "url: " + withUser + "/hooks/canaryPath",
		"ntfy":       "url: " + withUser + "\ntopic: canaryTopic\ntoken: tk_canaryToken",
		"matrix":     "url: " + withUser + "/canaryPath\ntoken: syt_canaryToken\nroom: '!abc:matrix.example'",
		"file":       "path: alerts.jsonl", // has no secret; nothing is sent in this test
		"stdout":     "",
	}
}

// canaryBase64 is how "user:canary…" begins in base64, as Basic has it.
const canaryBase64 = "dXNlcjpjYW5hcn"

// No channel shows its secrets: not in errors of any way to fail, not when it is formatted or marshalled, not when the receiver
// sends them back.
func TestNoChannelLeaks(t *testing.T) {
	echoing := func(answer func(said string) string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.String())
			var status int
			fmt.Sscan(r.Header.Get("X-Status"), &status)
			w.WriteHeader(status)
			body, _ := io.ReadAll(r.Body)
			io.WriteString(w, answer(fmt.Sprintf("%s %s %v %s", r.URL, r.URL.Path, r.Header, body)))
		}))
		t.Cleanup(s.Close)
		return s
	}
	echo := echoing(func(said string) string { return said })
	fields := echoing(func(said string) string { // in every field that a kind reads
		v, _ := json.Marshal(said)
		return strings.ReplaceAll(`{"ok":false,"message":V,"description":V,"errcode":V,"error":V,"id":V,"event":"message"}`, "V", string(v))
	})
	nested := echoing(func(said string) string {
		v, _ := json.Marshal(said)
		return `{"error":{"code":` + string(v) + `},"event_id":"$x"}`
	})
	// One word of a header at a time, as in `unknown token "…"`, and what Basic has encoded.
	var word atomic.Int64
	words := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all []string
		for _, vs := range r.Header {
			for _, w := range strings.FieldsFunc(strings.Join(vs, " "), func(r rune) bool { return strings.ContainsRune(" ;,", r) }) {
				_, behind, _ := strings.Cut(w, "=")
				decoded, _ := base64.StdEncoding.DecodeString(w)
				_, password, _ := strings.Cut(string(decoded), ":")
				all = append(all, w, behind, string(decoded), password)
			}
		}
		slices.Sort(all)
		all = slices.DeleteFunc(slices.Compact(all), func(s string) bool {
			return !strings.Contains(s, "canary") && !strings.Contains(s, canaryBase64)
		})
		w.WriteHeader(http.StatusBadRequest)
		if len(all) > 0 {
			fmt.Fprintf(w, "unknown token %q", all[int(word.Add(1))%len(all)])
		}
	}))
	t.Cleanup(words.Close)
	closed := httptest.NewServer(nil)
	closed.Close()

	seen := 0
	check := func(what string, v any) {
		t.Helper()
		seen++
		var texts []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		j, err := json.Marshal(v)
		if err == nil {
			texts = append(texts, string(j))
		}
		for _, s := range texts {
			if strings.Contains(strings.ToLower(s), "canary") || strings.Contains(s, fmt.Sprintf("%x", "canary")) || strings.Contains(s, canaryBase64) {
				t.Errorf("%s: %s", what, s)
			}
		}
	}
	for _, k := range Kinds {
		for _, base := range []string{echo.URL, words.URL, fields.URL, nested.URL, closed.URL, "http://canary-host.invalid:1"} {
			settings, ok := canaries(base)[k.Name]
			if !ok {
				t.Fatalf("kind %s has no canary", k.Name)
			}
			ch := mustChannel(t, "kind: "+k.Name+"\n"+settings)
			check(k.Name, ch)
			if _, ok := ch.(interface{ poster() *poster }); !ok {
				continue // nothing is sent to anyone who could send it back
			}
			check(k.Name+" inside", struct{ C pipeline.Channel }{ch})
			check(k.Name+" inside, hidden", struct{ c pipeline.Channel }{ch})
			if w, ok := ch.(interface{ Warnings() []string }); ok {
				check(k.Name+" warnings", w.Warnings())
			}
			statuses := []int{200, 302, 400, 404, 410, 429, 500, 503}
			if base == words.URL { // it says one word an answer
				statuses = slices.Repeat(statuses, 3)
			}
			if base == closed.URL || base == "http://canary-host.invalid:1" {
				statuses = statuses[:1] // nobody answers
			}
			for _, status := range statuses {
				p := posterOf(t, ch)
				p.client.Transport = tag{fmt.Sprint(status)}
				if k.Name == "email" {
					p.timeout = 20 * time.Millisecond // the server speaks HTTP; what a mail server says stands in TestEmailHidesItsLogin
				}
				ref, err := ch.Send(t.Context(), samples()["english"])
				check(k.Name+" ref", ref)
				if base == "http://canary-host.invalid:1" { // a host's name is no secret, but what stands behind it is
					if err != nil {
						err = errors.New(strings.ReplaceAll(err.Error(), "canary-host", ""))
					}
				}
				check(fmt.Sprintf("%s %d", k.Name, status), err)
				for e := err; e != nil; e = errors.Unwrap(e) {
					check(fmt.Sprintf("%s %d, unwrapped", k.Name, status), e)
				}
			}
		}
		// Settings that are refused do not show either.
		for _, bad := range []string{"url: canary", "url: canary\ntoken: canary\nchat: 'canary canary'", "url: https://h/canary\ntopic: 'canary canary'", "url: https://h\ntoken: \"canary\\r\\n\"\nroom: canary", "url: https://h/x\nsecret: canary!", "url: https://h/x\nheaders: {A: \"canary\\r\\n\"}", "url: [canary]"} {
			func() {
				defer func() { check(k.Name+" panic", recover()) }()
				_, err := decodeOnly(k, bad)
				check(k.Name+" "+strings.ReplaceAll(bad, "canary", "…"), err)
			}()
		}
	}
	if seen < 100 {
		t.Fatalf("only %d values were looked at", seen)
	}
}

// tag asks the echoing server for a status.
type tag struct{ status string }

// RoundTrip asks no name server for a host that is not there: what one says is known, when it says so is not.
func (g tag) RoundTrip(r *http.Request) (*http.Response, error) {
	if host := r.URL.Hostname(); strings.HasSuffix(host, ".invalid") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	r = r.Clone(r.Context())
	r.Header.Set("X-Status", g.status)
	return http.DefaultTransport.RoundTrip(r)
}

func posterOf(t *testing.T, ch pipeline.Channel) *poster {
	t.Helper()
	c, ok := ch.(interface{ poster() *poster })
	if !ok {
		t.Fatalf("no poster known of %T", ch)
	}
	return c.poster()
}

func (w *webhook) poster() *poster { return w.post }
func (e *email) poster() *poster   { return e.post }
func (c *chat) poster() *poster    { return c.post }

// refusing is a transport that speaks as the guarded client does.
type refusing struct{}

func (refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "forbidden address", Err: errors.New("refuse " + r.URL.String() + "\x1b[31m\u202E\n")}
}

// A secret that the receiver sends back is not shown in part either, wherever the error cuts what it quotes.
func TestNoHalfSecret(t *testing.T) {
	const secret = "qwertzuiopasdfghjklyxcvb"
	for _, kind := range overHTTP() {
		if kind == "ntfy" || kind == "matrix" {
			continue // their addresses hold no secret, see TestNoChannelLeaks for their tokens
		}
		for pad := range 320 {
			if raced && pad%16 != 0 { // where it is cut has nothing to do with the race detector
				continue
			}
			srv := newHook(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, strings.Repeat(".", pad), secret)
			})
			_, err := mustChannel(t, strings.ReplaceAll(least(t, kind, srv.URL+"/"+secret), "abcdefghijklmnopqrstuvwxyz", secret)).Send(t.Context(), samples()["english"])
			srv.Close()
			if err == nil || strings.Contains(err.Error(), secret[:2]) {
				t.Fatalf("%s, %d: %v", kind, pad, err)
			}
		}
	}
}
