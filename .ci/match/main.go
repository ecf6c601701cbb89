// Matchbench measures the rule matcher beside two peers on the same articles and rules, in one run on one core: an
// Aho-Corasick automaton that scans for the rules' words and decides nothing, and a regular expression a rule that finds
// any of its words. Both are given the text in lower case already.
//
// Articles have 800 words, drawn by Zipf's law from a vocabulary of 40,000. Rules are a quarter each of
//
//	(a OR b) AND c
//	"a b" OR (c AND d NOT e)
//	a NEAR/6 (b OR c)
//	a AND (bcde* OR title:f)
//
// with words that are not among the thousand most frequent, but for five rules of frequent ones, so that about three rules
// match each article.
//
//	matchbench [ROUNDS]
//
// With STRICT=1 it fails where the matcher is slower than a peer, or below the floors, which are multiples of the automaton's speed in
// the same run: half of what was measured, and never less than its own.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	ahocorasick "github.com/BobuSumisu/aho-corasick"

	"wirewatch/alerts/rules"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "matchbench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	rounds := 5
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of rounds", args[0])
		}
		rounds = n
	}
	runtime.GOMAXPROCS(1)
	w := newWords()
	docs := w.articles(100)
	lower := make([]string, len(docs))
	for i, d := range docs {
		lower[i] = strings.ToLower(d.Title + "\n\n" + d.Body)
	}
	fmt.Printf("%8s %12s %14s %14s %10s %14s\n", "rules", "articles/s", "aho-corasick", "regexps", "hits", "compiled in")
	floors := map[int]float64{10: 1, 1000: 1.2, 10000: 2.4}
	var failed []string
	for _, n := range []int{10, 1000, 10000} {
		list, literals := w.rules(n)
		start := used()
		set, err := rules.Compile(list)
		if err != nil {
			return err
		}
		compile := used() - start
		automaton := automatonOf(literals)
		exprs := make([]*regexp.Regexp, n)
		for i, l := range literals {
			exprs[i] = regexp.MustCompile(`\b(?:` + strings.Join(l, "|") + `)`)
		}
		hits, found := 0, 0
		var ours, ac, re []float64
		for range rounds {
			ours = append(ours, rate(20*len(docs), func(i int) { hits += len(set.Match(docs[i%len(docs)])) }))
			ac = append(ac, rate(20*len(docs), func(i int) { found += len(automaton.MatchString(lower[i%len(lower)])) }))
			re = append(re, rate(max(1, 1000/n), func(i int) {
				for _, e := range exprs {
					if e.MatchString(lower[i%len(lower)]) {
						found++
					}
				}
			}))
		}
		a, b, c := median(ours), median(ac), median(re)
		fmt.Printf("%8d %12.0f %14.0f %14.2f %10.2f %14v\n", n, a, b, c, float64(hits)/float64(20*len(docs)*rounds), compile.Round(time.Millisecond))
		if hits == 0 || found == 0 {
			return fmt.Errorf("%d rules: nothing is found: the comparison says nothing", n)
		}
		if want := max(floors[n]*b, c); a < want {
			failed = append(failed, fmt.Sprintf("%d rules: %.0f articles/s, want %.0f; the automaton does %.0f, the regular expressions %.0f", n, a, want, b, c))
		}
	}
	if os.Getenv("STRICT") != "" && failed != nil {
		return fmt.Errorf("too slow:\n%s", strings.Join(failed, "\n"))
	}
	return nil
}

// used is the time this process has had on a core; what else the machine does does not count.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rate is how often a second f runs, of n times.
func rate(n int, f func(int)) float64 {
	runtime.GC()
	start := used()
	for i := range n {
		f(i)
	}
	return float64(n) / max(used()-start, time.Microsecond).Seconds()
}

func median(l []float64) float64 {
	slices.Sort(l)
	return l[len(l)/2]
}

func automatonOf(literals [][]string) *ahocorasick.Trie {
	b := ahocorasick.NewTrieBuilder()
	seen := map[string]bool{}
	for _, l := range literals {
		for _, w := range l {
			if !seen[w] {
				seen[w] = true
				b.AddString(w)
			}
		}
	}
	return b.Build()
}

// words has the shape of a language: a few words, short ones, are most of the text.
type words struct {
	list []string
	rank *rand.Zipf
	pick *rand.Rand
}

func newWords() *words {
	r := rand.New(rand.NewPCG(3, 3))
	w := &words{rank: rand.NewZipf(r, 1.1, 3, 39999), pick: rand.New(rand.NewPCG(2, 2))}
	seen := map[string]bool{}
	for len(w.list) < 40000 {
		b := make([]byte, 2+len(w.list)*5/40000+r.IntN(6))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgkjqxz"[min(r.IntN(26), r.IntN(26))]
		}
		if x := string(b); !seen[x] {
			seen[x] = true
			w.list = append(w.list, x)
		}
	}
	return w
}

func (w *words) next() string { return w.list[w.rank.Uint64()] }

func (w *words) articles(n int) []*rules.Doc {
	docs := make([]*rules.Doc, n)
	for i := range docs {
		var b strings.Builder
		for k := range 800 {
			x := w.next()
			if k%9 == 0 {
				x = strings.ToUpper(x[:1]) + x[1:]
			}
			b.WriteString(x)
			switch {
			case k%60 == 59:
				b.WriteString(".\n\n")
			case k%12 == 11:
				b.WriteString(". ")
			default:
				b.WriteByte(' ')
			}
		}
		docs[i] = &rules.Doc{Title: w.next() + " " + w.next() + " " + w.next(), Body: b.String(), Lang: "en", Site: "example.org"}
	}
	return docs
}

// rules are n rules of the mix, and the words of each.
func (w *words) rules(n int) (list []rules.Rule, literals [][]string) {
	for i := range n {
		var used []string
		word := func() string {
			x := w.list[1000+w.pick.IntN(39000)]
			if i < 5 {
				x = w.list[w.pick.IntN(40)]
			}
			used = append(used, x)
			return x
		}
		var q string
		switch i % 4 {
		case 0:
			q = fmt.Sprintf("(%s OR %s) AND %s", word(), word(), word())
		case 1:
			q = fmt.Sprintf(`"%s %s" OR (%s AND %s NOT zzzz)`, word(), word(), word(), word())
		case 2:
			q = fmt.Sprintf("%s NEAR/6 (%s OR %s)", word(), word(), word())
		case 3:
			a, b := word(), (w.list[1000+w.pick.IntN(39000)] + "ab")[:4]
			used = append(used, b)
			q = fmt.Sprintf("%s AND (%s* OR title:%s)", a, b, word())
		}
		list, literals = append(list, rules.Rule{Name: strconv.Itoa(i), Query: q}), append(literals, used)
	}
	return list, literals
}
