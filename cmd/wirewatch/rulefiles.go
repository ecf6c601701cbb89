package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
)

// Here the rules as they are written meet the package that knows what they may say.

// readRules reads and compiles rules, wherever they are written; lists are those of the rules that stand in the same file. What is wrong with them comes back as mistakes, beside the
// rules that could be read.
func readRules(parts configs.Rules, lists configs.Node) ([]rules.Rule, *rules.Set, error) {
	var bad mistakes
	terms, err := lists.YAML()
	if err != nil && !bad.add(err, nil) {
		return nil, nil, err
	}
	sources := make([]rules.Source, len(parts))
	inline := false
	for i, p := range parts {
		tree, err := p.YAML()
		if err != nil && !bad.add(err, nil) {
			return nil, nil, err
		}
		sources[i] = rules.Source{Name: p.File(), Text: p.Text(), Node: tree}
		if !lists.IsZero() && p.File() == lists.File() {
			sources[i].Lists, inline = terms, true
		}
	}
	if !lists.IsZero() && !inline { // what is wrong with lists is told before a rule needs them
		sources = append(sources, rules.Source{Name: lists.File(), Text: lists.Text(), Node: &yaml.Node{Kind: yaml.SequenceNode}, Lists: terms})
	}
	list, err := rules.ParseSources(sources...)
	if err != nil && !bad.add(err, nil) {
		return nil, nil, err
	}
	set, err := rules.Compile(list)
	if err != nil && !bad.add(err, nil) {
		return nil, nil, err
	}
	if len(bad) > 0 {
		return list, nil, bad
	}
	return list, set, nil
}

// testRules runs the tests that stand beside the rules. Those that fail come back as mistakes.
func testRules(set *rules.Set) error {
	var bad mistakes
	if err := set.Test(); err != nil && !bad.add(err, nil) {
		return err
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// unknownChannels finds the channels that rules name and the configuration lacks.
func unknownChannels(list []rules.Rule, channels []configs.Channel) (bad mistakes) {
	var known []string
	seen := map[rules.Place]bool{}
	for _, c := range channels {
		known = append(known, c.Name)
	}
	for _, r := range list {
		for i, name := range r.Channels {
			if slices.Contains(known, name) || seen[r.ChannelsAt[i]] { // what stands under defaults is told once
				continue
			}
			seen[r.ChannelsAt[i]] = true
			hint := "no channel is configured"
			if near := configs.Suggest(name, known); near != "" {
				hint = "did you mean `" + near + "`?"
			} else if len(known) > 0 {
				hint = "there is " + strings.Join(known, ", ")
			}
			bad = append(bad, configs.Pos(r.ChannelsAt[i]).Errorf("", hint, "rule `%s` names the channel `%s`, which there is not", r.Name, name))
		}
	}
	return bad
}

// expiry warns of a rule that tells nobody any more, or soon will not.
func expiry(r rules.Rule, now time.Time) []string {
	const soon = 7 * 24 * time.Hour
	when := r.Expires.UTC().Format("2006-01-02 15:04 UTC")
	switch {
	case r.Expired(now):
		return []string{fmt.Sprintf("%s:%d: rule %q has expired: it has told nobody since %s", r.Origin.File, r.Origin.Line, r.Name, when)}
	case !r.Expires.IsZero() && r.Expires.Sub(now) <= soon:
		return []string{fmt.Sprintf("%s:%d: rule %q expires soon: it tells nobody from %s on", r.Origin.File, r.Origin.Line, r.Name, when)}
	}
	return nil
}

// oddQuery says what of a rule's query, and of its lists, is allowed but hardly meant, with the place.
func oddQuery(r rules.Rule) (out []string) {
	for _, m := range r.Odd() {
		out = append(out, m.Error())
	}
	return out
}
