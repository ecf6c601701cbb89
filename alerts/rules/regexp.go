package rules

import (
	"fmt"
	"regexp"
	resyntax "regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// Bounds of a regular expression.
const (
	maxRegexp = 256  // bytes, as typed
	maxProg   = 2000 // instructions; each letter of a word costs at most so many steps
)

// A pattern is a regular expression (RE2) that must cover the whole of a folded word.
type pattern struct {
	re      *regexp.Regexp
	prefix  string // how every word begins that it covers; may be empty
	literal string // what every word contains that it covers, as far as can be told; may be empty
}

// match reports whether the pattern covers w. Looking for the literal first spares most words the automaton.
func (p *pattern) match(w []byte) bool {
	return strings.Contains(string(w), p.literal) && p.re.Match(w)
}

// compilePattern compiles / and an expression that p.regexp has accepted.
func compilePattern(s string) *pattern {
	s = s[1:]
	p := &pattern{re: regexp.MustCompile(`^(?:` + s + `)$`)}
	tree, err := resyntax.Parse(s, resyntax.Perl)
	if err == nil {
		tree = tree.Simplify()
		p.prefix, p.literal = prefix(tree), literal(tree)
	}
	return p
}

// literal is the longest text that every match of x contains, as far as its parts in a row say.
func literal(x *resyntax.Regexp) string {
	best := ""
	switch x.Op {
	case resyntax.OpLiteral:
		if x.Flags&resyntax.FoldCase == 0 {
			return string(x.Rune)
		}
	case resyntax.OpCapture, resyntax.OpPlus:
		return literal(x.Sub[0])
	case resyntax.OpConcat:
		for _, k := range x.Sub {
			if l := literal(k); len(l) > len(best) {
				best = l
			}
		}
	}
	return best
}

// prefix is how every match of x begins.
func prefix(x *resyntax.Regexp) string {
	switch x.Op {
	case resyntax.OpLiteral:
		if x.Flags&resyntax.FoldCase == 0 {
			return string(x.Rune)
		}
	case resyntax.OpCapture, resyntax.OpPlus, resyntax.OpConcat:
		return prefix(x.Sub[0])
	}
	return ""
}

// foldPattern folds the letters of an expression as those of a word and leaves its escapes, classes by name and flags alone: \S
// is not \s.
func foldPattern(s string) string {
	var b strings.Builder
	from := 0 // of what is not yet written
	flush := func(to, next int) {
		b.WriteString(text.Fold(s[from:to]))
		b.WriteString(s[to:next])
		from = next
	}
	for i := 0; i < len(s); {
		n := 1
		switch {
		case s[i] == '\\' && i+1 < len(s):
			_, m := utf8.DecodeRuneInString(s[i+1:])
			n += m
			switch s[i+1] {
			case 'p', 'P', 'x':
				if rest := s[i+2:]; strings.HasPrefix(rest, "{") {
					n += strings.IndexByte(rest, '}') + 1
				} else if s[i+1] == 'x' {
					n += min(2, len(rest))
				} else {
					n += min(1, len(rest))
				}
			}
		case strings.HasPrefix(s[i:], "(?"):
			n = len(s) - i
			if j := strings.IndexAny(s[i:], ":)>"); j >= 0 {
				n = j + 1
			}
		default:
			i++
			continue
		}
		flush(i, i+n)
		i += n
	}
	flush(len(s), len(s))
	return b.String()
}

// regexp reads /…/ and an i behind it, which says what is so anyway: words are compared without case.
func (p *parser) regexp() (*node, *Error) {
	pos := p.i
	end, escaped := -1, false
	for i := pos + 1; i < len(p.s) && end < 0; i++ {
		switch {
		case escaped:
			escaped = false
		case p.s[i] == '\\':
			escaped = true
		case p.s[i] == '/':
			end = i
		}
	}
	if end < 0 {
		return nil, p.fail(pos, "this regular expression is never closed", "add / where it ends; a slash inside it is written \\/")
	}
	src := p.s[pos+1 : end]
	if i := strings.IndexFunc(src, unicode.IsSpace); i >= 0 {
		return nil, p.fail(pos+1+i, "a space in a regular expression, which is compared with one word", "write a chain of several: /kim.*/ ONEAR/0 /jong.*/")
	}
	if len(src) > maxRegexp {
		return nil, p.fail(pos, fmt.Sprintf("a regular expression of more than %d bytes", maxRegexp), "split it: (/a.*/ OR /b.*/)")
	}
	p.i = end + 1
	if flags := p.word(); flags == "i" {
		p.i++
	} else if flags != "" {
		return nil, p.fail(p.i, "only i can stand behind a regular expression", "leave a space before the next word")
	}
	if err := p.spend(pos); err != nil {
		return nil, err
	}
	u, msg, hint := regexpUnit(src)
	if msg != "" {
		return nil, p.fail(pos, msg, hint)
	}
	return &node{op: opTerm, pos: pos, text: p.s[pos:p.i], words: []piece{{alts: [][]unit{{u}}}}, slop: -1}, nil
}

// regexpUnit checks an expression; msg says what is wrong with it.
func regexpUnit(src string) (u unit, msg, hint string) {
	if src == "" {
		return u, "the regular expression is empty", "write it between the slashes: /su-?[0-9]+/"
	}
	folded := strings.ReplaceAll(foldPattern(src), `\/`, "/")
	tree, err := resyntax.Parse(folded, resyntax.Perl)
	if err != nil {
		msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return u, "this is no regular expression: " + msg, "the syntax is that of RE2; a sign of it that is meant as text takes \\ before it"
	}
	prog, err := resyntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxProg {
		return u, "the regular expression is too large once its repetitions are written out", "repeat less: a{1,9}"
	}
	re, err := regexp.Compile(`^(?:` + folded + `)$`)
	if err != nil {
		return u, "this is no regular expression: " + err.Error(), "the syntax is that of RE2"
	}
	if re.MatchString("") {
		return u, "the regular expression matches the empty word, and so everything", "ask for at least one letter: /missiles?/, not /(missiles)?/"
	}
	if w := ordinary(re); w != "" {
		return u, "the regular expression matches every word, such as " + w, "write letters that the word must have: /miss?iles?/"
	}
	return unit{text: "/" + folded, re: true}, "", ""
}

// ordinary is a word of those that re must not all match; "" if it is narrow enough. It is too wide when it covers half of a
// few dozen words of one script that have nothing in common.
func ordinary(re *regexp.Regexp) string {
	for _, words := range [...]string{
		"the of was with jumps quick brown fox lazy dog vexed zebra nymph waltz bulky judge minister president government international",
		"и не что был юг съешь ещё мягких булок чаю цапля эхо жук фильтр правительство президент международный",
		"και το ζω ψηφί γάτος ξεφεύγω μπορεί όχι δέρμα χώρα κυβέρνηση πρόεδρος διεθνής",
		"من في كان نص غيث بطة خروف ضوء ظلال شجرة حكومة رئيس عسكري جديد",
		"이 그 정부 대통령 물고기 학교 바람 커피 토끼 옷장 텔레비전 국제사회",
		"的一是不了人我在有他这中大来上国个到说们水火山石田禾米鱼鸟马龙虎",
		"のにはをたがでてとしれさいアイウカキクサシタテナニネハミムルロン",
	} {
		n, all := 0, 0
		first := ""
		for _, t := range text.Tokens(words) {
			all++
			if re.MatchString(t.Text) {
				if n++; first == "" {
					first = t.Text
				}
			}
		}
		if 2*n >= all {
			return first
		}
	}
	return ""
}
