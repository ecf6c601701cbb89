package scrapers

import (
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"wirewatch/pipeline"
)

// Host is the key of the scrape queue for a URL: host name in lower case and ASCII, with the port where it is not the
// scheme's own. What cannot be fetched over HTTP has the key pipeline.NoHost.
func Host(rawURL string) string {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil {
		return pipeline.NoHost
	}
	return Authority(u)
}

// Site is the name of the site a URL belongs to: Host without a leading "www.". It is "" for what has no host.
func Site(rawURL string) string {
	h := Host(rawURL)
	if h == pipeline.NoHost {
		return ""
	}
	if s, ok := strings.CutPrefix(h, "www."); ok && strings.Contains(s, ".") {
		return s
	}
	return h
}

// OfSites reports whether an address is of one of the sites, or of a host below one; no sites are all.
func OfSites(sites []string, address string) bool {
	if len(sites) == 0 {
		return true
	}
	site := Site(address)
	for _, s := range sites {
		if site == s || strings.HasSuffix(site, "."+s) {
			return true
		}
	}
	return false
}

// Authority is Host of a parsed URL.
func Authority(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "" || scheme != "http" && scheme != "https" {
		return pipeline.NoHost
	}
	if a, err := idna.Lookup.ToASCII(host); err == nil {
		host = a
	}
	port := u.Port()
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
