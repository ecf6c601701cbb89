package extract

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/andybalholm/cascadia"
	"go.yaml.in/yaml/v3"
)

// A site rule says by CSS selectors where the pages of one site keep their parts. It is for what the generic way cannot
// see; most sites need none. Rules are YAML files, each a list:
//
//   - site: paper.example        # a host with its subdomains; or url: paper.example/live/*, where * is anything
//     from: 2023-05-01           # for articles published on this day and later
//     until: 2024-11-12          # and before this one
//     body: .story p             # one selector or a list: what is the article's text
//     remove:                    # what is not, wherever it stands; class is navigation unless given
//     - .teaser
//     - {select: .letter, class: newsletter}
//     title: h1                  # the first match; a time element gives its datetime, a meta element its content
//     date: time
//     author: .by a              # every match
//     note: why the rule is there
//
// Selectors are those of CSS level 4 as cascadia reads them (:has, :is, :not, :contains). A key that is left out leaves
// that part to the generic way.

// A SiteFolder holds site rules: the YAML files in the root of FS. Path is what errors call the folder.
type SiteFolder struct {
	Path string
	FS   fs.FS
}

// A SiteError is a mistake in a site rule.
type SiteError struct {
	File string // with its folder's path
	Line int    // from 1
	Msg  string
}

func (e *SiteError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// WithSites gives an extractor that also reads by the site rules in folders. A later folder goes before an earlier one: its
// file takes the place of one with the same name, and its rules are asked first. Mistakes come together, each a *SiteError.
func (x *Extractor) WithSites(folders ...SiteFolder) (*Extractor, error) {
	var all []*siteRule
	var errs []error
	taken := map[string]bool{}
	for _, f := range slices.Backward(folders) {
		names, err := fs.Glob(f.FS, "*.yaml")
		if more, e := fs.Glob(f.FS, "*.yml"); err == nil {
			names, err = append(names, more...), e
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Path, err)
		}
		slices.Sort(names)
		var rules []*siteRule
		for _, name := range names {
			if taken[name] {
				continue
			}
			taken[name] = true
			l := &siteLoader{file: strings.TrimSuffix(f.Path, "/") + "/" + name, name: name}
			data, err := fs.ReadFile(f.FS, name)
			if err != nil {
				errs = append(errs, fmt.Errorf("read %s: %w", l.file, err))
				continue
			}
			l.load(data)
			errs = append(errs, l.errs...)
			rules = append(rules, l.rules...)
		}
		errs = append(errs, overlaps(rules)...)
		// Within a folder the narrower rule goes first: an address before a site, a subdomain before its parent.
		slices.SortStableFunc(rules, func(a, b *siteRule) int {
			return cmp.Or(cmp.Compare(len(b.pattern), len(a.pattern)), cmp.Compare(len(b.site), len(a.site)))
		})
		all = append(all, rules...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	y := *x
	y.sites = all
	return &y, nil
}

// A siteRule is one compiled rule.
type siteRule struct {
	file        string // as errors name it
	ref         string // "sites/paper.yaml:12"
	line        int
	site        string // host; "" when there is a pattern
	pattern     string
	re          *regexp.Regexp
	from, until string // bare dates, "" for open
	body        []selector
	remove      []selector
	title       []selector
	date        []selector
	author      []selector
}

// A selector is one compiled selector and where it stands.
type selector struct {
	sel   cascadia.SelectorGroup
	ref   string
	class string // of what remove takes out
}

// covers says whether the rule is for pages at that address.
func (r *siteRule) covers(host, address string) bool {
	if r.re != nil {
		return r.re.MatchString(address)
	}
	return host == r.site || strings.HasSuffix(host, "."+r.site)
}

// holds says whether the rule is in force on a day. An unknown day is today: no rule that has ended holds then.
func (r *siteRule) holds(day string) bool {
	if day == "" {
		return r.until == ""
	}
	return r.from <= day && (r.until == "" || day < r.until)
}

// span shows the days of a rule.
func (r *siteRule) span() string {
	switch {
	case r.from == "" && r.until == "":
		return "always"
	case r.until == "":
		return "from " + r.from
	case r.from == "":
		return "until " + r.until
	}
	return r.from + " to " + r.until
}

// sitesFor lists the rules for an address, whatever their days.
func (x *Extractor) sitesFor(raw string) (out []*siteRule) {
	if len(x.sites) == 0 {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	address := strings.TrimPrefix(host, "www.") + u.EscapedPath()
	for _, r := range x.sites {
		if r.covers(host, address) {
			out = append(out, r)
		}
	}
	return out
}

// dayOf is the day of an article's date as the page gives it, in the page's own zone, or else of the time it was fetched.
func dayOf(date string, at time.Time) string {
	if len(date) >= len(time.DateOnly) {
		return date[:len(time.DateOnly)]
	}
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}

// overlaps finds rules of one folder that are for the same pages on the same day: which of them counts would be chance.
func overlaps(rules []*siteRule) (errs []error) {
	for i, r := range rules {
		for _, o := range rules[:i] {
			if o.site != r.site || o.pattern != r.pattern || r.until != "" && r.until <= o.from || o.until != "" && o.until <= r.from {
				continue
			}
			errs = append(errs, &SiteError{r.file, r.line, fmt.Sprintf("is for the same pages and days as the rule at %s:%d (%s and %s): part them by from and until",
				o.file, o.line, r.span(), o.span())})
			break
		}
	}
	return errs
}

// A siteLoader reads one file of rules.
type siteLoader struct {
	file, name string
	rules      []*siteRule
	errs       []error
}

func (l *siteLoader) fail(n *yaml.Node, format string, args ...any) {
	l.errs = append(l.errs, &SiteError{l.file, max(n.Line, 1), fmt.Sprintf(format, args...)})
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

func (l *siteLoader) load(data []byte) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		msg, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
		if m := yamlLine.FindStringSubmatch(msg); m != nil {
			line, _ = strconv.Atoi(m[1])
			msg = strings.Replace(msg, m[0], "", 1)
		}
		l.fail(&yaml.Node{Line: line}, "this is not YAML: %s", msg)
		return
	}
	if len(doc.Content) == 0 {
		return // nothing but comments
	}
	root := doc.Content[0]
	if root.Kind != yaml.SequenceNode {
		l.fail(root, "wants a list of site rules, each beginning with `- site:` or `- url:`")
		return
	}
	for _, n := range root.Content {
		before := len(l.errs)
		if r := l.rule(n); r != nil && len(l.errs) == before {
			l.rules = append(l.rules, r)
		}
	}
}

var siteKeys = []string{"site", "url", "from", "until", "body", "remove", "title", "date", "author", "note"}

func (l *siteLoader) rule(n *yaml.Node) *siteRule {
	if n.Kind != yaml.MappingNode {
		l.fail(n, "wants a site rule: a mapping with site or url, and selectors")
		return nil
	}
	r := &siteRule{file: l.file, line: n.Line, ref: l.ref(n)}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if seen[k.Value] {
			l.fail(k, "`%s` stands here twice", k.Value)
			continue
		}
		seen[k.Value] = true
		switch k.Value {
		case "site":
			r.site = l.host(v)
		case "url":
			r.pattern, r.re = l.pattern(v)
		case "from":
			r.from = l.day(v, k.Value)
		case "until":
			r.until = l.day(v, k.Value)
		case "body":
			r.body = l.selectors(v, k.Value)
		case "remove":
			r.remove = l.selectors(v, k.Value)
		case "title":
			r.title = l.selectors(v, k.Value)
		case "date":
			r.date = l.selectors(v, k.Value)
		case "author":
			r.author = l.selectors(v, k.Value)
		case "note":
			l.text(v, k.Value)
		default:
			l.fail(k, "there is no key `%s`; the keys are %s", k.Value, strings.Join(siteKeys, ", "))
		}
	}
	switch {
	case !seen["site"] && !seen["url"]:
		l.fail(n, "says of no pages: it wants `site: host` or `url: host/path*`")
	case seen["site"] && seen["url"]:
		l.fail(n, "has both site and url: the url pattern names its host already")
	}
	if !seen["body"] && !seen["remove"] && !seen["title"] && !seen["date"] && !seen["author"] {
		l.fail(n, "has no selector: it wants one of body, remove, title, date, author")
	}
	if r.from != "" && r.until != "" && r.until <= r.from {
		l.fail(n, "ends before it begins: until (%s) is the first day on which it no longer holds, from (%s) the first on which it does", r.until, r.from)
	}
	return r
}

// ref names a node's place in the terms of Block.Rule.
func (l *siteLoader) ref(n *yaml.Node) string { return fmt.Sprintf("sites/%s:%d", l.name, n.Line) }

func (l *siteLoader) text(n *yaml.Node, key string) string {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || n.ShortTag() == "!!null" {
		l.fail(n, "%s: wants a text", key)
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (l *siteLoader) host(n *yaml.Node) string {
	s := strings.ToLower(l.text(n, "site"))
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "/:*?# ") || strings.HasPrefix(s, ".") {
		l.fail(n, "site: `%s` is not a host: write paper.example, which covers its subdomains, or use url for a pattern", s)
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, "www."), ".")
}

// pattern compiles an address with * in it. Scheme, www., query and fragment do not count.
func (l *siteLoader) pattern(n *yaml.Node) (string, *regexp.Regexp) {
	s := l.text(n, "url")
	if s == "" {
		return "", nil
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	host, path, ok := strings.Cut(s, "/")
	if !ok || host == "" || strings.ContainsAny(s, "?# ") {
		l.fail(n, "url: `%s` is no pattern of addresses: write host/path*, without query; * stands for anything", s)
		return "", nil
	}
	s = strings.TrimPrefix(strings.ToLower(host), "www.") + "/" + path
	return s, regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, `.*`) + `$`)
}

func (l *siteLoader) day(n *yaml.Node, key string) string {
	s := l.text(n, key)
	if s == "" {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		l.fail(n, "%s: `%s` is not a day; write it as 2024-05-01", key, s)
		return ""
	}
	return s
}

// selectors reads a selector, a mapping with one, or a list of them.
func (l *siteLoader) selectors(n *yaml.Node, key string) (out []selector) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if list = n.Content; len(list) == 0 {
			l.fail(n, "%s: the list is empty", key)
		}
	}
	for _, n := range list {
		s := selector{ref: l.ref(n), class: classNavigation}
		text := n
		if n.Kind == yaml.MappingNode && key == "remove" {
			text = nil
			for i := 0; i+1 < len(n.Content); i += 2 {
				k, v := n.Content[i], n.Content[i+1]
				switch k.Value {
				case "select":
					text = v
				case "class":
					if s.class = l.text(v, "class"); s.class != "" && !slices.Contains(Classes(), s.class) {
						l.fail(v, "remove: there is no class `%s`; the classes are %s", s.class, strings.Join(Classes(), ", "))
					}
				default:
					l.fail(k, "remove: there is no key `%s`; write a selector, or {select: , class: }", k.Value)
				}
			}
			if text == nil {
				l.fail(n, "remove: wants `select:`")
				continue
			}
		}
		css := l.text(text, key)
		if css == "" {
			continue
		}
		sel, err := cascadia.ParseGroup(css)
		if err != nil {
			l.fail(text, "%s: `%s` is no CSS selector: %v", key, css, err)
			continue
		}
		s.sel = sel
		out = append(out, s)
	}
	return out
}
