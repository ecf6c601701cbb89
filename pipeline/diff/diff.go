// Package diff tells which words of a text were changed. It is pure and deterministic, safe for concurrent use, and takes any
// string.
//
// Words are those of wirewatch/pipeline/text, compared folded: case, accents, white space and punctuation are no change. The
// alignment is anchored ("patience") diff: stretches of words that occur once in both texts hold the texts together, what is
// between them is aligned the same way, and only small remainders by longest common subsequence. That reads better for prose
// than the shortest edit script, which ties rewritten sentences together by their articles and prepositions, and its time is
// bounded: O(n log n) for n words, whatever they are. (Myers' algorithm, which libraries offer, is quadratic in the
// changes, or gives up after a hundred of them and calls the rest replaced.)
package diff

import (
	"slices"
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// An Op is what became of a chunk.
type Op string

const (
	Same    Op = "same"
	Removed Op = "removed"
	Added   Op = "added"
)

// A Chunk is a run of words with what stands behind them up to the next word.
type Chunk struct {
	Op   Op     `json:"op"`
	Text string `json:"text"`
}

// Changed reports whether the words of a and b differ.
func Changed(a, b string) bool {
	if a == b {
		return false
	}
	same := func(x, y text.Token) bool { return x.Text == y.Text }
	return !slices.EqualFunc(text.Tokens(a), text.Tokens(b), same)
}

// Words gives the changes from a to b as chunks in order, no two neighbours of one kind, what was removed before what was
// added in its place. The chunks that are not Removed make b, byte for byte. Those Removed are a's own words. Texts of the
// same words make one chunk, or none when b is "".
func Words(a, b string) []Chunk {
	x, y := text.Tokens(a), text.Tokens(b)
	ids := map[string]int32{}
	runs := tidy(runsOf(align(number(ids, x), number(ids, y)), len(x), len(y)))
	var out []Chunk
	put := func(op Op, s string) {
		if s != "" {
			out = append(out, Chunk{op, s})
		}
	}
	for _, r := range runs {
		if r.same {
			put(Same, reach(b, y, r.y0, r.y1, r.y0 == 0))
			continue
		}
		put(Removed, reach(a, x, r.x0, r.x1, false))
		put(Added, reach(b, y, r.y0, r.y1, r.y0 == 0))
	}
	if len(y) == 0 {
		put(Same, b)
	}
	return out
}

// reach is the text of the words from to to of s, up to the next word; with all, also what stands before them.
func reach(s string, words []text.Token, from, to int, all bool) string {
	if from == to {
		return ""
	}
	start, end := words[from].Start, len(s)
	if all {
		start = 0
	}
	if to < len(words) {
		end = words[to].Start
	}
	return s[start:end]
}

// number gives each word a number, the same for the same word.
func number(ids map[string]int32, words []text.Token) []int32 {
	out := make([]int32, len(words))
	for i, w := range words {
		id, ok := ids[w.Text]
		if !ok {
			id = int32(len(ids) + 1)
			ids[w.Text] = id
		}
		out[i] = id
	}
	return out
}

// A run is words x0 to x1 of the one text that became y0 to y1 of the other.
type run struct {
	same           bool
	x0, x1, y0, y1 int
}

// runsOf makes runs of matched words; n and m are the lengths of the texts.
func runsOf(matches []pair, n, m int) []run {
	var out []run
	i, j := 0, 0
	for _, p := range append(matches, pair{n, m}) {
		if i < p.x || j < p.y {
			out = append(out, run{false, i, p.x, j, p.y})
		}
		if k := len(out) - 1; p.x == n {
			break
		} else if k >= 0 && out[k].same {
			out[k].x1, out[k].y1 = p.x+1, p.y+1
		} else {
			out = append(out, run{true, p.x, p.x + 1, p.y, p.y + 1})
		}
		i, j = p.x+1, p.y+1
	}
	return out
}

// chance is the greatest number of words that may be the same by chance between two changes.
const chance = 3

// tidy joins changes with a few words between them that are no more than the changes on either side: a sentence that was written
// anew is one change, whatever small words it kept.
func tidy(runs []run) []run {
	var out []run
	for n, r := range runs {
		k := len(out) - 1
		if k < 0 {
			out = append(out, r)
			continue
		}
		last := &out[k]
		if !r.same && !last.same || r.same && !last.same && n+1 < len(runs) && r.x1-r.x0 <= min(chance, size(*last), size(runs[n+1])) {
			last.x1, last.y1 = r.x1, r.y1
			continue
		}
		out = append(out, r)
	}
	return out
}

// size is how many words a change has on its longer side.
func size(r run) int { return max(r.x1-r.x0, r.y1-r.y0) }

// Count counts the words that were removed and added.
func Count(chunks []Chunk) (removed, added int) {
	for _, c := range chunks {
		switch c.Op {
		case Removed:
			removed += len(text.Tokens(c.Text))
		case Added:
			added += len(text.Tokens(c.Text))
		}
	}
	return removed, added
}

// Ellipsis stands in a shortened diff for text that is left out.
const Ellipsis = "…"

// Short makes a diff short enough to be read: of what is the same it keeps context words beside each change, of the whole at most
// about limit characters, the first changes before the later ones. Ellipsis marks what is left out. It also says how many
// changes were left out or cut.
func Short(chunks []Chunk, context, limit int) (out []Chunk, left int) {
	room := limit
	for n, c := range chunks {
		if c.Op == Same {
			c.Text = around(c.Text, context, n > 0, n+1 < len(chunks))
		}
		size := utf8.RuneCountInString(c.Text)
		if room -= size; room >= 0 {
			out = append(out, c)
			continue
		}
		for _, c := range chunks[n:] {
			if c.Op != Same {
				left++
			}
		}
		if c.Text = clip(c.Text, room+size); c.Text != "" {
			out = append(out, c)
		}
		break
	}
	return out, left
}

// around is the first words of s, where something stands before it, and the last, where something stands behind it.
func around(s string, words int, before, after bool) string {
	t := text.Tokens(s)
	n := 0
	if before {
		n += words
	}
	if after {
		n += words
	}
	if len(t) <= n {
		return s
	}
	var b strings.Builder
	if before && words > 0 {
		b.WriteString(s[:t[words-1].End])
	}
	if before && words > 0 && after {
		b.WriteString(" ")
	}
	b.WriteString(Ellipsis)
	if after {
		b.WriteString(" ")
		if words > 0 {
			b.WriteString(s[t[len(t)-words].Start:])
		}
	}
	return b.String()
}

// clip cuts s to n characters, at the end of a word where one is near, with an ellipsis behind.
func clip(s string, n int) string {
	if n <= 1 {
		return ""
	}
	end := 0
	for i := range s {
		if n--; n == 0 {
			end = i
			break
		}
	}
	if i := strings.LastIndexAny(s[:end], " \n\t"); i > 0 && end-i < 40 {
		end = i
	}
	return s[:end] + Ellipsis
}
