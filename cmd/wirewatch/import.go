package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"wirewatch/alerts/lab"
	"wirewatch/pipeline"
	"wirewatch/pipeline/archive"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
)

// maxBad is how many bad lines of a file are named.
const maxBad = 20

// runImport reads archives into the store. It tells nobody of anything.
func runImport(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	rest, err := v.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	for _, name := range rest {
		if err := importable(name); err != nil {
			return err
		}
	}
	return withNewStore(ctx, e, *file, func(st *store.Store) error {
		var m store.Imported
		bad := 0
		var failed error
		for _, name := range rest {
			one := &store.Importing{Store: st, SameText: dedup.SameText}
			n, err := importFile(ctx, e, one, name)
			m.Add(one.Imported)
			bad += n
			if failed = err; err != nil {
				break
			}
		}
		fmt.Fprintf(e.stderr, "imported %s; known already: %s\n", exported{articles: m.Articles, stories: m.Stories, matches: m.Matches}, count(m.Known, "article"))
		if failed != nil && m.Articles+m.Known == 0 {
			return failed
		}
		if failed != nil {
			return fmt.Errorf("%w; what came before it is stored, and the same command goes on from there", failed)
		}
		if m.Articles > 0 { // a daemon would do it by and by
			if _, err := st.IndexWords(ctx, lab.WordsForm, lab.Words); err != nil {
				return err
			}
		}
		if bad > 0 {
			return fmt.Errorf("import: %s could not be used", count(bad, "line"))
		}
		return nil
	})
}

// importable says of files that are no archive of JSON lines what reads them, and of those that are not there that they are not.
func importable(name string) error {
	switch ext := strings.ToLower(filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz"))); ext {
	case ".opml":
		return usagef("import: %s is a list of feeds: `wirewatch feeds import %s`", name, name)
	case ".csv":
		return usagef("import: %s is for spreadsheets: it lacks half of each article, and cells were changed to be safe. Import what `wirewatch export --format jsonl` writes", name)
	case ".warc":
		return usagef("import: %s holds pages, from which articles are made: `wirewatch backfill --source warc:%s`", name, name)
	}
	if name == "-" {
		return nil
	}
	if _, err := os.Stat(name); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// importFile reads one archive and says how many of its lines were bad.
func importFile(ctx context.Context, e *env, m *store.Importing, name string) (bad int, err error) {
	in, done, err := open(e, []string{name})
	if err != nil {
		return 0, err
	}
	defer done()
	if name == "-" {
		name = "standard input"
	}
	plain, err := unzipped(in)
	if err != nil {
		return 0, fmt.Errorf("import %s: %w", name, err)
	}
	r := &archive.Reader{
		Put: func(rs []pipeline.ArchiveRecord) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return m.Put(ctx, rs)
		},
		Bad: func(line int, err error) {
			if bad++; bad <= maxBad {
				fmt.Fprintf(e.stderr, "%s:%d: %s\n", safe(name), line, safe(err.Error()))
			} else if bad == maxBad+1 {
				fmt.Fprintf(e.stderr, "%s: more lines cannot be used; they are counted\n", safe(name))
			}
		},
		Terms: e.now().Add(-dedup.NewEvents(dedup.EventOptions{}).Window()),
	}
	if err := r.Read(plain); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: the file ends in the middle", err)
		}
		return bad, fmt.Errorf("import %s: %w", name, err)
	}
	return bad, nil
}

// unzipped is r, or what is compressed in it.
func unzipped(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, _ := b.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	return gzip.NewReader(b)
}
