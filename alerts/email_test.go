package alerts

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"wirewatch/pipeline"
)

// A mailServer is a real SMTP server that keeps what it takes. no says what it answers to a command; nil: yes.
type mailServer struct {
	host, port string
	certs      *httptest.Server // whose certificate it shows
	no         func(command, arg string) error

	mu    sync.Mutex
	mails []received
	login []string
}

type received struct {
	from string
	to   []string
	data []byte
}

func newMailServer(t testing.TB, implicitTLS bool) *mailServer {
	t.Helper()
	s := &mailServer{certs: httptest.NewTLSServer(nil)}
	t.Cleanup(s.certs.Close)
	srv := smtp.NewServer(s)
	srv.Domain, srv.MaxLineLength = "mail.example", 1000
	srv.ErrorLog = silent{}
	srv.TLSConfig = &tls.Config{Certificates: s.certs.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.host, s.port, _ = net.SplitHostPort(l.Addr().String())
	if implicitTLS {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// channel makes a channel of settings that sends to the server.
func (s *mailServer) channel(t testing.TB, settings string) *email {
	t.Helper()
	if !strings.Contains(settings, "to:") {
		settings += "\nto: [desk@h.example, Ann <ann@h.example>]"
	}
	e := mustChannel(t, fmt.Sprintf("kind: email\nhost: %s\nport: %s\nfrom: Wirewatch <alerts@h.example>\n%s", s.host, s.port, settings)).(*email)
	e.smtp.roots = x509.NewCertPool()
	e.smtp.roots.AddCert(s.certs.Certificate())
	return e
}

func (s *mailServer) answer(command, arg string) error {
	if s.no == nil {
		return nil
	}
	return s.no(command, arg)
}

func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &mailSession{s: s}, s.answer("EHLO", "")
}

type mailSession struct {
	s   *mailServer
	got received
}

func (x *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.login = append(x.s.login, user+":"+password)
		return x.s.answer("AUTH", user+":"+password)
	}), nil
}

func (x *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	x.got = received{from: from}
	return x.s.answer("MAIL", from)
}

func (x *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.got.to = append(x.got.to, to)
	return x.s.answer("RCPT", to)
}

func (x *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := x.s.answer("DATA", ""); err != nil {
		return err
	}
	x.got.data = b
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.mails = append(x.s.mails, x.got)
	return nil
}

func (x *mailSession) Reset()        { x.got = received{} }
func (x *mailSession) Logout() error { return nil }

// parsed is a mail as the standard library reads it: its headers decoded, its two parts.
func parsed(t testing.TB, data []byte) (h mail.Header, text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	typ, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/alternative" {
		t.Fatalf("%s, %v", typ, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var parts []string
	for _, want := range []string{"text/plain", "text/html"} {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if typ, params, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); typ != want || !strings.EqualFold(params["charset"], "utf-8") {
			t.Fatalf("part %s %v, want %s", typ, params, want)
		}
		if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
			t.Fatal(enc)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, strings.ReplaceAll(string(b), "\r\n", "\n"))
	}
	if _, err := r.NextRawPart(); err != io.EOF {
		t.Fatalf("a third part: %v", err)
	}
	return m.Header, parts[0], parts[1]
}

// subject decodes a Subject.
func subject(t testing.TB, h mail.Header) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// By STARTTLS, by TLS, and in the clear, with a login or without, one mail goes to all.
func TestEmailSends(t *testing.T) {
	for _, c := range []struct {
		settings string
		implicit bool
		login    string
	}{
		{"user: u\npassword: pass word", false, "u:pass word"}, {"", false, ""}, {"tls: tls\nuser: u\npassword: p", true, "u:p"}, {"tls: none", false, ""},
	} {
		s := newMailServer(t, c.implicit)
		e := s.channel(t, c.settings)
		d := samples()["english"]
		ref, err := e.Send(t.Context(), d)
		if err != nil {
			t.Errorf("%q: %v", c.settings, err)
			continue
		}
		if got := strings.Join(s.login, ","); got != c.login {
			t.Errorf("%q: login %q", c.settings, got)
		}
		if len(s.mails) != 1 || s.mails[0].from != "alerts@h.example" || !slices.Equal(s.mails[0].to, []string{"desk@h.example", "ann@h.example"}) {
			t.Errorf("%q: %+v", c.settings, s.mails)
		}
		h, text, html := parsed(t, s.mails[0].data)
		for k, want := range map[string]string{
			"Message-ID": "<msg_en@h.example>", "From": "\"Wirewatch\" <alerts@h.example>", "To": "<desk@h.example>, \"Ann\" <ann@h.example>",
			"List-Id": "<desk.wirewatch.h.example>", "Auto-Submitted": "auto-generated", "Date": "Sun, 22 Nov 2026 10:00:00 +0000",
			"In-Reply-To": "", "References": "", "User-Agent": "", "X-Mailer": "", "Mime-Version": "1.0",
		} {
			if got := h.Get(k); got != want {
				t.Errorf("%s: %q, want %q", k, got, want)
			}
		}
		if ref != "<msg_en@h.example>" || subject(t, h) != d.Alert.Article.Title {
			t.Errorf("ref %q, subject %q", ref, subject(t, h))
		}
		if !strings.HasPrefix(text, d.Alert.Article.Title+"\nExample News · ") || !strings.Contains(text, "held artillery *shells* and") ||
			!strings.Contains(text, " others: The Daily <https://daily.example/a>, ") || !strings.HasSuffix(text, "\nhttps://news.example/2026/11/22/shells\n") ||
			!strings.Contains(html, `<b>shells</b>`) || !strings.Contains(html, `href="https://news.example/2026/11/22/shells"`) {
			t.Errorf("text %q, html %s", text, html)
		}
	}
}

// Every attempt sends the same bytes, and no line is longer than SMTP allows.
func TestEmailIsStable(t *testing.T) {
	s := newMailServer(t, false)
	e := s.channel(t, "tls: none")
	all := samples()
	for name, d := range largest() {
		all["largest "+name] = d
	}
	for name, d := range all {
		for range 2 {
			if _, err := e.Send(t.Context(), d); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		n := len(s.mails)
		if !bytes.Equal(s.mails[n-1].data, s.mails[n-2].data) {
			t.Errorf("%s differs:\n%.2000s\n%.2000s", name, s.mails[n-1].data, s.mails[n-2].data)
		}
		for _, l := range bytes.Split(s.mails[n-1].data, []byte("\r\n")) {
			if len(l) > 998 || bytes.ContainsAny(l, "\r\n") {
				t.Errorf("%s: a line of %d bytes", name, len(l))
			}
		}
		parsed(t, s.mails[n-1].data)
	}
}

// An update answers the first message, by the name that was stored or by the one that it must have had.
func TestEmailThreads(t *testing.T) {
	s := newMailServer(t, false)
	e := s.channel(t, "tls: none")
	for _, c := range []struct {
		ref, uid string
		separate bool
		want     string
	}{
		{"<msg_first@before.example>", "msg_first", false, "<msg_first@before.example>"},
		{"", "msg_first", false, "<msg_first@h.example>"},
		{"C0123/1.2", "msg_first", false, "<msg_first@h.example>"},
		{"<a@b>\r\nBcc: <evil@h.example>", "msg_first", false, "<msg_first@h.example>"},
		{"<msg_first@h.example>", "msg_first", true, ""},
		{"", "", false, ""},
	} {
		d := samples()["corrected"]
		u := *d.Alert.Update
		u.Ref, u.UID, u.Separate = c.ref, c.uid, c.separate
		d.Alert.Update = &u
		if _, err := e.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		h, _, html := parsed(t, s.mails[len(s.mails)-1].data)
		if h.Get("In-Reply-To") != c.want || h.Get("References") != c.want || h.Get("Bcc") != "" || !strings.HasPrefix(subject(t, h), "[UPDATE] [CORRECTED] ") {
			t.Errorf("%+v: %v", c, h)
		}
		if !strings.Contains(html, "<del>twelve </del><ins>fifteen") {
			t.Error(html)
		}
	}
}

// What the server answers decides what becomes of the message; nobody is sent anything that another recipient is not.
func TestEmailAnswers(t *testing.T) {
	for _, c := range []struct {
		command, arg string
		code         int
		enhanced     smtp.EnhancedCode
		verdict      pipeline.Verdict
	}{
		{"EHLO", "", 421, smtp.EnhancedCode{4, 3, 2}, pipeline.Retry},
		{"EHLO", "", 554, smtp.EnhancedCode{5, 7, 1}, pipeline.Gone},
		{"AUTH", "", 535, smtp.EnhancedCode{5, 7, 8}, pipeline.Gone},
		{"AUTH", "", 454, smtp.EnhancedCode{4, 7, 0}, pipeline.Retry},
		{"MAIL", "", 550, smtp.EnhancedCode{5, 7, 1}, pipeline.Gone},
		{"MAIL", "", 552, smtp.EnhancedCode{5, 3, 4}, pipeline.Final},
		{"MAIL", "", 451, smtp.EnhancedCode{4, 3, 0}, pipeline.Retry},
		{"RCPT", "ann@h.example", 450, smtp.EnhancedCode{4, 2, 0}, pipeline.Retry},
		{"RCPT", "ann@h.example", 550, smtp.EnhancedCode{5, 1, 1}, pipeline.Gone},
		{"RCPT", "desk@h.example", 550, smtp.EnhancedCode{5, 1, 1}, pipeline.Gone},
		{"RCPT", "ann@h.example", 552, smtp.EnhancedCode{5, 2, 2}, pipeline.Retry},
		{"RCPT", "ann@h.example", 550, smtp.EnhancedCode{5, 2, 2}, pipeline.Retry},
		{"DATA", "", 554, smtp.EnhancedCode{5, 6, 0}, pipeline.Final},
		{"DATA", "", 452, smtp.EnhancedCode{4, 3, 1}, pipeline.Retry},
	} {
		s := newMailServer(t, false)
		s.no = func(command, arg string) error {
			if command == c.command && (c.arg == "" || c.arg == arg) {
				return &smtp.SMTPError{Code: c.code, EnhancedCode: c.enhanced, Message: "no\u202E <!channel>"}
			}
			return nil
		}
		_, err := s.channel(t, "user: secretUser\npassword: secretPassword").Send(t.Context(), samples()["english"])
		f := pipeline.AsFailure(err)
		if err == nil || f.Verdict != c.verdict || f.Reason != fmt.Sprintf("code %d", c.code) || acts(err.Error()) || !strings.Contains(err.Error(), fmt.Sprint(c.code)) {
			t.Errorf("%s %s %d: verdict %d, reason %q: %v", c.command, c.arg, c.code, f.Verdict, f.Reason, err)
		}
		if len(s.mails) > 0 {
			t.Errorf("%s %d: %+v was sent", c.command, c.code, s.mails)
		}
		if c.arg != "" && !strings.Contains(err.Error(), c.arg) {
			t.Errorf("the refused recipient is not named: %v", err)
		}
	}
}

// A server that has said yes has the message, whatever comes after.
func TestEmailYesIsYes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	took := make(chan bool, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(c, "220 hi\r\n")
		b := make([]byte, 64<<10)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			switch got := string(b[:n]); {
			case strings.HasSuffix(got, "\r\n.\r\n"):
				fmt.Fprint(c, "250 taken\r\n")
				took <- true
				c.Close() // in the middle of the conversation
				return
			case strings.HasPrefix(got, "DATA"):
				fmt.Fprint(c, "354 go on\r\n")
			case strings.Contains(got, "\r\n") && (strings.HasPrefix(got, "EHLO") || strings.HasPrefix(got, "MAIL") || strings.HasPrefix(got, "RCPT")):
				fmt.Fprint(c, "250 ok\r\n")
			}
		}
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	ch := mustChannel(t, fmt.Sprintf("kind: email\nhost: %s\nport: %s\ntls: none\nfrom: a@h.example\nto: [b@h.example]", host, port))
	if ref, err := ch.Send(t.Context(), samples()["note"]); err != nil || ref != "<msg_n@h.example>" {
		t.Errorf("%q, %v", ref, err)
	}
	<-took
}

// What is in the way of the connection: no certificate, no TLS, no login, nobody there, nobody answering, the guard.
func TestEmailConnections(t *testing.T) {
	s := newMailServer(t, false)
	send := func(e *email) *pipeline.Failure {
		t.Helper()
		_, err := e.Send(t.Context(), samples()["english"])
		if err == nil {
			t.Fatal("sent")
		}
		return pipeline.AsFailure(err)
	}
	e := s.channel(t, "")
	e.smtp.roots = x509.NewCertPool()
	if f := send(e); f.Verdict != pipeline.Retry || !strings.Contains(f.Error(), "certificate") {
		t.Errorf("unknown certificate: %+v", f)
	}
	plain := newMailServer(t, true) // which offers no STARTTLS on top of TLS
	e = plain.channel(t, "tls: starttls")
	e.post.timeout = 100 * time.Millisecond // it waits for a handshake
	if f := send(e); f.Verdict != pipeline.Retry || f.Reason != "timeout" {
		t.Errorf("starttls to a TLS port: %+v", f)
	}
	e = s.channel(t, "tls: tls")
	if f := send(e); f.Verdict != pipeline.Retry {
		t.Errorf("TLS to a STARTTLS port: %+v", f)
	}
	closed := s.channel(t, "")
	closed.smtp.port = 1
	if f := send(closed); f.Verdict != pipeline.Retry || f.Reason != "network" {
		t.Errorf("nobody there: %+v", f)
	}
	e = s.channel(t, "")
	e.smtp.dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &pipeline.Failure{Verdict: pipeline.Final, Reason: "forbidden address", Err: errors.New("10.0.0.1 is private")}}
	}
	if f := send(e); f.Verdict != pipeline.Final || f.Reason != "forbidden address" {
		t.Errorf("the guard: %+v", f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	hold := newMailServer(t, false)
	hold.no = func(command, _ string) error {
		if command == "MAIL" {
			cancel()
			<-t.Context().Done() // until the test ends
		}
		return nil
	}
	if _, err := hold.channel(t, "").Send(ctx, samples()["english"]); !errors.Is(err, context.Canceled) {
		t.Errorf("a shutdown: %v", err)
	}
}

// A server that quotes the login it was sent gives nothing away.
func TestEmailHidesItsLogin(t *testing.T) {
	const user, password = "secretUser", "secretPass1234"
	for _, quoted := range []string{user, password, user + ":" + password, base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)),
		base64.StdEncoding.EncodeToString([]byte(password)), strings.Repeat(".", 290) + password} {
		s := newMailServer(t, false)
		s.no = func(command, _ string) error {
			if command == "AUTH" {
				return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: quoted}
			}
			return nil
		}
		_, err := s.channel(t, fmt.Sprintf("user: %s\npassword: %s", user, password)).Send(t.Context(), samples()["english"])
		if err == nil || strings.Contains(err.Error(), "secret") || len(quoted) < 280 && strings.Contains(err.Error(), quoted) {
			t.Errorf("%q: %v", quoted, err)
		}
	}
}

// No hostile title breaks out: of a header, of the text, of the HTML.
func TestEmailHostileTitles(t *testing.T) {
	s := newMailServer(t, false)
	e := s.channel(t, "tls: none")
	for _, c := range append(hostile, struct{ name, title, clean string }{"encoded word", "=?utf-8?q?=0D=0ABcc:_evil=40h.example?= a", "=?utf-8?q?=0D=0ABcc:_evil=40h.example?= a"}) {
		d := delivery("msg_h\r\nBcc: evil@h.example", c.title, "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example", SiteName: c.title, Title: c.title,
			Body: c.title, Agency: c.title, Source: pipeline.SourceFeed, Why: c.title}, pipeline.Outlet{SiteName: c.title, URL: "https://o.example/"})
		if _, err := e.Send(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := s.mails[len(s.mails)-1]
		h, text, html := parsed(t, got.data)
		names := slices.Sorted(maps.Keys(h))
		if want := "Auto-Submitted Content-Type Date From List-Id Message-Id Mime-Version Subject To"; strings.Join(names, " ") != want || len(got.to) != 2 {
			t.Errorf("%s: %v to %q", c.name, h, got.to)
		}
		if want := strings.ReplaceAll(clip(c.clean, titleLen), "=?", "＝?"); c.clean != "" && subject(t, h) != want || acts(subject(t, h)) {
			t.Errorf("%s: subject %q", c.name, subject(t, h))
		}
		for _, l := range strings.Split(text+html, "\n") {
			if acts(l) {
				t.Errorf("%s: %q", c.name, l)
			}
		}
		for _, tag := range regexp.MustCompile(`<([^/][^>]*)>`).FindAllStringSubmatch(html, -1) {
			if name := strings.Fields(tag[1])[0]; !strings.Contains(" !DOCTYPE html head meta title style body h2 a p ", " "+name+" ") || strings.Contains(tag[1], "evil") {
				t.Errorf("%s: tag %s", c.name, tag[0])
			}
		}
		if n := strings.Count(html, `<a href="`); n != 2 { // a title may well say href=
			t.Errorf("%s: %d links", c.name, n)
		}
	}
}

func TestEmailSettings(t *testing.T) {
	const good = "host: mail.example\nfrom: a@h.example\nto: [b@h.example]\n"
	for settings, want := range map[string]string{
		good + "tls: ssl": "tls: is no way to encrypt mail", good + "port: 70000": "port: is no port", good + "user: u": "user: and `password` go together",
		good + "password: canary":                                "user: and `password` go together",
		good + "tls: none\nuser: u\npassword: canary":            "tls: none would send the password in the clear",
		good + "every: -1s":                                      "every: `-1s` is not a duration",
		good + "sender: x":                                       "sender",
		"host: mail.example:25\nfrom: a@h.example\nto: []":       "to: names nobody",
		"host: https://x/\nfrom: a@h.example\nto: [b@h.example]": "host: is not the name of a server",
		"host: m\nfrom: \"a\\nBcc: x@y\"\nto: [b@h.example]":     "from: is not the address of a sender",
		"host: m\nfrom: a@h.example\nto: [b@h.example, b]":       "to: has an entry that is not an address",
		"host: m\nfrom: ä@h.example\nto: [b@h.example]":          "from: is not the address",
	} {
		_, err := newChannel(t, "kind: email\n"+settings)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", settings, err)
		}
	}
	for settings, port := range map[string]int{"": 587, "tls: tls": 465, "tls: none": 25, "tls: none\nport: 2525": 2525} {
		e := mustChannel(t, "kind: email\n"+good+settings).(*email)
		if e.smtp.port != port || (len(e.Warnings()) > 0) != strings.Contains(settings, "none") {
			t.Errorf("%q: port %d, %q", settings, e.smtp.port, e.Warnings())
		}
	}
}
