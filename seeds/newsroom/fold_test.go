package newsroom

import (
	"strings"
	"testing"
)

// TestOnlyWireCopiesAreAlike: copies must be near enough to fold and all else
// far enough not to, or the demo could not tell a right fold from a wrong one.
func TestOnlyWireCopiesAreAlike(t *testing.T) {
	n, _ := serve(t)
	gold := n.Articles()
	sets := make([]map[string]bool, len(gold))
	for i, g := range gold {
		sets[i] = shingles(strings.Join(g.Body, " "))
	}
	copies := 0
	for i, a := range gold {
		for j, b := range gold[:i] {
			common := 0
			for s := range sets[i] {
				if sets[j][s] {
					common++
				}
			}
			like := float64(common) / float64(len(sets[i])+len(sets[j])-common)
			root := func(g Gold) string {
				if g.Wire != "" {
					return g.Wire
				}
				return g.ID
			}
			switch same := root(a) == root(b); {
			case same && like < 0.6:
				t.Errorf("%s and %s are the same report and only %.2f alike", a.ID, b.ID, like)
			case same:
				copies++
				if a.Title == b.Title {
					t.Errorf("%s and %s have one headline", a.ID, b.ID)
				}
				t.Logf("%s %s: %.2f", a.ID, b.ID, like)
			case like > 0.05:
				t.Errorf("%s and %s are %.2f alike and have nothing in common", a.ID, b.ID, like)
			}
		}
	}
	if copies != 6 {
		t.Errorf("%d pairs of copies, want the six of four outlets", copies)
	}
}

func shingles(s string) map[string]bool {
	w := words(s)
	out := map[string]bool{}
	for i := 0; i+3 <= len(w); i++ {
		out[strings.Join(w[i:i+3], " ")] = true
	}
	return out
}

func TestRelatedArticlesStandWholeWithRelativeTimes(t *testing.T) {
	n, _ := serve(t)
	g, _ := n.Gold("eq4")
	r, _ := n.Gold("eq2")
	var related []string
	for _, x := range g.Removed {
		if x.Classes[0] == "related" {
			related = append(related, x.Text)
		}
	}
	all := strings.Join(related, "\n")
	for _, want := range append([]string{"Related Articles", "34 minutes ago", r.Title}, r.Body...) {
		if !strings.Contains(all, want) {
			t.Errorf("related articles lack %q", clip(want))
		}
	}
}
