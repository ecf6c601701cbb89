package newsroom

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// TestExpectedAlertsFollowFromRulesAndGold reads the rules with a small,
// separate evaluator and compares what matches with expected.txt: the data
// must not claim an alert that is not there, nor forget one.
func TestExpectedAlertsFollowFromRulesAndGold(t *testing.T) {
	n, _ := serve(t)
	var file struct {
		Rules []struct {
			Name, Query string
			When        struct{ Sources int }
		}
	}
	if err := yaml.Unmarshal([]byte(n.Rules()), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Rules) < 6 {
		t.Fatalf("%d rules", len(file.Rules))
	}
	want := map[string]bool{}
	inStory := map[string]bool{} // rule and article of a story that is expected
	for _, e := range n.Expected() {
		for i, id := range e.Articles {
			key := e.Rule + " " + id
			inStory[key] = true
			if i == 0 {
				want[key] = e.Later
			}
			g, _ := n.Gold(id)
			if i > 0 && g.Wire != e.Articles[0] {
				t.Errorf("%s stands in the story of %s but is no copy of it", id, e.Articles[0])
			}
		}
		if len(e.Outlets) != len(e.Articles) {
			t.Errorf("%v: outlets %v", e.Articles, e.Outlets)
		}
	}
	got := map[string]bool{}
	quiet := 0
	for _, later := range []bool{false, true} {
		if later {
			n.Advance()
		}
		for _, r := range file.Rules {
			for key := range passed(t, n, r.Query, r.When.Sources) { // of a rule that counts, what it tells is what passes
				key = r.Name + " " + key
				if !inStory[key] {
					t.Errorf("%s passes and is not expected", key)
				}
				got[key] = false
			}
			for _, g := range n.Articles() {
				if r.When.Sources > 0 {
					break
				}
				key := r.Name + " " + g.ID
				if !matches(t, r.Query, g) {
					continue
				}
				if g.Quiet {
					quiet++
					continue
				}
				if !inStory[key] {
					t.Errorf("%s matches %s, which expects no alert", r.Name, g.ID)
				}
				if _, before := got[key]; !before {
					got[key] = later
				}
			}
		}
	}
	for key, later := range want {
		when, ok := got[key]
		if !ok {
			t.Errorf("%s is expected and does not match", key)
		} else if when != later {
			t.Errorf("%s: later is %v, want %v", key, when, later)
		}
	}
	for key := range inStory {
		if _, ok := got[key]; !ok {
			t.Errorf("%s stands in a story and does not match itself", key)
		}
	}
	if quiet == 0 {
		t.Error("no quiet article matches: the baseline shows nothing")
	}
	t.Logf("%d rules, %d alerts, %d loud matches, %d quiet", len(file.Rules), len(n.Expected()), len(got), quiet/2)
}

// passed lists the articles of stories in which a query matches and that are carried by so many sites; 0: none.
func passed(t *testing.T, n *Newsroom, query string, sources int) map[string]bool {
	out := map[string]bool{}
	if sources == 0 {
		return out
	}
	byStory := map[string][]Gold{}
	for _, g := range n.Articles() {
		story := g.Wire
		if story == "" {
			story = g.ID
		}
		byStory[story] = append(byStory[story], g)
	}
	for _, gs := range byStory {
		sites := map[string]bool{}
		matched, loud := false, false
		first, last := gs[0].Published, gs[0].Published
		for _, g := range gs {
			sites[g.Site] = true
			matched, loud = matched || matches(t, query, g), loud || !g.Quiet
			if g.Published.Before(first) {
				first = g.Published
			}
			if g.Published.After(last) {
				last = g.Published
			}
		}
		if len(sites) < sources || !matched || !loud {
			continue
		}
		if last.Sub(first) > 20*time.Hour {
			t.Errorf("the story of %s takes %v: whether it passes within a day must be plain", gs[0].ID, last.Sub(first))
		}
		for _, g := range gs {
			out[g.ID] = true
		}
	}
	return out
}

// TestTrapsHoldRuleWords makes sure that the planted blocks would match if
// they were taken for the article.
func TestTrapsHoldRuleWords(t *testing.T) {
	n, _ := serve(t)
	var file struct {
		Rules []struct{ Name, Query string }
	}
	if err := yaml.Unmarshal([]byte(n.Rules()), &file); err != nil {
		t.Fatal(err)
	}
	var trapped []string
	for _, g := range n.Articles() {
		for _, r := range g.Removed {
			g.Body = append(g.Body, r.Text)
		}
		for _, r := range file.Rules {
			if matches(t, r.Query, g) && !slices.ContainsFunc(n.Expected(), func(e ExpectedAlert) bool {
				return e.Rule == r.Name && slices.Contains(e.Articles, g.ID)
			}) && !g.Quiet {
				trapped = append(trapped, r.Name+" "+g.ID)
			}
		}
	}
	if len(trapped) < 8 {
		t.Errorf("only %d traps: %v", len(trapped), trapped)
	}
	t.Logf("%d pages would alert falsely if boilerplate stayed: %v", len(trapped), trapped)
}

func matches(t *testing.T, query string, g Gold) bool {
	t.Helper()
	p := &evaluator{toks: lex(query), title: words(g.Title), body: words(strings.Join(g.Body, "\n"))}
	ok := p.or(false)
	if p.i != len(p.toks) {
		t.Fatalf("query %q: stopped at %v", query, p.toks[p.i:])
	}
	return ok
}

// lex cuts a query into words, "phrases", parentheses and field marks.
func lex(q string) []string {
	var out []string
	for q = strings.TrimSpace(q); q != ""; q = strings.TrimSpace(q) {
		switch {
		case q[0] == '(' || q[0] == ')':
			out, q = append(out, q[:1]), q[1:]
		case q[0] == '"':
			end := strings.IndexByte(q[1:], '"') + 2
			out, q = append(out, q[:end]), q[end:]
		case strings.HasPrefix(q, "title:"):
			out, q = append(out, "title:"), q[6:]
		default:
			end := strings.IndexAny(q, " ()\n")
			if end < 0 {
				end = len(q)
			}
			out, q = append(out, q[:end]), q[end:]
		}
	}
	return out
}

type evaluator struct {
	toks        []string
	i           int
	title, body []string
}

func (p *evaluator) at(s string) bool { return p.i < len(p.toks) && p.toks[p.i] == s }

func (p *evaluator) or(title bool) bool {
	ok := p.and(title)
	for p.at("OR") {
		p.i++
		ok = p.and(title) || ok
	}
	return ok
}

func (p *evaluator) and(title bool) bool {
	ok := p.not(title)
	for p.i < len(p.toks) && !p.at("OR") && !p.at(")") {
		if p.at("AND") {
			p.i++
		}
		ok = p.not(title) && ok
	}
	return ok
}

func (p *evaluator) not(title bool) bool {
	if p.at("NOT") {
		p.i++
		return !p.prim(title)
	}
	return p.prim(title)
}

func (p *evaluator) prim(title bool) bool {
	tok := p.toks[p.i]
	p.i++
	switch tok {
	case "title:":
		return p.prim(true)
	case "(":
		ok := p.or(title)
		p.i++
		return ok
	}
	q := words(strings.Trim(tok, `"*`))
	prefix := strings.HasSuffix(tok, "*")
	return has(p.title, q, prefix) || !title && has(p.body, q, prefix)
}

func has(text, q []string, prefix bool) bool {
	for i := 0; i+len(q) <= len(text); i++ {
		all := true
		for j, w := range q {
			last := j == len(q)-1
			all = all && (text[i+j] == w || bare(text[i+j], w) || last && prefix && strings.HasPrefix(text[i+j], w))
		}
		if all {
			return true
		}
	}
	return false
}

var (
	particles = strings.Fields("은 는 이 가 을 를 에 의 와 과 로 으로 에서 에게 도 만")
	clitics   = strings.Fields("و ف ب ل ال وال بال فال لل")
)

// bare says that text is the word w with a Korean particle or Arabic clitics.
func bare(text, w string) bool {
	if rest, ok := strings.CutPrefix(text, w); ok && slices.Contains(particles, rest) {
		return true
	}
	rest, ok := strings.CutSuffix(text, w)
	return ok && slices.Contains(clitics, rest)
}

func words(s string) []string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(norm.NFKC.String(b.String()))
}
