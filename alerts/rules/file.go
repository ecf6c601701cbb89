package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Source is YAML that holds rules: a rule file, or the part of another file where rules stand.
type Source struct {
	Name string     // the file, for messages
	Text string     // the whole file, to find the place inside a query that a mistake is about; may be empty
	Node *yaml.Node // a list of rules, or a mapping whose key `rules` holds one, and whose key `lists` the Lists that they name

	Lists *yaml.Node // the lists, where they stand apart from the rules; nil: nowhere
}

// ParseFile reads a rule file: a YAML list of rules, or a mapping whose key `rules` holds one and whose
// key `lists` holds the Lists that they name. name is the file's name, for messages. The error names everything that is wrong, each with file:line:column. Queries are read by Compile.
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
		if r.Source, r.lines, r.badLists = s, nil, false; s.Text != "" {
			r.lines = strings.Split(s.Text, "\n")
		}
		rules = append(rules, r.rules(s.Node)...)
	}
	if r.errs != nil {
		return rules, r.errs
	}
	return rules, nil
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
			default:
				r.fail(key, "unknown key %q: a rule file is a list of rules, or has the keys rules and lists", key.Value)
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
			if x, ok := r.rule(resolve(x)); ok {
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

// ruleKeys are the keys of a rule; laterKeys are those that the language promises and this version lacks. Both are read only.
var (
	ruleKeys  = []string{"name", "query", "channels", "severity", "tags", "languages", "sites", "note", "once_per", "updates"}
	laterKeys = []string{"when", "digest", "silence", "schedule", "active", "expires", "tests"}
)

// otherWords are what people write when they mean a key. Read only.
var otherWords = map[string]string{
	"title": "name", "id": "name",
	"match": "query", "expression": "query", "expr": "query", "search": "query", "keywords": "query",
	"notify": "channels", "to": "channels",
	"priority": "severity", "level": "severity",
	"labels":   "tags",
	"language": "languages", "lang": "languages",
	"domains": "sites", "hosts": "sites",
	"comment": "note", "description": "note",
	"once": "once_per", "per": "once_per",
	"versions": "updates",
}

// oncePer are the things that a rule can be told once of. Read only.
var oncePer = []string{"article", "story", "event"}

// rule reads one rule. It says whether that has a name of its own and a query to look at, whatever else is wrong.
func (r *reader) rule(n *yaml.Node) (Rule, bool) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a rule must have keys: name, query and more; this is %s", kind(n))
		return Rule{}, false
	}
	before := len(r.errs)
	x := Rule{lines: r.lines}
	var nameAt *yaml.Node
	r.pairs(n, "this rule", func(key, v *yaml.Node) {
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			return // a key with nothing behind it is one that is not there
		}
		switch key.Value {
		case "name":
			x.Name, nameAt = strings.TrimSpace(r.str(key, v)), v
		case "query":
			x.Query, x.Origin = r.str(key, v), r.inside(v)
		case "channels":
			x.Channels, x.ChannelsAt = r.places(key, v)
		case "severity":
			x.Severity = r.str(key, v)
		case "tags":
			x.Tags = r.list(key, v)
		case "languages":
			x.Languages = r.list(key, v)
		case "sites":
			x.Sites = r.list(key, v)
		case "note":
			x.Note = r.str(key, v)
		case "updates":
			x.Updates = r.updates(key, v)
		case "once_per":
			if x.OncePer = r.str(key, v); !slices.Contains(oncePer, x.OncePer) {
				r.fail(v, "once_per must be article, story or event, not %s", kind(v))
			}
		default:
			if slices.Contains(laterKeys, key.Value) {
				r.fail(key, "not supported yet: %q", key.Value)
				return
			}
			r.fail(key, "unknown key %q in a rule: %s", key.Value, meant(key.Value))
		}
	})
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

// meant is what to write instead of a key that there is not.
func meant(key string) string {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	if k := otherWords[key]; k != "" {
		return "write " + k
	}
	for _, k := range ruleKeys {
		if edits(key, k) <= 2 {
			return "write " + k
		}
	}
	return "known are " + strings.Join(ruleKeys, ", ")
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strings.TrimPrefix(strings.TrimPrefix(n.ShortTag(), "!!"), "!") + " " + strconv.Quote(n.Value)
}

// str reads text. A number, date or yes that was typed as a word is that word: YAML's guess is nobody's wish here.
func (r *reader) str(key, v *yaml.Node) string {
	if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
		r.fail(v, "%s must be text, not %s", key.Value, kind(v))
		return ""
	}
	return v.Value
}

// yes reads true or false.
func (r *reader) yes(key, v *yaml.Node) bool {
	if v.Kind != yaml.ScalarNode || v.Value != "true" && v.Value != "false" {
		r.fail(v, "%s must be true or false, not %s", key.Value, kind(v))
		return false
	}
	return v.Value == "true"
}

// list reads a list of texts; a single text is a list of one.
func (r *reader) list(key, v *yaml.Node) []string {
	out, _ := r.places(key, v)
	return out
}

// places is list with the place of each text.
func (r *reader) places(key, v *yaml.Node) (out []string, at []Place) {
	switch {
	case v.Kind == yaml.SequenceNode:
		for _, x := range v.Content {
			x = resolve(x)
			if s := r.str(key, x); s != "" {
				out, at = append(out, s), append(at, r.at(x))
			}
		}
		return out, at
	case v.Kind == yaml.ScalarNode && v.Tag != "!!null":
		return []string{v.Value}, []Place{r.at(v)}
	}
	r.fail(v, "%s must be a list, such as [a, b], not %s", key.Value, kind(v))
	return nil, nil
}
