package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"wirewatch/scrapers/extract"
)

// hostileArticle is made of what sites could send to harm those who look at it.
func hostileArticle() *extract.Article {
	const evil = "</li><script>alert(1)</script><img src=x onerror=alert(1)> \x1b]0;owned\x07\x1b[2J \u202etxt.exe \"'` {{.}} <!--"
	return &extract.Article{
		URL: "javascript:alert(1)", Canonical: `https://paper.example/"onmouseover="alert(1)`, Site: "paper.example", SiteName: evil, Title: evil,
		Authors: []string{evil}, Date: "2024-05-01", Modified: evil, Lang: "en", Agency: evil, Paywalled: true,
		SiteRule: "sites/" + evil, Notes: []string{evil},
		Blocks: []extract.Block{
			{Class: "paragraph", Kept: true, Text: evil + "\nsecond line"},
			{Class: "newsletter", Text: evil, Rule: "lexicon/" + evil + ":7"},
			{Class: `x" onclick="alert(1)`, Text: "مرحبا " + evil},
		},
	}
}

func plainArticle() *extract.Article {
	return &extract.Article{
		URL: "https://paper.example/1", Site: "paper.example", SiteName: "Paper", Title: "Ships wait", Authors: []string{"Ada Lund", "Per Holm"},
		Date: "2024-05-01", Lang: "en", SiteRule: "sites/paper.yaml:3", Notes: []string{"sites/paper.yaml:5: the title selector finds nothing"},
		Blocks: []extract.Block{
			{Class: "navigation", Text: "Home", Rule: "structure:nav", Score: 0.987},
			{Class: "paragraph", Kept: true, Text: "Eleven ships waited.\nThey wait still.", Rule: "sites/paper.yaml:4", Score: 1},
			{Class: "paragraph", Kept: true, Text: "Two more came.", Score: 0.5},
			{Class: "newsletter", Text: "Sign up.", Rule: "lexicon/newsletter.yaml:7", Score: 0.25},
		},
	}
}

func TestExplainOnTerminal(t *testing.T) {
	for name, a := range map[string]*extract.Article{"plain": plainArticle(), "hostile": hostileArticle(), "empty": {}} {
		for _, colour := range []bool{false, true} {
			file := filepath.Join("testdata", "explain", name+".txt")
			if colour {
				file = filepath.Join("testdata", "explain", name+"-colour.txt")
			}
			var b bytes.Buffer
			printExplanation(&b, explain(a), colour)
			golden(t, file, b.String())
			bare := b.String()
			if colour { // our own sequences, and no others
				bare = regexp.MustCompile(`\x1b\[(0|1|2|31|32|33)m`).ReplaceAllString(bare, "")
			}
			if strings.ContainsAny(bare, "\x1b\x07\u202e") {
				t.Errorf("%s: something to obey is left in %q", file, bare)
			}
		}
	}
}

// golden compares with a file; UPDATE=1 in the environment writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{"TERM": "xterm"}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false},
		{map[string]string{"TERM": "dumb"}, false},
		{nil, false},
	} {
		getenv := func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }
		if got := wantsColours(getenv); got != c.want {
			t.Errorf("%v: %t, want %t", c.env, got, c.want)
		}
		if colours(&bytes.Buffer{}, getenv) {
			t.Error("a buffer is no terminal")
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if colours(w, getenv) {
			t.Error("a pipe is no terminal")
		}
		r.Close()
		w.Close()
	}
}

// The page holds every block in order, loads nothing, runs nothing, and what a site sent stays text.
func TestExplainPage(t *testing.T) {
	for name, a := range map[string]*extract.Article{"plain": plainArticle(), "hostile": hostileArticle(), "empty": {}} {
		var b bytes.Buffer
		if err := writeExplainPage(&b, explain(a)); err != nil {
			t.Fatal(err)
		}
		root, err := html.Parse(&b)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			switch n.Data {
			case "script", "img", "iframe", "object", "embed", "form", "base", "link", "svg":
				t.Errorf("%s: there is a %s element", name, n.Data)
			}
			for _, at := range n.Attr {
				if strings.HasPrefix(at.Key, "on") || at.Key == "src" || at.Key == "style" {
					t.Errorf("%s: there is an attribute %s=%q", name, at.Key, at.Val)
				}
				if at.Key == "href" && !strings.HasPrefix(at.Val, "https://paper.example/") {
					t.Errorf("%s: a link leads to %q", name, at.Val)
				}
				if at.Key == "class" && at.Val == "text" && n.FirstChild != nil {
					texts = append(texts, n.FirstChild.Data)
				}
			}
		}
		if len(a.Blocks) == 0 {
			continue
		}
		if len(texts) != len(a.Blocks) {
			t.Fatalf("%s: %d blocks, want %d", name, len(texts), len(a.Blocks))
		}
		for i, bl := range a.Blocks {
			if name == "plain" && texts[i] != bl.Text {
				t.Errorf("block %d is %q, want %q", i, texts[i], bl.Text)
			}
		}
	}
	var b bytes.Buffer
	if err := writeExplainPage(&b, explain(plainArticle())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 of 4 blocks kept", "prefers-color-scheme:dark", `title="removed by lexicon/newsletter.yaml:7"`, `title="kept by sites/paper.yaml:4"`,
		">0.99</span>", ">1.00</span>", "Ada Lund, Per Holm", "sites/paper.yaml:3", "the title selector finds nothing", "default-src &#39;none&#39;|default-src 'none'"} {
		found := false
		for _, w := range strings.Split(want, "|") {
			found = found || strings.Contains(b.String(), w)
		}
		if !found {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(b.String(), "ZgotmplZ") {
		t.Error("the template refused a value")
	}
}

func TestExplainJSON(t *testing.T) {
	b, err := json.Marshal(explain(plainArticle()))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title    string
		SiteRule string `json:"site_rule"`
		Notes    []string
		Counts   []classCount
		Blocks   []blockJSON
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Title != "Ships wait" || got.SiteRule != "sites/paper.yaml:3" || len(got.Notes) != 1 || len(got.Blocks) != 4 || len(got.Counts) != 3 ||
		got.Counts[0] != (classCount{"paragraph", true, 2, 51}) || got.Blocks[0].Score != 0.987 || got.Blocks[3].Score != 0.25 {
		t.Errorf("got %+v", got)
	}
}
