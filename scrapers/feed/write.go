package feed

import (
	"html"
	"strings"
	"time"
)

// emit writes one value of the open entry by the name it has in RSS or in Atom.
func (n *normaliser) emit(rss, atom, value string) {
	name := rss
	if n.head.kind == "atom" {
		name = atom
	}
	if name != "" && value != "" {
		element(&n.item, name, value)
	}
}

func element(b *strings.Builder, name, value string) {
	if strings.HasPrefix(name, "dc:") {
		// gofeed joins the pieces of an extension one by one; without sections
		// there is one piece.
		b.WriteString("<" + name + ">" + escape(value) + "</" + name + ">")
		return
	}
	b.WriteString("<" + name + "><![CDATA[")
	b.WriteString(strings.ReplaceAll(value, "]]>", "]]]]><![CDATA[>"))
	b.WriteString("]]></" + name + ">")
}

// closeEntry moves the open entry to the closed ones.
func (n *normaliser) closeEntry() {
	c := n.cur
	n.cur = nil
	if c == nil {
		return
	}
	tag := "item"
	if n.head.kind == "atom" {
		tag = "entry"
	}
	n.out.WriteString("<" + tag + ">")
	element(&n.out, "title", first(c.title, c.titleToo))
	if url := c.url(); url != "" {
		if tag == "entry" {
			n.out.WriteString(`<link rel="alternate" href="` + html.EscapeString(url) + `"/>`)
		} else {
			element(&n.out, "link", url)
		}
	}
	id, published, updated := "guid", "pubDate", "dc:date"
	if tag == "entry" {
		id, published, updated = "id", "published", "updated"
	}
	element(&n.out, id, c.guid())
	if p := c.publishedRaw(); p != "" {
		element(&n.out, published, dateForm(p))
	}
	if u := first(c.updated, c.dcDate); u != "" {
		element(&n.out, updated, dateForm(u))
	}
	n.out.WriteString(n.item.String())
	n.out.WriteString("</" + tag + ">\n")
	n.notes = append(n.notes, *c)
}

// dateForm is the date in the form that gofeed knows first, or as written: its
// list of layouts is long, and it takes zones that it does not know for UTC.
func dateForm(raw string) string {
	if t, ok := ParseDate(raw); ok {
		return t.Format(time.RFC3339)
	}
	return cut(raw, 100)
}

// xml is the whole feed as clean XML for gofeed.
func (n *normaliser) xml() string {
	var b strings.Builder
	b.Grow(n.out.Len() + 1024)
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	atom := n.head.kind == "atom"
	if atom {
		b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom">`)
	} else {
		b.WriteString(`<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>`)
	}
	element(&b, "title", first(n.head.title, n.head.titleToo))
	if l := choose(n.head.links); l != "" {
		if atom {
			b.WriteString(`<link rel="alternate" href="` + html.EscapeString(l) + `"/>`)
		} else {
			element(&b, "link", l)
		}
	}
	if n.head.ttl != "" && !atom {
		element(&b, "ttl", n.head.ttl)
	}
	b.WriteString(n.out.String())
	if atom {
		b.WriteString("</feed>")
	} else {
		b.WriteString("</channel></rss>")
	}
	return b.String()
}
