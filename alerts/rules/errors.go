package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// An Error says what is wrong with a query, where, and what to write instead.
type Error struct {
	Query string
	Pos   int // bytes into Query
	Msg   string
	Hint  string // may be empty

	list  string   // the list in whose text it stands, the innermost; "": in none
	cycle []string // the lists that are part of each other, where it is about that
}

// Error is the message with the line of the query it is about and a caret under the place.
func (e *Error) Error() string {
	pos := min(max(e.Pos, 0), len(e.Query))
	from := strings.LastIndexByte(e.Query[:pos], '\n') + 1
	line, _, _ := strings.Cut(e.Query[from:], "\n")
	col := utf8.RuneCountInString(e.Query[from:pos])
	where := fmt.Sprintf("column %d", col+1)
	if n := strings.Count(e.Query[:pos], "\n"); n > 0 {
		where = fmt.Sprintf("line %d, %s", n+1, where)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n  ", where, e.Msg)
	before, after := clip(line, pos-from)
	before, after = plain(before), plain(after)
	b.WriteString(before + after + "\n  " + strings.Repeat(" ", text.Columns(before)))
	b.WriteByte('^')
	if e.Hint != "" {
		b.WriteString("\n  " + e.Hint)
	}
	return b.String()
}

// clip keeps what a terminal shows of a long line: up to 60 runes before the place and 40 after.
func clip(line string, at int) (before, after string) {
	b, a := []rune(line[:at]), []rune(line[at:])
	if len(b) > 60 {
		b = append([]rune("…"), b[len(b)-59:]...)
	}
	if len(a) > 40 {
		a = append(a[:39:39], '…')
	}
	return string(b), string(a)
}

// plain leaves out what is not seen, and what would turn the line around, and makes control characters spaces: they would move the
// caret or the terminal. What joins letters or keeps them apart stays.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.Is(unicode.Cf, r) && r != 0x200c && r != 0x200d:
			return -1
		}
		return r
	}, s)
}
