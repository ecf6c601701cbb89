package alerts

import (
	"encoding/xml"
	"fmt"
	"html"
	"regexp"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// RSS is a rule's latest alerts as an RSS 2.0 document, the newest first: for readers that fetch instead of being told. self is the
// document's own address.
//
// A description is HTML in text: everything that comes from outside is escaped for HTML, then by the encoder for XML.
func RSS(rule, self string, list []pipeline.Alert, now time.Time) ([]byte, error) {
	type guid struct {
		Permanent bool   `xml:"isPermaLink,attr"`
		ID        string `xml:",chardata"`
	}
	type source struct {
		URL  string `xml:"url,attr"`
		Name string `xml:",chardata"`
	}
	type item struct {
		Title       string  `xml:"title"`
		Link        string  `xml:"link,omitempty"`
		Description string  `xml:"description"`
		GUID        guid    `xml:"guid"`
		Published   string  `xml:"pubDate"`
		Source      *source `xml:"source,omitempty"`
	}
	type atomLink struct {
		Href string `xml:"href,attr"`
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
	}
	var doc struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Atom    string   `xml:"xmlns:atom,attr"`
		Channel struct {
			Title       string   `xml:"title"`
			Link        string   `xml:"link"`
			Self        atomLink `xml:"atom:link"`
			Description string   `xml:"description"`
			Built       string   `xml:"lastBuildDate"`
			Items       []item   `xml:"item"`
		} `xml:"channel"`
	}
	name := line(rule, nameLen)
	doc.Version, doc.Atom = "2.0", "http://www.w3.org/2005/Atom"
	c := &doc.Channel
	c.Title, c.Link, c.Description = "Wirewatch: "+name, self, "Stories that the rule "+name+" matched"
	c.Self = atomLink{self, "self", "application/rss+xml"}
	c.Built = now.UTC().Format(time.RFC1123Z)
	for _, a := range list {
		m := Render(pipeline.Delivery{UID: fmt.Sprintf("alert:%d", a.ID), Alert: a})
		it := item{Title: feedTitle(m.Mark() + m.Headline.Text), Link: m.Link, Description: m.html(), GUID: guid{false, m.UID}, Published: a.Created.UTC().Format(time.RFC1123Z)}
		if m.Source != "" && m.Link != "" {
			it.Source = &source{m.Link, m.Source}
		}
		c.Items = append(c.Items, it)
	}
	b, err := xml.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("rss of rule %s: %w", rule, err)
	}
	return append([]byte(xml.Header), b...), nil
}

// feedTitle is clean text as the title of an item. Half the readers take it for text and half for HTML, so that it must be the same as both:
// what would begin an element or an entity becomes a look-alike.
func feedTitle(s string) string {
	s = strings.NewReplacer("<", "＜", ">", "＞").Replace(inert(s))
	return entity.ReplaceAllStringFunc(s, func(e string) string {
		if html.UnescapeString(e) == e { // AT&T
			return e
		}
		return "＆" + e[1:]
	})
}

var entity = regexp.MustCompile(`&#?[A-Za-z0-9]+;?`)

// feedHTML is the markup of descriptions: a paragraph a line.
var feedHTML = htmlMarkup("b", "del", "</p><p>")

// html is what a message says below its headline.
func (m Message) html() string { return "<p>" + feedHTML.lines(layout(m)[1:]) + "</p>" }
