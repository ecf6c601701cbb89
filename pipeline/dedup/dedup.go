// Package dedup decides what a new article is to those that came before it: new, identical, a copy on another site, a
// later version, or an excerpt. It is pure: no clock, no I/O, no logger, and the same documents in the same order
// always give the same decisions.
//
// A document is known by its canonical URL and by a Sketch: a sample of the hashes of its shingles (runs of words), small
// enough to keep in the article's row, from which the Index is rebuilt at start. The sample is FracMinHash (Irber et al.
// 2022, doi:10.1101/2022.01.11.475838): a shingle is kept when its hash is below a threshold, so that two samples of
// whatever size can be compared at the coarser threshold, and containment is estimated as well as resemblance.
//
// Lines a site repeats are no evidence: a shingle that stands in another story of either site does not count in a
// comparison. That is what keeps two reports with the same appeal for donations apart.
//
// A text made of two reports joins the story of the one it has more of. It does not make their stories one: for that, what it
// has in common with both has to be partly the same.
//
// Events puts stories of one happening together, by the words that say what happened (Terms) instead of shared passages. Compare
// says of two texts what the Index weighed, for people.
package dedup

import "time"

// Relations of a document to an earlier one.
const (
	RelNew       = "new"
	RelIdentical = "identical"  // the same words
	RelCopy      = "copy"       // another site carries the text, edited, cut or expanded
	RelVersion   = "version"    // the same site's page or text, changed
	RelExcerpt   = "excerpt"    // shares a passage only; a story of its own
	RelSameEvent = "same_event" // a story of its own, of an event that is known
)

// Doc is what the index knows of an article.
type Doc struct {
	ID        int64
	Story     int64  // 0: not in a story yet
	URL       string // as found; Canonical is applied here
	Site      string // registrable host name; "" is a site of its own
	Lang      string
	Published time.Time // zero: unknown
	Seen      time.Time // zero: unknown. A document without any time is near every other in time
	Sketch    []byte
}

func (d Doc) when() time.Time {
	if d.Published.IsZero() {
		return d.Seen
	}
	return d.Published
}

// Decision says what a document is.
type Decision struct {
	Relation string
	Of       int64   // the earlier document it is most like; 0 with RelNew
	Story    int64   // the story it joins; 0: it opens one. An excerpt opens one too
	Score    float64 // share of the smaller text that stands in the other, 0 to 1; 1 for a page known by its URL

	// Merge lists further stories that this document shows to be the same as Story, in ascending order.
	Merge []int64
}

// Options are the index's settings; the zero value of each means its default.
type Options struct {
	// Window is how far apart in time two texts may be and still be one story; default 14 days. A page's own versions,
	// known by their URL, are not bound by it.
	Window time.Duration
}

// What it takes to join. Measured on the development pairs; see the test for the figures they give.
const (
	joinContained  = 0.34 // share of the smaller text in the other …
	joinResembling = 0.11 // … when at least this share of both together is common
	wholeContained = 0.60 // nearly all of the smaller text: a wire report cut to its beginning …
	wholeResembles = 0.05 // … may be this much smaller
	cutContained   = 0.90 // all of it …
	cutResembles   = 0.025
	mergeContained = 0.50 // to show that two stories are one takes more than joining one of them
	mergeResembles = 0.30
	mergeOverlap   = 0.20 // share of what it has in common with one that it has in common with the other too

	minShared    = 4  // sampled shingles in common: fewer are chance
	fewShared    = 3  // where they are all that the smaller text has
	minWords     = 20 // shorter texts say too little to be told apart; their titles have to agree as well
	stubWords    = 60 // on one site a short repeated text is a notice (a paywall, a consent form), unless titles agree
	excerptWords = 20 // estimated words in common that make a passage
	excerptShare = 0.06
)
