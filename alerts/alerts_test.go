package alerts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/configs"
	"wirewatch/pipeline"
)

// Every kind is named once, says what it is, and can be made of the least settings; the README says the same of it.
func TestKinds(t *testing.T) {
	if len(Kinds) == 0 {
		t.Fatal("no kinds")
	}
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range Kinds {
		if k.Name == "" || k.Doc == "" || seen[k.Name] {
			t.Errorf("kind %q, doc %q", k.Name, k.Doc)
		}
		seen[k.Name] = true
		if _, err := decodeOnly(k, least(t, k.Name, "https://h.example")); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		if readme != nil && !strings.Contains(string(readme), k.Doc) {
			t.Errorf("the README does not say of %s: %q", k.Name, k.Doc)
		}
	}
}

// A channel that was made without a client, for checking, says so instead of sending past the guard.
func TestNoClient(t *testing.T) {
	for _, k := range Kinds {
		ch, err := decodeOnly(k, least(t, k.Name, "https://h.example"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ch.Send(t.Context(), samples()["test"]); err == nil {
			t.Errorf("%s sends without a client", k.Name)
		}
	}
}

// What the guard refuses for good is not tried again.
func TestTransportsVerdictHolds(t *testing.T) {
	for _, kind := range overHTTP() {
		ch := mustChannel(t, strings.ReplaceAll(least(t, kind, "http://10.0.0.1"), "abcdefgh", "hookPath1"))
		posterOf(t, ch).client.Transport = refusing{}
		_, err := ch.Send(t.Context(), samples()["english"])
		if f := pipeline.AsFailure(err); f.Verdict != pipeline.Final || f.Reason != "forbidden address" || strings.Contains(err.Error(), "hookPath1") || acts(err.Error()) {
			t.Errorf("%s: %+v", kind, f)
		}
	}
}

func TestMistakesNameTheirKeys(t *testing.T) {
	_, err := newChannel(t, "kind: webhook\nurl: nowhere\nsecret: '?'")
	var m Mistakes
	if !errors.As(err, &m) || len(m) != 2 {
		t.Fatalf("%v", err)
	}
	for _, x := range m {
		if x.Key == "" || x.Msg == "" || x.Hint == "" {
			t.Errorf("%+v", x)
		}
	}
	var c configs.Errors
	if errors.As(err, &c) {
		t.Error("a mistake of the kind is not one of the file")
	}
}

func TestSample(t *testing.T) {
	a, b := Sample("desk", now), Sample("desk", now.Add(time.Microsecond))
	if a.UID == b.UID || a.UID == "" || a.Channel != "desk" || a.Alert.Kind != pipeline.KindTest {
		t.Errorf("%+v", a)
	}
	m := Render(a)
	if !strings.HasPrefix(Text(m), "[TEST] ") || len(m.Passages) != 1 || len(m.Passages[0].Hits) != 1 || m.Link == "" {
		t.Errorf("%+v", m)
	}
}

func TestHeadlineIsNeverEmpty(t *testing.T) {
	for want, a := range map[string]pipeline.Article{
		"A post without a title.": {Body: "A post without a title."},
		"https://h.example/x":     {URL: "https://h.example/x"},
		"(untitled)":              {},
	} {
		if m := Render(delivery("u", "r", "$^", a)); m.Headline.Text != want {
			t.Errorf("%q, want %q", m.Headline.Text, want)
		}
	}
}
