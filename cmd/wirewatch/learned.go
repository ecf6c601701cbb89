package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// What sites repeat: what was learned of it, and how to take it back.

type learnedRow struct {
	ID       int64  `json:"id"`
	State    string `json:"state"`
	Site     string `json:"site"`
	Stories  int    `json:"stories"`
	Of       int    `json:"of_stories"`
	Articles int    `json:"articles"`
	Hash     string `json:"hash"`
	Text     string `json:"text"`
}

func runLearnedList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	site := fs.String("site", "", "of this `site` only")
	limit := fs.Int("limit", 100, "at most so many")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.LearnedBlocks(ctx, *site, *limit)
		if err != nil {
			return err
		}
		rows := make([]learnedRow, len(list))
		cells := make([][]string, len(list))
		for i, b := range list {
			r := learnedRow{b.ID, string(b.State), b.Site, b.Stories, b.Of, b.Articles, fmt.Sprintf("%016x", uint64(b.Hash)), b.Text}
			rows[i] = r
			cells[i] = []string{strconv.FormatInt(r.ID, 10), r.State, r.Site, fmt.Sprintf("%d of %d", r.Stories, r.Of), strconv.Itoa(r.Articles), r.Text}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "STATE", "SITE", "STORIES", "ARTICLES", "TEXT"}, cells, "nothing is learned yet")
	})
}

func runLearnedKeep(ctx context.Context, e *env, v verb, args []string) error {
	return undoLearned(ctx, e, v, args, (*store.Store).KeepBlocks, "never removed again")
}

func runLearnedForget(ctx context.Context, e *env, v verb, args []string) error {
	return undoLearned(ctx, e, v, args, (*store.Store).ForgetBlocks, "forgotten; should the site go on repeating it, it is learned again (`learned keep` prevents that)")
}

func undoLearned(ctx context.Context, e *env, v verb, args []string, f func(*store.Store, context.Context, ...int64) (int, error), done string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	later := fs.Bool("later", false, "leave stored articles as they are; `wirewatch reextract` applies it")
	list, err := v.ids(fs, args, 1, -1)
	if err != nil {
		return err
	}
	s, err := load(*file, e.getenv, e.now) // the rules are matched anew in articles that change
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		decided, err := st.LearnedByID(ctx, list...)
		if err != nil {
			return err
		}
		n, err := f(st, ctx, list...)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("no learned block has such an ID; `wirewatch learned list` shows them")
		}
		fmt.Fprintf(e.stderr, "%s %s\n", count(n, "block"), done)
		bySite := map[string]map[int64]bool{}
		for _, b := range decided {
			if bySite[b.Site] == nil {
				bySite[b.Site] = map[int64]bool{}
			}
			bySite[b.Site][b.Hash] = true
		}
		for _, site := range slices.Sorted(maps.Keys(bySite)) {
			if *later {
				fmt.Fprintf(e.stderr, "stored articles of %s stay as they are; `wirewatch reextract --site %s` applies it\n", site, site)
			} else if err := giveBack(ctx, e, s, st, site, bySite[site]); err != nil {
				return err
			}
		}
		return nil
	})
}

// giveBack makes the stored articles of a site anew from which learned blocks of the fingerprints were removed, quietly.
func giveBack(ctx context.Context, e *env, s *setup, st *store.Store, site string, prints map[int64]bool) error {
	again := &pipeline.Reextract{Store: st, Extract: readPage(s.extract()), Match: s.match, Site: site, Without: prints}
	if err := reextract(ctx, e, s, st, again); err != nil {
		return fmt.Errorf("%w; `wirewatch reextract --site %s` does the rest", err, site)
	}
	fmt.Fprintf(e.stderr, "%s: %s of %d made anew", site, count(int(again.Changed.Load()), "stored article"), again.Read.Load())
	if n := again.Learned.Load(); n > 0 {
		fmt.Fprintf(e.stderr, "; %s learned again, because the site still repeats it", count(int(n), "block"))
	}
	fmt.Fprintln(e.stderr)
	return nil
}
