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

// slackOwn is a message with the text of a template in one section.
func slackOwn(m Message, text string) (x slackMessage, fits bool) {
	b := slackBlock{Type: "section", BlockID: clip(m.UID, slackBlockID), Text: &slackMrkdwn{"mrkdwn", text, true}}
	return slackMessage{Text: slackNote(m), Blocks: []slackBlock{b}}, utf8.RuneCountInString(text) <= slackSection
}
