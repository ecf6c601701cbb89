package newsroom

import (
	"slices"
	"sync"
	"time"
)

// Request is one request that reached a site.
type Request struct {
	Site, Path  string
	Status      int       // as answered; 0 when the connection was cut on purpose
	At          time.Time // when it came
	UserAgent   string
	Feed        bool // it asked for a feed
	Conditional bool // it carried If-None-Match or If-Modified-Since
}

// Log counts what the sites were asked for, so that politeness can be shown
// rather than claimed. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	requests []Request
	inFlight map[string]int
	most     map[string]int
}

func newLog() *Log { return &Log{inFlight: map[string]int{}, most: map[string]int{}} }

func (l *Log) begin(site string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[site]++
	l.most[site] = max(l.most[site], l.inFlight[site])
}

func (l *Log) end(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[r.Site]--
	l.requests = append(l.requests, r)
}

// Requests are all finished requests, in the order they ended.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.requests...)
}

// Count says how often a path of a site was requested, whatever the answer.
func (l *Log) Count(site, path string) int {
	n := 0
	for _, r := range l.Requests() {
		if r.Site == site && r.Path == path {
			n++
		}
	}
	return n
}

// Statuses counts the answers by status code; site "" means all sites.
func (l *Log) Statuses(site string) map[int]int {
	out := map[int]int{}
	for _, r := range l.Requests() {
		if site == "" || r.Site == site {
			out[r.Status]++
		}
	}
	return out
}

// MaxParallel is the highest number of requests that a site had in work at once.
func (l *Log) MaxParallel(site string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most[site]
}

// Closest is the shortest time between the starts of two requests to a site,
// feeds left out; 0 when there were not two.
func (l *Log) Closest(site string) time.Duration {
	var at []time.Time
	for _, r := range l.Requests() {
		if r.Site == site && !r.Feed {
			at = append(at, r.At)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	var least time.Duration
	for i := 1; i < len(at); i++ {
		if d := at[i].Sub(at[i-1]); least == 0 || d < least {
			least = d
		}
	}
	return least
}
