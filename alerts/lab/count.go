package lab

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

// Counts is what a rule counts by, as the pipeline knows it; nil: it does not count.
func Counts(w *rules.When) *pipeline.When {
	if w == nil {
		return nil
	}
	out := &pipeline.When{Of: pipeline.CountOf(w.Of), By: pipeline.CountSources, N: w.Sources, Within: w.Within}
	if w.Articles > 0 {
		out.By, out.N = pipeline.CountArticles, w.Articles
	}
	return out
}

// A line is what rules that count need to know of the articles that were read.
type line struct {
	dots     []dot
	versions map[int64]int64 // an article, and of what it is a version; 0: of none
}

type dot struct {
	article, story int64
	at             time.Time
	site           string
}

func newLine() *line { return &line{versions: map[int64]int64{}} }

// link takes note of what an article is a version of.
func (l *line) link(a *pipeline.Article) {
	of := int64(0)
	if a.Relation == "version" {
		of = a.Of
	}
	l.versions[a.ID] = of
}

// add puts an article on the line.
func (l *line) add(a *pipeline.Article) {
	l.link(a)
	l.dots = append(l.dots, dot{a.ID, a.Story, a.Time(), a.Site})
}

// points are the articles in the order of their times, with what is counted of them, by story; those of a query are all under 0.
func (l *line) points(w *pipeline.When) map[int64][]pipeline.Point {
	dots := slices.SortedFunc(slices.Values(l.dots), func(a, b dot) int { return a.at.Compare(b.at) })
	out := map[int64][]pipeline.Point{}
	for _, d := range dots {
		p := pipeline.Point{Article: d.article, At: d.at, Key: d.site}
		if w.By == pipeline.CountArticles {
			first := d.article
			for l.versions[first] != 0 {
				first = l.versions[first]
			}
			p.Key = strconv.FormatInt(first, 10)
		}
		story := d.story
		if w.Of == pipeline.CountQuery {
			story = 0
		}
		out[story] = append(out[story], p)
	}
	return out
}

// linkAll finds the versions between those on the line: a rule need not match all of them.
func (l *Lab) linkAll(ctx context.Context, x *line) error {
	for {
		var missing []int64
		for _, of := range x.versions {
			if _, ok := x.versions[of]; !ok && of != 0 {
				missing = append(missing, of)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		for _, id := range missing {
			x.versions[id] = 0
		}
		as, err := l.Archive.Texts(ctx, missing)
		if err != nil {
			return err
		}
		for i := range as {
			x.link(&as[i])
		}
	}
}

// passings says when a rule that counts would have told of the articles that it matched: once of a story, once of an episode.
func (l *Lab) passings(ctx context.Context, w *pipeline.When, matched *line) (out []time.Time, err error) {
	if w.Of == pipeline.CountQuery {
		if err := l.linkAll(ctx, matched); err != nil {
			return nil, err
		}
	}
	for story, ps := range matched.points(w) {
		if w.Of == pipeline.CountQuery {
			return w.Passings(ps), nil
		}
		if ps, err = l.Archive.StoryPoints(ctx, story, w.By); err != nil {
			return nil, err
		}
		if at := w.Passings(ps); len(at) > 0 {
			out = append(out, at[0])
		}
	}
	return out, nil
}

// neverPasses says why a rule that counts would have told nothing in the range; "": it would have. matched are the articles that it
// matches, all are those of the range.
func neverPasses(w *pipeline.When, matched, all *line) string {
	most := 0
	if w.Of == pipeline.CountQuery {
		most = w.Most(matched.points(w)[0])
	} else {
		stories := all.points(w)
		for s := range matched.points(w) {
			most = max(most, w.Most(stories[s]))
		}
	}
	if most >= w.N {
		return ""
	}
	what := "sites"
	if w.By == pipeline.CountArticles {
		what = "articles"
	}
	return fmt.Sprintf("it asks for %d %s, and %d came together at most", w.N, what, most)
}
