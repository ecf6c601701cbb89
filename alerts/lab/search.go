package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"wirewatch/alerts/rules"
)

// A Search asks for one page of the articles in which a query matches.
type Search struct {
	Query *rules.Query
	Range
	Best  bool // the best first; else the newest
	Limit int  // articles on a page, at least 1
	Page  int  // from 1
}

// A Result is a page of a search.
type Result struct {
	Found []Found
	More  bool // there are further pages
	Total int  // how many articles match, where all were looked at; else -1
	Scan
}

// Search looks a page up. The newest pages cost least; the best are known only when all are read.
func (l *Lab) Search(ctx context.Context, s Search) (Result, error) {
	r := Result{Total: -1}
	set, err := rules.Compile([]rules.Rule{{Name: "search", Query: s.Query.String(), Lists: s.Query.Lists()}})
	if err != nil {
		return r, fmt.Errorf("search: %w", err)
	}
	from := (s.Page - 1) * s.Limit
	n := 0
	r.Scan, err = l.each(ctx, set, rules.Required(s.Query), s.Range, false, func(f Found) error {
		n++
		if s.Best {
			r.Found = append(r.Found, f)
			if len(r.Found) >= 2*(from+s.Limit)+1000 {
				r.Found = best(r.Found, from+s.Limit)
			}
			return nil
		}
		if n > from+s.Limit {
			r.More = true
			return errEnough
		}
		if n > from {
			r.Found = append(r.Found, f)
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("search: %w", err)
	}
	if s.Best {
		r.Found = best(r.Found, from+s.Limit)
		r.Found, r.More = r.Found[min(from, len(r.Found)):], n > from+s.Limit
	}
	if !r.More || s.Best {
		r.Total = n
	}
	return r, nil
}

// best are the n best in order.
func best(l []Found, n int) []Found {
	slices.SortStableFunc(l, func(a, b Found) int {
		return cmp.Or(cmp.Compare(Score(&b), Score(&a)), cmp.Compare(b.Article.ID, a.Article.ID))
	})
	return l[:min(n, len(l))]
}

// Score says how much an article is about what matched: places in the title count four each, up to three of them, places in the body
// one, up to twelve, and less in a text that is longer than 4,000 bytes; all else nothing.
func Score(f *Found) float64 {
	title, body := 0, 0
	for _, s := range f.Spans() {
		switch s.Field {
		case "title":
			title++
		case "body":
			body++
		}
	}
	long := max(1, float64(len(f.Article.Body))/4000)
	return 4*float64(min(title, 3)) + float64(min(body, 12))/long
}
