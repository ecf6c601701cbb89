package text

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"NATO", "nato"}, {"Café", "cafe"}, {"Straße", "strasse"}, {"STRASSE", "strasse"},
		{"Ærø", "aero"}, {"Łódź", "lodz"}, {"Đà Nẵng", "da nang"}, {"İstanbul", "istanbul"}, {"ISPARTA", "isparta"},
		{"ışık", "isik"}, {"Əliyev", "aliyev"}, {"Kim’s", "kim's"}, {"“so”", `"so"`}, {"ｎａｔｏ", "nato"},
		{"Россия", "россия"}, {"Ёлка", "елка"}, {"й", "й"}, {"Йод", "йод"}, {"за́мок", "замок"}, {"Ўзбекистон", "ўзбекистон"},
		{"Αθήνα", "αθηνα"}, {"ΑΘΗΝΑΣ", "αθηνασ"}, {"Πούτιν", "πουτιν"},
		{"صَارُوخ", "صاروخ"}, {"صـــاروخ", "صاروخ"}, {"أسلحة", "اسلحه"}, {"إيران", "ايران"}, {"آسيا", "اسيا"}, {"موسكى", "موسكي"},
		{"٢٠٢٤", "2024"}, {"۲۰۲۴", "2024"}, {"שָׁלוֹם", "שלום"}, {"북한은", "북한은"}, {"ミサイル", "ミサイル"}, {"ﾐｻｲﾙ", "ミサイル"}, {"ﾊﾟ", "パ"},
		{"が", "が"}, {"한", "한"}, {"हिन्दी", "हिन्दी"}, {"ที่", "ที่"}, {"ﬁn", "fin"}, {"mis\u00adsile", "missile"},
		{"Ⅳ", "iv"}, {"\xff", "\uFFFD"},
	} {
		if got := Fold(c.in); got != c.want {
			t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFoldEveryRune(t *testing.T) {
	check := func(s string) {
		a := Fold(s)
		if b := Fold(a); a != b {
			t.Errorf("Fold(%q) = %q, Fold of that %q", s, a, b)
		}
		if b := foldSlow(s); a != b {
			t.Errorf("Fold(%q) = %q, the long way %q", s, a, b)
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf) ||
			unicode.In(r, unicode.Han, unicode.Hangul) && r > 0x3400 && r < 0xd7a0 && r&0xff != 0 { // uniform blocks: samples do
			continue
		}
		check(string(r))
		check("E" + string(r) + "e")
		if unicode.IsMark(r) {
			check("и" + string(r) + "\u0306")
		}
	}
	for a := rune(0x0e01); a <= 0x0e5b; a++ { // Thai marks beside each other, and beside others
		for b := rune(0x0e01); b <= 0x0e5b; b++ {
			check("ก" + string([]rune{a, b}) + "\u0301")
			check(string([]rune{'ก', '\u0e48', a, b}))
		}
	}
}

func TestBare(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"북한은", "북한"}, {"북한에서는", "북한에서 북한"}, {"군인들의", "군인들 군인"}, {"핵을", "핵"}, {"가을", ""}, {"회의", ""},
		{"러시아로부터", "러시아"}, {"무기로", "무기"}, {"평양으로", "평양"}, {"전문가", ""},
		{"الصاروخ", "صاروخ"}, {"والصاروخ", "الصاروخ صاروخ"}, {"بالصاروخ", "الصاروخ صاروخ"}, {"للصاروخ", "الصاروخ صاروخ"},
		{"وبالصاروخ", "بالصاروخ الصاروخ صاروخ"}, {"صواريخها", "صواريخ"}, {"missile", ""}, {"ракета", ""}, {"", ""},
	} {
		got := AppendBare(nil, Fold(c.in))
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(got, w) {
				t.Errorf("AppendBare(%q) = %q without %q", c.in, got, w)
			}
		}
		if c.want == "" && got != nil {
			t.Errorf("AppendBare(%q) = %q, want nothing", c.in, got)
		}
	}
}

func TestFoldAllocatesNothingWhenSettled(t *testing.T) {
	for _, s := range []string{"missile", "россия", "북한은", "朝鮮", "صاروخ", "ミサイル"} {
		if n := testing.AllocsPerRun(20, func() { Fold(s) }); n != 0 {
			t.Errorf("Fold(%q): %v allocations", s, n)
		}
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"...", ""}, {"One two", "one two"}, {"K-9 K9", "k 9 k9"}, {"al-Qaeda’s", "al qaeda s"},
		{"N. Korea", "n korea"}, {"the U.S. and U.N.-led", "the us and un led"}, {"U.S.A.", "usa"}, {"see t.me/x", "see t me x"},
		{"Plan B. The", "plan b the"}, {"1,000 or 12,345,678 or 3.5 or 1,2345", "1000 or 12345678 or 3 5 or 1 2345"},
		{"mis\u00adsile", "missile"}, {"naïve Ünal", "naive unal"}, {"С.Ш.А. и т.е.", "сша и те"},
		{"북한은 ICBM을 2024년", "북한은 icbm 을 2024 년"}, {"朝鮮のミサイル", "朝 鮮 の ミ サ イ ル"}, {"F-16戦闘機", "f 16 戦 闘 機"},
		{"ﾊﾟｰｸ", "パ ー ク"}, {"ที่ไทย", "ที่ ไ ท ย"}, {"l'accord", "l accord"}, {"AT&T", "at t"}, {"H₂O rule²", "h2o rule"},
		{"a\xffb", "a b"}, {"\u0301", ""}, {"1️⃣", "1"}, {"والصاروخ، الكوري", "والصاروخ الكوري"}, {"हिन्दी में", "हिन्दी में"},
	} {
		var got []string
		for _, k := range Tokens(c.in) {
			got = append(got, k.Text)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("Tokens(%q) = %q, want %q", c.in, s, c.want)
		}
	}
	k := Tokens("The U.S. «Élysée»")
	if want := []Token{{"the", 0, 3}, {"us", 4, 8}, {"elysee", 11, 19}}; !slices.Equal(k, want) {
		t.Errorf("offsets: %v, want %v", k, want)
	}
}

func TestJoined(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"K-9", "k9"}, {"al-Qaeda", "alqaeda"}, {"e‑mail", "email"}, {"O'Brien", "obrien"}, {"Sha'anxi", "shaanxi"},
		{"Qur'an", "quran"}, {"she'll", ""}, {"can't", ""}, {"d'une", ""}, {"l'accord", ""}, {"qu'est", ""}, {"9-11", ""}, {"a b", ""}, {"a - b", ""},
		{"комп'ютер", "компютер"}, {"п’ять", "пять"}, {"צה״ל", "צהל"}, {`a"b`, ""}, {"朝鮮", ""},
		{"Ｆ－１６", "f16"}, {"O＇Brien", "obrien"}, {"O´Brien", "obrien"}, {"she＇ll", ""}, {"F–16", ""},
	} {
		k := Tokens(c.in)
		if got, ok := Joined(c.in, k[0], k[1]); got != c.want || ok != (c.want != "") {
			t.Errorf("Joined(%q) = %q, %v, want %q", c.in, got, ok, c.want)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"One. Two! Three? Four", "One.|Two!|Three?|Four"},
		{"Mr. Kim met Gen. Pak in the U.S. today. He left.", "Mr. Kim met Gen. Pak in the U.S. today.|He left."},
		{"He said “Go.” Then left.", "He said “Go.”|Then left."}, {"Costs 3.5 million. Done.", "Costs 3.5 million.|Done."},
		{"Am 12. Mai kam er. Er ging.", "Am 12. Mai kam er.|Er ging."}, {"В 2023 г. Россия. Да.", "В 2023 г. Россия.|Да."},
		{"朝鮮は発射した。日本は抗議した。", "朝鮮は発射した。|日本は抗議した。"}, {"One\n\nTwo. three", "One|Two. three"}, {"J. K. Rowling wrote.", "J. K. Rowling wrote."},
		{"هل جاء؟ نعم.", "هل جاء؟|نعم."},
	} {
		var got []string
		for _, p := range Sentences(c.in) {
			got = append(got, c.in[p.Start:p.End])
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("Sentences(%q) = %q, want %q", c.in, s, c.want)
		}
	}
}

func TestParagraphs(t *testing.T) {
	s := "  One\nline \n \n\nTwo\r\n\r\nThree"
	var got []string
	for _, p := range Paragraphs(s) {
		got = append(got, s[p.Start:p.End])
	}
	if want := []string{"One\nline", "Two", "Three"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFirstWords(t *testing.T) {
	s := "One, two three."
	for n, want := range []int{0, 3, 8, 14, 15} {
		if got := FirstWords(s, n); got != want {
			t.Errorf("FirstWords(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestScript(t *testing.T) {
	for r, want := range map[rune]string{'a': "Latn", 'é': "Latn", 'я': "Cyrl", 'ω': "Grek", 'ص': "Arab", 'ש': "Hebr", '한': "Hang",
		'朝': "Hani", 'の': "Hira", 'ミ': "Kana", 'ท': "Thai", '5': "", '.': ""} {
		if got := Script(r); got != want {
			t.Errorf("Script(%q) = %q, want %q", r, got, want)
		}
	}
}

func seeds(f *testing.F) {
	for _, s := range []string{"", "Kim’s U.S. K-9, 1,000 тонн", "북한은 ICBM을", "朝鮮の。ミサイル", "ﾊﾟ\u0301й\u0306и", "صَارُوخ", "\xff\xfea.b.", "ǅİß",
		"ที่ไทย", "e\u0301\u00ad.\n\n x", "ͅΑ", "ῼ", "\xff\xf5Å"} {
		f.Add(s)
	}
}

func FuzzFold(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		a := Fold(s)
		if b := Fold(a); a != b {
			t.Errorf("Fold is not idempotent: %q, %q, %q", s, a, b)
		}
		if b := foldSlow(s); a != b {
			t.Errorf("Fold(%q) = %q, the long way %q", s, a, b)
		}
		if !utf8.ValidString(a) && utf8.ValidString(s) {
			t.Errorf("Fold(%q) is no UTF-8: %q", s, a)
		}
	})
}

func FuzzTokens(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		at := 0
		for _, k := range Tokens(s) {
			if k.Text == "" || k.Start < at || k.End <= k.Start || k.End > len(s) {
				t.Fatalf("bad token %+v in %q", k, s)
			}
			if Fold(k.Text) != k.Text {
				t.Errorf("token %q of %q is not folded", k.Text, s)
			}
			at = k.End
		}
		at = 0
		for _, p := range Sentences(s) {
			if p.Start < at || p.End <= p.Start || p.End > len(s) {
				t.Fatalf("bad sentence %+v in %q", p, s)
			}
			at = p.End
		}
		if n := FirstWords(s, 3); n < 0 || n > len(s) {
			t.Errorf("FirstWords: %d of %d", n, len(s))
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	for _, c := range []struct{ name, s string }{
		{"english", strings.Repeat("North Korea sent missiles to Russia, the U.S. said on Tuesday. ", 80)},
		{"russian", strings.Repeat("Северная Корея отправила ракеты в Россию, заявили США. ", 80)},
		{"korean", strings.Repeat("북한은 러시아에 미사일을 보냈다고 미국이 밝혔다. ", 80)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.s)))
			var k []Token
			for b.Loop() {
				k = AppendTokens(k[:0], c.s)
			}
		})
	}
}
