package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// articleRoom is about what an article takes in the store, with its page, its words and its matches, in bytes: measured on news pages of
// some 60 KB, which are kept compressed.
const articleRoom = 25_000

// worthSaying is how many bytes an estimate speaks of: less is 0.0 MB.
const worthSaying = 50_000

// An estimateRow is how much a source has, as far as it can be told.
type estimateRow struct {
	Source   string         `json:"source"`
	Articles int            `json:"articles"` // at most; -1: nobody can tell
	About    bool           `json:"about"`    // a guess, not a count
	Requests map[string]int `json:"requests"` // by host
	Bytes    int64          `json:"bytes"`    // to be read
	Seconds  float64        `json:"seconds"`  // at the polite pace
	Room     int64          `json:"room"`     // bytes in the store; -1: nobody can tell
}

// estimate asks every source how much it has, says so, and returns the articles of each by its name.
func (b *backfilling) estimate(ctx context.Context, e *env, a *app, pasts []pipeline.Past) (map[string]int, error) {
	total := map[string]int{}
	rows := make([]estimateRow, 0, len(pasts))
	hosts := map[string]int{}
	every := a.setup.Load().cfg.Pace.Every
	for _, p := range pasts {
		got, err := p.Estimate(ctx, b.dates)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			if b.dry {
				return nil, fmt.Errorf("%s: %w", p.Name(), err)
			}
			a.log.Warn("cannot tell how much there is", "source", p.Name(), "err", err) // the walk will say whether it can be read
			got = pipeline.Estimate{Articles: -1}
		}
		r := estimateRow{Source: p.Name(), Articles: got.Articles, About: got.About, Requests: got.Requests, Bytes: got.Bytes, Room: -1}
		if r.Articles >= 0 {
			r.Room = int64(r.Articles) * articleRoom
		}
		if r.Requests == nil {
			r.Requests = map[string]int{}
		}
		for h, n := range r.Requests {
			r.Seconds = max(r.Seconds, (time.Duration(n) * every).Seconds())
			hosts[h] += n
		}
		total[p.Name()] = got.Articles
		rows = append(rows, r)
	}
	if b.asJSON {
		return total, printJSON(e.stdout, rows)
	}
	w := io.Writer(e.stderr)
	if b.dry {
		w = e.stdout
	}
	var longest time.Duration // hosts are asked side by side
	for _, n := range hosts {
		longest = max(longest, time.Duration(n)*every)
	}
	for _, r := range rows {
		fmt.Fprintln(w, r.say())
	}
	if len(rows) > 1 && longest > 0 {
		fmt.Fprintf(w, "all of them, side by side: %s at the polite pace\n", roughly(longest))
	}
	return total, nil
}

// say is the row as a sentence.
func (r estimateRow) say() string {
	if r.Articles < 0 {
		return r.Source + ": it does not say how much it has"
	}
	about := ""
	if r.About {
		about = "about "
	}
	if r.Articles == 0 && !r.About {
		return r.Source + ": nothing of what is asked for"
	}
	parts := []string{about + count(r.Articles, "article")}
	n := 0
	for _, k := range r.Requests {
		n += k
	}
	if n > 0 {
		parts = append(parts, count(n, "request"))
	}
	if r.Seconds > 0 {
		parts = append(parts, roughly(time.Duration(r.Seconds*float64(time.Second)))+" at the polite pace")
	}
	if r.Bytes >= worthSaying {
		parts = append(parts, megabytes(r.Bytes)+" to read")
	}
	if r.Room >= worthSaying {
		parts = append(parts, "up to "+megabytes(r.Room)+" of disk")
	}
	return r.Source + ": " + strings.Join(parts, ", ")
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return pipeline.ShortDuration(d.Round(time.Second))
	case d < 48*time.Hour:
		return pipeline.ShortDuration(d.Round(time.Minute))
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
