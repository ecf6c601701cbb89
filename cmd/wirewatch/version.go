package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// version is the release; the commit comes from the build.
const version = "0.1.0"

func runVersion(ctx context.Context, e *env, v verb, args []string) error {
	if _, err := v.parse(v.flags(e), args, 0, 0); err != nil {
		return err
	}
	lib, _, _ := sqlite3.Version()
	fmt.Fprintf(e.stdout, "wirewatch %s (%s), %s %s/%s, SQLite %s\n", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, lib)
	return nil
}

func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "commit unknown"
}
