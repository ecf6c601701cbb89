package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Kinds of leases, as pipeline.Lease names them.
const (
	kindPoll    = "poll"
	kindProcess = "process"
	kindDeliver = "deliver"

	kindBackfill = "backfill"
)

// untaken is the condition that nobody holds the lease on key; its arguments are kind and now.
func untaken(key string) string {
	return ` AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.kind = ? AND l.key = ` + key + ` AND l.owner <> '' AND l.until_ms > ?)`
}

// Acquire takes the lease on (kind, key) for owner until then, when it is free or has expired at now. It reports false when
// another run holds it. owner must be unique to the run and not empty.
func (s *Store) Acquire(ctx context.Context, kind, key, owner string, now, until time.Time) (pipeline.Lease, bool, error) {
	l := pipeline.Lease{Kind: kind, Key: key, Owner: owner, Until: until}
	if owner == "" {
		return l, false, errors.New("acquire a lease: owner is empty")
	}
	ok := false
	err := s.tx(ctx, func(c conn) error {
		n, err := c.exec(`INSERT INTO leases (kind, key, owner, until_ms) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, key) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms,
				expired = leases.expired + CASE WHEN leases.owner <> '' THEN 1 ELSE 0 END
			WHERE leases.owner = '' OR leases.until_ms <= ?`, kind, key, owner, ms(until), ms(now))
		ok = n > 0
		return err
	})
	if err != nil {
		return l, false, fmt.Errorf("acquire %s %s: %w", kind, key, err)
	}
	return l, ok, nil
}

// Held lists the keys of a kind that runs hold at now, by key.
func (s *Store) Held(ctx context.Context, kind string, now time.Time) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT key FROM leases WHERE kind = ? AND owner <> '' AND until_ms > ? ORDER BY key`, kind, ms(now))
	if err != nil {
		return nil, fmt.Errorf("list held %s keys: %w", kind, err)
	}
	return out, nil
}

// Renew moves the lease's end. pipeline.ErrLeaseLost: another run has it.
func (s *Store) Renew(ctx context.Context, l pipeline.Lease, until time.Time) error {
	err := s.tx(ctx, func(c conn) error {
		n, err := c.exec(`UPDATE leases SET until_ms = ? WHERE kind = ? AND key = ? AND owner = ?`, ms(until), l.Kind, l.Key, l.Owner)
		if err == nil && n == 0 {
			err = pipeline.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("renew %s %s: %w", l.Kind, l.Key, err)
	}
	return nil
}

// Release gives the key back, and with it the items claimed under the lease that have no outcome yet: they did not bring the
// process down, so the claim does not count. Releasing a lease that was lost is no error: the key is not held, which is all
// that was asked.
func (s *Store) Release(ctx context.Context, l pipeline.Lease) error {
	err := s.tx(ctx, func(c conn) error {
		if l.Kind == kindProcess {
			const unclaim, claimed = `UPDATE items SET claims = claims - 1, claimed_by = ''`, ` WHERE host = ? AND claimed_by = ? AND claims > 0 AND `
			now := ms(s.now())
			// Nor does the wait count that ClaimItems gives to what was claimed again and again.
			if _, err := c.exec(unclaim+`, due = CASE WHEN claims < 3 OR due < ? THEN due ELSE ? END`+claimed+`state = 'open'`, now, now, ident(l.Key), l.Owner); err != nil {
				return err
			}
			if _, err := c.exec(unclaim+claimed+`state = 'done' AND visit > 0 AND visit <= ?`, ident(l.Key), l.Owner, now); err != nil {
				return err
			}
		}
		_, err := c.exec(`UPDATE leases SET owner = '', until_ms = 0 WHERE kind = ? AND key = ? AND owner = ?`, l.Kind, l.Key, l.Owner)
		return err
	})
	if err != nil {
		return fmt.Errorf("release %s %s: %w", l.Kind, l.Key, err)
	}
	return nil
}

// TakeOver frees every lease whose owner is dead, counts each as expired, and says how many there were.
func (s *Store) TakeOver(ctx context.Context, dead func(owner string) bool) (int, error) {
	total := 0
	err := s.tx(ctx, func(c conn) error {
		total = 0
		owners, err := column[string](c, `SELECT DISTINCT owner FROM leases WHERE owner <> ''`)
		if err != nil {
			return err
		}
		for _, o := range owners {
			if !dead(o) {
				continue
			}
			n, err := c.exec(`UPDATE leases SET owner = '', until_ms = 0, expired = expired + 1 WHERE owner = ?`, o)
			if err != nil {
				return err
			}
			total += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take over leases: %w", err)
	}
	return total, nil
}

// column reads the first column of q.
func column[T any](c conn, q string, args ...any) ([]T, error) {
	var out []T
	err := c.each(func(scan func(...any) error) error {
		var v T
		if err := scan(&v); err != nil {
			return err
		}
		out = append(out, v)
		return nil
	}, q, args...)
	return out, err
}

// ReserveHost takes the next free slot of a host, at least every after the one before, and says when it is: now or later. An
// every of 0 or less means no limit: the slot is now, and nothing is stored. Slots further ahead than as many runs could ever wait for were
// given out under a clock that has been put back since: they do not count.
func (s *Store) ReserveHost(ctx context.Context, host string, now time.Time, every time.Duration) (time.Time, error) {
	return s.reserve(ctx, "hosts", host, now, every)
}

// ReserveChannel does for a channel what ReserveHost does for a host.
func (s *Store) ReserveChannel(ctx context.Context, channel string, now time.Time, every time.Duration) (time.Time, error) {
	return s.reserve(ctx, "channels", channel, now, every)
}

// mostSlots is how many slots of one host or channel can be given out ahead: more than all runs of all processes that share a store.
const mostSlots = 200

func (s *Store) reserve(ctx context.Context, table, name string, now time.Time, every time.Duration) (time.Time, error) {
	if every <= 0 {
		return now, nil
	}
	gap := max(every.Milliseconds(), 1)
	var next int64
	err := s.tx(ctx, func(c conn) error {
		return c.get([]any{&next}, `INSERT INTO `+table+` (name, next_at) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET next_at =
				CASE WHEN `+table+`.next_at > ? AND `+table+`.next_at <= ? THEN `+table+`.next_at ELSE ? END + ?
			RETURNING next_at`, ident(name), ms(now)+gap, ms(now), ms(now)+mostSlots*gap, ms(now), gap)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reserve a slot of %s: %w", name, err)
	}
	return at(next - gap), nil
}
