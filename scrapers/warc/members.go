package warc

import (
	"bufio"
	"bytes"
	"io"
)

// pass goes over a zstd frame that is no data, and keeps the dictionary if it is one.
func (r *Reader) pass() error {
	r.rec.At = r.pos()
	if b, _ := r.raw.Peek(magicLen); r.rec.At.Offset == 0 && bytes.Equal(b, dictionaryMagic) {
		err := r.unpack.learn(r.raw)
		switch {
		case err == nil:
			return nil
		case err == io.ErrUnexpectedEOF, r.tape.broken() != nil:
			return r.fail(cut(err))
		}
		return r.damage("%v", err)
	}
	if err := jump(r.raw); err != nil {
		return r.fail(err)
	}
	return nil
}

// enter goes into the member that begins here.
func (r *Reader) enter() error {
	r.began, r.inner = r.offset(), 0
	if r.unpack.lacks(r.raw) && r.Begin != nil {
		if err := r.begun(); err != nil {
			return err
		}
	}
	if err := r.unpack.enter(r.raw); err != nil {
		r.torn = true
		return err
	}
	r.unpacked.Reset(&r.unpack)
	r.member, r.text = true, r.unpacked
	return nil
}

// begun reads the file's dictionary, by a reader of its own. That the file's beginning cannot be had is a failure of the input.
func (r *Reader) begun() error {
	in, err := r.Begin()
	r.Begin = nil
	if err != nil {
		r.tape.err = err
		return err
	}
	defer in.Close()
	first := tape{r: in}
	err = r.unpack.learn(bufio.NewReader(&first))
	if broken := first.broken(); broken != nil {
		r.tape.err = broken
	}
	return err
}

// on goes on into the next member, where the record does: it may be of several zstd frames, and some tools pack a file in members of a fixed
// length. A member that begins with a record is none of that kind; the one before it ended too early.
func (r *Reader) on() bool {
	if !r.member {
		return false
	}
	for {
		b, _ := r.raw.Peek(magicLen)
		if skippable(b) {
			if jump(r.raw) != nil {
				return false
			}
			continue
		}
		here := r.offset()
		if !packed(b) || r.unpack.enter(r.raw) != nil {
			return false
		}
		switch first, err := r.unpack.peek(5); {
		case string(first) == "WARC/":
			r.unpack.end()
			r.rewind(here)
			return false
		case len(first) > 0 || err != io.EOF:
			return true
		} // else it is empty
	}
}

// rewind goes back to an offset of the file, or as far as it can.
func (r *Reader) rewind(offset int64) {
	r.tape.seek(offset)
	r.raw.Reset(&r.tape)
}
