package past

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/warc"
)

// warcPast reads WARC files. A capture is a find when it is an HTML page that was answered with 200 (or a resource record, which knows of no
// answer). A revisit is a find of a page that the walk met before; one whose page lies in no file of the source cannot be used.
type warcPast struct {
	arg    string
	client *scrapers.Client
	sites  []string // these only; none: all
	limit  int64    // bytes of a page after decoding
}

func newWARC(arg string, d Deps) (pipeline.Past, error) {
	arg, err := warcArg(arg)
	if err != nil {
		return nil, err
	}
	p := &warcPast{arg: arg, client: d.Client, sites: d.Sites, limit: scrapers.Limits{}.WithDefaults().Page}
	if d.Client != nil {
		p.limit = d.Client.Limits().Page
	}
	return p, nil
}

func (p *warcPast) Name() string { return "warc " + p.arg }

// Check says what is wrong with files of this machine. It asks for nothing.
func (p *warcPast) Check() error {
	if strings.Contains(p.arg, "://") {
		return nil
	}
	_, err := p.files(context.Background())
	return err
}

// Walk reads file after file, by name. A cursor names a file and a place in it; files that come to the source later are read by a walk that goes
// on when their names come behind.
func (p *warcPast) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	name, at, err := warcCursor(cursor)
	if err != nil {
		return err
	}
	files, err := p.files(ctx)
	if err != nil {
		return err
	}
	seen := warcSeen{pages: map[uint64]struct{}{}, seed: maphash.MakeSeed(), all: cursor == ""}
	for _, f := range files {
		if f.name < name || f.before(r.Since) {
			seen.all = false
			continue
		}
		from := warc.Pos{}
		if f.name == name {
			from = at
		}
		w := warcWalk{past: p, file: f, since: r.Since, found: found, at: from, seen: &seen}
		err := w.run(ctx)
		var lost *pipeline.Failure
		if errors.As(err, &lost) && w.err == nil && ctx.Err() == nil && len(files) > 1 && (lost.Verdict == pipeline.Final || lost.Verdict == pipeline.Gone) {
			err = found(pipeline.Find{Err: fmt.Errorf("%s: %w", f.name, err)}) // one file of many
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// warcCursor reads "OFFSET+INNER NAME".
func warcCursor(s string) (name string, at warc.Pos, err error) {
	if s == "" {
		return "", at, nil
	}
	place, name, ok := strings.Cut(s, " ")
	offset, inner, plus := strings.Cut(place, "+")
	var err1, err2 error
	at.Offset, err1 = strconv.ParseInt(offset, 10, 64)
	at.Inner, err2 = strconv.ParseInt(inner, 10, 64)
	if !ok || !plus || err1 != nil || err2 != nil || at.Offset < 0 || at.Inner < 0 {
		return "", at, &pipeline.Failure{Verdict: pipeline.Final, Reason: "cursor", Err: fmt.Errorf("%q is no place in WARC files; begin this source again", s)}
	}
	return name, at, nil
}

// A warcWalk reads one file.
type warcWalk struct {
	past  *warcPast
	file  warcFile
	since time.Time
	found func(pipeline.Find) error
	seen  *warcSeen
	at    warc.Pos // where the next record begins
	err   error    // found's
}

// futile is how many transfers of a file in a row may break without having brought a record.
const futile = 3

// run reads the file to its end. A transfer that breaks goes on from the last record.
func (w *warcWalk) run(ctx context.Context) error {
	for tries := 0; ; {
		from := w.at
		err := w.pass(ctx)
		if w.err != nil || err == nil || ctx.Err() != nil || !w.file.remote || pipeline.AsFailure(err).Verdict != pipeline.Retry {
			return err
		}
		if tries++; w.at != from {
			tries = 0
		} else if tries == futile {
			return err
		}
	}
}

// pass reads the file from w.at on, in one go.
func (w *warcWalk) pass(ctx context.Context) error {
	in, err := w.file.open(ctx, w.past.client, w.at.Offset)
	if err != nil {
		return err
	}
	defer in.Close()
	r := warc.NewReader(in, w.at)
	r.Begin = func() (io.ReadCloser, error) { return w.file.open(ctx, w.past.client, 0) }
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		var f pipeline.Find
		wanted := false
		if err == nil {
			f, wanted, err = w.read(r, rec)
		}
		if err == nil {
			w.at, err = r.Finish()
			f.Cursor = fmt.Sprintf("%d+%d %s", w.at.Offset, w.at.Inner, w.file.name)
		}
		var d *warc.Damage
		if errors.As(err, &d) {
			// Where the next record begins is not known: the next find has a cursor again.
			f, wanted = pipeline.Find{Err: fmt.Errorf("%s: %w", w.file.name, d)}, true
		} else if err != nil {
			return w.file.failed(ctx, err)
		}
		if wanted {
			if w.err = w.found(f); w.err != nil {
				return w.err
			}
		}
	}
}

// read makes a find of a record, if it is one. An error is the file's; what is wrong with the record alone stands in the find.
func (w *warcWalk) read(r *warc.Reader, rec *warc.Record) (f pipeline.Find, wanted bool, err error) {
	if !w.candidate(rec) {
		return f, false, nil
	}
	f.Taken = rec.Date
	if scrapers.Site(rec.URI) == "" {
		f.Err = fmt.Errorf("%s: %w", w.file.name, &warc.Fault{At: rec.At, What: fmt.Sprintf("the record's address %.200q is none", rec.URI)})
		return f, true, nil
	}
	f.Entry.URL = rec.URI
	if rec.Type == warc.Revisit {
		return w.revisit(r, rec)
	}
	contentType, wanted, err := htmlPage(r, rec)
	if err == nil && wanted {
		w.seen.add(rec.URI)
		var body []byte
		if body, err = w.body(r, rec, contentType); err == nil {
			wanted = contentType != "" || strings.HasPrefix(http.DetectContentType(body), "text/html")
			f.Page = &pipeline.Page{URL: rec.URI, FinalURL: rec.URI, Status: http.StatusOK, ContentType: contentType, Body: body, Fetched: rec.Date}
		}
	}
	var fault *warc.Fault
	if errors.As(err, &fault) {
		f.Err, f.Page = fmt.Errorf("%s: %w", w.file.name, fault), nil
		return f, true, nil
	}
	return f, wanted, err
}

// body is the page, whole. declared is its content type by its headers, "" where they say none.
func (w *warcWalk) body(r *warc.Reader, rec *warc.Record, declared string) ([]byte, error) {
	if why := rec.Truncated(); why != "" {
		return nil, &warc.Fault{At: rec.At, What: fmt.Sprintf("the archive cut the page off (WARC-Truncated: %.40q)", why)}
	}
	if rec.Header.Value("WARC-Segment-Number") != "" {
		return nil, &warc.Fault{At: rec.At, What: "the archive kept the page in segments, and they are not put together"}
	}
	body, err := r.Body(w.past.limit)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, &warc.Fault{At: rec.At, What: "the page is empty"}
	}
	// Of what it does not know at all nothing is said: that may be text in two bytes a letter.
	if t, _, _ := strings.Cut(http.DetectContentType(body), ";"); !strings.HasPrefix(t, "text/") && t != "application/octet-stream" && declared != "" {
		return nil, &warc.Fault{At: rec.At, What: fmt.Sprintf("the page is %s, whatever its headers say", t)}
	}
	return body, nil
}

// early is how long before the range a capture may have been made: a page that says its day only, in a zone ahead of UTC, is dated later than it
// could be captured.
const early = 24 * time.Hour

// candidate judges a record by its named fields, before anything of it is read.
func (w *warcWalk) candidate(rec *warc.Record) bool {
	if rec.Type != warc.Response && rec.Type != warc.Resource && rec.Type != warc.Revisit {
		return false
	}
	if !rec.Date.IsZero() && w.outside(rec.Date) {
		return false
	}
	scheme, _, _ := strings.Cut(strings.ToLower(rec.URI), ":")
	return (scheme == "http" || scheme == "https") && scrapers.OfSites(w.past.sites, rec.URI)
}

// outside reports whether what was captured then lies before the range.
func (w *warcWalk) outside(captured time.Time) bool {
	return !w.since.IsZero() && captured.Before(w.since.Add(-early))
}

// htmlPage reports whether a record is a page, as far as its head says: no type at all is judged by the body.
func htmlPage(r *warc.Reader, rec *warc.Record) (contentType string, ok bool, err error) {
	if rec.Type == warc.Resource {
		contentType = rec.Header.Value("Content-Type")
	} else {
		h, err := r.Head()
		if err != nil || h.Status != http.StatusOK {
			return "", false, err
		}
		contentType = h.Header.Value("Content-Type")
	}
	return contentType, maybeHTML(contentType), nil
}

func maybeHTML(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(t)) {
	case "", "text/html", "application/xhtml+xml":
		return true
	}
	return false
}
