package store

import (
	"context"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Counts says how the store stands, for health and metrics.
type Counts struct {
	Items      map[pipeline.ItemState]int
	Deliveries map[string]map[pipeline.DeliveryState]int // by channel

	// When the oldest open work of each queue is or was due; zero: no open work.
	OldestFeed, OldestItem, OldestDelivery time.Time

	Revisits int // pages due to be looked at again

	Feeds   int // active
	Failing int // active feeds whose last poll failed
	Retired int // active feeds that are gone (410)

	Articles, Stories, Alerts int // stories that stand, without those merged into another

	Leases        int   // held now, expired ones among them
	ExpiredLeases int   // leases ever taken from a run that did not renew them
	WAL           int64 // bytes in SQLite's write-ahead log
}

// Counts counts.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	c, done := s.read(ctx)
	defer done()
	n := Counts{Items: map[pipeline.ItemState]int{}, Deliveries: map[string]map[pipeline.DeliveryState]int{}, WAL: s.walSize()}
	var all, open, dead int
	var feed, item, delivery int64
	// Each count can be answered from an index; grouping items by state could not.
	for _, q := range []struct {
		dest []any
		sql  string
	}{
		{[]any{&all}, `SELECT COUNT(*) FROM items`},
		{[]any{&open, &item}, `SELECT COUNT(*), COALESCE(MIN(due), 0) FROM items WHERE state = 'open'`},
		{[]any{&dead}, `SELECT COUNT(*) FROM items WHERE state = 'dead'`},
		{[]any{&n.Feeds, &n.Failing, &n.Retired, &feed}, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN failures > 0 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN retired <> 0 THEN 1 ELSE 0 END), 0), COALESCE(MIN(CASE WHEN retired = 0 THEN next_poll END), 0)
			FROM feeds WHERE active = 1`},
		{[]any{&delivery}, `SELECT COALESCE(MIN(due), 0) FROM deliveries WHERE state = 'open'`},
		{[]any{&n.Articles}, `SELECT COUNT(*) FROM articles`},
		{[]any{&n.Stories}, `SELECT COUNT(*) FROM stories WHERE merged_into = 0 AND id <> 0`},
		{[]any{&n.Alerts}, `SELECT COUNT(*) FROM alerts`},
		{[]any{&n.Leases, &n.ExpiredLeases}, `SELECT COALESCE(SUM(CASE WHEN owner <> '' THEN 1 ELSE 0 END), 0), COALESCE(SUM(expired), 0) FROM leases`},
	} {
		if err := c.get(q.dest, q.sql); err != nil {
			return n, fmt.Errorf("count: %w", err)
		}
	}
	if err := c.get([]any{&n.Revisits}, `SELECT COUNT(*) FROM items WHERE state = 'done' AND visit > 0 AND visit <= ?`, ms(s.now())); err != nil {
		return n, fmt.Errorf("count: %w", err)
	}
	n.Items[pipeline.ItemOpen], n.Items[pipeline.ItemDead], n.Items[pipeline.ItemDone] = open, dead, all-open-dead
	n.OldestFeed, n.OldestItem, n.OldestDelivery = at(feed), at(item), at(delivery)
	err := c.each(func(scan func(...any) error) error {
		var channel string
		var state pipeline.DeliveryState
		var k int
		if err := scan(&channel, &state, &k); err != nil {
			return err
		}
		if n.Deliveries[channel] == nil {
			n.Deliveries[channel] = map[pipeline.DeliveryState]int{}
		}
		n.Deliveries[channel][state] = k
		return nil
	}, `SELECT channel, state, COUNT(*) FROM deliveries GROUP BY channel, state`)
	if err != nil {
		return n, fmt.Errorf("count deliveries: %w", err)
	}
	return n, nil
}
