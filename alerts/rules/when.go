package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A When makes a rule tell of a number of articles that come together, in place of each one that matches.
type When struct {
	// Exactly one is set, to 2 or more: how many sites, or how many articles.
	Sources, Articles int
	Within            time.Duration // at most so far apart, MinWithin to MaxWithin
	Of                string        // story: of those of one story; query: of all that match
}

// Bounds of When.Within.
const (
	MinWithin = time.Minute
	MaxWithin = 90 * 24 * time.Hour
)

// String is what stands behind the key when, as people write it.
func (w *When) String() string {
	n := fmt.Sprintf("sources: %d", w.Sources)
	if w.Articles > 0 {
		n = fmt.Sprintf("articles: %d", w.Articles)
	}
	return fmt.Sprintf("{%s, within: %s, of: %s}", n, length(w.Within), w.Of)
}

// length is a duration in its largest whole unit.
func length(d time.Duration) string {
	for _, u := range []string{"d", "h", "m"} {
		if x := lengthUnits[u]; d%x == 0 {
			return strconv.Itoa(int(d/x)) + u
		}
	}
	return d.String()
}

var (
	whenKeys    = []string{"sources", "articles", "within", "of"}
	lengthPart  = regexp.MustCompile(`^(\d{1,6})([mhdw])`)
	lengthUnits = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// readWhen reads the key when of a rule.
func readWhen(r *reader, x *Rule, _, v *yaml.Node) { x.When = r.when(v) }

// when reads what stands behind the key; nil: it is wrong, which has been said.
func (r *reader) when(v *yaml.Node) *When {
	if v.Kind != yaml.MappingNode {
		r.fail(v, "when must have keys, such as {sources: 3, within: 24h}, not %s", kind(v))
		return nil
	}
	before := len(r.errs)
	w := &When{Of: "story"}
	var counts []*yaml.Node
	r.pairs(v, "when", func(key, v *yaml.Node) {
		switch key.Value {
		case "sources":
			w.Sources = r.number(key, v)
			counts = append(counts, key)
		case "articles":
			w.Articles = r.number(key, v)
			counts = append(counts, key)
		case "within":
			w.Within = r.within(v)
		case "of":
			if w.Of = r.str(key, v); w.Of != "story" && w.Of != "query" {
				r.fail(v, "of must be story (the articles of one story) or query (all that match), not %s", kind(v))
			}
		default:
			hint := "known are " + strings.Join(whenKeys, ", ")
			if i := slices.IndexFunc(whenKeys, func(k string) bool { return edits(strings.ToLower(key.Value), k) <= 2 }); i >= 0 {
				hint = "write " + whenKeys[i]
			}
			r.fail(key, "unknown key %q in when: %s", key.Value, hint)
		}
	})
	if len(r.errs) == before {
		switch {
		case len(counts) == 0:
			r.fail(v, "when says not how many: add sources: 3 (so many sites) or articles: 20")
		case len(counts) == 2:
			r.fail(counts[1], "when counts sources or articles, not both: write a rule for each")
		case w.Within == 0:
			r.fail(v, "when says not how far apart: add within: 24h")
		}
	}
	if len(r.errs) > before {
		return nil
	}
	return w
}

// whenSchema is how when is written.
func whenSchema() schema {
	number := schema{"type": "integer", "minimum": 2, "maximum": 100_000}
	return schema{"type": []string{"object", "null"}, "additionalProperties": false, "required": []string{"within"},
		"properties": schema{"sources": number, "articles": number, "within": schema{"type": "string", "pattern": `^(\d{1,6}[mhdw])+$`},
			"of": schema{"enum": []string{"story", "query"}}},
		"oneOf": []any{schema{"required": []string{"sources"}}, schema{"required": []string{"articles"}}, schema{"type": "null"}}}
}

// besideWhen refuses the keys of a rule that mean nothing beside when.
func (r *reader) besideWhen(rule *yaml.Node, of string) {
	for i := 0; i+1 < len(rule.Content); i += 2 {
		key, v := rule.Content[i], resolve(rule.Content[i+1])
		switch {
		case key.Value == "once_per" && of == "query" && v.Tag != "!!null":
			r.fail(key, "once_per beside when with of: query, which is told once each time that its articles come together: take once_per out")
		case key.Value == "once_per" && v.Value == "article":
			r.fail(v, "once_per: article beside when, which is told of a story: write story or event, or take one of the two out")
		case key.Value == "updates" && v.Value == "true":
			r.fail(v, "updates beside when: a count tells how many carry the news, not what versions change; write another rule for that")
		}
	}
}

// number reads a count of 2 or more.
func (r *reader) number(key, v *yaml.Node) int {
	n, err := strconv.Atoi(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil || n < 2 || n > 100_000 {
		r.fail(v, "%s must be a number from 2 to 100000, not %s: for every first article leave when out", key.Value, kind(v))
		return 0
	}
	return n
}

// within reads a length of time: 90m, 24h, 7d, 2w, or a sum such as 1d12h.
func (r *reader) within(v *yaml.Node) time.Duration {
	var sum time.Duration
	rest := v.Value
	for rest != "" {
		m := lengthPart.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		n, _ := strconv.Atoi(m[1])
		sum += time.Duration(n) * lengthUnits[m[2]]
		rest = rest[len(m[0]):]
		if sum > MaxWithin {
			break
		}
	}
	switch {
	case v.Kind != yaml.ScalarNode || rest != "" && sum <= MaxWithin || v.Value == "":
		r.fail(v, "within must be a length of time, not %s: write a number and a unit: 30m, 24h or 7d", kind(v))
	case sum < MinWithin || sum > MaxWithin:
		r.fail(v, "within must be from 1m to 90d, not %s", v.Value)
	default:
		return sum
	}
	return 0
}
