package rules

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"regexp"
	"slices"

	"strings"

	"wirewatch/pipeline/text"
)

// naive evaluates a query by its definition: every choice is tried, nothing is filed, noted or cut short. It shares with the
// matcher the parser, the words of package text, and nothing else.
type naive struct {
	segs   []naiveSeg
	doc    *Doc
	window *text.Span // of the body, by the beginnings of words; nil: all of it
	stems  stemmer
	res    map[string]*regexp.Regexp
	values []Span // that hold; a place of segment -1 is one of them
}

type naiveSeg struct {
	field field
	src   string
	toks  []text.Token
	word  []int
	shift int
	lead  int // bytes
}

type place struct{ seg, start, end int }

func newNaive(d *Doc) *naive {
	n := &naive{doc: d, res: map[string]*regexp.Regexp{}}
	add := func(f field, src string, shift int) {
		g := naiveSeg{field: f, src: src, toks: text.Tokens(src), shift: shift}
		for i, t := range g.toks {
			w := 1
			if i > 0 {
				w = g.word[i-1] + 1
				gap := src[g.toks[i-1].End:t.Start]
				a, b := []rune(g.toks[i-1].Text)[0], []rune(t.Text)[0]
				if len([]rune(gap)) == 1 && strings.ContainsAny(gap, "-‐‑־－﹣'‘’‛`´ʼʻʾʿʹʽ′‵＇｀׳״") || gap == "" && !text.Spaceless(a) && !text.Spaceless(b) {
					w--
				}
			}
			g.word = append(g.word, w)
		}
		if p := text.Paragraphs(src); len(p) > 0 {
			g.lead = p[0].End
		}
		n.segs = append(n.segs, g)
	}
	add(fTitle, d.Title, 0)
	add(fBody, d.Body, 0)
	for i, a := range d.Authors {
		add(fAuthor, a, len(strings.Join(append(slices.Clone(d.Authors[:i]), ""), ", ")))
	}
	add(fAgency, d.Agency, 0)
	return n
}

// units is every stretch, from token i of a segment, that the units stand in.
func (n *naive) units(g naiveSeg, i int, us []unit) []int {
	if len(us) == 0 {
		return []int{i}
	}
	var ends []int
	for j := i + 1; j <= len(g.toks) && j <= i+3; j++ {
		w, ok := "", true
		for k := i; k < j; k++ {
			w += g.toks[k].Text
			if k > i {
				_, joined := text.Joined(g.src, g.toks[k-1], g.toks[k])
				ok = ok && joined
			}
		}
		u, hit := us[0], false
		for _, form := range append([]string{w}, text.AppendBare(nil, w)...) {
			switch {
			case u.re:
				if n.res[u.text] == nil {
					n.res[u.text] = regexp.MustCompile("^(?:" + u.text[1:] + ")$")
				}
				hit = hit || n.res[u.text].MatchString(form)
			case u.wild():
				hit = hit || naiveGlob([]rune(u.text), []rune(form))
			default:
				hit = hit || form == u.text
			}
		}
		if u.stem {
			// That a word is cut by the language of its article, its script's or none is the definition; see languageFor.
			l := languageFor(n.doc.Lang, w)
			hit = hit || l >= 0 && n.stems.stem(l, w) == n.stems.stem(l, u.text) && text.Script([]rune(w)[0]) == text.Script([]rune(u.text)[0])
		}
		if u.exact != "" {
			hit = j == i+1 && text.Exact(g.src[g.toks[i].Start:g.toks[i].End]) == u.exact
		}
		if u.tight && hit && i > 0 {
			gap := g.src[g.toks[i-1].End:g.toks[i].Start]
			hit = gap == "\n" || gap == "\r\n" || text.Fold(gap) == "" // nothing, or nothing that is seen
		}
		if ok && hit {
			ends = append(ends, n.units(g, j, us[1:])...)
		}
	}
	return ends
}

func naiveGlob(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return naiveGlob(p[1:], s) || len(s) > 0 && naiveGlob(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && naiveGlob(p[1:], s[1:])
}

func (n *naive) pieces(g naiveSeg, i int, ps []piece) []int {
	if len(ps) == 0 {
		return []int{i}
	}
	var ends []int
	for _, a := range ps[0].alts {
		for _, e := range n.units(g, i, a) {
			ends = append(ends, n.pieces(g, e, ps[1:])...)
		}
	}
	return ends
}

func (n *naive) places(ps []piece, scope field) []place {
	var out []place
	for s, g := range n.segs {
		for i := range g.toks {
			for _, e := range n.pieces(g, i, ps) {
				if x := n.window; x != nil && (g.field != fBody || g.toks[i].Start < x.Start || g.toks[e-1].Start >= x.End) {
					continue
				}
				if g.field&scope != 0 || scope == fLead && g.field == fBody && g.toks[e-1].End <= g.lead {
					out = append(out, place{s, i, e})
				}
			}
		}
	}
	return out
}

func (n *naive) operand(x *node, scope field) (out []place) {
	if x.op == opList {
		return n.operand(x.kids[0], scope)
	}
	if x.op != opOr {
		return n.places(x.words, scope)
	}
	for _, k := range x.kids {
		out = append(out, n.operand(k, scope)...)
	}
	return out
}

// choices calls f with one place of each list, all in one segment, none overlapping.
func choices(lists [][]place, f func([]place)) {
	var rec func(chosen []place)
	rec = func(chosen []place) {
		if len(chosen) == len(lists) {
			f(chosen)
			return
		}
		for _, p := range lists[len(chosen)] {
			if !slices.ContainsFunc(chosen, func(c place) bool { return c.seg != p.seg || p.start < c.end && c.start < p.end }) {
				rec(append(slices.Clone(chosen), p))
			}
		}
	}
	rec(nil)
}

// eval is whether x holds and the places of its positive terms.
func (n *naive) eval(x *node, scope field) (bool, []place) {
	var out []place
	switch x.op {
	case opField:
		return n.eval(x.kids[0], x.field)
	case opList:
		return n.eval(x.kids[0], scope)
	case opAtLeast:
		ok, out := n.eval(x.kids[0], scope)
		return ok && naiveMost(out) >= x.count, out
	case opFirst, opSentence, opParagraph:
		return n.inWindows(x, scope)
	case opValue:
		for _, v := range n.value(x) {
			n.values = append(n.values, v)
			out = append(out, place{-1, len(n.values) - 1, 0})
		}
	case opTerm:
		out = n.places(x.words, scope)
	case opPhrase:
		if x.slop < 0 {
			out = n.places(x.words, scope)
			break
		}
		var lists [][]place
		for _, p := range x.words {
			lists = append(lists, n.places([]piece{p}, scope))
		}
		choices(lists, func(c []place) {
			w := n.segs[c[0].seg].word
			lo, hi, own := w[c[0].start], w[c[0].end-1], 0
			for _, p := range c {
				lo, hi = min(lo, w[p.start]), max(hi, w[p.end-1])
				own += w[p.end-1] - w[p.start] + 1
			}
			if hi-lo+1-own <= x.slop {
				out = append(out, c...)
			}
		})
	case opNear:
		var lists [][]place
		for _, k := range x.kids {
			lists = append(lists, n.operand(k, scope))
		}
		choices(lists, func(c []place) {
			w := n.segs[c[0].seg].word
			for i, g := range x.gaps {
				a, b := c[i], c[i+1]
				if a.start > b.start {
					if g.ordered {
						return
					}
					a, b = b, a
				}
				if w[b.start]-w[a.end-1]-1 > g.n {
					return
				}
			}
			out = append(out, c...)
		})
	case opNot:
		ok, _ := n.eval(x.kids[0], scope)
		return !ok, nil
	case opAnd, opOr:
		all, any := true, false
		for _, k := range x.kids {
			ok, p := n.eval(k, scope)
			all, any = all && ok, any || ok
			if ok {
				out = append(out, p...)
			}
		}
		if x.op == opAnd {
			return all, out
		}
		return any, out
	}
	return len(out) > 0, out
}

// value is where a value stands among those of its field: whole names, hosts with those below them, tags of languages by their
// beginning, any part of an address.
func (n *naive) value(x *node) (out []Span) {
	d, want := n.doc, text.Fold(x.text)
	add := func(name, s string, at int, ok bool) {
		if s != "" && ok {
			out = append(out, Span{name, at, at + len(s)})
		}
	}
	like := func(p, s string) bool { return naiveGlob([]rune(p), []rune(text.Fold(s))) }
	switch x.field {
	case fSite:
		name, s, host := "site", d.Site, strings.ToLower(d.Site)
		if s == "" {
			name, s, host = "url", d.URL, strings.ToLower(strings.Split(d.URL+"///", "/")[2])
		}
		host, want := strings.TrimPrefix(host, "www."), strings.TrimPrefix(want, "*.")
		add(name, s, 0, host == want || strings.HasSuffix(host, "."+want))
	case fLang:
		add("lang", d.Lang, 0, strings.HasPrefix(strings.ToLower(d.Lang)+"-", want+"-"))
	case fFeed:
		add("feed", d.Feed, 0, like(want, d.Feed))
	case fURL:
		add("url", d.URL, 0, like("*"+want+"*", d.URL))
	case fTag:
		at := 0
		for _, t := range d.Tags {
			add("tag", t, at, like(want, t))
			at += len(t + ", ")
		}
	}
	return out
}

// naiveMost is how many of the places can be taken so that none overlap.
func naiveMost(l []place) int {
	if len(l) == 0 {
		return 0
	}
	slices.SortFunc(l, func(a, b place) int { return cmp.Or(a.seg-b.seg, a.end-b.end, a.start-b.start) })
	best := make([]int, len(l)+1) // of the first i places
	for i, p := range l {
		before := 0
		for j, q := range l[:i] {
			if q.seg != p.seg || q.end <= p.start {
				before = j + 1
			}
		}
		best[i+1] = max(best[i], best[before]+1)
	}
	return best[len(l)]
}

func (n *naive) inWindows(x *node, scope field) (bool, []place) {
	g := n.segs[1]
	var windows []text.Span
	switch x.op {
	case opFirst:
		end := len(g.src)
		for i, w := range g.word {
			if w > x.count {
				end = g.toks[i].Start
				break
			}
		}
		windows = []text.Span{{Start: 0, End: end}}
	case opSentence:
		windows = text.Sentences(g.src)
	case opParagraph:
		windows = text.Paragraphs(g.src)
	}
	if scope != fLead {
		scope = fBody
	}
	outer, held := n.window, false
	var out []place
	for _, w := range windows {
		if outer != nil {
			w = text.Span{Start: max(w.Start, outer.Start), End: min(w.End, outer.End)}
		}
		words := slices.ContainsFunc(g.toks, func(t text.Token) bool { return w.Start <= t.Start && t.Start < w.End })
		if x.op != opFirst && !words {
			continue // signs alone are no sentence
		}
		n.window = &w
		if ok, p := n.eval(x.kids[0], scope); ok {
			held = true
			out = append(out, p...)
		}
	}
	n.window = outer
	return held, out
}

func (n *naive) spans(ps []place) []Span {
	var out []Span
	for _, p := range ps {
		if p.seg < 0 {
			out = append(out, n.values[p.start])
			continue
		}
		g := n.segs[p.seg]
		name := map[field]string{fTitle: "title", fBody: "body", fAuthor: "author", fAgency: "agency"}[g.field]
		out = append(out, Span{name, g.shift + g.toks[p.start].Start, g.shift + g.toks[p.end-1].End})
	}
	return tidy(out)
}

// naiveSentences stand among the random words, so that some of the text is as people write it.
var naiveSentences = []string{"The K-9 unit found two missiles; Kim's men fled. NATO said so. ", "Les accords d'Alger, l'accord de paix: NATO n'a rien dit.\n\n",
	"북한은 미사일을 쐈다. 북한의 ICBM이다. ", "Ракетами ударили по складу. Ракету сбили! ", "北朝鮮は朝、ミサイルを発射した。朝鮮中央通信が伝えた。", "أطلقت صاروخا. والصواريخ كثيرة. ",
	"Al-Qaeda, says the U.S., has missile parts; alqaeda denies. "}

var naiveLists = Lists{"arms": {Entries: []string{"missile*", "~ракета", "\"al qaeda\""}}, "dprk": {Entries: []string{"북한 OR 朝鮮 OR kim"}}, "both": {Entries: []string{"$arms", "($dprk NOT nato)"}}}

// words of the random texts and queries: few, so that they meet, and awkward.
var naiveWords = []string{"kim", "Kim's", "K-9", "K9", "k", "9", "al-Qaeda", "alqaeda", "qaeda", "al", "U.S.", "us", "NATO", "nato", "북한", "북한은", "북한의",
	"은", "ICBM을", "朝", "朝鮮", "朝鮮人", "鮮", "ракета", "Ракеты", "صاروخ", "والصاروخ", "l'accord", "accord", "missile", "missiles", "a-b-c", "abc", "ab", "c", "ไทย"}

// naiveValues are what random queries ask of the fields of values.
var naiveValues = []string{"site:bbc.co.uk", "site:*.tass.ru", "site:(co.uk OR tass.ru)", "lang:en", "lang:(ko OR ru)", "lang:en-gb", `feed:"BBC World"`, "feed:bbc*", "feed:wörld",
	"tag:sanctions", `tag:"arms trade"`, "tag:arms*", "tag:(b OR sanctions)", "url:/world/", "url:wor*1", "url:WORLD?x", `-lang:ru url:http`}

// about gives the document what those ask for.
func about(r *rand.Rand, d *Doc) {
	d.Site = pick(r, []string{"", "", "www.bbc.co.uk", "bbc.co.uk", "xbbc.co.uk", "en.tass.ru", "TASS.ru"})
	d.URL = pick(r, []string{"", "https://www.bbc.co.uk/world/1", "http://tass.ru/World?x=1", "https://a.b/wor/l/d"})
	d.Feed = pick(r, []string{"", "BBC World", "bbc", "World", "Wörld"})
	for range r.IntN(3) {
		d.Tags = append(d.Tags, pick(r, []string{"Sanctions", "arms trade", "Arms", "b", ""}))
	}
}

func pick(r *rand.Rand, l []string) string {
	if len(l) == len(naiveWords) && r.IntN(5) == 0 { // so that scripts without spaces meet often enough, whole and torn
		l = []string{"朝", "鮮", "朝鮮"}
	}
	return l[r.IntN(len(l))]
}

// randomQuery makes a query of those words; fields: it may name fields.
func randomQuery(r *rand.Rand, words []string, depth int, fields bool) string {
	quoted := false
	term := func() string {
		if w := pick(r, words); !slices.Contains(naiveWords, w) {
			return shaped(r, w, quoted)
		}
		if r.IntN(6) == 0 {
			return pick(r, []string{"missile*", "ki?", "북한*", "al*", "ракет*", "朝鮮*", "=NATO", "=kim", "صاروخ*", "ab*", "?9"})
		}
		if r.IntN(8) == 0 {
			return pick(r, []string{"~missile", "~ракетами", "~صاروخ", "~북한", "~accords", "~alqaeda", "~朝鮮", "~nations", "~rockets"})
		}
		if !quoted && r.IntN(8) == 0 {
			return pick(r, []string{"/miss?iles?/", "/k.?9/", "/ракет[аы]/", "/북한.+/i", "/朝|鮮/", "/al(qaeda)?/", "/a?bc?/", "/.*qaeda/", "/(l|k)im?/", "/ال.*خ/"})
		}
		return pick(r, naiveWords)
	}
	phrase := func() string {
		quoted = true
		defer func() { quoted = false }()
		w := []string{term(), term()}
		if r.IntN(3) == 0 {
			w = append(w, term())
		}
		return `"` + strings.Join(w, " ") + `"`
	}
	operand := func() string {
		if r.IntN(10) == 0 {
			return pick(r, []string{"$arms", "$dprk"})
		}
		switch r.IntN(4) {
		case 0:
			return phrase()
		case 1:
			return "(" + term() + " OR " + phrase() + ")"
		}
		return term()
	}
	if depth == 0 {
		switch r.IntN(8) {
		case 0, 1:
			return phrase()
		case 2:
			return phrase() + fmt.Sprintf("~%d", r.IntN(4))
		case 3:
			return pick(r, []string{"$arms", "$both", "$dprk"})
		case 4:
			if fields {
				return pick(r, naiveValues)
			}
		}
		return term()
	}
	switch r.IntN(12) {
	case 0:
		in := ""
		if fields {
			in = pick(r, []string{"", "", "", "title:", "body:", "author:"})
		}
		return fmt.Sprintf("ATLEAST/%d ", 1+r.IntN(4)) + in + operand()
	case 1, 2:
		if fields {
			return pick(r, []string{"SENTENCE", "PARAGRAPH", "SENTENCE", fmt.Sprintf("FIRST/%d ", 1+r.IntN(12)), fmt.Sprintf("lead:FIRST/%d ", 1+r.IntN(6)), "body:SENTENCE"}) +
				"(" + randomQuery(r, words, depth-1, false) + ")"
		}
		return pick(r, []string{"SENTENCE", "PARAGRAPH", fmt.Sprintf("FIRST/%d ", 1+r.IntN(12))}) + "(" + randomQuery(r, words, depth-1, false) + ")"
	}
	sub := func() string { return "(" + randomQuery(r, words, depth-1, fields) + ")" }
	switch r.IntN(9) {
	case 0, 1:
		return sub() + " " + sub()
	case 2, 3:
		return sub() + " OR " + sub()
	case 4:
		return sub() + " NOT " + sub()
	case 5, 6:
		q := operand() + pick(r, []string{" NEAR ", " NEAR/0 ", " NEAR/1 ", " ONEAR/2 "}) + operand()
		if r.IntN(3) == 0 {
			q += pick(r, []string{" NEAR/1 ", " ONEAR/3 "}) + operand()
		}
		return q
	case 7:
		return randomQuery(r, words, 0, fields)
	}
	if !fields {
		return randomQuery(r, words, 0, fields)
	}
	return pick(r, []string{"title:", "body:", "lead:", "author:", "agency:"}) + "(" + randomQuery(r, words, 0, false) + ")"
}

func randomText(r *rand.Rand, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		if most > 8 && r.IntN(40) == 0 {
			b.WriteString(pick(r, naiveSentences))
		}
		b.WriteString(pick(r, naiveWords))
		b.WriteString(pick(r, []string{" ", " ", " ", " ", " ", " ", "-", ", ", ". ", "。", "! ", "\n", "\n\n", "", "’", "—", "–", "‑"}))
	}
	return b.String()
}

func (n *node) walk(f func(*node)) {
	f(n)
	for _, k := range n.kids {
		k.walk(f)
	}
}
