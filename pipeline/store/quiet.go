package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// What is kept quiet: bundles and the digests that they become. Silences stand in silences.go.

// fillQuiet loads what a delivery says beside its alert: the members of a digest; where it will be escalated to; of an escalation, who was
// told first. Where all of those were silenced, the escalation bears the number of the silence.
func fillQuiet(c conn, d *pipeline.Delivery) (err error) {
	if d.Alert.Kind == pipeline.KindDigest {
		d.Alert.Members, err = loadDeliveries(c, ` WHERE d.digest = ? ORDER BY d.id`, d.ID)
		return err
	}
	if d.Alert.About.Severity != pipeline.Critical {
		return nil // nothing else is escalated
	}
	if d.Bundle.Reason() != pipeline.ForEscalation {
		var due, created int64
		e := &d.Alert.Escalate
		err := c.get([]any{&e.To, &due, &created}, `SELECT channel, due, created FROM deliveries WHERE alert = ? AND bundle = ? AND state = 'held'`,
			d.Alert.ID, pipeline.ForEscalation)
		if e.After = at(due).Sub(at(created)); errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	var silence int64
	err = c.each(func(scan func(...any) error) error {
		var t pipeline.Told
		var state pipeline.DeliveryState
		var sent, by int64
		if err := scan(&t.Channel, &state, &sent, &by); err != nil {
			return err
		}
		if state == pipeline.DeliverySilenced {
			silence = by
			return nil
		}
		t.Sent = at(sent)
		d.Told = append(d.Told, t)
		return nil
	}, `SELECT channel, state, sent, silence FROM deliveries WHERE alert = ? AND id <> ? ORDER BY id`, d.Alert.ID, d.ID)
	if len(d.Told) == 0 && d.Silence == 0 {
		d.Silence = silence
	}
	return err
}

// DueHeld loads up to n deliveries of a channel whose bundle is due at now, the longest due first, those of one bundle in order of commit.
// What waits in the line of the archive is not among them.
func (s *Store) DueHeld(ctx context.Context, channel string, now time.Time, n int) ([]pipeline.Delivery, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := loadDeliveries(c, ` WHERE d.state = 'held' AND d.archived = 0 AND d.channel = ? AND d.due <= ? ORDER BY d.due, d.bundle, d.id LIMIT ?`, channel, ms(now), n)
	if err != nil {
		return nil, fmt.Errorf("load what is held for %s: %w", channel, err)
	}
	return out, nil
}

// OpenWindow says when a bundle of a channel is due, of what is held in it and not due at now; the zero time when there is none.
func (s *Store) OpenWindow(ctx context.Context, channel string, b pipeline.Bundle, now time.Time) (time.Time, error) {
	var due int64
	err := s.get(ctx, []any{&due}, `SELECT COALESCE(MIN(due), 0) FROM deliveries WHERE state = 'held' AND archived = 0 AND channel = ? AND bundle = ? AND due > ?`,
		channel, Clean(string(b)), ms(now))
	if err != nil {
		return time.Time{}, fmt.Errorf("look into bundle %s of %s: %w", b, channel, err)
	}
	return at(due), nil
}

// LastSent says when a channel took its last messages until then, up to n, the newest first. What went out in a digest is one message. With
// archived those of replays count too.
func (s *Store) LastSent(ctx context.Context, channel string, until time.Time, n int, archived bool) ([]time.Time, error) {
	c, done := s.read(ctx)
	defer done()
	sent, err := column[int64](c, `SELECT sent FROM deliveries WHERE channel = ? AND sent > 0 AND sent <= ? AND digest = 0 AND archived <= ? ORDER BY sent DESC LIMIT ?`,
		channel, ms(until), bit(archived), n)
	if err != nil {
		return nil, fmt.Errorf("look what %s took last: %w", channel, err)
	}
	out := make([]time.Time, len(sent))
	for i, t := range sent {
		out[i] = at(t)
	}
	return out, nil
}

// Hold stores, under the lease, that deliveries are held or silenced: their state, bundle, due time and silence.
func (s *Store) Hold(ctx context.Context, l pipeline.Lease, ds []pipeline.Delivery) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.fence(l); err != nil {
			return err
		}
		return hold(c, l.Key, ds)
	})
	if err != nil {
		return fmt.Errorf("hold deliveries of %s: %w", l.Key, err)
	}
	return nil
}

func hold(c conn, channel string, ds []pipeline.Delivery) error {
	for _, d := range ds {
		_, err := c.exec(`UPDATE deliveries SET state = ?, bundle = ?, due = ?, silence = ? WHERE id = ? AND channel = ? AND state IN ('open', 'held')`,
			string(d.State), string(d.Bundle), ms(d.Due), d.Silence, d.ID, channel)
		if err != nil {
			return fmt.Errorf("delivery %d: %w", d.ID, err)
		}
	}
	return nil
}

// LetGo stores, under the lease and in one transaction, what becomes of deliveries whose bundle is due: those of stay are held on or
// silenced; each group of the others goes to the end of the channel's queue, one alone as itself, several as one digest. What a person
// took out of its bundle meanwhile is left as it is. What is of the archive stays in the line of the archive, before all that is to be gathered.
func (s *Store) LetGo(ctx context.Context, l pipeline.Lease, now time.Time, stay []pipeline.Delivery, groups [][]pipeline.Delivery) error {
	err := s.tx(ctx, func(c conn) error {
		if err := c.lock(lockStories); err != nil { // places in the queue
			return err
		}
		if err := c.fence(l); err != nil {
			return err
		}
		if err := hold(c, l.Key, stay); err != nil {
			return err
		}
		for _, g := range groups {
			if err := s.letGo(c, l.Key, now, g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("let go what is held for %s: %w", l.Key, err)
	}
	return nil
}

func (s *Store) letGo(c conn, channel string, now time.Time, group []pipeline.Delivery) error {
	var ids []int64
	for _, d := range group {
		still, err := c.has(`SELECT 1 FROM deliveries WHERE id = ? AND state = 'held'`+c.d.rowLock, d.ID)
		if err != nil {
			return err
		}
		if still {
			ids = append(ids, d.ID)
		}
	}
	switch len(ids) {
	case 0:
		return nil
	case 1:
		if group[0].Archived {
			_, err := c.exec(`UPDATE deliveries SET bundle = ?, due = ? WHERE id = ?`, pipeline.ForArchive, ms(now), ids[0])
			return err
		}
		_, err := c.exec(`UPDATE deliveries SET state = 'open', due = ?, released = ?,
			pos = (SELECT MAX(o.pos) + 1 FROM deliveries o WHERE o.channel = deliveries.channel) WHERE id = ?`, ms(now), ms(now), ids[0])
		return err
	}
	b := group[0].Bundle
	a := pipeline.Alert{Rule: b.Rule(), Subject: ident("channel:" + channel + " " + string(b)), Kind: pipeline.KindDigest, Created: now, Members: group}
	if group[0].Archived {
		a.Archive = pipeline.ForArchive
	}
	if err := c.get([]any{&a.Seq}, `SELECT COALESCE(MAX(seq), 0) + 1 FROM alerts WHERE rule = ? AND subject = ? AND kind = ?`, a.Rule, a.Subject, a.Kind); err != nil {
		return err
	}
	if err := insertAlert(c, s.text, s.now, a, []string{channel}); err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	return inChunks(ids, func(marks string, args []any) error {
		_, err := c.exec(`UPDATE deliveries SET state = 'gathered', digest = (SELECT d.id FROM deliveries d JOIN alerts a ON a.id = d.alert
			WHERE a.rule = ? AND a.subject = ? AND a.kind = ? AND a.seq = ? AND d.channel = ?) WHERE id IN (`+marks+`)`,
			append([]any{a.Rule, a.Subject, a.Kind, a.Seq, channel}, args...)...)
		return err
	})
}

// Reconsider makes bundles due now, so that each delivery in them is decided on anew, by the configuration in force. Those that wait for
// others of their kind, or for an acknowledgement, wait on: their time is not the configuration's but theirs. It says how many deliveries
// it made due.
func (s *Store) Reconsider(ctx context.Context) (int, error) {
	var n int64
	err := s.tx(ctx, func(c conn) (err error) {
		now := ms(s.now())
		n, err = c.exec(`UPDATE deliveries SET due = ? WHERE state = 'held' AND due > ? AND bundle NOT IN (?, ?, ?) AND bundle NOT LIKE ?`,
			now, now, pipeline.ForEscalation, pipeline.ForHealth, pipeline.ForArchiveDigest, pipeline.ForGroup+" %")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look again at what is held: %w", err)
	}
	return int(n), nil
}

// Acknowledge notes that a person has seen the alert of a delivery, or of all members of a digest, and cancels its escalation where that
// has not gone out. id is the delivery's ID or, where that is 0, uid its message's id.
func (s *Store) Acknowledge(ctx context.Context, id int64, uid, by string) (out pipeline.Acknowledged, err error) {
	err = s.tx(ctx, func(c conn) error {
		out = pipeline.Acknowledged{}
		var own int64
		err := c.get([]any{&id, &own}, `SELECT id, alert FROM deliveries WHERE id = ? OR ? = 0 AND uid = ?`, id, id, uid)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		out.Known = true
		alerts, err := column[int64](c, `SELECT alert FROM deliveries WHERE digest = ? ORDER BY id`, id)
		if err != nil {
			return err
		}
		if len(alerts) == 0 { // of a digest, its members are what there was to see
			alerts = []int64{own}
		}
		for _, a := range alerts {
			n, err := c.exec(`UPDATE alerts SET acked = ?, acked_by = ? WHERE id = ? AND acked = 0`, ms(s.now()), by, a)
			if err != nil {
				return err
			}
			m, err := c.exec(`UPDATE deliveries SET state = 'acked' WHERE alert = ? AND bundle = ? AND (state = 'held' OR state = 'open' AND attempts = 0)`,
				a, pipeline.ForEscalation)
			if err != nil {
				return err
			}
			// One that its channel did not take yet is dropped in its turn: those behind it wait as long as the receiver asked to.
			failing, err := column[int64](c, `SELECT id FROM deliveries WHERE alert = ? AND bundle = ? AND state = 'open'`, a, pipeline.ForEscalation)
			if err != nil {
				return err
			}
			out.Alerts, out.Escalations = out.Alerts+int(n), out.Escalations+int(m)+len(failing)
		}
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("acknowledge: %w", err)
	}
	return out, nil
}
