package store

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. A database that is ahead of this program is refused before anything is changed.
func (s *Store) migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.d.dollars {
		l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // looks each second for ten minutes
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(l))
	}
	p, err := goose.NewProvider(s.d.goose, s.w, words{sub, s.d.words}, opts...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	sources := p.ListSources()
	last := sources[len(sources)-1].Version
	for n := 1; ; n++ {
		var have int64
		// The table is missing in a new database; goose makes it.
		if err := s.get(ctx, []any{&have}, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("migrate the database: %w", err)
			}
			have = 0
		}
		if have > last {
			return fmt.Errorf("%w (its schema is %d, this program knows %d)", ErrNewer, have, last)
		}
		if have == last {
			return nil
		}
		done, err := p.Up(ctx)
		if err == nil {
			if have == 0 { // a new database is no news migration by migration
				s.log.Info("made the database", "schema", last)
				return nil
			}
			for _, r := range done {
				s.log.Info("migrated the database", "file", r.Source.Path, "took", r.Duration)
			}
			return nil
		}
		// Another process may have migrated between the look and the change: then the next look finds it done.
		if n == tries || ctx.Err() != nil || errors.Is(typed(err), ErrDiskFull) {
			return fmt.Errorf("migrate the database from schema %d to %d: %w", have, last, typed(err))
		}
	}
}

// words is a file system whose texts have their type words replaced.
type words struct {
	fs.FS
	r *strings.Replacer
}

// ReadFile gives a file with its words replaced.
func (w words) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(w.FS, name)
	if err != nil {
		return nil, err
	}
	return []byte(w.r.Replace(string(b))), nil
}

// Open gives a file whose reads see the words replaced.
func (w words) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return f, err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return worded{f, bytes.NewReader([]byte(w.r.Replace(string(b))))}, nil
}

type worded struct {
	fs.File
	r *bytes.Reader
}

func (f worded) Read(b []byte) (int, error) { return f.r.Read(b) }
