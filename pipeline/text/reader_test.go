package text

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// slowTokens is Tokens without any short cut: each word is read rune by rune and folded by itself.
func slowTokens(s string) []Token {
	var out []Token
	for i := 0; i < len(s); {
		start, end, next := word(s, i)
		if end > start {
			if t := form(s, s, start, end); t != "" {
				out = append(out, Token{t, start, end})
			}
		}
		i = next
	}
	return out
}

// readTokens is what a Reader says of s, read behind another text so that nothing depends on where it begins.
func readTokens(r *Reader, before, s string) []Token {
	r.Reset()
	r.Read(before)
	n := len(r.Words)
	r.Read(s)
	var out []Token
	for _, w := range r.Words[n:] {
		out = append(out, Token{string(r.Text(w)), int(w.Start), int(w.End)})
	}
	return out
}

func compareReaders(t *testing.T, r *Reader, s string) {
	t.Helper()
	want := slowTokens(s)
	if got := Tokens(s); !slices.Equal(got, want) {
		t.Fatalf("Tokens(%q)\n%v, the long way\n%v", s, got, want)
	}
	for _, before := range []string{"", "Mr. é, 1,000"} {
		if got := readTokens(r, before, s); !slices.Equal(got, want) {
			t.Fatalf("Reader of %q\n%v, the long way\n%v", s, got, want)
		}
	}
}

func TestReaderReadsAsTokensDoes(t *testing.T) {
	parts := []string{"Kim", "a", "U", "S", "1", "100", "000", "9", "é", "É", "ß", "Ж", "я", "Ё", "ё", "й", "П", "Р", "Я", "р", "і", "ў", "Ђ", "한", "朝", "ア", "ー", "ไท", "ที่", "صاروخ", "َ", "Ω", "ς",
		"\u0301", "\u0306", "\u00ad", "\u200b", "\u200f", "\xff", "\xe2", "\xe2\x80", "’", "“", "—", "…", ".", ".", ",", ",", " ", " ", " ", "-", "'", "\n", "\x00", "@", "[", "`", "{", "/", ":", "Z", "z", "A", "ı", "İ",
		"ﬁ", "５", "²", "₂", "·", "。", "、", "，", "・"}
	r := rand.New(rand.NewPCG(1, 2))
	var rd Reader
	for range 20000 {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		compareReaders(t, &rd, b.String())
	}
	for n := range 200 { // words and gaps across the blocks of 64
		for _, s := range []string{strings.Repeat("a", n), strings.Repeat(" ", n) + "a", strings.Repeat("ab ", n), strings.Repeat("a", n) + ".b.", strings.Repeat("x", n) + " é " + strings.Repeat("Y", n)} {
			compareReaders(t, &rd, s)
		}
	}
	for c := range 256 {
		compareReaders(t, &rd, "a"+string([]byte{byte(c)})+"B c")
	}
}

func TestClassOfAgreesWithTheTables(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if a, b := classOf(r), classByTable(r); a != b {
			t.Errorf("%U: %d, by table %d", r, a, b)
		}
	}
}

func TestReaderAllocatesNothing(t *testing.T) {
	var r Reader
	s := strings.Repeat("North Korea’s K-9s, 1,000 café. Северная Ёлка 북한은 朝鮮 صاروخ ", 20)
	if n := testing.AllocsPerRun(20, func() { r.Reset(); r.Read(s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	seeds(f)
	var r Reader
	f.Fuzz(func(t *testing.T, s string) { compareReaders(t, &r, s) })
}

func BenchmarkReader(b *testing.B) {
	for _, c := range []struct{ name, s string }{
		{"english", strings.Repeat("North Korea sent missiles to Russia, the U.S. said on Tuesday. ", 80)},
		{"quotes", strings.Repeat("“North Korea’s missiles” — sent to Russia, the officials said on Tuesday. ", 70)},
		{"russian", strings.Repeat("Северная Корея отправила ракеты в Россию, заявили США. ", 80)},
		{"korean", strings.Repeat("북한은 러시아에 미사일을 보냈다고 미국이 밝혔다. ", 80)},
		{"chinese", strings.Repeat("朝鲜向俄罗斯运送导弹，美国表示。", 80)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.s)))
			var r Reader
			for b.Loop() {
				r.Reset()
				r.Read(c.s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(r.Words)), "ns/word")
		})
	}
}
