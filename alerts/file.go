package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"wirewatch/pipeline"
)

type fileSettings struct {
	Path string `yaml:"path,required" also:"file,name,to"` // relative to the configuration's folder
}

// file appends to a file what a webhook would get, one line a message. The file is opened anew for each message, so that whoever rotates
// it by renaming finds the next message in a new file.
type file struct {
	name  string
	path  string
	check bool // made for checking only
}

func newFile(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	var s fileSettings
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	path := settings.Rel(s.Path)
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		m.add("path", "name a file in it", "is a folder")
	} else if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
		m.add("path", "make it first; only the file itself is made by Wirewatch", "stands in a folder that does not exist")
	}
	if err := m.err(); err != nil {
		return nil, err
	}
	return &file{name, path, deps.HTTP == nil}, nil
}

// Format names the channel.
func (c *file) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "file channel %q", c.name) }

// Pace is none: a disk takes what it gets.
func (c *file) Pace() time.Duration { return 0 }

// Payload is the line that Send appends.
func (c *file) Payload(d pipeline.Delivery) ([]byte, error) { return WebhookBody(d) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *file) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *file) compose(d pipeline.Delivery, m Message) ([]byte, error) { return webhookBodyOf(d, m) }

// Send appends the line and says yes when it is on the disk. What a crash or a full disk left of a line is ended or taken back first, so
// that it spoils no other.
func (c *file) Send(_ context.Context, d pipeline.Delivery) (ref string, err error) {
	if c.check {
		return "", &pipeline.Failure{Verdict: pipeline.Retry, Reason: "no client", Err: errors.New("file: the channel was made for checking only")}
	}
	body, err := WebhookBody(d)
	if err != nil {
		return "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "not renderable", Err: fmt.Errorf("file: %w", err)}
	}
	if err := appendLine(c.path, body); err != nil { // a full disk, a missing right: all of that passes
		return "", &pipeline.Failure{Verdict: pipeline.Retry, Reason: "file", Err: fmt.Errorf("file: %w", err)}
	}
	return "", nil
}

// appendLine adds a line to the file at path and brings it to the disk.
func appendLine(path string, text []byte) (err error) {
	_, statErr := os.Lstat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600) // it holds what subscribers alone may read
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var out []byte
	if regular := st.Mode().IsRegular(); regular && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			out = append(out, '\n')
		}
	}
	out = append(append(out, text...), '\n')
	if _, err := f.Write(out); err != nil {
		return errors.Join(err, f.Truncate(st.Size()))
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if errors.Is(statErr, os.ErrNotExist) { // its name has to outlive a power cut, too
		return syncFolder(filepath.Dir(path))
	}
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// stdout writes the same lines to standard output. What the program has to say of itself goes to standard error.
type stdout struct {
	name string
	out  io.Writer
}

func newStdout(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	if err := settings.Decode(&struct{}{}); err != nil {
		return nil, err
	}
	return &stdout{name, deps.Stdout}, nil
}

// Format names the channel.
func (c *stdout) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "stdout channel %q", c.name) }

// Pace is none.
func (c *stdout) Pace() time.Duration { return 0 }

// Payload is the line that Send writes.
func (c *stdout) Payload(d pipeline.Delivery) ([]byte, error) { return WebhookBody(d) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *stdout) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *stdout) compose(d pipeline.Delivery, m Message) ([]byte, error) { return webhookBodyOf(d, m) }

// Send writes the line, at once, and says yes when it was taken.
func (c *stdout) Send(_ context.Context, d pipeline.Delivery) (ref string, err error) {
	if c.out == nil {
		return "", &pipeline.Failure{Verdict: pipeline.Retry, Reason: "no client", Err: errors.New("stdout: the channel was made for checking only")}
	}
	body, err := WebhookBody(d)
	if err != nil {
		return "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "not renderable", Err: fmt.Errorf("stdout: %w", err)}
	}
	if _, err := c.out.Write(append(body, '\n')); err != nil {
		return "", &pipeline.Failure{Verdict: pipeline.Retry, Reason: "stdout", Err: fmt.Errorf("stdout: %w", err)}
	}
	return "", nil
}
