package warc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func written(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	at := time.Date(2024, 3, 1, 10, 0, 0, 250e6, time.FixedZone("", 3600))
	err := errors.Join(
		w.WriteInfo(at, Field{"software", "Wirewatch"}, Field{"format", "WARC file\r\nversion 1.1"}),
		w.WriteResponse("https://a.example/ü?q=1", at, 200, "text/html; charset=utf-8\r\nX-Injected: 1", []byte("<html>Grüße</html>")),
		w.WriteResponse("https://a.example/gone", at, 404, "", nil),
		w.WriteResponse("https://a.example/text", at, 0, "text/plain", []byte("no headers")))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriter(t *testing.T) {
	file := written(t)
	if !bytes.Equal(file, written(t)) {
		t.Error("the same calls wrote other bytes")
	}
	r := NewReader(bytes.NewReader(file), Pos{})
	var got []string
	ids := map[string]bool{}
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ids[rec.Header.Value("WARC-Record-ID")] = true
		line := fmt.Sprintf("%s %s %s", rec.Type, rec.URI, rec.Date.Format(time.RFC3339Nano))
		if rec.Type == Response {
			h, err := r.Head()
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %d %s%s", h.Status, h.Header.Value("Content-Type"), h.Header.Value("X-Injected"))
		}
		payload := rec.Header.Value("WARC-Payload-Digest")
		b, err := r.Body(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if payload != "" && payload != digest(b) || rec.Type == Resource && rec.Header.Value("WARC-Block-Digest") != digest(b) {
			t.Errorf("%s: the digests %v do not fit", line, rec.Header)
		}
		got = append(got, line+" "+string(b))
	}
	want := `warcinfo  2024-03-01T09:00:00.25Z software: Wirewatch
format: WARC file  version 1.1

|response https://a.example/ü?q=1 2024-03-01T09:00:00.25Z 200 text/html; charset=utf-8  X-Injected: 1 <html>Grüße</html>
|response https://a.example/gone 2024-03-01T09:00:00.25Z 404  
|resource https://a.example/text 2024-03-01T09:00:00.25Z no headers`
	if g := strings.ReplaceAll(strings.Join(got, "\n|"), "\r\n", "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
	if len(ids) != 4 || ids[""] {
		t.Errorf("record ids: %v", ids)
	}
}
