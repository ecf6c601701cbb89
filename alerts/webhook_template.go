package alerts

import (
	"encoding/json"
	"fmt"
	"text/template"

	"wirewatch/pipeline"
)

// A payload template makes the body of a webhook: JSON of any form. What it prints becomes JSON, strings with their quotes, so that no
// title can end one; {{json .Headline}} and {{.Headline}} are the same.

// jsonText is a message's text in a payload: without markup, and not escaped, because becoming JSON does that.
var jsonText = printer{escape: func(s string) string { return s }, end: "\n"}

// rawJSON is what has become JSON already.
type rawJSON string

func jsonOf(v any) (rawJSON, error) {
	if v, ok := v.(rawJSON); ok {
		return v, nil
	}
	b, err := encode(v)
	return rawJSON(b), err
}

// payloadTemplate is template for payloads.
func (m *Mistakes) payloadTemplate(text string) *override {
	if text == "" {
		return nil
	}
	funcs := jsonText.funcs()
	funcs["json"], funcs["literal"] = jsonOf, jsonOf
	o := m.override(text, jsonText, template.FuncMap(funcs))
	if o == nil {
		return nil
	}
	for _, x := range specimens() {
		if _, err := o.payload(x); err != nil {
			m.add("template", `write {"title": {{.Headline}}}, without quotes of your own around a value: it brings them`, "%v", err)
			return nil
		}
	}
	return o
}

// payload is the JSON that the template makes of a message, below the limit of a webhook's body.
func (o *override) payload(m Message) ([]byte, error) {
	return fit(m, func(m Message) ([]byte, bool, error) {
		s, err := o.text(m)
		if err == nil && !json.Valid([]byte(s)) {
			var v any
			err = fmt.Errorf("does not make JSON: %w in %s", json.Unmarshal([]byte(s), &v), line(s, 200))
		}
		return []byte(s), len(s) < maxWebhookBody, err
	})
}

// Payload is what the webhook sends of a delivery.
func (w *webhook) Payload(d pipeline.Delivery) ([]byte, error) {
	return w.compose(d, Render(d))
}

// Fits reports whether a digest's message has room for all that it gathers.
func (w *webhook) Fits(d pipeline.Delivery) bool { return fits(w, d) }

func (w *webhook) compose(d pipeline.Delivery, m Message) ([]byte, error) {
	if w.own == nil {
		return webhookBodyOf(d, m)
	}
	return w.own.payload(m)
}
