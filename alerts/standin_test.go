package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/net/html"

	"wirewatch/pipeline"
	"wirewatch/seeds/newsroom"
)

// A standIn is a receiver of one kind: it takes what the receiver's documentation allows, and refuses the rest in the receiver's words.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	bodies  [][]byte
	refused []string
	answer  http.HandlerFunc // instead of the kind's own answers; nil: these
}

// A protocol is what a receiver of one kind takes and says.
type protocol struct {
	request func(r *http.Request) error // method, path, headers
	body    func(b []byte) error        // structure, limits; nothing that acts
	yes     string                      // with %d: the number of the message
	status  int
	no      string // with %q: why; status 400
}

func newStandIn(t testing.TB, kind string) *standIn {
	p, ok := protocols[kind]
	if !ok {
		t.Fatalf("kind %s has no stand-in", kind)
	}
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = p.request(r)
		}
		if err == nil && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			err = fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
		}
		if err == nil {
			err = p.body(b)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.refused = append(s.refused, err.Error())
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, p.no, err.Error())
			return
		}
		s.bodies = append(s.bodies, b)
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		w.WriteHeader(p.status)
		if strings.Contains(p.yes, "%d") {
			fmt.Fprintf(w, p.yes, len(s.bodies))
			return
		}
		io.WriteString(w, p.yes)
	}))
	t.Cleanup(s.Close)
	return s
}

func at(method, path string, header ...string) func(*http.Request) error {
	return func(r *http.Request) error {
		if r.Method != method || !regexp.MustCompile("^"+path+"$").MatchString(r.URL.RequestURI()) {
			return fmt.Errorf("%s %s", r.Method, r.URL.RequestURI())
		}
		for i := 0; i+1 < len(header); i += 2 {
			if r.Header.Get(header[i]) != header[i+1] {
				return fmt.Errorf("%s: %q", header[i], r.Header.Get(header[i]))
			}
		}
		return nil
	}
}

var protocols = map[string]protocol{
	"slack":   {at("POST", "/services/T0/B0/abcdefgh"), slackLimits, "ok", 200, "invalid_blocks %q"},
	"webhook": {at("POST", "/hook"), webhookLimits, "", 204, "%q"},
	"discord": {at("POST", `/api/webhooks/1234/abcdefgh\?wait=true`), discordLimits, `{"id":"99%d","type":0,"channel_id":"5"}`, 200,
		`{"message":"Invalid Form Body","code":50035,"errors":{"content":{"_errors":[{"message":%q}]}}}`},
	"teams": {at("POST", `/workflows/abcdefgh/triggers/manual/paths/invoke\?api-version=1&sig=abcdefgh`), teamsLimits, "", 202,
		`{"error":{"code":"TriggerInputSchemaMismatch","message":%q}}`},
	"telegram": {at("POST", "/bot123456:abcdefghijklmnopqrstuvwxyz/sendMessage"), telegramLimits,
		`{"ok":true,"result":{"message_id":%d,"date":1}}`, 200, `{"ok":false,"error_code":400,"description":"Bad Request: "%q}`},
	"mattermost": {at("POST", "/hooks/abcdefgh"), mattermostLimits, "ok", 200, `{"id":"web.incoming_webhook.parse.app_error","message":%q,"status_code":400}`},
	"ntfy": {at("POST", "/", "Authorization", "Bearer tk_abcdefgh"), ntfyLimits, `{"id":"xE%d","time":1,"event":"message","topic":"wires"}`, 200,
		`{"code":40017,"http":400,"error":%q}`},
	"matrix": {at("PUT", `/_matrix/client/v3/rooms/%21abc:matrix.example/send/m.room.message/[^/?]+`, "Authorization", "Bearer syt_abcdefgh"), matrixLimits,
		`{"event_id":"$event%d"}`, 200, `{"errcode":"M_BAD_JSON","error":%q}`},
}

// strict decodes JSON that has no field beside v's.
func strict(b []byte, v any) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// acting finds what chat programs act on in a text that is to be literal.
var acting = regexp.MustCompile(`@|://|(?i)\bwww\.|\bmailto:|(?:^|[\s(])/\w|#[\pL\pN_]|\$\pL|[\pL\pN]\.\pL{2}|:[a-z+-][a-z0-9_+'-]*:`)

// inertText says what in s acts: on a screen, or in a chat program.
func inertText(s string) error {
	if x := acting.FindString(s); x != "" {
		return fmt.Errorf("%q acts in %.200q", x, s)
	}
	if acts(strings.ReplaceAll(s, "\n", "")) {
		return fmt.Errorf("control characters in %.200q", s)
	}
	return nil
}

// goodLink says what is wrong with an address that a reader is given.
func goodLink(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Contains(u.Host, "evil") || len(s) > 2048 || strings.ContainsAny(s, " <>\"()\\") || acts(s) {
		return fmt.Errorf("link to %q", s)
	}
	return nil
}

func webhookLimits(b []byte) error {
	var v webhookBody
	if err := strict(b, &v); err != nil {
		return err
	}
	if len(b) >= 20_000 || acts(string(b)) {
		return fmt.Errorf("%d bytes", len(b))
	}
	return nil
}

var markdownLink = regexp.MustCompile(`\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]*)\)`)

// markdownText reads Markdown apart from the code that writes it: escapes go first, then the links that may be there, then pairs of marks.
// What is left must be plain.
func markdownText(s string) error {
	var links []string
	s = markdownLink.ReplaceAllStringFunc(s, func(l string) string {
		m := markdownLink.FindStringSubmatch(l)
		links = append(links, m[2])
		return m[1]
	})
	for _, l := range links {
		if err := goodLink(l); err != nil {
			return err
		}
	}
	s = regexp.MustCompile("\\\\[\\\\`*_~|\\[\\](){}!#.+-]").ReplaceAllString(s, "¦")
	for _, mark := range []string{"**", "~~"} {
		if strings.Count(s, mark)%2 != 0 {
			return fmt.Errorf("%s is not closed in %.300q", mark, s)
		}
		s = strings.ReplaceAll(s, mark, "")
	}
	if i := strings.IndexAny(s, "*_~`[]()|<>\\{}!"); i >= 0 {
		return fmt.Errorf("%q is left in %.300q", s[i], s)
	}
	for _, l := range strings.Split(s, "\n") {
		if regexp.MustCompile(`^\s*([-+=#>]|\d+[.)]\s)`).MatchString(l) {
			return fmt.Errorf("a line begins with markup: %.100q", l)
		}
	}
	return inertText(s)
}

func discordLimits(b []byte) error {
	var v struct {
		Content  *string `json:"content"`
		Mentions *struct {
			Parse []string `json:"parse"`
		} `json:"allowed_mentions"`
		Flags int `json:"flags"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	switch {
	case v.Content == nil || strings.TrimSpace(*v.Content) == "":
		return fmt.Errorf("empty message")
	case len(utf16.Encode([]rune(*v.Content))) > 2000:
		return fmt.Errorf("Must be 2000 or fewer in length.")
	case v.Mentions == nil || v.Mentions.Parse == nil || len(v.Mentions.Parse) > 0:
		return fmt.Errorf("mentions are allowed")
	case v.Flags != 4:
		return fmt.Errorf("flags %d", v.Flags)
	}
	return markdownText(*v.Content)
}

func mattermostLimits(b []byte) error {
	var v struct {
		Text string `json:"text"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(v.Text); n == 0 || n > 16_383 {
		return fmt.Errorf("%d characters", n)
	}
	return markdownText(v.Text)
}

func telegramLimits(b []byte) error {
	var v struct {
		Chat     string `json:"chat_id"`
		Thread   int    `json:"message_thread_id"`
		Text     string `json:"text"`
		Mode     string `json:"parse_mode"`
		Entities []struct {
			Type   string `json:"type"`
			Offset int    `json:"offset"`
			Length int    `json:"length"`
			URL    string `json:"url"`
		} `json:"entities"`
		Preview struct {
			Disabled bool `json:"is_disabled"`
		} `json:"link_preview_options"`
		Reply *struct {
			Message int  `json:"message_id"`
			Anyway  bool `json:"allow_sending_without_reply"`
		} `json:"reply_parameters"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	text := utf16.Encode([]rune(v.Text))
	switch {
	case v.Chat != "-100123":
		return fmt.Errorf("chat not found")
	case len(text) == 0 || len(text) > 4096:
		return fmt.Errorf("message is too long")
	case !v.Preview.Disabled:
		return fmt.Errorf("a preview")
	case v.Reply != nil && (v.Reply.Message == 0 || !v.Reply.Anyway):
		return fmt.Errorf("message to be replied not found")
	case v.Mode == "HTML" && len(v.Entities) == 0:
		return htmlText(v.Text, "b", "s", "a")
	case v.Mode != "" || len(v.Entities) > 100:
		return fmt.Errorf("mode %q with %d entities", v.Mode, len(v.Entities))
	}
	for _, e := range v.Entities {
		if e.Length < 1 || e.Offset < 0 || e.Offset+e.Length > len(text) {
			return fmt.Errorf("entity %+v in %d units", e, len(text))
		}
		for _, i := range []int{e.Offset, e.Offset + e.Length} { // not inside a surrogate pair
			if i < len(text) && text[i] >= 0xDC00 && text[i] < 0xE000 {
				return fmt.Errorf("entity %+v cuts a character", e)
			}
		}
		switch e.Type {
		case "bold", "strikethrough":
			if e.URL != "" {
				return fmt.Errorf("entity %+v", e)
			}
		case "text_link":
			if err := goodLink(e.URL); err != nil {
				return err
			}
		default:
			return fmt.Errorf("entity type %s", e.Type)
		}
	}
	return inertText(v.Text)
}

// htmlText reads HTML with a parser and lets only the given elements through.
func htmlText(s string, elements ...string) error {
	z := html.NewTokenizer(strings.NewReader(s))
	var open []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				return fmt.Errorf("%v, open: %v", z.Err(), open)
			}
			return nil
		case html.TextToken:
			if err := inertText(string(html.UnescapeString(string(z.Raw())))); err != nil {
				return err
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if !slices.Contains(elements, t.Data) {
				return fmt.Errorf("element %s", t.Data)
			}
			for _, a := range t.Attr {
				if t.Data != "a" || a.Key != "href" {
					return fmt.Errorf("attribute %s of %s", a.Key, t.Data)
				}
				if err := goodLink(a.Val); err != nil {
					return err
				}
			}
			if t.Data != "br" {
				open = append(open, t.Data)
			}
		case html.EndTagToken:
			t := z.Token()
			if len(open) == 0 || open[len(open)-1] != t.Data {
				return fmt.Errorf("%s closes %v", t.Data, open)
			}
			open = open[:len(open)-1]
		default:
			return fmt.Errorf("%s", z.Raw())
		}
	}
}

func matrixLimits(b []byte) error {
	var v struct {
		Type      string          `json:"msgtype"`
		Body      string          `json:"body"`
		Format    string          `json:"format"`
		Formatted string          `json:"formatted_body"`
		Mentions  *map[string]any `json:"m.mentions"`
		Relates   *struct {
			Type     string `json:"rel_type"`
			Event    string `json:"event_id"`
			Fallback bool   `json:"is_falling_back"`
			Reply    struct {
				Event string `json:"event_id"`
			} `json:"m.in_reply_to"`
		} `json:"m.relates_to"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	switch {
	case len(b) > 60_000:
		return fmt.Errorf("M_TOO_LARGE")
	case v.Type != "m.text" || v.Body == "" || v.Format != "org.matrix.custom.html":
		return fmt.Errorf("%s with format %s", v.Type, v.Format)
	case v.Mentions == nil || len(*v.Mentions) > 0:
		return fmt.Errorf("mentions %v", v.Mentions)
	case v.Relates != nil && (v.Relates.Type != "m.thread" || !strings.HasPrefix(v.Relates.Event, "$") || !v.Relates.Fallback || v.Relates.Reply.Event != v.Relates.Event):
		return fmt.Errorf("relation %+v", v.Relates)
	}
	lines := strings.Split(v.Body, "\n")
	if last := lines[len(lines)-1]; strings.HasPrefix(last, "http") {
		if err := goodLink(last); err != nil {
			return err
		}
		lines = lines[:len(lines)-1]
	}
	if err := inertText(strings.Join(lines, "\n")); err != nil {
		return err
	}
	return htmlText(v.Formatted, "strong", "del", "a", "br")
}

func ntfyLimits(b []byte) error {
	var v struct {
		Topic    string `json:"topic"`
		Title    string `json:"title"`
		Message  string `json:"message"`
		Click    string `json:"click"`
		Priority int    `json:"priority"`
		Sequence string `json:"sequence_id"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	if v.Topic != "wires" || v.Title == "" || len(v.Title) > 1024 || v.Message == "" || len(v.Message) > 4096 || len(v.Sequence) > 64 || v.Priority < 0 || v.Priority > 5 {
		return fmt.Errorf("topic %q, title of %d bytes, message of %d, sequence %q", v.Topic, len(v.Title), len(v.Message), v.Sequence)
	}
	if v.Click != "" {
		if err := goodLink(v.Click); err != nil {
			return err
		}
	}
	message := regexp.MustCompile(` https://[^ \n]*`).ReplaceAllStringFunc(v.Message, func(l string) string { // those of a digest
		if goodLink(l[1:]) == nil {
			return ""
		}
		return l
	})
	return inertText(v.Title + "\n" + message)
}

func teamsLimits(b []byte) error {
	type action struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	var v struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string  `json:"contentType"`
			ContentURL  *string `json:"contentUrl"`
			Content     struct {
				Schema  string            `json:"$schema"`
				Type    string            `json:"type"`
				Version string            `json:"version"`
				Teams   map[string]string `json:"msteams"`
				Body    []struct {
					Type    string `json:"type"`
					Spacing string `json:"spacing"`
					Inlines []struct {
						Type   string  `json:"type"`
						Text   string  `json:"text"`
						Weight string  `json:"weight"`
						Subtle bool    `json:"isSubtle"`
						Strike bool    `json:"strikethrough"`
						Select *action `json:"selectAction"`
					} `json:"inlines"`
				} `json:"body"`
				Actions []action `json:"actions"`
			} `json:"content"`
		} `json:"attachments"`
	}
	if err := strict(b, &v); err != nil {
		return err
	}
	if len(b) > 28_000 || v.Type != "message" || len(v.Attachments) != 1 || v.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		return fmt.Errorf("%d bytes of %s", len(b), v.Type)
	}
	card := v.Attachments[0].Content
	if card.Type != "AdaptiveCard" || card.Version != "1.4" || len(card.Body) == 0 || card.Teams["width"] != "Full" || len(card.Teams) != 1 {
		return fmt.Errorf("card %s %s", card.Type, card.Version)
	}
	actions := card.Actions
	for _, b := range card.Body {
		if b.Type != "RichTextBlock" || len(b.Inlines) == 0 {
			return fmt.Errorf("element %s", b.Type)
		}
		for _, r := range b.Inlines {
			if r.Type != "TextRun" || r.Text == "" || r.Weight != "" && r.Weight != "Bolder" {
				return fmt.Errorf("inline %+v", r)
			}
			if err := inertText(r.Text); err != nil {
				return err
			}
			if r.Select != nil {
				actions = append(actions, *r.Select)
			}
		}
	}
	for _, a := range actions {
		if a.Type != "Action.OpenUrl" {
			return fmt.Errorf("action %s", a.Type)
		}
		if err := goodLink(a.URL); err != nil {
			return err
		}
	}
	return nil
}

// A stage is a channel of one kind and its receiver.
type stage struct {
	ch       pipeline.Channel
	received func() [][]byte
	refused  func() []string
}

// newStage sets up a channel with the least settings and, behind them, more.
func newStage(t testing.TB, kind, more string) stage {
	t.Helper()
	none := func() []string { return nil }
	switch kind {
	case "stdout":
		var out bytes.Buffer
		ch, err := newChannelTo(t, least(t, kind, "")+"\n"+more, &out)
		if err != nil {
			t.Fatal(err)
		}
		return stage{ch, func() [][]byte { return wholeLines(out.Bytes()) }, none}
	case "file":
		ch := mustChannel(t, least(t, kind, "")+"\n"+more)
		return stage{ch, func() [][]byte { return readLines(t, ch.(*file).path) }, none}
	case "slack_app":
		return newSlackAppStage(t, more)
	case "email":
		return newEmailStage(t, more)
	}
	srv := newStandIn(t, kind)
	return stage{mustChannel(t, least(t, kind, srv.URL)+"\n"+more),
		func() [][]byte { srv.mu.Lock(); defer srv.mu.Unlock(); return slices.Clone(srv.bodies) },
		func() []string { srv.mu.Lock(); defer srv.mu.Unlock(); return slices.Clone(srv.refused) }}
}

// newSlackAppStage has the workspace of the demo for a receiver. What it received are the messages as they stand, each held against what
// ours promise.
func newSlackAppStage(t testing.TB, more string) stage {
	t.Helper()
	clock := now
	api := newsroom.NewSlackAPI("xoxb-1", func() time.Time { clock = clock.Add(time.Second); return clock }, slackChannel)
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return stage{mustChannel(t, least(t, "slack_app", srv.URL)+"\n"+more),
		func() (out [][]byte) {
			for _, p := range api.Posts() {
				b, err := encode(struct {
					Text   string          `json:"text"`
					Blocks json.RawMessage `json:"blocks"`
				}{p.Text, p.Blocks})
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, b)
			}
			if len(out) > 0 {
				checkSlack(t, out[len(out)-1])
			}
			return out
		}, api.Violations}
}

// newEmailStage has an SMTP server for a receiver. What it received are the mails as another library reads them, each held against what
// ours promise: two parts that differ in form, few elements, links where links may be, and words that do nothing.
func newEmailStage(t testing.TB, more string) stage {
	t.Helper()
	s := newMailServer(t, false)
	var refused []string
	return stage{s.channel(t, "tls: none\n"+more), func() (out [][]byte) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, m := range s.mails {
			h, text, html := parsed(t, m.data)
			b, err := encode(map[string]string{"subject": subject(t, h), "text": text, "html": html})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
			for _, err := range []error{emailElements(html), emailWords(text)} {
				if err != nil {
					refused = append(refused, err.Error())
				}
			}
		}
		s.mails = slices.Delete(s.mails, 0, len(s.mails))
		return out
	}, func() []string { return refused }}
}

// emailElements says what is wrong with the elements of a mail's HTML, and with its links.
func emailElements(s string) error {
	_, s, ok := strings.Cut(s, "<body")
	if !ok {
		return fmt.Errorf("no body in %.300q", s)
	}
	for z := html.NewTokenizer(strings.NewReader("<body" + s)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				return z.Err()
			}
			return nil
		case html.TextToken:
			if err := emailWords(html.UnescapeString(string(z.Raw()))); err != nil { // a template's lines hold its links as text
				return err
			}
		case html.CommentToken, html.DoctypeToken:
			return fmt.Errorf("%s", z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if !strings.Contains(" body h2 p div hr br a b del ins ", " "+t.Data+" ") {
				return fmt.Errorf("element %s", t.Data)
			}
			for _, a := range t.Attr {
				switch {
				case t.Data == "a" && a.Key == "href":
					if err := goodLink(a.Val); err != nil {
						return err
					}
				case a.Key != "style" && a.Key != "dir":
					return fmt.Errorf("attribute %s of %s", a.Key, t.Data)
				}
			}
		}
	}
}

var emailLink = regexp.MustCompile(`(?m) <(https?://[^<>\s]*)>|^(https?://\S*)$`)

// emailWords says what is wrong with a mail's text: a bad link, or what acts.
func emailWords(s string) (err error) {
	s = emailLink.ReplaceAllStringFunc(s, func(l string) string {
		m := emailLink.FindStringSubmatch(l)
		if bad := goodLink(m[1] + m[2]); bad != nil {
			err = bad
		}
		return ""
	})
	if err != nil {
		return err
	}
	return inertText(s)
}

// last sends a delivery and gives what the receiver took.
func (s stage) last(t testing.TB, d pipeline.Delivery) []byte {
	t.Helper()
	if _, err := s.ch.Send(t.Context(), d); err != nil {
		t.Fatalf("%s: %v %v", d.UID, err, s.refused())
	}
	got := s.received()
	return got[len(got)-1]
}
