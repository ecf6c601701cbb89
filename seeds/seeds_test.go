package seeds

import (
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestStarterFeeds(t *testing.T) {
	var doc struct {
		Feeds []struct{ Name, URL, Every string }
	}
	if err := yaml.Unmarshal(Feeds(), &doc); err != nil {
		t.Fatal(err)
	}
	names, hosts := map[string]bool{}, map[string]bool{}
	for _, f := range doc.Feeds {
		u, err := url.Parse(f.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || names[f.Name] || f.Every == "" {
			t.Errorf("feed %+v: want a name of its own, an https address, an interval; %v", f, err)
			continue
		}
		names[f.Name] = true
		part := strings.Split(u.Hostname(), ".")
		hosts[strings.Join(part[max(0, len(part)-3):], ".")] = true
	}
	if len(hosts) < 12 {
		t.Errorf("%d outlets, want at least twelve: %v", len(hosts), hosts)
	}
	for _, lang := range []string{"English", "Korean", "Russian", "Ukrainian", "Japanese", "German"} {
		if !strings.Contains(string(Feeds()), "# "+lang) {
			t.Errorf("no section for %s", lang)
		}
	}
}

func TestStarterRules(t *testing.T) {
	names := map[string]bool{}
	list, err := fs.Glob(Rules(), "*.yaml")
	if err != nil || len(list) == 0 {
		t.Fatal("no rule files", err)
	}
	for _, file := range list {
		b, err := fs.ReadFile(Rules(), file)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Rules []struct{ Name, Query string }
		}
		if err := yaml.Unmarshal(b, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, r := range doc.Rules {
			if r.Name == "" || r.Query == "" || names[r.Name] {
				t.Errorf("%s: rule %+v: want a query and a name of its own", file, r)
			}
			names[r.Name] = true
		}
	}
	if len(names) < 8 {
		t.Errorf("%d rules", len(names))
	}
}
