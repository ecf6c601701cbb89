package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/pipeline/text"
)

// This file is how the verbs show what they found: lists as tables or JSON lines, times and counts as words.

// printList ends every verb that lists: rows as JSON lines, else cells as a table, else none, which says that there are none.
func printList[T any](e *env, asJSON bool, rows []T, limit int, head []string, cells [][]string, none string) error {
	if asJSON {
		return printJSON(e.stdout, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(e.stderr, none)
		return nil
	}
	return table(e.stdout, limit, head, cells)
}

// printJSON writes rows as JSON lines.
func printJSON[T any](w io.Writer, rows []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// wide is how much of a title, an address or a reason a list shows; --json has them whole.
const wide = 60

// stamp shows a time for people and machines alike; the zero time shows as "".
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// table writes aligned columns; every cell is made safe for a terminal and, when limit > 0, clipped to so many places. Letters
// of East Asian scripts take two places, so that a Korean headline does not push the columns behind it.
func table(w io.Writer, limit int, head []string, rows [][]string) error {
	all := append([][]string{head}, rows...)
	places := make([]int, len(head))
	cells := make([][]string, len(all))
	for i, r := range all {
		cells[i] = make([]string, len(r))
		for j, c := range r {
			if c = alerts.Terminal(c); c == "" {
				c = "-" // an empty cell would let the next ones slip into its column for who cuts by spaces
			}
			cells[i][j] = clip(c, limit)
			places[j] = max(places[j], text.Columns(cells[i][j]))
		}
	}
	var b strings.Builder
	for _, r := range cells {
		for j, c := range r {
			b.WriteString(c)
			if j < len(r)-1 {
				b.WriteString(strings.Repeat(" ", places[j]-text.Columns(c)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clip shortens s to n places, with an ellipsis in the last; n <= 0: not at all.
func clip(s string, n int) string {
	if n <= 0 || text.Columns(s) <= n {
		return s
	}
	at := 0
	for i, r := range s {
		if at += text.Column(r); at > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// noneOf says that a list is empty.
func noneOf(what, state string) string {
	if state == "all" {
		return "there are no " + what
	}
	return "no " + what + " are " + state
}

// count says "1 feed", "2 feeds", "2 stories".
func count(n int, noun string) string {
	if n != 1 {
		if noun[len(noun)-1] == 'y' {
			noun = noun[:len(noun)-1] + "ie"
		}
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
