package past

import (
	"cmp"
	"net/url"
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
