package alerts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// withTemplate is a template as a block of YAML.
func withTemplate(text string) string {
	return "template: |\n  " + strings.ReplaceAll(text, "\n", "\n  ")
}

// A template makes the text, in the markup of its channel.
func TestTemplates(t *testing.T) {
	const text = "{{.Mark}}{{.Headline}} at {{.Source}}\n{{range .Passages}}{{.}}{{end}}\n{{join \" / \" .Context}}{{if .Carried}}, {{.Carried}} more{{end}}"
	const head = `Freighter carried shells, inspectors say at Example News`
	for kind, want := range map[string]string{
		"discord":    `"content":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery **shells** and`,
		"mattermost": `"text":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery **shells** and`,
		"matrix":     `"formatted_body":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery <strong>shells</strong> and`,
		"telegram":   `"text":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery <b>shells</b> and`,
		"ntfy":       `"message":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery shells and`,
		"teams":      `{"type":"TextRun","text":"` + head + `"}`,
		"slack":      `"text":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery *shells* and`,
		"slack_app":  `"text":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery *shells* and`,
		"email":      `"text":"` + head + `\nInspectors who were on the quay said on Sunday that the crates held artillery *shells* and`,
	} {
		got := newStage(t, kind, withTemplate(text)).last(t, samples()["english"])
		if !bytes.Contains(got, []byte(want)) || !bytes.Contains(got, []byte("Example News / 22 Nov 2026 08:30 UTC / Reuters / rule: arms transfers ")) ||
			!bytes.Contains(got, []byte("/ tags: arms, sea, 2 more")) {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// No hostile title gets through a template, whatever the template does with it before it prints it.
func TestHostileTitlesThroughTemplates(t *testing.T) {
	for _, text := range []string{
		"{{.Headline}}",
		"{{$x := .Headline}}{{with $x}}{{.}}{{end}}",
		"{{printf \"%s, %.9s\" .Headline .Headline}}",
		"{{define \"t\"}}{{.Headline}} {{range .Notes}}{{.}}{{end}}{{end}}{{template \"t\" .}}",
		"{{html .Headline}} {{js .Headline}} {{print .Headline .Source}}",
		"{{join \" \" .Context}} {{range $i, $o := .Outlets}}{{$i}} {{$o.Name}}{{else}}{{.Headline}}{{end}}",
		"{{range .Passages}}{{.}} {{printf \"%s\" .}}{{end}}{{range .Changes}}{{.}}{{end}}",
		"{{.Text}}",
		"{{.}}",
	} {
		for _, kind := range []string{"slack", "slack_app", "email", "discord", "mattermost", "telegram", "ntfy", "matrix", "teams"} {
			if text == "{{.}}" && kind == "matrix" {
				continue // the links in it are as addresses, which the stand-in takes for a title's
			}
			s := newStage(t, kind, withTemplate(text))
			for i, c := range hostile {
				if c.name == "long" || raced && i%8 != 0 {
					continue // it is cut before a template sees it, and takes long to render; how one is written has nothing to do with races
				}
				d := everywhere(c.title)
				if text == "{{.}}" {
					d.Alert.Article.URL, d.Alert.Outlets = "", nil
				}
				harmless(t, c.name, s.last(t, d))
			}
			if r := s.refused(); len(r) > 0 {
				t.Errorf("%s, %s: %s", kind, text, r[0])
			}
		}
	}
}

// A payload template makes JSON, whatever stands in the message.
func TestPayloadTemplate(t *testing.T) {
	const text = `{"text": {{json .Headline}}, "n": {{.Carried}}, "rules": [{{.Rule}}], "link": {{.Link}}, "passages": {{.Passages}}, "as": {{printf "%s!" .Headline | json}}}`
	srv := newHook(t, nil)
	ch := mustChannel(t, "kind: webhook\nurl: "+srv.URL+"\nsecret: "+newKey+"\n"+withTemplate(text))
	for _, c := range hostile {
		if _, err := ch.Send(t.Context(), everywhere(c.title)); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got struct {
			Text, Link, As string
			N              int
			Rules          []string
			Passages       []string
		}
		b := srv.bodies[len(srv.bodies)-1]
		if err := strict(b, &got); err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, b)
		}
		if want := Render(everywhere(c.title)).Headline.Text; got.Text != want || got.As != want+"!" || got.N != 1 || got.Link != "https://h.example/" || len(got.Rules) != 1 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if len(b) >= maxWebhookBody || srv.headers[0].Get("webhook-signature") == "" {
			t.Errorf("%d bytes", len(b))
		}
	}
	// A value with quotes around it is found out before anything is sent.
	for _, bad := range []string{`{"text": "{{.Headline}}"}`, `{"text": {{.Headline}}`, `{{if .Link}}{}{{end}}`} {
		_, err := newChannel(t, "kind: webhook\nurl: https://h.example/x\n"+withTemplate(bad))
		var m Mistakes
		if !errors.As(err, &m) || !strings.Contains(m[0].Msg, "does not make JSON") || m[0].Hint == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A template that says too much, or fails on a message, gives way to the standard text: the message goes out all the same.
func TestTemplateGivesWay(t *testing.T) {
	if raced {
		t.Skip("one message after the other, for minutes under the race detector: not measured")
	}
	for name, text := range map[string]string{
		"too long": "{{.Headline}}{{range .Items}}{{range $.Items}}{{.Headline}} {{.UID}} and a lot of other words{{end}}{{end}}",
		"fails":    "{{.Headline}}{{range .Items}} {{.Headline}}{{end}}{{if eq (len .Items) 40}}{{index .Items 99}}{{end}}",
	} {
		for _, kind := range []string{"slack", "slack_app", "email", "discord", "telegram", "matrix", "ntfy", "teams", "mattermost"} {
			var members []pipeline.Delivery
			for i := range 40 {
				d := samples()["english"]
				d.UID = fmt.Sprint("msg_", i)
				members = append(members, d)
			}
			s := newStage(t, kind, withTemplate(text))
			got := s.last(t, digest("msg_d", members...))
			if name == "fails" && kind != "discord" && !bytes.Contains(got, []byte("template of this channel failed")) {
				t.Errorf("%s, %s: %.600s", name, kind, got)
			}
		}
	}
}

// What is wrong with a template is said with its line and with what there is.
func TestTemplateMistakes(t *testing.T) {
	for text, want := range map[string]struct {
		line int
		msg  string
	}{
		"one\ntwo {{.Title}}":                                             {2, "<.Title>: can't evaluate field Title in a message"},
		"one\n\n{{range .Outlets}}\n{{.URL}}\n{{end}}":                    {4, "<.URL>: can't evaluate field URL in an outlet"},
		"{{if .Link}}":                                                    {1, "unexpected EOF"},
		"a\n{{shout .Headline}}":                                          {2, `function "shout" not defined`},
		"a\n{{json .Headline}}":                                           {2, `function "json" not defined`},
		"{{range .Items}}\n\n{{index .Notes 7}}{{end}}":                   {3, "error calling index"},
		"{{define \"x\"}}{{template \"x\" .}}{{end}}{{template \"x\" .}}": {1, "exceeded maximum template depth"},
	} {
		_, err := newChannel(t, "kind: discord\nurl: https://h.example/x\n"+withTemplate(text))
		var m Mistakes
		if !errors.As(err, &m) || len(m) != 1 || m[0].Key != "template" || m[0].Line != want.line || !strings.Contains(m[0].Msg, want.msg) ||
			!strings.Contains(m[0].Hint, ".Headline") || strings.Contains(m[0].Msg, "alerts.") {
			t.Errorf("%q: %#v", text, err)
		}
	}
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(fields()); err != nil || !strings.Contains(out.String(), ".Passages") {
		t.Error(out.String())
	}
}

// A template is used for digests when a reader can tell by it which items there are, however it shows them.
func TestTemplateShowsItems(t *testing.T) {
	for text, want := range map[string]bool{
		"{{.Text}}":                                              true,
		"{{range .Items}}{{.Text}}{{end}}":                       true,
		"{{range .Items}}{{.Headline}}{{end}}":                   true,
		"{{range .Items}}{{.Link}} {{end}}":                      true,
		"{{range .Items}}{{range .Passages}}{{.}}{{end}}{{end}}": true,
		"{{.Headline}}":                                          false,
		"{{len .Items}} articles, {{.Left}} left out":            false,
	} {
		var bad Mistakes
		if o := bad.template(text, chatMarkdown); o == nil {
			t.Error(text, bad)
		} else if o.items != want {
			t.Errorf("%s shows items: %t, want %t", text, o.items, want)
		}
	}
}
