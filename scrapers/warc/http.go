package warc

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// A Head is the status line and the headers of an HTTP response, as stored. It is valid until the Reader's Next.
type Head struct {
	Status int // 0: the record's block is not an HTTP response
	Header Header
}

// fault gives up what is in the record.
func (r *Reader) fault(format string, args ...any) error {
	return &Fault{At: r.rec.At, What: fmt.Sprintf(format, args...)}
}

// Head reads the head of the HTTP response that the record's block is. It is called once, and before Body. The error is a *Fault, or one of Next's.
func (r *Reader) Head() (*Head, error) {
	if r.left == 0 {
		return nil, r.fault("the response is empty")
	}
	n, whole := min(r.left, MaxHead), r.left <= MaxHead
	before := r.inner
	defer func() { r.left -= r.inner - before }()
	first, err := r.line(n, whole)
	if err != nil {
		return nil, r.headless(err)
	}
	proto, rest, _ := strings.Cut(strings.TrimSpace(string(first)), " ")
	status, err := strconv.Atoi(strings.TrimSpace(rest[:min(3, len(rest))]))
	if !strings.HasPrefix(proto, "HTTP/") || err != nil || status < 100 {
		return nil, r.fault("the response begins with %.40q, which is no HTTP status line", first)
	}
	text, err := r.lines(n-int64(len(first)), whole)
	if err != nil {
		return nil, r.headless(err)
	}
	r.http.Status, r.http.Header = status, fields(r.http.Header[:0], text)
	return &r.http, nil
}

// headless is what an error within an HTTP head means: too long is this response's fault, the rest is the file's.
func (r *Reader) headless(err error) error {
	if err == errLong {
		return r.fault("the HTTP headers have no end within %d KiB", MaxHead>>10)
	}
	return r.fail(err)
}

// Body reads the rest of the record's block, behind the Head where there is one, and undoes how it was sent. The caller keeps it. More than limit
// bytes, stored or decoded, are an error, and are not loaded. The error is a *Fault, or one of Next's.
func (r *Reader) Body(limit int64) ([]byte, error) {
	if r.left > limit {
		return nil, r.fault("the body is larger than %d KiB", limit>>10)
	}
	chunked := strings.Contains(strings.ToLower(r.http.Header.Value("Transfer-Encoding")), "chunked")
	codings := r.codings()
	if !chunked && len(codings) == 0 {
		out := make([]byte, r.left)
		return out, r.fill(out)
	}
	if int64(cap(r.coded)) < r.left {
		r.coded = make([]byte, r.left)
	}
	b := r.coded[:r.left]
	if err := r.fill(b); err != nil {
		return nil, err
	}
	if chunked {
		var ok bool
		if b, ok = dechunk(b); !ok {
			return nil, r.fault("the chunked body is cut or broken")
		}
	}
	if len(codings) > 1 {
		return nil, r.fault("encodings on top of one another (%s) are not decoded", strings.Join(codings, ", "))
	}
	for _, c := range codings {
		var err error
		if b, err = r.decode(b, c, limit); err != nil {
			return nil, r.fault("%v", err)
		}
	}
	return bytes.Clone(b), nil
}

func (r *Reader) fill(b []byte) error {
	for len(b) > 0 {
		n, err := io.ReadFull(r.text, b)
		b = b[n:]
		r.inner += int64(n)
		r.left -= int64(n)
		if err != nil && (cut(err) != io.ErrUnexpectedEOF || !r.on()) {
			return r.fail(err)
		}
	}
	return nil
}

// codings lists what was done to the body, in order.
func (r *Reader) codings() (out []string) {
	for _, f := range r.http.Header {
		if !strings.EqualFold(f.Name, "Content-Encoding") {
			continue
		}
		for c := range strings.SplitSeq(f.Value, ",") {
			if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
				out = append(out, c)
			}
		}
	}
	return out
}

// dechunk undoes chunked transfer, in place. What does not begin with a chunk's size was declared so and is not: it is left as it is. A body may
// lack its last chunk, the empty one.
func dechunk(b []byte) ([]byte, bool) {
	out := b[:0]
	for rest := b; len(rest) > 0; {
		size, data, ok := chunkSize(rest)
		if ok && size == 0 {
			return out, true
		}
		if !ok && len(rest) == len(b) {
			return b, true
		}
		if !ok || size > int64(len(data)) || size < int64(len(data)) && data[size] != '\r' && data[size] != '\n' {
			return nil, false
		}
		out = append(out, data[:size]...)
		rest = bytes.TrimPrefix(bytes.TrimPrefix(data[size:], []byte("\r")), []byte("\n"))
	}
	return out, true
}

// chunkSize reads a chunk's first line.
func chunkSize(b []byte) (size int64, data []byte, ok bool) {
	i := bytes.IndexByte(b[:min(len(b), 1024)], '\n')
	if i < 0 {
		return 0, nil, false
	}
	line, _, _ := bytes.Cut(b[:i], []byte(";"))
	size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
	return size, b[i+1:], err == nil && size >= 0
}

// decode undoes one coding. What was declared encoded and is not is left as it is. The result is valid until the next call.
func (r *Reader) decode(b []byte, coding string, limit int64) ([]byte, error) {
	if len(b) == 0 {
		return b, nil
	}
	var in io.Reader = bytes.NewReader(b)
	var err error
	switch coding {
	case "gzip", "x-gzip":
		if !zipped(b) {
			return plain(b, coding)
		}
		in = &members{b: bytes.NewReader(b), zip: &r.unzip}
	case "deflate": // the standard says zlib; some servers send the bare stream
		if len(b) > 2 && b[0]&0x0f == 8 && (uint(b[0])<<8|uint(b[1]))%31 == 0 {
			in, err = zlib.NewReader(in)
		} else {
			in = flate.NewReader(in)
		}
	case "zstd":
		if !bytes.HasPrefix(b, zstdMagic) {
			return plain(b, coding)
		}
		if r.zstd == nil {
			r.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		} else {
			err = r.zstd.Reset(in)
		}
		if err != nil {
			r.zstd = nil
		} else {
			in = r.zstd
		}
	case "br": // nothing marks its beginning
		if r.br == nil {
			r.br = brotli.NewReader(in)
		} else {
			err = r.br.Reset(in)
		}
		in = r.br
	default:
		return plain(b, coding)
	}
	r.plain.Reset()
	if err == nil {
		_, err = r.plain.ReadFrom(io.LimitReader(in, limit+1))
	}
	switch {
	case err == nil && int64(r.plain.Len()) > limit:
		return nil, fmt.Errorf("the body is larger than %d KiB", limit>>10)
	case err == nil:
		return r.plain.Bytes(), nil
	case coding == "deflate", coding == "br":
		if out, perr := plain(b, coding); perr == nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("the %s body is broken (%v)", coding, err)
}

// members reads the gzip members of a body, one after the other. What stands behind the last one is passed over, as browsers do.
type members struct {
	b   *bytes.Reader
	zip **gzip.Reader // reused
	in  bool          // zip is in a member
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if !m.in {
			var magic [3]byte
			if n, _ := m.b.ReadAt(magic[:], m.b.Size()-int64(m.b.Len())); !zipped(magic[:n]) {
				return 0, io.EOF
			}
			if err := m.enter(); err != nil {
				return 0, err
			}
		}
		n, err := (*m.zip).Read(p)
		if err == io.EOF {
			m.in, err = false, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (m *members) enter() (err error) {
	if *m.zip == nil {
		*m.zip, err = gzip.NewReader(m.b)
	} else {
		err = (*m.zip).Reset(m.b)
	}
	if err != nil {
		*m.zip = nil
		return cut(err)
	}
	(*m.zip).Multistream(false)
	m.in = true
	return nil
}

// plain gives back text that was never encoded, whatever its headers say.
func plain(b []byte, coding string) ([]byte, error) {
	if strings.HasPrefix(http.DetectContentType(b), "text/") {
		return b, nil
	}
	return nil, fmt.Errorf("the body's encoding %.20q is not decoded", coding)
}
