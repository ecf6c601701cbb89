package warc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A Reader reads one file from front to back.
type Reader struct {
	// Begin opens the file at its beginning, where a zstd dictionary stands. It is called when a Reader that began at a later place needs that; nil:
	// what is packed with a dictionary is then damaged.
	Begin func() (io.ReadCloser, error)

	tape     tape
	raw      *bufio.Reader // the file
	unpack   unpacker
	unpacked *bufio.Reader // the member: one of gzip, or a zstd frame
	text     *bufio.Reader // where the record is read from: raw or unpacked

	member bool  // text is unpacked
	began  int64 // offset of the member
	inner  int64 // bytes of the member behind us, and of those before it where records go on over members
	skip   int64 // bytes of the first member to pass over

	rec  Record
	head bytes.Buffer
	open bool  // the record's block is not finished
	left int64 // bytes of the block ahead

	lost bool // the next record has to be looked for
	torn bool // and the packed stream we are in is of no more use

	http  Head
	coded []byte // for bodies that are decoded; reused
	plain bytes.Buffer
	unzip *gzip.Reader
	zstd  *zstd.Decoder
	br    *brotli.Reader
}

// NewReader reads a file whose bytes from at.Offset on are r's. The zero Pos is the file's beginning.
func NewReader(r io.Reader, at Pos) *Reader {
	out := &Reader{tape: tape{r: r, start: at.Offset}, skip: at.Inner}
	out.raw = bufio.NewReaderSize(&out.tape, MaxHead)
	out.unpacked = bufio.NewReaderSize(&out.unpack, MaxHead)
	out.text = out.raw
	return out
}

// Next gives the next record. The error is io.EOF at the end of the file; a *Damage, after which Next looks for the next record; or what
// the input failed with, and then that again.
func (r *Reader) Next() (*Record, error) {
	if r.open {
		if _, err := r.Finish(); err != nil {
			return nil, err
		}
	}
	if r.lost {
		if err := r.find(); err != nil {
			return nil, err
		}
	}
	if err := r.begin(); err != nil {
		return nil, err
	}
	return r.readRecord()
}

// Finish passes over the rest of the record and says where the next one begins. Its Damage says that the record, as it was read,
// is not to be trusted.
func (r *Reader) Finish() (Pos, error) {
	if !r.open {
		return r.pos(), nil
	}
	r.open = false
	if err := r.discard(r.left); err != nil {
		return Pos{}, r.fail(err)
	}
	r.left = 0
	lines, err := r.newlines()
	switch {
	case err == io.EOF && r.member: // the member ends with its record
		r.member, r.text = false, r.raw
		for b, _ := r.raw.Peek(magicLen); skippable(b) && jump(r.raw) == nil; b, _ = r.raw.Peek(magicLen) {
		}
	case err == io.EOF:
	case err != nil:
		return Pos{}, r.fail(err)
	case lines < 2:
		if b, _ := r.text.Peek(5); string(b) != "WARC/" && !packed(b) && !skippable(b) {
			return Pos{}, r.damage("the record goes on behind its Content-Length of %d", r.rec.Length)
		}
	}
	return r.pos(), nil
}

// pos is where we are.
func (r *Reader) pos() Pos {
	if r.member {
		return Pos{r.began, r.inner}
	}
	return Pos{Offset: r.offset()}
}

func (r *Reader) offset() int64 { return r.tape.offset() - int64(r.raw.Buffered()) }

// begin goes to where a record should begin: over line ends, and into the next member.
func (r *Reader) begin() error {
	for {
		_, err := r.newlines()
		switch {
		case err == io.EOF && r.member:
			r.member, r.text = false, r.raw
			continue
		case err != nil && r.tape.broken() != nil:
			return r.tape.broken()
		case err == io.EOF:
			return io.EOF
		case err != nil:
			r.rec.At = r.pos()
			return r.fail(err)
		case r.member:
			return nil
		}
		b, _ := r.raw.Peek(magicLen)
		if skippable(b) {
			if err := r.pass(); err != nil {
				return err
			}
			continue
		}
		if !packed(b) {
			if r.skip > 0 {
				r.skip, r.rec.At = 0, r.pos()
				return r.damage("nothing packed begins here; the file is not the one that was read before")
			}
			return nil
		}
		err = r.enter()
		if err == nil {
			err = r.discard(r.skip)
		}
		if r.skip = 0; err != nil {
			r.rec.At = Pos{Offset: r.began}
			return r.fail(err)
		}
	}
}

// readRecord reads a record's named fields.
func (r *Reader) readRecord() (*Record, error) {
	rec := Record{At: r.pos(), Header: r.rec.Header[:0]}
	r.rec, r.http = rec, Head{Header: r.http.Header[:0]}
	version, err := r.line(MaxHead, false)
	if err != nil {
		return nil, r.fail(err)
	}
	v, ok := bytes.CutPrefix(bytes.TrimSpace(version), []byte("WARC/"))
	if !ok || len(v) == 0 {
		return nil, r.damage("here should begin a record, with WARC/1.0 or WARC/1.1")
	}
	rec.Version = string(v)
	text, err := r.lines(MaxHead, false)
	if err != nil {
		return nil, r.fail(err)
	}
	rec.Header = fields(rec.Header, text)
	for _, f := range rec.Header {
		switch {
		case strings.EqualFold(f.Name, "WARC-Type"):
			rec.Type = strings.ToLower(f.Value)
		case strings.EqualFold(f.Name, "WARC-Target-URI"):
			rec.URI = strings.Trim(f.Value, "<>")
		case strings.EqualFold(f.Name, "WARC-Date"):
			rec.Date = date(f.Value)
		}
	}
	length := rec.Header.Value("Content-Length")
	if rec.Length, err = strconv.ParseInt(length, 10, 64); err != nil || rec.Length < 0 {
		return nil, r.damage("the record's Content-Length %.40q is no length", length)
	}
	r.rec, r.left, r.open = rec, rec.Length, true
	return &r.rec, nil
}

var errLong = fmt.Errorf("the head is longer than %d KiB", MaxHead>>10)

// line takes a line with its end, of at most limit bytes. The last one may lack the end: that of the file, and, with whole, that at the limit.
// It is valid until the next read.
func (r *Reader) line(limit int64, whole bool) ([]byte, error) {
	for n := min(limit, 512); ; n = min(2*n, limit) {
		n = max(n, min(int64(r.text.Buffered()), limit))
		b, err := r.text.Peek(int(n))
		i := bytes.IndexByte(b, '\n')
		switch {
		case i >= 0:
			return b[:i+1], r.discard(int64(i + 1))
		case err == io.EOF && r.on():
		case err == io.EOF && len(b) == 0:
			return nil, io.ErrUnexpectedEOF
		case err == io.EOF || whole && n == limit:
			return b, r.discard(int64(len(b)))
		case err != nil:
			return nil, err
		case n == limit:
			return nil, errLong
		}
	}
}

// lines takes what there is up to an empty line, of at most limit bytes, and that line. With whole, the limit is an end too.
func (r *Reader) lines(limit int64, whole bool) (string, error) {
	r.head.Reset()
	for {
		if whole && int64(r.head.Len()) == limit {
			return r.head.String(), nil
		}
		b, err := r.line(limit-int64(r.head.Len()), whole)
		if err != nil {
			return "", err
		}
		if len(bytes.TrimRight(b, "\r\n")) == 0 {
			return r.head.String(), nil
		}
		r.head.Write(b)
	}
}

// newlines passes over line ends and counts them.
func (r *Reader) newlines() (n int, err error) {
	for {
		b, err := r.text.Peek(1)
		switch {
		case len(b) == 0:
			return n, err
		case b[0] == '\n':
			n++
		case b[0] != '\r':
			return n, nil
		}
		if err := r.discard(1); err != nil {
			return n, err
		}
	}
}

// discard passes over n bytes.
func (r *Reader) discard(n int64) error {
	for n > 0 {
		k, err := r.text.Discard(int(min(n, 1<<30)))
		n -= int64(k)
		r.inner += int64(k)
		switch {
		case err == io.EOF && r.on():
		case err != nil:
			return cut(err)
		}
	}
	return nil
}

// damage gives up the record.
func (r *Reader) damage(format string, args ...any) error {
	r.lost, r.open = true, false
	return &Damage{At: r.rec.At, What: fmt.Sprintf(format, args...)}
}

// fail is the damage that an error of reading means, or what the input failed with.
func (r *Reader) fail(err error) error {
	if broken := r.tape.broken(); broken != nil && (errors.Is(err, broken) || r.raw.Buffered() == 0) {
		r.open = false
		return broken
	}
	switch {
	case err == errLong:
		return r.damage("%v", err)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		if _, err := r.raw.Peek(1); err == io.EOF {
			r.torn = r.member
			return r.damage("the file ends amid the record")
		}
		return r.damage("the %s ends amid the record", r.unpack.what())
	case errors.Is(err, io.ErrNoProgress):
		return err
	}
	r.torn = true
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return r.damage("the zstd frame takes more than %d MiB of memory to unpack", maxWindow>>20)
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return r.damage("the zstd frame is packed with a dictionary that the file does not begin with")
	}
	return r.damage("the %s is damaged (%v)", r.unpack.what(), err)
}
