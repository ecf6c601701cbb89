package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"time"

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
	st, err := openStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer st.Close()
	return f(st)
}

// printJSON writes rows as JSON lines.
func printJSON[T any](w io.Writer, rows []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// wide is how much of a title, an address or a reason a list shows; --json has them whole.
const wide = 60

// stamp shows a time for people and machines alike; the zero time shows as "".
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ids reads the arguments of a retry.
func ids(args []string) ([]int64, error) {
	out := make([]int64, len(args))
	for i, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || n <= 0 {
			return nil, usagef("%q is no ID; the list shows them in its first column", a)
		}
		out[i] = n
	}
	return out, nil
}

type itemRow struct {
	ID       int64  `json:"id"`
	State    string `json:"state"`
	Feed     string `json:"feed"`
	URL      string `json:"url"`
	Title    string `json:"title"`
	Attempts int    `json:"attempts"`
	Due      string `json:"due"`
	Error    string `json:"error"`
	FromFeed bool   `json:"from_feed"` // the feed's own text stands in
}

func runItemsList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	state := fs.String("state", "dead", "open, done, dead or all")
	feed := fs.String("feed", "", "of this `feed` only")
	limit := fs.Int("limit", 100, "at most so many, newest first")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	filter := store.ItemFilter{State: pipeline.ItemState(*state), Feed: *feed, Limit: *limit}
	switch *state {
	case "open", "done", "dead":
	case "all":
		filter.State = ""
	default:
		return usagef("items list: --state is open, done, dead or all, not %q", *state)
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		items, err := st.Items(ctx, filter)
		if err != nil {
			return err
		}
		rows := make([]itemRow, len(items))
		cells := make([][]string, len(items))
		for i, it := range items {
			r := itemRow{it.ID, string(it.State), it.Feed, it.Entry.URL, it.Entry.Title, it.Attempts, stamp(it.Due), it.Error, it.Fallback}
			rows[i] = r
			cells[i] = []string{strconv.FormatInt(r.ID, 10), r.State, r.Feed, strconv.Itoa(r.Attempts), r.Due, r.URL, r.Error}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "STATE", "FEED", "TRIES", "DUE", "URL", "WHY"}, cells, noneOf("items", *state))
	})
}

// noneOf says that a list is empty.
func noneOf(what, state string) string {
	if state == "all" {
		return "there are no " + what
	}
	return "no " + what + " are " + state
}

func runItemsRetry(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	rest, err := v.parse(fs, args, 0, -1)
	if err != nil {
		return err
	}
	list, err := ids(rest)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		n, err := st.RetryItems(ctx, list...)
		if err != nil {
			return err
		}
		them := "them"
		if n == 1 {
			them = "it"
		}
		fmt.Fprintf(e.stderr, "%s due again; a running daemon takes %s up now, else `wirewatch run --once`\n", count(n, "item"), them)
		return nil
	})
}
