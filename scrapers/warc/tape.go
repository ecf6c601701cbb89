package warc

import "io"

// rewindable is how far back a tape can go: farther than most records are long, so that what a damaged record swallowed
// is found again.
const rewindable = 1 << 20

// A tape reads on, and can go back a little.
type tape struct {
	r     io.Reader
	err   error  // what r failed with; io.EOF at its end
	buf   []byte // what was read last
	start int64  // the offset of buf[0] in the file
	pos   int    // what is handed out next, in buf
}

func (t *tape) Read(p []byte) (int, error) {
	if t.pos < len(t.buf) {
		n := copy(p, t.buf[t.pos:])
		t.pos += n
		return n, nil
	}
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.r.Read(p)
	t.err = err
	if len(t.buf)+n > 2*rewindable {
		drop := max(0, len(t.buf)-rewindable)
		t.start += int64(drop)
		t.buf = t.buf[:copy(t.buf, t.buf[drop:])]
	}
	t.buf = append(t.buf, p[:n]...)
	t.pos = len(t.buf)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// offset is that of the byte that is handed out next.
func (t *tape) offset() int64 { return t.start + int64(t.pos) }

// seek goes back to an offset, or as far as it can.
func (t *tape) seek(offset int64) { t.pos = int(min(max(offset-t.start, 0), int64(len(t.buf)))) }

// broken is what the input failed with, other than by ending.
func (t *tape) broken() error {
	if t.err == io.EOF {
		return nil
	}
	return t.err
}
