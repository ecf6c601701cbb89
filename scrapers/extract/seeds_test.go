package extract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// root is the repository's root: the nearest folder upwards with a go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working folder")
		}
		dir = up
	}
}

// shared is a path below the test data that lies beside the repository; the test is skipped where it is missing.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{root(t), "..", "shared"}, parts...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("test data is not here: %v", err)
	}
	return p
}

func newExtractor(t testing.TB) *Extractor {
	t.Helper()
	x, err := New(os.DirFS(filepath.Join(root(t), "seeds", "lexicon")))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

type removedLine struct {
	Line  int    `json:"line"`
	Class string `json:"class"`
	Text  string `json:"text"`
}

type gold struct {
	File      string        `json:"file"`
	Title     string        `json:"title"`
	Published string        `json:"published"`
	Agency    string        `json:"agency"`
	Body      []string      `json:"body"`
	Removed   []removedLine `json:"removed"`
}

// compare reports every difference between an article from plain text and its gold.
func compare(t *testing.T, a *Article, g *gold) {
	t.Helper()
	if a.Title != g.Title {
		t.Errorf("title %q, want %q", a.Title, g.Title)
	}
	if a.Date != g.Published {
		t.Errorf("date %q, want %q", a.Date, g.Published)
	}
	if a.Agency != g.Agency {
		t.Errorf("agency %q, want %q", a.Agency, g.Agency)
	}
	if got := a.Paragraphs(); !slices.Equal(got, g.Body) {
		t.Errorf("body has %d paragraphs, want %d", len(got), len(g.Body))
		for i := range max(len(got), len(g.Body)) {
			switch {
			case i >= len(got):
				t.Errorf("  %d missing: %q", i, g.Body[i])
			case i >= len(g.Body):
				t.Errorf("  %d too much: %q", i, got[i])
			case got[i] != g.Body[i]:
				t.Errorf("  %d is   %q\n     want %q", i, got[i], g.Body[i])
			}
		}
	}
	var got []removedLine
	for _, b := range a.Blocks {
		if !b.Kept {
			got = append(got, removedLine{b.Line, b.Class, b.Text})
			if b.Rule == "" {
				t.Errorf("line %d was removed without a rule", b.Line)
			}
		}
	}
	if !slices.Equal(got, g.Removed) {
		for _, r := range got {
			if !slices.Contains(g.Removed, r) {
				t.Errorf("removed but should not be, or not so: %d %s %.80q", r.Line, r.Class, r.Text)
			}
		}
		for _, r := range g.Removed {
			if !slices.Contains(got, r) {
				t.Errorf("not removed, or not so: %d %s %.80q", r.Line, r.Class, r.Text)
			}
		}
	}
}

// The five articles Wirewatch was asked to clean come out exactly.
func TestSeedArticles(t *testing.T) {
	dir := shared(t, "seeds")
	x := newExtractor(t)
	files, err := filepath.Glob(filepath.Join(dir, "gold", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no gold in %s: %v", dir, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var g gold
			if err := json.Unmarshal(data, &g); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(filepath.Join(dir, g.File))
			if err != nil {
				t.Fatal(err)
			}
			a, err := x.Extract(Input{Text: string(raw)})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, a, &g)
		})
	}
}
