package warc

import (
	"bytes"
	"io"
)

// find goes on behind a damaged record: to the next line of this member that begins a record, or, where the member is torn or there is
// none, to the next place in the file where one begins. io.EOF says that there is none.
func (r *Reader) find() error {
	torn, within := r.torn, r.member || r.torn
	r.lost, r.torn = false, false
	if r.member && !torn {
		if b, _ := r.text.Peek(6); bytes.HasPrefix(b, []byte("WARC/")) && r.inner > r.rec.At.Inner { // the line before was no record's first
			return nil
		}
		switch found, err := r.seek(versionLine); {
		case found:
			return nil
		case err != io.EOF: // damaged behind the record too
			if err := r.tape.broken(); err != nil {
				return err
			}
		default:
			return nil // at the member's end, where the next one begins
		}
	}
	r.member, r.text = false, r.raw
	r.rewind(r.rec.At.Offset + 1)
	for {
		found, err := r.seek(func(b []byte) int {
			at := packedAt(b)
			if within {
				return at
			}
			if line := versionLine(b); line >= 0 && (at < 0 || line < at) {
				return line
			}
			return at
		})
		if !found {
			return err
		}
		here := r.offset()
		if b, _ := r.raw.Peek(magicLen); !packed(b) {
			return nil
		}
		// A few bytes may be chance: a member that holds records unpacks to the first word of one.
		if err := r.enter(); err == nil {
			if b, _ := r.text.Peek(5); string(b) == "WARC/" {
				r.torn = false
				return nil
			}
		}
		r.torn, r.member, r.text = false, false, r.raw
		if err := r.tape.broken(); err != nil {
			return err
		}
		r.rewind(here + 1)
	}
}

// overlap is how much of a window is looked at again with the next: what is looked for may stand across its end.
const overlap = 16

// seek goes to the first place where match finds something.
func (r *Reader) seek(match func([]byte) int) (bool, error) {
	for {
		b, err := r.text.Peek(MaxHead)
		if i := match(b); i >= 0 {
			return true, r.discard(int64(i))
		}
		if err != nil {
			r.discard(int64(len(b)))
			return false, err
		}
		if err := r.discard(int64(len(b) - overlap)); err != nil {
			return false, err
		}
	}
}

// versionLine is where in b a line begins with WARC/ and a version; -1: nowhere.
func versionLine(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("\nWARC/"))
		if i < 0 {
			return -1
		}
		i += from + 1
		if rest := b[i+len("WARC/"):]; len(rest) >= 2 && '0' <= rest[0] && rest[0] <= '9' && rest[1] == '.' {
			return i
		}
		from = i
	}
}
