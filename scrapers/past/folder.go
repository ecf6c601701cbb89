package past

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// A folder is a folder of pages, and of folders of them: HTML and text, plain or gzip.
//
// A page's address is, in this order: what the program that saved it noted in it; its place, where the folder is a mirror that has a folder
// a host, or is the folder of a host; the page's own word (canonical link, og:url); or a file: address of the folder's name and the place
// in it, which stays the same where the folder is moved.
type folder struct {
	path  string
	sites []string
	limit int64 // bytes of a page
}

func newFolder(arg string, d Deps) (pipeline.Past, error) {
	path, err := filepath.Abs(arg)
	return &folder{path, d.Sites, d.Client.Limits().Page}, err
}

// Name implements pipeline.Past.
func (f *folder) Name() string { return "folder " + f.path }

// Check says whether it is a folder that can be read.
func (f *folder) Check() error {
	root, err := f.open()
	if err != nil {
		return err
	}
	return root.Close()
}

func (f *folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		if info, serr := os.Stat(f.path); serr == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder; a list of addresses is urls:%s, JSON lines are jsonl:%s", f.path, f.path, f.path)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no folder %s", f.path)
		}
		return nil, &pipeline.Failure{Verdict: pipeline.Final, Reason: "folder", Err: err}
	}
	return root, nil
}

// Estimate counts the files.
func (f *folder) Estimate(ctx context.Context, r pipeline.Range) (pipeline.Estimate, error) {
	e := pipeline.Estimate{About: !r.Since.IsZero() || !r.Until.IsZero() || len(f.sites) > 0}
	err := f.each(ctx, "", func(_ *os.Root, rel string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			e.Articles++
			e.Bytes += info.Size()
		}
		return nil
	})
	return e, err
}

// Walk implements pipeline.Past. Files come in the order of their paths, folder by folder; a cursor is a path.
func (f *folder) Walk(ctx context.Context, r pipeline.Range, cursor string, found func(pipeline.Find) error) error {
	return f.each(ctx, cursor, func(root *os.Root, rel string, d fs.DirEntry, err error) error {
		find := pipeline.Find{Cursor: rel}
		if err == nil && d.Type()&fs.ModeSymlink != 0 {
			if _, err := root.Stat(filepath.FromSlash(rel)); err == nil {
				return nil // what it leads to stands in the folder itself
			}
			err = errors.New("a link that leads nowhere, or out of the folder, is not followed; copy the page, or name its folder as a source")
		}
		if err == nil {
			find, err = f.find(root, rel)
		}
		if err != nil {
			find = pipeline.Find{Cursor: rel, Err: fmt.Errorf("%s: %w", filepath.Join(f.path, filepath.FromSlash(rel)), plainPathError(err))}
		} else if strings.HasPrefix(find.Entry.URL, "http") && !scrapers.OfSites(f.sites, find.Entry.URL) {
			return nil
		}
		return found(find)
	})
}

// plainPathError leaves out the path, which is said already.
func plainPathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// each calls do for the files behind the cursor that can be pages, for links that look like one, and for folders that cannot be read.
func (f *folder) each(ctx context.Context, cursor string, do func(root *os.Root, rel string, d fs.DirEntry, err error) error) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	behind := strings.Split(cursor, "/")
	return fs.WalkDir(root.FS(), ".", func(rel string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if rel == "." {
			if err != nil {
				return &pipeline.Failure{Verdict: pipeline.Final, Reason: "folder", Err: err}
			}
			return nil
		}
		at := strings.Split(rel, "/")
		if cursor != "" {
			if d.IsDir() && err == nil && slices.Compare(at, behind[:min(len(at), len(behind))]) < 0 {
				return fs.SkipDir
			}
			if (!d.IsDir() || err != nil) && slices.Compare(at, behind) <= 0 {
				return nil
			}
		}
		if err == nil && (d.IsDir() || d.Type()&^fs.ModeSymlink != 0 || pageType(rel) == "" && (!d.Type().IsRegular() || !beginsAsHTML(root, rel))) {
			return nil
		}
		return do(root, rel, d, err)
	})
}

// pageType is the content type of a file by its name; "" of what is no page.
func pageType(name string) string {
	switch path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".html", ".htm":
		return "text/html"
	case ".xhtml":
		return "application/xhtml+xml"
	case ".txt":
		return "text/plain"
	}
	return ""
}

// copies are endings of names that programs give to what was there before; the page itself stands beside.
var copies = []string{".orig", ".bak", ".tmp", ".part"}

// beginsAsHTML looks into a file whose name does not say whether it is a page: mirrors have pages under the names that sites give them,
// as in news/a or story.php?id=1.
func beginsAsHTML(root *os.Root, rel string) bool {
	ext := strings.ToLower(path.Ext(rel))
	if slices.Contains(copies, ext) || ext != "" && slices.Contains(noPages, ext[1:]) {
		return false
	}
	file, err := root.Open(filepath.FromSlash(rel))
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(file, head) // what cannot be read is no page
	return strings.HasPrefix(http.DetectContentType(head[:n]), "text/html")
}

// find reads one file.
func (f *folder) find(root *os.Root, rel string) (pipeline.Find, error) {
	file, err := root.Open(filepath.FromSlash(rel))
	if err != nil {
		return pipeline.Find{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return pipeline.Find{}, err
	}
	body, err := readPageFile(file, f.limit)
	if err != nil {
		return pipeline.Find{}, err
	}
	plain := strings.TrimSuffix(rel, path.Ext(rel))
	if !strings.EqualFold(path.Ext(rel), ".gz") {
		plain = rel
	}
	var saved savedPage
	contentType := cmp.Or(pageType(rel), "text/html")
	if contentType != "text/plain" {
		saved = readSaved(body)
	}
	base := filepath.ToSlash(filepath.Base(f.path))
	local := url.URL{Scheme: "file", Path: "/" + base + "/" + plain}
	address := cmp.Or(saved.note, mirroredAddress(plain), mirroredAddress(base+"/"+plain), saved.canonical, local.String())
	taken := saved.taken
	if taken.IsZero() {
		taken = info.ModTime()
	}
	page := &pipeline.Page{URL: address, FinalURL: address, Status: 200, ContentType: contentType, Body: body, Fetched: taken.UTC()}
	return pipeline.Find{Entry: pipeline.Entry{URL: address}, Page: page, Taken: taken.UTC(), Cursor: rel}, nil
}

// readPageFile reads a page, plain or gzip, whatever its name says.
func readPageFile(file io.ReadSeeker, limit int64) ([]byte, error) {
	var magic [2]byte
	n, err := io.ReadFull(file, magic[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("the file is empty")
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var in io.Reader = file
	if magic == [2]byte{0x1f, 0x8b} {
		z, err := gzip.NewReader(file)
		if err != nil {
			return nil, fmt.Errorf("broken gzip: %w", err)
		}
		in = z
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(io.LimitReader(in, limit+1)); err != nil {
		return nil, fmt.Errorf("cannot be read to its end: %w", err)
	}
	if int64(body.Len()) > limit {
		return nil, fmt.Errorf("the page is larger than %s", scrapers.FormatSize(limit))
	}
	return body.Bytes(), nil
}
