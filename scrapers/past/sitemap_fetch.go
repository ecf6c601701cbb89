package past

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/sitemap"
)

// A sitemapDocument is a document as it came.
type sitemapDocument struct {
	body        []byte
	contentType string
	final       *url.URL // where it was, behind redirects
	cut         error    // the connection ended before it did
}

func (d *sitemapDocument) read(each func(sitemap.Entry) error) (sitemap.Notes, error) {
	return sitemap.Read(d.body, d.contentType, d.final.String(), each)
}

// fetch asks for a document. One that was cut is asked for again, once; what came of it then counts. So is one whose encoding cannot be
// undone, as it lies there: many servers pack what is a packed file already, or say that it is packed when it is not.
func (p *sitemapPast) fetch(ctx context.Context, address string) (*sitemapDocument, error) {
	d, err := p.fetchOnce(ctx, address, "")
	if err != nil && ctx.Err() == nil && pipeline.AsFailure(err).Reason == "encoding" {
		return p.fetchOnce(ctx, address, "identity")
	}
	if err != nil || d.cut == nil {
		return d, err
	}
	again, err := p.fetchOnce(ctx, address, "")
	if err == nil && (again.cut == nil || len(again.body) > len(d.body)) {
		d = again
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(d.body) == 0 {
		return nil, d.cut
	}
	return d, nil
}

func (p *sitemapPast) fetchOnce(ctx context.Context, address, encoding string) (*sitemapDocument, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || scrapers.Authority(req.URL) == pipeline.NoHost {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the sitemap's address is not an http or https address")}
	}
	host := scrapers.Authority(req.URL)
	req.Header.Set("Accept", "application/xml, text/xml;q=0.9, text/plain;q=0.8, */*;q=0.5")
	if encoding != "" {
		req.Header.Set("Accept-Encoding", encoding)
	}
	resp, err := p.client.HTTP(scrapers.ForLists).Do(req)
	if err != nil {
		return nil, p.client.Failed(ctx, err, host, scrapers.ForLists)
	}
	defer resp.Body.Close()
	final := *resp.Request.URL
	final.User, host = nil, scrapers.Authority(&final)
	if err := p.client.Refused(resp); err != nil {
		return nil, err
	}
	d := &sitemapDocument{contentType: scrapers.DocumentType(resp.Header), final: &final}
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	d.body = body.Bytes()
	switch {
	case err == nil:
	case errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil:
		d.cut = p.client.Failed(ctx, err, host, scrapers.ForLists)
	default:
		return nil, p.client.Failed(ctx, err, host, scrapers.ForLists)
	}
	return d, nil
}

// placeOf names a document to people, without its query, which may hold anything.
func placeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a sitemap"
	}
	return fmt.Sprintf("%s%s", scrapers.Authority(u), u.EscapedPath())
}
