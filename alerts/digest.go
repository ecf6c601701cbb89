package alerts

import (
	"fmt"
	"slices"
	"strings"

	"wirewatch/pipeline"
)

// digestRules is how many rules the headline of a digest names.
const digestRules = 3

// renderDigest makes the message of a digest. Its headline counts the articles and names the rules; each of its items is the message
// that its delivery would have been.
func renderDigest(d pipeline.Delivery) Message {
	m := Message{UID: d.UID, Source: ownName, Published: d.Alert.Created.UTC(), Marks: []string{"DIGEST"}}
	var rules []string
	for _, x := range d.Alert.Members {
		item := Render(x)
		m.Items = append(m.Items, item)
		if !slices.Contains(rules, item.Rule) {
			rules = append(rules, item.Rule)
		}
	}
	text := fmt.Sprintf("%d articles", len(m.Items))
	if len(m.Items) == 1 {
		text = "1 article"
	}
	switch n := len(rules); {
	case n > digestRules:
		text += fmt.Sprintf(" for %s and %d more rules", strings.Join(rules[:digestRules], ", "), n-digestRules)
	case n > 0:
		text += " for " + strings.Join(rules, ", ")
	}
	m.Headline = Passage{Field: "title", Text: clip(text, titleLen), Hits: []Hit{}}
	return m
}
