package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Source is YAML that holds rules: a rule file, or the part of another file where rules stand.
type Source struct {
	Name string     // the file, for messages
	Text string     // the whole file, to find the place inside a query that a mistake is about; may be empty
	Node *yaml.Node // a list of rules, or a mapping with the keys of fileKeys

	Lists *yaml.Node // the lists, where they stand apart from the rules; nil: nowhere
}

// ParseFile reads a rule file: a YAML list of rules, or a mapping whose key `rules` holds one, whose key `lists` holds the Lists that they
// name, and whose key `defaults` what holds for the rules that do not say otherwise. name is the file's name, for messages. The error
// names everything that is wrong, each with file:line:column. Queries are read by Compile, tests are run by Set.Test.
func ParseFile(data []byte, name string) ([]Rule, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil // nothing but comments
	} else if err != nil {
		return nil, syntax(name, err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s:%d:%d: a second document: a rule file is one list", name, more.Line, more.Column)
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(name, err)
	}
	rules, err := ParseSources(Source{Name: name, Text: string(data), Node: &doc})
	if err != nil {
		return nil, err
	}
	return rules, nil
}

// syntax brings an error of the YAML library into the form of all others; it knows the line only.
func syntax(name string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if line, what, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:%s: not YAML: %s: put a query with quotes or colons in 'single quotes', or below |", name, line, what)
		}
	}
	return fmt.Errorf("%s: not YAML: %s", name, msg)
}

// ParseSources reads the rules of several files as one list, in which names are unique. The error is Mistakes; beside it
// stands what could be read, which serves to look for more mistakes, for nothing else.
func ParseSources(sources ...Source) ([]Rule, error) {
	r := &reader{names: map[string]Place{}}
	var rules []Rule
	for _, s := range sources {
		r.Source, r.lines, r.badLists = s, s.lines(), false
		rules = append(rules, r.rules(s.Node)...)
	}
	if r.errs != nil {
		return rules, r.errs
	}
	return rules, nil
}

// lines are those of the file; nil: its text is not known.
func (s Source) lines() []string {
	if s.Text == "" {
		return nil
	}
	return strings.Split(s.Text, "\n")
}

type reader struct {
	Source
	lines []string         // of Text
	names map[string]Place // of the rules so far
	errs  Mistakes

	badLists bool // of this source
}

// rules reads the rules of one source.
func (r *reader) rules(n *yaml.Node) (rules []Rule) {
	n = resolve(n)
	if n.Kind == yaml.DocumentNode {
		if len(n.Content) == 0 {
			return nil
		}
		n = resolve(n.Content[0])
	}
	var lists Lists
	var base Rule
	if r.Lists != nil {
		lists = r.lists(resolve(r.Lists))
	}
	if n.Kind == yaml.MappingNode {
		before := len(r.errs)
		list := (*yaml.Node)(nil)
		r.pairs(n, "the file", func(key, v *yaml.Node) {
			switch key.Value {
			case "rules":
				list = v
			case "lists":
				lists = r.lists(v)
			case "defaults":
				base = r.defaults(v)
			default:
				r.fail(key, "unknown key %q: a rule file is a list of rules, or has the keys %s", key.Value, names(fileKeys))
			}
		})
		if list == nil {
			if len(r.errs) == before {
				r.fail(n, "no key rules: write rules: and the list under it")
			}
			return nil
		}
		n = list
	}
	switch {
	case n.Kind == yaml.SequenceNode:
		for _, x := range n.Content {
			if x, ok := r.rule(resolve(x), base); ok {
				rules = append(rules, x)
			}
		}
	case n.Kind == 0 || n.Tag == "!!null":
	default:
		r.fail(n, "rules must be a list: each rule begins with - name:")
	}
	if r.badLists { // what follows from the lists' mistakes would only hide them
		return nil
	}
	for i := range rules {
		rules[i].Lists = lists
	}
	return rules
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (r *reader) at(n *yaml.Node) Place { return Place{r.Name, n.Line, n.Column} }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, Mistake{r.at(n), fmt.Sprintf(format, args...)})
}

// pairs calls f for each key of a mapping and refuses repeated keys.
func (r *reader) pairs(n *yaml.Node, what string, f func(key, v *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, ok := seen[key.Value]; ok {
			r.fail(key, "key %q again in %s: it stands in line %d already", key.Value, what, line)
			continue
		}
		seen[key.Value] = key.Line
		f(key, resolve(n.Content[i+1]))
	}
}

// rule reads one rule; base is what holds where it says nothing. It says whether the rule has a name of its own and a query to look at,
// whatever else is wrong.
func (r *reader) rule(n *yaml.Node, base Rule) (Rule, bool) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a rule must have keys: name, query and more; this is %s", kind(n))
		return Rule{}, false
	}
	before := len(r.errs)
	x := base
	x.lines = r.lines
	readKeys(r, ruleKeys, n, "this rule", &x, func(k string) string {
		return fmt.Sprintf("unknown key %q in a rule: %s", k, meant(ruleKeys, k))
	})
	if x.When != nil {
		r.besideWhen(n, x.When.Of)
	}
	x.Name = strings.TrimSpace(x.Name)
	if x.Severity == "" {
		x.Severity = DefaultSeverity
	}
	nameAt := valueOf(n, "name")
	first, taken := r.names[x.Name]
	if len(r.errs) == before {
		switch {
		case x.Name == "":
			r.fail(n, "a rule without a name: add name:, which tells its alerts apart")
		case taken:
			r.fail(nameAt, "the name %q is taken by the rule at %s:%d", x.Name, first.File, first.Line)
		case strings.TrimSpace(x.Query) == "":
			r.fail(n, "rule %q has no query: add query: and what to look for", x.Name)
		}
	}
	if x.Name == "" || taken {
		return x, false
	}
	r.names[x.Name] = r.at(nameAt)
	return x, strings.TrimSpace(x.Query) != ""
}

// defaults reads what holds for the rules of a file that do not say otherwise.
func (r *reader) defaults(n *yaml.Node) (x Rule) {
	if n.Tag == "!!null" {
		return x
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "defaults must have keys of a rule, such as severity: high; this is %s", kind(n))
		return x
	}
	shared := sharedKeys()
	readKeys(r, shared, n, "defaults", &x, func(k string) string {
		if indexOf(ruleKeys, k) >= 0 {
			return fmt.Sprintf("%s is each rule's own: defaults may have %s", k, names(shared))
		}
		return fmt.Sprintf("unknown key %q in defaults: %s", k, meant(shared, k))
	})
	return x
}

func readQuery(r *reader, x *Rule, key, v *yaml.Node) { x.Query, x.Origin = r.str(key, v), r.inside(v) }

func readChannels(r *reader, x *Rule, key, v *yaml.Node) { x.Channels, x.ChannelsAt = r.places(key, v) }

// valueOf is what stands behind a key of a mapping; nil: there is no such key.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}
