package alerts

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What each channel makes of the samples, to be read by people when it changes.
func TestGolden(t *testing.T) {
	all := samples()
	if len(all) == 0 {
		t.Fatal("no samples")
	}
	for name, d := range all {
		m := Render(d)
		slack, err := slackPayload(m)
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, slack)
		hook, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		for ext, got := range map[string][]byte{
			".slack.json": indented(t, slack), ".webhook.json": indented(t, hook), ".txt": []byte(Text(m) + "\n"),
		} {
			golden(t, name+ext, got)
		}
	}
}

// golden holds what came out against a file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; -update writes it anew\ngot:\n%s", file, got)
	}
}

func indented(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// What mail looks like.
func TestGoldenMail(t *testing.T) {
	all := samples()
	files := map[string][]byte{}
	for _, name := range []string{"english", "arabic", "corrected", "growth", "withdrawn", "trouble", "digest"} {
		html, err := emailHTML(Render(all[name]))
		if err != nil {
			t.Fatal(err)
		}
		files[name+".email.html"] = []byte(html)
	}
	for name, got := range files {
		golden(t, name, got)
	}
}
