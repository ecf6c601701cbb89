package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// Drift: a site that is redesigned goes on delivering pages, but what is read from them is no longer the article. That shows
// in figures: the share of pages with a body, how long bodies are, how many have a date and an author. A site's latest
// articles are held against its own longer habit; a sudden difference that chance does not explain is a break.

// Why an article is the feed's own text though its page was had (Article.Why).
const (
	WhyShort      = "the page shows less than the feed"
	WhyPaywall    = "paywall"
	WhyUnreadable = "unreadable" // nothing was found on the page
)

// Bounds of the judgement.
const (
	DriftWindow = 20                  // latest articles that are held against the habit
	DriftHabit  = 60 * 24 * time.Hour // how far back the habit reaches
	DriftFresh  = 72 * time.Hour      // articles that were older when they were stored say nothing of today's design

	habitArticles = 40                  // fewer make no habit
	habitDays     = 5                   // nor do fewer days
	habitHalf     = 7 * 24 * time.Hour  // a day counts half as much as one this much later: habits may change slowly
	habitWeight   = 15                  // articles, so weighted, that there must be
	driftChance   = 1e-5                // how unlikely the latest articles must be under the habit
	driftAccepted = 45 * 24 * time.Hour // a break that lasted so long is the new habit
	minBodyChars  = 150                 // a shorter text is no body
	lengthSteps   = 44                  // of half a power of two: the last ones hold 2 million characters and more
)

// A SiteSample is what one article says of how its site is read.
type SiteSample struct {
	Seen          time.Time
	Chars         int // of the body; 0 when the page gave none
	Dated, Signed bool
}

func (s SiteSample) body() bool { return s.Chars >= minBodyChars }

// SampleOf is what an article says of its site; false when it says nothing: its page was not had, or was an old one.
func SampleOf(a *Article) (SiteSample, bool) {
	if !a.Published.IsZero() && a.Seen.Sub(a.Published) > DriftFresh {
		return SiteSample{}, false
	}
	switch {
	case a.Source == SourcePage:
		return SiteSample{a.Seen, utf8.RuneCountInString(a.Body), a.Date != "", len(a.Authors) > 0}, true
	case a.Why == WhyShort, a.Why == WhyPaywall, a.Why == WhyUnreadable:
		return SiteSample{Seen: a.Seen}, true
	}
	return SiteSample{}, false
}

// A SiteDay counts what was read of a site on one day.
type SiteDay struct {
	Site     string
	Day      time.Time // midnight, UTC
	Articles int
	Bodies   int   // of them with a body
	Dated    int   // with a date from the page
	Signed   int   // with an author
	Lengths  []int // bodies by length, in steps of half a power of two characters
}

// Add counts a sample.
func (d *SiteDay) Add(s SiteSample) { d.count(s, 1) }

func (d *SiteDay) count(s SiteSample, n int) {
	d.Articles += n
	if s.Dated {
		d.Dated += n
	}
	if s.Signed {
		d.Signed += n
	}
	if !s.body() {
		return
	}
	d.Bodies += n
	step := lengthStep(s.Chars)
	for len(d.Lengths) <= step {
		d.Lengths = append(d.Lengths, 0)
	}
	d.Lengths[step] += n
}

func lengthStep(chars int) int { return min(int(2*math.Log2(float64(max(chars, 1)))), lengthSteps-1) }

// stepLength is a length, in characters, in the middle of a step.
func stepLength(step float64) int { return int(math.Round(math.Exp2((step + 0.5) / 2))) }

// SiteFigures are shares from 0 to 1 over a number of articles.
type SiteFigures struct {
	Articles int     `json:"articles"`
	Body     float64 `json:"body"`
	Length   int     `json:"length"` // median of the bodies, in characters; 0 without any
	Date     float64 `json:"date"`
	Author   float64 `json:"author"`
}

// SiteState is how a site is read.
type SiteState string

const (
	SiteNew    SiteState = "new"    // too little is known of it
	SiteOK     SiteState = "ok"     // as ever
	SiteBroken SiteState = "broken" // as never before: probably a redesign
)

// SiteHealth is the judgement on a site.
type SiteHealth struct {
	Site   string
	State  SiteState
	Since  time.Time // when State was found to be broken, or ended being that; zero: it has always been as it is
	Why    []string  // what broke: body, length, date, author
	Habit  SiteFigures
	Recent SiteFigures
	Last   time.Time // the latest article
}

// Reason says what broke, with figures.
func (h SiteHealth) Reason() string {
	s := ""
	for _, w := range h.Why {
		if s != "" {
			s += ", "
		}
		switch w {
		case "body":
			s += fmt.Sprintf("%.0f%% have a body where %.0f%% had", 100*h.Recent.Body, 100*h.Habit.Body)
		case "length":
			s += fmt.Sprintf("bodies have %d characters where they had %d", h.Recent.Length, h.Habit.Length)
		case "date":
			s += fmt.Sprintf("%.0f%% have a date where %.0f%% had", 100*h.Recent.Date, 100*h.Habit.Date)
		case "author":
			s += fmt.Sprintf("%.0f%% have an author where %.0f%% had", 100*h.Recent.Author, 100*h.Habit.Author)
		}
	}
	return s
}

// JudgeSite judges a site by its days (any order, within DriftHabit) and its latest articles (up to DriftWindow, which the
// days count too). was is the judgement before, which a break's habit is kept from: it ends when the site is read as it was
// before the break, or when the break has become the habit.
func JudgeSite(site string, days []SiteDay, recent []SiteSample, was SiteHealth, now time.Time) SiteHealth {
	h := SiteHealth{Site: site, State: SiteNew, Since: was.Since}
	var latest SiteDay
	var start time.Time // of the window
	for _, s := range recent {
		latest.Add(s)
		if start.IsZero() || s.Seen.Before(start) {
			start = s.Seen
		}
		if s.Seen.After(h.Last) {
			h.Last = s.Seen
		}
	}
	from := now
	if !start.IsZero() && start.Before(now) {
		from = start
	}
	h.Recent = figures(weigh([]SiteDay{latest}, time.Time{}), len(recent))
	earlier, articles, spread := before(days, recent)
	habit := weigh(earlier, from)
	h.Habit = figures(habit, articles)

	if was.State == SiteBroken {
		h.State, h.Why, h.Habit = SiteBroken, was.Why, was.Habit
		accepted := h.Last.Sub(was.Since) > driftAccepted
		if accepted || len(recent) >= DriftWindow && recovered(h) {
			h.State, h.Why, h.Since = SiteOK, nil, h.Last
			h.Habit = figures(habit, articles)
		}
		return h
	}
	if articles < habitArticles || spread < habitDays || habit.n < habitWeight {
		return h
	}
	h.State = SiteOK
	if len(recent) < DriftWindow {
		return h
	}
	if h.Why = breaks(habit, latest, h); h.Why != nil {
		h.State, h.Since = SiteBroken, h.Last
	}
	return h
}

// before gives the days without the latest articles, how many articles are left, and on how many days.
func before(days []SiteDay, recent []SiteSample) (out []SiteDay, articles, spread int) {
	for _, d := range days {
		d.Lengths = slices.Clone(d.Lengths)
		for _, s := range recent {
			if s.Seen.UTC().Truncate(24 * time.Hour).Equal(d.Day) {
				d.count(s, -1)
			}
		}
		// An article that was read again since, or removed, can make the sums uneven.
		d.Articles, d.Bodies, d.Dated, d.Signed = max(d.Articles, 0), max(d.Bodies, 0), max(d.Dated, 0), max(d.Signed, 0)
		if d.Articles == 0 {
			continue
		}
		out, articles, spread = append(out, d), articles+d.Articles, spread+1
	}
	return out, articles, spread
}

// weighed are counts in which later days weigh more.
type weighed struct {
	n, body, date, author float64
	lengths               [lengthSteps]float64
}

// weigh adds days up, each by its distance from at; the zero time: all alike.
func weigh(days []SiteDay, at time.Time) (w weighed) {
	for _, d := range days {
		f := 1.0
		if age := at.Sub(d.Day); !at.IsZero() && age > 0 {
			f = math.Exp2(-float64(age) / float64(habitHalf))
		}
		w.n += f * float64(d.Articles)
		w.body += f * float64(d.Bodies)
		w.date += f * float64(d.Dated)
		w.author += f * float64(d.Signed)
		for i, n := range d.Lengths {
			w.lengths[min(i, lengthSteps-1)] += f * float64(max(n, 0))
		}
	}
	return w
}

func figures(w weighed, articles int) SiteFigures {
	f := SiteFigures{Articles: articles}
	if w.n > 0 {
		f.Body, f.Date, f.Author = min(w.body/w.n, 1), min(w.date/w.n, 1), min(w.author/w.n, 1)
	}
	f.Length = w.median()
	return f
}

// median is the middle of the lengths, in characters, taken within its step as if lengths were spread evenly there.
func (w *weighed) median() int {
	all := 0.0
	for _, n := range w.lengths {
		all += n
	}
	sum := 0.0
	for i, n := range w.lengths {
		if n > 0 && sum+n >= all/2 {
			return stepLength(float64(i) + (all/2-sum)/n - 0.5)
		}
		sum += n
	}
	return 0
}

// breaks lists what the latest articles lack of the habit: less than half of the usual share, and so few that chance gives
// as few only once in 1/driftChance; bodies less than 0.4 or more than 2.5 times as long, in the same sense.
func breaks(habit weighed, latest SiteDay, h SiteHealth) (why []string) {
	n := latest.Articles
	lost := func(what string, hits float64, got int, least float64) {
		p := hits / habit.n
		if p < least || float64(got) > p/2*float64(n) {
			return
		}
		if atMost(got, n, (hits+1)/(habit.n+2)) < driftChance {
			why = append(why, what)
		}
	}
	lost("body", habit.body, latest.Bodies, 0.5)
	lost("date", habit.date, latest.Dated, 0.7)
	lost("author", habit.author, latest.Signed, 0.7)
	ratio := float64(h.Recent.Length) / float64(max(h.Habit.Length, 1))
	if habit.body < habitWeight || latest.Bodies < DriftWindow/2 || ratio > 0.4 && ratio < 2.5 {
		return why
	}
	// How many were as far out before, and how many are now?
	edge := lengthStep(h.Habit.Length)
	out := func(step int) bool { return step <= edge-2 }
	if ratio > 1 {
		out = func(step int) bool { return step >= edge+2 }
	}
	usual, now := 0.0, 0
	for i, n := range habit.lengths {
		if out(i) {
			usual += n
		}
	}
	for i, n := range latest.Lengths {
		if out(i) {
			now += n
		}
	}
	if p := (usual + 1) / (habit.body + 2); atMost(latest.Bodies-now, latest.Bodies, 1-p) < driftChance {
		why = append(why, "length")
	}
	return why
}

// recovered says whether all that broke is near its habit again.
func recovered(h SiteHealth) bool {
	for _, w := range h.Why {
		ok := false
		switch w {
		case "body":
			ok = h.Recent.Body >= 0.75*h.Habit.Body
		case "date":
			ok = h.Recent.Date >= 0.75*h.Habit.Date
		case "author":
			ok = h.Recent.Author >= 0.75*h.Habit.Author
		case "length":
			r := float64(h.Recent.Length) / float64(max(h.Habit.Length, 1))
			ok = r > 0.5 && r < 2
		}
		if !ok {
			return false
		}
	}
	return true
}

// atMost is the probability of at most k hits in n tries that hit with probability p (binomial distribution).
func atMost(k, n int, p float64) float64 {
	if p <= 0 || k >= n {
		return 1
	}
	if p >= 1 {
		return 0
	}
	term := math.Pow(1-p, float64(n))
	sum := term
	for i := range k {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
	}
	return min(sum, 1)
}

// SiteStore is what watching sites needs of the store.
type SiteStore interface {
	// SiteDays lists the days since, by site.
	SiteDays(ctx context.Context, since time.Time) (map[string][]SiteDay, error)
	// SiteSamples lists the latest samples of a site, up to n.
	SiteSamples(ctx context.Context, site string, n int) ([]SiteSample, error)
	// SiteStates lists the judgements that were saved, by site.
	SiteStates(ctx context.Context) (map[string]SiteHealth, error)
	// SaveSiteState saves a judgement. It reports whether the state is another than was saved before: of several processes
	// that come to the same judgement one is told so. What it shows is told to the operator, in the same transaction.
	SaveSiteState(ctx context.Context, h SiteHealth, shown ...Condition) (bool, error)
	// PruneSiteDays forgets the days before a time.
	PruneSiteDays(ctx context.Context, before time.Time) error
}

// A SiteWatch judges all sites.
type SiteWatch struct {
	Store SiteStore
	Now   func() time.Time
	Tell  func(SiteHealth) // called once when a site breaks and once when it is well again
	// Operator lists the channels that are told the same; nil or none: nobody is. Those that are named later are told of what is
	// broken then.
	Operator func() []string
}

// Judge judges all sites, without saving anything, sorted by name.
func (w *SiteWatch) Judge(ctx context.Context) ([]SiteHealth, error) {
	now := w.Now()
	days, err := w.Store.SiteDays(ctx, now.Add(-DriftHabit))
	if err != nil {
		return nil, err
	}
	was, err := w.Store.SiteStates(ctx)
	if err != nil {
		return nil, err
	}
	var out []SiteHealth
	for site, ds := range days {
		recent, err := w.Store.SiteSamples(ctx, site, DriftWindow)
		if err != nil {
			return nil, err
		}
		out = append(out, JudgeSite(site, ds, recent, was[site], now))
	}
	slices.SortFunc(out, func(a, b SiteHealth) int {
		switch {
		case a.Site < b.Site:
			return -1
		case a.Site > b.Site:
			return 1
		}
		return 0
	})
	return out, nil
}

// Once judges all sites, saves the states that changed and tells of them.
func (w *SiteWatch) Once(ctx context.Context) error {
	was, err := w.Store.SiteStates(ctx)
	if err != nil {
		return fmt.Errorf("judge sites: %w", err)
	}
	all, err := w.Judge(ctx)
	if err != nil {
		return fmt.Errorf("judge sites: %w", err)
	}
	var errs []error
	for _, h := range all {
		broke := h.State == SiteBroken
		before, known := was[h.Site]
		shown := w.conditions(h)
		if broke == (before.State == SiteBroken) && !(known && len(shown) > 0) {
			continue
		}
		changed, err := w.Store.SaveSiteState(ctx, h, shown...)
		if err != nil {
			errs = append(errs, fmt.Errorf("judge sites: %w", err))
		} else if changed {
			w.Tell(h)
		}
	}
	if err := w.Store.PruneSiteDays(ctx, w.Now().Add(-2*DriftHabit)); err != nil {
		errs = append(errs, fmt.Errorf("judge sites: %w", err))
	}
	return errors.Join(errs...)
}
