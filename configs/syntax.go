package configs

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine      = regexp.MustCompile(`line (\d+): `)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.+)'`)
	// A value, or an entry of a list, that goes on behind the quotation mark that ends it: `query: "North Korea" OR DPRK`.
	quotedStart = regexp.MustCompile(`[:\-,\[{] +("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*[^ \t,\]}:#]`)
	quoteOpens  = regexp.MustCompile(`(?:^|[:\-,\[{]) *["']`)
)

// syntax notes what the parser found wrong with a document, where that is, and what was probably meant.
func (d *decoder) syntax(err error) {
	msg, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := yamlLine.FindStringSubmatchIndex(msg); m != nil {
		line, _ = strconv.Atoi(msg[m[2]:m[3]])
		msg = msg[:m[0]] + msg[m[1]:]
	}
	if m := unknownAnchor.FindStringSubmatch(msg); m != nil {
		col := 1
		for i, l := range d.lines {
			if at := strings.Index(l, "*"+m[1]); at >= 0 {
				line, col = i+1, utf8.RuneCountInString(l[:at])+1
				break
			}
		}
		d.add(Pos{d.file, max(1, line), col}.Errorf("", "put quotes around a value that begins with *", "this is not YAML: %s", msg))
		return
	}
	same := err.Error()
	if strings.Contains(msg, endOfStream) { // of a key at the margin it names the end, wherever that is
		same = msg
	}
	line = d.breaks(same)
	text := d.lines[line-1]
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	hint, col := "", len(indent)+1
	switch {
	case strings.Contains(indent, "\t"):
		hint, col = "indent with spaces: YAML takes no tabs", strings.IndexByte(indent, '\t')+1
	case quotedStart.MatchString(text):
		m := quotedStart.FindStringSubmatchIndex(text)
		col = utf8.RuneCountInString(text[:m[2]]) + 1
		hint = `a value that begins with a quotation mark ends with the next one; put all of it into single quotes: '"North Korea" OR DPRK'`
	case strings.Contains(msg, "mapping values are not allowed"):
		hint = "put quotes around a value that has a colon followed by a space in it"
	case strings.Contains(msg, endOfStream):
		if all := quoteOpens.FindAllStringIndex(text, -1); all != nil {
			col = utf8.RuneCountInString(text[:all[len(all)-1][1]])
		}
		hint = "a quotation mark opens here and none closes"
	case strings.Contains(msg, "expected ',' or"):
		hint = "a bracket that opens here or above is not closed"
	case strings.Contains(msg, "did not find expected"):
		hint = "look whether the line is indented as those it belongs to"
	}
	d.add(Pos{d.file, line, col}.Errorf("", hint, "this is not YAML: %s", msg))
}

// endOfStream is what the parser says of a quotation mark that is not closed.
const endOfStream = "unexpected end of stream"

// breaks is the line with which the document ceases to be YAML, counted from 1, where what the parser said of it ends with what. The parser names the line in
// which the mapping or list began that it was reading, far above the mistake; but it reads no further than the mistake, so it says the same of
// every beginning of the document that holds the mistake, and something else, or nothing, of a shorter one.
func (d *decoder) breaks(what string) int {
	return 1 + sort.Search(len(d.lines)-1, func(n int) bool {
		var doc yaml.Node
		err := safely(func() error { return yaml.Unmarshal([]byte(strings.Join(d.lines[:n+1], "\n")+"\n"), &doc) })
		return err != nil && strings.HasSuffix(err.Error(), what)
	})
}
