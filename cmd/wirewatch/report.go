package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"wirewatch/pipeline/report"
	"wirewatch/pipeline/store"
)

// What happened in a period, as one page for people who do not use a terminal.
func runReport(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	since := fs.String("since", "7d", "from this `day` or moment: 2026-11-01, 2026-11-01T06:00:00Z, or 30d (ago, from midnight)")
	until := fs.String("until", "", "up to this `day`, which is included, or before this moment; now, when it is not given")
	zone := fs.String("tz", "", "days and hours in this time `zone`, such as Asia/Seoul or UTC; the local one, when it is not given")
	site := fs.String("site", "", "only of this `site` and its subdomains")
	rule := fs.String("rule", "", "only what this `rule` matched")
	stories := fs.Int("stories", 10, "so many of the top stories")
	out := fs.String("o", "report.html", "write the page to this `file`; - is standard output")
	asJSON := fs.Bool("json", false, "the same numbers as one JSON line on standard output, and no page")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *stories < 1 || *stories > 200 {
		return usagef("report: --stories is from 1 to 200")
	}
	a := report.About{Zone: time.Local, Rule: *rule, Made: e.now(), Version: version}
	var err error
	if a.Site, err = v.site(*site); err != nil {
		return err
	}
	if *zone != "" {
		if a.Zone, err = time.LoadLocation(*zone); err != nil {
			return usagef("report --tz: %q is no time zone known here; name one as Europe/Berlin, Asia/Seoul or UTC", *zone)
		}
	}
	if err := reportRange(&a, *since, *until); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := knownRule(ctx, e, *file, st, a.Rule); err != nil {
			return err
		}
		n, err := st.Report(ctx, store.ReportFilter{Since: a.Since, Until: a.Until, Site: a.Site, Rule: a.Rule, Stories: *stories})
		if err != nil {
			return err
		}
		r := report.New(a, n)
		if *asJSON {
			return printJSON(e.stdout, []*report.Report{r})
		}
		var b bytes.Buffer
		if err := r.HTML(&b); err != nil {
			return err
		}
		if *out == "-" {
			_, err := b.WriteTo(e.stdout)
			return err
		}
		if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		fmt.Fprintf(e.stderr, "wrote %s: %s of %s\n", *out, count(r.Articles, "article"), count(r.Sites, "site"))
		return nil
	})
}

// Bounds of a report's range: what is outside of them is a slip of the hand, and would be years of empty bars.
const longestReport = 100 * 365 * 24 * time.Hour

// reportRange reads the range, with days in the report's zone.
func reportRange(a *report.About, since, until string) (err error) {
	if a.Since, err = momentIn(since, a.Made, a.Zone, false); err != nil {
		return usagef("report --since: %v", err)
	}
	a.Until = a.Made
	if until != "" {
		if a.Until, err = momentIn(until, a.Made, a.Zone, true); err != nil {
			return usagef("report --until: %v", err)
		}
	}
	switch d := a.Until.Sub(a.Since); {
	case d < time.Minute:
		return usagef("report: from %s to %s is no time to report on; --since must be before --until", stamp(a.Since), stamp(a.Until))
	case d > longestReport:
		return usagef("report: from %s to %s is more than a hundred years", stamp(a.Since), stamp(a.Until))
	}
	return nil
}

// momentIn is moment with days of a zone. An age in days begins with a day, so that the first bar of a report is whole.
func momentIn(s string, now time.Time, zone *time.Location, end bool) (time.Time, error) {
	t, err := moment(s, now.In(zone), false)
	if err != nil {
		return t, err
	}
	d, dayErr := time.ParseInLocation(time.DateOnly, s, zone)
	switch {
	case dayErr == nil && end:
		return d.AddDate(0, 0, 1), nil
	case dayErr == nil:
		return d, nil
	case strings.HasSuffix(s, "d") && !end:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone), nil
	}
	return t, nil
}
