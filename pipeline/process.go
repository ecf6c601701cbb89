package pipeline

import (
	"context"
	"time"
)

// A PageFetcher fetches an item's page, politely. Errors carry a Failure.
type PageFetcher interface {
	Fetch(ctx context.Context, item Item) (*Page, error)
}

// ProcessStore is what processing needs of the store.
type ProcessStore interface {
	// DueHosts lists hosts with open items due, the longest due first.
	DueHosts(ctx context.Context, now time.Time, limit int) ([]string, error)
	// ClaimItems takes up to n due items of the lease's host, oldest first, counts the claim on each and sets FirstTry
	// where it is zero. Items claimed by this lease's owner before are not given again.
	ClaimItems(ctx context.Context, l Lease, now time.Time, n int) ([]Item, error)
	// SaveItem stores the outcome of an item that brought no article, under the lease.
	SaveItem(ctx context.Context, l Lease, it Item) error
	// Write runs f in the one transaction that matters, under the lease: it is locked against every other Write before f
	// reads, commits when f returns nil, and rolls all of it back on an error or when the lease is lost.
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// Tx is the transaction in which an article joins its story.
type Tx interface {
	// Changes calls f for what happened to articles after seq, in commit order, leaving out articles seen before since.
	Changes(after int64, since time.Time, f func(Change) error) error
	// ArticleByURL finds the newest article under a canonical URL.
	ArticleByURL(canonical string) (Article, bool, error)
	// OpenStory makes a new story.
	OpenStory(title string, now time.Time) (int64, error)
	// InsertArticle stores a with its blocks and its page (nil: none), notes the change, and returns a's new ID.
	InsertArticle(a *Article, p *Page) (int64, error)
	// SaveMatches stores the matches of an article; known (article, rule) pairs get the new spans.
	SaveMatches(article int64, ms []Match) error
	// RaiseAlert stores the alert and a delivery per channel, unless there is one already for its rule and kind and its
	// story or a story merged with it. It reports whether it did.
	RaiseAlert(a Alert, channels []string) (bool, error)
	// SaveItem stores the item's outcome.
	SaveItem(it Item) error
}

// ChangeKind is what happened to an article.
type ChangeKind string

const (
	ChangeArticle ChangeKind = "article" // it was stored
	ChangeMove    ChangeKind = "move"    // it belongs to another story now
	ChangePrune   ChangeKind = "prune"   // it is gone
)

// A Change is a row of the store's change log, joined with the article as it stands.
type Change struct {
	Seq       int64
	Kind      ChangeKind
	Article   int64
	Story     int64
	Canonical string
	Site      string
	Lang      string
	Published time.Time
	Seen      time.Time
	Sketch    []byte
}
