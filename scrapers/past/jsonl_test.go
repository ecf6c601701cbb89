package past

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

func TestJSONLines(t *testing.T) {
	page := file(t, "page.html.gz", string(zipped(t, []byte("<p>packed</p>"))))
	text := strings.Join([]string{
		`{"id":7,"url":"https://a.example/1","html":"` + page + `","date":"2024-05-01"}`,
		`{"id":"b","url":"https://a.example/2","content":"<p>é</p>","content_type":"text/html; charset=windows-1251","title":"Two"}`,
		`{"id":"c","url":"https://a.example/3","title":"Three","body":"One & <two>.\n\nThree\nfour.","published":"2024-05-01T06:00:00+09:00","authors":["A. Author","B. Writer"],"tags":["x"],"lang":"en","unknown":{}}`,
		``,
		`{"id":"d","url":"https://a.example/4","title":"Four","text":"A line.\nAnd another.","author":"A. Author"}`,
		`{"id":"e","url":"https://a.example/5","text":"Headline\n\nText."}`,
		`{"id":"f x","content":"<p>no address</p>"}`,
		`{"content":"<link rel=canonical href=https://a.example/own>"}`,
		`{"title":"Nameless","body":"Text."}`,
		`{"id":"g"`,
		`[1]`,
		`{"id":"h","url":"https://a.example/8"}`,
		`{"url":"a.example/9","text":"x"}`,
		`{"url":"https://a.example/10","text":"x","date":"soon"}`,
		`{"url":"https://a.example/11","html":"/nowhere/page.html"}`,
		`{"url":"https://a.example/12","title":5,"text":"x"}`,
		`{"url":"https://a.example/13","content":"` + strings.Repeat("x", 1100) + `"}`,
		`{"url":"https://a.example/last","title":"Last","text":"Text."}`,
	}, "\n")
	client := newClient(t, func(o *scrapers.Options) { o.Limits.Page = 1024 })
	for _, path := range []string{file(t, "pages.jsonl", text), file(t, "pages.jsonl.gz", string(zipped(t, []byte(text))))} {
		finds := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "jsonl:"+path, Deps{Client: client}) })
		var got []string
		for _, f := range finds {
			switch {
			case f.Err != nil:
				got = append(got, strings.ReplaceAll(f.Err.Error(), path, "%"))
			case f.Page != nil:
				got = append(got, fmt.Sprintf("%s %s %q %q", f.Page.FinalURL, f.Page.ContentType, f.Page.Body, f.Entry.Title))
				if f.Text || f.Page.URL != f.Entry.URL || !f.Page.Fetched.Equal(f.Taken) {
					t.Errorf("%s: %+v", f.Entry.URL, f.Page)
				}
			default:
				got = append(got, fmt.Sprintf("%s %q %q %s %v", f.Entry.URL, f.Entry.Title, f.Entry.Content, f.Entry.Author, f.Text))
			}
		}
		base := filepath.Base(path)
		want := []string{
			`https://a.example/1 text/html "<p>packed</p>" ""`, `https://a.example/2 text/html; charset=utf-8 "<p>é</p>" "Two"`,
			`https://a.example/3 "Three" "<p>One &amp; &lt;two&gt;.</p>\n<p>Three\nfour.</p>\n" A. Author, B. Writer true`,
			`https://a.example/4 "Four" "<p>A line.</p>\n<p>And another.</p>\n" A. Author true`,
			`https://a.example/5 text/plain; charset=utf-8 "Headline\n\nText." ""`,
			`file:///` + base + `/f%20x text/html; charset=utf-8 "<p>no address</p>" ""`,
			`https://a.example/own text/html; charset=utf-8 "<link rel=canonical href=https://a.example/own>" ""`,
			`file:///` + base + `/line-9 "Nameless" "<p>Text.</p>\n"  true`,
			`%:10: the line is no JSON: unexpected end of JSON input`, `%:11: the line is a JSON array and should not be`,
			`%:12: there is no document in the line: give "html" (a path), "content", or "text"`,
			`%:13: "a.example/9" is no whole address; write https:// in front of it`,
			`%:14: "soon" is no date; it should look like 2024-05-01T06:00:00Z or 2024-05-01`,
			`%:15: /nowhere/page.html: no such file or directory`, `%:16: title is a JSON number and should not be`,
			`%:17: the page is larger than 1 KiB`, `https://a.example/last "Last" "<p>Text.</p>\n"  true`,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if p := finds[2].Entry.Published; !p.Equal(time.Date(2024, 4, 30, 21, 0, 0, 0, time.UTC)) {
			t.Errorf("published %s", p)
		}
		if finds[0].Entry.GUID != "7" || finds[0].Taken.IsZero() {
			t.Errorf("the first: %+v", finds[0])
		}
	}
}

func TestJSONLinesRangeAndSites(t *testing.T) {
	path := file(t, "pages.jsonl", `{"url":"https://a.example/before","title":"x","text":"x","date":"2024-05-31T14:59:59Z"}
{"url":"https://a.example/first","title":"x","text":"x","date":"2024-06-01T00:00:00+09:00"}
{"url":"https://b.example/other","title":"x","text":"x","date":"2024-06-01T00:00:00+09:00"}
{"url":"https://a.example/last","title":"x","text":"x","date":"2024-06-01T10:59:59-04:00"}
{"url":"https://a.example/after","title":"x","text":"x","date":"2024-06-01T15:00:00Z"}
{"url":"https://a.example/undated","title":"x","text":"x"}
`)
	for _, zone := range []*time.Location{time.FixedZone("KST", 9*3600), time.UTC, time.FixedZone("EDT", -4*3600)} {
		day := time.Date(2024, 6, 1, 0, 0, 0, 0, time.FixedZone("KST", 9*3600))
		r := pipeline.Range{Since: day.In(zone), Until: day.AddDate(0, 0, 1).In(zone)}
		got := addresses(walks(t, r, func() pipeline.Past { return source(t, "jsonl:"+path, Deps{Sites: []string{"a.example"}}) }))
		if want := []string{"https://a.example/first", "https://a.example/last", "https://a.example/undated"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q", zone, got)
		}
	}
	e, err := source(t, "jsonl:"+path, Deps{}).Estimate(context.Background(), pipeline.Range{})
	if err != nil || e.Articles != -1 || e.Bytes < 400 {
		t.Errorf("estimate %+v, %v", e, err)
	}
	_, err = source(t, "jsonl:"+path+".none", Deps{}).Estimate(context.Background(), pipeline.Range{})
	fails(t, err, pipeline.Final, "no file")
}
