package past

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// A urlList is a file with an address a line. What follows the address, behind white space or, in a file that begins with names of columns,
// in the column of that name, may be the date of publication. Lines that begin with # and empty ones say nothing.
type urlList struct {
	path  string
	sites []string
}

func newURLList(arg string, d Deps) (pipeline.Past, error) {
	path, err := filePath(arg)
	return &urlList{path, d.Sites}, err
}

// longestAddress is the longest line, in bytes, of a list of addresses.
const longestAddress = 64 << 10

// Name implements pipeline.Past.
func (u *urlList) Name() string { return "urls " + u.path }

// Check says whether the file can be read.
func (u *urlList) Check() error { return checkLines(u.path) }

// Estimate reads the list, which takes no time beside what it brings.
func (u *urlList) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	e := pipeline.Estimate{Requests: map[string]int{}}
	err := u.Walk(ctx, r, "", func(f pipeline.Find) error {
		if f.Err == nil {
			e.Articles++
			e.Requests[scrapers.Host(f.Entry.URL)]++
			e.About = e.About || f.Entry.Published.IsZero() && !r.Holds(time.Time{})
		}
		return nil
	})
	if info, serr := os.Stat(u.path); serr == nil {
		e.Bytes = info.Size()
	}
	return e, err
}

// Walk implements pipeline.Past.
func (u *urlList) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	columns, err := u.columns()
	if err != nil {
		return err
	}
	l, err := openLines(u.path, cursor, longestAddress)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.each(ctx, func(line []byte, at string, err error) error {
		f := pipeline.Find{Cursor: at}
		text := strings.TrimSpace(string(line))
		switch {
		case err != nil:
			f.Err = fmt.Errorf("%s: the line is longer than %s, which no address is", l.place(), scrapers.FormatSize(longestAddress))
		case text == "" || text[0] == '#' || l.line == 1 && columns.named:
			return nil
		default:
			var date string
			f.Entry.URL, date, f.Err = columns.cut(text)
			f.Entry.PublishedRaw = date
			f.Entry.Published, _ = feed.ParseDate(date) // what is no date is some other column
			if f.Err == nil {
				f.Err = addressError(f.Entry.URL)
			}
			if f.Err != nil {
				f.Err = fmt.Errorf("%s: %w", l.place(), f.Err)
			} else if !mayHold(r, f.Entry.Published) || !scrapers.OfSites(u.sites, f.Entry.URL) {
				return nil
			}
		}
		return found(f)
	})
}

// addressError says why something is not a page's address; nil: it is.
func addressError(s string) error {
	if scrapers.Host(s) != pipeline.NoHost {
		return nil
	}
	if scrapers.Host("https://"+s) != pipeline.NoHost && strings.Contains(s, ".") && !strings.ContainsAny(s, " :") {
		return fmt.Errorf("%q is no whole address; write https:// in front of it", shorten(s))
	}
	return fmt.Errorf("%q is no address of a page; it should look like https://example.org/article", shorten(s))
}

// urlColumns says where in a line address and date stand.
type urlColumns struct {
	named     bool // the first line names the columns
	comma     rune
	url, date int // date -1: there is none
}

var (
	urlNames  = []string{"url", "link", "address", "loc", "href"}
	dateNames = []string{"published", "date", "pubdate", "published_at", "publication_date"}
)

// columns reads the names of columns, where the first line has them. It is read at each walk, wherever that begins.
func (u *urlList) columns() (urlColumns, error) {
	c := urlColumns{comma: ',', date: 1}
	l, err := openLines(u.path, "", longestAddress)
	if err != nil {
		return c, err
	}
	defer l.Close()
	line, _, err := l.next()
	if err != nil {
		return c, nil // the walk says so
	}
	for _, comma := range ",;\t" {
		fields, err := fieldsOf(string(line), comma)
		if err != nil {
			continue
		}
		for i := range fields {
			fields[i] = strings.ToLower(strings.TrimSpace(fields[i]))
		}
		named := func(names []string) int {
			return slices.IndexFunc(fields, func(f string) bool { return slices.Contains(names, f) })
		}
		if at := named(urlNames); at >= 0 {
			return urlColumns{named: true, comma: comma, url: at, date: named(dateNames)}, nil
		}
	}
	return c, nil
}

func fieldsOf(line string, comma rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = comma, -1, true
	return r.Read()
}

// commaDate is a date behind a comma, at the end of a line without named columns. Addresses have commas too, so no other is taken for the
// end of one.
var commaDate = regexp.MustCompile(`^(\S+?)[,;]\s*"?(\d{4}-\d\d-\d\d[^,;"]*)"?$`)

// cut takes a line apart.
func (c urlColumns) cut(line string) (address, date string, err error) {
	if c.named || line[0] == '"' {
		fields, err := fieldsOf(line, c.comma)
		if err != nil {
			return "", "", errors.New("the quotes in the line do not close; a row has to stand on one line")
		}
		if c.url >= len(fields) {
			return "", "", fmt.Errorf("the line has %d columns, and the address should be in column %d", len(fields), c.url+1)
		}
		if c.date >= 0 && c.date < len(fields) {
			date = strings.TrimSpace(fields[c.date])
		}
		return strings.TrimSpace(fields[c.url]), date, nil
	}
	if m := commaDate.FindStringSubmatch(line); m != nil {
		return m[1], strings.TrimSpace(m[2]), nil
	}
	if i := strings.IndexAny(line, " \t"); i >= 0 && scrapers.Host(line[:i]) != pipeline.NoHost {
		return line[:i], strings.TrimSpace(line[i:]), nil
	}
	return line, "", nil
}

// mayHold reports whether what a source dates so can lie in the range. A day without an hour is a day in some time zone, from UTC-12 to
// UTC+14; what has no date may lie anywhere. The page's own date decides in the end.
func mayHold(r pipeline.Range, published time.Time) bool {
	if published.IsZero() {
		return true
	}
	if !published.UTC().Truncate(24 * time.Hour).Equal(published) {
		return r.Holds(published)
	}
	return published.Add(36*time.Hour).After(r.Since) && (r.Until.IsZero() || published.Add(-14*time.Hour).Before(r.Until))
}
