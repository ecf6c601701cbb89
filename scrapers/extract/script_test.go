package extract

import (
	"encoding/json"
	"strings"
	"testing"
)

// longScript is longer than what a reader holds of a page at a time.
const longScript = 4096

// A long script is passed over: what stands behind it, and the body it holds, are found, whatever in it looks like its end.
func TestFarScripts(t *testing.T) {
	x := newExtractor(t)
	fill := strings.Repeat("var wharf = [1, 2, 3]; // harbour\n", 2*longScript/34+1)
	if len(fill) < longScript {
		t.Fatal("the script is too short to be far")
	}
	body, err := json.Marshal("<p>" + basin1 + "</p><p>" + basin2 + "</p><p>" + basin3 + "</p><p>" + basin4 + "</p>")
	if err != nil {
		t.Fatal(err)
	}
	text := "<p>" + basin1 + "</p><p>" + basin2 + "</p><p>" + basin3 + "</p>"
	shown := []string{basin1, basin2, basin3}
	for name, c := range map[string]struct {
		html string
		want []string
	}{
		"plain":                        {"<script>" + fill + "</script>" + text, shown},
		"upper case, blank in the tag": {"<SCRIPT>" + fill + "</SCRIPT >" + text, shown},
		"other end tags in it":         {"<script>" + fill + "'</div></scripts></p>'" + fill + "</script>" + text, shown},
		"a comment in it":              {"<script><!--\n" + fill + "document.write('<script>x</script>')\n//--></script>" + text, shown},
		"two in a row":                 {"<script>" + fill + "</script><script async>" + fill + "</script>" + text, shown},
		"between paragraphs":           {"<p>" + basin1 + "</p><script>" + fill + "</script><p>" + basin2 + "</p><p>" + basin3 + "</p>", shown},
		"inside a paragraph":           {"<p>" + basin1[:40] + "<script>" + fill + "</script>" + basin1[40:] + "</p><p>" + basin2 + "</p><p>" + basin3 + "</p>", shown},
		"an empty title in a drawing":  {"<svg><title/><path d='M0'/><style/><script/></svg>" + text, shown},
		"never closed":                 {text + "<script>" + fill, shown},
		"the body stands only in it":   {"<script>" + fill + "window.state = {\"story\":" + string(body) + "};" + fill + "</script><p>Loading</p>", []string{basin1, basin2, basin3, basin4}},
		"behind one, the body in JSON-LD": {"<script>" + fill + `</script><script type="application/ld+json">{"@type":"NewsArticle","headline":"Wreck","articleBody":"` +
			strings.Join([]string{basin1, basin2, basin3, basin4}, `\n`) + `","keywords":"` + strings.Repeat("harbour, ", longScript/9+1) + `"}</script><p>Loading</p>`,
			[]string{basin1, basin2, basin3, basin4}},
	} {
		a, err := x.Extract(Input{HTML: []byte("<html><head><title>Wreck</title></head><body><main>" + c.html + "</main></body></html>")})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(a.Paragraphs(), "|"); got != strings.Join(c.want, "|") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
