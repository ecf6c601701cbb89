package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The npm package verifies what the webhook sends, too. WIREWATCH_NODE_MODULES names a node_modules folder with
// standardwebhooks in it.
func TestVerifyWithNPM(t *testing.T) {
	dir := nodeModules(t, "standardwebhooks")
	srv := newHook(t, nil)
	w := mustChannel(t, fmt.Sprintf("kind: webhook\nurl: %s\nsecret: %s\nsecrets: [%s]", srv.URL, oldKey, newKey)).(*webhook)
	w.post.now = time.Now // the package holds timestamps against the real clock
	var in bytes.Buffer
	var want []string
	for name, d := range samples() {
		if _, err := w.Send(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		i := len(srv.bodies) - 1
		for _, c := range []struct{ key, body, want string }{
			{oldKey, string(srv.bodies[i]), "ok"},
			{newKey, string(srv.bodies[i]), "ok"},
			{newKey, string(srv.bodies[i]) + " ", "No matching signature"},
			{"whsec_" + strings.Repeat("QUJD", 8), string(srv.bodies[i]), "No matching signature"},
		} {
			headers := map[string]string{}
			for _, k := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
				headers[k] = srv.headers[i].Get(k)
			}
			b, err := json.Marshal(map[string]any{"key": c.key, "headers": headers, "body": c.body})
			if err != nil {
				t.Fatal(err)
			}
			in.Write(append(b, '\n'))
			want = append(want, c.want)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/verify.mjs", dir)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, out)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d deliveries: %s", len(got), len(want), out)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("delivery %d: %s, want %s", i, got[i], want[i])
		}
	}
}
