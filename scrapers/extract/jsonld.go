package extract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ld is what JSON-LD says of the article.
type ld struct {
	kind                       string
	headline, name             string
	published, modified        string
	authors                    []string
	body, lang, url, publisher string
	page                       string // the address of the page that it is the main thing of
	free                       string // "true", "false" or ""
	freeParts                  string // the same said of parts of the page
	section                    string
	keywords, images           []string
	logos                      []string // of publishers: not the article's picture
	crumbs                     []crumb  // the trail of links down to the page
	site                       string   // the name of the website or of its house
	nested                     bool     // found inside another thing, such as a list of articles
}

// A crumb is one step of the trail of links that leads to a page.
type crumb struct{ name, url string }

// ldDepth bounds the nesting that is followed.
const ldDepth = 12

// articleRank says how much a type speaks of the page's own article; 0 is no article.
func articleRank(kind string) int {
	switch kind {
	case "NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "BackgroundNewsArticle",
		"AskPublicNewsArticle", "ReviewNewsArticle", "AdvertiserContentArticle", "LiveBlogPosting":
		return 4
	case "Article", "BlogPosting", "TechArticle", "ScholarlyArticle", "Report", "SatiricalArticle", "MedicalScholarlyArticle":
		return 3
	case "SocialMediaPosting", "DiscussionForumPosting", "Review", "Recipe", "CreativeWork":
		return 2
	case "WebPage", "VideoObject", "PodcastEpisode":
		return 1
	}
	return 0
}

// ldCollector walks the JSON values of a page.
type ldCollector struct {
	found       []ld
	byID        map[string]map[string]any
	logos       []string
	crumbs      []crumb
	site, house string
}

// readLD reads all JSON-LD scripts of a page and returns the description of its article. Scripts may hold objects, arrays,
// @graph, several values in a row, or broken JSON, of which the plain string fields are salvaged.
func readLD(scripts [][]byte, canonical string) ld {
	c := ldCollector{byID: map[string]map[string]any{}}
	var values []any
	var broken [][]byte
	for _, s := range scripts {
		vs, ok := ldValues(s)
		values = append(values, vs...)
		if !ok {
			broken = append(broken, s)
		}
	}
	for _, v := range values {
		c.index(v, 0)
	}
	for _, v := range values {
		c.walk(v, 0, false)
	}
	for _, s := range broken {
		if d := salvageLD(s); d.headline != "" {
			c.found = append(c.found, d)
		}
	}
	best := -1
	score := func(d *ld) int {
		n := articleRank(d.kind) * 4
		if d.nested {
			n -= 6
		}
		if d.url != "" && d.url == canonical {
			n += 3
		}
		if d.headline != "" {
			n++
		}
		return n
	}
	for i := range c.found {
		if best < 0 || score(&c.found[i]) > score(&c.found[best]) {
			best = i
		}
	}
	var out ld
	if best >= 0 {
		out = c.found[best]
	}
	out.logos, out.crumbs, out.site = c.logos, c.crumbs, first(c.site, c.house)
	for i := range c.found { // several descriptions of one article complete each other
		o := &c.found[i]
		if o.nested || i == best {
			continue
		}
		if articleRank(o.kind) >= 3 && (o.headline == out.headline || o.headline == "") {
			out.published = first(out.published, o.published)
			out.modified = first(out.modified, o.modified)
			out.body = first(out.body, o.body)
			if len(out.authors) == 0 {
				out.authors = o.authors
			}
			if len(out.keywords) == 0 {
				out.keywords = o.keywords
			}
			out.section = first(out.section, o.section)
			out.images = append(out.images, o.images...)
		}
		if o.kind == "WebPage" {
			out.published = first(out.published, o.published)
			out.lang = first(out.lang, o.lang)
			out.images = append(out.images, o.images...)
			out.publisher = first(out.publisher, o.publisher)
		}
		out.free = first(out.free, o.free)
		out.freeParts = first(out.freeParts, o.freeParts)
	}
	out.free = first(out.free, out.freeParts) // what the page says of itself goes before what it says of its parts
	return out
}

func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// ldValues decodes the values of one script.
func ldValues(s []byte) (out []any, ok bool) {
	s = bytes.TrimSpace(s)
	for _, cut := range []string{"<!--", "//<![CDATA[", "/*<![CDATA[*/", "<![CDATA["} {
		s = bytes.TrimSpace(bytes.TrimPrefix(s, []byte(cut)))
	}
	for _, cut := range []string{"-->", "//]]>", "/*]]>*/", "]]>", ";"} {
		s = bytes.TrimSpace(bytes.TrimSuffix(s, []byte(cut)))
	}
	if out, ok = decodeAll(s); ok {
		return out, true
	}
	if bytes.Contains(s, []byte("&quot;")) && !bytes.ContainsRune(s, '"') {
		s = []byte(html.UnescapeString(string(s)))
	}
	return decodeAll(repairJSON(s))
}

func decodeAll(s []byte) (out []any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(s))
	for {
		var v any
		err := d.Decode(&v)
		if err == io.EOF {
			return out, true
		}
		if err != nil {
			return out, false
		}
		out = append(out, v)
	}
}

// repairJSON escapes raw control characters inside strings, drops commas before a closing bracket, and mends escapes JSON
// does not know.
func repairJSON(s []byte) []byte {
	out := make([]byte, 0, len(s)+64)
	in := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case in && c == '\\' && i+1 < len(s):
			i++
			if bytes.IndexByte([]byte(`"\/bfnrtu`), s[i]) < 0 {
				out = append(out, s[i])
				continue
			}
			out = append(out, c, s[i])
			continue
		case c == '"':
			in = !in
		case in && c < 0x20:
			out = append(out, `\u00`...)
			out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			continue
		case !in && c == ',':
			j := i + 1
			for j < len(s) && (asciiSpace(s[j]) || s[j] == ',') {
				j++
			}
			if j < len(s) && (s[j] == '}' || s[j] == ']') {
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func (c *ldCollector) index(v any, depth int) {
	if depth > ldDepth {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			c.index(e, depth+1)
		}
	case map[string]any:
		if id, ok := v["@id"].(string); ok && len(v) > 2 {
			if c.byID[id] == nil {
				c.byID[id] = v
			}
		}
		if logo := c.urls(v["logo"], 0); len(logo) > 0 && len(c.logos) < 16 {
			c.logos = append(c.logos, logo...)
		}
		for _, e := range v {
			c.index(e, depth+1)
		}
	}
}

func (c *ldCollector) walk(v any, depth int, nested bool) {
	if depth > ldDepth || len(c.found) > 200 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			c.walk(e, depth+1, nested)
		}
	case map[string]any:
		for _, kind := range stringsOf(v["@type"]) {
			kind = kind[strings.LastIndexByte(kind, '/')+1:]
			if articleRank(kind) > 0 {
				c.found = append(c.found, c.article(v, kind, nested))
				break
			}
			switch {
			case kind == "BreadcrumbList" && len(c.crumbs) == 0:
				c.crumbs = c.trail(v)
			case kind == "WebSite":
				c.site = first(c.site, plain(str(v["name"])))
			case kind == "Organization" || kind == "NewsMediaOrganization":
				c.house = first(c.house, plain(str(v["name"])))
			}
		}
		for _, k := range []string{"@graph", "mainEntity", "mainEntityOfPage", "article", "hasPart", "liveBlogUpdate", "itemListElement", "item", "breadcrumb"} {
			if e, ok := v[k]; ok {
				c.walk(e, depth+1, nested || k == "hasPart" || k == "liveBlogUpdate" || k == "itemListElement" || k == "item")
			}
		}
	}
}

func (c *ldCollector) article(v map[string]any, kind string, nested bool) ld {
	d := ld{kind: kind, nested: nested}
	d.headline = plain(str(v["headline"]))
	d.name = plain(str(v["name"]))
	d.published = first(str(v["datePublished"]), str(v["dateCreated"]), str(v["uploadDate"]))
	d.modified = str(v["dateModified"])
	d.body = first(str(v["articleBody"]), str(v["reviewBody"]))
	d.lang = c.nameOf(v["inLanguage"])
	d.page = c.idOf(v["mainEntityOfPage"])
	d.url = first(str(v["url"]), d.page)
	d.publisher = c.nameOf(v["publisher"])
	d.authors = c.names(v["author"], 0)
	if len(d.authors) == 0 {
		d.authors = c.names(v["creator"], 0)
	}
	d.free = freeWord(v["isAccessibleForFree"])
	for _, part := range list(v["hasPart"]) {
		if m, ok := part.(map[string]any); ok && freeWord(m["isAccessibleForFree"]) == "false" {
			d.freeParts = "false"
		}
	}
	if sections := c.names(v["articleSection"], 0); len(sections) > 0 {
		d.section = sections[0]
	}
	d.keywords = c.names(v["keywords"], 0)
	d.images = c.urls(v["image"], 0)
	if len(d.images) == 0 {
		d.images = append(c.urls(v["primaryImageOfPage"], 0), c.urls(v["thumbnailUrl"], 0)...)
	}
	return d
}

// freeWord reads isAccessibleForFree as the web writes it: true, "False", "https://schema.org/True", 0, "no"; "" for what says
// nothing.
func freeWord(v any) string {
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "true", false: "false"}[v]
	case float64:
		return map[bool]string{true: "true", false: "false"}[v != 0]
	}
	s := strings.ToLower(str(v))
	switch s[strings.LastIndexByte(s, '/')+1:] {
	case "true", "yes", "1", "free", "unlocked":
		return "true"
	case "false", "no", "0", "locked", "metered", "paid", "premium", "subscriber":
		return "false"
	}
	return ""
}

// list makes a list of what may be one.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// urls lists the addresses of pictures: strings, objects, references to objects, lists of these. Icons are left out.
func (c *ldCollector) urls(v any, depth int) []string {
	if depth > 4 {
		return nil
	}
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" && !strings.HasPrefix(v, "#") {
			return []string{v}
		}
	case []any:
		var out []string
		for _, e := range v[:min(len(v), 16)] {
			out = append(out, c.urls(e, depth+1)...)
		}
		return out
	case map[string]any:
		for _, side := range []string{"width", "height"} {
			if n, err := strconv.ParseFloat(strings.TrimSuffix(fmt.Sprint(v[side]), "px"), 64); err == nil && n > 0 && n < minPicture {
				return nil
			}
		}
		for _, k := range []string{"url", "contentUrl"} {
			if out := c.urls(v[k], depth+1); len(out) > 0 {
				return out
			}
		}
		if id, ok := v["@id"].(string); ok && c.byID[id] != nil && depth < 2 {
			return c.urls(c.byID[id], depth+2)
		}
	}
	return nil
}

// trail reads a BreadcrumbList in the order of its positions.
func (c *ldCollector) trail(v map[string]any) []crumb {
	type step struct {
		crumb
		at float64
	}
	var steps []step
	for i, e := range list(v["itemListElement"]) {
		m, ok := e.(map[string]any)
		if !ok || i >= 16 {
			continue
		}
		s := step{crumb{plain(str(m["name"])), str(m["item"])}, float64(i)}
		if item, ok := m["item"].(map[string]any); ok {
			s.name, s.url = first(s.name, plain(str(item["name"]))), first(str(item["@id"]), str(item["url"]))
		}
		if at, err := strconv.ParseFloat(fmt.Sprint(m["position"]), 64); err == nil {
			s.at = at
		}
		if s.name != "" {
			steps = append(steps, s)
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	out := make([]crumb, len(steps))
	for i := range steps {
		out[i] = steps[i].crumb
	}
	return out
}

func (c *ldCollector) idOf(v any) string {
	if m, ok := v.(map[string]any); ok {
		return first(str(m["@id"]), str(m["url"]))
	}
	return str(v)
}

func (c *ldCollector) nameOf(v any) string {
	if n := c.names(v, 0); len(n) > 0 {
		return n[0]
	}
	return ""
}

// names lists the names of people or things; organisations only where nobody else is named.
func (c *ldCollector) names(v any, depth int) []string {
	if depth > 4 {
		return nil
	}
	switch v := v.(type) {
	case string:
		if s := plain(v); s != "" && !strings.HasPrefix(s, "http") {
			return []string{s}
		}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, c.names(e, depth+1)...)
		}
		return out
	case map[string]any:
		if id, ok := v["@id"].(string); ok && v["name"] == nil {
			if full := c.byID[id]; full != nil && full["name"] != nil {
				return c.names(full["name"], depth+1)
			}
		}
		if n := v["name"]; n != nil {
			return c.names(n, depth+1)
		}
		given, family := str(v["givenName"]), str(v["familyName"])
		if s := clean(given + " " + family); s != "" {
			return []string{s}
		}
		return c.names(v["alternateName"], depth+1)
	}
	return nil
}

func stringsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func str(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		if len(v) > 0 {
			return str(v[0])
		}
	case map[string]any:
		return str(v["@value"])
	}
	return ""
}

var (
	markupTag = regexp.MustCompile(`</?[a-zA-Z][^<>]*>`)
	ldField   = regexp.MustCompile(`"(headline|datePublished|dateModified|articleBody|inLanguage|articleSection|isAccessibleForFree)"\s*:\s*"((?:[^"\\]|\\.)*)"`)
	ldAuthor  = regexp.MustCompile(`"author"\s*:\s*[\[{\s]*(?:"@type"\s*:\s*"Person"\s*,\s*)?"name"\s*:\s*"((?:[^"\\]|\\.)*)"`)
)

// plain undoes entities and tags in a field that should hold neither.
func plain(s string) string {
	if strings.ContainsRune(s, '&') {
		s = html.UnescapeString(s)
		if strings.ContainsRune(s, '&') {
			s = html.UnescapeString(s)
		}
	}
	if strings.ContainsRune(s, '<') {
		s = markupTag.ReplaceAllString(s, "")
	}
	return clean(s)
}

// salvageLD takes the string fields from JSON that cannot be repaired.
func salvageLD(s []byte) ld {
	d := ld{kind: "Article"}
	s = s[:min(len(s), 1<<20)] // expressions are slow, and the fields wanted stand at the beginning
	if !bytes.Contains(s, []byte("Article")) {
		return d
	}
	unquote := func(b []byte) string {
		var v string
		if json.Unmarshal(append(append([]byte{'"'}, bytes.ReplaceAll(b, []byte("\n"), []byte(`\n`))...), '"'), &v) != nil {
			return string(b)
		}
		return v
	}
	for _, m := range ldField.FindAllSubmatch(s, 40) {
		v := unquote(m[2])
		switch string(m[1]) {
		case "headline":
			d.headline = first(d.headline, plain(v))
		case "datePublished":
			d.published = first(d.published, v)
		case "dateModified":
			d.modified = first(d.modified, v)
		case "articleBody":
			d.body = first(d.body, v)
		case "inLanguage":
			d.lang = first(d.lang, v)
		case "articleSection":
			d.section = first(d.section, plain(v))
		case "isAccessibleForFree":
			d.free = first(d.free, freeWord(v))
		}
	}
	if m := ldAuthor.FindSubmatch(s); m != nil {
		d.authors = []string{plain(unquote(m[1]))}
	}
	return d
}
