package scrapers

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"wirewatch/pipeline"
)

// decode asks for gzip or deflate, undoes it, and bounds what comes out of it. Nothing behind it may decode again: the
// response carries no Content-Encoding and says Uncompressed. Files that are gzip by themselves (application/gzip,
// feed.xml.gz, mislabelled ones) are known by their first bytes and unpacked too; encodings on top of one another are
// refused, for that is what bombs are made of.
type decode struct {
	next  http.RoundTripper
	limit int64 // bytes after decoding
}

func (t decode) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	if out.Header.Get("Accept-Encoding") != "identity" { // who asks for the file as it lies there may have it
		out.Header.Set("Accept-Encoding", "gzip, deflate")
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	codings := contentCodings(resp.Header)
	if len(codings) > 1 {
		resp.Body.Close()
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "encoding", Err: fmt.Errorf("%s sent encodings on top of one another (%s)", Authority(r.URL), strings.Join(codings, ", "))}
	}
	coding := strings.Join(codings, "")
	switch coding {
	case "", "gzip", "x-gzip", "deflate":
	default:
		resp.Body.Close()
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "encoding", Err: fmt.Errorf("%s sent the encoding %q, which was not asked for", Authority(r.URL), coding)}
	}
	if coding == "" && resp.ContentLength > t.limit {
		// Failing here, not on reading, saves the transfer. A compressed length says nothing.
		resp.Body.Close()
		return nil, tooLarge(Authority(r.URL), t.limit)
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.Uncompressed = true // keeps colly from decoding by type or file name
	resp.ContentLength = -1
	resp.Body = &decoded{wire: resp.Body, coding: coding, host: Authority(r.URL), left: t.limit, limit: t.limit}
	return resp, nil
}

// contentCodings lists what was done to the body, in order, over all header lines.
func contentCodings(h http.Header) []string {
	var out []string
	for _, line := range h.Values("Content-Encoding") {
		for c := range strings.SplitSeq(line, ",") {
			if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
				out = append(out, c)
			}
		}
	}
	return out
}

func tooLarge(host string, limit int64) error {
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "too large", Err: fmt.Errorf("the document of %s is larger than %s", host, FormatSize(limit))}
}

// FormatSize writes a number of bytes for people: 5 MiB, 64 KiB.
func FormatSize(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// Unpacked reads in, unpacked where it begins as gzip does; at more than limit bytes it fails with a Failure that speaks of name.
func Unpacked(in io.ReadCloser, name string, limit int64) io.ReadCloser {
	return &decoded{wire: in, host: name, limit: limit, left: limit}
}

// decoded reads a body through its decoder, which is made at the first read: a status without a body has no gzip header.
type decoded struct {
	wire   io.ReadCloser
	coding string
	host   string
	limit  int64
	left   int64
	from   io.Reader
	err    error
}

func (d *decoded) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if d.from == nil {
		if d.from, d.err = d.open(); d.err != nil {
			return 0, d.err
		}
	}
	if int64(len(p)) > d.left+1 {
		p = p[:d.left+1] // one more than allowed tells "too large" from "just fits"
	}
	n, err := d.from.Read(p)
	if int64(n) > d.left {
		d.err = tooLarge(d.host, d.limit)
		return int(d.left), d.err
	}
	d.left -= int64(n)
	if err != nil && err != io.EOF {
		err = d.broken(err)
	}
	d.err = err
	return n, err
}

// open makes the decoder. What goes in is bounded as well as what comes out: a gzip stream of empty members would
// otherwise be read without end and without result.
func (d *decoded) open() (io.Reader, error) {
	in := bufio.NewReader(&capped{r: d.wire, left: d.limit, err: tooLarge(d.host, d.limit)})
	var out io.Reader
	switch d.coding {
	case "":
		if !gzipped(in) {
			return in, nil
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, d.broken(err)
		}
		out = z
	case "deflate":
		// The standard says zlib; some servers send the bare stream.
		if b, err := in.Peek(2); err == nil && b[0]&0x0f == 8 && (uint(b[0])<<8|uint(b[1]))%31 == 0 {
			z, err := zlib.NewReader(in)
			if err != nil {
				return nil, d.broken(err)
			}
			out = z
		} else if err == io.EOF && len(b) == 0 {
			return in, nil
		} else {
			out = flate.NewReader(in)
		}
	default:
		if _, err := in.Peek(1); err == io.EOF {
			return in, nil // an empty body is empty whatever its headers say
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, d.broken(err)
		}
		out = z
	}
	inner := bufio.NewReader(out)
	if gzipped(inner) {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "encoding", Err: fmt.Errorf("%s sent gzip inside %s", d.host, cmp.Or(d.coding, "gzip"))}
	}
	return inner, nil
}

func gzipped(r *bufio.Reader) bool {
	b, _ := r.Peek(3)
	return bytes.Equal(b, []byte{0x1f, 0x8b, 8})
}

// broken words a decoder's error; errors of the wire stay what they are.
func (d *decoded) broken(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum),
		errors.Is(err, zlib.ErrDictionary), errors.As(err, &corrupt):
		return &pipeline.Failure{Verdict: pipeline.Retry, Reason: "encoding", Err: fmt.Errorf("%s sent a broken %s stream", d.host, cmp.Or(d.coding, "gzip"))}
	}
	return err
}

// Close drops the connection's rest unread; what little is left of a body that was read to its end is the transport's.
func (d *decoded) Close() error { return d.wire.Close() }

// capped fails with err after left bytes.
type capped struct {
	r    io.Reader
	left int64
	err  error
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, c.err
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n + int(c.left), c.err
	}
	return n, err
}
