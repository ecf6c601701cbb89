package alerts

import (
	"strings"
	"unicode/utf8"
)

// slackSection is what a section of text takes, in characters (docs.slack.dev, section block).
const slackSection = 3000

// mrkdwn is the mrkdwn of templates, the one place where Slack gets a message as markup.
var mrkdwn = printer{
	escape: slackText, end: "\n",
	looks: map[look][2]string{bold: {"*", "*"}, strike: {"~", "~"}},
	link:  func(s, to string) string { return "<" + slackDest(to) + "|" + strings.ReplaceAll(s, "|", "｜") + ">" },
	dest:  slackDest,
}

// slackDest is a safe link as Slack writes it in mrkdwn: <address> or <address|text>.
func slackDest(to string) string { return strings.ReplaceAll(to, "&", "&amp;") }

// slackOwn is the request's body with the text of a template in one section. It is verbatim: Slack makes no links and mentions of its own.
func slackOwn(m Message, text string) (body []byte, fits bool, err error) {
	type textObject struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Verbatim bool   `json:"verbatim"`
	}
	type section struct {
		Type    string     `json:"type"`
		BlockID string     `json:"block_id"`
		Text    textObject `json:"text"`
	}
	body, err = encode(struct {
		Text   string    `json:"text"`
		Blocks []section `json:"blocks"`
		Links  bool      `json:"unfurl_links"`
		Media  bool      `json:"unfurl_media"`
	}{slackNote(m), []section{{"section", clip(m.UID, slackBlockID), textObject{"mrkdwn", text, true}}}, false, false})
	return body, utf8.RuneCountInString(text) <= slackSection, err
}
