package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Whatever comes in: no panic, no nil without an error, valid UTF-8, dates
// that JSON can hold, errors of the documented kinds.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*")
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".want") || strings.HasPrefix(filepath.Base(file), "fuzz") {
			continue
		}
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		n++
		f.Add(doc, "text/xml", "https://e.example/")
		f.Add(doc[:len(doc)*2/3], "application/xml; charset=utf-16", "")
	}
	if n == 0 {
		f.Fatal("no fixtures")
	}
	f.Add([]byte("<rss><item><title><![CDATA[]]"), "", "")
	f.Add([]byte("\xFF\xFE<\x00r\x00"), "charset=", ":")
	f.Add([]byte("<rss><item><title>x"), "charset=", ":")
	f.Fuzz(func(t *testing.T, doc []byte, contentType, base string) {
		got, err := Parse(doc, contentType, base)
		if err != nil {
			for _, known := range []error{ErrNotFeed, ErrTooDeep, ErrTooManyItems, ErrEmpty} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("undocumented error: %v", err)
		}
		if _, err := json.Marshal(got.Entries); err != nil {
			t.Fatal(err)
		}
		for _, e := range got.Entries {
			for _, s := range append([]string{e.GUID, e.Title, e.Author, e.Summary, e.Content, e.PublishedRaw}, e.Tags...) {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
					t.Fatalf("not clean text: %q", s)
				}
			}
			if e.Published.Location() != time.UTC {
				t.Fatalf("not UTC: %v", e.Published)
			}
		}
		Discover(doc, contentType, base)
		if list, err := ReadOPML(bytes.NewReader(doc)); err == nil {
			if err := WriteOPML(&bytes.Buffer{}, contentType, list); err != nil {
				t.Fatal(err)
			}
		}
	})
}
