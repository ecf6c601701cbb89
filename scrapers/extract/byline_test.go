package extract

import (
	"strings"
	"testing"
)

func TestBylines(t *testing.T) {
	x := newExtractor(t)
	const text = "<h1>Basin closed for two years</h1>%<p>The harbour board voted on Tuesday to close the northern basin while divers clear a wreck, and the vote was close.</p>" +
		"<p>It will meet again next week, when the clubs and the ferry company are to be heard by the board and its chair.</p>"
	for name, c := range map[string]struct{ head, line, people, signed string }{
		"an agency signs":            {head: `<meta name="author" content="AFP">`, signed: "AFP"},
		"a person and an agency":     {head: `<meta name="author" content="Ann Reed and Tom Quay, dpa">`, people: "Ann Reed; Tom Quay", signed: "Ann Reed; Tom Quay; dpa"},
		"a desk of an agency":        {head: `<meta name="author" content="Reuters Staff">`, signed: "Reuters"},
		"a desk":                     {head: `<meta name="author" content="Coast Courier Newsroom">`, signed: "Coast Courier Newsroom"},
		"the house, then a person":   {head: `<meta name="author" content="Coast Courier"><meta property="og:site_name" content="Coast Courier">`, line: `<p>By Ann Reed</p>`, people: "Ann Reed", signed: "Ann Reed"},
		"a name and a job":           {head: `<meta name="author" content="Ann Reed, Home and Harbour Expert">`, people: "Ann Reed", signed: "Ann Reed"},
		"markup lost":                {line: `<div class="byline">ByAnn Reed</div>`, people: "Ann Reed", signed: "Ann Reed"},
		"the word alone":             {line: `<div class="byline"><div>Von</div><div>Ann Reed</div></div>`, people: "Ann Reed", signed: "Ann Reed"},
		"a line with a date":         {line: `<p>By Ann Reed | March 3, 2024</p>`, people: "Ann Reed", signed: "Ann Reed"},
		"a job behind a Korean name": {head: `<meta name="author" content="신현주 기자">`, people: "신현주", signed: "신현주"},
		"a name that begins like by": {head: `<meta name="author" content="Byron Vonnegut">`, people: "Byron Vonnegut", signed: "Byron Vonnegut"},
		"an address":                 {head: `<meta name="author" content="https://courier.example/ann">`},
		"a sentence":                 {line: `<p>By the old quay the water is deep</p>`},
		"a button in the byline":     {line: `<div class="author"><div>Share on Facebook</div></div>`},
	} {
		a, err := x.Extract(Input{URL: "https://www.courier.example/x", HTML: []byte("<html><head>" + c.head + "</head><body>" + strings.Replace(text, "%", c.line, 1) + "</body></html>")})
		if err != nil {
			t.Fatal(err)
		}
		if people, signed := strings.Join(a.Authors, "; "), strings.Join(a.Signed, "; "); people != c.people || signed != c.signed {
			t.Errorf("%s: people %q, signed %q; want %q, %q", name, people, signed, c.people, c.signed)
		}
	}
}
