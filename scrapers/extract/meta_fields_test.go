package extract

import (
	"fmt"
	"strings"
	"testing"
)

// Every field of the metadata, place by place, and what must not be taken for it. The page's address is
// https://www.courier.example/world/2024/basin-closed unless a case says otherwise.
func TestMetadataFields(t *testing.T) {
	x := newExtractor(t)
	ld := func(s string) string { return `<script type="application/ld+json">` + s + `</script>` }
	news := func(fields string) string {
		return ld(`{"@context":"https://schema.org","@type":"NewsArticle","headline":"Basin closed",` + fields + `}`)
	}
	og := func(k, v string) string { return fmt.Sprintf(`<meta property="%s" content="%s">`, k, v) }
	many := make([]string, 60)
	for i := range many {
		many[i] = "harbour " + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	section := func(a *Article) string { return a.Section }
	tags := func(a *Article) string { return strings.Join(a.Tags, "; ") }
	image := func(a *Article) string { return a.Image }
	canonical := func(a *Article) string { return a.Canonical }
	published := func(a *Article) string { return a.Date }
	modified := func(a *Article) string { return a.Modified }
	name := func(a *Article) string { return a.SiteName }
	paid := func(a *Article) string { return fmt.Sprint(a.Paywalled) }
	title := func(a *Article) string { return a.Title }
	lang := func(a *Article) string { return a.Lang }
	const own = "https://www.courier.example/world/2024/basin-closed"
	for _, c := range []struct {
		name string
		get  func(*Article) string
		head string
		want string
		url  string // of the page, where it matters
	}{
		{"section: open graph before json-ld", section, og("article:section", "World") + news(`"articleSection":"News"`), "World", ""},
		{"section: json-ld, a list", section, news(`"articleSection":["Asia","World"]`), "Asia", ""},
		{"section: broken json", section, ld(`{"@type":"NewsArticle","headline":"Basin closed","articleSection":"Asia", oops`), "Asia", ""},
		{"section: entities", section, og("article:section", "Law &amp;amp; Order"), "Law & Order", ""},
		{"section: none is no section", section, og("article:section", "Uncategorized") + news(`"articleSection":"Asia"`), "Asia", ""},
		{"section: the site is no section", section, og("og:site_name", "Coast Courier") + og("article:section", "Coast Courier"), "", ""},
		{"section: several in one value", section, og("article:section", "Asia,World"), "Asia", ""},
		{"section: microdata", section, `</head><body><span itemprop="articleSection">Asia</span>`, "Asia", ""},
		{"section: trail of links", section, ld(`{"@graph":[{"@type":"BreadcrumbList","itemListElement":[
			{"@type":"ListItem","position":3,"item":{"@id":"` + own + `","name":"Basin closed"}},
			{"@type":"ListItem","position":1,"name":"Start","item":"https://www.courier.example/"},
			{"@type":"ListItem","position":2,"name":"Ports","item":"https://www.courier.example/ports/"}]}]}`), "Ports", ""},
		{"section: a trail of the home page alone", section, ld(`{"@type":"BreadcrumbList","itemListElement":[{"position":1,"name":"Start","item":"https://www.courier.example/"}]}`), "", ""},

		{"tags: one meta each", tags, og("article:tag", "Ports") + og("article:tag", "Divers") + og("article:tag", "ports"), "Ports; Divers", ""},
		{"tags: one meta for all", tags, og("article:tag", " Ports,Divers , #Wrecks,"), "Ports; Divers; Wrecks", ""},
		{"tags: json-ld, a string", tags, news(`"keywords":"Ports, Divers"`), "Ports; Divers", ""},
		{"tags: json-ld, things", tags, news(`"keywords":[{"@type":"DefinedTerm","name":"Ports"},"Divers"]`), "Ports; Divers", ""},
		{"tags: machines' words", tags, news(`"keywords":["type:story","_noindex","Ports","8ae9ab2d-fe1b-4230-acb8-a59b52877682","https://a.example/t","2024","Category: Ports"]`), "Ports", ""},
		{"tags: a newsroom's codes are not words", tags, news(`"keywords":["AER","AIRL","AIRS08","CRSH","DEF","TRAN","Ports"]`) + `<meta name="news_keywords" content="Divers">`, "Divers", ""},
		{"tags: stuffed lists are none", tags, `<meta name="keywords" content="` + strings.Join(many, ",") + `">`, "", ""},
		{"tags: a stuffed list does not hide a good one", tags, news(`"keywords":"`+strings.Join(many, ",")+`"`) + `<meta name="news_keywords" content="Ports">`, "Ports", ""},
		{"tags: a long list is cut", func(a *Article) string { return fmt.Sprint(len(a.Tags)) }, og("article:tag", strings.Join(many[:25], ",")), "15", ""},
		{"tags: not the site, not the title", tags, og("og:site_name", "Coast Courier") + og("og:title", "Basin closed") + og("article:tag", "Coast Courier, Basin closed, Ports"), "Ports", ""},
		{"tags: links", tags, `</head><body><article><h1>Basin closed</h1><a rel="tag" href="/t/ports">Ports</a> <a rel="category tag" href="/c/world">World</a>`, "Ports", ""},
		{"tags: east", tags, og("article:tag", "항만、잠수부"), "항만; 잠수부", ""},

		{"image: relative", image, og("og:image", "/img/basin.jpg"), "https://www.courier.example/img/basin.jpg", ""},
		{"image: a logo passes on", image, og("og:image", "https://cdn.example/site-logo.png") + news(`"image":"https://cdn.example/basin.jpg"`), "https://cdn.example/basin.jpg", ""},
		{"image: a picture for sharing passes on", image, og("og:image", "https://cdn.example/default-share.jpg") + `<meta name="twitter:image" content="https://cdn.example/basin.jpg">`, "https://cdn.example/basin.jpg", ""},
		{"image: the publisher's logo by any name", image, og("og:image", "https://cdn.example/c.png") + news(`"publisher":{"@type":"Organization","name":"Coast Courier","logo":{"@type":"ImageObject","url":"https://cdn.example/c.png"}}`), "", ""},
		{"image: a picture of a logo", image, og("og:image", "https://cdn.example/workers-carry-shipyard-logo-from-burning-hall.jpg"), "https://cdn.example/workers-carry-shipyard-logo-from-burning-hall.jpg", ""},
		{"image: json-ld, a list of things", image, news(`"image":[{"@type":"ImageObject","url":"https://cdn.example/i.jpg","width":60},{"@type":"ImageObject","contentUrl":"https://cdn.example/basin.jpg","width":"1200px"}]`), "https://cdn.example/basin.jpg", ""},
		{"image: json-ld, by its id", image, ld(`{"@graph":[{"@type":"NewsArticle","headline":"Basin closed","image":{"@id":"#i"}},{"@type":"ImageObject","@id":"#i","url":"https://cdn.example/basin.jpg"}]}`), "https://cdn.example/basin.jpg", ""},
		{"image: an icon by its size", image, og("og:image", "https://cdn.example/a.jpg") + og("og:image:width", "32"), "", ""},
		{"image: no vector, no data, no script", image, og("og:image", "https://cdn.example/a.svg") + og("og:image:url", "data:image/png;base64,AAAA") + `<link rel="image_src" href="javascript:x">`, "", ""},
		{"image: link and entity", image, `<link rel="image_src" href="https://cdn.example/b?w=1&amp;h=2">`, "https://cdn.example/b?w=1&h=2", ""},

		{"canonical: link", canonical, `<link rel="canonical" href="/world/2024/basin-closed-for-two-years">`, "https://www.courier.example/world/2024/basin-closed-for-two-years", ""},
		{"canonical: an address at all", canonical, `<link rel="canonical" href="javascript:alert(1)">`, own, own},
		{"canonical: not the home page", canonical, `<link rel="canonical" href="https://www.courier.example/">` + og("og:url", own), own, own + "?x=1"},
		{"canonical: not the home page of a language", canonical, `<link rel="canonical" href="https://www.courier.example/en/">`, own, own},
		{"canonical: not another site", canonical, `<link rel="canonical" href="https://elsewhere.example/a/story">` + news(`"mainEntityOfPage":{"@id":"`+own+`"}`), own, own + "?x=1"},
		{"canonical: another host of the site", canonical, `<link rel="canonical" href="` + own + `">`, own, "https://m.courier.example/basin-closed"},
		{"canonical: AMP names the page", canonical, `<link rel="canonical" href="` + own + `">`, own, own + "/amp"},
		{"canonical: not the AMP twin", canonical, `<link rel="amphtml" href="` + own + `.amp"><link rel="canonical" href="` + own + `.amp">`, own, own},
		{"canonical: not the telephone's twin", canonical, `<link rel="alternate" media="only screen and (max-width: 640px)" href="https://m.courier.example/b"><link rel="canonical" href="https://m.courier.example/b">`, own, own},
		{"canonical: AMP cache, no link", canonical, ``, own, "https://www-courier-example.cdn.cache.example/c/s/www.courier.example/world/2024/basin-closed"},
		{"canonical: AMP cache with a link", canonical, `<link rel="canonical" href="` + own + `">`, own, "https://www-courier-example.cdn.cache.example/v/s/www.courier.example/world/2024/basin-closed/amp"},
		{"canonical: AMP viewer", canonical, ``, own, "https://www.search.example/amp/s/www.courier.example/world/2024/basin-closed"},
		{"canonical: json-ld's id of a thing", canonical, news(`"url":"#article","mainEntityOfPage":"` + own + `"`), own, own + "?x=1"},
		{"canonical: own, without its fragment", canonical, ``, own, own + "#top"},
		{"canonical: a saved copy", canonical, `<link rel="canonical" href="` + own + `">`, own, "page.html"},

		{"published: end of the title", published, `<title>Basin closed | Courier | 05.03.2024</title>`, "2024-03-05", ""},
		{"published: address", published, ``, "2024-03-05", "https://www.courier.example/2024/3/05/basin"},
		{"published: address, eight digits", published, ``, "2024-03-05", "https://www.courier.example/news/20240305/basin"},
		{"published: address, a number that begins with it", published, ``, "2024-03-05", "https://www.courier.example/news/A2024030514320000519"},
		{"published: address, a number", published, ``, "", "https://www.courier.example/news/20249905/98765432"},
		{"published: microdata before meta", published, `<meta name="date" content="2020-01-01"></head><body><meta itemprop="datePublished" content="2024-03-05">`, "2024-03-05", ""},
		{"modified: json-ld", modified, news(`"datePublished":"2024-03-05T10:00:00+01:00","dateModified":"2024-03-06T09:30:00+01:00"`), "2024-03-06T09:30:00+01:00", ""},
		{"modified: open graph", modified, og("article:modified_time", "2024-03-06"), "2024-03-06", ""},
		{"modified: microdata", modified, `</head><body><time itemprop="dateModified" datetime="2024-03-06">today</time>`, "2024-03-06", ""},
		{"modified: before it was published", modified, news(`"datePublished":"2024-03-05","dateModified":"2021-01-01"`), "", ""},

		{"name: open graph", name, og("og:site_name", "Coast Courier"), "Coast Courier", ""},
		{"name: publisher", name, news(`"publisher":{"@id":"#p"}`) + ld(`{"@type":"NewsMediaOrganization","@id":"#p","name":"Coast Courier"}`), "Coast Courier", ""},
		{"name: website", name, ld(`{"@type":"WebSite","name":"Coast Courier","url":"https://www.courier.example/"}`), "Coast Courier", ""},
		{"name: end of the title", name, `<title>Basin closed | The Courier</title>`, "The Courier", ""},
		{"name: with its motto", name, og("og:site_name", "The Courier - News, Sport and Weather of the whole Northern Coast"), "The Courier", ""},
		{"name: an address is none", name, og("og:site_name", "https://www.courier.example") + `<meta name="application-name" content="Courier">`, "Courier", ""},
		{"name: handle, if nothing else", name, `<meta name="twitter:site" content="@coastcourier">`, "coastcourier", ""},

		{"paid: false", paid, news(`"isAccessibleForFree":false`), "true", ""},
		{"paid: \"False\"", paid, news(`"isAccessibleForFree":"False"`), "true", ""},
		{"paid: address", paid, news(`"isAccessibleForFree":"https://schema.org/False"`), "true", ""},
		{"paid: 0", paid, news(`"isAccessibleForFree":0`), "true", ""},
		{"paid: a part", paid, news(`"hasPart":{"@type":"WebPageElement","isAccessibleForFree":"False","cssSelector":".rest"}`), "true", ""},
		{"paid: one of the parts", paid, news(`"hasPart":[{"@type":"WebPageElement","isAccessibleForFree":true},{"@type":"WebPageElement","isAccessibleForFree":false}]`), "true", ""},
		{"paid: the whole goes before a part", paid, news(`"isAccessibleForFree":true,"hasPart":[{"isAccessibleForFree":false}]`), "false", ""},
		{"paid: broken json", paid, ld(`{"@type":"NewsArticle","headline":"Basin closed","isAccessibleForFree":"False", oops`), "true", ""},
		{"paid: content tier", paid, og("article:content_tier", "locked"), "true", ""},
		{"paid: metered", paid, og("article:content_tier", "metered"), "true", ""},
		{"paid: free tier", paid, og("article:content_tier", "free"), "false", ""},
		{"paid: microdata", paid, `<meta itemprop="isAccessibleForFree" content="False">`, "true", ""},
		{"paid: nothing said", paid, news(`"isAccessibleForFree":""`), "false", ""},

		{"lang: json-ld", lang, news(`"inLanguage":{"@type":"Language","name":"German","alternateName":"de"}`), "de", ""},
		{"lang: locale", lang, og("og:locale", "pt_BR"), "pt", ""},

		{"title: h1 of the site", title, og("og:title", "Basin closed for two years") + `<title>Ann's Journal: Basin closed for two years</title></head><body><h1>Ann's Journal</h1>`, "Basin closed for two years", ""},
		{"title: h1 of the section", title, og("og:title", "Basin closed for two years") + `<title>News - Harbour</title></head><body><h1>News</h1><h1>Basin closed for two years</h1>`, "Basin closed for two years", ""},
		{"title: the section behind it", title, og("article:section", "Opinion") + og("og:title", "Basin closed for two years | Opinion"), "Basin closed for two years", ""},
		{"title: section and site", title, og("article:section", "정치") + og("og:site_name", "항구일보") + og("og:title", "북쪽 부두 폐쇄-정치ㅣ항구일보"), "북쪽 부두 폐쇄", ""},
		{"title: shared and shown, not for search", title, `<title>Wreck: Basin closed, what we know</title>` + og("og:title", "Divers clear a wreck") + ld(`{"@type":"NewsArticle","headline":"Basin closed, what we know"}`) + `</head><body><h1>Divers clear a wreck</h1>`, "Divers clear a wreck", ""},
		{"title: subtitle in the h1", title, `<title>Basin closed | Courier</title>` + og("og:title", "Basin closed") + `</head><body><h1>Basin closed <span>Divers work on the wreck until winter</span></h1>`, "Basin closed", ""},
	} {
		page := "<html><head>" + c.head
		if !strings.Contains(page, "<body>") {
			page += "</head><body>"
		}
		u := c.url
		if u == "" {
			u = own
		}
		a, err := x.Extract(Input{URL: u, HTML: []byte(page + "<p>12 345</p></body></html>")})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := c.get(a); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
