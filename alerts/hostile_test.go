package alerts

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline"
	"wirewatch/pipeline/diff"
)

// hostile are titles that want something of the reader's screen, and what is left of them as text.
var hostile = []struct{ name, title, clean string }{
	{"broadcast", "<!channel> read this", "<!channel> read this"},
	{"here", "<!here|x> now", "<!here|x> now"},
	{"everyone", "@everyone @here @channel", "@everyone @here @channel"},
	{"subteam", "<!subteam^S123|@admins>", "<!subteam^S123|@admins>"},
	{"user", "<@U012AB3CD> owes you", "<@U012AB3CD> owes you"},
	{"channel link", "<#C024BE7LR|general>", "<#C024BE7LR|general>"},
	{"date", "<!date^1392734382^{date}^https://evil.example|today>", "<!date^1392734382^{date}^https://evil.example|today>"},
	{"masked link", "<https://evil.example|https://bank.example>", "<https://evil.example|https://bank.example>"},
	{"markdown link", "[bank](https://evil.example)", "[bank](https://evil.example)"},
	{"image", "![x](https://evil.example/pixel.png)", "![x](https://evil.example/pixel.png)"},
	{"bare link", "see https://evil.example/now", "see https://evil.example/now"},
	{"mailto", "<mailto:a@evil.example|help>", "<mailto:a@evil.example|help>"},
	{"bold", "*bold* _italic_ ~strike~ `code`", "*bold* _italic_ ~strike~ `code`"},
	{"code block", "```rm -rf```", "```rm -rf```"},
	{"emoji name", ":rotating_light: :+1: 12:30:45", ":rotating_light: :+1: 12:30:45"},
	{"quote", "> quoted &gt; &amp; &lt;!channel&gt;", "> quoted &gt; &amp; &lt;!channel&gt;"},
	{"entity", "&lt;!channel&gt; &#60;@U1&#62;", "&lt;!channel&gt; &#60;@U1&#62;"},
	{"html", "<script>alert(1)</script><img src=x onerror=alert(1)>", "<script>alert(1)</script><img src=x onerror=alert(1)>"},
	{"json", `","blocks":[{"type":"divider"}],"x":"`, `","blocks":[{"type":"divider"}],"x":"`},
	{"backslash", `\u003c!channel\u003e \n \`, `\u003c!channel\u003e \n \`},
	{"newlines", "one\ntwo\r\nthree\vfour\ffive\u2028six\u2029seven\u0085eight", "one two three four five six seven eight"},
	{"forged line", "quiet\n2026-11-22 ERROR disk on fire", "quiet 2026-11-22 ERROR disk on fire"},
	{"colour", "\x1b[31mred\x1b[0m", "red"},
	{"screen", "\x1b[2J\x1b[Hgone", "gone"},
	{"window title", "\x1b]0;owned\x07after", "after"},
	{"hyperlink", "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\", "bank"},
	{"c1", "a\u009b31mb\u009d0;x\u009cc", "abc"},
	{"unclosed", "\x1b]0;never closed", "]0;never closed"},
	{"bell and backspace", "pass\x07word\b\b\b\bxxxx", "passwordxxxx"},
	{"null", "a\x00b", "ab"},
	{"delete", "a\x7fb", "ab"},
	{"override", "invoice\u202Efdp.exe", "invoicefdp.exe"},
	{"isolates", "\u2066a\u2067b\u2068c\u2069", "abc"},
	{"marks", "a\u200Eb\u200Fc\u061Cd", "abcd"},
	{"zero width", "pass\u200Bwo\uFEFFrd\u2060s\u00AD", "passwords"},
	{"tags", "hi\U000E0068\U000E0069\U000E007F", "hi"},
	{"joiners alone", "\u200D\u200D a\u200D\u200D\u200Db", "a\u200Db"},
	{"invisible letters", "a\u3164b\uFFA0c\u2800d", "abc d"},
	{"invalid", "a\xff\xfe\xc3(b", "a\uFFFD\uFFFD\uFFFD(b"},
	{"surrogate", "a\xed\xa0\x80b", "a\uFFFD\uFFFD\uFFFDb"},
	{"overlong", "a\xc0\xbcb", "a\uFFFD\uFFFDb"},
	{"noncharacters", "a\uFFFEb\uFFFFc\uFDD0d", "abcd"},
	{"tower", "a" + strings.Repeat("\u0301", 200) + "b", "a" + strings.Repeat("\u0301", maxMarks) + "b"},
	{"formula", "=HYPERLINK(\"https://evil.example\",\"x\")", "=HYPERLINK(\"https://evil.example\",\"x\")"},
	{"long", strings.Repeat("x", 100_000), strings.Repeat("x", 100_000)},
	{"spaces", " \t\u00a0 a \u3000\n b \u2003", "a b"},
	{"only controls", "\x1b[0m\u202E\x00\n", ""},
	{"command", "/start /stop@bot (/etc) a/b", "/start /stop@bot (/etc) a/b"},
	{"hashtag", "#breaking #_x No. #4", "#breaking #_x No. #4"},
	{"cashtag", "$ACME up, $400 down", "$ACME up, $400 down"},
	{"bare domain", "go to evil.example or www.evil.example/now", "go to evil.example or www.evil.example/now"},
	{"other scheme", "tg://resolve?domain=evil steam://run/1", "tg://resolve?domain=evil steam://run/1"},
	{"mail address", "write to a.b@evil.example", "write to a.b@evil.example"},
	{"matrix pill", "https://matrix.to/#/@admin:evil.example #room:evil.example", "https://matrix.to/#/@admin:evil.example #room:evil.example"},
	{"matrix html", "<mx-reply><a href='https://matrix.to/#/@a:b'>x</a></mx-reply>", "<mx-reply><a href='https://matrix.to/#/@a:b'>x</a></mx-reply>"},
	{"teams mention", "<at>Everyone</at> <at id=\"0\">Ada</at>", "<at>Everyone</at> <at id=\"0\">Ada</at>"},
	{"teams date", "{{DATE(2026-11-22T10:00:00Z, SHORT)}} ${expression}", "{{DATE(2026-11-22T10:00:00Z, SHORT)}} ${expression}"},
	{"discord role", "<@&123456789012345678> <@!1> <id:customize>", "<@&123456789012345678> <@!1> <id:customize>"},
	{"discord time", "<t:1700000000:R> </nuke:1> <a:x:1>", "<t:1700000000:R> </nuke:1> <a:x:1>"},
	{"spoiler", "the killer is ||the butler||", "the killer is ||the butler||"},
	{"heading", "# BREAKING", "# BREAKING"},
	{"small print", "-# not small", "-# not small"},
	{"list", "- item", "- item"},
	{"numbered list", "1. item 2) item", "1. item 2) item"},
	{"underline", "=====", "====="},
	{"rule", "---", "---"},
	{"table", "| a | b |", "| a | b |"},
	{"reference", "[1]: https://evil.example 'x'", "[1]: https://evil.example 'x'"},
	{"nested link", "[a](b)](https://evil.example) [c][1]", "[a](b)](https://evil.example) [c][1]"},
	{"mattermost channel", "~town-square !secret", "~town-square !secret"},
	{"escaped escape", "\\\\*bold\\\\* \\\\[x\\\\](https://evil.example)", "\\\\*bold\\\\* \\\\[x\\\\](https://evil.example)"},
	{"template", "{{.Link}} {{json .}} %s %d", "{{.Link}} {{json .}} %s %d"},
	{"family stays", "👨‍👩‍👧‍👦 and 🇺🇦", "👨‍👩‍👧‍👦 and 🇺🇦"},
	{"persian stays", "می\u200cخواهم", "می\u200cخواهم"},
	{"verse sign stays", "سورة \u06dd١", "سورة \u06dd١"},
}

// acts finds characters that do something beyond showing.
func acts(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == 0x200B || r == 0xFEFF
	})
}

// everywhere is a delivery in which words stand wherever an outsider's words can stand.
func everywhere(words string) pipeline.Delivery {
	d := delivery("msg_h", words, "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example", SiteName: words, Title: words,
		Body: words, Agency: words, Authors: []string{words}, Lang: words, Date: words, Source: pipeline.SourceFeed, Why: words},
		pipeline.Outlet{SiteName: words, Title: words, URL: "https://o.example/"})
	d.Alert.About = pipeline.About{Severity: words, Tags: []string{words, "plain"}, Note: words}
	d.Alert.Spans = []pipeline.Span{{Field: "title", Start: 0, End: 5}, {Field: "body", Start: 1, End: 6}}
	d.Alert.Update = &pipeline.Update{Version: 2, Title: []diff.Chunk{{Op: diff.Removed, Text: words}, {Op: diff.Added, Text: words}},
		Body: []diff.Chunk{{Op: diff.Same, Text: words}, {Op: diff.Added, Text: words}, {Op: diff.Same, Text: "and so on"}}}
	return d
}

func TestHostileTitles(t *testing.T) {
	if len(hostile) < 30 {
		t.Fatal("too few titles")
	}
	for _, c := range hostile {
		if got := Terminal(c.title); got != c.clean || acts(got) {
			t.Errorf("%s: terminal %q, want %q", c.name, got, c.clean)
		}
		d := everywhere(c.title)
		m := Render(d)
		for i, l := range strings.Split(Text(m), "\n") {
			if acts(l) || i > 0 && !strings.HasPrefix(l, "  ") {
				t.Errorf("%s: text line %q", c.name, l)
			}
		}

		body, err := slackPayload(m)
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, body) // no markup in the fallback, only text and link elements in the blocks
		var slack any
		if err := json.Unmarshal(body, &slack); err != nil {
			t.Fatal(err)
		}
		eachString(slack, func(key, s string) {
			if acts(s) {
				t.Errorf("%s: slack %s %q", c.name, key, s)
			}
			switch key {
			case "url":
				if s != "https://h.example/" && s != "https://o.example/" {
					t.Errorf("%s: link to %q", c.name, s)
				}
			case "type":
				if !strings.Contains(" rich_text rich_text_section context plain_text text link ", " "+s+" ") {
					t.Errorf("%s: element %q", c.name, s)
				}
			}
		})
		for _, bad := range []string{":rotating_light:", ":+1:", "://evil", "@channel", "@everyone"} {
			var fallback struct{ Text string }
			if err := json.Unmarshal(body, &fallback); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(fallback.Text, bad) || bad[0] == ':' && bad != "://evil" && strings.Contains(elementTexts(body), bad) {
				t.Errorf("%s: %q survives in slack", c.name, bad)
			}
		}

		hook, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		var v webhookBody
		if err := json.Unmarshal(hook, &v); err != nil {
			t.Fatal(err)
		}
		if acts(string(hook)) || v.Articles[0].Title != m.Headline.Text || len(hook) >= maxWebhookBody {
			t.Errorf("%s: webhook %s", c.name, hook)
		}
		checkPositions(t, c.name, v)
		if c.clean != "" && v.Articles[0].Title != clip(c.clean, titleLen) {
			t.Errorf("%s: webhook title %q", c.name, v.Articles[0].Title)
		}
	}
}

// elementTexts is the text of all elements.
func elementTexts(body []byte) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`"type":"(?:text|link|plain_text)","text":"((?:[^"\\]|\\.)*)"`).FindAllSubmatch(body, -1) {
		b.Write(m[1])
		b.WriteByte('|') // a name torn in two by a hit is none
	}
	return b.String()
}

func eachString(v any, f func(key, s string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok {
				f(k, s)
			}
			eachString(x, f)
		}
	case []any:
		for _, x := range v {
			eachString(x, f)
		}
	}
}

// Addresses that would run, disguise or break something are no links.
func TestLinks(t *testing.T) {
	for in, want := range map[string]string{
		"https://h.example/a?b=1&c=2#d":                  "https://h.example/a?b=1&c=2#d",
		" http://h.example:8080 ":                        "http://h.example:8080",
		"https://h.example/기사":                           "https://h.example/%EA%B8%B0%EC%82%AC",
		"https://пример.рф/новость":                      "https://xn--e1afmkfd.xn--p1ai/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D1%8C",
		"https://bank.example@evil.example/":             "https://evil.example/",
		"https://u:p@h.example/":                         "https://h.example/",
		"https://h.example/100%-sure":                    "https://h.example/100%25-sure",
		"https://h.example/a|b>c<d\"e'f`g*h":             "https://h.example/a%7Cb%3Ec%3Cd%22e%27f%60g%2Ah",
		"https://h.example/a b":                          "https://h.example/a%20b",
		"https://[2001:db8::1]/x":                        "https://[2001:db8::1]/x",
		"javascript:alert(1)":                            "",
		"data:text/html,x":                               "",
		"file:///etc/passwd":                             "",
		"//h.example/":                                   "",
		"h.example":                                      "",
		"":                                               "",
		"https://":                                       "",
		"https://matrix*to/#/@a:evil.example":            "",
		"https://a~b.example/":                           "",
		"https:///path":                                  "",
		"https://h.example/\n<!channel>":                 "",
		"https://ex\u202Eample.com/":                     "",
		"https://h.example/" + strings.Repeat("a", 3000): "",
	} {
		got := link(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if _, err := url.Parse(got); err != nil || acts(got) {
			t.Errorf("%q gives %q", in, got)
		}
	}
}

func TestTerminalText(t *testing.T) {
	if got := TerminalText("one \x1b[1mtwo\x1b[0m\r\n\nthree\u202E\tfour"); got != "one two\n\nthree four" {
		t.Errorf("%q", got)
	}
}
