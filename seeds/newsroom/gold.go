package newsroom

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Where the article's text must come from.
const (
	FromPage        = "page"         // the page, extracted
	FromFeedFull    = "feed_full"    // the feed's full text, because the page can not be had
	FromFeedSummary = "feed_summary" // the feed's summary, for the same reason
)

// Gold is what is right about one article.
type Gold struct {
	ID, Site, Lang string
	Path           string // where the feeds point to, on the site's own host
	URL            string // where the article stands, absolute once served (canonical)
	Link           string // what feeds point to, absolute once served; differs behind a redirect
	Title          string
	Byline         string
	Published      time.Time // the true instant, zone of the site
	// Date is what a reader of the page can know: RFC 3339 with the site's
	// offset where the page has a machine-readable time, else a bare date.
	Date    string
	Agency  string    // "" when none signs
	Body    []string  // kept paragraphs, in order
	Removed []Removed // planted boilerplate, in order of the page
	From    string    // FromPage, FromFeedFull or FromFeedSummary
	Trouble string    // robots, bomb, notfound, flaky, slow, redirect, paywall, or ""
	Quiet   bool      // older than a day or undated on the first poll: stored, never alerted
	Wire    string    // id of the wire report that this is a copy of
	Changes bool      // the text changes with Advance
}

// Removed is one planted block. Classes holds the class it must be removed
// with; where two classes are equally right, both are listed, the better first.
type Removed struct {
	Classes []string
	Text    string
}

// Block is one block that an extractor removed.
type Block struct{ Class, Text string }

// Found is what an extractor made of a page.
type Found struct {
	Title, Date, Agency string
	Body                []string
	Removed             []Block
}

// Check compares what was found with the gold and returns one sentence for
// each difference; none means exact. White space is compared folded. A planted
// block counts as removed when its text stands in the removed blocks of one of
// its classes, however the extractor cut them; it must not stand in the body.
func (g Gold) Check(f Found) []string {
	var bad []string
	if fold(f.Title) != fold(g.Title) {
		bad = append(bad, fmt.Sprintf("title is %q, want %q", f.Title, g.Title))
	}
	if !sameDate(g.Date, f.Date) {
		bad = append(bad, fmt.Sprintf("date is %q, want %q", f.Date, g.Date))
	}
	if !strings.EqualFold(fold(f.Agency), fold(g.Agency)) {
		bad = append(bad, fmt.Sprintf("agency is %q, want %q", f.Agency, g.Agency))
	}
	bad = append(bad, diffBody(g.Body, f.Body)...)
	removed := map[string]string{}
	for _, b := range f.Removed {
		removed[b.Class] += " " + fold(b.Text)
	}
	for _, r := range g.Removed {
		if !slices.ContainsFunc(r.Classes, func(c string) bool { return strings.Contains(removed[c], fold(r.Text)) }) {
			bad = append(bad, fmt.Sprintf("not removed as %s: %s", strings.Join(r.Classes, " or "), clip(r.Text)))
		}
	}
	return bad
}

func diffBody(want, got []string) []string {
	var bad []string
	has := map[string]int{}
	for _, p := range got {
		has[fold(p)]++
	}
	for i, p := range want {
		if has[fold(p)] == 0 {
			bad = append(bad, fmt.Sprintf("paragraph %d is missing: %s", i+1, clip(p)))
			continue
		}
		has[fold(p)]--
	}
	for i, p := range got {
		if has[fold(p)] > 0 {
			has[fold(p)]--
			bad = append(bad, fmt.Sprintf("paragraph %d is not the journalist's: %s", i+1, clip(p)))
		}
	}
	if len(bad) == 0 {
		for i, p := range want {
			if fold(p) != fold(got[i]) {
				return []string{fmt.Sprintf("paragraph %d is out of order: %s", i+1, clip(p))}
			}
		}
	}
	return bad
}

// sameDate compares by day when the page only tells the day, else by instant.
func sameDate(want, got string) bool {
	if len(want) == len(time.DateOnly) {
		return len(got) >= len(want) && got[:len(want)] == want
	}
	w, err1 := time.Parse(time.RFC3339, want)
	g, err2 := time.Parse(time.RFC3339, got)
	return err1 == nil && err2 == nil && w.Equal(g)
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }

func clip(s string) string {
	r := []rune(s)
	if len(r) <= 80 {
		return s
	}
	return string(r[:80]) + "…"
}

// ExpectedAlert is one alert that must arrive: the first loud match of a rule
// in a story.
type ExpectedAlert struct {
	Rule     string
	Articles []string // every article of the story, the wire report first
	Outlets  []string // names of the sites that carry it, in the same order
	Later    bool     // only after Advance
	Updated  bool     // and after Advance the rule is told what changed
}

func (n *Newsroom) gold(a *Article, later bool) Gold {
	s := a.site
	v := a.version(later)
	g := Gold{
		ID: a.ID, Site: s.Key, Lang: s.Lang,
		Path: a.link(), URL: s.base + a.path(), Link: s.base + a.link(),
		Title: v.title, Byline: a.Byline, Published: a.published, Date: s.date(a.published),
		Agency: a.Agency, From: FromPage, Trouble: a.Trouble, Quiet: a.quiet, Wire: a.Wire, Changes: a.later != nil,
	}
	g.Body = v.body()
	switch a.Trouble {
	case "robots", "paywall":
		g.From = FromFeedFull
	case "bomb", "notfound":
		g.From = FromFeedSummary
		g.Body = []string{a.summary()}
	}
	if g.From != FromPage {
		// Nothing of the page is seen, so nothing planted in it is removed, and the
		// feed dates the article to the second.
		g.Date = a.published.Format(time.RFC3339)
		if g.From == FromFeedSummary {
			g.Agency = ""
		}
		return g
	}
	for _, grp := range n.page(a, later).groups() {
		for _, l := range grp.Lines {
			if l.Kind == "button" {
				continue // a control, not a block of text: whether it is listed is a matter of taste
			}
			g.Removed = append(g.Removed, Removed{Classes: grp.Classes, Text: l.Text})
		}
	}
	return g
}
