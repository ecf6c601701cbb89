package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"wirewatch/pipeline/dedup"
)

// ReextractStore is what extracting again needs of the store.
type ReextractStore interface {
	// SitesWithPages lists the sites of articles whose pages are kept, seen at since or later.
	SitesWithPages(ctx context.Context, since time.Time) ([]string, error)
	// WithPages lists up to n articles of the site that were made of a page that is kept, with their blocks, seen at since or later
	// and with IDs above after, in ascending order.
	WithPages(ctx context.Context, site string, since time.Time, after int64, n int) ([]Article, error)
	// Page loads the page an article was made of.
	Page(ctx context.Context, article int64) (Page, error)
	// Noted reports whether fingerprints of the article are stored.
	Noted(ctx context.Context, article int64) (bool, error)
	Learned(ctx context.Context, site string, prints []Print) (map[int64]bool, error)
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// A Reextract makes stored articles anew of their pages: with the extractor of today, and without the blocks that were learned
// after they were stored. It is a stage whose keys are sites. Articles that come out as they are stored are not touched, so it
// may be ended and begun again, and it may run beside a daemon: each article is changed only if it is still what was read.
//
// A page that gives less than nothing never replaces a text: an error or an empty body leaves the article as it is. So are left
// articles of the feed's own text. An article stays in its story.
type Reextract struct {
	Store    ReextractStore
	Extract  func(*Page) (Article, error)
	Match    func(*Article) []Match
	Counting func() []Match // as of a Processor
	Site     string         // "": all
	Without  map[int64]bool // only articles from which a learned block of one of these fingerprints was removed; nil: all
	Since    time.Time      // of Seen; zero: all
	Limit    int            // articles, of all sites together; 0: all
	DryRun   bool           // count, change nothing
	Alert    bool           // raise alerts for matches that are new
	Now      func() time.Time
	Report   func(Event, error)

	ReextractCounts
}

// ReextractCounts says what a Reextract did. It may be read when the run is over. A dry run counts articles and removed blocks only.
type ReextractCounts struct {
	Read, Changed, Failed      atomic.Int64 // articles
	Busy                       atomic.Int64 // articles that another process changed meanwhile: left to it
	Learned                    atomic.Int64 // blocks learned on the way
	Removed                    atomic.Int64 // learned blocks that stand in bodies no more, less those that were given back
	Matched, Unmatched, Alerts atomic.Int64 // matches that are new, that hold no more; alerts raised
}

const (
	reextractBatch  = 20 // articles in one transaction: few enough that a daemon does not wait long
	reextractPasses = 3  // over a site, as long as a pass has learned something
)

// Name is the lease kind of extracting again.
func (r *Reextract) Name() string { return "reextract" }

// Due lists the sites.
func (r *Reextract) Due(ctx context.Context) ([]string, error) {
	if r.Site != "" {
		return []string{r.Site}, nil
	}
	return r.Store.SitesWithPages(ctx, r.Since)
}

// Run works on the articles of one site and returns how many changed. What a pass learns late cleans in the next one what it
// read early.
func (r *Reextract) Run(ctx context.Context, l Lease) (int, error) {
	start := r.Now()
	run := siteRun{Reextract: r, lease: l, changed: map[int64]bool{}, last: math.MaxInt64}
	for n := range reextractPasses {
		learned := run.learned
		if err := run.pass(ctx, n == 0); err != nil {
			return len(run.changed), fmt.Errorf("reextract %s: %w", l.Key, err)
		}
		if run.learned == learned {
			break
		}
	}
	r.Report(Event{Stage: r.Name(), Key: l.Key, Outcome: "ok", Count: len(run.changed), Took: r.Now().Sub(start)}, nil)
	return len(run.changed), nil
}

// A siteRun is one run over a site's articles.
type siteRun struct {
	*Reextract
	lease   Lease
	last    int64 // the article at which the first pass ended
	changed map[int64]bool
	learned int
}

// A remake is an article made anew.
type remake struct {
	old, now Article
	prints   []Print
	changed  bool
	matches  []Match
}

// pass goes once over the site. The first one counts what it reads, and what it cannot read.
func (r *siteRun) pass(ctx context.Context, first bool) error {
	var after int64
	for {
		as, err := r.Store.WithPages(ctx, r.lease.Key, r.Since, after, reextractBatch)
		if err != nil || len(as) == 0 {
			return err
		}
		full := len(as)
		if first {
			as = as[:r.take(len(as))]
		} else {
			as = slices.DeleteFunc(as, func(a Article) bool { return a.ID > r.last })
		}
		var batch []remake
		for _, a := range as {
			after = a.ID
			if r.Without != nil && !repeats(&a, r.Without) {
				continue
			}
			m, work, err := r.remake(ctx, a)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && first:
				r.Failed.Add(1)
				r.Report(Event{Stage: r.Name(), Key: r.lease.Key, Outcome: "failed"}, fmt.Errorf("article %d, %s: %w; it stays as it is", a.ID, a.URL, err))
			case err == nil && work:
				batch = append(batch, m)
			}
		}
		if err := r.store(ctx, batch); err != nil {
			return err
		}
		if len(as) < full {
			if first {
				r.last = after
			}
			return nil
		}
	}
}

// take says how many of n articles the limit leaves, and counts them.
func (r *siteRun) take(n int) int {
	if over := r.Read.Add(int64(n)) - int64(r.Limit); r.Limit > 0 && over > 0 {
		over = min(over, int64(n))
		r.Read.Add(-over)
		n -= int(over)
	}
	return n
}

// remake makes an article anew. It reports whether there is anything to store.
func (r *siteRun) remake(ctx context.Context, old Article) (m remake, work bool, err error) {
	page, err := r.Store.Page(ctx, old.ID)
	if err != nil {
		return m, false, err
	}
	var got Article
	if err := guard("reading the page", func() (err error) {
		got, err = r.Extract(&page)
		return err
	}); err != nil {
		return m, false, err
	}
	if got.Body == "" && old.Body != "" {
		return m, false, errors.New("the page gives no text any more")
	}
	m.old, m.now = old, old
	a := &m.now
	a.Title, a.SiteName, a.Date = cmp.Or(got.Title, old.Title), cmp.Or(got.SiteName, old.SiteName), cmp.Or(got.Date, old.Date)
	a.Lang, a.Agency, a.Body, a.Blocks, a.Paywalled = got.Lang, got.Agency, got.Body, got.Blocks, got.Paywalled
	a.Modified, a.Section, a.Image = cmp.Or(got.Modified, old.Modified), cmp.Or(got.Section, old.Section), cmp.Or(got.Image, old.Image)
	if !got.Published.IsZero() {
		a.Published = got.Published
	}
	if len(got.Authors) > 0 {
		a.Authors = got.Authors
	}
	a.Tags = joinTags(got.Tags, old.Tags)
	m.prints = Prints(a)
	learned, err := r.Store.Learned(ctx, a.Site, m.prints)
	if err != nil {
		return m, false, err
	}
	RemoveLearned(a, learned)
	m.changed = a.Body != old.Body || a.Title != old.Title || a.Lang != old.Lang || a.Agency != old.Agency || a.SiteName != old.SiteName ||
		a.Date != old.Date || a.Modified != old.Modified || a.Section != old.Section || a.Image != old.Image || a.Paywalled != old.Paywalled || !a.Published.Truncate(time.Millisecond).Equal(old.Published) ||
		!slices.Equal(a.Authors, old.Authors) || !slices.Equal(a.Tags, old.Tags) || !slices.Equal(a.Blocks, old.Blocks)
	if m.changed {
		a.Sketch = dedup.Sketch(a.Title, a.Body, a.Lang)
		err := guard("matching the rules", func() error { m.matches = r.Match(a); return nil })
		return m, true, err
	}
	noted, err := r.Store.Noted(ctx, a.ID)
	return m, !noted && len(m.prints) > 0, err
}

// store stores what was made anew, in one transaction.
func (r *siteRun) store(ctx context.Context, batch []remake) error {
	if r.DryRun {
		for _, m := range batch {
			if m.changed {
				r.count(m)
			}
		}
		return nil
	}
	if len(batch) == 0 {
		return nil
	}
	var done []remake
	var learned, busy, matched, unmatched, raised int
	err := r.Store.Write(ctx, r.lease, func(tx Tx) error {
		for _, m := range batch {
			a := &m.now
			stands, ok, err := tx.Article(a.ID)
			if err != nil {
				return err
			}
			if !ok || stands.Title != m.old.Title || stands.Body != m.old.Body {
				busy++
				continue
			}
			n, err := learn(tx, a, m.prints)
			if err != nil {
				return err
			}
			learned += n
			if !m.changed {
				continue
			}
			a.Story = stands.Story
			if err := tx.UpdateArticle(a); err != nil {
				return err
			}
			in, out, told, err := r.rematch(tx, a, m.matches)
			if err != nil {
				return err
			}
			matched, unmatched, raised = matched+in, unmatched+out, raised+told
			done = append(done, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range done {
		r.count(m)
	}
	r.learned += learned
	r.Busy.Add(int64(busy))
	r.Learned.Add(int64(learned))
	r.Matched.Add(int64(matched))
	r.Unmatched.Add(int64(unmatched))
	r.Alerts.Add(int64(raised))
	return nil
}

// count counts a changed article, once.
func (r *siteRun) count(m remake) {
	if !r.changed[m.old.ID] {
		r.changed[m.old.ID] = true
		r.Changed.Add(1)
	}
	repeated := func(bs []Block) (n int) {
		for _, b := range bs {
			if b.Class == ClassRepeated {
				n++
			}
		}
		return n
	}
	r.Removed.Add(int64(repeated(m.now.Blocks) - repeated(m.old.Blocks)))
}

// rematch brings the article's stored matches in line with those that hold.
func (r *siteRun) rematch(tx Tx, a *Article, hold []Match) (in, out, raised int, err error) {
	had, err := tx.Matches(a.ID)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, rule := range had {
		if slices.ContainsFunc(hold, func(m Match) bool { return m.Rule == rule }) {
			continue
		}
		if err := tx.DropMatch(a.ID, rule); err != nil {
			return 0, 0, 0, err
		}
		out++
	}
	if err := tx.SaveMatches(a.ID, hold); err != nil {
		return 0, 0, 0, err
	}
	var fresh []Match
	for _, m := range hold {
		if slices.Contains(had, m.Rule) {
			if err := tx.Respan(a.ID, m); err != nil {
				return 0, 0, 0, err
			}
			continue
		}
		in++
		fresh = append(fresh, m)
		if !r.Alert || m.Silent || m.When != nil {
			continue
		}
		ok, err := tx.RaiseAlert(Alert{Rule: m.Rule, About: m.About, Kind: KindMatch, OncePer: m.OncePer, Created: r.Now(), Story: Story{ID: a.Story},
			Article: *a, Spans: m.Spans, Wait: m.Waits, Escalate: m.Escalate}, m.Channels)
		if err != nil {
			return 0, 0, 0, err
		}
		if ok {
			raised++
		}
	}
	if r.Alert && r.Counting != nil && in > 0 {
		n, err := tally{tx, a, fresh, r.Now()}.count(true, r.Counting())
		return in, out, raised + n, err
	}
	return in, out, raised, nil
}
