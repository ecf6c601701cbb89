package past

import (
	"context"
	"math"
	"net/url"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/sitemap"
)

// sitemapSamples is how many of a list's sitemaps an estimate asks for, by the depth of the list.
var sitemapSamples = []int{5, 5, 2, 1, 1, 1}

// A sitemapTally is what there is to be asked for, by the authority of hosts.
type sitemapTally struct {
	pages, documents map[string]float64
	about            bool
}

func newSitemapTally() sitemapTally {
	return sitemapTally{pages: map[string]float64{}, documents: map[string]float64{}}
}

// add counts another tally as many times.
func (t *sitemapTally) add(other sitemapTally, times float64) {
	for h, n := range other.pages {
		t.pages[h] += n * times
	}
	for h, n := range other.documents {
		t.documents[h] += n * times
	}
	t.about = t.about || other.about
}

// Estimate implements pipeline.Past. It reads indexes, and of the sitemaps in each a few, spread over it.
func (p *sitemapPast) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	roots, err := p.roots(ctx)
	if err != nil {
		return pipeline.Estimate{}, err
	}
	w := p.walk(r, nil)
	t, err := w.count(ctx, p.vouchers(), listed(roots), 0)
	if err != nil {
		return pipeline.Estimate{}, err
	}
	e := pipeline.Estimate{Requests: map[string]int{}, Bytes: -1, About: t.about} // nobody can tell how large pages are
	all := 0.0
	for h, n := range t.pages {
		all += n
		e.Requests[h] += int(math.Ceil(n))
	}
	for h, n := range t.documents {
		e.Requests[h] += int(math.Ceil(n))
	}
	e.Articles = int(math.Ceil(all))
	return e, nil
}

// count tallies one list.
func (w *sitemapWalk) count(ctx context.Context, v sitemapVouchers, run sitemapRun, depth int) (sitemapTally, error) {
	t := newSitemapTally()
	periods, _, err := w.children(run)
	if err != nil {
		return t, &unreadDocument{err}
	}
	var children []string
	child := 0
	_, err = run(func(e sitemap.Entry) error {
		var period sitemap.Period
		if e.Child {
			period = periods[child]
			child++
		}
		switch {
		case w.outside(&e, period):
		case e.Child:
			children = append(children, e.URL)
		default:
			ok, err := w.wants(ctx, &e, v)
			if ok {
				t.pages[scrapers.Host(e.URL)]++
			}
			return err
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	sample := children
	if n := sitemapSamples[min(depth, len(sitemapSamples)-1)]; len(sample) > n {
		sample, t.about = spread(children, n), true
	}
	sum, counted, lost := newSitemapTally(), 0, 0
	var last error
	for _, address := range sample {
		one, err := w.countDocument(ctx, address, v, depth)
		switch {
		case ctx.Err() != nil:
			return t, context.Cause(ctx)
		case err != nil:
			last = err
			if v := pipeline.AsFailure(err).Verdict; v == pipeline.Retry || v == pipeline.Throttled {
				continue
			}
			lost++ // for good: there is nothing in it
		default:
			sum.add(one, 1)
		}
		counted++
	}
	if counted == lost && last != nil {
		if depth == 0 {
			return t, last
		}
		t.about = true
		return t, nil
	}
	if counted > 0 {
		t.about = t.about || counted < len(sample)
		t.add(sum, float64(len(children))/float64(counted))
	}
	return t, nil
}

func (w *sitemapWalk) countDocument(ctx context.Context, address string, v sitemapVouchers, depth int) (sitemapTally, error) {
	t := newSitemapTally()
	w.path = append(w.path[:depth], sitemapMark{}) // its length is the depth, which open bounds
	d, err := w.open(ctx, address)
	if err != nil || d == nil {
		return t, err
	}
	inner, err := w.count(ctx, v.with(address, d.final), d.read, depth+1)
	if u, ok := err.(*unreadDocument); ok {
		return t, u.failure(d)
	} else if err != nil {
		return t, err
	}
	if u, err := url.Parse(address); err == nil {
		inner.documents[scrapers.Authority(u)]++
	}
	return inner, nil
}

// spread picks n of a list, evenly, its first and last included where there is more than one.
func spread(list []string, n int) []string {
	if n == 1 {
		return list[len(list)/2:][:1]
	}
	out := make([]string, n)
	for i := range out {
		out[i] = list[i*(len(list)-1)/(n-1)]
	}
	return out
}
