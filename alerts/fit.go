package alerts

import (
	"errors"
	"fmt"

	"wirewatch/pipeline"
)

// fit makes a message that its receiver takes. build renders it and says whether that is within the receiver's limits; while it is not,
// the message loses outlets first, then passages, then changes, then what stands in a digest and its items, then notes, what the rule's
// author says, tags, then a link that is as long as a message, and at last its headline is cut.
// The error is build's, or says that nothing is left to leave out.
func fit[B any](m Message, build func(Message) (b B, fits bool, err error)) (B, error) {
	for {
		b, fits, err := build(m)
		if fits || err != nil {
			return b, err
		}
		switch {
		case len(m.Outlets) > 0:
			m.Outlets = m.Outlets[:len(m.Outlets)-1]
		case len(m.Passages) > 0:
			m.Passages = m.Passages[:len(m.Passages)-1]
		case len(m.Changes) > 0:
			m.Changes = m.Changes[:len(m.Changes)-1]
		case m.shorter():
		case m.Whole && len(m.Items) > 1:
			var none B
			return none, errNoRoom
		case len(m.Notes) > 0:
			m.Notes = m.Notes[:len(m.Notes)-1]
		case m.RuleNote != "":
			m.RuleNote = ""
		case len(m.Tags) > 0:
			m.Tags = nil
		case len(m.Link) > longLink:
			m.Link = ""
		case len(m.Headline.Text) > shortest:
			m.Headline = Passage{Field: m.Headline.Field, Text: clip(m.Headline.Text, len([]rune(m.Headline.Text))*2/3), Hits: []Hit{}}
		default:
			var none B
			return none, fmt.Errorf("the message is too long for its receiver, and nothing is left to leave out")
		}
	}
}

const (
	longLink = 1000 // bytes; half of all that Discord takes
	shortest = 60   // bytes of a headline that are never cut: a receiver that takes less takes nothing
)

var errNoRoom = errors.New("there is no room for all items of the digest")

// A composer makes the body of a delivery's message within its receiver's limits.
type composer interface {
	compose(d pipeline.Delivery, m Message) ([]byte, error)
}

// fits reports whether the message of a digest has room for all that it gathers.
func fits(c composer, d pipeline.Delivery) bool {
	m := Render(d)
	m.Whole = true
	_, err := c.compose(d, m)
	return !errors.Is(err, errNoRoom)
}
