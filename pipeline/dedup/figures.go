package dedup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// Some reports are forms that are filled in anew: earthquakes, exchange rates, the losses of a day, a court's calendar. Their words are
// the same and their figures are not, and each is news of its own. A copy or a later version that is as long and has most words
// in common keeps most figures too; one that was cut, expanded or rewritten is not judged by them.

const (
	perFigures  = 12   // most figures that are kept of a text
	fewFigures  = 4    // fewer on either side say nothing
	formFigures = 0.60 // a form has about as many each time, where an editor who writes them in words leaves few
	sameFigures = 0.50 // of the figures that both could share, the share that a copy or version has at least
	formLength  = 0.90 // the shorter of two forms is at least so long, measured by the longer
	formWords   = 0.50 // and has so much in common with it
)

// figures is a sample of the numbers that a text writes in digits: the smallest of their hashes, ascending, none of them zero, so that
// two texts are compared on the hashes up to where both samples reach (bottom-k sampling, Cohen and Kaplan 2007,
// doi:10.1145/1281100.1281133).
type figures [perFigures]uint16

func (f *figures) len() int {
	if n := slices.Index(f[:], 0); n >= 0 {
		return n
	}
	return perFigures
}

// figuresIn samples the numbers of a text, whose tokens are given. A number is a word that begins with a digit, with those behind it that a
// mark alone parts from it: 4.5, 11,000, 12:30.
func figuresIn(s string, tokens []text.Token) (f figures) {
	var all []uint16
	var h uint64
	end := -2
	for _, t := range tokens {
		if r, _ := utf8.DecodeRuneInString(t.Text); !unicode.IsDigit(r) {
			continue
		}
		if t.Start == end+1 && strings.IndexByte(".,:'", s[end]) >= 0 {
			all = all[:len(all)-1]
			h = mix(h ^ hashString(t.Text))
		} else {
			h = hashString(t.Text)
		}
		all = append(all, max(1, uint16(h>>48)))
		end = t.End
	}
	slices.Sort(all)
	copy(f[:], slices.Compact(all))
	return f
}

// share counts the figures in both samples, as far as both reach: in the one that has fewer of them, in the other, and in both.
func (f *figures) share(g *figures) (fewer, more, both int) {
	n, m := f.len(), g.len()
	top := uint16(1<<16 - 1)
	if n == perFigures {
		top = f[n-1]
	}
	if m == perFigures {
		top = min(top, g[m-1])
	}
	a, b := 0, 0
	i, j := 0, 0
	for i < n && f[i] <= top || j < m && g[j] <= top {
		switch {
		case j == m || i < n && f[i] < g[j]:
			a, i = a+1, i+1
		case i == n || g[j] < f[i]:
			b, j = b+1, j+1
		default:
			a, b, both = a+1, b+1, both+1
			i, j = i+1, j+1
		}
	}
	return min(a, b), max(a, b), both
}

// refilled says whether two texts that share so much are one form with other figures.
func refilled(e, c *entry, w weight) bool {
	if w.contained() < formWords || float64(min(e.units, c.units)) < formLength*float64(max(e.units, c.units)) {
		return false
	}
	fewer, more, both := e.figures.share(&c.figures)
	return fewer >= fewFigures && float64(fewer) >= formFigures*float64(more) && float64(both) < sameFigures*float64(fewer)
}
