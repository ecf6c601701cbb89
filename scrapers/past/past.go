// Package past holds the kinds of sources that a backfill reads: feeds and what lies behind them, WordPress, sitemaps, indexes and files of
// web archives, and what people keep in files of their own. A kind is a file, or a few with its name in front, and a line in Kinds.
//
// Each is a pipeline.Past: it walks a range of dates from a cursor on, in an order that is the same each time, and asks for everything
// through the guarded client, at the pace of its hosts.
package past

import (
	"fmt"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// A Kind is a kind of source that a backfill can read; Doc is its line in the README.
type Kind struct {
	Name string
	Arg  string // what follows the name and a colon, as in "sitemap:URL"
	Doc  string
	// New's error says what is wrong with arg; nothing is asked or opened yet. What it makes of files of this machine also has Check() error, which
	// says whether they are there.
	New func(arg string, d Deps) (pipeline.Past, error)
}

// Deps are what sources of the past may use.
type Deps struct {
	Client  *scrapers.Client
	Options func(feed string) scrapers.RequestOptions // what the configuration adds for a feed; may be nil
	Feed    func(name string) (url string, ok bool)   // a configured feed's address; may be nil
	Sites   []string                                  // ask for these sites only, where a source can tell; none: all. Host names without "www."
	Now     func() time.Time
}

// Kinds lists the kinds of sources that a backfill can read.
var Kinds = []Kind{
	{"warc", "PATH or URL", "web archives: a WARC file (`.warc`, `.warc.gz`, `.warc.zst`), a folder or pattern of them, or a list such as CC-NEWS has (`warc.paths.gz`); local, or by URL, read in passing and not stored", newWARC},
	{"sitemap", "URL", "a site's sitemaps and news sitemaps, found through its robots.txt; or one sitemap, index, feed or list of addresses", newSitemapPast},
	{"feed", "NAME or URL", "a feed and what lies behind it: archives (RFC 5005), pages (`rel=\"next\"`, `next_url`), or WordPress's `?paged=`", newFeedPast},
	{"wordpress", "URL", "a site's posts by the REST API of WordPress, which misses none where posts share a date", newWordpressPast},
	{"cdx", "HOST or URL", "what the Internet Archive keeps: `example.org`, `example.org/news/*`, `*.example.org`, or a page; of each page its first copy in the range, or within 90 days behind it. Another archive by its CDX server: `cdx:https://archive.example/cdx?url=example.org`", newCDX},
	{"urls", "FILE", "a file with an address a line, and behind it the date of publication, where known; or CSV whose first line names the columns (`url`, `published`)", newURLList},
	{"folder", "FOLDER", "a folder of pages, `.html`, `.htm`, `.xhtml`, `.txt`, plain or `.gz`, or of a name that says nothing where they begin as HTML: saved by a browser, mirrored by wget or HTTrack, or with their address in their head", newFolder},
	{"jsonl", "FILE", "JSON lines, plain or gzip: documents as `extract --jsonl` takes them, or articles with `url`, `title`, `text` or `body`, `published` or `date`, `authors`", newJSONLines},
}

// New makes a source of "KIND:ARG".
func New(source string, d Deps) (pipeline.Past, error) {
	name, arg, _ := strings.Cut(source, ":")
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.Name
		if k.Name != name {
			continue
		}
		if arg = strings.TrimSpace(arg); arg == "" {
			return nil, fmt.Errorf("source %q: %s is missing; write %s:%s", source, k.Arg, k.Name, k.Arg)
		}
		p, err := k.New(arg, d)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", source, err)
		}
		return p, nil
	}
	return nil, fmt.Errorf("source %q: there is no kind %q; the kinds are %s, as in %s", source, name, strings.Join(names, ", "), "sitemap:https://example.org/")
}

// shorten keeps what comes from outside from filling a screen.
func shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
