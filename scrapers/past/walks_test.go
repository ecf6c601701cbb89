package past

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

var errStop = errors.New("stop")

// walks asserts what holds for every source of the past: that a walk gives the same finds each time, and that one which is broken off at
// any find goes on behind the last cursor it was given, in a source made anew. It returns the finds.
func walks(t *testing.T, r pipeline.Range, past func() pipeline.Past) []pipeline.Find {
	t.Helper()
	var all []pipeline.Find
	collect := func(into *[]pipeline.Find, most int) func(pipeline.Find) error {
		return func(f pipeline.Find) error {
			*into = append(*into, f)
			if len(*into) == most {
				return errStop
			}
			return nil
		}
	}
	if err := past().Walk(context.Background(), r, "", collect(&all, 0)); err != nil {
		t.Fatalf("walk %s: %v", past().Name(), err)
	}
	for cut := 1; cut <= len(all); cut++ {
		var head, rest []pipeline.Find
		if err := past().Walk(context.Background(), r, "", collect(&head, cut)); !errors.Is(err, errStop) {
			t.Fatalf("the walk does not end with found's error but with %v", err)
		}
		cursor, from := "", 0
		for i, f := range head {
			if f.Cursor != "" {
				cursor, from = f.Cursor, i+1
			}
		}
		if err := past().Walk(context.Background(), r, cursor, collect(&rest, 0)); err != nil {
			t.Fatalf("walk from %q: %v", cursor, err)
		}
		if got, want := shown(append(head[:from:from], rest...)), shown(all); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut behind find %d, resumed from %q:\n%q\nwant\n%q", cut, cursor, got, want)
		}
	}
	return all
}

// shown is what of a find matters to a walk that is broken off.
func shown(finds []pipeline.Find) []string {
	var out []string
	for _, f := range finds {
		body := ""
		if f.Page != nil {
			body = string(f.Page.Body)
		}
		out = append(out, fmt.Sprintf("%s|%s|%s|%s|%v|%s", f.Entry.URL, f.Entry.Content, f.Copy, body, f.Err, f.Taken.UTC().Format("2006-01-02T15:04:05")))
	}
	return out
}

func source(t testing.TB, name string, d Deps) pipeline.Past {
	t.Helper()
	if d.Client == nil {
		d.Client = newClient(t, nil)
	}
	p, err := New(name, d)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := p.(*cdx); ok {
		c.turn = d.Client.Queue(scrapers.Pace{}) // a test has no time to be polite to itself
	}
	return p
}

func addresses(finds []pipeline.Find) []string {
	out := []string{}
	for _, f := range finds {
		if f.Err == nil {
			out = append(out, f.Entry.URL)
		}
	}
	return out
}
