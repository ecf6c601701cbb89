package store

import (
	"context"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

const feedColumns = `name, kind, url, every_ms, cron, active, address, etag, last_modified, moved_to, moved_seen, retired,
	next_poll, last_poll, last_ok, failures, error, warning, title, entries, baselined, failing_since, empty_since`

func scanFeed(scan func(...any) error) (f pipeline.Feed, active bool, err error) {
	var every, retired, next, last, ok, failing, empty int64
	err = scan(&f.Name, &f.Kind, &f.URL, &every, &f.Cron, &active, &f.Address, &f.ETag, &f.LastModified, &f.MovedTo, &f.MovedSeen,
		&retired, &next, &last, &ok, &f.Failures, &f.Error, &f.Warning, &f.Title, &f.Entries, &f.Baselined, &failing, &empty)
	f.Every = time.Duration(every) * time.Millisecond
	f.Retired, f.NextPoll, f.LastPoll, f.LastOK, f.FailingSince, f.EmptySince = at(retired), at(next), at(last), at(ok), at(failing), at(empty)
	return f, active, err
}

// SyncFeeds makes fs the active feeds. A new feed is due at once. A known one takes the new settings and keeps its state,
// except that a changed URL or kind starts it anew (address, validators, move and retirement are forgotten; it stays
// baselined, so entries of the new address count as news) and that a changed schedule makes it due. Feeds that are not in
// fs become inactive and keep their state for the day they return.
func (s *Store) SyncFeeds(ctx context.Context, fs []pipeline.Feed) error {
	listed := make(map[string]bool, len(fs))
	for _, f := range fs {
		if f.Name == "" || listed[f.Name] {
			return fmt.Errorf("sync feeds: name %q is empty or given twice", f.Name)
		}
		listed[f.Name] = true
	}
	now := ms(s.now())
	err := s.tx(ctx, func(c conn) error {
		if err := c.lock(lockItems); err != nil {
			return err
		}
		known := make(map[string]pipeline.Feed)
		active := make(map[string]bool)
		err := c.each(func(scan func(...any) error) error {
			f, on, err := scanFeed(scan)
			known[f.Name], active[f.Name] = f, on
			return err
		}, `SELECT `+feedColumns+` FROM feeds ORDER BY name`+c.d.rowLock)
		if err != nil {
			return err
		}
		for _, f := range fs {
			old, ok := known[Clean(f.Name)]
			switch {
			case !ok:
				_, err = c.exec(`INSERT INTO feeds (name, kind, url, every_ms, cron, active, address, next_poll) VALUES (?, ?, ?, ?, ?, 1, ?, ?)`,
					f.Name, f.Kind, f.URL, f.Every.Milliseconds(), f.Cron, f.URL, now)
			case old.URL != Clean(f.URL) || old.Kind != Clean(f.Kind):
				_, err = c.exec(`UPDATE feeds SET kind = ?, url = ?, every_ms = ?, cron = ?, active = 1, address = ?, etag = '', last_modified = '',
					moved_to = '', moved_seen = 0, retired = 0, failures = 0, failing_since = 0, empty_since = 0, error = '', warning = '', baselined = 0, next_poll = ? WHERE name = ?`,
					f.Kind, f.URL, f.Every.Milliseconds(), f.Cron, f.URL, now, f.Name)
			case old.Every.Milliseconds() != f.Every.Milliseconds() || old.Cron != Clean(f.Cron):
				_, err = c.exec(`UPDATE feeds SET every_ms = ?, cron = ?, active = 1, next_poll = ? WHERE name = ?`,
					f.Every.Milliseconds(), f.Cron, min(now, ms(old.NextPoll)), f.Name)
			case !active[old.Name]:
				_, err = c.exec(`UPDATE feeds SET active = 1 WHERE name = ?`, f.Name)
			}
			if err != nil {
				return fmt.Errorf("feed %s: %w", f.Name, err)
			}
			delete(active, Clean(f.Name))
		}
		for name, on := range active {
			if !on {
				continue
			}
			if _, err := c.exec(`UPDATE feeds SET active = 0 WHERE name = ?`, name); err != nil {
				return fmt.Errorf("feed %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sync feeds: %w", err)
	}
	return nil
}

// Feeds lists the active feeds by name.
func (s *Store) Feeds(ctx context.Context) ([]pipeline.Feed, error) {
	c, done := s.read(ctx)
	defer done()
	return listFeeds(c)
}

func listFeeds(c conn) ([]pipeline.Feed, error) {
	var out []pipeline.Feed
	err := c.each(func(scan func(...any) error) error {
		f, _, err := scanFeed(scan)
		out = append(out, f)
		return err
	}, `SELECT `+feedColumns+` FROM feeds WHERE active = 1 ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list feeds: %w", err)
	}
	return out, nil
}

// Feed loads one feed with its state, active or not. ErrNotFound: there is none of that name.
func (s *Store) Feed(ctx context.Context, name string) (pipeline.Feed, error) {
	c, done := s.read(ctx)
	defer done()
	var f pipeline.Feed
	found := false
	err := c.each(func(scan func(...any) error) (err error) {
		found = true
		f, _, err = scanFeed(scan)
		return err
	}, `SELECT `+feedColumns+` FROM feeds WHERE name = ?`, name)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return f, fmt.Errorf("load feed %s: %w", name, err)
	}
	return f, nil
}

// DueFeeds lists names of active feeds with NextPoll <= now, the longest due first; a retired feed is due when its next probe is. Like DueHosts and
// DueChannels it leaves out what a run has under a lease at now: with a limit, keys that nobody can take would hide the rest.
func (s *Store) DueFeeds(ctx context.Context, now time.Time, limit int) ([]string, error) {
	c, done := s.read(ctx)
	defer done()
	out, err := column[string](c, `SELECT q.name FROM feeds q WHERE active = 1 AND next_poll <= ?`+untaken(`q.name`)+`
		ORDER BY next_poll, name LIMIT ?`, ms(now), kindPoll, ms(now), limit)
	if err != nil {
		return nil, fmt.Errorf("list due feeds: %w", err)
	}
	return out, nil
}

// saveFeed stores a feed's state. When the configuration gave the feed another URL since f was loaded, the state is that of
// the old address and is dropped.
func saveFeed(c conn, f pipeline.Feed) error {
	n, err := c.exec(`UPDATE feeds SET address = ?, etag = ?, last_modified = ?, moved_to = ?, moved_seen = ?, retired = ?, next_poll = ?,
		last_poll = ?, last_ok = ?, failures = ?, error = ?, warning = ?, title = ?, entries = ?, baselined = ?, failing_since = ?, empty_since = ? WHERE name = ? AND url = ?`,
		f.Address, f.ETag, f.LastModified, f.MovedTo, f.MovedSeen, ms(f.Retired), ms(f.NextPoll), ms(f.LastPoll), ms(f.LastOK),
		f.Failures, f.Error, f.Warning, f.Title, f.Entries, bit(f.Baselined), ms(f.FailingSince), ms(f.EmptySince), f.Name, f.URL)
	if err != nil || n > 0 {
		return err
	}
	ok, err := c.has(`SELECT 1 FROM feeds WHERE name = ?`, f.Name)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return err
}
