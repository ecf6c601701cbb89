package rules

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The tables find of any word exactly the atoms that a look at all of them finds.
func TestLexiconFindsWhatALookAtAllAtomsFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	letters := []string{"a", "b", "c", "z", "9", "я", "한", "朝", "é"}
	random := func(most int) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	found := 0
	for range 30 {
		s := &Set{}
		seen := map[string]bool{}
		for range r.IntN(300) {
			w := random([]int{2, 4, 20}[r.IntN(3)])
			wild := r.IntN(2) == 0
			if wild {
				w += []string{"*", "?", "*a", "??*", "*b*"}[r.IntN(5)]
				if r.IntN(5) == 0 {
					w = "?" + w
				}
			}
			exact := ""
			if !wild && r.IntN(4) == 0 {
				exact = w
			}
			if !seen[w+" "+exact] {
				seen[w+" "+exact] = true
				s.atoms = append(s.atoms, atom{text: w, wild: wild, exact: exact})
			}
		}
		s.lexicon.build(s.atoms)
		for range 400 {
			w := random([]int{2, 4, 20}[r.IntN(3)])
			if n := len(s.atoms); n > 0 && r.IntN(3) == 0 {
				w = strings.NewReplacer("*", "", "?", "a").Replace(s.atoms[r.IntN(n)].text) + w[:r.IntN(2)*len(w)]
			}
			m := &scratch{set: s, tally: make([]tally, len(s.atoms)), round: 1}
			m.look([]byte(w), 0, 1, false)
			var want []int32
			for id, a := range s.atoms {
				if a.exact == "" && (!a.wild && a.text == w || a.wild && glob(a.text, w)) {
					want = append(want, int32(id))
				}
			}
			slices.Sort(m.hit)
			if !slices.Equal(m.hit, want) {
				t.Fatalf("%q: %v, want %v among %v", w, m.hit, want, s.atoms)
			}
			found += len(want)
		}
	}
	if found < 1000 {
		t.Errorf("only %d found: the comparison says little", found)
	}
}
