package extract

import (
	"strings"
	"unicode/utf8"
)

// LooksLikeHTML tells a page from plain text by its first tag.
func LooksLikeHTML(data []byte) bool {
	head := strings.ToLower(string(data[:min(len(data), 4096)]))
	for _, tag := range []string{"<!doctype", "<html", "<head", "<body", "<div", "<article", "<p>", "<p "} {
		if strings.Contains(head, tag) {
			return true
		}
	}
	return false
}

// isText reports whether a document is plain text by its type, and is not a page that a server only calls so.
func isText(data []byte, contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(t), "text/plain") && !LooksLikeHTML(data)
}

// fromText reads plain text: each line is a block, except in text with hard line breaks, where lines without a blank line
// between them are one.
func (x *Extractor) fromText(s string, a *Article) *document {
	d := x.memory.document()
	lines := strings.Split(strings.TrimPrefix(s, "\ufeff"), "\n")
	join := hardBreaks(lines)
	var para []string // the lines of the paragraph that is being read
	flush := func() {
		if len(para) > 0 {
			d.blocks[len(d.blocks)-1].text = strings.Join(para, "\n")
			para = para[:0]
		}
	}
	for i, raw := range lines {
		l := strings.Trim(strings.ToValidUTF8(raw, "\uFFFD"), " \t\r\x00")
		if l == "" {
			flush()
			continue
		}
		if !join || len(para) == 0 {
			flush()
			d.blocks = append(d.blocks, block{line: i + 1})
		}
		para = append(para, l)
	}
	flush()
	x.dates(d, a)
	x.lexical(d.blocks)
	a.Title = d.plainTitle()
	return d
}

// hardBreaks says whether lines were broken at a width rather than at paragraphs: most lines that another line follows are
// short and end in the middle of a sentence.
func hardBreaks(lines []string) bool {
	n, broken := 0, 0
	for i := 0; i+1 < len(lines); i++ {
		l := strings.TrimSpace(lines[i])
		if l == "" || strings.TrimSpace(lines[i+1]) == "" {
			continue
		}
		n++
		if c := utf8.RuneCountInString(l); c > 100 {
			return false
		} else if c >= 50 && !ends(l) {
			broken++
		}
	}
	return n >= 4 && broken*10 >= n*7
}

// ends says whether a text ends with punctuation that ends a sentence or a quotation.
func ends(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(".!?…:;\"'”’»)]。！？」』।؟۔", r)
}

// dates takes dates off the head of a text: a line that holds only a date, anywhere above the text, and the prefix
// "date 2006-01-02" that some collectors put before the first line.
func (x *Extractor) dates(d *document, a *Article) {
	for i := range d.blocks {
		b := &d.blocks[i]
		if i > 0 && i < 12 || i == 0 {
			if len(b.text) < 80 && x.lex.dateLine(b.text) {
				if a.Date == "" {
					a.Date, _ = x.lex.parseDate(b.text)
				}
				b.drop(classDateline, "structure:date-line")
				continue
			}
		}
		if i > 0 {
			continue
		}
		rest, ok := strings.CutPrefix(b.text, "date ")
		if !ok || len(rest) < 11 || rest[10] != ' ' {
			continue
		}
		date, ok := x.lex.parseDate(rest[:10])
		if !ok {
			continue
		}
		a.Date = date
		rest = strings.TrimLeft(rest[10:], " ")
		// The prefix goes with the line when the line goes; else it goes alone.
		if x.lex.find(newView(rest)) == nil {
			d.blocks = append([]block{{text: b.text[:15], line: b.line}}, d.blocks...)
			d.blocks[0].drop(classDateline, "structure:date-prefix")
			d.blocks[1].text = rest
			return
		}
	}
}

// plainTitle marks the first remaining block as the title when it looks like one: one short line that does not end as a
// sentence, above a longer text.
func (d *document) plainTitle() string {
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.class != "" {
			continue
		}
		n := utf8.RuneCountInString(b.text)
		last, _ := utf8.DecodeLastRuneInString(b.text)
		if n > 220 || n < 4 || strings.Contains(b.text, "\n") || strings.ContainsRune(".…:;,。।۔", last) {
			return ""
		}
		for j := i + 1; j < len(d.blocks); j++ {
			c := &d.blocks[j]
			if c.class != "" {
				continue
			}
			// A question or exclamation is a title only above a text that is much longer.
			if m := utf8.RuneCountInString(c.text); m > n && (!ends(b.text) || m > 2*n && n < 120) {
				b.title = true
				return b.text
			}
			return ""
		}
		return ""
	}
	return ""
}

// keepBytes makes a text of which nothing was removed, or nothing but the title above it, its own body: line ends, tabs and
// blanks at the ends of lines are not the extractor's to change.
func (a *Article) keepBytes(text string) {
	if a.Title != "" {
		if _, rest, ok := strings.Cut(text, a.Title); ok && sameInk(a.Body, rest) {
			a.Body = strings.TrimLeft(rest, " \t\r\n")
			return
		}
	}
	if sameInk(a.Body, text) {
		a.Body = text
	}
}

// sameInk says whether two texts differ in white space of ASCII at most.
func sameInk(a, b string) bool {
	i, j := 0, 0
	for {
		for i < len(a) && asciiSpace(a[i]) {
			i++
		}
		for j < len(b) && asciiSpace(b[j]) {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
		i, j = i+1, j+1
	}
}
