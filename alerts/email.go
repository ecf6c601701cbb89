package alerts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"wirewatch/pipeline"
)

type emailSettings struct {
	Host     string          `yaml:"host,required" also:"server,smtp"`
	Port     int             `yaml:"port"` // 0: by tls
	TLS      string          `yaml:"tls" also:"security,encryption"`
	User     string          `yaml:"user" also:"username,login"`
	Password pipeline.Secret `yaml:"password" also:"pass"`
	From     string          `yaml:"from,required" also:"sender"`
	To       []string        `yaml:"to,required" also:"recipients"`
	Every    time.Duration   `yaml:"every" also:"pace,interval"` // least time between two messages; 0: none
	Template string          `yaml:"template" also:"text,message"`
}

// How a connection to a mail server is encrypted, and on which port that is usual.
var emailPorts = map[string]int{"starttls": 587, "tls": 465, "none": 25}

// emailTimeout bounds the sending of one message, all commands together.
const emailTimeout = time.Minute

// email sends one message to all recipients, by SMTP. Its Message-ID is the delivery's UID at the sender's domain, the same at every
// attempt, and so is all the rest of it. An update names the message that told first in In-Reply-To, which makes a thread.
type email struct {
	name  string
	from  *netmail.Address
	to    []*netmail.Address
	every time.Duration
	own   *override // the text as the settings want it; nil: the standard one
	post  *poster
	smtp  *emailServer
}

// emailServer is how to reach the server; email holds it by pointer for the reason that poster is held by one.
type emailServer struct {
	host     string
	port     int
	tls      string
	user     string
	password pipeline.Secret
	roots    *x509.CertPool // nil: the system's
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

func newEmail(name string, settings Settings, deps Deps) (pipeline.Channel, error) {
	var s emailSettings
	if err := settings.Decode(&s); err != nil {
		return nil, err
	}
	var m Mistakes
	e := &email{name: name, every: s.Every}
	s.TLS = cmp.Or(s.TLS, "starttls")
	usual, ok := emailPorts[s.TLS]
	if !ok {
		m.add("tls", "write starttls (the default), tls or none", "is no way to encrypt mail")
	}
	s.Port = cmp.Or(s.Port, usual)
	if s.Port < 1 || s.Port > 65535 {
		m.add("port", "leave it out for the usual one", "is no port")
	}
	if s.Host == "" || strings.ContainsFunc(s.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/@[]", r) }) {
		m.add("host", "it looks like smtp.example.org; the port stands in `port`", "is not the name of a server")
	}
	if s.User == "" != s.Password.IsZero() {
		m.add("user", "give both, or neither for a server that asks for none", "and `password` go together")
	}
	if s.TLS == "none" && s.User != "" && !loopback(s.Host) {
		m.add("tls", "use starttls or tls", "none would send the password in the clear")
	}
	if s.Every < 0 {
		m.add("every", "", "cannot be negative")
	}
	var err error
	if e.from, err = emailAddress(s.From); err != nil {
		m.add("from", "it looks like Wirewatch <alerts@example.org>", "is not the address of a sender")
	}
	for _, to := range s.To {
		a, err := emailAddress(to)
		if err != nil {
			m.add("to", "it looks like [desk@example.org, ann@example.org]", "has an entry that is not an address")
			continue
		}
		e.to = append(e.to, a)
	}
	if len(s.To) == 0 {
		m.add("to", "it looks like [desk@example.org, ann@example.org]", "names nobody")
	}
	e.own = m.template(s.Template, emailText)
	if err := m.err(); err != nil {
		return nil, err
	}
	e.smtp = &emailServer{host: s.Host, port: s.Port, tls: s.TLS, user: s.User, password: s.Password, dial: deps.Dial}
	hide := []pipeline.Secret{s.Password}
	if s.User != "" { // a server that quotes what it was sent quotes it like this
		for _, x := range []string{s.User, s.Password.Reveal(), "\x00" + s.User + "\x00" + s.Password.Reveal()} {
			hide = append(hide, pipeline.NewSecret(base64.StdEncoding.EncodeToString([]byte(x))))
		}
		if !strings.EqualFold(s.User, e.from.Address) {
			hide = append(hide, pipeline.NewSecret(s.User))
		}
	}
	e.post = newPoster("email", pipeline.Secret{}, deps, hide...)
	e.post.timeout = emailTimeout
	return e, nil
}

// emailAddress reads an address in ASCII, which every server takes.
func emailAddress(s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	if err == nil && (!ascii(a.Address) || a.Name != line(a.Name, nameLen)) {
		err = errors.New("it has letters that an address cannot have")
	}
	return a, err
}

// loopback reports whether a host is this machine, as the mail library sees it before it sends a password in the clear.
func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Format keeps the settings out of whatever verb prints the channel.
func (e *email) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "email channel %q", e.name) }

// Pace is what the settings say; a server that wants less says so with a code of 4xx.
func (e *email) Pace() time.Duration { return e.every }

// Warnings lists what is allowed but hardly meant.
func (e *email) Warnings() []string {
	if e.smtp.tls == "none" && !loopback(e.smtp.host) {
		return []string{"`tls` is none: messages travel in the clear; use starttls or tls"}
	}
	return nil
}

// Send sends the message to all recipients or to none. The name of the message is its Message-ID.
func (e *email) Send(ctx context.Context, d pipeline.Delivery) (ref string, err error) {
	msg, err := e.message(d)
	if err != nil {
		return "", err
	}
	if e.smtp.dial == nil {
		return "", e.post.failure(pipeline.Retry, "no client", 0, "the channel was made for checking only")
	}
	ctx, cancel := context.WithTimeout(ctx, e.post.timeout)
	defer cancel()
	err = e.smtp.send(ctx, msg)
	if msg.IsDelivered() { // what went wrong after the server's yes is no matter
		return msg.GetMessageID(), nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return "", e.refused(err)
}

// send speaks SMTP with the server. Where msg is delivered, the error says what went wrong after that.
func (s *emailServer) send(ctx context.Context, msg *mail.Msg) error {
	// The library leaves a connection open that it could not use, and does not look at ctx once it has one.
	done := func() {}
	defer func() { done() }()
	config := &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	dial := func(dialling context.Context, network, address string) (net.Conn, error) {
		c, err := s.dial(dialling, network, address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		done = func() { stop(); c.Close() }
		if s.tls != "tls" {
			return c, nil
		}
		t := tls.Client(c, config)
		return t, t.HandshakeContext(dialling)
	}
	policy := mail.NoTLS // also where the connection is TLS from its beginning
	if s.tls == "starttls" {
		policy = mail.TLSMandatory
	}
	options := []mail.Option{mail.WithPort(s.port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(config), mail.WithTimeout(sendTimeout),
		mail.WithDialContextFunc(dial), mail.WithoutNoop()}
	if s.user != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5),
			mail.WithUsername(s.user), mail.WithPassword(s.password.Reveal()))
	}
	client, err := mail.NewClient(s.host, options...)
	if err != nil {
		return err
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if err := client.SendWithSMTPClient(server, msg); err != nil {
		return err
	}
	return client.CloseWithSMTPClient(server)
}

// refused is the failure of an attempt. Codes of 4xx pass by themselves, by definition; of the others it counts whether they are about this
// message or about the settings, by which no message would go out.
func (e *email) refused(err error) error {
	var code *textproto.Error
	var sending *mail.SendError
	reason := mail.SendErrReason(-1)
	n := 0
	if errors.As(err, &code) {
		n = code.Code
	}
	if errors.As(err, &sending) {
		reason, n = sending.Reason, sending.ErrorCode()
		err = errors.New(firstLine(sending))
	}
	fail := func(v pipeline.Verdict, hint string) error {
		return e.post.failure(v, fmt.Sprintf("code %d", n), 0, "%v: %s", err, hint)
	}
	switch {
	case n == 0 && strings.Contains(err.Error(), "does not support STARTTLS"):
		return e.post.failure(pipeline.Retry, "no STARTTLS", 0, "the server offers no STARTTLS: use tls, or none, in `tls`")
	case n == 0 && strings.Contains(err.Error(), "AUTH"):
		return e.post.failure(pipeline.Gone, "no login", 0, "%v: the server takes no login, or none that is known here: leave `user` and `password` out, or use another `port`", err)
	case n == 0:
		return e.post.broken(err)
	case n < 500:
		return fail(pipeline.Retry, "the server asks to try again later")
	case n == 530, n == 534, n == 535, n == 538:
		return fail(pipeline.Gone, "the server does not take the login; correct `user` and `password`, then reload")
	case reason == mail.ErrSMTPRcptTo && (n == 552 || strings.HasPrefix(sending.EnhancedStatusCode(), "5.2.2")):
		return fail(pipeline.Retry, "a recipient's mailbox is full")
	case reason == mail.ErrSMTPRcptTo:
		return fail(pipeline.Gone, "the server refuses a recipient, so nobody was sent anything; correct `to`, then reload")
	case reason == mail.ErrSMTPMailFrom && n != 552:
		return fail(pipeline.Gone, "the server refuses the sender; correct `from`, then reload")
	case reason == mail.ErrSMTPMailFrom, reason == mail.ErrSMTPData, reason == mail.ErrSMTPDataClose, reason == mail.ErrWriteContent:
		return fail(pipeline.Final, "the server refuses this message")
	}
	return fail(pipeline.Gone, "the server refuses to talk; correct the settings, then reload")
}

// firstLine is a sending error without the message's own id, and with the refused recipients.
func firstLine(err *mail.SendError) string {
	s, _, _ := strings.Cut(err.Error(), ", affected message ID")
	return s
}

// Payload is the mail as the server gets it.
func (e *email) Payload(d pipeline.Delivery) ([]byte, error) {
	msg, err := e.message(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return b.Bytes(), nil
}

type emailParts struct{ text, html string }

// message makes the mail of a delivery. Nothing in it depends on when or how often it is sent.
func (e *email) message(d pipeline.Delivery) (*mail.Msg, error) {
	m := Render(d)
	parts, err := worded("email", e.own, m, func(m Message, own *string) (p emailParts, fits bool, err error) {
		if own != nil {
			p.text = *own
			p.html, err = emailHTML(m, strings.Split(p.text, "\n")...)
		} else {
			p.text = emailPlain(m)
			p.html, err = emailHTML(m)
		}
		return p, true, err
	})
	if err != nil {
		return nil, err
	}
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent(), mail.WithBoundary("wirewatch-"+fingerprint(d.UID)))
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(e.to...)
	_, domain, _ := strings.Cut(e.from.Address[strings.LastIndexByte(e.from.Address, '@'):], "@")
	id := func(uid string) string { return clip(strings.Map(idRune, uid), 120) + "@" + domain }
	msg.SetMessageIDWithValue(id(d.UID))
	msg.SetDateWithValue(d.Alert.Created.UTC())
	// A title that looks like an encoded word would be decoded, to whatever it hides.
	msg.Subject(strings.ReplaceAll(clip(m.Mark()+m.Headline.Text, titleLen), "=?", "＝?"))
	msg.SetGenHeader("List-Id", fmt.Sprintf("<%s.wirewatch.%s>", cmp.Or(label(e.name), "alerts"), domain))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if by := threaded(d); by != nil {
		u := by.Alert.Update
		first := u.Ref
		if !emailRef.MatchString(first) && u.UID != "" {
			first = "<" + id(u.UID) + ">"
		}
		if emailRef.MatchString(first) {
			msg.SetGenHeader(mail.HeaderInReplyTo, first)
			msg.SetGenHeader(mail.HeaderReferences, first)
		}
	}
	msg.SetBodyString(mail.TypeTextPlain, parts.text+"\n")
	msg.AddAlternativeString(mail.TypeTextHTML, parts.html)
	return msg, nil
}
