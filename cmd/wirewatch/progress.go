package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"wirewatch/configs"
)

// progress shows how far long work is: bars on a terminal, log lines elsewhere.
type progress struct {
	log  *slog.Logger
	bars *mpb.Progress // nil: standard error is no terminal
	draw chan any      // has the bars drawn, with the lines that were written since
	quit chan struct{}
	once sync.Once
}

// drawEvery is the time between two pictures of the bars.
const drawEvery = 200 * time.Millisecond

// logEvery is the time between two log lines of the same work.
const logEvery = 10 * time.Second

func newProgress(e *env, c configs.Log) *progress {
	f, ok := e.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{log: newLog(e, c)}
	}
	p := &progress{draw: make(chan any), quit: make(chan struct{})}
	p.bars = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40), mpb.WithManualRefresh(p.draw))
	go func() {
		tick := time.NewTicker(drawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.redraw()
			case <-p.quit:
				return
			}
		}
	}()
	above := *e
	above.stderr = aboveBars{p.bars, f}
	p.log = newLog(&above, c)
	return p
}

// redraw has the bars drawn, unless they cannot be: mpb gives up when the terminal has gone.
func (p *progress) redraw() {
	select {
	case p.draw <- nil:
	case <-time.After(drawEvery):
	}
}

// end leaves the bars as they are; what is logged from now on stands below them. mpb forgets the lines that were written since it last drew,
// so it draws once more; that it takes the second word means that it has done what the first one said.
func (p *progress) end() {
	if p.bars == nil {
		return
	}
	p.once.Do(func() {
		close(p.quit)
		p.redraw()
		p.redraw()
		p.bars.Shutdown()
	})
}

// aboveBars writes lines above the bars, and when these have ended, below them.
type aboveBars struct {
	bars *mpb.Progress
	file io.Writer
}

func (w aboveBars) Write(b []byte) (int, error) {
	if n, err := w.bars.Write(b); err == nil {
		return n, nil
	}
	return w.file.Write(b)
}

// A track is one piece of work.
type track struct {
	p     *progress
	name  string
	total int // -1: unknown
	start time.Time
	bar   *mpb.Bar

	mu    sync.Mutex
	first int // what was done when it was first asked
	begun bool
	n     int
	what  []any // pairs of a word and a number
	said  time.Time
}

// track begins to show work of total pieces; -1: nobody knows how many there are.
func (p *progress) track(name string, total int) *track {
	t := &track{p: p, name: name, total: total, start: time.Now(), said: time.Now()}
	if p.bars != nil {
		t.bar = p.bars.AddBar(int64(max(total, 0)), mpb.PrependDecorators(decor.Name(safe(name), decor.WCSyncSpaceR)), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return t.say() })))
	}
	return t
}

// set says how much is done, and in pairs of a word and a number what came of it.
func (t *track) set(n int, what ...any) {
	t.mu.Lock()
	if !t.begun { // an earlier run may have done much of it: the rate is that of what comes
		t.begun, t.first, t.start = true, n, time.Now()
	}
	t.n, t.what = n, what
	due := t.bar == nil && time.Since(t.said) >= logEvery
	if due {
		t.said = time.Now()
	}
	t.mu.Unlock()
	if t.bar != nil {
		if t.total < n {
			t.bar.SetTotal(int64(n)+1, false)
		}
		t.bar.SetCurrent(int64(n))
	}
	if due {
		t.p.log.Info(t.name, t.attrs()...)
	}
}

// rate is pieces a second, and the time that is left; 0: unknown.
func (t *track) rate() (rate float64, left time.Duration) {
	secs := time.Since(t.start).Seconds()
	if secs < 1 || t.n <= t.first {
		return 0, 0
	}
	rate = float64(t.n-t.first) / secs
	if t.total > t.n {
		left = time.Duration(float64(t.total-t.n) / rate * float64(time.Second)).Round(time.Second)
	}
	return rate, left
}

func (t *track) attrs() []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []any{"done", t.n}
	if t.total > 0 {
		out = append(out, "of", t.total)
	}
	out = append(out, t.what...)
	rate, left := t.rate()
	if rate > 0 {
		out = append(out, "a second", fmt.Sprintf("%.1f", rate))
	}
	if left > 0 {
		out = append(out, "left", left)
	}
	return out
}

// say is what stands behind a bar.
func (t *track) say() string {
	a := t.attrs()
	var b strings.Builder
	fmt.Fprintf(&b, " %v", a[1])
	for i := 2; i < len(a); i += 2 {
		switch a[i] {
		case "of":
			fmt.Fprintf(&b, "/%v", a[i+1])
		case "a second":
			fmt.Fprintf(&b, ", %v/s", a[i+1])
		default:
			if a[i+1] != 0 {
				fmt.Fprintf(&b, ", %v %v", a[i+1], a[i])
			}
		}
	}
	return b.String()
}

// done says the last word of it: that all of it is done, however many pieces were expected, or that some are left for another time.
func (t *track) done(all bool) {
	switch {
	case t.bar == nil && all:
		t.p.log.Info(t.name+": done", t.attrs()...)
	case t.bar == nil:
		t.p.log.Info(t.name+": some are left", t.attrs()...)
	case all:
		t.bar.SetTotal(-1, true)
	default:
		t.bar.Abort(false)
	}
}
