package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/configs"
	"wirewatch/pipeline/dedup"
	"wirewatch/scrapers/extract"
	"wirewatch/scrapers/feed"
)

// The filters: each stage of the pipeline on JSON lines, so that a researcher can pipe it and anyone can measure it.

func runFeedsParse(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	jsonl := fs.Bool("jsonl", true, `lines {"id","url","content_type","data" in base64} to lines {"id","kind","title","entries"}`)
	in, done, err := v.input(e, fs, args, jsonl)
	if err != nil {
		return err
	}
	defer done()
	return feed.Lines(in, e.stdout)
}

func runDedup(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	jsonl := fs.Bool("jsonl", true, `lines {"id","url","site","title","text","published","lang"} to lines {"id","story","event","relation","of","score"}`)
	stream := fs.Bool("stream", false, "answer each line at once, before later lines are known")
	explained := fs.Bool("explain", false, "say why articles are one story or not, with the passages they share: of JSON lines, of two files, or of two IDs")
	file := configFlag(fs)
	asJSON := fs.Bool("json", false, "with --explain: JSON lines, a line a pair")
	rest, err := v.parse(fs, args, 0, 2)
	if err != nil {
		return err
	}
	switch {
	case !*jsonl:
		return usagef("%s: JSON lines are the only form there is", v.name)
	case *explained:
		return explainDedup(ctx, e, *file, rest, *asJSON)
	case *asJSON || len(rest) == 2:
		return usagef("dedup: two articles and --json are for --explain")
	}
	in, done, err := open(e, rest)
	if err != nil {
		return err
	}
	defer done()
	return dedup.Lines(in, e.stdout, *stream)
}

func runMatch(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	jsonl := fs.Bool("jsonl", true, `lines {"id","title","text"} to lines {"id","rule","spans"}, a line a hit`)
	file := fs.String("rules", "", "rules `file`: YAML, a list of rules or a mapping with the key rules")
	in, done, err := v.input(e, fs, args, jsonl)
	if err != nil {
		return err
	}
	defer done()
	if *file == "" {
		return usagef("match needs --rules FILE")
	}
	parts, err := configs.LoadRules(*file)
	if err != nil {
		return err
	}
	_, set, err := readRules(parts, configs.Node{})
	if err == nil {
		err = testRules(set)
	}
	var bad mistakes
	if errors.As(err, &bad) {
		return bad.err(*file)
	}
	if err != nil {
		return err
	}
	if set.Len() == 0 {
		return fmt.Errorf("%s holds no rules", *file)
	}
	return set.Lines(in, e.stdout)
}

// input is what a filter reads: the file that it is given, or standard input.
func (v verb) input(e *env, fs *flag.FlagSet, args []string, jsonl *bool) (in io.Reader, done func(), err error) {
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return nil, nil, err
	}
	if !*jsonl {
		return nil, nil, usagef("%s: JSON lines are the only form there is", v.name)
	}
	return open(e, rest)
}

// open opens the file that an argument names; none, or -, is standard input.
func open(e *env, rest []string) (in io.Reader, done func(), err error) {
	if len(rest) == 0 || rest[0] == "-" {
		return e.stdin, func() {}, nil
	}
	f, err := os.Open(rest[0])
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}

func runExtract(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	jsonl := fs.Bool("jsonl", false, `lines {"id","html" (a path) or "content" or "text","url", and "feed", the feed's own text, if known} to articles, a line each`)
	asJSON := fs.Bool("json", false, "the article as JSON, with the names that --jsonl uses")
	explained := fs.Bool("explain", false, "show every block, kept and removed, with class, rule and score; also with --json")
	page := fs.String("html", "", "write a page that shows every block in its place to this `file`; - is standard output")
	url := fs.String("url", "", "where the document comes from")
	sites := fs.String("sites", "", "`folder` of site rules, before the shipped ones")
	words := fs.String("lexicon", "", "`folder` of a lexicon to read by in place of the shipped one")
	at := fs.String("at", "", "`day` of the fetch (2024-05-01): says which site rule is in force where the page has no date")
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	if *jsonl && (*page != "" || *at != "") {
		return usagef("extract: --html and --at are for one document, not for --jsonl")
	}
	day := e.now()
	if *at != "" {
		if day, err = time.Parse(time.DateOnly, *at); err != nil {
			return usagef("extract: --at wants a day such as 2024-05-01, not %q", *at)
		}
	}
	x, err := newExtractor(*sites)
	if *words != "" {
		x, err = lexiconExtractor(os.DirFS(*words), *sites)
	}
	if err != nil {
		return err
	}
	in, done, err := open(e, rest)
	if err != nil {
		return err
	}
	defer done()
	if *jsonl {
		// A page leaves nothing behind but its line: collecting sooner costs next to no time and saves a tenth of the memory.
		if _, set := e.getenv("GOGC"); !set {
			defer debug.SetGCPercent(debug.SetGCPercent(60))
		}
		return x.Lines(in, e.stdout)
	}
	const limit = 20 << 20
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return err
	}
	if len(data) > limit {
		return fmt.Errorf("the document is larger than %d MB", limit>>20)
	}
	doc := extract.Input{URL: *url, HTML: data, At: day}
	if !extract.LooksLikeHTML(data) {
		doc = extract.Input{URL: *url, Text: string(data)}
	}
	a, err := x.Extract(doc)
	if err != nil {
		return err
	}
	if *page != "" {
		if err := saveExplainPage(e, *page, explain(a)); err != nil || !*asJSON && !*explained {
			return err
		}
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if *explained {
			return enc.Encode(explain(a))
		}
		return enc.Encode(articleOf(a))
	}
	if *explained {
		printExplanation(e.stdout, explain(a), colours(e.stdout, e.getenv))
		return nil
	}
	printArticle(e.stdout, a)
	return nil
}

// articleJSON is one article with the names that the filter uses.
type articleJSON struct {
	URL       string      `json:"url"`
	Site      string      `json:"site"`
	SiteName  string      `json:"site_name"`
	Canonical string      `json:"canonical"`
	Title     string      `json:"title"`
	Author    []string    `json:"author"`
	Date      string      `json:"date"`
	Modified  string      `json:"modified"`
	Lang      string      `json:"lang"`
	Agency    string      `json:"agency"`
	Section   string      `json:"section"`
	Tags      []string    `json:"tags"`
	Image     string      `json:"image"`
	Paywalled bool        `json:"paywalled"`
	Body      string      `json:"body"`
	Blocks    []blockJSON `json:"blocks"`
}

type blockJSON struct {
	Class string `json:"class"`
	Kept  bool   `json:"kept"`
	Text  string `json:"text"`
	Rule  string `json:"rule,omitempty"`
	Line  int    `json:"line,omitempty"`

	Score float64 `json:"score"` // from 0 to 1: see extract.Block
}

func articleOf(a *extract.Article) articleJSON {
	out := articleJSON{URL: a.URL, Site: a.Site, SiteName: a.SiteName, Canonical: a.Canonical, Title: a.Title, Author: append([]string{}, a.Authors...),
		Date: a.Date, Modified: a.Modified, Lang: a.Lang, Agency: a.Agency, Section: a.Section, Tags: append([]string{}, a.Tags...), Image: a.Image, Paywalled: a.Paywalled, Body: a.Body, Blocks: make([]blockJSON, len(a.Blocks))}
	for i, b := range a.Blocks {
		out.Blocks[i] = blockJSON(b)
	}
	return out
}

func printArticle(w io.Writer, a *extract.Article) {
	line := func(k, v string) {
		if v != "" {
			fmt.Fprintf(w, "%-9s %s\n", k, alerts.Terminal(v))
		}
	}
	line("title", a.Title)
	line("by", strings.Join(a.Authors, ", "))
	line("date", a.Date)
	line("language", a.Lang)
	line("agency", a.Agency)
	line("section", a.Section)
	line("tags", strings.Join(a.Tags, ", "))
	line("site", a.SiteName)
	line("url", a.URL)
	fmt.Fprintf(w, "\n%s\n", alerts.TerminalText(a.Body))
}
