package extract

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"wirewatch/pipeline/text"
)

// head is what a page says of itself outside its text.
type head struct {
	lang      string
	title     string
	canonical string
	picture   string              // of a link element
	twins     []string            // addresses of the page in other forms, for telephones
	metas     map[string][]string // lower-case name or property to contents
	scripts   [][]byte            // JSON-LD, as it stands in the page's bytes
	state     [][]byte            // other scripts that hold paragraphs, likewise
	captured  []captured
	ld        ld
	ldRead    bool
}

func (h *head) raw(kind rawText, s []byte) {
	switch kind {
	case rawTitle:
		if h.title == "" {
			h.title = clean(html.UnescapeString(string(s)))
		}
	case rawLD:
		if len(h.scripts) < 64 {
			h.scripts = append(h.scripts, s)
		}
	case rawScript:
		if len(s) >= minScriptBody && len(s) <= maxScriptBytes && len(h.state) < maxScripts && holdsParagraphs(s) {
			h.state = append(h.state, s)
		}
	}
}

func (h *head) meta(at *attrs) {
	if len(at.content) == 0 {
		return
	}
	if h.metas == nil {
		h.metas = map[string][]string{}
	}
	for _, key := range [...][]byte{at.property, at.name, at.itemprop} {
		if len(key) == 0 {
			continue
		}
		k := strings.ToLower(string(key))
		if n := len(h.metas[k]); n < 32 && len(h.metas) < 400 {
			h.metas[k] = append(h.metas[k], string(at.content))
		}
	}
}

func (h *head) link(at *attrs) {
	switch rel := strings.ToLower(strings.TrimSpace(string(at.rel))); {
	case rel == "canonical" && h.canonical == "":
		h.canonical = string(at.href)
	case (rel == "image_src" || string(at.itemprop) == "image") && h.picture == "":
		h.picture = string(at.href)
	case rel == "amphtml" || rel == "alternate" && len(at.media) > 0 && len(at.typ) == 0:
		if len(at.href) > 0 && len(h.twins) < 8 {
			h.twins = append(h.twins, string(at.href))
		}
	}
}

// one is the first value of the first key that has one.
func (h *head) one(keys ...string) string {
	for _, k := range keys {
		for _, v := range h.metas[k] {
			if v = clean(html.UnescapeString(v)); v != "" {
				return v
			}
		}
	}
	return ""
}

func (h *head) data() *ld {
	if !h.ldRead {
		h.ld, h.ldRead = readLD(h.scripts, h.canonical), true
	}
	return &h.ld
}

// body is JSON-LD's articleBody with paragraphs as lines, "" when there is none.
func (h *head) body() string {
	s := h.data().body
	if strings.Contains(s, "<p") || strings.Contains(s, "<br") || strings.Contains(s, "&lt;p") {
		if !strings.Contains(s, "<p") {
			s = html.UnescapeString(s)
		}
		s = strings.NewReplacer("</p>", "\n", "<br>", "\n", "<br/>", "\n", "<br />", "\n").Replace(s)
		s = markupTag.ReplaceAllString(s, "")
	}
	if strings.ContainsRune(s, '&') {
		s = html.UnescapeString(s)
	}
	return s
}

// A source is one place where a page may state a value.
type source struct {
	name string
	read func(p *page) string
}

// A lister is one place where a page may state several values.
type lister struct {
	name string
	read func(p *page) []string
}

// page is what the sources read.
type page struct {
	h   *head
	d   *document
	lex *lexicon
	in  Input
	a   *Article // filled so far
	h1  int      // index of the first h1, -1 for none
}

func meta(keys ...string) func(*page) string {
	return func(p *page) string { return p.h.one(keys...) }
}

func capturedValue(kinds ...captureKind) func(*page) string {
	return func(p *page) string {
		for _, c := range p.h.captured {
			for _, k := range kinds {
				if c.kind == k {
					if v := first(c.value, c.text); v != "" {
						return v
					}
				}
			}
		}
		return ""
	}
}

func metas(keys ...string) func(*page) []string {
	return func(p *page) (out []string) {
		for _, k := range keys {
			if out = p.h.metas[k]; len(out) > 0 {
				return out
			}
		}
		return nil
	}
}

// The precedence of sources, best first. A value that does not read as what it should be (a date that is none, an address of
// another site, the picture of a logo, a list of sixty tags) passes on to the next source. The title weighs its sources
// against each other instead, see title; authors have their own list, bylineSources.
var precedence = struct {
	published, modified, lang, siteName, canonical, section, free []source
	tags, image                                                   []lister
}{
	published: []source{
		{"json-ld", func(p *page) string { return p.h.data().published }},
		{"open graph", meta("article:published_time", "og:published_time", "article:published", "og:article:published_time")},
		{"microdata", capturedValue(capturePublished)},
		{"meta", meta("datepublished", "publishdate", "publish-date", "publication_date", "pubdate", "dc.date.issued", "dcterms.created",
			"dc.date", "dc.date.created", "dcterms.date", "parsely-pub-date", "sailthru.date", "article.published", "published-date", "date",
			"cxenseparse:recs:publishtime", "article_date_original", "last-modified")},
		{"time element", func(p *page) string { return p.clock(true) }},
		{"date line", func(p *page) string { return p.dateNear() }},
		{"any time element", func(p *page) string { return p.clock(false) }},
		{"end of the title", func(p *page) string { return p.dateInTitle() }},
		{"address", func(p *page) string { return dateInURL(p.in.URL, p.h.canonical) }},
	},
	modified: []source{
		{"json-ld", func(p *page) string { return p.h.data().modified }},
		{"open graph", meta("article:modified_time", "og:updated_time", "og:modified_time")},
		{"microdata", capturedValue(captureModified)},
		{"meta", meta("datemodified", "last-modified", "dcterms.modified", "dc.date.modified", "revision_date")},
	},
	lang: []source{
		{"html element", func(p *page) string { return p.h.lang }},
		{"json-ld", func(p *page) string { return p.h.data().lang }},
		{"open graph", meta("og:locale")},
		{"meta", meta("content-language", "language", "dc.language", "inlanguage")},
	},
	siteName: []source{
		{"open graph", meta("og:site_name", "og:sitename", "og_sitename")},
		{"json-ld, publisher", func(p *page) string { return p.h.data().publisher }},
		{"json-ld, website", func(p *page) string { return p.h.data().site }},
		{"meta", meta("application-name", "apple-mobile-web-app-title", "site_name", "sitename", "dc.publisher", "publisher")},
		{"end of the title", func(p *page) string { return p.signature(p.h.title) }},
		{"masthead", func(p *page) string { return p.masthead() }},
		{"twitter", meta("twitter:site")},
	},
	canonical: []source{
		{"link", func(p *page) string { return p.h.canonical }},
		{"open graph", meta("og:url")},
		{"json-ld", func(p *page) string { return p.h.data().url }},
		{"json-ld, page", func(p *page) string { return p.h.data().page }},
	},
	section: []source{
		{"open graph", meta("article:section", "og:article:section", "og:section")},
		{"json-ld", func(p *page) string { return p.h.data().section }},
		{"microdata", capturedValue(captureSection)},
		{"meta", meta("section", "parsely-section", "content_category", "category", "prism.section", "dc.subject")},
		{"trail of links", func(p *page) string { return p.trail() }},
	},
	free: []source{
		{"json-ld", func(p *page) string { return p.h.data().free }},
		{"microdata", meta("isaccessibleforfree")},
		{"open graph", meta("article:content_tier", "og:article:content_tier", "article:opinion:tier", "content_tier", "content-tier")},
	},
	tags: []lister{
		{"open graph", metas("article:tag", "og:article:tag", "article.tag")},
		{"json-ld", func(p *page) []string { return p.h.data().keywords }},
		{"microdata, tag links", func(p *page) []string { return p.capturedAll(captureTag) }},
		{"meta", metas("news_keywords", "parsely-tags", "tags", "sailthru.tags")},
		{"keywords", metas("keywords")},
	},
	image: []lister{
		{"open graph", func(p *page) []string { return p.shared("og:image:secure_url", "og:image", "og:image:url") }},
		{"json-ld", func(p *page) []string { return p.h.data().images }},
		{"twitter", metas("twitter:image", "twitter:image:src")},
		{"link", func(p *page) []string { return []string{p.h.picture} }},
		{"meta", metas("image", "parsely-image-url", "thumbnailurl", "thumbnail")},
	},
}

// first is what the first of the sources says of which f makes something.
func (p *page) first(sources []source, f func(string) string) string {
	for _, s := range sources {
		if v := f(s.read(p)); v != "" {
			return v
		}
	}
	return ""
}

// metadata fills the article's fields from the page.
func (x *Extractor) metadata(d *document, a *Article, in Input) {
	p := &page{h: &d.head, d: d, lex: x.lex, in: in, a: a}
	p.h1 = slices.IndexFunc(d.blocks, func(b block) bool { return b.tag == atom.H1 })
	for _, s := range precedence.published {
		if v, ok := x.lex.parseDate(s.read(p)); ok {
			a.Date = v
			break
		}
	}
	for _, s := range precedence.modified {
		if v, ok := x.lex.parseDate(s.read(p)); ok {
			a.Modified = v
			break
		}
	}
	a.Lang = p.first(precedence.lang, langCode)
	if a.Canonical = p.first(precedence.canonical, p.address); a.Canonical == "" {
		a.Canonical = x.ownAddress(in)
	}
	if a.Site == "" {
		a.Site = siteOf(a.Canonical)
	}
	a.SiteName = p.first(precedence.siteName, p.siteName)
	a.Section = p.first(precedence.section, p.section)
	a.Title = p.title(a)
	a.Authors, a.Signed = p.signatures()
	for _, s := range precedence.tags {
		if a.Tags = p.tagList(s.read(p)); len(a.Tags) > 0 {
			break
		}
	}
	for _, s := range precedence.image {
		for _, ref := range s.read(p) {
			if a.Image = p.picture(html.UnescapeString(ref)); a.Image != "" {
				break
			}
		}
		if a.Image != "" {
			break
		}
	}
	for _, s := range precedence.free {
		if v := freeWord(s.read(p)); v != "" {
			a.Paywalled = v == "false"
			break
		}
	}
	if len(a.Modified) >= len(time.DateOnly) && len(a.Date) >= len(time.DateOnly) && a.Modified[:len(time.DateOnly)] < a.Date[:len(time.DateOnly)] {
		a.Modified = "" // before it was published: the date of a template, or of the photograph
	}
}

// siteName makes the name of a site of what a page gives for it: no handle, no address, no motto.
func (p *page) siteName(v string) string {
	v = strings.Trim(plain(strings.TrimPrefix(v, "@")), " |-–—·")
	if utf8.RuneCountInString(v) > 40 {
		if name := p.signature(v); name != "" {
			return name
		}
	}
	if strings.Contains(v, "://") || len(v) >= 80 {
		return ""
	}
	return v
}

// signature is the part of a title that is the site's name, as the host says.
func (p *page) signature(title string) string {
	for _, sep := range titleSeps {
		if sep == ": " {
			continue
		}
		if i := strings.LastIndex(title, sep); i > 0 && p.isSite(title[i+len(sep):], p.a) {
			return strings.TrimSpace(title[i+len(sep):])
		}
		if i := strings.Index(title, sep); i > 0 && p.isSite(title[:i], p.a) {
			return strings.TrimSpace(title[:i])
		}
	}
	return ""
}

// capturedAll lists the texts of the captured pieces of a kind.
func (p *page) capturedAll(kind captureKind) (out []string) {
	for _, c := range p.h.captured {
		if c.kind == kind {
			out = append(out, first(c.text, c.value))
		}
	}
	return out
}

// langCode turns "en-US", "en_US", "eng" or "English" into "en".
func langCode(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.IndexAny(s, "-_,; "); i >= 0 {
		s = s[:i]
	}
	if c, ok := langNames[s]; ok {
		return c
	}
	if len(s) != 2 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// langNames are codes and names other than ISO 639-1 that pages give; "" is no language.
var langNames = map[string]string{
	"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi", "cn": "zh", "jp": "ja", "kr": "ko", "ua": "uk", "cz": "cs", "xx": "",
	"eng": "en", "english": "en", "deu": "de", "ger": "de", "deutsch": "de", "german": "de", "fra": "fr", "fre": "fr", "français": "fr",
	"french": "fr", "spa": "es", "español": "es", "spanish": "es", "ita": "it", "italiano": "it", "italian": "it", "por": "pt",
	"português": "pt", "portuguese": "pt", "rus": "ru", "русский": "ru", "russian": "ru", "ukr": "uk", "українська": "uk", "ukrainian": "uk",
	"ara": "ar", "arabic": "ar", "العربية": "ar", "kor": "ko", "korean": "ko", "한국어": "ko", "jpn": "ja", "japanese": "ja", "日本語": "ja", "zho": "zh",
	"chi": "zh", "cmn": "zh", "chinese": "zh", "中文": "zh", "tur": "tr", "türkçe": "tr", "turkish": "tr", "pol": "pl", "polski": "pl", "polish": "pl",
}

// absolute resolves ref against base; "" unless the result is http or https.
func absolute(base, ref string) string {
	if ref == "" {
		return ""
	}
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil {
		return ""
	}
	if b, err := url.Parse(base); err == nil {
		u = b.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// clock is the first time element, in or right before the body's part of the page if near is set.
func (p *page) clock(near bool) string {
	for _, c := range p.h.captured {
		if c.kind != captureTime {
			continue
		}
		if near && !p.nearHeadline(c.block) {
			continue
		}
		if v := first(c.value, c.text); v != "" {
			if _, ok := p.lex.parseDate(v); ok {
				return v
			}
		}
	}
	return ""
}

// nearHeadline says whether a block stands within a few blocks of the first h1.
func (p *page) nearHeadline(block int) bool {
	if p.h1 < 0 {
		return block < 60
	}
	return block >= p.h1-6 && block <= p.h1+14
}

// dateNear is a line with a date alone, near the headline.
func (p *page) dateNear() string {
	for i := range p.d.blocks {
		b := &p.d.blocks[i]
		if len(b.text) < 90 && b.link == 0 && p.nearHeadline(i) && p.lex.dateLine(b.text) {
			return b.text
		}
	}
	return ""
}

// dateInTitle is the last part of the title element where that is a date: "Basin closed | Courier | 02.11.2023".
func (p *page) dateInTitle() string {
	parts := strings.FieldsFunc(p.h.title, func(r rune) bool { return strings.ContainsRune("|·•", r) })
	if n := len(parts); n > 1 && p.lex.dateLine(parts[n-1]) {
		return strings.TrimSpace(parts[n-1])
	}
	return ""
}

// dateInURL reads /2023/11/02/, /2023-11-02, /20231102 or the number of an article that begins so, 20231102143200051, in an
// address.
func dateInURL(urls ...string) string {
	for _, u := range urls {
		parts := strings.FieldsFunc(u, func(r rune) bool { return r < '0' || r > '9' })
		for i := range parts {
			if n := len(parts[i]); (n == 8 || n >= 12 && n <= 20) && parts[i][:4] >= "1996" && parts[i][:2] <= "20" {
				if d, ok := bareDate(num(parts[i][:4]), num(parts[i][4:6]), num(parts[i][6:8])); ok && d < "2040" {
					return d
				}
			}
			if i+2 >= len(parts) {
				break
			}
			if y := parts[i]; len(y) == 4 && (y[:2] == "20" || y[:2] == "19") && len(parts[i+1]) <= 2 && len(parts[i+2]) <= 2 {
				if d, ok := bareDate(num(y), num(parts[i+1]), num(parts[i+2])); ok {
					return d
				}
			}
		}
	}
	return ""
}

// title chooses among the page's h1, JSON-LD, Open Graph and title element. The headline that readers see is the h1;
// Open Graph and JSON-LD often carry another one, made for sharing or cut, but tell which h1 is the headline.
func (p *page) title(a *Article) string {
	og := p.unbranded(p.h.one("og:title", "twitter:title"), a)
	data := p.unbranded(p.h.data().headline, a)
	doc := p.unbranded(p.h.title, a)
	var prop string
	var heads []string
	for i := range p.d.blocks {
		if b := &p.d.blocks[i]; b.tag == atom.H1 && len(heads) < 12 {
			heads = append(heads, clean(b.text))
		}
	}
	for _, c := range p.h.captured {
		if c.kind == captureHeadline && prop == "" {
			prop = clean(first(c.text, c.value))
		}
	}
	// A news article's JSON-LD headline is what the newsroom calls it; of other kinds of pages it is often the name of the
	// page, so there the h1 goes first. It also goes first where it is what is shared, and the title element is not: then
	// that one was made for search engines, and JSON-LD with it.
	if data != "" && articleRank(p.h.data().kind) >= 4 && !strings.HasSuffix(data, "...") && !strings.HasSuffix(data, "…") {
		if i := slices.IndexFunc(heads, func(h string) bool { return sameTitle(h, og) }); i >= 0 && !sameTitle(og, doc) {
			return heads[i]
		}
		return data
	}
	best, score := "", 0.0
	for _, h := range heads {
		s := max(overlap(h, og), overlap(h, data))
		if og == "" && data == "" || s == 0 && sameTitle(h, doc) { // the title element alone may have named the site too
			s = overlap(h, doc)
		}
		if utf8.RuneCountInString(h) <= 300 && s > score {
			best, score = h, s
		}
	}
	if score >= 0.5 {
		for _, s := range []string{data, og, doc} { // an h1 may hold a kicker above the headline
			kicker, ok := strings.CutSuffix(best, " "+s)
			if ok && len(s) > len(kicker) && (strings.Contains(kicker, " ") || strings.HasSuffix(kicker, ":")) {
				return s
			}
		}
		for _, s := range []string{data, og} { // or a subtitle below it
			if s != "" && sameTitle(s, doc) && strings.HasPrefix(best, s+" ") && len(best) > len(s)*3/2 {
				return s
			}
		}
		return best
	}
	return first(data, og, prop, doc, first(heads...), plain(p.h.data().name))
}

// sameTitle says whether two titles have the same words.
func sameTitle(a, b string) bool {
	return a == b || newView(a).norm == newView(b).norm
}

// overlap is the share of common words of two titles, from 0 to 1, relative to the shorter.
func overlap(a, b string) float64 {
	if a == "" || b == "" {
		return 0
	}
	if a == b {
		return 1
	}
	x, y := strings.Fields(newView(a).norm), strings.Fields(newView(b).norm)
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	set := make(map[string]bool, len(y))
	for _, w := range y {
		set[w] = true
	}
	n := 0
	for _, w := range x {
		if set[w] {
			n++
		}
	}
	return float64(n) / float64(max(min(len(x), len(y)), 2))
}

// titleSeps stand between a headline and the site's name.
var titleSeps = []string{" | ", "|", "ㅣ", "--", "_", " - ", " – ", " — ", " :: ", " · ", " • ", " » ", " « ", " / ", ": "}

// unbranded takes the site's name off a title: the last or first part between separators when it is the site's name or the
// host's.
func (p *page) unbranded(s string, a *Article) string {
	s = clean(s)
	for range 3 {
		cut := ""
		for _, sep := range titleSeps {
			if i := strings.LastIndex(s, sep); i > 0 && (p.isSite(s[i+len(sep):], a) || sep != ": " && p.isSection(s[i+len(sep):], a)) {
				if c := strings.TrimSpace(s[:i]); cut == "" || len(c) > len(cut) {
					cut = c
				}
			}
			if i := strings.Index(s, sep); i > 0 && sep != ": " && cut == "" && p.isSite(s[:i], a) {
				cut = strings.TrimSpace(s[i+len(sep):])
			}
		}
		if rest, ok := strings.CutSuffix(s, "-"+a.Section); ok && cut == "" && a.Section != "" {
			cut = strings.TrimSpace(rest)
		}
		if cut == "" {
			return s
		}
		s = cut
	}
	return s
}

// isSection says whether the part of a title behind the headline is the article's section.
func (p *page) isSection(part string, a *Article) bool {
	return a.Section != "" && text.Fold(strings.TrimSpace(part)) == text.Fold(a.Section)
}

// masthead is the site's name on a page that names it only to its readers: the part of the title element that stands on a
// line of its own above the other part, the headline.
func (p *page) masthead() string {
	for _, sep := range titleSeps {
		for _, cut := range []int{strings.Index(p.h.title, sep), strings.LastIndex(p.h.title, sep)} {
			if cut <= 0 || sep == ": " {
				continue
			}
			a, b := p.h.title[:cut], p.h.title[cut+len(sep):]
			for i := range p.d.blocks {
				if i == maxMasthead {
					break
				}
				line, _, _ := strings.Cut(p.d.blocks[i].text, "\n")
				if line = clean(line); line == a && p.headed(b, i+1) {
					return a
				} else if line == b && p.headed(a, i+1) {
					return b
				}
			}
		}
	}
	return ""
}

// maxMasthead is the number of blocks at the top of a page among which its own name is looked for.
const maxMasthead = 12

// headed says whether a headline stands alone in one of the blocks from index i on.
func (p *page) headed(headline string, i int) bool {
	for ; i < len(p.d.blocks) && i < 200; i++ {
		if b := &p.d.blocks[i]; b.link == 0 && len(b.text) >= len(headline) && clean(b.text) == headline {
			return true
		}
	}
	return false
}

// isSite says whether a part of a title is the site's name.
func (p *page) isSite(part string, a *Article) bool {
	squeeze := func(s string) string { return strings.ReplaceAll(strings.TrimSpace(newView(s).norm), " ", "") }
	part = squeeze(part)
	if part == "" || len(part) > 60 {
		return false
	}
	if name := squeeze(a.SiteName); name != "" && (part == name || len(name) > 3 && len(part) > 3 && (strings.HasPrefix(name, part) || strings.HasPrefix(part, name))) {
		return true
	}
	host := a.Site
	if host == "" {
		return false
	}
	if part == squeeze(host) {
		return true
	}
	for _, l := range strings.Split(host, ".") {
		if l = squeeze(l); len(l) > 3 && (part == l || part == "the"+l) {
			return true
		}
	}
	return false
}
