package past

import (
	"net/url"
	"strconv"
	"time"

	"wirewatch/pipeline"
)

// wpTime is how WordPress writes a moment: without a zone, in the site's own time or, in the fields that end in _gmt, in UTC.
const wpTime = "2006-01-02T15:04:05"

// zones is more than any site's time is away from UTC.
const zones = 15 * time.Hour

// wpZone is the zone that a site names or, where it has just an offset, that; nil: unknown.
func wpZone(name, hours string) *time.Location {
	if name != "" {
		if l, err := time.LoadLocation(name); err == nil {
			return l
		}
		return nil // its offset is that of today, and summers have another
	}
	if h, err := strconv.ParseFloat(hours, 64); err == nil && h > -zones.Hours() && h < zones.Hours() {
		return time.FixedZone("", int(h*3600))
	}
	return nil
}

// wpRange is the range in any site's own time; "" is open.
func wpRange(r pipeline.Range) (from, to string) {
	if !r.Since.IsZero() {
		from = r.Since.UTC().Add(-zones).Format(wpTime)
	}
	if !r.Until.IsZero() {
		to = r.Until.UTC().Add(zones).Format(wpTime)
	}
	return from, to
}

// wpWindow selects the posts from a second on, it included, to another, it excluded. The API excludes both.
func wpWindow(from, to string) url.Values {
	q := url.Values{}
	if from != "" {
		q.Set("after", wpLater(from, -time.Second))
	}
	if to != "" {
		q.Set("before", to)
	}
	return q
}

// wpLater moves a date that parses.
func wpLater(date string, by time.Duration) string {
	t, err := time.Parse(wpTime, date)
	if err != nil {
		return date
	}
	return t.Add(by).Format(wpTime)
}

// wpNarrow is the end of the first half of a window.
func wpNarrow(from, end string, now time.Time) string {
	a, err := time.Parse(wpTime, from)
	if err != nil {
		return from
	}
	b := now.UTC().Add(zones)
	if end != "" {
		if b, err = time.Parse(wpTime, end); err != nil {
			return from
		}
	}
	half := (b.Unix() - a.Unix()) / 2 // as time.Duration is too short for a thousand years
	return time.Unix(a.Unix()+half, 0).UTC().Format(wpTime)
}

// wpWiden is the end of the next window, twice as long as the one that was good.
func wpWiden(from, end, to string) string {
	a, errA := time.Parse(wpTime, from)
	b, errB := time.Parse(wpTime, end)
	if errA != nil || errB != nil {
		return to
	}
	span := b.Sub(a)
	if span > 100*365*24*time.Hour { // more than a time.Duration can be made wider
		return to
	}
	next := b.Add(2 * span).Format(wpTime)
	if to != "" && next > to {
		return to
	}
	return next
}

func wpDate(s string) bool {
	_, err := time.Parse(wpTime, s)
	return err == nil
}
