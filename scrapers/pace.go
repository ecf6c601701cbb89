package scrapers

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A pacer gives each host its lane: at most Parallel requests in flight, and starts at least Every apart. Lanes do not
// know of each other, and every wait ends with its context.
type pacer struct {
	pace    Pace
	reserve func(ctx context.Context, host string, every time.Duration) (time.Time, error)
	now     func() time.Time

	mu    sync.Mutex
	lanes map[string]*lane
	sweep int // look for idle lanes when there are this many
}

// A lane is one host's. It is forgotten when nobody uses it and its next slot is past.
type lane struct {
	slots chan struct{} // one token a request in flight
	users int           // waiting or in flight
	next  time.Time     // the next free slot, when there is no Reserve
}

// minSweep keeps the pacer of a small installation from looking for idle lanes at every request.
const minSweep = 64

func newPacer(p Pace, reserve func(context.Context, string, time.Duration) (time.Time, error), now func() time.Time) *pacer {
	p.Parallel = max(p.Parallel, 1)
	return &pacer{pace: p, reserve: reserve, now: now, lanes: map[string]*lane{}, sweep: minSweep}
}

// acquire waits for a place and a slot at host. The request's end is told by calling release, once.
func (p *pacer) acquire(ctx context.Context, host string) (func(), error) {
	l := p.join(host)
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		p.leave(host, l)
		return nil, context.Cause(ctx)
	}
	release := func() {
		<-l.slots
		p.leave(host, l)
	}
	ready := false
	defer func() { // also when Reserve panics
		if !ready {
			release()
		}
	}()
	if err := p.slot(ctx, host, l); err != nil {
		return nil, err
	}
	ready = true
	return release, nil
}

// slot waits for the host's next start.
func (p *pacer) slot(ctx context.Context, host string, l *lane) error {
	if p.pace.Every <= 0 {
		return ctx.Err()
	}
	var at time.Time
	if p.reserve != nil {
		var err error
		if at, err = p.reserve(ctx, host, p.pace.Every); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("reserve a slot at %s: %w", host, err)
		}
	} else {
		p.mu.Lock()
		if at = p.now(); at.Before(l.next) {
			at = l.next
		}
		l.next = at.Add(p.pace.Every)
		p.mu.Unlock()
	}
	wait := at.Sub(p.now())
	if wait <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pacer) join(host string) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[host]
	if l == nil {
		if len(p.lanes) >= p.sweep {
			now := p.now()
			for h, l := range p.lanes {
				if l.users == 0 && !l.next.After(now) {
					delete(p.lanes, h)
				}
			}
			p.sweep = max(minSweep, 2*len(p.lanes))
		}
		l = &lane{slots: make(chan struct{}, p.pace.Parallel)}
		p.lanes[host] = l
	}
	l.users++
	return l
}

func (p *pacer) leave(host string, l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.users--
	if l.users == 0 && !l.next.After(p.now()) {
		delete(p.lanes, host)
	}
}

// paced lets a request go when its host's lane is free. It sees each redirect as the request that it is. The place is
// given back when the response's body is closed; with start, when the response has begun: a file that is read for hours, at the pace
// of who works on it, does not keep everything else from its host.
type paced struct {
	next  http.RoundTripper
	pace  *pacer
	start bool
}

func (t paced) RoundTrip(r *http.Request) (*http.Response, error) {
	release, err := t.pace.acquire(r.Context(), Authority(r.URL))
	if err != nil {
		return nil, err
	}
	held := true
	defer func() {
		if held {
			release()
		}
	}()
	resp, err := t.next.RoundTrip(r)
	if err != nil || t.start {
		return resp, err
	}
	held = false
	resp.Body = &body{ReadCloser: resp.Body, done: release}
	return resp, nil
}
