package warc

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func TestBodies(t *testing.T) {
	page := "<html><p>" + strings.Repeat("A long enough page. ", 50) + "</p></html>"
	chunks := func(s string) string {
		out := ""
		for i := 0; i < len(s); i += 300 {
			c := s[i:min(len(s), i+300)]
			out += fmt.Sprintf("%x;ext=1\r\n%s\r\n", len(c), c)
		}
		return out + "0\r\nTrailer: x\r\n\r\n"
	}
	by := func(make func(io.Writer) io.WriteCloser) string {
		var b bytes.Buffer
		w := make(&b)
		io.WriteString(w, page)
		w.Close()
		return b.String()
	}
	zl := by(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	fl := by(func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 5); return f })
	zs := by(func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z })
	base, err := base64.StdEncoding.DecodeString("oagFwG9xYNtwsqZXU6OBURT9uuxNblh98rYCyBGc5vERopM6aWxdiCK66CYdGMgkLqZs+bVxifVBAA==")
	if err != nil {
		t.Fatal(err)
	}
	brotlied := string(base)
	var bomb bytes.Buffer
	w := brotli.NewWriter(&bomb)
	io.Copy(w, io.LimitReader(endless{}, 1<<20))
	w.Close()
	const chunked = "Transfer-Encoding: chunked\r\n"
	coded := func(c string) string { return "Content-Encoding: " + c + "\r\n" }
	for _, c := range []struct{ name, headers, body, want string }{
		{"as it is", "", page, page},
		{"chunked", chunked, chunks(page), page},
		{"falsely chunked", chunked, page, page},
		{"chunked, without the last chunk", chunked, strings.TrimSuffix(chunks(page), "0\r\nTrailer: x\r\n\r\n"), page},
		{"chunked and cut", chunked, chunks(page)[:500], "error: the chunked body is cut or broken"},
		{"gzip", coded("gzip"), pack(page), page},
		{"gzip in two members and something behind", coded("gzip"), pack(page[:100]) + pack(page[100:]) + "\r\n", page},
		{"gzip in two members, cut", coded("gzip"), pack(page[:100]) + pack(page[100:])[:30], "error: the gzip body is broken (unexpected EOF)"},
		{"falsely gzip", coded("gzip"), page, page},
		{"gzip in chunks", chunked + coded("x-gzip"), chunks(pack(page)), page},
		{"gzip, cut", coded("gzip"), pack(page)[:60], "error: the gzip body is broken (unexpected EOF)"},
		{"deflate", coded("deflate"), zl, page},
		{"bare deflate", coded("Deflate"), fl, page},
		{"falsely deflate", coded("deflate"), page, page},
		{"zstd", coded("zstd"), zs, page},
		{"brotli", coded("br"), by(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }), page},
		{"brotli by its own command", coded("br"), brotlied, "<html><p>Brotli says: " + strings.Repeat("Grüße ", 19) + "Grüße\n"},
		{"brotli, cut", coded("br"), brotlied[:40], "error: the br body is broken (unexpected EOF)"},
		{"brotli with something behind", coded("br"), brotlied + "\x00\x01", "error: the br body is broken (brotli: excessive input)"},
		{"a bomb of brotli", coded("br"), bomb.String(), "error: the body is larger than 64 KiB"},
		{"an unknown encoding", coded("exi"), zl, `error: the body's encoding "exi" is not decoded`},
		{"falsely brotli", coded("br"), page, page},
		{"two encodings", coded("gzip, gzip"), pack(pack(page)), "error: encodings on top of one another (gzip, gzip) are not decoded"},
		{"a bomb", coded("gzip"), pack(strings.Repeat(" ", 1<<20)), "error: the body is larger than 64 KiB"},
		{"too large", "", strings.Repeat(" ", 65<<10), "error: the body is larger than 64 KiB"},
		{"folded", "X: y\r\n z\r\nContent-Encoding:\r\n gzip\r\n", pack(page), page},
		{"nothing", coded("gzip") + chunked, "", ""},
	} {
		file := text(Response, "http://a.example/", "", "HTTP/1.1 200 OK\r\n"+c.headers+"\r\n"+c.body) + text(Response, "http://a.example/2", "", "HTTP/1.1 404 Not Found")
		r := NewReader(strings.NewReader(file), Pos{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if h, err := r.Head(); err != nil || h.Status != 200 {
			t.Fatal(c.name, h, err)
		}
		b, err := r.Body(64 << 10)
		got := string(b)
		if err != nil {
			got = "error: " + err.(*Fault).What
		}
		if got != c.want {
			t.Errorf("%s: %.80q; want %.80q", c.name, got, c.want)
		}
		// Whatever became of it, the next record is there.
		if _, err := r.Next(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if h, err := r.Head(); err != nil || h.Status != 404 {
			t.Errorf("%s: the next record: %v %v", c.name, h, err)
		}
		for i := range b { // a body that was handed out is the caller's
			b[i] = 'x'
		}
	}
}

func TestHeads(t *testing.T) {
	for _, c := range []struct{ block, want string }{
		{"HTTP/1.1 200 OK\nContent-Type: text/html\n\nx", "200 text/html x"},
		{"HTTP/2 200\r\ncontent-type: text/html\r\n\r\nx", "200 text/html x"},
		{"HTTP/1.1 200 OK\r\nContent-Type: text/html", "200 text/html "},
		{"HTTP/1.1 200 OK\r\n\r\n", "200  "},
		{"", "error: the response is empty"},
		{"<html>", `error: the response begins with "<html>", which is no HTTP status line`},
		{"HTTP/1.1 OK", `error: the response begins with "HTTP/1.1 OK", which is no HTTP status line`},
		{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", MaxHead), "error: the HTTP headers have no end within 64 KiB"},
	} {
		r := NewReader(strings.NewReader(text(Response, "http://a.example/", "", c.block)+text(Info, "", "", "")), Pos{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		h, err := r.Head()
		got := ""
		if err != nil {
			got = "error: " + err.(*Fault).What
		} else {
			b, err := r.Body(1 << 20)
			if err != nil {
				t.Error(err)
			}
			got = fmt.Sprintf("%d %s %s", h.Status, h.Header.Value("Content-Type"), b)
		}
		if got != c.want {
			t.Errorf("%.60q: %q; want %q", c.block, got, c.want)
		}
		if rec, err := r.Next(); err != nil || rec.Type != Info {
			t.Errorf("%.60q: the next record: %v", c.block, err)
		}
	}
}
