package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

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
	only, err := v.state(*state, "open", "done", "dead")
	if err != nil {
		return err
	}
	filter := store.ItemFilter{State: pipeline.ItemState(only), Feed: *feed, Limit: *limit}
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

func runItemsRetry(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	list, err := v.ids(fs, args, 0, -1)
	if err != nil {
		return err
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return withStore(ctx, e, *file, func(st *store.Store) error {
		n, err := st.RetryItems(ctx, list...)
		if err != nil {
			return err
		}
		them := "them"
		if n == 1 {
			them = "it"
		}
		if n < len(list) {
			fmt.Fprintf(e.stderr, "%s not found, or in work just now; `wirewatch items list --state all` shows which there are\n", count(len(list)-n, "item"))
		}
		fmt.Fprintf(e.stderr, "%s due again; a running daemon takes %s up now, else `wirewatch run --once`\n", count(n, "item"), them)
		return nil
	})
}
