package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	slackapi "github.com/slack-go/slack"

	"wirewatch/pipeline"
)

// slackAPIURL is where Slack's Web API is, but for GovSlack.
const slackAPIURL = "https://slack.com/api/"

type slackAppSettings struct {
	Token   pipeline.Secret `yaml:"token,required" also:"bot_token,oauth_token"`
	Channel string          `yaml:"channel,required" also:"channel_id"`
	URL     string          `yaml:"url" also:"api"` // of the Web API, with the slash at its end; "": slackAPIURL

	Template string `yaml:"template" also:"text,message"`
}

// slackApp posts by chat.postMessage, which names the message that it made: what becomes of a story goes into the thread of the message
// that told of it first.
//
// Slack knows no key that makes a post idempotent (client_msg_id is for its own clients: slackapi/java-slack-sdk issue 852). A post
// whose yes was not heard is repeated, with the same block_id.
type slackApp struct {
	*chat
	token   *pipeline.Secret // a pointer for the reason that poster is one
	channel string
}

var slackChannelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,30}$`)

func newSlackApp(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	var s slackAppSettings
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	if t := s.Token.Reveal(); !strings.HasPrefix(t, "xox") || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		m.add("token", "it is the app's Bot User OAuth Token, which begins with xoxb-", "is not the token of a Slack app")
	}
	if !slackChannelID.MatchString(s.Channel) {
		m.add("channel", "it looks like C0123ABCDEF and stands at the end of the channel's details in Slack", "is not the ID of a channel")
	}
	to := pipeline.NewSecret(cmp.Or(s.URL, slackAPIURL))
	address(&m, to)
	if !strings.HasSuffix(to.Reveal(), "/") || strings.ContainsAny(to.Reveal(), "?#") {
		m.add("url", "it looks like "+slackAPIURL, "does not end with a slash, as the address of an API does")
	}
	own := m.template(s.Template, mrkdwn)
	if err := m.err(); err != nil {
		return nil, err
	}
	return &slackApp{newChat("slack_app", name, slackPace, to, own, deps, s.Token), &s.Token, s.Channel}, nil
}

// Payload is the message that Send posts, without the thread that it may go into.
func (s *slackApp) Payload(d pipeline.Delivery) ([]byte, error) { return s.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (s *slackApp) Fits(d pipeline.Delivery) bool { return fits(s, d) }

func (s *slackApp) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	x, err := s.slackMessage(m)
	if err != nil {
		return nil, err
	}
	return encode(struct {
		Channel string `json:"channel"`
		slackMessage
	}{s.channel, x})
}

// Send posts the message. An update goes into the thread of the message that told first, where that is in this channel and the rule does
// not say otherwise; that a story has grown is shown in that message, too, unless it is a digest.
func (s *slackApp) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	thread, about := "", d
	if by := threaded(d); by != nil {
		about = *by
	}
	if u := about.Alert.Update; u != nil {
		first := parseSlackRef(u.Ref)
		if first.channel != s.channel { // nobody knows it, or the settings have changed since
			first = slackRef{}
		}
		if thread = cmp.Or(first.thread, first.ts); u.Separate {
			thread = ""
		}
		if u.Outlets > 0 && first.ts != "" && first.thread == "" && !u.Digest && !about.Alert.Article.Pruned {
			switch err := s.edit(ctx, about, first.ts); {
			case err == nil:
			case pipeline.AsFailure(err).Reason == "message_not_found":
				thread = ""
			case pipeline.AsFailure(err).Verdict != pipeline.Final: // what cannot be edited can still be replied to
				return "", err
			}
		}
	}
	msg, err := s.slackMessage(Render(d))
	if err != nil {
		return "", err
	}
	ts, err := s.put(ctx, msg, thread)
	if err != nil && thread != "" && slackNoThread[pipeline.AsFailure(err).Reason] {
		thread = ""
		ts, err = s.put(ctx, msg, thread)
	}
	if err != nil {
		return "", err
	}
	return slackRef{s.channel, ts, thread}.String(), nil
}

// edit shows in the message that told first how many others carry the story by now. It says the same at every attempt.
func (s *slackApp) edit(ctx context.Context, d pipeline.Delivery, ts string) error {
	u := d.Alert.Update
	d.Alert.Kind, d.Alert.Update = pipeline.KindMatch, nil
	d.UID = fmt.Sprintf("%s:%d", u.UID, u.Outlets) // each version of a message wants block_ids of its own
	msg, err := s.slackMessage(Render(d))
	if err != nil {
		return err
	}
	_, err = s.call(ctx, func(api *slackapi.Client) error {
		_, _, _, err := api.UpdateMessageContext(ctx, s.channel, ts, msg.options()...)
		return err
	})
	return err
}

// put posts a message, into the thread of another one unless thread is "", and returns its name.
func (s *slackApp) put(ctx context.Context, msg slackMessage, thread string) (ts string, err error) {
	options := msg.options()
	if thread != "" {
		options = append(options, slackapi.MsgOptionTS(thread))
	}
	return s.call(ctx, func(api *slackapi.Client) error {
		_, _, err := api.PostMessageContext(ctx, s.channel, options...)
		return err
	})
}

// options are the message as the client wants it. With parse=none nothing in it becomes a link or a name by itself.
func (m slackMessage) options() []slackapi.MsgOption {
	blocks := make([]slackapi.Block, len(m.Blocks))
	for i, b := range m.Blocks {
		blocks[i] = b
	}
	return []slackapi.MsgOption{slackapi.MsgOptionText(m.Text, false), slackapi.MsgOptionBlocks(blocks...), slackapi.MsgOptionParse(false),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl()}
}

// BlockType and ID make a block one of the client's, which sends it as it is.
func (b slackBlock) BlockType() slackapi.MessageBlockType { return slackapi.MessageBlockType(b.Type) }

// ID is the block's block_id.
func (b slackBlock) ID() string { return b.BlockID }

// call makes one request by the client and judges the answer itself: the client takes some answers for a yes that are none, and its
// errors forget what the answer said.
func (s *slackApp) call(ctx context.Context, f func(*slackapi.Client) error) (ts string, err error) {
	x := &slackExchange{post: s.post}
	err = f(slackapi.New(s.token.Reveal(), slackapi.OptionHTTPClient(x), slackapi.OptionAPIURL(s.post.url.Reveal())))
	switch {
	case x.err != nil:
		return "", x.err
	case x.answer.status == 0:
		return "", s.post.failure(pipeline.Final, "not sendable", 0, "%v", err)
	}
	a := x.answer
	var said struct {
		OK    bool
		Error string
		TS    string
	}
	if json.Unmarshal([]byte(a.body), &said) == nil && a.status == http.StatusOK && said.OK && said.TS != "" {
		return said.TS, nil
	}
	word := clip(s.post.scrub(said.Error), 60)
	if m, ok := slackAPIRefusals[word]; ok && a.status < 500 {
		after, _ := s.post.after(a.header)
		if m.verdict == pipeline.Throttled {
			after = max(after, slackPace)
		}
		return "", s.post.failure(m.verdict, word, after, "status %d, %q: %s", a.status, word, m.hint)
	}
	if a.status == http.StatusOK && word != "" {
		return "", s.post.failure(pipeline.Final, word, 0, "%q: Slack refuses this message", word)
	}
	err = s.post.refused(a, word)
	var failure *pipeline.Failure
	if errors.As(err, &failure) && failure.Verdict == pipeline.Throttled {
		failure.After = max(failure.After, slackPace)
	}
	return "", err
}

// slackExchange is the client's way to the network: one request by the guarded client, and what came of it.
type slackExchange struct {
	post   *poster
	answer answer
	err    error
}

// Do sends the request.
func (x *slackExchange) Do(r *http.Request) (*http.Response, error) {
	if x.answer, x.err = x.post.ask(r); x.err != nil {
		return nil, x.err
	}
	return &http.Response{StatusCode: x.answer.status, Status: http.StatusText(x.answer.status), Header: x.answer.header,
		Body: io.NopCloser(strings.NewReader(x.answer.body))}, nil
}

// A slackRef is where a message is: its channel, its name in it, and the message whose thread it is in, if any.
type slackRef struct{ channel, ts, thread string }

func (r slackRef) String() string {
	if r.thread == "" {
		return r.channel + "/" + r.ts
	}
	return r.channel + "/" + r.ts + "/" + r.thread
}

func parseSlackRef(s string) (r slackRef) {
	r.channel, s, _ = strings.Cut(s, "/")
	r.ts, r.thread, _ = strings.Cut(s, "/")
	return r
}

// slackNoThread are the words with which Slack refuses a reply that it would take as a message.
var slackNoThread = map[string]bool{"thread_not_found": true, "message_not_found": true, "cannot_reply_to_message": true,
	"restricted_action_non_threadable_channel": true, "restricted_action_thread_locked": true}

// slackAPIRefusals are the words with which the Web API refuses (docs.slack.dev, chat.postMessage and chat.update). Where no message at all
// would be taken, the channel ends until the configuration is reloaded, and what waits is kept.
var slackAPIRefusals = map[string]refusal{
	"ratelimited":            {pipeline.Throttled, "Slack asks to wait"},
	"rate_limited":           {pipeline.Throttled, "Slack asks to wait"},
	"message_limit_exceeded": {pipeline.Throttled, "the workspace has reached its limit of messages"},

	"fatal_error":                {pipeline.Retry, "something broke at Slack"},
	"internal_error":             {pipeline.Retry, "something broke at Slack"},
	"service_unavailable":        {pipeline.Retry, "Slack is not available"},
	"request_timeout":            {pipeline.Retry, "the request broke off"},
	"update_failed":              {pipeline.Retry, "something broke at Slack"},
	"team_added_to_org":          {pipeline.Retry, "the workspace is being moved to an organisation"},
	"org_login_required":         {pipeline.Retry, "the workspace is being moved to an organisation"},
	"external_channel_migrating": {pipeline.Retry, "the channel is being moved"},

	"invalid_auth":                        {pipeline.Gone, "the token is mistyped, or may not be used from this address; copy the Bot User OAuth Token into `token`"},
	"not_authed":                          {pipeline.Gone, "Slack saw no token; put the Bot User OAuth Token into `token`"},
	"token_revoked":                       {pipeline.Gone, "the token was revoked or the app removed; install the app again and put its token into `token`"},
	"token_expired":                       {pipeline.Gone, "the token has expired: turn token rotation off for the app, or put a fresh one into `token`"},
	"account_inactive":                    {pipeline.Gone, "the app was removed from the workspace; install it again and put its token into `token`"},
	"missing_scope":                       {pipeline.Gone, "the app lacks the scope chat:write; add it, install the app again and put its token into `token`"},
	"no_permission":                       {pipeline.Gone, "the app may not post here; invite it to the channel"},
	"not_allowed_token_type":              {pipeline.Gone, "it is another kind of token; put the Bot User OAuth Token into `token`"},
	"team_access_not_granted":             {pipeline.Gone, "the token does not reach this workspace"},
	"enterprise_is_restricted":            {pipeline.Gone, "an administrator has restricted the app"},
	"access_denied":                       {pipeline.Gone, "an administrator has restricted the app"},
	"accesslimited":                       {pipeline.Gone, "the workspace may not be used from this network"},
	"ekm_access_denied":                   {pipeline.Gone, "administrators have suspended posting"},
	"two_factor_setup_required":           {pipeline.Gone, "the workspace asks for two-factor authentication to be set up"},
	"restricted_action":                   {pipeline.Gone, "the workspace's settings forbid the app to post; ask an administrator"},
	"restricted_action_read_only_channel": {pipeline.Gone, "nobody may post in this channel"},
	"channel_not_found":                   {pipeline.Gone, "there is no such channel, or it is private and the app is not in it: invite the app, or correct `channel`"},
	"not_in_channel":                      {pipeline.Gone, "the app is not in the channel: invite it with /invite, then reload the configuration"},
	"is_archived":                         {pipeline.Gone, "the channel is archived; unarchive it or name another in `channel`"},
	"team_not_found":                      {pipeline.Gone, "the workspace does not exist"},

	"msg_too_long":          {pipeline.Final, "the message is too long for Slack"},
	"msg_blocks_too_long":   {pipeline.Final, "the message is too long for Slack"},
	"no_text":               {pipeline.Final, "Slack found no text in the message"},
	"invalid_blocks":        {pipeline.Final, "Slack does not accept the message's blocks"},
	"invalid_blocks_format": {pipeline.Final, "Slack does not accept the message's blocks"},
	"invalid_arguments":     {pipeline.Final, "Slack does not understand the message"},
	"message_not_found":     {pipeline.Final, "the message is not there any more"},
	"cant_update_message":   {pipeline.Final, "another app wrote the message"},
	"edit_window_closed":    {pipeline.Final, "the workspace's settings forbid to edit it now"},
	"is_inactive":           {pipeline.Final, "the message cannot be edited in a frozen or archived channel"},
}
