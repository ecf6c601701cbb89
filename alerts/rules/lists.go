package rules

import (
	"cmp"
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
	Origin  Place // where it stands, for messages; zero: in no file

	at []Place // where the text of each entry begins; nil: in no file
}

const emptyHint = "write what it stands for: [missile*, rocket*]"

// parse reads the entries, each by itself so that its parentheses are its own, as p stands.
func (l List) parse(p parser) (*node, []warning, *Error) {
	var kids []*node
	var warn []warning
	for _, e := range l.Entries {
		q := p
		q.s = e
		k, err := q.all()
		if err != nil {
			return nil, nil, err
		}
		kids, warn = append(kids, k), append(warn, q.warn...)
	}
	if kids == nil {
		return nil, nil, p.fail(0, "the list is empty", emptyHint)
	}
	return group(opOr, 0, kids[0], kids[1:]), warn, nil
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
		cycle := append(slices.Clone(p.open[i:]), name)
		err := p.fail(pos, "a list that is part of itself: $"+strings.Join(cycle, " → $"), "take one of these out of the other")
		err.cycle = cycle
		return nil, err
	}
	if len(p.open) == maxDepth {
		return nil, p.fail(pos, fmt.Sprintf("more than %d lists within each other", maxDepth), "put the terms into fewer lists")
	}
	k, warn, err := l.parse(parser{lists: p.lists, left: p.left, field: p.field, window: p.window, depth: p.depth, open: append(slices.Clip(p.open), name)})
	if err != nil {
		outer := p.fail(pos, "in the list "+w+": "+strings.TrimPrefix(err.Msg, "in the list "), err.Hint)
		outer.list, outer.cycle = cmp.Or(err.list, name), err.cycle
		return nil, outer
	}
	for _, x := range warn {
		x.list = cmp.Or(x.list, name)
		p.warn = append(p.warn, x)
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

// check reads the list of that name. It may hold words or the values of a field such as site; it is wrong when it is neither. Values that
// stand side by side are none: no article has two sites, and what looks so is most often words with a mistake in them.
func (l Lists) check(name string) error {
	if msg := nameError(name); msg != "" {
		return errors.New(msg)
	}
	if len(l[name].Entries) == 0 {
		return errors.New("it is empty: " + emptyHint)
	}
	var first *Error
	for _, f := range [...]field{0, fSite, fURL, fFeed} {
		left := maxWords
		root, _, err := l[name].parse(parser{lists: l, left: &left, field: f, open: []string{name}})
		if err == nil && f != 0 && root.has(opAnd) {
			continue
		}
		if err == nil {
			if root.holdsOnNothing() != nil {
				return (&parser{s: "$" + name}).fail(0, "the list can match everything: it asks only that something is absent", "put NOT into the rule: word AND NOT $"+name)
			}
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// ParseLists reads the lists of a source alone, whatever is to be said of its rules. The error is Mistakes.
func ParseLists(s Source) (Lists, error) {
	r := &reader{Source: s, lines: s.lines()}
	n := s.Lists
	if n == nil && s.Node != nil {
		root := resolve(s.Node)
		if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
			root = resolve(root.Content[0])
		}
		if root.Kind == yaml.MappingNode {
			n = valueOf(root, "lists")
		}
	}
	if n == nil {
		return nil, nil
	}
	l := r.lists(resolve(n))
	if r.errs != nil {
		return nil, r.errs
	}
	return l, nil
}

// lists reads the lists of a source: a mapping of names to a list of entries, or to one text in the rule language.
func (r *reader) lists(n *yaml.Node) Lists {
	if n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "lists must have names: arms: [missile*, rocket*]; this is %s", kind(n))
		return nil
	}
	before := len(r.errs)
	defer func() { r.badLists = r.badLists || len(r.errs) > before }()
	lists := Lists{}
	r.pairs(n, "lists", func(key, v *yaml.Node) {
		l := List{Origin: r.at(v)}
		entries, at := r.texts(key, v)
		for i, e := range entries {
			if strings.TrimSpace(e) != "" {
				l.Entries, l.at = append(l.Entries, e), append(l.at, at[i])
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
	if len(r.errs) > before {
		return lists
	}
	inOrder := func(a, b string) int {
		x, y := lists[a].Origin, lists[b].Origin
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Col, y.Col))
	}
	wrong := map[string]error{}
	for name := range lists {
		if err := lists.check(name); err != nil {
			wrong[name] = err
		}
	}
	names := slices.SortedFunc(maps.Keys(wrong), inOrder)
	for _, name := range causes(names, wrong) {
		r.errs = append(r.errs, lists[name].mistake(r.lines, fmt.Sprintf("list %q", name), wrong[name]))
	}
	return lists
}

// causes are the wrong lists that are to be mended: not those that are wrong only because they name one of these, and of lists that are
// part of each other the first.
func causes(names []string, wrong map[string]error) (out []string) {
	told := map[string]bool{} // of a cycle that was told
	for _, name := range names {
		var bad *Error
		if errors.As(wrong[name], &bad) {
			switch {
			case bad.cycle != nil && (!slices.Contains(bad.cycle, name) || slices.ContainsFunc(bad.cycle, func(n string) bool { return told[n] })):
				continue
			case bad.cycle == nil && bad.list != "" && wrong[bad.list] != nil:
				continue
			}
			for _, n := range bad.cycle {
				told[n] = true
			}
		}
		out = append(out, name)
	}
	if out == nil { // one of them it must be
		return names[:min(1, len(names))]
	}
	return out
}

// mistake places what check says of the list in the lines of its file: in the entry that it is about.
func (l List) mistake(lines []string, what string, err error) Mistake {
	var bad *Error
	if errors.As(err, &bad) {
		if i := slices.Index(l.Entries, bad.Query); i >= 0 {
			return placed(lines, l.at[i], what, err)
		}
	}
	return Mistake{l.Origin, fmt.Sprintf("%s: %v", what, err)}
}
