package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A warning is of what is allowed but hardly meant.
type warning struct {
	list  string // in an entry of this list; "": in the query itself
	query string // that, or the entry
	pos   int    // bytes into query
	msg   string
}

// String is the warning with its column, as whoever typed the query reads it.
func (w warning) String() string {
	col := utf8.RuneCountInString(w.query[strings.LastIndexByte(w.query[:w.pos], '\n')+1:w.pos]) + 1
	in := ""
	if w.list != "" {
		in = "in the list $" + w.list + ", "
	}
	return fmt.Sprintf("%scolumn %d: %s", in, col, w.msg)
}

// Odd says what in the rule's query, and in the lists that it names, is allowed but hardly meant, such as a lower-case `and`, each where
// it stands in the rule's file. A query that Parse refuses has nothing odd.
func (r *Rule) Odd() (out Mistakes) {
	q, err := ParseWith(r.Query, r.Lists)
	if err != nil {
		return nil
	}
	for _, w := range q.warn {
		from, what := r.Origin, fmt.Sprintf("rule %q", r.Name)
		if w.list != "" {
			l := r.Lists[w.list]
			from, what = l.Origin, fmt.Sprintf("list %q", w.list)
			if i := slices.Index(l.Entries, w.query); i >= 0 && i < len(l.at) {
				from = l.at[i]
			}
		}
		m := Mistake{placeIn(r.lines, from, w.query[:w.pos]), what + ": " + w.msg}
		if r.lines == nil {
			m.Msg = what + ": " + w.String()
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
