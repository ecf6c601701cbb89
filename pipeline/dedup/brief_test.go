package dedup

import (
	"strings"
	"testing"
)

func TestBrief(t *testing.T) {
	body := strings.Repeat("The inspectors opened nine more containers at the port on Tuesday. ", 40) + "북한 대표단이 러시아 극동 지역을 방문했다."
	whole := Sketch("Nine containers", body, "en")
	short := Brief(whole)
	if len(short) > 24 || len(short) >= len(whole) {
		t.Errorf("%d bytes of %d", len(short), len(whole))
	}
	if string(Brief(short)) != string(short) || len(Brief(nil)) != 0 {
		t.Error("a brief is not settled")
	}
	for _, c := range []struct {
		name        string
		title, body string
		want        bool
	}{
		{"the same", "Nine containers", body, true},
		{"folded alike", "NINE containers", strings.ToUpper(body), true},
		{"another word", "Nine containers", body + " More.", false},
		{"another title", "Ten containers", body, false},
		{"nothing", "", "", false},
	} {
		other := Sketch(c.title, c.body, "en")
		for _, s := range [][]byte{whole, short} {
			if SameText(s, other) != c.want || SameText(other, s) != c.want || SameText(s, Brief(other)) != c.want {
				t.Errorf("%s: want %v", c.name, c.want)
			}
		}
	}
	if SameText(nil, nil) || SameText([]byte("damaged"), []byte("damaged")) {
		t.Error("what is no sketch is the same as another")
	}
	// A brief is no candidate for a copy.
	x := New(Options{})
	x.Add(Doc{ID: 1, Story: 1, Site: "a.example", Sketch: short})
	if d := x.Decide(Doc{ID: 2, Site: "b.example", Sketch: Sketch("Nine containers", body+" More.", "en")}); d.Relation != RelNew {
		t.Errorf("%+v", d)
	}
}
