package dedup

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	wire, appeal := prose(1, 400), prose(99, 120)
	join := func(parts ...[]string) string {
		var all []string
		for _, p := range parts {
			all = append(all, strings.Join(p, " "))
		}
		return strings.Join(all, "\n\n")
	}
	x := New(Options{})
	for i := int64(1); i <= 2; i++ { // the site's appeal stands in stories of its own
		x.Add(doc(i, "b.example", "t", prose(uint64(40+i), 150), appeal))
	}
	a := Text{Site: "a.example", Title: "A", Body: join(wire[:100], wire[100:])}
	b := Text{Site: "b.example", Title: "B", Body: join(prose(50, 30), wire[100:], wire[:100], appeal)}
	repeats := x.Repeats(Doc{ID: 11, Story: 11, Site: a.Site}, Doc{ID: 12, Story: 12, Site: b.Site})
	c := Compare(a, b, repeats)
	if c.Relation != RelCopy || !c.Merge || c.Contained < .95 || c.Resembles < .7 || c.A != 400 || c.B != 550 || c.Repeated != 0 {
		t.Errorf("%+v", c)
	}
	if len(c.Passages) != 2 || c.Shared != 400 {
		t.Fatalf("%+v", c.Passages)
	}
	for i, want := range []string{strings.Join(wire[:100], " "), strings.Join(wire[100:], " ")} {
		p := c.Passages[i]
		if a.Body[p.A.Start:p.A.End] != want || b.Body[p.B.Start:p.B.End] != want {
			t.Errorf("passage %d: %q", i, a.Body[p.A.Start:p.A.End])
		}
	}

	// Only the appeal in common: shown, and said to be no evidence.
	a = Text{Site: "b.example", Title: "A", Body: join(prose(60, 50), appeal)}
	repeats = x.Repeats(Doc{ID: 11, Story: 11, Site: a.Site}, Doc{ID: 12, Story: 12, Site: b.Site})
	c = Compare(a, b, repeats)
	if c.Relation != RelNew || c.Contained != 0 || c.Repeated < 110 || c.Shared > 10 {
		t.Errorf("%+v", c)
	}
	if c := Compare(a, b, nil); c.Relation != RelVersion && c.Relation != RelExcerpt || c.Repeated != 0 || c.Shared < 110 {
		t.Errorf("without the site's other stories: %+v", c)
	}
	if c := Compare(a, b, Repeats([]Doc{doc(1, "b.example", "t", appeal)})); c.Relation != RelNew {
		t.Errorf("with one other article: %+v", c)
	}

	// Scripts without spaces; bodies with nothing in them.
	ja := "北朝鮮がロシアに砲弾を積んだ貨車を送ったと韓国軍が明らかにした。衛星写真には国境の駅に並ぶ数十両の貨車が写っていた。"
	c = Compare(Text{Site: "a", Title: "x", Body: ja}, Text{Site: "b", Title: "x", Body: "【ソウル】" + ja}, nil)
	if !c.Characters || c.Relation != RelCopy || len(c.Passages) != 1 || ja[c.Passages[0].A.Start:c.Passages[0].A.End] != strings.TrimSuffix(ja, "。") {
		t.Errorf("%+v", c)
	}
	if c := Compare(Text{}, Text{}, nil); c.Relation != RelNew || c.Passages != nil {
		t.Errorf("%+v", c)
	}
	if c := Compare(a, a, nil); c.Relation != RelIdentical || c.Contained != 1 || len(c.Passages) != 1 {
		t.Errorf("%+v", c)
	}
}

// What Compare says of two texts is what the index decides.
func TestCompareAgrees(t *testing.T) {
	for k := uint64(1); k < 60; k++ {
		n := int(k) * 7
		wire := prose(k, 500)
		one, two := wire[:n], append(prose(k+100, 200), wire[n/2:]...)
		x := New(Options{})
		x.Add(doc(1, "a.example", "A", one))
		got := x.Decide(doc(2, "b.example", "B", two))
		c := Compare(Text{"a.example", "A", strings.Join(one, " "), ""}, Text{"b.example", "B", strings.Join(two, " "), ""}, nil)
		if c.Relation != got.Relation || got.Relation != RelNew && c.Contained != got.Score {
			t.Errorf("%d words: Compare %s %.3f, Decide %s %.3f", n, c.Relation, c.Contained, got.Relation, got.Score)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("one two three four five", "zero one two three four", uint8(1))
	f.Add("北朝鮮がロシアに砲弾を", "がロシアに砲弾を積んだ貨車", uint8(0))
	f.Add("a a a a a a a a", "a a a a a a", uint8(3))
	f.Fuzz(func(t *testing.T, a, b string, mod uint8) {
		c := Compare(Text{Site: "a", Body: a}, Text{Site: "b", Body: b}, func(h uint32) bool { return h%4 == uint32(mod) })
		last, units := 0, 0
		for _, p := range c.Passages {
			if p.A.Start < last && !c.Characters || p.A.End > len(a) || p.B.End > len(b) || p.A.Start > p.A.End || p.B.Start > p.B.End || p.Units <= 0 {
				t.Fatalf("%+v", p)
			}
			last = p.A.End
			units += p.Units
		}
		if units != c.Shared+c.Repeated || units > c.A || c.Contained < 0 || c.Contained > 1 || c.Resembles > c.Contained {
			t.Fatalf("%+v", c)
		}
	})
}
