package scrapers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// A transfer is what is read of a file of the web from an offset on. Its errors are sentences.
type transfer struct {
	io.ReadCloser
	size int64 // of the whole file, -1: unknown
}

// open asks for a file's bytes from an offset on. A server that sends the whole file all the same is read through to the offset; an offset
// at the file's end, or behind it, gives no bytes.
func (c *Client) open(ctx context.Context, url string, offset int64) (*transfer, error) {
	resp, err := c.file(ctx, http.MethodGet, url, offset)
	if err != nil {
		return nil, err
	}
	host := authority(resp.Request.URL)
	from, size := contentRange(resp.Header)
	body := &body{ReadCloser: resp.Body, done: func() {}, translate: func(err error) error { return c.failed(ctx, err, host) }}
	t := &transfer{ReadCloser: body, size: size}
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		resp.Body.Close()
		t.ReadCloser = http.NoBody
	case resp.StatusCode == http.StatusPartialContent && from == offset:
	case resp.StatusCode == http.StatusOK:
		t.size = resp.ContentLength
		if _, err := io.CopyN(io.Discard, body, offset); err == io.EOF { // the file has become shorter
			resp.Body.Close()
			t.ReadCloser = http.NoBody
		} else if err != nil {
			resp.Body.Close()
			return nil, err
		}
	default:
		resp.Body.Close()
		if err := statusFailure(host, resp.StatusCode, resp.Header, c.opts.Now()); err != nil {
			return nil, err
		}
		return nil, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "range", Err: fmt.Errorf("%s was asked for a file from byte %d on, and sent something else", host, offset)}
	}
	return t, nil
}

// size asks how long a file is; -1: the server does not say.
func (c *Client) size(ctx context.Context, url string) (int64, error) {
	resp, err := c.file(ctx, http.MethodHead, url, 0)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if err := statusFailure(authority(resp.Request.URL), resp.StatusCode, resp.Header, c.opts.Now()); err != nil {
		return 0, err
	}
	return resp.ContentLength, nil
}

func (c *Client) file(ctx context.Context, method, url string, offset int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the file's address is not an http or https address")}
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.HTTP(ForFiles).Do(req)
	if err != nil {
		return nil, c.failed(ctx, err, authority(req.URL))
	}
	return resp, nil
}

// failed is what an error of an exchange with host means.
func (c *Client) failed(ctx context.Context, err error, host string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return sentence(err, host, c.limits)
}

// contentRange reads where a part begins, and how long the whole is; -1: not said.
func contentRange(h http.Header) (from, size int64) {
	from, size = -1, -1
	part, whole, ok := strings.Cut(strings.TrimPrefix(h.Get("Content-Range"), "bytes "), "/")
	if !ok {
		return from, size
	}
	begin, _, _ := strings.Cut(part, "-")
	if n, err := strconv.ParseInt(strings.TrimSpace(begin), 10, 64); err == nil {
		from = n
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(whole), 10, 64); err == nil {
		size = n
	}
	return from, size
}

// moving asks for a file's bytes as they are stored, and bounds the time in which none come, not the time in which nobody reads.
type moving struct {
	next  http.RoundTripper
	stall time.Duration
}

// errStalled is the cause of a context that ran out because no bytes came.
var errStalled = errors.New("sent nothing for too long")

func (t moving) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	out := r.Clone(ctx)
	out.Header.Set("Accept-Encoding", "identity")
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	watch := time.AfterFunc(t.stall, func() { cancel(errStalled) })
	watch.Stop()
	resp.Body = &movingBody{wire: resp.Body, stall: t.stall, watch: watch, ctx: ctx, cancel: cancel}
	return resp, nil
}

type movingBody struct {
	wire   io.ReadCloser
	stall  time.Duration
	watch  *time.Timer
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (b *movingBody) Read(p []byte) (int, error) {
	b.watch.Reset(b.stall)
	n, err := b.wire.Read(p)
	b.watch.Stop()
	if err != nil && err != io.EOF && context.Cause(b.ctx) == errStalled {
		err = errStalled
	}
	return n, err
}

func (b *movingBody) Close() error {
	b.watch.Stop()
	b.cancel(nil)
	return b.wire.Close()
}
