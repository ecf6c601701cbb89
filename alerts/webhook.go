package alerts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"
)

// secretPrefix marks a signing key by Standard Webhooks.
const secretPrefix = "whsec_"

type webhookSettings struct {
	URL     pipeline.Secret            `yaml:"url,required" also:"endpoint,address"`
	Secret  pipeline.Secret            `yaml:"secret" also:"signing_secret,key,signing_key"`
	Secrets []pipeline.Secret          `yaml:"secrets" also:"keys"` // while a key is changed: the old and the new
	Headers map[string]pipeline.Secret `yaml:"headers" also:"header"`
	Every   time.Duration              `yaml:"every" also:"pace,interval"` // least time between two messages; 0: none

	Template string `yaml:"template" also:"payload,body"` // of the body, see payloadTemplate; "": WebhookBody
}

// webhook posts JSON, signed by Standard Webhooks 1.0 (standardwebhooks.com): webhook-id is the delivery's UID and the same
// at every attempt, webhook-timestamp is the attempt's, webhook-signature has one v1 signature per key. WebhookBody
// documents the body.
type webhook struct {
	name  string
	every time.Duration
	short bool      // a key has fewer bytes than the standard asks for
	own   *override // makes the body; nil: WebhookBody does
	post  *poster
}

func newWebhook(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	var s webhookSettings
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	address(&m, s.URL)
	if s.Every < 0 {
		m.add("every", "", "cannot be negative")
	}
	w := &webhook{name: name, every: s.Every}
	var keys [][]byte
	headers := http.Header{}
	var hide []pipeline.Secret
	add := func(key string, secret pipeline.Secret) {
		if secret.IsZero() {
			return
		}
		hide = append(hide, secret)
		k, err := signingKey(secret)
		if err != nil {
			m.add(key, "make one with `openssl rand -base64 32`", "%v", err)
			return
		}
		keys = append(keys, k)
		w.short = w.short || len(k) < 24
	}
	add("secret", s.Secret)
	for _, x := range s.Secrets {
		add("secrets", x)
	}
	for k, v := range s.Headers {
		hide = append(hide, inHeader(v)...)
		if msg := badHeader(k, v.Reveal()); msg != "" {
			m.add("headers", "", "%s %s", line(strconv.Quote(k), 60), msg)
			continue
		}
		headers.Set(k, v.Reveal())
	}
	w.own = m.payloadTemplate(s.Template)
	if err := m.err(); err != nil {
		slices.SortFunc(m, func(a, b Mistake) int { return strings.Compare(a.Msg, b.Msg) })
		return nil, m
	}
	w.post = newPoster("webhook", s.URL, deps, hide...)
	w.post.keys, w.post.headers = keys, headers
	return w, nil
}

// signingKey decodes a secret: base64, with or without the standard's prefix.
func signingKey(secret pipeline.Secret) ([]byte, error) {
	s := secret.Reveal()
	for _, p := range []string{"whsk_", "whpk_"} {
		if strings.HasPrefix(s, p) {
			return nil, fmt.Errorf("is a key of an asymmetric pair (%s…), which is not supported; a symmetric one begins with %s", p, secretPrefix)
		}
	}
	k, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(s, secretPrefix))
	if err != nil || len(k) == 0 || strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("is neither %s with base64 behind it nor base64 alone", secretPrefix)
	}
	return k, nil
}

// inHeader is a header's value and what in it is a secret by itself: receivers quote the token of "Bearer TOKEN" without the word before
// it, and the password of "Basic …" decoded.
func inHeader(value pipeline.Secret) []pipeline.Secret {
	out := []pipeline.Secret{value}
	for _, w := range strings.FieldsFunc(value.Reveal(), func(r rune) bool { return strings.ContainsRune(" ;,\t", r) }) {
		if slices.Contains([]string{"bearer", "basic", "token"}, strings.ToLower(w)) { // it says what sort of secret follows
			continue
		}
		_, behind, _ := strings.Cut(w, "=")
		out = append(out, pipeline.NewSecret(w), pipeline.NewSecret(strings.Trim(behind, `"`)))
		if b, err := base64.StdEncoding.DecodeString(w); err == nil && utf8.Valid(b) {
			_, password, _ := strings.Cut(string(b), ":")
			out = append(out, pipeline.NewSecret(string(b)), pipeline.NewSecret(password))
		}
	}
	return slices.DeleteFunc(out, func(s pipeline.Secret) bool { return len(s.Reveal()) < 4 && s != value }) // a shorter word stands in every sentence
}

// badHeader says what is wrong with a header, "": nothing. It does not quote the value.
func badHeader(name, value string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	}) {
		return "is not the name of a header"
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "has a value with control characters"
	}
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Content-Type", "Content-Length", "Host",
		"Transfer-Encoding", "Connection", "Trailer", "Upgrade":
		return "is set by Wirewatch itself"
	}
	return ""
}

// Format keeps address, keys and headers out of whatever verb prints the channel.
func (w *webhook) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "webhook channel %q", w.name) }

// Pace is what the settings say; a receiver that wants less says so with 429.
func (w *webhook) Pace() time.Duration { return w.every }

// Warnings lists what is allowed but hardly meant.
func (w *webhook) Warnings() (out []string) {
	switch {
	case len(w.post.keys) == 0:
		out = append(out, "`secret` is missing: messages go out unsigned, and the receiver cannot tell them from others'; make one with `openssl rand -base64 32`")
	case w.short:
		out = append(out, "a secret has less than the 24 bytes that Standard Webhooks asks for; make one with `openssl rand -base64 32`")
	}
	if w.own != nil && !w.own.items {
		out = append(out, "`template` shows nothing of what a digest gathers: what `quiet` holds together will not be told; use `.Items` or `.Text`")
	}
	if plainHTTP(w.post.url) {
		out = append(out, "`url` is http: messages travel in the clear; use https")
	}
	return out
}

// Send posts the body. Any 2xx is a yes.
func (w *webhook) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	body, err := w.Payload(d)
	if err != nil {
		return "", &pipeline.Failure{Verdict: pipeline.Final, Reason: "not renderable", Err: fmt.Errorf("webhook: %w", err)}
	}
	h := w.post.headers.Clone()
	at := strconv.FormatInt(w.post.now().Unix(), 10)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("webhook-id", d.UID)
	h.Set("webhook-timestamp", at)
	if len(w.post.keys) > 0 {
		h.Set("webhook-signature", sign(w.post.keys, d.UID, at, body))
	}
	a, err := w.post.post(ctx, h, body)
	if err != nil {
		return "", err
	}
	if a.status >= 200 && a.status < 300 {
		return "", nil
	}
	return "", w.post.refused(a, "")
}

// sign is the value of webhook-signature: HMAC-SHA256 over id.timestamp.body, one signature per key.
func sign(keys [][]byte, id, at string, body []byte) string {
	var out []string
	for _, k := range keys {
		m := hmac.New(sha256.New, k)
		fmt.Fprintf(m, "%s.%s.", id, at)
		m.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return strings.Join(out, " ")
}
