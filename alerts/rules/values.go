package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A value is what may stand behind a key: how it is read into a T, and how JSON Schema says the same to an editor.
type value[T any] struct {
	read   func(r *reader, x *T, key, v *yaml.Node)
	schema schema
}

// textValue is a value of text.
func textValue[T any](to func(*T) *string) value[T] {
	return value[T]{func(r *reader, x *T, key, v *yaml.Node) { *to(x) = r.str(key, v) }, textSchema()}
}

// listValue is a list of texts, or a single one.
func listValue[T any](to func(*T) *[]string) value[T] {
	return value[T]{func(r *reader, x *T, key, v *yaml.Node) { *to(x) = r.list(key, v) }, listSchema()}
}

// choiceValue is one of words.
func choiceValue[T any](to func(*T) *string, words ...string) value[T] {
	known := []any{nil}
	for _, w := range words {
		known = append(known, w)
	}
	return value[T]{func(r *reader, x *T, key, v *yaml.Node) { *to(x) = r.choice(key, v, words) }, schema{"enum": known}}
}

// dayValue is a day, which is taken whole, or a moment; what is kept is when it is over.
func dayValue[T any](to func(*T) *time.Time) value[T] {
	return value[T]{func(r *reader, x *T, key, v *yaml.Node) { *to(x) = r.day(key, v) },
		schema{"type": []string{"string", "null"}, "pattern": `^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$`}}
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
	if n.ShortTag() == "!!str" {
		return strconv.Quote(n.Value)
	}
	return n.Value
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

// places is list with the place of each value.
func (r *reader) places(key, v *yaml.Node) ([]string, []Place) { return r.placed(key, v, r.at) }

// texts is list with the place where the text of each begins.
func (r *reader) texts(key, v *yaml.Node) ([]string, []Place) { return r.placed(key, v, r.inside) }

func (r *reader) placed(key, v *yaml.Node, place func(*yaml.Node) Place) (out []string, at []Place) {
	switch {
	case v.Kind == yaml.SequenceNode:
		for _, x := range v.Content {
			x = resolve(x)
			if s := r.str(key, x); s != "" {
				out, at = append(out, s), append(at, place(x))
			}
		}
		return out, at
	case v.Kind == yaml.ScalarNode && v.Tag != "!!null":
		return []string{v.Value}, []Place{place(v)}
	}
	r.fail(v, "%s must be a list, such as [a, b], not %s", key.Value, kind(v))
	return nil, nil
}

// choice reads one of words.
func (r *reader) choice(key, v *yaml.Node, words []string) string {
	if v.Kind == yaml.ScalarNode && slices.Contains(words, v.Value) {
		return v.Value
	}
	last := len(words) - 1
	r.fail(v, "%s must be %s or %s, not %s", key.Value, strings.Join(words[:last], ", "), words[last], kind(v))
	return ""
}

// day reads a day or a moment as the moment when it is over.
func (r *reader) day(key, v *yaml.Node) time.Time {
	if v.Kind == yaml.ScalarNode {
		if t, err := time.Parse(time.DateOnly, v.Value); err == nil {
			return t.AddDate(0, 0, 1)
		}
		if t, err := time.Parse(time.RFC3339, v.Value); err == nil {
			return t.UTC()
		}
	}
	r.fail(v, "%s must be a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z, not %s", key.Value, kind(v))
	return time.Time{}
}

// quietValue is a key that says how the rule is told: it is handed on unread, beside the others.
func quietValue(s schema) value[Rule] {
	return value[Rule]{func(r *reader, x *Rule, key, v *yaml.Node) {
		all := yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: key.Line, Column: key.Column}
		if x.Quiet != nil { // a rule's own word takes the place of the file's, whose node is not the rule's to change
			for i := 0; i+1 < len(x.Quiet.Content); i += 2 {
				if x.Quiet.Content[i].Value != key.Value {
					all.Content = append(all.Content, x.Quiet.Content[i], x.Quiet.Content[i+1])
				}
			}
		}
		all.Content = append(all.Content, key, v)
		x.Quiet = &all
	}, s}
}
