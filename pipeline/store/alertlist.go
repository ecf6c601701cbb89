package store

import (
	"context"
	"fmt"

	"wirewatch/pipeline"
)

// RuleAlerts lists a rule's latest live alerts with what there is to say, the newest first. The story and its outlets are as they stand now.
// What replays alone told of is left out: a replay of hundreds would push out of the list what a reader of it has not seen.
func (s *Store) RuleAlerts(ctx context.Context, rule string, n int) ([]pipeline.Alert, error) {
	var out []pipeline.Alert
	err := s.snapshot(ctx, func(c conn) error {
		var payloads []string
		err := c.each(func(scan func(...any) error) error {
			var a pipeline.Alert
			var created int64
			var spans, said, about string
			if err := scan(&a.ID, &a.Rule, &a.Subject, &a.Kind, &a.Seq, &created, &a.Story.ID, &a.Article.ID, &spans, &said, &about); err != nil {
				return err
			}
			a.Created = at(created)
			if err := readAbout(&a, about); err != nil {
				return err
			}
			out, payloads = append(out, a), append(payloads, said)
			return unlist(spans, &out[len(out)-1].Spans, "spans")
		}, `SELECT id, rule, subject, kind, seq, created, story, article, spans, payload, about FROM alerts
			WHERE rule = ? AND kind IN ('match', 'update') AND archived = 0 ORDER BY id DESC LIMIT ?`, rule, limit(n))
		if err != nil {
			return err
		}
		for i := range out {
			if err := fill(c, &out[i], payloads[i]); err != nil {
				return fmt.Errorf("alert %d: %w", out[i].ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list alerts of rule %s: %w", rule, err)
	}
	return out, nil
}
