package feed

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

type lineIn struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Data        string `json:"data"`
}

type lineOut struct {
	ID      string      `json:"id"`
	Kind    string      `json:"kind"`
	Title   string      `json:"title"`
	Entries []lineEntry `json:"entries"`
}

type lineEntry struct {
	GUID      string `json:"guid"`
	URL       string `json:"url"`
	Title     string `json:"title"`
	Author    string `json:"author"`
	Published string `json:"published"`
	Summary   string `json:"summary"`
}

type lineErr struct {
	ID   string `json:"id"`
	Line int    `json:"line,omitempty"`
	Err  string `json:"err"`
}

// Lines is the verb `feeds parse --jsonl`: one document a line in, one feed a
// line out, in input order. A document that is no feed gives {"id","err"}, a
// line that is no JSON {"id","line","err"}, and the run goes on. A document
// that stands there by itself, as curl gives it, is known by its "<" and
// answered in one line. The error is that of reading or writing.
func Lines(r io.Reader, w io.Writer) error {
	in, out := bufio.NewReaderSize(r, 1<<16), bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if head, _ := in.Peek(64); bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("<")) {
		doc, err := io.ReadAll(in)
		if err != nil {
			return fmt.Errorf("read the document: %w", err)
		}
		if err := enc.Encode(answer(lineIn{}, doc)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	for n := 1; ; n++ {
		// Not a Scanner: a line is as long as its document.
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		if said := parseLine(line, n); said != nil {
			if err := enc.Encode(said); err != nil {
				return fmt.Errorf("write line %d: %w", n, err)
			}
		}
		if err != nil {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// parseLine answers one input line; nil for a blank one.
func parseLine(line []byte, n int) any {
	blank := true
	for _, c := range line {
		blank = blank && space(c)
	}
	if blank {
		return nil
	}
	var in lineIn
	if err := json.Unmarshal(line, &in); err != nil {
		return lineErr{ID: in.ID, Line: n, Err: "not a JSON object of id, url, content_type and data: " + err.Error()}
	}
	doc, err := base64.StdEncoding.DecodeString(in.Data)
	if err != nil {
		return lineErr{ID: in.ID, Line: n, Err: "data is not base64: " + err.Error()}
	}
	return answer(in, doc)
}

// answer is what is said of one document.
func answer(in lineIn, doc []byte) any {
	f, err := Parse(doc, in.ContentType, in.URL)
	if err != nil {
		return lineErr{ID: in.ID, Err: err.Error()}
	}
	out := lineOut{ID: in.ID, Kind: f.Kind, Title: f.Title, Entries: []lineEntry{}}
	for _, e := range f.Entries {
		le := lineEntry{GUID: e.GUID, URL: e.URL, Title: e.Title, Author: e.Author, Summary: e.Summary}
		if !e.Published.IsZero() {
			le.Published = e.Published.UTC().Format(time.RFC3339)
		}
		out.Entries = append(out.Entries, le)
	}
	return out
}
