package main

import (
	"context"
	"fmt"
	"log/slog"

	"wirewatch/pipeline/store"
)

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
	st, err := openStore(ctx, cfg, slog.New(slog.DiscardHandler)) // opening migrates
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
