package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/seeds/newsroom"
)

// A repeater is a site in the house style of one of the newsroom's, with a hundred articles of invented text. Every page
// repeats blocks in words of no language; some paragraphs of the journalists recur too, as they do in truth.
type repeater struct {
	lang   string
	appeal []string // on every page
	pages  []repeated
	srv    *httptest.Server
}

type repeated struct {
	title string
	body  []string // the journalist's
	html  string
}

// gibberish is n words that no lexicon knows.
func gibberish(r *rand.Rand, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = word(r)
	}
	return strings.ToUpper(out[0][:1]) + strings.Join(out, " ")[1:] + "."
}

// background are paragraphs that journalists write again and again.
var background = map[string][]string{
	"en": {"The two halves of the archipelago are technically still at war, as the conflict of 1953 ended in an armistice and not in a treaty of peace.",
		"The ministry did not immediately respond to a request for comment on Tuesday."},
	"de": {"Die beiden Hälften des Archipels befinden sich formal noch immer im Krieg, denn der Konflikt von 1953 endete mit einem Waffenstillstand und keinem Friedensvertrag.",
		"Das Ministerium war am Dienstag für eine Stellungnahme zunächst nicht zu erreichen."},
	"ko": {"두 섬나라는 1953년의 충돌이 평화 조약이 아니라 정전 협정으로 끝났기 때문에 엄밀히 말하면 지금도 여전히 전쟁 상태에 놓여 있다.",
		"해당 부처는 화요일 현재까지 논평 요청에 곧바로 응답하지 않고 있다."},
}

func newRepeater(t *testing.T, news *newsroom.Newsroom, lang string, seed uint64) *repeater {
	s := &repeater{lang: lang}
	var golds []newsroom.Gold
	var templates []string
	var vocabulary []string
	for _, g := range news.Articles() {
		if g.Lang != lang || g.From != newsroom.FromPage || g.Trouble != "" {
			continue
		}
		if g.Agency == "" && len(g.Body) >= 5 && (len(golds) == 0 || golds[0].Site == g.Site) {
			// Only paragraphs: what follows puts any text into any of them.
			page := get(t, g.URL)
			if !slices.ContainsFunc(g.Body, func(p string) bool {
				before, _, _ := strings.Cut(page, template.HTMLEscapeString(p))
				before = before[max(0, len(before)-40):]
				return strings.Contains(before, "<h2") || strings.Contains(before, "<blockquote")
			}) {
				golds, templates = append(golds, g), append(templates, page)
			}
		}
		for _, p := range g.Body {
			vocabulary = append(vocabulary, strings.FieldsFunc(p, func(r rune) bool { return strings.ContainsRune(" .,;:!?\"'“”„‘’()–—", r) })...)
		}
	}
	if len(golds) == 0 || len(vocabulary) < 200 {
		t.Fatalf("the newsroom has no pages in %s", lang)
	}
	r := rand.New(rand.NewPCG(seed, 7))
	sentence := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = vocabulary[r.IntN(len(vocabulary))]
		}
		return strings.Join(out, " ") + "."
	}
	s.appeal = []string{gibberish(r, 14), gibberish(r, 22), gibberish(r, 8), gibberish(r, 30)}
	for n := range 100 {
		g, html := golds[n%len(golds)], templates[n%len(golds)]
		p := repeated{title: strings.TrimSuffix(sentence(7), ".") + " " + strconv.Itoa(n)}
		html = strings.ReplaceAll(html, template.HTMLEscapeString(g.Title), p.title)
		if strings.Contains(html, `"headline"`) {
			html = strings.ReplaceAll(html, template.JSEscapeString(g.Title), p.title)
		}
		for range len(g.Body) {
			p.body = append(p.body, sentence(12)+" "+sentence(15)+" "+sentence(9))
		}
		if r.IntN(10) < 4 { // journalists put it where it belongs
			p.body = slices.Insert(p.body, 1+r.IntN(len(p.body)-1), background[lang][1])
		}
		if r.IntN(10) < 4 {
			p.body = append(p.body, background[lang][0])
		}
		// What the site repeats stands below the first and the third paragraph, and at the end.
		blocks := slices.Concat(p.body[:1], s.appeal[:1], p.body[1:3], s.appeal[1:2], p.body[3:], s.appeal[2:])
		for i, old := range g.Body {
			if !strings.Contains(html, template.HTMLEscapeString(old)) {
				t.Fatalf("the page of %s does not show %q", g.ID, old)
			}
			text := blocks[i]
			if i == len(g.Body)-1 {
				text = strings.Join(blocks[i:], "</p><p>")
			}
			html = strings.Replace(html, template.HTMLEscapeString(old), text, 1)
		}
		p.html = html
		s.pages = append(s.pages, p)
	}
	s.srv = httptest.NewServer(s)
	t.Cleanup(s.srv.Close)
	return s
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(b)
}

func (s *repeater) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/feed" {
		w.Header().Set("Content-Type", "application/rss+xml; charset=utf-8")
		fmt.Fprint(w, `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Repeater</title>`)
		for i, p := range s.pages {
			fmt.Fprintf(w, `<item><title>%s</title><link>%s/story-%d</link><guid>%d</guid><pubDate>%s</pubDate></item>`,
				template.HTMLEscapeString(p.title), s.srv.URL, i, i, time.Now().UTC().Format(time.RFC1123Z))
		}
		fmt.Fprint(w, `</channel></rss>`)
		return
	}
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/story-"))
	if err != nil || n < 0 || n >= len(s.pages) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, s.pages[n].html)
}

// What sites repeat on every page is gone after five of their articles, in words of no language; no journalist's sentence is;
// and `reextract` cleans the first five too.
func TestLearned(t *testing.T) {
	news, err := newsroom.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := news.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	seed, _ := strconv.ParseUint(os.Getenv("WIREWATCH_SEED"), 10, 64) // another seed is another world
	var config strings.Builder
	dir := t.TempDir()
	file := filepath.Join(dir, "wirewatch.yaml")
	var sites []*repeater
	fmt.Fprintf(&config, "store: %s\nallow_private: [127.0.0.0/8]\npace: {every: 0s, parallel: 1}\ncontact: https://example.org\n", filepath.Join(dir, "wirewatch.db"))
	fmt.Fprint(&config, "channels: []\nfeeds:\n")
	for i, lang := range []string{"en", "de", "ko"} {
		s := newRepeater(t, news, lang, seed+uint64(i))
		sites = append(sites, s)
		fmt.Fprintf(&config, "  - {name: %s, url: %q}\n", lang, s.srv.URL+"/feed")
	}
	fmt.Fprintf(&config, "rules:\n  - {name: appeal, query: %s}\n", strings.Fields(sites[0].appeal[3])[4])
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	wirewatch := func(args ...string) string {
		t.Helper()
		var out, words bytes.Buffer
		if err := run(t.Context(), append(args, "-c", file), strings.NewReader(""), &out, &words); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, words.String())
		}
		return out.String()
	}
	open := func(f func(*store.Store)) {
		t.Helper()
		st, err := store.Open(t.Context(), filepath.Join(dir, "wirewatch.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		f(st)
	}
	wirewatch("run", "--once")

	// leaks counts, per site in the order of the store, the repeated blocks in bodies, and checks the journalists' sentences.
	leaks := func(when string, allowed func(appeal string) bool) (first []int) {
		open(func(st *store.Store) {
			for _, s := range sites {
				as, err := st.Articles(t.Context(), store.ArticleFilter{Site: strings.TrimPrefix(s.srv.URL, "http://"), Limit: 1000})
				if err != nil || len(as) != len(s.pages) {
					t.Fatalf("%s: %d articles of %d: %v", s.lang, len(as), len(s.pages), err)
				}
				slices.Reverse(as)
				stories := map[int64]bool{}
				last := 0
				for n, a := range as {
					stories[a.Story] = true
					i, _ := strconv.Atoi(a.URL[strings.LastIndexByte(a.URL, '-')+1:])
					var got []string
					for _, p := range strings.Split(a.Body, "\n\n") {
						if slices.Contains(s.appeal, p) {
							if !allowed(p) {
								last = n + 1
							}
							continue
						}
						got = append(got, p)
					}
					if want := s.pages[i].body; !slices.Equal(got, want) {
						lost := func(a, b []string) []string {
							return slices.DeleteFunc(slices.Clone(a), func(p string) bool { return slices.Contains(b, p) })
						}
						t.Errorf("%s, %s article %d: the journalist's text lost %q and won %q", when, s.lang, n, lost(want, got), lost(got, want))
					}
				}
				if len(stories) != len(as) {
					t.Errorf("%s: %d stories of %d articles", s.lang, len(stories), len(as))
				}
				first = append(first, last)
			}
		})
		return first
	}
	none := func(string) bool { return false }
	first := leaks("stored", none)
	t.Logf("the last article with a repeated block, per site: %v of 100", first)
	for i, n := range first {
		if n == 0 || n > 5 {
			t.Errorf("%s: the last repeated block is in article %d, want one of the first five", sites[i].lang, n)
		}
	}
	var matches int
	open(func(st *store.Store) {
		ms, err := st.Matches(t.Context(), store.MatchFilter{Rule: "appeal", Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		matches = len(ms)
	})
	if matches == 0 {
		t.Error("the rule on the repeated block matched nothing before it was learned")
	}

	again := func(args ...string) (r reextractRow) {
		t.Helper()
		out := wirewatch(append([]string{"reextract", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return r
	}
	dry := again("--dry-run")
	start := time.Now()
	wet := again()
	t.Logf("reextract: %+v in %s", wet, time.Since(start).Round(time.Millisecond))
	if dry.Changed != wet.Changed || wet.Changed == 0 || wet.Articles != 300 || wet.Failed+wet.Busy+wet.Learned+wet.Matched+wet.Alerts != 0 || wet.Unmatched != int64(matches) {
		t.Errorf("a dry run says %+v, then %+v; %d matches stood", dry, wet, matches)
	}
	if got := leaks("made anew", none); slices.Max(got) != 0 {
		t.Errorf("repeated blocks stand in articles %v after reextract", got)
	}
	if r := again(); r.Changed != 0 {
		t.Errorf("a second reextract changes %+v", r)
	}

	// A person says that a block is journalism: it comes back, there and in what comes later.
	var list []learnedRow
	for _, l := range strings.Split(strings.TrimSpace(wirewatch("learned", "list", "--json")), "\n") {
		var r learnedRow
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	if len(list) != 12 {
		t.Errorf("%d blocks are learned, want 12: %+v", len(list), list)
	}
	at := slices.IndexFunc(list, func(r learnedRow) bool { return r.Text == sites[1].appeal[3] })
	if at < 0 || list[at].State != string(pipeline.BlockLearned) || list[at].Articles != 100 {
		t.Fatalf("the block is not in the list: %+v", list)
	}
	wirewatch("learned", "keep", fmt.Sprint(list[at].ID)) // stored articles with it are made anew at once
	if r := again("--site", list[at].Site); r.Changed != 0 || r.Articles != 100 {
		t.Errorf("after keep: %+v", r)
	}
	if got := leaks("kept", func(a string) bool { return a == sites[1].appeal[3] }); slices.Max(got) != 0 {
		t.Errorf("repeated blocks stand in articles %v after keep", got)
	}
	if out := wirewatch("learned", "list"); !strings.Contains(out, "kept") {
		t.Errorf("the list says\n%s", out)
	}
}
