package configs

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestQuietReads(t *testing.T) {
	cfg, err := Parse("w.yaml", []byte(`
channels:
  - name: desk
    kind: slack
    quiet:
      digest: CRON_TZ=Europe/Berlin 0 8,17 * * mon-fri
      limit: 20/h
      group: 5m
      hours:
        - {days: "mon-fri", from: "08:00", to: "18:00", zone: Europe/Berlin}
        - {days: "sat, sun", from: "22:00", to: "2:30"}
      severity: high
      unless: critical
  - name: one
    kind: slack
    quiet: {hours: {days: fri-mon, from: "00:00", to: "24:00", zone: Asia/Seoul}}
  - {name: plain, kind: slack}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	q := cfg.Channels[0].Quiet
	if q.Digest.Spec != "CRON_TZ=Europe/Berlin 0 8,17 * * mon-fri" || !q.Digest.Said || q.Limit != 20 || *q.Group != 5*time.Minute || q.Severity != "high" || q.Unless != "critical" {
		t.Errorf("%+v", q)
	}
	hs := *q.Hours
	if len(hs) != 2 || hs[0].Days != [7]bool{false, true, true, true, true, true, false} || hs[0].From != 8*time.Hour || hs[0].To != 18*time.Hour || hs[0].Zone.String() != "Europe/Berlin" {
		t.Errorf("%+v", hs)
	}
	if hs[1].Days != [7]bool{true, false, false, false, false, false, true} || hs[1].To != 2*time.Hour+30*time.Minute || hs[1].Zone != time.UTC {
		t.Errorf("%+v", hs[1])
	}
	if h := (*cfg.Channels[1].Quiet.Hours)[0]; h.Days != [7]bool{true, true, false, false, false, true, true} || h.To != 24*time.Hour {
		t.Errorf("%+v", h)
	}
	if p := cfg.Channels[2].Quiet; p.Digest.Said || p.Limit != 0 || p.Group != nil || p.Hours != nil {
		t.Errorf("%+v", p)
	}
}

func TestQuietMistakes(t *testing.T) {
	for in, want := range map[string]string{
		`digest: "0 8 * *"`:                               "w.yaml:4:21: channels[0].quiet.digest: the cron spec has 4 fields; write five fields",
		`digest: "@every 1h"`:                             "a digest goes out at times of the clock, which @every does not name; write group: 30m",
		`digest: "CRON_TZ=Mars/Base 0 8 * * *"`:           "the cron spec `CRON_TZ=Mars/Base 0 8 * * *` is wrong",
		`limit: 20`:                                       "w.yaml:4:20: channels[0].quiet.limit: `20` is no limit; write messages an hour: 20/h",
		`limit: 20/m`:                                     "`20/m` is no limit",
		`limit: 0/h`:                                      "a limit is from 1/h to 10000/h; to be told nothing take the channel out",
		`limit: [2]`:                                      "wants a number of messages; this is a list",
		`group: 2d`:                                       "alerts can be grouped for at most 24h0m0s; for longer use digest",
		`group: soon`:                                     "`soon` is not a duration",
		`severity: urgent`:                                "`urgent` is none of low, medium, high, critical",
		`unless: hihg`:                                    "did you mean `high`?",
		`hours: {from: "8", to: "18:00"}`:                 "channels[0].quiet.hours.from: `8` is no time of day; write hours and minutes",
		`hours: {from: "24:00", to: "18:00"}`:             "`24:00` is no time of day",
		`hours: {from: "08:00", to: "24:01"}`:             "`24:01` is no time of day",
		`hours: {from: "08:00", to: "08:00"}`:             "these hours end when they begin; for a whole day",
		`hours: {from: "08:00"}`:                          "`to` is missing",
		`hours: {days: mo-fr, from: "8:00", to: "9:00"}`:  "`mo-fr` names no days; write mon-fri",
		`hours: [{from: "8:00", to: "9:00", zone: CEST}]`: "channels[0].quiet.hours[0].zone: there is no time zone `CEST`; write a name such as Europe/Berlin",
		`hours: {from: "8:00", to: "9:00", zone: Local}`:  "the zone must be named",
		`digset: "0 8 * * *"`:                             "unknown key `digset`; did you mean `digest`?",
	} {
		_, err := Parse("w.yaml", []byte("channels:\n  - name: desk\n    kind: slack\n    quiet: {"+in+"}\n"), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestRuleQuiet(t *testing.T) {
	read := func(text string) (RuleQuiet, error) {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		return DecodeRuleQuiet("r.yaml", doc.Content[0])
	}
	q, err := read("digest: \"off\"\ngroup: 0s\nhours: []\nescalate: {after: 30m, to: night}")
	if err != nil {
		t.Fatal(err)
	}
	if !q.Digest.Said || q.Digest.Spec != "" || q.Group == nil || *q.Group != 0 || q.Hours == nil || len(*q.Hours) != 0 || q.Escalate.To != "night" || q.Escalate.Pos.Line != 4 {
		t.Errorf("%+v", q)
	}
	for in, want := range map[string]string{
		"escalate: {after: 30m}":              "r.yaml:1:11: escalate: `to` is missing",
		"escalate: {after: 10s, to: night}":   "r.yaml:1:19: escalate.after: an alert is escalated after 1m to 7d",
		"escalate: night":                     "wants a mapping with `after` and `to`; this is text",
		"group: 25h":                          "r.yaml:1:8: group: alerts can be grouped for at most 24h0m0s",
		"hours: {from: '${X}', to: \"9:00\"}": "`${X}` is no time of day",
	} {
		if _, err := read(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

// Whoever can reach the desk must not be able to silence alerts.
func TestListenWantsAToken(t *testing.T) {
	const token = "0123456789abcdef"
	env := func(k string) (string, bool) {
		return map[string]string{"EMPTY": "", "TOKEN": token}[k], k == "EMPTY" || k == "TOKEN"
	}
	for in, want := range map[string]string{
		"listen: 127.0.0.1:8080": "", "listen: localhost:8080": "", "listen: \"[::1]:8080\"": "", "listen: 127.8.9.1:80": "",
		"listen: 0.0.0.0:8080":                                  "w.yaml:1:9: listen: others can reach `0.0.0.0:8080`, and there is no `api_token`",
		"listen: :8080":                                         "others can reach `:8080`",
		"listen: \"[::]:8080\"":                                 "others can reach",
		"listen: 192.168.1.2:8080":                              "others can reach",
		"listen: host.example:8080":                             "others can reach",
		"listen: :8080\napi_token: ${EMPTY}":                    "w.yaml:2:12: api_token: is empty",
		"listen: :8080\napi_token: ${TOKEN}":                    "",
		"listen: :8080\napi_token: short":                       "w.yaml:2:12: api_token: a token needs at least 16 characters",
		"listen: 127.0.0.1:1\napi_token: \"0123456789abcde f\"": "a token is ASCII without white space",
	} {
		cfg, err := Parse("w.yaml", []byte(in+"\n"), env)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", in, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		} else if strings.Contains(err.Error(), "short") || strings.Contains(cfg.APIToken.String(), token) {
			t.Errorf("%s shows the token", in)
		}
	}
}
