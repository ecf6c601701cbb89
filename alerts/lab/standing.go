package lab

import (
	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
	"wirewatch/pipeline/text"
)

// A Standing is how much of an article a query needs to match: the less, the more the article is about it. News says first what
// matters most.
type Standing int

// The standings, the best first.
const (
	InTitle   Standing = iota // the query matches were the title all there is
	InOpening                 // were title and first paragraph all there is
	InWhole
	standings
)

// doc is so much of the article; authors, agency and the like belong to all of them.
func (s Standing) doc(a *pipeline.Article) *rules.Doc {
	d := Doc(a)
	switch s {
	case InTitle:
		d.Body = ""
	case InOpening:
		d.Body = opening(d.Body)
	}
	return d
}

func opening(body string) string {
	if p := text.Paragraphs(body); len(p) > 0 {
		return body[p[0].Start:p[0].End]
	}
	return ""
}

// standing is that of an article that the rules of the set match.
func standing(set *rules.Set, a *pipeline.Article) Standing {
	for s := InTitle; s < InWhole; s++ {
		if len(set.Match(s.doc(a))) > 0 {
			return s
		}
	}
	return InWhole
}

// marks stand before the words that an article would have of each standing, so that the index tells them apart. Package rules has no
// word that begins so.
var marks = [standings]string{"\ue0f0", "\ue0f1", ""}

// WordsForm is the number of the form of Words.
const WordsForm = rules.WordsForm<<8 | 1

// Words lists what the word index must know an article by: its words, and behind marks those of its title and its opening.
func Words(a *pipeline.Article) []string {
	out := rules.Words(Doc(a))
	for s := InTitle; s < InWhole; s++ {
		for _, w := range rules.Words(s.doc(a)) {
			out = append(out, marks[s]+w)
		}
	}
	return out
}

// need is what an article must have in the index for a query that requires the groups to match with this standing.
func (s Standing) need(groups [][]string) [][]string {
	out := make([][]string, len(groups))
	for i, g := range groups {
		for _, w := range g {
			out[i] = append(out[i], marks[s]+w)
		}
	}
	return out
}
