package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// DueChannels lists channels whose first open delivery is due, the longest due first, except those that a run has under a lease
// at now.
func (s *Store) DueChannels(ctx context.Context, now time.Time) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT d.channel
		FROM (SELECT channel, MIN(pos) AS pos FROM deliveries WHERE state = 'open' GROUP BY channel) f
		JOIN deliveries d ON d.channel = f.channel AND d.pos = f.pos
		WHERE d.due <= ?`+untaken(`d.channel`)+` ORDER BY d.due, d.channel`, ms(now), kindDeliver, ms(now))
	if err != nil {
		return nil, fmt.Errorf("list due channels: %w", err)
	}
	return out, nil
}

// loadDeliveries loads deliveries with everything there is to say.
func loadDeliveries(c conn, rest string, args ...any) ([]pipeline.Delivery, error) {
	var out []pipeline.Delivery
	var payloads, said []string
	err := c.each(func(scan func(...any) error) error {
		var d pipeline.Delivery
		var due, created, sent, raised int64
		var spans, p, frozen string
		a := &d.Alert
		err := scan(&d.ID, &d.UID, &d.Channel, &d.State, &due, &d.Attempts, &d.Error, &created, &sent,
			&a.ID, &a.Rule, &a.Subject, &a.Kind, &a.Seq, &raised, &a.Story.ID, &a.Article.ID, &spans, &p, &frozen)
		if err != nil {
			return err
		}
		d.Due, d.Created, d.Sent, a.Created = at(due), at(created), at(sent), at(raised)
		out, payloads, said = append(out, d), append(payloads, p), append(said, frozen)
		return unlist(spans, &out[len(out)-1].Alert.Spans, "spans")
	}, `SELECT d.id, d.uid, d.channel, d.state, d.due, d.attempts, d.error, d.created, d.sent,
			a.id, a.rule, a.subject, a.kind, a.seq, a.created, a.story, a.article, a.spans, a.payload, d.said
		FROM deliveries d JOIN alerts a ON a.id = d.alert`+rest, args...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if err := fill(c, &out[i].Alert, payloads[i]); err != nil {
			return nil, fmt.Errorf("delivery %d: %w", out[i].ID, err)
		}
		if err := recall(&out[i].Alert, said[i]); err != nil {
			return nil, fmt.Errorf("delivery %d: what its first attempt said cannot be read: %w", out[i].ID, err)
		}
		if u := out[i].Alert.Update; u != nil {
			var told int64
			err := c.get([]any{&u.UID, &told}, `SELECT d.uid, a.created FROM deliveries d JOIN alerts a ON a.id = d.alert
				WHERE d.alert = ? AND d.channel = ?`, u.First, out[i].Channel)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("delivery %d: what it updates: %w", out[i].ID, err)
			}
			u.Told = at(told)
		}
	}
	return out, nil
}

// NextDeliveries loads up to n open deliveries of a channel in order, with everything there is to say. None when the first is
// not due yet, and none behind one that is not due.
func (s *Store) NextDeliveries(ctx context.Context, channel string, now time.Time, n int) ([]pipeline.Delivery, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadDeliveries(c, ` WHERE d.state = 'open' AND d.channel = ? ORDER BY d.pos LIMIT ?`, channel, n)
	if err != nil {
		return nil, fmt.Errorf("load deliveries of %s: %w", channel, err)
	}
	for i, d := range out {
		if ms(d.Due) > ms(now) {
			return out[:i], nil
		}
	}
	return out, nil
}

// said is the part of a message that changes while a story grows, as the first attempt says it.
type said struct {
	Story   pipeline.Story
	Outlets []pipeline.Outlet
}

// recall makes an alert say what its delivery's first attempt said.
func recall(a *pipeline.Alert, text string) error {
	if text == "" {
		return nil
	}
	var s said
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	a.Story, a.Outlets = s.Story, s.Outlets
	return nil
}

// BeginDelivery writes down, under the lease, what the first attempt says of the story, so that every later attempt says the
// same under the same id. A delivery that has begun keeps what it has.
func (s *Store) BeginDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery) error {
	text, err := json.Marshal(said{d.Alert.Story, d.Alert.Outlets})
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		_, err := c.exec(`UPDATE deliveries SET said = ? WHERE id = ? AND channel = ? AND said = ''`, string(text), d.ID, l.Key)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin delivery %d: %w", d.ID, err)
	}
	return nil
}

// SaveDelivery stores the outcome of an attempt, under the lease.
func (s *Store) SaveDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		n, err := c.exec(`UPDATE deliveries SET state = ?, due = ?, attempts = ?, error = ?, sent = ? WHERE id = ? AND channel = ?`,
			string(d.State), ms(d.Due), d.Attempts, d.Error, ms(d.Sent), d.ID, l.Key)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save delivery %d: %w", d.ID, err)
	}
	return nil
}

// A DeliveryFilter chooses deliveries. Its zero values choose all.
type DeliveryFilter struct {
	State   pipeline.DeliveryState
	Channel string
	IDs     []int64
	Limit   int // 0: 100
}

// Deliveries lists deliveries with their alerts, the newest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) ([]pipeline.Delivery, error) {
	w := where{}
	w.add(f.State != "", `d.state = ?`, string(f.State))
	w.add(f.Channel != "", `d.channel = ?`, f.Channel)
	w.in(`d.id`, f.IDs)
	c, done := s.read(ctx)
	defer done()
	out, err := loadDeliveries(c, w.String()+` ORDER BY d.id DESC LIMIT ?`, append(w.args, limit(f.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return out, nil
}

// RetryDeliveries puts deliveries at the end of their channel's queue, due now, with their UID: all dead ones, or those of ids
// that are sent or dead. It says how many.
func (s *Store) RetryDeliveries(ctx context.Context, ids ...int64) (int, error) {
	total := 0
	err := s.tx(ctx, func(c conn) error {
		total = 0
		if err := c.lock(lockStories); err != nil {
			return err
		}
		chosen := ids
		if len(ids) == 0 {
			var err error
			if chosen, err = column[int64](c, `SELECT id FROM deliveries WHERE state = 'dead' ORDER BY channel, pos`); err != nil {
				return err
			}
		}
		for _, id := range chosen {
			n, err := c.exec(`UPDATE deliveries SET state = 'open', due = ?, attempts = 0, error = '', sent = 0,
				pos = (SELECT MAX(o.pos) + 1 FROM deliveries o WHERE o.channel = deliveries.channel) WHERE id = ? AND state <> 'open'`,
				ms(s.now()), id)
			if err != nil {
				return fmt.Errorf("delivery %d: %w", id, err)
			}
			total += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("retry deliveries: %w", err)
	}
	return total, nil
}
