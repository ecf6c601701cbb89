package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// Every hostile title goes through every channel, to a receiver that refuses what acts; the golden file of the kind shows what came out.
func TestHostileTitlesThroughEveryChannel(t *testing.T) {
	if len(hostile) < 60 {
		t.Fatalf("only %d titles", len(hostile))
	}
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			s := newStage(t, k.Name, "")
			var out bytes.Buffer
			for i, c := range hostile {
				got := s.last(t, delivery("msg_h", "r", "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example", Title: c.title}))
				fmt.Fprintf(&out, "%s\n%s\n", c.name, clip(string(got), 3000))
				harmless(t, c.name, got)
				if raced && i%8 != 0 { // how a title is written has nothing to do with the race detector
					continue
				}
				// And wherever an outsider's words can stand, in an update and in a digest.
				d := everywhere(c.title)
				harmless(t, c.name, s.last(t, d))
				harmless(t, c.name, s.last(t, digest("msg_dh", d)))
			}
			name := k.Name
			if name == "file" || name == "stdout" {
				name = "webhook" // the same
			}
			golden(t, "hostile."+name+".txt", out.Bytes())
			if r := s.refused(); len(r) > 0 {
				t.Errorf("refused: %s", strings.Join(r, "\n"))
			}
		})
	}
}

// harmless checks what holds for every receiver: no character acts, on one line of valid JSON.
func harmless(t *testing.T, name string, got []byte) {
	t.Helper()
	if !json.Valid(got) || acts(string(got)) {
		t.Errorf("%s: %.300s", name, got)
	}
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Fatal(err)
	}
	eachString(v, func(key, s string) {
		if acts(strings.ReplaceAll(s, "\n", "")) {
			t.Errorf("%s: %s %.300q", name, key, s)
		}
	})
}

// The stand-ins refuse what they are there to refuse.
func TestStandInsAreStrict(t *testing.T) {
	good := samples()["english"]
	good.Alert.Article.Title = "TITLE"
	for kind, bad := range map[string][]string{
		"discord":    {"@everyone", "<@1>", "*x*", "[x](https://evil.example)", "see https://x.example", "a||b||", "`x`", ":rotating_light:", "-# x", strings.Repeat("x", 2000)},
		"mattermost": {"@channel", "<!channel>", "_x_", "![x](https://x.example/p.png)", "~town-square", "#tag", "www.evil.example"},
		"telegram":   {"@channel", "/start", "#tag", "$ACME", "evil.example", "tg://x", strings.Repeat("x", 4096)},
		"teams":      {"@x", "evil.example", strings.Repeat("x", 28_000)},
		"matrix":     {"<b>x</b>", "<a href='https://evil.example'>x</a>", "@room", "#room:x", strings.Repeat("x", 40_000)},
		"ntfy":       {"https://x.example", "@x", strings.Repeat("x", 5000)},
	} {
		body := newStage(t, kind, "").last(t, good)
		if !bytes.Contains(body, []byte("TITLE")) || protocols[kind].body(body) != nil {
			t.Fatalf("%s: %s", kind, body)
		}
		for _, b := range bad {
			v, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := protocols[kind].body(bytes.ReplaceAll(body, []byte("TITLE"), bytes.Trim(v, `"`))); err == nil {
				t.Errorf("%s takes %.100q", kind, b)
			}
		}
		if err := protocols[kind].body(bytes.Replace(body, []byte("{"), []byte(`{"unknown":1,`), 1)); err == nil {
			t.Errorf("%s takes a field that there is not", kind)
		}
	}
}
