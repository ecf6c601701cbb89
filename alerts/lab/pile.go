package lab

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/text"
)

// A pile is the hits that Suggest compares, a story once.
type pile struct {
	marks map[int64]pipeline.Judgement
	seen  map[int64]bool // articles
	hits  []hit
	all   heap
}

type hit struct {
	doc   *rules.Doc
	story int64
	said  pipeline.Judgement
}

// add takes an article that the rule matches; the newest come first.
func (p *pile) add(a *pipeline.Article) {
	if p.seen[a.ID] {
		return
	}
	p.seen[a.ID] = true
	p.hits = append(p.hits, hit{Doc(a), a.Story, p.marks[a.ID]})
}

// settle takes out what does not count.
func (p *pile) settle() {
	type verdict struct {
		story int64
		said  pipeline.Judgement
	}
	known, marked := map[verdict]bool{}, map[int64]bool{}
	for _, h := range p.hits {
		marked[h.story] = marked[h.story] || h.said != ""
	}
	unmarked := 0
	p.hits = slices.DeleteFunc(p.hits, func(h hit) bool {
		v := verdict{h.story, h.said}
		if known[v] || h.said == "" && (marked[h.story] || unmarked == mostUnmarked) {
			return true
		}
		if known[v] = true; h.said == "" {
			unmarked++
		}
		return false
	})
	p.all = make(heap, len(p.hits))
	for i, h := range p.hits {
		p.all[i] = of(h.said)
	}
}

// A heap says of each story of a pile how it counts where something stands in it; 0 where it does not.
type heap []byte

func of(said pipeline.Judgement) byte {
	switch said {
	case pipeline.Wrong:
		return 'w'
	case pipeline.Right:
		return 'r'
	}
	return 'u'
}

func (h heap) tally() (t Tally) {
	for _, x := range h {
		switch x {
		case 'w':
			t.Wrong++
		case 'r':
			t.Right++
		case 'u':
			t.Unmarked++
		}
	}
	return t
}

func (h heap) key() string { return string(h) }

// A term is a word or two in a row, and the stories that it stands in, as the matcher finds it.
type term struct {
	text   string
	in     heap
	same   []string // other terms that stand in the very same stories
	titles int      // titles it stands in
	score  float64
}

// terms are those that may tell: of the wrong stories' words those that stand in two at least (of a single story all), of the others'
// those that stand in a fifth of a sample of them; of neither what is common in the rest of the archive.
func (p *pile) terms(rest background) ([]*term, error) {
	wrong, right := map[string]int{}, map[string]int{}
	wrongs, rights := 0, 0
	for _, h := range p.hits {
		in := right
		switch {
		case h.said == pipeline.Wrong:
			in = wrong
			wrongs++
		case rights == mostTerms:
			continue
		default:
			rights++
		}
		once := map[string]bool{}
		for _, f := range []string{h.doc.Title, h.doc.Body} {
			for _, g := range grams(f) {
				if !once[g] {
					once[g] = true
					in[g]++
				}
			}
		}
	}
	common := func(counts, other map[string]int, least, size, otherSize int) (out []string) {
		share := func(g string) float64 {
			return float64(counts[g])/float64(size) - float64(other[g])/float64(max(1, otherSize))
		}
		for g, n := range counts {
			if n >= least && share(g) > 0 && !rest.common(g) {
				out = append(out, g)
			}
		}
		slices.SortFunc(out, func(a, b string) int {
			if x, y := share(a), share(b); x != y {
				return map[bool]int{true: -1, false: 1}[x > y]
			}
			return strings.Compare(a, b)
		})
		return out[:min(len(out), mostTerms)]
	}
	texts := common(wrong, right, min(2, wrongs), wrongs, rights)
	for _, g := range common(right, wrong, max(1, (rights+4)/5), rights, wrongs) {
		if !slices.Contains(texts, g) {
			texts = append(texts, g)
		}
	}
	return p.ask(texts)
}

// ask asks the matcher where terms stand.
func (p *pile) ask(texts []string) ([]*term, error) {
	var list []rules.Rule
	var out []*term
	for _, g := range texts {
		if strings.Contains(g, " ") {
			g = `"` + g + `"`
		}
		if q, err := rules.Parse(g); err != nil || q.String() != g {
			continue
		}
		list = append(list, rules.Rule{Name: strconv.Itoa(len(out)), Query: g})
		out = append(out, &term{text: g, in: make(heap, len(p.hits))})
	}
	set, err := rules.Compile(list)
	if err != nil {
		return nil, err
	}
	for i, h := range p.hits {
		for _, found := range set.Match(h.doc) {
			n, err := strconv.Atoi(found.Rule)
			if err != nil {
				return nil, err
			}
			out[n].in[i] = p.all[i]
			if slices.ContainsFunc(found.Spans, func(s rules.Span) bool { return s.Field == "title" }) {
				out[n].titles++
			}
		}
	}
	return out, nil
}

// removed are the stories that a clause of terms removes: with not those in which one of them stands, else those in which none does.
func (p *pile) removed(not bool, terms []*term) Tally {
	gone := make(heap, len(p.all))
	for i := range p.all {
		if slices.ContainsFunc(terms, func(t *term) bool { return t.in[i] != 0 }) == not {
			gone[i] = p.all[i]
		}
	}
	return gone.tally()
}

// greedy puts a clause together, term by term, as long as each adds enough.
func (p *pile) greedy(not bool, side []*term) (clause []*term) {
	all, best := p.all.tally(), -1.0
	for len(clause) < clauseTerms {
		var next *term
		least := best + leastGain/2
		for _, t := range side {
			gone := p.removed(not, append(slices.Clip(clause), t))
			if not && tooMuch(gone, all) { // and more with each further term
				continue
			}
			if gain := gainOf(gone, all); gain > least {
				next, least = t, gain
			}
		}
		if next == nil {
			break
		}
		clause, best = append(clause, next), least
	}
	return clause
}

// grams are the words of a text and the pairs of neighbours with nothing but white space between, folded, in order and with repetition. Of
// writing without spaces the pairs of characters stand for words.
func grams(s string) []string {
	tokens := text.Tokens(s)
	out := make([]string, 0, 2*len(tokens))
	for i, t := range tokens {
		first, _ := utf8.DecodeRuneInString(t.Text)
		alone := text.Spaceless(first)
		long := utf8.RuneCountInString(t.Text) > 1
		if !alone && long {
			out = append(out, t.Text)
		}
		if i+1 == len(tokens) {
			break
		}
		next := tokens[i+1]
		between := s[t.End:next.Start]
		second, _ := utf8.DecodeRuneInString(next.Text)
		switch {
		case alone && text.Spaceless(second) && between == "":
			out = append(out, t.Text+next.Text)
		case !alone && long && !text.Spaceless(second) && utf8.RuneCountInString(next.Text) > 1 && between != "" && strings.TrimSpace(between) == "" && !strings.Contains(between, "\n"):
			out = append(out, t.Text+" "+next.Text)
		}
	}
	return out
}
