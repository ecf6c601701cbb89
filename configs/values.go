package configs

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

var (
	durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)`)
	years        = regexp.MustCompile(`^(\d+)\s*y[a-z]*$`)
	wordyUnit    = regexp.MustCompile(`^(\d+)\s*(s|m|h|d|w)[a-z]*$`)

	errDuration = errors.New("not a duration")
)

var units = map[string]float64{
	"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 24 * 3600e9, "w": 7 * 24 * 3600e9,
}

// parseDuration reads 90s, 15m, 24h, 7d, 2w and sums such as 1d12h. A day is 24 hours. Negative ones have no meaning
// anywhere in a configuration. The hint says what was meant.
func parseDuration(s string) (time.Duration, string, error) {
	if s == "0" {
		return 0, "", nil
	}
	const form = "write a number and a unit: 30s, 15m, 24h or 7d"
	var sum float64
	rest := s
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		x, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, form, errDuration
		}
		sum += x * units[m[2]]
		rest = rest[len(m[0]):]
	}
	switch {
	case rest != "" || s == "":
		if m := wordyUnit.FindStringSubmatch(strings.ToLower(s)); m != nil {
			return 0, "write " + m[1] + m[2], errDuration
		}
		if m := years.FindStringSubmatch(strings.ToLower(s)); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n < 100 {
				return 0, fmt.Sprintf("write %dd", 365*n), errDuration
			}
		}
		if _, err := strconv.ParseUint(s, 10, 64); err == nil {
			return 0, "it has no unit: write " + s + "s, " + s + "m or " + s + "h", errDuration
		}
		return 0, form, errDuration
	case sum > math.MaxInt64/2:
		return 0, "it is longer than a century", errDuration
	}
	return time.Duration(sum), "", nil
}

// Duration reads a duration as the configuration writes it: 30s, 15m, 24h, 7d. The error says what to write.
func Duration(s string) (time.Duration, error) {
	d, hint, err := parseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("`%s` is not a duration; %s", s, hint)
	}
	return d, nil
}

// parsePrefix reads a network, or an address as the network of itself, and clears host bits.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return netip.Prefix{}, errors.New("a network has no zone")
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// someDay is where a cron spec is tried: any day would do, and a leap year lets 29 February pass.
var someDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// checkCron says what is wrong with a cron spec, and what to write; "" and "" when it is good. The library panics on some
// specs and reads "@every 0s" as every second; both are refused here.
func checkCron(spec string) (msg, hint string) {
	fields := strings.Fields(spec)
	rest := fields
	if len(rest) > 0 && (strings.HasPrefix(rest[0], "TZ=") || strings.HasPrefix(rest[0], "CRON_TZ=")) {
		rest = rest[1:]
	}
	const form = "write five fields: minute hour day month weekday, as in \"*/15 * * * *\""
	switch {
	case len(rest) == 0 && len(fields) > 0:
		return "the cron spec has a time zone and no fields", form
	case len(rest) == 0:
		return "the cron spec is empty", form
	case rest[0] == "@every":
		if len(rest) != 2 {
			return "@every wants one duration", "better leave cron away and write `every: 15m`"
		}
		t, _, err := parseDuration(rest[1])
		if err != nil || t < time.Second {
			return fmt.Sprintf("`%s` is less than a second, or no duration", spec), "better leave cron away and write `every: 15m`"
		}
	case len(rest) == 6 && !strings.HasPrefix(rest[0], "@"):
		return "the cron spec has six fields; seconds are not supported", form
	case len(rest) != 5 && !strings.HasPrefix(rest[0], "@"):
		return fmt.Sprintf("the cron spec has %d fields", len(rest)), form
	}
	var next time.Time
	err := safely(func() error {
		s, err := cron.ParseStandard(strings.Join(fields, " "))
		if err == nil {
			next = s.Next(someDay)
		}
		return err
	})
	if err != nil {
		hint := form
		if strings.HasPrefix(rest[0], "@") {
			hint = "known are @hourly, @daily, @weekly, @monthly, @yearly"
		}
		return "the cron spec `" + spec + "` is wrong: " + err.Error(), hint
	}
	if next.IsZero() {
		return "the cron spec `" + spec + "` names a day that never comes", ""
	}
	return "", ""
}
