package lab

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

// A Suggest asks what tells the hits of a rule that people marked wrong from its others.
type Suggest struct {
	Rule  rules.Rule
	Marks map[int64]pipeline.Judgement // by article; one that the rule does not match any more is passed over
	Range                              // of the hits that are not marked; marked ones count whenever they were
}

// A Tally counts stories: those marked wrong, those marked right, and hits that nobody marked.
type Tally struct {
	Wrong    int `json:"wrong"`
	Right    int `json:"right"`
	Unmarked int `json:"unmarked"`
}

// A Telling is a word, or two in a row, that stands more in one sort of hits than in the other.
type Telling struct {
	Term  string   `json:"term"`  // as a query
	Same  []string `json:"same"`  // other terms that stand in the very same stories, some of them
	In    Tally    `json:"in"`    // those stories
	Score float64  `json:"score"` // see score; above 0 it speaks for wrong
}

// A Proposal is a change of the rule's query.
type Proposal struct {
	Clause  string  `json:"clause"`  // AND NOT (…), or AND (…)
	Query   string  `json:"query"`   // the rule's with it, in canonical form
	Removes Tally   `json:"removes"` // the stories that would be hits no more
	Gain    float64 `json:"gain"`    // the share of the wrong that goes less that of the others, from 0 to 1
}

// A Suggestion is what Suggest finds.
type Suggestion struct {
	Of        Tally      // all stories that were looked at
	Words     []Telling  // those that speak for wrong, the strongest first; then those that speak for right
	Proposals []Proposal // the best first
	Scan
}

// Enough reports whether there are marks enough to learn from: with fewer, words differ by chance.
func (s Suggestion) Enough() bool { return s.Of.Wrong >= 3 && s.Of.Right+s.Of.Unmarked >= 5 }

// Weights and bounds of Suggest.
const (
	unmarkedWeight = 0.25 // of a hit that nobody marked, beside one marked right
	mostUnmarked   = 1000 // stories; the newest
	mostTerms      = 200  // that are asked of the matcher, of each side
	leastScore     = 1.64 // of a word that is listed: one in twenty of no meaning reaches it
	clauseScore    = 0.5  // of a term of a clause, whose gain is what counts; of a listed one where there are too few marks
	sameTerms      = 4    // that are named beside a term
	listedTerms    = 10   // of each side
	clauseTerms    = 4    // of a clause
	leastGain      = 0.1  // of a proposal; half of that for a further term
)

// Suggest compares the hits marked wrong with the others. A story counts once for each verdict, so that copies do not speak twice, and a
// hit that nobody marked counts as right, with a quarter of the weight; those of a story with a mark do not count.
//
// Words that are common in articles in which the rule does not match tell nothing and are left out.
//
// A proposal removes at most a tenth of the stories marked right and half of the unmarked ones. What it removes is asked of the
// matcher, not estimated.
func (l *Lab) Suggest(ctx context.Context, s Suggest) (Suggestion, error) {
	out := Suggestion{Words: []Telling{}, Proposals: []Proposal{}}
	q, err := rules.ParseWith(s.Rule.Query, s.Rule.Lists)
	if err != nil {
		return out, err
	}
	p := pile{marks: s.Marks, seen: map[int64]bool{}}
	if out.Scan, err = l.hits(ctx, s, q, &p); err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	p.settle()
	out.Of = p.all.tally()
	if out.Of.Wrong == 0 || out.Of.Right+out.Of.Unmarked == 0 {
		return out, nil
	}
	set, err := rules.Compile([]rules.Rule{s.Rule})
	if err != nil {
		return out, err
	}
	rest, err := l.background(ctx, set)
	if err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	terms, err := p.terms(rest)
	if err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	wrong, right := tellings(&p, terms)
	for _, side := range [][]*term{wrong, right} {
		for _, t := range side[:min(listedTerms, len(side))] {
			if out.Enough() && math.Abs(t.score) < leastScore {
				break
			}
			out.Words = append(out.Words, Telling{t.text, append([]string{}, t.same...), t.in.tally(), math.Round(t.score*100) / 100})
		}
	}
	out.Proposals = proposals(&p, q, wrong, right)
	return out, nil
}

// hits collects the rule's hits: those in the range, and those marked.
func (l *Lab) hits(ctx context.Context, s Suggest, q *rules.Query, p *pile) (Scan, error) {
	set, err := rules.Compile([]rules.Rule{s.Rule})
	if err != nil {
		return Scan{}, err
	}
	scan, err := l.each(ctx, set, rules.Required(q), s.Range, false, func(f Found) error {
		p.add(&f.Article)
		return nil
	})
	if err != nil {
		return scan, err
	}
	var rest []int64
	for id := range s.Marks {
		if !p.seen[id] {
			rest = append(rest, id)
		}
	}
	slices.SortFunc(rest, func(a, b int64) int { return cmp.Compare(b, a) })
	return scan, l.read(ctx, set, rest, func(found []Found) error {
		for i := range found {
			if len(found[i].Hits) > 0 {
				p.add(&found[i].Article)
			}
		}
		return nil
	})
}

// score is the log of the ratio of two odds, that a term stands in a wrong story and that it stands in another, over its standard error;
// half a story is added to each of the four counts, so that none is 0 (Haldane and Anscombe). Stories that nobody marked are weighted.
func score(in, of Tally) float64 {
	a, b := float64(in.Wrong), weighed(in)
	c, d := float64(of.Wrong)-a, weighed(of)-b
	a, b, c, d = a+.5, b+.5, c+.5, d+.5
	return (math.Log(a/c) - math.Log(b/d)) / math.Sqrt(1/a+1/b+1/c+1/d)
}

func weighed(t Tally) float64 { return float64(t.Right) + unmarkedWeight*float64(t.Unmarked) }

// tellings are the terms that speak for wrong, and those that speak for right, each side the strongest first. Of terms that stand in the very
// same stories the first stands for all.
func tellings(p *pile, terms []*term) (wrong, right []*term) {
	of := p.all.tally()
	known := map[string]*term{}
	for _, t := range terms {
		t.score = score(t.in.tally(), of)
	}
	slices.SortStableFunc(terms, func(a, b *term) int {
		return cmp.Or(cmp.Compare(math.Abs(b.score), math.Abs(a.score)), cmp.Compare(b.titles, a.titles), cmp.Compare(strings.Count(a.text, " "), strings.Count(b.text, " ")))
	})
	for _, t := range terms {
		first := known[t.in.key()]
		switch {
		case math.Abs(t.score) < clauseScore:
		case first != nil:
			if len(first.same) < sameTerms {
				first.same = append(first.same, t.text)
			}
		case t.score > 0:
			wrong, known[t.in.key()] = append(wrong, t), t
		default:
			right, known[t.in.key()] = append(right, t), t
		}
	}
	return wrong, right
}

// proposals are the clauses that take more of the wrong stories than of the others: of one term each, and of several.
func proposals(p *pile, q *rules.Query, wrong, right []*term) []Proposal {
	out := []Proposal{}
	of := p.all.tally()
	propose := func(not bool, terms []*term) {
		gone := p.removed(not, terms)
		gain := gainOf(gone, of)
		if gain < leastGain || tooMuch(gone, of) {
			return
		}
		clause := "AND "
		if not {
			clause = "AND NOT "
		}
		words := make([]string, len(terms))
		for i, t := range terms {
			words[i] = t.text
		}
		if s := strings.Join(words, " OR "); len(words) > 1 {
			clause += "(" + s + ")"
		} else {
			clause += s
		}
		with, err := rules.ParseWith("("+q.String()+") "+clause, q.Lists())
		if err != nil || slices.ContainsFunc(out, func(o Proposal) bool { return o.Clause == clause }) {
			return
		}
		out = append(out, Proposal{clause, with.String(), gone, math.Round(gain*100) / 100})
	}
	for not, side := range map[bool][]*term{true: wrong, false: right} {
		for _, t := range side[:min(listedTerms, len(side))] {
			propose(not, []*term{t})
		}
		propose(not, p.greedy(not, side))
	}
	slices.SortFunc(out, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.Gain, a.Gain), cmp.Compare(len(a.Clause), len(b.Clause)), cmp.Compare(a.Clause, b.Clause))
	})
	return out[:min(listedTerms, len(out))]
}

// tooMuch reports whether too much of what is right would go.
func tooMuch(gone, of Tally) bool { return gone.Right*10 > of.Right || gone.Unmarked*2 > of.Unmarked }

// gainOf is the share of the wrong that is gone less that of the others.
func gainOf(gone, of Tally) float64 {
	return float64(gone.Wrong)/float64(of.Wrong) - weighed(gone)/weighed(of)
}
