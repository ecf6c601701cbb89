package scrapers

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"wirewatch/scrapers/feed"
)

// Discover fetches a page, as a page, and lists the feeds it announces. Where the address is a feed itself, that is the
// one answer.
func Discover(ctx context.Context, c *Client, page string) ([]feed.Link, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address", page)
	}
	req.Header.Set("Accept", "text/html, application/xhtml+xml;q=0.9, */*;q=0.5")
	resp, err := c.HTTP(ForPages).Do(req)
	if err != nil {
		return nil, sentence(err, req.URL.Hostname(), c.limits)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusFailure(req.URL.Hostname(), resp.StatusCode, resp.Header, c.opts.Now())
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, sentence(err, req.URL.Hostname(), c.limits)
	}
	final := resp.Request.URL.String()
	if f, err := feed.Parse(body, resp.Header.Get("Content-Type"), final); err == nil {
		return []feed.Link{{URL: final, Title: f.Title, Type: resp.Header.Get("Content-Type")}}, nil
	}
	return feed.Discover(body, resp.Header.Get("Content-Type"), final), nil
}
