package alerts

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline"
)

// A Passage is a piece of an article as it is shown: clean text on one line, with the hits in it. Text has an ellipsis where
// it was cut.
type Passage struct {
	Field string `json:"field"` // "title" or "body"
	Text  string `json:"text"`
	Hits  []Hit  `json:"hits"`
}

// Sizes of passages, in characters.
const (
	passageLen  = 240
	titleLen    = 300
	maxPassages = 2
	maxHits     = 1000 // that are looked at; a text with more is about nothing else, and its beginning shows it
)

// hitsIn lists the spans of one field as hits in s: sorted, joined where they touch, whole characters. Spans that do not
// fit s are cut or left out; they may come from another version of the article.
func hitsIn(field, s string, spans []pipeline.Span) []Hit {
	var hits []Hit
	for _, p := range spans {
		if p.Field != field || p.Start < 0 || p.Start >= len(s) || p.End <= p.Start {
			continue
		}
		h := Hit{p.Start, min(p.End, len(s))}
		for !boundary(s, h.Start) {
			h.Start--
		}
		for !boundary(s, h.End) {
			h.End++
		}
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(a.Start-b.Start, b.End-a.End) })
	out := hits[:0]
	for _, h := range hits {
		if n := len(out); n > 0 && h.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, h.End)
		} else {
			out = append(out, h)
		}
	}
	return out
}

// headline is the title with its hits.
func headline(title string, spans []pipeline.Span) Passage {
	text, hits := clean(title, hitsIn("title", title, spans))
	short := clip(text, titleLen)
	return Passage{"title", short, within(hits, len(strings.TrimSuffix(short, "…")))}
}

// within cuts hits to the first n bytes.
func within(hits []Hit, n int) []Hit {
	out := []Hit{}
	for _, h := range hits {
		if h.End = min(h.End, n); h.Start < h.End {
			out = append(out, h)
		}
	}
	return out
}

// passages picks the pieces of body that show best why it matched: first the one with most different hits, then the best of
// those that show something new. A body without hits (the title matched) is shown by its beginning.
func passages(body string, spans []pipeline.Span) []Passage {
	hits := hitsIn("body", body, spans)
	hits = hits[:min(len(hits), maxHits)]
	if len(hits) == 0 {
		if p, _ := cut(body, Hit{0, 0}, nil); strings.Trim(p.Text, "…") != "" {
			return []Passage{p}
		}
		return nil
	}
	var out []Passage
	said := map[string]bool{}
	for range 2 * maxPassages { // a piece may turn out to be invisible
		best, found := densest(body, hits, said, len(out) == 0)
		if !found {
			break
		}
		p, shown := cut(body, best, hits)
		if strings.Trim(p.Text, "…") != "" {
			if out = append(out, p); len(out) == maxPassages {
				break
			}
		}
		rest := hits[:0:0]
		for _, h := range hits {
			if h.Start >= min(shown.Start, best.Start) && h.End <= max(shown.End, best.End) {
				said[strings.ToLower(body[h.Start:h.End])] = true
			} else {
				rest = append(rest, h)
			}
		}
		hits = rest
	}
	return out
}

// densest finds the run of hits that fits a passage and shows most words not said yet, then most hits, the earliest of
// equals. stale accepts a run that says nothing new.
func densest(body string, hits []Hit, said map[string]bool, stale bool) (best Hit, found bool) {
	bestNew, bestAll := 0, 0
	for i := range hits {
		fresh, all := map[string]bool{}, 0
		for j := i; j < len(hits); j++ {
			run := Hit{hits[i].Start, hits[j].End}
			if j > i && (run.End-run.Start > 4*passageLen || utf8.RuneCountInString(body[run.Start:run.End]) > passageLen*3/4) {
				break
			}
			all++
			if w := strings.ToLower(body[hits[j].Start:hits[j].End]); !said[w] {
				fresh[w] = true
			}
			if n := len(fresh); n > bestNew || n == bestNew && all > bestAll && (n > 0 || stale) {
				best, bestNew, bestAll, found = run, n, all, true
			}
		}
	}
	return best, found
}

// cut makes a passage around core. It begins with a sentence or a paragraph where that is near, else behind an ellipsis; it
// begins and ends between words where the script has spaces, and always between whole characters. shown is where in body it is.
func cut(body string, core Hit, hits []Hit) (p Passage, shown Hit) {
	room := passageLen - utf8.RuneCountInString(body[core.Start:core.End])
	if room < 0 { // a match longer than a passage: show how it begins
		core.End = core.Start + len(first(body[core.Start:core.End], passageLen))
		room = 0
	}
	left := last(body[:core.Start], room*2/5)
	right := first(body[core.End:], room-utf8.RuneCountInString(left))
	left = last(body[:core.Start], room-utf8.RuneCountInString(right)) // what the right did not need
	start, end, inside := core.Start-len(left), core.End+len(right), false
	if i := strings.LastIndex(body[start:core.Start], "\n"); i >= 0 && strings.TrimSpace(body[start:start+i]) != "" {
		start += i + 1 // the end of another paragraph says little
	} else if i := sentenceStart(body, start); i >= 0 {
		start = i
	} else {
		start, inside = wordStart(body, start, core.Start), true
	}
	end = wordEnd(body, end, core.End)
	text, moved := body[start:end], []Hit(nil)
	for _, h := range hits {
		if h.Start < end && h.End > start {
			moved = append(moved, Hit{max(h.Start, start) - start, min(h.End, end) - start})
		}
	}
	text, moved = clean(text, moved)
	if inside {
		text = "…" + text
		for i := range moved {
			moved[i].Start += len("…")
			moved[i].End += len("…")
		}
	}
	if strings.TrimSpace(body[end:]) != "" {
		text = strings.TrimRight(text, " ") + "…"
	}
	return Passage{"body", text, within(moved, len(text))}, Hit{start, end}
}

// first is the beginning of s of at most n characters.
func first(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			for !boundary(s, i) {
				i--
			}
			return s[:i]
		}
	}
	return s
}

// last is the end of s of at most n characters.
func last(s string, n int) string {
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, w := utf8.DecodeLastRuneInString(s[:i])
		i -= w
	}
	for i < len(s) && !boundary(s, i) {
		i++
	}
	return s[i:]
}

// near is how far a word's edge is looked for, in bytes; beyond it there are no spaces to be had.
const near = 60

// wordStart moves i forward to the beginning of a word, unless that is far away or beyond limit.
func wordStart(s string, i, limit int) int {
	if i == 0 || edge(s, i) {
		return i
	}
	for j := i; j < limit && j < i+near; j++ {
		if boundary(s, j) && edge(s, j) {
			return j
		}
	}
	return i
}

// wordEnd moves i back to the end of a word, unless that is far away or before limit.
func wordEnd(s string, i, limit int) int {
	if i == len(s) || edge(s, i) {
		return i
	}
	for j := i; j > limit && j > i-near; j-- {
		if boundary(s, j) && edge(s, j) {
			return j
		}
	}
	return i
}

// sentenceStart is where the sentence or paragraph that i is in begins, if that is a few words back; else -1.
func sentenceStart(s string, i int) int {
	if i == 0 {
		return 0
	}
	before := last(s[:i], passageLen/6)
	if n := strings.LastIndex(before, "\n"); n >= 0 {
		return i - len(before) + n + 1
	}
	if len(before) == i {
		return 0
	}
	for j := len(before) - 1; j > 0; j-- {
		if before[j] != ' ' {
			continue
		}
		switch r, _ := utf8.DecodeLastRuneInString(before[:j]); r {
		case '.', '!', '?', '。', '！', '？', '؟', '।':
			return i - len(before) + j + 1
		}
	}
	return -1
}

// edge reports whether there is white space on a side of i.
func edge(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsSpace(before) || unicode.IsSpace(after)
}

// boundary reports whether s can be cut at i without harm to a character as a reader sees it. It follows the grapheme
// clusters of UAX #29 for what news titles hold: UTF-8 sequences, marks, joined emoji and flags, conjoining Hangul, Indic
// conjuncts, line ends.
func boundary(s string, i int) bool {
	if i <= 0 || i >= len(s) {
		return true
	}
	if !utf8.RuneStart(s[i]) { // inside a sequence, or a stray byte, which stands alone
		j := i - 1
		for j > 0 && i-j < utf8.UTFMax && !utf8.RuneStart(s[j]) {
			j--
		}
		if r, w := utf8.DecodeRuneInString(s[j:]); r != utf8.RuneError && j+w > i {
			return false
		}
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	p, w := utf8.DecodeLastRuneInString(s[:i])
	switch {
	case p == '\r' && r == '\n', p == 0x200D, r == 0x200C, r == 0x200D:
		return false
	case unicode.Is(unicode.M, r), r == 0x0E33, r == 0x0EB3, r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
		return false
	case r >= 0x1160 && r <= 0x11FF: // a vowel or a final consonant goes on with its syllable
		return p < 0x1100 || p > 0x11FF && (p < 0xAC00 || p > 0xD7A3)
	case r >= 0x1F1E6 && r <= 0x1F1FF && p >= 0x1F1E6 && p <= 0x1F1FF: // flags are pairs
		n := 0
		for rest := s[:i]; p >= 0x1F1E6 && p <= 0x1F1FF; n++ {
			rest = rest[:len(rest)-w]
			p, w = utf8.DecodeLastRuneInString(rest)
		}
		return n%2 == 0
	case unicode.IsLetter(r) && virama(p):
		return false
	}
	return true
}

// virama reports whether r joins the consonants on its sides.
func virama(r rune) bool {
	switch r {
	case 0x094D, 0x09CD, 0x0A4D, 0x0ACD, 0x0B4D, 0x0C4D, 0x0CCD, 0x0D4D, 0x0DCA, 0x1039, 0x17D2:
		return true
	}
	return false
}
