// Package archive gives what is stored a form outside of the store: JSON lines, which can be read back, and CSV for spreadsheets.
//
// The form of the JSON lines, version 1. The first line is {"kind":"archive","version":1}. Every other line says its kind:
//
//   - "article": an article with its matches. key names it, story and event name what it is part of, of names the article that its relation is to.
//   - "story": what articles have in common, before the first of them; apart are the stories that a person keeps apart from it.
//   - "episode": a time that a rule which counts has told of.
//   - "match": a rule and an article, flat; only where matches are all that is asked for. Article lines carry them.
//
// Times are RFC 3339 in UTC, absent values "" or []. Keys are opaque: they are made of canonical URL, time of publication, title and body, so
// that two stores that hold the same give them the same names. The canonical form leaves out when anything was seen, stored or found
// to be gone, what was told and what a person decided: two stores that hold the same articles, stories and matches give the same bytes.
//
// A reader ignores fields that it does not know.
package archive

import (
	"time"

	"wirewatch/pipeline"
)

// Version is that of the form of JSON lines.
const Version = 1

// What of the store is asked for.
type What string

const (
	All      What = "all" // articles, stories and episodes: what an import needs
	Articles What = "articles"
	Stories  What = "stories"
	Matches  What = "matches"
)

type headLine struct {
	Kind      string `json:"kind"` // archive
	Version   int    `json:"version"`
	Canonical bool   `json:"canonical,omitempty"`
}

// An articleLine is an article. Its fields stand in the order in which people read them.
type articleLine struct {
	Kind      string                  `json:"kind"` // article
	Key       string                  `json:"key"`
	Story     string                  `json:"story"`
	Event     string                  `json:"event"`
	Relation  string                  `json:"relation"`
	Of        string                  `json:"of"`
	Score     float64                 `json:"score"`
	URL       string                  `json:"url"`
	Canonical string                  `json:"canonical"`
	Site      string                  `json:"site"`
	SiteName  string                  `json:"site_name"`
	Feed      string                  `json:"feed"`
	Title     string                  `json:"title"`
	Authors   []string                `json:"authors"`
	Published stamp                   `json:"published"`
	Date      string                  `json:"date"`
	Modified  string                  `json:"modified"`
	Lang      string                  `json:"lang"`
	Agency    string                  `json:"agency"`
	Section   string                  `json:"section"`
	Tags      []string                `json:"tags"`
	Image     string                  `json:"image"`
	Source    string                  `json:"source"`
	Paywalled bool                    `json:"paywalled"`
	Why       string                  `json:"why"`
	Seen      *stamp                  `json:"seen,omitempty"` // not in the canonical form
	Past      bool                    `json:"past,omitempty"` // a backfill stored it; not in the canonical form
	Withdrawn bool                    `json:"withdrawn"`
	Gone      *stamp                  `json:"gone,omitempty"` // since when it is withdrawn; not in the canonical form
	Pruned    string                  `json:"pruned"`         // "", page, body, fingerprint: how much retention has taken
	Matches   []foundLine             `json:"matches"`
	Told      []pipeline.ArchivedTold `json:"told,omitempty"` // by rules that are told once an article
	Body      string                  `json:"body"`
	Blocks    []pipeline.Block        `json:"blocks"`
	Sketch    []byte                  `json:"sketch"` // base64
}

// A foundLine is a match in an article's line.
type foundLine struct {
	Rule     string          `json:"rule"`
	Channels []string        `json:"channels"`
	Spans    []pipeline.Span `json:"spans"`
}

type storyLine struct {
	Kind     string                  `json:"kind"` // story
	Key      string                  `json:"key"`
	Event    string                  `json:"event"`
	Title    string                  `json:"title"`
	Created  *stamp                  `json:"created,omitempty"` // not in the canonical form
	Articles int                     `json:"articles"`
	Sites    []string                `json:"sites"`
	Rules    []string                `json:"rules"`
	Told     []pipeline.ArchivedTold `json:"told,omitempty"`
	Apart    []string                `json:"apart,omitempty"`
}

type episodeLine struct {
	Kind   string `json:"kind"` // episode
	Rule   string `json:"rule"`
	Number int    `json:"number"`
	Begins stamp  `json:"begins"`
	Ends   stamp  `json:"ends"`
}

// A matchLine is a match with what an analyst wants to know of its article.
type matchLine struct {
	Kind      string          `json:"kind"` // match
	Rule      string          `json:"rule"`
	Channels  []string        `json:"channels"`
	Spans     []pipeline.Span `json:"spans"`
	Texts     []string        `json:"texts"` // of the spans
	Article   string          `json:"article"`
	Story     string          `json:"story"`
	Event     string          `json:"event"`
	URL       string          `json:"url"`
	Site      string          `json:"site"`
	SiteName  string          `json:"site_name"`
	Title     string          `json:"title"`
	Lang      string          `json:"lang"`
	Published stamp           `json:"published"`
	Seen      *stamp          `json:"seen,omitempty"` // not in the canonical form
}

// A stamp is a time in an archive: RFC 3339 in UTC, to the millisecond; "" is unknown.
type stamp time.Time

func stampOf(t time.Time) *stamp { return (*stamp)(&t) }

func (t stamp) String() string {
	if time.Time(t).IsZero() {
		return ""
	}
	return time.Time(t).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

// MarshalText writes it.
func (t stamp) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads any time of RFC 3339.
func (t *stamp) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = stamp{}
		return nil
	}
	x, err := time.Parse(time.RFC3339, string(b))
	*t = stamp(x.UTC().Truncate(time.Millisecond))
	return err
}

// or is the time, or the zero time where the line has none.
func (t *stamp) or() time.Time {
	if t == nil {
		return time.Time{}
	}
	return time.Time(*t)
}

// levels name how much retention has taken of an article.
var levels = [...]string{pipeline.NothingForgotten: "", pipeline.PageForgotten: "page", pipeline.BodyForgotten: "body",
	pipeline.FingerprintForgotten: "fingerprint"}

// texts are what the spans of a match cover, each once.
func texts(a *pipeline.Article, spans []pipeline.Span) []string {
	out := []string{}
	known := map[string]bool{}
	for _, s := range spans {
		from := ""
		switch s.Field {
		case "title":
			from = a.Title
		case "body":
			from = a.Body
		}
		if s.Start < 0 || s.End > len(from) || s.Start >= s.End {
			continue
		}
		if t := from[s.Start:s.End]; !known[t] {
			known[t] = true
			out = append(out, t)
		}
	}
	return out
}
