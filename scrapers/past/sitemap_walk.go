package past

import (
	"context"
	"fmt"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/sitemap"
)

// A sitemapWalk is one walk, or the look that makes an estimate.
type sitemapWalk struct {
	*sitemapPast
	r         pipeline.Range
	found     func(pipeline.Find) error
	strangers sitemapStrangers
	seen      map[string]bool // documents
	asked     int             // documents
	read      int             // documents that could be

	resume []sitemapMark // the cursor, until a document is read that it does not name
	path   []sitemapMark
	last   error // why a document could not be had
}

func (p *sitemapPast) walk(r pipeline.Range, found func(pipeline.Find) error) *sitemapWalk {
	return &sitemapWalk{sitemapPast: p, r: r, found: found, seen: map[string]bool{},
		strangers: sitemapStrangers{client: p.client, announced: map[string][]string{}}}
}

// Walk implements pipeline.Past: documents in the order in which they are listed, depth first, and their pages in theirs.
func (p *sitemapPast) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	roots, err := p.roots(ctx)
	if err != nil {
		return err
	}
	w := p.walk(r, found)
	w.resume = parseSitemapCursor(cursor)
	if _, err = w.list(ctx, "", p.vouchers(), listed(roots)); err != nil {
		return err
	}
	if w.read == 0 && w.last != nil && cursor == "" { // nothing was to be had
		return w.last
	}
	return w.report(w.strangers.err())
}

// report tells of what could not be used.
func (w *sitemapWalk) report(err error) error {
	if err == nil {
		return nil
	}
	return w.found(pipeline.Find{Err: err, Cursor: sitemapCursor(w.path)})
}

// A sitemapRun goes over a list of entries, the same at each call.
type sitemapRun func(each func(sitemap.Entry) error) (sitemap.Notes, error)

// listed is a list that is at hand.
func listed(list []sitemap.Entry) sitemapRun {
	return func(each func(sitemap.Entry) error) (sitemap.Notes, error) {
		for _, e := range list {
			if err := each(e); err != nil {
				return sitemap.Notes{}, err
			}
		}
		return sitemap.Notes{}, nil
	}
}

// children reads a list for the addresses of sitemaps in it, and the periods that their names tell.
func (w *sitemapWalk) children(run sitemapRun) ([]sitemap.Period, sitemap.Notes, error) {
	var addresses []string
	notes, err := run(func(e sitemap.Entry) error {
		if e.Child {
			addresses = append(addresses, e.URL)
		}
		return nil
	})
	return sitemap.Periods(addresses, w.now()), notes, err
}

// list walks one list of entries, that of the document of. Its error ends the walk, but for an unreadDocument.
func (w *sitemapWalk) list(ctx context.Context, of string, v sitemapVouchers, run sitemapRun) (sitemap.Notes, error) {
	periods, notes, err := w.children(run)
	if err != nil {
		return notes, &unreadDocument{err}
	}
	done := w.done(of, periods, run)
	level, child := len(w.path), 0
	w.path = append(w.path, sitemapMark{Of: of})
	_, err = run(func(e sitemap.Entry) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		var period sitemap.Period
		if e.Child {
			period = periods[child]
			child++
		}
		left := w.outside(&e, period)
		behind := w.path[level].N < done
		var err error
		switch {
		case behind && e.Child:
			w.seen[e.URL] = true
		case behind || left:
		case e.Child:
			err = w.document(ctx, e.URL, v)
		}
		if err != nil {
			return err
		}
		w.path[level].add(&e, left)
		if behind || left || e.Child {
			return nil
		}
		return w.page(ctx, &e, v)
	})
	if err == nil {
		err = w.remarks(of, notes)
	}
	w.path = w.path[:level]
	return notes, err
}

// done is how many entries of a list the cursor lets be passed over.
func (w *sitemapWalk) done(of string, periods []sitemap.Period, run sitemapRun) int {
	level := len(w.path)
	if level >= len(w.resume) || w.resume[level].Of != of {
		w.resume = nil
		return 0
	}
	want, got, child := w.resume[level], sitemapMark{Of: of}, 0
	if want.N > 0 {
		// Its only error is errEnough: the list could be read before.
		_, _ = run(func(e sitemap.Entry) error {
			var period sitemap.Period
			if e.Child {
				period = periods[child]
				child++
			}
			if got.add(&e, w.outside(&e, period)); got.N == want.N {
				return errEnough
			}
			return nil
		})
	}
	if got != want {
		w.resume = nil
		return 0
	}
	return want.N
}

func (w *sitemapWalk) outside(e *sitemap.Entry, period sitemap.Period) bool {
	if e.Child {
		return childOutside(e, period, w.r)
	}
	return pageOutside(e, w.r)
}

// page hands on a page that may be of the range.
func (w *sitemapWalk) page(ctx context.Context, e *sitemap.Entry, v sitemapVouchers) error {
	if ok, err := w.wants(ctx, e, v); !ok {
		return err
	}
	f := pipeline.Find{Cursor: sitemapCursor(w.path)}
	if e.Feed != nil {
		f.Entry = pipeline.Entry(*e.Feed)
	} else {
		f.Entry = pipeline.Entry{Title: e.Title, Tags: e.Tags}
		if known(e.Published) {
			f.Entry.Published = e.Published.At
		}
		if known(e.Lastmod) {
			f.Entry.Updated = e.Lastmod.At
		}
	}
	f.Entry.URL = e.URL
	return w.found(f)
}

// wants reports whether a page is of a site that was asked for, and is the document's to list.
func (w *sitemapWalk) wants(ctx context.Context, e *sitemap.Entry, v sitemapVouchers) (bool, error) {
	if !scrapers.OfSites(w.sites, e.URL) {
		return false, nil
	}
	return w.strangers.admits(ctx, e.URL, v)
}

// document walks a document, and is nil when it could not be had, of which it tells then.
func (w *sitemapWalk) document(ctx context.Context, address string, v sitemapVouchers) error {
	d, err := w.open(ctx, address)
	if err != nil {
		return w.missed(ctx, address, err)
	}
	if d == nil {
		return nil
	}
	notes, err := w.list(ctx, address, v.with(address, d.final), d.read)
	if u, ok := err.(*unreadDocument); ok {
		return w.missed(ctx, address, u.failure(d))
	}
	if err != nil {
		return err
	}
	w.read++
	delete(w.failed, address)
	if d.cut != nil && notes.Partial == nil { // behind an entry, or a line
		return w.report(fmt.Errorf("sitemap %s: %w; what came before was used", placeOf(address), d.cut))
	}
	return nil
}

// open fetches a document that was not read before; nil: it was.
func (w *sitemapWalk) open(ctx context.Context, address string) (*sitemapDocument, error) {
	if w.seen[address] {
		return nil, nil
	}
	if len(w.path) > sitemapDepth {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "too deep", Err: fmt.Errorf("it stands behind more than %d others that list each other; name it by itself", sitemapDepth)}
	}
	if w.asked++; w.asked > w.most {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: tooManySitemaps,
			Err: fmt.Errorf("%s has more than %d sitemaps in the range; ask for a shorter range, or name some of them, as in sitemap:%s", w.start.Host, w.most, address)}
	}
	w.seen[address] = true
	d, err := w.fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	if at := d.final.String(); at != address {
		if w.seen[at] {
			return nil, nil
		}
		w.seen[at] = true
	}
	return d, nil
}

const tooManySitemaps = "too many sitemaps"

// unreadDocument is the error of a document that is no sitemap.
type unreadDocument struct{ err error }

func (u *unreadDocument) Error() string { return u.err.Error() }

// failure is what that means: of a document that was cut, that it may be whole another time.
func (u *unreadDocument) failure(d *sitemapDocument) error {
	if d.cut != nil {
		return d.cut
	}
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "not a sitemap", Err: u.err}
}

// missed says what becomes of a walk when a document cannot be had. What may pass ends it, to be tried again from its cursor, but
// not for ever: the others must not wait for one that is broken for good.
func (w *sitemapWalk) missed(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f := pipeline.AsFailure(err)
	err = &pipeline.Failure{Verdict: f.Verdict, Reason: f.Reason, After: f.After, Err: fmt.Errorf("sitemap %s: %w", placeOf(address), f)}
	switch {
	case f.Reason == tooManySitemaps || f.Verdict == pipeline.Throttled:
		return err
	case f.Verdict == pipeline.Retry:
		if w.failed[address]++; w.failed[address] < sitemapTries {
			return err
		}
	}
	if !w.site && len(w.path) == 1 { // it was all there is
		return err
	}
	w.last = err
	return w.report(err)
}

// remarks tells what was wrong with a document that could be read.
func (w *sitemapWalk) remarks(of string, n sitemap.Notes) error {
	if n.Bad > 0 {
		err := &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address",
			Err: fmt.Errorf("sitemap %s: %d of its entries have no http or https address, the first is number %d", placeOf(of), n.Bad, n.First)}
		if err := w.report(err); err != nil {
			return err
		}
	}
	if n.Partial != nil {
		return w.report(&pipeline.Failure{Verdict: pipeline.Final, Reason: "cut", Err: fmt.Errorf("sitemap %s: %w; what stood before was used", placeOf(of), n.Partial)})
	}
	return nil
}
