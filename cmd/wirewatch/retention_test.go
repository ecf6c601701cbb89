package main

import (
	"testing"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline/store"
)

func TestRetentionOfTheConfiguration(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	read := func(text string) *configs.Config {
		t.Helper()
		cfg, err := configs.Parse("w.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	list := []rules.Rule{{Name: "evasion", Tags: []string{"Sanctions"}}, {Name: "sport", Tags: []string{"leisure"}}}
	cfg := read(`retention: {pages: 30d, bodies: 0, size: 20GB, only: [
		{sites: [Example.org, b.example], tags: [économie], pages: 7d}, {sites: [www.example.org], bodies: 365d, size: 2GB}, {tags: [sanctions], bodies: 0}]}`)
	r := retention(cfg, list, now)
	if r.Size != 20e9 || !r.Bodies.IsZero() || !r.Pages.Equal(now.Add(-30*day)) || len(r.Only) != 3 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []store.Policy{{Pages: now.Add(-7 * day)}, {Pages: now.Add(-30 * day), Bodies: now.Add(-365 * day), Size: 2e9}, {Pages: now.Add(-30 * day), HoldBodies: true}} {
		if r.Only[i] != want {
			t.Errorf("entry %d: %+v, want %+v", i+1, r.Only[i], want)
		}
	}
	for _, c := range []struct {
		o    store.Origin
		want int
	}{
		{store.Origin{Site: "example.org"}, 2},
		{store.Origin{Site: "news.example.org", Tags: []string{"Economie"}}, 1},
		{store.Origin{Site: "example.org", Tags: []string{"sanctions"}, Rules: []string{"evasion"}}, 2},
		{store.Origin{Site: "notexample.org", Tags: []string{"économie"}}, 0},
		{store.Origin{Site: "c.example", Tags: []string{" SANCTIONS"}}, 3},
		{store.Origin{Site: "c.example", Rules: []string{"sport", "evasion"}}, 3},
		{store.Origin{Site: "c.example", Tags: []string{"leisure"}, Rules: []string{"sport"}}, 0},
		{store.Origin{}, 0},
	} {
		if got := r.Of(c.o); got != c.want {
			t.Errorf("%+v falls under %d, want %d", c.o, got, c.want)
		}
	}

	// Articles are looked at again when what policies go by changes, not when ages and sizes do.
	if r2 := retention(read(`retention: {only: [{sites: [Example.org, b.example], tags: [économie], pages: 9d}, {sites: [www.example.org], size: 1GB}, {tags: [sanctions], bodies: 40d}]}`), list, now); r2.Form != r.Form {
		t.Error("other ages are another form")
	}
	list[1].Tags = []string{"sanctions"}
	if r2 := retention(cfg, list, now); r2.Form == r.Form || r2.Of(store.Origin{Rules: []string{"sport"}}) != 3 {
		t.Error("another tag of a rule is the same form")
	}
	if r := retention(read(""), list, now); r.Form != "" || r.Of != nil || r.Only != nil || r.Size != 0 {
		t.Errorf("%+v", r)
	}
}
