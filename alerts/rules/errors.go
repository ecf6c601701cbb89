package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An Error says what is wrong with a query, where, and what to write instead.
type Error struct {
	Query string
	Pos   int // bytes into Query
	Msg   string
	Hint  string // may be empty
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
	b.WriteString(plain(before) + plain(after) + "\n  ")
	for _, r := range before {
		for range columns(r) {
			b.WriteByte(' ')
		}
	}
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

// plain replaces control characters, which would move the caret or the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// columns is how many cells of a terminal r takes: East Asian wide characters take two, marks on a letter none.
func columns(r rune) int {
	switch {
	case 0x300 <= r && r <= 0x36f, r == 0x200b, r == 0x200d, r == 0xfe0f:
		return 0
	case 0x1100 <= r && r <= 0x115f, 0x2e80 <= r && r <= 0xa4cf, 0xac00 <= r && r <= 0xd7a3, 0xf900 <= r && r <= 0xfaff,
		0xfe30 <= r && r <= 0xfe6f, 0xff00 <= r && r <= 0xff60, 0xffe0 <= r && r <= 0xffe6, 0x1f300 <= r && r <= 0x1faff:
		return 2
	}
	return 1
}
