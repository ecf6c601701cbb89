package rules

import (
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	tags "golang.org/x/text/language"
)

// This file says which hosts and languages a rule can be limited to. One that no article has would keep the rule silent for ever, and
// nobody would know.

// badHost says what is wrong with a host of `sites`; "" where nothing is.
func badHost(s string) string {
	if !strings.ContainsAny(s, "/ *") || host(s) != "" && !strings.ContainsAny(host(s), "/ *") {
		return ""
	}
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		s = u.Host
	}
	s, _, _ = strings.Cut(host(s), "/")
	if s == "" || strings.ContainsAny(s, " *") {
		s = "bbc.co.uk"
	}
	return "takes hosts, each with its subdomains, and no addresses: write " + s
}

// badLang says what is wrong with a language; "" where nothing is.
func badLang(s string) string {
	base, rest, _ := strings.Cut(strings.ToLower(s), "-")
	if i := strings.IndexFunc(s, func(r rune) bool { return !('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '-') }); i >= 0 {
		if t := strings.ReplaceAll(strings.ToLower(s), "_", "-"); t != strings.ToLower(s) && badLang(t) == "" {
			return "takes a language tag: write " + t
		}
		return "takes a language tag: write ko, or pt-br"
	}
	switch b, err := tags.ParseBase(base); {
	case len(base) > 3:
		return "takes a language tag, not the language's name: write ko, or pt-br"
	case len(base) == 3 && err == nil && len(b.String()) == 2: // pages say the short one
		return "takes the short tag of a language: write " + strings.TrimSuffix(b.String()+"-"+rest, "-")
	}
	return ""
}

// limitValue is a list of texts in each of which bad finds nothing.
func limitValue(to func(*Rule) *[]string, bad func(string) string) value[Rule] {
	return value[Rule]{func(r *reader, x *Rule, key, v *yaml.Node) {
		list, at := r.places(key, v)
		for i, s := range list {
			if what := bad(s); what != "" {
				r.errs = append(r.errs, Mistake{at[i], key.Value + " " + what + ", not " + strconv.Quote(s)})
			}
		}
		*to(x) = list
	}, listSchema()}
}
