package pipeline

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Hours are a part of the week in which messages may go out. They are those of a clock on the wall in Zone, over every change of
// daylight saving time.
type Hours struct {
	Days     [7]bool       // by time.Weekday: the days on which they begin
	From, To time.Duration // since midnight, by the clock; To at or before From: on the next day. To may be 24h
	Zone     *time.Location
}

// window is the stretch [from, to) of h that contains t or, if none does, the next one.
func (h Hours) window(t time.Time) (from, to time.Time) {
	y, m, d := t.In(h.Zone).Date()
	for i := -1; i <= 8; i++ {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC) // a day of the calendar, no moment
		if !h.Days[day.Weekday()] {
			continue
		}
		end := day.Add(h.To)
		if h.To <= h.From {
			end = end.AddDate(0, 0, 1)
		}
		from, to = onTheWall(day.Add(h.From), h.Zone), onTheWall(end, h.Zone)
		if t.Before(to) && from.Before(to) {
			return from, to
		}
	}
	return t, t // no day at all; a configuration cannot say that
}

// opening is the first moment from t on that lies in any of hs: t itself, if it does or hs says nothing.
func opening(hs []Hours, t time.Time) time.Time {
	var first time.Time
	for _, h := range hs {
		from, _ := h.window(t)
		if !from.After(t) {
			return t
		}
		if first.IsZero() || from.Before(first) {
			first = from
		}
	}
	if first.IsZero() {
		return t
	}
	return first
}

// onTheWall is the moment at which a clock in zone shows what wall shows in UTC. What it shows twice, when summer time ends, is the first
// time; what it never shows, when summer time begins, is as much later as the clock was put forward.
func onTheWall(wall time.Time, zone *time.Location) time.Time {
	var moments []time.Time
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		moments = append(moments, wall.Add(-time.Duration(offset)*time.Second))
	}
	before, after := moments[0], moments[1]
	switch {
	case reads(before, zone, wall) && reads(after, zone, wall) && after.Before(before):
		return after
	case reads(before, zone, wall) || !reads(after, zone, wall):
		return before
	}
	return after
}

// reads reports whether a clock in zone shows at t what wall shows in UTC.
func reads(t time.Time, zone *time.Location, wall time.Time) bool {
	_, offset := t.In(zone).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}

// nextDigest is the next moment of a cron spec after t. The library leaves out what falls into the hour that does not exist when summer
// time begins, and repeats what falls into the hour that comes twice when it ends: a digest of the day would come a day late, or be
// followed by a second one. So the spec is read by a clock on the wall that knows no summer time, and what that shows is looked up in the
// zone, see onTheWall. A spec for every hour is left to the library: every hour is every hour.
func nextDigest(s cron.Schedule, t time.Time) time.Time {
	const everyHour = 1 << 63 // the library's mark of a field that is a star
	spec, ok := s.(*cron.SpecSchedule)
	if !ok || spec.Hour&everyHour != 0 {
		return s.Next(t)
	}
	zone := spec.Location
	_, offset := t.In(zone).Zone()
	plain := *spec
	plain.Location = time.UTC
	wall := t.UTC().Add(time.Duration(offset) * time.Second)
	for {
		if wall = plain.Next(wall); wall.IsZero() {
			return wall // a day that never comes; a configuration cannot say that
		}
		if next := onTheWall(wall, zone); next.After(t) {
			return next
		}
	}
}
