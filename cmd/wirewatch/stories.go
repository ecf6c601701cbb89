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
	"time"

	"wirewatch/alerts"
	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/diff"
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
	f := store.StoryFilter{Site: *site, Rule: *rule, MinOutlets: *outlets, Limit: *limit}
	if *since != "" {
		var err error
		if f.Since, err = moment(*since, e.now(), false); err != nil {
			return usagef("stories list --since: %v", err)
		}
	}
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
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	list, err := ids(rest)
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

type diffJSON struct {
	A       int64        `json:"a"`
	B       int64        `json:"b"`
	Site    string       `json:"site"`
	URL     string       `json:"url"`
	SeenA   string       `json:"seen_a"`
	SeenB   string       `json:"seen_b"`
	Removed int          `json:"removed"` // words
	Added   int          `json:"added"`
	Title   []diff.Chunk `json:"title"`
	Body    []diff.Chunk `json:"body"`
}

// Of a stretch without change a diff shows so many words beside each change.
const diffContext = 12

func runStoriesDiff(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	whole := fs.Bool("whole", false, "the whole texts, not only what is around changes")
	asJSON := fs.Bool("json", false, "JSON lines: the whole texts in chunks that are the same, removed or added")
	rest, err := v.parse(fs, args, 1, 2)
	if err != nil {
		return err
	}
	list, err := ids(rest)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		pairs, err := diffPairs(ctx, st, list)
		if err != nil {
			return err
		}
		var rows []diffJSON
		for _, p := range pairs {
			r, err := diffOf(ctx, st, p[0], p[1])
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		if *asJSON {
			return printJSON(e.stdout, rows)
		}
		for i, r := range rows {
			if i > 0 {
				fmt.Fprintln(e.stdout)
			}
			printDiff(e.stdout, r, *whole, colours(e.stdout, e.getenv))
		}
		return nil
	})
}

// diffPairs lists what to hold against each other: two articles, or each version in a story and what it is a version of.
func diffPairs(ctx context.Context, st *store.Store, list []int64) (pairs [][2]int64, err error) {
	if len(list) == 2 {
		return [][2]int64{{list[0], list[1]}}, nil
	}
	s, as, err := st.Story(ctx, list[0])
	if err != nil {
		return nil, missingStory(err, list[0])
	}
	slices.Reverse(as)
	gone := 0
	in := map[int64]bool{}
	for _, a := range as {
		in[a.ID] = !a.Pruned
	}
	for _, a := range as {
		switch {
		case a.Relation != dedup.RelVersion:
		case !in[a.ID] || !in[a.Of]:
			gone++
		default:
			pairs = append(pairs, [2]int64{a.Of, a.ID})
		}
	}
	switch {
	case len(pairs) > 0:
		return pairs, nil
	case gone > 0:
		return nil, fmt.Errorf("story %d has %s, but retention took the text", s.ID, count(gone, "version"))
	}
	return nil, fmt.Errorf("no page of story %d changed; `wirewatch stories diff ARTICLE ARTICLE` compares two of its articles", s.ID)
}

func diffOf(ctx context.Context, st *store.Store, a, b int64) (diffJSON, error) {
	x, err := st.Article(ctx, a)
	if err != nil {
		return diffJSON{}, err
	}
	y, err := st.Article(ctx, b)
	if err != nil {
		return diffJSON{}, err
	}
	for _, p := range []pipeline.Article{x, y} {
		if p.Pruned {
			return diffJSON{}, fmt.Errorf("the text of article %d is gone: retention took it", p.ID)
		}
	}
	d := diffJSON{A: a, B: b, Site: y.Site, URL: y.URL, SeenA: stamp(x.Seen), SeenB: stamp(y.Seen), Title: diff.Words(x.Title, y.Title), Body: diff.Words(x.Body, y.Body)}
	for _, chunks := range [][]diff.Chunk{d.Title, d.Body} {
		out, in := diff.Count(chunks)
		d.Removed, d.Added = d.Removed+out, d.Added+in
	}
	return d, nil
}

// printDiff shows a diff in colours, or between [- -] and {+ +} as wdiff does.
func printDiff(w io.Writer, d diffJSON, whole, colour bool) {
	fmt.Fprintf(w, "article %d (%s) to %d (%s), %s: %d words removed, %d added\n", d.A, d.SeenA, d.B, d.SeenB, alerts.Terminal(d.Site), d.Removed, d.Added)
	fmt.Fprintf(w, "%s\n\n", alerts.Terminal(d.URL))
	body := d.Body
	if !whole {
		body, _ = diff.Short(d.Body, diffContext, 1<<20)
	}
	for _, part := range [][]diff.Chunk{d.Title, body} {
		for _, c := range part {
			io.WriteString(w, chunk(c, colour))
		}
		io.WriteString(w, "\n\n")
	}
}

// chunk is a part of a diff, with its marks inside the white space around it.
func chunk(c diff.Chunk, colour bool) string {
	text := alerts.TerminalText(c.Text)
	core := strings.TrimSpace(text)
	if core == "" || c.Op == diff.Same {
		return spaced(c.Text, text)
	}
	switch {
	case c.Op == diff.Removed && colour:
		core = paint(true, red, core)
	case c.Op == diff.Removed:
		core = "[-" + core + "-]"
	case colour:
		core = paint(true, green, core)
	default:
		core = "{+" + core + "+}"
	}
	return spaced(c.Text, core)
}

// spaced puts the white space at the ends of raw around shown, which may have lost it.
func spaced(raw, shown string) string {
	shown = strings.TrimSpace(shown)
	if shown == "" {
		return gapOf(raw)
	}
	head := raw[:len(raw)-len(strings.TrimLeft(raw, " \t\r\n"))]
	tail := raw[len(strings.TrimRight(raw, " \t\r\n")):]
	return gapOf(head) + shown + gapOf(tail)
}

// gapOf is white space as it is shown: an empty line between paragraphs, else a blank.
func gapOf(s string) string {
	switch {
	case s == "":
		return ""
	case strings.Count(s, "\n") > 1:
		return "\n\n"
	case strings.Contains(s, "\n"):
		return "\n"
	}
	return " "
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
	rest, err := v.parse(fs, args, 2, -1)
	if err != nil {
		return err
	}
	list, err := ids(rest)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error { return f(st, list) })
}

// durationOrNever reads an age for retention: 30d, 12h, or 0 for ever.
func durationOrNever(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	now := time.Unix(1<<31, 0)
	t, err := moment(s, now, false)
	if err != nil || !t.Before(now) {
		return 0, fmt.Errorf("%q is no age (30d, 12h; 0 keeps everything)", s)
	}
	return now.Sub(t), nil
}
