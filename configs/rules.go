package configs

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rules are the rules as they are written, unread: whoever matches them knows their keys. Each Node is a list of rules, or a
// mapping that holds one: a rule file, or what stands in the configuration itself between two of them.
//
// They are written as a list of rules, of {file: path} and of {files: [path, …]}; or, when there are only files, as
// {files: […]}. Paths may have * in them. In a rule file no variable is put in, so that it means the same to every verb.
type Rules []Node

// LoadRules reads one rule file, as `rules: {file: path}` would.
func LoadRules(path string) (Rules, error) {
	d := newDecoder(scope{file: path, dir: filepath.Dir(path), read: readFile}, nil)
	var r Rules
	if err := r.file(d, path); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return r, d.err()
}

// sources is an entry that names rule files.
type sources struct {
	File  string   `yaml:"file" also:"path,include"`
	Files []string `yaml:"files" also:"paths"`
}

func (r *Rules) decode(d *decoder, n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		r.files(d, n, path)
	case yaml.SequenceNode:
		inline := &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Column: n.Column}
		flush := func() {
			if len(inline.Content) > 0 {
				*r = append(*r, Node{inline, d.scope, d.lines, ""})
				inline = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Column: n.Column}
			}
		}
		for i, c := range n.Content {
			if c.Kind == yaml.AliasNode && c.Alias != nil {
				c = c.Alias
			}
			if c.Kind == yaml.MappingNode && (hasKey(c, "file") || hasKey(c, "files")) {
				flush()
				r.files(d, c, fmt.Sprintf("%s[%d]", path, i))
				continue
			}
			inline.Content = append(inline.Content, c)
		}
		flush()
	default:
		d.fail(n, path, "", "wants a list of rules, or {files: [a list of paths]}; this is %s", is(n))
	}
}

func hasKey(n *yaml.Node, key string) bool {
	_, v := child(n, key)
	return v != nil
}

// files takes the rule files that n names.
func (r *Rules) files(d *decoder, n *yaml.Node, path string) {
	var s sources
	d.value(n, reflect.ValueOf(&s).Elem(), path)
	if s.File != "" {
		r.glob(d, path+".file", s.File)
	}
	for i, f := range s.Files {
		r.glob(d, fmt.Sprintf("%s.files[%d]", path, i), f)
	}
}

// glob takes the rule files that one pattern names.
func (r *Rules) glob(d *decoder, path, pattern string) {
	n := d.at(path)
	names := []string{d.rel(pattern)}
	if strings.ContainsAny(pattern, "*?[") {
		found, err := filepath.Glob(d.rel(pattern))
		if err != nil || len(found) == 0 {
			d.fail(n, path, "", "no file is named like `%s`", pattern)
			return
		}
		names = found
	}
	for _, name := range names {
		if err := r.file(d, name); err != nil {
			d.fail(n, path, "", "%s", cause(err))
		}
	}
}

// file takes one rule file; d notes what is no YAML in it, the error is that it cannot be read.
func (r *Rules) file(d *decoder, name string) error {
	data, err := d.read(name)
	if err != nil {
		return err
	}
	f := newDecoder(scope{file: name, dir: filepath.Dir(name), read: d.read, plain: true}, data)
	f.errs = d.errs
	root := f.document(data)
	if root == nil || root.Kind == yaml.MappingNode && len(root.Content) == 0 { // an empty file
		return nil
	}
	*r = append(*r, Node{root, f.scope, f.lines, ""})
	return nil
}
