package archive

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/dedup"
)

// maxLine bounds a line of an archive, in bytes.
const maxLine = 64 << 20

// ErrNewer says that an archive was written by a later version of Wirewatch, whose lines may mean something else.
var ErrNewer = errors.New("the archive was written by a later version of Wirewatch: import it with that version or a later one")

// A Reader reads JSON lines as NewWriter writes them.
type Reader struct {
	// Put stores what some lines say, all of it or, with an error, nothing.
	Put func([]pipeline.ArchiveRecord) error
	// Bad is told of each line that cannot be used. Lines count from 1.
	Bad func(line int, err error)
	// Terms is since when articles that open a story need to be known to the index of events.
	Terms time.Time
	// Batch is how many articles Put is given at a time; 0: 200.
	Batch int
	// MaxLine bounds a line, in bytes; 0: 64 MB.
	MaxLine int

	records  []pipeline.ArchiveRecord
	articles int
}

// Read reads r to its end. A bad line costs that line; an error of r or of Put ends it.
func (x *Reader) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	longest := cmp.Or(x.MaxLine, maxLine)
	for n := 1; ; n++ {
		line, long, err := readLine(in, longest)
		if err != nil && err != io.EOF {
			return errors.Join(x.flush(), fmt.Errorf("line %d: %w", n, err))
		}
		switch {
		case long:
			x.Bad(n, fmt.Errorf("the line has more than %d bytes", longest))
		case len(bytes.TrimSpace(line)) > 0:
			rec, lerr := x.record(line)
			if errors.Is(lerr, ErrNewer) {
				return fmt.Errorf("line %d: %w", n, lerr)
			}
			if lerr != nil {
				x.Bad(n, lerr)
			} else if rec != (pipeline.ArchiveRecord{}) {
				if perr := x.put(rec); perr != nil {
					return fmt.Errorf("up to line %d: %w", n, perr)
				}
			}
		}
		if err == io.EOF {
			return x.flush()
		}
	}
}

// readLine reads a line without holding more than longest bytes of it.
func readLine(in *bufio.Reader, longest int) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > longest; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, long, err
		}
	}
}

func (x *Reader) put(r pipeline.ArchiveRecord) error {
	x.records = append(x.records, r)
	if r.Article != nil {
		x.articles++
	}
	if x.articles < cmp.Or(x.Batch, 200) {
		return nil
	}
	return x.flush()
}

func (x *Reader) flush() error {
	if len(x.records) == 0 {
		return nil
	}
	err := x.Put(x.records)
	x.records, x.articles = nil, 0
	return err
}

// record reads a line. One that says nothing to be stored gives an empty record.
func (x *Reader) record(line []byte) (r pipeline.ArchiveRecord, err error) {
	var kind struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return r, fmt.Errorf("it is no JSON object of an archive (%w); `wirewatch export` writes them", err)
	}
	switch kind.Kind {
	case "archive":
		if kind.Version > Version {
			return r, fmt.Errorf("version %d: %w", kind.Version, ErrNewer)
		}
	case "article":
		r.Article, err = x.article(line)
	case "story":
		r.Story, err = readStory(line)
	case "episode":
		r.Episode, err = readEpisode(line)
	case "match": // the article's line says it
	case "":
		err = errors.New(`it has no "kind": a line is an archive, article, story, episode or match`)
	default:
		err = fmt.Errorf("there is no kind %q: a line is an archive, article, story, episode or match", kind.Kind)
	}
	return r, err
}

func (x *Reader) article(line []byte) (*pipeline.ArchivedArticle, error) {
	var l articleLine
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, fmt.Errorf("article: %w", err)
	}
	level := slices.Index(levels[:], l.Pruned)
	switch {
	case l.Key == "":
		return nil, errors.New(`article: it has no "key": nothing tells whether it is there already`)
	case l.URL == "" && l.Title == "" && l.Body == "":
		return nil, errors.New("article: it has neither url nor title nor body")
	case level < 0:
		return nil, fmt.Errorf(`article: "pruned" is "", page, body or fingerprint, not %q`, l.Pruned)
	case !slices.Contains([]string{string(pipeline.SourcePage), string(pipeline.SourceFeed), ""}, l.Source):
		return nil, fmt.Errorf(`article: "source" is page or feed, not %q`, l.Source)
	case !slices.Contains([]string{dedup.RelNew, dedup.RelIdentical, dedup.RelCopy, dedup.RelVersion, dedup.RelExcerpt, dedup.RelSameEvent, ""}, l.Relation):
		return nil, fmt.Errorf(`article: there is no relation %q`, l.Relation)
	}
	a := &pipeline.ArchivedArticle{Key: l.Key, StoryKey: l.Story, EventKey: cmp.Or(l.Event, l.Story), OfKey: l.Of, Forgotten: pipeline.Forgotten(level),
		Article: pipeline.Article{Feed: l.Feed, URL: l.URL, Canonical: l.Canonical, Site: l.Site, SiteName: l.SiteName, Title: l.Title, Authors: l.Authors,
			Tags: l.Tags, Published: time.Time(l.Published), Date: l.Date, Modified: l.Modified, Section: l.Section, Image: l.Image, Lang: l.Lang,
			Agency: l.Agency, Body: l.Body, Blocks: l.Blocks, Source: pipeline.Source(cmp.Or(l.Source, string(pipeline.SourcePage))), Paywalled: l.Paywalled,
			Why: l.Why, Relation: cmp.Or(l.Relation, dedup.RelNew), Score: l.Score, Sketch: l.Sketch, Seen: l.Seen.or(), Withdrawn: l.Gone.or(), Past: l.Past || l.Seen == nil,
			Pruned: level >= int(pipeline.BodyForgotten)}}
	if l.Withdrawn && a.Withdrawn.IsZero() { // the canonical form does not say since when
		a.Withdrawn = cmp.Or(a.Seen, a.Published, time.UnixMilli(1).UTC())
	}
	for _, m := range l.Matches {
		if m.Rule == "" {
			return nil, errors.New("article: a match without a rule")
		}
		for _, s := range m.Spans {
			if s.Start < 0 || s.End < s.Start || s.Field == "body" && s.End > len(l.Body) || s.Field == "title" && s.End > len(l.Title) {
				return nil, fmt.Errorf("article: the match of rule %q has the span %d to %d, which is not in the %s", m.Rule, s.Start, s.End, s.Field)
			}
		}
		a.Matches = append(a.Matches, pipeline.Match{Rule: m.Rule, Channels: m.Channels, Spans: m.Spans})
	}
	a.Told = l.Told
	if len(a.Sketch) == 0 && strings.TrimSpace(a.Title+a.Body) != "" {
		a.Sketch = dedup.Sketch(a.Title, a.Body, a.Lang)
	}
	if (a.Relation == dedup.RelNew || a.Relation == dedup.RelSameEvent) && a.Body != "" && (a.Seen.IsZero() || a.Seen.After(x.Terms)) {
		a.Terms = dedup.Terms(a.Title, a.Body, a.Lang)
	}
	return a, nil
}

func readStory(line []byte) (*pipeline.ArchivedStory, error) {
	var l storyLine
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, fmt.Errorf("story: %w", err)
	}
	if l.Key == "" {
		return nil, errors.New(`story: it has no "key"`)
	}
	return &pipeline.ArchivedStory{Key: l.Key, EventKey: l.Event, Title: l.Title, Created: l.Created.or(), Articles: l.Articles, Sites: l.Sites, Rules: l.Rules,
		Told: l.Told, Apart: l.Apart}, nil
}

func readEpisode(line []byte) (*pipeline.ArchivedEpisode, error) {
	var l episodeLine
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, fmt.Errorf("episode: %w", err)
	}
	e := &pipeline.ArchivedEpisode{Rule: l.Rule, Episode: pipeline.Episode{Number: l.Number, Begins: time.Time(l.Begins), Ends: time.Time(l.Ends)}}
	if e.Rule == "" || e.Begins.IsZero() || e.Ends.Before(e.Begins) {
		return nil, errors.New("episode: it needs a rule, and begins no later than it ends")
	}
	return e, nil
}
