package rules

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A key is what may be written of a T. The reader and the JSON Schema are made of the same lines, so that an editor offers what the
// reader takes.
type key[T any] struct {
	name   string
	doc    string   // for an editor
	value  value[T] // how it is written
	also   string   // what people write when they mean it, with spaces between
	shared bool     // it may stand under defaults
}

// Severities are the words for how grave it is when a rule matches, the least first. Read only.
var Severities = []string{"low", "medium", "high", "critical"}

// DefaultSeverity is that of a rule that says none.
const DefaultSeverity = "medium"

// ruleKeys are the keys of a rule, in the order of messages. Read only.
var ruleKeys = []key[Rule]{
	{name: "name", doc: "Tells the rule's alerts apart. Under another name it may tell of a running story anew.", also: "title id",
		value: textValue(func(x *Rule) *string { return &x.Name }).needed()},
	{name: "query", doc: "What to look for: AND, OR, NOT, \"phrases\", prefix*, NEAR/n, title:, $lists, parentheses.",
		also: "match expression expr search keywords", value: value[Rule]{readQuery, textSchema()}.needed()},
	{name: "channels", doc: "Who is told. Default: all.", also: "notify to", value: value[Rule]{readChannels, listSchema()}, shared: true},
	{name: "severity", doc: "How grave it is, for the reader. Default: " + DefaultSeverity + ".", also: "priority level",
		value: choiceValue(func(x *Rule) *string { return &x.Severity }, Severities...), shared: true},
	{name: "tags", doc: "Words that go with the alert.", also: "labels", value: listValue(func(x *Rule) *[]string { return &x.Tags }), shared: true},
	{name: "languages", doc: "Only articles in these languages, such as ko or pt-BR; one of unknown language passes.", also: "language lang",
		value: limitValue(func(x *Rule) *[]string { return &x.Languages }, badLang), shared: true},
	{name: "sites", doc: "Only articles of these hosts and their subdomains.", also: "domains hosts",
		value: limitValue(func(x *Rule) *[]string { return &x.Sites }, badHost), shared: true},
	{name: "note", doc: "A note for the reader, which goes with the alert.", also: "comment description",
		value: textValue(func(x *Rule) *string { return &x.Note }), shared: true},
	{name: "once_per", doc: "What the rule is told once of. Default: story.", also: "once per",
		value: choiceValue(func(x *Rule) *string { return &x.OncePer }, "article", "story", "event"), shared: true},
	{name: "updates", doc: "Tell also what becomes of what was told: true (what versions change), or {versions, outlets, withdrawn, as}.", also: "versions follow follow_up",
		value: value[Rule]{readUpdates, updatesSchema()}, shared: true},
	{name: "expires", doc: "The last day (UTC) on which the rule tells anyone, or the moment until which it does.", also: "expiry until end ends valid_until",
		value: dayValue(func(x *Rule) *time.Time { return &x.Expires }), shared: true},
	{name: "digest", doc: "When digests go out, as a cron spec; off: in no digest. Default: what the channel says.", also: "schedule", value: quietValue(textSchema()), shared: true},
	{name: "group", doc: "For how long the first alert waits for others of the rule: 5m; 0s: not at all. Default: what the channel says.", also: "window",
		value: quietValue(textSchema()), shared: true},
	{name: "hours", doc: "When the rule may tell, as {days: mon-fri, from: \"08:00\", to: \"18:00\", zone: Europe/Berlin}, or a list of such. Default: what the channel says.",
		also: "active", value: quietValue(schema{"type": []string{"object", "array", "string", "null"}}), shared: true},
	{name: "escalate", doc: "Who is told when nobody has acknowledged a critical alert: {after: 30m, to: CHANNEL}.", also: "escalation",
		value: quietValue(schema{"type": []string{"object", "null"}})},
	{name: "when", doc: "Tell of a number that comes together, not of the first article: {sources: 3, within: 24h}.", also: "count threshold minimum",
		value: value[Rule]{readWhen, whenSchema()}},
	{name: "tests", doc: "Texts that the rule must match, or must not. A file with a test that fails is not taken.", also: "test examples",
		value: value[Rule]{readTests, testsSchema()}},
}

// sharedKeys are the keys of a rule that may stand under defaults.
func sharedKeys() []key[Rule] {
	return slices.DeleteFunc(slices.Clone(ruleKeys), func(k key[Rule]) bool { return !k.shared })
}

// fileKeys are the keys of a rule file that is a mapping. Read only.
var fileKeys = []key[struct{}]{
	{name: "rules", doc: "The rules."},
	{name: "lists", doc: "Terms, or sites, that queries of this file name with $: arms: [missile*, rocket*]."},
	{name: "defaults", doc: "What holds for the rules of this file that do not say otherwise."},
}

// needed makes a value one that must be there.
func (v value[T]) needed() value[T] {
	v.schema = neededSchema()
	return v
}

func names[T any](keys []key[T]) string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.name
	}
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return strings.Join(list, "")
}

// readKeys reads a mapping into x; what says what it is, for messages. of says of other keys what is wrong with them; "": it is read
// elsewhere.
func readKeys[T any](r *reader, keys []key[T], n *yaml.Node, what string, x *T, of func(key string) string) {
	r.pairs(n, what, func(k, v *yaml.Node) {
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			if i := indexOf(keys, k.Value); i >= 0 {
				return // a key with nothing behind it is one that is not there
			}
		}
		if i := indexOf(keys, k.Value); i >= 0 {
			keys[i].value.read(r, x, k, v)
		} else if msg := of(k.Value); msg != "" {
			r.fail(k, "%s", msg)
		}
	})
}

func indexOf[T any](keys []key[T], name string) int {
	return slices.IndexFunc(keys, func(k key[T]) bool { return k.name == name })
}

// meant is what to write instead of a key that there is not.
func meant[T any](keys []key[T], name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	for _, k := range keys {
		if slices.Contains(strings.Fields(k.also), name) {
			return "write " + k.name
		}
	}
	for _, k := range keys {
		if edits(name, k.name) <= 2 {
			return "write " + k.name
		}
	}
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.name
	}
	return "known are " + strings.Join(list, ", ")
}
