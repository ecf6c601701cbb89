// Package alerts tells people. It renders a delivery once as a channel-neutral Message, and each channel kind turns that
// into what its receiver takes: a Slack message, a signed webhook, lines for a terminal.
//
// The contract of every channel:
//
//   - Send returns nil only when the receiver has said yes in the way it is documented to. Anything else is a
//     pipeline.Failure, whose verdict says whether another attempt makes sense.
//   - The delivery's UID goes out with every attempt, so that a receiver can tell a repetition.
//   - What comes from outside (titles, names, texts, the receiver's own words in an error) is cleaned, then escaped for
//     the output it goes to. A title can neither mention people, nor disguise a link, nor move a cursor.
//   - No address, key or header value of the settings shows in an error, a log line or a formatted channel.
//
// A new kind of channel is one file with its New function, one test, and one line in Kinds.
package alerts

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Settings is a channel's part of the configuration: it decodes itself into a struct with yaml tags, strictly.
type Settings interface {
	Decode(v any) error
	// Rel is a path of the settings against the folder of the configuration.
	Rel(path string) string
}

// Deps is what a channel needs of the world.
type Deps struct {
	HTTP *http.Client // the guarded client; nil where settings are only checked and nothing is sent
	// Dial connects to what is not HTTP, under the same guard; nil as HTTP.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Stdout io.Writer // for the kind stdout; nil as HTTP
	Now    func() time.Time
}

// A Kind makes channels of one sort.
type Kind struct {
	Name string // as `kind:` in the configuration
	Doc  string // one line for people, the same as in the README
	New  func(name string, settings Settings, deps Deps) (pipeline.Channel, error)
}

// Kinds are all channel kinds there are.
var Kinds = []Kind{
	{"slack", "a Slack incoming webhook, as a Block Kit message", newSlack},
	{"slack_app", "a Slack app that posts to a channel by the Web API: updates go into the thread of the first message", newSlackApp},
	{"email", "mail by SMTP, as text and HTML: updates answer the first message", newEmail},
	{"webhook", "an HTTP POST of JSON, signed by Standard Webhooks", newWebhook},
	{"discord", "a Discord webhook, as Markdown", newDiscord},
	{"teams", "a Microsoft Teams workflow, as an Adaptive Card", newTeams},
	{"telegram", "a Telegram bot; updates reply to the first message", newTelegram},
	{"mattermost", "a Mattermost incoming webhook, as Markdown", newMattermost},
	{"ntfy", "a topic of ntfy.sh or of your own ntfy server, as a push notification", newNtfy},
	{"matrix", "a Matrix room; updates go into the thread of the first message", newMatrix},
	{"file", "a file that grows by a line of JSON a message, the webhook's body", newFile},
	{"stdout", "the same lines on standard output; the log is on standard error", newStdout},
}

// A Mistake is a setting that decodes but cannot be used. It never quotes the value, which may be a secret.
type Mistake struct {
	Key  string // the setting, to find its place in the file
	Line int    // the line in the setting's value, from 1; 0: all of it
	Msg  string // what is wrong
	Hint string // what to do
}

// Mistakes are all that is wrong with a channel's settings.
type Mistakes []Mistake

// Error gives one mistake a line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, x := range m {
		lines[i] = x.Key + ": " + x.Msg
		if x.Hint != "" {
			lines[i] += "; " + x.Hint
		}
	}
	return strings.Join(lines, "\n")
}

func (m *Mistakes) add(key, hint, format string, args ...any) {
	*m = append(*m, Mistake{Key: key, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// err keeps an empty list from becoming an error that is not nil.
func (m Mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

// Sample is the marked message that `alerts test` sends to a channel. Its id differs from one call to the next, so that a
// receiver does not take a second test for a repetition.
func Sample(channel string, now time.Time) pipeline.Delivery {
	const (
		title = "This is a test: the channel works"
		hit   = "arms transfer"
		body  = "Wirewatch sent this message because someone asked it to test this channel. Nothing has happened. " +
			"An alert looks like this: the words that a rule looks for, such as " + hit + ", stand out, and the headline " +
			"leads to the article."
	)
	at := strings.Index(body, hit)
	now = now.UTC()
	return pipeline.Delivery{
		UID: fmt.Sprintf("test_%x", now.UnixNano()), Channel: channel, State: pipeline.DeliveryOpen, Due: now, Created: now,
		Alert: pipeline.Alert{
			Rule: "test", Subject: "test", Kind: pipeline.KindTest, Created: now,
			Story: pipeline.Story{Title: title, Created: now},
			Article: pipeline.Article{
				URL: "https://example.com/wirewatch-test", Canonical: "https://example.com/wirewatch-test",
				Site: "example.com", SiteName: "Wirewatch", Title: title, Body: body, Published: now,
				Date: now.Format(time.RFC3339), Lang: "en", Source: pipeline.SourcePage, Seen: now,
			},
			Spans:   []pipeline.Span{{Field: "body", Start: at, End: at + len(hit)}},
			Outlets: []pipeline.Outlet{{Site: "example.org", SiteName: "Another outlet", Title: title, URL: "https://example.org/wirewatch-test", Published: now}},
		},
	}
}
