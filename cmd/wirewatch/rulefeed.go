package main

import (
	"context"
	"time"

	"wirewatch/alerts"
)

// feedLen is how many of a rule's alerts its feed has.
const feedLen = 50

// ruleFeeds makes the RSS document of a configured rule. It was built when its newest alert was raised, or else at began, never now: a
// document that changes by the clock alone would be fetched again by every reader.
func (a *app) ruleFeeds(began time.Time) func(ctx context.Context, rule, self string) ([]byte, bool, error) {
	return func(ctx context.Context, rule, self string) ([]byte, bool, error) {
		if _, ok := a.setup.Load().byName[rule]; !ok {
			return nil, false, nil
		}
		list, err := a.store.RuleAlerts(ctx, rule, feedLen)
		if err != nil {
			a.log.Warn("feed of a rule", "rule", rule, "err", err)
			return nil, true, err
		}
		built := began
		if len(list) > 0 {
			built = list[0].Created
		}
		doc, err := alerts.RSS(rule, self, list, built)
		return doc, true, err
	}
}
