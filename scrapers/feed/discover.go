package feed

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// Link is a feed that a page announces.
type Link struct {
	URL   string // absolute, http or https
	Title string // as the page names it, may be empty
	Type  string // media type as announced, may be empty
}

// maxLinks bounds what one page can announce.
const maxLinks = 100

// Discover finds the feeds that an HTML page announces with <link
// rel=alternate>, in the page's order; a page that announces none is searched
// for <a> whose address looks like a feed's. contentType is the HTTP header's
// value, base the page's final address; a <base> in the page prevails. Comment
// feeds come after all others.
func Discover(page []byte, contentType, base string) []Link {
	enc, _, _ := charset.DetermineEncoding(page[:min(len(page), 1024)], contentType)
	if b, err := enc.NewDecoder().Bytes(page); err == nil {
		page = b
	}
	var (
		announced, anchors []Link
		seen               = map[string]bool{}
		open               = -1 // index of the anchor whose text is being read
		based              bool
	)
	add := func(list []Link, l Link) []Link {
		l.URL = resolve(base, feedScheme(l.URL))
		low := strings.ToLower(l.URL)
		if seen[l.URL] || len(list) >= maxLinks || !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") {
			return list
		}
		seen[l.URL] = true
		l.Title = strings.Join(strings.Fields(l.Title), " ")
		return append(list, l)
	}
	// Tokens and not a tree: a hostile page has no depth here.
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(1 << 20)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(announced) == 0 {
				announced = anchors
			}
			return commentsLast(announced)
		case html.TextToken:
			if open >= 0 && len(anchors[open].Title) < 200 {
				anchors[open].Title = strings.TrimSpace(anchors[open].Title + " " + strings.Join(strings.Fields(string(z.Text())), " "))
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "a" {
				open = -1
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			if tag != "link" && tag != "a" && tag != "base" {
				continue
			}
			at := map[string]string{}
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				if _, dup := at[string(k)]; !dup {
					at[string(k)] = strings.TrimSpace(string(v))
				}
			}
			switch {
			case at["href"] == "":
			case tag == "base" && !based:
				base, based = resolve(base, at["href"]), true
			case tag == "link" && announces(at["rel"], at["type"], at["href"]):
				announced = add(announced, Link{at["href"], at["title"], at["type"]})
			case tag == "a":
				open = -1
				if feedLike(at["href"]) || announces(at["rel"], at["type"], "") && at["type"] != "" {
					before := len(anchors)
					anchors = add(anchors, Link{at["href"], at["title"], at["type"]})
					if len(anchors) > before && at["title"] == "" {
						open = before
					}
				}
			}
		}
	}
}

// feedScheme turns the old feed: addresses into what can be fetched.
func feedScheme(href string) string {
	low := strings.ToLower(href)
	switch {
	case strings.HasPrefix(low, "feed://"):
		return "http://" + href[len("feed://"):]
	case strings.HasPrefix(low, "feed:http"):
		return href[len("feed:"):]
	}
	return href
}

// announces reports whether a link element points at a feed of this page.
func announces(rel, typ, href string) bool {
	alternate, isFeed := false, false
	for _, r := range strings.Fields(strings.ToLower(rel)) {
		switch r {
		case "alternate":
			alternate = true
		case "feed":
			isFeed = true
		case "stylesheet", "canonical":
			return false
		}
	}
	typ, _, _ = strings.Cut(strings.ToLower(typ), ";")
	switch strings.TrimSpace(typ) {
	case "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json",
		"application/x-rss+xml", "application/x.atom+xml", "text/rss+xml", "text/rss", "text/atom+xml":
		return alternate || isFeed
	case "text/xml", "application/xml", "application/json":
		// These say little: an oEmbed or an API has the same types.
		return (alternate || isFeed) && feedLike(href)
	case "":
		return isFeed || alternate && feedLike(href)
	}
	return false
}

// feedLike reports whether an address looks like a feed's by its path.
func feedLike(href string) bool {
	u := splitIRI(strings.ToLower(feedScheme(href)))
	if u.scheme != "" && u.scheme != "http" && u.scheme != "https" {
		return false
	}
	path := strings.TrimRight(u.path, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch name {
	case "feed", "feeds", "rss", "rss2", "atom", "rdf", "feed.json", "index.xml", "feed.xml", "rss.xml", "atom.xml":
		return true
	}
	for _, ext := range []string{".rss", ".atom", ".rdf"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	if strings.HasSuffix(name, ".xml") {
		return strings.Contains(path, "rss") || strings.Contains(path, "feed") || strings.Contains(path, "atom")
	}
	q := "&" + u.query
	return strings.Contains(q, "&feed=") || strings.Contains(q, "format=rss") || strings.Contains(q, "format=atom") || strings.Contains(q, "type=rss")
}

// commentsLast keeps the order but moves the feeds of comments to the end.
func commentsLast(list []Link) []Link {
	var rest, comments []Link
	for _, l := range list {
		if strings.Contains(strings.ToLower(l.URL), "comment") || strings.Contains(strings.ToLower(l.Title), "comments") {
			comments = append(comments, l)
		} else {
			rest = append(rest, l)
		}
	}
	return append(rest, comments...)
}
