package alerts

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// ntfy's limits, from docs.ntfy.sh, "Publishing" (limitations, publish as JSON): a message of 4,096 bytes, beyond which it becomes a file;
// a title of 1,024 bytes since 2.28; 60 requests at once, then one in five seconds, and on ntfy.sh 250 messages a day.
const (
	ntfyPace    = time.Second
	ntfyAgain   = 5 * time.Second // when a place is free again after a 429 that does not say
	ntfyMessage = 4096            // bytes
	ntfyTitle   = 1024            // bytes
	ntfyURL     = "https://ntfy.sh"
)

type ntfySettings struct {
	URL      pipeline.Secret `yaml:"url" also:"server"`
	Topic    pipeline.Secret `yaml:"topic,required" also:"channel,to"` // who knows a topic of an open server can read it
	Token    pipeline.Secret `yaml:"token" also:"access_token,key"`
	Priority int             `yaml:"priority"` // 1 to 5; 0: the server's default, 3
	Template string          `yaml:"template" also:"text,message"`
}

// ntfy publishes to a topic, as JSON, so that title and text are strings of any characters and not headers. They are plain text; a tap on
// the notification opens the article. The delivery's UID is the sequence id, by which a repetition replaces the notification where the
// server knows that (2.16).
type ntfy struct {
	*chat
	set *ntfySettings // behind a pointer, where no verb of fmt looks for the topic
}

var (
	ntfyTopic    = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)
	ntfySequence = ntfyTopic
)

func newNtfy(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	s := ntfySettings{URL: pipeline.NewSecret(ntfyURL)}
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	address(&m, s.URL)
	if u, err := url.Parse(s.URL.Reveal()); err == nil && strings.Trim(u.Path, "/") != "" {
		m.add("url", "write the topic into `topic`", "is the address of the server alone, without a path")
	}
	if !ntfyTopic.MatchString(s.Topic.Reveal()) {
		m.add("topic", "", "is 1 to 64 letters, digits, - and _")
	}
	if s.Priority < 0 || s.Priority > 5 {
		m.add("priority", "", "is a number from 1, the lowest, to 5")
	}
	m.token(s.Token)
	own := m.template(s.Template, plainText)
	if err := m.err(); err != nil {
		return nil, err
	}
	hide := []pipeline.Secret{s.Token}
	if len(s.Topic.Reveal()) >= 6 { // a shorter one is a word that any sentence may hold, and no secret
		hide = append(hide, s.Topic)
	}
	c := newChat("ntfy", name, ntfyPace, s.URL, own, deps, hide...)
	c.post.pace = ntfyAgain
	c.bearer(s.Token)
	return &ntfy{c, &s}, nil
}

type ntfyMessageBody struct {
	Topic    string `json:"topic"`
	Title    string `json:"title"`
	Message  string `json:"message"`
	Click    string `json:"click,omitempty"`
	Priority int    `json:"priority,omitempty"`
	Sequence string `json:"sequence_id,omitempty"`
}

// Payload is the body of the request that Send makes.
func (c *ntfy) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *ntfy) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *ntfy) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		t := ntfyMessageBody{Topic: c.set.Topic.Reveal(), Title: inert(m.Mark() + m.Headline.Text), Click: m.Link, Priority: c.set.Priority}
		if ntfySequence.MatchString(m.UID) {
			t.Sequence = m.UID
		}
		if own != nil {
			t.Message = *own
		} else {
			text := plainText
			if len(m.Items) > 0 { // one tap opens one address
				text.link = func(s, to string) string { return s + " " + to }
			}
			t.Message = text.lines(layout(m)[1:]) // the headline is the title
		}
		if t.Message == "" { // the server would put "triggered" there
			t.Message = t.Title
		}
		b, err := encode(t)
		return b, len(t.Message) <= ntfyMessage && len(t.Title) <= ntfyTitle, err
	})
}

// Send publishes the message. ntfy says yes with status 200 and the message it made.
func (c *ntfy) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := c.say(ctx, d, c.Payload)
	if err != nil {
		return "", err
	}
	var got struct {
		ID    string `json:"id"`
		Event string `json:"event"`
		Code  int    `json:"code"`
		Error string `json:"error"`
	}
	a.read(&got)
	if a.status == http.StatusOK && got.Event == "message" && got.ID != "" {
		return c.post.scrub(got.ID), nil
	}
	word := c.word(got.Error)
	if got.Code != 0 {
		word = strconv.Itoa(got.Code) + " " + word
	}
	return "", c.post.judge(a, word, cmp.Or(ntfyRefusals[got.Code], ntfyRefusals[a.status]))
}

// ntfyRefusals are what ntfy's error codes mean here, and its statuses where it gives none (binwiederhier/ntfy, server/errors.go).
var ntfyRefusals = map[int]refusal{
	40009: {pipeline.Gone, "the server does not take the topic; put another into `topic`"},
	40010: {pipeline.Gone, "the server does not allow the topic; put another into `topic`"},
	401:   {pipeline.Gone, "the server does not know the token; make a new one and put it into `token`"},
	403:   {pipeline.Gone, "the topic is protected: put a token into `token` that may write there"},
	404:   {pipeline.Gone, "what answers at `url` is not an ntfy server"},
	413:   {pipeline.Final, "the message is too long for the server"},
}
