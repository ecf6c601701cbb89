package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"
	"unicode/utf16"

	"wirewatch/pipeline"
)

// A chat is what the channels that post a message as JSON to one place have in common.
type chat struct {
	kind string
	name string
	pace time.Duration // least time between two messages
	post *poster
	own  *override // the text as the settings want it; nil: the standard one
}

// hookSettings are those of a channel whose address is all that it needs.
type hookSettings struct {
	URL      pipeline.Secret `yaml:"url,required" also:"webhook,webhook_url,hook"`
	Template string          `yaml:"template" also:"text,message"`
}

// addressed reads hookSettings. p is the markup of templates; wrong says what is wrong with an address of this kind and what to do, "" nothing.
func addressed(settings Settings, p printer, wrong func(to string) (msg, hint string)) (to pipeline.Secret, own *override, err error) {
	var s hookSettings
	if err := settings.Decode(&s); err != nil {
		return to, nil, err
	}
	var m Mistakes
	address(&m, s.URL)
	if msg, hint := wrong(s.URL.Reveal()); msg != "" {
		m.add("url", hint, "%s", msg)
	}
	own = m.template(s.Template, p)
	return s.URL, own, m.err()
}

// anyAddress finds nothing wrong with an address of the right form.
func anyAddress(string) (msg, hint string) { return "", "" }

// newChat makes the common part of a channel. hide are its secrets beside the address.
func newChat(kind, name string, pace time.Duration, to pipeline.Secret, own *override, deps Deps, hide ...pipeline.Secret) *chat {
	p := newPoster(kind, to, deps, hide...)
	p.pace = pace
	return &chat{kind, name, pace, p, own}
}

// Format keeps addresses and tokens out of whatever verb prints the channel.
func (c *chat) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%s channel %q", c.kind, c.name) }

// Pace is the receiver's limit.
func (c *chat) Pace() time.Duration { return c.pace }

// Warnings lists what is allowed but hardly meant.
func (c *chat) Warnings() []string {
	if plainHTTP(c.post.url) {
		return []string{"`url` is http: messages and the key to the channel travel in the clear; use https"}
	}
	return nil
}

// bearer has each request carry a token, unless there is none.
func (c *chat) bearer(token pipeline.Secret) {
	if !token.IsZero() {
		c.post.headers = http.Header{"Authorization": {"Bearer " + token.Reveal()}}
	}
}

// payload renders a message into the body of a request within the receiver's limits, see worded.
func (c *chat) payload(m Message, build func(m Message, own *string) (body []byte, fits bool, err error)) ([]byte, error) {
	return worded(c.kind, c.own, m, build)
}

// said is the text of a message in a markup, the channel's own where there is one.
func (c *chat) said(m Message, own *string, p printer) string {
	if own != nil {
		return *own
	}
	return p.lines(layout(m))
}

// header goes with every request. The delivery's id is in it as by Standard Webhooks: the services here ignore it, what stands between
// can tell a repetition by it.
func (c *chat) header(d pipeline.Delivery) http.Header {
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Webhook-Id": {d.UID}}
	maps.Copy(h, c.post.headers)
	return h
}

// say posts what a delivery comes to, to the channel's address.
func (c *chat) say(ctx context.Context, d pipeline.Delivery, payload func(pipeline.Delivery) ([]byte, error)) (answer, error) {
	body, err := payload(d)
	if err != nil {
		return answer{}, err
	}
	return c.post.post(ctx, c.header(d), body)
}

// word is what a receiver said in its error, safe and short enough to show and to look up.
func (c *chat) word(s string) string { return clip(c.post.scrub(s), 100) }

// read takes the fields of v from an answer in JSON; an answer in anything else leaves them as they are.
func (a answer) read(v any) { _ = json.Unmarshal([]byte(a.body), v) } // what is missing then is no yes

// threaded is the update by which d belongs behind the message that told first; nil: it stands by itself, as the rule may want it to. A
// digest belongs there when all that it gathers belongs behind the same message: by the item that tells of most outlets.
func threaded(d pipeline.Delivery) (by *pipeline.Delivery) {
	all := []pipeline.Delivery{d}
	if d.Alert.Kind == pipeline.KindDigest {
		all = d.Alert.Members
	}
	for i := range all {
		u := all[i].Alert.Update
		switch {
		case u == nil || u.Separate:
			return nil
		case by == nil:
			by = &all[i]
		case u.UID != by.Alert.Update.UID:
			return nil
		case u.Outlets >= by.Alert.Update.Outlets:
			by = &all[i]
		}
	}
	return by
}

// inReply is the receiver's name of the message that d belongs behind, "": none.
func inReply(d pipeline.Delivery) string {
	by := threaded(d)
	if by == nil {
		return ""
	}
	return by.Alert.Update.Ref
}

// units counts s in UTF-16 code units, as Telegram and Discord do.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// seconds is a number of seconds as a duration, 0 for what makes no sense.
func seconds(n float64) time.Duration {
	if n <= 0 || n > 1e6 {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
