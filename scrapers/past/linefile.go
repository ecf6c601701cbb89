package past

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"wirewatch/pipeline"
)

// A lineFile reads a file of lines, plain or gzip, from the place that an earlier reading came to. The file may have grown since.
type lineFile struct {
	name    string
	longest int // bytes; longer lines are not given
	file    *os.File
	in      *bufio.Reader
	zip     bool
	offset  int64 // of the next line, in what is unpacked
	line    int   // number of the line read last, from 1
}

// errLongLine says that a line is longer than the reader takes.
var errLongLine = errors.New("line is too long")

// filePath checks a source's argument that is a file.
func filePath(arg string) (string, error) {
	if arg == "-" {
		return "", errors.New("a backfill has to go on where it was broken off, and standard input is read only once; save it to a file first")
	}
	return filepath.Abs(arg)
}

// fileFailure says that a file cannot be read; trying again does not help.
func fileFailure(err error) error {
	reason := "file"
	var path *fs.PathError
	if errors.As(err, &path) && errors.Is(err, fs.ErrNotExist) {
		reason, err = "no file", fmt.Errorf("there is no file %s", path.Path)
	}
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: reason, Err: err}
}

// openLines opens a file behind the cursor; "" is its beginning.
func openLines(name, cursor string, longest int) (*lineFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileFailure(err)
	}
	l := &lineFile{name: name, longest: longest, file: f}
	if err := l.start(cursor); err != nil {
		f.Close()
		return nil, fileFailure(err)
	}
	return l, nil
}

// checkLines opens a file as a walk would.
func checkLines(name string) error {
	l, err := openLines(name, "", 0)
	if err != nil {
		return err
	}
	return l.Close()
}

func (l *lineFile) start(cursor string) error {
	if info, err := l.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%s is not a file", l.name))
	}
	l.in = bufio.NewReaderSize(l.file, 1<<16)
	head, _ := l.in.Peek(3)
	switch {
	case len(head) == 3 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(l.in)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		l.in, l.zip = bufio.NewReaderSize(z, 1<<16), true
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return fmt.Errorf("%s is in UTF-16; save it as UTF-8", l.name)
	}
	if cursor == "" {
		if head, _ := l.in.Peek(3); bytes.Equal(head, []byte("\ufeff")) {
			n, err := l.in.Discard(3)
			l.offset = int64(n)
			return err
		}
		return nil
	}
	return l.resume(cursor)
}

// resume goes to a cursor: the offset of the line behind it, that of the line before, and the number of that.
func (l *lineFile) resume(cursor string) error {
	var from int64
	if _, err := fmt.Sscanf(cursor, "%d %d %d", &l.offset, &from, &l.line); err != nil || from < 0 || from >= l.offset || l.line < 1 {
		return fmt.Errorf("%s: %q is no place in a file; begin the backfill anew", l.name, shorten(cursor))
	}
	if err := l.skip(from); err != nil {
		return err
	}
	// The line before is read again: where it had no end, it may have been continued since, and then it is another line.
	l.offset, l.line = from, l.line-1
	line, err := l.read()
	if err != nil && err != io.EOF && !errors.Is(err, errLongLine) {
		return err
	}
	var end int64
	fmt.Sscanf(cursor, "%d", &end)
	switch {
	case l.offset == end || l.offset == end+1 && bytes.HasSuffix(line, []byte("\n")) || l.offset == end+2 && bytes.HasSuffix(line, []byte("\r\n")):
		return nil
	case l.offset < end:
		return fmt.Errorf("%s is shorter than when it was read last; begin the backfill anew", l.name)
	}
	return l.resumeAt(from)
}

// resumeAt goes back to the beginning of the line just read.
func (l *lineFile) resumeAt(from int64) error {
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	l.in.Reset(l.file)
	if l.zip {
		z, err := gzip.NewReader(bufio.NewReader(l.file))
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		l.in.Reset(z)
	}
	l.offset, l.line = from, l.line-1
	return l.skip(from)
}

// skip goes from the beginning to an offset. What is packed has to be unpacked up to there.
func (l *lineFile) skip(to int64) error {
	if l.zip {
		n, err := io.CopyN(io.Discard, l.in, to)
		if err == io.EOF {
			return fmt.Errorf("%s ends at byte %d, before the place at which it was read last; begin the backfill anew", l.name, n)
		}
		return err
	}
	if _, err := l.file.Seek(to, io.SeekStart); err != nil {
		return err
	}
	l.in.Reset(l.file)
	return nil
}

// next gives a line without its end, and the cursor behind it. It ends with io.EOF; errLongLine says that one line was passed over.
func (l *lineFile) next() (line []byte, cursor string, err error) {
	from := l.offset
	line, err = l.read()
	if err == io.EOF && l.offset > from { // a last line without an end
		err = nil
	}
	if err != nil && !errors.Is(err, errLongLine) {
		if err != io.EOF {
			err = fileFailure(fmt.Errorf("%s breaks off behind line %d: %w", l.name, l.line-1, err))
		}
		return nil, "", err
	}
	return bytes.TrimRight(line, "\r\n"), fmt.Sprintf("%d %d %d", l.offset, from, l.line), err
}

func (l *lineFile) read() ([]byte, error) {
	var line []byte
	long := false
	l.line++
	for {
		part, err := l.in.ReadSlice('\n')
		l.offset += int64(len(part))
		if long = long || len(line)+len(part) > l.longest; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long && (err == nil || err == io.EOF) {
			err = errLongLine
		}
		return line, err
	}
}

// each calls f for every line, with the cursor behind it, until f fails, ctx ends or the file does. Of a line that is too long f gets
// errLongLine in its place; no other error comes to it.
func (l *lineFile) each(ctx context.Context, f func(line []byte, cursor string, err error) error) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, cursor, err := l.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !errors.Is(err, errLongLine):
			return err
		}
		if err := f(line, cursor, err); err != nil {
			return err
		}
	}
}

func (l *lineFile) Close() error { return l.file.Close() }

// place names a line to people.
func (l *lineFile) place() string { return fmt.Sprintf("%s:%d", l.name, l.line) }
