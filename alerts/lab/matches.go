package lab

import (
	"context"
	"fmt"

	"wirewatch/alerts/rules"
)

// Matches calls f for every article of a range in which a rule matches, its own limits (languages, sites) included, the newest first. An
// error of f ends it.
func (l *Lab) Matches(ctx context.Context, rule rules.Rule, r Range, f func(Found) error) (Scan, error) {
	q, err := rules.ParseWith(rule.Query, rule.Lists)
	if err != nil {
		return Scan{}, err
	}
	set, err := rules.Compile([]rules.Rule{rule})
	if err != nil {
		return Scan{}, err
	}
	s, err := l.each(ctx, set, rules.Required(q), r, false, f)
	if err != nil {
		err = fmt.Errorf("look through the archive: %w", err)
	}
	return s, err
}
