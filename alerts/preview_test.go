package alerts

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
)

// Every kind can say what it would send, without a receiver: in the words of its template where it has one, and none that act.
func TestPreview(t *testing.T) {
	d := everywhere("\x1b[2Jevil\u202E title")
	for _, k := range Kinds {
		settings := least(t, k.Name, "http://127.0.0.1:1")
		for _, own := range []bool{false, true} {
			if own {
				if k.Name == "file" || k.Name == "stdout" {
					continue
				}
				text := "OWN {{.Headline}}"
				if k.Name == "webhook" {
					text = `{"OWN": {{.Headline}}}`
				}
				settings += "\n" + withTemplate(text)
			}
			ch := mustChannel(t, settings)
			text, payload, err := Preview(ch, d)
			if err != nil || !strings.Contains(text, "evil title") || strings.Contains(text, "OWN") != own || acts(strings.ReplaceAll(text, "\n", "")) {
				t.Errorf("%s, own %v: %q, %v", k.Name, own, text, err)
			}
			if k.Name == "email" {
				if m, err := mail.ReadMessage(bytes.NewReader(payload)); err != nil || m.Header.Get("Message-ID") != "<msg_h@h.example>" {
					t.Errorf("%v in %s", err, payload)
				}
			} else {
				harmless(t, k.Name, payload)
			}
			if bytes.Contains(payload, []byte("OWN")) != own {
				t.Errorf("%s, own %v: %s", k.Name, own, payload)
			}
		}
	}
}
