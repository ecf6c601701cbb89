package store

import (
	"context"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Arrivals lists, by feed, the moments since then at which polls brought something new, in order. What first polls and backfills brought
// does not count.
func (s *Store) Arrivals(ctx context.Context, since time.Time) (map[string][]time.Time, error) {
	c, done := s.read(ctx)
	defer done()
	return listArrivals(c, since)
}

func listArrivals(c conn, since time.Time) (map[string][]time.Time, error) {
	out := map[string][]time.Time{}
	err := c.each(func(scan func(...any) error) error {
		var feed string
		var seen int64
		err := scan(&feed, &seen)
		out[feed] = append(out[feed], at(seen))
		return err
	}, `SELECT feed, first_seen FROM items WHERE first_seen >= ? AND origin = ? GROUP BY feed, first_seen ORDER BY feed, first_seen`,
		ms(since), string(pipeline.FromPoll))
	if err != nil {
		return nil, fmt.Errorf("list arrivals: %w", err)
	}
	return out, nil
}

// Backlog reads how the queues and channels stand.
func (s *Store) Backlog(ctx context.Context, now, since time.Time) (pipeline.Backlog, error) {
	b := pipeline.Backlog{Channels: map[string]pipeline.ChannelBacklog{}}
	err := s.snapshot(ctx, func(c conn) error {
		var item, delivery int64
		if err := c.get([]any{&item}, `SELECT COALESCE(MIN(due), 0) FROM items WHERE state = 'open' AND quiet = 0 AND due <= ?`, ms(now)); err != nil {
			return err
		}
		if err := c.get([]any{&delivery}, `SELECT COALESCE(MIN(due), 0) FROM deliveries WHERE state = 'open' AND attempts = 0 AND due <= ?`, ms(now)); err != nil {
			return err
		}
		b.OldestItem, b.OldestDelivery = at(item), at(delivery)
		err := c.each(func(scan func(...any) error) error {
			var name string
			var ch pipeline.ChannelBacklog
			var waiting, due int64
			err := scan(&name, &ch.Attempts, &waiting, &due, &ch.Error)
			ch.Waiting, ch.Due = at(waiting), at(due)
			b.Channels[name] = ch
			return err
		}, `SELECT channel, attempts, CASE WHEN released > created THEN released ELSE created END, due, error FROM deliveries WHERE state = 'open' AND attempts > 0 ORDER BY channel, pos DESC`)
		if err != nil {
			return err
		}
		// A dead one keeps the time at which it would have been tried again, which is just after its death; that it was made says nothing: it
		// may have been held for a week.
		return c.each(func(scan func(...any) error) error {
			var name, last string
			var n int
			if err := scan(&name, &n, &last); err != nil {
				return err
			}
			ch := b.Channels[name]
			if ch.Dead = n; ch.Error == "" {
				ch.Error = last
			}
			b.Channels[name] = ch
			return nil
		}, `SELECT q.channel, q.n, d.error FROM (SELECT channel, COUNT(*) AS n, MAX(id) AS last FROM deliveries
				WHERE state = 'dead' AND due >= ? GROUP BY channel) q JOIN deliveries d ON d.id = q.last ORDER BY q.channel`, ms(since))
	})
	if err != nil {
		return b, fmt.Errorf("look at the backlog: %w", err)
	}
	return b, nil
}

// Observe tells the operator what conditions have of news, all of it or nothing.
func (s *Store) Observe(ctx context.Context, shown ...pipeline.Condition) error {
	if len(shown) == 0 {
		return nil
	}
	return s.tx(ctx, func(c conn) error { return s.observe(c, shown) })
}
