package alerts

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"wirewatch/pipeline"
)

// Discord's limits, from docs.discord.com, "Webhook resource" (Execute Webhook) and "Rate limits". The documentation gives no rate for
// webhooks and refers to the answers' headers; what servers enforce is 30 messages a minute and channel.
const (
	discordPace    = 2 * time.Second
	discordContent = 2000 // characters; counted here in UTF-16 code units, which is never fewer
	discordSilent  = 1 << 2
)

// discord posts to a webhook of Discord. The text is Discord's Markdown in `content`, not an embed: who has embeds turned off would see
// an empty message. Mentions are off by allowed_mentions, and by the text. A webhook cannot reply to a message, so that an update stands
// alone.
type discord struct{ *chat }

func newDiscord(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	to, own, err := addressed(settings, chatMarkdown, anyAddress)
	if err != nil {
		return nil, err
	}
	return &discord{newChat("discord", name, discordPace, waiting(to), own, deps)}, nil
}

// waiting is the webhook's address with wait=true, so that the answer tells whether the message was saved.
func waiting(to pipeline.Secret) pipeline.Secret {
	u, err := url.Parse(to.Reveal())
	if err != nil {
		return to
	}
	q := u.Query()
	q.Set("wait", "true")
	u.RawQuery = q.Encode()
	return pipeline.NewSecret(u.String())
}

type discordMessage struct {
	Content  string          `json:"content"`
	Mentions discordMentions `json:"allowed_mentions"`
	Flags    int             `json:"flags"` // no preview of links: it would say it all again
}

type discordMentions struct {
	Parse []string `json:"parse"`
}

// Payload is the body of the request that Send makes.
func (c *discord) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *discord) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *discord) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		text := c.said(m, own, chatMarkdown)
		b, err := encode(discordMessage{text, discordMentions{[]string{}}, discordSilent})
		return b, units(text) <= discordContent, err
	})
}

// Send posts the message. Discord says yes with status 200 and the message it saved.
func (c *discord) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := c.say(ctx, d, c.Payload)
	if err != nil {
		return "", err
	}
	var got struct {
		ID         string  `json:"id"`
		Code       int     `json:"code"`
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"` // seconds
	}
	a.read(&got)
	if a.status == http.StatusOK && got.ID != "" {
		return c.post.scrub(got.ID), nil
	}
	a.wait = seconds(got.RetryAfter)
	word := c.word(got.Message)
	if got.Code != 0 {
		word = strconv.Itoa(got.Code) + " " + word
	}
	return "", c.post.judge(a, word, discordRefusals[got.Code])
}

// discordRefusals are what Discord's error codes mean here (docs.discord.com, "Opcodes and status codes").
var discordRefusals = map[int]refusal{
	10003:  {pipeline.Gone, "the channel or thread of the webhook does not exist any more; make a webhook for another"},
	10015:  {pipeline.Gone, "the webhook does not exist any more, or its address is mistyped; make a new one and put its address into `url`"},
	50001:  {pipeline.Gone, "the webhook may not post there any more"},
	50006:  {pipeline.Final, "Discord found no text in the message"},
	50027:  {pipeline.Gone, "the webhook's token is wrong; copy its address again from the channel's settings, Integrations"},
	50035:  {pipeline.Final, "Discord does not accept the message"},
	160005: {pipeline.Gone, "the thread is locked; unlock it or name another"},
	220001: {pipeline.Gone, "the channel is a forum; put thread_id=… of one of its threads behind ? in `url`"},
	240000: {pipeline.Final, "the server's moderation blocks words of the message"},
}
