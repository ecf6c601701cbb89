package past

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// warcArg is a source's argument in the form that names it: an address without password and fragment, or an absolute path.
func warcArg(arg string) (string, error) {
	if !strings.Contains(arg, "://") {
		return filepath.Abs(arg)
	}
	u, err := url.Parse(arg)
	if err != nil || scrapers.Authority(u) == pipeline.NoHost {
		return "", errors.New("the address is neither an http or https address nor a path")
	}
	if u.User != nil {
		return "", errors.New("an address with a password in it would be stored and shown; download the file and name its path")
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}

// A warcFile is one file of a source.
type warcFile struct {
	name   string // orders the files and stands in cursors and errors
	path   string // a path, or a URL
	remote bool
}

// open gives the file's bytes from an offset on. The error carries a Failure.
func (f warcFile) open(ctx context.Context, c *scrapers.Client, offset int64) (io.ReadCloser, error) {
	if f.remote {
		return c.OpenFile(ctx, f.path, offset)
	}
	in, err := os.Open(f.path)
	if err == nil {
		if _, err = in.Seek(offset, io.SeekStart); err != nil {
			in.Close()
		}
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return in, nil
}

// failed is what an error of reading the file means.
func (f warcFile) failed(ctx context.Context, err error) error {
	var said *pipeline.Failure
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &said): // a transfer's
		return err
	}
	return &pipeline.Failure{Verdict: pipeline.Retry, Reason: "file", Err: err}
}

// size is how long the file is; -1: unknown.
func (f warcFile) size(ctx context.Context, c *scrapers.Client) (int64, error) {
	if !f.remote {
		info, err := os.Stat(f.path)
		if err != nil {
			return 0, unreadable(err)
		}
		return info.Size(), nil
	}
	n, err := c.FileSize(ctx, f.path)
	if err != nil && ctx.Err() == nil && pipeline.AsFailure(err).Verdict == pipeline.Final && pipeline.AsFailure(err).Reason != "status 404" {
		return -1, nil // not every server answers HEAD
	}
	return n, err
}

func unreadable(err error) error {
	return &pipeline.Failure{Verdict: pipeline.Final, Reason: "file", Err: err}
}

// ccName is how Common Crawl names the files of CC-NEWS: by the time at which they were begun.
var ccName = regexp.MustCompile(`CC-NEWS-(\d{14})-\d+\.warc\.gz$`)

// ccLong is longer than one file of CC-NEWS is written to, by far.
const ccLong = 7 * 24 * time.Hour

// before reports whether all of the file was captured before a time, by its name.
func (f warcFile) before(since time.Time) bool {
	m := ccName.FindStringSubmatch(f.name)
	if m == nil || since.IsZero() {
		return false
	}
	begun, err := time.Parse("20060102150405", m[1])
	return err == nil && begun.Before(since.Add(-ccLong))
}

// files lists what the source consists of, by name.
func (p *warcPast) files(ctx context.Context) ([]warcFile, error) {
	var files []warcFile
	var err error
	switch remote := strings.Contains(p.arg, "://"); {
	case isList(p.arg):
		files, err = p.listed(ctx, remote)
	case remote:
		files = []warcFile{{name: remoteName(p.arg), path: p.arg, remote: true}}
	default:
		files, err = localFiles(p.arg)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b warcFile) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(files), nil
}

// remoteName is an address as errors and cursors have it: without what may be a token.
func remoteName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

func isWARC(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".warc") || strings.HasSuffix(name, ".warc.gz") || strings.HasSuffix(name, ".warc.zst")
}

// localFiles finds a file, the WARC files in and under a folder, or those that a pattern matches.
func localFiles(arg string) ([]warcFile, error) {
	info, err := os.Stat(arg)
	if err != nil {
		matches, merr := filepath.Glob(arg)
		if merr != nil || len(matches) == 0 || !strings.ContainsAny(arg, "*?[") {
			return nil, unreadable(err)
		}
		files := make([]warcFile, 0, len(matches))
		for _, m := range matches {
			if info, err := os.Stat(m); err == nil && info.Mode().IsRegular() {
				files = append(files, warcFile{name: m, path: m})
			}
		}
		return files, nil
	}
	if !info.IsDir() {
		return []warcFile{{name: filepath.Base(arg), path: arg}}, nil
	}
	var files []warcFile
	err = filepath.WalkDir(arg, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isWARC(p) {
			return err
		}
		name, err := filepath.Rel(arg, p)
		files = append(files, warcFile{name: filepath.ToSlash(name), path: p})
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no file whose name ends in .warc, .warc.gz or .warc.zst", arg)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return files, nil
}
