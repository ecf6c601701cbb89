package extract

import (
	"math"
	"strings"
	"unicode/utf8"
)

// How a block's score comes about. It is the quantity that decided, from 0 to 1: how far the evidence for what was done with
// the block reached. It is no probability, and scores of different rules compare only roughly.
//
//	kept                            the part of the block that counted as prose, times the share of the page's weight that stands in
//	                                the container of the body; or, if more, the share of the block that a witness (JSON-LD, the feed's
//	                                text, the page's own description) tells too. 0: a heading or label, kept for its place alone
//	kept in plain text              1: there all is the article's unless something says otherwise
//	lexicon, by words               the share of the block's words that the entries hold which fired; 1 for what stands in a section
//	                                or post that an entry opens or signs, because the entry was the whole of its block
//	lexicon, by markup; nav, aside  the share of the page's prose outside the box with that markup: a box that holds much of the
//	and others that name a box      prose is believed less, and not at all beyond a bound
//	structure:outside-body          the share of the page's weight outside the largest box around the block that does not hold the body
//	structure:link-density          the share of the block that is links; structure:link-list: of the list it stands in
//	structure:not-in-articleBody    the share of the block that the witness does not tell
//	the others, and site rules      1: they hold or they do not
const exactScore = 1

// score is the score of a block as it stands at the end.
func (x *Extractor) score(d *document, b *block) float64 {
	var s float64
	switch {
	case b.class == "":
		s = max(d.keepScore(b), b.proof)
	case b.rule == ruleOutside:
		s = 1 - d.rivalShare(b.box)
	case b.rule == "structure:link-density":
		s = float64(b.link) / float64(len(b.text))
	case b.rule == "structure:link-list", b.rule == "structure:not-in-articleBody":
		s = b.proof
	default:
		if r := x.byRef[b.rule]; r != nil && r.where != whereMarkup {
			s = r.strength(b.view(), x.lex)
		} else if v := d.boxes[b.box].veto; v != 0 && d.speaks(b, v) {
			s = 1 - float64(d.boxes[v].raw)/float64(max(d.boxes[0].raw, 1))
		} else {
			s = exactScore
		}
	}
	return math.Round(1000*min(max(s, 0), 1)) / 1000
}

// speaks says whether the block was removed by what boxes say, from the box it stands in up to box v.
func (d *document) speaks(b *block, v int32) bool {
	for at := b.box; ; at = d.boxes[at].parent {
		if o := &d.boxes[at]; o.class != "" {
			if _, rule := o.reason(); rule == b.rule {
				return true
			}
		}
		if at == v || at == 0 {
			return false
		}
	}
}

// keepScore is the share of the block that is prose, times the share of the page's weight in the container.
func (d *document) keepScore(b *block) float64 {
	if d.weight == nil || b.rule != "" { // plain text, or a site rule's word
		return exactScore
	}
	return float64(b.prose()) / float64(len(b.text)) * d.share(d.body)
}

// share is the share of the page's weight in a box; 0 on a page without any.
func (d *document) share(box int32) float64 {
	if d.weight[0] <= 0 {
		return 0
	}
	return d.weight[box] / d.weight[0]
}

// rivalShare is the share of the page's weight in the largest box around at that does not hold the container of the body.
func (d *document) rivalShare(at int32) float64 {
	if d.weight == nil || int(at) >= len(d.weight) {
		return 0
	}
	if d.rival == nil {
		d.rival = make([]int32, len(d.weight))
		around := make([]bool, len(d.weight)) // holds the container
		for b := d.body; ; b = d.boxes[b].parent {
			around[b] = true
			if b == 0 {
				break
			}
		}
		for i := 1; i < len(d.rival); i++ {
			d.rival[i] = int32(i)
			if p := d.boxes[i].parent; !around[p] {
				d.rival[i] = d.rival[p]
			}
		}
	}
	return d.share(d.rival[at])
}

// strength is the share of a block's words that stand in what the entry matched. For weak entries all of the class count
// that are in the block, since they decided together.
func (r *rule) strength(v *view, l *lexicon) float64 {
	if r.where == whereSection || r.where == whereSignature {
		return exactScore
	}
	if !r.weak {
		return r.held(v)
	}
	sum := 0.0
	for _, o := range l.rules {
		if o.weak && o.class == r.class {
			sum += o.held(v)
		}
	}
	return min(sum, 1)
}

// held is the share of a block that one entry matches: of its words, or of its characters for an expression and in scripts
// without spaces; 0 where it does not match.
func (r *rule) held(v *view) float64 {
	if r.re != nil {
		if at := r.re().FindStringIndex(v.fold); at != nil {
			return runeShare(v.fold[at[0]:at[1]], v.fold)
		}
		return 0
	}
	if r.phrase == "" || !strings.Contains(v.norm, r.phrase) {
		return 0
	}
	if v.wide {
		return runeShare(r.phrase, strings.TrimSpace(v.norm))
	}
	return float64(1+strings.Count(r.phrase, " ")) / float64(max(len(v.start), 1))
}

func runeShare(part, whole string) float64 {
	return float64(utf8.RuneCountInString(part)) / float64(max(utf8.RuneCountInString(whole), 1))
}
