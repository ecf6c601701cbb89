package extract

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each fixture is an archive: above it the page's url and, if there is one, the day of its fetch (at); in it the rules
// (sites/*.yaml), the page (page.html, or several pages) and for each what comes of it.
func TestSiteRules(t *testing.T) {
	files, err := filepath.Glob("testdata/sites/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	generic := newExtractor(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := Input{}
			for l := range strings.Lines(string(ar.Comment)) {
				key, v, _ := strings.Cut(strings.TrimSpace(l), ": ")
				switch key {
				case "url":
					in.URL = v
				case "at":
					if in.At, err = time.Parse(time.DateOnly, v); err != nil {
						t.Fatal(err)
					}
				}
			}
			rules := fstest.MapFS{}
			for _, f := range ar.Files {
				if name, ok := strings.CutPrefix(f.Name, "sites/"); ok {
					rules[name] = &fstest.MapFile{Data: f.Data}
				}
			}
			x, err := generic.WithSites(SiteFolder{"sites", rules})
			if err != nil {
				t.Fatal(err)
			}
			tested := 0
			for i := range ar.Files {
				f := &ar.Files[i]
				name, ok := strings.CutPrefix(f.Name, "want/")
				if !ok {
					continue
				}
				tested++
				in.HTML = nil
				for _, p := range ar.Files {
					if p.Name == name+".html" {
						in.HTML = p.Data
					}
				}
				a, err := x.Extract(in)
				if err != nil {
					t.Fatal(err)
				}
				got := shown(a)
				if *update {
					f.Data = []byte(got)
				} else if got != string(f.Data) {
					t.Errorf("%s:\n%s\nwant\n%s", name, got, f.Data)
				}
			}
			if tested == 0 {
				t.Fatal("the fixture wants nothing")
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// shown is an article as the fixtures write it.
func shown(a *Article) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s | %s | %s | %s\n", a.Title, a.Date, strings.Join(a.Authors, "; "), a.SiteRule)
	for _, n := range a.Notes {
		fmt.Fprintf(&b, "! %s\n", n)
	}
	for _, bl := range a.Blocks {
		mark := "-"
		if bl.Kept {
			mark = "+"
		}
		fmt.Fprintf(&b, "%s %s %s | %s\n", mark, bl.Class, bl.Rule, bl.Text)
	}
	return b.String()
}

// Every mistake in a rule is told, with its file and line.
func TestSiteRuleMistakes(t *testing.T) {
	const text = `- site: a.example
  body: "div[class"
- site: b.example
  boby: p
- url: c.example/x*
  site: c.example
  body: p
- body: p
- site: https://d.example/
  body: p
- site: e.example
- site: f.example
  from: 1.5.2024
  body: p
- site: g.example
  from: 2024-05-01
  until: 2024-05-01
  body: p
- site: h.example
  remove: [{select: p, class: letters}, {class: ad}, {selector: p}]
- site: i.example
  body: [p, "a:nope"]
- site: j.example
  until: 2024-05-02
  body: p
- site: j.example
  from: 2024-05-01
  body: p
- site: k.example
  body: []
- text
- site: l.example
  body: p
  body: q
- url: nohost
  body: p
- site:
  title: h1
`
	_, err := newExtractor(t).WithSites(SiteFolder{"my/sites", fstest.MapFS{"bad.yaml": {Data: []byte(text)}}})
	var got []string
	for _, e := range unjoin(err) {
		var se *SiteError
		if !errors.As(e, &se) {
			t.Fatalf("%v is no SiteError", e)
		}
		got = append(got, se.Error())
	}
	want := []string{
		"my/sites/bad.yaml:2: body: `div[class` is no CSS selector",
		"my/sites/bad.yaml:4: there is no key `boby`",
		"my/sites/bad.yaml:3: has no selector",
		"my/sites/bad.yaml:5: has both",
		"my/sites/bad.yaml:8: says of no pages",
		"my/sites/bad.yaml:9: site: `https://d.example/` is not a host",
		"my/sites/bad.yaml:11: has no selector",
		"my/sites/bad.yaml:13: from: `1.5.2024` is not a day",
		"my/sites/bad.yaml:15: ends before it begins",
		"my/sites/bad.yaml:20: remove: there is no class `letters`",
		"my/sites/bad.yaml:20: remove: wants `select:`",
		"my/sites/bad.yaml:20: remove: there is no key `selector`",
		"my/sites/bad.yaml:20: remove: wants `select:`",
		"my/sites/bad.yaml:22: body: `a:nope` is no CSS selector",
		"my/sites/bad.yaml:30: body: the list is empty",
		"my/sites/bad.yaml:31: wants a site rule",
		"my/sites/bad.yaml:34: `body` stands here twice",
		"my/sites/bad.yaml:35: url: `nohost` is no pattern",
		"my/sites/bad.yaml:37: site: wants a text",
		"my/sites/bad.yaml:26: is for the same pages and days as the rule at my/sites/bad.yaml:23",
	}
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if w == "" || !strings.HasPrefix(g, w) {
			t.Errorf("mistake %d: %q, want %q", i, g, w)
		}
	}
	for name, data := range map[string]string{"tab": "- site: a.example\n\tbody: p\n", "map": "site: a.example\nbody: p\n"} {
		_, err := newExtractor(t).WithSites(SiteFolder{"sites", fstest.MapFS{"x.yaml": {Data: []byte(data)}}})
		var se *SiteError
		if !errors.As(err, &se) || se.Line < 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// The user's rules go before the shipped ones; a file takes the place of one with the same name; the narrower rule wins.
func TestSiteRuleOrder(t *testing.T) {
	x, err := newExtractor(t).WithSites(
		SiteFolder{"shipped", fstest.MapFS{
			"one.yaml": {Data: []byte("- {site: gone.example, body: p}\n")},
			"two.yaml": {Data: []byte("- {site: a.example, body: p}\n- {site: sub.a.example, body: p}\n- {url: a.example/live/*, body: p}\n")}}},
		SiteFolder{"mine", fstest.MapFS{"one.yaml": {Data: []byte("# nothing\n- {site: b.example, body: p}\n")},
			"three.yaml": {Data: []byte("- {site: deep.a.example, body: p}\n")}}})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"https://www.a.example/x":          "sites/two.yaml:1",
		"https://a.example:8443/live/3?q":  "sites/two.yaml:3",
		"https://sub.a.example/x":          "sites/two.yaml:2",
		"https://WWW.sub.A.example./x":     "sites/two.yaml:2",
		"https://deep.a.example/x":         "sites/three.yaml:1",
		"https://b.example/":               "sites/one.yaml:2",
		"https://gone.example/":            "",
		"https://notb.example/":            "",
		"https://b.example.org/":           "",
		"":                                 "",
		"https://other.example/a.example/": "",
	} {
		got := ""
		if rs := x.sitesFor(url); len(rs) > 0 {
			got = rs[0].ref
		}
		if got != want {
			t.Errorf("%s is read by %q, want %q", url, got, want)
		}
	}
}

// Hostile pages cost a note at most: trees deeper than html.Parse takes, too many elements, marks of a page's own.
func TestSiteRuleHostile(t *testing.T) {
	x, err := newExtractor(t).WithSites(SiteFolder{"sites", fstest.MapFS{"a.yaml": {Data: []byte("- {site: a.example, body: [.x, .y], remove: .z}\n")}}})
	if err != nil {
		t.Fatal(err)
	}
	const text = `<p>The harbour office counted eleven ships on Monday, and two more on Tuesday, it said in a statement.</p>`
	for name, c := range map[string]struct{ page, note string }{
		"deep":  {strings.Repeat("<div>", 3000) + text, "was not tried"},
		"wide":  {`<div class="x">` + text + `</div>` + strings.Repeat("<i>.</i>", maxNodes), "more than 50000 elements"},
		"marks": {`<div data-wirewatch-mark="2"><p data-wirewatch-mark="-77">` + text + `</div><svg><style><b data-wirewatch-mark="99">`, "finds no text"},
		"raw":   {`<div class="x">` + text + `</div><noscript><p data-wirewatch-mark="99">a</noscript><svg><style><img data-wirewatch-mark=99></style></svg><xmp><p data-wirewatch-mark=-9>`, ""},
		"plain": {`<div class="x">` + text + `<plaintext><p class=z>`, ""},
	} {
		a, err := x.Extract(Input{URL: "https://a.example/1", HTML: []byte(c.page)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.note != "" && !strings.Contains(strings.Join(a.Notes, "\n"), c.note) {
			t.Errorf("%s: notes %q, want one with %q", name, a.Notes, c.note)
		}
		if name != "deep" && !strings.Contains(a.Body, "eleven ships") {
			t.Errorf("%s: the body is %q", name, a.Body)
		}
	}
}
