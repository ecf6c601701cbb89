package extract

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip" // half the time of the standard library's, which was a fifth of the whole
)

// maxLine is the longest input line in bytes: a document and its JSON escapes.
const maxLine = 4 * MaxInput

// ident is a line's id: a string, or a number, which is handed on as the string of its digits.
type ident string

func (i *ident) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' && json.Unmarshal(b, new(json.Number)) == nil {
		*i = ident(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(i))
}

type lineIn struct {
	ID      ident   `json:"id"`
	URL     string  `json:"url"`
	HTML    string  `json:"html"`
	Content *string `json:"content"`
	Text    *string `json:"text"`
	Type    string  `json:"content_type"`
	Feed    string  `json:"feed"`
}

type lineBlock struct {
	Class string `json:"class"`
	Kept  bool   `json:"kept"`
	Text  string `json:"text"`
	Rule  string `json:"rule,omitempty"`
	Line  int    `json:"line,omitempty"`

	Score float64 `json:"score"`
}

type lineOut struct {
	ID        ident       `json:"id"`
	URL       string      `json:"url"`
	Site      string      `json:"site"`
	Title     string      `json:"title"`
	Author    []string    `json:"author"`
	Date      string      `json:"date"`
	Modified  string      `json:"modified"`
	Lang      string      `json:"lang"`
	Agency    string      `json:"agency"`
	Canonical string      `json:"canonical"`
	SiteName  string      `json:"site_name"`
	Section   string      `json:"section"`
	Tags      []string    `json:"tags"`
	Image     string      `json:"image"`
	Paywalled bool        `json:"paywalled"`
	Body      string      `json:"body"`
	Blocks    []lineBlock `json:"blocks"`
	SiteRule  string      `json:"site_rule,omitempty"`
	Notes     []string    `json:"notes,omitempty"`
}

type lineErr struct {
	ID   ident  `json:"id"`
	Line int    `json:"line,omitempty"`
	Err  string `json:"err"`
}

// Lines is the filter behind `wirewatch extract --jsonl`: lines {"id","url","html" or "content" or "text"} in, one line an
// article out, in input order. html is a path relative to the working folder, plain or gzip; feed, if given, is what the feed itself says
// of the article. A page that fails gives
// {"id","err"}, a line that cannot be read {"id","line","err"}; only a failure of r or w ends the run. GOMAXPROCS pages are
// worked on at a time.
func (x *Extractor) Lines(r io.Reader, w io.Writer) error {
	type job struct {
		line int
		data []byte
		out  chan []byte
	}
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job, workers)
	queue := make(chan chan []byte, 4*workers) // answers in input order
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var pr pageReader
			for j := range jobs {
				j.out <- x.line(j.line, j.data, &pr)
			}
		})
	}
	var readErr error
	wg.Go(func() {
		defer close(queue)
		defer close(jobs)
		in := bufio.NewReaderSize(r, 1<<16)
		for n := 1; ; n++ {
			data, err := readLine(in)
			if len(bytes.TrimSpace(data)) > 0 || errors.Is(err, errLongLine) {
				j := job{n, data, make(chan []byte, 1)}
				if errors.Is(err, errLongLine) {
					j.data = nil
					err = nil
				}
				select {
				case queue <- j.out:
				case <-stop:
					return
				}
				jobs <- j
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				readErr = fmt.Errorf("read line %d: %w", n, err)
				return
			}
		}
	})
	out := bufio.NewWriterSize(w, 1<<16)
	var writeErr error
	for c := range queue {
		b := <-c
		if writeErr == nil {
			if _, writeErr = out.Write(b); writeErr != nil {
				close(stop)
			}
		}
	}
	wg.Wait()
	if writeErr == nil {
		writeErr = out.Flush()
	}
	if writeErr != nil {
		return fmt.Errorf("write articles: %w", writeErr)
	}
	return readErr
}

var errLongLine = errors.New("line is longer than 64 MiB")

// readLine reads one line of at most maxLine bytes; a longer one is read to its end and reported.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			long, line = true, nil
		}
		if !long {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long && err == nil {
			err = errLongLine
		}
		return line, err
	}
}

// line answers one input line.
func (x *Extractor) line(n int, data []byte, pr *pageReader) []byte {
	var in lineIn
	if data == nil {
		return encode(lineErr{Line: n, Err: errLongLine.Error()})
	}
	if err := json.Unmarshal(data, &in); err != nil {
		var id struct {
			ID any `json:"id"`
		}
		_ = json.Unmarshal(data, &id) // the id, if the line has one that can be read, is all that is wanted
		s := ""
		if id.ID != nil {
			s = fmt.Sprint(id.ID)
		}
		return encode(lineErr{ID: ident(s), Line: n, Err: "bad line: " + err.Error()})
	}
	a, err := x.article(in, pr)
	if err != nil {
		return encode(lineErr{ID: in.ID, Err: err.Error()})
	}
	out := lineOut{
		ID: in.ID, URL: in.URL, Site: a.Site, Title: a.Title, Author: a.Signed, Date: a.Date, Modified: a.Modified, Lang: a.Lang,
		Agency: a.Agency, Canonical: a.Canonical, SiteName: a.SiteName, Section: a.Section, Tags: append([]string{}, a.Tags...), Image: a.Image,
		Paywalled: a.Paywalled, Body: a.Body, Blocks: make([]lineBlock, len(a.Blocks)), SiteRule: a.SiteRule, Notes: a.Notes,
	}
	if out.Author == nil {
		out.Author = []string{}
	}
	for i, b := range a.Blocks {
		out.Blocks[i] = lineBlock(b)
	}
	return encode(out)
}

// article extracts one input line. A panic is the page's failure, not the run's.
func (x *Extractor) article(in lineIn, pr *pageReader) (a *Article, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, fmt.Errorf("extract %s: panic: %v", in.URL, p)
		}
	}()
	switch {
	case in.Content != nil:
		return x.Extract(Input{URL: in.URL, HTML: []byte(*in.Content), ContentType: in.Type, Feed: in.Feed})
	case in.Text != nil:
		return x.Extract(Input{URL: in.URL, Text: *in.Text})
	case in.HTML == "":
		return nil, errors.New(`no document: give "html" (a path), "content" or "text"`)
	}
	raw, err := pr.read(in.HTML)
	if err != nil {
		return nil, err
	}
	return x.Extract(Input{URL: in.URL, HTML: raw, ContentType: in.Type, Feed: in.Feed})
}

// A pageReader reads one page after another into the same memory: an article keeps nothing of the page's bytes.
type pageReader struct {
	file bufio.Reader
	zip  gzip.Reader
	page bytes.Buffer
}

// Sizes of the buffer in bytes: the least, which most pages fit in, and the largest that is kept for the next page.
const (
	usualPage = 1 << 20
	keepPage  = 4 << 20
)

// read reads a file, gzip or plain, of at most MaxInput decoded bytes. The result is valid until the next read.
func (p *pageReader) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := min(info.Size(), MaxInput)
	p.file.Reset(f)
	var src io.Reader = &p.file
	if magic, _ := p.file.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if err := p.zip.Reset(&p.file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		src = &p.zip
		size = unzippedSize(f, size)
	}
	p.page.Reset()
	// A buffer that doubles as it grows takes up to twice the page, and leaves as much to the collector.
	if want := int(size) + 2*bytes.MinRead; p.page.Cap() < want || p.page.Cap() > keepPage {
		p.page = *bytes.NewBuffer(make([]byte, 0, max(want, usualPage)))
	}
	if _, err := p.page.ReadFrom(io.LimitReader(src, MaxInput+1)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p.page.Bytes(), nil
}

// unzippedSize is what a gzip file of size bytes says, in its last four, that it unpacks to. It may lie, so what deflate
// cannot reach is not believed, nor what is too large for a page.
func unzippedSize(f io.ReaderAt, size int64) int64 {
	var tail [4]byte
	if _, err := f.ReadAt(tail[:], max(size-4, 0)); err != nil {
		return 0
	}
	return min(int64(binary.LittleEndian.Uint32(tail[:])), 1032*size, MaxInput)
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // strings, numbers and lists always encode
		return fmt.Appendf(nil, "{\"err\":%q}\n", err.Error())
	}
	return b.Bytes()
}
