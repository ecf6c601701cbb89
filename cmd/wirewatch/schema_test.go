package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
)

// compiled is the schema that a verb prints.
func compiled(t *testing.T, args ...string) *jsonschema.Schema {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), args, strings.NewReader(""), &out, &out); err != nil {
		t.Fatal(err, out.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML text as an editor sees it: dates are text.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err, text)
	}
	var plain func(n *yaml.Node)
	plain = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, k := range n.Content {
			plain(k)
		}
	}
	plain(&doc)
	var v any
	if err := doc.Decode(&v); err != nil {
		t.Fatal(err, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What the reader takes the schema takes, and what it refuses for its form the schema refuses.
func TestRuleSchemaAgreesWithTheReader(t *testing.T) {
	s := compiled(t, "rules", "schema")
	type c struct {
		ok   bool
		text string
	}
	cases := []c{
		{true, ""}, {true, "[]"}, {true, "rules: []"}, {true, "rules:\n"}, {true, "{rules: [], lists: , defaults: }"},
		{true, "- {name: 2024, query: 7}"}, {true, "- {name: a, query: b, tags: x, channels: [a, 3], updates: true, severity: critical, once_per: event}"},
		{true, "- {name: a, query: b, note: , tags: , expires: , tests: , severity: , updates: }"},
		{true, "- {name: a, query: b, expires: 2026-12-31}"}, {true, "- {name: a, query: b, expires: 2026-12-31T10:00:00+02:00}"},
		{true, "- {name: a, query: b, tests: [{match: b}, {not: {title: c, author: [d], tags: e}}, {match: '', lang: en, title: b}]}"},
		{true, "- {name: a, query: b, tests: {match: b}}"},
		{true, "{lists: {arms: [a, b], $x: c}, rules: [{name: a, query: b}], defaults: {severity: low, tags: [a], expires: 2030-01-01}}"},
		{false, "a"}, {false, "rulez: []"}, {false, "lists: {a: [b]}"}, {false, "- a"}, {false, "- {name: a}"}, {false, "- {query: b}"},
		{false, "- {name: , query: b}"}, {false, "- {name: a, query: ' '}"}, {false, "- {name: a, query: [b]}"}, {false, "- {name: a, query: b, tags: {x: y}}"},
		{false, "- {name: a, query: b, severity: urgent}"}, {false, "- {name: a, query: b, once_per: day}"}, {false, "- {name: a, query: b, updates: maybe}"},
		{false, "- {name: a, query: b, expires: soon}"}, {false, "- {name: a, query: b, sort: c}"}, {false, "- {name: a, query: b, note: [c]}"},
		{false, "- {name: a, query: b, channels: [[c]]}"}, {false, "- {name: a, query: b, tags: [null, c]}"},
		{false, "- {name: a, query: b, tests: [{title: b}]}"}, {false, "- {name: a, query: b, tests: [{match: b, not: c}]}"},
		{false, "- {name: a, query: b, tests: [{match: {titel: b}}]}"}, {false, "- {name: a, query: b, tests: [{match: [b]}]}"}, {false, "- {name: a, query: b, tests: b}"},
		{false, "{rules: [], defaults: {name: a}}"}, {false, "{rules: [], defaults: [a]}"}, {false, "{rules: [], lists: [a]}"}, {false, "{rules: [], lists: {a: []}}"},
		{false, "{rules: [], lists: {1a: [b]}}"}, {false, "{rules: [], lists: {a: {b: c}}}"},
	}
	for _, x := range cases {
		_, err := rules.ParseFile([]byte(x.text), "r.yaml")
		if (err == nil) != x.ok {
			t.Errorf("the reader of %q: %v", x.text, err)
		}
		if err := s.Validate(asJSON(t, x.text)); (err == nil) != x.ok {
			t.Errorf("the schema of %q: %v", x.text, err)
		}
	}
}

// Each key that the reader knows is in the schema, and each that is in the schema the reader knows.
func TestRuleSchemaHasEveryKey(t *testing.T) {
	defs := rules.Definitions()
	keys := func(def string) []string {
		return slices.Sorted(maps.Keys(defs[def].(map[string]any)["properties"].(map[string]any)))
	}
	for _, c := range []struct{ def, file, said, extra string }{
		{"rule", "- {zzzzzzzz: x, name: a, query: b}", "known are ", ""},
		{"defaults", "{rules: [], defaults: {zzzzzzzz: x}}", "known are ", ""},
		{"article", "- {name: a, query: b, tests: [{match: {zzzzzzzz: x}}]}", "known are ", ""},
		{"file", "{zzzzzzzz: x}", "has the keys ", ""},
		{"test", "- {name: a, query: b, tests: [{match: x, zzzzzzzz: x}]}", "known are ", ""},
	} {
		_, err := rules.ParseFile([]byte(c.file), "r.yaml")
		line, _, _ := strings.Cut(fmt.Sprint(err), "\n")
		_, list, ok := strings.Cut(line, c.said)
		if !ok {
			t.Fatalf("%s: %v", c.file, err)
		}
		known := append(strings.FieldsFunc(strings.Replace(list, " and ", ", ", 1), func(r rune) bool { return r == ',' || r == ' ' }), strings.Fields(c.extra)...)
		slices.Sort(known)
		if got := keys(c.def); !slices.Equal(got, known) {
			t.Errorf("%s: the schema has %v, the reader %v", c.def, got, known)
		}
		for name, p := range defs[c.def].(map[string]any)["properties"].(map[string]any) {
			if doc, _ := p.(map[string]any)["description"].(string); doc == "" {
				t.Errorf("%s: %s has no description", c.def, name)
			}
		}
	}
}

// The shipped files are what the schemas say.
func TestSchemasTakeTheShippedFiles(t *testing.T) {
	files, err := filepath.Glob("../../seeds/rules/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v: %v", files, err)
	}
	s := compiled(t, "rules", "schema")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asJSON(t, string(b))); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	if err := compiled(t, "check", "--schema").Validate(asJSON(t, string(configs.Example()))); err != nil {
		t.Errorf("the example: %v", err)
	}
}

// The schema of the configuration and its decoder agree on what is right and wrong in form.
func TestConfigSchemaAgreesWithTheDecoder(t *testing.T) {
	s := compiled(t, "check", "--schema")
	for _, c := range []struct {
		ok   bool
		text string
	}{
		{true, ""}, {true, "{store: a.db, listen: '127.0.0.1:80', pace: {every: 0, parallel: 2}, revisit: [1h, 1d], x-any: [1]}"},
		{true, "{allow_private: [10.0.0.0/8, 127.0.0.1], retention: {pages: 0, bodies: 30d}, log: {format: json}, operator: []}"},
		{true, "{retention: {size: 20GB, only: [{sites: [a.example], pages: 7d, size: 1.5 GiB}, {tags: [x], bodies: 0}]}, backup: {to: copies}}"},
		{false, "retention: {size: 20}"}, {false, "retention: {size: 20G}"}, {false, "retention: {only: {sites: [a.example]}}"}, {false, "backup: {every: 1d}"},
		{true, "feeds: [{url: 'https://a.example/rss', every: 1d12h, headers: {A: b}, basic_auth: {user: u, password: p}}]"},
		{true, "channels: [{name: a, kind: webhook, url: 'https://a.example', secret: s, wait: 30s}]"},
		{true, "{lists: {a: [b]}, rules: [{name: a, query: $a, tests: [{match: b}]}]}"}, {true, "{feeds: , rules: , pace: }"},
		{false, "stores: a"}, {false, "pace: 1s"}, {false, "pace: {every: soon}"}, {false, "pace: {parallel: many}"}, {false, "feeds: {url: a}"}, {false, "feeds: [{name: a}]"},
		{false, "log: {level: loud}"}, {false, "channels: [{name: a}]"}, {false, "rules: a"}, {false, "rules: [{name: a, query: b, sort: c}]"},
		{false, "rules: [{file: a, name: b}]"}, {false, "operator: a"}, {false, "revisit: [often]"}, {false, "baseline_age: 5"}, {false, "lists: [a]"},
	} {
		v := asJSON(t, c.text)
		if v == nil {
			v = map[string]any{}
		}
		if err := s.Validate(v); (err == nil) != c.ok {
			t.Errorf("the schema of %q: %v", c.text, err)
		}
		file := filepath.Join(t.TempDir(), "w.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := load(file, os.LookupEnv, time.Now)
		var bad mistakes
		if err != nil && !errors.As(err, &bad) {
			t.Fatal(err)
		}
		// A good form may still name what is not there; nothing here does but a webhook's secret.
		if good := len(bad) == 0 || c.ok && strings.Contains(err.Error(), "secret"); good != c.ok {
			t.Errorf("the decoder of %q: %v", c.text, err)
		}
	}
}
