package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"wirewatch/pipeline/store"
)

// Stories, for people: which there are, why their articles are together, what changed in them, and how to put right what was joined
// or kept apart wrongly.

type storyRow struct {
	ID       int64    `json:"id"`
	Title    string   `json:"title"`
	Created  string   `json:"created"`
	First    string   `json:"first"`
	Last     string   `json:"last"`
	Articles int      `json:"articles"`
	Outlets  int      `json:"outlets"`
	Sites    []string `json:"sites"`
	Rules    []string `json:"rules"`
}

func runStoriesList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	since := fs.String("since", "", "with an article stored since this `day` or moment: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago)")
	site := fs.String("site", "", "that this `site` carries")
	rule := fs.String("rule", "", "in which this `rule` matched")
	outlets := fs.Int("min-outlets", 0, "that at least so many sites carry")
	limit := fs.Int("limit", 100, "at most so many, newest first")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	from, err := v.since(*since, e.now())
	if err != nil {
		return err
	}
	f := store.StoryFilter{Site: *site, Rule: *rule, MinOutlets: *outlets, Since: from, Limit: *limit}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.Stories(ctx, f)
		if err != nil {
			return err
		}
		rows := make([]storyRow, len(list))
		cells := make([][]string, len(list))
		for i, s := range list {
			r := storyRow{s.ID, s.Title, stamp(s.Created), stamp(s.First), stamp(s.Last), s.Articles, s.Outlets, append([]string{}, s.Sites...), append([]string{}, s.Rules...)}
			rows[i] = r
			cells[i] = []string{strconv.FormatInt(r.ID, 10), r.Last, strconv.Itoa(r.Articles), strconv.Itoa(r.Outlets), strings.Join(r.Rules, ","), r.Title,
				strings.Join(r.Sites, ", ")}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "LAST", "ARTICLES", "OUTLETS", "RULES", "TITLE", "SITES"}, cells, "there are no such stories")
	})
}

func runStoriesSplit(ctx context.Context, e *env, v verb, args []string) error {
	return mend(ctx, e, v, args, func(st *store.Store, list []int64) error {
		id, err := st.SplitStory(ctx, list[0], list[1:]...)
		if err != nil {
			return err
		}
		them := "they stay"
		if len(list) == 2 {
			them = "it stays"
		}
		fmt.Fprintf(e.stderr, "%s taken out into story %d; %s apart for good, and nothing is told again (`stories join %d %d` takes it back)\n",
			count(len(list)-1, "article"), id, them, list[0], id)
		_, err = fmt.Fprintln(e.stdout, id)
		return err
	})
}

func runStoriesJoin(ctx context.Context, e *env, v verb, args []string) error {
	return mend(ctx, e, v, args, func(st *store.Store, list []int64) error {
		id, err := st.JoinStories(ctx, list[0], list[1:]...)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "%s are one now: story %d; nothing is told again (`stories split` takes articles out)\n", count(len(list), "story"), id)
		_, err = fmt.Fprintln(e.stdout, id)
		return err
	})
}

// mend runs f with at least two IDs. A running daemon learns of what f did from the change log.
func mend(ctx context.Context, e *env, v verb, args []string, f func(*store.Store, []int64) error) error {
	fs := v.flags(e)
	file := configFlag(fs)
	list, err := v.ids(fs, args, 2, -1)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error { return f(st, list) })
}
