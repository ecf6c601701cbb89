package past

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers/warc"
)

// A warcSeen remembers which pages a walk has met, to tell a revisit of one of them from a revisit of what is missing.
type warcSeen struct {
	pages map[uint64]struct{}
	seed  maphash.Seed
	all   bool // it has what the source has before the place where the walk is: the walk began at the source's beginning
}

// mostSeen bounds the memory that warcSeen takes, to some 10 MB.
const mostSeen = 1 << 18

func (s *warcSeen) add(uri string) {
	if s == nil { // an estimate's
		return
	}
	if len(s.pages) == mostSeen {
		clear(s.pages)
		s.all = false
	}
	s.pages[maphash.String(s.seed, uri)] = struct{}{}
}

func (s *warcSeen) has(uri string) bool {
	_, ok := s.pages[maphash.String(s.seed, uri)]
	return ok
}

// revisit makes a find of a revisit of a page: the archive took it again, and kept no more than that it had not changed since.
func (w *warcWalk) revisit(r *warc.Reader, rec *warc.Record) (f pipeline.Find, wanted bool, err error) {
	h, err := r.Head()
	var fault *warc.Fault
	switch {
	case errors.As(err, &fault): // most keep the head, few nothing
		if !mayBeArticle(rec.URI) {
			return f, false, nil
		}
	case err != nil:
		return f, false, err
	case h.Status != http.StatusOK && h.Status != http.StatusNotModified || !maybeHTML(h.Header.Value("Content-Type")):
		return f, false, nil
	}
	of := rec.RefersTo()
	if of.URI == "" {
		of.URI = rec.URI
	}
	if !of.Date.IsZero() && w.outside(of.Date) {
		return f, false, nil
	}
	f = pipeline.Find{Entry: pipeline.Entry{URL: of.URI}, Taken: rec.Date, Again: true}
	if w.seen.all && !w.seen.has(of.URI) {
		when := "made earlier"
		if !of.Date.IsZero() {
			when = "of " + of.Date.Format(time.DateOnly)
		}
		f = pipeline.Find{Entry: f.Entry, Err: fmt.Errorf("%s: %w", w.file.name, &warc.Fault{At: rec.At,
			What: fmt.Sprintf("a revisit of %.200q, whose page was kept in a record %s that stands in nothing before this one; name its file too", of.URI, when)})}
	}
	return f, true, nil
}
