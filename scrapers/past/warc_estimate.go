package past

import (
	"context"
	"errors"
	"io"
	"net/url"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/warc"
)

const (
	askedSizes = 3       // files of a list whose length is asked for over the network; the rest is taken to be as long on average
	sampled    = 4 << 20 // bytes of the first file in which pages are counted, to be scaled
)

// Estimate adds up the files' lengths, and counts the pages in the beginning of the first one to guess how many there are in all. A beginning without
// any says nothing.
func (p *warcPast) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	e := pipeline.Estimate{Articles: -1, About: true}
	all, err := p.files(ctx)
	if err != nil {
		return e, err
	}
	var files []warcFile
	for _, f := range all {
		if !f.before(r.Since) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return pipeline.Estimate{}, nil
	}
	var known, unsure int64
	for _, f := range files {
		if f.remote {
			if e.Requests == nil {
				e.Requests = map[string]int{}
			}
			if u, err := url.Parse(f.path); err == nil {
				e.Requests[scrapers.Authority(u)]++
			}
			if unsure++; unsure > askedSizes {
				continue
			}
		}
		n, err := f.size(ctx, p.client)
		if err != nil && len(files) == 1 {
			return e, err
		}
		if err != nil || n < 0 {
			if ctx.Err() != nil {
				return e, context.Cause(ctx)
			}
			continue
		}
		known++
		e.Bytes += n
	}
	if known == 0 {
		e.Bytes = -1
		return e, nil
	}
	e.Bytes = int64(float64(e.Bytes) / float64(known) * float64(len(files)))
	pages, bytes, err := p.sample(ctx, files[0], r)
	if err != nil || pages == 0 {
		if ctx.Err() != nil {
			return e, context.Cause(ctx)
		}
		return e, nil // the walk will say what is wrong with the file
	}
	e.Articles = int(float64(pages) * max(1, float64(e.Bytes)/float64(bytes)))
	e.About = len(files) > 1 || bytes < e.Bytes
	return e, nil
}

// sample counts pages in the beginning of a file, and the bytes that they stand in.
func (p *warcPast) sample(ctx context.Context, f warcFile, r pipeline.Range) (pages int, bytes int64, err error) {
	in, err := f.open(ctx, p.client, 0)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	begin := &io.LimitedReader{R: in, N: sampled}
	from := warc.NewReader(begin, warc.Pos{})
	w := warcWalk{past: p, file: f, since: r.Since}
	for {
		if ctx.Err() != nil {
			return 0, 0, context.Cause(ctx)
		}
		rec, err := from.Next()
		var d *warc.Damage
		switch {
		case err == io.EOF:
			return pages, sampled - begin.N, nil
		case errors.As(err, &d): // the last record is cut off, if nothing else
			continue
		case err != nil:
			return 0, 0, err
		}
		if w.candidate(rec) && rec.Type != warc.Revisit {
			if _, ok, err := htmlPage(from, rec); ok && err == nil {
				pages++
			}
		}
	}
}
