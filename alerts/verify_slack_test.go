package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/seeds/newsroom"
)

// slackSamples are the payloads of all samples, by name.
func slackSamples(t *testing.T) map[string][]byte {
	t.Helper()
	all := samples()
	for name, d := range largest() {
		all["largest "+name] = d
	}
	out := map[string][]byte{}
	for name, d := range all {
		b, err := slackPayload(Render(d))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

// Slack's own types say of each message that it is one, and of others that they are none. So do ours.
func TestSlackTypesNPM(t *testing.T) {
	dir := npmFolder(t, "@slack/types", "@slack/webhook", "typescript")
	english := string(slackSamples(t)["english"])
	// Slack's types let fields pass that they do not know, where the type of an element is one of several; our check does not.
	const style, field = "a style that there is not", "an unknown field"
	broken := map[string]string{
		style:                       strings.Replace(english, `"bold":true`, `"blink":true`, 1),
		"an unknown element":        strings.Replace(english, `"type":"link"`, `"type":"anchor"`, 1),
		"a link without an address": strings.Replace(english, `"url":"`, `"href":"`, 1),
		"an unknown block":          strings.Replace(english, `"type":"context"`, `"type":"small_print"`, 1),
		"a text that is a number":   strings.Replace(english, `"type":"text","text":`, `"type":"text","text":7,"was":`, 1),
		field:                       strings.Replace(english, `"block_id"`, `"colour":"red","block_id"`, 1),
	}
	check := func(payloads ...string) (string, bool) {
		var code strings.Builder
		code.WriteString("import type { KnownBlock } from '@slack/types';\nimport type { IncomingWebhookSendArguments } from '@slack/webhook';\n")
		for i, p := range payloads {
			fmt.Fprintf(&code, "export const m%d = %s satisfies IncomingWebhookSendArguments & { blocks: KnownBlock[] };\n", i, p)
		}
		work := t.TempDir()
		if err := os.WriteFile(filepath.Join(work, "messages.ts"), []byte(code.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(dir, filepath.Join(work, "node_modules")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "typescript", "bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck",
			"--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "messages.ts")
		cmd.Dir = work
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	var all []string
	for _, b := range slackSamples(t) {
		all = append(all, string(b))
	}
	if out, ok := check(all...); !ok {
		t.Errorf("@slack/types refuse a message: %.3000s", out)
	}
	for name, payload := range broken {
		if payload == english {
			t.Errorf("%s: nothing is broken", name)
			continue
		}
		if _, ok := check(payload); ok && name != style && name != field {
			t.Errorf("%s: @slack/types let it pass", name)
		}
		if len(newsroom.CheckSlack([]byte(payload))) == 0 {
			t.Errorf("%s: our check lets it pass", name)
		}
	}
}

// Slack's own clients are understood by the stand-ins, which take every message of ours from them and refuse what is broken.
func TestSlackClientsNPM(t *testing.T) {
	dir := npmFolder(t, "@slack/webhook", "@slack/web-api")
	clock := now
	tick := func() time.Time { clock = clock.Add(2 * time.Second); return clock }
	hook := newsroom.NewSlackHook(tick)
	api := newsroom.NewSlackAPI(slackToken, tick, slackChannel)
	hooks, apis := httptest.NewServer(hook), httptest.NewServer(api)
	defer hooks.Close()
	defer apis.Close()
	var in bytes.Buffer
	var want []string
	put := func(v map[string]any, answer string) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
		want = append(want, answer)
	}
	call := func(method string, args map[string]any, answer string) {
		args["channel"] = slackChannel
		put(map[string]any{"api": apis.URL + "/api/", "token": slackToken, "method": method, "args": args}, answer)
	}
	n := 0
	for _, b := range slackSamples(t) {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		put(map[string]any{"hook": hooks.URL, "message": m}, "ok")
		args := map[string]any{"text": m["text"], "blocks": m["blocks"], "unfurl_links": false, "unfurl_media": false, "parse": "none"}
		call("chat.postMessage", args, "ok")
		n++
	}
	const block = `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[%s]}]}]`
	mention := json.RawMessage(fmt.Sprintf(block, `{"type":"broadcast","range":"channel"}`))
	words := json.RawMessage(fmt.Sprintf(block, `{"type":"text","text":"a"}`))
	first := fmt.Sprintf("%d.000001", now.Add(time.Duration(2*2)*time.Second).Unix())
	put(map[string]any{"hook": hooks.URL, "message": map[string]any{"text": "a", "blocks": mention}}, "statusCode = 400")
	put(map[string]any{"hook": hooks.URL, "message": map[string]any{"blocks": words}}, "statusCode = 400")
	call("chat.postMessage", map[string]any{"text": "a", "blocks": mention}, "invalid_blocks")
	call("chat.postMessage", map[string]any{"text": "a", "blocks": words, "reply_broadcast": true, "thread_ts": first}, "invalid_arguments")
	call("chat.postMessage", map[string]any{"text": "a", "blocks": words, "thread_ts": first}, "ok")
	call("chat.update", map[string]any{"text": "b", "blocks": words, "ts": first, "parse": "none"}, "ok")
	call("chat.update", map[string]any{"text": "b", "blocks": words, "ts": "1.1", "parse": "none"}, "message_not_found")
	put(map[string]any{"api": apis.URL + "/api/", "token": "xoxb-other", "method": "chat.postMessage", "args": map[string]any{"channel": slackChannel, "text": "a", "blocks": words}}, "invalid_auth")

	cmd := exec.CommandContext(t.Context(), "node", "testdata/slack.mjs", dir)
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, stderr.Bytes())
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d messages: %s", len(got), len(want), out)
	}
	for i := range want {
		if got[i] != want[i] && !(want[i] != "ok" && strings.Contains(got[i], want[i])) {
			t.Errorf("message %d: %s, want %s", i, got[i], want[i])
		}
	}
	if len(hook.Messages()) != n || len(api.Posts()) != n+1 {
		t.Errorf("%d by the hook, %d by the API, of %d", len(hook.Messages()), len(api.Posts()), n)
	}
}
