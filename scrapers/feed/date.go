package feed

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ParseDate reads a date as feeds write it, in UTC: RFC 822 and its successors
// with two-digit years, comments and missing parts, RFC 3339, W3CDTF and ISO
// 8601 with partial dates, asctime, numeric dates, 12-hour clocks, month names
// of the languages in monthNames, Chinese, Japanese and Korean dates. A date
// without a zone is taken as UTC, a missing part as its first value. A field
// that is one beyond its range (24:00, second 60, 32 July) carries over, as
// mktime does. It answers false for what holds no year, or no month to go with
// a day.
func ParseDate(raw string) (time.Time, bool) {
	s := strings.TrimSpace(dropComments(raw))
	if s == "" || len(s) > 200 {
		return time.Time{}, false
	}
	if t, ok := parseISO(s); ok {
		return t, true
	}
	return parseLoose(s)
}

// dropComments takes out RFC 822 comments, which nest and escape. A "(" that
// is never closed is left alone.
func dropComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				b.WriteByte(' ')
			}
		case depth == 0:
			b.WriteByte(c)
		}
	}
	if depth > 0 {
		return s
	}
	// "9(th) Feb(ruary)" is one word with a gap.
	return b.String()
}

// moment is a date being put together; -1 is unknown.
type moment struct {
	year, month, day     int
	hour, min, sec, nano int
	offset               int  // seconds east
	pm                   int  // 0 no clock of 12 hours, 1 am, 2 pm
	leading              bool // the month's name stands before any number
}

func newMoment() moment { return moment{year: -1, month: -1, day: -1, hour: -1} }

func (m moment) time() (time.Time, bool) {
	if m.month < 0 {
		m.month = 1
		if m.day > 0 {
			return time.Time{}, false
		}
	}
	if m.day < 0 {
		m.day = 1
	}
	if m.hour < 0 {
		m.hour = 0
	}
	switch {
	case m.pm == 2 && m.hour < 12:
		m.hour += 12
	case m.pm == 1 && m.hour == 12:
		m.hour = 0
	}
	if m.year < 1 || m.year > 9999 || m.month < 1 || m.month > 13 || m.day < 1 || m.day > 32 ||
		m.hour > 24 || m.min > 61 || m.sec > 61 || m.offset < -86400 || m.offset > 86400 {
		return time.Time{}, false
	}
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.min, m.sec, m.nano, time.UTC).Add(-time.Duration(m.offset) * time.Second)
	return t, plausible(t)
}

// digits reads between lo and hi digits of s.
func digits(s string, lo, hi int) (v int, rest string, ok bool) {
	n := 0
	for n < len(s) && n < hi && s[n] >= '0' && s[n] <= '9' {
		v = v*10 + int(s[n]-'0')
		n++
	}
	return v, s[n:], n >= lo
}

func digitRun(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// parseISO reads what begins with a four-digit year: 2003, 2003-07,
// 2003-07-01, 20030701, 2003-335, each with a time or without.
func parseISO(s string) (time.Time, bool) {
	m := newMoment()
	run := digitRun(s)
	if run != 4 && run != 8 && run != 7 && run != 14 && run != 12 {
		return time.Time{}, false
	}
	m.year, s, _ = digits(s, 4, 4)
	switch {
	case run == 7:
		m.month = 1
		m.day, s, _ = digits(s, 3, 3)
	case run > 4:
		m.month, s, _ = digits(s, 2, 2)
		m.day, s, _ = digits(s, 2, 2)
	case s == "":
	case s[0] == '-' || s[0] == '/' || s[0] == '.' || s[0] == ':':
		sep := s[:1]
		if digitRun(s[1:]) == 3 { // day of the year
			m.month = 1
			m.day, s, _ = digits(s[1:], 3, 3)
			break
		}
		var ok bool
		if m.month, s, ok = digits(s[1:], 1, 2); !ok {
			return time.Time{}, false
		}
		if strings.HasPrefix(s, sep) {
			if m.day, s, ok = digits(s[1:], 1, 2); !ok {
				return time.Time{}, false
			}
		}
	default:
		return time.Time{}, false
	}
	ordinal := m.day
	if run == 7 || m.day > 32 {
		if m.day < 1 || m.day > 366 {
			return time.Time{}, false
		}
		m.day = 1
	}
	if run < 12 {
		s = strings.TrimLeft(s, " \t\r\n,Tt-_")
	}
	if s != "" {
		var ok bool
		if s, ok = m.clock(s, true); !ok && strings.Trim(s, " Zz") != "" {
			return time.Time{}, false
		}
		if !m.zone(s) {
			return time.Time{}, false
		}
	}
	t, ok := m.time()
	if ok && ordinal != m.day && ordinal > 0 {
		t = t.AddDate(0, 0, ordinal-1)
	}
	return t, ok
}

// clock reads hh, hh:mm, hh:mm:ss, hhmm or hhmmss with a fraction from the
// head of s. bare allows the forms without colons.
func (m *moment) clock(s string, bare bool) (rest string, ok bool) {
	run := digitRun(s)
	if bare && (run == 4 || run == 6) {
		m.hour, s, _ = digits(s, 2, 2)
		m.min, s, _ = digits(s, 2, 2)
		if run == 6 {
			m.sec, s, _ = digits(s, 2, 2)
		}
		return m.fraction(s), true
	}
	if run < 1 || run > 2 {
		return s, false
	}
	h, r, _ := digits(s, 1, 2)
	sep := byte(':')
	if !strings.HasPrefix(r, ":") {
		if bare {
			m.hour = h
			return r, true
		}
		if !strings.HasPrefix(r, ".") && !strings.HasPrefix(r, "h") {
			return s, false
		}
		sep = r[0]
	}
	min, r2, mok := digits(r[1:], 1, 2)
	if !mok || digitRun(r2) > 0 || sep != ':' && len(r2) > 0 && r2[0] == '-' {
		return s, false
	}
	m.hour, m.min = h, min
	if len(r2) > 1 && (r2[0] == ':' || r2[0] == sep && sep == '.') {
		if sec, r3, sok := digits(r2[1:], 1, 2); sok {
			m.sec, r2 = sec, r3
		}
	}
	return m.fraction(r2), true
}

func (m *moment) fraction(s string) string {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || s[1] < '0' || s[1] > '9' {
		return s
	}
	n := digitRun(s[1:])
	v, _, _ := digits(s[1:], 1, 9)
	for i := n; i < 9; i++ {
		v *= 10
	}
	m.nano = v
	return s[1+n:]
}

// zone reads all of s as a zone: Z, a name, an offset, or a name with one.
func (m *moment) zone(s string) bool {
	s = strings.TrimSpace(s)
	if s == "" {
		return true
	}
	word := 0
	for word < len(s) && (s[word]|0x20 >= 'a' && s[word]|0x20 <= 'z') {
		word++
	}
	if word > 0 {
		o, ok := zoneOffset(s[:word])
		m.offset = o
		if !ok {
			// An unknown name leaves UTC rather than no date at all.
			m.offset = 0
		}
		rest := strings.TrimSpace(s[word:])
		return rest == "" || (rest[0] == '+' || rest[0] == '-') && m.numericZone(rest)
	}
	return m.numericZone(s)
}

// numericZone reads +hh, +hhmm, +hh:mm and what is close to them.
func (m *moment) numericZone(s string) bool {
	sign := 1
	s = strings.TrimLeft(s, " ")
	switch {
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	case strings.HasPrefix(s, "-"):
		s = strings.TrimLeft(s, "-")
		sign = -1
	case strings.HasPrefix(s, "\u2212"):
		s = s[len("\u2212"):]
		sign = -1
	default:
		return false
	}
	h, min := 0, 0
	switch run := digitRun(s); run {
	case 1, 2:
		h, s, _ = digits(s, 1, 2)
		if strings.HasPrefix(s, ":") {
			min, _, _ = digits(s[1:], 1, 2)
		}
	case 3, 4, 6:
		h, s, _ = digits(s, run-2-(run/6)*2, run-2-(run/6)*2)
		min, _, _ = digits(s, 2, 2)
	default:
		return false
	}
	if h > 15 || min > 59 {
		return true // no such offset: UTC
	}
	m.offset = sign * (h*3600 + min*60)
	return true
}

// parseLoose reads dates made of words and numbers in any order.
func parseLoose(s string) (time.Time, bool) {
	m := newMoment()
	var nums []number
	clocked := false
	for i := 0; len(s) > 0 && i < 40; i++ {
		c := s[0]
		switch {
		case c >= '0' && c <= '9':
			if !clocked && !dotted(s) {
				if r, ok := m.clock(s, false); ok {
					s, clocked = r, true
					continue
				}
			}
			run := digitRun(s)
			v, rest, ok := digits(s, 1, 8)
			if !ok || run > 4 {
				return time.Time{}, false
			}
			n := number{v: v, width: run}
			s = rest
			n.unit, s = cutUnit(s)
			if n.unit == 0 && s != "" && (s[0] == '/' || s[0] == '.' || s[0] == '-') {
				n.sep = s[0]
			}
			nums = append(nums, n)
		case (c == '+' || c == '-') && clocked && len(s) > 1 && (s[1] >= '0' && s[1] <= '9' || s[1] == '-'):
			if !m.numericZone(s) {
				return time.Time{}, false
			}
			s = strings.TrimLeft(s, "+-0123456789:")
		default:
			word, rest := cutWord(s)
			if word == "" {
				_, n := utf8.DecodeRuneInString(s)
				s = s[n:]
				continue
			}
			s = rest
			low := strings.ToLower(word)
			switch {
			case low == "am" || low == "a.m" || word == "上午" || word == "午前" || word == "오전" || low == "πμ":
				m.pm = 1
			case low == "pm" || low == "p.m" || word == "下午" || word == "午後" || word == "오후" || low == "μμ":
				m.pm = 2
			case monthOf(low) > 0 && (m.month < 0 || m.leading):
				// "mar" is Tuesday in half of Europe: a later month counts.
				m.month, m.leading = monthOf(low), len(nums) == 0
			case clocked && asciiWord(word):
				if o, ok := zoneOffset(low); ok {
					m.offset = o
					// "GMT+2" and "UTC+0200" go on in the next round.
				}
			}
		}
	}
	if !m.assign(nums) {
		return time.Time{}, false
	}
	return m.time()
}

type number struct {
	v, width int
	sep      byte // what follows: / . -
	unit     byte // y m d H M S of Chinese, Japanese and Korean
}

// dotted reports whether s begins a dotted date (31.12.2003) and not a time.
func dotted(s string) bool {
	n := digitRun(s)
	if n == 0 || n >= len(s) || s[n] != '.' {
		return false
	}
	r := s[n+1:]
	k := digitRun(r)
	return k > 0 && k < len(r) && r[k] == '.' && digitRun(r[k+1:]) >= 2
}

// assign gives the numbers their meaning, given what the words said.
func (m *moment) assign(nums []number) bool {
	var free []number
	for _, n := range nums {
		switch n.unit {
		case 'y':
			m.year = n.v
		case 'm':
			m.month = n.v
		case 'd':
			m.day = n.v
		case 'H':
			m.hour = n.v
		case 'M':
			m.min = n.v
		case 'S':
			m.sec = n.v
		default:
			free = append(free, n)
		}
	}
	// The year is the number of four digits wherever it stands.
	yearFirst := false
	for i, n := range free {
		if m.year < 0 && n.width == 4 {
			m.year, yearFirst = n.v, i == 0
			free = append(free[:i:i], free[i+1:]...)
			break
		}
	}
	if m.leading && m.year > 0 && len(free) > 1 {
		m.month = -1 // the name was a weekday's
	}
	if m.month < 0 { // numeric: day and month
		if len(free) < 2 {
			return m.year > 0 && len(free) == 0
		}
		a, b := free[0], free[1]
		day, month := a.v, b.v
		// Month first in American dates, which have slashes and mostly a
		// 12-hour clock; where only one reading is a date, that one.
		if yearFirst || b.v > 12 || a.sep == '/' && m.pm > 0 && a.v <= 12 {
			day, month = b.v, a.v
		}
		m.day, m.month = day, month
		free = free[2:]
	} else if m.day < 0 && len(free) > 0 {
		m.day = free[0].v
		free = free[1:]
	}
	if m.year < 0 && len(free) > 0 && free[0].width <= 2 {
		// Two digits: RFC 2822, 4.3 puts 0 to 49 into this century; feeds are
		// younger than 1990, so the window of feedparser, up to 89, is safer.
		m.year = free[0].v + 1900
		if free[0].v < 90 {
			m.year += 100
		}
	}
	return m.year > 0
}

// cutUnit takes the unit that Chinese, Japanese and Korean write after a
// number off the head of s; 0 is none.
func cutUnit(s string) (byte, string) {
	r, n := utf8.DecodeRuneInString(strings.TrimLeft(s, " "))
	n += len(s) - len(strings.TrimLeft(s, " "))
	switch r {
	case '年', '년':
		return 'y', s[n:]
	case '月', '월':
		return 'm', s[n:]
	case '日', '일':
		return 'd', s[n:]
	case '时', '時', '시', '点':
		return 'H', s[n:]
	case '分', '분':
		return 'M', s[n:]
	case '秒', '초':
		return 'S', s[n:]
	}
	return 0, s
}

// cutWord takes letters, and the dots inside abbreviations, off the head of s.
func cutWord(s string) (word, rest string) {
	end := 0
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !(r == '.' && end > 0 && i+1 < len(s) && s[i+1]|0x20 == 'm') && !(r == '\'' && end > 0) {
			break
		}
		end = i + len(string(r))
	}
	return s[:end], s[end:]
}

func asciiWord(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// zoneOffset answers in seconds east of UTC. Abbreviations that several zones
// share have the reading that prevails in feeds. RFC 822 defined the military
// letters with the wrong sign, so RFC 2822, 4.3 makes all of them UTC.
func zoneOffset(name string) (int, bool) {
	name = strings.ToLower(name)
	if len(name) == 1 && name[0] >= 'a' && name[0] <= 'z' && name[0] != 't' {
		return 0, true
	}
	m, ok := zoneMinutes[name]
	return m * 60, ok
}
