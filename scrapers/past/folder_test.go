package past

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// folderOf writes files, told as path and text in turn, into a folder of the given name.
func folderOf(t testing.TB, name string, files ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for i := 0; i < len(files); i += 2 {
		put(t, filepath.Join(dir, filepath.FromSlash(files[i])), files[i+1])
	}
	return dir
}

func TestFolder(t *testing.T) {
	dir := folderOf(t, "corpus",
		"a.html", "<p>one</p>", "a/b.HTM", "<p>two</p>", "a/z/c.xhtml", "<p>three</p>", "a-b.txt", "four", "b.html.gz", string(zipped(t, []byte("<p>five</p>"))),
		"b/really-gzip.html", string(zipped(t, []byte("<p>six</p>"))), "c.jpg", "no page", "empty.html", "", "broken.html.gz", "\x1f\x8b no gzip", "long.txt", strings.Repeat("x", 2000))
	outside := folderOf(t, "outside", "secret.html", "<p>secret</p>")
	for link, to := range map[string]string{"link.html": filepath.Join(outside, "secret.html"), "same.html": "a.html", "folder": outside} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "a.html"), old, old); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, func(o *scrapers.Options) { o.Limits.Page = 1024 })
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+dir, Deps{Client: client}) })
	var got []string
	for _, f := range finds {
		if f.Err != nil {
			got = append(got, strings.ReplaceAll(f.Err.Error(), dir, "%"))
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.Entry.URL, f.Page.ContentType, f.Page.Body))
		if f.Page.URL != f.Entry.URL || f.Page.FinalURL != f.Entry.URL || !f.Page.Fetched.Equal(f.Taken) || f.Taken.IsZero() {
			t.Errorf("page of %s: %+v", f.Entry.URL, f.Page)
		}
	}
	want := []string{
		"file:///corpus/a/b.HTM text/html <p>two</p>", "file:///corpus/a/z/c.xhtml application/xhtml+xml <p>three</p>",
		"file:///corpus/a-b.txt text/plain four", "file:///corpus/a.html text/html <p>one</p>",
		"file:///corpus/b/really-gzip.html text/html <p>six</p>", "file:///corpus/b.html text/html <p>five</p>",
		"%/broken.html.gz: broken gzip: gzip: invalid header", "%/empty.html: the file is empty",
		"%/link.html: a link that leads nowhere, or out of the folder, is not followed; copy the page, or name its folder as a source",
		"%/long.txt: the page is larger than 1 KiB"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f := finds[3]; !f.Taken.Equal(old) {
		t.Errorf("taken %s, want the file's time", f.Taken)
	}
	e, err := source(t, "folder:"+dir, Deps{Client: client}).Estimate(context.Background(), pipeline.Range{Since: old})
	if err != nil || e.Articles != 9 || e.Bytes < 2000 || !e.About || len(e.Requests) != 0 {
		t.Errorf("estimate %+v, %v", e, err)
	}
	moved := filepath.Join(t.TempDir(), "corpus")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	again := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+moved, Deps{Client: client}) })
	if !reflect.DeepEqual(addresses(again), addresses(finds)) {
		t.Errorf("moved, the folder has other addresses: %q", addresses(again))
	}
}

func TestFolderAddresses(t *testing.T) {
	httrack := "<html><!-- Mirrored from www.paper.example/news/a.php?id=1 by HTTrack Website Copier/3.x [XR&CO'2014], Mon, 01 Jan 2024 10:00:00 GMT --><p>x"
	for _, tc := range []struct{ file, text, want, taken string }{
		{"paper.org/news/a.html", "<p>x", "https://paper.org/news/a.html", ""},
		{"paper.org/news/index.html", "<p>x", "https://paper.org/news/", ""},
		{"paper.co.uk:8080/b?id=7&x=1.html", "<p>x", "https://paper.co.uk:8080/b?id=7&x=1", ""},
		{"paper.org/caf%C3%A9 x.txt", "x", "https://paper.org/caf%C3%A9%20x", ""},
		{"v1.2/a.html", "<p>x", "file:///corpus/v1.2/a.html", ""},
		{"articles.old/a.html", "<p>x", "file:///corpus/articles.old/a.html", ""},
		{"saved.html", "<!DOCTYPE html>\n<!-- saved from url=(0027)https://paper.example/a?b=1#c -->\n<link rel=canonical href=https://other.example/a>", "https://paper.example/a?b=1", ""},
		{"paper.org/x1f.html", httrack, "http://www.paper.example/news/a.php?id=1", "2024-01-01T10:00:00Z"},
		{"single.html", "<html><!--\n Page saved with SingleFile \n url: https://paper.example/s \n saved date: Thu Feb 01 2024 10:00:00 GMT+0100 (CET)\n-->", "https://paper.example/s", "2024-02-01T09:00:00Z"},
		{"canonical.html", "<meta property='og:url' content='https://paper.example/og'><link href='https://paper.example/c?utm=1' rel='Canonical'/><body>", "https://paper.example/c?utm=1", ""},
		{"og.html", "<meta property=og:url content=https://paper.example/og><body><link rel=canonical href=https://evil.example/x>", "https://paper.example/og", ""},
		{"front.html", "<link rel=canonical href=https://paper.example/>", "file:///corpus/front.html", ""},
		{"relative.html", "<link rel=canonical href=/a>", "file:///corpus/relative.html", ""},
		{"paper.org/news/plain", "<!doctype html><p>x", "https://paper.org/news/plain", ""},
		{"paper.org/story.php?id=1", "<html><p>x", "https://paper.org/story.php?id=1", ""},
		{"with space?.html", "<p>x", "file:///corpus/with%20space%3F.html", ""},
	} {
		if tc.file == "paper.org/caf%C3%A9 x.txt" { // wget adds no ending to text
			tc.want += ".txt"
		}
		dir := folderOf(t, "corpus", tc.file, tc.text)
		finds := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+dir, Deps{}) })
		if len(finds) != 1 || finds[0].Err != nil || finds[0].Entry.URL != tc.want {
			t.Errorf("%s: got %q, want %s", tc.file, toldOf(finds), tc.want)
		} else if tc.taken != "" && finds[0].Taken.Format(time.RFC3339) != tc.taken {
			t.Errorf("%s: taken %s, want %s", tc.file, finds[0].Taken, tc.taken)
		}
	}
	dir := folderOf(t, "paper.org", "news/a.html", "<p>x", "a.html.orig", "<html><p>x", "feed.xml", "<html>", "notes", "no page", "b.html", "<!-- saved from url=(0019)https://other.com/b -->")
	if got := fmt.Sprint(addresses(walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+dir, Deps{}) }))); got != "[https://other.com/b https://paper.org/news/a.html]" {
		t.Errorf("the folder of a host: %s", got)
	}
	if got := fmt.Sprint(addresses(walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+dir, Deps{Sites: []string{"paper.org"}}) }))); got != "[https://paper.org/news/a.html]" {
		t.Errorf("one site: %s", got)
	}
}

func TestFolderErrors(t *testing.T) {
	walk := func(path string) error {
		return source(t, "folder:"+path, Deps{}).Walk(context.Background(), pipeline.Range{}, "", func(pipeline.Find) error { return nil })
	}
	err := walk(filepath.Join(t.TempDir(), "none"))
	fails(t, err, pipeline.Final, "folder")
	contains(t, err.Error(), "there is no folder")
	err = walk(file(t, "pages.jsonl", "{}"))
	fails(t, err, pipeline.Final, "folder")
	contains(t, err.Error(), "jsonl:")
	if os.Geteuid() == 0 {
		return // root reads everything
	}
	dir := folderOf(t, "corpus", "a/x.html", "<p>x", "b.html", "<p>y")
	os.Chmod(filepath.Join(dir, "a"), 0)
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "a"), 0o755) })
	finds := walks(t, pipeline.Range{}, func() pipeline.Past { return source(t, "folder:"+dir, Deps{}) })
	if len(finds) != 2 || finds[0].Err == nil {
		t.Errorf("a folder that cannot be read: %q", toldOf(finds))
	}
}
