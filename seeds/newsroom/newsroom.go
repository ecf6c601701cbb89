// Package newsroom is a small world of invented news sites, served over real
// HTTP on loopback, in which everything that the pipeline has to do can be
// checked against what is right.
//
// Contract: every outlet, person, ship and event in it is fiction. The sites,
// their articles, their boilerplate and what the right answers are ("gold")
// are data files embedded in the binary; the code only renders them. The
// package imports nothing of the pipeline, so that a fault in the pipeline
// can not hide behind the same fault here. Dates are ages relative to the
// moment New was called, so the news is always fresh.
//
// The data: sites/KEY.txt is a house (header, then planted lines by slot of the
// page), layouts/*.html its style, articles/ID.txt an article (header, body,
// and after +++ the body that it has once the world has moved on),
// boilerplate.txt what an article's insert: line asks for, feeds.txt the
// feeds, rules.yaml and expected.txt the rules and what they must raise. In
// all of them "[[class:kind]] text" plants a line that must be removed with
// that class; "class|other" where two are equally right; everything else in a
// body is the journalist's.
package newsroom

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

//go:embed articles sites layouts feeds.txt rules.yaml expected.txt boilerplate.txt agencies.yaml
var files embed.FS

// Newsroom is one run of the world: its sites, the clock they were dated by,
// whether the news has moved on (Advance), and a log of what was requested.
// It is safe for concurrent use.
type Newsroom struct {
	start    time.Time
	sites    []*Site
	articles []*Article
	byID     map[string]*Article
	feeds    []*feed
	rules    string
	alerts   []ExpectedAlert
	agencies string
	log      *Log

	mu         sync.RWMutex
	advancedAt time.Time // zero until Advance
	now        func() time.Time
	served     bool
}

// New loads the embedded newsroom; now dates its articles (time.Now in the
// demo) and is asked once here and once in Advance. It fails only when the
// embedded data are inconsistent; the error names the file.
func New(now func() time.Time) (*Newsroom, error) {
	n := &Newsroom{now: now, start: now().Truncate(time.Minute), byID: map[string]*Article{}, log: newLog()}
	if err := n.load(files); err != nil {
		return nil, fmt.Errorf("newsroom data: %w", err)
	}
	return n, nil
}

// Sites are the outlets, in the order of their keys' files.
func (n *Newsroom) Sites() []*Site { return n.sites }

// Site returns the outlet with that key, or nil.
func (n *Newsroom) Site(key string) *Site {
	for _, s := range n.sites {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// Serve starts every site on a loopback address of its own and returns when
// all of them listen. They stop when ctx ends. Each site gets its own IP of
// 127.0.0.0/8 where the system allows that (Linux), so that sites are
// different hosts; elsewhere all share 127.0.0.1 and differ by port.
func (n *Newsroom) Serve(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.served {
		return errors.New("newsroom: Serve was called before; one newsroom serves once")
	}
	n.served = true
	var servers []*http.Server
	for i, s := range n.sites {
		ln, err := listen("127.0.0." + strconv.Itoa(11+i))
		if err != nil {
			for _, srv := range servers {
				_ = srv.Close() // the listening error is the one to report
			}
			return fmt.Errorf("newsroom site %s: %w", s.Key, err)
		}
		s.base = "http://" + ln.Addr().String()
		srv := &http.Server{
			Handler:           s.Handler(),
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		}
		servers = append(servers, srv)
		go func() { _ = srv.Serve(ln) }() // ends with ErrServerClosed when ctx ends
	}
	context.AfterFunc(ctx, func() {
		for _, srv := range servers {
			_ = srv.Close() // nobody is left to be told
		}
	})
	return nil
}

func listen(ip string) (net.Listener, error) {
	if ln, err := net.Listen("tcp", net.JoinHostPort(ip, "0")); err == nil {
		return ln, nil
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// Advance moves the world on: articles that change later show their new text,
// and the feeds that carry them say so. A second call changes nothing.
func (n *Newsroom) Advance() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.advancedAt.IsZero() {
		n.advancedAt = n.now().Truncate(time.Second)
	}
}

func (n *Newsroom) advanced() (time.Time, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.advancedAt, !n.advancedAt.IsZero()
}

// Articles is the gold of every article, before or after Advance as the world
// stands now.
func (n *Newsroom) Articles() []Gold {
	_, later := n.advanced()
	out := make([]Gold, 0, len(n.articles))
	for _, a := range n.articles {
		out = append(out, n.gold(a, later))
	}
	return out
}

// Gold is the gold of one article as the world stands now; false when there is
// no article with that id.
func (n *Newsroom) Gold(id string) (Gold, bool) {
	a := n.byID[id]
	if a == nil {
		return Gold{}, false
	}
	_, later := n.advanced()
	return n.gold(a, later), true
}

// Rules is the demo's rule file: YAML with name and query, without channels.
func (n *Newsroom) Rules() string { return n.rules }

// Expected are the alerts that the rules must raise, and no others.
func (n *Newsroom) Expected() []ExpectedAlert { return n.alerts }

// Agencies is YAML with the invented agencies of this world and how they sign
// (a list of name and marks), so that a run can add it to the extractor's
// agency lexicon: no shipped lexicon can know them.
func (n *Newsroom) Agencies() string { return n.agencies }

// Log is the record of every request that reached a site.
func (n *Newsroom) Log() *Log { return n.log }

func mustSub(dir string) fs.FS {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only for an invalid constant path
	}
	return sub
}
