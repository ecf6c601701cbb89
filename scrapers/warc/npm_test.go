package warc

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// warcio runs testdata/warcio.mjs with the packages of the node_modules folder that WIREWATCH_NODE_MODULES names; without the variable the test is
// skipped.
func warcio(t *testing.T, verb, file string) []byte {
	t.Helper()
	dir := os.Getenv("WIREWATCH_NODE_MODULES")
	if dir == "" {
		t.Skip("WIREWATCH_NODE_MODULES is not set: not measured")
	}
	var failed bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", "testdata/warcio.mjs", dir, verb, file)
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, failed.Bytes())
	}
	return out
}

// A listed record is what both sides say of one.
type listed struct {
	Offset                          int64
	Type, URI, Date, Payload, Block string
	Status                          int
	SHA1                            string // of the body, decoded
}

func list(t *testing.T, file []byte) (out []listed, bodies []string) {
	t.Helper()
	r := NewReader(bytes.NewReader(file), Pos{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return out, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		l := listed{Offset: rec.At.Offset, Type: rec.Type, URI: rec.URI, Date: rec.Header.Value("WARC-Date"),
			Payload: rec.Header.Value("WARC-Payload-Digest"), Block: rec.Header.Value("WARC-Block-Digest")}
		if rec.Type == Response {
			h, err := r.Head()
			if err != nil {
				t.Fatal(err)
			}
			l.Status = h.Status
		}
		b, err := r.Body(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(b)
		l.SHA1 = hex.EncodeToString(sum[:])
		out, bodies = append(out, l), append(bodies, string(b))
	}
}

// The npm package warcio reads what we write, and lists the same of the same files as we do.
func TestNpmReadsTheSame(t *testing.T) {
	records := []string{text(Info, "", "", "software: x\r\n"),
		text(Response, "http://a.example/plain", "WARC-Payload-Digest: sha1:AAA\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>plain"),
		text(Response, "http://a.example/chunked", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n8\r\n>chunked\r\n0\r\n\r\n"),
		text(Response, "http://a.example/falsely", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n<html>falsely chunked"),
		text(Response, "http://a.example/gzip", "", "HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\n\r\n"+pack("<html>gzip")),
		text(Resource, "http://a.example/resource", "Content-Type: text/html\r\n", "<html>resource")}
	files := forms(records)
	files["written"] = string(written(t))
	for name, file := range files {
		path := filepath.Join(t.TempDir(), "x.warc")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		ours, _ := list(t, []byte(file))
		var theirs []listed
		for line := range strings.Lines(string(warcio(t, "list", path))) {
			var l listed
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			theirs = append(theirs, l)
		}
		if len(ours) != len(theirs) || len(ours) < 4 {
			t.Fatalf("%s: %d records here and %d by warcio", name, len(ours), len(theirs))
		}
		for i := range ours {
			if name == "one stream" { // of such a file, warcio tells no offset that could be gone to
				theirs[i].Offset = 0
			}
			if ours[i] != theirs[i] {
				t.Errorf("%s, record %d:\nours   %+v\nwarcio %+v", name, i, ours[i], theirs[i])
			}
		}
	}
}

// We read what the npm package warcio writes.
func TestNpmWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.warc.gz")
	warcio(t, "write", path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, bodies := list(t, file)
	want := []string{"", "<html>Grüße", "<html>two", "<html>three"}
	if len(got) != len(want) || got[0].Type != Info || !strings.Contains(bodies[0], "software: warcio") {
		t.Fatalf("%+v", got)
	}
	for i, w := range want[1:] {
		l := got[i+1]
		if bodies[i+1] != w || !date(l.Date).Equal(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)) || l.Type == Response && l.Status != 200 || i != 1 && l.Payload != digest([]byte(w)) {
			t.Errorf("%+v %q", l, bodies[i+1])
		}
	}
}
