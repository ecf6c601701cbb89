package extract

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// A byline is what one source says of who wrote the article.
type byline struct {
	people   []string
	agencies []string
	house    []string // desks, staff, the site itself
}

func (b *byline) signed() bool { return len(b.people)+len(b.agencies) > 0 }

// signatures lists the people who wrote the article, and who signs it. The first source that names people or an agency is
// believed; a desk or the house counts only where no source does.
func (p *page) signatures() (people, signed []string) {
	var house []string
	for _, s := range bylineSources {
		b := s.read(p)
		if b.signed() {
			return b.people, slices.Concat(b.people, b.agencies)
		}
		if len(house) == 0 {
			house = b.house
		}
	}
	return nil, house
}

// bylineSources are the places where a page names its authors, best first.
var bylineSources = []struct {
	name string
	read func(p *page) byline
}{
	{"json-ld", func(p *page) byline { return p.byline(p.h.data().authors...) }},
	{"meta", func(p *page) byline {
		var house []string
		for _, k := range []string{
			"author", "article:author", "dc.creator", "dc.creator.author", "parsely-author", "sailthru.author", "byl",
			"article:author_name", "cxenseparse:author", "og:article:author",
		} {
			b := p.byline(p.h.metas[k]...)
			if b.signed() {
				return b
			}
			house = append(house, b.house...)
		}
		return byline{house: house[:min(len(house), 1)]}
	}},
	{"microdata", func(p *page) byline { return p.bylineIn(captureAuthor, false) }},
	{"name of an element", func(p *page) byline { return p.bylineIn(captureByline, true) }},
	{"line by the headline", func(p *page) byline { return p.bylineLine() }},
	{"box below the text", func(p *page) byline { return p.onlyBox() }},
}

// byline reads values that each hold one name, or several.
func (p *page) byline(values ...string) (b byline) {
	for _, v := range values {
		if v = plain(v); strings.Contains(v, "://") || strings.Contains(v, "www.") || strings.ContainsRune(v, '@') {
			continue
		}
		if v = strings.Trim(p.trimBy(v), " .,;:|/-–—•"); v == "" {
			continue
		}
		if p.isSite(v, p.a) {
			b.house = add(b.house, v)
			continue
		}
		found, desk := false, false
		var agencies []string
		parts := splitNames(v)
		jobs := slices.ContainsFunc(parts, p.lex.agencies.isRole)
		for _, n := range parts {
			n = strings.Trim(p.trimBy(n), " .,;:|/-–—•")
			switch {
			case n == "" || p.isSite(n, p.a) || p.ofSite(n):
			case jobs && !fullName(n): // "home and security expert" comes in parts
			case p.lex.agencies.names[text.Fold(n)] != "":
				agencies = append(agencies, n)
			case p.lex.agencies.isDesk(n):
				desk = true
			case plausibleName(n) && !p.lex.agencies.isRole(n):
				found = true
				b.people = add(b.people, p.lex.agencies.trimRole(n))
			}
		}
		switch {
		case found || len(agencies) > 0 && !desk:
			for _, n := range agencies {
				b.agencies = add(b.agencies, n)
			}
		case desk && utf8.RuneCountInString(v) <= 60:
			if n := p.lex.agencies.deskOf(v); n != "" {
				b.agencies = add(b.agencies, n)
			} else {
				b.house = add(b.house, v)
			}
		}
	}
	return b
}

func add(list []string, s string) []string {
	f := text.Fold(s)
	if slices.ContainsFunc(list, func(o string) bool { return text.Fold(o) == f }) {
		return list
	}
	return append(list, s)
}

// bylineIn reads elements that were captured as the author's or the byline; near the headline the first that says something.
func (p *page) bylineIn(kind captureKind, near bool) (b byline) {
	for _, c := range p.h.captured {
		if c.kind != kind || near && !p.nearHeadline(c.block) {
			continue
		}
		line := p.bylineText(first(c.text, c.value))
		if r := p.lex.find(newView(line)); r != nil && r.class != classBio && r.class != classCredit {
			continue // a button or a date within the byline
		}
		one := p.byline(line)
		if near && one.signed() {
			return one
		}
		for _, n := range one.people {
			b.people = add(b.people, n)
		}
		for _, n := range one.agencies {
			b.agencies = add(b.agencies, n)
		}
		if len(b.house) == 0 {
			b.house = one.house
		}
	}
	return b
}

// bylineText is the first line of an element's text that is more than the word before a name, without what stands behind a
// mark: a date, a job, a place.
func (p *page) bylineText(s string) string {
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"|", "•", "·", "⋅", "\t", " - ", " – ", " — ", " on "} {
			if i := strings.Index(line, mark); i > 0 {
				line = strings.TrimSpace(line[:i])
			}
		}
		if strings.Trim(p.trimBy(line), " .,;:|/-–—•") != "" {
			return line
		}
	}
	return ""
}

// maxByline bounds, in bytes, a line that can be a byline.
const maxByline = 120

// bylineLine is a short line that begins with the word before a name, and goes on with names. Short words ("by", "von") are
// believed near the headline only.
func (p *page) bylineLine() byline {
	const short = 4 // bytes of such a word with its space
	for i := range p.d.blocks {
		b := &p.d.blocks[i]
		if len(b.text) > maxByline || p.h1 >= 0 && i < p.h1-2 {
			continue
		}
		rest, by := p.lex.agencies.cutBy(p.bylineText(b.text))
		if by == "" || rest == "" || len(by) <= short && !p.nearHeadline(i) {
			continue
		}
		if cut := strings.IndexFunc(rest, unicode.IsDigit); cut > 0 {
			rest = strings.TrimSpace(rest[:cut])
		}
		if one := p.byline(rest); one.signed() && !slices.ContainsFunc(one.people, func(n string) bool { return !fullName(n) }) {
			return one
		}
	}
	return byline{}
}

// onlyBox is the one name that boxes about authors give, wherever they stand on the page.
func (p *page) onlyBox() byline {
	b := p.bylineIn(captureByline, false)
	if len(b.people) == 1 && len(b.agencies) == 0 && fullName(b.people[0]) {
		return b
	}
	return byline{house: b.house}
}

// fullName says whether s is written as the names of people are: two to five words, capitals in front.
func fullName(s string) bool {
	words := strings.Fields(s)
	if len(words) < 2 || len(words) > 5 {
		return false
	}
	for i, w := range words {
		r, _ := utf8.DecodeRuneInString(w)
		if unicode.IsLower(r) && (i == 0 || i == len(words)-1 || len(w) > 4) {
			return false
		}
	}
	return true
}

// trimBy takes "By" and its like off a name, and what stands behind it in brackets.
func (p *page) trimBy(s string) string {
	for {
		rest, by := p.lex.agencies.cutBy(s)
		if by == "" {
			break
		}
		s = rest
	}
	if i := strings.IndexAny(s, "(["); i > 3 {
		s = strings.TrimSpace(s[:i])
	}
	return strings.Trim(s, " .:–—-")
}

// cutBy takes the longest word such as "By" off the front of a line; by is "" where there is none.
func (a *agencies) cutBy(s string) (rest, by string) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\u00a0", " "))
	word := s
	if i := strings.IndexAny(s, " :"); i > 0 {
		word = s[:i]
	}
	if len(word) <= 40 && a.byFirst[text.Fold(word)] {
		f := text.Fold(s)
		for _, b := range a.by {
			glued := strings.TrimSpace(b)
			if len(b) <= len(by) || len(f) != len(s) && f != glued {
				continue
			}
			switch {
			case f == glued:
				rest, by = "", b
			case strings.HasPrefix(f, b):
				rest, by = strings.TrimSpace(s[len(b):]), b
			case strings.HasSuffix(glued, ":") && strings.HasPrefix(f, glued):
				rest, by = strings.TrimSpace(s[len(glued):]), b
			}
		}
		if by != "" {
			return rest, by
		}
	}
	if rest, ok := strings.CutPrefix(s, "By"); ok { // the markup between the two is lost
		if r, _ := utf8.DecodeRuneInString(rest); unicode.IsUpper(r) {
			return rest, "by "
		}
	}
	return s, ""
}

// ofSite says whether a name holds the site's own, as in "Example North".
func (p *page) ofSite(s string) bool {
	label, _, _ := strings.Cut(p.a.Site, ".")
	words := strings.Fields(newView(s).norm)
	return len(words) > 1 && slices.Contains(words, label) && strings.Contains(s, strings.ToUpper(label))
}

// isDesk says whether a name is that of a desk: "Newsroom", "Reuters Staff".
func (a *agencies) isDesk(s string) bool {
	return slices.ContainsFunc(strings.Fields(newView(s).norm), func(w string) bool { return a.desk[w] })
}

// deskOf is the agency whose desk a name is, "" for none: "Reuters Staff" is Reuters.
func (a *agencies) deskOf(s string) string {
	words := strings.Fields(s)
	for i := len(words) - 1; i > 0; i-- {
		if a.names[text.Fold(strings.Join(words[:i], " "))] != "" && a.isDesk(strings.Join(words[i:], " ")) {
			return strings.Join(words[:i], " ")
		}
	}
	return ""
}

// isRole says whether a part of a byline is what somebody is, not a name.
func (a *agencies) isRole(s string) bool {
	return slices.ContainsFunc(strings.Fields(newView(s).norm), func(w string) bool { return a.role[w] })
}

// trimRole takes the job off the end of a name where it is written without a comma.
func (a *agencies) trimRole(s string) string {
	if i := strings.LastIndexByte(s, ' '); i > 0 && a.after[text.Fold(s[i+1:])] {
		return s[:i]
	}
	return s
}

// splitNames splits "A, B and C".
func splitNames(s string) []string {
	for _, sep := range []string{
		";", " | ", " & ", " and ", " und ", " et ", " y ", " og ", " och ", " e ", " i ", " и ", " ve ", "、", "・", " / ",
	} {
		s = strings.ReplaceAll(s, sep, ",")
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '，' || r == '،' })
}

func plausibleName(s string) bool {
	n := utf8.RuneCountInString(s)
	if n < 2 || n > 50 || len(strings.Fields(s)) > 6 || strings.ContainsAny(s, "@{}<>=_") {
		return false
	}
	return strings.IndexFunc(s, unicode.IsDigit) < 0
}
