package sitemap

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"wirewatch/scrapers/feed"
)

// A Date is a date as a sitemap writes it. What it does not say (a zone, an hour, a day) it leaves open: the moment it means
// lies between First and Last, both included. The zero Date is unknown.
type Date struct {
	At          time.Time // the date with what is missing taken as UTC and as the first; UTC
	First, Last time.Time
}

// The first place on Earth where a day begins, and the last one where it ends.
const (
	east = 14 * time.Hour
	west = 12 * time.Hour
)

// w3c is the profile of ISO 8601 at https://www.w3.org/TR/NOTE-datetime, and what is written close to it.
var w3c = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d([Tt ]+\d\d:\d\d(:\d\d([.,]\d+)?)? ?([Zz]|[+-]\d\d:?\d\d)?)?)?)?$`)

// either is a date of numbers of which nobody can say which is the day: 05/01/2024 is May to some and January to others.
var either = regexp.MustCompile(`^\d\d?[/-]\d\d?[/-]\d`)

// ParseDate reads a date in one of W3C's forms, or another that has a time. Anything else is unknown: its span could not be told.
func ParseDate(raw string) Date {
	raw = strings.TrimSpace(raw)
	at, ok := feed.ParseDate(raw)
	if !ok || either.MatchString(raw) {
		return Date{}
	}
	d := Date{At: at, First: at, Last: at}
	m := w3c.FindStringSubmatch(raw)
	switch {
	case m == nil && !strings.Contains(raw, ":"):
		return Date{}
	case m == nil: // such as RFC 822's, whose zones have names that several places share
		d.Last = at.Add(time.Minute)
	case m[1] == "":
		d.Last = at.AddDate(1, 0, 0)
	case m[2] == "":
		d.Last = at.AddDate(0, 1, 0)
	case m[3] == "":
		d.Last = at.AddDate(0, 0, 1)
	case m[4] == "":
		d.Last = at.Add(time.Minute)
	}
	if d.Last.After(at) {
		d.Last = d.Last.Add(-1) // the end of a day, month or minute is not part of it
	}
	if m == nil || !placed(m[6]) {
		d.First, d.Last = d.First.Add(-east), d.Last.Add(west)
	}
	return d
}

// exactly is a date that leaves nothing open.
func exactly(t time.Time) Date { return Date{t, t, t} }

// placed reports whether a zone is one that clocks somewhere show.
func placed(zone string) bool {
	if zone == "" || zone == "Z" || zone == "z" {
		return zone != ""
	}
	h, err := strconv.Atoi(zone[:3])
	return err == nil && h >= -12 && h <= 14
}
