package store

import (
	"context"
	"errors"
	"fmt"

	"wirewatch/pipeline"
)

// ErrNoArticle says that an alert is not about an article, so that there is nothing in it to be right or wrong about.
var ErrNoArticle = errors.New("it tells of no article")

// MarkAlerts stores what a person says of the alerts that deliveries carry, in the place of what was said before; a mark that says
// nothing takes it back. Either all are marked or none.
func (s *Store) MarkAlerts(ctx context.Context, m pipeline.Mark, deliveries ...int64) error {
	err := s.tx(ctx, func(c conn) error {
		for _, id := range deliveries {
			var alert, article int64
			err := c.get([]any{&alert, &article}, `SELECT a.id, a.article FROM deliveries d JOIN alerts a ON a.id = d.alert WHERE d.id = ?`, id)
			if err == nil && article == 0 {
				err = ErrNoArticle
			}
			if err == nil {
				err = mark(c, alert, m)
			}
			if err != nil {
				return fmt.Errorf("delivery %d: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark alerts: %w", err)
	}
	return nil
}

func mark(c conn, alert int64, m pipeline.Mark) error {
	if m.Says == "" {
		_, err := c.exec(`DELETE FROM marks WHERE alert = ?`, alert)
		return err
	}
	_, err := c.exec(`INSERT INTO marks (alert, says, by_name, note, at_ms) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (alert) DO UPDATE SET says = excluded.says, by_name = excluded.by_name, note = excluded.note, at_ms = excluded.at_ms`,
		alert, string(m.Says), Clean(m.By), Clean(m.Note), ms(m.At))
	return err
}

// Marks says by article what people say of a rule's alerts about it; the latest word counts.
func (s *Store) Marks(ctx context.Context, rule string) (map[int64]pipeline.Mark, error) {
	c, done := s.read(ctx)
	defer done()
	out := map[int64]pipeline.Mark{}
	err := c.each(func(scan func(...any) error) error {
		var article, when int64
		var m pipeline.Mark
		err := scan(&article, &m.Says, &m.By, &m.Note, &when)
		m.At = at(when)
		out[article] = m
		return err
	}, `SELECT a.article, m.says, m.by_name, m.note, m.at_ms FROM marks m JOIN alerts a ON a.id = m.alert WHERE a.rule = ? ORDER BY m.at_ms, m.alert`, rule)
	if err != nil {
		return nil, fmt.Errorf("read the marks of rule %s: %w", rule, err)
	}
	return out, nil
}
