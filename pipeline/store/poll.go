package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// An item is opened again at most so often, and not before so much time has passed: some sites put the present moment
// into every entry's "updated".
const (
	maxRevisions = 20
	revisionGap  = 10 * time.Minute
)

// SavePoll stores a poll: the feed's new state and its items, in one transaction, under the lease. An item is known by (Feed,
// Entry.GUID), else by Canonical, in whichever feed. A known item changes nothing, except that
//   - it is opened again when Entry.Updated moved forward (where the stored entry had none: past the first sight of it), at most
//     every ten minutes and twenty times in all;
//   - it becomes loud and is opened again when a backfill brought it quietly and it now comes loudly;
//   - while it is open and nobody has taken it up, it takes over a newer text.
//
// Entries of one document that repeat each other count once. What the poll shows of the feed is told to the operator. It returns how many items were new or opened again.
func (s *Store) SavePoll(ctx context.Context, l pipeline.Lease, f pipeline.Feed, items []pipeline.Item, shown ...pipeline.Condition) (int, error) {
	n := 0
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.fence(l); err != nil {
			return err
		}
		if len(items) > 0 {
			if err := c.lock(lockItems); err != nil {
				return err
			}
		}
		if err := s.observe(c, shown); err != nil {
			return err
		}
		if err := saveFeed(c, f); err != nil {
			return err
		}
		n, err = s.saveItems(c, f.Name, items)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("save poll of %s: %w", f.Name, err)
	}
	return n, nil
}

// guidOf is the guid of an entry, or what stands in for it: link, else content.
func guidOf(it pipeline.Item) string {
	for _, s := range []string{it.Entry.GUID, it.Canonical, it.Entry.URL} {
		if s != "" {
			return ident(s)
		}
	}
	h := sha256.Sum256([]byte(it.Entry.Title + "\n" + it.Entry.Summary + "\n" + it.Entry.Content))
	return "sha256:" + hex.EncodeToString(h[:])
}

// known is what SavePoll must know of a stored item. Summary and content are read only while it is open.
type known struct {
	id                       int64
	feed, guid, canonical    string
	origin                   pipeline.Origin
	state                    pipeline.ItemState
	quiet                    bool
	claims, revisions        int
	updated, reopened, first int64
	title, summary, content  string
}

const knownColumns = `id, feed, guid, canonical, origin, state, quiet, claims, revisions, updated, reopened, first_seen,
	title,
	CASE WHEN state = 'open' THEN summary ELSE '' END,
	CASE WHEN state = 'open' THEN content ELSE '' END`

func loadKnown(c conn, put func(*known), q string, args ...any) error {
	return c.each(func(scan func(...any) error) error {
		k := &known{}
		err := scan(&k.id, &k.feed, &k.guid, &k.canonical, &k.origin, &k.state, &k.quiet, &k.claims, &k.revisions, &k.updated, &k.reopened,
			&k.first, &k.title, &k.summary, &k.content)
		put(k)
		return err
	}, q, args...)
}

// saveItems brings the items of one document together with those stored.
func (s *Store) saveItems(c conn, feed string, items []pipeline.Item) (int, error) {
	if len(items) > 0 && c.d.index != "" {
		if _, err := c.exec(c.d.index); err != nil {
			return 0, err
		}
	}
	items = once(feed, items)
	guids := make([]string, len(items))
	for i, it := range items {
		guids[i] = it.Entry.GUID
	}
	byGUID := make(map[string]*known, len(items))
	err := inChunks(guids, func(marks string, args []any) error {
		return loadKnown(c, func(k *known) { byGUID[k.guid] = k },
			`SELECT `+knownColumns+` FROM items WHERE feed = ? AND guid IN (`+marks+`)`, append([]any{feed}, args...)...)
	})
	if err != nil {
		return 0, err
	}
	var links []string
	for i, it := range items {
		if k := byGUID[it.Entry.GUID]; k != nil && another(k, it) {
			it.Entry.GUID = it.Canonical
			items[i] = it
		}
		if byGUID[it.Entry.GUID] == nil && it.Canonical != "" {
			links = append(links, it.Canonical)
		}
	}
	byLink := make(map[string]*known, len(links))
	err = inChunks(links, func(marks string, args []any) error {
		// The oldest item of a link is its item: it was there first.
		return loadKnown(c, func(k *known) { byLink[k.canonical] = k },
			`SELECT `+knownColumns+` FROM items WHERE canonical <> '' AND canonical IN (`+marks+`) ORDER BY id DESC`, args...)
	})
	if err != nil {
		return 0, err
	}
	count := 0
	for _, it := range items {
		k := byGUID[it.Entry.GUID]
		if k == nil {
			k = byLink[it.Canonical] // nil for items without a link
		}
		if k != nil {
			again, err := s.meet(c, k, it)
			if err != nil {
				return 0, fmt.Errorf("item %d: %w", k.id, err)
			}
			if again {
				count++
			}
			continue
		}
		if k, err = s.insertItem(c, feed, it); err != nil {
			return 0, fmt.Errorf("item %s: %w", it.Entry.GUID, err)
		}
		count++
		byGUID[k.guid] = k
		if k.canonical != "" {
			byLink[k.canonical] = k
		}
	}
	return count, nil
}

// another reports whether an entry shares no more than its guid with a stored item. Some feeds write the same guid into every
// entry, one at a time; an entry whose link and headline are both new is new, unless it says that it was updated.
func another(k *known, it pipeline.Item) bool {
	return ms(it.Entry.Updated) <= k.updated && k.canonical != "" && it.Canonical != "" && k.canonical != it.Canonical && k.title != Clean(it.Entry.Title)
}

// once makes the items' identities fit for the store and leaves one of those that share a guid: the one updated last.
func once(feed string, items []pipeline.Item) []pipeline.Item {
	out := make([]pipeline.Item, 0, len(items))
	place := make(map[string]int, len(items))
	for _, it := range items {
		it.Feed, it.Entry.GUID = Clean(feed), guidOf(it)
		it.Canonical, it.Host = ident(it.Canonical), ident(it.Host)
		i, ok := place[it.Entry.GUID]
		if !ok {
			place[it.Entry.GUID] = len(out)
			out = append(out, it)
		} else if it.Entry.Updated.After(out[i].Entry.Updated) {
			out[i] = it
		}
	}
	return out
}

// meet brings a known item together with its entry as it stands now, and reports whether it was opened again.
func (s *Store) meet(c conn, k *known, it pipeline.Item) (bool, error) {
	e, now := it.Entry, ms(s.now())
	own := k.feed == it.Feed && k.guid == e.GUID // else it is known by its link, and another feed's words are no news
	updated := ms(e.Updated)
	// What came quietly becomes loud when a poll brings it as news: one that a backfill was faster than, or another feed's
	// when the first feed's baseline was silent about it.
	if louder := k.quiet && !it.Quiet && (k.origin == pipeline.FromBackfill || k.feed != it.Feed); louder {
		k.quiet = false
		// The page itself is read, not the copy of an archive that a backfill would have been content with, nor when that can be had.
		const itself = `quiet = 0, host = CASE WHEN copy = '' THEN host ELSE ? END, copy = '', taken = 0`
		if k.state == pipeline.ItemOpen {
			_, err := c.exec(`UPDATE items SET `+itself+`, due = CASE WHEN copy = '' THEN due ELSE ? END, attempts = CASE WHEN copy = '' THEN attempts ELSE 0 END
				WHERE id = ?`, it.Host, ms(s.due(it)), k.id)
			return false, err
		}
		k.state = pipeline.ItemOpen
		_, err := c.exec(`UPDATE items SET `+itself+`, state = ?, due = ?, attempts = 0, claims = 0, claimed_by = '', error = '', first_try = 0
			WHERE id = ?`, it.Host, string(pipeline.ItemOpen), ms(s.due(it)), k.id)
		return true, err
	}
	if k.state == pipeline.ItemOpen {
		// A run that has taken the item up works on the text it was given; the newer one waits for a later poll.
		if k.claims > 0 || updated != 0 && updated < k.updated {
			return false, nil
		}
		if own && (Clean(e.Title) != k.title || Clean(e.Summary) != k.summary || Clean(e.Content) != k.content) {
			k.title, k.summary, k.content, k.updated = Clean(e.Title), Clean(e.Summary), Clean(e.Content), max(k.updated, updated)
			_, err := c.exec(`UPDATE items SET title = ?, summary = ?, content = ?, updated = ? WHERE id = ?`,
				e.Title, e.Summary, e.Content, k.updated, k.id)
			return false, err
		}
		if updated > k.updated {
			k.updated = updated
			_, err := c.exec(`UPDATE items SET updated = ? WHERE id = ?`, updated, k.id)
			return false, err
		}
		return false, nil
	}
	before := k.updated
	if before == 0 {
		before = k.first
	}
	if updated <= before || k.revisions >= maxRevisions || k.reopened != 0 && now < k.reopened+revisionGap.Milliseconds() {
		return false, nil
	}
	tags, err := list(cleaned(e.Tags))
	if err != nil {
		return false, err
	}
	k.state, k.updated, k.reopened, k.revisions = pipeline.ItemOpen, updated, now, k.revisions+1
	k.quiet = k.quiet && it.Quiet // an old article that is edited now is news
	_, err = c.exec(`UPDATE items SET state = ?, due = ?, quiet = ?, attempts = 0, claims = 0, claimed_by = '', error = '', first_try = 0,
		revisions = ?, reopened = ?, updated = ?, published = ?, published_raw = ?, title = ?, author = ?, tags = ?, summary = ?, content = ?
		WHERE id = ?`, string(pipeline.ItemOpen), ms(s.due(it)), bit(k.quiet), k.revisions, now, updated, ms(e.Published), e.PublishedRaw, e.Title, e.Author,
		tags, e.Summary, e.Content, k.id)
	if err == nil && own {
		// The page may have moved with the change; another feed's address for it is no better than the one known.
		_, err = c.exec(`UPDATE items SET url = ?, canonical = ?, host = ? WHERE id = ?`, e.URL, it.Canonical, it.Host, k.id)
	}
	return true, err
}

func (s *Store) due(it pipeline.Item) time.Time {
	if it.Due.IsZero() {
		return s.now()
	}
	return it.Due
}

func (s *Store) insertItem(c conn, feed string, it pipeline.Item) (*known, error) {
	e := it.Entry
	tags, err := list(cleaned(e.Tags))
	if err != nil {
		return nil, err
	}
	if it.State == "" {
		it.State = pipeline.ItemOpen
	}
	if it.FirstSeen.IsZero() {
		it.FirstSeen = s.now()
	}
	k := &known{feed: feed, guid: e.GUID, canonical: it.Canonical, origin: it.Origin, state: it.State, quiet: it.Quiet,
		updated: ms(e.Updated), first: ms(it.FirstSeen), title: Clean(e.Title), summary: Clean(e.Summary), content: Clean(e.Content)}
	err = c.get([]any{&k.id}, `INSERT INTO items (feed, guid, canonical, host, origin, quiet, state, due, attempts, error, first_seen, updated,
		published, published_raw, url, title, author, tags, summary, content, backfill, copy, taken)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		feed, e.GUID, it.Canonical, it.Host, string(it.Origin), bit(it.Quiet), string(it.State), ms(s.due(it)), k.first, k.updated,
		ms(e.Published), e.PublishedRaw, e.URL, e.Title, e.Author, tags, e.Summary, e.Content,
		it.Backfill, it.Copy, ms(it.Taken))
	return k, err
}
