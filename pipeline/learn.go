package pipeline

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"wirewatch/pipeline/text"
)

// Learning: a block that recurs on a site across different stories is boilerplate, whatever its language and its words.
//
// Journalism recurs too: "He declined to comment", the two sentences of background under each report on one conflict, the
// note that a claim could not be verified. It stands where appeals stand, is as long as they are, and counts tell nothing: a
// site that writes much writes each of them a hundred times. What tells it from an appeal is that it does not stand in nearly
// all of a site's stories. So a block is judged by its share of the site's stories since it was first seen:
//
//   - it must stand in each of the first five different stories, always in one place (so many blocks from the beginning or from the
//     end), and have made good for each story without it by four with it. Fewer than five are a coincidence, a series or a busy
//     day of one subject: what stands in a quarter of a site's stories stands, from its first on, in three of three six times in a
//     hundred, in five of five four times in a thousand.
//   - a block whose place changes takes ten, and so does one that shares a word of weight with the titles of its articles: it is
//     about the subject, as background is.
//   - what was learned wrongly shows: a learned block that stands in less than half of the stories it could stand in is lifted,
//     which is the end of its removal; extracting again gives it back.
//
// Headings and short sentences are never learned by themselves, nor is what a site rule keeps. The texts have to be the same after folding, letter for
// letter: a sentence with another number in it is another sentence.
const (
	placedStories = 5  // stories that prove a block of one place that has nothing to do with its articles' titles
	otherStories  = 10 // and any other
	makeGood      = 4  // stories with the block that outweigh one without it
	doubtOf       = 10 // stories it could have stood in before it can be doubted

	minLearnWords  = 5 // shorter sentences recur in good faith
	minLearnWidth  = 30
	weightyLetters = 5 // of a title's word: shorter ones are in every sentence
	maxPrints      = 50
	maxPrintText   = 300 // characters of a learned block that are kept for people
)

// ClassRepeated is the class of blocks that were removed because the site repeats them.
const ClassRepeated = "repeated"

const classHeading = "heading" // as the extractor names it

// A Print is the fingerprint of one kept block of an article.
type Print struct {
	Hash    int64
	Foreign bool   // shares no word of weight with the article's title
	Before  int    // kept blocks before it
	After   int    // kept blocks after it
	Text    string // the beginning of the block
}

// A Sighting is what a site's recent articles say of one block, as of one of them.
type Sighting struct {
	Hash    int64
	State   LearnedState // what is decided; "": nothing
	Stories int          // different stories that the block stands in; recaptures and versions of one count once
	Foreign int          // those to whose title it is foreign
	Placed  bool         // it always stands so many blocks from the beginning, or from the end
	Of      int          // stories of the site from the first sighting to the last
}

// MinStories is the least number of stories a block must stand in before anything can be said of it.
const MinStories = 3

// Boilerplate decides whether the block is the site's and not a journalist's.
func (s Sighting) Boilerplate() bool {
	need := placedStories
	if s.Foreign < placedStories || !s.Placed {
		need = otherStories
	}
	return s.Stories >= need && makeGood*(s.Of-s.Stories) <= s.Stories-need
}

// Doubtful decides whether a block that was learned is a journalist's after all.
func (s Sighting) Doubtful() bool { return s.Of >= doubtOf && 2*s.Stories < s.Of }

// A LearnedBlock is what was decided about a block of a site.
type LearnedBlock struct {
	ID       int64
	Site     string
	Hash     int64
	State    LearnedState
	Stories  int // the evidence when it was decided: so many stories …
	Of       int // … of so many
	Articles int // recent articles of the site that show it
	Text     string
}

// LearnedState is what holds for a block.
type LearnedState string

const (
	BlockLearned LearnedState = "learned" // boilerplate: removed
	BlockLifted  LearnedState = "lifted"  // it was learned, and then stood in too few stories: not removed, nor learned again
	BlockKept    LearnedState = "kept"    // a person says that it is journalism: never removed again
)

// Prints are the fingerprints of the article's kept blocks that could be boilerplate, at most 50, each once: where there are
// more, those nearest to the edges. An article whose body is not its kept blocks has none.
func Prints(a *Article) []Print {
	kept := keptBlocks(a)
	if kept == nil {
		return nil
	}
	var out []Print
	title := weighty(a.Title)
	for n, i := range kept {
		b := &a.Blocks[i]
		if !learnable(b) {
			continue
		}
		p := Print{Hash: printOf(b.Text), Foreign: !shares(title, b.Text), Before: n, After: len(kept) - 1 - n, Text: beginning(b.Text)}
		if !slices.ContainsFunc(out, func(o Print) bool { return o.Hash == p.Hash }) {
			out = append(out, p)
		}
	}
	if over := len(out) - maxPrints; over > 0 {
		out = slices.Delete(out, maxPrints/2, maxPrints/2+over)
	}
	return out
}

// RemoveLearned removes the blocks of the article whose fingerprints are learned, with the headings that stand over nothing
// else, and makes its body anew. It reports whether it removed any. An article of nothing else is left as it is: a wrong text
// says more than none.
func RemoveLearned(a *Article, learned map[int64]bool) bool {
	kept := keptBlocks(a)
	if len(learned) == 0 || kept == nil {
		return false
	}
	gone := make([]bool, len(a.Blocks))
	text, any := 0, false
	for _, i := range kept {
		b := &a.Blocks[i]
		switch {
		case learnable(b) && learned[printOf(b.Text)]:
			gone[i], any = true, true
		case b.Class != classHeading:
			text++
		}
	}
	if !any || text == 0 {
		return false
	}
	// From the end: a heading falls when its section had learned blocks and has no other.
	left, fell := 0, false
	for _, i := range slices.Backward(kept) {
		switch {
		case gone[i]:
			fell = true
		case a.Blocks[i].Class == classHeading:
			gone[i] = fell && left == 0
			left, fell = 0, false
		default:
			left++
		}
	}
	blocks := slices.Clone(a.Blocks)
	for i := range blocks {
		if gone[i] {
			blocks[i].Kept, blocks[i].Class, blocks[i].Rule = false, ClassRepeated, "learned:"+a.Site
		}
	}
	a.Blocks = blocks
	a.Body = bodyOf(blocks)
	return true
}

// learn notes the article's fingerprints and learns what they prove. It says how many blocks it learned or lifted.
func learn(tx Tx, a *Article, prints []Print) (n int, err error) {
	seen, err := tx.NoteBlocks(a, prints)
	if err != nil {
		return 0, err
	}
	for _, s := range seen {
		switch {
		case s.State == BlockLearned && s.Doubtful():
			if err := tx.LiftBlock(a.Site, s.Hash); err != nil {
				return n, err
			}
			n++
			continue
		case s.State != "" || !s.Boilerplate():
			continue
		}
		at := slices.IndexFunc(prints, func(p Print) bool { return p.Hash == s.Hash })
		if err := tx.LearnBlock(LearnedBlock{Site: a.Site, Hash: s.Hash, Stories: s.Stories, Of: s.Of, Text: prints[at].Text}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// keptBlocks are the places of the article's kept blocks; nil where they are not its body.
func keptBlocks(a *Article) []int {
	var out []int
	rest := a.Body
	for i := range a.Blocks {
		if !a.Blocks[i].Kept {
			continue
		}
		if out != nil {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, "\n\n"); !ok {
				return nil
			}
		}
		var ok bool
		if rest, ok = strings.CutPrefix(rest, a.Blocks[i].Text); !ok {
			return nil
		}
		out = append(out, i)
	}
	if rest != "" {
		return nil
	}
	return out
}

// bodyOf is the body that the kept blocks make.
func bodyOf(blocks []Block) string {
	var b strings.Builder
	for i := range blocks {
		if blocks[i].Kept {
			if b.Len() > 0 {
				b.WriteString("\n\n")
			}
			b.WriteString(blocks[i].Text)
		}
	}
	return b.String()
}

// learnable says which kept blocks can be boilerplate. One that a rule kept (Rule) is none, however often it stands there: whoever
// wrote the rule has looked.
func learnable(b *Block) bool {
	if b.Class == classHeading || b.Rule != "" {
		return false
	}
	words, width := size(b.Text)
	return words >= minLearnWords && width >= minLearnWidth
}

// repeats reports whether a block with one of the fingerprints was removed from the article because the site repeats it.
func repeats(a *Article, prints map[int64]bool) bool {
	return slices.ContainsFunc(a.Blocks, func(b Block) bool {
		return !b.Kept && b.Class == ClassRepeated && prints[printOf(b.Text)]
	})
}

// size is how many words a text has and how many columns it is wide. Only the beginning of a long text is looked at, which is
// long enough for every use of the answer.
func size(s string) (words, width int) {
	const enough = 200 // bytes: 30 columns and five words in any script
	if len(s) > enough {
		cut := enough
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	for _, r := range s {
		width++
		if text.Spaceless(r) {
			width++
		}
	}
	return len(text.Tokens(s)), width
}

// printOf is the fingerprint of a text: of its folded letters, white space being one blank.
func printOf(s string) int64 {
	h := fnv.New64a()
	for f := range strings.FieldsSeq(text.Fold(s)) {
		h.Write([]byte(f)) // a hash takes all it is given
		h.Write([]byte{' '})
	}
	return int64(h.Sum64())
}

// beginning is the first of a text, for people.
func beginning(s string) string {
	n := 0
	for i := range s {
		if n == maxPrintText {
			return strings.Clone(s[:i])
		}
		n++
	}
	return strings.Clone(s)
}

// weighty are the words of a title that tell what it is about: long ones; of Hangul their first two syllables, because
// particles follow; of scripts without spaces each two neighbours.
func weighty(title string) map[string]bool {
	out := map[string]bool{}
	eachWeighty(title, func(w string) bool { out[w] = true; return true })
	return out
}

// shares reports whether a text has one of the words.
func shares(words map[string]bool, s string) (found bool) {
	if len(words) == 0 {
		return false
	}
	eachWeighty(s, func(w string) bool { found = words[w]; return !found })
	return found
}

func eachWeighty(s string, f func(string) bool) {
	var last text.Token
	for _, t := range text.Tokens(s) {
		first, n := utf8.DecodeRuneInString(t.Text)
		letters := utf8.RuneCountInString(t.Text)
		word := ""
		switch {
		case text.Spaceless(first):
			if p, _ := utf8.DecodeRuneInString(last.Text); last.End == t.Start && text.Spaceless(p) {
				word = last.Text + t.Text
			}
		case text.Script(first) == "Hang":
			if letters >= 2 {
				_, m := utf8.DecodeRuneInString(t.Text[n:])
				word = t.Text[:n+m]
			}
		case letters >= weightyLetters:
			word = t.Text
		}
		if word != "" && !f(word) {
			return
		}
		last = t
	}
}
