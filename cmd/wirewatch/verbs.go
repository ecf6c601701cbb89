package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/alerts"
	"wirewatch/configs"
	"wirewatch/scrapers"
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
		{"backfill", "", "fill a date range of the past from feeds, sitemaps, web archives or files, quietly", runBackfill},
		{"feeds add", "URL...", "append feeds to the configuration", runFeedsAdd},
		{"feeds list", "", "list the configured feeds", runFeedsList},
		{"feeds status", "", "how each feed fares: last poll, failures, moves, warnings", runFeedsStatus},
		{"feeds import", "FILE", "append the feeds of an OPML file to the configuration", runFeedsImport},
		{"feeds export", "", "write the configured feeds as OPML", runFeedsExport},
		{"feeds discover", "URL", "find the feeds that a page announces", runFeedsDiscover},
		{"feeds parse", "[FILE]", "filter: feed documents in, entries out (--jsonl)", runFeedsParse},
		{"extract", "[FILE]", "HTML or text to an article, with --explain or --html block by block; filter with --jsonl", runExtract},
		{"sites status", "", "how each site's pages are read: bodies, dates, authors, and what broke", runSitesStatus},
		{"dedup", "[FILE]", "filter: which articles tell the same story (--jsonl); with --explain, why", runDedup},
		{"match", "[FILE]", "filter: which rules hold, and where (--rules FILE --jsonl)", runMatch},
		{"search", "QUERY...", "the archive, in the rule language: the newest first, or the best", runSearch},
		{"rules check", "[FILE]", "validate the rules of a rule file, or of the configuration", runRulesCheck},
		{"rules fmt", "[FILE]", "the canonical form of queries: of a rule file, written anew with -w, or of -q QUERY", runRulesFmt},
		{"rules schema", "", "the JSON Schema of rule files, for editors; that of the configuration is `check --schema`", runRulesSchema},
		{"rules test", "[RULE] [FILE or URL]", "whether a rule or -q QUERY matches an article, node by node, and why", runRulesTest},
		{"rules explain", "[RULE] ID", "the same of a stored article, and what stands in blocks that were removed from it", runRulesExplain},
		{"rules backtest", "[RULE]", "what a rule or -q QUERY would have matched and told: by day, site and channel, with samples", runRulesBacktest},
		{"rules diff", "OLD NEW", "which archived articles a change of rules gains and loses: of two rule files, or with -q two queries", runRulesDiff},
		{"rules lint", "[FILE]", "what is odd about rules: terms that never occur, rules within others, rules that match a tenth of everything", runRulesLint},
		{"rules suggest", "RULE", "words that tell hits marked wrong from the others, and what NOT or AND they would make of the rule", runRulesSuggest},
		{"replay", "", "store what a rule matches in the archive as its matches, and with --send tell channels of it, behind live alerts", runReplay},
		{"reextract", "", "make stored articles anew of their kept pages, without what was learned since; quiet unless told", runReextract},
		{"learned list", "", "blocks that sites repeat and that are removed as boilerplate, with the evidence", runLearnedList},
		{"learned keep", "ID...", "these blocks are journalism: never remove them again", runLearnedKeep},
		{"learned forget", "ID...", "take back what was learned of these blocks; learning begins anew", runLearnedForget},
		{"stories list", "", "stories, the newest first, with who carries them", runStoriesList},
		{"stories show", "ID", "a story's articles, why each was joined, and what was told", runStoriesShow},
		{"stories diff", "ID [ID]", "what changed: in the versions of a story's pages, or between two articles", runStoriesDiff},
		{"stories split", "STORY ARTICLE...", "take articles out into a story of their own, for good", runStoriesSplit},
		{"stories join", "STORY STORY...", "make stories one, for good", runStoriesJoin},
		{"trace", "URL", "the whole way of an article, by its address or ID: polled, fetched, extracted, joined, matched or why not, told to whom", runTrace},
		{"report", "", "what happened in a period, as one HTML page with plots: volume, sites, rules, top stories, who went quiet", runReport},
		{"items list", "", "items that wait or failed for good", runItemsList},
		{"items retry", "[ID...]", "take up failed items again; without IDs, all of them", runItemsRetry},
		{"alerts list", "", "deliveries: waiting, held and why, sent, silenced, dead", runAlertsList},
		{"alerts retry", "[ID...]", "send deliveries again, or now what is held or silenced; without IDs, all dead ones", runAlertsRetry},
		{"alerts ack", "ID...", "acknowledge alerts, so that they are not escalated", runAlertsAck},
		{"alerts mark", "ID... VERDICT", "say that alerts were right or wrong, for `rules suggest`; - takes it back", runAlertsMark},
		{"alerts silence", "add/list/end", "keep alerts from every channel for a while: by rule, site, story or query", runAlertsSilence},
		{"alerts preview", "RULE", "what would be sent to each channel of a rule, as it would be now; nothing is sent", runAlertsPreview},
		{"alerts test", "CHANNEL", "send a marked sample to a channel", runAlertsTest},
		{"export", "", "the archive as JSON lines, CSV or WARC: articles, stories, matches; or the feeds as OPML", runExport},
		{"import", "FILE...", "read what export wrote as JSON lines into the store; nobody is told", runImport},
		{"db migrate", "", "bring the store to this version's form", runDBMigrate},
		{"db check", "", "check the store's integrity, and that what is in it fits together; with --deep, that every page unpacks", runDBCheck},
		{"db backup", "FILE", "write a verified copy of the store while it is in use, to a file or into a folder", runDBBackup},
		{"db stats", "", "what takes the room: by part, by site, by day, and how long the disk lasts", runDBStats},
		{"db prune", "", "forget old pages and bodies, never who was seen and what was told", runDBPrune},
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
	var (
		usage usageError
		wrong mistakes
	)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		say(w, err.Error())
		return 2
	case errors.Is(err, errSilent):
	case errors.As(err, &wrong): // each line begins with its place, as editors and terminals know to follow
		fmt.Fprintln(w, safe(err.Error()))
		say(w, count(len(wrong), "mistake"))
	case errors.Is(err, context.Canceled):
		say(w, "interrupted; what was not done is due again")
	default:
		say(w, err.Error())
	}
	return 1
}

func say(w io.Writer, text string) { fmt.Fprintf(w, "wirewatch: %s\n", safe(text)) }

// safe is alerts.Terminal for messages of several lines, whose columns it keeps: a caret must stay under its place.
func safe(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if bare := strings.ReplaceAll(l, " ", ""); alerts.Terminal(bare) != bare {
			lines[i] = alerts.Terminal(l)
		}
	}
	return strings.Join(lines, "\n")
}

// run finds the verb and runs it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.LookupEnv, now: time.Now}
	if len(args) == 0 {
		help(stderr, "")
		return usagef("no verb; try `wirewatch demo`")
	}
	switch args[0] {
	case "-h", "-help", "--help":
		args = []string{"help"}
	case "-version", "--version":
		args = []string{"version"}
	}
	if args[0] == "help" {
		if len(args) == 1 {
			help(stdout, "")
			return nil
		}
		args = append(args[1:len(args):len(args)], "-h")
	}
	v, rest, err := findVerb(args)
	if err != nil {
		return err
	}
	if v.run == nil { // the first word of several verbs, and a wish for help
		help(stdout, v.name+" ")
		return nil
	}
	return v.run(ctx, e, v, rest)
}

// findVerb finds the verb that args begin with, and what follows it. A verb without run stands for help on a group.
func findVerb(args []string) (verb, []string, error) {
	all := verbs()
	names := make([]string, len(all))
	var group []string
	for i, v := range all {
		names[i] = v.name
		words := strings.Fields(v.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return v, args[len(words):], nil
		}
		if words[0] == args[0] {
			group = append(group, words[1])
		}
	}
	switch {
	case group != nil && len(args) == 1:
		return verb{}, nil, usagef("%s what? One of: %s", args[0], strings.Join(group, ", "))
	case group != nil && slices.Contains([]string{"-h", "-help", "--help"}, args[1]):
		return verb{name: args[0]}, nil, nil
	case group != nil:
		return verb{}, nil, usagef("there is no verb %q%s; one of: %s", args[0]+" "+args[1], didYouMean(args[0]+" "+args[1], names), strings.Join(group, ", "))
	case len(args) > 1 && !strings.HasPrefix(args[1], "-"):
		if near := didYouMean(args[0]+" "+args[1], names); near != "" { // feed list
			return verb{}, nil, usagef("there is no verb %q%s", args[0]+" "+args[1], near)
		}
	}
	return verb{}, nil, usagef("there is no verb %q%s; `wirewatch help` lists them", args[0], didYouMean(args[0], names))
}

// help lists the verbs that begin with prefix.
func help(w io.Writer, prefix string) {
	if prefix == "" {
		fmt.Fprint(w, `Wirewatch watches news feeds, keeps what the journalist wrote, folds copies into
stories, and tells a Slack channel or a webhook once per story when a rule matches.

`)
	}
	for _, v := range verbs() {
		if strings.HasPrefix(v.name, prefix) {
			fmt.Fprintf(w, "  %-15s %s\n", v.name, v.doc)
		}
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
	fs.Usage = func() { v.usage(e.stdout, fs) }
	return fs
}

// usage shows what the verb takes.
func (v verb) usage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintln(w, strings.TrimSpace("usage: wirewatch "+v.name+" [flags] "+v.args))
	fmt.Fprintln(w, v.doc)
	var names, docs []string
	fs.VisitAll(func(f *flag.Flag) {
		kind, doc := flag.UnquoteUsage(f)
		name := "--" + f.Name
		if len(f.Name) == 1 {
			name = "-" + f.Name
		}
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); !ok || !b.IsBoolFlag() {
			name += " " + strings.ToUpper(kind)
			if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" {
				doc += " (default " + f.DefValue + ")"
			}
		}
		names, docs = append(names, name), append(docs, doc)
	})
	width := 0
	for _, n := range names {
		width = max(width, len(n))
	}
	if len(names) > 0 {
		fmt.Fprintln(w)
	}
	for i, n := range names {
		fmt.Fprintf(w, "  %-*s  %s\n", width, n, docs[i])
	}
}

// parse reads the flags, which may stand before and behind the other arguments, and returns the others. min and max bound
// how many there may be; max < 0: no bound.
func (v verb) parse(fs *flag.FlagSet, args []string, min, max int) ([]string, error) {
	show := fs.Usage
	fs.Usage = func() {} // shown where it is asked for, not on every mistake
	var rest []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				show()
				return nil, err
			}
			msg := strings.Replace(err.Error(), "flag provided but not defined: ", "there is no flag ", 1)
			return nil, usagef("%s: %s; see `wirewatch %s -h`", v.name, msg, v.name)
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

// ids is parse for a verb whose arguments are IDs.
func (v verb) ids(fs *flag.FlagSet, args []string, min, max int) ([]int64, error) {
	rest, err := v.parse(fs, args, min, max)
	if err != nil {
		return nil, err
	}
	return ids(rest)
}

// ids reads IDs as lists show them.
func ids(args []string) ([]int64, error) {
	out := make([]int64, len(args))
	for i, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || n <= 0 {
			return nil, usagef("%q is no ID; the list shows them in its first column", a)
		}
		out[i] = n
	}
	return out, nil
}

// since reads what --since was given; the zero time when it was not.
func (v verb) since(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := moment(s, now, false)
	if err != nil {
		return time.Time{}, usagef("%s --since: %v", v.name, err)
	}
	return t, nil
}

// site reads what --site was given: a host name, as articles have theirs; "" is none.
func (v verb) site(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	name := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "www.")
	if strings.ContainsAny(name, "/ ") || scrapers.Site("https://"+name+"/") == "" {
		return "", usagef("%s --site %q: it is a host name, such as example.org", v.name, s)
	}
	return name, nil
}

// state reads what --state was given: one of known, or all, which is "".
func (v verb) state(s string, known ...string) (string, error) {
	switch {
	case s == "all":
		return "", nil
	case slices.Contains(known, s):
		return s, nil
	}
	return "", usagef("%s: --state is %s or all, not %q", v.name, strings.Join(known, ", "), s)
}

// didYouMean proposes the nearest of names, "" when none is near.
func didYouMean(word string, names []string) string {
	if near := configs.Suggest(word, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
