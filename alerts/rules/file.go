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

// ParseFile reads a rule file: a YAML list of rules, or a mapping whose key `rules` holds one and whose key `lists` holds the
// Lists that they name. name is the file's name, for
// messages. The error joins everything that is wrong, each with file:line:column. Queries are read by Compile.
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
	return ParseNode(&doc, name)
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

// ParseNode is ParseFile for rules that stand inside another YAML file; n is the list, or a mapping with `rules`.
func ParseNode(n *yaml.Node, name string) ([]Rule, error) {
	r := &reader{name: name, names: map[string]int{}}
	n = resolve(n)
	if n.Kind == yaml.DocumentNode {
		if len(n.Content) == 0 {
			return nil, nil
		}
		n = resolve(n.Content[0])
	}
	var lists Lists
	if n.Kind == yaml.MappingNode {
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
			if r.errs == nil {
				r.fail(n, "no key rules: write rules: and the list under it")
			}
			return nil, errors.Join(r.errs...)
		}
		n = list
	}
	var rules []Rule
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
	if r.errs != nil {
		return nil, errors.Join(r.errs...)
	}
	for i := range rules {
		rules[i].Lists = lists
	}
	return rules, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// A Mistake is something wrong in a rule file, and where.
type Mistake struct {
	File      string
	Line, Col int // from 1
	Msg       string
}

func (m *Mistake) Error() string { return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Col, m.Msg) }

type reader struct {
	name  string
	names map[string]int // rule name -> line
	errs  []error
}

func (r *reader) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", r.name, n.Line, n.Column) }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, &Mistake{r.name, n.Line, n.Column, fmt.Sprintf(format, args...)})
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

// oncePer are the things that a rule can be told once of. Read only.
var oncePer = []string{"article", "story", "event"}

func (r *reader) rule(n *yaml.Node) (Rule, bool) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a rule must have keys: name, query and more; this is %s", kind(n))
		return Rule{}, false
	}
	before := len(r.errs)
	var x Rule
	var nameAt *yaml.Node
	r.pairs(n, "this rule", func(key, v *yaml.Node) {
		switch key.Value {
		case "name":
			x.Name, nameAt = strings.TrimSpace(r.str(key, v)), v
		case "query":
			x.Query, x.Origin = r.str(key, v), r.at(v)
		case "channels":
			x.Channels = r.list(key, v)
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
			x.Updates = r.yes(key, v)
		case "once_per":
			if x.OncePer = r.str(key, v); !slices.Contains(oncePer, x.OncePer) {
				r.fail(v, "once_per must be article, story or event, not %s", kind(v))
			}
		default:
			if slices.Contains(laterKeys, key.Value) {
				r.fail(key, "not supported yet: %q", key.Value)
				return
			}
			hint := "known are " + strings.Join(ruleKeys, ", ")
			for _, k := range ruleKeys {
				if edits(key.Value, k) <= 2 {
					hint = "write " + k
				}
			}
			r.fail(key, "unknown key %q in a rule: %s", key.Value, hint)
		}
	})
	if len(r.errs) > before {
		return x, false
	}
	switch {
	case x.Name == "":
		r.fail(n, "a rule without a name: add name:, which tells its alerts apart")
	case r.names[x.Name] > 0:
		r.fail(nameAt, "the name %q is taken by the rule in line %d", x.Name, r.names[x.Name])
	case strings.TrimSpace(x.Query) == "":
		r.fail(n, "rule %q has no query: add query: and what to look for", x.Name)
	}
	if nameAt != nil && r.names[x.Name] == 0 {
		r.names[x.Name] = nameAt.Line
	}
	return x, len(r.errs) == before
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
	switch {
	case v.Kind == yaml.SequenceNode:
		var out []string
		for _, x := range v.Content {
			if s := r.str(key, resolve(x)); s != "" {
				out = append(out, s)
			}
		}
		return out
	case v.Kind == yaml.ScalarNode && v.Tag != "!!null":
		return []string{v.Value}
	}
	r.fail(v, "%s must be a list, such as [a, b], not %s", key.Value, kind(v))
	return nil
}
