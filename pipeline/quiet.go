package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Quiet: whether a message may interrupt a person now. That is decided when it is to be sent, never when it is written down, so that
// what the configuration says and which silences are in force now count, and what waited for a receiver that was down does not wake
// anybody in the night. What may not go out now is held in a bundle, outside of its channel's order, where it is in nobody's way; when
// the bundle is due it goes out as one digest, or alone where it is the only one. Nothing is dropped: what a silence keeps from its
// channel is listed and can be sent by hand.

// Severities are the severities of rules, the least first. A rule that names none has the second.
var Severities = []string{"low", "medium", "high", Critical}

// DefaultSeverity is that of a rule that names none; only what is Critical can be escalated.
const (
	DefaultSeverity = "medium"
	Critical        = "critical"
)

// AtLeast reports whether a severity reaches least. What is none is DefaultSeverity; a least of "" is reached by all.
func AtLeast(severity, least string) bool {
	if !slices.Contains(Severities, severity) {
		severity = DefaultSeverity
	}
	return slices.Index(Severities, severity) >= slices.Index(Severities, least)
}

// A Policy says how quiet a channel is about a rule. Its zero value holds nothing.
type Policy struct {
	Own    bool          // the rule says something itself, so that it shares no bundle with others
	Digest cron.Schedule // when digests go out; nil: everything goes out by itself
	Limit  int           // messages in any hour; 0: no limit
	Group  time.Duration // how long the first alert waits for others of its rule; 0: not at all
	Hours  []Hours       // when messages may go out; none: always
	Unless string        // the severity from which on nothing of this holds; "": for all
}

// limitWindow is what Policy.Limit counts in.
const limitWindow = time.Hour + time.Millisecond // the store keeps times to the millisecond

// A Bundle is what holds deliveries together: a reason, and the rule if it holds those of one rule alone. "" is none.
type Bundle string

// Why a delivery is held.
const (
	ForDigest     = "digest"     // until the digest's time
	ForHours      = "hours"      // until the active hours begin
	ForGroup      = "group"      // for others of its rule
	ForLimit      = "limit"      // until the hour's messages are less than its limit
	ForEscalation = "escalation" // for someone to acknowledge the alert
	ForHealth     = "health"     // for what else the operator is to be told

	// What a replay raised waits for whatever else there is to be told; ForArchiveDigest also to be gathered first. The names stand in this
	// order in a channel's line: what was gathered already comes before what is still to be.
	ForArchive       = "archive"
	ForArchiveDigest = "archive-digest"
)

// Replayed is the bundle of what a person sends again: no policy holds it, and no silence.
const Replayed Bundle = "replay"

// NewBundle names the bundle of a reason and a rule; "" is all rules that say nothing themselves.
func NewBundle(reason, rule string) Bundle { return Bundle(strings.TrimSpace(reason + " " + rule)) }

// Reason is why the bundle holds what it holds.
func (b Bundle) Reason() string { reason, _, _ := strings.Cut(string(b), " "); return reason }

// Rule is the one rule whose deliveries the bundle holds; "": it may be any.
func (b Bundle) Rule() string { _, rule, _ := strings.Cut(string(b), " "); return rule }

// A Silence keeps alerts from every channel until it ends. What it names must all be so.
type Silence struct {
	ID      int64
	Rule    string // name of a rule; "": any
	Site    string // a site, with its subdomains; "": any
	Story   int64  // a story; 0: any
	Query   string // in the rule language, over the article; "": any
	Created time.Time
	Until   time.Time
	Ended   time.Time // when a person ended it; zero: nobody did
	Author  string
	Comment string
	Kept    int // how many deliveries it keeps quiet, where it is listed
}

// Active reports whether it is in force at now.
func (s Silence) Active(now time.Time) bool { return s.Ended.IsZero() && now.Before(s.Until) }

// String is what it names, for people.
func (s Silence) String() string {
	var out []string
	for _, c := range []struct{ name, value string }{{"rule", s.Rule}, {"site", s.Site}, {"query", s.Query}} {
		if c.value != "" {
			out = append(out, c.name+" "+c.value)
		}
	}
	if s.Story != 0 {
		out = append(out, fmt.Sprint("story ", s.Story))
	}
	return strings.Join(out, ", ")
}

// covers reports whether the silence is about an alert. holds says whether a query holds for an article.
func (s Silence) covers(a *Alert, holds func(query string, a *Article) bool) bool {
	host := strings.TrimPrefix(strings.ToLower(s.Site), "www.") // as articles name theirs
	site := a.Article.Site == host || strings.HasSuffix(a.Article.Site, "."+host)
	return s.String() != "" && (s.Rule == "" || s.Rule == a.Rule) && (s.Site == "" || site) && (s.Story == 0 || s.Story == a.Story.ID) &&
		(s.Query == "" || holds != nil && holds(s.Query, &a.Article))
}

// A moment is what the decision on a delivery takes from its surroundings.
type moment struct {
	now      time.Time
	silences []Silence                           // in force
	holds    func(query string, a *Article) bool // nil: no query does
	window   time.Time                           // when the window closes that is open for the delivery (see windowOf); zero: none is
	sent     []time.Time                         // the last Policy.Limit messages that the channel took, the newest first; those of replays only where it is about one
}

// decide says what is to be done with a delivery before an attempt at sending it, or when its bundle is due: nothing, and it may go out;
// or it comes back held in a bundle until some later moment (or one that has passed: the bundle is due), or silenced. It asks for
// the same again when it is asked again: a digest's time follows from when the delivery was made, not from when it is looked at.
func decide(d Delivery, p Policy, m moment) Delivery {
	if d.Alert.Kind == KindHealth && d.Bundle == "" && !d.Begun {
		return d.held(ForHealth, closes(m, p.Group))
	}
	if d.Alert.Passes() || d.Bundle == Replayed {
		return d.open()
	}
	if d.Bundle.Reason() == ForEscalation && !d.Alert.Acked.IsZero() { // meanwhile; a receiver that was down need not hear of it
		d.State = DeliveryAcked
		return d
	}
	if d.Alert.Kind != KindDigest { // what stands in it was looked at when it was gathered
		for _, s := range m.silences {
			if s.Active(m.now) && s.covers(&d.Alert, m.holds) {
				d.State, d.Silence = DeliverySilenced, s.ID
				return d
			}
		}
	}
	if d.Archived {
		return d.inLine(p, m)
	}
	if d.Bundle.Reason() == ForEscalation && len(d.Told) == 0 && d.Silence != 0 { // nobody was to be told of it
		d.State = DeliverySilenced
		return d
	}
	if d.Bundle.Reason() == ForEscalation || p.Unless != "" && AtLeast(d.Alert.About.Severity, p.Unless) && d.Alert.Kind != KindDigest {
		return d.open()
	}
	scope := ""
	if p.Own {
		scope = d.Alert.Rule
	}
	single := d.Alert.Kind != KindDigest && !d.Begun // else it keeps its id, and goes out as what it is
	if p.Digest != nil && single {
		at := opening(p.Hours, nextDigest(p.Digest, d.Created))
		if d.Created.After(m.now) { // by a clock that was set back since: it waits for the next one, and once
			if at = opening(p.Hours, nextDigest(p.Digest, m.now)); d.Bundle.Reason() == ForDigest && !d.Due.After(m.now) {
				at = m.now
			}
		}
		if at.After(m.now) || d.Bundle == "" {
			return d.held(NewBundle(ForDigest, scope), at)
		}
	}
	if at := opening(p.Hours, m.now); at.After(m.now) {
		return d.held(NewBundle(ForHours, scope), at)
	}
	if p.Group > 0 && single && d.Bundle == "" {
		return d.held(NewBundle(ForGroup, d.Alert.Rule), closes(m, p.Group))
	}
	if at, full := p.full(m); full {
		return d.held(NewBundle(ForLimit, scope), at)
	}
	return d.open()
}

// inLine is decide for a delivery in the line of the archive, which is no news, however severe. It is told singly or in the digest that the replay
// asked for; the hours and the limit keep it, where it stands.
func (d Delivery) inLine(p Policy, m moment) Delivery {
	if at := opening(p.Hours, m.now); at.After(m.now) {
		return d.held(d.Bundle, at)
	}
	if at, full := p.full(m); full {
		return d.held(d.Bundle, at)
	}
	return d.open()
}

// full reports whether the channel took as many messages as it may in an hour, and until when it takes no more.
func (p Policy) full(m moment) (until time.Time, full bool) {
	// What was sent in a future further away than that was sent by a clock that was set back since, and would close the channel until then.
	sent := slices.DeleteFunc(slices.Clone(m.sent), func(t time.Time) bool { return t.After(m.now.Add(limitWindow)) })
	if p.Limit == 0 || len(sent) < p.Limit {
		return until, false
	}
	until = sent[p.Limit-1].Add(limitWindow)
	return until, until.After(m.now)
}

// windowOf is the bundle in which a delivery waits for others that come shortly after it; "": in none.
func windowOf(d Delivery, p Policy) Bundle {
	switch {
	case d.Bundle != "":
		return ""
	case d.Alert.Kind == KindHealth:
		return ForHealth
	case p.Group > 0:
		return NewBundle(ForGroup, d.Alert.Rule)
	}
	return ""
}

// closes is when the window that is open closes, or one of such a length that opens now.
func closes(m moment, length time.Duration) time.Time {
	if m.window.IsZero() || length == 0 {
		return m.now.Add(length)
	}
	return m.window
}

func (d Delivery) open() Delivery {
	d.State = DeliveryOpen
	return d
}

func (d Delivery) held(b Bundle, until time.Time) Delivery {
	d.State, d.Bundle, d.Due = DeliveryHeld, b, until
	return d
}

// Bounds of a silence.
const (
	MaxSilence     = 366 * 24 * time.Hour // a rule that is to be quiet for longer is to be taken out
	maxSilenceText = 1000                 // bytes of each of its texts
)

// Check says what is wrong with a silence that is to begin at now, as a sentence; nil: nothing.
func (s Silence) Check(now time.Time) error {
	switch {
	case s.String() == "":
		return errors.New("a silence must name a rule, a site, a story or a query: one that names nothing would keep everything quiet")
	case strings.ContainsAny(s.Site, "/* "), strings.HasPrefix(s.Site, "."):
		return errors.New("a silence's site is a host, without https:// and path, and with its subdomains: paper.example")
	case s.Story < 0:
		return errors.New("a story's number is positive; `stories list` shows them")
	case !s.Until.After(now):
		return errors.New("a silence must end at some time that is still to come")
	case s.Until.Sub(now) > MaxSilence:
		return fmt.Errorf("a silence lasts %d days at most; take the rule out, or its channel", MaxSilence/(24*time.Hour))
	}
	for name, text := range map[string]string{"rule": s.Rule, "site": s.Site, "query": s.Query, "author": s.Author, "comment": s.Comment} {
		if len(text) > maxSilenceText {
			return fmt.Errorf("the %s of a silence is longer than %d bytes", name, maxSilenceText)
		}
	}
	return nil
}

// Acknowledged is what acknowledging a delivery came to.
type Acknowledged struct {
	Known       bool // there is such a delivery
	Alerts      int  // that nobody had acknowledged before: one, or those that a digest gathers
	Escalations int  // that will not go out now
}
