package alerts

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"wirewatch/pipeline"
)

func words(p Passage) (out []string) {
	for _, h := range p.Hits {
		out = append(out, p.Text[h.Start:h.End])
	}
	return out
}

func spansIn(body string, list ...string) (out []pipeline.Span) {
	for _, w := range list {
		for at := 0; ; {
			i := strings.Index(body[at:], w)
			if i < 0 {
				break
			}
			out = append(out, pipeline.Span{Field: "body", Start: at + i, End: at + i + len(w)})
			at += i + len(w)
		}
	}
	return out
}

// The passage is where most different hits stand together, not where the first one is.
func TestDensest(t *testing.T) {
	filler := strings.Repeat("Nothing of note happened in the harbour on that day. ", 12)
	body := "A missile was named early. " + filler + "Then a missile, a launcher and a shell were found in one crate. " + filler + "The shell was sold."
	ps := passages(body, spansIn(body, "missile", "launcher", "shell"))
	if len(ps) != 1 || !slices.Equal(words(ps[0]), []string{"missile", "launcher", "shell"}) {
		t.Errorf("%+v", ps)
	}
	body = "The missile. " + filler + "The launcher. " + filler + "The shell."
	ps = passages(body, spansIn(body, "missile", "launcher", "shell"))
	if len(ps) != 2 || !slices.Equal(words(ps[0]), []string{"missile"}) || !slices.Equal(words(ps[1]), []string{"launcher"}) {
		t.Errorf("two passages with something new each: %+v", ps)
	}
	body = "The missile. " + filler + "The missile. " + filler + "The Missile."
	if ps = passages(body, spansIn(body, "missile", "Missile")); len(ps) != 1 {
		t.Errorf("the same word again: %+v", ps)
	}
}

func TestPassageWithoutHits(t *testing.T) {
	if ps := passages("", nil); ps != nil {
		t.Error(ps)
	}
	body := "First sentence of the body. " + strings.Repeat("And more words follow. ", 40)
	ps := passages(body, []pipeline.Span{{Field: "title", Start: 0, End: 3}})
	if len(ps) != 1 || !strings.HasPrefix(ps[0].Text, "First sentence") || !strings.HasSuffix(ps[0].Text, "…") || len(ps[0].Hits) != 0 {
		t.Errorf("%+v", ps)
	}
}

// Scripts without spaces are cut between characters, others between words.
func TestCuts(t *testing.T) {
	for name, c := range map[string]struct{ unit, hit string }{
		"english":  {"some words of filler here and there ", "launcher"},
		"chinese":  {"这是没有空格的文字", "导弹"},
		"japanese": {"これは間のない文章であり", "ミサイル"},
		"thai":     {"นี่คือข้อความที่ไม่มีช่องว่าง", "ขีปนาวุธ"},
		"hindi":    {"यह क्षेत्र की स्थिति है ", "प्रक्षेपास्त्र"},
		"jamo":     {"\u1112\u1161\u11ab\u1100\u1173\u11af", "\u1106\u1175"},
		"flags":    {"🇰🇵🇷🇺", "🚀"},
		"family":   {"👨‍👩‍👧‍👦", "🚀"},
		"marks":    {"a\u0323\u0301", "z"},
	} {
		body := strings.Repeat(c.unit, 60) + c.hit + strings.Repeat(c.unit, 60)
		ps := passages(body, spansIn(body, c.hit))
		if len(ps) != 1 || !slices.Equal(words(ps[0]), []string{c.hit}) {
			t.Errorf("%s: %+v", name, ps)
			continue
		}
		text := strings.Trim(ps[0].Text, "…")
		n := utf8.RuneCountInString(ps[0].Text)
		if n < passageLen/3 || n > passageLen+passageLen/6+2 {
			t.Errorf("%s: %d characters", name, n)
		}
		at := strings.Index(body, text)
		if at < 0 || !boundary(body, at) || !boundary(body, at+len(text)) {
			t.Errorf("%s: cut inside a character: %q", name, ps[0].Text)
		}
		if name == "english" && (!edge(body, at) || !edge(body, at+len(text))) {
			t.Errorf("%s: cut inside a word: %q", name, ps[0].Text)
		}
	}
}

// Spans that come from another version of the text, or split characters, do no harm.
func TestOddSpans(t *testing.T) {
	body := "짧은 본문 with e\u0301 accents"
	for _, s := range []pipeline.Span{{Field: "body", Start: -1, End: 4}, {Field: "body", Start: 1, End: 2}, {Field: "body", Start: 5, End: 5},
		{Field: "body", Start: 9, End: 3}, {Field: "body", Start: 3, End: 1 << 40}, {Field: "body", Start: 1 << 40, End: 1<<40 + 1}, {Field: "other", Start: 0, End: 3},
		{Field: "body", Start: strings.Index(body, "e\u0301"), End: strings.Index(body, "e\u0301") + 1}} {
		for _, p := range passages(body, []pipeline.Span{s, s}) {
			for _, w := range words(p) {
				if !utf8.ValidString(w) || w == "e" {
					t.Errorf("%v: %q", s, w)
				}
			}
		}
	}
}

func TestHeadlineMovesItsHits(t *testing.T) {
	title := "\x1b[1m The \u202E big\nmissile \x00deal"
	at := strings.Index(title, "missile")
	h := headline(title, []pipeline.Span{{Field: "title", Start: at, End: at + 7}})
	if h.Text != "The big missile deal" || !slices.Equal(words(h), []string{"missile"}) {
		t.Errorf("%q %q", h.Text, words(h))
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"short", 5, "short"}, {"longer", 5, "long…"}, {"four five", 6, "four…"}, {"e\u0301e\u0301e\u0301", 4, "e\u0301…"}, {"🇰🇵🇷🇺🇺🇦", 4, "🇰🇵…"}, {"ab", 0, "…"}} {
		if got := clip(c.in, c.n); got != c.want || utf8.RuneCountInString(got) > max(c.n, 1) {
			t.Errorf("%q to %d: %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

// Whatever stands in title, body and spans: passages are valid, clean, short, and their hits lie in them.
func FuzzRender(f *testing.F) {
	for _, c := range hostile[:len(hostile)-1] {
		f.Add(c.title[:min(len(c.title), 100)], "body "+c.title[:min(len(c.title), 100)], 0, 5, 3)
	}
	f.Add("포탄", strings.Repeat("이것은 포탄이다. ", 60), 300, 306, 7)
	f.Fuzz(func(t *testing.T, title, body string, start, end, step int) {
		d := delivery("msg_f", "r", "$^", pipeline.Article{Title: title, Body: body, URL: title, SiteName: title})
		for i := range 40 {
			d.Alert.Spans = append(d.Alert.Spans, pipeline.Span{Field: "title", Start: start + i*step, End: end + i*step},
				pipeline.Span{Field: "body", Start: start + i*step, End: end + i*step})
		}
		m := Render(d)
		for _, p := range append(slices.Clone(m.Passages), m.Headline) {
			at := 0
			for _, h := range p.Hits {
				if h.Start < at || h.End <= h.Start || h.End > len(p.Text) || !utf8.ValidString(p.Text[h.Start:h.End]) {
					t.Fatalf("hit %v in %q", h, p.Text)
				}
				at = h.End
			}
			if acts(p.Text) || utf8.RuneCountInString(p.Text) > titleLen+2 {
				t.Fatalf("%q", p.Text)
			}
		}
		b, err := slackPayload(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := slackLimits(b); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if h, err := WebhookBody(d); err != nil || len(h) >= maxWebhookBody {
			t.Fatalf("%v: %d bytes", err, len(h))
		}
		if s := Terminal(body); Terminal(s) != s {
			t.Fatalf("cleaning twice: %q, %q", s, Terminal(s))
		}
	})
}
