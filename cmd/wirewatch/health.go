package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"wirewatch/pipeline/store"
)

// runHealth asks the daemon's /readyz; without a listen address it looks whether the daemon holds its lock and the store
// answers.
func runHealth(ctx context.Context, e *env, v verb, args []string) error {
	flags := v.flags(e)
	file := configFlag(flags)
	if _, err := v.parse(flags, args, 0, 0); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	cfg, err := loadPlain(*file, e.getenv)
	if err != nil {
		return err
	}
	if cfg.Listen != "" {
		return askReady(ctx, e.stdout, cfg.Listen)
	}
	if path, ok := sqlitePath(cfg); ok {
		l := flock.New(path+".lock", flock.SetFlag(os.O_RDONLY)) // looking makes no file
		if free, err := l.TryRLock(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look at %s.lock: %w", path, err)
		} else if free || err != nil {
			l.Unlock()
			return fmt.Errorf("no daemon is running on %s", path)
		}
	} else { // several daemons may share the database: its answer says nothing of this machine's
		return errors.New("with PostgreSQL, `health` asks the daemon itself: set `listen` in the configuration")
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := st.Ping(ctx); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "ready")
		return nil
	})
}

func askReady(ctx context.Context, w io.Writer, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // listening everywhere is listening here
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{}).RoundTrip(req) // no proxy: this is our own daemon
	if err != nil {
		return fmt.Errorf("the daemon does not answer on %s: %w", listen, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	text := strings.TrimSpace(string(body))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", text)
	}
	fmt.Fprintln(w, text)
	return nil
}
