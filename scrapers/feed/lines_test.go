package feed

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func line(t *testing.T, id, doc string) string {
	t.Helper()
	b, err := json.Marshal(lineIn{ID: id, Data: base64.StdEncoding.EncodeToString([]byte(doc)), URL: "https://e.example/f"})
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestLines(t *testing.T) {
	long := `<rss><channel><title>Big</title><item><title>x</title><description>` + strings.Repeat("y", 3<<20) + `</description></item></channel></rss>`
	in := line(t, "a", `<rss><channel><title>A &lt; B</title><item><title>t</title><link>/1</link><pubDate>Mon, 15 Jan 2024 09:00:00 +0900</pubDate></item><item/></channel></rss>`) +
		"\n" + "{broken\n" + line(t, "page", "<html></html>") + `{"id":"b64","data":"***"}` + "\n" + `[1]` + "\n" +
		line(t, "long", long) + `{"id":"none","unknown":1}` + "\n" + strings.TrimSpace(line(t, "last", `<feed xmlns="http://www.w3.org/2005/Atom"/>`))
	var out bytes.Buffer
	if err := Lines(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		`{"id":"a","kind":"rss","title":"A < B","entries":[{"guid":"","url":"https://e.example/1","title":"t","author":"","published":"2024-01-15T00:00:00Z","summary":""},{"guid":"","url":"","title":"","author":"","published":"","summary":""}]}`,
		`{"id":"","line":3,"err":`,
		`{"id":"page","err":"no feed in it`,
		`{"id":"b64","line":5,"err":"data is not base64`,
		`{"id":"","line":6,"err":`,
		`{"id":"long","kind":"rss","title":"Big","entries":[{"guid":"","url":"","title":"x","author":"","published":"","summary":"yyy`,
		`{"id":"none","err":"the document is empty`,
		`{"id":"last","kind":"atom","title":"","entries":[]}`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%.2000s", len(got), len(want), out.String())
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d: %.300s\nwant %s", i, got[i], want[i])
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLinesWriteError(t *testing.T) {
	if err := Lines(strings.NewReader(line(t, "a", "<rss/>")), brokenWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want the writer's error", err)
	}
}
