package extract

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"
)

// Twice the input costs about twice, whatever the input is made to be: in bytes allocated at most 2.5 times, in CPU time at
// most 3.5 times, where four times would be quadratic. Time counts only where it is long enough to be told from noise.
func TestCostGrowsWithLength(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	x := newExtractor(t)
	const text = "The harbour board voted on Tuesday to close the northern basin while divers clear a wreck."
	const p = "<p>" + text + "</p>"
	rep := func(s string, tail string) func(int) string {
		return func(n int) string { return strings.Repeat(s, n/len(s)+1) + tail }
	}
	numbered := func(format string, tail string) func(int) string {
		return func(n int) string {
			var b strings.Builder
			for i := 0; b.Len() < n; i++ {
				fmt.Fprintf(&b, format, i)
			}
			return b.String() + tail
		}
	}
	var weak []string // words that make the lexicon look closer at a whole block
	for word, rules := range x.lex.exprs {
		if slices.ContainsFunc(rules, func(r *rule) bool { return r.weak }) {
			weak = append(weak, word)
		}
	}
	slices.Sort(weak)
	for name, c := range map[string]struct {
		page func(n int) string // of about n bytes
		text bool
	}{
		"nested":                {page: rep("<div>", p)},
		"nested with classes":   {page: numbered(`<div class="c%d teaser">`, p)},
		"siblings":              {page: rep("<i></i>", p)},
		"sibling boxes":         {page: rep("<div><div>x</div></div>", p)},
		"tiny blocks":           {page: rep("<p>x", p)},
		"tiny blocks, numbered": {page: numbered("<p>block %d", p)},
		"paragraphs":            {page: numbered("<p>"+text+" %d</p>", "")},
		"links":                 {page: numbered(`<li><a href="/%d">Harbour closes basin</a>`, p)},
		"headings":              {page: numbered(`<h2><a href="/%d">Harbour closes basin</a></h2>`, p)},
		"tables":                {page: rep("<table><tr><td>x", p)},
		"one attribute":         {page: func(n int) string { return `<p class="` + strings.Repeat("a-b ", n/4) + `">` + text }},
		"many attributes":       {page: func(n int) string { return "<p " + numbered("a%d=b ", "")(n) + ">" + text }},
		"repeated attributes": {page: func(n int) string {
			return "<p " + numbered("a%d ", "")(n/2) + strings.Repeat("b=/ ", n/8) + "b=/>" + text
		}},
		"dashes in comments":  {page: rep("<!--"+strings.Repeat("--!-", 9), p)},
		"unclosed attribute":  {page: func(n int) string { return p + `<p class="` + strings.Repeat("<p>", n/3) }},
		"entities":            {page: rep("&amp;&#x41;&notanentity;", p)},
		"ids":                 {page: numbered(`<p id="relatedLinks%d-share">x`, p)},
		"scripts":             {page: rep("<script>var a = 1</script>", p)},
		"long scripts":        {page: rep("<script>"+strings.Repeat("var a = '</b>'; ", 300)+"</script>", p)},
		"unclosed scripts":    {page: rep("<script>", p)},
		"comments in scripts": {page: rep("<script><!--"+strings.Repeat("x", 3000)+"</script>", p)},
		"almost end tags":     {page: func(n int) string { return "<script>" + strings.Repeat("</scrip", n/7) + "</script>" + p }},
		"JSON-LD": {page: func(n int) string {
			return `<script type="application/ld+json">[` + numbered(`{"@id":"%d"},`, "{}]</script>"+p)(n)
		}},
		"broken JSON-LD": {page: func(n int) string {
			return `<script type="application/ld+json">{"@type":"Article","author":[` + rep(`{"name":"A B"},`, "</script>"+p)(n)
		}},
		"misnested":     {page: rep("<a><p></a>", text)},
		"stray ends":    {page: rep("</div></p></b>", p)},
		"NUL bytes":     {page: rep("<p>\x00a</p>", p)},
		"broken UTF-8":  {page: rep("<p>\xff\xfe\xc3(</p>", p)},
		"line ends":     {page: rep("\r\n\r", p)},
		"one long line": {page: rep("word ", ""), text: true},
		"one long word": {page: rep("a", ""), text: true},
		"lines":         {page: numbered("a line of text %d\n", ""), text: true},
		"empty lines":   {page: rep("\n", text), text: true},
		"sections":      {page: rep("Related articles\n", ""), text: true},
		"cards":         {page: rep("Related articles\n2 hours ago\n", ""), text: true},
		"signatures":    {page: rep("— Jo (@jo) March 11, 2025\n", ""), text: true},
		"open quotes":   {page: rep("“a „b «c ", ""), text: true},
		"appeals":       {page: rep("your support independent journalism newsletter photo: ", ""), text: true},
		"weak words":    {page: rep(strings.Join(weak, " harbour ")+" ", ""), text: true},
		"Han":           {page: rep("港務委員會星期二決定，", ""), text: true},
		"hard breaks":   {page: rep("The harbour board voted on Tuesday to close the northern basin while\n", ""), text: true},
	} {
		size := 1 << 18
		if raced { // the detector makes each byte ten times as dear, and there is nothing to race here
			size >>= 2
		}
		cost := func(n int) (bytes, mallocs uint64, cpu time.Duration) {
			in := Input{Text: c.page(n)}
			if !c.text {
				in = Input{HTML: []byte(in.Text)}
			}
			cpu = time.Hour
			for range 2 { // the better of two, for what else the machine does
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start := cputest.Time(t)
				if _, err := x.Extract(in); err != nil && !errors.Is(err, ErrEmpty) {
					t.Errorf("%s: %v", name, err)
				}
				cpu = min(cpu, cputest.Time(t)-start)
				runtime.ReadMemStats(&after)
				bytes, mallocs = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
			}
			return
		}
		b1, m1, t1 := cost(size)
		b2, m2, t2 := cost(2 * size)
		// Buffers that double make single steps; a fixed part hides growth, never the other way round.
		if float64(b2) > 2.5*float64(b1)+(4<<20) || float64(m2) > 2.5*float64(m1)+1000 {
			t.Errorf("%s: %d bytes in %d allocations for %d KiB, %d in %d for twice as much", name, b1, m1, size>>10, b2, m2)
		}
		if !raced && b2 > 512*2*uint64(size) { // a block of a few bytes costs its box and its records all the same
			t.Errorf("%s: %d MiB allocated for 512 KiB", name, b2>>20)
		}
		// A machine with other work can stretch one measurement; what grows faster than its input does so every time.
		for range 3 {
			if t2 <= 100*time.Millisecond || float64(t2) <= 3.5*float64(t1) {
				break
			}
			_, _, t1 = cost(size)
			_, _, t2 = cost(2 * size)
		}
		if t2 > 100*time.Millisecond && float64(t2) > 3.5*float64(t1) {
			t.Errorf("%s: %v for %d KiB, %v for twice as much", name, t1, size>>10, t2)
		}
		t.Logf("%-22s %5d MiB allocated, %8d times, %7v for %d KiB; growth %.2f in bytes, %.2f in time", name, b2>>20, m2, t2.Round(time.Millisecond), 2*size>>10, float64(b2)/float64(b1), float64(t2)/float64(t1))
	}
}

// Noise of any kind gives a result or an error: bytes at random, tags at random, pages cut anywhere, pages with bytes struck.
func TestNoise(t *testing.T) {
	x := newExtractor(t)
	rnd := rand.New(rand.NewPCG(3, 5))
	page := readFixture(t, "testdata/articles/page.txtar")["in.html"]
	parts := []string{"<p>", "</p>", "<div class='related'>", "</div>", "<script>", "</script>", "<!--", "-->", "<svg>", "</svg>", "<table>", "<td>", "<li>", "<a href=x>", "</a>",
		"<title>", "</title>", "<h1>", "<b", "=", "\"", "'", ">", "<", "&", "&#0;", "&#x110000;", "\x00", "\xff", "\ufeff", "港", "text. ", "2024-13-45", "{", "}", "<template>", "<plaintext>",
		`<script type="application/ld+json">`, `{"@type":"Article","author":`, "<time datetime='x'>", "<meta property='og:title' content='", "</", "<?", "<!", "<![CDATA[", "]]>"}
	rounds := 3000
	if raced { // as above
		rounds /= 5
	}
	for range rounds {
		var b []byte
		switch rnd.IntN(4) {
		case 0:
			for range rnd.IntN(400) {
				b = append(b, byte(rnd.Uint32()))
			}
		case 1:
			for range rnd.IntN(80) {
				b = append(b, parts[rnd.IntN(len(parts))]...)
			}
		case 2:
			b = []byte(page[rnd.IntN(len(page)):])
		default:
			b = []byte(page)
			for range 1 + rnd.IntN(40) {
				b[rnd.IntN(len(b))] = byte(rnd.Uint32())
			}
		}
		for _, in := range []Input{{HTML: b}, {Text: string(b)}, {HTML: b, ContentType: "text/html; charset=utf-16"}} {
			a, err := x.Extract(in)
			if err != nil {
				continue
			}
			for _, k := range a.Blocks {
				if k.Text == "" || k.Class == "" || k.Kept != (k.Rule == "") {
					t.Fatalf("block %+v of %q", k, b)
				}
			}
		}
	}
}
