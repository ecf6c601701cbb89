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
)

// Microsoft's own package reads the cards of Teams and finds nothing wrong, and finds what is wrong with others.
func TestVerifyCardsWithNPM(t *testing.T) {
	dir := npmFolder(t, "adaptivecards")
	s := newStage(t, "teams", "")
	var in bytes.Buffer
	n := 0
	for _, d := range append([]string{"LARGEST"}, sampleNames()...) {
		x := samples()[d]
		if d == "LARGEST" {
			x = largest()["latin"]
		}
		var message struct {
			Attachments []struct{ Content json.RawMessage }
		}
		if err := json.Unmarshal(s.last(t, x), &message); err != nil {
			t.Fatal(err)
		}
		in.Write(append(message.Attachments[0].Content, '\n'))
		n++
	}
	bad := []string{
		`{"type":"AdaptiveCard","version":"1.4","body":[{"type":"Nonsense"}]}`,
		`{"type":"AdaptiveCard","version":"1.4","body":[{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"x","weight":"Fat"}]}]}`,
		`{"type":"AdaptiveCard","version":"1.4","body":[],"actions":[{"type":"Action.OpenUrl","title":"x"}]}`,
	}
	in.WriteString(strings.Join(bad, "\n") + "\n")
	cmd := exec.CommandContext(t.Context(), "node", "testdata/verify_cards.mjs", dir)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, out)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(got) != n+len(bad) {
		t.Fatalf("%d answers: %s", len(got), out)
	}
	for i, answer := range got {
		if (answer == "ok") != (i < n) {
			t.Errorf("card %d: %s", i, answer)
		}
	}
}

// The types that npm has of Discord's and Telegram's API know every field that is sent, and no other.
func TestVerifyTypesWithNPM(t *testing.T) {
	dir := npmFolder(t, "discord-api-types", "@gramio/types", "typescript")
	tsc := filepath.Join(dir, ".bin", "tsc")
	check := func(lines []string) string {
		t.Helper()
		tmp := t.TempDir()
		if err := os.Symlink(dir, filepath.Join(tmp, "node_modules")); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(tmp, "messages.ts")
		head := "import type { RESTPostAPIWebhookWithTokenJSONBody } from \"discord-api-types/v10\";\nimport type { SendMessageParams } from \"@gramio/types\";\n"
		if err := os.WriteFile(file, []byte(head+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), tsc, "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler", file)
		cmd.Dir = tmp
		out, err := cmd.CombinedOutput()
		if _, failed := err.(*exec.ExitError); err != nil && !failed {
			t.Fatal(err)
		}
		return string(out)
	}
	var good []string
	for kind, as := range map[string]string{"discord": "RESTPostAPIWebhookWithTokenJSONBody", "telegram": "SendMessageParams"} {
		s := newStage(t, kind, "")
		for _, name := range sampleNames() {
			d := samples()[name]
			if d.Alert.Update != nil {
				d.Alert.Update.Ref = "-100123/17"
			}
			good = append(good, fmt.Sprintf("export const %s_%s: %s = %s;", kind, name, as, s.last(t, d)))
		}
	}
	if out := check(good); out != "" {
		t.Errorf("%.3000s", out)
	}
	if out := check([]string{`const a: RESTPostAPIWebhookWithTokenJSONBody = {content: "x", nonsense: 1};`, `const b: SendMessageParams = {chat_id: 1, text: "x", entities: [{type: "nonsense", offset: 0, length: 1}]};`}); strings.Count(out, "error") < 2 {
		t.Errorf("what is wrong passes: %s", out)
	}
}
