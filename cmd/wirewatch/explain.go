package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"wirewatch/alerts"
	"wirewatch/scrapers/extract"
)

// What extraction did, shown: on a terminal, as JSON, as one HTML page.

// An explanation is an article with every block and what was said of it.
type explanation struct {
	articleJSON
	SiteRule string       `json:"site_rule"`
	Notes    []string     `json:"notes"`
	Counts   []classCount `json:"counts"`
}

// A classCount says how many blocks of a class there are, and how many characters they have.
type classCount struct {
	Class  string `json:"class"`
	Kept   bool   `json:"kept"`
	Blocks int    `json:"blocks"`
	Chars  int    `json:"chars"`
}

func explain(a *extract.Article) explanation {
	return explanation{articleOf(a), a.SiteRule, append([]string{}, a.Notes...), countClasses(a.Blocks)}
}

// countClasses counts blocks by class: kept ones first, then the most frequent.
func countClasses(blocks []extract.Block) []classCount {
	out := []classCount{}
	for _, b := range blocks {
		i := slices.IndexFunc(out, func(c classCount) bool { return c.Class == b.Class && c.Kept == b.Kept })
		if i < 0 {
			i = len(out)
			out = append(out, classCount{Class: b.Class, Kept: b.Kept})
		}
		out[i].Blocks++
		out[i].Chars += len([]rune(b.Text))
	}
	slices.SortStableFunc(out, func(x, y classCount) int {
		if x.Kept != y.Kept {
			if x.Kept {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(y.Blocks, x.Blocks), cmp.Compare(x.Class, y.Class))
	})
	return out
}

// fields are the article's metadata as a person reads them, without those that are empty.
func (x explanation) fields() (out [][2]string) {
	paywall := ""
	if x.Paywalled {
		paywall = "yes"
	}
	for _, f := range [][2]string{
		{"title", x.Title}, {"by", strings.Join(x.Author, ", ")}, {"date", x.Date}, {"modified", x.Modified}, {"language", x.Lang},
		{"agency", x.Agency}, {"section", x.Section}, {"tags", strings.Join(x.Tags, ", ")}, {"image", x.Image}, {"site", cmp.Or(x.SiteName, x.Site)}, {"url", x.URL}, {"canonical", x.Canonical}, {"paywalled", paywall},
		{"site rule", x.SiteRule},
	} {
		if f[1] != "" {
			out = append(out, f)
		}
	}
	for _, n := range x.Notes {
		out = append(out, [2]string{"note", n})
	}
	return out
}

// colours says whether w is a terminal that wants colours: one, not called dumb, whose owner has not set NO_COLOR
// (no-color.org).
func colours(w io.Writer, getenv func(string) (string, bool)) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	return wantsColours(getenv)
}

func wantsColours(getenv func(string) (string, bool)) bool {
	if v, _ := getenv("NO_COLOR"); v != "" {
		return false
	}
	term, set := getenv("TERM")
	return set && term != "" && term != "dumb"
}

// paint puts text between escape sequences, where there are colours. The text must be safe for a terminal already.
func paint(on bool, code, text string) string {
	if !on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// printExplanation shows the metadata and then every block in the order of the page, a line each: + kept or - removed, its
// class, score, what decided, its text.
func printExplanation(w io.Writer, x explanation, colour bool) {
	for _, f := range x.fields() {
		fmt.Fprintf(w, "%s %s\n", paint(colour, dim, fmt.Sprintf("%-9s", f[0])), alerts.Terminal(f[1]))
	}
	fmt.Fprintln(w)
	for _, b := range x.Blocks {
		mark, class, text := paint(colour, green, "+"), paint(colour, bold, alerts.Terminal(b.Class)), alerts.Terminal(b.Text)
		if !b.Kept {
			mark, class, text = paint(colour, red, "-"), paint(colour, yellow, alerts.Terminal(b.Class)), paint(colour, dim, text)
		}
		why := fmt.Sprintf(" %.2f", b.Score)
		if b.Rule != "" {
			why += " by " + alerts.Terminal(b.Rule)
		}
		why = paint(colour, dim, why)
		fmt.Fprintf(w, "%s [%s%s] %s\n", mark, class, why, text)
	}
	fmt.Fprintf(w, "\n%s\n", summary(x.Counts))
}

// summary says in one line what was kept and removed.
func summary(counts []classCount) string {
	var parts [2][]string
	for _, c := range counts {
		i := 1
		if c.Kept {
			i = 0
		}
		parts[i] = append(parts[i], fmt.Sprintf("%d %s", c.Blocks, alerts.Terminal(c.Class)))
	}
	for i := range parts {
		if parts[i] == nil {
			parts[i] = []string{"nothing"}
		}
	}
	return "kept: " + strings.Join(parts[0], ", ") + "; removed: " + strings.Join(parts[1], ", ")
}

//go:embed explain.html
var explainPage string

// writeExplainPage writes the explanation as one page that needs nothing else: no script, no address that is loaded.
func writeExplainPage(w io.Writer, x explanation) error {
	t, err := template.New("explain").Funcs(template.FuncMap{
		"join":   func(s []string) string { return strings.Join(s, ", ") },
		"web":    func(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") },
		"thick":  thousands,
		"hues":   hues,
		"either": func(a, b string) string { return cmp.Or(a, b) },
	}).Parse(explainPage)
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	total := classCount{}
	kept := classCount{}
	for _, c := range x.Counts {
		total.Blocks, total.Chars = total.Blocks+c.Blocks, total.Chars+c.Chars
		if c.Kept {
			kept.Blocks, kept.Chars = kept.Blocks+c.Blocks, kept.Chars+c.Chars
		}
	}
	return t.Execute(w, struct {
		explanation
		Fields      [][2]string
		Total, Kept classCount
		Version     string
	}{x, x.fields(), total, kept, version})
}

// saveExplainPage writes the page to a file; - is standard output.
func saveExplainPage(e *env, file string, x explanation) error {
	var b bytes.Buffer
	if err := writeExplainPage(&b, x); err != nil {
		return err
	}
	if file == "-" {
		_, err := b.WriteTo(e.stdout)
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "wrote %s\n", file)
	return nil
}

// hues gives each class of removed blocks a colour of its own; green is for what is kept.
func hues() template.CSS {
	var b strings.Builder
	classes := extract.Classes()
	for i, c := range classes {
		fmt.Fprintf(&b, ".c-%s{--h:%d}", c, (195+i*7%len(classes)*240/len(classes))%360) // steps of 7, so that neighbours differ
	}
	return template.CSS(b.String()) // made of constants alone
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
