package feed

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Where the corpus is wrong by the specification, by file and clause. These
// count as misses in the shares below; the list says why they stay.
var goldIsWrong = map[string]string{
	"fp/json/example.json":                                      "JSON Feed 1, items: there are two; the reference knew no JSON",
	"fv/atom/4.2.11/missing-self.xml":                           "RFC 4287, 4.2.11: an entry is no child of a source",
	"fv/atom/4.2.11/source-entry.xml":                           "RFC 4287, 4.2.11: an entry is no child of a source",
	"fv/ext/feedsync/spec-example-atom-2.xml":                   "FeedSync 2.6: an entry in sx:conflicts is a rejected version, not an entry of the feed",
	"fp/wellformed/atom10/entry_link_no_href_link_priority.xml": "RFC 4287, 4.2.7: the page is the alternate link, an enclosure is not",
	"fv/atom/4.2.7.3/link-type-invalid-mime.xml":                "RFC 4287, 4.2.7.3: type is a hint; a bad one does not undo the alternate link",
	"fv/atom/4.2.7.3/link-type-parameters.xml":                  "RFC 4287, 4.2.7.3 and RFC 4288: a type may have parameters",
	"fv/atom/must/entry_issued_no_colons.xml":                   "ISO 8601, 4.2.2.2: 192030 is a time of day in the basic format, not nothing",
	"fv/atom/must/entry_modified_no_colons.xml":                 "ISO 8601, 4.2.2.2: 192030 is a time of day in the basic format, not nothing",
	"fv/rss20/data-types-characterdata/amp-hex-name.xml":        "XML 1.0, 2.2: U+001A is no character",
	"fv/rss20/element-channel-item/multiple_item_guid.xml":      "RSS 2.0, item: one guid; with two, identity and address should be of the same",
}

type tally struct{ ok, of int }

// The development half of the conformance corpus, scored as its own script
// does. The floors are what was reached, less a file or two.
func TestCorpus(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if up := filepath.Dir(root); up != root {
			root = up
			continue
		}
		t.Fatal("no go.mod above the test")
	}
	path := filepath.Join(root, "..", "shared", "corpus", "feeds", "dev.jsonl.gz")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("the conformance corpus is not beside the repository: %v", err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	type gold struct{ Title, URL, GUID, Published string }
	var (
		lines   = bufio.NewReaderSize(z, 1<<20)
		entries tally
		missed  = map[string]bool{}
		fields  = map[string]*tally{"title": {}, "url": {}, "guid": {}, "published": {}}
	)
	for {
		line, rerr := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			var row struct {
				ID          string
				ContentType string `json:"content_type"`
				Data        string
				Gold        struct{ Entries []gold }
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatal(err)
			}
			doc, err := base64.StdEncoding.DecodeString(row.Data)
			if err != nil {
				t.Fatal(err)
			}
			var got []Entry
			if f, err := Parse(doc, row.ContentType, ""); err == nil {
				got = f.Entries
			}
			entries.of++
			if len(got) == len(row.Gold.Entries) {
				entries.ok++
			} else if missed[row.ID] = true; goldIsWrong[row.ID] == "" {
				t.Logf("%s: %d entries, gold %d", row.ID, len(got), len(row.Gold.Entries))
			}
			for i, g := range row.Gold.Entries {
				var e Entry
				if i < len(got) {
					e = got[i]
				}
				published := ""
				if !e.Published.IsZero() {
					published = e.Published.Format(time.RFC3339)
				}
				for name, pair := range map[string][2]string{
					"title": {fold(g.Title), fold(e.Title)}, "url": {fold(g.URL), fold(e.URL)},
					"guid": {fold(g.GUID), fold(e.GUID)}, "published": {g.Published, published},
				} {
					if pair[0] == "" {
						continue
					}
					fields[name].of++
					if pair[0] == pair[1] {
						fields[name].ok++
					} else if missed[row.ID] = true; goldIsWrong[row.ID] == "" {
						t.Logf("%s: %s %q, gold %q", row.ID, name, pair[1], pair[0])
					}
				}
			}
		}
		if rerr != nil {
			break
		}
	}
	if entries.of == 0 {
		t.Fatal("no documents in the corpus")
	}
	t.Logf("entries %d/%d, title %d/%d, url %d/%d, guid %d/%d, published %d/%d", entries.ok, entries.of,
		fields["title"].ok, fields["title"].of, fields["url"].ok, fields["url"].of,
		fields["guid"].ok, fields["guid"].of, fields["published"].ok, fields["published"].of)
	for id := range goldIsWrong {
		if !missed[id] {
			t.Errorf("%s is listed as wrong in the corpus but agrees; strike it from the list", id)
		}
	}
	floor := func(name string, got tally, want float64) {
		if float64(got.ok) < want*float64(got.of) {
			t.Errorf("%s: %d of %d, want %.3f", name, got.ok, got.of, want)
		}
	}
	floor("entries", entries, .997)
	floor("title", *fields["title"], .994)
	floor("url", *fields["url"], .985)
	floor("guid", *fields["guid"], .995)
	floor("published", *fields["published"], .985)
}

var (
	foldTags  = regexp.MustCompile(`<[^>]*>`)
	foldSpace = regexp.MustCompile(`\s+`)
)

func fold(s string) string {
	s = html.UnescapeString(foldTags.ReplaceAllString(html.UnescapeString(s), ""))
	return strings.TrimSpace(foldSpace.ReplaceAllString(s, " "))
}
