package rules

import (
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// A piece is what an analyst typed between two spaces: one or several ways to write the same word.
type piece struct {
	alts [][]unit
}

// A unit is one token to be found.
type unit struct {
	text  string // folded; with * and ? in it a pattern
	exact string // text.Exact of the token, where case and diacritics count; else ""
	stem  bool   // any form of the word, by the stemmer of the article's language
	re    bool   // text is / and a regular expression
	tight bool   // stands directly behind the unit before it: a character of a word in a script without spaces
}

func (u unit) wild() bool { return u.re || strings.ContainsAny(u.text, "*?") }

// While a query is cut into words its wildcards must be letters, or the cut would be made at them. These two are Linear A,
// which no newspaper prints.
const (
	starLetter  = '\U00010600'
	questLetter = '\U00010601'
)

var (
	hideWildcards = strings.NewReplacer("*", string(starLetter), "?", string(questLetter))
	showWildcards = strings.NewReplacer(string(starLetter), "*", string(questLetter), "?")
)

// maxJoints bounds the ways in which parts joined by hyphens are tried as one word: two to the power of this.
const maxJoints = 3

// cut reads one typed word. A piece without alternatives means that there is no letter or digit in it. msg says what is wrong, if
// anything is.
func cut(typed string) (p piece, msg, hint string) {
	s := typed
	exact := strings.HasPrefix(s, "=")
	if exact {
		s = s[1:]
		if strings.ContainsAny(s, "*?") {
			return p, "an exact word (=) takes no wildcard", "write " + strings.TrimLeft(typed, "=") + " or spell the word out"
		}
	}
	stem := strings.HasPrefix(s, "~")
	if stem {
		s = s[1:]
		switch {
		case exact:
			return p, "a word is exact (=) or stemmed (~), not both", "write " + typed[:1] + s + " or ~" + s
		case strings.HasPrefix(s, "="):
			return p, "a word is exact (=) or stemmed (~), not both", "write " + s + " or ~" + s[1:]
		case strings.ContainsAny(s, "*?"):
			return p, "a stemmed word (~) takes no wildcard", "write " + s + ", or ~ and the whole word"
		}
	}
	s = hideWildcards.Replace(s)
	var toks []text.Token
	var tight []bool
	for _, t := range text.Tokens(s) {
		n := len(toks)
		joined := n > 0 && toks[n-1].End == t.Start
		first, _ := utf8.DecodeRuneInString(t.Text)
		if joined && (first == starLetter || first == questLetter) {
			last, _ := utf8.DecodeLastRuneInString(toks[n-1].Text)
			if text.Spaceless(last) {
				if strings.Trim(t.Text, string(starLetter)) == "" && t.End == len(s) {
					continue // 朝鮮* says no more than 朝鮮: such words match inside longer ones anyway
				}
				return p, "a wildcard inside a word of a script without spaces", "write the parts as a chain, 朝 ONEAR/3 鮮, or name the words, joined by OR"
			}
			toks[n-1].Text += t.Text
			toks[n-1].End = t.End
			continue
		}
		// A wildcard that opens a word would glue itself to what follows: text.Tokens sees one word there, so only the
		// end of a Hangul word, which is cut from other letters, comes here in two.
		last := rune(0)
		if joined {
			last, _ = utf8.DecodeLastRuneInString(toks[n-1].Text)
		}
		toks = append(toks, t)
		tight = append(tight, joined && (text.Spaceless(first) || text.Spaceless(last)))
	}
	if len(toks) == 0 {
		return p, "", ""
	}
	units := make([]unit, len(toks))
	for i, t := range toks {
		units[i] = unit{text: showWildcards.Replace(t.Text), stem: stem, tight: tight[i]}
		if exact {
			units[i].exact = text.Exact(s[t.Start:t.End])
		}
		if units[i].wild() {
			units[i].text = squeeze(units[i].text)
			if msg, hint := badPattern(units[i].text, units[:i]); msg != "" {
				return p, msg, hint
			}
		}
	}
	p.alts = [][]unit{units}
	if exact {
		return p, "", ""
	}
	if len(toks) == 1 && !stem && !units[0].wild() {
		if l := apart(s[toks[0].Start:toks[0].End]); l != nil {
			p.alts = append(p.alts, l)
		}
	}
	var joints []int // i where toks[i] and toks[i+1] are also one word
	for i := 0; i+1 < len(toks); i++ {
		if units[i].wild() {
			continue
		}
		if _, ok := text.Joined(s, toks[i], toks[i+1]); ok {
			joints = append(joints, i)
		}
	}
	if len(joints) > maxJoints {
		joints = nil
	}
	for set := 1; set < 1<<len(joints); set++ {
		var alt []unit
		for i, u := range units {
			glued := false
			for b, j := range joints {
				glued = glued || j == i-1 && set>>b&1 == 1
			}
			if glued {
				alt[len(alt)-1].text += u.text
			} else {
				alt = append(alt, u)
			}
		}
		p.alts = append(p.alts, alt)
	}
	return p, "", ""
}

// apart are the letters of an acronym typed with dots, each a word: J.D. is found in J. D. too, as many papers set initials. Else nil.
func apart(typed string) (out []unit) {
	if !strings.Contains(typed, ".") {
		return nil
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(typed, "."), ".") {
		out = append(out, unit{text: text.Fold(l)})
	}
	return out
}

func squeeze(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return s
}

// badPattern says what is wrong with a pattern of wildcards, if anything is: what stands before the first *, in it or in the words
// that were typed together with it (K-9*), must narrow the search, or every word of the article is a candidate.
func badPattern(p string, typed []unit) (msg, hint string) {
	literal, before, star := 0, 0, false
	for _, u := range typed {
		before += len(strings.Trim(u.text, "*?"))
	}
	for _, r := range p {
		switch r {
		case '*':
			star = true
		case '?':
		default:
			w := 1
			if text.Script(r) == "Hang" {
				w = 2 // a syllable is two letters at least
			}
			literal += w
			if !star {
				before += w
			}
		}
	}
	if literal == 0 {
		return "a word of wildcards alone matches everything", "write at least two letters before *"
	}
	if star && before < 2 {
		return "* needs at least two letters or digits before it", "write more of the word, or name the words joined by OR"
	}
	return "", ""
}

// glob reports whether the pattern p, in which * is any run of characters and ? any one, covers all of s.
func glob(p, s string) bool {
	back, mark := -1, 0 // after the last *, and where in s it was tried
	i, j := 0, 0
	for j < len(s) {
		if i < len(p) && p[i] == '*' {
			i++
			back, mark = i, j
			continue
		}
		if i < len(p) {
			a, n := utf8.DecodeRuneInString(p[i:])
			b, m := utf8.DecodeRuneInString(s[j:])
			if a == b || a == '?' {
				i += n
				j += m
				continue
			}
		}
		if back < 0 {
			return false
		}
		_, m := utf8.DecodeRuneInString(s[mark:])
		mark += m
		i, j = back, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
