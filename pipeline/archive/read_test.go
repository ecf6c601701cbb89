package archive

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// read reads an archive and says what came of it.
func read(t *testing.T, text string) (got []pipeline.ArchiveRecord, bad []string, err error) {
	t.Helper()
	r := Reader{Put: func(rs []pipeline.ArchiveRecord) error { got = append(got, rs...); return nil },
		Bad: func(line int, err error) { bad = append(bad, fmt.Sprintf("%d: %v", line, err)) }, Terms: time.Now()}
	err = r.Read(strings.NewReader(text))
	return got, bad, err
}

// What is written is read as it was, to the millisecond.
func TestLinesRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	want := []pipeline.ArchiveRecord{
		{Story: &pipeline.ArchivedStory{Key: "s", EventKey: "e", Title: "<T> & \u2028", Created: at, Articles: 2, Sites: []string{"a"}, Rules: []string{"r"},
			Told: []pipeline.ArchivedTold{{Rule: "r", Seq: 2}}, Apart: []string{"x"}}},
		{Article: &pipeline.ArchivedArticle{Key: "k", StoryKey: "s", EventKey: "e", OfKey: "o", Forgotten: pipeline.PageForgotten,
			Article: pipeline.Article{Feed: "f", URL: "u", Canonical: "c", Site: "a", SiteName: "A", Title: "T", Authors: []string{"x"}, Tags: []string{"y"}, Published: at,
				Date: "2026-03-04", Modified: "m", Section: "n", Image: "i", Lang: "en", Agency: "g", Body: "b\n\n\"", Blocks: []pipeline.Block{{Class: "nav", Text: "t", Rule: "q"}},
				Source: pipeline.SourceFeed, Paywalled: true, Why: "w", Relation: "version", Score: 0.1, Sketch: []byte{0, 1, 255}, Seen: at, Withdrawn: at.Add(time.Hour)},
			Matches: []pipeline.Match{{Rule: "r", Channels: []string{"d"}, Spans: []pipeline.Span{{Field: "body", Start: 1, End: 4}}}},
			Told:    []pipeline.ArchivedTold{{Rule: "r"}}}},
		{Episode: &pipeline.ArchivedEpisode{Rule: "r", Episode: pipeline.Episode{Number: 3, Begins: at, Ends: at}}},
	}
	var b bytes.Buffer
	x, err := NewWriter(&b, All, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range want {
		if err := x.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	got, bad, err := read(t, b.String())
	if err != nil || len(bad) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, bad %q of\n%s", err, bad, b.String())
		for i := range got {
			t.Logf("%+v %+v %+v", got[i].Story, got[i].Article, got[i].Episode)
		}
	}
}

// A line that cannot be used costs itself, and its error says what is wrong with it.
func TestReadBadLines(t *testing.T) {
	good := `{"kind":"article","key":"k","title":"T"}`
	for _, c := range []struct{ line, want string }{
		{`{"kind":"article","key":"k"`, "no JSON object of an archive"},
		{`[1]`, "no JSON object"},
		{`<html>`, "no JSON object"},
		{`{"id":1}`, `no "kind"`},
		{`{"kind":"aricle"}`, `no kind "aricle"`},
		{`{"kind":"article","title":"T"}`, `no "key"`},
		{`{"kind":"article","key":"k"}`, "neither url nor title nor body"},
		{`{"kind":"article","key":"k","title":"T","published":"yesterday"}`, "yesterday"},
		{`{"kind":"article","key":"k","title":"T","pruned":"half"}`, `not "half"`},
		{`{"kind":"article","key":"k","title":"T","relation":"cousin"}`, `no relation "cousin"`},
		{`{"kind":"article","key":"k","title":"T","source":"rumour"}`, `not "rumour"`},
		{`{"kind":"article","key":"k","title":7}`, "title"},
		{`{"kind":"article","key":"k","title":"T","matches":[{"rule":"r","spans":[{"field":"body","start":0,"end":4}]}],"body":"abc"}`, "span 0 to 4"},
		{`{"kind":"article","key":"k","title":"T","matches":[{"spans":[]}]}`, "without a rule"},
		{`{"kind":"article","key":"k","title":"T","sketch":"%"}`, "base64"},
		{`{"kind":"story"}`, `no "key"`},
		{`{"kind":"episode","rule":"r","begins":"2026-01-02T00:00:00Z","ends":"2026-01-01T00:00:00Z"}`, "begins no later"},
	} {
		got, bad, err := read(t, good+"\n"+c.line+"\r\n\n"+strings.Replace(good, `"k"`, `"l"`, 1))
		if err != nil || len(got) != 2 || len(bad) != 1 || !strings.HasPrefix(bad[0], "2: ") || !strings.Contains(bad[0], c.want) {
			t.Errorf("%s: %d records, bad %q, %v", c.line, len(got), bad, err)
		}
	}
}

func TestReadStops(t *testing.T) {
	if _, _, err := read(t, `{"kind":"archive","version":2}`); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("of a later version: %v", err)
	}
	full := errors.New("disk full")
	r := Reader{Put: func([]pipeline.ArchiveRecord) error { return full }, Batch: 1}
	if err := r.Read(strings.NewReader("{\"kind\":\"archive\",\"version\":1}\n{\"kind\":\"article\",\"key\":\"k\",\"title\":\"T\"}\n")); !errors.Is(err, full) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a store that fails: %v", err)
	}
	// What others write needs little, and unknown fields are no mistake.
	got, bad, err := read(t, `{"kind":"article","key":"k","url":"https://a.example/","body":"Words.","published":"2026-03-04T06:06:07+01:00","x":1}`)
	if err != nil || len(bad) > 0 || len(got) != 1 {
		t.Fatalf("%v %q %v", got, bad, err)
	}
	a := got[0].Article
	if a.Relation != "new" || a.Source != pipeline.SourcePage || len(a.Sketch) == 0 || len(a.Terms) == 0 || !a.Published.Equal(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) {
		t.Errorf("%+v", a)
	}
}

// A line that is too long costs itself, not the memory that it would take.
func TestReadLongLine(t *testing.T) {
	long := strings.NewReader("{\"kind\":\"archive\",\"version\":1}\n" + strings.Repeat("x", 200_000) + "\n{\"kind\":\"story\",\"key\":\"k\"}\n")
	var bad, n int
	r := Reader{MaxLine: 100_000, Put: func(rs []pipeline.ArchiveRecord) error { n += len(rs); return nil }, Bad: func(line int, err error) {
		if bad++; line != 2 {
			t.Errorf("line %d: %v", line, err)
		}
	}}
	if err := r.Read(long); err != nil || bad != 1 || n != 1 {
		t.Errorf("%v, %d bad, %d read", err, bad, n)
	}
}
