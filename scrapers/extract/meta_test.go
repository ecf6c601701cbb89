package extract

import "testing"

func TestParseDate(t *testing.T) {
	l := newExtractor(t).lex
	for in, want := range map[string]string{
		"2023-11-02":                      "2023-11-02",
		"2023-11-02T10:15:30Z":            "2023-11-02T10:15:30Z",
		"2023-11-02T10:15:30.123+09:00":   "2023-11-02T10:15:30+09:00",
		"2023-11-02T10:15+0100":           "2023-11-02T10:15:00+01:00",
		"2023-11-02 10:15:30 -0500":       "2023-11-02T10:15:30-05:00",
		"2023-11-02T10:15:30":             "2023-11-02", // without an offset the time says nothing exact
		"2023-11-02T25:00:00Z":            "2023-11-02",
		"2023-13-02":                      "",
		"2023-02-30":                      "",
		"Thu, 02 Nov 2023 10:15:30 +0100": "2023-11-02T10:15:30+01:00",
		"Thu, 02 Nov 2023 10:15:30 GMT":   "2023-11-02T10:15:30Z",
		"Thu, 02 Nov 2023 10:15:30 EST":   "2023-11-02",
		"Thu Nov 02 2023":                 "2023-11-02",
		"November 2, 2022":                "2022-11-02",
		"2 November 2022":                 "2022-11-02",
		"Nov. 2, 2022 at 10:15 am":        "2022-11-02",
		"Published 2 Sept 2022":           "2022-09-02",
		"2. März 2024, 14:05 Uhr":         "2024-03-02",
		"02.03.2024":                      "2024-03-02",
		"3/25/2024":                       "2024-03-25",
		"25/3/2024":                       "2024-03-25",
		"2024/3/25":                       "2024-03-25",
		"2024년 3월 5일":                     "2024-03-05",
		"입력 2024.03.05 10:15":             "2024-03-05",
		"2024年3月5日":                       "2024-03-05",
		"5 марта 2024 г., 10:15":          "2024-03-05",
		"5 березня 2024 року":             "2024-03-05",
		"5 مارس 2024":                     "2024-03-05",
		"5 mars 2024 à 10h15":             "2024-03-05",
		"5 de marzo de 2024":              "2024-03-05",
		"5 março 2024":                    "2024-03-05",
		"5 Mart 2024":                     "2024-03-05",
		"5 marca 2024":                    "2024-03-05",
		"yesterday":                       "",
		"12345":                           "",
		"":                                "",
	} {
		got, ok := l.parseDate(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
	for in, want := range map[string]bool{
		"Thu Nov 02 2023": true, "2 November 2022": true, "Updated: 3 March 2024, 10:15 am": true, "Mi, 2. März 2024": true,
		"On 2 November 2022 the war ended": false, "2022": false, "November": false, "March 2024 elections": false,
	} {
		if got := l.dateLine(in); got != want {
			t.Errorf("%q: date line %v", in, got)
		}
	}
}

func TestAgency(t *testing.T) {
	x := newExtractor(t)
	for in, want := range map[string][2]string{
		"The pact holds, he said. REUTERS":         {"The pact holds, he said.", "Reuters"},
		"The pact holds, he said. (AP)":            {"The pact holds, he said.", "AP"},
		"“The pact holds.” — AFP":                  {"“The pact holds.”", "AFP"},
		"The pact holds. REUTERS, AFP":             {"The pact holds.", "Reuters"},
		"Der Pakt gilt. dpa":                       {"Der Pakt gilt.", "dpa"},
		"He told Reuters.":                         {"He told Reuters.", ""},
		"The story was first told by the AP":       {"The story was first told by the AP", ""},
		"SEOUL, Nov 2 (Reuters) - The pact holds.": {"SEOUL, Nov 2 (Reuters) - The pact holds.", "Reuters"},
		"LONDON (AP) — The pact holds.":            {"LONDON (AP) — The pact holds.", "AP"},
		"МОСКВА, 2 ноя - РИА Новости. Договор в силе.":      {"МОСКВА, 2 ноя - РИА Новости. Договор в силе.", "RIA Novosti"},
		"МОСКВА, 2 ноября. /ТАСС/. Договор в силе.":         {"МОСКВА, 2 ноября. /ТАСС/. Договор в силе.", "TASS"},
		"(서울=연합뉴스) 협정은 유효하다.":                               {"(서울=연합뉴스) 협정은 유효하다.", "Yonhap"},
		"A spokesman (Reuters) for peace spoke. It rained.": {"A spokesman (Reuters) for peace spoke. It rained.", "Reuters"},
	} {
		a, err := x.Extract(Input{Text: in})
		if err != nil {
			t.Fatal(err)
		}
		if a.Body != want[0] || a.Agency != want[1] {
			t.Errorf("%q: body %q agency %q, want %q", in, a.Body, a.Agency, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	x := newExtractor(t)
	body := "<body><p>The harbour board voted on Tuesday to close the northern basin while divers clear a wreck.</p></body>"
	type fields struct{ title, authors, date, lang, name string }
	for name, c := range map[string]struct {
		head string
		want fields
	}{
		"brand after a bar": {`<title>Basin closed for two years | Coast Courier</title><meta property="og:site_name" content="Coast Courier">`, fields{title: "Basin closed for two years", name: "Coast Courier", lang: "en"}},
		"brand by host":     {`<title>Basin closed for two years - The Courier</title>`, fields{title: "Basin closed for two years", name: "The Courier", lang: "en"}},
		"graph and ids": {`<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","headline":"Basin closed &amp; guarded","author":{"@id":"#p"},"datePublished":"2024-03-05T10:00:00+01:00"},{"@id":"#p","@type":"Person","name":"Ann Reed"}]}</script>`,
			fields{title: "Basin closed & guarded", authors: "Ann Reed", date: "2024-03-05T10:00:00+01:00", lang: "en"}},
		"array, raw line break, comma too much": {"<script type=application/ld+json>[{\"@type\":\"NewsArticle\",\"headline\":\"Basin\nclosed\",\"author\":[\"Ann Reed\",\"Tom Quay\"],},]</script>", fields{title: "Basin closed", authors: "Ann Reed; Tom Quay", lang: "en"}},
		"salvaged":                              {`<script type="application/ld+json">{"@type":"NewsArticle","headline":"Basin closed","datePublished":"2024-03-05", oops</script>`, fields{title: "Basin closed", date: "2024-03-05", lang: "en"}},
		"staff is nobody":                       {`<meta name="author" content="Reuters Staff">`, fields{lang: "en"}},
		"by and and":                            {`<meta name="author" content="By Ann Reed and Tom Quay">`, fields{authors: "Ann Reed; Tom Quay", lang: "en"}},
		"locale":                                {`<meta property="og:locale" content="de_AT">`, fields{lang: "de"}},
	} {
		a, err := x.Extract(Input{URL: "https://www.courier.example/x", HTML: []byte("<html><head>" + c.head + "</head>" + body)})
		if err != nil {
			t.Fatal(err)
		}
		authors := ""
		for i, n := range a.Authors {
			if i > 0 {
				authors += "; "
			}
			authors += n
		}
		if got := (fields{a.Title, authors, a.Date, a.Lang, a.SiteName}); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestDetect(t *testing.T) {
	l := newExtractor(t).lex
	for want, s := range map[string]string{
		"en": "The harbour board voted on Tuesday to close the northern basin while divers clear a wreck.",
		"de": "Der Hafenrat hat am Dienstag beschlossen, das Nordbecken für zwei Jahre zu schließen.",
		"fr": "Le conseil du port a décidé mardi de fermer le bassin nord pour deux ans.",
		"es": "La junta del puerto decidió el martes cerrar la dársena norte durante dos años.",
		"it": "Il consiglio del porto ha deciso martedì di chiudere il bacino nord per due anni.",
		"pt": "O conselho do porto decidiu na terça-feira fechar a doca norte por dois anos, não mais.",
		"ru": "Совет порта решил во вторник закрыть северный бассейн на два года, объявил он.",
		"uk": "Рада порту вирішила у вівторок закрити північний басейн на два роки, і її рішення остаточне.",
		"ko": "항만위원회는 화요일 북쪽 부두를 닫기로 했다.",
		"ja": "港湾委員会は火曜日、北の岸壁を閉鎖することを決めた。",
		"zh": "港务委员会星期二决定关闭北码头。",
		"ar": "قرر مجلس الميناء يوم الثلاثاء إغلاق الحوض الشمالي لمدة عامين.",
		"tr": "Liman kurulu salı günü kuzey havzasını iki yıl için kapatmaya karar verdi ve bu karar için gerekçe olarak güvenliği gösterdi.",
		"pl": "Rada portu zdecydowała we wtorek o zamknięciu północnego basenu na dwa lata, że tak będzie.",
		"":   "12345",
	} {
		if got := l.detect(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	for _, s := range []string{
		"A tanker left Rajin at night.", "Port closed", "Hafen zu", "Il porto è chiuso", "Порт закрыт", "港口", "ميناء مغلق",
		"Rajin Seaborne Logistics Aurelia Dawn Pelagia Star Varda Meridan Roads Lumen Sorvik",
	} {
		if got := l.detect(s); got != "" {
			t.Errorf("%q: %q, want none", s, got)
		}
	}
}
