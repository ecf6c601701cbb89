package pipeline

import (
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// days marks days of the week.
func days(ds ...time.Weekday) (out [7]bool) {
	for _, d := range ds {
		out[d] = true
	}
	return out
}

var (
	everyDay = [7]bool{true, true, true, true, true, true, true}
	workdays = [7]bool{false, true, true, true, true, true, false}
)

// When the hours begin that a moment waits for, over ends of weeks, midnight, and both changes of the clock.
func TestOpening(t *testing.T) {
	berlin, lordHowe, kolkata := zone(t, "Europe/Berlin"), zone(t, "Australia/Lord_Howe"), zone(t, "Asia/Kolkata")
	h := time.Hour
	office := Hours{workdays, 8 * h, 18 * h, berlin}
	for _, c := range []struct {
		name     string
		hours    []Hours
		at, want string // RFC 3339
	}{
		{"no hours", nil, "2026-11-28T03:00:00Z", "2026-11-28T03:00:00Z"},
		{"inside", []Hours{office}, "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z"},
		{"the first moment is inside", []Hours{office}, "2026-11-27T07:00:00Z", "2026-11-27T07:00:00Z"},
		{"the moment before", []Hours{office}, "2026-11-27T06:59:59.999Z", "2026-11-27T07:00:00Z"},
		{"the end is outside", []Hours{office}, "2026-11-26T17:00:00Z", "2026-11-27T07:00:00Z"},
		{"over the weekend", []Hours{office}, "2026-11-27T17:00:00Z", "2026-11-30T07:00:00Z"},
		{"summer time", []Hours{office}, "2026-07-01T05:30:00Z", "2026-07-01T06:00:00Z"},
		{"the night in which summer time begins", []Hours{{everyDay, 8 * h, 18 * h, berlin}}, "2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"},
		{"the night in which it ends", []Hours{{everyDay, 8 * h, 18 * h, berlin}}, "2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z"},
		{"over midnight", []Hours{{days(time.Friday), 22 * h, 6 * h, berlin}}, "2026-11-28T04:59:59Z", "2026-11-28T04:59:59Z"},
		{"over midnight, over", []Hours{{days(time.Friday), 22 * h, 6 * h, berlin}}, "2026-11-28T05:00:00Z", "2026-12-04T21:00:00Z"},
		{"until midnight", []Hours{{days(time.Friday), 0, 24 * h, berlin}}, "2026-11-27T22:59:59Z", "2026-11-27T22:59:59Z"},
		{"until midnight, over", []Hours{{days(time.Friday), 0, 24 * h, berlin}}, "2026-11-27T23:00:00Z", "2026-12-03T23:00:00Z"},
		{"half an hour from the full one", []Hours{{everyDay, 9 * h, 17 * h, kolkata}}, "2026-11-27T02:00:00Z", "2026-11-27T03:30:00Z"},
		{"begins in the hour that does not exist", []Hours{{everyDay, 2*h + 30*time.Minute, 4 * h, berlin}}, "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"},
		{"begins in the hour that comes twice", []Hours{{everyDay, 2*h + 30*time.Minute, 4 * h, berlin}}, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"},
		{"lies in the hour that does not exist", []Hours{{everyDay, 2 * h, 3 * h, berlin}}, "2026-03-29T00:30:00Z", "2026-03-30T00:00:00Z"},
		{"a clock that changes by half an hour", []Hours{{everyDay, 2*h + 15*time.Minute, 5 * h, lordHowe}}, "2026-10-03T14:00:00Z", "2026-10-03T15:45:00Z"},
		{"the nearest of several", []Hours{office, {days(time.Saturday), 10 * h, 12 * h, berlin}}, "2026-11-27T18:00:00Z", "2026-11-28T09:00:00Z"},
		{"in one of several", []Hours{office, {days(time.Saturday), 10 * h, 12 * h, berlin}}, "2026-11-28T10:00:00Z", "2026-11-28T10:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := opening(c.hours, at).UTC().Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%s: %s opens at %s, want %s", c.name, c.at, got, c.want)
		}
	}
}

// When a digest is due. A daily one comes once a day, also on the days on which the clock changes.
func TestNextDigest(t *testing.T) {
	for _, c := range []struct{ spec, at, want string }{
		{"0 8 * * *", "2026-11-27T07:59:00Z", "2026-11-27T08:00:00Z"},
		{"0 8 * * *", "2026-11-27T08:00:00Z", "2026-11-28T08:00:00Z"},
		{"CRON_TZ=Europe/Berlin 0 8 * * mon-fri", "2026-11-27T08:00:00Z", "2026-11-30T07:00:00Z"},
		{"CRON_TZ=Europe/Berlin 0 8 * * *", "2026-03-28T08:00:00Z", "2026-03-29T06:00:00Z"},
		{"CRON_TZ=Europe/Berlin 0 8 * * *", "2026-10-24T08:00:00Z", "2026-10-25T07:00:00Z"},
		// 02:30 is not on the clock of 29 March, and twice on that of 25 October.
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"CRON_TZ=Europe/Berlin 30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}, // every hour is every hour
		{"CRON_TZ=Europe/Berlin 30 * * * *", "2026-03-29T00:45:00Z", "2026-03-29T01:30:00Z"},
	} {
		s, err := ParseCron(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextDigest(s, at).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s after %s: %s, want %s", c.spec, c.at, got, c.want)
		}
	}
	// Over ten years, day after day, in zones with different habits.
	for _, z := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"} {
		for _, clock := range []string{"0 0", "30 1", "15 2", "30 2", "0 3"} {
			s, err := ParseCron("CRON_TZ=" + z + " " + clock + " * * *")
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
			for range 3650 {
				next := nextDigest(s, at)
				if gap := next.Sub(at); at.Year() > 2024 && (gap < 22*time.Hour || gap > 26*time.Hour) {
					t.Fatalf("%s %s: from %s to %s are %s", z, clock, at, next, gap)
				}
				at = next
			}
		}
	}
}
