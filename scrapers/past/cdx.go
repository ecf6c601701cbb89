package past

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// How an index is asked.
const (
	// cdxEvery is the least time between two questions, over all processes that share a store. The Internet Archive has made it known
	// that it takes 24 a minute (see the release notes of edgi-govdata-archiving/wayback, v0.5.1), and locks out who does not heed
	// its 429: this is less than half of that.
	cdxEvery = 6 * time.Second
	// cdxPause is how long to leave it alone after a 429 or 503 that does not say.
	cdxPause = 2 * time.Minute
	// cdxRows are asked for at a time; a server that is too slow for so many, or sends too much, is asked for fewer, down to cdxFewRows.
	// After cdxGood answers it is asked for more again.
	cdxRows, cdxFewRows, cdxGood = 5000, 50, 20
	// pywbRows are asked of pywb, which has no resume keys; it would give as many unasked.
	pywbRows = 100_000
	// An empty answer is believed when it was given so often in a row: to the first question, where it may well be the truth, and behind
	// a resume key, which the server gave because there was more.
	cdxNone, cdxNoMore = 3, 5
	// cdxLate is how long after publication a page's first capture may have been taken. What an archive found even later is
	// left out: of the pages that it finds then, hardly any is of the range, and each costs a request to learn that.
	cdxLate = 90 * 24 * time.Hour
	// cdxEstimate is how many questions an estimate asks.
	cdxEstimate = 4
)

// A cdx is a web archive, found through its CDX index, sorted by address and time. Of each address it takes the first capture in the range
// alone: that one shows the page nearest to the day on which it was published, while later ones are more often of a page
// redesigned, walled off or moved; and a request for each version of each page is more than can be asked of an archive.
type cdx struct {
	cdxScope
	client *scrapers.Client
	sites  []string
	turn   func(ctx context.Context, key string) (done func(), err error)
	rows   int // asked for at a time
	good   int // answers since they were made fewer
	fields string
}

func newCDX(arg string, d Deps) (pipeline.Past, error) {
	scope, err := parseCDX(arg)
	if err != nil {
		return nil, err
	}
	return &cdx{cdxScope: scope, client: d.Client, sites: d.Sites, rows: cdxRows, fields: cdxFields, turn: d.Client.Queue(scrapers.Pace{Every: cdxEvery})}, nil
}

// Name implements pipeline.Past.
func (c *cdx) Name() string { return "cdx " + c.String() }

// Estimate counts the captures in the first pages of the index; what has more than fit there is not counted.
func (c *cdx) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	var n int
	var size int64
	whole, err := c.list(ctx, r, "", cdxEstimate, func(got capture, _ pipeline.Find) error {
		n++
		size += got.length
		return nil
	})
	if err != nil {
		return pipeline.Estimate{}, err
	}
	e := pipeline.Estimate{Articles: n, Bytes: size, Requests: map[string]int{scrapers.Host(c.replay): n}}
	if !whole {
		e = pipeline.Estimate{Articles: -1, Bytes: -1, Requests: map[string]int{scrapers.Host(c.replay): -1}, About: true}
	}
	return e, nil
}

// Walk implements pipeline.Past. A cursor is the last address that was found and the resume key of the page of the index on which it stands:
// "org,example)/a KEY".
func (c *cdx) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	_, err := c.list(ctx, r, cursor, 0, func(_ capture, f pipeline.Find) error { return found(f) })
	return err
}

// list reads the index, at most so many pages of it (0: all), and reports whether it came to the end. A find with Err has no capture.
func (c *cdx) list(ctx context.Context, r pipeline.Range, cursor string, pages int, each func(capture, pipeline.Find) error) (bool, error) {
	last, at, _ := strings.Cut(cursor, " ")
	keys := map[string]bool{at: true}
	for n := 1; ; n++ {
		a, err := c.page(ctx, r, at)
		if err != nil {
			return false, err
		}
		if a.empty() {
			if at != "" { // the key said that there was more
				err = each(capture{}, pipeline.Find{Err: fmt.Errorf("the index of %s answered %d times with nothing to a question for the rest; what may come behind %s is missing", scrapers.Host(c.server), cdxNoMore, last)})
			}
			return true, err
		}
		// The page on which the walk broke off is read again. Its captures up to there are known, and where the place is gone, because the
		// index has changed, nothing of it is left out: what is found twice does no harm.
		captures := a.captures
		if i := lastIndex(captures, last); i >= 0 {
			captures = captures[i+1:]
		} else if a.odd > 0 {
			if err := each(capture{}, pipeline.Find{Err: fmt.Errorf("%d lines in the index of %s are no captures", a.odd, scrapers.Host(c.server))}); err != nil {
				return false, err
			}
		}
		for i, got := range captures {
			if got.key == last || !c.wanted(got, r) {
				continue
			}
			last = got.key
			f := c.find(got)
			f.Cursor = last + " " + at
			if i == len(captures)-1 && a.next != "" {
				f.Cursor = last + " " + a.next
			}
			if err := each(got, f); err != nil {
				return false, err
			}
		}
		switch {
		case a.next == "":
			return true, nil
		case keys[a.next]:
			return false, &pipeline.Failure{Verdict: pipeline.Final, Reason: "circle", Err: fmt.Errorf("the index of %s goes round in circles: it gives a resume key again that it gave before", scrapers.Host(c.server))}
		case n == pages:
			return false, nil
		}
		at = a.next
		keys[at] = true
	}
}

func lastIndex(captures []capture, key string) int {
	for i, c := range slices.Backward(captures) {
		if c.key == key {
			return i
		}
	}
	return -1
}

// find makes a find of a capture. An address that none can be fetched from is one that cannot be used.
func (c *cdx) find(got capture) pipeline.Find {
	address := scrapers.PlainAddress(got.original)
	if u, err := url.Parse(address); err != nil || scrapers.Authority(u) == pipeline.NoHost {
		return pipeline.Find{Err: fmt.Errorf("the index of %s has an address that is none: %q", scrapers.Host(c.server), shorten(got.original))}
	}
	original, _, _ := strings.Cut(got.original, "#")
	return pipeline.Find{Entry: pipeline.Entry{URL: address}, Copy: scrapers.ReplayAddress(c.replay, got.taken, original), Taken: got.taken}
}

// wanted leaves out what cannot be of the range, other sites, and what is plainly no article.
func (c *cdx) wanted(got capture, r pipeline.Range) bool {
	if got.taken.Before(r.Since.Truncate(time.Second)) || !r.Until.IsZero() && got.taken.After(r.Until.Add(cdxLate)) || !scrapers.OfSites(c.sites, got.original) {
		return false
	}
	return c.match == "exact" || mayBeArticle(got.original)
}

// page asks for one page of the index, again where the answer is empty, and for less where it is too much.
func (c *cdx) page(ctx context.Context, r pipeline.Range, at string) (cdxAnswer, error) {
	if c.good >= cdxGood && c.rows < cdxRows {
		c.rows, c.good = min(4*c.rows, cdxRows), 0
	}
	believed := cdxNone
	if at != "" {
		believed = cdxNoMore
	}
	for empty := 0; ; {
		a, err := c.ask(ctx, r, at, c.rows)
		if f := (*pipeline.Failure)(nil); errors.As(err, &f) && c.rows > cdxFewRows {
			switch f.Reason {
			case "timeout", "too large", "status 504":
				c.fewer()
				continue
			}
			if errors.Is(err, errCDXCut) || f.Reason == "cut" { // for the next try, as it may have been the way here
				c.fewer()
			}
		}
		if errors.Is(err, errCDXPywb) && c.fields == cdxFields {
			c.fields, c.rows = pywbFields, pywbRows
			continue
		}
		if err != nil {
			return a, err
		}
		c.good++
		if a.empty() {
			if empty++; empty < believed {
				continue
			}
		}
		if a.next == "" && a.rows >= c.rows { // all there is, or a server that has no resume keys?
			more, err := c.ask(ctx, r, at, a.rows+1)
			if err != nil {
				return a, err
			}
			if more.next == "" && more.rows > a.rows {
				return a, &pipeline.Failure{Verdict: pipeline.Final, Reason: "no resume key",
					Err: fmt.Errorf("%s lists %d captures at a time and no way to the rest; ask for less: a path (example.org/news/*) or a shorter range", scrapers.Host(c.server), a.rows)}
			}
		}
		return a, nil
	}
}

// fewer asks for fewer rows from now on.
func (c *cdx) fewer() { c.rows, c.good = max(c.rows/4, cdxFewRows), 0 }

// ask puts one question to the index.
func (c *cdx) ask(ctx context.Context, r pipeline.Range, at string, rows int) (cdxAnswer, error) {
	host := scrapers.Host(c.server)
	done, err := c.turn(ctx, host+"/cdx")
	if err != nil {
		return cdxAnswer{}, err
	}
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+"?"+c.question(r, at, rows), nil)
	if err != nil {
		return cdxAnswer{}, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the address of the index is not one")}
	}
	doc, err := c.get(req)
	if ctx.Err() != nil { // an answer that came all the same is of no use to a walk that ends
		return cdxAnswer{}, context.Cause(ctx)
	}
	if errors.Is(err, errNoCaptures) {
		return cdxAnswer{}, nil
	}
	if err != nil {
		return cdxAnswer{}, c.client.Failed(ctx, err, host, scrapers.ForLists)
	}
	a, err := readCDX(doc)
	if err != nil {
		return a, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "index", Err: fmt.Errorf("the index of %s cannot be read: %w", host, err)}
	}
	return a, nil
}

// errNoCaptures is pywb's 404, by which it says that there is nothing.
var errNoCaptures = errors.New("no captures")

func (c *cdx) get(req *http.Request) ([]byte, error) {
	resp, err := c.client.HTTP(scrapers.ForLists).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := c.client.Refused(resp); err != nil {
		var f *pipeline.Failure
		if errors.As(err, &f) && (f.Verdict == pipeline.Throttled || resp.StatusCode == http.StatusServiceUnavailable) {
			f.Verdict = pipeline.Throttled
			if f.After == 0 {
				f.After = cdxPause
			}
		}
		if resp.StatusCode == http.StatusNotFound {
			if said, _ := io.ReadAll(resp.Body); bytes.Contains(said, []byte("No Captures found")) {
				return nil, errNoCaptures
			}
		}
		if f != nil && resp.StatusCode == http.StatusForbidden {
			f.Err = fmt.Errorf("%w: it shows nothing of this site, as archives do at an owner's wish, or nothing to this machine", f.Err)
		}
		return nil, err
	}
	return io.ReadAll(resp.Body)
}

// question is the query of one request.
func (c *cdx) question(r pipeline.Range, at string, rows int) string {
	q := url.Values{"url": {c.url}, "matchType": {c.match}, "output": {"json"}, "fl": {c.fields}, "filter": {"statuscode:200", "mimetype:text/html"},
		"collapse": {"urlkey"}, "showResumeKey": {"true"}, "limit": {strconv.Itoa(rows)}}
	if !r.Since.IsZero() {
		q.Set("from", r.Since.UTC().Format(scrapers.CaptureTime))
	}
	if !r.Until.IsZero() {
		q.Set("to", r.Until.Add(cdxLate).UTC().Format(scrapers.CaptureTime))
	}
	if at != "" {
		if plain, err := url.QueryUnescape(at); err == nil { // servers give it as it stands in a query
			at = plain
		}
		q.Set("resumeKey", at)
	}
	return q.Encode()
}
