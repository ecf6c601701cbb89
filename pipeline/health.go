package pipeline

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

// Health: what Wirewatch lives on (feeds, sites, channels) can fail without any story failing with it, and then nothing comes and
// nobody wonders. So what fails is told to the operator's channels: once when it begins, once when it is over.
//
// A loop hands what it sees of a thing to the store together with what it saves anyway. The store knows what was told last, raises
// an alert where that is no longer true, and commits both or nothing: a crash neither loses a message nor repeats it. Conditions say
// what is, not what changed; so an operator's channel that is configured later is told of what is wrong then.

// A Condition is how one thing fares.
type Condition struct {
	Subject  string    // "feed:NAME", "site:HOST", "channel:NAME"
	Trouble  string    // what is wrong, in a word: dead, gone, broken; "": it is well
	Notice   bool      // nothing lasting: it is told whatever was told before, and nothing will be said of its end
	Since    time.Time // when the trouble began, as far as is known
	Headline string    // for people, also when it is well: then it is said of a trouble that is over
	Text     string    // why, and what to do, in sentences
	At       time.Time
	Channels []string // who is told; none: nobody, and nothing is noted
}

// Health is what an alert of KindHealth says, beside its headline.
type Health struct {
	Trouble string    // in a word; of a recovery: what is over
	Since   time.Time // when it began; zero: unknown
	Over    time.Time // when it was over; zero: it is not
	Notice  bool      // it does not last, and nothing will be said of its end
	Text    string
}

// When a feed counts as dead: it failed so often and for so long. Both, because one outage of an hour is many polls of a quick feed, and
// one day is a single poll of a slow one.
const (
	deadPolls = 3
	deadAfter = 24 * time.Hour
)

// emptyAfter is for how long a feed that had entries must have none before that is told.
const emptyAfter = 3 * time.Hour

// conditions are what the operator is to know of a feed after a poll. address is where it was polled.
func (p *Poller) conditions(f Feed, address string, now time.Time) (out []Condition) {
	to := operators(p.Operator, "")
	if len(to) == 0 {
		return nil
	}
	c := Condition{Subject: "feed:" + f.Name, At: now, Channels: to}
	switch {
	case !f.Retired.IsZero():
		c.Trouble, c.Since, c.Headline = "gone", f.Retired, fmt.Sprintf("Feed %s is gone", f.Name)
		c.Text = "Its server says that it is gone for good (410). It is asked again once a week. Look for its new address, or take it out of the configuration."
	case f.Failures >= deadPolls && now.Sub(f.FailingSince) >= deadAfter:
		c.Trouble, c.Since, c.Headline = "dead", f.FailingSince, fmt.Sprintf("Feed %s is dead", f.Name)
		c.Text = fmt.Sprintf("It has failed %d times in a row since %s; it is asked again at least every 6 hours. Last: %s", f.Failures, day(f.FailingSince), f.Error)
		if !f.LastOK.IsZero() {
			c.Text = fmt.Sprintf("It has failed %d times in a row and was well last on %s; it is asked again at least every 6 hours. Last: %s", f.Failures, day(f.LastOK), f.Error)
		}
	case f.Failures == 0 && !f.EmptySince.IsZero():
		if now.Sub(f.EmptySince) < emptyAfter {
			return nil // many a paper empties its feed for a moment while it makes the next
		}
		c.Trouble, c.Since, c.Headline = "emptied", f.EmptySince, fmt.Sprintf("Feed %s is empty", f.Name)
		c.Text = fmt.Sprintf("It answers, but lists nothing since %s; before, it had %d entries. Look at it in a browser: the paper may have moved it without a word.", day(f.EmptySince), f.Entries)
	case f.Failures == 0:
		c.Headline, c.Text = fmt.Sprintf("Feed %s is well again", f.Name), "It answers, and what it lists is read as before."
	default:
		return nil // it fails, but not for long yet
	}
	out = append(out, c)
	if f.Address != address {
		out = append(out, Condition{Subject: c.Subject, Trouble: "moved", Notice: true, At: now, Since: now, Channels: to,
			Headline: fmt.Sprintf("Feed %s has moved", f.Name),
			Text: fmt.Sprintf("Its server has said so %d times in a row, and it is followed to %s. Nothing is missed; put the new address into the configuration when you can.",
				believeMove, bare(f.Address))})
	}
	return out
}

// conditions are what the operator is to know of a site.
func (w *SiteWatch) conditions(h SiteHealth) []Condition {
	to := operators(w.Operator, "")
	if len(to) == 0 {
		return nil
	}
	c := Condition{Subject: "site:" + h.Site, At: w.Now(), Channels: to,
		Headline: fmt.Sprintf("%s is read as before again", h.Site),
		Text:     "Either its pages are what they were, or what they became has been its habit for weeks."}
	if h.State == SiteBroken {
		c.Trouble, c.Since, c.Headline = "broken", h.Since, fmt.Sprintf("%s is not read as before", h.Site)
		c.Text = "Of its latest articles " + h.Reason() + ": probably a redesign. Look at a page with `wirewatch extract --explain`; a site rule helps until the generic way does."
	}
	return []Condition{c}
}

// condition is what the operator is to know of a channel after an attempt: that its receiver is gone (why), or took a message.
func (d *Deliverer) condition(channel string, why error, now time.Time) []Condition {
	to := operators(d.Operator, channel)
	if len(to) == 0 {
		return nil
	}
	c := Condition{Subject: "channel:" + channel, At: now, Channels: to,
		Headline: fmt.Sprintf("Channel %s is told again", channel), Text: "Its receiver took a message. What waited for it goes out in order."}
	if why != nil {
		c.Trouble, c.Since, c.Headline = "gone", now, fmt.Sprintf("Channel %s is told nothing any more", channel)
		c.Text = fmt.Sprintf("Its receiver is gone for good. What waits for it is kept; correct its settings and reload. It said: %s", why)
	}
	return []Condition{c}
}

// operators are the operator's channels without one that cannot be told of itself.
func operators(list func() []string, without string) []string {
	if list == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(list()), func(n string) bool { return n == without })
}

// day is a moment for people.
func day(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }

// bare is an address without what may be secret in it.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a new address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
