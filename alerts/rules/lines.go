package rules

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// line is an article on a line of JSON. Members not named here are ignored.
type line struct {
	ID      json.RawMessage `json:"id"`
	Title   string          `json:"title"`
	Text    *string         `json:"text"`
	Body    *string         `json:"body"`
	Lang    string          `json:"lang"`
	Site    string          `json:"site"`
	URL     string          `json:"url"`
	Feed    string          `json:"feed"`
	Agency  string          `json:"agency"`
	Author  texts           `json:"author"`
	Authors texts           `json:"authors"`
	Tags    texts           `json:"tags"`
}

// texts is a list of strings, or one string.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(t))
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil || s == "" {
		return err
	}
	*t = texts{s}
	return nil
}

// Lines reads articles as lines of JSON, {"id","title","text" or "body", and lang, site, url, feed, agency, author, tags where
// known}, and writes a line {"id","rule","spans"} for each hit, in input order. The spans of the body carry the name the input gave it.
// A line that cannot be read gives {"id","line","err"}, and the rest goes on; the error is that of r or w alone.
func (s *Set) Lines(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 1<<16)
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		raw, err := in.ReadBytes('\n')
		if raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff"))); len(raw) > 0 {
			if err := s.line(raw, n, enc); err != nil {
				return fmt.Errorf("match: write: %w", err)
			}
			if in.Buffered() == 0 { // what is read is answered before the next wait, so that a pipe by hand feels alive
				if err := out.Flush(); err != nil {
					return fmt.Errorf("match: write: %w", err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("match: read line %d: %w", n, err), out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("match: write: %w", err)
	}
	return nil
}

func (s *Set) line(raw []byte, n int, enc *json.Encoder) error {
	type hit struct {
		ID    json.RawMessage `json:"id"`
		Rule  string          `json:"rule"`
		Spans []Span          `json:"spans"`
	}
	type bad struct {
		ID   json.RawMessage `json:"id"`
		Line int             `json:"line"`
		Err  string          `json:"err"`
	}
	var l line
	err := json.Unmarshal(raw, &l)
	if err != nil {
		l.ID = idOf(raw)
	}
	if len(l.ID) == 0 || string(l.ID) == "null" {
		l.ID = json.RawMessage(`""`)
	}
	if err != nil {
		return enc.Encode(bad{l.ID, n, fmt.Sprintf("not an article: %v", err)})
	}
	d := &Doc{Title: l.Title, Lang: l.Lang, Site: l.Site, URL: l.URL, Feed: l.Feed, Agency: l.Agency,
		Authors: append(l.Author, l.Authors...), Tags: l.Tags}
	body := "body"
	switch {
	case l.Text != nil && (*l.Text != "" || l.Body == nil):
		d.Body, body = *l.Text, "text"
	case l.Body != nil:
		d.Body = *l.Body
	}
	for _, h := range s.Match(d) {
		for i := range h.Spans {
			if h.Spans[i].Field == "body" {
				h.Spans[i].Field = body
			}
		}
		if err := enc.Encode(hit{l.ID, h.Rule, h.Spans}); err != nil {
			return err
		}
	}
	return nil
}

// idOf is the id of a line whose other members are not what they should be.
func idOf(raw []byte) json.RawMessage {
	var x struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(raw, &x) != nil {
		return nil
	}
	return x.ID
}
