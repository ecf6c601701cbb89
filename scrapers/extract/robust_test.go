package extract

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Pages that declare their charset only in a meta element, as many old archives do, are read as what they are.
func TestCharsets(t *testing.T) {
	x := newExtractor(t)
	pad := strings.Repeat("<!-- padding that pushes the declaration down -->\n", 40)
	for name, c := range map[string]struct {
		enc        encoding.Encoding
		head, text string
		header     string
	}{
		"windows-1251 in meta":        {charmap.Windows1251, `<meta charset="windows-1251">`, "Совет порта решил закрыть северный бассейн, пока водолазы поднимают баржу.", ""},
		"windows-1251 far down":       {charmap.Windows1251, pad + `<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">`, "Совет порта решил закрыть северный бассейн, пока водолазы поднимают баржу.", ""},
		"Shift_JIS in meta":           {japanese.ShiftJIS, `<meta charset="Shift_JIS">`, "港湾委員会は火曜日、沈んだはしけを撤去する間、北の岸壁を閉鎖することを決めた。作業には二年かかる見通しだ。", ""},
		"GBK in meta":                 {simplifiedchinese.GBK, `<meta charset="gbk">`, "港务委员会星期二决定，在清理沉没驳船期间关闭北码头。预计工程需要两年时间。", ""},
		"windows-1251 in header":      {charmap.Windows1251, "", "Совет порта решил закрыть северный бассейн, пока водолазы поднимают баржу.", "text/html; charset=windows-1251"},
		"UTF-16 by mark":              {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "", "The harbour board voted on Tuesday to close the basin — for two years, it said.", ""},
		"UTF-8 under a false header":  {encoding.Nop, "", "Der Hafenrat schließt das Nordbecken für zwei Jahre, sagte der Hafenmeister.", "text/html; charset=iso-8859-1"},
		"windows-1252 without a word": {charmap.Windows1252, "", "Der Hafenrat schließt das Nordbecken für zwei Jahre, sagte der Hafenmeister.", ""},
	} {
		raw, err := c.enc.NewEncoder().Bytes([]byte("<html><head>" + c.head + "</head><body><p>" + c.text + "</p></body></html>"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := x.Extract(Input{HTML: raw, ContentType: c.header})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if a.Body != c.text {
			t.Errorf("%s: body %q", name, a.Body)
		}
	}
}

// Pages made to be costly keep their text, and cost what their length costs: none of them, of up to 11 MB, takes twice the
// CPU time of an ordinary page of 10 MB that is read beside them.
func TestCostlyPages(t *testing.T) {
	x := newExtractor(t)
	const text = "The harbour board voted on Tuesday to close the northern basin while divers clear a wreck."
	p := "<p>" + text + "</p>"
	n, m := 1_000_000, 100_000
	if raced { // the detector makes each byte ten times as dear, and there is nothing to race here: the cost is held without it
		n, m = n/10, m/10
	}
	read := func(in Input) (*Article, time.Duration, error) {
		runtime.GC() // what the page before left is not this one's cost
		start := cputest.Time(t)
		a, err := x.Extract(in)
		return a, cputest.Time(t) - start, err
	}
	ordinary := Input{HTML: []byte(strings.Repeat(p, m))}
	_, plain, err := read(ordinary)
	if err != nil {
		t.Fatal(err)
	}
	cheap := func(name string, in Input, took time.Duration) {
		if raced {
			return
		}
		for range 2 { // a machine with other work can stretch one reading
			if took <= 2*plain {
				break
			}
			_, plain, _ = read(ordinary)
			_, took, _ = read(in)
		}
		if took > 2*plain {
			t.Errorf("%s: %v, where an ordinary page takes %v", name, took, plain)
		}
		t.Logf("%-24s %7v, %.2f of an ordinary page", name, took.Round(time.Millisecond), float64(took)/float64(plain))
	}
	for name, page := range map[string]string{
		"600 nested":             strings.Repeat("<div>", 600) + p,
		"10^6 nested":            strings.Repeat("<div>", n) + p + strings.Repeat("</div>", n),
		"nested, unclosed":       strings.Repeat("<b>", m) + p,
		"10^6 siblings":          strings.Repeat("<i></i>", n) + p,
		"many empty paragraphs":  strings.Repeat("<p>", m) + text,
		"many misnested":         strings.Repeat("<a><p></a>", m) + text,
		"stray ends":             strings.Repeat("</div>", m) + p,
		"many tables":            strings.Repeat("<table><td>", m) + p,
		"many list items":        p + strings.Repeat("<li>x", m),
		"many svg":               strings.Repeat("<svg>", m) + p,
		"5 MB of one word":       p + "<p>" + strings.Repeat("a", 5<<20),
		"many quotes":            p + "<p>" + strings.Repeat("“a ", 1<<17),
		"straight quotes":        p + "<p>" + strings.Repeat("\" a", 1<<17),
		"many attributes":        "<p " + strings.Repeat("class=a ", m) + ">" + text,
		"one class of 5 MB":      `<p class="` + strings.Repeat("a-b ", 1_200_000) + `">` + text,
		"many time elements":     p + strings.Repeat("<time>x</time>", 20_000),
		"many authors":           p + strings.Repeat("<b itemprop=author>x", 20_000),
		"5 MB of broken JSON-LD": `<script type="application/ld+json">{"@type":"Article","headline":"` + strings.Repeat(`\"`, 2<<20) + "</script>" + p,
		"deep JSON-LD":           `<script type="application/ld+json">` + strings.Repeat("[", n) + "</script>" + p,
		"5 MB comment":           "<!--" + strings.Repeat("-", 5<<20) + "-->" + p,
		"sections in sections":   strings.Repeat(p, 6) + strings.Repeat("<div><p>Related articles</p><p>x</p>", m),
		"many section boxes":     strings.Repeat(p, 6) + strings.Repeat("<div><p>Related articles</p><p>x</p></div>", 20_000),
		"many bylines":           strings.Repeat("<p>By Ann Reed</p>", 20_000) + p,
		"many author boxes":      strings.Repeat("<div class=author>By Ann Reed and Tom Quay</div>", 20_000) + p,
		"state of many strings":  "<script>[" + strings.Repeat(`"<p>`+strings.Repeat("a b. ", 90)+`</p>",`, 8_000) + "0]</script>" + p,
		"state never closed":     "<script>" + strings.Repeat(`"<p>\\`, 500_000) + "</script>" + p,
		"many h1":                strings.Repeat("<h1>Basin closed</h1>", 20_000) + p,
		"many short paragraphs":  strings.Repeat("<p>2 hours ago</p>", 10_000) + "<p>Related articles</p>" + strings.Repeat("<p>2 hours ago</p><p>Related</p>", 10_000) + p,
	} {
		in := Input{HTML: []byte(page)}
		a, took, err := read(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cheap(name, in, took)
		if !strings.Contains(a.Body, text) && !strings.Contains(name, "many svg") && !strings.Contains(name, "many short") && name != "state of many strings" {
			t.Errorf("%s: body %.100q, %d blocks", name, a.Body, len(a.Blocks))
		}
	}
	for name, s := range map[string]string{
		"one line":        strings.Repeat("word ", 1<<19),
		"many lines":      strings.Repeat("a line of text\n", m),
		"many headings":   strings.Repeat("Related articles\n", m),
		"many ago":        strings.Repeat("Related articles\n2 hours ago\n", 20_000),
		"many signatures": strings.Repeat("— Jo (@jo) March 11, 2025\n", 20_000),
	} {
		in := Input{Text: s}
		_, took, err := read(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cheap(name, in, took)
	}
}

func TestBounds(t *testing.T) {
	x := newExtractor(t)
	if _, err := x.Extract(Input{HTML: make([]byte, MaxInput+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large a page: %v", err)
	}
	for _, in := range []Input{{}, {Text: " \n\t\n"}, {HTML: []byte("<html><body><img></body></html>")}} {
		if _, err := x.Extract(in); !errors.Is(err, ErrEmpty) {
			t.Errorf("%+v: error %v, want ErrEmpty", in, err)
		}
	}
}

// The body may stand only in a script.
func TestBodyInScript(t *testing.T) {
	para := "The harbour board voted on Tuesday to close the northern basin while divers clear the wreck of a barge that sank in March."
	page := `<html><head><script type="application/ld+json">{"@type":"NewsArticle","headline":"Basin closed",
	"articleBody":"` + para + `\n` + strings.ToUpper(para) + `\n` + para[4:] + `\n` + para[8:] + `"}</script></head><body><div id="app"></div><p>Please enable JavaScript.</p></body></html>`
	a, err := newExtractor(t).Extract(Input{HTML: []byte(page)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(a.Paragraphs()); n != 4 || strings.Contains(a.Body, "JavaScript") {
		t.Errorf("body %q", a.Body)
	}
}

// The state that a page's script carries is the body where the page shows none, escaped once or twice, and never where it
// shows one.
func TestBodyInState(t *testing.T) {
	const one = "The harbour board voted on Tuesday to close the northern basin while divers clear the wreck of a barge that sank in March."
	const two = "It will meet again next week, when the boat clubs and the ferry company are to be heard by the board and by its chair."
	state, err := json.Marshal(map[string]any{"id": 7, "content": `<div class="caption">The barge on Monday</div><p class="x">` + one + "</p><p>" + two + "</p><p>" + one[4:] + "</p><p>" + two[3:] + "</p>"})
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(state))
	if err != nil {
		t.Fatal(err)
	}
	x := newExtractor(t)
	for name, c := range map[string]struct{ script, shown string }{
		"once":  {`window.state = ` + string(state) + `;`, `<p>Please enable JavaScript.</p>`},
		"twice": {`self.push([1,` + string(twice) + `])`, `<p>Please enable JavaScript.</p>`},
		"brief": {`window.state = ` + string(state) + `;`, "<p>The ferry came in late on Monday and nobody minded, said its captain, who was late himself.</p>"},
		"shown": {`window.state = ` + string(state) + `;`, "<p>" + strings.Repeat("The ferry came in late and nobody minded. ", 8) + "</p>"},
	} {
		a, err := x.Extract(Input{HTML: []byte("<html><body><div id=app>" + c.shown + "</div><script>" + c.script + "</script></body></html>")})
		if err != nil {
			t.Fatal(err)
		}
		if want := one + "\n\n" + two; (name == "once" || name == "twice") && (!strings.HasPrefix(a.Body, want) || strings.Contains(a.Body, "JavaScript") || strings.Contains(a.Body, "Monday")) {
			t.Errorf("%s: body %q", name, a.Body)
		} else if (name == "brief" || name == "shown") && strings.Contains(a.Body, one) {
			t.Errorf("%s: the script replaced what the page shows: %q", name, a.Body)
		}
	}
}

func TestLines(t *testing.T) {
	x := newExtractor(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("page.html", []byte("<title>Basin closed</title><p>The harbour board voted on Tuesday to close the northern basin.</p>"), 0o644); err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	for range 50 {
		in.WriteString(`{"id":"a","html":"page.html","url":"https://www.x.example/1","more":1}
{"id":"b","text":"Basin closed\n\nThe harbour board voted on Tuesday to close the basin."}
not json
{"id":7,"html":5}
{"id":"c","html":"missing.html"}

{"id":"d","content":"<p>Der Hafenrat schließt das Nordbecken für zwei Jahre.</p>"}
{"id":"e"}
`)
	}
	var out bytes.Buffer
	if err := x.Lines(&in, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 50*7 {
		t.Fatalf("%d lines for %d", len(lines), 50*7)
	}
	for i, l := range lines {
		var o struct {
			ID, Err, Site, Title, Body, URL string
			Author                          []string
			Line                            int
			Blocks                          []map[string]any
		}
		if err := json.Unmarshal([]byte(l), &o); err != nil {
			t.Fatal(err)
		}
		want := []string{"a", "b", "", "7", "c", "d", "e"}[i%7]
		if o.ID != want {
			t.Fatalf("line %d has id %q, want %q: %s", i, o.ID, want, l)
		}
		switch i % 7 {
		case 0:
			if o.Title != "Basin closed" || o.Site != "x.example" || o.Author == nil || len(o.Blocks) != 1 {
				t.Errorf("%s", l)
			}
		case 2, 3:
			if o.Err == "" || o.Line != i/7*8+i%7+1 {
				t.Errorf("want err and line %d: %s", i/7*8+i%7+1, l)
			}
		case 4, 6:
			if o.Err == "" || o.Line != 0 {
				t.Errorf("want err: %s", l)
			}
		}
	}
}

func FuzzExtract(f *testing.F) {
	x := newExtractor(f)
	files, _ := filepath.Glob(filepath.Join("testdata", "articles", "*.txtar"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, true)
		f.Add(data, false)
	}
	// Pages of one's own choice as further seeds: WIREWATCH_FUZZ_SEEDS='../../../shared/corpus/extract/*/html/*.gz'
	if pattern := os.Getenv("WIREWATCH_FUZZ_SEEDS"); pattern != "" {
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			f.Fatalf("WIREWATCH_FUZZ_SEEDS=%s: no pages: %v", pattern, err)
		}
		var pr pageReader
		for _, page := range pages {
			data, err := pr.read(page)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(bytes.Clone(data), true)
		}
	}
	f.Add([]byte("<svg><p>x</svg><table><tr><td>a<td>b</table><p>c<br><br>d"), true)
	f.Add([]byte(`<script type="application/ld+json">[{"@type":"Article","author":[{"@id":"x"}]},{"@id":"x","name":["A"]}</script>`), true)
	f.Fuzz(func(t *testing.T, data []byte, html bool) {
		in := Input{URL: "https://x.example/"}
		if html {
			in.HTML = data
		} else {
			in.Text = string(data)
		}
		a, err := x.Extract(in)
		if err != nil {
			return
		}
		if got := strings.Join(a.Paragraphs(), "\n\n"); got != a.Body && (html || !sameInk(got, a.Body)) {
			t.Errorf("body %q is not its paragraphs %q", a.Body, got)
		}
		for _, b := range a.Blocks {
			if b.Text == "" || b.Class == "" || b.Kept != (b.Rule == "") {
				t.Errorf("block %+v", b)
			}
		}
	})
}

// A document that is served as plain text is read as one: its headline is its first line, and what looks like a tag is the text's own. A page
// that is only called plain text is a page.
func TestTextByType(t *testing.T) {
	x := newExtractor(t)
	text := "Порт закрывает северный бассейн\n\nСовет порта решил <единогласно> закрыть северный бассейн на два года.\n\nРаботы начнутся в мае.\n"
	raw, err := charmap.Windows1251.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want, err := x.Extract(Input{URL: "https://port.example/a.txt", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Extract(Input{URL: "https://port.example/a.txt", HTML: raw, ContentType: "Text/Plain; charset=windows-1251"})
	if err != nil || got.Title != "Порт закрывает северный бассейн" || got.Body != want.Body || !strings.Contains(got.Body, "<единогласно>") {
		t.Errorf("got %q %q, %v", got.Title, got.Body, err)
	}
	page, err := x.Extract(Input{HTML: []byte("<!DOCTYPE html><html><body><p>" + text + "</p></body></html>"), ContentType: "text/plain"})
	if err != nil || strings.Contains(page.Body, "<p>") {
		t.Errorf("a page: %q, %v", page.Body, err)
	}
}
