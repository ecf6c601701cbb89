package lab

import (
	"context"
	"fmt"
	"time"

	"wirewatch/alerts/rules"
)

// A Search asks for one page of the articles in which a query matches.
type Search struct {
	Query *rules.Query
	Range
	Best  bool // by standing, of each the newest first; else the newest first
	Limit int  // articles on a page, at least 1
	Page  int  // from 1
}

// A Result is a page of a search.
type Result struct {
	Found []Found
	More  bool  // there are further pages
	Total int   // how many articles match, where this is the last page; else -1
	UpTo  int64 // the last article that it looked at: with it in the range, further pages follow on this one whatever is stored since
	Scan
}

// Search looks a page up. Page by page, the newest and the best cost least: what is behind the page is not read. Where the query
// requires no word, all is read for the best.
func (l *Lab) Search(ctx context.Context, s Search) (Result, error) {
	set, err := rules.Compile([]rules.Rule{{Name: "search", Query: s.Query.String(), Lists: s.Query.Lists()}})
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	if s.UpTo == 0 {
		last, err := l.Archive.Candidates(ctx, nil, time.Time{}, 0, 1)
		if err != nil {
			return Result{}, fmt.Errorf("search: %w", err)
		}
		if len(last) > 0 {
			s.UpTo = last[0]
		}
	}
	need := rules.Required(s.Query)
	p := pager{from: (s.Page - 1) * s.Limit, to: s.Page * s.Limit}
	var scan Scan
	switch {
	case !s.Best:
		scan, err = l.each(ctx, set, need, s.Range, false, p.take)
	case len(need) == 0:
		scan, err = l.sortAll(ctx, set, s, &p)
	default:
		scan, err = l.byStanding(ctx, set, need, s, &p)
	}
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	r := Result{Found: p.found, More: p.n > p.to, Total: p.n, UpTo: s.UpTo, Scan: scan}
	if r.More {
		r.Total = -1
	}
	return r, nil
}

// Newest is the newest article that a rule matches, with the rule's own limits. ok: there is one.
func (l *Lab) Newest(ctx context.Context, r rules.Rule) (f Found, ok bool, err error) {
	q, err := rules.ParseWith(r.Query, r.Lists)
	if err != nil {
		return f, false, err
	}
	set, err := rules.Compile([]rules.Rule{r})
	if err != nil {
		return f, false, err
	}
	_, err = l.each(ctx, set, rules.Required(q), Range{}, false, func(x Found) error {
		f, ok = x, true
		return errEnough
	})
	return f, ok, err
}

// A pager picks a page from what it is given in order.
type pager struct {
	from, to int // a half-open range of places
	n        int // given so far
	found    []Found
}

// take is errEnough where a further page is seen to begin.
func (p *pager) take(f Found) error {
	if p.n++; p.n > p.to {
		return errEnough
	}
	if p.n > p.from {
		p.found = append(p.found, f)
	}
	return nil
}

// byStanding looks in the index for one standing after the other, so that it need not read what stands behind the page.
func (l *Lab) byStanding(ctx context.Context, set *rules.Set, need [][]string, s Search, p *pager) (Scan, error) {
	all := Scan{Required: true}
	for st := InTitle; st < standings && p.n <= p.to; st++ {
		scan, err := l.each(ctx, set, st.need(need), s.Range, false, func(f Found) error {
			if standing(set, &f.Article) != st {
				return nil
			}
			return p.take(f)
		})
		all.Read += scan.Read
		all.Took += scan.Took
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// sortAll reads everything and keeps of each standing no more than the page may need.
func (l *Lab) sortAll(ctx context.Context, set *rules.Set, s Search, p *pager) (Scan, error) {
	var by [standings][]Found
	scan, err := l.each(ctx, set, nil, s.Range, false, func(f Found) error {
		st := standing(set, &f.Article)
		if len(by[st]) <= p.to {
			by[st] = append(by[st], f)
		}
		return nil
	})
	for _, found := range by {
		for _, f := range found {
			if p.take(f) != nil {
				return scan, err
			}
		}
	}
	return scan, err
}
