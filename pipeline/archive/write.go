package archive

import (
	"encoding/json"
	"io"

	"wirewatch/pipeline"
)

// A Writer writes records as JSON lines.
type Writer struct {
	enc       *json.Encoder
	what      What
	canonical bool
}

// NewWriter writes the first line to w.
func NewWriter(w io.Writer, what What, canonical bool) (*Writer, error) {
	x := &Writer{enc: json.NewEncoder(w), what: what, canonical: canonical}
	x.enc.SetEscapeHTML(false)
	return x, x.enc.Encode(headLine{Kind: "archive", Version: Version, Canonical: canonical})
}

// Write writes what is asked for of a record.
func (x *Writer) Write(r pipeline.ArchiveRecord) error {
	switch {
	case r.Story != nil && (x.what == All || x.what == Stories):
		return x.story(r.Story)
	case r.Article != nil && (x.what == All || x.what == Articles):
		return x.article(r.Article)
	case r.Article != nil && x.what == Matches:
		for _, m := range r.Article.Matches {
			if err := x.match(r.Article, m); err != nil {
				return err
			}
		}
	case r.Episode != nil && x.what == All && !x.canonical:
		e := r.Episode
		return x.enc.Encode(episodeLine{"episode", e.Rule, e.Number, stamp(e.Begins), stamp(e.Ends)})
	}
	return nil
}

func (x *Writer) story(s *pipeline.ArchivedStory) error {
	l := storyLine{Kind: "story", Key: s.Key, Event: s.EventKey, Title: s.Title, Articles: s.Articles, Sites: some(s.Sites), Rules: some(s.Rules)}
	if !x.canonical {
		l.Created, l.Told, l.Apart = stampOf(s.Created), s.Told, s.Apart
	}
	return x.enc.Encode(l)
}

func (x *Writer) article(a *pipeline.ArchivedArticle) error {
	l := articleLine{Kind: "article", Key: a.Key, Story: a.StoryKey, Event: a.EventKey, Relation: a.Relation, Of: a.OfKey, Score: a.Score, URL: a.URL,
		Canonical: a.Canonical, Site: a.Site, SiteName: a.SiteName, Feed: a.Feed, Title: a.Title, Authors: some(a.Authors), Published: stamp(a.Published),
		Date: a.Date, Modified: a.Modified, Lang: a.Lang, Agency: a.Agency, Section: a.Section, Tags: some(a.Tags), Image: a.Image,
		Source: string(a.Source), Paywalled: a.Paywalled, Why: a.Why, Withdrawn: !a.Withdrawn.IsZero(), Pruned: levels[a.Forgotten],
		Matches: make([]foundLine, len(a.Matches)), Body: a.Body, Blocks: some(a.Blocks), Sketch: a.Sketch}
	for i, m := range a.Matches {
		l.Matches[i] = foundLine{m.Rule, some(m.Channels), some(m.Spans)}
	}
	if !x.canonical {
		l.Seen, l.Told, l.Past = stampOf(a.Seen), a.Told, a.Past
		if l.Withdrawn {
			l.Gone = stampOf(a.Withdrawn)
		}
	}
	return x.enc.Encode(l)
}

func (x *Writer) match(a *pipeline.ArchivedArticle, m pipeline.Match) error {
	l := matchLine{Kind: "match", Rule: m.Rule, Channels: some(m.Channels), Spans: some(m.Spans), Texts: texts(&a.Article, m.Spans), Article: a.Key,
		Story: a.StoryKey, Event: a.EventKey, URL: a.URL, Site: a.Site, SiteName: a.SiteName, Title: a.Title, Lang: a.Lang, Published: stamp(a.Published)}
	if !x.canonical {
		l.Seen = stampOf(a.Seen)
	}
	return x.enc.Encode(l)
}

// some is v, or an empty list where there is none: absent values are [].
func some[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
