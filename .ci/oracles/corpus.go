package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"wirewatch/pipeline/text"
)

// An article is a text of the corpus; script is that of most of its letters.
type article struct {
	Title  string `json:"title"`
	Body   string `json:"body"`
	Lang   string `json:"lang"`
	Script string `json:"script"`
}

func (a *article) field(name string) string {
	if name == "title" {
		return a.Title
	}
	return a.Body
}

// corpusFiles are the files that are read, and the most articles that are taken of each: the corpus is mostly English, and the other
// scripts are to have their share.
var corpusFiles = []struct {
	path string
	most int
}{
	{"extract/fundus/gold.jsonl", 200},
	{"extract/aeb/gold.jsonl", 100},
	{"extract/traf/gold.jsonl", 500},
	{"extract/wcxb/gold.jsonl", 60},
	{"dedup/dup-dev.jsonl.gz", 150},
	{"dedup/story-pairs-tg.jsonl.gz", 500},
}

// readCorpus reads the articles of the corpus that stands in folder dir.
func readCorpus(dir string) ([]*article, error) {
	var out []*article
	for _, f := range corpusFiles {
		n := len(out)
		err := eachLine(filepath.Join(dir, f.path), func(line []byte) error {
			var x struct {
				article
				Text, T1, X1, T2, X2 string
				With                 []string
			}
			if err := json.Unmarshal(line, &x); err != nil {
				return err
			}
			a := x.article
			if a.Body == "" {
				a.Body = x.Text
			}
			if a.Body == "" {
				a.Body = strings.Join(x.With, "\n\n") // passages of a page of which no more is known
			}
			for _, a := range []article{a, {Title: x.T1, Body: x.X1, Lang: x.Lang}, {Title: x.T2, Body: x.X2, Lang: x.Lang}} {
				if a.Script = scriptOf(a.Body); a.Script != "" && len(out)-n < f.most {
					out = append(out, &a)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(out) == n {
			return nil, fmt.Errorf("%s holds no articles", f.path)
		}
	}
	return out, nil
}

func eachLine(path string, f func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	b := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := b.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := f(line); err != nil {
				return fmt.Errorf("%s, line %d: %w", path, n, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
}

// scriptOf is the script of most of the letters; both Kana and Han with Kana among them count as Japanese.
func scriptOf(s string) string {
	n := map[string]int{}
	best := ""
	for _, r := range s {
		if !unicode.IsLetter(r) {
			continue
		}
		x := text.Script(r)
		if n[x]++; n[x] > n[best] {
			best = x
		}
	}
	if n["Hira"]+n["Kana"] > n["Hani"]/4 && best != "Latn" && n["Hira"] > 0 {
		return "Jpan"
	}
	return best
}

// byScript groups articles by their script, the groups in an order of their own.
func byScript(articles []*article) [][]*article {
	groups := map[string][]*article{}
	for _, a := range articles {
		groups[a.Script] = append(groups[a.Script], a)
	}
	var out [][]*article
	for _, s := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[s])
	}
	return out
}

// printArticles prints of each script the same number of lines; where there are fewer articles, they come again.
func printArticles(articles []*article) error {
	const each = 60
	e := json.NewEncoder(os.Stdout)
	for _, group := range byScript(articles) {
		for i := range each {
			if err := e.Encode(group[i*len(group)/each%len(group)]); err != nil {
				return err
			}
		}
	}
	return nil
}
