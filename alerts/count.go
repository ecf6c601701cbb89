package alerts

import (
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// countNote is a sentence on what a rule counted: "3 sites within 24 hours".
func countNote(c *pipeline.Count) string {
	what := "sites"
	if c.By == pipeline.CountArticles {
		what = "articles"
	}
	return fmt.Sprintf("%d %s within %s", c.Found, what, length(c.Within))
}

// length is a duration in words, in its largest whole unit; up to two days hours say it better.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	n, unit := d/time.Minute, "minute"
	switch {
	case d > 2*day && d%day == 0:
		n, unit = d/day, "day"
	case d%time.Hour == 0:
		n, unit = d/time.Hour, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
