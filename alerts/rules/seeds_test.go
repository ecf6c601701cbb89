package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wirewatch/pipeline/text"
)

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// On real articles every span must fold to a word that was asked for, and every such word must have a span.
func TestSeedArticles(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(root(t), "..", "shared", "seeds", "*.txt"))
	if len(files) == 0 {
		t.Skip("no seed articles beside the repository")
	}
	set, err := Compile([]Rule{{Name: "r", Query: `russia OR "north korea" OR missile*`}})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d := &Doc{Body: string(b)}
		n := 0
		for _, h := range set.Match(d) {
			for _, p := range h.Spans {
				n++
				w := text.Fold(d.Body[p.Start:p.End])
				if w != "russia" && strings.Join(strings.Fields(strings.ReplaceAll(w, "-", " ")), " ") != "north korea" && !strings.HasPrefix(w, "missile") {
					t.Errorf("%s: span %q", filepath.Base(f), d.Body[p.Start:p.End])
				}
			}
		}
		want, toks := 0, text.Tokens(d.Body)
		for i, k := range toks {
			if k.Text == "russia" || strings.HasPrefix(k.Text, "missile") || k.Text == "korea" && i > 0 && toks[i-1].Text == "north" {
				want++
			}
		}
		if n != min(want, MaxSpans) {
			t.Errorf("%s: %d spans, want %d", filepath.Base(f), n, want)
		}
		total += n
	}
	if total == 0 {
		t.Error("no span in any article")
	}
	t.Logf("%d spans in %d articles", total, len(files))
}
