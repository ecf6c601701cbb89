package rules

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	_, err := ParseFile([]byte(`
rules:
  - {name: plain, query: kim}
  - {name: own, query: kim, severity: low, channels: [archive], tags: [], updates: false, expires: 2027-02-01T12:00:00+01:00}
  - {name: empty, query: kim, severity: , note: }
defaults: {channels: [desk], severity: critical, tags: [dprk], languages: [ko], sites: [yna.co.kr], note: "Ask Ann.", once_per: event, updates: yes, expires: 2026-12-31}
`), "r.yaml")
	if err == nil || err.Error() != `r.yaml:6:145: updates must be true or false, not "yes"; or say which, as in {versions: true, outlets: 5, withdrawn: true, as: thread}` {
		t.Fatal(err)
	}
	list, err := ParseFile([]byte(`
defaults: {channels: [desk], severity: critical, tags: [dprk], languages: [ko], sites: [yna.co.kr], note: "Ask Ann.", once_per: event, updates: true, expires: 2026-12-31}
lists: {x: [a, b]}
rules:
  - {name: plain, query: $x}
  - {name: own, query: kim, severity: low, channels: [archive], tags: [], updates: false, expires: 2027-02-01T12:00:00+01:00}
  - {name: empty, query: kim, severity: , note: }
`), "r.yaml")
	if err != nil || len(list) != 3 {
		t.Fatal(err)
	}
	all := Rule{Channels: []string{"desk"}, Severity: "critical", Tags: []string{"dprk"}, Languages: []string{"ko"}, Sites: []string{"yna.co.kr"}, Note: "Ask Ann.",
		OncePer: "event", Updates: Updates{Versions: true}, Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	own := all
	own.Channels, own.Severity, own.Tags, own.Updates, own.Expires = []string{"archive"}, "low", nil, Updates{}, time.Date(2027, 2, 1, 11, 0, 0, 0, time.UTC)
	for i, want := range []Rule{all, own, all} {
		got := list[i]
		if got.ChannelsAt == nil || got.ChannelsAt[0].Line != map[bool]int{true: 6, false: 2}[i == 1] {
			t.Errorf("%s: channels at %v", got.Name, got.ChannelsAt)
		}
		got.Name, got.Query, got.Lists, got.Origin, got.ChannelsAt, got.lines = "", "", nil, Place{}, nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("rule %d:\n%+v, want\n%+v", i, got, want)
		}
	}
}

// What is wrong with the keys of a file, of defaults and of tests is told with its place and what to write.
func TestKeysAreTold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"- {name: a, query: b, sites: ['https://bbc.co.uk/news', b.example]}", `1:31: sites takes hosts, each with its subdomains, and no addresses: write bbc.co.uk, not "https://bbc.co.uk/news"`},
		{"- {name: a, query: b, sites: 'www.bbc.co.uk/news'}", `1:30: sites takes hosts, each with its subdomains, and no addresses: write bbc.co.uk, not "www.bbc.co.uk/news"`},
		{"- {name: a, query: b, sites: ['*']}", `1:31: sites takes hosts, each with its subdomains, and no addresses: write bbc.co.uk, not "*"`},
		{"- {name: a, query: b, languages: [ko, english]}", `1:39: languages takes a language tag, not the language's name: write ko, or pt-br, not "english"`},
		{"- {name: a, query: b, languages: eng}", `1:34: languages takes the short tag of a language: write en, not "eng"`},
		{"- {name: a, query: b, languages: pt_BR}", `1:34: languages takes a language tag: write pt-br, not "pt_BR"`},
		{"- {name: a, query: b, severity: urgent}", `1:33: severity must be low, medium, high or critical, not "urgent"`},
		{"- {name: a, query: b, severity: [high]}", `1:33: severity must be low, medium, high or critical, not a list`},
		{"- {name: a, query: b, expires: soon}", `1:32: expires must be a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z, not "soon"`},
		{"- {name: a, query: b, expires: 2026-02-30}", `1:32: expires must be a day`},
		{"- {name: a, query: b, until: 2026-02-20}", `1:23: unknown key "until" in a rule: write expires`},
		{"{defaults: {name: x}, rules: []}", `1:13: name is each rule's own: defaults may have channels, severity, tags, languages, sites, note, once_per, updates, expires, digest, group and hours`},
		{"{defaults: {tag: x}, rules: []}", `1:13: unknown key "tag" in defaults: write tags`},
		{"{defaults: [x], rules: []}", `1:12: defaults must have keys of a rule, such as severity: high; this is a list`},
		{"{default: {}, rules: []}", `1:2: unknown key "default": a rule file is a list of rules, or has the keys rules, lists and defaults`},
		{"- {name: a, query: b, tests: b}", `1:30: tests must be a list: write - match: a text, or - not: a text; this is "b"`},
		{"- {name: a, query: b, tests: [b]}", `1:31: a test says what it wants: write - match: a text, or - not: a text; this is "b"`},
		{"- {name: a, query: b, tests: [{title: b}]}", `1:31: a test without match or not: write - match: a text`},
		{"- {name: a, query: b, tests: [{match: b, not: c}]}", `1:42: match and not in one test: make two of it`},
		{"- {name: a, query: b, tests: [{match: }]}", `1:39: a test of an empty article`},
		{"- {name: a, query: b, tests: [{match: ''}]}", `a test of an empty article: write the text behind match`},
		{"- {name: a, query: b, tests: [{match: b, body: c}]}", `1:39: two bodies in one test: the text behind match is one, body: another`},
		{"- {name: a, query: b, tests: [{match: [b]}]}", `1:39: match must be a text, or an article with title, body and more, not a list`},
		{"- {name: a, query: b, tests: [{mach: b, not: c}]}", `1:32: unknown key "mach" in a test: write match`},
		{"- {name: a, query: b, tests: [{match: b, language: en}]}", `1:42: unknown key "language" in a test: write lang`},
		{"- {name: a, query: b, tests: [{match: {text: b}}]}", `1:40: unknown key "text" in a test's article: write body`},
	} {
		_, err := ParseFile([]byte(c.in), "r.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestTests(t *testing.T) {
	const file = `
- name: arms
  query: title:arms OR author:kim OR (shells NEAR/2 shipped)
  languages: [en]
  sites: [paper.example]
  tests:
    - match: Shells were shipped.
    - match: {title: Arms and the man}
    - {match: "", title: Arms, lang: en-GB, site: www.paper.example}
    - match: {author: [Kim Il], lang: en, url: "https://paper.example/1"}
    - not: Shells were sold, and then, later, shipped.
    - {not: Arms., lang: ko}
- name: one
  query: tin
  tests: {match: tin}
`
	compile := func(s string) *Set {
		t.Helper()
		list, err := ParseFile([]byte(s), "r.yaml")
		if err != nil {
			t.Fatal(err)
		}
		set, err := Compile(list)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	got := compile(strings.ReplaceAll(file, "sites: [paper.example]", "sites: []")).Test()
	if got != nil {
		t.Errorf("the tests hold, and are said to fail: %v", got)
	}
	// Without a site the first two are not of the paper.
	want := `r.yaml:7:14: rule "arms": a test that must match does not: "Shells were shipped."
  its query does, but the rule is limited to sites: paper.example; the article is of ""
  ✓ title:arms OR author:kim OR shells NEAR/2 shipped  1 of 3 hold
    ✗ title:arms  not in the title
    ✗ author:kim  not in the author
    ✓ shells NEAR/2 shipped  2 × body
      ✓ shells  in the body: Shells
      ✓ shipped  in the body: shipped
r.yaml:8:14: rule "arms": a test that must match does not: "Arms and the man"`
	if got := fmt.Sprint(compile(file).Test()); !strings.HasPrefix(got, want) || strings.Count(got, "r.yaml:") != 2 {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	got = compile("- {name: a, query: tin AND NOT foil, tests: [{not: Tin. " + strings.Repeat("And tin. ", 20) + "}, {match: tinfoil}, {match: tin foil}]}").Test()
	want = `r.yaml:1:52: rule "a": a test that must not match does: "Tin. And tin. And tin. And tin. And tin. And tin. And tin. And tin. And tin. An…"
  ✓ tin AND NOT foil  all 2 hold
    ✓ tin  21 × body: Tin, tin
    ✓ NOT foil  it is absent, as asked
      ✗ foil  not in title and body
r.yaml:1:248: rule "a": a test that must match does not: "tinfoil"
  ✗ tin AND NOT foil  1 of 2 hold
    ✗ tin  not in title and body
    ✓ NOT foil  it is absent, as asked
      ✗ foil  not in title and body
r.yaml:1:266: rule "a": a test that must match does not: "tin foil"
  ✗ tin AND NOT foil  1 of 2 hold
    ✓ tin  in the body: tin
    ✗ NOT foil  it is there, and must not be
      ✓ foil  in the body: foil`
	if got := fmt.Sprint(got); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
