package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"wirewatch/pipeline"
)

// A digest of many long articles stays inside every receiver's limits: passages go first, then items, and the message says how many.
func TestDigestFits(t *testing.T) {
	for _, n := range []int{2, 15, 60} {
		var members []pipeline.Delivery
		for i := range n {
			a := pipeline.Article{URL: "https://news.example/" + strings.Repeat("p", 300), Site: "news.example", SiteName: strings.Repeat("Name ", 20),
				Title: fmt.Sprintf("%d missile %s", i, strings.Repeat("북한 미사일 ", 40)), Body: strings.Repeat("A missile was seen over the harbour on Sunday, and nobody said more. ", 60)}
			members = append(members, delivery(fmt.Sprint("msg_", i), fmt.Sprint("rule ", i%5), "missile", a))
		}
		d := digest("msg_all", members...)

		b, err := slackPayload(Render(d))
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, b)
		items, left := strings.Count(string(b), `:item`), 0
		if _, rest, ok := strings.Cut(string(b), `"text":"and `); ok {
			fmt.Sscanf(rest, "%d more articles", &left)
		}
		if items == 0 || items+left != n {
			t.Errorf("slack shows %d items and says that %d are left out, of %d", items, left, n)
		}

		hook, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		var body webhookBody
		if err := json.Unmarshal(hook, &body); err != nil {
			t.Fatal(err)
		}
		if len(hook) >= maxWebhookBody || len(body.Items) == 0 || len(body.Items)+body.ItemsLeft != n || body.EventType != "alert.digest" {
			t.Errorf("%s of %d bytes with %d items and %d left out, of %d", body.EventType, len(hook), len(body.Items), body.ItemsLeft, n)
		}
		if full := n == 2; full != (len(body.Items[0].Snippets) > 0 && !body.Truncated) {
			t.Errorf("%d items: truncated %t, %d snippets", n, body.Truncated, len(body.Items[0].Snippets))
		}
		for i, x := range body.Items {
			if x.ID != members[i].UID || x.Rule.Name != members[i].Alert.Rule {
				t.Errorf("item %d is %s of rule %s", i, x.ID, x.Rule.Name)
			}
		}
	}
}

// What is left out of one rendering is not missing from the next.
func TestDigestShorterKeepsTheOriginal(t *testing.T) {
	m := Render(samples()["digest"])
	before := Text(m)
	short := m
	for short.shorter() {
	}
	if len(short.Items) != 1 || short.Left != len(m.Items)-1 || len(short.Items[0].Passages) != 0 || Text(m) != before {
		t.Errorf("%d items, %d left, and the original says\n%s", len(short.Items), short.Left, Text(m))
	}
	if got := Text(short); !strings.HasSuffix(got, "and 3 more articles, for which there is no room here") {
		t.Error(got)
	}
}

// Nothing in the items of a digest acts on its receiver.
func TestHostileDigest(t *testing.T) {
	for _, title := range []string{"<!channel> now", "<https://evil.example|Reuters>", "*bold* _it_ `code`", "\u202egnp.exe", "a\x1b]0;owned\x07b", "&lt;!here&gt;", "@everyone"} {
		d := delivery("msg_h", title, "nothing", pipeline.Article{URL: "https://news.example/a", Site: title, SiteName: title, Title: title, Body: title})
		if text := strings.ReplaceAll(Text(Render(digest("msg_d", d, d))), "\n", " "); acts(text) || !utf8.ValidString(text) {
			t.Errorf("%q: %q", title, text)
		}
		b, err := slackPayload(Render(digest("msg_d", d, d)))
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, b)
		if _, err := WebhookBody(digest("msg_d", d, d)); err != nil {
			t.Error(err)
		}
	}
}

// A digest for the operator counts what it tells of, each kind by itself, and a webhook gets each as its own message would have it.
func TestDigestForTheOperator(t *testing.T) {
	trouble, over, note := samples()["trouble"], samples()["recovery"], samples()["note"]
	for _, c := range []struct {
		members   []pipeline.Delivery
		headline  string
		mark, how string
	}{
		{[]pipeline.Delivery{trouble, trouble, trouble, trouble, trouble}, "5 troubles", "TROUBLE", "trouble"},
		{[]pipeline.Delivery{note, over, trouble, over}, "1 trouble, 2 are well again, 1 note", "TROUBLE", "note"},
		{[]pipeline.Delivery{over, over}, "2 are well again", "WELL AGAIN", "over"},
	} {
		d := digest("msg_ops", c.members...)
		m := Render(d)
		if m.Headline.Text != c.headline || fmt.Sprint(m.Marks) != "["+c.mark+"]" || len(m.Items) != len(c.members) {
			t.Errorf("%q %v with %d items, want %q %s", m.Headline.Text, m.Marks, len(m.Items), c.headline, c.mark)
		}
		if text := Text(m); !strings.Contains(text, c.members[0].Alert.Health.Text) {
			t.Errorf("what to do is not said:\n%s", text)
		}
		b, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		var body webhookBody
		if err := json.Unmarshal(b, &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Items) != len(c.members) || body.Items[0].EventType != "alert.health" || body.Items[0].Health == nil || body.Items[0].Health.State != c.how || body.Items[0].Health.Subject != "feed:tass" {
			t.Errorf("webhook: %s", b)
		}
	}
	m := Render(digest("msg_ops", trouble, trouble, trouble))
	for m.shorter() {
	}
	if got := Text(m); !strings.HasSuffix(got, "and 2 more messages, for which there is no room here") {
		t.Error(got)
	}
}

// What a person sends again of an escalation says what it said before.
func TestEscalationSentAgain(t *testing.T) {
	d := samples()["escalated"]
	before := Text(Render(d))
	d.Bundle = pipeline.Replayed
	if got := Text(Render(d)); got != before || !strings.Contains(got, "[ESCALATED]") {
		t.Errorf("%s\nbefore:\n%s", got, before)
	}
}

// A digest that fits leaves nothing out, and one that does not fit would: so that the deliverer makes two of it, and nobody misses an item.
func TestDigestHasRoomForAll(t *testing.T) {
	if raced {
		t.Skip("one message after the other, which has nothing for the race detector")
	}
	var members []pipeline.Delivery
	for i := range 15 {
		a := pipeline.Article{URL: "https://news.example/" + strings.Repeat("p", 90), Site: "news.example", SiteName: "Example News", Published: now,
			Title: fmt.Sprintf("item%02d 화물선에서 포탄과 미사일 부품 발견 %s", i, strings.Repeat("a long headline ", 6*(i%3))), Body: "A missile was seen."}
		members = append(members, delivery(fmt.Sprint("msg_", i), "a rule", "missile", a))
	}
	for _, k := range Kinds {
		for _, own := range []string{"", "{{.Headline}}: {{range .Items}}{{.Headline}} {{.Link}} {{.Context}} {{end}}{{with .Left}}no room here{{end}}", "{{.Headline}}"} {
			settings := ""
			if own != "" {
				if k.Name == "webhook" || k.Name == "file" || k.Name == "stdout" {
					continue
				}
				settings = "template: '" + own + "'"
			}
			ch := newStage(t, k.Name, settings).ch
			p, ok := ch.(interface {
				Payload(pipeline.Delivery) ([]byte, error)
			})
			if !ok {
				t.Fatalf("%s has no payload", k.Name)
			}
			f, limited := ch.(interface{ Fits(pipeline.Delivery) bool })
			full := 0 // how many fit
			for _, n := range []int{2, 4, 6, 7, 8, 10, 12, 13, 15} {
				d := digest("msg_all", members[:n]...)
				b, err := p.Payload(d)
				if err != nil {
					t.Fatal(k.Name, err)
				}
				left := strings.Contains(string(b), "no room here") || strings.Contains(string(b), "items_left")
				if fits := !limited || f.Fits(d); fits == left {
					t.Errorf("%s %q: %d items fit: %t, left out: %t", k.Name, own, n, fits, left)
				} else if fits {
					full = n
					for i := range n {
						if !strings.Contains(string(b), fmt.Sprintf("item%02d", i)) {
							t.Errorf("%s %q: item %d of %d is missing", k.Name, own, i, n)
						}
					}
				}
			}
			if few := k.Name == "discord"; full < 4 || few != (full < 8) {
				t.Errorf("%s %q: %d fit", k.Name, own, full)
			}
		}
	}
}
