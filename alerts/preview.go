package alerts

import (
	"fmt"

	"wirewatch/pipeline"
)

// Preview is what a channel would send of a delivery: the text as a terminal shows it, in the channel's markup where a template makes it,
// and the very payload, JSON or a mail. Nothing is sent.
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
	m := Render(d)
	if c, ok := ch.(interface{ template() *override }); ok && c.template() != nil {
		if text, err := c.template().text(m); err == nil { // else the standard text goes out
			return TerminalText(text), payload, nil
		}
	}
	return Text(m), payload, nil
}

func (c *chat) template() *override    { return c.own }
func (e *email) template() *override   { return e.own }
func (w *webhook) template() *override { return w.own }
