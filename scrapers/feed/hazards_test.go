package feed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"

	"github.com/mmcdole/gofeed"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

func rssOf(n int, item func(i int) string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>T</title>`)
	for i := range n {
		b.WriteString(item(i))
	}
	b.WriteString("</channel></rss>")
	return b.String()
}

// Two million elements overflow the stack of a recursive parser, which no
// recover can catch. Each of these ends the process if the depth is not
// checked before.
func TestDepth(t *testing.T) {
	deep := strings.Repeat("<a>", 2_000_000)
	for name, doc := range map[string]string{
		"in an item":      "<rss><channel><item>" + deep,
		"in an extension": `<rss xmlns:x="urn:x"><channel><item><x:y>` + strings.ReplaceAll(deep, "a", "x:a"),
		"in a title":      "<rss><channel><item><title>" + deep,
		"at the top":      deep,
		"in atom content": `<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">` + deep,
		"JSON":            `{"version":"https://jsonfeed.org/version/1","items":` + strings.Repeat("[", 2_000_000),
	} {
		if _, err := Parse([]byte(doc), "", ""); !errors.Is(err, ErrTooDeep) {
			t.Errorf("%s: %v, want ErrTooDeep", name, err)
		}
	}
	// The limit itself is fine.
	ok := "<rss><channel><item><title>" + strings.Repeat("<i>", MaxDepth-5) + "x" + strings.Repeat("</i>", MaxDepth-5) + "</title></item></channel></rss>"
	if f, err := Parse([]byte(ok), "", ""); err != nil || f.Entries[0].Title != "x" {
		t.Errorf("depth below the limit: %+v, %v", f, err)
	}
	// Elements that HTML leaves open are not depth.
	flat := "<rss><channel><item><description>" + strings.Repeat("<p>x<br><img src=y><li>z", 1000) + "</description></item></channel></rss>"
	if _, err := Parse([]byte(flat), "", ""); err != nil {
		t.Errorf("unclosed HTML: %v", err)
	}
}

func TestItems(t *testing.T) {
	if _, err := Parse([]byte("<rss><channel>"+strings.Repeat("<item/>", 1_000_000)), "", ""); !errors.Is(err, ErrTooManyItems) {
		t.Errorf("%v, want ErrTooManyItems", err)
	}
	if _, err := Parse([]byte(`{"version":"https://jsonfeed.org/version/1","items":[{}`+strings.Repeat(",{}", MaxItems)+"]}"), "", ""); !errors.Is(err, ErrTooManyItems) {
		t.Errorf("JSON: %v, want ErrTooManyItems", err)
	}
	f, err := Parse([]byte(rssOf(MaxItems, func(int) string { return "<item/>" })), "", "")
	if err != nil || len(f.Entries) != MaxItems {
		t.Errorf("at the limit: %v", err)
	}
}

// The time must grow with the length and not with its square: each of these
// shapes once cost the square in some parser. They are held to the CPU time of
// an ordinary feed of the same length, read beside them; the bound is loose, a
// square is thousands of times above it.
func TestLinear(t *testing.T) {
	const size = 2 << 20
	cost := func(doc string) time.Duration {
		runtime.GC() // what the feed before left is not this one's cost
		start := cputest.Time(t)
		_, _ = Parse([]byte(doc), "", "")
		return cputest.Time(t) - start
	}
	plain := cost(rssOf(size/1000, func(i int) string {
		return fmt.Sprintf("<item><title>Item %d</title><link>https://e.example/%d</link><description>%s</description></item>", i, i, strings.Repeat("words of it ", 1000/12))
	}))
	fill := func(head, unit string) string { return head + strings.Repeat(unit, (size-len(head))/len(unit)) }
	for name, doc := range map[string]string{
		"instructions": fill("<rss>", "<?a>"),
		"directives":   fill("<rss>", "<!a[>"),
		"comments":     fill("<rss>", "<!---->"),
		"quotes":       fill("<rss>", `<a b="c>`[:8]),
		"sections":     fill("<rss><channel><item><title>", "<![CDATA[x</title><title>") + "]]>",
		"section ends": fill("<rss><channel><item><dc:description>", "]]&gt;"),
		"entities":     fill("<rss><channel><item><description>", "&amp;&a;&"),
		"end tags":     fill("<rss>"+strings.Repeat("<b>", 200), "</a>"),
		"namespaces":   fill("<rss>", `<a xmlns:b="c"/>`),
		"attributes":   fill("<rss><channel><item x", ` a="b"`),
		"siblings":     fill("<rss><channel><item><description>"+strings.Repeat("<b>", 200), "<i>x</i>"),
		"less-thans":   fill("<rss><channel><item><title>", "< "),
		"dates":        fill("<rss><channel><item><pubDate>", "12 "),
		"zones":        fill("", "<") + "",
	} {
		if d := cost(doc); d > 10*plain {
			t.Errorf("%s: %v, where an ordinary feed takes %v", name, d, plain)
		} else {
			t.Logf("%s: %v, %.1f of an ordinary feed", name, d, float64(d)/float64(plain))
		}
	}
}

// A feed cut anywhere gives the entries that were closed, and says that it was cut.
func TestCut(t *testing.T) {
	atom := func(i int) string {
		return fmt.Sprintf(`<entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">é <b>%d</b></div></title><link href="http://e.example/%d"/><id>urn:%d</id><content><![CDATA[<p>x</p>]]></content></entry>`, i, i, i)
	}
	docs := map[string]string{
		"</item>": rssOf(6, func(i int) string {
			return fmt.Sprintf(`<item><title>é &amp; %d</title><!-- c --><link>http://e.example/%d?a=1&amp;b=2</link><guid isPermaLink="false">%d</guid><description><![CDATA[<p>x</p>]]></description></item>`, i, i, i)
		}),
		"</entry>": `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>` + atom(0) + atom(1) + atom(2) + atom(3) + "</feed>",
	}
	for end, doc := range docs {
		root := strings.LastIndex(doc, "</")
		for at := 70; at < len(doc); at += 10 {
			f, err := Parse([]byte(doc[:at]), "", "")
			if err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			}
			if want := strings.Count(doc[:at], end); len(f.Entries) != want {
				t.Errorf("cut at %d: %d entries, want %d", at, len(f.Entries), want)
			}
			if f.Partial == nil && at < root {
				t.Errorf("cut at %d: not marked as partial", at)
			}
		}
		f, err := Parse([]byte(doc), "", "")
		if err != nil || f.Partial != nil {
			t.Errorf("whole: %v, %v", err, f.Partial)
		}
	}
	doc := `{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"0","content_text":"é, [x]"},{"id":"1","tags":["a"]},{"id":"2"},{"id":"3"}],"language":"de"}`
	for at := strings.Index(doc, "{\"id"); at < len(doc); at += 10 {
		f, err := Parse([]byte(doc[:at]), "", "")
		if err != nil {
			t.Fatalf("JSON cut at %d: %v", at, err)
		}
		if want := strings.Count(doc[:at], "\"},{") + strings.Count(doc[:at], "]},{"); len(f.Entries) < want || len(f.Entries) > want+1 || f.Partial == nil {
			t.Errorf("JSON cut at %d: %d entries, want about %d, partial %v", at, len(f.Entries), want, f.Partial)
		}
	}
}

func TestNoFeed(t *testing.T) {
	for name, tt := range map[string]struct {
		doc  string
		want error
	}{
		"other namespace": {`<feed xmlns="http://other.example/ns"><title>x</title></feed>`, ErrNotFeed},
		"page":            {"<!DOCTYPE html><html><head><title>x</title></head></html>", ErrNotFeed},
		"JSON error":      {`{"error":"rate limited"}`, ErrNotFeed},
		"JSON list":       {`[1,2]`, ErrNotFeed},
		"JSON oEmbed":     {`{"version":"1.0","title":"x"}`, ErrNotFeed},
		"other XML":       {`<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url/></urlset>`, ErrNotFeed},
		"text":            {"Service unavailable", ErrNotFeed},
		"binary":          {"\x89PNG\r\n\x1a\n\x00\x00", ErrNotFeed},
		"nothing":         {"", ErrEmpty},
		"white space":     {" \n\t", ErrEmpty},
	} {
		if f, err := Parse([]byte(tt.doc), "", ""); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v; want %v", name, f, err, tt.want)
		}
	}
	// An empty feed is a feed.
	if f, err := Parse([]byte(`<rss><channel><title>x</title></channel></rss>`), "", ""); err != nil || len(f.Entries) != 0 {
		t.Errorf("empty feed: %v", err)
	}
}

func TestEncodings(t *testing.T) {
	doc := func(decl, title string) string {
		return `<?xml version="1.0"` + decl + `?><rss version="2.0"><channel><title>` + title + `</title><item><title>` + title + `</title></item></channel></rss>`
	}
	enc := func(e encoding.Encoding, s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const west, russian = "Élan vital à Genève", "Российские новости сегодня и завтра"
	for name, tt := range map[string]struct{ doc, header, want string }{
		"UTF-8":                   {doc(` encoding="utf-8"`, west), "", west},
		"UTF-8 with mark":         {"\xEF\xBB\xBF" + doc(` encoding="iso-8859-1"`, west), "text/xml; charset=koi8-r", west},
		"UTF-16 LE":               {enc(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), doc(` encoding="utf-16"`, russian)), "", russian},
		"UTF-16 BE":               {enc(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), doc("", russian)), "", russian},
		"UTF-16 LE, no mark":      {enc(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), doc("", russian)), "", russian},
		"UTF-16 BE, no mark":      {enc(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), doc("", russian)), "", russian},
		"UTF-32 LE":               {enc(utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), doc("", russian)), "", russian},
		"UTF-32 BE, no mark":      {enc(utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), doc("", russian)), "", russian},
		"HTTP charset":            {enc(charmap.KOI8R, doc("", russian)), "application/rss+xml; charset=KOI8-R", russian},
		"HTTP before declaration": {enc(charmap.Windows1251, doc(` encoding="iso-8859-1"`, russian)), "text/xml; charset=\"windows-1251\"", russian},
		"declaration":             {enc(charmap.Windows1251, doc(` encoding='windows-1251'`, russian)), "text/xml", russian},
		"Latin 1":                 {enc(charmap.ISO8859_1, doc(` encoding="iso-8859-1"`, west)), "", west},
		"Shift_JIS":               {enc(japanese.ShiftJIS, doc(` encoding="Shift_JIS"`, "東京のニュース")), "", "東京のニュース"},
		"EUC-JP":                  {enc(japanese.EUCJP, doc(` encoding="euc-jp"`, "東京のニュース")), "", "東京のニュース"},
		"EUC-KR":                  {enc(korean.EUCKR, doc(` encoding="euc_kr"`, "서울 뉴스")), "", "서울 뉴스"},
		"GB 18030 as GB 2312":     {enc(simplifiedchinese.GB18030, doc(` encoding="gb2312"`, "中文新闻")), "", "中文新闻"},
		"EBCDIC":                  {enc(charmap.CodePage037, doc(` encoding="cp037"`, "hello")), "", "hello"},
		"Macintosh Cyrillic":      {enc(charmap.MacintoshCyrillic, doc(` encoding="mac-cyrillic"`, russian)), "", russian},
		"code page 437":           {enc(charmap.CodePage437, doc(` encoding="cp437"`, "Élan")), "", "Élan"},
		"mislabelled Latin 1":     {doc(` encoding="iso-8859-1"`, west), "", west},
		"mislabelled UTF-8":       {enc(charmap.Windows1252, doc(` encoding="utf-8"`, "Élan “vital”")), "", "Élan “vital”"},
		"label utf-16, is not":    {doc(` encoding="utf-16"`, west), "", west},
		"unknown label":           {doc(` encoding="x-fake"`, west), "", west},
		"HTTP label contradicted": {doc(` encoding="utf-8"`, west), "text/xml; charset=us-ascii", west},
		"one stray byte":          {doc(` encoding="utf-8"`, west+" – \x93quoted\x94 – "+west), "", west + " – “quoted” – " + west},
		"nothing declared":        {enc(charmap.KOI8R, doc("", strings.Repeat(russian+" ", 5))), "", strings.TrimSpace(strings.Repeat(russian+" ", 5))},
		"C1 controls":             {doc("", "it&#146;s \u0093so\u0094"), "", "it’s “so”"},
		"forbidden characters":    {doc("", "a\x00\x0bb\x1b\uFFFEc"), "", "abc"},
	} {
		f, err := Parse([]byte(tt.doc), tt.header, "")
		if err != nil || f.Partial != nil || len(f.Entries) != 1 {
			t.Errorf("%s: %+v, %v", name, f, err)
			continue
		}
		if got := f.Entries[0].Title; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestLinks(t *testing.T) {
	item := func(s string) string { return "<rss><channel><item>" + s + "</item></channel></rss>" }
	entry := func(s string) string {
		return `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/x/y"><entry><id>urn:1</id>` + s + "</entry></feed>"
	}
	for _, tt := range []struct{ doc, want string }{
		{item("<link>/a?b=1&amp;c=2</link>"), "https://final.example/a?b=1&c=2"},
		{item("<link>../up</link>"), "https://final.example/up"},
		{item("<link>//cdn.example/a</link>"), "https://cdn.example/a"},
		{item("<link> \n https://e.example/ü \n</link>"), "https://e.example/ü"},
		{item("<link/><guid>https://e.example/g</guid>"), "https://e.example/g"},
		{item(`<guid isPermaLink="true">/g</guid>`), "https://final.example/g"},
		{item(`<guid>12345</guid>`), ""},
		{item(`<guid isPermaLink="false">https://e.example/g</guid>`), ""},
		{item(`<guid>https://e.example/g</guid><link>https://e.example/l</link>`), "https://e.example/l"},
		{item(`<atom:link href="https://e.example/a"/>`), "https://e.example/a"},
		{item(`<atom:link rel="self" href="https://e.example/a"/>`), ""},
		{entry(`<link href="z"/>`), "https://b.example/x/z"},
		{entry(`<link href="" xml:base="z/"/>`), "urn:1"},
		{entry(`<link href="q" xml:base="z/"/>`), "https://b.example/x/z/q"},
		{entry(`<link rel="related" href="r"/><link rel="alternate" type="application/pdf" href="p"/>`), "https://b.example/x/p"},
		{entry(`<link rel="alternate" type="application/pdf" href="p"/><link href="h" type="text/html; charset=utf-8"/>`), "https://b.example/x/h"},
		{entry(`<link rel="http://www.iana.org/assignments/relation/alternate" href="h"/>`), "https://b.example/x/h"},
	} {
		f, err := Parse([]byte(tt.doc), "", "https://final.example/dir/feed")
		if err != nil || len(f.Entries) != 1 {
			t.Errorf("%s: %v", tt.doc, err)
			continue
		}
		if got := f.Entries[0].URL; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.doc, got, tt.want)
		}
	}
}

// RFC 3986, section 5.4.
func TestResolve(t *testing.T) {
	for ref, want := range map[string]string{
		"g:h": "g:h", "g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/", "/g": "http://a/g",
		"//g": "http://g", "?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y", "#s": "http://a/b/c/d;p?q#s",
		"g#s": "http://a/b/c/g#s", ";x": "http://a/b/c/;x", "..": "http://a/b/", "../": "http://a/b/",
		"../g": "http://a/b/g", "../..": "http://a/", "../../g": "http://a/g", "../../../g": "http://a/g",
		"/./g": "http://a/g", "/../g": "http://a/g", "g.": "http://a/b/c/g.", ".g": "http://a/b/c/.g",
		"./g/.": "http://a/b/c/g/", "g/./h": "http://a/b/c/g/h", "g/../h": "http://a/b/c/h", "g;x=1/../y": "http://a/b/c/y",
		"g?y/../x": "http://a/b/c/g?y/../x", "%zz": "http://a/b/c/%zz",
	} {
		if got := resolve("http://a/b/c/d;p?q", ref); got != want {
			t.Errorf("%q: %q, want %q", ref, got, want)
		}
	}
}

// Equal dates, no order, no dates: every entry is there, in the document's order.
func TestEveryEntry(t *testing.T) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(1500)
	dates := []string{"Mon, 15 Jan 2024 09:00:00 GMT", "Mon, 15 Jan 2024 09:00:00 GMT", "Tue, 15 Jan 2030 09:00:00 GMT", ""}
	f, err := Parse([]byte(rssOf(len(order), func(i int) string {
		return fmt.Sprintf("<item><guid>%d</guid><pubDate>%s</pubDate></item>", order[i], dates[i%len(dates)])
	})), "", "")
	if err != nil || len(f.Entries) != len(order) {
		t.Fatalf("%v", err)
	}
	for i, e := range f.Entries {
		if e.GUID != fmt.Sprint(order[i]) {
			t.Fatalf("entry %d is %s, want %d", i, e.GUID, order[i])
		}
	}
	if y := f.Entries[2].Published.Year(); y != 2030 {
		t.Errorf("a date in the future was clamped here: %d", y)
	}
}

func TestPanicIsAnError(t *testing.T) {
	if _, err := guard("", func(string) (*gofeed.Feed, error) { panic("index out of range") }); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("%v, want the panic as an error", err)
	}
}

// The vocabulary is the namespace, never the prefix; invented namespaces and
// undeclared prefixes are taken for what they look like.
func TestNamespaces(t *testing.T) {
	const want = "t|https://e.example/1|g|2024-01-15 00:00:00 +0000 UTC|Ann"
	fields := func(p string) string {
		return fmt.Sprintf(`<%[1]sitem><%[1]stitle>t</%[1]stitle><%[1]slink>https://e.example/1</%[1]slink><%[1]sguid>g</%[1]sguid><zz:date>2024-01-15</zz:date><dc:creator>Ann</dc:creator></%[1]sitem>`, p)
	}
	const dc = ` xmlns:zz="http://purl.org/dc/elements/1.1/"`
	for name, doc := range map[string]string{
		"plain":             `<rss` + dc + `><channel>` + fields("") + `</channel></rss>`,
		"RSS 2.0 namespace": `<r:rss xmlns:r="http://backend.userland.com/rss2"` + dc + `><r:channel>` + fields("r:") + `</r:channel></r:rss>`,
		"invented default":  `<rss xmlns="http://invented.example/"` + dc + `><channel>` + fields("") + `</channel></rss>`,
		"inner default":     `<rss` + dc + `><channel xmlns="http://invented.example/">` + fields("") + `</channel></rss>`,
		"invented prefix":   `<q:rss xmlns:q="http://invented.example/"` + dc + `><q:channel>` + fields("q:") + `</q:channel></q:rss>`,
		"RDF by prefix":     `<q:RDF xmlns:q="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:k="http://purl.org/rss/1.0/"` + dc + `>` + fields("k:") + `</q:RDF>`,
		"clash":             `<rss xmlns:x="urn:x" xmlns:media="http://search.yahoo.com/mrss/"` + dc + `><channel><x:item/>` + strings.Replace(fields(""), "<title>", "<x:title>no</x:title><x:link>no</x:link><media:title>no</media:title><svg xmlns='http://www.w3.org/2000/svg'><title>no</title></svg><title>", 1) + `</channel></rss>`,
	} {
		f, err := Parse([]byte(doc), "", "")
		if err != nil || len(f.Entries) != 1 {
			t.Errorf("%s: %+v, %v", name, f, err)
			continue
		}
		e := f.Entries[0]
		if got := fmt.Sprintf("%s|%s|%s|%s|%s", e.Title, e.URL, e.GUID, e.Published, e.Author); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A film's description in Atom stands in a media:group and nowhere else.
func TestMediaInAtom(t *testing.T) {
	f, err := Parse([]byte(`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"><entry><title>Own</title><media:group><media:title>Other</media:title><media:description>What it shows</media:description></media:group></entry></feed>`), "", "")
	if err != nil || f.Entries[0].Summary != "What it shows" || f.Entries[0].Title != "Own" {
		t.Errorf("%+v, %v", f, err)
	}
}

// A real feed of five megabytes.
func TestLargeFeed(t *testing.T) {
	body := strings.Repeat("<p>A paragraph &amp; <b>more</b> of it.</p>", 60)
	doc := []byte(rssOf(2000, func(i int) string {
		return fmt.Sprintf(`<item><title>Item %d</title><link>https://e.example/%d</link><guid>https://e.example/%d</guid><pubDate>Mon, 15 Jan 2024 09:00:00 JST</pubDate><description>x</description><content:encoded><![CDATA[%s]]></content:encoded></item>`, i, i, i, body)
	}))
	start := time.Now()
	f, err := Parse(doc, "", "")
	if err != nil || len(f.Entries) != 2000 {
		t.Fatal(err)
	}
	t.Logf("%d bytes in %v", len(doc), time.Since(start))
}
