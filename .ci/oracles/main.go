// Oracles holds the rule matcher against two engines that decide the same queries on the same articles: SQLite FTS5 and bleve.
//
// A decision is one pair of a query and an article. Queries are made of words of the articles, in the part that the languages
// have in common: words, phrases, beginnings of words, AND, OR, NOT, parentheses, title and body; with FTS5 also NEAR of two
// words or phrases and "a b c"~n, whose n is FTS5's less the words in the middle; with bleve also words with ? and * inside
// and regular expressions. Each engine cuts the articles and what is typed into words by itself.
//
// Every query is decided on every article. Counted are the articles on which one of the two says yes and as many others, so that
// about half are positive. Of a decision on which they differ the leaves of the query are decided one by one: the operators above
// must come to what each engine said, and each place at which only one of them finds a leaf must belong to a class of
// intended differences. Those are written down in differences_fts.go and differences_bleve.go, each with examples that a test
// tries on the real engines. Whatever else differs makes the run fail. -rare gives the articles a share of letters and signs that the corpus
// hardly has, to find the classes that a run on it alone meets once in a year.
//
//	oracles [-n DECISIONS] [-seed N] [-rare N] [-only fts|bleve] [-show N] CORPUS
//	oracles -articles CORPUS
package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracles:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("oracles", flag.ContinueOnError)
	goal := flags.Int("n", 1_000_000, "decisions to count beside each oracle")
	seed := flags.Uint64("seed", 0, "of the random queries; 0: a new one")
	show := flags.Int("show", 20, "unexplained disagreements to print of each oracle")
	only := flags.String("only", "", "the oracle: fts or bleve")
	rare := flags.Int("rare", 0, "change one in so many letters of the articles to a rare form; 0: none")
	list := flags.Bool("articles", false, "print articles as JSON lines, of each script about as many, and stop")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("name the folder of the corpus")
	}
	if *seed == 0 {
		*seed = rand.Uint64() >> 16
	}
	articles, err := readCorpus(flags.Arg(0))
	if err != nil {
		return err
	}
	if *list {
		return printArticles(articles)
	}
	if *rare > 0 {
		r := rand.New(rand.NewPCG(*seed, 6))
		for _, a := range articles {
			a.Title, a.Body = sprinkle(r, a.Title, *rare), sprinkle(r, a.Body, *rare)
		}
	}
	fmt.Printf("seed %d, %d articles\n", *seed, len(articles))
	bad := 0
	for _, o := range []struct {
		name        string
		open        func([]*article) (oracle, error)
		differences []difference
	}{
		{"fts", func(a []*article) (oracle, error) { return newFTS(a) }, ftsDifferences},
		{"bleve", func(a []*article) (oracle, error) { return newPeer(a) }, bleveDifferences},
	} {
		if *only != "" && *only != o.name {
			continue
		}
		start := time.Now()
		x, err := o.open(articles)
		if err != nil {
			return err
		}
		c := &comparison{matcher: &matcher{articles}, oracle: x, differences: o.differences}
		if err := c.run(*goal, newGenerator(*seed, articles, x)); err != nil {
			return err
		}
		if err := x.close(); err != nil {
			return err
		}
		r := &c.report
		fmt.Printf("%s: %d decisions, %d positive (%d pairs compared), %d intended differences, %d others, %v\n", x.name(), r.counted, r.positive, r.compared,
			r.differ-len(r.bad), len(r.bad), time.Since(start).Round(time.Second))
		for _, name := range slices.Sorted(maps.Keys(r.classes)) {
			fmt.Printf("  %7d %s\n", r.classes[name], name)
		}
		for _, b := range r.bad[:min(len(r.bad), *show)] {
			fmt.Println("  " + b)
		}
		bad += len(r.bad)
	}
	if bad > 0 {
		return fmt.Errorf("%d disagreements have no reason that is written down", bad)
	}
	return nil
}
