package newsroom

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// Site is one invented outlet with a house style of its own.
type Site struct {
	Key, Name, Lang string
	Tagline         string
	Charset         string // "" is UTF-8; windows-1251 is told only in the page's <meta>
	Style           string // the house style in a few words, for people
	Dir             string // "rtl" or ""

	room    *Newsroom
	base    string // http://ip:port once served
	prefix  string // of article paths
	suffix  string
	when    string // Go layout of the visible date
	machine string // "yes" when the page carries a machine-readable time
	by      string
	related string
	ago     []string // minutes, hours; # is the number
	months  []string
	zone    *time.Location
	robots  []string
	chrome  slots
	inserts map[string]slots
	edits   []edit
	page    *template.Template
}

// Base is the site's address, "" before Serve.
func (s *Site) Base() string { return s.base }

// slowness is what the slow page waits before its first byte.
const slowness = 1500 * time.Millisecond

// bombSize is what the bomb inflates to: above any sane limit for a page.
const bombSize = 80 << 20

// Handler serves the site: front page, robots.txt, feeds, articles. Requests
// are written to the newsroom's log.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveFront)
	mux.HandleFunc("GET /robots.txt", s.serveRobots)
	for _, f := range s.room.feeds {
		if f.site == s {
			mux.HandleFunc("GET "+f.path, func(w http.ResponseWriter, r *http.Request) { s.room.serveFeed(w, r, f) })
		}
	}
	for _, a := range s.room.articles {
		if a.site != s {
			continue
		}
		h := s.serveArticle(a)
		mux.HandleFunc("GET "+a.path(), h)
		if a.Trouble == "redirect" {
			mux.HandleFunc("GET "+a.link(), func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, a.path(), http.StatusFound)
			})
		}
	}
	return s.logged(mux)
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Site) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := s.room.log
		l.begin(s.Key)
		came := time.Now()
		sw := &statusWriter{ResponseWriter: w}
		defer func() {
			l.end(Request{
				Site: s.Key, Path: r.URL.Path, Status: sw.status, At: came, UserAgent: r.UserAgent(),
				Feed:        slices.ContainsFunc(s.room.feeds, func(f *feed) bool { return f.site == s && f.path == r.URL.Path }),
				Conditional: r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "",
			})
		}()
		next.ServeHTTP(sw, r)
	})
}

func (s *Site) serveRobots(w http.ResponseWriter, _ *http.Request) {
	if len(s.robots) == 0 {
		http.Error(w, "404 not found", http.StatusNotFound) // a site without rules: all is allowed
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "User-agent: *\n%s\n", strings.Join(s.robots, "\n"))
}

func (s *Site) serveFront(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html><html lang=%q><head><meta charset=\"utf-8\"><title>%s</title>\n", s.Lang, template.HTMLEscapeString(s.Name))
	for _, f := range s.room.feeds {
		if f.site == s && f.discoverable() {
			fmt.Fprintf(&b, "<link rel=\"alternate\" type=%q title=%q href=%q>\n", f.mediaType(), f.name, f.path)
		}
	}
	fmt.Fprintf(&b, "</head><body><h1>%s</h1><ul>\n", template.HTMLEscapeString(s.Name))
	for _, a := range s.room.articles {
		if a.site == s {
			fmt.Fprintf(&b, "<li><a href=%q>%s</a></li>\n", a.link(), template.HTMLEscapeString(a.first.title))
		}
	}
	b.WriteString("</ul></body></html>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a client that left is its own affair
}

// serveArticle answers with the page, or with the trouble the article is in.
func (s *Site) serveArticle(a *Article) http.HandlerFunc {
	var once sync.Once
	var bomb []byte
	var mu sync.Mutex
	hits := 0
	return func(w http.ResponseWriter, r *http.Request) {
		switch a.Trouble {
		case "notfound":
			http.NotFound(w, r)
			return
		case "slow":
			select {
			case <-time.After(slowness):
			case <-r.Context().Done():
				return
			}
		case "flaky":
			mu.Lock()
			hits++
			first := hits == 1
			mu.Unlock()
			if first {
				http.Error(w, "the press is being oiled", http.StatusServiceUnavailable)
				return
			}
		case "bomb":
			once.Do(func() { bomb = inflatable(a) })
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
			return
		}
		_, later := s.room.advanced()
		p := s.room.page(a, later)
		if a.Trouble == "paywall" {
			s.stub(p)
		}
		b, err := p.render()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		s.writePage(w, b)
	}
}

// stub cuts a page to its first paragraph and the house's paywall hint.
func (s *Site) stub(p *page) {
	p.Stub, p.End, p.Signoff = true, nil, ""
	for i, q := range p.Parts {
		if q.Kind == "p" {
			p.Parts = p.Parts[:i+1]
			break
		}
	}
	p.End = append(p.End, s.inserts["paywall-"+s.Lang]["end"]...)
}

func (s *Site) writePage(w http.ResponseWriter, b []byte) {
	if s.Charset == "windows-1251" {
		// No charset in the header on purpose: only the page's <meta> tells.
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(cyrillic(b))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b)
}

// cyrillic encodes as windows-1251; what it lacks becomes a character reference.
func cyrillic(b []byte) []byte {
	out, err := encoding.HTMLEscapeUnsupported(charmap.Windows1251.NewEncoder()).Bytes(b)
	if err != nil {
		return b // cannot happen: the encoder replaces what it can not write
	}
	return out
}

// inflatable is a gzip body of some hundred kilobytes that unpacks to bombSize.
func inflatable(a *Article) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil // only for an invalid constant level
	}
	fmt.Fprintf(z, "<!DOCTYPE html><html><head><title>%s</title></head><body><article>", template.HTMLEscapeString(a.first.title))
	chunk := bytes.Repeat([]byte("<p>The tide comes in and the tide goes out again.</p>\n"), 20_000)
	for n := 0; n < bombSize; n += len(chunk) {
		_, _ = z.Write(chunk) // a bytes.Buffer does not fail
	}
	_, _ = z.Write([]byte("</article></body></html>"))
	_ = z.Close()
	return b.Bytes()
}
