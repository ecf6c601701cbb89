package extract

import (
	"strings"
	"testing"
)

// A page whose container holds two thirds of the weight: each kind of score can be worked out by hand.
func TestScores(t *testing.T) {
	x := newExtractor(t)
	prose := "The harbour board voted on Tuesday to close the northern basin while divers clear the wreck there."
	page := `<html><body><nav><a href="/">Home</a></nav><article><h1>Basin closed</h1>` +
		strings.Repeat("<p>"+prose+"</p><p>The divers said in a statement that they would need until the end of the month at least.</p>", 1) +
		`<h2>What comes next</h2><p>Owners of smaller boats, <a href="/x">the board</a> said, were told to leave before Friday, when the crane comes.</p>
<p>Advertisement</p><p><a href="/2">Old lighthouse to become a school, and the town is glad</a> today</p>
<p>Reporting by Ann Reed; Editing by Tom Quay</p></article>
<div><p>The ferry line adds a night crossing from the first of May, it said.</p></div></body></html>`
	a, err := x.Extract(Input{HTML: []byte(page)})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Block{}
	for _, b := range a.Blocks {
		if b.Score < 0 || b.Score > 1 {
			t.Errorf("%q has the score %v", b.Text, b.Score)
		}
		by[strings.Fields(b.Text)[0]] = b
	}
	for word, want := range map[string]struct {
		kept     bool
		min, max float64
	}{
		"Home":          {false, 0.99, 1}, // a menu without any prose
		"The":           {false, 0.7, 0.9},
		"What":          {true, 0, 0},        // a heading, kept for its place
		"Owners":        {true, 0.6, 0.9},    // the container's share, less the link
		"Advertisement": {false, 1, 1},       // the whole block
		"Old":           {false, 0.85, 0.97}, // the link's share
		"Reporting":     {false, 0.2, 1},
	} {
		if b := by[word]; b.Kept != want.kept || b.Score < want.min || b.Score > want.max {
			t.Errorf("%s: kept %v by %q with the score %v, want %v, from %v to %v", word, b.Kept, b.Rule, b.Score, want.kept, want.min, want.max)
		}
	}
}

// The score of an entry is the share of the block it matched; weak entries count together.
func TestLexiconStrength(t *testing.T) {
	x := newExtractor(t)
	long := "Sign up for our newsletter"
	short, err := x.Extract(Input{Text: "The basin is closed, the board said.\n\n" + long + ".\n\n" + long + " and read every morning what the coast talks about."})
	if err != nil {
		t.Fatal(err)
	}
	if b := short.Blocks; len(b) != 3 || b[0].Score != 1 || b[1].Kept || b[2].Kept || b[1].Score <= b[2].Score || b[2].Score == 0 {
		t.Errorf("got %+v", b)
	}
}
