package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"

	"wirewatch/configs"
)

// defaultConfig is read when no -c is given.
const defaultConfig = "wirewatch.yaml"

func configFlag(fs *flag.FlagSet) *string {
	return fs.String("c", defaultConfig, "configuration `file`")
}

func runInit(ctx context.Context, e *env, v verb, args []string) error {
	rest, err := v.parse(v.flags(e), args, 0, 1)
	if err != nil {
		return err
	}
	path := defaultConfig
	if len(rest) == 1 {
		path = rest[0]
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it may come to hold secrets
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; it is left as it is. Give another name: wirewatch init FILE", path)
	}
	if err != nil {
		return err
	}
	if _, err = f.Write(configs.Example()); err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fmt.Fprintf(e.stderr, "wrote %s: choose feeds, write rules, set the secrets it names, then\n  wirewatch check -c %s\n  wirewatch run -c %s\n", path, path, path)
	return nil
}

func runCheck(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	s, err := load(*file, e.getenv)
	if err == nil {
		err = s.cfg.CheckFeeds()
	}
	if err != nil {
		return err
	}
	for _, w := range s.warnings {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	fmt.Fprintf(e.stdout, "%s is good: %s, %s, %s\n", *file, count(len(s.cfg.Feeds), "feed"), count(len(s.cfg.Rules), "rule"), count(len(s.cfg.Channels), "channel"))
	return nil
}

// count says "1 feed", "2 feeds", "2 stories".
func count(n int, noun string) string {
	if n != 1 {
		if noun[len(noun)-1] == 'y' {
			noun = noun[:len(noun)-1] + "ie"
		}
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
