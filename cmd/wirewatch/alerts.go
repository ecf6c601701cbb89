package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

type deliveryRow struct {
	ID       int64  `json:"id"`
	UID      string `json:"uid"`
	State    string `json:"state"`
	Channel  string `json:"channel"`
	Rule     string `json:"rule"`
	Story    int64  `json:"story"`
	Title    string `json:"title"`
	URL      string `json:"url"`
	Attempts int    `json:"attempts"`
	Created  string `json:"created"`
	Due      string `json:"due"`
	Sent     string `json:"sent"`
	Error    string `json:"error"`
	Severity string `json:"severity"`
	Mark     string `json:"mark"` // right or wrong, by a person's word; "": nobody said
	MarkedBy string `json:"marked_by"`
	MarkNote string `json:"mark_note"`
	Marked   string `json:"marked"`  // when
	Bundle   string `json:"bundle"`  // what holds it, or held it last; "" none
	Digest   int64  `json:"digest"`  // the delivery of the digest that it is part of; 0: none
	Silence  int64  `json:"silence"` // the silence that keeps it quiet; 0: none
	Acked    string `json:"acked"`   // when someone acknowledged it
	AckedBy  string `json:"acked_by"`
	Kind     string `json:"kind"` // match, update, digest, health, test
	News     string `json:"news"` // what the kind leaves open, see deliveryNews
}

// mark is what a person says of the alert, for a table.
func (r deliveryRow) mark() string {
	said := r.MarkedBy
	if r.MarkNote != "" {
		said = strings.TrimPrefix(said+": "+r.MarkNote, ": ")
	}
	if said == "" {
		return r.Mark
	}
	return r.Mark + " (" + said + ")"
}

// deliveryWhy says why a delivery is where it is.
func deliveryWhy(d pipeline.Delivery) string {
	switch d.State {
	case pipeline.DeliveryHeld:
		if d.Archived {
			return fmt.Sprintf("held (%s) behind what is live, until %s at least", d.Bundle, stamp(d.Due))
		}
		return fmt.Sprintf("held (%s) until %s", d.Bundle, stamp(d.Due))
	case pipeline.DeliveryGathered:
		return fmt.Sprintf("in digest %d, which is not sent yet", d.Digest)
	case pipeline.DeliverySilenced:
		return fmt.Sprintf("silence %d", d.Silence)
	case pipeline.DeliveryAcked:
		return fmt.Sprintf("acknowledged%s at %s", by(d.Alert.AckedBy), stamp(d.Alert.Acked))
	case pipeline.DeliverySent:
		if d.Digest != 0 {
			return fmt.Sprintf("in digest %d", d.Digest)
		}
	}
	return d.Error
}

// waits is deliveryWhy of one that waits, also where the channel that it waits for is none of channels, or has others to send before.
func waits(d pipeline.Delivery, channels []configs.Channel, now time.Time) string {
	why := deliveryWhy(d)
	switch named := slices.ContainsFunc(channels, func(c configs.Channel) bool { return c.Name == d.Channel }); {
	case d.State != pipeline.DeliveryOpen && d.State != pipeline.DeliveryHeld && d.State != pipeline.DeliveryGathered:
	case !named:
		return strings.TrimPrefix(why+"; ", "; ") + "the configuration names no channel " + d.Channel + ", so it waits until one is there"
	case why == "" && now.Sub(d.Due) > time.Minute:
		return "waits behind earlier messages of its channel"
	}
	return why
}

// by names a person in a sentence; "" names nobody.
func by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}

// deliveryTitle is what a delivery tells of.
func deliveryTitle(d pipeline.Delivery) string {
	switch {
	case d.Alert.OfHealth():
		return fmt.Sprintf("digest of %s", count(len(d.Alert.Members), "message"))
	case d.Alert.Kind == pipeline.KindDigest:
		return fmt.Sprintf("digest of %s", count(len(d.Alert.Members), "article"))
	}
	return d.Alert.Article.Title
}

// deliveryNews says in a few words what the kind of a delivery's alert leaves open: which news of the story it tells, that it is an
// escalation, that it is told from the archive. "": nothing.
func deliveryNews(d pipeline.Delivery) string {
	var out []string
	if u := d.Alert.Update; u != nil {
		switch {
		case u.Withdrawn:
			out = append(out, "withdrawn")
		case u.Outlets > 0:
			out = append(out, count(u.Outlets, "other outlet"))
		case u.Corrected:
			out = append(out, "corrected")
		default:
			out = append(out, fmt.Sprint("version ", u.Version))
		}
	}
	if d.Bundle.Reason() == pipeline.ForEscalation || len(d.Told) > 0 {
		out = append(out, "escalation")
	}
	if d.Archived {
		out = append(out, "from the archive")
	}
	return strings.Join(out, ", ")
}

func runAlertsList(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	state := fs.String("state", "all", "open, held, gathered, silenced, acked, sent, dead or all")
	channel := fs.String("channel", "", "of this `channel` only")
	limit := fs.Int("limit", 100, "at most so many, newest first")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	only, err := v.state(*state, "open", "held", "gathered", "silenced", "acked", "sent", "dead")
	if err != nil {
		return err
	}
	filter := store.DeliveryFilter{State: pipeline.DeliveryState(only), Channel: *channel, Limit: *limit}
	channels, err := configuredChannels(e, *file)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.Deliveries(ctx, filter)
		if err != nil {
			return err
		}
		rows := make([]deliveryRow, len(list))
		cells := make([][]string, len(list))
		for i, d := range list {
			r := deliveryRow{d.ID, d.UID, string(d.State), d.Channel, d.Alert.Rule, d.Alert.Story.ID, deliveryTitle(d), d.Alert.Article.URL,
				d.Attempts, stamp(d.Created), stamp(d.Due), stamp(d.Sent), d.Error,
				d.Alert.About.Severity, string(d.Alert.Mark.Says), d.Alert.Mark.By, d.Alert.Mark.Note, stamp(d.Alert.Mark.At),
				string(d.Bundle), d.Digest, d.Silence, stamp(d.Alert.Acked), d.Alert.AckedBy, d.Alert.Kind, deliveryNews(d)}
			rows[i] = r
			title := r.Title
			if r.News != "" {
				title += " (" + r.News + ")"
			}
			cells[i] = []string{strconv.FormatInt(r.ID, 10), r.State, r.Channel, r.Rule, strconv.Itoa(r.Attempts), r.Created, r.mark(), title, waits(d, channels, e.now())}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "STATE", "CHANNEL", "RULE", "TRIES", "CREATED", "MARK", "TITLE", "WHY"}, cells, noneOf("deliveries", *state))
	})
}

// configuredChannels are the channels that a configuration names.
func configuredChannels(e *env, file string) ([]configs.Channel, error) {
	cfg, err := loadPlain(file, e.getenv)
	if err != nil {
		return nil, err
	}
	return cfg.Channels, nil
}

func runAlertsRetry(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	list, err := v.ids(fs, args, 0, -1)
	if err != nil {
		return err
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return withStore(ctx, e, *file, func(st *store.Store) error {
		n, err := st.RetryDeliveries(ctx, list...)
		if err != nil {
			return err
		}
		if n < len(list) {
			fmt.Fprintf(e.stderr, "%s not found, or waiting already; `wirewatch alerts list --state all` shows which there are\n", count(len(list)-n, "delivery"))
		}
		fmt.Fprintf(e.stderr, "%s due again, behind what waits already; a running daemon sends soon, else `wirewatch run --once`\n", count(n, "delivery"))
		return nil
	})
}

func runAlertsMark(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	by := fs.String("by", "", "who says so, a `name`")
	note := fs.String("note", "", "why, a `text`")
	rest, err := v.parse(fs, args, 2, -1)
	if err != nil {
		return err
	}
	m := pipeline.Mark{By: *by, Note: *note, At: e.now()}
	last := len(rest) - 1
	switch said := rest[last]; said {
	case string(pipeline.Right), string(pipeline.Wrong):
		m.Says = pipeline.Judgement(said)
	case "-":
	default:
		return usagef("alerts mark: the last word is wrong, right, or - to take back what was said, not %q", said)
	}
	list, err := ids(rest[:last])
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if err := st.MarkAlerts(ctx, m, list...); err != nil {
			return err
		}
		what := "marked " + string(m.Says)
		if m.Says == "" {
			what = "without a mark"
		}
		fmt.Fprintf(e.stderr, "%s %s; `wirewatch rules suggest RULE` learns from marks\n", count(len(list), "alert"), what)
		return nil
	})
}

func runAlertsTest(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	rest, err := v.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	s, err := load(*file, e.getenv, e.now)
	if err != nil {
		return err
	}
	names := make([]string, len(s.cfg.Channels))
	for i, c := range s.cfg.Channels {
		names[i] = c.Name
		if c.Name != rest[0] {
			continue
		}
		client, err := newClient(s.cfg, nil)
		if err != nil {
			return err
		}
		defer client.Close()
		ch, err := newChannel(c, client, e.stdout)
		if err != nil {
			return err
		}
		d := alerts.Sample(c.Name, e.now())
		if _, err := ch.Send(ctx, d); err != nil {
			return fmt.Errorf("channel %q did not take the sample: %w", c.Name, err)
		}
		fmt.Fprintf(e.stderr, "channel %q took the sample (%s)\n", c.Name, d.UID)
		return nil
	}
	return fmt.Errorf("there is no channel %q%s", rest[0], didYouMean(rest[0], names))
}
