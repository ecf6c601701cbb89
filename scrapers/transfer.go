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

// OpenFile asks for a file's bytes from an offset on; errors of reading them are sentences. A server that sends the whole file all the same is read
// through to the offset. An offset at the file's end, or behind it, gives no bytes.
func (c *Client) OpenFile(ctx context.Context, url string, offset int64) (io.ReadCloser, error) {
	resp, err := c.file(ctx, http.MethodGet, url, offset)
	if err != nil {
		return nil, err
	}
	in := c.Worded(ctx, resp)
	switch code := resp.StatusCode; {
	case code == http.StatusPartialContent && begins(resp.Header) == offset:
		return in, nil
	case code == http.StatusOK:
		if _, err = io.CopyN(io.Discard, in, offset); err == nil {
			return in, nil
		}
	case code == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		err = io.EOF
	default:
		host := Authority(resp.Request.URL)
		if err = c.Refused(resp); err == nil {
			err = &pipeline.Failure{Verdict: pipeline.Retry, Reason: "range", Err: fmt.Errorf("%s was asked for a file from byte %d on, and sent something else", host, offset)}
		}
	}
	in.Close()
	if err == io.EOF {
		return http.NoBody, nil
	}
	return nil, err
}

// Worded is a response's body whose errors are sentences, as Failed gives them.
func (c *Client) Worded(ctx context.Context, resp *http.Response) io.ReadCloser {
	host := Authority(resp.Request.URL)
	return &body{ReadCloser: resp.Body, done: func() {}, translate: func(err error) error { return c.Failed(ctx, err, host, ForFiles) }}
}

// FileSize asks how long a file is; -1: the server does not say.
func (c *Client) FileSize(ctx context.Context, url string) (int64, error) {
	resp, err := c.file(ctx, http.MethodHead, url, 0)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if err := c.Refused(resp); err != nil {
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
		return nil, c.Failed(ctx, err, Authority(req.URL), ForFiles)
	}
	return resp, nil
}

// begins is the first byte that a Content-Range names; -1: it names none.
func begins(h http.Header) int64 {
	first, _, _ := strings.Cut(strings.TrimPrefix(h.Get("Content-Range"), "bytes "), "-")
	n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	if err != nil {
		return -1
	}
	return n
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
