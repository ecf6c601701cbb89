package pipeline

import (
	"context"
	"time"
)

// This file is what a backfill asks of a source of the past: an archive of feeds, a sitemap, a web archive, a file.

// A Past is a source of the past. It is walked by one goroutine at a time.
type Past interface {
	// Name says what is read, in one line, to people and in the store's checkpoints: "sitemap https://example.org/". Two that read the same
	// have the same name, in whichever process.
	Name() string
	// Estimate says how much there is in the range, as far as that can be told without walking it: from an index, a file's length, a count
	// that the server gives. It asks for little, and fails like Walk.
	Estimate(ctx context.Context, r Range) (Estimate, error)
	// Walk calls found for what the source has of the range, behind the cursor, in an order that is the same at every walk; "" begins at the
	// beginning. It ends early with found's error or ctx's. Any other error carries a Failure; where it is one that may pass (Retry, Throttled),
	// the same walk is tried again later from the last cursor. What it cannot use it reports as a Find with Err, and goes on.
	Walk(ctx context.Context, r Range, cursor string, found func(Find) error) error
}

// A Range is the time in which something was published, half-open: Since belongs to it, Until does not. A zero end is open.
type Range struct{ Since, Until time.Time }

// Holds reports whether a moment lies in the range. The zero time, an unknown date, lies in none that has an end.
func (r Range) Holds(t time.Time) bool {
	if t.IsZero() {
		return r.Since.IsZero() && r.Until.IsZero()
	}
	return !t.Before(r.Since) && (r.Until.IsZero() || t.Before(r.Until))
}

// A Find is one article that a source of the past names, or has.
//
// A source leaves out what cannot lie in the range by what it knows for sure: a page that was last changed before Since was not published
// in it. What it does not know it leaves to the page, whose own date decides in the end.
type Find struct {
	// Entry is what the source says of the article; Entry.URL is the article's own address, also where a copy is read. Published is
	// a date of publication, never one of a change or a capture.
	Entry Entry
	// Copy is where to fetch a copy of the page that an archive keeps; "": the page is fetched at its own address.
	Copy string
	// Taken is when the copy, or Page, was taken: it stands in for a date where neither page nor source knows one. Zero: unknown.
	Taken time.Time
	// Page is the document itself, where the source has it; nil: it is fetched politely. Its URL and FinalURL are the article's own address, Fetched
	// is Taken. A page without a body is no page: the source's text in Entry (Content, Summary) is the article then.
	Page *Page
	// Text says that Entry's own text is all there is to be had: nothing is fetched.
	Text bool
	// Again says that the source had the article before, unchanged: there is nothing to be read. It counts as known where an article is stored under
	// Entry.URL, and else as left out, as the article was.
	Again bool
	// Err says why there is no article in it (a broken record, a line that is no address); it is counted and listed, and the walk goes on.
	Err error
	// Cursor is where a walk goes on behind this find. It is opaque and may be kept for years; "" says that the walk cannot go on from
	// here, but from the last find that had one.
	Cursor string
}

// An Estimate is how much a walk would bring. Numbers that nobody can tell are -1.
type Estimate struct {
	Articles int            // articles in the range, at most
	Requests map[string]int // requests that they cost, by the authority of the host (the key of its pace); empty: none
	Bytes    int64          // of input to be read, in all
	About    bool           // the numbers are a guess, not a count
}
