package feed

import "strings"

// vocab is a vocabulary that feeds are written in, named by its usual prefix.
// Elements belong to one by their namespace, never by the prefix they wear;
// only an undeclared prefix is taken at its word.
type vocab string

const (
	vCore    vocab = ""     // RSS of any version, CDF, Atom in a document of its own
	vForeign vocab = "?"    // anything else: read by nobody here
	vAtom    vocab = "atom" // Atom, all versions
	vDC      vocab = "dc"
	vTerms   vocab = "dcterms"
	vContent vocab = "content"
	vMedia   vocab = "media"
	vITunes  vocab = "itunes"
	vRDF     vocab = "rdf"
	vSy      vocab = "sy"
	vXHTML   vocab = "xhtml"
	vBurner  vocab = "feedburner" // and pheedo: services that put links of their own in the place of the feed's
	vHistory vocab = "fh"         // RFC 5005: feed paging and archiving
	vXML     vocab = "xml"
)

// vocabByURI answers for a namespace in lower case without a last '/' or '#'.
func vocabByURI(uri string) (vocab, bool) {
	switch strings.TrimRight(strings.ToLower(strings.TrimSpace(uri)), "/#") {
	case "",
		"http://backend.userland.com/rss", "http://backend.userland.com/rss2",
		"http://backend.userland.com/rss091", "http://blogs.law.harvard.edu/tech/rss",
		"http://cyber.law.harvard.edu/rss", "http://cyber.law.harvard.edu/rss/rss.html",
		"http://www.rssboard.org/rss-specification", "http://purl.org/rss/1.0",
		"http://my.netscape.com/rdf/simple/0.9", "http://my.netscape.com/publish/formats/rss-0.91.dtd",
		"http://channel.netscape.com/rdf/simple/0.9", "http://purl.org/rss/1.0/modules/rss091",
		"http://purl.org/net/rss1.1":
		return vCore, true
	case "http://www.w3.org/2005/atom", "http://purl.org/atom/ns", "http://purl.org/echo",
		"http://purl.org/pie", "http://example.com/necho", "http://example.com/newformat",
		"uri/of/echo/namespace", "https://www.w3.org/2005/atom":
		return vAtom, true
	case "http://purl.org/dc/elements/1.1", "http://purl.org/dc/elements/1.0":
		return vDC, true
	case "http://purl.org/dc/terms":
		return vTerms, true
	case "http://purl.org/rss/1.0/modules/content":
		return vContent, true
	case "http://search.yahoo.com/mrss":
		return vMedia, true
	case "http://www.itunes.com/dtds/podcast-1.0.dtd", "http://example.com/dtds/podcast-1.0.dtd":
		return vITunes, true
	case "http://www.w3.org/1999/02/22-rdf-syntax-ns":
		return vRDF, true
	case "http://purl.org/rss/1.0/modules/syndication":
		return vSy, true
	case "http://www.w3.org/1999/xhtml":
		return vXHTML, true
	case "http://purl.org/syndication/history/1.0":
		return vHistory, true
	case "http://www.w3.org/xml/1998/namespace":
		return vXML, true
	case "http://rssnamespace.org/feedburner/ext/1.0", "http://www.pheedo.com/namespace/pheedo":
		return vBurner, true
	}
	return vForeign, false
}

// vocabByPrefix is for prefixes that the document does not declare.
func vocabByPrefix(prefix string) vocab {
	switch v := vocab(strings.ToLower(prefix)); v {
	case vAtom, vDC, vTerms, vContent, vMedia, vITunes, vRDF, vSy, vXHTML, vXML, vBurner, vHistory:
		return v
	case "atom10", "atom03", "a10":
		return vAtom
	case "rss":
		return vCore
	}
	return vForeign
}

// role is what an element says about its feed or entry.
type role uint8

const (
	rNone role = iota
	rTitle
	rTitleToo // a title if there is no other
	rLink
	rOrigLink // where the page is, before a service put its own link in the place
	rID
	rPublished
	rIssued // a date of publication in another vocabulary
	rCreated
	rUpdated
	rDCDate
	rSummary
	rSummaryToo
	rContent
	rAuthor
	rAuthorToo
	rTag
	rLang
	rTTL
	rPeriod
	rFrequency
	rGenerator
	rComplete
)

// roleOf answers for a child of a feed or an entry, local in lower case.
func roleOf(v vocab, local string) role {
	switch v {
	case vCore, vAtom:
		switch local {
		case "title":
			return rTitle
		case "link":
			return rLink
		case "guid", "id":
			return rID
		case "pubdate", "published", "issued":
			return rPublished
		case "created":
			return rCreated
		case "updated", "modified", "lastbuilddate", "lastmod":
			return rUpdated
		case "description", "summary", "abstract":
			return rSummary
		case "content", "encoded", "fullitem", "body":
			return rContent
		case "author":
			return rAuthor
		case "category":
			return rTag
		case "language":
			return rLang
		case "ttl":
			return rTTL
		case "generator":
			return rGenerator
		}
	case vDC:
		switch local {
		case "title":
			return rTitleToo
		case "date":
			return rDCDate
		case "description":
			return rSummaryToo
		case "creator", "author":
			return rAuthorToo
		case "subject":
			return rTag
		case "language":
			return rLang
		}
	case vTerms:
		switch local {
		case "issued", "available":
			return rIssued
		case "created":
			return rCreated
		case "modified":
			return rUpdated
		case "title":
			return rTitleToo
		case "abstract":
			return rSummaryToo
		}
	case vContent:
		if local == "encoded" {
			return rContent
		}
	case vMedia:
		switch local {
		case "title":
			return rTitleToo
		case "description":
			return rSummaryToo
		}
	case vITunes:
		switch local {
		case "author":
			return rAuthorToo
		case "summary":
			return rSummaryToo
		}
	case vXHTML:
		if local == "body" {
			return rContent
		}
	case vBurner:
		if local == "origlink" {
			return rOrigLink
		}
	case vHistory:
		if local == "complete" {
			return rComplete
		}
	case vSy:
		switch local {
		case "updateperiod":
			return rPeriod
		case "updatefrequency":
			return rFrequency
		}
	}
	return rNone
}

// voidElement is an HTML element that has no end tag.
func voidElement(local string) bool {
	switch local {
	case "br", "img", "hr", "input", "meta", "wbr", "col", "area", "embed", "param", "source", "track":
		return true
	}
	return false
}
