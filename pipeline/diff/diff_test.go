package diff

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline/cputest"
	"wirewatch/pipeline/text"
)

// show prints a diff as a reader would mark it: [-removed-] {+added+}.
func show(chunks []Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		switch c.Op {
		case Removed:
			b.WriteString("[-" + c.Text + "-]")
		case Added:
			b.WriteString("{+" + c.Text + "+}")
		default:
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"nothing", "", "", ""},
		{"the same", "Two ships left.", "Two ships left.", "Two ships left."},
		{"case, accents, white space, punctuation are no change", "Two  ships\nleft Malmö!", "two ships left malmo", "two ships left malmo"},
		{"a word", "The toll rose to 12 on Monday.", "The toll rose to 15 on Monday.", "The toll rose to [-12 -]{+15 +}on Monday."},
		{"at the beginning", "Old words stay here.", "New words stay here.", "[-Old -]{+New +}words stay here."},
		{"at the end", "It ends here.", "It ends there, now.", "It ends [-here.-]{+there, now.+}"},
		{"added", "One two.", "One and two.", "One {+and +}two."},
		{"removed", "One and two.", "One two.", "One [-and -]two."},
		{"all new", "", "Everything is new.", "{+Everything is new.+}"},
		{"all gone", "Everything goes.", "", "[-Everything goes.-]"},
		{"marks before the first word stay", "«One»", "«Two»", "[-One»-]{+«Two»+}"},
		{"a sentence written anew is one change", "He said the ship of the north sank at dawn. The end came.",
			"She reported a vessel of the navy burning at noon. The end came.",
			"[-He said the ship of the north sank at dawn. -]{+She reported a vessel of the navy burning at noon. +}The end came."},
		{"a paragraph moves", "First comes one. Second comes two and more of it. Third is last.",
			"Second comes two and more of it. First comes one. Third is last.",
			"[-First comes one. -]Second comes two and more of it. {+First comes one. +}Third is last."},
		{"scripts without spaces", "北朝鮮は十二日、ミサイルを発射した。", "北朝鮮は十三日、ミサイルを発射した。", "北朝鮮は十[-二-]{+三+}日、ミサイルを発射した。"},
		{"Russian", "Погибли 12 человек, сообщили в министерстве.", "Погибли 15 человек, сообщили в министерстве.",
			"Погибли [-12 -]{+15 +}человек, сообщили в министерстве."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(Words(c.a, c.b)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got, want := Changed(c.a, c.b), strings.Contains(c.want, "[-") || strings.Contains(c.want, "{+"); got != want {
				t.Errorf("changed: %v", got)
			}
		})
	}
}

// sound checks what holds for every diff.
func sound(t *testing.T, a, b string) {
	t.Helper()
	chunks := Words(a, b)
	var old, now []string
	var whole strings.Builder
	change := false
	for i, c := range chunks {
		if c.Text == "" {
			t.Fatalf("chunk %d is empty", i)
		}
		if i > 0 && (c.Op == chunks[i-1].Op || c.Op == Removed && chunks[i-1].Op == Added) {
			t.Fatalf("chunk %d is %s behind %s", i, c.Op, chunks[i-1].Op)
		}
		var words []string
		for _, w := range text.Tokens(c.Text) {
			words = append(words, w.Text)
		}
		if c.Op != Added {
			old = append(old, words...)
		}
		if c.Op != Removed {
			now = append(now, words...)
			whole.WriteString(c.Text)
		}
		change = change || c.Op != Same
	}
	if whole.String() != b {
		t.Fatalf("the chunks make %q, not %q", whole.String(), b)
	}
	for _, side := range []struct {
		got []string
		of  string
	}{{old, a}, {now, b}} {
		var want []string
		for _, w := range text.Tokens(side.of) {
			want = append(want, w.Text)
		}
		if fmt.Sprint(side.got) != fmt.Sprint(want) {
			t.Fatalf("words %q, want %q", side.got, want)
		}
	}
	if change != Changed(a, b) {
		t.Fatalf("there is a change: %v, Changed says %v", change, !change)
	}
}

func TestSound(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	word := func(vocabulary int) string { return fmt.Sprintf("w%d", r.Intn(vocabulary)) }
	for n := range 600 {
		vocabulary := []int{2, 10, 200, 5000}[n%4]
		a := make([]string, r.Intn(300))
		for i := range a {
			a[i] = word(vocabulary)
		}
		b := append([]string{}, a...)
		for range r.Intn(20) {
			switch i := r.Intn(len(b) + 1); r.Intn(3) {
			case 0:
				b = append(b[:i:i], append([]string{word(vocabulary)}, b[i:]...)...)
			case 1:
				if i < len(b) {
					b = append(b[:i:i], b[i+1:]...)
				}
			default:
				j := min(len(b), i+r.Intn(40))
				b = append(append(b[j:len(b):len(b)], b[i:j]...), b[:i]...)
			}
		}
		sound(t, strings.Join(a, " "), strings.Join(b, " "))
	}
}

func FuzzWords(f *testing.F) {
	f.Add("The toll rose to 12.", "The toll rose to 15.")
	f.Add("北朝鮮は", "\xff北\x00韓国")
	f.Add("1,000 a.b U.S.", "1000 U.S")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) { // a word must not change by what bytes stand beside it
			Words(a, b)
			return
		}
		chunks := Words(a, b)
		var whole strings.Builder
		for _, c := range chunks {
			if c.Op != Removed {
				whole.WriteString(c.Text)
			}
		}
		if whole.String() != b {
			t.Fatalf("the chunks make %q, not %q", whole.String(), b)
		}
		Short(chunks, 3, 40)
	})
}

// TestBound: no pair of texts takes long, least of all those made to. 10,000 words are a very long article; the measure is the CPU time
// that one takes of which a word in a hundred was changed.
func TestBound(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	const n = 10_000
	made := func(f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i) + " ")
		}
		return b.String()
	}
	some := made(func(i int) string { return fmt.Sprint("w", r.Intn(3000)) })
	cases := map[string][2]string{
		"nothing in common":  {made(func(i int) string { return fmt.Sprint("a", i) }), made(func(i int) string { return fmt.Sprint("b", i) })},
		"one word":           {strings.Repeat("a ", n), strings.Repeat("a ", n/2) + "b " + strings.Repeat("a ", n/2)},
		"two words":          {made(func(i int) string { return "ab"[r.Intn(2):][:1] }), made(func(i int) string { return "ab"[r.Intn(2):][:1] })},
		"backwards":          {made(func(i int) string { return fmt.Sprint("w", i) }), made(func(i int) string { return fmt.Sprint("w", n-i) })},
		"every second":       {made(func(i int) string { return fmt.Sprint("w", i) }), made(func(i int) string { return fmt.Sprint("w", i+i%2*n) })},
		"shuffled":           {some, made(func(i int) string { return fmt.Sprint("w", r.Intn(3000)) })},
		"pairs, interleaved": {made(func(i int) string { return fmt.Sprint("w", i/2) }), made(func(i int) string { return fmt.Sprint("w", (i+1)/2) })},
	}
	cost := func(a, b string) time.Duration {
		best := time.Hour
		for range 3 { // the best of three, for what else the machine does
			start := cputest.Time(t)
			Words(a, b)
			best = min(best, cputest.Time(t)-start)
		}
		return best
	}
	changed := strings.Fields(some)
	for range n / 100 {
		changed[r.Intn(n)] = "changed"
	}
	plain := cost(some, strings.Join(changed, " "))
	for name, c := range cases {
		took := cost(c[0], c[1])
		t.Logf("%s: %s, %.1f of an ordinary edit", name, took, float64(took)/float64(plain))
		if took > 10*plain {
			t.Errorf("%s took %s, where an ordinary edit takes %s", name, took, plain)
		}
	}
}

func TestShort(t *testing.T) {
	long := strings.Repeat("much is the same here ", 30)
	chunks := Words(long+"the toll is 12 now. "+long+"It ends on Monday.", long+"the toll is 15 now. "+long+"It ends on Friday.")
	got, left := Short(chunks, 3, 400)
	if want := "… the toll is [-12 -]{+15 +}now. much is … ends on [-Monday.-]{+Friday.+}"; show(got) != strings.Replace(want, "… ends", "… It ends", 1) || left != 0 {
		t.Errorf("short: %s, %d left", show(got), left)
	}
	got, left = Short(chunks, 3, 30)
	if n := utf8.RuneCountInString(show(got)); left != 2 || n > 40 {
		t.Errorf("%d changes left out of %s, %d characters", left, show(got), n)
	}
	removed, added := Count(chunks)
	if removed != 2 || added != 2 {
		t.Errorf("count: %d removed, %d added", removed, added)
	}
	// Nothing but a long new paragraph: it is cut.
	got, left = Short([]Chunk{{Added, long}}, 3, 50)
	if left != 1 || utf8.RuneCountInString(got[0].Text) > 50 || !strings.HasSuffix(got[0].Text, Ellipsis) {
		t.Errorf("cut: %s, %d", show(got), left)
	}
}

func BenchmarkWords(b *testing.B) {
	r := rand.New(rand.NewSource(1))
	words := make([]string, 1000)
	for i := range words {
		words[i] = fmt.Sprint("w", r.Intn(400))
	}
	x := strings.Join(words, " ")
	for range 30 {
		words[r.Intn(len(words))] = "changed"
	}
	y := strings.Join(words, " ")
	b.ReportAllocs()
	for b.Loop() {
		Words(x, y)
	}
}
