package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// withStore runs f over the configured store, for verbs that look and mend. A store that is not there yet is not made: a
// slip in a path would else look like an empty store.
func withStore(ctx context.Context, e *env, file string, f func(*store.Store) error) error {
	cfg, err := loadPlain(file, e.getenv)
	if err != nil {
		return err
	}
	if path, ok := sqlitePath(cfg); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database %s yet; `wirewatch run` or `wirewatch db migrate` makes it", path)
		}
	}
	return withOpened(ctx, e, cfg, f)
}

// withNewStore is withStore for verbs that fill a store: where there is none they make it.
func withNewStore(ctx context.Context, e *env, file string, f func(*store.Store) error) error {
	cfg, err := loadPlain(file, e.getenv)
	if err != nil {
		return err
	}
	return withOpened(ctx, e, cfg, f)
}

func withOpened(ctx context.Context, e *env, cfg *configs.Config, f func(*store.Store) error) error {
	st, err := openStore(ctx, cfg, e.now, slog.New(slog.DiscardHandler)) // opening migrates
	if err != nil {
		return err
	}
	defer st.Close()
	return f(st)
}

func runDBMigrate(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withNewStore(ctx, e, *file, func(st *store.Store) error {
		i, err := st.Info(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "the store is at schema %d (%s %s)\n", i.Schema, i.Database, i.Server)
		return nil
	})
}

// findingRow is a line of `db check --json`.
type findingRow struct {
	Rows   int64  `json:"rows"`
	What   string `json:"what"`
	Cure   string `json:"cure"`
	Damage bool   `json:"damage"` // false: it passes by itself
}

func runDBCheck(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	deep := fs.Bool("deep", false, "unpack every page and read every article, too")
	asJSON := fs.Bool("json", false, "what was found as JSON lines")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := st.Check(ctx); err != nil {
			return err
		}
		found, err := st.Examine(ctx, lab.WordsForm, *deep)
		if err != nil {
			return err
		}
		damage := 0
		rows := make([]findingRow, len(found))
		for i, f := range found {
			rows[i] = findingRow{f.Rows, f.What, f.Cure, !f.Note}
			if !f.Note {
				damage++
			}
			if !*asJSON {
				fmt.Fprintf(e.stdout, "%d %s\n  %s\n", f.Rows, alerts.Terminal(f.What), f.Cure)
			}
		}
		if *asJSON {
			if err := printJSON(e.stdout, rows); err != nil {
				return err
			}
		}
		if damage > 0 {
			return errors.New("the store can be read, but what is in it does not fit together: see above")
		}
		fmt.Fprintln(e.stderr, "the store is sound")
		return nil
	})
}

func runDBBackup(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	force := fs.Bool("force", false, "replace FILE when the copy is whole")
	keep := fs.Int("keep", 0, "in a folder, keep the newest `N` copies of this store and remove the older ones (default: all)")
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	to := rest[0]
	st, err := os.Stat(to)
	folder := strings.HasSuffix(to, "/") || err == nil && st.IsDir()
	switch {
	case *keep < 0:
		return usagef("db backup --keep: at least one copy is kept")
	case *keep > 0 && !folder:
		return usagef("db backup: --keep wants a folder, in which copies are named by their time: write %s/", to)
	case *force && folder:
		return usagef("db backup: --force replaces a file; in a folder every copy has a name of its own")
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		switch {
		case folder:
			cfg, err := loadPlain(*file, e.getenv)
			if err != nil {
				return err
			}
			b := newBackups(st, cfg, e.now)
			to, err = b.Copy(ctx, pipeline.BackupPlan{Dir: to, Name: copyName(cfg), Keep: *keep})
			if to != "" {
				fmt.Fprintf(e.stderr, "wrote %s and checked it\n", to)
			}
			return err
		case *force:
			err = st.BackupOver(ctx, to)
		default:
			err = st.Backup(ctx, to)
		}
		if err == nil {
			fmt.Fprintf(e.stderr, "wrote %s and checked it\n", to)
		}
		return err
	})
}

// newBackups makes what copies a store into folders.
func newBackups(st *store.Store, cfg *configs.Config, now func() time.Time) *pipeline.Backups {
	return &pipeline.Backups{Store: st, Room: roomLeft, Now: now, Size: func() (int64, error) {
		path, ok := sqlitePath(cfg)
		if !ok {
			return 0, nil // there will be no copy
		}
		f, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return f.Size(), nil
	}}
}

// copyName is what the names of a store's copies begin with.
func copyName(cfg *configs.Config) string {
	path, ok := sqlitePath(cfg)
	if !ok {
		return "wirewatch"
	}
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}
