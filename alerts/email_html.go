package alerts

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"html/template"
	"regexp"
	"strings"

	"wirewatch/pipeline/diff"
)

// emailPage is the HTML part of a mail. It loads nothing, and leaves colours to the reader's program, light or dark.
//
//go:embed email.html
var emailPage string

var emailTemplate = template.Must(template.New("email").Funcs(template.FuncMap{
	"join":    func(parts []string) string { return strings.Join(parts, " · ") },
	"hits":    hitRuns,
	"inert":   inert, // mail programs make links of what looks like addresses, too
	"shown":   Message.shown,
	"carried": Message.carriedBy,
	"more":    func(m Message) int { return m.Carried - len(m.Outlets) },
	"removed": func(r Run) bool { return r.Op == diff.Removed },
	"added":   func(r Run) bool { return r.Op == diff.Added },
}).Parse(emailPage))

// emailText is how the text of a mail is written, and the markup of templates, whose lines stand in the HTML as they are.
var emailText = printer{
	escape: inert, end: "\n",
	looks: map[look][2]string{bold: {"*", "*"}, strike: {"[-", "-]"}},
	link:  func(s, to string) string { return s + " <" + to + ">" },
}

// emailPlain is the text of a mail: the headline by itself, and the article's address at the end; what a digest gathers in the same form.
func emailPlain(m Message) string {
	items := m.Items
	m.Items = nil
	lines := layout(m)
	s := plainText.lines(lines[:1])
	if len(lines) > 1 {
		s += "\n" + emailText.lines(lines[1:])
	}
	if m.Link != "" {
		s += "\n" + m.Link
	}
	for _, x := range items {
		s += "\n\n" + emailPlain(x)
	}
	return s
}

// emailHTML renders a message for mail: in its standard form, or as the lines that a template made of it.
func emailHTML(m Message, own ...string) (string, error) {
	var b bytes.Buffer
	if err := emailTemplate.Execute(&b, struct {
		Message
		Own []string
	}{m, own}); err != nil {
		return "", err
	}
	return b.String(), nil
}

type hitRun struct {
	Text string
	Hit  bool
}

// hitRuns cuts a passage into what is a hit and what is not.
func hitRuns(p Passage) (out []hitRun) {
	p.runs(func(s string, hit bool) { out = append(out, hitRun{s, hit}) })
	return out
}

// emailRef is what a Message-ID looks like.
var emailRef = regexp.MustCompile(`^<[!-;=?A-~]+@[!-;=?A-~]+>$`)

// idRune makes what may stand in a Message-ID of a UID's characters.
func idRune(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		return r
	}
	return '-'
}

// label makes a label of a List-Id of a name: what is left of its ASCII letters and digits.
func label(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s[:min(len(s), 40)], "-")
}

// fingerprint is a short name for a text, the same for the same text.
func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}
