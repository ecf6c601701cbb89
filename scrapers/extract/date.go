package extract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"wirewatch/pipeline/text"
)

var isoDate = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?`)

var fullDates = []string{
	time.RFC1123Z, time.RFC1123, time.RFC822Z, time.RFC850, time.UnixDate, time.RubyDate,
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "20060102T150405Z0700", "2006/01/02 15:04:05 -0700",
}

// parseDate reads a date in any of the ways pages write one. The result is RFC 3339 when time and offset are given, else
// the bare date; a time without an offset says nothing exact and is left out.
func (l *lexicon) parseDate(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 6 || len(s) > 200 {
		return "", false
	}
	if m := isoDate.FindStringSubmatch(s); m != nil {
		d, ok := bareDate(num(m[1]), num(m[2]), num(m[3]))
		if !ok {
			return "", false
		}
		h, mi, sec := num(m[4]), num(m[5]), num(m[6])
		if m[4] == "" || m[7] == "" || h > 23 || mi > 59 || sec > 59 {
			return d, true
		}
		return fmt.Sprintf("%sT%02d:%02d:%02d%s", d, h, mi, sec, offset(m[7])), true
	}
	for _, layout := range fullDates {
		if t, err := time.Parse(layout, s); err == nil {
			if zone, off := t.Zone(); off == 0 && zone != "UTC" && zone != "GMT" && zone != "" {
				return t.Format(time.DateOnly), true // a zone name whose offset time.Parse does not know
			}
			return t.Format(time.RFC3339), true
		}
	}
	return l.looseDate(s)
}

func num(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// offset writes a zone as RFC 3339 does.
func offset(z string) string {
	switch {
	case z == "Z" || z == "z" || z == "UTC" || z == "GMT" || strings.Trim(z, "+-0:") == "":
		return "Z"
	case len(z) == 3:
		return z + ":00"
	case len(z) == 5:
		return z[:3] + ":" + z[3:]
	}
	return z
}

func bareDate(y, m, d int) (string, bool) {
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1900 || y > 2100 || int(t.Month()) != m || t.Day() != d {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// looseDate finds a day, month and year among the words and numbers of s: "Thu Nov 02 2023", "2. November 2023",
// "2023년 11월 2일", "02.11.2023". Numbers alone are year first, or day first; month first only with slashes.
func (l *lexicon) looseDate(s string) (string, bool) {
	var nums []int
	month, at := 0, 0
	words := dateWords(s)
	for i, w := range words {
		if c := w[0]; c >= '0' && c <= '9' {
			if len(w) <= 4 {
				nums = append(nums, num(w))
			}
			continue
		}
		m := l.months[w]
		if m == 0 && i+1 < len(words) {
			m = l.months[w+" "+words[i+1]]
		}
		if m != 0 && month == 0 {
			month, at = m, len(nums)
		}
	}
	year := func(n int) bool { return n >= 1900 && n <= 2100 }
	if month != 0 {
		for i := at; i < len(nums) && i < at+2; i++ { // the year follows the month, the day stands on either side
			if !year(nums[i]) {
				continue
			}
			if i == at && at > 0 {
				return bareDate(nums[i], month, nums[at-1])
			}
			if i == at+1 {
				return bareDate(nums[i], month, nums[at])
			}
		}
		if at > 0 && year(nums[at-1]) && at < len(nums) {
			return bareDate(nums[at-1], month, nums[at])
		}
		return "", false
	}
	for i := 0; i+2 < len(nums); i++ {
		a, b, c := nums[i], nums[i+1], nums[i+2]
		switch {
		case year(a):
			return bareDate(a, b, c)
		case year(c) && strings.Contains(s, "/") && a <= 12:
			return bareDate(c, a, b)
		case year(c):
			return bareDate(c, b, a)
		}
	}
	return "", false
}

// dateWords splits s into folded words and numbers; digits and letters are apart ("2023년" is two).
func dateWords(s string) []string {
	var out []string
	start, digit := -1, false
	end := func(i int) {
		if start >= 0 {
			if w := text.Fold(s[start:i]); w != "" { // marks alone fold to nothing
				out = append(out, w)
			}
			start = -1
		}
	}
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if start >= 0 && !digit {
				end(i)
			}
			if start < 0 {
				start, digit = i, true
			}
		case unicode.IsLetter(r) || unicode.Is(unicode.M, r):
			if start >= 0 && digit {
				end(i)
			}
			if start < 0 {
				start, digit = i, false
			}
		default:
			end(i)
		}
	}
	end(len(s))
	return out
}

// dateLine says whether a line holds a date and nothing else: numbers, months, weekdays, and words such as "updated".
func (l *lexicon) dateLine(s string) bool {
	words := dateWords(s)
	if len(words) == 0 || len(words) > 16 {
		return false
	}
	for _, w := range words {
		if c := w[0]; c >= '0' && c <= '9' {
			continue
		}
		if l.months[w] == 0 && !l.isDateWord(w) {
			return false
		}
	}
	_, ok := l.parseDate(s)
	if !ok {
		_, ok = l.looseDate(s)
	}
	return ok
}
