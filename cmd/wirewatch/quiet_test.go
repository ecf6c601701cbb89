package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

// The language of rules and the pipeline, which do not know each other, mean the same severities.
func TestSeveritiesAgree(t *testing.T) {
	if !slices.Equal(rules.Severities, pipeline.Severities) || !slices.Contains(rules.Severities, pipeline.DefaultSeverity) {
		t.Errorf("rules know %v, the pipeline %v with %s as the default", rules.Severities, pipeline.Severities, pipeline.DefaultSeverity)
	}
}

// What a rule says stands in the place of what its channel says, but for the limit; who is told follows from severity and escalation.
func TestPolicies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.yaml")
	err := os.WriteFile(path, []byte(`
contact: https://example.org
channels:
  - name: desk
    kind: slack
    url: https://hooks.slack.com/services/x
    quiet: {digest: "0 8 * * *", limit: 20/h, group: 5m, hours: {from: "08:00", to: "18:00"}, unless: critical}
  - {name: urgent, kind: slack, url: "https://hooks.slack.com/services/y", quiet: {severity: high}}
  - {name: night, kind: slack, url: "https://hooks.slack.com/services/z"}
rules:
  - {name: plain, query: a}
  - {name: own, query: b, severity: high, digest: "off", group: 0s, hours: []}
  - {name: hourly, query: c, digest: "0 * * * *"}
  - {name: crit, query: d, severity: critical, escalate: {after: 30m, to: night}}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(path, func(string) (string, bool) { return "", false }, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	desk := s.quiet.policy("", "desk")
	if desk.Digest == nil || desk.Limit != 20 || desk.Group != 5*time.Minute || len(desk.Hours) != 1 || desk.Unless != "critical" || desk.Own {
		t.Errorf("%+v", desk)
	}
	for _, rule := range []string{"plain", "crit", "taken out of the file"} {
		if p := s.quiet.policy(rule, "desk"); p.Digest == nil || p.Own || p.Limit != 20 {
			t.Errorf("%s: %+v", rule, p)
		}
	}
	if p := s.quiet.policy("own", "desk"); p.Digest != nil || p.Group != 0 || len(p.Hours) != 0 || p.Limit != 20 || p.Unless != "critical" || !p.Own {
		t.Errorf("%+v", p)
	}
	if p := s.quiet.policy("hourly", "night"); p.Digest == nil || p.Limit != 0 || !p.Own {
		t.Errorf("%+v", p)
	}
	if p := s.quiet.policy("plain", "taken out of the file"); p.Digest != nil || p.Limit != 0 {
		t.Errorf("%+v", p)
	}
	for rule, want := range map[string][]string{"plain": {"desk", "night"}, "own": {"desk", "urgent", "night"}, "crit": {"desk", "urgent"}} {
		if got := s.route[rule]; !slices.Equal(got, want) {
			t.Errorf("%s tells %v, want %v", rule, got, want)
		}
	}
	m := s.match(&pipeline.Article{Lang: "en", Title: "d"})
	if len(m) != 1 || m[0].About.Severity != "critical" || m[0].Escalate != (pipeline.Escalation{To: "night", After: 30 * time.Minute}) {
		t.Errorf("%+v", m)
	}
	q := &silenceQueries{}
	for query, want := range map[string]bool{"d": true, "e": false, "no AND": false} {
		if got := q.holds(query, &pipeline.Article{Lang: "en", Title: "d"}); got != want {
			t.Errorf("%s holds: %t", query, got)
		}
	}
}

// What a run notices at its end is told by that run: the next may be hours away.
func TestRunOnceTellsTheOperator(t *testing.T) {
	w := newWorld(t, 1)
	w.publish(0, 12)
	cfg := w.config("1s")
	edit(t, cfg, w.hook.URL, w.srv.URL+"/nobody", "query: zirconium}", "query: zirconium, channels: [desk]}", "channels:\n", "operator: [ops]\nchannels:\n  - {name: ops, kind: stdout}\n")
	out, _ := verbOut(t, "run", "--once", "-c", cfg)
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, `"subject":"refused:desk"`) {
		t.Errorf("the operator was told: %s", out)
	}
}

// Lists and traces tell apart what is told of one article.
func TestDeliveryNews(t *testing.T) {
	of := func(u pipeline.Update) pipeline.Delivery { return pipeline.Delivery{Alert: pipeline.Alert{Update: &u}} }
	for want, d := range map[string]pipeline.Delivery{
		"": {}, "withdrawn": of(pipeline.Update{Withdrawn: true}), "3 other outlets": of(pipeline.Update{Outlets: 3}),
		"version 2": of(pipeline.Update{Version: 2}), "corrected": of(pipeline.Update{Version: 2, Corrected: true}),
		"escalation": {Bundle: pipeline.ForEscalation}, "from the archive": {Archived: true},
	} {
		if got := deliveryNews(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
