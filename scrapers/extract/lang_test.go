package extract

import (
	"strings"
	"testing"
)

// A declared language stands unless the text is plainly of another one.
func TestDeclaredLanguage(t *testing.T) {
	x := newExtractor(t)
	german := strings.Repeat("Der Hafenrat hat am Dienstag beschlossen, das Nordbecken für zwei Jahre zu schließen, weil Taucher ein Wrack räumen. ", 4)
	english := strings.Repeat("The harbour board voted on Tuesday to close the northern basin while divers clear a wreck, and it will not open before winter. ", 4)
	danish := strings.Repeat("Havnerådet besluttede tirsdag at lukke det nordlige bassin i to år, fordi dykkere skal fjerne et vrag, og det bliver ikke åbnet igen. ", 4)
	russian := strings.Repeat("Совет порта решил во вторник закрыть северный бассейн на два года, пока водолазы убирают обломки. ", 4)
	for _, c := range []struct{ name, declared, text, want string }{
		{"none declared", "", german, "de"},
		{"confirmed", "de", german, "de"},
		{"a template's language", "en-US", german, "de"},
		{"the other way round", "de", english, "en"},
		{"close relatives do not refute each other", "no", danish, "no"},
		{"a name that is no code", "Deutsch", english, "en"},
		{"an old code", "iw", "<p>1234</p>", "he"},
		{"three letters", "rus", "<p>1234</p>", "ru"},
		{"another script", "en", russian, "ru"},
		{"a language that is not known stands", "kk", russian, "kk"},
		{"a language of two scripts", "sr", strings.Repeat("Lučki odbor odlučio je u utorak da zatvori severni basen na dve godine, dok ronioci ne uklone olupinu. ", 4), "sr"},
		{"too short to contradict", "en", "Der Hafenrat hat das Nordbecken geschlossen.", "en"},
		{"a quotation in another script", "de", german + strings.Repeat("Совет порта. ", 8), "de"},
		{"nonsense", "xx-default", english, "en"},
	} {
		a, err := x.Extract(Input{URL: "https://paper.example/a", HTML: []byte(`<html lang="` + c.declared + `"><body><article><p>` + c.text + `</p></article>`)})
		if err != nil {
			t.Fatal(err)
		}
		if a.Lang != c.want {
			t.Errorf("%s: %q, want %q", c.name, a.Lang, c.want)
		}
	}
}
