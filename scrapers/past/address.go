package past

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// withUser adds the name and password of an address to what is asked with it: addresses found later do not have them.
func withUser(o scrapers.RequestOptions, u *url.URL) scrapers.RequestOptions {
	if pw, ok := u.User.Password(); ok && o.BasicAuth.User == "" {
		o.BasicAuth = scrapers.BasicAuth{User: u.User.Username(), Password: pipeline.NewSecret(pw)}
	}
	return o
}

// bareAddress is an address as it names a source: without credentials, and in one of the ways of writing it.
func bareAddress(u *url.URL) *url.URL {
	bare := *u
	bare.User, bare.Fragment, bare.RawFragment = nil, "", ""
	bare.Scheme, bare.Host = strings.ToLower(bare.Scheme), strings.ToLower(bare.Host)
	bare.Path = cmp.Or(bare.Path, "/")
	return &bare
}

// mayBeArticle is false for addresses of which it is certain that no article stands there: a site's front page, its robots.txt, feeds,
// pictures and the like that were answered with HTML, the doors of its content system.
func mayBeArticle(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true // and is reported as what cannot be used
	}
	path := strings.ToLower(strings.TrimRight(u.Path, "/"))
	if path == "" && u.RawQuery == "" {
		return false
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch name {
	case "robots.txt", "ads.txt", "feed", "rss", "atom", "wp-login.php", "xmlrpc.php":
		return false
	}
	if _, ext, ok := strings.Cut(name, "."); ok && slices.Contains(noPages, ext[strings.LastIndexByte(ext, '.')+1:]) {
		return false
	}
	return !strings.HasPrefix(path, "/wp-json/") && !strings.HasPrefix(path, "/wp-admin")
}

// noPages are endings of names that no page has.
var noPages = []string{"jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "ico", "bmp", "css", "js", "mjs", "json", "map", "xml", "rss", "atom", "rdf",
	"woff", "woff2", "ttf", "eot", "mp3", "m4a", "ogg", "wav", "mp4", "m4v", "webm", "mov", "avi", "m3u8", "ts", "zip", "gz", "pdf", "swf"}
