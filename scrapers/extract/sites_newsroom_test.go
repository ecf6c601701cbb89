package extract

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"wirewatch/seeds"
	"wirewatch/seeds/newsroom"
)

// The shipped site rules, every one, read the pages that they are for exactly as the generic way does.
func TestShippedSiteRules(t *testing.T) {
	now := time.Date(2027, time.May, 3, 9, 5, 0, 0, time.UTC)
	news, err := newsroom.New(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := news.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	x, err := newsroomExtractor(t, news).WithSites(SiteFolder{"sites", seeds.Sites()})
	if err != nil {
		t.Fatal(err)
	}
	unused := map[string]bool{}
	for _, r := range x.sites {
		if r.holds("2027-05-03") {
			unused[r.ref] = true
		}
	}
	if len(unused) < 2 {
		t.Fatalf("%d rules in force, want at least 2", len(unused))
	}
	for _, g := range news.Articles() {
		key, _, _ := strings.Cut(g.Site, ":")
		if g.From != newsroom.FromPage || key != "eastquay" && key != "meridan" {
			continue
		}
		t.Run(g.ID, func(t *testing.T) {
			page, kind := fetchPage(t, g.URL)
			u, err := url.Parse(g.URL)
			if err != nil {
				t.Fatal(err)
			}
			a, err := x.Extract(Input{URL: "https://www." + key + ".example" + u.Path, HTML: page, ContentType: kind, At: now})
			if err != nil {
				t.Fatal(err)
			}
			if a.SiteRule == "" || len(a.Notes) > 0 && !strings.Contains(a.Notes[0], "author selector") {
				t.Errorf("read by %q, notes %q", a.SiteRule, a.Notes)
			}
			delete(unused, a.SiteRule)
			checkGold(t, a, &g)
			for _, b := range a.Blocks {
				if b.Kept && !strings.HasPrefix(b.Rule, "sites/"+key+".yaml:") {
					t.Errorf("kept by %q: %s", b.Rule, b.Text)
				}
			}
		})
	}
	for r := range unused {
		t.Errorf("no page was read by %s", r)
	}
}
