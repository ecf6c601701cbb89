package feed

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// Every fixture beside its golden file: adding a pair is all it takes.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		n++
		t.Run(filepath.Base(file), func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse(doc, "", "https://base.example/dir/feed")
			if err != nil {
				t.Fatal(err)
			}
			if f.Partial != nil {
				t.Errorf("whole document is partial: %v", f.Partial)
			}
			got, err := json.MarshalIndent(f, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if *update {
				if err := os.WriteFile(file+".want", got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if n == 0 {
		t.Fatal("no fixtures")
	}
}

// A date of the last change that stands in for one of publication is told from it.
func TestOnlyUpdated(t *testing.T) {
	f, err := Parse([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
		<entry><id>a</id><updated>2025-12-01T10:00:00Z</updated></entry>
		<entry><id>b</id><updated>2025-12-01T10:00:00Z</updated><published>2025-12-01T10:00:00Z</published></entry>
		<entry><id>c</id></entry></feed>`), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.OnlyUpdated) != 3 || !f.OnlyUpdated[0] || f.OnlyUpdated[1] || f.OnlyUpdated[2] {
		t.Errorf("%v", f.OnlyUpdated)
	}
}
