package warc

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is the most memory that a zstd frame may ask for: as much as the zstd command grants by itself.
	maxWindow = 128 << 20
	// maxDictionary is the most bytes of a file's zstd dictionary, packed and unpacked; the proposal asks readers for 8 MiB.
	maxDictionary = 16 << 20
)

var (
	gzipMagic       = []byte{0x1f, 0x8b, 8}
	zstdMagic       = []byte{0x28, 0xb5, 0x2f, 0xfd}
	dictionaryMagic = []byte{0x5d, 0x2a, 0x4d, 0x18}
)

// magicLen is how many bytes tell what begins.
const magicLen = 4

func zipped(b []byte) bool { return bytes.HasPrefix(b, gzipMagic) }

// packed reports whether b begins a gzip member or a zstd frame, as far as a few bytes can tell.
func packed(b []byte) bool { return zipped(b) || bytes.HasPrefix(b, zstdMagic) }

// packedAt is where in b that is so; -1: nowhere.
func packedAt(b []byte) int {
	gz, zs := bytes.Index(b, gzipMagic), bytes.Index(b, zstdMagic)
	if gz < 0 || zs >= 0 && zs < gz {
		return zs
	}
	return gz
}

// skippable reports whether b begins a zstd frame that is no data.
func skippable(b []byte) bool {
	return len(b) >= magicLen && b[0]&0xf0 == 0x50 && bytes.Equal(b[1:magicLen], dictionaryMagic[1:])
}

// An unpacker reads one gzip member, or one zstd frame, at a time.
type unpacker struct {
	gz    *gzip.Reader
	zs    *zstd.Decoder
	frame frame
	from  io.Reader // gz or zs; nil: none
	ahead []byte    // read from it already
	dict  []byte    // of the file; nil: it has none, or it was not seen yet
}

func (u *unpacker) Read(p []byte) (int, error) {
	if len(u.ahead) > 0 {
		n := copy(p, u.ahead)
		u.ahead = u.ahead[n:]
		return n, nil
	}
	if u.from == nil {
		return 0, io.EOF
	}
	return u.from.Read(p)
}

// peek gives the first n bytes, or fewer and why.
func (u *unpacker) peek(n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := io.ReadFull(u.from, b)
	u.ahead = b[:n]
	return u.ahead, err
}

// end makes an end of the member here.
func (u *unpacker) end() { u.from, u.ahead = nil, nil }

// what names what is read.
func (u *unpacker) what() string {
	if u.frame.r != nil {
		return "zstd frame"
	}
	return "gzip member"
}

// enter begins the member or frame that raw has next.
func (u *unpacker) enter(raw *bufio.Reader) (err error) {
	u.end()
	if b, _ := raw.Peek(magicLen); !zipped(b) {
		u.frame = frame{r: raw}
		if u.zs == nil {
			options := []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true)}
			if u.dict != nil {
				options = append(options, zstd.WithDecoderDicts(u.dict))
			}
			if u.zs, err = zstd.NewReader(nil, options...); err != nil {
				return err
			}
		}
		u.from = u.zs
		return u.zs.Reset(&u.frame)
	}
	u.frame = frame{}
	if u.gz == nil {
		u.gz, err = gzip.NewReader(raw)
	} else {
		err = u.gz.Reset(raw)
	}
	if err != nil {
		return err
	}
	u.gz.Multistream(false)
	u.from = u.gz
	return nil
}

// jump passes over a zstd frame that is no data.
func jump(raw *bufio.Reader) error {
	b, err := raw.Peek(magicLen + 4)
	if err == nil {
		_, err = raw.Discard(len(b) + int(binary.LittleEndian.Uint32(b[magicLen:])))
	}
	return cut(err)
}

// lacks reports whether what raw has next is packed with a dictionary that was not seen yet.
func (u *unpacker) lacks(raw *bufio.Reader) bool {
	b, _ := raw.Peek(magicLen + 1)
	return u.dict == nil && len(b) > magicLen && bytes.HasPrefix(b, zstdMagic) && b[magicLen]&3 != 0
}

// learn takes the dictionary that a file begins with, if it does.
func (u *unpacker) learn(raw *bufio.Reader) error {
	b, err := raw.Peek(magicLen + 4)
	if !bytes.HasPrefix(b, dictionaryMagic) || err != nil {
		return nil
	}
	n := binary.LittleEndian.Uint32(b[magicLen:])
	if n > maxDictionary {
		return fmt.Errorf("the zstd dictionary is larger than %d MiB", maxDictionary>>20)
	}
	dict := make([]byte, n)
	raw.Discard(len(b)) // which were there
	if _, err := io.ReadFull(raw, dict); err != nil {
		return cut(err)
	}
	if bytes.HasPrefix(dict, zstdMagic) {
		d, err := zstd.NewReader(bytes.NewReader(dict), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
		if err == nil {
			dict, err = io.ReadAll(io.LimitReader(d, maxDictionary+1))
			d.Close()
		}
		if err == nil && len(dict) > maxDictionary {
			err = zstd.ErrDecoderSizeExceeded
		}
		if err != nil {
			return fmt.Errorf("the zstd dictionary cannot be unpacked (%w)", err)
		}
	}
	if _, err := zstd.InspectDictionary(dict); err != nil {
		return fmt.Errorf("the zstd dictionary is none (%w)", err)
	}
	u.dict, u.zs = dict, nil
	return nil
}

// A frame reads one zstd frame, and not a byte more: the decoder by itself goes on into the next one, and where that began is not to be had
// from it. See RFC 8878, section 3.1.1.
type frame struct {
	r    *bufio.Reader
	next framePart
	left int  // bytes of the part that is being read
	sum  bool // a checksum stands at the end
}

type framePart int

const (
	frameHead framePart = iota
	frameBlock
	frameSum
	frameEnd
)

func (f *frame) Read(p []byte) (int, error) {
	for f.left == 0 {
		if err := f.part(); err != nil {
			return 0, err
		}
	}
	n, err := f.r.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, cut(err)
}

// part looks how long the next part is.
func (f *frame) part() error {
	switch f.next {
	case frameHead:
		b, err := f.r.Peek(magicLen + 1)
		if err != nil {
			return cut(err)
		}
		d := b[magicLen]
		single, content := d&(1<<5) != 0, [4]int{0, 2, 4, 8}[d>>6]
		if single && content == 0 {
			content = 1
		}
		f.left = magicLen + 1 + [4]int{0, 1, 2, 4}[d&3] + content
		if !single {
			f.left++ // the window
		}
		f.sum, f.next = d&(1<<2) != 0, frameBlock
	case frameBlock:
		b, err := f.r.Peek(3)
		if err != nil {
			return cut(err)
		}
		h := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		f.left = len(b) + h>>3
		if h>>1&3 == 1 { // one byte, to be repeated
			f.left = len(b) + 1
		}
		if h&1 != 0 {
			f.next = frameSum
		}
	case frameSum:
		if f.next = frameEnd; f.sum {
			f.left = 4
		}
	default:
		return io.EOF
	}
	return nil
}

// cut is the error of an end that comes too early.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
