package extract

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// standardTokens lists what html.Tokenizer finds, without comments and doctypes.
func standardTokens(page []byte) (out []string) {
	z := html.NewTokenizer(bytes.NewReader(page))
	unescaped := false
	for {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return out
		case html.TextToken:
			line := fmt.Sprintf("text %q", z.Raw())
			if !unescaped { // the title's, which the reader takes as it stands
				line += fmt.Sprintf(" says %q", z.Text())
			}
			out = append(out, line)
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			b, more := z.TagName()
			name := string(b)
			unescaped = kind != html.EndTagToken && (name == "title" || name == "textarea")
			line := fmt.Sprintf("%v %q", kind, name)
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				line += fmt.Sprintf(" %q=%q", k, v)
			}
			out = append(out, line)
			continue
		}
		unescaped = false
	}
}

// ourTokens lists what the scanner finds, in the same words.
func ourTokens(page []byte) (out []string) {
	var z scanner
	z.reset(page)
	for {
		unescaped := z.raw == "title" || z.raw == "textarea"
		kind := z.next()
		switch kind {
		case tokenEnd:
			return out
		case tokenText:
			out = append(out, fmt.Sprintf("text %q says %q", z.bytes(), z.text()))
			continue
		case tokenRaw:
			line := fmt.Sprintf("text %q", z.bytes())
			if !unescaped {
				line += fmt.Sprintf(" says %q", z.plain())
			}
			out = append(out, line)
			continue
		}
		line := fmt.Sprintf("%v %q", map[token]html.TokenType{tokenOpen: html.StartTagToken, tokenSelfClosed: html.SelfClosingTagToken, tokenClose: html.EndTagToken}[kind], z.name)
		for i, a := range z.attr {
			if !z.again(i) {
				line += fmt.Sprintf(" %q=%q", bytes.ReplaceAll(z.key(a), []byte{0}, []byte("\uFFFD")), z.value(a))
			}
		}
		out = append(out, line)
	}
}

func sameTokens(t *testing.T, page []byte) {
	t.Helper()
	want, got := standardTokens(page), ourTokens(page)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("token %d of %.300q:\nwant %.500q\ngot  %.500q", i, page, want[min(i, len(want)):min(i+1, len(want))], got[min(i, len(got)):min(i+1, len(got))])
		}
	}
}

// What is odd in pages, and was found to be by fuzzing.
var oddMarkup = []string{
	"", "<", "</", "</>", "</ x>", "<p", "<p ", "a<b", "a < b <", "<!", "<!-", "<!-->", "<!--->x", "<!---->x", "<!--a--!>x", "<!--a--!-->x", "<!----!->-->x",
	"<!--a--!x>-->y", "<!>x", "<!DOCTYPE html>x", "<!x>y", "<?xml a>b", "<![CDATA[a>b]]>c",
	"<P CLASS=A Class=b>x</P>", "<p a=/>", "<p a/>", "<p / >", "<p a=x a=/>", "<p a='x'/>", "<p =a==b>", "<p a = b>", "<p a=>x", "<p a='", `<p a="x>y">z`, `</p a=">">z`,
	"<p a=&amp;&lt&ltx&lt=&notit;&semi;&fjlig;&#39;&#x27&#12ab;&#>", "&amp;&lt&ltx&lt=&notit;&semi;&#39;&#x27&#12ab;&#;&", "<p a='1\r\n2\r3\x00'>1\r\n2\r\r&#13;\n\x00", "<a\x00b>",
	"<script>a</script>b", "<script></script>&amp;", "<script><!-- <script> </script> --></script>b", "<script>a</SCRIPT >b", "<script>a</scripty>b", "<script><!--</script>b",
	"<script><!--<script></script>x</script>y", "<script/>a</script>", "<style></</style>&amp;", "<title>a&amp;</title>&amp;", "<textarea><p></textarea>", "<plaintext></plaintext>", "<noscript></noscript",
	"<svg><title/><p>", "<script></script", "</script>", "<xmp>", "<p \x00=\x00>", "<p ſ=1 S=2 s=3>",
}

// The scanner finds the tokens that html.Tokenizer finds.
func TestScanner(t *testing.T) {
	for _, page := range oddMarkup {
		sameTokens(t, []byte(page))
	}
	dir := shared(t, "corpus", "extract")
	var pages pageReader
	folders := []string{"fundus", "aeb"}
	if raced { // the detector makes each byte ten times as dear, and there is nothing to race here
		folders = folders[:1]
	}
	for _, name := range folders {
		list, err := filepath.Glob(filepath.Join(dir, name, "html", "*"))
		if err != nil || len(list) < 50 {
			t.Fatalf("%d pages in %s: %v", len(list), name, err)
		}
		for _, path := range list {
			page, err := pages.read(path)
			if err != nil {
				t.Fatal(err)
			}
			sameTokens(t, page)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, page := range oddMarkup {
		f.Add([]byte(page))
	}
	f.Add([]byte(strings.Join(oddMarkup, "\n")))
	f.Fuzz(sameTokens)
}
