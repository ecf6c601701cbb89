package rules

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestParseFile(t *testing.T) {
	want := []Rule{{Name: "dprk", Query: "kim AND putin", Channels: []string{"desk"}, Severity: "high", Tags: []string{"a", "b"}, Languages: []string{"ko"},
		Sites: []string{"yna.co.kr"}, Note: "why", OncePer: "event", Updates: Updates{Versions: true}, Origin: Place{"r.yaml", 3, 10}, ChannelsAt: []Place{{"r.yaml", 4, 13}}},
		{Name: "2024", Query: `"north korea"`, Severity: "medium", Origin: Place{"r.yaml", 13, 11}}}
	rules := `
- name: dprk
  query: kim AND putin
  channels: desk
  severity: high
  tags: [a, b]
  languages: [ko]
  sites: [yna.co.kr]
  note: why
  updates: true
  once_per: event
- name: 2024
  query: '"north korea"'
`
	got, err := ParseFile([]byte(rules), "r.yaml")
	for i := range got {
		got[i].lines = nil
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = ParseFile([]byte("rules:"+strings.ReplaceAll(rules, "\n", "\n  ")), "r.yaml")
	if err != nil || len(got) != 2 || got[0].Query != want[0].Query {
		t.Errorf("%+v, %v", got, err)
	}
	for _, empty := range []string{"", "# nothing\n", "rules:\n", "[]"} {
		if got, err := ParseFile([]byte(empty), "r.yaml"); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", empty, got, err)
		}
	}
}

func TestParseFileNamesEveryMistake(t *testing.T) {
	_, err := ParseFile([]byte(`
- name: a
  query: kim
  chanels: [x]
- name: a
  query: [kim]
- query: kim
- name: b
- name: c
  query: kim
  tags: {x: y}
  digest: 1d
  updates: maybe
- kim
- name: d
  query: kim
  name: e
- name: f
  query: kim
- name: f
  query: kim
`), "r.yaml")
	want := []string{
		`r.yaml:4:3: unknown key "chanels" in a rule: write channels`, `r.yaml:6:10: query must be text, not a list`, `r.yaml:7:3: a rule without a name`,
		`r.yaml:8:3: rule "b" has no query`, `r.yaml:11:9: tags must be a list, such as [a, b], not a mapping`,
		`r.yaml:13:12: updates must be true or false, not "maybe"`,
		`r.yaml:14:3: a rule must have keys: name, query and more; this is "kim"`, `r.yaml:17:3: key "name" again in this rule`,
		`r.yaml:20:9: the name "f" is taken by the rule at r.yaml:18`,
	}
	got := strings.Split(fmt.Sprint(err), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d errors, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%s, want %s", got[i], want[i])
		}
	}
	for in, want := range map[string]string{"a: b": "r.yaml:1:1: unknown key \"a\": a rule file is a list of rules, or has the keys rules, lists and defaults", "kim": "r.yaml:1:1: rules must be a list", "- name: \"x\n": "r.yaml:2: not YAML", "rules: []\nrules: []": "r.yaml:2:1: key",
		"- name: a\n  query: \"x\" y\n": "r.yaml:1: not YAML", "[]\n---\n[]": "second document", "{}": "no key rules",
		"- name: a\n  query: b\n  once_per: day": "r.yaml:3:13: once_per must be article, story or event"} {
		if _, err := ParseFile([]byte(in), "r.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestParseSources(t *testing.T) {
	source := func(name, text string) Source {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		return Source{Name: name, Text: text, Node: &n}
	}
	list, err := ParseSources(source("a.yaml", "- {name: a, query: kim}\n"), source("b.yaml", "rules:\n- {name: a, query: putin}\n- {name: b, query: il AND, tag: [x]}\n"))
	want := `b.yaml:2:10: the name "a" is taken by the rule at a.yaml:1
b.yaml:3:28: unknown key "tag" in a rule: write tags`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if len(list) != 2 || list[1].Name != "b" { // it has a query to look at, and that is wrong too
		t.Fatalf("%+v", list)
	}
	if _, err := Compile(list); err == nil || !strings.HasPrefix(err.Error(), `b.yaml:3:26: rule "b": nothing after AND`) {
		t.Error(err)
	}
}

// Whoever writes a configuration starts from the example: a key that it does not show is not found.
func TestExampleShowsEveryKey(t *testing.T) {
	example, err := os.ReadFile("../../configs/wirewatch.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ruleKeys {
		if !bytes.Contains(example, []byte(k.name+": ")) {
			t.Errorf("the example does not show the key `%s`", k.name)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("- name: a\n  query: b\n")
	f.Add("rules: &x [{name: a, query: b, tags: *x}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, s string) {
		rules, err := ParseFile([]byte(s), "f")
		if err != nil && rules != nil {
			t.Fatal("both rules and an error")
		}
	})
}

func TestUpdates(t *testing.T) {
	for in, want := range map[string]Updates{
		"true": {Versions: true}, "false": {}, "": {},
		"{versions: true}":        {Versions: true},
		"{outlets: 5}":            {Outlets: 5},
		"{withdrawn: true, as: }": {Withdrawn: true},
		"{versions: true, outlets: 3, withdrawn: true, as: thread}": {Versions: true, Outlets: 3, Withdrawn: true},
		"{versions: false, outlets: 1, as: separate}":               {Outlets: 1, Separate: true},
	} {
		got, err := ParseFile([]byte("- name: a\n  query: kim\n  updates: "+in+"\n"), "r.yaml")
		if err != nil || len(got) != 1 || got[0].Updates != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"5":                        "r.yaml:3:12: updates must be true or false, not 5; or say which, as in {",
		"[versions]":               "r.yaml:3:12: updates must be true or false, not a list",
		"{}":                       "r.yaml:3:3: updates tells of nothing",
		"{versions: false}":        "r.yaml:3:3: updates tells of nothing",
		"{as: thread}":             "r.yaml:3:3: updates tells of nothing",
		"{outlets: -1}":            "r.yaml:3:22: outlets must be a number",
		"{outlets: many}":          "r.yaml:3:22: outlets must be a number",
		"{withdrawn: 1}":           "r.yaml:3:24: withdrawn must be true or false",
		"{versions: true, as: dm}": "r.yaml:3:33: as must be thread or separate, not \"dm\"",
		"{outlet: 5}":              "r.yaml:3:13: unknown key \"outlet\" in updates: known are versions, outlets, withdrawn, as",
		"{outlets: 1, outlets: 2}": "r.yaml:3:25: key \"outlets\" again in updates",
	} {
		if _, err := ParseFile([]byte("- name: a\n  query: kim\n  updates: "+in+"\n"), "r.yaml"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
