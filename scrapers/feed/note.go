package feed

import "strings"

// htmlType reports whether an alternate link of this type is a page.
func htmlType(typ string) bool {
	typ, _, _ = strings.Cut(typ, ";")
	switch strings.TrimSpace(typ) {
	case "", "html", "text/html", "application/xhtml+xml", "text/xhtml":
		return true
	}
	return false
}

// feedType reports whether a link of this type is another feed or an API.
func feedType(typ string) bool {
	return strings.Contains(typ, "atom") || strings.Contains(typ, "rss") || strings.Contains(typ, "json")
}

// choose picks the page among links: an alternate that is HTML, the last one
// that says so as feedparser does; else an alternate of any other type that is
// not a feed.
func choose(links []link) string {
	page, other := "", ""
	for _, l := range links {
		switch {
		case l.href == "" || l.rel != "alternate":
		case l.text || htmlType(l.typ):
			page = l.href
		case other == "" && !feedType(l.typ):
			other = l.href
		}
	}
	return first(page, other)
}

// url is where the entry can be read. An entry without a link is read where
// its identifier says: an RSS guid unless isPermaLink forbids it (RSS 2.0:
// true by default), an RDF about, an Atom id.
func (c *note) url() string {
	if u := choose(c.links); u != "" {
		return u
	}
	switch {
	case c.id != "" && (c.permalink == "true" || c.permalink == "" && hasScheme(c.id)):
		return resolve(c.idBase, c.id)
	case c.permalink == "atom":
		return c.id
	case c.id == "":
		return c.about
	}
	return ""
}

// guid is the entry's identity exactly as given: an identity that is resolved
// or normalised is another identity (RFC 4287, 4.2.6.1).
func (c *note) guid() string { return first(c.id, c.about) }

// publishedRaw is the text of the date of publication. dc:date is RSS 1.0's
// only date; an Atom entry without published has updated, which RFC 4287
// makes it carry.
func (c *note) publishedRaw() string {
	return first(c.published, c.issued, c.dcDate, c.created, c.updated)
}
