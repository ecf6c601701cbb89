package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"wirewatch/alerts"
	"wirewatch/alerts/lab"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// A previewRow is what one channel would be sent.
type previewRow struct {
	Rule    string          `json:"rule"`
	Channel string          `json:"channel"`
	Kind    string          `json:"kind"`
	Of      string          `json:"of"`      // archive: the newest article that the rule matches; asked; sample: an invented one
	Article int64           `json:"article"` // 0: a sample
	Matches bool            `json:"matches"` // the rule matches the article
	State   string          `json:"state"`   // open: it would go out now; held, silenced; below: of less severity than the channel is told of; escalation: later, if nobody acknowledges
	Bundle  string          `json:"bundle"`  // what would hold it
	Due     string          `json:"due"`     // of what is held: until when
	Silence int64           `json:"silence"` // that would keep it quiet; 0: none
	Why     string          `json:"why"`     // the same as a sentence
	Text    string          `json:"text"`
	Payload json.RawMessage `json:"payload"` // what goes over the wire: the JSON of a request, a mail as a string
}

func runAlertsPreview(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	article := fs.Int64("article", 0, "of the stored article with this `ID`; without it, of the newest that the rule matches")
	channel := fs.String("channel", "", "for this `channel` only")
	asJSON := fs.Bool("json", false, "JSON lines, with what goes over the wire")
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	s, err := load(*file, e.getenv, e.now)
	if err != nil {
		return err
	}
	r, ok := s.byName[rest[0]]
	if !ok {
		names := make([]string, 0, len(s.byName))
		for n := range s.byName {
			names = append(names, n)
		}
		return fmt.Errorf("there is no rule %q%s", rest[0], didYouMean(rest[0], names))
	}
	told, err := s.previewed(r, *channel)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		p := preview{s: s, e: e, st: st, rule: r}
		if err := p.find(ctx, *article); err != nil {
			return err
		}
		rows := make([]previewRow, len(told))
		for i, c := range told {
			if rows[i], err = p.row(ctx, c); err != nil {
				return fmt.Errorf("channel %q: %w", c.Name, err)
			}
		}
		fmt.Fprintln(e.stderr, p.said())
		if *asJSON {
			return printJSON(e.stdout, rows)
		}
		colour := colours(e.stdout, e.getenv)
		for _, x := range rows {
			fmt.Fprintf(e.stdout, "%s %s\n\n  %s\n\n", paint(colour, bold, fmt.Sprintf("%s (%s):", x.Channel, x.Kind)), alerts.Terminal(x.Why),
				strings.ReplaceAll(x.Text, "\n", "\n  "))
		}
		return nil
	})
}

// previewed are the channels that a rule names, or may escalate to: all of them, or the one that is asked for.
func (s *setup) previewed(r rules.Rule, only string) (out []configs.Channel, err error) {
	var names []string
	for _, c := range s.cfg.Channels {
		if len(r.Channels) > 0 && !slices.Contains(r.Channels, c.Name) && s.quiet.escalate[r.Name].To != c.Name {
			continue
		}
		if names = append(names, c.Name); only == "" || only == c.Name {
			out = append(out, c)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("rule %q has no channel: nothing would be sent", r.Name)
	case len(out) == 0:
		return nil, fmt.Errorf("rule %q does not go to channel %q%s; it goes to %s", r.Name, only, didYouMean(only, names), strings.Join(names, ", "))
	}
	return out, nil
}

// A preview is an alert that nobody is sent.
type preview struct {
	s    *setup
	e    *env
	st   *store.Store
	rule rules.Rule

	alert   pipeline.Alert
	of      string
	matches bool
}

// find makes the alert: of the article that is asked for (0: of the newest that matches), or of a sample where the archive has none.
func (p *preview) find(ctx context.Context, article int64) error {
	p.of = "asked"
	if article == 0 {
		f, ok, err := newLab(p.e, p.st).Newest(ctx, p.rule)
		if err != nil {
			return err
		}
		if p.of = "archive"; !ok {
			p.of = "sample"
		}
		article = f.Article.ID
	}
	if p.of == "sample" {
		p.alert = alerts.Sample("", p.e.now()).Alert
	} else {
		a, err := p.st.Saying(ctx, article)
		if err != nil {
			return missingArticle(err, article)
		}
		set, err := rules.Compile([]rules.Rule{p.rule})
		if err != nil {
			return err
		}
		f := lab.Found{Article: a.Article, Hits: set.Match(lab.Doc(&a.Article))}
		p.alert, p.matches = a, len(f.Hits) > 0
		p.alert.Spans = f.Spans()
	}
	now := p.e.now()
	m := p.s.matchOf(p.rule.Name, now)
	p.alert.Rule, p.alert.About, p.alert.Escalate, p.alert.Kind, p.alert.Created = m.Rule, m.About, m.Escalate, pipeline.KindMatch, now
	return nil
}

// said is of what the preview is.
func (p *preview) said() string {
	title := clip(alerts.Terminal(p.alert.Article.Title), 2*wide)
	switch {
	case p.of == "sample":
		return fmt.Sprintf("no stored article matches rule %q, so this is a sample", p.rule.Name)
	case p.of == "archive":
		return fmt.Sprintf("article %d, the newest in the archive that rule %q matches: %s", p.alert.Article.ID, p.rule.Name, title)
	case !p.matches:
		return fmt.Sprintf("article %d, which rule %q does not match, so that it would not be told: %s", p.alert.Article.ID, p.rule.Name, title)
	}
	return fmt.Sprintf("article %d, which rule %q matches: %s", p.alert.Article.ID, p.rule.Name, title)
}

// row is what one channel would be sent, and when.
func (p *preview) row(ctx context.Context, c configs.Channel) (previewRow, error) {
	now := p.e.now()
	d := pipeline.Delivery{UID: "msg_preview", Channel: c.Name, State: pipeline.DeliveryOpen, Created: now, Due: now, Alert: p.alert}
	x := previewRow{Rule: p.rule.Name, Channel: c.Name, Kind: c.Kind, Of: p.of, Article: p.alert.Article.ID, Matches: p.matches}
	esc := p.alert.Escalate
	switch {
	case c.Name == esc.To:
		x.State, x.Why = "escalation", fmt.Sprintf("%s after the others, unless someone acknowledges it", pipeline.ShortDuration(esc.After))
		d.Bundle = pipeline.NewBundle(pipeline.ForEscalation, "")
	case !slices.Contains(p.s.route[p.rule.Name], c.Name):
		x.State, x.Why = "below", fmt.Sprintf("not told: the rule's severity is %s, and the channel is told of %s and above only",
			cmp.Or(p.rule.Severity, pipeline.DefaultSeverity), p.s.quiet.least[c.Name])
	default:
		judge := &pipeline.Deliverer{Store: p.st, Now: p.e.now, Policy: p.s.quiet.policy, Holds: (&silenceQueries{}).holds}
		y, err := judge.Decide(ctx, d)
		if err != nil {
			return x, err
		}
		x.State, x.Silence = string(y.State), y.Silence
		switch wait := p.s.waits[c.Name]; {
		case y.State == pipeline.DeliveryHeld:
			x.Bundle, x.Due, x.Why = string(y.Bundle), stamp(y.Due), "would be "+deliveryWhy(y)
		case y.State == pipeline.DeliverySilenced:
			x.Why = "would be kept quiet by " + deliveryWhy(y)
		case wait > 0:
			x.Why = fmt.Sprintf("would go out after a wait of %s", pipeline.ShortDuration(wait))
		default:
			x.Why = "would go out at once"
		}
	}
	if p.rule.Expired(now) {
		x.Why += "; but the rule has expired and tells nobody"
	}
	text, payload, err := alerts.Preview(p.s.channels[c.Name], d)
	if err != nil {
		return x, err
	}
	if x.Text = text; !json.Valid(payload) { // a mail
		if payload, err = json.Marshal(string(payload)); err != nil {
			return x, err
		}
	}
	x.Payload = payload
	return x, nil
}
