package rules

import (
	"strings"
	"testing"
)

// A query's mistake is placed where a person finds it, in every way that YAML writes text.
func TestPlaceIn(t *testing.T) {
	for _, c := range []struct {
		name, text string
		from       Place
		head       string
		line, col  int
	}{
		{"plain", "query: a AND (b", Place{Line: 1, Col: 8}, "a AND ", 1, 14},
		{"beginning", "query: (b", Place{Line: 1, Col: 8}, "", 1, 8},
		{"wide letters", "query: 북한 AND (러", Place{Line: 1, Col: 8}, "북한 AND ", 1, 15},
		{"folded", "query: >-\n    a AND\n    b (", Place{Line: 2, Col: 5}, "a AND b ", 3, 7},
		{"folded, at a line's beginning", "query: >-\n    a AND\n    (b", Place{Line: 2, Col: 5}, "a AND ", 3, 5},
		{"literal", "query: |\n    a AND\n\n    b (", Place{Line: 2, Col: 5}, "a AND\n\nb ", 4, 7},
		{"single quotes", `query: 'it''s AND ('`, Place{Line: 1, Col: 9}, "it's AND ", 1, 19},
		{"double quotes", `query: "\"a b\" AND ("`, Place{Line: 1, Col: 9}, `"a b" AND `, 1, 21},
		{"an escape that shows nothing of its letter", `query: "\x61 AND ("`, Place{Line: 1, Col: 9}, "a AND ", 1, 9},
		{"a variable", "query: ${X} AND (", Place{Line: 1, Col: 8}, "tin AND ", 1, 8},
		{"no such line", "query: a", Place{Line: 9, Col: 8}, "a", 9, 8},
		{"behind the end", "query: a", Place{Line: 1, Col: 80}, "a", 1, 80},
	} {
		if got := placeIn(strings.Split(c.text, "\n"), c.from, c.head); got.Line != c.line || got.Col != c.col {
			t.Errorf("%s: %d:%d, want %d:%d", c.name, got.Line, got.Col, c.line, c.col)
		}
	}
}
