package alerts

import (
	"fmt"

	"wirewatch/pipeline"
)

// Preview is what a channel would send of a delivery: its text for people, in the channel's markup where a template makes it, and
// the very payload, JSON or a mail. Nothing is sent.
func Preview(ch pipeline.Channel, d pipeline.Delivery) (text string, payload []byte, err error) {
	c, ok := ch.(interface {
		// Payload is what Send would hand to the receiver, the body of its request.
		Payload(d pipeline.Delivery) ([]byte, error)
	})
	if !ok {
		return "", nil, fmt.Errorf("%v cannot say what it would send", ch)
	}
	if payload, err = c.Payload(d); err != nil {
		return "", nil, err
	}
	if c, ok := ch.(interface{ says(m Message) string }); ok {
		return c.says(Render(d)), payload, nil
	}
	return Text(Render(d)), payload, nil
}

func (c *chat) says(m Message) string    { return c.own.or(Text, m) }
func (w *webhook) says(m Message) string { return w.own.or(Text, m) }
func (e *email) says(m Message) string   { return e.own.or(emailPlain, m) }

// or is what a template makes of a message, safe to print, or the standard text where there is no template or it fails, as when it is sent.
func (o *override) or(standard func(Message) string, m Message) string {
	if o != nil && (o.items || len(m.Items) == 0) {
		if s, err := o.text(m); err == nil {
			return TerminalText(s)
		}
	}
	return standard(m)
}
