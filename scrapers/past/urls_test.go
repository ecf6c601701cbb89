package past

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	put(t, path, text)
	return path
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// told is a find in a line: address and date, or what is wrong.
func toldOf(finds []pipeline.Find) []string {
	out := []string{}
	for _, f := range finds {
		switch {
		case f.Err != nil:
			out = append(out, f.Err.Error())
		case f.Entry.Published.IsZero():
			out = append(out, f.Entry.URL)
		default:
			out = append(out, f.Entry.URL+" "+f.Entry.Published.UTC().Format(time.RFC3339))
		}
	}
	return out
}

func TestURLList(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string // % stands for the file
	}{
		"a line each": {"\ufeff# what we want\nhttps://a.example/1\r\n\n  https://a.example/2  \nhttps://a.example/3,4.html\nhttps://a.example/last", []string{
			"https://a.example/1", "https://a.example/2", "https://a.example/3,4.html", "https://a.example/last"}},
		"with dates": {"https://a.example/1 2024-01-02\nhttps://a.example/2\t2024-01-02T03:04:05+09:00\nhttps://a.example/3,2024-01-02\n\"https://a.example/4\",\"2 Jan 2024\"\nhttps://a.example/5 a headline\n", []string{
			"https://a.example/1 2024-01-02T00:00:00Z", "https://a.example/2 2024-01-01T18:04:05Z", "https://a.example/3 2024-01-02T00:00:00Z", "https://a.example/4 2024-01-02T00:00:00Z", "https://a.example/5"}},
		"CSV": {"id;Title;URL;Date\n1;\"One; and two\";https://a.example/1;2024-01-02\n2;Two\n3;\"Three;https://a.example/3;\n", []string{
			"https://a.example/1 2024-01-02T00:00:00Z", "%:3: the line has 2 columns, and the address should be in column 3", "%:4: the quotes in the line do not close; a row has to stand on one line"}},
		"no addresses": {"a.example/1\nsome words\nftp://a.example/1\nhttps://a.example/" + strings.Repeat("x", longestAddress) + "\nhttps://a.example/1\n", []string{
			`%:1: "a.example/1" is no whole address; write https:// in front of it`,
			`%:2: "some words" is no address of a page; it should look like https://example.org/article`,
			`%:3: "ftp://a.example/1" is no address of a page; it should look like https://example.org/article`,
			`%:4: the line is longer than 64 KiB, which no address is`, "https://a.example/1"}},
		"nothing": {"", []string{}},
	} {
		path := file(t, "list.txt", tc.text)
		packed := file(t, "list.gz", string(zipped(t, []byte(tc.text))))
		for _, path := range []string{path, packed} {
			got := strings.ReplaceAll(strings.Join(toldOf(walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "urls:"+path, Deps{}) })), "\n"), path, "%")
			if want := strings.Join(tc.want, "\n"); got != want {
				t.Errorf("%s (%s):\n%s\nwant\n%s", name, filepath.Base(path), got, want)
			}
		}
	}
}

// A list that has grown is read from where it was left; a last line that had no end then is read again if it has been continued since.
func TestURLListGrows(t *testing.T) {
	list := func(path, cursor string) (finds []pipeline.Find, err error) {
		err = source(t, "urls:"+path, Deps{}).Walk(context.Background(), pipeline.Range{}, cursor, func(f pipeline.Find) error { finds = append(finds, f); return nil })
		return finds, err
	}
	for _, tc := range []struct{ first, then, want string }{
		{"https://a.example/1\nhttps://a.example/2\n", "https://a.example/3\n", "https://a.example/3"},
		{"https://a.example/1\nhttps://a.example/2", "\nhttps://a.example/3", "https://a.example/3"},
		{"https://a.example/1\nhttps://a.example/2", "\r\n\r\nhttps://a.example/3", "https://a.example/3"},
		{"https://a.example/1\nhttps://a.example/2", "2\nhttps://a.example/3\n", "https://a.example/22 https://a.example/3"},
		{"https://a.example/1\nhttps://a.example/2", "", ""},
	} {
		for _, pack := range []func(string) string{func(s string) string { return s }, func(s string) string { return string(zipped(t, []byte(s))) }} {
			path := file(t, "list.txt", pack(tc.first))
			finds, err := list(path, "")
			if err != nil || len(finds) != 2 {
				t.Fatalf("%d finds, %v", len(finds), err)
			}
			cursor := finds[1].Cursor
			put(t, path, pack(tc.first+tc.then))
			finds, err = list(path, cursor)
			if got := strings.Join(addresses(finds), " "); err != nil || got != tc.want {
				t.Errorf("%q then %q: got %q, %v", tc.first, tc.then, got, err)
			}
			put(t, path, pack("https://a.example/1\n"))
			if _, err = list(path, cursor); err == nil || !strings.Contains(err.Error(), "begin the backfill anew") {
				t.Errorf("a list that was cut: %v", err)
			}
			if _, err = list(path, "nonsense"); err == nil || !strings.Contains(err.Error(), "no place in a file") {
				t.Errorf("a cursor that is none: %v", err)
			}
		}
	}
}

// A day without an hour may lie in a range that touches it in any time zone; a moment is in it or not, whatever the zone it is told in.
func TestURLListRange(t *testing.T) {
	path := file(t, "list.txt", `https://a.example/undated
https://a.example/before 2024-05-31T23:59:59+09:00
https://a.example/first 2024-05-31T11:00:00-04:00
https://a.example/last 2024-06-01T14:59:59Z
https://a.example/after 2024-06-02T00:00:00+09:00
https://a.example/daybefore 2024-05-30
https://a.example/may31 2024-05-31
https://a.example/june1 2024-06-01
https://a.example/june2 2024-06-02
https://a.example/june3 2024-06-03
`)
	want := []string{"undated", "first", "last", "may31", "june1", "june2"}
	for _, zone := range []*time.Location{time.FixedZone("KST", 9*3600), time.UTC, time.FixedZone("EDT", -4*3600)} {
		day := time.Date(2024, 6, 1, 0, 0, 0, 0, time.FixedZone("KST", 9*3600))
		r := pipeline.Range{Since: day.In(zone), Until: day.AddDate(0, 0, 1).In(zone)}
		var got []string
		for _, a := range addresses(walks(t, r, func() pipeline.Past { return source(t, "urls:"+path, Deps{}) })) {
			got = append(got, strings.TrimPrefix(a, "https://a.example/"))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", zone, got, want)
		}
	}
}

func TestURLListEstimateAndSites(t *testing.T) {
	text := "https://www.a.example/1\nhttps://sport.a.example/2\nhttps://b.example:8080/3\nnothing\n"
	path := file(t, "list.txt", text)
	e, err := source(t, "urls:"+path, Deps{}).Estimate(context.Background(), pipeline.Range{Since: time.Unix(0, 0)})
	want := pipeline.Estimate{Articles: 3, Bytes: int64(len(text)), About: true, Requests: map[string]int{"www.a.example": 1, "sport.a.example": 1, "b.example:8080": 1}}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %+v, %v", e, err)
	}
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "urls:"+path, Deps{Sites: []string{"a.example"}}) })
	if got := fmt.Sprint(addresses(finds)); got != "[https://www.a.example/1 https://sport.a.example/2]" {
		t.Errorf("got %s", got)
	}
}

func TestURLListErrors(t *testing.T) {
	if _, err := New("urls:-", Deps{}); err == nil || !strings.Contains(err.Error(), "save it to a file first") {
		t.Errorf("standard input: %v", err)
	}
	walk := func(path string) error {
		return source(t, "urls:"+path, Deps{}).Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return nil })
	}
	fails(t, walk(filepath.Join(t.TempDir(), "none.txt")), pipeline.Final, "no file")
	fails(t, walk(t.TempDir()), pipeline.Final, "file")
	err := walk(file(t, "list.txt", "\xff\xfeh\x00t\x00"))
	fails(t, err, pipeline.Final, "file")
	contains(t, err.Error(), "save it as UTF-8")
	z := string(zipped(t, []byte(strings.Repeat("https://a.example/1\n", 100))))
	fails(t, walk(file(t, "list.gz", z[:len(z)-8])), pipeline.Final, "file")
}
