package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/extract"
)

// What the verbs of the rule lab are asked about: a query or a rule, and an article.

// listsFlag names where the $lists of a typed query stand.
func listsFlag(fs *flag.FlagSet) *string {
	return fs.String("lists", "", "rule `file` with the lists that a typed query names with $; else those of the configuration")
}

// parseQuery reads a query that was typed, and says what is odd about it. Only one that names lists needs them.
func parseQuery(e *env, config, file, query string) (*rules.Query, error) {
	var known rules.Lists
	if file != "" || strings.Contains(query, "$") {
		var err error
		if known, err = listsOf(e, config, file); err != nil {
			return nil, err
		}
	}
	q, err := rules.ParseWith(query, known)
	if err != nil {
		return nil, fmt.Errorf("the query: %w", err)
	}
	for _, w := range q.Warnings() {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	return q, nil
}

// listsOf reads the lists of a rule file, or of the configuration where file is "".
func listsOf(e *env, config, file string) (rules.Lists, error) {
	var source rules.Source
	if file != "" {
		parts, err := configs.LoadRules(file)
		if err != nil || len(parts) == 0 {
			return nil, err
		}
		if source.Node, err = parts[0].YAML(); err != nil {
			return nil, err
		}
		source.Name, source.Text = file, parts[0].Text()
	} else {
		cfg, err := plainOrDefault(config, e.getenv)
		if err != nil || cfg.Lists.IsZero() {
			return nil, err
		}
		if source.Lists, err = cfg.Lists.YAML(); err != nil {
			return nil, err
		}
		source.Name, source.Text = config, cfg.Lists.Text()
	}
	lists, err := rules.ParseLists(source)
	var bad mistakes
	if err != nil && bad.add(err, nil) {
		return nil, bad.err(source.Name)
	}
	return lists, err
}

// plainOrDefault is loadPlain for what works without a configuration too, by the defaults, where none was named and none is there.
func plainOrDefault(path string, getenv func(string) (string, bool)) (*configs.Config, error) {
	if _, err := os.Stat(path); path == defaultConfig && errors.Is(err, fs.ErrNotExist) {
		return configs.Parse(path, nil, getenv)
	}
	return loadPlain(path, getenv)
}

// asked says which rule a verb is asked about: a typed query, or a rule by its name, of a rule file or the configuration.
type asked struct{ config, file, lists, query *string }

func askedFlags(fs *flag.FlagSet) asked {
	return asked{configFlag(fs), fs.String("rules", "", "take the rule from this rule `file`, not from the configuration"), listsFlag(fs),
		fs.String("q", "", "a `query` in place of a rule")}
}

// rule is the rule that is asked about.
func (a asked) rule(e *env, name string) (rules.Rule, error) {
	if *a.query != "" {
		q, err := parseQuery(e, *a.config, cmp.Or(*a.lists, *a.file), *a.query)
		if err != nil {
			return rules.Rule{}, err
		}
		return rules.Rule{Name: "(query)", Query: *a.query, Lists: q.Lists()}, nil
	}
	list, err := rulesOf(e, *a.config, *a.file)
	if err != nil {
		return rules.Rule{}, err
	}
	r, like, ok := named(list, name)
	if !ok {
		return r, fmt.Errorf("there is no rule %q%s; a query is given with -q", name, like)
	}
	return r, nil
}

// readArticle reads an article: the page of an address, through the one guarded client; or a file or standard input, which hold JSON as
// the filters take it, HTML, or plain text.
func readArticle(ctx context.Context, e *env, config, from string) (pipeline.Article, error) {
	if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
		return fetchArticle(ctx, e, config, from)
	}
	in, done, err := open(e, []string{from})
	if err != nil {
		return pipeline.Article{}, err
	}
	defer done()
	const limit = 20 << 20
	data, err := io.ReadAll(io.LimitReader(in, limit))
	if err != nil {
		return pipeline.Article{}, err
	}
	if len(data) == limit {
		return pipeline.Article{}, fmt.Errorf("the article is larger than %d MB", limit>>20)
	}
	var d struct {
		document
		Author, Authors any
		Tags            []string
		Feed, Agency    string
	}
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") && json.Unmarshal(data, &d) == nil {
		return pipeline.Article{Title: d.Title, Body: cmp.Or(d.document.Text, d.Body), Lang: d.Lang, Site: d.Site, URL: d.URL, Feed: d.Feed, Agency: d.Agency,
			Authors: append(stringsOf(d.Author), stringsOf(d.Authors)...), Tags: d.Tags}, nil
	}
	if !extract.LooksLikeHTML(data) {
		return pipeline.Article{Body: string(data)}, nil
	}
	x, err := newExtractor("")
	if err != nil {
		return pipeline.Article{}, err
	}
	got, err := x.Extract(extract.Input{HTML: data, At: e.now()})
	if err != nil {
		return pipeline.Article{}, fmt.Errorf("%s: %w", from, err)
	}
	a := article(got)
	a.URL, a.Site = got.URL, got.Site
	return a, nil
}

// fetchArticle reads a page as the daemon would, robots.txt and private networks included.
func fetchArticle(ctx context.Context, e *env, config, url string) (pipeline.Article, error) {
	cfg, err := plainOrDefault(config, e.getenv)
	if err != nil {
		return pipeline.Article{}, err
	}
	x, err := newExtractor(cfg.Sites)
	if err != nil {
		return pipeline.Article{}, err
	}
	client, err := newClient(cfg, nil)
	if err != nil {
		return pipeline.Article{}, err
	}
	defer client.Close()
	page, err := (&scrapers.Pages{Client: client}).Fetch(ctx, pipeline.Item{Entry: pipeline.Entry{URL: url}})
	if err != nil {
		return pipeline.Article{}, fmt.Errorf("fetch %s: %w", url, err)
	}
	return readPage(x)(page)
}

// stringsOf is a JSON value that is a string or a list of them.
func stringsOf(v any) (out []string) {
	switch v := v.(type) {
	case string:
		if v != "" {
			out = append(out, v)
		}
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
