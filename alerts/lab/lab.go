// Package lab holds queries and rules against an archive of articles: search, backtests, what a change of a rule gains and loses, what
// is odd about rules.
//
// The contract: what it answers is what the matcher of package rules says of every article in the range. The archive's word index
// only spares reading articles that cannot match; a query that requires no word reads them all, and Scan says so.
//
// The best come first by where they say it: see Standing.
//
// An article's date is its Time. Newest first means stored last first; Search says up to which article it looked, so that whoever
// pages can ask for the same while new ones arrive.
package lab

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/pipeline"
)

// An Archive is what the lab reads of the store.
type Archive interface {
	// Candidates lists the IDs below below (0: all) of at most limit articles that may hold a word of each group, the highest first;
	// every article that does and was stored since is among them. No groups: all articles.
	Candidates(ctx context.Context, groups [][]string, since time.Time, below int64, limit int) ([]int64, error)
	// Texts loads articles with what rules see of them, in the order of the IDs.
	Texts(ctx context.Context, ids []int64) ([]pipeline.Article, error)
	// StoryPoints lists the articles of a story in the order of their times.
	StoryPoints(ctx context.Context, story int64, by pipeline.CountBy) ([]pipeline.Point, error)
}

// A Range is a half-open range of dates. Zero times leave an end open.
type Range struct {
	Since, Until time.Time
	UpTo         int64 // the highest ID of an article, that of the last one stored; 0: no matter
}

func (r Range) holds(at time.Time) bool {
	return !at.Before(r.Since) && (r.Until.IsZero() || at.Before(r.Until))
}

// Doc is an article as rules see it.
func Doc(a *pipeline.Article) *rules.Doc {
	return &rules.Doc{Title: a.Title, Body: a.Body, Lang: a.Lang, Site: a.Site, URL: a.URL, Feed: a.Feed, Agency: a.Agency, Authors: a.Authors, Tags: a.Tags}
}

// A Found is an article with the rules that match it.
type Found struct {
	Article pipeline.Article
	Hits    []rules.Hit
}

// Spans are those of the first hit, as the pipeline knows them.
func (f *Found) Spans() []pipeline.Span {
	var out []pipeline.Span
	if len(f.Hits) > 0 {
		for _, s := range f.Hits[0].Spans {
			out = append(out, pipeline.Span(s))
		}
	}
	return out
}

// A Scan says what a look through the archive cost.
type Scan struct {
	Required bool          // the word index chose what to read; else every article in the range was read
	Read     int           // articles
	Took     time.Duration // in all
}

// Rate is how many articles were read a second.
func (s Scan) Rate() float64 {
	if s.Took <= 0 {
		return 0
	}
	return float64(s.Read) / s.Took.Seconds()
}

// A Lab is an archive and the clock that says how long looking through it took.
type Lab struct {
	Archive Archive
	Now     func() time.Time
	// Progress, where set, is told how many articles were read of how many to read.
	Progress func(done, of int)
}

// errEnough ends a look early.
var errEnough = errors.New("enough")

// portion is how many articles are loaded and matched at once.
const portion = 50

// each calls f for every article in the range in which a rule matches, the newest first, until f is content with errEnough. need is
// what Required says of the rules together. With all, f gets articles without hits too, and the caller wants to see the end;
// else the first look is for few candidates, and further ones for more.
func (l *Lab) each(ctx context.Context, set *rules.Set, need [][]string, r Range, all bool, f func(Found) error) (Scan, error) {
	start := l.Now()
	s := Scan{Required: len(need) > 0}
	below, n := int64(0), 2*portion
	if r.UpTo > 0 {
		below = r.UpTo + 1
	}
	if all {
		n = 1 << 30
	}
	for {
		ids, err := l.Archive.Candidates(ctx, need, r.Since, below, n)
		if err == nil {
			err = l.read(ctx, set, ids, func(p []Found) error {
				s.Read += len(p)
				for _, x := range p {
					if !r.holds(x.Article.Time()) || len(x.Hits) == 0 && !all {
						continue
					}
					if err := f(x); err != nil {
						return err
					}
				}
				if l.Progress != nil {
					l.Progress(s.Read, len(ids))
				}
				return nil
			})
		}
		s.Took = l.Now().Sub(start)
		switch {
		case errors.Is(err, errEnough):
			return s, nil
		case err != nil || len(ids) < n:
			return s, err
		}
		below = ids[len(ids)-1]
		n *= 4
	}
}

// read loads and matches articles, several portions at a time, and hands them over in their order.
func (l *Lab) read(ctx context.Context, set *rules.Set, ids []int64, f func([]Found) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	type part struct {
		found []Found
		err   error
	}
	parts := make(chan chan part, max(1, runtime.GOMAXPROCS(0)-1))
	work.Go(func() {
		defer close(parts)
		for chunk := range slices.Chunk(ids, portion) {
			c := make(chan part, 1)
			select {
			case parts <- c:
			case <-ctx.Done():
				return
			}
			work.Go(func() {
				as, err := l.Archive.Texts(ctx, chunk)
				p := part{make([]Found, len(as)), err}
				for i := range as {
					p.found[i] = Found{as[i], set.Match(Doc(&as[i]))}
				}
				c <- p
			})
		}
	})
	for c := range parts {
		p := <-c
		if p.err != nil {
			return p.err
		}
		if err := f(p.found); err != nil {
			return err
		}
	}
	return ctx.Err()
}
