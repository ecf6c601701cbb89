package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// DueChannels lists channels with an open delivery that may go out now (see NextDeliveries), a bundle that is due, or something in the
// line of the archive that may go out (see NextArchived), the longest due first, except those that a run has under a lease at now.
func (s *Store) DueChannels(ctx context.Context, now time.Time) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT q.channel FROM (
		SELECT d.channel AS channel, d.due AS due
		FROM (SELECT channel, MIN(pos) AS pos FROM deliveries WHERE state = 'open' GROUP BY channel) f
		JOIN deliveries d ON d.channel = f.channel AND d.pos = f.pos
		WHERE (d.due <= ? OR d.attempts = 0 AND EXISTS (SELECT 1 FROM deliveries p
				WHERE p.channel = d.channel AND p.state = 'open' AND p.passes = 1 AND p.due <= ?))
			AND NOT EXISTS (SELECT 1 FROM deliveries p
				WHERE p.channel = d.channel AND p.state = 'open' AND p.passes = 1 AND p.attempts > 0 AND p.due > ?)
		UNION ALL SELECT h.channel AS channel, MIN(h.due) AS due FROM deliveries h WHERE h.state = 'held' AND h.archived = 0 AND h.due <= ? GROUP BY h.channel
		UNION ALL SELECT l.channel AS channel, l.due AS due FROM (`+lines+`) l WHERE l.due <= ? AND NOT EXISTS (`+busy+`l.channel)) q
		WHERE 1 = 1`+untaken(`q.channel`)+`
		GROUP BY q.channel ORDER BY MIN(q.due), q.channel`, ms(now), ms(now), ms(now), ms(now), ms(now), ms(now), kindDeliver, ms(now))
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
		var due, created, sent, raised, marked, released, acked int64
		var spans, p, frozen, about string
		a := &d.Alert
		err := scan(&d.ID, &d.UID, &d.Channel, &d.State, &due, &d.Attempts, &d.Error, &created, &sent, &d.Ref, &d.Bundle, &released, &d.Digest, &d.Silence, &d.Archived,
			&a.ID, &a.Rule, &a.Subject, &a.Kind, &a.Seq, &raised, &a.Story.ID, &a.Article.ID, &spans, &p, &frozen,
			&about, &acked, &a.AckedBy, &a.Mark.Says, &a.Mark.By, &a.Mark.Note, &marked)
		if err != nil {
			return err
		}
		d.Due, d.Created, d.Sent, a.Created, d.Released, a.Acked = at(due), at(created), at(sent), at(raised), at(released), at(acked)
		a.Mark.At, d.Begun = at(marked), frozen != ""
		if err := readAbout(a, about); err != nil {
			return err
		}
		out, payloads, said = append(out, d), append(payloads, p), append(said, frozen)
		return unlist(spans, &out[len(out)-1].Alert.Spans, "spans")
	}, `SELECT d.id, d.uid, d.channel, d.state, d.due, d.attempts, d.error, d.created, d.sent, d.ref, d.bundle, d.released, d.digest, d.silence, d.archived,
			a.id, a.rule, a.subject, a.kind, a.seq, a.created, a.story, a.article, a.spans, a.payload, d.said,
			a.about, a.acked, a.acked_by, COALESCE(m.says, ''), COALESCE(m.by_name, ''), COALESCE(m.note, ''), COALESCE(m.at_ms, 0)
		FROM deliveries d JOIN alerts a ON a.id = d.alert LEFT JOIN marks m ON m.alert = a.id`+rest, args...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if err := fill(c, &out[i].Alert, payloads[i]); err != nil {
			return nil, fmt.Errorf("delivery %d: %w", out[i].ID, err)
		}
		if err := fillQuiet(c, &out[i]); err != nil {
			return nil, fmt.Errorf("delivery %d: %w", out[i].ID, err)
		}
		if err := recall(&out[i], said[i]); err != nil {
			return nil, fmt.Errorf("delivery %d: what its first attempt said cannot be read: %w", out[i].ID, err)
		}
		if u := out[i].Alert.Update; u != nil {
			var told int64
			var digest int64
			err := c.get([]any{&u.UID, &u.Ref, &digest, &told}, `SELECT d.uid, COALESCE(g.ref, d.ref), d.digest, a.created
				FROM deliveries d JOIN alerts a ON a.id = d.alert LEFT JOIN deliveries g ON d.digest <> 0 AND g.id = d.digest
				WHERE d.alert = ? AND d.channel = ?`, u.First, out[i].Channel)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("delivery %d: what it updates: %w", out[i].ID, err)
			}
			u.Told, u.Digest = at(told), digest != 0
		}
	}
	return out, nil
}

// NextDeliveries loads up to n open deliveries of a channel in order, with everything there is to say. The order is that of commit, and
// none goes out behind one that is not due, with one exception: a delivery that is held, not due and never tried, is passed by
// those that wait for nothing (pipeline.Alert.Passes), in their own order. After a failed attempt at whatever delivery the whole
// channel waits until that one is due.
func (s *Store) NextDeliveries(ctx context.Context, channel string, now time.Time, n int) ([]pipeline.Delivery, error) {
	c, done := s.read(ctx)
	defer done()
	ids, err := nextIDs(c, channel, now, n)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	w := where{}
	w.in(`d.id`, ids)
	out, err := loadDeliveries(c, w.String()+` ORDER BY d.pos`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("load deliveries of %s: %w", channel, err)
	}
	return out, nil
}

// nextIDs are the deliveries that may go out now. What they say is loaded for those alone: many may be held behind them.
func nextIDs(c conn, channel string, now time.Time, n int) (ids []int64, err error) {
	// look takes those that are due from the front of a queue and says what stopped it.
	look := func(which string) (held, stalled bool, err error) {
		err = c.each(func(scan func(...any) error) error {
			var id, due int64
			var attempts int
			if err := scan(&id, &due, &attempts); err != nil || held || stalled {
				return err
			}
			if due <= ms(now) {
				ids = append(ids, id)
			} else {
				held, stalled = attempts == 0, attempts > 0
			}
			return nil
		}, `SELECT id, due, attempts FROM deliveries WHERE state = 'open' AND channel = ?`+which+` ORDER BY pos LIMIT ?`, channel, n)
		return held, stalled, err
	}
	stalled, err := c.has(`SELECT 1 FROM deliveries WHERE state = 'open' AND channel = ? AND passes = 1 AND attempts > 0 AND due > ? LIMIT 1`, channel, ms(now))
	if err == nil && !stalled {
		var held bool
		if held, _, err = look(``); err == nil && held && len(ids) == 0 {
			_, _, err = look(` AND passes = 1`)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look for deliveries of %s: %w", channel, err)
	}
	return ids, nil
}

// ReleaseDeliveries makes deliveries that wait for the story's other outlets, or for other messages to the operator, due now, and says how
// many there were.
func (s *Store) ReleaseDeliveries(ctx context.Context) (int, error) {
	var n int64
	err := s.tx(ctx, func(c conn) (err error) {
		now := ms(s.now())
		n, err = c.exec(`UPDATE deliveries SET due = ? WHERE (state = 'open' AND attempts = 0 OR state = 'held' AND bundle = ?) AND due > ?`,
			now, pipeline.ForHealth, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("release deliveries: %w", err)
	}
	return int(n), nil
}

// mostPause is more than a delivery waits after a failed attempt, or in a group for others of its rule: both are a day at most.
const mostPause = 25 * time.Hour

// ShortenWaits makes no delivery wait for longer than its channel's wait is now (0: not at all), and says how many went forward. One that
// waits by what the configuration said before, or by a clock that went wrong and was set back since, would hold up all that come
// behind it.
func (s *Store) ShortenWaits(ctx context.Context, waits map[string]time.Duration) (int, error) {
	var total int64
	err := s.tx(ctx, func(c conn) error {
		total = 0
		now := ms(s.now())
		for _, ch := range slices.Sorted(maps.Keys(waits)) {
			wait := waits[ch].Milliseconds()
			n, err := c.exec(`UPDATE deliveries SET due = CASE WHEN created > ? THEN ? ELSE created END + ?
				WHERE state = 'open' AND channel = ? AND attempts = 0 AND due > CASE WHEN created > ? THEN ? ELSE created END + ? AND due > ?`,
				now, now, wait, ch, now, now, wait, now)
			if err != nil {
				return fmt.Errorf("channel %s: %w", ch, err)
			}
			total += n
		}
		n, err := c.exec(`UPDATE deliveries SET due = ? WHERE due > ? AND (state = 'open' AND attempts > 0 OR state = 'held' AND bundle LIKE ?)`,
			now, now+mostPause.Milliseconds(), pipeline.ForGroup+" %")
		total += n
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("shorten waits: %w", err)
	}
	return int(total), nil
}

// said is the part of a message that changes while a story grows, as the first attempt says it.
type said struct {
	Story   pipeline.Story
	Outlets []pipeline.Outlet
	Told    []pipeline.Told `json:",omitempty"`

	Escalate pipeline.Escalation `json:",omitzero"`
}

// recall makes a delivery say what its first attempt said.
func recall(d *pipeline.Delivery, text string) error {
	if text == "" {
		return nil
	}
	var s said
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	d.Alert.Story, d.Alert.Outlets, d.Told, d.Alert.Escalate = s.Story, s.Outlets, s.Told, s.Escalate
	return nil
}

// BeginDelivery writes down, under the lease, what the first attempt says of the story, so that every later attempt says the
// same under the same id; of a digest, what it says of the stories of its members. A delivery that has begun keeps what it has.
func (s *Store) BeginDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		for _, x := range append([]pipeline.Delivery{d}, d.Alert.Members...) {
			text, err := json.Marshal(said{x.Alert.Story, x.Alert.Outlets, x.Told, x.Alert.Escalate})
			if err != nil {
				return err
			}
			if _, err := c.exec(`UPDATE deliveries SET said = ? WHERE id = ? AND channel = ? AND said = ''`, string(text), x.ID, l.Key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin delivery %d: %w", d.ID, err)
	}
	return nil
}

// SaveDelivery stores the outcome of an attempt, under the lease, and tells the operator what it shows. What a digest gathers is sent when
// the digest is.
func (s *Store) SaveDelivery(ctx context.Context, l pipeline.Lease, d pipeline.Delivery, shown ...pipeline.Condition) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		if err := s.observe(c, shown); err != nil {
			return err
		}
		n, err := c.exec(`UPDATE deliveries SET state = ?, due = ?, attempts = ?, error = ?, sent = ?, ref = ? WHERE id = ? AND channel = ?`,
			string(d.State), ms(d.Due), d.Attempts, d.Error, ms(d.Sent), Clean(d.Ref), d.ID, l.Key)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err == nil && d.Alert.Kind == pipeline.KindDigest && d.State == pipeline.DeliverySent {
			_, err = c.exec(`UPDATE deliveries SET state = 'sent', sent = ? WHERE digest = ? AND state = 'gathered'`, ms(d.Sent), d.ID)
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

// RetryDeliveries puts deliveries at the end of their channel's queue, due now, with their UID, whatever would keep them quiet: all dead
// ones, or those of ids that are not waiting to be sent already. It says how many. One that stands in a digest that is still to be sent
// is refused: it goes out with that.
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
			var digest int64
			err := c.get([]any{&digest}, `SELECT digest FROM deliveries WHERE id = ? AND state = 'gathered'`, id)
			if err == nil {
				return fmt.Errorf("delivery %d is part of the digest %d: retry that", id, digest)
			} else if !errors.Is(err, ErrNotFound) {
				return err
			}
			n, err := c.exec(`UPDATE deliveries SET state = 'open', due = ?, attempts = 0, error = '', sent = 0, bundle = ?, digest = 0, silence = 0,
				pos = (SELECT MAX(o.pos) + 1 FROM deliveries o WHERE o.channel = deliveries.channel) WHERE id = ? AND state <> 'open'`,
				ms(s.now()), string(pipeline.Replayed), id)
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
