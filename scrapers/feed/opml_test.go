package feed

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestReadOPML(t *testing.T) {
	in := "<?xml version='1.0' encoding='iso-8859-1'?>\n<OPML version=1.1><head><title>Mine</title></head><body>\n" +
		"<outline text='Presse & Co'>\n <outline TITLE='Le Caf\xe9' text='ignored' type='rss' XMLURL='https://e.example/?a=1&b=2' htmlUrl='https://e.example/'></outline>\n" +
		" <outline text='Nord'><outline text='N' xmlUrl='https://n.example/rss' category='/Presse & Co/Nord,wind, /tide/'/></outline>\n</outline>\n" +
		"<outline text='Loose' xmlurl='https://l.example/rss'/>\n</body></OPML>"
	got, err := ReadOPML(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	want := []Outline{
		{Title: "Presse & Co", Outlines: []Outline{
			{Title: "Le Café", XMLURL: "https://e.example/?a=1&b=2", HTMLURL: "https://e.example/", Categories: []string{"Presse & Co"}},
			{Title: "Nord", Outlines: []Outline{{Title: "N", XMLURL: "https://n.example/rss", Categories: []string{"Presse & Co/Nord", "wind", "tide"}}}},
		}},
		{Title: "Loose", XMLURL: "https://l.example/rss"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	// There and back.
	var out bytes.Buffer
	if err := WriteOPML(&out, "Mine <&>", got); err != nil {
		t.Fatal(err)
	}
	again, err := ReadOPML(&out)
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("after writing: %+v, %v", again, err)
	}
}

// Most readers export their folders: what stands in them counts, they themselves do not, nor do links to pages.
func TestFeedsOfOPML(t *testing.T) {
	list, err := ReadOPML(strings.NewReader(`<opml version="2.0"><body>
		<outline text="World"><outline text="Asia"><outline text="Korea" xmlUrl="https://k.example/rss"/></outline>
			<outline text="old" url="https://o.example/rss"/></outline>
		<outline text="a page" type="link" url="https://p.example/"/>
		<outline text="another list" type="include" url="https://l.example/list.opml"/>
		<outline text="one that has more below it" xmlUrl="https://m.example/rss"><outline text="more" xmlUrl="https://n.example/rss"/></outline>
		</body></opml>`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range Feeds(list) {
		got = append(got, o.Title+" "+o.XMLURL)
	}
	want := []string{"Korea https://k.example/rss", "old https://o.example/rss", "one that has more below it https://m.example/rss", "more https://n.example/rss"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadOPMLLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"empty":  {"", ErrEmpty},
		"page":   {"<html></html>", ErrNotOPML},
		"deep":   {"<opml><body>" + strings.Repeat("<outline text='a'>", 1_000_000), ErrTooDeep},
		"many":   {"<opml><body>" + strings.Repeat("<outline/>", MaxOutlines+1), ErrTooManyItems},
		"no end": {"<opml><body><outline text='a'><outline text='b' xmlUrl='u'/>", nil},
	} {
		if got, err := ReadOPML(strings.NewReader(tt.in)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		} else if tt.want == nil && (len(got) != 1 || len(got[0].Outlines) != 1) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
