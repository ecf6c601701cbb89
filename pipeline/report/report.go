// Package report says what happened in a period: from the numbers of the store to bars, lists and trends (New), and from these to one
// HTML page that needs nothing else (Report.HTML). It is pure: what it writes follows from what it is given.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// About says what a report is of, and by which clock.
type About struct {
	Since, Until time.Time // half-open; Since is before Until
	Zone         *time.Location
	Site, Rule   string // "": all
	Made         time.Time
	Version      string // of the program
}

// A Report is what happened in a period. Its times are in its zone.
type Report struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Zone    string    `json:"zone"`
	Made    time.Time `json:"made"`
	Version string    `json:"version"`
	Site    string    `json:"site"`
	Rule    string    `json:"rule"`

	Articles int    `json:"articles"`
	Copies   int    `json:"copies"`   // of these, copied from another site's
	Matched  int    `json:"matched"`  // of these, a rule matched in so many
	Unjoined int    `json:"unjoined"` // of these, in no story yet
	Stories  int    `json:"stories"`
	Sites    int    `json:"sites"`
	Matches  int    `json:"matches"` // a rule in an article is one
	Alerts   Alerts `json:"alerts"`
	Before   Before `json:"before"`

	Step   string      `json:"step"` // of bars
	Bars   []Bar       `json:"bars"`
	Days   []Bar       `json:"days"`    // where bars are shorter than a day
	Hours  [7][24]int  `json:"hours"`   // articles by day of the week, from Monday, and hour
	BySite []SiteCount `json:"by_site"` // most articles first
	ByRule []RuleCount `json:"by_rule"` // most matches first
	Top    []Story     `json:"top"`
	Quiet  []Quiet     `json:"quiet"`
	Unread []Unread    `json:"unread"`
}

// Alerts counts alerts by what became of them, as store.AlertCount has it.
type Alerts struct {
	Raised   int `json:"raised"`
	Told     int `json:"told"`
	Waiting  int `json:"waiting"`
	Silenced int `json:"silenced"`
	Dead     int `json:"dead"`
}

// Before is what there was in the period before, which is as long.
type Before struct {
	Articles int `json:"articles"`
	Sites    int `json:"sites"`
	Matches  int `json:"matches"`
}

// A Bar is a part of the period.
type Bar struct {
	Start    time.Time `json:"start"`
	Articles int       `json:"articles"`
	Matched  int       `json:"matched"`
	label    string
}

// A SiteCount counts articles of a site.
type SiteCount struct {
	Site     string `json:"site"`
	Articles int    `json:"articles"`
	Copies   int    `json:"copies"`
	Before   int    `json:"before"`
}

// A RuleCount counts the articles in which a rule matched.
type RuleCount struct {
	Rule   string `json:"rule"`
	Hits   int    `json:"hits"`
	Before int    `json:"before"`
	Bars   []int  `json:"bars"` // as the report's
}

// A Story is one of those that most sites carried.
type Story struct {
	ID       int64       `json:"id"`
	Title    string      `json:"title"`
	Lang     string      `json:"lang"`
	URL      string      `json:"url"` // of its first article of the period
	First    time.Time   `json:"first"`
	Articles int         `json:"articles"`
	Outlets  int         `json:"outlets"`
	Rules    []string    `json:"rules"`
	Carriers []Carrier   `json:"carriers"` // the first first
	Times    []time.Time `json:"times"`    // of its articles of the period
}

// A Carrier is a site that carried a story.
type Carrier struct {
	Site     string    `json:"site"`
	Name     string    `json:"name"`
	URL      string    `json:"url"`
	At       time.Time `json:"at"`
	Articles int       `json:"articles"`
}

// A Quiet is a site or feed from which nothing comes any more.
type Quiet struct {
	What string    `json:"what"` // "site" or "feed"
	Name string    `json:"name"`
	Why  string    `json:"why"`
	Last time.Time `json:"last"` // since when, or when something came last
}

// An Unread is why pages could not be read.
type Unread struct {
	Reason   string `json:"reason"`
	Items    int    `json:"items"`
	FromFeed int    `json:"from_feed"`
	Hosts    int    `json:"hosts"`
}

// New makes a report of the store's numbers.
func New(a About, n store.Report) *Report {
	r := &Report{Since: a.Since.In(a.Zone), Until: a.Until.In(a.Zone), Made: a.Made.In(a.Zone), Version: a.Version, Site: a.Site, Rule: a.Rule,
		Matched: n.Matched, Unjoined: n.Unjoined, Stories: n.Stories, Alerts: Alerts{n.Alerts.Raised, n.Alerts.Told, n.Alerts.Waiting, n.Alerts.Silenced, n.Alerts.Dead},
		BySite: []SiteCount{}, ByRule: []RuleCount{}, Top: []Story{}, Quiet: []Quiet{}, Unread: []Unread{}, Days: []Bar{}}
	r.Zone = zoneName(r.Since, r.Until)
	r.divide(n.Slots)
	r.sites(n.Sites)
	r.rules(n.Rules)
	for _, t := range n.Top {
		r.Top = append(r.Top, r.story(t))
	}
	r.feeds(n.Feeds, n.Arrivals)
	for _, u := range n.Unread {
		r.Unread = append(r.Unread, Unread(u))
	}
	return r
}

// zoneName says which zone times are in, with its distance from UTC at both ends.
func zoneName(since, until time.Time) string {
	from, to := since.Format("-07:00"), until.Format("-07:00")
	name, _ := until.Zone()
	if l := until.Location().String(); l != "Local" {
		name = l
	}
	if name == "UTC" {
		return name
	}
	if from != to {
		to = from + ", later UTC" + to
	}
	return fmt.Sprintf("%s (UTC%s)", name, to)
}

// divide counts slots into bars, days and hours of the week. A slot at the edge begins before the period at most by its own length.
func (r *Report) divide(slots []store.Slot) {
	s := fit(r.Since, r.Until)
	r.Step = s.name
	r.Bars = r.bars(s, slots)
	if s.approx < day && r.Until.Sub(r.Since) > day {
		r.Days = r.bars(dayStep, slots)
	}
	for _, x := range slots {
		t := x.Start.In(r.Since.Location())
		r.Hours[weekday(t)][t.Hour()] += x.Articles
		r.Articles += x.Articles
	}
}

func (r *Report) bars(s step, slots []store.Slot) []Bar {
	starts := s.divide(r.Since, r.Until)
	out := make([]Bar, len(starts))
	for i, t := range starts {
		out[i] = Bar{Start: t, label: s.label(t)}
	}
	for _, x := range slots {
		b := &out[place(starts, x.Start)]
		b.Articles, b.Matched = b.Articles+x.Articles, b.Matched+x.Matched
	}
	return out
}

// habit is how many articles a site must have had in the period before for its silence to be worth a word.
const habit = 5

func (r *Report) sites(sites []store.SiteCount) {
	for _, s := range sites {
		r.Before.Articles += s.Before
		if s.Before > 0 {
			r.Before.Sites++
		}
		if s.Articles > 0 {
			r.Sites, r.Copies = r.Sites+1, r.Copies+s.Copies
			r.BySite = append(r.BySite, SiteCount{s.Site, s.Articles, s.Copies, s.Before})
		} else if s.Before >= habit {
			r.Quiet = append(r.Quiet, Quiet{"site", s.Site, fmt.Sprintf("none in this period, %s in the one before", count(s.Before, "article")), s.Last.In(r.Since.Location())})
		}
	}
	slices.SortStableFunc(r.Quiet, func(a, b Quiet) int { return a.Last.Compare(b.Last) })
}

func (r *Report) rules(rules []store.RuleSlots) {
	starts := make([]time.Time, len(r.Bars))
	for i, b := range r.Bars {
		starts[i] = b.Start
	}
	for _, x := range rules {
		r.Matches, r.Before.Matches = r.Matches+x.Hits, r.Before.Matches+x.Before
		c := RuleCount{x.Rule, x.Hits, x.Before, make([]int, len(starts))}
		for _, s := range x.Slots {
			c.Bars[place(starts, s.Start)] += s.Matched
		}
		r.ByRule = append(r.ByRule, c)
	}
	slices.SortStableFunc(r.ByRule, func(a, b RuleCount) int { return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(b.Before, a.Before)) })
}

func (r *Report) story(t store.TopStory) Story {
	zone := r.Since.Location()
	s := Story{ID: t.ID, Title: t.Title, First: t.First.In(zone), Articles: t.Count, Outlets: t.Outlets, Rules: append([]string{}, t.Rules...), Carriers: []Carrier{}, Times: []time.Time{}}
	for i := range t.Articles {
		a := &t.Articles[i]
		at := a.Time().In(zone)
		s.Times = append(s.Times, at)
		if i == 0 {
			s.Title, s.URL, s.Lang = cmp.Or(t.Title, a.Title), a.URL, a.Lang
		}
		if k := slices.IndexFunc(s.Carriers, func(c Carrier) bool { return c.Site == a.Site }); k >= 0 {
			s.Carriers[k].Articles++
		} else {
			s.Carriers = append(s.Carriers, Carrier{a.Site, a.SiteName, a.URL, at, 1})
		}
	}
	return s
}

// feeds finds those that brought nothing when the period ended: gone, failing, emptied, or quiet beyond their rhythm.
func (r *Report) feeds(feeds []pipeline.Feed, arrivals map[string][]time.Time) {
	for _, f := range feeds {
		q := Quiet{What: "feed", Name: f.Name}
		in := func(t time.Time) bool { return !t.IsZero() && t.Before(r.Until) }
		switch {
		case in(f.Retired):
			q.Why, q.Last = "the server says that it is gone for good", f.Retired
		case in(f.FailingSince):
			q.Why, q.Last = "polls fail: "+f.Error, f.FailingSince
		case in(f.EmptySince):
			q.Why, q.Last = "it has no entries any more", f.EmptySince
		default:
			came := slices.DeleteFunc(slices.Clone(arrivals[f.Name]), func(t time.Time) bool { return !t.Before(r.Until) })
			end := r.Until
			if f.LastOK.Before(end) {
				end = f.LastOK // what it missed while nobody asked is no silence
			}
			h, ok := pipeline.LearnRhythm(came)
			if !ok || !h.Quiet(end) {
				continue
			}
			q.Why, q.Last = fmt.Sprintf("it answers; by its rhythm something new was to come about %.0f times since", h.Expected(h.Last, end)), h.Last
		}
		q.Last = q.Last.In(r.Since.Location())
		r.Quiet = append(r.Quiet, q)
	}
}
