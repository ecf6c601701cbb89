package past

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// The ways that lead behind a feed's own document, in the order in which they are tried.
const (
	byArchive = "archive" // RFC 5005, section 4: links from archive to archive, which do not change any more
	byNext    = "next"    // RFC 5005, section 3, and JSON Feed's next_url: pages, which shift as entries come
	byPaged   = "paged"   // WordPress: the same address with paged=2, paged=3 …
)

// A place is a document behind a feed, and how far it was given. As JSON it is the cursor.
type place struct {
	URL string `json:"url,omitempty"` // "": the feed's own document
	By  string `json:"by,omitempty"`  // the way on which it lies; "": it is the feed's own
	N   int    `json:"n,omitempty"`   // the how manieth document behind the feed's own it is
	At  int64  `json:"at,omitempty"`  // date of the last entry that was given, in Unix milliseconds
	Key string `json:"key,omitempty"` // its key; "": none was given
}

// String is the place as a cursor.
func (p place) String() string {
	b, err := json.Marshal(p)
	if err != nil { // cannot be: texts and numbers
		return ""
	}
	return string(b)
}

func readPlace(cursor string) (p place, err error) {
	if cursor == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(cursor), &p); err != nil {
		return place{}, err
	}
	if (p.By == "") != (p.URL == "") {
		return place{}, errors.New("it names no document")
	}
	return p, nil
}

// what names the document to people.
func (p place) what() string {
	switch p.By {
	case byArchive:
		return fmt.Sprintf("archive document %d (prev-archive, of %s)", p.N, scrapers.Host(p.URL))
	case byNext:
		return fmt.Sprintf("page %d (next, of %s)", p.N+1, scrapers.Host(p.URL))
	case byPaged:
		return fmt.Sprintf("page %d (paged=%d, of %s)", p.N+1, p.N+1, scrapers.Host(p.URL))
	}
	return "the feed's own document"
}

// past reports whether an entry stands behind the one that was given last. Those without a date have no order that would hold, and do
// always.
func (p place) past(e entryAt) bool {
	return p.Key == "" || e.published.IsZero() || p.compare(e, entryAt{published: time.UnixMilli(p.At), key: p.Key}) > 0
}

// compare says which of two entries is given first. The feed's own document is given from its oldest entry, the documents behind it from
// their newest: what came since the walk was left is new at the one's top, and what was taken away makes the others' entries move up.
func (p place) compare(a, b entryAt) int {
	if a.published.IsZero() || b.published.IsZero() {
		return cmp.Compare(btoi(a.published.IsZero()), btoi(b.published.IsZero()))
	}
	c := cmp.Or(cmp.Compare(a.published.UnixMilli(), b.published.UnixMilli()), strings.Compare(a.key, b.key))
	if p.By != "" {
		return -c
	}
	return c
}

// ways lists what lies behind a document.
func ways(doc scrapers.Document, at place) (out []place) {
	on := func(by, address string) {
		if address != "" && (at.By == "" || at.By == by) {
			out = append(out, place{URL: address, By: by, N: at.N + 1})
		}
	}
	f := doc.Feed
	if f.Complete {
		return nil
	}
	on(byArchive, f.PrevArchive)
	on(byNext, f.Next)
	if at.By == byPaged || wordpress(doc) {
		on(byPaged, paged(doc.URL, at.N+2))
	}
	return out
}

// wordpress reports whether WordPress made a feed: it says so as its generator, and names its API in a header.
func wordpress(doc scrapers.Document) bool {
	return strings.Contains(strings.ToLower(doc.Feed.Generator), "wordpress") || apiRoot(doc.Header) != ""
}

// paged is the address of a page of a WordPress feed.
func paged(u *url.URL, n int) string {
	page := *u
	q := page.Query()
	q.Set("paged", strconv.Itoa(n))
	page.RawQuery = q.Encode()
	return page.String()
}

// An entryAt is an entry's position in its document's order.
type entryAt struct {
	published time.Time
	key       string
	index     int
}

// inOrder sorts a document's entries as they are given; those without a date are last, as they stand.
func (p place) inOrder(f *feed.Feed) []entryAt {
	out := make([]entryAt, len(f.Entries))
	for i, e := range f.Entries {
		h := fnv.New64a()
		fmt.Fprintf(h, "%q %q %q %q", e.GUID, e.URL, e.Title, e.PublishedRaw)
		out[i] = entryAt{e.Published, hex.EncodeToString(h.Sum(nil)), i}
	}
	slices.SortStableFunc(out, p.compare)
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
