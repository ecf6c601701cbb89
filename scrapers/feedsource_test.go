package scrapers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func TestPoll(t *testing.T) {
	var got http.Header
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if r.Header.Get("If-None-Match") == `"v1"` || r.Header.Get("If-Modified-Since") != "" {
			w.Header().Set("Cache-Control", "max-age=600")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		sendFeed(w)
	})
	s := &Feeds{Client: newClient(t, nil)}
	f := pipeline.Feed{Name: "wire", Kind: KindRSS, URL: srv.URL + "/feed"}
	p, err := s.Poll(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	if p.Unchanged || p.Title != "Wire" || len(p.Entries) != 2 || p.ETag != `"v1"` || p.LastModified != "Mon, 02 Jan 2006 15:04:05 GMT" ||
		p.Partial != nil || p.MovedTo != "" || p.Fresh != 5*time.Minute {
		t.Errorf("%+v", p)
	}
	e := p.Entries[0]
	if e.GUID != "a1" || e.URL != "http://wire.example/1" || e.Title != "One" || e.Published.Format(time.RFC3339) != "2006-01-02T15:04:05Z" {
		t.Errorf("%+v", e)
	}
	if got.Get("If-None-Match")+got.Get("If-Modified-Since") != "" || !strings.Contains(got.Get("Accept"), "application/rss+xml") {
		t.Errorf("first request: %v", got)
	}
	for _, state := range []pipeline.FeedState{{ETag: p.ETag}, {LastModified: p.LastModified}} {
		f.FeedState = state
		p, err := s.Poll(context.Background(), f)
		if err != nil || !p.Unchanged || p.Fresh != 10*time.Minute || len(p.Entries) != 0 {
			t.Errorf("%v %+v", err, p)
		}
	}
	f.Kind = "carrier pigeon"
	_, err = s.Poll(context.Background(), f)
	fails(t, err, pipeline.Final, "kind")
}

// A 304 that nobody asked for says nothing about the feed.
func TestPoll304WithoutCondition(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
	_, err := poll(newClient(t, nil), srv.URL)
	fails(t, err, pipeline.Retry, "status 304")
}

func TestPollStatuses(t *testing.T) {
	for _, tc := range []struct {
		code    int
		after   string
		verdict pipeline.Verdict
		pause   time.Duration
	}{
		{410, "", pipeline.Gone, 0}, {404, "", pipeline.Final, 0}, {500, "", pipeline.Retry, 0},
		{429, "30", pipeline.Throttled, 30 * time.Second}, {503, "30", pipeline.Throttled, 30 * time.Second}, {503, "", pipeline.Throttled, 0},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if tc.after != "" {
				w.Header().Set("Retry-After", tc.after)
			}
			w.WriteHeader(tc.code)
		})
		_, err := poll(newClient(t, nil), srv.URL)
		fails(t, err, tc.verdict, fmt.Sprint("status ", tc.code))
		if f := pipeline.AsFailure(err); f.After != tc.pause {
			t.Errorf("%d: after %s", tc.code, f.After)
		}
	}
}

func TestPollMoves(t *testing.T) {
	var target string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		code, rest, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
		if n, err := strconv.Atoi(code); err == nil {
			http.Redirect(w, r, target+"/"+rest, n)
			return
		}
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		sendFeed(w)
	})
	target = srv.URL
	c := newClient(t, nil)
	for path, moved := range map[string]bool{
		"/": false, "/301/": true, "/308/": true, "/301/308/301": true,
		"/302/": false, "/307/": false, "/303/": false, "/301/302": false, "/302/301": false, "/308/307/308": false,
	} {
		want := ""
		if moved {
			want = srv.URL + "/"
		}
		p, err := poll(c, srv.URL+path)
		if err != nil || p.MovedTo != want {
			t.Errorf("%s: moved to %q, want %q; %v", path, p.MovedTo, want, err)
		}
		f := pipeline.Feed{URL: srv.URL + path, FeedState: pipeline.FeedState{ETag: "x"}}
		p, err = (&Feeds{Client: c}).Poll(context.Background(), f)
		if err != nil || !p.Unchanged || p.MovedTo != want {
			t.Errorf("304 at %s: moved to %q, want %q; %v", path, p.MovedTo, want, err)
		}
	}
	// The address that earlier moves led to is the one that is asked.
	f := pipeline.Feed{URL: "http://127.0.0.1:1/", FeedState: pipeline.FeedState{Address: srv.URL}}
	if _, err := (&Feeds{Client: c}).Poll(context.Background(), f); err != nil {
		t.Error(err)
	}
	down := moves{permanent: true, secure: true, last: mustURL("http://wire.example/feed")}
	if to := down.target(); to != "" {
		t.Errorf("a move from https to %s was believed", to)
	}
	up := moves{permanent: true, last: mustURL("https://me:pw@wire.example/feed#x")}
	if to := up.target(); to != "https://wire.example/feed" {
		t.Errorf("moved to %s", to)
	}
}

// What a broken or cut document holds is kept; its validators are not.
func TestPollPartial(t *testing.T) {
	cutAt := strings.Index(rss, "<item><title>Two") + 20
	for name, h := range map[string]http.HandlerFunc{
		"cut by its author": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v"`)
			io.WriteString(w, rss[:cutAt])
		},
		"cut on the way": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v"`)
			w.Header().Set("Content-Length", strconv.Itoa(len(rss)))
			io.WriteString(w, rss[:cutAt])
		},
		"cut in gzip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v"`)
			w.Header().Set("Content-Encoding", "gzip")
			z := zipped(t, []byte(rss))
			w.Write(z[:len(z)-12])
		},
	} {
		srv := serve(t, h)
		p, err := poll(newClient(t, nil), srv.URL)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Partial == nil || len(p.Entries) == 0 || p.ETag != "" || p.LastModified != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "100") })
	_, err := poll(newClient(t, nil), srv.URL)
	fails(t, err, pipeline.Retry, "cut")
	srv = serve(t, func(w http.ResponseWriter, r *http.Request) {
		html(w, "<html><p>Welcome to our captive portal</p></html>")
	})
	_, err = poll(newClient(t, nil), srv.URL)
	fails(t, err, pipeline.Retry, "not a feed")
}

func TestPollPacked(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		if r.URL.Query().Get("said") != "" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Write(zipped(t, []byte(rss)))
	})
	for _, u := range []string{"/f.xml.gz?type=application/gzip", "/f?type=application/x-gzip", "/f.xml.gz?type=text/xml", "/f.xml.gz?type=application/gzip&said=1", "/f?type=application/rss%2Bxml"} {
		if p, err := poll(newClient(t, nil), srv.URL+u); err != nil || len(p.Entries) != 2 {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestPollTooLarge(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Replace(rss, "</channel>", strings.Repeat("<x>filler</x>", 12<<20/13)+"</channel>", 1))
	})
	_, err := poll(newClient(t, nil), srv.URL)
	fails(t, err, pipeline.Final, "too large")
	contains(t, err.Error(), "10 MiB")
}

func TestPollCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("lease lost")
	cancel(why)
	if _, err := (&Feeds{Client: newClient(t, nil)}).Poll(ctx, pipeline.Feed{URL: "http://127.0.0.1:1"}); err != why {
		t.Error(err)
	}
}

func TestFreshFor(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"Cache-Control: max-age=300", 5 * time.Minute},
		{"Cache-Control: public, MAX-AGE = \"300\"", 5 * time.Minute},
		{"Cache-Control: max-age=300|Age: 60", 4 * time.Minute},
		{"Cache-Control: max-age=300|Age: 600", 0},
		{"Cache-Control: no-cache, max-age=300", 0},
		{"Cache-Control: max-age=300|Cache-Control: no-store", 0},
		{"Cache-Control: max-age=-1", 0},
		{"Cache-Control: max-age=9223372036854775807", 365 * 24 * time.Hour},
		{"Cache-Control: max-age=300|Expires: Wed, 04 Mar 2026 09:00:00 GMT", 5 * time.Minute},
		{"Expires: Wed, 04 Mar 2026 05:30:00 GMT", 30 * time.Minute},
		{"Expires: Wed, 04 Mar 2026 05:30:00 GMT|Date: Wed, 04 Mar 2026 05:20:00 GMT", 10 * time.Minute},
		{"Expires: Wed, 04 Mar 2020 05:30:00 GMT", 0},
		{"Expires: 0", 0},
	} {
		h := http.Header{}
		for l := range strings.SplitSeq(tc.header, "|") {
			if k, v, ok := strings.Cut(l, ": "); ok {
				h.Add(k, v)
			}
		}
		if got := freshFor(h, now); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.header, got, tc.want)
		}
	}
}
