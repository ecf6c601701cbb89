package alerts

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// A Hit is a half-open range of bytes [Start, End) in the text it comes with.
type Hit struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Terminal makes s safe to print on one line of a terminal or a log: no escape sequences, no control or bidi characters, no
// line breaks that could forge a line.
func Terminal(s string) string {
	s, _ = clean(s, nil)
	return s
}

// TerminalText is Terminal for text of several paragraphs, which it keeps apart.
func TerminalText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Terminal(l)
	}
	return strings.Join(lines, "\n")
}

// clean takes out of s what does not show but acts: terminal escape sequences, control and bidi characters, invisible
// letters, towers of combining marks. White space of any kind becomes single spaces. The result is valid UTF-8 on one line;
// hits are moved along with the text, and those of which nothing is left are dropped.
//
// All of Unicode's bidi controls go, the harmless marks included: a title that needs one reads a little worse, a title that
// abuses one shows another address than it leads to.
func clean(s string, hits []Hit) (string, []Hit) {
	var b strings.Builder
	at := make([]int, len(s)+1) // by byte of s: where it came to stand
	space, marks := false, 0
	for i := 0; i < len(s); {
		n := escapeSequence(s[i:])
		var r rune
		if n == 0 {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		pending := b.Len()
		if space {
			pending++ // the space is written before whatever follows
		}
		for j := i; j < i+n; j++ {
			at[j] = pending
		}
		i += n
		switch class := classify(r); {
		case n > 1 && r == 0, class == vanishes: // r is 0 with n > 1 for a whole escape sequence
		case class == blank:
			space = b.Len() > 0
		case class == combines && marks >= maxMarks:
		case class == joins && (space || b.Len() == 0 || strings.HasSuffix(b.String(), string(r))):
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			if marks++; class != combines {
				marks = 0
			}
			b.WriteRune(r)
		}
	}
	out := b.String()
	at[len(s)] = len(out)
	var moved []Hit
	for _, h := range hits {
		m := Hit{min(at[h.Start], len(out)), min(at[h.End], len(out))}
		for m.End > m.Start && out[m.End-1] == ' ' {
			m.End--
		}
		if m.Start < m.End {
			moved = append(moved, m)
		}
	}
	return out, moved
}

// maxMarks is how many combining marks may stand on one letter: more than any orthography needs.
const maxMarks = 6

type charClass int

const (
	shows charClass = iota
	blank
	vanishes
	combines
	joins
)

func classify(r rune) charClass {
	switch {
	case r == utf8.RuneError:
		return shows
	case r == 0x2028, r == 0x2029, r == 0x2800: // line and paragraph separator, the empty Braille cell
		return blank
	case r == 0x200C, r == 0x200D: // they shape Persian, Indic scripts and emoji
		return joins
	case unicode.IsSpace(r):
		return blank
	case r >= 0x0600 && r <= 0x0605, r == 0x06DD, r == 0x070F, r == 0x08E2, r == 0x110BD, r == 0x110CD:
		return shows // format characters by category, but printed: number and verse signs
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Bidi_Control), r == 0x3164, r == 0xFFA0, r == 0x034F:
		return vanishes
	case r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF: // noncharacters
		return vanishes
	case unicode.Is(unicode.M, r):
		return combines
	}
	return shows
}

// escapeSequence is the length of the terminal escape sequence that s begins with, 0: none. Both forms of the introducer
// count, ESC and the C1 character.
func escapeSequence(s string) int {
	var kind byte
	var n int
	switch {
	case len(s) >= 2 && s[0] == 0x1b:
		kind, n = s[1], 2
	case len(s) >= 2 && s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0 && s[1] != 0x85: // 0x85 is a line end
		kind, n = s[1]-0x40, 2
	default:
		return 0
	}
	const longest = 256 // a string that is not closed by then is text after a stray introducer
	switch kind {
	case '[':
		for i := n; i < min(len(s), longest); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				break
			}
		}
	case ']', 'P', 'X', '^', '_':
		for i := n; i < min(len(s), longest); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if strings.HasPrefix(s[i:], "\x1b\\") || strings.HasPrefix(s[i:], "\u009c") {
				return i + 2
			}
		}
	}
	if s[0] == 0x1b {
		return 0 // the ESC alone goes, as a control character
	}
	return n
}

// clip shortens s to at most n characters, with an ellipsis, between whole characters as readers see them.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	end := 0
	for i := range s {
		if n--; n < 0 {
			break
		}
		end = i
	}
	for end > 0 && !boundary(s, end) {
		end--
	}
	return strings.TrimRight(s[:end], " ") + "…"
}

// line is what most outputs want of a name or a note: clean, and at most n characters.
func line(s string, n int) string { return clip(Terminal(s), n) }

// maxLink is the longest address that is still given as a link. Real ones are far below; no receiver's limit is.
const maxLink = 2000

// link is an address that is safe to give a reader, or "": http or https, with a host, without user and password (which
// disguise the host), without characters that end a link in some markup.
func link(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil { // most often a % that is meant as such
		u, err = url.Parse(strings.ReplaceAll(s, "%", "%25"))
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	u.User = nil
	if !ascii(u.Host) { // as in DNS, where look-alike letters show
		h, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil {
			return ""
		}
		if p := u.Port(); p != "" {
			h += ":" + p
		}
		u.Host = h
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { // escaped, a host is none any more
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:[]", r))
	}) {
		return ""
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>|\"'`\\^{}*~", c) >= 0 {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	if b.Len() > maxLink {
		return ""
	}
	return b.String()
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// emoji finds what Slack and its likes turn into a picture.
var emoji = regexp.MustCompile(`:([a-z+-][a-z0-9_+'-]*):`)

// slackLiteral keeps clean text literal inside a Block Kit rich_text element, which knows no markup but may know :names:.
func slackLiteral(s string) string { return emoji.ReplaceAllString(s, "꞉$1꞉") }

// slackText escapes clean text for a message's mrkdwn text, the fallback of a Block Kit message. The characters & < > are
// escaped as Slack documents; what else is markup there becomes a look-alike, because nothing in mrkdwn escapes it, and
// because Slack-compatible servers know more markup and mentions than Slack does.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "_", "＿", "~", "∼", "`", "ˋ", "@", "＠",
		"://", "꞉//", "[", "［", "]", "］").Replace(slackLiteral(s))
}

// inert takes from clean text what chat programs act on wherever it stands, whatever else they take for markup: mentions, addresses
// (with a scheme, and bare ones such as evil.example, which many turn into links), commands, hashtags, emoji names. What acts becomes a
// look-alike, because for most of it no receiver has an escape.
func inert(s string) string {
	s = slackLiteral(s)
	var b strings.Builder
	rs := []rune(s)
	at := func(i int) rune {
		if i < 0 || i >= len(rs) {
			return ' '
		}
		return rs[i]
	}
	word := func(i int) bool { return unicode.IsLetter(at(i)) || unicode.IsNumber(at(i)) }
	for i, r := range rs {
		switch {
		case r == '@':
			r = '＠'
		case r == '#' && (word(i+1) || at(i+1) == '_'):
			r = '＃'
		case r == '$' && unicode.IsLetter(at(i+1)):
			r = '＄'
		case r == ':' && (at(i+1) == '/' && at(i+2) == '/' || unicode.IsLetter(at(i-1)) && word(i+1)): // any scheme's, and mailto:a
			r = '꞉'
		case r == '.' && word(i-1) && unicode.IsLetter(at(i+1)) && unicode.IsLetter(at(i+2)):
			r = '․'
		case r == '/' && word(i+1) && !word(i-1) && at(i-1) != '/':
			r = '∕'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// markdown makes clean text literal in the Markdown of Discord and Mattermost. Angle brackets become look-alikes: Mattermost reads
// Slack's mentions and links in them before it reads Markdown.
func markdown(s string) string {
	s = markdownEscapes.Replace(inert(s))
	if s == "" {
		return s
	}
	switch n := len(s) - len(strings.TrimLeft(s, "0123456789")); {
	case n > 0 && n < len(s) && s[n] == '.': // a numbered list
		return s[:n] + "\\" + s[n:]
	case s[0] == '-' || s[0] == '+':
		return "\\" + s
	case s[0] == '=': // under a line it would make that a heading
		return "＝" + s[1:]
	}
	return s
}

var markdownEscapes = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "|", "\\|", "[", "\\[", "]", "\\]",
	"(", "\\(", ")", "\\)", "{", "\\{", "}", "\\}", "!", "\\!", "#", "\\#", "<", "＜", ">", "＞")

// markdownDest is a safe link as the destination of a Markdown link.
func markdownDest(to string) string { return strings.NewReplacer("(", "%28", ")", "%29").Replace(to) }
