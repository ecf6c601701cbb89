package extract

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"wirewatch/pipeline/text"
)

// agencies is what is known of wire agencies: how each signs, and words around names in bylines.
type agencies struct {
	marks   []mark
	desk    map[string]bool   // folded words that make a byline no person: staff, desk, редакция
	by      []string          // folded words before a name: by, von
	byFirst map[string]bool   // the first words of by
	role    map[string]bool   // folded words that say what somebody is: director, md
	after   map[string]bool   // the same where they follow a name without a comma: 기자
	names   map[string]string // folded mark to name
}

// A mark is one way in which an agency signs, case and all.
type mark struct{ text, name string }

func (a *agencies) add(n *yaml.Node) error {
	var e struct {
		Name  string   `yaml:"name"`
		Marks []string `yaml:"marks"`
		Desk  []string `yaml:"desk"`
		By    []string `yaml:"by"`
		Role  []string `yaml:"role"`
		After []string `yaml:"after"`
	}
	if err := decode(n, []string{"name", "marks", "desk", "by", "role", "after"}, &e); err != nil {
		return err
	}
	if a.names == nil {
		a.byFirst = map[string]bool{}
		a.names, a.desk, a.role, a.after = map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	if e.Name == "" && len(e.Desk)+len(e.By)+len(e.Role)+len(e.After) == 0 {
		return fmt.Errorf("want name and marks, or desk, by, role or after")
	}
	for _, w := range e.Role {
		a.role[text.Fold(w)] = true
	}
	for _, w := range e.After {
		a.after[text.Fold(w)] = true
	}
	for _, w := range e.Desk {
		a.desk[text.Fold(w)] = true
	}
	for _, w := range e.By {
		f := text.Fold(w)
		a.by = append(a.by, f+" ")
		a.byFirst[strings.FieldsFunc(f, func(r rune) bool { return r == ' ' || r == ':' })[0]] = true
	}
	for _, m := range e.Marks {
		a.marks = append(a.marks, mark{m, e.Name})
		a.names[text.Fold(m)] = e.Name
	}
	if e.Name != "" {
		a.names[text.Fold(e.Name)] = e.Name
	}
	return nil
}

// takeAgency finds the agency. A signature at the end of one of the last paragraphs is taken off; a line that is only a
// signature is removed; what stands in a dateline stays, since a dateline is text.
func (x *Extractor) takeAgency(d *document, a *Article) {
	var kept []int
	for i := range d.blocks {
		if b := &d.blocks[i]; b.class == "" && !b.title {
			kept = append(kept, i)
		}
	}
	for n := len(kept) - 1; n >= 0 && n >= len(kept)-3; n-- {
		b := &d.blocks[kept[n]]
		rest, name := x.lex.agencies.signature(b.text)
		if name == "" {
			continue
		}
		a.Agency = first(a.Agency, name)
		if rest == "" {
			b.drop(classCredit, "structure:agency-signature")
		} else {
			b.text = rest
		}
		break
	}
	for n := 0; n < len(kept) && n < 3 && a.Agency == ""; n++ {
		a.Agency = x.lex.agencies.inDateline(d.blocks[kept[n]].text)
	}
}

// signature splits an agency's signature off the end of a text: "… technology. REUTERS", "… said. (AP)", "… sagte er. dpa",
// a list of agencies, or nothing but it. The text before must have come to its end. The rest keeps its own bytes.
func (a *agencies) signature(s string) (rest, name string) {
	end := s
	for {
		t := strings.TrimRight(end, " \u00a0\t\n.)]*")
		t, m := a.suffix(t)
		if m == nil {
			break
		}
		name = m.name
		end = strings.TrimRight(t, " \u00a0\t\n")
		last, size := utf8.DecodeLastRuneInString(end)
		if end == "" {
			return "", name
		}
		if strings.ContainsRune(",/&+", last) { // a list: another mark goes before
			before := strings.TrimRight(end[:len(end)-size], " \u00a0")
			if _, m := a.suffix(before); m != nil {
				end = before
				continue
			}
		}
		if strings.ContainsRune("([–—-/|", last) {
			end = strings.TrimRight(end[:len(end)-size], " \u00a0\t\n")
			if end == "" {
				return "", name
			}
		}
		if !stops(end) {
			return s, ""
		}
		return end, name
	}
	return s, ""
}

func stops(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(`.!?…"'”’»)。」।؟`, r)
}

// suffix cuts the longest mark off the end of s, if a word boundary is before it.
func (a *agencies) suffix(s string) (string, *mark) {
	var best *mark
	for i := range a.marks {
		m := &a.marks[i]
		if !strings.HasSuffix(s, m.text) || best != nil && len(m.text) <= len(best.text) {
			continue
		}
		if r, _ := utf8.DecodeLastRuneInString(s[:len(s)-len(m.text)]); r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			continue
		}
		best = m
	}
	if best == nil {
		return s, nil
	}
	return s[:len(s)-len(best.text)], best
}

// inDateline finds the agency in an opening such as "SEOUL, Nov 2 (Reuters) - ", "КИЕВ, 2 ноя - РИА Новости.",
// "/TASS/" or "(서울=연합뉴스)".
func (a *agencies) inDateline(s string) string {
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "")
	}
	for i, r := range s {
		if r != '(' && r != '/' && r != '-' && r != '–' && r != '—' && r != '=' {
			continue
		}
		rest := strings.TrimLeft(s[i+utf8.RuneLen(r):], " \u00a0")
		var best *mark
		for k := range a.marks {
			m := &a.marks[k]
			if (strings.HasPrefix(rest, m.text) || r == '(' && hasFold(rest, m.text)) && (best == nil || len(m.text) > len(best.text)) {
				best = m
			}
		}
		if best == nil {
			continue
		}
		after := rest[len(best.text):]
		next, _ := utf8.DecodeRuneInString(after)
		switch r {
		case '(', '=':
			if next == ')' || next == '/' || next == ',' {
				return best.name
			}
		case '/':
			if next == '/' {
				return best.name
			}
		default:
			if next == '.' || strings.HasPrefix(after, " -") || strings.HasPrefix(after, " –") || strings.HasPrefix(after, " —") {
				return best.name
			}
		}
	}
	return ""
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// agencyInBylines names the agency that stands among the authors.
func (x *Extractor) agencyInBylines(a *Article) string {
	for _, n := range a.Signed {
		if name := x.lex.agencies.names[text.Fold(n)]; name != "" {
			return name
		}
		for _, w := range strings.FieldsFunc(n, func(r rune) bool { return r == '/' || r == '(' || r == ')' || r == ' ' }) {
			for i := range x.lex.agencies.marks {
				if m := &x.lex.agencies.marks[i]; w == m.text && strings.ToUpper(w) == w {
					return m.name
				}
			}
		}
	}
	return ""
}
