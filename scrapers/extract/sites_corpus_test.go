package extract

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// On real pages, rules whose selectors match much, little or nothing never fail, and a page whose body selector finds nothing
// reads as it does without a rule.
func TestSiteRulesOnCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	dir := shared(t, "corpus", "extract", "fundus", "html")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pages", err)
	}
	files = files[:min(len(files), 60)]
	x := newExtractor(t)
	with := func(rule string) *Extractor {
		y, err := x.WithSites(SiteFolder{"sites", fstest.MapFS{"all.yaml": {Data: []byte("- url: paper.example/*\n" + rule)}}})
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	much, nothing := with("  body: [article p, main p]\n  remove: ['[class*=newsletter]', {select: aside, class: factbox}]\n"), with("  body: .no-such-name-anywhere\n")
	var generic, ruled time.Duration
	kept, same := 0, 0
	for _, f := range files {
		in := Input{URL: "https://paper.example/1", HTML: readPlain(t, f)}
		start := time.Now()
		a, err := x.Extract(in)
		generic += time.Since(start)
		if err != nil {
			t.Fatal(f, err)
		}
		start = time.Now()
		b, err := much.Extract(in)
		ruled += time.Since(start)
		if err != nil {
			t.Fatal(f, err)
		}
		if b.SiteRule != "" && b.Body != "" {
			kept++
		}
		c, err := nothing.Extract(in)
		if err != nil {
			t.Fatal(f, err)
		}
		switch {
		case len(c.Notes) == 0:
			t.Errorf("%s: nothing is said of a rule that found nothing", f)
		case c.Body == a.Body:
			same++
		}
	}
	t.Logf("%d pages: %d with a body by rule, %d alike without; generic %v, by rule %v", len(files), kept, same, generic, ruled)
	if kept*10 < len(files)*9 || same < len(files) {
		t.Errorf("%d of %d pages have a body by rule, %d read the same without", kept, len(files), same)
	}
}

func readPlain(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzSite reads any bytes by a rule: a result or an error, and every block has its place.
func FuzzSite(f *testing.F) {
	for _, s := range []string{`<div class=x><p>a b c.<b class=z>d</b></div>`, `<table><p class=x><tr><td class=y>`, `<svg><style><p class=x data-wirewatch-mark=7>`,
		`<template><div class=x>a`, `<noscript><p class=x>`, `<math><mi><p class=x data-wirewatch-mark=-9>`, "<plaintext><p class=x>"} {
		f.Add([]byte(s))
	}
	x, err := newExtractor(f).WithSites(SiteFolder{"sites", fstest.MapFS{"a.yaml": {Data: []byte(
		"- {site: a.example, body: [.x, p, b], remove: [.z, i], title: h1, date: time, author: a}\n")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		a, err := x.Extract(Input{URL: "https://a.example/1", HTML: page})
		if err == nil && a.SiteRule == "" && len(a.Notes) == 0 && len(page) > 0 {
			t.Error("neither a rule nor a note")
		}
	})
}
