package feed

import "strings"

// monthNames has, month by month, how names of months begin in the languages
// of feeds, in lower case: enough letters to be told from the other months.
// Order matters only within a line.
var monthNames = [12][]string{
	{"jan", "jän", "ene", "gen", "sty", "led", "tammi", "ian", "oca", "siječ", "янв", "січ", "яну", "ιαν", "يناير", "ינו", "जन"},
	{"feb", "fév", "fev", "lut", "úno", "uno", "helmi", "şub", "velj", "фев", "лют", "φεβ", "فبراير", "פבר", "फ़र", "फर"},
	{"mar", "mär", "mrz", "már", "maar", "mrt", "bře", "bre", "maalis", "ožu", "мар", "бер", "μάρ", "μαρ", "مارس", "מרץ", "मार्च"},
	{"apr", "ápr", "avr", "abr", "kwi", "dub", "huhti", "nis", "tra", "апр", "кві", "απρ", "أبريل", "ابريل", "אפר", "अप्रैल"},
	{"may", "mai", "mag", "maj", "máj", "mei", "kvě", "kve", "touko", "svi", "май", "мая", "трав", "мај", "μάι", "μαΐ", "μαϊ", "μαι", "مايو", "מאי", "मई"},
	{"jun", "jún", "juin", "giu", "cze", "čer", "cer", "kesä", "iun", "haz", "lipanj", "lipnja", "июн", "юни", "черв", "јун", "ιούν", "ιουν", "يونيو", "יונ", "जून"},
	{"jul", "júl", "juil", "lug", "lip", "červenec", "července", "čvc", "heinä", "iul", "tem", "srpanj", "srpnja", "июл", "юли", "лип", "јул", "ιούλ", "ιουλ", "يوليو", "יול", "जुल"},
	{"aug", "aoû", "aou", "ago", "sie", "srp", "elo", "ağu", "kol", "авг", "серп", "αύγ", "αυγ", "أغسطس", "اغسطس", "אוג", "अग"},
	{"sep", "set", "szept", "wrz", "zář", "zar", "syys", "eyl", "ruj", "сен", "сеп", "вер", "σεπ", "سبتمبر", "ספט", "सित"},
	{"oct", "okt", "out", "ott", "paź", "paz", "říj", "rij", "loka", "eki", "окт", "жов", "οκτ", "أكتوبر", "اكتوبر", "אוק", "अक्"},
	{"nov", "lis", "marras", "noi", "kas", "stud", "ноя", "ное", "лист", "νοέ", "νοε", "نوفمبر", "נוב", "नव"},
	{"dec", "déc", "dez", "dic", "des", "gru", "pro", "joulu", "ara", "дек", "груд", "δεκ", "ديسمبر", "דצמ", "दिस"},
}

// monthOf answers 1 to 12 for a word in lower case that begins as a month
// does, 0 otherwise. The longest beginning counts: "juil" is not "jui".
func monthOf(word string) int {
	best, month := 0, 0
	for i, names := range monthNames {
		for _, n := range names {
			if len(n) > best && strings.HasPrefix(word, n) {
				best, month = len(n), i+1
			}
		}
	}
	return month
}

// zoneMinutes is minutes east of UTC by abbreviation.
var zoneMinutes = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "wet": 0, "z": 0, "zulu": 0,
	"west": 60, "bst": 60, "ist": 330, "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120, "mesz": 120,
	"eet": 120, "eest": 180, "msk": 180, "msd": 240, "trt": 180, "sast": 120, "cat": 120, "wat": 60, "eat": 180, "idt": 180,
	"gst": 240, "pkt": 300, "npt": 345, "uzt": 300, "ict": 420, "wib": 420, "wita": 480, "wit": 540,
	"hkt": 480, "sgt": 480, "myt": 480, "pht": 480, "awst": 480, "jst": 540, "kst": 540,
	"acst": 570, "acdt": 630, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "chst": 600,
	"nst": -210, "ndt": -150, "ast": -240, "adt": -180, "at": -240, "est": -300, "edt": -240, "et": -300,
	"cst": -360, "cdt": -300, "ct": -360, "mst": -420, "mdt": -360, "mt": -420, "pst": -480, "pdt": -420, "pt": -480,
	"akst": -540, "akdt": -480, "hst": -600, "hdt": -540, "sst": -660,
	"brt": -180, "brst": -120, "art": -180, "clt": -240, "clst": -180, "cot": -300, "pet": -300, "vet": -240, "bot": -240, "uyt": -180,
}
