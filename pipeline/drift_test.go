package pipeline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A history makes the articles of a site, day by day, and judges it after each of them.
type history struct {
	*testing.T
	rng    *rand.Rand
	now    time.Time
	days   []SiteDay
	latest []SiteSample // newest first
	health SiteHealth
	breaks int // how often the site broke
	healed int
	since  int // articles since the last call of mark
	at     int // articles from mark to the first break after it
}

func newHistory(t *testing.T, seed uint64) *history {
	return &history{T: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), health: SiteHealth{Site: "paper.example"}}
}

// A style is how a site is read: chances, and the median length of bodies.
type style struct {
	body, date, author float64
	length             float64
}

var good = style{body: 0.96, date: 0.99, author: 0.85, length: 3000}

func (h *history) article(s style, at time.Time) {
	hit := func(p float64) bool { return h.rng.Float64() < p }
	x := SiteSample{Seen: at, Dated: hit(s.date), Signed: hit(s.author)}
	if hit(s.body) {
		x.Chars = int(s.length * math.Exp(h.rng.NormFloat64()*0.5))
	}
	day := at.Truncate(24 * time.Hour)
	if n := len(h.days); n == 0 || !h.days[n-1].Day.Equal(day) {
		h.days = append(h.days, SiteDay{Site: h.health.Site, Day: day})
	}
	h.days[len(h.days)-1].Add(x)
	h.latest = slices.Insert(h.latest, 0, x)
	h.latest = h.latest[:min(len(h.latest), DriftWindow)]
	h.since++
	days := slices.DeleteFunc(slices.Clone(h.days), func(d SiteDay) bool { return at.Sub(d.Day) > DriftHabit })
	was := h.health
	h.health = JudgeSite(was.Site, days, h.latest, was, at)
	switch {
	case was.State != SiteBroken && h.health.State == SiteBroken:
		h.breaks++
		if h.at == 0 {
			h.at = h.since
		}
		if h.health.Reason() == "" || h.health.Since.IsZero() {
			h.Errorf("a break without a reason: %+v", h.health)
		}
	case was.State == SiteBroken && h.health.State != SiteBroken:
		h.healed++
	}
}

// run makes days of n articles each in a style that may change from day to day.
func (h *history) run(days, n int, s func(day int) style) {
	for d := range days {
		for i := range n {
			h.article(s(d), h.now.Add(time.Duration(i)*24*time.Hour/time.Duration(n)))
		}
		h.now = h.now.Add(24 * time.Hour)
	}
}

func (h *history) mark() { h.since, h.at = 0, 0 }

func always(s style) func(int) style { return func(int) style { return s } }

// seeds are the seeds of histories: one is enough for the race detector, since a judgement shares nothing with another.
func seeds() uint64 {
	if Raced {
		return 1
	}
	return 3
}

// No alarm where nothing broke: steady sites of all sizes and kinds, quiet days, a slow change.
func TestDriftQuiet(t *testing.T) {
	for seed := range seeds() {
		for name, f := range map[string]func(*history){
			"steady":        func(h *history) { h.run(60, 25, always(good)) },
			"mixed":         func(h *history) { h.run(60, 25, always(style{0.6, 0.9, 0.5, 1500})) },
			"mostly videos": func(h *history) { h.run(60, 25, always(style{0.3, 0.75, 0.2, 900})) },
			"no authors":    func(h *history) { h.run(60, 25, always(style{0.99, 0.99, 0.02, 900})) },
			"small":         func(h *history) { h.run(90, 1, always(good)) },
			"quiet days": func(h *history) {
				h.run(30, 40, always(good))
				h.run(2, 1, always(style{0, 0, 0, 0})) // a holiday's two galleries
				h.run(10, 40, always(good))
				h.run(1, 4, always(style{0, 0, 0, 0}))
				h.run(10, 40, always(good))
			},
			"tiny breaks": func(h *history) { // too small to have a habit
				h.run(20, 1, always(good))
				h.run(20, 1, always(style{0, 0, 0, 0}))
			},
			"young breaks": func(h *history) {
				h.run(2, 30, always(good))
				h.run(2, 30, always(style{0, 0, 0, 0}))
			},
			"gradual": func(h *history) {
				h.run(30, 25, always(good))
				h.run(90, 25, func(d int) style {
					f := float64(d) / 90
					return style{0.96 - 0.6*f, 0.99 - 0.5*f, 0.85 - 0.6*f, 3000 * math.Exp(-1.5*f)}
				})
			},
		} {
			h := newHistory(t, seed)
			f(h)
			if h.breaks != 0 {
				t.Errorf("seed %d, %s: %d breaks, the last: %s", seed, name, h.breaks, h.health.Reason())
			}
		}
	}
}

// A break is found within twenty articles, once, with its reason; and so is its end.
func TestDriftBreak(t *testing.T) {
	worst := map[string]int{}
	for seed := range seeds() {
		for name, c := range map[string]struct {
			perDay int
			broken style
			why    string
		}{
			"bodies vanish":              {25, style{0, 0.99, 0.85, 0}, "body"},
			"bodies vanish, small site":  {3, style{0, 0.99, 0.85, 0}, "body"},
			"bodies vanish, large site":  {300, style{0, 0.99, 0.85, 0}, "body"},
			"bodies become stubs":        {25, style{1, 0.99, 0.85, 60}, "body"},
			"bodies are cut":             {25, style{0.96, 0.99, 0.85, 500}, "length"},
			"bodies swell with leakage":  {25, style{0.96, 0.99, 0.85, 20000}, "length"},
			"dates vanish":               {25, style{0.96, 0, 0.85, 3000}, "date"},
			"authors vanish":             {25, style{0.96, 0.99, 0, 3000}, "author"},
			"everything but a few is up": {25, style{0.1, 0.1, 0.1, 3000}, ""},
		} {
			h := newHistory(t, seed)
			h.run(40, c.perDay, always(good))
			h.mark()
			h.run(max(1, 60/c.perDay), c.perDay, always(c.broken))
			if h.breaks != 1 || c.why != "" && !slices.Contains(h.health.Why, c.why) {
				t.Errorf("seed %d, %s: %d breaks, why %v", seed, name, h.breaks, h.health.Why)
				continue
			}
			limit := 20
			if c.broken.body > 0 && c.broken.body < 1 || c.broken.date > 0 && c.broken.date < 0.5 {
				limit = 30 // in part only
			}
			worst[name] = max(worst[name], h.at)
			if h.at > limit {
				t.Errorf("seed %d, %s: found after %d articles", seed, name, h.at)
			}
			if h.health.Habit.Body < 0.85 {
				t.Errorf("seed %d, %s: the habit is not what it was before: %+v", seed, name, h.health.Habit)
			}
			h.run(max(2, 120/c.perDay), c.perDay, always(good))
			if h.breaks != 1 || h.healed != 1 || h.health.State != SiteOK || h.health.Why != nil {
				t.Errorf("seed %d, %s: after the repair %d breaks, %d ends, %+v", seed, name, h.breaks, h.healed, h.health)
			}
		}
	}
	t.Logf("articles until a break was found, at worst: %v", worst)
}

// A break that nobody repairs is told of once, and is the habit in the end.
func TestDriftStays(t *testing.T) {
	h := newHistory(t, 7)
	h.run(40, 10, always(good))
	h.run(40, 10, always(style{0, 0, 0, 0}))
	if h.breaks != 1 || h.healed != 0 || h.health.State != SiteBroken {
		t.Fatalf("after 40 days %d breaks, %d ends, %+v", h.breaks, h.healed, h.health)
	}
	h.run(60, 10, always(style{0, 0, 0, 0}))
	if h.breaks != 1 || h.healed != 1 || h.health.State != SiteOK {
		t.Errorf("after 100 days %d breaks, %d ends, %+v", h.breaks, h.healed, h.health)
	}
}

func TestSampleOf(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		a    Article
		want SiteSample
		ok   bool
	}{
		{Article{Source: SourcePage, Seen: now, Body: "日本", Date: "2026-03-01", Authors: []string{"A"}}, SiteSample{now, 2, true, true}, true},
		{Article{Source: SourcePage, Seen: now, Published: now.Add(-100 * time.Hour)}, SiteSample{}, false},
		{Article{Source: SourceFeed, Why: WhyShort, Seen: now, Body: "feed", Date: "2026-03-01"}, SiteSample{Seen: now}, true},
		{Article{Source: SourceFeed, Why: "404", Seen: now, Body: "feed"}, SiteSample{}, false},
		{Article{Source: SourceFeed, Seen: now, Body: "feed"}, SiteSample{}, false},
	} {
		if got, ok := SampleOf(&c.a); got != c.want || ok != c.ok {
			t.Errorf("%+v: %+v, %t", c.a, got, ok)
		}
	}
}

func TestAtMost(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p, w float64
	}{{0, 20, 0.5, 9.5367e-7}, {10, 20, 0.5, 0.588099}, {20, 20, 0.9, 1}, {4, 20, 0.7, 5.5500e-6}, {3, 10, 0, 1}, {3, 10, 1, 0}} {
		if got := atMost(c.k, c.n, c.p); math.Abs(got-c.w) > 1e-3*c.w {
			t.Errorf("atMost(%d, %d, %v) = %v, want %v", c.k, c.n, c.p, got, c.w)
		}
	}
}
