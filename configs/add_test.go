package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAddFeeds(t *testing.T) {
	feeds := []Feed{{Name: "new", URL: "https://n.example/rss?a=1&b=2", Every: 15 * time.Minute}, {URL: "https://m.example/", Cron: "0 * * * *"}}
	const n = "name: new\n_url: https://n.example/rss?a=1&b=2\n_every: 15m\n- url: https://m.example/\n_cron: \"0 * * * *\"\n"
	block := func(indent int) string {
		in := strings.Repeat(" ", indent)
		return in + "- " + strings.ReplaceAll(strings.ReplaceAll(n, "\n_", "\n"+in+"  "), "\n- ", "\n"+in+"- ")
	}
	const flow = `{name: new, url: "https://n.example/rss?a=1&b=2", every: 15m}, {url: "https://m.example/", cron: "0 * * * *"}`
	for name, c := range map[string]struct{ old, want string }{
		"empty":         {"", "feeds:\n" + block(2)},
		"comments only": {"# a\n", "# a\n\nfeeds:\n" + block(2)},
		"absent":        {"listen: :1 # c", "listen: :1 # c\n\nfeeds:\n" + block(2)},
		"null":          {"feeds: # none yet\nlisten: :1\n", "feeds: # none yet\n" + block(2) + "listen: :1\n"},
		"tilde":         {"feeds: ~\n", "feeds:\n" + block(2)},
		"empty list":    {"feeds: []  # none yet\nlisten: :1\n", "feeds:  # none yet\n" + block(2) + "listen: :1\n"},
		"block": {
			"feeds:\n    # mine\n    - url: https://a.example/ # a\n      name: ä\n    # - url: https://old/\n\n# hooks\nlisten: :1\n",
			"feeds:\n    # mine\n    - url: https://a.example/ # a\n      name: ä\n    # - url: https://old/\n" + block(4) + "\n# hooks\nlisten: :1\n",
		},
		"not indented": {"feeds:\n- url: https://a.example/\nlisten: :1\n", "feeds:\n- url: https://a.example/\n" + block(0) + "listen: :1\n"},
		"at the end":   {"feeds:\n  - url: https://a.example/", "feeds:\n  - url: https://a.example/\n" + block(2)},
		"folded":       {"feeds:\n  - url: >-\n      https://a.example/\n\n  - name: |\n      b\n    url: https://b.example/\n", "feeds:\n  - url: >-\n      https://a.example/\n\n  - name: |\n      b\n    url: https://b.example/\n" + block(2)},
		"flow":         {"feeds: [{url: \"https://a.example/]\"}]  # x\n", "feeds: [{url: \"https://a.example/]\"}, " + flow + "]  # x\n"},
		"flow lines":   {"feeds: [\n  {url: https://a.example/it's}, # c ]\n  ]\nlisten: :1\n", "feeds: [\n  {url: https://a.example/it's}, " + flow + " # c ]\n  ]\nlisten: :1\n"},
		"crlf":         {"feeds:\r\n  - url: https://a.example/\r\n", "feeds:\r\n  - url: https://a.example/\r\n" + strings.ReplaceAll(block(2), "\n", "\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := withFeeds("w.yaml", []byte(c.old), feeds)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	for name, old := range map[string]string{
		"flow root":  "{feeds: []}",
		"scalar":     "feeds: x\n",
		"alias":      "x-a: &a [{url: https://a.example/}]\nfeeds: *a\n",
		"not yaml":   "feeds: [\n",
		"name taken": "feeds:\n  - {name: new, url: https://a.example/}\n",
	} {
		if got, err := withFeeds("w.yaml", []byte(old), feeds); err == nil {
			t.Errorf("%s: accepted:\n%s", name, got)
		}
	}
}

func TestAddFeedsToExample(t *testing.T) {
	path := write(t, "real.yaml", string(Example()))
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(path), "link.yaml")
	if err := os.Symlink("real.yaml", link); err != nil {
		t.Skip("no symbolic links:", err)
	}
	odd := Feed{Name: `yes: "no" # ${HOME}`, URL: "https://n.example/?q=a,b&x={}"}
	for _, f := range []Feed{odd, {Name: "null", URL: "https://o.example/"}} {
		if err := AddFeeds(link, []Feed{f}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(link, exampleEnv())
	if err != nil {
		t.Fatal(err)
	}
	if last := c.Feeds[len(c.Feeds)-2]; last.Name != odd.Name || last.URL != odd.URL {
		t.Errorf("%+v", last)
	}
	if last := c.Feeds[len(c.Feeds)-1]; last.Name != "null" {
		t.Errorf("%+v", last)
	}
	if st, _ := os.Lstat(link); st.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o640 {
		t.Error(st.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Error(left)
	}
	if err := AddFeeds(link, []Feed{{URL: "ftp://x/"}}); err == nil {
		t.Error("accepts ftp")
	}
}
