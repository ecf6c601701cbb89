package sitemap

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Period is the time that the name of a sitemap tells: From belongs to it, To does not. The zero Period is none.
type Period struct{ From, To time.Time }

var number = regexp.MustCompile(`\d+`)

// Periods reads the names of the children of one index, by their addresses, for the periods of their contents:
// "sitemap-2019-03.xml", "/2019/03/", "post-sitemap-201903", "?yyyy=2019". There is one period for each address, in UTC.
//
// A number is a date only where it is one in every name of the same make, so that the 2019th of 3,000 numbered sitemaps is not taken for a
// year, nor the tenth part of one for October. Of several dates in a name the period spans all.
func Periods(addresses []string, now time.Time) []Period {
	families := map[string][]int{}
	names := make([]string, len(addresses))
	for i, a := range addresses {
		if u, err := url.Parse(a); err == nil {
			names[i] = u.EscapedPath() + "?" + u.RawQuery
		}
		make := number.ReplaceAllString(names[i], "0")
		families[make] = append(families[make], i)
	}
	out := make([]Period, len(addresses))
	for _, family := range families {
		periods(names, family, now, out)
	}
	return out
}

// periods reads the names of one family, which differ in their numbers alone.
func periods(names []string, family []int, now time.Time, out []Period) {
	runs := make([][]string, len(family))
	for i, f := range family {
		runs[i] = number.FindAllString(names[f], -1)
	}
	gaps := number.Split(names[family[0]], -1) // what stands between the numbers is the same in all
	all := func(at int, is func(string) bool) bool {
		return at < len(runs[0]) && !slices.ContainsFunc(runs, func(r []string) bool { return !is(r[at]) })
	}
	year := func(s string) bool { return len(s) == 4 && between(s, 1700, now.Year()+1) }
	month := func(s string) bool { return len(s) == 2 && between(s, 1, 12) }
	day := func(s string) bool { return len(s) == 2 && between(s, 1, 31) }
	joined := func(at int) bool { return at < len(gaps)-1 && len(gaps[at]) == 1 && strings.Contains("-_/.", gaps[at]) }
	for at := 0; at < len(runs[0]); at++ {
		parts, span := 0, 1 // of a date: year, month, day; numbers that they take
		switch {
		case all(at, func(s string) bool { return len(s) == 8 && year(s[:4]) && month(s[4:6]) && day(s[6:]) }):
			parts = 3
		case all(at, func(s string) bool { return len(s) == 6 && year(s[:4]) && month(s[4:]) }):
			parts = 2
		case all(at, year):
			parts = 1
			if joined(at+1) && all(at+1, month) {
				parts, span = 2, 2
				if joined(at+2) && all(at+2, day) {
					parts, span = 3, 3
				}
			}
		default:
			continue
		}
		for i, f := range family {
			out[f].add(strings.Join(runs[i][at:at+span], ""), parts)
		}
		at += span - 1
	}
}

// overviews are the sitemaps of what is no article, as WordPress and its plug-ins name them, and the one of articles that stands beside them.
var overviews = []struct{ of, beside *regexp.Regexp }{
	{regexp.MustCompile(`/wp-sitemap-(?:taxonomies|users)-[^/]+\.xml$`), regexp.MustCompile(`/wp-sitemap-posts-[^/]+\.xml$`)},
	{regexp.MustCompile(`/(?:category|post_tag|post_format|author)-sitemap\d*\.xml$`), regexp.MustCompile(`/post-sitemap\d*\.xml$`)},
}

// Overviews reads the names of the children of one index for those that list categories, tags and authors: pages that show articles
// and are none, by the thousand on many sites. There is one answer for each address. A name counts only beside that of a sitemap of posts, so that
// one that means something else elsewhere is read.
func Overviews(addresses []string) []bool {
	paths := make([]string, len(addresses))
	for i, a := range addresses {
		if u, err := url.Parse(a); err == nil {
			paths[i] = strings.TrimSuffix(strings.ToLower(u.Path), ".gz")
		}
	}
	out := make([]bool, len(addresses))
	for _, o := range overviews {
		if !slices.ContainsFunc(paths, o.beside.MatchString) {
			continue
		}
		for i, p := range paths {
			out[i] = out[i] || o.of.MatchString(p)
		}
	}
	return out
}

func between(s string, low, high int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= low && n <= high
}

// add makes the period span the date that the digits say.
func (p *Period) add(digits string, parts int) {
	y, _ := strconv.Atoi(digits[:4])
	m, d := 1, 1
	if parts > 1 {
		m, _ = strconv.Atoi(digits[4:6])
	}
	if parts > 2 {
		d, _ = strconv.Atoi(digits[6:8])
	}
	from := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(1, 0, 0)
	if parts == 2 {
		to = from.AddDate(0, 1, 0)
	} else if parts == 3 {
		to = from.AddDate(0, 0, 1)
	}
	if p.To.IsZero() || from.Before(p.From) {
		p.From = from
	}
	if to.After(p.To) {
		p.To = to
	}
}
