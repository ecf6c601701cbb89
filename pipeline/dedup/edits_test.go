package dedup

import (
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

// A reporter writes articles of invented words, in sentences and paragraphs, with quotations, figures, names, and words
// that two spellings have.
type reporter struct {
	r        *rand.Rand
	zipf     *rand.Zipf
	letters  []rune
	spaces   bool
	spelling bool // words of the spelling table stand among the others
	stop     string
}

func reporterIn(lang string, seed uint64) *reporter {
	r := rand.New(rand.NewPCG(seed, 6))
	w := &reporter{r: r, zipf: rand.NewZipf(r, 1.05, 8, 20000), spaces: true, stop: "."}
	switch lang {
	case "en":
		w.letters, w.spelling = []rune("etaoinshrdlucmfwypvbg"), true
	case "ru":
		w.letters = []rune("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф")
	case "ar":
		w.letters, w.stop = []rune("اليمونرتبةعدسفهكقحجشصطخزثضغذظ"), "."
	case "ko":
		w.letters = []rune("가나다라마바사아자차카타파하고노도로모보소오조초코토포호구누두루무부수우주추쿠투푸후기니디리미비시이지치키티피히는은을를에의")
	case "zh":
		w.letters, w.spaces, w.stop = nil, false, "。"
	}
	return w
}

// word is the k-th word of the language, the same for every reporter.
func (w *reporter) word(k uint64) string {
	h := mix(k + 77)
	if !w.spaces { // one or two of three thousand signs
		s := string(rune(0x4e00 + h%3000))
		if h>>20%2 == 0 {
			s += string(rune(0x4e00 + h>>32%3000))
		}
		return s
	}
	var b strings.Builder
	for n := 2 + h%7; n > 0; n-- {
		h = mix(h)
		b.WriteRune(w.letters[h%uint64(len(w.letters))])
	}
	return b.String()
}

func (w *reporter) sentence() string {
	var words []string
	for n := 7 + w.r.IntN(18); n > 0; n-- {
		switch k := w.r.IntN(100); {
		case k < 4:
			words = append(words, fmt.Sprint(w.r.IntN(1000)+2))
		case k < 8 && w.spelling:
			words = append(words, spellings[w.r.IntN(len(spellings))][0])
		default:
			words = append(words, w.word(w.zipf.Uint64()))
		}
	}
	sep := " "
	if !w.spaces {
		sep = ""
	}
	s := strings.Join(words, sep) + w.stop
	if w.r.IntN(5) == 0 {
		return "“" + s + "”"
	}
	return s
}

func (w *reporter) paragraph() string {
	var s []string
	for n := 1 + w.r.IntN(3); n > 0; n-- {
		s = append(s, w.sentence())
	}
	return strings.Join(s, " ")
}

// article has at least so many sentences' worth of paragraphs.
func (w *reporter) article(paragraphs int) string {
	var p []string
	for range paragraphs {
		p = append(p, w.paragraph())
	}
	return strings.Join(p, "\n\n")
}

var spellings = [][2]string{{"color", "colour"}, {"center", "centre"}, {"defense", "defence"}, {"organization", "organisation"}, {"labor", "labour"},
	{"program", "programme"}, {"traveled", "travelled"}, {"analyze", "analyse"}, {"theater", "theatre"}, {"recognize", "recognise"}, {"harbor", "harbour"}, {"license", "licence"}}

// edit is what an editor does to a wire report, with material of the editor's own reporter.
type edit struct {
	name  string
	floor float64 // of the share that is found again, in generated text of every length and language named
	do    func(w *reporter, body string) string
}

func paragraphsOf(s string) []string { return strings.Split(s, "\n\n") }

func eachWord(s string, f func(word string) string) string {
	p := paragraphsOf(s)
	for i := range p {
		words := strings.Split(p[i], " ")
		for k, word := range words {
			words[k] = f(word)
		}
		p[i] = strings.Join(words, " ")
	}
	return strings.Join(p, "\n\n")
}

// firstWords cuts s after so many units.
func firstWords(s string, n int) string {
	end := len(s)
	for i, at := range spansOf(s, 0) {
		if i == n-1 {
			end = at.End
		}
	}
	return s[:end]
}

var numerals = strings.NewReplacer("0", "zero ", "1", "one ", "2", "two ", "3", "three ", "4", "four ", "5", "five ", "6", "six ", "7", "seven ", "8", "eight ", "9", "nine ")

var edits = []edit{
	{"verbatim", 1, func(w *reporter, s string) string { return s }},
	{"paragraphs reordered", .99, func(w *reporter, s string) string {
		p := paragraphsOf(s)
		w.r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		return strings.Join(p, "\n\n")
	}},
	{"new lead", .98, func(w *reporter, s string) string {
		p := paragraphsOf(s)
		return w.article(2) + "\n\n" + strings.Join(p[min(2, len(p)-1):], "\n\n")
	}},
	{"local paragraphs", .99, func(w *reporter, s string) string {
		p := paragraphsOf(s)
		for range 1 + len(p)/6 {
			p = slices.Insert(p, w.r.IntN(len(p)+1), w.paragraph())
		}
		return strings.Join(p, "\n\n")
	}},
	{"OCR noise in a word of twelve", .97, func(w *reporter, s string) string {
		return eachWord(s, func(word string) string {
			if r := []rune(word); len(r) > 2 && w.r.IntN(12) == 0 {
				r[w.r.IntN(len(r))] = []rune("1l0O|ji")[w.r.IntN(7)]
				return string(r)
			}
			return word
		})
	}},
	{"British spelling", .99, func(w *reporter, s string) string {
		for _, p := range spellings {
			s = strings.ReplaceAll(s, p[0], p[1])
		}
		return s
	}},
	{"first hundred words", .93, func(w *reporter, s string) string {
		if !w.spaces {
			return firstWords(s, 170)
		}
		return firstWords(s, 100)
	}},
	{"quotes normalised", .99, func(w *reporter, s string) string { return strings.NewReplacer("“", `"`, "”", `"`).Replace(s) }},
	{"numbers in words", .98, func(w *reporter, s string) string { return numerals.Replace(s) }},
	{"a word in ten rewritten", .97, func(w *reporter, s string) string {
		return eachWord(s, func(word string) string {
			if w.r.IntN(10) == 0 {
				return w.word(w.zipf.Uint64())
			}
			return word
		})
	}},
	{"a paragraph in three cut", .99, func(w *reporter, s string) string {
		p := paragraphsOf(s)
		k := 0
		return strings.Join(slices.DeleteFunc(p, func(string) bool { k++; return len(p) > 2 && k%3 == 0 }), "\n\n")
	}},
	{"lead, order, spelling and numbers", .95, func(w *reporter, s string) string {
		p := paragraphsOf(s)
		w.r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		s = w.paragraph() + "\n\n" + strings.Join(p, "\n\n")
		for _, p := range spellings {
			s = strings.ReplaceAll(s, p[0], p[1])
		}
		return numerals.Replace(s)
	}},
}

// outlet is a site with lines that it repeats.
type outlet struct {
	name  string
	lines []string
}

func outlets(lang string, n int) []outlet {
	out := make([]outlet, n)
	for i := range out {
		w := reporterIn(lang, uint64(1000+i))
		out[i].name = fmt.Sprintf("%s%d.example", lang, i)
		for range 4 {
			out[i].lines = append(out[i].lines, w.paragraph())
		}
	}
	return out
}

// print is the text as the site has it.
func (o outlet) print(r *rand.Rand, body string) string {
	for _, l := range o.lines {
		switch r.IntN(4) {
		case 0:
			body = l + "\n\n" + body
		case 1, 2:
			body += "\n\n" + l
		}
	}
	return body
}

// edited prints base texts, then what each edit makes of each of some of them, and returns the share that is found again and
// the number of stories that a wrong one is in.
func edited(t *testing.T, lang string, bases []string, probes int, clean bool) {
	sites := outlets(lang, 25)
	r := rand.New(rand.NewPCG(uint64(len(bases)), 8))
	w := reporterIn(lang, 4242)
	x := New(Options{})
	id := int64(0)
	enter := func(site outlet, title, body string) Doc {
		id++
		if !clean {
			body = site.print(r, body)
		}
		return Doc{ID: id, Story: id, Site: site.name, Published: day.Add(time.Duration(id) * time.Second), Sketch: Sketch(title, body, lang)}
	}
	title := func() string { return w.sentence() }
	for _, b := range bases {
		x.Add(enter(sites[r.IntN(len(sites))], title(), b))
	}
	wrong, all := 0, 0
	for _, e := range edits {
		if lang != "en" && e.name == "British spelling" {
			continue
		}
		found, n := 0, 0
		for i := 0; i < len(bases); i += max(1, len(bases)/probes) {
			d := enter(sites[r.IntN(len(sites))], title(), e.do(w, bases[i]))
			d.Story = 0
			c := x.Decide(d)
			n++
			all++
			if c.Story == int64(i+1) {
				found++
			} else if c.Story != 0 {
				wrong++
			}
			wrong += len(c.Merge)
		}
		share := float64(found) / float64(n)
		t.Logf("%-36s %.3f of %d", e.name, share, n)
		if share < e.floor {
			t.Errorf("%s: %.3f found, below %.2f", e.name, share, e.floor)
		}
	}
	if wrong > all/500 {
		t.Errorf("%d of %d in a wrong story", wrong, all)
	}
	// Two reports in one text: it belongs to one of the stories, and does not make them one.
	joined, merged, n := 0, 0, 0
	for i := 0; i+1 < len(bases); i += max(1, len(bases)/probes) {
		a, b := bases[i], bases[i+1]
		d := enter(sites[r.IntN(len(sites))], title(), a+"\n\n"+b)
		d.Story = 0
		c := x.Decide(d)
		n++
		merged += len(c.Merge)
		if c.Story == int64(i+1) || c.Story == int64(i+2) {
			joined++
		}
	}
	t.Logf("%-36s %.3f of %d in one of the stories, %d merged", "two reports in one", float64(joined)/float64(n), n, merged)
	if float64(joined) < .95*float64(n) || merged > 0 {
		t.Errorf("two reports in one: %d of %d in one of their stories, %d made one", joined, n, merged)
	}
	// What is no copy: another text with the same quotation, and with the same lines around it.
	quotes, twins := 0, 0
	for i := range probes {
		body := w.article(6 + w.r.IntN(8))
		p := paragraphsOf(bases[i%len(bases)])
		quote := firstWords(strings.Join(p[len(p)/2:], " "), 35)
		if c := x.Decide(enter(sites[r.IntN(len(sites))], title(), body+"\n\n"+quote)); c.Story != 0 {
			quotes++
		}
		site := sites[r.IntN(len(sites))]
		if c := x.Decide(enter(site, title(), w.article(1+w.r.IntN(4)))); c.Story != 0 {
			twins++
		}
	}
	t.Logf("quotations joined %d, twins joined %d of %d", quotes, twins, probes)
	if quotes > probes/100 || twins > probes/100 {
		t.Errorf("of %d, %d with a quotation and %d with a site's lines are in a story", probes, quotes, twins)
	}
}

func TestEdits(t *testing.T) {
	langs := []string{"en", "ru", "ar", "ko", "zh"}
	if raced {
		langs = langs[:1] // see measured
	}
	for _, lang := range langs {
		t.Run(lang, func(t *testing.T) {
			w := reporterIn(lang, 1)
			var bases []string
			for range 300 {
				bases = append(bases, w.article(6+w.r.IntN(30)))
			}
			edited(t, lang, bases, 100, false)
		})
	}
}

// A flash is a headline and two or three sentences: little to tell it by, so that what is told has to be much the same.
func TestFlashes(t *testing.T) {
	for _, lang := range []string{"en", "ru", "ar", "ko", "zh"} {
		t.Run(lang, func(t *testing.T) {
			w := reporterIn(lang, 2)
			x := New(Options{})
			var texts, titles []string
			for i := range int64(200) {
				body := w.sentence() + " " + w.sentence()
				if i%2 == 0 {
					body += " " + w.sentence()
				}
				texts, titles = append(texts, body), append(titles, w.sentence())
				x.Add(Doc{ID: i + 1, Story: i + 1, Site: fmt.Sprint("s", i%20), Published: day, Sketch: Sketch(titles[i], body, lang)})
			}
			same, other, headline, wrong := 0, 0, 0, 0
			for i, body := range texts {
				ask := func(title, body string) int {
					c := x.Decide(Doc{ID: 1000, Site: "z", Published: day, Sketch: Sketch(title, body, lang)})
					if c.Story == int64(i+1) {
						return 1
					}
					if c.Story != 0 {
						wrong++
					}
					return 0
				}
				same += ask(titles[i], body)
				headline += ask(w.sentence(), body)
				k := 0
				other += ask(titles[i], eachWord(body, func(word string) string { // one word changed
					if k++; k == 12 {
						return w.word(9999)
					}
					return word
				}))
			}
			if c := x.Decide(Doc{ID: 1000, Site: "z", Published: day, Sketch: Sketch(w.sentence(), w.sentence()+" "+w.sentence(), lang)}); c.Story != 0 {
				t.Errorf("%+v", c)
			}
			t.Logf("of %d: same %d, another headline %d, a word changed %d", len(texts), same, headline, other)
			if same < len(texts) || headline < len(texts)*95/100 || other < len(texts)*95/100 || wrong > 0 {
				t.Errorf("of %d flashes %d are found again, %d under another headline, %d with a word changed; %d wrong", len(texts), same, headline, other, wrong)
			}
		})
	}
}

// lines of a gzipped file of JSON beside the project's own data.
func readShared[T any](t *testing.T, name string) (all []T) {
	f, err := os.Open(filepath.Join(filepath.Dir(shared(t)), name))
	if err != nil {
		t.Skip("not measured: ", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(z); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		t.Fatalf("%s: nothing in it", name)
	}
	return all
}

// The same edits of real articles.
func TestEditsOfArticles(t *testing.T) {
	measured(t)
	type gold struct{ Text, Ops string }
	var bases []string
	for _, g := range readShared[gold](t, "dup-dev.jsonl.gz") {
		if g.Ops == "orig" && len(strings.Fields(g.Text)) > 60 && len(bases) < 900 {
			bases = append(bases, g.Text)
		}
	}
	edited(t, "en", bases, 150, true)
}

// Reports of one event by different hands are no copies: where two are joined, a quarter of the smaller one stands in the other
// word for word.
func TestEventsAreNoCopies(t *testing.T) {
	type gold struct{ ID, Cluster, Title, Text, Date, Source, Lang string }
	all := readShared[gold](t, "story-dev.jsonl.gz")
	x := New(Options{})
	joined, wrong, apart := 0, 0, 0
	for i, g := range all {
		d := Doc{ID: int64(i + 1), Site: g.Source, Published: parseTime(g.Date), Sketch: Sketch(g.Title, g.Text, g.Lang)}
		c := x.Decide(d)
		d.Story = d.ID
		if c.Story != 0 {
			joined++
			d.Story = c.Story
			o := all[c.Of-1]
			if o.Cluster != g.Cluster {
				apart++
			}
			if in := Compare(Text{Title: o.Title, Body: o.Text}, Text{Title: g.Title, Body: g.Text}, nil); in.Shared*4 < min(in.A, in.B) {
				t.Logf("%s: %d of %d and %d words: %q and %q", c.Relation, in.Shared, in.A, in.B, o.Title, g.Title)
				wrong++
			}
		}
		x.Add(d)
	}
	t.Logf("%d of %d joined, %d of them with little in common, %d across events", joined, len(all), wrong, apart)
	if wrong > len(all)/200 || apart > len(all)/200 {
		t.Errorf("of %d reports of events %d share little with what they are taken for a copy of, %d are of another event", len(all), wrong, apart)
	}
}
