// Package rules is the language in which analysts say what they are looking for, and the matcher that finds it in
// articles. It is pure: no clock, no network, no state beyond what is compiled; a Set is safe for concurrent use.
//
//	q, err := rules.Parse(`("North Korea" OR DPRK) AND (missile* NEAR/6 russia*) NOT football`)
//	set, err := rules.Compile([]rules.Rule{{Name: "dprk-arms", Query: q.String()}})
//	hits := set.Match(&rules.Doc{Title: …, Body: …})
//
// # What matches
//
// Words are those of package text: a query is cut and folded exactly as the article is. A typed word that holds several
// (`al-Qaeda`, `N.Korea`, 朝鮮) stands for them in a row; where people also write them as one (`K-9`, `K9`), either form finds
// either. A Korean word matches with particles after it, an Arabic one with its clitics. Chinese, Japanese and Thai words
// match wherever their characters stand together, so インド is found in インドネシア: their writing does not say where a
// word ends.
//
// A bare query looks at title and body. Phrases and NEAR stay within one field, and within one author. `lead:` is the
// first paragraph of the body. `author:` and `agency:` take words like the body; `tag:` and `feed:` compare whole names, `site:`
// compares hosts with their subdomains, `lang:` language tags by prefix, `url:` looks for its text anywhere; all five
// ignore case and take `*`.
//
// NEAR/n counts the words between, as a reader would: `Kim's` and `al-Qaeda` are one each, a Chinese character is one. In a
// chain, `a NEAR/2 b NEAR/3 c`, each operand is near its neighbour, and no part of the text serves two operands.
// `"a b c"~n` finds the words in any order with at most n others among them.
//
// `/…/` is a regular expression (RE2) that covers one whole word; its letters fold as those of words do, so that an i behind it says
// nothing new. One that covers the empty word, or half of a set of words with nothing in common, is refused. `~word` is also
// found in its other forms, by the stemmer of the article's language; see languageFor for what stands in where there is
// none. Inside a phrase ~ is a stem, and directly behind its closing quote, before a number, the distance.
//
// `ATLEAST/n` counts occurrences that do not overlap, in title and body unless a field says otherwise; it takes what NEAR
// takes. `FIRST/n`, `SENTENCE` and `PARAGRAPH` look at the body: what they hold is evaluated in the first n words, or in each sentence or paragraph by itself,
// and so stand within each other. `$name` stands for one of Lists as if it were written there in parentheses.
//
// What is no part of the language is an error that says what to write; it is never read as something else.
package rules

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// A Doc is an article as rules see it. Absent values are empty.
type Doc struct {
	Title, Body string
	Lang        string // BCP 47, such as en or pt-BR
	Site        string // host; where it is empty the host of URL counts
	URL         string
	Feed        string // the name of the feed it came by
	Agency      string
	Authors     []string
	Tags        []string
}

// A Span is a half-open range [Start, End) of bytes in the UTF-8 of one field of a Doc: title, body, author, agency, site, url,
// lang, feed or tag. Spans of author and tag refer to the list joined by ", ".
type Span struct {
	Field string `json:"field"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// MaxSpans bounds the spans of one hit; the first ones in the order of the fields are kept.
const MaxSpans = 200

// A Rule is a query with a name and what is to be done about it.
type Rule struct {
	Name      string
	Query     string
	Channels  []string // empty: every channel
	Severity  string   // one of Severities; "": not said, as of a rule that stands in no file
	Tags      []string
	Languages []string   // only articles in these; an article of unknown language passes, so that nothing is missed
	Sites     []string   // only articles of these hosts and their subdomains
	Note      string     // for the reader of its alerts
	Expires   time.Time  // from when on it tells nobody; zero: never
	Tests     []Test     // what it must match, and what not
	OncePer   string     // what it is told once of: article, story or event; "": story
	Updates   bool       // tell also what later versions of an article change
	When      *When      // nil: it tells of the first article that matches
	Quiet     *yaml.Node // the keys that say how it is told, unread: a mapping for whoever tells; nil: it has none
	Lists     Lists      // what the $names in the query stand for

	Origin     Place   // where the query's text begins, for error messages; zero: it stands in no file
	ChannelsAt []Place // where Channels stand, in their order; nil: in no file

	lines []string // of the file it stands in; nil: in none
}

// Expired reports whether the rule tells nobody any more at now.
func (r *Rule) Expired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// A Hit says that a rule matches, and where its positive terms stand: sorted by field and offset, merged where they
// overlap or touch, at most MaxSpans of them.
type Hit struct {
	Rule  string
	Spans []Span
}
