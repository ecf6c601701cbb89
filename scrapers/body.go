package scrapers

import (
	"io"
	"sync"
)

// A body runs done once, when it is closed, and may put its read errors in other words.
type body struct {
	io.ReadCloser
	once      sync.Once
	done      func()
	translate func(error) error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.translate != nil {
		err = b.translate(err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.done)
	return err
}
