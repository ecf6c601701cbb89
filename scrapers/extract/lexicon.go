package extract

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline/text"
)

// The lexicon is what the extractor knows of the world, as data. Each class of removed blocks has one file, named after
// it, a list of entries:
//
//   - phrase: join our telegram channel   # folded words; or re: a RE2 expression over folded text; or markup: words of a
//     where: contains                     # class, id, role or itemprop
//     lang: [en]
//     example: Join our Telegram channel for updates.
//
// where says how a phrase or re applies: "whole" (the block is just that), "start", "end", "contains", or "section" (a
// whole block that opens a section of its class, as "Related articles" does). max bounds the words of the block (default
// 40, no bound for weak entries). weak entries are evidence only: two of them in one block are needed, and more in a long
// one. word names words of which one must occur before a re is tried; without it a re is tried on short blocks only.
// The file body.yaml holds markup alone: names under which pages keep their body.
type lexicon struct {
	phrases  map[string][]*rule // by first word
	unspaced []*rule            // phrases in scripts without spaces between words
	exprs    map[string][]*rule // by required word
	short    []*rule            // expressions without a required word
	markup   map[string][]*rule // by first word
	globs    [256][]*rule       // markup patterns of one word ending in *, by first byte
	rules    []*rule            // all, in order of appearance
	agencies agencies
	tongues  []tongue
	stops    map[string][]vote // frequent words, by language
	letters  map[rune][]vote
	months   map[string]int
}

// A rule is one compiled entry.
type rule struct {
	class   string
	ref     string // "lexicon/donation.yaml:12"
	where   string
	phrase  string // normalised words
	re      func() *regexp.Regexp
	names   []string // markup
	weak    bool
	max     int
	example string
	word    []string
	langs   []string // languages of the words, none for markup
}

// An entry as written.
type entry struct {
	Phrase  string   `yaml:"phrase"`
	Re      string   `yaml:"re"`
	Markup  string   `yaml:"markup"`
	Where   string   `yaml:"where"`
	Lang    []string `yaml:"lang"`
	Weak    bool     `yaml:"weak"`
	Max     int      `yaml:"max"`
	Word    []string `yaml:"word"`
	Example string   `yaml:"example"`
}

var entryKeys = []string{"phrase", "re", "markup", "where", "lang", "weak", "max", "word", "example"}

const (
	whereWhole    = "whole"
	whereStart    = "start"
	whereEnd      = "end"
	whereContains = "contains"
	whereSection  = "section"
	// whereSignature is a whole block that signs the block before it, as under an embedded post
	whereSignature = "signature"
	whereMarkup    = "markup"
)

func loadLexicon(fsys fs.FS) (*lexicon, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.yaml file in it")
	}
	l := &lexicon{
		phrases: map[string][]*rule{}, exprs: map[string][]*rule{}, markup: map[string][]*rule{},
		months: map[string]int{},
	}
	for _, name := range files {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(doc.Content) == 0 {
			return nil, fmt.Errorf("%s: empty file", name)
		}
		root := doc.Content[0]
		if root.Kind != yaml.SequenceNode {
			return nil, fmt.Errorf("%s:%d: want a list of entries", name, root.Line)
		}
		stem := strings.TrimSuffix(path.Base(name), ".yaml")
		for _, n := range root.Content {
			switch stem {
			case "agencies":
				err = l.agencies.add(n)
			case "languages":
				err = l.addTongue(n)
			default:
				err = l.addEntry(stem, n)
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n.Line, err)
			}
		}
	}
	l.countVotes()
	return l, nil
}

// decode reads a mapping and refuses keys it does not know, which yaml.Node.Decode would pass over.
func decode(n *yaml.Node, keys []string, into any) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("want an entry, a mapping")
	}
	for i := 0; i < len(n.Content); i += 2 {
		if k := n.Content[i].Value; !slices.Contains(keys, k) {
			return fmt.Errorf("unknown key %q; known are %s", k, strings.Join(keys, ", "))
		}
	}
	return n.Decode(into)
}

func (l *lexicon) addEntry(class string, n *yaml.Node) error {
	if class != classBody && !slices.Contains(Classes(), class) {
		return fmt.Errorf("unknown class %q: the file must be named after a class of blocks", class)
	}
	var e entry
	if err := decode(n, entryKeys, &e); err != nil {
		return err
	}
	r := &rule{
		class: class, ref: fmt.Sprintf("lexicon/%s.yaml:%d", class, n.Line), where: e.Where, weak: e.Weak, max: e.Max,
		example: e.Example, word: e.Word, langs: e.Lang,
	}
	if r.max == 0 {
		r.max = 40
	}
	if e.Example == "" {
		return fmt.Errorf("entry without an example")
	}
	switch {
	case e.Markup != "":
		r.where = whereMarkup
		r.names = strings.Split(e.Markup, "-")
		if strings.HasSuffix(e.Markup, "*") {
			if len(r.names) > 1 || len(e.Markup) == 1 {
				return fmt.Errorf("markup %q: * is for single words", e.Markup)
			}
			r.names[0] = strings.TrimSuffix(e.Markup, "*")
			l.globs[r.names[0][0]] = append(l.globs[r.names[0][0]], r)
		} else {
			l.markup[r.names[0]] = append(l.markup[r.names[0]], r)
		}
	case !slices.Contains([]string{whereWhole, whereStart, whereEnd, whereContains, whereSection, whereSignature}, e.Where):
		return fmt.Errorf("where is %q; want whole, start, end, contains, section or signature", e.Where)
	case e.Phrase != "":
		v := newView(e.Phrase)
		r.phrase = strings.TrimSpace(v.norm)
		if r.phrase == "" {
			return fmt.Errorf("phrase %q holds no word", e.Phrase)
		}
		if first, _ := utf8.DecodeRuneInString(r.phrase); unspaced(first) {
			l.unspaced = append(l.unspaced, r)
		} else {
			first, _, _ := strings.Cut(r.phrase, " ")
			l.phrases[first] = append(l.phrases[first], r)
		}
	case e.Re != "":
		expr := anchor(foldExpr(e.Re), e.Where)
		if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
			return err
		}
		// Compiled they are most of the lexicon's memory, and few pages meet the words of many.
		r.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
		if len(r.word) == 0 {
			l.short = append(l.short, r)
		}
		for _, w := range r.word {
			w = text.Fold(w)
			l.exprs[w] = append(l.exprs[w], r)
		}
	default:
		return fmt.Errorf("entry has neither phrase, re nor markup")
	}
	l.rules = append(l.rules, r)
	return nil
}

// foldExpr folds what is not ASCII in an expression, so that it can be written with its diacritics. ASCII is left alone: \W
// is not \w.
func foldExpr(re string) string {
	var b strings.Builder
	for len(re) > 0 {
		i := strings.IndexFunc(re, func(r rune) bool { return r >= 0x80 })
		if i < 0 {
			i = len(re)
		}
		b.WriteString(re[:i])
		re = re[i:]
		j := strings.IndexFunc(re, func(r rune) bool { return r < 0x80 })
		if j < 0 {
			j = len(re)
		}
		b.WriteString(text.Fold(re[:j]))
		re = re[j:]
	}
	return b.String()
}

func anchor(re, where string) string {
	switch where {
	case whereWhole, whereSection, whereSignature:
		return "^(?:" + re + ")$"
	case whereStart:
		return "^(?:" + re + ")"
	case whereEnd:
		return "(?:" + re + ")$"
	}
	return re
}

// unspaced tells scripts that put no space between words.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

// A view is a text made ready for the lexicon: folded, and as bare words between single spaces.
type view struct {
	fold  string  // folded, with its punctuation
	norm  string  // " w1 w2 … "
	start []int32 // offsets in norm of the first byte of each word
	said  []bool  // whether each word stands inside quotation marks: what people say is no evidence
	wide  bool    // holds a script without spaces
	found *rule   // what find answered
	asked bool    // whether it was asked
}

// maxQuote is how far, in bytes, the end of a quotation is looked for.
const maxQuote = 1500

func newView(s string) *view {
	v := &view{fold: strings.TrimSpace(text.Fold(s))}
	var b strings.Builder
	b.Grow(len(v.fold) + 2)
	b.WriteByte(' ')
	words := len(v.fold)/6 + 2 // about as many as most languages have
	v.start, v.said = make([]int32, 0, words), make([]bool, 0, words)
	in := false
	quoted := 0 // offset in fold where the current quotation ends
	blind := 0  // offset before which no quotation ends
	for i, r := range v.fold {
		switch {
		case r >= 'a' && r <= 'z', unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r):
			if !in {
				in = true
				v.start = append(v.start, int32(b.Len()))
				v.said = append(v.said, i < quoted)
			}
			if r >= 0x0e00 && unspaced(r) {
				v.wide = true
			}
			b.WriteRune(r)
		case r >= 0x80 && unicode.Is(unicode.Cf, r): // soft hyphens, joiners: nothing
		default:
			if in {
				b.WriteByte(' ')
				in = false
			}
			if end := quoteEnds(r); end != "" && i >= quoted && i >= blind {
				rest := v.fold[i+utf8.RuneLen(r):]
				rest = rest[:min(len(rest), maxQuote)]
				if n := strings.IndexAny(rest, end); n >= 0 {
					quoted = i + utf8.RuneLen(r) + n
					if q, _ := utf8.DecodeRuneInString(rest[n:]); r == '"' || q == '"' {
						quoted++ // the mark that closes is not one that opens
					}
				} else {
					blind = i + len(rest)
				}
			}
		}
	}
	if in {
		b.WriteByte(' ')
	}
	v.norm = b.String()
	return v
}

// quoteEnds lists the marks that close a quotation opened by r, "" when r opens none.
func quoteEnds(r rune) string {
	switch r {
	case '"':
		return `"`
	case '“':
		return `”"`
	case '„':
		return `“”"`
	case '«':
		return "»"
	case '「':
		return "」"
	}
	return ""
}

// find looks a block up. The first strong entry in order of the words wins; failing that, enough weak ones of one class.
// A view keeps the answer: several steps ask about the same block.
func (l *lexicon) find(v *view) *rule {
	if !v.asked {
		v.found, v.asked = l.lookUp(v), true
	}
	return v.found
}

func (l *lexicon) lookUp(v *view) *rule {
	n := len(v.start)
	var weak, tried []*rule
	for i, at := range v.start {
		rest := v.norm[at:]
		end := strings.IndexByte(rest, ' ')
		word := rest[:end]
		for _, r := range l.phrases[word] {
			if v.said[i] && !r.framed() {
				continue
			}
			if !strings.HasPrefix(rest, r.phrase) || !wordEnd(rest, len(r.phrase)) {
				continue
			}
			if r.weak {
				if !slices.Contains(weak, r) {
					weak = append(weak, r)
				}
				continue
			}
			if r.fits(i == 0, len(rest) <= len(r.phrase)+1, n, len(v.norm)) {
				return r
			}
		}
		for _, r := range l.exprs[word] {
			if v.said[i] && !r.framed() {
				continue
			}
			if !r.weak && n > r.max {
				continue
			}
			if slices.Contains(tried, r) { // it reads the whole block, which may say its word a thousand times
				continue
			}
			tried = append(tried, r)
			switch {
			case !r.re().MatchString(v.fold):
			case r.weak:
				weak = append(weak, r)
			default:
				return r
			}
		}
	}
	if v.wide {
		body := strings.TrimSpace(v.norm)
		for _, r := range l.unspaced {
			at := strings.Index(body, r.phrase)
			if at < 0 {
				continue
			}
			if r.weak {
				weak = append(weak, r)
			} else if r.fits(at == 0, at+len(r.phrase) == len(body), n, len(body)) {
				return r
			}
		}
		n = max(n, utf8.RuneCountInString(v.norm)/2)
	}
	if len(v.fold) <= 160 {
		for _, r := range l.short {
			if r.re().MatchString(v.fold) {
				return r
			}
		}
	}
	return enough(weak, n)
}

// framed says whether the rule looks at a whole block or its end, where quotation marks do not matter.
func (r *rule) framed() bool {
	return r.where != whereContains && r.where != whereStart
}

// fits says whether an occurrence stands where the rule wants it, in a block that is short enough.
func (r *rule) fits(first, last bool, words, size int) bool {
	if words > r.max || size > r.max*12 {
		return false
	}
	switch r.where {
	case whereWhole, whereSection, whereSignature:
		return first && last
	case whereStart:
		return first
	case whereEnd:
		return last
	}
	return true
}

// wordEnd says whether a word ends at byte n of s. Scripts that hang particles on words (Hangul) need no end.
func wordEnd(s string, n int) bool {
	if n >= len(s) || s[n] == ' ' {
		return true
	}
	r, _ := utf8.DecodeRuneInString(s[n:])
	return unicode.Is(unicode.Hangul, r)
}

// enough decides on weak evidence: two entries of one class, and one more for each sixty words beyond the first sixty, so
// that a long report that quotes an appeal stays.
func enough(weak []*rule, words int) *rule {
	for i, r := range weak {
		n := 1
		for _, o := range weak[i+1:] {
			if o.class == r.class {
				n++
			}
		}
		if n >= 2 && n >= 1+words/60 {
			return r
		}
	}
	return nil
}

// name looks up the words of one class name, id, role or the like. Negative entries come first unless the name is marked
// as the body's own.
func (l *lexicon) name(words []string) (neg, body *rule) {
	for i, w := range words {
		for _, r := range l.markup[w] {
			if len(words)-i < len(r.names) || !slices.Equal(words[i:i+len(r.names)], r.names) {
				continue
			}
			if r.class == classBody {
				body = r
			} else if neg == nil || len(r.names) > len(neg.names) {
				neg = r
			}
		}
		for _, r := range l.globs[w[0]] {
			if strings.HasPrefix(w, r.names[0]) && neg == nil {
				neg = r
			}
		}
	}
	return neg, body
}

// splitName splits an identifier into lower-case words: "relatedLinks__item-2" gives related, links, item, 2. None is
// empty. They are appended to out.
func splitName(out []string, s string) []string {
	start := -1
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
		hump := letter && start >= 0 && c >= 'A' && c <= 'Z' && s[i-1] >= 'a' && s[i-1] <= 'z'
		if start >= 0 && (!letter || hump) {
			out = append(out, strings.ToLower(s[start:i]))
			start = -1
		}
		if letter && start < 0 {
			start = i
		}
	}
	if start >= 0 {
		out = append(out, strings.ToLower(s[start:]))
	}
	return out
}
