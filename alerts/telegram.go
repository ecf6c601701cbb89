package alerts

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Telegram's limits, from core.telegram.org/bots/api (sendMessage, MessageEntity) and /bots/faq ("My bot is hitting limits"): one message
// a second to a chat, 20 a minute to a group or channel. Entities beyond the hundredth are ignored (core.telegram.org/api/entities).
const (
	telegramPace      = time.Second
	telegramGroupPace = 3 * time.Second
	telegramText      = 4096 // UTF-16 code units, after entities are taken out
	telegramEntities  = 100
	telegramURL       = "https://api.telegram.org"
)

type telegramSettings struct {
	Token    pipeline.Secret `yaml:"token,required" also:"bot_token,key"`
	Chat     string          `yaml:"chat,required" also:"chat_id,to,channel"` // a number, or @name of a public channel or group
	Thread   int64           `yaml:"thread" also:"thread_id,topic,message_thread_id"`
	URL      string          `yaml:"url" also:"server,api"` // a Bot API server of one's own
	Template string          `yaml:"template" also:"text,message"`
}

// telegram sends by a bot. What is bold or a link is said by entities, beside the text, so that nothing in the text is markup. Telegram
// finds mentions, hashtags, commands and addresses in any text by itself; these become look-alikes.
type telegram struct {
	*chat
	to     string
	thread int64
}

var (
	telegramToken = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]{20,}$`)
	telegramChat  = regexp.MustCompile(`^(-?[0-9]+|@[A-Za-z][A-Za-z0-9_]{3,})$`)
)

func newTelegram(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	s := telegramSettings{URL: telegramURL}
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	if !telegramToken.MatchString(s.Token.Reveal()) {
		m.add("token", "copy it from @BotFather", "is not a bot's token, which looks like 123456789:AbC…")
	}
	if !telegramChat.MatchString(s.Chat) {
		m.add("chat", "send a message to the bot and read the id from getUpdates; ids of groups begin with -", "is neither the number of a chat nor the @name of a public one")
	}
	base := pipeline.NewSecret(s.URL) // someone's own server may stand behind a password
	address(&m, base)
	own := m.template(s.Template, telegramHTML)
	if err := m.err(); err != nil {
		return nil, err
	}
	pace := telegramPace
	if strings.HasPrefix(s.Chat, "-") || strings.HasPrefix(s.Chat, "@") {
		pace = telegramGroupPace
	}
	to := pipeline.NewSecret(strings.TrimRight(s.URL, "/") + "/bot" + s.Token.Reveal() + "/sendMessage")
	return &telegram{newChat("telegram", name, pace, to, own, deps, s.Token), s.Chat, s.Thread}, nil
}

// telegramHTML is the markup of templates (core.telegram.org/bots/api, "HTML style").
var telegramHTML = htmlMarkup("b", "s", "\n")

type telegramMessage struct {
	Chat     string           `json:"chat_id"`
	Thread   int64            `json:"message_thread_id,omitempty"`
	Text     string           `json:"text"`
	Mode     string           `json:"parse_mode,omitempty"` // of templates alone
	Entities []telegramEntity `json:"entities,omitempty"`
	Preview  telegramPreview  `json:"link_preview_options"`
	Reply    *telegramReply   `json:"reply_parameters,omitempty"`
}

type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"` // UTF-16 code units, as Length
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
}

type telegramPreview struct {
	Disabled bool `json:"is_disabled"`
}

type telegramReply struct {
	Message int64 `json:"message_id"`
	Anyway  bool  `json:"allow_sending_without_reply"`
}

// Payload is the body of the request that Send makes.
func (c *telegram) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *telegram) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *telegram) compose(d pipeline.Delivery, m Message) ([]byte, error) {
	ref := inReply(d)
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		t := telegramMessage{Chat: c.to, Thread: c.thread, Preview: telegramPreview{true}}
		if chat, id, ok := strings.Cut(ref, "/"); ok && chat == c.to { // a message of another chat is none to reply to
			if n, err := strconv.ParseInt(id, 10, 64); err == nil {
				t.Reply = &telegramReply{n, true}
			}
		}
		size := 0
		if own != nil {
			t.Text, t.Mode = *own, "HTML"
			size = units(telegramTags.ReplaceAllString(t.Text, ""))
		} else {
			t.Text, t.Entities = telegramRich(layout(m))
			size = units(t.Text)
		}
		b, err := encode(t)
		return b, size <= telegramText, err
	})
}

// telegramTags are what a template's text has beside what shows.
var telegramTags = regexp.MustCompile(`</?[a-z][^>]*>`)

// telegramRich is the text of lines and the entities in it; links come first where there are too many.
func telegramRich(lines [][]piece) (string, []telegramEntity) {
	var b strings.Builder
	var links, looks []telegramEntity
	at := 0
	put := func(s string) { b.WriteString(s); at += units(s) }
	for i, l := range lines {
		if i > 0 {
			put("\n")
		}
		for _, x := range l {
			s := inert(x.text)
			e := telegramEntity{Offset: at, Length: units(strings.TrimRight(s, " "))}
			put(s)
			if e.Length == 0 {
				continue
			}
			if x.link != "" {
				links = append(links, telegramEntity{"text_link", e.Offset, e.Length, x.link})
			}
			if kind := map[look]string{bold: "bold", strike: "strikethrough"}[x.look]; kind != "" {
				looks = append(looks, telegramEntity{kind, e.Offset, e.Length, ""})
			}
		}
	}
	all := append(links, looks...)
	return b.String(), all[:min(len(all), telegramEntities)]
}

// Send sends the message. Telegram says yes with status 200 and ok: true. The name of the message is the chat and its number there.
func (c *telegram) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := c.say(ctx, d, c.Payload)
	if err != nil {
		return "", err
	}
	var got struct {
		OK          bool   `json:"ok"`
		Code        int    `json:"error_code"`
		Description string `json:"description"`
		Result      struct {
			ID int64 `json:"message_id"`
		} `json:"result"`
		Parameters struct {
			RetryAfter float64 `json:"retry_after"` // seconds
			MovedTo    int64   `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	a.read(&got)
	if a.status == http.StatusOK && got.OK {
		return fmt.Sprintf("%s/%d", c.to, got.Result.ID), nil
	}
	if a.status == http.StatusOK && got.Code >= 400 {
		a.status = got.Code // what stands between may answer 200 for it
	}
	a.wait = seconds(got.Parameters.RetryAfter)
	word := c.word(got.Description)
	if got.Parameters.MovedTo != 0 {
		return "", c.post.failure(pipeline.Gone, "moved", 0, "status %d, %q: the group became a supergroup; its `chat` is %d now", a.status, word, got.Parameters.MovedTo)
	}
	for _, k := range telegramRefusals {
		if a.status == k.status && strings.Contains(strings.ToLower(word), k.words) {
			return "", c.post.judge(a, word, k.refusal)
		}
	}
	return "", c.post.judge(a, word, refusal{})
}

// telegramRefusals are what Telegram's refusals mean, the first that fits: by status, and by words where one status means several things.
var telegramRefusals = []struct {
	status int
	words  string // in lower case; "": any
	refusal
}{
	{http.StatusUnauthorized, "", refusal{pipeline.Gone, "the bot's token is wrong or revoked; copy it again from @BotFather"}},
	{http.StatusNotFound, "", refusal{pipeline.Gone, "the bot's token is wrong; copy it again from @BotFather"}},
	{http.StatusForbidden, "", refusal{pipeline.Gone, "the bot is not in the chat, was blocked or may not write there; add it again"}},
	{http.StatusBadRequest, "chat not found", refusal{pipeline.Gone, "the chat does not exist, or the bot was never in it"}},
	{http.StatusBadRequest, "chat_write_forbidden", refusal{pipeline.Gone, "the bot may not write into the chat"}},
	{http.StatusBadRequest, "not enough rights", refusal{pipeline.Gone, "the bot may not write into the chat; give it the right to"}},
	{http.StatusBadRequest, "message thread not found", refusal{pipeline.Gone, "the topic does not exist; put another into `thread`"}},
	{http.StatusBadRequest, "topic_closed", refusal{pipeline.Gone, "the topic is closed; reopen it or name another"}},
	{http.StatusBadRequest, "can't parse entities", refusal{pipeline.Final, "Telegram does not understand the HTML of the channel's template"}},
}
