package past

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// Estimate counts the feed's own document; how much lies behind it no feed says, so that it is guessed from how often the document's
// entries come.
func (p *feedPast) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	doc, err := p.feeds.Document(ctx, p.feed)
	if err != nil {
		return pipeline.Estimate{}, err
	}
	est := pipeline.Estimate{Requests: map[string]int{}, Bytes: -1}
	self := scrapers.Authority(doc.URL)
	var dates []time.Time
	hosts := map[string]int{}
	usual := self // where most of the pages are
	for i, e := range doc.Feed.Entries {
		if !e.Published.IsZero() {
			dates = append(dates, e.Published)
		}
		host := scrapers.Host(cmp.Or(e.OrigURL, e.URL))
		if hosts[host]++; host != pipeline.NoHost && hosts[host] > hosts[usual] {
			usual = host
		}
		if f, ok := p.find(doc.Feed, i, r); ok {
			est.Articles++
			if !f.Text {
				est.Requests[host]++
			}
		}
	}
	est.Requests[self]++
	if len(ways(doc, place{})) == 0 {
		return est, nil
	}
	slices.SortFunc(dates, time.Time.Compare)
	if len(dates) > 3 {
		dates = dates[1:] // the oldest may be pinned
	}
	n := len(dates)
	if r.Since.IsZero() || n < 2 || !dates[0].Before(dates[n-1]) {
		return pipeline.Estimate{Articles: -1, Requests: map[string]int{self: -1}, Bytes: -1, About: true}, nil
	}
	if dates[0].Before(r.Since) {
		return est, nil
	}
	until := dates[0] // what is newer stands in the document
	behind := until.Sub(r.Since).Hours()
	if !r.Until.IsZero() && r.Until.Before(until) {
		until = r.Until
	}
	each := max(1./60, dates[n-1].Sub(dates[0]).Hours()/float64(n-1)) // hours; a minute at least keeps the guess a number
	more := int(max(0, until.Sub(r.Since).Hours()) / each)
	est.Articles += more
	est.Requests[usual] += more
	est.Requests[self] += int(behind/each)/len(doc.Feed.Entries) + 1
	est.About = true
	return est, nil
}
