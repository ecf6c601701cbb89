package past

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	markup "html"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// A jsonLines is a file of JSON lines, plain or gzip: documents as `extract --jsonl` reads them, or articles that are ready.
type jsonLines struct {
	path  string
	sites []string
	limit int64 // bytes of a page
}

func newJSONLines(arg string, d Deps) (pipeline.Past, error) {
	path, err := filePath(arg)
	return &jsonLines{path, d.Sites, d.Client.Limits().Page}, err
}

// longestJSON is the longest line, in bytes: as long as extract reads.
const longestJSON = 64 << 20

// A jsonLine is one line. Documents: html (a path, relative to the working folder), content, or text alone. Articles: a title, and text or body.
type jsonLine struct {
	ID        jsonID    `json:"id"`
	URL       string    `json:"url"`
	HTML      string    `json:"html"`
	Content   string    `json:"content"`
	Type      string    `json:"content_type"`
	Text      string    `json:"text"`
	Body      string    `json:"body"`
	Title     string    `json:"title"`
	Published string    `json:"published"`
	Date      string    `json:"date"`
	Author    jsonNames `json:"author"`
	Authors   jsonNames `json:"authors"`
	Tags      []string  `json:"tags"`
	Feed      string    `json:"feed"`
}

// A jsonID is a string, or a number as its digits.
type jsonID string

func (i *jsonID) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' && json.Unmarshal(b, new(json.Number)) == nil {
		if *i = jsonID(b); *i == "null" {
			*i = ""
		}
		return nil
	}
	return json.Unmarshal(b, (*string)(i))
}

// jsonNames are a name or a list of names.
type jsonNames []string

func (n *jsonNames) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*n = jsonNames{""}
		return json.Unmarshal(b, &(*n)[0])
	}
	return json.Unmarshal(b, (*[]string)(n))
}

// Name implements pipeline.Past.
func (j *jsonLines) Name() string { return "jsonl " + j.path }

// Check says whether the file can be read.
func (j *jsonLines) Check() error { return checkLines(j.path) }

// Estimate tells the file's length; how many articles are in it shows when it is read.
func (j *jsonLines) Estimate(context.Context, pipeline.Range) (pipeline.Estimate, error) {
	info, err := os.Stat(j.path)
	if err != nil {
		return pipeline.Estimate{}, fileFailure(err)
	}
	return pipeline.Estimate{Articles: -1, Bytes: info.Size(), About: true}, nil
}

// Walk implements pipeline.Past.
func (j *jsonLines) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	l, err := openLines(j.path, cursor, longestJSON)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.each(ctx, func(line []byte, at string, err error) error {
		var f pipeline.Find
		switch {
		case err != nil:
			err = fmt.Errorf("the line is longer than %s", scrapers.FormatSize(longestJSON))
		case strings.TrimSpace(string(line)) == "":
			return nil
		default:
			f, err = j.find(line, l.line)
		}
		if err != nil {
			f = pipeline.Find{Err: fmt.Errorf("%s: %w", l.place(), err)}
		} else if !mayHold(r, f.Entry.Published) || strings.HasPrefix(f.Entry.URL, "http") && !scrapers.OfSites(j.sites, f.Entry.URL) {
			return nil
		}
		f.Cursor = at
		return found(f)
	})
}

// find reads one line, the nth.
func (j *jsonLines) find(line []byte, n int) (pipeline.Find, error) {
	var in jsonLine
	if err := json.Unmarshal(line, &in); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return pipeline.Find{}, fmt.Errorf("%s is a JSON %s and should not be", cmp.Or(kind.Field, "the line"), kind.Value)
		}
		return pipeline.Find{}, fmt.Errorf("the line is no JSON: %w", err)
	}
	in.URL = strings.TrimSpace(in.URL)
	if in.URL != "" {
		if err := addressError(in.URL); err != nil {
			return pipeline.Find{}, err
		}
	}
	e := pipeline.Entry{GUID: string(in.ID), URL: in.URL, Title: in.Title, Tags: in.Tags, PublishedRaw: cmp.Or(in.Published, in.Date), Content: in.Feed}
	e.Author = strings.Join(append(in.Authors, in.Author...), ", ")
	if e.PublishedRaw != "" {
		var ok bool
		if e.Published, ok = feed.ParseDate(e.PublishedRaw); !ok {
			return pipeline.Find{}, fmt.Errorf("%q is no date; it should look like 2024-05-01T06:00:00Z or 2024-05-01", shorten(e.PublishedRaw))
		}
	}
	f := pipeline.Find{Entry: e}
	switch {
	case in.Content != "":
		if int64(len(in.Content)) > j.limit {
			return f, fmt.Errorf("the page is larger than %s", scrapers.FormatSize(j.limit))
		}
		f.Page = &pipeline.Page{ContentType: inUTF8(in.Type), Body: []byte(in.Content)}
	case in.HTML != "":
		body, info, err := j.file(in.HTML)
		if err != nil {
			return f, fmt.Errorf("%s: %w", in.HTML, plainPathError(err))
		}
		f.Page = &pipeline.Page{ContentType: cmp.Or(in.Type, "text/html"), Body: body}
		f.Taken = info.ModTime().UTC()
	case strings.TrimSpace(in.Text) != "" && in.Title == "": // a document too: its headline is to be found in it
		if int64(len(in.Text)) > j.limit {
			return f, fmt.Errorf("the text is larger than %s", scrapers.FormatSize(j.limit))
		}
		f.Page = &pipeline.Page{ContentType: "text/plain; charset=utf-8", Body: []byte(in.Text)}
	case strings.TrimSpace(in.Body+in.Text) != "":
		f.Text = true
		f.Entry.Content = paragraphs(cmp.Or(in.Body, in.Text))
	default:
		return f, errors.New(`there is no document in the line: give "html" (a path), "content", or "text"`)
	}
	if f.Entry.URL == "" {
		f.Entry.URL = j.address(f.Page, cmp.Or(string(in.ID), fmt.Sprint("line-", n)))
	}
	if f.Page != nil {
		f.Page.URL, f.Page.FinalURL, f.Page.Status, f.Page.Fetched = f.Entry.URL, f.Entry.URL, 200, f.Taken
	}
	return f, nil
}

// address is that of a line without one: the page's own word, or a file: address of the file's name and the line's id.
func (j *jsonLines) address(p *pipeline.Page, id string) string {
	local := url.URL{Scheme: "file", Path: "/" + filepath.Base(j.path) + "/" + id}
	if p == nil {
		return local.String()
	}
	saved := readSaved(p.Body)
	return cmp.Or(saved.note, saved.canonical, local.String())
}

func (j *jsonLines) file(name string) ([]byte, os.FileInfo, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		return nil, nil, err
	}
	body, err := readPageFile(file, j.limit)
	return body, info, err
}

// inUTF8 is a content type for text that stood in JSON, whatever its page's header said before.
func inUTF8(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil || t == "" {
		t = "text/html"
	}
	return t + "; charset=utf-8"
}

// paragraphs makes HTML of plain text: its paragraphs are those between blank lines, or its lines where there are none.
func paragraphs(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n")
	end := "\n"
	if strings.Contains(text, "\n\n") {
		end = "\n\n"
	}
	var b strings.Builder
	for p := range strings.SplitSeq(text, end) {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + markup.EscapeString(p) + "</p>\n")
		}
	}
	return b.String()
}
