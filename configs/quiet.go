package configs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline"
)

// Quiet says how a channel is kept from interrupting people without need.
type Quiet struct {
	QuietRule `yaml:",inline"`
	Limit     Limit  `yaml:"limit" also:"rate,max,per_hour"`                                // messages in any hour; 0: no limit
	Severity  string `yaml:"severity" oneof:"low medium high critical" also:"min_severity"` // it is told of nothing less; "": of all
	Unless    string `yaml:"unless" oneof:"low medium high critical" also:"except,urgent"`  // from this severity on a match is told at once; "": none is
}

// QuietRule is the part that a rule may say too, for itself.
type QuietRule struct {
	Digest Digest         `yaml:"digest" also:"summary,cron,schedule"`
	Group  *time.Duration `yaml:"group" also:"group_wait,window"` // nil: not said
	Hours  *AllHours      `yaml:"hours" also:"active,active_hours"`
}

// Escalation sends a critical match to a second channel when nobody has acknowledged it.
type Escalation struct {
	After time.Duration `yaml:"after,required" also:"wait,delay"`
	To    string        `yaml:"to,required" also:"channel"`
	Pos   Pos           `yaml:"-"`
}

// Bounds of what quiet may ask for.
const (
	MaxGroup    = 24 * time.Hour
	minEscalate = time.Minute
	maxEscalate = 7 * 24 * time.Hour
)

// Digest is a cron spec, checked; Said with an empty Spec is `off`.
type Digest struct {
	Spec string
	Said bool
}

func (g *Digest) decode(d *decoder, n *yaml.Node, path string) {
	var s string
	d.value(n, reflectElem(&s), path)
	if s == "" {
		return
	}
	g.Said = true
	if s == "off" {
		return
	}
	if msg, hint := checkCron(s); msg != "" {
		d.fail(n, path, hint, "%s", msg)
		return
	}
	if strings.HasPrefix(strings.TrimSpace(s), "@every") {
		d.fail(n, path, "write group: 30m, or a spec that names its times: \"0 8,17 * * mon-fri\"", "a digest goes out at times of the clock, which @every does not name")
		return
	}
	g.Spec = s
}

// Limit is messages an hour, written 20/h.
type Limit int

func (l *Limit) decode(d *decoder, n *yaml.Node, path string) {
	const form = "write messages an hour: 20/h"
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, form, "wants a number of messages; this is %s", is(n))
		return
	}
	s, ok := d.expand(n, path)
	if !ok {
		return
	}
	count, per, _ := strings.Cut(strings.ReplaceAll(s, " ", ""), "/")
	i, err := strconv.Atoi(count)
	switch {
	case err != nil || !slices.Contains([]string{"h", "1h", "hour"}, per):
		d.fail(n, path, form, "`%s` is no limit", n.Value)
	case i < 1 || i > 10_000:
		d.fail(n, path, "to be told nothing take the channel out, or silence rules", "a limit is from 1/h to 10000/h")
	default:
		*l = Limit(i)
	}
}

// AllHours are hours of the week, one mapping or a list of them. None: always.
type AllHours []pipeline.Hours

func (a *AllHours) decode(d *decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.SequenceNode {
		h, ok := hours(d, n, path)
		if ok {
			*a = AllHours{h}
		}
		return
	}
	*a = AllHours{}
	for i, c := range n.Content {
		if h, ok := hours(d, c, fmt.Sprintf("%s[%d]", path, i)); ok {
			*a = append(*a, h)
		}
	}
}

// writtenHours are hours as they are written.
type writtenHours struct {
	Days string `yaml:"days" also:"day,on"`
	From string `yaml:"from,required" also:"start,begin"`
	To   string `yaml:"to,required" also:"until,end"`
	Zone string `yaml:"zone" also:"tz,timezone,time_zone"`
}

func hours(d *decoder, n *yaml.Node, path string) (h pipeline.Hours, ok bool) {
	before := len(*d.errs)
	var w writtenHours
	d.value(n, reflectElem(&w), path)
	if len(*d.errs) > before {
		return h, false
	}
	var err error
	if h.Days, err = days(w.Days); err != nil {
		d.fail(d.at(path+".days"), path+".days", "write mon-fri, or sat,sun; without it all days are meant", "%s", err)
	}
	for _, x := range []struct {
		key, text string
		to        *time.Duration
		most      time.Duration
	}{{"from", w.From, &h.From, 24*time.Hour - time.Minute}, {"to", w.To, &h.To, 24 * time.Hour}} {
		if *x.to, ok = clock(x.text); !ok || *x.to > x.most {
			d.fail(d.at(path+"."+x.key), path+"."+x.key, "write hours and minutes: \"08:00\"", "`%s` is no time of day", x.text)
		}
	}
	if len(*d.errs) == before && h.From == h.To {
		d.fail(n, path, "for a whole day write from: \"00:00\", to: \"24:00\"", "these hours end when they begin")
	}
	zone := w.Zone
	if zone == "" {
		zone = "UTC"
	}
	if zone == "Local" {
		d.fail(d.at(path+".zone"), path+".zone", "write Europe/Berlin, or UTC", "the zone must be named: what is local changes with the machine")
	} else if h.Zone, err = time.LoadLocation(zone); err != nil {
		d.fail(d.at(path+".zone"), path+".zone", "write a name such as Europe/Berlin, Asia/Seoul or UTC", "there is no time zone `%s`", zone)
	}
	return h, len(*d.errs) == before
}

// clock reads a time of day as the time since midnight.
func clock(s string) (time.Duration, bool) {
	hour, minute, ok := strings.Cut(s, ":")
	h, err := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	ok = ok && err == nil && err2 == nil && len(minute) == 2 && len(hour) <= 2 && h >= 0 && m >= 0 && m < 60
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, ok
}

// weekdays are the days as cron specs name them.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// days reads mon-fri, or sat,sun; "" is every day.
func days(s string) (out [7]bool, err error) {
	if s == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for _, part := range strings.Split(strings.ToLower(s), ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		i, j := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if i < 0 || j < 0 {
			return out, fmt.Errorf("`%s` names no days", part)
		}
		for ; ; i = (i + 1) % 7 {
			if out[i] = true; i == j {
				break
			}
		}
	}
	return out, nil
}

// checkGroup says what is wrong with a window.
func checkGroup(d *decoder, path string, g *time.Duration) {
	if g != nil && *g > MaxGroup {
		d.fail(d.at(path), path, "for longer use digest: \"0 8 * * *\"", "alerts can be grouped for at most %s", MaxGroup)
	}
}

// RuleQuiet is what a rule says of how it is told. Over is what it says in the place of its channels' quiet; nil values are not said.
type RuleQuiet struct {
	QuietRule `yaml:",inline"`
	Escalate  *Escalation `yaml:"escalate" also:"escalation"` // nil: never
}

// DecodeRuleQuiet reads the keys of a rule that are about how it is told, from a mapping in file that has those keys alone. No variable is
// put in. The error is Errors.
func DecodeRuleQuiet(file string, n *yaml.Node) (RuleQuiet, error) {
	d := newDecoder(scope{file: file, plain: true}, nil)
	d.left = budget(n)
	var q RuleQuiet
	d.value(n, reflectElem(&q), "")
	checkGroup(d, "group", q.Group)
	if e := q.Escalate; e != nil && e.To != "" && (e.After < minEscalate || e.After > maxEscalate) {
		d.fail(d.at("escalate.after"), "escalate.after", "", "an alert is escalated after 1m to 7d")
	}
	return q, d.err()
}
