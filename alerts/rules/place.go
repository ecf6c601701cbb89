package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A Place is where something stands in a file. Lines and columns count from 1, columns in characters.
type Place struct {
	File      string
	Line, Col int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// A Mistake is one thing that is wrong with the rules of a file.
type Mistake struct {
	Place
	Msg string // what is wrong and what to write; where it is about a query, the lines below show it with a caret
}

func (m Mistake) Error() string {
	if m.File == "" {
		return m.Msg
	}
	return m.Place.String() + ": " + m.Msg
}

// Mistakes are all that is wrong with a list of rules.
type Mistakes []Mistake

// Error gives one mistake a line, or several where a query is shown.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, x := range m {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// inside is where a scalar's text begins: behind the quote, or in the line below | and >.
func (r *reader) inside(n *yaml.Node) Place {
	p := r.at(n)
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		p.Col++
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for i := n.Line; i < len(r.lines); i++ {
			if t := strings.TrimLeft(r.lines[i], " "); strings.TrimSpace(t) != "" {
				return Place{p.File, i + 1, utf8.RuneCountInString(r.lines[i]) - utf8.RuneCountInString(t) + 1}
			}
		}
	}
	return p
}

// inQuery places what Parse says of the rule's query where it stands in the file.
func (r *Rule) inQuery(err error) Mistake {
	return placed(r.lines, r.Origin, fmt.Sprintf("rule %q", r.Name), err)
}

// placed is an error of a query that begins at from in the lines of a file, at the place that the error is about, and shows the query
// with a caret under it; what says whose query it is. Without lines it stands at from.
func placed(lines []string, from Place, what string, err error) Mistake {
	var bad *Error
	if !errors.As(err, &bad) || lines == nil {
		return Mistake{from, fmt.Sprintf("%s: %v", what, err)}
	}
	_, shown, _ := strings.Cut(bad.Error(), "\n")
	at := placeIn(lines, from, bad.Query[:min(bad.Pos, len(bad.Query))])
	return Mistake{at, fmt.Sprintf("%s: %s\n%s", what, bad.Msg, shown)}
}

// placeIn is where in the lines of a YAML text the reader stands after head, the beginning of a scalar that starts at from. YAML
// folds lines, doubles quotes and escapes; whatever else differs between text and value leaves from as it is.
func placeIn(lines []string, from Place, head string) Place {
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
	return Place{File: from.File, Line: line, Col: col}
}
