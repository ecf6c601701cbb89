package extract

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Bounds on what is kept of scripts, in bytes, and on what is looked for in them.
const (
	maxScripts     = 8
	maxScriptBytes = 4 << 20
	minScriptBody  = 400 // bytes of a string that can hold a body
	scriptDepth    = 2   // strings within strings
)

// holdsParagraphs says whether a script or string holds the markup of paragraphs, plain or escaped.
func holdsParagraphs(s []byte) bool {
	for _, p := range [...]string{"<p", `\u003cp`, `\u003Cp`} {
		for rest := s; ; {
			i := bytes.Index(rest, []byte(p))
			if i < 0 {
				break
			}
			rest = rest[i+len(p):]
			if len(rest) > 0 && (rest[0] == '>' || rest[0] == ' ' || rest[0] == '\\') {
				return true
			}
		}
	}
	return false
}

// fillFromScript takes the body from the state that a page's scripts carry, where the page itself shows next to none: the
// string of markup with the most prose in it. What little the page does show must stand in it: the state may tell other
// articles, and a brief is short.
func (x *Extractor) fillFromScript(d *document) {
	if len(d.head.state) == 0 {
		return
	}
	kept := 0
	var shown []string
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class == "" && b.prose() > 0 && x.lex.find(b.view()) == nil {
			if kept += b.prose(); kept >= minBody {
				return
			}
			shown = append(shown, b.text)
		}
	}
	var best *document
	most := max(minBody, 2*kept)
	for _, s := range d.head.state {
		eachString(s, scriptDepth, func(v string) {
			sub := x.read([]byte(v))
			sub.sum()
			if sub.boxes[0].raw > most && sub.tells(shown) {
				best, most = sub, sub.boxes[0].raw
			}
		})
	}
	if best == nil {
		return
	}
	best.settle(believeAll)
	best.markOutside(0)
	for i := range d.blocks {
		d.blocks[i].drop(classNavigation, ruleInScript)
	}
	off := int32(len(d.boxes))
	for i := range best.boxes {
		b := best.boxes[i]
		b.parent += off
		if i == 0 {
			b.parent = 0
		}
		if b.veto != 0 {
			b.veto += off
		}
		d.boxes = append(d.boxes, b)
	}
	for i := range best.blocks {
		b := best.blocks[i]
		b.box += off
		b.proof = 1 - float64(kept)/float64(most)
		d.blocks = append(d.blocks, b)
	}
}

// tells says whether each of the texts stands in one of the blocks.
func (d *document) tells(texts []string) bool {
	for _, t := range texts {
		if !slices.ContainsFunc(d.blocks, func(b block) bool { return strings.Contains(b.text, t) }) {
			return false
		}
	}
	return true
}

const ruleInScript = "structure:body-in-script"

// eachString calls f for the long string literals with paragraphs in them, also for those within such strings.
func eachString(s []byte, depth int, f func(string)) {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		end := i + 1
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(s) {
			return
		}
		if lit := s[i : end+1]; len(lit) >= minScriptBody && holdsParagraphs(lit) {
			var v string
			if json.Unmarshal(lit, &v) == nil {
				switch {
				case strings.HasPrefix(strings.TrimSpace(v), "<"), !strings.Contains(v, `":`):
					f(v)
				case depth > 1: // JSON once more
					eachString([]byte(v), depth-1, f)
				}
			}
		}
		i = end
	}
}
