package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

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
	st, err := openStore(ctx, cfg, e.now, slog.New(slog.DiscardHandler))
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
	cfg, err := loadPlain(*file, e.getenv)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, e.now, slog.New(slog.DiscardHandler)) // opening migrates
	if err != nil {
		return err
	}
	defer st.Close()
	i, err := st.Info(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "the store is at schema %d (%s %s)\n", i.Schema, i.Database, i.Server)
	return nil
}

func runDBCheck(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := st.Check(ctx); err != nil {
			return err
		}
		fmt.Fprintln(e.stderr, "the store is sound")
		return nil
	})
}

func runDBBackup(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := st.Backup(ctx, rest[0]); err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "wrote %s and checked it\n", rest[0])
		return nil
	})
}
