package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a file. Lines and columns count from 1, columns in characters.
type Pos struct {
	File      string
	Line, Col int
}

// Errorf makes an error that stands at p, for those who check what this package only hands on. path is the key as a
// person would name it; path and hint may be "".
func (p Pos) Errorf(path, hint, format string, args ...any) Error {
	return Error{File: p.File, Line: p.Line, Col: p.Col, Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// Error is one mistake in a configuration.
type Error struct {
	File      string
	Line, Col int
	Path      string // the key it is about: feeds[2].every
	Msg       string // what is wrong
	Hint      string // what to do; "" when Msg says it
}

func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Col)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Errors are all mistakes of a configuration, sorted by place.
type Errors []Error

// Error gives one mistake a line.
func (e Errors) Error() string {
	s := make([]string, len(e))
	for i := range e {
		s[i] = e[i].Error()
	}
	return strings.Join(s, "\n")
}

// sorted puts the errors of the file first in front, then by place, and drops repetitions: what stands behind an anchor
// is decoded as often as it is used.
func (e Errors) sorted(first string) Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		if a.File != b.File && (a.File == first || b.File == first) {
			if a.File == first {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.CompactFunc(e, func(a, b Error) bool {
		return a.File == b.File && a.Line == b.Line && a.Col == b.Col && a.Msg == b.Msg
	})
}

// Suggest returns the word of known that word was probably meant to be, or "".
func Suggest(word string, known []string) string {
	best, dist := "", max(1, utf8.RuneCountInString(word)/3)+1
	w := strings.ToLower(word)
	for _, k := range known {
		l := strings.ToLower(k)
		d := dist
		if n := len(w) - len(l); n < 3*dist && -n < 3*dist { // else it cannot be near; bytes are at most four a letter
			d = distance(w, l)
		}
		// A name that was cut short or drawn out is meant more often than its distance says: slack for slack-desk.
		if len(w) >= 3 && len(l) >= 3 && (strings.HasPrefix(l, w) || strings.HasPrefix(w, l)) {
			d = min(d, 1)
		}
		if len(w) >= 3 && len(l) > len(w)+1 {
			d = min(d, distance(w, l[:len(w)+1]))
		}
		if d < dist {
			best, dist = k, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return len(x) + len(y)
	}
	old, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], old[j-2]+1)
			}
		}
		old, prev, cur = prev, cur, old
	}
	return prev[len(y)]
}

// didYouMean is Suggest as a sentence, with the choices when nothing comes near.
func didYouMean(word string, known []string, shown string) string {
	if s := Suggest(word, known); s != "" {
		return "did you mean `" + s + "`?"
	}
	return shown
}
