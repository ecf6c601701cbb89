package rules

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhen(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]When{
		"{sources: 3, within: 24h}":                {Sources: 3, Within: day, Of: "story"},
		"{within: 1d12h, articles: 20, of: query}": {Articles: 20, Within: 36 * time.Hour, Of: "query"},
		"{sources: 2, within: 1m, of: story}":      {Sources: 2, Within: time.Minute, Of: "story"},
		"{sources: '3', within: 90d, of: query}":   {Sources: 3, Within: 90 * day, Of: "query"},
		"{sources: 3, articles: null, within: 2w}": {},
		"\n    sources: 5\n    within: 90m":        {Sources: 5, Within: 90 * time.Minute, Of: "story"},
		"{sources: 100000, within: 1w1d1h1m}":      {Sources: 100000, Within: 8*day + time.Hour + time.Minute, Of: "story"},
	} {
		got, err := ParseFile([]byte("- name: a\n  query: b\n  when: "+in), "r.yaml")
		if want.Within == 0 {
			if err == nil {
				t.Errorf("%s: no error", in)
			}
			continue
		}
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].When, &want) {
			t.Errorf("%s: %+v, %v", in, got, err)
			continue
		}
		again, err := ParseFile([]byte("- name: a\n  query: b\n  when: "+got[0].When.String()), "r.yaml")
		if err != nil || !reflect.DeepEqual(again[0].When, &want) {
			t.Errorf("%s printed is %s: %+v, %v", in, got[0].When, again, err)
		}
	}
	if got, err := ParseFile([]byte("- name: a\n  query: b\n  when:\n"), "r.yaml"); err != nil || got[0].When != nil {
		t.Errorf("a key with nothing behind it: %+v, %v", got, err)
	}
	for _, ok := range []string{"once_per: event\n  when: {sources: 3, within: 1d}", "when: {sources: 3, within: 1d}\n  once_per: story\n  updates: false",
		"when: {sources: 3, within: 1d, of: query}\n  once_per:"} {
		if _, err := ParseFile([]byte("- name: a\n  query: b\n  "+ok), "r.yaml"); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func TestWhenNamesEveryMistake(t *testing.T) {
	for in, want := range map[string]string{
		"when: 3":            `r.yaml:3:9: when must have keys, such as {sources: 3, within: 24h}, not 3`,
		"when: [3]":          `r.yaml:3:9: when must have keys, such as {sources: 3, within: 24h}, not a list`,
		"when: {}":           `r.yaml:3:9: when says not how many: add sources: 3 (so many sites) or articles: 20`,
		"when: {sources: 3}": `r.yaml:3:9: when says not how far apart: add within: 24h`,
		"when: {sources: 3, articles: 3, within: 1d}":                  `r.yaml:3:22: when counts sources or articles, not both: write a rule for each`,
		"when: {sources: 1, within: 1d}":                               `r.yaml:3:19: sources must be a number from 2 to 100000, not 1: for every first article leave when out`,
		"when: {articles: many, within: 1d}":                           `r.yaml:3:20: articles must be a number from 2 to 100000, not "many": for every first article leave when out`,
		"when: {sources: 3, within: 24}":                               `r.yaml:3:30: within must be a length of time, not 24: write a number and a unit: 30m, 24h or 7d`,
		"when: {sources: 3, within: soon}":                             `r.yaml:3:30: within must be a length of time, not "soon": write a number and a unit: 30m, 24h or 7d`,
		"when: {sources: 3, within: [1d]}":                             `r.yaml:3:30: within must be a length of time, not a list: write a number and a unit: 30m, 24h or 7d`,
		"when: {sources: 3, within: 91d}":                              `r.yaml:3:30: within must be from 1m to 90d, not 91d`,
		"when: {sources: 3, within: 999999w999999w}":                   `r.yaml:3:30: within must be from 1m to 90d, not 999999w999999w`,
		"when: {sources: 3, within: 0m}":                               `r.yaml:3:30: within must be from 1m to 90d, not 0m`,
		"when: {sources: 3, within: 1d, of: event}":                    `r.yaml:3:38: of must be story (the articles of one story) or query (all that match), not "event"`,
		"when: {source: 3, within: 1d}":                                `r.yaml:3:10: unknown key "source" in when: write sources`,
		"when: {sources: 3, within: 1d, per: day}":                     `r.yaml:3:34: unknown key "per" in when: known are sources, articles, within, of`,
		"when: {sources: 3, within: 1d, within: 2d}":                   `r.yaml:3:34: key "within" again in when: it stands in line 3 already`,
		"once_per: article\n  when: {sources: 3, within: 1d}":          `r.yaml:3:13: once_per: article beside when, which is told of a story: write story or event, or take one of the two out`,
		"when: {sources: 3, within: 1d, of: query}\n  once_per: event": `r.yaml:4:3: once_per beside when with of: query, which is told once each time that its articles come together: take once_per out`,
		"when: {sources: 3, within: 1d}\n  updates: true":              `r.yaml:4:12: updates beside when: a count tells how many carry the news, not what versions change; write another rule for that`,
		"when: {sources: 1, within: x}":                                "r.yaml:3:19: sources must be a number from 2 to 100000, not 1: for every first article leave when out\nr.yaml:3:30: within must be a length of time, not \"x\": write a number and a unit: 30m, 24h or 7d",
	} {
		_, err := ParseFile([]byte("- name: a\n  query: b\n  "+in), "r.yaml")
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", in, err)
		}
	}
}
