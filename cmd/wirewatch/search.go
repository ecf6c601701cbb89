package main

import (
	"context"
	"fmt"
	"strings"

	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/pipeline/store"
)

func runSearch(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	lists := listsFlag(fs)
	dates := rangeFlags(fs, "")
	site := fs.String("site", "", "only of this `site` and its subdomains; short for site: in the query")
	lang := fs.String("lang", "", "only in this `language`; short for lang: in the query")
	limit := fs.Int("limit", 20, "so many on a page")
	page := fs.Int("page", 1, "which page")
	upto := fs.Int64("upto", 0, "only articles up to this `ID`, as a first page names it: so further pages follow on it while new articles arrive")
	best := fs.Bool("best", false, "the best first: what matches in the title, then in the first paragraph, then anywhere, of each the newest first; else the newest, which is stored last")
	asJSON := fs.Bool("json", false, "JSON lines")
	rest, err := v.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	if *limit < 1 || *page < 1 || *limit > 10000 || *page > 1000000 {
		return usagef("search: --limit is from 1 to 10000, --page from 1")
	}
	if *upto < 0 {
		return usagef("search: --upto takes the ID of an article")
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	r.UpTo = *upto
	q, err := parseQuery(e, *file, *lists, strings.Join(rest, " "))
	if err != nil {
		return err
	}
	for _, x := range []struct{ flag, value string }{{"site", *site}, {"lang", *lang}} {
		if x.value == "" {
			continue
		}
		if q, err = rules.ParseWith("("+q.String()+") AND "+x.flag+`:"`+x.value+`"`, q.Lists()); err != nil {
			return usagef("search --%s: %v", x.flag, err)
		}
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		res, err := newLab(e, st).Search(ctx, lab.Search{Query: q, Range: r, Best: *best, Limit: *limit, Page: *page})
		if err != nil {
			return err
		}
		rows := foundRows(res.Found)
		if *asJSON {
			if err := printJSON(e.stdout, rows); err != nil {
				return err
			}
		} else {
			colour := colours(e.stdout, e.getenv)
			for _, f := range rows {
				printFound(e.stdout, f, colour)
			}
		}
		from := (*page-1)**limit + 1
		switch {
		case len(rows) == 0 && *page > 1:
			fmt.Fprintf(e.stderr, "there is no page %d\n", *page)
		case len(rows) == 0:
			fmt.Fprintln(e.stderr, "nothing matches")
		case res.Total >= 0:
			fmt.Fprintf(e.stderr, "%d to %d of %d\n", from, from+len(rows)-1, res.Total)
		case res.More:
			fmt.Fprintf(e.stderr, "%d to %d; --page %d --upto %d goes on\n", from, from+len(rows)-1, *page+1, res.UpTo)
		}
		return tellScan(ctx, e, st, res.Scan)
	})
}
