package extract

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what comes out into testdata/articles, to be read before it is committed")

// readFixture reads a txtar archive: a comment, then files, each under a line "-- name --".
func readFixture(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files, name := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		if l := strings.TrimSpace(line); strings.HasPrefix(l, "-- ") && strings.HasSuffix(l, " --") {
			name = strings.Trim(l, "- ")
			continue
		}
		if name != "" {
			files[name] += line
		}
	}
	return files
}

// render writes an article as the fixtures do: fields, then the blocks in order, + kept and - removed.
func render(a *Article) string {
	var b strings.Builder
	field := func(k, v string) {
		if v != "" {
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	field("title", a.Title)
	field("authors", strings.Join(a.Authors, "; "))
	field("date", a.Date)
	field("lang", a.Lang)
	field("agency", a.Agency)
	field("site name", a.SiteName)
	field("canonical", a.Canonical)
	if a.Paywalled {
		field("paywalled", "yes")
	}
	for _, k := range a.Blocks {
		text := strings.ReplaceAll(k.Text, "\n", "\\n")
		switch {
		case k.Kept && k.Class == "paragraph":
			fmt.Fprintf(&b, "+ %s\n", text)
		case k.Kept:
			fmt.Fprintf(&b, "+ (%s) %s\n", k.Class, text)
		case k.Line > 0:
			fmt.Fprintf(&b, "- %d %s | %s\n", k.Line, k.Class, text)
		default:
			fmt.Fprintf(&b, "- %s | %s\n", k.Class, text)
		}
	}
	return b.String()
}

// Each fixture is an article of our own, with patterns that real ones show. A new pattern is a new file.
func TestArticles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "articles", "*.txtar"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d fixtures, want at least 10: %v", len(files), err)
	}
	x := newExtractor(t)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			ar := readFixture(t, f)
			in := Input{URL: "https://www.courier.example/2025/03/11/basin?utm_source=x"}
			in.HTML, in.Text = []byte(ar["in.html"]), ar["in.txt"]
			if len(in.HTML)+len(in.Text) == 0 {
				t.Fatal("fixture needs in.html or in.txt")
			}
			a, err := x.Extract(in)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range a.Blocks {
				if b.Kept == (b.Rule != "") {
					t.Errorf("kept is %v but the rule is %q: %s", b.Kept, b.Rule, b.Text)
				}
			}
			got := render(a)
			if *update {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				head, _, _ := strings.Cut(string(data), "-- want --\n")
				if err := os.WriteFile(f, []byte(head+"-- want --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != ar["want"] {
				t.Errorf("got\n%s\nwant\n%s", got, ar["want"])
			}
		})
	}
}

// The fixtures leaks-*.txtar hold ten leaks each, one a class, among four paragraphs that stay.
func TestTenLeaks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "articles", "leaks-*.txtar"))
	if err != nil || len(files) < len(newsLanguages) {
		t.Fatalf("%d fixtures, want one for each of %d languages: %v", len(files), len(newsLanguages), err)
	}
	x := newExtractor(t)
	for _, f := range files {
		ar := readFixture(t, f)
		a, err := x.Extract(Input{HTML: []byte(ar["in.html"]), Text: ar["in.txt"]})
		if err != nil {
			t.Fatal(err)
		}
		removed := map[string]bool{}
		for _, b := range a.Blocks {
			if !b.Kept && b.Class != classHeadline {
				removed[b.Class] = true
			}
		}
		if n := len(a.Paragraphs()); n != 4 || len(removed) != 10 {
			t.Errorf("%s: %d paragraphs kept, want 4; leaks of %d classes removed, want 10", f, n, len(removed))
		}
	}
}

// An article with nothing to remove is its own body.
func TestUntouched(t *testing.T) {
	text := strings.TrimSuffix(readFixture(t, filepath.Join("testdata", "articles", "untouched.txtar"))["in.txt"], "\n")
	a, err := newExtractor(t).Extract(Input{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if a.Body != text {
		t.Errorf("body differs:\n%q\n%q", a.Body, text)
	}
}
