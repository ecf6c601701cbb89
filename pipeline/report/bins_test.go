package report

import (
	"fmt"
	"testing"
	"time"

	"wirewatch/pipeline/store"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A period of a day to years has twenty to a hundred bars, or nearly so where days are too many and weeks too few.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		days int
		step string
	}{{1, "hour"}, {2, "hour"}, {3, "3 hours"}, {5, "6 hours"}, {7, "6 hours"}, {14, "6 hours"}, {20, "day"}, {30, "day"}, {92, "day"}, {120, "week"}, {365, "week"},
		{730, "month"}, {1461, "month"}, {3653, "quarter"}, {9000, "year"}, {36500, "year"}} {
		from := time.Date(2024, 1, 10, 7, 20, 0, 0, zone(t, "Asia/Kathmandu"))
		to := from.AddDate(0, 0, c.days)
		s := fit(from, to)
		starts := s.divide(from, to)
		if n := len(starts); s.name != c.step || n < 15 || n > most+2 {
			t.Errorf("%d days: %d bars of %s, want bars of %s", c.days, n, s.name, c.step)
		}
	}
}

// Bars follow the clock and the calendar of the zone, also where a clock change takes an hour, doubles one, or leaves a day without a midnight.
func TestDivide(t *testing.T) {
	byName := map[string]step{}
	for _, s := range steps {
		byName[s.name] = s
	}
	for _, c := range []struct {
		zone, step, since, until string
		want                     []string // the first ones
		n                        int
	}{
		{"Europe/Berlin", "hour", "2026-03-29 00:30", "2026-03-29 05:00", []string{"00:00 +01", "01:00 +01", "03:00 +02", "04:00 +02"}, 4},
		{"Europe/Berlin", "hour", "2026-10-25 01:00", "2026-10-25 04:00", []string{"01:00 +02", "02:00 +02", "02:00 +01", "03:00 +01"}, 4},
		{"Europe/Berlin", "3 hours", "2026-03-29 01:00", "2026-03-29 12:00", []string{"00:00 +01", "03:00 +02", "06:00 +02", "09:00 +02"}, 4},
		{"Europe/Berlin", "6 hours", "2026-10-25 05:59", "2026-10-26 00:00", []string{"00:00 +02", "06:00 +01"}, 4},
		{"Asia/Kathmandu", "hour", "2026-01-01 10:20", "2026-01-01 12:00", []string{"10:00 +0545", "11:00 +0545"}, 2},
		{"Europe/Berlin", "day", "2026-03-28 12:00", "2026-03-31 00:00", []string{"00:00 +01", "00:00 +01", "00:00 +02"}, 3},
		{"Asia/Beirut", "day", "2022-03-26 12:00", "2022-03-29 00:00", nil, 3}, // no midnight on the 27th
		{"America/Sao_Paulo", "day", "2017-10-14 12:00", "2017-10-17 00:00", nil, 3},
		{"Pacific/Apia", "day", "2011-12-28 00:00", "2012-01-02 00:00", nil, 4}, // which had no 30th
		{"UTC", "week", "2026-03-01 12:00", "2026-03-16 00:00", nil, 3},
		{"UTC", "month", "2026-01-31 12:00", "2026-04-01 00:00", nil, 3},
		{"UTC", "quarter", "2025-12-31 12:00", "2026-04-01 00:01", nil, 3},
		{"UTC", "year", "2020-02-29 12:00", "2023-01-01 00:00", nil, 3},
	} {
		z := zone(t, c.zone)
		at := func(s string) time.Time {
			x, err := time.ParseInLocation("2006-01-02 15:04", s, z)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		since, until := at(c.since), at(c.until)
		starts := byName[c.step].divide(since, until)
		if len(starts) != c.n {
			t.Errorf("%s %s: %d bars, want %d: %v", c.zone, c.since, len(starts), c.n, starts)
			continue
		}
		if starts[0].After(since) {
			t.Errorf("%s %s: the first bar begins at %v", c.zone, c.since, starts[0])
		}
		for i, w := range c.want {
			if got := starts[i].Format("15:04 -07"); got != w && starts[i].Format("15:04 -0700") != w {
				t.Errorf("%s %s: bar %d begins at %s, want %s", c.zone, c.since, i, got, w)
			}
		}
		for i := 1; i < len(starts); i++ {
			if !starts[i].After(starts[i-1]) {
				t.Errorf("%s %s: bar %d begins at %v, after %v", c.zone, c.since, i, starts[i], starts[i-1])
			}
		}
	}
}

// Every article is in one bar, one day and one hour of the week, by the clock of the zone.
func TestBarsHoldAll(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	since, until := time.Date(2026, 3, 25, 0, 0, 0, 0, z), time.Date(2026, 4, 1, 9, 0, 0, 0, z)
	var n store.Report
	total := 0
	for at := since; at.Before(until); at = at.Add(45 * time.Minute) {
		total += 2
		n.Slots = append(n.Slots, store.Slot{Start: at.UTC(), Articles: 2, Matched: 1})
	}
	r := New(About{Since: since.UTC(), Until: until.UTC(), Zone: z, Made: until}, n)
	sum := func(bars []Bar) (k, m int) {
		for _, b := range bars {
			k, m = k+b.Articles, m+b.Matched
		}
		return k, m
	}
	bars, matched := sum(r.Bars)
	days, _ := sum(r.Days)
	hours := 0
	for _, d := range r.Hours {
		for _, k := range d {
			hours += k
		}
	}
	if got := fmt.Sprint(r.Articles, bars, matched*2, days, hours); got != fmt.Sprint(total, total, total, total, total) {
		t.Errorf("%s, want %d each", got, total)
	}
	if len(r.Days) != 8 || r.Days[4].Articles >= r.Days[3].Articles { // the Sunday of 23 hours
		t.Errorf("days: %+v", r.Days)
	}
	if r.Zone != "Europe/Berlin (UTC+01:00, later UTC+02:00)" {
		t.Errorf("zone: %s", r.Zone)
	}
}
