package rules

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// updateKeys are the keys of `updates`; asWords are what `as` may be. Both are read only.
var (
	updateKeys = []string{"versions", "outlets", "withdrawn", "as"}
	asWords    = []string{"thread", "separate"}
)

// readUpdates reads the key updates of a rule.
func readUpdates(r *reader, x *Rule, key, v *yaml.Node) { x.Updates = r.updates(key, v) }

// updatesSchema is how updates is written.
func updatesSchema() schema {
	yes := schema{"type": []string{"boolean", "null"}}
	return schema{"anyOf": []any{yes, schema{"type": "object", "additionalProperties": false, "minProperties": 1, "properties": schema{
		"versions": yes, "withdrawn": yes, "outlets": schema{"type": []string{"integer", "null"}, "minimum": 0}, "as": schema{"enum": asWords}}}}}
}

// updates reads what a rule wants to be told of later: true is what versions change, a mapping says more, and what it does not
// name is off.
func (r *reader) updates(key, v *yaml.Node) (u Updates) {
	if v.Kind != yaml.MappingNode {
		if v.Kind != yaml.ScalarNode || v.Value != "true" && v.Value != "false" {
			r.fail(v, "updates must be true or false, not %s; or say which, as in {versions: true, outlets: 5, withdrawn: true, as: thread}", kind(v))
		}
		return Updates{Versions: v.Value == "true"}
	}
	before := len(r.errs)
	r.pairs(v, "updates", func(key, v *yaml.Node) {
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			return
		}
		switch key.Value {
		case "versions":
			u.Versions = r.yes(key, v)
		case "outlets":
			n, err := strconv.Atoi(v.Value)
			if v.Kind != yaml.ScalarNode || err != nil || n < 0 {
				r.fail(v, "outlets must be a number, after how many more outlets to tell again, not %s", kind(v))
			}
			u.Outlets = max(n, 0)
		case "withdrawn":
			u.Withdrawn = r.yes(key, v)
		case "as":
			as := r.str(key, v)
			if !slices.Contains(asWords, as) {
				r.fail(v, "as must be thread or separate, not %s", kind(v))
			}
			u.Separate = as == "separate"
		default:
			r.fail(key, "unknown key %q in updates: known are %s", key.Value, strings.Join(updateKeys, ", "))
		}
	})
	if len(r.errs) == before && !u.Versions && !u.Withdrawn && u.Outlets == 0 {
		r.fail(key, "updates tells of nothing: set versions, outlets or withdrawn, or write updates: false")
	}
	return u
}
