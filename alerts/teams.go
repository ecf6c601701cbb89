package alerts

import (
	"context"
	"net/http"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Limits of Microsoft Teams, from learn.microsoft.com: the Teams connector ("Known issues and limitations", about 28 KB a message) and
// "Create incoming webhooks" (28 KB, four requests a second). Less is used, because what Teams makes of a card counts and not the card;
// senders have seen refusals from 21 KB on.
const (
	teamsPace = time.Second
	teamsCard = 20_000 // bytes of the request
)

// teams posts an Adaptive Card to a workflow that begins with "When a Teams webhook request is received". All text stands in TextRuns of
// RichTextBlocks, which know no Markdown, whereas every TextBlock does. The workflow gives a message no name and replies to none.
type teams struct{ *chat }

func newTeams(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	to, own, err := addressed(settings, plainText, retiredConnector)
	if err != nil {
		return nil, err
	}
	return &teams{newChat("teams", name, teamsPace, to, own, deps)}, nil
}

// retiredConnector knows addresses that looked like these until 2025.
func retiredConnector(to string) (msg, hint string) {
	if !strings.Contains(to, ".webhook.office.com/") {
		return "", ""
	}
	return "is that of an Office connector, which Microsoft has retired", "make a workflow: in Teams, the channel's menu, Workflows, \"Send webhook alerts to a channel\""
}

// The parts of an Adaptive Card that a message uses (adaptivecards.io, schema 1.4).
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		ContentType string       `json:"contentType"`
		ContentURL  *string      `json:"contentUrl"`
		Content     adaptiveCard `json:"content"`
	}
	adaptiveCard struct {
		Schema  string         `json:"$schema"`
		Type    string         `json:"type"`
		Version string         `json:"version"`
		Width   teamsWidth     `json:"msteams"`
		Body    []teamsBlock   `json:"body"`
		Actions []teamsOpening `json:"actions,omitempty"`
	}
	teamsWidth struct {
		Width string `json:"width"`
	}
	teamsBlock struct {
		Type    string     `json:"type"`
		Spacing string     `json:"spacing,omitempty"`
		Inlines []teamsRun `json:"inlines"`
	}
	teamsRun struct {
		Type   string        `json:"type"`
		Text   string        `json:"text"`
		Weight string        `json:"weight,omitempty"`
		Subtle bool          `json:"isSubtle,omitempty"`
		Strike bool          `json:"strikethrough,omitempty"`
		Select *teamsOpening `json:"selectAction,omitempty"`
	}
	teamsOpening struct {
		Type  string `json:"type"`
		Title string `json:"title,omitempty"`
		URL   string `json:"url"`
	}
)

// Payload is the body of the request that Send makes.
func (c *teams) Payload(d pipeline.Delivery) ([]byte, error) { return c.compose(d, Render(d)) }

// Fits reports whether a digest's message has room for all that it gathers.
func (c *teams) Fits(d pipeline.Delivery) bool { return fits(c, d) }

func (c *teams) compose(_ pipeline.Delivery, m Message) ([]byte, error) {
	return c.payload(m, func(m Message, own *string) ([]byte, bool, error) {
		card := adaptiveCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Width: teamsWidth{"Full"}}
		if own != nil {
			for _, l := range strings.Split(*own, "\n") {
				if l != "" {
					card.Body = append(card.Body, teamsBlock{"RichTextBlock", "Small", []teamsRun{{Type: "TextRun", Text: l}}})
				}
			}
		} else {
			card.Body = teamsBlocks(layout(m))
		}
		if m.Link != "" {
			card.Actions = []teamsOpening{{"Action.OpenUrl", "Open the article", m.Link}}
		}
		b, err := encode(teamsMessage{"message", []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}})
		return b, len(b) <= teamsCard, err
	})
}

func teamsBlocks(lines [][]piece) []teamsBlock {
	out := make([]teamsBlock, len(lines))
	for i, l := range lines {
		out[i] = teamsBlock{"RichTextBlock", "Small", make([]teamsRun, len(l))}
		for j, x := range l {
			r := teamsRun{Type: "TextRun", Text: inert(x.text), Subtle: x.look == small, Strike: x.look == strike}
			if x.look == bold {
				r.Weight = "Bolder"
			}
			if x.link != "" {
				r.Select = &teamsOpening{"Action.OpenUrl", "", x.link}
			}
			out[i].Inlines[j] = r
		}
	}
	return out
}

// Send posts the card. The workflow says yes with status 202 before it posts, or with 200 when it ends with a response of its own, unless
// that speaks of a failure.
func (c *teams) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	a, err := c.say(ctx, d, c.Payload)
	if err != nil {
		return "", err
	}
	said := strings.ToLower(a.body)
	if a.status == http.StatusAccepted || a.status == http.StatusOK && !strings.Contains(said, "error") && !strings.Contains(said, "fail") {
		return "", nil
	}
	var got struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	a.read(&got)
	return "", c.post.judge(a, c.word(got.Error.Code), teamsRefusals[got.Error.Code])
}

// teamsRefusals are the codes with which a workflow's address refuses (Power Automate, Azure Logic Apps).
var teamsRefusals = map[string]refusal{
	"WorkflowNotFound":                    {pipeline.Gone, "the workflow does not exist any more; make a new one and put its address into `url`"},
	"WorkflowTriggerNotFound":             {pipeline.Gone, "the workflow does not begin with a webhook request any more"},
	"WorkflowTriggerIsNotEnabled":         {pipeline.Gone, "the workflow is turned off; turn it on in Power Automate"},
	"WorkflowDisabled":                    {pipeline.Gone, "the workflow is turned off; turn it on in Power Automate"},
	"DirectApiAuthorizationRequired":      {pipeline.Gone, "the workflow takes requests of your organisation alone; let anyone call it, or copy its address again"},
	"DirectApiInvalidAuthorizationScheme": {pipeline.Gone, "the address is incomplete; copy it again from the workflow"},
	"InvalidRequestContent":               {pipeline.Final, "the workflow does not understand the message"},
	"TriggerInputSchemaMismatch":          {pipeline.Final, "the workflow does not understand the message"},
	"RequestEntityTooLarge":               {pipeline.Final, "the message is too long for Teams"},
}
