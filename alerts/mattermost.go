package alerts

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"
)

// Mattermost's limits, from docs.mattermost.com, "Incoming webhooks" and "Rate limiting settings": a post of 16,383 characters (longer
// ones a webhook splits), 10 requests a second where an administrator turned the limit on.
const (
	mattermostPace = time.Second / 4
	mattermostText = 16_383 // characters
)

// mattermost posts to an incoming webhook. It cannot turn mentions off, so that none may stand in the text: @ becomes a look-alike.
// The webhook gives a message no name and replies to none.
type mattermost struct{ *chat }

func newMattermost(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	to, own, err := addressed(settings, chatMarkdown, anyAddress)
	if err != nil {
		return nil, err
	}
	return &mattermost{newChat("mattermost", name, mattermostPace, to, own, deps)}, nil
}

// Payload is the body of the request that Send makes, in Mattermost's Markdown, where a paragraph keeps its line ends.
func (c *mattermost) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *mattermost) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *mattermost) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		text := c.said(m, own, chatMarkdown)
		b, err := encode(struct {
			Text string `json:"text"`
		}{text})
		return b, utf8.RuneCountInString(text) <= mattermostText, err
	})
}

// Send posts the message. Mattermost says yes with status 200 and the body "ok".
func (c *mattermost) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := c.say(ctx, d, c.Payload)
	if err != nil {
		return "", err
	}
	if a.status == http.StatusOK && strings.TrimSpace(a.body) == "ok" {
		return "", nil
	}
	var got struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	}
	a.read(&got)
	return "", c.post.judge(a, c.word(cmp.Or(got.Message, got.ID)), mattermostRefusals[got.ID])
}

// mattermostRefusals are the ids of the errors that a webhook answers with (mattermost/server, app/webhook.go).
var mattermostRefusals = map[string]refusal{
	"web.incoming_webhook.invalid.app_error":             {pipeline.Gone, "the webhook does not exist, or its address is mistyped; make a new one and put its address into `url`"},
	"web.incoming_webhook.channel.app_error":             {pipeline.Gone, "the webhook's channel does not exist any more"},
	"web.incoming_webhook.permissions.app_error":         {pipeline.Gone, "who made the webhook may not post into its channel any more"},
	"web.incoming_webhook.user.app_error":                {pipeline.Gone, "who made the webhook does not exist any more"},
	"web.incoming_webhook.channel_locked.app_error":      {pipeline.Gone, "the webhook is locked to another channel"},
	"web.incoming_webhook.text.app_error":                {pipeline.Final, "Mattermost found no text in the message"},
	"web.incoming_webhook.parse.app_error":               {pipeline.Final, "Mattermost does not understand the message"},
	"api.post.create_post.can_not_post_to_deleted.error": {pipeline.Gone, "the webhook's channel is archived; unarchive it or make a webhook for another"},
}
