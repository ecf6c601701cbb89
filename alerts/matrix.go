package alerts

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Matrix's limits, from spec.matrix.org, "Client-Server API": an event of 65,536 bytes, of which the server's own parts need some. The
// rate is the server's; Synapse's default takes ten messages at once and then one in five seconds.
const (
	matrixPace    = time.Second
	matrixContent = 48_000 // bytes
)

type matrixSettings struct {
	URL      pipeline.Secret `yaml:"url,required" also:"server,homeserver"`
	Token    pipeline.Secret `yaml:"token,required" also:"access_token,key"`
	Room     string          `yaml:"room,required" also:"room_id,channel,to"` // its internal id, !…
	Template string          `yaml:"template" also:"text,message"`
}

// matrix sends m.room.message events into a room. The transaction id is the delivery's UID: the server answers a repetition with the
// event it made first. Updates go into the thread of the message they refer to. Rooms that are encrypted get the message unencrypted.
type matrix struct {
	*chat
	room string
}

func newMatrix(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	var s matrixSettings
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	address(&m, s.URL)
	if !strings.HasPrefix(s.Room, "!") || len(s.Room) > 255 || strings.ContainsAny(s.Room, " \t\r\n") {
		m.add("room", "Element shows it in the room's settings, Advanced", "is not the internal id of a room, which begins with !")
	}
	m.token(s.Token)
	own := m.template(s.Template, matrixHTML)
	if err := m.err(); err != nil {
		return nil, err
	}
	c := &matrix{newChat("matrix", name, matrixPace, s.URL, own, deps, s.Token), s.Room}
	c.bearer(s.Token)
	return c, nil
}

// token checks a token that goes into a header.
func (m *Mistakes) token(token pipeline.Secret) {
	if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		m.add("token", "", "has characters in it that no token has")
	}
}

// matrixHTML is the part of HTML that the specification lets a message have.
var matrixHTML = htmlMarkup("strong", "del", "<br>\n")

type matrixMessage struct {
	Type      string          `json:"msgtype"`
	Body      string          `json:"body"`
	Format    string          `json:"format"`
	Formatted string          `json:"formatted_body"`
	Mentions  struct{}        `json:"m.mentions"` // nobody, whatever the text says
	Relates   *matrixRelation `json:"m.relates_to,omitempty"`
}

type matrixRelation struct {
	Type     string `json:"rel_type"`
	Event    string `json:"event_id"`
	Fallback bool   `json:"is_falling_back"`
	Reply    struct {
		Event string `json:"event_id"`
	} `json:"m.in_reply_to"`
}

// Payload is the body of the request that Send makes.
func (c *matrix) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *matrix) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *matrix) compose(d pipeline.Delivery, m Message) ([]byte, error) {
	ref := inReply(d)
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		// m.notice would suit a program better, but clients raise no notification for it.
		t := matrixMessage{Type: "m.text", Body: plainText.lines(layout(m)), Format: "org.matrix.custom.html", Formatted: c.said(m, own, matrixHTML)}
		if m.Link != "" {
			t.Body += "\n" + m.Link
		}
		if strings.HasPrefix(ref, "$") {
			t.Relates = &matrixRelation{Type: "m.thread", Event: ref, Fallback: true}
			t.Relates.Reply.Event = ref
		}
		b, err := encode(t)
		return b, len(b) <= matrixContent, err
	})
}

// Send sends the event. Matrix says yes with status 200 and the event's id.
func (c *matrix) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	body, err := c.Payload(d)
	if err != nil {
		return "", err
	}
	to := strings.TrimRight(c.post.url.Reveal(), "/") + "/_matrix/client/v3/rooms/" + url.PathEscape(c.room) + "/send/m.room.message/" + url.PathEscape(d.UID)
	a, err := c.post.send(ctx, http.MethodPut, to, c.header(d), body)
	if err != nil {
		return "", err
	}
	var got struct {
		Event string  `json:"event_id"`
		Code  string  `json:"errcode"`
		Error string  `json:"error"`
		After float64 `json:"retry_after_ms"`
	}
	a.read(&got)
	if a.status == http.StatusOK && strings.HasPrefix(got.Event, "$") {
		if root := inReply(d); strings.HasPrefix(root, "$") { // no thread begins at a message that is in one
			return root, nil
		}
		return c.post.scrub(got.Event), nil
	}
	a.wait = seconds(got.After / 1000)
	return "", c.post.judge(a, c.word(got.Code), matrixRefusals[got.Code])
}

// matrixRefusals are the error codes of the specification that a message can meet.
var matrixRefusals = map[string]refusal{
	"M_UNKNOWN_TOKEN":            {pipeline.Gone, "the access token is not valid any more; log the account in again and put its token into `token`"},
	"M_MISSING_TOKEN":            {pipeline.Gone, "the server got no access token; what stands before it may have taken it out"},
	"M_FORBIDDEN":                {pipeline.Gone, "the account is not in the room or may not write there; invite it and let it join"},
	"M_USER_DEACTIVATED":         {pipeline.Gone, "the account is deactivated"},
	"M_USER_SUSPENDED":           {pipeline.Gone, "the account is suspended"},
	"M_CONSENT_NOT_GIVEN":        {pipeline.Gone, "the account has to agree to the server's terms first; log in by hand"},
	"M_NOT_FOUND":                {pipeline.Gone, "the room does not exist"},
	"M_UNRECOGNIZED":             {pipeline.Gone, "what answers at `url` is not a Matrix homeserver's client API; the name of a server and its address can differ, see /.well-known/matrix/client"},
	"M_RESOURCE_LIMIT_EXCEEDED":  {pipeline.Gone, "the server has reached a limit of its own, such as that of active users; ask its administrator"},
	"M_TOO_LARGE":                {pipeline.Final, "the message is too long for the server"},
	"M_BAD_JSON":                 {pipeline.Final, "the server does not understand the message"},
	"M_NOT_JSON":                 {pipeline.Final, "the server does not understand the message"},
	"M_UNSUPPORTED_ROOM_VERSION": {pipeline.Gone, "the server cannot write into a room of this version"},
}
