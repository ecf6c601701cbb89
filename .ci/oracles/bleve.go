package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	"github.com/blevesearch/bleve/v2/analysis/token/unicodenorm"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bq "github.com/blevesearch/bleve/v2/search/query"
)

// peer is a bleve index whose words are those of Unicode's segmentation (UAX #29), in NFKC and lower case.
type peer struct {
	index    bleve.Index
	analyzer analysis.Analyzer
	n        int
}

func newPeer(articles []*article) (*peer, error) {
	m := bleve.NewIndexMapping()
	err := m.AddCustomTokenFilter("nfkc", map[string]any{"type": unicodenorm.Name, "form": unicodenorm.NFKC})
	if err != nil {
		return nil, err
	}
	err = m.AddCustomAnalyzer("words", map[string]any{"type": custom.Name, "tokenizer": unicode.Name, "token_filters": []string{"nfkc", lowercase.Name}})
	if err != nil {
		return nil, err
	}
	m.DefaultAnalyzer = "words"
	for _, name := range []string{"title", "body"} {
		f := bleve.NewTextFieldMapping()
		f.Store, f.DocValues, f.IncludeInAll = false, false, false
		m.DefaultMapping.AddFieldMappingsAt(name, f)
	}
	p := &peer{n: len(articles), analyzer: m.AnalyzerNamed("words")}
	if p.index, err = bleve.NewUsing("", m, scorch.Name, scorch.Name, nil); err != nil {
		return nil, err
	}
	b := p.index.NewBatch()
	for i, a := range articles {
		if err := b.Index(strconv.Itoa(i), map[string]string{"title": a.Title, "body": a.Body}); err != nil {
			return nil, err
		}
	}
	return p, p.index.Batch(b)
}

func (p *peer) name() string { return "bleve" }

func (p *peer) knows(op string) bool { return op != "near" }

func (p *peer) close() error { return p.index.Close() }

func (p *peer) query(q *query) bq.Query {
	switch q.op {
	case "and":
		return bleve.NewConjunctionQuery(p.query(q.kids[0]), p.query(q.kids[1]))
	case "or":
		return bleve.NewDisjunctionQuery(p.query(q.kids[0]), p.query(q.kids[1]))
	case "not":
		b := bleve.NewBooleanQuery()
		b.AddMust(p.query(q.kids[0]))
		b.AddMustNot(p.query(q.kids[1]))
		return b
	}
	var any []bq.Query
	for _, field := range []string{"title", "body"} {
		if q.field != "" && q.field != field {
			continue
		}
		any = append(any, p.leaf(q, field))
	}
	return bleve.NewDisjunctionQuery(any...)
}

func (p *peer) leaf(q *query, field string) bq.Query {
	w := q.words[0]
	fielded := func(x interface {
		bq.Query
		SetField(string)
	}) bq.Query {
		x.SetField(field)
		return x
	}
	switch {
	case q.op == "prefix":
		return fielded(bleve.NewPrefixQuery(p.folded(w)))
	case q.op == "pattern" && w[0] == '/':
		return fielded(bleve.NewRegexpQuery(p.folded(strings.Trim(w, "/"))))
	case q.op == "pattern":
		return fielded(bleve.NewWildcardQuery(p.folded(w)))
	}
	return fielded(bleve.NewMatchPhraseQuery(w))
}

// folded is the beginning of a word, or a pattern, as the filters of the analyzer leave it. It is in lower case before: bleve's own
// filter leaves broken bytes behind where two letters of a token become shorter, as İ does twice in (İzm|İz).
func (p *peer) folded(w string) string {
	stream := analysis.TokenStream{&analysis.Token{Term: []byte(strings.ToLower(w))}}
	for _, f := range p.analyzer.(*analysis.DefaultAnalyzer).TokenFilters {
		stream = f.Filter(stream)
	}
	return string(stream[0].Term)
}

func (p *peer) decide(q *query) (map[int]bool, error) {
	req := bleve.NewSearchRequestOptions(p.query(q), p.n, 0, false)
	req.Score = "none"
	res, err := p.index.Search(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.rule(), err)
	}
	out := make(map[int]bool, len(res.Hits))
	for _, h := range res.Hits {
		id, err := strconv.Atoi(h.ID)
		if err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, nil
}

func (p *peer) where(q *query, doc int) ([]span, error) {
	req := bleve.NewSearchRequestOptions(bleve.NewConjunctionQuery(p.query(q), bleve.NewDocIDQuery([]string{strconv.Itoa(doc)})), 1, 0, false)
	req.IncludeLocations = true
	res, err := p.index.Search(req)
	if err != nil {
		return nil, err
	}
	var out []span
	for _, h := range res.Hits {
		for field, terms := range h.Locations {
			for _, l := range terms {
				for _, x := range l {
					out = append(out, span{field, int(x.Start), int(x.End)})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b span) int {
		if a.field != b.field {
			return strings.Compare(b.field, a.field)
		}
		return a.start - b.start
	})
	n := 1 // words of a phrase, each of which has a place of its own
	if q.op == "phrase" || q.op == "word" {
		n = max(1, len(p.analyzer.Analyze([]byte(q.words[0]))))
	}
	for i := 0; n > 1 && i+n <= len(out); i++ {
		out[i].end = out[i+n-1].end
		out = slices.Delete(out, i+1, i+n)
	}
	return out, nil
}
