package scrapers

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

// A gigabyte of zeros in about a megabyte: members of 16 MiB, 64 times.
func bomb(t testing.TB) []byte {
	return bytes.Repeat(zipped(t, make([]byte, 16<<20)), 64)
}

func TestBombs(t *testing.T) {
	body := bomb(t)
	twice := zipped(t, body)
	shapes := []struct {
		name, path, encoding, contentType, reason string
		body                                      []byte
	}{
		{"gzip", "/a", "gzip", "text/html", "too large", body},
		{"x-gzip", "/a", "x-gzip", "text/html", "too large", body},
		{"gzip body", "/a", "", "application/gzip", "too large", body},
		{"xml.gz", "/a.xml.gz", "", "text/xml", "too large", body},
		{"stacked", "/a", "gzip, gzip", "text/html", "encoding", twice},
		{"stacked unsaid", "/a", "gzip", "text/html", "encoding", twice},
		{"empty members", "/a", "gzip", "text/html", "too large", bytes.Repeat(zipped(t, nil), 1<<20)},
	}
	for _, s := range shapes {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", s.contentType)
			if s.encoding != "" {
				w.Header().Set("Content-Encoding", s.encoding)
			}
			w.Write(s.body)
		})
		c := newClient(t, nil)
		ways := map[string]func() error{
			"feed": func() error { _, err := poll(c, srv.URL+s.path); return err },
			"page": func() error { _, err := fetch(c, srv.URL+s.path); return err },
			"hook": func() error {
				resp, err := c.HTTP(ForHooks).Get(srv.URL + s.path)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				return err
			},
		}
		for way, do := range ways {
			t.Run(s.name+" "+way, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := do()
				runtime.ReadMemStats(&after)
				reason := s.reason
				if way == "page" && s.contentType == "application/gzip" {
					reason = "content type"
				}
				fails(t, err, pipeline.Final, reason)
				// All that was ever allocated, not what was in use at some moment: nothing escapes this.
				if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 100 {
					t.Errorf("allocated %d MiB", got)
				}
			})
		}
	}
}

func TestLargePageIsAnErrorNotCut(t *testing.T) {
	page := strings.Repeat("<p>nothing to see</p>\n", 12<<20/22) + "<p>keyword</p>"
	packed := zipped(t, []byte(page))
	for _, shape := range []string{"chunked", "length", "gzip"} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			switch shape {
			case "length":
				w.Header().Set("Content-Length", strconv.Itoa(len(page)))
			case "gzip":
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(packed)
				return
			}
			io.WriteString(w, page)
		})
		p, err := fetch(newClient(t, nil), srv.URL)
		fails(t, err, pipeline.Final, "too large")
		if p != nil {
			t.Fatal("a page beside the error")
		}
		contains(t, err.Error(), "5 MiB")
		// With room for it, all of it comes.
		p, err = fetch(newClient(t, func(o *Options) { o.Limits.Page = int64(len(page)) }), srv.URL)
		if err != nil || string(p.Body) != page {
			t.Fatalf("a page of exactly the limit: %v", err)
		}
		_, err = fetch(newClient(t, func(o *Options) { o.Limits.Page = int64(len(page)) - 1 }), srv.URL)
		fails(t, err, pipeline.Final, "too large")
	}
}

func TestEncodings(t *testing.T) {
	const text = "<html><p>the text of the page</p></html>"
	var z, raw bytes.Buffer
	zw := zlib.NewWriter(&z)
	io.WriteString(zw, text)
	zw.Close()
	fw, _ := flate.NewWriter(&raw, 9)
	io.WriteString(fw, text)
	fw.Close()
	gz := zipped(t, []byte(text))
	for _, tc := range []struct {
		encoding string
		body     []byte
		reason   string
		verdict  pipeline.Verdict
	}{
		{"", []byte(text), "", 0},
		{"identity", []byte(text), "", 0},
		{"gzip", gz, "", 0},
		{"GZIP", gz, "", 0},
		{"x-gzip", gz, "", 0},
		{"", gz, "", 0}, // not said
		{"deflate", z.Bytes(), "", 0},
		{"deflate", raw.Bytes(), "", 0},
		{"br", gz, "encoding", pipeline.Final},
		{"zstd", gz, "encoding", pipeline.Final},
		{"gzip", []byte(text), "encoding", pipeline.Retry},
		{"gzip", gz[:len(gz)-9], "cut", pipeline.Retry},
		{"gzip", nil, "empty", pipeline.Retry},
	} {
		asked := ""
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("Accept-Encoding")
			w.Header().Set("Content-Type", "text/html")
			if tc.encoding != "" {
				w.Header().Set("Content-Encoding", tc.encoding)
			}
			w.Write(tc.body)
		})
		p, err := fetch(newClient(t, nil), srv.URL)
		if asked != "gzip, deflate" {
			t.Fatalf("Accept-Encoding %q", asked)
		}
		if tc.reason != "" {
			fails(t, err, tc.verdict, tc.reason)
		} else if err != nil || string(p.Body) != text {
			t.Errorf("%q: %v", tc.encoding, err)
		}
	}
}

// A page that declares its charset only in its own bytes must arrive as it was sent: extraction decides. One that names
// it in the header too, for the header may be wrong.
func TestCharsetBytesStay(t *testing.T) {
	pages := map[string]string{
		"windows-1251": "<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>",
		"shift_jis":    "<meta charset=shift_jis><p>\x93\xfa\x96\x7b</p>",
		"gbk":          "<meta charset=gbk><p>\xd6\xd0\xb9\xfa</p>",
	}
	for name, body := range pages {
		for _, ct := range []string{"text/html", "text/html; charset=" + name, "text/html; charset=koi8-r", ""} {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				if ct != "" {
					w.Header().Set("Content-Type", ct)
				}
				io.WriteString(w, body)
			})
			p, err := fetch(newClient(t, nil), srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			if string(p.Body) != body || p.ContentType != ct {
				t.Errorf("%s as %q: got %q, type %q", name, ct, p.Body, p.ContentType)
			}
		}
	}
}

func TestContentTypes(t *testing.T) {
	for ct, ok := range map[string]bool{
		"text/html": true, "TEXT/HTML ; charset=x": true, "application/xhtml+xml": true, "text/plain": true,
		"application/pdf": false, "image/png": false, "video/mp4": false, "application/octet-stream": false, "nonsense": false,
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", ct)
			io.WriteString(w, "<p>x</p>")
		})
		_, err := fetch(newClient(t, nil), srv.URL)
		if ok && err != nil {
			t.Errorf("%s: %v", ct, err)
		}
		if !ok {
			fails(t, err, pipeline.Final, "content type")
		}
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "\x89PNG\x0D\x0A\x1A\x0A\x00\x00\x00")
	})
	_, err := fetch(newClient(t, nil), srv.URL)
	fails(t, err, pipeline.Final, "content type")
}

func TestHeadersAreBounded(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		for i := range n / 1000 { // HTTP/2 has a limit of its own for a single one
			w.Header().Set("X-Long-"+strconv.Itoa(i), strings.Repeat("x", 1000))
		}
		html(w, "<p>x</p>")
	})
	tsrv := httptest.NewUnstartedServer(srv.Config.Handler)
	tsrv.EnableHTTP2 = true
	tsrv.StartTLS()
	defer tsrv.Close()
	c := newClient(t, func(o *Options) { o.RootCAs = tsrv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs })
	for _, base := range []string{srv.URL, tsrv.URL} {
		if _, err := fetch(c, base+"/?n=50000"); err != nil {
			t.Fatal(err)
		}
		_, err := fetch(c, base+"/?n=70000")
		fails(t, err, pipeline.Final, "headers")
		contains(t, err.Error(), "64 KiB")
	}
}

// One byte now and then keeps every timeout but the total one quiet.
func TestSlowBody(t *testing.T) {
	begun := make(chan struct{}, 10)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		html(w, "<p>")
		begun <- struct{}{}
		for {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
				io.WriteString(w, "x")
				w.(http.Flusher).Flush()
			}
		}
	})
	quick := newClient(t, func(o *Options) { o.Limits.Total = 150 * time.Millisecond })
	unruled(quick, srv)
	var err error
	ends(t, "the time limit of a page", func() { _, err = fetch(quick, srv.URL) })
	fails(t, err, pipeline.Retry, "timeout")
	contains(t, err.Error(), "150ms")
	ends(t, "the time limit of a feed", func() { _, err = poll(quick, srv.URL) })
	fails(t, err, pipeline.Retry, "timeout")
	contains(t, err.Error(), "150ms")
	for len(begun) > 0 {
		<-begun
	}

	ctx, cancel := context.WithCancel(context.Background())
	patient := newClient(t, func(o *Options) { o.Limits.Total = time.Hour })
	done := make(chan error, 1)
	go func() {
		_, err := (&Pages{Client: patient}).Fetch(ctx, item(srv.URL))
		done <- err
	}()
	soon(t, "the answer's beginning", begun)
	cancel()
	ends(t, "the end of reading", func() { err = <-done })
	if err != context.Canceled {
		t.Errorf("cancelled while reading: %v", err)
	}
}

func TestNoHeaders(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newClient(t, func(o *Options) { o.Limits.Headers, o.Limits.Total = 50*time.Millisecond, time.Hour })
	unruled(c, srv)
	var err error
	ends(t, "the time limit of the headers", func() { _, err = fetch(c, srv.URL) })
	fails(t, err, pipeline.Retry, "timeout")
}

// The time limit is one for all hops together.
func TestTotalSpansRedirects(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(60 * time.Millisecond)
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		http.Redirect(w, r, "/?n="+strconv.Itoa(n+1), http.StatusFound)
	})
	c := newClient(t, func(o *Options) { o.Limits.Total, o.Limits.Redirects = 200*time.Millisecond, 1000 })
	unruled(c, srv)
	_, err := fetch(c, srv.URL)
	fails(t, err, pipeline.Retry, "timeout")
}
