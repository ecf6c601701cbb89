package past

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// sitemapVouchers are those who stand for a document: whoever can write it, or let somebody else write it, may list pages in it.
type sitemapVouchers struct {
	owners    []string // of the hosts on the way to it
	documents []string // the addresses of the sitemaps on the way to it, its own included, without "https:"
}

// vouchers are those who stand for the roots: the site itself where it was asked, and nobody yet for a sitemap that was named.
func (p *sitemapPast) vouchers() sitemapVouchers {
	if p.site {
		return sitemapVouchers{owners: []string{owner(p.start)}}
	}
	return sitemapVouchers{}
}

// with adds a document that was asked for at address and found at final.
func (v sitemapVouchers) with(address string, final *url.URL) sitemapVouchers {
	v.owners = append(slices.Clip(v.owners), owner(final))
	v.documents = append(slices.Clip(v.documents), schemeless(address), schemeless(final.String()))
	if u, err := url.Parse(address); err == nil {
		v.owners = append(v.owners, owner(u))
	}
	return v
}

// schemeless is an address without its scheme: a robots.txt that still says http means the same document.
func schemeless(address string) string {
	_, rest, _ := strings.Cut(address, ":")
	return rest
}

// owner is what somebody registered: the domain below a public suffix, or an address with its port.
func owner(u *url.URL) string {
	h := scrapers.Authority(u)
	name, _, err := net.SplitHostPort(h)
	if err != nil {
		name = h
	}
	if s, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil && net.ParseIP(strings.Trim(name, "[]")) == nil {
		return s
	}
	return h
}

// A sitemapStrangers judges pages of other hosts than a document's own, as the protocol does
// (https://www.sitemaps.org/protocol.html#sitemaps_cross_submits): they count where their host's robots.txt announces the document.
type sitemapStrangers struct {
	client    *scrapers.Client
	announced map[string][]string // by scheme and host
	left      int                 // pages left out
	hosts     []string            // some of theirs
}

// strangersAsked is how many hosts are asked for their robots.txt in one walk; no honest document lists pages of more.
const strangersAsked = 32

// admits reports whether a document may list a page. Its error is that of a context that ended.
func (s *sitemapStrangers) admits(ctx context.Context, page string, v sitemapVouchers) (bool, error) {
	u, err := url.Parse(page)
	if err != nil {
		return false, nil
	}
	if slices.Contains(v.owners, owner(u)) {
		return true, nil
	}
	key := u.Scheme + "://" + scrapers.Authority(u)
	maps, asked := s.announced[key]
	if !asked && len(s.announced) < strangersAsked {
		// A file that cannot be had announces nothing; the page could not be fetched either.
		maps, _ = s.client.Sitemaps(ctx, u)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		s.announced[key] = maps
	}
	if slices.ContainsFunc(maps, func(m string) bool { return slices.Contains(v.documents, schemeless(m)) }) {
		return true, nil
	}
	s.left++
	if h := scrapers.Authority(u); len(s.hosts) < 3 && !slices.Contains(s.hosts, h) {
		s.hosts = append(s.hosts, h)
	}
	return false, nil
}

// err says how many pages were left out; nil: none.
func (s *sitemapStrangers) err() error {
	if s.left == 0 {
		return nil
	}
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "other site",
		Err: fmt.Errorf("%d addresses of other sites were left out (%s …): the robots.txt of their hosts does not announce the sitemap that lists them; name those sites' own sitemaps",
			s.left, strings.Join(s.hosts, ", "))}
}
