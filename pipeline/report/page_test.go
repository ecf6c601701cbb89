package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"wirewatch/pipeline/store"
)

// makeReport is the report of the days before until of a newsroom, in Berlin.
func makeReport(t *testing.T, st *store.Store, days int) *Report {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	a := About{Since: time.Date(2026, 3, 13-days, 0, 0, 0, 0, berlin), Until: until, Zone: berlin, Made: until, Version: "test"}
	n, err := st.Report(t.Context(), store.ReportFilter{Since: a.Since, Until: a.Until})
	if err != nil {
		t.Fatal(err)
	}
	return New(a, n)
}

func pageOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// WIREWATCH_REPORT=FOLDER writes the page of 10,000 articles there, to be looked at, and says how long it took.
func TestLook(t *testing.T) {
	dir := os.Getenv("WIREWATCH_REPORT")
	if dir == "" {
		t.Skip("WIREWATCH_REPORT names no folder to write the page to")
	}
	st := newsroom(t, 10000)
	for _, days := range []int{7, 1, 14} {
		began := time.Now()
		r := makeReport(t, st, days)
		page := pageOf(t, r)
		t.Logf("%d days: %d articles, %d bytes, %v", days, r.Articles, len(page), time.Since(began).Round(time.Millisecond))
		if err := os.WriteFile(filepath.Join(dir, "report"+strconv.Itoa(days)+".html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// each calls f for every element of a page.
func each(t *testing.T, page string, f func(n *html.Node, attr map[string]string)) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			attr := map[string]string{}
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
			}
			f(n, attr)
		}
	}
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// hostile is a report in which everything that comes from elsewhere wants to harm who reads it.
func hostile() *Report {
	r := New(About{Since: until.AddDate(0, 0, -7), Until: until, Zone: time.UTC, Made: until, Site: evil, Rule: "", Version: "test"}, store.Report{
		Slots: []store.Slot{{Start: until.Add(-time.Hour), Articles: 2, Matched: 1}}})
	r.BySite = []SiteCount{{Site: evil, Articles: 2, Copies: 1}}
	r.ByRule = []RuleCount{{Rule: evil, Hits: 1, Bars: make([]int, len(r.Bars))}}
	r.Quiet = []Quiet{{"feed", evil, evil, until}}
	r.Unread = []Unread{{Reason: evil, Items: 1}}
	for _, u := range []string{"javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "//evil.example/", "https://", "https://paper.example/\"onmouseover=\"alert(1)", "vbscript:x", " javascript:alert(1)"} {
		r.Top = append(r.Top, Story{Title: strings.Repeat(evil, 20), Lang: `en" onclick="alert(1)`, URL: u, First: until, Rules: []string{evil}, Times: []time.Time{until},
			Carriers: []Carrier{{Site: evil, Name: evil, URL: u, At: until, Articles: 2}}})
	}
	return r
}

// Nothing on the page runs, loads or leads anywhere but to the web, whatever articles say.
func TestHostilePage(t *testing.T) {
	r := hostile()
	known := map[string]bool{}
	for _, tag := range strings.Fields("html head meta link title style body main header h1 h2 h3 p b ul ol li span section figure div svg desc line g rect text circle i details summary table thead tbody tr th td bdi a footer") {
		known[tag] = true
	}
	links, shown := 0, 0
	each(t, pageOf(t, r), func(n *html.Node, attr map[string]string) {
		if !known[n.Data] {
			t.Errorf("there is an element %s", n.Data)
		}
		for k, v := range attr {
			if strings.HasPrefix(k, "on") || k == "src" || k == "srcset" || k == "action" {
				t.Errorf("%s has %s=%q", n.Data, k, v)
			}
			if k == "lang" && v != "en" {
				t.Errorf("%s has lang=%q", n.Data, v)
			}
		}
		switch n.Data {
		case "a":
			if links++; !strings.HasPrefix(attr["href"], "https://paper.example/") {
				t.Errorf("a link to %q", attr["href"])
			}
		case "bdi", "h3":
			if strings.Contains(text(n), "<script>alert(1)</script>") {
				shown++
			}
		case "meta":
			if attr["http-equiv"] != "" && attr["content"] != "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" {
				t.Errorf("the policy is %q", attr["content"])
			}
		}
	})
	if links != 2 || shown < 10 {
		t.Errorf("%d links, want 2; what it tried is shown %d times", links, shown)
	}
}

// Who cannot see the plots has their words and numbers: each has a title, and a table that says the same; lists and sections have names.
func TestAccessible(t *testing.T) {
	r := makeReport(t, newsroom(t, 600), 7)
	page := pageOf(t, r)
	var plots, tables, sections int
	ids := map[string]bool{}
	each(t, page, func(n *html.Node, attr map[string]string) {
		if id := attr["id"]; id != "" {
			if ids[id] {
				t.Errorf("the id %s stands twice", id)
			}
			ids[id] = true
		}
	})
	each(t, page, func(n *html.Node, attr map[string]string) {
		for _, id := range strings.Fields(attr["aria-labelledby"]) {
			if !ids[id] {
				t.Errorf("%s is named by %s, which is not there", n.Data, id)
			}
		}
		switch n.Data {
		case "html":
			if attr["lang"] != "en" {
				t.Error("the page says no language")
			}
		case "svg":
			if attr["aria-hidden"] == "true" { // in a row of a table that says it
				return
			}
			plots++
			if c := n.FirstChild; attr["role"] != "img" || !slices.ContainsFunc(slices.Collect(n.ChildNodes()), func(c *html.Node) bool { return c.Data == "title" && text(c) != "" }) {
				t.Errorf("a plot without a title: %v", c)
			}
		case "table":
			tables++
		case "section":
			if sections++; attr["aria-labelledby"] == "" {
				t.Error("a section without a name")
			}
		case "h3":
			if attr["dir"] != "auto" {
				t.Errorf("the title %q has no direction of its own", text(n))
			}
		}
	})
	if plots != 2+len(r.Top) || tables < 5 || sections != 7 {
		t.Errorf("%d plots, %d tables, %d sections", plots, tables, sections)
	}
	for _, s := range r.Top {
		if !strings.Contains(page, "lang=\""+s.Lang+"\"") {
			t.Errorf("the language %s of a title is not said", s.Lang)
		}
	}
	if !strings.Contains(page, "gazette-of-a-town-with-a-long-name.example") {
		t.Error("the gazette went quiet, and the page does not say so")
	}
}

// Text has a contrast of 4.5 to 1 (WCAG AA), and what plots show 3 to 1, in both schemes and in print.
func TestContrast(t *testing.T) {
	schemes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(pageText, -1)
	if len(schemes) != 3 {
		t.Fatalf("%d schemes, want light, dark, print", len(schemes))
	}
	for i, s := range schemes {
		c := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+):#([0-9a-f]+)`).FindAllStringSubmatch(s[1], -1) {
			c[m[1]] = luminance(t, m[2])
		}
		for _, p := range []struct {
			fore  string
			least float64
		}{{"ink", 4.5}, {"soft", 4.5}, {"link", 4.5}, {"match", 4.5}, {"plain", 3}, {"copy", 2}, {"heat", 3}} { // copies stand beside what is told in figures
			for _, back := range []string{"bg", "card"} {
				a, b := c[p.fore], c[back]
				if r := (max(a, b) + 0.05) / (min(a, b) + 0.05); r < p.least {
					t.Errorf("scheme %d: %s on %s has a contrast of %.2f, want %.1f", i, p.fore, back, r, p.least)
				}
			}
		}
	}
}

// luminance is the relative luminance of a colour, as WCAG 2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, w := range []float64{0.0722, 0.7152, 0.2126} {
		v := float64(n>>(8*i)&255) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += w * v
	}
	return sum
}

// The page and the JSON say the same numbers, and the same ones each time.
func TestSameNumbers(t *testing.T) {
	st := newsroom(t, 600)
	r := makeReport(t, st, 7)
	page := pageOf(t, r)
	if page != pageOf(t, makeReport(t, st, 7)) {
		t.Error("two pages of one state differ")
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, x := range back.Bars {
		sum += x.Articles
	}
	if sum != back.Articles || back.Articles == 0 || back.Matched == 0 || back.Alerts.Told == 0 || back.Copies == 0 {
		t.Errorf("bars hold %d of %+v", sum, back)
	}
	var tiles []string
	each(t, page, func(n *html.Node, _ map[string]string) {
		if n.Data == "b" && n.Parent.Data == "li" {
			tiles = append(tiles, text(n))
		}
	})
	if g, w := fmt.Sprint(tiles), fmt.Sprint([]int{back.Articles, back.Stories, back.Sites, back.Matched, back.Alerts.Told}); g != w {
		t.Errorf("the page says %s, the JSON %s", g, w)
	}
	for _, s := range back.BySite[:3] {
		row := fmt.Sprintf(`<bdi>%s</bdi>`, s.Site)
		if _, after, ok := strings.Cut(page, row); !ok || !strings.HasPrefix(after[strings.Index(after, "<td"):], fmt.Sprintf(`<td class="n">%d</td>`, s.Articles)) {
			t.Errorf("the page does not say that %s has %d articles", s.Site, s.Articles)
		}
	}
}

// A period in which nothing was is a page too.
func TestEmptyPage(t *testing.T) {
	for _, d := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		page := pageOf(t, New(About{Since: until.Add(-d), Until: until, Zone: time.UTC, Made: until}, store.Report{}))
		for _, w := range []string{"No story has an article", "No rule matched", "None did.", "All was read."} {
			if !strings.Contains(page, w) {
				t.Errorf("%v: the page does not say %q", d, w)
			}
		}
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%v: the page has a number that is none", d)
		}
	}
}
