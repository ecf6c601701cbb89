package pipeline

import (
	"context"
	"time"
)

// Polled is what one poll of a feed brought.
type Polled struct {
	Unchanged    bool // 304
	Title        string
	Lang         string
	Entries      []Entry
	ETag         string
	LastModified string
	Partial      error         // the document was cut or broken; Entries holds what could be saved
	MovedTo      string        // where a chain of permanent redirects (301, 308) ended; "" when there was none
	Fresh        time.Duration // how long the feed says it stays fresh: ttl, Cache-Control; 0: not said
}

// A FeedSource fetches and parses a feed, conditionally on f.ETag and f.LastModified, at f.Address. Errors carry a
// Failure: Gone for 410, Throttled with After for 429 and 503.
type FeedSource interface {
	Poll(ctx context.Context, f Feed) (Polled, error)
}

// PollStore is what polling needs of the store.
type PollStore interface {
	// DueFeeds lists names of active feeds with NextPoll <= now, the longest due first.
	DueFeeds(ctx context.Context, now time.Time, limit int) ([]string, error)
	// Feed loads one feed with its state.
	Feed(ctx context.Context, name string) (Feed, error)
	// SavePoll stores the feed's new state and its items in one transaction, under the lease. An item is known by
	// (Feed, Entry.GUID), else by Canonical; a known one changes nothing, except that it is opened again when
	// its entry's Updated moved forward, or when it came quietly by a backfill and now comes loudly by a poll.
	// It returns how many items were new or opened again.
	SavePoll(ctx context.Context, l Lease, f Feed, items []Item) (int, error)
}
