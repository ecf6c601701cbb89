package configs

import (
	"encoding"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline"
)

// scope is what a file's values mean something in.
type scope struct {
	file  string // as errors name it
	dir   string // what relative paths are relative to
	env   func(string) (string, bool)
	read  func(string) ([]byte, error)
	plain bool // no ${VAR} and no KEY_file: a rule file means the same wherever it is read
}

// decoder fills Go values from a YAML tree and collects what is wrong instead of stopping at it.
//
// Struct fields are named by the tag yaml:"key", or by the field's name in lower case; yaml:",required" must be there,
// yaml:",inline" spreads a struct's fields, yaml:",rest" on a Node takes all keys that no other field takes. The tag
// oneof:"a b" lists the allowed values, also:"x,y" what people write when they mean the key. A field of type Pos is set
// to the mapping's place. Absent keys and nulls leave a field as it was.
type decoder struct {
	scope
	lines []string
	errs  *Errors
	where map[string]*yaml.Node // by path: the value that stands there
	left  int                   // nodes still to be visited: bounds what aliases multiply
	depth int
	top   bool // the root may hold x-… keys, a place for anchors
}

// A decodable is a type with a form of its own.
type decodable interface {
	decode(d *decoder, n *yaml.Node, path string)
}

// Node is a part of the configuration that is handed on unread to the code that knows its keys.
type Node struct {
	n     *yaml.Node
	s     scope
	lines []string
	path  string
}

// Decode fills v, a pointer to a struct, as strictly as the rest of the configuration; the error is Errors. The zero
// Node is an empty mapping.
func (n Node) Decode(v any) error {
	d, y := n.decoder()
	d.value(y, reflectElem(v), n.path)
	return d.err()
}

// YAML is the node as a plain tree, for code with a reader of its own: aliases and merge keys are resolved, variables and what
// KEY_file names put in, and every node keeps its place. The error is Errors; beside it stands what could be read.
func (n Node) YAML() (*yaml.Node, error) {
	d, y := n.decoder()
	return d.tree(y, n.path), d.err()
}

// IsZero reports whether there is no such node.
func (n Node) IsZero() bool { return n.n == nil }

// File is the name of the file that the node stands in, Text all of it.
func (n Node) File() string { return n.s.file }
func (n Node) Text() string { return strings.Join(n.lines, "\n") }

func (n Node) decoder() (*decoder, *yaml.Node) {
	y := n.n
	if y == nil {
		y = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	}
	return &decoder{scope: n.s, lines: n.lines, errs: new(Errors), where: map[string]*yaml.Node{}, left: budget(y)}, y
}

// Pos is where the value of key stands, or the whole node when there is no such key or key is "".
func (n Node) Pos(key string) Pos {
	if n.n == nil {
		return Pos{File: n.s.file, Line: 1, Col: 1}
	}
	if n.n.Kind == yaml.MappingNode && key != "" {
		for i := 0; i+1 < len(n.n.Content); i += 2 {
			if n.n.Content[i].Value == key {
				v := n.n.Content[i+1]
				return Pos{n.s.file, v.Line, v.Column}
			}
		}
	}
	return Pos{n.s.file, n.n.Line, n.n.Column}
}

// Rel is a path that stands in the node, against the folder of the config file.
func (n Node) Rel(path string) string { return (&decoder{scope: n.s}).rel(path) }

// At is where a line of the value of key stands, counted from 1: in the file itself, or in the one that KEY_file names. With line 0 it is
// Pos.
func (n Node) At(key string, line int) Pos {
	p := n.Pos(key)
	if n.n == nil || n.n.Kind != yaml.MappingNode || line < 1 {
		return p
	}
	for i := 0; i+1 < len(n.n.Content); i += 2 {
		switch v := n.n.Content[i+1]; n.n.Content[i].Value {
		case key + "_file":
			return Pos{n.Rel(v.Value), line, 1}
		case key:
			if v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				return Pos{p.File, p.Line + line, 1} // the text begins below the mark
			}
		}
	}
	return p
}

func reflectElem(v any) reflect.Value { return reflect.ValueOf(v).Elem() }

func newDecoder(s scope, data []byte) *decoder {
	return &decoder{scope: s, lines: strings.Split(string(data), "\n"), errs: new(Errors), where: map[string]*yaml.Node{}, left: spare}
}

// spare is how many nodes even the smallest file may come to through aliases.
const spare = 20_000

// budget allows each node to be used some times over by aliases, never without end.
func budget(n *yaml.Node) int {
	var count func(*yaml.Node) int
	count = func(n *yaml.Node) int {
		c := 1
		for _, k := range n.Content {
			c += count(k)
		}
		return c
	}
	return spare + 10*count(n)
}

func (d *decoder) err() error {
	if len(*d.errs) == 0 {
		return nil
	}
	return d.errs.sorted(d.file)
}

func (d *decoder) fail(n *yaml.Node, path, hint, format string, args ...any) {
	d.add(d.pos(n).Errorf(path, hint, format, args...))
}

// most is how many mistakes are listed: nobody repairs more in one go, and a file that is no config at all has them in
// every line.
const most = 200

func (d *decoder) add(e Error) {
	switch {
	case len(*d.errs) < most:
		*d.errs = append(*d.errs, e)
	case len(*d.errs) == most:
		e.Msg, e.Hint, e.Path = fmt.Sprintf("there are more than %d mistakes; the rest is not listed", most), "", ""
		*d.errs = append(*d.errs, e)
	}
}

func (d *decoder) pos(n *yaml.Node) Pos { return Pos{d.file, max(1, n.Line), max(1, n.Column)} }

// at gives the value at path, else at the nearest place above it.
func (d *decoder) at(path string) *yaml.Node {
	for {
		if n := d.where[path]; n != nil {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	if n := d.where[""]; n != nil {
		return n
	}
	return &yaml.Node{Line: 1, Column: 1}
}

// document parses the one document of a file; nil means that the error is noted.
func (d *decoder) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := safely(func() error { return dec.Decode(&doc) }); err != nil {
		if err.Error() == "EOF" {
			return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
		}
		d.syntax(err)
		return nil
	}
	if err := safely(func() error { return dec.Decode(&more) }); err == nil {
		d.fail(&more, "", "put everything into one, without ---", "a second YAML document begins here")
		return nil
	} else if err.Error() != "EOF" {
		d.syntax(err)
		return nil
	}
	if len(doc.Content) != 1 {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	}
	root := doc.Content[0]
	d.left = budget(root)
	return root
}

// safely turns a panic of the YAML parser into an error: a config file must never take the daemon down at a reload.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return f()
}

var (
	nodeType     = reflect.TypeFor[Node]()
	posType      = reflect.TypeFor[Pos]()
	secretType   = reflect.TypeFor[pipeline.Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
)

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// value decodes n into v, which is settable.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.depth++
	defer func() { d.depth-- }()
	if len(*d.errs) > most {
		return
	}
	if d.spent(n, path) {
		return
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	d.where[path] = n
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(Node{n, d.scope, d.lines, path}))
		return
	}
	if isNull(n) {
		return
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		d.value(n, p.Elem(), path)
		v.Set(p)
		return
	}
	if x, ok := v.Addr().Interface().(decodable); ok {
		x.decode(d, n, path)
		return
	}
	if scalarType(v) {
		if n.Kind != yaml.ScalarNode {
			d.fail(n, path, "", "wants %s; this is %s", wants(v), is(n))
			return
		}
		s, ok := d.expand(n, path)
		switch {
		case !ok:
		case s == "" && v.Type() == secretType: // a variable that is set to nothing is a secret that is missing
			d.fail(n, path, "set the variable that it names, or remove the key", "is empty")
		default:
			d.scalar(n, v, path, s)
		}
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			hint := ""
			if n.Kind == yaml.ScalarNode && scalarType(reflect.New(v.Type().Elem()).Elem()) {
				hint = "write [" + n.Value + "]"
				if v.Type().Elem() == secretType {
					hint = "put it into [ ]"
				}
			}
			d.fail(n, path, hint, "wants a list; this is %s", is(n))
			return
		}
		s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, c := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			if isNull(c) {
				d.fail(c, at, "write it, or take the dash away", "this entry is empty")
				continue
			}
			d.value(c, s.Index(i), at)
		}
		v.Set(s)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		for _, p := range d.pairs(n, path, wants(v)) {
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(p.val, e, path+"."+p.key.Value)
			m.SetMapIndex(reflect.ValueOf(p.key.Value).Convert(v.Type().Key()), e)
		}
		v.Set(m)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Interface:
		var x any
		if err := safely(func() error { return n.Decode(&x) }); err != nil {
			d.fail(n, path, "", "cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		} else if x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		panic("configs: no form for " + v.Type().String()) // a mistake in the program, not in the file
	}
}

// spent counts a visit and says whether it is one too many.
func (d *decoder) spent(n *yaml.Node, path string) bool {
	if d.left--; d.left >= 0 && d.depth <= 100 {
		return false
	}
	if d.left > -1<<40 { // say it once
		d.left = -1 << 41
		d.fail(n, path, "write it out, or nest less", "the anchors and aliases here multiply without end")
	}
	return true
}

// tree copies n with nothing left in it that means something else.
func (d *decoder) tree(n *yaml.Node, path string) *yaml.Node {
	d.depth++
	defer func() { d.depth-- }()
	if d.spent(n, path) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		for _, p := range d.pairs(n, path, "a mapping") {
			key := *p.key
			base, fromFile := strings.CutSuffix(key.Value, "_file")
			if !fromFile || d.plain {
				out.Content = append(out.Content, &key, d.tree(p.val, key.Value))
				continue
			}
			val := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Line: p.val.Line, Column: p.val.Column}
			d.fromFile(p.val, reflectElem(&val.Value), key.Value)
			key.Value = base
			out.Content = append(out.Content, &key, &val)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out.Content = append(out.Content, d.tree(c, path))
		}
	case yaml.ScalarNode:
		out.Value, _ = d.expand(n, path)
	}
	return out
}

// scalarType says whether v is written as a scalar.
func scalarType(v reflect.Value) bool {
	if v.Type() == durationType || v.Type() == prefixType {
		return true
	}
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// wants says what v is written as.
func wants(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "a duration such as 30s, 15m, 24h or 7d"
	case v.Type() == prefixType:
		return "a network such as 10.0.0.0/8"
	case v.Kind() == reflect.Slice:
		return "a list"
	case v.Kind() == reflect.Map:
		return "a mapping such as {Name: value}"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.CanInt() || v.CanUint():
		return "a whole number"
	case v.CanFloat():
		return "a number"
	case scalarType(v):
		return "text"
	}
	var req []string
	for _, f := range fields(v.Type()) {
		if f.required {
			req = append(req, "`"+f.name+"`")
		}
	}
	if len(req) > 0 {
		return "a mapping with " + strings.Join(req, " and ")
	}
	return "a mapping"
}

// is says what n is, without its content: that may be a secret.
func is(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	}
	return "text"
}

// scalar sets v from the text s of n. Errors quote n as it is written, before variables are put in.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path, s string) {
	switch {
	case v.Type() == durationType:
		t, hint, err := parseDuration(s)
		if err != nil {
			d.fail(n, path, hint, "`%s` is not a duration", n.Value)
			return
		}
		v.SetInt(int64(t))
		return
	case v.Type() == prefixType:
		p, err := parsePrefix(s)
		if err != nil {
			d.fail(n, path, "", "`%s` is not a network; write it as 10.0.0.0/8, or an address alone", n.Value)
			return
		}
		v.Set(reflect.ValueOf(p))
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s)); err != nil {
			d.fail(n, path, "", "cannot be read as %s", v.Type().Name())
		}
		return
	}
	ok := true
	switch {
	case v.Kind() == reflect.String:
		if n.ShortTag() == "!!bool" {
			d.fail(n, path, "put it into quotes if you mean the word", "wants text; %s is true or false to YAML", n.Value)
			return
		}
		v.SetString(s)
	case v.Kind() == reflect.Bool:
		if ok = s == "true" || s == "false"; ok {
			v.SetBool(s == "true")
		}
	case v.CanInt():
		i, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if ok = err == nil; ok {
			v.SetInt(i)
		}
	case v.CanUint():
		i, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if ok = err == nil; ok {
			v.SetUint(i)
		}
	case v.CanFloat():
		f, err := strconv.ParseFloat(s, v.Type().Bits())
		if ok = err == nil; ok {
			v.SetFloat(f)
		}
	}
	if !ok {
		d.fail(n, path, "", "wants %s; `%s` is not", wants(v), n.Value)
	}
}

type pair struct{ key, val *yaml.Node }

// pairs lists a mapping's entries with merge keys resolved: a key's own value wins over a merged one, an earlier merge
// over a later.
func (d *decoder) pairs(n *yaml.Node, path, want string) []pair {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "", "wants %s; this is %s", want, is(n))
		return nil
	}
	var out, merged []pair
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		switch first := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			d.fail(k, path, "", "a key must be text; this is %s", is(k))
		case k.ShortTag() == "!!merge":
			merged = append(merged, d.merged(v, path, 0)...)
		case first != nil:
			d.fail(k, path, "keep one of them", "`%s` stands here a second time; the first is in line %d", k.Value, first.Line)
		default:
			seen[k.Value] = k
			out = append(out, pair{k, v})
		}
	}
	for _, p := range merged {
		if seen[p.key.Value] == nil {
			seen[p.key.Value] = p.key
			out = append(out, p)
		}
	}
	return out
}

// merged lists the entries that << brings in.
func (d *decoder) merged(n *yaml.Node, path string, depth int) []pair {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if d.left--; d.left < 0 || depth > 20 {
		return nil
	}
	var out []pair
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out = append(out, d.merged(c, path, depth+1)...)
		}
	case yaml.MappingNode:
		var deeper []pair
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.left--
			k := n.Content[i]
			if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
				deeper = append(deeper, d.merged(n.Content[i+1], path, depth+1)...)
			} else if k.Kind == yaml.ScalarNode {
				out = append(out, pair{k, n.Content[i+1]})
			}
		}
		out = append(out, deeper...)
	default:
		d.fail(n, path, "", "<< wants a mapping to merge; this is %s", is(n))
	}
	return out
}

// field is how a struct field is written.
type field struct {
	name           string
	index          []int
	required, rest bool
	oneof, also    []string
}

func fields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		has := func(o string) bool { return slices.Contains(strings.Split(opts, ","), o) }
		if name == "-" || !f.IsExported() || f.Type == posType {
			continue
		}
		if has("inline") || f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			for _, g := range fields(f.Type) {
				g.index = append([]int{i}, g.index...)
				out = append(out, g)
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		out = append(out, field{
			name: name, index: []int{i}, required: has("required"), rest: has("rest"),
			oneof: strings.Fields(f.Tag.Get("oneof")),
			also:  strings.FieldsFunc(f.Tag.Get("also"), func(r rune) bool { return r == ',' }),
		})
	}
	return out
}

// structure decodes a mapping into a struct.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	for i := range v.NumField() {
		if v.Type().Field(i).Type == posType && v.Type().Field(i).IsExported() {
			v.Field(i).Set(reflect.ValueOf(d.pos(n)))
		}
	}
	before := len(*d.errs)
	pairs := d.pairs(n, path, wants(v))
	if n.Kind != yaml.MappingNode {
		return
	}
	fs := fields(v.Type())
	sub := func(k string) string {
		if path == "" {
			return k
		}
		return path + "." + k
	}
	given := map[string]*yaml.Node{} // field name to the key that gives it
	rest := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	var unknown []*yaml.Node
	for _, p := range pairs {
		name, fromFile := p.key.Value, false
		i := slices.IndexFunc(fs, func(f field) bool { return f.name == name && !f.rest })
		if i < 0 && !d.plain {
			if base, ok := strings.CutSuffix(name, "_file"); ok {
				i = slices.IndexFunc(fs, func(f field) bool { return f.name == base && !f.rest && readable(v.FieldByIndex(f.index)) })
				name, fromFile = base, i >= 0
			}
		}
		if i < 0 {
			rest.Content = append(rest.Content, p.key, p.val)
			unknown = append(unknown, p.key)
			continue
		}
		if other := given[name]; other != nil {
			d.fail(p.key, path, "keep one of them", "`%s` and `%s` both stand here", other.Value, p.key.Value)
			continue
		}
		given[name] = p.key
		f := v.FieldByIndex(fs[i].index)
		switch {
		case isNull(p.val) && fs[i].required:
			d.fail(p.key, path, "", "`%s` has no value", p.key.Value)
		case fromFile:
			d.fromFile(p.val, f, sub(p.key.Value))
		default:
			d.value(p.val, f, sub(name))
			d.allowed(p.val, f, fs[i], sub(name))
		}
		if fs[i].required && f.IsZero() && !isNull(p.val) && len(*d.errs) == before && p.val.Kind == yaml.ScalarNode {
			d.fail(p.val, path, "", "`%s` is empty", name)
		}
	}
	if i := slices.IndexFunc(fs, func(f field) bool { return f.rest }); i >= 0 {
		v.FieldByIndex(fs[i].index).Set(reflect.ValueOf(Node{rest, d.scope, d.lines, path}))
	} else {
		d.unknown(unknown, fs, path)
	}
	for _, f := range fs {
		if f.required && given[f.name] == nil && !slices.ContainsFunc(unknown, func(k *yaml.Node) bool { return meant(k.Value, fs) == f.name }) {
			d.fail(n, path, "", "`%s` is missing", f.name)
		}
	}
}

// unknown reports keys that no field has.
func (d *decoder) unknown(keys []*yaml.Node, fs []field, path string) {
	var names []string
	for _, f := range fs {
		names = append(names, f.name)
	}
	for _, k := range keys {
		if len(*d.errs) > most {
			return
		}
		if d.top && path == "" && strings.HasPrefix(k.Value, "x-") {
			continue
		}
		hint := "known here: " + strings.Join(names, ", ")
		if m := meant(k.Value, fs); m != "" {
			hint = "did you mean `" + m + "`?"
		}
		d.fail(k, path, hint, "unknown key `%s`", k.Value)
	}
}

// meant is the field that an unknown key was probably meant to be, or "".
func meant(key string, fs []field) string {
	var words []string
	name := map[string]string{}
	for _, f := range fs {
		for _, w := range append([]string{f.name}, f.also...) {
			if name[w] == "" {
				words, name[w] = append(words, w), f.name
			}
		}
	}
	return name[Suggest(strings.ReplaceAll(key, "-", "_"), words)]
}

// allowed checks a value against its field's list of choices.
func (d *decoder) allowed(n *yaml.Node, v reflect.Value, f field, path string) {
	if len(f.oneof) == 0 || v.Kind() != reflect.String || v.String() == "" || slices.Contains(f.oneof, v.String()) {
		return
	}
	d.fail(n, path, didYouMean(v.String(), f.oneof, ""), "`%s` is none of %s", n.Value, strings.Join(f.oneof, ", "))
}

// readable says whether a value may come from a file: text and secrets.
func readable(v reflect.Value) bool {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == secretType || t.Kind() == reflect.String
}

// fromFile sets v to the content of the file that n names, without line ends behind it.
func (d *decoder) fromFile(n *yaml.Node, v reflect.Value, path string) {
	var name string
	d.value(n, reflectElem(&name), path)
	if name == "" {
		if n.Kind == yaml.ScalarNode && !strings.Contains(n.Value, "${") {
			d.fail(n, path, "", "wants the path of a file")
		}
		return
	}
	b, err := d.read(d.rel(name))
	if err != nil {
		d.fail(n, path, "", "%s", cause(err))
		return
	}
	s := strings.TrimRight(string(b), "\r\n")
	if strings.TrimSpace(s) == "" {
		d.fail(n, path, "", "the file %s is empty", name)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	d.scalar(n, v, path, s)
}

func (d *decoder) rel(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}

// cause words a file error: "open x: no such file or directory" becomes "cannot open x: …".
func cause(err error) string {
	s := err.Error()
	if rest, ok := strings.CutPrefix(s, "open "); ok {
		return "cannot open " + rest
	}
	return s
}

// expand puts the environment into a scalar: ${NAME} is the variable's value, $${ a plain ${.
func (d *decoder) expand(n *yaml.Node, path string) (string, bool) {
	s := n.Value
	if d.plain || !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	ok := true
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), ok
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			d.fail(n, path, "write ${NAME}, or $${ for the characters themselves", "`${` is never closed")
			return "", false
		}
		name := s[i+2 : i+end]
		s = s[i+end+1:]
		if !isName(name) {
			d.fail(n, path, "write ${NAME}, or $${ for the characters themselves", "`${%s}` does not name a variable", name)
			ok = false
			continue
		}
		var v string
		set := false
		if d.env != nil {
			v, set = d.env(name)
		}
		if !set {
			d.fail(n, path, "set it, or name a file: `"+lastKey(path)+"_file: path`", "the environment variable %s is not set", name)
			ok = false
		}
		b.WriteString(v)
	}
}

// lastKey is the key a path ends in: feeds[0].headers.Cookie gives Cookie.
func lastKey(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	key, _, _ := strings.Cut(path, "[")
	return strings.TrimSuffix(key, "_file")
}

func isName(s string) bool {
	for i, r := range s {
		if !(r == '_' || r < 0x80 && (unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r))) {
			return false
		}
	}
	return s != ""
}
