package extract

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

const (
	maxTags   = 15 // that an article keeps
	stuffed   = 30 // a list of so many was made for search engines, and says nothing
	maxTag    = 60 // characters
	tagOfMany = 6  // words from which a tag is a sentence
)

// tagList makes one list of what a source says: split at commas, cleaned, each tag once. A list of too many is none.
func (p *page) tagList(values []string) []string {
	var out []string
	seen := map[string]bool{}
	n := 0
	codes := 0
	for _, v := range values {
		for _, t := range strings.FieldsFunc(plain(v), func(r rune) bool { return strings.ContainsRune(",;|、،，；", r) }) {
			if t = strings.Trim(clean(t), " #&\"'“”„«»[]."); t == "" {
				continue
			}
			if n++; n > stuffed {
				return nil
			}
			f := text.Fold(t)
			if !plausibleTag(t) || p.isSite(t, p.a) || seen[f] || f == text.Fold(p.a.Title) {
				continue
			}
			seen[f] = true
			if len(t) <= 6 && strings.ToUpper(t) == t && strings.ToLower(t) != t {
				codes++
			}
			out = append(out, t)
		}
	}
	if codes >= 6 && codes*2 > len(out) { // a newsroom's codes, not words
		return nil
	}
	return out[:min(len(out), maxTags)]
}

// serial is a number of hexadecimal digits, such as a UUID.
var serial = regexp.MustCompile(`^[0-9a-f]{8,}(-[0-9a-f]{4,})*$`)

// plausibleTag tells a word for readers from what machines leave among them: addresses, "type:story", "_noindex", numbers.
func plausibleTag(t string) bool {
	if n := utf8.RuneCountInString(t); n < 2 || n > maxTag || len(strings.Fields(t)) > tagOfMany || strings.IndexFunc(t, unicode.IsLetter) < 0 {
		return false
	}
	return !strings.ContainsAny(t, "_<>{}=\\:") && !serial.MatchString(t)
}

// noSection are sections that are none.
var noSection = map[string]bool{
	"uncategorized": true, "uncategorised": true, "allgemein": true, "none": true, "null": true, "undefined": true, "default": true, "home": true,
	"homepage": true, "article": true, "articles": true, "unkategorisiert": true, "sin categoria": true, "non classe": true, "без рубрики": true,
	"tag": true, "tags": true, "start": true, "startseite": true, "index": true,
}

// section reads the name of a section; "" for what is none.
func (p *page) section(v string) string {
	v = strings.Trim(plain(v), " /|>»,")
	if i := strings.IndexByte(v, ','); i > 0 && i+1 < len(v) && v[i+1] != ' ' { // a list of them
		v = v[:i]
	}
	if strings.ContainsAny(v, "{}<>=_") || strings.Contains(v, "://") || utf8.RuneCountInString(v) > maxTag || strings.IndexFunc(v, unicode.IsLetter) < 0 {
		return ""
	}
	if f := strings.TrimSpace(text.Fold(v)); noSection[f] || p.isSite(v, p.a) || f == text.Fold(p.h.data().headline) {
		return ""
	}
	return v
}

// trail is the section as the page's trail of links names it: the last step that is neither the home page nor the article.
func (p *page) trail() string {
	crumbs := p.h.data().crumbs
	if len(crumbs) == 0 {
		return ""
	}
	last := crumbs[len(crumbs)-1]
	own := absolute("", uncached(p.in.URL))
	if headline := first(p.h.data().headline, p.h.one("og:title"), p.h.title); last.url == "" || last.url == own || last.url == p.h.canonical || overlap(last.name, headline) >= 0.5 {
		crumbs = crumbs[:len(crumbs)-1]
	}
	if len(crumbs) < 2 { // the home page alone
		return ""
	}
	return crumbs[len(crumbs)-1].name
}
