package past

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// commonCrawl is where the paths begin that Common Crawl's lists give.
const commonCrawl = "https://data.commoncrawl.org/"

// isList reports whether an argument is a list of paths, by its name.
func isList(arg string) bool {
	if u, err := url.Parse(arg); err == nil && u.Host != "" {
		arg = u.Path
	}
	return strings.HasSuffix(strings.TrimSuffix(arg, ".gz"), ".paths")
}

// listed reads a list of paths.
func (p *warcPast) listed(ctx context.Context, remote bool) ([]warcFile, error) {
	in, err := p.openList(ctx, remote)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, warcFile{}.failed(ctx, err)
	}
	var files []warcFile
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f, err := p.entry(line, remote)
		if err != nil {
			return nil, unreadable(fmt.Errorf("the list %s names %.200q: %w", remoteName(p.arg), line, err))
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, unreadable(fmt.Errorf("the list %s names no file", remoteName(p.arg)))
	}
	return files, nil
}

// openList opens the list, unpacked and bounded like a feed.
func (p *warcPast) openList(ctx context.Context, remote bool) (io.ReadCloser, error) {
	if !remote {
		in, err := os.Open(p.arg)
		if err != nil {
			return nil, unreadable(err)
		}
		return scrapers.Unpacked(in, p.arg, scrapers.Limits{}.WithDefaults().Feed), nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.arg, nil)
	if err != nil {
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "bad address", Err: errors.New("the list's address is not an http or https address")}
	}
	resp, err := p.client.HTTP(scrapers.ForFeeds).Do(req)
	if err != nil {
		return nil, p.client.Failed(ctx, err, scrapers.Authority(req.URL), scrapers.ForFeeds)
	}
	if err := p.client.Refused(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return p.client.Worded(ctx, resp), nil
}

// entry is the file that a line of the list means: an address; a path as Common Crawl writes it, on the list's own host or on Common Crawl's; or a path
// relative to the list. A list from elsewhere names no file of this machine.
func (p *warcPast) entry(line string, remote bool) (warcFile, error) {
	f := warcFile{name: line, remote: true}
	key, s3 := strings.CutPrefix(line, "s3://commoncrawl/")
	crawl := strings.HasPrefix(line, "crawl-data/")
	local := filepath.FromSlash(line)
	if !filepath.IsAbs(local) {
		local = filepath.Join(filepath.Dir(p.arg), local)
	}
	_, missing := os.Stat(local)
	switch {
	case s3:
		f.name, f.path = key, commonCrawl+key
	case strings.Contains(line, "://"):
		address, err := warcArg(line)
		if err != nil {
			return f, err
		}
		u, err := url.Parse(address)
		if err != nil {
			return f, err
		}
		f.name, f.path = path.Join(u.Host, u.Path), address
	case remote:
		base, err := url.Parse(p.arg)
		if err != nil {
			return f, err
		}
		if crawl {
			line = "/" + line
		}
		u, err := base.Parse(line)
		if err != nil || scrapers.Authority(u) == pipeline.NoHost {
			return f, errors.New("that is neither a path nor an http or https address")
		}
		f.path = u.String()
	case crawl && missing != nil:
		f.path = commonCrawl + line
	default:
		f.path, f.remote = local, false
	}
	return f, nil
}
