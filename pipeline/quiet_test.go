package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What is done with a delivery, one way at a time and where several meet. It is Friday, 10:00 in London.
func TestDecide(t *testing.T) {
	now := at("2026-11-27T10:00:00Z")
	morning, err := ParseCron("0 8 * * *")
	if err != nil {
		t.Fatal(err)
	}
	h, m := time.Hour, time.Minute
	open, shut := Hours{everyDay, 8 * h, 18 * h, time.UTC}, Hours{everyDay, 12 * h, 18 * h, time.UTC}
	sent := func(ago ...time.Duration) (out []time.Time) {
		for _, d := range ago {
			out = append(out, now.Add(-d))
		}
		return out
	}
	kind := func(k string) func(*Delivery) { return func(d *Delivery) { d.Alert.Kind = k } }
	was := func(b Bundle) func(*Delivery) { return func(d *Delivery) { d.State, d.Bundle = DeliveryHeld, b } }
	tried := func(d *Delivery) { d.Begun = true } // and whatever became of it
	says := func(s string) func(*Delivery) { return func(d *Delivery) { d.Alert.About.Severity = s } }
	by := func(s Silence) []Silence { s.ID, s.Until = 3, now.Add(h); return []Silence{s} }
	silenced := by(Silence{Rule: "r"})

	for _, c := range []struct {
		name string
		is   func(*Delivery)
		p    Policy
		m    moment
		want string
	}{
		{"nothing is said", nil, Policy{}, moment{}, "open"},
		{"a digest", nil, Policy{Digest: morning}, moment{}, "held digest 08:00 tomorrow"},
		{"a digest that was due before it was looked at", func(d *Delivery) { d.Created = now.Add(-3 * h) }, Policy{Digest: morning}, moment{}, "held digest 08:00"},
		{"its digest is due", func(d *Delivery) { d.Created = now.Add(-3 * h); was("digest")(d) }, Policy{Digest: morning}, moment{}, "open"},
		{"a digest of what was made by a clock that was set back", func(d *Delivery) { d.Created = now.Add(400 * 24 * h) }, Policy{Digest: morning}, moment{}, "held digest 08:00 tomorrow"},
		{"and that is due", func(d *Delivery) { d.Created = now.Add(400 * 24 * h); was("digest")(d) }, Policy{Digest: morning}, moment{}, "open"},
		{"its digest was due by an older configuration", was("digest"), Policy{Digest: morning}, moment{}, "held digest 08:00 tomorrow"},
		{"its digest is no more", was("digest"), Policy{}, moment{}, "open"},
		{"a digest of the rule's own", nil, Policy{Digest: morning, Own: true}, moment{}, "held digest r 08:00 tomorrow"},
		{"a digest's time outside the hours", nil, Policy{Digest: morning, Hours: []Hours{shut}}, moment{}, "held digest 12:00 tomorrow"},
		{"what was tried keeps its id", tried, Policy{Digest: morning, Group: m}, moment{}, "open"},

		{"inside the hours", nil, Policy{Hours: []Hours{open}}, moment{}, "open"},
		{"outside the hours", nil, Policy{Hours: []Hours{shut}}, moment{}, "held hours 12:00"},
		{"outside the hours of the rule's own", nil, Policy{Hours: []Hours{shut}, Own: true}, moment{}, "held hours r 12:00"},
		{"outside the hours after a failure", tried, Policy{Hours: []Hours{shut}}, moment{}, "held hours 12:00"},
		{"a digest that is late", kind(KindDigest), Policy{Digest: morning, Hours: []Hours{shut}}, moment{}, "held hours 12:00"},
		{"the hours begin", was("hours"), Policy{Hours: []Hours{open}}, moment{}, "open"},
		{"grouped, then outside the hours", was("group r"), Policy{Group: m, Hours: []Hours{shut}}, moment{}, "held hours 12:00"},
		{"hours before a group, or a night would make a hundred digests", nil, Policy{Group: m, Hours: []Hours{shut}}, moment{}, "held hours 12:00"},

		{"a group opens", nil, Policy{Group: 5 * m}, moment{}, "held group r 10:05"},
		{"a group is open", nil, Policy{Group: 5 * m}, moment{window: now.Add(2 * m)}, "held group r 10:02"},
		{"a group closes", was("group r"), Policy{Group: 5 * m}, moment{}, "open"},
		{"a digest is not grouped", kind(KindDigest), Policy{Group: 5 * m}, moment{}, "open"},
		{"an update is", kind(KindUpdate), Policy{Group: 5 * m}, moment{}, "held group r 10:05"},

		{"below the limit", nil, Policy{Limit: 3}, moment{sent: sent(m, 2*m)}, "open"},
		{"at the limit", nil, Policy{Limit: 3}, moment{sent: sent(m, 2*m, 50*m)}, "held limit 10:10"},
		{"at the limit a moment too early", nil, Policy{Limit: 1}, moment{sent: sent(h)}, "held limit 10:00"},
		{"the oldest has left the hour", nil, Policy{Limit: 3}, moment{sent: sent(m, 2*m, h+time.Millisecond)}, "open"},
		{"a digest is a message", kind(KindDigest), Policy{Limit: 1}, moment{sent: sent(30 * m)}, "held limit 10:30"},
		{"by a clock that was set back", nil, Policy{Limit: 1}, moment{sent: sent(-400 * 24 * h)}, "open"},
		{"by a clock that is a little ahead", nil, Policy{Limit: 1}, moment{sent: sent(-m)}, "held limit 11:01"},
		{"a failed one too", tried, Policy{Limit: 1}, moment{sent: sent(30 * m)}, "held limit 10:30"},

		{"too severe to be held", says("critical"), Policy{Digest: morning, Hours: []Hours{shut}, Group: m, Limit: 1, Unless: "critical"}, moment{sent: sent(m)}, "open"},
		{"not severe enough", says("high"), Policy{Group: m, Unless: "critical"}, moment{}, "held group r 10:01"},
		{"a rule that says no severity", nil, Policy{Group: m, Unless: "medium"}, moment{}, "open"},
		{"nor is a digest, whatever is in it", func(d *Delivery) { kind(KindDigest)(d); says("critical")(d) }, Policy{Hours: []Hours{shut}, Unless: "low"}, moment{}, "held hours 12:00"},

		{"silenced", nil, Policy{}, moment{silences: silenced}, "silenced 3"},
		{"silenced before it is held", nil, Policy{Digest: morning}, moment{silences: silenced}, "silenced 3"},
		{"silenced while it was held", was("digest"), Policy{}, moment{silences: silenced}, "silenced 3"},
		{"silenced however severe", says("critical"), Policy{Unless: "low"}, moment{silences: silenced}, "silenced 3"},
		{"silenced after a failure", tried, Policy{}, moment{silences: silenced}, "silenced 3"},
		{"a silence about another rule", nil, Policy{}, moment{silences: by(Silence{Rule: "s"})}, "open"},
		{"by site", nil, Policy{}, moment{silences: by(Silence{Site: "paper.example"})}, "silenced 3"},
		{"by the site above it", nil, Policy{}, moment{silences: by(Silence{Site: "example"})}, "silenced 3"},
		{"by the site as people write it", nil, Policy{}, moment{silences: by(Silence{Site: "WWW.Paper.example"})}, "silenced 3"},
		{"by one that names nothing", nil, Policy{}, moment{silences: by(Silence{})}, "open"},
		{"not by what it ends with", nil, Policy{}, moment{silences: by(Silence{Site: "aper.example"})}, "open"},
		{"by story", nil, Policy{}, moment{silences: by(Silence{Story: 17})}, "silenced 3"},
		{"another story", nil, Policy{}, moment{silences: by(Silence{Story: 18})}, "open"},
		{"by query", nil, Policy{}, moment{silences: by(Silence{Query: "cranes"})}, "silenced 3"},
		{"another query", nil, Policy{}, moment{silences: by(Silence{Query: "docks"})}, "open"},
		{"all of it is so", nil, Policy{}, moment{silences: by(Silence{Rule: "r", Site: "paper.example", Story: 17, Query: "cranes"})}, "silenced 3"},
		{"one of it is not", nil, Policy{}, moment{silences: by(Silence{Rule: "r", Site: "paper.example", Story: 17, Query: "docks"})}, "open"},
		{"a silence that is over", nil, Policy{}, moment{silences: []Silence{{ID: 3, Rule: "r", Until: now}}}, "open"},
		{"a silence that was ended", nil, Policy{}, moment{silences: []Silence{{ID: 3, Rule: "r", Until: now.Add(h), Ended: now}}}, "open"},
		{"a digest is not silenced, what is in it was", kind(KindDigest), Policy{}, moment{silences: silenced}, "open"},

		{"health waits for others of its kind alone", kind(KindHealth), Policy{Digest: morning, Hours: []Hours{shut}, Group: m, Limit: 1}, moment{sent: sent(m), silences: silenced}, "held health 10:01"},
		{"health, while others wait", kind(KindHealth), Policy{Group: 2 * m}, moment{window: now.Add(m)}, "held health 10:01"},
		{"health that waits for nothing", kind(KindHealth), Policy{}, moment{window: now.Add(m)}, "held health 10:00"},
		{"health when its window closes", func(d *Delivery) { kind(KindHealth)(d); was(ForHealth)(d) }, Policy{Hours: []Hours{shut}, Limit: 1}, moment{sent: sent(m), silences: silenced}, "open"},
		{"health that was tried", func(d *Delivery) { kind(KindHealth)(d); tried(d) }, Policy{Group: m}, moment{}, "open"},
		{"a digest of health", func(d *Delivery) {
			kind(KindDigest)(d)
			d.Alert.Members = []Delivery{{Alert: Alert{Kind: KindHealth}}}
		}, Policy{Hours: []Hours{shut}, Limit: 1}, moment{sent: sent(m)}, "open"},
		{"a test", kind(KindTest), Policy{Digest: morning, Hours: []Hours{shut}, Group: m, Limit: 1}, moment{sent: sent(m), silences: silenced}, "open"},
		{"sent by hand", func(d *Delivery) { d.Bundle = Replayed }, Policy{Digest: morning, Hours: []Hours{shut}, Group: m, Limit: 1}, moment{sent: sent(m), silences: silenced}, "open"},
		{"an escalation", was(ForEscalation), Policy{Digest: morning, Hours: []Hours{shut}, Group: m, Limit: 1}, moment{sent: sent(m)}, "open"},
		{"an escalation that failed, of what was acknowledged since", func(d *Delivery) { was(ForEscalation)(d); tried(d); d.Alert.Acked = now }, Policy{}, moment{}, "acked"},
		{"an alert that was acknowledged", func(d *Delivery) { d.Alert.Acked = now }, Policy{}, moment{}, "open"},
		{"an escalation of what is silenced now", was(ForEscalation), Policy{}, moment{silences: silenced}, "silenced 3"},
		{"an escalation of what was silenced", func(d *Delivery) { was(ForEscalation)(d); d.Told, d.Silence = nil, 2 }, Policy{}, moment{}, "silenced 2"},
	} {
		d := Delivery{State: DeliveryOpen, Created: now, Due: now, Told: []Told{{Channel: "desk"}},
			Alert: Alert{Rule: "r", Kind: KindMatch, Story: Story{ID: 17}, Article: Article{Site: "paper.example", Title: "cranes"}}}
		if c.is != nil {
			c.is(&d)
		}
		c.m.now = now
		c.m.holds = func(query string, a *Article) bool { return strings.Contains(a.Title, query) }
		got := decide(d, c.p, c.m)
		said := string(got.State)
		switch got.State {
		case DeliveryHeld:
			said += fmt.Sprintf(" %s %s", got.Bundle, got.Due.UTC().Format("15:04"))
			if got.Due.YearDay() != now.YearDay() {
				said += " tomorrow"
			}
		case DeliverySilenced:
			said += fmt.Sprint(" ", got.Silence)
		}
		if said != c.want {
			t.Errorf("%s: %s, want %s", c.name, said, c.want)
		}
		// Asked again in the same moment it says the same, unless its bundle is due: then there is nothing that keeps it.
		if again := decide(got, c.p, c.m); got.State == DeliveryHeld && got.Due.After(now) && (again.Bundle != got.Bundle || !again.Due.Equal(got.Due)) && got.Bundle.Reason() != ForGroup && got.Bundle != ForHealth {
			t.Errorf("%s: asked again it is held in %s until %s", c.name, again.Bundle, again.Due)
		}
	}
}

func TestSilenceCheck(t *testing.T) {
	now := at("2026-11-27T10:00:00Z")
	good := Silence{Rule: "r", Until: now.Add(time.Hour)}
	if err := good.Check(now); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Silence){
		"must name": func(s *Silence) { s.Rule = "" }, "still to come": func(s *Silence) { s.Until = now }, "366 days at most": func(s *Silence) { s.Until = now.Add(367 * 24 * time.Hour) },
		"is positive": func(s *Silence) { s.Story = -1 }, "the comment of a silence is longer": func(s *Silence) { s.Comment = strings.Repeat("x", 1001) },
	} {
		s := good
		change(&s)
		if err := s.Check(now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
