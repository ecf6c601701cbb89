package newsroom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What a poll of a feed must find.
const (
	FeedOK      = "ok"
	FeedMoved   = "moved"   // 301 to another address of the site
	FeedGone    = "gone"    // 410
	FeedPartial = "partial" // the document ends half-way; the closed entries are good
	FeedCut     = "cut"     // the connection breaks half-way through the body
)

// FeedRef is one feed that a reader would subscribe to.
type FeedRef struct {
	Name, Site, Format string
	URL                string   // absolute once served
	Expect             string   // FeedOK …
	Entries            []string // ids of the articles that a poll can see
	Note               string
}

type feed struct {
	name, path, format string
	site               *Site
	entries            []*Article
	opts               []string
	moved              string
	note               string
	listed             bool // false for the target of a move: nobody subscribes to it
}

func (f *feed) has(opt string) bool { return slices.Contains(f.opts, opt) }

func (f *feed) expect() string {
	switch {
	case f.moved != "":
		return FeedMoved
	case f.has("gone"):
		return FeedGone
	case f.has("truncated"):
		return FeedPartial
	case f.has("cut"):
		return FeedCut
	}
	return FeedOK
}

func (f *feed) discoverable() bool { return f.expect() == FeedOK }

func (f *feed) mediaType() string {
	switch f.format {
	case "atom":
		return "application/atom+xml"
	case "json":
		return "application/feed+json"
	case "rdf":
		return "application/rdf+xml"
	}
	return "application/rss+xml"
}

// Feeds are the feeds to subscribe to, of every site.
func (n *Newsroom) Feeds() []FeedRef {
	var out []FeedRef
	for _, f := range n.feeds {
		if !f.listed {
			continue
		}
		ref := FeedRef{Name: f.name, Site: f.site.Key, Format: f.format, URL: f.site.base + f.path, Expect: f.expect(), Note: f.note}
		from := f
		if f.moved != "" {
			from = n.feedAt(f.site, f.moved)
		}
		seen := from.entries
		if f.has("truncated") || f.has("cut") {
			seen = seen[:len(seen)-1] // the last entry is where it breaks
		}
		for _, a := range seen {
			ref.Entries = append(ref.Entries, a.ID)
		}
		out = append(out, ref)
	}
	return out
}

func (n *Newsroom) feedAt(s *Site, path string) *feed {
	for _, f := range n.feeds {
		if f.site == s && f.path == path {
			return f
		}
	}
	return &feed{site: s}
}

// readFeeds reads lines "name | site | path | format | options | articles | note".
func (n *Newsroom) readFeeds(fsys fs.FS) error {
	b, err := fs.ReadFile(fsys, "feeds.txt")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(line, "|")
		if len(c) != 7 {
			return fmt.Errorf("%q has %d columns, want 7", line, len(c))
		}
		for i := range c {
			c[i] = strings.TrimSpace(c[i])
		}
		f := &feed{name: c[0], path: c[2], format: c[3], opts: strings.Fields(c[4]), note: c[6], listed: true}
		if f.site = n.Site(c[1]); f.site == nil {
			return fmt.Errorf("no site %q", c[1])
		}
		f.opts = slices.DeleteFunc(f.opts, func(o string) bool {
			if to, ok := strings.CutPrefix(o, "moved="); ok {
				f.moved = to
				return true
			}
			return false
		})
		f.listed = !f.has("unlisted")
		for _, id := range strings.Fields(c[5]) {
			a := n.byID[id]
			if a == nil || a.site != f.site {
				return fmt.Errorf("%s: no article %q on site %s", f.name, id, f.site.Key)
			}
			f.entries = append(f.entries, a)
		}
		n.feeds = append(n.feeds, f)
	}
	return nil
}

// serveFeed answers conditional requests by entity tag and by date, as feeds
// of real houses do, and plays the feed's trouble.
func (n *Newsroom) serveFeed(w http.ResponseWriter, r *http.Request, f *feed) {
	switch {
	case f.moved != "":
		http.Redirect(w, r, f.moved, http.StatusMovedPermanently)
		return
	case f.has("gone"):
		http.Error(w, "this feed was closed for good", http.StatusGone)
		return
	}
	at, later := n.advanced()
	body := n.render(f, at, later)
	mod := n.start
	if later && slices.ContainsFunc(f.entries, func(a *Article) bool { return a.later != nil }) {
		mod = at
	}
	h := fnv.New64a()
	_, _ = h.Write(body) // never fails
	tag := fmt.Sprintf("\"%x\"", h.Sum64())
	w.Header().Set("ETag", tag)
	w.Header().Set("Last-Modified", mod.UTC().Format(http.TimeFormat))
	if match := r.Header.Get("If-None-Match"); match != "" {
		if match == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else if since, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !mod.Truncate(time.Second).After(since) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	typ := f.mediaType()
	if f.has("text") {
		typ = "text/xml" // as old servers say, without a charset
	}
	w.Header().Set("Content-Type", typ)
	switch {
	case f.has("truncated"):
		body = half(body)
	case f.has("cut"):
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(half(body))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // the documented way to break a connection
	}
	_, _ = w.Write(body)
}

// half cuts a document inside its last entry.
func half(body []byte) []byte {
	at := max(bytes.LastIndex(body, []byte("<item")), bytes.LastIndex(body, []byte("<entry")))
	end := at + (len(body)-at)/3
	return body[:end]
}

// entry is what a feed says of one article.
type entry struct {
	a               *Article
	Title, Link, ID string
	Date, Updated   time.Time
	Summary, Full   string
}

func (n *Newsroom) entries(f *feed, at time.Time, later bool) []entry {
	var out []entry
	for _, a := range f.entries {
		e := entry{a: a, Title: a.version(later).title, Date: a.published, Updated: a.published, Summary: a.summary()}
		e.Link = f.site.base + a.link()
		e.ID = e.Link
		if f.has("relative") {
			e.Link = a.link()
		}
		if f.has("tagid") || f.has("relative") {
			e.ID = "tag:" + f.site.Key + ".example," + n.start.Format("2006") + ":" + a.ID
		}
		if later && a.later != nil {
			e.Updated = at
		}
		if f.has("full") || a.Trouble == "paywall" || a.Trouble == "robots" {
			e.Full = paragraphs(a.version(later), a.Signoff)
		}
		out = append(out, e)
	}
	return out
}

func (n *Newsroom) render(f *feed, at time.Time, later bool) []byte {
	es := n.entries(f, at, later)
	switch f.format {
	case "atom":
		return n.atom(f, es)
	case "json":
		return jsonFeed(f, es)
	case "rdf":
		return rdf(f, es)
	}
	return n.rss(f, es)
}

func esc(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer does not fail
	return b.String()
}

// oddDates are spellings that real feeds use and no specification allows.
var oddDates = []string{
	"2 Jan 2006 15:04 GMT",
	"Monday, 2 January 2006 15:04:05 +0000",
	"2006-01-02 15:04:05",
	"Mon, 2 Jan 2006 15:04:05 UTC",
}

func (n *Newsroom) rss(f *feed, es []entry) []byte {
	var b bytes.Buffer
	charset, version, ns := "UTF-8", "2.0", ""
	if f.format == "rss091" {
		version = "0.91"
	} else {
		ns = ` xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"`
	}
	if f.site.Charset != "" {
		charset = f.site.Charset
	}
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=%q?>\n<rss version=%q%s>\n<channel>\n", charset, version, ns)
	fmt.Fprintf(&b, "<title>%s</title>\n<link>%s/</link>\n<description>%s</description>\n<language>%s</language>\n",
		esc(f.site.Name), f.site.base, esc(f.site.Tagline), f.site.Lang)
	if version == "2.0" {
		fmt.Fprintf(&b, "<lastBuildDate>%s</lastBuildDate>\n<ttl>5</ttl>\n", n.start.UTC().Format(time.RFC1123Z))
	}
	for i, e := range es {
		fmt.Fprintf(&b, "<item>\n<title>%s</title>\n", esc(e.Title))
		switch {
		case f.has("guidonly"):
			fmt.Fprintf(&b, "<guid>%s</guid>\n", esc(e.ID))
		case version == "2.0":
			fmt.Fprintf(&b, "<link>%s</link>\n<guid isPermaLink=\"false\">%s-%s</guid>\n", esc(e.Link), f.site.Key, e.a.ID)
		default:
			fmt.Fprintf(&b, "<link>%s</link>\n", esc(e.Link))
		}
		switch {
		case e.a.Undated || f.has("nodates"):
		case f.has("baddates"):
			fmt.Fprintf(&b, "<pubDate>%s</pubDate>\n", e.Date.UTC().Format(oddDates[i%len(oddDates)]))
		default:
			fmt.Fprintf(&b, "<pubDate>%s</pubDate>\n", e.Date.Format(time.RFC1123Z))
		}
		if e.a.Byline != "" && version == "2.0" {
			fmt.Fprintf(&b, "<dc:creator>%s</dc:creator>\n", esc(e.a.Byline))
		}
		fmt.Fprintf(&b, "<description>%s</description>\n", esc(e.Summary))
		if e.Full != "" && version == "2.0" {
			fmt.Fprintf(&b, "<content:encoded><![CDATA[%s]]></content:encoded>\n", e.Full)
		}
		b.WriteString("</item>\n")
	}
	b.WriteString("</channel>\n</rss>\n")
	if f.site.Charset == "windows-1251" {
		return cyrillic(b.Bytes())
	}
	return b.Bytes()
}

func (n *Newsroom) atom(f *feed, es []entry) []byte {
	var b bytes.Buffer
	newest := n.start
	for _, e := range es {
		if e.Updated.After(newest) {
			newest = e.Updated
		}
	}
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=%q>\n", f.site.Lang)
	fmt.Fprintf(&b, "<title>%s</title>\n<id>tag:%s.example,2024:feed</id>\n<updated>%s</updated>\n<link rel=\"alternate\" href=\"%s/\"/>\n<link rel=\"self\" href=\"%s\"/>\n",
		esc(f.site.Name), f.site.Key, newest.UTC().Format(time.RFC3339), f.site.base, f.site.base+f.path)
	for _, e := range es {
		fmt.Fprintf(&b, "<entry>\n<title>%s</title>\n<link rel=\"alternate\" type=\"text/html\" href=\"%s\"/>\n<id>%s</id>\n<published>%s</published>\n<updated>%s</updated>\n",
			esc(e.Title), esc(e.Link), esc(e.ID), e.Date.Format(time.RFC3339), e.Updated.In(f.site.zone).Format(time.RFC3339))
		if e.a.Byline != "" {
			fmt.Fprintf(&b, "<author><name>%s</name></author>\n", esc(e.a.Byline))
		}
		fmt.Fprintf(&b, "<summary>%s</summary>\n", esc(e.Summary))
		if e.Full != "" {
			fmt.Fprintf(&b, "<content type=\"html\">%s</content>\n", esc(e.Full))
		}
		b.WriteString("</entry>\n")
	}
	b.WriteString("</feed>\n")
	return b.Bytes()
}

func rdf(f *feed, es []entry) []byte {
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n")
	fmt.Fprintf(&b, "<channel rdf:about=\"%s/\">\n<title>%s</title>\n<link>%s/</link>\n<description>%s</description>\n<items><rdf:Seq>\n",
		f.site.base, esc(f.site.Name), f.site.base, esc(f.site.Tagline))
	for _, e := range es {
		fmt.Fprintf(&b, "<rdf:li rdf:resource=\"%s\"/>\n", esc(e.Link))
	}
	b.WriteString("</rdf:Seq></items>\n</channel>\n")
	for _, e := range es {
		fmt.Fprintf(&b, "<item rdf:about=\"%s\">\n<title>%s</title>\n<link>%s</link>\n<description>%s</description>\n", esc(e.Link), esc(e.Title), esc(e.Link), esc(e.Summary))
		if !e.a.Undated {
			fmt.Fprintf(&b, "<dc:date>%s</dc:date>\n", e.Date.Format(time.RFC3339))
		}
		fmt.Fprintf(&b, "<dc:creator>%s</dc:creator>\n</item>\n", esc(e.a.Byline))
	}
	b.WriteString("</rdf:RDF>\n")
	return b.Bytes()
}

func jsonFeed(f *feed, es []entry) []byte {
	items := []any{}
	for _, e := range es {
		it := map[string]any{"id": e.ID, "url": e.Link, "title": e.Title, "summary": e.Summary, "language": f.site.Lang}
		if !e.a.Undated {
			it["date_published"] = e.Date.Format(time.RFC3339)
		}
		if e.a.Byline != "" {
			it["authors"] = []any{map[string]any{"name": e.a.Byline}}
		}
		if e.Full != "" {
			it["content_html"] = e.Full
		} else {
			it["content_text"] = e.Summary
		}
		items = append(items, it)
	}
	b, err := json.MarshalIndent(map[string]any{
		"version": "https://jsonfeed.org/version/1.1", "title": f.site.Name, "home_page_url": f.site.base + "/",
		"feed_url": f.site.base + f.path, "items": items,
	}, "", " ")
	if err != nil {
		return nil // strings and maps always marshal
	}
	return b
}
