package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Lists are terms defined once and used in many rules: `$arms` in a query stands for the list arms as if it were written
// there in parentheses. A list may name others, but not itself by any way.
type Lists map[string]List

// A List is what its name stands for: entries of the rule language, of which one must hold.
type List struct {
	Entries []string
	Origin  string // where it stands, file:line:column, for messages; may be empty
}

func (l List) text() string {
	if len(l.Entries) == 1 {
		return l.Entries[0]
	}
	return "(" + strings.Join(l.Entries, ") OR (") + ")"
}

// isList reports whether w names a list: $ and a letter. An amount, $500, does not.
func isList(w string) bool {
	if !strings.HasPrefix(w, "$") {
		return false
	}
	r, _ := utf8.DecodeRuneInString(w[1:])
	return unicode.IsLetter(r)
}

// nameError says what is wrong with the name of a list; "" if nothing is.
func nameError(name string) string {
	for i, r := range name {
		if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && r != '_' && r != '-') {
			return "a list's name begins with a letter and has letters, digits, _ and - in it"
		}
	}
	if name == "" {
		return "a list without a name"
	}
	return ""
}

// list reads w, $ and the name of a list.
func (p *parser) list(w string) (*node, *Error) {
	pos := p.i
	name := w[1:]
	if msg := nameError(name); msg != "" {
		return nil, p.fail(pos, msg, "write $arms; a $ that is part of the text stands in quotes")
	}
	l, ok := p.lists[name]
	if !ok {
		return nil, p.fail(pos, "there is no list "+w, p.nearest(name))
	}
	if i := slices.Index(p.open, name); i >= 0 {
		return nil, p.fail(pos, "a list that is part of itself: $"+strings.Join(append(slices.Clone(p.open[i:]), name), " → $"), "take one of these out of the other")
	}
	if len(p.open) == maxDepth {
		return nil, p.fail(pos, fmt.Sprintf("more than %d lists within each other", maxDepth), "put the terms into fewer lists")
	}
	inner := &parser{s: l.text(), lists: p.lists, left: p.left, field: p.field, window: p.window, depth: p.depth, open: append(slices.Clip(p.open), name)}
	k, err := inner.all()
	if err != nil {
		return nil, p.fail(pos, "in the list "+w+": "+strings.TrimPrefix(err.Msg, "in the list "), err.Hint)
	}
	for _, x := range inner.warn {
		p.warn = append(p.warn, "in the list "+w+", "+x)
	}
	p.i += len(w)
	return &node{op: opList, pos: pos, text: name, kids: []*node{k}}, nil
}

// nearest proposes what a wrong name of a list may mean.
func (p *parser) nearest(name string) string {
	best, dist := "", 3
	for _, known := range slices.Sorted(maps.Keys(p.lists)) {
		if d := edits(strings.ToLower(name), strings.ToLower(known)); d < dist && d < len(known) && !slices.Contains(p.open, known) {
			best, dist = known, d
		}
	}
	switch {
	case best != "":
		return "write $" + best
	case len(p.lists) == 0:
		return "define it in the rule file, under lists: " + name + ": [a, b]; a $ that is part of the text stands in quotes"
	}
	return "define it under lists:; known are $" + strings.Join(slices.Sorted(maps.Keys(p.lists)), ", $")
}

// Check reads every list. The error joins one for each that is wrong, each naming its list and, where known, its place. A list
// may hold words or the values of a field such as site; it is wrong when it is neither.
func (l Lists) Check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if err := l.check(name); err != nil {
			where := ""
			if o := l[name].Origin; o != "" {
				where = o + ": "
			}
			errs = append(errs, fmt.Errorf("%slist %q: %w", where, name, err))
		}
	}
	return errors.Join(errs...)
}

func (l Lists) check(name string) error {
	if msg := nameError(name); msg != "" {
		return errors.New(msg)
	}
	if len(l[name].Entries) == 0 {
		return errors.New("it is empty: write what it stands for: [missile*, rocket*]")
	}
	var first *Error
	for _, f := range [...]field{0, fSite, fURL, fFeed} {
		left := maxWords
		p := &parser{s: l[name].text(), lists: l, left: &left, field: f, open: []string{name}}
		root, err := p.all()
		if err == nil {
			if n := root.holdsOnNothing(); n != nil {
				return p.fail(n.pos, "the list can match everything: it asks only that something is absent", "put NOT into the rule: word AND NOT $"+name)
			}
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// ParseLists reads the lists of a rule file: a mapping of names to a list of entries, or to one text in the rule language. name
// is the file's name, for messages. The error joins everything that is wrong, each with file:line:column.
func ParseLists(n *yaml.Node, name string) (Lists, error) {
	r := &reader{name: name}
	l := r.lists(resolve(n))
	if r.errs != nil {
		return nil, errors.Join(r.errs...)
	}
	return l, nil
}

func (r *reader) lists(n *yaml.Node) Lists {
	if n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "lists must have names: arms: [missile*, rocket*]; this is %s", kind(n))
		return nil
	}
	before := len(r.errs)
	lists := Lists{}
	r.pairs(n, "lists", func(key, v *yaml.Node) {
		l := List{Origin: r.at(v)}
		for _, e := range r.list(key, v) {
			if strings.TrimSpace(e) != "" {
				l.Entries = append(l.Entries, e)
			}
		}
		if bad := nameError(strings.TrimPrefix(key.Value, "$")); bad != "" {
			r.fail(key, "%q: %s", key.Value, bad)
			return
		}
		if k := strings.TrimPrefix(key.Value, "$"); len(lists[k].Entries) > 0 {
			r.fail(key, "the list %s is there already, at %s", k, lists[k].Origin)
		} else {
			lists[k] = l
		}
	})
	if len(r.errs) == before {
		if err := lists.Check(); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	return lists
}
