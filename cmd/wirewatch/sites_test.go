package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// A site that breaks is told of once, over restarts; the metrics and `sites status` show it until it is well again.
func TestSiteDrift(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	file := filepath.Join(dir, "wirewatch.yaml")
	if err := os.WriteFile(file, []byte("contact: me@example.org\nfeeds: [{url: https://paper.example/feed}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now().UTC().Add(-40 * 24 * time.Hour)
	n := 0
	put := func(count int, gap time.Duration, body, why string) {
		t.Helper()
		st, err := store.Open(ctx, filepath.Join(dir, "wirewatch.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		l, ok, err := st.Acquire(ctx, "process", "paper.example", "test", time.Now(), time.Now().Add(time.Hour))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		for range count {
			n++
			start = start.Add(gap)
			a := pipeline.Article{Feed: "f", Site: "paper.example", URL: fmt.Sprint("https://paper.example/", n), Title: "T", Body: body, Relation: "new",
				Seen: start, Published: start, Source: pipeline.SourcePage, Date: "2026-01-01", Authors: []string{"A"}}
			a.Canonical = a.URL
			if why != "" {
				a.Source, a.Why = pipeline.SourceFeed, why
			}
			err := st.Write(ctx, l, func(tx pipeline.Tx) (err error) {
				if a.Story, err = tx.OpenStory(a.Title, a.Seen); err == nil {
					_, err = tx.InsertArticle(&a, nil)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Release(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	look := func() (gauge string) {
		t.Helper()
		s, err := load(file, os.LookupEnv, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		a, err := openApp(ctx, s, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer a.close()
		for range 2 {
			if err := a.sites.Once(ctx); err != nil {
				t.Fatal(err)
			}
		}
		list, err := a.gauges(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range list {
			if g.Name == "wirewatch_site_drift" {
				gauge += fmt.Sprint(g.Labels["site"], "=", g.Value)
			}
		}
		return gauge
	}
	status := func() (out siteStatus) {
		t.Helper()
		var b bytes.Buffer
		if err := run(ctx, []string{"sites", "status", "-c", file, "--json"}, strings.NewReader(""), &b, &log); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b.Bytes(), &out); err != nil {
			t.Fatalf("%v: %s", err, b.String())
		}
		return out
	}
	long := strings.Repeat("Ships wait at the strait. ", 100)
	put(120, 6*time.Hour, long, "")
	if g := look(); g != "" || log.Len() > 0 {
		t.Fatalf("before anything broke: %q, %s", g, log.String())
	}
	if s := status(); s.State != pipeline.SiteOK || s.Habit.Articles != 100 || s.Habit.Length < 2300 || s.Habit.Length > 2900 {
		t.Errorf("before the break: %+v", s)
	}
	put(20, time.Hour, "From the feed.", pipeline.WhyShort)
	for range 3 {
		if g := look(); g != "paper.example=1" {
			t.Errorf("after the break the gauges are %q", g)
		}
	}
	if c := strings.Count(log.String(), "level=WARN"); c != 1 || !strings.Contains(log.String(), "0% have a body where 100% had") {
		t.Errorf("%d warnings, want one: %s", c, log.String())
	}
	if s := status(); s.State != pipeline.SiteBroken || s.Since == "" || strings.Join(s.Why, " ") != "body date author" || s.Recent.Body != 0 || s.Habit.Body != 1 {
		t.Errorf("after the break: %+v", s)
	}
	var b bytes.Buffer
	if err := run(ctx, []string{"sites", "status", "-c", file}, strings.NewReader(""), &b, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "paper.example  broken") || !strings.Contains(b.String(), "100% > 0%") {
		t.Errorf("the table:\n%s", b.String())
	}
	put(20, time.Hour, long, "")
	log.Reset()
	for range 2 {
		if g := look(); g != "paper.example=0" {
			t.Errorf("after the repair the gauges are %q", g)
		}
	}
	if c := strings.Count(log.String(), "level=WARN"); c != 1 || !strings.Contains(log.String(), "as before again") {
		t.Errorf("after the repair %d lines: %s", c, log.String())
	}
}
