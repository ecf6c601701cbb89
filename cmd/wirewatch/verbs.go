package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// An env is what a verb may touch of the world.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)
	now            func() time.Time
}

// A verb is one thing the command does: a line of this table, a file beside it.
type verb struct {
	name string // one or two words: "run", "feeds add"
	args string // for usage: what follows the flags
	doc  string // one line; the README carries the same
	run  func(ctx context.Context, e *env, v verb, args []string) error
}

// verbs is the table of verbs, in the order of help.
func verbs() []verb {
	return []verb{
		{"demo", "", "run the whole pipeline on the embedded newsroom, over HTTP on loopback, and account for it", runDemo},
		{"init", "[FILE]", "write a commented configuration (wirewatch.yaml)", runInit},
		{"check", "", "validate configuration, rules and channels, without network", runCheck},
		{"run", "", "the daemon; with --once, do what is due and exit", runRun},
		{"backfill", "", "fetch what the configured feeds list of a date range, quietly", runBackfill},
		{"feeds add", "URL...", "append feeds to the configuration", runFeedsAdd},
		{"feeds list", "", "list the configured feeds", runFeedsList},
		{"feeds status", "", "how each feed fares: last poll, failures, moves, warnings", runFeedsStatus},
		{"feeds import", "FILE", "append the feeds of an OPML file to the configuration", runFeedsImport},
		{"feeds export", "", "write the configured feeds as OPML", runFeedsExport},
		{"feeds discover", "URL", "find the feeds that a page announces", runFeedsDiscover},
		{"feeds parse", "", "filter: feed documents in, entries out (--jsonl)", runFeedsParse},
		{"extract", "[FILE]", "HTML or text to an article; filter with --jsonl", runExtract},
		{"dedup", "", "filter: which articles tell the same story (--jsonl)", runDedup},
		{"match", "", "filter: which rules hold, and where (--rules FILE --jsonl)", runMatch},
		{"items list", "", "items that wait or failed for good", runItemsList},
		{"items retry", "[ID...]", "take up failed items again; without IDs, all of them", runItemsRetry},
		{"alerts list", "", "deliveries: waiting, sent, dead", runAlertsList},
		{"alerts retry", "[ID...]", "send dead deliveries again; without IDs, all of them", runAlertsRetry},
		{"alerts test", "CHANNEL", "send a marked sample to a channel", runAlertsTest},
		{"db migrate", "", "bring the store to this version's form", runDBMigrate},
		{"db check", "", "check the store's integrity", runDBCheck},
		{"db backup", "FILE", "write a verified copy of the store while it is in use", runDBBackup},
		{"health", "", "exit 0 when the daemon is ready (for containers)", runHealth},
		{"version", "", "version, commit, Go, SQLite", runVersion},
	}
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errSilent fails without a word: the verb has said everything already.
var errSilent = errors.New("")

// exitCode says err to w and gives the process's exit code: 0 done, 1 failed, 2 usage.
func exitCode(w io.Writer, err error) int {
	var usage usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(w, "wirewatch: %s\n", err)
		return 2
	case errors.Is(err, errSilent):
		return 1
	default:
		fmt.Fprintf(w, "wirewatch: %s\n", err)
		return 1
	}
}

// run finds the verb and runs it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.LookupEnv, now: time.Now}
	if len(args) == 0 {
		help(stderr)
		return usagef("no verb; try `wirewatch demo`")
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		help(stdout)
		return nil
	case "-version", "--version":
		args[0] = "version"
	}
	all := verbs()
	for _, v := range all {
		words := strings.Fields(v.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == v.name {
			return v.run(ctx, e, v, args[len(words):])
		}
	}
	var group []string
	for _, v := range all {
		if strings.HasPrefix(v.name, args[0]+" ") {
			group = append(group, v.name[len(args[0])+1:])
		}
	}
	if group != nil {
		return usagef("%s what? One of: %s", args[0], strings.Join(group, ", "))
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.name
	}
	return usagef("there is no verb %q%s; `wirewatch help` lists them", args[0], didYouMean(args[0], names))
}

func help(w io.Writer) {
	fmt.Fprint(w, `Wirewatch watches news feeds, keeps what the journalist wrote, folds copies into
stories, and tells a Slack channel or a webhook once per story when a rule matches.

`)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-15s %s\n", v.name, v.doc)
	}
	fmt.Fprint(w, `
`+"`wirewatch VERB -h`"+` shows a verb's flags. Verbs that need a configuration read
wirewatch.yaml, or the file of -c. Data goes to standard output, words to standard
error. Exit codes: 0 done, 1 failed, 2 usage.
`)
}

// flags makes a verb's flag set, whose errors are usage errors.
func (v verb) flags(e *env) *flag.FlagSet {
	fs := flag.NewFlagSet("wirewatch "+v.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fmt.Fprintf(e.stdout, "usage: wirewatch %s [flags] %s\n%s\n", v.name, v.args, v.doc)
		fs.SetOutput(e.stdout)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads the flags, which may stand before and behind the other arguments, and returns the others. min and max bound
// how many there may be; max < 0: no bound.
func (v verb) parse(fs *flag.FlagSet, args []string, min, max int) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%s: %s; see `wirewatch %s -h`", v.name, err, v.name)
		}
		stop := len(args) > len(fs.Args()) && args[len(args)-len(fs.Args())-1] == "--"
		args = fs.Args()
		for len(args) > 0 && (stop || !strings.HasPrefix(args[0], "-") || args[0] == "-") {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	if len(rest) < min {
		return nil, usagef("%s needs %s; see `wirewatch %s -h`", v.name, v.args, v.name)
	}
	if max >= 0 && len(rest) > max {
		return nil, usagef("%s: what is %q? see `wirewatch %s -h`", v.name, rest[max], v.name)
	}
	return rest, nil
}

// didYouMean proposes the nearest of names, "" when none is near.
func didYouMean(word string, names []string) string {
	best, at := 3, ""
	for _, n := range names {
		if d := distance(word, n); d < best {
			best, at = d, n
		}
	}
	if at == "" {
		return ""
	}
	return "; did you mean " + at + "?"
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, cost)
		}
	}
	return row[len(b)]
}
