package warc

import (
	"bytes"
	"crypto/sha1"
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// A Writer writes a file with a gzip member for each record, WARC/1.1, with SHA-1 digests in base 32 as other tools write them. Nothing is
// left to flush after a record. The same calls write the same bytes. After an error the file ends in a torn record.
type Writer struct {
	w    io.Writer
	gz   *gzip.Writer
	buf  bytes.Buffer
	n    int
	info string // the id of the warcinfo record
}

// NewWriter writes to w, which is buffered if that is wanted: there are a few writes for each record.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, gz: gzip.NewWriter(nil)} }

// WriteInfo writes the warcinfo record, which stands first: who wrote the file and what is in it, by the names of the standard
// (software, description, format, …).
func (w *Writer) WriteInfo(at time.Time, about ...Field) error {
	var block bytes.Buffer
	for _, f := range about {
		fmt.Fprintf(&block, "%s: %s\r\n", f.Name, oneLine(f.Value))
	}
	id := w.id(Info, "", at, block.Bytes())
	w.info = id
	return w.record(nil, block.Bytes(), Field{"WARC-Type", Info}, Field{"WARC-Record-ID", id}, Field{"WARC-Date", stamp(at)},
		Field{"Content-Type", "application/warc-fields"})
}

// WriteResponse writes what was fetched from an address at a time: its body as decoded, under HTTP headers that say no more than is known. With
// status 0, no HTTP exchange is known, and the record is a resource.
func (w *Writer) WriteResponse(uri string, at time.Time, status int, contentType string, body []byte) error {
	kind, blockType, head := Resource, contentType, []byte(nil)
	if status != 0 {
		kind, blockType = Response, "application/http; msgtype=response"
		head = fmt.Appendf(nil, "HTTP/1.1 %03d %s\r\n", status, http.StatusText(status))
		if contentType != "" {
			head = fmt.Appendf(head, "Content-Type: %s\r\n", oneLine(contentType))
		}
		head = fmt.Appendf(head, "Content-Length: %d\r\n\r\n", len(body))
	}
	id := w.id(kind, uri, at, body)
	f := []Field{{"WARC-Type", kind}, {"WARC-Record-ID", id}, {"WARC-Date", stamp(at)}, {"WARC-Target-URI", uri}}
	if w.info != "" {
		f = append(f, Field{"WARC-Warcinfo-ID", w.info})
	}
	if status != 0 { // of a resource, the block is the payload
		f = append(f, Field{"WARC-Payload-Digest", digest(body)})
	}
	return w.record(head, body, append(f, Field{"Content-Type", blockType})...)
}

// record writes one record whose block is head and body.
func (w *Writer) record(head, body []byte, f ...Field) error {
	w.buf.Reset()
	w.buf.WriteString("WARC/1.1\r\n")
	f = append(f, Field{"WARC-Block-Digest", digest(head, body)}, Field{"Content-Length", fmt.Sprint(len(head) + len(body))})
	for _, f := range f {
		if f.Value != "" {
			fmt.Fprintf(&w.buf, "%s: %s\r\n", f.Name, oneLine(f.Value))
		}
	}
	w.buf.WriteString("\r\n")
	w.buf.Write(head)
	w.gz.Reset(w.w)
	for _, b := range [][]byte{w.buf.Bytes(), body, []byte("\r\n\r\n")} {
		if _, err := w.gz.Write(b); err != nil {
			return err
		}
	}
	return w.gz.Close()
}

// id is a record's name: a UUID (version 5, by RFC 9562) of what is in the record and where in the file it stands.
func (w *Writer) id(kind, uri string, at time.Time, body []byte) string {
	w.n++
	u := sha1.Sum(fmt.Appendf(nil, "%d %s %s %s %s", w.n, kind, stamp(at), digest(body), uri))
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("<urn:uuid:%x-%x-%x-%x-%x>", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func digest(parts ...[]byte) string {
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	return "sha1:" + base32.StdEncoding.EncodeToString(h.Sum(nil))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// oneLine keeps a value from beginning a field of its own.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}
