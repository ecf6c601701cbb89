package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A Test is an article that a rule must match, or must not, as its author wrote it beside the rule.
type Test struct {
	Doc Doc
	Not bool  // it must not match
	At  Place // where it stands
}

// docKeys are what a test may say of its article. Read only.
var docKeys = []key[Doc]{
	{name: "title", doc: "The headline.", also: "headline", value: textValue(func(d *Doc) *string { return &d.Title })},
	{name: "body", doc: "The text; paragraphs are parted by blank lines.", also: "text content", value: textValue(func(d *Doc) *string { return &d.Body })},
	{name: "lang", doc: "The language, such as ko or pt-BR.", also: "language languages", value: textValue(func(d *Doc) *string { return &d.Lang })},
	{name: "site", doc: "The host.", also: "host sites domain", value: textValue(func(d *Doc) *string { return &d.Site })},
	{name: "url", doc: "The address.", also: "link", value: textValue(func(d *Doc) *string { return &d.URL })},
	{name: "feed", doc: "The name of the feed.", value: textValue(func(d *Doc) *string { return &d.Feed })},
	{name: "agency", doc: "The wire agency.", value: textValue(func(d *Doc) *string { return &d.Agency })},
	{name: "author", doc: "Who signs it.", also: "authors by byline", value: listValue(func(d *Doc) *[]string { return &d.Authors })},
	{name: "tags", doc: "Its tags.", also: "tag", value: listValue(func(d *Doc) *[]string { return &d.Tags })},
}

const testForm = "write - match: a text, or - not: a text"

// readTests reads the tests of a rule: each has the key match or the key not, behind it the body or the keys of an article, and may have
// those keys beside it too.
func readTests(r *reader, x *Rule, key, v *yaml.Node) {
	list := v.Content
	switch v.Kind {
	case yaml.SequenceNode:
	case yaml.MappingNode:
		list = []*yaml.Node{v}
	default:
		r.fail(v, "tests must be a list: %s; this is %s", testForm, kind(v))
		return
	}
	for _, n := range list {
		before := len(r.errs)
		if t := r.test(resolve(n)); len(r.errs) == before {
			x.Tests = append(x.Tests, t)
		}
	}
}

func (r *reader) test(n *yaml.Node) (t Test) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a test says what it wants: %s; this is %s", testForm, kind(n))
		return t
	}
	which := ""
	readKeys(r, docKeys, n, "this test", &t.Doc, func(k string) string {
		switch {
		case k != "match" && k != "not":
			return fmt.Sprintf("unknown key %q in a test: %s", k, meant(slices.Concat([]key[Doc]{{name: "match"}}, docKeys, []key[Doc]{{name: "not"}}), k))
		case which != "":
			return "match and not in one test: make two of it"
		}
		which = k
		return ""
	})
	v := valueOf(n, which)
	if v == nil {
		r.fail(n, "a test without match or not: %s", testForm)
		return t
	}
	t.Not, t.At = which == "not", r.at(v)
	switch body := t.Doc.Body; {
	case v.Kind == yaml.MappingNode:
		readKeys(r, docKeys, v, "this test", &t.Doc, func(k string) string {
			return fmt.Sprintf("unknown key %q in a test's article: %s", k, meant(docKeys, k))
		})
	case v.Kind == yaml.ScalarNode && body != "":
		if v.Value != "" {
			r.fail(v, "two bodies in one test: the text behind %s is one, body: another", which)
		}
	case v.Kind == yaml.ScalarNode:
		t.Doc.Body = v.Value
	default:
		r.fail(v, "%s must be a text, or an article with title, body and more, not %s", which, kind(v))
	}
	if d := &t.Doc; d.Title+d.Body+d.Lang+d.Site+d.URL+d.Feed+d.Agency == "" && len(d.Authors) == 0 && len(d.Tags) == 0 {
		r.fail(v, "a test of an empty article: write the text behind %s", which)
	}
	return t
}

// Test runs the tests of the rules. The error is Mistakes, one for each test that fails, with what Explain says of its article.
func (s *Set) Test() error {
	var bad Mistakes
	for i := range s.rules {
		x := &s.rules[i].rule
		for _, t := range x.Tests {
			if s.matches(x.Name, &t.Doc) == t.Not {
				bad = append(bad, Mistake{t.At, fmt.Sprintf("rule %q: %s", x.Name, x.fails(t))})
			}
		}
	}
	if bad != nil {
		return bad
	}
	return nil
}

func (s *Set) matches(rule string, d *Doc) bool {
	return slices.ContainsFunc(s.Match(d), func(h Hit) bool { return h.Rule == rule })
}

// fails says of a test that fails what it wanted, and why it is otherwise.
func (x *Rule) fails(t Test) string {
	what := "a test that must match does not"
	if t.Not {
		what = "a test that must not match does"
	}
	lines := []string{what + ": " + beginning(t.Doc.Title, t.Doc.Body)}
	q, err := ParseWith(x.Query, x.Lists)
	if err != nil {
		return lines[0] // the rule is compiled: its query can be read
	}
	e, err := Explain(q, &t.Doc)
	if err != nil {
		return lines[0] + ": " + err.Error()
	}
	if e.Held && !t.Not {
		lines = append(lines, "  its query does, but the rule is limited to "+x.Limit(&t.Doc))
	}
	e.Each(func(depth int, e *Explanation) {
		lines = append(lines, strings.Repeat("  ", depth+1)+e.Line())
	})
	return strings.Join(lines, "\n")
}

// beginning is the beginning of an article in quotes, on one line.
func beginning(title, body string) string {
	s := strings.Join(strings.Fields(title+" "+body), " ")
	if utf8.RuneCountInString(s) > 80 {
		s = string([]rune(s)[:79]) + "…"
	}
	return `"` + s + `"`
}
