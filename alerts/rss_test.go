package alerts

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"wirewatch/pipeline"
)

// Another library reads what there is to read, in the order it was given.
func TestRSS(t *testing.T) {
	all := samples()
	var list []pipeline.Alert
	for i, name := range []string{"english", "korean", "update"} {
		a := all[name].Alert
		a.ID = int64(i + 1)
		list = append(list, a)
	}
	b, err := RSS("arms transfers", "https://desk.example/rules/arms%20transfers/feed.xml", list, now)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gofeed.NewParser().ParseString(string(b))
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if f.Title != "Wirewatch: arms transfers" || f.FeedType != "rss" || f.FeedLink != "https://desk.example/rules/arms%20transfers/feed.xml" || len(f.Items) != 3 {
		t.Fatalf("%+v", f)
	}
	first := f.Items[0]
	if first.Title != "Freighter carried shells, inspectors say" || first.Link != "https://news.example/2026/11/22/shells" || first.GUID != "alert:1" ||
		!first.PublishedParsed.Equal(now) {
		t.Errorf("%+v", first)
	}
	for _, want := range []string{"<b>shells</b>", `Also carried by 2 others: <a href="https://daily.example/a">The Daily</a>`, "rule: arms transfers", "Reuters"} {
		if !strings.Contains(first.Description, want) {
			t.Errorf("%q is not in %s", want, first.Description)
		}
	}
	if f.Items[1].Title != "화물선에서 포탄과 미사일 부품 발견" || !strings.HasPrefix(f.Items[2].Title, "[UPDATE] ") {
		t.Errorf("%q, %q", f.Items[1].Title, f.Items[2].Title)
	}
	if empty, err := RSS("r", "", nil, now); err != nil || !strings.Contains(string(empty), "<title>Wirewatch: r</title>") {
		t.Errorf("%v %s", err, empty)
	}
}

// No title adds an element to a description, and none breaks the document.
func TestRSSHostile(t *testing.T) {
	var out bytes.Buffer
	for _, c := range hostile {
		d := delivery("msg_h", c.title, "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example", SiteName: c.title, Title: c.title, Body: c.title,
			Agency: c.title, Source: pipeline.SourceFeed, Why: c.title}, pipeline.Outlet{SiteName: c.title, Title: c.title, URL: "https://o.example/"})
		b, err := RSS(c.title, "https://desk.example/", []pipeline.Alert{d.Alert}, now)
		if err != nil {
			t.Fatal(err)
		}
		f, err := gofeed.NewParser().ParseString(string(b))
		if err != nil || len(f.Items) != 1 {
			t.Fatalf("%s: %v\n%s", c.name, err, b)
		}
		if strings.ContainsFunc(string(b), func(r rune) bool { return r != '\n' && acts(string(r)) }) {
			t.Errorf("%s: %q", c.name, b)
		}
		fmt.Fprintf(&out, "%s\n%s\n%s\n", c.name, clip(f.Items[0].Title, 300), clip(f.Items[0].Description, 1500))
		if title := f.Items[0].Title; html.UnescapeString(title) != title || strings.ContainsAny(title, "<>") {
			t.Errorf("%s: as HTML the title %q says something else", c.name, title)
		}
		doc := html.NewTokenizer(strings.NewReader(f.Items[0].Description))
		for tt := doc.Next(); tt != html.ErrorToken; tt = doc.Next() {
			if tok := doc.Token(); tok.Type != html.TextToken && !slices.Contains([]string{"p", "b", "a"}, tok.Data) ||
				slices.ContainsFunc(tok.Attr, func(a html.Attribute) bool { return a.Key != "href" || a.Val != "https://o.example/" }) {
				t.Errorf("%s: %s", c.name, tok)
			}
		}
	}
	golden(t, "hostile.rss.txt", out.Bytes())
}
