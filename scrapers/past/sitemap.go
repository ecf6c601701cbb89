package past

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/sitemap"
)

// sitemapPast reads the pages that a site lists of itself. It implements pipeline.Past.
type sitemapPast struct {
	client *scrapers.Client
	start  *url.URL
	site   bool     // start is a site, whose robots.txt says where its sitemaps are; else it is a sitemap
	sites  []string // these only; none: all
	now    func() time.Time
	most   int // documents that one walk asks for

	guessed string         // where a sitemap was found that robots.txt does not announce
	failed  map[string]int // how often in a row a document could not be had
}

const (
	sitemapDocuments = 20_000 // more is a trap, or should be read in parts
	sitemapDepth     = 5      // of sitemaps listed by sitemaps; the protocol has two
	sitemapTries     = 3      // walks that a document may end because it cannot be had for now
)

// sitemapPlaces are where sites have their sitemap if they do not say.
var sitemapPlaces = []string{"/sitemap_index.xml", "/sitemap.xml", "/sitemap-index.xml", "/wp-sitemap.xml", "/sitemap.xml.gz", "/sitemap.txt"}

func newSitemapPast(arg string, d Deps) (pipeline.Past, error) {
	if !strings.Contains(arg, "://") {
		arg = "https://" + arg
	}
	u, err := url.Parse(arg)
	if err != nil || scrapers.Authority(u) == pipeline.NoHost {
		return nil, errors.New("it is not an http or https address; write sitemap:https://example.org/ or the address of a sitemap")
	}
	if u.User != nil {
		return nil, errors.New("a user and password cannot stand in the address, which is stored and shown; leave them out")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), scrapers.Authority(u)
	u.Fragment, u.RawFragment = "", ""
	p := &sitemapPast{client: d.Client, start: u, site: !namesSitemap(u), sites: slices.Sorted(slices.Values(d.Sites)), now: d.Now,
		most: sitemapDocuments, failed: map[string]int{}}
	if p.now == nil {
		p.now = time.Now
	}
	if p.site {
		p.start = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	}
	return p, nil
}

// namesSitemap reports whether an address looks like that of a sitemap, and not of a page. Asking would show it too, but a page is
// asked for only where robots.txt allows it.
func namesSitemap(u *url.URL) bool {
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".xml", ".gz", ".rss", ".atom", ".rdf":
		return true
	case ".txt":
		return u.Path != "/robots.txt"
	case ".html", ".htm":
		return false
	}
	return strings.Contains(strings.ToLower(u.Path+"?"+u.RawQuery), "sitemap")
}

// Name implements pipeline.Past.
func (p *sitemapPast) Name() string {
	name := "sitemap " + p.start.String()
	if len(p.sites) > 0 {
		name += " of " + strings.Join(p.sites, ", ")
	}
	return name
}

// roots are the documents where reading begins, as a list of them.
func (p *sitemapPast) roots(ctx context.Context) ([]sitemap.Entry, error) {
	places := []string{p.start.String()}
	if p.site {
		var err error
		if places, err = p.client.Sitemaps(ctx, p.start); err != nil {
			return nil, err
		}
		if len(places) == 0 {
			place, err := p.guess(ctx)
			if err != nil {
				return nil, err
			}
			places = []string{place}
		}
	}
	out := make([]sitemap.Entry, len(places))
	for i, s := range places {
		out[i] = sitemap.Entry{URL: s, Child: true}
	}
	return out, nil
}

// errEnough ends a reading that has seen what it wanted.
var errEnough = errors.New("enough")

// guess looks for a sitemap where sites have one.
func (p *sitemapPast) guess(ctx context.Context) (string, error) {
	if p.guessed != "" {
		return p.guessed, nil
	}
	for _, place := range sitemapPlaces {
		at := p.start.ResolveReference(&url.URL{Path: place}).String()
		d, err := p.fetch(ctx, at)
		if err != nil {
			if v := pipeline.AsFailure(err).Verdict; ctx.Err() != nil || v != pipeline.Final && v != pipeline.Gone {
				return "", err
			}
			continue
		}
		// Many sites answer everything with a page.
		if _, err := d.read(func(sitemap.Entry) error { return errEnough }); err == nil || err == errEnough {
			p.guessed = at
			return at, nil
		}
	}
	return "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "no sitemap",
		Err: fmt.Errorf("no sitemap of %s was found: its robots.txt announces none, and there is none at %s; write the address of one, as in sitemap:%s://%s/news.xml",
			p.start.Host, strings.Join(sitemapPlaces, ", "), p.start.Scheme, p.start.Host)}
}
