package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"wirewatch/alerts"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/diff"
	"wirewatch/pipeline/store"
)

// What changed in the pages of a story.

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
	list, err := v.ids(fs, args, 1, 2)
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
	x, y, err := twoTexts(ctx, st, a, b)
	if err != nil {
		return diffJSON{}, err
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
