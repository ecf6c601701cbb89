package configs

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Rule is a rule as it is written; its query is not parsed here.
type Rule struct {
	Name      string   `yaml:"name,required" also:"title,id"` // unique; a rule is its name
	Query     string   `yaml:"query,required" also:"match,expression,expr,search,keywords"`
	Channels  []string `yaml:"channels" also:"channel,notify,to"` // empty: every channel
	Severity  string   `yaml:"severity" also:"priority,level"`
	Tags      []string `yaml:"tags" also:"tag,labels"`
	Languages []string `yaml:"languages" also:"language,lang"`
	Sites     []string `yaml:"sites" also:"site,domains,hosts"`
	Note      string   `yaml:"note" also:"comment,description"`
	OncePer   string   `yaml:"once_per" also:"once,per"`       // article, story or event; "": story
	Updates   bool     `yaml:"updates" also:"update,versions"` // tell also what later versions of an article change

	Pos      Pos  `yaml:"-"` // of the rule
	QueryPos Pos  `yaml:"-"` // of the query's first character, so that an error inside it can be shown where it stands
	Node     Node `yaml:"-"` // the rule as written, for who decodes it again
	Lists    Node `yaml:"-"` // the lists of terms that its query may name: those of the file it stands in

	channels []Pos
}

// Rules are written as a list of rules, of {file: path} and of {files: [path, …]}; or, when there are only files, as
// {files: […]}. Paths may have * in them. A rule file is a list of rules, or {rules: [a list of rules], lists: {…}}; in it
// nothing is expanded and no other file's lists are known, so that it means the same to every verb.
type Rules []Rule

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
		for i, c := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			if c.Kind == yaml.AliasNode && c.Alias != nil {
				c = c.Alias
			}
			if c.Kind == yaml.MappingNode && (hasKey(c, "file") || hasKey(c, "files")) {
				r.files(d, c, at)
				continue
			}
			r.one(d, c, at)
		}
	default:
		d.fail(n, path, "", "wants a list of rules, or {files: [a list of paths]}; this is %s", is(n))
	}
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// one decodes a rule.
func (r *Rules) one(d *decoder, n *yaml.Node, path string) {
	if isNull(n) {
		d.fail(n, path, "write it, or take the dash away", "this entry is empty")
		return
	}
	rule := Rule{Node: Node{n, d.scope, d.lines, path}}
	d.value(n, reflectElem(&rule), path)
	if q := d.where[path+".query"]; q != nil {
		rule.QueryPos = d.inside(q)
	}
	for i := range rule.Channels {
		rule.channels = append(rule.channels, d.pos(d.at(fmt.Sprintf("%s.channels[%d]", path, i))))
	}
	*r = append(*r, rule)
}

// inside is where a scalar's text begins: behind the quote, or in the line below | and >.
func (d *decoder) inside(n *yaml.Node) Pos {
	p := d.pos(n)
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		p.Col++
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for i := n.Line; i < len(d.lines); i++ {
			if t := strings.TrimLeft(d.lines[i], " "); strings.TrimSpace(t) != "" {
				return Pos{d.file, i + 1, utf8.RuneCountInString(d.lines[i]) - utf8.RuneCountInString(t) + 1}
			}
		}
	}
	return p
}

// files reads the rule files that n names.
func (r *Rules) files(d *decoder, n *yaml.Node, path string) {
	var s sources
	d.value(n, reflect.ValueOf(&s).Elem(), path)
	if s.File != "" {
		r.file(d, path+".file", s.File)
	}
	for i, f := range s.Files {
		r.file(d, fmt.Sprintf("%s.files[%d]", path, i), f)
	}
}

// file reads the rule files that one pattern names.
func (r *Rules) file(d *decoder, path, pattern string) {
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
		data, err := d.read(name)
		if err != nil {
			d.fail(n, path, "", "%s", cause(err))
			continue
		}
		f := newDecoder(scope{file: name, dir: filepath.Dir(name), read: d.read, plain: true}, data)
		f.errs = d.errs
		root := f.document(data)
		if root == nil {
			continue
		}
		var lists Node
		if root.Kind == yaml.MappingNode && len(root.Content) > 0 {
			var w struct {
				Rules Node `yaml:"rules,required"`
				Lists Node `yaml:"lists"`
			}
			f.value(root, reflect.ValueOf(&w).Elem(), "")
			lists = w.Lists
			if root = w.Rules.n; root == nil || isNull(root) {
				continue
			}
		}
		switch root.Kind {
		case yaml.SequenceNode:
			for i, c := range root.Content {
				from := len(*r)
				r.one(f, c, fmt.Sprintf("rules[%d]", i))
				for k := range (*r)[from:] {
					(*r)[from+k].Lists = lists
				}
			}
		case yaml.MappingNode: // an empty file
		default:
			f.fail(root, "", "", "wants a list of rules; this is %s", is(root))
		}
	}
}
