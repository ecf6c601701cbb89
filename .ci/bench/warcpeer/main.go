// The command warcpeer is the plain loop that a backfill is measured beside: read WARC files, go-trafilatura, print. It keeps nothing, joins
// nothing and matches nothing.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	trafilatura "github.com/markusmobius/go-trafilatura"
)

func main() {
	files, _ := filepath.Glob(filepath.Join(os.Args[1], "*.warc.gz"))
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	for _, f := range files {
		if err := read(f, json.NewEncoder(out)); err != nil {
			fmt.Fprintln(os.Stderr, "warcpeer:", f, err)
			os.Exit(1)
		}
	}
	out.Flush()
}

func read(path string, out *json.Encoder) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(z, 1<<16)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "WARC/") {
			continue // between records
		}
		head, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(head.Get("Content-Length"))
		if err != nil {
			return err
		}
		block := make([]byte, n)
		if _, err := io.ReadFull(r, block); err != nil {
			return err
		}
		if head.Get("WARC-Type") != "response" {
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(block)), nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			continue
		}
		opts := trafilatura.Options{EnableFallback: true}
		opts.OriginalURL, _ = url.Parse(head.Get("WARC-Target-URI"))
		res, err := trafilatura.Extract(resp.Body, opts)
		if err != nil {
			continue
		}
		if err := out.Encode(map[string]any{"url": head.Get("WARC-Target-URI"), "title": res.Metadata.Title, "date": res.Metadata.Date, "body": res.ContentText}); err != nil {
			return err
		}
	}
}
