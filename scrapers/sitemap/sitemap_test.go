package sitemap

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

func read(t testing.TB, doc, contentType string) ([]Entry, Notes, error) {
	t.Helper()
	var out []Entry
	n, err := Read([]byte(doc), contentType, "https://e.example/maps/a.xml", func(e Entry) error {
		out = append(out, e)
		return nil
	})
	if n.Entries != len(out) {
		t.Fatalf("%d entries noted, %d given", n.Entries, len(out))
	}
	return out, n, err
}

func urls(es []Entry) string {
	var s []string
	for _, e := range es {
		u := strings.TrimPrefix(e.URL, "https://e.example")
		if e.Child {
			u = "+" + u
		}
		s = append(s, u)
	}
	return strings.Join(s, " ")
}

const sm = `xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"`

func TestRead(t *testing.T) {
	utf16le := func(s string) string {
		b := []byte{0xFF, 0xFE}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for name, tc := range map[string]struct {
		doc, typ, want string
		bad            int
		cut            bool
	}{
		"plain":               {doc: `<?xml version="1.0"?><urlset ` + sm + `><url><loc> https://e.example/1 </loc></url><url><loc>https://e.example/2</loc></url></urlset>`, want: "/1 /2"},
		"index":               {doc: `<sitemapindex ` + sm + `><sitemap><loc>https://e.example/s1.xml.gz</loc></sitemap></sitemapindex>`, want: "+/s1.xml.gz"},
		"index in a set":      {doc: `<urlset ` + sm + `><sitemap><loc>/s1.xml</loc></sitemap><url><loc>/1</loc></url></urlset>`, want: "+/s1.xml /1"},
		"pages in an index":   {doc: `<sitemapindex ` + sm + `><url><loc>/s1.xml</loc></url></sitemapindex>`, want: "+/s1.xml"},
		"prefix":              {doc: `<x:urlset xmlns:x="http://www.sitemaps.org/schemas/sitemap/0.9"><x:url><x:loc>/1</x:loc></x:url></x:urlset>`, want: "/1"},
		"no namespace":        {doc: `<urlset><url><loc>/1</loc></url></urlset>`, want: "/1"},
		"old namespace":       {doc: `<urlset xmlns="http://www.google.com/schemas/sitemap/0.84"><url><loc>/1</loc></url></urlset>`, want: "/1"},
		"wrong namespace":     {doc: `<urlset xmlns="http://e.example/mine"><url><loc>/1</loc></url></urlset>`, want: "/1"},
		"image's loc":         {doc: `<urlset ` + sm + ` xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><image:image><image:loc>/i.jpg</image:loc></image:image><loc>/1</loc></url></urlset>`, want: "/1"},
		"image's loc outside": {doc: `<urlset ` + sm + ` xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><image:loc>/i.jpg</image:loc><loc>/1</loc></url></urlset>`, want: "/1"},
		"image by default":    {doc: `<urlset ` + sm + `><url><image xmlns="http://www.google.com/schemas/sitemap-image/1.1"><loc>/i.jpg</loc></image><loc>/1</loc></url></urlset>`, want: "/1"},
		"image undeclared":    {doc: `<urlset><url><image:loc>/i.jpg</image:loc><loc>/1</loc></url></urlset>`, want: "/1"},
		"only an image":       {doc: `<urlset ` + sm + ` xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><image:loc>/i.jpg</image:loc></url></urlset>`, want: "", bad: 1},
		"swapped prefixes":    {doc: `<image:urlset xmlns:image="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns="http://www.google.com/schemas/sitemap-image/1.1"><image:url><loc>/i.jpg</loc><image:loc>/1</image:loc></image:url></image:urlset>`, want: "/1"},
		"rebound inside":      {doc: `<urlset ` + sm + `><url xmlns=""><loc>/1</loc></url><url><a xmlns="u:x"><loc>/no</loc></a><loc>/2</loc></url></urlset>`, want: "/1 /2"},
		"entities":            {doc: `<urlset ` + sm + `><url><loc>/1?a=1&amp;b=2</loc></url><url><loc>/2?a=1&b=&copy</loc></url><url><loc><![CDATA[/3?a&b]]></loc></url></urlset>`, want: "/1?a=1&b=2 /2?a=1&b=&copy /3?a&b"},
		"blanks":              {doc: "<urlset><url><loc>\n /a b\n/c </loc></url></urlset>", want: "/a%20b/c"},
		"no end tags":         {doc: `<urlset ` + sm + `><url><loc>/1<lastmod>2020-01-01</lastmod><url><loc>/2</loc></urlset>`, want: "/1 /2"},
		"capitals":            {doc: `<URLSET><URL><LOC>/1</Loc></url></urlset>`, want: "/1"},
		"comments, warnings":  {doc: "<br />\n<b>Warning</b>: x in y\n<!-- <url><loc>/no</loc></url> --><urlset><!-- a --><url><loc>/1</loc></url></urlset>", want: "/1"},
		"behind the end":      {doc: `<urlset><url><loc>/1</loc></url></urlset><url><loc>/2</loc></url>`, want: "/1"},
		"no addresses":        {doc: `<urlset><url><loc>mailto:a@b</loc></url><url><loc>/1#x</loc></url><url></url><url><loc>http://</loc></url></urlset>`, want: "/1", bad: 3},
		"endless address":     {doc: `<urlset><url><loc>/` + strings.Repeat("x", maxField) + `</loc></url><url><loc>/1</loc></url></urlset>`, want: "/1", bad: 1},
		"cut in an entry":     {doc: `<urlset><url><loc>/1</loc></url><url><loc>/2</lo`, want: "/1", cut: true},
		"cut behind one":      {doc: `<urlset><url><loc>/1</loc></url>`, want: "/1", cut: true},
		"cut in a comment":    {doc: `<urlset><url><loc>/1</loc></url><!-- `, want: "/1", cut: true},
		"empty set":           {doc: `<urlset ` + sm + `/>`, want: ""},
		"utf-16":              {doc: utf16le(`<?xml version="1.0" encoding="utf-16"?><urlset><url><loc>/ü</loc></url></urlset>`), want: "/ü"},
		"latin-1":             {doc: "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><urlset><url><loc>/\xfc</loc></url></urlset>", want: "/ü"},
		"mark":                {doc: "\ufeff\n<urlset><url><loc>/1</loc></url></urlset>", want: "/1"},
		"text":                {doc: "\ufeffhttps://e.example/1\r\n\r\nhttps://e.example/2\n# a comment\n", typ: "text/plain", want: "/1 /2"},
		"text with a line":    {doc: "https://e.example/1\nsee also below\nhttps://e.example/2\n", want: "/1 /2", bad: 1},
		"rss":                 {doc: `<rss version="2.0"><channel><title>x</title><item><title>One</title><link>https://e.example/1</link></item></channel></rss>`, want: "/1"},
		"atom":                {doc: `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>u:1</id><title>One</title><link href="/1"/></entry></feed>`, want: "/1"},
	} {
		t.Run(name, func(t *testing.T) {
			es, n, err := read(t, tc.doc, tc.typ)
			if err != nil || urls(es) != tc.want || n.Bad != tc.bad || (n.Partial != nil) != tc.cut {
				t.Fatalf("read %q, %+v, %v; want %q, %d bad, cut %v", urls(es), n, err, tc.want, tc.bad, tc.cut)
			}
		})
	}
}

// Of a document cut at any byte the entries that were closed are there, and it says so.
func TestCutAnywhere(t *testing.T) {
	doc := `<?xml version="1.0"?><urlset ` + sm + `>` + strings.Repeat(`<url><loc>https://e.example/1</loc><lastmod>2020-01-01</lastmod></url>`, 3) + `</urlset>`
	first := strings.Index(doc, "<urlset") + len("<urlset ") + len(sm) + 1
	for i := first; i < len(doc); i++ {
		es, n, err := read(t, doc[:i], "")
		if want := strings.Count(doc[:i], "</url>"); err != nil || len(es) != want || n.Partial == nil && i < len(doc) {
			t.Fatalf("cut at %d: %d entries, %+v, %v; want %d", i, len(es), n, err, want)
		}
	}
}

func TestNews(t *testing.T) {
	doc := `<urlset ` + sm + ` xmlns:n="http://www.google.com/schemas/sitemap-news/0.9" xmlns:news="http://e.example/other">
<url><loc>https://e.example/1</loc>
<n:news><n:publication><n:name>The
 Wire</n:name><n:language>ko</n:language></n:publication><news:title>no</news:title>
<n:publication_date>2024-03-05T23:30:00-05:00</n:publication_date><n:title>Shells &amp; ships</n:title><n:keywords>arms, North  Korea,,</n:keywords></n:news>
<lastmod>2024-03-06</lastmod></url></urlset>`
	es, _, err := read(t, doc, "")
	if err != nil || len(es) != 1 {
		t.Fatal(es, err)
	}
	at := time.Date(2024, 3, 6, 4, 30, 0, 0, time.UTC)
	want := Entry{URL: "https://e.example/1", Lastmod: ParseDate("2024-03-06"), Published: Date{at, at, at}, Title: "Shells & ships",
		Publication: "The Wire", Lang: "ko", Tags: []string{"arms", "North Korea"}}
	if !reflect.DeepEqual(es[0], want) {
		t.Fatalf("read %+v\nwant %+v", es[0], want)
	}
	for what, other := range map[string]string{"a prefix that nobody declared": "", "another namespace": ` xmlns:n="http://www.google.com/schemas/sitemap-video/1.1"`} {
		es, _, err = read(t, strings.Replace(doc, ` xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"`, other, 1), "")
		if err != nil || len(es) != 1 || es[0].Title != "" || !es[0].Published.At.IsZero() {
			t.Fatalf("%s counted: %+v, %v", what, es, err)
		}
	}
}

// What Atom only says of the last change is no date of publication.
func TestAtomUpdated(t *testing.T) {
	es, _, err := read(t, `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>
<entry><title>One</title><link href="/1"/><updated>2024-03-05T10:00:00Z</updated></entry>
<entry><title>Two</title><link href="/2"/><updated>2024-03-05T10:00:00Z</updated><published>2024-03-01T10:00:00Z</published></entry></feed>`, "")
	if err != nil || len(es) != 2 {
		t.Fatal(es, err)
	}
	if !es[0].Published.At.IsZero() || !es[0].Feed.Published.IsZero() || es[0].Lastmod.At.IsZero() || es[1].Published.At.Day() != 1 {
		t.Fatalf("read %+v", es)
	}
}

func TestRefused(t *testing.T) {
	for doc, want := range map[string]error{
		"":                                      ErrEmpty,
		" \n ":                                  ErrEmpty,
		"<!doctype html><html><body>x":          ErrNotSitemap,
		`{"error":"x"}`:                         ErrNotSitemap,
		"User-agent: *\nDisallow: /":            ErrNotSitemap,
		"<error>no</error>":                     ErrNotSitemap,
		"# nothing":                             ErrNotSitemap,
		"<urlset>" + strings.Repeat("<a>", 100): ErrTooDeep,
	} {
		if es, _, err := read(t, doc, ""); !errors.Is(err, want) || len(es) > 0 {
			t.Errorf("%.30q: %v, %v; want %v", doc, es, err, want)
		}
	}
	stop := errors.New("stop")
	for _, doc := range []string{"<urlset><url><loc>/1</loc></url><url><loc>/2</loc></url></urlset>", "http://e.example/1\nhttp://e.example/2"} {
		n := 0
		if _, err := Read([]byte(doc), "", "https://e.example/", func(Entry) error { n++; return stop }); err != stop || n != 1 {
			t.Errorf("went on after the caller's error: %v, %d", err, n)
		}
	}
}

func TestParseDate(t *testing.T) {
	const form = "2006-01-02T15:04"
	for raw, want := range map[string]string{
		"2024-03-05T10:00:00Z":          "2024-03-05T10:00 2024-03-05T10:00 2024-03-05T10:00",
		"2024-03-05T10:00:00.5+09:00":   "2024-03-05T01:00 2024-03-05T01:00 2024-03-05T01:00",
		"2024-03-05T10:00:00-0500":      "2024-03-05T15:00 2024-03-05T15:00 2024-03-05T15:00",
		"2024-03-05 10:00:00 +09:00":    "2024-03-05T01:00 2024-03-05T01:00 2024-03-05T01:00",
		"2024-03-05T10:00Z":             "2024-03-05T10:00 2024-03-05T10:00 2024-03-05T10:00",
		"2024-03-05T10:00:00":           "2024-03-05T10:00 2024-03-04T20:00 2024-03-05T22:00",
		"2024-03-05":                    "2024-03-05T00:00 2024-03-04T10:00 2024-03-06T11:59",
		" 2024-03 ":                     "2024-03-01T00:00 2024-02-29T10:00 2024-04-01T11:59",
		"2024":                          "2024-01-01T00:00 2023-12-31T10:00 2025-01-01T11:59",
		"Tue, 05 Mar 2024 10:00:00 GMT": "2024-03-05T10:00 2024-03-04T20:00 2024-03-05T22:00",
		"5 March 2024":                  "",
		"05/01/2024 10:00:00":           "",
		"24-03-05 10:00":                "",
		"0000-00-00":                    "",
		"yesterday":                     "",
		"":                              "",
	} {
		d := ParseDate(raw)
		got := ""
		if !d.At.IsZero() {
			got = d.At.Format(form) + " " + d.First.Format(form) + " " + d.Last.Format(form)
		}
		if got != want {
			t.Errorf("%q: %s; want %s", raw, got, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	now := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	for names, want := range map[string]string{
		"/sitemap-2019-03.xml /sitemap-2019-12.xml": "2019-03-01/2019-04-01 2019-12-01/2020-01-01",
		"/post-sitemap-201903.xml":                  "2019-03-01/2019-04-01",
		"/2019/03/sitemap.xml /2019/04/sitemap.xml": "2019-03-01/2019-04-01 2019-04-01/2019-05-01",
		"/s_20190305.xml":                           "2019-03-05/2019-03-06",
		"/2019/03/05.xml":                           "2019-03-05/2019-03-06",
		"/sitemap.xml?yyyy=2019&mm=03":              "2019-01-01/2020-01-01",
		"/sitemap-2019.xml /sitemap-2020.xml":       "2019-01-01/2020-01-01 2020-01-01/2021-01-01",
		"/s-2019-01-01_2019-06-30.xml":              "2019-01-01/2019-07-01",
		"/s-2019-03-2.xml":                          "2019-03-01/2019-04-01",
		"/sitemap-17.xml /sitemap-2019.xml":         "- -", // numbers, not years
		"/sitemap-2019.xml /sitemap-2100.xml":       "- -",
		"/s-2019-1.xml /s-2019-10.xml":              "2019-01-01/2020-01-01 2019-01-01/2020-01-01", // parts, not months
		"/s201903.xml /s201913.xml":                 "- -",
		"/a-2019-03.xml /b-1.xml":                   "2019-03-01/2019-04-01 -", // families do not speak for each other
		"/sitemap.xml /news.xml":                    "- -",
		"/sitemap-0001.xml":                         "-",
		"/archive-1851-09.xml":                      "1851-09-01/1851-10-01",
		"/id-123456789.xml":                         "-",
	} {
		var in, got []string
		for n := range strings.FieldsSeq(names) {
			in = append(in, "https://2018-01.example"+n) // the host's name is no date
		}
		for _, p := range Periods(in, now) {
			if p.To.IsZero() {
				got = append(got, "-")
				continue
			}
			got = append(got, p.From.Format(time.DateOnly)+"/"+p.To.Format(time.DateOnly))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s; want %s", names, g, want)
		}
	}
}

// Whatever comes in: no panic, errors of the documented kinds, addresses that can be fetched, and the same at every reading.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`<urlset ` + sm + ` xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>/1</loc><n:news><n:publication><n:name>x</n:name></n:publication><n:publication_date>2024-03-05</n:publication_date><n:keywords>a,b</n:keywords></n:news><lastmod>2024-03-05T10:00+09:00</lastmod></url></urlset>`,
		`<sitemapindex><sitemap xmlns=""><loc>a<loc>b</sitemap><url>`, "http://e.example/\nx", `<rss><item><link>http://e.example/`, `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"http://e.example/"}]}`,
		`<a:urlset xmlns:a="x"><a:url xmlns:a="y"><a:loc>/</a:loc></a:url></a:urlset>`,
	} {
		f.Add([]byte(s), "text/xml")
	}
	f.Fuzz(func(t *testing.T, doc []byte, contentType string) {
		run := func() (string, Notes, error) {
			var b strings.Builder
			n, err := Read(doc, contentType, "https://e.example/s.xml", func(e Entry) error {
				if _, ok := fetchable(e.URL); !ok {
					t.Fatalf("no address: %q", e.URL)
				}
				if e.Lastmod.Last.Before(e.Lastmod.First) || e.Lastmod.At.Before(e.Lastmod.First) || e.Lastmod.At.After(e.Lastmod.Last) {
					t.Fatalf("no span: %+v", e.Lastmod)
				}
				fmt.Fprintln(&b, e.URL, e.Child, e.Title)
				return nil
			})
			return b.String(), n, err
		}
		got, n, err := run()
		if again, n2, err2 := run(); again != got || n.Entries != n2.Entries || (err == nil) != (err2 == nil) {
			t.Fatal("two readings differ")
		}
		Periods(strings.Fields(got), time.Unix(1.7e9, 0))
	})
}
