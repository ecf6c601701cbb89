package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/alerts"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/scrapers/past"
)

// The README's tables are the program's own.
func TestReadmeTables(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var verbRows, kindRows, sourceRows []string
	for _, v := range verbs() {
		verbRows = append(verbRows, fmt.Sprintf("| `%s` | %s |", strings.TrimSpace("wirewatch "+v.name+" "+v.args), v.doc))
	}
	for _, k := range alerts.Kinds {
		kindRows = append(kindRows, fmt.Sprintf("| `%s` | %s |", k.Name, k.Doc))
	}
	for _, k := range past.Kinds {
		sourceRows = append(sourceRows, fmt.Sprintf("| `%s:%s` | %s |", k.Name, k.Arg, k.Doc))
	}
	for name, want := range map[string][]string{"verbs": verbRows, "channels": kindRows, "sources": sourceRows} {
		open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		_, rest, ok := strings.Cut(string(readme), open)
		table, _, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Errorf("README.md has no lines %q and %q", strings.TrimSpace(open), end)
			continue
		}
		var got []string
		for _, l := range strings.Split(table, "\n") {
			if strings.HasPrefix(l, "| `") {
				got = append(got, l)
			}
		}
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("the table %q of README.md differs from the program. Paste this between its marks:\n%s\n%s", name, head(table), w)
		}
	}
}

// head is a table's own heading, or one to begin with.
func head(table string) string {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) >= 2 && strings.HasPrefix(lines[1], "|---") {
		return lines[0] + "\n" + lines[1]
	}
	return "| | what it is |\n|---|---|"
}

// Every verb can be told from its neighbours: a name, one line of doc without a full stop, something to run.
func TestVerbsTable(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range verbs() {
		if v.run == nil || v.doc == "" || strings.Contains(v.doc, "\n") || strings.HasSuffix(v.doc, ".") || len(strings.Fields(v.name)) > 2 {
			t.Errorf("verb %q is not as it should be: %q", v.name, v.doc)
		}
		if seen[v.name] {
			t.Errorf("verb %q stands here twice", v.name)
		}
		seen[v.name] = true
	}
}

// The example configuration is good, and nothing in it is odd, once its secrets are set. Every rule can hold.
func TestExampleChecks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wirewatch.yaml")
	example := string(configs.Example())
	from, to := strings.Index(example, "  # - name: archive\n"), strings.Index(example, "  # The other kinds.")
	if from < 0 || to < from {
		t.Fatal("the example shows no signed webhook")
	}
	example = example[:from] + strings.ReplaceAll(example[from:to], "  # ", "  ") + example[to:] // good too, when it is wanted
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
		"WEBHOOK_URL":       "https://example.org/hook",
		"WEBHOOK_SECRET":    scriptKey,
	}
	s, err := load(path, func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cfg.CheckFeeds(); err != nil {
		t.Error(err)
	}
	for _, w := range s.warnings {
		t.Errorf("warning: %s", w)
	}
	if len(s.cfg.Feeds) < 12 || s.rules.Len() < 5 || len(s.channels) != 3 {
		t.Errorf("%d feeds, %d rules, %d channels: less than an example should have", len(s.cfg.Feeds), s.rules.Len(), len(s.channels))
	}
	said := map[string]bool{}
	for _, a := range []pipeline.Article{
		{Lang: "en", Title: "North Korea ships shells to Russia", Body: "Pyongyang delivered artillery shells to Russia, officials in Seoul said of the transfer. Soldiers went to Kursk. " +
			"A tanker under sanctions called at Rajin. Debris of a KN-23 was found."},
		{Lang: "ko", Title: "북한, 러시아에 포탄 제공", Body: "북한이 러시아에 포탄을 보냈다고 밝혔다."},
		{Lang: "ru", Title: "КНДР передала снаряды", Body: "КНДР передала России артиллерийские снаряды, сообщили в Сеуле."},
		{Lang: "ja", Title: "北朝鮮、ロシアに砲弾", Body: "北朝鮮がロシアに砲弾を供与したと伝えられた。"},
		{Lang: "de", Title: "Nordkorea liefert Granaten", Body: "Nordkorea hat Russland Granaten geliefert, hieß es aus Seoul."},
	} {
		for _, m := range s.match(&a) {
			said[m.Rule] = true
		}
	}
	for rule := range s.route {
		if !said[rule] {
			t.Errorf("the rule %q matched none of the articles written for it", rule)
		}
	}
}

// What comes from outside cannot act on a terminal, and a caret stays under its place.
func TestSafe(t *testing.T) {
	caret := "a.yaml:1:2: rule \"x\": wrong\n  north AND  (korea\n             ^\n  add )"
	if got := safe(caret); got != caret {
		t.Errorf("changed to %q", got)
	}
	if got := safe("title \x1b]0;owned\x07  here\n  next\u202e"); strings.ContainsAny(got, "\x1b\x07\u202e") || !strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
}
