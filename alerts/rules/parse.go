package rules

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a query; beyond them it is an error.
const (
	maxQuery = 64 << 10 // bytes
	maxDepth = 100      // parentheses in parentheses
	maxGap   = 1000     // words, of NEAR and of a phrase's ~
	maxLoose = 8        // words of a phrase with ~
	maxChain = 32       // operands of one chain of NEAR
	maxWords = 20000    // terms, phrases and values, those of lists included
)

// Parse reads a query that names no lists. The error, if any, is an *Error.
func Parse(query string) (*Query, error) { return ParseWith(query, nil) }

// ParseWith reads a query in which $name stands for one of the lists. The error, if any, is an *Error.
func ParseWith(query string, lists Lists) (*Query, error) {
	p := &parser{s: query, lists: lists, left: new(int)}
	*p.left = maxWords
	if len(query) > maxQuery {
		return nil, p.fail(0, fmt.Sprintf("the query is longer than %d bytes", maxQuery), "split it into several rules")
	}
	root, err := p.all()
	if err != nil {
		return nil, err
	}
	if n := root.holdsOnNothing(); n != nil {
		return nil, p.fail(n.pos, "the rule can match everything: what it asks for here is only that something is absent",
			"say what must be there: word AND NOT other")
	}
	return &Query{text: query, root: root, warn: p.warn, lists: lists}, nil
}

type parser struct {
	s      string
	i      int
	depth  int
	field  field  // of the enclosing field:, 0 outside
	window string // the enclosing FIRST, SENTENCE or PARAGRAPH, "" outside
	warn   []warning
	lists  Lists
	open   []string // the lists that are being read, outermost first
	left   *int     // of maxWords; common to the query and its lists
}

// all reads the whole of p.s.
func (p *parser) all() (*node, *Error) {
	root, err := p.or("")
	if err != nil {
		return nil, err
	}
	if p.space(); p.i < len(p.s) { // or stops early only at a parenthesis that nothing opened
		return nil, p.fail(p.i, "this parenthesis closes nothing", "remove it, or put the ( where the group begins")
	}
	return root, nil
}

// spend counts a term, phrase or value at pos.
func (p *parser) spend(pos int) *Error {
	if *p.left--; *p.left < 0 {
		return p.fail(pos, fmt.Sprintf("the query asks for more than %d words, its lists included", maxWords), "split it into several rules")
	}
	return nil
}

func (p *parser) fail(pos int, msg, hint string) *Error {
	return &Error{Query: p.s, Pos: pos, Msg: msg, Hint: hint}
}

func (p *parser) warnf(pos int, format string, args ...any) {
	p.warn = append(p.warn, warning{query: p.s, pos: pos, msg: fmt.Sprintf(format, args...)})
}

func (p *parser) space() {
	for p.i < len(p.s) {
		r, n := utf8.DecodeRuneInString(p.s[p.i:])
		if !unicode.IsSpace(r) && r != 0xfeff && r != 0x200b {
			return
		}
		p.i += n
	}
}

func isQuote(r rune) bool {
	switch r {
	case '"', '“', '”', '„', '‟', '«', '»':
		return true
	}
	return false
}

// word is what stands at p.i up to white space, a parenthesis or a quote; it does not move p.i.
func (p *parser) word() string {
	rest := p.s[p.i:]
	if n := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || isQuote(r) }); n >= 0 {
		return rest[:n]
	}
	return rest
}

// operator is the operator that word spells, without its number, or "".
func operator(word string) string {
	name, _, _ := strings.Cut(word, "/")
	switch name {
	case "AND", "OR", "NOT":
		if name == word {
			return name
		}
	case "NEAR", "ONEAR", "ATLEAST", "FIRST":
		if name == "NEAR" || name == "ONEAR" || name != word {
			return name
		}
	case "SENTENCE", "PARAGRAPH":
		if name == word {
			return name
		}
	}
	return ""
}

// next is the operator at p.i after white space, or "".
func (p *parser) next() string {
	p.space()
	return operator(p.word())
}

// done reports the end of the query or of a group.
func (p *parser) done() bool {
	p.space()
	return p.i == len(p.s) || p.s[p.i] == ')'
}

// or reads a rule; after says what stands before it, for messages: "" at the beginning.
func (p *parser) or(after string) (*node, *Error) {
	p.space()
	pos := p.i
	n, err := p.and(after)
	if err != nil {
		return nil, err
	}
	var kids []*node
	for p.next() == "OR" {
		p.i += len("OR")
		k, err := p.and("OR")
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	return group(opOr, pos, n, kids), nil
}

func (p *parser) and(after string) (*node, *Error) {
	p.space()
	pos := p.i
	n, err := p.not(after)
	if err != nil {
		return nil, err
	}
	var kids []*node
	for !p.done() {
		after := ""
		switch p.next() {
		case "OR":
			return group(opAnd, pos, n, kids), nil
		case "AND":
			p.i += len("AND")
			after = "AND"
		}
		k, err := p.not(after)
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	return group(opAnd, pos, n, kids), nil
}

// group makes one node of first and the rest; members of the same operator are taken in, so that (a b) c is a b c.
func group(o op, pos int, first *node, rest []*node) *node {
	if len(rest) == 0 {
		return first
	}
	n := &node{op: o, pos: pos}
	for _, k := range append([]*node{first}, rest...) {
		if k.op == o {
			n.kids = append(n.kids, k.kids...)
		} else {
			n.kids = append(n.kids, k)
		}
	}
	return n
}

func (p *parser) not(after string) (*node, *Error) {
	p.space()
	pos := p.i
	sign := ""
	switch {
	case p.next() == "NOT":
		sign = "NOT"
	case strings.HasPrefix(p.s[p.i:], "-"):
		sign = "-"
	default:
		return p.near(after)
	}
	p.i += len(sign)
	if sign == "-" {
		if r, _ := utf8.DecodeRuneInString(p.s[p.i:]); p.i == len(p.s) || unicode.IsSpace(r) || r == ')' {
			return nil, p.fail(pos, "a minus alone", "put it directly before the word it excludes, -word; a dash between words is left out")
		}
	}
	if p.next() == "NOT" || strings.HasPrefix(p.s[p.i:], "-") {
		return nil, p.fail(p.i, "negated twice", "one NOT or one minus is enough")
	}
	n, err := p.near(sign)
	if err != nil {
		return nil, err
	}
	return &node{op: opNot, pos: pos, kids: []*node{n}}, nil
}

func (p *parser) near(after string) (*node, *Error) {
	p.space()
	pos := p.i
	n, err := p.unit(after)
	if err != nil {
		return nil, err
	}
	chain := &node{op: opNear, pos: pos, kids: []*node{n}}
	for {
		o := p.next()
		if o != "NEAR" && o != "ONEAR" {
			break
		}
		at, w := p.i, p.word()
		if len(chain.kids) == maxChain {
			return nil, p.fail(at, fmt.Sprintf("a chain of NEAR joins at most %d words or lists", maxChain), "join some of them by AND, or put alternatives into one list: (a OR b) NEAR c")
		}
		g := near{n: 4, ordered: o == "ONEAR"}
		if w != o {
			g.n, err = p.number(at, w, o)
			if err != nil {
				return nil, err
			}
		}
		if p.field.value() {
			return nil, p.fail(at, o+" counts words, and "+p.field.String()+": is not text", "join the values with OR")
		}
		p.i += len(w)
		k, err := p.unit(w)
		if err != nil {
			return nil, err
		}
		for _, x := range []*node{chain.kids[len(chain.kids)-1], k} {
			if bad := operandError(x); bad != nil {
				hint := remedy(bad, o)
				if len(chain.kids) == 1 {
					hint = cmp.Or(rewritten(chain.kids[0], k, bad, w), hint)
				}
				return nil, p.fail(bad.pos, o+" takes words, phrases and lists of them joined by OR, not "+describe(bad), hint)
			}
		}
		chain.kids = append(chain.kids, k)
		chain.gaps = append(chain.gaps, g)
	}
	if len(chain.kids) == 1 {
		return n, nil
	}
	return chain, nil
}

// operandError is the node because of which n cannot stand beside NEAR, or nil.
func operandError(n *node) *node {
	switch n.op {
	case opTerm:
		return nil
	case opList:
		if bad := operandError(n.kids[0]); bad != nil { // shown where the list is named
			return &node{op: bad.op, pos: n.pos, field: bad.field, count: bad.count, text: n.text}
		}
		return nil
	case opPhrase:
		if n.slop >= 0 {
			return n
		}
		return nil
	case opOr:
		for _, k := range n.kids {
			if bad := operandError(k); bad != nil {
				return bad
			}
		}
		return nil
	}
	return n
}

func describe(n *node) string {
	switch n.op {
	case opAnd:
		return "AND"
	case opNot:
		return "NOT"
	case opField:
		return n.field.String() + ":"
	case opNear:
		return "another NEAR in parentheses"
	case opPhrase:
		return "a phrase with ~"
	case opAtLeast, opFirst, opSentence, opParagraph:
		return n.op.name()
	}
	return "this"
}

// number reads the n of w, which is name/n.
func (p *parser) number(pos int, w, name string) (int, *Error) {
	n, err := strconv.Atoi(strings.TrimPrefix(w, name+"/"))
	if err != nil || n < 0 || n > maxGap || w[len(name)+1] == '+' || w[len(name)+1] == '-' {
		if name == "ATLEAST" {
			return 0, p.fail(pos+len(name)+1, "ATLEAST/ takes a number from 1 to "+strconv.Itoa(maxGap), "write how often it must occur, without spaces: ATLEAST/3 word")
		}
		hint := "write " + name + "/5, without spaces"
		if strings.Trim(w[len(name)+1:], "0123456789") == "" && w != name+"/" {
			hint = "words so far apart are joined by AND"
			if name == "FIRST" {
				hint = "to look at the whole article leave FIRST/ out"
			}
		}
		return 0, p.fail(pos+len(name)+1, name+"/ takes a number of words from 0 to "+strconv.Itoa(maxGap), hint)
	}
	return n, nil
}

func (p *parser) unit(after string) (*node, *Error) {
	p.space()
	pos := p.i
	if p.i == len(p.s) {
		if after == "" {
			return nil, p.fail(pos, "the query is empty", "write at least one word")
		}
		return nil, p.fail(pos, "nothing after "+after, "write what "+after+" applies to, or remove it")
	}
	if p.s[p.i] == ')' {
		switch after {
		case "(":
			return nil, p.fail(pos, "nothing in the parentheses", "write at least one word in them, or remove them")
		case "":
			return nil, p.fail(pos, "this parenthesis closes nothing", "remove it, or put the ( where the group begins")
		}
		return nil, p.fail(pos, "nothing after "+after, "write what "+after+" applies to, or remove it")
	}
	w := p.word()
	switch o := operator(w); o {
	case "AND", "OR", "NEAR", "ONEAR":
		if after != "" && after != "(" {
			return nil, p.fail(pos, after+" is followed by "+w, "keep one of the two; to find the word itself put it in quotes")
		}
		return nil, p.fail(pos, "nothing before "+w, "write what stands on its left, or remove it; to find the word itself put it in quotes")
	case "NOT":
		return nil, p.fail(pos, after+" cannot take NOT", "write (a "+after+" b) AND NOT c")
	case "ATLEAST", "FIRST", "SENTENCE", "PARAGRAPH":
		return p.scoped(o, w)
	}
	if name, _, ok := strings.Cut(w, ":"); ok && latin(name) {
		return p.inField(pos, name, w, after)
	}
	return p.prim(w)
}

func latin(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

func (p *parser) inField(pos int, name, w, after string) (*node, *Error) {
	f, ok := fieldOf(name)
	if p.field.value() && !ok {
		return p.value() // a colon in a value, such as a URL's
	}
	if !ok {
		hint := "the fields are title, lead, body, author, site, url, lang, feed, tag, agency; if the colon is part of the text, put it in quotes"
		if strings.HasPrefix(w[len(name):], "://") {
			hint = `write url:"` + w + `", or site: and the host`
		} else if g := closest(strings.ToLower(name)); g != "" {
			hint = "write " + g + ": or, if the colon is part of the text, put it in quotes"
		}
		return nil, p.fail(pos, "there is no field "+strconv.Quote(name), hint)
	}
	if p.field != 0 {
		return nil, p.fail(pos, "a field inside "+p.field.String()+":", "write "+p.field.String()+":(…) AND "+name+":(…)")
	}
	if p.window != "" {
		return nil, p.fail(pos, "a field inside "+p.window+", which looks at the body alone", "write "+name+":… AND "+p.window+" (…)")
	}
	p.i += len(name) + 1
	p.field = f
	defer func() { p.field = 0 }()
	p.space()
	var k *node
	var err *Error
	switch {
	case p.i == len(p.s) || p.s[p.i] == ')':
		return nil, p.fail(pos, "nothing after "+name+":", "write what to look for there: "+name+":word")
	case prefixed(p.word()):
		k, err = p.scoped(operator(p.word()), p.word())
	case operator(p.word()) != "":
		return nil, p.fail(p.i, name+": is followed by "+p.word(), "write "+name+":word, or "+name+":(a OR b)")
	case f.value():
		k, err = p.value()
	default:
		w := p.word()
		if n, _, ok := strings.Cut(w, ":"); ok && latin(n) {
			k, err = p.inField(p.i, n, w, after)
		} else {
			k, err = p.prim(w)
		}
	}
	if err != nil {
		return nil, err
	}
	return &node{op: opField, pos: pos, field: f, kids: []*node{k}}, nil
}

// closest is the field whose name is at most two edits away from name, or "".
func closest(name string) string {
	best, dist := "", 3
	for _, x := range fieldNames {
		if d := edits(name, x.name); d < dist && d < len(x.name)-1 {
			best, dist = x.name, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two ASCII words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d++
			}
			diag = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// prim reads a group, a phrase or a term; w is the word at p.i.
func (p *parser) prim(w string) (*node, *Error) {
	pos := p.i
	r, n := utf8.DecodeRuneInString(p.s[pos:])
	switch {
	case r == '(':
		return p.parens()
	case p.field.value():
		return p.value()
	case isQuote(r):
		return p.phrase(n)
	case r == '/':
		return p.regexp()
	case isList(w):
		return p.list(w)
	}
	if err := p.strange(pos, w); err != nil {
		return nil, err
	}
	if err := p.spend(pos); err != nil {
		return nil, err
	}
	x, msg, hint := cut(w)
	if msg != "" {
		return nil, p.fail(pos, msg, hint)
	}
	if x.alts == nil {
		return nil, p.fail(pos, "no letter or digit in "+strconv.Quote(w), "remove it; signs alone are not indexed")
	}
	p.i += len(w)
	return &node{op: opTerm, pos: pos, text: w, words: []piece{x}, slop: -1}, nil
}

func (p *parser) parens() (*node, *Error) {
	pos := p.i
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(pos, fmt.Sprintf("more than %d parentheses within each other", maxDepth), "split the rule")
	}
	p.i++
	k, err := p.or("(")
	if err != nil {
		return nil, err
	}
	if p.space(); p.i == len(p.s) {
		return nil, p.fail(pos, "this parenthesis is never closed", "add ) where the group ends")
	}
	p.i++
	p.depth--
	return k, nil
}

// quoted reads a quoted text whose opening quote is n bytes; it leaves p.i behind the closing one.
func (p *parser) quoted(n int) (string, *Error) {
	pos := p.i
	rest := p.s[pos+n:]
	end := strings.IndexFunc(rest, isQuote)
	if end < 0 {
		return "", p.fail(pos, "this quote is never closed", `add " where the phrase ends`)
	}
	_, m := utf8.DecodeRuneInString(rest[end:])
	p.i = pos + n + end + m
	return strings.Join(strings.Fields(rest[:end]), " "), nil
}

func (p *parser) phrase(n int) (*node, *Error) {
	pos := p.i
	s, err := p.quoted(n)
	if err != nil {
		return nil, err
	}
	if err := p.spend(pos); err != nil {
		return nil, err
	}
	x := &node{op: opPhrase, pos: pos, text: s, slop: -1}
	if strings.HasSuffix(s, `\`) {
		return nil, p.fail(strings.LastIndexByte(p.s[:p.i], '\\'), `a \ keeps no quote within a phrase`, "leave out quotes inside a phrase: signs are not compared")
	}
	for _, w := range initials(strings.Fields(s)) {
		if err := p.inPhrase(pos+n+max(0, strings.Index(p.s[pos+n:], w)), w); err != nil {
			return nil, err
		}
		c, msg, hint := cut(w)
		if msg != "" {
			return nil, p.fail(pos+n+max(0, strings.Index(p.s[pos+n:], w)), msg, hint)
		}
		if c.alts != nil {
			x.words = append(x.words, c)
		} else if strings.ContainsAny(w, "*?") {
			return nil, p.fail(pos+n+max(0, strings.Index(p.s[pos+n:], w)), "a wildcard for a whole word in a phrase",
				`leave it out and allow words between: "a b"~1`)
		}
	}
	if x.words == nil {
		return nil, p.fail(pos, "the phrase is empty", "write words between the quotes")
	}
	if !strings.HasPrefix(p.s[p.i:], "~") {
		return x, nil
	}
	w := p.word()
	v, bad := strconv.Atoi(w[1:])
	if bad != nil || v < 0 || v > maxGap || w[1] == '+' {
		return nil, p.fail(p.i, "~ after a phrase takes a number of words from 0 to "+strconv.Itoa(maxGap), `write "a b"~5, without spaces`)
	}
	if len(x.words) < 2 || len(x.words) > maxLoose {
		return nil, p.fail(p.i, fmt.Sprintf("~ takes a phrase of 2 to %d words", maxLoose), "remove ~, or join the words with NEAR")
	}
	x.slop = v
	p.i += len(w)
	return x, nil
}

// initials puts letters with dots that stand side by side together, J. D. as J.D., so that either form of a name finds both.
func initials(words []string) (out []string) {
	open := false
	for _, w := range words {
		l, dot := strings.CutSuffix(w, ".")
		r, n := utf8.DecodeRuneInString(l)
		one := dot && n == len(l) && unicode.IsLetter(r)
		if one && open {
			out[len(out)-1] += w
		} else {
			out = append(out, w)
		}
		open = one
	}
	return out
}

// value reads what a field of values is compared with: quoted text, or text up to white space or the ) of a group.
func (p *parser) value() (*node, *Error) {
	pos := p.i
	r, n := utf8.DecodeRuneInString(p.s[pos:])
	v := &node{op: opValue, pos: pos, slop: -1, field: p.field}
	switch {
	case r == '(':
		return p.parens()
	case isList(p.word()):
		return p.list(p.word())
	case isQuote(r):
		s, err := p.quoted(n)
		if err != nil {
			return nil, err
		}
		v.text, v.quoted = s, true
	default:
		open, end := 0, len(p.s)
	scan:
		for i, r := range p.s[pos:] {
			switch {
			case r == '(':
				open++
			case r == ')' && open > 0:
				open--
			case r == ')', unicode.IsSpace(r):
				end = pos + i
				break scan
			}
		}
		v.text = p.s[pos:end]
		p.i = end
	}
	if i := strings.IndexFunc(v.text, isQuote); i >= 0 {
		return nil, p.fail(pos+i, "a quote inside a value", "put the whole value in quotes")
	}
	if err := p.spend(pos); err != nil {
		return nil, err
	}
	f := p.field
	switch strings.ToLower(v.text) {
	case "and", "or", "not":
		if !v.quoted {
			return nil, p.fail(pos, "operators are written in capitals", "write "+strings.ToUpper(v.text))
		}
	}
	if strings.Trim(v.text, "*? ") == "" {
		return nil, p.fail(pos, f.String()+":"+v.text+" matches everything", "write a value: "+f.String()+":"+example(f))
	}
	switch f {
	case fSite:
		if strings.ContainsAny(v.text, "/ :") {
			return nil, p.fail(pos, "site: takes a host, not an address", "write site:"+example(f)+"; for a part of the address url:"+example(fURL))
		}
		if strings.Contains(strings.TrimPrefix(v.text, "*."), "*") {
			return nil, p.fail(pos, "site: takes no * inside", "a host covers its subdomains: site:"+example(f))
		}
	case fLang:
		if what := badLang(v.text); what != "" {
			what, cure, _ := strings.Cut(what, ": write ")
			return nil, p.fail(pos, "lang: "+what, "write lang:"+strings.ReplaceAll(cure, ", or ", ", or lang:"))
		}
	}
	return v, nil
}

func example(f field) string {
	switch f {
	case fSite:
		return "bbc.co.uk"
	case fURL:
		return "/world/"
	case fLang:
		return "ko"
	case fFeed:
		return `"BBC World"`
	}
	return "sanctions"
}

// strange refuses what another dialect would read as an operator, and warns of what is probably meant as one.
func (p *parser) strange(pos int, w string) *Error {
	r, n := utf8.DecodeRuneInString(w)
	next, _ := utf8.DecodeRuneInString(w[n:])
	switch {
	case w == "&&" || w == "&":
		return p.fail(pos, w+" is no operator", "write AND")
	case w == "||" || w == "|":
		return p.fail(pos, w+" is no operator", "write OR")
	case r == '!':
		return p.fail(pos, "! is no operator", "write NOT, or - directly before the word")
	case r == '+':
		return p.fail(pos, "+ is no operator", "remove it: every word is required already")
	case r == '-':
		return p.fail(pos, "a minus has no place here", "write AND NOT after the group")
	case (r == '–' || r == '—' || r == '−') && next != utf8.RuneError:
		return p.fail(pos, "a dash that is no minus", "type the plain sign, -, to exclude the word")
	case r == '~' && n == len(w):
		return p.fail(pos, "~ stands alone", "put it directly before a word to find its other forms, ~missile; or behind a phrase, \"a b\"~5")
	case r == '~' && strings.Trim(w[n:], "0123456789") == "":
		return p.fail(pos, "~ before a number", "a number has no other forms: write it alone; the distance of a phrase stands directly behind its quote, \"a b\"~5")
	case r == '=' && (n == len(w)):
		return p.fail(pos, "= stands alone", `put it before a word, =NATO; in a phrase before each: "=North =Korea"`)
	case r == '[' || r == '{':
		return p.fail(pos, "ranges and sets are no part of the language", "write the words, joined by OR in parentheses")
	case strings.Trim(w, "*?") == "":
		return p.fail(pos, "a word of wildcards alone matches everything", "write at least two letters before *")
	case r == '*':
		return p.fail(pos, "a word cannot begin with *", "write the beginning of the word, or name the words joined by OR")
	case strings.ContainsAny(w, "（）：＂"):
		return p.fail(pos+strings.IndexAny(w, "（）：＂"), "a full-width sign where an operator belongs", `type the plain signs ( ) : "`)
	}
	if i := strings.LastIndexAny(w, "~^"); i > 0 {
		if _, err := strconv.ParseFloat(w[i+1:], 64); err == nil || i+1 == len(w) {
			return p.fail(pos+i, "fuzzy words and boosts are no part of the language", "use a wildcard: wom?n, missile*; distance is NEAR/5")
		}
	}
	if err := p.misspelt(pos, w); err != nil {
		return err
	}
	lower := strings.ToLower(w)
	if name, num, ok := strings.Cut(lower, "/"); ok && num != "" && strings.Trim(num, "0123456789") == "" {
		switch name {
		case "w", "n", "near", "pre", "p", "within", "onear":
			o := "NEAR/"
			if name == "pre" || name == "p" || name == "onear" {
				o = "ONEAR/"
			}
			return p.fail(pos, w+" is no operator", "write "+o+num)
		}
	}
	if strings.HasPrefix(w, "NEAR") || strings.HasPrefix(w, "ONEAR") {
		if rest := strings.TrimLeft(strings.TrimPrefix(w, "O"), "NEAR~:-"); strings.Trim(rest, "0123456789") == "" {
			return p.fail(pos, w+" is no operator", "write "+strings.TrimRight(w, "0123456789~:-")+"/"+orFive(rest))
		}
	}
	switch w {
	case "ANDNOT", "BUTNOT", "AND-NOT", "BUT-NOT":
		return p.fail(pos, w+" is no operator", "write AND NOT")
	case "ORNOT", "OR-NOT":
		return p.fail(pos, w+" is no operator", "write OR NOT, within a group that asks for something: word AND (other OR NOT third)")
	}
	switch lower {
	case "and", "or", "not", "near", "onear":
		if p.field == 0 || !p.field.value() {
			p.warnf(pos, "%q is taken as a word to find; the operator is %s; to find the word without this warning write \"%s\"", w, strings.ToUpper(w), w)
		}
	}
	if r == '\'' || r == '‘' {
		p.warnf(pos, `single quotes make no phrase; for a phrase use "…"`)
	}
	return nil
}

func orFive(s string) string {
	if s == "" {
		return "5"
	}
	return s
}
