package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/scrapers/warc"
)

// newsArchive writes WARC files as CC-NEWS has them into a folder: a news site's pages of some 65 KB and 700 elements (pages of news sites have
// more of both), each with navigation, related articles, a newsletter box, scripts and their state, and an article in its midst; a fifth of them copies of another site's, some of them captured twice, some of
// them no articles at all. Everything follows from the seed.
func newsArchive(t testing.TB, dir string, articles int, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 77))
	const perFile = 2500
	first := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	var last []string // texts that may be copied
	words := newsWords()
	for n, file := 0, 0; n < articles; file++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("CC-NEWS-2025%04d.warc.gz", file)))
		if err != nil {
			t.Fatal(err)
		}
		w := warc.NewWriter(f)
		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		check(w.WriteInfo(first, warc.Field{Name: "software", Value: "a test"}))
		for i := 0; i < perFile && n < articles; i, n = i+1, n+1 {
			at := first.Add(time.Duration(n)*4*time.Minute + time.Duration(r.IntN(72*3600))*time.Second)
			site := fmt.Sprintf("news%02d.example", r.IntN(40))
			body := newsText(r, words)
			switch {
			case len(last) > 0 && r.IntN(5) == 0:
				body = last[r.IntN(len(last))]
			case len(last) < 200:
				last = append(last, body)
			default:
				last[r.IntN(len(last))] = body
			}
			url := fmt.Sprintf("https://%s/%s/story-%d.html", site, at.Format("2006/01/02"), n)
			page := newsPage(r, site, url, at, body)
			check(w.WriteResponse(url, at.Add(time.Duration(r.IntN(3600))*time.Second), 200, "text/html; charset=utf-8", page))
			switch r.IntN(40) {
			case 0: // the same page again
				check(w.WriteResponse(url, at.Add(26*time.Hour), 200, "text/html; charset=utf-8", page))
			case 1: // a section, and a picture
				check(w.WriteResponse("https://"+site+"/", at, 200, "text/html; charset=utf-8", []byte("<html><title>"+site+"</title><body><nav><a href=/a>News</a></nav></body></html>")))
				check(w.WriteResponse("https://"+site+"/logo.png", at, 200, "image/png", []byte("\x89PNG")))
			case 2:
				check(w.WriteResponse(url+"?gone", at, 404, "text/html", []byte("<html><body>Not found</body></html>")))
			}
		}
		check(f.Close())
	}
}

// newsWords are words by how common they are: as in a language, a few thousand make most of a text.
func newsWords() []string {
	r := rand.New(rand.NewPCG(9, 9))
	out := make([]string, 40_000)
	for i := range out {
		out[i] = word(r)
	}
	return out
}

// newsText is a text of six to twelve paragraphs, the first line its headline. Its names are its own.
func newsText(r *rand.Rand, words []string) string {
	var b strings.Builder
	names := []string{word(r), word(r), word(r)}
	often := rand.NewZipf(r, 1.1, 20, uint64(len(words)-1))
	word := func(*rand.Rand) string { return words[often.Uint64()] }
	fmt.Fprintf(&b, "%s %s over %s in %s", strings.ToUpper(names[0][:1])+names[0][1:], word(r), word(r), names[1])
	for range 6 + r.IntN(7) {
		b.WriteString("\n")
		for range 3 + r.IntN(3) {
			b.WriteString("The " + word(r))
			for i := range 12 {
				b.WriteString(" " + []string{"of the", "and", "for", "with a", "said", "in", "to the", "after"}[r.IntN(8)] + " " + word(r))
				if i == 5 && r.IntN(2) == 0 {
					b.WriteString(", " + names[r.IntN(3)])
				}
			}
			b.WriteString(". ")
		}
	}
	return b.String()
}

func newsPage(r *rand.Rand, site, url string, at time.Time, body string) []byte {
	head, paragraphs, _ := strings.Cut(body, "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>%[1]s | %[2]s</title><link rel="canonical" href="%[3]s">
<meta property="og:title" content="%[1]s"><meta property="og:site_name" content="%[2]s"><meta property="article:published_time" content="%[4]s">
<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle","headline":"%[1]s","datePublished":"%[4]s","author":{"@type":"Person","name":"Ann Example"}}</script>
</head><body><header><nav><ul>`, html.EscapeString(head), site, url, at.Format(time.RFC3339))
	for i := range 90 {
		fmt.Fprintf(&b, `<li class="menu-item menu-item-%[1]d depth-%[2]d"><a class="nav-link nav-link--primary" href="/section/%[1]d" data-track="nav|%[1]d"><span class="nav-label">Section %[1]d</span></a></li>`, i, i%3)
	}
	b.WriteString(`</ul></nav></header><main><article><h1>` + html.EscapeString(head) + `</h1><p class="byline">By <a rel="author" href="/a">Ann Example</a></p>`)
	for i, p := range strings.Split(paragraphs, "\n") {
		b.WriteString(`<p>` + html.EscapeString(strings.TrimSpace(p)) + `</p>`)
		if i == 2 {
			b.WriteString(`<div class="newsletter-signup"><h3>Sign up for our newsletter</h3><p>Get the day's headlines in your inbox every morning.</p><form><input type="email"><button>Subscribe</button></form></div>`)
		}
	}
	b.WriteString(`</article><aside class="related-articles"><h2>Related articles</h2><ul>`)
	for i := range 40 {
		w := word(r)
		fmt.Fprintf(&b, `<li class="card card-%[3]d"><article class="teaser"><a class="teaser__link" href="/r/%[1]s"><figure><picture><source type="image/webp" srcset="/i/%[1]s-320.webp 320w, /i/%[1]s-640.webp 640w"><img loading="lazy" src="/i/%[1]s.jpg" alt=""></picture></figure><div class="teaser__body"><h3 class="teaser__title">%[1]s and %[2]s</h3><time datetime="2025-01-01">1 January</time></div></a></article></li>`, w, word(r), i)
	}
	noise := make([]byte, 7<<10) // as much as the state of a page's script does not compress
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	b.WriteString(`</ul></aside></main><footer><div class="footer__links">` + strings.Repeat(`<div class="footer__column"><h4>More</h4><ul><li><a href="/about">About us</a></li><li><a href="/jobs">Jobs</a></li><li><a href="/terms">Terms of use</a></li></ul></div>`, 12) +
		`</div><p>Copyright ` + site + `</p></footer><script>` + strings.Repeat("window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments);}\n", 200) + `</script><script id="__STATE__" type="application/json">{"state":"` + base64.StdEncoding.EncodeToString(noise) + `"}</script></body></html>`)
	return b.Bytes()
}

// The files that a comparison of backfills reads, where WIREWATCH_NEWS_ARCHIVE names a folder for them (of WIREWATCH_BACKFILL articles).
func TestWriteNewsArchive(t *testing.T) {
	dir := os.Getenv("WIREWATCH_NEWS_ARCHIVE")
	if dir == "" {
		t.Skip("WIREWATCH_NEWS_ARCHIVE is not set")
	}
	newsArchive(t, dir, setting("WIREWATCH_BACKFILL", 1000), 3)
}

// pastConfig writes a configuration with a store of its own and rules that a hundredth of the archive's articles match.
func pastConfig(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "wirewatch.yaml")
	text := fmt.Sprintf("store: %s\nallow_private: [127.0.0.0/8]\npace: {every: 0s}\ncontact: https://example.org/watch\nrules:\n  - {name: one, query: \"stakeli* OR zedri*\"}\n  - {name: two, query: \"said NEAR/3 (tre* OR wikle*) AND onursh*\"}\n", filepath.Join(dir, "wirewatch.db"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A backfill that is killed at random moments and begun again comes to the archive of one that was left alone, to the byte. WIREWATCH_BACKFILL
// sets the articles (default 120; .ci/run takes 2,000), WIREWATCH_BACKFILL_KILLS how often it is killed (default 4, there 12), WIREWATCH_BACKFILL_SET a folder for the files.
func TestKilledBackfill(t *testing.T) {
	articles, kills := setting("WIREWATCH_BACKFILL", 120), setting("WIREWATCH_BACKFILL_KILLS", 4)
	seed := uint64(setting("WIREWATCH_SEED", 1))
	set := os.Getenv("WIREWATCH_BACKFILL_SET")
	if set == "" {
		set = t.TempDir()
		newsArchive(t, set, articles, seed)
	}
	args := func(cfg string) []string {
		return []string{"backfill", "-c", cfg, "--since", "2025-01-01", "--until", "2026-06-30", "--source", "warc:" + set}
	}
	whole := pastConfig(t)
	start := time.Now()
	verbOut(t, args(whole)...)
	took := time.Since(start)

	broken := pastConfig(t)
	r := rand.New(rand.NewPCG(seed, 5))
	done := 0 // times that it came to its end before it was killed
	for killed := 0; killed < kills && done < kills; {
		// So that the moments fall over all of the run, its last steps too, though each start does some of it again.
		wait := 20*time.Millisecond + time.Duration(r.Int64N(int64(took)*26/10/int64(kills)))
		c := command(t, args(broken)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case <-time.After(wait): // random by design, not for luck
			c.Process.Kill()
			<-ended
			killed++
		case err := <-ended:
			if err != nil {
				t.Fatalf("it failed by itself: %v", err)
			}
			done++
		}
	}
	verbOut(t, args(broken)...)
	verbOut(t, "db", "check", "-c", broken)
	a, b := canonical(t, whole), canonical(t, broken)
	if !bytes.Equal(a, b) {
		t.Errorf("the archives differ: %d and %d bytes, first at %s", len(a), len(b), firstDifference(a, b))
	}
	if n := bytes.Count(a, []byte(`"kind":"article"`)); n < articles*9/10 {
		t.Errorf("%d of %d articles are in it", n, articles)
	}
	t.Logf("%d articles in %s, %d kills (seed %d) and %d ends before the last; %d bytes, sha256 %x", articles, took.Round(time.Millisecond), kills, seed, done, len(a), sha256.Sum256(a))
}

func canonical(t testing.TB, cfg string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "archive.jsonl")
	verbOut(t.(*testing.T), "export", "-c", cfg, "--canonical", "-o", out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// firstDifference is the line in which two texts first differ, shortened.
func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d:\n%.600s\n%.600s", i+1, x[i], y[i])
		}
	}
	return "the end"
}
