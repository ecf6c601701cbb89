package main

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"

	"wirewatch/pipeline/text"
)

// A difference is a class of decisions in which the matcher is meant to say something else than another engine.
type difference struct {
	name     string // what and why
	between  bool   // it is about what lies between the operands of NEAR
	when     func(evidence) bool
	examples []example
}

// An example shows a difference where it is all there is.
type example struct {
	query *query
	body  string
	ours  bool // and the other engine says the opposite
}

// evidence is a place where one side alone finds a leaf; of NEAR the stretch from one operand to another.
type evidence struct {
	leaf       *query
	theirs     bool // it is the oracle that finds it
	src        string
	start, end int
}

func (e evidence) ours() bool { return !e.theirs }

func (e evidence) hit() string { return e.src[e.start:e.end] }

// typed is what the leaf asks for.
func (e evidence) typed() string { return strings.Join(e.leaf.words, " ") }

// before and after are the characters beside the place; utf8.RuneError at the ends of the text.
func (e evidence) before() rune {
	r, _ := utf8.DecodeLastRuneInString(e.src[:e.start])
	return r
}

func (e evidence) after() rune {
	r, _ := utf8.DecodeRuneInString(e.src[e.end:])
	return r
}

// holds reports whether a match of re has a part in the place.
func (e evidence) holds(re *regexp.Regexp) bool {
	lo, hi := e.start, e.end
	for range 12 { // characters
		_, n := utf8.DecodeLastRuneInString(e.src[:lo])
		_, m := utf8.DecodeRuneInString(e.src[hi:])
		lo, hi = lo-n, hi+m
	}
	return slices.ContainsFunc(re.FindAllStringIndex(e.src[lo:hi], -1), func(x []int) bool { return lo+x[0] < e.end && e.start < lo+x[1] })
}

// either reports whether a match of re has a part in the place or in what is asked for.
func (e evidence) either(re *regexp.Regexp) bool { return e.holds(re) || re.MatchString(e.typed()) }

// String shows the place with something around it.
func (e evidence) String() string {
	lo, hi := e.start, e.end
	for range 15 {
		_, n := utf8.DecodeLastRuneInString(e.src[:lo])
		_, m := utf8.DecodeRuneInString(e.src[hi:])
		lo, hi = lo-n, hi+m
	}
	return strings.ReplaceAll("…"+e.src[lo:e.start]+"⟦"+e.hit()+"⟧"+e.src[e.end:hi]+"…", "\n", "⏎")
}

// split reports whether the place has more or fewer parts than what is asked for, of which some are joined.
func (e evidence) split() bool {
	n := 1
	if e.leaf.op != "pattern" {
		n = len(parts(e.typed()))
	}
	return e.either(joint) && len(parts(e.hit())) != n
}

// parts are the runs of letters, digits and marks.
func parts(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !wordly(r) })
}

func wordly(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
}

// Shapes of text that the engines read differently.
var (
	joint     = regexp.MustCompile("[\\p{L}\\p{N}\\p{M}]['’‘`´ʼ＇‐‑－-][\\p{L}\\p{N}]")
	acronym   = regexp.MustCompile(`(?:^|[^\p{L}\p{N}\p{M}])\p{L}(?:\.\p{L})+`)
	thousands = regexp.MustCompile(`[0-9]{1,3}(?:,[0-9]{3})+`)
	hidden    = regexp.MustCompile(`[\p{L}\p{N}]\p{Cf}+[\p{L}\p{N}]`)
	mixedHang = regexp.MustCompile(`\p{Hangul}[\p{Latin}\p{N}]|[\p{Latin}\p{N}]\p{Hangul}`)
	unmarked  = regexp.MustCompile(`[ßẞæÆœŒþÞøØłŁđĐðÐħĦŧŦıİəƏŋŊ]`)
	inner     = regexp.MustCompile(`[\p{L}\p{M}](?:\p{Cf}*['‘’＇.．:：·‧․\x{2b9}-\x{2ff}]\p{Cf}*\p{L}[\p{L}\p{M}]*)+|\p{N}(?:[\p{M}\p{Cf}]*['‘’＇.．,，;；․]\p{Cf}*\p{N}+)+|[\p{L}\p{N}\p{M}_＿]*[_＿][\p{L}\p{N}\p{M}_＿]*|[\p{L}\p{N}\p{M}]+[\x{2b9}-\x{2ff}]+[\p{L}\p{N}]*`)
	katakana  = regexp.MustCompile(`[\p{Katakana}ー]{2,}`)
	subscript = regexp.MustCompile(`[\p{L}\p{N}][₀-₉]+`)
	yo        = regexp.MustCompile(`[ёЁ]`)
	trailing  = regexp.MustCompile(`[\p{L}\p{N}\p{M}]\p{Cf}+[\p{L}\p{N}]?`)
	raised    = regexp.MustCompile(`[\p{L}\p{N}]?[²³¹¼-¾⁰-⁹①-⒛]+[\p{L}\p{N}]?`)
	modifier  = regexp.MustCompile(`[\p{L}\p{N}\p{M}]?[\x{2b9}-\x{2ff}]+[\p{L}\p{N}]?`)
	breve     = regexp.MustCompile("[иИуУ]\\p{M}*\u0306")
)

// spaceless reports whether a script without spaces has a part in the place or touches it.
func (e evidence) spaceless() bool {
	return strings.ContainsFunc(e.hit(), text.Spaceless) || text.Spaceless(e.before()) || text.Spaceless(e.after())
}

// compatible reports whether the place, or what is asked for, has letters or digits that are forms of others: Ｋ, ﬁ, ².
func (e evidence) compatible() bool {
	form := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return norm.NFKC.String(string(r)) != string(r) })
	}
	return form(e.hit()) || form(e.typed())
}

// besideForm reports whether what touches the place is such a form.
func (e evidence) besideForm() bool {
	form := func(r rune) bool { return r != utf8.RuneError && wordly(r) && norm.NFKC.String(string(r)) != string(r) }
	return form(e.before()) || form(e.after())
}

// digits reports whether the place, or what is asked for, has digits of other scripts.
func (e evidence) digits() bool {
	other := func(r rune) bool { return r > 0x7f && unicode.IsDigit(r) }
	return strings.ContainsFunc(e.hit(), other) || strings.ContainsFunc(e.typed(), other)
}

// vowels reports whether the place, what touches it or what is asked for has marks that folding leaves out and that are no accents.
func (e evidence) vowels() bool {
	mark := func(r rune) bool { return r > 0x36f && unicode.IsMark(r) && text.Fold("a"+string(r)) == "a" }
	return strings.ContainsFunc(e.hit(), mark) || strings.ContainsFunc(e.typed(), mark) || mark(e.before()) || mark(e.after())
}

// unicode61 are the characters of the Unicode that FTS5 knows.
var unicode61 = rangetable.Assigned("6.1.0")

// newer reports whether the place, what touches it or what is asked for has characters that are newer.
func (e evidence) newer() bool {
	since := func(r rune) bool { return r != utf8.RuneError && !unicode.In(r, unicode61, unicode.Co) }
	return strings.ContainsFunc(e.hit(), since) || strings.ContainsFunc(e.typed(), since) || since(e.before()) || since(e.after())
}

// arabic reports whether the place, or what is asked for, has letters that folding makes one of, as those of Arabic are typed.
func (e evidence) arabic() bool {
	form := func(r rune) bool {
		return text.Script(r) == "Arab" && unicode.IsLetter(r) && text.Fold(string(r)) != string(r)
	}
	return strings.ContainsFunc(e.hit(), form) || strings.ContainsFunc(e.typed(), form)
}

// folds reports whether folding does more to the words of the place, or to those asked for, than NFKC and lower case do.
func (e evidence) folds() bool {
	return e.either(unmarked) || slices.ContainsFunc(append(parts(e.hit()), parts(e.typed())...), func(w string) bool {
		return text.Fold(w) != strings.ToLower(norm.NFKC.String(w))
	})
}

// decomposed reports whether the place, or what is asked for, has Hangul in its parts, as some systems store it.
func (e evidence) decomposed() bool {
	apart := func(s string) bool {
		return norm.NFC.String(s) != s && strings.ContainsFunc(s, func(r rune) bool { return text.Script(r) == "Hang" })
	}
	return apart(e.hit()) || apart(e.typed())
}

// withParticles reports whether the place has the words that are asked for, some of them with Korean particles behind.
func (e evidence) withParticles() bool {
	hit, typed := parts(e.hit()), parts(e.typed())
	if len(hit) != len(typed) {
		return false
	}
	found := false
	for i := range hit {
		a, b := text.Fold(hit[i]), text.Fold(typed[i])
		if a != b {
			if rest, ok := strings.CutPrefix(a, b); !ok || text.Script([]rune(rest)[0]) != "Hang" {
				return false
			}
			found = true
		}
	}
	return found
}

// shared reports whether one word serves two operands.
func (e evidence) shared() bool {
	seen := map[string]bool{}
	for _, w := range e.leaf.words {
		own := map[string]bool{}
		for _, p := range parts(w) {
			p = text.Fold(p)
			if seen[p] {
				return true
			}
			own[p] = true
		}
		for p := range own {
			seen[p] = true
		}
	}
	return false
}

func word(w string) *query { return &query{op: "word", words: []string{w}} }

func phrase(w string) *query { return &query{op: "phrase", words: []string{w}} }

func prefix(w string) *query { return &query{op: "prefix", words: []string{w}} }

func near(n int, w ...string) *query { return &query{op: "near", words: w, n: n} }

func loose(n int, w ...string) *query { return &query{op: "loose", words: w, n: n} }

func pattern(w string) *query { return &query{op: "pattern", words: []string{w}} }
