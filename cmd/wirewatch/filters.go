package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"wirewatch/alerts"
	"wirewatch/alerts/rules"
	"wirewatch/pipeline/dedup"
	"wirewatch/scrapers/extract"
	"wirewatch/scrapers/feed"
	"wirewatch/seeds"
)

// The filters: each stage of the pipeline on JSON lines, so that a researcher can pipe it and anyone can measure it.

func runFeedsParse(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	fs.Bool("jsonl", true, `lines {"id","url","content_type","data" in base64} to lines {"id","kind","title","entries"}`)
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return feed.Lines(e.stdin, e.stdout)
}

func runDedup(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	fs.Bool("jsonl", true, `lines {"id","url","site","title","text","published","lang"} to lines {"id","story","event","relation","of","score"}`)
	stream := fs.Bool("stream", false, "answer each line at once, before later lines are known")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return dedup.Lines(e.stdin, e.stdout, *stream)
}

func runMatch(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	fs.Bool("jsonl", true, `lines {"id","title","text"} to lines {"id","rule","spans"}, a line a hit`)
	file := fs.String("rules", "", "rules `file` (YAML)")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return usagef("match needs --rules FILE")
	}
	data, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	list, err := rules.ParseFile(data, *file)
	if err != nil {
		return err
	}
	set, err := rules.Compile(list)
	if err != nil {
		return err
	}
	return set.Lines(e.stdin, e.stdout)
}

func runExtract(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	jsonl := fs.Bool("jsonl", false, `lines {"id","html" (a path) or "content" or "text","url"} to articles, a line each`)
	asJSON := fs.Bool("json", false, "one article as JSON")
	explain := fs.Bool("explain", false, "show every block, kept and removed, with class and rule")
	url := fs.String("url", "", "where the document comes from")
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	x, err := newExtractor()
	if err != nil {
		return err
	}
	if *jsonl {
		return x.Lines(e.stdin, e.stdout)
	}
	in := e.stdin
	if len(rest) == 1 && rest[0] != "-" {
		f, err := os.Open(rest[0])
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	const limit = 20 << 20
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return err
	}
	if len(data) > limit {
		return fmt.Errorf("the document is larger than %d MB", limit>>20)
	}
	doc := extract.Input{URL: *url, HTML: data}
	if !looksLikeHTML(data) {
		doc = extract.Input{URL: *url, Text: string(data)}
	}
	a, err := x.Extract(doc)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(a)
	}
	printArticle(e.stdout, a, *explain)
	return nil
}

func newExtractor() (*extract.Extractor, error) {
	return extract.New(seeds.Lexicon())
}

// looksLikeHTML tells a page from plain text by its first tag.
func looksLikeHTML(data []byte) bool {
	head := strings.ToLower(string(data[:min(len(data), 4096)]))
	for _, tag := range []string{"<!doctype", "<html", "<head", "<body", "<div", "<article", "<p>", "<p "} {
		if strings.Contains(head, tag) {
			return true
		}
	}
	return false
}

func printArticle(w io.Writer, a *extract.Article, explain bool) {
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
	line("site", a.SiteName)
	line("url", a.URL)
	if !explain {
		fmt.Fprintf(w, "\n%s\n", alerts.TerminalText(a.Body))
		return
	}
	fmt.Fprintln(w)
	for _, b := range a.Blocks {
		mark, why := "+", b.Class
		if !b.Kept {
			mark, why = "-", b.Class+" by "+b.Rule
		}
		fmt.Fprintf(w, "%s [%s] %s\n", mark, why, alerts.Terminal(b.Text))
	}
}
