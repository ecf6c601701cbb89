package diff

import "slices"

// A pair is a word of the one text and the word of the other that it is matched with.
type pair struct{ x, y int }

// Bounds of the search. Each level of depth looks at each word a bounded number of times; cells is the size of the largest table
// for a remainder without anchors, so all tables together have at most 256 cells a word.
const (
	maxDepth = 12
	cells    = 1 << 16
)

// stretches are the lengths of anchors that are tried, in words. A stretch that occurs once in both texts is the same passage; a single
// word may be chance, so it comes last. In scripts without spaces, where a word is a character, few are unique.
var stretches = []int{8, 3, 1}

// gram is a stretch of up to eight words; 0 fills up.
type gram [8]int32

// align matches the words of x and y, in order.
func align(x, y []int32) []pair {
	a := aligner{x: x, y: y}
	a.between(0, len(x), 0, len(y), 0)
	return a.out
}

type aligner struct {
	x, y []int32
	out  []pair
}

// between appends the matches of x[x0:x1] and y[y0:y1].
func (a *aligner) between(x0, x1, y0, y1, depth int) {
	for x0 < x1 && y0 < y1 && a.x[x0] == a.y[y0] {
		a.out = append(a.out, pair{x0, y0})
		x0, y0 = x0+1, y0+1
	}
	tail := 0
	for x0 < x1 && y0 < y1 && a.x[x1-1] == a.y[y1-1] {
		x1, y1, tail = x1-1, y1-1, tail+1
	}
	if x0 < x1 && y0 < y1 {
		if anchors := a.anchors(x0, x1, y0, y1, depth); len(anchors) > 0 {
			for _, p := range anchors {
				a.between(x0, p.x, y0, p.y, depth+1)
				a.out = append(a.out, p)
				x0, y0 = p.x+1, p.y+1
			}
			a.between(x0, x1, y0, y1, depth+1)
		} else if (x1-x0)*(y1-y0) <= cells {
			a.table(x0, x1, y0, y1)
		}
	}
	for i := range tail {
		a.out = append(a.out, pair{x1 + i, y1 + i})
	}
}

// anchors finds the longest sequence of unique stretches that stand in both ranges in the same order; of each, its first word.
func (a *aligner) anchors(x0, x1, y0, y1, depth int) []pair {
	if depth >= maxDepth {
		return nil
	}
	for _, k := range stretches {
		if x1-x0 < k || y1-y0 < k {
			continue
		}
		type place struct{ x, y int } // +1 each; 0: not seen, -1: seen again
		seen := make(map[gram]place, x1-x0)
		at := func(s []int32, i int) (g gram) {
			copy(g[:], s[i:i+k])
			return g
		}
		for i := x0; i+k <= x1; i++ {
			g := at(a.x, i)
			if seen[g].x == 0 {
				seen[g] = place{x: i + 1}
			} else {
				seen[g] = place{x: -1}
			}
		}
		for j := y0; j+k <= y1; j++ {
			g := at(a.y, j)
			p, ok := seen[g]
			switch {
			case !ok:
			case p.y == 0:
				p.y = j + 1
				seen[g] = p
			default:
				p.y = -1
				seen[g] = p
			}
		}
		var found []pair
		for _, p := range seen {
			if p.x > 0 && p.y > 0 {
				found = append(found, pair{p.x - 1, p.y - 1})
			}
		}
		if len(found) > 0 {
			slices.SortFunc(found, func(p, q pair) int { return p.x - q.x })
			return rising(found)
		}
	}
	return nil
}

// rising is a longest subsequence in which y rises, too. See Aldous and Diaconis, "Longest increasing subsequences: from patience
// sorting to the Baik-Deift-Johansson theorem", Bull. AMS 36 (1999).
func rising(list []pair) []pair {
	var piles []int // of each pile, the index of its top
	before := make([]int, len(list))
	for i, p := range list {
		n, _ := slices.BinarySearchFunc(piles, p.y, func(top, y int) int { return list[top].y - y })
		before[i] = -1
		if n > 0 {
			before[i] = piles[n-1]
		}
		if n == len(piles) {
			piles = append(piles, i)
		} else {
			piles[n] = i
		}
	}
	out := make([]pair, len(piles))
	for n, i := len(piles)-1, piles[len(piles)-1]; n >= 0; n, i = n-1, before[i] {
		out[n] = list[i]
	}
	return out
}

// table matches a small range by longest common subsequence.
func (a *aligner) table(x0, x1, y0, y1 int) {
	n, m := x1-x0, y1-y0
	best := make([]int32, (n+1)*(m+1)) // of the rests x[x0+i:x1], y[y0+j:y1]
	at := func(i, j int) *int32 { return &best[i*(m+1)+j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a.x[x0+i] == a.y[y0+j] {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case a.x[x0+i] == a.y[y0+j]:
			a.out = append(a.out, pair{x0 + i, y0 + j})
			i, j = i+1, j+1
		case *at(i+1, j) >= *at(i, j+1):
			i++
		default:
			j++
		}
	}
}
