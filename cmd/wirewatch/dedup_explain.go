package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"wirewatch/alerts"
	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers/extract"
)

// Why two articles are one story or not: the numbers that were weighed, and the passages that both have.

// A comparison is two articles held against each other.
type comparison struct {
	A         string        `json:"a"`
	B         string        `json:"b"`
	Relation  string        `json:"relation"` // of b to a, by their texts alone
	Contained float64       `json:"contained"`
	Resembles float64       `json:"resembles"`
	Merge     bool          `json:"merge"` // alike enough to make two stories one
	Why       string        `json:"why"`
	Unit      string        `json:"unit"` // words or characters
	UnitsA    int           `json:"units_a"`
	UnitsB    int           `json:"units_b"`
	Shared    int           `json:"shared"`
	Repeated  int           `json:"repeated"` // shared too, but lines that a site repeats
	Passages  []passageJSON `json:"passages"`
}

type passageJSON struct {
	A        spanJSON `json:"a"` // half-open byte offsets in each body
	B        spanJSON `json:"b"`
	Units    int      `json:"units"`
	Repeated bool     `json:"repeated"`
	Text     string   `json:"text"` // as a has it
}

type spanJSON struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// compare holds b against a. repeats may be nil.
func compare(nameA string, a dedup.Text, nameB string, b dedup.Text, repeats func(uint32) bool) comparison {
	c := dedup.Compare(a, b, repeats)
	out := comparison{A: nameA, B: nameB, Relation: c.Relation, Contained: c.Contained, Resembles: c.Resembles, Merge: c.Merge, Why: c.Why(),
		Unit: "words", UnitsA: c.A, UnitsB: c.B, Shared: c.Shared, Repeated: c.Repeated, Passages: []passageJSON{}}
	if c.Characters {
		out.Unit = "characters"
	}
	for _, p := range c.Passages {
		out.Passages = append(out.Passages, passageJSON{A: spanJSON{p.A.Start, p.A.End}, B: spanJSON{p.B.Start, p.B.End}, Units: p.Units,
			Repeated: p.Repeated, Text: a.Body[p.A.Start:p.A.End]})
	}
	return out
}

// printComparison shows a comparison to a person; most bounds how many passages, 0: all.
func printComparison(w io.Writer, c comparison, most int, colour bool) {
	fmt.Fprintf(w, "%s is %s of %s by its text: %s\n", alerts.Terminal(c.B), paint(colour, bold, c.Relation), alerts.Terminal(c.A), c.Why)
	fmt.Fprintf(w, "  %d and %d %s, %d in shared passages that count", c.UnitsA, c.UnitsB, c.Unit, c.Shared)
	if c.Repeated > 0 {
		fmt.Fprintf(w, ", %d in lines that a site repeats", c.Repeated)
	}
	fmt.Fprintln(w)
	printPassages(w, c, most, colour)
}

func printPassages(w io.Writer, c comparison, most int, colour bool) {
	for i, p := range c.Passages {
		if most > 0 && i == most {
			fmt.Fprintf(w, "  … and %s more\n", count(len(c.Passages)-i, "passage"))
			break
		}
		mark, text := paint(colour, green, "="), clip(alerts.Terminal(p.Text), 4*wide)
		if p.Repeated {
			mark, text = paint(colour, yellow, "~"), paint(colour, dim, text)
		}
		fmt.Fprintf(w, "  %s %d %s at %d-%d and %d-%d: %s\n", mark, p.Units, c.Unit, p.A.Start, p.A.End, p.B.Start, p.B.End, text)
	}
}

// explainDedup is dedup --explain: of two articles, IDs or files, or of JSON lines.
func explainDedup(ctx context.Context, e *env, file string, rest []string, asJSON bool) error {
	var list []comparison
	var err error
	if len(rest) == 2 {
		list, err = explainPair(ctx, e, file, rest[0], rest[1])
	} else {
		list, err = explainLines(e, rest)
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(e.stdout, list)
	}
	for i, c := range list {
		if i > 0 {
			fmt.Fprintln(e.stdout)
		}
		printComparison(e.stdout, c, 0, colours(e.stdout, e.getenv))
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stderr, "there are no two articles to compare")
	}
	return nil
}

func explainPair(ctx context.Context, e *env, file, a, b string) ([]comparison, error) {
	x, xerr := strconv.ParseInt(a, 10, 64)
	y, yerr := strconv.ParseInt(b, 10, 64)
	if xerr == nil && yerr == nil {
		var out comparison
		err := withStore(ctx, e, file, func(st *store.Store) (err error) {
			out, err = compareStored(ctx, st, x, y)
			return err
		})
		return []comparison{out}, err
	}
	if (xerr == nil) != (yerr == nil) {
		return nil, usagef("dedup --explain: %q is an article's ID and %q is not; give two IDs or two files", a, b)
	}
	s, err := readText(e, a)
	if err != nil {
		return nil, err
	}
	t, err := readText(e, b)
	if err != nil {
		return nil, err
	}
	return []comparison{compare(a, s, b, t, nil)}, nil
}

// twoTexts reads two articles of which something is to be said that only their texts tell.
func twoTexts(ctx context.Context, st *store.Store, a, b int64) (x, y pipeline.Article, err error) {
	if x, err = st.Article(ctx, a); err != nil {
		return x, y, err
	}
	if y, err = st.Article(ctx, b); err != nil {
		return x, y, err
	}
	for _, p := range []pipeline.Article{x, y} {
		if p.Pruned {
			return x, y, fmt.Errorf("the text of article %d is gone: retention took it", p.ID)
		}
	}
	return x, y, nil
}

// compareStored holds two articles of the store against each other, as they are stored now.
func compareStored(ctx context.Context, st *store.Store, a, b int64) (comparison, error) {
	x, y, err := twoTexts(ctx, st, a, b)
	if err != nil {
		return comparison{}, err
	}
	repeats, err := siteRepeats(ctx, st, x, y)
	if err != nil {
		return comparison{}, err
	}
	return compare(fmt.Sprint("article ", a), textOf(x), fmt.Sprint("article ", b), textOf(y), repeats), nil
}

func textOf(a pipeline.Article) dedup.Text {
	return dedup.Text{Site: a.Site, Title: a.Title, Body: a.Body, Lang: a.Lang}
}

// siteRepeats says which shingles the sites of two articles repeat in other stories, by each site's articles around them: those
// that the duplicate index knew, roughly.
func siteRepeats(ctx context.Context, st *store.Store, a, b pipeline.Article) (func(uint32) bool, error) {
	from, to := a.Seen, b.Seen
	if to.Before(from) {
		from, to = to, from
	}
	var docs []dedup.Doc
	for i, site := range []string{a.Site, b.Site} {
		if i == 1 && site == a.Site {
			break
		}
		list, err := st.Articles(ctx, store.ArticleFilter{Site: site, Since: from.Add(-foldWindow), Until: to.Add(foldWindow), Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if o.Story != a.Story && o.Story != b.Story {
				docs = append(docs, dedup.Doc{ID: o.ID, Sketch: o.Sketch})
			}
		}
	}
	return dedup.Repeats(docs), nil
}

// A document is a line of the filter, as far as a comparison needs it.
type document struct {
	ID    json.RawMessage `json:"id"`
	URL   string          `json:"url"`
	Site  string          `json:"site"`
	Title string          `json:"title"`
	Text  string          `json:"text"`
	Body  string          `json:"body"`
	Lang  string          `json:"lang"`
}

func (d document) name() string {
	var s string
	if json.Unmarshal(d.ID, &s) == nil {
		return s
	}
	return string(d.ID)
}

func (d document) text() dedup.Text {
	t := dedup.Text{Site: d.Site, Title: d.Title, Body: d.Text, Lang: d.Lang}
	if t.Body == "" {
		t.Body = d.Body
	}
	if t.Body == "" {
		t.Body = d.Title
	}
	return t
}

// readText reads an article from a file: a JSON document as the filter takes it, HTML, or plain text.
func readText(e *env, file string) (dedup.Text, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return dedup.Text{}, err
	}
	var d document
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) && json.Unmarshal(data, &d) == nil {
		return d.text(), nil
	}
	if !extract.LooksLikeHTML(data) {
		return dedup.Text{Body: string(data)}, nil
	}
	x, err := newExtractor("")
	if err != nil {
		return dedup.Text{}, err
	}
	a, err := x.Extract(extract.Input{HTML: data, At: e.now()})
	if err != nil {
		return dedup.Text{}, fmt.Errorf("%s: %w", file, err)
	}
	return dedup.Text{Site: a.Site, Title: a.Title, Body: a.Body, Lang: a.Lang}, nil
}

// fewLines is how many documents are held against each other in pairs, to find what one that is new is nearest to.
const fewLines = 40

// explainLines explains the filter's decisions: each document with the one it was joined to. Two documents are compared whatever was
// decided; of a few, one that was not joined is held against the one it shares most with.
func explainLines(e *env, rest []string) ([]comparison, error) {
	in, done, err := open(e, rest)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	var answers bytes.Buffer
	if err := dedup.Lines(bytes.NewReader(data), &answers, false); err != nil {
		return nil, err
	}
	docs := map[string]document{}
	var order []string
	lines := bufio.NewReader(bytes.NewReader(data))
	for {
		line, err := lines.ReadBytes('\n')
		var d document
		if json.Unmarshal(line, &d) == nil && d.name() != "" {
			if _, again := docs[d.name()]; !again {
				docs[d.name()] = d
				order = append(order, d.name())
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	type answer struct {
		ID, Story, Of string
		Err           string
	}
	stories := map[string]string{}
	var decided []answer
	for dec := json.NewDecoder(&answers); dec.More(); {
		var a answer
		if err := dec.Decode(&a); err != nil {
			return nil, err
		}
		if a.Err != "" {
			fmt.Fprintf(e.stderr, "wirewatch: %s: %s\n", alerts.Terminal(a.ID), alerts.Terminal(a.Err))
			continue
		}
		stories[a.ID] = a.Story
		decided = append(decided, a)
	}
	hold := func(a, b string) comparison {
		x, y := docs[a].text(), docs[b].text()
		var others []dedup.Doc
		for _, o := range order {
			if d := docs[o].text(); (d.Site == x.Site || d.Site == y.Site) && d.Site != "" && stories[o] != stories[a] && stories[o] != stories[b] {
				others = append(others, dedup.Doc{Sketch: dedup.Sketch(d.Title, d.Body, d.Lang)})
			}
		}
		return compare(a, x, b, y, dedup.Repeats(others))
	}
	var out []comparison
	for i, a := range decided {
		switch {
		case a.Of != "":
			out = append(out, hold(a.Of, a.ID))
		case len(decided) <= fewLines:
			var best comparison
			for _, o := range decided[:i] {
				if c := hold(o.ID, a.ID); c.Contained >= best.Contained {
					best = c
				}
			}
			if best.A != "" {
				out = append(out, best)
			}
		}
	}
	return out, nil
}
