package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"wirewatch/pipeline/diff"
	"wirewatch/pipeline/text"
)

// Revisits: a done item's page is looked at again at certain ages, so that a text that changes is kept as a version. A look is one
// conditional request under the lease and the pace of the page's host, and comes behind every new item. What a feed announces as
// changed is not waited for: the poll opens the item again.
//
// A look never does harm to what is stored. A page that is the same costs no row; one that is gone is noted on the article; one that
// cannot be had, is forbidden, or shows a paywall's stub leaves everything as it is, and the next look is the next try.

// ErrUnchanged says that a page is what it was when its validators were given out.
var ErrUnchanged = errors.New("the page has not changed")

// RevisitStore is what revisits need of the store.
type RevisitStore interface {
	// RevisitHosts lists hosts with pages due to be looked at again, the longest due first.
	RevisitHosts(ctx context.Context, now time.Time, limit int) ([]string, error)
	// ClaimRevisits takes up to n such items of the lease's host, the longest due first, and counts the claim on each.
	ClaimRevisits(ctx context.Context, l Lease, now time.Time, n int) ([]Item, error)
	// SaveVisit stores the outcome of a look that brought no new text, under the lease: whether the page is there.
	SaveVisit(ctx context.Context, l Lease, it Item, there bool, now time.Time) error
	// Article loads an article with its blocks.
	Article(ctx context.Context, id int64) (Article, error)
	// Page loads the page an article was made of.
	Page(ctx context.Context, article int64) (Page, error)
}

// DefaultRevisit are the ages at which a page is looked at again unless the configuration says otherwise. Most corrections come within
// the first hours. Fifty feeds of twenty articles a day make 5,000 requests of them a day: one in 17 seconds over all hosts, one in a
// quarter of an hour to a host, and for most of them the answer is 304.
func DefaultRevisit() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{time.Hour, 6 * time.Hour, day, 3 * day, 7 * day}
}

const (
	lookSlice    = 5 * time.Second  // a run looks at old pages about so long, then others have their turn
	confirmAfter = 30 * time.Minute // a text that has lost more than half of its words is looked at again after this
)

// looks takes up the next page of the host to look at again. One at a time: a new item that comes meanwhile waits for one page at most.
func (r *hostRun) looks(ctx context.Context, now time.Time) ([]Item, error) {
	p := r.p
	if len(p.Revisit) == 0 || p.Slice > 0 && now.Sub(r.start) > min(p.Slice, lookSlice) {
		return nil, nil
	}
	return p.Store.ClaimRevisits(ctx, r.lease, now, 1)
}

// nextVisit says when the item's page is to be looked at again after a look at now; zero: not any more. The ages count from when the
// article was published, or first seen if that is not known. A look that would come sooner than a quarter of the article's age after
// the last one is left out, so that an article that was found late is not looked at twice at once, and nothing is made up for after a
// standstill. Each is moved by up to a tenth, so that what came together does not come together again.
func (p *Processor) nextVisit(it Item, now time.Time) time.Time {
	if it.Entry.URL == "" {
		return time.Time{}
	}
	born := it.FirstSeen
	if pub := it.Entry.Published; !pub.IsZero() && pub.Before(born) {
		born = pub
	}
	r := p.Rand
	if r == nil {
		r = rand.Float64
	}
	for _, age := range p.Revisit {
		at := born.Add(time.Duration(float64(age) * (0.9 + 0.2*r())))
		if at.Sub(now) >= age/4 {
			return at
		}
	}
	return time.Time{}
}

// seen notes on a done item what the next look at its page must know. page is nil where there was none.
func (p *Processor) seen(it *Item, page *Page, now time.Time) {
	it.Visit, it.Doubt = p.nextVisit(*it, now), 0
	it.ETag, it.LastModified = "", ""
	if page != nil {
		it.ETag, it.LastModified = page.ETag, page.LastModified
	}
}

// look looks at an item's page again.
func (r *hostRun) look(ctx context.Context, it Item) error {
	p := r.p
	start := p.Now()
	var got reading
	err := guard("reading the page", func() (err error) {
		if got, err = r.read(ctx, it); err == nil {
			err = p.weigh(ctx, it, &got)
		}
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := p.Now()
	ev := Event{Stage: "process", Key: r.lease.Key}
	done := func(save error, why error) error {
		if save != nil {
			return save
		}
		if why != nil {
			why = fmt.Errorf("looking again at %s: %w", it.Entry.URL, why)
		}
		ev.Took = p.Now().Sub(start)
		p.Report(ev, why)
		return nil
	}
	doubt := it.Doubt
	if err == nil {
		p.seen(&it, got.page, now)
	} else {
		it.Visit = p.nextVisit(it, now)
	}
	switch {
	case err == nil && got.pruned: // retention took it while it was looked at
		it.Visit, it.ETag, it.LastModified = time.Time{}, "", ""
		ev.Outcome = "unchanged"
		return done(p.Store.SaveVisit(ctx, r.lease, it, true, now), nil)
	case errors.Is(err, ErrUnchanged), err == nil && got.known == it.Article:
		ev.Outcome = "unchanged"
		return done(p.Store.SaveVisit(ctx, r.lease, it, true, now), nil)
	case err != nil:
		return done(p.missed(ctx, r.lease, &it, &ev, AsFailure(err), now), err)
	case got.other:
		it.ETag, it.LastModified = "", "" // nothing that was not kept may answer for the page
		return done(p.missed(ctx, r.lease, &it, &ev, &Failure{Verdict: Retry, Reason: "another page"}, now),
			fmt.Errorf("it leads to another article now, %s", got.article.Canonical))
	case got.poor:
		it.ETag, it.LastModified = "", ""
		ev.Outcome = "stub"
		return done(p.Store.SaveItem(ctx, r.lease, it), nil)
	case got.cut != 0 && got.cut != doubt:
		// A text that has lost more than half of its words may be a retraction, or a page that was half built or wants consent. It counts
		// when it is still there at the next look.
		it.Doubt, it.ETag, it.LastModified = got.cut, "", ""
		if soon := now.Add(confirmAfter); doubt == 0 && (it.Visit.IsZero() || soon.Before(it.Visit)) {
			it.Visit = soon
		}
		ev.Outcome = "doubtful"
		return done(p.Store.SaveItem(ctx, r.lease, it), nil)
	}
	it.Fallback = got.article.Source == SourceFeed
	serr := r.store(ctx, it, &got, now)
	if isPanic(serr) {
		ev.Outcome = "missed"
		it.ETag, it.LastModified = "", ""
		return done(p.Store.SaveItem(ctx, r.lease, it), serr)
	}
	if ev.Outcome = "unchanged"; got.article.Relation == "version" {
		ev.Outcome, ev.Count = "version", 1
	}
	return done(serr, nil)
}

// missed stores the outcome of a look at a page that could not be had, and names it.
func (p *Processor) missed(ctx context.Context, l Lease, it *Item, ev *Event, f *Failure, now time.Time) error {
	ev.Outcome = "missed"
	switch {
	case f.unasked: // the host wanted patience: the look is still to come
		it.Visit = now.Add(min(f.After, maxAfter))
	case f.Reason == "crash":
		it.Visit = time.Time{}
	case f.Verdict == Gone, f.Reason == "status 404":
		ev.Outcome = "withdrawn"
		if f.Verdict == Gone {
			it.Visit = time.Time{}
		}
		return p.Store.SaveVisit(ctx, l, *it, false, now)
	}
	return p.Store.SaveItem(ctx, l, *it)
}

// weigh compares what was read with what is stored of the item's article. It says in got whether that has the same words (known), is
// poorer than what is stored (poor), another article (other), or has lost more than half of the words (cut).
//
// What counts is that the author changed words of the title or the text. That a block was learned meanwhile, or taken for
// boilerplate no longer, or that the extractor has become better, is no change: so where the words differ, the page that is stored is
// read once more, by today's extractor, and compared with the new one as it was before learned blocks were removed.
func (p *Processor) weigh(ctx context.Context, it Item, got *reading) error {
	if it.Article == 0 || got.page == nil || got.weighed {
		return nil
	}
	prev, err := p.Store.Article(ctx, it.Article)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && it.State == ItemDone: // most likely it was pruned: then it must not come back as news
		return &Failure{Verdict: Retry, Reason: "no article", Err: err}
	case err != nil:
		return nil
	}
	got.weighed = true
	if got.pruned = prev.Pruned; got.pruned { // what it said is not known any more; fold tells by the fingerprint whether it says the same
		return nil
	}
	a := &got.article
	whole := a.Title + "\n\n" + got.whole
	said := prev.Title + "\n\n" + prev.Body
	// Where the blocks were pruned, only the body tells what stood in it before a block was learned.
	if !changed(said, a.Title+"\n\n"+a.Body) || !changed(said, whole) || !changed(prev.Title+"\n\n"+uncut(&prev), whole) {
		got.known = prev.ID
		return nil
	}
	if prev.Source != SourcePage {
		return nil
	}
	if got.poor = a.Source == SourceFeed || stub(a, &prev); got.poor {
		return nil
	}
	if page, err := p.Store.Page(ctx, prev.ID); err == nil {
		if old, err := p.Extract(&page); err == nil && old.Body != "" && !changed(cmp.Or(old.Title, prev.Title)+"\n\n"+old.Body, whole) {
			got.known = prev.ID
			return nil
		}
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	n, m := len(text.Tokens(a.Body)), len(text.Tokens(prev.Body))
	if it.State == ItemDone && a.Canonical != prev.Canonical && a.Canonical != it.Canonical {
		removed, _ := diff.Count(diff.Words(prev.Body, a.Body))
		if got.other = 2*removed > m; got.other {
			return nil
		}
	}
	if 2*n < m {
		got.cut = fingerprint(whole)
	}
	return nil
}

// stub reports whether a is what a paywall shows of prev's page.
func stub(a, prev *Article) bool {
	return a.Paywalled && prev.Source == SourcePage && len(a.Body) < len(prev.Body) || a.Body == "" && prev.Body != ""
}

// uncut is the article's body with the blocks that were learned as boilerplate.
func uncut(a *Article) string {
	var out []string
	for _, b := range a.Blocks {
		if b.Kept || b.Class == ClassRepeated {
			out = append(out, b.Text)
		}
	}
	return strings.Join(out, "\n\n")
}

// clock is a time of day. Paragraphs of few words that hold one are marks of when a page was brought up to date.
var clock = regexp.MustCompile(`\b([01]?\d|2[0-3])[:h][0-5]\d\b`)

const clockWords = 8

// changed reports whether two texts differ in their words. White space, punctuation, case and accents are no words, nor is a clock
// that moves on.
func changed(a, b string) bool {
	if !diff.Changed(a, b) {
		return false
	}
	return diff.Changed(clockless(a), clockless(b))
}

// clockless is s without the numbers of paragraphs that tell little but the time.
func clockless(s string) string {
	if !clock.MatchString(s) {
		return s
	}
	paragraphs := strings.Split(s, "\n\n")
	for i, p := range paragraphs {
		if clock.MatchString(p) && len(text.Tokens(p)) <= clockWords {
			paragraphs[i] = strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return ' '
				}
				return r
			}, p)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// fingerprint is a number that tells texts of different words apart; never 0.
func fingerprint(s string) int64 {
	h := fnv.New64a()
	for _, t := range text.Tokens(s) {
		h.Write([]byte(t.Text))
		h.Write([]byte{0})
	}
	return int64(h.Sum64() | 1)
}

// How much of a diff an update carries, in words of context and in characters.
const (
	updateContext = 8
	updateLength  = 1500
)

// update tells the rules that ask for it what a new version of an article changed: those that hold for it, and those that held for the
// version before. ms are the matches of the version, first the rules that it was just told to as news. It returns how many updates were raised.
func (p *Processor) update(tx Tx, a *Article, ms []Match, first map[string]bool) (raised int, err error) {
	prev, ok, err := tx.Article(a.Of)
	// Where the feed's text stood in for the page, or does now, nothing was edited; of a pruned one nobody knows.
	if err != nil || !ok || prev.Pruned || prev.Source != a.Source {
		return 0, err
	}
	type told struct {
		Match
		lapsed bool
	}
	var list []told
	for _, m := range ms {
		if m.Updates && !m.Silent && !first[m.Rule] {
			list = append(list, told{Match: m})
		}
	}
	for _, m := range p.Match(&prev) {
		if m.Updates && !m.Silent && !covers(ms, []Match{m}) {
			m.Spans = nil
			list = append(list, told{m, true})
		}
	}
	if len(list) == 0 {
		return 0, nil
	}
	u := Updated(&prev, a)
	for _, m := range list {
		u.Lapsed = m.lapsed
		ok, err := tx.RaiseUpdate(Alert{Rule: m.Rule, About: m.About, Kind: KindUpdate, Created: a.Seen, Story: Story{ID: a.Story}, Article: *a, Spans: m.Spans, Update: &u}, m.Channels)
		if err != nil {
			return 0, err
		}
		if ok {
			raised++
		}
	}
	return raised, nil
}

// Updated says what changed from one version of an article to the next, short enough for a message.
func Updated(prev, next *Article) Update {
	var u Update
	short := func(a, b string, limit int) []diff.Chunk {
		if !diff.Changed(a, b) {
			return nil
		}
		chunks := diff.Words(a, b)
		removed, added := diff.Count(chunks)
		u.Removed, u.Added = u.Removed+removed, u.Added+added
		out, left := diff.Short(chunks, updateContext, limit)
		u.Left += left
		return out
	}
	u.Title = short(prev.Title, next.Title, updateLength/3)
	u.Body = short(prev.Body, next.Body, updateLength)
	return u
}
