package past

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// A site as nginx serves it: an index with packed children, one document of all the protocol allows, a news sitemap.
func TestSitemapFromNginx(t *testing.T) {
	root := t.TempDir()
	base := nginx(t, root)
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := func(body string) []byte {
		return []byte(`<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">` + body + `</urlset>`)
	}
	page := func(path string) string { return "<url><loc>" + base + path + "</loc></url>" }

	const pages = 50_000
	var big strings.Builder
	pad := strings.Repeat("x", 972)
	for i := range pages {
		fmt.Fprintf(&big, "<url><loc>%s/big/%06d</loc><!-- %s --></url>\n", base, i, pad)
	}
	whole := set(big.String())
	if n := len(whole); n < 49<<20 || n > 50<<20 {
		t.Fatalf("the large document has %d bytes", n)
	}
	write("big.xml", whole)
	write("packed.xml.gz", zipped(t, set(page("/packed"))))
	write("misnamed.xml", zipped(t, set(page("/misnamed"))))
	write("list.txt", []byte(base+"/listed\n"))
	write("sitemap-2019-03.xml", set(page("/old")))
	write("news.xml", set("<url><loc>"+base+"/news</loc><n:news><n:title>Shells</n:title><n:publication_date>2024-03-05T10:00:00+09:00</n:publication_date></n:news></url>"))
	index := ""
	for _, n := range []string{"packed.xml.gz", "misnamed.xml", "list.txt", "sitemap-2019-03.xml", "big.xml", "missing.xml"} {
		index += "<sitemap><loc>" + base + "/" + n + "</loc></sitemap>"
	}
	write("index.xml", []byte(`<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`+index+`</sitemapindex>`))
	write("robots.txt", []byte("User-agent: *\nDisallow: /*.xml\nSitemap: "+base+"/news.xml\nSitemap: /index.xml\n"))

	p := pastSitemap(t, base+"/2024/story.html", nil)
	r := pipeline.Range{Since: sitemapDay("2024-01-01"), Until: sitemapDay("2025-01-01")}
	got := map[string]int{}
	n := 0
	var errs []string
	if err := p.Walk(context.Background(), r, "", func(f pipeline.Find) error {
		if f.Err != nil {
			errs = append(errs, f.Err.Error())
			return nil
		}
		switch path := strings.TrimPrefix(f.Entry.URL, base); {
		case strings.HasPrefix(path, "/big/"):
			if n++; path != fmt.Sprintf("/big/%06d", n-1) {
				t.Fatalf("%s is number %d", path, n)
			}
		default:
			got[path]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n != pages || fmt.Sprint(got) != "map[/listed:1 /misnamed:1 /news:1 /packed:1]" {
		t.Errorf("%d pages of the large document, and %v", n, got)
	}
	if len(errs) != 1 || !strings.Contains(errs[0], "/missing.xml") || !strings.Contains(errs[0], "404") {
		t.Errorf("errors %q", errs)
	}
}
