package configs

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline"
)

var update = flag.Bool("update", false, "write the error texts of testdata/wrong.txt anew")

func vars(kv ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1], true
			}
		}
		return "", false
	}
}

// write puts files into a folder and returns the path of the first.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		p := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0])
}

type section struct{ Name, Data string }

var header = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// sections splits a file into the comment and the parts under "-- name --", the form of golang.org/x/tools/txtar.
func sections(t testing.TB, path string) (comment string, out []section) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	heads := header.FindAllStringSubmatchIndex(s, -1)
	if len(heads) == 0 {
		t.Fatal("no sections in " + path)
	}
	for i, h := range heads {
		end := len(s)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		out = append(out, section{s[h[2]:h[3]], s[h[1]:end]})
	}
	return s[:heads[0][0]], out
}

func TestWrong(t *testing.T) {
	const golden = "testdata/wrong.txt"
	comment, cases := sections(t, golden)
	want := map[string]string{}
	for _, f := range cases {
		if name, ok := strings.CutSuffix(f.Name, ".err"); ok {
			want[name] = f.Data
		}
	}
	out := comment
	n := 0
	for _, f := range cases {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			path := write(t, f.Name, f.Data, "a.yaml", "[]")
			dir := filepath.Dir(path) + string(filepath.Separator)
			_, err := Load(path, vars("NOTHING", ""))
			if err == nil {
				t.Fatal("loads")
			}
			var list Errors
			if !errors.As(err, &list) {
				t.Fatalf("%T, not Errors", err)
			}
			for _, e := range list {
				if e.Line < 1 || e.Col < 1 || e.File == "" {
					t.Errorf("without a place: %#v", e)
				}
			}
			got := strings.ReplaceAll(err.Error(), dir, "") + "\n"
			if strings.Contains(got, "canary") {
				t.Error("shows a secret")
			}
			out += "-- " + f.Name + " --\n" + f.Data + "-- " + name + ".err --\n" + got
			if !*update && got != want[name] {
				t.Errorf("got\n%swant\n%s", got, want[name])
			}
		})
	}
	if n < 25 {
		t.Fatalf("%d cases only", n)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDefaults(t *testing.T) {
	path := write(t, "w.yaml", "# nothing\n")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Store.Reveal(), filepath.Join(filepath.Dir(path), "wirewatch.db"); got != want {
		t.Errorf("store %s, want %s", got, want)
	}
	if c.Pace != (Pace{time.Second, 1}) || c.BaselineAge != 24*time.Hour || c.Retry != 30*time.Second || c.Log != (Log{"text", "info"}) || c.Listen != "" {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.Revisit, pipeline.DefaultRevisit()) {
		t.Errorf("revisit %v", c.Revisit)
	}
	for text, want := range map[string]string{"revisit: []": "[]", "revisit: [30m, 2d]": "[30m0s 48h0m0s]", "revisit:": fmt.Sprint(pipeline.DefaultRevisit())} {
		c, err := Load(write(t, "w.yaml", text+"\n"), nil)
		if err != nil || fmt.Sprint(c.Revisit) != want {
			t.Errorf("%s: %v, %v", text, c.Revisit, err)
		}
	}
	err = c.CheckFeeds()
	if err == nil || !strings.HasPrefix(err.Error(), path+":1:1: feeds: no feed is configured") {
		t.Errorf("%v", err)
	}
}

func TestLoad(t *testing.T) {
	path := write(t, "w.yaml", `
x-feed: &feed {every: 1d12h, headers: {X-Key: "${KEY}"}}
store: postgres://u:${PW}@h/db
listen: ":0"
allow_private: [127.0.0.1/8, "::1", 10.1.2.3]
pace: {every: 0s, parallel: "${N}"}
contact: a $${literal} ${KEY}$
feeds:
  - {<<: *feed, url: "https://www.A.example/x", every: 7d}
  - {<<: [*feed], url: "https://a.example/y?b=1"}
  - {name: c, url: "http://127.0.0.1:80/", cron: "CRON_TZ=Asia/Seoul */5 * * * 1-5", basic_auth: {user: 12, password_file: secrets/pw}}
rules:
  - {name: one, query: "a \"b\"", channels: [desk]}
  - files: ["rules/*.yaml"]
  - name: block
    query: |

      ${KEY} north
  - {file: more.yaml}
  - {name: long, query_file: secrets/query}
channels:
  - {name: desk, kind: slack, url_file: secrets/hook, retries: 3, tags: [a]}
api_token_file: secrets/token
`,
		"secrets/token", "0123456789abcdef\n", "secrets/pw", "s3cret\r\n", "secrets/query", "a OR ${NOT}\n", "secrets/hook", "https://hook\n",
		"rules/b.yaml", "rules:\n  - {name: b, query: '${NOT} a'}\n", "rules/a.yaml", "- name: a\n  query: 'x'\n", "more.yaml", "")
	c, err := Load(path, vars("KEY", "k1", "PW", "pass", "N", "4"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Reveal() != "postgres://u:pass@h/db" || c.Pace != (Pace{0, 4}) || c.Contact != "a ${literal} k1$" {
		t.Errorf("store %q pace %v contact %q", c.Store.Reveal(), c.Pace, c.Contact)
	}
	if c.APIToken.Reveal() != "0123456789abcdef" {
		t.Errorf("token %q", c.APIToken.Reveal())
	}
	if fmt.Sprint(c.AllowPrivate) != "[127.0.0.0/8 ::1/128 10.1.2.3/32]" {
		t.Error(c.AllowPrivate)
	}
	f := c.Feeds
	if f[0].Name != "a.example" || f[1].Name != "a.example/y" || f[2].Name != "c" {
		t.Errorf("names %q %q %q", f[0].Name, f[1].Name, f[2].Name)
	}
	if f[0].Every != 7*24*time.Hour || f[1].Every != 36*time.Hour || f[1].Headers["X-Key"].Reveal() != "k1" || f[0].Kind != "rss" {
		t.Errorf("%+v", f[:2])
	}
	if f[2].BasicAuth.User != "12" || f[2].BasicAuth.Password.Reveal() != "s3cret" || f[2].Pos.Line != 11 {
		t.Errorf("%+v", f[2])
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", *c, *c), "s3cret") {
		t.Error("the config prints a secret")
	}
	var got []string
	for _, part := range c.Rules {
		tree, err := part.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if tree.Kind == yaml.MappingNode {
			tree = tree.Content[1]
		}
		for _, r := range tree.Content {
			_, q := child(r, "query")
			got = append(got, fmt.Sprintf("%s:%d:%d %q", filepath.Base(part.File()), q.Line, q.Column, q.Value))
		}
	}
	want := []string{`w.yaml:13:24 "a \"b\""`, `a.yaml:2:10 "x"`, `b.yaml:2:22 "${NOT} a"`, `w.yaml:16:12 "\nk1 north\n"`, `w.yaml:20:30 "a OR ${NOT}"`}
	if !slices.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}

	var s struct {
		URL     pipeline.Secret `yaml:"url,required"`
		Retries int             `yaml:"retries"`
		Tags    []string
	}
	if err := c.Channels[0].Settings.Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.URL.Reveal() != "https://hook" || s.Retries != 3 || s.Tags[0] != "a" {
		t.Errorf("%+v", s)
	}
	var narrow struct {
		Url   string `yaml:"url"`
		Tries int    `yaml:"tries"`
		Room  string `yaml:"room,required"`
	}
	err = c.Channels[0].Settings.Decode(&narrow)
	want2 := path + ":22:5: channels[0]: `room` is missing\n" +
		path + ":22:55: channels[0]: unknown key `retries`; did you mean `tries`?\n" +
		path + ":22:67: channels[0]: unknown key `tags`; known here: url, tries, room"
	if err == nil || err.Error() != want2 {
		t.Errorf("got  %v\nwant %s", err, want2)
	}
	if p := c.Channels[0].Settings.Pos("retries"); p.Line != 22 || p.Col != 64 {
		t.Error(p)
	}
}

// A kind that finds a mistake in a line of a value can tell its place, wherever the value stands; its paths are the file's.
func TestNodePlaces(t *testing.T) {
	path := write(t, "w.yaml", "channels:\n  - name: a\n    kind: k\n    one: |\n      x\n      y\n    two: 'z'\n    three_file: sub/t.tmpl\n")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, dir := c.Channels[0].Settings, filepath.Dir(path)
	for key, want := range map[string]Pos{
		"one": {path, 6, 1}, "two": {path, 7, 10}, "three": {filepath.Join(dir, "sub/t.tmpl"), 2, 1}, "four": n.Pos(""),
	} {
		if got := n.At(key, 2); got != want {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
	if got := n.At("one", 0); got != n.Pos("one") {
		t.Errorf("the whole value: %+v", got)
	}
	if n.Rel("x/y") != filepath.Join(dir, "x/y") || n.Rel("/x") != "/x" {
		t.Errorf("%q, %q", n.Rel("x/y"), n.Rel("/x"))
	}
}

func TestRuleFilesOnly(t *testing.T) {
	path := write(t, "w.yaml", "rules: {files: [r.yaml]}\n", "r.yaml", "- {name: a, query: b}\n- query: title: c\n")
	_, err := Load(path, nil)
	r := filepath.Join(filepath.Dir(path), "r.yaml")
	want := r + ":2:1: this is not YAML: mapping values are not allowed in this context; put quotes around a value that has a colon followed by a space in it"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func exampleEnv() func(string) (string, bool) {
	return vars("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x", "WEBHOOK_URL", "https://example.org/hook", "WEBHOOK_SECRET", "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0")
}

func TestExample(t *testing.T) {
	c, err := Parse("wirewatch.example.yaml", Example(), exampleEnv())
	if err != nil {
		t.Fatal(err)
	}
	outlets := map[string]bool{}
	for _, f := range c.Feeds {
		h := strings.Split(strings.SplitN(f.URL, "/", 4)[2], ".")
		outlets[strings.Join(h[max(0, len(h)-3):], ".")] = true
	}
	if len(outlets) < 12 || len(c.Rules) == 0 || len(c.Channels) != 2 {
		t.Errorf("%d outlets, %d lists of rules, %d channels", len(outlets), len(c.Rules), len(c.Channels))
	}
	if err := c.CheckFeeds(); err != nil {
		t.Error(err)
	}
	var keys func(reflect.Type) []string
	keys = func(t reflect.Type) []string {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == nodeType || t == posType || t == secretType || t == reflect.TypeFor[netip.Prefix]() {
			return nil
		}
		var out []string
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if name == "-" || !t.Field(i).IsExported() {
				continue
			}
			if name != "" {
				out = append(out, name)
			}
			out = append(out, keys(t.Field(i).Type)...)
		}
		return out
	}
	all := append(keys(reflect.TypeFor[Config]()), keys(reflect.TypeFor[sources]())[1:]...)
	if len(all) < 30 {
		t.Fatalf("only %d keys found", len(all))
	}
	for _, k := range all {
		if !regexp.MustCompile(`(^|[\s{(,`+"`"+`])`+k+`: `).Match(Example()) && !regexp.MustCompile(`(?m)^ *`+k+`:$`).Match(Example()) {
			t.Errorf("the example does not show the key `%s`", k)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]Bytes{"20GB": 20e9, "1.5TiB": 3 << 39, "512 mib": 512 << 20, "'900000kB'": 9e8, "0": 0, "\"${ROOM}\"": 3e9} {
		c, err := Parse("w.yaml", []byte("retention: {size: "+in+"}"), vars("ROOM", "3GB"))
		if err != nil || c.Retention.Size != want {
			t.Errorf("%s: %d, %v", in, c.Retention.Size, err)
		}
	}
	for _, in := range []string{"-1GB", "1e9", "20", "20G", "GB", "1 GB 2", "999999999TB", "[1GB]", "''"} {
		if c, err := Parse("w.yaml", []byte("retention: {size: "+in+"}"), nil); err == nil {
			t.Errorf("%s: %d", in, c.Retention.Size)
		}
	}
}

func TestRetention(t *testing.T) {
	c, err := Parse("/etc/w/w.yaml", []byte("retention: {only: [{sites: [a.example], bodies: 0}, {tags: [x, 5], pages: 7d, size: 2GB}]}\nbackup: {to: copies}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Retention
	if r.Pages != 30*day || len(r.Only) != 2 || r.Only[0].Pages != nil || r.Only[0].Bodies == nil || *r.Only[0].Bodies != 0 || *r.Only[1].Pages != 7*day ||
		!slices.Equal(r.Only[1].Tags, []string{"x", "5"}) || r.Only[1].Size != 2e9 {
		t.Errorf("%+v", r)
	}
	if *c.Backup != (Backup{To: "/etc/w/copies", Every: day, Keep: 7}) {
		t.Errorf("%+v", c.Backup)
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{"0": 0, "0s": 0, "15m": 15 * time.Minute, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "2w": 336 * time.Hour, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond} {
		if got, _, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1s", "15", "1 h", "m", "1y", "99999999999999d", "1h-", "+1s", "1e9s"} {
		if got, hint, err := parseDuration(s); err == nil || hint == "" {
			t.Errorf("%q: %v %q", s, got, hint)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"slack-desk", "archive", "every"}
	for w, want := range map[string]string{"slck": "slack-desk", "slack": "slack-desk", "archiv": "archive", "evrey": "every", "zzz": "", "x": ""} {
		if got := Suggest(w, known); got != want {
			t.Errorf("%s: %q, want %q", w, got, want)
		}
	}
}

// Whatever stands in a file, Load says so and lives.
func FuzzLoad(f *testing.F) {
	_, cases := sections(f, "testdata/wrong.txt")
	for _, x := range cases {
		f.Add([]byte(x.Data))
	}
	f.Add(Example())
	none := func(p string) ([]byte, error) { return nil, &os.PathError{Op: "open", Path: p, Err: os.ErrNotExist} }
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(scope{file: "f.yaml", dir: ".", env: vars("HOME", "/h"), read: none}, data)
		var list Errors
		if err != nil && !errors.As(err, &list) {
			t.Fatalf("%T", err)
		}
		if err == nil {
			for _, ch := range c.Channels {
				var v struct{ URL string }
				_ = ch.Settings.Decode(&v)
			}
			for _, r := range c.Rules {
				if tree, err := r.YAML(); tree == nil || err != nil && !errors.As(err, &list) {
					t.Fatalf("%v, %T", tree, err)
				}
			}
			if out, err := withFeeds("f.yaml", data, []Feed{{Name: "new: one", URL: "https://new.example/?a=${B}"}}); err == nil {
				var n yaml.Node
				if err := yaml.Unmarshal(out, &n); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
