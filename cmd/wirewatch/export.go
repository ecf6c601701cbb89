package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"wirewatch/pipeline"
	"wirewatch/pipeline/archive"
	"wirewatch/pipeline/store"
	"wirewatch/scrapers/warc"
)

// Forms of an export.
const (
	formatJSONL = "jsonl"
	formatCSV   = "csv"
	formatWARC  = "warc"
	formatOPML  = "opml"
)

// An export is what runExport was asked for.
type export struct {
	format string
	what   archive.What
	filter store.ArchiveFilter
	bom    bool
	out    string
	n      exported
}

// exported counts what went out.
type exported struct{ articles, stories, matches, pages int }

func runExport(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	var x export
	fs.StringVar(&x.format, "format", formatJSONL, "`form`: jsonl (which import reads), csv (for spreadsheets), warc (the kept pages), opml (the feeds, as `feeds export`)")
	what := fs.String("what", "", "`which`: articles, stories, matches or all (default: all of it as JSON lines, articles as CSV)")
	dates := rangeFlags(fs, "")
	fs.BoolVar(&x.filter.Seen, "seen", false, "--since and --until are of the time when an article was stored, not of its publication")
	fs.StringVar(&x.filter.Site, "site", "", "only of this `site` and its subdomains")
	fs.StringVar(&x.filter.Rule, "rule", "", "only what this `rule` matched")
	fs.BoolVar(&x.filter.Canonical, "canonical", false, "the same bytes for the same articles, stories and matches: sorted, without the times of this store and what it told; for comparing")
	fs.BoolVar(&x.bom, "bom", false, "begin CSV with a byte order mark, by which Excel knows UTF-8")
	fs.StringVar(&x.out, "o", "", "write to this `file`, compressed if its name ends in .gz; it is there when all of it is")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	r, err := dates(e.now())
	if err != nil {
		return err
	}
	x.filter.Since, x.filter.Until, x.what = r.Since, r.Until, archive.What(*what)
	if err := x.check(); err != nil {
		return err
	}
	if x.filter.Site, err = v.site(x.filter.Site); err != nil {
		return err
	}
	if x.format == formatOPML {
		return toFile(e, x.out, func(w io.Writer) error { return exportFeeds(e, *file, w) })
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := knownRule(ctx, e, *file, st, x.filter.Rule); err != nil {
			return err
		}
		if err := toFile(e, x.out, func(w io.Writer) error { return x.write(ctx, e, st, w) }); err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "exported %s\n", x.n)
		return nil
	})
}

// check says what does not go together, and fills in what was not said.
func (x *export) check() error {
	switch {
	case !slices.Contains([]string{formatJSONL, formatCSV, formatWARC, formatOPML}, x.format):
		return usagef("export: --format is jsonl, csv, warc or opml, not %q", x.format)
	case !slices.Contains([]archive.What{"", archive.All, archive.Articles, archive.Stories, archive.Matches}, x.what):
		return usagef("export: --what is articles, stories, matches or all, not %q", x.what)
	case x.filter.Canonical && x.format != formatJSONL:
		return usagef("export: --canonical is a form of JSON lines")
	case x.bom && x.format != formatCSV:
		return usagef("export: --bom goes with --format csv")
	case x.format == formatCSV && x.what == archive.All:
		return usagef("export: a CSV file has rows of one kind: --what articles, stories or matches")
	case x.format == formatWARC && x.what != "" && x.what != archive.Articles:
		return usagef("export: a WARC file holds the pages of articles, not %s", x.what)
	case x.format == formatOPML && (x.what != "" || x.filter != store.ArchiveFilter{}):
		return usagef("export: OPML is the list of the configured feeds; it has no articles to choose from")
	case x.what == "" && x.format == formatCSV:
		x.what = archive.Articles
	}
	x.what = cmp.Or(x.what, archive.All)
	return nil
}

// write writes what is asked for to w.
func (x *export) write(ctx context.Context, e *env, st *store.Store, w io.Writer) error {
	var each func(pipeline.ArchiveRecord) error
	switch x.format {
	case formatWARC:
		out := warc.NewWriter(w)
		if err := out.WriteInfo(e.now(), warc.Field{Name: "software", Value: "Wirewatch " + version}, warc.Field{Name: "format", Value: "WARC File Format 1.1"},
			warc.Field{Name: "description", Value: "pages that articles were made of, as they were decoded"}); err != nil {
			return err
		}
		each = func(r pipeline.ArchiveRecord) error { return x.page(ctx, st, out, r) }
	case formatCSV:
		out, err := archive.NewCSV(w, x.what, x.bom)
		if err != nil {
			return err
		}
		each = out.Write
	default:
		out, err := archive.NewWriter(w, x.what, x.filter.Canonical)
		if err != nil {
			return err
		}
		each = out.Write
	}
	return st.Archive(ctx, x.filter, func(r pipeline.ArchiveRecord) error {
		x.n.count(r)
		return each(r)
	})
}

// page writes the page of an article, where it is kept.
func (x *export) page(ctx context.Context, st *store.Store, out *warc.Writer, r pipeline.ArchiveRecord) error {
	if r.Article == nil {
		return nil
	}
	p, err := st.Page(ctx, r.Article.ID)
	if errors.Is(err, store.ErrNotFound) { // it is of a feed's own text, or retention took it
		return nil
	}
	if err != nil {
		return err
	}
	x.n.pages++
	return out.WriteResponse(cmp.Or(p.FinalURL, p.URL, r.Article.URL), p.Fetched, p.Status, p.ContentType, p.Body)
}

func (n *exported) count(r pipeline.ArchiveRecord) {
	switch {
	case r.Article != nil:
		n.articles, n.matches = n.articles+1, n.matches+len(r.Article.Matches)
	case r.Story != nil:
		n.stories++
	}
}

func (n exported) String() string {
	out := []string{count(n.articles, "article"), count(n.stories, "story"), fmt.Sprintf("%d matches", n.matches)}
	if n.matches == 1 {
		out[2] = "1 match"
	}
	if n.pages > 0 {
		out = append(out, count(n.pages, "page"))
	}
	return strings.Join(out, ", ")
}

// toFile runs f on standard output, or on a file that takes its name when f is done: whoever reads it never finds a half.
func toFile(e *env, path string, f func(io.Writer) error) (err error) {
	if path == "" || path == "-" {
		w := bufio.NewWriterSize(e.stdout, 64<<10)
		return errors.Join(f(w), w.Flush())
	}
	part := path + ".part"
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(part)
		}
	}()
	w := bufio.NewWriterSize(out, 1<<20)
	var to io.Writer = w
	var zip *gzip.Writer
	if strings.HasSuffix(path, ".gz") && !strings.HasSuffix(path, ".warc.gz") { // a WARC is compressed record by record
		zip = gzip.NewWriter(w)
		to = zip
	}
	if err := f(to); err != nil {
		return err
	}
	if zip != nil {
		if err := zip.Close(); err != nil {
			return fmt.Errorf("export to %s: %w", path, err)
		}
	}
	if err := errors.Join(w.Flush(), out.Sync(), out.Close(), os.Rename(part, path)); err != nil {
		return fmt.Errorf("export to %s: %w", path, err)
	}
	return nil
}
