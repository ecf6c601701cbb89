package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed page.html
var pageText string

// How much of each list the page shows; all of it stands in the JSON.
const (
	pageSites    = 20
	pageRules    = 40
	pageCarriers = 12
	pageQuiet    = 40
	pageUnread   = 15
)

// HTML writes the report as one page without script, fonts or anything else to fetch. Whatever comes from articles is escaped, and linked
// only where it is an http or https address.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"n": number, "count": count, "web": web, "lang": lang, "trend": r.trend, "percent": percent, "clip": clip, "sparks": sparks,
		"moment": func(t time.Time) string { return t.Format("Mon 2 Jan 2006, 15:04") },
		"iso":    func(t time.Time) string { return t.Format(time.RFC3339) },
		"label":  func(b Bar) string { return b.label },
		"dots":   r.dots, "after": after, "either": cmp.Or[string],
		"width": func(k, of int) float64 { return round(float64(k) * 100 / float64(max(1, of))) },
		"minus": func(a, b int) int { return a - b },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	p := page{Report: r, Volume: r.volume(), Heat: r.heat(), Table: r.Days}
	if len(p.Table) == 0 {
		p.Table = r.Bars
	}
	p.ShownSites, p.MoreSites = first(r.BySite, pageSites)
	p.ShownRules, p.MoreRules = first(r.ByRule, pageRules)
	p.ShownQuiet, p.MoreQuiet = first(r.Quiet, pageQuiet)
	p.ShownUnread, p.MoreUnread = first(r.Unread, pageUnread)
	for _, s := range r.Top {
		shown, more := first(s.Carriers, pageCarriers)
		p.Shown = append(p.Shown, shownStory{s, shown, more})
	}
	return t.Execute(w, p)
}

// A page is a report with its plots, its lists cut to what a person reads.
type page struct {
	*Report
	Volume      volume
	Heat        heat
	Table       []Bar // the numbers of the volume
	Shown       []shownStory
	ShownSites  []SiteCount
	ShownRules  []RuleCount
	ShownQuiet  []Quiet
	ShownUnread []Unread

	MoreSites, MoreRules, MoreQuiet, MoreUnread int
}

type shownStory struct {
	Story
	Shown []Carrier
	More  int
}

// Begun is when the first article of the period came.
func (s shownStory) Begun() time.Time {
	if len(s.Carriers) == 0 {
		return s.First
	}
	return s.Carriers[0].At
}

// OneBar says how long a bar is.
func (p page) OneBar() string {
	switch {
	case p.Step == "hour":
		return "an hour"
	case p.Step[0] <= '9':
		return p.Step
	}
	return "a " + p.Step
}

// PerDay is how many articles there were a day.
func (p page) PerDay() string {
	return number(int(float64(p.Articles)/(float64(p.Until.Sub(p.Since))/float64(day)) + 0.5))
}

// MostOfSite is how many articles the busiest site has.
func (p page) MostOfSite() int {
	if len(p.BySite) == 0 {
		return 1
	}
	return p.BySite[0].Articles
}

func first[T any](l []T, n int) (shown []T, more int) {
	n = min(n, len(l))
	return l[:n], len(l) - n
}

// number writes 12345 as 12,345.
func number(n int) string { return message.NewPrinter(language.English).Sprint(n) }

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return number(n) + " " + noun
}

func percent(k, of int) string {
	switch {
	case k == 0 || of == 0:
		return "0%"
	case k*200 < of:
		return "<1%"
	}
	return fmt.Sprintf("%d%%", (k*100+of/2)/of)
}

// trend says how a number stands to that of the period before; of an archive that begins with this period there is none.
func (r *Report) trend(now, before int) string {
	if r.Before.Articles == 0 {
		return ""
	}
	return trend(now, before)
}

func trend(now, before int) string {
	switch {
	case before == 0 && now == 0:
		return ""
	case before == 0:
		return "new"
	case now == before:
		return "± 0%"
	case now >= 10*before:
		return "▲ " + number((now+before/2)/before) + " times"
	case now > before:
		return fmt.Sprintf("▲ %d%%", ((now-before)*100+before/2)/before)
	}
	return fmt.Sprintf("▼ %d%%", ((before-now)*100+before/2)/before)
}

// after says how long after the first another one came.
func after(first, t time.Time) string {
	switch d := t.Sub(first); {
	case d < time.Minute:
		return ""
	case d < time.Hour:
		return fmt.Sprintf("+%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("+%d h", d/time.Hour)
	default:
		return fmt.Sprintf("+%d d", d/day)
	}
}

// clip bounds what a title may take of the page.
func clip(s string) string {
	const most = 240
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most])) + "…"
	}
	return s
}

// web is an address that may be linked, "" for any other.
func web(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return s
}

var langTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// lang is a language that a browser may be told, by which it chooses the forms of letters; "" where it is unknown.
func lang(s string) string {
	if langTag.MatchString(s) {
		return s
	}
	return ""
}
