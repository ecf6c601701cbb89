package past

import (
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers/sitemap"
)

// What the dates and names of a sitemap's entries prove about the time in which its pages were published. Each proof leaves
// out too little rather than too much, because the page's own date decides in the end:
//
//   - A page last changed before Since was published before it. Sites that give the time of generation in place of that of a
//     change only give later ones. A date without an hour or a zone counts when its whole day, in every zone, is over.
//   - A child sitemap last changed before Since lists no page that was published later, unless its own name says that it does.
//   - A publication date is the list's word and may differ from the page's, by a zone, by a revision: it has a day of margin.
//   - A child whose name tells a period ("sitemap-2019-03.xml") lists the pages of it: an archive is cut up by date of publication, so that
//     a page stays in its part. Zones, drafts and embargoes move a page over an edge by days, so the margin of a month is ample.
const (
	publishedMargin = 24 * time.Hour
	periodMargin    = 31 * 24 * time.Hour
)

// known reports whether a date can be one: no web page is from before the web, so that what says so is an empty field.
func known(d sitemap.Date) bool { return d.At.Year() >= 1990 }

// pageOutside reports whether a page cannot have been published in the range.
func pageOutside(e *sitemap.Entry, r pipeline.Range) bool {
	if known(e.Lastmod) && e.Lastmod.Last.Before(r.Since) {
		return true
	}
	if !known(e.Published) {
		return false
	}
	return e.Published.Last.Add(publishedMargin).Before(r.Since) ||
		!r.Until.IsZero() && !e.Published.First.Add(-publishedMargin).Before(r.Until)
}

// childOutside reports whether no page that a child sitemap lists can have been published in the range. period is what its name tells.
func childOutside(e *sitemap.Entry, period sitemap.Period, r pipeline.Range) bool {
	if known(e.Lastmod) && e.Lastmod.Last.Before(r.Since) && !period.From.After(e.Lastmod.Last) {
		return true
	}
	if period.To.IsZero() {
		return false
	}
	return !period.To.Add(periodMargin).After(r.Since) || !r.Until.IsZero() && !period.From.Add(-periodMargin).Before(r.Until)
}
