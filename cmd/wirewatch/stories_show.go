package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"wirewatch/alerts"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// A story, for a person: why its articles are together, and what was told of it.

type storyArticle struct {
	ID        int64       `json:"id"`
	URL       string      `json:"url"`
	Site      string      `json:"site"`
	SiteName  string      `json:"site_name"`
	Title     string      `json:"title"`
	Published string      `json:"published"`
	Seen      string      `json:"seen"`
	Relation  string      `json:"relation"`
	Of        int64       `json:"of"`
	Score     float64     `json:"score"`
	Rules     []string    `json:"rules"`
	Pruned    bool        `json:"pruned"`
	Compared  *comparison `json:"compared"`
}

type storyTold struct {
	Alert    int64    `json:"alert"`
	Rule     string   `json:"rule"`
	Kind     string   `json:"kind"`
	Article  int64    `json:"article"`
	Created  string   `json:"created"`
	Channels []string `json:"channels"`
}

type storyVerdict struct {
	Story   int64  `json:"story"`
	Verdict string `json:"verdict"`
	Decided string `json:"decided"`
}

type storyJSON struct {
	storyRow
	List     []storyArticle `json:"list"`
	Told     []storyTold    `json:"told"`
	Verdicts []storyVerdict `json:"verdicts"`
}

func runStoriesShow(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	passages := fs.Bool("passages", false, "with the passages that each article shares with the one it was joined to")
	asJSON := fs.Bool("json", false, "one JSON line, with all passages")
	list, err := v.ids(fs, args, 1, 1)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		s, err := readStory(ctx, st, list[0], *asJSON || *passages)
		if err != nil {
			return missingStory(err, list[0])
		}
		if *asJSON {
			return printJSON(e.stdout, []storyJSON{s})
		}
		printStory(e.stdout, s, list[0], colours(e.stdout, e.getenv))
		return nil
	})
}

func missingStory(err error, id int64) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no story %d; `wirewatch stories list` shows them: %w", id, err)
	}
	return err
}

// readStory reads all there is to show of a story; its articles come the oldest first.
func readStory(ctx context.Context, st *store.Store, id int64, compared bool) (storyJSON, error) {
	s, as, err := st.Story(ctx, id)
	if err != nil {
		return storyJSON{}, err
	}
	slices.Reverse(as)
	out := storyJSON{storyRow: storyRow{ID: s.ID, Title: s.Title, Created: stamp(s.Created), Articles: len(as), Sites: []string{}, Rules: []string{}},
		List: []storyArticle{}, Told: []storyTold{}, Verdicts: []storyVerdict{}}
	for i, a := range as {
		r := storyArticle{ID: a.ID, URL: a.URL, Site: a.Site, SiteName: a.SiteName, Title: a.Title, Published: stamp(a.Published), Seen: stamp(a.Seen),
			Relation: a.Relation, Of: a.Of, Score: a.Score, Rules: []string{}, Pruned: a.Pruned}
		if i == 0 {
			out.First = r.Seen
		}
		out.Last = r.Seen
		ms, err := st.Matches(ctx, store.MatchFilter{Article: a.ID})
		if err != nil {
			return out, err
		}
		for _, m := range ms {
			r.Rules = append(r.Rules, m.Rule)
			if !slices.Contains(out.Rules, m.Rule) {
				out.Rules = append(out.Rules, m.Rule)
			}
		}
		if !slices.Contains(out.Sites, a.Site) {
			out.Sites = append(out.Sites, a.Site)
		}
		if of := slices.IndexFunc(as, func(o pipeline.Article) bool { return o.ID == a.Of }); compared && of >= 0 && !a.Pruned && !as[of].Pruned {
			c, err := compareStored(ctx, st, a.Of, a.ID)
			if err != nil {
				return out, err
			}
			r.Compared = &c
		}
		out.List = append(out.List, r)
	}
	out.Outlets = len(out.Sites)
	slices.Sort(out.Rules)
	told, err := st.ToldOf(ctx, s.ID)
	if err != nil {
		return out, err
	}
	for _, t := range told {
		out.Told = append(out.Told, storyTold{t.Alert, t.Rule, t.Kind, t.Article, stamp(t.Created), append([]string{}, t.Channels...)})
	}
	vs, err := st.Verdicts(ctx, s.ID)
	if err != nil {
		return out, err
	}
	for _, d := range vs {
		word := "apart"
		if d.Together {
			word = "together"
		}
		out.Verdicts = append(out.Verdicts, storyVerdict{d.Other, word, stamp(d.Decided)})
	}
	return out, nil
}

func printStory(w io.Writer, s storyJSON, asked int64, colour bool) {
	if s.ID != asked {
		fmt.Fprintf(w, "story %d was joined to story %d\n", asked, s.ID)
	}
	fmt.Fprintf(w, "story %d  %s\n", s.ID, paint(colour, bold, alerts.Terminal(s.Title)))
	fmt.Fprintf(w, "%s on %s, %s to %s\n\n", count(s.Articles, "article"), count(s.Outlets, "site"), s.First, s.Last)
	for _, a := range s.List {
		fmt.Fprintf(w, "%s  %s  %s  %s\n", paint(colour, bold, strconv.FormatInt(a.ID, 10)), a.Seen, alerts.Terminal(a.Site), clip(alerts.Terminal(a.Title), 2*wide))
		fmt.Fprintf(w, "    %s\n", alerts.Terminal(a.URL))
		why := a.Relation
		if a.Of != 0 {
			why = fmt.Sprintf("%s of %d, score %.2f", a.Relation, a.Of, a.Score)
		}
		if len(a.Rules) > 0 {
			why += "; matched by " + alerts.Terminal(strings.Join(a.Rules, ", "))
		}
		if a.Pruned {
			why += "; its text is gone (retention)"
		}
		fmt.Fprintf(w, "    %s\n", why)
		if a.Compared != nil {
			fmt.Fprintf(w, "    %s\n", a.Compared.Why)
			printPassages(w, *a.Compared, 20, colour)
		}
	}
	for i, t := range s.Told {
		if i == 0 {
			fmt.Fprintln(w)
		}
		if t.Alert == 0 {
			fmt.Fprintf(w, "told before it was taken out of another story: rule %s (%s)\n", alerts.Terminal(t.Rule), t.Kind)
			continue
		}
		fmt.Fprintf(w, "told %s: rule %s (%s), article %d; %s\n", t.Created, alerts.Terminal(t.Rule), t.Kind, t.Article,
			cmp.Or(alerts.Terminal(strings.Join(t.Channels, ", ")), "no channel"))
	}
	for i, d := range s.Verdicts {
		if i == 0 {
			fmt.Fprintln(w)
		}
		if d.Verdict == "together" {
			fmt.Fprintf(w, "joined by hand with story %d, %s\n", d.Story, d.Decided)
		} else {
			fmt.Fprintf(w, "kept apart by hand from story %d, %s\n", d.Story, d.Decided)
		}
	}
}
