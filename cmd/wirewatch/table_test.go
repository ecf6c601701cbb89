package main

import (
	"strings"
	"testing"
)

// Columns stay aligned whatever the script; cells are clipped and safe.
func TestTable(t *testing.T) {
	var b strings.Builder
	err := table(&b, 8, []string{"ID", "TITLE", "WHY"}, [][]string{
		{"1", "북한 탄약 의혹", "a"}, {"2", "short", "b"}, {"3", "a\u0301bc\x1b[31m red", ""}, {"4", "one two three", "c"},
	})
	want := "ID  TITLE     WHY\n1   북한 탄…  a\n2   short     b\n3   a\u0301bc red   -\n4   one two…  c\n"
	if got := b.String(); err != nil || got != want {
		t.Errorf("%v:\n%s\nwant:\n%s", err, got, want)
	}
}
