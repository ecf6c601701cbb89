package main

import (
	"fmt"
	"slices"
	"sync"

	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
)

// Here what channels and rules say of being told quietly becomes what the deliverer decides by.

// quiet is who is told how quietly, by the configuration.
type quiet struct {
	channels map[string]pipeline.Policy            // of rules that say nothing themselves
	own      map[string]map[string]pipeline.Policy // of those that do: by rule, then channel
	least    map[string]string                     // by channel: the severity that it is told of from; those that are told of all are left out
	escalate map[string]pipeline.Escalation        // by rule
}

// policy is how quiet a channel is about a rule.
func (q *quiet) policy(rule, channel string) pipeline.Policy {
	if p, ok := q.own[rule][channel]; ok {
		return p
	}
	return q.channels[channel]
}

// newQuiet reads what rules say of being told. The error is mistakes.
func newQuiet(list []rules.Rule, channels []configs.Channel) (quiet, error) {
	q := quiet{channels: map[string]pipeline.Policy{}, own: map[string]map[string]pipeline.Policy{}, least: map[string]string{},
		escalate: map[string]pipeline.Escalation{}}
	for _, c := range channels {
		p := overlay(pipeline.Policy{Limit: int(c.Quiet.Limit), Unless: c.Quiet.Unless}, c.Quiet.QuietRule)
		p.Own = false
		q.channels[c.Name] = p
		if c.Quiet.Severity != "" {
			q.least[c.Name] = c.Quiet.Severity
		}
	}
	var bad mistakes
	for _, r := range list {
		if r.Quiet == nil {
			continue
		}
		x, err := configs.DecodeRuleQuiet(r.Origin.File, r.Quiet)
		if err != nil && !bad.add(err, nil) {
			return q, err
		}
		q.own[r.Name] = map[string]pipeline.Policy{}
		for name, p := range q.channels {
			if p := overlay(p, x.QuietRule); p.Own {
				q.own[r.Name][name] = p
			}
		}
		if x.Escalate != nil && x.Escalate.To != "" {
			bad = append(bad, wrongEscalation(r, *x.Escalate, channels)...)
			q.escalate[r.Name] = pipeline.Escalation{To: x.Escalate.To, After: x.Escalate.After}
		}
	}
	if len(bad) > 0 {
		return q, bad
	}
	return q, nil
}

// overlay is a policy with what a rule, or a channel, says in its place.
func overlay(p pipeline.Policy, x configs.QuietRule) pipeline.Policy {
	if x.Digest.Said {
		p.Digest, p.Own = nil, true
		if x.Digest.Spec != "" {
			p.Digest, _ = pipeline.ParseCron(x.Digest.Spec) // the configuration has checked it
		}
	}
	if x.Group != nil {
		p.Group, p.Own = *x.Group, true
	}
	if x.Hours != nil {
		p.Hours, p.Own = *x.Hours, true
	}
	return p
}

// wrongEscalation says what an escalation cannot do.
func wrongEscalation(r rules.Rule, e configs.Escalation, channels []configs.Channel) (bad mistakes) {
	var names []string
	for _, c := range channels {
		names = append(names, c.Name)
	}
	switch {
	case !slices.Contains(names, e.To):
		hint := "name one of `channels`"
		if near := configs.Suggest(e.To, names); near != "" {
			hint = "did you mean `" + near + "`?"
		}
		bad = append(bad, e.Pos.Errorf("escalate.to", hint, "rule `%s` escalates to the channel `%s`, which there is not", r.Name, e.To))
	case slices.Contains(r.Channels, e.To):
		bad = append(bad, e.Pos.Errorf("escalate.to", "name another channel, or take it out of `channels`", "rule `%s` tells the channel `%s` at once; there is nothing to escalate to", r.Name, e.To))
	case len(r.Channels) == 0 && len(channels) == 1:
		bad = append(bad, e.Pos.Errorf("escalate.to", "configure a second channel", "rule `%s` would tell nobody before it escalates", r.Name))
	}
	if r.Severity != pipeline.Critical {
		bad = append(bad, e.Pos.Errorf("escalate", "write severity: critical", "only what is critical is escalated, and rule `%s` is not", r.Name))
	}
	return bad
}

// takes reports whether a channel is told of rules as severe as this one.
func (q *quiet) takes(r rules.Rule, channel string) bool {
	return pipeline.AtLeast(r.Severity, q.least[channel])
}

// narrow takes out of each rule's channels those that are told of more severe things only, and the one that it escalates to. It says of
// which rules nobody is told any more.
func (q *quiet) narrow(route map[string][]string, byName map[string]rules.Rule) (warnings []string) {
	for rule, all := range route {
		var told []string
		for _, ch := range all {
			if q.takes(byName[rule], ch) && ch != q.escalate[rule].To {
				told = append(told, ch)
			}
		}
		if route[rule] = told; len(told) == 0 && len(all) > 0 {
			warnings = append(warnings, fmt.Sprintf("rule %q tells nobody: its severity is %s, and its channels are told of more severe ones only (`quiet: {severity: …}`)", rule, byName[rule].Severity))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// checkQuery says what is wrong with the query of a silence.
func checkQuery(query string) error {
	_, err := compileSilence(query)
	return err
}

func compileSilence(query string) (*rules.Set, error) {
	return rules.Compile([]rules.Rule{{Name: "silence", Query: query}})
}

// silenceQueries are the queries of silences, each compiled once. One that is no query (any more) holds for nothing.
type silenceQueries struct{ sets sync.Map }

func (s *silenceQueries) holds(query string, a *pipeline.Article) bool {
	v, ok := s.sets.Load(query)
	if !ok {
		set, err := compileSilence(query)
		if err != nil {
			set = nil
		}
		v, _ = s.sets.LoadOrStore(query, set)
	}
	set := v.(*rules.Set)
	return set != nil && len(set.Match(lab.Doc(a))) > 0
}
