package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wirewatch/alerts"
)

// `alerts test` works for every kind, through the guarded client, and says nothing of an address when the receiver refuses.
func TestAlertsTestEveryKind(t *testing.T) {
	const secret = "hunter2hunter2hunter2hunter2"
	yes := map[string]string{"slack": "ok", "discord": `{"id":"1"}`, "telegram": `{"ok":true,"result":{"message_id":1}}`, "mattermost": "ok",
		"ntfy": `{"id":"a","event":"message"}`, "slack_app": `{"ok":true,"channel":"C1","ts":"1.1"}`, "matrix": `{"event_id":"$a"}`}
	refuse := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		id, text := r.Header.Get("webhook-id"), string(b)
		if form, _ := url.ParseQuery(text); form.Has("token") { // the Web API of Slack, which takes the id in its blocks
			_, id, _ = strings.Cut(form.Get("blocks"), `"block_id":"`)
			text = form.Get("text")
		}
		if err != nil || !strings.HasPrefix(id, "test_") || !strings.Contains(text, "This is a test") {
			t.Errorf("%s %s: %v %s", r.Method, r.URL, err, b)
		}
		switch kind := strings.Split(r.URL.Path, "/")[1]; {
		case refuse:
			http.Error(w, "no: "+r.URL.String(), http.StatusBadRequest)
		case kind == "teams":
			w.WriteHeader(http.StatusAccepted)
		case kind == "":
			io.WriteString(w, yes["ntfy"])
		case kind == "_matrix":
			io.WriteString(w, yes["matrix"])
		default:
			io.WriteString(w, yes[kind])
		}
	}))
	defer srv.Close()
	settings := map[string]string{
		"slack_app": "url: " + srv.URL + "/slack_app/, token: xoxb-" + secret + ", channel: C0123456789",
		"email":     smtpServer(t, &refuse) + ", tls: none, from: wirewatch@example.org, to: [desk@example.org]",
		"telegram":  "url: " + srv.URL + "/telegram, token: '123456:" + secret + "', chat: 5",
		"ntfy":      "url: " + srv.URL + ", topic: " + secret,
		"matrix":    "url: " + srv.URL + ", token: " + secret + ", room: '!a:b'",
		"file":      "path: alerts.jsonl",
		"stdout":    "",
	}
	for _, k := range alerts.Kinds {
		set, ok := settings[k.Name]
		if !ok {
			set = "url: " + srv.URL + "/" + k.Name + "/" + secret
		}
		file := filepath.Join(t.TempDir(), "w.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "allow_private: [127.0.0.0/8]\nchannels: [{name: desk, kind: %s, %s}]\n", k.Name, set), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, refuse = range []bool{false, true} {
			var out, words bytes.Buffer
			err := run(t.Context(), []string{"alerts", "test", "desk", "-c", file}, strings.NewReader(""), &out, &words)
			if writes := k.Name == "file" || k.Name == "stdout"; (err != nil) != (refuse && !writes) {
				t.Errorf("%s, refused %v: %v", k.Name, refuse, err)
			}
			if said := fmt.Sprint(err, words.String()); strings.Contains(said, secret[:6]) || err == nil && !strings.Contains(said, "took the sample") {
				t.Errorf("%s: %s", k.Name, said)
			}
			if (k.Name == "stdout") != json.Valid(out.Bytes()) {
				t.Errorf("%s prints %s", k.Name, out.Bytes())
			}
		}
	}
}

// smtpServer takes mail, or refuses its recipients, and returns the settings that lead to it.
func smtpServer(t *testing.T, refuse *bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			text := textproto.NewConn(c)
			text.PrintfLine("220 mail.example.org")
			for line, err := text.ReadLine(); err == nil; line, err = text.ReadLine() {
				switch verb := strings.ToUpper(line[:min(4, len(line))]); {
				case verb == "RCPT" && *refuse:
					text.PrintfLine("550 no such person")
				case verb == "DATA":
					text.PrintfLine("354 go on")
					text.ReadDotBytes()
					text.PrintfLine("250 taken")
				default:
					text.PrintfLine("250 yes")
				}
			}
			c.Close()
		}
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	return "host: " + host + ", port: " + port
}

// What a run tells stands on standard output and in the file, a line of JSON a message, and nothing of the log among it.
func TestRunTellsFileAndStdout(t *testing.T) {
	w := newWorld(t, 2)
	for f := range w.feeds {
		w.publish(f, 10)
	}
	cfg := w.config("1s")
	edit(t, cfg, "channels:\n", "channels:\n  - {name: log, kind: file, path: alerts.jsonl}\n  - {name: screen, kind: stdout}\n")
	out, log := verbOut(t, "run", "--once", "-c", cfg)
	w.check(false)
	if w.requests == 0 || log == "" {
		t.Fatalf("%d messages\n%s", w.requests, log)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(cfg), "alerts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"file": string(kept), "stdout": out} {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != w.requests {
			t.Errorf("%s: %d lines of %d messages", name, len(lines), w.requests)
		}
		for _, l := range lines {
			if !json.Valid([]byte(l)) || !strings.Contains(l, `"event_type":"alert.match"`) {
				t.Errorf("%s: %s", name, l)
			}
		}
	}
}
