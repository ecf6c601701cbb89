package dedup

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// prose makes n words that are like no other seed's.
func prose(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("w%d", int(1/(r.Float64()+1e-4))*50+r.IntN(50)) // few words are common, most are rare
	}
	return out
}

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func doc(id int64, site, title string, text ...[]string) Doc {
	return Doc{ID: id, Story: id, Site: site, Published: day, Sketch: Sketch(title, strings.Join(slices.Concat(text...), " "), "en")}
}

func TestDecide(t *testing.T) {
	wire := prose(1, 600)
	edited := slices.Clone(wire)
	for i := 0; i < len(edited); i += 15 {
		edited[i] = "changed"
	}
	japanese := "北朝鮮がロシアに砲弾を積んだ貨車を送ったと韓国軍が明らかにした。衛星写真には国境の駅に並ぶ数十両の貨車が写っていた。専門家は輸送がこの夏から続いているとみている。国連の制裁決議は北朝鮮による武器の輸出を禁じている。"
	appeal := prose(99, 120)
	short := prose(5, 25)
	x := New(Options{})
	for _, d := range []Doc{
		doc(1, "a.example", "Wire", wire),
		{ID: 2, Story: 2, Site: "a.example", URL: "https://www.a.example/page?utm_source=x", Published: day, Sketch: Sketch("Page", strings.Join(prose(2, 300), " "), "")},
		{ID: 3, Story: 3, Site: "j.example", Published: day, Sketch: Sketch("砲弾", japanese, "ja")},
		doc(4, "b.example", "First", prose(40, 150), appeal),
		doc(5, "b.example", "Second", prose(41, 150), appeal),
		doc(6, "c.example", "Subscribe to read", short),
		doc(7, "d.example", "Undated", prose(70, 200)),
		doc(8, "e.example", "Half", wire[:300], prose(80, 300)),
	} {
		x.Add(d)
	}
	late := doc(20, "z.example", "Wire", wire)
	late.Published = day.AddDate(0, 2, 0)
	undated := doc(20, "z.example", "Wire", wire)
	undated.Published = time.Time{}
	for name, c := range map[string]struct {
		d        Doc
		relation string
		of       int64
	}{
		"something else":                  {doc(20, "a.example", "Other", prose(11, 400)), RelNew, 0},
		"the same words":                  {doc(20, "z.example", "Another headline", wire), RelIdentical, 1},
		"the same words, marked up":       {doc(20, "z.example", "Wire", []string{strings.ToUpper(strings.Join(wire, ", "))}), RelIdentical, 1},
		"the same words, a season later":  {late, RelNew, 0},
		"the same words, undated":         {undated, RelIdentical, 1},
		"edited on another site":          {doc(20, "z.example", "Headline", edited), RelCopy, 1},
		"edited on the same site":         {doc(20, "a.example", "Headline", edited), RelVersion, 1},
		"cut short":                       {doc(20, "z.example", "Headline", wire[:120]), RelCopy, 1},
		"a new lead":                      {doc(20, "z.example", "Headline", prose(12, 80), wire[100:]), RelCopy, 1},
		"a passage":                       {doc(20, "z.example", "Comment", prose(13, 500), wire[450:520]), RelExcerpt, 1},
		"the page of the same address":    {Doc{ID: 20, Site: "a.example", URL: "http://m.a.example/page/", Sketch: Sketch("Rewritten", "all new", "")}, RelVersion, 2},
		"the address on another site":     {Doc{ID: 20, Site: "z.example", URL: "http://m.a.example/page/", Sketch: Sketch("Rewritten", "all new", "")}, RelNew, 0},
		"without spaces":                  {Doc{ID: 20, Site: "z.example", Published: day, Sketch: Sketch("別の見出し", "【ソウル】"+japanese[:len(japanese)-90], "ja")}, RelCopy, 3},
		"only the appeal in common":       {doc(20, "b.example", "Third", prose(42, 150), appeal), RelNew, 0},
		"mostly the appeal":               {doc(20, "b.example", "Third", prose(43, 40), appeal), RelNew, 0},
		"a notice in place of a text":     {doc(20, "c.example", "Another article", short), RelExcerpt, 6},
		"the same short text, same title": {doc(20, "c.example", "Subscribe to read", short), RelIdentical, 6},
		"no text":                         {Doc{ID: 20, Site: "z.example"}, RelNew, 0},
		"a damaged sketch":                {Doc{ID: 20, Site: "z.example", Sketch: []byte{1, 2, 3}}, RelNew, 0},
		"itself, again":                   {doc(1, "a.example", "Wire", wire), RelCopy, 8},
	} {
		t.Run(name, func(t *testing.T) {
			got := x.Decide(c.d)
			if got.Relation != c.relation || got.Of != c.of {
				t.Errorf("%+v, want %s of %d", got, c.relation, c.of)
			}
			if wantStory := c.of; got.Relation != RelExcerpt && got.Story != wantStory || got.Relation == RelExcerpt && got.Story != 0 {
				t.Errorf("story %d", got.Story)
			}
			if again := x.Decide(c.d); fmt.Sprint(again) != fmt.Sprint(got) {
				t.Errorf("then %+v", again)
			}
		})
	}
	if x.Len() != 8 {
		t.Error("Decide added something")
	}
}

func TestMerge(t *testing.T) {
	wire := prose(1, 400)
	x := New(Options{})
	x.Add(doc(1, "a.example", "a", wire[:230]))
	x.Add(doc(2, "b.example", "b", wire[160:]))
	x.Add(doc(9, "i.example", "i", prose(3, 300)))
	got := x.Decide(doc(3, "c.example", "c", wire))
	if got.Story != 1 && got.Story != 2 || len(got.Merge) != 1 || got.Merge[0]+got.Story != 3 {
		t.Fatalf("%+v", got)
	}
	x.Move(2, 1)
	if got := x.Decide(doc(3, "c.example", "c", wire)); got.Story != 1 || len(got.Merge) != 0 {
		t.Errorf("%+v after the merge", got)
	}
	if got := x.Decide(doc(3, "c.example", "c", wire, prose(3, 300))); got.Story != 9 || len(got.Merge) != 0 {
		t.Errorf("%+v for two reports in one text", got)
	}
}

// What is taken out leaves nothing behind, and the order of adding and removing does not show.
func TestRemove(t *testing.T) {
	x, y := New(Options{}), New(Options{})
	shared := prose(9, 30)
	for i := int64(1); i <= 60; i++ {
		x.Add(doc(i, fmt.Sprintf("s%d.example", i%5), "t", prose(uint64(i), 200), shared))
	}
	for i := int64(1); i <= 60; i++ {
		if i%3 != 0 {
			x.Remove(i)
		}
	}
	x.Remove(1000)
	for i := int64(60); i >= 1; i-- {
		if i%3 == 0 {
			y.Add(doc(i, fmt.Sprintf("s%d.example", i%5), "t", prose(uint64(i), 200), shared))
			x.Add(doc(i, fmt.Sprintf("s%d.example", i%5), "t", prose(uint64(i), 200), shared)) // a second time
		}
	}
	if x.Len() != 20 || y.Len() != 20 || x.post.len() != y.post.len() {
		t.Errorf("%d %d documents, %d %d shingles", x.Len(), y.Len(), x.post.len(), y.post.len())
	}
	for i := int64(1); i <= 60; i++ {
		d := doc(100, "z.example", "t", prose(uint64(i), 200))
		if a, b := x.Decide(d), y.Decide(d); fmt.Sprint(a) != fmt.Sprint(b) || (a.Of == i) != (i%3 == 0) {
			t.Errorf("%d: %+v %+v", i, a, b)
		}
	}
	for i := int64(1); i <= 60; i++ {
		x.Remove(i)
	}
	if x.Len() != 0 || x.post.len() != 0 {
		t.Errorf("left: %d %d", x.Len(), x.post.len())
	}
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 30, 500, 20000} {
		b := Sketch("A title", strings.Join(prose(3, n), " "), "")
		s := decode(b, nil)
		if int(s.units) != n || !bytes.Equal(s.encode(), b) || n > 0 && len(s.hashes) == 0 || len(s.hashes) > perSketch*3/2 {
			t.Errorf("%d words: %d units, %d hashes, %d bytes", n, s.units, len(s.hashes), len(b))
		}
		if n > 30 && n <= 500 && len(b) > 1000 {
			t.Errorf("%d bytes", len(b))
		}
	}
	if bytes.Equal(Sketch("", "a b", ""), Sketch("", "b a", "")) {
		t.Error("the order of words is lost")
	}
}

func FuzzSketch(f *testing.F) {
	f.Add("t", "some words of a text", []byte{1, 0, 3})
	f.Add("題", "北朝鮮がロシアに砲弾を", Sketch("a", "b c d e f g", ""))
	f.Fuzz(func(t *testing.T, title, body string, raw []byte) {
		x := New(Options{})
		x.Add(Doc{ID: 1, Story: 1, Site: "a", Sketch: raw})
		x.Add(Doc{ID: 2, Story: 2, Site: "b", Sketch: Sketch(title, body, "")})
		d := x.Decide(Doc{ID: 3, Site: "c", Sketch: Sketch(title, body, "")})
		if decode(Sketch(title, body, ""), nil).units > 0 && title != "" && decode(Sketch(title, body, ""), nil).title != 0 && d.Relation == RelNew {
			t.Errorf("not found again: %+v", d)
		}
		x.Remove(1)
		x.Remove(2)
		if x.post.len() != 0 {
			t.Error("shingles left")
		}
	})
}

func TestLines(t *testing.T) {
	wire := strings.Join(prose(1, 400), " ")
	half := strings.Join(prose(1, 400)[:215], " ")
	rest := strings.Join(prose(1, 400)[165:], " ")
	in := fmt.Sprintf(`{"id":"a","url":"https://a.example/1","title":"T","text":%q,"published":"2026-03-01T10:00:00Z","odd":[1]}
{"id":7,"site":"b.example","title":"U","body":%q,"date":"2026-03-01"}
not json

{"id":"a","text":"again"}
{"title":"no id"}
{"id":"c","site":"c.example","text":%q}
{"id":"d","site":"d.example","title":"T","text":"Something short"}
`, half, rest, wire)
	run := func(stream bool) string {
		var out strings.Builder
		if err := Lines(strings.NewReader(in), &out, stream); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	errs := `{"id":"","line":3,"err":"not a document: invalid character 'o' in literal null (expecting 'u')"}
{"id":"a","line":5,"err":"the id stands here a second time"}
{"id":"","line":6,"err":"the id is missing"}
`
	want := `{"id":"a","story":"a","event":"a","relation":"new","of":"","score":0}
{"id":"7","story":"7","event":"7","relation":"excerpt","of":"a","score":0.20618556701030927}
` + errs + `{"id":"c","story":"a","event":"a","relation":"copy","of":"7","score":1}
{"id":"d","story":"d","event":"d","relation":"new","of":"","score":0}
`
	if got := run(true); got != want {
		t.Errorf("stream: got\n%swant\n%s", got, want)
	}
	want = strings.Replace(want, `"7","event":"7","relation":"excerpt","of":"a","score":0.20618556701030927`, `"a","event":"a","relation":"copy","of":"a","score":1`, 1)
	if got := run(false); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// shared finds the folder of test data beside the project.
func shared(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above")
		}
		dir = filepath.Dir(dir)
	}
	p := filepath.Join(dir, "..", "shared", "corpus", "dedup", "dup-dev.jsonl.gz")
	if _, err := os.Stat(p); err != nil {
		t.Skip("not measured: ", err)
	}
	return p
}

// The floor on the development data: pairs of copies and versions, boilerplate twins, quotations.
func TestDevelopmentData(t *testing.T) {
	path := shared(t)
	measured(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type gold struct{ ID, Cluster, Title, Text, Date, Source, Lang, Ops string }
	var all []gold
	var in bytes.Buffer
	var ends []int // of the input's lines
	enc := json.NewEncoder(&in)
	for dec := json.NewDecoder(z); dec.More(); {
		var g gold
		if err := dec.Decode(&g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
		if err := enc.Encode(map[string]string{"id": g.ID, "title": g.Title, "text": g.Text, "published": g.Date, "site": g.Source, "lang": g.Lang}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, in.Len())
	}
	if len(all) < 4000 {
		t.Fatalf("%d documents only", len(all))
	}
	for _, stream := range []bool{false, true} {
		var out bytes.Buffer
		if stream { // half of it, for time
			all = all[:len(all)/2]
			in.Truncate(ends[len(all)-1])
		}
		if err := Lines(bytes.NewReader(in.Bytes()), &out, stream); err != nil {
			t.Fatal(err)
		}
		stories, clusters, both := map[string]int{}, map[string]int{}, map[[2]string]int{}
		story := make([]string, len(all))
		dec := json.NewDecoder(&out)
		for i, g := range all {
			var o struct{ ID, Story string }
			if err := dec.Decode(&o); err != nil || o.ID != g.ID {
				t.Fatalf("line %d: %v %q for %q", i+1, err, o.ID, g.ID)
			}
			story[i] = o.Story
			stories[o.Story]++
			clusters[g.Cluster]++
			both[[2]string{g.Cluster, o.Story}]++
		}
		pairs := func(n int) float64 { return float64(n*(n-1)) / 2 }
		var right, made, there float64
		for _, n := range both {
			right += pairs(n)
		}
		for _, n := range stories {
			made += pairs(n)
		}
		for _, n := range clusters {
			there += pairs(n)
		}
		f1 := 2 * right / (made + there)
		wrong := map[string]float64{}
		count := map[string]float64{}
		for i, g := range all {
			count[g.Ops]++
			if stories[story[i]] > both[[2]string{g.Cluster, story[i]}] {
				wrong[g.Ops]++
			}
		}
		twins, quotes := wrong["twin"]/max(1, count["twin"]), wrong["quote"]/max(1, count["quote"])
		t.Logf("stream %v: P %.4f R %.4f F1 %.4f, twins %.4f of %.0f, quotes %.4f of %.0f", stream, right/made, right/there, f1, twins, count["twin"], quotes, count["quote"])
		if f1 < .985 || twins > .01 || quotes > 0 || count["twin"] == 0 || count["quote"] == 0 {
			t.Error("below the floor: F1 .985, twins .01, quotes 0")
		}
	}
}

func BenchmarkSketch(b *testing.B) {
	body := strings.Join(prose(1, 500), " ")
	for b.Loop() {
		Sketch("A title", body, "en")
	}
}

// measured skips a test of figures in short runs, and under the race detector: that takes ten times as long, and finds nothing in what
// runs in one goroutine.
func measured(t *testing.T) {
	t.Helper()
	if testing.Short() || raced {
		t.Skip("not measured: -short or -race")
	}
}
