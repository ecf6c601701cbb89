package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"wirewatch/configs"
)

// defaultConfig is read when no -c is given.
const defaultConfig = "wirewatch.yaml"

func configFlag(fs *flag.FlagSet) *string {
	return fs.String("c", defaultConfig, "configuration `file`")
}

// loadPlain reads the configuration for verbs that need neither rules nor channels: a secret of a channel that is not set
// here, in a cron job or a new shell, does not keep anyone from a backup or from adding a feed.
func loadPlain(path string, getenv func(string) (string, bool)) (*configs.Config, error) {
	var unset []string
	cfg, err := configs.Load(path, func(name string) (string, bool) {
		if v, ok := getenv(name); ok && v != "" {
			return v, true
		}
		unset = append(unset, "${"+name+"}")
		return "${" + name + "}", true
	})
	strict := err != nil
	for _, name := range unset {
		strict = strict || strings.Contains(cfg.Store.Reveal(), name)
	}
	if strict {
		cfg, err = configs.Load(path, getenv)
	}
	if err == nil {
		return cfg, nil
	}
	var bad mistakes
	if !bad.add(err, nil) {
		return nil, missingConfig(path, err)
	}
	return nil, bad.err(path)
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
	schema := fs.Bool("schema", false, "print the JSON Schema of a configuration, for editors, and check nothing")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *schema {
		return printSchema(e.stdout, configSchema())
	}
	s, err := load(*file, e.getenv, e.now)
	if err == nil {
		err = s.cfg.CheckFeeds()
	}
	if err != nil {
		return err
	}
	for _, w := range s.warnings {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	fmt.Fprintf(e.stdout, "%s is good: %s, %s, %s\n", *file, count(len(s.cfg.Feeds), "feed"), count(s.rules.Len(), "rule"), count(len(s.cfg.Channels), "channel"))
	return nil
}
