package extract

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// newsLanguages are those every class must know, with the scripts their words are written in.
var newsLanguages = []struct {
	lang    string
	scripts []*unicode.RangeTable
}{
	{"en", []*unicode.RangeTable{unicode.Latin}},
	{"de", []*unicode.RangeTable{unicode.Latin}},
	{"fr", []*unicode.RangeTable{unicode.Latin}},
	{"es", []*unicode.RangeTable{unicode.Latin}},
	{"it", []*unicode.RangeTable{unicode.Latin}},
	{"pt", []*unicode.RangeTable{unicode.Latin}},
	{"ru", []*unicode.RangeTable{unicode.Cyrillic}},
	{"uk", []*unicode.RangeTable{unicode.Cyrillic}},
	{"ar", []*unicode.RangeTable{unicode.Arabic}},
	{"ko", []*unicode.RangeTable{unicode.Hangul}},
	{"ja", []*unicode.RangeTable{unicode.Hiragana, unicode.Katakana, unicode.Han}},
	{"zh", []*unicode.RangeTable{unicode.Han}},
	{"zh-Hant", []*unicode.RangeTable{unicode.Han}},
	{"tr", []*unicode.RangeTable{unicode.Latin}},
	{"pl", []*unicode.RangeTable{unicode.Latin}},
}

// structural are the classes that no words tell: a headline and a repeated text are found by comparing blocks.
var structural = []string{classHeadline, classRepeated}

// Every class that words can tell has entries in every language of the news; -v prints how many.
func TestLexiconCoverage(t *testing.T) {
	count := map[string]map[string]int{}
	for _, r := range newExtractor(t).lex.rules {
		if count[r.class] == nil {
			count[r.class] = map[string]int{}
		}
		for _, lang := range r.langs {
			count[r.class][lang]++
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-13s", "")
	for _, n := range newsLanguages {
		fmt.Fprintf(&table, "%8s", n.lang)
	}
	for _, class := range Classes() {
		fmt.Fprintf(&table, "\n%-13s", class)
		for _, n := range newsLanguages {
			c := count[class][n.lang]
			fmt.Fprintf(&table, "%8d", c)
			if c == 0 && !slices.Contains(structural, class) {
				t.Errorf("%s has no entry in %s", class, n.lang)
			}
		}
	}
	t.Logf("entries by class and language\n%s", table.String())
}

// An entry's example is text of its language, not of the one the entry was copied from.
func TestLexiconExamplesAreOfTheirLanguage(t *testing.T) {
	scripts := map[string][]*unicode.RangeTable{}
	for _, n := range newsLanguages {
		scripts[n.lang] = n.scripts
	}
	for _, r := range newExtractor(t).lex.rules {
		if r.where == whereMarkup {
			continue
		}
		if len(r.langs) == 0 {
			t.Errorf("%s: no language", r.ref)
		}
		for _, lang := range r.langs {
			if want := scripts[lang]; want != nil && !strings.Contains(r.example, "@") && !strings.ContainsFunc(r.example, func(c rune) bool { return unicode.In(c, want...) }) {
				if lang != "en" && r.example != "PR" && len(r.langs) == 1 { // a Japanese label in Latin letters
					t.Errorf("%s: example %q is not in %s", r.ref, r.example, lang)
				}
			}
		}
	}
}

// Journalism about gifts, newsletters, cookies and pictures is tried in every language of the news.
func TestInnocentSentencesCoverLanguages(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "innocent.txt"))
	if err != nil {
		t.Fatal(err)
	}
	l := newExtractor(t).lex
	n := map[string]int{}
	for line := range strings.Lines(string(data)) {
		n[guess(l, line)]++
	}
	for _, k := range newsLanguages {
		if n[k.lang] < 6 {
			t.Errorf("%d innocent sentences in %s, want at least 6", n[k.lang], k.lang)
		}
	}
}

// guess names the language of one sentence, for which detect asks for more words than it has.
func guess(l *lexicon, s string) string {
	if strings.ContainsAny(s, "週報廣標網將導權億") && !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) }) {
		return "zh-Hant"
	}
	return l.detect(strings.Repeat(s+" ", 6))
}

// Dates and relative times that stand alone are known in every language of the news.
func TestCalendars(t *testing.T) {
	l := newExtractor(t).lex
	for lang, c := range map[string]struct {
		dates string // all 2024-03-11, separated by |
		ago   string
	}{
		"en": {"March 11, 2024|Published 11 March 2024, 10:15 am|Mon, Mar 11 2024", "5 minutes ago|2 hours ago|3 days ago|1 week ago"},
		"de": {"11. März 2024|Montag, 11.03.2024, 10:15 Uhr|Stand: 11.03.2024", "vor 5 Minuten|vor 2 Stunden|vor 3 Tagen|vor 1 Woche"},
		"fr": {"11 mars 2024|Publié le 11 mars 2024 à 10h15|lundi 11 mars 2024", "il y a 5 minutes|il y a 2 heures|il y a 3 jours|il y a 1 semaine"},
		"es": {"11 de marzo de 2024|lunes 11 de marzo de 2024|Actualizado el 11/03/2024 a las 10:15 h", "hace 5 minutos|hace 2 horas|hace 3 días|hace 1 semana"},
		"it": {"11 marzo 2024|lunedì 11 marzo 2024 alle ore 10:15|Aggiornato il 11 marzo 2024", "5 minuti fa|2 ore fa|3 giorni fa|1 settimana fa"},
		"pt": {"11 de março de 2024|Segunda-feira, 11 de março de 2024|Publicado em 11 de março de 2024 às 10h15", "há 5 minutos|há 2 horas|há 3 dias|há 1 semana"},
		"ru": {"11 марта 2024|Понедельник, 11 марта 2024 года, 10:15|11.03.2024 10:15", "5 минут назад|2 часа назад|3 дня назад|неделю назад"},
		"uk": {"11 березня 2024|Понеділок, 11 березня 2024 року, 10:15|11 березня 2024 р.", "5 хвилин тому|2 години тому|3 дні тому|тиждень тому"},
		"ar": {"11 مارس 2024|الاثنين 11 آذار 2024|الإثنين، 11 مارس 2024 الساعة 10:15", "منذ 5 دقائق|قبل ساعتين|منذ 3 أيام|منذ أسبوع"},
		"ko": {"2024년 3월 11일|2024년 3월 11일 오전 10시 15분|입력 2024.03.11 10:15", "5분 전|2시간 전|3일 전|1주 전"},
		"ja": {"2024年3月11日|2024年3月11日 10時15分|公開日 2024年3月11日 月曜日", "5分前|2時間前|3日前|1週間前"},
		"zh": {"2024年3月11日|2024年3月11日 星期一 10:15|发布时间：2024-03-11 10:15|2024年3月11日 週一 10時15分", "5分钟前|2小时前|3天前|5分鐘前|2小時前"},
		"tr": {"11 Mart 2024|11 Mart 2024 Pazartesi 10:15|Güncelleme: 11 Mart 2024", "5 dakika önce|2 saat önce|3 gün önce|1 hafta önce"},
		"pl": {"11 marca 2024|poniedziałek, 11 marca 2024 r., godz. 10:15|Opublikowano: 11 marca 2024", "5 minut temu|2 godziny temu|3 dni temu|tydzień temu"},
	} {
		for _, s := range strings.Split(c.dates, "|") {
			if !l.dateLine(s) {
				t.Errorf("%s: %q is no date line", lang, s)
			}
			if lang == "es" && strings.Contains(s, "/") || strings.Contains(s, "-") {
				continue // day or month first is the page's secret
			}
			if d, _ := l.looseDate(s); d != "2024-03-11" {
				t.Errorf("%s: %q is %q", lang, s, d)
			}
		}
		for _, s := range strings.Split(c.ago, "|") {
			if !l.isAgo(newView(s)) {
				t.Errorf("%s: %q is no relative time", lang, s)
			}
		}
	}
	// Months whose names share a first word.
	for s, want := range map[string]string{"12 كانون الأول 2024": "2024-12-12", "12 كانون الثاني 2024": "2024-01-12", "12 تشرين الأول 2024": "2024-10-12"} {
		if d, _ := l.looseDate(s); d != want {
			t.Errorf("%q is %q, want %s", s, d, want)
		}
	}
}

// Every agency's own signs are known at the end of a text and taken off; a sentence that ends with the name stays whole.
func TestAgencySignatures(t *testing.T) {
	a := &newExtractor(t).lex.agencies
	if len(a.marks) < 150 {
		t.Fatalf("%d marks; is this all?", len(a.marks))
	}
	for _, m := range a.marks {
		for _, form := range []string{"The basin stays closed. %s", "The basin stays closed. (%s)", "The basin stays closed. – %s"} {
			s := fmt.Sprintf(form, m.text)
			if rest, name := a.signature(s); name == "" || rest != "The basin stays closed." {
				t.Errorf("%q leaves %q, agency %q", s, rest, name)
			}
		}
		if rest, name := a.signature("The talks were reported by " + m.text); name != "" || rest != "The talks were reported by "+m.text {
			t.Errorf("%q takes %q off a sentence", m.text, name)
		}
	}
}
