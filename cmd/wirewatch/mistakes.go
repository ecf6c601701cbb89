package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/alerts"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
)

// mistakes are all that is wrong in a configuration, whoever found it, in the order of the file.
type mistakes []configs.Error

// Error gives one mistake a line, or several where a query is shown.
func (m mistakes) Error() string {
	lines := make([]string, len(m))
	for i, x := range m {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// add takes what a part found wrong; at is the place of what that part was given. It says whether err was a mistake of the
// file; what is not (a file that cannot be read) is for the caller.
func (m *mistakes) add(err error, at func(key string) configs.Pos) bool {
	var (
		many     configs.Errors
		one      configs.Error
		settings alerts.Mistakes
		site     siteMistakes
	)
	switch {
	case errors.As(err, &many):
		*m = append(*m, many...)
	case errors.As(err, &one):
		*m = append(*m, one)
	case errors.As(err, &settings):
		for _, s := range settings {
			*m = append(*m, at(s.Key).Errorf(s.Key, s.Hint, "%s", s.Msg))
		}
	case errors.As(err, &site):
		for _, s := range site {
			*m = append(*m, configs.Pos{File: s.File, Line: s.Line, Col: 1}.Errorf("", "", "%s", s.Msg))
		}
	default:
		return false
	}
	return true
}

// err sorts what was found, the file first in front; nil when nothing was.
func (m mistakes) err(first string) error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b configs.Error) int {
		if (a.File == first) != (b.File == first) {
			if a.File == first {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.CompactFunc(m, func(a, b configs.Error) bool { return a == b })
}

// inQuery places a query's mistake where it stands in the file, and shows the query with a caret under it.
func inQuery(r configs.Rule, err error) configs.Error {
	var bad *rules.Error
	if !errors.As(err, &bad) {
		return r.QueryPos.Errorf("", "", "rule %q: %v", r.Name, err)
	}
	at := r.QueryPos
	if data, err := os.ReadFile(at.File); err == nil { // it was just read; without it the query's beginning has to do
		at = placeIn(string(data), at, bad.Query[:min(bad.Pos, len(bad.Query))])
	}
	_, shown, _ := strings.Cut(bad.Error(), "\n")
	return at.Errorf("", "", "rule %q: %s\n%s", r.Name, bad.Msg, shown)
}

// inLists are the mistakes in lists of terms, which are joined in err.
func inLists(n configs.Node, err error) []configs.Error {
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		all = many.Unwrap()
	}
	var out []configs.Error
	for _, err := range all {
		at, msg := n.Pos(""), err.Error()
		if one := (*rules.Mistake)(nil); errors.As(err, &one) {
			at, msg = configs.Pos{File: one.File, Line: one.Line, Col: one.Col}, one.Msg
		}
		out = append(out, at.Errorf("", "", "%s", msg))
	}
	return out
}

// placeIn is where in a YAML text the reader stands after head, the beginning of a scalar that starts at from. YAML folds
// lines, doubles quotes and escapes; whatever else differs between text and value leaves from as it is.
func placeIn(text string, from configs.Pos, head string) configs.Pos {
	lines := strings.Split(text, "\n")
	if from.Line < 1 || from.Line > len(lines) {
		return from
	}
	line, col := from.Line, from.Col
	rest := []rune(lines[line-1])
	rest = rest[min(col-1, len(rest)):]
	skip := func() bool { // to the next character that is no white space
		for {
			for len(rest) > 0 && unicode.IsSpace(rest[0]) {
				rest, col = rest[1:], col+1
			}
			if len(rest) > 0 {
				return true
			}
			if line == len(lines) {
				return false
			}
			line, col = line+1, 1
			rest = []rune(lines[line-1])
		}
	}
	for _, want := range head {
		if unicode.IsSpace(want) {
			continue
		}
		if !skip() {
			return from
		}
		if len(rest) > 1 && (rest[0] == '\\' || rest[0] == '\'' && rest[1] == '\'') && rest[1] == want {
			rest, col = rest[1:], col+1
		}
		if rest[0] != want {
			return from
		}
		rest, col = rest[1:], col+1
	}
	if last, _ := utf8.DecodeLastRuneInString(head); unicode.IsSpace(last) && head != "" {
		if !skip() {
			return from
		}
	}
	return configs.Pos{File: from.File, Line: line, Col: col}
}

// missingConfig says what to do when there is no configuration.
func missingConfig(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("there is no configuration %s; `wirewatch init` writes one, -c FILE names another", path)
}
