// The command peer is `wirewatch extract --jsonl` with go-trafilatura in the place of Wirewatch's extractor.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/klauspost/compress/gzip" // what Wirewatch reads with: the comparison is of extractors
	trafilatura "github.com/markusmobius/go-trafilatura"
)

type page struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
	URL  string `json:"url"`
}

func main() {
	if err := peer(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

// peer reads page lines and writes one article a line, as `wirewatch extract --jsonl` does.
func peer(r io.Reader, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for d := json.NewDecoder(bufio.NewReader(r)); ; {
		var p page
		if err := d.Decode(&p); err == io.EOF {
			return out.Flush()
		} else if err != nil {
			return err
		}
		a := map[string]any{"id": p.ID, "url": p.URL}
		raw, err := readPage(p.HTML)
		if err != nil {
			return err
		}
		opts := trafilatura.Options{EnableFallback: true}
		opts.OriginalURL, _ = url.Parse(p.URL) // a page whose address is broken has none
		if res, err := trafilatura.Extract(bytes.NewReader(raw), opts); err != nil {
			a["err"] = err.Error()
		} else {
			a["title"], a["author"], a["date"] = res.Metadata.Title, res.Metadata.Author, res.Metadata.Date
			a["body"] = res.ContentText
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
}

func readPage(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}
