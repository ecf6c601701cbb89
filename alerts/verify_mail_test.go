package alerts

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// A mail server of npm takes every sample over STARTTLS with a login, and another library reads in it what was meant.
func TestMailNPM(t *testing.T) {
	dir := npmFolder(t, "smtp-server", "mailparser")
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	pair := certs.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/mail.mjs", dir)
	cmd.Env = append(os.Environ(), "KEY="+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"CERT="+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	cmd.Stderr = os.Stderr
	stop, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stop.Close()
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		t.Fatal("the server says no port")
	}
	settings := "kind: email\nhost: 127.0.0.1\nport: " + lines.Text() + "\nfrom: Wirewatch <alerts@h.example>\nuser: u\n"
	channel := func(more string) *email {
		t.Helper()
		e := mustChannel(t, settings+more).(*email)
		e.smtp.roots = x509.NewCertPool()
		e.smtp.roots.AddCert(certs.Certificate())
		return e
	}
	e := channel("password: p ass\nto: [desk@h.example, Ann <ann@h.example>]")
	all := samples()
	for i, c := range hostile {
		all[fmt.Sprint("hostile ", c.name)] = delivery(fmt.Sprint("msg_h", i), "r", "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example",
			SiteName: c.title, Title: c.title, Body: c.title})
	}
	for name, d := range all {
		if _, err := e.Send(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !lines.Scan() {
			t.Fatalf("%s: nothing came: %v", name, lines.Err())
		}
		var got struct {
			User, Sender, From, To, Subject, ID, InReplyTo, Date, List, Auto, Text, HTML string
			Secure                                                                       bool
			Rcpt, References, Headers                                                    []string
			Attachments                                                                  int
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v: %s", name, err, lines.Text())
		}
		m := Render(d)
		html, err := emailHTML(m)
		if err != nil {
			t.Fatal(err)
		}
		first := ""
		if u := d.Alert.Update; u != nil {
			first = "<" + u.UID + "@h.example>"
		}
		slices.Sort(got.Headers)
		headers := []string{"auto-submitted", "content-type", "date", "from", "list-id", "message-id", "mime-version", "subject", "to"}
		if first != "" {
			headers = append(headers, "in-reply-to", "references")
			slices.Sort(headers)
		}
		for _, x := range []struct{ what, got, want string }{
			{"login", got.User, "u"}, {"sender", got.Sender, "alerts@h.example"}, {"from", got.From, `"Wirewatch" <alerts@h.example>`},
			{"to", got.To, `desk@h.example, "Ann" <ann@h.example>`}, {"recipients", strings.Join(got.Rcpt, " "), "desk@h.example ann@h.example"},
			{"subject", got.Subject, strings.ReplaceAll(clip(m.Mark()+m.Headline.Text, titleLen), "=?", "＝?")}, {"id", got.ID, "<" + d.UID + "@h.example>"},
			{"in reply to", got.InReplyTo, first}, {"references", strings.Join(got.References, " "), first}, {"list", got.List, "desk.wirewatch.h.example"},
			{"auto-submitted", got.Auto, "auto-generated"}, {"date", got.Date, d.Alert.Created.UTC().Format("2006-01-02T15:04:05.000Z")},
			{"headers", strings.Join(got.Headers, " "), strings.Join(headers, " ")}, {"text", strings.TrimSpace(got.Text), emailPlain(m)},
			{"HTML", strings.TrimSpace(got.HTML), strings.TrimSpace(html)},
		} {
			if x.got != x.want {
				t.Errorf("%s: %s %q, want %q", name, x.what, x.got, x.want)
			}
		}
		if !got.Secure || got.Attachments != 0 {
			t.Errorf("%s: secure %v, %d attachments", name, got.Secure, got.Attachments)
		}
	}
	for settings, want := range map[string]pipeline.Verdict{
		"password: wrong\nto: [desk@h.example]":                   pipeline.Gone,
		"password: p ass\nto: [desk@h.example, nobody@h.example]": pipeline.Gone,
	} {
		if _, err := channel(settings).Send(t.Context(), samples()["note"]); err == nil || pipeline.AsFailure(err).Verdict != want {
			t.Errorf("%s: %v", settings, err)
		}
	}
}
