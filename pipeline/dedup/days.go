package dedup

import (
	"slices"
	"strings"

	"wirewatch/pipeline/text"
)

// months are the names by which a day of the year is written, folded, in the cases that stand beside a number. Names that are
// words of another sort in a neighbouring language (`set`, `ago`, `mar.` after a number) are left out. Read only.
var months = monthNames(
	"january jan januar janvier enero gennaio janeiro januari ocak stycznia ledna ianuarie tammikuuta január января январь янв січня студзеня януари јануара",
	"february feb februar fevrier febrero febbraio fevereiro februari subat lutego unora februarie helmikuuta február февраля февраль фев лютого лютага февруари фебруара",
	"march marz mars marzo marco maart mart marca brezna martie maaliskuuta március марта март березня сакавіка",
	"april apr avril abril aprile nisan kwietnia dubna aprilie huhtikuuta április апреля апрель апр квітня красавіка април априла",
	"may mai mayo maggio maio mei mayis maja kvetna toukokuuta május мая май травня маја",
	"june jun juni juin junio giugno junho haziran czerwca cervna iunie kesakuuta június июня июнь червня чэрвеня юни јуна",
	"july jul juli juillet julio luglio julho temmuz lipca cervence iulie heinakuuta július июля июль липня ліпеня юли јула",
	"august aug aout agosto augustus augusti agustos sierpnia srpna elokuuta augusztus августа август авг серпня жніўня",
	"september sept sep septembre septiembre settembre setembro eylul wrzesnia zari septembrie syyskuuta szeptember сентября сентябрь сен сент вересня верасня септември септембра",
	"october oct oktober octobre octubre ottobre outubro ekim pazdziernika rijna octombrie lokakuuta október октября октябрь окт жовтня кастрычніка октомври октобра",
	"november nov novembre noviembre novembro kasim listopada listopadu noiembrie marraskuuta ноября ноябрь ноя листопада лістапада ноември новембра",
	"december dec dezember decembre diciembre dicembre dezembro aralik grudnia prosince decembrie joulukuuta декабря декабрь дек грудня снежня декември децембра",
)

// monthNames gives each name the number of its line, from 1.
func monthNames(lines ...string) map[string]uint32 {
	names := map[string]uint32{}
	for i, line := range lines {
		for _, name := range strings.Fields(line) {
			names[text.Fold(name)] = uint32(i + 1)
		}
	}
	return names
}

// union is what is in a or b, both ascending.
func union(a, b []uint16) []uint16 {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// otherDays says that both name days, ascending, and none in common.
func otherDays(a, b []uint16) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	return !slices.ContainsFunc(a, func(d uint16) bool {
		_, ok := slices.BinarySearch(b, d)
		return ok
	})
}

// days finds the days of the year that are named among toks, the words of s: `8 November`, `Nov. 10th`, `8-го мая`, `5 de mayo`,
// `11月8日`, `08.11.2026`, `2026-11-08`. It appends the number of each to dst, month*32 + day, as often as it stands there.
func days(dst []uint32, s string, toks []text.Token) []uint32 {
	between := func(i int) string { return s[toks[i].End:toks[i+1].Start] }
	used := -1 // token of a day that belongs to the name of a month already
	for i := range toks {
		if i+2 < len(toks) {
			a, b, c := toks[i], toks[i+1], toks[i+2]
			switch between(i) + between(i+1) {
			case "..":
				if year(c.Text) {
					dst = appendDay(dst, dayNumber(b.Text), dayNumber(a.Text))
				}
			case "--":
				if year(a.Text) {
					dst = appendDay(dst, dayNumber(b.Text), dayNumber(c.Text))
				}
			}
			if b.Text == "月" && between(i) == "" && between(i+1) == "" {
				dst = appendDay(dst, dayNumber(a.Text), dayNumber(c.Text))
			}
		}
		month := months[toks[i].Text]
		if month == 0 {
			continue
		}
		back := i - 1
		if back > 0 && dayNumber(toks[back].Text) == 0 && len(toks[back].Text) <= 4 {
			back-- // the `de` of Spanish, the ending of `8-го`
		}
		if back >= 0 && back != used {
			if d := dayNumber(toks[back].Text); d != 0 {
				dst, used = appendDay(dst, month, d), back
				continue
			}
		}
		if i+1 < len(toks) {
			if d := dayNumber(toks[i+1].Text); d != 0 {
				dst, used = appendDay(dst, month, d), i+1
			}
		}
	}
	return dst
}

func appendDay(dst []uint32, month, day uint32) []uint32 {
	if month < 1 || month > 12 || day < 1 {
		return dst
	}
	return append(dst, month*32+day)
}

// dayNumber reads the number of a day, 1 to 31, with or without an English or French ending; 0: it is none.
func dayNumber(w string) (n uint32) {
	i := 0
	for i < len(w) && i < 2 && '0' <= w[i] && w[i] <= '9' {
		n = 10*n + uint32(w[i]-'0')
		i++
	}
	switch w[i:] {
	case "", "st", "nd", "rd", "th", "er", "го":
		if n <= 31 {
			return n
		}
	}
	return 0
}

func year(w string) bool {
	return len(w) == 4 && (strings.HasPrefix(w, "19") || strings.HasPrefix(w, "20"))
}
