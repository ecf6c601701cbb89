package past

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"wirewatch/scrapers"
)

// A cdxScope is what is asked of which archive's index.
type cdxScope struct {
	server string // address of the CDX server
	replay string // what stands before the time in addresses of copies
	url    string // host and path, without scheme
	match  string // the server's word: exact, prefix, host or domain
}

const (
	archiveCDX    = "https://web.archive.org/cdx/search/cdx"
	archiveReplay = "https://web.archive.org/web/"
)

// String is the scope as a user would write it.
func (s cdxScope) String() string {
	what := s.url
	switch s.match {
	case "prefix":
		what += "*"
	case "domain":
		what = "*." + what
	}
	if s.server == archiveCDX {
		return what
	}
	return s.server + "?url=" + what
}

// parseCDX reads example.org, example.org/news/*, *.example.org or a page's address; or the address of another archive's CDX server with
// one of these as its url, and replay where its copies do not stand where they usually do.
func parseCDX(arg string) (cdxScope, error) {
	s := cdxScope{server: archiveCDX, replay: archiveReplay}
	u, err := url.Parse(arg)
	if err != nil || !u.Query().Has("url") || !strings.Contains(u.Path, "cdx") || scrapers.Host(arg) == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s.of(arg)
	}
	q := u.Query()
	for k := range q {
		switch k {
		case "url", "replay":
		case "from", "to":
			return s, fmt.Errorf("%s is not read: --since and --until say the range", k)
		default:
			return s, fmt.Errorf("%s is not read: beside url there is only replay, what stands before the time in the addresses of copies", k)
		}
	}
	before, _, _ := strings.Cut(u.Path, "/cdx")
	if before == "" {
		before = "/web" // as the Internet Archive has it; other servers have a name for each collection
	}
	s.server = u.Scheme + "://" + u.Host + u.Path
	s.replay = u.Scheme + "://" + u.Host + before + "/"
	if q.Has("replay") {
		s.replay = strings.TrimRight(q.Get("replay"), "/") + "/"
		if scrapers.Site(s.replay) == "" {
			return s, fmt.Errorf("replay=%s is not an address; it should look like https://archive.example/web/", q.Get("replay"))
		}
	}
	return s.of(q.Get("url"))
}

// of reads what of the web is asked for.
func (s cdxScope) of(what string) (cdxScope, error) {
	rest := strings.TrimSpace(what)
	if scheme, after, ok := strings.Cut(rest, "://"); ok && !strings.ContainsAny(scheme, "/?") {
		if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
			return s, fmt.Errorf("an archive of the web has no %s addresses", scheme)
		}
		rest = after
	}
	rest, all := strings.CutPrefix(rest, "*.")
	rest, open := strings.CutSuffix(rest, "*")
	host, path, deep := strings.Cut(rest, "/")
	host = strings.ToLower(host)
	switch {
	case strings.Contains(rest, "*"):
		return s, errors.New("a * stands at the end of a path or, as *., in front of a host: example.org/news/*, *.example.org")
	case strings.ContainsAny(rest, " \t\n#") || scrapers.Host("http://"+host) != host && scrapers.Host("https://"+host) != host:
		return s, fmt.Errorf("%q is neither a host (example.org), a part of one (example.org/news/*), nor a page's address", what)
	case open && !deep:
		return s, errors.New("a * behind a host would be other hosts too; write example.org, or *.example.org with all its hosts")
	case all && path != "":
		return s, errors.New("with *. in front of it a host stands alone: *.example.org")
	case all:
		s.url, s.match = host, "domain"
	case path == "": // a front page is no article, so the host is meant
		s.url, s.match = host, "host"
	case open:
		s.url, s.match = host+"/"+path, "prefix"
	default:
		s.url, s.match = host+"/"+path, "exact"
	}
	return s, nil
}
