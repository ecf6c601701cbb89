package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// ActiveSilences lists the silences in force at now. Each that names a story names the one that stands; one whose story there is not (any
// more) names it still: a silence that named nothing would keep everything quiet.
func (s *Store) ActiveSilences(ctx context.Context, now time.Time) ([]pipeline.Silence, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadSilences(c, ` WHERE ended = 0 AND until_ms > ? ORDER BY id`, ms(now))
	for i := range out {
		if err == nil && out[i].Story != 0 {
			var root int64
			if root, err = rootOf(c, out[i].Story); err == nil {
				out[i].Story = root
			} else if errors.Is(err, ErrNotFound) {
				err = nil
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list silences in force: %w", err)
	}
	return out, nil
}

// Silences lists the last silences, the newest first, with what each keeps quiet. limit 0: 100.
func (s *Store) Silences(ctx context.Context, n int) ([]pipeline.Silence, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadSilences(c, ` ORDER BY id DESC LIMIT ?`, limit(n))
	for i := range out {
		if err == nil {
			err = c.get([]any{&out[i].Kept}, `SELECT COUNT(*) FROM deliveries WHERE silence <> 0 AND silence = ? AND state = 'silenced'`, out[i].ID)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	return out, nil
}

func loadSilences(c conn, rest string, args ...any) (out []pipeline.Silence, err error) {
	err = c.each(func(scan func(...any) error) error {
		var x pipeline.Silence
		var created, until, ended int64
		if err := scan(&x.ID, &x.Rule, &x.Site, &x.Story, &x.Query, &created, &until, &ended, &x.Author, &x.Comment); err != nil {
			return err
		}
		x.Created, x.Until, x.Ended = at(created), at(until), at(ended)
		out = append(out, x)
		return nil
	}, `SELECT id, rule, site, story, query, created, until_ms, ended, author, comment FROM silences`+rest, args...)
	return out, err
}

// AddSilence stores a silence that begins now and returns it with its ID. It must name something, and end after now.
func (s *Store) AddSilence(ctx context.Context, x pipeline.Silence) (pipeline.Silence, error) {
	x.Created, x.Ended = at(ms(s.now())), time.Time{}
	if err := x.Check(x.Created); err != nil {
		return x, err
	}
	err := s.tx(ctx, func(c conn) error {
		return c.get([]any{&x.ID}, `INSERT INTO silences (rule, site, story, query, created, until_ms, author, comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			x.Rule, x.Site, x.Story, x.Query, ms(x.Created), ms(x.Until), x.Author, x.Comment)
	})
	if err != nil {
		return x, fmt.Errorf("add a silence: %w", err)
	}
	return x, nil
}

// EndSilence ends a silence that is in force, now. It reports false where there is none of that ID in force. What it kept quiet stays so.
func (s *Store) EndSilence(ctx context.Context, id int64) (bool, error) {
	var n int64
	err := s.tx(ctx, func(c conn) (err error) {
		now := ms(s.now())
		n, err = c.exec(`UPDATE silences SET ended = ? WHERE id = ? AND ended = 0 AND until_ms > ?`, now, id, now)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("end silence %d: %w", id, err)
	}
	return n > 0, nil
}
