package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// npmFolder is the node_modules folder that WIREWATCH_NODE_MODULES names, with packages in it; without the variable the test is skipped.
func npmFolder(t *testing.T, packages ...string) string {
	t.Helper()
	dir := os.Getenv("WIREWATCH_NODE_MODULES")
	if dir == "" {
		t.Skip("WIREWATCH_NODE_MODULES is not set: not measured")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join(dir, p)); err != nil {
			t.Fatalf("WIREWATCH_NODE_MODULES has no %s: %v", p, err)
		}
	}
	return dir
}

// The npm packages verify what the webhook sends, too. WIREWATCH_NODE_MODULES names a node_modules folder with
// standardwebhooks and svix in it.
func TestVerifyWithNPM(t *testing.T) {
	dir := npmFolder(t, "standardwebhooks", "svix")
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
